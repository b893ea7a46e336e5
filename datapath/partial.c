/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/partial.h"

#include <rte_ip.h>
#include <rte_mbuf.h>

#include "base/byteorder.h"
#include "datapath/chain.h"

enum {
	TCP = 6,
	UDP = 17,
	TCP_CSUM = 16,
	UDP_CSUM = 6,
	UDP_LEN = 4,
	TCP_MIN = 20,
	UDP_MIN = 8,
	IP6_HLEN = 40
};

/* Length of the L4 packet by the IP header; 0: it does not fit the frame. */
static uint32_t l4_length(const struct pkt *p, const uint8_t *l3, bool v4)
{
	uint32_t headers = (uint32_t)p->l4 - p->l3;
	uint32_t total = v4 ? get_be16(l3 + 2) : get_be16(l3 + 4) + (uint32_t)IP6_HLEN;

	if (total <= headers || p->l3 + total > p->m->pkt_len)
		return 0;
	return total - headers;
}

static uint16_t fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

/* Sum of the pseudo header (RFC 9293 3.1, RFC 8200 8.1), in the byte order of memory. */
static uint16_t pseudo(const uint8_t *l3, bool v4, uint8_t proto, uint32_t n)
{
	uint16_t tail[2] = { htobe16(proto), htobe16((uint16_t)n) };
	uint32_t sum = rte_raw_cksum(v4 ? l3 + 12 : l3 + 8, v4 ? 8 : 32);

	return fold(sum + tail[0] + tail[1]);
}

void partial_finish(struct pkt *p)
{
	const uint8_t proto = p->key.ip_proto;
	const unsigned int min = proto == TCP ? TCP_MIN : UDP_MIN;
	uint8_t *f = rte_pktmbuf_mtod(p->m, uint8_t *), *l3;
	uint16_t have, sum;
	uint32_t n;
	bool v4;

	if ((proto != TCP && proto != UDP) || p->key.ip_frag || p->l3 == PKT_NONE ||
	    p->l4 == PKT_NONE)
		return;
	l3 = f + p->l3;
	v4 = l3[0] >> 4 == 4;
	n = l4_length(p, l3, v4);
	if (n < min || p->l4 + min > p->m->data_len)
		return;
	f += p->l4 + (proto == TCP ? TCP_CSUM : UDP_CSUM);
	memcpy(&have, f, 2);
	if (!have || have != pseudo(l3, v4, proto, n))
		return;
	sum = (uint16_t)~chain_sum(p->m, p->l4, n);
	if (!sum && proto == UDP)
		sum = 0xffff;
	memcpy(f, &sum, 2);
	/* It need not be summed again by who tracks connections: of UDP if IP and it say one
	 * length. */
	if (proto == TCP || get_be16(f - UDP_CSUM + UDP_LEN) == n)
		p->m->ol_flags = (p->m->ol_flags & ~RTE_MBUF_F_RX_L4_CKSUM_MASK) |
				 RTE_MBUF_F_RX_L4_CKSUM_GOOD;
}

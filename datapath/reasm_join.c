/* SPDX-License-Identifier: Apache-2.0 */
/* The whole from its parts: headers of the first fragment, lengths, ECN. */
#include <rte_mbuf.h>

#include "datapath/chain.h"
#include "datapath/csum.h"
#include "datapath/reasm_priv.h"
#include "datapath/refrag.h"

enum {
	IP4_MF = 0x2000,
	IP4_OFFSET = 0x1fff,
	IP6_HLEN = 40,
	ETH_MAX = 1500,
	SNAP_HLEN = 8,
	ECN_NONE = 1 << 0,
	ECN_CE = 1 << 3,
};

void reasm_head(const struct rte_mbuf *m, const struct reasm_frag *f, uint8_t *page)
{
	memcpy(page, rte_pktmbuf_mtod(m, const void *), f->head);
	if (f->key.v6)
		page[f->next_at] = f->next;
}

/* RFC 3168 5.3: congestion that any fragment met, the whole has met. */
static void set_ce(uint8_t *ip, bool v6)
{
	if (v6)
		ip[1] |= 0x30;
	else
		ip[1] |= 3;
}

static void lengths(const struct reasm_datagram *d, uint8_t *ip)
{
	const uint32_t ip_len = d->head - d->l3 + d->total;
	uint8_t was[8];

	if (d->key.v6) {
		put_be16(ip + 4, (uint16_t)(ip_len - IP6_HLEN));
		if (d->ecns & ECN_CE)
			set_ce(ip, true);
		return;
	}
	memcpy(was, ip, 8);
	if (d->ecns & ECN_CE)
		set_ce(ip, false);
	put_be16(ip + 2, (uint16_t)ip_len);
	put_be16(ip + 6, get_be16(ip + 6) & (uint16_t) ~(IP4_MF | IP4_OFFSET));
	csum_apply(ip + 10, csum_delta(was, ip, 8));
}

/* An 802.3 header has the frame's length (RFC 1042), as long as that is one. */
static void fix_snap(const struct reasm_datagram *d, uint8_t *frame)
{
	const uint32_t n = SNAP_HLEN + d->head - d->l3 + d->total;
	uint8_t *length = frame + d->l3 - SNAP_HLEN - 2;

	if (d->l3 >= 14 + SNAP_HLEN && !memcmp(length + 2, "\xaa\xaa\x03\0\0", 6) &&
	    get_be16(length) <= ETH_MAX && n <= ETH_MAX)
		put_be16(length, (uint16_t)n);
}

enum drop reasm_join(const struct reasm_datagram *d, uint8_t *pages, struct rte_mempool *pool,
		     struct rte_mbuf **m)
{
	uint8_t *head = pages + (size_t)d->head_page * REASM_PAGE;
	const struct refrag_mark mark = { .id = d->key.id,
					  .ip_len = d->head - d->l3 + d->total,
					  .max = d->max,
					  .frag_at = (uint16_t)(d->head - d->l3) };

	/* Later fragments may have had shorter headers than the first. */
	if (mark.ip_len > REASM_IP_MAX + (d->key.v6 ? (uint32_t)IP6_HLEN : 0))
		return DROP_REASM_TOO_BIG;
	if (d->ecns & ECN_CE && d->ecns & ECN_NONE)
		return DROP_REASM_INVALID;
	lengths(d, head + d->l3);
	fix_snap(d, head);
	*m = chain_new(pool, head, d->head);
	if (!*m)
		return DROP_NO_MBUF;
	for (uint32_t at = 0; at < d->total; at += REASM_PAGE) {
		const uint32_t n = RTE_MIN(d->total - at, (uint32_t)REASM_PAGE);
		const uint8_t *page = pages + (size_t)d->page[at / REASM_PAGE] * REASM_PAGE;

		if (!chain_append(*m, page, n, pool)) {
			rte_pktmbuf_free(*m);
			return DROP_NO_MBUF;
		}
	}
	refrag_mark(*m, &mark);
	if (d->limit)
		(void)refrag_limit(*m, d->l3, d->limit);
	return N_DROPS;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* One fragment: is it sound, to which datagram does it belong, and which part of it is it? */
#include <rte_ip.h>
#include <rte_mbuf.h>

#include "base/ip_proto.h"
#include "datapath/reasm_priv.h"
#include "ofproto/enum.h"
#include "vlan/tag.h"

enum {
	IP6_HLEN = 40,
	FRAG_HLEN = 8,
	IP4_MF = 0x2000,
	IP4_OFFSET = 0x1fff,
	IP6_MORE = 1,
	IP6_OFFSET = 0xfff8,
};

static const uint8_t *frame(const struct pkt *p)
{
	return rte_pktmbuf_mtod(p->m, const uint8_t *);
}

static void key_set(const struct pkt *p, uint16_t zone, struct reasm_key *k)
{
	const struct flow_key *from = &p->key;

	*k = (struct reasm_key){ .tun_id = from->tun_id,
				 .tun_src = from->tun_src,
				 .tun_dst = from->tun_dst,
				 .in_port = from->in_port,
				 .zone = zone };
	memcpy(k->tun_ipv6_src, from->tun_ipv6_src, 16);
	memcpy(k->tun_ipv6_dst, from->tun_ipv6_dst, 16);
	for (unsigned int i = 0; i < p->n_vlans; i++) {
		const struct vlan_tag t = vlan_tag_get(frame(p) + p->l2_end + i * VLAN_HLEN);

		k->tag[i] = (uint32_t)t.tpid << 16 | (t.tci & VLAN_VID_MASK);
	}
}

static enum drop read_ipv4(const struct pkt *p, struct reasm_frag *f)
{
	const uint8_t *ip = frame(p) + p->l3;
	const uint32_t ihl = (ip[0] & 15) * 4u, flags = get_be16(ip + 6);

	/* A host looks at the checksum before anything else (RFC 1122 3.2.1.2). */
	if (rte_raw_cksum(ip, ihl) != 0xffff)
		return DROP_REASM_INVALID;
	f->ip_len = get_be16(ip + 2);
	f->head = f->data = f->l3 + ihl;
	f->len = f->ip_len - ihl; /* parse.c: at least ihl */
	f->at = (flags & IP4_OFFSET) * 8u;
	f->more = flags & IP4_MF;
	f->ecn = ip[1] & 3;
	f->key.id = htobe32(get_be16(ip + 4));
	f->key.proto = ip[9];
	memcpy(f->key.src, ip + 12, 4);
	memcpy(f->key.dst, ip + 16, 4);
	return N_DROPS;
}

/* To the first fragment header that makes a fragment; false: there is none in the frame's first
 * segment. */
static bool find_header(const struct pkt *p, struct reasm_frag *f)
{
	const uint8_t *b = frame(p);
	const uint32_t n = p->m->data_len;
	uint32_t at = f->l3 + IP6_HLEN;
	uint8_t proto = b[f->l3 + 6];

	f->next_at = (uint16_t)(f->l3 + 6);
	while (at + FRAG_HLEN <= n) {
		uint32_t len = (b[at + 1] + 1) * 8u;

		if (proto == PROTO_FRAGMENT) {
			if (get_be16(b + at + 2) & (IP6_OFFSET | IP6_MORE)) {
				f->head = at;
				f->data = at + FRAG_HLEN;
				return true;
			}
			len = FRAG_HLEN;
		} else if (proto == PROTO_AUTH) {
			len = (b[at + 1] + 2) * 4u;
		} else if (proto != PROTO_HOP && proto != PROTO_ROUTING && proto != PROTO_DEST) {
			return false;
		}
		proto = b[at];
		f->next_at = (uint16_t)at;
		at += len;
	}
	return false;
}

static enum drop read_ipv6(const struct pkt *p, struct reasm_frag *f)
{
	const uint8_t *ip = frame(p) + f->l3, *h;

	if (!find_header(p, f))
		return DROP_REASM_INVALID;
	h = frame(p) + f->head;
	f->ip_len = IP6_HLEN + get_be16(ip + 4);
	if (f->l3 + f->ip_len < f->data)
		return DROP_REASM_INVALID;
	f->len = f->l3 + f->ip_len - f->data;
	f->at = get_be16(h + 2) & IP6_OFFSET;
	f->more = get_be16(h + 2) & IP6_MORE;
	f->next = h[0];
	f->ecn = ip[1] >> 4 & 3;
	f->key.v6 = 1;
	memcpy(&f->key.id, h + 4, 4);
	memcpy(f->key.src, ip + 8, 16);
	memcpy(f->key.dst, ip + 24, 16);
	return N_DROPS;
}

enum drop reasm_read(const struct pkt *p, uint16_t zone, struct reasm_frag *f)
{
	const bool v4 = p->key.eth_type == htobe16(0x0800);
	enum drop why;
	uint32_t headers;

	*f = (struct reasm_frag){ .l3 = p->l3 };
	key_set(p, zone, &f->key);
	why = v4 ? read_ipv4(p, f) : read_ipv6(p, f);
	if (why != N_DROPS)
		return why;
	if (!f->len || f->l3 + f->ip_len > p->m->pkt_len || (f->more && f->len % 8) ||
	    f->head > REASM_HEAD_MAX)
		return DROP_REASM_INVALID;
	/* The lengths that the whole would have (the ping of death has more). */
	headers = f->head - f->l3 - (v4 ? 0 : IP6_HLEN);
	if (headers + f->at + f->len > REASM_IP_MAX)
		return DROP_REASM_TOO_BIG;
	return N_DROPS;
}

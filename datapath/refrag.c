/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/refrag.h"

#include <rte_errno.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_mbuf_dyn.h>

#include "base/byteorder.h"
#include "base/ip_proto.h"
#include "datapath/chain.h"

enum {
	IP4_MIN = 20,
	IP4_DF = 0x4000,
	IP4_MF = 0x2000,
	IP4_OFFSET = 0x1fff,
	IP6_HLEN = 40,
	IP6_NEXT = 6,
	FRAG_HLEN = 8,
	SNAP_HLEN = 8,
	ETH_MIN = 0x0600,
};

static int offset = -1;
static uint64_t flag;
uint64_t refrag_due_flag;

int refrag_init(struct err *e)
{
	static const struct rte_mbuf_dynfield field = { .name = "weft_refrag",
							.size = sizeof(struct refrag_mark),
							.align = 4 };
	static const struct rte_mbuf_dynflag bit = { .name = "weft_refrag" };
	static const struct rte_mbuf_dynflag due_bit = { .name = "weft_refrag_due" };
	int n, due;

	offset = rte_mbuf_dynfield_register(&field);
	n = offset < 0 ? -1 : rte_mbuf_dynflag_register(&bit);
	due = n < 0 ? -1 : rte_mbuf_dynflag_register(&due_bit);
	if (due < 0)
		return err_set(e, -rte_errno, "no room in DPDK's packet buffers: %s",
			       rte_strerror(rte_errno));
	flag = UINT64_C(1) << n;
	refrag_due_flag = UINT64_C(1) << due;
	return 0;
}

void refrag_mark(struct rte_mbuf *m, const struct refrag_mark *mark)
{
	*RTE_MBUF_DYNFIELD(m, offset, struct refrag_mark *) = *mark;
	m->ol_flags |= flag;
}

void refrag_resize(const struct rte_mbuf *m, struct rte_mbuf *to, int32_t more)
{
	struct refrag_mark mark;

	if (offset < 0 || !(m->ol_flags & flag))
		return;
	mark = *RTE_MBUF_DYNFIELD(m, offset, const struct refrag_mark *);
	mark.ip_len = (uint32_t)((int32_t)mark.ip_len + more);
	refrag_mark(to, &mark);
}

bool refrag_marked(const struct rte_mbuf *m, struct refrag_mark *mark, bool *due)
{
	if (!(m->ol_flags & flag))
		return false;
	*mark = *RTE_MBUF_DYNFIELD(m, offset, const struct refrag_mark *);
	*due = refrag_is_due(m);
	return true;
}

void refrag_mark_again(struct rte_mbuf *m, const struct refrag_mark *mark, bool due)
{
	refrag_mark(m, mark);
	m->ol_flags |= due ? refrag_due_flag : 0;
}

void refrag_clear(struct rte_mbuf *m)
{
	m->ol_flags &= ~(flag | refrag_due_flag);
}

/* A fragment that ends behind 65,535 cannot be cut: its parts would begin there. */
static bool may_fragment(const uint8_t *ip, uint32_t total)
{
	const uint16_t bits = get_be16(ip + 6);

	return ip[0] >> 4 == 4 && !(bits & IP4_DF) &&
	       (bits & IP4_OFFSET) * 8u + total - (ip[0] & 15) * 4u <= UINT16_MAX;
}

bool refrag_limit(struct rte_mbuf *m, uint32_t l3, uint32_t mtu)
{
	const uint8_t *ip = rte_pktmbuf_mtod_offset(m, const uint8_t *, l3);
	const uint32_t total = ip[0] >> 4 == 4 ? get_be16(ip + 2) : IP6_HLEN + get_be16(ip + 4);
	struct refrag_mark mark = { .ip_len = total, .max = UINT16_MAX };

	if (m->ol_flags & flag)
		mark = *RTE_MBUF_DYNFIELD(m, offset, const struct refrag_mark *);
	if (l3 + total > m->pkt_len || (mark.max > mtu && !may_fragment(ip, total)))
		return false;
	chain_cut(m, l3 + total);
	mark.max = (uint16_t)RTE_MIN((uint32_t)mark.max, mtu);
	refrag_mark(m, &mark);
	m->ol_flags |= refrag_due_flag;
	return true;
}

uint16_t refrag_limited(const struct rte_mbuf *m)
{
	return refrag_is_due(m) ? RTE_MBUF_DYNFIELD(m, offset, const struct refrag_mark *)->max : 0;
}

/* ---- How ---- */

bool refrag_start(struct refrag *r, const struct rte_mbuf *m, uint32_t room)
{
	const uint8_t *f = rte_pktmbuf_mtod(m, const uint8_t *);
	uint32_t ip_len, mtu;
	bool v6;

	if (!(m->ol_flags & flag))
		return false;
	*r = (struct refrag){ .m = m,
			      .mark = *RTE_MBUF_DYNFIELD(m, offset, const struct refrag_mark *) };
	ip_len = r->mark.ip_len;
	r->l3 = m->pkt_len - ip_len;
	if (ip_len > m->pkt_len || r->l3 + IP4_MIN > m->data_len)
		return false;
	if (room < r->l3)
		return false;
	mtu = RTE_MIN(room - r->l3, (uint32_t)r->mark.max);
	v6 = f[r->l3] >> 4 == 6;
	r->hlen = v6 ? r->mark.frag_at : (f[r->l3] & 15) * 4u;
	r->head = r->l3 + r->hlen;
	if (r->head > m->data_len || r->hlen < IP4_MIN)
		return false;
	r->total = ip_len - r->hlen;
	if (v6)
		r->hlen += FRAG_HLEN;
	if (mtu < r->hlen + 8)
		return false;
	r->unit = (mtu - r->hlen) & ~7u;
	return true;
}

/* ---- One piece ---- */

/* Options that are not to be copied (RFC 791 3.1) become no-operations in all pieces but the first,
 * so that all have the same header length. */
static void blank_options(uint8_t *ip, uint32_t ihl)
{
	uint32_t at = IP4_MIN;

	while (at < ihl && ip[at] != 0) {
		uint32_t n = 1;

		if (ip[at] != 1) {
			n = at + 1 < ihl ? ip[at + 1] : 0;
			if (n < 2 || at + n > ihl)
				return;
		}
		if (!(ip[at] & 0x80))
			memset(ip + at, 1, n);
		at += n;
	}
}

static void header_v4(const struct refrag *r, uint8_t *ip, uint32_t n)
{
	const bool more = r->done + n < r->total;
	uint16_t sum = 0;

	/* What it is itself a fragment of goes on behind it. */
	put_be16(ip + 2, (uint16_t)(r->hlen + n));
	put_be16(ip + 6, (uint16_t)((get_be16(ip + 6) + r->done / 8) | (more ? IP4_MF : 0)));
	if (r->done)
		blank_options(ip, r->hlen);
	memcpy(ip + 10, &sum, 2);
	sum = (uint16_t)~rte_raw_cksum(ip, r->hlen);
	memcpy(ip + 10, &sum, 2);
}

/* The header that was taken out is put in again, at the same place and with the same id. */
static void header_v6(const struct refrag *r, uint8_t *ip, uint32_t n)
{
	const bool more = r->done + n < r->total;
	uint8_t *h = ip + r->mark.frag_at, *next = ip + IP6_NEXT;

	for (uint32_t at = IP6_HLEN; at < r->mark.frag_at;) {
		const uint8_t proto = *next;

		next = ip + at;
		if (proto == PROTO_FRAGMENT)
			at += FRAG_HLEN;
		else if (proto == 51)
			at += (ip[at + 1] + 2) * 4u;
		else
			at += (ip[at + 1] + 1) * 8u;
	}
	h[0] = *next;
	h[1] = 0;
	*next = PROTO_FRAGMENT;
	put_be16(h + 2, (uint16_t)(r->done | more));
	memcpy(h + 4, &r->mark.id, 4);
	put_be16(ip + 4, (uint16_t)(r->hlen - IP6_HLEN + n));
}

/* An 802.3 header has the frame's length (RFC 1042). */
static void fix_snap(const struct refrag *r, uint8_t *f, uint32_t n)
{
	static const uint8_t snap[6] = { 0xaa, 0xaa, 0x03 };
	uint8_t *end = f + r->l3 - SNAP_HLEN;

	if (r->l3 < 14 + SNAP_HLEN || memcmp(end, snap, 6) != 0 || get_be16(end - 2) >= ETH_MIN)
		return;
	put_be16(end - 2, (uint16_t)(SNAP_HLEN + r->hlen + n));
}

struct rte_mbuf *refrag_next(struct refrag *r, struct rte_mempool *pool)
{
	const uint32_t n = RTE_MIN(r->unit, r->total - r->done), head = r->l3 + r->hlen;
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	uint8_t *f = m ? (uint8_t *)rte_pktmbuf_append(m, (uint16_t)head) : NULL;

	if (!f) {
		rte_pktmbuf_free(m);
		return NULL;
	}
	memcpy(f, rte_pktmbuf_mtod(r->m, const void *), r->head);
	if (f[r->l3] >> 4 == 6)
		header_v6(r, f + r->l3, n);
	else
		header_v4(r, f + r->l3, n);
	fix_snap(r, f, n);
	if (!chain_append_part(m, r->m, r->head + r->done, n, pool)) {
		rte_pktmbuf_free(m);
		return NULL;
	}
	m->port = r->m->port;
	r->done += n;
	return m;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/chain.h"

#include <string.h>

#include <rte_mbuf.h>

#include "datapath/csum.h"

/* Where at least one more byte fits; NULL: no buffer. */
static struct rte_mbuf *with_room(struct rte_mbuf *m, struct rte_mempool *pool)
{
	struct rte_mbuf *last = rte_pktmbuf_lastseg(m), *more;

	if (rte_pktmbuf_tailroom(last))
		return last;
	more = m->nb_segs < RTE_MBUF_MAX_NB_SEGS ? rte_pktmbuf_alloc(pool) : NULL;
	if (!more)
		return NULL;
	more->data_off = 0;
	last->next = more;
	m->nb_segs++;
	return more;
}

bool chain_append(struct rte_mbuf *m, const void *bytes, uint32_t n, struct rte_mempool *pool)
{
	const uint8_t *from = bytes;

	while (n) {
		struct rte_mbuf *seg = with_room(m, pool);
		uint32_t here;

		if (!seg)
			return false;
		here = RTE_MIN(n, rte_pktmbuf_tailroom(seg));
		memcpy(rte_pktmbuf_mtod_offset(seg, uint8_t *, seg->data_len), from, here);
		seg->data_len = (uint16_t)(seg->data_len + here);
		m->pkt_len += here;
		from += here;
		n -= here;
	}
	return true;
}

bool chain_append_part(struct rte_mbuf *m, const struct rte_mbuf *src, uint32_t off, uint32_t n,
		       struct rte_mempool *pool)
{
	for (; off >= src->data_len && src->next; src = src->next)
		off -= src->data_len;
	for (; n; src = src->next, off = 0) {
		const uint32_t here = RTE_MIN(n, src->data_len - off);

		if (!chain_append(m, rte_pktmbuf_mtod_offset(src, const uint8_t *, off), here,
				  pool))
			return false;
		n -= here;
	}
	return true;
}

void chain_read(const struct rte_mbuf *m, uint32_t off, uint32_t n, void *to)
{
	const void *p = rte_pktmbuf_read(m, off, n, to);

	if (p && p != to)
		memcpy(to, p, n);
}

uint16_t chain_sum(const struct rte_mbuf *m, uint32_t off, uint32_t n)
{
	uint32_t sum = 0, done = 0;

	for (; off >= m->data_len && m->next; m = m->next)
		off -= m->data_len;
	for (; done < n && m; m = m->next, off = 0) {
		const uint32_t here = RTE_MIN(n - done, m->data_len - off);
		uint32_t part = csum_sum(rte_pktmbuf_mtod_offset(m, const uint8_t *, off), here);

		/* At an odd place bytes change sides (RFC 1071, 2 B). */
		if (done % 2)
			part = (part & 0xff) << 8 | part >> 8;
		sum += part;
		done += here;
	}
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

struct rte_mbuf *chain_new(struct rte_mempool *pool, const void *bytes, uint32_t n)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

	if (m && !chain_append(m, bytes, n, pool)) {
		rte_pktmbuf_free(m);
		return NULL;
	}
	return m;
}

void chain_cut(struct rte_mbuf *m, uint32_t n)
{
	struct rte_mbuf *s = m;

	if (n == m->pkt_len)
		return;
	m->pkt_len = n;
	m->nb_segs = 1;
	for (; n > s->data_len; s = s->next, m->nb_segs++)
		n -= s->data_len;
	s->data_len = (uint16_t)n;
	rte_pktmbuf_free(s->next);
	s->next = NULL;
}

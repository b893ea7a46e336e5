/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/ct_quick.h"

#include <rte_branch_prediction.h>
#include <rte_mbuf.h>

#include "base/load.h"
#include "datapath/csum.h"
#include "datapath/ct_priv.h"
#include "datapath/ct_tcp.h"
#include "datapath/dp.h"

enum { IP_HLEN = 20, UDP_HLEN = 8, TCP_HLEN = 20 };

/* ---- Frames ---- */

static inline bool is_right(uint64_t sum)
{
	sum = (sum & UINT32_MAX) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	return ((sum & 0xffff) + (sum >> 16)) == 0xffff;
}

static inline bool vouched_for(uint64_t flags, uint64_t good, uint64_t none, uint64_t mask)
{
	return (flags & mask) == good || (flags & mask) == none;
}

static inline bool ip_sum_ok(const struct rte_mbuf *m, const uint8_t *ip)
{
	if (vouched_for(m->ol_flags, RTE_MBUF_F_RX_IP_CKSUM_GOOD, RTE_MBUF_F_RX_IP_CKSUM_NONE,
			RTE_MBUF_F_RX_IP_CKSUM_MASK))
		return true;
	return is_right((uint64_t)load32(ip) + load32(ip + 4) + load32(ip + 8) + load32(ip + 12) +
			load32(ip + 16));
}

/* As csum_sum(), of the two addresses and a TCP header without options, which is most of TCP. */
static inline uint64_t sum_of_28(const uint8_t *p)
{
	return (uint64_t)load32(p) + load32(p + 4) + load32(p + 8) + load32(p + 12) +
	       load32(p + 16) + load32(p + 20) + load32(p + 24);
}

/* 'n' bytes behind the header, and the pseudo-header, whose addresses stand right before them. */
static inline bool l4_sum_ok(const struct rte_mbuf *m, const uint8_t *ip, uint32_t n)
{
	if (vouched_for(m->ol_flags, RTE_MBUF_F_RX_L4_CKSUM_GOOD, RTE_MBUF_F_RX_L4_CKSUM_NONE,
			RTE_MBUF_F_RX_L4_CKSUM_MASK))
		return true;
	return is_right((n == TCP_HLEN ? sum_of_28(ip + 12) : csum_sum(ip + 12, 8 + n)) +
			htobe16(ip[9]) + htobe16((uint16_t)n));
}

/* 'n': what IP says is behind its header, which is there. */
static inline bool udp_ok(const struct rte_mbuf *m, const uint8_t *ip, uint32_t n)
{
	const uint32_t len = get_be16(ip + IP_HLEN + 4);

	if (len < UDP_HLEN || len > n)
		return false;
	return !get_be16(ip + IP_HLEN + 6) || l4_sum_ok(m, ip, len);
}

static inline bool tcp_ok(const struct rte_mbuf *m, const uint8_t *ip, uint32_t n,
			  struct ct_tcp_seg *g)
{
	const uint8_t *tcp = ip + IP_HLEN;
	const uint32_t hlen = (tcp[12] >> 4) * 4u;

	/* What begins and ends is not for here.  At least 8 bytes are there in any case. */
	if (n < TCP_HLEN || hlen < TCP_HLEN || hlen > n || (tcp[13] & 0x3f & ~TCP_PSH) != TCP_ACK)
		return false;
	*g = (struct ct_tcp_seg){ .seq = get_be32(tcp + 4),
				  .ack = get_be32(tcp + 8),
				  .win = get_be16(tcp + 14),
				  .flags = tcp[13] & 0x3f };
	g->end = g->seq + n - hlen;
	return l4_sum_ok(m, ip, n);
}

bool ct_quick_read(const struct ct *t, const struct rte_mbuf *m, uint32_t l3, uint16_t zone,
		   struct ct_quick *q)
{
	const uint8_t *ip = rte_pktmbuf_mtod_offset(m, const uint8_t *, l3);
	const uint32_t total = get_be16(ip + 2), n = total - IP_HLEN;
	uint32_t ports;

	if (unlikely(total > m->data_len - l3 || !ip_sum_ok(m, ip)))
		return false;
	if (ip[9] == IPPROTO_UDP ? !udp_ok(m, ip, n)
				 : ip[9] != IPPROTO_TCP || !tcp_ok(m, ip, n, &q->g))
		return false;
	q->ip = ip;
	q->src = load32(ip + 12);
	q->dst = load32(ip + 16);
	ports = load32(ip + IP_HLEN);
	/* One that would be its own answer is none. */
	if (unlikely(q->src == q->dst && ports >> 16 == (ports & 0xffff)))
		return false;
	q->rest = ports | (uint64_t)zone << 32 | (uint64_t)ip[9] << 48 | UINT64_C(4) << 56;
	q->hash = ct_hash_ipv4(t, q->src, q->dst, (uint32_t)q->rest, (uint32_t)(q->rest >> 32));
	rte_prefetch0(ct_bucket_of(t, q->hash));
	return true;
}

/* ---- Connections ---- */

/* The word 'rest' of struct ct_quick with its ports changed over. */
static inline uint64_t turned_of(uint64_t rest)
{
	const uint32_t ports = (uint32_t)rest;

	return (rest & ~(uint64_t)UINT32_MAX) | (ports << 16 | ports >> 16);
}

/*
 * Whether 'c' has it, and as which direction: the first tuple, or that one turned round, which is
 * the other's where nobody translates (ct_quick() looks at that).  Nobody can foretell which, so
 * that both are compared, without a branch.  Behind IPv4's addresses there are but zeros.
 */
static inline bool has(const struct ct_conn *c, const struct ct_quick *q, enum ct_dir *dir)
{
	const uint32_t src = load32(c->orig.src), dst = load32(c->orig.dst);
	const uint64_t rest = load64((const uint8_t *)&c->orig.src_port),
		       turned = turned_of(q->rest);
	const uint64_t orig = (src ^ q->src) | (dst ^ q->dst) | (rest ^ q->rest);
	const uint64_t reply = (src ^ q->dst) | (dst ^ q->src) | (rest ^ turned);

	*dir = orig ? CT_REPLY : CT_ORIG;
	return !orig | !reply;
}

static inline bool is_tcp(const struct ct_quick *q)
{
	return (uint8_t)(q->rest >> 48) == IPPROTO_TCP;
}

void ct_quick_fetch(const struct ct *t, struct ct_quick *q, bool mark)
{
	const struct ct_bucket *b = ct_bucket_of(t, q->hash);
	const unsigned int may = ct_alike(b, ct_sig_of(q->hash));
	const char *c;

	q->ref = 0;
	if (!may)
		return;
	q->ref = atomic_load_explicit(&b->ref[__builtin_ctz(may)], memory_order_acquire);
	if (!q->ref)
		return;
	c = (const char *)ct_conn_of(t, q->ref);
	__builtin_prefetch(c, 1);
	if (mark || is_tcp(q))
		__builtin_prefetch(c + offsetof(struct ct_conn, peer), 1);
}

static inline struct ct_conn *find(struct ct *t, const struct ct_quick *q, uint32_t now,
				   enum ct_dir *dir)
{
	struct ct_conn *c;
	struct ct_tuple k;

	if (likely(q->ref)) {
		c = ct_conn_of(t, q->ref);
		if (likely(has(c, q, dir)))
			return likely(!ct_expired(c, now)) ? c : NULL;
	}
	memset(&k, 0, sizeof(k));
	memcpy(k.src, &q->src, sizeof(q->src));
	memcpy(k.dst, &q->dst, sizeof(q->dst));
	memcpy(&k.src_port, &q->rest, sizeof(q->rest));
	return ct_find(t, &k, q->hash, now, dir);
}

/* Segments that say something new; under the lock. */
static bool note_numbers(struct ct *t, struct ct_conn *c, const struct ct_quick *q, enum ct_dir dir,
			 uint32_t now) PMD
{
	struct ct_tcp_peer peer[2];

	ct_tcp_peers(c, peer);
	/* Of a bad one it changes nothing. */
	if (peer[0].state != CT_TCP_OPEN || peer[1].state != CT_TCP_OPEN ||
	    ct_tcp_update(peer, dir, &q->g, false) != CT_TCP_GOOD)
		return false;
	ct_tcp_set_peers(c, peer);
	ct_touch(t, c, CT_T_TCP_ESTABLISHED, now);
	return true;
}

static inline bool numbers_ok(struct ct *t, struct ct_conn *c, const struct ct_quick *q,
			      enum ct_dir dir, uint32_t now) PMD
{
	struct ct_tcp_peer peer[2];
	bool ok;

	ct_tcp_peers(c, peer);
	/* Without the lock nothing is written: another thread may just have seen the connection
	 * end, which would live on for the time of an open one. */
	if (likely(ct_tcp_is_plain(peer, dir, &q->g) && ct_is_fresh(t, c, now)))
		return true;
	ct_conn_lock(c);
	ok = note_numbers(t, c, q, dir, now);
	ct_conn_unlock(c);
	return ok;
}

/* By direction, and whether there was a reply; 0: there should have been one. */
static const uint8_t states[2][2] = {
	[CT_ORIG] = { CT_TRK | CT_NEW, CT_TRK | CT_EST },
	[CT_REPLY] = { 0, CT_TRK | CT_EST | CT_RPL },
};

uint8_t ct_quick(struct pmd *w, struct ct *t, const struct ct_quick *q, uint32_t now,
		 struct ct_conn **conn)
{
	enum ct_dir dir = CT_ORIG;
	struct ct_conn *c = find(t, q, now, &dir);
	uint8_t flags, state;

	if (!c)
		return 0;
	flags = atomic_load_explicit(&c->flags, memory_order_acquire);
	state = states[dir][!!(flags & CT_F_SEEN_REPLY)];
	if ((flags & ~CT_F_SEEN_REPLY) != CT_F_LIVE || !state)
		return 0;
	if (is_tcp(q)) {
		if (unlikely(!numbers_ok(t, c, q, dir, now)))
			return 0;
	} else {
		ct_touch(t, c, flags & CT_F_SEEN_REPLY ? CT_T_UDP_MULTIPLE : CT_T_UDP_SINGLE, now);
	}
	ct_count(w, c, dir);
	*conn = c;
	return state;
}

void ct_quick_tell(struct ct_conn *c, uint8_t state, struct ct_result *out)
{
	out->state = state;
	out->drop = N_DROPS;
	ct_conn_lock(c);
	out->mark = atomic_load_explicit(&c->mark, memory_order_relaxed);
	memcpy(out->label, c->label, sizeof(out->label));
	ct_conn_unlock(c);
	out->orig = c->orig;
}

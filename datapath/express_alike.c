/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/express_alike.h"

#include <rte_atomic.h>
#include <rte_branch_prediction.h>
#include <rte_mbuf.h>

#include "datapath/cache_priv.h"

/* Words in which a packet's tunnel is. */
#define TUN_WORDS (BIT(W_TUN) | ((BIT(W_TUN_END) - 1) & ~(BIT(W_TUN_ADDR) - 1)))

enum express_need express_need(uint64_t words, const uint64_t *bits)
{
	const uint64_t port = BIT(0) | BIT(W_PORT) | TUN_WORDS;
	const struct flow_key tci = { .vlan_tci = UINT16_MAX };

	if (!(words & ~port))
		return EXPRESS_NOTHING;
	if (!(words & ~(port | BIT(W_SRC))) &&
	    !(bits[W_SRC] & ~load64((const uint64_t *)&tci + W_SRC)))
		return EXPRESS_TAG;
	if (!(words & ~(port | BIT(W_DST) | BIT(W_SRC))))
		return EXPRESS_ETH;
	return EXPRESS_IPV4;
}

/* ---- A run leaves ---- */

/* Which frames are of it: all, or those with a tag that is the same in what is looked at, or those
 * without. */
enum of_run { EITHER, TAGGED, UNTAGGED };

struct run {
	struct rte_mbuf **m;
	unsigned int at, end; /* the next frame, and the first that cannot be of it */
	uint32_t in_port;
	uint32_t tag, tag_mask; /* TAGGED: as it stands in the frame, TPID and TCI */
	uint32_t served;
	uint64_t bytes, left;
};

/* What of ol_flags no straight line is for: its upper half, which is tested without a register. */
#define ODD_FLAGS (RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL | RTE_MBUF_F_TX_OFFLOAD_MASK)
_Static_assert(!(uint32_t)ODD_FLAGS && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "upper half");

/* A frame that no straight line is for. */
static __rte_always_inline bool is_odd(const struct rte_mbuf *m, unsigned int headroom)
{
	const uint32_t whole = 0x00010001; /* one reference, one segment */
	const char *flags = (const char *)&m->ol_flags;

	_Static_assert(offsetof(struct rte_mbuf, nb_segs) - offsetof(struct rte_mbuf, refcnt) == 2,
		       "one word");
	return load32((const char *)m + offsetof(struct rte_mbuf, refcnt)) != whole ||
	       m->data_len < ETH_HLEN + VLAN_HLEN || (headroom && m->data_off < headroom) ||
	       load32(flags + 4) & (uint32_t)(ODD_FLAGS >> 32);
}

/* One frame with all that may be odd about it. */
static __rte_noinline void leave_one(struct pmd *w, struct burst *b, struct leaving *l,
				     const struct express *x, struct run *r) PMD
{
	struct rte_mbuf *m = r->m[r->at];
	uint64_t key[FLOW_KEY_LINE / sizeof(uint64_t)];
	const uint8_t l3 = x->does & EXPRESS_TAGS ? frame_words(m, EXPRESS_ETH, key) : 0;

	if (m->data_len < ETH_HLEN || x->does & EXPRESS_TTL ||
	    !express_fits(x, m, l3, r->in_port)) {
		r->left |= BIT(r->at);
		return;
	}
	r->served++;
	r->bytes += frame_len(m);
	leave(w, b, l, x, m, l3, r->at, r->in_port);
}

typedef uint32_t quarters __attribute__((vector_size(16)));

/* The MACs make room for a tag, and there it is; and back, where what was in front of them is of no
 * use any more.  'f' is the frame's first byte, and it has more than 16.  */
static __rte_always_inline void put_tag(uint8_t *f, uint32_t tag)
{
	quarters head;

	memcpy(&head, f, sizeof(head));
	head[3] = tag;
	memcpy(f - VLAN_HLEN, &head, sizeof(head));
}

static __rte_always_inline void take_tag_out(uint8_t *f)
{
	quarters head;

	memcpy(&head, f, sizeof(head));
	head = __builtin_shufflevector(head, head, 0, 0, 1, 2);
	memcpy(f, &head, sizeof(head));
}

/*
 * A frame of one segment of 'len' bytes has 'by' more of them in front.  (The barrier: compilers
 * would write type and length as one vector, and take longer to gather it.)
 */
static __rte_always_inline void lengthen(struct rte_mbuf *m, uint32_t len, int by)
{
	len = (uint32_t)((int)len + by);
	m->data_off = (uint16_t)(m->data_off - by);
	m->packet_type &= ~(uint32_t)RTE_PTYPE_L2_MASK;
	rte_compiler_barrier();
	m->data_len = (uint16_t)len;
	m->pkt_len = len;
}

/* What leaves from place 'n' on does so by 'x'. */
static __rte_noinline void line_begin(struct burst *b, struct leaving *l, const struct express *x,
				      uint32_t in_port, uint32_t n)
{
	l->n = n;
	if (x->does & EXPRESS_TUN)
		l->port = NOBODY;
	if (x->port != l->port || in_port != l->in_port)
		turn(b, l, x, in_port);
}

/* Those from place 'n' on that a line has put there have these MACs. */
static __rte_noinline void line_macs(const struct burst *b, const struct express *x, uint32_t n,
				     uint32_t end)
{
	for (; n < end; n++)
		rewrite(x, rte_pktmbuf_mtod(b->x[n], uint8_t *), 0);
}

/*
 * Frames from r->at on, as long as they are of the run, to a port that they may go to.  'does':
 * what of EXPRESS_TAGS.  A run by tag ends before a frame that is odd, since that may have no such
 * key.
 */
static __rte_always_inline void leave_line(struct pmd *w, struct burst *b, struct leaving *l,
					   const struct express *x, struct run *r,
					   const unsigned int does, const enum of_run of) PMD
{
	const int by = does & EXPRESS_PUSH ? VLAN_HLEN : does & EXPRESS_POP ? -VLAN_HLEN : 0;
	const bool macs = x->does & (EXPRESS_DST | EXPRESS_SRC);
	const uint16_t set = htobe16(x->tci), dei = does & EXPRESS_PUSH ? VLAN_DEI : 0,
		       keep = htobe16((uint16_t) ~(x->tci_mask | dei)),
		       tpid = htobe16(x->does & EXPRESS_STAG ? VLAN_TPID_S : VLAN_TPID_C);
	const uint32_t at = r->at, end = r->end, tag = r->tag, tag_mask = r->tag_mask;
	struct rte_mbuf *const *in = r->m;
	/* Where frame i goes, if none is left out from here on: one counter for all. */
	struct rte_mbuf **to = b->x + l->n - r->at;
	uint8_t *seq = b->x_seq + l->n - r->at;
	uint32_t first = l->n, served = 0;
	uint64_t bytes = 0, longest = 0; /* of 64 bits: no vector is made of a maximum */
	const bool by_tag = of == TAGGED || of == UNTAGGED;
	bool begun = by_tag; /* whose first frame is of the run */
	size_t i;

	if (begun)
		line_begin(b, l, x, r->in_port, l->n);

	for (i = at; i < end; i++) {
		struct rte_mbuf *m = in[i];
		const uint64_t len = m->data_len;
		bool tagged;
		uint16_t type;
		uint8_t *f;

		if (unlikely(is_odd(m, does & EXPRESS_PUSH ? VLAN_HLEN : 0))) {
			if (by_tag)
				break;
			l->n = (uint32_t)(to + i - b->x);
			if (macs)
				line_macs(b, x, first, l->n);
			r->at = (unsigned int)i;
			leave_one(w, b, l, x, r);
			served--; /* it has counted itself, or not at all */
			first = l->n;
			to = b->x + first - (i + 1);
			seq = b->x_seq + first - (i + 1);
			begun = false;
			continue;
		}
		f = rte_pktmbuf_mtod(m, uint8_t *);
		if (of == TAGGED && (load32(f + MACS) ^ tag) & tag_mask)
			break;
		type = load16(f + MACS);
		tagged = of == TAGGED || type == htobe16(VLAN_TPID_C) ||
			 type == htobe16(VLAN_TPID_S);
		if (of == UNTAGGED && tagged)
			break;
		if (does & EXPRESS_POP && unlikely(!tagged)) {
			r->left |= BIT(i);
			served--;
			to--;
			seq--;
			continue;
		}
		if (!by_tag && unlikely(!begun)) {
			line_begin(b, l, x, r->in_port, (uint32_t)(to + i - b->x));
			begun = true;
		}
		if (does & EXPRESS_PUSH) {
			const uint16_t tci = tagged ? load16(f + ETH_HLEN) : 0;

			put_tag(f, tpid | (uint32_t)((tci & keep) | set) << 16);
		} else if (does & EXPRESS_POP) {
			take_tag_out(f);
		} else if (does & EXPRESS_TCI && tagged) {
			const uint16_t tci = (uint16_t)((load16(f + ETH_HLEN) & keep) | set);

			memcpy(f + ETH_HLEN, &tci, sizeof(tci));
		}
		if (by)
			lengthen(m, (uint32_t)len, by);
		bytes += len;
		longest = RTE_MAX(longest, len);
		to[i] = m;
		seq[i] = (uint8_t)i;
	}
	served += (uint32_t)i - at;
	l->n = (uint32_t)(to + i - b->x);
	if (macs)
		line_macs(b, x, first, l->n);
	r->at = (unsigned int)i;
	r->served += served;
	r->bytes += bytes;
	if (served)
		l->longest = RTE_MAX(l->longest, (uint32_t)((int)longest + by));
	if (x->does & EXPRESS_TUN)
		l->port = NOBODY;
}

/* The same of frames that nobody looks into or writes to. */
static void leave_blind(struct pmd *w, struct burst *b, struct leaving *l, const struct express *x,
			struct run *r) PMD
{
	const uint32_t at = r->at, n = r->end - at;
	struct rte_mbuf *const *in = r->m + at;
	struct rte_mbuf **to = b->x + l->n;
	uint8_t *seq = b->x_seq + l->n;
	uint64_t bytes = 0, longest = 0, short_of = 0, more = 0;

#pragma GCC unroll 4
	for (uint32_t i = 0; i < n; i++) {
		struct rte_mbuf *m = in[i];
		const uint64_t len = m->data_len;

		to[i] = m;
		seq[i] = (uint8_t)(at + i);
		more |= m->nb_segs - 1u;
		short_of |= len - ETH_HLEN;
		bytes += len;
		longest = RTE_MAX(longest, len);
	}
	if (unlikely(more || short_of >> 63)) {
		for (; r->at < r->end; r->at++)
			leave_one(w, b, l, x, r);
		return;
	}
	line_begin(b, l, x, r->in_port, l->n);
	l->n += n;
	l->longest = RTE_MAX(l->longest, (uint32_t)longest);
	if (x->does & EXPRESS_TUN)
		l->port = NOBODY;
	r->at = r->end;
	r->served += n;
	r->bytes += bytes;
}

/* A line for each thing to be done to tags, and each kind of run; apart, so that each has all of
 * the registers. */
#define LINES(name, of)                                                                           \
	static __rte_noinline void name##_push(struct pmd *w, struct burst *b, struct leaving *l, \
					       const struct express *x, struct run *r) PMD        \
	{                                                                                         \
		leave_line(w, b, l, x, r, EXPRESS_PUSH, of);                                      \
	}                                                                                         \
	static __rte_noinline void name##_pop(struct pmd *w, struct burst *b, struct leaving *l,  \
					      const struct express *x, struct run *r) PMD         \
	{                                                                                         \
		leave_line(w, b, l, x, r, EXPRESS_POP, of);                                       \
	}                                                                                         \
	static __rte_noinline void name##_tci(struct pmd *w, struct burst *b, struct leaving *l,  \
					      const struct express *x, struct run *r) PMD         \
	{                                                                                         \
		leave_line(w, b, l, x, r, EXPRESS_TCI, of);                                       \
	}                                                                                         \
	static __rte_noinline void name##_macs(struct pmd *w, struct burst *b, struct leaving *l, \
					       const struct express *x, struct run *r) PMD        \
	{                                                                                         \
		leave_line(w, b, l, x, r, 0, of);                                                 \
	}                                                                                         \
	/* A run that nothing is to be found out about. */                                        \
	static inline void name(struct pmd *w, struct burst *b, struct leaving *l,                \
				const struct express *x, struct run *r) PMD                       \
	{                                                                                         \
		if (x->does & EXPRESS_PUSH)                                                       \
			name##_push(w, b, l, x, r);                                               \
		else if (x->does & EXPRESS_POP)                                                   \
			name##_pop(w, b, l, x, r);                                                \
		else if (x->does & EXPRESS_TCI)                                                   \
			name##_tci(w, b, l, x, r);                                                \
		else                                                                              \
			name##_macs(w, b, l, x, r);                                               \
	}
LINES(leave_either, EITHER)
LINES(leave_tagged, TAGGED)
LINES(leave_untagged, UNTAGGED)
#undef LINES

/* There is no line to where none goes, and none to what only some frames can have done. */
static bool in_a_line(const struct express *x, uint32_t in_port)
{
	return x->port && x->port != in_port && !(x->does & EXPRESS_TTL);
}

static inline void count_run(struct pmd *w, struct leaving *l, const struct express *x,
			     const struct run *r)
{
	const uint64_t tables = tables_of(x);

	if (!r->served)
		return;
	if (unlikely(way_is_long(x->n_flows))) {
		count_long(w, l, x, r->served, r->bytes);
		return;
	}
	if (tables != l->tables) {
		count_tables(w, l->tables, l->n_ways);
		l->tables = tables;
		l->n_ways = 0;
	}
	l->n_ways += r->served;
	count_flows(w, x, r->served, r->bytes);
}

/* ---- By port ---- */

/* Frames of a run that came in at one place and go the same way. */
static void run_alike(struct pmd *w, struct burst *b, struct leaving *l, struct run *r,
		      const struct flow_key *key, bool tunnel) PMD
{
	struct cache *c = w->cache;
	uint64_t words[CACHE_WORDS_MAX];
	const uint64_t hash = cache_take(c, (const uint64_t *)key, words, c->n_in);
	const struct cache_entry *e = cache_find(c, c->stamp, hash, words, c->n_in);
	const struct express *x;

	r->in_port = be32toh(key->in_port);
	if (!e || e->way != CACHE_EXPRESS || (tunnel && goes_on_in_a_tunnel(w, &e->express))) {
		r->left |= all(r->end) & ~all(r->at);
		r->at = r->end;
		return;
	}
	x = &e->express;
	stage_begin(&w->stages, STAGE_ACTIONS, r->end - r->at);
	r->served = 0;
	r->bytes = 0;
	if (unlikely(!in_a_line(x, r->in_port)))
		for (; r->at < r->end; r->at++)
			leave_one(w, b, l, x, r);
	else if (x->does & EXPRESS_WRITES)
		leave_either(w, b, l, x, r);
	else
		leave_blind(w, b, l, x, r);
	c->sure = r->served;
	count_run(w, l, x, r);
	cache_judge(w, r->served, r->served);
}

/* The last of those from 'from' on whose frames have the same key as its own, in all that is looked
 * at, and came in by the same port. */
static const struct express_from *last_alike(const struct cache *c, const struct express_from *from,
					     unsigned int n, const struct flow_key *key)
{
	uint64_t words[CACHE_WORDS_MAX], other[CACHE_WORDS_MAX];
	struct flow_key next;

	if (likely(from->end >= n))
		return from;
	if (!(c->words & TUN_WORDS)) {
		while (from->end < n && from[1].port == from->port)
			from++;
		return from;
	}
	cache_take(c, (const uint64_t *)key, words, c->n_in);
	next = *key;
	for (; from->end < n && from[1].port == from->port; from++) {
		uint64_t differ = 0;

		from_tunnel(from + 1, &next);
		cache_take(c, (const uint64_t *)&next, other, c->n_in);
		for (unsigned int i = 0; i < c->n_in; i++)
			differ |= words[i] ^ other[i];
		if (differ)
			break;
	}
	return from;
}

uint64_t express_places(struct pmd *w, struct burst *b, struct leaving *l, struct rte_mbuf **m,
			unsigned int n, const struct express_from *from, struct flow_key *key)
{
	struct run r = { .m = m, .end = n };

	if (!from) {
		run_alike(w, b, l, &r, key, false);
		return r.left;
	}
	for (; r.at < n; from++) {
		from_tunnel(from, key);
		from = last_alike(w->cache, from, n, key);
		r.end = from->end;
		run_alike(w, b, l, &r, key, true);
	}
	return r.left;
}

/* ---- By port and tag ---- */

/* The tag of frame r->at into the key, and of which run it is.  False: that is not known. */
static bool take_tag(const struct cache *c, struct run *r, struct flow_key *key, enum of_run *of)
{
	const struct rte_mbuf *m = r->m[r->at];
	const uint8_t *f = rte_pktmbuf_mtod(m, const uint8_t *);
	const struct flow_key tci = { .vlan_tci = htobe16((uint16_t)~FLOW_TCI_PRESENT) };
	struct flow_key bits = { .vlan_tci = 0 };
	uint16_t look[2] = { UINT16_MAX };

	if (m->nb_segs != 1 || m->data_len < ETH_HLEN + VLAN_HLEN)
		return false;
	/* A whole word, as it is read: a half just written would be waited for. */
	if (!vlan_is_tpid(get_be16(f + MACS))) {
		((uint64_t *)key)[W_SRC] = 0;
		*of = UNTAGGED;
		return true;
	}
	((uint64_t *)key)[W_SRC] = (uint64_t)(load16(f + ETH_HLEN) | htobe16(FLOW_TCI_PRESENT))
				   << 48;
	*of = TAGGED;
	/* What the key has of it, behind the TPID. */
	for (unsigned int i = 0; i < c->n_in; i++)
		if (c->word[i] == W_SRC)
			memcpy((uint64_t *)&bits + W_SRC, &c->bits[i], sizeof(c->bits[i]));
	look[1] = bits.vlan_tci & tci.vlan_tci;
	memcpy(&r->tag_mask, look, sizeof(look));
	r->tag = load32(f + MACS);
	return true;
}

unsigned int express_tagged(struct pmd *w, struct burst *b, struct leaving *l, struct rte_mbuf **m,
			    unsigned int n, struct flow_key *key, uint64_t *left,
			    unsigned int *n_runs)
{
	struct cache *c = w->cache;
	struct run r = { .m = m, .end = n, .in_port = be32toh(key->in_port) };

	stage_begin(&w->stages, STAGE_ACTIONS, n);
	while (r.at < n) {
		uint64_t words[CACHE_WORDS_MAX], hash;
		const struct cache_entry *e;
		const struct express *x;
		enum of_run of;

		if (unlikely(!take_tag(c, &r, key, &of))) {
			r.left |= BIT(r.at++);
			continue;
		}
		hash = cache_take(c, (const uint64_t *)key, words, c->n_in);
		e = cache_find(c, c->stamp, hash, words, c->n_in);
		if (unlikely(!e))
			break;
		if (e->way != CACHE_EXPRESS) {
			r.left |= BIT(r.at++);
			continue;
		}
		x = &e->express;
		++*n_runs;
		r.served = 0;
		r.bytes = 0;
		if (unlikely(!in_a_line(x, r.in_port) ||
			     is_odd(m[r.at], x->does & EXPRESS_PUSH ? VLAN_HLEN : 0) ||
			     (of == UNTAGGED && x->does & EXPRESS_POP))) {
			leave_one(w, b, l, x, &r);
			r.at++;
		} else if (of == TAGGED) {
			leave_tagged(w, b, l, x, &r);
		} else {
			leave_untagged(w, b, l, x, &r);
		}
		count_run(w, l, x, &r);
	}
	*left |= r.left;
	return r.at;
}

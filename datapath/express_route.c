/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/express_route.h"

#include <rte_branch_prediction.h>
#include <rte_mbuf.h>
#include <rte_prefetch.h>

#include "datapath/act.h"
#include "datapath/cls_lpm.h"
#include "datapath/dp.h"
#include "datapath/express_priv.h"
#include "datapath/odd.h"
#include "datapath/pmd.h"

/* Frames on their way down. */
struct going {
	const struct lpm_routes *l;
	uint64_t version;
	uint64_t who;
	struct trie_key k[BURST_MAX];
	uint32_t e[BURST_MAX];
	/* Whose entry leads to a table. */
	unsigned int n_tables;
	uint8_t table[BURST_MAX];
	/* While rules stand beside that no prefix tells of: what tells of those. */
	const struct odd_rules *odd;
	unsigned int n_kinds;
	uint64_t kind[ODD_KINDS];
};

const struct lpm *express_routes(const struct pmd *w)
{
	return cls_lpm_direct(atomic_load_explicit(&w->dp->tables[0], memory_order_acquire));
}

enum { IPV6_HLEN = 40 };

static inline unsigned int ttl_at(unsigned int l3, bool v6)
{
	return l3 + (v6 ? 7 : 8);
}

/* Where the header of a frame begins that parse.c would take for one of IPv4 or IPv6; 0: nowhere.
 */
static __rte_always_inline unsigned int header_at(const struct rte_mbuf *m, const uint8_t *f,
						  bool v6)
{
	const uint16_t want = htobe16(v6 ? ETH_TYPE_IPV6 : ETH_TYPE_IPV4);
	const uint32_t n = m->data_len;
	unsigned int at = ETH_HLEN;
	uint16_t type;

	if (unlikely(n < ETH_HLEN + VLAN_HLEN + (v6 ? IPV6_HLEN : IP_HLEN) || m->nb_segs != 1))
		return 0;
	type = load16(f + MACS);
	if (unlikely(type != want)) {
		if (!vlan_is_tpid(be16toh(type)) || load16(f + MACS + VLAN_HLEN) != want)
			return 0;
		at += VLAN_HLEN;
	}
	if (v6)
		return f[at] >> 4 == 6 ? at : 0;
	if (unlikely(f[at] != 0x45 || get_be16(f + at + 2) < IP_HLEN))
		return 0;
	return at;
}

/* Whether the frame has what routes have in common beside the ethertype. */
static bool is_route(const struct lpm_frame *c, const uint8_t *f, unsigned int at, bool v6)
{
	const uint64_t mac = BIT(48) - 1,
		       type = (uint64_t)htobe16(v6 ? ETH_TYPE_IPV6 : ETH_TYPE_IPV4) << 48;
	const uint16_t tci = at == ETH_HLEN ? 0 : load16(f + 14) | htobe16(FLOW_TCI_PRESENT);
	const uint64_t dst = (load64(f) & mac) | type,
		       src = (load64(f + 6) & mac) | (uint64_t)tci << 48,
		       nw = v6 ? 0 : load64(f + at + 12);

	return !(((dst & c->mask[0]) ^ c->value[0]) | ((src & c->mask[1]) ^ c->value[1]) |
		 ((nw & c->mask[2]) ^ c->value[2]));
}

/* Nothing more than the ethertype. */
static bool is_only_type(const struct lpm_frame *c, uint16_t type)
{
	return c->mask[0] == UINT64_C(0xffff) << 48 &&
	       c->value[0] == (uint64_t)htobe16(type) << 48 && !c->mask[1] && !c->mask[2];
}

static __rte_always_inline void take(struct going *g, struct rte_mbuf **m, unsigned int n,
				     uint8_t *l3, uint64_t done, bool v6, bool only_type, bool odd)
{
	enum { AHEAD = 4 };

	for (unsigned int i = 0; i < n; i++) {
		const uint8_t *f = rte_pktmbuf_mtod(m[i], const uint8_t *);
		unsigned int at;

		if (i + AHEAD < n)
			rte_prefetch0(rte_pktmbuf_mtod(m[i + AHEAD], void *));
		g->e[i] = 0;
		if (unlikely(done >> i & 1))
			continue;
		at = header_at(m[i], f, v6);
		l3[i] = (uint8_t)at;
		if (unlikely(!at || (!only_type && !is_route(&g->l->frame, f, at, v6))))
			continue;
		if (odd && unlikely(odd_maybe(g->odd, g->kind, g->n_kinds, load64(f + at + 12))))
			continue;
		g->who |= BIT(i);
		if (v6) {
			g->k[i].hi = be64toh(load64(f + at + 24));
			g->k[i].lo = be64toh(load64(f + at + 32));
		} else {
			g->k[i].hi = (uint64_t)be32toh(load32(f + at + 16)) << 32;
		}
		g->e[i] = trie_entry_get(&g->l->trie.root[g->k[i].hi >> 48]);
		g->table[g->n_tables] = (uint8_t)i;
		g->n_tables += g->e[i] >> 31;
	}
}

static void take_all(struct going *g, struct rte_mbuf **m, unsigned int n, uint8_t *l3,
		     uint64_t done, bool v6)
{
	const bool only = is_only_type(&g->l->frame, v6 ? ETH_TYPE_IPV6 : ETH_TYPE_IPV4);

	/* (Odd rules are of IPv4.) */
	if (v6 && only)
		take(g, m, n, l3, done, true, true, false);
	else if (v6)
		take(g, m, n, l3, done, true, false, false);
	else if (unlikely(g->n_kinds))
		take(g, m, n, l3, done, false, false, true);
	else if (only)
		take(g, m, n, l3, done, false, true, false);
	else
		take(g, m, n, l3, done, false, false, false);
}

/* Level by level.  (Without branches: how far down an address goes nobody can foretell.) */
static __rte_always_inline void down(struct going *g, bool v6)
{
	const trie_entry *tables = g->l->trie.tables[0].e;

	while (g->n_tables) {
		const unsigned int n = g->n_tables;

		g->n_tables = 0;
		for (unsigned int k = 0; k < n; k++) {
			const unsigned int i = g->table[k];
			const uint32_t e = g->e[i];
			const unsigned int at = trie_table_at(e);
			const uint64_t half = v6 && at & 16 ? g->k[i].lo : g->k[i].hi;
			const uint32_t digit = half >> (60 - 4 * (at & 15)) & 15;
			const uint32_t next =
				trie_entry_get(&tables[trie_table_no(e) * TRIE_FAN + digit]);

			g->e[i] = next;
			g->table[g->n_tables] = (uint8_t)i;
			g->n_tables += next >> 31;
		}
	}
}

/* Through the rules: of a prefix that is not the one, or whose flows are changing.  Those that have
 * others beside them are not told by the address. */
static __rte_noinline struct express *look(const struct going *g, unsigned int i, uint32_t *id) PMD
{
	const struct trie *t = &g->l->trie;
	const uint32_t leaf = trie_up(t, g->e[i], g->k[i]);
	const struct cls_rule *r = trie_beside(t, leaf) ? NULL : trie_visible(t, leaf, g->version);
	const struct flow *f = r ? flow_of_rule(r) : NULL;

	if (!f || !f->insts->step.ok || f->insts->goto_table >= 0)
		return NULL;
	*id = f->id;
	return &f->insts->step.x;
}

static __rte_always_inline struct express *end(const struct going *g, unsigned int i, uint32_t *id,
					       bool v6) PMD
{
	const struct trie_leaf *leaf = &g->l->trie.leaves[g->e[i]];
	struct express *x = atomic_load_explicit(&leaf->x, memory_order_acquire);
	const uint32_t id_len = atomic_load_explicit(&leaf->id_len, memory_order_relaxed),
		       added = atomic_load_explicit(&leaf->added, memory_order_relaxed);
	const unsigned int len = id_len & 0xff;
	const bool covers = v6 ? trie_covers(leaf, len, g->k[i])
			       : !((leaf->key.hi ^ g->k[i].hi) >> 1 >> (63 - len));

	if (unlikely(!covers || !x || (int32_t)((uint32_t)g->version - added) < 0))
		return look(g, i, id);
	*id = id_len >> 8;
	return x;
}

static __rte_always_inline uint64_t finish(struct going *g, const struct pmd *w,
					   struct rte_mbuf **m, unsigned int n,
					   const struct express_routed *to, bool v6) PMD
{
	uint64_t found = 0;

	down(g, v6);
	for (unsigned int i = 0; i < n; i++)
		rte_prefetch0(&g->l->trie.leaves[g->e[i]]);
	for (unsigned int i = 0; i < n; i++) {
		struct express *x = NULL;

		if (likely(g->who >> i & 1))
			x = end(g, i, &to->id[i], v6);
		if (unlikely(!x))
			continue;
		if (x->does & EXPRESS_TTL &&
		    unlikely(rte_pktmbuf_mtod(m[i], const uint8_t *)[ttl_at(to->l3[i], v6)] <= 1))
			continue;
		to->x[i] = x;
		pmd_prefetch_count(w, to->id[i]);
		found |= BIT(i);
	}
	return found;
}

/* Of those that are not 'done'. */
static uint64_t route(const struct lpm *of, enum prefix_family family, const struct pmd *w,
		      uint64_t version, struct rte_mbuf **m, unsigned int n, uint64_t port,
		      uint64_t done, const struct express_routed *to) PMD
{
	const struct lpm_routes *l = of->of[family];
	const bool v6 = l->field == PREFIX_IPV6_DST;
	struct going g; /* most of it is written frame by frame */

	if (!l->framed || (port & l->frame.port_mask) != l->frame.port)
		return 0;
	g.l = l;
	g.version = version;
	g.who = 0;
	g.n_tables = 0;
	g.odd = w->dp->odd;
	g.n_kinds = atomic_load_explicit(&of->n_loose, memory_order_acquire)
			    ? odd_kinds(g.odd, g.kind)
			    : 0;
	take_all(&g, m, n, to->l3, done, v6);
	return v6 ? finish(&g, w, m, n, to, true) : finish(&g, w, m, n, to, false);
}

uint64_t express_route(const struct lpm *l, const struct pmd *w, uint64_t version,
		       struct rte_mbuf **m, unsigned int n, uint32_t in_port,
		       const struct express_routed *to)
{
	const struct flow_key came = { .in_port = htobe32(in_port),
				       .in_phy_port = htobe32(in_port) };
	const uint64_t port = ((const uint64_t *)&came)[W_PORT], all = UINT64_MAX >> (64 - n);
	uint64_t found = 0;

	for (unsigned int f = 0; f < N_PREFIX_FAMILIES && found != all; f++)
		if (l->of[f])
			found |= route(l, (enum prefix_family)f, w, version, m, n, port, found, to);
	return found;
}

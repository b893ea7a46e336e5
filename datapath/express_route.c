/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/express_route.h"

#include <rte_branch_prediction.h>
#include <rte_mbuf.h>
#include <rte_prefetch.h>

#include "datapath/act.h"
#include "datapath/cls_lpm.h"
#include "datapath/dp.h"
#include "datapath/express_priv.h"
#include "datapath/pmd.h"

/* Frames on their way down. */
struct going {
	const struct lpm *l;
	const struct pmd *w;
	uint64_t version;
	uint64_t who;
	uint64_t hi[BURST_MAX];
	uint32_t e[BURST_MAX];
	/* Whose entry leads to a table. */
	unsigned int n_tables;
	uint8_t table[BURST_MAX];
};

const struct lpm *express_routes(const struct pmd *w)
{
	return cls_lpm_direct(atomic_load_explicit(&w->dp->tables[0], memory_order_acquire));
}

/* Where the IPv4 header of a frame begins that parse.c would take for one; 0: nowhere. */
static __rte_always_inline unsigned int ipv4_at(const struct rte_mbuf *m, const uint8_t *f)
{
	const uint32_t n = m->data_len;
	unsigned int at = ETH_HLEN;
	uint16_t type;

	if (unlikely(n < ETH_HLEN + VLAN_HLEN + IP_HLEN || m->nb_segs != 1))
		return 0;
	type = load16(f + MACS);
	if (unlikely(type != htobe16(ETH_TYPE_IPV4))) {
		if (!vlan_is_tpid(be16toh(type)) ||
		    load16(f + MACS + VLAN_HLEN) != htobe16(ETH_TYPE_IPV4))
			return 0;
		at += VLAN_HLEN;
	}
	if (unlikely(f[at] != 0x45 || get_be16(f + at + 2) < IP_HLEN))
		return 0;
	return at;
}

/* Whether the frame has what routes have in common beside that it is IPv4. */
static bool is_route(const struct lpm_frame *c, const uint8_t *f, unsigned int at)
{
	const uint64_t mac = BIT(48) - 1, type = (uint64_t)htobe16(ETH_TYPE_IPV4) << 48;
	const uint16_t tci = at == ETH_HLEN ? 0 : load16(f + 14) | htobe16(FLOW_TCI_PRESENT);
	const uint64_t dst = (load64(f) & mac) | type,
		       src = (load64(f + 6) & mac) | (uint64_t)tci << 48, nw = load64(f + at + 12);

	return !(((dst & c->mask[0]) ^ c->value[0]) | ((src & c->mask[1]) ^ c->value[1]) |
		 ((nw & c->mask[2]) ^ c->value[2]));
}

static bool is_only_ipv4(const struct lpm_frame *c)
{
	const uint64_t type = (uint64_t)htobe16(ETH_TYPE_IPV4) << 48;

	return c->mask[0] == UINT64_C(0xffff) << 48 && c->value[0] == type && !c->mask[1] &&
	       !c->mask[2];
}

static __rte_always_inline void take(struct going *g, struct rte_mbuf **m, unsigned int n,
				     uint8_t *l3, bool only_ipv4)
{
	enum { AHEAD = 4 };

	for (unsigned int i = 0; i < n; i++) {
		const uint8_t *f = rte_pktmbuf_mtod(m[i], const uint8_t *);
		unsigned int at;

		if (i + AHEAD < n)
			rte_prefetch0(rte_pktmbuf_mtod(m[i + AHEAD], void *));
		at = ipv4_at(m[i], f);
		l3[i] = (uint8_t)at;
		g->e[i] = 0;
		if (unlikely(!at || (!only_ipv4 && !is_route(&g->l->frame, f, at))))
			continue;
		g->who |= BIT(i);
		g->hi[i] = (uint64_t)be32toh(load32(f + at + 16)) << 32;
		g->e[i] = trie_entry_get(&g->l->trie.root[g->hi[i] >> 48]);
		g->table[g->n_tables] = (uint8_t)i;
		g->n_tables += g->e[i] >> 31;
	}
}

/* Level by level.  (Without branches: how far down an address goes nobody can foretell.) */
static inline void down(struct going *g)
{
	const trie_entry *tables = g->l->trie.tables[0].e;

	while (g->n_tables) {
		const unsigned int n = g->n_tables;

		g->n_tables = 0;
		for (unsigned int k = 0; k < n; k++) {
			const unsigned int i = g->table[k];
			const uint32_t e = g->e[i];
			const uint32_t digit = g->hi[i] >> (60 - 4 * trie_table_at(e)) & 15;
			const uint32_t next =
				trie_entry_get(&tables[trie_table_no(e) * TRIE_FAN + digit]);

			g->e[i] = next;
			g->table[g->n_tables] = (uint8_t)i;
			g->n_tables += next >> 31;
		}
	}
}

/* Through the rules: of a prefix that is not the one, or whose flows are changing. */
static __rte_noinline struct express *look(const struct going *g, unsigned int i, uint32_t *id) PMD
{
	const struct trie *t = &g->l->trie;
	const struct trie_key k = { .hi = g->hi[i] };
	const struct cls_rule *r = trie_visible(t, trie_up(t, g->e[i], k), g->version);
	const struct flow *f = r ? flow_of_rule(r) : NULL;

	if (!f || !f->insts->step.ok || f->insts->goto_table >= 0)
		return NULL;
	*id = f->id;
	return &f->insts->step.x;
}

static __rte_always_inline struct express *end(const struct going *g, unsigned int i,
					       uint32_t *id) PMD
{
	const struct trie_leaf *leaf = &g->l->trie.leaves[g->e[i]];
	struct express *x = atomic_load_explicit(&leaf->x, memory_order_acquire);
	const uint32_t id_len = atomic_load_explicit(&leaf->id_len, memory_order_relaxed),
		       added = atomic_load_explicit(&leaf->added, memory_order_relaxed);
	const uint64_t differ = (leaf->key.hi ^ g->hi[i]) >> 1 >> (63 - (id_len & 0xff));

	if (unlikely(differ || !x || (int32_t)((uint32_t)g->version - added) < 0))
		return look(g, i, id);
	*id = id_len >> 8;
	return x;
}

uint64_t express_route(const struct lpm *l, const struct pmd *w, uint64_t version,
		       struct rte_mbuf **m, unsigned int n, uint32_t in_port,
		       const struct express_routed *to)
{
	const struct flow_key came = { .in_port = htobe32(in_port),
				       .in_phy_port = htobe32(in_port) };
	struct going g;
	uint64_t found = 0;

	g.l = l;
	g.version = version;
	g.who = 0;
	g.n_tables = 0;
	if ((((const uint64_t *)&came)[W_PORT] & l->frame.port_mask) != l->frame.port)
		return 0;
	if (is_only_ipv4(&l->frame))
		take(&g, m, n, to->l3, true);
	else
		take(&g, m, n, to->l3, false);
	down(&g);
	for (unsigned int i = 0; i < n; i++)
		rte_prefetch0(&l->trie.leaves[g.e[i]]);
	for (unsigned int i = 0; i < n; i++) {
		struct express *x = NULL;

		if (likely(g.who >> i & 1))
			x = end(&g, i, &to->id[i]);
		if (unlikely(!x))
			continue;
		if (x->does & EXPRESS_TTL &&
		    unlikely(rte_pktmbuf_mtod(m[i], const uint8_t *)[to->l3[i] + 8] <= 1))
			continue;
		to->x[i] = x;
		pmd_prefetch_count(w, to->id[i]);
		found |= BIT(i);
	}
	return found;
}

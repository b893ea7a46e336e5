/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lpm template: routes.  Rules of IPv4 match a prefix of one address, those of IPv6 likewise;
 * each family's agree in everything else, and longer prefixes have no lower priority than shorter
 * ones.
 *
 * A lookup goes down a trie (cls_trie.h), however many lengths there are.  When most prefixes have
 * lost their rules, or when it is full, the whole is built again.
 *
 * A few other rules may stand beside them (cls_lpm_fit.c), in tuples: such that no packet of a
 * route can hit, as of another ethertype, and such as match one whole address.  For the latter the
 * trie has that address, and how many of them there are; only packets that come to it, and those
 * that are nobody's route, are looked up among the tuples.  So they cost other packets nothing, and
 * coming and going they leave the trie as it is.  Odd rules (odd.h), as of a source alone, may
 * stand there, too: they are loose, and while there are any, the express way asks the filter of odd
 * rules which packets may hit one, and a lookup here asks the tuples for all.
 */
#include "datapath/cls_lpm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_prefetch.h>

#include "datapath/act.h"
#include "datapath/cls_lpm_fit.h"
#include "datapath/cls_tuple.h"
#include "datapath/mask.h"

enum {
	ROOM_MIN = 1024, /* prefixes; room that is not used is address space alone */
	/* Rules beside the routes, more than there are of these, that are too many; and of a family
	 * that has no routes, more than twice those that there were. */
	BESIDE_MORE = 64,
};

/* ---- As a classifier ---- */

static uint64_t hash_of(const void *mask, const struct cls_rule *r)
{
	return cls_hash_rule(mask, r);
}

/* What a route's flows come to, where a frame needs no more than that. */
static void renew_leaf(struct lpm_routes *l, uint32_t leaf)
{
	const struct cls_rule *r = trie_only(&l->trie, leaf);
	const struct flow *f = r ? flow_of_rule(r) : NULL;
	struct trie_leaf *to = &l->trie.leaves[leaf];

	atomic_store_explicit(&to->x, NULL, memory_order_release);
	if (trie_beside(&l->trie, leaf) || !f || !f->insts || r->conj || !f->insts->step.ok ||
	    f->insts->goto_table >= 0 || f->id > UINT32_MAX >> 8)
		return;
	atomic_store_explicit(&to->added, (uint32_t)r->added, memory_order_relaxed);
	atomic_store_explicit(&to->id_len, f->id << 8 | trie_len(to), memory_order_relaxed);
	atomic_store_explicit(&to->x, &f->insts->step.x, memory_order_release);
}

/* A rule that matches everything and beats a route is not looked for there. */
static void note_priority(struct lpm *l, const struct cls_rule *r)
{
	if (!r->mask->n_words) {
		if (r->priority > l->most_any)
			l->most_any = r->priority;
	} else if (r->priority < l->least) {
		l->least = r->priority;
	}
	if (l->most_any > l->least)
		atomic_store_explicit(&l->beaten, true, memory_order_release);
}

static int insert_any(struct lpm *l, struct cls_rule *r)
{
	int err = cls_hash_add(&l->any, cls_hash_rule(&l->none, r), r, &l->cls, hash_of, &l->none);

	if (err)
		return err;
	atomic_store_explicit(&l->any_used, 1, memory_order_release);
	note_priority(l, r);
	cls_note(&l->cls, r);
	return 0;
}

static struct lpm_routes *routes_of(const struct lpm *l, const struct cls_rule *r)
{
	const enum prefix_family f = prefix_family_of(r);

	return f < N_PREFIX_FAMILIES ? l->of[f] : NULL;
}

/* The address that a rule beside routes matches; false: no packet of theirs hits it. */
static bool address_of(const struct lpm_routes *l, const struct cls_rule *r, struct trie_key *key)
{
	return l && !prefix_apart(&l->set, r) && prefix_whole(l->field, r, key);
}

/* Packets that come to its address are to be looked up beside routes, too.  0 or -EAGAIN: full. */
static int touch(struct lpm *l, const struct cls_rule *r)
{
	for (unsigned int f = 0; f < N_PREFIX_FAMILIES; f++) {
		struct lpm_routes *of = l->of[f];
		struct trie_key key;
		uint32_t leaf;

		if (!address_of(of, r, &key))
			continue;
		leaf = trie_get(&of->trie, key, (uint8_t)prefix_bits(of->field));
		if (!leaf)
			return -EAGAIN;
		trie_beside_add(&of->trie, leaf, 1);
		renew_leaf(of, leaf);
	}
	return 0;
}

static void let_go(struct lpm *l, const struct cls_rule *r)
{
	for (unsigned int f = 0; f < N_PREFIX_FAMILIES; f++) {
		struct lpm_routes *of = l->of[f];
		struct trie_key key;
		uint32_t leaf;

		if (!address_of(of, r, &key))
			continue;
		leaf = trie_find(&of->trie, key, (uint8_t)prefix_bits(of->field));
		if (!leaf)
			continue;
		trie_beside_add(&of->trie, leaf, UINT32_MAX);
		renew_leaf(of, leaf);
	}
}

static struct cls *beside_of(const struct lpm *l)
{
	return atomic_load_explicit(&l->beside, memory_order_relaxed);
}

/* Of a family that has addresses, but no routes here. */
static bool is_strange(const struct lpm *l, const struct cls_rule *r)
{
	const enum prefix_family f = prefix_family_of(r);

	return f < N_PREFIX_FAMILIES && !l->of[f];
}

static bool is_loose(const struct lpm *l, const struct cls_rule *r)
{
	for (unsigned int f = 0; f < N_PREFIX_FAMILIES; f++)
		if (l->of[f] && lpm_is_loose(&l->of[f]->set, r))
			return true;
	return false;
}

/* 'n' is 1 or UINT32_MAX. */
static void count_beside(struct lpm *l, const struct cls_rule *r, uint32_t n)
{
	l->n_strange += is_strange(l, r) ? n : 0;
	if (is_loose(l, r))
		atomic_fetch_add_explicit(&l->n_loose, n, memory_order_release);
}

/* 'n' rules, none of which stands there, to where none does yet.  0, -EAGAIN or -ENOMEM. */
static int begin_beside(struct lpm *l, struct cls_rule **v, uint32_t n)
{
	struct cls_shape s = { .dp = l->cls.dp, .n_rules = n };
	struct cls *c;

	for (uint32_t i = 0; i < n; i++) {
		const int err = touch(l, v[i]);

		if (err)
			return err;
	}
	cls_shape_count(&s, v);
	c = cls_tuple.build(&s);
	if (!c)
		return -ENOMEM;
	atomic_store_explicit(&l->beside, c, memory_order_release);
	for (uint32_t i = 0; i < n; i++) {
		count_beside(l, v[i], 1);
		cls_note(&l->cls, v[i]);
	}
	l->strange_max = 2 * l->n_strange + BESIDE_MORE;
	return 0;
}

static int insert_beside(struct lpm *l, struct cls_rule *r)
{
	struct cls *c = beside_of(l);
	int err;

	for (unsigned int f = 0; f < N_PREFIX_FAMILIES; f++)
		if (l->of[f] && !lpm_beside_fits(&l->of[f]->set, r))
			return -EAGAIN;
	if (!c) {
		err = begin_beside(l, &r, 1);
		if (err == -ENOMEM)
			let_go(l, r);
		return err;
	}
	if (2 * c->n_rules > l->cls.n_rules + BESIDE_MORE ||
	    (is_strange(l, r) && l->n_strange >= l->strange_max))
		return -EAGAIN;
	err = touch(l, r);
	if (err)
		return err;
	err = c->ops->insert(c, r);
	if (err) {
		let_go(l, r);
		return err;
	}
	count_beside(l, r, 1);
	cls_note(&l->cls, r);
	return 0;
}

static int remove_beside(struct lpm *l, struct cls_rule *r)
{
	struct cls *c = beside_of(l);

	if (!c || c->ops->remove(c, r))
		return -EAGAIN;
	count_beside(l, r, UINT32_MAX);
	let_go(l, r);
	return 0;
}

static int lpm_insert(struct cls *c, struct cls_rule *r)
{
	struct lpm *l = (struct lpm *)c;
	struct lpm_routes *to = routes_of(l, r);
	struct prefix at;
	uint32_t leaf;
	int err;

	if (!r->mask->n_words)
		return insert_any(l, r);
	if (!to || !prefix_set_has(&to->set, r, &at))
		return insert_beside(l, r);
	if (!lpm_agrees(&to->priorities, prefix_bits(to->field), at.len, r->priority))
		return -EAGAIN;
	note_priority(l, r);
	err = trie_add(&to->trie, at.key, at.len, r, &leaf);
	if (err)
		return err;
	renew_leaf(to, leaf);
	cls_note(c, r);
	return 0;
}

static uint32_t leaf_of(struct lpm_routes *l, const struct cls_rule *r)
{
	struct prefix at;

	return l && prefix_set_has(&l->set, r, &at) ? trie_find(&l->trie, at.key, at.len) : 0;
}

/* Prefixes without rules stay; whether there are too many of them. */
static bool is_sparse(const struct lpm *l)
{
	uint32_t n = 0;

	for (unsigned int f = 0; f < N_PREFIX_FAMILIES; f++)
		n += l->of[f] ? l->of[f]->trie.n : 0;
	return n > 64 && l->cls.n_rules < n / 4;
}

static int lpm_remove(struct cls *c, struct cls_rule *r)
{
	struct lpm *l = (struct lpm *)c;
	struct lpm_routes *from = routes_of(l, r);
	const uint32_t leaf = leaf_of(from, r);

	if (is_sparse(l))
		return -EAGAIN;
	if (!r->mask->n_words) {
		if (!cls_hash_del(&l->any, cls_hash_rule(&l->none, r), r))
			return -EAGAIN;
	} else if (leaf) {
		if (!trie_del(&from->trie, leaf, r))
			return -EAGAIN;
		renew_leaf(from, leaf);
	} else if (remove_beside(l, r)) {
		return -EAGAIN;
	}
	c->n_rules--;
	return 0;
}

static void lpm_marked(struct cls *c, struct cls_rule *r)
{
	struct lpm_routes *of = routes_of((struct lpm *)c, r);
	const uint32_t leaf = leaf_of(of, r);

	if (leaf)
		renew_leaf(of, leaf);
}

static void lpm_free(struct cls *c)
{
	struct lpm *l = (struct lpm *)c;

	if (beside_of(l))
		cls_free(beside_of(l));
	for (unsigned int f = 0; f < N_PREFIX_FAMILIES; f++) {
		if (l->of[f])
			trie_fini(&l->of[f]->trie);
		free(l->of[f]);
	}
	cls_hash_fini(&l->any);
	free(l);
}

/* 0 of what matches everything, 1 more than its length of a prefix; then those beside. */
enum { RANK_BESIDE = TRIE_BITS + 2, N_RANKS };

static unsigned int rank(struct lpm *l, const struct cls_rule *r)
{
	struct lpm_routes *of = routes_of(l, r);
	struct prefix at;

	if (!r->mask->n_words)
		return 0;
	return of && prefix_set_has(&of->set, r, &at) ? at.len + 1u : RANK_BESIDE;
}

/* Short prefixes first: then nothing that is there has to be changed. */
static int fill(struct lpm *l, const struct cls_shape *s)
{
	uint32_t first[N_RANKS + 1] = { 0 }, at[N_RANKS], routes;
	struct cls_rule **order = calloc(s->n_rules, sizeof(struct cls_rule *));
	int err = order ? 0 : -ENOMEM;

	for (uint32_t i = 0; i < s->n_rules; i++)
		first[rank(l, s->rules[i]) + 1]++;
	for (unsigned int i = 0; i < N_RANKS; i++) {
		first[i + 1] += first[i];
		at[i] = first[i];
	}
	for (uint32_t i = 0; !err && i < s->n_rules; i++)
		order[at[rank(l, s->rules[i])]++] = s->rules[i];
	routes = first[RANK_BESIDE];
	for (uint32_t i = 0; !err && i < routes; i++)
		err = lpm_insert(&l->cls, order[i]);
	if (!err && routes < s->n_rules)
		err = begin_beside(l, order + routes, s->n_rules - routes);
	free(order);
	return err;
}

/* Where 'word' is in struct lpm_frame; 3: it is not. */
static unsigned int frame_word(unsigned int word)
{
	switch (word) {
	case offsetof(struct flow_key, eth_dst) / 8:
		return 0;
	case offsetof(struct flow_key, eth_src) / 8:
		return 1;
	case PREFIX_NW:
		return 2;
	default:
		return 3;
	}
}

/* Whether a frame tells all that routes have in common. */
static bool note_frame(struct lpm_routes *l)
{
	const struct cls_mask *m = &l->set.mask;

	for (unsigned int i = 0; i < m->n_words; i++) {
		const unsigned int at = frame_word(m->word[i]);

		if (at < 3) {
			l->frame.mask[at] = m->bits[i];
			l->frame.value[at] = l->set.value[i];
		} else if (m->word[i] == offsetof(struct flow_key, in_port) / 8) {
			l->frame.port_mask = m->bits[i];
			l->frame.port = l->set.value[i];
		} else {
			return false;
		}
	}
	return l->field == PREFIX_IP_DST || (l->field == PREFIX_IPV6_DST && !l->frame.mask[2]);
}

static uint32_t room_for(uint32_t n)
{
	const uint32_t room = n < TRIE_MAX / LPM_ROOM_TIMES ? n * LPM_ROOM_TIMES : TRIE_MAX - 1;

	return room > ROOM_MIN ? room : ROOM_MIN;
}

/* 0 or -ENOMEM; no routes of the family: nothing. */
static int begin(struct lpm *l, const struct cls_shape *s, enum prefix_family family)
{
	struct lpm_routes *r = calloc(1, sizeof(*r));
	uint32_t n;

	if (!r)
		return -ENOMEM;
	n = lpm_find(s, family, &r->set);
	/* Addresses of those beside take places, too. */
	if (!n || trie_init(&r->trie, room_for(s->n_rules))) {
		free(r);
		return n ? -ENOMEM : 0;
	}
	l->of[family] = r;
	r->field = r->set.field;
	lpm_priorities_init(&r->priorities);
	r->framed = note_frame(r);
	return 0;
}

static struct cls *lpm_build(const struct cls_shape *s)
{
	struct lpm *l = calloc(1, sizeof(*l));
	static const struct flow_key zero;

	if (!l)
		return NULL;
	l->cls.ops = &cls_lpm;
	l->cls.dp = s->dp;
	l->least = UINT16_MAX;
	cls_mask_init(&l->none, &zero);
	if (cls_hash_init(&l->any, 1) || begin(l, s, PREFIX_IP) || begin(l, s, PREFIX_IPV6) ||
	    fill(l, s)) {
		lpm_free(&l->cls);
		return NULL;
	}
	return &l->cls;
}

static inline bool is_route(const struct lpm_routes *l, const uint64_t *key)
{
	const struct cls_mask *m = &l->set.mask;

	for (unsigned int i = 0; i < m->n_words; i++)
		if ((key[m->word[i]] & m->bits[i]) != l->set.value[i])
			return false;
	return true;
}

static inline struct trie_key address(const struct lpm_routes *l, const uint64_t *key)
{
	const unsigned int at = prefix_word(l->field);

	return prefix_key(l->field, key[at], key[at + 1]);
}

/* All of a burst go down the trie together, so that memory is on its way.  Returns those that
 * rules beside may still have. */
static uint64_t look_up(const struct lpm_routes *l, const struct burst *b, uint64_t todo,
			const struct cls_rule **hit)
{
	const struct trie *t = &l->trie;
	struct trie_key k[BURST_MAX];
	uint32_t e[BURST_MAX];
	uint64_t routes = 0, tables, beside;

	for (uint64_t left = todo; left; left &= left - 1) {
		unsigned int i = (unsigned int)__builtin_ctzll(left);

		if (!is_route(l, cls_key(b, i)))
			continue;
		routes |= UINT64_C(1) << i;
		k[i] = address(l, cls_key(b, i));
		e[i] = trie_entry_get(trie_root(t, k[i]));
	}
	beside = todo & ~routes;
	for (tables = routes; tables;) {
		for (uint64_t left = tables; left; left &= left - 1) {
			unsigned int i = (unsigned int)__builtin_ctzll(left);

			if (trie_is_table(e[i]))
				e[i] = trie_entry_get(trie_below(t, e[i], k[i]));
			else
				tables &= ~(UINT64_C(1) << i);
		}
	}
	for (uint64_t left = routes; left; left &= left - 1) {
		unsigned int i = (unsigned int)__builtin_ctzll(left);

		rte_prefetch0(&t->leaves[e[i]]);
		rte_prefetch0(&t->nodes[e[i]]);
	}
	for (uint64_t left = routes; left; left &= left - 1) {
		unsigned int i = (unsigned int)__builtin_ctzll(left);

		e[i] = trie_up(t, e[i], k[i]);
		rte_prefetch0(
			atomic_load_explicit(&t->nodes[e[i]].first.rule, memory_order_relaxed));
	}
	for (uint64_t left = routes; left; left &= left - 1) {
		unsigned int i = (unsigned int)__builtin_ctzll(left);

		beside |= (uint64_t)(trie_beside(t, e[i]) != 0) << i;
		hit[i] = trie_visible(t, e[i], b->version);
	}
	return beside;
}

static void lpm_lookup(const struct cls *c, const struct burst *b, uint64_t todo,
		       const struct cls_rule **hit)
{
	const struct lpm *l = (const struct lpm *)c;
	const struct cls *others = atomic_load_explicit(&l->beside, memory_order_acquire);
	uint64_t beside = todo;

	for (uint64_t left = todo; left; left &= left - 1)
		hit[__builtin_ctzll(left)] = NULL;
	for (unsigned int f = 0; f < N_PREFIX_FAMILIES; f++)
		if (l->of[f])
			beside &= look_up(l->of[f], b, todo, hit);
	if (atomic_load_explicit(&l->n_loose, memory_order_acquire))
		beside = todo;
	if (others && beside)
		cls_tuple_better(others, b, beside, hit);
	if (atomic_load_explicit(&l->any_used, memory_order_acquire))
		cls_hash_lookup(&l->any, &l->none, b, todo, hit);
}

static uint32_t lpm_probes(const struct cls *c)
{
	const struct lpm *l = (const struct lpm *)c;

	return !!l->of[PREFIX_IP] + !!l->of[PREFIX_IPV6] +
	       (beside_of(l) ? cls_tuple.probes(beside_of(l)) : 0) +
	       atomic_load_explicit(&l->any_used, memory_order_relaxed);
}

static size_t lpm_memory(const struct cls *c)
{
	const struct lpm *l = (const struct lpm *)c;

	size_t n = sizeof(*l) + cls_hash_memory(&l->any) +
		   (beside_of(l) ? cls_tuple.memory(beside_of(l)) : 0);

	for (unsigned int f = 0; f < N_PREFIX_FAMILIES; f++)
		if (l->of[f])
			n += sizeof(*l->of[f]) + trie_memory(&l->of[f]->trie);
	return n;
}

const struct cls_ops cls_lpm = {
	.name = "lpm",
	.why = "prefixes of one address, longer ones first: a trie; few others beside it",
	.fits = lpm_fits,
	.build = lpm_build,
	.insert = lpm_insert,
	.remove = lpm_remove,
	.marked = lpm_marked,
	.lookup = lpm_lookup,
	.probes = lpm_probes,
	.memory = lpm_memory,
	.free = lpm_free,
};

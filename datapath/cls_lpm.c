/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lpm template: routes.  All rules of IPv4 match a prefix of one address, all of IPv6 likewise;
 * each family's agree in everything else, and longer prefixes have no lower priority than shorter
 * ones.
 *
 * A lookup goes down a trie (cls_trie.h), however many lengths there are.  When most prefixes have
 * lost their rules, or when it is full, the whole is built again.
 */
#include "datapath/cls_lpm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_prefetch.h>

#include "datapath/act.h"
#include "datapath/mask.h"

enum {
	LPM_MIN_MASKS = 3, /* below, a hash for each is as good */
	ROOM_MIN = 1024,   /* prefixes; room that is not used is address space alone */
	ROOM_TIMES = 4,
};

/* Whether longer prefixes have no lower priority; notes the priority of one more. */
static bool agrees(uint16_t *min, uint16_t *max, unsigned int bits, unsigned int len,
		   uint16_t priority)
{
	for (unsigned int l = 0; l < len; l++)
		if (max[l] > priority)
			return false;
	for (unsigned int l = len + 1; l <= bits; l++)
		if (min[l] < priority)
			return false;
	if (priority < min[len])
		min[len] = priority;
	if (priority > max[len])
		max[len] = priority;
	return true;
}

/* Whether all of the family's rules are routes by 'field'; 'set' is what they have in common. */
static bool are_routes(const struct cls_shape *s, enum prefix_field field, struct prefix_set *set,
		       uint32_t *n)
{
	uint16_t min[TRIE_BITS + 1], max[TRIE_BITS + 1];

	memset(min, 0xff, sizeof(min));
	memset(max, 0, sizeof(max));
	*n = 0;
	for (uint32_t i = 0; i < s->n_rules; i++) {
		const struct cls_rule *r = s->rules[i];
		struct prefix at;

		if (prefix_family_of(r) != prefix_family(field))
			continue;
		if (!(*n)++)
			prefix_set_init(set, field, r);
		if (!prefix_set_has(set, r, &at) ||
		    !agrees(min, max, prefix_bits(field), at.len, r->priority))
			return false;
	}
	return true;
}

/* The same, by any of its fields. */
static bool find_field(const struct cls_shape *s, enum prefix_family family, struct prefix_set *set,
		       uint32_t *n)
{
	for (unsigned int f = 0; f < N_PREFIX_FIELDS; f++)
		if (prefix_family((enum prefix_field)f) == family &&
		    are_routes(s, (enum prefix_field)f, set, n))
			return true;
	return false;
}

static bool lpm_fits(const struct cls_shape *s)
{
	struct prefix_set set;
	uint32_t n = s->n_any, of_family;

	if (s->n_masks < LPM_MIN_MASKS || s->n_masks > N_PREFIX_FAMILIES * (TRIE_BITS + 1) ||
	    s->n_rules >= TRIE_MAX / ROOM_TIMES)
		return false;
	for (unsigned int f = 0; f < N_PREFIX_FAMILIES; f++) {
		if (!find_field(s, (enum prefix_family)f, &set, &of_family))
			return false;
		n += of_family;
	}
	return n == s->n_rules;
}

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
	if (!f || !f->insts || r->conj || !f->insts->step.ok || f->insts->goto_table >= 0 ||
	    f->id > UINT32_MAX >> 8)
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

static int lpm_insert(struct cls *c, struct cls_rule *r)
{
	struct lpm *l = (struct lpm *)c;
	struct lpm_routes *to = routes_of(l, r);
	struct prefix at;
	uint32_t leaf;
	int err;

	if (!r->mask->n_words)
		return insert_any(l, r);
	if (!to || !prefix_set_has(&to->set, r, &at) ||
	    !agrees(to->min_priority, to->max_priority, prefix_bits(to->field), at.len,
		    r->priority))
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
	} else {
		if (!leaf || !trie_del(&from->trie, leaf, r))
			return -EAGAIN;
		renew_leaf(from, leaf);
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

	for (unsigned int f = 0; f < N_PREFIX_FAMILIES; f++) {
		if (l->of[f])
			trie_fini(&l->of[f]->trie);
		free(l->of[f]);
	}
	cls_hash_fini(&l->any);
	free(l);
}

/* 0 of what matches everything, and 1 more than its length of a prefix. */
static unsigned int rank(struct lpm *l, const struct cls_rule *r)
{
	struct lpm_routes *of = routes_of(l, r);
	struct prefix at;

	return of && prefix_set_has(&of->set, r, &at) ? at.len + 1u : 0;
}

/* Short prefixes first: then nothing that is there has to be changed. */
static int fill(struct lpm *l, const struct cls_shape *s)
{
	enum { PLACES = TRIE_BITS + 3 };
	uint32_t *first = calloc(PLACES, sizeof(*first)),
		 *order = calloc(s->n_rules, sizeof(*order));
	int err = first && order ? 0 : -ENOMEM;

	for (uint32_t i = 0; !err && i < s->n_rules; i++)
		first[rank(l, s->rules[i]) + 1]++;
	for (unsigned int len = 1; !err && len < PLACES; len++)
		first[len] += first[len - 1];
	for (uint32_t i = 0; !err && i < s->n_rules; i++)
		order[first[rank(l, s->rules[i])]++] = i;
	for (uint32_t i = 0; !err && i < s->n_rules; i++)
		err = lpm_insert(&l->cls, s->rules[order[i]]);
	free(first);
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
	const uint32_t room = n < TRIE_MAX / ROOM_TIMES ? n * ROOM_TIMES : TRIE_MAX - 1;

	return room > ROOM_MIN ? room : ROOM_MIN;
}

/* 0 or -ENOMEM; no routes of the family: nothing. */
static int begin(struct lpm *l, const struct cls_shape *s, enum prefix_family family)
{
	struct lpm_routes *r = calloc(1, sizeof(*r));
	uint32_t n;

	if (!r)
		return -ENOMEM;
	(void)find_field(s, family, &r->set, &n);
	if (!n || trie_init(&r->trie, room_for(n))) {
		free(r);
		return n ? -ENOMEM : 0;
	}
	l->of[family] = r;
	r->field = r->set.field;
	memset(r->min_priority, 0xff, sizeof(r->min_priority));
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

/* All of a burst go down the trie together, so that memory is on its way. */
static void look_up(const struct lpm_routes *l, const struct burst *b, uint64_t todo,
		    const struct cls_rule **hit)
{
	const struct trie *t = &l->trie;
	struct trie_key k[BURST_MAX];
	uint32_t e[BURST_MAX];
	uint64_t routes = 0, tables;

	for (uint64_t left = todo; left; left &= left - 1) {
		unsigned int i = (unsigned int)__builtin_ctzll(left);

		if (!is_route(l, cls_key(b, i)))
			continue;
		routes |= UINT64_C(1) << i;
		k[i] = address(l, cls_key(b, i));
		e[i] = trie_entry_get(trie_root(t, k[i]));
	}
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

		hit[i] = trie_visible(t, e[i], b->version);
	}
}

static void lpm_lookup(const struct cls *c, const struct burst *b, uint64_t todo,
		       const struct cls_rule **hit)
{
	const struct lpm *l = (const struct lpm *)c;

	for (uint64_t left = todo; left; left &= left - 1)
		hit[__builtin_ctzll(left)] = NULL;
	for (unsigned int f = 0; f < N_PREFIX_FAMILIES; f++)
		if (l->of[f])
			look_up(l->of[f], b, todo, hit);
	if (atomic_load_explicit(&l->any_used, memory_order_acquire))
		cls_hash_lookup(&l->any, &l->none, b, todo, hit);
}

static uint32_t lpm_probes(const struct cls *c)
{
	const struct lpm *l = (const struct lpm *)c;

	return !!l->of[PREFIX_IP] + !!l->of[PREFIX_IPV6] +
	       atomic_load_explicit(&l->any_used, memory_order_relaxed);
}

static size_t lpm_memory(const struct cls *c)
{
	const struct lpm *l = (const struct lpm *)c;

	size_t n = sizeof(*l) + cls_hash_memory(&l->any);

	for (unsigned int f = 0; f < N_PREFIX_FAMILIES; f++)
		if (l->of[f])
			n += sizeof(*l->of[f]) + trie_memory(&l->of[f]->trie);
	return n;
}

const struct cls_ops cls_lpm = {
	.name = "lpm",
	.why = "prefixes of one address, longer ones first: a trie",
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

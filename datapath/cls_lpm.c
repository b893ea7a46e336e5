/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lpm template: routes.  All rules match a prefix of one IPv4 or IPv6 address and agree in
 * everything else (e.g. eth_type), and longer prefixes have no lower priority than shorter ones.
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
#include "datapath/cls_hash.h"
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

static const struct cls_rule *first_route(const struct cls_shape *s)
{
	for (uint32_t i = 0; i < s->n_rules; i++)
		if (s->rules[i]->mask->n_words)
			return s->rules[i];
	return NULL;
}

static bool are_routes(const struct cls_shape *s, enum prefix_field field, struct prefix_set *set)
{
	uint16_t min[TRIE_BITS + 1], max[TRIE_BITS + 1];

	memset(min, 0xff, sizeof(min));
	memset(max, 0, sizeof(max));
	prefix_set_init(set, field, first_route(s));
	for (uint32_t i = 0; i < s->n_rules; i++) {
		const struct cls_rule *r = s->rules[i];
		struct prefix at;

		if (r->mask->n_words &&
		    (!prefix_set_has(set, r, &at) ||
		     !agrees(min, max, prefix_bits(field), at.len, r->priority)))
			return false;
	}
	return true;
}

static bool find_field(const struct cls_shape *s, struct prefix_set *set)
{
	for (unsigned int f = 0; f < N_PREFIX_FIELDS; f++)
		if (are_routes(s, (enum prefix_field)f, set))
			return true;
	return false;
}

static bool lpm_fits(const struct cls_shape *s)
{
	struct prefix_set set;

	if (s->n_masks < LPM_MIN_MASKS || s->n_masks > TRIE_BITS + 1 ||
	    s->n_rules >= TRIE_MAX / ROOM_TIMES)
		return false;
	return find_field(s, &set);
}

/* ---- As a classifier ---- */

static uint64_t hash_of(const void *mask, const struct cls_rule *r)
{
	return cls_hash_rule(mask, r);
}

/* What a route's flows come to, where a frame needs no more than that. */
static void renew_leaf(struct lpm *l, uint32_t leaf)
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
		atomic_store_explicit(&l->direct, false, memory_order_release);
}

static int insert_any(struct lpm *l, struct cls_rule *r)
{
	int err = cls_hash_add(l->any, cls_hash_rule(&l->none, r), r, &l->cls, hash_of, &l->none);

	if (err)
		return err;
	atomic_store_explicit(&l->any_used, 1, memory_order_release);
	note_priority(l, r);
	cls_note(&l->cls, r);
	return 0;
}

static int lpm_insert(struct cls *c, struct cls_rule *r)
{
	struct lpm *l = (struct lpm *)c;
	struct prefix at;
	uint32_t leaf;
	int err;

	if (!r->mask->n_words)
		return insert_any(l, r);
	if (!prefix_set_has(&l->set, r, &at) ||
	    !agrees(l->min_priority, l->max_priority, prefix_bits(l->field), at.len, r->priority))
		return -EAGAIN;
	note_priority(l, r);
	err = trie_add(&l->trie, at.key, at.len, r, &leaf);
	if (err)
		return err;
	renew_leaf(l, leaf);
	cls_note(c, r);
	return 0;
}

static uint32_t leaf_of(struct lpm *l, const struct cls_rule *r)
{
	struct prefix at;

	return prefix_set_has(&l->set, r, &at) ? trie_find(&l->trie, at.key, at.len) : 0;
}

static int lpm_remove(struct cls *c, struct cls_rule *r)
{
	struct lpm *l = (struct lpm *)c;
	uint32_t leaf;

	/* Prefixes without rules stay; too many of them: build again. */
	if (l->trie.n > 64 && c->n_rules < l->trie.n / 4)
		return -EAGAIN;
	if (!r->mask->n_words) {
		if (!cls_hash_del(l->any, cls_hash_rule(&l->none, r), r))
			return -EAGAIN;
	} else {
		leaf = leaf_of(l, r);
		if (!trie_del(&l->trie, leaf, r))
			return -EAGAIN;
		renew_leaf(l, leaf);
	}
	c->n_rules--;
	return 0;
}

static void lpm_marked(struct cls *c, struct cls_rule *r)
{
	struct lpm *l = (struct lpm *)c;
	const uint32_t leaf = r->mask->n_words ? leaf_of(l, r) : 0;

	if (leaf)
		renew_leaf(l, leaf);
}

static void lpm_free(struct cls *c)
{
	struct lpm *l = (struct lpm *)c;

	trie_fini(&l->trie);
	if (l->any)
		cls_hash_fini(l->any);
	free(l->any);
	free(l);
}

/* Short prefixes first: then nothing that is there has to be changed. */
static int fill(struct lpm *l, const struct cls_shape *s)
{
	enum { PLACES = TRIE_BITS + 3 };
	uint32_t *first = calloc(PLACES, sizeof(*first)),
		 *order = calloc(s->n_rules, sizeof(*order));
	struct prefix at = { .len = 0 };
	int err = first && order ? 0 : -ENOMEM;

	for (uint32_t i = 0; !err && i < s->n_rules; i++)
		first[s->rules[i]->mask->n_words && prefix_set_has(&l->set, s->rules[i], &at)
			      ? at.len + 2u
			      : 1u]++;
	for (unsigned int len = 1; !err && len < PLACES; len++)
		first[len] += first[len - 1];
	for (uint32_t i = 0; !err && i < s->n_rules; i++)
		order[first[s->rules[i]->mask->n_words && prefix_set_has(&l->set, s->rules[i], &at)
				    ? at.len + 1u
				    : 0u]++] = i;
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
static bool note_frame(struct lpm *l)
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

static struct cls *lpm_build(const struct cls_shape *s)
{
	struct lpm *l = calloc(1, sizeof(*l));
	static const struct flow_key zero;

	if (!l)
		return NULL;
	l->cls.ops = &cls_lpm;
	l->cls.dp = s->dp;
	(void)find_field(s, &l->set);
	l->field = l->set.field;
	cls_mask_init(&l->none, &zero);
	memset(l->min_priority, 0xff, sizeof(l->min_priority));
	l->least = UINT16_MAX;
	atomic_init(&l->direct, note_frame(l));
	l->any = calloc(1, sizeof(*l->any));
	if (!l->any || cls_hash_init(l->any, 1) || trie_init(&l->trie, room_for(s->n_rules)) ||
	    fill(l, s)) {
		lpm_free(&l->cls);
		return NULL;
	}
	return &l->cls;
}

static inline bool is_route(const struct lpm *l, const uint64_t *key)
{
	const struct cls_mask *m = &l->set.mask;

	for (unsigned int i = 0; i < m->n_words; i++)
		if ((key[m->word[i]] & m->bits[i]) != l->set.value[i])
			return false;
	return true;
}

static inline struct trie_key address(const struct lpm *l, const uint64_t *key)
{
	const unsigned int at = prefix_word(l->field);

	return prefix_key(l->field, key[at], key[at + 1]);
}

/* All of a burst go down the trie together, so that memory is on its way. */
static void lpm_lookup(const struct cls *c, const struct burst *b, uint64_t todo,
		       const struct cls_rule **hit)
{
	const struct lpm *l = (const struct lpm *)c;
	const struct trie *t = &l->trie;
	struct trie_key k[BURST_MAX];
	uint32_t e[BURST_MAX];
	uint64_t routes = 0, tables;

	for (uint64_t left = todo; left; left &= left - 1) {
		unsigned int i = (unsigned int)__builtin_ctzll(left);

		hit[i] = NULL;
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
	if (atomic_load_explicit(&l->any_used, memory_order_acquire))
		cls_hash_lookup(l->any, &l->none, b, todo, hit);
}

static uint32_t lpm_probes(const struct cls *c)
{
	const struct lpm *l = (const struct lpm *)c;

	return 1 + atomic_load_explicit(&l->any_used, memory_order_relaxed);
}

static size_t lpm_memory(const struct cls *c)
{
	const struct lpm *l = (const struct lpm *)c;

	return sizeof(*l) + trie_memory(&l->trie) + cls_hash_memory(l->any);
}

const struct cls_ops cls_lpm = {
	.name = "lpm",
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

/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/cls_cuts.h"

#include <errno.h>
#include <stdlib.h>

#include "datapath/cls_cut.h"
#include "datapath/cls_tuple.h"

enum {
	MIN_MASKS = 4, /* below, tuples are as good */
	NOTES_MAX = 8192,
	REST_PART = 4, /* not worth while: more than a fourth of the rules is in no tree */
};

struct note {
	struct cut_item item;
	bool came, void_; /* void: it came and went again */
};

struct cuts {
	struct cls cls;
	struct cut_words words;
	unsigned int n_trees;
	struct cut_tree tree[CUT_TREES];
	struct cls *_Atomic rest; /* tuples; NULL: none */
	/* Control thread. */
	uint32_t n_rest;
	/* While it is built: of who builds... */
	struct cut_item *items;
	struct cut_item **left; /* in no tree, or not whole */
	uint32_t n_items, n_left;
	/* ... and of the control thread. */
	struct note *notes;
	uint32_t n_notes, room_notes;
};

static bool cuts_fits(const struct cls_shape *s)
{
	return s->calm && !s->n_conj && s->n_masks >= MIN_MASKS;
}

/* The words that most rules look at, or the first line of a key, if they are all there. */
static void choose_words(const struct cls_shape *s, struct cut_words *w)
{
	uint32_t uses[FLOW_KEY_WORDS] = { 0 };
	uint64_t in = 0;

	for (uint32_t i = 0; i < s->n_rules; i++)
		for (unsigned int k = 0; k < s->rules[i]->mask->n_words; k++)
			uses[s->rules[i]->mask->word[k]]++;
	w->line = true;
	for (unsigned int k = CUT_WORDS; k < FLOW_KEY_WORDS; k++)
		w->line &= !uses[k];
	if (w->line)
		in = (UINT64_C(1) << CUT_WORDS) - 1;
	for (unsigned int n = 0; !w->line && n < CUT_WORDS; n++) {
		unsigned int most = 0;

		for (unsigned int k = 1; k < FLOW_KEY_WORDS; k++)
			if (uses[k] > uses[most])
				most = k;
		if (uses[most])
			in |= UINT64_C(1) << most;
		uses[most] = 0;
	}
	for (; in; in &= in - 1)
		w->word[w->n++] = (uint8_t)__builtin_ctzll(in);
}

/* The bits of word 'k' that nearly all rules look at and want to be the same. */
static void find_common(struct cuts *c, unsigned int k)
{
	enum { SAMPLE = 256, FEW = 32 };
	const uint32_t n = c->n_items < SAMPLE ? c->n_items : SAMPLE, most = n - n / FEW;
	uint32_t ones[64] = { 0 }, zeros[64] = { 0 };
	uint64_t mask = 0, value = 0;

	for (uint32_t i = 0; i < n; i++) {
		const struct cut_item *it = &c->items[(uint64_t)i * c->n_items / n];

		for (uint64_t left = it->mask[k]; left; left &= left - 1) {
			const unsigned int bit = (unsigned int)__builtin_ctzll(left);

			(it->value[k] >> bit & 1 ? ones : zeros)[bit]++;
		}
	}
	for (unsigned int bit = 0; bit < 64; bit++) {
		mask |= (uint64_t)(ones[bit] >= most || zeros[bit] >= most) << bit;
		value |= (uint64_t)(ones[bit] >= most) << bit;
	}
	if (!n || !mask)
		return;
	c->words.mask[k] = mask;
	c->words.value[k] = value;
	c->words.common[c->words.n_common] = (uint8_t)k;
	c->words.common_mask[c->words.n_common] = htobe64(mask);
	c->words.common_value[c->words.n_common++] = htobe64(value);
}

static void forget(struct cuts *c)
{
	free(c->items);
	free(c->left);
	free(c->notes);
	c->items = NULL;
	c->left = NULL;
	c->notes = NULL;
}

static void cuts_free(struct cls *cls)
{
	struct cuts *c = (struct cuts *)cls;
	struct cls *rest = atomic_load_explicit(&c->rest, memory_order_relaxed);

	forget(c);
	for (unsigned int i = 0; i < c->n_trees; i++)
		cut_tree_fini(&c->tree[i]);
	if (rest)
		rest->ops->free(rest);
	free(c);
}

struct cls *cls_cuts_begin(const struct cls_shape *s)
{
	struct cuts *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->cls.ops = &cls_cuts;
	choose_words(s, &c->words);
	c->items = malloc((s->n_rules + 1) * sizeof(*c->items));
	if (!c->items) {
		free(c);
		return NULL;
	}
	c->n_items = s->n_rules;
	for (uint32_t i = 0; i < s->n_rules; i++) {
		cut_item_init(&c->items[i], &c->words, s->rules[i]);
		cls_note(&c->cls, s->rules[i]);
	}
	for (unsigned int k = 0; k < c->words.n; k++)
		find_common(c, k);
	return &c->cls;
}

bool cls_cuts_make(struct cls *cls)
{
	struct cuts *c = (struct cuts *)cls;
	int64_t left = c->n_items;

	c->left = malloc((c->n_items + 1) * sizeof(*c->left));
	if (!c->left)
		return false;
	for (uint32_t i = 0; i < c->n_items; i++)
		c->left[i] = &c->items[i];
	while (left && c->n_trees < CUT_TREES) {
		left = cut_tree_build(&c->tree[c->n_trees++], &c->words, c->left, (uint32_t)left);
		if (left < 0)
			return false;
	}
	c->n_left = (uint32_t)left;
	for (uint32_t i = 0; i < c->n_left; i++)
		c->left[i]->rest = true;
	c->n_left = 0;
	for (uint32_t i = 0; i < c->n_items; i++)
		if (c->items[i].rest)
			c->left[c->n_left++] = &c->items[i];
	return true;
}

bool cls_cuts_pays(const struct cls *cls)
{
	const struct cuts *c = (const struct cuts *)cls;

	return c->n_left <= c->n_items / REST_PART;
}

/* ---- Changes ---- */

static int rest_insert(struct cuts *c, struct cls_rule *r)
{
	struct cls *old = atomic_load_explicit(&c->rest, memory_order_relaxed), *rest;
	struct cls_shape s = { .dp = c->cls.dp };
	int err = old ? old->ops->insert(old, r) : -EAGAIN;
	struct cls_rule **v;

	if (err != -EAGAIN) {
		c->n_rest += !err;
		return err;
	}
	v = malloc(((old ? old->n_rules : 0) + 1) * sizeof(struct cls_rule *));
	if (!v)
		return -ENOMEM;
	if (old)
		s.n_rules = cls_tuple_rules(old, v);
	v[s.n_rules++] = r;
	cls_shape_count(&s, v);
	rest = cls_tuple.build(&s);
	free(v);
	if (!rest)
		return -ENOMEM;
	c->n_rest++;
	atomic_store_explicit(&c->rest, rest, memory_order_release);
	if (old)
		cls_retire(&c->cls, old, cls_free);
	return 0;
}

static int put(struct cuts *c, struct cls_rule *r)
{
	struct cut_item i;

	cut_item_init(&i, &c->words, r);
	for (unsigned int k = 0; k < c->n_trees; k++) {
		int err = cut_tree_add(&c->tree[k], &c->words, &i, &c->cls);

		if (err == 1)
			break;
		if (err != -EAGAIN)
			return err;
	}
	return rest_insert(c, r);
}

/* Out of the trees; as cut_tree_del(). */
static int take(struct cuts *c, const struct cut_item *i)
{
	int there = 0;

	for (unsigned int k = 0; k < c->n_trees && !there; k++)
		there = cut_tree_del(&c->tree[k], &c->words, i, &c->cls);
	return there;
}

static int cuts_insert(struct cls *cls, struct cls_rule *r)
{
	struct cuts *c = (struct cuts *)cls;
	int err = put(c, r);
	struct cut_item i;

	if (!err) {
		cls_note(cls, r);
		return 0;
	}
	cut_item_init(&i, &c->words, r);
	/* Not to be had in parts; without memory even for that, another one is built. */
	return take(c, &i) < 0 ? -EAGAIN : err;
}

static int cuts_remove(struct cls *cls, struct cls_rule *r)
{
	struct cuts *c = (struct cuts *)cls;
	struct cls *rest = atomic_load_explicit(&c->rest, memory_order_relaxed);
	struct cut_item i;
	int there;

	cut_item_init(&i, &c->words, r);
	there = take(c, &i);
	if (there >= 0 && rest && !rest->ops->remove(rest, r)) {
		c->n_rest--;
		there = 1;
	}
	if (there <= 0)
		return -EAGAIN;
	cls->n_rules--;
	return 0;
}

bool cls_cuts_worn(const struct cls *cls)
{
	const struct cuts *c = (const struct cuts *)cls;
	uint32_t full = c->n_rest;

	for (unsigned int k = 0; k < c->n_trees; k++)
		full += c->tree[k].full;
	return full > c->cls.n_rules / REST_PART + 64;
}

/* ---- Being built ---- */

bool cls_cuts_note(struct cls *cls, struct cls_rule *r, bool came)
{
	struct cuts *c = (struct cuts *)cls;
	struct note *n;

	for (uint32_t i = c->n_notes; !came && i-- > 0;) {
		n = &c->notes[i];
		if (n->item.rule == r && n->came && !n->void_) {
			n->void_ = true;
			return true;
		}
	}
	if (c->n_notes == c->room_notes) {
		const uint32_t room = c->room_notes ? 2 * c->room_notes : 64;

		n = room <= NOTES_MAX ? realloc(c->notes, room * sizeof(*n)) : NULL;
		if (!n)
			return false;
		c->notes = n;
		c->room_notes = room;
	}
	n = &c->notes[c->n_notes++];
	cut_item_init(&n->item, &c->words, r);
	n->came = came;
	n->void_ = false;
	return true;
}

static int by_address(const void *a, const void *b)
{
	const uintptr_t x = (uintptr_t) * (struct cls_rule *const *)a;
	const uintptr_t y = (uintptr_t) * (struct cls_rule *const *)b;

	return x < y ? -1 : x > y;
}

/* The rules that are in no tree, or not whole, and not in gone[], as tuples. */
static int build_rest(struct cuts *c, struct cls_rule **gone, uint32_t n_gone)
{
	struct cls_shape s = { .dp = c->cls.dp };
	struct cls_rule **v = malloc((c->n_left + 1) * sizeof(struct cls_rule *));
	struct cls *rest = NULL;

	if (!v)
		return -ENOMEM;
	qsort(gone, n_gone, sizeof(struct cls_rule *), by_address);
	for (uint32_t i = 0; i < c->n_left; i++) {
		v[s.n_rules] = c->left[i]->rule;
		if (!bsearch(&v[s.n_rules], gone, n_gone, sizeof(struct cls_rule *), by_address))
			s.n_rules++;
	}
	c->n_rest = s.n_rules;
	if (s.n_rules) {
		cls_shape_count(&s, v);
		rest = cls_tuple.build(&s);
	}
	free(v);
	atomic_store_explicit(&c->rest, rest, memory_order_relaxed);
	return c->n_rest && !rest ? -ENOMEM : 0;
}

/* What is gone, first of all: what is left then can be read. */
static int without_gone(struct cuts *c)
{
	struct cls_rule **gone = malloc((c->n_notes + 1) * sizeof(struct cls_rule *));
	uint32_t n = 0;
	int err = gone ? 0 : -ENOMEM;

	for (uint32_t i = 0; !err && i < c->n_notes; i++) {
		if (c->notes[i].came)
			continue;
		gone[n++] = c->notes[i].item.rule;
		c->cls.n_rules--;
		if (take(c, &c->notes[i].item) < 0)
			err = -ENOMEM;
	}
	if (!err)
		err = build_rest(c, gone, n);
	free(gone);
	return err;
}

int cls_cuts_ready(struct cls *cls, struct dp *dp)
{
	struct cuts *c = (struct cuts *)cls;
	int err;

	/* Until it serves nobody reads it, and nothing of it waits for readers. */
	err = without_gone(c);
	for (uint32_t i = 0; !err && i < c->n_notes; i++)
		if (c->notes[i].came && !c->notes[i].void_)
			err = cuts_insert(cls, c->notes[i].item.rule);
	forget(c);
	cls->dp = dp;
	if (atomic_load_explicit(&c->rest, memory_order_relaxed))
		atomic_load_explicit(&c->rest, memory_order_relaxed)->dp = dp;
	return err;
}

static struct cls *cuts_build(const struct cls_shape *s)
{
	struct cls *c;

	role_assume_control();
	c = cls_cuts_begin(s);
	if (c && (!cls_cuts_make(c) || cls_cuts_ready(c, s->dp))) {
		cuts_free(c);
		return NULL;
	}
	return c;
}

/* ---- Reading ---- */

static void cuts_lookup(const struct cls *cls, const struct burst *b, uint64_t todo,
			const struct cls_rule **hit)
{
	const struct cuts *c = (const struct cuts *)cls;
	const struct cls *rest = atomic_load_explicit(&c->rest, memory_order_acquire);

	cut_lookup(c->tree, c->n_trees, &c->words,
		   &(struct cut_keys){ b->pkt, sizeof(b->pkt[0]), b->version }, todo, hit);
	if (rest)
		cls_tuple_better(rest, b, todo, hit);
}

static uint32_t cuts_probes(const struct cls *cls)
{
	const struct cuts *c = (const struct cuts *)cls;
	const struct cls *rest = atomic_load_explicit(&c->rest, memory_order_relaxed);

	return c->n_trees + (rest ? rest->ops->probes(rest) : 0);
}

static size_t cuts_memory(const struct cls *cls)
{
	const struct cuts *c = (const struct cuts *)cls;
	const struct cls *rest = atomic_load_explicit(&c->rest, memory_order_relaxed);
	size_t n = sizeof(*c) + (rest ? rest->ops->memory(rest) : 0);

	for (unsigned int k = 0; k < c->n_trees; k++)
		n += c->tree[k].bytes;
	return n;
}

const struct cls_ops cls_cuts = {
	.name = "cuts",
	.why = "many sets of bits are looked at: decision trees",
	.fits = cuts_fits,
	.build = cuts_build,
	.insert = cuts_insert,
	.remove = cuts_remove,
	.lookup = cuts_lookup,
	.probes = cuts_probes,
	.memory = cuts_memory,
	.free = cuts_free,
};

/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/cls.h"

#include <stdlib.h>

#include "datapath/cls_conj.h"
#include "datapath/cls_cuts.h"
#include "datapath/dp.h"

const struct cls_ops *const cls_templates[] = { &cls_conj, &cls_direct, &cls_exact, &cls_lpm,
						&cls_cuts, &cls_tuple,	NULL };

static int by_mask(const void *a, const void *b)
{
	const struct cls_mask *x = (*(struct cls_rule *const *)a)->mask;
	const struct cls_mask *y = (*(struct cls_rule *const *)b)->mask;

	return x < y ? -1 : x > y;
}

void cls_shape_count(struct cls_shape *s, struct cls_rule **v)
{
	s->rules = v;
	qsort(v, s->n_rules, sizeof(struct cls_rule *), by_mask);
	for (uint32_t i = 0; i < s->n_rules; i++) {
		if (!v[i]->mask->n_words)
			s->n_any++;
		else if (!i || v[i]->mask != v[i - 1]->mask)
			s->n_masks++;
	}
}

void cls_free(void *c)
{
	((struct cls *)c)->ops->free(c);
}

const struct cls_ops *cls_pick(const struct cls_shape *s)
{
	const struct cls_ops *const *t = cls_templates;

	while (!(*t)->fits(s))
		t++;
	return *t;
}

void cls_retire(struct cls *c, void *p, void (*fn)(void *))
{
	role_assume_control();
	if (c->dp)
		dp_retire(c->dp, p, fn);
	else
		fn(p);
}

static void note_usual(struct cls *c, unsigned int word, uint64_t bits)
{
	const uint64_t was = atomic_load_explicit(&c->usual[word], memory_order_relaxed);

	if (bits & ~was)
		atomic_store_explicit(&c->usual[word], was | bits, memory_order_relaxed);
}

void cls_note_bits(struct cls *c, const struct cls_rule *r, uint64_t words)
{
	const struct cls_mask *m = r->mask;
	const uint64_t was = atomic_load_explicit(&c->words, memory_order_relaxed);

	for (unsigned int i = 0; i < m->n_words; i++) {
		_Atomic uint64_t *b = &c->bits[m->word[i]];
		const uint64_t bits = atomic_load_explicit(b, memory_order_relaxed);

		if (!(words >> m->word[i] & 1))
			continue;
		if (m->bits[i] & ~bits)
			atomic_store_explicit(b, bits | m->bits[i], memory_order_relaxed);
		if (!r->odd)
			note_usual(c, m->word[i], m->bits[i]);
	}
	/* Before the rule can be seen: the version that shows it is published later (cache.h). */
	atomic_store_explicit(&c->words, was | words, memory_order_release);
}

void cls_note(struct cls *c, const struct cls_rule *r)
{
	cls_note_bits(c, r, r->mask->words);
	c->n_rules++;
}

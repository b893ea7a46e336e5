/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Merging masks into a bounded number of tuples.
 *
 * A tuple hashes on the bits that all of its rules look at; what those bits do not tell apart is
 * compared one by one.  So a merge saves a probe and costs longer lists, and the pair is merged
 * that costs least.  The cost is the expected length of the list that a rule is found in, estimated
 * from a sample: 1 + p (n - 1), where p is how often two rules of the sample agree on the common
 * bits.  A set of single-field masks with nothing in common is the worst that rules can do: merged,
 * their lists are as long as they are many.  The estimate puts the small ones together then.
 */
#include "datapath/cls_plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/cls_hash.h"
#include "datapath/mask.h"

enum { SAMPLE = 24 }; /* rules */

struct cluster {
	struct cls_mask mask;
	uint32_t n; /* rules */
	uint32_t n_sample;
	const struct cls_rule *sample[SAMPLE];
	double length; /* expected list */
};

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static double list_length(const struct cluster *c)
{
	uint64_t h[SAMPLE];
	uint32_t pairs = 0, run = 0;

	if (c->n_sample < 2)
		return 1;
	for (uint32_t i = 0; i < c->n_sample; i++)
		h[i] = cls_hash_rule(&c->mask, c->sample[i]);
	qsort(h, c->n_sample, sizeof(h[0]), by_value);
	for (uint32_t i = 1; i < c->n_sample; i++) {
		run = h[i] == h[i - 1] ? run + 1 : 0;
		pairs += run;
	}
	return 1 + (double)pairs / (c->n_sample * (c->n_sample - 1) / 2) * (c->n - 1);
}

/* What 'a' and 'b' would be as one, each in the sample as it is in the whole. */
static void merge(const struct cluster *a, const struct cluster *b, struct cluster *out)
{
	uint32_t of_a = a->n_sample, of_b = b->n_sample;

	cls_mask_intersect(&a->mask, &b->mask, &out->mask);
	out->n = a->n + b->n;
	if (of_a + of_b > SAMPLE) {
		of_a = (uint32_t)((uint64_t)SAMPLE * a->n / out->n);
		of_a = of_a > a->n_sample ? a->n_sample : of_a ? of_a : 1;
		of_b = SAMPLE - of_a < b->n_sample ? SAMPLE - of_a : b->n_sample;
	}
	memcpy(out->sample, a->sample, of_a * sizeof(a->sample[0]));
	memcpy(out->sample + of_a, b->sample, of_b * sizeof(b->sample[0]));
	out->n_sample = of_a + of_b;
	out->length = list_length(out);
}

static double merge_cost(const struct cluster *a, const struct cluster *b)
{
	struct cluster m;

	merge(a, b, &m);
	return m.length - a->length - b->length;
}

struct plan {
	struct cluster *c;
	double *cost; /* [max + 1][max + 1], upper triangle */
	unsigned int n, max;
};

static double *cost_at(struct plan *p, unsigned int i, unsigned int j)
{
	return &p->cost[(i < j ? i : j) * (p->max + 1) + (i < j ? j : i)];
}

static void recost(struct plan *p, unsigned int i)
{
	for (unsigned int j = 0; j < p->n; j++)
		if (j != i)
			*cost_at(p, i, j) = merge_cost(&p->c[i], &p->c[j]);
}

/* Merges the cheapest pair; the last cluster takes the place that becomes free. */
static void merge_one(struct plan *p)
{
	unsigned int a = 0, b = 1;
	struct cluster m;

	for (unsigned int i = 0; i < p->n; i++)
		for (unsigned int j = i + 1; j < p->n; j++)
			if (*cost_at(p, i, j) < *cost_at(p, a, b)) {
				a = i;
				b = j;
			}
	merge(&p->c[a], &p->c[b], &m);
	p->c[a] = m;
	p->n--;
	if (b != p->n) {
		p->c[b] = p->c[p->n];
		for (unsigned int j = 0; j < p->n; j++)
			if (j != b)
				*cost_at(p, b, j) = *cost_at(p, p->n, j);
	}
	recost(p, a);
}

static int by_mask(const void *a, const void *b)
{
	const struct cls_mask *x = (*(struct cls_rule *const *)a)->mask;
	const struct cls_mask *y = (*(struct cls_rule *const *)b)->mask;

	if (x->n_words != y->n_words)
		return (int)y->n_words - (int)x->n_words;
	return x->hash < y->hash ? -1 : x->hash > y->hash;
}

/* The rules r[0..n) of one mask as a cluster. */
static void cluster_of(struct cls_rule **r, uint32_t n, struct cluster *c)
{
	c->mask = *r[0]->mask;
	c->n = n;
	c->length = 1;
	c->n_sample = n < SAMPLE ? n : SAMPLE;
	for (uint32_t i = 0; i < c->n_sample; i++)
		c->sample[i] = r[(uint64_t)i * n / c->n_sample];
}

int cls_plan(const struct cls_shape *s, unsigned int keep, unsigned int max, struct cls_mask *out)
{
	unsigned int n_masks = s->n_masks + !!s->n_any;
	struct plan p = { .max = n_masks <= keep ? keep : max };
	struct cls_rule **r = malloc((s->n_rules + 1) * sizeof(*r));
	int n = -ENOMEM;

	p.c = calloc(p.max + 1, sizeof(*p.c));
	p.cost = calloc((p.max + 1) * (p.max + 1), sizeof(*p.cost));
	if (!r || !p.c || !p.cost)
		goto out;
	memcpy(r, s->rules, s->n_rules * sizeof(*r));
	qsort(r, s->n_rules, sizeof(*r), by_mask);
	for (uint32_t i = 0, end; i < s->n_rules; i = end) {
		for (end = i + 1; end < s->n_rules && r[end]->mask == r[i]->mask; end++)
			;
		cluster_of(r + i, end - i, &p.c[p.n++]);
		if (n_masks > keep)
			recost(&p, p.n - 1);
		if (p.n > p.max)
			merge_one(&p);
	}
	for (n = 0; n < (int)p.n; n++)
		out[n] = p.c[n].mask;
out:
	free(r);
	free(p.c);
	free(p.cost);
	return n;
}

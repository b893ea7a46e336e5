/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which bits to cut by.
 *
 * Tried are runs of bits of each word, on a sample of the rules.  A packet is taken to come from
 * inside one of the rules, each as often as any other: then what a cut is worth is the number of
 * rules that such a packet still meets behind it, and what it costs is how often rules are copied.
 */
#include <math.h>
#include <stdlib.h>

#include "datapath/cls_cut.h"

enum { SAMPLE = 512, N_SIZES = 8 };

static const uint8_t sizes[N_SIZES] = { 1, 2, 3, 4, 6, 8, 10, 12 };

/* What of a cut's children a rule stands in. */
struct stand {
	uint32_t value, wild;
};

struct sample {
	const struct cut_words *words;
	const struct cut_item *v[SAMPLE];
	uint32_t n;
	uint32_t of; /* rules that it stands for */
	bool root;
	struct stand in[SAMPLE];
	float *count, *weight; /* by child */
};

/* Bits that some rules want set and some want clear. */
static uint64_t telling(const struct sample *s, unsigned int at)
{
	uint64_t zeros = 0, ones = 0;

	for (uint32_t i = 0; i < s->n; i++) {
		ones |= s->v[i]->value[at];
		zeros |= s->v[i]->mask[at] & ~s->v[i]->value[at];
	}
	return zeros & ones;
}

/*
 * How many copies of rules a cut makes, and of how many; and where these stand, to s->in[].  It
 * costs a step a rule, where to spread them over the children costs one a copy.
 */
static double copies_of(struct sample *s, const struct cut *c, uint32_t *kept)
{
	const uint32_t all = (1u << c->bits) - 1;
	uint64_t copies = 0;

	*kept = 0;
	for (uint32_t i = 0; i < s->n; i++) {
		const uint32_t m = (uint32_t)(s->v[i]->mask[c->at] >> c->shift) & all;
		const uint32_t n = 1u << __builtin_popcount(~m & all);

		if (s->root && n > CUT_ROOT_COPIES)
			continue;
		s->in[*kept].value = (uint32_t)(s->v[i]->value[c->at] >> c->shift) & all;
		s->in[(*kept)++].wild = ~m & all;
		copies += n;
	}
	return (double)copies;
}

/* The mean, over packets, of rules in the child that they come to; times how many rules. */
static double met_by(const struct sample *s, const struct cut *c, uint32_t kept)
{
	const uint32_t all = (1u << c->bits) - 1;
	double met = 0;

	for (uint32_t k = 0; k <= all; k++)
		s->count[k] = s->weight[k] = 0;
	for (uint32_t i = 0; i < kept; i++) {
		const struct stand *r = &s->in[i];
		const float part = 1 / (float)(1u << __builtin_popcount(r->wild));
		uint32_t sub = 0;

		do {
			s->count[r->value | sub] += 1;
			s->weight[r->value | sub] += part;
			sub = (sub - r->wild) & r->wild;
		} while (sub);
	}
	for (uint32_t k = 0; k <= all; k++)
		met += s->count[k] * s->weight[k];
	return met;
}

static double left_behind(const struct cut *c, double out, double met, double copies)
{
	return (1 - out) * log2((met < 1 ? 1 : met) + 2) + 0.35 * log2(copies) + 0.04 * c->bits;
}

/*
 * What is still to be found out behind the cut, in bits; more than 1e9: it is no good, or not less
 * than 'least', which is mostly known without spreading the rules.
 */
static double judge(struct sample *s, const struct cut *c, double least)
{
	double met, copies, out, left, behind = 0;
	uint32_t kept;

	copies = copies_of(s, c, &kept);
	if (kept == 0)
		return 1e10;
	copies /= kept;
	if (!s->root && copies * s->of > 4.0 * s->of + 32)
		return 1e10;
	out = 1 - (double)kept / s->n;
	if (out > 0)
		behind = out * log2(out * s->of + 2) + 0.5;
	/* No fewer are met than if each rule stood in one child, and in all as many. */
	met = (double)kept * s->of / s->n / (1u << c->bits);
	left = left_behind(c, out, met, copies) + behind;
	if (left - 0.001 >= least)
		return 1e10;
	met = met_by(s, c, kept) * ((double)s->of / s->n / kept);
	if (!s->root && met > 0.75 * s->of)
		return 1e10;
	return left_behind(c, out, met, copies) + behind;
}

static void try_word(struct sample *s, unsigned int at, unsigned int max, struct cut *best,
		     double *least)
{
	const uint64_t tell = telling(s, at);

	for (unsigned int k = 0; k < N_SIZES && sizes[k] <= max; k++) {
		const uint64_t all = (UINT64_C(1) << sizes[k]) - 1;

		for (unsigned int shift = 0; shift + sizes[k] <= 64; shift++) {
			struct cut c = { (uint8_t)at, (uint8_t)shift, sizes[k] };
			double left;

			if (!(tell >> shift & 1) || !(tell >> (shift + sizes[k] - 1) & 1) ||
			    __builtin_popcountll(tell >> shift & all) * 2 < sizes[k])
				continue;
			left = judge(s, &c, *least);
			if (left < *least) {
				*least = left;
				*best = c;
			}
		}
	}
}

bool cut_choose(const struct cut_words *words, struct cut_item *const *v, uint32_t n, bool root,
		struct cut *out)
{
	unsigned int max = 1;
	double least = 1e9;
	struct sample s = { .words = words, .of = n, .root = root };

	while (max < sizes[N_SIZES - 1] && (1u << max) < 2 * n)
		max++;
	s.count = calloc(2u << max, sizeof(*s.count));
	if (!s.count)
		return false;
	s.weight = s.count + (1u << max);
	s.n = n < SAMPLE ? n : SAMPLE;
	for (uint32_t i = 0; i < s.n; i++)
		s.v[i] = v[(uint64_t)i * n / s.n];
	for (unsigned int at = 0; at < words->n; at++)
		try_word(&s, at, max, out, &least);
	free(s.count);
	return least < 1e9;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Routes among the rules of a table: what most rules of a family of addresses have in common is
 * taken from some of them, drawn evenly, and all rules must be routes then, or such as may stand
 * beside them.
 *
 * Those are few: a table where they are many is served by the other templates.
 */
#include "datapath/cls_lpm_fit.h"

#include <string.h>

enum {
	MIN_LENGTHS = 3, /* below, a hash for each is as good */
	SAMPLE = 64,	 /* rules */
	SEEDS = 4,	 /* of them, that are taken for a route */
	BESIDE_PART = 3, /* of the rules may stand beside routes */
};

struct sample {
	const struct cls_rule *r[SAMPLE];
	uint32_t n;
};

void lpm_priorities_init(struct lpm_priorities *p)
{
	memset(p->min, 0xff, sizeof(p->min));
	memset(p->max, 0, sizeof(p->max));
}

bool lpm_agrees(struct lpm_priorities *p, unsigned int bits, unsigned int len, uint16_t priority)
{
	for (unsigned int l = 0; l < len; l++)
		if (p->max[l] > priority)
			return false;
	for (unsigned int l = len + 1; l <= bits; l++)
		if (p->min[l] < priority)
			return false;
	if (priority < p->min[len])
		p->min[len] = priority;
	if (priority > p->max[len])
		p->max[len] = priority;
	return true;
}

static unsigned int n_lengths(const struct lpm_priorities *p)
{
	unsigned int n = 0;

	for (unsigned int l = 0; l <= TRIE_BITS; l++)
		n += p->min[l] <= p->max[l];
	return n;
}

bool lpm_is_loose(const struct prefix_set *set, const struct cls_rule *r)
{
	struct trie_key key;

	return !prefix_apart(set, r) && !prefix_whole(set->field, r, &key);
}

bool lpm_beside_fits(const struct prefix_set *set, const struct cls_rule *r)
{
	return r->odd || !lpm_is_loose(set, r);
}

/* Some rules of the family. */
static void draw(const struct cls_shape *s, enum prefix_family family, struct sample *out)
{
	const uint32_t step = s->n_rules / SAMPLE + 1;

	out->n = 0;
	/* Those that are few may all stand between two that are looked at. */
	for (uint32_t first = 0; first < step && !out->n; first++)
		for (uint32_t i = first; i < s->n_rules; i += step)
			if (s->rules[i]->mask->n_words && prefix_family_of(s->rules[i]) == family)
				out->r[out->n++] = s->rules[i];
}

static bool most_are(const struct sample *some, struct prefix_set *set)
{
	struct prefix at;
	uint32_t n = 0;

	for (uint32_t i = 0; i < some->n; i++)
		n += prefix_set_has(set, some->r[i], &at);
	return 2 * n >= some->n;
}

/* How many rules are routes of 'set', all others of the family being such as may stand beside; 0:
 * they are not. */
static uint32_t count_routes(const struct cls_shape *s, enum prefix_family family,
			     struct prefix_set *set, struct lpm_priorities *p)
{
	uint32_t n = 0, beside = 0;

	lpm_priorities_init(p);
	for (uint32_t i = 0; i < s->n_rules; i++) {
		const struct cls_rule *r = s->rules[i];
		const enum prefix_family f = prefix_family_of(r);
		struct prefix at;

		if ((f != family && f < N_PREFIX_FAMILIES) || !r->mask->n_words)
			continue;
		if (prefix_set_has(set, r, &at)) {
			if (!lpm_agrees(p, prefix_bits(set->field), at.len, r->priority))
				return 0;
			n++;
		} else if (++beside > s->n_rules / BESIDE_PART || !lpm_beside_fits(set, r)) {
			return 0;
		}
	}
	return n;
}

static uint32_t find(const struct cls_shape *s, enum prefix_family family, struct prefix_set *set,
		     struct lpm_priorities *p)
{
	struct sample some;

	draw(s, family, &some);
	for (uint32_t seed = 0; seed < SEEDS && seed < some.n; seed++) {
		for (unsigned int f = 0; f < N_PREFIX_FIELDS; f++) {
			uint32_t n;

			if (prefix_family((enum prefix_field)f) != family)
				continue;
			prefix_set_init(set, (enum prefix_field)f,
					some.r[(uint64_t)seed * some.n / SEEDS]);
			n = most_are(&some, set) ? count_routes(s, family, set, p) : 0;
			if (n)
				return n;
		}
	}
	return 0;
}

uint32_t lpm_find(const struct cls_shape *s, enum prefix_family family, struct prefix_set *set)
{
	struct lpm_priorities p;

	return find(s, family, set, &p);
}

bool lpm_fits(const struct cls_shape *s)
{
	uint32_t routes = 0, lengths = 0;
	struct prefix_set set;
	struct lpm_priorities p;

	if (s->n_masks < MIN_LENGTHS || s->n_masks > N_PREFIX_FAMILIES * (TRIE_BITS + 1) ||
	    s->n_rules >= TRIE_MAX / LPM_ROOM_TIMES)
		return false;
	for (unsigned int f = 0; f < N_PREFIX_FAMILIES; f++) {
		const uint32_t n = find(s, (enum prefix_family)f, &set, &p);

		routes += n;
		lengths += n ? n_lengths(&p) : 0;
	}
	return lengths >= MIN_LENGTHS && s->n_rules - s->n_any - routes <= s->n_rules / BESIDE_PART;
}

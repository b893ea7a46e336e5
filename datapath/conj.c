/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/conj.h"

#include <stdlib.h>

/* ---- Making sets ---- */

bool conj_is_in(const struct of_list *actions)
{
	for (uint32_t i = 0; i < actions->n; i++)
		if (actions->v[i]->kind == OF_KIND_nx_conjunction)
			return true;
	return false;
}

static int by_name(const void *a, const void *b)
{
	const struct conj_term *x = a, *y = b;

	return x->name < y->name ? -1 : x->name > y->name;
}

/* One term for each name. */
static void join(struct conj_set *s)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->n; i++) {
		if (n && s->term[n - 1].name == s->term[i].name)
			s->term[n - 1].clauses |= s->term[i].clauses;
		else
			s->term[n++] = s->term[i];
	}
	s->n = n;
}

struct conj_set *conj_set_new(const struct of_list *actions)
{
	struct conj_set *s = calloc(1, sizeof(*s) + actions->n * sizeof(s->term[0]));

	if (!s)
		return NULL;
	for (uint32_t i = 0; i < actions->n; i++) {
		const struct of_nx_conjunction *c = (const void *)actions->v[i];

		if (c->kind != OF_KIND_nx_conjunction)
			continue;
		s->term[s->n++] = (struct conj_term){
			.name = (uint64_t)c->id << 8 | c->n_clauses,
			.clauses = UINT64_C(1) << c->clause,
		};
	}
	qsort(s->term, s->n, sizeof(s->term[0]), by_name);
	join(s);
	for (uint32_t i = 0; i < s->n; i++)
		s->alone |= s->term[i].clauses == conj_all(s->term[i].name);
	return s;
}

/* ---- Meeting ---- */

/* The first term that is not below 'name'. */
static uint32_t at(const struct conj_set *s, uint64_t name)
{
	uint32_t from = 0, n = s->n;

	while (n) {
		const uint32_t half = n / 2;

		if (s->term[from + half].name < name) {
			from += half + 1;
			n -= half + 1;
		} else {
			n = half;
		}
	}
	return from;
}

static uint64_t clauses_of(const struct conj_set *s, uint64_t name)
{
	const uint32_t i = at(s, name);

	return i < s->n && s->term[i].name == name ? s->term[i].clauses : 0;
}

static bool complete(const struct conj_set *const *sets, unsigned int n, uint64_t name)
{
	const uint64_t all = conj_all(name);
	uint64_t have = 0;

	for (unsigned int i = 0; i < n && have != all; i++)
		have |= clauses_of(sets[i], name);
	return have == all;
}

bool conj_meet(const struct conj_set *const *sets, unsigned int n, uint64_t from, uint64_t *name)
{
	unsigned int largest = 0;
	bool found = false;

	for (unsigned int i = 1; i < n; i++)
		if (sets[i]->n > sets[largest]->n)
			largest = i;
	/* Who is complete is in two sets, or alone in one. */
	for (unsigned int i = 0; i < n; i++) {
		const struct conj_set *s = sets[i];

		if (i == largest && !s->alone)
			continue;
		for (uint32_t k = at(s, from); k < s->n; k++) {
			if (found && s->term[k].name >= *name)
				break;
			if (!complete(sets, n, s->term[k].name))
				continue;
			*name = s->term[k].name;
			found = true;
			break;
		}
	}
	return found;
}

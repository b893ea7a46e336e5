/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/cache_adapt.h"

enum {
	FRACTION = 16, /* costs are in cycles a packet by this */
	/* Who takes more than so many times the usual, and so many cycles, was interrupted. */
	TIMES = 8,
	MORE = 20000,
};

/* What is known of the cache is from before: it is filled first. */
static void warm(struct cache_adapt *a)
{
	a->phase = ADAPT_WARMS;
	a->on = true;
	a->left = ADAPT_WARM;
	a->held = 0;
}

static void window(struct cache_adapt *a)
{
	a->packets = a->cut = 0;
	a->cycles = 0;
	a->in_lead = ADAPT_LEAD;
}

static void try(struct cache_adapt *a)
{
	a->phase = ADAPT_TRIES;
	a->n = 0;
	a->on = true;
	a->least_cost[0] = a->least_cost[1] = UINT32_MAX;
	window(a);
}

void cache_adapt_init(struct cache_adapt *a)
{
	*a = (struct cache_adapt){ .winner = true, .hold = ADAPT_HOLD_MIN, .least = ADAPT_LEAST };
	warm(a);
}

/* The value that a quarter of them are below; sorts them. */
static uint32_t quartile(uint32_t *v, unsigned int n)
{
	for (unsigned int i = 1; i < n; i++)
		for (unsigned int k = i; k && v[k - 1] > v[k]; k--) {
			const uint32_t was = v[k];

			v[k] = v[k - 1];
			v[k - 1] = was;
		}
	return v[n / 4];
}

/* Whether each of 'n' of 'v' is more than any of 'than', by half. */
static bool all_more(const uint32_t *v, const uint32_t *than, unsigned int n)
{
	uint32_t least = UINT32_MAX, most = 0;

	for (unsigned int i = 0; i < n; i++) {
		least = v[i] < least ? v[i] : least;
		most = than[i] > most ? than[i] : most;
	}
	return least / 3 > most / 2;
}

static bool is_over(const struct cache_adapt *a)
{
	if (a->n == 2 * ADAPT_CLEAR)
		return all_more(a->cost[0], a->cost[1], ADAPT_CLEAR) ||
		       all_more(a->cost[1], a->cost[0], ADAPT_CLEAR);
	return a->n == 2 * ADAPT_WINDOWS;
}

/* Packets that this trial's loser is to be paid for by. */
static uint32_t paid_by(const struct cache_adapt *a)
{
	const uint32_t wins = a->found[a->winner], loses = a->found[!a->winner];
	const uint64_t packets = (a->winner ? 0 : ADAPT_WARM) +
				 a->n / 2 * (uint64_t)(ADAPT_LEAD + ADAPT_WINDOW),
		       hold = loses > wins ? packets * ADAPT_PART * (loses - wins) / (wins + 1) : 0;

	return hold < ADAPT_HOLD_MAX ? (uint32_t)hold : ADAPT_HOLD_MAX;
}

static void decide(struct cache_adapt *a)
{
	const uint32_t without = quartile(a->cost[0], a->n / 2),
		       with = quartile(a->cost[1], a->n / 2);
	bool winner = a->winner, same;

	if (winner ? without < with - with / ADAPT_MARGIN : with < without - without / ADAPT_MARGIN)
		winner = !winner;
	same = winner == a->winner;
	a->winner = a->on = winner;
	a->found[0] = without;
	a->found[1] = with;
	if (!same || a->called)
		a->hold = ADAPT_HOLD_MIN;
	else if (a->hold < ADAPT_HOLD_MAX)
		a->hold *= 2;
	if (a->hold < paid_by(a))
		a->hold = paid_by(a);
	if (a->hold > ADAPT_HOLD_MAX)
		a->hold = ADAPT_HOLD_MAX;
	/* Who changes tables all the time is not to pay for a trial each time. */
	if (!same || !a->called)
		a->least = ADAPT_LEAST;
	else if (a->least < ADAPT_HOLD_MAX)
		a->least *= 2;
	a->called = false;
	a->phase = ADAPT_HOLDS;
	/* Some of it was measured before they were as they are. */
	a->left = a->doubt ? a->least : a->hold;
	a->held = 0;
	a->doubt = false;
}

static uint32_t cost_of(const struct cache_adapt *a)
{
	const uint64_t cost = a->cycles * FRACTION / a->packets;

	return cost < UINT32_MAX ? (uint32_t)cost : UINT32_MAX;
}

static void measured(struct cache_adapt *a, uint32_t packets, uint64_t cycles)
{
	const uint64_t usual = (uint64_t)packets * a->least_cost[a->on] / FRACTION;
	uint32_t cost;

	/* ... unless it is what is usual now. */
	if (cycles > usual * TIMES + MORE && a->cut < ADAPT_WINDOW) {
		a->cut += packets;
		return;
	}
	if (a->in_lead) {
		a->in_lead = a->in_lead > packets ? a->in_lead - packets : 0;
		return;
	}
	a->packets += packets;
	a->cycles += cycles;
	if (a->packets < ADAPT_WINDOW)
		return;
	cost = cost_of(a);
	a->cost[a->on][a->n / 2] = cost;
	if (cost < a->least_cost[a->on])
		a->least_cost[a->on] = cost;
	a->on = !a->on;
	window(a);
	a->n++;
	if (is_over(a))
		decide(a);
}

void cache_adapt_spent(struct cache_adapt *a, uint32_t packets, uint64_t cycles)
{
	if (a->phase == ADAPT_SURE)
		return;
	if (a->phase == ADAPT_TRIES) {
		measured(a, packets, cycles);
		return;
	}
	a->held += packets;
	if (a->held < a->left)
		return;
	/* One that was in use is warm. */
	if (a->phase == ADAPT_HOLDS && !a->winner)
		warm(a);
	else
		try(a);
}

void cache_adapt_sure(struct cache_adapt *a, bool sure)
{
	if ((a->phase == ADAPT_SURE) == sure)
		return;
	warm(a);
	a->winner = true;
	if (sure)
		a->phase = ADAPT_SURE;
}

void cache_adapt_again(struct cache_adapt *a, bool tables)
{
	if (a->phase != ADAPT_HOLDS) {
		a->doubt |= tables;
		return;
	}
	a->called = true;
	if (a->left > a->least)
		a->left = a->least;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/rx_turn.h"

enum {
	SLOWLY = 8,   /* an average moves by one in so many of the difference */
	ONCE_MAX = 2, /* one measurement counts for no more than so many times the average: who
			 was interrupted is not to pay for it */
	COST_MAX = 1 << 26,
	SAME = 4,    /* one in so many more is no difference */
	BESIDES = 2, /* who is dearer pays one in so many more: it empties caches that others'
			frames would have found full */
};

static struct rx_turn *at(struct rx_turn *q, uint32_t i, uint32_t stride)
{
	return (struct rx_turn *)((char *)q + (uint64_t)i * stride);
}

static void learn_cost(struct rx_turn *q, uint64_t cycles)
{
	if (!q->cost) {
		q->cost = cycles < COST_MAX ? (uint32_t)cycles : COST_MAX;
		return;
	}
	if (cycles > (uint64_t)q->cost * ONCE_MAX)
		cycles = (uint64_t)q->cost * ONCE_MAX;
	q->cost = (uint32_t)((int64_t)q->cost + ((int64_t)cycles - q->cost) / SLOWLY);
	if (q->cost > COST_MAX)
		q->cost = COST_MAX;
}

void rx_turns_settle(struct rx_turns *t, struct rx_turn *q, uint32_t n, uint32_t stride)
{
	uint32_t least = UINT32_MAX, most = 0, limit;
	uint64_t frames = 0, sending;

	for (uint32_t i = 0; i < n; i++)
		frames += at(q, i, stride)->n;
	sending = frames ? t->aside / frames : 0;
	for (uint32_t i = 0; i < n; i++) {
		struct rx_turn *k = at(q, i, stride);

		if (!k->full)
			continue;
		if (k->n)
			learn_cost(k, k->cycles + sending * k->n);
		least = k->cost < least ? k->cost : least;
		most = k->cost > most ? k->cost : most;
	}
	limit = least < COST_MAX ? least + least / SAME : least;
	for (uint32_t i = 0; i < n; i++) {
		struct rx_turn *k = at(q, i, stride);

		k->price = k->cost <= limit ? least : k->cost + k->cost / BESIDES;
	}
	t->timed = false;
	t->aside = 0;
	t->forgiven = most > limit ? least : 0;
}

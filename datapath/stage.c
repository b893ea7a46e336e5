/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/stage.h"

#include <rte_cycles.h>

const char *const stage_names[N_STAGES] = {
#define STAGE(id, name, text) [STAGE_##id] = name,
#include "datapath/stage.def"
#undef STAGE
};

const char *const stage_texts[N_STAGES] = {
#define STAGE(id, name, text) [STAGE_##id] = text,
#include "datapath/stage.def"
#undef STAGE
};

void stage_init(struct stages *s, uint64_t hz)
{
	s->every = hz * STAGE_EVERY_US / 1000000;
	s->random = 1;
}

/* What has passed of the iteration was spent looking for packets. */
void stage_start(struct stages *s, uint64_t now)
{
	/* Not at even distances, which traffic may have, too. */
	s->random = s->random * 1664525 + 1013904223;
	s->due = now + s->every / 2 + (s->every * (s->random >> 16) >> 16);
	s->on = true;
	s->stage = STAGE_RECEIVE;
	s->since = now;
}

static uint64_t spend(struct stages *s, uint64_t now)
{
	const uint64_t spent = now - s->since;

	counter_add(&s->at[s->stage].cycles, spent);
	counter_add(&s->cycles, spent);
	return spent;
}

/* What the probe itself took is nobody's. */
static void go_on(struct stages *s, enum stage next, uint64_t n)
{
	s->stage = (uint8_t)next;
	counter_add(&s->at[next].packets, n);
	s->since = rte_rdtsc();
}

void stage_turn(struct stages *s, enum stage next, uint64_t n)
{
	(void)spend(s, rte_rdtsc());
	go_on(s, next, n);
}

void stage_looked_up(struct stages *s, unsigned int table, enum stage next, uint64_t n)
{
	counter_add(&s->table[table].cycles, spend(s, rte_rdtsc()));
	counter_add(&s->table[table].packets, n);
	go_on(s, next, next == STAGE_ACTIONS ? n : 0);
}

void stage_stop(struct stages *s, uint64_t end, uint64_t n)
{
	(void)spend(s, end);
	counter_add(&s->iterations, 1);
	counter_add(&s->packets, n);
	s->on = false;
}

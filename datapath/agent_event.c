/* SPDX-License-Identifier: Apache-2.0 */
/* What event.def counts, as Weft's own messages tell it. */
#include <errno.h>

#include "datapath/agent_mgmt.h"
#include "datapath/counter.h"
#include "datapath/ct_alg.h"
#include "datapath/ipfix.h"
#include "datapath/learn.h"

enum event {
#define EVENT(id, ...) EVENT_##id,
#include "datapath/event.def"
#undef EVENT
	N_EVENTS
};

static const char *const names[N_EVENTS] = {
#define EVENT(id, name, text, value) [EVENT_##id] = name,
#include "datapath/event.def"
#undef EVENT
};

static const char *const texts[N_EVENTS] = {
#define EVENT(id, name, text, value) [EVENT_##id] = text,
#include "datapath/event.def"
#undef EVENT
};

static void count(struct dp *dp, uint64_t out[N_EVENTS]) CONTROL
{
	const struct ct *t = atomic_load_explicit(&dp->ct, memory_order_relaxed);
	const struct learn_counts l = learn_counts(dp);
	const struct ipfix_counts x = ipfix_counts(dp);
	struct ct_alg_stats a = { 0 };
	struct {
		uint64_t stack_empty, sample_no_set, sample_lost;
	} p = { 0 };

	if (t)
		ct_alg_stats(t, &a);
	for (unsigned int i = 0; i < dp->n_pmds; i++) {
		const struct pmd_perf *f = &dp->pmds[i]->perf;

		p.stack_empty += counter_get(&f->stack_empty);
		p.sample_no_set += counter_get(&f->sample_no_set);
		p.sample_lost += counter_get(&f->sample_lost);
	}
#define EVENT(id, name, text, value) out[EVENT_##id] = value;
#include "datapath/event.def"
#undef EVENT
}

int agent_events(struct dp *dp, struct arena *a, Weft__Drop ***list, size_t *n)
{
	Weft__Drop **v = arena_get(a, N_EVENTS * sizeof(*v));
	uint64_t counts[N_EVENTS];

	if (!v)
		return -ENOMEM;
	count(dp, counts);
	for (unsigned int i = 0; i < N_EVENTS; i++) {
		v[i] = arena_get(a, sizeof(*v[i]));
		if (!v[i])
			return -ENOMEM;
		weft__drop__init(v[i]);
		v[i]->name = (char *)(uintptr_t)names[i];
		v[i]->text = (char *)(uintptr_t)texts[i];
		v[i]->count = counts[i];
	}
	*list = v;
	*n = N_EVENTS;
	return 0;
}

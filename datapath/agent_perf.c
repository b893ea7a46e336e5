/* SPDX-License-Identifier: Apache-2.0 */
/* Where the packet threads' time goes (stage.h), as Weft's own messages tell it. */
#include <errno.h>
#include <rte_cycles.h>
#include <stdint.h>

#include "datapath/agent_mgmt.h"
#include "datapath/cache_view.h"
#include "datapath/counter.h"
#include "datapath/stage.h"

#define NEW(arena, type, init)                             \
	({                                                 \
		type *x_ = arena_get(arena, sizeof(type)); \
		if (x_)                                    \
			*x_ = (type)init;                  \
		x_;                                        \
	})

static Weft__PerfCount *count(struct arena *a, const struct stage_counts *c)
{
	Weft__PerfCount *n = NEW(a, Weft__PerfCount, WEFT__PERF_COUNT__INIT);

	if (n) {
		n->cycles = counter_get(&c->cycles);
		n->packets = counter_get(&c->packets);
	}
	return n;
}

static int add_stages(struct arena *a, const struct stages *s, Weft__PerfThread *t)
{
	t->sampled = NEW(a, Weft__PerfSampled, WEFT__PERF_SAMPLED__INIT);
	t->at = arena_get(a, N_STAGES * sizeof(*t->at));
	if (!t->sampled || !t->at)
		return -ENOMEM;
	t->sampled->iterations = counter_get(&s->iterations);
	t->sampled->bursts = counter_get(&s->bursts);
	t->sampled->packets = counter_get(&s->packets);
	t->sampled->cycles = counter_get(&s->cycles);
	for (; t->n_at < N_STAGES; t->n_at++) {
		t->at[t->n_at] = count(a, &s->at[t->n_at]);
		if (!t->at[t->n_at])
			return -ENOMEM;
	}
	return 0;
}

static int add_cache(struct arena *a, const struct pmd *w, Weft__PerfThread *t) CONTROL
{
	Weft__PerfCache *c = NEW(a, Weft__PerfCache, WEFT__PERF_CACHE__INIT);
	struct cache_view v;

	if (!c)
		return -ENOMEM;
	cache_view(w->cache, &v);
	c->hits = counter_get(&w->perf.cache_hits);
	c->misses = counter_get(&w->perf.cache_misses);
	c->ways = v.ways;
	c->places = v.places;
	c->places_max = v.places_max;
	c->words = v.words;
	c->state = (char *)(uintptr_t)v.state;
	c->text = (char *)(uintptr_t)v.text;
	c->with = v.with;
	c->without = v.without;
	t->cache = c;
	return 0;
}

static int add_table_counts(struct arena *a, const struct pmd *w, const Weft__Perf *all,
			    Weft__PerfThread *t)
{
	t->tables = arena_get(a, (all->n_tables + 1) * sizeof(*t->tables));
	if (!t->tables)
		return -ENOMEM;
	for (size_t i = 0; i < all->n_tables; i++) {
		const uint32_t table = all->tables[i]->table;
		Weft__PerfTableCount *n =
			NEW(a, Weft__PerfTableCount, WEFT__PERF_TABLE_COUNT__INIT);

		if (!n)
			return -ENOMEM;
		n->table = table;
		n->lookups = counter_get(&w->perf.table_lookups[table]);
		n->matches = counter_get(&w->perf.table_matches[table]);
		n->searched = count(a, &w->stages.table[table]);
		if (!n->searched)
			return -ENOMEM;
		t->tables[t->n_tables++] = n;
	}
	return 0;
}

static int add_tables(struct arena *a, const struct dp *dp, Weft__Perf *all) CONTROL
{
	all->tables = arena_get(a, N_TABLES * sizeof(*all->tables));
	if (!all->tables)
		return -ENOMEM;
	for (unsigned int t = 0; t < N_TABLES; t++) {
		const uint32_t rules = table_count(dp, (uint8_t)t);
		uint32_t masks = 0;
		uint64_t lookups, matches;
		Weft__PerfTable *p;

		table_lookups(dp, (uint8_t)t, &lookups, &matches);
		if (!rules && !lookups)
			continue;
		p = NEW(a, Weft__PerfTable, WEFT__PERF_TABLE__INIT);
		if (!p)
			return -ENOMEM;
		p->table = t;
		p->template_ = (char *)(uintptr_t)table_template(dp, (uint8_t)t, &masks);
		p->why = (char *)(uintptr_t)table_why(dp, (uint8_t)t);
		p->rules = rules;
		p->masks = masks;
		all->tables[all->n_tables++] = p;
	}
	return 0;
}

static int add_names(struct arena *a, Weft__Perf *all)
{
	all->stages = arena_get(a, N_STAGES * sizeof(*all->stages));
	if (!all->stages)
		return -ENOMEM;
	for (unsigned int i = 0; i < N_STAGES; i++) {
		Weft__PerfStage *s = NEW(a, Weft__PerfStage, WEFT__PERF_STAGE__INIT);

		if (!s)
			return -ENOMEM;
		s->name = (char *)(uintptr_t)stage_names[i];
		s->text = (char *)(uintptr_t)stage_texts[i];
		all->stages[all->n_stages++] = s;
	}
	return 0;
}

static int add_thread(struct arena *a, const struct pmd *w, Weft__Perf *all) CONTROL
{
	Weft__PerfThread *t = NEW(a, Weft__PerfThread, WEFT__PERF_THREAD__INIT);
	int rc;

	if (!t)
		return -ENOMEM;
	t->id = w->id;
	t->pinned = w->core != UINT32_MAX;
	t->core = t->pinned ? w->core : 0;
	t->iterations = counter_get(&w->perf.iterations);
	t->busy_iterations = counter_get(&w->perf.busy_iterations);
	t->busy_cycles = counter_get(&w->perf.busy_cycles);
	t->idle_cycles = counter_get(&w->perf.idle_cycles);
	t->sleeps = counter_get(&w->perf.sleeps);
	t->packets = counter_get(&w->perf.rx);
	t->routed = counter_get(&w->perf.routed);
	rc = add_stages(a, &w->stages, t);
	if (!rc)
		rc = add_cache(a, w, t);
	if (!rc)
		rc = add_table_counts(a, w, all, t);
	all->threads[all->n_threads++] = t;
	return rc;
}

int agent_perf(const struct mgmt_ctx *x)
{
	const struct dp *dp = x->conn->agent->dp;
	Weft__Perf all = WEFT__PERF__INIT;
	Weft__Reply r = WEFT__REPLY__INIT;
	int rc = add_tables(x->arena, dp, &all);

	if (!rc)
		rc = add_names(x->arena, &all);
	all.threads = arena_get(x->arena, (dp->n_pmds + 1) * sizeof(*all.threads));
	if (!all.threads)
		rc = -ENOMEM;
	all.hz = rte_get_tsc_hz();
	all.time = rte_rdtsc();
	for (unsigned int i = 0; !rc && i < dp->n_pmds; i++)
		rc = dp->pmds[i]->detached ? 0 : add_thread(x->arena, dp->pmds[i], &all);
	if (rc)
		return rc;
	r.body_case = WEFT__REPLY__BODY_PERF;
	r.perf = &all;
	return mgmt_answer(x, &r);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/cache_rest.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "datapath/cache_priv.h"
#include "datapath/flow.h"
#include "datapath/pmd.h"

static size_t bytes_of(const struct cache_rests *r)
{
	return r->max * sizeof(*r->mem);
}

/* Memory comes when it is written to. */
int cache_rests_init(struct cache_rests *r, uint64_t max)
{
	r->max = max;
	r->mem = mmap(NULL, bytes_of(r), PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (r->mem == MAP_FAILED) {
		r->mem = NULL;
		return -ENOMEM;
	}
	(void)madvise(r->mem, bytes_of(r), MADV_HUGEPAGE);
	return 0;
}

void cache_rests_fini(struct cache_rests *r)
{
	if (r->mem)
		munmap(r->mem, bytes_of(r));
}

void cache_rests_reset(struct cache_rests *r)
{
	r->n_used = r->n_known = r->back = 0;
}

void cache_rests_forget_paths(struct cache_rests *r)
{
	r->n_paths = 0;
}

static uint32_t take(struct cache_rests *r)
{
	const uint32_t back = r->back;

	r->n_used++;
	if (!back)
		return r->n_known++;
	r->back = r->mem[back - 1].next;
	return back - 1;
}

static void give(struct cache_rests *r, uint32_t no)
{
	r->n_used--;
	r->mem[no].next = r->back;
	r->back = no + 1;
}

uint32_t cache_rest_claim(struct cache_rests *r, const struct cache_entry *e, uint32_t n)
{
	if (!way_is_long(e->n_flows))
		return way_is_long(n) ? take(r) : 0;
	if (!way_is_long(n))
		give(r, e->express.id[REST_AT]);
	return e->express.id[REST_AT];
}

static uint32_t path_of(struct cache_rests *r, const uint8_t path[CACHE_WAY_MAX + 1])
{
	for (uint32_t k = 0; k < r->n_paths; k++)
		if (!memcmp(r->path[k], path, CACHE_WAY_MAX + 1))
			return k;
	if (r->n_paths == REST_PATHS)
		return REST_NO_PATH;
	memcpy(r->path[r->n_paths], path, CACHE_WAY_MAX + 1);
	return r->n_paths++;
}

void cache_rest_keep(struct cache_rests *r, struct cache_entry *e, uint32_t no,
		     const struct flow *const *flow, uint32_t n)
{
	struct cache_rest *rest = &r->mem[no];
	uint8_t path[CACHE_WAY_MAX + 1] = { (uint8_t)n };
	uint32_t p;

	for (uint32_t k = 0; k < n; k++) {
		path[1 + k] = rest->table[k] = flow[k]->table_id;
		if (k >= REST_AT)
			rest->id[k - REST_AT] = flow[k]->id;
		if (k >= CACHE_FLOWS)
			rest->flow[k - CACHE_FLOWS] = flow[k];
	}
	p = path_of(r, path);
	e->express.id[REST_AT] = no;
	memset(e->express.table, 0, sizeof(e->express.table));
	e->express.table[0] = (uint8_t)p;
	e->express.table[1] = (uint8_t)(p >> 8);
}

void cache_rest_count(struct pmd *w, const struct express *x, uint32_t n, uint64_t bytes)
{
	const struct cache_rest *rest = &w->cache->rests.mem[x->id[REST_AT]];

	for (unsigned int k = 0; k < REST_AT; k++)
		pmd_count_flows(w, x->id[k], n, bytes);
	for (unsigned int k = REST_AT; k < x->n_flows; k++)
		pmd_count_flows(w, rest->id[k - REST_AT], n, bytes);
}

static void count(struct pmd *w, const uint8_t *table, uint32_t n_tables, uint32_t n)
{
	for (uint32_t k = 0; k < n_tables; k++) {
		counter_add(&w->perf.table_lookups[table[k]], n);
		counter_add(&w->perf.table_matches[table[k]], n);
	}
}

void cache_rest_count_tables(struct pmd *w, const struct express *x, uint32_t n)
{
	count(w, w->cache->rests.mem[x->id[REST_AT]].table, x->n_flows, n);
}

void cache_rest_count_path(struct pmd *w, uint32_t path, uint32_t n)
{
	const uint8_t *p = w->cache->rests.path[path];

	count(w, p + 1, p[0], n);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Groups on packets (5.6.1): which buckets run.
 */
#include <rte_branch_prediction.h>

#include "datapath/act_priv.h"
#include "datapath/dp.h"
#include "datapath/group_priv.h"
#include "datapath/trace.h"

static const struct group_body *body_at(const struct group *g, uint64_t version)
{
	const struct group_body *b = atomic_load_explicit(&g->body, memory_order_acquire), *older;

	while (b->added > version) {
		older = atomic_load_explicit(&b->older, memory_order_acquire);
		if (!older)
			break;
		b = older;
	}
	return b;
}

/* The slot's bucket is not live: another one that is. */
static int detour(const struct dp *dp, const struct group_body *b, uint32_t slot)
{
	const struct select *s = b->select;

	for (uint32_t n = 1; n <= SELECT_DETOUR; n++) {
		uint32_t i = select_bucket(s, select_detour(s, slot, n));

		if (group_bucket_lives(dp, &b->bucket[i]))
			return (int)i;
	}
	/* Hardly any of them: the next one that there is. */
	for (uint32_t n = 0; n < b->n; n++) {
		uint32_t i = (slot + n) % b->n;

		if (b->bucket[i].weight && group_bucket_lives(dp, &b->bucket[i]))
			return (int)i;
	}
	return -1;
}

/* Each live bucket gets its weight's share of the connections. */
static int by_weight(const struct dp *dp, const struct group_body *b, struct pkt *p)
{
	const struct select *s = b->select;
	uint32_t hash, slot, i;

	if (!s->n_slots)
		return -1;
	hash = select_hash(s, &p->key);
	if (select_tells(s)) {
		pkt_touch(p, offsetof(struct flow_key, dp_hash));
		p->key.dp_hash = htobe32(hash);
	}
	slot = select_slot(s, hash);
	i = select_bucket(s, slot);
	if (likely(group_bucket_lives(dp, &b->bucket[i])))
		return (int)i;
	return detour(dp, b, slot);
}

static int first_live(const struct dp *dp, const struct group_body *b)
{
	for (uint32_t i = 0; i < b->n; i++)
		if (group_bucket_lives(dp, &b->bucket[i]))
			return (int)i;
	return -1;
}

static void count(_Atomic uint64_t *packets, _Atomic uint64_t *bytes, const struct pkt *p)
{
	atomic_fetch_add_explicit(packets, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(bytes, p->frame_len, memory_order_relaxed);
}

/* Dropped by the group: the packet's end only if nothing else is sent of it. */
static void refuse(struct pmd *w, struct pkt *p, enum drop why) PMD
{
	if (!p->sent && p->why == N_DROPS) {
		p->why = (uint8_t)why;
		return;
	}
	counter_add(&w->perf.created, 1);
	pmd_count_drop(w, be32toh(p->key.in_port), why);
}

/* Every bucket that a packet and its copies come to counts for the one that came in. */
static bool may_run(struct pmd *w, struct burst *b, struct pkt *p) PMD
{
	uint16_t *n = &b->bucket_runs[p->idx];

	if (likely(*n < BUCKET_RUNS_MAX)) {
		++*n;
		return true;
	}
	act_doom(w, b, p, DROP_GROUP_BUCKETS);
	return false;
}

/* 'more': other buckets come after it, so that it may not use the frame up, nor a group in it. */
static void run(struct pmd *w, struct burst *b, struct pkt *p, const struct group_body *body,
		uint32_t i, bool more, uint64_t now) PMD
{
	const struct group_bucket *k = &body->bucket[i];
	struct group_bucket *counters = (struct group_bucket *)(uintptr_t)k;
	bool last = p->last;

	if (!may_run(w, b, p))
		return;
	if (w->trace)
		trace_bucket(w, body, i);
	else
		count(&counters->packets, &counters->bytes, p);
	p->last = last && !more;
	act_bucket(w, b, p, k->insts, more, now);
	p->last = last;
}

static void run_all(struct pmd *w, struct burst *b, struct pkt *p, const struct group_body *body,
		    uint64_t now) PMD
{
	for (uint32_t i = 0; i < body->n && p->m; i++)
		run(w, b, p, body, i, i + 1 < body->n, now);
}

void group_run(struct pmd *w, struct burst *b, struct pkt *p, struct group *g, uint64_t now)
{
	const struct group_body *body = body_at(g, b->version);
	const bool tells = body->type == OFPGT_SELECT && select_tells(body->select);
	const be32 dp_hash = tells ? p->key.dp_hash : 0;
	int one;

	if (p->depth >= GROUP_DEPTH) {
		refuse(w, p, DROP_GROUP_DEPTH);
		return;
	}
	if (!w->trace)
		count(&g->packets, &g->bytes, p);
	one = body->type == OFPGT_SELECT ? by_weight(w->dp, body, p) : first_live(w->dp, body);
	p->depth++;
	if (one < 0)
		refuse(w, p, DROP_GROUP_NO_BUCKET);
	else if (body->type == OFPGT_ALL)
		run_all(w, b, p, body, now);
	else
		run(w, b, p, body, (uint32_t)one, false, now);
	if (tells)
		p->key.dp_hash = dp_hash; /* the bucket's alone, if there was one */
	p->depth--;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/group.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "datapath/dp.h"
#include "datapath/group_priv.h"
#include "datapath/table_state.h"

struct group_table {
	struct group *groups; /* by id */
	uint32_t n_watching;  /* of them, whose buckets watch something */
	uint32_t mark;	      /* last group.mark */
};

__attribute__((format(printf, 3, 4))) static int refuse(struct of_err *e, uint16_t code,
							const char *fmt, ...)
{
	va_list ap;

	e->type = OFPET_GROUP_MOD_FAILED;
	e->code = code;
	e->offset = 0;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	return -EPROTO;
}

static struct group_body *body_of(const struct group *g)
{
	return atomic_load_explicit(&g->body, memory_order_relaxed);
}

/* ---- Bodies ---- */

static void body_free(void *arg)
{
	struct group_body *b = arg;

	role_assume_control();
	if (b->newer)
		atomic_store_explicit(&b->newer->older, NULL, memory_order_release);
	for (uint32_t i = 0; i < b->n; i++)
		if (b->bucket[i].insts)
			insts_put(b->dp, b->bucket[i].insts);
	arena_fini(&b->arena);
	free(b);
}

/* Twice: once to see how much memory it takes, as there may be many groups. */
static int copy_buckets(const struct of_group_mod *gm, struct group_body *b)
{
	struct arena scratch;
	int err;

	arena_init(&scratch, 0);
	err = of_list_copy(&gm->buckets, &scratch, &b->list);
	arena_init(&b->arena, scratch.used + 1);
	arena_fini(&scratch);
	return err ? err : of_list_copy(&gm->buckets, &b->arena, &b->list);
}

/* A body of the message's buckets; NULL with the error. */
static struct group_body *body_new(struct dp *dp, const struct of_group_mod *gm,
				   struct of_err *e) CONTROL
{
	struct group_body *b;

	b = calloc(1, sizeof(*b) + gm->buckets.n * sizeof(b->bucket[0]));
	if (!b) {
		refuse(e, OFPGMFC_OUT_OF_GROUPS, "no memory for group %u", gm->group_id);
		return NULL;
	}
	b->dp = dp;
	b->type = gm->type;
	b->n = gm->buckets.n;
	b->added = dp_next_version(dp);
	if (copy_buckets(gm, b)) {
		body_free(b);
		refuse(e, OFPGMFC_OUT_OF_GROUPS, "no memory for group %u", gm->group_id);
		return NULL;
	}
	for (uint32_t i = 0; i < b->n; i++) {
		const struct of_bucket *k = OF_AT(&gm->buckets, i, bucket);

		b->bucket[i].weight = k->weight;
		b->bucket[i].watch_port = k->watch_port;
		b->bucket[i].watch_group = k->watch_group;
		b->bucket[i].insts = insts_get_actions(dp, &k->actions, true, e);
		if (!b->bucket[i].insts) {
			body_free(b);
			return NULL;
		}
	}
	return b;
}

/* What an installed body counts for: as a referrer of groups, and as one that watches. */
static void account(struct dp *dp, const struct group_body *b, int by)
{
	bool watches = false;

	for (uint32_t i = 0; i < b->n; i++) {
		const struct group_bucket *k = &b->bucket[i];

		watches |= k->watch_port != OFPP_ANY || k->watch_group != OFPG_ANY;
		for (uint32_t n = 0; n < k->insts->n_groups; n++)
			k->insts->groups[n]->chained += (uint32_t)by;
	}
	if (watches)
		dp->groups->n_watching += (uint32_t)by;
}

/* ---- Loops ---- */

enum walk { WALK_ENDS, WALK_LOOPS, WALK_TOO_DEEP };

/* Whether one comes from the body to 'g', or through more groups than packets may go through. */
static enum walk walk(const struct group_body *b, const struct group *g, uint32_t mark,
		      unsigned int depth)
{
	if (depth > GROUP_DEPTH)
		return WALK_TOO_DEEP;
	for (uint32_t i = 0; i < b->n; i++) {
		const struct insts *in = b->bucket[i].insts;

		for (uint32_t n = 0; n < in->n_groups; n++) {
			struct group *to = in->groups[n];
			enum walk w;

			if (to == g)
				return WALK_LOOPS;
			/* Seen from as far up or farther: nothing new below. */
			if (to->mark == mark && to->depth >= depth)
				continue;
			to->mark = mark;
			to->depth = depth;
			w = walk(body_of(to), g, mark, depth + 1);
			if (w != WALK_ENDS)
				return w;
		}
	}
	return WALK_ENDS;
}

/* ---- Liveness (5.6.1, 7.3.4.2) ---- */

static bool port_is_live(const struct dp *dp, uint32_t no)
{
	const struct port *p = dp->ports ? port_by_no(dp, no) : NULL;

	return p && !(atomic_load_explicit(&p->config, memory_order_relaxed) & OFPPC_PORT_DOWN) &&
	       !(atomic_load_explicit(&p->state, memory_order_relaxed) & OFPPS_LINK_DOWN);
}

static bool bucket_is_live(const struct dp *dp, const struct group_bucket *k)
{
	const struct group *g;

	if (k->watch_port == OFPP_ANY && k->watch_group == OFPG_ANY)
		return true;
	if (k->watch_port != OFPP_ANY && port_is_live(dp, k->watch_port))
		return true;
	HASH_FIND(hh, dp->groups->groups, &k->watch_group, sizeof(k->watch_group), g);
	if (!g)
		return false;
	for (uint32_t i = 0; i < body_of(g)->n; i++)
		if (atomic_load_explicit(&body_of(g)->bucket[i].live, memory_order_relaxed))
			return true;
	return false;
}

static bool refresh(const struct dp *dp, struct group_body *b)
{
	bool changed = false;

	for (uint32_t i = 0; i < b->n; i++) {
		bool live = bucket_is_live(dp, &b->bucket[i]);

		if (live == atomic_load_explicit(&b->bucket[i].live, memory_order_relaxed))
			continue;
		atomic_store_explicit(&b->bucket[i].live, live, memory_order_relaxed);
		changed = true;
	}
	return changed;
}

/* Groups watch groups: until nothing changes, but no longer than a chain of them may be. */
static void refresh_all(const struct dp *dp)
{
	bool changed = dp->groups->n_watching;

	for (unsigned int i = 0; changed && i <= GROUP_DEPTH; i++) {
		changed = false;
		for (struct group *g = dp->groups->groups; g; g = g->hh.next)
			changed |= refresh(dp, body_of(g));
	}
}

void group_port_changed(struct dp *dp, uint32_t port_no)
{
	refresh_all(dp);
}

/* ---- Groups in and out ---- */

static void group_release(void *arg)
{
	struct group *g = arg;

	body_free(body_of(g));
	free(g);
}

/* Nothing refers to it, or may from now on. */
static void release_if_unused(struct dp *dp, struct group *g) CONTROL
{
	if (g->gone && !g->refs)
		dp_retire_published(dp, g, group_release);
}

static void link_group(struct dp *dp, struct group *g)
{
	HASH_ADD(hh, dp->groups->groups, id, sizeof(g->id), g);
	account(dp, body_of(g), 1);
}

static void unlink_group(struct dp *dp, struct group *g)
{
	HASH_DEL(dp->groups->groups, g);
	account(dp, body_of(g), -1);
}

static void undo_add(struct dp *dp, void *arg)
{
	struct group *g = arg;

	role_assume_control();
	unlink_group(dp, g);
	g->gone = true;
	release_if_unused(dp, g);
	refresh_all(dp);
}

static void undo_delete(struct dp *dp, void *arg)
{
	role_assume_control();
	link_group(dp, arg);
	refresh_all(dp);
}

static void done_delete(struct dp *dp, void *arg)
{
	struct group *g = arg;

	role_assume_control();
	g->gone = true;
	release_if_unused(dp, g);
}

/* 'arg' is the body that a modification has replaced. */
static void undo_modify(struct dp *dp, void *arg)
{
	struct group_body *old = arg, *b = old->newer;
	struct group *g = old->group;

	role_assume_control();
	account(dp, b, -1);
	account(dp, old, 1);
	old->newer = NULL;
	atomic_store_explicit(&g->body, old, memory_order_release);
	dp_retire(dp, b, body_free);
	refresh_all(dp);
}

static void done_modify(struct dp *dp, void *arg)
{
	role_assume_control();
	dp_retire_published(dp, arg, body_free);
}

/* ---- OFPT_GROUP_MOD (6.5, 7.3.4.2) ---- */

static int check_watch(struct dp *dp, const struct of_group_mod *gm, const struct of_bucket *k,
		       struct of_err *e) CONTROL
{
	bool port = k->watch_port != OFPP_ANY, group = k->watch_group != OFPG_ANY;

	if (gm->type == OFPGT_FF && !port && !group)
		return refuse(e, OFPGMFC_BAD_WATCH,
			      "a fast failover bucket watches a port or a group");
	if ((port || group) && gm->type != OFPGT_FF && gm->type != OFPGT_SELECT)
		return refuse(e, OFPGMFC_WATCH_UNSUPPORTED,
			      "only buckets of fast failover and select groups are watched; "
			      "say OFPP_ANY and OFPG_ANY");
	if (port && k->watch_port != OFPP_LOCAL && (!k->watch_port || k->watch_port > OFPP_MAX))
		return refuse(e, OFPGMFC_BAD_WATCH, "port 0x%x cannot be watched", k->watch_port);
	if (group && (k->watch_group == gm->group_id || !group_find(dp, k->watch_group)))
		return refuse(e, OFPGMFC_BAD_WATCH, "group %u cannot be watched: %s",
			      k->watch_group,
			      k->watch_group == gm->group_id ? "it is the same" : "there is none");
	return 0;
}

/* What can be said without the other groups. */
static int check(struct dp *dp, const struct of_group_mod *gm, struct of_err *e) CONTROL
{
	if (gm->group_id > OFPG_MAX)
		return refuse(e, OFPGMFC_INVALID_GROUP, "group ids end at 0x%x", OFPG_MAX);
	if (gm->type > OFPGT_FF)
		return refuse(e, OFPGMFC_BAD_TYPE, "unknown group type %u", gm->type);
	if (gm->type == OFPGT_INDIRECT && gm->buckets.n != 1)
		return refuse(e, OFPGMFC_INVALID_GROUP, "an indirect group has one bucket, not %u",
			      gm->buckets.n);
	if (gm->buckets.n > BUCKETS_MAX)
		return refuse(e, OFPGMFC_OUT_OF_BUCKETS, "%u buckets, at most %u", gm->buckets.n,
			      BUCKETS_MAX);
	for (uint32_t i = 0; i < gm->buckets.n; i++) {
		const struct of_bucket *k = OF_AT(&gm->buckets, i, bucket);

		if (k->weight && gm->type != OFPGT_SELECT)
			return refuse(e, OFPGMFC_WEIGHT_UNSUPPORTED,
				      "weight %u: only buckets of select groups have one",
				      k->weight);
		if (check_watch(dp, gm, k, e))
			return -EPROTO;
		for (uint32_t n = 0; n < k->actions.n; n++)
			if (k->actions.v[n]->kind == OF_KIND_action_group &&
			    OF_AT(&k->actions, n, action_group)->group_id == gm->group_id)
				return refuse(e, OFPGMFC_LOOP, "group %u in its own bucket",
					      gm->group_id);
	}
	return 0;
}

static int check_chain(struct dp *dp, const struct group_body *b, const struct group *g,
		       struct of_err *e)
{
	switch (walk(b, g, ++dp->groups->mark, 1)) {
	case WALK_LOOPS:
		return refuse(e, OFPGMFC_LOOP, "the group would come back to itself");
	case WALK_TOO_DEEP:
		return refuse(e, OFPGMFC_CHAINING_UNSUPPORTED,
			      "more than %u groups one after the other", GROUP_DEPTH);
	case WALK_ENDS:
		break;
	}
	return 0;
}

static int add(struct dp *dp, const struct of_group_mod *gm, struct of_err *e) CONTROL
{
	struct group *g;

	if (group_find(dp, gm->group_id))
		return refuse(e, OFPGMFC_GROUP_EXISTS, "group %u exists", gm->group_id);
	if (HASH_COUNT(dp->groups->groups) >= GROUPS_MAX)
		return refuse(e, OFPGMFC_OUT_OF_GROUPS, "there are %u groups already", GROUPS_MAX);
	if (check(dp, gm, e))
		return -EPROTO;
	g = calloc(1, sizeof(*g));
	if (!g || txn_reserve(dp, 1)) {
		free(g);
		return refuse(e, OFPGMFC_OUT_OF_GROUPS, "no memory for group %u", gm->group_id);
	}
	g->id = gm->group_id;
	g->dp = dp;
	g->created = monotonic_now();
	atomic_init(&g->body, body_new(dp, gm, e));
	if (!body_of(g) || check_chain(dp, body_of(g), g, e)) {
		if (body_of(g))
			body_free(body_of(g));
		free(g);
		return -EPROTO;
	}
	body_of(g)->group = g;
	refresh(dp, body_of(g));
	link_group(dp, g);
	refresh_all(dp);
	txn_log(dp, undo_add, NULL, g);
	return 0;
}

static int modify(struct dp *dp, const struct of_group_mod *gm, struct of_err *e) CONTROL
{
	struct group *g = group_find(dp, gm->group_id);
	struct group_body *old, *b;

	if (gm->group_id > OFPG_MAX)
		return refuse(e, OFPGMFC_INVALID_GROUP, "group ids end at 0x%x", OFPG_MAX);
	if (!g)
		return refuse(e, OFPGMFC_UNKNOWN_GROUP, "there is no group %u", gm->group_id);
	if (check(dp, gm, e))
		return -EPROTO;
	if (txn_reserve(dp, 1))
		return refuse(e, OFPGMFC_OUT_OF_GROUPS, "no memory for group %u", gm->group_id);
	b = body_new(dp, gm, e);
	if (!b)
		return -EPROTO;
	if (check_chain(dp, b, g, e)) {
		body_free(b);
		return -EPROTO;
	}
	old = body_of(g);
	b->group = g;
	atomic_init(&b->older, old);
	old->newer = b;
	refresh(dp, b);
	atomic_store_explicit(&g->body, b, memory_order_release);
	account(dp, old, -1);
	account(dp, b, 1);
	refresh_all(dp);
	txn_log(dp, undo_modify, done_modify, old);
	return 0;
}

/* The flows that use it go with it; a group that forwards to it keeps it (6.5). */
static int delete_one(struct dp *dp, struct group *g, struct of_err *e) CONTROL
{
	if (txn_reserve(dp, 1) || (g->refs && table_delete_by_group(dp, g)))
		return refuse(e, OFPGMFC_EPERM, "no memory to delete group %u", g->id);
	unlink_group(dp, g);
	txn_log(dp, undo_delete, done_delete, g);
	return 0;
}

static int delete (struct dp *dp, const struct of_group_mod *gm, struct of_err *e)CONTROL
{
	struct group *g = group_find(dp, gm->group_id), *next;
	int err = 0;

	if (gm->group_id == OFPG_ALL) {
		for (g = dp->groups->groups; g && !err; g = next) {
			next = g->hh.next;
			err = delete_one(dp, g, e);
		}
	} else if (g && g->chained) {
		err = refuse(e, OFPGMFC_CHAINED_GROUP, "another group forwards to group %u", g->id);
	} else if (g) {
		err = delete_one(dp, g, e);
	}
	refresh_all(dp);
	return err;
}

int group_mod(struct dp *dp, const struct of_group_mod *gm, struct of_err *e)
{
	switch (gm->command) {
	case OFPGC_ADD:
		return add(dp, gm, e);
	case OFPGC_MODIFY:
		return modify(dp, gm, e);
	case OFPGC_DELETE:
		return delete (dp, gm, e);
	}
	return refuse(e, OFPGMFC_BAD_COMMAND, "unknown group_mod command %u", gm->command);
}

/* ---- Finding, and statistics ---- */

struct group *group_find(const struct dp *dp, uint32_t id)
{
	struct group *g;

	HASH_FIND(hh, dp->groups->groups, &id, sizeof(id), g);
	return g;
}

uint32_t group_id(const struct group *g)
{
	return g->id;
}

void group_ref(struct group *g)
{
	g->refs++;
}

void group_unref(struct dp *dp, struct group *g)
{
	g->refs--;
	release_if_unused(dp, g);
}

static int by_id(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

int group_each(const struct dp *dp, uint32_t id, int (*visit)(void *arg, const struct group *g),
	       void *arg)
{
	struct group *g = id == OFPG_ALL ? NULL : group_find(dp, id), *next;
	int stop = 0;

	if (id != OFPG_ALL)
		return g ? visit(arg, g) : 0;
	HASH_SORT(dp->groups->groups, by_id);
	for (g = dp->groups->groups; g && !stop; g = next) {
		next = g->hh.next;
		stop = visit(arg, g);
	}
	return stop;
}

static struct of_any *bucket_counter(struct group_bucket *k, struct arena *a)
{
	struct of_bucket_counter *c = OF_NEW(a, bucket_counter);

	if (c) {
		c->packet_count = atomic_load_explicit(&k->packets, memory_order_relaxed);
		c->byte_count = atomic_load_explicit(&k->bytes, memory_order_relaxed);
	}
	return (struct of_any *)c;
}

struct of_group_stats *group_stats(const struct dp *dp, const struct group *g, struct arena *a)
{
	struct of_group_stats *s = OF_NEW(a, group_stats);
	double age = monotonic_now() - g->created;
	struct group_body *b = body_of(g);

	if (!s)
		return NULL;
	s->group_id = g->id;
	s->ref_count = g->refs;
	s->packet_count = atomic_load_explicit(&g->packets, memory_order_relaxed);
	s->byte_count = atomic_load_explicit(&g->bytes, memory_order_relaxed);
	s->duration_sec = (uint32_t)age;
	s->duration_nsec = (uint32_t)((age - (uint32_t)age) * 1e9);
	s->bucket_stats.v = arena_get(a, (b->n + 1) * sizeof(struct of_any *));
	if (!s->bucket_stats.v)
		return NULL;
	for (uint32_t i = 0; i < b->n; i++) {
		s->bucket_stats.v[i] = bucket_counter(&b->bucket[i], a);
		if (!s->bucket_stats.v[i])
			return NULL;
	}
	s->bucket_stats.n = b->n;
	return s;
}

struct of_group_desc *group_desc(const struct group *g, struct arena *a)
{
	struct of_group_desc *d = OF_NEW(a, group_desc);

	if (!d || of_list_copy(&body_of(g)->list, a, &d->buckets))
		return NULL;
	d->type = body_of(g)->type;
	d->group_id = g->id;
	return d;
}

void group_features(const struct dp *dp, struct of_mp_group_features_reply *out)
{
	/* What act_compile.c takes in a bucket (7.2.5), each as the bit of its type. */
	static const uint8_t actions[] = {
		OFPAT_OUTPUT,	    OFPAT_COPY_TTL_OUT, OFPAT_COPY_TTL_IN, OFPAT_SET_MPLS_TTL,
		OFPAT_DEC_MPLS_TTL, OFPAT_PUSH_VLAN,	OFPAT_POP_VLAN,	   OFPAT_PUSH_MPLS,
		OFPAT_POP_MPLS,	    OFPAT_GROUP,	OFPAT_SET_NW_TTL,  OFPAT_DEC_NW_TTL,
		OFPAT_SET_FIELD,    OFPAT_PUSH_PBB,	OFPAT_POP_PBB,	   OFPAT_SET_QUEUE,
	};

	out->types = 1 << OFPGT_ALL | 1 << OFPGT_SELECT | 1 << OFPGT_INDIRECT | 1 << OFPGT_FF;
	out->capabilities = OFPGFC_SELECT_WEIGHT | OFPGFC_SELECT_LIVENESS | OFPGFC_CHAINING |
			    OFPGFC_CHAINING_CHECKS;
	for (unsigned int t = 0; t < 4; t++) {
		out->max_groups[t] = GROUPS_MAX;
		out->actions[t] = 0;
		for (unsigned int i = 0; i < sizeof(actions); i++)
			out->actions[t] |= UINT32_C(1) << actions[i];
	}
}

int group_table_init(struct dp *dp)
{
	dp->groups = calloc(1, sizeof(*dp->groups));
	return dp->groups ? 0 : -ENOMEM;
}

void group_table_fini(struct dp *dp)
{
	struct group *g, *next;

	if (!dp->groups)
		return;
	/* Flows are gone; groups keep each other until their bodies are. */
	for (g = dp->groups->groups; g; g = next) {
		next = g->hh.next;
		unlink_group(dp, g);
		g->gone = true;
		release_if_unused(dp, g);
	}
	free(dp->groups);
	dp->groups = NULL;
}

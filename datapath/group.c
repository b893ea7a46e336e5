/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/group.h"

#include <errno.h>
#include <stdlib.h>

#include "datapath/dp.h"
#include "datapath/group_priv.h"
#include "datapath/table_state.h"

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
	select_free(b->select);
	free(b->how);
	arena_fini(&b->arena);
	free(b);
}

/* Twice: once to see how much memory it takes, as there may be many groups. */
static int copy_buckets(const struct group_spec *s, struct group_body *b)
{
	struct arena scratch;
	int err;

	arena_init(&scratch, 0);
	err = of_list_copy(&s->buckets, &scratch, &b->list);
	arena_init(&b->arena, scratch.used + 1);
	arena_fini(&scratch);
	return err ? err : of_list_copy(&s->buckets, &b->arena, &b->list);
}

/* What a bucket does, as a number: FNV-1a of its actions' bytes. */
static uint64_t deed(const struct of_list *actions) CONTROL
{
	static uint8_t buf[OF_MSG_MAX];
	int n = of_encode_list(actions, buf, sizeof(buf), NULL);
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (int i = 0; i < n; i++)
		h = (h ^ buf[i]) * UINT64_C(0x100000001b3);
	return h;
}

static int add_selection(const struct group_spec *s, struct group_body *b) CONTROL
{
	struct select_share *share = calloc(b->n + 1, sizeof(*share));

	if (share && s->how) {
		b->how = malloc(sizeof(*b->how));
		if (b->how)
			*b->how = *s->how;
	}
	for (uint32_t i = 0; share && i < b->n; i++) {
		share[i].who = deed(&OF_AT(&s->buckets, i, bucket)->actions);
		share[i].weight = b->bucket[i].weight;
	}
	if (share && (b->how || !s->how))
		b->select = select_new(s->id, b->how, share, b->n);
	free(share);
	return b->select ? 0 : -ENOMEM;
}

static int fill_bucket(struct dp *dp, struct group_bucket *to, const struct of_bucket *k,
		       struct of_err *e) CONTROL
{
	to->weight = k->weight;
	to->watch_port = k->watch_port;
	to->watch_group = k->watch_group;
	to->insts = insts_get_actions(dp, &k->actions, true, e);
	return to->insts ? 0 : -EPROTO;
}

/* A body of the message's buckets; NULL with the error. */
static struct group_body *body_new(struct dp *dp, const struct group_spec *s,
				   struct of_err *e) CONTROL
{
	struct group_body *b;
	int rc;

	b = calloc(1, sizeof(*b) + s->buckets.n * sizeof(b->bucket[0]));
	if (!b) {
		GROUP_REFUSE(e, OFPGMFC_OUT_OF_GROUPS, "no memory for group %u", s->id);
		return NULL;
	}
	b->dp = dp;
	b->type = s->type;
	b->n = s->buckets.n;
	b->added = dp_next_version(dp);
	rc = copy_buckets(s, b);
	for (uint32_t i = 0; i < b->n && !rc; i++) {
		b->bucket[i].id = s->bucket_ids ? s->bucket_ids[i] : i;
		rc = fill_bucket(dp, &b->bucket[i], OF_AT(&s->buckets, i, bucket), e);
	}
	if (!rc && s->type == OFPGT_SELECT)
		rc = add_selection(s, b);
	if (!rc)
		return b;
	if (rc != -EPROTO)
		GROUP_REFUSE(e, OFPGMFC_OUT_OF_GROUPS, "no memory for group %u", s->id);
	body_free(b);
	return NULL;
}

/* Whether a bucket before the i-th forwards to 'to', too. */
static bool is_before(const struct group_body *b, uint32_t i, const struct group *to)
{
	while (i-- > 0)
		for (uint32_t n = 0; n < b->bucket[i].insts->n_groups; n++)
			if (b->bucket[i].insts->groups[n] == to)
				return true;
	return false;
}

/* What an installed body counts for: as a referrer of groups, and as one that watches some. */
static void account(struct dp *dp, const struct group_body *b, int by)
{
	bool watches = false;

	for (uint32_t i = 0; i < b->n; i++) {
		const struct group_bucket *k = &b->bucket[i];

		watches |= k->watch_group != OFPG_ANY;
		for (uint32_t n = 0; n < k->insts->n_groups; n++)
			if (!is_before(b, i, k->insts->groups[n]))
				k->insts->groups[n]->chained += (uint32_t)by;
	}
	if (watches)
		dp->groups->n_watching += (uint32_t)by;
}

/* ---- Groups in and out ---- */

static void group_release(void *arg)
{
	struct group *g = arg;

	body_free(group_body(g));
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
	account(dp, group_body(g), 1);
}

static void unlink_group(struct dp *dp, struct group *g)
{
	HASH_DEL(dp->groups->groups, g);
	account(dp, group_body(g), -1);
}

static void undo_add(struct dp *dp, void *arg)
{
	struct group *g = arg;

	role_assume_control();
	unlink_group(dp, g);
	g->gone = true;
	release_if_unused(dp, g);
	group_refresh_all(dp);
}

static void undo_delete(struct dp *dp, void *arg)
{
	role_assume_control();
	link_group(dp, arg);
	group_refresh_all(dp);
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
	group_refresh_all(dp);
}

static void done_modify(struct dp *dp, void *arg)
{
	role_assume_control();
	dp_retire_published(dp, arg, body_free);
}

/* ---- OFPT_GROUP_MOD (6.5, 7.3.4.2) ---- */

static int add(struct dp *dp, const struct group_spec *s, struct of_err *e) CONTROL
{
	struct group *g;

	if (group_find(dp, s->id))
		return GROUP_REFUSE(e, OFPGMFC_GROUP_EXISTS, "group %u exists", s->id);
	if (HASH_COUNT(dp->groups->groups) >= GROUPS_MAX)
		return GROUP_REFUSE(e, OFPGMFC_OUT_OF_GROUPS, "there are %u groups already",
				    GROUPS_MAX);
	if (group_check(dp, s, e))
		return -EPROTO;
	g = calloc(1, sizeof(*g));
	if (!g || txn_reserve(dp, 1)) {
		free(g);
		return GROUP_REFUSE(e, OFPGMFC_OUT_OF_GROUPS, "no memory for group %u", s->id);
	}
	g->id = s->id;
	g->dp = dp;
	g->created = monotonic_now();
	atomic_init(&g->body, body_new(dp, s, e));
	if (!group_body(g) || group_check_chain(dp, group_body(g), g, e)) {
		if (group_body(g))
			body_free(group_body(g));
		free(g);
		return -EPROTO;
	}
	group_body(g)->group = g;
	group_refresh(dp, group_body(g));
	link_group(dp, g);
	group_refresh_all(dp);
	txn_log(dp, undo_add, NULL, g);
	return 0;
}

/* Buckets that were there before go on counting. */
static void keep_counters(struct group_body *b, const struct group_body *old)
{
	for (uint32_t i = 0; i < b->n; i++)
		for (uint32_t k = 0; k < old->n; k++)
			if (old->bucket[k].id == b->bucket[i].id) {
				b->bucket[i].packets = old->bucket[k].packets;
				b->bucket[i].bytes = old->bucket[k].bytes;
			}
}

static int modify(struct dp *dp, const struct group_spec *s, struct of_err *e) CONTROL
{
	struct group *g = group_find(dp, s->id);
	struct group_body *old, *b;

	if (s->id > OFPG_MAX)
		return GROUP_REFUSE(e, OFPGMFC_INVALID_GROUP, "group ids end at 0x%x", OFPG_MAX);
	if (!g)
		return GROUP_REFUSE(e, OFPGMFC_UNKNOWN_GROUP, "there is no group %u", s->id);
	if (group_check(dp, s, e))
		return -EPROTO;
	if (txn_reserve(dp, 1))
		return GROUP_REFUSE(e, OFPGMFC_OUT_OF_GROUPS, "no memory for group %u", s->id);
	b = body_new(dp, s, e);
	if (!b)
		return -EPROTO;
	if (group_check_chain(dp, b, g, e)) {
		body_free(b);
		return -EPROTO;
	}
	old = group_body(g);
	if (s->keep_counters)
		keep_counters(b, old);
	b->group = g;
	atomic_init(&b->older, old);
	old->newer = b;
	group_refresh(dp, b);
	atomic_store_explicit(&g->body, b, memory_order_release);
	account(dp, old, -1);
	account(dp, b, 1);
	group_refresh_all(dp);
	txn_log(dp, undo_modify, done_modify, old);
	return 0;
}

/* The flows that use it go with it; a group that forwards to it keeps it (6.5). */
static int delete_one(struct dp *dp, struct group *g, struct of_err *e) CONTROL
{
	if (txn_reserve(dp, 1) || (g->refs && table_delete_by_group(dp, g)))
		return GROUP_REFUSE(e, OFPGMFC_EPERM, "no memory to delete group %u", g->id);
	unlink_group(dp, g);
	txn_log(dp, undo_delete, done_delete, g);
	return 0;
}

static int delete_group(struct dp *dp, uint32_t id, struct of_err *e) CONTROL
{
	struct group *g = group_find(dp, id), *next;
	int err = 0;

	if (id == OFPG_ALL) {
		for (g = dp->groups->groups; g && !err; g = next) {
			next = g->hh.next;
			err = delete_one(dp, g, e);
		}
	} else if (g && g->chained) {
		err = GROUP_REFUSE(e, OFPGMFC_CHAINED_GROUP, "another group forwards to group %u",
				   g->id);
	} else if (g) {
		err = delete_one(dp, g, e);
	}
	group_refresh_all(dp);
	return err;
}

int group_apply(struct dp *dp, const struct group_spec *s, struct of_err *e)
{
	switch (s->command) {
	case OFPGC_ADD:
		return add(dp, s, e);
	case OFPGC_ADD_OR_MOD: /* Open vSwitch's: whether the group is there or not */
		return group_find(dp, s->id) ? modify(dp, s, e) : add(dp, s, e);
	case OFPGC_MODIFY:
		return modify(dp, s, e);
	case OFPGC_DELETE:
		return delete_group(dp, s->id, e);
	}
	return GROUP_REFUSE(e, OFPGMFC_BAD_COMMAND, "unknown group_mod command %u", s->command);
}

int group_mod(struct dp *dp, const struct of_group_mod *gm, struct of_err *e)
{
	const struct group_spec s = {
		.command = gm->command, .type = gm->type, .id = gm->group_id, .buckets = gm->buckets
	};

	return group_apply(dp, &s, e);
}

/* ---- Finding ---- */

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

void group_count_flows(struct group *g, int by)
{
	g->flows += (uint32_t)by;
}

void group_unref(struct dp *dp, struct group *g)
{
	g->refs--;
	release_if_unused(dp, g);
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

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Group mods in OpenFlow 1.5's layout (of13.def, weft_group_mod): buckets have ids, can be inserted
 * and removed, and a SELECT group says how it selects.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/dp.h"
#include "datapath/group_priv.h"

/* What is being put together. */
struct merge {
	struct group_spec s;
	struct of_selection how;
	struct arena arena;
	uint32_t *ids;
	struct of_err *e;
};

static int no_memory(struct merge *m)
{
	return GROUP_REFUSE(m->e, OFPGMFC_OUT_OF_BUCKETS, "no memory for the buckets of group %u",
			    m->s.id);
}

static int add(struct merge *m, struct of_bucket *k, uint32_t id)
{
	for (uint32_t i = 0; i < m->s.buckets.n; i++)
		if (m->ids[i] == id)
			return GROUP_REFUSE(m->e, OFPGMFC_BUCKET_EXISTS, "bucket %u twice", id);
	m->ids[m->s.buckets.n] = id;
	return of_list_add(&m->s.buckets, &m->arena, (struct of_any *)k) ? no_memory(m) : 0;
}

/* The lowest id that no bucket has, of the group as it is or as it is going to be. */
static uint32_t free_id(const struct merge *m, const struct group_body *old)
{
	uint32_t id = 0;
	bool taken;

	do {
		taken = false;
		for (uint32_t i = 0; i < m->s.buckets.n; i++)
			taken = taken || m->ids[i] == id;
		for (uint32_t i = 0; old && i < old->n; i++)
			taken = taken || old->bucket[i].id == id;
		id += taken;
	} while (taken);
	return id;
}

/* 1.5 says the rest of a bucket by properties.  An insertion may leave the id to the switch. */
static int add_new(struct merge *m, const struct group_body *old, const struct of_ext_bucket *x)
{
	uint32_t id = x->bucket_id;

	struct of_bucket *k = OF_NEW(&m->arena, bucket);

	if (!k)
		return no_memory(m);
	if (old && id == OFPG_BUCKET_ALL)
		id = free_id(m, old);
	if (id > OFPG_BUCKET_MAX)
		return GROUP_REFUSE(m->e, OFPGMFC_BAD_BUCKET, "bucket ids end at 0x%x, not 0x%x",
				    OFPG_BUCKET_MAX, id);
	k->weight = m->s.type == OFPGT_SELECT;
	k->watch_port = OFPP_ANY;
	k->watch_group = OFPG_ANY;
	k->actions = x->actions;
	for (uint32_t i = 0; i < x->properties.n; i++) {
		const struct of_any *p = x->properties.v[i];

		if (p->kind == OF_KIND_bucket_prop_weight)
			k->weight = ((const struct of_bucket_prop_weight *)p)->weight;
		else if (p->kind == OF_KIND_bucket_prop_watch_port)
			k->watch_port = ((const struct of_bucket_prop_watch_port *)p)->watch;
		else
			k->watch_group = ((const struct of_bucket_prop_watch_group *)p)->watch;
	}
	return add(m, k, id);
}

static int add_all_new(struct merge *m, const struct group_body *old,
		       const struct of_weft_group_mod *gm)
{
	int rc = 0;

	for (uint32_t i = 0; i < gm->buckets.n && !rc; i++)
		rc = add_new(m, old, OF_AT(&gm->buckets, i, ext_bucket));
	return rc;
}

/* Where among the group's buckets the command's is; their number: nowhere. */
static uint32_t place(const struct group_body *b, uint32_t id)
{
	uint32_t at = 0;

	if (id == OFPG_BUCKET_FIRST)
		return 0;
	if (id == OFPG_BUCKET_LAST)
		return b->n ? b->n - 1 : 0;
	while (at < b->n && b->bucket[at].id != id)
		at++;
	return at;
}

static int add_old(struct merge *m, const struct group_body *b, uint32_t from, uint32_t to)
{
	int rc = 0;

	for (uint32_t i = from; i < to && !rc; i++)
		rc = add(m, OF_AT(&b->list, i, bucket), b->bucket[i].id);
	return rc;
}

/* Before the first, behind the last, or behind the one that is named. */
static int insert(struct merge *m, const struct group_body *b, const struct of_weft_group_mod *gm)
{
	const uint32_t id = gm->command_bucket_id;
	uint32_t at = place(b, id);
	int rc;

	if (id == OFPG_BUCKET_ALL || (id <= OFPG_BUCKET_MAX && at == b->n))
		return GROUP_REFUSE(m->e, OFPGMFC_UNKNOWN_BUCKET,
				    "group %u has no bucket 0x%x to insert behind", gm->group_id,
				    id);
	at = id == OFPG_BUCKET_FIRST ? 0 : id == OFPG_BUCKET_LAST ? b->n : at + 1;
	rc = add_old(m, b, 0, at);
	if (!rc)
		rc = add_all_new(m, b, gm);
	return rc ? rc : add_old(m, b, at, b->n);
}

static int cut(struct merge *m, const struct group_body *b, const struct of_weft_group_mod *gm)
{
	const uint32_t id = gm->command_bucket_id, at = place(b, id);
	int rc;

	if (gm->buckets.n)
		return GROUP_REFUSE(m->e, OFPGMFC_BAD_BUCKET,
				    "buckets in a message that removes some");
	if (id == OFPG_BUCKET_ALL)
		return 0;
	if (at == b->n)
		return GROUP_REFUSE(m->e, OFPGMFC_UNKNOWN_BUCKET, "group %u has no bucket 0x%x",
				    gm->group_id, id);
	rc = add_old(m, b, 0, at);
	return rc ? rc : add_old(m, b, at + 1, b->n);
}

/* The buckets that are there, and those that the message brings or names. */
static int change(struct merge *m, const struct group *g, const struct of_weft_group_mod *gm)
{
	const struct group_body *b = group_body(g);
	const bool insertion = gm->command == OFPGC_INSERT_BUCKET;

	if (gm->properties.n)
		return GROUP_REFUSE(m->e, OFPGMFC_BAD_BUCKET,
				    "how a group selects is not changed with its buckets");
	m->s.command = OFPGC_MODIFY;
	m->s.type = b->type;
	m->s.how = b->how;
	m->s.keep_counters = true;
	return insertion ? insert(m, b, gm) : cut(m, b, gm);
}

static int replace(struct merge *m, const struct of_weft_group_mod *gm)
{
	int rc = of_selection_get(&gm->properties, &m->how, m->e);

	if (rc < 0)
		return rc;
	if (rc && (gm->type != OFPGT_SELECT || gm->command == OFPGC_DELETE))
		return of_err_set(m->e, OFPET_TABLE_FEATURES_FAILED, OFPTFFC_BAD_ARGUMENT,
				  "only select groups have a selection method");
	if (rc && m->how.method[0])
		m->s.how = &m->how;
	return add_all_new(m, NULL, gm);
}

static int merge(struct merge *m, struct dp *dp, const struct of_weft_group_mod *gm) CONTROL
{
	struct group *g = group_find(dp, gm->group_id);

	if (gm->command != OFPGC_INSERT_BUCKET && gm->command != OFPGC_REMOVE_BUCKET)
		return replace(m, gm);
	if (!g)
		return GROUP_REFUSE(m->e, OFPGMFC_UNKNOWN_GROUP, "there is no group %u",
				    gm->group_id);
	return change(m, g, gm);
}

int group_mod_ext(struct dp *dp, const struct of_weft_group_mod *gm, struct of_err *e)
{
	struct group *g = group_find(dp, gm->group_id);
	struct merge *m;
	int rc;

	if (gm->buckets.n > BUCKETS_MAX)
		return GROUP_REFUSE(e, OFPGMFC_OUT_OF_BUCKETS, "%u buckets, at most %u",
				    gm->buckets.n, BUCKETS_MAX);
	m = calloc(1, sizeof(*m));
	if (!m)
		return GROUP_REFUSE(e, OFPGMFC_OUT_OF_GROUPS, "no memory for group %u",
				    gm->group_id);
	m->s = (struct group_spec){ .command = gm->command, .type = gm->type, .id = gm->group_id };
	m->e = e;
	arena_init(&m->arena, 0);
	m->ids = arena_get(&m->arena, (gm->buckets.n + (g ? group_body(g)->n : 0) + 1) * 4);
	m->s.bucket_ids = m->ids;
	rc = m->ids ? merge(m, dp, gm) : no_memory(m);
	if (!rc)
		rc = group_apply(dp, &m->s, e);
	arena_fini(&m->arena);
	free(m);
	return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Multiparts about groups (7.3.5.9 to 7.3.5.11). */
#include "datapath/agent_priv.h"
#include "datapath/group.h"

static int add_stats(void *arg, const struct group *g) CONTROL
{
	struct id_dump *d = arg;

	return id_dump_add(d, group_id(g), (struct of_any *)group_stats(d->dp, g, d->mp->arena));
}

static int each_stats(struct id_dump *d) CONTROL
{
	return group_each(d->dp, d->id, d->from, add_stats, d);
}

/* A group that does not exist has no statistics: an empty reply, as 7.3.5.9 leaves no error for it.
 */
int mp_groups(struct conn *c, const struct of_msg *m, const struct of_any *body, struct of_err *e)
{
	const struct of_mp_group_request *q = (const struct of_mp_group_request *)body;
	const struct id_dump what = { .type = OFPMP_GROUP,
				      .body = OF_KIND_mp_group_reply,
				      .most = DUMP_PART,
				      .id = q->group_id,
				      .each = each_stats };

	return id_dump_start(c, m, &what);
}

static int add_desc(void *arg, const struct group *g) CONTROL
{
	struct id_dump *d = arg;

	return id_dump_add(d, group_id(g), (struct of_any *)group_desc(g, d->mp->arena));
}

static int each_desc(struct id_dump *d) CONTROL
{
	return group_each(d->dp, d->id, d->from, add_desc, d);
}

int mp_group_desc(struct conn *c, const struct of_msg *m, const struct of_any *body,
		  struct of_err *e)
{
	static const struct id_dump what = { .type = OFPMP_GROUP_DESC,
					     .body = OF_KIND_mp_group_desc_reply,
					     .most = DUMP_PART,
					     .id = OFPG_ALL,
					     .each = each_desc };

	return id_dump_start(c, m, &what);
}

static int add_ext_desc(void *arg, const struct group *g) CONTROL
{
	struct id_dump *d = arg;

	return id_dump_add(d, group_id(g), (struct of_any *)group_ext_desc(g, d->mp->arena));
}

static int each_ext_desc(struct id_dump *d) CONTROL
{
	return group_each(d->dp, d->id, d->from, add_ext_desc, d);
}

int mp_ext_group_desc(struct conn *c, const struct of_msg *m, const struct of_any *body,
		      struct of_err *e)
{
	const struct of_weft_group_desc_request *q =
		(const struct of_weft_group_desc_request *)body;
	const struct id_dump what = { .type = OFPMP_EXPERIMENTER,
				      .body = OF_KIND_weft_group_desc_reply,
				      .most = DUMP_PART,
				      .id = q->group_id,
				      .each = each_ext_desc };

	return id_dump_start(c, m, &what);
}

int mp_group_features(struct conn *c, const struct of_msg *m, const struct of_any *body,
		      struct of_err *e)
{
	struct of_mp_group_features_reply r = { .kind = OF_KIND_mp_group_features_reply };

	group_features(c->agent->dp, &r);
	mp_one(c, m, OFPMP_GROUP_FEATURES, (struct of_any *)&r);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Multiparts about groups (7.3.5.9 to 7.3.5.11). */
#include <stdlib.h>

#include "datapath/agent_priv.h"
#include "datapath/group.h"

/* Statistics, descriptions, descriptions in 1.5's layout. */
struct group_dump {
	struct dump dump;
	struct of_any *(*tell)(const struct dp *dp, const struct group *g, struct arena *a);
	uint16_t type;
	enum of_kind body;
	uint32_t group_id; /* that is wanted, or OFPG_ALL */
	uint32_t next;	   /* the first that was not sent */
	struct mp *mp;
	const struct dp *dp;
};

static struct of_any *tell_stats(const struct dp *dp, const struct group *g,
				 struct arena *a) CONTROL
{
	return (struct of_any *)group_stats(dp, g, a);
}

static struct of_any *tell_desc(const struct dp *dp, const struct group *g, struct arena *a) CONTROL
{
	return (struct of_any *)group_desc(g, a);
}

static struct of_any *tell_ext_desc(const struct dp *dp, const struct group *g,
				    struct arena *a) CONTROL
{
	return (struct of_any *)group_ext_desc(g, a);
}

static int add_group(void *arg, const struct group *g) CONTROL
{
	struct group_dump *d = arg;

	d->next = group_id(g) + 1;
	if (mp_add(d->mp, d->tell(d->dp, g, d->mp->arena)))
		return d->mp->rc;
	return d->mp->total >= DUMP_PART;
}

static int group_part(struct conn *c, struct dump *dump) CONTROL
{
	struct group_dump *d = (struct group_dump *)dump;
	struct mp mp;
	int rc;

	d->mp = &mp;
	d->dp = c->agent->dp;
	mp_begin(&mp, c, dump->xid, d->type, d->body);
	rc = group_each(c->agent->dp, d->group_id, d->next, add_group, d);
	if (rc > 0 && !mp.rc) {
		mp_part(&mp);
		if (!mp.rc)
			return 1;
	}
	mp_end(&mp);
	return 0;
}

static int dump_groups(struct conn *c, const struct of_msg *m, uint32_t group_id, uint16_t type,
		       enum of_kind body,
		       struct of_any *(*tell)(const struct dp *dp, const struct group *g,
					      struct arena *a)) CONTROL
{
	struct group_dump *d = malloc(sizeof(*d));

	if (d)
		*d = (struct group_dump){ .dump = { .xid = m->xid, .part = group_part },
					  .tell = tell,
					  .type = type,
					  .body = body,
					  .group_id = group_id };
	return dump_start(c, (struct dump *)d);
}

/* A group that does not exist has no statistics: an empty reply, as 7.3.5.9 leaves no error for it.
 */
int mp_groups(struct conn *c, const struct of_msg *m, const struct of_any *body, struct of_err *e)
{
	const struct of_mp_group_request *q = (const struct of_mp_group_request *)body;

	return dump_groups(c, m, q->group_id, OFPMP_GROUP, OF_KIND_mp_group_reply, tell_stats);
}

int mp_group_desc(struct conn *c, const struct of_msg *m, const struct of_any *body,
		  struct of_err *e)
{
	return dump_groups(c, m, OFPG_ALL, OFPMP_GROUP_DESC, OF_KIND_mp_group_desc_reply,
			   tell_desc);
}

int mp_ext_group_desc(struct conn *c, const struct of_msg *m, const struct of_any *body,
		      struct of_err *e)
{
	const struct of_weft_group_desc_request *q =
		(const struct of_weft_group_desc_request *)body;

	return dump_groups(c, m, q->group_id, OFPMP_EXPERIMENTER, OF_KIND_weft_group_desc_reply,
			   tell_ext_desc);
}

int mp_group_features(struct conn *c, const struct of_msg *m, const struct of_any *body,
		      struct of_err *e)
{
	struct of_mp_group_features_reply r = { .kind = OF_KIND_mp_group_features_reply };

	group_features(c->agent->dp, &r);
	mp_one(c, m, OFPMP_GROUP_FEATURES, (struct of_any *)&r);
	return 0;
}

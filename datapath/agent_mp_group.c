/* SPDX-License-Identifier: Apache-2.0 */
/* Multiparts about groups and meters (7.3.5.9 to 7.3.5.14). */
#include <errno.h>

#include "datapath/agent_priv.h"
#include "datapath/group.h"
#include "datapath/meter.h"

struct walk {
	struct mp mp;
	const struct dp *dp;
};

/* ---- groups ---- */

static int add_group_stats(void *arg, const struct group *g) CONTROL
{
	struct walk *w = arg;

	return mp_add(&w->mp, (struct of_any *)group_stats(w->dp, g, w->mp.arena));
}

static int add_group_desc(void *arg, const struct group *g) CONTROL
{
	struct walk *w = arg;

	return mp_add(&w->mp, (struct of_any *)group_desc(g, w->mp.arena));
}

/* A group that does not exist has no statistics: an empty reply, as 7.3.5.9 leaves no error for it.
 */
int mp_groups(struct conn *c, const struct of_msg *m, const struct of_any *body, struct of_err *e)
{
	const struct of_mp_group_request *q = (const struct of_mp_group_request *)body;
	struct walk w = { .dp = c->agent->dp };

	mp_begin(&w.mp, c, m->xid, OFPMP_GROUP, OF_KIND_mp_group_reply);
	group_each(c->agent->dp, q->group_id, add_group_stats, &w);
	mp_end(&w.mp);
	return 0;
}

int mp_group_desc(struct conn *c, const struct of_msg *m, const struct of_any *body,
		  struct of_err *e)
{
	struct walk w = { .dp = c->agent->dp };

	mp_begin(&w.mp, c, m->xid, OFPMP_GROUP_DESC, OF_KIND_mp_group_desc_reply);
	group_each(c->agent->dp, OFPG_ALL, add_group_desc, &w);
	mp_end(&w.mp);
	return 0;
}

int mp_group_features(struct conn *c, const struct of_msg *m, const struct of_any *body,
		      struct of_err *e)
{
	struct of_mp_group_features_reply r = { .kind = OF_KIND_mp_group_features_reply };

	group_features(c->agent->dp, &r);
	mp_one(c, m, OFPMP_GROUP_FEATURES, (struct of_any *)&r);
	return 0;
}

/* ---- meters ---- */

static int check_meter(const struct dp *dp, uint32_t id, struct of_err *e) CONTROL
{
	if (id == OFPM_ALL || meter_find(dp, id))
		return 0;
	return agent_refuse(e, OFPET_METER_MOD_FAILED, OFPMMFC_UNKNOWN_METER, "no meter %u", id);
}

static int add_meter_stats(void *arg, const struct meter *mt) CONTROL
{
	struct walk *w = arg;

	return mp_add(&w->mp, (struct of_any *)meter_stats(w->dp, mt, w->mp.arena));
}

static int add_meter_config(void *arg, const struct meter *mt) CONTROL
{
	struct walk *w = arg;

	return mp_add(&w->mp, (struct of_any *)meter_config(mt, w->mp.arena));
}

int mp_meters(struct conn *c, const struct of_msg *m, const struct of_any *body, struct of_err *e)
{
	const struct of_mp_meter_request *q = (const struct of_mp_meter_request *)body;
	struct walk w = { .dp = c->agent->dp };
	int rc = check_meter(c->agent->dp, q->meter_id, e);

	if (rc)
		return rc;
	mp_begin(&w.mp, c, m->xid, OFPMP_METER, OF_KIND_mp_meter_reply);
	meter_each(c->agent->dp, q->meter_id, 0, add_meter_stats, &w);
	mp_end(&w.mp);
	return 0;
}

int mp_meter_config(struct conn *c, const struct of_msg *m, const struct of_any *body,
		    struct of_err *e)
{
	const struct of_mp_meter_config_request *q =
		(const struct of_mp_meter_config_request *)body;
	struct walk w = { .dp = c->agent->dp };
	int rc = check_meter(c->agent->dp, q->meter_id, e);

	if (rc)
		return rc;
	mp_begin(&w.mp, c, m->xid, OFPMP_METER_CONFIG, OF_KIND_mp_meter_config_reply);
	meter_each(c->agent->dp, q->meter_id, 0, add_meter_config, &w);
	mp_end(&w.mp);
	return 0;
}

int mp_meter_features(struct conn *c, const struct of_msg *m, const struct of_any *body,
		      struct of_err *e)
{
	struct of_mp_meter_features_reply r = { .kind = OF_KIND_mp_meter_features_reply };

	meter_features(c->agent->dp, &r);
	mp_one(c, m, OFPMP_METER_FEATURES, (struct of_any *)&r);
	return 0;
}

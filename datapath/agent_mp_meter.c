/* SPDX-License-Identifier: Apache-2.0 */
/* Multiparts about meters (7.3.5.12 to 7.3.5.14). */
#include <stdlib.h>

#include "datapath/agent_priv.h"
#include "datapath/meter.h"

/* All meters with all their bands are 19 MB: a reader has them in parts as he takes them. */
enum { METER_PART = 1 << 20 };

struct meter_dump {
	struct dump dump;
	struct of_any *(*tell)(const struct dp *dp, const struct meter *m, struct arena *a);
	uint16_t type;
	enum of_kind body;
	uint32_t meter_id; /* that is wanted, or OFPM_ALL */
	uint32_t after;	   /* the last that was sent */
	struct mp *mp;
	const struct dp *dp;
};

static struct of_any *tell_stats(const struct dp *dp, const struct meter *m,
				 struct arena *a) CONTROL
{
	return (struct of_any *)meter_stats(dp, m, a);
}

static struct of_any *tell_config(const struct dp *dp, const struct meter *m,
				  struct arena *a) CONTROL
{
	return (struct of_any *)meter_config(m, a);
}

static int add_meter(void *arg, const struct meter *m) CONTROL
{
	struct meter_dump *d = arg;

	d->after = meter_id(m);
	if (mp_add(d->mp, d->tell(d->dp, m, d->mp->arena)))
		return d->mp->rc;
	return d->mp->total >= METER_PART;
}

static int meter_part(struct conn *c, struct dump *dump) CONTROL
{
	struct meter_dump *d = (struct meter_dump *)dump;
	struct mp mp;
	int rc;

	d->mp = &mp;
	d->dp = c->agent->dp;
	mp_begin(&mp, c, dump->xid, d->type, d->body);
	rc = meter_each(c->agent->dp, d->meter_id, d->after, add_meter, d);
	if (rc > 0 && !mp.rc) {
		mp_part(&mp);
		if (!mp.rc)
			return 1;
	}
	mp_end(&mp);
	return 0;
}

static int dump_meters(struct conn *c, const struct of_msg *m, const struct meter_dump *what,
		       struct of_err *e) CONTROL
{
	struct meter_dump *d;

	if (what->meter_id != OFPM_ALL && !meter_find(c->agent->dp, what->meter_id))
		return agent_refuse(e, OFPET_METER_MOD_FAILED, OFPMMFC_UNKNOWN_METER, "no meter %u",
				    what->meter_id);
	d = malloc(sizeof(*d));
	if (d) {
		*d = *what;
		d->dump = (struct dump){ .xid = m->xid, .part = meter_part };
	}
	return dump_start(c, (struct dump *)d);
}

int mp_meters(struct conn *c, const struct of_msg *m, const struct of_any *body, struct of_err *e)
{
	const struct of_mp_meter_request *q = (const struct of_mp_meter_request *)body;
	const struct meter_dump what = { .tell = tell_stats,
					 .type = OFPMP_METER,
					 .body = OF_KIND_mp_meter_reply,
					 .meter_id = q->meter_id };

	return dump_meters(c, m, &what, e);
}

int mp_meter_config(struct conn *c, const struct of_msg *m, const struct of_any *body,
		    struct of_err *e)
{
	const struct of_mp_meter_config_request *q =
		(const struct of_mp_meter_config_request *)body;
	const struct meter_dump what = { .tell = tell_config,
					 .type = OFPMP_METER_CONFIG,
					 .body = OF_KIND_mp_meter_config_reply,
					 .meter_id = q->meter_id };

	return dump_meters(c, m, &what, e);
}

int mp_meter_features(struct conn *c, const struct of_msg *m, const struct of_any *body,
		      struct of_err *e)
{
	struct of_mp_meter_features_reply r = { .kind = OF_KIND_mp_meter_features_reply };

	meter_features(c->agent->dp, &r);
	mp_one(c, m, OFPMP_METER_FEATURES, (struct of_any *)&r);
	return 0;
}

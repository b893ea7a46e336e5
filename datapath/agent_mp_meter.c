/* SPDX-License-Identifier: Apache-2.0 */
/* Multiparts about meters (7.3.5.12 to 7.3.5.14). */
#include "datapath/agent_priv.h"
#include "datapath/meter.h"

/* All meters with all their bands are 19 MB: a reader has them in parts as he takes them. */
enum { METER_PART = 1 << 20 };

static int check_meter(const struct dp *dp, uint32_t id, struct of_err *e) CONTROL
{
	if (id == OFPM_ALL || meter_find(dp, id))
		return 0;
	return of_err_set(e, OFPET_METER_MOD_FAILED, OFPMMFC_UNKNOWN_METER, "no meter %u", id);
}

static int add_stats(void *arg, const struct meter *m) CONTROL
{
	struct id_dump *d = arg;

	return id_dump_add(d, meter_id(m), (struct of_any *)meter_stats(d->dp, m, d->mp->arena));
}

static int each_stats(struct id_dump *d) CONTROL
{
	return meter_each(d->dp, d->id, d->from, add_stats, d);
}

int mp_meters(struct conn *c, const struct of_msg *m, const struct of_any *body, struct of_err *e)
{
	const struct of_mp_meter_request *q = (const struct of_mp_meter_request *)body;
	const struct id_dump what = { .type = OFPMP_METER,
				      .body = OF_KIND_mp_meter_reply,
				      .most = METER_PART,
				      .id = q->meter_id,
				      .each = each_stats };
	const int rc = check_meter(c->agent->dp, q->meter_id, e);

	return rc ? rc : id_dump_start(c, m, &what);
}

static int add_config(void *arg, const struct meter *m) CONTROL
{
	struct id_dump *d = arg;

	return id_dump_add(d, meter_id(m), (struct of_any *)meter_config(m, d->mp->arena));
}

static int each_config(struct id_dump *d) CONTROL
{
	return meter_each(d->dp, d->id, d->from, add_config, d);
}

int mp_meter_config(struct conn *c, const struct of_msg *m, const struct of_any *body,
		    struct of_err *e)
{
	const struct of_mp_meter_config_request *q =
		(const struct of_mp_meter_config_request *)body;
	const struct id_dump what = { .type = OFPMP_METER_CONFIG,
				      .body = OF_KIND_mp_meter_config_reply,
				      .most = METER_PART,
				      .id = q->meter_id,
				      .each = each_config };
	const int rc = check_meter(c->agent->dp, q->meter_id, e);

	return rc ? rc : id_dump_start(c, m, &what);
}

int mp_meter_features(struct conn *c, const struct of_msg *m, const struct of_any *body,
		      struct of_err *e)
{
	struct of_mp_meter_features_reply r = { .kind = OF_KIND_mp_meter_features_reply };

	meter_features(c->agent->dp, &r);
	mp_one(c, m, OFPMP_METER_FEATURES, (struct of_any *)&r);
	return 0;
}

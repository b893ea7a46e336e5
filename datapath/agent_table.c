/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables configured: 1.3's table_mod, which has nothing to say, and 1.4's (EXT-192), with
 * descriptions and events.
 */
#include <errno.h>
#include <utlist.h>

#include "datapath/agent_priv.h"
#include "datapath/table_caps.h"

enum { EVICT_ALL = OFPTMPEF_OTHER | OFPTMPEF_IMPORTANCE | OFPTMPEF_LIFETIME };

static int bad_config(struct of_err *e, const char *words)
{
	return of_err_set(e, OFPET_TABLE_MOD_FAILED, OFPTMFC_BAD_CONFIG, "%s", words);
}

static int check_table(const struct dp *dp, uint8_t id, struct of_err *e) CONTROL
{
	if (id == OFPTT_ALL || (id < N_TABLES && table_caps(dp, id)->present))
		return 0;
	return of_err_set(e, OFPET_TABLE_MOD_FAILED, OFPTMFC_BAD_TABLE,
			  "table %u is not in the pipeline", id);
}

/* 7.3.3: 1.3 has no table configuration left: its bits 0 and 1 are deprecated. */
int agent_table_mod(struct conn *c, const struct of_msg *m, struct of_err *e)
{
	const struct of_table_mod *tm = (const struct of_table_mod *)m->body;
	int rc = check_table(c->agent->dp, tm->table_id, e);

	if (!rc && tm->config)
		return bad_config(e, "OpenFlow 1.3 has no table configuration");
	return rc;
}

/* ---- 1.4's ---- */

struct asked {
	const struct of_onf_table_mod *tm;
	const struct of_table_prop_eviction *eviction;
	const struct of_table_prop_vacancy *vacancy;
};

static int read_properties(struct asked *a, struct of_err *e)
{
	for (uint32_t i = 0; i < a->tm->properties.n; i++) {
		const struct of_any *p = a->tm->properties.v[i];

		if (p->kind == OF_KIND_table_prop_eviction && !a->eviction)
			a->eviction = (const struct of_table_prop_eviction *)p;
		else if (p->kind == OF_KIND_table_prop_vacancy && !a->vacancy)
			a->vacancy = (const struct of_table_prop_vacancy *)p;
		else
			return bad_config(e, "two properties of a type");
	}
	return 0;
}

static int check_asked(struct asked *a, struct of_err *e)
{
	const uint32_t config = a->tm->config;
	int rc = read_properties(a, e);

	if (rc)
		return rc;
	if (config & ~(uint32_t)(OFPTC_EVICTION | OFPTC_VACANCY_EVENTS))
		return bad_config(e, "unknown table configuration");
	if ((a->eviction && !(config & OFPTC_EVICTION)) ||
	    (a->vacancy && !(config & OFPTC_VACANCY_EVENTS)))
		return bad_config(e, "a property of what is not switched on");
	if (a->eviction && a->eviction->flags & ~(uint32_t)EVICT_ALL)
		return bad_config(e, "unknown eviction flags");
	if (a->vacancy && (a->vacancy->vacancy_up > 100 || a->vacancy->vacancy ||
			   a->vacancy->vacancy_down > a->vacancy->vacancy_up))
		return bad_config(e, "vacancy: down <= up <= 100, and the rest is the switch's");
	return 0;
}

static int configure(struct dp *dp, uint8_t id, const struct asked *a, struct of_err *e) CONTROL
{
	const uint32_t config = a->tm->config;
	struct table_config c;

	table_config_get(dp, id, &c);
	if (!(config & OFPTC_EVICTION))
		c.evict_by = 0;
	else if (a->eviction && a->eviction->flags)
		c.evict_by = a->eviction->flags;
	else if (!c.evict_by)
		c.evict_by = EVICT_ALL;
	c.vacancy_events = config & OFPTC_VACANCY_EVENTS;
	if (a->vacancy) {
		c.vacancy_down = a->vacancy->vacancy_down;
		c.vacancy_up = a->vacancy->vacancy_up;
	}
	if (table_config_set(dp, id, &c))
		return of_err_set(e, OFPET_TABLE_MOD_FAILED, OFPTMFC_EPERM, "out of memory");
	return 0;
}

int agent_onf_table_mod(struct conn *c, const struct of_msg *m, struct of_err *e)
{
	const struct of_experimenter_msg *x = (const struct of_experimenter_msg *)m->body;
	struct asked a = { .tm = (const struct of_onf_table_mod *)x->body };
	struct dp *dp = c->agent->dp;
	int rc = check_table(dp, a.tm->table_id, e);

	if (!rc)
		rc = check_asked(&a, e);
	if (!rc && a.tm->table_id != OFPTT_ALL)
		return configure(dp, a.tm->table_id, &a, e);
	for (unsigned int i = 0; i < N_TABLES && !rc; i++)
		if (table_caps(dp, (uint8_t)i)->present)
			rc = configure(dp, (uint8_t)i, &a, e);
	return rc;
}

/* ---- Descriptions and events ---- */

static int describe(const struct dp *dp, uint8_t id, struct of_table_desc *d,
		    struct arena *a) CONTROL
{
	struct of_table_prop_eviction *eviction;
	struct of_table_prop_vacancy *vacancy;
	struct table_config c;

	table_config_get(dp, id, &c);
	d->table_id = id;
	d->config = table_caps(dp, id)->config;
	if (c.evict_by) {
		eviction = OF_NEW(a, table_prop_eviction);
		if (!eviction || of_list_add(&d->properties, a, (struct of_any *)eviction))
			return -ENOMEM;
		eviction->flags = c.evict_by;
	}
	if (c.vacancy_events) {
		vacancy = OF_NEW(a, table_prop_vacancy);
		if (!vacancy || of_list_add(&d->properties, a, (struct of_any *)vacancy))
			return -ENOMEM;
		vacancy->vacancy_down = c.vacancy_down;
		vacancy->vacancy_up = c.vacancy_up;
		vacancy->vacancy = table_vacancy(dp, id);
	}
	return 0;
}

int mp_table_desc(struct conn *c, const struct of_msg *m)
{
	struct of_table_desc_reply r = { .kind = OF_KIND_table_desc_reply };
	struct of_mp_experimenter_reply x = { .kind = OF_KIND_mp_experimenter_reply,
					      .experimenter = OF_ONF_ID,
					      .exp_type = 1920,
					      .body = (struct of_any *)&r };
	struct dp *dp = c->agent->dp;
	struct arena *a = &c->agent->scratch;

	arena_reset(a);
	for (unsigned int i = 0; i < N_TABLES; i++) {
		struct of_table_desc *d;

		if (!table_caps(dp, (uint8_t)i)->present)
			continue;
		d = OF_NEW(a, table_desc);
		if (!d || describe(dp, (uint8_t)i, d, a) ||
		    of_list_add(&r.tables, a, (struct of_any *)d))
			return -ENOMEM;
	}
	mp_one(c, m, OFPMP_EXPERIMENTER, (struct of_any *)&x);
	return 0;
}

void agent_table_status(void *arg, uint8_t table_id, uint8_t reason)
{
	struct of_table_status s = { .kind = OF_KIND_table_status, .reason = reason };
	struct of_experimenter_msg x = { .kind = OF_KIND_experimenter_msg,
					 .experimenter = OF_ONF_ID,
					 .exp_type = 1921,
					 .body = (struct of_any *)&s };
	struct agent *agent = arg;
	struct arena a;
	struct conn *c;

	arena_init(&a, 0);
	s.table.kind = OF_KIND_table_desc;
	if (!describe(agent->dp, table_id, &s.table, &a))
		DL_FOREACH (agent->conns, c)
			if (conn_wants(c, c->async.table_status, reason))
				of_session_send(c->session, 0, (struct of_any *)&x);
	arena_fini(&a);
}

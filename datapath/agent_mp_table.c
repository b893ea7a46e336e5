/* SPDX-License-Identifier: Apache-2.0 */
/* Table features (7.3.5.5), asked for and written: what they mean is table_caps.h's. */
#include <errno.h>

#include "datapath/agent_priv.h"
#include "datapath/table_caps.h"

static void answer(struct conn *c, const struct of_msg *m) CONTROL
{
	struct mp mp;

	mp_begin(&mp, c, m->xid, OFPMP_TABLE_FEATURES, OF_KIND_mp_table_features_reply);
	for (unsigned int i = 0; i < N_TABLES; i++) {
		const struct table_caps *caps = table_caps(c->agent->dp, (uint8_t)i);
		struct of_table_features *t;

		if (!caps->present)
			continue;
		t = OF_NEW(mp.arena, table_features);
		if (t)
			t->table_id = (uint8_t)i;
		if (t && table_caps_put(caps, t, mp.arena))
			t = NULL;
		if (mp_add(&mp, (struct of_any *)t))
			break;
	}
	mp_end(&mp);
}

static int set(struct conn *c, const struct of_list *tables, struct of_err *e) CONTROL
{
	int rc;

	if (c->role == OFPCR_ROLE_SLAVE) /* 6.3.4 */
		return of_err_set(e, OFPET_BAD_REQUEST, OFPBRC_IS_SLAVE,
				  "a slave may not change the switch");
	rc = table_caps_set(c->agent->dp, tables, e);
	if (rc)
		return rc;
	agent_changed(c->agent);
	agent_publish(c->agent);
	return 0;
}

int mp_table_features(struct conn *c, const struct of_msg *m, const struct of_any *body,
		      struct of_err *e)
{
	const struct of_multipart_request *mr = (const struct of_multipart_request *)m->body;
	struct of_list tables = ((const struct of_mp_table_features_request *)body)->tables;
	struct arena a;
	int rc = 0;

	arena_init(&a, 0);
	if (mr->flags & OFPMPF_REQ_MORE || parts_pending(c, m->xid)) {
		tables = (struct of_list){ 0 };
		rc = parts_add(c, m, &a, &tables, e);
	}
	/* Without tables it is a question. */
	if (!rc && tables.n)
		rc = set(c, &tables, e);
	arena_fini(&a);
	if (!rc)
		answer(c, m);
	return rc == -EAGAIN ? 0 : rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Several controllers (6.3.4): roles, and what one is told of another's doings. */
#include <errno.h>
#include <utlist.h>

#include "base/byteorder.h"
#include "datapath/agent_priv.h"

static void send_onf(struct conn *c, uint32_t type, struct of_any *body) CONTROL
{
	struct of_experimenter_msg x = { .kind = OF_KIND_experimenter_msg,
					 .experimenter = OF_ONF_ID,
					 .exp_type = type,
					 .body = body };

	of_session_send(c->session, 0, (struct of_any *)&x);
}

/* ---- Roles ---- */

/* EXT-191: the master that was is told that it is a slave. */
static void demote(struct conn *c) CONTROL
{
	struct of_role_status s = { .kind = OF_KIND_role_status,
				    .role = OFPCR_ROLE_SLAVE,
				    .reason = OFPCRR_MASTER_REQUEST,
				    .generation_id = c->agent->generation_id };

	c->role = OFPCR_ROLE_SLAVE;
	/* Who has asked for a role wants to know of it, be it a tool; once (6.3.6). */
	if (c->up && !c->main && c->async.role_status[1] & 1u << OFPCRR_MASTER_REQUEST)
		send_onf(c, 1911, (struct of_any *)&s);
}

/* 6.3.4: the 64-bit distance tells a stale generation id, wrapping included. */
static bool stale(const struct agent *a, uint64_t id)
{
	return a->has_generation_id && (int64_t)(id - a->generation_id) < 0;
}

int conn_role(struct conn *c, const struct of_msg *m, struct of_err *e)
{
	const struct of_role_request *q = (const struct of_role_request *)m->body;
	struct agent *a = c->agent;
	struct of_role_reply r = { .kind = OF_KIND_role_reply };
	struct conn *other;

	if (q->role > OFPCR_ROLE_SLAVE)
		return of_err_set(e, OFPET_ROLE_REQUEST_FAILED, OFPRRFC_BAD_ROLE,
				  "role %u: roles are 0 (no change) to 3 (slave)", q->role);
	if (q->role == OFPCR_ROLE_MASTER || q->role == OFPCR_ROLE_SLAVE) {
		if (stale(a, q->generation_id))
			return of_err_set(e, OFPET_ROLE_REQUEST_FAILED, OFPRRFC_STALE,
					  "generation %llu is older than %llu",
					  (unsigned long long)q->generation_id,
					  (unsigned long long)a->generation_id);
		a->generation_id = q->generation_id;
		a->has_generation_id = true;
	}
	if (q->role == OFPCR_ROLE_MASTER)
		DL_FOREACH (a->conns, other)
			if (conn_channel(other) != conn_channel(c) &&
			    other->role == OFPCR_ROLE_MASTER)
				demote(other);
	if (q->role != OFPCR_ROLE_NOCHANGE)
		c->role = q->role;
	conn_update_ttl(a);
	r.role = c->role;
	r.generation_id = a->has_generation_id ? a->generation_id : UINT64_MAX;
	agent_reply(c, m, (struct of_any *)&r);
	return 0;
}

/* ---- EXT-235: group and meter mods of others ---- */

/* OFPRFR_*, or -1 for what is not forwarded.  A group mod in 1.5's layout is one, too. */
static int forward_reason(const uint8_t *raw, uint16_t n)
{
	enum { WEFT_GROUP_MOD = 3 }; /* of13.def */

	switch (raw[1]) {
	case OFPT_GROUP_MOD:
		return OFPRFR_GROUP_MOD;
	case OFPT_METER_MOD:
		return OFPRFR_METER_MOD;
	case OFPT_EXPERIMENTER:
		return n >= 16 && get_be32(raw + 8) == OF_WEFT_ID &&
				       get_be32(raw + 12) == WEFT_GROUP_MOD
			       ? OFPRFR_GROUP_MOD
			       : -1;
	}
	return -1;
}

void agent_forward(struct conn *from, const uint8_t *raw, uint16_t n)
{
	const int reason = forward_reason(raw, n);
	struct of_msg m = { .length = n, .raw = raw };
	struct of_requestforward r = { .kind = OF_KIND_requestforward, .message = &m };
	struct conn *c;

	if (reason < 0)
		return;
	DL_FOREACH (from->agent->conns, c)
		if (conn_channel(c) != conn_channel(from) &&
		    conn_wants(c, c->async.requestforward, (uint8_t)reason))
			send_onf(c, 2350, (struct of_any *)&r);
}

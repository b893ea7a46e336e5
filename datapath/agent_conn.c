/* SPDX-License-Identifier: Apache-2.0 */
/* What each connection has of its own: role (6.3.4), configuration (7.3.2), asynchronous messages
 * (7.3.10). */
#include <errno.h>
#include <utlist.h>

#include "datapath/agent_priv.h"
#include "datapath/frag.h"

enum { MISS_SEND_LEN = 128 }; /* OFP_DEFAULT_MISS_SEND_LEN */

#define BIT(x) (1u << (x))

void conn_defaults(struct conn *c)
{
	c->events = !c->service;
	c->role = OFPCR_ROLE_EQUAL;
	c->miss_send_len = MISS_SEND_LEN;
	c->packet_in[0] = BIT(OFPR_NO_MATCH) | BIT(OFPR_ACTION);
	c->flow_removed[0] = BIT(OFPRR_IDLE_TIMEOUT) | BIT(OFPRR_HARD_TIMEOUT) | BIT(OFPRR_DELETE) |
			     BIT(OFPRR_GROUP_DELETE) | BIT(OFPRR_EVICTION);
	c->port_status[0] = c->port_status[1] =
		BIT(OFPPR_ADD) | BIT(OFPPR_DELETE) | BIT(OFPPR_MODIFY);
	c->packet_in[1] = c->flow_removed[1] = 0;
	c->packet_in_format = NX_PACKET_IN_STANDARD;
}

bool conn_wants(const struct conn *c, const uint32_t mask[2], uint8_t reason)
{
	return c->up && c->events && reason < 32 && mask[c->role == OFPCR_ROLE_SLAVE] & BIT(reason);
}

/* PMDs raise packet-ins for expired TTLs only while somebody wants them. */
void conn_update_ttl(struct agent *a)
{
	struct conn *c;
	bool wanted = false;

	DL_FOREACH (a->conns, c)
		wanted = wanted || conn_wants(c, c->packet_in, OFPR_INVALID_TTL);
	atomic_store_explicit(&a->dp->invalid_ttl_to_controller, wanted, memory_order_relaxed);
}

int conn_get_config(struct conn *c, const struct of_msg *m, struct of_err *e)
{
	struct of_get_config_reply r = {
		.kind = OF_KIND_get_config_reply,
		.flags = (uint16_t)atomic_load_explicit(&c->agent->dp->frag_mode,
							memory_order_relaxed),
		.miss_send_len = c->miss_send_len,
	};

	agent_reply(c, m, (struct of_any *)&r);
	return 0;
}

int conn_set_config(struct conn *c, const struct of_msg *m, struct of_err *e)
{
	const struct of_set_config *s = (const struct of_set_config *)m->body;

	if (s->flags > OFPC_FRAG_REASM)
		return agent_refuse(e, OFPET_SWITCH_CONFIG_FAILED, OFPSCFC_BAD_FLAGS,
				    "flags 0x%x: fragments are handled normally (0), dropped (1) "
				    "or reassembled (2)",
				    s->flags);
	/* What is done with fragments is the switch's, the rest each connection's own. */
	if (c->role == OFPCR_ROLE_SLAVE &&
	    s->flags != atomic_load_explicit(&c->agent->dp->frag_mode, memory_order_relaxed))
		return agent_refuse(e, OFPET_BAD_REQUEST, OFPBRC_IS_SLAVE,
				    "a slave may not change the switch");
	if (frag_mode_set(c->agent->dp, s->flags))
		return agent_refuse(e, OFPET_SWITCH_CONFIG_FAILED, OFPSCFC_BAD_FLAGS,
				    "no memory for fragments that wait");
	c->miss_send_len = s->miss_send_len;
	/* A tool that says how much of a packet it wants, wants packets and events; get-frags and
	 * set-frags say what they were told, and are gone before there is one. */
	if (s->miss_send_len)
		c->events = true;
	conn_update_ttl(c->agent);
	return 0;
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
		return agent_refuse(e, OFPET_ROLE_REQUEST_FAILED, OFPRRFC_BAD_ROLE,
				    "role %u: roles are 0 (no change) to 3 (slave)", q->role);
	if (q->role == OFPCR_ROLE_MASTER || q->role == OFPCR_ROLE_SLAVE) {
		if (stale(a, q->generation_id))
			return agent_refuse(e, OFPET_ROLE_REQUEST_FAILED, OFPRRFC_STALE,
					    "generation %llu is older than %llu",
					    (unsigned long long)q->generation_id,
					    (unsigned long long)a->generation_id);
		a->generation_id = q->generation_id;
		a->has_generation_id = true;
	}
	if (q->role == OFPCR_ROLE_MASTER)
		DL_FOREACH (a->conns, other)
			if (other->role == OFPCR_ROLE_MASTER)
				other->role = OFPCR_ROLE_SLAVE;
	if (q->role != OFPCR_ROLE_NOCHANGE)
		c->role = q->role;
	conn_update_ttl(a);
	r.role = c->role;
	r.generation_id = a->has_generation_id ? a->generation_id : UINT64_MAX;
	agent_reply(c, m, (struct of_any *)&r);
	return 0;
}

int conn_get_async(struct conn *c, const struct of_msg *m, struct of_err *e)
{
	struct of_get_async_reply r = { .kind = OF_KIND_get_async_reply };

	for (int i = 0; i < 2; i++) {
		r.packet_in_mask[i] = c->packet_in[i];
		r.port_status_mask[i] = c->port_status[i];
		r.flow_removed_mask[i] = c->flow_removed[i];
	}
	agent_reply(c, m, (struct of_any *)&r);
	return 0;
}

int conn_set_async(struct conn *c, const struct of_msg *m, struct of_err *e)
{
	const struct of_set_async *s = (const struct of_set_async *)m->body;

	for (int i = 0; i < 2; i++) {
		c->packet_in[i] = s->packet_in_mask[i];
		c->port_status[i] = s->port_status_mask[i];
		c->flow_removed[i] = s->flow_removed_mask[i];
	}
	c->events = true;
	conn_update_ttl(c->agent);
	return 0;
}

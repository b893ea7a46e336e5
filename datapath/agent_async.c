/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asynchronous configuration (7.3.10): which events a connection is told of, as master or equal and
 * as slave.  OpenFlow 1.3 has three kinds; NXT_SET_ASYNC_CONFIG2 reaches the others, too.
 */
#include <errno.h>
#include <utlist.h>

#include "datapath/agent_priv.h"

#define BIT(x) (1u << (x))

enum {
	/* The reasons that there are: other bits of a request say nothing, and are not kept. */
	PACKET_IN = BIT(OFPR_NO_MATCH) | BIT(OFPR_ACTION) | BIT(OFPR_INVALID_TTL),
	PORT_STATUS = BIT(OFPPR_ADD) | BIT(OFPPR_DELETE) | BIT(OFPPR_MODIFY),
	FLOW_REMOVED = BIT(OFPRR_IDLE_TIMEOUT) | BIT(OFPRR_HARD_TIMEOUT) | BIT(OFPRR_DELETE) |
		       BIT(OFPRR_GROUP_DELETE),
	FLOW_REMOVED_LATER = BIT(OFPRR_METER_DELETE) | BIT(OFPRR_EVICTION),
	ROLE_STATUS = BIT(OFPCRR_MASTER_REQUEST) | BIT(OFPCRR_CONFIG) | BIT(OFPCRR_EXPERIMENTER),
	TABLE_STATUS = BIT(OFPTR_VACANCY_DOWN) | BIT(OFPTR_VACANCY_UP),
	REQUESTFORWARD = BIT(OFPRFR_GROUP_MOD) | BIT(OFPRFR_METER_MOD),
};

void async_defaults(struct conn *c)
{
	static const struct async_config defaults = {
		.packet_in = { BIT(OFPR_NO_MATCH) | BIT(OFPR_ACTION), 0 },
		.port_status = { PORT_STATUS, PORT_STATUS },
		.flow_removed = { FLOW_REMOVED | BIT(OFPRR_EVICTION), 0 },
		.role_status = { ROLE_STATUS, ROLE_STATUS },
		.table_status = { TABLE_STATUS, 0 },
	};

	c->async = defaults;
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
		wanted = wanted ||
			 (!c->controller_id && conn_wants(c, c->async.packet_in, OFPR_INVALID_TTL));
	atomic_store_explicit(&a->dp->invalid_ttl_to_controller, wanted, memory_order_relaxed);
}

int conn_get_async(struct conn *c, const struct of_msg *m, struct of_err *e)
{
	struct of_get_async_reply r = { .kind = OF_KIND_get_async_reply };

	for (int i = 0; i < 2; i++) {
		r.packet_in_mask[i] = c->async.packet_in[i];
		r.port_status_mask[i] = c->async.port_status[i];
		r.flow_removed_mask[i] = c->async.flow_removed[i];
	}
	agent_reply(c, m, (struct of_any *)&r);
	return 0;
}

static void changed(struct conn *c) CONTROL
{
	c->events = true;
	conn_update_ttl(c->agent);
}

void conn_set_async(struct conn *c, const struct of_set_async *s)
{
	for (int i = 0; i < 2; i++) {
		c->async.packet_in[i] = s->packet_in_mask[i] & PACKET_IN;
		c->async.port_status[i] = s->port_status_mask[i] & PORT_STATUS;
		c->async.flow_removed[i] =
			s->flow_removed_mask[i] & (FLOW_REMOVED | FLOW_REMOVED_LATER);
	}
	changed(c);
}

/* ---- NXT_SET_ASYNC_CONFIG2: OpenFlow 1.4's properties ---- */

/* The mask that a property is about; NULL: unknown. */
static uint32_t *mask_of(struct async_config *a, uint16_t type, uint32_t *known)
{
	struct {
		uint32_t *masks, known;
	} kinds[] = {
		{ a->packet_in, PACKET_IN },
		{ a->port_status, PORT_STATUS },
		{ a->flow_removed, FLOW_REMOVED | FLOW_REMOVED_LATER },
		{ a->role_status, ROLE_STATUS },
		{ a->table_status, TABLE_STATUS },
		{ a->requestforward, REQUESTFORWARD },
	};

	if (type / 2u >= sizeof(kinds) / sizeof(kinds[0]))
		return NULL;
	*known = kinds[type / 2].known;
	return &kinds[type / 2].masks[!(type & 1)]; /* the slave's is the even one */
}

int conn_set_async2(struct conn *c, const struct of_nx_set_async2 *s, struct of_err *e)
{
	struct async_config now = c->async; /* what is not mentioned stays */

	for (uint32_t i = 0; i < s->properties.n; i++) {
		const struct of_async_prop *p = OF_AT(&s->properties, i, async_prop);
		uint32_t known, *mask = mask_of(&now, p->type, &known);

		if (!mask)
			return of_err_set(e, OFPET_EXPERIMENTER, OFPACFC_UNSUPPORTED,
					  "unknown property %u", p->type);
		if (p->data.n)
			return of_err_set(e, OFPET_BAD_REQUEST, OFPBRC_BAD_LEN,
					  "property %u has %u bytes too many", p->type, p->data.n);
		if (p->mask & ~known)
			return of_err_set(e, OFPET_EXPERIMENTER, OFPACFC_INVALID,
					  "property %u: mask 0x%x, where 0x%x is known", p->type,
					  p->mask, known);
		*mask = p->mask;
	}
	c->async = now;
	changed(c);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What each connection has of its own: configuration (7.3.2). */
#include <utlist.h>

#include "datapath/agent_priv.h"
#include "datapath/frag.h"

enum { MISS_SEND_LEN = 128 }; /* OFP_DEFAULT_MISS_SEND_LEN */

void conn_defaults(struct conn *c)
{
	c->events = !c->service;
	c->role = OFPCR_ROLE_EQUAL;
	c->miss_send_len = MISS_SEND_LEN;
	c->packet_in_format = NX_PACKET_IN_STANDARD;
	c->controller_id = 0;
	async_defaults(c);
}

void agent_breathe(void *arg)
{
	struct agent *a = arg;
	struct conn *c;

	DL_FOREACH (a->conns, c)
		if (c->session)
			of_session_breathe(c->session);
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
		return of_err_set(e, OFPET_SWITCH_CONFIG_FAILED, OFPSCFC_BAD_FLAGS,
				  "flags 0x%x: fragments are handled normally (0), dropped (1) "
				  "or reassembled (2)",
				  s->flags);
	/* What is done with fragments is the switch's, the rest each connection's own. */
	if (c->role == OFPCR_ROLE_SLAVE &&
	    s->flags != atomic_load_explicit(&c->agent->dp->frag_mode, memory_order_relaxed))
		return of_err_set(e, OFPET_BAD_REQUEST, OFPBRC_IS_SLAVE,
				  "a slave may not change the switch");
	if (frag_mode_set(c->agent->dp, s->flags))
		return of_err_set(e, OFPET_SWITCH_CONFIG_FAILED, OFPSCFC_BAD_FLAGS,
				  "no memory for fragments that wait");
	c->miss_send_len = s->miss_send_len;
	/* A tool that says how much of a packet it wants, wants packets and events; get-frags and
	 * set-frags say what they were told, and are gone before there is one. */
	if (s->miss_send_len)
		c->events = true;
	conn_update_ttl(c->agent);
	return 0;
}

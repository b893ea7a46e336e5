/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Auxiliary connections (6.3.6): further connections to a controller, opened when the main one is
 * up and closed when it goes.
 *
 * Any message may come on any of them and is answered where it came.  Role, configuration and
 * buffers are the controller's, and so all its connections': they are copied whenever a message may
 * have changed them.  What the switch says by itself goes by the main connection, but for
 * packet-ins, which are spread by their flow.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/log.h"
#include "datapath/agent_priv.h"
#include "datapath/punt.h"

enum { AUX_MAX = 16 };

int aux_parse(const char *spec, struct aux_spec *out, struct err *e)
{
	const char *semicolon = strchr(spec, ';');
	size_t n = semicolon ? (size_t)(semicolon - spec) : strlen(spec);
	char *end;
	unsigned long v;

	*out = (struct aux_spec){ 0 };
	if (n >= sizeof(out->target))
		return err_set(e, -EINVAL, "%s: too long", spec);
	memcpy(out->target, spec, n);
	if (!semicolon)
		return 0;
	if (strncmp(semicolon, ";aux=", 5))
		return err_set(
			e, -EINVAL,
			"%s: after the semicolon aux=N is right, the number of auxiliary "
			"connections; they are TCP or TLS as the main one is, not UDP or DTLS",
			spec);
	v = strtoul(semicolon + 5, &end, 10);
	if (semicolon[5] < '0' || semicolon[5] > '9' || *end || v > AUX_MAX)
		return err_set(e, -EINVAL, "%s: 0 to %d auxiliary connections are right", spec,
			       AUX_MAX);
	out->n = (uint8_t)v;
	return 0;
}

void aux_open(struct conn *c, const struct of_session_opts *opts)
{
	for (unsigned int i = 1; i <= c->n_aux; i++) {
		struct of_session_opts o = *opts;
		struct conn *x = conn_add(c->agent, NULL, false);
		struct err e;

		if (!x) {
			log_warn("agent", "%s: no memory for auxiliary connection %u", c->target,
				 i);
			return;
		}
		x->main = c;
		o.arg = x;
		o.auxiliary_id = (uint8_t)i;
		x->session = of_session_new(c->agent->loop, c->target, &o, &e);
		if (!x->session) {
			log_warn("agent", "auxiliary connection %u: %s", i, e.text);
			conn_free(x);
			return;
		}
	}
}

void aux_close(struct conn *c)
{
	struct conn *x, *next;

	if (c->n_aux)
		DL_FOREACH_SAFE (c->agent->conns, x, next)
			if (x->main == c)
				conn_free(x);
}

static void copy_state(struct conn *to, const struct conn *from)
{
	to->role = from->role;
	to->miss_send_len = from->miss_send_len;
	to->async = from->async;
	to->controller_id = from->controller_id;
	to->packet_in_format = from->packet_in_format;
}

void aux_sync(struct conn *c)
{
	struct conn *main = conn_channel(c), *x;

	if (!main->n_aux)
		return;
	if (c != main) {
		copy_state(main, c);
		main->events |= c->events;
	}
	DL_FOREACH (c->agent->conns, x) {
		if (x->main != main)
			continue;
		copy_state(x, main);
		x->events = false; /* these come by the main connection */
	}
	conn_update_ttl(c->agent);
}

static uint32_t mix(uint32_t h, const void *p, size_t n)
{
	for (const uint8_t *b = p; n--; b++)
		h = (h ^ *b) * 0x01000193; /* FNV-1a */
	return h;
}

/* Packets of one flow stay in order. */
static uint32_t flow_hash(const struct flow_key *k)
{
	uint32_t h = 0x811c9dc5;

	h = mix(h, &k->in_port, sizeof(k->in_port));
	h = mix(h, k->eth_dst, sizeof(k->eth_dst));
	h = mix(h, k->eth_src, sizeof(k->eth_src));
	h = mix(h, &k->nw_src, sizeof(k->nw_src));
	h = mix(h, &k->nw_dst, sizeof(k->nw_dst));
	h = mix(h, &k->ip_proto, sizeof(k->ip_proto));
	h = mix(h, &k->tp_src, sizeof(k->tp_src));
	h = mix(h, &k->tp_dst, sizeof(k->tp_dst));
	h = mix(h, k->ipv6_src, sizeof(k->ipv6_src));
	h = mix(h, k->ipv6_dst, sizeof(k->ipv6_dst));
	return h ^ h >> 16;
}

struct conn *aux_for_packet(struct conn *c, const struct punt *p)
{
	struct conn *up[AUX_MAX], *x;
	unsigned int n = 0;

	if (!c->n_aux)
		return c;
	DL_FOREACH (c->agent->conns, x)
		if (x->main == c && x->up && n < AUX_MAX)
			up[n++] = x;
	return n ? up[flow_hash(&p->key) % n] : c;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The OpenFlow agent: connections to controllers, and what their messages do to the datapath.
 *
 * One agent a switch, on the control thread's libev loop.  It answers every message of
 * OpenFlow 1.3.5 (or refuses it with the error that the specification names), and sends packet-in,
 * flow-removed, port-status and what monitors ask for to those who want them.  Bundles and flow
 * monitors are a connection's; role, configuration and packet buffers a controller's, whatever the
 * number of its connections (6.3.6).  What the agent's files share is in agent_priv.h.
 */
#ifndef WEFT_DATAPATH_AGENT_H
#define WEFT_DATAPATH_AGENT_H

#include <ev.h>

#include "base/err.h"
#include "datapath/role.h"
#include "ofproto/session.h"

struct agent;
struct dp;
struct punt;

struct agent_opts {
	const char *const *controllers; /* active targets */
	unsigned int n_controllers;
	const char *const *listeners; /* ptcp:, pssl:, punix: */
	unsigned int n_listeners;
	const char *socket; /* management socket's path; NULL: none */
	const char *host_id;
	uint32_t n_buffers; /* packets kept for each controller that wants less than the whole */
	struct of_tls tls;
	/* Takes all that packet threads have sent up so far; may be NULL. */
	void (*drain)(void *arg);
	void *arg;
};

struct agent *agent_new(struct ev_loop *loop, struct dp *dp, const struct agent_opts *o,
			struct err *e) CONTROL;
void agent_free(struct agent *a) CONTROL;

/* A PUNT_PACKET_IN that was drained (punt.h): to the controllers that want it. */
void agent_packet_in(struct agent *a, const struct punt *p) CONTROL;

#endif

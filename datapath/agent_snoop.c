/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snooping: beside the management socket NAME.sock there is NAME.snoop.  Who connects to it is sent
 * a copy of each message that passes between the switch and its controllers (ovs-ofctl snoop,
 * weft-ofctl snoop), and may change nothing.  Who does not read misses messages.
 */
#include <stdio.h>
#include <string.h>
#include <utlist.h>

#include "base/log.h"
#include "datapath/agent_priv.h"

enum { SNOOP_BACKLOG = 4 << 20 };

void snoop_path(const char *socket, char *path, size_t size)
{
	size_t n = strlen(socket), ending = strlen(".sock");
	bool is_sock = n > ending && !strcmp(socket + n - ending, ".sock");

	snprintf(path, size, "%.*s.snoop", (int)(is_sock ? n - ending : n), socket);
}

void snoop_heard(struct of_session *s, bool sent, const uint8_t *raw, size_t n, void *arg)
{
	const struct conn *from = arg;
	struct conn *c;

	role_assume_control();
	if (!from->agent->n_snoopers || from->local)
		return;
	DL_FOREACH (from->agent->conns, c) {
		if (!c->snooper || !c->up)
			continue;
		if (of_session_backlog(c->session) > SNOOP_BACKLOG)
			log_warn("agent", "%s: reads too slowly and misses messages",
				 of_session_name(c->session));
		else
			of_session_send_raw(c->session, raw, n);
	}
}

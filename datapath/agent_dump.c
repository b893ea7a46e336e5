/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Long multipart replies, in parts, each when the last has been read: a million flows take no more
 * memory than a few thousand, however slow the reader is, and others have their turn in between.
 * Until a dump is whole nothing else is read from that connection, so that what was asked first is
 * answered first, a barrier above all.
 */
#include <errno.h>
#include <stdlib.h>
#include <utlist.h>

#include "datapath/agent_priv.h"

enum {
	DUMP_LOW = 1 << 20, /* so little left unread: go on */
	DUMP_PATIENCE = 30, /* seconds without a byte taken */
};

int dump_start(struct conn *c, struct dump *d)
{
	if (!d)
		return -ENOMEM;
	c->dump = d;
	if (d->part(c, d))
		of_session_pause(c->session, true);
	else
		dump_free(c);
	return 0;
}

void dump_free(struct conn *c)
{
	free(c->dump);
	c->dump = NULL;
}

void dumps_go_on(struct agent *a)
{
	struct conn *c;

	DL_FOREACH (a->conns, c) {
		if (!c->dump || of_session_backlog(c->session) > DUMP_LOW)
			continue;
		agent_publish(a);
		if (c->dump->part(c, c->dump))
			continue;
		dump_free(c);
		of_session_pause(c->session, false);
	}
}

void dumps_watch(struct agent *a)
{
	struct conn *c;

	DL_FOREACH (a->conns, c) {
		size_t backlog = c->dump ? of_session_backlog(c->session) : 0;

		if (!c->dump)
			continue;
		c->dump->stuck = backlog == c->dump->backlog ? c->dump->stuck + 1 : 0;
		c->dump->backlog = backlog;
		if (c->dump->stuck >= DUMP_PATIENCE)
			of_session_drop(c->session, "the peer does not read what it asked for");
	}
}

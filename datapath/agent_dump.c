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

enum { DUMP_PATIENCE = 30 }; /* seconds without a byte taken */

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

/* ---- Things that have ids ---- */

int id_dump_add(struct id_dump *d, uint32_t id, struct of_any *s)
{
	d->from = id + 1;
	if (mp_add(d->mp, s))
		return d->mp->rc;
	return d->mp->total >= d->most;
}

static int id_dump_part(struct conn *c, struct dump *dump) CONTROL
{
	struct id_dump *d = (struct id_dump *)dump;
	struct mp mp;
	int rc;

	d->mp = &mp;
	mp_begin(&mp, c, dump->xid, d->type, d->body);
	rc = d->each(d);
	if (rc > 0 && !mp.rc) {
		mp_part(&mp);
		if (!mp.rc)
			return 1;
	}
	mp_end(&mp);
	return 0;
}

int id_dump_start(struct conn *c, const struct of_msg *m, const struct id_dump *what)
{
	struct id_dump *d = malloc(sizeof(*d));

	if (d) {
		*d = *what;
		d->dump = (struct dump){ .xid = m->xid, .part = id_dump_part };
		d->dp = c->agent->dp;
	}
	return dump_start(c, (struct dump *)d);
}

/* ---- All of them ---- */

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

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Multipart requests in several messages (7.3.5), which only table features can need: parts of the
 * same xid are kept until the one without OFPMPF_REQ_MORE.
 *
 * Parts are kept as bytes and decoded again at the end, PARTS_BYTES of them for each connection.
 * Once a part was refused, so are all that follow: the rest of a pipeline is not the pipeline.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "datapath/agent_priv.h"

/* All tables with all their features take 0.7 MB. */
#define PARTS_BYTES ((size_t)2 << 20)

enum { PARTS_MAX = 64 }; /* requests at a time, refused ones included */

struct part {
	struct part *next;
	uint16_t n;
	uint8_t raw[];
};

struct parts {
	struct parts *next;
	uint32_t xid;
	struct part *list, *last;
	bool refused;
	uint16_t type, code;
};

static struct parts *find(const struct conn *c, uint32_t xid)
{
	struct parts *p;

	LL_FOREACH (c->parts, p)
		if (p->xid == xid)
			return p;
	return NULL;
}

static void clear(struct conn *c, struct parts *p)
{
	struct part *m, *next;

	LL_FOREACH_SAFE (p->list, m, next) {
		c->parts_bytes -= sizeof(*m) + m->n;
		free(m);
	}
	p->list = p->last = NULL;
}

static void end(struct conn *c, struct parts *p)
{
	clear(c, p);
	LL_DELETE(c->parts, p);
	c->n_parts--;
	free(p);
}

void parts_free(struct conn *c)
{
	while (c->parts)
		end(c, c->parts);
}

static struct parts *begin(struct conn *c, uint32_t xid)
{
	struct parts *p = c->n_parts < PARTS_MAX ? calloc(1, sizeof(*p)) : NULL;

	if (!p) {
		/* What could not be remembered would be taken for a whole request at its end. */
		of_session_drop(c->session, "the peer begins too many requests in parts");
		return NULL;
	}
	p->xid = xid;
	LL_PREPEND(c->parts, p);
	c->n_parts++;
	return p;
}

static void mark(struct conn *c, struct parts *p, const struct of_err *e)
{
	clear(c, p);
	p->refused = true;
	p->type = e->type;
	p->code = e->code;
}

static int keep(struct conn *c, struct parts *p, const struct of_msg *m, struct of_err *e)
{
	const size_t size = sizeof(struct part) + m->length; /* also empty parts cost memory */
	struct part *part = c->parts_bytes + size <= PARTS_BYTES ? malloc(size) : NULL;

	if (!part)
		return of_err_set(e, OFPET_BAD_REQUEST, OFPBRC_MULTIPART_BUFFER_OVERFLOW,
				  "requests in parts may have %zu bytes", PARTS_BYTES);
	part->n = m->length;
	memcpy(part->raw, m->raw, m->length);
	part->next = NULL;
	if (p->last)
		p->last->next = part;
	else
		p->list = part;
	p->last = part;
	c->parts_bytes += size;
	return 0;
}

/* The tables of all parts, in the order in which they came. */
static int put_together(const struct parts *p, struct arena *a, struct of_list *out,
			struct of_err *e)
{
	const struct part *part;

	LL_FOREACH (p->list, part) {
		struct of_msg *m;
		int rc = of_decode(part->raw, part->n, a, &m, e);
		const struct of_multipart_request *q;
		const struct of_mp_table_features_request *t;

		if (rc)
			return rc;
		q = (const struct of_multipart_request *)m->body;
		t = (const struct of_mp_table_features_request *)q->body;
		for (uint32_t i = 0; i < t->tables.n && !rc; i++)
			rc = of_list_add(out, a, t->tables.v[i]);
		if (rc)
			return -ENOMEM;
	}
	return 0;
}

bool parts_pending(const struct conn *c, uint32_t xid)
{
	return find(c, xid);
}

int parts_add(struct conn *c, const struct of_msg *m, struct arena *a, struct of_list *out,
	      struct of_err *e)
{
	const struct of_multipart_request *q = (const struct of_multipart_request *)m->body;
	const bool more = q->flags & OFPMPF_REQ_MORE;
	struct parts *p = find(c, m->xid);
	int rc;

	if (!p)
		p = begin(c, m->xid);
	if (!p)
		return of_err_set(e, OFPET_BAD_REQUEST, OFPBRC_MULTIPART_BUFFER_OVERFLOW,
				  "more than %d requests in parts", PARTS_MAX);
	if (p->refused)
		rc = of_err_set(e, p->type, p->code, "an earlier part was refused");
	else if (c->role == OFPCR_ROLE_SLAVE)
		rc = of_err_set(e, OFPET_BAD_REQUEST, OFPBRC_IS_SLAVE,
				"a slave may not change the switch");
	else
		rc = keep(c, p, m, e);
	if (more) {
		if (rc)
			mark(c, p, e);
		return rc ? rc : -EAGAIN;
	}
	if (!rc)
		rc = put_together(p, a, out, e);
	if (rc == -ENOMEM)
		rc = of_err_set(e, OFPET_BAD_REQUEST, OFPBRC_MULTIPART_BUFFER_OVERFLOW,
				"no memory to put the parts together");
	end(c, p);
	return rc;
}

void parts_refused(struct conn *c, const uint8_t *raw, size_t n, const struct of_err *e)
{
	struct parts *p;
	bool more;

	if (n < 16 || raw[1] != OFPT_MULTIPART_REQUEST || get_be16(raw + 8) != OFPMP_TABLE_FEATURES)
		return;
	more = get_be16(raw + 10) & OFPMPF_REQ_MORE;
	p = find(c, get_be32(raw + 4));
	if (!p && more)
		p = begin(c, get_be32(raw + 4));
	if (!p)
		return;
	if (more)
		mark(c, p, e);
	else
		end(c, p);
}

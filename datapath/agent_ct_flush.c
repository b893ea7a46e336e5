/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NXT_CT_FLUSH_ZONE and NXT_CT_FLUSH (Open vSwitch 2.6 and 3.1): connections that a controller
 * forgets, of a zone, or of tuples of which it says as much as it likes; and what Weft's own
 * message asks for, but for single ones (agent_ct.c).
 *
 * A flush walks over all that are there, a slice in each turn of the loop, so that others have
 * theirs in between.  Until it is done nothing else is read from the connection that asked: what
 * comes after it, a barrier above all, is answered after it.  What was begun is done whole, even if
 * that connection goes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "datapath/agent_mgmt.h"
#include "datapath/ct.h"

enum { PROP_ORIG, PROP_REPLY, PROP_ZONE };
enum {
	TUPLE_SRC,
	TUPLE_DST,
	TUPLE_SRC_PORT,
	TUPLE_DST_PORT,
	TUPLE_ICMP_ID,
	TUPLE_ICMP_TYPE,
	TUPLE_ICMP_CODE,
};
enum {
	PROP_HEADER = 4,
	SLICE = 16384, /* connections looked at in one turn: half a millisecond */
};

/* A tuple and which of its members say something. */
struct wanted {
	struct ct_tuple t;
	bool src, dst, src_port, dst_port, type, code;
};

struct flush {
	struct wanted orig, reply;
	bool in_zone;
	uint16_t zone;
	uint8_t proto;
	uint32_t cursor; /* so far it has come */
	uint64_t gone;
	struct conn *conn; /* waits for it; NULL: it is gone */
	bool answers;	   /* in Weft's words, */
	uint32_t xid;	   /* to this */
	struct flush *prev, *next;
};

/* ---- Reading ---- */

struct prop {
	uint16_t type, n;
	const uint8_t *p; /* n bytes */
};

static int bad_length(struct of_err *e)
{
	return of_err_set(e, OFPET_TABLE_FEATURES_FAILED, OFPTFFC_BAD_LEN,
			  "a property of a flush that is too short or too long");
}

/* The next one of 's'. 0, or -EPROTO. */
static int next_prop(struct of_span *s, struct prop *out, struct of_err *e)
{
	uint32_t len, padded;

	if (s->n < PROP_HEADER)
		return bad_length(e);
	out->type = get_be16(s->p);
	len = get_be16(s->p + 2);
	padded = (len + 7) & ~7u;
	if (len < PROP_HEADER || padded > s->n)
		return bad_length(e);
	out->n = (uint16_t)(len - PROP_HEADER);
	out->p = s->p + PROP_HEADER;
	s->p += padded;
	s->n -= padded;
	return 0;
}

/* IPv4's stand in IPv6's as RFC 4291 2.5.5.2 has it. */
static int read_address(const struct prop *p, uint8_t to[16], struct ct_tuple *t, struct of_err *e)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	uint8_t l3;

	if (p->n < 16)
		return bad_length(e);
	l3 = memcmp(p->p, mapped, sizeof(mapped)) ? 6 : 4;
	if (t->l3 && t->l3 != l3)
		return of_err_set(e, OFPET_BAD_REQUEST, OFPBRC_BAD_LEN,
				  "a tuple with addresses of both IP versions");
	t->l3 = l3;
	memcpy(to, l3 == 4 ? p->p + 12 : p->p, l3 == 4 ? 4 : 16);
	return 0;
}

static int read_member(const struct prop *p, struct wanted *w, struct of_err *e)
{
	const unsigned int least = p->type == TUPLE_ICMP_TYPE || p->type == TUPLE_ICMP_CODE ? 1 : 2;
	struct ct_tuple *t = &w->t;

	if (p->n < least)
		return bad_length(e);
	switch (p->type) {
	case TUPLE_SRC:
		w->src = true;
		return read_address(p, t->src, t, e);
	case TUPLE_DST:
		w->dst = true;
		return read_address(p, t->dst, t, e);
	case TUPLE_SRC_PORT:
	case TUPLE_ICMP_ID:
		w->src_port = true;
		memcpy(&t->src_port, p->p, 2);
		return 0;
	case TUPLE_DST_PORT:
		w->dst_port = true;
		memcpy(&t->dst_port, p->p, 2);
		return 0;
	case TUPLE_ICMP_TYPE:
		w->type = true;
		t->dst_port = htobe16((uint16_t)(p->p[0] << 8 | (be16toh(t->dst_port) & 0xff)));
		return 0;
	case TUPLE_ICMP_CODE:
		w->code = true;
		t->dst_port = htobe16((uint16_t)((be16toh(t->dst_port) & 0xff00) | p->p[0]));
		return 0;
	}
	return of_err_set(e, OFPET_TABLE_FEATURES_FAILED, OFPTFFC_BAD_TYPE,
			  "property %u in a tuple of a flush", p->type);
}

static int read_tuple(const struct prop *p, struct wanted *w, struct of_err *e)
{
	struct of_span s = { .p = p->p, .n = p->n };
	struct prop m = { 0 };

	/* Aligned to 8 bytes behind the header. */
	if (s.n < 4)
		return s.n ? bad_length(e) : 0;
	s.p += 4;
	s.n -= 4;
	while (s.n) {
		int r = next_prop(&s, &m, e);

		if (!r)
			r = read_member(&m, w, e);
		if (r)
			return r;
	}
	return 0;
}

static int read_flush(const struct of_nx_ct_flush *q, struct flush *f, struct of_err *e)
{
	struct of_span s = q->properties;
	struct prop p = { 0 };

	f->proto = q->ip_proto;
	while (s.n) {
		int r = next_prop(&s, &p, e);

		if (r)
			return r;
		if (p.type == PROP_ZONE && p.n >= 2) {
			f->in_zone = true;
			f->zone = get_be16(p.p);
		} else if (p.type == PROP_ZONE) {
			return bad_length(e);
		} else if (p.type > PROP_ZONE) {
			return of_err_set(e, OFPET_TABLE_FEATURES_FAILED, OFPTFFC_BAD_TYPE,
					  "property %u of a flush", p.type);
		} else {
			r = read_tuple(&p, p.type == PROP_ORIG ? &f->orig : &f->reply, e);
			if (r)
				return r;
		}
	}
	return 0;
}

/* ---- Flushing ---- */

static bool fits(const struct wanted *w, const struct ct_tuple *t)
{
	const uint16_t want = be16toh(w->t.dst_port), is = be16toh(t->dst_port);

	return (!w->t.l3 || w->t.l3 == t->l3) && (!w->src || !memcmp(w->t.src, t->src, 16)) &&
	       (!w->dst || !memcmp(w->t.dst, t->dst, 16)) &&
	       (!w->src_port || w->t.src_port == t->src_port) &&
	       (!w->dst_port || w->t.dst_port == t->dst_port) &&
	       (!w->type || want >> 8 == is >> 8) && (!w->code || (want & 0xff) == (is & 0xff));
}

static bool is_wanted(const void *arg, const struct ct_conn *c)
{
	const struct flush *f = arg;

	return (!f->in_zone || c->orig.zone == f->zone) &&
	       (!f->proto || c->orig.proto == f->proto) && fits(&f->orig, &c->orig) &&
	       fits(&f->reply, &c->reply);
}

static int answer(const struct flush *f)
{
	Weft__CtFlushed done = WEFT__CT_FLUSHED__INIT;
	Weft__Reply r = WEFT__REPLY__INIT;

	done.conns = f->gone;
	r.body_case = WEFT__REPLY__BODY_CT_FLUSHED;
	r.ct_flushed = &done;
	return mgmt_reply_send(f->conn->session, f->xid, &r);
}

/* One slice; false: that was the end of it, and of 'f'. */
static bool go_on(struct agent *a, struct flush *f) CONTROL
{
	struct ct *t = atomic_load_explicit(&a->dp->ct, memory_order_relaxed);
	struct conn *c = f->conn;

	if (t && ct_flush_part(t, &f->cursor, SLICE, is_wanted, f, &f->gone))
		return true;
	if (c && f->answers)
		answer(f);
	DL_DELETE(a->flushes, f);
	free(f);
	if (c)
		of_session_pause(c->session, false);
	return false;
}

void flushes_go_on(struct agent *a)
{
	if (a->flushes)
		go_on(a, a->flushes);
	/* There is more to do, and no event that would tell. */
	if (a->flushes)
		ev_idle_start(a->loop, &a->flushing);
	else
		ev_idle_stop(a->loop, &a->flushing);
}

void flushes_leave(struct conn *c)
{
	struct flush *f;

	DL_FOREACH (c->agent->flushes, f)
		if (f->conn == c)
			f->conn = NULL;
}

void flushes_free(struct agent *a)
{
	struct flush *f, *next;

	DL_FOREACH_SAFE (a->flushes, f, next) {
		DL_DELETE(a->flushes, f);
		free(f);
	}
	ev_idle_stop(a->loop, &a->flushing);
}

/* The first slice is done now: of a small table it is all. */
static int start(struct conn *c, const struct flush *what) CONTROL
{
	struct flush *f = malloc(sizeof(*f));

	if (!f)
		return -ENOMEM;
	*f = *what;
	f->conn = c;
	DL_APPEND(c->agent->flushes, f);
	/* Those that were asked for earlier are done earlier. */
	if (f == c->agent->flushes && !go_on(c->agent, f))
		return 0;
	of_session_pause(c->session, true);
	ev_idle_start(c->agent->loop, &c->agent->flushing);
	return 0;
}

int agent_ct_flush_msg(struct conn *c, const struct of_any *body, struct of_err *e)
{
	struct flush f = { .in_zone = false };
	int r = 0;

	if (body->kind == OF_KIND_nx_ct_flush_zone) {
		f.in_zone = true;
		f.zone = ((const struct of_nx_ct_flush_zone *)body)->zone_id;
	} else {
		r = read_flush((const struct of_nx_ct_flush *)body, &f, e);
	}
	return r ? r : start(c, &f);
}

int agent_ct_flush_all(const struct mgmt_ctx *x, const uint16_t *zone)
{
	const struct flush f = {
		.in_zone = zone, .zone = zone ? *zone : 0, .answers = true, .xid = x->msg->xid
	};

	return start(x->conn, &f);
}

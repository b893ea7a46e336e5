/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DHCP for IPv6 (RFC 8415): one client, whose address (or none: stateless) stands in the flow.  The
 * server's identifier is made of its MAC, so that it is the same on every host.
 */
#include <string.h>

#include "datapath/answer_ip.h"
#include "ofproto/answer.h"

enum {
	CLIENT_PORT = 546,
	SERVER_PORT = 547,
	HOPS = 64,
	HEAD = 4,     /* type, transaction */
	IA_HEAD = 12, /* IAID, T1, T2 */
	IA_TA_HEAD = 4,
	IAADDR_SIZE = 24,
	DUID_MAX = 130, /* 11.1 */
	DUID_SIZE = 10,
	FOREVER = UINT32_MAX,
	FRONT = IP6_HEAD + UDP_HEAD,
};

enum type {
	SOLICIT = 1,
	ADVERTISE = 2,
	REQUEST = 3,
	CONFIRM = 4,
	RENEW = 5,
	REBIND = 6,
	REPLY = 7,
	RELEASE = 8,
	DECLINE = 9,
	INFORMATION = 11,
};

enum status { SUCCESS = 0, NO_ADDRS = 2, NOT_ON_LINK = 4, USE_MULTICAST = 5, NO_PREFIX = 6 };

struct client {
	uint8_t type;
	bool rapid, has_ia;
	struct part msg;		/* all of it */
	struct part id, server, wanted; /* options' values; p NULL: not there */
};

/* Options in a message, from 'at' on; false at the end. */
static bool next(const struct part *in, uint32_t *at, struct of_opt *o)
{
	if (*at >= in->n || of_opt_first(OF_OPT_DHCPV6, in->p + *at, in->n - *at, o))
		return false;
	*at += o->size;
	return true;
}

/* Whether 'in' is options to its end. */
static bool well_formed(const struct part *in, uint32_t at)
{
	struct of_opt o;

	while (next(in, &at, &o))
		;
	return at == in->n;
}

/* ---- Read ---- */

static bool take(struct client *c, const struct of_opt *o)
{
	const struct part v = { o->v, o->n };

	switch (o->code) {
	case DHCPV6_CLIENT_ID:
		c->id = v;
		return v.n && v.n <= DUID_MAX;
	case DHCPV6_SERVER_ID:
		c->server = v;
		return v.n && v.n <= DUID_MAX;
	case DHCPV6_ORO:
		c->wanted = v;
		return v.n % 2 == 0;
	case DHCPV6_RAPID:
		c->rapid = true;
		return !v.n;
	case DHCPV6_IA_NA:
	case DHCPV6_IA_PD:
		c->has_ia = true;
		return v.n >= IA_HEAD && well_formed(&v, IA_HEAD);
	case DHCPV6_IA_TA:
		c->has_ia = true;
		return v.n >= IA_TA_HEAD && well_formed(&v, IA_TA_HEAD);
	default:
		return true;
	}
}

static bool read_client(struct client *c, const struct part *d)
{
	struct of_opt o;
	uint32_t at = HEAD;

	*c = (struct client){ .msg = *d };
	if (d->n < HEAD)
		return false;
	c->type = d->p[0];
	while (next(d, &at, &o))
		if (!take(c, &o))
			return false;
	return at == d->n;
}

/* ---- Judged ---- */

/* DUID-LL (11.4). */
static void duid(const struct of_answer_dhcpv6 *a, uint8_t id[DUID_SIZE])
{
	memcpy(id, (const uint8_t[]){ 0, 3, 0, 1 }, 4);
	memcpy(id + 4, a->server_mac, 6);
}

/* Section 16: who must say who it is, and to whom it speaks. */
static enum drop judge(const struct of_answer_dhcpv6 *a, const struct client *c)
{
	uint8_t id[DUID_SIZE];
	bool names_server = false;

	switch (c->type) {
	case SOLICIT:
	case CONFIRM:
	case REBIND:
		if (!c->id.p || c->server.p)
			return DROP_ANSWER_MALFORMED;
		break;
	case REQUEST:
	case RENEW:
	case RELEASE:
	case DECLINE:
		if (!c->id.p || !c->server.p)
			return DROP_ANSWER_MALFORMED;
		names_server = true;
		break;
	case INFORMATION:
		if (c->has_ia)
			return DROP_ANSWER_MALFORMED;
		names_server = c->server.p;
		break;
	default:
		return DROP_ANSWER_MALFORMED;
	}
	duid(a, id);
	if (names_server && (c->server.n != DUID_SIZE || memcmp(c->server.p, id, DUID_SIZE)))
		return DROP_ANSWER_OTHER;
	return N_DROPS;
}

/* ---- Written ---- */

struct writing {
	uint8_t *p; /* the message */
	uint32_t n, max;
	bool full;
};

/* Room for 'n' bytes; NULL: there is none, which is kept in mind. */
static uint8_t *room(struct writing *w, uint32_t n)
{
	if (w->full || n > w->max - w->n) {
		w->full = true;
		return NULL;
	}
	w->n += n;
	return w->p + w->n - n;
}

/* An option's head, and room for its 'n' bytes. */
static uint8_t *begin(struct writing *w, uint16_t code, uint32_t n)
{
	uint8_t *at = room(w, 4 + n);

	if (!at)
		return NULL;
	put_be16(at, code);
	put_be16(at + 2, (uint16_t)n);
	return at + 4;
}

static void put(struct writing *w, uint16_t code, const void *p, uint32_t n)
{
	uint8_t *at = begin(w, code, n);

	if (at && n)
		memcpy(at, p, n);
}

static void put_status(struct writing *w, enum status s)
{
	uint8_t *at = begin(w, DHCPV6_STATUS, 2);

	if (at)
		put_be16(at, (uint16_t)s);
}

static void put_address(struct writing *w, const uint8_t ip[16], uint32_t preferred, uint32_t valid)
{
	uint8_t *at = begin(w, DHCPV6_IAADDR, IAADDR_SIZE);

	if (!at)
		return;
	memcpy(at, ip, 16);
	put_be32(at + 16, preferred);
	put_be32(at + 20, valid);
}

static uint32_t share(uint32_t time, uint32_t tenths)
{
	return time == FOREVER ? FOREVER : (uint32_t)((uint64_t)time * tenths / 10);
}

/* Addresses of an IA that are not the client's: they are over (18.3.4, 18.3.5). */
static void put_old(struct writing *w, const struct of_answer_dhcpv6 *a, const struct of_opt *ia)
{
	const struct part in = { ia->v, ia->n };
	uint32_t at = IA_HEAD;
	struct of_opt o;

	while (next(&in, &at, &o))
		if (o.code == DHCPV6_IAADDR && o.n >= IAADDR_SIZE && memcmp(o.v, a->address, 16))
			put_address(w, o.v, 0, 0);
}

static void put_ia_na(struct writing *w, const struct of_answer_dhcpv6 *a, const struct client *c,
		      const struct of_opt *ia, bool first)
{
	uint8_t *at = begin(w, DHCPV6_IA_NA, IA_HEAD);
	const uint32_t from = w->n;

	if (!at)
		return;
	memcpy(at, ia->v, 4);
	put_be32(at + 4, first ? share(a->preferred, 5) : 0);
	put_be32(at + 8, first ? share(a->preferred, 8) : 0);
	if (first)
		put_address(w, a->address, a->preferred, a->valid);
	else
		put_status(w, NO_ADDRS);
	if (first && (c->type == RENEW || c->type == REBIND))
		put_old(w, a, ia);
	put_be16(at - 2, (uint16_t)(IA_HEAD + w->n - from));
}

/* Of a kind of which there is none: a status in it. */
static void put_refused(struct writing *w, const struct of_opt *ia)
{
	const bool prefix = ia->code == DHCPV6_IA_PD;
	const uint32_t head = prefix ? (uint32_t)IA_HEAD : IA_TA_HEAD;
	uint8_t *at = begin(w, ia->code, head);
	const uint32_t from = w->n;

	if (!at)
		return;
	memset(at, 0, head);
	memcpy(at, ia->v, 4);
	put_status(w, prefix ? NO_PREFIX : NO_ADDRS);
	put_be16(at - 2, (uint16_t)(head + w->n - from));
}

static void put_ias(struct writing *w, const struct of_answer_dhcpv6 *a, const struct client *c)
{
	bool first = true;
	struct of_opt o;
	uint32_t at = HEAD;

	while (next(&c->msg, &at, &o)) {
		if (o.code == DHCPV6_IA_NA) {
			put_ia_na(w, a, c, &o, first);
			first = false;
		} else if (o.code == DHCPV6_IA_TA || o.code == DHCPV6_IA_PD) {
			put_refused(w, &o);
		}
	}
}

static bool is_wanted(const struct client *c, uint16_t code)
{
	for (uint32_t i = 0; i + 1 < c->wanted.n; i += 2)
		if (get_be16(c->wanted.p + i) == code)
			return true;
	return false;
}

/* Those that are asked for before the others, as many as fit. */
static void put_configured(struct writing *w, const struct of_answer_dhcpv6 *a,
			   const struct client *c)
{
	struct of_opt o;

	for (unsigned int wanted = 2; wanted-- > 0;) {
		OF_OPT_EACH(OF_OPT_DHCPV6, a->options, o)
		{
			if (is_wanted(c, o.code) == !!wanted && o.size <= w->max - w->n)
				put(w, o.code, o.v, o.n);
		}
	}
}

/* Whether all addresses that the client has are right here; 'any' of them at all. */
static bool on_link(const struct of_answer_dhcpv6 *a, const struct client *c, bool *any)
{
	uint32_t at = HEAD;
	struct of_opt ia, o;
	bool all = true;

	*any = false;
	while (next(&c->msg, &at, &ia)) {
		const struct part in = { ia.v, ia.n };
		uint32_t i = ia.code == DHCPV6_IA_NA ? IA_HEAD : IA_TA_HEAD;

		if (ia.code != DHCPV6_IA_NA && ia.code != DHCPV6_IA_TA)
			continue;
		while (next(&in, &i, &o)) {
			if (o.code != DHCPV6_IAADDR || o.n < IAADDR_SIZE)
				continue;
			*any = true;
			all = all && !memcmp(o.v, a->address, 16);
		}
	}
	return all;
}

/* What follows the identifiers; false: there is nothing to say. */
static bool put_body(struct writing *w, const struct of_answer_dhcpv6 *a, const struct client *c)
{
	bool any, right;

	switch (c->type) {
	case SOLICIT:
		if (c->rapid)
			put(w, DHCPV6_RAPID, NULL, 0);
		/* fall through */
	case REQUEST:
	case RENEW:
	case REBIND:
		put_ias(w, a, c);
		put_configured(w, a, c);
		return true;
	case CONFIRM:
		right = on_link(a, c, &any);
		put_status(w, right ? SUCCESS : NOT_ON_LINK);
		return any;
	case RELEASE:
	case DECLINE:
		put_status(w, SUCCESS);
		return true;
	default:
		put_configured(w, a, c);
		return true;
	}
}

/* 18.4: what is sent to one server only. */
static bool unicast(struct writing *w, const struct client *c)
{
	switch (c->type) {
	case REQUEST:
	case RENEW:
	case RELEASE:
	case DECLINE:
		put_status(w, USE_MULTICAST);
		return true;
	default:
		return false;
	}
}

static bool compose(struct writing *w, const struct of_answer_dhcpv6 *a, const struct client *c,
		    bool to_many)
{
	uint8_t id[DUID_SIZE], *at = room(w, HEAD);

	if (!at)
		return false;
	memcpy(at, c->msg.p, HEAD);
	at[0] = c->type == SOLICIT && !c->rapid ? ADVERTISE : REPLY;
	duid(a, id);
	put(w, DHCPV6_SERVER_ID, id, sizeof(id));
	if (c->id.p)
		put(w, DHCPV6_CLIENT_ID, c->id.p, c->id.n);
	return to_many ? put_body(w, a, c) : unicast(w, c);
}

enum drop answer_dhcpv6(const struct of_answer_dhcpv6 *a, const struct ask *q, struct reply *r)
{
	struct writing w = { .p = r->p + FRONT, .max = ANSWER_MAX - FRONT };
	uint8_t to[16];
	struct part data;
	struct client c;
	enum drop why;

	if (!answer_udp(q, true, SERVER_PORT, &data) || !answer_host6(q->p + 8) ||
	    !read_client(&c, &data))
		return DROP_ANSWER_MALFORMED;
	why = judge(a, &c);
	if (why != N_DROPS)
		return why;
	if (answer_is_zero(a->address, 16) && c.type != INFORMATION)
		return DROP_ANSWER_SILENT;
	if (!compose(&w, a, &c, q->p[24] == 0xff))
		return DROP_ANSWER_SILENT;
	if (w.full)
		return DROP_ANSWER_ROOM;
	memcpy(to, q->p + 8, 16);
	r->n = FRONT + w.n;
	answer_to_asker(q, r, a->server_mac);
	answer_udp_head(r, IP6_HEAD, SERVER_PORT, CLIENT_PORT);
	answer_seal6(r, HOPS, PROTO_UDP, a->server, to);
	return N_DROPS;
}

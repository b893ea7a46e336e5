/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DHCP for IPv4 (RFC 2131): one client, whose lease stands in the flow.  Options that it asks for
 * come first and in its order (RFC 2132 9.8), then the others that it has (4.3.1: "specific to this
 * client"), as many as it takes.
 */
#include <string.h>

#include "datapath/answer_ip.h"
#include "ofproto/answer.h"

enum {
	BOOTPS = 67,
	BOOTPC = 68,
	REQUEST = 1,
	REPLY = 2,
	ETHERNET = 1,
	COOKIE = 0x63825363,
	BROADCAST = 0x8000,

	/* Where fields are (RFC 2131, figure 1). */
	FLAGS = 10,
	CIADDR = 12,
	YIADDR = 16,
	SIADDR = 20,
	GIADDR = 24,
	CHADDR = 28,
	SNAME = 44,
	SNAME_SIZE = 64,
	FILE_NAME = 108,
	FILE_SIZE = 128,
	HEAD = 236,
	OPTIONS = 240,

	SIZE_LEAST = 300,     /* RFC 1542 2.1: so many are sent */
	DATAGRAM_LEAST = 576, /* that every client takes (RFC 2131, 2) */
};

enum type {
	DISCOVER = 1,
	OFFER = 2,
	REQUEST_ADDRESS = 3,
	DECLINE = 4,
	ACK = 5,
	NAK = 6,
	RELEASE = 7,
	INFORM = 8,
};

/* What a client says; options point into the packet. */
struct client {
	const uint8_t *p; /* BOOTP's header */
	uint8_t type;
	const uint8_t *requested, *server; /* addresses; NULL */
	struct part parameters, id;
	uint32_t max; /* bytes of a datagram that it takes */
};

/* ---- Read ---- */

static void take_option(struct client *c, uint8_t code, const uint8_t *v, uint8_t n,
			uint8_t *overload)
{
	switch (code) {
	case DHCP_TYPE:
		if (n == 1)
			c->type = *v;
		break;
	case DHCP_OVERLOAD:
		if (n == 1)
			*overload = *v;
		break;
	case DHCP_REQUESTED:
		if (n == 4)
			c->requested = v;
		break;
	case DHCP_SERVER:
		if (n == 4)
			c->server = v;
		break;
	case DHCP_PARAMETERS:
		if (!c->parameters.n)
			c->parameters = (struct part){ v, n };
		break;
	case DHCP_CLIENT_ID:
		c->id = (struct part){ v, n };
		break;
	case DHCP_MAX_SIZE:
		if (n == 2 && get_be16(v) >= DATAGRAM_LEAST)
			c->max = get_be16(v);
		break;
	}
}

/* Options in 'n' bytes; false: one passes their end. */
static bool take_options(struct client *c, const uint8_t *p, uint32_t n, uint8_t *overload)
{
	while (n && *p != DHCP_END) {
		if (!*p) {
			p++;
			n--;
			continue;
		}
		if (n < 2 || n < 2u + p[1])
			return false;
		take_option(c, p[0], p + 2, p[1], overload);
		n -= 2u + p[1];
		p += 2u + p[1];
	}
	return true;
}

static bool read_client(struct client *c, const struct part *d)
{
	uint8_t overload = 0, none = 0;

	*c = (struct client){ .p = d->p, .max = DATAGRAM_LEAST };
	if (d->n < OPTIONS || d->p[0] != REQUEST || d->p[1] != ETHERNET || d->p[2] != 6 ||
	    get_be32(d->p + HEAD) != COOKIE ||
	    !take_options(c, d->p + OPTIONS, d->n - OPTIONS, &overload))
		return false;
	if (overload & 1 && !take_options(c, d->p + FILE_NAME, FILE_SIZE, &none))
		return false;
	return !(overload & 2) || take_options(c, d->p + SNAME, SNAME_SIZE, &none);
}

/* ---- Judged ---- */

/* What a request for an address is told (4.3.2); 0: nothing, it has chosen another server. */
static enum type judge_request(const struct of_answer_dhcp *a, const struct client *c)
{
	const uint8_t *wanted = c->requested ? c->requested : c->p + CIADDR;

	if (c->server && memcmp(c->server, a->server, 4))
		return 0;
	return memcmp(wanted, a->address, 4) ? NAK : ACK;
}

/* The answer's type, or 0 with the reason why there is none. */
static enum type judge(const struct of_answer_dhcp *a, const struct client *c, enum drop *why)
{
	enum type t = 0;

	*why = DROP_ANSWER_SILENT;
	switch (c->type) {
	case DISCOVER:
		return OFFER;
	case REQUEST_ADDRESS:
		if (!c->requested && answer_is_zero(c->p + CIADDR, 4)) {
			*why = DROP_ANSWER_MALFORMED;
			return 0;
		}
		t = judge_request(a, c);
		*why = DROP_ANSWER_OTHER;
		return t;
	case INFORM:
		if (answer_host4(c->p + CIADDR))
			return ACK;
		*why = DROP_ANSWER_MALFORMED;
		return 0;
	case DECLINE:
	case RELEASE:
		return 0;
	default:
		*why = DROP_ANSWER_MALFORMED;
		return 0;
	}
}

/* ---- Written ---- */

/* Options while they are written: 'd' is BOOTP's header. */
struct writing {
	uint8_t *d;
	uint32_t n, max;  /* bytes from 'd' on */
	uint64_t done[4]; /* codes that are there */
};

/* False: there is no room. */
static bool put(struct writing *w, uint8_t code, const void *p, uint32_t n)
{
	if (w->n + 2 + n + 1 > w->max) /* the end's byte is kept */
		return false;
	w->d[w->n] = code;
	w->d[w->n + 1] = (uint8_t)n;
	memcpy(w->d + w->n + 2, p, n);
	w->n += 2 + n;
	return true;
}

static bool put_u32(struct writing *w, uint8_t code, uint32_t v)
{
	uint8_t be[4];

	put_be32(be, v);
	return put(w, code, be, 4);
}

/* Of an INFORM nothing is said of time (4.3.5). */
static bool is_of_lease(uint8_t code)
{
	return code == DHCP_T1 || code == DHCP_T2;
}

/* All of one code, which may be several (RFC 3396), or none where they do not fit together. */
static void put_code(struct writing *w, const struct of_span *opts, uint8_t code, uint8_t as)
{
	const uint32_t was = w->n;
	struct of_opt o;

	if (w->done[as / 64] >> as % 64 & 1)
		return;
	w->done[as / 64] |= UINT64_C(1) << as % 64;
	OF_OPT_EACH(OF_OPT_DHCP, *opts, o)
	{
		if (o.code == code && !put(w, as, o.v, o.n)) {
			w->n = was;
			return;
		}
	}
}

static const uint8_t *find(const struct of_span *opts, uint8_t code, uint16_t *n)
{
	struct of_opt o;

	OF_OPT_EACH(OF_OPT_DHCP, *opts, o)
	{
		if (o.code != code)
			continue;
		*n = o.n;
		return o.v;
	}
	return NULL;
}

/* Classless routes under their old number, for who asks for that one. */
static void put_requested(struct writing *w, const struct of_span *opts, uint8_t code)
{
	uint16_t n;

	if (code == DHCP_ROUTES_MS && !find(opts, code, &n))
		put_code(w, opts, DHCP_ROUTES, code);
	else
		put_code(w, opts, code, code);
}

/* RFC 3442: before the router, as some clients take the first default route that they see. */
static void put_configured(struct writing *w, const struct of_answer_dhcp *a,
			   const struct client *c)
{
	struct of_opt o;

	for (uint32_t i = 0; i < c->parameters.n; i++)
		if (c->parameters.p[i] == DHCP_ROUTES)
			put_requested(w, &a->options, DHCP_ROUTES);
	for (uint32_t i = 0; i < c->parameters.n; i++)
		put_requested(w, &a->options, c->parameters.p[i]);
	OF_OPT_EACH(OF_OPT_DHCP, a->options, o)
	put_code(w, &a->options, (uint8_t)o.code, (uint8_t)o.code);
}

/* A text option in the header's field, where ROMs look for it (RFC 2132, 9.4 and 9.5). */
static void put_field(uint8_t *at, uint32_t room, const struct of_span *opts, uint8_t code)
{
	uint16_t n = 0;
	const uint8_t *v = find(opts, code, &n);

	if (v && n < room)
		memcpy(at, v, n);
}

static void put_options(struct writing *w, const struct of_answer_dhcp *a, const struct client *c,
			enum type t)
{
	const uint8_t type = (uint8_t)t;
	const bool inform = c->type == INFORM;

	(void)put(w, DHCP_TYPE, &type, 1);
	(void)put(w, DHCP_SERVER, a->server, 4);
	/* RFC 6842: who has an identifier gets it back. */
	if (c->id.n)
		(void)put(w, DHCP_CLIENT_ID, c->id.p, c->id.n);
	if (t == NAK)
		return;
	if (!inform)
		(void)put_u32(w, DHCP_LEASE, a->lease);
	(void)put_u32(w, DHCP_MASK, a->prefix_len ? UINT32_MAX << (32 - a->prefix_len) : 0);
	/* Those are there, or are not to be. */
	for (uint32_t code = 0; code <= UINT8_MAX; code++)
		if (of_opt_is_ours(OF_OPT_DHCP, (uint16_t)code) ||
		    (inform && is_of_lease((uint8_t)code)))
			w->done[code / 64] |= UINT64_C(1) << code % 64;
	put_configured(w, a, c);
}

static void put_head(uint8_t *d, const struct of_answer_dhcp *a, const struct client *c,
		     enum type t)
{
	memset(d, 0, OPTIONS);
	memcpy(d, c->p, 8); /* with xid */
	d[0] = REPLY;
	d[3] = 0;
	memcpy(d + FLAGS, c->p + FLAGS, 2);
	memcpy(d + CHADDR, c->p + CHADDR, 16);
	put_be32(d + HEAD, COOKIE);
	if (t == NAK)
		return;
	if (t == ACK)
		memcpy(d + CIADDR, c->p + CIADDR, 4);
	if (c->type != INFORM)
		memcpy(d + YIADDR, a->address, 4);
	memcpy(d + SIADDR, a->next_server, 4);
	put_field(d + SNAME, SNAME_SIZE, &a->options, DHCP_SERVER_NAME);
	put_field(d + FILE_NAME, FILE_SIZE, &a->options, DHCP_BOOTFILE);
}

/* 4.1: to whom. */
static void address(const struct of_answer_dhcp *a, const struct client *c, enum type t,
		    struct reply *r, uint8_t to[4])
{
	const bool has_one = !answer_is_zero(c->p + CIADDR, 4);
	const bool all = t == NAK || (!has_one && get_be16(c->p + FLAGS) & BROADCAST);

	memset(to, 0xff, 4);
	memset(r->dst, 0xff, 6);
	memcpy(r->src, a->server_mac, 6);
	if (all)
		return;
	memcpy(to, has_one ? c->p + CIADDR : a->address, 4);
	memcpy(r->dst, c->p + CHADDR, 6);
}

/* To everybody, or to this server. */
static bool is_for_us(const struct of_answer_dhcp *a, const uint8_t *dst)
{
	return get_be32(dst) == UINT32_MAX || !memcmp(dst, a->server, 4);
}

enum drop answer_dhcp(const struct of_answer_dhcp *a, const struct ask *q, struct reply *r)
{
	uint8_t *d = r->p + IP4_HEAD + UDP_HEAD, to[4];
	struct writing w = { .d = d, .n = OPTIONS };
	struct part data;
	struct client c;
	enum drop why;
	enum type t;

	if (!answer_udp(q, false, BOOTPS, &data) || !read_client(&c, &data))
		return DROP_ANSWER_MALFORMED;
	/* A relay's is not a client of this switch, nor is one who speaks for another. */
	if (!answer_is_zero(c.p + GIADDR, 4) || memcmp(c.p + CHADDR, q->src, 6) ||
	    !is_for_us(a, q->p + 16))
		return DROP_ANSWER_OTHER;
	t = judge(a, &c, &why);
	if (!t)
		return why;
	w.max = (c.max < ANSWER_MAX ? c.max : (uint32_t)ANSWER_MAX) - IP4_HEAD - UDP_HEAD;
	put_head(d, a, &c, t);
	put_options(&w, a, &c, t);
	d[w.n++] = DHCP_END;
	if (w.n < SIZE_LEAST) {
		memset(d + w.n, 0, SIZE_LEAST - w.n);
		w.n = SIZE_LEAST;
	}
	r->n = IP4_HEAD + UDP_HEAD + w.n;
	address(a, &c, t, r, to);
	answer_udp_head(r, IP4_HEAD, BOOTPS, BOOTPC);
	answer_seal4(r, 0, PROTO_UDP, a->server, to);
	return N_DROPS;
}

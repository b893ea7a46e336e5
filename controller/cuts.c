/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/cuts.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/log.h"
#include "controller/mem.h"
#include "controller/south_priv.h"

enum { PATIENCE = 60 };	  /* seconds that a switch has to take its new flows */
enum { PORTS_EACH = 64 }; /* of a range that are cut one by one */

/* By which connections one way in is known in a switch. */
struct way {
	uint64_t dpid;
	struct ip_addr outer, inner;
	uint32_t port; /* index of the inner port */
	uint16_t zone, inner_port;
	uint16_t last, inner_last; /* of many ports */
};

/* A way in, as it was noted last. */
struct carried {
	struct {
		uint32_t floatingip; /* index */
		uint16_t port;	     /* outside, or the first of many; 0: all of them */
		uint8_t proto;	     /* 0: all of them */
		uint8_t zero;
	} key;
	struct way way;
	bool there; /* in the present round */
	UT_hash_handle hh;
};

struct cut {
	struct way way;
	uint16_t port;
	uint8_t proto;
	double since;
	struct cut *prev, *next;
};

struct cuts {
	struct south *south;
	struct carried *carried;
	struct cut *due; /* DL list */
};

static double now(const struct cuts *c)
{
	return c->south->world->now(c->south->world->now_arg);
}

static void cut(struct cuts *c, const struct carried *k)
{
	struct cut *x = mem_get(sizeof(*x));

	x->way = k->way;
	x->port = k->key.port;
	x->proto = k->key.proto;
	x->since = now(c);
	DL_APPEND(c->due, x);
}

/* ---- noting ---- */

static bool same_way(const struct way *a, const struct way *b)
{
	return a->dpid == b->dpid && a->zone == b->zone && a->port == b->port &&
	       a->inner_port == b->inner_port && a->last == b->last &&
	       a->inner_last == b->inner_last && !ip_cmp(&a->outer, &b->outer) &&
	       !ip_cmp(&a->inner, &b->inner);
}

static void note(struct cuts *c, const struct floatingip *f, uint8_t proto, uint16_t port,
		 const struct way *way)
{
	__typeof__(((struct carried *)0)->key) key;
	struct carried *k;

	memset(&key, 0, sizeof(key));
	key.floatingip = f->a.index;
	key.proto = proto;
	key.port = port;
	HASH_FIND(hh, c->carried, &key, sizeof(key), k);
	if (!k) {
		k = mem_get(sizeof(*k));
		k->key = key;
		k->way = *way;
		HASH_ADD(hh, c->carried, key, sizeof(k->key), k);
	} else if (!same_way(&k->way, way)) {
		cut(c, k);
		k->way = *way;
	}
	k->there = true;
}

static uint8_t proto_of(const struct port_forwarding *p)
{
	static const uint8_t protos[] = {
		[FORWARD_TCP] = 6, [FORWARD_UDP] = 17, [FORWARD_ICMP] = 1, [FORWARD_SCTP] = 132
	};

	return protos[p->a.protocol];
}

/* Each port of a range is a way of its own; where there are many, all are one. */
static void note_forwarding(struct cuts *c, const struct floatingip *f,
			    const struct port_forwarding *p, struct way *way)
{
	bool one = p->internal.min == p->internal.max;
	bool many = port_span_size(&p->external) > PORTS_EACH;

	way->inner = p->a.internal_ip;
	way->port = p->port ? p->port->a.index : 0;
	way->last = many ? p->external.max : 0;
	way->inner_last = many ? p->internal.max : 0;
	for (uint32_t port = p->external.min; port <= p->external.max; port++) {
		way->inner_port = (uint16_t)(p->internal.min + (one ? 0 : port - p->external.min));
		note(c, f, proto_of(p), (uint16_t)port, way);
		if (many)
			break;
	}
}

void cuts_note(struct cuts *c, const struct floatingip *f, const struct sw *sw)
{
	struct way way = { .outer = f->a.address };

	if (!sw || !f->router)
		return;
	way.dpid = sw->dpid;
	way.zone = (uint16_t)(ROUTER_ZONES + f->router->a.index);
	if (f->port) {
		way.inner = f->a.fixed_ip;
		way.port = f->port->a.index;
		note(c, f, 0, 0, &way);
	}
	for (const struct port_forwarding *p = f->forwardings; p; p = p->next)
		note_forwarding(c, f, p, &way);
}

void cuts_noted(struct cuts *c)
{
	struct carried *k, *next;

	HASH_ITER (hh, c->carried, k, next) {
		if (k->there) {
			k->there = false;
			continue;
		}
		cut(c, k);
		HASH_DEL(c->carried, k);
		free(k);
	}
}

/* ---- sending: NXT_CT_FLUSH (Open vSwitch 3.1, nicira-ext.h) ---- */

enum { PROP_ORIG, PROP_REPLY, PROP_ZONE };
enum { TUPLE_DST = 1, TUPLE_DST_PORT = 3 };

/* A property of 'n' bytes; all are padded to 8. */
static uint8_t *prop(uint8_t *p, uint16_t type, const void *v, uint16_t n)
{
	put_be16(p, type);
	put_be16(p + 2, (uint16_t)(4 + n));
	memcpy(p + 4, v, n);
	return p + ((4u + n + 7) & ~7u);
}

/* Connections of the zone whose tuple, of one direction or the other, leads to the outer address.
 */
static void flush(struct peer *p, const struct cut *x, uint16_t direction)
{
	uint8_t buf[64] = { 0 }, ip[16] = { [10] = 0xff, [11] = 0xff };
	uint8_t zone[2], port[2], *at = buf, *tuple;
	struct of_nx_ct_flush f = { .kind = OF_KIND_nx_ct_flush, .ip_proto = x->proto };
	struct of_experimenter_msg m = { .kind = OF_KIND_experimenter_msg,
					 .experimenter = OF_NX_ID,
					 .exp_type = 32,
					 .body = (struct of_any *)&f };

	memcpy(ip + 12, x->way.outer.b, 4);
	put_be16(zone, x->way.zone);
	put_be16(port, x->port);
	at = prop(at, PROP_ZONE, zone, 2);
	tuple = at;
	at = prop(tuple + 8, TUPLE_DST, ip, 16);
	/* A message names one port: of many, all of the protocol are meant. */
	if (x->port && !x->way.last)
		at = prop(at, TUPLE_DST_PORT, port, 2);
	put_be16(tuple, direction);
	put_be16(tuple + 2, (uint16_t)(at - tuple));
	f.properties.p = buf;
	f.properties.n = (uint32_t)(at - buf);
	of_session_send(p->session, peer_xid(p), (struct of_any *)&m);
}

static struct peer *peer_of(const struct cuts *c, uint64_t dpid)
{
	const struct sw *sw = world_switch_find(c->south->world, dpid);

	return sw ? south_peer(c->south, sw) : NULL;
}

void cuts_send(struct cuts *c)
{
	struct cut *x, *next;

	DL_FOREACH_SAFE (c->due, x, next) {
		struct peer *p = peer_of(c, x->way.dpid);
		bool quiet = p && !p->txn.n && !p->ledger.n_dirty;

		if (quiet) {
			flush(p, x, PROP_ORIG);
			/* What went out as the floating IP; forwarded ports are for what comes in.
			 */
			if (!x->proto)
				flush(p, x, PROP_REPLY);
		} else if (now(c) - x->since < PATIENCE) {
			continue;
		}
		DL_DELETE(c->due, x);
		free(x);
	}
}

struct cuts *cuts_new(struct south *s)
{
	struct cuts *c = mem_get(sizeof(*c));

	c->south = s;
	return c;
}

void cuts_free(struct cuts *c)
{
	struct carried *k, *k_next;
	struct cut *x, *next;

	HASH_ITER (hh, c->carried, k, k_next) {
		HASH_DEL(c->carried, k);
		free(k);
	}
	DL_FOREACH_SAFE (c->due, x, next)
		free(x);
	free(c);
}

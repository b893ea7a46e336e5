/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/derive.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "apps/apps.h"
#include "base/log.h"

void derive_init(struct derive *d, const struct world *w, struct sw *sw, struct ledger *l)
{
	memset(d, 0, sizeof(*d));
	d->world = w;
	d->sw = sw;
	d->ledger = l;
	flowset_init(&d->fs);
}

#define FREE_HASH(type, head)                     \
	do {                                      \
		struct type *x_, *next_;          \
		HASH_ITER (hh, head, x_, next_) { \
			HASH_DEL(head, x_);       \
			free(x_);                 \
		}                                 \
	} while (0)

void derive_fini(struct derive *d)
{
	FREE_HASH(here, d->here);
	FREE_HASH(near, d->near);
	FREE_HASH(mark, d->marks);
	flowset_fini(&d->fs);
}

static void mark(struct derive *d, enum cookie_kind kind, uint32_t index)
{
	struct unit_key key;
	struct mark *m;

	memset(&key, 0, sizeof(key));
	key.kind = (uint8_t)kind;
	key.index = index;
	HASH_FIND(hh, d->marks, &key, sizeof(key), m);
	if (m)
		return;
	m = calloc(1, sizeof(*m));
	if (!m) {
		log_err("derive", "out of memory: a change of object %u waits for the next audit",
			index);
		return;
	}
	memcpy(&m->key, &key, sizeof(key));
	HASH_ADD(hh, d->marks, key, sizeof(m->key), m);
}

static bool is_near(const struct derive *d, uint32_t net)
{
	struct near *n;

	HASH_FIND(hh, d->near, &net, sizeof(net), n);
	return n;
}

static void mark_net(struct derive *d, const struct net *n, bool ports)
{
	mark(d, COOKIE_NET, n->a.index);
	for (const struct port *p = ports ? n->ports : NULL; p; p = p->net_next)
		mark(d, COOKIE_PORT, p->a.index);
}

/* Counts a network in or out; at the first and the last port all of its flows come and go. */
static void near_count(struct derive *d, uint32_t index, int by)
{
	const struct net *net = world_net_by_index(d->world, index);
	struct near *n;

	HASH_FIND(hh, d->near, &index, sizeof(index), n);
	if (!n) {
		n = calloc(1, sizeof(*n));
		if (!n)
			return;
		n->net = index;
		HASH_ADD(hh, d->near, net, sizeof(n->net), n);
		if (net)
			mark_net(d, net, true);
	}
	n->n += (size_t)by;
	if (n->n)
		return;
	HASH_DEL(d->near, n);
	free(n);
	mark(d, COOKIE_NET, index);
	if (net)
		mark_net(d, net, true);
}

static void place_port(struct derive *d, const struct port *p, bool local)
{
	struct here *h;

	HASH_FIND(hh, d->here, &p, sizeof(p), h);
	if (local && !h) {
		h = calloc(1, sizeof(*h));
		if (!h)
			return;
		h->port = p;
		h->net = p->net->a.index;
		HASH_ADD(hh, d->here, port, sizeof(h->port), h);
		near_count(d, h->net, 1);
	} else if (!local && h) {
		uint32_t net = h->net;

		HASH_DEL(d->here, h);
		free(h);
		near_count(d, net, -1);
	}
}

static void port_changed(struct derive *d, const struct port *p, uint32_t what)
{
	bool was_near = is_near(d, p->net->a.index);

	place_port(d, p, !(what & WORLD_DELETED) && p->place.sw == d->sw);
	if (!was_near && !is_near(d, p->net->a.index))
		return;
	mark(d, COOKIE_PORT, p->a.index);
	/* Its place and its security say who is in the network's groups. */
	mark(d, COOKIE_NET, p->net->a.index);
}

static void near_nets(struct derive *d, bool ports)
{
	for (struct near *n = d->near; n; n = n->hh.next) {
		const struct net *net = world_net_by_index(d->world, n->net);

		if (net)
			mark_net(d, net, ports);
	}
}

static void switch_changed(struct derive *d, const struct sw *sw, uint32_t what)
{
	if (what & (WORLD_VTEP | WORLD_DELETED | WORLD_ADDED))
		near_nets(d, true); /* another way to that host, or to all */
	if (sw != d->sw)
		return;
	if (what & (WORLD_SW_PORTS | WORLD_LINK))
		near_nets(d, false); /* uplinks */
	mark(d, COOKIE_SWITCH, 0);
}

void derive_changed(struct derive *d, const struct world_obj *o, uint32_t what)
{
	switch (o->kind) {
	case WORLD_PORT:
		port_changed(d, (const struct port *)o, what);
		break;
	case WORLD_NET:
		if (is_near(d, ((const struct net *)o)->a.index))
			mark_net(d, (const struct net *)o, !(what & WORLD_DELETED));
		break;
	case WORLD_SWITCH:
		switch_changed(d, (const struct sw *)o, what);
		break;
	default:
		break; /* a subnet says nothing that its ports do not */
	}
}

void derive_all(struct derive *d)
{
	mark(d, COOKIE_SWITCH, 0);
	for (WORLD_ALL(port, PORT, p, d->world))
		place_port(d, p, p->place.sw == d->sw);
	near_nets(d, true);
}

static void call(const struct derive *d, const struct app *a, const struct unit_key *k,
		 struct flowset *fs)
{
	const struct port *p;
	const struct net *n;

	switch (k->kind) {
	case COOKIE_SWITCH:
		if (a->derive_switch)
			a->derive_switch(d->world, d->sw, fs);
		break;
	case COOKIE_NET:
		n = world_net_by_index(d->world, k->index);
		if (n && a->derive_net && is_near(d, k->index))
			a->derive_net(d->world, d->sw, n, fs);
		break;
	case COOKIE_PORT:
		p = world_port_by_index(d->world, k->index);
		if (p && a->derive_port && is_near(d, p->net->a.index))
			a->derive_port(d->world, d->sw, p, fs);
		break;
	default:
		break;
	}
}

static int derive_unit(struct derive *d, const struct unit_key *marked)
{
	int rc = 0;

	for (const struct app *const *a = apps; *a && !rc; a++) {
		struct unit_key k = *marked;

		k.app = (uint8_t)(*a)->id;
		flowset_reset(&d->fs, (*a)->id, (enum cookie_kind)k.kind, k.index);
		call(d, *a, &k, &d->fs);
		rc = ledger_want(d->ledger, &k, &d->fs);
	}
	return rc;
}

int derive_run(struct derive *d)
{
	struct mark *m, *next;
	int n = 0;

	HASH_ITER (hh, d->marks, m, next) {
		int rc = derive_unit(d, &m->key);

		if (rc)
			return rc;
		HASH_DEL(d->marks, m);
		free(m);
		n++;
	}
	return n;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which switches have a network's ports, and which ports: what floods hang on.
 *
 * A network is marked (WORLD_MEMBERS) only when the set of switches changes, or that of switches
 * with open ports: others need not hear of one port more on a switch that has some.
 */
#include <stdlib.h>
#include <string.h>

#include "controller/mem.h"
#include "controller/world_priv.h"

static bool is_open(const struct port *p)
{
	if (!p->a.port_security_enabled)
		return true;
	for (size_t i = 0; i < p->a.n_allowed_address_pairs; i++)
		if (memcmp(p->a.allowed_address_pairs[i].mac_address, p->a.mac_address, 6))
			return true;
	return false;
}

/* Where the switch is, or would be. */
static size_t member_at(const struct net *n, uint64_t dpid)
{
	size_t from = 0, to = n->n_members;

	while (from < to) {
		size_t mid = (from + to) / 2;

		if (n->members[mid].sw->dpid < dpid)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

struct member *net_member(const struct net *n, const struct sw *sw)
{
	size_t i = member_at(n, sw->dpid);

	return i < n->n_members && n->members[i].sw == sw ? &n->members[i] : NULL;
}

/* Room for one more, when there are 'n': powers of two. */
static void *grown(void *v, size_t n, size_t size)
{
	if (n & (n - 1))
		return v;
	v = realloc(v, (n ? 2 * n : 1) * size);
	if (!v)
		abort(); /* as mem.h has it */
	return v;
}

static struct member *member_get(struct world *w, struct net *n, struct sw *sw)
{
	size_t i = member_at(n, sw->dpid);

	if (i < n->n_members && n->members[i].sw == sw)
		return &n->members[i];
	n->members = grown(n->members, n->n_members, sizeof(*n->members));
	memmove(n->members + i + 1, n->members + i, (n->n_members - i) * sizeof(*n->members));
	n->members[i] = (struct member){ .sw = sw };
	n->n_members++;
	world_mark_dirty(w, &n->obj, WORLD_MEMBERS);
	return &n->members[i];
}

static void member_drop(struct world *w, struct net *n, struct member *m)
{
	size_t i = (size_t)(m - n->members);

	free(m->ports);
	n->n_members--;
	memmove(m, m + 1, (n->n_members - i) * sizeof(*m));
	if (!n->n_members) {
		free(n->members);
		n->members = NULL;
	}
	world_mark_dirty(w, &n->obj, WORLD_MEMBERS);
}

static size_t port_at(const struct member *m, uint32_t index)
{
	size_t from = 0, to = m->n;

	while (from < to) {
		size_t mid = (from + to) / 2;

		if (m->ports[mid]->a.index < index)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

static void count_open(struct world *w, struct net *n, struct member *m, int by)
{
	bool had = m->n_open;

	m->n_open += (size_t)by;
	if (had == !!m->n_open)
		return;
	n->n_open_members += (size_t)by;
	world_mark_dirty(w, &n->obj, WORLD_MEMBERS);
}

void member_add(struct world *w, struct port *p)
{
	struct member *m = member_get(w, p->net, p->place.sw);
	size_t i = port_at(m, p->a.index);

	m->ports = grown(m->ports, m->n, sizeof(struct port *));
	memmove(m->ports + i + 1, m->ports + i, (m->n - i) * sizeof(struct port *));
	m->ports[i] = p;
	m->n++;
	p->open = is_open(p);
	if (p->open)
		count_open(w, p->net, m, 1);
}

void member_del(struct world *w, struct port *p)
{
	struct member *m = net_member(p->net, p->place.sw);
	size_t i = port_at(m, p->a.index);

	m->n--;
	memmove(m->ports + i, m->ports + i + 1, (m->n - i) * sizeof(struct port *));
	if (p->open)
		count_open(w, p->net, m, -1);
	if (!m->n)
		member_drop(w, p->net, m);
}

void member_open(struct world *w, struct port *p)
{
	if (!p->place.sw || p->open == is_open(p))
		return;
	p->open = !p->open;
	count_open(w, p->net, net_member(p->net, p->place.sw), p->open ? 1 : -1);
}

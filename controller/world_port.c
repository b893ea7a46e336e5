/* SPDX-License-Identifier: Apache-2.0 */
/* Ports: their addresses, their names, the host they are meant for. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "controller/mem.h"
#include "controller/world_priv.h"

static void addresses_link(struct world *w, struct port *p)
{
	for (size_t i = 0; i < p->a.n_fixed_ips; i++) {
		struct subnet *s = world_subnet_find(w, p->a.fixed_ips[i].subnet_id);
		struct address *use;

		if (!s)
			continue;
		use = mem_get(sizeof(*use));
		use->ip = p->a.fixed_ips[i].ip_address;
		use->port = p;
		HASH_ADD(hh, s->addresses, ip, sizeof(use->ip), use);
	}
}

static void addresses_unlink(struct world *w, struct port *p)
{
	for (size_t i = 0; i < p->a.n_fixed_ips; i++) {
		struct subnet *s = world_subnet_find(w, p->a.fixed_ips[i].subnet_id);
		struct address *use = NULL;

		if (s)
			HASH_FIND(hh, s->addresses, &p->a.fixed_ips[i].ip_address, sizeof(use->ip),
				  use);
		if (!use || use->port != p)
			continue;
		HASH_DEL(s->addresses, use);
		free(use);
	}
}

static bool is_older(const struct port *a, const struct port *b)
{
	if (a->a.created_at != b->a.created_at)
		return a->a.created_at < b->a.created_at;
	return strcmp(a->a.id, b->a.id) < 0;
}

static struct port *named_first(const struct world *w, const char *name)
{
	struct port *p;

	HASH_FIND(hh_name, w->ports_by_name, name, strlen(name), p);
	return p;
}

/* Ports with one name are a chain in order of age; its head is in the hash. */
static void name_link(struct world *w, struct port *p)
{
	struct port *head, **at;

	p->name_next = NULL;
	p->named = p->a.name && p->a.name[0];
	if (!p->named)
		return;
	head = named_first(w, p->a.name);
	if (head)
		HASH_DELETE(hh_name, w->ports_by_name, head);
	for (at = &head; *at && is_older(*at, p); at = &(*at)->name_next)
		;
	p->name_next = *at;
	*at = p;
	HASH_ADD_KEYPTR(hh_name, w->ports_by_name, head->a.name, strlen(head->a.name), head);
}

static void name_unlink(struct world *w, struct port *p)
{
	struct port *head, **at;

	if (!p->named)
		return;
	head = named_first(w, p->a.name);
	HASH_DELETE(hh_name, w->ports_by_name, head);
	for (at = &head; *at != p; at = &(*at)->name_next)
		;
	*at = p->name_next;
	if (head)
		HASH_ADD_KEYPTR(hh_name, w->ports_by_name, head->a.name, strlen(head->a.name),
				head);
	p->named = false;
}

/* binding:profile's "weft_spec", which the northbound has seen to be a string. */
static char *spec_of(const char *text, enum vnic_type vnic)
{
	json_t *profile = text && vnic_is_ours(vnic) ? json_loads(text, 0, NULL) : NULL;
	const char *spec = json_string_value(json_object_get(profile, "weft_spec"));
	char *copy = spec && spec[0] ? mem_str(spec) : NULL;

	json_decref(profile);
	return copy;
}

static void nexts_link(struct world *w, struct port *p)
{
	p->nexts = p->a.n_bindings ? mem_array(p->a.n_bindings, sizeof(*p->nexts)) : NULL;
	for (size_t i = 0; i < p->a.n_bindings; i++) {
		const struct port_binding *b = &p->a.bindings[i];
		struct next_host *n = &p->nexts[i];

		n->port = p;
		n->host = host_get(w, b->host);
		n->spec = spec_of(b->profile, b->vnic_type);
		DL_APPEND(n->host->nexts, n);
	}
}

static void nexts_unlink(struct world *w, struct port *p)
{
	for (size_t i = 0; i < p->a.n_bindings; i++) {
		struct next_host *n = &p->nexts[i];

		host_mark(w, n->host, WORLD_WANTS);
		DL_DELETE(n->host->nexts, n);
		host_drop(w, n->host);
		free(n->spec);
	}
	free(p->nexts);
	p->nexts = NULL;
}

/* What follows from attributes that can change. */
static void port_derive(struct world *w, struct world_obj *o)
{
	struct port *p = (struct port *)o;

	p->mac_key.net = p->net->a.index;
	memcpy(p->mac_key.mac, p->a.mac_address, 6);
	HASH_ADD(hh_mac, w->ports_by_mac, mac_key, sizeof(p->mac_key), p);
	addresses_link(w, p);
	port_pairs_derive(w, p);
	port_sgs_derive(w, p);
	name_link(w, p);
	router_port_link(w, p);
	nexts_link(w, p);
	p->spec = spec_of(p->a.profile, p->a.vnic_type);
	if (p->a.host_id && p->a.host_id[0]) {
		p->host = host_get(w, p->a.host_id);
		DL_APPEND2(p->host->ports, p, host_prev, host_next);
	}
}

static void port_underive(struct world *w, struct world_obj *o)
{
	struct port *p = (struct port *)o;

	HASH_DELETE(hh_mac, w->ports_by_mac, p);
	addresses_unlink(w, p);
	port_pairs_underive(w, p);
	port_sgs_underive(w, p);
	name_unlink(w, p);
	router_port_unlink(w, p);
	nexts_unlink(w, p);
	free(p->spec);
	p->spec = NULL;
	if (p->host) {
		host_mark(w, p->host, WORLD_WANTS);
		DL_DELETE2(p->host->ports, p, host_prev, host_next);
		host_drop(w, p->host);
		p->host = NULL;
	}
}

static void port_link(struct world *w, struct world_obj *o)
{
	struct port *p = (struct port *)o;

	p->net = world_net_find(w, p->a.network_id);
	snprintf(p->tap, sizeof(p->tap), "tap%.11s", p->a.id);
	HASH_ADD_KEYPTR(hh_tap, w->ports_by_tap, p->tap, strlen(p->tap), p);
	DL_APPEND2(p->net->ports, p, net_prev, net_next);
	p->net->n_ports++;
}

static void port_unlink(struct world *w, struct world_obj *o)
{
	struct port *p = (struct port *)o;

	HASH_DELETE(hh_tap, w->ports_by_tap, p);
	DL_DELETE2(p->net->ports, p, net_prev, net_next);
	p->net->n_ports--;
}

static void port_settle(struct world *w, struct world_obj *o, uint32_t what)
{
	struct port *p = (struct port *)o;

	if (what & WORLD_DELETED) {
		place_leave(w, p);
	} else {
		place_port(w, p);
		member_open(w, p);
	}
	if (p->host)
		host_mark(w, p->host, WORLD_WANTS);
	/* One that was deleted has left its hosts. */
	for (size_t i = 0; p->nexts && i < p->a.n_bindings; i++)
		host_mark(w, p->nexts[i].host, WORLD_WANTS);
}

static void port_drop(struct world *w, struct world_obj *o)
{
	struct port *p = (struct port *)o;

	place_leave(w, p);
	free(p->fault);
}

const struct world_ops world_port_ops = {
	.size = sizeof(struct port),
	.link = port_link,
	.unlink = port_unlink,
	.derive = port_derive,
	.underive = port_underive,
	.settle = port_settle,
	.drop = port_drop,
};

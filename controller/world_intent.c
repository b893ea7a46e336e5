/* SPDX-License-Identifier: Apache-2.0 */
/* Intent: links nets, subnets and ports into the world's indexes, and takes them out again. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "controller/mem.h"
#include "controller/resource.h"
#include "controller/world_priv.h"
#include "vlan/vid.h"
#include "vxlan/vni.h"

/* ---- networks ---- */

static void segment_take(struct world *w, const struct net *n)
{
	if (n->a.type == NET_VXLAN)
		vni_take(w->vnis, n->a.segment);
	else if (n->a.type == NET_VLAN)
		vid_take(w->vids, n->a.physnet, n->a.segment);
	else
		vid_take_untagged(w->vids, n->a.physnet);
}

static void segment_give(struct world *w, const struct net *n)
{
	if (n->a.type == NET_VXLAN)
		vni_give(w->vnis, n->a.segment);
	else if (n->a.type == NET_VLAN)
		vid_give(w->vids, n->a.physnet, n->a.segment);
	else
		vid_give_untagged(w->vids, n->a.physnet);
}

static void net_link(struct world *w, struct net *n)
{
	HASH_ADD_STR(w->nets, a.id, n);
	HASH_ADD(hh_index, w->nets_by_index, a.index, sizeof(n->a.index), n);
	segment_take(w, n);
	if (n->a.index > w->next_net)
		w->next_net = n->a.index;
}

static void net_unlink(struct world *w, struct net *n)
{
	HASH_DEL(w->nets, n);
	HASH_DELETE(hh_index, w->nets_by_index, n);
	segment_give(w, n);
}

/* ---- subnets ---- */

static void subnet_link(struct world *w, struct subnet *s)
{
	s->net = world_net_find(w, s->a.network_id);
	HASH_ADD_STR(w->subnets, a.id, s);
	DL_APPEND2(s->net->subnets, s, net_prev, net_next);
	s->net->n_subnets++;
}

static void subnet_unlink(struct world *w, struct subnet *s)
{
	HASH_DEL(w->subnets, s);
	DL_DELETE2(s->net->subnets, s, net_prev, net_next);
	s->net->n_subnets--;
}

/* ---- ports ---- */

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
static char *spec_of(const struct port_attrs *a)
{
	json_t *profile = a->profile ? json_loads(a->profile, 0, NULL) : NULL;
	const char *spec = json_string_value(json_object_get(profile, "weft_spec"));
	char *copy = spec && spec[0] ? mem_str(spec) : NULL;

	json_decref(profile);
	return copy;
}

/* What follows from attributes that can change. */
static void port_derive(struct world *w, struct port *p)
{
	p->mac_key.net = p->net->a.index;
	memcpy(p->mac_key.mac, p->a.mac_address, 6);
	HASH_ADD(hh_mac, w->ports_by_mac, mac_key, sizeof(p->mac_key), p);
	addresses_link(w, p);
	name_link(w, p);
	p->spec = spec_of(&p->a);
	if (p->a.host_id && p->a.host_id[0]) {
		p->host = host_get(w, p->a.host_id);
		DL_APPEND2(p->host->ports, p, host_prev, host_next);
	}
}

static void port_underive(struct world *w, struct port *p)
{
	HASH_DELETE(hh_mac, w->ports_by_mac, p);
	addresses_unlink(w, p);
	name_unlink(w, p);
	free(p->spec);
	p->spec = NULL;
	if (p->host) {
		host_mark(w, p->host, WORLD_WANTS);
		DL_DELETE2(p->host->ports, p, host_prev, host_next);
		host_drop(w, p->host);
		p->host = NULL;
	}
}

static void port_link(struct world *w, struct port *p)
{
	p->net = world_net_find(w, p->a.network_id);
	snprintf(p->tap, sizeof(p->tap), "tap%.11s", p->a.id);
	HASH_ADD_STR(w->ports, a.id, p);
	HASH_ADD(hh_index, w->ports_by_index, a.index, sizeof(p->a.index), p);
	HASH_ADD_KEYPTR(hh_tap, w->ports_by_tap, p->tap, strlen(p->tap), p);
	DL_APPEND2(p->net->ports, p, net_prev, net_next);
	p->net->n_ports++;
	port_derive(w, p);
	if (p->a.index > w->next_port)
		w->next_port = p->a.index;
}

static void port_unlink(struct world *w, struct port *p)
{
	port_underive(w, p);
	HASH_DEL(w->ports, p);
	HASH_DELETE(hh_index, w->ports_by_index, p);
	HASH_DELETE(hh_tap, w->ports_by_tap, p);
	DL_DELETE2(p->net->ports, p, net_prev, net_next);
	p->net->n_ports--;
}

/* ---- any of them ---- */

static size_t size_of(enum world_kind kind)
{
	return kind == WORLD_NET      ? sizeof(struct net)
	       : kind == WORLD_SUBNET ? sizeof(struct subnet)
				      : sizeof(struct port);
}

void world_obj_relink(struct world *w, struct world_obj *o)
{
	if (o->kind == WORLD_NET)
		net_link(w, (struct net *)o);
	else if (o->kind == WORLD_SUBNET)
		subnet_link(w, (struct subnet *)o);
	else if (o->kind == WORLD_PORT)
		port_link(w, (struct port *)o);
}

void world_obj_unlink(struct world *w, struct world_obj *o)
{
	if (o->kind == WORLD_NET)
		net_unlink(w, (struct net *)o);
	else if (o->kind == WORLD_SUBNET)
		subnet_unlink(w, (struct subnet *)o);
	else if (o->kind == WORLD_PORT)
		port_unlink(w, (struct port *)o);
}

struct world_obj *world_obj_add(struct world *w, enum world_kind kind, void *a)
{
	struct world_obj *o = mem_get(size_of(kind));
	size_t size = resources[kind].shape.size;

	o->kind = kind;
	memcpy(world_obj_attrs(o), a, size);
	memset(a, 0, size);
	world_obj_relink(w, o);
	return o;
}

void world_obj_set(struct world *w, struct world_obj *o, void *a)
{
	size_t size = resources[o->kind].shape.size;
	void *mine = world_obj_attrs(o);
	char *old;

	if (o->kind == WORLD_PORT)
		port_underive(w, (struct port *)o);
	old = mem_dup(mine, size);
	memcpy(mine, a, size);
	memcpy(a, old, size);
	free(old);
	if (o->kind == WORLD_PORT)
		port_derive(w, (struct port *)o);
}

void world_obj_free(struct world *w, struct world_obj *o)
{
	if (o->kind == WORLD_SWITCH) {
		sw_free(w, (struct sw *)o);
		return;
	}
	if (o->kind == WORLD_PORT) {
		struct port *p = (struct port *)o;

		place_leave(w, p);
		free(p->fault);
	}
	if (o->what)
		DL_DELETE(w->marked, o);
	attrs_fini(&resources[o->kind].shape, world_obj_attrs(o));
	free(o);
}

void world_settle(struct world *w, struct world_obj *o, uint32_t what)
{
	struct port *p = (struct port *)o;

	world_mark_dirty(w, o, what);
	if (o->kind == WORLD_SUBNET)
		world_mark_dirty(w, &((struct subnet *)o)->net->obj, WORLD_ATTRS);
	if (o->kind != WORLD_PORT)
		return;
	if (what & WORLD_DELETED)
		place_leave(w, p);
	else
		place_port(w, p);
	if (p->host)
		host_mark(w, p->host, WORLD_WANTS);
}

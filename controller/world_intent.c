/* SPDX-License-Identifier: Apache-2.0 */
/* Intent: links objects of any resource into the world's indexes, and takes them out again. */
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "controller/mem.h"
#include "controller/resource.h"
#include "controller/world_priv.h"

/* The attributes lie behind the object, wherever it is declared. */
#define AFTER_OBJ(noun)                                                                  \
	_Static_assert(offsetof(struct noun, a) == sizeof(struct world_obj), #noun "'s " \
										   "attributes")
AFTER_OBJ(quota);
AFTER_OBJ(address_scope);
AFTER_OBJ(subnetpool);
AFTER_OBJ(rbac);
AFTER_OBJ(segment_range);
AFTER_OBJ(default_sg_rule);
AFTER_OBJ(net);
AFTER_OBJ(subnet);
AFTER_OBJ(port);
AFTER_OBJ(router);
AFTER_OBJ(floatingip);
AFTER_OBJ(port_forwarding);
AFTER_OBJ(addrgroup);
AFTER_OBJ(sg);
AFTER_OBJ(sg_rule);

static const struct world_ops nothing_special;

/* Resources that have more than attributes. */
static const struct world_ops *const ops[N_RESOURCES] = {
	[WORLD_QUOTA] = &world_quota_ops,
	[WORLD_ADDRESS_SCOPE] = &world_address_scope_ops,
	[WORLD_SUBNETPOOL] = &world_subnetpool_ops,
	[WORLD_RBAC] = &world_rbac_ops,
	[WORLD_SEGMENT_RANGE] = &world_segment_range_ops,
	[WORLD_NET] = &world_net_ops,
	[WORLD_SUBNET] = &world_subnet_ops,
	[WORLD_PORT] = &world_port_ops,
	[WORLD_ROUTER] = &world_router_ops,
	[WORLD_FLOATINGIP] = &world_floatingip_ops,
	[WORLD_PORT_FORWARDING] = &world_port_forwarding_ops,
	[WORLD_ADDRGROUP] = &world_addrgroup_ops,
	[WORLD_SG] = &world_sg_ops,
	[WORLD_SG_RULE] = &world_sg_rule_ops,
};

static const struct world_ops *ops_of(enum world_kind kind)
{
	return ops[kind] ? ops[kind] : &nothing_special;
}

static void call(void (*fn)(struct world *w, struct world_obj *o), struct world *w,
		 struct world_obj *o)
{
	if (fn)
		fn(w, o);
}

void world_obj_relink(struct world *w, struct world_obj *o)
{
	const struct world_ops *op = ops_of(o->kind);
	const struct obj_key *key = world_obj_key(o);

	HASH_ADD_KEYPTR(hh, w->objs[o->kind], key->id, strlen(key->id), o);
	if (key->index != NUM_NONE) {
		HASH_ADD_KEYPTR(hh_index, w->by_index[o->kind], &key->index, sizeof(key->index), o);
		if (key->index > w->next_index[o->kind])
			w->next_index[o->kind] = key->index;
	}
	project_count(w, o);
	call(op->link, w, o);
	call(op->derive, w, o);
}

void world_obj_unlink(struct world *w, struct world_obj *o)
{
	const struct world_ops *op = ops_of(o->kind);

	call(op->underive, w, o);
	call(op->unlink, w, o);
	project_uncount(w, o);
	HASH_DEL(w->objs[o->kind], o);
	if (world_obj_key(o)->index != NUM_NONE)
		HASH_DELETE(hh_index, w->by_index[o->kind], o);
}

struct world_obj *world_obj_add(struct world *w, enum world_kind kind, void *a)
{
	size_t size = resources[kind].shape.size, whole = ops_of(kind)->size;
	struct world_obj *o = mem_get(whole ? whole : sizeof(*o) + size);

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

	call(ops_of(o->kind)->underive, w, o);
	old = mem_dup(mine, size);
	memcpy(mine, a, size);
	memcpy(a, old, size);
	free(old);
	call(ops_of(o->kind)->derive, w, o);
}

void world_obj_free(struct world *w, struct world_obj *o)
{
	if (o->kind == WORLD_SWITCH) {
		sw_free(w, (struct sw *)o);
		return;
	}
	if (o->kind == WORLD_ADDR) {
		free(o);
		return;
	}
	if (o->kind == WORLD_NEIGH) {
		neigh_free(w, (struct neigh *)o);
		return;
	}
	call(ops_of(o->kind)->drop, w, o);
	if (o->what)
		DL_DELETE(w->marked, o);
	attrs_fini(&resources[o->kind].shape, world_obj_attrs(o));
	free(o);
}

void world_settle(struct world *w, struct world_obj *o, uint32_t what)
{
	world_mark_dirty(w, o, what);
	if (ops_of(o->kind)->settle)
		ops_of(o->kind)->settle(w, o, what);
}

/* ---- look-up ---- */

struct world_obj *world_obj_find(const struct world *w, enum world_kind kind, const char *id)
{
	struct world_obj *o;

	HASH_FIND(hh, w->objs[kind], id, strlen(id), o);
	return o;
}

struct world_obj *world_obj_by_index(const struct world *w, enum world_kind kind, uint32_t index)
{
	struct world_obj *o;

	HASH_FIND(hh_index, w->by_index[kind], &index, sizeof(index), o);
	return o;
}

size_t world_count(const struct world *w, enum world_kind kind)
{
	return HASH_COUNT(w->objs[kind]);
}

uint32_t world_index_get(struct world *w, enum world_kind kind)
{
	uint32_t max = ops_of(kind)->index_max ? ops_of(kind)->index_max : INDEX_MAX;
	uint32_t *next = &w->next_index[kind];

	for (uint32_t i = 0; i <= max; i++) {
		uint32_t index = *next = *next % max + 1; /* 1 to max */

		if (!world_obj_by_index(w, kind, index))
			return index;
	}
	return NUM_NONE;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Network segment ranges: from which VNIs and VLAN ids projects' networks are drawn (segment.h says
 * in which order).  The default ones say what there is: all VNIs, and all VLAN ids of each physical
 * network; they come into being when somebody lists ranges.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/mem.h"
#include "controller/nb.h"
#include "controller/segment.h"

enum { AVAILABLE_MAX = 4096 }; /* how many are listed: a range may have 16 millions */

static const struct resource *const self = &resources[WORLD_SEGMENT_RANGE];

/* VXLAN or VLAN. */
static enum net_type type_of(const struct segment_range_attrs *a)
{
	return strcmp(a->network_type, net_type_names[NET_VLAN]) ? NET_VXLAN : NET_VLAN;
}

static bool same_pool(const struct segment_range_attrs *a, const struct segment_range_attrs *b)
{
	return type_of(a) == type_of(b) &&
	       (type_of(a) == NET_VXLAN || !strcmp(a->physnet, b->physnet));
}

/* ---- who has segments of it ---- */

static bool is_in(const struct segment_range_attrs *a, const struct net *n)
{
	return n->a.type == type_of(a) && n->a.segment >= a->minimum &&
	       n->a.segment <= a->maximum &&
	       (n->a.type == NET_VXLAN || !strcmp(n->a.physnet, a->physnet));
}

static bool is_router_in(const struct segment_range_attrs *a, const struct router *r)
{
	return type_of(a) == NET_VXLAN && r->a.transit != NUM_NONE && r->a.transit >= a->minimum &&
	       r->a.transit <= a->maximum;
}

/* Is any segment of 'old' in use that 'a' does not have?  'a' NULL: it has none. */
static bool is_needed(const struct world *w, const struct segment_range_attrs *old,
		      const struct segment_range_attrs *a)
{
	for (WORLD_ALL(net, NET, n, w))
		if (is_in(old, n) && !(a && is_in(a, n)))
			return true;
	return false;
}

/* ---- create, update, delete ---- */

static int type_check(struct segment_range_attrs *a, struct nb_error *e)
{
	static const char *const others[] = { "gre", "geneve" };

	for (size_t i = 0; i < 2; i++)
		if (!strcmp(a->network_type, others[i]))
			return nb_refuse(e, NetworkSegmentRangeNetTypeNotSupported, others[i]);
	if (strcmp(a->network_type, net_type_names[NET_VXLAN]) &&
	    strcmp(a->network_type, net_type_names[NET_VLAN]))
		return nb_fail_attr(e, "network_type",
				    "'%.32s' is not in ['vlan', 'vxlan', 'gre', 'geneve']",
				    a->network_type);
	if (type_of(a) == NET_VXLAN) {
		free(a->physnet);
		a->physnet = NULL;
	} else if (!a->physnet || !a->physnet[0]) {
		return nb_say(e, BadRequest,
			      "Bad network_segment_range request: Network type vlan requires "
			      "'physical_network' to be specified while creating new range.");
	}
	return 0;
}

static int limits_check(const struct segment_range_attrs *a, struct nb_error *e)
{
	const enum net_type type = type_of(a);
	uint32_t min, max;

	segment_limits(type, &min, &max);
	if (a->minimum >= min && a->maximum <= max && a->minimum <= a->maximum)
		return 0;
	if (type == NET_VLAN)
		return nb_refuse(e, NetworkVlanRangeError, a->minimum, a->maximum, min, max);
	return nb_refuse(e, NetworkTunnelRangeError, a->minimum, a->maximum, min, max);
}

static int overlap_check(const struct world *w, const struct segment_range_attrs *a,
			 struct nb_error *e)
{
	for (WORLD_ALL(segment_range, SEGMENT_RANGE, r, w))
		if (!r->a.is_default && strcmp(r->a.id, a->id) && same_pool(&r->a, a) &&
		    r->a.minimum <= a->maximum && a->minimum <= r->a.maximum)
			return nb_refuse(e, NetworkSegmentRangeOverlaps, r->a.id);
	return 0;
}

static int range_create(struct nb_request *q, void *p, uint64_t given, struct nb_error *e)
{
	struct segment_range_attrs *a = p;

	if (type_check(a, e) || limits_check(a, e) || overlap_check(q->nb->world, a, e))
		return -1;
	if (a->shared)
		a->tenant_id[0] = '\0'; /* nobody's */
	return 0;
}

static int range_update(struct nb_request *q, struct world_obj *o, void *a, uint64_t given,
			struct nb_error *e)
{
	const struct segment_range *r = (const struct segment_range *)o;

	if (r->a.is_default)
		return nb_refuse(e, NetworkSegmentRangeDefaultReadOnly, r->a.id);
	if (is_needed(q->nb->world, &r->a, a))
		return nb_refuse(e, NetworkSegmentRangeReferencedByProject, r->a.id);
	return limits_check(a, e) || overlap_check(q->nb->world, a, e) ? -1 : 0;
}

static int range_remove(struct nb_request *q, struct world_obj *o, struct nb_error *e)
{
	const struct segment_range *r = (const struct segment_range *)o;

	if (r->a.is_default)
		return nb_refuse(e, NetworkSegmentRangeDefaultReadOnly, r->a.id);
	return is_needed(q->nb->world, &r->a, NULL)
		       ? nb_refuse(e, NetworkSegmentRangeReferencedByProject, r->a.id)
		       : 0;
}

/* ---- the default ones ---- */

static void default_add(struct nb_request *q, enum net_type type, const char *physnet)
{
	struct segment_range_attrs a;

	for (WORLD_ALL(segment_range, SEGMENT_RANGE, r, q->nb->world))
		if (r->a.is_default && type_of(&r->a) == type &&
		    (type == NET_VXLAN || !strcmp(r->a.physnet, physnet)))
			return;
	if (!q->txn)
		q->txn = txn_begin(q->nb->log);
	attrs_init(&self->shape, &a);
	free(a.network_type);
	a.network_type = mem_str(net_type_names[type]);
	a.physnet = mem_str(physnet);
	a.is_default = true;
	segment_limits(type, &a.minimum, &a.maximum);
	nb_obj_add(q, self, "", &a);
}

static int range_list(struct nb_request *q, struct nb_error *e)
{
	const struct world *w = q->nb->world;

	default_add(q, NET_VXLAN, NULL);
	for (WORLD_EACH(sw, w->sws))
		for (struct sw_port *sp = sw->uplinks; sp; sp = sp->up_next)
			default_add(q, NET_VLAN, sp->physnet);
	for (WORLD_ALL(net, NET, n, w))
		if (n->a.type == NET_VLAN)
			default_add(q, NET_VLAN, n->a.physnet);
	return 0;
}

const struct nb_hooks nb_segment_range_hooks = {
	.create = range_create,
	.update = range_update,
	.remove = range_remove,
	.list = range_list,
};

/* ---- computed ---- */

json_t *nb_segment_range_used(const struct world_obj *o)
{
	const struct segment_range *r = (const struct segment_range *)o;
	json_t *out = json_object();
	char key[16];

	for (WORLD_ALL(net, NET, n, r->world))
		if (is_in(&r->a, n)) {
			snprintf(key, sizeof(key), "%u", n->a.segment);
			json_object_set_new(out, key, json_string(n->a.tenant_id));
		}
	for (WORLD_ALL(router, ROUTER, x, r->world))
		if (is_router_in(&r->a, x)) {
			snprintf(key, sizeof(key), "%u", x->a.transit);
			json_object_set_new(out, key, json_string(x->a.tenant_id));
		}
	return out;
}

json_t *nb_segment_range_available(const struct world_obj *o)
{
	const struct segment_range *r = (const struct segment_range *)o;
	const enum net_type type = type_of(&r->a);
	json_t *out = json_array();

	for (uint32_t s = r->a.minimum; s <= r->a.maximum && json_array_size(out) < AVAILABLE_MAX;
	     s++)
		if (!segment_is_taken(r->world, type, r->a.physnet, s))
			json_array_append_new(out, json_integer(s));
	return out;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Networks: segments (VNI, VLAN id), MTU, what stands in the way of deleting one. */
#include <string.h>

#include "controller/nb_rbac.h"
#include "controller/nb_sg.h"
#include "controller/segment.h"
#include "vlan/vid.h"
#include "vxlan/vni.h"

enum {
	UNDERLAY_MTU = 1500,
	VXLAN_OVERHEAD = 50, /* Ethernet 14, IPv4 20, UDP 8, VXLAN 8 */
};

/* ---- segments ---- */

static int vxlan_segment(struct world *w, struct net_attrs *a, struct nb_error *e)
{
	if (a->physnet)
		return nb_say(e, InvalidInput,
			      "provider:physical_network is not for networks of type vxlan.");
	if (a->segment == NUM_NONE) {
		if (segment_choose(w, NET_VXLAN, NULL, a->tenant_id, &a->segment))
			return nb_say(e, NoNetworkAvailable, "All VNIs are in use.");
		return 0;
	}
	if (!vni_take(w->vnis, a->segment)) {
		vni_give(w->vnis, a->segment); /* the world takes it with the network */
		return 0;
	}
	return nb_refuse(e, TunnelIdInUse, a->segment);
}

static int vlan_segment(struct world *w, struct net_attrs *a, struct nb_error *e)
{
	int rc;

	if (a->segment == NUM_NONE) {
		if (segment_choose(w, NET_VLAN, a->physnet, a->tenant_id, &a->segment))
			return nb_say(e, NoNetworkAvailable,
				      "All VLAN ids of physical network %s are in use.",
				      a->physnet);
		return 0;
	}
	if (a->segment < VID_MIN || a->segment > VID_MAX)
		return nb_say(e, InvalidInput,
			      "provider:segmentation_id of a vlan network is between %d and %d, "
			      "not %u.",
			      VID_MIN, VID_MAX, a->segment);
	rc = vid_take(w->vids, a->physnet, a->segment);
	if (rc)
		return nb_refuse(e, VlanIdInUse, a->segment, a->physnet);
	vid_give(w->vids, a->physnet, a->segment);
	return 0;
}

static int flat_segment(struct world *w, struct net_attrs *a, struct nb_error *e)
{
	if (a->segment != NUM_NONE)
		return nb_say(e, InvalidInput,
			      "provider:segmentation_id is not for networks of type flat.");
	if (vid_untagged_is_taken(w->vids, a->physnet))
		return nb_refuse(e, FlatNetworkInUse, a->physnet);
	return 0;
}

static int segment_find(struct world *w, struct net_attrs *a, struct nb_error *e)
{
	if (a->type == NET_VXLAN)
		return vxlan_segment(w, a, e);
	if (!a->physnet || !a->physnet[0])
		return nb_say(e, InvalidInput,
			      "provider:physical_network is required for networks of type %s.",
			      net_type_names[a->type]);
	return a->type == NET_VLAN ? vlan_segment(w, a, e) : flat_segment(w, a, e);
}

/* ---- hooks ---- */

static int mtu_check(struct nb_request *q, const struct net_attrs *a, struct nb_error *e)
{
	uint32_t most = a->type == NET_VXLAN ? 65535 - VXLAN_OVERHEAD : 65535;

	if (a->mtu > most)
		return nb_say(e, InvalidInput, "The mtu of a %s network is at most %u, not %u.",
			      net_type_names[a->type], most, a->mtu);
	return 0;
}

/*
 * What fits through every VTEP that is known: an IPv6 underlay or a smaller one shows here, so that
 * guests get a right MTU without anybody's care.  Before the first VTEP: that of IPv4 over 1500.
 */
static uint32_t vxlan_mtu(const struct world *w)
{
	uint32_t mtu = 0;

	for (WORLD_EACH(sw, w->sws))
		if (sw->vtep.addr.family && sw->vtep.mtu && (!mtu || sw->vtep.mtu < mtu))
			mtu = sw->vtep.mtu;
	return mtu ? mtu : UNDERLAY_MTU - VXLAN_OVERHEAD;
}

static int net_create(struct nb_request *q, void *p, uint64_t given, struct nb_error *e)
{
	struct world *w = q->nb->world;
	struct net_attrs *a = p;

	if (nb_given(&resources[WORLD_NET], given, "provider:segmentation_id") &&
	    !nb_given(&resources[WORLD_NET], given, "provider:network_type"))
		return nb_say(e, InvalidInput,
			      "provider:network_type is required with provider:segmentation_id.");
	if (a->mtu == NUM_NONE)
		a->mtu = a->type == NET_VXLAN ? vxlan_mtu(w) : UNDERLAY_MTU;
	if (mtu_check(q, a, e) || segment_find(w, a, e))
		return -1;
	a->index = world_index_get(w, WORLD_NET);
	if (a->index == NUM_NONE)
		return nb_say(e, NoNetworkAvailable, "There are %d networks already.", INDEX_MAX);
	return 0;
}

static int net_update(struct nb_request *q, struct world_obj *o, void *p, uint64_t given,
		      struct nb_error *e)
{
	struct net_attrs *a = p;
	struct net *n = (struct net *)o;

	/* One that others use goes on being shared. */
	if (n->a.shared && !a->shared && nb_rbac_is_shared_needed(q->nb->world, o))
		return nb_refuse(e, InvalidSharedSetting, n->a.id);
	if (n->a.external && !a->external)
		for (NET_EACH_ROUTER_PORT(i, n))
			if (port_is_gateway(i))
				return nb_refuse(e, ExternalNetworkInUse, n->a.id);
	return mtu_check(q, a, e);
}

/* Its subnets go with it, its ports do not, other than those of its own functions. */
static int net_remove(struct nb_request *q, struct world_obj *o, struct nb_error *e)
{
	struct net *n = (struct net *)o;

	for (NET_EACH_PORT(p, n))
		if (!nb_port_goes_along(p))
			return nb_refuse(e, NetworkInUse, n->a.id);
	while (n->ports) {
		nb_sg_port_leaves(q, n->ports, NULL);
		txn_del(q->txn, &n->ports->obj);
	}
	while (n->subnets)
		txn_del(q->txn, &n->subnets->obj);
	return 0;
}

const struct nb_hooks nb_net_hooks = {
	.create = net_create,
	.update = net_update,
	.remove = net_remove,
};

/* ---- computed ---- */

json_t *nb_net_status(const struct world_obj *o)
{
	return json_string("ACTIVE");
}

static json_t *scope_json(const struct net *n, uint32_t ip_version)
{
	const struct address_scope *s = net_scope(n, ip_version);

	return s ? json_string(s->a.id) : json_null();
}

json_t *nb_net_scope4(const struct world_obj *o)
{
	return scope_json((const struct net *)o, 4);
}

json_t *nb_net_scope6(const struct world_obj *o)
{
	return scope_json((const struct net *)o, 6);
}

json_t *nb_net_subnets(const struct world_obj *o)
{
	json_t *out = json_array();

	for (NET_EACH_SUBNET(s, (const struct net *)o))
		json_array_append_new(out, json_string(s->a.id));
	return out;
}

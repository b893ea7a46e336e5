/* SPDX-License-Identifier: Apache-2.0 */
/* Networks and subnets: the numbers they take, and what belongs to which. */
#include <utlist.h>

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

static void net_link(struct world *w, struct world_obj *o)
{
	segment_take(w, (struct net *)o);
}

static void net_unlink(struct world *w, struct world_obj *o)
{
	segment_give(w, (struct net *)o);
}

static void net_settle(struct world *w, struct world_obj *o, uint32_t what)
{
	if (what & WORLD_DELETED)
		net_neighs_forget(w, (struct net *)o);
}

static void net_drop(struct world *w, struct world_obj *o)
{
	net_neighs_free(w, (struct net *)o);
}

const struct world_ops world_net_ops = {
	.size = sizeof(struct net),
	.link = net_link,
	.unlink = net_unlink,
	.settle = net_settle,
	.drop = net_drop,
};

static void segment_range_link(struct world *w, struct world_obj *o)
{
	((struct segment_range *)o)->world = w;
}

const struct world_ops world_segment_range_ops = {
	.size = sizeof(struct segment_range),
	.link = segment_range_link,
};

/* ---- address scopes, subnet pools ---- */

const struct world_ops world_address_scope_ops = { .size = sizeof(struct address_scope) };

static void subnetpool_derive(struct world *w, struct world_obj *o)
{
	struct subnetpool *p = (struct subnetpool *)o;

	p->scope = (struct address_scope *)world_obj_find(w, WORLD_ADDRESS_SCOPE,
							  p->a.address_scope_id);
	if (p->scope)
		p->scope->n_pools++;
}

static void subnetpool_underive(struct world *w, struct world_obj *o)
{
	struct subnetpool *p = (struct subnetpool *)o;

	if (p->scope)
		p->scope->n_pools--;
	p->scope = NULL;
}

/* Routers of its networks lead to others by the scope (apps/network_scope.c). */
static void subnetpool_settle(struct world *w, struct world_obj *o, uint32_t what)
{
	for (POOL_EACH_SUBNET(s, (const struct subnetpool *)o))
		for (NET_EACH_ROUTER_PORT(p, s->net))
			world_mark_dirty(w, &p->router->obj, WORLD_ATTRS);
}

/* Subnets of one IP version of a network are from one pool, as nb_subnetpool.c sees to. */
const struct address_scope *net_scope(const struct net *n, uint32_t ip_version)
{
	for (NET_EACH_SUBNET(s, n))
		if (s->a.ip_version == ip_version && s->pool && s->pool->scope)
			return s->pool->scope;
	return NULL;
}

const struct world_ops world_subnetpool_ops = {
	.size = sizeof(struct subnetpool),
	.settle = subnetpool_settle,
	.derive = subnetpool_derive,
	.underive = subnetpool_underive,
};

/* ---- subnets ---- */

static void subnet_link(struct world *w, struct world_obj *o)
{
	struct subnet *s = (struct subnet *)o;

	s->net = world_net_find(w, s->a.network_id);
	DL_APPEND2(s->net->subnets, s, net_prev, net_next);
	s->net->n_subnets++;
	s->pool = (struct subnetpool *)world_obj_find(w, WORLD_SUBNETPOOL, s->a.pool_id);
	if (s->pool)
		DL_APPEND2(s->pool->subnets, s, pool_prev, pool_next);
}

static void subnet_unlink(struct world *w, struct world_obj *o)
{
	struct subnet *s = (struct subnet *)o;

	DL_DELETE2(s->net->subnets, s, net_prev, net_next);
	s->net->n_subnets--;
	if (s->pool)
		DL_DELETE2(s->pool->subnets, s, pool_prev, pool_next);
}

/* A network is told for its subnets as well. */
static void subnet_settle(struct world *w, struct world_obj *o, uint32_t what)
{
	world_mark_dirty(w, &((struct subnet *)o)->net->obj, WORLD_ATTRS);
}

const struct world_ops world_subnet_ops = {
	.size = sizeof(struct subnet),
	.link = subnet_link,
	.unlink = subnet_unlink,
	.settle = subnet_settle,
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RBAC policies: an object is shared with one project ("*": with all), which then sees it and what
 * is below it, and may use it.
 */
#include <string.h>
#include <utlist.h>

#include "controller/nb.h"

/* What can be shared. */
static const enum world_kind kinds[] = { WORLD_NET, WORLD_SUBNETPOOL, WORLD_ADDRESS_SCOPE,
					 WORLD_SG };

/* ---- create, update ---- */

static const struct resource *type_of(const struct rbac_attrs *a, struct nb_error *e)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcmp(a->object_type, resources[kinds[i]].name))
			return &resources[kinds[i]];
	nb_fail_attr(
		e, "object_type",
		"'%.64s' is not in ['network', 'subnetpool', 'address_scope', 'security_group']",
		a->object_type);
	return NULL;
}

static int target_check(const struct nb_request *q, const struct rbac_attrs *a, struct nb_error *e)
{
	const struct rbac *p;

	if (!a->target[0])
		return nb_fail_attr(e, "target_tenant", "'' is no project");
	if (!strcmp(a->target, "*") && !q->who.admin)
		return nb_say(e, PolicyNotAuthorized,
			      "Only an administrator shares with every project.");
	DL_FOREACH (world_rbacs(q->nb->world, a->object_id), p) {
		if (strcmp(p->a.id, a->id) && !strcmp(p->a.target, a->target))
			return nb_refuse(e, DuplicateRbacPolicy);
	}
	return 0;
}

/* External networks are every project's to see, so that there is nothing to share "as external". */
static int rbac_create(struct nb_request *q, void *p, uint64_t given, struct nb_error *e)
{
	struct rbac_attrs *a = p;
	const struct resource *r = type_of(a, e);
	const struct world_obj *o;

	if (!r)
		return -1;
	if (strcmp(a->action, "access_as_shared"))
		return nb_say(e, InvalidInput,
			      "Invalid input for operation: Invalid action '%.64s' for object type "
			      "'%s'. Valid actions: access_as_shared.",
			      a->action, r->name);
	o = nb_find(q, r, a->object_id, e);
	if (!o)
		return -1;
	if (!nb_owns(&q->who, *(char **)attr_at(r->tenant, o + 1)))
		return nb_say(e, PolicyNotAuthorized, "%s %s is another project's to share.",
			      r->type, a->object_id);
	return target_check(q, a, e);
}

/* ---- is it in use? ---- */

/* Would 'project' still see the object without policy 'p'? */
static bool sees_without(const struct rbac *p, const char *owner, bool shared, const char *project,
			 const struct rbac *all)
{
	const struct rbac *other;

	if (shared || !strcmp(owner, project))
		return true;
	DL_FOREACH (all, other) {
		if (other != p &&
		    (!strcmp(other->a.target, "*") || !strcmp(other->a.target, project)))
			return true;
	}
	return false;
}

/* Ports of other projects that are in the group, and their rules that name it. */
static bool is_group_needed(const struct world *w, const struct rbac *p, const struct sg *g)
{
	const struct rbac *all = world_rbacs(w, p->a.object_id);

	for (WORLD_ALL(port, PORT, port, w))
		for (size_t i = 0; i < port->a.n_security_groups; i++)
			if (!strcmp(port->a.security_groups[i], g->a.id) &&
			    !sees_without(p, g->a.tenant_id, false, port->a.tenant_id, all))
				return true;
	for (WORLD_ALL(sg_rule, SG_RULE, rule, w))
		if (!strcmp(rule->a.remote_group_id, g->a.id) &&
		    !sees_without(p, g->a.tenant_id, false, rule->a.tenant_id, all))
			return true;
	return false;
}

static bool is_needed(const struct world *w, const struct rbac *p)
{
	const struct rbac *all = world_rbacs(w, p->a.object_id);
	const struct subnetpool *pool =
		(struct subnetpool *)world_obj_find(w, WORLD_SUBNETPOOL, p->a.object_id);
	const struct address_scope *scope =
		(struct address_scope *)world_obj_find(w, WORLD_ADDRESS_SCOPE, p->a.object_id);
	const struct sg *group = (struct sg *)world_obj_find(w, WORLD_SG, p->a.object_id);
	const struct net *n = world_net_find(w, p->a.object_id);

	if (n)
		for (NET_EACH_PORT(port, n))
			if (!sees_without(p, n->a.tenant_id, n->a.shared, port->a.tenant_id, all))
				return true;
	if (pool)
		for (POOL_EACH_SUBNET(s, pool))
			if (!sees_without(p, pool->a.tenant_id, pool->a.shared, s->a.tenant_id,
					  all))
				return true;
	if (scope)
		for (WORLD_ALL(subnetpool, SUBNETPOOL, each, w))
			if (each->scope == scope &&
			    !sees_without(p, scope->a.tenant_id, scope->a.shared, each->a.tenant_id,
					  all))
				return true;
	return group && is_group_needed(w, p, group);
}

static int rbac_update(struct nb_request *q, struct world_obj *o, void *a, uint64_t given,
		       struct nb_error *e)
{
	const struct rbac *p = (const struct rbac *)o;

	if (!strcmp(p->a.target, ((const struct rbac_attrs *)a)->target))
		return 0;
	if (is_needed(q->nb->world, p))
		return nb_refuse(e, RbacPolicyInUse, p->a.object_id);
	return target_check(q, a, e);
}

static int rbac_remove(struct nb_request *q, struct world_obj *o, struct nb_error *e)
{
	const struct rbac *p = (const struct rbac *)o;

	return is_needed(q->nb->world, p) ? nb_refuse(e, RbacPolicyInUse, p->a.object_id) : 0;
}

void nb_rbac_forget(struct nb_request *q, const struct world_obj *o)
{
	struct rbac *p;

	while ((p = world_rbacs(q->nb->world, world_obj_key(o)->id)))
		txn_del(q->txn, &p->obj);
}

/* The project that something is shared with sees the policy as well. */
static bool rbac_sees(const struct nb_who *who, const struct world_obj *o)
{
	const struct rbac *p = (const struct rbac *)o;

	return nb_owns(who, p->a.tenant_id) || !strcmp(p->a.target, who->project);
}

const struct nb_hooks nb_rbac_hooks = {
	.create = rbac_create,
	.update = rbac_update,
	.remove = rbac_remove,
	.sees = rbac_sees,
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RBAC policies: an object is shared with one project ("*": with all), which then sees it and what
 * is below it, and may use it.
 *
 * "access_as_shared" to every project and the object's own attribute "shared" are the same fact
 * said twice, and so are any "access_as_external" and a network's "router:external": whichever is
 * changed, the other one follows in the same transaction.
 */
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "controller/mem.h"
#include "controller/nb_rbac.h"

/* What can be shared. */
static const enum world_kind kinds[] = { WORLD_NET, WORLD_SUBNETPOOL, WORLD_ADDRESS_SCOPE, WORLD_SG,
					 WORLD_ADDRGROUP };

static const struct resource *type_of(const struct rbac_attrs *a, struct nb_error *e)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcmp(a->object_type, resources[kinds[i]].name))
			return &resources[kinds[i]];
	nb_say(e, InvalidInput,
	       "Invalid input for operation: '%.64s' is not a valid RBAC object type",
	       a->object_type);
	return NULL;
}

static struct world_obj *object_of(const struct world *w, const struct rbac_attrs *a)
{
	struct world_obj *o = NULL;

	for (size_t i = 0; !o && i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcmp(a->object_type, resources[kinds[i]].name))
			o = world_obj_find(w, kinds[i], a->object_id);
	return o;
}

static const char *owner_of(const struct world_obj *o)
{
	return *(char *const *)attr_at(resources[o->kind].tenant, o + 1);
}

static struct rbac *policy_find(const struct world *w, const char *object_id,
				enum rbac_action action, const char *target)
{
	struct rbac *p;

	DL_FOREACH (world_rbacs(w, object_id), p) {
		if (p->action == action && !strcmp(p->a.target, target))
			return p;
	}
	return NULL;
}

/* ---- attributes that say the same ---- */

static const struct attr *attr_of(const struct world_obj *o, enum rbac_action action)
{
	const struct attr *a =
		attr_find(&resources[o->kind].shape,
			  action == ACCESS_AS_EXTERNAL ? "router:external" : "shared");

	return a && a->type == ATTR_BOOL ? a : NULL;
}

static void flag_set(struct nb_request *q, struct world_obj *o, enum rbac_action action, bool value)
{
	const struct attr *row = attr_of(o, action);
	union any_attrs a;

	if (!row || *(bool *)attr_at(row, o + 1) == value)
		return;
	attrs_copy(&resources[o->kind].shape, &a, world_obj_attrs(o));
	*(bool *)attr_at(row, &a) = value;
	nb_obj_set(q, o, &a);
	attrs_fini(&resources[o->kind].shape, &a);
}

void nb_rbac_follow(struct nb_request *q, const struct world_obj *o, const void *a)
{
	const struct resource *r = &resources[WORLD_RBAC];
	const char *id = world_obj_key(o)->id;
	struct rbac *p, *next;
	bool sharable = false;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		sharable |= kinds[i] == o->kind;
	for (enum rbac_action action = ACCESS_AS_SHARED; action <= ACCESS_AS_EXTERNAL; action++) {
		const struct attr *row = attr_of(o, action);
		struct rbac_attrs made;

		if (!sharable || !row ||
		    (!*(bool *)attr_at(row, o + 1) && !*(bool *)attr_at(row, a)))
			continue;
		if (!*(bool *)attr_at(row, a)) {
			DL_FOREACH_SAFE (world_rbacs(q->nb->world, id), p, next) {
				if (p->action == action &&
				    (action == ACCESS_AS_EXTERNAL || !strcmp(p->a.target, "*")))
					txn_del(q->txn, &p->obj);
			}
			continue;
		}
		if (action == ACCESS_AS_EXTERNAL ? world_is_shared(q->nb->world, id, action)
						 : !!policy_find(q->nb->world, id, action, "*"))
			continue;
		attrs_init(&r->shape, &made);
		free(made.object_type);
		made.object_type = mem_str(resources[o->kind].name);
		memcpy(made.object_id, id, UUID_TEXT);
		free(made.action);
		made.action = mem_str(rbac_action_names[action]);
		free(made.target);
		made.target = mem_str("*");
		nb_obj_add(q, r, owner_of(o), &made);
	}
}

/* ---- create ---- */

static int target_check(const struct nb_request *q, const struct rbac_attrs *a,
			enum rbac_action action, struct nb_error *e)
{
	const struct rbac *p;

	if (!a->target[0])
		return nb_fail_attr(e, "target_tenant", "'' is no project");
	p = policy_find(q->nb->world, a->object_id, action, a->target);
	return p && strcmp(p->a.id, a->id) ? nb_refuse(e, DuplicateRbacPolicy) : 0;
}

/* Only networks are a way out. */
static int action_of(const struct resource *r, const char *word, enum rbac_action *action,
		     struct nb_error *e)
{
	const bool net = r->kind == WORLD_NET;

	for (*action = ACCESS_AS_SHARED; *action <= (net ? ACCESS_AS_EXTERNAL : ACCESS_AS_SHARED);
	     (*action)++)
		if (!strcmp(word, rbac_action_names[*action]))
			return 0;
	return nb_refuse(e, InvalidActionForType, word, r->name,
			 net ? "access_as_shared, access_as_external" : "access_as_shared");
}

static int rbac_create(struct nb_request *q, void *p, uint64_t given, struct nb_error *e)
{
	struct rbac_attrs *a = p;
	const struct resource *r = type_of(a, e);
	const struct world_obj *o;
	enum rbac_action action;

	if (!r || action_of(r, a->action, &action, e))
		return -1;
	o = nb_find(q, r, a->object_id, e);
	if (!o)
		return -1;
	if (!nb_owns(&q->who, owner_of(o)))
		return nb_say(e, InvalidInput,
			      "Invalid input for operation: Only admins can manipulate policies on "
			      "objects they do not own.");
	return target_check(q, a, action, e);
}

static int rbac_added(struct nb_request *q, struct world_obj *o, struct nb_error *e)
{
	const struct rbac *p = (const struct rbac *)o;
	struct world_obj *shared = object_of(q->nb->world, &p->a);

	if (shared && (p->action == ACCESS_AS_EXTERNAL || !strcmp(p->a.target, "*")))
		flag_set(q, shared, p->action, true);
	return 0;
}

/* ---- who needs it ---- */

/* What goes on without the policy: projects that others of the same action name, and the owner. */
struct others {
	const char **targets; /* sorted */
	size_t n;
	bool all; /* one names every project */
};

static int text_cmp(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void others_init(struct others *x, const struct world *w, const struct rbac *p,
			const char *owner, const char *then)
{
	const struct rbac *other;
	size_t n = 0;

	DL_COUNT(world_rbacs(w, p->a.object_id), other, n);
	x->targets = mem_array(n + 2, sizeof(*x->targets));
	x->n = 0;
	x->all = false;
	x->targets[x->n++] = owner;
	if (then)
		x->targets[x->n++] = then;
	DL_FOREACH (world_rbacs(w, p->a.object_id), other) {
		if (other != p && other->action == p->action)
			x->targets[x->n++] = other->a.target;
	}
	for (size_t i = 0; i < x->n; i++)
		x->all |= !strcmp(x->targets[i], "*");
	qsort(x->targets, x->n, sizeof(*x->targets), text_cmp);
}

/* Does a project's object need the policy?  What is nobody's needs none. */
static bool needs(const struct others *x, const char *project)
{
	return !x->all && project[0] &&
	       !bsearch(&project, x->targets, x->n, sizeof(*x->targets), text_cmp);
}

static bool is_net_needed(const struct net *n, const struct others *x)
{
	for (NET_EACH_PORT(port, n))
		if (needs(x, port->a.tenant_id))
			return true;
	return false;
}

/* As the way out: routers that have their gateway on it, and floating IPs of it. */
static bool is_way_needed(const struct world *w, const struct net *n, const struct others *x)
{
	for (NET_EACH_ROUTER_PORT(p, n))
		if (port_is_gateway(p) && needs(x, p->router->a.tenant_id))
			return true;
	for (WORLD_ALL(floatingip, FLOATINGIP, f, w))
		if (f->net == n && needs(x, f->a.tenant_id))
			return true;
	return false;
}

/* Ports of other projects that are in the group, and their rules that name it. */
static bool is_group_needed(const struct world *w, const struct sg *g, const struct others *x)
{
	for (WORLD_ALL(port, PORT, port, w))
		for (size_t i = 0; i < port->n_sgs; i++)
			if (port->sgs[i] == g && needs(x, port->a.tenant_id))
				return true;
	for (WORLD_ALL(sg_rule, SG_RULE, rule, w))
		if (rule->remote == &g->set && needs(x, rule->a.tenant_id))
			return true;
	return false;
}

static bool is_object_needed(const struct world *w, const struct world_obj *o,
			     const struct others *x)
{
	switch (o->kind) {
	case WORLD_NET:
		return is_net_needed((const struct net *)o, x);
	case WORLD_SUBNETPOOL:
		for (POOL_EACH_SUBNET(s, (const struct subnetpool *)o))
			if (needs(x, s->a.tenant_id))
				return true;
		return false;
	case WORLD_ADDRESS_SCOPE:
		for (WORLD_ALL(subnetpool, SUBNETPOOL, each, w))
			if (&each->scope->obj == o && needs(x, each->a.tenant_id))
				return true;
		return false;
	case WORLD_SG:
		return is_group_needed(w, (const struct sg *)o, x);
	default:
		for (WORLD_ALL(sg_rule, SG_RULE, rule, w))
			if (rule->remote == &((const struct addrgroup *)o)->set &&
			    needs(x, rule->a.tenant_id))
				return true;
		return false;
	}
}

/* 'then': whom it will name instead; NULL: nobody. */
static bool is_needed(const struct world *w, const struct rbac *p, const char *then)
{
	const struct world_obj *o = object_of(w, &p->a);
	struct others x;
	bool needed;

	if (!o)
		return false;
	others_init(&x, w, p, owner_of(o), then);
	needed = p->action == ACCESS_AS_EXTERNAL ? is_way_needed(w, (const struct net *)o, &x)
						 : is_object_needed(w, o, &x);
	free(x.targets);
	return needed;
}

bool nb_rbac_is_shared_needed(const struct world *w, const struct world_obj *o)
{
	const char *id = world_obj_key(o)->id;
	const struct rbac *all = policy_find(w, id, ACCESS_AS_SHARED, "*");
	struct rbac_attrs none = { .target = (char *)(uintptr_t) "*" };
	struct rbac p = { .a = none, .action = ACCESS_AS_SHARED };
	struct others x;
	bool needed;

	memcpy(p.a.object_id, id, UUID_TEXT);
	others_init(&x, w, all ? all : &p, owner_of(o), NULL);
	needed = is_object_needed(w, o, &x);
	free(x.targets);
	return needed;
}

/* ---- update, delete ---- */

static int rbac_update(struct nb_request *q, struct world_obj *o, void *a, uint64_t given,
		       struct nb_error *e)
{
	const struct rbac *p = (const struct rbac *)o;
	const struct rbac_attrs *then = a;
	struct world_obj *shared = object_of(q->nb->world, &p->a);

	if (!strcmp(p->a.target, then->target))
		return 0;
	if (shared && !nb_owns(&q->who, owner_of(shared)))
		return nb_say(e, InvalidInput,
			      "Invalid input for operation: Only admins can manipulate policies on "
			      "objects they do not own.");
	if (target_check(q, then, p->action, e))
		return -1;
	if (is_needed(q->nb->world, p, then->target))
		return nb_refuse(e, RbacPolicyInUse, p->a.object_id);
	if (shared && p->action == ACCESS_AS_SHARED &&
	    (!strcmp(p->a.target, "*") || !strcmp(then->target, "*")))
		flag_set(q, shared, p->action, !strcmp(then->target, "*"));
	return 0;
}

static int rbac_remove(struct nb_request *q, struct world_obj *o, struct nb_error *e)
{
	struct rbac *p = (struct rbac *)o;
	const struct rbac *other;
	struct world_obj *shared = object_of(q->nb->world, &p->a);
	bool last = true;

	if (is_needed(q->nb->world, p, NULL))
		return nb_refuse(e, RbacPolicyInUse, p->a.object_id);
	DL_FOREACH (world_rbacs(q->nb->world, p->a.object_id), other) {
		last &= other == p || other->action != p->action;
	}
	if (shared && (p->action == ACCESS_AS_EXTERNAL ? last : !strcmp(p->a.target, "*")))
		flag_set(q, shared, p->action, false);
	return 0;
}

void nb_rbac_forget(struct nb_request *q, const struct world_obj *o)
{
	struct rbac *p;

	while ((p = world_rbacs(q->nb->world, world_obj_key(o)->id)))
		txn_del(q->txn, &p->obj);
}

const struct nb_hooks nb_rbac_hooks = {
	.create = rbac_create,
	.added = rbac_added,
	.update = rbac_update,
	.remove = rbac_remove,
};

/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/nb_policy.h"

#include <stdio.h>
#include <string.h>

enum rule {
	ADMIN = 0,
	ANY = 1 << 0,
	OWNER = 1 << 1,
	NET_OWNER = 1 << 2,
	PARENT_OWNER = 1 << 3,
	GROUP_OWNER = 1 << 4,
	SHARED = 1 << 5,
	EXTERNAL = 1 << 6,
	NO_NETWORK_DEVICE = 1 << 7,
	NO_WILDCARD = 1 << 8,
};

/* ---- the rows ---- */

enum {
#define RESOURCE(noun, KIND, ...) kind_of_##noun = WORLD_##KIND,
#include "controller/resource_blank.h"
#include "controller/resource.def"
#include "controller/resource_undef.h"
};

static const uint32_t access_rules[N_RESOURCES][POLICY_VERBS] = {
#define ACCESS(noun, c, g, u, d) [kind_of_##noun] = { c, g, u, d },
#define SETS(...)
#define SEES(...)
#define DOES(...)
#define VIEW(...)
#include "controller/nb_policy.def"
};

enum {
	N_ACCESS = 0
#define ACCESS(...) +1
#define SETS(...)
#define SEES(...)
#define DOES(...)
#define VIEW(...)
#include "controller/nb_policy.def"
};
_Static_assert((int)N_ACCESS == (int)N_RESOURCES,
	       "every resource has a row that says who may what");

static const struct row {
	int kind;
	const char *name; /* of an attribute or action */
	bool sets[POLICY_VERBS], does;
	uint32_t rule[POLICY_VERBS];
} rows[] = {
#define ACCESS(...)
#define SETS(noun, nm, c, u)                                          \
	{ .kind = kind_of_##noun,                                     \
	  .name = nm,                                                 \
	  .sets = { [POLICY_CREATE] = true, [POLICY_UPDATE] = true }, \
	  .rule = { [POLICY_CREATE] = c, [POLICY_UPDATE] = u } },
#define SEES(noun, nm, g)                  \
	{ .kind = kind_of_##noun,          \
	  .name = nm,                      \
	  .sets = { [POLICY_GET] = true }, \
	  .rule = { [POLICY_GET] = g } },
#define DOES(noun, nm, r) \
	{ .kind = kind_of_##noun, .name = nm, .does = true, .rule = { [POLICY_UPDATE] = r } },
#define VIEW(...)
#include "controller/nb_policy.def"
};

static const struct {
	const char *collection;
	uint32_t rule;
} views[] = {
#define ACCESS(...)
#define SETS(...)
#define SEES(...)
#define DOES(...)
#define VIEW(collection, g) { collection, g },
#include "controller/nb_policy.def"
};

enum { N_ROWS = sizeof(rows) / sizeof(*rows), N_VIEWS = sizeof(views) / sizeof(*views) };

/* ---- rules ---- */

static bool is_project(const struct nb_who *who, const char *tenant_id)
{
	return !strcmp(who->project, tenant_id ? tenant_id : "");
}

static const char *tenant_of(const struct resource *r, const void *a)
{
	return *(char *const *)attr_at(r->tenant, a);
}

/* The network that it is on, or is. */
static const struct net_attrs *net_of(const struct nb_who *who, const struct resource *r,
				      const void *a)
{
	const struct net *n;

	if (r->kind == WORLD_NET)
		return a;
	if (r->kind != WORLD_PORT && r->kind != WORLD_SUBNET)
		return NULL;
	n = world_net_find(who->world, r->kind == WORLD_PORT
					       ? ((const struct port_attrs *)a)->network_id
					       : ((const struct subnet_attrs *)a)->network_id);
	return n ? &n->a : NULL;
}

static const struct world_obj *parent_of(const struct nb_who *who, const struct resource *r,
					 const void *a)
{
	return r->parent ? world_obj_find(who->world, (enum world_kind)r->parent->of,
					  attr_at(r->parent, a))
			 : NULL;
}

static bool is_obj_project(const struct nb_who *who, const struct world_obj *o)
{
	return o && is_project(who, tenant_of(&resources[o->kind], o + 1));
}

static bool is_shared(const struct nb_who *who, const struct resource *r, const void *a)
{
	const struct net_attrs *n = net_of(who, r, a);
	const struct attr *shared;

	if (n) {
		r = &resources[WORLD_NET];
		a = n;
	}
	shared = attr_find(&r->shape, "shared");
	return (shared && shared->type == ATTR_BOOL && *(const bool *)attr_at(shared, a)) ||
	       world_is_shared_with(who->world, a, who->project, ACCESS_AS_SHARED);
}

/* External networks of older stores have no policy that says for whom: for all. */
static bool is_external(const struct nb_who *who, const struct resource *r, const void *a)
{
	const struct net_attrs *n = net_of(who, r, a);

	return n && n->external &&
	       (!world_is_shared(who->world, n->id, ACCESS_AS_EXTERNAL) ||
		world_is_shared_with(who->world, n->id, who->project, ACCESS_AS_EXTERNAL));
}

static bool is_network_device(const struct resource *r, const void *a)
{
	return r->kind == WORLD_PORT &&
	       !strncmp(((const struct port_attrs *)a)->device_owner, "network:", 8);
}

static bool is_wildcard(const struct resource *r, const void *a)
{
	return r->kind == WORLD_RBAC && !strcmp(((const struct rbac_attrs *)a)->target, "*");
}

static bool passes(const struct nb_who *who, uint32_t rule, const struct resource *r, const void *a)
{
	const struct net_attrs *n;

	if (who->admin || (rule & ANY) || ((rule & OWNER) && is_project(who, tenant_of(r, a))))
		return true;
	n = rule & NET_OWNER ? net_of(who, r, a) : NULL;
	if (n && is_project(who, n->tenant_id))
		return true;
	if ((rule & PARENT_OWNER) && is_obj_project(who, parent_of(who, r, a)))
		return true;
	if ((rule & GROUP_OWNER) && r->kind == WORLD_SG_RULE &&
	    is_obj_project(who,
			   world_obj_find(who->world, WORLD_SG,
					  ((const struct sg_rule_attrs *)a)->security_group_id)))
		return true;
	return ((rule & SHARED) && is_shared(who, r, a)) ||
	       ((rule & EXTERNAL) && is_external(who, r, a)) ||
	       ((rule & NO_NETWORK_DEVICE) && !is_network_device(r, a)) ||
	       ((rule & NO_WILDCARD) && !is_wildcard(r, a));
}

/* ---- refusals ---- */

static const char *const verb_names[POLICY_VERBS] = { "create", "get", "update", "delete" };

/* "create_network:shared", as Neutron names its rules. */
static int refuse(enum policy_verb v, const struct resource *r, const char *attr,
		  struct nb_error *e)
{
	return nb_say(e, PolicyNotAuthorized, "rule:%s_%s%s%s is disallowed by policy.",
		      verb_names[v], r->name, attr ? ":" : "", attr ? attr : "");
}

bool policy_allows(const struct nb_who *who, enum policy_verb v, const struct resource *r,
		   const void *a)
{
	return passes(who, access_rules[r->kind][v], r, a);
}

int policy_check(const struct nb_who *who, enum policy_verb v, const struct resource *r,
		 const void *a, struct nb_error *e)
{
	return policy_allows(who, v, r, a) ? 0 : refuse(v, r, NULL, e);
}

int policy_network_check(struct nb_request *q, const struct resource *r, const void *a,
			 struct nb_error *e)
{
	const struct net_attrs *n = net_of(&q->who, r, a);
	const struct resource *net = &resources[WORLD_NET];

	if (q->who.admin || (r->kind != WORLD_PORT && r->kind != WORLD_SUBNET))
		return 0;
	if (!n || !policy_allows(&q->who, POLICY_GET, net, n))
		return nb_fail_not_found(e, net,
					 r->kind == WORLD_PORT
						 ? ((const struct port_attrs *)a)->network_id
						 : ((const struct subnet_attrs *)a)->network_id);
	if (is_project(&q->who, n->tenant_id) || is_shared(&q->who, net, n))
		return 0;
	return nb_say(e, HTTPForbidden, "Tenant %.64s not allowed to create %s on this network",
		      q->who.project, r->name);
}

/* ---- attributes ---- */

/* Neutron asks its policy about what is not the default. */
static bool says_default(enum policy_verb v, const struct resource *r, const char *name,
			 const json_t *value)
{
	const struct attr *a = attr_find(&r->shape, name);

	return v == POLICY_CREATE && a && a->type == ATTR_BOOL && !a->preset && !nb_bool_of(value);
}

static bool has_member(const json_t *value, const char *member)
{
	for (size_t i = 0; i < json_array_size(value); i++)
		if (json_object_get(json_array_get(value, i), member))
			return true;
	return json_object_get(value, member);
}

/* Does 'body' give what the row is about? */
static bool is_given(const struct row *row, enum policy_verb v, const struct resource *r,
		     const json_t *body)
{
	const json_t *value = json_object_get(body, row->name);
	const char *colon = strrchr(row->name, ':');
	char list[64];

	if (value)
		return !says_default(v, r, row->name, value);
	if (!colon)
		return false;
	snprintf(list, sizeof(list), "%.*s", (int)(colon - row->name), row->name);
	return has_member(json_object_get(body, list), colon + 1);
}

int policy_sets_check(const struct nb_who *who, enum policy_verb v, const struct resource *r,
		      const json_t *body, const void *a, struct nb_error *e)
{
	if (who->admin)
		return 0;
	for (const struct row *row = rows; row < rows + N_ROWS; row++)
		if (row->kind == (int)r->kind && row->sets[v] && is_given(row, v, r, body) &&
		    !passes(who, row->rule[v], r, a))
			return refuse(v, r, row->name, e);
	return 0;
}

int policy_action_check(const struct nb_who *who, const struct resource *r, const char *action,
			const void *a, struct nb_error *e)
{
	for (const struct row *row = rows; row < rows + N_ROWS; row++)
		if (row->kind == (int)r->kind && row->does && !strcmp(row->name, action))
			return passes(who, row->rule[POLICY_UPDATE], r, a)
				       ? 0
				       : nb_say(e, PolicyNotAuthorized,
						"rule:%s of a %s is disallowed by policy.", action,
						r->name);
	return policy_check(who, POLICY_UPDATE, r, a, e);
}

uint64_t policy_shown(const struct nb_who *who, const struct resource *r)
{
	uint64_t shown = UINT64_MAX;

	for (const struct row *row = rows; row < rows + N_ROWS; row++) {
		const struct attr *a;

		if (row->kind != (int)r->kind || !row->sets[POLICY_GET] || who->admin)
			continue;
		a = attr_find(&r->shape, row->name);
		if (a)
			shown &= ~(UINT64_C(1) << (a - r->shape.attrs));
	}
	return shown;
}

bool policy_sees_view(const struct nb_who *who, const char *collection)
{
	for (size_t i = 0; i < N_VIEWS; i++)
		if (!strcmp(views[i].collection, collection))
			return who->admin || (views[i].rule & ANY);
	return who->admin;
}

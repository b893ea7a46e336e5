/* SPDX-License-Identifier: Apache-2.0 */
/* Security groups: each project's default group, what stands in the way of deleting one, ports'
 * membership. */
#include "controller/nb_sg.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "controller/mem.h"

static bool given(enum world_kind kind, uint64_t rows, const char *attr)
{
	return nb_given(&resources[kind], rows, attr);
}

/* ---- cuts ---- */

static void count_cut(union any_attrs *a, enum world_kind kind)
{
	if (kind == WORLD_SG)
		a->sg.cuts++;
	else
		a->addrgroup.cuts++;
}

/* Not a change that its owner made: its revision stays. */
void nb_sg_cut(struct nb_request *q, struct world_obj *o)
{
	union any_attrs a;

	attrs_copy(&resources[o->kind].shape, &a, world_obj_attrs(o));
	count_cut(&a, o->kind);
	txn_set(q->txn, o, &a);
}

void nb_sg_touch(struct nb_request *q, struct sg *g, bool cut)
{
	union any_attrs a;

	attrs_copy(&resources[WORLD_SG].shape, &a, &g->a);
	if (cut)
		count_cut(&a, WORLD_SG);
	nb_obj_set(q, &g->obj, &a);
	attrs_fini(&resources[WORLD_SG].shape, &a);
}

/* ---- the default group ---- */

static int index_take(struct nb_request *q, uint32_t *index, struct nb_error *e)
{
	*index = world_index_get(q->nb->world, WORLD_SG);
	if (*index == NUM_NONE)
		return nb_say(e, ServiceUnavailable, "There are %d security groups already.",
			      INDEX_MAX);
	return 0;
}

struct sg *nb_sg_default(struct nb_request *q, const char *tenant_id, struct nb_error *e)
{
	const struct resource *r = &resources[WORLD_SG];
	struct sg *g = world_sg_default(q->nb->world, tenant_id);
	struct sg_attrs a;

	if (g)
		return g;
	attrs_init(&r->shape, &a);
	if (index_take(q, &a.index, e)) {
		attrs_fini(&r->shape, &a);
		return NULL;
	}
	free(a.name);
	a.name = mem_str("default");
	free(a.description);
	a.description = mem_str("Default security group");
	g = (struct sg *)nb_obj_add(q, r, tenant_id, &a);
	nb_sg_rules_begin(q, g, true);
	return g;
}

/* ---- hooks ---- */

static int sg_create(struct nb_request *q, void *p, uint64_t rows, struct nb_error *e)
{
	struct sg_attrs *a = p;

	if (!strcmp(a->name, "default"))
		return nb_refuse(e, SecurityGroupDefaultAlreadyExists);
	if (!nb_sg_default(q, a->tenant_id, e))
		return -1;
	return index_take(q, &a->index, e);
}

static int sg_created(struct nb_request *q, struct world_obj *o, struct nb_error *e)
{
	nb_sg_rules_begin(q, (struct sg *)o, false);
	return 0;
}

static int sg_update(struct nb_request *q, struct world_obj *o, void *p, uint64_t rows,
		     struct nb_error *e)
{
	const struct sg *g = (const struct sg *)o;
	const struct sg_attrs *a = p;

	if (!strcmp(g->a.name, "default") && given(WORLD_SG, rows, "name"))
		return nb_refuse(e, SecurityGroupCannotUpdateDefault);
	if (strcmp(g->a.name, "default") && !strcmp(a->name, "default"))
		return nb_refuse(e, SecurityGroupDefaultAlreadyExists);
	if (a->stateful != g->a.stateful && g->n_ports)
		return nb_refuse(e, SecurityGroupInUse, g->a.id);
	return 0;
}

/* Rules elsewhere that name it go with it. */
static void unname(struct nb_request *q, struct sg *g)
{
	while (g->set.users) {
		struct sg *user = g->set.users->sg;

		for (struct sg_rule *r = user->rules, *next; r; r = next) {
			next = r->sg_next;
			if (r->remote == &g->set)
				txn_del(q->txn, &r->obj);
		}
		if (user != g)
			nb_sg_touch(q, user, true);
	}
}

static int sg_remove(struct nb_request *q, struct world_obj *o, struct nb_error *e)
{
	struct sg *g = (struct sg *)o;

	if (!strcmp(g->a.name, "default") && !q->who.admin)
		return nb_refuse(e, SecurityGroupCannotRemoveDefault);
	if (g->n_ports)
		return nb_refuse(e, SecurityGroupInUse, g->a.id);
	unname(q, g);
	nb_sg_templates_unname(q, g->a.id);
	while (g->rules)
		txn_del(q->txn, &g->rules->obj);
	return 0;
}

/* Who lists groups finds the default one. */
static int sg_list(struct nb_request *q, struct nb_error *e)
{
	const char *project = nb_arg(q, "project_id");

	if (!project)
		project = nb_arg(q, "tenant_id");
	if (!project)
		project = q->who.project;
	if (!project[0] || !nb_owns(&q->who, project) || world_sg_default(q->nb->world, project))
		return 0;
	q->txn = txn_begin(q->nb->log);
	return nb_sg_default(q, project, e) ? 0 : -1;
}

const struct nb_hooks nb_sg_hooks = {
	.create = sg_create,
	.added = sg_created,
	.update = sg_update,
	.remove = sg_remove,
	.list = sg_list,
};

/* ---- computed ---- */

json_t *nb_sg_rules(const struct world_obj *o)
{
	const struct resource *r = &resources[WORLD_SG_RULE];
	json_t *out = json_array();
	uint64_t rows = 0;

	for (size_t i = 0; i < r->shape.n; i++)
		if (!(r->shape.attrs[i].rights & RIGHT_HIDDEN))
			rows |= UINT64_C(1) << i;
	for (const struct sg_rule *x = ((const struct sg *)o)->rules; x; x = x->sg_next)
		json_array_append_new(out, nb_object_json(r, &x->obj, rows));
	return out;
}

json_t *nb_sg_shared(const struct world_obj *o)
{
	return json_false();
}

/* ---- ports ---- */

/* Lower case, each once. */
static void tidy(struct port_attrs *a)
{
	size_t n = 0;

	for (size_t i = 0; i < a->n_security_groups; i++) {
		char *id = a->security_groups[i];
		bool twice = false;

		for (char *c = id; *c; c++)
			*c = (char)tolower((unsigned char)*c);
		for (size_t j = 0; j < n; j++)
			twice |= !strcmp(a->security_groups[j], id);
		if (twice)
			free(id);
		else
			a->security_groups[n++] = id;
	}
	a->n_security_groups = n;
}

static int groups_check(struct nb_request *q, struct port_attrs *a, struct nb_error *e)
{
	const struct sg *first = NULL;

	tidy(a);
	for (size_t i = 0; i < a->n_security_groups; i++) {
		const char *id = a->security_groups[i];
		const struct sg *g;

		if (!nb_is_uuid(id))
			return nb_fail_attr(e, "security_groups", "'%.64s' is not a valid UUID",
					    id);
		g = (const struct sg *)nb_find(q, &resources[WORLD_SG], id, e);
		if (!g)
			return -1;
		if (!first)
			first = g;
		if (g->a.stateful != first->a.stateful)
			return nb_refuse(e, SecurityGroupConflict,
					 "Cannot apply both stateful and stateless security groups "
					 "on the same port at the same time");
	}
	if (a->n_security_groups && !a->port_security_enabled)
		return nb_refuse(e, PortSecurityAndIPRequiredForSecurityGroups);
	return 0;
}

int nb_sg_port_create(struct nb_request *q, struct port_attrs *a, uint64_t rows, struct nb_error *e)
{
	const struct sg *g;

	if (given(WORLD_PORT, rows, "security_groups"))
		return groups_check(q, a, e);
	/* Ports of the network's own functions have none. */
	if (!a->port_security_enabled || !strncmp(a->device_owner, "network:", 8))
		return 0;
	g = nb_sg_default(q, a->tenant_id, e);
	if (!g)
		return -1;
	a->security_groups = mem_array(1, sizeof(char *));
	a->security_groups[0] = mem_str(g->a.id);
	a->n_security_groups = 1;
	return 0;
}

int nb_sg_port_update(struct nb_request *q, const struct port *p, struct port_attrs *a,
		      uint64_t rows, struct nb_error *e)
{
	if (given(WORLD_PORT, rows, "security_groups"))
		return groups_check(q, a, e);
	if (a->n_security_groups && !a->port_security_enabled)
		return nb_refuse(e, PortSecurityPortHasSecurityGroup);
	return 0;
}

static bool has_group(const struct port_attrs *a, const char *id)
{
	for (size_t i = 0; i < a->n_security_groups; i++)
		if (!strcmp(a->security_groups[i], id))
			return true;
	return false;
}

static bool has_ip(const struct port_attrs *a, const struct ip_addr *ip)
{
	for (size_t i = 0; i < a->n_fixed_ips; i++)
		if (!ip_cmp(&a->fixed_ips[i].ip_address, ip))
			return true;
	return false;
}

static bool has_pair(const struct port_attrs *a, const struct ip_prefix *p)
{
	for (size_t i = 0; i < a->n_allowed_address_pairs; i++) {
		const struct ip_prefix *mine = &a->allowed_address_pairs[i].ip_address;

		if (mine->len == p->len && !ip_cmp(&mine->addr, &p->addr))
			return true;
	}
	return false;
}

static bool loses_address(const struct port_attrs *old, const struct port_attrs *a)
{
	for (size_t i = 0; i < old->n_fixed_ips; i++)
		if (!has_ip(a, &old->fixed_ips[i].ip_address))
			return true;
	for (size_t i = 0; i < old->n_allowed_address_pairs; i++)
		if (!has_pair(a, &old->allowed_address_pairs[i].ip_address))
			return true;
	return false;
}

void nb_sg_port_leaves(struct nb_request *q, const struct port *p, const struct port_attrs *a)
{
	const bool loses = !a || loses_address(&p->a, a);

	/* Connections that a membership has allowed: only where a rule names the group. */
	for (size_t i = 0; i < p->n_sgs; i++)
		if (p->sgs[i]->set.users && (loses || !has_group(a, p->sgs[i]->a.id)))
			nb_sg_cut(q, &p->sgs[i]->obj);
}

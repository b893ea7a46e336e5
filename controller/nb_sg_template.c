/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What new security groups begin with: the default rules, which an administrator manages.
 *
 * The four that there are without anybody's asking (everything out; into a default group what comes
 * from its own members) are made when rules are first needed or looked at, and can be deleted like
 * any other.  A record that nobody sees, the marker, says that this has been done.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "controller/mem.h"
#include "controller/nb_sg.h"

static const struct resource *const self = &resources[WORLD_DEFAULT_SG_RULE];

/* As a remote group: the group that the rule is made for. */
static const char parent[] = "PARENT";

static bool is_parent(const struct default_sg_rule_attrs *a)
{
	return a->remote_group_id && !strcmp(a->remote_group_id, parent);
}

/* ---- the first ones ---- */

static void first_add(struct nb_request *q, enum sg_direction d, enum sg_ethertype t,
		      bool from_members)
{
	struct default_sg_rule_attrs a;

	attrs_init(&self->shape, &a);
	a.direction = d;
	a.ethertype = t;
	a.used_in_default_sg = true;
	a.used_in_non_default_sg = !from_members;
	if (from_members)
		a.remote_group_id = mem_str(parent);
	nb_obj_add(q, self, "", &a);
}

static void first_ones(struct nb_request *q)
{
	struct default_sg_rule_attrs a;

	if (q->nb->world->objs[WORLD_DEFAULT_SG_RULE])
		return;
	if (!q->txn)
		q->txn = txn_begin(q->nb->log);
	attrs_init(&self->shape, &a);
	a.marker = true;
	nb_obj_add(q, self, "", &a);
	for (int t = ETHER_IPV4; t <= ETHER_IPV6; t++) {
		first_add(q, SG_EGRESS, (enum sg_ethertype)t, false);
		first_add(q, SG_INGRESS, (enum sg_ethertype)t, true);
	}
}

/* ---- as rules ---- */

static void text_copy(char **to, const char *from)
{
	free(*to);
	*to = mem_str(from);
}

/* The rule that the template makes; its remote group is the caller's business. */
static void rule_of(const struct default_sg_rule_attrs *t, struct sg_rule_attrs *a)
{
	attrs_init(&resources[WORLD_SG_RULE].shape, a);
	text_copy(&a->description, t->description);
	a->direction = t->direction;
	a->ethertype = t->ethertype;
	text_copy(&a->protocol, t->protocol);
	a->port_range_min = t->port_range_min;
	a->port_range_max = t->port_range_max;
	a->remote_ip_prefix = t->remote_ip_prefix;
	memcpy(a->remote_address_group_id, t->remote_address_group_id, UUID_TEXT);
}

static void rule_add(struct nb_request *q, const struct sg *g, const struct default_sg_rule *t)
{
	struct sg_rule_attrs a;

	rule_of(&t->a, &a);
	strcpy(a.security_group_id, g->a.id);
	if (t->a.remote_group_id)
		strcpy(a.remote_group_id, is_parent(&t->a) ? g->a.id : t->a.remote_group_id);
	nb_obj_add(q, &resources[WORLD_SG_RULE], g->a.tenant_id, &a);
}

void nb_sg_rules_begin(struct nb_request *q, const struct sg *g, bool is_default)
{
	first_ones(q);
	for (WORLD_ALL(default_sg_rule, DEFAULT_SG_RULE, t, q->nb->world))
		if (!t->a.marker &&
		    (is_default ? t->a.used_in_default_sg : t->a.used_in_non_default_sg))
			rule_add(q, g, t);
}

/* ---- groups that go ---- */

static struct default_sg_rule *namer(const struct world *w, const char *id)
{
	for (WORLD_ALL(default_sg_rule, DEFAULT_SG_RULE, t, w))
		if (!strcmp(t->a.remote_address_group_id, id) ||
		    (t->a.remote_group_id && !strcmp(t->a.remote_group_id, id)))
			return t;
	return NULL;
}

bool nb_sg_templates_name(const struct world *w, const char *id)
{
	return namer(w, id);
}

void nb_sg_templates_unname(struct nb_request *q, const char *id)
{
	struct default_sg_rule *t;

	while ((t = namer(q->nb->world, id)))
		txn_del(q->txn, &t->obj);
}

/* ---- hooks ---- */

static bool same_text(const char *a, const char *b)
{
	return !strcmp(a ? a : "", b ? b : "");
}

/* One of the same packets that is for the same groups. */
static const struct default_sg_rule *twin_of(const struct world *w,
					     const struct default_sg_rule_attrs *a,
					     const struct sg_rule_attrs *rule)
{
	for (WORLD_ALL(default_sg_rule, DEFAULT_SG_RULE, t, w)) {
		struct sg_rule_attrs other;
		bool same;

		if (t->a.marker || !same_text(t->a.remote_group_id, a->remote_group_id) ||
		    !((t->a.used_in_default_sg && a->used_in_default_sg) ||
		      (t->a.used_in_non_default_sg && a->used_in_non_default_sg)))
			continue;
		rule_of(&t->a, &other);
		same = nb_sg_rule_is_same(&other, rule);
		attrs_fini(&resources[WORLD_SG_RULE].shape, &other);
		if (same)
			return t;
	}
	return NULL;
}

static int remote_group_check(struct nb_request *q, struct default_sg_rule_attrs *a,
			      struct nb_error *e)
{
	if (!a->remote_group_id || is_parent(a))
		return 0;
	for (char *c = a->remote_group_id; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	if (!nb_is_uuid(a->remote_group_id))
		return nb_fail_attr(e, "remote_group_id", "'%.36s' is not a valid UUID",
				    a->remote_group_id);
	return nb_find(q, &resources[WORLD_SG], a->remote_group_id, e) ? 0 : -1;
}

static int template_create(struct nb_request *q, void *p, uint64_t given, struct nb_error *e)
{
	struct default_sg_rule_attrs *a = p;
	const struct default_sg_rule *twin = NULL;
	struct sg_rule_attrs rule;
	int protocol, rc = -1;

	first_ones(q);
	a->tenant_id[0] = '\0'; /* nobody's */
	if (a->remote_group_id &&
	    (a->remote_address_group_id[0] || a->remote_ip_prefix.addr.family))
		return nb_refuse(e, SecurityGroupMultipleRemoteEntites);
	if (remote_group_check(q, a, e))
		return -1;
	rule_of(a, &rule);
	if (!nb_sg_rule_check(q, &rule, &protocol, e)) {
		text_copy(&a->protocol, rule.protocol);
		twin = twin_of(q->nb->world, a, &rule);
		rc = twin ? nb_refuse(e, DefaultSecurityGroupRuleExists, twin->a.id) : 0;
	}
	attrs_fini(&resources[WORLD_SG_RULE].shape, &rule);
	return rc;
}

/* Its description; groups that there are keep their rules. */
static int template_update(struct nb_request *q, struct world_obj *o, void *p, uint64_t given,
			   struct nb_error *e)
{
	return 0;
}

static int template_list(struct nb_request *q, struct nb_error *e)
{
	first_ones(q);
	return 0;
}

static bool template_hidden(const struct world_obj *o)
{
	return ((const struct default_sg_rule *)o)->a.marker;
}

const struct nb_hooks nb_default_sg_rule_hooks = {
	.create = template_create,
	.update = template_update,
	.list = template_list,
	.hidden = template_hidden,
};

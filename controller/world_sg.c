/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Security groups, their rules, address groups: who is in which, and which group names whom.
 *
 *	port ──< sg ──< sg_rule      sg, addrgroup: each has a set of addresses
 *	sg ──< set_user >── addr_set ──< set_addr >── sg_addr
 *
 * A member that comes or goes marks its address, not the groups that name it: what is derived
 * because of it is a flow or two.
 */
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/log.h"
#include "controller/mem.h"
#include "controller/protocol.h"
#include "controller/world_priv.h"

/* ---- addresses ---- */

static uint32_t bucket_of(const struct ip_prefix *p)
{
	uint32_t h = 2166136261u; /* FNV-1a: the same after a restart, and on every machine */

	for (size_t i = 0; i < ip_size(&p->addr); i++)
		h = (h ^ p->addr.b[i]) * 16777619u;
	h = (h ^ p->len) * 16777619u;
	return (h >> 24 ^ h) & INDEX_MAX;
}

struct sg_addr *world_sg_addrs(const struct world *w, uint32_t bucket)
{
	struct sg_addr *a;

	HASH_FIND(hh, w->sg_addrs, &bucket, sizeof(bucket), a);
	return a;
}

static bool same_prefix(const struct ip_prefix *a, const struct ip_prefix *b)
{
	return a->len == b->len && !ip_cmp(&a->addr, &b->addr);
}

static struct sg_addr *addr_get(struct world *w, const struct ip_prefix *p)
{
	uint32_t bucket = bucket_of(p);
	struct sg_addr *head = world_sg_addrs(w, bucket), *a;

	for (a = head; a; a = a->next)
		if (same_prefix(&a->ip, p))
			return a;
	a = mem_get(sizeof(*a));
	a->obj.kind = WORLD_ADDR;
	a->ip = *p;
	a->bucket = bucket;
	if (head) {
		a->next = head->next;
		head->next = a;
	} else {
		HASH_ADD(hh, w->sg_addrs, bucket, sizeof(a->bucket), a);
	}
	return a;
}

/* Nobody has it any more: freed when the listeners have been told. */
static void addr_drop(struct world *w, struct sg_addr *a)
{
	struct sg_addr *head = world_sg_addrs(w, a->bucket), **at;

	HASH_DEL(w->sg_addrs, head);
	for (at = &head; *at != a; at = &(*at)->next)
		;
	*at = a->next;
	if (head)
		HASH_ADD(hh, w->sg_addrs, bucket, sizeof(head->bucket), head);
	world_mark_dirty(w, &a->obj, WORLD_DELETED);
}

/* ---- sets ---- */

static struct set_addr *set_addr_find(const struct addr_set *s, const struct sg_addr *a)
{
	struct set_addr *m;

	for (m = a->sets; m && m->set != s; m = m->addr_next)
		;
	return m;
}

static void part_add(struct world *w, struct addr_set *s, const struct ip_prefix *p)
{
	struct sg_addr *a = addr_get(w, p);
	struct set_addr *m = set_addr_find(s, a);

	if (m) {
		m->n++;
		return;
	}
	m = mem_get(sizeof(*m));
	m->set = s;
	m->addr = a;
	m->n = 1;
	DL_APPEND2(s->addrs, m, set_prev, set_next);
	DL_APPEND2(a->sets, m, addr_prev, addr_next);
	if (s->users)
		world_mark_dirty(w, &a->obj, WORLD_ATTRS);
}

static void part_del(struct world *w, struct addr_set *s, const struct ip_prefix *p)
{
	struct sg_addr *a = addr_get(w, p);
	struct set_addr *m = set_addr_find(s, a);

	if (--m->n)
		return;
	DL_DELETE2(s->addrs, m, set_prev, set_next);
	DL_DELETE2(a->sets, m, addr_prev, addr_next);
	free(m);
	if (!a->sets)
		addr_drop(w, a);
	else if (s->users)
		world_mark_dirty(w, &a->obj, WORLD_ATTRS);
}

typedef void part_fn(struct world *w, struct addr_set *s, const struct ip_prefix *p);

/*
 * Prefixes are cut to lengths of whole four bits, up to eight parts each.  A switch takes 256
 * different masks of conjunctive flows in a table: no tenant uses them up by prefixes of all
 * lengths.
 */
static void parts(struct world *w, struct addr_set *s, const struct ip_prefix *p, part_fn *fn)
{
	const unsigned int len = (p->len + 3u) & ~3u;

	for (unsigned int i = 0; i < 1u << (len - p->len); i++) {
		struct ip_prefix part = { ip_prefix_first(p), (uint8_t)len };

		if (len)
			part.addr.b[(len - 1) / 8] |= (uint8_t)(i << (len % 8 ? 4 : 0));
		fn(w, s, &part);
	}
}

static void set_add(struct world *w, struct addr_set *s, const struct ip_prefix *p)
{
	parts(w, s, p, part_add);
}

static void set_del(struct world *w, struct addr_set *s, const struct ip_prefix *p)
{
	parts(w, s, p, part_del);
}

static void set_mark(struct world *w, const struct addr_set *s)
{
	for (const struct set_addr *m = s->addrs; m; m = m->set_next)
		world_mark_dirty(w, &m->addr->obj, WORLD_ATTRS);
}

/* The connections that its addresses are allowed are judged anew. */
static void set_users_mark(struct world *w, const struct addr_set *s)
{
	for (const struct set_user *u = s->users; u; u = u->set_next)
		world_mark_dirty(w, &u->sg->obj, WORLD_ATTRS);
}

/* ---- ports ---- */

static void port_member(struct world *w, struct port *p, struct addr_set *s, part_fn *fn)
{
	for (size_t i = 0; i < p->a.n_fixed_ips; i++) {
		struct ip_prefix ip = { p->a.fixed_ips[i].ip_address, 0 };

		ip.len = (uint8_t)(ip_size(&ip.addr) * 8);
		fn(w, s, &ip);
	}
	for (size_t i = 0; i < p->a.n_allowed_address_pairs; i++)
		fn(w, s, &p->a.allowed_address_pairs[i].ip_address);
}

void port_sgs_derive(struct world *w, struct port *p)
{
	if (!p->a.n_security_groups)
		return;
	p->sgs = mem_array(p->a.n_security_groups, sizeof(struct sg *));
	for (size_t i = 0; i < p->a.n_security_groups; i++) {
		struct sg *g = world_sg_find(w, p->a.security_groups[i]);

		if (!g) {
			log_err("world", "port %s: its security group %s is not there", p->a.id,
				p->a.security_groups[i]);
			continue;
		}
		p->sgs[p->n_sgs++] = g;
		g->n_ports++;
		port_member(w, p, &g->set, set_add);
	}
}

void port_sgs_underive(struct world *w, struct port *p)
{
	for (size_t i = 0; i < p->n_sgs; i++) {
		p->sgs[i]->n_ports--;
		port_member(w, p, &p->sgs[i]->set, set_del);
	}
	free(p->sgs);
	p->sgs = NULL;
	p->n_sgs = 0;
}

/* ---- rules ---- */

static struct addr_set *remote_of(const struct world *w, const struct sg_rule *r)
{
	struct sg *g = r->a.remote_group_id[0] ? world_sg_find(w, r->a.remote_group_id) : NULL;
	struct addrgroup *ag = r->a.remote_address_group_id[0]
				       ? (struct addrgroup *)world_obj_find(
						 w, WORLD_ADDRGROUP, r->a.remote_address_group_id)
				       : NULL;

	return g ? &g->set : ag ? &ag->set : NULL;
}

struct set_user *sg_user_find(const struct sg *g, const struct addr_set *s)
{
	struct set_user *u;

	for (u = g->remotes; u && u->set != s; u = u->sg_next)
		;
	return u;
}

bool set_user_has(const struct set_user *u, enum sg_direction d)
{
	return u->n[d][ETHER_IPV4] || u->n[d][ETHER_IPV6];
}

uint32_t addr_set_cuts(const struct addr_set *s)
{
	return s->owner->kind == WORLD_SG ? ((const struct sg *)s->owner)->a.cuts
					  : ((const struct addrgroup *)s->owner)->a.cuts;
}

/* A set that is named in another direction or for another IP version has flows for each address. */
static void use(struct world *w, struct sg_rule *r, int by)
{
	struct addr_set *s = r->remote;
	struct set_user *u = sg_user_find(r->sg, s);
	uint32_t *n;

	if (!u) {
		u = mem_get(sizeof(*u));
		u->set = s;
		u->sg = r->sg;
		DL_APPEND2(s->users, u, set_prev, set_next);
		DL_APPEND2(r->sg->remotes, u, sg_prev, sg_next);
	}
	n = &u->n[r->a.direction][r->a.ethertype];
	*n += (uint32_t)by;
	if (*n == 0 || (*n == 1 && by > 0))
		set_mark(w, s);
	for (size_t i = 0; i < 4; i++)
		if (u->n[i / 2][i % 2])
			return;
	DL_DELETE2(s->users, u, set_prev, set_next);
	DL_DELETE2(r->sg->remotes, u, sg_prev, sg_next);
	free(u);
}

static void rule_link(struct world *w, struct world_obj *o)
{
	struct sg_rule *r = (struct sg_rule *)o;

	r->sg = world_sg_find(w, r->a.security_group_id);
	DL_APPEND2(r->sg->rules, r, sg_prev, sg_next);
	r->sg->n_rules++;
	r->remote = remote_of(w, r);
	r->protocol = protocol_number(r->a.protocol);
	if (r->remote)
		use(w, r, 1);
}

static void rule_unlink(struct world *w, struct world_obj *o)
{
	struct sg_rule *r = (struct sg_rule *)o;

	DL_DELETE2(r->sg->rules, r, sg_prev, sg_next);
	r->sg->n_rules--;
	if (r->remote)
		use(w, r, -1);
}

static void rule_settle(struct world *w, struct world_obj *o, uint32_t what)
{
	if (what & (WORLD_ADDED | WORLD_DELETED))
		world_mark_dirty(w, &((struct sg_rule *)o)->sg->obj, WORLD_RULES);
}

const struct world_ops world_sg_rule_ops = {
	.size = sizeof(struct sg_rule),
	.link = rule_link,
	.unlink = rule_unlink,
	.settle = rule_settle,
};

/* ---- groups ---- */

struct sg *world_sg_find(const struct world *w, const char *id)
{
	return (struct sg *)world_obj_find(w, WORLD_SG, id);
}

struct sg *world_sg_by_index(const struct world *w, uint32_t index)
{
	return (struct sg *)world_obj_by_index(w, WORLD_SG, index);
}

struct sg *world_sg_default(const struct world *w, const char *tenant_id)
{
	struct sg *g;

	HASH_FIND(hh_default, w->default_sgs, tenant_id, strlen(tenant_id), g);
	return g;
}

static void sg_derive(struct world *w, struct world_obj *o)
{
	struct sg *g = (struct sg *)o;

	g->set.owner = o;
	if (!strcmp(g->a.name, "default") && !world_sg_default(w, g->a.tenant_id)) {
		HASH_ADD_KEYPTR(hh_default, w->default_sgs, g->a.tenant_id, strlen(g->a.tenant_id),
				g);
		g->is_default = true;
	}
}

static void sg_underive(struct world *w, struct world_obj *o)
{
	struct sg *g = (struct sg *)o;

	if (g->is_default)
		HASH_DELETE(hh_default, w->default_sgs, g);
	g->is_default = false;
}

static void sg_settle(struct world *w, struct world_obj *o, uint32_t what)
{
	set_users_mark(w, &((struct sg *)o)->set);
}

const struct world_ops world_sg_ops = {
	.size = sizeof(struct sg),
	.derive = sg_derive,
	.underive = sg_underive,
	.settle = sg_settle,
};

/* ---- address groups ---- */

static void addrgroup_each(struct world *w, struct addrgroup *g, part_fn *fn)
{
	for (size_t i = 0; i < g->a.n_addresses; i++) {
		struct ip_prefix p;

		if (!ip_prefix_parse(g->a.addresses[i], &p))
			fn(w, &g->set, &p);
	}
}

static void addrgroup_derive(struct world *w, struct world_obj *o)
{
	struct addrgroup *g = (struct addrgroup *)o;

	g->set.owner = o;
	addrgroup_each(w, g, set_add);
}

static void addrgroup_underive(struct world *w, struct world_obj *o)
{
	addrgroup_each(w, (struct addrgroup *)o, set_del);
}

static void addrgroup_settle(struct world *w, struct world_obj *o, uint32_t what)
{
	set_users_mark(w, &((struct addrgroup *)o)->set);
}

const struct world_ops world_addrgroup_ops = {
	.size = sizeof(struct addrgroup),
	.derive = addrgroup_derive,
	.underive = addrgroup_underive,
	.settle = addrgroup_settle,
};

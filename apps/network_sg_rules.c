/* SPDX-License-Identifier: Apache-2.0 */
/*
 * App network, stage sg_rules: one flow or a few for each rule of a security group.
 *
 * Only the first direction of a connection is looked at (ct_nw_src, ct_tp_dst ...), so that its
 * replies are judged by the same flows.  Those of a stateless group look at the packet itself.  A
 * rule that names a set of addresses (a remote group, an address group) is a conjunction: clause 1
 * is its protocol and ports, clause 2 the set's addresses, which are flows of their own; a member
 * that comes is one flow.
 */
#include "apps/network_sg.h"

#include <stdlib.h>
#include <string.h>

#include "controller/protocol.h"

enum { ETH_IPV4 = 0x0800, ETH_IPV6 = 0x86dd };
enum { PRIO_CLAUSE = 90, PRIO_RULE = 100 };

/* A value of the ports, or of ICMP's type and code; mask 0: any. */
struct ports {
	uint16_t src, src_mask, dst, dst_mask;
};

/* What a flow matches; conj 0: it allows by itself. */
struct clause {
	uint8_t egress, v6;
	int16_t protocol;
	struct ports ports;
	struct ip_prefix ip;
	uint32_t conj;
};

struct clauses {
	struct clause *v;
	size_t n, room;
	bool short_of_memory;
};

/* Only those of one group are ever met together, so it need not tell groups apart. */
static uint32_t conj_of(const struct addr_set *s)
{
	return (s->owner->kind == WORLD_SG ? 1u : 2u) << 24 | world_obj_key(s->owner)->index;
}

static void clause_add(struct clauses *c, const struct clause *one)
{
	if (c->n == c->room) {
		size_t room = c->room ? c->room * 2 : 64;
		struct clause *v = realloc(c->v, room * sizeof(*v));

		if (!v) {
			c->short_of_memory = true;
			return;
		}
		c->v = v;
		c->room = room;
	}
	c->v[c->n++] = *one;
}

/* A range of ports as values with masks. */
static void add_range(struct clauses *c, struct clause *one, uint32_t from, uint32_t to)
{
	while (from <= to) {
		uint32_t block = port_span_block(from, to);

		one->ports.dst = (uint16_t)from;
		one->ports.dst_mask = (uint16_t)(0x10000 - block);
		clause_add(c, one);
		from += block;
	}
}

static void add_rule(struct clauses *c, const struct sg_rule *r)
{
	struct clause one;
	uint32_t low = r->a.port_range_min, high = r->a.port_range_max;

	memset(&one, 0, sizeof(one)); /* compared as bytes */
	one.egress = r->a.direction == SG_EGRESS;
	one.v6 = r->a.ethertype == ETHER_IPV6;
	one.protocol = (int16_t)r->protocol;
	one.conj = r->remote ? conj_of(r->remote) : 0;
	if (r->a.remote_ip_prefix.addr.family && r->a.remote_ip_prefix.len) {
		one.ip.addr = ip_prefix_first(&r->a.remote_ip_prefix);
		one.ip.len = r->a.remote_ip_prefix.len;
	}
	if (protocol_has_ports(r->protocol) && low != NUM_NONE) {
		add_range(c, &one, low, high);
		return;
	}
	if (r->protocol == PROTOCOL_ICMP || r->protocol == PROTOCOL_ICMPV6) {
		one.ports.src = low == NUM_NONE ? 0 : (uint16_t)low;
		one.ports.src_mask = low == NUM_NONE ? 0 : 0xffff;
		one.ports.dst = high == NUM_NONE ? 0 : (uint16_t)high;
		one.ports.dst_mask = high == NUM_NONE ? 0 : 0xffff;
	}
	clause_add(c, &one);
}

static int clause_cmp(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct clause));
}

static bool same_match(const struct clause *a, const struct clause *b)
{
	return !memcmp(a, b, offsetof(struct clause, conj));
}

static void match_ip(struct draft *d, const struct sg *g, bool egress, const struct ip_prefix *p)
{
	static const enum of_field_id fields[2][2][2] = {
		{ { OF_FIELD_IPV4_SRC, OF_FIELD_IPV4_DST },
		  { OF_FIELD_IPV6_SRC, OF_FIELD_IPV6_DST } },
		{ { OF_FIELD_CT_NW_SRC, OF_FIELD_CT_NW_DST },
		  { OF_FIELD_CT_IPV6_SRC, OF_FIELD_CT_IPV6_DST } },
	};

	if (p->len)
		network_match_prefix(d, fields[g->a.stateful][p->addr.family == 6][egress], p);
}

/* ct_nw_src and the like are there for packets that are known to have a connection. */
static void match_type(struct draft *d, const struct sg *g, bool v6)
{
	draft_match(d, OF_FIELD_ETH_TYPE, v6 ? ETH_IPV6 : ETH_IPV4);
	if (g->a.stateful)
		draft_match_masked(d, OF_FIELD_CT_STATE, OF_CT_TRK, OF_CT_TRK | OF_CT_INV);
}

static void match_tracked_l4(struct draft *d, const struct clause *c)
{
	if (c->protocol >= 0)
		draft_match(d, OF_FIELD_CT_NW_PROTO, (uint64_t)c->protocol);
	if (c->ports.src_mask)
		draft_match_masked(d, OF_FIELD_CT_TP_SRC, c->ports.src, c->ports.src_mask);
	if (c->ports.dst_mask)
		draft_match_masked(d, OF_FIELD_CT_TP_DST, c->ports.dst, c->ports.dst_mask);
}

static void match_packet_l4(struct draft *d, const struct clause *c)
{
	const bool icmp = c->protocol == PROTOCOL_ICMP && !c->v6;
	const bool icmp6 = c->protocol == PROTOCOL_ICMPV6 && c->v6;

	if (c->protocol >= 0)
		draft_match(d, OF_FIELD_IP_PROTO, (uint64_t)c->protocol);
	if (icmp || icmp6) {
		if (c->ports.src_mask)
			draft_match(d, icmp ? OF_FIELD_ICMPV4_TYPE : OF_FIELD_ICMPV6_TYPE,
				    c->ports.src);
		if (c->ports.dst_mask)
			draft_match(d, icmp ? OF_FIELD_ICMPV4_CODE : OF_FIELD_ICMPV6_CODE,
				    c->ports.dst);
	} else if (protocol_has_ports(c->protocol) && c->ports.dst_mask) {
		draft_match_masked(d,
				   c->protocol == PROTOCOL_TCP	 ? OF_FIELD_TCP_DST
				   : c->protocol == PROTOCOL_UDP ? OF_FIELD_UDP_DST
								 : OF_FIELD_SCTP_DST,
				   c->ports.dst, c->ports.dst_mask);
	}
}

static struct draft *flow_of(const struct sg *g, const struct clause *c, struct flowset *fs)
{
	struct draft *d = FLOW(fs, sg_rules, c->conj ? PRIO_CLAUSE : PRIO_RULE);

	draft_match_reg(d, REG_sg, network_sg_reg(g, c->egress));
	match_type(d, g, c->v6);
	if (g->a.stateful)
		match_tracked_l4(d, c);
	else
		match_packet_l4(d, c);
	match_ip(d, g, c->egress, &c->ip);
	return d;
}

static void allow(struct draft *d)
{
	draft_load(d, REG_allowed, 1);
	draft_end(d);
}

/* Rules that overlap come to the same match: one flow for all of them. */
static void emit(const struct sg *g, const struct clauses *c, struct flowset *fs)
{
	for (size_t i = 0, end; i < c->n; i = end) {
		const struct clause *one = &c->v[i];
		struct draft *d = flow_of(g, one, fs);

		for (end = i + 1; end < c->n && same_match(one, &c->v[end]); end++)
			;
		if (!one->conj) {
			allow(d);
			continue;
		}
		for (size_t k = i; k < end; k++)
			if (k == i || c->v[k].conj != c->v[k - 1].conj)
				draft_conjunction(d, c->v[k].conj, 1, 2);
		draft_end(d);
	}
}

void network_sg_rules(const struct sg *g, struct flowset *fs)
{
	struct clauses c = { NULL };

	for (const struct sg_rule *r = g->rules; r; r = r->sg_next)
		add_rule(&c, r);
	if (c.n)
		qsort(c.v, c.n, sizeof(*c.v), clause_cmp);
	if (c.short_of_memory)
		fs->refused++;
	emit(g, &c, fs);
	free(c.v);
	for (const struct set_user *u = g->remotes; u; u = u->sg_next)
		for (int egress = 0; egress < 2; egress++) {
			struct draft *d;

			if (!set_user_has(u, egress))
				continue;
			d = FLOW(fs, sg_rules, PRIO_CLAUSE);
			draft_match_reg(d, REG_sg, network_sg_reg(g, egress));
			draft_match(d, OF_FIELD_CONJ_ID, conj_of(u->set));
			allow(d);
		}
}

/* ---- members ---- */

static void member_flow(const struct sg *g, const struct ip_prefix *ip, bool egress,
			const uint32_t *ids, size_t n, struct flowset *fs)
{
	struct draft *d = FLOW(fs, sg_rules, PRIO_CLAUSE);

	draft_match_reg(d, REG_sg, network_sg_reg(g, egress));
	match_type(d, g, ip->addr.family == 6);
	match_ip(d, g, egress, ip);
	for (size_t k = 0; k < n; k++)
		draft_conjunction(d, ids[k], 2, 2);
	draft_end(d);
}

/* All addresses: as two halves, which match nothing that a rule's own clause matches as well. */
static void member_flows(const struct sg *g, const struct ip_prefix *ip, bool egress,
			 const uint32_t *ids, size_t n, struct flowset *fs)
{
	struct ip_prefix half = { { ip->addr.family, { 0 } }, 1 };

	if (ip->len) {
		member_flow(g, ip, egress, ids, n, fs);
		return;
	}
	member_flow(g, &half, egress, ids, n, fs);
	half.addr.b[0] = 0x80;
	member_flow(g, &half, egress, ids, n, fs);
}

static int id_cmp(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

void network_sg_member(const struct sg *g, const struct sg_addr *a, struct flowset *fs)
{
	const int v6 = a->ip.addr.family == 6;
	size_t most = 0;
	uint32_t *ids;

	for (const struct set_addr *m = a->sets; m; m = m->addr_next)
		most++;
	ids = most ? malloc(most * sizeof(*ids)) : NULL;
	if (!ids) {
		fs->refused++;
		return;
	}
	for (int egress = 0; egress < 2; egress++) {
		size_t n = 0;

		for (const struct set_addr *m = a->sets; m; m = m->addr_next) {
			const struct set_user *u = sg_user_find(g, m->set);

			if (u && u->n[egress ? SG_EGRESS : SG_INGRESS][v6])
				ids[n++] = conj_of(m->set);
		}
		qsort(ids, n, sizeof(*ids), id_cmp);
		if (n)
			member_flows(g, &a->ip, egress, ids, n, fs);
	}
	free(ids);
}

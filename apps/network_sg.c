/* SPDX-License-Identifier: Apache-2.0 */
/*
 * App network, security groups: which packets of a port are tracked, what is known already, and
 * what becomes of what the rules say.  The rules are network_sg_rules.c's.
 *
 *   from a port   sg_out: IP through ct(zone of the port) -> sg_out_state -> (rules) ->
 * sg_out_verdict -> on to a port     sg_in:  the same                        -> sg_in_state  ->
 * (rules) -> out -> output
 *
 * A connection is judged when it begins and, once more, when something was taken away that may have
 * allowed it: its mark is the EPOCH in which it was allowed, and that of its port has changed.
 * Replies are judged by their connection's first direction.
 *
 * A port of stateless groups has no connections: its packets are asked about one by one.
 *
 * Ports with the same single group share their verdict flows: a change of EPOCH costs some flows
 * for each group, not for each port.  Who has several groups has flows of its own.
 */
#include "apps/network_sg.h"

enum { ETH_IPV4 = 0x0800, ETH_IPV6 = 0x86dd };
enum { PROTO_UDP = 17, PROTO_ICMPV6 = 58 };
enum { PRIO_REST = 0, PRIO_DENY = 10, PRIO_JUDGE = 50, PRIO_ALLOW = 90, PRIO_KNOWN = 100 };
enum { PRIO_PORT = 100, PRIO_BASE = 200, PRIO_SELF = 210 };

/* ---- EPOCH ---- */

static uint64_t mix(uint64_t x)
{
	/* splitmix64's finalizer */
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

static uint64_t term(enum world_kind kind, uint32_t index, uint32_t cuts)
{
	return mix((uint64_t)cuts << 32 ^ mix((uint64_t)kind << 24 | index));
}

/* A sum, so that the order of rules has no part in it. */
static uint32_t epoch_of(struct sg *const *groups, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++) {
		const struct sg *g = groups[i];

		sum += term(WORLD_SG, g->a.index, g->a.cuts);
		for (const struct set_user *u = g->remotes; u; u = u->sg_next)
			sum += term(u->set->owner->kind, world_obj_key(u->set->owner)->index,
				    addr_set_cuts(u->set));
	}
	sum = mix(sum) >> 32;
	return sum ? (uint32_t)sum : 1; /* 0 is the mark of what was never allowed */
}

/* ---- what is tracked ---- */

static void pass(struct draft *d, bool out)
{
	if (out)
		draft_goto(d, NETWORK_AFTER_SG);
	else
		draft_output_reg(d, REG_out);
	draft_end(d);
}

static struct draft *flow(struct flowset *fs, enum stage s, uint16_t priority, const char *where)
{
	return flowset_flow(fs, s, priority, where);
}
#define FLOW_IN(fs, s, priority) flow(fs, s, priority, __FILE__ ":" FLOWSET_STR(__LINE__))

/* What no group need allow, as Neutron has it: a host finds its addresses and its neighbours. */
static void base(struct flowset *fs, bool out)
{
	static const uint8_t to_all[] = { 130, 131, 132, 133, 135, 136, 143 };
	static const uint8_t to_host[] = { 130, 134, 135, 136 };
	static const uint16_t dhcp[2][2] = { { 68, 67 }, { 546, 547 } };
	const enum stage s = out ? STAGE_sg_out : STAGE_sg_in;
	const uint8_t *types = out ? to_all : to_host;
	const size_t n = out ? sizeof(to_all) : sizeof(to_host);
	struct draft *d;

	for (size_t i = 0; i < n; i++) {
		d = FLOW_IN(fs, s, PRIO_BASE);
		draft_match(d, OF_FIELD_ETH_TYPE, ETH_IPV6);
		draft_match(d, OF_FIELD_IP_PROTO, PROTO_ICMPV6);
		draft_match(d, OF_FIELD_ICMPV6_TYPE, types[i]);
		pass(d, out);
	}
	for (int v6 = 0; v6 < 2; v6++) {
		d = FLOW_IN(fs, s, PRIO_BASE);
		draft_match(d, OF_FIELD_ETH_TYPE, v6 ? ETH_IPV6 : ETH_IPV4);
		draft_match(d, OF_FIELD_IP_PROTO, PROTO_UDP);
		draft_match(d, OF_FIELD_UDP_SRC, dhcp[v6][out ? 0 : 1]);
		draft_match(d, OF_FIELD_UDP_DST, dhcp[v6][out ? 1 : 0]);
		pass(d, out);
	}
}

void network_sg_switch(struct flowset *fs)
{
	struct draft *d;

	for (int out = 0; out < 2; out++) {
		base(fs, out);
		d = FLOW_IN(fs, out ? STAGE_sg_out : STAGE_sg_in, PRIO_REST);
		pass(d, out);
		/* Neither a connection's nor one that begins: an answer nobody asked for. */
		d = FLOW_IN(fs, out ? STAGE_sg_out_state : STAGE_sg_in_state, PRIO_BASE);
		draft_match_masked(d, OF_FIELD_CT_STATE, OF_CT_TRK | OF_CT_INV,
				   OF_CT_TRK | OF_CT_INV);
		draft_end(d);
	}
	/* Whom no rule allows comes back from there as it went. */
	d = FLOW(fs, sg_rules, PRIO_REST);
	draft_end(d);
}

static uint32_t policy_of(const struct port *p)
{
	return p->n_sgs == 1 ? p->sgs[0]->a.index : 0x80000000 | p->a.index;
}

static void ask(struct draft *d, struct sg *const *groups, size_t n, bool egress, bool out)
{
	draft_load(d, REG_allowed, 0);
	for (size_t i = 0; i < n; i++) {
		draft_load(d, REG_sg, network_sg_reg(groups[i], egress));
		draft_resubmit(d, STAGE_sg_rules);
	}
	draft_goto(d, out ? STAGE_sg_out_verdict : STAGE_out);
}

static void track(struct draft *d, const struct port *p, bool out)
{
	struct ct_spec ct = { .zone_is_reg = true,
			      .goes_on = true,
			      .next = out ? STAGE_sg_out_state : STAGE_sg_in_state };

	if (p->n_sgs)
		draft_load(d, REG_policy, policy_of(p));
	if (p->n_sgs && p->sgs[0]->a.stateful) { /* they are all, or none is */
		draft_load(d, REG_zone, p->place.sp->ofport);
		draft_ct(d, &ct);
	} else if (p->n_sgs) {
		ask(d, p->sgs, p->n_sgs, out, out);
	}
	draft_end(d); /* without a group nothing is allowed */
}

void network_sg_port(const struct port *p, struct flowset *fs)
{
	const uint32_t ofport = p->place.sp->ofport;
	struct draft *d;

	for (int v6 = 0; v6 < 2; v6++) {
		d = FLOW(fs, sg_out, PRIO_PORT);
		draft_match(d, OF_FIELD_IN_PORT, ofport);
		draft_match(d, OF_FIELD_ETH_TYPE, v6 ? ETH_IPV6 : ETH_IPV4);
		track(d, p, true);

		d = FLOW(fs, sg_in, PRIO_PORT);
		draft_match_reg(d, REG_out, ofport);
		draft_match(d, OF_FIELD_ETH_TYPE, v6 ? ETH_IPV6 : ETH_IPV4);
		track(d, p, false);
	}
	/* What is flooded does not come back to its sender, nor to its connection. */
	d = FLOW(fs, sg_in, PRIO_SELF);
	draft_match(d, OF_FIELD_IN_PORT, ofport);
	draft_match_reg(d, REG_out, ofport);
	draft_end(d);
	if (p->n_sgs > 1)
		network_sg_policy(policy_of(p), p->sgs, p->n_sgs, fs);
}

/* ---- what is known, and what the rules have said ---- */

static void judge(struct flowset *fs, uint32_t policy, struct sg *const *groups, size_t n, bool out,
		  bool reply)
{
	struct draft *d = FLOW_IN(fs, out ? STAGE_sg_out_state : STAGE_sg_in_state, PRIO_JUDGE);

	draft_match_reg(d, REG_policy, policy);
	draft_match_masked(d, OF_FIELD_CT_STATE, OF_CT_TRK | (reply ? OF_CT_RPL : 0),
			   OF_CT_TRK | OF_CT_RPL);
	/* A reply's connection began in the other direction. */
	ask(d, groups, n, out != reply, out);
	draft_end(d);
}

static void deny(uint32_t policy, enum stage verdict, struct flowset *fs)
{
	struct draft *d = FLOW_IN(fs, verdict, PRIO_DENY);

	draft_match_reg(d, REG_policy, policy);
	draft_end(d);
}

static void stateless_policy(uint32_t policy, struct flowset *fs)
{
	for (int out = 0; out < 2; out++) {
		const enum stage verdict = out ? STAGE_sg_out_verdict : STAGE_out;
		struct draft *d = FLOW_IN(fs, verdict, PRIO_ALLOW);

		draft_match_reg(d, REG_policy, policy);
		draft_match_reg(d, REG_allowed, 1);
		pass(d, out);
		deny(policy, verdict, fs);
	}
}

void network_sg_policy(uint32_t policy, struct sg *const *groups, size_t n, struct flowset *fs)
{
	struct ct_spec commit = { .zone_is_reg = true, .commit = true, .marked = true };

	if (!groups[0]->a.stateful) {
		stateless_policy(policy, fs);
		return;
	}
	commit.mark = epoch_of(groups, n);
	for (int out = 0; out < 2; out++) {
		const enum stage verdict = out ? STAGE_sg_out_verdict : STAGE_out;
		struct draft *d =
			FLOW_IN(fs, out ? STAGE_sg_out_state : STAGE_sg_in_state, PRIO_KNOWN);

		draft_match_reg(d, REG_policy, policy);
		draft_match_masked(d, OF_FIELD_CT_STATE, OF_CT_TRK, OF_CT_TRK | OF_CT_INV);
		draft_match(d, OF_FIELD_CT_MARK, commit.mark);
		pass(d, out);
		judge(fs, policy, groups, n, out, false);
		judge(fs, policy, groups, n, out, true);

		/* An error belongs to its connection, and is none. */
		d = FLOW_IN(fs, verdict, PRIO_KNOWN);
		draft_match_reg(d, REG_policy, policy);
		draft_match_reg(d, REG_allowed, 1);
		draft_match_masked(d, OF_FIELD_CT_STATE, OF_CT_TRK | OF_CT_REL,
				   OF_CT_TRK | OF_CT_REL);
		pass(d, out);

		for (int v6 = 0; v6 < 2; v6++) {
			d = FLOW_IN(fs, verdict, PRIO_ALLOW);
			draft_match_reg(d, REG_policy, policy);
			draft_match_reg(d, REG_allowed, 1);
			draft_match(d, OF_FIELD_ETH_TYPE, v6 ? ETH_IPV6 : ETH_IPV4);
			draft_ct(d, &commit);
			pass(d, out);
		}

		deny(policy, verdict, fs);
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Nicira's actions on packets, as ovs-actions(7) tells them; resubmit is pipeline.c's. */
#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_mbuf.h>

#include "datapath/act_fit.h"
#include "datapath/act_priv.h"
#include "datapath/answer.h"
#include "datapath/dp.h"
#include "datapath/freeze.h"
#include "datapath/pipeline.h"
#include "datapath/pmd.h"
#include "datapath/sample.h"
#include "ofproto/enum.h"
#include "ofproto/nx.h"

#define AS(name) ((const struct of_##name *)op->nx)

/* ---- Bits of fields ---- */

static u128 get_bits(const struct pkt *p, const struct of_field *f, unsigned int ofs,
		     unsigned int n)
{
	return of_field_pre_met(f, &p->key) ? key_bits(&p->key, f, ofs, n) : 0;
}

static void put_bits(struct pmd *w, struct burst *b, struct pkt *p, const struct of_field *f,
		     unsigned int ofs, unsigned int n, u128 v) PMD
{
	const u128 mask = u128_ones(n) << (ofs + f->shift);

	act_store(w, b, p, f, v << (ofs + f->shift), mask & field_bits(f));
}

/* ---- clone ---- */

/* No more than the key is changed, and that is given back: the frame is the packet's own. */
static void run_in_place(struct pmd *w, struct burst *b, struct pkt *p, const struct act_op *op,
			 uint64_t now) PMD
{
	const struct flow_key key = p->key;
	const uint32_t queue_id = p->queue_id;

	act_run(w, b, p, op->clone.prog, now);
	if (unlikely(p->stop == STOP_PAUSE)) {
		freeze_level(b, p, NULL, p->miss);
		freeze_end(w, b, p, FREEZE_SET_WAITS);
	}
	p->key = key;
	p->queue_id = queue_id;
	if (p->stop == STOP_FLOW)
		p->stop = STOP_NOT;
}

static void run_copy(struct pmd *w, struct burst *b, struct pkt *p, const struct act_op *op,
		     uint64_t now) PMD
{
	struct pkt c;

	if (!act_copy(w, p, &c))
		return;
	act_run(w, b, &c, op->clone.prog, now);
	if (unlikely(c.stop == STOP_PAUSE))
		freeze_level(b, &c, NULL, c.miss);
	if (c.stop == STOP_FLOW)
		c.stop = STOP_NOT;
	act_finish(w, b, &c, now);
	p->n_calls = c.n_calls;
	if (c.stop == STOP_DOOM)
		act_doom(w, b, p, c.why);
	else
		p->stop = c.stop; /* an exit is everybody's */
}

static void run_list(struct pmd *w, struct burst *b, struct pkt *p, const struct act_op *op,
		     uint64_t now) PMD
{
	/* At its end it executes the action set, as that is until then. */
	if (op->clone.changes_frame || p->set.have || p->set.n_fields)
		run_copy(w, b, p, op, now);
	else
		run_in_place(w, b, p, op, now);
}

static void run_with_stack(struct pmd *w, struct burst *b, struct pkt *p, const struct act_op *op,
			   uint64_t now) PMD
{
	uint8_t stack[PKT_STACK_MAX][16];
	const uint8_t n = p->n_stack;

	memcpy(stack, b->stack[p->idx], n * sizeof(stack[0]));
	run_list(w, b, p, op, now);
	memcpy(b->stack[p->idx], stack, n * sizeof(stack[0]));
	p->n_stack = n;
}

static void run_clone(struct pmd *w, struct burst *b, struct pkt *p, const struct act_op *op,
		      uint64_t now) PMD
{
	if (p->n_stack) {
		run_with_stack(w, b, p, op, now);
	} else {
		run_list(w, b, p, op, now);
		p->n_stack = 0;
	}
}

/* ---- push and pop ---- */

static void push(struct pmd *w, struct burst *b, struct pkt *p, const struct act_op *op) PMD
{
	if (p->n_stack == PKT_STACK_MAX) {
		act_doom(w, b, p, DROP_STACK_FULL);
		return;
	}
	u128_put(b->stack[p->idx][p->n_stack++], 16,
		 get_bits(p, op->bits.field, op->bits.ofs, op->bits.n_bits));
}

/* With nothing there it changes nothing, as in Open vSwitch, and is counted. */
static void pop(struct pmd *w, struct burst *b, struct pkt *p, const struct act_op *op) PMD
{
	if (!p->n_stack) {
		counter_add(&w->perf.stack_empty, 1);
		return;
	}
	put_bits(w, b, p, op->bits.field, op->bits.ofs, op->bits.n_bits,
		 u128_get(b->stack[p->idx][--p->n_stack], 16) & u128_ones(op->bits.n_bits));
}

/* ---- Outputs ---- */

/* To a port of which it is known only now that it is this one. */
static void output_to(struct pmd *w, struct burst *b, struct pkt *p, uint32_t port,
		      uint16_t max_len, uint64_t now) PMD
{
	struct act_op op = { .code = ACT_OUTPUT, .arg = max_len, .port = port };

	switch (port) {
	case OFPP_CONTROLLER:
		op.code = ACT_CONTROLLER;
		op.reason = OFPR_ACTION;
		break;
	case OFPP_IN_PORT:
		op.code = ACT_IN_PORT;
		break;
	case OFPP_FLOOD:
		op.code = ACT_FLOOD;
		break;
	case OFPP_ALL:
		op.code = ACT_ALL;
		break;
	case OFPP_NORMAL:
		op.code = ACT_NORMAL;
		break;
	case OFPP_TABLE:
		op = (struct act_op){ .code = ACT_CALL, .call.in_port = OFPP_IN_PORT };
		break;
	case OFPP_LOCAL:
		break;
	default:
		if (port_by_no(w->dp, port))
			break;
		act_refuse(w, p, DROP_NO_PORT);
		return;
	}
	act_one(w, b, p, &op, now);
}

static void output_reg(struct pmd *w, struct burst *b, struct pkt *p, const struct act_op *op,
		       uint64_t now) PMD
{
	const u128 v = get_bits(p, op->bits.field, op->bits.ofs, op->bits.n_bits);

	if (v > UINT16_MAX)
		act_refuse(w, p, DROP_NO_PORT);
	else
		output_to(w, b, p, of_nx_port((uint16_t)v), op->arg, now);
	if (unlikely(p->stop == STOP_PAUSE))
		b->freeze.rest = op + 1;
}

static void output_trunc(struct pmd *w, struct burst *b, struct pkt *p, const struct act_op *op) PMD
{
	uint32_t port = op->trunc.port;

	if (port == OFPP_IN_PORT) {
		port = be32toh(p->key.in_port);
	} else if (port == be32toh(p->key.in_port)) {
		act_refuse(w, p, DROP_SAME_PORT);
		return;
	}
	act_output_trunc(w, b, p, port, op->trunc.max_len);
}

/* ---- Choices ---- */

static bool is_live(const struct pmd *w, uint16_t member)
{
	const struct port *p = port_by_no(w->dp, of_nx_port(member));

	return p && port_is_live(p);
}

/* OFPP_ANY's low half: none of them. */
static uint16_t first_live(const struct pmd *w, const struct of_halves *members)
{
	for (uint32_t i = 0; i < members->n; i++)
		if (is_live(w, members->v[i]))
			return members->v[i];
	return UINT16_MAX;
}

static uint16_t by_weight(const struct pmd *w, const struct of_halves *members, uint64_t hash)
{
	uint16_t best = UINT16_MAX;
	uint32_t most = 0;

	for (uint32_t i = 0; i < members->n; i++) {
		const uint32_t weight = act_hash_nth(hash, i);

		if (weight < most || !is_live(w, members->v[i]))
			continue;
		most = weight;
		best = members->v[i];
	}
	return best;
}

static uint16_t choose(const struct pmd *w, const struct pkt *p, uint16_t algorithm,
		       uint16_t fields, uint16_t basis, const struct of_halves *members)
{
	return algorithm == NX_BD_ALG_HRW ? by_weight(w, members, act_hash(&p->key, fields, basis))
					  : first_live(w, members);
}

static void bundle(struct pmd *w, struct burst *b, struct pkt *p, const struct of_nx_bundle *a,
		   uint64_t now) PMD
{
	const uint16_t to = choose(w, p, a->algorithm, a->fields, a->basis, &a->members);

	if (to == UINT16_MAX)
		act_refuse(w, p, DROP_GROUP_NO_BUCKET);
	else
		output_to(w, b, p, of_nx_port(to), 0, now);
}

static void bundle_load(struct pmd *w, struct burst *b, struct pkt *p,
			const struct of_nx_bundle_load *a) PMD
{
	put_bits(w, b, p, a->dst.field, a->dst.ofs, a->dst.n_bits,
		 choose(w, p, a->algorithm, a->fields, a->basis, &a->members));
}

static void multipath(struct pmd *w, struct burst *b, struct pkt *p,
		      const struct of_nx_multipath *a) PMD
{
	put_bits(w, b, p, a->dst.field, a->dst.ofs, a->dst.n_bits,
		 act_hash_link(a, act_hash(&p->key, a->fields, a->basis)));
}

/* Of the frame, but for padding behind an IP packet, as Open vSwitch counts it. */
uint32_t act_length(const struct pkt *p)
{
	const uint8_t *ip = rte_pktmbuf_mtod_offset(p->m, const uint8_t *, p->l3);
	uint32_t end;

	if (p->l3 == PKT_NONE || !key_is_ip(&p->key))
		return p->m->pkt_len;
	end = p->l3 + (p->key.eth_type == htobe16(ETH_TYPE_IPV4) ? get_be16(ip + 2)
								 : 40u + get_be16(ip + 4));
	return end < p->m->pkt_len ? end : p->m->pkt_len;
}

/* Most packets fit. */
static void fit(struct pmd *w, struct burst *b, struct pkt *p, const struct act_op *op) PMD
{
	uint32_t too_long = 0;

	if (p->l3 != PKT_NONE && key_is_ip(&p->key) && unlikely(act_length(p) > p->l3 + op->arg))
		too_long = act_fit_long(w, b, p, op->arg);
	if (!p->dropped)
		put_bits(w, b, p, op->bits.field, op->bits.ofs, op->bits.n_bits, too_long);
}

void act_nx(struct pmd *w, struct burst *b, struct pkt *p, const struct act_op *op, uint64_t now)
{
	switch (op->code) {
	case ACT_CLONE:
		run_clone(w, b, p, op, now);
		break;
	case ACT_PUSH:
		push(w, b, p, op);
		break;
	case ACT_POP:
		pop(w, b, p, op);
		break;
	case ACT_OUTPUT_REG:
		output_reg(w, b, p, op, now);
		break;
	case ACT_OUTPUT_TRUNC:
		output_trunc(w, b, p, op);
		break;
	case ACT_DEC_TTL_IDS:
		act_dec_ttl(w, b, p, false, &AS(nx_dec_ttl_cnt_ids)->ids);
		break;
	case ACT_CHECK_LEN:
		put_bits(w, b, p, op->bits.field, op->bits.ofs, 1, act_length(p) > op->arg);
		break;
	case ACT_FIT:
		fit(w, b, p, op);
		break;
	case ACT_MULTIPATH:
		multipath(w, b, p, AS(nx_multipath));
		break;
	case ACT_BUNDLE:
		bundle(w, b, p, AS(nx_bundle), now);
		break;
	case ACT_BUNDLE_LOAD:
		bundle_load(w, b, p, AS(nx_bundle_load));
		break;
	case ACT_SAMPLE:
		sample_run(w, p, op);
		break;
	case ACT_ANSWER:
		act_answer(w, b, p, op, now);
		break;
	case ACT_CONTROLLER2:
		act_controller2(w, b, p, op, now);
		break;
	}
}

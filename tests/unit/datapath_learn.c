/* SPDX-License-Identifier: Apache-2.0 */
/* Spec: NX learn, fin_timeout */
/*
 * learn and fin_timeout: what a packet thread tells, and what the control thread makes of it, by
 * the real rings.  What is expected was looked up in ovs-actions(7) and at Open vSwitch 3.1.
 */
#include "datapath/learn.h"
#include "datapath/punt.h"
#include "datapath/table_state.h"
#include "base/err.h"
#include "ofproto/nx.h"
#include "ofproto/text.h"
#include "tests/unit/datapath_harness.h"

enum { LEARNED = 10 };

/* ---- Actions ---- */

static struct of_learn_spec spec(enum of_learn_dst to, enum of_field_id src, enum of_field_id dst)
{
	struct of_learn_spec s = { .to = to, .n_bits = of_fields[src].bits };

	s.src = (struct of_subfield){ &of_fields[src], 0, s.n_bits };
	if (to != OF_LEARN_OUTPUT)
		s.dst = (struct of_subfield){ &of_fields[dst], 0, s.n_bits };
	return s;
}

static struct of_learn_spec constant(enum of_learn_dst to, uint64_t v, enum of_field_id dst)
{
	struct of_learn_spec s = { .to = to, .n_bits = of_fields[dst].bits };

	s.dst = (struct of_subfield){ &of_fields[dst], 0, s.n_bits };
	for (unsigned int i = 0; i < 8; i++)
		s.value[15 - i] = (uint8_t)(v >> 8 * i);
	return s;
}

/* MAC learning: who sends from here is reached here. */
static struct of_learn mac_learning(void)
{
	static struct of_learn_spec v[2];
	static struct of_learn_specs specs = { 2, v };

	v[0] = spec(OF_LEARN_MATCH, OF_FIELD_ETH_SRC, OF_FIELD_ETH_DST);
	v[1] = spec(OF_LEARN_OUTPUT, OF_FIELD_IN_PORT_NXM, OF_FIELD_IN_PORT_NXM);
	return (struct of_learn){ .table_id = LEARNED, .priority = 7, .specs = &specs };
}

static struct of_flow_mod *learning(uint16_t priority, const struct of_learn *k)
{
	struct of_flow_mod *fm = flow_mod(OFPFC_ADD, 0, priority);
	struct of_any *a = of_learn_action(k, &h.a);

	assert_non_null(a);
	inst(fm, applied(a));
	return fm;
}

static void send(struct of_flow_mod *fm)
{
	assert_int_equal(send_flow(fm), 0);
	dp_publish(h.dp);
}

/* ---- The control thread's turn ---- */

static unsigned int punted;

static void handle(struct dp *dp, struct punt *p, void *arg)
{
	role_assume_control();
	assert_true(p->kind == PUNT_FLOW || p->kind == PUNT_FIN);
	punted++;
	learn_punt(dp, p);
}

static unsigned int turn(void)
{
	punted = 0;
	punt_drain(h.dp, 4096, handle, NULL);
	learn_publish(h.dp);
	return punted;
}

/* A packet from host 'src' (the harness's frames come from 02:00:...: its byte 7 is ours). */
static void from(uint32_t in_port, uint8_t dst)
{
	const struct packet p = { .in_port = in_port, .dst = dst, .sport = 1, .dport = 2 };

	send_packets(&p, 1);
}

static const struct flow *only(uint8_t table)
{
	const struct listing *l = list_flows(table);

	assert_int_equal(l->n, 1);
	return l->f[0];
}

static const struct of_any *action(const struct flow *f, uint32_t i)
{
	const struct of_inst_apply_actions *a = (const void *)f->insts->list.v[0];

	assert_int_equal(a->kind, OF_KIND_inst_apply_actions);
	assert_in_range(i, 0, a->actions.n - 1);
	return a->actions.v[i];
}

/* ---- learn ---- */

static void is_learned_once(void **state)
{
	struct of_learn k = mac_learning();
	const struct flow *f;

	k.cookie = 5;
	k.idle_timeout = 20;
	k.flags = NX_LEARN_F_SEND_FLOW_REM;
	send(learning(1, &k));
	for (unsigned int i = 0; i < 10; i++)
		from(3, 1);
	assert_int_equal(list_flows(LEARNED)->n, 0);
	assert_int_equal(turn(), 1);
	f = only(LEARNED);
	assert_int_equal(f->rule.priority, 7);
	assert_int_equal(f->cookie, 5);
	assert_int_equal(f->idle_timeout, 20);
	assert_int_equal(f->flags, OFPFF_SEND_FLOW_REM);
	assert_int_equal(action(f, 0)->kind, OF_KIND_action_output);
	assert_int_equal(((const struct of_action_output *)action(f, 0))->port, 3);
	for (unsigned int i = 0; i < 10; i++)
		from(3, 1);
	assert_int_equal(turn(), 0);
	/* It moves: the same flow, of the same age, with other actions. */
	from(4, 1);
	assert_int_equal(turn(), 1);
	assert_int_equal(((const struct of_action_output *)action(only(LEARNED), 0))->port, 4);
	/* And back: what was told before is told again once it is not so any more. */
	from(3, 1);
	assert_int_equal(turn(), 1);
	assert_int_equal(((const struct of_action_output *)action(only(LEARNED), 0))->port, 3);
	from(3, 1);
	assert_int_equal(turn(), 1);
	from(3, 1);
	assert_int_equal(turn(), 0);
}

/* Deleted or modified by somebody: the next packet brings it back. */
static void goes_and_comes_again(void **state)
{
	struct of_learn k = mac_learning();

	send(learning(1, &k));
	from(3, 1);
	turn();
	send(flow_mod(OFPFC_DELETE, LEARNED, 0));
	assert_int_equal(list_flows(LEARNED)->n, 0);
	from(3, 1);
	assert_int_equal(turn(), 1);
	only(LEARNED);
	/* The same where it has been given other actions. */
	send(flow_mod(OFPFC_MODIFY, LEARNED, 0));
	from(3, 1);
	assert_int_equal(turn(), 1);
	action(only(LEARNED), 0);
}

/* Both constants and parts of fields, a fin_timeout ahead; as Open vSwitch lists them. */
static void everything_in_it(void **state)
{
	struct of_learn_spec v[] = {
		constant(OF_LEARN_MATCH, 0x0800, OF_FIELD_ETH_TYPE),
		constant(OF_LEARN_MATCH, 17, OF_FIELD_IP_PROTO),
		spec(OF_LEARN_MATCH, OF_FIELD_UDP_DST, OF_FIELD_UDP_SRC),
		spec(OF_LEARN_MATCH, OF_FIELD_VLAN_TCI, OF_FIELD_VLAN_TCI),
		spec(OF_LEARN_LOAD, OF_FIELD_IN_PORT_NXM, OF_FIELD_REG0),
		constant(OF_LEARN_LOAD, 5, OF_FIELD_REG1),
		spec(OF_LEARN_LOAD, OF_FIELD_ETH_SRC, OF_FIELD_ETH_DST),
	};
	struct of_learn_specs specs = { 7, v };
	struct of_learn k = {
		.table_id = LEARNED, .fin_idle_timeout = 3, .fin_hard_timeout = 4, .specs = &specs
	};
	struct of_flow_mod *fm;
	const struct of_nx_reg_load *l;
	const struct flow *f;
	struct of_match m;

	v[3].n_bits = 12;
	fm = learning(1, &k);
	of_match_set_u64(&fm->match, OF_FIELD_ETH_TYPE, 0x0800);
	of_match_set_u64(&fm->match, OF_FIELD_IP_PROTO, 17);
	send(fm);
	from(9, 1);
	assert_int_equal(turn(), 1);
	f = only(LEARNED);
	flow_match(f, &m);
	assert_int_equal(m.mask.vlan_tci, htobe16(0xfff));
	assert_int_equal(m.value.tp_src, htobe16(2));
	assert_int_equal(m.mask.tp_src, 0xffff);
	assert_int_equal(m.mask.tp_dst, 0);
	assert_int_equal(action(f, 0)->kind, OF_KIND_nx_fin_timeout);
	l = (const void *)action(f, 1);
	assert_ptr_equal(l->dst.field, &of_fields[OF_FIELD_REG0]);
	assert_int_equal(l->dst.n_bits, 16);
	assert_int_equal(l->value, 9);
	l = (const void *)action(f, 3);
	assert_int_equal(l->value, UINT64_C(0x020000000000));
}

/* The hard timeout runs from the last time that it was learned, the idle one from its last packet.
 */
static void timeouts(void **state)
{
	struct of_learn k = mac_learning();
	const double now = monotonic_now();
	const uint64_t hz = rte_get_tsc_hz();
	struct packet p = { .in_port = 3, .dst = 1 };
	uint64_t tsc = rte_rdtsc();

	k.hard_timeout = 100;
	send(learning(1, &k));
	send_at(&p, 1, tsc);
	assert_int_equal(turn(), 1);
	send_at(&p, 1, tsc + hz / 4);
	assert_int_equal(turn(), 0);
	send_at(&p, 1, tsc + hz);
	assert_int_equal(turn(), 1);
	/* As if it had been learned long ago... */
	flow_timer_refresh(h.dp, (struct flow *)(uintptr_t)only(LEARNED), now - 90);
	table_expire(h.dp, now + 5);
	only(LEARNED);
	/* ... and now again. */
	send_at(&p, 1, tsc + 2 * hz);
	assert_int_equal(turn(), 1);
	table_expire(h.dp, now + 50);
	only(LEARNED);
	table_expire(h.dp, now + 120);
	assert_int_equal(list_flows(LEARNED)->n, 0);
	send_at(&p, 1, tsc + 2 * hz + 1);
	assert_int_equal(turn(), 1);
	only(LEARNED);
}

/* What no packet can have, a bit of ct_state that there is not, makes no flow. */
static void can_never_match(void **state)
{
	struct of_learn_spec v[] = { spec(OF_LEARN_MATCH, OF_FIELD_PKT_MARK, OF_FIELD_CT_STATE) };
	struct of_learn_specs specs = { 1, v };
	const struct of_learn k = { .table_id = LEARNED, .priority = 1, .specs = &specs };
	const uint64_t refused = learn_counts(h.dp).refused;
	struct of_flow_mod *fm;
	struct of_match m;

	v[0].src.field = &of_fields[OF_FIELD_IPV4_SRC];
	fm = learning(1, &k);
	of_match_set_u64(&fm->match, OF_FIELD_ETH_TYPE, 0x0800);
	send(fm);
	from(3, 1); /* of 10.x.x.x */
	assert_int_equal(turn(), 1);
	assert_int_equal(list_flows(LEARNED)->n, 0);
	assert_int_equal(learn_counts(h.dp).refused, refused + 1);

	v[0] = constant(OF_LEARN_MATCH, 0x121, OF_FIELD_CT_STATE);
	assert_int_equal(send_flow(learning(1, &k)),
			 refusal(OFPET_BAD_ACTION, OFPBAC_BAD_ARGUMENT));
	v[0] = constant(OF_LEARN_MATCH, 0x21, OF_FIELD_CT_STATE);
	send(learning(2, &k));
	from(3, 1);
	assert_int_equal(turn(), 1);
	flow_match(only(LEARNED), &m);
	assert_int_equal(m.value.ct_state, 0x21);
	assert_int_equal(m.mask.ct_state, 0xff);
}

static void limit_and_result(void **state)
{
	struct of_learn_spec v[] = { spec(OF_LEARN_MATCH, OF_FIELD_UDP_SRC, OF_FIELD_METADATA) };
	struct of_learn_specs specs = { 1, v };
	struct of_learn k = { .table_id = LEARNED,
			      .cookie = 77,
			      .limit = 3,
			      .flags = NX_LEARN_F_WRITE_RESULT,
			      .result = { &of_fields[OF_FIELD_REG0], 3, 1 },
			      .specs = &specs };
	struct of_flow_mod *fm;
	struct packet p = { .in_port = 1, .dst = 1 };

	v[0].dst.field = &of_fields[OF_FIELD_METADATA];
	fm = learning(1, &k);
	of_match_set_u64(&fm->match, OF_FIELD_ETH_TYPE, 0x0800);
	of_match_set_u64(&fm->match, OF_FIELD_IP_PROTO, 17);
	inst(fm, goto_table(1));
	send(fm);
	for (uint8_t i = 0; i < 2; i++) {
		fm = flow_mod(OFPFC_ADD, 1, 1);
		of_match_set_masked_u64(&fm->match, OF_FIELD_REG0, i << 3, 8);
		inst(fm, applied(output_to(5u + i)));
		send(fm);
	}
	/* A flow of the same cookie counts whoever has made it, one of another does not. */
	fm = flow_mod(OFPFC_ADD, LEARNED, 1);
	fm->cookie = 77;
	send(fm);
	fm = flow_mod(OFPFC_ADD, LEARNED, 2);
	send(fm);
	/* Exact before the control thread has heard of any. */
	for (uint16_t i = 1; i <= 4; i++) {
		p.sport = i;
		assert_int_equal(send_one(p), i <= 2 ? 6 : 5);
	}
	assert_int_equal(turn(), 2);
	assert_int_equal(list_flows(LEARNED)->n, 4);
	p.sport = 1;
	assert_int_equal(send_one(p), 6);
	p.sport = 4;
	assert_int_equal(send_one(p), 5);
	assert_int_equal(turn(), 0);
	/* There is room for another one; and what is there is no new one, though the packet thread
	 * does not remember. */
	fm = flow_mod(OFPFC_DELETE_STRICT, LEARNED, 1);
	send(fm);
	assert_int_equal(send_one(p), 6);
	p.sport = 5;
	assert_int_equal(send_one(p), 5);
	for (uint16_t i = 1; i <= 2; i++) {
		p.sport = i;
		assert_int_equal(send_one(p), 6);
	}
	assert_int_equal(turn(), 3);
	assert_int_equal(list_flows(LEARNED)->n, 4);
	assert_in_range(learn_counts(h.dp).limited, 4, 1000);
}

static uint8_t at_once(void)
{
	return (uint8_t)list_flows(LEARNED)->n;
}

static void delete_learned(void **state)
{
	struct of_learn k = mac_learning();
	struct of_flow_mod *fm;

	k.cookie = 9;
	k.flags = NX_LEARN_F_DELETE_LEARNED | NX_LEARN_F_SEND_FLOW_REM;
	send(learning(1, &k));
	k.priority = 8;
	send(learning(2, &k));
	from(3, 1);
	turn();
	fm = flow_mod(OFPFC_ADD, LEARNED, 1);
	fm->cookie = 10;
	send(fm);
	assert_int_equal(at_once(), 2);
	/* Not the last; and a rollback takes it back. */
	send(flow_mod(OFPFC_DELETE_STRICT, 0, 2));
	assert_int_equal(at_once(), 2);
	table_begin(h.dp);
	assert_int_equal(send_flow(flow_mod(OFPFC_DELETE, 0, 0)), 0);
	table_rollback(h.dp);
	dp_publish(h.dp);
	assert_int_equal(at_once(), 2);
	/* Replaced by one that learns, too: nothing goes. */
	send(learning(1, &k));
	assert_int_equal(at_once(), 2);
	send(flow_mod(OFPFC_MODIFY, 0, 0));
	assert_int_equal(only(LEARNED)->cookie, 10);
	dp_barrier(h.dp);
	assert_int_equal(h.n_removed, 1);
	assert_int_equal(h.removed_cookie[0], 9);
	assert_int_equal(h.removed_reason[0], OFPRR_DELETE);
}

/* What a packet met counts, though its action has gone meanwhile; but not what would go with it. */
static void late(void **state)
{
	struct of_learn k = mac_learning();

	k.limit = 1;
	send(learning(1, &k));
	from(3, 1);
	send(flow_mod(OFPFC_DELETE, 0, 0));
	dp_barrier(h.dp);
	assert_int_equal(turn(), 1);
	only(LEARNED);
	learn_drained(h.dp);
	send(flow_mod(OFPFC_DELETE, LEARNED, 0));
	k.flags = NX_LEARN_F_DELETE_LEARNED;
	send(learning(1, &k));
	from(3, 1);
	send(flow_mod(OFPFC_DELETE, 0, 0));
	dp_barrier(h.dp);
	assert_int_equal(turn(), 1);
	assert_int_equal(list_flows(LEARNED)->n, 0);
	learn_drained(h.dp);
	k.flags = 0;
	send(learning(1, &k));
	from(3, 1);
	assert_int_equal(turn(), 1);
	only(LEARNED);
}

/* A full ring, and a full table: counted, and the packet goes on. */
static void exhaustion(void **state)
{
	struct of_learn_spec v[] = { spec(OF_LEARN_MATCH, OF_FIELD_UDP_SRC, OF_FIELD_METADATA) };
	struct of_learn_specs specs = { 1, v };
	struct of_learn k = { .table_id = LEARNED, .specs = &specs };
	struct of_flow_mod *fm = flow_mod(OFPFC_ADD, 0, 1);
	struct of_inst_apply_actions *a = OF_NEW(&h.a, inst_apply_actions);
	struct packet p = { .in_port = 1, .dst = 1 };
	struct learn_counts c;

	of_match_set_u64(&fm->match, OF_FIELD_ETH_TYPE, 0x0800);
	of_match_set_u64(&fm->match, OF_FIELD_IP_PROTO, 17);
	of_list_add(&a->actions, &h.a, of_learn_action(&k, &h.a));
	of_list_add(&a->actions, &h.a, output_to(2));
	inst(fm, (struct of_any *)a);
	send(fm);
	for (uint16_t i = 1; i <= LEARN_IN_FLIGHT + 100; i++) {
		p.sport = i;
		assert_int_equal(send_one(p), 2);
	}
	c = learn_counts(h.dp);
	assert_in_range(c.lost, 100, 100);
	assert_int_equal(turn(), LEARN_IN_FLIGHT);
	assert_int_equal(list_flows(LEARNED)->n, LEARN_IN_FLIGHT);
	/* It is not remembered as told. */
	assert_int_equal(send_one(p), 2);
	assert_int_equal(turn(), 1);
	/* The table holds 1,000. */
	for (uint16_t i = 2000; i <= 2490; i++) {
		p.sport = i;
		send_one(p);
	}
	assert_int_equal(turn(), 491);
	assert_int_equal(list_flows(LEARNED)->n, 1000);
	assert_in_range(learn_counts(h.dp).refused, 1, 1000);
}

/* Of a register's numbers those that are no port's are left out, as by Open vSwitch. */
static void outputs_are_ports(void **state)
{
	static const struct {
		uint16_t no;
		uint32_t port; /* 0: no output */
	} rows[] = {
		{ 0, 0 }, { 0xff00, 0 },      { 0xfff9, 0 },	      { 0xfffd, 0 },
		{ 3, 3 }, { 0xfeff, 0xfeff }, { 0xfffb, OFPP_FLOOD },
	};

	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct of_flow_mod *fm;
		struct err e = { "" };
		char text[128];

		snprintf(text, sizeof(text),
			 "table=0,actions=load:%u->reg0,learn(table=10,output:NXM_NX_REG0[0..15])",
			 rows[i].no);
		assert_int_equal(of_parse_flow(text, OFPFC_ADD, NULL, &h.a, &fm, &e), 0);
		send(fm);
		from(1, 2);
		assert_int_equal(turn(), 1);
		if (!rows[i].port) {
			assert_int_equal(only(LEARNED)->insts->list.n, 0);
		} else {
			const struct of_any *o = action(only(LEARNED), 0);

			assert_int_equal(o->kind, OF_KIND_action_output);
			assert_int_equal(((const struct of_action_output *)o)->port, rows[i].port);
		}
		wipe();
	}
}

/* ---- fin_timeout ---- */

static void tcp(uint8_t flags)
{
	const struct packet p = { .in_port = 1, .dst = 1, .sport = 1, .dport = 2 };
	struct burst *b = h.w->burst;
	struct rte_mbuf *m = frame_of(&p);
	uint8_t *f = rte_pktmbuf_mtod(m, uint8_t *);

	role_assume_pmd();
	f[23] = 6;
	put_be16(f + 38, 0);
	f[46] = 0x50;
	f[47] = flags;
	b->n = b->n_out = b->n_keys = 0;
	b->version = atomic_load(&h.dp->version);
	assert_true(pkt_init(b, 0, m, 1));
	b->n = 1;
	pipeline_run(h.w, b, 1, 0, rte_rdtsc());
	h.w->flush(h.w, b);
}

static struct of_flow_mod *ending(uint16_t idle, uint16_t hard)
{
	struct of_flow_mod *fm = flow_mod(OFPFC_ADD, 0, 1);
	struct of_nx_fin_timeout *t = OF_NEW(&h.a, nx_fin_timeout);

	t->fin_idle_timeout = idle;
	t->fin_hard_timeout = hard;
	of_match_set_u64(&fm->match, OF_FIELD_ETH_TYPE, 0x0800);
	of_match_set_u64(&fm->match, OF_FIELD_IP_PROTO, 6);
	inst(fm, applied((struct of_any *)t));
	return fm;
}

static void fin_lowers(void **state)
{
	struct of_flow_mod *fm = ending(5, 20);
	const double now = monotonic_now();

	fm->hard_timeout = 10;
	send(fm);
	tcp(0x10);
	assert_int_equal(turn(), 0);
	tcp(0x11);
	tcp(0x11);
	assert_int_equal(turn(), 1);
	assert_int_equal(only(0)->idle_timeout, 5);
	assert_int_equal(only(0)->hard_timeout, 10);
	table_expire(h.dp, now + 3);
	only(0);
	table_expire(h.dp, now + 6.5);
	assert_int_equal(list_flows(0)->n, 0);
	/* One without timeouts, by a reset; each by itself. */
	send(ending(0, 7));
	tcp(0x04);
	assert_int_equal(turn(), 1);
	assert_int_equal(only(0)->idle_timeout, 0);
	assert_int_equal(only(0)->hard_timeout, 7);
	/* The flow that has gone meanwhile, or another under its number. */
	send(flow_mod(OFPFC_DELETE, 0, 0));
	send(ending(3, 0));
	tcp(0x01);
	send(flow_mod(OFPFC_DELETE, 0, 0));
	assert_int_equal(turn(), 1);
	assert_int_equal(list_flows(0)->n, 0);
}

/* The same again under the number and the cookie of the one that was told of a moment ago. */
static void fin_lowers_the_next_flow_too(void **state)
{
	uint32_t id;

	send(ending(5, 0));
	id = only(0)->id;
	tcp(0x11);
	assert_int_equal(turn(), 1);
	assert_int_equal(only(0)->idle_timeout, 5);
	send(flow_mod(OFPFC_DELETE, 0, 0));
	dp_barrier(h.dp);
	send(ending(5, 0));
	assert_int_equal(only(0)->id, id);
	assert_int_equal(only(0)->idle_timeout, 0);
	tcp(0x11);
	assert_int_equal(turn(), 1);
	assert_int_equal(only(0)->idle_timeout, 5);
}

/* ---- Refusals, as Open vSwitch has them ---- */

static uint32_t refused(struct of_learn_spec s)
{
	struct of_learn_specs specs = { 1, &s };
	const struct of_learn k = { .table_id = LEARNED, .specs = &specs };

	return send_flow(learning(1, &k));
}

static uint32_t bad(uint16_t code)
{
	return refusal(OFPET_BAD_ACTION, code);
}

static void refusals(void **state)
{
	struct of_learn k = mac_learning();
	struct of_learn_spec s;
	struct of_flow_mod *fm;

	assert_int_equal(refused(spec(OF_LEARN_MATCH, OF_FIELD_TCP_SRC, OF_FIELD_TCP_SRC)),
			 bad(OFPBAC_MATCH_INCONSISTENT));
	assert_int_equal(refused(constant(OF_LEARN_MATCH, 5, OF_FIELD_TCP_SRC)),
			 bad(OFPBAC_MATCH_INCONSISTENT));
	assert_int_equal(refused(constant(OF_LEARN_LOAD, 5, OF_FIELD_IPV4_SRC)),
			 bad(OFPBAC_MATCH_INCONSISTENT));
	s = constant(OF_LEARN_MATCH, 1, OF_FIELD_CONJ_ID);
	s.n_bits = 4;
	assert_int_equal(refused(s), bad(OFPBAC_BAD_ARGUMENT));
	k.table_id = 254;
	assert_int_equal(send_flow(learning(1, &k)), bad(OFPBAC_BAD_ARGUMENT));
	k = mac_learning();
	fm = flow_mod(OFPFC_ADD, 0, 1);
	inst(fm, written(of_learn_action(&k, &h.a)));
	assert_int_equal(send_flow(fm), bad(OFPBAC_BAD_TYPE));
	fm = ending(1, 2);
	memset(&fm->match, 0, sizeof(fm->match));
	assert_int_equal(send_flow(fm), bad(OFPBAC_MATCH_INCONSISTENT));
	fm = flow_mod(OFPFC_ADD, 0, 1);
	of_match_set_u64(&fm->match, OF_FIELD_ETH_TYPE, 0x0800);
	of_match_set_u64(&fm->match, OF_FIELD_IP_PROTO, 6);
	inst(fm, written((struct of_any *)OF_NEW(&h.a, nx_fin_timeout)));
	assert_int_equal(send_flow(fm), bad(OFPBAC_BAD_TYPE));
	dp_publish(h.dp);
}

static int setup(void **state)
{
	return harness_setup(&(struct dp_opts){
		.name = "learn", .dpid = 5, .cache_entries = 1024, .max_flows = 1000 });
}

static int each_setup(void **state)
{
	role_assume_control();
	turn();
	wipe();
	return 0;
}

#define EACH(f) cmocka_unit_test_setup(f, each_setup)

int main(void)
{
	/* Time does not go back: the one that lets most of it pass comes last. */
	const struct CMUnitTest tests[] = {
		EACH(is_learned_once),
		EACH(goes_and_comes_again),
		EACH(everything_in_it),
		EACH(can_never_match),
		EACH(limit_and_result),
		EACH(delete_learned),
		EACH(late),
		EACH(exhaustion),
		EACH(refusals),
		EACH(outputs_are_ports),
		EACH(fin_lowers),
		EACH(fin_lowers_the_next_flow_too),
		EACH(timeouts),
	};

	return cmocka_run_group_tests(tests, setup, harness_teardown);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The action ct(): what may be installed, where a packet goes on and as what, copies, circles,
 * fragments. */
#include "tests/unit/datapath_act.h"

#include "datapath/act_ct.h"
#include "datapath/ct.h"
#include "datapath/frag.h"
#include "tests/unit/datapath_ct_frames.h"

static struct rte_mbuf *udp_between(uint8_t src, uint8_t dst, uint16_t sport, uint16_t dport)
{
	const struct cf_spec s = { .proto = IPPROTO_UDP,
				   .src = src,
				   .dst = dst,
				   .sport = sport,
				   .dport = dport,
				   .len = 32 };
	struct rte_mbuf *m = rte_pktmbuf_alloc(h.w->pool);
	struct cf f;

	cf_make(&f, &s);
	assert_non_null(m);
	memcpy(rte_pktmbuf_append(m, (uint16_t)f.n), f.b, f.n);
	return m;
}

/* As send_mbuf(), but at a time: connections expire. */
static void send_now(struct rte_mbuf *m)
{
	const uint64_t before = h.w->perf.created - h.w->perf.consumed - all_drops();

	role_assume_pmd();
	h.w->now = rte_rdtsc();
	begin(m);
	pipeline_run(h.w, h.w->burst, 1, 0, h.w->now);
	h.w->flush(h.w, h.w->burst);
	assert_int_equal(1 + h.w->perf.created - h.w->perf.consumed - all_drops(), before + left.n);
}

/* One datagram; its connection is that of the ports. */
static void send_udp(uint16_t sport, uint16_t dport)
{
	const unsigned int used = rte_mempool_in_use_count(h.w->pool);

	send_now(udp_between(1, 2, sport, dport));
	assert_int_equal(rte_mempool_in_use_count(h.w->pool), used);
}

static void answer_udp(uint16_t sport, uint16_t dport)
{
	send_now(udp_between(2, 1, dport, sport));
}

static void flows(const char *const *v)
{
	for (; *v; v++)
		flow(*v);
	dp_publish(h.dp);
}

static uint32_t n_conns(void)
{
	struct ct_stats s;

	ct_stats(atomic_load(&h.dp->ct), &s);
	return (uint32_t)s.conns;
}

static int forget(void **state)
{
	struct ct *t = atomic_load(&h.dp->ct);

	if (t)
		ct_flush(h.dp, t, NULL);
	return clean(state);
}

/* ---- What may be installed ---- */

/* An action made by hand: what no reader lets pass. */
static struct of_nx_ct *ct_action(uint16_t flags)
{
	struct of_nx_ct *a = OF_NEW(&h.a, nx_ct);

	a->flags = flags;
	a->recirc_table = ACT_CT_NO_TABLE;
	return a;
}

static uint32_t try_on(struct of_flow_mod *fm, struct of_nx_ct *a)
{
	struct of_inst_apply_actions *in = OF_NEW(&h.a, inst_apply_actions);

	of_list_add(&in->actions, &h.a, (struct of_any *)a);
	inst(fm, (struct of_any *)in);
	return send_flow(fm);
}

static uint32_t try_ct(struct of_nx_ct *a)
{
	struct of_flow_mod *fm = flow_mod(OFPFC_ADD, 0, 1);

	of_match_set_u64(&fm->match, OF_FIELD_ETH_TYPE, 0x0800);
	return try_on(fm, a);
}

/* The text's reader has the same rules; a peer need not have used it. */
static void refused(void **state)
{
	static const struct {
		const char *match;
		uint16_t alg;
	} rows[] = {
		{ "priority=1", 0 },  { "arp", 0 },	      { "ip,ct_state=+trk+inv", 0 },
		{ "ip", ACT_CT_FTP }, { "tcp", ACT_CT_TFTP },
	};

	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct of_nx_ct *a = ct_action(NX_CT_F_COMMIT);
		struct of_flow_mod *fm;
		struct err e = { "" };
		char text[64];

		a->alg = rows[i].alg;
		snprintf(text, sizeof(text), "table=0,%s,actions=drop", rows[i].match);
		assert_int_equal(of_parse_flow(text, OFPFC_ADD, NULL, &h.a, &fm, &e), 0);
		assert_int_equal(try_on(fm, a), A(MATCH_INCONSISTENT));
	}
	clean(NULL);
}

static uint32_t try_nat(uint16_t ct_flags, uint16_t flags, const struct of_nat_range *range)
{
	struct of_nx_ct *a = ct_action(ct_flags);
	struct of_nx_nat *n = OF_NEW(&h.a, nx_nat);

	n->flags = flags;
	n->range = *range;
	of_list_add(&a->actions, &h.a, (struct of_any *)n);
	return try_ct(a);
}

/* A flow of one IP version, addresses of the other. */
static void refused_of_the_other_version(void **state)
{
	static const char *const texts[] = { "table=0,ip,actions=drop",
					     "table=0,ipv6,actions=drop" };
	const struct of_nat_range ranges[] = {
		{ .present = OF_NAT_IPV6_MIN, .addr_min = { 0xfd, [15] = 9 } },
		{ .present = OF_NAT_IPV4_MIN, .addr_min = { 10, 0, 0, 9 } },
	};

	for (unsigned int i = 0; i < 4; i++) {
		struct of_nx_ct *a = ct_action(NX_CT_F_COMMIT);
		struct of_nx_nat *n = OF_NEW(&h.a, nx_nat);
		struct of_flow_mod *fm;
		struct err e = { "" };

		n->flags = NX_NAT_F_SRC;
		n->range = ranges[i / 2];
		of_list_add(&a->actions, &h.a, (struct of_any *)n);
		assert_int_equal(of_parse_flow(texts[i % 2], OFPFC_ADD, NULL, &h.a, &fm, &e), 0);
		assert_int_equal(try_on(fm, a), i / 2 == i % 2 ? A(MATCH_INCONSISTENT) : 0);
	}
	clean(NULL);
}

static void refused_by_hand(void **state)
{
	const struct of_nat_range none = { 0 };
	const struct of_nat_range one = { .present = OF_NAT_IPV4_MIN, .addr_min = { 10, 0, 0, 9 } };
	const struct of_nat_range down = { .present = OF_NAT_IPV4_MIN | OF_NAT_IPV4_MAX,
					   .addr_min = { 10, 0, 0, 9 },
					   .addr_max = { 10, 0, 0, 8 } };
	const struct of_nat_range end = { .present = OF_NAT_IPV4_MAX, .addr_max = { 10, 0, 0, 8 } };
	const struct of_nat_range zero = { .present = OF_NAT_PROTO_MIN | OF_NAT_PROTO_MAX,
					   .proto_max = 8 };
	const struct of_nat_range backwards = { .present = OF_NAT_PROTO_MIN | OF_NAT_PROTO_MAX,
						.proto_min = 9,
						.proto_max = 8 };
	struct of_nx_ct *a;

	assert_int_equal(try_ct(ct_action(NX_CT_F_FORCE)), A(BAD_ARGUMENT));
	assert_int_equal(try_ct(ct_action(0x80)), A(BAD_ARGUMENT));
	a = ct_action(NX_CT_F_COMMIT);
	a->recirc_table = N_TABLES; /* 255 is none, this is no table's number */
	assert_int_equal(try_ct(a), A(BAD_ARGUMENT));
	assert_int_equal(try_nat(0, NX_NAT_F_SRC, &one), A(BAD_ARGUMENT));
	/* From port 0 there is nothing to choose; without addresses the flags say how of all ports.
	 */
	assert_int_equal(try_nat(NX_CT_F_COMMIT, NX_NAT_F_SRC, &zero), A(BAD_ARGUMENT));
	assert_int_equal(try_nat(NX_CT_F_COMMIT, NX_NAT_F_PERSISTENT, &none), A(BAD_ARGUMENT));
	assert_int_equal(try_nat(NX_CT_F_COMMIT, NX_NAT_F_SRC | NX_NAT_F_PROTO_RANDOM, &none), 0);
	assert_int_equal(try_nat(NX_CT_F_COMMIT, NX_NAT_F_SRC | NX_NAT_F_DST, &one),
			 A(BAD_ARGUMENT));
	assert_int_equal(try_nat(NX_CT_F_COMMIT, 0, &one), A(BAD_ARGUMENT));
	assert_int_equal(try_nat(NX_CT_F_COMMIT, NX_NAT_F_SRC, &down), A(BAD_ARGUMENT));
	assert_int_equal(try_nat(NX_CT_F_COMMIT, NX_NAT_F_SRC, &end), A(BAD_ARGUMENT));
	assert_int_equal(try_nat(NX_CT_F_COMMIT, NX_NAT_F_SRC, &backwards), A(BAD_ARGUMENT));
	assert_int_equal(try_nat(NX_CT_F_COMMIT,
				 NX_NAT_F_SRC | NX_NAT_F_PROTO_HASH | NX_NAT_F_PROTO_RANDOM, &one),
			 A(BAD_ARGUMENT));
	assert_int_equal(try_nat(NX_CT_F_COMMIT, NX_NAT_F_SRC, &one), 0);
	assert_int_equal(try_nat(0, 0, &none), 0);
	a = ct_action(NX_CT_F_COMMIT);
	a->alg = 80;
	assert_int_equal(try_ct(a), A(BAD_ARGUMENT));
	a = ct_action(0);
	of_list_add(&a->actions, &h.a, load_bits(OF_FIELD_CT_MARK, 0, 32, 1));
	assert_int_equal(try_ct(a), A(BAD_ARGUMENT));
	a = ct_action(NX_CT_F_COMMIT);
	of_list_add(&a->actions, &h.a, load_bits(OF_FIELD_REG0, 0, 32, 1));
	assert_int_equal(try_ct(a), A(BAD_ARGUMENT));
	a = ct_action(0);
	a->zone.src.field = &of_fields[OF_FIELD_REG0];
	a->zone.src.n_bits = 8;
	assert_int_equal(try_ct(a), A(BAD_SET_LEN));
	clean(NULL);
}

/* ---- Where packets go on ---- */

/* New, committed, established, answered: the fields say so, and who comes out of it. */
static void states(void **state)
{
	static const char *const v[] = {
		"table=0,ip,actions=ct(table=1,zone=7)",
		"table=1,ip,ct_state=+new-est+trk-inv-rpl,ct_zone=7,actions=ct(commit,zone=7,exec("
		"set_field:0x2a->ct_mark,set_field:0xfeed->ct_label)),output:2",
		"table=1,ip,ct_state=+est-new-rpl+trk,ct_mark=0x2a,ct_label=0xfeed,"
		"ct_nw_src=10.0.0.1,ct_nw_dst=10.0.0.2,ct_nw_proto=17,ct_tp_src=5,ct_tp_dst=6,"
		"actions=output:3",
		"table=1,ip,ct_state=+est+rpl+trk,ct_mark=0x2a,ct_nw_src=10.0.0.1,ct_tp_src=5,"
		"actions=output:4",
		NULL
	};

	flows(v);
	send_udp(5, 6);
	assert_int_equal(left.n, 1);
	assert_int_equal(left.o[0].port, 2);
	assert_int_equal(n_conns(), 1);
	answer_udp(5, 6);
	assert_int_equal(left.n, 1);
	assert_int_equal(left.o[0].port, 4);
	send_udp(5, 6);
	assert_int_equal(left.n, 1);
	assert_int_equal(left.o[0].port, 3);
	forget(NULL);
	assert_int_equal(n_conns(), 0);
}

/* Of ICMP, type and code of the connection's first packet stand where ports do. */
static void icmp_tells_type_and_code(void **state)
{
	static const char *const v[] = {
		"table=0,ip,actions=ct(table=1,commit)",
		"table=1,priority=2,icmp,ct_state=+trk-inv,ct_nw_proto=1,ct_tp_src=8,ct_tp_dst=0,"
		"actions=output:2",
		"table=1,priority=2,icmp6,ct_state=+trk-inv,ct_nw_proto=58,ct_tp_src=128,ct_tp_dst="
		"0,"
		"actions=output:3",
		"table=1,priority=1,actions=output:4",
		"table=0,ipv6,actions=ct(table=1,commit)",
		NULL
	};

	flows(v);
	for (unsigned int i = 0; i < 4; i++) {
		const bool v6 = i & 2, back = i & 1;
		struct cf_spec s = { .v6 = v6,
				     .proto = v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP,
				     .src = back ? 2 : 1,
				     .dst = back ? 1 : 2,
				     .sport = 77,
				     .dport = v6 ? (back ? 0x8100 : 0x8000) : (back ? 0 : 0x0800),
				     .len = 8 };
		struct cf f;

		cf_make(&f, &s);
		send_now(cf_mbuf(h.w->pool, &f));
		assert_int_equal(left.n, 1);
		assert_int_equal(left.o[0].port, v6 ? 3 : 2);
	}
	forget(NULL);
}

/* What exec() says is its connection's: a packet that has none shows nothing of it. */
static void invalid_has_no_mark(void **state)
{
	static const char *const v[] = {
		"table=0,ip,actions=ct(commit,table=1,exec(set_field:5->ct_mark,"
		"move:NXM_NX_REG0[0..7]->NXM_NX_CT_MARK[8..15]))",
		"table=1,priority=2,ip,ct_state=+inv+trk,ct_mark=0,actions=output:2",
		"table=1,priority=1,actions=output:3", NULL
	};
	const struct cf_spec s = { .proto = IPPROTO_UDP, .src = 1, .dst = 2, .len = 8 };
	struct cf f;

	flows(v);
	cf_make(&f, &s);
	f.b[f.l4 + 9] ^= 1; /* no longer what its checksum says */
	send_now(cf_mbuf(h.w->pool, &f));
	assert_int_equal(left.n, 1);
	assert_int_equal(left.o[0].port, 2);
	forget(NULL);
}

/* Behind ct() without a table, and behind ct_clear, there is no ct_state. */
static void untracked_behind(void **state)
{
	static const char *const v[] = {
		"table=0,ip,actions=ct(table=1)",
		"table=1,ip,ct_state=+trk+new,actions=ct(commit),resubmit(,2)",
		"table=1,ip,ct_state=+trk+est,actions=ct_clear,resubmit(,2)",
		"table=2,ip,ct_state=-trk,actions=output:2",
		"table=2,ip,ct_state=+trk,actions=output:3",
		NULL
	};

	flows(v);
	send_udp(5, 6);
	assert_int_equal(left.n, 1);
	assert_int_equal(left.o[0].port, 2);
	answer_udp(5, 6);
	assert_int_equal(left.n, 1);
	assert_int_equal(left.o[0].port, 2);
	forget(NULL);
}

/* 32 bits to who reads it (ovs-fields(7)), of which the upper 24 are zero: whatever was there goes.
 */
static void state_of_32_bits(void **state)
{
	static const char *const v[] = {
		"table=0,ip,actions=set_field:0xffffffff->reg0,set_field:0xffffffff->reg1,"
		"set_field:0xffffffff->reg2,set_field:2->reg3,ct(table=1)",
		"table=1,ip,actions=move:NXM_NX_CT_STATE[]->NXM_NX_REG0[],push:NXM_NX_CT_STATE[],"
		"pop:NXM_NX_REG1[],move:NXM_NX_CT_STATE[4..19]->NXM_NX_REG2[8..23],"
		"move:NXM_NX_CT_STATE[8..31]->NXM_NX_REG3[0..23],resubmit(,2)",
		"table=2,ip,reg0=0x21,reg1=0x21,reg2=0xff0002ff,reg3=0,actions=output:2",
		"table=2,priority=1,actions=output:3", NULL
	};

	flows(v);
	send_udp(5, 6);
	assert_int_equal(left.n, 1);
	assert_int_equal(left.o[0].port, 2);
	forget(NULL);
}

/* ct(table=1) in the middle: a copy with registers and set goes there first, the packet goes on. */
static void forks(void **state)
{
	static const char *const v[] = {
		"table=0,ip,actions=set_field:9->reg3,write_actions(output:4),goto_table:5",
		"table=5,ip,actions=ct(commit,table=1),set_field:1->reg3,output:2",
		"table=1,ip,reg3=9,ct_state=+trk,actions=output:3", NULL
	};

	flows(v);
	send_udp(5, 6);
	assert_int_equal(left.n, 4);
	assert_int_equal(left.o[0].port, 3);
	assert_int_equal(left.o[1].port, 4);
	assert_int_equal(left.o[2].port, 2);
	assert_int_equal(left.o[3].port, 4);
	forget(NULL);
}

/* A flood: each copy is tracked in the zone of the port that it is for. */
static void floods(void **state)
{
	static const char *const judge[] = { "table=1,ip,ct_state=+new+trk,actions=output:4",
					     NULL };
	enum { PORTS = 32 };
	char text[2048] = "table=0,ip,actions=";
	const char *const flood[] = { text, NULL };
	const uint64_t was = all_drops();

	for (int i = 0; i < PORTS; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%sct(table=1,zone=%d)",
			 i ? "," : "", i + 1);
	flows(judge);
	flows(flood);
	send_udp(5, 6);
	assert_int_equal(left.n, PORTS);
	assert_int_equal(all_drops(), was);
	forget(NULL);
}

/* A miss in the table that ct() leads to is a miss; a circle ends. */
static void ends(void **state)
{
	static const char *const miss[] = { "table=0,ip,actions=ct(table=9)", NULL };
	static const char *const circle[] = { "table=0,ip,actions=ct(table=0)", NULL };
	static const char *const tree[] = { "table=0,ip,actions=ct(table=0),ct(table=0)", NULL };
	uint64_t was = dropped(DROP_TABLE_MISS);

	flows(miss);
	send_udp(5, 6);
	assert_int_equal(left.n, 0);
	assert_int_equal(dropped(DROP_TABLE_MISS), was + 1);
	forget(NULL);
	was = dropped(DROP_CT_DEPTH);
	flows(circle);
	send_udp(5, 6);
	assert_int_equal(left.n, 0);
	assert_int_equal(dropped(DROP_CT_DEPTH), was + 1);
	assert_int_equal(h.w->burst->ct_passes[0], ACT_CT_PASSES);
	forget(NULL);
	/* Two forks each, and yet no more than so many copies. */
	was = all_drops();
	flows(tree);
	send_udp(5, 6);
	assert_int_equal(left.n, 0);
	assert_true(all_drops() - was <= ACT_CT_PASSES + 1);
	forget(NULL);
}

/* Zone, mark and label from the packet. */
static void computed(void **state)
{
	static const char *const v[] = {
		"table=0,ip,actions=set_field:0x50007->reg0,set_field:0x1234->reg1,resubmit(,3)",
		"table=3,ip,ct_state=-trk,actions=ct(table=4,zone=NXM_NX_REG0[0..15])",
		"table=4,ip,ct_state=+new+trk,ct_zone=7,actions=ct(commit,zone=NXM_NX_REG0[0..15],"
		"exec(move:NXM_NX_REG1[0..15]->NXM_NX_CT_MARK[16..31],load:0x3->NXM_NX_CT_LABEL[4.."
		"7]))"
		",output:2",
		"table=4,ip,ct_state=+est+trk,ct_zone=7,ct_mark=0x12340000,ct_label=0x30,actions="
		"output:3",
		NULL
	};

	flows(v);
	send_udp(5, 6);
	assert_int_equal(left.n, 1);
	assert_int_equal(left.o[0].port, 2);
	answer_udp(5, 6);
	assert_int_equal(left.n, 1);
	assert_int_equal(left.o[0].port, 3);
	forget(NULL);
}

/* set_field with a mask, which a controller may send as one reg_load2: some bits of the mark. */
static void masked(void **state)
{
	static const char *const v[] = { "table=0,priority=1,ip,actions=ct(commit,exec(set_field:"
					 "0xf0->ct_mark)),ct(table=1)",
					 "table=1,ip,ct_state=+trk,ct_mark=0xf5,actions=output:2",
					 "table=2,ip,actions=ct(table=1)", NULL };
	struct of_nx_ct *a = ct_action(NX_CT_F_COMMIT);
	struct of_nx_reg_load2 *set = OF_NEW(&h.a, nx_reg_load2);
	struct of_action_set_field *whole = OF_NEW(&h.a, action_set_field);

	set->field.field = &of_fields[OF_FIELD_CT_MARK];
	set->field.masked = true;
	memcpy(set->field.value, "\0\0\0\x05", 4);
	memcpy(set->field.mask, "\0\0\0\x0f", 4);
	of_list_add(&a->actions, &h.a, (struct of_any *)set);
	flows(v);
	send_udp(5, 6);
	assert_int_equal(left.n, 0);
	assert_int_equal(try_ct(a), 0); /* instead of what has written the high bits */
	dp_publish(h.dp);
	send_udp(5, 6);
	flow("table=0,priority=2,ip,actions=ct(table=1)");
	dp_publish(h.dp);
	send_udp(5, 6);
	assert_int_equal(left.n, 1);
	assert_int_equal(left.o[0].port, 2);

	/* OpenFlow 1.3's own has no mask. */
	whole->field = set->field;
	a = ct_action(NX_CT_F_COMMIT);
	of_list_add(&a->actions, &h.a, (struct of_any *)whole);
	assert_int_equal(try_ct(a), A(BAD_SET_TYPE));
	forget(NULL);
}

/* In a bucket, as load balancers have it: its changes are its own. */
static void bucket(void **state)
{
	static const char *const v[] = { "table=0,ip,actions=group:1",
					 "table=1,ip,ct_state=+trk,reg5=3,actions=output:3", NULL };

	/* A group's fork needs the table of connections as a flow's does. */
	group(OFPGC_ADD,
	      "group_id=1,type=all,bucket=actions=load:3->NXM_NX_REG5[],ct(commit,table=1)"
	      ",bucket=actions=output:2");
	flows(v);
	send_udp(5, 6);
	assert_int_equal(left.n, 2);
	assert_int_equal(left.o[0].port, 3);
	assert_int_equal(left.o[1].port, 2);
	assert_int_equal(n_conns(), 1);
	forget(NULL);
}

/* A burst of many connections at once, half of them known. */
static void bursts(void **state)
{
	static const char *const v[] = { "table=0,ip,actions=ct(table=1)",
					 "table=1,ip,ct_state=+new+trk,actions=ct(commit),output:2",
					 "table=1,ip,ct_state=+est+trk,actions=output:3", NULL };
	struct burst *b = h.w->burst;

	flows(v);
	for (uint16_t p = 0; p < 16; p++) {
		send_udp((uint16_t)(100 + 2 * p), 6);
		answer_udp((uint16_t)(100 + 2 * p), 6);
	}
	left.n = 0;
	pmd_burst_start(h.w, b);
	for (uint16_t p = 0; p < BURST_MAX; p++)
		assert_true(pkt_init(b, p, udp_between(1, 2, (uint16_t)(100 + p), 6), 1));
	b->n = BURST_MAX;
	pmd_burst_run(h.w, b, ~UINT64_C(0) >> (64 - BURST_MAX));
	assert_int_equal(left.n, BURST_MAX);
	for (unsigned int i = 0; i < left.n; i++)
		assert_int_equal(left.o[i].port, left.o[i].idx & 1 ? 2 : 3);
	assert_int_equal(n_conns(), BURST_MAX);
	forget(NULL);
}

/* What comes in two pieces is tracked whole; the pieces by themselves go nowhere. */
static void fragments(void **state)
{
	static const char *const v[] = { "table=0,ip,actions=ct(table=1)",
					 "table=1,ip,ct_state=+new+trk,nw_frag=no,tp_dst=6,udp,"
					 "actions=output:2",
					 NULL };
	struct rte_mbuf *m = udp_between(1, 2, 5, 6);
	uint8_t b[256], *ip = b + CF_L3;
	const uint32_t n = m->pkt_len, first = CF_L3 + 20 + 24;

	memcpy(b, rte_pktmbuf_mtod(m, uint8_t *), n);
	rte_pktmbuf_free(m);
	flows(v);
	h.w->now = rte_rdtsc();
	for (unsigned int piece = 0; piece < 2; piece++) {
		uint8_t f[256];
		uint32_t len = piece ? n - 24 : first;

		memcpy(f, b, CF_L3 + 20);
		memcpy(f + CF_L3 + 20, piece ? b + first : ip + 20, len - CF_L3 - 20);
		put_be16(f + CF_L3 + 2, (uint16_t)(len - CF_L3));
		put_be16(f + CF_L3 + 4, 77);
		put_be16(f + CF_L3 + 6, piece ? 24 / 8 : 0x2000);
		cf_sum_ip(f + CF_L3);
		m = rte_pktmbuf_alloc(h.w->pool);
		memcpy(rte_pktmbuf_append(m, (uint16_t)len), f, len);
		role_assume_pmd();
		begin(m);
		pipeline_run(h.w, h.w->burst, 1, 0, h.w->now);
		h.w->flush(h.w, h.w->burst);
		assert_int_equal(left.n, piece);
	}
	assert_int_equal(left.len[0], n);
	forget(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused),
		cmocka_unit_test(refused_by_hand),
		cmocka_unit_test(refused_of_the_other_version),
		cmocka_unit_test(states),
		cmocka_unit_test(icmp_tells_type_and_code),
		cmocka_unit_test(invalid_has_no_mark),
		cmocka_unit_test(untracked_behind),
		cmocka_unit_test(forks),
		cmocka_unit_test(floods),
		cmocka_unit_test(ends),
		cmocka_unit_test(computed),
		cmocka_unit_test(bucket),
		cmocka_unit_test(bursts),
		cmocka_unit_test(fragments),
		cmocka_unit_test(state_of_32_bits),
		cmocka_unit_test(masked),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

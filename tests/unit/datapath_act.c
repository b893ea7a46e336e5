/* SPDX-License-Identifier: Apache-2.0 */
/* Spec: 4.5 Reserved ports */
/* Spec: 5.11 Action list */
/* Spec: 5.10 Action set: full ones */
/* Spec: 7.3.7 Packet-out */
/* Actions: where each frame goes, what is counted, buckets, meters, packet-out, shared programs. */
#include "tests/unit/datapath_act.h"

/* ---- Where frames go, and what is counted ---- */

#define UDP_FRAME                                          \
	"020000000002020000000001080045000021000100004011" \
	"66c90a0000010a000002"                             \
	"00050006000d00006162636465"

static void where_frames_go(void **state)
{
	static const struct {
		const char *actions;
		uint32_t ports[6];
		enum drop why; /* N_DROPS: nothing is dropped */
	} cases[] = {
		{ "drop", { 0 }, DROP_NO_ACTION },
		{ "output:2", { 2 }, N_DROPS },
		{ "output:2,output:3,output:4", { 2, 3, 4 }, N_DROPS },
		{ "in_port", { 1 }, N_DROPS },
		{ "output:1", { 0 }, DROP_SAME_PORT },
		{ "output:1,output:2", { 2 }, DROP_SAME_PORT },
		{ "output:2,output:1", { 2 }, DROP_SAME_PORT },
		{ "all", { 2, 3, 4 }, N_DROPS },
		{ "flood", { 2, 3 }, N_DROPS },
		{ "local", { OFPP_LOCAL }, N_DROPS },
		{ "normal", { OFPP_NORMAL }, N_DROPS },
		{ "controller", { OFPP_CONTROLLER }, N_DROPS },
		{ "group:3", { 0 }, DROP_ACTION_FAILED },
		{ "output:2,group:3,output:3", { 2, 3 }, DROP_ACTION_FAILED },
		{ "set_field:1->reg0,output:2,set_field:2->reg0", { 2 }, N_DROPS },
		{ "set_field:1->reg0", { 0 }, DROP_NO_ACTION },
		{ "output:2,mod_nw_ttl:7", { 2 }, N_DROPS },
		{ "mod_nw_ttl:1,dec_ttl,output:2", { OFPP_CONTROLLER }, DROP_TTL_EXPIRED },
		{ "group:1", { 2, 3 }, N_DROPS },
		{ "group:1,output:4", { 2, 3, 4 }, N_DROPS },
		{ "group:2", { 0 }, DROP_GROUP_NO_BUCKET },
		{ "write_actions(group:1,output:4)", { 2, 3 }, N_DROPS },
		{ "write_actions(output:2,output:3)", { 3 }, N_DROPS },
		{ "output:2,goto_table:1", { 2 }, DROP_TABLE_MISS },
		{ "goto_table:1", { 0 }, DROP_TABLE_MISS },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const uint64_t drops = all_drops();
		uint64_t before = 0;
		uint32_t n = 0;

		group(OFPGC_ADD, "group_id=1,type=all,bucket=output:2,bucket=output:3");
		group(OFPGC_ADD, "group_id=2,type=all");
		group(OFPGC_ADD, "group_id=3,type=all,bucket=pop_vlan,output:4");
		if (cases[i].why != N_DROPS)
			before = dropped(cases[i].why);
		flow_of("ip", cases[i].actions);
		send_hex(UDP_FRAME);
		for (; n < 6 && cases[i].ports[n]; n++)
			if (n >= left.n || left.o[n].port != cases[i].ports[n])
				fail_msg("%s: output %u", cases[i].actions, n);
		if (left.n != n)
			fail_msg("%s: %u outputs", cases[i].actions, left.n);
		if (all_drops() - drops != (cases[i].why != N_DROPS))
			fail_msg("%s: drops", cases[i].actions);
		if (cases[i].why != N_DROPS && dropped(cases[i].why) != before + 1)
			fail_msg("%s: not dropped as %s", cases[i].actions,
				 drop_names[cases[i].why]);
		clean(NULL);
	}
}

/* 7.4.1: why a packet-in came, from which table, and how much of the frame is asked for. */
static void packet_in_reasons(void **state)
{
	flow("table=0,priority=0,actions=controller:65535");
	dp_publish(h.dp);
	send_hex(UDP_FRAME);
	assert_int_equal(left.o[0].reason, OFPR_NO_MATCH);
	assert_int_equal(left.o[0].max_len, OFPCML_NO_BUFFER);

	flow("table=0,priority=1,cookie=7,actions=goto_table:3");
	flow("table=3,priority=1,cookie=8,ip,actions=controller:99");
	dp_publish(h.dp);
	send_hex(UDP_FRAME);
	assert_int_equal(left.o[0].reason, OFPR_ACTION);
	assert_int_equal(left.o[0].table_id, 3);
	assert_int_equal(left.o[0].max_len, 99);
	assert_int_equal(left.o[0].cookie, 8);

	flow("table=3,priority=1,cookie=9,ip,actions=mod_nw_ttl:1,dec_ttl");
	dp_publish(h.dp);
	atomic_store(&h.dp->miss_send_len, 77);
	send_hex(UDP_FRAME);
	assert_int_equal(left.o[0].reason, OFPR_INVALID_TTL);
	assert_int_equal(left.o[0].max_len, 77);
	clean(NULL);
}

/* A bucket's changes are its own, and it is an action set whatever the order of its actions. */
static void buckets(void **state)
{
	group(OFPGC_ADD, "group_id=1,type=all,bucket=output:2,push_vlan:0x8100,"
			 "bucket=set_tunnel:7,output:3,bucket=output:4");
	flow_of("ip", "group:1,output:5");
	send_hex(UDP_FRAME);
	assert_int_equal(left.n, 4);
	assert_int_equal(left.o[0].port, 2);
	assert_int_equal(get_be16(left.frame[0] + 12), 0x8100);
	assert_int_equal(be64toh(left.o[1].tun.tun_id), 7);
	assert_int_equal(get_be16(left.frame[1] + 12), 0x0800);
	assert_false(left.o[2].tunneled);
	assert_int_equal(left.o[3].port, 5);
	assert_int_equal(get_be16(left.frame[3] + 12), 0x0800);
	clean(NULL);
}

static void meters(void **state)
{
	struct of_meter_mod mm = { .kind = OF_KIND_meter_mod,
				   .command = OFPMC_ADD,
				   .flags = OFPMF_PKTPS | OFPMF_BURST,
				   .meter_id = 1 };
	struct of_band_drop *band = OF_NEW(&h.a, band_drop);
	const uint64_t before = dropped(DROP_METER);

	band->rate = 1;
	band->burst_size = 1;
	of_list_add(&mm.bands, &h.a, (struct of_any *)band);
	assert_int_equal(meter_mod(h.dp, &mm, &h.e), 0);
	flow_of("ip", "meter:1,output:2");
	for (int i = 0; i < 20; i++)
		send_hex(UDP_FRAME);
	assert_in_range(dropped(DROP_METER) - before, 15, 19);
	clean(NULL);
}

/* ---- Packet-out ---- */

static struct insts *actions_of(const char *text, bool in_group)
{
	struct of_list l = { 0 };
	struct err e = { "" };

	if (of_parse_actions(text, NULL, &h.a, &l, &e) < 0)
		fail_msg("%s: %s", text, e.text);
	return insts_get_actions(h.dp, &l, in_group, &h.e);
}

static void packet_out(void **state)
{
	const unsigned int used = rte_mempool_in_use_count(h.w->pool);
	struct insts *i = actions_of("set_field:9->reg0,output:2,table", false);
	struct pkt *p;

	role_assume_pmd();
	assert_non_null(i);
	flow("table=0,reg0=9,actions=output:3");
	dp_publish(h.dp);
	p = begin(mbuf_of(UDP_FRAME));
	act_run(h.w, h.w->burst, p, i->apply, 0);
	act_finish(h.w, h.w->burst, p, 0);
	h.w->flush(h.w, h.w->burst);
	assert_int_equal(left.n, 2);
	assert_int_equal(left.o[0].port, 2);
	assert_int_equal(left.o[1].port, 3);
	assert_int_equal(rte_mempool_in_use_count(h.w->pool), used);
	insts_put(h.dp, i);

	assert_null(actions_of("table,output:2", false));
	assert_int_equal(refusal(h.e.type, h.e.code), A(UNSUPPORTED_ORDER));
	assert_null(actions_of("table", true));
	assert_int_equal(refusal(h.e.type, h.e.code), A(BAD_OUT_PORT));
	clean(NULL);
}

/* ---- Buffers that are not the packet's alone, or have no room ---- */

static void shared_buffers(void **state)
{
	struct rte_mbuf *m = mbuf_of(UDP_FRAME), *full;
	uint8_t was[64];

	memcpy(was, rte_pktmbuf_mtod(m, uint8_t *), m->data_len);
	flow_of("ip", "mod_nw_ttl:9,push_vlan:0x8100,output:2");
	/* Somebody else reads the same bytes: they stay as they are. */
	rte_mbuf_refcnt_update(m, 1);
	send_mbuf(m);
	assert_int_equal(left.n, 1);
	assert_int_equal(left.frame[0][14 + 4 + 8], 9);
	assert_memory_equal(was, rte_pktmbuf_mtod(m, uint8_t *), m->data_len);
	assert_int_equal(rte_mbuf_refcnt_read(m), 1);
	rte_pktmbuf_free(m);

	full = mbuf_of(UDP_FRAME);
	memmove(full->buf_addr, rte_pktmbuf_mtod(full, uint8_t *), full->data_len);
	full->data_off = 0;
	send_mbuf(full);
	assert_int_equal(left.n, 0);
	assert_int_equal(dropped(DROP_NO_HEADROOM), 1);
	clean(NULL);
}

/* ---- Programs shared ---- */

static void interning(void **state)
{
	struct insts *a = actions_of("output:1,output:2", false), *b, *c;

	b = actions_of("output:1,output:2", false);
	assert_ptr_equal(a, b);
	assert_int_equal(a->refs, 2);
	c = actions_of("output:2,output:1", false);
	assert_ptr_not_equal(a, c);
	/* A bucket's program is another one: only its last output counts. */
	assert_ptr_not_equal(actions_of("output:1,output:2", true), a);
	insts_put(h.dp, actions_of("output:1,output:2", true));
	insts_put(h.dp, actions_of("output:1,output:2", true));
	assert_true(insts_has_port(a, 2));
	assert_false(insts_has_port(a, 3));
	insts_put(h.dp, a);
	insts_put(h.dp, b);
	insts_put(h.dp, c);

	/* A group that has gone and come again is another group. */
	group(OFPGC_ADD, "group_id=5,type=indirect,bucket=output:1");
	a = actions_of("group:5", false);
	assert_true(insts_has_group(a, 5));
	assert_false(insts_has_group(a, 6));
	group(OFPGC_DELETE, "group_id=5");
	assert_null(actions_of("group:5", false));
	group(OFPGC_ADD, "group_id=5,type=indirect,bucket=output:2");
	b = actions_of("group:5", false);
	assert_ptr_not_equal(a, b);
	insts_put(h.dp, a);
	insts_put(h.dp, b);
	clean(NULL);
}

/* Too many fields from several tables: the set has no room, and the packet says why it is gone. */
static void full_action_set(void **state)
{
	const uint64_t before = dropped(DROP_ACTION_FAILED);

	for (uint8_t table = 0; table < 2; table++) {
		struct of_flow_mod *fm = flow_mod(OFPFC_ADD, table, 1);
		struct of_inst_write_actions *w = OF_NEW(&h.a, inst_write_actions);

		for (uint16_t i = 0; i < ACT_SET_FIELDS; i++)
			of_list_add(&w->actions, &h.a,
				    load_bits(OF_FIELD_METADATA, (uint16_t)(table * 20 + i), 1, 1));
		inst(fm, (struct of_any *)w);
		if (!table)
			inst(fm, goto_table(1));
		assert_int_equal(send_flow(fm), 0);
	}
	dp_publish(h.dp);
	send_hex(UDP_FRAME);
	assert_int_equal(dropped(DROP_ACTION_FAILED), before + 1);
	clean(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(where_frames_go), cmocka_unit_test(packet_in_reasons),
		cmocka_unit_test(buckets),	   cmocka_unit_test(meters),
		cmocka_unit_test(packet_out),	   cmocka_unit_test(shared_buffers),
		cmocka_unit_test(interning),	   cmocka_unit_test(full_action_set),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

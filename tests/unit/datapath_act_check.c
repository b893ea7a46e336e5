/* SPDX-License-Identifier: Apache-2.0 */
/* Spec: 5.1.1 Pipeline consistency: actions that fit no packet of the flow */
/* Spec: 5.11 Action list: what is refused */
/* Spec: 6.4 Flow table modification: consistency */
/* Instructions and actions that are refused, each with the error that 7.4.4 has for it. */
#include "tests/unit/datapath_act.h"

/* Those that the text grammar lets through. */
static void refused_texts(void **state)
{
	static const struct {
		const char *flow;
		uint16_t type, code; /* 0, 0: accepted */
	} cases[] = {
		{ "table=3,actions=goto_table:4", 0, 0 },
		{ "table=3,actions=goto_table:254", OFPET_BAD_INSTRUCTION, OFPBIC_BAD_TABLE_ID },
		{ "actions=meter:7,output:1", OFPET_METER_MOD_FAILED, OFPMMFC_UNKNOWN_METER },
		{ "actions=group:9", OFPET_BAD_ACTION, OFPBAC_BAD_OUT_GROUP },
		{ "actions=write_actions(group:9)", OFPET_BAD_ACTION, OFPBAC_BAD_OUT_GROUP },
		{ "actions=set_queue:1,output:1", OFPET_BAD_ACTION, OFPBAC_BAD_QUEUE },
		{ "actions=output:1,output:2,local,flood,all,in_port,normal,controller", 0, 0 },
		{ "actions=resubmit(,254)", OFPET_BAD_ACTION, OFPBAC_BAD_ARGUMENT },
		{ "tcp,actions=set_field:1->tcp_src,set_field:10.0.0.1->ip_dst", 0, 0 },
		{ "dl_vlan=5,actions=pop_vlan", 0, 0 },
		{ "actions=push_vlan:0x8100,set_field:0x1005->vlan_vid", 0, 0 },
		{ "mpls,actions=pop_mpls:0x0800,dec_ttl,set_field:10.0.0.1->ip_dst", 0, 0 },
		{ "mpls,actions=dec_mpls_ttl,copy_ttl_in,copy_ttl_out", 0, 0 },
		{ "actions=note:01.02", 0, 0 },
		{ "actions=set_tunnel:5,set_tunnel64:6,load:1->NXM_NX_REG0[0..3]", 0, 0 },
		{ "actions=move:NXM_NX_REG0[]->NXM_NX_REG1[]", 0, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const uint32_t want = cases[i].type ? refusal(cases[i].type, cases[i].code) : 0;
		const uint32_t got = try_flow(cases[i].flow);

		if (got != want)
			fail_msg("%s: %#x, not %#x (%s)", cases[i].flow, got, want, h.e.text);
	}
	clean(NULL);
}

/* One action in a flow that matches 'match'. */
static uint32_t try_action(const char *match, struct of_any *a)
{
	struct of_flow_mod *fm = flow_mod(OFPFC_ADD, 0, 1);
	struct err e = { "" };

	assert_int_equal(of_parse_match(match, NULL, &fm->match, &e), 0);
	inst(fm, applied(a));
	return send_flow(fm);
}

static struct of_any *set_number(enum of_field_id id, uint64_t v)
{
	struct of_action_set_field *a = OF_NEW(&h.a, action_set_field);

	a->field.field = &of_fields[id];
	put_be(a->field.value, of_fields[id].bytes, v);
	return (struct of_any *)a;
}

static struct of_any *move_bits(enum of_field_id src, enum of_field_id dst, uint16_t n)
{
	struct of_nx_reg_move *a = OF_NEW(&h.a, nx_reg_move);

	a->src = &of_fields[src];
	a->dst = &of_fields[dst];
	a->n_bits = n;
	return (struct of_any *)a;
}

static void refused_set_fields(void **state)
{
	struct of_action_set_field *masked;

	/* 7.2.3.8: the match must have what the field needs. */
	assert_int_equal(try_action("ip", set_number(OF_FIELD_TCP_SRC, 1)), A(MATCH_INCONSISTENT));
	assert_int_equal(try_action("", set_number(OF_FIELD_IPV4_SRC, 1)), A(MATCH_INCONSISTENT));
	assert_int_equal(try_action("arp", set_number(OF_FIELD_IPV4_SRC, 1)),
			 A(MATCH_INCONSISTENT));
	assert_int_equal(try_action("", set_number(OF_FIELD_VLAN_VID, 0x1001)),
			 A(MATCH_INCONSISTENT));
	assert_int_equal(try_action("icmp6,icmp_type=136", set_number(OF_FIELD_ND_SLL, 1)),
			 A(MATCH_INCONSISTENT));
	assert_int_equal(try_action("ip", load_bits(OF_FIELD_UDP_DST, 0, 16, 1)),
			 A(MATCH_INCONSISTENT));
	assert_int_equal(try_action("ip", move_bits(OF_FIELD_TCP_SRC, OF_FIELD_REG0, 16)),
			 A(MATCH_INCONSISTENT));
	/* Fields that cannot be set at all, or not by this switch. */
	assert_int_equal(try_action("", set_number(OF_FIELD_IN_PORT, 1)), A(BAD_SET_TYPE));
	/* 7.2.5: every field of a header; below 0x600 it is a length (IEEE 802.3). */
	assert_int_equal(try_action("", set_number(OF_FIELD_ETH_TYPE, 0x86dd)), 0);
	assert_int_equal(try_action("", set_number(OF_FIELD_ETH_TYPE, 0x5ff)), A(BAD_SET_ARGUMENT));
	assert_int_equal(try_action("", set_number(OF_FIELD_IP_PROTO, 17)), A(MATCH_INCONSISTENT));
	assert_int_equal(try_action("ip", set_number(OF_FIELD_IP_PROTO, 17)), 0);
	assert_int_equal(try_action("ipv6", set_number(OF_FIELD_IPV6_EXTHDR, 1)), A(BAD_SET_TYPE));
	assert_int_equal(try_action("", set_number(OF_FIELD_CT_MARK, 1)), A(BAD_SET_ARGUMENT));
	assert_int_equal(try_action("", set_number(OF_FIELD_CT_ZONE, 1)), A(BAD_SET_TYPE));
	assert_int_equal(try_action("", set_number(OF_FIELD_TUN_GBP_ID, 1)), A(BAD_SET_TYPE));
	assert_int_equal(try_action("", move_bits(OF_FIELD_CT_MARK, OF_FIELD_REG0, 32)), 0);
	assert_int_equal(try_action("", move_bits(OF_FIELD_DP_HASH, OF_FIELD_REG0, 32)), 0);
	assert_int_equal(try_action("", move_bits(OF_FIELD_REG0, OF_FIELD_DP_HASH, 32)),
			 A(BAD_SET_TYPE));
	assert_int_equal(try_action("", set_number(OF_FIELD_DP_HASH, 1)), A(BAD_SET_TYPE));
	assert_int_equal(try_action("", move_bits(OF_FIELD_TUN_GBP_ID, OF_FIELD_REG0, 16)),
			 A(BAD_SET_TYPE));
	assert_int_equal(try_action("", move_bits(OF_FIELD_REG0, OF_FIELD_IN_PORT, 32)),
			 A(BAD_SET_TYPE));
	/* Values and ranges. */
	assert_int_equal(try_action("dl_vlan=5", set_number(OF_FIELD_VLAN_VID, 7)),
			 A(BAD_SET_ARGUMENT));
	assert_int_equal(try_action("dl_vlan=5", set_number(OF_FIELD_VLAN_VID, 0x3007)),
			 A(BAD_SET_ARGUMENT));
	assert_int_equal(try_action("dl_vlan=5", set_number(OF_FIELD_VLAN_PCP, 8)),
			 A(BAD_SET_ARGUMENT));
	assert_int_equal(try_action("ip", set_number(OF_FIELD_IP_DSCP, 64)), A(BAD_SET_ARGUMENT));
	assert_int_equal(try_action("mpls", set_number(OF_FIELD_MPLS_LABEL, 1 << 20)),
			 A(BAD_SET_ARGUMENT));
	assert_int_equal(try_action("", load_bits(OF_FIELD_REG0, 30, 3, 0)), A(BAD_ARGUMENT));
	assert_int_equal(try_action("", load_bits(OF_FIELD_REG0, 0, 3, 8)), A(BAD_ARGUMENT));
	assert_int_equal(try_action("", move_bits(OF_FIELD_METADATA, OF_FIELD_REG0, 33)),
			 A(BAD_ARGUMENT));
	/* Only push makes a tag; a load of vlan_tci's bit for it takes it away. */
	assert_int_equal(try_action("dl_vlan=5", load_bits(OF_FIELD_VLAN_TCI, 0, 13, 0)), 0);
	assert_int_equal(try_action("dl_vlan=5", load_bits(OF_FIELD_VLAN_TCI, 12, 1, 0)), 0);
	assert_int_equal(try_action("dl_vlan=5", load_bits(OF_FIELD_VLAN_TCI, 12, 5, 0)),
			 A(BAD_ARGUMENT));
	assert_int_equal(try_action("dl_vlan=5", load_bits(OF_FIELD_VLAN_TCI, 0, 13, 0x1000)),
			 A(BAD_ARGUMENT));
	assert_int_equal(try_action("dl_vlan=5", load_bits(OF_FIELD_VLAN_TCI, 12, 1, 1)),
			 A(BAD_ARGUMENT));
	assert_int_equal(try_action("dl_vlan=5", load_bits(OF_FIELD_VLAN_VID, 0, 13, 0)),
			 A(BAD_ARGUMENT));
	assert_int_equal(try_action("dl_vlan=5", load_bits(OF_FIELD_VLAN_TCI, 0, 12, 9)), 0);
	/* 1.3 has no masked set-field. */
	masked = (struct of_action_set_field *)set_number(OF_FIELD_REG0, 1);
	masked->field.masked = true;
	memset(masked->field.mask, 0x0f, 4);
	assert_int_equal(try_action("", (struct of_any *)masked), A(BAD_SET_TYPE));
	clean(NULL);
}

static struct of_any *push(enum of_kind kind, uint16_t ethertype)
{
	struct of_action_push_vlan *a = (struct of_action_push_vlan *)of_new(&h.a, kind);

	a->ethertype = ethertype;
	return (struct of_any *)a;
}

static void refused_others(void **state)
{
	static const uint32_t no_port[] = { 0,		 0xff00,   OFPP_MAX,  OFPP_TABLE,
					    0xfffffff0u, OFPP_ANY, OFPP_UNSET };
	struct of_flow_mod *fm;
	struct of_action_output *o;
	struct of_inst_write_actions *many;
	struct of_action_experimenter *x;
	struct of_inst_experimenter *xi;

	for (size_t i = 0; i < sizeof(no_port) / sizeof(no_port[0]); i++)
		assert_int_equal(try_action("", output_to(no_port[i])), A(BAD_OUT_PORT));
	o = (struct of_action_output *)output_to(OFPP_CONTROLLER);
	o->max_len = OFPCML_MAX + 1;
	assert_int_equal(try_action("", (struct of_any *)o), A(BAD_ARGUMENT));

	assert_int_equal(try_action("", push(OF_KIND_action_push_vlan, 0x0800)), A(BAD_ARGUMENT));
	assert_int_equal(try_action("", push(OF_KIND_action_push_mpls, 0x8100)), A(BAD_ARGUMENT));
	assert_int_equal(try_action("", push(OF_KIND_action_push_pbb, 0x8100)), A(BAD_ARGUMENT));
	assert_int_equal(try_action("", push(OF_KIND_action_pop_mpls, 0x05ff)), A(BAD_ARGUMENT));
	/* Where the match does not tell, each packet is looked at. */
	assert_int_equal(try_action("", of_new(&h.a, OF_KIND_action_pop_vlan)), 0);
	assert_int_equal(try_action("", push(OF_KIND_action_pop_mpls, 0x0800)), 0);
	/* On packets that the match excludes. */
	assert_int_equal(try_action("vlan_tci=0", of_new(&h.a, OF_KIND_action_pop_vlan)),
			 A(MATCH_INCONSISTENT));
	assert_int_equal(try_action("ip", push(OF_KIND_action_pop_mpls, 0x0800)),
			 A(MATCH_INCONSISTENT));
	assert_int_equal(try_action("ip", of_new(&h.a, OF_KIND_action_pop_pbb)),
			 A(MATCH_INCONSISTENT));
	assert_int_equal(try_action("arp", of_new(&h.a, OF_KIND_action_dec_nw_ttl)),
			 A(MATCH_INCONSISTENT));
	assert_int_equal(try_action("ip", of_new(&h.a, OF_KIND_action_dec_mpls_ttl)),
			 A(MATCH_INCONSISTENT));
	assert_int_equal(try_action("arp", of_new(&h.a, OF_KIND_action_copy_ttl_out)),
			 A(MATCH_INCONSISTENT));

	x = OF_NEW(&h.a, action_experimenter);
	x->experimenter = 0x123456;
	assert_int_equal(try_action("", (struct of_any *)x), A(BAD_EXPERIMENTER));
	x->experimenter = OF_NX_ID;
	assert_int_equal(try_action("", (struct of_any *)x), A(BAD_EXP_TYPE));

	/* Instructions. */
	fm = flow_mod(OFPFC_ADD, 3, 1);
	inst(fm, goto_table(3));
	assert_int_equal(send_flow(fm), I(BAD_TABLE_ID));
	fm = flow_mod(OFPFC_ADD, 3, 1);
	inst(fm, goto_table(4));
	inst(fm, goto_table(5));
	assert_int_equal(send_flow(fm), I(UNSUP_INST));
	fm = flow_mod(OFPFC_ADD, 3, 1);
	xi = OF_NEW(&h.a, inst_experimenter);
	inst(fm, (struct of_any *)xi);
	assert_int_equal(send_flow(fm), I(BAD_EXPERIMENTER));

	/* As many fields as an action set has room for, and one more. */
	for (unsigned int n = ACT_SET_FIELDS; n <= ACT_SET_FIELDS + 1; n++) {
		fm = flow_mod(OFPFC_ADD, 0, 1);
		many = OF_NEW(&h.a, inst_write_actions);
		for (uint16_t i = 0; i < n; i++)
			of_list_add(&many->actions, &h.a, load_bits(OF_FIELD_METADATA, i, 1, 1));
		inst(fm, (struct of_any *)many);
		assert_int_equal(send_flow(fm), n == ACT_SET_FIELDS ? 0 : A(TOO_MANY));
	}
	clean(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused_texts),
		cmocka_unit_test(refused_set_fields),
		cmocka_unit_test(refused_others),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

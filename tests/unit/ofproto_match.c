/* SPDX-License-Identifier: Apache-2.0 */
/* Spec: 7.2.3.1 Match header: written */
/* Spec: 7.2.3.5 Match masks: relations */
/* Spec: 7.2.3.6 Prerequisites of a packet */
/*
 * Fields and matches: every row of field.def is found by its headers and names, keeps to its bits;
 * a match goes out as the fields that say it, in canonical order, or not at all.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ofproto/wire.h"

/* ---- Fields ---- */

static void found_by_header(void **state)
{
	FIELD_EACH (f) {
		if (f->is_onf)
			assert_ptr_equal(of_field_by_onf(f->oxm >> 9 & 127), f);
		else if (f->oxm != OF_FIELD_NO_ID)
			assert_ptr_equal(of_field_by_header(f->oxm | 0x1ff), f);
		if (f->nxm != OF_FIELD_NO_ID)
			assert_ptr_equal(of_field_by_header(f->nxm), f);
	}
	assert_null(of_field_by_header(0x8000fe00));
	assert_null(of_field_by_header(0x7fff0000));
	assert_null(of_field_by_header(0xffff5400));
	assert_null(of_field_by_onf(7));
	assert_null(of_field_by_onf(1000));
}

static const struct of_field *named(const char *name)
{
	return of_field_by_name(name, strlen(name));
}

static void found_by_name(void **state)
{
	char buf[64];

	FIELD_EACH (f) {
		assert_ptr_equal(named(f->name), f);
		assert_ptr_equal(named(of_field_nxm_name(f, buf)), f);
		assert_non_null(named(f->match));
	}
	assert_ptr_equal(named("dl_src"), &of_fields[OF_FIELD_ETH_SRC]);
	assert_ptr_equal(named("ipv4_src"), &of_fields[OF_FIELD_IPV4_SRC]);
	assert_ptr_equal(named("OXM_OF_IPV4_SRC"), &of_fields[OF_FIELD_IPV4_SRC]);
	assert_ptr_equal(named("NXM_OF_IP_SRC"), &of_fields[OF_FIELD_IPV4_SRC]);
	assert_ptr_equal(named("OXM_OF_ETH_SRC"), &of_fields[OF_FIELD_ETH_SRC]);
	assert_ptr_equal(named("NXM_NX_TUN_IPV4_DST"), &of_fields[OF_FIELD_TUN_DST]);
	assert_ptr_equal(named("OXM_OF_TUNNEL_ID"), &of_fields[OF_FIELD_TUN_ID]);
	assert_ptr_equal(named("OXM_OF_PKT_REG3"), &of_fields[OF_FIELD_XREG3]);
	assert_ptr_equal(named("NXM_NX_XXREG1"), &of_fields[OF_FIELD_XXREG1]);
	assert_ptr_equal(named("NXM_OF_VLAN_TCI"), &of_fields[OF_FIELD_VLAN_TCI]);
	assert_ptr_equal(named("ONFOXM_ET_TCP_FLAGS"), &of_fields[OF_FIELD_TCP_FLAGS]);
	assert_ptr_equal(named("OXM_OF_IPV6_ND_TARGET"), &of_fields[OF_FIELD_ND_TARGET]);
	assert_null(named("NXM_OF_NOTHING"));
	assert_null(named("eth"));
	assert_null(named(""));
	assert_ptr_equal(of_field_by_name("eth_src[0..7]", 7), &of_fields[OF_FIELD_ETH_SRC]);
}

/* All ones into a field of a zero key, and zeros into a key of ones: no other bit changes. */
static void a_field_keeps_to_its_bits(void **state)
{
	FIELD_EACH (f) {
		struct flow_key k = { 0 }, full;
		uint8_t ones[16], zeros[16] = { 0 }, got[16];
		unsigned int bits = 0;

		memset(ones, 0xff, sizeof(ones));
		memset(&full, 0xff, sizeof(full));
		of_field_set(f, &k, ones);
		of_field_set(f, &full, zeros);
		for (size_t i = 0; i < sizeof(k); i++) {
			bits += (unsigned int)__builtin_popcount(((uint8_t *)&k)[i]);
			assert_int_equal(((uint8_t *)&k)[i] ^ ((uint8_t *)&full)[i], 0xff);
		}
		assert_int_equal(bits, of_field_key_bits(f));
		of_field_get(f, &k, got);
		bits = 0;
		for (unsigned int i = 0; i < f->bytes; i++)
			bits += (unsigned int)__builtin_popcount(got[i]);
		assert_int_equal(bits, of_field_key_bits(f));
		/* Right-aligned. */
		assert_int_equal(got[f->bytes - 1] & 1, 1);
	}
}

static void shared_members(void **state)
{
	struct flow_key k = { 0 };

	of_field_set_u64(&of_fields[OF_FIELD_VLAN_VID], &k, 0x1005);
	of_field_set_u64(&of_fields[OF_FIELD_VLAN_PCP], &k, 6);
	assert_int_equal(be16toh(k.vlan_tci), 6 << 13 | 0x1005);
	of_field_set_u64(&of_fields[OF_FIELD_ICMPV4_TYPE], &k, 8);
	of_field_set_u64(&of_fields[OF_FIELD_ICMPV4_CODE], &k, 3);
	assert_int_equal(be16toh(k.tp_src), 0x0803);
	of_field_set_u64(&of_fields[OF_FIELD_IP_DSCP], &k, 46);
	of_field_set_u64(&of_fields[OF_FIELD_IP_ECN], &k, 1);
	assert_int_equal(k.ip_tos, 46 << 2 | 1);
	of_field_set_u64(&of_fields[OF_FIELD_MPLS_LABEL], &k, 0xabcde);
	of_field_set_u64(&of_fields[OF_FIELD_MPLS_TTL], &k, 64);
	of_field_set_u64(&of_fields[OF_FIELD_MPLS_BOS], &k, 1);
	assert_int_equal(be32toh(k.mpls_lse), 0xabcde140);
	of_field_set_u64(&of_fields[OF_FIELD_XREG0], &k, UINT64_C(0x1111111122222222));
	assert_int_equal(of_field_get_u64(&of_fields[OF_FIELD_REG0], &k), 0x11111111);
	assert_int_equal(of_field_get_u64(&of_fields[OF_FIELD_REG1], &k), 0x22222222);
	of_field_set_u64(&of_fields[OF_FIELD_IPV6_FLABEL], &k, 0xfffff);
	assert_int_equal(be32toh(k.ipv6_label), 0xfffff);
	of_field_set_u64(&of_fields[OF_FIELD_PBB_ISID], &k, 0xffffff);
	assert_int_equal(be32toh(k.pbb_isid), 0xffffff);
}

static void prerequisites_of_a_packet(void **state)
{
	struct flow_key k = { .eth_type = htobe16(0x0800), .ip_proto = 6 };

	assert_true(of_field_pre_met(&of_fields[OF_FIELD_TCP_SRC], &k));
	assert_true(of_field_pre_met(&of_fields[OF_FIELD_IPV4_SRC], &k));
	assert_false(of_field_pre_met(&of_fields[OF_FIELD_UDP_SRC], &k));
	assert_false(of_field_pre_met(&of_fields[OF_FIELD_ARP_SPA], &k));
	assert_false(of_field_pre_met(&of_fields[OF_FIELD_VLAN_PCP], &k));
	k.vlan_tci = htobe16(FLOW_TCI_PRESENT);
	assert_true(of_field_pre_met(&of_fields[OF_FIELD_VLAN_PCP], &k));
	k = (struct flow_key){ .eth_type = htobe16(0x86dd), .ip_proto = 58 };
	k.tp_src = htobe16(135 << 8);
	assert_true(of_field_pre_met(&of_fields[OF_FIELD_ND_SLL], &k));
	assert_false(of_field_pre_met(&of_fields[OF_FIELD_ND_TLL], &k));
	assert_true(of_field_pre_met(&of_fields[OF_FIELD_ND_TARGET], &k));
}

/* ---- Relations between matches ---- */

static void relations(void **state)
{
	struct of_match any = { 0 }, ip = { 0 }, net = { 0 }, host = { 0 }, arp = { 0 };
	struct flow_key k = { .eth_type = htobe16(0x0800), .nw_src = htobe32(0x0a000001) };

	of_match_set_u64(&ip, OF_FIELD_ETH_TYPE, 0x0800);
	net = host = ip;
	of_match_set_masked_u64(&net, OF_FIELD_IPV4_SRC, 0x0a0000ff, 0xff000000);
	of_match_set_u64(&host, OF_FIELD_IPV4_SRC, 0x0a000001);
	of_match_set_u64(&arp, OF_FIELD_ETH_TYPE, 0x0806);
	assert_true(of_match_covers(&any, &host));
	assert_true(of_match_covers(&net, &host));
	assert_false(of_match_covers(&host, &net));
	assert_true(of_match_overlaps(&net, &host));
	assert_false(of_match_overlaps(&arp, &host));
	assert_true(of_match_overlaps(&any, &arp));
	assert_true(of_match_hits(&any, &k));
	assert_true(of_match_hits(&net, &k));
	assert_true(of_match_hits(&host, &k));
	assert_false(of_match_hits(&arp, &k));
	assert_true(of_match_equal(&net, &net));
	assert_false(of_match_equal(&net, &host));
}

static void set_refuses_bits_outside_the_mask(void **state)
{
	struct of_match m = { 0 };
	uint8_t value[4] = { 10, 0, 0, 1 }, mask[4] = { 255, 0, 0, 0 };

	assert_int_equal(of_match_set(&m, &of_fields[OF_FIELD_IPV4_SRC], value, mask), -EINVAL);
	value[3] = 0;
	assert_int_equal(of_match_set(&m, &of_fields[OF_FIELD_IPV4_SRC], value, mask), 0);
}

/* ---- What goes out ---- */

/* The OXM fields of 'm' as hex, without ofp_match's header; or the words of the refusal. */
static const char *sent(const struct of_match *m)
{
	static char hex[2048];
	struct of_flow_mod fm = { .kind = OF_KIND_flow_mod, .match = *m };
	uint8_t p[1024];
	struct err e;
	int n = of_encode_any((const struct of_any *)&fm, p, sizeof(p), &e);

	if (n < 0) {
		assert_int_equal(n, -EINVAL);
		snprintf(hex, sizeof(hex), "%s", e.text);
		return hex;
	}
	hex[0] = '\0';
	for (int i = 0; i < get_be16(p + 42) - 4; i++)
		sprintf(hex + 2 * i, "%02x", p[44 + i]);
	return hex;
}

static void fields_that_share_a_member(void **state)
{
	struct of_match m = { 0 };

	/* nw_src is arp_spa in ARP and ipv4_src in IP; tp_src is the opcode. */
	of_match_set_u64(&m, OF_FIELD_ETH_TYPE, 0x0806);
	of_match_set_u64(&m, OF_FIELD_ARP_SPA, 0x0a000001);
	of_match_set_u64(&m, OF_FIELD_ARP_OP, 2);
	assert_string_equal(sent(&m), "80000a020806"
				      "80002a020002"
				      "80002c040a000001");
	memset(&m, 0, sizeof(m));
	of_match_set_u64(&m, OF_FIELD_ETH_TYPE, 0x0800);
	of_match_set_u64(&m, OF_FIELD_IPV4_SRC, 0x0a000001);
	assert_string_equal(sent(&m), "80000a020800"
				      "800016040a000001");
	of_match_set_u64(&m, OF_FIELD_IP_PROTO, 1);
	of_match_set_u64(&m, OF_FIELD_ICMPV4_TYPE, 8);
	assert_string_equal(sent(&m), "80000a020800"
				      "8000140101"
				      "800016040a000001"
				      "8000260108");
	of_match_set_u64(&m, OF_FIELD_IP_PROTO, 17);
	of_match_set_masked_u64(&m, OF_FIELD_UDP_SRC, 0x0800, 0xff00);
	assert_string_equal(sent(&m), "80000a020800"
				      "8000140111"
				      "800016040a000001"
				      "80001f040800ff00");
}

static void vlan_in_all_its_forms(void **state)
{
	struct of_match m = { 0 };

	of_match_set_u64(&m, OF_FIELD_VLAN_VID, OFPVID_NONE);
	assert_string_equal(sent(&m), "80000c020000");
	of_match_set_u64(&m, OF_FIELD_VLAN_VID, OFPVID_PRESENT | 5);
	of_match_set_u64(&m, OF_FIELD_VLAN_PCP, 3);
	assert_string_equal(sent(&m), "80000c021005"
				      "80000e0103");
	memset(&m, 0, sizeof(m));
	of_match_set_masked_u64(&m, OF_FIELD_VLAN_VID, OFPVID_PRESENT, OFPVID_PRESENT);
	assert_string_equal(sent(&m), "80000d0410001000");
	/* What OXM cannot say, NXM's vlan_tci can: a PCP in part, or without the present bit. */
	memset(&m, 0, sizeof(m));
	of_match_set_masked_u64(&m, OF_FIELD_VLAN_TCI, 0x9000, 0x9000);
	assert_string_equal(sent(&m), "0000090490009000");
	memset(&m, 0, sizeof(m));
	of_match_set_u64(&m, OF_FIELD_VLAN_PCP, 1);
	assert_string_equal(sent(&m), "000009042000e000");
	of_match_set_masked_u64(&m, OF_FIELD_VLAN_TCI, 0x0005, 0x0fff);
	of_match_set_u64(&m, OF_FIELD_ETH_TYPE, 0x0800);
	assert_string_equal(sent(&m), "80000a020800"
				      "80000d0400050fff");
}

static void aliases_go_out_as_the_fields_they_stand_for(void **state)
{
	struct of_match m = { 0 };

	of_match_set_u64(&m, OF_FIELD_XREG1, UINT64_C(0x0000000500000000));
	assert_string_equal(sent(&m), "0001040400000005"
				      "0001060400000000");
	memset(&m, 0, sizeof(m));
	of_match_set_u64(&m, OF_FIELD_ETH_TYPE, 0x0800);
	of_match_set_u64(&m, OF_FIELD_IP_TOS, 0xb9);
	assert_string_equal(sent(&m), "80000a020800"
				      "800010012e"
				      "8000120101");
}

static void what_cannot_be_said_is_refused(void **state)
{
	struct of_match m = { 0 };

	of_match_set_u64(&m, OF_FIELD_IPV4_SRC, 1);
	assert_string_equal(sent(&m), "match on ip_src: its prerequisites are not matched");
	memset(&m, 0, sizeof(m));
	of_match_set_masked_u64(&m, OF_FIELD_ETH_TYPE, 0x0800, 0xff00);
	assert_string_equal(sent(&m), "match on eth_type: OpenFlow cannot mask it in part");
	memset(&m, 0, sizeof(m));
	of_match_set_u64(&m, OF_FIELD_ETH_TYPE, 0x0800);
	of_match_set_u64(&m, OF_FIELD_IP_PROTO, 1);
	of_match_set_masked_u64(&m, OF_FIELD_ICMPV4_TYPE, 8, 0xf8);
	assert_string_equal(sent(&m), "match on icmp_type: OpenFlow cannot mask it in part");
	memset(&m, 0, sizeof(m));
	of_match_set_u64(&m, OF_FIELD_ETH_TYPE, 0x86dd);
	of_match_set_masked_u64(&m, OF_FIELD_IP_DSCP, 8, 8);
	assert_string_equal(sent(&m), "match on ip_dscp: OpenFlow cannot mask it in part");
	memset(&m, 0, sizeof(m));
	m.mask.vlan_tpid = 0xffff;
	assert_string_equal(sent(&m), "match on bits that belong to no field");
}

/* ---- Values that do not fit, and buffers that are too small ---- */

static void encoding_refuses(void **state)
{
	struct of_flow_mod fm = { .kind = OF_KIND_flow_mod };
	struct of_action_output out = { .kind = OF_KIND_action_output };
	struct of_action_set_field set = { .kind = OF_KIND_action_set_field };
	struct of_any *wrong = (struct of_any *)&out;
	struct of_msg m = { .body = (struct of_any *)&fm };
	uint8_t p[256];
	struct err e;

	assert_int_equal(of_encode(&m, p, 55, &e), -EMSGSIZE);
	assert_int_equal(of_encode(&m, p, 56, &e), 56);
	fm.insts = (struct of_list){ 1, &wrong };
	assert_int_equal(of_encode(&m, p, sizeof(p), &e), -EINVAL);
	assert_string_equal(e.text, "insts: action_output does not belong there");
	m.body = (struct of_any *)&out;
	assert_int_equal(of_encode(&m, p, sizeof(p), &e), -EINVAL);
	m.body = NULL;
	assert_int_equal(of_encode(&m, p, sizeof(p), NULL), -EINVAL);
	set.field.field = &of_fields[OF_FIELD_IP_DSCP];
	set.field.value[0] = 64;
	assert_int_equal(of_encode_any((struct of_any *)&set, p, sizeof(p), &e), -EINVAL);
	set.field.value[0] = 63;
	assert_int_equal(of_encode_any((struct of_any *)&set, p, sizeof(p), &e), 16);
	set.field.masked = true;
	assert_int_equal(of_encode_any((struct of_any *)&set, p, sizeof(p), &e), -EINVAL);
	set.field = (struct of_oxm){ .field = &of_fields[OF_FIELD_IN_PORT] };
	assert_int_equal(of_encode_any((struct of_any *)&set, p, sizeof(p), &e), -EINVAL);
}

/* A list grown past 65535 bytes is an answer, not an overflow. */
static void too_long_for_a_message(void **state)
{
	static uint8_t p[1 << 20];
	struct of_packet_out po = { .kind = OF_KIND_packet_out };
	struct of_msg m = { .body = (struct of_any *)&po };
	struct of_action_output *o;
	struct arena a;

	arena_init(&a, 0);
	o = OF_NEW(&a, action_output);
	for (unsigned int i = 0; i < 4094; i++)
		assert_int_equal(of_list_add(&po.actions, &a, (struct of_any *)o), 0);
	assert_int_equal(of_encode(&m, p, sizeof(p), NULL), 24 + 16 * 4094);
	assert_int_equal(of_list_add(&po.actions, &a, (struct of_any *)o), 0);
	assert_int_equal(of_encode(&m, p, sizeof(p), NULL), -EMSGSIZE);
	arena_fini(&a);
}

/* The kind of a body tells the message its type; a reader need not keep two in step. */
static void a_body_tells_its_type(void **state)
{
	struct of_mp_port_stats_request q = { .kind = OF_KIND_mp_port_stats_request };
	struct of_multipart_request mp = { .kind = OF_KIND_multipart_request,
					   .body = (struct of_any *)&q };
	struct of_msg m = { .body = (struct of_any *)&mp };
	uint8_t p[64];

	assert_int_equal(of_encode(&m, p, sizeof(p), NULL), 24);
	assert_int_equal(p[0], OF_VERSION_13);
	assert_int_equal(p[1], OFPT_MULTIPART_REQUEST);
	assert_int_equal(get_be16(p + 8), OFPMP_PORT_STATS);
}

static void kinds_and_families(void **state)
{
	assert_string_equal(of_kind_name(OF_KIND_flow_mod), "flow_mod");
	assert_string_equal(of_kind_name(OF_N_KINDS), "none");
	assert_int_equal(of_kind_size(OF_KIND_flow_mod), sizeof(struct of_flow_mod));
	assert_true(of_kind_in(OF_KIND_action_output, "action"));
	assert_true(of_kind_in(OF_KIND_nx_resubmit, "action"));
	assert_false(of_kind_in(OF_KIND_action_output, "nx_action"));
	assert_false(of_kind_in(OF_KIND_action_output, "inst"));
	assert_false(of_kind_in(OF_KIND_NONE, "none"));
	assert_false(of_kind_in(OF_KIND_action_output, "nonsense"));
}

/* ---- Names of constants ---- */

static void constants_by_name(void **state)
{
	uint16_t type, code;

	assert_string_equal(of_error_code_name(OFPET_BAD_REQUEST, OFPBRC_BAD_LEN),
			    "OFPBRC_BAD_LEN");
	assert_string_equal(of_error_code_name(OFPET_EXPERIMENTER, OFPBFC_BAD_ID), "OFPBFC_BAD_ID");
	assert_null(of_error_code_name(OFPET_BAD_REQUEST, 99));
	assert_null(of_error_code_name(99, 0));
	assert_string_equal(of_error_type_name(OFPET_BAD_MATCH), "OFPET_BAD_MATCH");
	assert_int_equal(of_error_by_name("OFPTFFC_EPERM", &type, &code), 0);
	assert_int_equal(type, OFPET_TABLE_FEATURES_FAILED);
	assert_int_equal(code, OFPTFFC_EPERM);
	assert_int_equal(of_error_by_name("OFPT_HELLO", &type, &code), -ENOENT);
	assert_string_equal(of_enum_name(OF_ENUM_port_no, OFPP_LOCAL), "OFPP_LOCAL");
	assert_null(of_enum_name(OF_ENUM_port_no, 1));
}

/* ---- Speed: a figure, and a bound far above it so that a slow machine does not fail ---- */

static void a_flow_mod_in_microseconds(void **state)
{
	struct of_flow_mod fm = { .kind = OF_KIND_flow_mod };
	struct of_msg m = { .body = (struct of_any *)&fm }, *read;
	struct timespec t0, t1;
	struct arena a;
	uint8_t p[256];
	double us;
	int n;

	arena_init(&a, 0);
	of_match_set_u64(&fm.match, OF_FIELD_IN_PORT, 1);
	of_match_set_u64(&fm.match, OF_FIELD_ETH_TYPE, 0x0800);
	of_match_set_u64(&fm.match, OF_FIELD_IP_PROTO, 6);
	of_match_set_u64(&fm.match, OF_FIELD_IPV4_DST, 0x0a000001);
	of_match_set_u64(&fm.match, OF_FIELD_TCP_DST, 80);
	n = of_encode(&m, p, sizeof(p), NULL);
	assert_true(n > 0);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t0);
	for (unsigned int i = 0; i < 20000; i++) {
		arena_reset(&a);
		assert_int_equal(of_decode(p, (size_t)n, &a, &read, NULL), 0);
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t1);
	us = ((double)(t1.tv_sec - t0.tv_sec) * 1e9 + (double)(t1.tv_nsec - t0.tv_nsec)) / 20000e3;
	print_message("a flow_mod of five fields is decoded in %.2f us\n", us);
	assert_true(us < 50);
	arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(found_by_header),
		cmocka_unit_test(found_by_name),
		cmocka_unit_test(a_field_keeps_to_its_bits),
		cmocka_unit_test(shared_members),
		cmocka_unit_test(prerequisites_of_a_packet),
		cmocka_unit_test(relations),
		cmocka_unit_test(set_refuses_bits_outside_the_mask),
		cmocka_unit_test(fields_that_share_a_member),
		cmocka_unit_test(vlan_in_all_its_forms),
		cmocka_unit_test(aliases_go_out_as_the_fields_they_stand_for),
		cmocka_unit_test(what_cannot_be_said_is_refused),
		cmocka_unit_test(encoding_refuses),
		cmocka_unit_test(too_long_for_a_message),
		cmocka_unit_test(a_body_tells_its_type),
		cmocka_unit_test(kinds_and_families),
		cmocka_unit_test(constants_by_name),
		cmocka_unit_test(a_flow_mod_in_microseconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Spec: 5.3 Matching: headers of a packet */
/* Spec: 7.2.3.7 Match fields: read from frames of every kind */
/*
 * From frames to keys: what each header gives, what a broken one must not give, and that nothing is
 * read behind the end of a frame, wherever it is cut.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_mbuf.h>

#include "base/byteorder.h"
#include "datapath/parse.h"
#include "ofproto/enum.h"
#include "ofproto/field.h"

#define MACS           \
	"020000000002" \
	"020000000001"
#define IP4(total, frag, proto)                    \
	"4500" total "0001" frag "40" proto "0000" \
	"0a000001"                                 \
	"0a000002"
#define TCP        \
	"1f90"     \
	"0050"     \
	"00000001" \
	"00000002" \
	"5012"     \
	"2000"     \
	"0000"     \
	"0000"
#define IP6_SRC	       "20010db8000000000000000000000001"
#define IP6_DST	       "20010db8000000000000000000000002"
#define IP6(len, next) "6b812345" len next "40" IP6_SRC IP6_DST

/* ---- One frame ---- */

static struct {
	struct rte_mbuf m;
	struct pkt p;
	uint8_t *frame;
} t;

static uint32_t bytes_of(const char *hex, uint8_t *out)
{
	uint32_t n = 0;

	for (; *hex; hex += 2) {
		unsigned int v;

		assert_int_equal(sscanf(hex, "%2x", &v), 1);
		out[n++] = (uint8_t)v;
	}
	return n;
}

/* The frame in memory of exactly its size, so that a sanitizer sees a byte too far. */
static bool parse_bytes(const uint8_t *b, uint32_t n)
{
	free(t.frame);
	t.frame = malloc(n ? n : 1);
	assert_non_null(t.frame);
	memcpy(t.frame, b, n);
	memset(&t.m, 0, sizeof(t.m));
	t.m.buf_addr = t.frame;
	t.m.buf_len = (uint16_t)n;
	t.m.data_len = (uint16_t)n;
	t.m.pkt_len = n;
	t.m.nb_segs = 1;
	memset(&t.p, 0, sizeof(t.p));
	t.p.m = &t.m;
	return pkt_parse(&t.p);
}

static void parse(const char *hex)
{
	uint8_t b[2048];

	assert_true(parse_bytes(b, bytes_of(hex, b)));
}

static uint64_t get(enum of_field_id id)
{
	return of_field_get_u64(&of_fields[id], &t.p.key);
}

#define is(id, value) assert_int_equal(get(OF_FIELD_##id), value)

static bool zero(const void *p, size_t n)
{
	const uint8_t *b = p;

	while (n--)
		if (*b++)
			return false;
	return true;
}

/* ---- Ethernet, VLAN ---- */

static void too_short(void **state)
{
	static const uint8_t b[14];

	for (uint32_t n = 0; n < 14; n++)
		assert_false(parse_bytes(b, n));
	assert_true(parse_bytes(b, 14));
}

static void untagged_tcp(void **state)
{
	parse(MACS "0800" IP4("0028", "0000", "06") TCP);
	is(ETH_DST, 0x020000000002);
	is(ETH_SRC, 0x020000000001);
	is(ETH_TYPE, 0x0800);
	is(VLAN_VID, 0);
	is(IPV4_SRC, 0x0a000001);
	is(IPV4_DST, 0x0a000002);
	is(IP_PROTO, 6);
	is(IP_TTL, 64);
	is(IP_FRAG, 0);
	is(TCP_SRC, 8080);
	is(TCP_DST, 80);
	is(TCP_FLAGS, 0x012);
	assert_int_equal(t.p.l2_end, 12);
	assert_int_equal(t.p.l3, 14);
	assert_int_equal(t.p.l4, 34);
	assert_int_equal(t.p.mpls, PKT_NONE);
}

/* The outermost tag is the one that is matched; the ethertype is the one behind all tags. */
static void tags(void **state)
{
	parse(MACS "88a8"
		   "6064"
		   "8100"
		   "b00a"
		   "0800" IP4("0028", "0000", "06") TCP);
	is(VLAN_VID, 0x1000 | 100);
	is(VLAN_PCP, 3);
	assert_int_equal(be16toh(t.p.key.vlan_tpid), 0x88a8);
	assert_int_equal(t.p.n_vlans, 2);
	is(ETH_TYPE, 0x0800);
	is(TCP_DST, 80);

	/* A priority tag is a tag. */
	parse(MACS "8100"
		   "a000"
		   "0806");
	is(VLAN_VID, 0x1000);
	is(VLAN_PCP, 5);
	is(ETH_TYPE, 0x0806);

	/* DEI is no field, and its place is that of the tag's presence. */
	parse(MACS "8100"
		   "1007"
		   "0806");
	is(VLAN_VID, 0x1007);

	/* A tag without an ethertype behind it is none. */
	parse(MACS "8100"
		   "0007");
	is(VLAN_VID, 0);
	is(ETH_TYPE, 0x8100);
	assert_int_equal(t.p.n_vlans, 0);

	/* More than PKT_VLANS_MAX are not looked through. */
	parse(MACS "81000001"
		   "81000002"
		   "81000003"
		   "81000004"
		   "81000005"
		   "81000006"
		   "81000007"
		   "81000008"
		   "81000009"
		   "0800" IP4("0028", "0000", "06") TCP);
	is(VLAN_VID, 0x1001);
	is(ETH_TYPE, 0x8100);
	assert_int_equal(t.p.n_vlans, PKT_VLANS_MAX);
	assert_int_equal(t.p.l3, PKT_NONE);
}

static void ieee_802_3(void **state)
{
	parse(MACS "0020"
		   "aaaa03"
		   "000000"
		   "0800" IP4("0028", "0000", "06") TCP);
	is(ETH_TYPE, 0x0800);
	is(TCP_DST, 80);
	/* Another OUI, LLC without SNAP, SNAP cut short. */
	parse(MACS "0020"
		   "aaaa03"
		   "00000c"
		   "2000"
		   "00");
	is(ETH_TYPE, 0x05ff);
	parse(MACS "0026"
		   "424203"
		   "0000000000");
	is(ETH_TYPE, 0x05ff);
	parse(MACS "0020"
		   "aaaa03"
		   "000000"
		   "08");
	is(ETH_TYPE, 0x05ff);
}

/* ---- IPv4 ---- */

static void ipv4_broken(void **state)
{
	static const char *const broken[] = {
		MACS "0800"
		     "5500002800010000400600000a0000010a000002" TCP, /* version 5 */
		MACS "0800"
		     "4400002800010000400600000a0000010a000002" TCP, /* IHL 4 */
		MACS "0800"
		     "4f00002800010000400600000a0000010a000002" TCP, /* IHL past the end */
		MACS "0800"
		     "4500001300010000400600000a0000010a000002" TCP, /* total 19 */
		MACS "0800"
		     "4600001400010000400600000a0000010a00000200000000" TCP, /* < IHL */
		MACS "0800"
		     "4500002800010000400600000a0000010a0000", /* 19 bytes */
	};

	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		parse(broken[i]);
		is(ETH_TYPE, 0x0800);
		assert_int_equal(t.p.l3, PKT_NONE);
		assert_int_equal(t.p.l4, PKT_NONE);
		assert_int_equal(t.p.key.ip_frag, FLOW_L4_NONE);
		t.p.key.ip_frag = 0;
		assert_true(zero(&t.p.key.nw_src, 8) && zero(&t.p.key.ip_proto, 10));
		assert_int_equal(t.p.key.headers, 0);
	}
}

static void ipv4_lengths(void **state)
{
	/* Options. */
	parse(MACS "0800"
		   "4600002c00010000400600000a0000010a00000201010101" TCP);
	is(TCP_DST, 80);
	assert_int_equal(t.p.l4, 38);
	/* What is behind the total length is padding, even if it looks like TCP. */
	parse(MACS "0800" IP4("0014", "0000", "06") TCP);
	is(IP_PROTO, 6);
	is(TCP_DST, 0);
	assert_int_equal(t.p.l4, PKT_NONE);
	parse(MACS "0800" IP4("0027", "0000", "06") TCP);
	is(TCP_DST, 0);
	/* A total length past the end: what is there counts. */
	parse(MACS "0800" IP4("ffff", "0000", "06") TCP);
	is(TCP_DST, 80);
}

static void ipv4_fragments(void **state)
{
	parse(MACS "0800" IP4("0028", "2000", "06") TCP);
	is(IP_FRAG, FLOW_FRAG_ANY);
	is(TCP_DST, 80);
	/* A later one has no L4 header, whatever its payload. */
	parse(MACS "0800" IP4("0028", "2001", "06") TCP);
	is(IP_FRAG, FLOW_FRAG_ANY | FLOW_FRAG_LATER);
	is(IP_PROTO, 6);
	is(TCP_DST, 0);
	assert_int_equal(t.p.l4, PKT_NONE);
	/* DF is no fragment. */
	parse(MACS "0800" IP4("0028", "4000", "06") TCP);
	is(IP_FRAG, 0);
}

/* ---- IPv6 ---- */

static void ipv6_fields(void **state)
{
	parse(MACS "86dd" IP6("0014", "06") TCP);
	is(IPV6_FLABEL, 0x12345);
	is(IP_DSCP, 0xb8 >> 2);
	is(IP_ECN, 0);
	is(IP_TTL, 64);
	is(TCP_DST, 80);
	is(IPV6_EXTHDR, 0);
	assert_int_equal(t.p.key.ipv6_src[15], 1);
	assert_int_equal(t.p.key.ipv6_dst[15], 2);
	/* The payload length is honoured, too. */
	parse(MACS "86dd" IP6("0013", "06") TCP);
	is(TCP_DST, 0);
}

/* 7.2.3.7: OFPIEH flags for a chain of extension headers, each of 8 bytes. */
static void ipv6_exthdrs(void **state)
{
	static const struct {
		const char *chain; /* next-header numbers, first one in the IPv6 header */
		unsigned int flags, proto;
	} cases[] = {
		{ "0006", OFPIEH_HOP, 6 },
		{ "3c06", OFPIEH_DEST, 6 },
		{ "2b06", OFPIEH_ROUTER, 6 },
		{ "2c06", OFPIEH_FRAG, 6 },
		{ "32", OFPIEH_ESP, 50 },
		{ "3b", OFPIEH_NONEXT, 59 },
		{ "003c2b2c3c06", OFPIEH_HOP | OFPIEH_DEST | OFPIEH_ROUTER | OFPIEH_FRAG, 6 },
		{ "3c3c06", OFPIEH_DEST, 6 },
		{ "3c3c3c06", OFPIEH_DEST | OFPIEH_UNREP, 6 },
		{ "2b2b06", OFPIEH_ROUTER | OFPIEH_UNREP, 6 },
		{ "2b0006", OFPIEH_ROUTER | OFPIEH_HOP | OFPIEH_UNSEQ, 6 },
		{ "2c2b06", OFPIEH_FRAG | OFPIEH_ROUTER | OFPIEH_UNSEQ, 6 },
		{ "002b003b",
		  OFPIEH_HOP | OFPIEH_ROUTER | OFPIEH_NONEXT | OFPIEH_UNREP | OFPIEH_UNSEQ, 59 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *c = cases[i].chain;
		const int n = (int)strlen(c) / 2 - 1;
		char hex[512];
		int at = snprintf(hex, sizeof(hex),
				  MACS "86dd"
				       "60000000"
				       "%04x"
				       "%.2s"
				       "40" IP6_SRC IP6_DST,
				  n * 8 + 20, c);

		for (int e = 1; e <= n; e++)
			at += snprintf(hex + at, sizeof(hex) - (size_t)at, "%.2s00000000000000",
				       c + 2 * e);
		snprintf(hex + at, sizeof(hex) - (size_t)at, TCP);
		parse(hex);
		is(IPV6_EXTHDR, cases[i].flags);
		is(IP_PROTO, cases[i].proto);
		is(TCP_DST, cases[i].proto == 6 ? 80 : 0);
	}
	/* An authentication header counts its length in words of four. */
	parse(MACS "86dd" IP6("0020", "33") "060100000000000000000000" TCP);
	is(IPV6_EXTHDR, OFPIEH_AUTH);
	is(TCP_DST, 80);
}

static void ipv6_fragments(void **state)
{
	parse(MACS "86dd" IP6("001c", "2c") "0600000100000001" TCP);
	is(IP_FRAG, FLOW_FRAG_ANY);
	is(TCP_DST, 80);
	parse(MACS "86dd" IP6("001c", "2c") "0600000900000001" TCP);
	is(IP_FRAG, FLOW_FRAG_ANY | FLOW_FRAG_LATER);
	is(IP_PROTO, 6);
	is(TCP_DST, 0);
	/* An atomic fragment (RFC 6946) is whole. */
	parse(MACS "86dd" IP6("001c", "2c") "0600000000000001" TCP);
	is(IP_FRAG, 0);
	is(TCP_DST, 80);
	/* A chain that ends in the middle of a header. */
	parse(MACS "86dd" IP6("0004", "00") "06000000");
	is(IP_PROTO, 0);
	is(IPV6_EXTHDR, OFPIEH_HOP);
	assert_int_equal(t.p.l4, PKT_NONE);
	parse(MACS "86dd" IP6("0008", "00") "06ff000000000000");
	assert_int_equal(t.p.l4, PKT_NONE);
}

static void neighbour_discovery(void **state)
{
#define NS_HEAD    \
	"87000000" \
	"00000000" IP6_DST
	parse(MACS "86dd" IP6("0020", "3a") NS_HEAD "0101"
						    "020000000009");
	is(ICMPV6_TYPE, 135);
	is(ND_SLL, 0x020000000009);
	is(ND_TLL, 0);
	assert_int_equal(t.p.key.nd_target[15], 2);
	assert_int_equal(t.p.nd_sll, 14 + 40 + 24 + 2);
	/* Another option first; and a target address is none of a solicitation's. */
	parse(MACS "86dd" IP6("0030", "3a") NS_HEAD "0e01000000000000"
						    "0201020000000008"
						    "0101020000000009");
	is(ND_SLL, 0x020000000009);
	is(ND_TLL, 0);
	parse(MACS "86dd" IP6("0020", "3a") "88000000"
					    "00000000" IP6_DST "0201"
					    "020000000009");
	is(ND_TLL, 0x020000000009);
	is(ND_SLL, 0);
	/* Options of no length, and longer than the packet: nothing more is read. */
	parse(MACS "86dd" IP6("0020", "3a") NS_HEAD "0100"
						    "020000000009");
	is(ND_SLL, 0);
	parse(MACS "86dd" IP6("0020", "3a") NS_HEAD "0e02"
						    "020000000009"
						    "0101"
						    "020000000009");
	is(ND_SLL, 0);
	/* No room for the target. */
	parse(MACS "86dd" IP6("0017", "3a") NS_HEAD);
	is(ICMPV6_TYPE, 135);
	assert_true(zero(t.p.key.nd_target, 16));
	/* ICMPv6 in IPv4 is nothing. */
	parse(MACS "0800" IP4("0034", "0000", "3a") NS_HEAD "0101"
							    "020000000009");
	is(ICMPV4_TYPE, 0);
}

/* ---- The others ---- */

static void arp(void **state)
{
#define ARP_BODY       \
	"0002"         \
	"020000000001" \
	"0a000001"     \
	"020000000002" \
	"0a000002"
	parse(MACS "0806"
		   "0001"
		   "0800"
		   "06"
		   "04" ARP_BODY);
	is(ARP_OP, 2);
	is(ARP_SHA, 0x020000000001);
	is(ARP_SPA, 0x0a000001);
	is(ARP_THA, 0x020000000002);
	is(ARP_TPA, 0x0a000002);
	parse(MACS "8035"
		   "0001"
		   "0800"
		   "06"
		   "04" ARP_BODY);
	is(ARP_OP, 2);
	/* Not for Ethernet and IPv4; a byte short. */
	parse(MACS "0806"
		   "0006"
		   "0800"
		   "06"
		   "04" ARP_BODY);
	is(ARP_OP, 0);
	parse(MACS "0806"
		   "0001"
		   "0800"
		   "08"
		   "04" ARP_BODY);
	is(ARP_SPA, 0);
	parse(MACS "0806"
		   "0001"
		   "0800"
		   "06"
		   "04"
		   "0002"
		   "020000000001"
		   "0a000001"
		   "020000000002"
		   "0a0000");
	is(ARP_OP, 0);
}

static void mpls_and_pbb(void **state)
{
	parse(MACS "8847"
		   "00010640"
		   "0001153f" IP4("0028", "0000", "06") TCP);
	is(MPLS_LABEL, 16);
	is(MPLS_TC, 3);
	is(MPLS_BOS, 0);
	is(MPLS_TTL, 64);
	/* What is behind labels is not looked at. */
	is(IPV4_SRC, 0);
	parse(MACS "8848"
		   "000100");
	is(MPLS_LABEL, 0);
	assert_int_equal(t.p.mpls, PKT_NONE);

	parse(MACS "88e7"
		   "60abcdef"
		   "020000000005"
		   "020000000006"
		   "0800");
	is(PBB_ISID, 0xabcdef);
	is(ETH_DST, 0x020000000002);
	assert_int_equal(t.p.pbb, 14);
	assert_int_equal(t.p.l3, PKT_NONE);
}

static void other_l4(void **state)
{
	parse(MACS "0800" IP4("001c", "0000", "11") "0035"
						    "1000"
						    "0008"
						    "0000");
	is(UDP_SRC, 53);
	is(UDP_DST, 4096);
	parse(MACS "0800" IP4("0020", "0000", "84") "0035"
						    "1000"
						    "00000000"
						    "00000000");
	is(SCTP_DST, 4096);
	parse(MACS "0800" IP4("001c", "0000", "01") "0301"
						    "0000"
						    "00000000");
	is(ICMPV4_TYPE, 3);
	is(ICMPV4_CODE, 1);
	parse(MACS "0800" IP4("001b", "0000", "11") "0035"
						    "1000"
						    "0007"
						    "00");
	is(UDP_SRC, 0);
}

/* ---- Anywhere cut ---- */

/* Each member is that of the whole frame, or zero: but for those that a cut changes by right. */
static void cut_everywhere(void **state)
{
	static const char *const frames[] = {
		MACS "88a8"
		     "6064"
		     "8100"
		     "b00a"
		     "0800" IP4("0028", "0000", "06") TCP,
		MACS "86dd" IP6("0028", "00") "0600000000000000" TCP "ffff",
		MACS "86dd" IP6("0030", "3a") NS_HEAD "0e01000000000000"
						      "0201020000000008"
						      "0101020000000009",
		MACS "8100"
		     "0001"
		     "0806"
		     "0001"
		     "0800"
		     "06"
		     "04" ARP_BODY,
		MACS "8847"
		     "00010640"
		     "0001153f" IP4("0028", "0000", "06") TCP,
		MACS "88e7"
		     "60abcdef"
		     "020000000005"
		     "020000000006"
		     "0800",
		MACS "0020"
		     "aaaa03"
		     "000000"
		     "0800" IP4("0028", "0000", "06") TCP,
	};

	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
		uint8_t b[512];
		const uint32_t n = bytes_of(frames[i], b);
		struct flow_key whole;

		assert_true(parse_bytes(b, n));
		whole = t.p.key;
		for (uint32_t cut = 14; cut < n; cut++) {
			assert_true(parse_bytes(b, cut));
			FIELD_EACH (f) {
				uint8_t v[16], w[16];

				if (f->id == OF_FIELD_ETH_TYPE || f->id == OF_FIELD_IP_PROTO ||
				    f->id == OF_FIELD_IPV6_EXTHDR)
					continue;
				of_field_get(f, &t.p.key, v);
				of_field_get(f, &whole, w);
				if (!zero(v, f->bytes))
					assert_memory_equal(v, w, f->bytes);
			}
		}
	}
}

/* Headers that are spread over segments which do not fit into one: the parse ends with the first.
 */
static void segments(void **state)
{
	uint8_t b[128], first[64];
	const uint32_t n = bytes_of(MACS "0800" IP4("0028", "0000", "06") TCP, b);
	struct rte_mbuf second = { .buf_addr = b + 40, .nb_segs = 1 };

	second.data_len = (uint16_t)(n - 40);
	memcpy(first, b, 40);
	memset(&t.m, 0, sizeof(t.m));
	t.m.buf_addr = first;
	t.m.buf_len = t.m.data_len = 40;
	t.m.pkt_len = n;
	t.m.nb_segs = 2;
	t.m.next = &second;
	memset(&t.p, 0, sizeof(t.p));
	t.p.m = &t.m;
	assert_true(pkt_parse(&t.p));
	is(IPV4_DST, 0x0a000002);
	is(TCP_DST, 0);
	assert_int_equal(t.p.l4, PKT_NONE);
	assert_int_equal(t.m.nb_segs, 2);
}

/* The pipeline's own fields are left alone. */
static void keeps_pipeline_fields(void **state)
{
	struct flow_key *k = &t.p.key;

	parse(MACS "0800" IP4("0028", "0000", "06") TCP);
	memset(k, 0xa5, sizeof(*k));
	pkt_reparse(&t.p);
	is(TCP_DST, 80);
	is(VLAN_VID, 0);
	is(METADATA, 0xa5a5a5a5a5a5a5a5);
	is(IN_PORT, 0xa5a5a5a5);
	is(TUN_ID, 0xa5a5a5a5a5a5a5a5);
	is(TUN_DST, 0xa5a5a5a5);
	is(PKT_MARK, 0xa5a5a5a5);
	is(REG15, 0xa5a5a5a5);
	assert_true(zero(k->ipv6_src, 32));
	assert_true(zero(k->nd_sll, 12));
}

static int teardown(void **state)
{
	free(t.frame);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(too_short),
		cmocka_unit_test(untagged_tcp),
		cmocka_unit_test(tags),
		cmocka_unit_test(ieee_802_3),
		cmocka_unit_test(ipv4_broken),
		cmocka_unit_test(ipv4_lengths),
		cmocka_unit_test(ipv4_fragments),
		cmocka_unit_test(ipv6_fields),
		cmocka_unit_test(ipv6_exthdrs),
		cmocka_unit_test(ipv6_fragments),
		cmocka_unit_test(neighbour_discovery),
		cmocka_unit_test(arp),
		cmocka_unit_test(mpls_and_pbb),
		cmocka_unit_test(other_l4),
		cmocka_unit_test(cut_everywhere),
		cmocka_unit_test(segments),
		cmocka_unit_test(keeps_pipeline_fields),
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Spec: 7.1 Header: lengths that do not fit */
/* Spec: 7.2.4 Instructions: structures that are refused */
/* Spec: 7.2.5 Actions: structures that are refused */
/*
 * Each way in which bytes can be wrong is refused with the error that the specification names
 * (7.4.4), and the error says where.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "ofproto/wire.h"

/* Hex with blanks to bytes. */
static size_t bytes(const char *hex, uint8_t *p)
{
	size_t n = 0;
	unsigned int x;

	for (; *hex; hex++)
		if (*hex != ' ' && sscanf(hex, "%2x", &x) == 1)
			p[n++] = (uint8_t)x, hex++;
	return n;
}

static void header(uint8_t *p, uint8_t type, size_t n)
{
	put_be32(p, 0x04000000u | (uint32_t)type << 16 | (uint32_t)n);
	put_be32(p + 4, 0x1234);
}

/* "" where 'p' is decoded. */
static const char *verdict(const uint8_t *p, size_t n, struct of_err *e)
{
	struct of_msg *m;
	struct arena a;
	int rc;

	arena_init(&a, 0);
	memset(e, 0, sizeof(*e));
	rc = of_decode(p, n, &a, &m, e);
	arena_fini(&a);
	if (!rc)
		return "";
	assert_int_equal(rc, -EPROTO);
	assert_true(e->text[0]);
	return of_error_code_name(e->type, e->code);
}

struct row {
	const char *error; /* "": decoded */
	const char *hex;
	const char *why;
};

static void expect(const struct row *row, const uint8_t *p, size_t n)
{
	struct of_err e;
	const char *got = verdict(p, n, &e);

	if (!got || strcmp(got, row->error))
		fail_msg("%s (%s): expected %s, got %s: %s", row->why, row->hex,
			 *row->error ? row->error : "a message", got, e.text);
	assert_true(e.offset <= n);
}

#define EACH(rows, r) for (const struct row *r = rows; r < rows + sizeof(rows) / sizeof(*rows); r++)

/* ---- Whole messages ---- */

static const struct row messages[] = {
	{ "OFPBRC_BAD_LEN", "", "nothing" },
	{ "OFPBRC_BAD_LEN", "04 05 00 08 00 00 00", "a header cut off" },
	{ "OFPBRC_BAD_LEN", "04 05 00 09 00 00 00 01", "a length that is not the message's" },
	{ "OFPBRC_BAD_LEN", "04 05 00 07 00 00 00 01", "a length below the header's" },
	{ "OFPBRC_BAD_VERSION", "05 05 00 08 00 00 00 01", "another version" },
	{ "OFPBRC_BAD_VERSION", "00 00 00 08 00 00 00 01", "a hello of no version" },
	{ "", "01 00 00 0a 00 00 00 01 aa bb", "a hello of 1.0 with anything in it" },
	{ "", "06 00 00 08 00 00 00 01", "a hello of 1.5" },
	{ "", "04 00 00 10 00 00 00 01 00 09 00 08 00 00 00 00", "a hello element to come" },
	{ "OFPBRC_BAD_LEN", "04 00 00 10 00 00 00 01 00 01 00 09 00 00 00 00", "hello element" },
	{ "OFPBRC_BAD_LEN", "04 00 00 10 00 00 00 01 00 01 00 03 00 00 00 00", "hello element" },
	{ "OFPBRC_BAD_LEN", "04 00 00 10 00 00 00 01 00 01 00 06 00 00 00 00", "half a bitmap" },
	{ "OFPBRC_BAD_TYPE", "04 1e 00 08 00 00 00 01", "a type beyond the last" },
	{ "OFPBRC_BAD_TYPE", "04 ff 00 08 00 00 00 01", "a type beyond the last" },
	{ "OFPBRC_BAD_LEN", "04 05 00 0c 00 00 00 01 00 00 00 00", "bytes behind a whole message" },
	{ "OFPBRC_BAD_LEN", "04 09 00 0a 00 00 00 01 00 00", "set-config cut off" },
	{ "OFPBRC_BAD_MULTIPART", "04 12 00 10 00 00 00 01 00 0e 00 00 00 00 00 00", "type 14" },
	{ "OFPBRC_BAD_MULTIPART", "04 13 00 10 00 00 00 01 00 0e 00 00 00 00 00 00", "type 14" },
	{ "OFPBRC_BAD_LEN", "04 12 00 10 00 00 00 01 00 04 00 00 00 00 00 00", "no port" },
	{ "OFPBRC_BAD_LEN", "04 12 00 18 00 00 00 01 00 00 00 00 00 00 00 00 0000000000000000",
	  "a description request with a body" },
	{ "OFPBRC_BAD_LEN", "04 04 00 0c 00 00 00 01 00 00 00 01", "experimenter cut off" },
	{ "OFPBRC_BAD_LEN", "04 04 00 10 00 00 00 01 4f 4e 46 00 00 00 08 fc", "no bundle" },
	{ "OFPBRC_BAD_TYPE",
	  "04 17 00 28 00000001 00000001 00000000 00000001 00000001"
	  "0018 000000000000 0003 0008 00000000",
	  "an unknown queue property" },
	{ "OFPBRC_BAD_LEN",
	  "04 17 00 20 00000001 00000001 00000000 00000001 00000001"
	  "0020 000000000000",
	  "a queue longer than the message" },
	{ "OFPBRC_BAD_LEN", "04 0d 00 18 00000001 ffffffff fffffffd 0010 000000000000",
	  "actions_len past the end" },
	{ "OFPBAC_BAD_LEN",
	  "04 0d 00 20 00000001 ffffffff fffffffd 0008 000000000000"
	  "0000 0010 00000001",
	  "an action longer than actions_len" },
};

static void whole_messages(void **state)
{
	uint8_t p[256];

	EACH(messages, r)
	expect(r, p, bytes(r->hex, p));
}

/* ---- Bundles (EXT-230) ---- */

static const struct row bundled[] = {
	{ "", "04 14 0008 00000001", "a barrier" },
	{ "OFPBFC_MSG_BAD_LEN", "04 14 00", "a header cut off" },
	{ "OFPBFC_MSG_BAD_LEN", "04 14 0010 00000001", "a message longer than its place" },
	{ "OFPBFC_MSG_BAD_LEN", "04 14 0007 00000001", "a length below the header's" },
	{ "OFPBRC_BAD_VERSION", "05 14 0008 00000001", "another version" },
	{ "OFPBRC_BAD_TYPE", "04 1e 0008 00000001", "no type" },
	{ "OFPBRC_BAD_LEN", "04 09 000c 00000001 00000000 0000", "padding cut off" },
	{ "OFPBFC_MSG_UNSUP",
	  "04 04 0020 00000001 4f4e4600 000008fd 00000001 00000000 04 14 0008 00000001",
	  "a bundle in a bundle" },
};

static void messages_in_bundles(void **state)
{
	uint8_t p[256];

	EACH(bundled, r)
	{
		size_t n = 24 + bytes(r->hex, p + 24);

		header(p, OFPT_EXPERIMENTER, n);
		bytes("4f4e4600 000008fd 00000007 0000 0001", p + 8);
		expect(r, p, n);
	}
}

/* ---- Matches in a flow_mod ---- */

static const struct row matches[] = {
	{ "", "", "all packets" },
	{ "OFPBMC_BAD_FIELD", "8000 fe 04 00000001", "a number that is no field" },
	{ "OFPBMC_BAD_FIELD", "7fff 00 04 00000001", "a class that is no class" },
	{ "OFPBMC_BAD_FIELD", "ffff 54 06 4f4e4601 0002", "another experimenter's field" },
	{ "OFPBMC_BAD_FIELD", "ffff 00 08 4f4e4600 00000002", "a field that ONF does not have" },
	{ "OFPBMC_BAD_LEN", "ffff 54 02 0002", "an experimenter's field without its id" },
	{ "OFPBMC_BAD_LEN", "8000 00 02 0001", "in_port of two bytes" },
	{ "OFPBMC_BAD_LEN", "8000 07 06 020000000001", "a mask that is not there" },
	{ "OFPBMC_BAD_LEN", "8000 06 0c 020000000001 ffffffffffff", "a mask without its bit" },
	{ "OFPBMC_BAD_LEN", "8000 00 04 0000", "a value cut off" },
	{ "OFPBMC_BAD_LEN", "8000 00", "a header cut off" },
	{ "OFPBMC_BAD_MASK", "8000 01 08 00000001 0000ffff", "a mask on in_port" },
	{ "OFPBMC_BAD_MASK", "8000 0b 04 0800 ff00", "a mask on eth_type" },
	{ "OFPBMC_BAD_MASK", "8000 0b 04 0000 0000", "an empty mask on eth_type" },
	{ "", "8000 01 08 00000001 ffffffff", "a mask of all ones is none" },
	{ "", "8000 05 10 0000000000000000 0000000000000000", "an empty mask on metadata" },
	{ "OFPBMC_BAD_WILDCARDS", "8000 07 0c 020000000001 ffffffffff00",
	  "a bit outside the mask" },
	{ "OFPBMC_BAD_WILDCARDS", "8000 05 10 0000000000000001 0000000000000000", "likewise" },
	{ "OFPBMC_BAD_VALUE", "8000 0c 02 2000", "vlan_vid of 14 bits" },
	{ "OFPBMC_BAD_VALUE", "0001 d2 04 00000121", "a bit of ct_state that there is not" },
	{ "OFPBMC_BAD_VALUE", "0001 d3 08 00000100 00000100", "the same, masked" },
	{ "OFPBMC_BAD_VALUE", "8000 0c 02 0005", "a VLAN id without OFPVID_PRESENT" },
	{ "", "8000 0c 02 0000", "OFPVID_NONE" },
	{ "", "8000 0d 04 1000 1000", "any tag" },
	{ "OFPBMC_BAD_VALUE", "8000 0c 02 1005 8000 0e 01 08", "vlan_pcp above 7" },
	{ "OFPBMC_BAD_VALUE", "8000 0a 02 0800 8000 10 01 40", "ip_dscp above 63" },
	{ "OFPBMC_BAD_VALUE", "8000 0a 02 0800 8000 12 01 04", "ip_ecn above 3" },
	{ "OFPBMC_BAD_VALUE", "8000 0a 02 86dd 8000 38 04 00100000", "a flow label of 21 bits" },
	{ "OFPBMC_BAD_VALUE", "8000 0a 02 8847 8000 44 04 00100000", "an MPLS label of 21 bits" },
	{ "OFPBMC_BAD_VALUE", "8000 0a 02 8847 8000 48 01 02", "mpls_bos above 1" },
	{ "OFPBMC_BAD_VALUE", "8000 0a 02 86dd 8000 4e 02 0200", "ipv6_exthdr of 10 bits" },
	{ "OFPBMC_BAD_VALUE", "8000 0a 02 0800 0000 0a 01 11", "NXM's nw_tos with ECN bits" },
	{ "", "8000 0a 02 0800 0000 0a 01 10", "NXM's nw_tos" },
	{ "OFPBMC_BAD_PREREQ", "8000 02 04 00000001", "in_phy_port without in_port" },
	{ "OFPBMC_BAD_PREREQ", "8000 0e 01 01", "vlan_pcp without a VLAN" },
	{ "OFPBMC_BAD_PREREQ", "8000 0c 02 0000 8000 0e 01 01", "vlan_pcp without a tag" },
	{ "", "8000 0d 04 1000 1000 8000 0e 01 01", "vlan_pcp of any VLAN" },
	{ "OFPBMC_BAD_PREREQ", "8000 10 01 01", "ip_dscp without IP" },
	{ "OFPBMC_BAD_PREREQ", "8000 0a 02 0806 8000 14 01 06", "ip_proto in ARP" },
	{ "OFPBMC_BAD_PREREQ", "8000 0a 02 86dd 8000 16 04 0a000001", "IPv4 source in IPv6" },
	{ "OFPBMC_BAD_PREREQ", "8000 16 04 0a000001 8000 0a 02 0800", "eth_type comes too late" },
	{ "OFPBMC_BAD_PREREQ", "8000 0a 02 0800 8000 14 01 11 8000 1a 02 0050", "TCP port in UDP" },
	{ "OFPBMC_BAD_PREREQ", "8000 0a 02 86dd 8000 14 01 01 8000 26 01 08", "ICMPv4 in IPv6" },
	{ "OFPBMC_BAD_PREREQ", "8000 0a 02 0800 8000 2c 04 0a000001", "arp_spa in IPv4" },
	{ "OFPBMC_BAD_PREREQ",
	  "8000 0a 02 86dd 8000 14 01 3a 8000 3a 01 88 8000 40 06 020000000001",
	  "nd_sll in an advertisement" },
	{ "OFPBMC_BAD_PREREQ", "8000 0a 02 0800 8000 44 04 00000010", "MPLS label in IPv4" },
	{ "OFPBMC_BAD_PREREQ", "8000 4a 03 000001", "PBB without PBB" },
	{ "OFPBMC_DUP_FIELD", "8000 00 04 00000001 8000 00 04 00000001", "in_port twice" },
	{ "OFPBMC_DUP_FIELD",
	  "8000 05 10 0000000000000000 0000000000000000"
	  "8000 04 08 0000000000000000",
	  "metadata twice, once masked to nothing" },
	{ "OFPBMC_DUP_FIELD", "8000 06 06 020000000001 0000 02 06 020000000001", "OXM and NXM" },
	{ "OFPBMC_DUP_FIELD", "8000 0c 02 1005 0000 08 02 1005", "vlan_vid and vlan_tci" },
	{ "OFPBMC_DUP_FIELD", "0001 00 04 00000001 8001 00 08 0000000000000001", "reg0 and xreg0" },
};

static size_t flow_mod(uint8_t *p, const char *match, const char *insts)
{
	size_t n = 52, len;

	memset(p, 0, 512);
	len = 4 + bytes(match, p + n);
	put_be16(p + 48, OFPMT_OXM);
	put_be16(p + 50, (uint16_t)len);
	n = 48 + (len + 7) / 8 * 8;
	n += bytes(insts, p + n);
	header(p, OFPT_FLOW_MOD, n);
	return n;
}

static void fields_of_a_match(void **state)
{
	uint8_t p[512];

	EACH(matches, r)
	expect(r, p, flow_mod(p, r->hex, ""));
}

static void the_match_itself(void **state)
{
	struct row type = { "OFPBMC_BAD_TYPE", "", "OFPMT_STANDARD" };
	struct row len = { "OFPBMC_BAD_LEN", "", "length" };
	uint8_t p[512];
	size_t n = flow_mod(p, "8000 00 04 00000001", "");

	put_be16(p + 48, OFPMT_STANDARD);
	expect(&type, p, n);
	put_be16(p + 48, OFPMT_OXM);
	for (unsigned int bad = 0; bad < 300; bad += bad == 3 ? 14 : 1) {
		put_be16(p + 50, (uint16_t)bad);
		expect(&len, p, n);
	}
	put_be16(p + 50, 0xffff);
	expect(&len, p, n);
}

/* ---- Instructions ---- */

static const struct row insts[] = {
	{ "", "0001 0008 05 000000", "goto_table" },
	{ "OFPBIC_UNKNOWN_INST", "0000 0008 00000000", "type 0" },
	{ "OFPBIC_UNKNOWN_INST", "0007 0008 00000000", "type 7" },
	{ "OFPBIC_BAD_LEN", "0001 0004", "goto_table without a table" },
	{ "OFPBIC_BAD_LEN", "0001 0010 05 000000 00000000 00000000", "goto_table too long" },
	{ "OFPBIC_BAD_LEN", "0001 0000 05 000000", "length 0" },
	{ "OFPBIC_BAD_LEN", "0001 000c 05 000000 00000000", "length 12" },
	{ "OFPBIC_BAD_LEN", "0001 0010 05 000000", "past the end" },
	{ "OFPBIC_BAD_LEN", "0002 0010 00000000 0000000000000001", "half write_metadata" },
	{ "OFPBIC_BAD_LEN", "0001", "a header cut off" },
	{ "OFPBIC_BAD_EXPERIMENTER", "ffff 0008 0000005e", "an experimenter" },
	{ "OFPBIC_BAD_LEN", "ffff 0004", "an experimenter without an id" },
};

static void instructions(void **state)
{
	uint8_t p[512];

	EACH(insts, r)
	expect(r, p, flow_mod(p, "", r->hex));
}

/* ---- Actions ---- */

static const struct row actions[] = {
	{ "", "0000 0010 00000001 0000 000000000000", "output" },
	{ "OFPBAC_BAD_TYPE", "0001 0008 00000000", "an action of 1.0" },
	{ "OFPBAC_BAD_TYPE", "001c 0008 00000000", "type 28" },
	{ "OFPBAC_BAD_LEN", "0000 0008 00000001", "output too short" },
	{ "OFPBAC_BAD_LEN", "0000 0018 00000001 0000 000000000000 0000000000000000", "too long" },
	{ "OFPBAC_BAD_LEN", "0000 0000 00000001 0000 000000000000", "length 0" },
	{ "OFPBAC_BAD_LEN", "0000 000c 00000001 00000000 00000000", "length 12" },
	{ "OFPBAC_BAD_LEN", "0000 0020 00000001 0000 000000000000", "past the end" },
	{ "OFPBAC_BAD_EXPERIMENTER", "ffff 0010 0000005e 0000000000000000", "an experimenter" },
	{ "OFPBAC_BAD_EXP_TYPE", "ffff 0010 00002320 03e7 000000000000", "Nicira's 999" },
	{ "OFPBAC_BAD_LEN", "ffff 0008 00002320", "Nicira's without a subtype" },
	{ "OFPBAC_BAD_EXP_TYPE", "ffff 0010 57454654 03e7 000000000000", "Weft's 999" },
	{ "OFPBAC_BAD_LEN", "ffff 0008 57454654", "Weft's without a subtype" },
	{ "", "ffff 0010 57454654 0006 000000000000", "answer(echo)" },
	{ "OFPBAC_BAD_ARGUMENT", "ffff 0010 57454654 0006 000000000001", "... of something else" },
	{ "", "ffff 0018 57454654 0004 020000000001 80 00000000000000", "answer(nd)" },
	{ "OFPBAC_BAD_LEN", "ffff 0010 57454654 0004 020000000001", "half of it" },
	{ "OFPBAC_BAD_ARGUMENT", "ffff 0018 57454654 0004 030000000001 80 00000000000000",
	  "a neighbour at a group's address" },
	{ "OFPBAC_BAD_ARGUMENT", "ffff 0018 57454654 0004 020000000001 40 00000000000000",
	  "a neighbour with a flag that only the switch sets" },
	{ "", "ffff 0020 57454654 0005 0b00 00000000 00000000000000000000ffff 0a000001",
	  "answer(icmp_error)" },
	{ "OFPBAC_BAD_ARGUMENT",
	  "ffff 0020 57454654 0005 0500 00000000 00000000000000000000ffff 0a000001", "a redirect" },
	{ "OFPBAC_BAD_ARGUMENT",
	  "ffff 0020 57454654 0005 0b00 00000500 00000000000000000000ffff 0a000001",
	  "an MTU of what is not too big" },
	{ "OFPBAC_BAD_ARGUMENT",
	  "ffff 0020 57454654 0005 0200 00000100 20010db8000000000000000000000001",
	  "an MTU that no IPv6 link has" },
	{ "",
	  "ffff 0028 57454654 0001 020000000001 0a000005 0a000001 00000000 00000e10 18 000000"
	  "c8010100",
	  "answer(dhcp)" },
	{ "OFPBAC_BAD_LEN",
	  "ffff 0028 57454654 0001 020000000001 0a000005 0a000001 00000000 00000e10 18 000000"
	  "c8030102",
	  "an option of DHCP that passes the end" },
	{ "OFPBAC_BAD_ARGUMENT",
	  "ffff 0028 57454654 0001 020000000001 0a000005 0a000001 00000000 00000e10 18 000000"
	  "35010200",
	  "an option of DHCP that is the switch's" },
	{ "OFPBAC_BAD_ARGUMENT",
	  "ffff 0028 57454654 0001 020000000001 0a000005 0a000001 00000000 00000e10 21 000000"
	  "00000000",
	  "a prefix of 33 bits" },
	{ "OFPBAC_BAD_LEN",
	  "ffff 0038 57454654 0003 020000000001 fe800000000000000000000000000001 40 00 0708"
	  "00000000 00000000 00000000 0500000000000000",
	  "an option of no length" },
	{ "OFPBAC_BAD_LEN", "ffff 0010 00002320 0006 0010 0000 0000", "half a move" },
	/* set-field */
	{ "", "0019 0010 8000 06 06 020000000001 0000", "set-field" },
	{ "OFPBAC_BAD_SET_TYPE", "0019 0010 8000 fe 00 0000000000000000", "no field" },
	{ "OFPBAC_BAD_SET_TYPE", "0019 0010 8000 00 04 00000001 00000000", "in_port" },
	{ "OFPBAC_BAD_SET_TYPE", "0019 0010 8000 4e 02 0001 000000000000", "ipv6_exthdr" },
	{ "OFPBAC_BAD_SET_LEN", "0019 0010 8000 06 07 02000000000100 00", "length 7" },
	{ "OFPBAC_BAD_SET_LEN", "0019 0010 8000 06 10 020000000001 0000", "past the end" },
	{ "OFPBAC_BAD_SET_ARGUMENT", "0019 0018 8000 07 0c 020000000001 ffffffffffff 00000000",
	  "with a mask" },
	{ "OFPBAC_BAD_SET_ARGUMENT", "0019 0010 8000 10 01 40 000000 00000000", "ip_dscp 64" },
	{ "OFPBAC_BAD_LEN", "0019 0018 8000 06 06 020000000001 0000 0000000000000000", "too long" },
	/* move and load */
	{ "", "ffff 0018 00002320 0006 0010 0000 0000 00010004 00010204", "move" },
	{ "OFPBAC_BAD_SET_LEN", "ffff 0018 00002320 0006 0010 0011 0000 00010004 00010204",
	  "source bits past the field" },
	{ "OFPBAC_BAD_SET_LEN", "ffff 0018 00002320 0006 0010 0000 0011 00010004 00010204",
	  "destination bits past the field" },
	{ "OFPBAC_BAD_SET_LEN", "ffff 0018 00002320 0006 0000 0000 0000 00010004 00010204",
	  "no bits" },
	{ "OFPBAC_BAD_SET_ARGUMENT", "ffff 0018 00002320 0006 0010 0000 0000 00010004 00000602",
	  "move to eth_type" },
	{ "OFPBMC_BAD_FIELD", "ffff 0018 00002320 0006 0010 0000 0000 0001fe04 00010204",
	  "no field" },
	{ "OFPBMC_BAD_MASK", "ffff 0018 00002320 0006 0010 0000 0000 00010108 00010204",
	  "a field with a mask" },
	{ "", "ffff 0018 00002320 0007 020f 00010004 000000000000ffff", "load" },
	{ "OFPBAC_BAD_ARGUMENT", "ffff 0018 00002320 0007 020f 00010004 0000000000010000",
	  "a value of more bits" },
	{ "OFPBAC_BAD_SET_LEN", "ffff 0018 00002320 0007 003f 00010004 0000000000000000",
	  "bits past the field" },
	{ "OFPBAC_BAD_SET_ARGUMENT", "ffff 0018 00002320 0007 001f 80000004 0000000000000000",
	  "load of in_port" },
	{ "OFPBAC_BAD_SET_TYPE", "ffff 0018 00002320 0007 000b ffff5406 4f4e4600 00000000",
	  "a long header where there is no room" },
	{ "OFPBAC_BAD_SET_LEN", "ffff 0018 00002320 001b 0010 00010004 0011 000000000000",
	  "push of bits past the field" },
	/* Nicira's load of a whole OXM */
	{ "", "ffff 0018 00002320 0021 80001708 0a000000 ff000000 0000", "a mask" },
	{ "OFPBAC_BAD_SET_ARGUMENT", "ffff 0018 00002320 0021 80001708 0a000001 ff000000 0000",
	  "a bit outside the mask" },
	{ "OFPBAC_BAD_SET_ARGUMENT", "ffff 0018 00002320 0021 80001102 01 03 00000000 00000000",
	  "a mask on ip_dscp" },
};

static size_t with_actions(uint8_t *p, const char *hex)
{
	size_t n = flow_mod(p, "", "0004 0000 00000000"), len = bytes(hex, p + n);

	put_be16(p + n - 6, (uint16_t)(8 + len));
	header(p, OFPT_FLOW_MOD, n + len);
	return n + len;
}

static void actions_of_a_flow(void **state)
{
	uint8_t p[512];

	EACH(actions, r)
	expect(r, p, with_actions(p, r->hex));
}

/* ---- Groups, meters, table features ---- */

static const struct row groups[] = {
	{ "", "0010 0001 00000001 ffffffff 00000000", "an empty bucket" },
	{ "OFPGMFC_BAD_BUCKET", "0008 0001 00000001 ffffffff 00000000", "shorter than itself" },
	{ "OFPGMFC_BAD_BUCKET", "0018 0001 00000001 ffffffff 00000000", "past the end" },
	{ "OFPGMFC_BAD_BUCKET", "0014 0001 00000001 ffffffff 00000000 00000000", "length 20" },
	{ "OFPGMFC_BAD_BUCKET", "0010 0001 00000001", "cut off" },
	{ "OFPBAC_BAD_TYPE", "0018 0001 00000001 ffffffff 00000000 0001 0008 00000000", "action" },
};

static const struct row meters[] = {
	{ "", "0001 0010 00000001 00000001 00000000", "drop" },
	{ "OFPMMFC_BAD_BAND", "0003 0010 00000001 00000001 00000000", "type 3" },
	{ "OFPMMFC_BAD_BAND", "ffff 0010 00000001 00000001 0000005e", "an experimenter" },
	{ "OFPBRC_BAD_LEN", "0001 0008 00000001", "too short" },
	{ "OFPBRC_BAD_LEN", "0001 0018 00000001 00000001 00000000 0000000000000000", "too long" },
	{ "OFPBRC_BAD_LEN", "0001 0020 00000001 00000001 00000000", "past the end" },
};

static const struct row features[] = {
	{ "", "0000 0008 0001 0004", "instructions" },
	{ "OFPTFFC_BAD_TYPE", "0009 0004 00000000", "a type between two others" },
	{ "OFPTFFC_BAD_TYPE", "0010 0004 00000000", "a type beyond the last" },
	{ "OFPTFFC_BAD_LEN", "0000 0003 00000000", "length 3" },
	{ "OFPTFFC_BAD_LEN", "0000 000c 0001 0004", "past the end" },
	{ "OFPTFFC_BAD_LEN", "0000 0008 0001 0008", "an id longer than the property" },
	{ "OFPTFFC_BAD_LEN", "0000 0006 0001 0000", "an id cut off" },
	{ "OFPTFFC_BAD_LEN", "0008 0006 8000 0000", "a field cut off" },
	{ "OFPTFFC_BAD_LEN", "fffe 0004 00000000", "an experimenter without an id" },
};

static void groups_meters_features(void **state)
{
	uint8_t p[512] = { 0 };
	size_t n;

	EACH(groups, r)
	{
		n = 16 + bytes(r->hex, p + 16);
		bytes("0000 00 00 00000001", p + 8);
		header(p, OFPT_GROUP_MOD, n);
		expect(r, p, n);
	}
	EACH(meters, r)
	{
		n = 16 + bytes(r->hex, p + 16);
		bytes("0000 0001 00000001", p + 8);
		header(p, OFPT_METER_MOD, n);
		expect(r, p, n);
	}
	EACH(features, r)
	{
		memset(p, 0, sizeof(p));
		n = 80 + bytes(r->hex, p + 80);
		put_be16(p + 8, OFPMP_TABLE_FEATURES);
		put_be16(p + 16, (uint16_t)(n - 16));
		header(p, OFPT_MULTIPART_REQUEST, n);
		expect(r, p, n);
	}
	struct row len = { "OFPTFFC_BAD_LEN", "", "table features' own length" };

	put_be16(p + 16, 56);
	expect(&len, p, n);
}

/* ---- Experimenters: read, and refused by who gets them ---- */

static const struct row experimenters[] = {
	{ "OFPBRC_BAD_EXPERIMENTER", "0000005e 00000001 0a0b",
	  "an experimenter that nobody knows" },
	{ "OFPBRC_BAD_EXP_TYPE", "4f4e4600 00000778 00000002", "ONF's 1912" },
	{ "OFPBRC_BAD_EXP_TYPE", "00002320 00000063", "Nicira's 99" },
	{ "OFPBRC_BAD_EXP_TYPE", "57454654 00000009", "Weft's 9" },
};

static void unknown_experimenters(void **state)
{
	EACH(experimenters, r)
	{
		uint8_t p[64];
		size_t n = 8 + bytes(r->hex, p + 8);
		const struct of_experimenter_msg *x;
		struct of_err e;
		struct of_msg *m;
		struct arena a;

		arena_init(&a, 0);
		header(p, OFPT_EXPERIMENTER, n);
		assert_int_equal(of_decode(p, n, &a, &m, &e), 0);
		x = (const void *)m->body;
		assert_int_equal(x->body->kind, OF_KIND_exp_unknown);
		of_refuse_unknown_exp(x, &e);
		assert_string_equal(of_error_code_name(e.type, e.code), r->error);
		arena_fini(&a);
	}
}

/* ---- Depth ---- */

/* Clones in clones are refused at a fixed depth, well before the stack is in danger. */
static void lists_in_lists(void **state)
{
	static uint8_t p[40000];
	struct row row = { "OFPBAC_BAD_LEN", "", "2000 clones, one in the other" };
	size_t n = 64, end = 64 + 16 * 2000;

	flow_mod(p, "", "");
	put_be32(p + 56, 0x00040000u | (uint32_t)(end - 56));
	for (; n < end; n += 16) {
		put_be32(p + n, 0xffff0000u | (uint32_t)(end - n));
		put_be32(p + n + 4, OF_NX_ID);
		put_be16(p + n + 8, 42);
	}
	header(p, OFPT_FLOW_MOD, end);
	expect(&row, p, end);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_messages),	  cmocka_unit_test(messages_in_bundles),
		cmocka_unit_test(fields_of_a_match),	  cmocka_unit_test(the_match_itself),
		cmocka_unit_test(instructions),		  cmocka_unit_test(actions_of_a_flow),
		cmocka_unit_test(groups_meters_features), cmocka_unit_test(unknown_experimenters),
		cmocka_unit_test(lists_in_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Port modes: the table at the head of vlan/port_mode.h, row by row, and the option texts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "vlan/port_mode.h"

enum { UNTAGGED = -1, DROPPED = -2 };

static struct vlan_port port(const char *mode, const char *tag, const char *trunks,
			     const char *prio)
{
	struct vlan_port p;
	struct err err = { "" };

	if (vlan_port_parse(&p, mode, tag, trunks, prio, &err))
		fail_msg("%s", err.text);
	return p;
}

/* The VLAN of a frame with TCI 'tci' (or UNTAGGED); DROPPED if the port does not take it. */
static int in(const struct vlan_port *p, int tci)
{
	uint16_t vid = 0xffff;
	enum vlan_drop drop = vlan_port_ingress(p, tci != UNTAGGED, (uint16_t)tci, &vid);

	return drop == VLAN_DROP_NONE ? vid : DROPPED;
}

/* The TCI (or UNTAGGED, DROPPED) with which a frame of VLAN 'vid', now with 'tci', leaves. */
static int out(const struct vlan_port *p, uint16_t vid, int tci)
{
	struct vlan_out o = vlan_port_egress(p, vid, tci != UNTAGGED, (uint16_t)tci);

	switch (o.op) {
	case VLAN_OP_NOT_HERE:
		return DROPPED;
	case VLAN_OP_KEEP:
		return tci;
	case VLAN_OP_PUSH:
		assert_int_equal(tci, UNTAGGED);
		return o.tci;
	case VLAN_OP_SET:
		assert_int_not_equal(tci, UNTAGGED);
		assert_int_not_equal(tci, o.tci);
		return o.tci;
	case VLAN_OP_POP:
		assert_int_not_equal(tci, UNTAGGED);
		return UNTAGGED;
	}
	return DROPPED;
}

static void access_port(void **state)
{
	struct vlan_port p = port("access", "10", NULL, NULL);

	assert_int_equal(in(&p, UNTAGGED), 10);
	assert_int_equal(in(&p, 0xe000), 10);  /* a priority tag counts as none */
	assert_int_equal(in(&p, 10), DROPPED); /* its own VLAN, tagged: no */
	assert_int_equal(in(&p, 11), DROPPED);
	assert_int_equal(out(&p, 10, UNTAGGED), UNTAGGED);
	assert_int_equal(out(&p, 10, 10), UNTAGGED);
	assert_int_equal(out(&p, 11, UNTAGGED), DROPPED);
	assert_int_equal(out(&p, 0, UNTAGGED), DROPPED);
}

static void trunk_of_all(void **state)
{
	struct vlan_port p = port("trunk", NULL, NULL, NULL);

	assert_int_equal(in(&p, UNTAGGED), 0);
	assert_int_equal(in(&p, 0x6000), 0);
	assert_int_equal(in(&p, 0x6000 | 4094), 4094);
	assert_int_equal(in(&p, 4095), DROPPED);
	assert_int_equal(out(&p, 0, UNTAGGED), UNTAGGED);
	assert_int_equal(out(&p, 0, 0x6000), UNTAGGED);
	assert_int_equal(out(&p, 7, UNTAGGED), 7);
	assert_int_equal(out(&p, 7, 0x6000), 0x6007); /* from a priority tag: priority kept */
	assert_int_equal(out(&p, 7, 0x7007), 0x7007);
}

static void trunk_of_some(void **state)
{
	struct vlan_port p = port(NULL, NULL, "10-12+4094", NULL);

	assert_int_equal(p.mode, VLAN_MODE_TRUNK);
	assert_int_equal(in(&p, UNTAGGED), DROPPED); /* VLAN 0 is not among them */
	assert_int_equal(in(&p, 9), DROPPED);
	assert_int_equal(in(&p, 10), 10);
	assert_int_equal(in(&p, 12), 12);
	assert_int_equal(in(&p, 13), DROPPED);
	assert_int_equal(out(&p, 13, UNTAGGED), DROPPED);
	assert_int_equal(out(&p, 4094, UNTAGGED), 4094);
	p = port("trunk", NULL, "0+5", NULL);
	assert_int_equal(in(&p, UNTAGGED), 0);
}

static void native(void **state)
{
	struct vlan_port tagged = port("native-tagged", "10", "20", NULL);
	struct vlan_port untagged = port("native-untagged", "10", "20", NULL);
	struct vlan_port *both[] = { &tagged, &untagged };

	for (int i = 0; i < 2; i++) {
		assert_int_equal(in(both[i], UNTAGGED), 10);
		assert_int_equal(in(both[i], 0), 10);
		assert_int_equal(in(both[i], 10), 10); /* native, though not in trunks */
		assert_int_equal(in(both[i], 20), 20);
		assert_int_equal(in(both[i], 30), DROPPED);
		assert_int_equal(out(both[i], 20, UNTAGGED), 20);
		assert_int_equal(out(both[i], 30, UNTAGGED), DROPPED);
	}
	assert_int_equal(out(&tagged, 10, UNTAGGED), 10);
	assert_int_equal(out(&tagged, 10, 0x2000), 0x200a);
	assert_int_equal(out(&untagged, 10, UNTAGGED), UNTAGGED);
	assert_int_equal(out(&untagged, 10, 10), UNTAGGED);
}

static void priority_tags(void **state)
{
	struct vlan_port never = port("access", "10", NULL, "never");
	struct vlan_port nonzero = port("access", "10", NULL, "if-nonzero");
	struct vlan_port always = port("native-untagged", "10", NULL, "always");

	assert_int_equal(out(&never, 10, 0xa00a), UNTAGGED);
	assert_int_equal(out(&nonzero, 10, 0xa00a), 0xa000);
	assert_int_equal(out(&nonzero, 10, 0x100a), UNTAGGED); /* DEI is no priority */
	assert_int_equal(out(&nonzero, 10, UNTAGGED), UNTAGGED);
	assert_int_equal(out(&always, 10, 10), 0);
	assert_int_equal(out(&always, 10, UNTAGGED), 0);
	assert_int_equal(out(&always, 11, UNTAGGED), 11);
}

/* In by any port, out by any other: what arrives is in the VLAN in which it left. */
static void vlan_survives_a_trunk(void **state)
{
	struct vlan_port p = port("trunk", NULL, NULL, NULL);

	for (int vid = 0; vid < 4095; vid++)
		for (int now = UNTAGGED; now < 0x10000; now += 0x2fff)
			assert_int_equal(in(&p, out(&p, (uint16_t)vid, now)), vid);
}

static void texts_accepted(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "1", "1" },	    { "0", "0" },
		{ "4094", "4094" }, { "1-3", "1-3" },
		{ "3+1+2", "1-3" }, { "1-10+20+4000-4094", "1-10+20+4000-4094" },
		{ "5-5", "5" },	    { "0-4094", "0-4094" },
		{ "007", "7" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct vlan_set set;
		char buf[64], small[4];

		assert_int_equal(vlan_set_parse(rows[i].in, &set, NULL), 0);
		assert_int_equal(vlan_set_format(&set, buf, sizeof(buf)), strlen(rows[i].out));
		assert_string_equal(buf, rows[i].out);
		assert_int_equal(vlan_set_format(&set, small, sizeof(small)), strlen(rows[i].out));
		assert_int_equal(strncmp(small, rows[i].out, 3), 0);
	}
}

static void texts_refused(void **state)
{
	static const char *const sets[] = { "",	     "a",	    "1-",  "-1",   "1+",
					    "+1",    "3-1",	    "1,2", "4095", "1--2",
					    "1-2-3", "99999999999", "1 ",  " 1",   "1-4095" };
	static const char *const tags[] = { "", "0", "4095", "-1", "1x", "0x10", "65537" };
	/* mode, tag, trunks, priority-tags */
	static const char *const ports[][4] = {
		{ "access", NULL, NULL, NULL },
		{ "access", "1", "1-2", NULL },
		{ "trunk", "1", NULL, NULL },
		{ "native-tagged", NULL, NULL, NULL },
		{ "native-untagged", NULL, "1", NULL },
		{ "dot1q-tunnel", "1", NULL, NULL },
		{ NULL, "0", NULL, NULL },
		{ NULL, NULL, "x", NULL },
		{ NULL, NULL, NULL, "sometimes" },
		{ NULL, "1", "2", NULL },
	};
	struct vlan_port p, untouched;
	struct vlan_set set;
	struct err err;
	uint16_t tag;

	for (size_t i = 0; i < sizeof(sets) / sizeof(*sets); i++) {
		err.text[0] = '\0';
		assert_int_equal(vlan_set_parse(sets[i], &set, &err), -EINVAL);
		assert_non_null(strstr(err.text, "trunks"));
	}
	for (size_t i = 0; i < sizeof(tags) / sizeof(*tags); i++)
		assert_int_equal(vlan_tag_parse(tags[i], &tag, &err), -EINVAL);
	memset(&p, 0x5a, sizeof(p));
	untouched = p;
	for (size_t i = 0; i < sizeof(ports) / sizeof(*ports); i++) {
		err.text[0] = '\0';
		assert_int_equal(vlan_port_parse(&p, ports[i][0], ports[i][1], ports[i][2],
						 ports[i][3], &err),
				 -EINVAL);
		assert_memory_equal(&p, &untouched, sizeof(p));
		assert_true(err.text[0] != '\0');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(access_port),	  cmocka_unit_test(trunk_of_all),
		cmocka_unit_test(trunk_of_some),  cmocka_unit_test(native),
		cmocka_unit_test(priority_tags),  cmocka_unit_test(vlan_survives_a_trunk),
		cmocka_unit_test(texts_accepted), cmocka_unit_test(texts_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

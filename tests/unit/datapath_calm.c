/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table_calm(): a table that changes little gets trees, built beside it; what changes meanwhile is
 * done to them; one that changes much goes back.  Whatever serves, each flow that is there is found
 * by the key that it is for, and no other.
 *
 * Nothing here is bound to a time: a thread builds, and is waited for.
 */
#include <unistd.h>

#include "datapath/table_state.h"
#include "tests/unit/datapath_harness.h"

enum {
	FLOWS = 12000,
	FIRST = 1000,
	MANY = 9000,   /* more than are noted beside a build */
	TURNS = 60000, /* of a millisecond, to wait for */
};

static bool there[FLOWS];

static void change(uint8_t command, uint32_t from, uint32_t to, uint32_t step)
{
	static const uint8_t len[] = { 8, 12, 16, 24, 32 };

	for (uint32_t i = from; i < to; i += step) {
		struct of_flow_mod *fm = flow_mod(command, 0, 10);

		of_match_set_u64(&fm->match, OF_FIELD_ETH_TYPE, 0x0800);
		of_match_set_masked_u64(&fm->match, OF_FIELD_IPV4_SRC, 0x0a000000,
					UINT32_MAX << (32 - len[i % 5]));
		of_match_set_u64(&fm->match, OF_FIELD_IPV4_DST, 0x0a000000 + i);
		fm->cookie = i + 1;
		inst(fm, applied(output_to(2)));
		assert_int_equal(send_flow(fm), 0);
		there[i] = command == OFPFC_ADD;
	}
	dp_publish(h.dp);
	arena_reset(&h.a);
}

static bool serve(void)
{
	return !strcmp(table_template(h.dp, 0, NULL), "cuts");
}

static bool come(void)
{
	return h.dp->table_state->tables[0].coming;
}

/* The table is asked for each flow, those that went among them. */
static void all_are_found(void)
{
	const struct cls *c = atomic_load(&h.dp->tables[0]);
	struct burst *b = h.w->burst;
	const struct cls_rule *hit[BURST_MAX];

	b->version = atomic_load(&h.dp->version);
	for (uint32_t i = 0; i < FLOWS; i++) {
		b->pkt[0].key = (struct flow_key){ .eth_type = htobe16(0x0800),
						   .nw_src = htobe32(0x0a000000),
						   .nw_dst = htobe32(0x0a000000 + i) };
		hit[0] = NULL;
		if (c)
			c->ops->lookup(c, b, 1, hit);
		assert_int_equal(hit[0] ? flow_of_rule(hit[0])->cookie : 0, there[i] ? i + 1 : 0);
		b->pkt[0].key.nw_src = htobe32(0x0b000000);
		hit[0] = NULL;
		if (c)
			c->ops->lookup(c, b, 1, hit);
		assert_null(hit[0]);
	}
}

/* Looks, with nothing to see, until what is built is done with. */
static void look_on(void)
{
	for (unsigned int i = 0; i < TURNS && come(); i++) {
		usleep(1000);
		table_calm(h.dp);
	}
	assert_false(come());
}

/* FIRST flows, and trees that are being built. */
static void begin(void)
{
	change(OFPFC_ADD, 0, FIRST, 1);
	table_calm(h.dp);
	assert_false(come()); /* that was too much */
	table_calm(h.dp);
	assert_true(come());
	assert_false(serve());
}

static int each_setup(void **state)
{
	role_assume_control();
	role_assume_pmd();
	wipe();
	memset(there, 0, sizeof(there));
	for (unsigned int i = 0; i < TURNS && come(); i++) {
		usleep(1000);
		table_calm(h.dp);
	}
	table_calm(h.dp);
	h.dp->table_state->tables[0].tried_at = 0;
	return 0;
}

static void trees_come_when_it_is_calm(void **state)
{
	begin();
	all_are_found();
	look_on();
	assert_true(serve());
	all_are_found();
	change(OFPFC_DELETE_STRICT, 0, FIRST, 7);
	change(OFPFC_ADD, FIRST, FIRST + 200, 1);
	assert_true(serve());
	all_are_found();
}

static void what_changes_meanwhile_is_in_them(void **state)
{
	begin();
	change(OFPFC_DELETE_STRICT, 0, FIRST, 3);
	change(OFPFC_ADD, FIRST, FIRST + 300, 1);
	change(OFPFC_DELETE_STRICT, FIRST, FIRST + 300, 2);
	change(OFPFC_ADD, 0, FIRST, 9);
	look_on();
	assert_true(serve());
	all_are_found();
}

static void too_much_meanwhile_gives_them_up(void **state)
{
	begin();
	change(OFPFC_ADD, FIRST, FIRST + MANY, 1);
	look_on();
	assert_false(serve());
	all_are_found();
	/* ... and when it is calm again, there are others. */
	table_calm(h.dp);
	table_calm(h.dp);
	assert_true(come());
	look_on();
	assert_true(serve());
	all_are_found();
}

static void a_flood_sends_them_away(void **state)
{
	begin();
	look_on();
	assert_true(serve());
	change(OFPFC_ADD, FIRST, FIRST + 4500, 1);
	table_calm(h.dp);
	assert_false(serve());
	all_are_found();
}

static void nothing_of_what_is_deleted_meanwhile(void **state)
{
	struct of_flow_mod *fm;

	begin();
	fm = flow_mod(OFPFC_DELETE, 0, 0);
	/* All go, and with them the table that it was for. */
	assert_int_equal(send_flow(fm), 0);
	dp_publish(h.dp);
	memset(there, 0, sizeof(there));
	look_on();
	all_are_found();
}

/* The last one: what is being built does not keep the datapath from its end. */
static void it_ends_meanwhile(void **state)
{
	begin();
}

static int setup(void **state)
{
	return harness_setup(&(struct dp_opts){ .name = "calm", .dpid = 6 });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(trees_come_when_it_is_calm, each_setup),
		cmocka_unit_test_setup(what_changes_meanwhile_is_in_them, each_setup),
		cmocka_unit_test_setup(too_much_meanwhile_gives_them_up, each_setup),
		cmocka_unit_test_setup(a_flood_sends_them_away, each_setup),
		cmocka_unit_test_setup(nothing_of_what_is_deleted_meanwhile, each_setup),
		cmocka_unit_test_setup(it_ends_meanwhile, each_setup),
	};

	return cmocka_run_group_tests(tests, setup, harness_teardown);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Spec: 5.2 Flow table */
/* Spec: 5.3 Matching: priorities */
/* Spec: 5.4 Table-miss */
/* Spec: 5.5 Flow removal */
/* Spec: 5.8 Counters: of flows and tables */
/* Spec: 6.4 Flow table modification */
/*
 * Flow tables, sentence by sentence of OpenFlow 1.3.5 sections 5 and 6.4, through real packets:
 *
 *	flow_mod -> table -> dp_publish() -> burst -> pipeline -> what left, what was counted
 */
#include "tests/unit/datapath_harness.h"

/* A flow to 'port' for packets to the address ending in 'dst'; 0: for all. */
static struct of_flow_mod *flow_to(uint8_t command, uint8_t table, uint16_t priority, uint8_t dst,
				   uint32_t port)
{
	struct of_flow_mod *fm = flow_mod(command, table, priority);

	if (dst)
		of_match_set_u64(&fm->match, OF_FIELD_ETH_DST, dst);
	inst(fm, applied(output_to(port)));
	return fm;
}

static void add(uint8_t table, uint16_t priority, uint8_t dst, uint32_t port)
{
	assert_int_equal(send_flow(flow_to(OFPFC_ADD, table, priority, dst, port)), 0);
}

static uint32_t to(uint8_t dst)
{
	return send_one((struct packet){ .in_port = 1, .dst = dst });
}

static int each_setup(void **state)
{
	role_assume_control();
	role_assume_pmd();
	wipe();
	return 0;
}

/* ---- 5.3, 5.4, 5.10: matching ---- */

/* "the highest priority flow entry that matches the packet must be selected" */
static void highest_priority_wins(void **state)
{
	add(0, 10, 0, 2);
	add(0, 20, 5, 3);
	add(0, 15, 5, 4);
	dp_publish(h.dp);
	assert_int_equal(to(5), 3);
	assert_int_equal(to(6), 2);
}

/* "If the table-miss flow entry does not exist, by default packets unmatched ... are dropped" */
static void a_miss_is_dropped_and_named(void **state)
{
	uint64_t before = h.w->ports[PORT_MAX].drops[DROP_TABLE_MISS];

	add(0, 10, 5, 2);
	dp_publish(h.dp);
	assert_int_equal(to(6), 0);
	assert_int_equal(h.w->ports[PORT_MAX].drops[DROP_TABLE_MISS], before + 1);
}

static void goto_leads_on_and_counts(void **state)
{
	struct of_flow_mod *fm = flow_mod(OFPFC_ADD, 0, 1);
	uint64_t lookups[2], matches[2];

	inst(fm, goto_table(200));
	assert_int_equal(send_flow(fm), 0);
	add(200, 1, 5, 7);
	dp_publish(h.dp);
	table_lookups(h.dp, 200, &lookups[0], &matches[0]);
	assert_int_equal(to(5), 7);
	assert_int_equal(to(6), 0);
	table_lookups(h.dp, 200, &lookups[1], &matches[1]);
	assert_int_equal(lookups[1] - lookups[0], 2);
	assert_int_equal(matches[1] - matches[0], 1);
}

/* ---- 6.4: add ---- */

/* Changes are seen together when they are published, not before. */
static void unpublished_is_unseen(void **state)
{
	add(0, 10, 5, 2);
	assert_int_equal(to(5), 0);
	dp_publish(h.dp);
	assert_int_equal(to(5), 2);
	add(0, 10, 5, 3);
	assert_int_equal(to(5), 2);
	dp_publish(h.dp);
	assert_int_equal(to(5), 3);
}

/*
 * "If a flow entry with identical match fields and priority already resides in the requested table,
 * then that flow entry, including its duration, must be cleared ... If the OFPFF_RESET_COUNTS flag
 * is set, the flow entry counters must be cleared, otherwise they should be copied from the
 * replaced flow entry", "No flow-removed message is generated"
 */
static void add_replaces_the_identical(void **state)
{
	struct of_flow_mod *fm;
	const struct listing *l;
	double created;

	fm = flow_to(OFPFC_ADD, 0, 10, 5, 2);
	fm->flags = OFPFF_SEND_FLOW_REM;
	fm->cookie = 1;
	assert_int_equal(send_flow(fm), 0);
	dp_publish(h.dp);
	assert_int_equal(to(5), 2);
	l = list_flows(0);
	assert_int_equal(packets_of(l->f[0]), 1);
	created = l->f[0]->created;

	fm = flow_to(OFPFC_ADD, 0, 10, 5, 3);
	fm->cookie = 2;
	assert_int_equal(send_flow(fm), 0);
	dp_publish(h.dp);
	assert_int_equal(to(5), 3);
	l = list_flows(0);
	assert_int_equal(l->n, 1);
	assert_int_equal(l->f[0]->cookie, 2);
	assert_int_equal(l->f[0]->flags, 0);
	assert_int_equal(packets_of(l->f[0]), 2);
	assert_true(l->f[0]->created > created);

	fm->flags = OFPFF_RESET_COUNTS;
	assert_int_equal(send_flow(fm), 0);
	dp_publish(h.dp);
	assert_int_equal(packets_of(list_flows(0)->f[0]), 0);
	assert_int_equal(to(5), 3);
	assert_int_equal(packets_of(list_flows(0)->f[0]), 1);
	assert_int_equal(h.n_removed, 0);
}

/* "two flow entries overlap if a single packet may match both, and both entries have the same
 * priority"; "the switch must refuse the addition and respond with ... OVERLAP" */
static void check_overlap(void **state)
{
	struct of_flow_mod *fm;

	add(0, 10, 5, 2);
	fm = flow_mod(OFPFC_ADD, 0, 10);
	of_match_set_u64(&fm->match, OF_FIELD_IN_PORT, 1);
	fm->flags = OFPFF_CHECK_OVERLAP;
	assert_int_equal(send_flow(fm), flow_refusal(OFPFMFC_OVERLAP));
	assert_int_equal(table_count(h.dp, 0), 1);
	fm->priority = 11;
	assert_int_equal(send_flow(fm), 0);
	fm = flow_to(OFPFC_ADD, 0, 10, 6, 2);
	fm->flags = OFPFF_CHECK_OVERLAP;
	assert_int_equal(send_flow(fm), 0);
	/* The identical one overlaps, too. */
	fm = flow_to(OFPFC_ADD, 0, 10, 5, 2);
	fm->flags = OFPFF_CHECK_OVERLAP;
	assert_int_equal(send_flow(fm), flow_refusal(OFPFMFC_OVERLAP));
}

static void refusals_say_what_was_wrong(void **state)
{
	struct of_flow_mod *fm = flow_to(OFPFC_ADD, 254, 1, 5, 2);

	assert_int_equal(send_flow(fm), flow_refusal(OFPFMFC_BAD_TABLE_ID));
	fm->table_id = OFPTT_ALL;
	assert_int_equal(send_flow(fm), flow_refusal(OFPFMFC_BAD_TABLE_ID));
	fm->command = OFPFC_MODIFY;
	assert_int_equal(send_flow(fm), flow_refusal(OFPFMFC_BAD_TABLE_ID));
	fm->table_id = 254;
	fm->command = OFPFC_DELETE;
	assert_int_equal(send_flow(fm), flow_refusal(OFPFMFC_BAD_TABLE_ID));
	fm->table_id = 0;
	fm->command = 5;
	assert_int_equal(send_flow(fm), flow_refusal(OFPFMFC_BAD_COMMAND));
	fm->command = OFPFC_ADD;
	fm->flags = 0x20;
	assert_int_equal(send_flow(fm), flow_refusal(OFPFMFC_BAD_FLAGS));
	fm->flags = 0;
	of_match_set_u64(&fm->match, OF_FIELD_TUN_GBP_ID, 1);
	assert_int_equal(send_flow(fm), refusal(OFPET_BAD_MATCH, OFPBMC_BAD_FIELD));
	assert_non_null(strstr(h.e.text, "tun_gbp_id"));
	fm = flow_mod(OFPFC_ADD, 3, 1);
	inst(fm, goto_table(3));
	assert_int_equal(send_flow(fm), refusal(OFPET_BAD_INSTRUCTION, OFPBIC_BAD_TABLE_ID));
	assert_int_equal(list_flows(OFPTT_ALL)->n, 0);
}

/* The datapath of these tests takes 3000 flows a table. */
static void a_full_table_refuses(void **state)
{
	struct of_flow_mod *fm = flow_mod(OFPFC_ADD, 9, 1);

	for (unsigned int i = 0; i < 3000; i++) {
		of_match_set_u64(&fm->match, OF_FIELD_METADATA, i);
		assert_int_equal(send_flow(fm), 0);
	}
	of_match_set_u64(&fm->match, OF_FIELD_METADATA, 3000);
	assert_int_equal(send_flow(fm), flow_refusal(OFPFMFC_TABLE_FULL));
	/* What replaces takes no place; nor does another table's. */
	of_match_set_u64(&fm->match, OF_FIELD_METADATA, 5);
	assert_int_equal(send_flow(fm), 0);
	assert_int_equal(table_count(h.dp, 9), 3000);
	fm->table_id = 10;
	assert_int_equal(send_flow(fm), 0);
}

/* ---- 6.4: modify ---- */

/*
 * "the instructions field of this entry is updated with the value from the request, whereas its
 * cookie, idle_timeout, hard_timeout, flags, counters and duration fields are left unchanged"
 */
static void modify_changes_instructions_alone(void **state)
{
	struct of_flow_mod *fm = flow_to(OFPFC_ADD, 0, 10, 5, 2);
	const struct flow *f;
	double created;

	fm->cookie = 77;
	fm->idle_timeout = 100;
	fm->hard_timeout = 200;
	fm->flags = OFPFF_SEND_FLOW_REM;
	assert_int_equal(send_flow(fm), 0);
	dp_publish(h.dp);
	assert_int_equal(to(5), 2);
	created = list_flows(0)->f[0]->created;

	fm = flow_to(OFPFC_MODIFY, 0, 99, 0, 3);
	fm->cookie = 88;
	assert_int_equal(send_flow(fm), 0);
	dp_publish(h.dp);
	assert_int_equal(to(5), 3);
	f = list_flows(0)->f[0];
	assert_int_equal(f->cookie, 77);
	assert_int_equal(f->idle_timeout, 100);
	assert_int_equal(f->hard_timeout, 200);
	assert_int_equal(f->flags, OFPFF_SEND_FLOW_REM);
	assert_int_equal(f->rule.priority, 10);
	assert_true(f->created == created);
	assert_int_equal(packets_of(f), 2);

	/* "If the OFPFF_RESET_COUNTS flag is set, the flow entry counters must be cleared" */
	fm->flags = OFPFF_RESET_COUNTS;
	assert_int_equal(send_flow(fm), 0);
	dp_publish(h.dp);
	assert_int_equal(packets_of(list_flows(0)->f[0]), 0);
	assert_int_equal(h.n_removed, 0);
}

/* "if no flow entry ... matches the request, no error is recorded, and no flow table modification
 * occurs" */
static void modify_never_adds(void **state)
{
	assert_int_equal(send_flow(flow_to(OFPFC_MODIFY, 0, 10, 5, 2)), 0);
	assert_int_equal(send_flow(flow_to(OFPFC_MODIFY_STRICT, 0, 10, 5, 2)), 0);
	assert_int_equal(table_count(h.dp, 0), 0);
}

/* Strict: "all match fields, including their masks, and the priority, are strictly matched" */
static void strict_means_identical(void **state)
{
	add(0, 10, 5, 2);
	add(0, 20, 5, 2);
	add(0, 5, 0, 2);
	assert_int_equal(send_flow(flow_to(OFPFC_MODIFY_STRICT, 0, 10, 5, 3)), 0);
	dp_publish(h.dp);
	assert_int_equal(to(5), 2);
	assert_int_equal(send_flow(flow_to(OFPFC_DELETE_STRICT, 0, 20, 5, 0)), 0);
	dp_publish(h.dp);
	assert_int_equal(to(5), 3);
	assert_int_equal(table_count(h.dp, 0), 2);
	/* Not there: no error. */
	assert_int_equal(send_flow(flow_to(OFPFC_DELETE_STRICT, 0, 20, 5, 0)), 0);
}

/* A refused instruction leaves all of the flows as they were. */
static void modify_is_whole_or_not_at_all(void **state)
{
	struct of_flow_mod *fm = flow_mod(OFPFC_MODIFY, OFPTT_ALL, 0);

	add(4, 10, 5, 2);
	add(4, 11, 6, 2);
	fm->table_id = 4;
	inst(fm, goto_table(2));
	assert_int_equal(send_flow(fm), refusal(OFPET_BAD_INSTRUCTION, OFPBIC_BAD_TABLE_ID));
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(list_flows(4)->f[i]->insts->goto_table, -1);
}

/* ---- 6.4: delete ---- */

/* Non-strict: "flow entries ... that match the description", with wildcards active: more specific
 * ones go, others stay. */
static void delete_takes_the_more_specific(void **state)
{
	struct of_flow_mod *fm = flow_mod(OFPFC_ADD, 0, 10);

	add(0, 10, 5, 2);
	add(0, 10, 6, 2);
	add(1, 10, 5, 2);
	of_match_set_u64(&fm->match, OF_FIELD_ETH_DST, 5);
	of_match_set_u64(&fm->match, OF_FIELD_IN_PORT, 1);
	assert_int_equal(send_flow(fm), 0);
	add(0, 10, 0, 3);
	dp_publish(h.dp);
	assert_int_equal(send_flow(flow_to(OFPFC_DELETE, 0, 0, 5, 0)), 0);
	dp_publish(h.dp);
	assert_int_equal(table_count(h.dp, 0), 2);
	assert_int_equal(table_count(h.dp, 1), 1);
	assert_int_equal(to(5), 3);
	/* "OFPTT_ALL: ... in all tables" */
	assert_int_equal(send_flow(flow_mod(OFPFC_DELETE, OFPTT_ALL, 0)), 0);
	dp_publish(h.dp);
	assert_int_equal(list_flows(OFPTT_ALL)->n, 0);
	assert_int_equal(to(5), 0);
}

/* "the modify and delete commands can also be filtered by cookie"; out_port, out_group: apply and
 * write actions, delete alone */
static void filters(void **state)
{
	struct of_flow_mod *fm;

	for (uint8_t i = 1; i <= 6; i++) {
		fm = flow_mod(OFPFC_ADD, 0, i);
		fm->cookie = i;
		inst(fm, i & 1 ? applied(output_to(i)) : written(output_to(i)));
		assert_int_equal(send_flow(fm), 0);
	}
	fm = flow_mod(OFPFC_DELETE, 0, 0);
	fm->cookie = 2;
	fm->cookie_mask = 6;
	assert_int_equal(send_flow(fm), 0); /* 2 and 3 */
	assert_int_equal(table_count(h.dp, 0), 4);
	fm->cookie_mask = 0;
	fm->out_port = 4; /* written */
	assert_int_equal(send_flow(fm), 0);
	fm->out_port = 5; /* applied */
	assert_int_equal(send_flow(fm), 0);
	fm->out_port = 9;
	assert_int_equal(send_flow(fm), 0);
	assert_int_equal(table_count(h.dp, 0), 2);
	/* "ignored by OFPFC_ADD, OFPFC_MODIFY or OFPFC_MODIFY_STRICT" */
	fm = flow_to(OFPFC_MODIFY, 0, 0, 0, 8);
	fm->out_port = 9;
	assert_int_equal(send_flow(fm), 0);
	dp_publish(h.dp);
	assert_int_equal(to(1), 8);
	fm = flow_mod(OFPFC_DELETE, 0, 0);
	fm->out_group = 1;
	assert_int_equal(send_flow(fm), 0);
	assert_int_equal(table_count(h.dp, 0), 2);
}

/* "If the flow entry being deleted has the flag OFPFF_SEND_FLOW_REM set": with its last counts */
static void removal_is_told(void **state)
{
	struct of_flow_mod *fm = flow_to(OFPFC_ADD, 0, 10, 5, 2);

	fm->flags = OFPFF_SEND_FLOW_REM;
	fm->cookie = 9;
	assert_int_equal(send_flow(fm), 0);
	add(0, 10, 6, 2);
	dp_publish(h.dp);
	to(5);
	to(5);
	assert_int_equal(send_flow(flow_mod(OFPFC_DELETE, 0, 0)), 0);
	assert_int_equal(h.n_removed, 0);
	dp_publish(h.dp);
	assert_int_equal(h.n_removed, 1);
	assert_int_equal(h.removed_cookie[0], 9);
	assert_int_equal(h.removed_reason[0], OFPRR_DELETE);
	assert_int_equal(h.removed_packets[0], 2);
}

/* ---- Listing ---- */

static void listing_is_in_order(void **state)
{
	const struct listing *l;

	for (unsigned int i = 0; i < 50; i++)
		add((uint8_t)(i * 7 % 3), (uint16_t)(i * 13 % 17), (uint8_t)(1 + i), 2);
	l = list_flows(OFPTT_ALL);
	assert_int_equal(l->n, 50);
	for (uint32_t i = 1; i < l->n; i++) {
		assert_true(l->f[i - 1]->table_id <= l->f[i]->table_id);
		if (l->f[i - 1]->table_id == l->f[i]->table_id)
			assert_true(l->f[i - 1]->rule.priority >= l->f[i]->rule.priority);
	}
}

static void match_reads_back(void **state)
{
	struct of_flow_mod *fm = flow_mod(OFPFC_ADD, 0, 10);
	struct of_match m;

	of_match_set_u64(&fm->match, OF_FIELD_ETH_TYPE, 0x0800);
	of_match_set_masked_u64(&fm->match, OF_FIELD_IPV4_DST, 0x0a000000, 0xff000000);
	of_match_set_masked_u64(&fm->match, OF_FIELD_METADATA, 0x10, 0xf0);
	assert_int_equal(send_flow(fm), 0);
	flow_match(list_flows(0)->f[0], &m);
	assert_true(of_match_equal(&m, &fm->match));
}

/* ---- 6.4: timeouts ---- */

static void timeouts(void **state)
{
	struct of_flow_mod *fm = flow_to(OFPFC_ADD, 0, 10, 5, 2);
	struct timespec t;
	double now;

	clock_gettime(CLOCK_MONOTONIC, &t);
	now = (double)t.tv_sec + (double)t.tv_nsec / 1e9;
	fm->flags = OFPFF_SEND_FLOW_REM;
	fm->hard_timeout = 20;
	fm->cookie = 20;
	assert_int_equal(send_flow(fm), 0);
	fm = flow_to(OFPFC_ADD, 0, 10, 6, 2);
	fm->flags = OFPFF_SEND_FLOW_REM;
	fm->idle_timeout = 5;
	fm->cookie = 5;
	assert_int_equal(send_flow(fm), 0);
	fm = flow_to(OFPFC_ADD, 0, 10, 7, 2);
	fm->flags = OFPFF_SEND_FLOW_REM;
	fm->idle_timeout = 8;
	fm->hard_timeout = 3000;
	fm->cookie = 8;
	assert_int_equal(send_flow(fm), 0);
	add(0, 10, 8, 2);
	dp_publish(h.dp);
	/* The second is used for twelve seconds, the third is not. */
	for (double s = 0; s < 12; s += 0.5) {
		to(6);
		table_expire(h.dp, now + s);
		if (s < 8)
			assert_int_equal(h.n_removed, 0);
	}
	assert_int_equal(h.n_removed, 1);
	assert_int_equal(h.removed_cookie[0], 8);
	assert_int_equal(h.removed_reason[0], OFPRR_IDLE_TIMEOUT);
	table_expire(h.dp, now + 16);
	assert_int_equal(h.n_removed, 1);
	table_expire(h.dp, now + 17.6);
	assert_int_equal(h.n_removed, 2);
	assert_int_equal(h.removed_cookie[1], 5);
	assert_int_equal(h.removed_packets[1], 24);
	assert_int_equal(to(6), 0);
	assert_int_equal(to(5), 2);
	table_expire(h.dp, now + 19.5);
	assert_int_equal(h.n_removed, 2);
	/* Late by more than the wheel's turn. */
	table_expire(h.dp, now + 5000);
	assert_int_equal(h.n_removed, 3);
	assert_int_equal(h.removed_reason[2], OFPRR_HARD_TIMEOUT);
	assert_int_equal(table_count(h.dp, 0), 1);
}

/* A modified flow keeps its timers (6.4). */
static void modify_keeps_timers(void **state)
{
	struct of_flow_mod *fm = flow_to(OFPFC_ADD, 0, 10, 5, 2);
	double created;

	fm->hard_timeout = 10;
	assert_int_equal(send_flow(fm), 0);
	dp_publish(h.dp);
	assert_int_equal(send_flow(flow_to(OFPFC_MODIFY, 0, 0, 0, 3)), 0);
	dp_publish(h.dp);
	created = list_flows(0)->f[0]->created;
	table_expire(h.dp, created + 9.9);
	assert_int_equal(table_count(h.dp, 0), 1);
	table_expire(h.dp, created + 10.6);
	assert_int_equal(table_count(h.dp, 0), 0);
}

static int setup(void **state)
{
	return harness_setup(&(struct dp_opts){ .name = "table", .dpid = 1, .max_flows = 3000 });
}

#define TEST(f) cmocka_unit_test_setup(f, each_setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(highest_priority_wins),
		TEST(a_miss_is_dropped_and_named),
		TEST(goto_leads_on_and_counts),
		TEST(unpublished_is_unseen),
		TEST(add_replaces_the_identical),
		TEST(check_overlap),
		TEST(refusals_say_what_was_wrong),
		TEST(a_full_table_refuses),
		TEST(modify_changes_instructions_alone),
		TEST(modify_never_adds),
		TEST(strict_means_identical),
		TEST(modify_is_whole_or_not_at_all),
		TEST(delete_takes_the_more_specific),
		TEST(filters),
		TEST(removal_is_told),
		TEST(listing_is_in_order),
		TEST(match_reads_back),
		TEST(modify_keeps_timers),
		TEST(timeouts), /* goes far ahead in time */
	};

	return cmocka_run_group_tests(tests, setup, harness_teardown);
}

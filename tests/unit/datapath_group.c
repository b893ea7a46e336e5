/* SPDX-License-Identifier: Apache-2.0 */
/* Spec: 5.6 Group table */
/* Spec: 5.6.1 Group types */
/* Spec: 6.5 Group table modification */
/* Spec: 7.3.5.9 Group statistics: of buckets */
/*
 * Groups by OpenFlow 1.3.5 sections 5.6.1, 6.5 and 7.3.4.2: what buckets do to packets, what is
 * refused, and what goes with a group.
 *
 *	packet -> flow -> group -> bucket -> port
 */
#include "ofproto/selection.h"
#include "tests/unit/datapath_harness.h"

enum { PORTS = 4 };

static struct port ports[PORTS + 1];

static struct of_group_mod *group(uint16_t command, uint8_t type, uint32_t id)
{
	struct of_group_mod *gm = OF_NEW(&h.a, group_mod);

	gm->command = command;
	gm->type = type;
	gm->group_id = id;
	return gm;
}

static struct of_bucket *bucket(struct of_group_mod *gm, struct of_any *action)
{
	struct of_bucket *k = OF_NEW(&h.a, bucket);

	k->watch_port = OFPP_ANY;
	k->watch_group = OFPG_ANY;
	if (action)
		assert_int_equal(of_list_add(&k->actions, &h.a, action), 0);
	assert_int_equal(of_list_add(&gm->buckets, &h.a, (struct of_any *)k), 0);
	return k;
}

static uint32_t send_group(const struct of_group_mod *gm)
{
	int err = group_mod(h.dp, gm, &h.e);

	if (!err)
		return 0;
	assert_int_equal(err, -EPROTO);
	assert_true(h.e.text[0]);
	return refusal(h.e.type, h.e.code);
}

static uint32_t group_refusal(uint16_t code)
{
	return refusal(OFPET_GROUP_MOD_FAILED, code);
}

static struct of_any *set_dst(uint8_t last)
{
	struct of_action_set_field *s = OF_NEW(&h.a, action_set_field);

	s->field.field = &of_fields[OF_FIELD_ETH_DST];
	s->field.value[5] = last;
	memset(s->field.mask, 0xff, sizeof(s->field.mask));
	return (struct of_any *)s;
}

/* Everything goes to group 'id', then, in the same action list, out of port 9. */
static void flow_to_group(uint32_t id)
{
	struct of_flow_mod *fm = flow_mod(OFPFC_ADD, 0, 1);
	struct of_inst_apply_actions *i = OF_NEW(&h.a, inst_apply_actions);

	of_list_add(&i->actions, &h.a, to_group(id));
	of_list_add(&i->actions, &h.a, output_to(9));
	inst(fm, (struct of_any *)i);
	assert_int_equal(send_flow(fm), 0);
}

static void send_to(uint16_t dport)
{
	send_packets(&(struct packet){ .in_port = 1, .dst = 5, .dport = dport }, 1);
}

static struct of_group_stats *stats(uint32_t id)
{
	return group_stats(h.dp, group_find(h.dp, id), &h.a);
}

static struct of_bucket_counter *bucket_stats(uint32_t id, uint32_t i)
{
	return OF_AT(&stats(id)->bucket_stats, i, bucket_counter);
}

static int each_setup(void **state)
{
	role_assume_control();
	role_assume_pmd();
	wipe();
	return 0;
}

/* ---- 5.6.1 ---- */

/* "all: Execute all buckets in the group ... The packet is effectively cloned for each bucket" */
static void all_runs_each_on_its_own_copy(void **state)
{
	struct of_group_mod *gm = group(OFPGC_ADD, OFPGT_ALL, 1);
	struct of_bucket *k;
	struct of_flow_mod *fm;

	k = bucket(gm, set_dst(77));
	of_list_add(&k->actions, &h.a, to_group(2));
	bucket(gm, output_to(3));
	assert_int_equal(send_group(gm), refusal(OFPET_BAD_ACTION, OFPBAC_BAD_OUT_GROUP));
	assert_int_equal(send_group(group(OFPGC_ADD, OFPGT_ALL, 2)), 0);
	assert_int_equal(send_group(gm), 0);
	flow_to_group(1);
	dp_publish(h.dp);
	send_to(1);
	assert_int_equal(h.n_out, 2);
	assert_int_equal(h.out[0], 3);
	assert_int_equal(h.out[1], 9);
	/* The change of bucket 1 is not seen by whoever comes after the group. */
	fm = flow_mod(OFPFC_ADD, 1, 1);
	of_match_set_u64(&fm->match, OF_FIELD_ETH_DST, 5);
	inst(fm, applied(output_to(4)));
	assert_int_equal(send_flow(fm), 0);
	fm = flow_mod(OFPFC_ADD, 0, 1);
	inst(fm, applied(to_group(1)));
	inst(fm, goto_table(1));
	assert_int_equal(send_flow(fm), 0);
	dp_publish(h.dp);
	send_to(1);
	assert_int_equal(h.n_out, 2);
	assert_int_equal(h.out[0], 3);
	assert_int_equal(h.out[1], 4);
}

static void indirect_runs_its_bucket(void **state)
{
	struct of_group_mod *gm = group(OFPGC_ADD, OFPGT_INDIRECT, 1);

	bucket(gm, output_to(3));
	assert_int_equal(send_group(gm), 0);
	flow_to_group(1);
	dp_publish(h.dp);
	send_to(1);
	assert_int_equal(h.n_out, 2);
	assert_int_equal(h.out[0], 3);
}

/* "If no output action ... dropped": a group without buckets drops by name. */
static void no_bucket_is_a_drop(void **state)
{
	struct of_flow_mod *fm = flow_mod(OFPFC_ADD, 0, 1);
	uint64_t before = h.w->ports[PORT_MAX].drops[DROP_GROUP_NO_BUCKET];

	assert_int_equal(send_group(group(OFPGC_ADD, OFPGT_ALL, 1)), 0);
	inst(fm, applied(to_group(1)));
	assert_int_equal(send_flow(fm), 0);
	dp_publish(h.dp);
	/* A port that this table does not know: drops are counted for none. */
	send_packets(&(struct packet){ .in_port = 50, .dst = 5 }, 1);
	assert_int_equal(h.n_out, 0);
	assert_int_equal(h.w->ports[PORT_MAX].drops[DROP_GROUP_NO_BUCKET], before + 1);
}

/* "select: ... based on a switch-computed selection algorithm": one bucket a connection, by weight
 */
static void select_by_weight(void **state)
{
	struct of_group_mod *gm = group(OFPGC_ADD, OFPGT_SELECT, 1);
	uint32_t got[4] = { 0 }, first;

	bucket(gm, output_to(2))->weight = 100;
	bucket(gm, output_to(3))->weight = 300;
	bucket(gm, output_to(4))->weight = 0;
	assert_int_equal(send_group(gm), 0);
	flow_to_group(1);
	dp_publish(h.dp);
	for (uint16_t i = 0; i < 4000; i++) {
		send_to(i);
		assert_int_equal(h.n_out, 2);
		assert_in_range(h.out[0], 2, 3);
		got[h.out[0] - 2]++;
		first = h.out[0];
		send_to(i);
		assert_int_equal(h.out[0], first);
	}
	assert_in_range(got[0], 800, 1200);
	assert_int_equal(got[0] + got[1], 4000);
	assert_int_equal(bucket_stats(1, 0)->packet_count, 2 * got[0]);
	assert_int_equal(stats(1)->packet_count, 8000);
}

static void set_link(uint32_t no, bool up)
{
	atomic_store(&ports[no].state, up ? OFPPS_LIVE : OFPPS_LINK_DOWN);
	group_port_changed(h.dp, no);
}

/* "fast failover: Execute the first live bucket"; a group lives by its buckets */
static void fast_failover(void **state)
{
	struct of_group_mod *gm = group(OFPGC_ADD, OFPGT_FF, 1);
	struct of_group_mod *up = group(OFPGC_ADD, OFPGT_FF, 2);

	bucket(gm, output_to(2))->watch_port = 2;
	bucket(gm, output_to(3))->watch_port = 3;
	assert_int_equal(send_group(gm), 0);
	bucket(up, output_to(6))->watch_group = 1;
	bucket(up, output_to(4))->watch_port = 4;
	assert_int_equal(send_group(up), 0);
	flow_to_group(2);
	dp_publish(h.dp);
	send_to(1);
	assert_int_equal(h.out[0], 6);
	set_link(2, false);
	set_link(3, false);
	send_to(1);
	assert_int_equal(h.out[0], 4);
	set_link(4, false);
	send_to(1);
	assert_int_equal(h.n_out, 1); /* only what follows the group */
	set_link(3, true);
	send_to(1);
	assert_int_equal(h.out[0], 6);
	atomic_store(&ports[3].config, OFPPC_PORT_DOWN);
	group_port_changed(h.dp, 3);
	set_link(4, true);
	send_to(1);
	assert_int_equal(h.out[0], 4);
	atomic_store(&ports[3].config, 0);
	set_link(2, true);
	/* The watched group goes: its bucket is not live any more. */
	assert_int_equal(send_group(group(OFPGC_DELETE, 0, 1)), 0);
	dp_publish(h.dp);
	send_to(1);
	assert_int_equal(h.out[0], 4);
}

/* ---- 6.5: add, modify, delete ---- */

static void refusals(void **state)
{
	struct of_group_mod *gm = group(OFPGC_ADD, OFPGT_ALL, OFPG_MAX + 1);

	assert_int_equal(send_group(gm), group_refusal(OFPGMFC_INVALID_GROUP));
	assert_int_equal(send_group(group(OFPGC_ADD, 4, 1)), group_refusal(OFPGMFC_BAD_TYPE));
	assert_int_equal(send_group(group(3, OFPGT_ALL, 1)), group_refusal(OFPGMFC_BAD_COMMAND));
	assert_int_equal(send_group(group(OFPGC_ADD, OFPGT_INDIRECT, 1)),
			 group_refusal(OFPGMFC_INVALID_GROUP));
	assert_int_equal(send_group(group(OFPGC_MODIFY, OFPGT_ALL, 1)),
			 group_refusal(OFPGMFC_UNKNOWN_GROUP));
	gm = group(OFPGC_ADD, OFPGT_ALL, 1);
	bucket(gm, output_to(2))->weight = 1;
	assert_int_equal(send_group(gm), group_refusal(OFPGMFC_WEIGHT_UNSUPPORTED));
	gm = group(OFPGC_ADD, OFPGT_ALL, 1);
	bucket(gm, output_to(2))->watch_port = 2;
	assert_int_equal(send_group(gm), group_refusal(OFPGMFC_WATCH_UNSUPPORTED));
	gm = group(OFPGC_ADD, OFPGT_FF, 1);
	bucket(gm, output_to(2));
	assert_int_equal(send_group(gm), group_refusal(OFPGMFC_BAD_WATCH));
	gm = group(OFPGC_ADD, OFPGT_FF, 1);
	bucket(gm, output_to(2))->watch_port = OFPP_CONTROLLER;
	assert_int_equal(send_group(gm), group_refusal(OFPGMFC_BAD_WATCH));
	gm = group(OFPGC_ADD, OFPGT_FF, 1);
	bucket(gm, output_to(2))->watch_group = 5;
	assert_int_equal(send_group(gm), group_refusal(OFPGMFC_BAD_WATCH));
	gm = group(OFPGC_ADD, OFPGT_ALL, 1);
	for (unsigned int i = 0; i < 1025; i++)
		bucket(gm, NULL);
	assert_int_equal(send_group(gm), group_refusal(OFPGMFC_OUT_OF_BUCKETS));
	assert_null(group_find(h.dp, 1));
	assert_int_equal(send_group(group(OFPGC_ADD, OFPGT_ALL, 1)), 0);
	assert_int_equal(send_group(group(OFPGC_ADD, OFPGT_ALL, 1)),
			 group_refusal(OFPGMFC_GROUP_EXISTS));
	/* "If a specified group does not exist ... no error" */
	assert_int_equal(send_group(group(OFPGC_DELETE, 0, 99)), 0);
}

static void loops_are_refused(void **state)
{
	struct of_group_mod *gm = group(OFPGC_ADD, OFPGT_ALL, 1);

	bucket(gm, to_group(1));
	assert_int_equal(send_group(gm), group_refusal(OFPGMFC_LOOP));
	assert_int_equal(send_group(group(OFPGC_ADD, OFPGT_ALL, 1)), 0);
	for (uint32_t id = 2; id <= 4; id++) {
		gm = group(OFPGC_ADD, OFPGT_ALL, id);
		bucket(gm, to_group(id - 1));
		bucket(gm, to_group(1));
		assert_int_equal(send_group(gm), 0);
	}
	gm = group(OFPGC_MODIFY, OFPGT_ALL, 1);
	bucket(gm, output_to(2));
	bucket(gm, to_group(4));
	assert_int_equal(send_group(gm), group_refusal(OFPGMFC_LOOP));
	/* Deeper than packets may go. */
	for (uint32_t id = 5; id <= 8; id++) {
		gm = group(OFPGC_ADD, OFPGT_ALL, id);
		bucket(gm, to_group(id - 1));
		assert_int_equal(send_group(gm), 0);
	}
	gm = group(OFPGC_ADD, OFPGT_ALL, 9);
	bucket(gm, to_group(8));
	assert_int_equal(send_group(gm), group_refusal(OFPGMFC_CHAINING_UNSUPPORTED));
	/* As deep as that they do. */
	gm = group(OFPGC_MODIFY, OFPGT_ALL, 1);
	bucket(gm, output_to(3));
	assert_int_equal(send_group(gm), 0);
	flow_to_group(8);
	dp_publish(h.dp);
	send_to(1);
	assert_int_equal(h.n_out, 5); /* group 2 goes to 1 twice, 3 and 4 once more; then 9 */
}

/* "modify: ... replaced"; who refers to it keeps it, and sees it from the publication on */
static void modify_keeps_references(void **state)
{
	struct of_group_mod *gm = group(OFPGC_ADD, OFPGT_INDIRECT, 1);

	bucket(gm, output_to(3));
	assert_int_equal(send_group(gm), 0);
	flow_to_group(1);
	dp_publish(h.dp);
	for (uint32_t i = 0; i < 3; i++) {
		gm = group(OFPGC_MODIFY, OFPGT_ALL, 1);
		bucket(gm, output_to(4 + i));
		assert_int_equal(send_group(gm), 0);
	}
	send_to(1);
	assert_int_equal(h.out[0], 3);
	dp_publish(h.dp);
	send_to(1);
	assert_int_equal(h.out[0], 6);
	assert_int_equal(stats(1)->ref_count, 1);
	assert_int_equal(stats(1)->packet_count, 2);
	assert_int_equal(group_desc(group_find(h.dp, 1), &h.a)->type, OFPGT_ALL);
}

/* "all flow entries that use the group are removed", with OFPRR_GROUP_DELETE; a group that another
 * forwards to stays: OFPGMFC_CHAINED_GROUP */
static void delete_takes_its_flows(void **state)
{
	struct of_group_mod *gm = group(OFPGC_ADD, OFPGT_ALL, 1);
	struct of_flow_mod *fm = flow_mod(OFPFC_ADD, 3, 1);

	bucket(gm, output_to(3));
	assert_int_equal(send_group(gm), 0);
	gm = group(OFPGC_ADD, OFPGT_ALL, 2);
	bucket(gm, to_group(1));
	assert_int_equal(send_group(gm), 0);
	fm->flags = OFPFF_SEND_FLOW_REM;
	inst(fm, written(to_group(1)));
	assert_int_equal(send_flow(fm), 0);
	flow_to_group(2);
	dp_publish(h.dp);
	assert_int_equal(stats(1)->ref_count, 2);
	assert_int_equal(send_group(group(OFPGC_DELETE, 0, 1)),
			 group_refusal(OFPGMFC_CHAINED_GROUP));
	assert_int_equal(send_group(group(OFPGC_DELETE, 0, 2)), 0);
	assert_int_equal(send_group(group(OFPGC_DELETE, 0, 1)), 0);
	send_to(1);
	assert_int_equal(h.n_out, 2); /* not published yet */
	dp_publish(h.dp);
	send_to(1);
	assert_int_equal(h.n_out, 0);
	assert_int_equal(table_count(h.dp, 0) + table_count(h.dp, 3), 0);
	assert_int_equal(h.n_removed, 1);
	assert_int_equal(h.removed_reason[0], OFPRR_GROUP_DELETE);
	assert_null(group_find(h.dp, 1));
}

/* 7.3.4.2: liveness that would hang on itself; and chains that are made too long in the middle. */
static void circles_and_long_chains_are_refused(void **state)
{
	struct of_group_mod *gm = group(OFPGC_ADD, OFPGT_FF, 1);

	bucket(gm, output_to(2))->watch_port = 2;
	assert_int_equal(send_group(gm), 0);
	gm = group(OFPGC_ADD, OFPGT_FF, 2);
	bucket(gm, output_to(2))->watch_group = 1;
	assert_int_equal(send_group(gm), 0);
	gm = group(OFPGC_ADD, OFPGT_FF, 3);
	bucket(gm, output_to(2))->watch_group = 2;
	assert_int_equal(send_group(gm), 0);
	gm = group(OFPGC_MODIFY, OFPGT_FF, 1);
	bucket(gm, output_to(2))->watch_port = 2;
	bucket(gm, output_to(3))->watch_group = 3;
	assert_int_equal(send_group(gm), group_refusal(OFPGMFC_LOOP));
	/* A watched group that went may not come back to watch its watcher. */
	assert_int_equal(send_group(group(OFPGC_DELETE, 0, 1)), 0);
	gm = group(OFPGC_ADD, OFPGT_FF, 1);
	bucket(gm, output_to(3))->watch_group = 3;
	assert_int_equal(send_group(gm), group_refusal(OFPGMFC_LOOP));
	/* 18 forwards to 17, ..., 13 to 12: seven in a row.  Two more below are one too many. */
	for (uint32_t id = 10; id <= 12; id++)
		assert_int_equal(send_group(group(OFPGC_ADD, OFPGT_ALL, id)), 0);
	for (uint32_t id = 13; id <= 18; id++) {
		gm = group(OFPGC_ADD, OFPGT_ALL, id);
		bucket(gm, to_group(id - 1));
		assert_int_equal(send_group(gm), 0);
	}
	gm = group(OFPGC_MODIFY, OFPGT_ALL, 12);
	bucket(gm, to_group(11));
	assert_int_equal(send_group(gm), 0);
	gm = group(OFPGC_MODIFY, OFPGT_ALL, 11);
	bucket(gm, to_group(10));
	assert_int_equal(send_group(gm), group_refusal(OFPGMFC_CHAINING_UNSUPPORTED));
}

/* Eight groups, one after the other, of forty buckets each, would be 40^8 packets of one. */
static void buckets_of_one_packet_are_bounded(void **state)
{
	struct of_flow_mod *fm = flow_mod(OFPFC_ADD, 0, 1);
	const uint64_t before = h.w->ports[PORT_MAX].drops[DROP_GROUP_BUCKETS];

	for (uint32_t id = 1; id <= 8; id++) {
		struct of_group_mod *gm = group(OFPGC_ADD, OFPGT_ALL, id);

		for (unsigned int i = 0; i < 40; i++)
			bucket(gm, id > 1 ? to_group(id - 1) : set_dst(7));
		assert_int_equal(send_group(gm), 0);
	}
	inst(fm, applied(to_group(8)));
	assert_int_equal(send_flow(fm), 0);
	dp_publish(h.dp);
	/* Each packet has all of them to itself. */
	for (uint64_t i = 1; i <= 2; i++) {
		send_packets(&(struct packet){ .in_port = 50, .dst = 5 }, 1);
		assert_int_equal(h.n_out, 0);
		assert_int_equal(h.w->ports[PORT_MAX].drops[DROP_GROUP_BUCKETS], before + i);
		assert_int_equal(group_stats(h.dp, group_find(h.dp, 8), &h.a)->packet_count, i);
	}
	assert_int_equal(bucket_stats(8, 0)->packet_count, 2);
	assert_int_equal(bucket_stats(8, 1)->packet_count, 0);
}

/* 5.6.1: a bucket that is not live gives its flows to those that are, which keep theirs. */
static void dead_buckets_leave_the_others_alone(void **state)
{
	struct of_group_mod *gm = group(OFPGC_ADD, OFPGT_SELECT, 1);
	uint32_t was[1000], got[3] = { 0 };

	for (uint32_t i = 2; i <= 4; i++) {
		struct of_bucket *k = bucket(gm, output_to(i));

		k->weight = 1;
		k->watch_port = i;
	}
	assert_int_equal(send_group(gm), 0);
	flow_to_group(1);
	dp_publish(h.dp);
	for (uint16_t i = 0; i < 1000; i++) {
		send_to(i);
		was[i] = h.out[0];
	}
	set_link(3, false);
	for (uint16_t i = 0; i < 1000; i++) {
		send_to(i);
		assert_int_not_equal(h.out[0], 3);
		if (was[i] != 3)
			assert_int_equal(h.out[0], was[i]);
		else
			got[h.out[0] - 2]++;
	}
	assert_true(got[0] > 100 && got[2] > 100);
	set_link(3, true);
	for (uint16_t i = 0; i < 1000; i++) {
		send_to(i);
		assert_int_equal(h.out[0], was[i]);
	}
	set_link(2, false);
	set_link(3, false);
	set_link(4, false);
	send_to(1);
	assert_int_equal(h.n_out, 1); /* what follows the group */
	for (uint32_t i = 2; i <= 4; i++)
		set_link(i, true);
}

/* ---- 1.5's layout ---- */

static struct of_weft_group_mod *ext(uint16_t command, uint32_t place)
{
	struct of_weft_group_mod *x = OF_NEW(&h.a, weft_group_mod);

	x->command = command;
	x->type = OFPGT_SELECT;
	x->group_id = 1;
	x->command_bucket_id = place;
	return x;
}

static void ext_bucket(struct of_weft_group_mod *x, uint32_t id, uint32_t port)
{
	struct of_ext_bucket *k = OF_NEW(&h.a, ext_bucket);

	k->bucket_id = id;
	assert_int_equal(of_list_add(&k->actions, &h.a, output_to(port)), 0);
	assert_int_equal(of_list_add(&x->buckets, &h.a, (struct of_any *)k), 0);
}

static uint32_t send_ext(const struct of_weft_group_mod *x)
{
	return group_mod_ext(h.dp, x, &h.e) ? refusal(h.e.type, h.e.code) : 0;
}

/* The buckets' ids, as digits. */
static uint32_t ids(void)
{
	const struct of_ext_group_desc *d = group_ext_desc(group_find(h.dp, 1), &h.a);
	uint32_t n = 0;

	for (uint32_t i = 0; i < d->buckets.n; i++)
		n = n * 10 + OF_AT(&d->buckets, i, ext_bucket)->bucket_id;
	return n;
}

static void buckets_come_and_go(void **state)
{
	struct of_weft_group_mod *x = ext(OFPGC_INSERT_BUCKET, OFPG_BUCKET_LAST);

	ext_bucket(x, 1, 2);
	assert_int_equal(send_ext(x), group_refusal(OFPGMFC_UNKNOWN_GROUP));
	x = ext(OFPGC_ADD, OFPG_BUCKET_ALL);
	ext_bucket(x, 5, 2);
	ext_bucket(x, 5, 3);
	assert_int_equal(send_ext(x), group_refusal(OFPGMFC_BUCKET_EXISTS));
	x = ext(OFPGC_ADD, OFPG_BUCKET_ALL);
	ext_bucket(x, 5, 2);
	assert_int_equal(send_ext(x), 0);
	flow_to_group(1);
	dp_publish(h.dp);
	send_to(1);
	x = ext(OFPGC_INSERT_BUCKET, OFPG_BUCKET_FIRST);
	ext_bucket(x, 3, 3);
	ext_bucket(x, 4, 3);
	assert_int_equal(send_ext(x), 0);
	assert_int_equal(ids(), 345);
	assert_int_equal(send_ext(x), group_refusal(OFPGMFC_BUCKET_EXISTS));
	x = ext(OFPGC_INSERT_BUCKET, 3);
	ext_bucket(x, OFPG_BUCKET_ALL, 4); /* whichever id is free */
	ext_bucket(x, 9, 4);
	assert_int_equal(send_ext(x), 0);
	assert_int_equal(ids(), 30945);
	/* A bucket that stays goes on counting. */
	assert_int_equal(bucket_stats(1, 4)->packet_count, 1);
	assert_int_equal(send_ext(ext(OFPGC_INSERT_BUCKET, 77)),
			 group_refusal(OFPGMFC_UNKNOWN_BUCKET));
	assert_int_equal(send_ext(ext(OFPGC_REMOVE_BUCKET, 77)),
			 group_refusal(OFPGMFC_UNKNOWN_BUCKET));
	assert_int_equal(send_ext(ext(OFPGC_REMOVE_BUCKET, 9)), 0);
	assert_int_equal(send_ext(ext(OFPGC_REMOVE_BUCKET, OFPG_BUCKET_LAST)), 0);
	assert_int_equal(send_ext(ext(OFPGC_REMOVE_BUCKET, OFPG_BUCKET_FIRST)), 0);
	assert_int_equal(ids(), 4); /* 0 and 4 */
	x = ext(OFPGC_REMOVE_BUCKET, 4);
	ext_bucket(x, 1, 2);
	assert_int_equal(send_ext(x), group_refusal(OFPGMFC_BAD_BUCKET));
	assert_int_equal(send_ext(ext(OFPGC_REMOVE_BUCKET, OFPG_BUCKET_ALL)), 0);
	assert_int_equal(stats(1)->bucket_stats.n, 0);
	assert_int_equal(stats(1)->packet_count, 1);
}

/* What of the extension is not understood, or does not fit. */
static void selection_methods(void **state)
{
	const uint32_t bad_value =
		refusal(OFPET_TABLE_FEATURES_FAILED, OFPTFFC_BAD_ARGUMENT); /* OFPBPC_BAD_VALUE */
	static const struct of_selection good = { .method = "dp_hash", .param = 5 };
	static const struct of_selection bad[] = {
		{ .method = "rnd" },
		{ .method = "dp_hash", .param = UINT64_C(2) << 32 },
		{ .method = "", .param = 1 },
	};
	struct of_weft_group_mod *x;

	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		x = ext(OFPGC_ADD, OFPG_BUCKET_ALL);
		assert_int_equal(of_selection_put(&bad[i], &x->properties, &h.a), 0);
		assert_int_equal(send_ext(x), bad_value);
	}
	x = ext(OFPGC_ADD, OFPG_BUCKET_ALL);
	assert_int_equal(of_selection_put(&good, &x->properties, &h.a), 0);
	x->type = OFPGT_ALL;
	assert_int_equal(send_ext(x), bad_value);
	x->type = OFPGT_SELECT;
	assert_int_equal(of_selection_put(&good, &x->properties, &h.a), 0);
	assert_int_equal(send_ext(x),
			 refusal(OFPET_TABLE_FEATURES_FAILED, OFPTFFC_BAD_TYPE)); /* twice */
	x->properties.n = 1;
	assert_null(group_find(h.dp, 1));
	assert_int_equal(send_ext(x), 0);
	assert_int_equal(group_ext_desc(group_find(h.dp, 1), &h.a)->properties.n, 1);
	/* 1.3's modify replaces all there is. */
	assert_int_equal(send_group(group(OFPGC_MODIFY, OFPGT_SELECT, 1)), 0);
	assert_int_equal(group_ext_desc(group_find(h.dp, 1), &h.a)->properties.n, 0);
}

static int setup(void **state)
{
	if (harness_setup(&(struct dp_opts){ .name = "group", .dpid = 2 }))
		return -1;
	for (uint32_t i = 1; i <= PORTS; i++) {
		ports[i].no = i;
		ports[i].slot = (uint16_t)i;
		ports[i].state = OFPPS_LIVE;
		atomic_store(&h.dp->ports[i], &ports[i]);
		atomic_store(&h.dp->port_slots[i], &ports[i]);
	}
	return 0;
}

static int teardown(void **state)
{
	for (uint32_t i = 1; i <= PORTS; i++) {
		atomic_store(&h.dp->ports[i], NULL);
		atomic_store(&h.dp->port_slots[i], NULL);
	}
	return harness_teardown(state);
}

#define TEST(f) cmocka_unit_test_setup(f, each_setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_runs_each_on_its_own_copy),
		TEST(indirect_runs_its_bucket),
		TEST(no_bucket_is_a_drop),
		TEST(select_by_weight),
		TEST(fast_failover),
		TEST(refusals),
		TEST(loops_are_refused),
		TEST(modify_keeps_references),
		TEST(delete_takes_its_flows),
		TEST(circles_and_long_chains_are_refused),
		TEST(buckets_of_one_packet_are_bounded),
		TEST(dead_buckets_leave_the_others_alone),
		TEST(buckets_come_and_go),
		TEST(selection_methods),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger: what is sent, what becomes of it, and what a switch has that it should not; and flow
 * sets that go beyond the pipeline.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "controller/flowset.h"
#include "controller/ledger.h"

static size_t take(struct ledger *l, bool adds_only, struct change ***v)
{
	size_t n;

	*v = ledger_take(l, 1000, adds_only, &n);
	return n;
}

static void ledger_follows_answers(void **state)
{
	struct unit_key k = { .app = APP_L2, .kind = COOKIE_SWITCH, .index = 0 };
	struct flowset fs;
	struct ledger l;
	struct change **v;
	struct draft *d;
	uint8_t buf[OF_MSG_MAX];

	ledger_init(&l);
	flowset_init(&fs);
	flowset_reset(&fs, APP_L2, COOKIE_SWITCH, 0);
	d = FLOW(&fs, bridge, 7);
	draft_output(d, 3);
	assert_int_equal(draft_end(d), 0);
	assert_false(ledger_want(&l, &k, &fs, true));

	/* Sent; lost; sent again; done. */
	assert_int_equal(take(&l, true, &v), 1);
	assert_int_equal(change_message(v[0], 5, buf), fs.first->n);
	assert_int_equal(get_be32(buf + 4), 5);
	assert_int_equal(buf[25], OFPFC_ADD);
	assert_int_equal(l.n_dirty, 0);
	ledger_lost(&l, v[0]);
	free(v);
	assert_int_equal(take(&l, true, &v), 1);
	ledger_done(&l, v[0]);
	free(v);
	assert_int_equal(take(&l, false, &v), 0);

	/* Other actions: a modify, which keeps counters; not while only additions may go. */
	flowset_reset(&fs, APP_L2, COOKIE_SWITCH, 0);
	d = FLOW(&fs, bridge, 7);
	draft_output(d, 4);
	assert_int_equal(draft_end(d), 0);
	assert_false(ledger_want(&l, &k, &fs, true));
	assert_int_equal(take(&l, true, &v), 0);
	assert_int_equal(take(&l, false, &v), 1);
	change_message(v[0], 6, buf);
	assert_int_equal(buf[25], OFPFC_MODIFY_STRICT);
	/* Refused: not tried again until it is wanted otherwise. */
	ledger_refused(&l, v[0]);
	free(v);
	assert_int_equal(take(&l, false, &v), 0);

	/* Not wanted any more: deleted, and forgotten once that is acknowledged. */
	assert_false(ledger_want(&l, &k, NULL, true));
	assert_int_equal(take(&l, false, &v), 1);
	assert_true(change_message(v[0], 7, buf) < 64);
	assert_int_equal(buf[25], OFPFC_DELETE_STRICT);
	ledger_done(&l, v[0]);
	free(v);
	assert_int_equal(l.entries.n, 0);
	flowset_fini(&fs);
	ledger_fini(&l);
}

static void reading_finds_drift(void **state)
{
	struct unit_key k = { .app = APP_L2, .kind = COOKIE_SWITCH, .index = 0 };
	struct flowset fs;
	struct ledger l;
	struct change **v;
	struct draft *d;
	uint8_t wire[OF_MSG_MAX];
	uint16_t n;

	ledger_init(&l);
	flowset_init(&fs);
	flowset_reset(&fs, APP_L2, COOKIE_SWITCH, 0);
	d = FLOW(&fs, bridge, 7);
	draft_output(d, 3);
	assert_int_equal(draft_end(d), 0);
	n = fs.first->n;
	memcpy(wire, fs.first->wire, n);
	assert_false(ledger_want(&l, &k, &fs, true));

	/* The switch has it already: nothing to send. */
	ledger_read_begin(&l, false);
	ledger_read(&l, wire, n);
	ledger_read_end(&l);
	assert_int_equal(l.n_dirty, 0);
	assert_int_equal(l.drift, 0);

	/* Somebody has deleted it: found by the next reading, sent again. */
	ledger_read_begin(&l, true);
	ledger_read_end(&l);
	assert_int_equal(l.drift, 1);
	assert_int_equal(take(&l, false, &v), 1);
	ledger_done(&l, v[0]);
	free(v);

	/* A flow of ours that nobody wants: deleted. */
	put_be16(wire + 30, 8);
	ledger_read_begin(&l, true);
	ledger_read(&l, wire, n);
	ledger_read(&l, fs.first->wire, n);
	ledger_read_end(&l);
	assert_int_equal(take(&l, false, &v), 1);
	change_message(v[0], 1, wire);
	assert_int_equal(wire[25], OFPFC_DELETE_STRICT);
	ledger_done(&l, v[0]);
	free(v);
	flowset_fini(&fs);
	ledger_fini(&l);
}

/* pipeline.def is law: a flow outside its app's rights leaves nothing. */
static void pipeline_is_enforced(void **state)
{
	struct flowset fs;
	struct draft *d;

	flowset_init(&fs);
	flowset_reset(&fs, APP_L2, COOKIE_SWITCH, 0);
	assert_int_not_equal(draft_end(FLOW(&fs, guard, 1)), 0); /* another app's stage */
	d = FLOW(&fs, learn, 1);
	draft_match(d, OF_FIELD_TUN_ID, 1); /* not a field of that stage */
	assert_int_not_equal(draft_end(d), 0);
	d = FLOW(&fs, bridge, 1);
	draft_set(d, OF_FIELD_ETH_SRC, 1); /* may not be changed there */
	assert_int_not_equal(draft_end(d), 0);
	d = FLOW(&fs, bridge, 1);
	draft_goto(d, STAGE_learn); /* backwards */
	assert_int_not_equal(draft_end(d), 0);
	assert_int_equal(fs.refused, 4);
	assert_int_equal(fs.n, 0);
	flowset_fini(&fs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ledger_follows_answers),
		cmocka_unit_test(reading_finds_drift),
		cmocka_unit_test(pipeline_is_enforced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

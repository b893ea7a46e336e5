/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stations of a switch without tenants (app l2): bounded by port and by switch, each a unit of
 * derivation, and what is sent for one of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "apps/apps.h"
#include "controller/derive.h"
#include "controller/world.h"
#include "tests/unit/controller_ledger.h"

struct lab {
	struct world *w;
	struct world_listener listener;
	struct sw *sw;
	struct ledger ledger;
	struct derive derive;
	int units; /* derived since last looked */
};

static void changed(struct world *w, const struct world_obj *o, uint32_t what, void *arg)
{
	derive_changed(&((struct lab *)arg)->derive, o, what);
}

static void told(struct world *w, void *arg)
{
	struct lab *l = arg;
	int n = derive_run(&l->derive);

	assert_true(n >= 0);
	l->units += n;
}

static void port(struct lab *l, uint32_t ofport, bool up, bool tunnel)
{
	char name[16];
	struct sw_port_info i = {
		.ofport = ofport, .name = name, .admin_up = true, .link_up = up, .tunnel = tunnel
	};

	snprintf(name, sizeof(name), "p%u", ofport);
	world_switch_port_set(l->w, l->sw, &i);
}

static int setup(void **state)
{
	static struct lab l;

	memset(&l, 0, sizeof(l));
	l.w = world_new(NULL, NULL);
	assert_int_equal(world_switch_up(l.w, 1, "h", "br", "", "", &l.sw), 0);
	for (uint32_t p = 1; p <= 8; p++)
		port(&l, p, true, false);
	ledger_init(&l.ledger);
	derive_init(&l.derive, l.w, l.sw, &l.ledger);
	derive_all(&l.derive);
	assert_true(derive_run(&l.derive) > 0);
	l.listener = (struct world_listener){ .changed = changed, .told = told, .arg = &l };
	world_listen(l.w, &l.listener);
	*state = &l;
	return 0;
}

static int teardown(void **state)
{
	struct lab *l = *state;

	world_unlisten(l->w, &l->listener);
	derive_fini(&l->derive);
	ledger_fini(&l->ledger);
	world_free(l->w);
	return 0;
}

static const uint8_t *mac_of(uint32_t i)
{
	static uint8_t mac[6];

	mac[0] = 2;
	memcpy(mac + 2, &i, 4);
	return mac;
}

static int learn(struct lab *l, uint32_t mac, uint32_t ofport)
{
	const struct learned *m;
	int rc = world_mac_learn(l->w, l->sw, mac_of(mac), 0, ofport, &m);

	assert_non_null(m);
	assert_ptr_equal(world_mac_by_index(l->sw, m->index), m);
	assert_int_equal(m->port->ofport, ofport);
	return rc;
}

static bool known(const struct lab *l, uint32_t mac)
{
	return world_mac_find(l->sw, mac_of(mac), 0);
}

/* All that is under way is acknowledged; how many messages that were. */
static size_t acknowledge(struct lab *l)
{
	size_t n, all = 0;
	struct change **v;

	while ((v = ledger_take(&l->ledger, 100, false, &n))) {
		for (size_t i = 0; i < n; i++)
			ledger_done(&l->ledger, v[i]);
		free(v);
		all += n;
	}
	return all;
}

static void one_station_is_one_unit(void **state)
{
	struct lab *l = *state;

	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(learn(l, i, 1 + i % 4), 1);
	world_tell(l->w);
	acknowledge(l);
	l->units = 0;
	/* Known: nothing.  New: two flows.  Moved: one changed, one added, one deleted. */
	assert_int_equal(learn(l, 7, 4), 0);
	world_tell(l->w);
	assert_int_equal(l->units, 0);
	assert_int_equal(learn(l, 5000, 2), 1);
	world_tell(l->w);
	assert_int_equal(l->units, 1);
	assert_int_equal(acknowledge(l), 2);
	assert_int_equal(learn(l, 7, 1), 1);
	world_tell(l->w);
	assert_int_equal(l->units, 2);
	assert_int_equal(acknowledge(l), 3);
	world_mac_forget(l->w, l->sw, mac_of(7), 0);
	world_tell(l->w);
	assert_int_equal(acknowledge(l), 2);
	assert_false(known(l, 7));
	/* Another VLAN is another station. */
	assert_null(world_mac_find(l->sw, mac_of(8), 1));
	assert_non_null(world_mac_find(l->sw, mac_of(8), 0));
}

static void a_port_that_is_down_has_no_stations(void **state)
{
	struct lab *l = *state;

	for (uint32_t i = 0; i < 100; i++)
		learn(l, i, 1 + i % 2);
	world_tell(l->w);
	acknowledge(l);
	port(l, 1, false, false);
	assert_false(known(l, 0));
	assert_true(known(l, 1));
	assert_int_equal(acknowledge(l), 100);
	world_switch_port_del(l->w, l->sw, 2);
	assert_int_equal(l->sw->macs.by_key.n, 0);
	assert_null(l->sw->macs.ports);
	assert_int_equal(acknowledge(l), 100);
}

static void a_flood_pushes_out_its_own(void **state)
{
	struct lab *l = *state;
	const size_t base = l->ledger.n_flows;

	for (uint32_t i = 0; i < 10; i++)
		learn(l, i, 2);
	for (uint32_t i = 0; i < 3 * WORLD_MACS_PORT_MAX; i++)
		learn(l, 100 + i, 1);
	assert_int_equal(l->sw->macs.by_key.n, 10 + WORLD_MACS_PORT_MAX);
	assert_int_equal(l->sw->macs.pushed_out, 2 * WORLD_MACS_PORT_MAX);
	assert_false(known(l, 100 + 2 * WORLD_MACS_PORT_MAX - 1));
	assert_true(known(l, 100 + 2 * WORLD_MACS_PORT_MAX));
	for (uint32_t i = 0; i < 10; i++)
		assert_true(known(l, i));
	/* The oldest is who was heard of longest ago. */
	learn(l, 100 + 2 * WORLD_MACS_PORT_MAX, 1);
	learn(l, 50, 1);
	assert_true(known(l, 100 + 2 * WORLD_MACS_PORT_MAX));
	assert_false(known(l, 101 + 2 * WORLD_MACS_PORT_MAX));
	world_tell(l->w);
	/* And the flows with them. */
	assert_int_equal(l->ledger.n_flows, base + 2 * (10 + WORLD_MACS_PORT_MAX));
	acknowledge(l);
}

static void a_full_switch_takes_from_the_fullest(void **state)
{
	struct lab *l = *state;

	learn(l, 0, 8);
	for (uint32_t i = 1; i < WORLD_MACS_MAX; i++)
		learn(l, i, 1 + i % 4);
	assert_int_equal(l->sw->macs.pushed_out, 0);
	learn(l, WORLD_MACS_MAX, 7);
	assert_int_equal(l->sw->macs.pushed_out, 1);
	assert_int_equal(l->sw->macs.by_key.n, WORLD_MACS_MAX);
	assert_true(known(l, 0));
	assert_true(known(l, WORLD_MACS_MAX));
	assert_true(l->sw->macs.n_v <= 2 * WORLD_MACS_MAX);
}

static void doubt_sends_again(void **state)
{
	struct unit_key k = { APP_L2, COOKIE_STATION, 0 };
	struct lab *l = *state;
	struct change **v;
	size_t n;

	learn(l, 3, 1);
	k.index = world_mac_find(l->sw, mac_of(3), 0)->index;
	assert_false(ledger_doubt(&l->ledger, &k)); /* not derived yet */
	world_tell(l->w);
	assert_false(ledger_doubt(&l->ledger, &k)); /* not sent yet */
	v = ledger_take(&l->ledger, 100, false, &n);
	assert_false(ledger_doubt(&l->ledger, &k)); /* under way */
	for (size_t i = 0; i < n; i++)
		ledger_done(&l->ledger, v[i]);
	free(v);
	assert_true(ledger_doubt(&l->ledger, &k));
	assert_false(ledger_doubt(&l->ledger, &k)); /* once */
	v = ledger_take(&l->ledger, 100, false, &n);
	assert_int_equal(n, 2);
	/* The session breaks: it goes with the next one. */
	for (size_t i = 0; i < n; i++)
		ledger_lost(&l->ledger, v[i]);
	free(v);
	v = ledger_take(&l->ledger, 100, false, &n);
	assert_int_equal(n, 2);
	/* Refused: not for ever. */
	for (size_t i = 0; i < n; i++)
		ledger_refused(&l->ledger, v[i]);
	free(v);
	assert_false(ledger_doubt(&l->ledger, &k));
	assert_int_equal(acknowledge(l), 0);
}

static void frames_that_were_held_go_on(void **state)
{
	static const uint8_t all[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	static const uint8_t lldp[6] = { 0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e };
	struct lab *l = *state;

	learn(l, 1, 1);
	assert_int_equal(app_l2.forward(l->sw, 2, mac_of(1), 0), 1);
	assert_int_equal(app_l2.forward(l->sw, 1, mac_of(1), 0), 0);
	assert_int_equal(app_l2.forward(l->sw, 2, mac_of(1), 5), OFPP_FLOOD);
	assert_int_equal(app_l2.forward(l->sw, 2, mac_of(2), 0), OFPP_FLOOD);
	assert_int_equal(app_l2.forward(l->sw, 2, all, 0), OFPP_FLOOD);
	assert_int_equal(app_l2.forward(l->sw, 2, lldp, 0), 0);
}

/* ---- what changes mark is enough, as in controller_derive.c ---- */

static void compare(struct lab *l, int at)
{
	struct ledger full;
	struct derive d;

	ledger_init(&full);
	derive_init(&d, l->w, l->sw, &full);
	derive_all(&d);
	assert_true(derive_run(&d) >= 0);
	if (full.n_flows != l->ledger.n_flows)
		fail_msg("step %d: %zu flows, a full derivation has %zu", at, l->ledger.n_flows,
			 full.n_flows);
	assert_true(wants_all(&l->ledger, &full));
	derive_fini(&d);
	ledger_fini(&full);
}

static void incremental_is_full(void **state)
{
	struct lab *l = *state;
	bool tunnel = false, up = true;

	srand(5);
	for (int at = 0; at < 20000; at++) {
		uint32_t mac = (uint32_t)rand() % 200;

		switch (rand() % 64) {
		case 0: /* tenants come, and go */
			tunnel = !tunnel;
			port(l, 8, true, tunnel);
			break;
		case 1:
			up = !up;
			port(l, 3, up, false);
			break;
		case 2:
			if (rand() % 2)
				acknowledge(l);
			break;
		case 3:
		case 4:
		case 5:
		case 6:
		case 7:
			world_mac_forget(l->w, l->sw, mac_of(mac), 0);
			break;
		default:
			learn(l, mac, 1 + (uint32_t)rand() % 7);
		}
		if (rand() % 3)
			continue; /* several in a batch */
		world_tell(l->w);
		if (at % 8 == 0)
			compare(l, at);
	}
	assert_int_equal(l->derive.fs.refused, 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(one_station_is_one_unit),	  TEST(a_port_that_is_down_has_no_stations),
		TEST(a_flood_pushes_out_its_own), TEST(a_full_switch_takes_from_the_fullest),
		TEST(doubt_sends_again),	  TEST(frames_that_were_held_go_on),
		TEST(incremental_is_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

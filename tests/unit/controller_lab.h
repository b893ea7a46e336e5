/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A world of three switches whose flows are derived as it changes: what controller_derive.c changes
 * at random.  Needs cmocka's header before it.
 */
#ifndef WEFT_TESTS_UNIT_CONTROLLER_LAB_H
#define WEFT_TESTS_UNIT_CONTROLLER_LAB_H

#include <stdio.h>
#include <string.h>

#include "controller/derive.h"

enum { N_SW = 3, N_NETS = 5, N_PORTS = 24, N_SGS = 6, N_RULES = 24, N_GROUPS = 2, STEPS = 2500 };
enum { N_ROUTERS = 2, N_FLOATING = 3 };

struct lab {
	struct world *w;
	struct world_listener listener;
	struct sw *sw[N_SW];
	struct ledger ledger[N_SW];
	struct derive derive[N_SW];
	struct net *net[N_NETS];
	struct port *port[N_PORTS];
	struct sg *sg[N_SGS];
	struct sg_rule *rule[N_RULES];
	struct addrgroup *group[N_GROUPS];
	struct subnet *subnet[N_NETS][2];
	struct router *router[N_ROUTERS];
	struct port *leg[N_ROUTERS][N_NETS]; /* interfaces; on the last network gateways */
	struct floatingip *floating[N_FLOATING];
	unsigned int serial;
};

static void changed(struct world *w, const struct world_obj *o, uint32_t what, void *arg)
{
	struct lab *l = arg;

	for (int i = 0; i < N_SW; i++)
		derive_changed(&l->derive[i], o, what);
}

static void told(struct world *w, void *arg)
{
	struct lab *l = arg;

	for (int i = 0; i < N_SW; i++)
		assert_true(derive_run(&l->derive[i]) >= 0);
}

static void uuid(struct lab *l, char *id)
{
	snprintf(id, UUID_TEXT, "%08x-0000-4000-8000-000000000000", ++l->serial);
}

static void setup(struct lab *l)
{
	memset(l, 0, sizeof(*l));
	l->w = world_new(NULL, NULL);
	for (int i = 0; i < N_SW; i++) {
		struct sw_port_info up = { .ofport = 1,
					   .name = "up0",
					   .physnet = "physnet1",
					   .mtu = 1500,
					   .admin_up = true,
					   .link_up = true };
		struct sw_port_info vx = { .ofport = 2,
					   .name = "vx0",
					   .mtu = 1450,
					   .admin_up = true,
					   .link_up = true,
					   .tunnel = true };
		struct vtep vtep = { { 4, { 192, 0, 2, (uint8_t)(i + 1) } }, 2, 1450 };
		char host[8];

		snprintf(host, sizeof(host), "h%d", i);
		assert_int_equal(
			world_switch_up(l->w, (uint64_t)i + 1, host, host, "", "", &l->sw[i]), 0);
		world_switch_port_set(l->w, l->sw[i], &up);
		world_switch_port_set(l->w, l->sw[i], &vx);
		world_vtep_set(l->w, l->sw[i], &vtep);
		ledger_init(&l->ledger[i]);
		derive_init(&l->derive[i], l->w, l->sw[i], &l->ledger[i]);
		derive_all(&l->derive[i]);
		assert_true(derive_run(&l->derive[i]) > 0);
	}
	l->listener = (struct world_listener){ .changed = changed, .told = told, .arg = l };
	world_listen(l->w, &l->listener);
}

static void teardown(struct lab *l)
{
	world_unlisten(l->w, &l->listener);
	for (int i = 0; i < N_SW; i++) {
		derive_fini(&l->derive[i]);
		ledger_fini(&l->ledger[i]);
	}
	world_free(l->w);
}

#endif

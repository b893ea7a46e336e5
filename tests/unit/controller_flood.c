/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One network on more switches than one message has buckets for: the flood group goes on in another
 * group, to which its last bucket leads; together they reach every member once, and the parts are
 * sent before what leads to them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/byteorder.h"
#include "controller/derive.h"
#include "controller/mem.h"
#include "controller/resource.h"

enum { N_SW = 2000 };

struct lab {
	struct world *w;
	struct net *net;
	struct sw *sw[N_SW];
};

static void add_net(struct lab *l)
{
	struct net_attrs a;
	struct world_obj *o;

	attrs_init(&resources[WORLD_NET].shape, &a);
	strcpy(a.id, "00000000-0000-0000-0000-000000000001");
	a.index = world_index_get(l->w, WORLD_NET);
	a.admin_state_up = true;
	a.type = NET_VXLAN;
	a.segment = 77;
	a.mtu = 1450;
	o = world_obj_add(l->w, WORLD_NET, &a);
	world_settle(l->w, o, WORLD_ADDED);
	l->net = (struct net *)o;
}

static void add_port(struct lab *l, unsigned int i)
{
	struct port_attrs a;
	struct sw_port_info info = {
		.ofport = 10, .name = "x", .mtu = 1500, .admin_up = true, .link_up = true
	};
	struct world_obj *o;

	attrs_init(&resources[WORLD_PORT].shape, &a);
	snprintf(a.id, sizeof(a.id), "00000000-0000-0000-0001-%012u", i);
	strcpy(a.network_id, l->net->a.id);
	a.index = world_index_get(l->w, WORLD_PORT);
	a.admin_state_up = true;
	memcpy(a.mac_address, (uint8_t[]){ 2, 0, 0, 0, (uint8_t)(i >> 8), (uint8_t)i }, 6);
	o = world_obj_add(l->w, WORLD_PORT, &a);
	world_settle(l->w, o, WORLD_ADDED);
	info.iface_id = ((struct port *)o)->a.id;
	world_switch_port_set(l->w, l->sw[i], &info);
}

static void add_switch(struct lab *l, unsigned int i)
{
	struct sw_port_info vx = { .ofport = 2,
				   .name = "vx0",
				   .mtu = 1450,
				   .admin_up = true,
				   .link_up = true,
				   .tunnel = true };
	struct vtep vtep = { { 4, { 198, 18, (uint8_t)(i >> 8), (uint8_t)i } }, 2, 1450 };
	char host[16];

	snprintf(host, sizeof(host), "h%u", i);
	assert_int_equal(world_switch_up(l->w, i + 1, host, host, "", "", &l->sw[i]), 0);
	world_switch_port_set(l->w, l->sw[i], &vx);
	world_vtep_set(l->w, l->sw[i], &vtep);
}

/* How many tunnels group 'id' reaches, by its parts; each of them marked in 'met'. */
static size_t follow(struct change **v, size_t n, uint32_t id, size_t at_least, bool *met)
{
	uint8_t *buf = mem_get(OF_MSG_MAX);
	size_t at = 0, reached = 0;
	uint16_t len;

	while (at < n &&
	       (!blob_is_group(change_blob(v[at])) || blob_group_id(change_blob(v[at])) != id))
		at++;
	assert_in_range(at, 0, n - 1);
	assert_true(at < at_least); /* sent before what leads here */
	len = change_message(v[at], 1, buf);
	for (size_t b = 16; b < len; b += get_be16(buf + b)) {
		const uint8_t *a = buf + b + 16, *end = buf + b + get_be16(buf + b);

		for (; a + 8 <= end; a += get_be16(a + 2)) {
			if (get_be16(a) == 22) /* OFPAT_GROUP: the next part */
				reached += follow(v, n, get_be32(a + 4), at, met);
			/* set_field of tun_dst (NXM 1, 32) */
			if (get_be16(a) == 25 && get_be32(a + 4) == 0x00014004) {
				unsigned int i = get_be16(a + 10);

				assert_int_equal(get_be16(a + 8), 198 << 8 | 18);
				assert_false(met[i]);
				met[i] = true;
				reached++;
			}
		}
	}
	free(buf);
	return reached;
}

static void a_flood_in_parts(void **state)
{
	static struct lab l;
	static bool met[1 << 16];
	struct ledger ledger;
	struct derive d;
	struct change **v;
	size_t n;

	l.w = world_new(NULL, NULL);
	add_net(&l);
	for (unsigned int i = 0; i < N_SW; i++) {
		add_switch(&l, i);
		add_port(&l, i);
	}
	world_tell(l.w);
	ledger_init(&ledger);
	derive_init(&d, l.w, l.sw[0], &ledger);
	derive_all(&d);
	assert_true(derive_run(&d) > 0);
	assert_int_equal(d.fs.refused, 0);
	v = ledger_take(&ledger, SIZE_MAX, false, &n);
	assert_int_equal(follow(v, n, 0x40000000 | l.net->a.index, n, met), N_SW - 1);
	assert_false(met[0]); /* its own */
	for (size_t i = 0; i < n; i++)
		ledger_done(&ledger, v[i]);
	free(v);
	assert_int_equal(ledger.n_dirty, 0);

	/* One switch goes: what is left says so, and nothing else changes. */
	world_switch_port_del(l.w, l.sw[N_SW - 1], 10);
	derive_changed(&d, &l.net->obj, WORLD_MEMBERS);
	derive_run(&d);
	v = ledger_take(&ledger, SIZE_MAX, false, &n);
	assert_int_equal(n, 1);
	assert_true(blob_is_group(change_blob(v[0])));
	ledger_done(&ledger, v[0]);
	free(v);
	derive_fini(&d);
	ledger_fini(&ledger);
	world_free(l.w);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(a_flood_in_parts) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

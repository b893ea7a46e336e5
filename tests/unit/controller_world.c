/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The world: which tenant port is at which switch port, what listeners are told.
 *
 *   h1: sw 1 (br0)      h2: sw 2 (br0)
 *       ports by number, each with a name and perhaps an iface-id
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "controller/mem.h"
#include "controller/resource.h"
#include "controller/world.h"
#include "vxlan/vni.h"

static double clock_now;

static double now(void *arg)
{
	return clock_now;
}

struct fixture {
	struct world *w;
	struct sw *s1, *s2;
	struct net *net;
	struct world_listener listener;
	char told[4096];
	uint32_t next_index;
};

static void on_changed(struct world *w, const struct world_obj *o, uint32_t what, void *arg)
{
	const char *kind = (int)o->kind >= N_RESOURCES ? "switch" : resources[o->kind].shape.noun;
	struct fixture *f = arg;
	const char *name = o->kind == WORLD_PORT     ? ((const struct port *)o)->a.name
			   : o->kind == WORLD_SWITCH ? ((const struct sw *)o)->name
						     : "";
	size_t n = strlen(f->told);

	snprintf(f->told + n, sizeof(f->told) - n, "%s%s %s %x", n ? ", " : "", kind, name, what);
}

static struct world_obj *settle(struct fixture *f, struct world_obj *o, uint32_t what)
{
	world_settle(f->w, o, what);
	world_tell(f->w);
	return o;
}

static struct port *port_new(struct fixture *f, const char *id, const char *name, const char *host)
{
	struct port_attrs a;

	attrs_init(&resources[WORLD_PORT].shape, &a);
	strcpy(a.id, id);
	strcpy(a.network_id, f->net->a.id);
	a.created_at = ++f->next_index;
	a.index = f->next_index;
	a.mac_address[5] = (uint8_t)f->next_index;
	free(a.name);
	a.name = mem_str(name);
	free(a.host_id);
	a.host_id = mem_str(host);
	return (struct port *)settle(f, world_obj_add(f->w, WORLD_PORT, &a), WORLD_ADDED);
}

static void port_end(struct fixture *f, struct port *p)
{
	world_obj_unlink(f->w, &p->obj);
	settle(f, &p->obj, WORLD_DELETED);
}

static struct sw_port *plug(struct fixture *f, struct sw *sw, uint32_t ofport, const char *name,
			    const char *iface_id)
{
	struct sw_port_info i = { .ofport = ofport,
				  .name = name,
				  .iface_id = iface_id,
				  .admin_up = true,
				  .link_up = true };

	return world_switch_port_set(f->w, sw, &i);
}

static void set_text(struct fixture *f, struct port *p, const char *attr, const char *value)
{
	const struct shape *s = &resources[WORLD_PORT].shape;
	const struct attr *row = attr_find(s, attr);
	struct port_attrs a;

	attrs_copy(s, &a, &p->a);
	attr_clear(row, &a);
	*(char **)attr_at(row, &a) = mem_str(value);
	world_obj_set(f->w, &p->obj, &a);
	attrs_fini(s, &a);
	settle(f, &p->obj, WORLD_ATTRS);
}

static int setup(void **state)
{
	struct fixture *f = mem_get(sizeof(*f));
	struct net_attrs n;

	f->w = world_new(now, NULL);
	f->listener = (struct world_listener){ .changed = on_changed, .arg = f };
	world_switch_up(f->w, 1, "h1", "br1", "v", "p", &f->s1);
	world_switch_up(f->w, 2, "h2", "br2", "v", "p", &f->s2);
	attrs_init(&resources[WORLD_NET].shape, &n);
	strcpy(n.id, "11111111-0000-4000-8000-000000000000");
	n.index = 1;
	n.segment = 7;
	f->net = (struct net *)settle(f, world_obj_add(f->w, WORLD_NET, &n), WORLD_ADDED);
	world_listen(f->w, &f->listener);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	world_free(f->w);
	free(f);
	return 0;
}

#define ID_A  "aaaaaaaa-bbbb-4000-8000-000000000001"
#define ID_B  "aaaaaaab-bbbb-4000-8000-000000000002"
#define TAP_A "tapaaaaaaaa-bb"

static void bound_by_id_device_or_name(void **state)
{
	static const char *const ways[] = { ID_A, TAP_A, "vm1" };

	for (int i = 0; i < 3; i++) {
		struct fixture *f = *state;
		struct port *p = port_new(f, ID_A, "vm1", "");
		struct sw_port *sp;

		assert_null(p->place.sp);
		sp = plug(f, f->s1, 5, ways[i], NULL); /* the name, as no iface-id is given */
		assert_ptr_equal(p->place.sp, sp);
		assert_ptr_equal(sp->port, p);
		assert_true(port_is_active(p));
		plug(f, f->s1, 5, "eth0", "somebody-else");
		assert_null(p->place.sp);
		plug(f, f->s1, 5, "eth0", ways[i]);
		assert_ptr_equal(p->place.sp, sp);
		port_end(f, p);
		assert_null(sp->port);
		world_switch_port_del(f->w, f->s1, 5);
	}
}

static void switch_port_first_or_port_first(void **state)
{
	struct fixture *f = *state;
	struct sw_port *sp = plug(f, f->s1, 5, "vm1", NULL);
	struct port *p = port_new(f, ID_A, "vm1", "");

	assert_ptr_equal(p->place.sp, sp);
	world_switch_port_del(f->w, f->s1, 5);
	assert_null(p->place.sp);
	assert_false(port_is_active(p));
}

static void an_id_wins_over_a_name(void **state)
{
	struct fixture *f = *state;
	struct port *p = port_new(f, ID_A, "vm1", "");
	struct sw_port *by_name = plug(f, f->s1, 1, "vm1", NULL);
	struct sw_port *by_tap, *by_id;

	assert_ptr_equal(p->place.sp, by_name);
	by_tap = plug(f, f->s2, 1, TAP_A, NULL);
	assert_ptr_equal(p->place.sp, by_tap);
	by_id = plug(f, f->s1, 2, "eth9", ID_A);
	assert_ptr_equal(p->place.sp, by_id);
	world_switch_port_del(f->w, f->s1, 2);
	assert_ptr_equal(p->place.sp, by_tap);
	world_switch_port_del(f->w, f->s2, 1);
	assert_ptr_equal(p->place.sp, by_name);
}

/* Who names its port like another's does not get that one's place. */
static void a_name_is_its_oldest_ports(void **state)
{
	struct fixture *f = *state;
	struct port *old = port_new(f, ID_A, "vm1", "");
	struct sw_port *sp = plug(f, f->s1, 1, "vm1", NULL);
	struct port *young = port_new(f, ID_B, "vm1", "");

	assert_ptr_equal(old->place.sp, sp);
	assert_null(young->place.sp);
	set_text(f, old, "name", "other");
	assert_null(old->place.sp);
	assert_ptr_equal(young->place.sp, sp);
	set_text(f, old, "name", "vm1"); /* as it would be after a restart */
	assert_ptr_equal(old->place.sp, sp);
	assert_null(young->place.sp);
	port_end(f, old);
	assert_ptr_equal(young->place.sp, sp);
}

static void a_host_binds(void **state)
{
	struct fixture *f = *state;
	struct port *p = port_new(f, ID_A, "", "h2");
	struct sw_port *on1 = plug(f, f->s1, 1, "x", ID_A), *on2;

	assert_null(p->place.sp);
	on2 = plug(f, f->s2, 1, "x", ID_A);
	assert_ptr_equal(p->place.sp, on2);
	set_text(f, p, "binding:host_id", "h1"); /* migrated */
	assert_ptr_equal(p->place.sp, on1);
	set_text(f, p, "binding:host_id", "h3");
	assert_null(p->place.sp);
	assert_non_null(world_host_find(f->w, "h3"));
	set_text(f, p, "binding:host_id", "");
	assert_non_null(p->place.sp);
	assert_null(world_host_find(f->w, "h3"));
}

static void two_places_one_after_the_other(void **state)
{
	struct fixture *f = *state;
	struct port *p = port_new(f, ID_A, "", "");
	struct sw_port *on1 = plug(f, f->s1, 1, "x", ID_A), *on2 = plug(f, f->s2, 1, "x", ID_A);

	assert_ptr_equal(p->place.sp, on1); /* it stays where it is */
	assert_null(on2->port);
	world_switch_port_del(f->w, f->s1, 1);
	assert_ptr_equal(p->place.sp, on2);
}

static void uplinks_and_tunnels_are_nobodys(void **state)
{
	struct fixture *f = *state;
	struct port *p = port_new(f, ID_A, "eth0", "");
	struct sw_port_info i = { .ofport = 3, .name = "eth0", .physnet = "phys" };

	world_switch_port_set(f->w, f->s1, &i);
	assert_null(p->place.sp);
	assert_ptr_equal(sw_port_by_physnet(f->s1, "phys"), sw_port_find(f->s1, 3));
	assert_null(sw_port_by_physnet(f->s1, "other"));
	i = (struct sw_port_info){ .ofport = 3, .name = "eth0", .tunnel = true };
	world_switch_port_set(f->w, f->s1, &i);
	assert_null(p->place.sp);
	i.tunnel = false;
	world_switch_port_set(f->w, f->s1, &i);
	assert_non_null(p->place.sp);
}

static void a_whole_list_forgets_the_rest(void **state)
{
	struct fixture *f = *state;
	struct port *p = port_new(f, ID_A, "", "");

	plug(f, f->s1, 1, "x", ID_A);
	plug(f, f->s1, 2, "y", NULL);
	world_switch_ports_begin(f->w, f->s1);
	plug(f, f->s1, 2, "y", NULL);
	plug(f, f->s1, 3, "z", NULL);
	world_switch_ports_end(f->w, f->s1);
	assert_null(sw_port_find(f->s1, 1));
	assert_non_null(sw_port_find(f->s1, 2));
	assert_non_null(sw_port_find(f->s1, 3));
	assert_null(p->place.sp);
}

/* A lost session moves nothing; a switch that does not come back is done without. */
static void a_gone_switch_is_done_without(void **state)
{
	struct fixture *f = *state;
	struct port *p = port_new(f, ID_A, "", ""), *q = port_new(f, ID_B, "", "h1");
	struct sw *again;

	plug(f, f->s1, 1, "x", ID_A);
	plug(f, f->s1, 2, "y", ID_B);
	assert_int_equal(p->net->n_members, 1);
	assert_int_equal(p->net->members[0].n, 2);
	world_switch_down(f->w, f->s1);
	assert_true(sw_is_alive(f->s1));
	assert_true(port_is_active(p));
	plug(f, f->s2, 1, "x", ID_A); /* the first place goes on to fit */
	assert_ptr_equal(p->place.sw, f->s1);
	world_switch_gone(f->w, f->s1);
	assert_false(sw_is_alive(f->s1));
	assert_ptr_equal(p->place.sw, f->s2); /* which was seen in two places */
	assert_true(port_is_active(p));
	assert_ptr_equal(q->place.sw, f->s1); /* and is meant for that host */
	assert_false(port_is_active(q));
	assert_int_equal(p->net->n_members, 2);
	world_switch_up(f->w, 1, "h1", "br1", "v", "q", &again);
	assert_true(sw_is_alive(f->s1));
	assert_true(port_is_active(q));
	plug(f, f->s1, 1, "x", ID_A);
	assert_ptr_equal(p->place.sw, f->s2);
	world_switch_gone(f->w, f->s1); /* it is not down */
	assert_true(sw_is_alive(f->s1));
}

static void a_switch_that_is_down_keeps_its_ports(void **state)
{
	struct fixture *f = *state;
	struct port *p = port_new(f, ID_A, "", "");
	struct sw *again;

	plug(f, f->s1, 1, "x", ID_A);
	clock_now = 50;
	world_switch_down(f->w, f->s1);
	assert_non_null(p->place.sp);
	assert_true(port_is_active(p));
	assert_true(f->s1->since == 50);
	world_switch_gone(f->w, f->s1);
	assert_non_null(p->place.sp);
	assert_false(port_is_active(p));
	world_switch_up(f->w, 1, "h1", "br1", "v", "q", &again);
	assert_ptr_equal(again, f->s1);
	assert_true(port_is_active(p));
	world_switch_down(f->w, f->s1);
	world_switch_forget(f->w, f->s1);
	assert_null(p->place.sp);
	assert_null(world_switch_find(f->w, 1));
	assert_null(world_host_find(f->w, "h1"));
}

static void wanted_ports_are_one_switchs(void **state)
{
	struct fixture *f = *state;
	struct port *p = port_new(f, ID_A, "", "h1");
	struct sw *s3;

	assert_null(world_wants(f->s1, NULL));
	set_text(f, p, "binding:profile", "{\"weft_spec\":\"af_packet:v1\"}");
	assert_ptr_equal(world_wants(f->s1, NULL), p);
	assert_string_equal(p->spec, "af_packet:v1");
	assert_null(world_wants(f->s1, p));
	assert_null(world_wants(f->s2, NULL));
	world_switch_up(f->w, 3, "h1", "br9", "v", "p", &s3);
	assert_null(world_wants(s3, NULL));
	world_switch_down(f->w, f->s1);
	assert_ptr_equal(world_wants(s3, NULL), p);
	assert_null(world_wants(f->s1, NULL));
	port_end(f, p);
	assert_null(world_wants(s3, NULL));
}

static void listeners_are_told_once(void **state)
{
	struct fixture *f = *state;
	struct port *p;

	f->told[0] = '\0';
	p = port_new(f, ID_A, "vm1", "");
	assert_string_equal(f->told, "port vm1 1");
	f->told[0] = '\0';
	plug(f, f->s1, 1, "vm1", NULL); /* port: place; switch: ports, link */
	assert_string_equal(f->told, "switch br1 50, net  800, port vm1 8");
	f->told[0] = '\0';
	plug(f, f->s1, 1, "vm1", NULL); /* nothing new */
	assert_string_equal(f->told, "");
	world_vtep_set(f->w, f->s1, &(struct vtep){ .addr = { 4, { 10, 0, 0, 1 } }, .ofport = 9 });
	world_vtep_set(f->w, f->s1, &(struct vtep){ .addr = { 4, { 10, 0, 0, 1 } }, .ofport = 9 });
	assert_string_equal(f->told, "switch br1 80");
	f->told[0] = '\0';
	port_end(f, p);
	assert_string_equal(f->told, "port vm1 a, switch br1 40, net  800");
	f->told[0] = '\0';
	world_unlisten(f->w, &f->listener);
	world_switch_down(f->w, f->s1);
	assert_string_equal(f->told, "");
}

/* What is added, and taken back before it settled, leaves nothing. */
static void taken_back(void **state)
{
	struct fixture *f = *state;
	struct net_attrs a;
	struct world_obj *o;

	attrs_init(&resources[WORLD_NET].shape, &a);
	strcpy(a.id, "22222222-0000-4000-8000-000000000000");
	a.index = 2;
	a.segment = 9;
	o = world_obj_add(f->w, WORLD_NET, &a);
	assert_int_equal(vni_n_taken(f->w->vnis), 2);
	assert_ptr_equal(world_net_by_index(f->w, 2), o);
	world_obj_unlink(f->w, o);
	assert_null(world_net_by_index(f->w, 2));
	world_obj_relink(f->w, o);
	assert_ptr_equal(world_net_by_index(f->w, 2), o);
	world_obj_unlink(f->w, o);
	world_obj_free(f->w, o);
	assert_int_equal(vni_n_taken(f->w->vnis), 1);
}

static void indexes_are_found(void **state)
{
	struct fixture *f = *state;
	uint32_t a = world_index_get(f->w, WORLD_NET), b = world_index_get(f->w, WORLD_NET);

	assert_int_equal(a, 2);
	assert_int_equal(b, 3);
	f->w->next_index[WORLD_NET] = INDEX_MAX;
	assert_int_equal(world_index_get(f->w, WORLD_NET), 2); /* 1 is taken */
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(bound_by_id_device_or_name),
		T(switch_port_first_or_port_first),
		T(an_id_wins_over_a_name),
		T(a_name_is_its_oldest_ports),
		T(a_host_binds),
		T(two_places_one_after_the_other),
		T(uplinks_and_tunnels_are_nobodys),
		T(a_whole_list_forgets_the_rest),
		T(a_gone_switch_is_done_without),
		T(a_switch_that_is_down_keeps_its_ports),
		T(wanted_ports_are_one_switchs),
		T(listeners_are_told_once),
		T(taken_back),
		T(indexes_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

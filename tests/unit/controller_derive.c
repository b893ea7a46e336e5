/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Derivation: what changes mark is enough.  A random world of networks, ports and switches is
 * changed step by step; after each step the flows that were derived because of the marks must be,
 * byte for byte, those of a full derivation from nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "controller/derive.h"
#include "controller/mem.h"
#include "controller/resource.h"
#include "tests/unit/controller_ledger.h"

enum { N_SW = 3, N_NETS = 5, N_PORTS = 24, N_SGS = 6, N_RULES = 24, N_GROUPS = 2, STEPS = 2500 };

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

/* ---- steps ---- */

static int pick(int n)
{
	return rand() % n;
}

static void add_net(struct lab *l, int i)
{
	struct net_attrs a = { .admin_state_up = true, .mtu = 1450, .port_security_enabled = true };

	uuid(l, a.id);
	a.name = mem_str("n");
	a.description = mem_str("");
	a.tenant_id = mem_str("t");
	a.index = world_index_get(l->w, WORLD_NET);
	a.type = pick(3) ? NET_VXLAN : NET_VLAN;
	a.segment = 100 + l->serial;
	a.physnet = a.type == NET_VLAN ? mem_str("physnet1") : NULL;
	l->net[i] = (struct net *)world_obj_add(l->w, WORLD_NET, &a);
	assert_non_null(l->net[i]);
	world_settle(l->w, &l->net[i]->obj, WORLD_ADDED);
}

/* ---- security groups ---- */

static void *added(struct lab *l, enum world_kind kind, void *a)
{
	struct world_obj *o = world_obj_add(l->w, kind, a);

	assert_non_null(o);
	world_settle(l->w, o, WORLD_ADDED);
	return o;
}

static void deleted(struct lab *l, struct world_obj *o)
{
	world_obj_unlink(l->w, o);
	world_settle(l->w, o, WORLD_DELETED);
}

/* Two ports have the same one each, in different networks. */
static void some_addresses(struct port_attrs *a, int i)
{
	a->n_fixed_ips = (size_t)pick(3);
	a->fixed_ips = a->n_fixed_ips ? mem_array(a->n_fixed_ips, sizeof(*a->fixed_ips)) : NULL;
	for (size_t k = 0; k < a->n_fixed_ips; k++) {
		struct ip_addr *ip = &a->fixed_ips[k].ip_address;

		ip->family = k ? 6 : 4;
		ip->b[0] = k ? 0xfd : 10;
		ip->b[k ? 15 : 3] = (uint8_t)(i % (N_PORTS / 2));
	}
	a->n_allowed_address_pairs = pick(4) ? 0 : 1;
	if (!a->n_allowed_address_pairs)
		return;
	a->allowed_address_pairs = mem_array(1, sizeof(*a->allowed_address_pairs));
	memcpy(a->allowed_address_pairs[0].mac_address, a->mac_address, 6);
	a->allowed_address_pairs[0].ip_address =
		(struct ip_prefix){ { 4, { 10, (uint8_t)pick(256), 3 } }, (uint8_t)(pick(33)) };
}

static void some_groups(struct lab *l, struct port_attrs *a)
{
	a->security_groups = mem_array(N_SGS, sizeof(char *));
	a->n_security_groups = 0;
	for (int i = 0; i < N_SGS && a->port_security_enabled; i++)
		if (l->sg[i] && !pick(4))
			a->security_groups[a->n_security_groups++] = mem_str(l->sg[i]->a.id);
}

static void change_port(struct lab *l, int i)
{
	struct port *p = l->port[i];
	struct port_attrs a;

	attrs_copy(&resources[WORLD_PORT].shape, &a, &p->a);
	attr_clear(attr_find(&resources[WORLD_PORT].shape, "fixed_ips"), &a);
	attr_clear(attr_find(&resources[WORLD_PORT].shape, "allowed_address_pairs"), &a);
	attr_clear(attr_find(&resources[WORLD_PORT].shape, "security_groups"), &a);
	some_addresses(&a, i);
	some_groups(l, &a);
	world_obj_set(l->w, &p->obj, &a);
	attrs_fini(&resources[WORLD_PORT].shape, &a);
	world_settle(l->w, &p->obj, WORLD_ATTRS);
}

static void sg_step(struct lab *l, int i)
{
	struct sg *g = l->sg[i];
	struct sg_attrs a;

	if (!g) {
		attrs_init(&resources[WORLD_SG].shape, &a);
		uuid(l, a.id);
		a.index = world_index_get(l->w, WORLD_SG);
		l->sg[i] = added(l, WORLD_SG, &a);
	} else if (!g->n_ports && !g->set.users && !g->rules) {
		deleted(l, &g->obj);
		l->sg[i] = NULL;
	} else { /* a cut */
		attrs_copy(&resources[WORLD_SG].shape, &a, &g->a);
		a.cuts++;
		world_obj_set(l->w, &g->obj, &a);
		attrs_fini(&resources[WORLD_SG].shape, &a);
		world_settle(l->w, &g->obj, WORLD_ATTRS);
	}
}

static void remote_of(struct lab *l, struct sg_rule_attrs *a)
{
	struct addrgroup *group = l->group[pick(N_GROUPS)];
	struct sg *sg = l->sg[pick(N_SGS)];

	switch (pick(4)) {
	case 0:
		if (sg)
			strcpy(a->remote_group_id, sg->a.id);
		break;
	case 1:
		if (group)
			strcpy(a->remote_address_group_id, group->a.id);
		break;
	case 2:
		a->remote_ip_prefix =
			a->ethertype == ETHER_IPV6
				? (struct ip_prefix){ { 6, { 0xfd, (uint8_t)pick(3) } }, 13 }
				: (struct ip_prefix){ { 4, { 10, (uint8_t)pick(3) } }, 23 };
		break;
	default:
		break;
	}
}

static void rule_step(struct lab *l, int i)
{
	static const char *const protocols[] = { "tcp", "udp", "icmp", "112", NULL };
	struct sg *g = l->sg[pick(N_SGS)];
	const char *protocol = protocols[pick(5)];
	struct sg_rule_attrs a;

	if (l->rule[i]) {
		deleted(l, &l->rule[i]->obj);
		l->rule[i] = NULL;
		return;
	}
	if (!g)
		return;
	attrs_init(&resources[WORLD_SG_RULE].shape, &a);
	uuid(l, a.id);
	strcpy(a.security_group_id, g->a.id);
	a.direction = pick(2) ? SG_INGRESS : SG_EGRESS;
	a.ethertype = pick(2) ? ETHER_IPV4 : ETHER_IPV6;
	a.protocol = protocol ? mem_str(protocol) : NULL;
	if (protocol && protocol[0] != '1' && pick(2)) {
		a.port_range_min = (uint32_t)pick(250);
		a.port_range_max = a.port_range_min + (uint32_t)pick(5);
	}
	remote_of(l, &a);
	l->rule[i] = added(l, WORLD_SG_RULE, &a);
}

static void group_step(struct lab *l, int i)
{
	struct addrgroup *g = l->group[i];
	struct addrgroup_attrs a;

	if (g && !g->set.users && !pick(3)) {
		deleted(l, &g->obj);
		l->group[i] = NULL;
		return;
	}
	if (g)
		attrs_copy(&resources[WORLD_ADDRGROUP].shape, &a, &g->a);
	else
		attrs_init(&resources[WORLD_ADDRGROUP].shape, &a);
	attr_clear(attr_find(&resources[WORLD_ADDRGROUP].shape, "addresses"), &a);
	a.n_addresses = (size_t)pick(4);
	a.addresses = a.n_addresses ? mem_array(a.n_addresses, sizeof(char *)) : NULL;
	for (size_t k = 0; k < a.n_addresses; k++)
		a.addresses[k] =
			mem_printf(k % 2 ? "fd00::%u/%u" : "10.0.0.%u/%u", (unsigned int)pick(8),
				   (unsigned int)pick(k % 2 ? 129 : 33));
	if (!g) {
		uuid(l, a.id);
		a.index = world_index_get(l->w, WORLD_ADDRGROUP);
		l->group[i] = added(l, WORLD_ADDRGROUP, &a);
		return;
	}
	world_obj_set(l->w, &g->obj, &a);
	attrs_fini(&resources[WORLD_ADDRGROUP].shape, &a);
	world_settle(l->w, &g->obj, WORLD_ATTRS);
}

static void add_port(struct lab *l, int i)
{
	struct net *n = l->net[i < N_PORTS / 2 ? pick(3) * 2 : pick(2) * 2 + 1];
	struct port_attrs a = { .admin_state_up = true };

	if (!n)
		return;
	uuid(l, a.id);
	strcpy(a.network_id, n->a.id);
	a.name = mem_str("p");
	a.description = mem_str("");
	a.tenant_id = mem_str("t");
	a.device_id = mem_str("");
	a.device_owner = mem_str("");
	a.index = world_index_get(l->w, WORLD_PORT);
	a.port_security_enabled = pick(4) != 0;
	memcpy(a.mac_address,
	       (uint8_t[]){ 2, 0, 0, 0, (uint8_t)(l->serial >> 8), (uint8_t)l->serial }, 6);
	some_addresses(&a, i);
	some_groups(l, &a);
	l->port[i] = (struct port *)world_obj_add(l->w, WORLD_PORT, &a);
	assert_non_null(l->port[i]);
	world_settle(l->w, &l->port[i]->obj, WORLD_ADDED);
}

static void del_port(struct lab *l, int i)
{
	struct port *p = l->port[i];

	l->port[i] = NULL;
	world_obj_unlink(l->w, &p->obj);
	world_settle(l->w, &p->obj, WORLD_DELETED);
}

static void del_net(struct lab *l, int i)
{
	struct net *n = l->net[i];

	if (n->n_ports)
		return;
	l->net[i] = NULL;
	world_obj_unlink(l->w, &n->obj);
	world_settle(l->w, &n->obj, WORLD_DELETED);
}

static void toggle(struct lab *l, struct world_obj *o, bool *flag)
{
	*flag = !*flag;
	world_settle(l->w, o, WORLD_ATTRS);
}

/* A device for the port comes or goes on some switch. */
static void plug(struct lab *l, struct port *p)
{
	struct sw *sw = l->sw[pick(N_SW)];
	struct sw_port_info info = { .ofport = 10 + p->a.index,
				     .name = "x",
				     .iface_id = p->a.id,
				     .mtu = 1500,
				     .admin_up = true,
				     .link_up = true };

	if (sw_port_find(sw, info.ofport) && !pick(4))
		world_switch_port_del(l->w, sw, info.ofport);
	else
		world_switch_port_set(l->w, sw, &info);
}

static void move_vtep(struct lab *l)
{
	struct sw *sw = l->sw[pick(N_SW)];
	struct vtep v = sw->vtep;

	v.addr.family = v.addr.family ? 0 : 4;
	memcpy(v.addr.b,
	       v.addr.family ? (uint8_t[]){ 192, 0, 2, (uint8_t)pick(250) }
			     : (uint8_t[]){ 0, 0, 0, 0 },
	       4);
	v.ofport = v.addr.family ? 2 : 0;
	world_vtep_set(l->w, sw, &v);
}

static void move_uplink(struct lab *l)
{
	struct sw *sw = l->sw[pick(N_SW)];
	struct sw_port_info up = {
		.ofport = 1, .name = "up0", .mtu = 1500, .admin_up = true, .link_up = true
	};

	up.physnet = sw_port_by_physnet(sw, "physnet1") ? NULL : "physnet1";
	world_switch_port_set(l->w, sw, &up);
}

/* A session is lost; for too long; is back. */
static void lose_switch(struct lab *l)
{
	struct sw *sw = l->sw[pick(N_SW)], *same;

	if (sw->up)
		world_switch_down(l->w, sw);
	else if (!sw->gone && pick(2))
		world_switch_gone(l->w, sw);
	else
		assert_int_equal(
			world_switch_up(l->w, sw->dpid, sw->host->id, sw->host->id, "", "", &same),
			0);
}

static void step(struct lab *l)
{
	int n = pick(N_NETS), p = pick(N_PORTS);

	switch (pick(32)) {
	case 0:
		l->net[n] ? del_net(l, n) : add_net(l, n);
		break;
	case 1:
		if (l->net[n] && (!l->net[n]->a.admin_state_up || !pick(4)))
			toggle(l, &l->net[n]->obj, &l->net[n]->a.admin_state_up);
		break;
	case 2:
		move_vtep(l);
		break;
	case 3:
		move_uplink(l);
		break;
	case 4:
		if (l->port[p] && (!l->port[p]->a.admin_state_up || !pick(4)))
			toggle(l, &l->port[p]->obj, &l->port[p]->a.admin_state_up);
		break;
	case 5:
		if (l->port[p])
			toggle(l, &l->port[p]->obj, &l->port[p]->a.port_security_enabled);
		break;
	case 6:
		l->port[p] ? del_port(l, p) : add_port(l, p);
		break;
	case 7:
	case 8:
		if (l->port[p])
			change_port(l, p);
		break;
	case 9:
		sg_step(l, pick(N_SGS));
		break;
	case 10:
	case 11:
	case 12:
		rule_step(l, pick(N_RULES));
		break;
	case 14:
	case 15:
		lose_switch(l);
		break;
	case 13:
		group_step(l, pick(N_GROUPS));
		break;
	default:
		if (l->port[p])
			plug(l, l->port[p]);
		else
			add_port(l, p);
		break;
	}
	world_tell(l->w);
}

/* ---- the oracle ---- */

static void compare(struct lab *l, int i, int at)
{
	struct ledger full;
	struct derive d;
	ledger_init(&full);
	derive_init(&d, l->w, l->sw[i], &full);
	derive_all(&d);
	assert_true(derive_run(&d) >= 0);
	if (full.n_flows != l->ledger[i].n_flows || full.n_groups != l->ledger[i].n_groups)
		fail_msg("step %d, switch %d: %zu flows and %zu groups, a full derivation has %zu "
			 "and %zu",
			 at, i, l->ledger[i].n_flows, l->ledger[i].n_groups, full.n_flows,
			 full.n_groups);
	assert_true(wants_all(&l->ledger[i], &full));
	derive_fini(&d);
	ledger_fini(&full);
}

static void incremental_is_full(void **state)
{
	static struct lab l;
	size_t most = 0;

	for (unsigned int seed = 1; seed <= 3; seed++) {
		srand(seed);
		setup(&l);
		for (int at = 0; at < STEPS; at++) {
			step(&l);
			for (int i = 0; i < N_SW; i++) {
				if (at % 5 == 0)
					compare(&l, i, at);
				if (l.ledger[i].n_flows > most)
					most = l.ledger[i].n_flows;
			}
		}
		assert_int_equal(l.derive[0].fs.refused, 0);
		teardown(&l);
	}
	print_message("at most %zu flows on one switch\n", most);
	assert_true(most > 100); /* or nothing was tested */
}

/* ---- the ledger: what is sent, and what becomes of it ---- */

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
		cmocka_unit_test(incremental_is_full),
		cmocka_unit_test(ledger_follows_answers),
		cmocka_unit_test(reading_finds_drift),
		cmocka_unit_test(pipeline_is_enforced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

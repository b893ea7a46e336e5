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
#include "tests/unit/controller_lab.h"
#include "tests/unit/controller_ledger.h"

/* ---- steps ---- */

static int pick(int n)
{
	return rand() % n;
}

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

/* Two networks have the same prefix each, and no router has both. */
static struct ip_addr address(int net, int v6, int last)
{
	struct ip_addr ip = { v6 ? 6 : 4, { v6 ? 0xfd : 10 } };

	ip.b[2] = (uint8_t)(net & ~1);
	ip.b[v6 ? 15 : 3] = (uint8_t)last;
	return ip;
}

static void add_subnet(struct lab *l, int i, int v6)
{
	struct subnet_attrs a;

	attrs_init(&resources[WORLD_SUBNET].shape, &a);
	uuid(l, a.id);
	strcpy(a.network_id, l->net[i]->a.id);
	a.cidr = (struct ip_prefix){ address(i, v6, 0), v6 ? 64 : 24 };
	a.ip_version = v6 ? 6 : 4;
	if (i == N_NETS - 1)
		a.gateway_ip = address(i, v6, 99);
	l->subnet[i][v6] = added(l, WORLD_SUBNET, &a);
}

static void add_net(struct lab *l, int i)
{
	struct net_attrs a = { .admin_state_up = true, .mtu = 1450, .port_security_enabled = true };

	uuid(l, a.id);
	a.name = mem_str("n");
	a.description = mem_str("");
	a.tenant_id = mem_str("t");
	a.index = world_index_get(l->w, WORLD_NET);
	a.type = i < N_NETS - 1 && pick(3) ? NET_VXLAN : NET_VLAN;
	a.segment = 100 + l->serial;
	a.physnet = a.type == NET_VLAN ? mem_str("physnet1") : NULL;
	l->net[i] = added(l, WORLD_NET, &a);
	for (int v6 = 0; v6 < 2; v6++)
		add_subnet(l, i, v6);
}

/* ---- security groups ---- */

/* Two ports have the same one each, in different networks. */
static void some_addresses(struct lab *l, struct port_attrs *a, int i)
{
	int net = 0;

	while (!l->net[net] || strcmp(l->net[net]->a.id, a->network_id) != 0)
		net++;
	a->n_fixed_ips = (size_t)pick(3);
	a->fixed_ips = a->n_fixed_ips ? mem_array(a->n_fixed_ips, sizeof(*a->fixed_ips)) : NULL;
	for (size_t k = 0; k < a->n_fixed_ips; k++) {
		strcpy(a->fixed_ips[k].subnet_id, l->subnet[net][k]->a.id);
		a->fixed_ips[k].ip_address = address(net, (int)k, i % (N_PORTS / 2));
	}
	a->n_allowed_address_pairs = pick(4) ? 0 : 1;
	if (!a->n_allowed_address_pairs)
		return;
	a->allowed_address_pairs = mem_array(1, sizeof(*a->allowed_address_pairs));
	memcpy(a->allowed_address_pairs[0].mac_address, a->mac_address, 6);
	a->allowed_address_pairs[0].ip_address =
		(struct ip_prefix){ { 4, { 10, (uint8_t)pick(256), 3 } }, (uint8_t)(pick(33)) };
	/* Or an address that another port may have. */
	if (pick(4)) {
		int v6 = pick(2);

		a->allowed_address_pairs[0].ip_address =
			(struct ip_prefix){ address(net, v6, pick(N_PORTS / 2)),
					    (uint8_t)((v6 ? 128 : 32) - (pick(3) ? 0 : 4)) };
	}
}

/* A port's are all stateful, or none is. */
static void some_groups(struct lab *l, struct port_attrs *a)
{
	const bool stateful = pick(3);

	a->security_groups = mem_array(N_SGS, sizeof(char *));
	a->n_security_groups = 0;
	for (int i = 0; i < N_SGS && a->port_security_enabled; i++)
		if (l->sg[i] && l->sg[i]->a.stateful == stateful && !pick(3))
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
	some_addresses(l, &a, i);
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
		a.stateful = pick(2);
		l->sg[i] = added(l, WORLD_SG, &a);
	} else if (!g->n_ports && !g->set.users && !g->rules) {
		deleted(l, &g->obj);
		l->sg[i] = NULL;
	} else { /* a cut */
		attrs_copy(&resources[WORLD_SG].shape, &a, &g->a);
		a.cuts++;
		if (!g->n_ports)
			a.stateful = pick(2);
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
	struct port_attrs a;

	if (!n)
		return;
	attrs_init(&resources[WORLD_PORT].shape, &a);
	uuid(l, a.id);
	strcpy(a.network_id, n->a.id);
	free(a.tenant_id);
	a.tenant_id = mem_str("t");
	a.index = world_index_get(l->w, WORLD_PORT);
	a.port_security_enabled = pick(4) != 0;
	memcpy(a.mac_address,
	       (uint8_t[]){ 2, 0, 0, 0, (uint8_t)(l->serial >> 8), (uint8_t)l->serial }, 6);
	some_addresses(l, &a, i);
	some_groups(l, &a);
	l->port[i] = added(l, WORLD_PORT, &a);
}

/* ---- routers ---- */

static void toggle(struct lab *l, struct world_obj *o, bool *flag)
{
	*flag = !*flag;
	world_settle(l->w, o, WORLD_ATTRS);
}

static struct port *add_service_port(struct lab *l, int net, const char *owner, const char *device,
				     uint8_t last)
{
	struct port_attrs a;

	attrs_init(&resources[WORLD_PORT].shape, &a);
	uuid(l, a.id);
	strcpy(a.network_id, l->net[net]->a.id);
	a.index = world_index_get(l->w, WORLD_PORT);
	free(a.device_owner);
	free(a.device_id);
	a.device_owner = mem_str(owner);
	a.device_id = mem_str(device);
	a.port_security_enabled = false;
	memcpy(a.mac_address,
	       (uint8_t[]){ 6, 0, 0, 0, (uint8_t)(l->serial >> 8), (uint8_t)l->serial }, 6);
	a.n_fixed_ips = 2;
	a.fixed_ips = mem_array(2, sizeof(*a.fixed_ips));
	for (int v6 = 0; v6 < 2; v6++) {
		strcpy(a.fixed_ips[v6].subnet_id, l->subnet[net][v6]->a.id);
		a.fixed_ips[v6].ip_address = address(net, v6, last);
	}
	return added(l, WORLD_PORT, &a);
}

static void del_floating(struct lab *l, int i)
{
	struct port *outer = l->floating[i]->outer;

	deleted(l, &l->floating[i]->obj);
	deleted(l, &outer->obj);
	l->floating[i] = NULL;
}

/* Several floating IPs may lead to one address here, but for the routers' sake they do not. */
static void floating_step(struct lab *l, int i)
{
	struct port *p = l->port[pick(N_PORTS)];
	int r = pick(N_ROUTERS);
	struct floatingip_attrs a;

	if (l->floating[i]) {
		del_floating(l, i);
		return;
	}
	if (!p || !p->a.n_fixed_ips || p->floatingips || !l->leg[r][N_NETS - 1])
		return;
	attrs_init(&resources[WORLD_FLOATINGIP].shape, &a);
	uuid(l, a.id);
	strcpy(a.network_id, l->net[N_NETS - 1]->a.id);
	strcpy(a.port_id, p->a.id);
	strcpy(a.router_id, l->router[r]->a.id);
	strcpy(a.outer_id,
	       add_service_port(l, N_NETS - 1, "network:floatingip", a.id, (uint8_t)(220 + i))
		       ->a.id);
	a.index = world_index_get(l->w, WORLD_FLOATINGIP);
	a.address = address(N_NETS - 1, 0, 220 + i);
	a.fixed_ip = p->a.fixed_ips[0].ip_address;
	l->floating[i] = added(l, WORLD_FLOATINGIP, &a);
}

static void leg_step(struct lab *l, int r, int net)
{
	struct port *p = l->leg[r][net];

	if (!l->net[net])
		return;
	if (!p && net < N_NETS - 1 && l->leg[r][net ^ 1])
		return;
	if (!p) {
		l->leg[r][net] = add_service_port(
			l, net,
			net == N_NETS - 1 ? "network:router_gateway" : "network:router_interface",
			l->router[r]->a.id, (uint8_t)(200 + r));
		return;
	}
	for (int i = 0; i < N_FLOATING; i++)
		if (l->floating[i] && l->floating[i]->router == l->router[r])
			del_floating(l, i);
	l->leg[r][net] = NULL;
	deleted(l, &p->obj);
}

static void neigh_step(struct lab *l, int net)
{
	struct ip_addr ip = address(net, pick(2), pick(N_PORTS / 2));
	uint8_t mac[6] = { 2, 9, 0, 0, 0, (uint8_t)pick(4) };
	struct neigh *n;

	if (!l->net[net])
		return;
	n = world_neigh_find(l->w, l->net[net], &ip);
	if (n && pick(2))
		world_neigh_forget(l->w, n);
	else
		assert_int_equal(world_neigh_set(l->w, l->net[net], &ip, mac, NULL), 0);
}

/* Next hops that share a destination, ports or nobody, in a network or two. */
static void routes_step(struct lab *l, struct router *r)
{
	const struct shape *s = &resources[WORLD_ROUTER].shape;
	int net = pick(N_NETS - 1);
	struct router_attrs a;

	attrs_copy(s, &a, &r->a);
	attr_clear(attr_find(s, "routes"), &a);
	a.n_routes = (size_t)pick(6);
	a.routes = a.n_routes ? mem_array(a.n_routes, sizeof(*a.routes)) : NULL;
	for (size_t i = 0; i < a.n_routes; i++) {
		const int v6 = i > 3;

		a.routes[i].destination =
			(struct ip_prefix){ { v6 ? 6 : 4, { v6 ? 0xfc : 172 } }, v6 ? 16 : 12 };
		a.routes[i].nexthop =
			address(pick(4) ? net : pick(N_NETS - 1), v6, pick(N_PORTS / 2));
	}
	world_obj_set(l->w, &r->obj, &a);
	attrs_fini(s, &a);
	world_settle(l->w, &r->obj, WORLD_ATTRS);
}

static void router_step(struct lab *l)
{
	int r = pick(N_ROUTERS);

	if (!l->router[r]) {
		struct router_attrs a;

		attrs_init(&resources[WORLD_ROUTER].shape, &a);
		uuid(l, a.id);
		a.index = world_index_get(l->w, WORLD_ROUTER);
		a.transit = 5000 + (uint32_t)r;
		l->router[r] = added(l, WORLD_ROUTER, &a);
		return;
	}
	switch (pick(10)) {
	case 8:
	case 9:
		routes_step(l, l->router[r]);
		break;
	case 0:
		toggle(l, &l->router[r]->obj, &l->router[r]->a.admin_state_up);
		break;
	case 1:
	case 2:
		floating_step(l, pick(N_FLOATING));
		break;
	case 3:
	case 4:
		neigh_step(l, pick(N_NETS));
		break;
	default:
		leg_step(l, r, pick(N_NETS));
		break;
	}
}

static void del_port(struct lab *l, int i)
{
	struct port *p = l->port[i];

	for (int k = 0; k < N_FLOATING; k++)
		if (l->floating[k] && l->floating[k]->port == p)
			del_floating(l, k);
	l->port[i] = NULL;
	deleted(l, &p->obj);
}

static void del_net(struct lab *l, int i)
{
	struct net *n = l->net[i];

	if (n->n_ports)
		return;
	for (int v6 = 0; v6 < 2; v6++)
		deleted(l, &l->subnet[i][v6]->obj);
	l->net[i] = NULL;
	deleted(l, &n->obj);
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
	case 16:
	case 17:
	case 18:
		router_step(l);
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

	for (unsigned int seed = 1; seed <= 6; seed++) {
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(incremental_is_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

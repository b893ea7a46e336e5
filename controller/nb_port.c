/* SPDX-License-Identifier: Apache-2.0 */
/* Ports: MAC and IP addresses, address pairs, binding. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controller/dhcp_opt.h"
#include "controller/ipam.h"
#include "controller/mem.h"
#include "controller/nb.h"
#include "controller/nb_sg.h"

static bool given(uint64_t rows, const char *attr)
{
	return nb_given(&resources[WORLD_PORT], rows, attr);
}

bool nb_port_goes_along(const struct port *p)
{
	return !strcmp(p->a.device_owner, "network:dhcp") ||
	       !strcmp(p->a.device_owner, "network:distributed");
}

/* ---- MAC address ---- */

static int mac_choose(struct nb_request *q, const struct net *n, struct port_attrs *a, bool chosen,
		      const struct port *self, struct nb_error *e)
{
	static const uint8_t none[6];
	const struct port *user;
	char text[MAC_TEXT];

	if (chosen && memcmp(a->mac_address, none, 6)) { /* null: another one */
		user = world_port_by_mac(q->nb->world, n, a->mac_address);
		if (user && user != self)
			return nb_refuse(e, MacAddressInUse, mac_format(a->mac_address, text),
					 n->a.id, user->a.id);
		return 0;
	}
	for (int i = 0; i < 64; i++) {
		nb_mac(a->mac_address);
		if (!world_port_by_mac(q->nb->world, n, a->mac_address))
			return 0;
	}
	return nb_refuse(e, NetworkMacAddressGenerationFailure, n->a.id);
}

/* Who is plugged in has its MAC address already. */
static int mac_bound_check(const struct port *self, const struct port_attrs *a, struct nb_error *e)
{
	const char *vif = nb_vif_type(self->host, self->a.vnic_type, self->spec);
	char was[MAC_TEXT], to[MAC_TEXT];

	if (!memcmp(self->a.mac_address, a->mac_address, 6) || !strcmp(vif, "unbound") ||
	    !strcmp(vif, "binding_failed"))
		return 0;
	return nb_refuse(e, PortBound, self->a.id, vif, mac_format(self->a.mac_address, was),
			 mac_format(a->mac_address, to));
}

/* ---- IP addresses ---- */

struct choice {
	const struct net *net;
	const struct port *self; /* NULL on create */
	struct port_attrs *a;
	struct fixed_ip got[64];
	struct ip_addr addrs[64]; /* the same addresses */
	size_t n;
};

static int choice_add(struct choice *c, const struct subnet *s, const struct ip_addr *ip,
		      struct nb_error *e)
{
	const struct port *user = ipam_user(s, ip);
	char text[IP_TEXT];
	bool twice = false;

	for (size_t i = 0; i < c->n; i++)
		twice |= !ip_cmp(&c->addrs[i], ip);
	if (twice || (user && user != c->self))
		return nb_refuse(e, IpAddressAlreadyAllocated, ip_format(ip, text), s->a.id);
	if (c->n == 64)
		return nb_say(e, InvalidInput, "A port has at most 64 addresses.");
	memcpy(c->got[c->n].subnet_id, s->a.id, UUID_TEXT);
	c->got[c->n].ip_address = *ip;
	c->addrs[c->n++] = *ip;
	return 0;
}

static bool has_free(struct choice *c, struct subnet *s, struct ip_addr *ip)
{
	if (subnet_is_auto(&s->a)) {
		*ip = ip_eui64(&s->a.cidr, c->a->mac_address);
		return true;
	}
	return !ipam_next(s, c->addrs, c->n, ip);
}

/* An address that the port has in the subnet already, and has not been given back yet. */
static bool has_kept(const struct choice *c, const struct subnet *s, struct ip_addr *ip)
{
	for (size_t i = 0; c->self && i < c->self->a.n_fixed_ips; i++) {
		const struct fixed_ip *f = &c->self->a.fixed_ips[i];
		bool taken = strcmp(f->subnet_id, s->a.id) != 0;

		for (size_t j = 0; j < c->n; j++)
			taken |= !ip_cmp(&c->addrs[j], &f->ip_address);
		for (size_t j = 0; j < c->a->n_fixed_ips; j++)
			taken |= !ip_cmp(&c->a->fixed_ips[j].ip_address, &f->ip_address);
		if (!taken) {
			*ip = f->ip_address;
			return true;
		}
	}
	return false;
}

static int exhausted(const struct net *n, struct nb_error *e)
{
	return nb_refuse(e, IpAddressGenerationFailure, n->a.id);
}

/* { "subnet_id": S }: any address of S. */
static int any_of_subnet(struct choice *c, struct subnet *s, struct nb_error *e)
{
	struct ip_addr ip;

	if (!(!subnet_is_auto(&s->a) && has_kept(c, s, &ip)) && !has_free(c, s, &ip))
		return exhausted(c->net, e);
	return choice_add(c, s, &ip, e);
}

static struct subnet *subnet_of(const struct choice *c, const struct ip_addr *ip)
{
	for (NET_EACH_SUBNET(s, c->net))
		if (ip_prefix_has(&s->a.cidr, ip) && nb_subnet_serves(s, c->a->device_owner))
			return s;
	return NULL;
}

/* { "ip_address": A } or both. */
static int certain_address(struct choice *c, struct subnet *s, const struct ip_addr *ip,
			   struct nb_error *e)
{
	char text[IP_TEXT];
	struct ip_addr own;

	ip_format(ip, text);
	if (!s) {
		s = subnet_of(c, ip);
		if (s && !ipam_fits(&s->a.cidr, ip))
			s = NULL;
	}
	if (!s)
		return nb_refuse(e, InvalidIpForNetwork, text, c->net->a.id);
	if (!ipam_fits(&s->a.cidr, ip))
		return nb_refuse(e, InvalidIpForSubnet, text, s->a.id);
	own = ip_eui64(&s->a.cidr, c->a->mac_address);
	/* A router is who says how they are formed, and has what the subnet says. */
	if (subnet_is_auto(&s->a) && ip_cmp(&own, ip) &&
	    strncmp(c->a->device_owner, "network:router_", 15))
		return nb_say(e, InvalidInput,
			      "IPv6 address %s cannot be chosen in subnet %s: hosts there form it "
			      "from their MAC address.",
			      text, s->a.id);
	return choice_add(c, s, ip, e);
}

static int fixed_ip_choose(struct nb_request *q, struct choice *c, const struct fixed_ip *f,
			   struct nb_error *e)
{
	struct subnet *s = NULL;

	if (f->subnet_id[0]) {
		s = world_subnet_find(q->nb->world, f->subnet_id);
		/* Who may have a port on the network may name its subnets. */
		if (!s || (s->net != c->net && !nb_sees(&q->who, &s->obj)))
			return nb_fail_not_found(e, &resources[WORLD_SUBNET], f->subnet_id);
		if (s->net != c->net || !nb_subnet_serves(s, c->a->device_owner))
			return nb_say(e, InvalidInput,
				      "Failed to create port on network %s, because fixed_ips "
				      "included invalid subnet %s.",
				      c->net->a.id, s->a.id);
	}
	if (f->ip_address.family)
		return certain_address(c, s, &f->ip_address, e);
	if (!s)
		return nb_say(e, InvalidInput,
			      "An element of fixed_ips has a subnet_id or an ip_address.");
	return any_of_subnet(c, s, e);
}

struct wish {
	bool wanted[2], got[2]; /* IPv4, IPv6 */
	size_t served;
};

/* Of subnets that are for certain services ('typed'), or of the others. */
static int addresses_from(struct choice *c, bool typed, struct wish *x, struct nb_error *e)
{
	struct ip_addr ip;

	for (NET_EACH_SUBNET(s, c->net)) {
		int v6 = s->a.ip_version == 6;

		if (!!s->a.n_service_types != typed || !nb_subnet_serves(s, c->a->device_owner))
			continue;
		x->served++;
		if (subnet_is_auto(&s->a)) {
			if (any_of_subnet(c, s, e))
				return -1;
			continue;
		}
		x->wanted[v6] = true;
		if (x->got[v6] || !has_free(c, s, &ip))
			continue;
		if (choice_add(c, s, &ip, e))
			return -1;
		x->got[v6] = true;
	}
	return 0;
}

/* Nothing asked for: one IPv4 and one IPv6 address, and what the host forms by itself. */
static int addresses_default(struct choice *c, struct nb_error *e)
{
	struct wish x = { .served = 0 };

	if (addresses_from(c, true, &x, e) || addresses_from(c, false, &x, e))
		return -1;
	if (c->net->subnets && !x.served)
		return nb_refuse(e, IpAddressGenerationFailureNoMatchingSubnet, c->net->a.id,
				 c->a->device_owner);
	if (x.wanted[0] > x.got[0] || x.wanted[1] > x.got[1])
		return exhausted(c->net, e);
	return 0;
}

/* A router's addresses are changed where the router is. */
static int router_port_check(const struct port *self, uint64_t rows, struct nb_error *e)
{
	if (self->router && given(rows, "fixed_ips"))
		return nb_say(e, BadRequest, "The addresses of port %s are those of router %s.",
			      self->a.id, self->router->a.id);
	return 0;
}

/* What a client wrote; what is chosen later differs anyway. */
static int twice_check(const struct port_attrs *a, struct nb_error *e)
{
	for (size_t i = 0; i < a->n_fixed_ips; i++)
		for (size_t j = 0; j < i && a->fixed_ips[i].ip_address.family; j++)
			if (!ip_cmp(&a->fixed_ips[i].ip_address, &a->fixed_ips[j].ip_address))
				return nb_fail_attr(e, "fixed_ips", "an address is there twice");
	return 0;
}

static int addresses_choose(struct nb_request *q, const struct net *n, struct port_attrs *a,
			    bool chosen, const struct port *self, struct nb_error *e)
{
	struct choice c = { .net = n, .a = a, .self = self };
	int rc = 0;

	if (!chosen)
		rc = addresses_default(&c, e);
	/* Certain addresses first, so that "any of" does not take one of them. */
	for (size_t i = 0; chosen && i < a->n_fixed_ips && !rc; i++)
		if (a->fixed_ips[i].ip_address.family)
			rc = fixed_ip_choose(q, &c, &a->fixed_ips[i], e);
	for (size_t i = 0; chosen && i < a->n_fixed_ips && !rc; i++)
		if (!a->fixed_ips[i].ip_address.family)
			rc = fixed_ip_choose(q, &c, &a->fixed_ips[i], e);
	if (rc)
		return rc;
	free(a->fixed_ips);
	a->fixed_ips = c.n ? mem_dup(c.got, c.n * sizeof(*c.got)) : NULL;
	a->n_fixed_ips = c.n;
	return 0;
}

/* ---- address pairs, binding ---- */

static bool same_pair(const struct address_pair *a, const struct address_pair *b)
{
	return a->ip_address.len == b->ip_address.len &&
	       !ip_cmp(&a->ip_address.addr, &b->ip_address.addr) &&
	       !memcmp(a->mac_address, b->mac_address, 6);
}

/* A pair without a MAC address means the port's own. */
static int pairs_check(struct port_attrs *a, struct nb_error *e)
{
	static const uint8_t none[6];
	char text[PREFIX_TEXT];

	if (a->n_allowed_address_pairs && !a->port_security_enabled)
		return nb_refuse(e, AddressPairAndPortSecurityRequired);
	for (size_t i = 0; i < a->n_allowed_address_pairs; i++) {
		struct address_pair *pair = &a->allowed_address_pairs[i];

		if (!memcmp(pair->mac_address, none, 6))
			memcpy(pair->mac_address, a->mac_address, 6);
		for (size_t j = 0; j < i; j++)
			if (same_pair(pair, &a->allowed_address_pairs[j]))
				return nb_refuse(e, DuplicateAddressPairInRequest,
						 ip_prefix_format(&pair->ip_address, text));
	}
	return 0;
}

/* ---- DHCP options ---- */

static bool same_opt(const struct extra_dhcp_opt *a, const struct extra_dhcp_opt *b)
{
	return a->ip_version == b->ip_version && !strcmp(a->opt_name, b->opt_name);
}

static struct extra_dhcp_opt *opt_among(struct extra_dhcp_opt *list, size_t n,
					const struct extra_dhcp_opt *x)
{
	for (size_t i = 0; i < n; i++)
		if (same_opt(&list[i], x))
			return &list[i];
	return NULL;
}

/* What was given, over what the port has: null takes one away, others stay as they are. */
static void opts_merge(const struct port *self, struct port_attrs *a)
{
	size_t n_old = self ? self->a.n_extra_dhcp_opts : 0, n = 0;
	struct extra_dhcp_opt *all = mem_array(n_old + a->n_extra_dhcp_opts + 1, sizeof(*all));

	for (size_t i = 0; i < n_old; i++) {
		const struct extra_dhcp_opt *x = &self->a.extra_dhcp_opts[i];

		if (opt_among(a->extra_dhcp_opts, a->n_extra_dhcp_opts, x))
			continue;
		all[n++] = (struct extra_dhcp_opt){ mem_str(x->opt_name), mem_str(x->opt_value),
						    x->ip_version };
	}
	for (size_t i = 0; i < a->n_extra_dhcp_opts; i++) {
		struct extra_dhcp_opt *x = &a->extra_dhcp_opts[i];

		if (x->opt_value) {
			all[n++] = *x;
			continue;
		}
		free(x->opt_name);
	}
	free(a->extra_dhcp_opts);
	a->extra_dhcp_opts = all;
	a->n_extra_dhcp_opts = n;
}

static int opt_check(const struct extra_dhcp_opt *x, size_t *bytes, struct nb_error *e)
{
	static const char row[] = "extra_dhcp_opts";
	struct dhcp_opt o;

	if (x->ip_version == 5)
		return nb_fail_attr(e, row, "'5' is not in [4, 6]");
	switch (dhcp_opt_read(x, &o)) {
	case 0:
		*bytes += o.n + (x->ip_version == 4 ? 2 : 4);
		return 0;
	case -ENOENT:
		return nb_fail_attr(e, row, "'%.64s' is no DHCP option of IP version %u",
				    x->opt_name, x->ip_version);
	case -EPERM:
		return nb_fail_attr(e, row, "option '%.64s' is said by the answer itself",
				    x->opt_name);
	default:
		return nb_fail_attr(e, row, "'%.64s' is not a value of option '%.64s'",
				    x->opt_value, x->opt_name);
	}
}

static int opts_judge(const struct port *self, struct port_attrs *a, struct nb_error *e)
{
	size_t bytes[2] = { 0 };

	for (size_t i = 0; i < a->n_extra_dhcp_opts; i++) {
		const struct extra_dhcp_opt *x = &a->extra_dhcp_opts[i];

		if (opt_check(x, &bytes[x->ip_version == 6], e))
			return -1;
		if (opt_among(a->extra_dhcp_opts, i, x))
			return nb_fail_attr(e, "extra_dhcp_opts", "'%.64s' is given twice",
					    x->opt_name);
	}
	opts_merge(self, a);
	bytes[0] = bytes[1] = 0;
	for (size_t i = 0; i < a->n_extra_dhcp_opts; i++)
		opt_check(&a->extra_dhcp_opts[i], &bytes[a->extra_dhcp_opts[i].ip_version == 6], e);
	if (a->n_extra_dhcp_opts > 32 || bytes[0] > DHCP_OPTS_MAX || bytes[1] > DHCP_OPTS_MAX)
		return nb_fail_attr(e, "extra_dhcp_opts",
				    "a port has at most 32 of them, of %d bytes", DHCP_OPTS_MAX);
	return 0;
}

static int opts_check(const struct port *self, struct port_attrs *a, struct nb_error *e)
{
	const struct resource *r = &resources[WORLD_PORT];

	if (!opts_judge(self, a, e))
		return 0;
	return nb_refused(r, attr_find(&r->shape, "extra_dhcp_opts"), NULL, e);
}

/* What other programs put in their profiles is theirs; only our own key is looked at. */
int nb_port_profile_check(const char *text, struct nb_error *e)
{
	json_t *profile = text ? json_loads(text, 0, NULL) : NULL;
	json_t *spec = json_object_get(profile, "weft_spec");
	int rc = 0;

	if (spec && (!json_is_string(spec) || !json_string_length(spec) ||
		     json_string_length(spec) > 1024 || !strchr(json_string_value(spec), ':')))
		rc = nb_fail_attr(e, "binding:profile",
				  "weft_spec is a port's SPEC as weft-switch has it, for instance "
				  "af_packet:eth1");
	json_decref(profile);
	return rc;
}

/* ---- hooks ---- */

static int port_create(struct nb_request *q, void *p, uint64_t rows, struct nb_error *e)
{
	struct port_attrs *a = p;
	struct world_obj *o = nb_find(q, &resources[WORLD_NET], a->network_id, e);
	struct net *n = (struct net *)o;

	if (!o)
		return -1;
	if (!given(rows, "port_security_enabled"))
		a->port_security_enabled = n->a.port_security_enabled;
	if (twice_check(a, e) || mac_choose(q, n, a, given(rows, "mac_address"), NULL, e) ||
	    addresses_choose(q, n, a, given(rows, "fixed_ips"), NULL, e) || pairs_check(a, e) ||
	    opts_check(NULL, a, e) || nb_port_dns_check(a, e) ||
	    nb_port_profile_check(a->profile, e) || nb_sg_port_create(q, a, rows, e))
		return -1;
	a->index = world_index_get(q->nb->world, WORLD_PORT);
	if (a->index == NUM_NONE)
		return nb_say(e, ServiceUnavailable, "There are %d ports already.", INDEX_MAX);
	return 0;
}

struct port *nb_port_add(struct nb_request *q, const struct nb_port_spec *spec, struct nb_error *e)
{
	const struct resource *r = &resources[WORLD_PORT];
	struct world_obj *o = NULL;
	struct port_attrs a;

	attrs_init(&r->shape, &a);
	strcpy(a.network_id, spec->net->a.id);
	free(a.name);
	a.name = mem_str(spec->name);
	free(a.device_owner);
	a.device_owner = mem_str(spec->device_owner);
	free(a.device_id);
	a.device_id = mem_str(spec->device_id);
	a.port_security_enabled = false;
	if (spec->n_fixed_ips)
		a.fixed_ips = mem_dup(spec->fixed_ips, spec->n_fixed_ips * sizeof(*a.fixed_ips));
	a.n_fixed_ips = spec->n_fixed_ips;
	a.index = world_index_get(q->nb->world, WORLD_PORT);
	if (a.index == NUM_NONE)
		nb_say(e, ServiceUnavailable, "There are %d ports already.", INDEX_MAX);
	else if (!mac_choose(q, spec->net, &a, false, NULL, e) &&
		 !addresses_choose(q, spec->net, &a, spec->n_fixed_ips, NULL, e))
		o = nb_obj_add(q, r, spec->tenant_id, &a);
	attrs_fini(&r->shape, &a);
	return (struct port *)o;
}

int nb_port_readdress(struct nb_request *q, struct port *p, const struct fixed_ip *ips, size_t n,
		      struct nb_error *e)
{
	const struct resource *r = &resources[WORLD_PORT];
	struct port_attrs a;
	int rc;

	attrs_copy(&r->shape, &a, &p->a);
	free(a.fixed_ips);
	a.fixed_ips = n ? mem_dup(ips, n * sizeof(*ips)) : NULL;
	a.n_fixed_ips = n;
	rc = addresses_choose(q, p->net, &a, true, p, e);
	if (!rc)
		nb_obj_set(q, &p->obj, &a);
	attrs_fini(&r->shape, &a);
	return rc;
}

/* Addresses that hosts form follow the MAC. */
static void auto_addresses_follow(struct nb_request *q, struct port_attrs *a)
{
	for (size_t i = 0; i < a->n_fixed_ips; i++) {
		const struct subnet *s = world_subnet_find(q->nb->world, a->fixed_ips[i].subnet_id);

		if (s && subnet_is_auto(&s->a))
			a->fixed_ips[i].ip_address = ip_eui64(&s->a.cidr, a->mac_address);
	}
}

static int port_update(struct nb_request *q, struct world_obj *o, void *p, uint64_t rows,
		       struct nb_error *e)
{
	struct port *self = (struct port *)o;
	struct port_attrs *a = p;

	if (router_port_check(self, rows, e) || twice_check(a, e) || mac_bound_check(self, a, e) ||
	    mac_choose(q, self->net, a, true, self, e))
		return -1;
	if (given(rows, "fixed_ips")) {
		if (addresses_choose(q, self->net, a, true, self, e) ||
		    nb_floatingips_follow(q, self, a, e))
			return -1;
	} else {
		auto_addresses_follow(q, a);
	}
	if (given(rows, "extra_dhcp_opts") && opts_check(self, a, e))
		return -1;
	if (given(rows, "dns_name") && nb_port_dns_check(a, e))
		return -1;
	if (pairs_check(a, e) || nb_port_profile_check(a->profile, e) ||
	    nb_sg_port_update(q, self, a, rows, e))
		return -1;
	nb_sg_port_leaves(q, self, a);
	nb_port_bindings_follow(a);
	return 0;
}

/* Ports of routers and floating IPs go with these; floating IPs that lead to a port stay, and lead
 * nowhere. */
static int port_remove(struct nb_request *q, struct world_obj *o, struct nb_error *e)
{
	struct port *p = (struct port *)o;

	if (p->router || !strcmp(p->a.device_owner, "network:floatingip"))
		return nb_refuse(e, ServicePortInUse, p->a.id, p->a.device_owner, p->a.device_id);
	nb_sg_port_leaves(q, p, NULL);
	return nb_floatingips_leave(q, p, e);
}

const struct nb_hooks nb_port_hooks = {
	.create = port_create,
	.update = port_update,
	.remove = port_remove,
};

/* ---- computed ---- */

json_t *nb_port_status(const struct world_obj *o)
{
	return json_string(port_is_active((const struct port *)o) ? "ACTIVE" : "DOWN");
}

/* The socket of a "vhost-user:PATH[,server]" spec, or NULL; 'server': the switch listens. */
static char *vhost_socket(const char *spec, bool *server)
{
	const char *path;
	size_t n;

	if (!spec || strncmp(spec, "vhost-user:", 11))
		return NULL;
	path = spec + 11;
	n = strcspn(path, ",;");
	*server = !strncmp(path + n, ",server", 7);
	return mem_printf("%.*s", (int)n, path);
}

/*
 * What Nova is to do with the device: "vhostuser" (QEMU and the switch share a socket), or "tap":
 * make a tap device, named "tap" and 11 characters of the port's id.
 */
const char *nb_vif_type(const struct host *h, enum vnic_type vnic, const char *spec)
{
	if (!h)
		return "unbound";
	if (!h->sws || !vnic_is_ours(vnic))
		return "binding_failed";
	return spec && !strncmp(spec, "vhost-user:", 11) ? "vhostuser" : "tap";
}

json_t *nb_port_vif_type(const struct world_obj *o)
{
	const struct port *p = (const struct port *)o;

	return json_string(nb_vif_type(p->host, p->a.vnic_type, p->spec));
}

json_t *nb_vif_details(const struct port *p, const struct host *h, enum vnic_type vnic,
		       const char *spec)
{
	bool server;
	char *path;
	json_t *out;

	if (!h || !h->sws || !vnic_is_ours(vnic))
		return json_object();
	path = vhost_socket(spec, &server);
	if (!path)
		return json_pack("{s:b}", "port_filter", (int)p->a.port_security_enabled);
	/* vhostuser_mode says what QEMU is, so it is the other way round. */
	out = json_pack("{s:b,s:b,s:s,s:s}", "port_filter", 0, "ovs_hybrid_plug", 0,
			"vhostuser_mode", server ? "client" : "server", "vhostuser_socket", path);
	free(path);
	return out;
}

json_t *nb_port_vif_details(const struct world_obj *o)
{
	const struct port *p = (const struct port *)o;

	return nb_vif_details(p, p->host, p->a.vnic_type, p->spec);
}

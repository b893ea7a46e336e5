/* SPDX-License-Identifier: Apache-2.0 */
/* --options of networks, subnets and ports, declared once, into attributes of a request. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/weftctl.h"

enum kind {
	TEXT,	 /* the value as it is */
	NUMBER,	 /* digits */
	NONE_OR, /* text; "none": null */
	YES,
	NO,	 /* no value: true, false */
	NETWORK, /* a network's name or id, as its id */
	TEXTS,	 /* a list; repeated */
	POOLS,	 /* START-END; repeated */
	ROUTES,	 /* CIDR,NEXTHOP; repeated */
	FIXED,	 /* IP or subnet=NAME, or both with a comma; repeated */
	PAIRS,	 /* CIDR[,MAC]; repeated */
	SPEC,	 /* into binding:profile */
};

static const struct option {
	const char *noun, *name;
	enum kind kind;
	const char *attr, *value, *help;
} options[] = {
	{ "network", "name", TEXT, "name", "NAME", "another name" },
	{ "network", "description", TEXT, "description", "TEXT", "for people" },
	{ "network", "project", TEXT, "project_id", "ID", "whose it is (create only)" },
	{ "network", "mtu", NUMBER, "mtu", "BYTES", "size of its packets" },
	{ "network", "type", TEXT, "provider:network_type", "TYPE",
	  "vxlan (default), vlan or flat (create only)" },
	{ "network", "physnet", TEXT, "provider:physical_network", "NAME",
	  "for vlan and flat (create only)" },
	{ "network", "segment", NUMBER, "provider:segmentation_id", "ID",
	  "VNI or VLAN id (create only)" },
	{ "network", "share", YES, "shared", NULL, "for all projects" },
	{ "network", "no-share", NO, "shared", NULL, "for its project only" },
	{ "network", "enable", YES, "admin_state_up", NULL, "carry packets" },
	{ "network", "disable", NO, "admin_state_up", NULL, "carry no packets" },
	{ "network", "port-security", YES, "port_security_enabled", NULL,
	  "check source addresses at new ports" },
	{ "network", "no-port-security", NO, "port_security_enabled", NULL, "do not" },

	{ "subnet", "name", TEXT, "name", "NAME", "another name" },
	{ "subnet", "description", TEXT, "description", "TEXT", "for people" },
	{ "subnet", "project", TEXT, "project_id", "ID", "whose it is (create only)" },
	{ "subnet", "network", NETWORK, "network_id", "NETWORK", "where (create only, required)" },
	{ "subnet", "cidr", TEXT, "cidr", "CIDR", "its addresses (create only, required)" },
	{ "subnet", "gateway", NONE_OR, "gateway_ip", "IP|none", "default: the first address" },
	{ "subnet", "pool", POOLS, "allocation_pools", "START-END",
	  "what ports get addresses from; may be repeated" },
	{ "subnet", "dns", TEXTS, "dns_nameservers", "IP", "may be repeated" },
	{ "subnet", "route", ROUTES, "host_routes", "CIDR,NEXTHOP", "may be repeated" },
	{ "subnet", "dhcp", YES, "enable_dhcp", NULL, "(default)" },
	{ "subnet", "no-dhcp", NO, "enable_dhcp", NULL, "" },
	{ "subnet", "ipv6-address-mode", TEXT, "ipv6_address_mode", "MODE",
	  "slaac, dhcpv6-stateful, dhcpv6-stateless (create only)" },

	{ "port", "name", TEXT, "name", "NAME", "another name" },
	{ "port", "description", TEXT, "description", "TEXT", "for people" },
	{ "port", "project", TEXT, "project_id", "ID", "whose it is (create only)" },
	{ "port", "network", NETWORK, "network_id", "NETWORK", "where (create only, required)" },
	{ "port", "fixed-ip", FIXED, "fixed_ips", "IP|subnet=SUBNET",
	  "its addresses; may be repeated" },
	{ "port", "no-fixed-ip", FIXED, "fixed_ips", NULL, "no address" },
	{ "port", "mac", TEXT, "mac_address", "MAC", "" },
	{ "port", "pair", PAIRS, "allowed_address_pairs", "CIDR[,MAC]",
	  "addresses that it may use, too; may be repeated" },
	{ "port", "no-pair", PAIRS, "allowed_address_pairs", NULL, "none of these" },
	{ "port", "host", TEXT, "binding:host_id", "HOST", "where it is bound" },
	{ "port", "spec", SPEC, "binding:profile", "SPEC",
	  "what the switch of that host creates for it, e.g. af_packet:veth1" },
	{ "port", "device", TEXT, "device_id", "ID", "what is plugged in" },
	{ "port", "device-owner", TEXT, "device_owner", "OWNER", "e.g. compute:nova" },
	{ "port", "enable", YES, "admin_state_up", NULL, "carry packets" },
	{ "port", "disable", NO, "admin_state_up", NULL, "carry no packets" },
	{ "port", "port-security", YES, "port_security_enabled", NULL, "check source addresses" },
	{ "port", "no-port-security", NO, "port_security_enabled", NULL, "do not" },
};

enum { N_OPTIONS = sizeof(options) / sizeof(*options) };

void ctl_options_print(const char *noun)
{
	for (const struct option *o = options; o < options + N_OPTIONS; o++)
		if (!strcmp(o->noun, noun))
			printf("      --%s%s%s%*s%s\n", o->name, o->value ? " " : "",
			       o->value ? o->value : "",
			       (int)(30 - strlen(o->name) - (o->value ? strlen(o->value) + 1 : 0)),
			       "", o->help);
}

static const struct option *option_find(const char *noun, const char *name, size_t n)
{
	for (const struct option *o = options; o < options + N_OPTIONS; o++)
		if (!strcmp(o->noun, noun) && strlen(o->name) == n && !strncmp(o->name, name, n))
			return o;
	return NULL;
}

static json_t *list_of(json_t *body, const char *attr)
{
	json_t *list = json_object_get(body, attr);

	if (!list) {
		list = json_array();
		json_object_set_new(body, attr, list);
	}
	return list;
}

/* "A<separator>B" as { a_key: A, b_key: B }; without the separator only A, when that is allowed. */
static json_t *two(const char *value, char separator, const char *a_key, const char *b_key,
		   bool b_needed)
{
	const char *at = strchr(value, separator);
	json_t *o;

	if (!at && b_needed)
		return NULL;
	o = json_object();
	json_object_set_new(o, a_key,
			    json_stringn(value, at ? (size_t)(at - value) : strlen(value)));
	if (at)
		json_object_set_new(o, b_key, json_string(at + 1));
	return o;
}

/* "10.0.0.5", "subnet=NAME", "subnet=NAME,10.0.0.5" */
static json_t *fixed_ip(const struct ctl *c, const char *value)
{
	json_t *o = json_object();
	char *copy, *ip, *id;

	if (strncmp(value, "subnet=", 7)) {
		json_object_set_new(o, "ip_address", json_string(value));
		return o;
	}
	copy = strdup(value + 7);
	ip = strchr(copy, ',');
	if (ip) {
		*ip++ = '\0';
		json_object_set_new(o, "ip_address", json_string(ip));
	}
	id = ctl_resolve(c, "subnets", copy);
	free(copy);
	if (!id) {
		json_decref(o);
		return NULL;
	}
	json_object_set_new(o, "subnet_id", json_string(id));
	free(id);
	return o;
}

static int element_add(const struct option *o, json_t *body, json_t *element)
{
	if (!element)
		return ctl_fail(CTL_USAGE, "--%s: the value should be %s", o->name, o->value);
	json_array_append_new(list_of(body, o->attr), element);
	return CTL_OK;
}

static int number_set(const struct option *o, json_t *body, const char *value)
{
	char *end;
	long long v = strtoll(value, &end, 10);

	if (!value[0] || *end)
		return ctl_fail(CTL_USAGE, "--%s: '%s' is not a number", o->name, value);
	json_object_set_new(body, o->attr, json_integer(v));
	return CTL_OK;
}

static int network_set(const struct ctl *c, const struct option *o, json_t *body, const char *value)
{
	char *id = ctl_resolve(c, "networks", value);

	if (!id)
		return CTL_FAILED;
	json_object_set_new(body, o->attr, json_string(id));
	free(id);
	return CTL_OK;
}

static int fixed_ip_add(const struct ctl *c, const struct option *o, json_t *body,
			const char *value)
{
	json_t *element;

	if (!value) {
		list_of(body, o->attr);
		return CTL_OK;
	}
	element = fixed_ip(c, value);
	return element ? element_add(o, body, element) : CTL_FAILED;
}

static int option_take(const struct ctl *c, const struct option *o, json_t *body, const char *value)
{
	json_t *v;

	switch (o->kind) {
	case TEXT:
		v = json_string(value);
		if (!v)
			return ctl_fail(CTL_USAGE, "--%s: the value is not UTF-8", o->name);
		json_object_set_new(body, o->attr, v);
		return CTL_OK;
	case NUMBER:
		return number_set(o, body, value);
	case NONE_OR:
		json_object_set_new(body, o->attr,
				    strcmp(value, "none") ? json_string(value) : json_null());
		return CTL_OK;
	case YES:
	case NO:
		json_object_set_new(body, o->attr, json_boolean(o->kind == YES));
		return CTL_OK;
	case NETWORK:
		return network_set(c, o, body, value);
	case TEXTS:
		return element_add(o, body, json_string(value));
	case POOLS:
		return element_add(o, body, two(value, '-', "start", "end", true));
	case ROUTES:
		return element_add(o, body, two(value, ',', "destination", "nexthop", true));
	case FIXED:
		return fixed_ip_add(c, o, body, value);
	case PAIRS:
		if (value)
			return element_add(o, body,
					   two(value, ',', "ip_address", "mac_address", false));
		list_of(body, o->attr);
		return CTL_OK;
	case SPEC:
		json_object_set_new(body, o->attr, json_pack("{s:s}", "weft_spec", value));
		return CTL_OK;
	}
	return CTL_OK;
}

int ctl_options(const struct ctl *c, const char *noun, bool create, json_t *body,
		const char **words, int max_words, int *n_words)
{
	*n_words = 0;
	for (int i = 0; i < c->n_args; i++) {
		const char *arg = c->args[i], *value = NULL;
		const struct option *o;
		size_t n;
		int rc;

		if (strncmp(arg, "--", 2)) {
			if (*n_words == max_words)
				return ctl_fail(CTL_USAGE, "'%s' is one word too many", arg);
			words[(*n_words)++] = arg;
			continue;
		}
		n = strcspn(arg + 2, "=");
		o = option_find(noun, arg + 2, n);
		if (!o)
			return ctl_fail(CTL_USAGE, "a %s has no option %s; see 'weftctl %s help'",
					noun, arg, noun);
		if (o->value) {
			value = arg[2 + n] ? arg + 3 + n : i + 1 < c->n_args ? c->args[++i] : NULL;
			if (!value)
				return ctl_fail(CTL_USAGE, "--%s needs a value: %s", o->name,
						o->value);
		} else if (arg[2 + n]) {
			return ctl_fail(CTL_USAGE, "--%s takes no value", o->name);
		}
		rc = option_take(c, o, body, value);
		if (rc)
			return rc;
	}
	return CTL_OK;
}

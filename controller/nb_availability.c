/* SPDX-License-Identifier: Apache-2.0 */
/* How many addresses networks have, and how many are in use. */
#include <string.h>

#include "controller/nb_view.h"

/* IPv6 pools have more addresses than an integer of JSON's readers. */
static json_t *count_json(double n)
{
	return n < 9e15 ? json_integer((json_int_t)n) : json_real(n);
}

static double total_of(const struct subnet *s)
{
	double n = 0;

	for (size_t i = 0; i < s->a.n_allocation_pools; i++)
		n += (double)ip_distance(&s->a.allocation_pools[i].start,
					 &s->a.allocation_pools[i].end) +
		     1;
	return n;
}

static json_t *subnet_json(const struct subnet *s)
{
	char cidr[PREFIX_TEXT];

	return json_pack("{s:s,s:s,s:s,s:i,s:o,s:I}", "subnet_id", s->a.id, "subnet_name",
			 s->a.name, "cidr", ip_prefix_format(&s->a.cidr, cidr), "ip_version",
			 (int)s->a.ip_version, "total_ips", count_json(total_of(s)), "used_ips",
			 (json_int_t)HASH_COUNT(s->addresses));
}

/* 'version' NULL: subnets of both. */
static json_t *net_json(const struct net *n, const char *version)
{
	json_t *subnets = json_array();
	json_int_t used = 0;
	double total = 0;

	for (NET_EACH_SUBNET(s, n)) {
		if (version && strcmp(version, s->a.ip_version == 4 ? "4" : "6"))
			continue;
		json_array_append_new(subnets, subnet_json(s));
		total += total_of(s);
		used += HASH_COUNT(s->addresses);
	}
	return json_pack("{s:s,s:s,s:s,s:s,s:o,s:I,s:o}", "network_id", n->a.id, "network_name",
			 n->a.name, "tenant_id", n->a.tenant_id, "project_id", n->a.tenant_id,
			 "total_ips", count_json(total), "used_ips", used, "subnet_ip_availability",
			 subnets);
}

/* Neutron filters by ip_version, which is no member; here it chooses the subnets. */
static void nets_each(struct nb_request *q, json_t *list)
{
	const char *version = nb_arg(q, "ip_version");

	for (WORLD_ALL(net, NET, n, q->nb->world)) {
		json_t *one = net_json(n, version);

		if (version)
			json_object_set_new(one, "ip_version", json_string(version));
		json_array_append_new(list, one);
	}
}

static int not_found(struct nb_error *e, const char *id)
{
	return nb_fail_not_found(e, &resources[WORLD_NET], id);
}

static const char *const filters[] = { "network_id", "network_name", "tenant_id",
				       "project_id", "ip_version",   NULL };

const struct nb_view nb_availability_view = {
	.name = "network_ip_availability",
	.collection = "network_ip_availabilities",
	.path = "network-ip-availabilities",
	.key = "network_id",
	.filters = filters,
	.each = nets_each,
	.not_found = not_found,
};

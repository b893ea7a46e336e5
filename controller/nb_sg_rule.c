/* SPDX-License-Identifier: Apache-2.0 */
/* Security group rules: what fits together, in the words of the Networking API. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/mem.h"
#include "controller/nb_sg.h"
#include "controller/protocol.h"

/* ---- protocol and ports ---- */

static int protocol_check(struct sg_rule_attrs *a, int *number, struct nb_error *e)
{
	int n = protocol_number(a->protocol);

	if (n == PROTOCOL_NONE)
		return nb_refuse(e, SecurityGroupRuleInvalidProtocol, a->protocol);
	if (protocol_is_ipv6(n) && a->ethertype != ETHER_IPV6)
		return nb_refuse(e, SecurityGroupEthertypeConflictWithProtocol,
				 sg_ethertype_names[a->ethertype], a->protocol);
	if (n == PROTOCOL_ICMP && a->ethertype == ETHER_IPV6)
		n = PROTOCOL_ICMPV6; /* of the IP version that the rule is for */
	if (n == PROTOCOL_ANY || n == PROTOCOL_ICMPV6) {
		free(a->protocol);
		a->protocol = n == PROTOCOL_ANY ? NULL : mem_str(protocol_name(n));
	}
	for (char *c = a->protocol; c && *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c + 'a' - 'A');
	*number = n;
	return 0;
}

static int port_range_check(const struct sg_rule_attrs *a, struct nb_error *e)
{
	const uint32_t ends[] = { a->port_range_min, a->port_range_max };

	for (int i = 0; i < 2; i++)
		if (ends[i] != NUM_NONE && (!ends[i] || ends[i] > 65535))
			return nb_refuse(e, SecurityGroupInvalidPortValue, ends[i]);
	if (ends[0] == NUM_NONE || ends[1] == NUM_NONE || ends[0] > ends[1])
		return nb_refuse(e, SecurityGroupInvalidPortRange);
	return 0;
}

static int icmp_check(const struct sg_rule_attrs *a, struct nb_error *e)
{
	static const char *const fields[] = { "type", "code" };
	const uint32_t values[] = { a->port_range_min, a->port_range_max };

	for (int i = 0; i < 2; i++)
		if (values[i] != NUM_NONE && values[i] > 255)
			return nb_refuse(e, SecurityGroupInvalidIcmpValue, fields[i], values[i]);
	if (values[0] == NUM_NONE && values[1] != NUM_NONE)
		return nb_refuse(e, SecurityGroupMissingIcmpType, values[1]);
	return 0;
}

static int ports_check(const struct sg_rule_attrs *a, int protocol, struct nb_error *e)
{
	if (a->port_range_min == NUM_NONE && a->port_range_max == NUM_NONE)
		return 0;
	if (protocol == PROTOCOL_ANY)
		return nb_refuse(e, SecurityGroupProtocolRequiredWithPorts);
	if (protocol == PROTOCOL_ICMP || protocol == PROTOCOL_ICMPV6)
		return icmp_check(a, e);
	if (protocol_has_ports(protocol))
		return port_range_check(a, e);
	return nb_refuse(e, SecurityGroupInvalidProtocolForPort, a->protocol);
}

/* ---- the other side ---- */

static int remote_check(struct nb_request *q, const struct sg_rule_attrs *a, struct nb_error *e)
{
	const bool group = a->remote_group_id[0], addrs = a->remote_address_group_id[0];
	const bool prefix = a->remote_ip_prefix.addr.family;

	if (group + addrs + prefix > 1)
		return nb_refuse(e, SecurityGroupMultipleRemoteEntites);
	if (group && !nb_find(q, &resources[WORLD_SG], a->remote_group_id, e))
		return -1;
	if (addrs && !nb_find(q, &resources[WORLD_ADDRGROUP], a->remote_address_group_id, e))
		return -1;
	if (prefix && a->remote_ip_prefix.addr.family != (a->ethertype == ETHER_IPV6 ? 6 : 4)) {
		char text[PREFIX_TEXT];

		return nb_refuse(e, SecurityGroupRuleParameterConflict,
				 sg_ethertype_names[a->ethertype],
				 ip_prefix_format(&a->remote_ip_prefix, text));
	}
	return 0;
}

/* ---- the same rule twice ---- */

static bool same_prefix(const struct ip_prefix *a, const struct ip_prefix *b)
{
	struct ip_addr x, y;

	/* The prefix of everything is none. */
	if (!a->len || !b->len)
		return !a->len && !b->len;
	x = ip_prefix_first(a);
	y = ip_prefix_first(b);
	return a->len == b->len && !ip_cmp(&x, &y);
}

/* But for whom they are between: protocols by number. */
static bool same_packets(const struct sg_rule_attrs *a, int a_protocol,
			 const struct sg_rule_attrs *b, int b_protocol)
{
	return a->direction == b->direction && a->ethertype == b->ethertype &&
	       a_protocol == b_protocol && a->port_range_min == b->port_range_min &&
	       a->port_range_max == b->port_range_max &&
	       !strcmp(a->remote_address_group_id, b->remote_address_group_id) &&
	       same_prefix(&a->remote_ip_prefix, &b->remote_ip_prefix);
}

bool nb_sg_rule_is_same(const struct sg_rule_attrs *a, const struct sg_rule_attrs *b)
{
	return same_packets(a, protocol_number(a->protocol), b, protocol_number(b->protocol));
}

static const struct sg_rule *twin_of(const struct sg *g, const struct sg_rule_attrs *a,
				     int protocol)
{
	const struct sg_rule *r;

	for (r = g->rules; r; r = r->sg_next)
		if (!strcmp(r->a.remote_group_id, a->remote_group_id) &&
		    same_packets(&r->a, r->protocol, a, protocol))
			return r;
	return NULL;
}

int nb_sg_rule_check(struct nb_request *q, struct sg_rule_attrs *a, int *protocol,
		     struct nb_error *e)
{
	return protocol_check(a, protocol, e) || ports_check(a, *protocol, e) ||
			       remote_check(q, a, e)
		       ? -1
		       : 0;
}

/* ---- hooks ---- */

static int rule_create(struct nb_request *q, void *p, uint64_t rows, struct nb_error *e)
{
	struct sg_rule_attrs *a = p;
	struct sg *g = (struct sg *)nb_find(q, &resources[WORLD_SG], a->security_group_id, e);
	const struct sg_rule *twin;
	int protocol = PROTOCOL_ANY;

	if (!g)
		return -1;
	if (!nb_owns(&q->who, g->a.tenant_id))
		return nb_fail_not_found(e, &resources[WORLD_SG], g->a.id);
	if (nb_sg_rule_check(q, a, &protocol, e))
		return -1;
	twin = twin_of(g, a, protocol);
	if (twin)
		return nb_refuse(e, SecurityGroupRuleExists, twin->a.id);
	/* It belongs to whom the group belongs to. */
	if (!nb_given(&resources[WORLD_SG_RULE], rows, "tenant_id") &&
	    !nb_given(&resources[WORLD_SG_RULE], rows, "project_id")) {
		free(a->tenant_id);
		a->tenant_id = mem_str(g->a.tenant_id);
	}
	return 0;
}

static int rule_created(struct nb_request *q, struct world_obj *o, struct nb_error *e)
{
	nb_sg_touch(q, ((struct sg_rule *)o)->sg, false);
	return 0;
}

static int rule_update(struct nb_request *q, struct world_obj *o, void *p, uint64_t rows,
		       struct nb_error *e)
{
	return 0; /* its description */
}

static int rule_remove(struct nb_request *q, struct world_obj *o, struct nb_error *e)
{
	nb_sg_touch(q, ((struct sg_rule *)o)->sg, true);
	return 0;
}

const struct nb_hooks nb_sg_rule_hooks = {
	.create = rule_create,
	.added = rule_created,
	.update = rule_update,
	.remove = rule_remove,
};

/* ---- computed ---- */

json_t *nb_sg_rule_cidr(const struct world_obj *o)
{
	struct ip_prefix p = ((const struct sg_rule *)o)->a.remote_ip_prefix;
	char text[PREFIX_TEXT];

	if (!p.addr.family)
		return json_null();
	p.addr = ip_prefix_first(&p);
	return json_string(ip_prefix_format(&p, text));
}

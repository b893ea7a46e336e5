/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes whose wrong values Neutron answers with another error than HTTPBadRequest. */
#include <stdio.h>
#include <string.h>

#include "controller/nb.h"

#define ROW(KIND, name, error)                                       \
	{                                                            \
		WORLD_##KIND, name, NB_STATUS_##error, #error, false \
	}
#define TEXT(KIND, name, error)                                     \
	{                                                           \
		WORLD_##KIND, name, NB_STATUS_##error, #error, true \
	}

static const struct {
	enum world_kind kind;
	const char *attr;
	int status;
	const char *type;
	bool text; /* only when the value is a string */
} rows[] = {
	TEXT(NET, "provider:network_type", InvalidInput),
	ROW(SUBNET, "cidr", InvalidInput),
	ROW(PORT, "extra_dhcp_opts", InvalidInput),
	ROW(RBAC, "object_type", InvalidInput),
	ROW(PORT_FORWARDING, "protocol", InvalidInput),
	ROW(PORT_FORWARDING, "external_port", HTTPBadRequest),
	ROW(PORT_FORWARDING, "internal_port", HTTPBadRequest),
	ROW(SG_RULE, "ethertype", SecurityGroupRuleInvalidEtherType),
	ROW(SG_RULE, "protocol", SecurityGroupRuleInvalidProtocol),
	ROW(SG_RULE, "port_range_min", SecurityGroupInvalidPortValue),
	ROW(SG_RULE, "port_range_max", SecurityGroupInvalidPortValue),
	ROW(SG_RULE, "remote_ip_prefix", InvalidCIDR),
	TEXT(SG_RULE, "security_group_id", SecurityGroupNotFound),
	ROW(SG_RULE, "remote_group_id", SecurityGroupNotFound),
	ROW(SG_RULE, "remote_address_group_id", AddressGroupNotFound),
};

int nb_refused(const struct resource *r, const struct attr *a, const json_t *v, struct nb_error *e)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (rows[i].kind == r->kind && !strcmp(rows[i].attr, a->name) &&
		    (json_is_string(v) || !rows[i].text)) {
			e->status = rows[i].status;
			snprintf(e->type, sizeof(e->type), "%s", rows[i].type);
		}
	return -1;
}

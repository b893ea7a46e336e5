/* SPDX-License-Identifier: Apache-2.0 */
/* Version documents, and the extensions of the API that this service has: only those, so that a
 * client that asks first gets no surprise later. */
#include <string.h>

#include "controller/nb.h"

static const struct extension {
	const char *alias, *name, *description, *updated;
} extensions[] = {
	{ "provider", "Provider Network", "Says what carries a network: VXLAN, VLAN or untagged.",
	  "2012-09-07T10:00:00-00:00" },
	{ "binding", "Port Binding", "On which host a port is, and how a VM is plugged into it.",
	  "2014-02-03T10:00:00-00:00" },
	{ "binding-extended", "Port Bindings Extended",
	  "A port is bound to the next host before it moves there.", "2017-07-17T10:00:00-00:00" },
	{ "port-security", "Port Security", "Source addresses are checked, or not, by port.",
	  "2012-07-23T10:00:00-00:00" },
	{ "allowed-address-pairs", "Allowed Address Pairs",
	  "Addresses that a port may use besides its own.", "2013-07-23T10:00:00-00:00" },
	{ "extra_dhcp_opt", "Neutron Extra DHCP options",
	  "DHCP options that a port is given besides its subnet's.", "2013-03-17T12:00:00-00:00" },
	{ "dns-integration", "DNS Integration", "A port has a name, which its host is told.",
	  "2015-08-15T18:00:00-00:00" },
	{ "net-mtu", "Network MTU", "A network says the size of its packets.",
	  "2015-03-25T10:00:00-00:00" },
	{ "net-mtu-writable", "Network MTU (writable)", "... and it may be chosen.",
	  "2017-07-12T00:00:00-00:00" },
	{ "external-net", "Neutron external network", "A network may be the way out of the cloud.",
	  "2013-01-14T10:00:00-00:00" },
	{ "router", "Neutron L3 Router", "Routers between networks, and floating IPs.",
	  "2012-07-20T10:00:00-00:00" },
	{ "ext-gw-mode", "Neutron L3 Configurable external gateway mode",
	  "A router's gateway translates addresses, or does not.", "2013-03-28T10:00:00-00:00" },
	{ "extraroute", "Neutron Extra Route", "Routers have routes beyond their subnets.",
	  "2013-02-01T10:00:00-00:00" },
	{ "extraroute-atomic", "Atomically add/remove extra routes",
	  "... which are added and removed one by one.", "2019-07-10T00:00:00+00:00" },
	{ "dvr", "Distributed Virtual Router", "Routing is done on the host of each port.",
	  "2014-06-1T10:00:00-00:00" },
	{ "fip-port-details", "Floating IP Port Details Extension",
	  "A floating IP tells of its port.", "2018-04-09T10:00:00-00:00" },
	{ "floating-ip-port-forwarding", "Floating IP Port Forwarding",
	  "Ports of a floating IP lead to several addresses.", "2018-01-19T10:00:00-00:00" },
	{ "floating-ip-port-forwarding-description",
	  "Floating IP Port Forwarding new attribute description", "... and say what for.",
	  "2019-11-01T10:00:00-00:00" },
	{ "floating-ip-port-forwarding-port-ranges",
	  "Floating IP Port Forwarding support port ranges", "... by ranges, too.",
	  "2020-07-01T10:00:00-00:00" },
	{ "floating-ip-port-forwarding-detail", "Floating IP port forwarding detail",
	  "A floating IP lists them with their ids and ports.", "2022-05-06T10:00:00-00:00" },
	{ "expose-port-forwarding-in-fip", "Expose Floating IP port forwardings",
	  "A floating IP lists its port forwardings.", "2018-06-28T16:00:00-00:00" },
	{ "security-group", "security-group", "Which connections a port may have.",
	  "2012-10-05T10:00:00-00:00" },
	{ "stateful-security-group", "Stateful security group",
	  "A group may judge each packet by itself.", "2019-11-26T09:00:00-00:00" },
	{ "security-groups-normalized-cidr", "Normalized CIDR field for security group rules",
	  "A rule says its prefix without host bits.", "2020-07-28T10:00:00-00:00" },
	{ "security-groups-remote-address-group",
	  "Remote address group id field for security group rules",
	  "A rule may name an address group.", "2020-08-25T10:00:00-00:00" },
	{ "address-group", "Address group", "Addresses under one name, for rules.",
	  "2020-07-15T10:00:00-00:00" },
	{ "port-security-groups-filtering", "Port filtering on security groups",
	  "Ports are listed by security group.", "2018-01-09T09:00:00-00:00" },
	{ "project-id", "project_id field enabled", "project_id is another name of tenant_id.",
	  "2016-09-09T09:09:09-09:09" },
	{ "standard-attr-description", "standard-attr-description",
	  "Every resource has a description.", "2016-02-10T10:00:00-00:00" },
	{ "standard-attr-timestamp", "Resource timestamps",
	  "Every resource says when it was created and changed.", "2016-09-12T10:00:00-00:00" },
	{ "standard-attr-revisions", "Resource revision numbers",
	  "Every resource counts its changes.", "2016-04-11T10:00:00-00:00" },
	{ "revision-if-match", "If-Match constraints based on revision_number",
	  "A change is only made to the revision that the client has seen.",
	  "2016-12-11T00:00:00-00:00" },
	{ "standard-attr-tag", "Tag support for resources with standard attribute",
	  "Every resource has tags.", "2017-01-01T00:00:00-00:00" },
	{ "tag-ports-during-bulk-creation", "Tag Ports During Bulk Creation",
	  "A port is created with its tags.", "2019-12-29T19:00:00-00:00" },
	{ "quotas", "Quota management support", "How many objects of a kind a project may have.",
	  "2012-07-29T10:00:00-00:00" },
	{ "quota_details", "Quota details management support", "... and how many it has.",
	  "2017-02-10T10:00:00-00:00" },
	{ "quota-check-limit", "Quota engine limit check",
	  "A limit below what is in use can be refused.", "2021-09-08T16:00:00-00:00" },
	{ "subnet_allocation", "Subnet Allocation", "Subnets get their prefixes from pools.",
	  "2015-03-30T10:00:00-00:00" },
	{ "default-subnetpools", "Default Subnetpools",
	  "... from one that is the default, when none is named.", "2016-02-18T18:00:00-00:00" },
	{ "address-scope", "Address scope", "Subnet pools whose addresses are told apart.",
	  "2015-07-26T10:00:00-00:00" },
	{ "agent", "agent", "Each switch shows as an agent.", "2013-02-03T10:00:00-00:00" },
	{ "availability_zone", "Availability Zone", "The zone that all switches are in.",
	  "2015-01-01T10:00:00-00:00" },
	{ "network-ip-availability", "Network IP Availability",
	  "How many addresses networks have, and how many are in use.",
	  "2015-09-24T00:00:00-00:00" },
	{ "rbac-policies", "RBAC Policies", "Networks are shared with single projects.",
	  "2015-06-17T12:15:12-00:00" },
	{ "rbac-security-groups", "Add security_group type to network RBAC",
	  "... security groups, too.", "2019-02-14T00:00:00-00:00" },
	{ "rbac-subnetpool", "Add subnetpool type to RBAC", "... subnet pools, too.",
	  "2020-02-05T00:00:00-00:00" },
	{ "rbac-address-scope", "Add address_scope type to RBAC", "... address scopes, too.",
	  "2020-02-12T00:00:00-00:00" },
	{ "rbac-address-group", "Add address_group type to RBAC", "... address groups, too.",
	  "2021-01-20T00:00:00-00:00" },
	{ "network-segment-range", "Neutron Network Segment Range",
	  "From which VNIs and VLAN ids networks are drawn.", "2018-11-29T00:00:00-00:00" },
	{ "subnet-service-types", "Subnet service types",
	  "Which kinds of ports have addresses of a subnet.", "2016-03-15T18:00:00-00:00" },
	{ "security-groups-default-rules", "Default rules for security groups",
	  "The rules that new security groups begin with.", "2022-12-19T10:00:00-00:00" },
	{ "sorting", "Sorting support", "Lists are sorted by sort_key and sort_dir.",
	  "2016-06-12T00:00:00-00:00" },
	{ "pagination", "Pagination support", "Lists are cut by limit and marker.",
	  "2016-06-12T00:00:00-00:00" },
	{ "filter-validation", "Filter parameters validation",
	  "A filter by what is no attribute is refused.", "2018-07-04T10:00:00-00:00" },
	{ "empty-string-filtering", "Empty String Filtering Extension",
	  "An empty filter matches an empty attribute.", "2018-05-01T10:00:00-00:00" },
	{ "ip-substring-filtering", "IP address substring filtering",
	  "Ports are filtered by a part of an address.", "2017-11-28T09:00:00-00:00" },
};

enum { N_EXTENSIONS = sizeof(extensions) / sizeof(*extensions) };

static json_t *extension_json(const struct extension *x)
{
	return json_pack("{s:s,s:s,s:s,s:s,s:[]}", "alias", x->alias, "name", x->name,
			 "description", x->description, "updated", x->updated, "links");
}

void nb_ext_route(struct nb_request *q, const char *alias)
{
	json_t *list;

	if (q->method != NB_GET) {
		nb_refuse(&q->error, HTTPMethodNotAllowed);
		return;
	}
	q->status = 200;
	if (!alias[0]) {
		list = json_array();
		for (size_t i = 0; i < N_EXTENSIONS; i++)
			json_array_append_new(list, extension_json(&extensions[i]));
		q->answer = json_pack("{s:o}", "extensions", list);
		return;
	}
	for (size_t i = 0; i < N_EXTENSIONS; i++)
		if (!strcmp(extensions[i].alias, alias)) {
			q->answer = json_pack("{s:o}", "extension", extension_json(&extensions[i]));
			return;
		}
	nb_refuse(&q->error, ExtensionNotFound, alias);
}

void nb_versions(struct nb_request *q, bool root)
{
	json_t *list;
	char href[300];

	if (q->method != NB_GET) {
		nb_refuse(&q->error, HTTPMethodNotAllowed);
		return;
	}
	q->status = 200;
	snprintf(href, sizeof(href), "%s/v2.0/", q->base);
	if (root) {
		q->answer = json_pack("{s:[{s:s,s:s,s:[{s:s,s:s}]}]}", "versions", "id", "v2.0",
				      "status", "CURRENT", "links", "rel", "self", "href", href);
		return;
	}
	list = json_array();
	for (size_t i = 0; i < N_RESOURCES; i++) {
		snprintf(href, sizeof(href), "%s/v2.0/%s", q->base, resources[i].collection);
		json_array_append_new(
			list, json_pack("{s:s,s:s,s:[{s:s,s:s}]}", "name", resources[i].name,
					"collection", resources[i].collection, "links", "rel",
					"self", "href", href));
	}
	q->answer = json_pack("{s:o}", "resources", list);
}

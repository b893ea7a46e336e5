/* SPDX-License-Identifier: Apache-2.0 */
/* Ports' names for hosts: dns_name, and the dns_assignment that follows from it. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "controller/dns.h"
#include "controller/nb.h"

/* Kept in lower case, as Neutron does. */
int nb_port_dns_check(struct port_attrs *a, struct nb_error *e)
{
	const char *fault = a->dns_name[0] ? dns_name_fault(a->dns_name) : NULL;

	if (fault)
		return nb_fail_attr(e, "dns_name", "'%.64s' not a valid PQDN or FQDN. Reason: %s",
				    a->dns_name, fault);
	for (char *c = a->dns_name; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return 0;
}

/* Without a name a host is called after its address. */
static void host_name(const struct port *p, const char *ip, char out[DNS_MAX + 1])
{
	if (p->a.dns_name[0]) {
		snprintf(out, DNS_MAX + 1, "%s", p->a.dns_name);
		return;
	}
	snprintf(out, DNS_MAX + 1, "host-%s", ip);
	for (char *c = out; *c; c++)
		if (*c == '.' || *c == ':')
			*c = '-';
}

json_t *nb_port_dns_assignment(const struct world_obj *o)
{
	const struct port *p = (const struct port *)o;
	char name[DNS_MAX + 1], full[2 * DNS_MAX + 3], ip[IP_TEXT];
	json_t *out = json_array();

	for (size_t i = 0; i < p->a.n_fixed_ips; i++) {
		ip_format(&p->a.fixed_ips[i].ip_address, ip);
		host_name(p, ip, name);
		dns_name_full(name, full);
		json_array_append_new(out, json_pack("{s:s,s:s,s:s}", "ip_address", ip, "hostname",
						     name, "fqdn", full));
	}
	return out;
}

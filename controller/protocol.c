/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/protocol.h"

#include <ctype.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A number's first name is the one that it is called by. */
static const struct protocol {
	const char *name;
	int number;
	bool ports, ipv6;
} protocols[] = {
	{ "any", PROTOCOL_ANY, false, false },
	{ "ip", PROTOCOL_ANY, false, false },
	{ "hopopt", PROTOCOL_ANY, false, false }, /* 0, which filters read as "all" */
	{ "icmp", PROTOCOL_ICMP, false, false },
	{ "igmp", 2, false, false },
	{ "ipip", 4, false, false },
	{ "tcp", 6, true, false },
	{ "egp", 8, false, false },
	{ "udp", 17, true, false },
	{ "dccp", 33, false, false },
	{ "ipv6-encap", 41, false, true },
	{ "ipv6-route", 43, false, true },
	{ "ipv6-frag", 44, false, true },
	{ "rsvp", 46, false, false },
	{ "gre", 47, false, false },
	{ "esp", 50, false, false },
	{ "ah", 51, false, false },
	{ "ipv6-icmp", PROTOCOL_ICMPV6, false, true },
	{ "icmpv6", PROTOCOL_ICMPV6, false, true },
	{ "ipv6-nonxt", 59, false, true },
	{ "ipv6-opts", 60, false, true },
	{ "ospf", 89, false, false },
	{ "vrrp", 112, false, false },
	{ "pgm", 113, false, false },
	{ "sctp", 132, true, false },
	{ "udplite", 136, false, false },
};

enum { N_PROTOCOLS = sizeof(protocols) / sizeof(*protocols) };

int protocol_number(const char *text)
{
	size_t n = text ? strspn(text, "0123456789") : 0;

	if (!text || !strcmp(text, "-1"))
		return PROTOCOL_ANY;
	if (n && n <= 3 && !text[n]) {
		int v = atoi(text);

		return v > 255 ? PROTOCOL_NONE : v ? v : PROTOCOL_ANY;
	}
	for (size_t i = 0; i < N_PROTOCOLS; i++)
		if (!strcasecmp(protocols[i].name, text))
			return protocols[i].number;
	return PROTOCOL_NONE;
}

static const struct protocol *protocol_of(int number)
{
	for (size_t i = 0; i < N_PROTOCOLS; i++)
		if (protocols[i].number == number)
			return &protocols[i];
	return NULL;
}

const char *protocol_name(int number)
{
	const struct protocol *p = protocol_of(number);

	return p ? p->name : NULL;
}

bool protocol_has_ports(int number)
{
	const struct protocol *p = protocol_of(number);

	return p && p->ports;
}

bool protocol_is_ipv6(int number)
{
	const struct protocol *p = protocol_of(number);

	return p && p->ipv6;
}

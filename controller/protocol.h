/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IP protocols by name: IANA's numbers, the names that the Networking API has for them.
 *
 * Constant data; any thread.
 */
#ifndef WEFT_CONTROLLER_PROTOCOL_H
#define WEFT_CONTROLLER_PROTOCOL_H

#include <stdbool.h>

enum {
	PROTOCOL_ANY = -1,
	PROTOCOL_NONE = -2, /* no protocol is called so */
	PROTOCOL_ICMP = 1,
	PROTOCOL_TCP = 6,
	PROTOCOL_UDP = 17,
	PROTOCOL_ICMPV6 = 58,
};

/* Of a name or a decimal number.  NULL, "any", "-1" and what is 0 ("ip"): PROTOCOL_ANY. */
int protocol_number(const char *text);
/* As it is called; NULL: it has no name. */
const char *protocol_name(int number);
/* Connections are told apart by its ports: TCP, UDP, SCTP. */
bool protocol_has_ports(int number);
/* Stands behind an IPv6 header only. */
bool protocol_is_ipv6(int number);

#endif

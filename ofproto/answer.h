/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Weft's answer actions carry: options as bytes of the protocol that is answered.
 *
 * One walk over them for the codec's check, the grammar and the switch.  What has passed
 * of_check() is well formed to its end.  No state; any thread.
 */
#ifndef WEFT_OFPROTO_ANSWER_H
#define WEFT_OFPROTO_ANSWER_H

#include "ofproto/wire.h"

enum of_opt_form {
	OF_OPT_DHCP,   /* RFC 2132: code, length; 0 is a pad */
	OF_OPT_DHCPV6, /* RFC 8415 21.1: both of 16 bits */
	OF_OPT_ND,     /* RFC 4861 4.6: type, length in units of 8 */
};

enum {
	OF_OPTS_MAX =
		1024, /* of one action: with what the switch adds it fits in IPv6's least MTU */

	DHCP_MASK = 1,
	DHCP_ROUTER = 3,
	DHCP_DNS = 6,
	DHCP_DOMAIN = 15,
	DHCP_MTU = 26,
	DHCP_REQUESTED = 50,
	DHCP_LEASE = 51,
	DHCP_OVERLOAD = 52,
	DHCP_TYPE = 53,
	DHCP_SERVER = 54,
	DHCP_PARAMETERS = 55,
	DHCP_MAX_SIZE = 57,
	DHCP_T1 = 58,
	DHCP_T2 = 59,
	DHCP_CLIENT_ID = 61,
	DHCP_SERVER_NAME = 66,
	DHCP_BOOTFILE = 67,
	DHCP_RAPID = 80,
	DHCP_RELAY = 82,
	DHCP_ROUTES = 121,
	DHCP_ROUTES_MS = 249, /* the same before it had a number */
	DHCP_END = 255,

	DHCPV6_CLIENT_ID = 1,
	DHCPV6_SERVER_ID = 2,
	DHCPV6_IA_NA = 3,
	DHCPV6_IA_TA = 4,
	DHCPV6_IAADDR = 5,
	DHCPV6_ORO = 6,
	DHCPV6_ELAPSED = 8,
	DHCPV6_RELAY_MSG = 9,
	DHCPV6_STATUS = 13,
	DHCPV6_RAPID = 14,
	DHCPV6_DNS = 23,
	DHCPV6_DOMAIN = 24,
	DHCPV6_IA_PD = 25,
	DHCPV6_IAPREFIX = 26,

	ND_SLL = 1,
	ND_TLL = 2,
	ND_PREFIX = 3,
	ND_MTU = 5,
	ND_RDNSS = 25,
	ND_DNSSL = 31,
};

/* RFC 4191 2.2: a router's preference, beside WEFT_RA_* in flags. */
enum { WEFT_RA_HIGH = 0x08, WEFT_RA_LOW = 0x18 };

struct of_opt {
	uint16_t code, n;
	const uint8_t *v;  /* n bytes behind code and length */
	const uint8_t *at; /* the whole of it, 'size' bytes */
	uint32_t size;
};

/* The first option in 'n' bytes.  0, 1: there is none (zeros that fill up an action do not count),
 * -EINVAL: what is there is none. */
int of_opt_first(enum of_opt_form form, const uint8_t *p, uint32_t n, struct of_opt *out);

/* Visits the options of 's', which passed the check. */
#define OF_OPT_EACH(form, s, opt)                                                    \
	for (const uint8_t *at_ = (s).p, *end_ = (s).n ? (s).p + (s).n : at_;        \
	     at_ < end_ && !of_opt_first(form, at_, (uint32_t)(end_ - at_), &(opt)); \
	     at_ += (opt).size)

/* Whether the switch writes that option itself, so that an action cannot. */
bool of_opt_is_ours(enum of_opt_form form, uint16_t code);

/* RFC 4291 2.5.5.2: an IPv4 address as one of 16 bytes. */
bool of_ip_is_v4(const uint8_t ip[16]);

#endif

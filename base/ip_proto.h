/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What follows an IP header, of the protocols that something here knows: IANA's numbers, which
 * IPv6's extension headers share (RFC 8200 4).
 *
 * Constants; any thread.  (Where the system's header of the internet's addresses is included anyway
 * its IPPROTO_* serve: this is for code that includes nothing of the system's network.)
 */
#ifndef WEFT_BASE_IP_PROTO_H
#define WEFT_BASE_IP_PROTO_H

enum ip_proto {
	PROTO_HOP = 0, /* hop-by-hop options */
	PROTO_ICMP = 1,
	PROTO_IPV4 = 4,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	PROTO_DCCP = 33,
	PROTO_IPV6 = 41,
	PROTO_ROUTING = 43,
	PROTO_FRAGMENT = 44,
	PROTO_ESP = 50,
	PROTO_AUTH = 51,
	PROTO_ICMPV6 = 58,
	PROTO_NONE = 59,
	PROTO_DEST = 60, /* destination options */
	PROTO_SCTP = 132,
	PROTO_UDPLITE = 136,
};

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IP and MAC addresses as values: text both ways, order, prefixes.
 *
 * Bytes are in network order, so that memcmp() is numeric order and they can be copied into a flow
 * key as they are.  Plain data; any thread.
 */
#ifndef WEFT_CONTROLLER_IP_H
#define WEFT_CONTROLLER_IP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	IP_TEXT = 46,	  /* INET6_ADDRSTRLEN */
	PREFIX_TEXT = 50, /* ... with "/128" */
	MAC_TEXT = 18,
};

struct ip_addr {
	uint8_t family; /* 4, 6; 0: none */
	uint8_t b[16];	/* the first 4 when IPv4; the rest zero */
};

struct ip_prefix {
	struct ip_addr addr; /* host bits may be set in an allowed address pair, never in a cidr */
	uint8_t len;
};

/* 4 or 16 */
static inline size_t ip_size(const struct ip_addr *a)
{
	return a->family == 4 ? 4 : 16;
}

/* 0 or -EINVAL.  A prefix without "/len" is a host's. */
int ip_parse(const char *text, struct ip_addr *a);
int ip_prefix_parse(const char *text, struct ip_prefix *p);
/* Six bytes in hexadecimal, with ':' or '-' between them; 0 or -EINVAL. */
int mac_parse(const char *text, uint8_t mac[6]);

const char *ip_format(const struct ip_addr *a, char buf[IP_TEXT]);
const char *ip_prefix_format(const struct ip_prefix *p, char buf[PREFIX_TEXT]);
const char *mac_format(const uint8_t mac[6], char buf[MAC_TEXT]);

/* Numeric order; IPv4 before IPv6. */
int ip_cmp(const struct ip_addr *a, const struct ip_addr *b);
/* a + n, wrapping within its family. */
struct ip_addr ip_plus(const struct ip_addr *a, uint64_t n);
/* b - a when b >= a and both are of one family; UINT64_MAX when it does not fit or they are not. */
uint64_t ip_distance(const struct ip_addr *a, const struct ip_addr *b);

/* First and last address of the prefix: the network's and (IPv4) the broadcast address. */
struct ip_addr ip_prefix_first(const struct ip_prefix *p);
struct ip_addr ip_prefix_last(const struct ip_prefix *p);
bool ip_prefix_has(const struct ip_prefix *p, const struct ip_addr *a);
bool ip_prefix_overlaps(const struct ip_prefix *a, const struct ip_prefix *b);

/* RFC 4291 appendix A: the address that a host with this MAC forms in a /64. */
struct ip_addr ip_eui64(const struct ip_prefix *p, const uint8_t mac[6]);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between vtep.c (addresses, remotes, time), vtep_input.c (what comes in) and vtep_frame.c (what
 * goes out).  Control thread.
 */
#ifndef WEFT_VXLAN_VTEP_PRIV_H
#define WEFT_VXLAN_VTEP_PRIV_H

#include "vxlan/vtep.h"

enum {
	ETH_HLEN = 14,
	TAG_HLEN = 4,
	ARP_HLEN = 28,
	IPV4_HLEN = 20,
	IPV6_HLEN = 40,
	ICMP_HLEN = 8,
	ND_HLEN = 24, /* ICMPv6 header, flags and target */
	ND_OPT_HLEN = 8,
	ETH_IPV4 = 0x0800,
	ETH_ARP = 0x0806,
	ETH_VLAN = 0x8100,
	ETH_IPV6 = 0x86dd,
	ARP_REQUEST = 1,
	ARP_REPLY = 2,
	ICMP_ECHO_REQUEST = 8,
	ICMP6_ECHO_REQUEST = 128,
	ICMP6_ECHO_REPLY = 129,
	ICMP6_NS = 135,
	ICMP6_NA = 136,
	ND_OPT_SLLA = 1,
	ND_OPT_TLLA = 2,
	NA_SOLICITED = 0x40,
	NA_OVERRIDE = 0x20,
	VTEP_ANNOUNCES = 2,
	VTEP_ANNOUNCE_MS = 1000,
	VTEP_DEFEND_MS = 10000, /* RFC 5227, 1.1: DEFEND_INTERVAL */
	VTEP_SWEEP_MS = 60000,
};

struct local {
	struct vtep_local is;
	uint64_t announce_at;
	uint8_t announces_left;
	uint64_t defend_after; /* not before, when in conflict */
};

struct remote_key {
	struct vxlan_addr remote;
	struct vxlan_addr local;
};

struct remote {
	struct remote_key key;
	struct neigh *via; /* counted in its refs */
	uint64_t used;
	struct vtep_nexthop told; /* as last said by the callback */
	UT_hash_handle hh;
};

struct vtep {
	struct vtep_config config;
	const struct vtep_ops *ops;
	void *aux;
	struct local local[VTEP_MAX_LOCALS];
	unsigned int n_locals;
	struct neigh_table neighs;
	struct remote *remotes;
	uint64_t sweep_at;
	uint64_t echo_second;
	uint32_t echo_tokens;
	struct vtep_counters counters;
};

/* The local address 'addr', NULL if it is not ours. */
struct local *vtep_local_find(struct vtep *v, const struct vxlan_addr *addr);

/* Another host speaks with our address. */
void vtep_conflict(struct vtep *v, struct local *l, const uint8_t mac[6], uint64_t now);

/* ---- vtep_frame.c ---- */

/* A frame that is being written; 'n' bytes so far. */
struct vtep_frame {
	uint8_t b[VTEP_FRAME_MAX];
	uint16_t n;
};

/* Begins with the Ethernet header and the underlay tag. */
void vtep_frame_begin(const struct vtep *v, struct vtep_frame *f, const uint8_t dst[6],
		      uint16_t type);

/* 'n' zeroed bytes more; the caller sees to it that they fit. */
uint8_t *vtep_frame_add(struct vtep_frame *f, uint16_t n);

/* Adds an IP header for 'len' bytes of ICMP or ICMPv6. */
void vtep_frame_ipv4(struct vtep_frame *f, be32 src, be32 dst, uint8_t tos, uint16_t len);
void vtep_frame_ipv6(struct vtep_frame *f, const uint8_t src[16], const uint8_t dst[16],
		     uint8_t tos, uint8_t hops, uint16_t len);

/* The checksum of the ICMPv6 message that follows the IPv6 header just added. */
void vtep_frame_icmp6_csum(struct vtep_frame *f, uint8_t *icmp, uint16_t len);

/* Pads to 60 bytes and sends. */
void vtep_frame_send(struct vtep *v, struct vtep_frame *f);

/* What others hear of us, and what we ask of them; 'to' NULL: broadcast or the group. */
void vtep_send_arp(struct vtep *v, uint16_t op, be32 spa, be32 tpa, const uint8_t *tha,
		   const uint8_t *to);
void vtep_send_ns(struct vtep *v, const uint8_t src[16], const uint8_t target[16],
		  const uint8_t *to);
void vtep_send_na(struct vtep *v, const uint8_t target[16], const uint8_t *dst, const uint8_t *to,
		  uint8_t flags);
void vtep_announce(struct vtep *v, const struct local *l);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A VTEP: the switch's own presence on one underlay (an uplink port and an optional VLAN on it).
 *
 * It answers for its addresses (ARP, neighbour solicitations, echo requests) and finds the MAC to
 * which packets for a remote endpoint go.  A pure state machine: frames and the time come in as
 * arguments, frames and next hops go out by two callbacks; no sockets, no clocks, no threads.
 *
 * On-link or not.  Each local address has a prefix length and perhaps a gateway.  A remote within
 * the prefix is asked for itself, any other goes by the gateway.  Without a length: every remote
 * is on-link (length 0) if there is no gateway, so that `local=IP` alone works on one flat
 * underlay; with a gateway, /24 for IPv4 and /64 for IPv6.  A remote that is neither on-link nor
 * has a gateway is refused with -ENETUNREACH.
 *
 * Bounds.  At most VTEP_MAX_REMOTES remotes and as many neighbours; packets add neither, and when
 * there are that many, one that does not answer gives way.  Echo replies, and defences of an
 * address in conflict, are limited in rate.  A conflict is counted and logged; the address is kept
 * and defended (RFC 5227, 2.4 b).
 *
 * Not done: redirects, routers' advertisements, multicast listening (MLD reports are not sent, so a
 * switch on the underlay that snoops MLD must have a querier-less VLAN or flood ND), path MTU of
 * the underlay.
 *
 * Control thread; the caller owns it.  Times are monotonic milliseconds.
 */
#ifndef WEFT_VXLAN_VTEP_H
#define WEFT_VXLAN_VTEP_H

#include <stdbool.h>
#include <stdint.h>

#include "vxlan/addr.h"
#include "vxlan/neigh.h"

struct err;
struct vtep;

#define VTEP_MAX_LOCALS	 8
#define VTEP_MAX_REMOTES NEIGH_MAX
#define VTEP_FRAME_MAX	 2048 /* longer frames are not answered */
#define VTEP_PLEN_UNSET	 255
#define VTEP_ECHO_RATE	 100 /* a second */

struct vtep_config {
	uint8_t mac[6]; /* of the uplink */
	uint16_t vid;	/* underlay VLAN; 0: no tag */
	uint8_t pcp;
};

/* A local address. */
struct vtep_local {
	struct vxlan_addr addr;
	struct vxlan_addr gateway; /* all zero: none */
	uint8_t plen;		   /* 0..32 or 0..128, or VTEP_PLEN_UNSET */
};

/* How to reach a remote. */
struct vtep_nexthop {
	struct vxlan_addr remote;
	struct vxlan_addr local; /* the source address to use */
	uint8_t mac[6];		 /* if usable */
	uint8_t state;		 /* enum neigh_state */
	bool usable;
};

struct vtep_ops {
	/* Send 'frame' by the uplink.  It is complete (tag included) and at least 60 bytes. */
	void (*send)(void *aux, const uint8_t *frame, uint16_t len);
	/* A remote that was resolved has got, changed or lost its MAC.  Must not call back into the
	 * VTEP. */
	void (*nexthop)(void *aux, const struct vtep_nexthop *nh);
};

/* name, text */
#define VTEP_COUNTERS(X)                                           \
	X(arp_requests, "ARP requests answered")                   \
	X(arp_learned, "ARP answers and updates taken")            \
	X(ns_answered, "neighbour solicitations answered")         \
	X(na_learned, "neighbour advertisements taken")            \
	X(echo_answered, "echo requests answered")                 \
	X(echo_limited, "echo requests over the limit")            \
	X(conflicts, "frames in which another claims our address") \
	X(bad, "frames malformed or with a wrong checksum")        \
	X(ignored, "frames that were not for us")                  \
	X(sent, "frames sent")

struct vtep_counters {
#define X(name, text) uint64_t name;
	VTEP_COUNTERS(X)
#undef X
};

/* NULL when memory is out.  'ops' stays the caller's and must outlive the VTEP. */
struct vtep *vtep_new(const struct vtep_config *config, const struct vtep_ops *ops, void *aux);
void vtep_free(struct vtep *v);

/* "192.0.2.1", "192.0.2.1/24" or "2001:db8::1/64"; gateway may be NULL.  0 or -EINVAL with words.
 */
int vtep_local_parse(struct vtep_local *l, const char *addr, const char *gateway, struct err *err);

/* Adds an address, and announces it twice, at once and a second later, by gratuitous ARP (RFC 5227,
 * 2.3) or an unsolicited neighbour advertisement (RFC 4861, 7.2.6).  0; -EEXIST; -EINVAL (no
 * unicast address, bad length, gateway of the other family); -ENOSPC. */
int vtep_local_add(struct vtep *v, const struct vtep_local *l, uint64_t now, struct err *err);

/* Forgets the address; remotes resolved by it become unusable.  -ENOENT. */
int vtep_local_del(struct vtep *v, const struct vxlan_addr *addr);

/* The uplink has come (back) up, perhaps with a new MAC: announces all addresses and asks for all
 * neighbours in use again. */
void vtep_up(struct vtep *v, const uint8_t mac[6], uint64_t now);

/* A frame punted from the uplink (vxlan_rx_out.ctrl).  True if it was ours. */
bool vtep_input(struct vtep *v, const uint8_t *frame, uint32_t len, uint64_t now);

/* Wants 'remote' reached from 'local' (NULL: the first local address of that family), and keeps it
 * current until vtep_release() or ten minutes without another call.  Fills '*nh' if not NULL.
 *	0              usable now
 *	-EINPROGRESS   asked for; the nexthop callback will tell
 *	-EHOSTUNREACH  did not answer; asked again no sooner than 5 s after
 *	-ENETUNREACH   no local address of the family, or off-link without a gateway
 *	-EINVAL        not a unicast address of another host
 *	-ENOSPC        too many remotes */
int vtep_resolve(struct vtep *v, const struct vxlan_addr *remote, const struct vxlan_addr *local,
		 uint64_t now, struct vtep_nexthop *nh);

/* No longer wanted. */
void vtep_release(struct vtep *v, const struct vxlan_addr *remote);

/* Does what is due at 'now'; returns when to call again (UINT64_MAX: nothing pending). */
uint64_t vtep_tick(struct vtep *v, uint64_t now);

const struct vtep_counters *vtep_counters(const struct vtep *v);

/* Calls 'fn' for each remote. */
void vtep_dump(const struct vtep *v, void (*fn)(void *aux, const struct vtep_nexthop *nh),
	       void *aux);

#endif

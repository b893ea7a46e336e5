/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between tunnel.c (PMDs read) and vtep_ctl.c (the control thread writes).
 *
 *	struct under    one VTEP: an uplink port and an underlay VLAN
 *	  struct tunnel_end   one local address and UDP port on it, with the peers that it sends to
 *	    struct tunnel       one tunnel port
 *	struct uplink   what PMDs see of all that on one uplink port; published whole
 */
#ifndef WEFT_DATAPATH_TUNNEL_PRIV_H
#define WEFT_DATAPATH_TUNNEL_PRIV_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "datapath/tunnel.h"
#include "vxlan/decap.h"
#include "vxlan/peer.h"

struct under;

struct tunnel_end {
	struct vxlan_peers peers;
	struct vxlan_addr local;
	uint16_t dport;
	/* Control thread. */
	uint16_t index; /* in the uplink's set */
	uint32_t refs;
	struct under *under;
	struct tunnel_end *next;
};

struct tunnel {
	struct tunnel_cfg cfg;
	struct tunnel_end *end;
	_Atomic uint32_t uplink_no; /* OpenFlow number; 0: there is none now */
	uint32_t port_no;
	struct tunnel *next; /* control thread */
};

/* Which tunnel port takes a packet: keyed by where it ended, and VNI and remote unless they are the
 * flow's. */
struct uplink_row {
	uint32_t port; /* 0: empty */
	uint32_t vni;
	struct vxlan_addr remote;
	uint16_t end;
	bool any_vni, any_remote;
};

enum uplink_kind { ANY_VNI = 1, ANY_REMOTE = 2 };

struct uplink {
	struct vxlan_term term; /* its port_of() looks at the rows */
	uint8_t kinds;		/* bit n: there are rows of kind n, of enum uplink_kind */
	uint64_t key;
	uint32_t mask;
	struct uplink_row rows[];
};

/* The OpenFlow port of the tunnel that a packet was in; 0: there is none. */
uint32_t uplink_port_of(const struct vxlan_term *t, const struct vxlan_local *l,
			const struct vxlan_rx *r);

static inline uint32_t uplink_hash(const struct uplink *u, uint16_t end, const uint32_t *vni,
				   const struct vxlan_addr *remote)
{
	uint64_t w[2] = { 0, 0 }, a = end + 1u;
	unsigned __int128 x;

	if (vni)
		a |= (uint64_t)(*vni + 1) << 16;
	if (remote)
		memcpy(w, remote->b, 16);
	x = (unsigned __int128)(a ^ w[0] ^ u->key) * (w[1] ^ u->key ^ 0x9e3779b97f4a7c15);
	return (uint32_t)(x >> 64) ^ (uint32_t)x ^ (uint32_t)(x >> 32);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a packet's tunnel says in its key, and in which words of it.
 *
 * Pure function, any thread.
 */
#ifndef WEFT_DATAPATH_TUNNEL_KEY_H
#define WEFT_DATAPATH_TUNNEL_KEY_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "ofproto/match.h"
#include "vxlan/decap.h"

static inline void tunnel_key(const struct vxlan_rx *r, struct flow_key *k)
{
	static const uint8_t none[16];
	const bool v4 = vxlan_addr_is_v4(&r->src);

	k->tun_id = htobe64(r->vni);
	k->tun_tos = r->tos;
	k->tun_ttl = r->ttl;
	k->tun_src = v4 ? vxlan_addr_to_v4(&r->src) : 0;
	k->tun_dst = v4 ? vxlan_addr_to_v4(&r->dst) : 0;
	memcpy(k->tun_ipv6_src, v4 ? none : r->src.b, 16);
	memcpy(k->tun_ipv6_dst, v4 ? none : r->dst.b, 16);
}

#endif

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

/* By whole words, as they are read: parts just written would be waited for. */
/* By whole words, as they are read: parts just written would be waited for.  The other fields of
 * these words no packet of ours has set when it comes from a tunnel. */
static inline void tunnel_key(const struct vxlan_rx *r, struct flow_key *k)
{
	static const uint8_t none[16];
	const bool v4 = vxlan_addr_is_v4(&r->src);
	const uint64_t said[2] = {
		v4 ? vxlan_addr_to_v4(&r->src) | (uint64_t)vxlan_addr_to_v4(&r->dst) << 32 : 0,
		htole64((uint64_t)r->tos << 40 | (uint64_t)r->ttl << 48),
	};

	_Static_assert(
		offsetof(struct flow_key, tun_dst) == offsetof(struct flow_key, tun_src) + 4 &&
			offsetof(struct flow_key, tun_tos) ==
				offsetof(struct flow_key, tun_src) + 13 &&
			offsetof(struct flow_key, tun_ttl) ==
				offsetof(struct flow_key, tun_src) + 14,
		"two words");
	k->tun_id = htobe64(r->vni);
	memcpy(&k->tun_src, said, sizeof(said));
	memcpy(k->tun_ipv6_src, v4 ? none : r->src.b, 16);
	memcpy(k->tun_ipv6_dst, v4 ? none : r->dst.b, 16);
}

#endif

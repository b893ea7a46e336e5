/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inner frames that do not fit the tunnel: never lost in silence.
 *
 *	IPv4 with DF       ICMP "fragmentation needed and DF set" with the MTU that would fit, back
 *	                   to the sender (RFC 792, RFC 1191, RFC 1812 4.3)
 *	IPv4 without DF    fragmented here, inside the tunnel
 *	IPv6               ICMPv6 "packet too big" (RFC 4443, 3.2)
 *	anything else      dropped and counted
 *
 * Why fragment.  A sender that cleared DF has asked for it, and an answer would not help: Linux
 * clears DF on exactly the packets that it has fragmented itself (a 4,000-byte ping leaves a
 * 1,500-byte interface as fragments of 1,500 without DF), and an ICMP error about a fragment finds
 * no socket that would heed it.  Without fragmentation here such packets meet a black hole.
 * Fragmenting inside is not what RFC 7348, 4.3 forbids: the outer packets stay whole.  Fragments
 * are fragmented further as RFC 791 has it, so the receiver reassembles them in one step.
 *
 * Never answered (RFC 1122 3.2.2, RFC 1812 4.3.2.7, RFC 4443 2.4 e): ICMP errors, later fragments,
 * frames to a group address on either layer, senders that are no single host.  Exception for IPv6
 * (RFC 4443, 2.4 e.3): packet too big may answer IPv6 multicast; here it does not, as a tunnel
 * floods it to many and every host would answer.
 * The answer's source is the packet's destination, address and MAC: the switch has no address in
 * the tenant's network, and a host takes the error by what it quotes.
 *
 * vxlan_toobig_answer() is a pure function.  vxlan_toobig(): PMD threads, off the straight path.
 */
#ifndef WEFT_VXLAN_TOOBIG_H
#define WEFT_VXLAN_TOOBIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vxlan/encap.h"

#define VXLAN_TOOBIG_ANSWER_MAX 1302 /* Ethernet, two tags, IPv6 minimum MTU: 14 + 8 + 1280 */
#define VXLAN_TOOBIG_FRAGS	48
#define VXLAN_TOOBIG_RATE	1000 /* answers a second and thread */

/* What became of a frame. */
struct vxlan_toobig_out {
	struct rte_mbuf *pkt[VXLAN_TOOBIG_FRAGS];
	uint16_t n;
	bool answer; /* pkt[0] goes back by the port the frame came from; else pkt[] are inner
		      * frames that fit, to be encapsulated in place of it */
};

/* The limit on answers of one thread (RFC 4443, 2.4 f); zero it first. */
struct vxlan_toobig_limit {
	uint64_t ms;
	uint32_t tokens;
};

/* Builds in 'out' (of VXLAN_TOOBIG_ANSWER_MAX) the answer to the frame of which 'n' bytes are at
 * 'frame'; 'mtu' is the largest IP packet that fits in an untagged frame (room - 14): what tags the
 * frame has are taken off in the answer.  Returns its length, 0 when the frame is not to be
 * answered. */
size_t vxlan_toobig_answer(const uint8_t *frame, size_t n, uint16_t mtu, uint8_t *out);

/* Consumes 'm', a frame that exceeds 'room' bytes (vxlan_tmpl.room).  Returns how many packets are
 * in '*out'; 0 when it was dropped, counted in 'ctx' as TOO_BIG or NO_MBUF. */
uint16_t vxlan_toobig(struct vxlan_ctx *ctx, struct vxlan_toobig_limit *limit, uint64_t now_ms,
		      struct rte_mbuf *m, uint16_t room, struct vxlan_toobig_out *out);

#endif

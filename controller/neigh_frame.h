/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames that ask for neighbours and announce them, and what answers say: ARP (RFC 826, 5227),
 * neighbour discovery (RFC 4861).
 *
 * Pure functions; any thread.
 */
#ifndef WEFT_CONTROLLER_NEIGH_FRAME_H
#define WEFT_CONTROLLER_NEIGH_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/ip.h"

enum { NEIGH_FRAME_MAX = 14 + 4 + 40 + 56 };

/* 'vid' 0: untagged.  Each returns the frame's length. */
size_t neigh_frame_ask(uint8_t out[NEIGH_FRAME_MAX], uint16_t vid, const uint8_t mac[6],
		       const struct ip_addr *own, const struct ip_addr *who);
size_t neigh_frame_announce(uint8_t out[NEIGH_FRAME_MAX], uint16_t vid, const uint8_t mac[6],
			    const struct ip_addr *own, bool router);
/* A router solicitation of a host that has no address yet, so that the answer is for all of them.
 */
size_t neigh_frame_solicit(uint8_t out[NEIGH_FRAME_MAX], const uint8_t mac[6]);

/*
 * A router's advertisement, to all nodes, that it has a prefix no longer: deprecated, and good for
 * two hours to who has an address of it (RFC 4862 5.5.3 would have hosts make that of any less).
 * 'router': it stays one.
 */
size_t neigh_frame_withdraw(uint8_t out[NEIGH_FRAME_MAX], const uint8_t mac[6], bool router,
			    const struct ip_prefix *prefix, bool autonomous);

/* Whether an untagged frame says which MAC has which address. */
bool neigh_frame_read(const uint8_t *p, size_t n, struct ip_addr *ip, uint8_t mac[6]);
/* The destination of an untagged IP packet. */
bool neigh_frame_dst(const uint8_t *p, size_t n, struct ip_addr *ip);

#endif

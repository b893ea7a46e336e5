/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What arrives on the uplink: tunnel packets are unpacked, what the VTEP itself must answer goes to
 * the control thread, and everything else is the pipeline's.
 *
 * A tunnel packet is one to the uplink's MAC, on the underlay VLAN, to a local address and that
 * address's UDP port.  From there on it is the tunnel's or nobody's: an outer header that is wrong
 * (lengths, IPv4 header checksum, UDP checksum unless zero, fragments, VXLAN flags) is dropped and
 * counted in the context.  IPv4 options are skipped; the driver's word on checksums is taken
 * (RTE_MBUF_F_RX_IP_CKSUM_*, _L4_CKSUM_*).  A zero UDP checksum is accepted over IPv4 and IPv6
 * (RFC 7348, 5; RFC 6935, 5), and so is the pseudo-header's sum alone, which is what a Linux host
 * leaves in packets that never met a wire.  Bytes behind the UDP length are padding and cut off.
 * ECN is combined as in RFC 6040, 4.2, so that an inner header may change by its two ECN bits.
 *
 * The VTEP's own: ARP for or about a local address, neighbour discovery, echo requests to a local
 * address.  A broadcast that the VTEP only overhears (a gratuitous ARP) is copied to it and goes on
 * to the pipeline.
 *
 * The set of local addresses is made by the control thread, published, and never changed.
 * vxlan_rx_burst(): PMD threads, each with its own context.
 */
#ifndef WEFT_VXLAN_DECAP_H
#define WEFT_VXLAN_DECAP_H

#include <stdint.h>

#include <rte_mbuf.h>

#include "vxlan/addr.h"
#include "vxlan/encap.h"

#define VXLAN_TERM_MAX 16

/* What a tunnel packet said on its outside: the values of tun_*. */
struct vxlan_rx {
	struct vxlan_addr src;
	struct vxlan_addr dst;
	uint32_t vni;
	uint32_t port; /* whose it is */
	uint8_t tos;
	uint8_t ttl;
};

struct vxlan_term;

/* One place where tunnels end. */
struct vxlan_local {
	struct vxlan_addr addr;
	uint16_t dport; /* UDP port; host order */
	uint16_t vid;	/* underlay VLAN; 0: untagged */
	uint32_t port;	/* the caller's */
};

/* All that end on one uplink. */
struct vxlan_term {
	uint8_t mac[6]; /* of the uplink */
	uint8_t n;
	struct vxlan_local local[VXLAN_TERM_MAX];
	/* Of which PMDs may remember what they have found here: no other has ever had this number
	 * (vxlan_term_id()); 0: they do not. */
	uint64_t id;
	/* What vxlan_rx.port is for what 'l' takes; NULL: l->port. */
	uint32_t (*port_of)(const struct vxlan_term *t, const struct vxlan_local *l,
			    const struct vxlan_rx *rx);
};

uint64_t vxlan_term_id(void);

/* Packets that came one after the other and said the same; the next ones may do so, too. */
struct vxlan_run {
	const struct vxlan_rx *rx; /* valid until the next burst */
	uint32_t n;
	uint64_t bytes; /* of the inner frames */
};

/* Where a burst went.  Each packet is in one of the three; order is kept in each. */
struct vxlan_rx_out {
	struct rte_mbuf *inner[VXLAN_BURST]; /* unpacked: the first run[0].n are run[0]'s, ... */
	struct vxlan_run run[VXLAN_BURST];
	struct rte_mbuf *ctrl[VXLAN_BURST]; /* for vtep_input(), also copies of what passes */
	struct rte_mbuf *pass[VXLAN_BURST]; /* none of the tunnel's business */
	uint16_t n_inner;
	uint16_t n_runs;
	uint16_t n_ctrl;
	uint16_t n_pass;
};

/* PMD threads. */

/* What a PMD remembers of tunnels from burst to burst. */
struct vxlan_memory;
struct vxlan_memory *vxlan_memory_new(void);
void vxlan_memory_free(struct vxlan_memory *memory);

/* Sorts 'n' <= VXLAN_BURST packets of the uplink that 't' is about, who have no more than 'flags'
 * in ol_flags; VLAN-stripped tags must be back (vlan_unstrip()).  What is in none of the three of
 * '*out' was freed and counted in 'ctx'. */
void vxlan_rx_burst(struct vxlan_ctx *ctx, struct vxlan_memory *memory, const struct vxlan_term *t,
		    struct rte_mbuf **pkts, uint16_t n, uint64_t flags, struct vxlan_rx_out *out);

#endif

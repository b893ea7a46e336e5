/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encapsulation: an inner frame becomes a UDP packet of the tunnel (RFC 7348, section 5).
 *
 * What is the same for every packet to one endpoint is written once, into a template: outer
 * Ethernet, underlay tag, IPv4 or IPv6, UDP, VXLAN.  Per packet the template is copied in front of
 * the frame and the few fields that differ are filled in:
 *	lengths; VNI; UDP source port 49152 + 14 bits of a hash of the inner flow, so that the
 *	  underlay spreads flows and keeps each in order (RFC 7348, 5);
 *	ECN copied from the inner IP header (RFC 6040, 4.1), DSCP too if the template asks;
 *	IPv4: identification 0 and DF always, as tunnels do not fragment outside (RFC 7348, 4.3;
 *	  RFC 6864); the header checksum continues from the template's sum.
 * UDP checksum: 0 over IPv4 (RFC 7348, 5), computed over IPv6, because the Linux kernel and others
 * refuse a zero there unless told otherwise.  The template may choose the other in either case;
 * zero over IPv6 is RFC 6935's.
 *
 * Writing.  The header goes only into headroom that belongs to the mbuf alone; a frame whose buffer
 * is shared (cloned, indirect, reference count above one) or has too little headroom is copied
 * first.  The payload is not written, except to complete the checksums that RTE_MBUF_F_TX_* flags
 * ask for: hardware would take the offsets for the outer packet's.  Frames to segment
 * (RTE_MBUF_F_TX_TCP_SEG, _UDP_SEG) are dropped and counted: split them before.
 *
 * Templates: made by the control thread, read by PMD threads, never changed once published.
 * The rest: PMD threads, each with its own context.
 */
#ifndef WEFT_VXLAN_ENCAP_H
#define WEFT_VXLAN_ENCAP_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "vxlan/addr.h"
#include "vxlan/hdr.h"

struct err;

#define VXLAN_BURST	64 /* most packets in one call */
#define VXLAN_TMPL_SIZE 80 /* Ethernet 14 + tag 4 + IPv6 40 + UDP 8 + VXLAN 8, and 6 to align */

/* What a template is made of.  'local' and 'remote' are of one family. */
struct vxlan_tmpl_cfg {
	struct vxlan_addr local;
	struct vxlan_addr remote;
	uint8_t src_mac[6]; /* of the uplink */
	uint8_t dst_mac[6]; /* of the next hop */
	uint16_t vid;	    /* underlay VLAN; 0: no tag */
	uint8_t pcp;
	uint16_t dport; /* 0: VXLAN_PORT */
	uint8_t ttl;	/* 0: 64 */
	uint8_t dscp;	/* when it is not inherited */
	bool dscp_inherit;
	bool csum_flip; /* checksum over IPv4, none over IPv6 */
	uint16_t mtu;	/* of the uplink: largest outer IP packet */
};

/* The header ends where the array ends, so that each field has one place for all shapes. */
struct vxlan_tmpl {
	uint8_t hdr[VXLAN_TMPL_SIZE];
	uint32_t ip_sum;  /* IPv4: sum of the header without length, TOS, TTL and checksum */
	uint16_t room;	  /* largest inner frame that fits */
	uint8_t len;	  /* of the header */
	uint8_t l3_len;	  /* 20 or 40 */
	uint8_t tos;	  /* DSCP, shifted */
	uint8_t tos_mask; /* which bits of the inner TOS go out: ECN, or all */
	uint8_t ttl;
	bool udp_csum;
	uint8_t spare[20];
};

_Static_assert(sizeof(struct vxlan_tmpl) == 112, "a template is less than two cache lines");

/* A PMD thread's own. */
struct vxlan_ctx {
	struct rte_mempool *pool; /* private copies, answers and fragments come from here */
	uint64_t drops[VXLAN_N_DROPS];
	uint64_t copied; /* frames copied because their buffer was shared or had no headroom */
};

/* Where one packet goes. */
struct vxlan_tx {
	const struct vxlan_tmpl *tmpl; /* NULL: no next hop, dropped and counted */
	uint32_t vni;		       /* 24 bits */
	uint8_t tos; /* DSCP, shifted, in place of the template's; 0: the template's */
	uint8_t ttl; /* 0: the template's */
};

/* Frames that do not fit their tunnel, for vxlan_toobig(): not yet changed, the caller's again. */
struct vxlan_big {
	struct rte_mbuf *pkt[VXLAN_BURST];
	struct vxlan_tx tx[VXLAN_BURST];
	uint16_t n;
};

/* Control thread. */

/* 0, or -EINVAL with words (families differ, MTU too small for a frame, VID out of range). */
int vxlan_tmpl_init(struct vxlan_tmpl *t, const struct vxlan_tmpl_cfg *cfg, struct err *err);

/* PMD threads. */

/* Whether an inner frame of 'len' bytes fits. */
static inline bool vxlan_fits(const struct vxlan_tmpl *t, uint32_t len)
{
	return len <= t->room;
}

/* Encapsulates 'n' <= VXLAN_BURST frames, the i-th for 'tx[i]'.  Returns how many are ready: they
 * stand at the front of 'pkts', in their order, to be sent by the uplink.  Those that do not fit
 * are in '*big' (NULL: dropped and counted); all others were freed and counted in 'ctx'. */
uint16_t vxlan_encap_burst(struct vxlan_ctx *ctx, struct rte_mbuf **pkts, const struct vxlan_tx *tx,
			   uint16_t n, struct vxlan_big *big);

/*
 * The same for frames that all go to one place, 'tx->tmpl' not NULL, and need nothing but the
 * header: takes the first of them, up to one that is shared, without headroom, too big, too short
 * or marked by a flag of 'odd' or with an offload.  Returns how many; '*bytes' grows by their inner
 * lengths.
 */
uint16_t vxlan_encap_run(struct rte_mbuf **pkts, uint16_t n, const struct vxlan_tx *tx,
			 uint64_t odd, uint64_t *bytes);

/* Completes in software the checksums (IPv4, TCP, UDP) and the tag that the flags of 'm' ask for,
 * and clears the flags.  0; -EINVAL when offsets and packet disagree; -ENOTSUP for segmentation,
 * SCTP and tunnel offloads; -EROFS when the bytes are shared.  Of use for any output that cannot
 * offload. */
int vxlan_complete_csum(struct rte_mbuf *m);

#endif

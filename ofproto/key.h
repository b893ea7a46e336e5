/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The flow key: every match field's value, in one fixed layout.
 *
 * Everything is in network byte order, as it stands in the packet, so that a field is a run of
 * bits in a big-endian member (field.def says which).  Fields whose prerequisites exclude each
 * other share a member: ARP addresses stand in nw_src/nw_dst, the ARP opcode and the ICMP type and
 * code in tp_src.  So a member means something only together with eth_type and ip_proto, and
 * of_match_has() asks for the prerequisites.
 *
 * The first cache line holds what most pipelines match, and all that an IPv4 packet brings along.
 * Plain data, no owner, no thread.
 */
#ifndef WEFT_OFPROTO_KEY_H
#define WEFT_OFPROTO_KEY_H

#include <stddef.h>
#include <stdint.h>

#include "base/byteorder.h"

#define FLOW_TCI_PRESENT 0x1000 /* in vlan_tci, host order: a tag is there (OFPVID_PRESENT) */

/* ip_frag, as NXM_NX_IP_FRAG has it. */
#define FLOW_FRAG_ANY	0x01 /* a fragment */
#define FLOW_FRAG_LATER 0x02 /* ... but not the first */
/* Beside them, no part of the field: there is no (whole) L4 header, and ports and the like that are
 * zero are none (datapath/mask.h). */
#define FLOW_L4_NONE 0x80

struct flow_key {
	/* Line 0. */
	be64 metadata;
	be32 in_port; /* OpenFlow port number */
	be32 in_phy_port;
	be64 tun_id;
	uint8_t eth_dst[6];
	be16 eth_type; /* innermost after VLAN tags; 0x05ff for a frame without one */
	uint8_t eth_src[6];
	be16 vlan_tci; /* outermost tag: PCP, FLOW_TCI_PRESENT, VID; 0: no tag */
	be32 nw_src;   /* IPv4, or ARP SPA */
	be32 nw_dst;   /* IPv4, or ARP TPA */
	uint8_t ip_proto;
	uint8_t ip_tos; /* DSCP and ECN */
	uint8_t ip_ttl;
	uint8_t ip_frag;
	be16 tp_src; /* TCP, UDP, SCTP source; ICMP type and code; ARP opcode */
	be16 tp_dst;
	be16 tcp_flags; /* low 12 bits */
	be16 ct_zone;
	be16 vlan_tpid; /* of the outermost tag; not matchable, read by the actions */
	uint8_t ct_state;
	uint8_t headers; /* which the frame has (datapath/parse.h); no field */

	/* Line 1. */
	uint8_t ipv6_src[16];
	uint8_t ipv6_dst[16];
	be32 ipv6_label; /* low 20 bits */
	be16 ipv6_exthdr;
	uint8_t pad0[2];
	be32 mpls_lse; /* top label stack entry */
	be32 pbb_isid; /* low 24 bits; UCA at its place in the I-TAG, bit 27 */
	uint8_t nd_target[16];

	/* Line 2. */
	uint8_t nd_sll[6]; /* or ARP SHA */
	uint8_t nd_tll[6]; /* or ARP THA */
	be32 pkt_mark;
	be32 tun_src;
	be32 tun_dst;
	be16 tun_flags;
	be16 tun_gbp_id;
	uint8_t tun_gbp_flags;
	uint8_t tun_tos;
	uint8_t tun_ttl;
	uint8_t pad2;
	uint8_t tun_ipv6_src[16];
	uint8_t tun_ipv6_dst[16];

	/* Line 3. */
	be32 reg[16];

	/* Connection tracking and the rest. */
	uint8_t ct_label[16];
	be32 ct_mark;
	be32 conj_id;
	be32 ct_nw_src;
	be32 ct_nw_dst;
	uint8_t ct_ipv6_src[16];
	uint8_t ct_ipv6_dst[16];
	be16 ct_tp_src;
	be16 ct_tp_dst;
	uint8_t ct_nw_proto;
	uint8_t pad1[3];
	be32 dp_hash;
	be32 actset_output;
};

/* The key as the classifiers and the cache read it. */
enum { FLOW_KEY_WORDS = sizeof(struct flow_key) / sizeof(uint64_t) };

/* Cache lines of a key. */
enum { FLOW_KEY_LINE = 64, FLOW_KEY_LINES = (sizeof(struct flow_key) + 63) / 64 };

_Static_assert(sizeof(struct flow_key) % sizeof(uint64_t) == 0, "key is whole words");
_Static_assert(offsetof(struct flow_key, ipv6_src) == FLOW_KEY_LINE, "IPv4 is in line 0");
_Static_assert(offsetof(struct flow_key, nd_sll) == 2 * FLOW_KEY_LINE, "frames end in line 2");
_Static_assert(offsetof(struct flow_key, reg) == 3 * FLOW_KEY_LINE, "registers are line 3");
_Static_assert(FLOW_KEY_WORDS <= 64, "a word set is one uint64_t");

#endif

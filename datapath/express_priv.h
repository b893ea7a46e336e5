/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the express way share: the words of a frame, and the walk through the tables
 * for frames whose way is not in the cache.  One PMD.
 */
#ifndef WEFT_DATAPATH_EXPRESS_PRIV_H
#define WEFT_DATAPATH_EXPRESS_PRIV_H

#include <string.h>

#include <rte_mbuf.h>

#include "base/byteorder.h"
#include "base/ip_proto.h"
#include "base/load.h"
#include "datapath/act_priv.h"
#include "datapath/express.h"
#include "datapath/parse.h"
#include "ofproto/match.h"
#include "vlan/tag.h"

enum {
	ETH_HLEN = 14,
	MACS = 12,
	IP_HLEN = 20,
};

/* Words of the key: a frame's are all in its first line, a tunnel's in its third. */
enum {
	W_PORT = offsetof(struct flow_key, in_port) / 8,
	W_TUN = offsetof(struct flow_key, tun_id) / 8,
	W_DST = offsetof(struct flow_key, eth_dst) / 8,
	W_SRC = offsetof(struct flow_key, eth_src) / 8,
	W_NW = offsetof(struct flow_key, nw_src) / 8,
	W_L4 = offsetof(struct flow_key, ip_proto) / 8,
	W_REST = offsetof(struct flow_key, tcp_flags) / 8,
	W_TUN_ADDR = offsetof(struct flow_key, tun_src) / 8,
	W_TUN_END = offsetof(struct flow_key, reg) / 8,
};

_Static_assert(offsetof(struct flow_key, tun_src) % 8 == 0 && W_TUN_END - W_TUN_ADDR == 6,
	       "nothing but the tunnel's is there");

#define BIT(n) (UINT64_C(1) << (n))

/* Flows of one walk; a longer one is the pipeline's. */
enum { WALK_FLOWS_MAX = 24 };

/* What became of the frames of a burst that were walked. */
struct express_walk {
	struct express own[BURST_MAX]; /* where more than one flow does something */
	uint8_t n[BURST_MAX];
	const struct flow *flow[BURST_MAX][WALK_FLOWS_MAX];
};

/*
 * Looks frames 'todo' of 'b', whose keys stand in b->pkt[], up in the tables, and sets x[i] to what
 * the flows of the way of frame i come to.  Returns those that reached the end; of the others
 * nothing has happened.
 */
uint64_t express_walk(struct pmd *w, struct burst *b, uint64_t todo, struct express_walk *k,
		      struct express **x) PMD;

/* IPv4 without options and whole, with a transport header that is there: as parse.c has it. */
static __rte_always_inline bool ipv4_words(const uint8_t *ip, uint32_t n, uint16_t tpid,
					   uint64_t *k)
{
	const uint8_t *l4 = ip + IP_HLEN;
	uint64_t ports, flags = 0;
	uint32_t end;

	if (n < IP_HLEN + 8 || ip[0] != 0x45 || load16(ip + 6) & htobe16(0x3fff))
		return false;
	end = RTE_MIN(n, (uint32_t)get_be16(ip + 2));
	if (end < IP_HLEN + 8)
		return false;
	switch (ip[9]) {
	case PROTO_TCP:
		if (end < IP_HLEN + 20)
			return false;
		flags = load16(l4 + 12) & htobe16(0xfff);
		ports = load32(l4);
		break;
	case PROTO_UDP:
		ports = load32(l4);
		break;
	case PROTO_ICMP:
		ports = load16(l4);
		break;
	default:
		return false;
	}
	k[W_NW] = load64(ip + 12);
	k[W_L4] = ip[9] | (uint64_t)ip[1] << 8 | (uint64_t)ip[8] << 16 | ports << 32;
	k[W_REST] = flags | (uint64_t)tpid << 32 | (uint64_t)(PKT_HAS_L3 | PKT_HAS_L4) << 56;
	return true;
}

/* The frame's words in the first line of 'k'; the offset of what follows Ethernet, 0: not for us.
 */
static __rte_always_inline uint8_t frame_words(const struct rte_mbuf *m, enum express_need need,
					       uint64_t *k)
{
	const uint64_t mac = BIT(48) - 1;
	const uint8_t *f = rte_pktmbuf_mtod(m, const uint8_t *);
	uint32_t n = m->data_len, at = ETH_HLEN;
	uint16_t type, tci = 0, tpid = 0;

	if (unlikely(n < ETH_HLEN + VLAN_HLEN || m->nb_segs != 1))
		return 0;
	type = load16(f + 12);
	if (vlan_is_tpid(be16toh(type))) {
		tpid = type;
		tci = load16(f + 14) | htobe16(FLOW_TCI_PRESENT);
		type = load16(f + 16);
		at += VLAN_HLEN;
		if (vlan_is_tpid(be16toh(type)))
			return 0;
	}
	if (be16toh(type) < ETH_TYPE_MIN)
		return 0;
	k[W_DST] = (load64(f) & mac) | (uint64_t)type << 48;
	k[W_SRC] = (load64(f + 6) & mac) | (uint64_t)tci << 48;
	if (need == EXPRESS_IPV4 &&
	    (type != htobe16(ETH_TYPE_IPV4) || !ipv4_words(f + at, n - at, tpid, k)))
		return 0;
	return (uint8_t)at;
}

#endif

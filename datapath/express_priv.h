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
#include "datapath/cache.h"
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
enum { WALK_FLOWS_MAX = CACHE_WAY_MAX };

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

/* What of the first bytes of a transport header is in a key; by protocol. */
struct l4_words {
	uint32_t least; /* bytes from the IPv4 header on that have to be there; 0: not for us */
	uint32_t ports; /* mask of the header's first four bytes, as they stand there */
	uint16_t flags; /* ... of two more, */
	uint8_t flags_at;
} __attribute__((aligned(16)));

extern const struct l4_words express_l4[256];

/*
 * IPv4 without options and whole, with a transport header that is there: as parse.c has it.  No
 * branch knows the protocol: nobody can foretell it where there are several.
 */
static __rte_always_inline bool ipv4_words(const uint8_t *ip, uint32_t n, uint16_t tpid,
					   uint64_t *k)
{
	const uint8_t *l4 = ip + IP_HLEN;
	const struct l4_words *how;
	uint32_t first, ports, short_of;
	uint16_t flags;

	if (unlikely(n < IP_HLEN + 8))
		return false;
	first = load32(ip);
	how = &express_l4[ip[9]];
	short_of = how->least - 1; /* 0: nobody has so many */
	if (unlikely((uint8_t)first != 0x45 || load16(ip + 6) & htobe16(0x3fff) || n <= short_of ||
		     be16toh((uint16_t)(first >> 16)) <= short_of))
		return false;
	ports = load32(l4) & how->ports;
	flags = load16(l4 + how->flags_at) & how->flags;
	k[W_NW] = load64(ip + 12);
	k[W_L4] = ip[9] | (first & 0xff00) | (uint32_t)ip[8] << 16 | (uint64_t)ports << 32;
	k[W_REST] = flags | (uint64_t)tpid << 32 | (uint64_t)(PKT_HAS_L3 | PKT_HAS_L4) << 56;
	return true;
}

/* A tag, or two: what follows the MACs is not at its usual place.  As frame_words(). */
static __rte_always_inline uint8_t tagged_words(const uint8_t *f, uint16_t *tpid, uint64_t *k)
{
	const uint64_t mac = BIT(48) - 1;
	uint16_t type = load16(f + 12), tci = 0;
	uint8_t at = ETH_HLEN;

	if (vlan_is_tpid(be16toh(type))) {
		*tpid = type;
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
	return at;
}

/* Whether the ethertype in the upper bytes of 'w' may be a tag's or a length, by six bits of it. */
static __rte_always_inline bool maybe_tagged(uint64_t w)
{
	const uint64_t those = BIT(0x00 >> 2) | BIT(0x04 >> 2) | BIT((VLAN_TPID_C >> 8) >> 2) |
			       BIT((VLAN_TPID_S >> 8) >> 2);

	return those >> (w >> 50 & 63) & 1;
}

/* The frame's words in the first line of 'k'; the offset of what follows Ethernet, 0: not for us.
 */
static __rte_always_inline uint8_t frame_words(const struct rte_mbuf *m, enum express_need need,
					       uint64_t *k)
{
	const uint64_t mac = BIT(48) - 1;
	const uint8_t *f = rte_pktmbuf_mtod(m, const uint8_t *);
	const uint32_t n = m->data_len;
	uint16_t tpid = 0;
	uint8_t at = ETH_HLEN;
	uint64_t src;

	if (unlikely(n < ETH_HLEN + VLAN_HLEN || m->nb_segs != 1))
		return 0;
	src = load64(f + 6); /* and the ethertype */
	if (likely(need == EXPRESS_IPV4 ? src >> 48 == htobe16(ETH_TYPE_IPV4)
					: !maybe_tagged(src))) {
		k[W_DST] = ((load64(f) ^ src) & mac) ^ src;
		k[W_SRC] = src & mac;
	} else {
		at = tagged_words(f, &tpid, k);
		if (!at)
			return 0;
	}
	if (need == EXPRESS_IPV4 &&
	    (k[W_DST] >> 48 != htobe16(ETH_TYPE_IPV4) || !ipv4_words(f + at, n - at, tpid, k)))
		return 0;
	return at;
}

#endif

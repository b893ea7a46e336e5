/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The express way: frames whose way is in the flow cache, and leads to one port with no more than a
 * few rewrites, leave without being made a packet of the pipeline.
 *
 * A frame gives up just the words that the cache is keyed by; the entry holds what the flows of the
 * way do, composed.  Frames that the cache does not know, or all while it does not pay, walk
 * through the tables as the pipeline would have them (express_walk.c), but with no more than that
 * key, and what each flow does is composed beforehand, with its instructions.  What a frame needs
 * that this does not know (other headers than Ethernet, one tag and IPv4; shared buffers; an output
 * that would go back) is left to the pipeline, which is what defines the outcome: with the cache
 * and without it the same leaves, in the same order.  One PMD.
 */
#ifndef WEFT_DATAPATH_EXPRESS_H
#define WEFT_DATAPATH_EXPRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "datapath/pkt.h"
#include "datapath/role.h"
#include "vlan/tag.h"

struct act_ct;
struct flow;
struct pmd;
struct rte_mbuf;

/* How much of a frame the words of a key are in. */
enum express_need {
	EXPRESS_NOTHING, /* the port alone, and the tunnel: one look for a whole burst */
	EXPRESS_TAG,	 /* ... and the outermost tag: one for a run of frames */
	EXPRESS_ETH,	 /* MACs, ethertype, one tag */
	EXPRESS_IPV4,	 /* more */
};

enum { EXPRESS_FLOWS_MAX = 6 }; /* of a way of more, cache_rest.h has the rest */

enum express_does {
	EXPRESS_DST = 0x01,
	EXPRESS_SRC = 0x02,
	EXPRESS_TTL = 0x04,  /* or hop limit, down by one */
	EXPRESS_TUN = 0x08,  /* 'tun_*' are set */
	EXPRESS_PUSH = 0x10, /* a tag, of the kind of EXPRESS_STAG */
	EXPRESS_STAG = 0x20,
	EXPRESS_POP = 0x40, /* the frame's one tag */
	EXPRESS_TCI = 0x80, /* 'tci' under 'tci_mask': of the tag that is outermost then, if any */

	EXPRESS_TAGS = EXPRESS_PUSH | EXPRESS_POP | EXPRESS_TCI,
	EXPRESS_WRITES = EXPRESS_DST | EXPRESS_SRC | EXPRESS_TTL | EXPRESS_TAGS,
};

/* What the flows of a way come to: one cache line. */
struct express {
	union {
		struct {
			uint32_t port; /* 0: nowhere, it is dropped */
			be32 tun_id;   /* low half; more is not composed */
			be32 tun_src, tun_dst;
		};
		struct { /* of a way to ct() (express_ct.h) */
			const struct act_ct *ct;
			uint64_t metadata; /* there */
		};
	};
	/* What is to be counted for each flow of the way, if they are few. */
	uint32_t id[EXPRESS_FLOWS_MAX];
	uint8_t table[EXPRESS_FLOWS_MAX];
	uint8_t n_flows;
	uint8_t does; /* of enum express_does */
	union {
		struct {
			uint8_t dst[6], src[6];
		};
		uint32_t next[3]; /* of a way to ct(): where ways behind it were found last */
	};
	uint16_t tci, tci_mask; /* host order */
};

struct insts;
struct vxlan_rx;

/* What one flow's instructions come to, made with them. */
struct express_step {
	struct express x;
	bool ok;     /* they are all in 'x', but for what leads to the next table: */
	bool states; /* ACT_SET_STATE in insts->apply; metadata and goto */
};

_Static_assert(sizeof(struct express) <= 64, "one line");

/* Where frames came in that had been in a tunnel, one after the other. */
struct express_from {
	uint32_t port; /* the tunnel's */
	uint32_t end;  /* the first frame behind them */
	const struct vxlan_rx *rx;
};

/* Of a key of these words, and in each of them these bits. */
enum express_need express_need(uint64_t words, const uint64_t *bits);
/* What 'n' flows of a way come to; of a long way but for what cache_rest_keep() adds.  False: they
 * do more than it can say. */
bool express_compose(const struct flow *const *flow, uint32_t n, struct express *out);
/* The same for a way that ends in ct(table=N). */
bool express_compose_ct(const struct flow *const *flow, uint32_t n, struct express *out);
void express_step_init(struct express_step *s, const struct insts *i);

/* Whether a frame may leave so; 'l3': where what follows Ethernet begins, 0 where nobody has
 * looked.
 */
static inline bool express_fits(const struct express *x, const struct rte_mbuf *m, unsigned int l3,
				uint32_t in_port)
{
	enum { UNTAGGED = 14 };

	if (x->port == in_port)
		return false;
	if (!(x->does & EXPRESS_WRITES))
		return true;
	if (!vlan_writable(m))
		return false;
	if (!(x->does & EXPRESS_TAGS))
		return true;
	if (x->does & EXPRESS_POP)
		return l3 == UNTAGGED + VLAN_HLEN;
	return l3 && (!(x->does & EXPRESS_PUSH) || rte_pktmbuf_headroom(m) >= VLAN_HLEN);
}

/*
 * Serves what it can of frames m[0] to m[n - 1] that came in on device port 'in_port', and, where
 * 'from' is not NULL, through the tunnels that it names, until all have one: they stand in b->x, in
 * b->lots[] of those that leave alike, and leave with the burst (output_flush()).  Returns those
 * that are left.
 */
uint64_t express_run(struct pmd *w, struct burst *b, struct rte_mbuf **m, unsigned int n,
		     uint32_t in_port, const struct express_from *from) PMD;
/* Whether frames may leave without being made packets: there is a cache, and fragments are let be.
 */
bool express_open(const struct pmd *w) PMD;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fragments: of a datagram that was put together here (reasm.h) and is too long for where it goes,
 * and of one that a router's flow says is (act_fit.h).
 *
 * What its sender never fragmented and no such flow has seen stays too long: a switch is no router,
 * and drops it.  A reassembled one carries in its mbuf what its fragments were like; the mark lives
 * as long as the frame, through copies, pushes and pops, which all happen in front of the IP
 * packet.  Pieces are no longer than the longest fragment that came in, so that what follows on its
 * way never sees a longer one than without the switch.  PMD threads.
 */
#ifndef WEFT_DATAPATH_REFRAG_H
#define WEFT_DATAPATH_REFRAG_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "base/err.h"
#include "datapath/role.h"

struct rte_mempool;

struct refrag_mark {
	uint32_t id;	  /* IPv6 */
	uint32_t ip_len;  /* of the datagram: the frame's last bytes */
	uint16_t max;	  /* longest fragment, as a packet */
	uint16_t frag_at; /* IPv6: where in the packet the fragment header was */
};

/* Where mbufs keep the mark; once, before the first packet.  0 or -errno with words. */
int refrag_init(struct err *e);

void refrag_mark(struct rte_mbuf *m, const struct refrag_mark *mark);
/* What of it outlives the mbuf: false: it has none.  'due' as refrag_is_due(). */
bool refrag_marked(const struct rte_mbuf *m, struct refrag_mark *mark, bool *due);
void refrag_mark_again(struct rte_mbuf *m, const struct refrag_mark *mark, bool due);
/* There is no such packet in 'm' any more. */
void refrag_clear(struct rte_mbuf *m);

/*
 * The IP packet at 'l3', which is longer than 'mtu', leaves in pieces that are not.  False: it may
 * not be fragmented, and its sender's fragments were no shorter.
 */
bool refrag_limit(struct rte_mbuf *m, uint32_t l3, uint32_t mtu);
/* Whether it was so limited, and to how many bytes; 0: it was not. */
uint16_t refrag_limited(const struct rte_mbuf *m);

extern uint64_t refrag_due_flag;

/* Whether it leaves in pieces even if it fits. */
static inline bool refrag_is_due(const struct rte_mbuf *m)
{
	return m->ol_flags & refrag_due_flag;
}
/* The IP packet in 'm', or in 'to', which takes its place, is longer by 'more'. */
void refrag_resize(const struct rte_mbuf *m, struct rte_mbuf *to, int32_t more);

struct refrag {
	const struct rte_mbuf *m;
	struct refrag_mark mark;
	uint32_t l3, head; /* offsets: the packet, the end of what every piece has */
	uint32_t hlen;	   /* what a piece has between 'l3' and its data */
	uint32_t unit;	   /* bytes of data in all pieces but the last */
	uint32_t done, total;
};

/* Whether 'm' can be sent in pieces, as frames of at most 'room' bytes. */
bool refrag_start(struct refrag *r, const struct rte_mbuf *m, uint32_t room);

static inline bool refrag_more(const struct refrag *r)
{
	return r->done < r->total;
}

/* The next piece; NULL: no buffer. */
struct rte_mbuf *refrag_next(struct refrag *r, struct rte_mempool *pool);

#endif

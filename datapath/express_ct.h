/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames of the express way that are tracked: ct() between two ways that are known.
 *
 * A way that ends in ct(table=N) and does nothing else is an entry of the cache as any other; where
 * the packet is one that ct_quick() takes, its connection's state goes into the words that were
 * taken of the frame, and with these the way behind ct() is looked up, which is how the frame
 * leaves.  What is refused becomes a packet and begins anew; what was tracked and has no simple way
 * on becomes a packet that comes from ct().
 *
 * Verdicts depend on what came before.  So a frame is not tracked here when an earlier one of the
 * burst is left that may be of the same connection.  One PMD.
 */
#ifndef WEFT_DATAPATH_EXPRESS_CT_H
#define WEFT_DATAPATH_EXPRESS_CT_H

#include "datapath/express.h"

/*
 * Frames 'who' of n, in whose x[] there is a way to ct(): x[] becomes the way they leave by, or
 * NULL.  l3[i]: where frame i has IPv4, 0: it is none that express knows.  The flows of both ways
 * are counted.  Returns those that were tracked and are to go on as packets; what express_come()
 * needs of them is in b->come[].
 */
uint64_t express_track(struct pmd *w, struct burst *b, struct rte_mbuf **m, unsigned int n,
		       uint64_t who, uint32_t in_port, const uint8_t *l3, struct express **x) PMD;
/* Packet 'p' is frame i, which was tracked: it goes on behind ct(). */
void express_come(struct burst *b, struct pkt *p, unsigned int i) PMD;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packet buffers (7.4.1): frames that were sent to a controller in part, and wait for what it
 * decides.
 *
 * Each controller has buffers of its own, so that none can use up, release or see another's.  An id
 * is the buffer's number and, above it, how often it has been used, counted from a random number:
 * an id that is late finds nothing rather than another packet.  A buffer is not used again before
 * its packet was asked for or is PKTBUF_HOLD seconds old; while none is free, packets are sent
 * whole.  Frames are copied to the heap, so that a controller that does not answer takes no mbufs.
 *
 * Control thread; owner: whoever called pktbufs_new().
 */
#ifndef WEFT_DATAPATH_PKTBUF_H
#define WEFT_DATAPATH_PKTBUF_H

#include <stddef.h>
#include <stdint.h>

#include "datapath/punt.h"
#include "datapath/role.h"

enum {
	PKTBUF_HOLD = 5,	 /* seconds */
	PKTBUF_MAX = 65536,	 /* buffers of one controller */
	PKTBUF_BYTES = 64 << 20, /* of frames, in all buffers of a switch */
};

struct pktbufs;

struct pktbuf {
	uint32_t n;
	uint8_t *frame; /* NULL: empty */
	struct inject_from from;
	double since;
	uint32_t uses, id;
	struct pktbuf *prev, *next; /* free, waiting (oldest first) or claimed */
};

/* 'n' from 1 to PKTBUF_MAX; '*bytes' is shared by all of a switch.  NULL: no memory. */
struct pktbufs *pktbufs_new(unsigned int n, size_t *bytes) CONTROL;
void pktbufs_free(struct pktbufs *b) CONTROL;

/* Keeps a copy; its id, or OFP_NO_BUFFER when there is no room. */
uint32_t pktbuf_put(struct pktbufs *b, const uint8_t *frame, uint32_t n,
		    const struct inject_from *from, double now) CONTROL;
/* 0; -ENODATA: it was there, and is used or too old; -ENOENT: it never was. */
int pktbuf_find(struct pktbufs *b, uint32_t id, struct pktbuf **out) CONTROL;
void pktbuf_release(struct pktbufs *b, struct pktbuf *p) CONTROL;
/* Forgets what is older than PKTBUF_HOLD; call every second. */
void pktbufs_expire(struct pktbufs *b, double now) CONTROL;

/*
 * A flow_mod names a buffer, and the packet follows when the flow is there, which in a bundle is
 * later.  What is claimed is not found again; it is run or given back as a whole, in order.
 */
void pktbuf_claim(struct pktbufs *b, struct pktbuf *p) CONTROL;
struct pktbuf *pktbufs_claimed(struct pktbufs *b) CONTROL; /* the first; NULL: none */
void pktbufs_unclaim(struct pktbufs *b) CONTROL;

#endif

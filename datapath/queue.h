/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queues of a port (OpenFlow 1.3.5, 5.12 Set-Queue, 7.2.2): bounded FIFOs, and who may send.
 *
 * A port without queues has none of this: its frames go straight to the device (txq.h).  One with
 * queues has one more, the default queue, for packets without a queue, or with one that this port
 * does not have; queue 0 takes its place where there is one.  No frame passes the others by.
 *
 *	any PMD --ring--> queue 1 --\
 *	any PMD --ring--> queue 7 ----> the PMD that owns the port --> device
 *	any PMD --ring--> default --/
 *
 * Who sends next:
 *	1. nobody, while the port as a whole is ahead of its speed (where one was given);
 *	2. of the queues that are behind their minimum, the one that is furthest behind;
 *	3. what is left is shared by all that wait, in turn, by bytes.
 * A queue that is ahead of its maximum does not take part.  So minima hold against other queues as
 * long as their sum is not more than the line carries (and shrink in proportion where it is), and
 * what is not used goes to who can use it.  Who is behind or ahead is a moment for each rate
 * (struct queue_pace): a queue may send when that moment has come, and each frame moves it on by
 * the time the frame takes at that rate.  A moment in the past is credit, of which no more than
 * QUEUE_BURST_US is kept: that, and one frame, is how much can leave above the rate at once.  The
 * same moments say when a PMD has to wake up.  Rates count frames as OpenFlow counts bytes, without
 * preamble and FCS.
 *
 * What the device does not take stays in its queue, so that the order of importance holds there,
 * too; only a full queue loses frames, which is tx_errors of 7.3.5.8 ("dropped due to overrun").
 *
 * Why not DPDK's librte_sched: its ports are fixed trees of subports, pipes and 13 traffic classes
 * (hundreds of kB each), have ceilings and weights but no minima, and want one thread to enqueue
 * and dequeue.  Why not rte_meter: it colours packets; it cannot say when the next one is due.
 *
 * Here is one port's scheduler, with the time as an argument and the device as a function.  Any PMD
 * puts frames in; the one that owns the port takes them out; the control thread makes and frees
 * (port_queue.h).  A set is never changed once it is published, but for what its owner keeps in it.
 */
#ifndef WEFT_DATAPATH_QUEUE_H
#define WEFT_DATAPATH_QUEUE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "datapath/role.h"

struct rte_mbuf;
struct rte_ring;

enum {
	QUEUES_MAX = 32,	  /* of a port, the default queue not counted */
	QUEUE_LEN = 256,	  /* frames, unless len= says otherwise */
	QUEUE_LEN_DEFAULT = 1024, /* of the default queue that nobody configured */
	QUEUE_LEN_MAX = 4096,
	QUEUE_STAGE = 32, /* frames that the owner has taken out of the ring and not sent yet */
	QUEUE_TURN =
		2048, /* bytes of what is left that a queue sends before it is another's turn */
	QUEUE_ROUND = 256,     /* frames that one call of queue_serve() sends */
	QUEUE_BURST_US = 2000, /* credit that is kept */
	QUEUE_RETRY_US = 50,   /* to a device that takes nothing */
};

#define QUEUE_RATE_MIN UINT64_C(1000) /* bit/s */
#define QUEUE_RATE_MAX UINT64_C(1000000000000)
#define QUEUE_NEVER    UINT64_MAX

struct queue_cfg {
	uint32_t id;
	uint32_t len;	   /* frames */
	uint64_t min, max; /* bit/s; 0: none */
};

/* One rate. */
struct queue_pace {
	uint64_t cost; /* of a byte, in cycles << 16; 0: no such rate */
	uint64_t at;   /* when the next frame is due */
	uint64_t keep; /* credit that is kept, in cycles */
	uint32_t part; /* of a cycle, << 16 */
};

struct queue {
	struct queue_cfg cfg;
	struct rte_ring *ring;
	double since;		 /* monotonic seconds */
	_Atomic uint64_t errors; /* frames that found the queue full; any PMD's */

	/* The owner's. */
	_Atomic uint64_t packets, bytes; /* sent */
	_Atomic uint32_t staged;	 /* what is in 'stage' */
	uint16_t head, end;		 /* of 'stage' */
	uint32_t left;			 /* bytes, of its turn */
	struct queue_pace floor, ceiling;
	struct rte_mbuf *stage[QUEUE_STAGE];
};

struct queue_set {
	uint32_t n;
	uint32_t turn;		/* whose it is; the owner's */
	struct queue_pace line; /* the port's speed; the owner's */
	struct queue *fallback; /* the default queue; one of 'q' */
	struct queue *q[QUEUES_MAX + 1];
	uint8_t slot[4 * QUEUES_MAX]; /* by hash of the id: index in 'q', + 1 */
};

/* ---- Control thread ---- */

/* "ID[:min=RATE][:max=RATE][:len=N]", RATE in bit/s with k, M or G behind it.  0 or -EINVAL. */
int queue_cfg_parse(const char *text, struct queue_cfg *out, struct err *e);
int queue_rate_parse(const char *text, uint64_t *bps, struct err *e);

/* 'hz': cycles a second.  NULL: no memory. */
struct queue *queue_new(const struct queue_cfg *cfg, uint64_t hz, uint64_t now);
/* Nobody else may reach it any more.  Gives its frames back; how many. */
unsigned int queue_free(struct queue *q);
/* Frames that wait. */
uint32_t queue_waiting(const struct queue *q);

/*
 * A set of 'q', and 'nameless' (NULL: none), which no id leads to; queue 0, or else 'nameless', is
 * the default queue, and one of them there must be.  'speed' in bit/s, 0: none.  NULL: no memory.
 */
struct queue_set *queue_set_new(struct queue *const *q, uint32_t n, struct queue *nameless,
				uint64_t speed, uint64_t hz, uint64_t now);
/* The queue of this id; NULL. */
struct queue *queue_set_find(const struct queue_set *s, uint32_t id);

/* ---- Any PMD ---- */

/* Where a packet with this queue id goes on this port. */
static inline struct queue *queue_of(const struct queue_set *s, uint32_t id)
{
	struct queue *q = queue_set_find(s, id);

	return q ? q : s->fallback;
}

/* False: full, counted, and 'm' is still the caller's. */
bool queue_put(struct queue *q, struct rte_mbuf *m);

/* ---- The PMD that owns the port ---- */

/* How many of 'n' frames were taken: the first ones. */
typedef unsigned int (*queue_send)(void *arg, struct rte_mbuf **m, unsigned int n);

/*
 * Sends what is due at 'now'; how many.  '*wake' becomes earlier if something is due before that
 * and was not sent.
 */
unsigned int queue_serve(struct queue_set *s, uint64_t now, uint64_t hz, queue_send send, void *arg,
			 uint64_t *wake);
/* Takes up to 'n' frames out, whosever they are; how many: fewer means that there are no more. */
unsigned int queue_take(struct queue_set *s, struct rte_mbuf **m, unsigned int n);

#endif

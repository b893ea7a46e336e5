/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packet threads.  One packet from rx to tx is told in pmd.c, in one sitting.
 *
 *	what the control thread sends, then of each rx queue a burst:
 *		frames whose way is known leave by express (express.h)
 *		others: decap or parse -> fragments -> flow cache -> pipeline -> outputs
 *	what has gathered for each port goes to its device, what is due of its queues, too
 *	quiescent
 *
 * A PMD never allocates memory, locks, logs or makes a system call for a packet.  With nothing to
 * do it sleeps, longer and longer, or until a queue is due or something comes (doze.h), and is back
 * at full speed with the first packet.  Its struct is its own: others read counters (single writer,
 * relaxed) and write only to its rings.  What it writes has cache lines of its own (base/lines.h).
 */
#ifndef WEFT_DATAPATH_PMD_H
#define WEFT_DATAPATH_PMD_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/lines.h"
#include "datapath/doze.h"
#include "datapath/pkt.h"
#include "datapath/port.h"
#include "datapath/role.h"
#include "datapath/rx_turn.h"
#include "datapath/stage.h"

struct cache;
struct learn_memory;
struct dp;
struct rte_ring;
struct reasm;
struct sample_side;
struct rte_mempool;
struct txq;
struct pmd_work;
struct punt_side;
struct trace;
struct tunnel_ctx;

enum { PMD_MAX = 16 };

/* Packets and bytes of one flow as one PMD saw them. */
struct flow_counter {
	_Atomic uint64_t packets, bytes;
};

/* The sum of all PMDs'. */
struct flow_count {
	uint64_t packets, bytes;
};

enum { FLOW_COUNTERS = 1 << 24 }; /* ids of flows there can be */

struct pmd_perf {
	_Atomic uint64_t iterations, busy_iterations, busy_cycles, idle_cycles, sleeps;
	_Atomic uint64_t rx, created, tx,
		consumed; /* conservation: rx + created = tx + consumed + sum of drops (and
			     what waits to be reassembled) */
	_Atomic uint64_t cache_hits, cache_misses;
	_Atomic uint64_t routed;		     /* without either, by the first table alone */
	_Atomic uint64_t stack_empty;		     /* pops that found nothing */
	_Atomic uint64_t learn_lost, learn_limited;  /* not told, for want of room; at a limit */
	_Atomic uint64_t sample_no_set, sample_lost; /* not told: to nobody; for want of room */
	_Atomic uint64_t table_lookups[256], table_matches[256];
};

struct pmd {
	struct dp *dp;
	unsigned int id;	  /* index in dp->pmds[] and RCU thread id */
	unsigned int core;	  /* CPU it is pinned to */
	struct rte_mempool *pool; /* for copies */
	struct cache *cache;	  /* NULL: off */
	struct rte_ring
		*punt; /* to the control thread: packet-ins, VTEP frames, learning (punt.h) */
	struct rte_ring *inject; /* from the control thread: packet-outs, VTEP answers */
	/* By flow id (pmd_count.c); room for the first 'n_flows', the control thread's. */
	struct flow_counter *flows;
	uint32_t n_flows;
	struct port_counters *
		ports; /* by port slot; PORT_MAX of them, the last + 1 for packets without a port */
	_Alignas(LINES_LINE) struct pmd_perf perf; /* others read it */
	/* What leaves when burst->out is full, and at the end of a burst (output.c; tests put their
	 * own). */
	_Alignas(LINES_LINE) void (*flush)(struct pmd *w, struct burst *b);
	void *flush_arg;
	struct burst *burst; /* scratch */
	struct txq *txq;     /* by port slot (txq.h) */
	uint16_t *tx_dirty;  /* slots that have something queued, n_tx_dirty of them */
	uint32_t n_tx_dirty;
	struct doze doze;
	uint64_t now;  /* TSC at the start of the iteration */
	uint64_t wake; /* TSC at which a frame in a queue is due */
	uint64_t hz;
	struct stages stages;		   /* where its time goes */
	struct rx_turns turns;		   /* which queue gets how much of it */
	uint64_t answer_due;		   /* of ICMP errors (answer.c's) */
	struct pmd_work *_Atomic work;	   /* which queues it serves (pmd.c's); NULL: none */
	struct reasm *_Atomic reasm;	   /* fragments that wait (frag.h); NULL: none do */
	struct reasm *_Atomic track_reasm; /* ... for ct(); NULL: no flow has it */
	struct learn_memory *learned;	   /* what it told lately (learn_run.c's) */
	struct sample_side *samples;	   /* for collectors (sample.c's) */
	struct punt_side *side;		   /* slots and rate limits (punt.c's) */
	struct tunnel_ctx *tunnel;	   /* (tunnel.c's) */
	struct trace *trace;		   /* NULL but in a trace (trace.h) */
	bool detached;			   /* without thread and queues */
	/* What others write, in a line of its own. */
	_Alignas(LINES_LINE) _Atomic bool stop, running;
	_Atomic bool hold, held; /* asked to stand still between two bursts; stands still */
	unsigned long thread;	 /* pthread_t */
};

/* 'n' more packets of 'bytes' together for flow 'id'. */
static inline void pmd_count_flows(struct pmd *w, uint32_t id, uint32_t n, uint64_t bytes)
{
	struct flow_counter *c = &w->flows[id];

	counter_add(&c->packets, n);
	counter_add(&c->bytes, bytes);
}

static inline void pmd_count_flow(struct pmd *w, uint32_t id, uint32_t bytes)
{
	pmd_count_flows(w, id, 1, bytes);
}

/* A hit of flow 'id' will be counted soon. */
static inline void pmd_prefetch_count(const struct pmd *w, uint32_t id)
{
	__builtin_prefetch(&w->flows[id], 1);
}

/* Counts a drop of a packet that came in on port 'in_port' (0 or unknown: no port). */
void pmd_count_drop(struct pmd *w, uint32_t in_port, enum drop why) PMD;

/* ---- Control thread ---- */

/*
 * Room for the counters of flow 'id' in every PMD, at zero; call before the flow is published, in
 * the order of life: an id that is used again starts at zero, too, once its former flow was
 * retired.  0 or -ENOMEM.
 */
int pmd_flow_counter_init(struct dp *dp, uint32_t id) CONTROL;
/* Of a PMD: for the flows that there are already.  0 or -ENOMEM; _fini whatever that was. */
int pmd_counters_init(const struct dp *dp, struct pmd *w) CONTROL;
void pmd_counters_fini(struct pmd *w) CONTROL;
/* Sum over the PMDs. */
struct flow_count pmd_flow_counter(const struct dp *dp, uint32_t id) CONTROL;

/* Makes dp->pmds[] for the cores in 'list' ("1,3-5"; NULL: one, unpinned); threads start later. */
int pmd_init_all(struct dp *dp, const char *list, struct err *e) CONTROL;
int pmd_start_all(struct dp *dp, struct err *e) CONTROL;
/*
 * Between them no packet thread handles a packet: what is changed there and cannot be told by a
 * version (flow.h) is seen in one step.  Waits as long as a burst or a sleep takes.
 */
void pmd_hold_all(struct dp *dp) CONTROL;
void pmd_release_all(struct dp *dp) CONTROL;
/* Stops and joins the threads; _free_all (which stops, too) frees all of dp->pmds[]. */
void pmd_stop_all(struct dp *dp) CONTROL;
void pmd_free_all(struct dp *dp) CONTROL;
/* A PMD without a thread, for tests and trace: rings, counters, cache as the real ones; joins
 * dp->pmds[].  NULL: no memory. */
struct pmd *pmd_new_detached(struct dp *dp) CONTROL;
void pmd_free_detached(struct pmd *w) CONTROL;
/* Ports or queues changed: assigns rx queues to PMDs again (seen at their next iteration). */
void pmd_assign_queues(struct dp *dp) CONTROL;

/* ---- PMD threads ---- */

/* One round over all queues of 'w'; returns packets handled.  The thread's loop, and tests, call
 * it. */
unsigned int pmd_iteration(struct pmd *w) PMD;

/* Parts of it: what becomes of 'n' frames that port 'p' has received.  Takes the mbufs. */
void pmd_rx(struct pmd *w, const struct port *p, struct rte_mbuf **m, unsigned int n) PMD;
/* A new burst; and packets 'todo' of it from the first table to where they leave. */
void pmd_burst_start(struct pmd *w, struct burst *b) PMD;
void pmd_burst_run(struct pmd *w, struct burst *b, uint64_t todo) PMD;

#endif

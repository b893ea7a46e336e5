/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connection tracking: the table of connections.
 *
 *	ct_mem.c, ct_adopt.c      one region of memory: head, pool, index, zones; taken over
 *	ct_slot.c, ct_warm.c      places for connections, and pages before they are needed
 *	ct_index.c                both directions of a connection by a keyed hash of their tuples
 *	ct_zone.c                 limits, timeouts and counters of zones
 *	ct_expire.c, ct_list.c    what has timed out or is to go leaves; walks: control thread
 *	ct_read.c                 which connection a packet may be of (ct_track.h)
 *	ct_track.c, ct_tcp.c      what a packet is to its connection
 *	ct_quick.c                the same, of most packets, in fewer steps (ct_quick.h)
 *	ct_nat.c, ct_rewrite.c    addresses and ports chosen, and packets translated (ct_nat.h)
 *	ct_alg.c, ct_expect.c ... what FTP and TFTP announce (ct_alg.h)
 *	act_ct.c                  the action ct()
 *
 * Packet threads find, add and change connections without waiting for each other but for bits that
 * are held for some dozen instructions: a connection's (ct_conn.h), its buckets', and of control
 * connections those of ct_alg.c and ct_expect.c; the control thread alone takes them out.  Memory
 *is taken once, by the first flow with a ct action, for --ct-max-connections, and is one region
 * without pointers, with a header that says its layout.
 *
 * A full pool, or a zone at its limit, refuses new connections, counts them for the zone, and never
 * touches one that exists; when the pool gets short, the control thread lets those go sooner that
 * never saw a reply.
 */
#ifndef WEFT_DATAPATH_CT_H
#define WEFT_DATAPATH_CT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "datapath/ct_conn.h"
#include "datapath/drop.h"
#include "datapath/role.h"

struct ct;
struct dp;
struct pmd;

enum {
	CT_MAX_DEFAULT = 1 << 20,
	CT_LIMIT_MAX = 1 << 28, /* 64 GB */
	CT_TICKS = 1000,	/* of ct_now() in a second */
};

struct ct_stats {
	uint64_t conns, max, created, expired, deleted, full, zone_full,
		early; /* 'early': went sooner, as the pool was short */
	uint64_t by_proto[256];
};

/* ---- Control thread ---- */

/* A table for 'max' connections; the region is named 'name' for who looks at the process's memory.
 */
struct ct *ct_new(const char *name, uint32_t max, struct err *e) CONTROL;
/* Packet threads have stopped; what waits for a grace period may still be freed afterwards. */
void ct_free(struct ct *t) CONTROL;

/*
 * The region as a file, for another process to map; and that other process's side of it: a table
 * of a region that was found, which is checked (magic, layout, sizes; of 'fd' nothing is believed)
 * and mapped, for looking while its maker runs.  'fd' stays the caller's.
 */
/*
 * No program calls the three yet: they are what a restart without loss of connections will be made
 * of, and why the region has no pointers.  tests/unit/datapath_ct_region.c holds them to it, with a
 * maker that is killed in the middle of its work.
 */
int ct_fd(const struct ct *t);
struct ct *ct_attach(int fd, struct err *e) CONTROL;
/* The maker is gone: makes 'attached' this process's own to change.  Locks that it held are
 * opened, connections it had half made are taken out, what is free is collected.  How many live. */
uint32_t ct_adopt(struct ct *t) CONTROL;
/* Bytes of the region that are in memory, and that it may come to have. */
void ct_memory(const struct ct *t, uint64_t *used, uint64_t *most) CONTROL;

/* A slice of the work of expiry, bounded in time (some 100 us); call every 100 ms or so, sooner
 * while it returns true: more is due. Freed slots come back after a grace period (dp_retire()). */
bool ct_expire(struct dp *dp, struct ct *t, uint32_t now) CONTROL;

/*
 * Throws out the connections that 'which' is true of (NULL: all) from slot *cursor on, looking at
 * 'n' slots at most, and adds to *gone how many; false: that was the end.  Some 30 ns a slot.
 */
bool ct_flush_part(struct ct *t, uint32_t *cursor, uint32_t n,
		   bool (*which)(const void *arg, const struct ct_conn *c), const void *arg,
		   uint64_t *gone) CONTROL;
/* All of it, or of a zone, at once; how many.  For who has time: a million take 30 ms. */
uint32_t ct_flush(struct dp *dp, struct ct *t, const uint16_t *zone) CONTROL;
/* The one connection that has 'k' as either direction; how many. */
uint32_t ct_flush_tuple(struct dp *dp, struct ct *t, const struct ct_tuple *k) CONTROL;

/* Calls 'fn' for each live connection from slot *cursor on, at most 'n' slots; false: that was the
 * end.  A copy, taken under the lock. */
bool ct_walk(struct ct *t, uint32_t *cursor, uint32_t n,
	     void (*fn)(void *arg, const struct ct_conn *copy), void *arg) CONTROL;
void ct_stats(const struct ct *t, struct ct_stats *s) CONTROL;

/* ---- Packet threads ---- */

/* Ticks of 1 ms, from the cycles of a burst; wraps after 49 days (for the first time after five
 * minutes), compare by difference. Any thread. */
uint32_t ct_now(const struct ct *t, uint64_t tsc);

/* Any thread. */
uint64_t ct_hash(const struct ct *t, const struct ct_tuple *k);
void ct_prefetch(const struct ct *t, uint64_t hash) PMD; /* the bucket */
/* The slots that a bucket's signatures speak for; after ct_prefetch() had time. */
void ct_prefetch_conn(const struct ct *t, uint64_t hash) PMD;

/* The live connection that has 'k' as one of its directions, which goes to '*dir'; NULL: none.  An
 * expired one that is still there is none.  Any thread that may not see the slot used again: a
 * packet thread until it is quiescent, the control thread until it retires something. */
struct ct_conn *ct_find(struct ct *t, const struct ct_tuple *k, uint64_t hash, uint32_t now,
			enum ct_dir *dir);

/*
 * A new connection in two steps, so that nobody finds it half made: a slot, to be filled in; then
 * both directions go into the index at once, or it is taken back.
 *
 * ct_slot_get(): all zero, but for 'id', 'started' (by w->now) and the zone in both tuples.  NULL
 * with the reason, counted for the zone (DROP_CT_FULL, DROP_CT_ZONE_FULL).  Fill in tuples and
 * what else, ct_touch() it, and then ct_add(): 0; -EEXIST when one of its directions is there
 * already (of another thread's making, or another NAT's); -ENOSPC when too many tuples share a
 * place in the index, which is as good as full (counted so).  In both cases the slot stays the
 * caller's.  Dead and, by c->started, expired connections are not in the way.
 */
struct ct_conn *ct_slot_get(struct pmd *w, struct ct *t, uint16_t zone, enum drop *why) PMD;
void ct_slot_put(struct pmd *w, struct ct *t, struct ct_conn *c) PMD;
int ct_add(struct pmd *w, struct ct *t, struct ct_conn *c, uint64_t hash_orig,
	   uint64_t hash_reply) PMD;
/* Whether 'k' is free, for NAT's search; ct_add() has the last word. */
bool ct_is_free(struct ct *t, const struct ct_tuple *k, uint64_t hash, uint32_t now) PMD;

/* It is over now (RST of a force-committed one, a reused port ...): nobody finds it any more;
 * expiry takes the slot.  Any thread. */
void ct_kill(struct ct *t, struct ct_conn *c);

/* Sets 'timeout' and when it expires, by the policy of its zone. A shorter one than before is told
 * to expiry.  Of an open TCP connection it is as exact as a 256th of its timeout, and a second.
 * Under the connection's lock, or before it is added. */
void ct_touch(struct ct *t, struct ct_conn *c, enum ct_timeout timeout, uint32_t now) PMD;

/* The connection that expected 'c', while it lives; else NULL. */
struct ct_conn *ct_parent(const struct ct *t, const struct ct_conn *c) PMD;

static inline void ct_conn_lock(struct ct_conn *c)
{
	while (atomic_exchange_explicit(&c->lock, 1, memory_order_acquire))
		__builtin_ia32_pause();
}

static inline void ct_conn_unlock(struct ct_conn *c)
{
	atomic_store_explicit(&c->lock, 0, memory_order_release);
}

/* Slots by number, for parent and adjust. */
struct ct_conn *ct_conn_at(const struct ct *t, uint32_t index);
uint32_t ct_conn_index(const struct ct *t, const struct ct_conn *c);

#endif

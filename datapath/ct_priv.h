/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the table of connections share (ct.h names them): the region's layout, and what
 * a process knows of it besides.
 *
 * The region is one mapping of a memfd, in parts:
 *
 *	head       what it is (constant), then what packet threads take from in common
 *	zones      a line for each: count and limit; a line: timeouts
 *	conns      the pool
 *	buckets    the index, and behind it extra ones for buckets that overflow
 *	deadlines  32 bits a slot: when expiry has to look at it
 *	blocks     slot numbers that are free, a block at a time
 *
 * Pages come when they are first written, huge ones where the kernel has them; 'used' slots are
 * handed out in order before any is used again, so that few connections take few pages.
 */
#ifndef WEFT_DATAPATH_CT_PRIV_H
#define WEFT_DATAPATH_CT_PRIV_H

#include <emmintrin.h>
#include <netinet/in.h>

#include <rte_prefetch.h>

#include "datapath/cls_hash.h"
#include "datapath/counter.h"
#include "datapath/ct.h"
#include "datapath/ct_zone.h"
#include "datapath/dp.h"
#include "datapath/pmd.h"

#define CT_MAGIC UINT64_C(0x0063742d74666577) /* "weft-ct" */

enum {
	CT_BUCKET_REFS = 10,
	CT_CHAIN_MAX = 4, /* extra buckets behind one: bounds what a lookup may cost */
	CT_BLOCK_SLOTS = 62,
	CT_KEYS = 8,
	CT_TICK_BASE = -300 * CT_TICKS, /* wraps early, so that who does not expect it is found */
};

enum ct_part { CT_P_ZONES, CT_P_CONNS, CT_P_BUCKETS, CT_P_DEADLINES, CT_P_BLOCKS, CT_N_PARTS };

struct ct_head {
	/* Constant. */
	uint64_t magic;
	uint32_t layout;
	uint32_t max;
	uint64_t size;
	uint32_t n_buckets; /* a power of two */
	uint32_t n_extra;
	uint32_t n_blocks;
	uint32_t block_slots; /* how many of CT_BLOCK_SLOTS are used: few, of a small pool */
	uint64_t at[CT_N_PARTS];
	uint64_t keys[CT_KEYS];
	uint64_t tsc_base, tsc_hz;
	/* Changed by the control thread. */
	_Atomic uint32_t default_limit;
	_Atomic uint32_t default_ms[CT_N_TIMEOUTS];
	_Atomic uint64_t zones_used[CT_ZONES / 64]; /* a bit for each that was ever touched */
	/* Changed by packet threads. Stacks: a count against ABA above, number + 1 below. */
	_Alignas(64) _Atomic uint64_t full;  /* blocks of free slots */
	_Alignas(64) _Atomic uint64_t part;  /* ... of which one at most is not full */
	_Alignas(64) _Atomic uint64_t empty; /* blocks without */
	_Atomic uint32_t blocks_used;
	_Alignas(64) _Atomic uint32_t used; /* slots that were ever handed out */
	_Atomic uint32_t next_id;
	_Alignas(64) _Atomic uint64_t extra; /* extra buckets that are free again */
	_Atomic uint32_t extra_used;
};

/* A reference: (slot + 1) * 2 + direction; 0: the place is free. */
struct ct_bucket {
	_Atomic uint16_t sig[CT_BUCKET_REFS];
	_Atomic uint32_t link; /* CT_LOCKED, and number + 1 of the extra bucket behind it */
	_Atomic uint32_t ref[CT_BUCKET_REFS];
} __attribute__((aligned(64)));

#define CT_LOCKED UINT32_C(0x80000000)

_Static_assert(sizeof(struct ct_bucket) == 64, "a line");

/* Bits of a deadline, which is in ticks of 4 ms for it. */
enum {
	CT_D_LOOK = 1,	 /* expiry is to look at it now */
	CT_D_LONELY = 2, /* had no reply when it was looked at */
	CT_D_BITS = 3,
	CT_D_FAR = 1 << 30, /* of a free slot: in twelve days it is looked at in vain */
};

struct ct_block {
	_Atomic uint32_t next; /* number + 1 */
	uint32_t n;
	uint32_t slot[CT_BLOCK_SLOTS];
};

_Static_assert(sizeof(struct ct_block) == 256, "four lines");

struct ct_zone {
	_Alignas(64) _Atomic uint32_t count;
	_Atomic uint32_t limit; /* + 1; 0: the default */
	_Atomic uint32_t has_policy;
	_Alignas(64) _Atomic uint32_t ms[CT_N_TIMEOUTS]; /* 0: the default */
};

_Static_assert(sizeof(struct ct_zone) == 128, "two lines");

/* One writer: a packet thread. */
struct ct_zone_counters {
	_Atomic uint64_t events[CT_N_ZONE_EVENTS];
};

/* A packet thread's. */
struct ct_side {
	uint32_t block, other; /* blocks in hand: number + 1; 0: none yet */
	uint32_t id, ids_left;
	struct ct_zone_counters *zones; /* CT_ZONES of them, pages as used */
	_Atomic uint64_t created, full, zone_full;
	_Atomic uint64_t by_proto[256];
} __attribute__((aligned(64)));

struct ct_alg;

struct ct {
	/* Constant. */
	struct ct_head *head;
	struct ct_conn *conn;
	struct ct_bucket *bucket;
	_Atomic uint32_t *deadline;
	struct ct_block *block;
	struct ct_zone *zone;
	uint64_t keys[CT_KEYS];
	uint32_t bucket_mask;
	uint32_t max;
	uint64_t tsc_base;
	uint64_t ticks_per_cycle; /* by 2^64 */
	int fd;
	struct ct_side *side; /* PMD_MAX */
	struct ct_alg *alg;   /* what application protocols announce (ct_alg.c's) */
	/* By any thread, seldom. */
	_Alignas(64) _Atomic uint32_t kicked; /* a connection was killed */
	_Atomic uint64_t gone[256];	      /* by protocol */
	_Atomic uint64_t n_gone, n_killed, n_lapsed;
	/* Control thread. */
	uint32_t refs;	 /* the owner and what waits for a grace period */
	uint32_t hand;	 /* where expiry is */
	uint32_t debt;	 /* slots that are due to be looked over */
	uint32_t lonely; /* how short the pool was when the round began (ct_expire.c) */
	uint32_t last;	 /* when more became due */
	bool warming;
	uint32_t was_used, want_slots;
	uint64_t warm[CT_N_PARTS]; /* bytes whose pages are there */
	uint32_t filling;	   /* the block that takes freed slots: number + 1 */
	uint64_t n_expired, n_deleted, n_early;
};

/* ---- ct_mem.c ---- */

/* One user less; the last one frees. */
void ct_unref(struct ct *t) CONTROL;

/* ---- ct_slot.c ---- */

/* A slot that nobody can see any more is free again; between calls of _begin and _end. */
void ct_slots_begin(struct ct *t) CONTROL;
void ct_slot_free(struct ct *t, uint32_t slot, uint32_t now) CONTROL;
void ct_slots_end(struct ct *t) CONTROL;

/* ---- ct_index.c ---- */

/* As ct_add(), without counting. */
int ct_index_add(struct ct *t, struct ct_conn *c, uint64_t hash_orig, uint64_t hash_reply);
/* Ends its life; whether it lived.  The caller tells expiry (ct_due()), or is it. */
bool ct_end(struct ct *t, struct ct_conn *c);
void ct_due(struct ct *t, const struct ct_conn *c);
/* What of a connection is in the index leaves it.  '*extra': number + 1 of an extra bucket that
 * became empty and was unlinked; it waits with the slot. */
void ct_index_del(struct ct *t, struct ct_conn *c, uint32_t extra[2]) CONTROL;
/* An extra bucket that nobody can see any more. */
void ct_extra_free(struct ct *t, uint32_t extra);

/* ---- ct_warm.c ---- */

/* Says anew how much is wanted; and brings a chunk of it, false: all is there. */
void ct_warm_more(struct ct *t) CONTROL;
bool ct_warm(struct ct *t) CONTROL;

/* ---- ct_zone.c ---- */

/* One more connection in 'zone'; false: it has as many as it may. */
bool ct_zone_enter(struct ct *t, uint16_t zone);
void ct_zone_leave(struct ct *t, uint16_t zone);
uint32_t ct_zone_ms(const struct ct *t, uint16_t zone, enum ct_timeout timeout);

static inline struct ct_zone_counters *ct_zone_counters(const struct ct *t, const struct pmd *w,
							uint16_t zone)
{
	return &t->side[w->id].zones[zone];
}

/* ---- The index, as who looks something up sees it ---- */

/*
 * The two ends of a tuple, each a word, in no order: both directions of a connection that nobody
 * translates have one hash, so that one reference, in one bucket, is enough for them.  'rest':
 * zone, protocol and l3.
 */
static inline uint64_t ct_hash_ends(const struct ct *t, uint64_t a, uint64_t b, uint32_t rest)
{
	const uint64_t low = a < b ? a : b, high = a < b ? b : a;

	return cls_hash_mix(cls_hash_mix(low ^ t->keys[0], high ^ t->keys[1]) ^ rest ^ t->keys[2],
			    t->keys[3]);
}

/* ct_hash() of IPv4's; addresses and ports as they are in the frame. */
static inline uint64_t ct_hash_ipv4(const struct ct *t, uint32_t src, uint32_t dst, uint32_t ports,
				    uint32_t rest)
{
	return ct_hash_ends(t, (uint64_t)src << 16 | (ports & UINT16_MAX),
			    (uint64_t)dst << 16 | ports >> 16, rest);
}

static inline uint16_t ct_sig_of(uint64_t hash)
{
	return (uint16_t)(hash >> 48);
}

static inline struct ct_bucket *ct_bucket_of(const struct ct *t, uint64_t hash)
{
	return &t->bucket[hash & t->bucket_mask];
}

static inline struct ct_conn *ct_conn_of(const struct ct *t, uint32_t ref)
{
	return &t->conn[(ref >> 1) - 1];
}

/* Bit i: place i has the signature.  All at once, for what is in a bucket is random. */
static inline unsigned int ct_alike(const struct ct_bucket *b, uint16_t sig)
{
#ifdef __SANITIZE_THREAD__
	unsigned int may = 0;

	for (unsigned int i = 0; i < CT_BUCKET_REFS; i++)
		may |= (unsigned int)(atomic_load_explicit(&b->sig[i], memory_order_relaxed) == sig)
		       << i;
	return may;
#else
	const __m128i *p = (const void *)b, s = _mm_set1_epi16((short)sig);
	const __m128i low = _mm_cmpeq_epi16(_mm_load_si128(p), s);
	const __m128i high = _mm_cmpeq_epi16(_mm_load_si128(p + 1), s);

	/* Behind the ten come other things of the bucket. */
	return (unsigned int)_mm_movemask_epi8(_mm_packs_epi16(low, high)) &
	       ((1u << CT_BUCKET_REFS) - 1);
#endif
}

/*
 * One more packet of a connection.  The lock is not always taken (ct_quick.h), so that where there
 * is more than one packet thread each addition is whole.
 */
static inline void ct_count(const struct pmd *w, struct ct_conn *c, enum ct_dir dir)
{
	_Atomic uint64_t *n = &c->packets[dir];

	if (w->dp->n_pmds <= 1)
		counter_add(n, 1);
	else
		atomic_fetch_add_explicit(n, 1, memory_order_relaxed);
}

/*
 * Whether it is an open TCP connection that was touched so lately that it need not be again: not
 * more than a second ago, nor than a 256th of the time that it may be silent.
 */
static inline bool ct_is_fresh(const struct ct *t, const struct ct_conn *c, uint32_t now)
{
	const uint32_t ms = ct_zone_ms(t, c->orig.zone, CT_T_TCP_ESTABLISHED);
	const uint32_t ago = now + ms - atomic_load_explicit(&c->expires, memory_order_relaxed);

	return ago <= ms >> 8 && ago <= CT_TICKS &&
	       atomic_load_explicit(&c->timeout, memory_order_relaxed) == CT_T_TCP_ESTABLISHED;
}

/* ---- Stacks of numbers that any thread pushes and pops ---- */

/*
 * The head has the number + 1 of the first below, and above a count that goes up with each change:
 * who was held up between reading the first one's link and taking it does not succeed when they
 * have come and gone meanwhile (ABA).  Links lie in what is stacked, 'stride' bytes apart.
 */
static inline void ct_push(_Atomic uint64_t *head, _Atomic uint32_t *link, uint32_t number1)
{
	uint64_t was = atomic_load_explicit(head, memory_order_relaxed), is;

	do {
		atomic_store_explicit(link, (uint32_t)was, memory_order_relaxed);
		is = ((was >> 32) + 1) << 32 | number1;
	} while (!atomic_compare_exchange_weak_explicit(head, &was, is, memory_order_acq_rel,
							memory_order_relaxed));
}

/* Number + 1; 0: empty. */
static inline uint32_t ct_pop(_Atomic uint64_t *head, const _Atomic uint32_t *link0, size_t stride)
{
	uint64_t was = atomic_load_explicit(head, memory_order_acquire), is;

	do {
		const _Atomic uint32_t *link;

		if (!(uint32_t)was)
			return 0;
		link = (const void *)((const char *)link0 + ((uint32_t)was - 1) * stride);
		is = ((was >> 32) + 1) << 32 | atomic_load_explicit(link, memory_order_relaxed);
	} while (!atomic_compare_exchange_weak_explicit(head, &was, is, memory_order_acq_rel,
							memory_order_acquire));
	return (uint32_t)was;
}

/* One more of 'max' that were never used; number + 1, 0: none left. */
static inline uint32_t ct_take_new(_Atomic uint32_t *used, uint32_t max)
{
	uint32_t n = atomic_load_explicit(used, memory_order_relaxed);

	do {
		if (n >= max)
			return 0;
	} while (!atomic_compare_exchange_weak_explicit(used, &n, n + 1, memory_order_relaxed,
							memory_order_relaxed));
	return n + 1;
}

/* ---- Any ---- */

/* Whether it is past 'when' at 'now'. */
static inline bool ct_past(uint32_t when, uint32_t now)
{
	return (int32_t)(when - now) <= 0;
}

static inline bool ct_lives(const struct ct_conn *c)
{
	return atomic_load_explicit(&c->flags, memory_order_acquire) & CT_F_LIVE;
}

static inline bool ct_expired(const struct ct_conn *c, uint32_t now)
{
	return ct_past(atomic_load_explicit(&c->expires, memory_order_relaxed), now);
}

static inline uint32_t ct_deadline(uint32_t expires, bool lonely)
{
	return (expires & ~(uint32_t)CT_D_BITS) | (lonely ? CT_D_LONELY : 0);
}

#endif

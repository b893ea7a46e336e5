/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections leave.  Control thread.
 *
 * Each slot has a deadline: 32 bits in an array of their own, so that what is not due costs a
 * sixteenth of a cache line a second, however many there are.  A packet that prolongs its
 * connection does not touch it: when the deadline has come, the connection is looked at, and gets
 * its next one if it was prolonged.  A packet that shortens it, or ends it, sets a bit there.
 *
 * The array is gone over once a second; every time when somebody was killed or the pool is short.
 *
 * Removal has two steps.  The connection is flagged and leaves the index; when no packet thread can
 * hold it any more (dp_retire()), its slot is free and its generation goes up.
 *
 * When more than 7/8 of the pool are taken, connections that never saw a reply go sooner: what is
 * left to them of their timeout shrinks to a second as the pool fills up.  A round over all of them
 * goes by how full it was when it began, as long as it is short: judged anew in each slice, those
 * that a late slice comes to would be spared for what the first ones have freed, and what is new
 * finds the pool full before the next round.  Others are never touched before their time.
 */
#include "datapath/ct_priv.h"

#include <emmintrin.h>
#include <stdlib.h>

#include <rte_cycles.h>

#include "datapath/dp.h"

enum {
	SLICES_A_SECOND = 10000, /* a slice is so long: 100 us */
	ROUND_MS = 1000,	 /* every deadline is seen once in it */
	ROUND_MIN = 4096,	 /* so many each time are nothing */
	LINE = 16,		 /* deadlines in a cache line */
	LINES = 64,		 /* looked over before the clock is */
	AHEAD = 64,		 /* slots fetched together */
	BATCH = 256,		 /* slots that wait for one grace period */
	LONELY_MS = 1000,	 /* even when the pool is full: a round trip, a lost SYN */
};

/* ---- What waits until nobody can see it ---- */

struct gone {
	struct ct *t;
	uint32_t now;
	uint32_t n, n_extra;
	uint32_t slot[BATCH];
	uint32_t extra[2 * BATCH];
};

static void free_gone(void *p)
{
	struct gone *g = p;

	role_assume_control();
	ct_slots_begin(g->t);
	for (uint32_t i = 0; i < g->n; i++)
		ct_slot_free(g->t, g->slot[i], g->now);
	ct_slots_end(g->t);
	for (uint32_t i = 0; i < g->n_extra; i++)
		ct_extra_free(g->t, g->extra[i]);
	ct_unref(g->t);
	free(g);
}

/* ---- One slot ---- */

/* A slice of work. */
struct slice {
	struct dp *dp;
	struct ct *t;
	uint32_t now;
	uint32_t lonely; /* how much of a lonely one's timeout is not granted, in 1/256 */
	struct gone *gone;
};

static void gone_end(struct slice *s) CONTROL
{
	if (!s->gone)
		return;
	if (s->gone->n)
		dp_retire(s->dp, s->gone, free_gone);
	else
		free_gone(s->gone);
	s->gone = NULL;
}

static bool gone_ready(struct slice *s) CONTROL
{
	if (s->gone && s->gone->n == BATCH)
		gone_end(s);
	if (s->gone)
		return true;
	s->gone = malloc(sizeof(*s->gone));
	if (!s->gone)
		return false; /* another time */
	s->gone->t = s->t;
	s->gone->now = s->now;
	s->gone->n = s->gone->n_extra = 0;
	s->t->refs++;
	return true;
}

static void take_out(struct slice *s, struct ct_conn *c) CONTROL
{
	struct gone *g = s->gone;
	uint32_t extra[2];

	ct_index_del(s->t, c, extra);
	atomic_store_explicit(&c->stage, CT_S_OUT, memory_order_relaxed);
	g->slot[g->n++] = ct_conn_index(s->t, c);
	for (int i = 0; i < 2; i++)
		if (extra[i])
			g->extra[g->n_extra++] = extra[i];
}

static uint32_t timeout_of(const struct ct *t, const struct ct_conn *c)
{
	return ct_zone_ms(t, c->orig.zone,
			  (enum ct_timeout)atomic_load_explicit(&c->timeout, memory_order_relaxed));
}

/* The pool is short and 'c' never saw a reply: whether it has had its share. */
static bool must_go(const struct slice *s, const struct ct_conn *c)
{
	const uint32_t left = atomic_load_explicit(&c->expires, memory_order_relaxed) - s->now;
	const uint32_t ms = timeout_of(s->t, c);
	uint32_t denied;

	if (!s->lonely || atomic_load_explicit(&c->flags, memory_order_relaxed) & CT_F_SEEN_REPLY)
		return false;
	denied = (uint32_t)((uint64_t)ms * s->lonely / 256);
	if (ms < LONELY_MS)
		return false;
	return left <= (denied < ms - LONELY_MS ? denied : ms - LONELY_MS);
}

/* While the pool is short, a lonely one again when it can have had its share, then now and then. */
static uint32_t next_look(const struct slice *s, const struct ct_conn *c)
{
	const uint32_t expires = atomic_load_explicit(&c->expires, memory_order_relaxed);
	const bool lonely =
		!(atomic_load_explicit(&c->flags, memory_order_relaxed) & CT_F_SEEN_REPLY);
	uint32_t share = expires - timeout_of(s->t, c) + LONELY_MS;

	if (!lonely || !s->lonely)
		return ct_deadline(expires, lonely);
	if (ct_past(share, s->now))
		share = s->now + LONELY_MS / 2;
	return ct_deadline(ct_past(expires, share) ? expires : share, false);
}

/* Slot 'i', whose deadline has come or has a bit: out with it, or another deadline. */
static void look(struct slice *s, uint32_t i) CONTROL
{
	struct ct *t = s->t;
	struct ct_conn *c = &t->conn[i];
	_Atomic uint32_t *d = &t->deadline[i];
	uint32_t was, next;

	if (atomic_load_explicit(&c->stage, memory_order_acquire) != CT_S_IN || !gone_ready(s))
		return;
	/* Who shortens stores 'expires' first, then the bit: either it is seen below, or the bit is
	 * there again. */
	was = atomic_fetch_and_explicit(d, ~(uint32_t)CT_D_LOOK, memory_order_acq_rel) &
	      ~(uint32_t)CT_D_LOOK;
	if (!ct_lives(c)) {
		take_out(s, c);
		return;
	}
	if (ct_expired(c, s->now)) {
		t->n_expired += ct_end(t, c);
		take_out(s, c);
		return;
	}
	if (must_go(s, c)) {
		t->n_early += ct_end(t, c);
		take_out(s, c);
		return;
	}
	next = next_look(s, c);
	atomic_compare_exchange_strong_explicit(d, &was, next, memory_order_relaxed,
						memory_order_relaxed);
}

/* ---- All of them ---- */

/* Bit i: deadline i of the line has come, or has one of 'bits'. */
static unsigned int due(const _Atomic uint32_t *line, uint32_t now, uint32_t bits)
{
	unsigned int m = 0;

#ifdef __SANITIZE_THREAD__
	for (unsigned int i = 0; i < LINE; i++) {
		const uint32_t d = atomic_load_explicit(&line[i], memory_order_relaxed);

		m |= (unsigned int)(ct_past(d, now) || d & bits) << i;
	}
#else
	const __m128i *p = (const void *)line;
	const __m128i at = _mm_set1_epi32((int)now), b = _mm_set1_epi32((int)bits);
	const __m128i zero = _mm_setzero_si128();

	for (unsigned int i = 0; i < LINE / 4; i++) {
		const __m128i d = _mm_load_si128(p + i);
		const __m128i ahead = _mm_cmpgt_epi32(_mm_sub_epi32(d, at), zero);
		const __m128i none = _mm_cmpeq_epi32(_mm_and_si128(d, b), zero);
		const __m128i idle = _mm_and_si128(ahead, none);

		m |= (15u & ~(unsigned int)_mm_movemask_ps(_mm_castsi128_ps(idle))) << 4 * i;
	}
#endif
	return m;
}

/* A round over, what has become due since it began. */
static void become_due(struct ct *t, uint32_t now, uint32_t used, bool all)
{
	const uint32_t passed = now - t->last;
	uint64_t n;

	if (atomic_exchange_explicit(&t->kicked, 0, memory_order_relaxed))
		all = true;
	if (!passed && !all)
		return;
	n = (uint64_t)used * passed / ROUND_MS + ROUND_MIN;
	t->last = now;
	t->debt = all || n > used ? used : (uint32_t)n;
}

/* The next lines' slots that are due, at most 'AHEAD'; what will be read of them is on its way. */
static unsigned int gather(struct slice *s, uint32_t used, uint32_t bits, uint32_t *slot)
{
	struct ct *t = s->t;
	unsigned int n = 0;

	for (unsigned int lines = 0; lines < LINES && n + LINE <= AHEAD && t->debt; lines++) {
		unsigned int may;

		if (t->hand >= used)
			t->hand = 0;
		may = due(&t->deadline[t->hand], s->now | CT_D_BITS, bits);
		for (; may; may &= may - 1) {
			const uint32_t i = t->hand + (unsigned int)__builtin_ctz(may);

			if (i >= used)
				break;
			rte_prefetch0(&t->conn[i].orig);
			rte_prefetch0(&t->conn[i].stage);
			slot[n++] = i;
		}
		t->hand += LINE;
		t->debt -= t->debt < LINE ? t->debt : LINE;
	}
	return n;
}

/* Until the debt is paid or the time is up. */
static void sweep(struct slice *s, uint32_t used) CONTROL
{
	const uint64_t end = rte_rdtsc() + rte_get_tsc_hz() / SLICES_A_SECOND;
	const uint32_t bits = CT_D_LOOK | (s->lonely ? CT_D_LONELY : 0);
	uint32_t slot[AHEAD];

	while (s->t->debt) {
		const unsigned int n = gather(s, used, bits, slot);

		for (unsigned int i = 0; i < n; i++)
			look(s, slot[i]);
		if (rte_rdtsc() > end)
			return;
	}
}

static uint64_t n_live(const struct ct *t)
{
	uint64_t n = 0;

	for (int i = 0; i < PMD_MAX; i++)
		n += counter_get(&t->side[i].created);
	return n - counter_get(&t->n_gone);
}

/* From none of a lonely connection's timeout, when 7/8 are taken, to all of it when all are. */
static uint32_t shortness(const struct ct *t)
{
	const uint64_t n = n_live(t), from = t->max - t->max / 8;

	if (n <= from || from == t->max)
		return 0;
	return n >= t->max ? 256 : (uint32_t)((n - from) * 256 / (t->max - from));
}

bool ct_expire(struct dp *dp, struct ct *t, uint32_t now)
{
	const uint32_t used = atomic_load_explicit(&t->head->used, memory_order_relaxed);
	const uint32_t lonely = shortness(t);
	struct slice s = { .dp = dp, .t = t, .now = now };

	dp_reclaim(dp);
	/* Called again for more it pays what is left, so that it comes to an end under any load. */
	if (!t->debt && !t->warming) {
		t->lonely = lonely;
		become_due(t, now, used, lonely);
		ct_warm_more(t);
	}
	s.lonely = lonely ? t->lonely : 0;
	t->warming = ct_warm(t);
	sweep(&s, used);
	gone_end(&s);
	return t->debt || t->warming;
}

void ct_stats(const struct ct *t, struct ct_stats *s)
{
	*s = (struct ct_stats){ .max = t->max, .conns = n_live(t) };
	for (int i = 0; i < PMD_MAX; i++) {
		const struct ct_side *side = &t->side[i];

		s->created += counter_get(&side->created);
		s->full += counter_get(&side->full);
		s->zone_full += counter_get(&side->zone_full);
		for (int p = 0; p < 256; p++)
			s->by_proto[p] += counter_get(&side->by_proto[p]);
	}
	for (int p = 0; p < 256; p++)
		s->by_proto[p] -= counter_get(&t->gone[p]);
	s->expired = t->n_expired + counter_get(&t->n_lapsed);
	s->deleted = t->n_deleted + counter_get(&t->n_killed);
	s->early = t->n_early;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/queue.h"

#include <stdlib.h>
#include <string.h>

#include <rte_mbuf.h>
#include <rte_ring.h>

#include "datapath/counter.h"

enum { SLOTS = 4 * QUEUES_MAX, MICROS = 1000000 };

/* ---- Rates ---- */

static void pace_init(struct queue_pace *p, uint64_t bps, uint64_t hz, uint64_t now)
{
	*p = (struct queue_pace){ .at = now, .keep = hz / MICROS * QUEUE_BURST_US };
	if (bps)
		p->cost = (uint64_t)(((__extension__(unsigned __int128) hz * 8) << 16) / bps);
}

/* No frame before its time. */
static bool is_due(const struct queue_pace *p, uint64_t now)
{
	return !p->cost || p->at <= now;
}

/* No more credit than is kept. */
static void limit(struct queue_pace *p, uint64_t now)
{
	if (p->at + p->keep < now)
		p->at = now - p->keep;
}

static void charge(struct queue_pace *p, uint32_t bytes)
{
	uint64_t cost = bytes * p->cost + p->part;

	p->at += cost >> 16;
	p->part = cost & 0xffff;
}

static void refund(struct queue_pace *p, uint32_t bytes)
{
	uint64_t cost = bytes * p->cost, part = cost & 0xffff;

	p->at -= (cost >> 16) + (p->part < part);
	p->part = (uint32_t)(p->part - part) & 0xffff;
}

/* ---- Making and freeing ---- */

struct queue *queue_new(const struct queue_cfg *cfg, uint64_t hz, uint64_t now)
{
	struct queue *q = calloc(1, sizeof(*q));
	ssize_t size = rte_ring_get_memsize(rte_align32pow2(cfg->len + 1));

	if (!q || size < 0)
		goto fail;
	/* Of our own memory: DPDK's named zones are few, and queues may be many. */
	q->ring = aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_CACHE_LINE_ROUNDUP((size_t)size));
	if (!q->ring || rte_ring_init(q->ring, "queue", cfg->len, RING_F_SC_DEQ | RING_F_EXACT_SZ))
		goto fail;
	q->cfg = *cfg;
	pace_init(&q->floor, cfg->min, hz, now);
	pace_init(&q->ceiling, cfg->max, hz, now);
	return q;
fail:
	if (q)
		free(q->ring);
	free(q);
	return NULL;
}

static unsigned int take(struct queue *q, struct rte_mbuf **m, unsigned int n)
{
	unsigned int k = 0;

	while (k < n && q->head < q->end)
		m[k++] = q->stage[q->head++];
	atomic_store_explicit(&q->staged, q->end - q->head, memory_order_relaxed);
	return k + rte_ring_dequeue_burst(q->ring, (void **)(m + k), n - k, NULL);
}

unsigned int queue_free(struct queue *q)
{
	struct rte_mbuf *m[QUEUE_STAGE];
	unsigned int n, total = 0;

	if (!q)
		return 0;
	do {
		n = take(q, m, QUEUE_STAGE);
		rte_pktmbuf_free_bulk(m, n);
		total += n;
	} while (n);
	free(q->ring);
	free(q);
	return total;
}

uint32_t queue_waiting(const struct queue *q)
{
	return rte_ring_count(q->ring) + atomic_load_explicit(&q->staged, memory_order_relaxed);
}

/* ---- A port's queues ---- */

static uint32_t hash(uint32_t id)
{
	return (id * UINT32_C(0x9e3779b1)) >> 25;
}

_Static_assert(SLOTS == 1 << 7, "a slot for each hash");

struct queue *queue_set_find(const struct queue_set *s, uint32_t id)
{
	for (uint32_t h = hash(id);; h++) {
		const uint8_t i = s->slot[h % SLOTS];

		if (!i)
			return NULL;
		if (s->q[i - 1]->cfg.id == id)
			return s->q[i - 1];
	}
}

struct queue_set *queue_set_new(struct queue *const *q, uint32_t n, struct queue *nameless,
				uint64_t speed, uint64_t hz, uint64_t now)
{
	struct queue_set *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->fallback = nameless;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t h = hash(q[i]->cfg.id);

		s->q[s->n++] = q[i];
		if (!q[i]->cfg.id)
			s->fallback = q[i];
		while (s->slot[h % SLOTS])
			h++;
		s->slot[h % SLOTS] = (uint8_t)s->n;
	}
	if (nameless)
		s->q[s->n++] = nameless;
	pace_init(&s->line, speed, hz, now);
	return s;
}

/* ---- In ---- */

bool queue_put(struct queue *q, struct rte_mbuf *m)
{
	if (!rte_ring_enqueue(q->ring, m))
		return true;
	atomic_fetch_add_explicit(&q->errors, 1, memory_order_relaxed);
	return false;
}

/* ---- Out ---- */

/* Frames in the order in which they are to leave, as long as it is not known that they do. */
struct plan {
	unsigned int n;
	struct rte_mbuf *m[QUEUE_ROUND];
	struct queue *q[QUEUE_ROUND];
	uint32_t len[QUEUE_ROUND];
	bool owed[QUEUE_ROUND];	     /* of the queue's minimum */
	uint16_t steps[QUEUE_ROUND]; /* by which the turn moved on for it */
};

static uint32_t len_of(const struct queue *q)
{
	return q->stage[q->head]->pkt_len;
}

/* Only before a plan is made: what is planned has to be able to come back. */
static void refill(struct queue_set *s, uint64_t now)
{
	for (uint32_t i = 0; i < s->n; i++) {
		struct queue *q = s->q[i];

		if (q->head < q->end || rte_ring_empty(q->ring))
			continue;
		q->head = 0;
		q->end = (uint16_t)rte_ring_dequeue_burst(q->ring, (void **)q->stage, QUEUE_STAGE,
							  NULL);
		limit(&q->floor, now);
		limit(&q->ceiling, now);
	}
}

/*
 * Minima that are more than the line carries fall behind for good: all by the same time, so that
 * none forgets how far it is behind the others.
 */
static void catch_up(struct queue_set *s, uint64_t now)
{
	uint64_t last = QUEUE_NEVER;

	for (uint32_t i = 0; i < s->n; i++) {
		const struct queue *q = s->q[i];

		if (q->head < q->end && q->floor.cost && q->floor.at < last)
			last = q->floor.at;
	}
	for (uint32_t i = 0; last < now - s->line.keep && i < s->n; i++)
		if (s->q[i]->head < s->q[i]->end)
			s->q[i]->floor.at += now - s->line.keep - last;
}

static bool may_send(const struct queue *q, uint64_t now)
{
	return q->head < q->end && is_due(&q->ceiling, now);
}

/* Some queue may send: whose turn it is.  Each time round, who may send may send more. */
static struct queue *in_turn(struct queue_set *s, uint64_t now, uint16_t *steps)
{
	for (;; ++*steps) {
		struct queue *q = s->q[s->turn];

		if (!may_send(q, now))
			q->left = 0;
		else if (q->left >= len_of(q))
			return q;
		s->turn = (s->turn + 1) % s->n;
		s->q[s->turn]->left += QUEUE_TURN;
	}
}

static void turn_back(struct queue_set *s, uint16_t steps)
{
	while (steps--) {
		struct queue *q = s->q[s->turn];

		q->left -= q->left < QUEUE_TURN ? q->left : QUEUE_TURN;
		s->turn = (s->turn + s->n - 1) % s->n;
	}
}

/* NULL: nobody. */
static struct queue *pick(struct queue_set *s, uint64_t now, bool *owed, uint16_t *steps)
{
	struct queue *behind = NULL;
	bool any = false;

	if (!is_due(&s->line, now))
		return NULL;
	for (uint32_t i = 0; i < s->n; i++) {
		struct queue *q = s->q[i];

		if (!may_send(q, now))
			continue;
		any = true;
		if (q->floor.cost && q->floor.at <= now &&
		    (!behind || q->floor.at < behind->floor.at))
			behind = q;
	}
	*owed = behind;
	*steps = 0;
	return behind ? behind : any ? in_turn(s, now, steps) : NULL;
}

static void make_plan(struct queue_set *s, uint64_t now, unsigned int max, struct plan *p)
{
	struct queue *q;

	p->n = 0;
	refill(s, now);
	catch_up(s, now);
	limit(&s->line, now);
	while (p->n < max && (q = pick(s, now, &p->owed[p->n], &p->steps[p->n]))) {
		const uint32_t len = len_of(q);

		p->q[p->n] = q;
		p->len[p->n] = len;
		p->m[p->n] = q->stage[q->head++];
		charge(&s->line, len);
		limit(&q->ceiling, now);
		charge(&q->ceiling, len);
		if (p->owed[p->n])
			charge(&q->floor, len);
		else
			q->left -= len;
		p->n++;
	}
}

/* A frame is where it was, and owes nothing. */
static void take_back(struct queue_set *s, const struct plan *p, unsigned int i)
{
	struct queue *q = p->q[i];

	q->head--;
	refund(&s->line, p->len[i]);
	refund(&q->ceiling, p->len[i]);
	if (p->owed[i]) {
		refund(&q->floor, p->len[i]);
	} else {
		q->left += p->len[i];
		turn_back(s, p->steps[i]);
	}
}

/* The device took the first 'sent'. */
static void settle(struct queue_set *s, const struct plan *p, unsigned int sent)
{
	for (unsigned int i = p->n; i > sent; i--)
		take_back(s, p, i - 1);
	for (unsigned int i = 0; i < sent; i++) {
		counter_add(&p->q[i]->packets, 1);
		counter_add(&p->q[i]->bytes, p->len[i]);
	}
	for (uint32_t i = 0; i < s->n; i++)
		atomic_store_explicit(&s->q[i]->staged, s->q[i]->end - s->q[i]->head,
				      memory_order_relaxed);
}

/* When the next frame is due, of those that wait. */
static void next_due(const struct queue_set *s, uint64_t *wake)
{
	for (uint32_t i = 0; i < s->n; i++) {
		const struct queue *q = s->q[i];
		uint64_t at = q->ceiling.cost ? q->ceiling.at : 0;

		if (q->head == q->end && rte_ring_empty(q->ring))
			continue;
		if (s->line.cost && s->line.at > at)
			at = s->line.at;
		if (at < *wake)
			*wake = at;
	}
}

unsigned int queue_serve(struct queue_set *s, uint64_t now, uint64_t hz, queue_send send, void *arg,
			 uint64_t *wake)
{
	unsigned int total = 0, sent;
	struct plan p;

	do {
		make_plan(s, now, QUEUE_ROUND - total, &p);
		sent = p.n ? send(arg, p.m, p.n) : 0;
		settle(s, &p, sent);
		total += sent;
		if (sent < p.n) {
			if (now + hz / MICROS * QUEUE_RETRY_US < *wake)
				*wake = now + hz / MICROS * QUEUE_RETRY_US;
			return total;
		}
	} while (sent && total < QUEUE_ROUND);
	next_due(s, wake);
	return total;
}

unsigned int queue_take(struct queue_set *s, struct rte_mbuf **m, unsigned int n)
{
	unsigned int k = 0;

	for (uint32_t i = 0; i < s->n && k < n; i++)
		k += take(s->q[i], m + k, n - k);
	return k;
}

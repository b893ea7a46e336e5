/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slots of the pool: taken by packet threads, given back by them or, after a connection's life, by
 * the control thread.
 *
 * Free slots lie in blocks of up to 62 numbers.  A packet thread has two blocks in hand and takes
 * and puts there; when they are empty, or full, it changes one against another of the stacks that
 * all share.  So a stack is touched once in 62 times.  Slots that were never used are handed out by
 * a counter, when no others are there.
 */
#include "datapath/ct_priv.h"

#include <string.h>

enum { IDS = 64 /* taken at a time */ };

static uint32_t pop_block(struct ct *t, _Atomic uint64_t *stack)
{
	return ct_pop(stack, &t->block[0].next, sizeof(t->block[0]));
}

static void push_block(struct ct *t, _Atomic uint64_t *stack, uint32_t b)
{
	ct_push(stack, &t->block[b - 1].next, b);
}

/* An empty one.  There are enough for all slots and all hands (SPARE_BLOCKS), so never 0. */
static uint32_t take_block(struct ct *t)
{
	uint32_t b = pop_block(t, &t->head->empty);

	if (b)
		return b;
	b = ct_take_new(&t->head->blocks_used, t->head->n_blocks);
	if (b)
		t->block[b - 1].n = 0;
	return b;
}

/* Slots that were never used, ascending as they are taken. */
static void fill_new(struct ct *t, struct ct_block *b)
{
	_Atomic uint32_t *used = &t->head->used;
	uint32_t from = atomic_load_explicit(used, memory_order_relaxed), n;

	do {
		n = t->max - from < t->head->block_slots ? t->max - from : t->head->block_slots;
		if (!n)
			return;
	} while (!atomic_compare_exchange_weak_explicit(used, &from, from + n, memory_order_relaxed,
							memory_order_relaxed));
	for (uint32_t i = 0; i < n; i++)
		b->slot[i] = from + n - 1 - i;
	b->n = n;
}

/* A block in hand that has slots, or NULL. */
static struct ct_block *refill(struct ct *t, struct ct_side *s)
{
	uint32_t b;

	if (!s->block)
		s->block = take_block(t);
	if (!s->other)
		s->other = take_block(t);
	if (!s->block || !s->other)
		return NULL;
	b = s->block;
	s->block = s->other;
	s->other = b;
	if (t->block[s->block - 1].n)
		return &t->block[s->block - 1];
	b = pop_block(t, &t->head->full);
	if (!b)
		b = pop_block(t, &t->head->part);
	if (b) {
		push_block(t, &t->head->empty, s->block);
		s->block = b;
	} else {
		fill_new(t, &t->block[s->block - 1]);
	}
	return t->block[s->block - 1].n ? &t->block[s->block - 1] : NULL;
}

/* The slots that come next are on their way to the cache. */
static void warm(const struct ct *t, const struct ct_block *b)
{
	const uint32_t ahead = 4;

	if (b->n > ahead) {
		const char *c = (const char *)&t->conn[b->slot[b->n - 1 - ahead]];

		__builtin_prefetch(c, 1);
		__builtin_prefetch(c + 64, 1);
		__builtin_prefetch(c + 128, 1);
	}
}

static uint32_t next_id(struct ct *t, struct ct_side *s)
{
	if (!s->ids_left) {
		s->id = atomic_fetch_add_explicit(&t->head->next_id, IDS, memory_order_relaxed);
		s->ids_left = IDS;
	}
	s->ids_left--;
	return s->id++;
}

/* 'stage' and 'gen' may be looked at meanwhile, 'flags' by who held its former life for a parent.
 */
static void clear(struct ct_conn *c, uint16_t zone)
{
	atomic_store_explicit(&c->flags, 0, memory_order_relaxed);
	memset(&c->orig, 0, sizeof(c->orig));
	memset(&c->reply, 0, sizeof(c->reply));
	memset(c->label, 0, sizeof(c->label));
	memset(c->peer, 0, sizeof(c->peer));
	memset(c->spare, 0, sizeof(c->spare));
	atomic_store_explicit(&c->lock, 0, memory_order_relaxed);
	atomic_store_explicit(&c->timeout, 0, memory_order_relaxed);
	atomic_store_explicit(&c->mark, 0, memory_order_relaxed);
	atomic_store_explicit(&c->packets[CT_ORIG], 0, memory_order_relaxed);
	atomic_store_explicit(&c->packets[CT_REPLY], 0, memory_order_relaxed);
	c->state = 0;
	c->parent = c->parent_gen = c->adjust = 0;
	c->orig.zone = c->reply.zone = zone;
}

static void refuse(struct pmd *w, struct ct *t, uint16_t zone, enum drop why)
{
	struct ct_zone_counters *z = ct_zone_counters(t, w, zone);
	struct ct_side *s = &t->side[w->id];

	counter_add(&z->events[why == DROP_CT_FULL ? CT_Z_FULL : CT_Z_ZONE_FULL], 1);
	counter_add(why == DROP_CT_FULL ? &s->full : &s->zone_full, 1);
}

struct ct_conn *ct_slot_get(struct pmd *w, struct ct *t, uint16_t zone, enum drop *why)
{
	struct ct_side *s = &t->side[w->id];
	struct ct_block *b = s->block ? &t->block[s->block - 1] : NULL;
	struct ct_conn *c;

	if (!ct_zone_enter(t, zone)) {
		*why = DROP_CT_ZONE_FULL;
		refuse(w, t, zone, *why);
		return NULL;
	}
	if (!b || !b->n)
		b = refill(t, s);
	if (!b) {
		ct_zone_leave(t, zone);
		*why = DROP_CT_FULL;
		refuse(w, t, zone, *why);
		return NULL;
	}
	c = &t->conn[b->slot[--b->n]];
	warm(t, b);
	clear(c, zone);
	c->id = next_id(t, s);
	c->started = ct_now(t, w->now);
	atomic_store_explicit(&c->expires, c->started + CT_TICKS, memory_order_relaxed);
	atomic_store_explicit(&c->stage, CT_S_HELD, memory_order_relaxed);
	return c;
}

/* Without its zone: a slot in hand again. */
static void put(struct ct *t, struct ct_side *s, uint32_t slot)
{
	struct ct_block *b = &t->block[s->block - 1];

	if (b->n == t->head->block_slots) {
		const uint32_t full = s->block;

		s->block = s->other;
		s->other = full;
		b = &t->block[s->block - 1];
	}
	if (b->n == t->head->block_slots) {
		push_block(t, &t->head->full, s->block);
		s->block = take_block(t);
		b = &t->block[s->block - 1];
	}
	b->slot[b->n++] = slot;
}

void ct_slot_put(struct pmd *w, struct ct *t, struct ct_conn *c)
{
	ct_zone_leave(t, c->orig.zone);
	atomic_store_explicit(&c->stage, CT_S_FREE, memory_order_relaxed);
	put(t, &t->side[w->id], ct_conn_index(t, c));
}

/* ---- Control thread ---- */

/* One block that is not full at most lies about: it is filled up before another is begun. */
void ct_slots_begin(struct ct *t)
{
	t->filling = pop_block(t, &t->head->part);
}

void ct_slot_free(struct ct *t, uint32_t slot, uint32_t now)
{
	struct ct_conn *c = &t->conn[slot];
	struct ct_block *b;

	atomic_fetch_add_explicit(&c->gen, 1, memory_order_relaxed);
	atomic_store_explicit(&c->stage, CT_S_FREE, memory_order_relaxed);
	atomic_store_explicit(&t->deadline[slot], (now + CT_D_FAR) & ~(uint32_t)CT_D_BITS,
			      memory_order_relaxed);
	if (!t->filling)
		t->filling = take_block(t);
	b = &t->block[t->filling - 1];
	b->slot[b->n++] = slot;
	if (b->n == t->head->block_slots) {
		push_block(t, &t->head->full, t->filling);
		t->filling = 0;
	}
}

void ct_slots_end(struct ct *t)
{
	if (t->filling)
		push_block(t, &t->head->part, t->filling);
	t->filling = 0;
}

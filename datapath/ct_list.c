/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections told and thrown out on request.  Control thread.
 */
#include <stddef.h>
#include <string.h>

#include "datapath/ct_priv.h"

static bool is_in(const struct ct_conn *c)
{
	return atomic_load_explicit(&c->stage, memory_order_acquire) == CT_S_IN && ct_lives(c);
}

/* What packets change stands still under the lock, but for what is stored without it. */
static void copy(struct ct_conn *to, struct ct_conn *c)
{
	ct_conn_lock(c);
	to->orig = c->orig;
	to->reply = c->reply;
	atomic_init(&to->expires, atomic_load_explicit(&c->expires, memory_order_relaxed));
	atomic_init(&to->lock, 0);
	atomic_init(&to->flags, atomic_load_explicit(&c->flags, memory_order_relaxed));
	atomic_init(&to->timeout, atomic_load_explicit(&c->timeout, memory_order_relaxed));
	to->state = c->state;
	atomic_init(&to->mark, atomic_load_explicit(&c->mark, memory_order_relaxed));
	to->parent = c->parent;
	to->parent_gen = c->parent_gen;
	atomic_init(&to->gen, atomic_load_explicit(&c->gen, memory_order_relaxed));
	memcpy(to->label, c->label, sizeof(to->label));
	to->id = c->id;
	to->adjust = c->adjust;
	memcpy(to->peer, c->peer, sizeof(to->peer));
	for (int i = 0; i < 2; i++)
		atomic_init(&to->packets[i],
			    atomic_load_explicit(&c->packets[i], memory_order_relaxed));
	to->started = c->started;
	atomic_init(&to->stage, CT_S_IN);
	memcpy(to->spare, c->spare, sizeof(to->spare));
	ct_conn_unlock(c);
}

bool ct_walk(struct ct *t, uint32_t *cursor, uint32_t n,
	     void (*fn)(void *arg, const struct ct_conn *copy), void *arg)
{
	const uint32_t used = atomic_load_explicit(&t->head->used, memory_order_relaxed);
	struct ct_conn one;

	for (; n && *cursor < used; n--, ++*cursor) {
		struct ct_conn *c = &t->conn[*cursor];

		if (!is_in(c))
			continue;
		copy(&one, c);
		fn(arg, &one);
	}
	return *cursor < used;
}

/* Dead at once; its slot comes back by expiry. */
static bool throw_out(struct ct *t, struct ct_conn *c)
{
	if (!ct_end(t, c))
		return false;
	ct_due(t, c);
	t->n_deleted++;
	atomic_store_explicit(&t->kicked, 1, memory_order_relaxed);
	return true;
}

bool ct_flush_part(struct ct *t, uint32_t *cursor, uint32_t n,
		   bool (*which)(const void *arg, const struct ct_conn *c), const void *arg,
		   uint64_t *gone)
{
	const uint32_t used = atomic_load_explicit(&t->head->used, memory_order_relaxed);

	for (; n && *cursor < used; n--, ++*cursor) {
		struct ct_conn *c = &t->conn[*cursor];

		/* Tuples stand still while it is in, and nobody else takes it out. */
		if (is_in(c) && (!which || which(arg, c)))
			*gone += throw_out(t, c);
	}
	return *cursor < used;
}

static bool is_of_zone(const void *zone, const struct ct_conn *c)
{
	return c->orig.zone == *(const uint16_t *)zone;
}

uint32_t ct_flush(struct dp *dp, struct ct *t, const uint16_t *zone)
{
	uint32_t cursor = 0;
	uint64_t n = 0;

	ct_flush_part(t, &cursor, UINT32_MAX, zone ? is_of_zone : NULL, zone, &n);
	return (uint32_t)n;
}

uint32_t ct_flush_tuple(struct dp *dp, struct ct *t, const struct ct_tuple *k)
{
	enum ct_dir dir;
	struct ct_conn *c = ct_find(t, k, ct_hash(t, k), t->last, &dir);

	return c && throw_out(t, c);
}

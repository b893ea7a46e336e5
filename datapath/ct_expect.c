/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections that were announced and have not come yet.
 *
 * Buckets of a few places, a lock each: announcements are few, and while there is none nobody looks
 * here.  A full bucket refuses, so that nobody's expected connection is pushed out by another's.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "datapath/ct_alg_priv.h"

enum { PLACES = 8 };

struct place {
	struct ct_expect e;
	uint32_t ends; /* ticks */
	uint32_t use;  /* counts up with each */
	bool taken;
};

struct bucket {
	_Atomic uint8_t lock;
	struct place place[PLACES];
};

struct ct_expects {
	_Atomic uint32_t n;    /* places that are taken */
	_Atomic uint32_t hand; /* the bucket that is tidied up next */
	uint32_t mask;
	struct bucket bucket[];
};

struct ct_expects *ct_expects_new(uint32_t n)
{
	uint32_t buckets = 1;
	struct ct_expects *x;

	while (buckets * PLACES < n)
		buckets *= 2;
	x = calloc(1, sizeof(*x) + buckets * sizeof(x->bucket[0]));
	if (x)
		x->mask = buckets - 1;
	return x;
}

void ct_expects_free(struct ct_expects *x)
{
	free(x);
}

const _Atomic uint32_t *ct_expect_count(const struct ct *t)
{
	return &ct_alg_of(t)->expects->n;
}

/* ---- Buckets ---- */

static void lock(struct bucket *b)
{
	while (atomic_exchange_explicit(&b->lock, 1, memory_order_acquire))
		__builtin_ia32_pause();
}

static void unlock(struct bucket *b)
{
	atomic_store_explicit(&b->lock, 0, memory_order_release);
}

static void leave(struct ct_expects *x, struct place *p)
{
	p->taken = false;
	atomic_fetch_sub_explicit(&x->n, 1, memory_order_relaxed);
}

static struct bucket *bucket_of(struct ct *t, const struct ct_tuple *key)
{
	struct ct_expects *x = ct_alg_of(t)->expects;

	return &x->bucket[ct_hash(t, key) & x->mask];
}

/* What came too late goes; the one that has 'key', or NULL. Locked. */
static struct place *tidy(struct ct_expects *x, struct bucket *b, const struct ct_tuple *key,
			  uint32_t now)
{
	struct place *found = NULL;

	for (unsigned int i = 0; i < PLACES; i++) {
		struct place *p = &b->place[i];

		if (p->taken && (int32_t)(p->ends - now) <= 0)
			leave(x, p);
		if (key && p->taken && !memcmp(&p->e.key, key, sizeof(*key)))
			found = p;
	}
	return found;
}

/* A bucket at a time: while there are any, each look tidies up one more. */
static void tidy_next(struct ct_expects *x, uint32_t now)
{
	const uint32_t i = atomic_fetch_add_explicit(&x->hand, 1, memory_order_relaxed);
	struct bucket *b = &x->bucket[i & x->mask];

	lock(b);
	tidy(x, b, NULL, now);
	unlock(b);
}

/* ---- Expected ---- */

static uint32_t slot_of(const struct ct_expects *x, const struct bucket *b, const struct place *p)
{
	return (uint32_t)(b - x->bucket) * PLACES + (uint32_t)(p - b->place);
}

static struct place *free_place(struct bucket *b)
{
	for (unsigned int i = 0; i < PLACES; i++)
		if (!b->place[i].taken)
			return &b->place[i];
	return NULL;
}

int ct_expect_add(struct ct *t, const struct ct_expect *e, uint32_t now, uint32_t *slot,
		  uint32_t *use)
{
	struct ct_expects *x = ct_alg_of(t)->expects;
	struct bucket *b = bucket_of(t, &e->key);
	struct place *p;
	int err = 0;

	lock(b);
	p = tidy(x, b, &e->key, now);
	if (p && memcmp(&p->e.reply, &e->reply, sizeof(e->reply)) != 0) {
		err = -EADDRINUSE;
	} else if (!p && !(p = free_place(b))) {
		err = -ENOSPC;
	} else {
		if (!p->taken)
			atomic_fetch_add_explicit(&x->n, 1, memory_order_relaxed);
		p->taken = true;
		p->e = *e;
		p->ends = now + CT_EXPECT_MS;
		p->use++;
		*slot = slot_of(x, b, p);
		*use = p->use;
	}
	unlock(b);
	return err;
}

void ct_expect_del(struct ct *t, uint32_t slot, uint32_t use)
{
	struct ct_expects *x = ct_alg_of(t)->expects;
	struct bucket *b = &x->bucket[slot / PLACES & x->mask];
	struct place *p = &b->place[slot % PLACES];

	lock(b);
	if (p->taken && p->use == use)
		leave(x, p);
	unlock(b);
}

/* Its parent, if that lives. */
static struct ct_conn *parent_of(struct ct *t, const struct ct_expect *e)
{
	struct ct_conn *c = ct_conn_at(t, e->parent);

	if (atomic_load_explicit(&c->gen, memory_order_acquire) != e->parent_gen ||
	    !(atomic_load_explicit(&c->flags, memory_order_acquire) & CT_F_LIVE))
		return NULL;
	return c;
}

bool ct_expect_find(struct pmd *w, struct ct *t, const struct ct_tuple *k, uint32_t now,
		    struct ct_expected *out)
{
	struct ct_expects *x = ct_alg_of(t)->expects;
	struct ct_tuple key = *k;
	struct bucket *b;
	struct place *p;

	if (k->proto != IPPROTO_TCP && k->proto != IPPROTO_UDP)
		return false;
	key.src_port = 0;
	b = bucket_of(t, &key);
	tidy_next(x, now);
	lock(b);
	p = tidy(x, b, &key, now);
	out->parent = p ? parent_of(t, &p->e) : NULL;
	if (p && !out->parent) {
		leave(x, p);
	} else if (p) {
		out->reply = p->e.reply;
		out->reply.dst_port = k->src_port;
		out->slot = slot_of(x, b, p);
		out->use = p->use;
	}
	unlock(b);
	return out->parent != NULL;
}

void ct_alg_came(struct ct *t, const struct ct_expected *x)
{
	ct_expect_del(t, x->slot, x->use);
	atomic_fetch_add_explicit(&ct_alg_of(t)->came, 1, memory_order_relaxed);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index: both directions of a connection under the keyed hash of their tuples, which is one
 * hash and one reference for both, unless the connection is translated.
 *
 * Buckets are one cache line: for each of ten references 16 bits of hash and the slot's number.
 * References never move, so a finder, which takes no lock, misses nothing that is there all the
 * while.  Adding and taking out hold the bit of each bucket that they change, the lower number
 * first.  A connection is live only when both its references are in place, and whoever adds looks
 * at both buckets while it holds them: so two live ones never have a tuple in common.
 *
 * A full bucket goes on in an extra one.  A chain is bounded: with a keyed hash nobody fills one on
 * purpose, and by chance it happens less than once in 10^20 tables.
 */
#include "datapath/ct_priv.h"

#include <errno.h>
#include <string.h>

/* ---- Hash ---- */

/* An address of IPv6 and a port. */
static uint64_t end_of(const struct ct *t, const uint8_t addr[16], be16 port)
{
	uint64_t high, low;

	memcpy(&high, addr, 8);
	memcpy(&low, addr + 8, 8);
	return cls_hash_mix(high ^ t->keys[4], low ^ t->keys[5]) + port;
}

uint64_t ct_hash(const struct ct *t, const struct ct_tuple *k)
{
	uint32_t ports, rest, src, dst;

	/* Read as ct_read() has written them, who would else wait for all stores before to be over:
	 * that took a tenth of a packet's time. */
	memcpy(&ports, &k->src_port, sizeof(ports));
	memcpy(&rest, &k->zone, sizeof(rest));
	if (k->l3 == 4) {
		memcpy(&src, k->src, sizeof(src));
		memcpy(&dst, k->dst, sizeof(dst));
		return ct_hash_ipv4(t, src, dst, ports, rest);
	}
	return ct_hash_ends(t, end_of(t, k->src, (be16)ports),
			    end_of(t, k->dst, (be16)(ports >> 16)), rest);
}

/* 0: the same. */
static uint64_t differs(const struct ct_tuple *a, const struct ct_tuple *b)
{
	uint64_t x[5], y[5];

	memcpy(x, a, sizeof(x));
	memcpy(y, b, sizeof(y));
	return (x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3]) | (x[4] ^ y[4]);
}

/*
 * Whether 'k' is one of the two of 'c', and which.  The one reference of both does not say it; nor
 * can anybody foretell which, so that both are compared, without a branch.
 */
static bool has(const struct ct_conn *c, const struct ct_tuple *k, enum ct_dir *dir)
{
	const uint64_t orig = differs(&c->orig, k), reply = differs(&c->reply, k);

	*dir = orig ? CT_REPLY : CT_ORIG;
	return !orig | !reply;
}

/* ---- Looking ---- */

static struct ct_bucket *next_of(const struct ct *t, const struct ct_bucket *b)
{
	const uint32_t n = atomic_load_explicit(&b->link, memory_order_acquire) & ~CT_LOCKED;

	return n ? &t->bucket[t->bucket_mask + n] : NULL;
}

void ct_prefetch(const struct ct *t, uint64_t hash)
{
	rte_prefetch0(ct_bucket_of(t, hash));
}

void ct_prefetch_conn(const struct ct *t, uint64_t hash)
{
	const struct ct_bucket *b = ct_bucket_of(t, hash);
	const unsigned int may = ct_alike(b, ct_sig_of(hash));
	uint32_t ref;

	if (!may)
		return;
	ref = atomic_load_explicit(&b->ref[__builtin_ctz(may)], memory_order_relaxed);
	if (ref) {
		const char *c = (const char *)ct_conn_of(t, ref);

		rte_prefetch0(c);
		rte_prefetch0(c + 64);
		rte_prefetch0(c + 128);
	}
}

struct ct_conn *ct_find(struct ct *t, const struct ct_tuple *k, uint64_t hash, uint32_t now,
			enum ct_dir *dir)
{
	const uint16_t sig = ct_sig_of(hash);

	for (const struct ct_bucket *b = ct_bucket_of(t, hash); b; b = next_of(t, b)) {
		for (unsigned int may = ct_alike(b, sig); may; may &= may - 1) {
			const uint32_t ref = atomic_load_explicit(&b->ref[__builtin_ctz(may)],
								  memory_order_acquire);
			struct ct_conn *c;

			if (!ref)
				continue;
			c = ct_conn_of(t, ref);
			if (has(c, k, dir) && ct_lives(c) && !ct_expired(c, now))
				return c;
		}
	}
	return NULL;
}

bool ct_is_free(struct ct *t, const struct ct_tuple *k, uint64_t hash, uint32_t now)
{
	enum ct_dir dir;

	return !ct_find(t, k, hash, now, &dir);
}

/* ---- Locks ---- */

static void lock(struct ct_bucket *b)
{
	while (atomic_fetch_or_explicit(&b->link, CT_LOCKED, memory_order_acquire) & CT_LOCKED)
		while (atomic_load_explicit(&b->link, memory_order_relaxed) & CT_LOCKED)
			__builtin_ia32_pause();
}

static void unlock(struct ct_bucket *b)
{
	atomic_fetch_and_explicit(&b->link, ~CT_LOCKED, memory_order_release);
}

static void lock_two(struct ct_bucket *a, struct ct_bucket *b)
{
	lock(a < b ? a : b);
	if (a != b)
		lock(a < b ? b : a);
}

static void unlock_two(struct ct_bucket *a, struct ct_bucket *b)
{
	unlock(a);
	if (a != b)
		unlock(b);
}

/* ---- Adding ---- */

bool ct_end(struct ct *t, struct ct_conn *c)
{
	if (!(atomic_fetch_and_explicit(&c->flags, (uint8_t)~CT_F_LIVE, memory_order_acq_rel) &
	      CT_F_LIVE))
		return false;
	atomic_fetch_add_explicit(&t->gone[c->orig.proto], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&t->n_gone, 1, memory_order_relaxed);
	ct_zone_leave(t, c->orig.zone);
	return true;
}

/* A locked read-modify-write, so that expiry sees what was stored before it when it clears the bit
 * (ct_expire.c). */
void ct_due(struct ct *t, const struct ct_conn *c)
{
	atomic_fetch_or_explicit(&t->deadline[ct_conn_index(t, c)], CT_D_LOOK,
				 memory_order_acq_rel);
}

/* By a packet thread; counted as 'why'. */
static void end_here(struct ct *t, struct ct_conn *c, _Atomic uint64_t *why)
{
	if (!ct_end(t, c))
		return;
	atomic_fetch_add_explicit(why, 1, memory_order_relaxed);
	ct_due(t, c);
	if (!atomic_load_explicit(&t->kicked, memory_order_relaxed))
		atomic_store_explicit(&t->kicked, 1, memory_order_relaxed);
}

void ct_kill(struct ct *t, struct ct_conn *c)
{
	end_here(t, c, &t->n_killed);
}

/*
 * Whether a live connection has 'k', in a bucket that is locked.  One that is over leaves its place
 * at once, so that a tuple which is used again and again before expiry comes does not fill its
 * bucket.
 */
static bool taken(struct ct *t, struct ct_bucket *b, const struct ct_tuple *k, uint64_t hash,
		  uint32_t now)
{
	for (; b; b = next_of(t, b)) {
		for (unsigned int may = ct_alike(b, ct_sig_of(hash)); may; may &= may - 1) {
			_Atomic uint32_t *at = &b->ref[__builtin_ctz(may)];
			const uint32_t ref = atomic_load_explicit(at, memory_order_relaxed);
			struct ct_conn *c;
			enum ct_dir dir;

			if (!ref)
				continue;
			c = ct_conn_of(t, ref);
			if (!has(c, k, &dir))
				continue;
			if (ct_lives(c) && !ct_expired(c, now))
				return true;
			end_here(t, c, &t->n_lapsed);
			atomic_store_explicit(at, 0, memory_order_relaxed);
		}
	}
	return false;
}

static struct ct_bucket *extra_new(struct ct *t)
{
	struct ct_bucket *first = &t->bucket[t->bucket_mask + 1];
	uint32_t n = ct_pop(&t->head->extra, &first->link, sizeof(*first));

	if (!n)
		n = ct_take_new(&t->head->extra_used, t->head->n_extra);
	if (!n)
		return NULL;
	atomic_store_explicit(&first[n - 1].link, 0, memory_order_relaxed);
	return &first[n - 1];
}

void ct_extra_free(struct ct *t, uint32_t extra)
{
	struct ct_bucket *b = &t->bucket[t->bucket_mask + extra];

	ct_push(&t->head->extra, &b->link, extra);
}

static unsigned int room(const struct ct_bucket *b)
{
	for (unsigned int i = 0; i < CT_BUCKET_REFS; i++)
		if (!atomic_load_explicit(&b->ref[i], memory_order_relaxed))
			return i;
	return CT_BUCKET_REFS;
}

static void place(struct ct_bucket *b, unsigned int i, uint64_t hash, uint32_t ref)
{
	atomic_store_explicit(&b->sig[i], ct_sig_of(hash), memory_order_relaxed);
	atomic_store_explicit(&b->ref[i], ref, memory_order_release);
}

/* In a chain whose first bucket is locked.  The place, or NULL: none. */
static _Atomic uint32_t *link_ref(struct ct *t, struct ct_bucket *b, uint64_t hash, uint32_t ref)
{
	struct ct_bucket *next;

	for (unsigned int n = 0; n <= CT_CHAIN_MAX; n++, b = next) {
		const unsigned int i = room(b);

		if (i < CT_BUCKET_REFS) {
			place(b, i, hash, ref);
			return &b->ref[i];
		}
		next = next_of(t, b);
		if (next)
			continue;
		if (n == CT_CHAIN_MAX)
			break;
		next = extra_new(t);
		if (!next)
			break;
		place(next, 0, hash, ref);
		/* Keeps the lock's bit; nobody else changes the number. */
		atomic_fetch_or_explicit(&b->link, (uint32_t)(next - &t->bucket[t->bucket_mask]),
					 memory_order_release);
		return &next->ref[0];
	}
	return NULL;
}

/* Both buckets are locked. */
static int link_both(struct ct *t, struct ct_conn *c, struct ct_bucket *o, uint64_t hash_orig,
		     struct ct_bucket *r, uint64_t hash_reply)
{
	const uint32_t ref = (ct_conn_index(t, c) + 1) << 1;
	_Atomic uint32_t *first;

	if (taken(t, o, &c->orig, hash_orig, c->started) ||
	    taken(t, r, &c->reply, hash_reply, c->started))
		return -EEXIST;
	first = link_ref(t, o, hash_orig, ref | CT_ORIG);
	if (!first)
		return -ENOSPC;
	/* One is enough of one that is not translated. */
	if (hash_orig == hash_reply || link_ref(t, r, hash_reply, ref | CT_REPLY))
		return 0;
	atomic_store_explicit(first, 0, memory_order_relaxed);
	return -ENOSPC;
}

static void count_new(struct pmd *w, struct ct *t, const struct ct_conn *c, int err)
{
	struct ct_zone_counters *z = ct_zone_counters(t, w, c->orig.zone);
	struct ct_side *s = &t->side[w->id];

	if (err == -ENOSPC) {
		counter_add(&z->events[CT_Z_FULL], 1);
		counter_add(&s->full, 1);
	} else if (!err) {
		counter_add(&z->events[CT_Z_CREATED], 1);
		counter_add(&s->created, 1);
		counter_add(&s->by_proto[c->orig.proto], 1);
	}
}

int ct_index_add(struct ct *t, struct ct_conn *c, uint64_t hash_orig, uint64_t hash_reply)
{
	struct ct_bucket *o = ct_bucket_of(t, hash_orig), *r = ct_bucket_of(t, hash_reply);
	const uint8_t flags = atomic_load_explicit(&c->flags, memory_order_relaxed);
	int err;

	lock_two(o, r);
	err = link_both(t, c, o, hash_orig, r, hash_reply);
	if (!err) {
		/* Once it lives it may be killed, so its deadline stands before. */
		const uint32_t when = atomic_load_explicit(&c->expires, memory_order_relaxed);

		atomic_store_explicit(&t->deadline[ct_conn_index(t, c)],
				      ct_deadline(when, !(flags & CT_F_SEEN_REPLY)),
				      memory_order_relaxed);
		atomic_store_explicit(&c->flags, flags | CT_F_LIVE, memory_order_release);
		atomic_store_explicit(&c->stage, CT_S_IN, memory_order_release);
	}
	unlock_two(o, r);
	return err;
}

int ct_add(struct pmd *w, struct ct *t, struct ct_conn *c, uint64_t hash_orig, uint64_t hash_reply)
{
	int err = ct_index_add(t, c, hash_orig, hash_reply);

	count_new(w, t, c, err);
	return err;
}

/* ---- Taking out ---- */

/* Takes 'ref' out of its chain, and the extra bucket that has nothing left; number + 1 of it. */
static uint32_t unlink_ref(struct ct *t, uint64_t hash, uint32_t ref)
{
	struct ct_bucket *first = ct_bucket_of(t, hash), *before = NULL, *b;
	uint32_t extra = 0;
	unsigned int i = 0;

	lock(first);
	for (b = first; b; before = b, b = next_of(t, b)) {
		for (i = 0; i < CT_BUCKET_REFS; i++)
			if (atomic_load_explicit(&b->ref[i], memory_order_relaxed) == ref)
				break;
		if (i < CT_BUCKET_REFS)
			break;
	}
	if (b)
		atomic_store_explicit(&b->ref[i], 0, memory_order_relaxed);
	if (b && before) {
		for (i = 0; i < CT_BUCKET_REFS; i++)
			if (atomic_load_explicit(&b->ref[i], memory_order_relaxed))
				break;
		if (i == CT_BUCKET_REFS) {
			/* Who stands in it still finds the way on. */
			const uint32_t on = atomic_load_explicit(&b->link, memory_order_relaxed);

			extra = (uint32_t)(b - &t->bucket[t->bucket_mask]);
			atomic_store_explicit(&before->link, on | (before == first ? CT_LOCKED : 0),
					      memory_order_release);
		}
	}
	unlock(first);
	return extra;
}

void ct_index_del(struct ct *t, struct ct_conn *c, uint32_t extra[2])
{
	const uint64_t orig = ct_hash(t, &c->orig), reply = ct_hash(t, &c->reply);
	const uint32_t ref = (ct_conn_index(t, c) + 1) << 1;

	extra[0] = unlink_ref(t, orig, ref | CT_ORIG);
	extra[1] = orig == reply ? 0 : unlink_ref(t, reply, ref | CT_REPLY);
}

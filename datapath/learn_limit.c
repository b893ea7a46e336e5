/* SPDX-License-Identifier: Apache-2.0 */
/* How many flows of a table have a cookie, and which. */
#include <stdlib.h>

#include "datapath/dp.h"
#include "datapath/learn_priv.h"
#include "datapath/table_state.h"

enum { GONE = 1, FIRST = 2 }; /* values of no hash */

static uint64_t hash_of(const struct flow *f)
{
	return table_rule_hash(f->rule.mask, f->rule.value, f->rule.priority);
}

static uint64_t mark(uint64_t hash)
{
	return hash < FIRST ? hash + FIRST : hash;
}

bool learned_has(const struct learned *d, uint64_t hash)
{
	const struct learn_known *k = atomic_load_explicit(&d->known, memory_order_acquire);

	hash = mark(hash);
	for (uint32_t i = 0; i <= k->mask; i++) {
		const uint64_t v =
			atomic_load_explicit(&k->v[(hash + i) & k->mask], memory_order_relaxed);

		if (v == hash)
			return true;
		if (!v)
			return false;
	}
	return false;
}

static void put(struct learn_known *k, uint64_t hash)
{
	uint64_t i = hash;

	while (atomic_load_explicit(&k->v[i & k->mask], memory_order_relaxed) > GONE)
		i++;
	k->used += !atomic_load_explicit(&k->v[i & k->mask], memory_order_relaxed);
	atomic_store_explicit(&k->v[i & k->mask], hash, memory_order_relaxed);
}

static struct learn_known *known_new(uint32_t n)
{
	uint32_t places = 16;
	struct learn_known *k;

	while (places < 4 * n)
		places *= 2;
	k = calloc(1, sizeof(*k) + places * sizeof(k->v[0]));
	if (k)
		k->mask = places - 1;
	return k;
}

/* Another one with twice the room that is needed; without memory PMDs know less. */
static void grow(struct dp *dp, struct learned *d) CONTROL
{
	struct learn_known *old = atomic_load_explicit(&d->known, memory_order_relaxed);
	struct learn_known *k = known_new(atomic_load_explicit(&d->n, memory_order_relaxed) + 1);

	if (!k)
		return;
	for (uint32_t i = 0; i <= old->mask; i++) {
		const uint64_t v = atomic_load_explicit(&old->v[i], memory_order_relaxed);

		if (v > GONE)
			put(k, v);
	}
	atomic_store_explicit(&d->known, k, memory_order_release);
	dp_retire(dp, old, free);
}

static void add(struct dp *dp, struct learned *d, uint64_t hash) CONTROL
{
	struct learn_known *k = atomic_load_explicit(&d->known, memory_order_relaxed);

	if (2 * (k->used + 1) > k->mask + 1) {
		grow(dp, d);
		k = atomic_load_explicit(&d->known, memory_order_relaxed);
	}
	if (k->used < k->mask)
		put(k, mark(hash));
}

static void del(struct learned *d, uint64_t hash)
{
	struct learn_known *k = atomic_load_explicit(&d->known, memory_order_relaxed);

	hash = mark(hash);
	for (uint32_t i = 0; i <= k->mask; i++) {
		_Atomic uint64_t *at = &k->v[(hash + i) & k->mask];
		const uint64_t v = atomic_load_explicit(at, memory_order_relaxed);

		if (!v)
			return;
		if (v != hash)
			continue;
		atomic_store_explicit(at, GONE, memory_order_relaxed);
		return;
	}
}

static void count(struct dp *dp, struct learned *d, const struct flow *f, int by) CONTROL
{
	atomic_fetch_add_explicit(&d->n, (uint32_t)by, memory_order_release);
	if (by > 0)
		add(dp, d, hash_of(f));
	else
		del(d, hash_of(f));
}

void learned_count(struct dp *dp, const struct flow *f, int by)
{
	const struct learned_key key = { .cookie = f->cookie, .table_id = f->table_id };
	struct learned *d;

	HASH_FIND(hh, dp->learn->learned, &key, sizeof(key), d);
	if (d)
		count(dp, d, f, by);
}

int learned_collect(struct dp *dp, const struct learned *d, struct flow_vec *v)
{
	const struct flow_filter q = {
		.table_id = (uint8_t)d->key.table_id,
		.out_port = OFPP_ANY,
		.out_group = OFPG_ANY,
		.cookie = d->key.cookie,
		.cookie_mask = UINT64_MAX,
	};

	return table_collect(dp, &q, v);
}

/* Those that are there already. */
static int count_all(struct dp *dp, struct learned *d) CONTROL
{
	struct flow_vec v;
	const int err = learned_collect(dp, d, &v);

	for (uint32_t i = 0; !err && i < v.n; i++)
		count(dp, d, v.v[i], 1);
	free(v.v);
	return err;
}

struct learned *learned_get(struct dp *dp, uint8_t table_id, uint64_t cookie)
{
	const struct learned_key key = { .cookie = cookie, .table_id = table_id };
	struct learned *d;

	HASH_FIND(hh, dp->learn->learned, &key, sizeof(key), d);
	if (d) {
		d->refs++;
		return d;
	}
	d = calloc(1, sizeof(*d));
	if (!d)
		return NULL;
	d->key = key;
	d->refs = 1;
	atomic_init(&d->known, known_new(0));
	if (!atomic_load(&d->known) || count_all(dp, d)) {
		free(atomic_load(&d->known));
		free(d);
		return NULL;
	}
	HASH_ADD(hh, dp->learn->learned, key, sizeof(d->key), d);
	return d;
}

void learned_put(struct dp *dp, struct learned *d)
{
	if (--d->refs)
		return;
	HASH_DEL(dp->learn->learned, d);
	free(atomic_load_explicit(&d->known, memory_order_relaxed));
	free(d);
}

void learned_release(struct dp *dp, uint8_t table_id, uint64_t cookie)
{
	const struct learned_key key = { .cookie = cookie, .table_id = table_id };
	struct learned *d;

	HASH_FIND(hh, dp->learn->learned, &key, sizeof(key), d);
	/* It may be another one than it was reserved of. */
	if (d && atomic_load_explicit(&d->reserved, memory_order_relaxed))
		atomic_fetch_sub_explicit(&d->reserved, 1, memory_order_release);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/fdb.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <rte_cycles.h>
#include <rte_random.h>

#include "base/byteorder.h"
#include "datapath/dp.h"

enum { WAYS = 8, BUCKETS = FDB_ENTRIES / WAYS, AGE_BUCKETS = BUCKETS / 16 };

struct entry {
	_Atomic uint64_t key; /* valid bit, VLAN, MAC; 0: empty */
	_Atomic uint32_t port;
	_Atomic uint32_t used; /* seconds */
};

struct fdb {
	uint64_t seed;
	uint32_t n;
	uint32_t hand; /* bucket at which aging goes on */
	struct entry bucket[BUCKETS][WAYS];
};

uint32_t fdb_now(uint64_t tsc)
{
	return (uint32_t)(tsc / rte_get_tsc_hz());
}

int fdb_new(struct dp *dp, struct err *e)
{
	dp->fdb = calloc(1, sizeof(*dp->fdb));
	if (!dp->fdb)
		return err_set(e, -ENOMEM, "no memory for the MAC table");
	dp->fdb->seed = rte_rand() | 1;
	return 0;
}

void fdb_free(struct dp *dp)
{
	free(dp->fdb);
	dp->fdb = NULL;
}

static uint64_t key_of(uint16_t vid, const uint8_t mac[6])
{
	return UINT64_C(1) << 63 | (uint64_t)(vid & 0xfff) << 48 | get_be(mac, 6);
}

static struct entry *bucket_of(const struct fdb *f, uint64_t key)
{
	unsigned __int128 x = (unsigned __int128)(key ^ f->seed) * (f->seed | 1);
	uint64_t h = (uint64_t)(x >> 64) ^ (uint64_t)x;

	h ^= h >> 29;
	return (struct entry *)(uintptr_t)f->bucket[h % BUCKETS];
}

/* The entry of 'key', with its port as it stood under that key; NULL: none. */
static struct entry *find(const struct fdb *f, uint64_t key, uint32_t *port)
{
	struct entry *b = bucket_of(f, key);

	for (unsigned int i = 0; i < WAYS; i++) {
		if (atomic_load_explicit(&b[i].key, memory_order_acquire) != key)
			continue;
		*port = atomic_load_explicit(&b[i].port, memory_order_acquire);
		if (atomic_load_explicit(&b[i].key, memory_order_relaxed) == key)
			return &b[i];
	}
	return NULL;
}

/* ---- Control thread ---- */

static void set(struct entry *e, uint64_t key, uint32_t port, uint32_t now)
{
	atomic_store_explicit(&e->key, 0, memory_order_relaxed);
	/* Who finds this port finds the key gone, too: find() looks again. */
	atomic_store_explicit(&e->port, port, memory_order_release);
	atomic_store_explicit(&e->used, now, memory_order_relaxed);
	atomic_store_explicit(&e->key, key, memory_order_release);
}

/* An empty entry, or the one that was not used for longest. */
static struct entry *victim(struct entry *b)
{
	struct entry *v = &b[0];

	for (unsigned int i = 0; i < WAYS; i++) {
		if (!atomic_load_explicit(&b[i].key, memory_order_relaxed))
			return &b[i];
		if (atomic_load_explicit(&b[i].used, memory_order_relaxed) <
		    atomic_load_explicit(&v->used, memory_order_relaxed))
			v = &b[i];
	}
	return v;
}

bool fdb_learn(struct fdb *f, uint16_t vid, const uint8_t mac[6], uint32_t port, uint32_t now)
{
	uint64_t key = key_of(vid, mac);
	uint32_t old = 0;
	struct entry *e = find(f, key, &old);

	if (mac[0] & 1 || !get_be(mac, 6))
		return false; /* groups and the zero address live nowhere */
	if (e && old == port) {
		atomic_store_explicit(&e->used, now, memory_order_relaxed);
		return false;
	}
	if (!e) {
		e = victim(bucket_of(f, key));
		f->n += !atomic_load_explicit(&e->key, memory_order_relaxed);
	}
	set(e, key, port, now);
	return true;
}

static void drop_entry(struct fdb *f, struct entry *e)
{
	atomic_store_explicit(&e->key, 0, memory_order_release);
	f->n--;
}

void fdb_age(struct fdb *f, uint32_t now)
{
	for (unsigned int i = 0; i < AGE_BUCKETS; i++) {
		struct entry *b = f->bucket[f->hand];

		f->hand = (f->hand + 1) % BUCKETS;
		for (unsigned int k = 0; k < WAYS; k++)
			if (atomic_load_explicit(&b[k].key, memory_order_relaxed) &&
			    (int32_t)(now - atomic_load_explicit(&b[k].used,
								 memory_order_relaxed)) > FDB_AGE_S)
				drop_entry(f, &b[k]);
	}
}

void fdb_forget_port(struct fdb *f, uint32_t port)
{
	for (unsigned int i = 0; f->n && i < BUCKETS; i++)
		for (unsigned int k = 0; k < WAYS; k++) {
			struct entry *e = &f->bucket[i][k];

			if (atomic_load_explicit(&e->key, memory_order_relaxed) &&
			    atomic_load_explicit(&e->port, memory_order_relaxed) == port)
				drop_entry(f, e);
		}
}

uint32_t fdb_count(const struct fdb *f)
{
	return f->n;
}

/* ---- PMD threads ---- */

uint32_t fdb_find(const struct fdb *f, uint16_t vid, const uint8_t mac[6])
{
	uint32_t port = 0;

	return find(f, key_of(vid, mac), &port) ? port : 0;
}

bool fdb_seen(struct fdb *f, uint16_t vid, const uint8_t mac[6], uint32_t port, uint32_t now)
{
	uint32_t where = 0;
	struct entry *e = find(f, key_of(vid, mac), &where);

	if (!e || where != port)
		return false;
	/* Once a second at most, so that the line is not written by every packet. */
	if (atomic_load_explicit(&e->used, memory_order_relaxed) != now)
		atomic_store_explicit(&e->used, now, memory_order_relaxed);
	return true;
}

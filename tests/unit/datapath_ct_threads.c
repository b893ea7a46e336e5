/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of connections under four packet threads that find, add, prolong, shorten and kill the
 * same few hundred tuples, while the control thread expires and flushes.
 *
 *	- no two live connections have a tuple in common
 *	- what a thread found stays itself until the thread is quiescent
 *	- what nobody ends is found, every time
 *	- in the end counts are what is there, and every slot is in one place
 */
#include <pthread.h>
#include <sched.h>

#include <rte_rcu_qsbr.h>

#include "tests/unit/datapath_ct_table.h"

#ifdef __SANITIZE_THREAD__
enum { BURSTS = 4000 };
#else
enum { BURSTS = 60000 };
#endif

enum {
	THREADS = 4,
	MAX = 4096,
	PINNED = 200, /* tuples 0 ... of zone 0, for ever */
	TUPLES = 600, /* further ones, that come and go */
	PER_BURST = 16,
};

static struct pmd *pmds[THREADS];
static _Atomic uint32_t clock_ms;
static _Atomic uint32_t at_work;

/* cmocka's checks are for one thread: others leave words. */
static const char *_Atomic wrong;

#define MUST(condition)                                                    \
	do {                                                               \
		if (!(condition))                                          \
			atomic_store(&wrong, #condition " does not hold"); \
	} while (0)

struct worker {
	struct pmd *w;
	uint64_t seed;
	uint64_t added, refused, found, ended, exists;
	/* What was found in this burst, and which life of the slot it was. */
	struct ct_conn *hold[PER_BURST];
	uint32_t gen[PER_BURST];
	struct ct_tuple key[PER_BURST];
	unsigned int n_held;
};

static uint32_t draw(struct worker *k)
{
	k->seed ^= k->seed << 13;
	k->seed ^= k->seed >> 7;
	k->seed ^= k->seed << 17;
	return (uint32_t)(k->seed >> 32);
}

static uint16_t zone_of(uint32_t n)
{
	return n < PINNED ? 0 : (uint16_t)(1 + n % 3);
}

static void add(struct worker *k, const struct ct_tuple *key, uint32_t ms)
{
	enum drop why;
	struct ct_conn *c;
	int err;

	role_assume_pmd();
	c = ct_slot_get(k->w, t, key->zone, &why);
	if (!c) {
		k->refused++;
		return;
	}
	c->orig = *key;
	c->reply = turned(key);
	c->started = ms;
	ct_touch(t, c, draw(k) & 1 ? CT_T_UDP_FIRST : CT_T_ICMP_FIRST, ms);
	err = ct_add(k->w, t, c, ct_hash(t, &c->orig), ct_hash(t, &c->reply));
	if (err) {
		MUST(err == -EEXIST);
		ct_slot_put(k->w, t, c);
		k->exists++;
		return;
	}
	k->added++;
}

static void change(struct worker *k, struct ct_conn *c, uint32_t ms)
{
	const uint32_t r = draw(k) % 64;

	role_assume_pmd();
	ct_conn_lock(c);
	c->label[0]++;
	ct_touch(t, c, r & 1 ? CT_T_UDP_MULTIPLE : CT_T_ICMP_FIRST, ms);
	ct_conn_unlock(c);
	if (r == 0) {
		ct_kill(t, c);
		k->ended++;
	}
}

static void packet(struct worker *k)
{
	const uint32_t n = draw(k) % (PINNED + TUPLES), ms = atomic_load(&clock_ms);
	const struct ct_tuple key = tuple(n, zone_of(n)), back = turned(&key);
	const struct ct_tuple *as = draw(k) & 1 ? &key : &back;
	const uint64_t hash = ct_hash(t, as);
	enum ct_dir dir;
	struct ct_conn *c;

	role_assume_pmd();
	ct_prefetch(t, hash);
	ct_prefetch_conn(t, hash);
	c = ct_find(t, as, hash, ms, &dir);
	MUST(c || n >= PINNED);
	if (!c) {
		add(k, &key, ms);
		return;
	}
	k->found++;
	MUST(dir == (as == &key ? CT_ORIG : CT_REPLY));
	k->hold[k->n_held] = c;
	k->gen[k->n_held] = atomic_load(&c->gen);
	k->key[k->n_held++] = key;
	if (n >= PINNED)
		change(k, c, ms);
}

static void *work(void *arg)
{
	struct worker *k = arg;

	rte_rcu_qsbr_thread_online(h.dp->rcu, k->w->id);
	for (int i = 0; i < BURSTS; i++) {
		k->n_held = 0;
		for (int j = 0; j < PER_BURST; j++)
			packet(k);
		for (unsigned int j = 0; j < k->n_held; j++) {
			MUST(atomic_load(&k->hold[j]->gen) == k->gen[j]);
			MUST(!memcmp(&k->hold[j]->orig, &k->key[j], sizeof(k->key[j])));
		}
		rte_rcu_qsbr_quiescent(h.dp->rcu, k->w->id);
	}
	rte_rcu_qsbr_thread_offline(h.dp->rcu, k->w->id);
	atomic_fetch_sub(&at_work, 1);
	return NULL;
}

/* ---- The control thread, meanwhile ---- */

struct sight {
	uint32_t number; /* of the live connection that was seen last with this tuple; 0: none */
	struct ct_conn *c[PINNED + TUPLES];
	uint32_t gen[PINNED + TUPLES];
};

/* A life that was seen before and still goes on has gone on all the while. */
static void unique(void)
{
	static struct sight s;
	const uint32_t used = atomic_load(&t->head->used);

	memset(&s, 0, sizeof(s));
	for (uint32_t i = 0; i < used; i++) {
		struct ct_conn *c = &t->conn[i];
		uint32_t n, gen;

		if (atomic_load(&c->stage) != CT_S_IN || !ct_lives(c))
			continue;
		/* This thread frees slots, so it is the same one now. */
		gen = atomic_load(&c->gen);
		memcpy(&n, c->orig.src, sizeof(n));
		MUST(n < PINNED + TUPLES);
		if (s.c[n])
			MUST(!ct_lives(s.c[n]) || atomic_load(&s.c[n]->gen) != s.gen[n]);
		s.c[n] = c;
		s.gen[n] = gen;
	}
}

static void seen(void *arg, const struct ct_conn *c)
{
	MUST(c->orig.zone == c->reply.zone);
	MUST(!memcmp(c->orig.src, c->reply.dst, 16));
	++*(uint32_t *)arg;
}

static void meanwhile(void)
{
	const uint16_t two = 2;

	role_assume_control();
	for (uint32_t i = 0; atomic_load(&at_work); i++) {
		uint32_t cursor = 0, n = 0;

		now = atomic_fetch_add(&clock_ms, 997) + 997;
		for (int j = 0; j < 10 && ct_expire(h.dp, t, now); j++)
			;
		/* Those that nobody may end are prolonged by one who may. */
		for (uint32_t p = 0; p < PINNED; p++)
			atomic_store(&t->conn[p].expires, now + 1000 * CT_TICKS);
		unique();
		if (i % 50 == 7)
			ct_flush(h.dp, t, &two);
		if (i % 20 == 3) {
			const struct ct_tuple k =
				tuple(PINNED + i % TUPLES, zone_of(PINNED + i % TUPLES));

			ct_flush_tuple(h.dp, t, &k);
		}
		if (i % 10 == 1)
			while (ct_walk(t, &cursor, 100, seen, &n))
				;
		sched_yield();
	}
}

/* ---- The end ---- */

static void in_block(uint8_t *at, uint32_t block, bool whole)
{
	const struct ct_block *b = &t->block[block - 1];

	assert_true(b->n <= t->head->block_slots);
	assert_true(!whole || b->n == t->head->block_slots);
	for (uint32_t i = 0; i < b->n; i++)
		at[b->slot[i]]++;
}

/* Each slot is in use, in one block, or was never used. */
static void every_slot(void)
{
	const uint32_t used = atomic_load(&t->head->used);
	static uint8_t at[MAX];
	uint32_t b;

	memset(at, 0, sizeof(at));
	for (uint32_t i = 0; i < used; i++)
		at[i] += atomic_load(&t->conn[i].stage) != CT_S_FREE;
	for (b = (uint32_t)atomic_load(&t->head->full); b; b = atomic_load(&t->block[b - 1].next))
		in_block(at, b, true);
	b = (uint32_t)atomic_load(&t->head->part);
	if (b) {
		in_block(at, b, false);
		assert_int_equal(atomic_load(&t->block[b - 1].next), 0);
	}
	for (int i = 0; i < PMD_MAX; i++) {
		if (t->side[i].block)
			in_block(at, t->side[i].block, false);
		if (t->side[i].other)
			in_block(at, t->side[i].other, false);
	}
	for (uint32_t i = 0; i < used; i++)
		assert_int_equal(at[i], 1);
	for (uint32_t i = used; i < MAX; i++)
		assert_int_equal(at[i], 0);
}

static void counts(const struct worker *k)
{
	uint32_t cursor = 0, n = 0, zones = 0;
	uint64_t added = PINNED, gone;
	struct ct_stats s;

	role_assume_control();
	for (int i = 0; i < THREADS; i++) {
		added += k[i].added;
	}
	s = stats();
	gone = s.expired + s.deleted + s.early;
	ct_walk(t, &cursor, MAX, seen, &n);
	for (uint16_t z = 0; z < 4; z++) {
		struct ct_zone_stats zs;

		ct_zone_stats(t, z, &zs);
		zones += zs.count;
	}
	assert_int_equal(s.created, added);
	assert_int_equal(s.conns, n);
	assert_int_equal(s.conns, added - gone);
	assert_int_equal(s.by_proto[IPPROTO_UDP], n);
	assert_int_equal(zones, n);
}

static void four_threads(void **state)
{
	static struct worker k[THREADS];
	pthread_t thread[THREADS];
	uint64_t sum[5] = { 0 };

	role_assume_control();
	fresh(MAX);
	atomic_store(&clock_ms, now);
	for (uint32_t i = 0; i < PINNED; i++) {
		struct ct_conn *c = must_make(i, 0);

		assert_int_equal(ct_conn_index(t, c), i);
		atomic_fetch_or(&c->flags, CT_F_SEEN_REPLY);
		atomic_store(&c->expires, now + 1000 * CT_TICKS);
	}
	atomic_store(&at_work, THREADS);
	for (uint32_t i = 0; i < THREADS; i++) {
		k[i] = (struct worker){ .w = pmds[i], .seed = 0x9e3779b97f4a7c15 * (i + 1) };
		assert_int_equal(pthread_create(&thread[i], NULL, work, &k[i]), 0);
	}
	meanwhile();
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	if (atomic_load(&wrong))
		fail_msg("%s", atomic_load(&wrong));
	for (int i = 0; i < THREADS; i++) {
		sum[0] += k[i].added;
		sum[1] += k[i].found;
		sum[2] += k[i].ended;
		sum[3] += k[i].exists;
		sum[4] += k[i].refused;
	}
	print_message("%llu added, %llu found, %llu killed, %llu met another's, %llu refused\n",
		      (unsigned long long)sum[0], (unsigned long long)sum[1],
		      (unsigned long long)sum[2], (unsigned long long)sum[3],
		      (unsigned long long)sum[4]);
	assert_true(sum[0] > 1000 && sum[1] > 1000 && sum[2] > 100);
	dp_barrier(h.dp);
	counts(k);
	every_slot();
	ct_flush(h.dp, t, NULL);
	expire();
	counts(k);
	every_slot();
	assert_int_equal(stats().conns, 0);
}

static int setup_threads(void **state)
{
	if (setup(state))
		return -1;
	role_assume_control();
	for (int i = 0; i < THREADS; i++) {
		pmds[i] = i ? pmd_new_detached(h.dp) : h.w;
		if (!pmds[i] || rte_rcu_qsbr_thread_register(h.dp->rcu, pmds[i]->id))
			return -1;
	}
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(four_threads) };

	return cmocka_run_group_tests(tests, setup_threads, teardown);
}

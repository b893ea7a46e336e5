/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of connections alone: lookups and new connections a second, what expiry costs, without
 * packets.
 *
 *	ct_alone CONNECTIONS...
 *
 * For each number prints, of this thread's processor time: new connections a second (hash, a
 * look that finds none, a slot, both directions added), lookups a second in batches of 32 as a
 * burst does them (hash of all, prefetches of all, then each found) in random order of either
 * direction, the same without batches, the share of a core that expiry takes with all of them idle
 *(and when none of them saw a reply: those go sooner when the pool is nearly full), removals a
 *second, and bytes for each.  One thread; the pool is of a million, or as many as are asked for.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_cycles.h>

#include "datapath/ct_priv.h"
#include "datapath/dp.h"
#include "datapath/eal.h"

enum { BATCH = 32, LOOKUPS = 20000000, IDLE_MS = 60000, LONELY_MS = 5000, TICK_MS = 100 };

static struct dp *dp;
static struct pmd *w;
static struct ct *t;
static uint32_t now;
static bool replied = true;

static void fail(const char *what)
{
	fprintf(stderr, "ct_alone: %s\n", what);
	exit(1);
}

static double cpu(void)
{
	struct timespec s;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &s);
	return (double)s.tv_sec + (double)s.tv_nsec / 1e9;
}

static uint64_t draw(void)
{
	static uint64_t x = 0x2545f4914f6cdd1d;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x >> 11;
}

static struct ct_tuple tuple(uint32_t n, enum ct_dir dir)
{
	struct ct_tuple k = { .proto = IPPROTO_UDP, .l3 = 4 };
	const be32 host = htonl(0x0a000000 + n / 50000), server = htonl(0xc0a80001);
	const be16 port = htons((uint16_t)(1024 + n % 50000)), dns = htons(53);

	memcpy(k.src, dir ? &server : &host, 4);
	memcpy(k.dst, dir ? &host : &server, 4);
	k.src_port = dir ? dns : port;
	k.dst_port = dir ? port : dns;
	return k;
}

static void add(const struct ct_tuple *k, const struct ct_tuple *back, uint64_t ho, uint64_t hr)
{
	enum ct_dir dir;
	struct ct_conn *c;
	enum drop why;

	role_assume_pmd();
	if (ct_find(t, k, ho, now, &dir))
		fail("it is there already");
	c = ct_slot_get(w, t, 0, &why);
	if (!c)
		fail("no slot");
	c->orig = *k;
	c->reply = *back;
	c->started = now;
	atomic_store(&c->flags, replied ? CT_F_SEEN_REPLY : 0);
	ct_touch(t, c, CT_T_UDP_MULTIPLE, now);
	if (ct_add(w, t, c, ho, hr))
		fail("cannot add");
}

/* From 'from' on, in batches; seconds. */
static double fill(uint32_t from, uint32_t n)
{
	const double start = cpu();

	for (uint32_t i = 0; i < n; i += BATCH) {
		const uint32_t m = n - i < BATCH ? n - i : BATCH;
		struct ct_tuple k[BATCH], r[BATCH];
		uint64_t ho[BATCH], hr[BATCH];

		role_assume_pmd();
		for (uint32_t j = 0; j < m; j++) {
			k[j] = tuple(from + i + j, CT_ORIG);
			ho[j] = ct_hash(t, &k[j]);
			ct_prefetch(t, ho[j]);
			r[j] = tuple(from + i + j, CT_REPLY);
			hr[j] = ct_hash(t, &r[j]);
			ct_prefetch(t, hr[j]);
		}
		for (uint32_t j = 0; j < m; j++)
			add(&k[j], &r[j], ho[j], hr[j]);
	}
	return cpu() - start;
}

static double look(const struct ct_tuple *keys, uint32_t n_keys, bool batched)
{
	const double start = cpu();
	uint32_t at = 0;

	role_assume_pmd();
	for (uint32_t i = 0; i < LOOKUPS; i += BATCH) {
		const struct ct_tuple *k = &keys[at];
		uint64_t h[BATCH];

		for (int j = 0; j < BATCH; j++) {
			h[j] = ct_hash(t, &k[j]);
			if (batched)
				ct_prefetch(t, h[j]);
			else if (!ct_find(t, &k[j], h[j], now, &(enum ct_dir){ CT_ORIG }))
				fail("not found");
		}
		for (int j = 0; batched && j < BATCH; j++)
			ct_prefetch_conn(t, h[j]);
		for (int j = 0; batched && j < BATCH; j++) {
			enum ct_dir dir;

			if (!ct_find(t, &k[j], h[j], now, &dir))
				fail("not found");
		}
		at = at + 2 * BATCH <= n_keys ? at + BATCH : 0;
	}
	return cpu() - start;
}

static void expire(void)
{
	role_assume_control();
	while (ct_expire(dp, t, now))
		;
	dp_reclaim(dp);
}

/* Keys in random order, either direction, so many that they are not one after the other in any
 * cache. */
static struct ct_tuple *shuffled(uint32_t n, uint32_t *n_keys)
{
	struct ct_tuple *k;

	*n_keys = n < 1 << 20 ? 1 << 20 : n;
	k = malloc(*n_keys * sizeof(*k));
	if (!k)
		fail("no memory");
	for (uint32_t i = 0; i < *n_keys; i++)
		k[i] = tuple((uint32_t)(draw() % n), draw() & 1 ? CT_REPLY : CT_ORIG);
	return k;
}

static void measure(uint32_t n)
{
	const uint32_t max = n > CT_MAX_DEFAULT ? n : CT_MAX_DEFAULT;
	double first, again, batched, single, idle, lonely, gone, flush;
	uint64_t used, most;
	struct ct_tuple *keys;
	uint32_t n_keys;
	struct err e;

	role_assume_control();
	t = ct_new("bench", max, &e);
	if (!t)
		fail(e.text);
	now = ct_now(t, rte_rdtsc());
	expire();
	first = fill(0, n);
	ct_memory(t, &used, &most);
	keys = shuffled(n, &n_keys);
	look(keys, n_keys, true);
	batched = look(keys, n_keys, true);
	single = look(keys, n_keys, false);
	expire();
	idle = cpu();
	for (uint32_t ms = 0; ms < IDLE_MS; ms += TICK_MS, now += TICK_MS)
		expire();
	idle = cpu() - idle;
	now += ct_timeout_seconds[CT_T_UDP_MULTIPLE] * CT_TICKS;
	gone = cpu();
	expire();
	gone = cpu() - gone;
	expire();
	again = fill(n, n);
	flush = cpu();
	ct_flush(dp, t, NULL);
	flush = cpu() - flush;
	expire();
	expire();
	replied = false;
	fill(0, n);
	now += CT_TICKS;
	lonely = cpu();
	for (uint32_t ms = 0; ms < LONELY_MS; ms += TICK_MS, now += TICK_MS)
		expire();
	lonely = cpu() - lonely;
	replied = true;
	printf("%8u: new %.2f M/s (memory that was used before: %.2f), lookups %.1f M/s (one by "
	       "one: %.1f), idle %.3f %% of a core (without "
	       "replies: %.3f), removed %.2f M/s, "
	       "flushed in %.1f ms, %.0f bytes each\n",
	       n, n / first / 1e6, n / again / 1e6, LOOKUPS / batched / 1e6, LOOKUPS / single / 1e6,
	       idle * 1e5 / IDLE_MS, lonely * 1e5 / LONELY_MS, n / gone / 1e6, flush * 1e3,
	       (double)used / n);
	ct_free(t);
	free(keys);
}

int main(int argc, char **argv)
{
	const struct dp_opts o = { .name = "bench" };
	struct err e = { "" };

	role_assume_control();
	if (argc < 2)
		fail("how many connections?");
	if (eal_start(NULL, &e) < 0 || !(dp = dp_new(&o, &e)) || !(w = pmd_new_detached(dp)))
		fail(e.text);
	for (int i = 1; i < argc; i++)
		measure((uint32_t)strtoul(argv[i], NULL, 10));
	dp_free(dp);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hash of rules while it grows: nobody misses a rule, and no addition waits for all of them.
 *
 *	control thread: adds RULES rules, one by one, takes some out   ->  parts are split, retired
 *	reader:         bursts of keys that were added before          ->  each finds its rule
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <rte_rcu_qsbr.h>

#include "datapath/cls_hash.h"
#include "datapath/dp.h"
#include "datapath/mask.h"
#include "datapath/retire.h"

enum { RULES = 600000, SAME = 4000 };

static struct mask_set *masks;
static struct flow *flows[RULES];
static struct dp dp;

static uint64_t key_of(uint32_t i)
{
	return (uint64_t)i * 2654435761u % 0xfffffffffffull;
}

static struct cls_rule *rule_new(uint32_t i, uint16_t priority)
{
	struct of_match m = { 0 };
	struct cls_mask *mask;

	of_match_set_u64(&m, OF_FIELD_ETH_DST, key_of(i));
	mask = mask_get(masks, &m.mask);
	flows[i] = calloc(1, sizeof(**flows) + mask->n_words * sizeof(uint64_t));
	flows[i]->rule.mask = mask;
	flows[i]->rule.priority = priority;
	atomic_init(&flows[i]->rule.removed, FLOW_VERSION_NEVER);
	for (unsigned int n = 0; n < mask->n_words; n++)
		flows[i]->rule.value[n] = ((const uint64_t *)&m.value)[mask->word[n]];
	return &flows[i]->rule;
}

static void rules_free(uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		mask_put(masks, flows[i]->rule.mask);
		free(flows[i]);
	}
}

static uint64_t hash_of(const void *mask, const struct cls_rule *r)
{
	return cls_hash_rule(mask, r);
}

static uint64_t hash_same(const void *arg, const struct cls_rule *r)
{
	return 0x123456789abcdef0;
}

static int count(void *arg, struct cls_rule *r)
{
	++*(uint32_t *)arg;
	return 0;
}

static bool is_same(const void *arg, const struct cls_rule *r)
{
	return arg == r;
}

static void add(struct cls_hash *h, struct cls *c, uint32_t i)
{
	struct cls_rule *r = rule_new(i, 100);

	assert_int_equal(cls_hash_add(h, cls_hash_rule(r->mask, r), r, c, hash_of, r->mask), 0);
}

/* ---- One thread ---- */

static void everything_is_there_once(const struct cls_hash *h, uint32_t n, uint32_t step)
{
	uint32_t seen = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct cls_rule *r = &flows[i]->rule;

		assert_ptr_equal(cls_hash_find(h, cls_hash_rule(r->mask, r), is_same, r),
				 i % step    ? r
				 : step == 1 ? r
					     : NULL);
	}
	cls_hash_each(h, count, &seen);
	assert_int_equal(seen, h->n);
}

static void it_grows_and_forgets_nothing(void **state)
{
	struct cls_hash h;

	assert_int_equal(cls_hash_init(&h, 1), 0);
	for (uint32_t i = 0; i < RULES; i++)
		add(&h, NULL, i);
	assert_int_equal(h.n, RULES);
	everything_is_there_once(&h, RULES, 1);
	/* Just after doubling it has half of its load; 64 bytes for three rules, and an eighth. */
	assert_in_range(cls_hash_memory(&h) / RULES, 20, 52);
	for (uint32_t i = 0; i < RULES; i += 3) {
		struct cls_rule *r = &flows[i]->rule;

		assert_true(cls_hash_del(&h, cls_hash_rule(r->mask, r), r));
		assert_false(cls_hash_del(&h, cls_hash_rule(r->mask, r), r));
	}
	assert_int_equal(h.n, RULES - RULES / 3);
	everything_is_there_once(&h, RULES, 3);
	cls_hash_fini(&h);
	rules_free(RULES);
}

static void it_has_room_from_the_beginning(void **state)
{
	struct cls_hash h;
	size_t memory;

	assert_int_equal(cls_hash_init(&h, 3 * RULES / 2), 0);
	memory = cls_hash_memory(&h);
	for (uint32_t i = 0; i < RULES; i++)
		add(&h, NULL, i);
	assert_int_equal(cls_hash_memory(&h), memory);
	everything_is_there_once(&h, RULES, 1);
	cls_hash_fini(&h);
	rules_free(RULES);
}

/* What no number of buckets parts takes a chain, and not a directory without end. */
static void rules_of_one_hash_share_a_chain(void **state)
{
	struct cls_hash h;
	uint32_t seen = 0;

	assert_int_equal(cls_hash_init_dense(&h, 1), 0);
	for (uint32_t i = 0; i < SAME; i++) {
		struct cls_rule *r = rule_new(i, 100);

		assert_int_equal(cls_hash_add(&h, hash_same(NULL, r), r, NULL, hash_same, NULL), 0);
	}
	cls_hash_each(&h, count, &seen);
	assert_int_equal(seen, SAME);
	assert_in_range(cls_hash_memory(&h) / SAME, 12, 200);
	assert_true(cls_hash_del(&h, hash_same(NULL, NULL), &flows[SAME - 1]->rule));
	cls_hash_fini(&h);
	rules_free(SAME);
}

/* ---- A reader beside the writer ---- */

static struct cls_hash shared;
static _Atomic uint32_t added;
static _Atomic bool done, reading;
static _Atomic uint64_t looked_up;

static void look_up(struct burst *b, const struct cls_mask *mask, uint64_t *seed)
{
	const uint32_t n = atomic_load_explicit(&added, memory_order_acquire);
	const struct cls_rule *hit[BURST_MAX] = { NULL };
	uint32_t which[32];

	for (unsigned int i = 0; i < 32; i++) {
		*seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
		/* Half of them are the youngest. */
		which[i] = i & 1 ? n - 1 - (uint32_t)(*seed >> 33) % (n < 64 ? n : 64)
				 : (uint32_t)(*seed >> 33) % n;
		of_field_set_u64(&of_fields[OF_FIELD_ETH_DST], &b->pkt[i].key, key_of(which[i]));
	}
	cls_hash_lookup(&shared, mask, b, UINT32_MAX, hit);
	for (unsigned int i = 0; i < 32; i++)
		if (hit[i] != &flows[which[i]]->rule)
			abort();
	atomic_fetch_add_explicit(&looked_up, 32, memory_order_relaxed);
}

static void *reader(void *mask)
{
	static struct burst b;
	uint64_t seed = 1;

	b.version = 1;
	rte_rcu_qsbr_thread_register(dp.rcu, 0);
	rte_rcu_qsbr_thread_online(dp.rcu, 0);
	atomic_store(&reading, true);
	while (!atomic_load_explicit(&done, memory_order_acquire)) {
		look_up(&b, mask, &seed);
		rte_rcu_qsbr_quiescent(dp.rcu, 0);
	}
	rte_rcu_qsbr_thread_offline(dp.rcu, 0);
	rte_rcu_qsbr_thread_unregister(dp.rcu, 0);
	return NULL;
}

static void readers_miss_nothing_while_it_grows(void **state)
{
	size_t size = rte_rcu_qsbr_get_memsize(PMD_MAX);
	struct cls c = { .dp = &dp };
	pthread_t t;

	role_assume_control();
	dp.rcu = aligned_alloc(64, (size + 63) & ~(size_t)63);
	assert_int_equal(rte_rcu_qsbr_init(dp.rcu, PMD_MAX), 0);
	assert_int_equal(retire_init(&dp), 0);
	assert_int_equal(cls_hash_init(&shared, 1), 0);
	add(&shared, &c, 0);
	atomic_store_explicit(&added, 1, memory_order_release);
	assert_int_equal(pthread_create(&t, NULL, reader, (void *)(uintptr_t)flows[0]->rule.mask),
			 0);
	while (!atomic_load(&reading))
		;
	for (uint32_t i = 1; i < RULES; i++) {
		add(&shared, &c, i);
		atomic_store_explicit(&added, i + 1, memory_order_release);
		dp_reclaim(&dp);
	}
	atomic_store_explicit(&done, true, memory_order_release);
	pthread_join(t, NULL);
	assert_true(atomic_load(&looked_up) > 0);
	everything_is_there_once(&shared, RULES, 1);
	cls_hash_fini(&shared);
	retire_fini(&dp);
	free(dp.rcu);
	rules_free(RULES);
}

static int setup(void **state)
{
	masks = mask_set_new();
	return masks ? 0 : -1;
}

static int teardown(void **state)
{
	mask_set_free(masks);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_grows_and_forgets_nothing),
		cmocka_unit_test(it_has_room_from_the_beginning),
		cmocka_unit_test(rules_of_one_hash_share_a_chain),
		cmocka_unit_test(readers_miss_nothing_while_it_grows),
	};

	role_assume_control();
	return cmocka_run_group_tests(tests, setup, teardown);
}

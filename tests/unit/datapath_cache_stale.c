/* SPDX-License-Identifier: Apache-2.0 */
/* Spec: 5.1 Pipeline: what a change of the tables makes void in the flow cache */
/*
 * Changes and entries by chance, against a list that is gone through change by change: what a
 * change concerns must be void; of what none concerns most must stay.
 *
 *	stale_note(mask, value) ... stale_is(since, key) == any of the list since then?
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "datapath/cache_stale.h"
#include "datapath/cls_hash.h"

enum { CHANGES = 4000, KEYS = 2000 };

struct one {
	uint64_t bits[STALE_WORDS], value[STALE_WORDS];
};

static struct stale *s;
static struct one list[CHANGES];
static uint32_t n_list;
static uint64_t random_state;

static uint32_t below(uint32_t n)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(random_state >> 33) % n;
}

static int setup(void **state)
{
	for (unsigned int i = 0; i < FLOW_KEY_WORDS + 2; i++)
		cls_hash_keys[i] = cls_hash_keys[i] ?: (UINT64_C(0x9e3779b97f4a7c15) * (i + 1));
	s = calloc(1, sizeof(*s));
	n_list = 0;
	random_state = 7;
	return s ? 0 : -1;
}

static int teardown(void **state)
{
	free(s);
	return 0;
}

/* Values are few, so that keys and changes meet often, or many. */
static void some_key(uint64_t key[STALE_WORDS], uint32_t values)
{
	for (unsigned int i = 0; i < STALE_WORDS; i++)
		key[i] = below(values) * UINT64_C(0x100010001);
}

/* Mask number 'kind', of any number of words but none. */
static void mask(struct one *c, uint32_t kind)
{
	for (unsigned int i = 0; i < STALE_WORDS; i++)
		c->bits[i] = (kind + 1) >> i & 1 ? UINT64_MAX << (kind / 64) : 0;
}

static void change(uint32_t kinds, uint32_t values)
{
	struct one *c = &list[n_list++];

	mask(c, below(kinds));
	some_key(c->value, values);
	for (unsigned int i = 0; i < STALE_WORDS; i++)
		c->value[i] &= c->bits[i];
	assert_true(stale_note(s, c->bits, c->value));
	assert_int_equal(s->n, n_list);
}

static bool concerned(uint32_t seen, const uint64_t *key)
{
	for (uint32_t n = seen; n < n_list; n++) {
		uint64_t differ = 0;

		for (unsigned int i = 0; i < STALE_WORDS; i++)
			differ |= (key[i] ^ list[n].value[i]) & list[n].bits[i];
		if (!differ)
			return true;
	}
	return false;
}

/* Returns how many of a thousand that nothing concerns are void. */
static uint32_t compare(uint32_t kinds, uint32_t values, uint32_t key_values)
{
	uint32_t n_true = 0, n_concerned = 0, in_vain = 0;

	while (n_list < CHANGES)
		change(kinds, values);
	for (unsigned int i = 0; i < KEYS; i++) {
		const uint32_t seen = n_list - below(i % 2 ? 100 : CHANGES);
		uint64_t key[STALE_WORDS];

		some_key(key, key_values);
		if (concerned(seen, key)) {
			n_concerned++;
			assert_true(stale_is(s, seen, key));
			continue;
		}
		n_true++;
		in_vain += stale_is(s, seen, key);
	}
	assert_true(key_values > values || n_concerned > KEYS / 20);
	assert_true(n_true > KEYS / 20);
	return in_vain * 1000 / n_true;
}

static void what_a_change_concerns_is_void(void **state)
{
	(void)compare(STALE_KINDS, 40, 40);
}

static void also_with_more_kinds_than_there_is_room_for(void **state)
{
	(void)compare(100, 40, 40);
	assert_int_equal(s->n_kinds, STALE_KINDS);
	assert_true(s->floor > 0);
}

/* 4,000 changes of one kind, no key among them: at most as many buckets are full. */
static void what_none_concerns_stays(void **state)
{
	assert_in_range(compare(1, 1u << 30, 1u << 31), 0, 1000 * CHANGES / STALE_BUCKETS);
	stale_reset(s);
	assert_false(stale_is(s, 0, list[0].value));
}

static void numbers_come_to_an_end(void **state)
{
	struct one c = { .bits = { 1 } };

	s->n = UINT32_MAX;
	assert_false(stale_note(s, c.bits, c.value));
	stale_reset(s);
	assert_true(stale_note(s, c.bits, c.value));
	assert_true(stale_is(s, 0, c.value));
	assert_false(stale_is(s, 1, c.value));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_a_change_concerns_is_void, setup, teardown),
		cmocka_unit_test_setup_teardown(also_with_more_kinds_than_there_is_room_for, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_none_concerns_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(numbers_come_to_an_end, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

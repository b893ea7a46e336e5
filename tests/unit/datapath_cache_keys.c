/* SPDX-License-Identifier: Apache-2.0 */
/* Spec: 5.1 Pipeline: the flow cache's places are drawn with keys of the process */
/*
 * Addresses that all come to one place of 2,048 when the keys are known (bench/traffic_odd.py
 * makes a trace of such), and are as any others to a process that drew its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "datapath/cache_priv.h"

_Static_assert(offsetof(struct flow_key, eth_dst) % 8 == 0, "a word begins with it");

enum { PLACES = 2048, ADDRESSES = 512, WANTED = 0x5a4 / 2 };

static const uint64_t known[4] = {
	UINT64_C(0x38274d3592d2a776),
	UINT64_C(0x79736aa85d838d19),
	UINT64_C(0x2b6217d14bcc9242),
	UINT64_C(0xed3aaa8114b2402c),
};

static unsigned int place(uint64_t word)
{
	return cache_hash(&word, 1) / 2 % PLACES;
}

static void know_keys(void)
{
	cls_hash_keys[0] = known[0];
	cls_hash_keys[1] = known[1];
	cls_hash_keys[FLOW_KEY_WORDS] = known[2];
	cls_hash_keys[FLOW_KEY_WORDS + 1] = known[3];
}

/* The most of them that come to one place. */
static unsigned int most(const uint64_t *address)
{
	static unsigned int at[PLACES];
	unsigned int n = 0;

	memset(at, 0, sizeof(at));
	for (unsigned int i = 0; i < ADDRESSES; i++)
		if (++at[place(address[i])] > n)
			n = at[place(address[i])];
	return n;
}

/* The first addresses of the trace. */
static void the_trace_is_made_for_this_hash(void **state)
{
	static const uint64_t address[] = {
		UINT64_C(0xbe28c54ada02), UINT64_C(0x363849200802), UINT64_C(0x7e1db645c402),
		UINT64_C(0x5b541cfb5b02), UINT64_C(0x7a04dd6a0002), UINT64_C(0x1b9653647602),
	};

	know_keys();
	for (unsigned int i = 0; i < 6; i++)
		assert_int_equal(place(address[i]), WANTED);
}

static void who_knows_the_keys_of_another_process_gains_nothing(void **state)
{
	uint64_t own[FLOW_KEY_WORDS + 2], address[ADDRESSES];
	unsigned int n = 0;

	memcpy(own, cls_hash_keys, sizeof(own));
	know_keys();
	for (uint64_t a = 2; n < ADDRESSES; a += 256)
		if (place(a) == WANTED)
			address[n++] = a;
	assert_int_equal(most(address), ADDRESSES);
	memcpy(cls_hash_keys, own, sizeof(own));
	/* A quarter of one in each place: more than ten in one happens to one process of 10^10. */
	assert_in_range(most(address), 1, 10);
}

static void keys_are_drawn(void **state)
{
	for (unsigned int i = 0; i < FLOW_KEY_WORDS + 2; i++) {
		assert_int_not_equal(cls_hash_keys[i], 0);
		for (unsigned int k = 0; k < i; k++)
			assert_int_not_equal(cls_hash_keys[i], cls_hash_keys[k]);
		for (unsigned int k = 0; k < 4; k++)
			assert_int_not_equal(cls_hash_keys[i], known[k]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_drawn),
		cmocka_unit_test(who_knows_the_keys_of_another_process_gains_nothing),
		cmocka_unit_test(the_trace_is_made_for_this_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

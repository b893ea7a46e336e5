/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that are kept: what is read is what came, in its order, however it was kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "datapath/kept.h"

enum { N = 60000, AT = 24, LONG = 96, OTHER = 72 };

/* The i'th: mostly of the first form or the second, some of another length. */
static uint16_t make(uint32_t i, uint8_t *raw)
{
	const uint16_t n = i % 1000 < 7 ? OTHER : LONG;

	for (unsigned int b = 0; b < n; b++)
		raw[b] = (uint8_t)(b * 3 + (i / 20000 == 1));
	memcpy(raw + 4, &i, sizeof(i));
	memcpy(raw + 66, &i, sizeof(i)); /* in two words of it */
	return n;
}

static void form_of(struct of_form *f, const uint8_t *raw)
{
	static const uint8_t changes[] = { 4, 5, 6, 7, 66, 67, 68, 69 };

	memset(f, 0, sizeof(*f));
	f->n = AT + LONG;
	for (unsigned int i = 0; i < sizeof(changes); i++)
		((uint8_t *)f->free)[AT + changes[i]] = 0xff;
	for (unsigned int i = 0; i < LONG / 8; i++)
		f->like[AT / 8 + i] = load64(raw + 8 * i) & ~f->free[AT / 8 + i];
}

static void fill(struct kept *k)
{
	uint8_t raw[LONG];
	const uint8_t *p = raw;
	struct of_form f;

	for (uint32_t i = 0; i < N; i++) {
		const uint16_t n = make(i, raw);

		if (n == OTHER || i % 17 == 0) {
			assert_int_equal(kept_add(k, raw, n), 0);
			continue;
		}
		form_of(&f, raw);
		assert_int_equal(kept_add_like(k, &f, AT, &p, 1), 1);
	}
}

static void all_of_them_come_back(void **state)
{
	struct kept k = { 0 };
	struct kept_walk w;
	const uint8_t *got[KEPT_RUN];
	uint8_t raw[LONG];
	unsigned int some;
	uint32_t i = 0;
	uint16_t n;

	(void)state;
	fill(&k);
	assert_true(k.bytes < (uint64_t)N * LONG / 2); /* what they share is there once */
	kept_walk_init(&w, &k);
	while ((some = kept_next(&w, got, &n))) {
		assert_true(some <= KEPT_RUN);
		for (unsigned int j = 0; j < some; j++, i++) {
			assert_int_equal(n, make(i, raw));
			assert_memory_equal(got[j], raw, n);
		}
	}
	assert_int_equal(i, N);
	kept_fini(&k);
	assert_int_equal(k.bytes, 0);
}

static void nothing_is_nothing(void **state)
{
	struct kept k = { 0 };
	struct kept_walk w;
	const uint8_t *got[KEPT_RUN];
	uint16_t n;

	(void)state;
	kept_walk_init(&w, &k);
	assert_int_equal(kept_next(&w, got, &n), 0);
	kept_fini(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_them_come_back),
		cmocka_unit_test(nothing_is_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

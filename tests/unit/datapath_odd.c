/* SPDX-License-Identifier: Apache-2.0 */
/* Spec: 5.1 Pipeline: rules that few packets concern, beside a flow cache and routes */
/*
 * Odd rules that come and go by chance, against a list of those that are there: whom one of them
 * matches the filter must not deny, and of others it may suspect few.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <endian.h>

#include "datapath/mask.h"
#include "datapath/odd.h"

enum { RULES = 2 * ODD_MAX, ROUNDS = 20000, ASKED = 8, TYPE_IPV4 = 0x0800 };

static struct {
	struct odd_rules odd;
	struct cls cls;
	struct cls_rule *rule[RULES]; /* NULL: none */
	struct cls_mask mask[8];
	uint64_t random;
} t;

static uint32_t rnd(void)
{
	t.random = t.random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(t.random >> 32);
}

/* Of all kinds of masks of addresses that there may be, and some more. */
static void masks(void)
{
	static const uint32_t src[] = { UINT32_MAX, 0xfffffffc, 0, UINT32_MAX, 0xfffffff0, 0 },
			      dst[] = { 0, 0, UINT32_MAX, UINT32_MAX, 0xfffffff0, 0xfffffffe };

	for (unsigned int i = 0; i < 6; i++) {
		const struct flow_key k = { .eth_type = UINT16_MAX,
					    .nw_src = htobe32(src[i]),
					    .nw_dst = htobe32(dst[i]) };

		cls_mask_init(&t.mask[i], &k);
	}
}

static int setup(void **state)
{
	for (unsigned int i = 0; i < FLOW_KEY_WORDS + 2; i++)
		cls_hash_keys[i] = cls_hash_keys[i] ?: (UINT64_C(0x9e3779b97f4a7c15) * (i + 1));
	memset(&t, 0, sizeof(t));
	t.random = 11;
	t.odd.among = ODD_AMONG;
	t.cls.ops = &cls_exact;
	t.cls.n_rules = ODD_AMONG;
	masks();
	return 0;
}

static int teardown(void **state)
{
	for (unsigned int i = 0; i < RULES; i++)
		free(t.rule[i]);
	return 0;
}

/* Addresses are few enough that packets meet rules. */
static struct flow_key packet(void)
{
	return (struct flow_key){ .eth_type = htobe16(TYPE_IPV4),
				  .nw_src = htobe32(0x0a000000 | rnd() % 3000),
				  .nw_dst = htobe32(0x0a000000 | rnd() % 3000) };
}

static struct cls_rule *rule_new(const struct cls_mask *m, const struct flow_key *k)
{
	struct cls_rule *r = calloc(1, sizeof(*r) + m->n_words * sizeof(r->value[0]));

	assert_non_null(r);
	r->mask = m;
	for (unsigned int i = 0; i < m->n_words; i++)
		r->value[i] = ((const uint64_t *)k)[m->word[i]] & m->bits[i];
	return r;
}

static bool matches(const struct cls_rule *r, const struct flow_key *k)
{
	for (unsigned int i = 0; i < r->mask->n_words; i++)
		if ((((const uint64_t *)k)[r->mask->word[i]] & r->mask->bits[i]) != r->value[i])
			return false;
	return true;
}

static bool concerned(const struct flow_key *k)
{
	for (unsigned int i = 0; i < RULES; i++)
		if (t.rule[i] && t.rule[i]->odd && matches(t.rule[i], k))
			return true;
	return false;
}

static bool suspected(const struct flow_key *k)
{
	uint64_t kind[ODD_KINDS];
	const unsigned int n = odd_kinds(&t.odd, kind);

	return odd_maybe(&t.odd, kind, n, ((const uint64_t *)k)[ODD_NW]);
}

/* One comes, or one that was there goes. */
static void change(unsigned int at, unsigned int n_masks)
{
	const struct flow_key k = packet();

	if (t.rule[at]) {
		odd_forget(&t.odd, t.rule[at]);
		assert_false(t.rule[at]->odd);
		free(t.rule[at]);
		t.rule[at] = NULL;
		return;
	}
	t.rule[at] = rule_new(&t.mask[rnd() % n_masks], &k);
	odd_admit(&t.odd, &t.cls, t.rule[at]);
}

static uint32_t n_odd(void)
{
	uint32_t n = 0;

	for (unsigned int i = 0; i < RULES; i++)
		n += t.rule[i] && t.rule[i]->odd;
	return n;
}

static void no_rule_is_missed(void **state)
{
	uint32_t concerns = 0, in_vain = 0, others = 0;

	for (unsigned int round = 0; round < ROUNDS; round++) {
		change(rnd() % RULES, 6);
		for (unsigned int i = 0; i < ASKED; i++) {
			const struct flow_key k = packet();

			if (concerned(&k)) {
				concerns++;
				assert_true(suspected(&k));
			} else {
				others++;
				in_vain += suspected(&k);
			}
		}
		assert_int_equal(t.odd.n, n_odd());
		assert_true(t.odd.n <= ODD_MAX);
	}
	assert_true(concerns > ROUNDS / 10 && others > ROUNDS / 10);
	/* A word has one rule, or two: both bits of another one are there by chance. */
	assert_true(in_vain < others / 50);
}

/* What has gone leaves nothing behind. */
static void all_are_forgotten(void **state)
{
	for (unsigned int at = 0; at < RULES; at++)
		change(at, 6);
	assert_true(n_odd() > ODD_MAX / 2);
	for (unsigned int at = 0; at < RULES; at++)
		change(at, 6);
	assert_int_equal(t.odd.n, 0);
	for (unsigned int i = 0; i < ODD_WORDS; i++)
		assert_int_equal(atomic_load(&t.odd.filter[i]), 0);
	for (unsigned int i = 0; i < ODD_KINDS; i++)
		assert_int_equal(atomic_load(&t.odd.kind[i]), 0);
}

/* More masks of addresses than there is room for, and more rules. */
static void there_is_a_limit(void **state)
{
	uint64_t kind[ODD_KINDS];

	for (unsigned int at = 0; at < RULES; at++)
		change(at, 1);
	assert_int_equal(n_odd(), ODD_MAX);
	assert_int_equal(odd_kinds(&t.odd, kind), 1);
	for (unsigned int at = 0; at < RULES; at++)
		change(at, 1);
	for (unsigned int at = 0; at < 400; at++)
		change(at, 6);
	assert_int_equal(odd_kinds(&t.odd, kind), ODD_KINDS);
	assert_true(n_odd() < 400);
}

static bool is_admitted(const struct cls_mask *m, const struct flow_key *k)
{
	struct cls_rule *r = rule_new(m, k);
	bool odd;

	odd_admit(&t.odd, &t.cls, r);
	odd = r->odd;
	odd_forget(&t.odd, r);
	free(r);
	return odd;
}

/* Of IPv4, with addresses, looking at what others do not, and others are there. */
static void only_oddities_are(void **state)
{
	const struct flow_key k = packet(), none = { .eth_type = htobe16(TYPE_IPV4) },
			      arp = { .eth_type = htobe16(0x0806), .nw_src = 1 };
	struct flow_key untyped = { .nw_src = UINT32_MAX };
	const unsigned int word = ODD_NW;

	assert_true(is_admitted(&t.mask[0], &k));
	assert_false(is_admitted(&t.mask[0], &none));
	assert_false(is_admitted(&t.mask[0], &arp));
	cls_mask_init(&t.mask[6], &untyped);
	assert_false(is_admitted(&t.mask[6], &k));
	t.cls.n_rules = ODD_AMONG - 1;
	assert_false(is_admitted(&t.mask[0], &k));
	t.cls.n_rules = ODD_AMONG;
	atomic_store(&t.cls.usual[word], UINT64_MAX);
	atomic_store(&t.cls.usual[offsetof(struct flow_key, eth_type) / 8], UINT64_MAX);
	assert_false(is_admitted(&t.mask[0], &k));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(no_rule_is_missed, setup, teardown),
		cmocka_unit_test_setup_teardown(all_are_forgotten, setup, teardown),
		cmocka_unit_test_setup_teardown(there_is_a_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(only_oddities_are, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Spec: NTR Selection method: weights, few flows move */
/*
 * How SELECT groups spread flows (datapath/select.h): weights are honoured, hardly more flows than
 * must move when buckets come and go, and what the hash reads.
 *
 *	flow -> hash -> slot -> bucket
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/select.h"
#include "ofproto/field.h"

enum { FLOWS = 10000, BUCKETS = 64 };

static struct select_share shares[BUCKETS];

static void set_shares(uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		shares[i] = (struct select_share){ .who = 1000 + i, .weight = 1 };
}

/* Flow i: consecutive ports and addresses, as clients have them. */
static struct flow_key flow(uint32_t i)
{
	return (struct flow_key){ .eth_type = htobe16(0x0800),
				  .eth_src = { 2, 0, 0, 0, 0, 1 },
				  .eth_dst = { 2, 0, 0, 0, 0, 2 },
				  .ip_proto = 6,
				  .nw_src = htobe32(0x0a000001 + i / 100),
				  .nw_dst = htobe32(0x0a010001),
				  .tp_src = htobe16((uint16_t)(40000 + i % 100)),
				  .tp_dst = htobe16(80) };
}

static uint32_t bucket_of(const struct select *s, uint32_t i)
{
	struct flow_key k = flow(i);

	return select_bucket(s, select_slot(s, select_hash(s, &k)));
}

static struct select *make(uint32_t n)
{
	struct select *s = select_new(1, NULL, shares, n);

	assert_non_null(s);
	return s;
}

/* Slots are shared out by weight to one slot; flows to a few percent. */
static void weights_are_honoured(void **state)
{
	static const uint32_t w[] = { 100, 300, 50, 0, 600 };
	uint32_t slots[5] = { 0 }, flows[5] = { 0 };
	struct select *s;
	double worst = 0;

	(void)state;
	role_assume_control();
	set_shares(5);
	for (uint32_t i = 0; i < 5; i++)
		shares[i].weight = w[i];
	s = make(5);
	assert_int_equal(s->n_slots, SELECT_SLOTS);
	for (uint32_t i = 0; i < s->n_slots; i++)
		slots[s->slot[i]]++;
	for (uint32_t i = 0; i < FLOWS; i++)
		flows[bucket_of(s, i)]++;
	for (uint32_t i = 0; i < 5; i++) {
		const double want = w[i] / 1050.0;

		assert_true(slots[i] >= (uint32_t)(want * SELECT_SLOTS) &&
			    slots[i] <= (uint32_t)(want * SELECT_SLOTS) + 1);
		if (!w[i]) {
			assert_int_equal(flows[i], 0);
			continue;
		}
		worst = flows[i] / (want * FLOWS) - 1 > worst	? flows[i] / (want * FLOWS) - 1
			: 1 - flows[i] / (want * FLOWS) > worst ? 1 - flows[i] / (want * FLOWS)
								: worst;
	}
	printf("weights 100:300:50:0:600, %d flows: off by %.1f %% at most\n", FLOWS, worst * 100);
	assert_true(worst < 0.1);
	select_free(s);
}

/* A share below 32 of 4096 slots: more slots, so that it is right still. */
static void small_shares_are_honoured(void **state)
{
	uint32_t small = 0;
	struct select *s;

	(void)state;
	role_assume_control();
	set_shares(2);
	shares[1].weight = 999;
	s = make(2);
	assert_int_equal(s->n_slots, SELECT_SLOTS_MORE);
	for (uint32_t i = 0; i < s->n_slots; i++)
		small += !s->slot[i];
	assert_in_range(small, 65, 66);
	select_free(s);
	shares[1].weight = 65535;
	s = make(2);
	small = 0;
	for (uint32_t i = 0; i < s->n_slots; i++)
		small += !s->slot[i];
	assert_int_equal(small, 1);
	select_free(s);
	shares[0].weight = shares[1].weight = 0;
	s = make(2);
	assert_int_equal(s->n_slots, 0);
	select_free(s);
}

/* How many flows that could stay have moved: of the n buckets the first goes. */
static double moved_when_one_goes(uint32_t n)
{
	struct select *before, *after;
	uint32_t moved = 0;

	set_shares(n);
	before = make(n);
	memmove(shares, shares + 1, (n - 1) * sizeof(shares[0]));
	after = make(n - 1);
	for (uint32_t i = 0; i < FLOWS; i++) {
		uint32_t was = bucket_of(before, i);

		moved += was && was - 1 != bucket_of(after, i);
	}
	select_free(before);
	select_free(after);
	return moved / (double)FLOWS;
}

static void few_flows_move(void **state)
{
	static const uint32_t n[] = { 2, 4, 10, 32 };

	(void)state;
	role_assume_control();
	for (unsigned int i = 0; i < 4; i++) {
		double moved = moved_when_one_goes(n[i]);

		printf("one of %u buckets goes: its %.1f %% of the flows move, and %.2f %% of "
		       "them besides\n",
		       n[i], 100.0 / n[i], moved * 100);
		assert_true(moved < 0.04);
	}
}

/* The same buckets in another order: nothing moves. */
static void place_does_not_matter(void **state)
{
	struct select *s, *t;
	uint32_t moved = 0;

	(void)state;
	role_assume_control();
	set_shares(3);
	s = make(3);
	shares[0].who = 1002;
	shares[2].who = 1000;
	t = make(3);
	for (uint32_t i = 0; i < FLOWS; i++)
		moved += bucket_of(s, i) != 2 - bucket_of(t, i);
	assert_true(moved < FLOWS / 50);
	select_free(s);
	select_free(t);
}

/* A detour goes through many slots, and is the same each time. */
static void detours_differ(void **state)
{
	struct select *s;
	uint32_t seen[4] = { 0 };

	(void)state;
	role_assume_control();
	set_shares(4);
	s = make(4);
	for (uint32_t i = 0; i < s->n_slots; i++) {
		uint32_t n = 1;

		if (s->slot[i])
			continue;
		while (!s->slot[select_detour(s, i, n)])
			n++;
		assert_true(n <= SELECT_DETOUR);
		seen[s->slot[select_detour(s, i, n)]]++;
	}
	for (uint32_t i = 1; i < 4; i++)
		assert_in_range(seen[i], SELECT_SLOTS / 16, SELECT_SLOTS / 8);
	select_free(s);
}

static uint32_t hash(const struct of_selection *how, const struct flow_key *k)
{
	struct select *s;
	uint32_t h;

	set_shares(2);
	s = select_new(1, how, shares, 2);
	assert_non_null(s);
	h = select_hash(s, k);
	select_free(s);
	return h;
}

static struct flow_key turned(const struct flow_key *k)
{
	struct flow_key r = *k;

	memcpy(r.eth_src, k->eth_dst, 6);
	memcpy(r.eth_dst, k->eth_src, 6);
	r.nw_src = k->nw_dst;
	r.nw_dst = k->nw_src;
	r.tp_src = k->tp_dst;
	r.tp_dst = k->tp_src;
	return r;
}

/* dp_hash: algorithm 0 tells directions apart, 1 does not; the lower half is the basis. */
static void methods(void **state)
{
	struct of_selection how = { .method = "dp_hash" };
	struct flow_key k = flow(5), r = turned(&k), other = flow(6);
	uint32_t h;

	(void)state;
	role_assume_control();
	assert_int_equal(hash(NULL, &k), hash(NULL, &r));
	assert_int_not_equal(hash(NULL, &k), hash(NULL, &other));
	assert_int_not_equal(hash(&how, &k), hash(&how, &r));
	h = hash(&how, &k);
	other = k;
	other.eth_src[5] = 99;
	assert_int_equal(hash(&how, &other), h);
	assert_int_not_equal(hash(NULL, &other), hash(NULL, &k));
	how.param = 7;
	assert_int_not_equal(hash(&how, &k), h);
	how.param = UINT64_C(1) << 32;
	assert_int_equal(hash(&how, &k), hash(&how, &r));
	/* Fields: those alone, under their masks, and only if the packet has them. */
	how = (struct of_selection){ .method = "hash", .n_fields = 2 };
	how.field[0].field = &of_fields[OF_FIELD_IPV4_SRC];
	memcpy(how.field[0].value, (uint8_t[]){ 255, 255, 0, 0 }, 4);
	how.field[1].field = &of_fields[OF_FIELD_UDP_DST];
	memcpy(how.field[1].value, (uint8_t[]){ 255, 255 }, 2);
	h = hash(&how, &k);
	other = k;
	other.nw_src ^= htobe32(0x00000100);
	other.nw_dst = 0;
	other.tp_src = other.tp_dst = 0;
	assert_int_equal(hash(&how, &other), h);
	other.nw_src ^= htobe32(0x00010000);
	assert_int_not_equal(hash(&how, &other), h);
	other = k;
	other.ip_proto = 17;
	assert_int_not_equal(hash(&how, &other), h);
}

/* Fragments have no ports but the first, and are not to be torn apart from it. */
static void fragments_stay_together(void **state)
{
	struct flow_key first = flow(5), later = first;

	(void)state;
	role_assume_control();
	first.ip_frag = FLOW_FRAG_ANY;
	later.ip_frag = FLOW_FRAG_ANY | FLOW_FRAG_LATER;
	later.tp_src = later.tp_dst = 0;
	assert_int_equal(hash(NULL, &first), hash(NULL, &later));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(weights_are_honoured),
		cmocka_unit_test(small_shares_are_honoured),
		cmocka_unit_test(few_flows_move),
		cmocka_unit_test(place_does_not_matter),
		cmocka_unit_test(detours_differ),
		cmocka_unit_test(methods),
		cmocka_unit_test(fragments_stay_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

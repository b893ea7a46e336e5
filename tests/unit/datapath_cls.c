/* SPDX-License-Identifier: Apache-2.0 */
/* Spec: 5.2 Flow table: classifiers find what a scan finds */
/*
 * Every classifier template against a linear search, with random rules, packets and versions.
 *
 *	rules come and go at version v + 1   ->   publish   ->   look up at v and at v - 1   ->
 * unlink
 *
 * The classifier under test must find a visible rule of the same priority as the linear search
 * does, or nothing where that finds nothing; and it must be the template that the rules were made
 * for.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "datapath/cls_cut.h"
#include "datapath/cls_cuts.h"
#include "datapath/mask.h"

enum { RULES_MAX = 2000, ROUNDS = 60, LOOKUPS = 4 };

static uint64_t seed = 88172645463325252ull;

static uint32_t rnd(uint32_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 32) % n;
}

static struct mask_set *masks;
static struct burst burst;

struct rules {
	struct cls_rule *v[RULES_MAX]; /* linked: installed, and removed but not unlinked */
	uint32_t n;
	struct cls *cls;
	uint64_t version;
	bool calm;
};

/* ---- Rules ---- */

static struct cls_rule *rule_new(const struct of_match *m, uint16_t priority)
{
	const uint64_t *key = (const uint64_t *)&m->value;
	const struct cls_mask *mask = mask_get(masks, &m->mask);
	struct flow *f = calloc(1, sizeof(*f) + mask->n_words * sizeof(uint64_t));

	f->rule.mask = mask;
	f->rule.priority = priority;
	atomic_init(&f->rule.removed, FLOW_VERSION_NEVER);
	for (unsigned int i = 0; i < mask->n_words; i++)
		f->rule.value[i] = key[mask->word[i]] & mask->bits[i];
	return &f->rule;
}

static void rule_free(struct cls_rule *r)
{
	mask_put(masks, r->mask);
	free(flow_of_rule(r));
}

static struct cls_shape shape_of(const struct rules *s)
{
	struct cls_shape shape = { .n_rules = s->n, .rules = s->v, .calm = s->calm };

	for (uint32_t i = 0; i < s->n; i++) {
		bool seen = false;

		if (!s->v[i]->mask->n_words) {
			shape.n_any++;
			continue;
		}
		for (uint32_t j = 0; j < i && !seen; j++)
			seen = s->v[j]->mask == s->v[i]->mask;
		shape.n_masks += !seen;
	}
	return shape;
}

static void rebuild(struct rules *s)
{
	struct cls_shape shape = shape_of(s);

	if (s->cls)
		s->cls->ops->free(s->cls);
	s->cls = cls_pick(&shape)->build(&shape);
	assert_non_null(s->cls);
	assert_int_equal(s->cls->n_rules, s->n);
}

/* As it is in the switch: what was built for few is built anew for many. */
static void rebuild_sometimes(struct rules *s)
{
	if (s->cls->ops != &cls_cuts || !rnd(4))
		rebuild(s);
}

static void insert(struct rules *s, struct cls_rule *r)
{
	int err;

	r->added = s->version + 1;
	s->v[s->n++] = r;
	err = s->cls ? s->cls->ops->insert(s->cls, r) : -EAGAIN;
	if (err == -EAGAIN)
		rebuild(s);
	else
		assert_int_equal(err, 0);
}

/* Takes out of the classifier what no version that is looked at shows any more. */
static void unlink_old(struct rules *s)
{
	for (uint32_t i = 0; i < s->n;) {
		struct cls_rule *r = s->v[i];

		if (atomic_load(&r->removed) >= s->version) {
			i++;
			continue;
		}
		s->v[i] = s->v[--s->n];
		if (s->cls->ops->remove(s->cls, r) == -EAGAIN)
			rebuild(s);
		rule_free(r);
	}
}

static void all_free(struct rules *s)
{
	s->cls->ops->free(s->cls);
	for (uint32_t i = 0; i < s->n; i++)
		rule_free(s->v[i]);
}

/* ---- The oracle ---- */

static const struct cls_rule *linear(const struct rules *s, const struct flow_key *k,
				     uint64_t version)
{
	const struct cls_rule *best = NULL;

	for (uint32_t i = 0; i < s->n; i++)
		if (cls_rule_visible(s->v[i], version) &&
		    cls_rule_hits(s->v[i], (const uint64_t *)k) &&
		    (!best || s->v[i]->priority > best->priority))
			best = s->v[i];
	return best;
}

static void compare(struct rules *s, void (*packet)(const struct rules *s, struct flow_key *k))
{
	const struct cls_rule *hit[BURST_MAX];
	uint64_t todo = 0;

	for (unsigned int i = 0; i < BURST_MAX; i++) {
		packet(s, &burst.pkt[i].key);
		if (rnd(4))
			todo |= UINT64_C(1) << i;
	}
	for (unsigned int back = 0; back < 2; back++) {
		burst.version = s->version - back;
		s->cls->ops->lookup(s->cls, &burst, todo, hit);
		for (unsigned int i = 0; i < BURST_MAX; i++) {
			const struct cls_rule *want;

			if (!(todo >> i & 1))
				continue;
			want = linear(s, &burst.pkt[i].key, burst.version);
			if (!want) {
				assert_null(hit[i]);
				continue;
			}
			assert_non_null(hit[i]);
			assert_int_equal(hit[i]->priority, want->priority);
			assert_true(cls_rule_visible(hit[i], burst.version));
			assert_true(cls_rule_hits(hit[i], (const uint64_t *)&burst.pkt[i].key));
		}
	}
}

/* ---- Kinds of rules: each makes one at random, and packets that come near them ---- */

struct kind {
	const struct cls_ops *expect;
	void (*match)(struct of_match *m, uint16_t *priority);
	uint32_t n; /* rules to hold on average */
	bool calm;
};

static void near(const struct rules *s, struct flow_key *k)
{
	uint64_t *w = (uint64_t *)k;
	const struct cls_rule *r;

	/* Values are few, so that what a rule leaves open is often another rule's. */
	for (unsigned int i = 0; i < FLOW_KEY_WORDS; i++)
		w[i] = rnd(3) ? 0 : (uint64_t)rnd(UINT32_MAX) << 32 | rnd(UINT32_MAX);
	for (unsigned int n = rnd(4); s->n && n; n--) {
		r = s->v[rnd(s->n)];
		for (unsigned int i = 0; i < r->mask->n_words; i++)
			w[r->mask->word[i]] =
				(w[r->mask->word[i]] & ~r->mask->bits[i]) | r->value[i];
		/* ... but for one word, which may be what most rules have alike. */
		if (!rnd(6) && r->mask->n_words)
			w[r->mask->word[rnd(r->mask->n_words)]] ^= UINT64_C(1) << rnd(64);
	}
}

static void set(struct of_match *m, enum of_field_id id, uint64_t value)
{
	of_match_set_u64(m, id, value);
}

static void any_match(struct of_match *m, uint16_t *priority)
{
	*priority = (uint16_t)rnd(6) * 100;
	if (rnd(3))
		set(m, OF_FIELD_IN_PORT, rnd(4));
	if (rnd(3))
		set(m, OF_FIELD_ETH_DST, rnd(6));
	if (!rnd(3))
		set(m, OF_FIELD_METADATA, rnd(3));
}

static void exact_match(struct of_match *m, uint16_t *priority)
{
	*priority = 100;
	if (!rnd(40)) {
		*priority = (uint16_t)(rnd(2) ? 0 : 200);
		return;
	}
	set(m, OF_FIELD_ETH_DST, rnd(300));
	set(m, OF_FIELD_METADATA, rnd(3));
	/* The same match again at another priority. */
	if (!rnd(10))
		*priority = 150;
}

static void route_match(struct of_match *m, uint16_t *priority)
{
	static const uint8_t lengths[] = { 0, 1, 7, 8, 9, 15, 16, 17, 20, 23, 24, 25, 30, 31, 32 };
	unsigned int len = lengths[rnd(sizeof(lengths))];
	uint32_t mask = len ? UINT32_MAX << (32 - len) : 0;
	/* Clustered, so that prefixes nest. */
	uint32_t addr = 0x0a000000 | rnd(3) << 22 | rnd(3) << 15 | rnd(4) << 7 | rnd(8);

	if (!rnd(60)) {
		*priority = 0;
		return;
	}
	*priority = (uint16_t)(100 + len);
	set(m, OF_FIELD_ETH_TYPE, 0x0800);
	if (len)
		of_match_set_masked_u64(m, OF_FIELD_IPV4_DST, addr & mask, mask);
}

/* Any length, where prefixes nest and where they part far down. */
static void route6_match(struct of_match *m, uint16_t *priority)
{
	const unsigned int len = rnd(4) ? 4 * rnd(33) : rnd(129);
	uint8_t value[16] = { 0x20, 0x01, 0x0d, (uint8_t)(0xb0 | rnd(2)) }, mask[16] = { 0 };

	value[rnd(16)] |= (uint8_t)(1 << rnd(8));
	value[15] = (uint8_t)rnd(4);
	for (unsigned int i = 0; i < 16; i++) {
		mask[i] = i < len / 8 ? 0xff : i == len / 8 ? (uint8_t) ~(0xff >> len % 8) : 0;
		value[i] &= mask[i];
	}
	*priority = 0;
	if (!rnd(60))
		return;
	*priority = (uint16_t)(100 + len);
	set(m, OF_FIELD_ETH_TYPE, 0x86dd);
	if (len)
		(void)of_match_set(m, &of_fields[OF_FIELD_IPV6_DST], value, mask);
}

static void route46_match(struct of_match *m, uint16_t *priority)
{
	if (rnd(2))
		route_match(m, priority);
	else
		route6_match(m, priority);
}

/* What may stand beside routes: whole addresses with whatever else, and other ethertypes. */
static void beside_match(struct of_match *m, uint16_t *priority)
{
	*priority = (uint16_t)rnd(300);
	switch (rnd(4)) {
	case 0:
		set(m, OF_FIELD_ETH_TYPE, 0x0806);
		if (rnd(2))
			set(m, OF_FIELD_ARP_TPA, rnd(4));
		return;
	case 1:
		set(m, OF_FIELD_ETH_TYPE, 0x8847);
		return;
	default:
		set(m, OF_FIELD_ETH_TYPE, 0x0800);
		set(m, OF_FIELD_IPV4_DST, 0x0a000000 | rnd(3) << 22 | rnd(3) << 15 | rnd(8));
		set(m, OF_FIELD_IP_PROTO, rnd(2) ? 6 : 17);
		if (rnd(2))
			set(m, OF_FIELD_IPV4_SRC, rnd(4));
		if (rnd(2))
			set(m, OF_FIELD_TCP_DST, rnd(4));
	}
}

static void route_beside_match(struct of_match *m, uint16_t *priority)
{
	if (rnd(6))
		route_match(m, priority);
	else
		beside_match(m, priority);
}

/* Few IPv6 routes, or many; and whole addresses of IPv6. */
static void route46_beside_match(struct of_match *m, uint16_t *priority)
{
	uint8_t value[16] = { 0x20, 0x01, 0x0d, (uint8_t)(0xb0 | rnd(2)) };

	if (rnd(8)) {
		route46_match(m, priority);
		return;
	}
	value[15] = (uint8_t)rnd(4);
	*priority = (uint16_t)rnd(300);
	set(m, OF_FIELD_ETH_TYPE, 0x86dd);
	of_match_set(m, &of_fields[OF_FIELD_IPV6_DST], value, NULL);
	set(m, OF_FIELD_IP_PROTO, rnd(2) ? 6 : 17);
}

static void classbench_match(struct of_match *m, uint16_t *priority)
{
	static const uint8_t lengths[] = { 8, 12, 16, 20, 24, 26, 28, 30, 32 };
	uint32_t a = UINT32_MAX << (32 - lengths[rnd(sizeof(lengths))]);
	uint32_t b = UINT32_MAX << (32 - lengths[rnd(sizeof(lengths))]);

	*priority = (uint16_t)rnd(500);
	if (!rnd(100))
		return;
	set(m, OF_FIELD_ETH_TYPE, 0x0800);
	if (rnd(4))
		of_match_set_masked_u64(m, OF_FIELD_IPV4_DST, rnd(4) * 0x01010101 & a, a);
	if (rnd(3))
		of_match_set_masked_u64(m, OF_FIELD_IPV4_SRC, rnd(4) * 0x01020304 & b, b);
	if (rnd(2))
		set(m, OF_FIELD_IP_PROTO, rnd(2) ? 6 : 17);
	if (rnd(2))
		set(m, OF_FIELD_TCP_DST, rnd(4));
}

/* ---- The runs ---- */

static void run(const struct kind *kind)
{
	static struct rules s;
	unsigned int expected = 0;

	s = (struct rules){ .version = 10, .calm = kind->calm };
	for (unsigned int round = 0; round < ROUNDS; round++) {
		if (s.cls && kind->calm)
			rebuild_sometimes(&s);
		uint32_t come = kind->n / 4 + 1, go = round > 4 ? kind->n / 4 + 1 : 0;

		/* Now and then nearly all go. */
		if (round % 20 == 19)
			go = 2 * s.n;
		for (uint32_t i = 0; i < go && s.n; i++) {
			struct cls_rule *r = s.v[rnd(s.n)];

			if (atomic_load(&r->removed) == FLOW_VERSION_NEVER)
				atomic_store(&r->removed, s.version + 1);
		}
		for (uint32_t i = 0; i < come && s.n < RULES_MAX; i++) {
			struct of_match m = { 0 };
			uint16_t priority;

			kind->match(&m, &priority);
			insert(&s, rule_new(&m, priority));
		}
		/* Not published yet: nothing of it may be seen. */
		compare(&s, near);
		s.version++;
		for (unsigned int i = 0; i < LOOKUPS; i++)
			compare(&s, near);
		unlink_old(&s);
		compare(&s, near);
		expected += s.cls->ops == kind->expect;
	}
	/* Small sets in between may be served otherwise. */
	assert_true(expected > ROUNDS / 2);
	all_free(&s);
}

static void test_direct(void **state)
{
	run(&(struct kind){ &cls_direct, any_match, 2 });
}

static void test_exact(void **state)
{
	run(&(struct kind){ &cls_exact, exact_match, 400 });
}

static void test_lpm(void **state)
{
	run(&(struct kind){ &cls_lpm, route_match, 300 });
}

static void test_lpm6(void **state)
{
	run(&(struct kind){ &cls_lpm, route6_match, 300 });
}

/* Both families in one table. */
static void test_lpm46(void **state)
{
	run(&(struct kind){ &cls_lpm, route46_match, 300 });
}

/* Rules beside them leave the template as it is. */
static void test_lpm_beside(void **state)
{
	run(&(struct kind){ &cls_lpm, route_beside_match, 300 });
}

static void test_lpm46_beside(void **state)
{
	run(&(struct kind){ &cls_lpm, route46_beside_match, 300 });
}

/* Scattered over all networks of /16, most of them /24, and some below. */
static struct cls_rule *scattered_route(void)
{
	static const uint8_t lengths[] = { 16, 20, 22, 24, 24, 24, 24, 24, 26, 28, 30, 32 };
	const uint8_t len = lengths[rnd(sizeof(lengths))];
	const uint32_t mask = UINT32_MAX << (32 - len);
	struct of_match m = { 0 };

	set(&m, OF_FIELD_ETH_TYPE, 0x0800);
	of_match_set_masked_u64(&m, OF_FIELD_IPV4_DST, rnd(UINT32_MAX) & mask, mask);
	return rule_new(&m, (uint16_t)(100 + len));
}

static uint32_t address_of(const struct cls_rule *r)
{
	struct flow_key key = { 0 };

	for (unsigned int i = 0; i < r->mask->n_words; i++)
		((uint64_t *)&key)[r->mask->word[i]] = r->value[i];
	return be32toh(key.nw_dst);
}

/* Half of the addresses lie in one of the prefixes, or next to it. */
static void compare_routes(const struct cls *c, struct cls_rule *const *v, uint32_t n)
{
	const struct cls_rule *hit[BURST_MAX];

	for (unsigned int i = 0; i < BURST_MAX; i++) {
		struct flow_key *k = &burst.pkt[i].key;

		memset(k, 0, sizeof(*k));
		k->eth_type = htobe16(0x0800);
		k->nw_dst =
			htobe32(rnd(2) ? rnd(UINT32_MAX) : address_of(v[rnd(n)]) + rnd(300) - 20);
	}
	c->ops->lookup(c, &burst, UINT64_MAX >> (64 - BURST_MAX), hit);
	for (unsigned int i = 0; i < BURST_MAX; i++) {
		int best = 0;

		for (uint32_t r = 0; r < n; r++)
			if (v[r]->priority > best &&
			    cls_rule_hits(v[r], (const uint64_t *)&burst.pkt[i].key))
				best = v[r]->priority;
		assert_int_equal(hit[i] ? hit[i]->priority : 0, best);
	}
}

/* They are one template, within bounds; and more may come and go with it. */
static void scattered_routes(void **state)
{
	enum { ROUTES = 20000, MORE = 500, BYTES_MAX = 160 };
	static struct cls_rule *v[ROUTES + MORE];
	struct cls_shape shape = { .n_rules = ROUTES, .rules = v, .n_masks = 8 };
	struct cls *c;

	for (uint32_t i = 0; i < ROUTES + MORE; i++)
		v[i] = scattered_route();
	assert_ptr_equal(cls_pick(&shape), &cls_lpm);
	c = cls_lpm.build(&shape);
	assert_non_null(c);
	assert_in_range(c->ops->memory(c), ROUTES, ROUTES * BYTES_MAX);
	burst.version = 1;
	for (unsigned int i = 0; i < 25; i++)
		compare_routes(c, v, ROUTES);
	for (uint32_t i = ROUTES; i < ROUTES + MORE; i++)
		assert_int_equal(c->ops->insert(c, v[i]), 0);
	for (unsigned int i = 0; i < 25; i++)
		compare_routes(c, v, ROUTES + MORE);
	assert_in_range(c->ops->memory(c), ROUTES, (ROUTES + MORE) * BYTES_MAX);
	c->ops->free(c);
	for (uint32_t i = 0; i < ROUTES + MORE; i++)
		rule_free(v[i]);
}

static struct cls_rule *rule_to(uint32_t dst, uint32_t mask)
{
	struct of_match m = { 0 };

	set(&m, OF_FIELD_ETH_TYPE, 0x0800);
	of_match_set_masked_u64(&m, OF_FIELD_IPV4_DST, dst & mask, mask);
	set(&m, OF_FIELD_IP_PROTO, 17);
	return rule_new(&m, 1000);
}

/* Beside many routes, few rules of one address come and go without another classifier; not such as
 * any route's packet may hit, nor as many again. */
static void beside_routes(void **state)
{
	enum { ROUTES = 2000, MANY = 2 * ROUTES };
	static struct cls_rule *v[ROUTES], *w[MANY];
	struct cls_shape shape = { .n_rules = ROUTES, .rules = v, .n_masks = 8 };
	struct cls_rule *open = rule_to(0, UINT32_MAX << 1);
	uint32_t n = 0;
	struct cls *c;
	int err = 0;

	for (uint32_t i = 0; i < ROUTES; i++)
		v[i] = scattered_route();
	c = cls_lpm.build(&shape);
	assert_non_null(c);
	for (uint32_t i = 0; i < ROUTES; i++) {
		w[0] = rule_to(rnd(UINT32_MAX), UINT32_MAX);
		assert_int_equal(c->ops->insert(c, w[0]), 0);
		assert_int_equal(c->ops->remove(c, w[0]), 0);
		rule_free(w[0]);
	}
	assert_int_equal(c->n_rules, ROUTES);
	compare_routes(c, v, ROUTES);
	assert_int_equal(c->ops->insert(c, open), -EAGAIN);
	for (; n < MANY && !err; n += !err) {
		w[n] = rule_to(n, UINT32_MAX);
		err = c->ops->insert(c, w[n]);
	}
	assert_int_equal(err, -EAGAIN);
	assert_in_range(n, ROUTES / 2, MANY - 1);
	c->ops->free(c);
	for (uint32_t i = 0; i <= n; i++)
		rule_free(w[i]);
	for (uint32_t i = 0; i < ROUTES; i++)
		rule_free(v[i]);
	rule_free(open);
}

static void test_tuple(void **state)
{
	run(&(struct kind){ &cls_tuple, any_match, 100 });
}

/* Some 300 masks: merged. */
static void test_tuple_merged(void **state)
{
	run(&(struct kind){ &cls_tuple, classbench_match, 1000 });
}

/* The same rules in decision trees, by vectors and without. */
static void test_cuts(void **state)
{
	run(&(struct kind){ &cls_cuts, classbench_match, 1000, true });
	cut_scalar = true;
	run(&(struct kind){ &cls_cuts, classbench_match, 1000, true });
	cut_scalar = false;
}

/* Masks that are no prefixes, in all words, and rules that stand in every leaf: most are tuples. */
static void odd_match(struct of_match *m, uint16_t *priority)
{
	static const enum of_field_id fields[] = { OF_FIELD_METADATA, OF_FIELD_ETH_DST,
						   OF_FIELD_ETH_SRC,  OF_FIELD_TUN_ID,
						   OF_FIELD_IN_PORT,  OF_FIELD_REG0 };

	*priority = (uint16_t)rnd(200);
	for (unsigned int n = rnd(4); n; n--) {
		const uint64_t mask = rnd(5) ? 0xf0f : 1u << rnd(12);
		const enum of_field_id id = fields[rnd(6)];

		if (id == OF_FIELD_IN_PORT)
			set(m, id, rnd(8));
		else
			of_match_set_masked_u64(m, id, rnd(1 << 12) & mask, mask);
	}
}

static void test_cuts_odd(void **state)
{
	run(&(struct kind){ &cls_cuts, odd_match, 600, true });
}

/* Any number of masks costs a bounded number of probes, with masks that come one at a time, too. */
static void test_many_masks(void **state)
{
	static struct rules s;

	s = (struct rules){ .version = 10 };
	for (unsigned int i = 0; i < 400; i++) {
		struct of_match m = { 0 };

		of_match_set_masked_u64(&m, OF_FIELD_METADATA, i, 0xffff | (uint64_t)i << 16);
		insert(&s, rule_new(&m, (uint16_t)i));
		s.version++;
		assert_in_range(s.cls->ops->probes(s.cls), 1, 32);
	}
	assert_ptr_equal(s.cls->ops, &cls_tuple);
	for (unsigned int i = 0; i < 50; i++)
		compare(&s, near);
	all_free(&s);
}

/* cls_mask_within and _intersect against the definition, word by word. */
static void test_masks(void **state)
{
	for (unsigned int n = 0; n < 2000; n++) {
		uint64_t a[FLOW_KEY_WORDS] = { 0 }, b[FLOW_KEY_WORDS] = { 0 }, c[FLOW_KEY_WORDS];
		struct cls_mask ma, mb, mc, want;
		bool within = true;

		for (unsigned int i = rnd(5); i; i--)
			a[rnd(6)] = rnd(8);
		for (unsigned int i = rnd(7); i; i--)
			b[rnd(6)] = rnd(16);
		for (unsigned int i = 0; i < FLOW_KEY_WORDS; i++) {
			within &= !(a[i] & ~b[i]);
			c[i] = a[i] & b[i];
		}
		cls_mask_init(&ma, (struct flow_key *)a);
		cls_mask_init(&mb, (struct flow_key *)b);
		cls_mask_init(&want, (struct flow_key *)c);
		assert_int_equal(cls_mask_within(&ma, &mb), within);
		cls_mask_intersect(&ma, &mb, &mc);
		assert_true(mc.words == want.words && mc.hash == want.hash);
		assert_memory_equal(mc.bits, want.bits, mc.n_words * sizeof(uint64_t));
	}
}

static int setup(void **state)
{
	role_assume_control();
	masks = mask_set_new();
	return !masks;
}

static int teardown(void **state)
{
	role_assume_control();
	mask_set_free(masks);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_masks),	    cmocka_unit_test(test_direct),
		cmocka_unit_test(test_exact),	    cmocka_unit_test(test_lpm),
		cmocka_unit_test(test_lpm6),	    cmocka_unit_test(test_lpm46),
		cmocka_unit_test(test_lpm_beside),  cmocka_unit_test(test_lpm46_beside),
		cmocka_unit_test(scattered_routes), cmocka_unit_test(beside_routes),
		cmocka_unit_test(test_tuple),	    cmocka_unit_test(test_tuple_merged),
		cmocka_unit_test(test_many_masks),  cmocka_unit_test(test_cuts),
		cmocka_unit_test(test_cuts_odd),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

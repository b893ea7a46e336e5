/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table of connections for its tests: connections by number, a clock of the test's own, and one
 * detached packet thread that makes them (datapath_harness.h).
 */
#ifndef WEFT_TESTS_DATAPATH_CT_TABLE_H
#define WEFT_TESTS_DATAPATH_CT_TABLE_H

#include <netinet/in.h>

#include "datapath/ct_priv.h"
#include "tests/unit/datapath_harness.h"

static struct ct *t;
static uint32_t now; /* the test's clock */

/* ---- Connections ---- */

static inline struct ct_tuple tuple(uint32_t n, uint16_t zone)
{
	struct ct_tuple k = { .zone = zone, .proto = IPPROTO_UDP, .l3 = 4 };

	memcpy(k.src, &n, sizeof(n));
	memcpy(k.dst, "\x0a\x00\x00\x01", 4);
	k.src_port = htobe16((uint16_t)(1024 + n % 60000));
	k.dst_port = htobe16(53);
	return k;
}

static inline struct ct_tuple turned(const struct ct_tuple *k)
{
	struct ct_tuple r = *k;

	memcpy(r.src, k->dst, 16);
	memcpy(r.dst, k->src, 16);
	r.src_port = k->dst_port;
	r.dst_port = k->src_port;
	return r;
}

static inline struct ct_conn *slot(const struct ct_tuple *k, enum drop *why)
{
	struct ct_conn *c;

	role_assume_pmd();
	*why = N_DROPS;
	c = ct_slot_get(h.w, t, k->zone, why);
	if (c) {
		c->orig = *k;
		c->reply = turned(k);
		c->started = now;
	}
	return c;
}

static inline int add_slot(struct ct_conn *c, enum ct_timeout timeout)
{
	role_assume_pmd();
	ct_touch(t, c, timeout, now);
	return ct_add(h.w, t, c, ct_hash(t, &c->orig), ct_hash(t, &c->reply));
}

/* A connection 'n', or NULL and why not. */
static inline struct ct_conn *make(uint32_t n, uint16_t zone, enum drop *why)
{
	const struct ct_tuple k = tuple(n, zone);
	struct ct_conn *c = slot(&k, why);

	role_assume_pmd();
	if (c && add_slot(c, CT_T_UDP_FIRST)) {
		ct_slot_put(h.w, t, c);
		return NULL;
	}
	return c;
}

static inline struct ct_conn *must_make(uint32_t n, uint16_t zone)
{
	enum drop why;
	struct ct_conn *c = make(n, zone, &why);

	assert_non_null(c);
	return c;
}

static inline struct ct_conn *look_for(const struct ct_tuple *k, enum ct_dir *dir)
{
	return ct_find(t, k, ct_hash(t, k), now, dir);
}

/* Found by both of its tuples, or by none. */
static inline bool is_there(uint32_t n, uint16_t zone)
{
	const struct ct_tuple k = tuple(n, zone), r = turned(&k);
	enum ct_dir d1, d2;
	struct ct_conn *a = look_for(&k, &d1), *b = look_for(&r, &d2);

	assert_ptr_equal(a, b);
	if (!a)
		return false;
	assert_int_equal(d1, CT_ORIG);
	assert_int_equal(d2, CT_REPLY);
	assert_memory_equal(&a->orig, &k, sizeof(k));
	return true;
}

static inline struct ct_stats stats(void)
{
	struct ct_stats s;

	role_assume_control();
	ct_stats(t, &s);
	return s;
}

/* Expiry until it has no more to do, and the grace period behind it. */
static inline void expire(void)
{
	role_assume_control();
	for (int i = 0; ct_expire(h.dp, t, now); i++)
		assert_true(i < 1000000);
	dp_barrier(h.dp);
}

static inline void fresh(uint32_t max)
{
	struct err e = { "" };

	role_assume_control();
	ct_free(t);
	t = ct_new("test", max, &e);
	if (!t)
		fail_msg("%s", e.text);
	now = 1000;
}

static inline int setup(void **state)
{
	struct dp_opts o = { .name = "ct" };

	return harness_setup(&o);
}

static inline int teardown(void **state)
{
	role_assume_control();
	ct_free(t);
	return harness_teardown(state);
}

#endif

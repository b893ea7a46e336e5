/* SPDX-License-Identifier: Apache-2.0 */
/* Records: resource.def and record.proto agree; what is packed is what is unpacked; damage is
 * refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "controller/mem.h"
#include "controller/nb.h"
#include "controller/record.h"

static uint32_t seed = 1;

static uint32_t rnd(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

static void declarations_agree(void **state)
{
	struct err e = { "" };

	if (record_check(&e))
		fail_msg("%s", e.text);
}

static struct ip_addr some_ip(void)
{
	struct ip_addr a = { .family = rnd(2) ? 4 : 6 };

	for (size_t i = 0; i < ip_size(&a); i++)
		a.b[i] = (uint8_t)rnd(256);
	return a;
}

static char *some_text(void)
{
	static const char *const words[] = { "", "x", "ümlaut",
					     "a longer one, with \"quotes\" and \n" };

	return mem_str(words[rnd(4)]);
}

static void fill(const struct shape *s, void *p);

static void list_fill(const struct attr *a, void *p)
{
	size_t n = rnd(4);
	size_t size = attr_item_size(a);
	char *list = n ? mem_array(n, size) : NULL;

	*(char **)attr_at(a, p) = list;
	*attr_n(a, p) = n;
	for (size_t i = 0; i < n; i++, list += size) {
		if (a->type == ATTR_LIST) {
			attrs_init(a->element, list);
			fill(a->element, list);
		} else if (a->type == ATTR_TEXTS) {
			*(char **)(void *)list = some_text();
		} else if (a->type == ATTR_CIDRS) {
			*(struct ip_prefix *)(void *)list =
				(struct ip_prefix){ some_ip(), (uint8_t)rnd(33) };
		} else {
			*(struct ip_addr *)(void *)list = some_ip();
		}
	}
}

/* Any values that the types can have. */
static void fill(const struct shape *s, void *p)
{
	for (const struct attr *a = s->attrs; a < s->attrs + s->n; a++) {
		void *v = a->member ? attr_at(a, p) : NULL;
		uint32_t n_words = 0;

		if (!v || (a->rights & RIGHT_ALIAS))
			continue;
		if (a->type == ATTR_ID)
			nb_uuid(v);
		else if (a->type == ATTR_TEXT || a->type == ATTR_DICT) {
			attr_clear(a, p);
			*(char **)v = some_text();
		} else if (a->type == ATTR_BOOL)
			*(bool *)v = rnd(2);
		else if (a->type == ATTR_NUM)
			*(uint32_t *)v = rnd(8) ? rnd(1 << 24) : a->preset;
		else if (a->type == ATTR_ENUM) {
			while (a->words[n_words])
				n_words++;
			*(uint32_t *)v = rnd(n_words);
		} else if (a->type == ATTR_MAC)
			nb_mac(v);
		else if (a->type == ATTR_IP)
			*(struct ip_addr *)v = some_ip();
		else if (a->type == ATTR_CIDR)
			*(struct ip_prefix *)v = (struct ip_prefix){ some_ip(), (uint8_t)rnd(33) };
		else if (a->type == ATTR_TIME)
			*(int64_t *)v = (int64_t)rnd(1 << 24) << 16;
		else
			list_fill(a, p);
	}
}

/* As JSON every member is compared, and a difference can be read. */
static void assert_same(enum world_kind kind, const void *a, const void *b)
{
	const struct shape *s = &resources[kind].shape;

	for (const struct attr *row = s->attrs; row < s->attrs + s->n; row++) {
		json_t *x, *y;

		/* A DICT's text is any here. */
		if (!row->member)
			continue;
		if (row->type == ATTR_DICT) {
			assert_string_equal(*(char **)attr_at(row, a), *(char **)attr_at(row, b));
			continue;
		}
		x = nb_to_json(row, a, NULL);
		y = nb_to_json(row, b, NULL);
		if (!json_equal(x, y))
			fail_msg("%s differs", row->name);
		json_decref(x);
		json_decref(y);
	}
}

static void round_trip(void **state)
{
	for (int i = 0; i < 3000; i++) {
		enum world_kind kind = (enum world_kind)(i % N_RESOURCES);
		const struct shape *s = &resources[kind].shape;
		union any_attrs a, b, copy;
		struct err e = { "" };
		uint8_t *p;
		size_t n;

		attrs_init(s, &a);
		fill(s, &a);
		attrs_copy(s, &copy, &a);
		p = record_pack(kind, &a, &n);
		if (record_unpack(kind, p, n, &b, &e))
			fail_msg("%s", e.text);
		assert_same(kind, &a, &b);
		assert_same(kind, &a, &copy);
		attrs_fini(s, &a);
		attrs_fini(s, &b);
		attrs_fini(s, &copy);
		free(p);
	}
}

/* A record of an older program lacks what is new: it gets the defaults. */
static void absent_members_get_defaults(void **state)
{
	union any_attrs a;
	struct err e;

	for (int kind = 0; kind < N_RESOURCES; kind++) {
		union any_attrs defaults;

		assert_int_equal(
			record_unpack((enum world_kind)kind, (const uint8_t *)"", 0, &a, &e), 0);
		attrs_init(&resources[kind].shape, &defaults);
		if (kind == WORLD_PORT)
			assert_null(a.port.profile);
		else
			assert_same((enum world_kind)kind, &a, &defaults);
		attrs_fini(&resources[kind].shape, &a);
		attrs_fini(&resources[kind].shape, &defaults);
	}
}

/* A record of a newer program has fields that are not known here: field 1000, a string. */
static void unknown_fields_are_left_out(void **state)
{
	static const uint8_t more[] = { 0xc2, 0x3e, 0x03, 'n', 'e', 'w' };
	struct net_attrs a, b;
	struct err e;
	uint8_t *p, *q;
	size_t n;

	attrs_init(&resources[WORLD_NET].shape, &a);
	p = record_pack(WORLD_NET, &a, &n);
	q = mem_get(n + sizeof(more));
	memcpy(q, p, n);
	memcpy(q + n, more, sizeof(more));
	assert_int_equal(record_unpack(WORLD_NET, q, n + sizeof(more), &b, &e), 0);
	assert_same(WORLD_NET, &a, &b);
	attrs_fini(&resources[WORLD_NET].shape, &a);
	attrs_fini(&resources[WORLD_NET].shape, &b);
	free(p);
	free(q);
}

/* Every truncation and every changed byte is read or refused; the sanitizers watch. */
static void damage_is_refused(void **state)
{
	const struct shape *s = &resources[WORLD_PORT].shape;
	struct port_attrs a, b;
	int refused = 0;
	struct err e;
	uint8_t *p;
	size_t n;

	attrs_init(s, &a);
	fill(s, &a);
	p = record_pack(WORLD_PORT, &a, &n);
	for (size_t i = 0; i < n; i++)
		for (int v = -1; v < 256; v += v < 0 ? 1 : 17) {
			uint8_t *q = mem_dup(p, n);
			size_t len = v < 0 ? i : n;

			if (v >= 0)
				q[i] ^= (uint8_t)v;
			if (record_unpack(WORLD_PORT, q, len, &b, &e)) {
				assert_true(e.text[0]);
				refused++;
			} else {
				attrs_fini(s, &b);
			}
			free(q);
		}
	assert_true(refused > 100);
	attrs_fini(s, &a);
	free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(declarations_agree),
		cmocka_unit_test(round_trip),
		cmocka_unit_test(absent_members_get_defaults),
		cmocka_unit_test(unknown_fields_are_left_out),
		cmocka_unit_test(damage_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Spec: 7.1.1 Padding: written as zeros */
/* Spec: 7.2.1 Port structures */
/* Spec: 7.2.4 Instructions: structures */
/* Spec: 7.3.8 Barrier: structure */
/*
 * Every vector is decoded to the text beside it and encoded to the same bytes again; cut off at any
 * byte, or with any one byte changed, it is decoded or refused with a reason.
 *
 *	ofproto_vectors            runs the tests
 *	ofproto_vectors --accept   writes the text that the codec reads into vectors without one
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ofproto/desc.h"
#include "tests/vectors/vector.h"

static char *dump(const struct of_msg *m)
{
	char *s = NULL;
	size_t n;
	FILE *f = open_memstream(&s, &n);

	of_dump(f, m);
	fclose(f);
	return s;
}

static glob_t all_vectors(void)
{
	glob_t g;

	assert_int_equal(glob(VECTOR_GLOB, 0, NULL, &g), 0);
	assert_true(g.gl_pathc > 50);
	return g;
}

/* ---- As they are ---- */

static void read_one(const char *path)
{
	uint8_t again[OF_MSG_MAX];
	struct of_err refusal;
	struct of_msg *m;
	struct vector v;
	struct arena a;
	struct err e;
	char *text;
	int n;

	arena_init(&a, 0);
	assert_int_equal(vector_load(path, &v), 0);
	if (of_decode(v.bytes, v.n, &a, &m, &refusal))
		fail_msg("%s: refused: %s", path, refusal.text);
	text = dump(m);
	if (!v.expected || strcmp(text, v.expected))
		fail_msg("%s: expected\n%s\nread\n%s", path, v.expected, text);
	n = of_encode(m, again, sizeof(again), &e);
	if (n < 0)
		fail_msg("%s: does not encode: %s", path, e.text);
	assert_int_equal(n, v.n);
	assert_memory_equal(again, v.bytes, v.n);
	free(text);
	vector_free(&v);
	arena_fini(&a);
}

static void each_is_read_and_written_alike(void **state)
{
	glob_t g = all_vectors();

	for (size_t i = 0; i < g.gl_pathc; i++)
		read_one(g.gl_pathv[i]);
	globfree(&g);
}

/* ---- Copies ---- */

static void copy_one(const char *path)
{
	uint8_t again[OF_MSG_MAX];
	struct of_msg *m, copy;
	struct arena a, b;
	struct vector v;

	arena_init(&a, 0);
	arena_init(&b, 0);
	assert_int_equal(vector_load(path, &v), 0);
	assert_int_equal(of_decode(v.bytes, v.n, &a, &m, NULL), 0);
	copy = (struct of_msg){ .version = m->version, .xid = m->xid };
	copy.body = of_copy(m->body, &b);
	assert_non_null(copy.body);
	assert_true(of_list_equal(&(struct of_list){ 1, &m->body },
				  &(struct of_list){ 1, &copy.body }));
	/* The copy stands without the bytes and the arena that it was read from. */
	memset(v.bytes, 0xee, v.n);
	arena_fini(&a);
	assert_int_equal(of_encode(&copy, again, sizeof(again), NULL), v.n);
	vector_free(&v);
	assert_int_equal(vector_load(path, &v), 0);
	assert_memory_equal(again, v.bytes, v.n);
	vector_free(&v);
	arena_fini(&b);
}

static void a_copy_shares_nothing(void **state)
{
	glob_t g = all_vectors();

	for (size_t i = 0; i < g.gl_pathc; i++)
		copy_one(g.gl_pathv[i]);
	globfree(&g);
}

/* With a memory of instructions it is read the same: what is new, met again, known. */
static void remember_one(const char *path)
{
	static struct of_memo memo;
	struct of_msg *m, *again;
	struct arena a, b;
	struct vector v;

	arena_init(&a, 0);
	arena_init(&b, 0);
	assert_int_equal(vector_load(path, &v), 0);
	assert_int_equal(of_decode(v.bytes, v.n, &a, &m, NULL), 0);
	for (unsigned int i = 0; i < 4; i++) {
		arena_reset(&b);
		assert_int_equal(of_decode_memo(v.bytes, v.n, &b, &memo, &again, NULL), 0);
		assert_true(of_list_equal(&(struct of_list){ 1, &m->body },
					  &(struct of_list){ 1, &again->body }));
	}
	vector_free(&v);
	arena_fini(&a);
	arena_fini(&b);
	of_memo_fini(&memo);
}

static void what_is_remembered_is_the_same(void **state)
{
	glob_t g = all_vectors();

	for (size_t i = 0; i < g.gl_pathc; i++)
		remember_one(g.gl_pathv[i]);
	globfree(&g);
}

/* ---- Each structure that is declared stands in some vector ---- */

static void mark_seen(const char *text, bool *seen)
{
	char word[64];

	for (const char *s = text; *s; s++) {
		size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_");

		if (!n)
			continue;
		snprintf(word, sizeof(word), "%.*s", (int)n, s);
		for (unsigned int k = 1; k < OF_N_KINDS; k++)
			if (!strcmp(word, of_kind_name(k)))
				seen[k] = true;
		s += n - 1;
	}
}

static void each_structure_has_a_vector(void **state)
{
	bool seen[OF_N_KINDS] = { false };
	glob_t g = all_vectors();

	for (size_t i = 0; i < g.gl_pathc; i++) {
		struct vector v;

		assert_int_equal(vector_load(g.gl_pathv[i], &v), 0);
		assert_non_null(v.expected);
		mark_seen(v.expected, seen);
		vector_free(&v);
	}
	for (unsigned int k = 1; k < OF_N_KINDS; k++)
		if (!seen[k])
			fail_msg("no vector has %s", of_kind_name(k));
	globfree(&g);
}

/* ---- Damaged ---- */

static struct arena scratch;

/* Decoded, and then written to bytes that are read and written alike; or refused with words. */
static void feed(const char *path, const uint8_t *p, size_t n)
{
	static uint8_t first[OF_MSG_MAX], second[OF_MSG_MAX];
	struct of_err refusal = { .type = 0xeeee };
	struct of_msg *m;
	struct err e;
	int len;

	arena_reset(&scratch);
	if (of_decode(p, n, &scratch, &m, &refusal)) {
		if (!of_error_code_name(refusal.type, refusal.code) || !refusal.text[0] ||
		    refusal.offset > n)
			fail_msg("%s: error %u,%u at %u", path, refusal.type, refusal.code,
				 refusal.offset);
		return;
	}
	len = of_encode(m, first, sizeof(first), &e);
	if (len < 0)
		fail_msg("%s: decoded but does not encode: %s", path, e.text);
	if (of_decode(first, (size_t)len, &scratch, &m, &refusal))
		fail_msg("%s: refuses its own: %s", path, refusal.text);
	assert_int_equal(of_encode(m, second, sizeof(second), &e), len);
	assert_memory_equal(first, second, len);
}

/* Cut off after 't' bytes; with the header's length as it was, and with the length that is left. */
static void truncate_one(const char *path, const struct vector *v)
{
	for (size_t t = 0; t < v->n; t++) {
		uint8_t *p = malloc(t ? t : 1);

		memcpy(p, v->bytes, t);
		feed(path, p, t);
		if (t >= OF_HEADER_LEN) {
			put_be16(p + 2, (uint16_t)t);
			feed(path, p, t);
		}
		free(p);
	}
}

static void change_one(const char *path, const struct vector *v)
{
	for (size_t i = 0; i < v->n; i++) {
		uint8_t was = v->bytes[i];

		for (unsigned int x = 1; x < 256; x++) {
			v->bytes[i] = (uint8_t)(was ^ x);
			feed(path, v->bytes, v->n);
		}
		v->bytes[i] = was;
	}
}

static void each_vector(void (*f)(const char *path, const struct vector *v))
{
	glob_t g = all_vectors();

	arena_init(&scratch, 0);
	for (size_t i = 0; i < g.gl_pathc; i++) {
		struct vector v;

		assert_int_equal(vector_load(g.gl_pathv[i], &v), 0);
		f(g.gl_pathv[i], &v);
		vector_free(&v);
	}
	arena_fini(&scratch);
	globfree(&g);
}

static void every_truncation(void **state)
{
	each_vector(truncate_one);
}

static void every_changed_byte(void **state)
{
	each_vector(change_one);
}

/* ---- An arena that is full is an answer ---- */

static void starve_one(const char *path, const struct vector *v)
{
	for (size_t limit = 16;; limit += 64) {
		struct of_msg *m;
		struct arena a;
		int rc;

		arena_init(&a, limit);
		rc = of_decode(v->bytes, v->n, &a, &m, NULL);
		arena_fini(&a);
		if (!rc)
			return;
		assert_int_equal(rc, -ENOMEM);
	}
}

static void every_arena_limit(void **state)
{
	each_vector(starve_one);
}

static int accept_new(void)
{
	glob_t g = all_vectors();

	for (size_t i = 0; i < g.gl_pathc; i++) {
		struct of_err refusal;
		struct of_msg *m;
		struct vector v;
		struct arena a;
		FILE *f;

		arena_init(&a, 0);
		if (vector_load(g.gl_pathv[i], &v) || v.expected)
			continue;
		if (of_decode(v.bytes, v.n, &a, &m, &refusal)) {
			printf("%s: %s\n", g.gl_pathv[i], refusal.text);
			continue;
		}
		f = fopen(g.gl_pathv[i], "w");
		fprintf(f, "%s--\n", v.text);
		of_dump(f, m);
		fclose(f);
		vector_free(&v);
		arena_fini(&a);
	}
	globfree(&g);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_read_and_written_alike),
		cmocka_unit_test(a_copy_shares_nothing),
		cmocka_unit_test(what_is_remembered_is_the_same),
		cmocka_unit_test(each_structure_has_a_vector),
		cmocka_unit_test(every_truncation),
		cmocka_unit_test(every_changed_byte),
		cmocka_unit_test(every_arena_limit),
	};

	if (argc == 2 && !strcmp(argv[1], "--accept"))
		return accept_new();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

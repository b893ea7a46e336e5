/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes the codec: what is decoded must encode, and be the same when it is decoded again.
 *
 * The first byte of an input chooses: a whole message, or a list of actions, of instructions and so
 * on.  Built without libFuzzer this is a program that replays the files it is given, .hex files as
 * the vectors that they are:
 *
 *	fuzz_codec tests/vectors/NAME.hex crash-...
 *	fuzz_codec --corpus tests/fuzz/corpus/fuzz_codec tests/vectors/NAME.hex...
 *
 * The second writes vectors as inputs for libFuzzer to begin with.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ofproto/wire.h"
#include "tests/vectors/vector.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void insist(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "fuzz_codec: %s\n", what);
	abort();
}

static uint8_t first[OF_MSG_MAX], second[OF_MSG_MAX];

static void feed_message(const uint8_t *p, size_t n, struct arena *a)
{
	struct of_err refusal = { .type = 0xeeee };
	struct of_msg *m, *again;
	int len;

	if (of_decode(p, n, a, &m, &refusal)) {
		insist(refusal.text[0] && refusal.offset <= n, "refused without a reason");
		insist(of_error_code_name(refusal.type, refusal.code), "an error without a name");
		return;
	}
	len = of_encode(m, first, sizeof(first), NULL);
	/* Two long headers in the place of two short ones can make a message too long. */
	if (len == -EMSGSIZE && n > OF_MSG_MAX / 2)
		return;
	insist(len > 0, "decoded, but does not encode");
	insist(!of_decode(first, (size_t)len, a, &again, &refusal), "refuses its own");
	insist(of_encode(again, second, sizeof(second), NULL) == len, "another length");
	insist(!memcmp(first, second, (size_t)len), "other bytes");
}

static void feed_list(const char *family, const uint8_t *p, size_t n, struct arena *a)
{
	struct of_err refusal;
	struct of_list l, again;
	int len;

	if (of_decode_list(family, p, n, a, &l, &refusal))
		return;
	len = of_encode_list(&l, first, sizeof(first), NULL);
	if (len == -EMSGSIZE && n > OF_MSG_MAX / 2)
		return;
	insist(len >= 0, "a list that does not encode");
	insist(!of_decode_list(family, first, (size_t)len, a, &again, &refusal), "refuses its own");
	insist(of_encode_list(&again, second, sizeof(second), NULL) == len, "another length");
	insist(!memcmp(first, second, (size_t)len), "other bytes");
}

/* A first byte that chooses families[0], and looks like text to tools that care. */
enum { MESSAGE = '0' };

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const char *const families[] = { NULL,	"action",  "inst",
						"band", "tf_prop", "queue_prop" };
	const char *family;
	struct arena a;

	if (!n || n > OF_MSG_MAX)
		return 0;
	family = families[p[0] % (sizeof(families) / sizeof(families[0]))];
	arena_init(&a, 8u << 20);
	if (family)
		feed_list(family, p + 1, n - 1, &a);
	else
		feed_message(p + 1, n - 1, &a);
	arena_fini(&a);
	return 0;
}

/* libFuzzer brings a main() of its own; its builds are known by their coverage. */
#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if !__has_feature(coverage_sanitizer)

static void replay(const char *path)
{
	static uint8_t buf[OF_MSG_MAX + 1];
	struct vector v;
	FILE *f;

	if (strlen(path) > 4 && !strcmp(path + strlen(path) - 4, ".hex")) {
		insist(!vector_load(path, &v), path);
		buf[0] = MESSAGE;
		memcpy(buf + 1, v.bytes, v.n);
		LLVMFuzzerTestOneInput(buf, v.n + 1);
		vector_free(&v);
		return;
	}
	f = fopen(path, "rb");
	insist(f, path);
	LLVMFuzzerTestOneInput(buf, fread(buf, 1, sizeof(buf), f));
	fclose(f);
}

static void write_input(const char *dir, const char *path)
{
	const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	struct vector v;
	char name[512];
	FILE *f;

	insist(!vector_load(path, &v), path);
	snprintf(name, sizeof(name), "%s/%.*s", dir, (int)strcspn(base, "."), base);
	f = fopen(name, "wb");
	insist(f, name);
	fputc(MESSAGE, f);
	fwrite(v.bytes, 1, v.n, f);
	fclose(f);
	vector_free(&v);
}

int main(int argc, char **argv)
{
	if (argc > 3 && !strcmp(argv[1], "--corpus")) {
		for (int i = 3; i < argc; i++)
			write_input(argv[2], argv[i]);
		return 0;
	}
	for (int i = 1; i < argc; i++)
		replay(argv[i]);
	printf("%d inputs\n", argc - 1);
	return 0;
}

#endif

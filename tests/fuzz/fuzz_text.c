/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes the text grammar: what is read prints, and what was printed reads and prints the same.
 *
 * The first byte of an input chooses the parser, or says that the rest is a message's bytes, which
 * must print whatever they are.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ofproto/text.h"
#include "ofproto/text_flow.h"
#include "ofproto/text_group.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct arena arena;
static FILE *null;

/* One kind of text: parse into words again; NULL where the text is refused. */
typedef char *rewriter(const char *text);

static char *words(void (*put)(FILE *f, const void *x), const void *x)
{
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	if (!f)
		abort();
	put(f, x);
	fclose(f);
	return text;
}

static void insist_words(const struct err *e)
{
	if (!e->text[0])
		abort(); /* refused without a reason */
}

static void put_match(FILE *f, const void *x)
{
	of_format_match(f, x, NULL);
}

static char *rewrite_match(const char *text)
{
	struct of_match m;
	struct err e = { "" };

	if (of_parse_match(text, NULL, &m, &e)) {
		insist_words(&e);
		return NULL;
	}
	return words(put_match, &m);
}

static void put_insts(FILE *f, const void *x)
{
	of_format_insts(f, x, NULL);
}

static char *rewrite_insts(const char *text)
{
	struct of_list l = { 0 };
	struct err e = { "" };

	if (of_parse_insts(text, NULL, &arena, &l, &e)) {
		insist_words(&e);
		return NULL;
	}
	return words(put_insts, &l);
}

static void put_group(FILE *f, const void *x)
{
	const struct of_group_mod *g = x;

	text_put_group(f, g->group_id, g->type, &g->buckets, NULL);
}

static char *rewrite_group(const char *text)
{
	struct of_group_mod *g;
	struct err e = { "" };

	if (of_parse_group(text, OFPGC_ADD, NULL, &arena, &g, &e)) {
		insist_words(&e);
		return NULL;
	}
	return words(put_group, g);
}

static void put_meter(FILE *f, const void *x)
{
	const struct of_meter_mod *m = x;

	of_format_meter(f, m->meter_id, m->flags, &m->bands);
}

static char *rewrite_meter(const char *text)
{
	struct of_meter_mod *m;
	struct err e = { "" };

	if (of_parse_meter(text, OFPMC_ADD, &arena, &m, &e)) {
		insist_words(&e);
		return NULL;
	}
	return words(put_meter, m);
}

static rewriter *const rewriters[] = { rewrite_match, rewrite_insts, rewrite_group, rewrite_meter };
enum { N_REWRITERS = sizeof(rewriters) / sizeof(rewriters[0]) };

static void feed_twice(rewriter *rewrite, const char *text)
{
	char *first = rewrite(text), *second;

	if (!first)
		return;
	second = rewrite(first);
	if (!second || strcmp(first, second)) {
		fprintf(stderr, "\"%s\"\n-> \"%s\"\n-> \"%s\"\n", text, first,
			second ? second : "(refused)");
		abort();
	}
	free(first);
	free(second);
}

/* A flow: only that it is read or refused, and that its bytes print. */
static void feed_flow(uint8_t command, const char *text)
{
	static uint8_t bytes[OF_MSG_MAX];
	struct of_mp_flow_request *q;
	struct of_packet_out *po;
	struct of_flow_mod *fm;
	struct err e = { "" };

	of_parse_flow_filter(text, NULL, &arena, &q, &e);
	of_parse_packet_out(text, NULL, &arena, &po, &e);
	if (of_parse_flow(text, command % 5, NULL, &arena, &fm, &e))
		return;
	struct of_msg m = { .version = 4, .type = OFPT_FLOW_MOD, .body = (struct of_any *)fm };
	int n = of_encode(&m, bytes, sizeof(bytes), &e);

	if (n > 0)
		of_format_raw(null, bytes, (size_t)n, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{

	char *text;

	if (!null) {
		null = fopen("/dev/null", "w");
		arena_init(&arena, 1 << 22);
	}
	if (!n || !null)
		return 0;
	arena_reset(&arena);
	if (data[0] & 0x80) {
		of_format_raw(null, data + 1, n - 1, NULL);
		return 0;
	}
	text = malloc(n);
	if (!text)
		return 0;
	memcpy(text, data + 1, n - 1);
	text[n - 1] = '\0';
	if (data[0] < N_REWRITERS)
		feed_twice(rewriters[data[0]], text);
	else
		feed_flow(data[0], text);
	free(text);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a switch may answer to weft-ofctl and weftctl: any message must print, in words and as a
 * tree, and management messages must join and unpack.  What is printed is one that a terminal may
 * be given.
 *
 * The first byte of an input chooses what is printed beside: counters, packets in hex.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/byteorder.h"
#include "ofproto/mgmt.h"
#include "ofproto/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct arena arena;

/* Nothing that moves a cursor or changes a colour, whatever was sent. */
static void insist_printable(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (((uint8_t)s[i] < ' ' && s[i] != '\n' && s[i] != '\t') || s[i] == 0x7f)
			abort();
}

static void unpack(const struct of_msg *m)
{
	struct mgmt_join join;
	struct of_err refused;
	Weft__Request *request;
	Weft__Reply *reply;
	struct err e = { "" };

	if (mgmt_is_request(m))
		mgmt_request_unpack(m, &arena, &request, &refused);
	if (!mgmt_is_reply(m))
		return;
	mgmt_join_init(&join, 1 << 20);
	mgmt_join_add(&join, m, &reply, &e);
	mgmt_join_fini(&join);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct of_text_opts o = { .stats = n && data[0] & 1, .hex_data = n && data[0] & 2 };
	struct of_err e = { 0 };
	char *text = NULL;
	struct of_msg *m;
	size_t len;
	FILE *f;

	if (n < 1 || n > OF_MSG_MAX)
		return 0;
	if (!arena.limit)
		arena_init(&arena, 16 << 20);
	arena_reset(&arena);
	f = open_memstream(&text, &len);
	if (!f)
		abort();
	of_format_raw(f, data + 1, n - 1, &o);
	if (!of_decode(data + 1, n - 1, &arena, &m, &e)) {
		of_dump(f, m);
		unpack(m);
	}
	fclose(f);
	insist_printable(text, len);
	free(text);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Without a switch: bytes to words and words to bytes, for tests and for the curious. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/ofctl.h"
#include "ofproto/text_lex.h"

static void print_hex(const char *hex)
{
	struct of_text_opts o = { .stats = true };
	size_t room = strlen(hex) / 2 + 1;
	uint8_t *p = malloc(room);
	int n = p ? text_hex(hex, p, room) : -ENOMEM;

	if (n < 0)
		ofctl_die("ofp-print: expected bytes in hex");
	of_format_raw(stdout, p, (size_t)n, &o);
	free(p);
}

/* HEX..., or "-": a line of standard input for each message. */
int ofctl_ofp_print(int argc, char **argv)
{
	char *line = NULL;
	size_t room = 0;

	if (strcmp(argv[1], "-")) {
		for (int i = 1; i < argc; i++)
			print_hex(argv[i]);
		return 0;
	}
	while (getline(&line, &room, stdin) >= 0) {
		print_hex(line);
		puts("--");
	}
	free(line);
	return 0;
}

static void print_body(const void *body, uint8_t type, uint32_t xid)
{
	struct of_msg m = {
		.version = OF_VERSION_13, .type = type, .xid = xid, .body = (struct of_any *)body
	};
	static uint8_t bytes[OF_MSG_MAX];
	struct of_text_opts o = { .stats = true };
	struct err e = { "" };
	int n = of_encode(&m, bytes, sizeof(bytes), &e);

	if (n < 0)
		ofctl_die("%s",
			  n == -EMSGSIZE ? "does not fit into OpenFlow's 65535 bytes" : e.text);
	/* By way of the bytes: what is shown is what a switch would read. */
	of_format_raw(stdout, bytes, (size_t)n, &o);
	if (ofctl_options.more)
		text_put_hexdump(stdout, bytes, (size_t)n);
}

static int parse_line(const char *text, unsigned int number, void *arg, struct err *e)
{
	uint32_t *xid = arg;
	uint8_t command = OFPFC_ADD;
	struct of_flow_mod *fm;
	struct arena a;
	int r;

	arena_init(&a, 0);
	of_parse_flow_command(&text, &command);
	r = of_parse_flow(text, command, NULL, &a, &fm, e);
	if (!r)
		print_body(fm, OFPT_FLOW_MOD, ++*xid);
	arena_fini(&a);
	return r;
}

int ofctl_parse_flow(int argc, char **argv)
{
	struct of_flow_mod *fm;
	struct arena a;
	struct err e;

	arena_init(&a, 0);
	if (of_parse_flow(argv[1], OFPFC_ADD, NULL, &a, &fm, &e))
		ofctl_die("%s", e.text);
	print_body(fm, OFPT_FLOW_MOD, 1);
	arena_fini(&a);
	return 0;
}

int ofctl_parse_flows(int argc, char **argv)
{
	uint32_t xid = 0;

	ofctl_each_line(argv[1], parse_line, &xid);
	return 0;
}

int ofctl_parse_group(int argc, char **argv)
{
	struct of_any *g;
	struct arena a;
	struct err e;

	arena_init(&a, 0);
	if (of_parse_group_ext(argv[1], OFPGC_ADD, NULL, &a, &g, &e))
		ofctl_die("%s", e.text);
	print_body(g, g->kind == OF_KIND_group_mod ? OFPT_GROUP_MOD : OFPT_EXPERIMENTER, 1);
	arena_fini(&a);
	return 0;
}

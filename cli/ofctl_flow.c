/* SPDX-License-Identifier: Apache-2.0 */
/* Flows: added, changed, deleted, listed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/ofctl.h"

/* ---- Flow modifications, from the command line or from a file ---- */

enum { LINES_SILENT = 1024 }; /* that are read before echo requests are looked for */

struct flow_reader {
	struct ofctl_mods mods;
	struct ofctl_conn *conn;
	uint8_t command;     /* of a line that does not name its own */
	bool names_commands; /* lines may */
};

static int read_flow(const char *text, unsigned int number, void *arg, struct err *e)
{
	struct flow_reader *r = arg;
	uint8_t command = r->command;
	struct of_flow_mod *fm;
	int status;

	if (!(number % LINES_SILENT))
		ofctl_alive(r->conn);
	if (r->names_commands)
		of_parse_flow_command(&text, &command);
	status = of_parse_flow(text, command, ofctl_names(r->conn), &r->mods.arena, &fm, e);
	if (!status)
		ofctl_mods_add(&r->mods, fm, number);
	return status;
}

static int flow_mods(const char *sw, uint8_t command, const char *flow, const char *file)
{
	struct flow_reader r = { .command = command,
				 .names_commands = file && command == OFPFC_ADD,
				 .conn = ofctl_connect(sw) };
	struct err e = { "" };
	int status;

	ofctl_mods_init(&r.mods, file);
	if (file)
		ofctl_each_line(file, read_flow, &r);
	else if (read_flow(flow, 0, &r, &e))
		ofctl_die("%s", e.text);
	status = r.mods.n ? ofctl_mods_send(&r.mods, r.conn, ofctl_options.bundle) : 0;
	ofctl_close(r.conn);
	return status;
}

/* "-" in place of a flow: flows from standard input. */
static int flow_or_stdin(int argc, char **argv, uint8_t command)
{
	const char *flow = argc > 2 ? argv[2] : "";

	return strcmp(flow, "-") ? flow_mods(argv[1], command, flow, NULL)
				 : flow_mods(argv[1], command, NULL, "-");
}

int ofctl_add_flow(int argc, char **argv)
{
	return flow_or_stdin(argc, argv, OFPFC_ADD);
}

int ofctl_add_flows(int argc, char **argv)
{
	return flow_mods(argv[1], OFPFC_ADD, NULL, argv[2]);
}

int ofctl_mod_flows(int argc, char **argv)
{
	return flow_or_stdin(argc, argv, ofctl_options.strict ? OFPFC_MODIFY_STRICT : OFPFC_MODIFY);
}

int ofctl_del_flows(int argc, char **argv)
{
	return flow_or_stdin(argc, argv, ofctl_options.strict ? OFPFC_DELETE_STRICT : OFPFC_DELETE);
}

/* ---- A bundle of several kinds of modification ---- */

static int read_group_line(struct flow_reader *r, const char *text, unsigned int number,
			   struct err *e)
{
	uint16_t command = OFPGC_ADD;
	struct of_any *g;
	int status;

	ofctl_group_command(&text, &command);
	status = of_parse_group_ext(text, command, ofctl_names(r->conn), &r->mods.arena, &g, e);
	if (!status)
		ofctl_mods_add(&r->mods, g, number);
	return status;
}

static int read_bundle_line(const char *text, unsigned int number, void *arg, struct err *e)
{
	struct flow_reader *r = arg;
	struct of_packet_out *po;
	int status;

	if (ofctl_word(&text, "group"))
		return read_group_line(r, text, number, e);
	if (ofctl_word(&text, "flow"))
		return read_flow(text, number, arg, e);
	if (!ofctl_word(&text, "packet-out"))
		return err_set(e, -EINVAL,
			       "a line of a bundle begins with flow, group or "
			       "packet-out");
	status = of_parse_packet_out(text, ofctl_names(r->conn), &r->mods.arena, &po, e);
	if (!status)
		ofctl_mods_add(&r->mods, po, number);
	return status;
}

int ofctl_bundle_file(int argc, char **argv)
{
	struct flow_reader r = { .command = OFPFC_ADD,
				 .names_commands = true,
				 .conn = ofctl_connect(argv[1]) };
	int status;

	ofctl_mods_init(&r.mods, argv[2]);
	ofctl_each_line(argv[2], read_bundle_line, &r);
	status = r.mods.n ? ofctl_mods_send(&r.mods, r.conn, true) : 0;
	ofctl_close(r.conn);
	return status;
}

/* ---- dump-flows ---- */

struct sorted_flow {
	struct of_flow_stats *fs;
	size_t n; /* as it came */
};

static int cmp_field(const struct of_flow_stats *x, const struct of_flow_stats *y,
		     const struct ofctl_sort *s)
{
	bool hx, hy;
	struct of_oxm ox, oy;
	int r;

	if (!s->field) {
		r = x->priority < y->priority ? -1 : x->priority > y->priority;
		return s->down ? -r : r;
	}
	hx = of_match_has(&x->match, s->field);
	hy = of_match_has(&y->match, s->field);
	if (!hx || !hy)
		return hy - hx; /* flows without the field come last */
	of_match_get(&x->match, s->field, &ox);
	of_match_get(&y->match, s->field, &oy);
	r = memcmp(ox.value, oy.value, s->field->bytes);
	return s->down ? -r : r;
}

static int cmp_flows(const void *a, const void *b)
{
	const struct sorted_flow *x = a, *y = b;

	for (unsigned int i = 0; i < ofctl_options.n_sort; i++) {
		int r = cmp_field(x->fs, y->fs, &ofctl_options.sort[i]);

		if (r)
			return r;
	}
	return x->n < y->n ? -1 : 1;
}

static void print_flow(const struct of_flow_stats *fs, const struct of_text_opts *o)
{
	fputc(' ', stdout);
	of_format_flow_stats(stdout, fs, o);
	fputc('\n', stdout);
}

struct flow_list {
	struct sorted_flow *v;
	size_t n, room;
};

static void keep(struct flow_list *l, struct of_flow_stats *fs)
{
	if (l->n == l->room) {
		l->room = l->room ? 2 * l->room : 256;
		l->v = realloc(l->v, l->room * sizeof(*l->v));
		if (!l->v)
			ofctl_die("out of memory");
	}
	l->v[l->n] = (struct sorted_flow){ fs, l->n };
	l->n++;
}

static const struct of_list *flows_of(const struct of_msg *m)
{
	const struct of_any *body;

	if (m->type == OFPT_ERROR) {
		of_format_msg(stdout, m, NULL);
		exit(1);
	}
	body = ofctl_mp_body(m);
	if (!body || body->kind != OF_KIND_mp_flow_reply)
		ofctl_die("the switch does not answer with flows");
	return &((const struct of_mp_flow_reply *)body)->flows;
}

/*
 * Flows are printed as the parts of the reply come, so that a million need no memory; only sorting
 * has to keep them.
 */
static void dump(struct ofctl_conn *c, uint32_t xid, const struct of_text_opts *o)
{
	struct flow_list kept = { 0 };
	const struct of_msg *m;
	struct arena a;
	bool more;

	arena_init(&a, SIZE_MAX);
	do {
		const struct of_list *l;

		if (!ofctl_options.n_sort)
			arena_reset(&a);
		m = ofctl_recv_xid(c, xid, &a);
		l = flows_of(m);
		more = ((const struct of_multipart_reply *)m->body)->flags & OFPMPF_REPLY_MORE;
		for (uint32_t i = 0; i < l->n; i++) {
			if (ofctl_options.n_sort)
				keep(&kept, OF_AT(l, i, flow_stats));
			else
				print_flow(OF_AT(l, i, flow_stats), o);
		}
	} while (more);
	if (kept.n)
		qsort(kept.v, kept.n, sizeof(*kept.v), cmp_flows);
	for (size_t i = 0; i < kept.n; i++)
		print_flow(kept.v[i].fs, o);
	free(kept.v);
	arena_fini(&a);
}

int ofctl_dump_flows(int argc, char **argv)
{
	struct ofctl_conn *c = ofctl_connect(argv[1]);
	struct of_text_opts o = ofctl_text(c);
	struct of_mp_flow_request *q;
	struct arena a;
	struct err e;
	uint32_t xid;

	arena_init(&a, 0);
	if (of_parse_flow_filter(argc > 2 ? argv[2] : "", ofctl_names(c), &a, &q, &e))
		ofctl_die("%s", e.text);
	xid = ofctl_send_mp(c, q);
	/* ovs-ofctl's plain form has a heading; sorted, with names or without counters it has none.
	 */
	if (!ofctl_options.n_sort && !ofctl_options.names && ofctl_options.stats)
		printf("OFPST_FLOW reply (OF1.3) (xid=0x%x):\n", xid);
	dump(c, xid, &o);
	arena_fini(&a);
	ofctl_close(c);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replace-flows and diff-flows: two sets of flows, each from a switch or a file, held against each
 * other by table, priority and match.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/ofctl.h"

struct flow {
	struct of_match match;
	uint16_t priority, idle_timeout, hard_timeout, flags;
	uint8_t table_id;
	uint64_t cookie;
	struct of_list insts;
	size_t order; /* as it was read */
};

struct flows {
	struct flow *v;
	size_t n, room;
	struct arena arena;
	struct ofctl_conn *conn; /* whose port names a file may use; may be NULL */
};

static void add(struct flows *s, const struct flow *f)
{
	if (s->n == s->room) {
		s->room = s->room ? 2 * s->room : 256;
		s->v = realloc(s->v, s->room * sizeof(*s->v));
		if (!s->v)
			ofctl_die("out of memory");
	}
	s->v[s->n] = *f;
	s->v[s->n].order = s->n;
	s->n++;
}

/* By table, then the highest priority first. */
static int cmp_key(const void *a, const void *b)
{
	const struct flow *x = a, *y = b;

	if (x->table_id != y->table_id)
		return x->table_id < y->table_id ? -1 : 1;
	if (x->priority != y->priority)
		return x->priority > y->priority ? -1 : 1;
	return memcmp(&x->match, &y->match, sizeof(x->match));
}

static int cmp_order(const void *a, const void *b)
{
	const struct flow *x = a, *y = b;
	int r = cmp_key(x, y);

	return r ? r : x->order < y->order ? -1 : 1;
}

static bool same_flow(const struct flow *x, const struct flow *y)
{
	return x->cookie == y->cookie && x->idle_timeout == y->idle_timeout &&
	       x->hard_timeout == y->hard_timeout && x->flags == y->flags &&
	       of_list_equal(&x->insts, &y->insts);
}

/* ---- From a file ---- */

static int read_flow(const char *text, unsigned int number, void *arg, struct err *e)
{
	struct flows *s = arg;
	struct of_flow_mod *fm;
	int r = of_parse_flow(text, OFPFC_ADD, s->conn ? ofctl_names(s->conn) : NULL, &s->arena,
			      &fm, e);

	if (!r)
		add(s, &(struct flow){ .match = fm->match,
				       .priority = fm->priority,
				       .idle_timeout = fm->idle_timeout,
				       .hard_timeout = fm->hard_timeout,
				       .flags = fm->flags,
				       .table_id = fm->table_id,
				       .cookie = fm->cookie,
				       .insts = fm->insts });
	return r;
}

/* ---- From a switch ---- */

static void read_part(struct flows *s, const struct of_list *l)
{
	for (uint32_t i = 0; i < l->n; i++) {
		const struct of_flow_stats *fs = OF_AT(l, i, flow_stats);
		struct flow f = { .match = fs->match,
				  .priority = fs->priority,
				  .idle_timeout = fs->idle_timeout,
				  .hard_timeout = fs->hard_timeout,
				  .flags = fs->flags,
				  .table_id = fs->table_id,
				  .cookie = fs->cookie };

		if (of_list_copy(&fs->insts, &s->arena, &f.insts))
			ofctl_die("out of memory");
		add(s, &f);
	}
}

static void read_switch(struct flows *s, struct ofctl_conn *c)
{
	struct of_mp_flow_request q = { .kind = OF_KIND_mp_flow_request,
					.table_id = OFPTT_ALL,
					.out_port = OFPP_ANY,
					.out_group = OFPG_ANY };
	uint32_t xid = ofctl_send_mp(c, &q);
	struct arena a;
	bool more;

	arena_init(&a, 0);
	do {
		const struct of_any *body;
		const struct of_msg *m;

		arena_reset(&a);
		m = ofctl_recv_xid(c, xid, &a);
		body = ofctl_mp_body(m);
		if (!body || body->kind != OF_KIND_mp_flow_reply) {
			of_format_msg(stderr, m, NULL);
			exit(1);
		}
		more = ((const struct of_multipart_reply *)m->body)->flags & OFPMPF_REPLY_MORE;
		read_part(s, &((const struct of_mp_flow_reply *)body)->flows);
	} while (more);
	arena_fini(&a);
}

/* Of several lines for one flow the last counts, as it would in a switch. */
static void sort(struct flows *s)
{
	size_t n = 0;

	if (s->n)
		qsort(s->v, s->n, sizeof(*s->v), cmp_order);
	for (size_t i = 0; i < s->n; i++) {
		if (n && !cmp_key(&s->v[n - 1], &s->v[i]))
			n--;
		s->v[n++] = s->v[i];
	}
	s->n = n;
}

static bool is_file(const char *name)
{
	struct stat st;

	return !strcmp(name, "-") ||
	       (!stat(name, &st) && (S_ISREG(st.st_mode) || S_ISFIFO(st.st_mode)));
}

static void read_source(struct flows *s, const char *name, struct ofctl_conn *names)
{
	arena_init(&s->arena, SIZE_MAX);
	s->conn = names;
	if (is_file(name))
		ofctl_each_line(name, read_flow, s);
	else
		read_switch(s, names);
	sort(s);
}

/* ---- Differences ---- */

/* Called with the flow of each side, NULL where there is none; both are sorted. */
static void walk(const struct flows *a, const struct flows *b,
		 void (*differ)(const struct flow *x, const struct flow *y, void *arg), void *arg)
{
	size_t i = 0, k = 0;

	while (i < a->n || k < b->n) {
		int r = i == a->n ? 1 : k == b->n ? -1 : cmp_key(&a->v[i], &b->v[k]);
		const struct flow *x = r <= 0 ? &a->v[i++] : NULL;
		const struct flow *y = r >= 0 ? &b->v[k++] : NULL;

		differ(x, y, arg);
	}
}

static void print_flow(char sign, const struct flow *f, const struct of_names *names)
{
	static const struct of_match none;
	static const struct {
		uint16_t bit;
		const char *name;
	} flags[] = { { OFPFF_SEND_FLOW_REM, "send_flow_rem" },
		      { OFPFF_CHECK_OVERLAP, "check_overlap" },
		      { OFPFF_RESET_COUNTS, "reset_counts" },
		      { OFPFF_NO_PKT_COUNTS, "no_packet_counts" },
		      { OFPFF_NO_BYT_COUNTS, "no_byte_counts" } };

	printf("%c", sign);
	if (f->table_id)
		printf("table=%u ", f->table_id);
	of_format_match_priority(stdout, &f->match, f->priority, names);
	if (f->priority != OFP_DEFAULT_PRIORITY || !of_match_equal(&f->match, &none))
		printf(" ");
	if (f->cookie)
		printf("cookie=0x%llx ", (unsigned long long)f->cookie);
	if (f->idle_timeout)
		printf("idle_timeout=%u ", f->idle_timeout);
	if (f->hard_timeout)
		printf("hard_timeout=%u ", f->hard_timeout);
	for (unsigned int i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (f->flags & flags[i].bit)
			printf("%s ", flags[i].name);
	printf("actions=");
	of_format_insts(stdout, &f->insts, names);
	printf("\n");
}

struct printer {
	const struct of_names *names;
	bool any;
};

static void print_difference(const struct flow *x, const struct flow *y, void *arg)
{
	struct printer *p = arg;

	if (x && y && same_flow(x, y))
		return;
	p->any = true;
	if (x)
		print_flow('-', x, p->names);
	if (y)
		print_flow('+', y, p->names);
}

static void forget(struct flows *s)
{
	free(s->v);
	arena_fini(&s->arena);
}

int ofctl_diff_flows(int argc, char **argv)
{
	struct ofctl_conn *x = is_file(argv[1]) ? NULL : ofctl_connect(argv[1]);
	struct ofctl_conn *y = is_file(argv[2]) ? NULL : ofctl_connect(argv[2]);
	struct flows a = { 0 }, b = { 0 };
	struct printer p = { 0 };

	/* Port names in a file are those of the switch that it is compared with. */
	read_source(&a, argv[1], x ? x : y);
	read_source(&b, argv[2], y ? y : x);
	p.names = x || y ? ofctl_shown_names(x ? x : y) : NULL;
	walk(&a, &b, print_difference, &p);
	forget(&a);
	forget(&b);
	ofctl_close(x);
	ofctl_close(y);
	return p.any ? 2 : 0;
}

/* ---- replace-flows: 'x' is in the switch, 'y' in the file ---- */

static void replace(const struct flow *x, const struct flow *y, void *arg)
{
	const struct flow *f = y ? y : x;
	struct of_flow_mod fm = { .kind = OF_KIND_flow_mod,
				  .command = y ? OFPFC_ADD : OFPFC_DELETE_STRICT,
				  .table_id = f->table_id,
				  .priority = f->priority,
				  .buffer_id = OFP_NO_BUFFER,
				  .out_port = OFPP_ANY,
				  .out_group = OFPG_ANY,
				  .match = f->match };

	if (x && y && same_flow(x, y) && !ofctl_options.readd)
		return;
	if (y) {
		fm.cookie = y->cookie;
		fm.idle_timeout = y->idle_timeout;
		fm.hard_timeout = y->hard_timeout;
		fm.flags = y->flags;
		fm.insts = y->insts;
	}
	ofctl_mods_add(arg, &fm, 0);
}

int ofctl_replace_flows(int argc, char **argv)
{
	struct flows have = { 0 }, want = { 0 };
	struct ofctl_conn *c;
	struct ofctl_mods mods;
	int status;

	if (is_file(argv[1]))
		ofctl_die("%s is a file, not a switch", argv[1]);
	c = ofctl_connect(argv[1]);
	arena_init(&want.arena, SIZE_MAX);
	want.conn = c;
	ofctl_each_line(argv[2], read_flow, &want);
	sort(&want);
	read_source(&have, argv[1], c);
	ofctl_mods_init(&mods, argv[2]);
	walk(&have, &want, replace, &mods);
	status = mods.n ? ofctl_mods_send(&mods, c, ofctl_options.bundle) : 0;
	forget(&want);
	forget(&have);
	ofctl_close(c);
	return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Connections that a switch tracks: shown, forgotten, counted, limited. */
#include "cli/ofctl_ct.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/ofctl.h"

enum { ZONES_MAX = 1000 };

/* A connection and what is needed for questions. */
struct asking {
	struct ofctl_conn *conn;
	struct mgmt_join join;
	struct arena arena;
};

static void begin(struct asking *a, const char *target)
{
	a->conn = ofctl_connect(target);
	mgmt_join_init(&a->join, 0);
	arena_init(&a->arena, 0);
}

static int end(struct asking *a)
{
	arena_fini(&a->arena);
	mgmt_join_fini(&a->join);
	ofctl_close(a->conn);
	return 0;
}

/* Into the caller's memory, for the tuple points into itself. */
static void what(struct ofctl_ct_what *w, int argc, char **argv)
{
	struct err e = { "" };

	memset(w, 0, sizeof(*w));
	for (int i = 2; i < argc; i++) {
		char zone[32];
		const char *word = argv[i];

		/* ct-flush-zone SWITCH N */
		if (isdigit((unsigned char)*word) && strlen(word) < 10) {
			snprintf(zone, sizeof(zone), "zone=%s", word);
			word = zone;
		}
		if (ofctl_ct_what(w, word, &e))
			ofctl_die("%s", e.text);
	}
}

/* ---- dump-conntrack, flush-conntrack ---- */

/* Calls 'fn' for each connection, a message's at a time; nothing of them is kept. */
static void each_conn(struct asking *a, struct ofctl_ct_what *w,
		      void (*fn)(struct asking *a, const Weft__CtConn *c, void *arg), void *arg)
{
	Weft__CtDumpRequest q = WEFT__CT_DUMP_REQUEST__INIT;
	Weft__Request r = WEFT__REQUEST__INIT;

	r.op_case = WEFT__REQUEST__OP_CT_DUMP;
	r.ct_dump = &q;
	q.in_zone = w->in_zone;
	q.zone = w->zone;
	q.tuple = w->has_tuple ? &w->tuple : NULL;
	do {
		const Weft__CtConns *l;

		arena_reset(&a->arena);
		l = ofctl_ask_weft(a->conn, &r, WEFT__REPLY__BODY_CT_CONNS, &a->join, &a->arena)
			    ->ct_conns;
		q.cursor = l->cursor;
		for (size_t i = 0; i < l->n_conns; i++)
			fn(a, l->conns[i], arg);
	} while (q.cursor);
}

static void print_conn(struct asking *a, const Weft__CtConn *c, void *arg)
{
	ofctl_ct_put(stdout, c, ofctl_options.more > 1, ofctl_options.more, ofctl_options.ends);
	putchar('\n');
}

int ofctl_dump_conntrack(int argc, char **argv)
{
	struct ofctl_ct_what w;
	struct asking a;

	what(&w, argc, argv);
	begin(&a, argv[1]);
	each_conn(&a, &w, print_conn, NULL);
	return end(&a);
}

/* What is to be forgotten, when a part of a tuple names it: found first, then forgotten by whole
 * tuples. */
struct found {
	Weft__CtFlush *v;
	Weft__CtTuple *t;
	uint8_t (*address)[32];
	size_t n, room;
};

static void keep_conn(struct asking *a, const Weft__CtConn *c, void *arg)
{
	struct found *f = arg;

	if (!c->orig || c->orig->src.len > 16 || c->orig->dst.len > 16)
		return;
	if (f->n == f->room) {
		f->room = f->room ? 2 * f->room : 1024;
		f->v = realloc(f->v, f->room * sizeof(*f->v));
		f->t = realloc(f->t, f->room * sizeof(*f->t));
		f->address = realloc(f->address, f->room * sizeof(*f->address));
		if (!f->v || !f->t || !f->address)
			ofctl_die("out of memory");
	}
	weft__ct_flush__init(&f->v[f->n]);
	f->v[f->n].zone = c->zone;
	f->t[f->n] = *c->orig;
	memcpy(f->address[f->n], c->orig->src.data, c->orig->src.len);
	memcpy(f->address[f->n] + 16, c->orig->dst.data, c->orig->dst.len);
	f->n++;
}

static void flush(struct asking *a, Weft__CtFlush *q)
{
	Weft__Request r = WEFT__REQUEST__INIT;

	r.op_case = WEFT__REQUEST__OP_CT_FLUSH;
	r.ct_flush = q;
	arena_reset(&a->arena);
	ofctl_ask_weft(a->conn, &r, WEFT__REPLY__BODY_CT_FLUSHED, &a->join, &a->arena);
}

static void flush_found(struct asking *a, struct ofctl_ct_what *w)
{
	struct found f = { 0 };

	each_conn(a, w, keep_conn, &f);
	for (size_t i = 0; i < f.n; i++) {
		f.v[i].tuple = &f.t[i];
		f.t[i].src.data = f.address[i];
		f.t[i].dst.data = f.address[i] + 16;
		flush(a, &f.v[i]);
	}
	free(f.v);
	free(f.t);
	free(f.address);
}

int ofctl_flush_conntrack(int argc, char **argv)
{
	struct ofctl_ct_what w;
	Weft__CtFlush q = WEFT__CT_FLUSH__INIT;
	struct asking a;

	what(&w, argc, argv);
	begin(&a, argv[1]);
	q.in_zone = w.in_zone;
	q.zone = w.zone;
	q.tuple = w.has_tuple ? &w.tuple : NULL;
	if (w.has_tuple && !w.whole)
		flush_found(&a, &w);
	else
		flush(&a, &q);
	return end(&a);
}

/* ---- What there is ---- */

static const Weft__CtStats *get(struct asking *a, const struct ofctl_ct_what *w)
{
	Weft__CtStatsRequest q = WEFT__CT_STATS_REQUEST__INIT;
	Weft__Request r = WEFT__REQUEST__INIT;

	q.in_zone = w && w->in_zone;
	q.zone = w ? w->zone : 0;
	r.op_case = WEFT__REQUEST__OP_CT_STATS;
	r.ct_stats = &q;
	return ofctl_ask_weft(a->conn, &r, WEFT__REPLY__BODY_CT_STATS, &a->join, &a->arena)
		->ct_stats;
}

static void put_limit(uint32_t limit)
{
	if (limit)
		printf(",limit=%" PRIu32, limit);
	else
		fputs(",limit=none", stdout);
}

static void put_zone(const Weft__CtZone *z)
{
	printf("    zone=%" PRIu32 ": connections=%" PRIu64, z->zone, z->conns);
	put_limit(z->limit);
	printf(",created=%" PRIu64 ",invalid=%" PRIu64, z->created, z->invalid);
	if (z->refused_limit)
		printf(",refused_at_limit=%" PRIu64, z->refused_limit);
	if (z->refused_full)
		printf(",refused_table_full=%" PRIu64, z->refused_full);
	if (z->refused_nat)
		printf(",refused_nat_exhausted=%" PRIu64, z->refused_nat);
	if (z->limit && z->conns >= z->limit)
		fputs(" (FULL)", stdout);
	putchar('\n');
}

/* As Open vSwitch says it, but that it leaves ICMPv6 out and has one row for all others. */
static void put_protos(uint64_t total, const uint64_t by[256])
{
	printf("Connections Stats:\n    Total: %" PRIu64 "\n", total);
	for (unsigned int i = 0; i < 256; i++) {
		if (!by[i])
			continue;
		fputs("  ", stdout);
		ofctl_ct_put_title(stdout, i);
		printf(": %" PRIu64 "\n", by[i]);
	}
}

static void count_conn(struct asking *a, const Weft__CtConn *c, void *arg)
{
	uint64_t *by = arg;

	if (c->orig)
		by[c->orig->proto & 0xff]++;
}

/* The table counts protocols for all zones together, so of one zone they are counted here. */
static void put_protos_of_zone(struct asking *a, struct ofctl_ct_what *w)
{
	uint64_t by[256] = { 0 }, total = 0;

	each_conn(a, w, count_conn, by);
	for (unsigned int i = 0; i < 256; i++)
		total += by[i];
	put_protos(total, by);
}

static void put_protos_of_all(const Weft__CtStats *s)
{
	uint64_t by[256] = { 0 };

	for (size_t i = 0; i < s->n_protos; i++)
		by[s->protos[i]->proto & 0xff] = s->protos[i]->conns;
	put_protos(s->conns, by);
}

int ofctl_ct_stats(int argc, char **argv)
{
	struct ofctl_ct_what w;
	const Weft__CtStats *s;
	struct asking a;

	what(&w, argc, argv);
	begin(&a, argv[1]);
	if (w.in_zone)
		put_protos_of_zone(&a, &w);
	s = get(&a, &w);
	if (!w.in_zone)
		put_protos_of_all(s);
	printf("Table:\n    max=%" PRIu64 ",created=%" PRIu64 ",expired=%" PRIu64
	       ",deleted=%" PRIu64 ",refused=%" PRIu64 ",refused_by_limits=%" PRIu64
	       ",expired_early=%" PRIu64 "\n    memory=%" PRIu64 " of %" PRIu64 " MB%s\n",
	       s->max, s->created, s->expired, s->deleted, s->full, s->zone_full, s->early,
	       s->bytes >> 20, s->max_bytes >> 20,
	       s->on ? s->conns >= s->max ? " (FULL)" : "" : " (not made yet: no flow has ct())");
	if (s->n_zones)
		puts("Zones:");
	for (size_t i = 0; i < s->n_zones; i++)
		put_zone(s->zones[i]);
	return end(&a);
}

/* ---- Limits ---- */

static const Weft__CtStats *set(struct asking *a, Weft__CtSet *q)
{
	Weft__Request r = WEFT__REQUEST__INIT;

	r.op_case = WEFT__REQUEST__OP_CT_SET;
	r.ct_set = q;
	return ofctl_ask_weft(a->conn, &r, WEFT__REPLY__BODY_CT_STATS, &a->join, &a->arena)
		->ct_stats;
}

struct zones {
	Weft__CtZoneSet room[ZONES_MAX], *v[ZONES_MAX];
	size_t n;
};

static Weft__CtZoneSet *add_zone(struct zones *z)
{
	Weft__CtZoneSet *s = &z->room[z->n];

	if (z->n == ZONES_MAX)
		ofctl_die("more than %d zones", ZONES_MAX);
	weft__ct_zone_set__init(s);
	z->v[z->n++] = s;
	return s;
}

/* "zone=N,limit=N" */
static void read_limit(struct zones *z, const char *word)
{
	const char *comma = strchr(word, ',');
	Weft__CtZoneSet *s = add_zone(z);
	struct err e = { "" };

	if (strncmp(word, "zone=", 5) != 0 || !comma || strncmp(comma, ",limit=", 7) != 0)
		ofctl_die("'%s': zone=N,limit=N or default=N is right", word);
	s->set_limit = true;
	if (ofctl_ct_number(word + 5, ',', UINT16_MAX, &s->zone, &e) ||
	    ofctl_ct_number(comma + 7, 0, UINT32_MAX, &s->limit, &e))
		ofctl_die("%s", e.text);
}

int ofctl_ct_set_limits(int argc, char **argv)
{
	Weft__CtSet q = WEFT__CT_SET__INIT;
	static struct zones z;
	struct err e = { "" };
	struct asking a;

	for (int i = 2; i < argc; i++) {
		if (strncmp(argv[i], "default=", 8) != 0) {
			read_limit(&z, argv[i]);
			continue;
		}
		q.set_default_limit = true;
		if (ofctl_ct_number(argv[i] + 8, 0, UINT32_MAX, &q.default_limit, &e))
			ofctl_die("%s", e.text);
	}
	q.zones = z.v;
	q.n_zones = z.n;
	begin(&a, argv[1]);
	set(&a, &q);
	return end(&a);
}

/* "zone=N[,N]...": those of a switch's zones that are named, or all. */
static size_t read_zones(const char *word, uint32_t *v)
{
	struct err e = { "" };
	size_t n = 0;

	if (strncmp(word, "zone=", 5) != 0)
		ofctl_die("'%s': zone=N[,N]... is right", word);
	for (const char *s = word + 4; s; s = strchr(s, ',')) {
		if (n == ZONES_MAX)
			ofctl_die("more than %d zones", ZONES_MAX);
		if (ofctl_ct_number(++s, ',', UINT16_MAX, &v[n++], &e))
			ofctl_die("%s", e.text);
	}
	return n;
}

static void put_limits(const Weft__CtZone *z)
{
	printf("zone=%" PRIu32 ",limit=%" PRIu32 ",count=%" PRIu64 "\n", z->zone, z->limit,
	       z->conns);
}

int ofctl_ct_get_limits(int argc, char **argv)
{
	static uint32_t zones[ZONES_MAX];
	const size_t n = argc > 2 ? read_zones(argv[2], zones) : 0;
	const Weft__CtStats *s;
	struct asking a;

	begin(&a, argv[1]);
	s = get(&a, NULL);
	printf("default limit=%" PRIu32 "\n", s->default_limit);
	for (size_t i = 0; !n && i < s->n_zones; i++)
		if (s->zones[i]->own_limit)
			put_limits(s->zones[i]);
	for (size_t i = 0; i < n; i++) {
		const struct ofctl_ct_what w = { .in_zone = true, .zone = zones[i] };

		arena_reset(&a.arena);
		s = get(&a, &w);
		if (s->n_zones)
			put_limits(s->zones[0]);
		else
			printf("zone=%" PRIu32 ",limit=0,count=0\n", zones[i]);
	}
	return end(&a);
}

int ofctl_ct_del_limits(int argc, char **argv)
{
	static uint32_t zones[ZONES_MAX];
	const size_t n = read_zones(argv[2], zones);
	Weft__CtSet q = WEFT__CT_SET__INIT;
	static struct zones z;
	struct asking a;

	for (size_t i = 0; i < n; i++) {
		Weft__CtZoneSet *s = add_zone(&z);

		s->zone = zones[i];
		s->del_limit = true;
	}
	q.zones = z.v;
	q.n_zones = z.n;
	begin(&a, argv[1]);
	set(&a, &q);
	return end(&a);
}

/* ---- Timeouts ---- */

static void put_timeouts(Weft__CtTimeout *const *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		printf("    %s=%" PRIu32 "\n", v[i]->name, v[i]->seconds);
}

int ofctl_ct_get_timeouts(int argc, char **argv)
{
	struct ofctl_ct_what w;
	const Weft__CtStats *s;
	struct asking a;

	what(&w, argc, argv);
	begin(&a, argv[1]);
	s = get(&a, &w);
	if (!w.in_zone) {
		puts("default:");
		put_timeouts(s->timeouts, s->n_timeouts);
	}
	for (size_t i = 0; i < s->n_zones; i++) {
		const Weft__CtZone *z = s->zones[i];

		if (!w.in_zone && !z->n_timeouts)
			continue;
		printf("zone=%" PRIu32 ":%s\n", z->zone, z->n_timeouts ? "" : " as by default");
		put_timeouts(z->timeouts, z->n_timeouts);
	}
	return end(&a);
}

int ofctl_ct_set_timeouts(int argc, char **argv)
{
	Weft__CtTimeout room[64], *v[64];
	struct ofctl_ct_what w = { 0 };
	Weft__CtSet q = WEFT__CT_SET__INIT;
	static struct zones z;
	struct err e = { "" };
	struct asking a;
	size_t n = 0;

	for (int i = 2; i < argc; i++) {
		char *value = strchr(argv[i], '=');

		if (!strncmp(argv[i], "zone=", 5)) {
			if (ofctl_ct_what(&w, argv[i], &e))
				ofctl_die("%s", e.text);
			continue;
		}
		if (!value || n == 64)
			ofctl_die("'%s': NAME=SECONDS is right, with a name of ct-get-timeouts",
				  argv[i]);
		weft__ct_timeout__init(&room[n]);
		*value++ = 0;
		room[n].name = argv[i];
		if (ofctl_ct_number(value, 0, UINT32_MAX, &room[n].seconds, &e))
			ofctl_die("%s", e.text);
		v[n] = &room[n];
		n++;
	}
	if (!n)
		ofctl_die("which? ct-set-timeouts SWITCH [zone=N] NAME=SECONDS...");
	if (w.in_zone) {
		Weft__CtZoneSet *s = add_zone(&z);

		s->zone = w.zone;
		s->timeouts = v;
		s->n_timeouts = n;
		q.zones = z.v;
		q.n_zones = z.n;
	} else {
		q.timeouts = v;
		q.n_timeouts = n;
	}
	begin(&a, argv[1]);
	set(&a, &q);
	return end(&a);
}

/* ---- The rest ---- */

int ofctl_ct_get_maxconns(int argc, char **argv)
{
	struct asking a;

	begin(&a, argv[1]);
	printf("%" PRIu64 "\n", get(&a, NULL)->max);
	return end(&a);
}

int ofctl_ct_set_maxconns(int argc, char **argv)
{
	Weft__CtSet q = WEFT__CT_SET__INIT;
	struct err e = { "" };
	struct asking a;

	if (ofctl_ct_number(argv[2], 0, UINT32_MAX, &q.max, &e))
		ofctl_die("%s", e.text);
	if (!q.max)
		ofctl_die("ct-set-maxconns: 0 connections are no table");
	begin(&a, argv[1]);
	set(&a, &q);
	return end(&a);
}

int ofctl_ct_tcp_seq_chk(int argc, char **argv)
{
	Weft__CtSet q = WEFT__CT_SET__INIT;
	const Weft__CtStats *s;
	struct asking a;

	if (argc > 2) {
		if (ofctl_options.read_only)
			ofctl_die("ct-tcp-seq-chk SWITCH on|off: not with --read-only");
		if (strcmp(argv[2], "on") != 0 && strcmp(argv[2], "off") != 0)
			ofctl_die("ct-tcp-seq-chk %s: on or off", argv[2]);
		q.tcp_seq_chk =
			!strcmp(argv[2], "on") ? WEFT__CT_SWITCH__CT_ON : WEFT__CT_SWITCH__CT_OFF;
	}
	begin(&a, argv[1]);
	s = argc > 2 ? set(&a, &q) : get(&a, NULL);
	if (argc == 2)
		printf("TCP sequence checking: %s\n", !s->tcp_seq_chk ? "disabled" : "enabled");
	return end(&a);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Tables: what they are configured to, and what they can do. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/ofctl.h"

static void expect(bool good, const char *words, const char *text)
{
	if (!good)
		ofctl_die("%s \"%s\"", words, text);
}

static unsigned long number(const char *s, unsigned long max, const char *words)
{
	char *end;
	unsigned long n = strtoul(s, &end, 0);

	expect(*s && !*end && n <= max, words, s);
	return n;
}

static unsigned int table_number(const char *s)
{
	return strcasecmp(s, "all") ? (unsigned int)number(s, OFPTT_ALL, "unknown table")
				    : OFPTT_ALL;
}

/* ---- Configuration: 1.4's, as ONF's experimenter has it ---- */

static struct of_table_desc_reply *ask_desc(struct ofctl_conn *c, struct arena *a,
					    const struct of_msg **m)
{
	struct of_table_desc_request q = { .kind = OF_KIND_table_desc_request };
	struct of_mp_experimenter_request x = { .kind = OF_KIND_mp_experimenter_request,
						.experimenter = OF_ONF_ID,
						.exp_type = 1920,
						.body = (struct of_any *)&q };
	const struct of_mp_experimenter_reply *r;

	*m = ofctl_ask_mp(c, &x, a);
	r = (const struct of_mp_experimenter_reply *)ofctl_mp_body(*m);
	if (r->kind != OF_KIND_mp_experimenter_reply || !r->body ||
	    r->body->kind != OF_KIND_table_desc_reply)
		ofctl_die("%s: this is no table description", ofctl_target(c));
	return (struct of_table_desc_reply *)r->body;
}

int ofctl_dump_table_desc(int argc, char **argv)
{
	struct ofctl_conn *c = ofctl_connect(argv[1]);
	const struct of_msg *m;
	struct arena a;

	arena_init(&a, 0);
	ask_desc(c, &a, &m);
	of_format_msg(stdout, m, NULL);
	arena_fini(&a);
	ofctl_close(c);
	return 0;
}

struct setting {
	uint32_t on, off; /* OFPTC_* */
	struct of_table_prop_vacancy vacancy;
};

static struct setting parse_setting(const char *s)
{
	struct setting r = { .vacancy = { .kind = OF_KIND_table_prop_vacancy } };
	unsigned int down, up;
	int end = 0;

	if (!strcmp(s, "evict")) {
		r.on = OFPTC_EVICTION;
	} else if (!strcmp(s, "noevict")) {
		r.off = OFPTC_EVICTION;
	} else if (!strcmp(s, "novacancy")) {
		r.off = OFPTC_VACANCY_EVENTS;
	} else if (!strncmp(s, "vacancy:", 8)) {
		if (sscanf(s, "vacancy:%3u,%3u%n", &down, &up, &end) != 2 || s[end] || up > 100)
			ofctl_die("invalid table_mod setting %s: vacancy:LOW,HIGH in percent", s);
		if (down > up)
			ofctl_die("Invalid vacancy range, vacancy up should be greater than "
				  "vacancy down");
		r.on = OFPTC_VACANCY_EVENTS;
		r.vacancy.vacancy_down = (uint8_t)down;
		r.vacancy.vacancy_up = (uint8_t)up;
	} else if (!strcmp(s, "controller") || !strcmp(s, "continue") || !strcmp(s, "drop")) {
		ofctl_die("table_mod '%s' requires one of the OpenFlow versions OpenFlow11, "
			  "OpenFlow12; in 1.3 what happens on a miss is a flow of priority 0",
			  s);
	} else {
		ofctl_die("invalid table_mod setting %s", s);
	}
	return r;
}

/* What the table is configured to already stays. */
static void add_mod(struct ofctl_mods *m, const struct of_table_desc *d, struct setting *s)
{
	struct of_onf_table_mod t = { .kind = OF_KIND_onf_table_mod,
				      .table_id = d->table_id,
				      .config = (d->config & ~s->off) | s->on };
	struct of_experimenter_msg x = { .kind = OF_KIND_experimenter_msg,
					 .experimenter = OF_ONF_ID,
					 .exp_type = 1920,
					 .body = (struct of_any *)&t };

	for (uint32_t i = 0; i < d->properties.n; i++) {
		struct of_any *p = d->properties.v[i];

		if (p->kind == OF_KIND_table_prop_vacancy)
			((struct of_table_prop_vacancy *)p)->vacancy = 0;
		if (p->kind == OF_KIND_table_prop_vacancy
			    ? !((s->on | s->off) & OFPTC_VACANCY_EVENTS)
			    : !(s->off & OFPTC_EVICTION))
			of_list_add(&t.properties, &m->arena, p);
	}
	if (s->on & OFPTC_VACANCY_EVENTS)
		of_list_add(&t.properties, &m->arena, (struct of_any *)&s->vacancy);
	ofctl_mods_add(m, &x, 0);
}

static int configure_table(char **argv)
{
	unsigned int table = table_number(argv[2]);
	struct setting s = parse_setting(argv[3]);
	struct ofctl_conn *c = ofctl_connect(argv[1]);
	const struct of_table_desc_reply *r;
	const struct of_msg *msg;
	struct ofctl_mods m;
	struct arena a;
	int status;

	arena_init(&a, 0);
	ofctl_mods_init(&m, NULL);
	r = ask_desc(c, &a, &msg);
	for (uint32_t i = 0; i < r->tables.n; i++) {
		const struct of_table_desc *d = OF_AT(&r->tables, i, table_desc);

		if (table == OFPTT_ALL || table == d->table_id)
			add_mod(&m, d, &s);
	}
	expect(m.n, "the switch has no table", argv[2]);
	status = ofctl_mods_send(&m, c, false);
	arena_fini(&a);
	ofctl_close(c);
	return status;
}

/* ---- Features ---- */

static struct of_ids *property(struct of_table_features *t, enum of_kind kind)
{
	/* All but experimenters' are a kind and a list of ids (of13.def). */
	for (uint32_t i = 0; i < t->properties.n; i++)
		if (t->properties.v[i]->kind == kind)
			return &((struct of_tf_instructions *)t->properties.v[i])->ids;
	ofctl_die("table %u has no %s", t->table_id, of_kind_name(kind));
}

/* Only the fields named stay. */
static void keep_fields(struct of_ids *ids, const char *names)
{
	bool keep[OF_N_FIELDS] = { false };
	uint32_t n = 0;

	while (*names) {
		size_t len = strcspn(names, ",");
		const struct of_field *f = of_field_by_name(names, len);

		if (!f)
			ofctl_die("unknown field \"%.*s\"", (int)len, names);
		keep[f->id] = true;
		names += len + (names[len] == ',');
	}
	for (uint32_t i = 0; i < ids->n; i++)
		if (ids->v[i].field && keep[ids->v[i].field->id])
			ids->v[n++] = ids->v[i];
	ids->n = n;
}

/* Only the tables named stay: "3,5-9". */
static void keep_tables(struct of_ids *ids, const char *list)
{
	bool keep[256] = { false };
	uint32_t n = 0;

	while (*list) {
		unsigned int from, to;
		int end = 0;

		if (sscanf(list, "%3u%n", &from, &end) != 1)
			ofctl_die("next: tables as 3,5-9, not \"%s\"", list);
		list += end;
		to = from;
		end = 0;
		if (*list == '-' && sscanf(list, "-%3u%n", &to, &end) == 1)
			list += end;
		if ((*list && *list != ',') || to > 255 || from > to)
			ofctl_die("next: tables as 3,5-9, not \"%s\"", list);
		for (; from <= to; from++)
			keep[from] = true;
		list += *list == ',';
	}
	for (uint32_t i = 0; i < ids->n; i++)
		if (keep[ids->v[i].type & 255])
			ids->v[n++] = ids->v[i];
	ids->n = n;
}

static void change(struct of_table_features *t, const char *what)
{
	if (!strncmp(what, "name=", 5)) {
		expect(strlen(what + 5) < sizeof(t->name),
		       "a name has 31 bytes at most:", what + 5);
		memset(t->name, 0, sizeof(t->name));
		memcpy(t->name, what + 5, strlen(what + 5));
	} else if (!strncmp(what, "max_entries=", 12)) {
		t->max_entries = (uint32_t)number(what + 12, UINT32_MAX, "max_entries:");
	} else if (!strncmp(what, "match=", 6)) {
		keep_fields(property(t, OF_KIND_tf_match), what + 6);
		keep_fields(property(t, OF_KIND_tf_wildcards), what + 6);
	} else if (!strncmp(what, "wildcards=", 10)) {
		keep_fields(property(t, OF_KIND_tf_wildcards), what + 10);
	} else if (!strncmp(what, "next=", 5)) {
		keep_tables(property(t, OF_KIND_tf_next_tables), what + 5);
		keep_tables(property(t, OF_KIND_tf_next_tables_miss), what + 5);
	} else {
		ofctl_die("\"%s\": name=, max_entries=, match=, wildcards=, next= or remove", what);
	}
}

/* The table leaves the pipeline: none leads to it any more. */
static void remove_table(struct of_list *tables, unsigned int id)
{
	static const enum of_kind kinds[] = { OF_KIND_tf_next_tables, OF_KIND_tf_next_tables_miss };
	uint32_t n = 0;

	for (uint32_t i = 0; i < tables->n; i++) {
		struct of_table_features *t = OF_AT(tables, i, table_features);

		for (unsigned int k = 0; k < 2; k++) {
			struct of_ids *ids = property(t, kinds[k]);
			uint32_t left = 0;

			for (uint32_t j = 0; j < ids->n; j++)
				if (ids->v[j].type != id)
					ids->v[left++] = ids->v[j];
			ids->n = left;
		}
		if (t->table_id != id)
			tables->v[n++] = tables->v[i];
	}
	tables->n = n;
}

/* All tables, in as many messages as it takes; the answer is their features. */
static int send_features(struct ofctl_conn *c, const struct of_list *tables, struct arena *a)
{
	enum { AT_ONCE = 10 };
	const uint32_t xid = ofctl_xid(c);

	for (uint32_t i = 0; i < tables->n; i += AT_ONCE) {
		const uint32_t left = tables->n - i;
		struct of_mp_table_features_request q = {
			.kind = OF_KIND_mp_table_features_request,
			.tables = { left < AT_ONCE ? left : AT_ONCE, &tables->v[i] }
		};
		struct of_multipart_request r = { .kind = OF_KIND_multipart_request,
						  .type = OFPMP_TABLE_FEATURES,
						  .flags = left > AT_ONCE ? OFPMPF_REQ_MORE : 0,
						  .body = (struct of_any *)&q };

		ofctl_send_as(c, xid, &r);
	}
	for (;;) {
		const struct of_msg *m = ofctl_recv_xid(c, xid, a);

		if (m->type == OFPT_ERROR) {
			of_format_msg(stdout, m, NULL);
			return 1;
		}
		if (!(((const struct of_multipart_reply *)m->body)->flags & OFPMPF_REPLY_MORE))
			return 0;
	}
}

int ofctl_table_features(int argc, char **argv)
{
	struct of_mp_table_features_request q = { .kind = OF_KIND_mp_table_features_request };
	unsigned int id = table_number(argv[2]);
	struct ofctl_conn *c = ofctl_connect(argv[1]);
	struct of_mp_table_features_reply *r;
	struct of_table_features *t = NULL;
	struct arena a;
	int status;

	arena_init(&a, 0);
	r = (struct of_mp_table_features_reply *)ofctl_mp_body(ofctl_ask_mp(c, &q, &a));
	if (r->kind != OF_KIND_mp_table_features_reply)
		ofctl_die("%s: this is no table feature", ofctl_target(c));
	for (uint32_t i = 0; i < r->tables.n; i++)
		if (OF_AT(&r->tables, i, table_features)->table_id == id)
			t = OF_AT(&r->tables, i, table_features);
	if (!t)
		ofctl_die("the switch has no table \"%s\"", argv[2]);
	if (argc == 4 && !strcmp(argv[3], "remove"))
		remove_table(&r->tables, id);
	else
		for (int i = 3; i < argc; i++)
			change(t, argv[i]);
	status = send_features(c, &r->tables, &a);
	arena_fini(&a);
	ofctl_close(c);
	return status;
}

/* ---- mod-table ---- */

static int set_table_name(char *sw, char *table, const char *name)
{
	char *setting = NULL;
	int status;

	if (asprintf(&setting, "name=%s", name) < 0)
		ofctl_die("out of memory");
	status = ofctl_table_features(4, (char *[]){ NULL, sw, table, setting });
	free(setting);
	return status;
}

int ofctl_mod_table(int argc, char **argv)
{
	if (!strncmp(argv[3], "name:", 5))
		return set_table_name(argv[1], argv[2], argv[3] + 5);
	return configure_table(argv);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/text_group.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ofproto/text_action.h"

static const struct text_name types[] = {
	{ "all", OFPGT_ALL }, { "select", OFPGT_SELECT },    { "indirect", OFPGT_INDIRECT },
	{ "ff", OFPGT_FF },   { "fast_failover", OFPGT_FF }, { NULL, 0 }
};

static const struct text_name places[] = { { "all", OFPG_BUCKET_ALL },
					   { "first", OFPG_BUCKET_FIRST },
					   { "last", OFPG_BUCKET_LAST },
					   { NULL, 0 } };

enum { NO_WEIGHT = -1 };

/* ---- Buckets ---- */

enum { NO_BUCKET_ID = 0xffffffff };

struct bucket_words {
	int weight;  /* NO_WEIGHT: not given */
	uint32_t id; /* NO_BUCKET_ID: not given */
	struct of_bucket *b;
	FILE *actions; /* what is not the bucket's own, put together again */
};

static int parse_watch(struct bucket_words *w, const char *key, const char *value,
		       const struct of_names *n, struct err *e)
{
	uint32_t v;
	int r;

	if (!strcmp(key, "watch_port")) {
		r = of_parse_port(value, n, &v, e);
		if (!r && v >= OFPP_MAX && v != OFPP_ANY)
			r = -EINVAL;
		if (r)
			return err_set(e, r, "watch_port=%s: expected a port", value);
		w->b->watch_port = v;
		return 0;
	}
	if (!strcasecmp(value, "any"))
		return 0;
	r = text_u32(value, key, &v, e);
	if (!r && v > OFPG_MAX)
		return err_set(e, -EINVAL, "watch_group=%s: groups are 0 to 0x%x", value, OFPG_MAX);
	if (!r)
		w->b->watch_group = v;
	return r;
}

static int parse_bucket_key(struct bucket_words *w, const char *key, const char *value,
			    const struct of_names *n, struct err *e)
{
	uint16_t weight;
	int r;

	if (!strcasecmp(key, "weight")) {
		r = text_u16(value, "weight", &weight, e);
		w->weight = weight;
		return r;
	}
	if (!strcasecmp(key, "bucket_id"))
		return text_u32(value, "bucket_id", &w->id, e);
	if (!strcasecmp(key, "watch_port") || !strcasecmp(key, "watch_group"))
		return parse_watch(w, key, value, n, e);
	if (!strcasecmp(key, "actions") || !strcasecmp(key, "action"))
		fprintf(w->actions, "%s,", value);
	else if (*value)
		fprintf(w->actions, "%s(%s),", key, value);
	else
		fprintf(w->actions, "%s,", key);
	return 0;
}

static int parse_bucket_words(struct bucket_words *w, char *s, const struct of_names *n,
			      struct arena *a, struct err *e)
{
	char *key, *value, *text = NULL;
	struct text_actions c;
	size_t len = 0;
	int r = 0;

	w->actions = open_memstream(&text, &len);
	if (!w->actions)
		return err_set(e, -ENOMEM, "out of memory");
	while (!r && text_next(&s, &key, &value))
		r = parse_bucket_key(w, key, value, n, e);
	fclose(w->actions);
	if (!r && !len)
		r = err_set(e, -EINVAL, "a bucket needs actions (actions=drop to drop)");
	if (!r) {
		text_actions_init(&c, NULL, n, a, &w->b->actions, e);
		r = text_actions_parse(&c, text);
	}
	free(text);
	return r;
}

/* What only 1.5's layout has. */
struct more {
	struct of_selection how;
	bool wanted, has_param, has_fields;
	uint32_t command_bucket; /* NO_BUCKET_ID: not given */
	bool has_command_bucket;
	uint32_t *ids; /* by bucket */
	bool *weighs;  /* likewise: a weight is told */
	bool insertion;
};

static int parse_bucket(struct of_group_mod *g, struct more *x, char *s, const struct of_names *n,
			struct arena *a, struct err *e)
{
	struct bucket_words w = { .weight = NO_WEIGHT, .id = NO_BUCKET_ID, .b = OF_NEW(a, bucket) };
	int r;

	if (!w.b)
		return err_set(e, -ENOMEM, "out of memory");
	w.b->watch_port = OFPP_ANY;
	w.b->watch_group = OFPG_ANY;
	r = parse_bucket_words(&w, s, n, a, e);
	if (r)
		return r;
	x->ids[g->buckets.n] = w.id;
	if (w.weight != NO_WEIGHT && g->type != OFPGT_SELECT && !x->insertion)
		return err_set(e, -EINVAL, "only buckets of select groups have a weight");
	x->weighs[g->buckets.n] = w.weight != NO_WEIGHT || !x->insertion;
	if (g->type == OFPGT_FF && w.b->watch_port == OFPP_ANY && w.b->watch_group == OFPG_ANY)
		return err_set(e, -EINVAL,
			       "a bucket of a fast failover group needs watch_port or "
			       "watch_group");
	w.b->weight = w.weight != NO_WEIGHT ? (uint16_t)w.weight : g->type == OFPGT_SELECT;
	if (of_list_add(&g->buckets, a, (struct of_any *)w.b))
		return err_set(e, -ENOMEM, "out of memory");
	return 0;
}

/* Cuts the string before each "bucket=" and reads what is between. */
static int parse_buckets(struct of_group_mod *g, struct more *x, char *s, const struct of_names *n,
			 struct arena *a, struct err *e)
{
	unsigned int number = 0;

	for (const char *b = s; b; b = strstr(b + 1, "bucket="))
		number++;
	x->ids = arena_get(a, (number + 1) * sizeof(*x->ids));
	x->weighs = arena_get(a, number + 1);
	if (!x->ids || !x->weighs)
		return err_set(e, -ENOMEM, "out of memory");
	number = 0;
	while (s) {
		char *value = s + strlen("bucket="), *next = strstr(value, "bucket=");
		int r;

		if (next)
			*next = '\0';
		r = parse_bucket(g, x, value, n, a, e);
		if (r)
			return err_wrap(e, r, "bucket %u", number);
		s = next;
		number++;
	}
	if (g->type == OFPGT_INDIRECT && number > 1 && !x->insertion)
		return err_set(e, -EINVAL, "an indirect group has one bucket");
	return 0;
}

/* ---- The group ---- */

struct group_words {
	struct of_group_mod *g;
	bool has_id, has_type;
	struct more x;
};

static int parse_group_id(const char *s, uint32_t *id, struct err *e)
{
	int r;

	if (!strcasecmp(s, "all")) {
		*id = OFPG_ALL;
		return 0;
	}
	r = text_u32(s, "group_id", id, e);
	if (!r && *id > OFPG_MAX && *id != OFPG_ALL)
		return err_set(e, -EINVAL, "group_id=%s: groups are 0 to 0x%x", s, OFPG_MAX);
	return r;
}

static int parse_command_bucket(struct more *x, const char *value, struct err *e)
{
	x->has_command_bucket = true;
	if (!text_value_of(places, value, &x->command_bucket))
		return 0;
	if (text_u32(value, "command_bucket_id", &x->command_bucket, e) ||
	    x->command_bucket > OFPG_BUCKET_MAX)
		return err_set(e, -EINVAL, "invalid command bucket id %s", value);
	return 0;
}

/* 0: read; 1: another key; or -errno. */
static int parse_more(struct more *x, const char *key, char *value, struct err *e)
{
	int r;

	if (!strcmp(key, "command_bucket_id"))
		return parse_command_bucket(x, value, e);
	if (!strcmp(key, "selection_method")) {
		if (strlen(value) >= sizeof(x->how.method))
			return err_set(e, -EINVAL, "selection method is longer than %zu bytes long",
				       sizeof(x->how.method) - 1);
		memcpy(x->how.method, value, strlen(value) + 1);
		x->wanted = true;
		return 0;
	}
	if (!strcmp(key, "selection_method_param")) {
		x->has_param = true;
		return text_u64(value, key, &x->how.param, e);
	}
	if (strcmp(key, "fields") != 0)
		return 1;
	x->has_fields = true;
	r = text_selection_fields(&x->how, value, e);
	return r;
}

static int check_more(const struct more *x, uint16_t command, struct err *e)
{
	const bool change = command == OFPGC_INSERT_BUCKET || command == OFPGC_REMOVE_BUCKET;

	if (x->has_fields && strcmp(x->how.method, "hash") != 0)
		return err_set(e, -EINVAL,
			       "fields may only be specified with \"selection_method=hash\"");
	if (x->has_param && !x->how.method[0])
		return err_set(e, -EINVAL,
			       "selection_method_param is only allowed with \"selection_method\"");
	if (x->has_command_bucket && !change)
		return err_set(e, -EINVAL, "command bucket id is not needed");
	if (!x->has_command_bucket && change)
		return err_set(e, -EINVAL, "must specify a command bucket id");
	if (change && x->wanted)
		return err_set(e, -EINVAL, "buckets come and go without a selection method");
	return 0;
}

static int parse_group_key(struct group_words *w, const char *key, char *value, struct err *e)
{
	uint32_t type;
	int r;

	if (!strcmp(key, "group_id")) {
		w->has_id = true;
		return parse_group_id(value, &w->g->group_id, e);
	}
	if (!strcmp(key, "type")) {
		if (w->g->command == OFPGC_DELETE)
			return err_set(e, -EINVAL,
				       "a group is deleted by its id alone, not by type");
		if (text_value_of(types, value, &type))
			return err_set(e, -EINVAL, "type=%s: expected all, select, indirect or ff",
				       value);
		w->g->type = (uint8_t)type;
		w->has_type = true;
		return 0;
	}
	r = parse_more(&w->x, key, value, e);
	if (r <= 0)
		return r;
	return err_set(e, -EINVAL, "unknown keyword \"%s\": expected group_id, type, bucket", key);
}

static char *find_buckets(char *s)
{
	for (char *p = s; (p = strstr(p, "bucket=")); p++)
		if (p == s || strchr(", \t\r\n", p[-1]))
			return p;
	return NULL;
}

/* What a bucket says by properties in 1.5's layout. */
static int add_props(const struct of_bucket *k, bool has_weight, struct of_list *l, struct arena *a)
{
	struct of_bucket_prop_watch_group *g = OF_NEW(a, bucket_prop_watch_group);
	struct of_bucket_prop_watch_port *p = OF_NEW(a, bucket_prop_watch_port);
	struct of_bucket_prop_weight *w = OF_NEW(a, bucket_prop_weight);
	int r = 0;

	if (!g || !p || !w)
		return -ENOMEM;
	w->weight = k->weight;
	p->watch = k->watch_port;
	g->watch = k->watch_group;
	if (has_weight)
		r = of_list_add(l, a, (struct of_any *)w);
	if (!r && k->watch_port != OFPP_ANY)
		r = of_list_add(l, a, (struct of_any *)p);
	if (!r && k->watch_group != OFPG_ANY)
		r = of_list_add(l, a, (struct of_any *)g);
	return r;
}

/* Buckets without an id have the lowest that no other has, as ovs-ofctl chooses them. */
static void number_buckets(uint32_t *ids, uint32_t n)
{
	uint32_t next = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (ids[i] != NO_BUCKET_ID)
			continue;
		for (uint32_t k = 0; k < n; k++)
			if (ids[k] == next) {
				next++;
				k = -1u;
			}
		ids[i] = next++;
	}
}

static int to_ext(const struct of_group_mod *g, struct more *x, struct arena *a,
		  struct of_any **out)
{
	struct of_experimenter_msg *m = OF_NEW(a, experimenter_msg);
	struct of_weft_group_mod *w = OF_NEW(a, weft_group_mod);
	int r = 0;

	if (!m || !w)
		return -ENOMEM;
	w->command = g->command;
	w->type = g->type;
	w->group_id = g->group_id;
	w->command_bucket_id = x->has_command_bucket ? x->command_bucket : OFPG_BUCKET_ALL;
	/* Which ids are free in a group that is there, it knows itself: 0xffffffff. */
	if (!x->insertion)
		number_buckets(x->ids, g->buckets.n);
	for (uint32_t i = 0; i < g->buckets.n && !r; i++) {
		const struct of_bucket *k = OF_AT(&g->buckets, i, bucket);
		struct of_ext_bucket *b = OF_NEW(a, ext_bucket);

		if (!b)
			return -ENOMEM;
		b->bucket_id = x->ids[i];
		b->actions = k->actions;
		r = add_props(k, (g->type == OFPGT_SELECT || x->insertion) && x->weighs[i],
			      &b->properties, a);
		if (!r)
			r = of_list_add(&w->buckets, a, (struct of_any *)b);
	}
	if (!r && x->how.method[0])
		r = of_selection_put(&x->how, &w->properties, a);
	m->experimenter = OF_WEFT_ID;
	m->body = (struct of_any *)w;
	*out = (struct of_any *)m;
	return r;
}

static int parse(struct group_words *w, const char *s, uint16_t command, const struct of_names *n,
		 struct arena *a, struct err *e)
{
	char *copy = arena_strdup(a, s), *buckets, *key, *value;
	const bool change = command == OFPGC_INSERT_BUCKET || command == OFPGC_REMOVE_BUCKET;
	const bool none = command == OFPGC_DELETE || command == OFPGC_REMOVE_BUCKET;
	int r;

	if (!w->g || !copy)
		return err_set(e, -ENOMEM, "out of memory");
	w->x.insertion = change;
	w->g->command = command;
	w->g->group_id = OFPG_ALL;
	buckets = find_buckets(copy);
	if (buckets && command == OFPGC_DELETE)
		return err_set(e, -EINVAL, "a group is deleted by its id alone, without buckets");
	if (buckets && none)
		return err_set(e, -EINVAL, "bucket is not needed");
	if (buckets && buckets > copy)
		buckets[-1] = '\0';
	while ((!buckets || copy < buckets) && text_next(&copy, &key, &value)) {
		r = parse_group_key(w, key, value, e);
		if (r)
			return r;
	}
	r = check_more(&w->x, command, e);
	if (r || command == OFPGC_DELETE)
		return r;
	if (!w->has_id)
		return err_set(e, -EINVAL, "a group needs group_id=");
	if (!w->has_type && !change)
		return err_set(e, -EINVAL, "a group needs type=all, select, indirect or ff");
	return parse_buckets(w->g, &w->x, buckets, n, a, e);
}

int of_parse_group_ext(const char *s, uint16_t command, const struct of_names *n, struct arena *a,
		       struct of_any **out, struct err *e)
{
	struct group_words w = { .g = OF_NEW(a, group_mod) };
	int r = parse(&w, s, command, n, a, e);

	if (r)
		return r;
	*out = (struct of_any *)w.g;
	if (!w.x.wanted && !w.x.insertion)
		return 0;
	r = to_ext(w.g, &w.x, a, out);
	return r ? err_set(e, r, "out of memory") : 0;
}

int of_parse_group(const char *s, uint16_t command, const struct of_names *n, struct arena *a,
		   struct of_group_mod **out, struct err *e)
{
	struct of_any *any;
	int r = of_parse_group_ext(s, command, n, a, &any, e);

	if (r)
		return r;
	if (any->kind != OF_KIND_group_mod)
		return err_set(e, -EINVAL,
			       "selection methods, insertions: OpenFlow 1.3's group_mod does not "
			       "have them");
	*out = (struct of_group_mod *)any;
	return 0;
}

/* ---- Printing ---- */

static void put_bucket(FILE *f, uint8_t type, const struct of_bucket *b, const uint32_t *id,
		       const struct of_names *n)
{
	fputs(",bucket=", f);
	if (id)
		fprintf(f, "bucket_id:%u,", *id);
	if (b->weight != (type == OFPGT_SELECT))
		fprintf(f, "weight:%u,", b->weight);
	if (b->watch_port != OFPP_ANY) {
		fputs("watch_port:", f);
		of_format_port(f, b->watch_port, n);
		fputc(',', f);
	}
	if (b->watch_group != OFPG_ANY)
		fprintf(f, "watch_group:%u,", b->watch_group);
	fputs("actions=", f);
	of_format_actions(f, &b->actions, n);
}

static void put_head(FILE *f, uint32_t id, uint8_t type)
{
	const char *name = text_name_of(types, type);

	fprintf(f, "group_id=%u", id);
	if (name)
		fprintf(f, ",type=%s", name);
}

void text_put_group(FILE *f, uint32_t id, uint8_t type, const struct of_list *buckets,
		    const struct of_names *n)
{
	put_head(f, id, type);
	for (uint32_t i = 0; i < buckets->n; i++)
		put_bucket(f, type, OF_AT(buckets, i, bucket), NULL, n);
}

static void put_ext_bucket(FILE *f, uint8_t type, const struct of_ext_bucket *x, bool with_id,
			   const struct of_names *n)
{
	struct of_bucket b = { .weight = type == OFPGT_SELECT,
			       .watch_port = OFPP_ANY,
			       .watch_group = OFPG_ANY,
			       .actions = x->actions };

	for (uint32_t i = 0; i < x->properties.n; i++) {
		const struct of_any *p = x->properties.v[i];

		if (p->kind == OF_KIND_bucket_prop_weight)
			b.weight = ((const struct of_bucket_prop_weight *)p)->weight;
		else if (p->kind == OF_KIND_bucket_prop_watch_port)
			b.watch_port = ((const struct of_bucket_prop_watch_port *)p)->watch;
		else
			b.watch_group = ((const struct of_bucket_prop_watch_group *)p)->watch;
	}
	put_bucket(f, type, &b, with_id ? &x->bucket_id : NULL, n);
}

static void put_ext(FILE *f, uint8_t type, const struct of_list *buckets,
		    const struct of_list *properties, const struct of_names *n)
{
	struct of_selection how;
	bool ids = false;

	if (of_selection_get(properties, &how, NULL) > 0)
		text_put_selection(f, &how);
	for (uint32_t i = 0; i < buckets->n; i++)
		ids = ids || OF_AT(buckets, i, ext_bucket)->bucket_id != i;
	for (uint32_t i = 0; i < buckets->n; i++)
		put_ext_bucket(f, type, OF_AT(buckets, i, ext_bucket), ids, n);
}

void text_put_ext_group(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	const struct of_weft_group_mod *g = (const void *)body;
	const char *place;

	if (g->command != OFPGC_INSERT_BUCKET && g->command != OFPGC_REMOVE_BUCKET) {
		put_head(f, g->group_id, g->type);
	} else {
		place = text_name_of(places, g->command_bucket_id);
		fprintf(f, "group_id=%u,command_bucket_id=", g->group_id);
		if (place)
			fputs(place, f);
		else
			fprintf(f, "%u", g->command_bucket_id);
	}
	put_ext(f, g->type, &g->buckets, &g->properties, o->names);
}

void text_put_ext_groups(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	const struct of_list *l = &((const struct of_weft_group_desc_reply *)body)->groups;

	fputc('\n', f);
	for (uint32_t i = 0; i < l->n; i++) {
		const struct of_ext_group_desc *d = OF_AT(l, i, ext_group_desc);

		fputc(' ', f);
		put_head(f, d->group_id, d->type);
		put_ext(f, d->type, &d->buckets, &d->properties, o->names);
		fputc('\n', f);
	}
}

void of_format_group(FILE *f, const struct of_group_desc *g, const struct of_names *n)
{
	text_put_group(f, g->group_id, g->type, &g->buckets, n);
}

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

enum { NO_WEIGHT = -1 };

/* ---- Buckets ---- */

struct bucket_words {
	int weight; /* NO_WEIGHT: not given */
	struct of_bucket *b;
	FILE *actions; /* what is not the bucket's own, put together again */
};

static int parse_watch(struct bucket_words *w, const char *key, const char *value, struct err *e)
{
	uint32_t v;
	int r;

	if (!strcmp(key, "watch_port")) {
		r = of_parse_port(value, NULL, &v, e);
		if (!r && v >= OFPP_MAX && v != OFPP_ANY)
			r = -EINVAL;
		if (r)
			return err_set(e, r, "watch_port=%s: expected the number of a port", value);
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
			    struct err *e)
{
	uint16_t weight;
	uint32_t id;
	int r;

	if (!strcasecmp(key, "weight")) {
		r = text_u16(value, "weight", &weight, e);
		w->weight = weight;
		return r;
	}
	if (!strcasecmp(key, "bucket_id"))
		return text_u32(value, "bucket_id", &id, e); /* of OpenFlow 1.5: read over */
	if (!strcasecmp(key, "watch_port") || !strcasecmp(key, "watch_group"))
		return parse_watch(w, key, value, e);
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
		r = parse_bucket_key(w, key, value, e);
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

static int parse_bucket(struct of_group_mod *g, char *s, const struct of_names *n, struct arena *a,
			struct err *e)
{
	struct bucket_words w = { .weight = NO_WEIGHT, .b = OF_NEW(a, bucket) };
	int r;

	if (!w.b)
		return err_set(e, -ENOMEM, "out of memory");
	w.b->watch_port = OFPP_ANY;
	w.b->watch_group = OFPG_ANY;
	r = parse_bucket_words(&w, s, n, a, e);
	if (r)
		return r;
	if (w.weight != NO_WEIGHT && g->type != OFPGT_SELECT)
		return err_set(e, -EINVAL, "only buckets of select groups have a weight");
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
static int parse_buckets(struct of_group_mod *g, char *s, const struct of_names *n, struct arena *a,
			 struct err *e)
{
	unsigned int number = 0;

	while (s) {
		char *value = s + strlen("bucket="), *next = strstr(value, "bucket=");
		int r;

		if (next)
			*next = '\0';
		r = parse_bucket(g, value, n, a, e);
		if (r)
			return err_wrap(e, r, "bucket %u", number);
		s = next;
		number++;
	}
	if (g->type == OFPGT_INDIRECT && number != 1)
		return err_set(e, -EINVAL, "an indirect group has exactly one bucket");
	return 0;
}

/* ---- The group ---- */

struct group_words {
	struct of_group_mod *g;
	bool has_id, has_type;
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

static int parse_group_key(struct group_words *w, const char *key, const char *value, struct err *e)
{
	uint32_t type;

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
	if (!strcmp(key, "selection_method") || !strcmp(key, "fields") ||
	    !strcmp(key, "command_bucket_id"))
		return err_set(e, -EINVAL, "%s: OpenFlow 1.3 groups do not have it", key);
	return err_set(e, -EINVAL, "unknown keyword \"%s\": expected group_id, type, bucket", key);
}

static char *find_buckets(char *s)
{
	for (char *p = s; (p = strstr(p, "bucket=")); p++)
		if (p == s || strchr(", \t\r\n", p[-1]))
			return p;
	return NULL;
}

int of_parse_group(const char *s, uint16_t command, const struct of_names *n, struct arena *a,
		   struct of_group_mod **out, struct err *e)
{
	struct group_words w = { .g = OF_NEW(a, group_mod) };
	char *copy = arena_strdup(a, s), *buckets, *key, *value;
	int r;

	if (!w.g || !copy)
		return err_set(e, -ENOMEM, "out of memory");
	w.g->command = command;
	w.g->group_id = OFPG_ALL;
	buckets = find_buckets(copy);
	if (buckets && command == OFPGC_DELETE)
		return err_set(e, -EINVAL, "a group is deleted by its id alone, without buckets");
	if (buckets && buckets > copy)
		buckets[-1] = '\0';
	while ((!buckets || copy < buckets) && text_next(&copy, &key, &value)) {
		r = parse_group_key(&w, key, value, e);
		if (r)
			return r;
	}
	if (command != OFPGC_DELETE) {
		if (!w.has_id)
			return err_set(e, -EINVAL, "a group needs group_id=");
		if (!w.has_type)
			return err_set(e, -EINVAL,
				       "a group needs type=all, select, indirect or ff");
		r = parse_buckets(w.g, buckets, n, a, e);
		if (r)
			return r;
	}
	*out = w.g;
	return 0;
}

/* ---- Printing ---- */

void text_put_group(FILE *f, uint32_t id, uint8_t type, const struct of_list *buckets,
		    const struct of_names *n)
{
	const char *name = text_name_of(types, type);

	fprintf(f, "group_id=%u", id);
	if (name)
		fprintf(f, ",type=%s", name);
	for (uint32_t i = 0; i < buckets->n; i++) {
		const struct of_bucket *b = OF_AT(buckets, i, bucket);

		fputs(",bucket=", f);
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
}

void of_format_group(FILE *f, const struct of_group_desc *g, const struct of_names *n)
{
	text_put_group(f, g->group_id, g->type, &g->buckets, n);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tags of any resource: words that clients put on objects and look for.
 *
 *   GET, PUT, DELETE  COLLECTION/ID/tags       all of them; {"tags": ["red", "blue"]}
 *   GET, PUT, DELETE  COLLECTION/ID/tags/TAG   one of them
 */
#include <stdlib.h>
#include <string.h>

#include "controller/mem.h"
#include "controller/nb_policy.h"

static const struct attr *tags_attr(const struct resource *r)
{
	return attr_find(&r->shape, "tags");
}

static size_t tag_find(const struct attr *a, const void *p, const char *tag)
{
	char *const *tags = *(char *const *const *)attr_at(a, p);
	size_t n = *attr_n(a, p), i = 0;

	while (i < n && strcmp(tags[i], tag))
		i++;
	return i; /* n: it has no such */
}

/* Neutron words it as another error than that of an attribute. */
static int tags_from(const struct attr *a, void *p, const json_t *v, struct nb_error *e)
{
	struct nb_error inner;

	if (!v)
		return nb_say(e, InvalidInput, "Invalid input for operation: Invalid tags body.");
	if (nb_from_json(a, p, v, &inner))
		return nb_say(e, InvalidInput, "%.600s", inner.message);
	return 0;
}

/* A tag of a path is judged as one of a body is. */
static int tag_add(const struct attr *a, void *p, const char *tag, struct nb_error *e)
{
	json_t *all = nb_to_json(a, p, NULL);
	int rc;

	json_array_append_new(all, json_string(tag));
	rc = tags_from(a, p, all, e);
	json_decref(all);
	return rc;
}

static void tag_del(const struct attr *a, void *p, size_t i)
{
	char **tags = *(char ***)attr_at(a, p);
	size_t n = --*attr_n(a, p);

	free(tags[i]);
	memmove(tags + i, tags + i + 1, (n - i) * sizeof(*tags));
}

static json_t *tags_json(const struct attr *a, const void *p)
{
	return json_pack("{s:o}", "tags", nb_to_json(a, p, NULL));
}

/* What the request makes of the tags in 'p'; 'tag' "": of all. */
static int change(struct nb_request *q, const struct attr *a, void *p, const char *tag)
{
	size_t at = tag_find(a, p, tag);

	if (q->method == NB_PUT && !tag[0])
		return tags_from(a, p, json_object_get(q->body, "tags"), &q->error);
	if (q->method == NB_PUT)
		return at < *attr_n(a, p) ? 0 : tag_add(a, p, tag, &q->error);
	if (!tag[0])
		attr_clear(a, p);
	else if (at == *attr_n(a, p))
		return nb_refuse(&q->error, TagNotFound, tag);
	else
		tag_del(a, p, at);
	return 0;
}

static void tags_change(struct nb_request *q, const struct resource *r, const char *id,
			const char *tag)
{
	struct world_obj *o = nb_find_for(q, r, id, POLICY_UPDATE);
	const struct attr *a = tags_attr(r);
	union any_attrs attrs;

	if (!o)
		return;
	attrs_copy(&r->shape, &attrs, world_obj_attrs(o));
	if (!change(q, a, &attrs, tag)) {
		q->status = q->method == NB_DELETE ? 204 : tag[0] ? 201 : 200;
		if (q->method == NB_PUT && !tag[0])
			q->answer = tags_json(a, &attrs);
		q->txn = txn_begin(q->nb->log);
		nb_obj_set(q, o, &attrs);
	}
	attrs_fini(&r->shape, &attrs);
}

static void tags_show(struct nb_request *q, const struct resource *r, const char *id,
		      const char *tag)
{
	struct world_obj *o = nb_find(q, r, id, &q->error);
	const struct attr *a = tags_attr(r);

	if (!o)
		return;
	q->status = tag[0] ? 204 : 200;
	if (!tag[0])
		q->answer = tags_json(a, world_obj_attrs(o));
	else if (tag_find(a, world_obj_attrs(o), tag) == *attr_n(a, world_obj_attrs(o)))
		nb_refuse(&q->error, TagNotFound, tag);
}

bool nb_tags_route(struct nb_request *q, const struct resource *r, const char *id,
		   const char *below)
{
	const char *tag;

	if (strncmp(below, "tags", 4) || (below[4] && below[4] != '/') || !tags_attr(r))
		return false;
	tag = below[4] ? below + 5 : "";
	if (q->method == NB_GET)
		tags_show(q, r, id, tag);
	else if (q->method == NB_PUT || q->method == NB_DELETE)
		tags_change(q, r, id, tag);
	else
		nb_refuse(&q->error, HTTPMethodNotAllowed);
	return true;
}

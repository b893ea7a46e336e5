/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine: list, show, create, update and delete of any tenant resource.
 *
 * It reads bodies by the rows of resource.def, leaves to the resource's hooks what only they know,
 * and collects the changes in a transaction.  Nothing has happened when it answers with an error.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "controller/mem.h"
#include "controller/nb_policy.h"
#include "controller/nb_rbac.h"
#include "controller/nb_text.h"

enum { BULK_MAX = 10000 };

const struct nb_hooks *const nb_hooks[N_RESOURCES] = {
#define RESOURCE(noun, KIND, ...) [WORLD_##KIND] = &nb_##noun##_hooks,
#include "controller/resource_blank.h"
#include "controller/resource.def"
#include "controller/resource_undef.h"
};

/* ---- what every object has ---- */

static void random_bytes(uint8_t *p, size_t n)
{
	/* Fails only before the system has gathered any entropy, and then it waits. */
	while (getrandom(p, n, 0) != (ssize_t)n)
		;
}

void nb_uuid(char out[UUID_TEXT])
{
	uint8_t b[16];

	random_bytes(b, sizeof(b));
	b[6] = (b[6] & 0x0f) | 0x40;
	b[8] = (b[8] & 0x3f) | 0x80;
	snprintf(out, UUID_TEXT,
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
		 b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
		 b[15]);
}

void nb_mac(uint8_t out[6])
{
	/* fa:16:3e is what Neutron's users expect a tenant port to begin with. */
	static const uint8_t prefix[3] = { 0xfa, 0x16, 0x3e };

	memcpy(out, prefix, 3);
	random_bytes(out + 3, 3);
}

bool nb_given(const struct resource *r, uint64_t given, const char *attr)
{
	const struct attr *a = attr_find(&r->shape, attr);

	return a && (given >> (a - r->shape.attrs) & 1);
}

/* Of the attributes that every resource has. */
static void *member(const struct resource *r, void *a, const char *name)
{
	return attr_at(attr_find(&r->shape, name), a);
}

bool nb_owns(const struct nb_who *who, const char *tenant_id)
{
	return who->admin || !strcmp(who->project, tenant_id ? tenant_id : "");
}

bool nb_is_below(const struct nb_request *q, const struct resource *r, const struct world_obj *o)
{
	if (!r->parent || !q->parent || (int)q->parent->kind != r->parent->of)
		return true;
	return !strcmp(attr_at(r->parent, world_obj_attrs((struct world_obj *)(uintptr_t)o)),
		       world_obj_key(q->parent)->id);
}

bool nb_sees(const struct nb_who *who, const struct world_obj *o)
{
	if (nb_hooks[o->kind]->hidden && nb_hooks[o->kind]->hidden(o))
		return false;
	return policy_allows(who, POLICY_GET, &resources[o->kind],
			     world_obj_attrs((struct world_obj *)(uintptr_t)o));
}

struct world_obj *nb_find(struct nb_request *q, const struct resource *r, const char *id,
			  struct nb_error *e)
{
	struct world_obj *o = world_obj_find(q->nb->world, r->kind, id);

	if (o && nb_is_below(q, r, o) && nb_sees(&q->who, o))
		return o;
	nb_fail_not_found(e, r, id);
	return NULL;
}

/* ---- bodies ---- */

static int alias_check(const struct resource *r, const json_t *body, struct nb_error *e)
{
	const json_t *a = json_object_get(body, "tenant_id"),
		     *b = json_object_get(body, "project_id");

	if (a && b && !json_equal(a, b))
		return nb_say(e, HTTPBadRequest,
			      "tenant_id and project_id of the %s are not the same.", r->name);
	return 0;
}

/* Reads a body's attributes over those in 'p', by right 'right'. */
static int body_read(struct nb_request *q, const struct resource *r, const json_t *body, void *p,
		     uint32_t right, uint64_t *given)
{
	struct nb_error *e = &q->error;
	const char *key;
	json_t *value;

	*given = 0;
	if (alias_check(r, body, e))
		return -1;
	json_object_foreach ((json_t *)(uintptr_t)body, key, value) {
		const struct attr *a = attr_find(&r->shape, key);

		if (!a || (a->rights & RIGHT_HIDDEN))
			return nb_say(e, HTTPBadRequest, "Unrecognized attribute(s) '%.64s'.", key);
		if (!(a->rights & right) && right == RIGHT_UPDATE &&
		    !strncmp(key, "provider:", 9) && (json_is_string(value) || a->type == ATTR_NUM))
			return nb_say(e, InvalidInput, "The segment of a %s (%s) is not changed.",
				      r->name, key);
		if (!(a->rights & right))
			return nb_say(e, HTTPBadRequest,
				      right == RIGHT_CREATE
					      ? "Attribute '%s' not allowed in POST."
					      : "Cannot update read-only attribute %s.",
				      key);
		if (nb_from_json(a, p, value, e))
			return nb_refused(r, a, value, e);
		*given |= UINT64_C(1) << (a - r->shape.attrs);
	}
	return 0;
}

static int required_check(const struct resource *r, uint64_t given, struct nb_error *e)
{
	for (size_t i = 0; i < r->shape.n; i++)
		if ((r->shape.attrs[i].rights & RIGHT_REQUIRED) && !(given >> i & 1))
			return nb_say(
				e, HTTPBadRequest,
				"Failed to parse request. Required attribute '%s' not specified.",
				r->shape.attrs[i].name);
	return 0;
}

/* The one member of the body that names the resource or, 'many' not NULL, the collection. */
static json_t *body_of(struct nb_request *q, const struct resource *r, bool *many)
{
	json_t *one, *all;

	if (!json_is_object(q->body)) {
		nb_say(&q->error, HTTPBadRequest,
		       q->body ? "The body is not a JSON object." : "Resource body required.");
		return NULL;
	}
	one = json_object_get(q->body, r->name);
	all = many ? json_object_get(q->body, r->plural) : NULL;
	if (json_object_size(q->body) == 1 && json_is_object(one))
		return one;
	if (json_object_size(q->body) == 1 && json_is_array(all)) {
		*many = true;
		return all;
	}
	nb_say(&q->error, HTTPBadRequest, "Unable to find '%s' in request body.", r->name);
	return NULL;
}

/* ---- create ---- */

static int common_create(struct nb_request *q, const struct resource *r, void *a)
{
	char **tenant = member(r, a, "tenant_id");
	int64_t now = time(NULL);

	if (!(*tenant)[0]) {
		free(*tenant);
		*tenant = mem_str(q->who.project);
	}
	if (!nb_owns(&q->who, *tenant))
		return nb_say(&q->error, HTTPBadRequest,
			      "A %s for project %.64s may be created by an administrator only.",
			      r->name, *tenant);
	nb_uuid(a);
	if (r->parent)
		strcpy(attr_at(r->parent, a), world_obj_key(q->parent)->id);
	*(int64_t *)member(r, a, "created_at") = now;
	*(int64_t *)member(r, a, "updated_at") = now;
	return 0;
}

static int create_allowed(struct nb_request *q, const struct resource *r, const json_t *body,
			  const void *a)
{
	return policy_network_check(q, r, a, &q->error) ||
			       policy_check(&q->who, POLICY_CREATE, r, a, &q->error) ||
			       policy_sets_check(&q->who, POLICY_CREATE, r, body, a, &q->error)
		       ? -1
		       : 0;
}

static struct world_obj *create_one(struct nb_request *q, const struct resource *r,
				    const json_t *body)
{
	const struct nb_hooks *hooks = nb_hooks[r->kind];
	struct world_obj *o = NULL;
	union any_attrs a;
	uint64_t given;

	if (!json_is_object(body)) {
		nb_say(&q->error, HTTPBadRequest, "A %s is a JSON object.", r->name);
		return NULL;
	}
	attrs_init(&r->shape, &a);
	if (!body_read(q, r, body, &a, RIGHT_CREATE, &given) &&
	    !required_check(r, given, &q->error) && !common_create(q, r, &a) &&
	    !create_allowed(q, r, body, &a) &&
	    !nb_quota_check(q, r, *(char **)member(r, &a, "tenant_id"), &q->error) &&
	    (!hooks->create || !hooks->create(q, &a, given, &q->error)))
		o = txn_add(q->txn, r->kind, &a);
	if (o)
		nb_rbac_follow(q, o, world_obj_attrs(o));
	if (o && nb_hooks[r->kind]->added && nb_hooks[r->kind]->added(q, o, &q->error))
		o = NULL;
	attrs_fini(&r->shape, &a);
	return o;
}

/* What is shared with who asks says so. */
static bool says_shared(const struct nb_request *q, const struct resource *r,
			const struct world_obj *o, uint64_t fields)
{
	const struct attr *shared = attr_find(&r->shape, "shared");

	return shared && (fields >> (shared - r->shape.attrs) & 1) &&
	       world_is_shared_with(q->nb->world, world_obj_key(o)->id, q->who.project,
				    ACCESS_AS_SHARED);
}

static json_t *shown_json(const struct nb_request *q, const struct resource *r,
			  const struct world_obj *o, uint64_t fields)
{
	json_t *out = nb_object_json(r, o, fields);

	if (says_shared(q, r, o, fields))
		json_object_set_new_nocheck(out, "shared", json_true());
	return out;
}

static void shown_text(struct nb_text *t, const struct nb_request *q, const struct resource *r,
		       const struct world_obj *o, uint64_t fields)
{
	json_t *out;

	if (!says_shared(q, r, o, fields)) {
		nb_text_object(t, r, o, fields);
		return;
	}
	out = shown_json(q, r, o, fields);
	nb_text_json(t, out);
	json_decref(out);
}

static void give_up(struct nb_request *q)
{
	txn_abort(q->txn);
	q->txn = NULL;
}

static void create_many(struct nb_request *q, const struct resource *r, const json_t *bodies)
{
	json_t *out = json_array();
	uint64_t fields = nb_fields(q, r);

	if (!json_array_size(bodies))
		nb_say(&q->error, HTTPBadRequest, "Resources required.");
	if (json_array_size(bodies) > BULK_MAX)
		nb_say(&q->error, HTTPBadRequest, "There are more than %d %s in the request.",
		       BULK_MAX, r->collection);
	for (size_t i = 0; i < json_array_size(bodies) && !q->error.status; i++) {
		const json_t *body = json_array_get(bodies, i);
		const json_t *wrapped = json_object_get(body, r->name);
		struct world_obj *o = create_one(q, r, wrapped ? wrapped : body);

		if (o)
			json_array_append_new(out, shown_json(q, r, o, fields));
	}
	if (q->error.status) {
		json_decref(out);
		give_up(q);
		return;
	}
	q->answer = json_pack("{s:o}", r->plural, out);
}

void nb_create(struct nb_request *q, const struct resource *r)
{
	bool many = false;
	json_t *body = body_of(q, r, &many);
	struct world_obj *o;

	if (!body)
		return;
	q->status = 201;
	q->txn = txn_begin(q->nb->log);
	if (many) {
		create_many(q, r, body);
		return;
	}
	o = create_one(q, r, body);
	if (o)
		q->answer = json_pack("{s:o}", r->name, shown_json(q, r, o, nb_fields(q, r)));
	else
		give_up(q);
}

/* ---- update, delete ---- */

struct world_obj *nb_find_for(struct nb_request *q, const struct resource *r, const char *id,
			      enum policy_verb verb)
{
	struct world_obj *o = nb_find(q, r, id, &q->error);

	if (!o || policy_check(&q->who, verb, r, world_obj_attrs(o), &q->error))
		return NULL;
	return nb_revision_check(q, o, &q->error) ? NULL : o;
}

void nb_update(struct nb_request *q, const struct resource *r, const char *id)
{
	struct world_obj *o = nb_find_for(q, r, id, POLICY_UPDATE);
	const struct nb_hooks *hooks = nb_hooks[r->kind];
	union any_attrs a;
	uint64_t given;
	json_t *body;

	if (!o)
		return;
	body = body_of(q, r, NULL);
	if (!body)
		return;
	q->txn = txn_begin(q->nb->log);
	attrs_copy(&r->shape, &a, world_obj_attrs(o));
	if (!body_read(q, r, body, &a, RIGHT_UPDATE, &given) &&
	    !policy_sets_check(&q->who, POLICY_UPDATE, r, body, &a, &q->error) &&
	    (!hooks->update || !hooks->update(q, o, &a, given, &q->error))) {
		nb_rbac_follow(q, o, &a);
		nb_obj_set(q, o, &a);
		q->status = 200;
		q->answer = json_pack("{s:o}", r->name, shown_json(q, r, o, nb_fields(q, r)));
	} else {
		give_up(q);
	}
	attrs_fini(&r->shape, &a);
}

void nb_delete(struct nb_request *q, const struct resource *r, const char *id)
{
	struct world_obj *o = nb_find_for(q, r, id, POLICY_DELETE);

	if (!o)
		return;
	q->txn = txn_begin(q->nb->log);
	if (nb_hooks[r->kind]->remove && nb_hooks[r->kind]->remove(q, o, &q->error)) {
		give_up(q);
		return;
	}
	nb_rbac_forget(q, o);
	txn_del(q->txn, o);
	q->status = 204;
}

void nb_act(struct nb_request *q, const struct resource *r, const char *id,
	    const struct nb_action *a)
{
	struct world_obj *o = nb_find(q, r, id, &q->error);

	if (!o || policy_action_check(&q->who, r, a->name, world_obj_attrs(o), &q->error) ||
	    nb_revision_check(q, o, &q->error))
		return;
	q->status = 200;
	q->txn = txn_begin(q->nb->log);
	if (a->act(q, o, &q->error))
		give_up(q);
}

/* ---- what comes with it ---- */

struct world_obj *nb_obj_add(struct nb_request *q, const struct resource *r, const char *tenant_id,
			     void *a)
{
	char **tenant = member(r, a, "tenant_id");
	int64_t now = time(NULL);

	free(*tenant);
	*tenant = mem_str(tenant_id);
	nb_uuid(a);
	*(int64_t *)member(r, a, "created_at") = now;
	*(int64_t *)member(r, a, "updated_at") = now;
	return txn_add(q->txn, r->kind, a);
}

void nb_obj_set(struct nb_request *q, struct world_obj *o, void *a)
{
	const struct resource *r = &resources[o->kind];

	(*(uint32_t *)member(r, a, "revision_number"))++;
	*(int64_t *)member(r, a, "updated_at") = time(NULL);
	txn_set(q->txn, o, a);
}

/* ---- list, show ---- */

void nb_list(struct nb_request *q, const struct resource *r)
{
	struct nb_text text = { NULL };
	struct nb_page page;
	json_t *links;

	if ((nb_hooks[r->kind]->list && nb_hooks[r->kind]->list(q, &q->error)) ||
	    nb_query(q, r, &page, &q->error)) {
		if (q->txn)
			give_up(q);
		return;
	}
	nb_text_add(&text, "{\"");
	nb_text_add(&text, r->plural);
	nb_text_add(&text, "\":[");
	for (size_t i = 0; i < page.n; i++) {
		nb_text_add(&text, i ? "," : "");
		shown_text(&text, q, r, page.objs[i], page.fields);
	}
	nb_text_add(&text, "]");
	links = nb_page_links(q, r, &page);
	if (links) {
		nb_text_add(&text, ",\"");
		nb_text_add(&text, r->plural);
		nb_text_add(&text, "_links\":");
		nb_text_json(&text, links);
		json_decref(links);
	}
	nb_text_add(&text, "}");
	q->status = 200;
	q->text = nb_text_end(&text);
	nb_page_free(&page);
}

void nb_show(struct nb_request *q, const struct resource *r, const char *id)
{
	struct world_obj *o = nb_find(q, r, id, &q->error);

	if (!o)
		return;
	q->status = 200;
	q->answer = json_pack("{s:o}", r->name, shown_json(q, r, o, nb_fields(q, r)));
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Which path is whose. */
#include <string.h>

#include "controller/nb.h"

static void not_found(struct nb_request *q)
{
	nb_refuse(&q->error, HTTPNotFound);
}

static void not_allowed(struct nb_request *q)
{
	nb_refuse(&q->error, HTTPMethodNotAllowed);
}

static void collection_route(struct nb_request *q, const struct resource *r)
{
	if (q->method == NB_GET)
		nb_list(q, r);
	else if (q->method == NB_POST)
		nb_create(q, r);
	else
		not_allowed(q);
}

static void member_route(struct nb_request *q, const struct resource *r, const char *id)
{
	if (q->method == NB_GET)
		nb_show(q, r, id);
	else if (q->method == NB_PUT)
		nb_update(q, r, id);
	else if (q->method == NB_DELETE)
		nb_delete(q, r, id);
	else
		not_allowed(q);
}

/* 'parent': below what kind; -1: below nothing. */
static const struct resource *resource_of(const char *collection, size_t n, int parent)
{
	for (size_t i = 0; i < N_RESOURCES; i++) {
		const struct resource *r = &resources[i];

		if ((r->parent ? r->parent->of : -1) == parent && strlen(r->collection) == n &&
		    !strncmp(collection, r->collection, n))
			return r;
	}
	return NULL;
}

/* An action that is done with the object, "routers/ID/add_router_interface"; false: no such. */
static bool action_route(struct nb_request *q, const struct resource *r, const char *id,
			 const char *name)
{
	const struct nb_action *a = nb_hooks[r->kind]->actions;

	for (; a && a->name; a++) {
		if (strcmp(a->name, name))
			continue;
		if (q->method == a->method)
			nb_act(q, r, id, a);
		else
			not_allowed(q);
		return true;
	}
	return false;
}

/* 'rest': what follows "COLLECTION/": ID, ID/ACTION, or ID/ and a path in the objects of ID. */
static void object_route(struct nb_request *q, const struct resource *r, const char *rest)
{
	const struct resource *child;
	const char *below = strchr(rest, '/');
	char id[64];
	size_t n;

	if (!below) {
		member_route(q, r, rest);
		return;
	}
	n = (size_t)(below++ - rest);
	if (n >= sizeof(id)) {
		not_found(q);
		return;
	}
	memcpy(id, rest, n);
	id[n] = '\0';
	if (r->kind == WORLD_PORT && nb_port_binding_route(q, id, below))
		return;
	if (nb_tags_route(q, r, id, below) || action_route(q, r, id, below))
		return;
	n = strcspn(below, "/");
	child = resource_of(below, n, (int)r->kind);
	if (!child) {
		not_found(q);
		return;
	}
	q->parent = nb_find(q, r, id, &q->error);
	if (!q->parent)
		return;
	if (!below[n])
		collection_route(q, child);
	else
		object_route(q, child, below + n + 1);
}

/* 'rest': what follows "/v2.0/". */
static void v2_route(struct nb_request *q, const char *rest)
{
	size_t n = strcspn(rest, "/");
	const char *id = rest[n] ? rest + n + 1 : "";
	const struct resource *r;

	if (n == 10 && !strncmp(rest, "extensions", n)) {
		nb_ext_route(q, id);
		return;
	}
	if (n == 6 && !strncmp(rest, "quotas", n)) {
		nb_quota_route(q, id);
		return;
	}
	if (nb_view_route(q, rest))
		return;
	r = resource_of(rest, n, -1);
	if (!r)
		not_found(q);
	else if (!id[0])
		collection_route(q, r);
	else
		object_route(q, r, id);
}

void nb_route(struct nb_request *q)
{
	const char *path = q->path;
	size_t n = strlen(path);
	char trimmed[512];

	/* Clients write ".json" and final slashes. */
	if (n >= sizeof(trimmed)) {
		not_found(q);
		return;
	}
	memcpy(trimmed, path, n + 1);
	if (n > 5 && !strcmp(trimmed + n - 5, ".json"))
		trimmed[n -= 5] = '\0';
	while (n > 1 && trimmed[n - 1] == '/')
		trimmed[--n] = '\0';
	if (!strcmp(trimmed, "/"))
		nb_versions(q, true);
	else if (!strcmp(trimmed, "/v2.0"))
		nb_versions(q, false);
	else if (!strncmp(trimmed, "/v2.0/", 6))
		v2_route(q, trimmed + 6);
	else if (!strncmp(trimmed, "/weft/v1", 8) && (!trimmed[8] || trimmed[8] == '/'))
		nb_weft_route(q, trimmed[8] ? trimmed + 9 : "");
	else
		not_found(q);
}

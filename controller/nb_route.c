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

/* 'rest': what follows "/v2.0/". */
static void v2_route(struct nb_request *q, const char *rest)
{
	size_t n = strcspn(rest, "/");
	const char *id = rest[n] ? rest + n + 1 : "";

	if (n == 10 && !strncmp(rest, "extensions", n)) {
		nb_ext_route(q, id);
		return;
	}
	for (size_t i = 0; i < N_RESOURCES; i++) {
		const struct resource *r = &resources[i];

		if (strlen(r->collection) != n || strncmp(rest, r->collection, n))
			continue;
		if (!id[0])
			collection_route(q, r);
		else if (strchr(id, '/'))
			not_found(q);
		else
			member_route(q, r, id);
		return;
	}
	not_found(q);
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

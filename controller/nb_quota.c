/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quotas: how many objects a project may have.
 *
 *   GET              quotas                   all projects that have other limits than the defaults
 *   GET              quotas/project           who asks
 *   GET, PUT, DELETE quotas/PROJECT           limits; delete: the defaults again
 *   GET              quotas/PROJECT/default   the defaults
 *   GET              quotas/PROJECT/details   limits, and what is in use
 *
 * A limit of -1 is none.  Objects that belong to no project (nobody is told apart) have no limits.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/mem.h"
#include "controller/nb_policy.h"
#include "controller/nb_view.h"

static const struct row {
	enum world_kind kind;
	int32_t limit;
} rows[] = {
#define QUOTA(KIND, max) { WORLD_##KIND, max },
#include "controller/nb_quota.def"
};

enum { N_ROWS = sizeof(rows) / sizeof(*rows) };

static const char *name_of(const struct row *row)
{
	return resources[row->kind].name;
}

static struct quota *quota_of(const struct world *w, const char *project)
{
	struct project *p = world_project_find(w, project);

	return p ? p->quota : NULL;
}

static int32_t limit_of(const struct quota_attrs *a, const struct row *row)
{
	for (size_t i = 0; a && i < a->n_limits; i++)
		if (!strcmp(a->limits[i].resource, name_of(row)))
			return a->limits[i].limit == NUM_NONE ? -1 : (int32_t)a->limits[i].limit;
	return row->limit;
}

int nb_quota_check(struct nb_request *q, const struct resource *r, const char *project,
		   struct nb_error *e)
{
	const struct project *p = project[0] ? world_project_find(q->nb->world, project) : NULL;

	for (const struct row *row = rows; project[0] && row < rows + N_ROWS; row++) {
		int32_t limit;

		if (row->kind != r->kind)
			continue;
		limit = limit_of(p && p->quota ? &p->quota->a : NULL, row);
		if (limit >= 0 && (p ? p->n[r->kind] : 0) >= (size_t)limit)
			return nb_refuse(e, OverQuota, r->name);
	}
	return 0;
}

/* ---- out ---- */

static json_t *limits_json(const struct quota_attrs *a)
{
	json_t *out = json_object();

	for (const struct row *row = rows; row < rows + N_ROWS; row++)
		json_object_set_new(out, name_of(row), json_integer(limit_of(a, row)));
	return out;
}

static json_t *details_json(const struct project *p)
{
	json_t *out = json_object();

	for (const struct row *row = rows; row < rows + N_ROWS; row++)
		json_object_set_new(
			out, name_of(row),
			json_pack("{s:I,s:i,s:i}", "used", (json_int_t)(p ? p->n[row->kind] : 0),
				  "limit", limit_of(p && p->quota ? &p->quota->a : NULL, row),
				  "reserved", 0));
	return out;
}

static void all_show(struct nb_request *q)
{
	static const char *const filters[] = { "tenant_id", "project_id", NULL };
	static const struct nb_view view = { .collection = "quotas",
					     .key = "project_id",
					     .filters = filters };
	json_t *list = json_array();

	for (WORLD_ALL(quota, QUOTA, each, q->nb->world)) {
		json_t *one = limits_json(&each->a);

		json_object_set_new(one, "tenant_id", json_string(each->a.tenant_id));
		json_object_set_new(one, "project_id", json_string(each->a.tenant_id));
		json_array_append_new(list, one);
	}
	nb_view_list(q, &view, list);
}

/* ---- in ---- */

static const struct row *row_find(const char *name)
{
	for (const struct row *row = rows; row < rows + N_ROWS; row++)
		if (!strcmp(name_of(row), name))
			return row;
	return NULL;
}

/* -1 is none; a row's NUM has no negative numbers. */
static int limit_from(const char *name, const json_t *v, uint32_t *limit, struct nb_error *e)
{
	const char *s = json_string_value(v);
	struct attr as = { .type = ATTR_NUM, .name = name, .max = INT32_MAX };

	if ((json_is_integer(v) && json_integer_value(v) == -1) || (s && !strcmp(s, "-1"))) {
		*limit = NUM_NONE;
		return 0;
	}
	return nb_from_json(&as, limit, v, e);
}

static void limit_set(struct quota_attrs *a, const char *name, uint32_t limit)
{
	struct quota_limit *more;
	size_t i = 0;

	while (i < a->n_limits && strcmp(a->limits[i].resource, name))
		i++;
	if (i == a->n_limits) {
		more = mem_array(i + 1, sizeof(*more));
		if (i)
			memcpy(more, a->limits, i * sizeof(*more));
		free(a->limits);
		a->limits = more;
		a->limits[a->n_limits++].resource = mem_str(name);
	}
	a->limits[i].limit = limit;
}

static int used_check(const struct world *w, const char *project, const struct row *row,
		      uint32_t limit, struct nb_error *e)
{
	const struct project *p = world_project_find(w, project);
	size_t used = p ? p->n[row->kind] : 0;

	if (limit == NUM_NONE || used <= limit)
		return 0;
	return nb_say(e, HTTPBadRequest,
		      "Quota limit %u for %s must be greater than or equal to already used %zu.",
		      limit, name_of(row), used);
}

static int limits_from(struct nb_request *q, const char *project, const json_t *body,
		       struct quota_attrs *a)
{
	bool check = nb_bool_of(json_object_get(body, "check_limit")) == 1;
	const char *key;
	json_t *v;

	json_object_foreach ((json_t *)(uintptr_t)body, key, v) {
		const struct row *row = row_find(key);
		uint32_t limit;

		if (!strcmp(key, "force") || !strcmp(key, "check_limit") ||
		    !strcmp(key, "tenant_id") || !strcmp(key, "project_id"))
			continue;
		if (!row)
			return nb_say(&q->error, HTTPBadRequest,
				      "Unrecognized attribute(s) '%.64s'.", key);
		if (limit_from(key, v, &limit, &q->error) ||
		    (check && used_check(q->nb->world, project, row, limit, &q->error)))
			return -1;
		limit_set(a, key, limit);
	}
	return 0;
}

static void quota_update(struct nb_request *q, const char *project)
{
	const struct resource *r = &resources[WORLD_QUOTA];
	const json_t *body = json_object_get(q->body, "quota");
	struct quota *old = quota_of(q->nb->world, project);
	struct quota_attrs a;

	if (!json_is_object(body)) {
		nb_say(&q->error, HTTPBadRequest, "Unable to find 'quota' in request body.");
		return;
	}
	if (old)
		attrs_copy(&r->shape, &a, &old->a);
	else
		attrs_init(&r->shape, &a);
	if (!limits_from(q, project, body, &a)) {
		q->status = 200;
		q->answer = json_pack("{s:o}", "quota", limits_json(&a));
		q->txn = txn_begin(q->nb->log);
		if (old)
			nb_obj_set(q, &old->obj, &a);
		else
			nb_obj_add(q, r, project, &a);
	}
	attrs_fini(&r->shape, &a);
}

static void quota_delete(struct nb_request *q, const char *project)
{
	struct quota *old = quota_of(q->nb->world, project);

	if (!old) {
		nb_refuse(&q->error, TenantQuotaNotFound, project);
		return;
	}
	q->status = 204;
	q->txn = txn_begin(q->nb->log);
	txn_del(q->txn, &old->obj);
}

/* ---- paths ---- */

static void own_show(struct nb_request *q, const char *word)
{
	char key[16];

	if (!q->who.project[0]) {
		nb_refuse(&q->error, QuotaMissingTenant);
		return;
	}
	snprintf(key, sizeof(key), "%s_id", word);
	q->status = 200;
	q->answer = json_pack("{s:{s:s}}", word, key, q->who.project);
}

static void quota_show(struct nb_request *q, const char *project, const char *what)
{
	struct project *p = world_project_find(q->nb->world, project);
	json_t *quota = NULL;

	if (!what[0])
		quota = limits_json(p && p->quota ? &p->quota->a : NULL);
	else if (!strcmp(what, "default"))
		quota = limits_json(NULL);
	else if (!strcmp(what, "details") || !strcmp(what, "details.json"))
		quota = details_json(p);
	if (!quota) {
		nb_refuse(&q->error, HTTPNotFound);
		return;
	}
	q->status = 200;
	q->answer = json_pack("{s:o}", "quota", quota);
}

static void project_route(struct nb_request *q, const char *project, const char *what)
{
	const struct resource *r = &resources[WORLD_QUOTA];
	const struct quota_attrs a = { .tenant_id = (char *)(uintptr_t)project };
	enum policy_verb verb = q->method == NB_GET	 ? POLICY_GET
				: q->method == NB_DELETE ? POLICY_DELETE
							 : POLICY_UPDATE;

	if (policy_check(&q->who, verb, r, &a, &q->error))
		return;
	if (q->method == NB_GET)
		quota_show(q, project, what);
	else if (what[0] || q->method == NB_POST || q->method == NB_OTHER)
		nb_refuse(&q->error, HTTPMethodNotAllowed);
	else if (q->method == NB_PUT)
		quota_update(q, project);
	else
		quota_delete(q, project);
}

void nb_quota_route(struct nb_request *q, const char *rest)
{
	size_t n = strcspn(rest, "/");
	char *project = mem_printf("%.*s", (int)n, rest);

	if (!rest[0] && q->method == NB_POST)
		nb_say(&q->error, HTTPNotImplemented, "A project's quotas are set by PUT.");
	else if (!rest[0] && q->method != NB_GET)
		nb_refuse(&q->error, HTTPMethodNotAllowed);
	else if (!rest[0] && !policy_sees_view(&q->who, "quotas"))
		nb_say(&q->error, PolicyNotAuthorized, "All quotas are an administrator's.");
	else if (!rest[0])
		all_show(q);
	else if (q->method == NB_GET && (!strcmp(rest, "project") || !strcmp(rest, "tenant")))
		own_show(q, rest);
	else if (n > 255)
		nb_refuse(&q->error, HTTPNotFound);
	else
		project_route(q, project, rest[n] ? rest + n + 1 : "");
	free(project);
}

const struct nb_hooks nb_quota_hooks = { 0 };

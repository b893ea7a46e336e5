/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Projects: what belongs to whom, counted, so that a quota is judged without looking at it all; and
 * what is shared with whom.
 */
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "controller/mem.h"
#include "controller/resource.h"
#include "controller/world_priv.h"

static const char *project_of(const struct world_obj *o)
{
	const struct attr *a = resources[o->kind].tenant;

	return *(char *const *)attr_at(a, world_obj_attrs((struct world_obj *)(uintptr_t)o));
}

struct project *world_project_find(const struct world *w, const char *id)
{
	struct project *p;

	HASH_FIND_STR(w->projects, id, p);
	return p;
}

void project_count(struct world *w, const struct world_obj *o)
{
	const char *id = project_of(o);
	struct project *p = world_project_find(w, id);

	if (!p) {
		p = mem_get(sizeof(*p));
		p->id = mem_str(id);
		HASH_ADD_KEYPTR(hh, w->projects, p->id, strlen(p->id), p);
	}
	p->n[o->kind]++;
}

void project_uncount(struct world *w, const struct world_obj *o)
{
	struct project *p = world_project_find(w, project_of(o));

	p->n[o->kind]--;
	for (size_t i = 0; i < N_RESOURCES; i++)
		if (p->n[i])
			return;
	HASH_DEL(w->projects, p);
	free(p->id);
	free(p);
}

/* ---- quotas ---- */

static void quota_link(struct world *w, struct world_obj *o)
{
	struct quota *quota = (struct quota *)o;

	quota->project = world_project_find(w, quota->a.tenant_id);
	quota->project->quota = quota;
}

static void quota_unlink(struct world *w, struct world_obj *o)
{
	((struct quota *)o)->project->quota = NULL;
}

const struct world_ops world_quota_ops = {
	.size = sizeof(struct quota),
	.link = quota_link,
	.unlink = quota_unlink,
};

/* ---- what is shared ---- */

static struct share *share_find(const struct world *w, const char *id)
{
	struct share *s;

	HASH_FIND_STR(w->shares, id, s);
	return s;
}

struct rbac *world_rbacs(const struct world *w, const char *object_id)
{
	const struct share *s = share_find(w, object_id);

	return s ? s->policies : NULL;
}

bool world_is_shared_with(const struct world *w, const char *object_id, const char *project,
			  enum rbac_action action)
{
	const struct rbac *p;

	DL_FOREACH (world_rbacs(w, object_id), p) {
		if (p->action == action &&
		    (!strcmp(p->a.target, "*") || !strcmp(p->a.target, project)))
			return true;
	}
	return false;
}

bool world_is_shared(const struct world *w, const char *object_id, enum rbac_action action)
{
	const struct rbac *p;

	DL_FOREACH (world_rbacs(w, object_id), p) {
		if (p->action == action)
			return true;
	}
	return false;
}

static void rbac_link(struct world *w, struct world_obj *o)
{
	struct rbac *p = (struct rbac *)o;
	struct share *s = share_find(w, p->a.object_id);

	p->action = strcmp(p->a.action, rbac_action_names[ACCESS_AS_EXTERNAL]) ? ACCESS_AS_SHARED
									       : ACCESS_AS_EXTERNAL;
	if (!s) {
		s = mem_get(sizeof(*s));
		memcpy(s->id, p->a.object_id, UUID_TEXT);
		HASH_ADD_STR(w->shares, id, s);
	}
	DL_APPEND(s->policies, p);
}

static void rbac_unlink(struct world *w, struct world_obj *o)
{
	struct rbac *p = (struct rbac *)o;
	struct share *s = share_find(w, p->a.object_id);

	DL_DELETE(s->policies, p);
	if (s->policies)
		return;
	HASH_DEL(w->shares, s);
	free(s);
}

const struct world_ops world_rbac_ops = {
	.size = sizeof(struct rbac),
	.link = rbac_link,
	.unlink = rbac_unlink,
};

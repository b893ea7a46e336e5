/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/txn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/log.h"
#include "controller/mem.h"
#include "controller/record.h"

/* One step, and what takes it back. */
struct step {
	uint32_t what; /* WORLD_ADDED, WORLD_ATTRS, WORLD_DELETED */
	struct world_obj *obj;
	void *old; /* WORLD_ATTRS: the attributes before */
	struct step *prev, *next;
};

struct txn {
	struct txn_log *log;
	struct step *steps; /* DL list, in order */
	struct store_batch *batch;
	void (*done)(int rc, const char *why, void *arg);
	void *arg;
	struct txn *prev, *next; /* in log->pending */
};

struct txn_log {
	struct world *world;
	struct store *store;
	struct txn *pending; /* DL list: submitted, not durable; in order */
};

struct txn_log *txn_log_new(struct world *w, struct store *s)
{
	struct txn_log *l = mem_get(sizeof(*l));

	l->world = w;
	l->store = s;
	return l;
}

void txn_log_free(struct txn_log *l)
{
	free(l);
}

/* ---- steps ---- */

static void step_new(struct txn *t, uint32_t what, struct world_obj *o, void *old)
{
	struct step *s = mem_get(sizeof(*s));

	s->what = what;
	s->obj = o;
	s->old = old;
	DL_APPEND(t->steps, s);
}

static void put(struct txn *t, struct world_obj *o)
{
	size_t n;
	uint8_t *p = record_pack(o->kind, world_obj_attrs(o), &n);

	store_put(t->batch, resources[o->kind].kept, world_obj_key(o)->id, p, n);
}

struct txn *txn_begin(struct txn_log *l)
{
	struct txn *t = mem_get(sizeof(*t));

	t->log = l;
	t->batch = store_batch_new();
	return t;
}

struct world_obj *txn_add(struct txn *t, enum world_kind kind, void *a)
{
	struct world_obj *o = world_obj_add(t->log->world, kind, a);

	step_new(t, WORLD_ADDED, o, NULL);
	put(t, o);
	return o;
}

void txn_set(struct txn *t, struct world_obj *o, void *a)
{
	size_t size = resources[o->kind].shape.size;
	void *old;

	world_obj_set(t->log->world, o, a);
	old = mem_dup(a, size);
	memset(a, 0, size);
	step_new(t, WORLD_ATTRS, o, old);
	put(t, o);
}

void txn_del(struct txn *t, struct world_obj *o)
{
	store_del(t->batch, resources[o->kind].kept, world_obj_key(o)->id);
	world_obj_unlink(t->log->world, o);
	step_new(t, WORLD_DELETED, o, NULL);
}

/* ---- ends ---- */

static void txn_free(struct txn *t)
{
	struct step *s, *next;

	DL_FOREACH_SAFE (t->steps, s, next) {
		if (s->old) {
			attrs_fini(&resources[s->obj->kind].shape, s->old);
			free(s->old);
		}
		free(s);
	}
	store_batch_free(t->batch);
	free(t);
}

/* Last step first; afterwards no step is left. */
static void take_back(struct txn *t)
{
	struct world *w = t->log->world;

	while (t->steps) {
		struct step *s = t->steps->prev; /* utlist: the head's prev is the tail */

		DL_DELETE(t->steps, s);
		if (s->what == WORLD_ADDED) {
			/* An observation may have placed it, so a listener may have heard of it. */
			world_obj_unlink(w, s->obj);
			world_settle(w, s->obj, WORLD_DELETED);
		} else if (s->what == WORLD_ATTRS) {
			world_obj_set(w, s->obj, s->old);
			attrs_fini(&resources[s->obj->kind].shape, s->old);
			free(s->old);
			world_settle(w, s->obj, WORLD_ATTRS);
		} else {
			world_obj_relink(w, s->obj);
			world_settle(w, s->obj, WORLD_ATTRS);
		}
		free(s);
	}
}

void txn_abort(struct txn *t)
{
	take_back(t);
	world_tell(t->log->world);
	txn_free(t);
}

static void settle(struct txn *t)
{
	struct step *s, *next;

	DL_FOREACH (t->steps, s) {
		world_settle(t->log->world, s->obj, s->what);
	}
	/* Telling frees what was deleted, so the old attributes go first, by their kind. */
	DL_FOREACH_SAFE (t->steps, s, next) {
		if (s->old) {
			attrs_fini(&resources[s->obj->kind].shape, s->old);
			free(s->old);
			s->old = NULL;
		}
	}
	world_tell(t->log->world);
}

/* A later txn may have deleted what this one touched; it is settled after this one, so all still
 * lives. */
static void on_stored(int rc, const char *why, void *arg)
{
	struct txn *t = arg, *last;
	struct txn_log *l = t->log;

	if (rc)
		for (last = l->pending ? l->pending->prev : NULL; last; last = last->prev) {
			take_back(last);
			if (last == l->pending)
				break;
		}
	DL_DELETE(l->pending, t);
	if (!rc)
		settle(t);
	else
		world_tell(l->world);
	if (t->done)
		t->done(rc, why, t->arg);
	txn_free(t);
}

void txn_commit(struct txn *t, void (*done)(int rc, const char *why, void *arg), void *arg)
{
	struct store_batch *b = t->batch;

	t->batch = NULL;
	t->done = done;
	t->arg = arg;
	DL_APPEND(t->log->pending, t);
	store_commit(t->log->store, b, on_stored, t);
}

/* ---- at start ---- */

/* What a shape's rows refer to, lists included, must have been loaded. */
static int refers(const struct world *w, const struct shape *s, const void *attrs, struct err *e)
{
	for (const struct attr *a = s->attrs; a < s->attrs + s->n; a++) {
		const char *id = attr_at(a, attrs);

		if (a->type == ATTR_ID && a->of >= 0 && id[0] &&
		    !world_obj_find(w, (enum world_kind)a->of, id))
			return err_set(e, -EBADMSG, "its %s %s is not there", a->name, id);
		if (a->type != ATTR_LIST)
			continue;
		for (size_t i = 0; i < *attr_n(a, attrs); i++)
			if (refers(w, a->element,
				   *(char **)attr_at(a, attrs) + i * a->element->size, e))
				return -EBADMSG;
	}
	return 0;
}

static const struct resource *kept_as(uint32_t number)
{
	for (size_t i = 0; i < N_RESOURCES; i++)
		if (resources[i].kept == number)
			return &resources[i];
	return NULL;
}

static int on_record(void *arg, uint32_t number, const char *id, const uint8_t *p, size_t n,
		     struct err *e)
{
	const struct resource *r = kept_as(number);
	struct txn_log *l = arg;
	union any_attrs a;
	int rc;

	if (!r)
		return err_set(e, -EBADMSG, "is of an unknown kind (%u)", number);
	rc = record_unpack(r->kind, p, n, &a, e);
	if (rc)
		return rc;
	if (world_obj_find(l->world, r->kind, ((const struct obj_key *)(const void *)&a)->id))
		rc = err_set(e, -EBADMSG, "is there twice");
	else
		rc = refers(l->world, &r->shape, &a, e);
	if (rc) {
		attrs_fini(&r->shape, &a);
		return rc;
	}
	world_settle(l->world, world_obj_add(l->world, r->kind, &a), WORLD_ADDED);
	return 0;
}

int txn_log_load(struct txn_log *l, struct err *e)
{
	int rc = store_load(l->store, on_record, l, e);

	world_tell(l->world);
	return rc;
}

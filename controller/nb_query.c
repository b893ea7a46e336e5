/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queries: which objects of a collection, in which order, which page, which fields.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "controller/mem.h"
#include "controller/nb_filter.h"
#include "controller/nb_page.h"
#include "controller/nb_policy.h"

const char *nb_arg(const struct nb_request *q, const char *key)
{
	for (size_t i = 0; i < q->n_args; i++)
		if (!strcmp(q->args[i].key, key))
			return q->args[i].value;
	return NULL;
}

static uint64_t visible(const struct nb_request *q, const struct resource *r)
{
	const uint64_t shown = policy_shown(&q->who, r);
	uint64_t rows = 0;

	for (size_t i = 0; i < r->shape.n; i++) {
		uint32_t rights = r->shape.attrs[i].rights;

		if (!(rights & (RIGHT_HIDDEN | RIGHT_WRITE_ONLY)))
			rows |= UINT64_C(1) << i;
	}
	return rows & shown;
}

/* Names that are no attribute are left out: clients ask for some that only other servers have. */
uint64_t nb_fields(const struct nb_request *q, const struct resource *r)
{
	uint64_t rows = 0;
	bool asked = false;

	for (size_t i = 0; i < q->n_args; i++) {
		const struct attr *a;

		if (strcmp(q->args[i].key, "fields") || !q->args[i].value[0])
			continue;
		asked = true;
		a = attr_find(&r->shape, q->args[i].value);
		if (a)
			rows |= UINT64_C(1) << (a - r->shape.attrs);
	}
	return asked ? rows & visible(q, r) : visible(q, r);
}

/* ---- order ---- */

struct order {
	const struct attr *keys[NB_MAX_SORT_KEYS + 1];
	bool down[NB_MAX_SORT_KEYS + 1];
	size_t n;
};

static int order_parse(const struct nb_request *q, const struct resource *r, struct order *o,
		       struct nb_error *e)
{
	struct nb_order by;

	if (nb_order_parse(q, &by, e))
		return -1;
	for (; o->n < by.n; o->n++) {
		const struct attr *a = attr_find(&r->shape, by.keys[o->n]);

		if (!a || !(a->rights & RIGHT_SORT))
			return nb_say(e, HTTPBadRequest, "'%.64s' is not an attribute to sort by.",
				      by.keys[o->n]);
		o->keys[o->n] = a;
		o->down[o->n] = by.down[o->n];
	}
	return 0;
}

static int value_cmp(const struct attr *a, const struct world_obj *x, const struct world_obj *y)
{
	const void *px = world_obj_attrs((struct world_obj *)(uintptr_t)x);
	const void *py = world_obj_attrs((struct world_obj *)(uintptr_t)y);
	char bx[VALUE_TEXT], by[VALUE_TEXT];
	int64_t tx, ty;
	uint32_t nx, ny;

	switch (a->type) {
	case ATTR_NUM:
		/* NUM_NONE + 1 is 0: null comes first. */
		nx = *(const uint32_t *)attr_at(a, px) + 1;
		ny = *(const uint32_t *)attr_at(a, py) + 1;
		return nx < ny ? -1 : nx > ny;
	case ATTR_TIME:
		tx = *(const int64_t *)attr_at(a, px);
		ty = *(const int64_t *)attr_at(a, py);
		return tx < ty ? -1 : tx > ty;
	case ATTR_IP:
	case ATTR_CIDR: /* a prefix begins with its address */
		return ip_cmp(attr_at(a, px), attr_at(a, py));
	default:
		return strcmp(nb_value_text(a, px, x, bx), nb_value_text(a, py, y, by));
	}
}

static int obj_cmp(const void *x, const void *y, void *arg)
{
	const struct order *o = arg;

	for (size_t i = 0; i < o->n; i++) {
		int c = value_cmp(o->keys[i], *(struct world_obj *const *)x,
				  *(struct world_obj *const *)y);

		if (c)
			return o->down[i] ? -c : c;
	}
	return 0;
}

/* ---- pages ---- */

/* Cuts to 'limit' objects after the marker (before it when the page is a reverse one). */
static int page_cut(struct nb_request *q, const struct resource *r, struct nb_page *page,
		    const struct order *order, size_t limit, struct nb_error *e)
{
	const char *marker = nb_arg(q, "marker");
	struct world_obj *m;
	size_t from = 0, to = page->n;

	if (marker) {
		m = nb_find(q, r, marker, e);
		if (!m)
			return -1;
		/* By order, not by identity: the marker need not pass the filters (any more). */
		while (from < page->n &&
		       obj_cmp(&page->objs[from], &m, (void *)(uintptr_t)order) <= 0)
			from++;
		if (nb_is_reverse(q)) {
			to = from;
			while (to && !obj_cmp(&page->objs[to - 1], &m, (void *)(uintptr_t)order))
				to--;
		}
	}
	if (nb_is_reverse(q))
		from = to > limit ? to - limit : 0;
	else if (to - from > limit)
		to = from + limit;
	page->earlier = from > 0;
	page->more = to < page->n;
	page->n = to - from;
	memmove(page->objs, page->objs + from, page->n * sizeof(*page->objs));
	return 0;
}

/* ---- all together ---- */

static bool is_asked(struct nb_request *q, const struct resource *r,
		     const struct nb_filter *filters, const struct world_obj *o)
{
	return nb_is_below(q, r, o) && nb_sees(&q->who, o) && nb_filters_pass(filters, o);
}

static struct world_obj *step(const struct world_obj *o, bool back)
{
	return back ? o->hh.prev : o->hh.next;
}

static void turn_round(struct nb_page *page)
{
	for (size_t i = 0; i < page->n / 2; i++) {
		struct world_obj *o = page->objs[i];

		page->objs[i] = page->objs[page->n - 1 - i];
		page->objs[page->n - 1 - i] = o;
	}
}

/* A page in the order of creation: as long as it is itself, whatever there is besides. */
static int page_take(struct nb_request *q, const struct resource *r,
		     const struct nb_filter *filters, size_t limit, struct nb_page *page,
		     struct nb_error *e)
{
	struct world_obj *head = q->nb->world->objs[r->kind], *m = NULL, *o = head;
	const char *marker = nb_arg(q, "marker");
	bool back = nb_is_reverse(q), over = false, beyond = false;

	if (marker && !(m = nb_find(q, r, marker, e)))
		return -1;
	if (back && head)
		o = ELMT_FROM_HH(head->hh.tbl, head->hh.tbl->tail);
	page->objs = mem_array(world_count(q->nb->world, r->kind), sizeof(*page->objs));
	for (o = m ? step(m, back) : o; o && !over; o = step(o, back)) {
		if (!is_asked(q, r, filters, o))
			continue;
		over = page->n == limit;
		if (!over)
			page->objs[page->n++] = o;
	}
	for (o = m; o && !beyond; o = step(o, !back))
		beyond = is_asked(q, r, filters, o);
	page->earlier = back ? over : beyond;
	page->more = back ? beyond : over;
	if (back)
		turn_round(page);
	return 0;
}

static void objects_take(struct nb_request *q, const struct resource *r,
			 const struct nb_filter *filters, struct nb_page *page)
{
	const struct world *w = q->nb->world;

	page->objs = mem_array(world_count(w, r->kind), sizeof(*page->objs));
	for (struct world_obj *o = w->objs[r->kind]; o; o = o->hh.next)
		if (is_asked(q, r, filters, o))
			page->objs[page->n++] = o;
}

int nb_query(struct nb_request *q, const struct resource *r, struct nb_page *page,
	     struct nb_error *e)
{
	bool paged = nb_arg(q, "limit") || nb_arg(q, "marker");
	struct nb_filter *filters = NULL;
	struct order order = { 0 };
	size_t limit;
	int rc;

	memset(page, 0, sizeof(*page));
	rc = nb_filters_parse(q, r, &filters, e);
	if (!rc)
		rc = order_parse(q, r, &order, e);
	if (!rc)
		rc = nb_limit_parse(q, &limit, e);
	if (!rc && paged && !order.n) {
		rc = page_take(q, r, filters, limit, page, e);
		page->fields = nb_fields(q, r);
	} else if (!rc) {
		objects_take(q, r, filters, page);
		/* A page needs a whole order, so that each object is on one page only. */
		if (paged)
			order.keys[order.n++] = attr_find(&r->shape, "id");
		if (order.n)
			qsort_r(page->objs, page->n, sizeof(*page->objs), obj_cmp, &order);
		page->fields = nb_fields(q, r);
		if (paged)
			rc = page_cut(q, r, page, &order, limit, e);
	}
	nb_filters_free(filters);
	if (rc)
		nb_page_free(page);
	return rc;
}

void nb_page_free(struct nb_page *p)
{
	free(p->objs);
	p->objs = NULL;
}

json_t *nb_page_links(const struct nb_request *q, const struct resource *r, const struct nb_page *p)
{
	return nb_links(q, p->n && p->earlier ? world_obj_key(p->objs[0])->id : NULL,
			p->n && p->more ? world_obj_key(p->objs[p->n - 1])->id : NULL);
}

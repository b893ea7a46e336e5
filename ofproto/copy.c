/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Structures in memory: made, grown, copied, compared, by their descriptor rows.
 */
#include "ofproto/codec.h"

#include <errno.h>
#include <string.h>

struct of_any *of_new(struct arena *a, enum of_kind kind)
{
	struct of_any *s = arena_get(a, of_kind_size(kind));

	if (s)
		s->kind = kind;
	return s;
}

/* of_list_add() counts on this: there is room up to the next power of two. */
struct of_any **of_list_room(struct arena *a, size_t n)
{
	size_t room = 1;

	while (room < n)
		room *= 2;
	return arena_get(a, room * sizeof(struct of_any *));
}

int of_list_add(struct of_list *l, struct arena *a, struct of_any *s)
{
	struct of_any **v = l->v;

	if (!(l->n & (l->n - 1))) {
		v = of_list_room(a, (size_t)l->n + 1);
		if (!v)
			return -ENOMEM;
		if (l->n)
			memcpy(v, l->v, l->n * sizeof(*v));
		l->v = v;
	}
	l->v[l->n++] = s;
	l->wire = NULL;
	return 0;
}

/* ---- Copying ---- */

static struct of_msg *copy_msg(const struct of_msg *m, struct arena *a)
{
	struct of_msg *c = arena_dup(a, m, sizeof(*m));

	if (!c)
		return NULL;
	c->raw = NULL;
	if (m->body)
		c->body = of_copy(m->body, a);
	return m->body && !c->body ? NULL : c;
}

int of_list_copy(const struct of_list *from, struct arena *a, struct of_list *to)
{
	struct of_list l = { 0 };

	if (from->n) {
		l.v = of_list_room(a, from->n);
		if (!l.v)
			return -ENOMEM;
	}
	for (; l.n < from->n; l.n++) {
		l.v[l.n] = of_copy(from->v[l.n], a);
		if (!l.v[l.n])
			return -ENOMEM;
	}
	*to = l;
	return 0;
}

static int copy_rows(const struct of_desc *d, void *s, struct arena *a);

/* Replaces what the copied member still shares with the original. */
static int copy_member(const struct of_row *row, void *member, struct arena *a)
{
	struct of_list *l = member;
	struct of_any **body = member;
	struct of_msg **msg = member;
	struct of_words *words = member;
	struct of_ids *ids = member;
	struct of_span *span = member;
	struct of_halves *halves = member;

	switch (row->kind) {
	case OF_ROW_LIST:
	case OF_ROW_ARRAY:
		return of_list_copy(l, a, l);
	case OF_ROW_SUB:
		return copy_rows(&of_descs[row->arg], member, a);
	case OF_ROW_BODY:
		return *body && !(*body = of_copy(*body, a)) ? -ENOMEM : 0;
	case OF_ROW_MSG:
		return *msg && !(*msg = copy_msg(*msg, a)) ? -ENOMEM : 0;
	case OF_ROW_WORDS:
		return words->n && !(words->v = arena_dup(a, words->v, 4 * (size_t)words->n))
			       ? -ENOMEM
			       : 0;
	case OF_ROW_IDS:
		return ids->n && !(ids->v = arena_dup(a, ids->v, ids->n * sizeof(*ids->v)))
			       ? -ENOMEM
			       : 0;
	case OF_ROW_HALVES:
		return halves->n && !(halves->v = arena_dup(a, halves->v,
							    halves->n * sizeof(*halves->v)))
			       ? -ENOMEM
			       : 0;
	case OF_ROW_CODED:
		return of_codeds[row->arg].copy(member, a);
	case OF_ROW_REST:
		return span->n && !(span->p = arena_dup(a, span->p, span->n)) ? -ENOMEM : 0;
	}
	return 0;
}

static int copy_rows(const struct of_desc *d, void *s, struct arena *a)
{
	for (const struct of_row *row = d->rows; row->kind != OF_ROW_END; row++) {
		int rc = copy_member(row, (uint8_t *)s + row->offset, a);

		if (rc)
			return rc;
	}
	return 0;
}

struct of_any *of_copy(const struct of_any *s, struct arena *a)
{
	struct of_any *c = arena_dup(a, s, of_desc(s)->size);

	return c && !copy_rows(of_desc(s), c, a) ? c : NULL;
}

/* ---- Comparing ---- */

static bool any_equal(const struct of_any *x, const struct of_any *y);

bool of_list_equal(const struct of_list *x, const struct of_list *y)
{
	if (x->n != y->n)
		return false;
	for (uint32_t i = 0; i < x->n; i++)
		if (!any_equal(x->v[i], y->v[i]))
			return false;
	return true;
}

static bool msg_equal(const struct of_msg *x, const struct of_msg *y)
{
	return x->xid == y->xid && any_equal(x->body, y->body);
}

static bool oxm_equal(const struct of_oxm *x, const struct of_oxm *y)
{
	unsigned int n = x->field ? x->field->bytes : 0;

	return x->field == y->field && x->masked == y->masked && !memcmp(x->value, y->value, n) &&
	       (!x->masked || !memcmp(x->mask, y->mask, n));
}

static bool subfield_equal(const struct of_subfield *x, const struct of_subfield *y)
{
	return x->field == y->field && x->ofs == y->ofs && x->n_bits == y->n_bits;
}

static bool ids_equal(const struct of_ids *x, const struct of_ids *y)
{
	if (x->n != y->n)
		return false;
	for (uint32_t i = 0; i < x->n; i++)
		if (x->v[i].type != y->v[i].type || x->v[i].field != y->v[i].field ||
		    x->v[i].experimenter != y->v[i].experimenter ||
		    x->v[i].has_mask != y->v[i].has_mask)
			return false;
	return true;
}

static bool bytes_equal(const void *x, uint32_t nx, const void *y, uint32_t ny, size_t unit)
{
	return nx == ny && (!nx || !memcmp(x, y, nx * unit));
}

static bool rows_equal(const struct of_desc *d, const void *x, const void *y);

static bool member_equal(const struct of_row *row, const void *x, const void *y)
{
	const struct of_words *wx = x, *wy = y;
	const struct of_span *sx = x, *sy = y;
	const struct of_halves *hx = x, *hy = y;

	switch (row->kind) {
	case OF_ROW_UINT:
	case OF_ROW_BYTES:
	case OF_ROW_U32S:
		return !memcmp(x, y, row->size);
	case OF_ROW_MATCH:
	case OF_ROW_FIELDS:
		return of_match_equal(x, y);
	case OF_ROW_OXM:
		return oxm_equal(x, y);
	case OF_ROW_OXM_ID:
		return *(const struct of_field *const *)x == *(const struct of_field *const *)y;
	case OF_ROW_OFS_NBITS:
		return subfield_equal(x, y);
	case OF_ROW_SUB:
		return rows_equal(&of_descs[row->arg], x, y);
	case OF_ROW_LIST:
	case OF_ROW_ARRAY:
		return of_list_equal(x, y);
	case OF_ROW_BODY:
		return any_equal(*(struct of_any *const *)x, *(struct of_any *const *)y);
	case OF_ROW_MSG:
		return msg_equal(*(struct of_msg *const *)x, *(struct of_msg *const *)y);
	case OF_ROW_WORDS:
		return bytes_equal(wx->v, wx->n, wy->v, wy->n, 4);
	case OF_ROW_IDS:
		return ids_equal(x, y);
	case OF_ROW_HALVES:
		return bytes_equal(hx->v, hx->n, hy->v, hy->n, 2);
	case OF_ROW_CODED:
		return of_codeds[row->arg].equal(x, y);
	case OF_ROW_REST:
		return bytes_equal(sx->p, sx->n, sy->p, sy->n, 1);
	}
	return true;
}

static bool rows_equal(const struct of_desc *d, const void *x, const void *y)
{
	for (const struct of_row *row = d->rows; row->kind != OF_ROW_END; row++)
		if (!member_equal(row, (const uint8_t *)x + row->offset,
				  (const uint8_t *)y + row->offset))
			return false;
	return true;
}

static bool any_equal(const struct of_any *x, const struct of_any *y)
{
	if (!x || !y)
		return x == y;
	return x->kind == y->kind && rows_equal(of_desc(x), x, y);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes to structures: the interpreter of the descriptor rows, reading side.
 *
 * Invariant: every function gets 'p' and 'end' and reads nothing outside them; an element gets
 * exactly the bytes that its length says.
 */
#include "ofproto/codec.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#define REQUEST_E(code) OF_E(OFPET_BAD_REQUEST, OFPBRC_##code)
#define ACTION_E(code)	OF_E(OFPET_BAD_ACTION, OFPBAC_##code)

static int read_msg(struct of_rd *r, const uint8_t *p, const uint8_t *end, struct of_msg **out);
static int read_struct(struct of_rd *r, const struct of_desc *d, const uint8_t *p,
		       const uint8_t *end, struct of_any **out);

int of_refuse(struct of_rd *r, const uint8_t *at, uint32_t error, const char *fmt, ...)
{
	va_list ap;

	if (!r->e)
		return -EPROTO;
	r->e->type = (uint16_t)(error >> 16);
	r->e->code = (uint16_t)error;
	r->e->offset = (uint32_t)(at - r->base);
	va_start(ap, fmt);
	vsnprintf(r->e->text, sizeof(r->e->text), fmt, ap);
	va_end(ap);
	return -EPROTO;
}

bool of_all_zeros(const uint8_t *p, size_t n)
{
	while (n--)
		if (*p++)
			return false;
	return true;
}

static void store(void *member, unsigned int size, uint64_t v)
{
	switch (size) {
	case 1:
		*(uint8_t *)member = (uint8_t)v;
		break;
	case 2:
		*(uint16_t *)member = (uint16_t)v;
		break;
	case 4:
		*(uint32_t *)member = (uint32_t)v;
		break;
	default:
		*(uint64_t *)member = v;
	}
}

/* ---- Lists: elements with headers of their own ---- */

struct elem {
	const struct of_desc *d; /* NULL: to be passed over */
	const uint8_t *body, *end;
	const uint8_t *next;
};

/* What stands behind an experimenter's type 0xffff. */
static int find_experimenter(struct of_rd *r, const struct of_family *f, enum of_family_id fam,
			     const uint8_t *p, struct elem *el)
{
	uint32_t experimenter;

	if (fam == OF_FAM_queue_prop || fam == OF_FAM_tf_prop || fam == OF_FAM_group_prop)
		return 0;
	if (el->end - p < (fam == OF_FAM_band ? 16 : 8))
		return of_refuse(r, p, f->bad_len, "experimenter's %s is too short", f->name);
	experimenter = get_be32(p + (fam == OF_FAM_band ? 12 : 4));
	if (fam == OF_FAM_action && (experimenter == OF_NX_ID || experimenter == OF_WEFT_ID)) {
		const bool weft = experimenter == OF_WEFT_ID;
		const enum of_family_id its = weft ? OF_FAM_weft_action : OF_FAM_nx_action;
		const char *whose = weft ? "Weft" : "Nicira";
		const struct of_desc *d;

		if (el->end - p < 16)
			return of_refuse(r, p, f->bad_len, "%s action is too short", whose);
		d = of_desc_find(its, get_be16(p + 8));
		if (d) {
			el->d = d;
			el->body = p + 10;
		} else if (!r->reply) {
			return of_refuse(r, p, of_families[its].bad_type, "unknown %s action %u",
					 whose, get_be16(p + 8));
		}
		return 0;
	}
	if (!r->reply)
		return of_refuse(r, p, f->bad_exp, "%s of unknown experimenter 0x%08x", f->name,
				 experimenter);
	return 0;
}

/* The header at 'p': which structure it is, and where it ends. */
static int read_head(struct of_rd *r, enum of_family_id fam, const uint8_t *p, const uint8_t *end,
		     struct elem *el)
{
	const struct of_family *f = &of_families[fam];
	size_t left = (size_t)(end - p), len, padded;
	uint16_t type;

	if (left < 4)
		return of_refuse(r, p, f->bad_len, "%zu bytes are no %s", left, f->name);
	type = get_be16(p);
	len = get_be16(p + 2);
	padded = f->align == OF_ALIGN_OUTSIDE ? (len + 7) / 8 * 8 : len;
	if (len < 4 || padded > left || (f->align == OF_ALIGN_INSIDE && len % 8))
		return of_refuse(r, p, f->bad_len, "%s of length %zu where %zu bytes are left",
				 f->name, len, left);
	*el = (struct elem){
		.d = of_desc_find(fam, type), .body = p + 4, .end = p + len, .next = p + padded
	};
	if (type == 0xffff && el->d)
		return find_experimenter(r, f, fam, p, el);
	if (!el->d && f->bad_type != OF_E_SKIP)
		return of_refuse(r, p, f->bad_type, "unknown %s type %u", f->name, type);
	return 0;
}

/* How many elements there are; their lengths are judged when they are read. */
static uint32_t count_elems(enum of_family_id fam, const uint8_t *p, const uint8_t *end)
{
	bool outside = of_families[fam].align == OF_ALIGN_OUTSIDE;
	uint32_t n = 0;

	while (end - p >= 4) {
		size_t len = get_be16(p + 2);

		len = outside ? (len + 7) / 8 * 8 : len;
		if (len < 4 || len > (size_t)(end - p))
			break;
		p += len;
		n++;
	}
	return n;
}

int of_read_list(struct of_rd *r, enum of_family_id fam, const uint8_t *p, const uint8_t *end,
		 struct of_list *l)
{
	uint32_t n = count_elems(fam, p, end);
	struct elem el = { 0 };
	int rc;

	if (p == end)
		return 0;
	if (r->depth == OF_MAX_DEPTH)
		return of_refuse(r, p, of_families[fam].bad_len, "%s: nested too deep",
				 of_families[fam].name);
	l->v = of_list_room(r->a, n + 1);
	if (!l->v)
		return -ENOMEM;
	l->wire = p;
	l->wire_len = (uint32_t)(end - p);
	for (r->depth++; p < end; p = el.next) {
		rc = read_head(r, fam, p, end, &el);
		if (rc)
			return rc;
		if (!el.d)
			continue;
		rc = read_struct(r, el.d, el.body, el.end, &l->v[l->n]);
		if (rc)
			return rc;
		l->n++;
	}
	r->depth--;
	return 0;
}

/* ---- Arrays: structures of one kind, each as long as its SIZE row says or all alike ---- */

static int array_len(struct of_rd *r, const struct of_desc *d, const uint8_t *p, size_t left,
		     size_t *len)
{
	const struct of_family *f = &of_families[d->family];

	*len = d->min_len;
	if (d->min_len > left)
		return of_refuse(r, p, f->bad_len, "%zu bytes are no %s", left, d->name);
	if (d->size_at < 0 && d->match_len_at < 0)
		return 0;
	if (d->size_at < 0) {
		*len += (get_be16(p + d->match_len_at) + 7u) / 8 * 8;
		if (*len <= left)
			return 0;
		return of_refuse(r, p + d->match_len_at,
				 d->has_fields ? OF_E(OFPET_BAD_MATCH, OFPBMC_BAD_LEN) : f->bad_len,
				 "%s of length %zu where %zu bytes are left", d->name, *len, left);
	}
	*len = get_be16(p + d->size_at);
	if (*len < d->min_len || *len > left || (f->align == OF_ALIGN_INSIDE && *len % 8))
		return of_refuse(r, p + d->size_at, f->bad_len,
				 "%s of length %zu where %zu bytes are left", d->name, *len, left);
	return 0;
}

static int read_array(struct of_rd *r, const struct of_desc *d, const uint8_t *p,
		      const uint8_t *end, struct of_list *l)
{
	size_t len, max = (size_t)(end - p) / d->min_len;
	int rc;

	if (p == end)
		return 0;
	l->v = of_list_room(r->a, max);
	if (!l->v)
		return -ENOMEM;
	for (; p < end; p += len, l->n++) {
		rc = array_len(r, d, p, (size_t)(end - p), &len);
		if (!rc)
			rc = read_struct(r, d, p, p + len, &l->v[l->n]);
		if (rc)
			return rc;
	}
	return 0;
}

/* ---- Other rows of variable length ---- */

static int read_words(struct of_rd *r, const struct of_family *f, const uint8_t *p,
		      const uint8_t *end, struct of_words *w)
{
	size_t n = (size_t)(end - p);

	if (n % 4)
		return of_refuse(r, p, f->bad_len, "%zu bytes are no 32-bit words", n);
	if (!n)
		return 0;
	w->v = arena_get(r->a, n);
	if (!w->v)
		return -ENOMEM;
	for (; p < end; p += 4)
		w->v[w->n++] = get_be32(p);
	return 0;
}

/* The header of an instruction or action, without a body. */
static int read_type_id(struct of_rd *r, const uint8_t **p, const uint8_t *end, struct of_id *id)
{
	uint32_t error = OF_E(OFPET_TABLE_FEATURES_FAILED, OFPTFFC_BAD_LEN);
	size_t len;

	if (end - *p < 4)
		return of_refuse(r, *p, error, "id is cut off");
	id->type = get_be16(*p);
	len = get_be16(*p + 2);
	if (len != (id->type == 0xffff ? 8 : 4) || len > (size_t)(end - *p))
		return of_refuse(r, *p, error, "id of length %zu", len);
	if (id->type == 0xffff)
		id->experimenter = get_be32(*p + 4);
	*p += len;
	return 0;
}

static int read_ids(struct of_rd *r, enum of_ids_width width, const uint8_t *p, const uint8_t *end,
		    struct of_ids *ids)
{
	size_t max = (size_t)(end - p) / (width == OF_IDS_table ? 1 : 4);
	int rc = 0;

	if (p == end)
		return 0;
	ids->v = arena_get(r->a, (max + 1) * sizeof(*ids->v));
	if (!ids->v)
		return -ENOMEM;
	for (; p < end && !rc; ids->n += !rc) {
		struct of_id *id = &ids->v[ids->n];

		if (width == OF_IDS_table)
			id->type = *p++;
		else if (width == OF_IDS_oxm)
			rc = of_oxm_read_feature(r, &p, end, id);
		else
			rc = read_type_id(r, &p, end, id);
	}
	return rc;
}

/* A body's key: the integer of the family's width that begins at the member it goes 'by'. */
static int read_body(struct of_rd *r, const struct of_desc *owner, const struct of_row *row,
		     const uint8_t *start, const uint8_t *p, const uint8_t *end,
		     struct of_any **out)
{
	const struct of_family *f = &of_families[row->arg];
	const struct of_desc *d;
	const uint8_t *by;
	uint64_t key;
	size_t at;

	of_desc_row(owner, row->by, &at);
	by = start + at;
	key = of_family_is_exp(row->arg) ? get_be64(by) : get_be16(by);
	d = of_desc_find(row->arg, key);
	if (!d && f->bad_type == OF_E_KEEP)
		d = of_desc_find(row->arg, 0);
	if (!d)
		return of_refuse(r, by, f->bad_type, "unknown type %u", (unsigned int)key);
	return read_struct(r, d, p, end, out);
}

/* A message in a message, then zeros up to a multiple of 8 if anything follows (EXT-230). */
static int read_inner(struct of_rd *r, const uint8_t **p, const uint8_t *end, struct of_msg **out)
{
	size_t left = (size_t)(end - *p), len, padded;
	int rc;

	if (r->depth)
		return of_refuse(r, *p, OF_E(OFPET_EXPERIMENTER, OFPBFC_MSG_UNSUP),
				 "a bundle in a bundle");
	len = left < OF_HEADER_LEN ? 0 : get_be16(*p + 2);
	if (len < OF_HEADER_LEN || len > left)
		return of_refuse(r, *p, OF_E(OFPET_EXPERIMENTER, OFPBFC_MSG_BAD_LEN),
				 "inner message of length %zu where %zu bytes are left", len, left);
	r->depth++;
	rc = read_msg(r, *p, *p + len, out);
	r->depth--;
	padded = (len + 7) / 8 * 8;
	if (!rc && len < left && padded > left)
		rc = of_refuse(r, *p + len, REQUEST_E(BAD_LEN), "inner message's padding is short");
	*p += len == left ? len : padded;
	return rc;
}

/* ---- One structure ---- */

static int read_subfield_id(struct of_rd *r, const uint8_t **p, const uint8_t *end, bool brief,
			    struct of_subfield *sf)
{
	const uint8_t *at = *p;
	int rc = of_oxm_read_id(r, p, end, brief, &sf->field);

	if (rc)
		return rc;
	return of_check_part(r, sf->field, sf->ofs, sf->n_bits, at);
}

static void read_ofs_nbits(const uint8_t *p, struct of_subfield *sf)
{
	sf->ofs = get_be16(p) >> 6;
	sf->n_bits = (get_be16(p) & 63) + 1;
}

/* State between the rows of one structure. */
struct rows {
	const struct of_desc *d;
	const struct of_family *f; /* whose errors are given */
	const uint8_t *start, *p, *end;
	size_t limit;	/* LEN's value for the LIST, ARRAY or MATCH to come, or SIZE_MAX */
	uint16_t count; /* COUNT's for the HALVES */
	void *s;
};

static int read_rows(struct of_rd *r, struct rows *c);

static int read_sub(struct of_rd *r, struct rows *c, const struct of_row *row, void *member)
{
	struct rows in = { .d = &of_descs[row->arg],
			   .f = c->f,
			   .start = c->p,
			   .p = c->p,
			   .end = c->end,
			   .limit = SIZE_MAX,
			   .s = member };
	int rc;

	((struct of_any *)member)->kind = in.d->kind;
	rc = read_rows(r, &in);
	c->p = in.p;
	return rc;
}

/*
 * A match of which a LEN row has said how long it is: none, fields as EXT-187 has them, or an
 * ofp_match (its padding counted or not), which is what Open vSwitch makes of it.
 */
static int read_match(struct of_rd *r, struct rows *c, const uint8_t *p, const uint8_t *end,
		      struct of_match *m)
{
	size_t n = c->limit, padded = (n + 7) / 8 * 8, len;

	c->p = p;
	c->limit = SIZE_MAX;
	if (n == SIZE_MAX)
		return of_oxm_read_match(r, &c->p, end, m);
	if (padded > (size_t)(end - p))
		return of_refuse(r, p, c->f->bad_len, "a match of %zu bytes where %zu are left", n,
				 (size_t)(end - p));
	c->p = p + padded;
	len = n >= 4 && get_be16(p) == OFPMT_OXM ? get_be16(p + 2) : 0;
	if (len && (len == n || (len + 7) / 8 * 8 == n))
		return of_oxm_read_match(r, &p, c->p, m);
	return of_oxm_read_fields(r, p, p + n, m);
}

static int read_fields(struct of_rd *r, struct rows *c, struct of_match *m)
{
	const size_t left = (size_t)(c->end - c->p), len = c->limit == SIZE_MAX ? left : c->limit;
	const size_t padded = c->limit == SIZE_MAX ? len : (len + 7) / 8 * 8;
	const uint8_t *p = c->p;

	if (padded > left)
		return of_refuse(r, p, c->f->bad_len, "fields of %zu bytes where %zu are left", len,
				 left);
	c->p += padded;
	c->limit = SIZE_MAX;
	return of_oxm_read_fields(r, p, p + len, m);
}

/* As many as COUNT said; what is behind them fills the structure up. */
static int read_halves(struct of_rd *r, struct rows *c, const uint8_t *p, const uint8_t *end,
		       struct of_halves *h)
{
	if (c->count * 2u > (size_t)(end - p))
		return of_refuse(r, p, c->f->bad_len, "%s: %u numbers in %zu bytes", c->d->name,
				 c->count, (size_t)(end - p));
	if (!c->count)
		return 0;
	h->v = arena_get(r->a, c->count * sizeof(*h->v));
	if (!h->v)
		return -ENOMEM;
	for (; h->n < c->count; p += 2)
		h->v[h->n++] = get_be16(p);
	return 0;
}

/* A row of variable length; what it leaves is in c->p. */
static int read_variable(struct of_rd *r, struct rows *c, const struct of_row *row, void *member)
{
	const uint8_t *p = c->p, *end = c->end;

	if (c->limit != SIZE_MAX && (row->kind == OF_ROW_LIST || row->kind == OF_ROW_ARRAY)) {
		if (c->limit > (size_t)(end - p))
			return of_refuse(r, p, c->f->bad_len, "%s: %zu bytes where %zu are left",
					 row->name, c->limit, (size_t)(end - p));
		end = p + c->limit;
		c->limit = SIZE_MAX;
	}
	c->p = end;
	switch (row->kind) {
	case OF_ROW_LIST:
		return of_memo_read_list(r, row->arg, p, end, member);
	case OF_ROW_ARRAY:
		return read_array(r, &of_descs[row->arg], p, end, member);
	case OF_ROW_BODY:
		return read_body(r, c->d, row, c->start, p, end, member);
	case OF_ROW_WORDS:
		return read_words(r, c->f, p, end, member);
	case OF_ROW_IDS:
		return read_ids(r, row->arg, p, end, member);
	case OF_ROW_REST:
		*(struct of_span *)member =
			(struct of_span){ .n = (uint32_t)(end - p), .p = p < end ? p : NULL };
		return 0;
	case OF_ROW_FILL:
		return 0;
	case OF_ROW_HALVES:
		return read_halves(r, c, p, end, member);
	case OF_ROW_CODED:
		c->p = p;
		return of_codeds[row->arg].read(r, c->s, &c->p, end, member);
	case OF_ROW_SUB:
		c->p = p;
		return read_sub(r, c, row, member);
	case OF_ROW_MATCH:
		return read_match(r, c, p, end, member);
	case OF_ROW_FIELDS:
		c->p = p;
		return read_fields(r, c, member);
	case OF_ROW_OXM:
		c->p = p;
		return of_oxm_read(r, &c->p, end, row->arg, member);
	case OF_ROW_OXM_ID:
		c->p = p;
		return of_oxm_read_id(r, &c->p, end, false, member);
	case OF_ROW_OXM_ID_OF:
		c->p = p;
		return read_subfield_id(r, &c->p, end, row->arg, member);
	default: /* OF_ROW_MSG */
		c->p = p;
		return read_inner(r, &c->p, end, member);
	}
}

/* A row of fixed length, which is there whole; false when it is not of that sort. */
static bool read_fixed(struct rows *c, const struct of_row *row, void *member)
{
	switch (row->kind) {
	case OF_ROW_UINT:
		store(member, row->size, get_be(c->p, row->size));
		break;
	case OF_ROW_BYTES:
		memcpy(member, c->p, row->size);
		break;
	case OF_ROW_U32S:
		for (unsigned int i = 0; i < row->size / 4u; i++)
			((uint32_t *)member)[i] = get_be32(c->p + 4 * i);
		break;
	case OF_ROW_LEN:
		c->limit = get_be16(c->p);
		break;
	case OF_ROW_COUNT:
		c->count = get_be16(c->p);
		break;
	case OF_ROW_OFS_NBITS:
		read_ofs_nbits(c->p, member);
		break;
	case OF_ROW_PAD:
	case OF_ROW_ZERO: /* judged by read_rows() */
	case OF_ROW_SIZE: /* judged before the structure was begun */
		break;
	default:
		return false;
	}
	c->p += row->size;
	return true;
}

/* An error's type in eight bits, of which 0xff is OFPET_EXPERIMENTER's. */
static uint32_t zero_error(const struct of_row *row)
{
	uint16_t type = row->arg >> 8;

	return OF_E(type == 0xff ? OFPET_EXPERIMENTER : type, row->arg & 0xff);
}

static int read_rows(struct of_rd *r, struct rows *c)
{
	for (const struct of_row *row = c->d->rows; row->kind != OF_ROW_END; row++) {
		void *member = (uint8_t *)c->s + row->offset;
		int rc;

		/* Most rows of most structures. */
		if (row->kind == OF_ROW_UINT && row->size <= c->end - c->p) {
			store(member, row->size, get_be(c->p, row->size));
			c->p += row->size;
			continue;
		}
		/* MATCH and OXM say themselves what is wrong with them. */
		if (row->size > c->end - c->p && row->kind != OF_ROW_MATCH &&
		    row->kind != OF_ROW_OXM && row->kind != OF_ROW_MSG)
			return of_refuse(r, c->p, c->f->bad_len, "%s is cut off", c->d->name);
		if (row->kind == OF_ROW_ZERO && !of_all_zeros(c->p, row->size))
			return of_refuse(r, c->p, zero_error(row), "%s: bytes that are not zero",
					 c->d->name);
		if (read_fixed(c, row, member))
			continue;
		rc = read_variable(r, c, row, member);
		if (rc)
			return rc;
	}
	return 0;
}

/*
 * What Nicira's actions have to fill up behind a field is zeros, as Open vSwitch has it. OpenFlow's
 * own set_field may have anything there, like all padding (7.1.1).
 */
static int check_tail(struct of_rd *r, const struct rows *c)
{
	size_t n = (size_t)(c->end - c->p);

	if (!c->d->tail_pad || c->d->kind == OF_KIND_action_set_field || n >= 8 ||
	    of_all_zeros(c->p, n))
		return 0;
	return of_refuse(r, c->p,
			 c->d->tail_pad == 1 ? ACTION_E(BAD_SET_ARGUMENT)
					     : OF_E(OFPET_EXPERIMENTER, NXBRC_MUST_BE_ZERO),
			 "%s: bytes that are not zero", c->d->name);
}

/* The structure that fills the bytes from 'p' to 'end', a header before 'p' not counted. */
static int read_struct(struct of_rd *r, const struct of_desc *d, const uint8_t *p,
		       const uint8_t *end, struct of_any **out)
{
	struct rows c = { .d = d,
			  .f = &of_families[d->family],
			  .start = p,
			  .p = p,
			  .end = end,
			  .limit = SIZE_MAX };
	int rc;

	c.s = of_new(r->a, d->kind);
	if (!c.s)
		return -ENOMEM;
	rc = read_rows(r, &c);
	if (rc)
		return rc;
	rc = check_tail(r, &c);
	if (rc)
		return rc;
	if (c.p != end && !(d->tail_pad && end - c.p < 8))
		return of_refuse(r, c.p, c.f->bad_len, "%s has %zu bytes too many", d->name,
				 (size_t)(end - c.p));
	*out = c.s;
	return of_check(r, *out, p);
}

/* ---- Messages ---- */

/* Before the version is agreed on, hello and error may be of any (6.3.1). */
static bool version_fits(uint8_t version, uint8_t type)
{
	return version == OF_VERSION_13 || (version && (type == OFPT_HELLO || type == OFPT_ERROR));
}

static int read_msg(struct of_rd *r, const uint8_t *p, const uint8_t *end, struct of_msg **out)
{
	const struct of_desc *d;
	struct of_msg *m;
	size_t n = (size_t)(end - p);

	if (n < OF_HEADER_LEN || get_be16(p + 2) != n)
		return of_refuse(r, p, REQUEST_E(BAD_LEN), "%zu bytes are no whole message", n);
	if (!version_fits(p[0], p[1]))
		return of_refuse(r, p, REQUEST_E(BAD_VERSION), "version 0x%02x, not 0x%02x", p[0],
				 OF_VERSION_13);
	d = of_desc_find(OF_FAM_msg, p[1]);
	if (!d)
		return of_refuse(r, p + 1, REQUEST_E(BAD_TYPE), "unknown message type %u", p[1]);
	m = arena_get(r->a, sizeof(*m));
	if (!m)
		return -ENOMEM;
	m->version = p[0];
	m->type = p[1];
	m->length = (uint16_t)n;
	m->xid = get_be32(p + 4);
	m->raw = p;
	*out = m;
	r->reply = m->type == OFPT_MULTIPART_REPLY;
	/* Older hellos have no elements; what stands there is not looked at. */
	if (m->type == OFPT_HELLO && m->version < OF_VERSION_13)
		end = p + OF_HEADER_LEN;
	return read_struct(r, d, p + OF_HEADER_LEN, end, &m->body);
}

int of_decode(const uint8_t *p, size_t n, struct arena *a, struct of_msg **out, struct of_err *e)
{
	return of_decode_memo(p, n, a, NULL, out, e);
}

int of_decode_memo(const uint8_t *p, size_t n, struct arena *a, struct of_memo *o,
		   struct of_msg **out, struct of_err *e)
{
	struct of_rd r = { .base = p, .a = a, .e = e, .memo = o };

	if (o && !o->arena.limit)
		arena_init(&o->arena, 0);
	return read_msg(&r, p, p + n, out);
}

int of_decode_list(const char *family, const uint8_t *p, size_t n, struct arena *a,
		   struct of_list *out, struct of_err *e)
{
	struct of_rd r = { .base = p, .a = a, .e = e };
	int fam = of_family_by_name(family);

	if (fam < 0 || of_families[fam].header != OF_HDR_TLV)
		return -EINVAL;
	*out = (struct of_list){ 0 };
	return of_read_list(&r, (enum of_family_id)fam, p, p + n, out);
}

void of_refuse_unknown_exp(const struct of_experimenter_msg *m, struct of_err *e)
{
	bool known = false;

	for (unsigned int k = 1; k < OF_N_KINDS; k++)
		if (of_descs[k].family == OF_FAM_exp_msg && of_descs[k].key &&
		    of_descs[k].key >> 32 == m->experimenter)
			known = true;
	*e = (struct of_err){ .type = OFPET_BAD_REQUEST,
			      .code = known ? OFPBRC_BAD_EXP_TYPE : OFPBRC_BAD_EXPERIMENTER,
			      .offset = known ? 12 : 8 };
	snprintf(e->text, sizeof(e->text), "unknown message %u of experimenter 0x%08x", m->exp_type,
		 m->experimenter);
}

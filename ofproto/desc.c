/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/desc.h"

#include <errno.h>
#include <string.h>

#define E(type, code) OF_E(OFPET_##type, code)
#define SKIP	      OF_E_SKIP
#define KEEP	      OF_E_KEEP

const struct of_family of_families[OF_N_FAMILIES] = {
#define FAMILY(name, header, align, parent, bad_type, bad_len, bad_exp)                   \
	[OF_FAM_##name] = { #name,    OF_HDR_##header, OF_ALIGN_##align, OF_FAM_##parent, \
			    bad_type, bad_len,	       bad_exp },
#include "ofproto/family.def"
#undef FAMILY
};

const uint8_t of_header_len[] = {
	[OF_HDR_BARE] = 0,
	[OF_HDR_TLV] = 4,
	[OF_HDR_NX] = 10,
	[OF_HDR_MSG] = OF_HEADER_LEN,
};

static struct of_desc descs[OF_N_KINDS];
const struct of_desc *const of_descs = descs;

/*
 * Kinds by family and key.  Keys are small numbers, but for a few that stand in a short list: each
 * row of 'others' is the next kind of the same family.
 */
enum { N_LOW = 64 };
static uint16_t low[OF_N_FAMILIES][N_LOW];
static uint16_t others_first[OF_N_FAMILIES], others_next[OF_N_KINDS];

int of_family_by_name(const char *name)
{
	for (int i = 0; i < OF_N_FAMILIES; i++)
		if (!strcmp(of_families[i].name, name))
			return i;
	return -ENOENT;
}

const struct of_desc *of_desc_find(enum of_family_id family, uint64_t key)
{
	if (key < N_LOW)
		return low[family][key] ? &descs[low[family][key]] : NULL;
	for (unsigned int k = others_first[family]; k; k = others_next[k])
		if (descs[k].key == key)
			return &descs[k];
	return NULL;
}

bool of_desc_in(const struct of_desc *d, enum of_family_id family)
{
	return d->family == family || of_families[d->family].parent == family;
}

const struct of_row *of_desc_row(const struct of_desc *d, const char *name, size_t *at)
{
	*at = 0;
	for (const struct of_row *r = d->rows; r->kind != OF_ROW_END; r++) {
		if (r->name && !strcmp(r->name, name))
			return r;
		*at += r->size;
	}
	return NULL;
}

/* ---- Filling the table ---- */

static void find_lengths(struct of_desc *d)
{
	int16_t len_at = -1;

	d->size_at = d->match_len_at = -1;
	for (const struct of_row *r = d->rows; r->kind != OF_ROW_END; r++) {
		if (r->kind == OF_ROW_LEN)
			len_at = (int16_t)d->min_len;
		if (r->kind == OF_ROW_LIST || r->kind == OF_ROW_ARRAY)
			len_at = -1;
		if (r->kind == OF_ROW_MATCH || r->kind == OF_ROW_FIELDS)
			d->match_len_at = len_at;
		d->has_fields |= r->kind == OF_ROW_FIELDS;
		if (r->kind == OF_ROW_SIZE)
			d->size_at = (int16_t)d->min_len;
		if (r->kind == OF_ROW_OXM)
			d->tail_pad = 1;
		if (r->kind == OF_ROW_OXM_ID || (r->kind == OF_ROW_OXM_ID_OF && !r->arg))
			d->tail_pad = 2;
		/* Structures that are embedded are declared, and so filled, further up. */
		if (r->kind == OF_ROW_SUB)
			d->min_len += descs[r->arg].min_len;
		else if (r->kind != OF_ROW_MATCH || d->match_len_at < 0)
			d->min_len += r->size;
	}
}

static void add(struct of_desc d)
{
	descs[d.kind] = d;
	find_lengths(&descs[d.kind]);
	if (d.family == OF_FAM_none)
		return;
	if (d.key < N_LOW) {
		low[d.family][d.key] = d.kind;
	} else {
		others_next[d.kind] = others_first[d.family];
		others_first[d.family] = d.kind;
	}
}

#define FMT_DEC	     OF_FMT_DEC, 0
#define FMT_HEX	     OF_FMT_HEX, 0
#define FMT_PORT     OF_FMT_PORT, 0
#define FMT_TABLE    OF_FMT_TABLE, 0
#define FMT_GROUP    OF_FMT_GROUP, 0
#define FMT_METER    OF_FMT_METER, 0
#define FMT_QUEUE    OF_FMT_QUEUE, 0
#define FMT_BUFFER   OF_FMT_BUFFER, 0
#define FMT_COOKIE   OF_FMT_COOKIE, 0
#define FMT_TIME     OF_FMT_TIME, 0
#define FMT_MAC	     OF_FMT_MAC, 0
#define FMT_TEXT     OF_FMT_TEXT, 0
#define FMT_NONE     OF_FMT_NONE, 0
#define FMT_ENUM(e)  OF_FMT_ENUM, OF_ENUM_##e
#define FMT_FLAGS(e) OF_FMT_FLAGS, OF_ENUM_##e

#define ROW(kind, size, fmt, arg, member, by) \
	{ OF_ROW_##kind, fmt, size, offsetof(self, member), arg, #member, by },
#define ROW_F(kind, size, member, ...)	     ROW_F_(kind, size, member, __VA_ARGS__)
#define ROW_F_(kind, size, member, fmt, arg) ROW(kind, size, fmt, arg, member, NULL)
#define HIDDEN(kind, size)		     { OF_ROW_##kind, 0, size, 0, 0, NULL, NULL },
#define EXP(experimenter, exp_type)	     ((uint64_t)(experimenter) << 32 | (exp_type))

/* One function a structure, because only inside it can the rows speak of 'self'. */
#define STRUCT(sname, fam, key_)                              \
	static void add_##sname(void)                         \
	{                                                     \
		typedef struct of_##sname self;               \
		struct of_desc d = { .name = #sname,          \
				     .kind = OF_KIND_##sname, \
				     .family = OF_FAM_##fam,  \
				     .key = key_,             \
				     .size = sizeof(self) };  \
		static const struct of_row rows[] = {
#define U8(name, f)	  ROW_F(UINT, 1, name, FMT_##f)
#define U16(name, f)	  ROW_F(UINT, 2, name, FMT_##f)
#define U32(name, f)	  ROW_F(UINT, 4, name, FMT_##f)
#define U64(name, f)	  ROW_F(UINT, 8, name, FMT_##f)
#define BYTES(name, n, f) ROW_F(BYTES, n, name, FMT_##f)
#define U32S(name, n)	  ROW_F(U32S, 4 * (n), name, FMT_HEX)
#define PAD(n)		  HIDDEN(PAD, n)
#define ZERO(n, type, code) \
	{ OF_ROW_ZERO, 0, n, 0, (OFPET_##type & 0xff) << 8 | (code), NULL, NULL },
#define SIZE(name)	     HIDDEN(SIZE, 2)
#define LEN(name)	     HIDDEN(LEN, 2)
#define MATCH(name)	     ROW_F(MATCH, 8, name, FMT_NONE)
#define OXM(name)	     ROW(OXM, 4, 0, 0, name, NULL)
#define OXM_MASKED(name)     ROW(OXM, 4, 0, 1, name, NULL)
#define OXM_ID(name)	     ROW(OXM_ID, 4, 0, 0, name, NULL)
#define OFS_NBITS(name)	     ROW_F(OFS_NBITS, 2, name, FMT_NONE)
#define OXM_ID_OF(name)	     ROW(OXM_ID_OF, 4, 0, 1, name, NULL)
#define OXM_ID_OF_LONG(name) ROW(OXM_ID_OF, 4, 0, 0, name, NULL)
#define FIELDS(name)	     ROW_F(FIELDS, 0, name, FMT_NONE)
#define FIELDS_NXM(name)     ROW(FIELDS, 0, 0, 1, name, NULL)
#define SUB(name, s)	     ROW(SUB, 0, 0, OF_KIND_##s, name, NULL)
#define LIST(name, fam)	     ROW(LIST, 0, 0, OF_FAM_##fam, name, NULL)
#define ARRAY(name, s)	     ROW(ARRAY, 0, 0, OF_KIND_##s, name, NULL)
#define BODY(name, fam, by)  ROW(BODY, 0, 0, OF_FAM_##fam, name, #by)
#define MSG(name)	     ROW(MSG, 8, 0, 0, name, NULL)
#define WORDS(name)	     ROW(WORDS, 0, OF_FMT_HEX, 0, name, NULL)
#define IDS(name, w)	     ROW(IDS, 0, 0, OF_IDS_##w, name, NULL)
#define REST(name)	     ROW(REST, 0, 0, 0, name, NULL)
#define FILL(n)		     { OF_ROW_FILL, 0, 0, 0, n, NULL, NULL },
#define COUNT(name)	     HIDDEN(COUNT, 2)
#define HALVES(name)	     ROW(HALVES, 0, 0, 0, name, NULL)
#define CODED(name, form)    ROW(CODED, OF_CODED_BYTES_##form, 0, OF_CODED_##form, name, NULL)
#define END(name)                                  \
	{                                          \
		OF_ROW_END, 0, 0, 0, 0, NULL, NULL \
	}                                          \
	}                                          \
	;                                          \
	d.rows = rows;                             \
	add(d);                                    \
	(void)sizeof(self);                        \
	}
#include "ofproto/of13.def"
#include "ofproto/undef.h"

__attribute__((constructor)) static void fill(void)
{
	static const struct of_row none[] = { { OF_ROW_END, 0, 0, 0, 0, NULL, NULL } };

	descs[OF_KIND_NONE] = (struct of_desc){ .name = "none", .rows = none };
	find_lengths(&descs[OF_KIND_NONE]);
#define STRUCT(name, family, key) add_##name();
#define U8(...)
#define U16(...)
#define U32(...)
#define U64(...)
#define BYTES(...)
#define U32S(...)
#define PAD(...)
#define ZERO(...)
#define SIZE(...)
#define LEN(...)
#define MATCH(...)
#define OXM(...)
#define OXM_MASKED(...)
#define OXM_ID(...)
#define OFS_NBITS(...)
#define OXM_ID_OF(...)
#define OXM_ID_OF_LONG(...)
#define FIELDS(...)
#define FIELDS_NXM(...)
#define SUB(...)
#define LIST(...)
#define ARRAY(...)
#define BODY(...)
#define MSG(...)
#define WORDS(...)
#define IDS(...)
#define REST(...)
#define COUNT(...)
#define FILL(...)
#define HALVES(...)
#define CODED(...)
#define END(...)
#include "ofproto/of13.def"
#include "ofproto/undef.h"
}

/* ---- What wire.h tells about kinds ---- */

const char *of_kind_name(enum of_kind kind)
{
	return (unsigned int)kind < OF_N_KINDS ? descs[kind].name : "none";
}

size_t of_kind_size(enum of_kind kind)
{
	return (unsigned int)kind < OF_N_KINDS ? descs[kind].size : 0;
}

bool of_kind_in(enum of_kind kind, const char *family)
{
	int f = of_family_by_name(family);

	return f >= 0 && (unsigned int)kind < OF_N_KINDS && kind != OF_KIND_NONE &&
	       of_desc_in(&descs[kind], (enum of_family_id)f);
}

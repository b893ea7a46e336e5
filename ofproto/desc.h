/* SPDX-License-Identifier: Apache-2.0 */
/*
 * of13.def and family.def as descriptor rows: what the codec, the copier and the printer walk.
 *
 * Internal to the codec.  Filled before main(), read-only afterwards; any thread.
 */
#ifndef WEFT_OFPROTO_DESC_H
#define WEFT_OFPROTO_DESC_H

#include "ofproto/wire.h"

enum of_family_id {
#define FAMILY(name, ...) OF_FAM_##name,
#include "ofproto/family.def"
#undef FAMILY
	OF_N_FAMILIES
};

enum of_header { OF_HDR_BARE, OF_HDR_TLV, OF_HDR_NX, OF_HDR_MSG };
enum of_align { OF_ALIGN_FREE, OF_ALIGN_INSIDE, OF_ALIGN_OUTSIDE };

/* An error as one number, OFPET_* << 16 | code; and what is no error at all. */
#define OF_E(type, code) ((uint32_t)(type) << 16 | (code))
#define OF_E_SKIP	 0xfffffffeu
#define OF_E_KEEP	 0xffffffffu

struct of_family {
	const char *name;
	enum of_header header;
	enum of_align align;
	enum of_family_id parent;
	uint32_t bad_type, bad_len, bad_exp;
};

extern const struct of_family of_families[OF_N_FAMILIES];
extern const uint8_t of_header_len[]; /* by enum of_header */

/* -ENOENT when there is none. */
int of_family_by_name(const char *name);

/* How a value is printed; with ENUM and FLAGS, row->arg is the enumeration. */
enum of_fmt {
	OF_FMT_NONE,
	OF_FMT_DEC,
	OF_FMT_HEX,
	OF_FMT_PORT,
	OF_FMT_TABLE,
	OF_FMT_GROUP,
	OF_FMT_METER,
	OF_FMT_QUEUE,
	OF_FMT_BUFFER,
	OF_FMT_COOKIE,
	OF_FMT_TIME,
	OF_FMT_MAC,
	OF_FMT_TEXT,
	OF_FMT_ENUM,
	OF_FMT_FLAGS,
};

enum of_row_kind {
	OF_ROW_END,
	OF_ROW_UINT,
	OF_ROW_BYTES,
	OF_ROW_U32S,
	OF_ROW_PAD,
	OF_ROW_ZERO,
	OF_ROW_SIZE,
	OF_ROW_LEN,
	OF_ROW_MATCH,
	OF_ROW_OXM,
	OF_ROW_OXM_ID,
	OF_ROW_OFS_NBITS,
	OF_ROW_OXM_ID_OF,
	OF_ROW_FIELDS,
	OF_ROW_SUB,
	OF_ROW_LIST,
	OF_ROW_ARRAY,
	OF_ROW_BODY,
	OF_ROW_MSG,
	OF_ROW_WORDS,
	OF_ROW_IDS,
	OF_ROW_REST,
	OF_ROW_COUNT,
	OF_ROW_FILL,
	OF_ROW_HALVES,
	OF_ROW_CODED,
};

enum of_ids_width { OF_IDS_inst, OF_IDS_action, OF_IDS_table, OF_IDS_oxm };

struct of_row {
	uint8_t kind;
	uint8_t fmt;	 /* enum of_fmt */
	uint16_t size;	 /* bytes on the wire of what is fixed */
	uint16_t offset; /* of the member */
	/* SUB, ARRAY: kind; LIST, BODY: family; IDS: width; OXM: masked; OXM_ID_OF: short; FIELDS:
	 * NXM; CODED: enum of_coded_id; FILL: bytes sent; ZERO: type << 8 | code; ENUM, FLAGS: enum
	 */
	uint16_t arg;
	const char *name; /* the member's */
	const char *by;	  /* BODY: the member that tells the kind */
};

struct of_desc {
	const char *name;
	enum of_kind kind;
	enum of_family_id family;
	uint64_t key;
	const struct of_row *rows; /* up to OF_ROW_END */
	size_t size;		   /* of the C structure */
	uint16_t min_len;	   /* on the wire, without the family's header */
	int16_t size_at;	   /* of the SIZE row, -1: none */
	int16_t match_len_at;	   /* of the LEN row of a MATCH or FIELDS, -1: none */
	bool has_fields;	   /* it is of FIELDS */
	/* Zeros up to a multiple of 8 may end it: 1, behind an OXM; 2, behind an id.
	 */
	uint8_t tail_pad;
};

extern const struct of_desc *const of_descs; /* by kind; [OF_KIND_NONE] is empty */

/* NULL when the family has no such key. */
const struct of_desc *of_desc_find(enum of_family_id family, uint64_t key);
/* Whether an element of this kind may stand in a list of 'family'. */
bool of_desc_in(const struct of_desc *d, enum of_family_id family);
/* The member called 'name', and its offset on the wire; NULL: none. */
const struct of_row *of_desc_row(const struct of_desc *d, const char *name, size_t *at);

/* Whether the key of a BODY of this family is EXP(experimenter, exp_type), of 64 bits. */
static inline bool of_family_is_exp(enum of_family_id f)
{
	return f == OF_FAM_exp_msg || f == OF_FAM_exp_mp_request || f == OF_FAM_exp_mp_reply;
}

/* Memory for the elements of a list that of_list_add() may grow; NULL when the arena is full. */
struct of_any **of_list_room(struct arena *a, size_t n);

static inline const struct of_desc *of_desc(const struct of_any *s)
{
	return &of_descs[s->kind];
}

#endif

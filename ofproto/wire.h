/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenFlow on the wire: of13.def as C structs, and the codec that knows them all.
 *
 * Numbers in the structs are in host order, a match is a struct of_match (network order).  Every
 * element that can stand in a LIST starts with its kind, so that 'switch (a->kind)' finds its type.
 * What decoding points to lives in the caller's arena (REST spans point into the input buffer).
 * No state of its own; any thread.
 */
#ifndef WEFT_OFPROTO_WIRE_H
#define WEFT_OFPROTO_WIRE_H

#include <stdint.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/err.h"
#include "ofproto/coded.h"
#include "ofproto/match.h"
#include "ofproto/enum.h"

#define OF_ONF_ID  0x4f4e4600u
#define OF_NX_ID   0x00002320u
#define OF_WEFT_ID 0x57454654u

enum { OF_VERSION_13 = 4, OF_HEADER_LEN = 8, OF_MSG_MAX = 65535 };

enum of_kind {
	OF_KIND_NONE,
#define STRUCT(name, family, key) OF_KIND_##name,
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
	OF_N_KINDS
};

/* What every structure starts with. */
struct of_any {
	enum of_kind kind;
};

/* Elements in wire order; each starts with its kind. */
struct of_list {
	uint32_t n;
	struct of_any **v;
	/* What it was read from, as long as the reader has that; NULL: nothing, or it was changed.
	 */
	const uint8_t *wire;
	uint32_t wire_len;
};

/* Bytes that belong to somebody else. */
struct of_span {
	uint32_t n;
	const uint8_t *p;
};

struct of_words {
	uint32_t n;
	uint32_t *v;
};

struct of_halves {
	uint32_t n;
	uint16_t *v;
};

/* Table-features ids.  An OXM id: of_field and has_mask; the others: type (and experimenter). */
struct of_id {
	uint32_t type;		      /* instruction or action type, table id, or OXM header */
	uint32_t experimenter;	      /* where type is 0xffff (OXM: class 0xffff) */
	const struct of_field *field; /* OXM ids; NULL: a field this build does not know */
	bool has_mask;
};

struct of_ids {
	uint32_t n;
	struct of_id *v;
};

struct of_msg;

#define STRUCT(name, family, key) \
	struct of_##name {        \
		enum of_kind kind;
#define U8(name, ...)	  uint8_t name;
#define U16(name, ...)	  uint16_t name;
#define U32(name, ...)	  uint32_t name;
#define U64(name, ...)	  uint64_t name;
#define BYTES(name, n, f) uint8_t name[n];
#define U32S(name, n)	  uint32_t name[n];
#define PAD(n)
#define ZERO(n, type, code)
#define SIZE(name)
#define LEN(name)
#define MATCH(name)	 struct of_match name;
#define OXM(name)	 struct of_oxm name;
#define OXM_MASKED(name) struct of_oxm name;
#define OXM_ID(name)	 const struct of_field *name;
#define OFS_NBITS(name)	 struct of_subfield name;
#define OXM_ID_OF(name)
#define OXM_ID_OF_LONG(name)
#define FIELDS(name)	 struct of_match name;
#define FIELDS_NXM(name) struct of_match name;
/* SUB: a structure declared further up. */
#define SUB(name, s)	       struct of_##s name;
#define LIST(name, family)     struct of_list name;
#define ARRAY(name, s)	       struct of_list name;
#define BODY(name, family, by) struct of_any *name;
#define MSG(name)	       struct of_msg *name;
#define WORDS(name)	       struct of_words name;
#define IDS(name, w)	       struct of_ids name;
#define REST(name)	       struct of_span name;
#define COUNT(name)
#define FILL(n)
#define HALVES(name)	  struct of_halves name;
#define CODED(name, form) struct of_##form name;
#define END(name) \
	}         \
	;
#include "ofproto/of13.def"
#include "ofproto/undef.h"

/* A message: header and body.  'body' is one of the structures of family msg. */
struct of_msg {
	uint8_t version;
	uint8_t type;	 /* OFPT_* */
	uint16_t length; /* as received; of_encode() computes its own */
	uint32_t xid;
	struct of_any *body;
	/*
	 * As received, 'length' bytes; NULL in a message made here.  Without a body it is what
	 * of_encode() writes.
	 */
	const uint8_t *raw;
};

/* A refusal in OpenFlow's terms (section 7.4.1); type and code are OFPET_* and OFP*C_*. */
struct of_err {
	uint16_t type, code;
	uint32_t offset; /* of the offending byte in the message */
	char text[160];	 /* what was wrong, what would be right */
};

/* Fills 'e' and returns -EPROTO, for who refuses what of_decode() has read. */
__attribute__((format(printf, 4, 5))) int of_err_set(struct of_err *e, uint16_t type, uint16_t code,
						     const char *fmt, ...);

/*
 * Decodes one whole message of 'n' bytes.  On refusal -EPROTO with 'e' filled (the error message to
 * send), -ENOMEM when the arena is full.  '*out' lives in 'a'; REST spans point into 'p'.
 */
int of_decode(const uint8_t *p, size_t n, struct arena *a, struct of_msg **out, struct of_err *e);

/*
 * The instructions of the last flow_mod, for who reads many: they come in series that do the same,
 * and equal bytes are equal lists.  Zeroed: nothing.
 */
enum { OF_MEMO_MAX = 256 };
struct of_memo {
	struct arena arena; /* of the list */
	struct of_list list;
	uint32_t n;    /* of 'wire' */
	uint8_t depth; /* at which they were met */
	bool known;    /* 'list' is what they are; else they have been met once */
	uint8_t wire[OF_MEMO_MAX];
};
void of_memo_fini(struct of_memo *o);
/* of_decode() with a memory.  Instructions may live in 'o' instead of in 'a', until the next call:
 * they are only to be read. */
int of_decode_memo(const uint8_t *p, size_t n, struct arena *a, struct of_memo *o,
		   struct of_msg **out, struct of_err *e);

/*
 * Who gets an exp_unknown refuses it so: OFPBRC_BAD_EXPERIMENTER, or OFPBRC_BAD_EXP_TYPE where
 * other messages of that experimenter are known.
 */
void of_refuse_unknown_exp(const struct of_experimenter_msg *m, struct of_err *e);

/*
 * Encodes into 'buf' of 'size' bytes.  The length written, -EMSGSIZE when it does not fit (or
 * passes 65535), -EINVAL with words in 'e' when a value does not fit its place on the wire.
 */
int of_encode(const struct of_msg *m, uint8_t *buf, size_t size, struct err *e);

/* The same for a single structure ("action_output"): stored rules, tests, text vectors. */
int of_encode_any(const struct of_any *s, uint8_t *buf, size_t size, struct err *e);

/* A LIST of one family in 'n' bytes, e.g. the actions of a text vector; "action", "inst", "band".
 */
int of_decode_list(const char *family, const uint8_t *p, size_t n, struct arena *a,
		   struct of_list *out, struct of_err *e);
int of_encode_list(const struct of_list *l, uint8_t *buf, size_t size, struct err *e);

/* Deep copy of a structure into 'a'; NULL when it is full. */
struct of_any *of_copy(const struct of_any *s, struct arena *a);
int of_list_copy(const struct of_list *from, struct arena *a, struct of_list *to);
bool of_list_equal(const struct of_list *x, const struct of_list *y);

/* Everything in a message or structure, member by member: the log's and the tests' view. */
void of_dump(FILE *f, const struct of_msg *m);
void of_dump_any(FILE *f, const struct of_any *s);

/* "flow_mod"; never NULL. */
const char *of_kind_name(enum of_kind kind);
/* Size of the C structure. */
size_t of_kind_size(enum of_kind kind);
/* Whether 'kind' is of the family, e.g. "action". */
bool of_kind_in(enum of_kind kind, const char *family);

/* A zeroed structure with its kind set; NULL when the arena is full. */
struct of_any *of_new(struct arena *a, enum of_kind kind);
#define OF_NEW(arena, name) ((struct of_##name *)of_new(arena, OF_KIND_##name))

/* The members of a list that are of one kind, typed: for (...) { struct of_bucket *b = OF_AT(l, i,
 * bucket); } */
#define OF_AT(list, i, name) ((struct of_##name *)(list)->v[i])

/* Appends to a list made here, copied or decoded, at amortised cost; -ENOMEM when the arena is
 * full. */
int of_list_add(struct of_list *l, struct arena *a, struct of_any *s);

#endif

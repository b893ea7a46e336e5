/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the codec's files share: reader, writer, OXM.
 *
 * Internal to ofproto.  Everything works on the caller's structures; any thread.
 */
#ifndef WEFT_OFPROTO_CODEC_H
#define WEFT_OFPROTO_CODEC_H

#include "ofproto/desc.h"

/* Reading one message or list. */
struct of_rd {
	const uint8_t *base; /* where offsets in errors count from */
	struct arena *a;
	struct of_err *e;     /* may be NULL */
	bool reply;	      /* what a switch reports: its experimenters are kept, not refused */
	uint8_t depth;	      /* of lists in lists, messages in messages */
	struct of_memo *memo; /* or NULL */
};

/* Structures nest no deeper than this; real ones need four levels. */
enum { OF_MAX_DEPTH = 16 };

/* The elements between 'p' and 'end', which they fill.  0, -EPROTO or -ENOMEM. */
int of_read_list(struct of_rd *r, enum of_family_id fam, const uint8_t *p, const uint8_t *end,
		 struct of_list *l);
/* The same; instructions as r->memo knows them. */
int of_memo_read_list(struct of_rd *r, enum of_family_id fam, const uint8_t *p, const uint8_t *end,
		      struct of_list *l);

/* Fills r->e; 'error' as OF_E().  Always -EPROTO. */
__attribute__((format(printf, 4, 5))) int of_refuse(struct of_rd *r, const uint8_t *at,
						    uint32_t error, const char *fmt, ...);

/* Writing into a buffer of fixed size; the first failure stays in rc and ends all writing. */
struct of_wr {
	uint8_t *p;
	size_t size, n;
	struct err *e; /* may be NULL */
	int rc;
};

bool of_all_zeros(const uint8_t *p, size_t n);

/* Room for 'n' bytes at the end, zeroed; NULL when there is none. */
uint8_t *of_wr_room(struct of_wr *w, size_t n);
void of_wr_be(struct of_wr *w, unsigned int n, uint64_t v);
void of_wr_bytes(struct of_wr *w, const void *p, size_t n);
/* -EINVAL with words, into w->rc. */
__attribute__((format(printf, 2, 3))) void of_wr_fail(struct of_wr *w, const char *fmt, ...);

/* ofp_match with its padding, between *p and 'end'; *p is moved behind it. */
int of_oxm_read_match(struct of_rd *r, const uint8_t **p, const uint8_t *end, struct of_match *m);
/* The same without ofp_match's header and padding: fields up to 'end'. */
int of_oxm_read_fields(struct of_rd *r, const uint8_t *p, const uint8_t *end, struct of_match *m);
void of_oxm_write_match(struct of_wr *w, const struct of_match *m);
/* 'nxm': as Nicira's extended match, where that has the field. */
void of_oxm_write_fields(struct of_wr *w, const struct of_match *m, bool nxm);

/* One OXM with a value, as in set-field; 'masked': it may have a mask. */
int of_oxm_read(struct of_rd *r, const uint8_t **p, const uint8_t *end, bool masked,
		struct of_oxm *o);
void of_oxm_write(struct of_wr *w, const struct of_oxm *o, bool masked);

/* A header alone that names a field, as in Nicira's move and load; 'brief': in four bytes. */
int of_oxm_read_id(struct of_rd *r, const uint8_t **p, const uint8_t *end, bool brief,
		   const struct of_field **f);
void of_oxm_write_id(struct of_wr *w, const struct of_field *f, bool brief);

/* What a CODED row is made of.  's' is the structure, whose earlier members are there. */
struct of_coded {
	/* Between *p and 'end' are the bytes that are always there; *p is moved behind what it is.
	 */
	int (*read)(struct of_rd *r, const void *s, const uint8_t **p, const uint8_t *end,
		    void *member);
	void (*write)(struct of_wr *w, const void *s, const void *member);
	/* Replaces what a copied member shares with the original. */
	int (*copy)(void *member, struct arena *a);
	bool (*equal)(const void *x, const void *y);
	void (*dump)(FILE *f, const void *member);
};

extern const struct of_coded of_codeds[]; /* by enum of_coded_id */

/* Whether field 'f' has those bits; else OFPBAC_BAD_SET_LEN. */
int of_check_part(struct of_rd *r, const struct of_field *f, unsigned int ofs, unsigned int n_bits,
		  const uint8_t *at);
/* Members that belong together, which no row can judge alone; 'at' is where they begin. */
int of_check(struct of_rd *r, const struct of_any *s, const uint8_t *at);
/* Actions that stand beside each other, but not in ct. */
int of_check_actions(struct of_rd *r, const struct of_list *l, const uint8_t *at);
/* Weft's answer, in answer.c. */
int of_check_answer(struct of_rd *r, const struct of_any *s, const uint8_t *at);
/* Instructions of one flow. */
int of_check_insts(struct of_rd *r, const struct of_list *insts, const uint8_t *at);

/* Table features' ids: a field may be one that this build does not know. */
int of_oxm_read_feature(struct of_rd *r, const uint8_t **p, const uint8_t *end, struct of_id *id);
void of_oxm_write_feature(struct of_wr *w, const struct of_id *id);

#endif

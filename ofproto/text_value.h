/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Match fields' values in words, and parts of fields ("reg0[0..15]"), as ovs-ofctl writes them.
 * No state; any thread.
 */
#ifndef WEFT_OFPROTO_TEXT_VALUE_H
#define WEFT_OFPROTO_TEXT_VALUE_H

#include "ofproto/match.h"
#include "ofproto/text.h"
#include "ofproto/text_lex.h"

extern const struct text_name text_tcp_flags[], text_ct_states[], text_tun_flags[];

/*
 * "V", "V/M" or "*" for field 'f'.  The mask is all ones in f->bytes unless 'masked'; bits that the
 * field does not have are left for the caller to judge.
 */
int text_parse_value(const struct of_field *f, const char *s, const struct of_names *n,
		     struct of_oxm *o, struct err *e);
/* A value alone, as in set_field. */
void text_put_value(FILE *f, const struct of_field *field, const uint8_t *value,
		    const struct of_names *n);
/* All of 'value' with 0x, "0" for zero. */
void text_put_hex(FILE *f, const uint8_t *value, unsigned int n);
/* "syn|ack" or, masked, "+syn-ack". */
void text_put_flags(FILE *f, const struct text_name *t, uint32_t value, uint32_t mask,
		    uint32_t all);

/* 'n' ones at bit 'ofs', in 'bytes' big-endian bytes. */
void text_put_ones(uint8_t *p, unsigned int bytes, unsigned int ofs, unsigned int n);
bool text_bit(const uint8_t *p, unsigned int bytes, unsigned int bit);
/* 'n_bits' <= 64 from bit 'ofs'. */
uint64_t text_bits(const uint8_t *p, unsigned int bytes, unsigned int ofs, unsigned int n_bits);
void text_set_bits(uint8_t *p, unsigned int bytes, unsigned int ofs, unsigned int n_bits,
		   uint64_t v);

/* Bits that "reg[]" means; OXM_OF_VLAN_VID counts as 12, without OFPVID_PRESENT. */
unsigned int text_width(const struct of_field *f);
/* "reg0[0..15]", "NXM_NX_REG0[]", "reg0"; all of 's'. */
int text_parse_subfield(const char *s, struct of_subfield *sf, struct err *e);
void text_put_subfield(FILE *f, const struct of_subfield *sf);

#endif

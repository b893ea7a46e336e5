/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all of the text grammar is made of: "key=value" lists, numbers, addresses, flag lists.
 *
 * Parsers that take 'char *' cut the caller's writable string in place.  Refusals are -EINVAL with
 * words in 'e'.  No state; any thread.
 */
#ifndef WEFT_OFPROTO_TEXT_LEX_H
#define WEFT_OFPROTO_TEXT_LEX_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

/*
 * The next of "key", "key=value", "key:value", "key(value)" in '*at', which moves on; items are
 * separated by commas and white space.  Value is "" where there is none.  False at the end.
 */
bool text_next(char **at, char **key, char **value);

/* A whole unsigned number, decimal, 0x or octal, at most 'max'; 'what' names it in the refusal. */
int text_number(const char *s, uint64_t max, const char *what, uint64_t *v, struct err *e);
int text_u8(const char *s, const char *what, uint8_t *v, struct err *e);
int text_u16(const char *s, const char *what, uint16_t *v, struct err *e);
int text_u32(const char *s, const char *what, uint32_t *v, struct err *e);
int text_u64(const char *s, const char *what, uint64_t *v, struct err *e);
/* "V/M" or "V", for which the mask is all ones; -1 is all ones too. */
int text_masked_u64(const char *s, const char *what, uint64_t *v, uint64_t *mask, struct err *e);

/*
 * An integer of any length into 'n' big-endian bytes: hexadecimal with 0x, else decimal (64 bits),
 * "-1" counting down from zero in 64 bits.  Moves '*s' past it.  -ERANGE where it does not fit.
 */
int text_wide(const char **s, uint8_t *p, unsigned int n);

/* Each moves '*s' past what it read; -EINVAL where it is not one. */
int text_mac(const char **s, uint8_t mac[6]);
int text_ip4(const char **s, uint8_t ip[4]);
int text_ip6(const char **s, uint8_t ip[16]);
void text_put_mac(FILE *f, const uint8_t mac[6]);
void text_put_ip4(FILE *f, const uint8_t ip[4]);
void text_put_ip6(FILE *f, const uint8_t ip[16]);

/* "01.02.03" or "010203" in place of the digits; the number of bytes, or -EINVAL. */
int text_hex(const char *s, uint8_t *p, size_t room);
/* "00000000  04 0e 00 58 ... |...X....|", as hexdump -C has it but for the dash in the middle. */
void text_put_hexdump(FILE *f, const uint8_t *p, size_t n);

/* A name for a number, or for a bit: ended by a NULL name. */
struct text_name {
	const char *name;
	uint32_t value;
};
/* NULL: no such value. */
const char *text_name_of(const struct text_name *t, uint32_t value);
int text_value_of(const struct text_name *t, const char *name, uint32_t *value);
/* Names of the bits that are set, then the rest as 0x..; 'none' where no bit is. */
void text_put_bits(FILE *f, const struct text_name *t, uint32_t bits, char sep, const char *none);

/* "12.034s": 'sec' and 'nsec', trailing zeroes cut as ovs-ofctl does. */
void text_put_duration(FILE *f, uint32_t sec, uint32_t nsec);

#endif

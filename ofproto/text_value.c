/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/text_value.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

const struct text_name text_tcp_flags[] = {
	{ "fin", 0x001 }, { "syn", 0x002 },   { "rst", 0x004 },	  { "psh", 0x008 },
	{ "ack", 0x010 }, { "urg", 0x020 },   { "ece", 0x040 },	  { "cwr", 0x080 },
	{ "ns", 0x100 },  { "[200]", 0x200 }, { "[400]", 0x400 }, { "[800]", 0x800 },
	{ NULL, 0 },
};

const struct text_name text_ct_states[] = {
	{ "new", 0x01 }, { "est", 0x02 },  { "rel", 0x04 },  { "rpl", 0x08 }, { "inv", 0x10 },
	{ "trk", 0x20 }, { "snat", 0x40 }, { "dnat", 0x80 }, { NULL, 0 },
};

const struct text_name text_tun_flags[] = { { "oam", 1 }, { NULL, 0 } };

/* ip_frag's words: value and mask of the two FLOW_FRAG_ bits. */
static const struct {
	const char *name;
	uint8_t value, mask;
} frags[] = {
	{ "no", 0, FLOW_FRAG_ANY | FLOW_FRAG_LATER },
	{ "yes", FLOW_FRAG_ANY, FLOW_FRAG_ANY },
	{ "first", FLOW_FRAG_ANY, FLOW_FRAG_ANY | FLOW_FRAG_LATER },
	{ "later", FLOW_FRAG_ANY | FLOW_FRAG_LATER, FLOW_FRAG_ANY | FLOW_FRAG_LATER },
	{ "not_later", 0, FLOW_FRAG_LATER },
};
#define N_FRAGS (sizeof(frags) / sizeof(frags[0]))

/* ---- Bits of big-endian bytes ---- */

bool text_bit(const uint8_t *p, unsigned int bytes, unsigned int bit)
{
	return p[bytes - 1 - bit / 8] >> bit % 8 & 1;
}

uint64_t text_bits(const uint8_t *p, unsigned int bytes, unsigned int ofs, unsigned int n_bits)
{
	uint64_t v = 0;

	while (n_bits--)
		v = v << 1 | text_bit(p, bytes, ofs + n_bits);
	return v;
}

void text_set_bits(uint8_t *p, unsigned int bytes, unsigned int ofs, unsigned int n_bits,
		   uint64_t v)
{
	for (unsigned int i = 0; i < n_bits; i++) {
		uint8_t *b = &p[bytes - 1 - (ofs + i) / 8], one = (uint8_t)(1 << (ofs + i) % 8);

		*b = i < 64 && v >> i & 1 ? *b | one : *b & (uint8_t)~one;
	}
}

void text_put_ones(uint8_t *p, unsigned int bytes, unsigned int ofs, unsigned int n)
{
	for (; n; n--, ofs++)
		p[bytes - 1 - ofs / 8] |= (uint8_t)(1 << ofs % 8);
}

/* ---- Reading, by text form: value, and mask after a slash ---- */

static int bad(const struct of_field *f, const char *s, const char *want, struct err *e)
{
	return err_set(e, -EINVAL, "%s=%s: not %s", f->name, s, want);
}

static int parse_integer(const struct of_field *f, const char *s, const struct of_names *n,
			 struct of_oxm *o, struct err *e)
{
	const char *p = s;
	int r = text_wide(&p, o->value, f->bytes);

	if (!r && *p == '/') {
		p++;
		o->masked = true;
		r = text_wide(&p, o->mask, f->bytes);
	}
	if (r == -ERANGE)
		return err_set(e, -EINVAL, "%s=%s: too large for the %u bytes of %s", f->name, s,
			       f->bytes, f->name);
	return r || *p ? bad(f, s, "a number or number/mask", e) : 0;
}

static int parse_port_value(const struct of_field *f, const char *s, const struct of_names *n,
			    struct of_oxm *o, struct err *e)
{
	uint32_t port;
	int r = of_parse_port(s, n, &port, e);

	if (r)
		return err_wrap(e, r, "%s", f->name);
	put_be32(o->value, port);
	return 0;
}

static int parse_mac_value(const struct of_field *f, const char *s, const struct of_names *n,
			   struct of_oxm *o, struct err *e)
{
	const char *p = s;
	int r = text_mac(&p, o->value);

	if (!r && *p == '/') {
		p++;
		o->masked = true;
		r = text_mac(&p, o->mask);
	}
	return r || *p ? bad(f, s, "an Ethernet address like 00:11:22:33:44:55, or address/mask", e)
		       : 0;
}

/* What follows the slash: a prefix length or an address. */
static int parse_ip_mask(const struct of_field *f, const char **p, uint8_t *mask)
{
	unsigned int bits = f->bytes * 8u;
	unsigned long len;
	char *end;

	if (f->bytes == 4 ? !text_ip4(p, mask) : !text_ip6(p, mask))
		return 0;
	if (!isdigit((unsigned char)**p))
		return -EINVAL;
	len = strtoul(*p, &end, 10);
	if (len > bits)
		return -EINVAL;
	*p = end;
	memset(mask, 0, f->bytes);
	text_put_ones(mask, f->bytes, bits - (unsigned int)len, (unsigned int)len);
	return 0;
}

static int parse_ip_value(const struct of_field *f, const char *s, const struct of_names *n,
			  struct of_oxm *o, struct err *e)
{
	const char *p = s;
	int r = f->bytes == 4 ? text_ip4(&p, o->value) : text_ip6(&p, o->value);

	if (!r && *p == '/') {
		p++;
		o->masked = true;
		r = parse_ip_mask(f, &p, o->mask);
	}
	if (!r && !*p)
		return 0;
	return bad(f, s,
		   f->bytes == 4 ? "an IPv4 address, address/0..32 or address/mask"
				 : "an IPv6 address, address/0..128 or address/mask",
		   e);
}

static int parse_frag(const struct of_field *f, const char *s, const struct of_names *n,
		      struct of_oxm *o, struct err *e)
{
	for (unsigned int i = 0; i < N_FRAGS; i++) {
		if (strcasecmp(frags[i].name, s))
			continue;
		o->value[0] = frags[i].value;
		o->mask[0] = frags[i].mask;
		o->masked = frags[i].mask != (FLOW_FRAG_ANY | FLOW_FRAG_LATER);
		return 0;
	}
	return bad(f, s, "one of no, yes, first, later, not_later", e);
}

/* "+syn-ack" or "syn|ack": one flag after the other with its sign, ' ' for none. */
static int parse_flag_words(const struct of_field *f, const char *s, const struct text_name *t,
			    uint32_t *value, uint32_t *mask, struct err *e)
{
	const char *p = s;
	bool is_signed = *s == '+' || *s == '-';

	while (*p) {
		char sign = is_signed ? *p++ : '+', word[16];
		size_t n = strcspn(p, is_signed ? "+-" : "|");
		uint32_t bit;

		if (n >= sizeof(word))
			return bad(f, s, "a list of known flags", e);
		memcpy(word, p, n);
		word[n] = '\0';
		if (text_value_of(t, word, &bit))
			return err_set(e, -EINVAL, "%s=%s: unknown flag \"%s\"", f->name, s, word);
		if (*mask & bit)
			return err_set(e, -EINVAL, "%s=%s: flag \"%s\" is given twice", f->name, s,
				       word);
		*mask |= bit;
		*value |= sign == '+' ? bit : 0;
		p += n;
		p += !is_signed && *p == '|';
	}
	return 0;
}

static const struct text_name *flags_of(const struct of_field *f)
{
	return f->fmt == OF_FF_TCPF   ? text_tcp_flags
	       : f->fmt == OF_FF_CTST ? text_ct_states
				      : text_tun_flags;
}

static int parse_flags(const struct of_field *f, const char *s, const struct of_names *n,
		       struct of_oxm *o, struct err *e)
{
	uint32_t value = 0, mask = 0, all = (1u << of_field_key_bits(f)) - 1;
	int r;

	if (isdigit((unsigned char)*s)) {
		r = parse_integer(f, s, n, o, e);
		if (r)
			return r;
		if (get_be(o->value, f->bytes) & ~(uint64_t)all ||
		    (o->masked && get_be(o->mask, f->bytes) & ~(uint64_t)all))
			return bad(f, s, "made of known flags only", e);
		return 0;
	}
	r = parse_flag_words(f, s, flags_of(f), &value, &mask, e);
	if (r)
		return r;
	put_be(o->value, f->bytes, value);
	o->masked = *s == '+' || *s == '-';
	if (o->masked)
		put_be(o->mask, f->bytes, mask);
	return 0;
}

/* One row for each text form. */
static int (*const value_parsers[])(const struct of_field *f, const char *s,
				    const struct of_names *n, struct of_oxm *o, struct err *e) = {
	[OF_FF_DEC] = parse_integer,   [OF_FF_HEX] = parse_integer,
	[OF_FF_VID] = parse_integer,   [OF_FF_PORT] = parse_port_value,
	[OF_FF_MAC] = parse_mac_value, [OF_FF_IP4] = parse_ip_value,
	[OF_FF_IP6] = parse_ip_value,  [OF_FF_FRAG] = parse_frag,
	[OF_FF_TCPF] = parse_flags,    [OF_FF_TUNF] = parse_flags,
	[OF_FF_CTST] = parse_flags,
};

static bool covers_field(const struct of_oxm *o)
{
	for (unsigned int i = 0; i < of_field_key_bits(o->field); i++)
		if (!text_bit(o->mask, o->field->bytes, i))
			return false;
	return true;
}

int text_parse_value(const struct of_field *f, const char *s, const struct of_names *n,
		     struct of_oxm *o, struct err *e)
{
	bool partial;
	int r;

	memset(o, 0, sizeof(*o));
	o->field = f;
	if (!strcmp(s, "*")) {
		o->masked = true;
		return 0;
	}
	r = value_parsers[f->fmt](f, s, n, o, e);
	if (r)
		return r;
	partial = o->masked && !covers_field(o);
	if (partial && !f->maskable) {
		uint8_t none[16] = { 0 };

		if (memcmp(o->mask, none, f->bytes))
			return err_set(e, -EINVAL, "%s=%s: %s cannot be masked", f->name, s,
				       f->name);
	}
	if (!partial) {
		o->masked = false;
		memset(o->mask, 0xff, f->bytes);
	}
	for (unsigned int i = 0; i < f->bytes; i++)
		o->value[i] &= o->mask[i];
	return 0;
}

/* ---- Printing ---- */

void text_put_hex(FILE *f, const uint8_t *value, unsigned int n)
{
	while (n > 1 && !*value) {
		value++;
		n--;
	}
	if (n == 1 && !*value) {
		fputc('0', f);
		return;
	}
	fprintf(f, "0x%x", *value++);
	while (--n)
		fprintf(f, "%02x", *value++);
}

void text_put_flags(FILE *f, const struct text_name *t, uint32_t value, uint32_t mask, uint32_t all)
{
	if (mask == all) {
		text_put_bits(f, t, value, '|', "0");
		return;
	}
	for (; t->name; t++)
		if (mask & t->value)
			fprintf(f, "%c%s", value & t->value ? '+' : '-', t->name);
}

static void put_frag(FILE *f, uint8_t value)
{
	for (unsigned int i = 0; i < N_FRAGS; i++) {
		if (frags[i].mask == 3 && frags[i].value == value) {
			fputs(frags[i].name, f);
			return;
		}
	}
	fprintf(f, "%u", value);
}

void text_put_value(FILE *f, const struct of_field *field, const uint8_t *value,
		    const struct of_names *n)
{
	switch (field->fmt) {
	case OF_FF_DEC:
	case OF_FF_VID:
		fprintf(f, "%llu", (unsigned long long)get_be(value, field->bytes));
		break;
	case OF_FF_HEX:
		text_put_hex(f, value, field->bytes);
		break;
	case OF_FF_PORT:
		of_format_port(f, get_be32(value), n);
		break;
	case OF_FF_MAC:
		text_put_mac(f, value);
		break;
	case OF_FF_IP4:
		text_put_ip4(f, value);
		break;
	case OF_FF_IP6:
		text_put_ip6(f, value);
		break;
	case OF_FF_FRAG:
		put_frag(f, value[0]);
		break;
	case OF_FF_TCPF:
	case OF_FF_TUNF:
	case OF_FF_CTST:
		text_put_bits(f, flags_of(field), (uint32_t)get_be(value, field->bytes), '|', "0");
		break;
	}
}

/* ---- Parts of fields ---- */

unsigned int text_width(const struct of_field *f)
{
	return f->id == OF_FIELD_VLAN_VID ? 12 : f->bits;
}

/* Here "in_port" is NXM's, of 16 bits; OpenFlow's own has a name that says so. */
static const struct of_field *part_field(const char *s, size_t n)
{
	if (n == 7 && !memcmp(s, "in_port", n))
		return &of_fields[OF_FIELD_IN_PORT_NXM];
	if (n == 11 && !memcmp(s, "in_port_oxm", n))
		return &of_fields[OF_FIELD_IN_PORT];
	return of_field_by_name(s, n);
}

static int parse_range(const char *whole, const char *s, unsigned int width, struct of_subfield *sf,
		       struct err *e)
{
	unsigned int first, last;
	int n = 0;

	if (!strcmp(s, "[]") || !*s) {
		sf->ofs = 0;
		sf->n_bits = (uint16_t)width;
		return 0;
	}
	if (sscanf(s, "[%5u..%5u]%n", &first, &last, &n) != 2 || !n || s[n]) {
		n = 0;
		if (sscanf(s, "[%5u]%n", &first, &n) != 1 || !n || s[n])
			return err_set(e, -EINVAL, "%s: expected [], [bit] or [first..last]",
				       whole);
		last = first;
	}
	if (first > last)
		return err_set(e, -EINVAL, "%s: first bit %u is after last bit %u", whole, first,
			       last);
	if (last >= width)
		return err_set(e, -EINVAL, "%s: there is no bit %u, the field has bits 0 to %u",
			       whole, last, width - 1);
	sf->ofs = (uint16_t)first;
	sf->n_bits = (uint16_t)(last - first + 1);
	return 0;
}

int text_parse_subfield(const char *s, struct of_subfield *sf, struct err *e)
{
	size_t n = strcspn(s, "[");

	sf->field = part_field(s, n);
	if (!sf->field)
		return err_set(e, -EINVAL, "%s: unknown field \"%.*s\"", s, (int)n, s);
	return parse_range(s, s + n, text_width(sf->field), sf, e);
}

void text_put_subfield(FILE *f, const struct of_subfield *sf)
{
	char buf[64];

	if (!sf->field) {
		fputs("?[]", f);
		return;
	}
	fputs(of_field_nxm_name(sf->field, buf), f);
	if (!sf->ofs && sf->n_bits == text_width(sf->field))
		fputs("[]", f);
	else if (sf->n_bits == 1)
		fprintf(f, "[%u]", sf->ofs);
	else
		fprintf(f, "[%u..%u]", sf->ofs, sf->ofs + sf->n_bits - 1);
}

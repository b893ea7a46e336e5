/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CODED members' bytes: the flow_mod_specs of NXAST_LEARN, the zone of NXAST_CT, the range of
 * NXAST_NAT.  Refusals are those of Open vSwitch, which defines these actions.
 */
#include "ofproto/codec.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define ACTION_E(code) OF_E(OFPET_BAD_ACTION, OFPBAC_##code)

/* ---- learn ---- */

/* A spec's header: where from (bit 13), where to (bits 11 and 12), how many bits (0 to 9). */
enum { SRC_VALUE = 1 << 13, DST_SHIFT = 11, DST_MASK = 3, N_BITS = 0x3ff };

/* Whole 16-bit words, the value at their end. */
static unsigned int value_bytes(unsigned int n_bits)
{
	return (n_bits + 15) / 16 * 2;
}

static unsigned int learn_spec_len(uint16_t head)
{
	unsigned int n = head & N_BITS;

	n = head & SRC_VALUE ? value_bytes(n) : 6;
	return n + ((head >> DST_SHIFT & DST_MASK) == OF_LEARN_OUTPUT ? 0 : 6);
}

/* A field's header, and the offset of its bits. */
static int read_part(struct of_rd *r, const uint8_t **p, const uint8_t *end, unsigned int n_bits,
		     struct of_subfield *sf)
{
	const uint8_t *at = *p;
	int rc = of_oxm_read_id(r, p, end - 2, true, &sf->field);

	if (rc)
		return rc;
	sf->ofs = get_be16(*p);
	sf->n_bits = (uint16_t)n_bits;
	*p += 2;
	return of_check_part(r, sf->field, sf->ofs, n_bits, at);
}

/* Bits above the number of them, in the bytes of a value, are nobody's. */
static void mask_value(uint8_t *value, unsigned int n_bits)
{
	unsigned int unused = 128 - n_bits;

	memset(value, 0, unused / 8);
	if (unused % 8)
		value[unused / 8] &= (uint8_t)(0xff >> unused % 8);
}

static int read_value(struct of_rd *r, const uint8_t **p, struct of_learn_spec *s)
{
	unsigned int n = value_bytes(s->n_bits);

	if (!s->n_bits || s->n_bits > 128)
		return of_refuse(r, *p, ACTION_E(BAD_SET_LEN), "learn: a value of %u bits",
				 s->n_bits);
	memcpy(s->value + 16 - n, *p, n);
	mask_value(s->value, s->n_bits);
	*p += n;
	return 0;
}

static int read_spec(struct of_rd *r, const uint8_t **p, const uint8_t *end,
		     struct of_learn_spec *s)
{
	uint16_t head = get_be16(*p);
	const uint8_t *at = *p;
	int rc;

	s->to = head >> DST_SHIFT & DST_MASK;
	s->n_bits = head & N_BITS;
	if (s->to > OF_LEARN_OUTPUT || (s->to == OF_LEARN_OUTPUT && head & SRC_VALUE))
		return of_refuse(r, at, ACTION_E(BAD_ARGUMENT), "learn: no spec is 0x%04x", head);
	*p += 2;
	if (learn_spec_len(head) > end - *p)
		return of_refuse(r, at, ACTION_E(BAD_LEN), "learn: a spec is cut off");
	rc = head & SRC_VALUE ? read_value(r, p, s) : read_part(r, p, end, s->n_bits, &s->src);
	if (!rc && s->to != OF_LEARN_OUTPUT)
		rc = read_part(r, p, end, s->n_bits, &s->dst);
	if (!rc && s->to == OF_LEARN_LOAD && !s->dst.field->writable)
		rc = of_refuse(r, at, ACTION_E(BAD_SET_ARGUMENT), "learn: %s cannot be set",
			       s->dst.field->name);
	return rc;
}

/* Up to a header of zero; the shortest spec, an output, has eight bytes. */
static int read_specs(struct of_rd *r, const void *s, const uint8_t **p, const uint8_t *end,
		      void *member)
{
	struct of_learn_specs *l = member;
	int rc;

	if (*p < end) {
		l->v = arena_get(r->a, (size_t)(end - *p) / 8 * sizeof(*l->v) + sizeof(*l->v));
		if (!l->v)
			return -ENOMEM;
	}
	for (; end - *p >= 2 && get_be16(*p); l->n++) {
		rc = read_spec(r, p, end, &l->v[l->n]);
		if (rc)
			return rc;
	}
	if (!of_all_zeros(*p, (size_t)(end - *p)))
		return of_refuse(r, *p, ACTION_E(BAD_ARGUMENT), "learn: more after the last spec");
	*p = end;
	return 0;
}

static void write_part(struct of_wr *w, const struct of_subfield *sf, unsigned int n_bits)
{
	if (sf->field && sf->ofs + n_bits > sf->field->bits)
		of_wr_fail(w, "learn: %u bits at %u pass %s", n_bits, sf->ofs, sf->field->name);
	of_oxm_write_id(w, sf->field, true);
	of_wr_be(w, 2, sf->ofs);
}

static void write_spec(struct of_wr *w, const struct of_learn_spec *s)
{
	unsigned int n = value_bytes(s->n_bits);

	if (!s->n_bits || s->n_bits > 128 || s->to > OF_LEARN_OUTPUT ||
	    (s->to == OF_LEARN_OUTPUT && !s->src.field))
		of_wr_fail(w, "learn: a spec of %u bits to %u", s->n_bits, s->to);
	if (w->rc)
		return;
	of_wr_be(w, 2,
		 (s->src.field ? 0u : SRC_VALUE) | (unsigned int)s->to << DST_SHIFT | s->n_bits);
	if (s->src.field)
		write_part(w, &s->src, s->n_bits);
	else
		of_wr_bytes(w, s->value + 16 - n, n);
	if (s->to != OF_LEARN_OUTPUT)
		write_part(w, &s->dst, s->n_bits);
}

static void write_specs(struct of_wr *w, const void *s, const void *member)
{
	const struct of_learn_specs *l = member;

	for (uint32_t i = 0; i < l->n; i++)
		write_spec(w, &l->v[i]);
}

static int copy_specs(void *member, struct arena *a)
{
	struct of_learn_specs *l = member;

	if (l->n)
		l->v = arena_dup(a, l->v, l->n * sizeof(*l->v));
	return l->n && !l->v ? -ENOMEM : 0;
}

static bool part_equal(const struct of_subfield *x, const struct of_subfield *y)
{
	return x->field == y->field && x->ofs == y->ofs && x->n_bits == y->n_bits;
}

static bool specs_equal(const void *x, const void *y)
{
	const struct of_learn_specs *a = x, *b = y;

	for (uint32_t i = 0; a->n == b->n && i < a->n; i++) {
		const struct of_learn_spec *s = &a->v[i], *t = &b->v[i];

		if (s->to != t->to || s->n_bits != t->n_bits || !part_equal(&s->src, &t->src) ||
		    !part_equal(&s->dst, &t->dst) || memcmp(s->value, t->value, 16))
			return false;
	}
	return a->n == b->n;
}

static void dump_part(FILE *f, const struct of_subfield *sf, unsigned int n_bits)
{
	fprintf(f, " %s[%u..%u]", sf->field ? sf->field->name : "none", sf->ofs,
		sf->ofs + n_bits - 1);
}

static void dump_bytes(FILE *f, const uint8_t *p, unsigned int n)
{
	fputs(" 0x", f);
	for (unsigned int i = 0; i < n; i++)
		fprintf(f, "%02x", p[i]);
}

static void dump_specs(FILE *f, const void *member)
{
	static const char *const to[] = { "match", "load", "output" };
	const struct of_learn_specs *l = member;

	for (uint32_t i = 0; i < l->n; i++) {
		const struct of_learn_spec *s = &l->v[i];

		fprintf(f, " (%s", to[s->to]);
		if (s->src.field)
			dump_part(f, &s->src, s->n_bits);
		else
			dump_bytes(f, s->value, 16);
		if (s->to != OF_LEARN_OUTPUT)
			dump_part(f, &s->dst, s->n_bits);
		fputc(')', f);
	}
}

/* Behind the limit of NXAST_LEARN2: an offset, zeros, and a field's header if the flag says so. */
static int read_result(struct of_rd *r, const void *s, const uint8_t **p, const uint8_t *end,
		       void *member)
{
	const struct of_nx_learn2 *l = s;
	struct of_learn_result *m = member;
	const uint8_t *at = *p;
	int rc;

	*p += OF_CODED_BYTES_learn_result;
	if (get_be16(at + 2))
		return of_refuse(r, at + 2, OF_E(OFPET_EXPERIMENTER, NXBAC_MUST_BE_ZERO),
				 "learn: bytes that are not zero");
	if (!(l->flags & NX_LEARN_F_WRITE_RESULT))
		return get_be16(at) ? of_refuse(r, at, ACTION_E(BAD_ARGUMENT),
						"learn: an offset of no result")
				    : 0;
	rc = of_oxm_read_id(r, p, end, false, &m->dst.field);
	if (rc)
		return rc;
	m->dst.ofs = get_be16(at);
	m->dst.n_bits = 1;
	rc = of_check_part(r, m->dst.field, m->dst.ofs, 1, at);
	if (rc)
		return rc;
	if (!m->dst.field->writable)
		return of_refuse(r, at, ACTION_E(BAD_SET_ARGUMENT), "learn: %s cannot be set",
				 m->dst.field->name);
	return 0;
}

static void write_result(struct of_wr *w, const void *s, const void *member)
{
	const struct of_nx_learn2 *l = s;
	const struct of_learn_result *m = member;

	if (!(l->flags & NX_LEARN_F_WRITE_RESULT) != !m->dst.field)
		of_wr_fail(w, "learn: a result and its flag go together");
	of_wr_be(w, 2, m->dst.ofs);
	of_wr_be(w, 2, 0);
	if (m->dst.field)
		of_oxm_write_id(w, m->dst.field, false);
}

static bool result_equal(const void *x, const void *y)
{
	const struct of_learn_result *a = x, *b = y;

	return part_equal(&a->dst, &b->dst);
}

static void dump_result(FILE *f, const void *member)
{
	const struct of_learn_result *m = member;

	if (m->dst.field)
		dump_part(f, &m->dst, 1);
}

/* ---- ct's zone ---- */

enum { ZONE_BITS = 16 };

static int read_zone(struct of_rd *r, const void *s, const uint8_t **p, const uint8_t *end,
		     void *member)
{
	struct of_ct_zone *z = member;
	const uint8_t *at = *p;
	uint16_t bits = get_be16(at + 4);
	int rc;

	*p += OF_CODED_BYTES_ct_zone;
	if (!get_be32(at)) {
		z->value = bits;
		return 0;
	}
	rc = of_oxm_read_id(r, &(const uint8_t *){ at }, at + 4, true, &z->src.field);
	if (rc)
		return rc;
	z->src.ofs = bits >> 6;
	z->src.n_bits = (bits & 63) + 1;
	if (z->src.n_bits != ZONE_BITS)
		return of_refuse(r, at + 4, ACTION_E(BAD_SET_LEN), "ct: a zone of %u bits",
				 z->src.n_bits);
	return of_check_part(r, z->src.field, z->src.ofs, z->src.n_bits, at);
}

static void write_zone(struct of_wr *w, const void *s, const void *member)
{
	const struct of_ct_zone *z = member;

	if (!z->src.field) {
		of_wr_be(w, 4, 0);
		of_wr_be(w, 2, z->value);
		return;
	}
	if (z->src.n_bits != ZONE_BITS || z->src.ofs > 1023)
		of_wr_fail(w, "ct: a zone of %u bits at %u", z->src.n_bits, z->src.ofs);
	of_oxm_write_id(w, z->src.field, true);
	of_wr_be(w, 2, (uint64_t)z->src.ofs << 6 | (ZONE_BITS - 1));
}

static bool zone_equal(const void *x, const void *y)
{
	const struct of_ct_zone *a = x, *b = y;

	return part_equal(&a->src, &b->src) && a->value == b->value;
}

static void dump_zone(FILE *f, const void *member)
{
	const struct of_ct_zone *z = member;

	if (z->src.field)
		dump_part(f, &z->src, z->src.n_bits);
	else
		fprintf(f, " %u", z->value);
}

/* ---- nat's range ---- */

/* Minimum and maximum of 'n' bytes each, as 'present' has them; -EPROTO where they are no range. */
static int read_pair(struct of_rd *r, const uint8_t **p, const uint8_t *end, unsigned int n,
		     unsigned int present, uint8_t *min, uint8_t *max)
{
	const uint8_t *at = *p;
	unsigned int bytes = n * ((present & 1) + (present >> 1));

	if (present == 2 || (size_t)(end - at) < bytes)
		return of_refuse(r, at, ACTION_E(BAD_ARGUMENT), "nat: a range without its %s",
				 present == 2 ? "minimum" : "bytes");
	memcpy(min, at, n);
	memcpy(max, at + (present == 3 ? n : 0), n);
	*p += bytes;
	if (of_all_zeros(min, n) || memcmp(min, max, n) > 0)
		return of_refuse(r, at, ACTION_E(BAD_ARGUMENT), "nat: the range is empty");
	return 0;
}

static int read_range(struct of_rd *r, const void *s, const uint8_t **p, const uint8_t *end,
		      void *member)
{
	struct of_nat_range *g = member;
	unsigned int ip4, ip6, proto;
	uint8_t min[2], max[2];
	int rc = 0;

	g->present = get_be16(*p);
	*p += OF_CODED_BYTES_nat_range;
	ip4 = g->present & 3;
	ip6 = g->present >> 2 & 3;
	proto = g->present >> 4 & 3;
	if (ip4 && ip6)
		return of_refuse(r, *p, ACTION_E(BAD_ARGUMENT),
				 "nat: addresses of both IP versions");
	if (ip4)
		rc = read_pair(r, p, end, 4, ip4, g->addr_min, g->addr_max);
	else if (ip6)
		rc = read_pair(r, p, end, 16, ip6, g->addr_min, g->addr_max);
	if (!rc && proto && !ip4 && !ip6)
		rc = of_refuse(r, *p, ACTION_E(BAD_ARGUMENT), "nat: ports without an address");
	if (!rc && proto) {
		rc = read_pair(r, p, end, 2, proto, min, max);
		g->proto_min = rc ? 0 : get_be16(min);
		g->proto_max = rc ? 0 : get_be16(max);
	}
	g->present &= 0x3f;
	*p = end;
	return rc;
}

static void write_range(struct of_wr *w, const void *s, const void *member)
{
	const struct of_nat_range *g = member;
	unsigned int n = g->present & OF_NAT_IPV4_MIN ? 4 : 16;

	of_wr_be(w, 2, g->present);
	if (g->present & (OF_NAT_IPV4_MIN | OF_NAT_IPV6_MIN))
		of_wr_bytes(w, g->addr_min, n);
	if (g->present & (OF_NAT_IPV4_MAX | OF_NAT_IPV6_MAX))
		of_wr_bytes(w, g->addr_max, n);
	if (g->present & OF_NAT_PROTO_MIN)
		of_wr_be(w, 2, g->proto_min);
	if (g->present & OF_NAT_PROTO_MAX)
		of_wr_be(w, 2, g->proto_max);
}

static bool range_equal(const void *x, const void *y)
{
	const struct of_nat_range *a = x, *b = y;

	return a->present == b->present && !memcmp(a->addr_min, b->addr_min, 16) &&
	       !memcmp(a->addr_max, b->addr_max, 16) && a->proto_min == b->proto_min &&
	       a->proto_max == b->proto_max;
}

static void dump_range(FILE *f, const void *member)
{
	const struct of_nat_range *g = member;
	unsigned int n = g->present & OF_NAT_IPV4_MIN ? 4 : 16;

	if (g->present & (OF_NAT_IPV4_MIN | OF_NAT_IPV6_MIN)) {
		dump_bytes(f, g->addr_min, n);
		dump_bytes(f, g->addr_max, n);
	}
	fprintf(f, " ports %u-%u", g->proto_min, g->proto_max);
}

/* ---- The table ---- */

static int copy_nothing(void *member, struct arena *a)
{
	return 0;
}

const struct of_coded of_codeds[] = {
	[OF_CODED_learn_specs] = { read_specs, write_specs, copy_specs, specs_equal, dump_specs },
	[OF_CODED_learn_result] = { read_result, write_result, copy_nothing, result_equal,
				    dump_result },
	[OF_CODED_ct_zone] = { read_zone, write_zone, copy_nothing, zone_equal, dump_zone },
	[OF_CODED_nat_range] = { read_range, write_range, copy_nothing, range_equal, dump_range },
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OXM and NXM TLVs (7.2.3): matches, set-field, field ids.
 *
 * A header is class (16), field (7), hasmask (1), length (8); class 0xffff has the experimenter's
 * id in the first four bytes of the body (7.2.3.8).
 */
#include "ofproto/codec.h"

#include <errno.h>
#include <string.h>

#define MATCH_E(code)  OF_E(OFPET_BAD_MATCH, OFPBMC_##code)
#define ACTION_E(code) OF_E(OFPET_BAD_ACTION, OFPBAC_##code)

struct tlv {
	const struct of_field *field; /* NULL: not known */
	const uint8_t *value;
	uint32_t header; /* as it stands there */
	uint32_t experimenter;
	unsigned int len; /* of value and mask */
	bool has_mask;
};

static unsigned int head_len(const uint8_t *p)
{
	return get_be16(p) == OFPXMC_EXPERIMENTER ? 8 : 4;
}

/* The header at 'p'; false when it does not fit between 'p' and 'end', or is shorter than itself.
 */
static bool read_head(const uint8_t *p, const uint8_t *end, struct tlv *t)
{
	unsigned int head;

	if (end - p < 4)
		return false;
	head = head_len(p);
	t->header = get_be32(p);
	t->has_mask = t->header >> 8 & 1;
	t->len = t->header & 0xff;
	t->value = p + head;
	t->experimenter = 0;
	if (head == 4) {
		t->field = of_field_by_header(t->header);
		return true;
	}
	if (end - p < 8 || t->len < 4)
		return false;
	t->len -= 4;
	t->experimenter = get_be32(p + 4);
	t->field = t->experimenter == OF_ONF_ID ? of_field_by_onf(t->header >> 9 & 127) : NULL;
	return true;
}

/*
 * PBB UCA (EXT-256) has two bytes before its value: the type, 2560, and a field number of zero in
 * the first version, which is the one that controllers have; zeros and a number of 41 in the
 * second.
 */
enum { UCA_TYPE = 2560 };

/* What goes before the value of a field in a match or in set-field; its header has been read. */
static bool read_type(struct tlv *t)
{
	const bool first = t->experimenter == OF_ONF_ID && !(t->header >> 9 & 127);

	if (!first && (!t->field || t->field->id != OF_FIELD_PBB_UCA))
		return true;
	if (t->len < 2)
		return first; /* no field, or no value */
	if (first && get_be16(t->value) == UCA_TYPE)
		t->field = &of_fields[OF_FIELD_PBB_UCA];
	else if (first || get_be16(t->value))
		t->field = NULL;
	t->value += 2;
	t->len -= 2;
	return true;
}

static bool is_all_ones(const uint8_t *p, unsigned int n)
{
	while (n--)
		if (*p++ != 0xff)
			return false;
	return true;
}

/* A value has no bit above the field's width. */
static bool in_range(const struct of_field *f, const uint8_t *value)
{
	const unsigned int bits = of_field_key_bits(f);

	return bits > 64 || bits == 8 * f->bytes || !(get_be(value, f->bytes) >> bits);
}

/*
 * Two NXM fields are other views of an OXM field: the DSCP in its place in the TOS byte, and the
 * port number in 16 bits.  In matches and set-field they become that field; false when the value
 * has no counterpart.
 */
static bool translate(struct of_oxm *o)
{
	uint16_t port;

	if (o->field->id == OF_FIELD_IP_TOS) {
		if (o->value[0] & 3)
			return false;
		o->field = &of_fields[OF_FIELD_IP_DSCP];
		o->value[0] >>= 2;
	} else if (o->field->id == OF_FIELD_IN_PORT_NXM) {
		port = get_be16(o->value);
		o->field = &of_fields[OF_FIELD_IN_PORT];
		put_be32(o->value, port >= 0xff00 ? 0xffff0000u | port : port);
		memset(o->mask, 0xff, 4);
	}
	return true;
}

/* ---- Matches: reading ---- */

static bool any_bit(const struct of_field *f, const struct flow_key *k)
{
	const uint8_t *p = (const uint8_t *)k + f->offset;

	if (f->size <= 8)
		return of_field_get_u64(f, k) != 0;
	return get_be64(p) | get_be64(p + 8);
}

/* Value, mask and their legality; the rest of the match is not looked at. */
static int read_value(struct of_rd *r, const uint8_t *p, const struct tlv *t, struct of_oxm *o)
{
	const struct of_field *f = t->field;
	const uint8_t *mask = t->value + f->bytes;

	o->field = f;
	o->masked = false;
	memcpy(o->value, t->value, f->bytes);
	memset(o->mask, 0xff, f->bytes);
	if (!in_range(f, o->value))
		return of_refuse(r, p, MATCH_E(BAD_VALUE), "%s has %u bits", f->name,
				 of_field_key_bits(f));
	if (t->has_mask && !is_all_ones(mask, f->bytes)) {
		if (!f->maskable)
			return of_refuse(r, p, MATCH_E(BAD_MASK), "%s cannot be masked", f->name);
		memcpy(o->mask, mask, f->bytes);
		o->masked = true;
		for (unsigned int i = 0; i < f->bytes; i++)
			if (o->value[i] & ~o->mask[i])
				return of_refuse(r, p, MATCH_E(BAD_WILDCARDS),
						 "%s has value bits outside its mask", f->name);
	}
	if (!translate(o))
		return of_refuse(r, p, MATCH_E(BAD_VALUE), "%s has ECN bits", f->name);
	/* Table 13: a VLAN id stands beside OFPVID_PRESENT, or is OFPVID_NONE. */
	if (f->id == OF_FIELD_VLAN_VID && !o->masked && get_be16(o->value) &&
	    !(get_be16(o->value) & OFPVID_PRESENT))
		return of_refuse(r, p, MATCH_E(BAD_VALUE), "vlan_vid without OFPVID_PRESENT");
	return 0;
}

/*
 * The way of most fields: an integer, whole, in a header of four bytes, that is no other view of
 * another field.  False: read_field() is to look at it, from the beginning; nothing has changed.
 */
static bool read_plain(const uint8_t **p, const uint8_t *end, struct of_match *m, uint64_t *seen)
{
	const struct of_field *f;
	const uint8_t *value = *p + 4;
	uint32_t header;

	if (end - *p < 4)
		return false;
	header = get_be32(*p);
	f = of_field_by_header(header);
	if (!f || header & 0x100 || (header & 0xff) != f->bytes || f->bytes > end - value ||
	    f->size > 8 || f->is_alias || f->id == OF_FIELD_VLAN_VID || f->id == OF_FIELD_PBB_UCA)
		return false;
	if (seen[f->id / 64] >> f->id % 64 & 1 || any_bit(f, &m->mask) || !in_range(f, value) ||
	    !of_match_pre_met(m, f))
		return false;
	seen[f->id / 64] |= UINT64_C(1) << f->id % 64;
	of_field_set_u64(f, &m->value, get_be(value, f->bytes));
	of_field_set_u64(f, &m->mask, UINT64_MAX);
	*p = value + f->bytes;
	return true;
}

/* One TLV of a match; 'seen' has a bit for each field that went before. */
static int read_field(struct of_rd *r, const uint8_t **p, const uint8_t *end, struct of_match *m,
		      uint64_t *seen)
{
	const struct of_field *f;
	struct of_oxm o;
	struct tlv t;
	int rc;

	if (!read_head(*p, end, &t) || t.len > end - t.value || !read_type(&t))
		return of_refuse(r, *p, MATCH_E(BAD_LEN), "match field passes the match's end");
	if (!t.field)
		return of_refuse(r, *p, MATCH_E(BAD_FIELD), "unknown match field 0x%08x", t.header);
	if (t.len != (unsigned int)t.field->bytes << t.has_mask)
		return of_refuse(r, *p, MATCH_E(BAD_LEN), "%s takes %u bytes, not %u",
				 t.field->name, t.field->bytes << t.has_mask, t.len);
	rc = read_value(r, *p, &t, &o);
	if (rc)
		return rc;
	f = o.field;
	if (seen[f->id / 64] >> f->id % 64 & 1 || any_bit(f, &m->mask))
		return of_refuse(r, *p, MATCH_E(DUP_FIELD), "%s is matched twice", f->name);
	if (!of_match_pre_met(m, f))
		return of_refuse(r, *p, MATCH_E(BAD_PREREQ), "%s without its prerequisites",
				 f->name);
	seen[f->id / 64] |= UINT64_C(1) << f->id % 64;
	of_field_set(f, &m->value, o.value);
	of_field_set(f, &m->mask, o.mask);
	*p = t.value + t.len;
	return 0;
}

int of_oxm_read_fields(struct of_rd *r, const uint8_t *p, const uint8_t *end, struct of_match *m)
{
	uint64_t seen[2] = { 0 };
	int rc = 0;

	_Static_assert(OF_N_FIELDS <= 128, "a bit in 'seen' for every field");
	while (p < end && !rc)
		if (!read_plain(&p, end, m, seen))
			rc = read_field(r, &p, end, m, seen);
	return rc;
}

int of_oxm_read_match(struct of_rd *r, const uint8_t **p, const uint8_t *end, struct of_match *m)
{
	const uint8_t *at = *p;
	size_t len;

	if (end - at < 8)
		return of_refuse(r, at, MATCH_E(BAD_LEN), "match is cut off");
	if (get_be16(at) != OFPMT_OXM)
		return of_refuse(r, at, MATCH_E(BAD_TYPE), "match type %u, not OFPMT_OXM",
				 get_be16(at));
	len = get_be16(at + 2);
	if (len < 4 || (len + 7) / 8 * 8 > (size_t)(end - at))
		return of_refuse(r, at, MATCH_E(BAD_LEN), "match of %zu bytes where %zu are left",
				 len, (size_t)(end - at));
	*p = at + (len + 7) / 8 * 8;
	return of_oxm_read_fields(r, at + 4, at + len, m);
}

/* ---- Matches: writing ---- */

static uint32_t header_of(const struct of_field *f, bool nxm_first)
{
	if (nxm_first)
		return f->nxm != OF_FIELD_NO_ID ? f->nxm : f->oxm;
	return f->oxm != OF_FIELD_NO_ID ? f->oxm : f->nxm;
}

static void write_head(struct of_wr *w, uint32_t header, bool has_mask, unsigned int len)
{
	bool exp = header >> 16 == OFPXMC_EXPERIMENTER;

	of_wr_be(w, 4, header | (uint32_t)has_mask << 8 | (len + (exp ? 4 : 0)));
	if (exp)
		of_wr_be(w, 4, OF_ONF_ID);
}

/* The same, and what stands between it and a value. */
static void write_value_head(struct of_wr *w, const struct of_field *f, bool nxm_first,
			     bool has_mask)
{
	const unsigned int len = (unsigned int)f->bytes << has_mask;

	if (f->id != OF_FIELD_PBB_UCA) {
		write_head(w, header_of(f, nxm_first), has_mask, len);
		return;
	}
	write_head(w, (uint32_t)OFPXMC_EXPERIMENTER << 16, has_mask, len + 2);
	of_wr_be(w, 2, UCA_TYPE);
}

static void clear_bits(const struct of_field *f, struct flow_key *k)
{
	static const uint8_t zero[16];

	of_field_set(f, k, zero);
}

/* Cheap test before any_bit(): the words in which the field stands. */
static bool maybe_any(const struct of_field *f, const struct flow_key *k)
{
	const uint64_t *w = (const uint64_t *)k;

	return w[f->offset / 8] | w[(f->offset + f->size - 1u) / 8];
}

static bool is_expressible(const struct of_match *m, const struct of_field *f)
{
	struct of_oxm o;

	if (!of_match_pre_met(m, f))
		return false;
	if (f->maskable && f->id != OF_FIELD_VLAN_VID)
		return true;
	of_match_get(m, f, &o);
	/* A VLAN id of packets without a tag: Nicira's vlan_tci can ask for that, vlan_vid cannot.
	 */
	if (f->id == OF_FIELD_VLAN_VID)
		return o.masked || !get_be16(o.value) || get_be16(o.value) & OFPVID_PRESENT;
	return !o.masked;
}

/* Whether all bits of 'inner' are bits of 'outer'. */
static bool contains(const struct of_field *outer, const struct of_field *inner)
{
	unsigned int out_end = outer->offset + outer->size, in_end = inner->offset + inner->size;

	return inner->offset >= outer->offset && in_end <= out_end &&
	       inner->shift + 8 * (out_end - in_end) >= outer->shift &&
	       inner->shift + inner->bits + 8 * (out_end - in_end) <= outer->shift + outer->bits;
}

/* Bits that are left go out under an alias, which then replaces the fields within it. */
static void choose_aliases(const struct of_match *m, uint64_t *set, struct flow_key *left)
{
	FIELD_EACH (g) {
		if (!g->is_alias || !maybe_any(g, left) || !any_bit(g, left) ||
		    g->id == OF_FIELD_IP_TOS || g->id == OF_FIELD_IN_PORT_NXM ||
		    !is_expressible(m, g))
			continue;
		FIELD_EACH (f)
			if (!f->is_alias && contains(g, f))
				set[f->id / 64] &= ~(UINT64_C(1) << f->id % 64);
		set[g->id / 64] |= UINT64_C(1) << g->id % 64;
		clear_bits(g, left);
	}
}

/* Says why 'left' is left: of the fields that share its bits, the one whose packets are matched. */
static void complain(struct of_wr *w, const struct of_match *m, const struct flow_key *left)
{
	const struct of_field *unmet = NULL;

	FIELD_EACH (f) {
		if (!any_bit(f, left))
			continue;
		if (of_match_pre_met(m, f)) {
			of_wr_fail(w, "match on %s: OpenFlow cannot mask it in part", f->name);
			return;
		}
		if (!unmet)
			unmet = f;
	}
	if (unmet)
		of_wr_fail(w, "match on %s: its prerequisites are not matched", unmet->name);
	else
		of_wr_fail(w, "match on bits that belong to no field");
}

/* The fields that say all of 'm'; -EINVAL with words when there are none such. */
static int choose(struct of_wr *w, const struct of_match *m, uint64_t *set)
{
	static const struct flow_key zero;
	struct flow_key left = m->mask;

	FIELD_EACH (f) {
		if (f->is_alias || !maybe_any(f, &left) || !any_bit(f, &left) ||
		    !is_expressible(m, f))
			continue;
		set[f->id / 64] |= UINT64_C(1) << f->id % 64;
		clear_bits(f, &left);
	}
	if (!memcmp(&left, &zero, sizeof(left)))
		return 0;
	choose_aliases(m, set, &left);
	if (!memcmp(&left, &zero, sizeof(left)))
		return 0;
	complain(w, m, &left);
	return -EINVAL;
}

static void write_field(struct of_wr *w, const struct of_match *m, const struct of_field *f,
			bool nxm_first)
{
	struct of_oxm o;

	of_match_get(m, f, &o);
	write_value_head(w, f, nxm_first, o.masked);
	of_wr_bytes(w, o.value, f->bytes);
	if (o.masked)
		of_wr_bytes(w, o.mask, f->bytes);
}

/* NXM has its own views of three fields; of the port only where 16 bits are enough. */
static const struct of_field *nxm_view(const struct of_match *m, const struct of_field *f)
{
	struct of_oxm o;
	uint32_t port;

	switch ((int)f->id) {
	case OF_FIELD_VLAN_VID:
	case OF_FIELD_VLAN_PCP:
		return &of_fields[OF_FIELD_VLAN_TCI];
	case OF_FIELD_IP_DSCP:
		return &of_fields[OF_FIELD_IP_TOS];
	case OF_FIELD_IN_PORT:
		of_match_get(m, f, &o);
		port = get_be32(o.value);
		if (port < 0xff00 || port >= OFPP_MAX)
			return &of_fields[OF_FIELD_IN_PORT_NXM];
	}
	return f;
}

/* The ECN bits of the TOS byte are a field of their own, which this one leaves alone. */
static void write_tos(struct of_wr *w, const struct of_match *m)
{
	struct of_oxm o;

	of_match_get(m, &of_fields[OF_FIELD_IP_DSCP], &o);
	write_value_head(w, &of_fields[OF_FIELD_IP_TOS], true, false);
	of_wr_be(w, 1, (uint64_t)o.value[0] << 2);
}

static void write_nxm(struct of_wr *w, const struct of_match *m, const struct of_field *f,
		      bool *vlan)
{
	const struct of_field *view = nxm_view(m, f);

	if (view->id == OF_FIELD_VLAN_TCI && *vlan)
		return;
	*vlan |= view->id == OF_FIELD_VLAN_TCI;
	if (view->id == OF_FIELD_IP_TOS)
		write_tos(w, m);
	else
		write_field(w, m, view, true);
}

void of_oxm_write_fields(struct of_wr *w, const struct of_match *m, bool nxm)
{
	uint64_t set[2] = { 0 };
	bool vlan = false;

	if (choose(w, m, set))
		return;
	for (unsigned int i = 0; i < 2; i++)
		for (uint64_t bits = set[i]; bits; bits &= bits - 1) {
			const unsigned int id = i * 64 + (unsigned int)__builtin_ctzll(bits);

			if (nxm)
				write_nxm(w, m, &of_fields[id], &vlan);
			else
				write_field(w, m, &of_fields[id], false);
		}
}

void of_oxm_write_match(struct of_wr *w, const struct of_match *m)
{
	size_t start = w->n, len;

	of_wr_be(w, 2, OFPMT_OXM);
	of_wr_be(w, 2, 0);
	of_oxm_write_fields(w, m, false);
	if (w->rc)
		return;
	len = w->n - start;
	put_be16(w->p + start + 2, (uint16_t)len);
	of_wr_room(w, (8 - len % 8) % 8);
}

/* ---- Set-field ---- */

/* 7.2.5: set-field takes no mask before OpenFlow 1.5; Nicira's load of a whole OXM does. */
static int read_set_mask(struct of_rd *r, const uint8_t *p, const struct tlv *t, bool masked,
			 struct of_oxm *o)
{
	const struct of_field *f = t->field;

	memset(o->mask, 0xff, f->bytes);
	if (!t->has_mask)
		return 0;
	if (!masked)
		return of_refuse(r, p, ACTION_E(BAD_SET_ARGUMENT),
				 "set-field of %s with a mask; use load", f->name);
	if (is_all_ones(t->value + f->bytes, f->bytes))
		return 0;
	if (!f->maskable)
		return of_refuse(r, p, ACTION_E(BAD_SET_ARGUMENT), "%s cannot be masked", f->name);
	memcpy(o->mask, t->value + f->bytes, f->bytes);
	o->masked = true;
	for (unsigned int i = 0; i < f->bytes; i++)
		if (o->value[i] & ~o->mask[i])
			return of_refuse(r, p, ACTION_E(BAD_SET_ARGUMENT),
					 "%s has value bits outside its mask", f->name);
	return 0;
}

int of_oxm_read(struct of_rd *r, const uint8_t **p, const uint8_t *end, bool masked,
		struct of_oxm *o)
{
	struct tlv t;
	int rc;

	if (!read_head(*p, end, &t) || t.len > end - t.value || !read_type(&t))
		return of_refuse(r, *p, ACTION_E(BAD_SET_LEN), "field passes the action's end");
	/* Open vSwitch's word for Nicira's load, where OpenFlow's is that of a type. */
	if (masked && t.field && !t.field->settable)
		return of_refuse(r, *p, ACTION_E(BAD_SET_ARGUMENT), "%s cannot be set",
				 t.field->name);
	if (!t.field || !t.field->settable)
		return of_refuse(r, *p, ACTION_E(BAD_SET_TYPE), "field 0x%08x cannot be set",
				 t.header);
	if (t.len != (unsigned int)t.field->bytes << t.has_mask)
		return of_refuse(r, *p, ACTION_E(BAD_SET_LEN), "%s takes %u bytes, not %u",
				 t.field->name, t.field->bytes << t.has_mask, t.len);
	*o = (struct of_oxm){ .field = t.field };
	memcpy(o->value, t.value, t.field->bytes);
	rc = read_set_mask(r, *p, &t, masked, o);
	if (rc)
		return rc;
	if (!in_range(o->field, o->value) || !translate(o))
		return of_refuse(r, *p, ACTION_E(BAD_SET_ARGUMENT), "%s has %u bits", t.field->name,
				 t.field->bits);
	*p = t.value + t.len;
	return 0;
}

void of_oxm_write(struct of_wr *w, const struct of_oxm *o, bool masked)
{
	const struct of_field *f = o->field;

	if (!f) {
		of_wr_fail(w, "set-field names no field");
		return;
	}
	if (!f->settable)
		of_wr_fail(w, "set-field of %s: it cannot be set", f->name);
	else if (!in_range(f, o->value))
		of_wr_fail(w, "set-field of %s: it has %u bits", f->name, f->bits);
	else if (o->masked && !masked)
		of_wr_fail(w, "set-field of %s: OpenFlow 1.3 has no mask here", f->name);
	else if (o->masked && !f->maskable)
		of_wr_fail(w, "set-field of %s: it cannot be masked", f->name);
	for (unsigned int i = 0; o->masked && i < f->bytes; i++)
		if (o->value[i] & ~o->mask[i])
			of_wr_fail(w, "set-field of %s: value bits outside the mask", f->name);
	write_value_head(w, f, false, o->masked);
	of_wr_bytes(w, o->value, f->bytes);
	if (o->masked)
		of_wr_bytes(w, o->mask, f->bytes);
}

/* ---- Ids ---- */

/*
 * Open vSwitch has one error for short headers, and those of matches for the others; a header with
 * a mask is a field, but no id.
 */
int of_oxm_read_id(struct of_rd *r, const uint8_t **p, const uint8_t *end, bool brief,
		   const struct of_field **f)
{
	uint32_t error = brief ? ACTION_E(BAD_SET_TYPE) : MATCH_E(BAD_FIELD);
	struct tlv t;

	if (!read_head(*p, end, &t))
		return of_refuse(r, *p, brief ? ACTION_E(BAD_LEN) : MATCH_E(BAD_LEN),
				 "field id is cut off");
	/* What follows a short header stands where only that leaves it. */
	if (!t.field || (brief && t.value - *p != 4))
		return of_refuse(r, *p, error, "unknown field 0x%08x", t.header);
	if (!brief && t.has_mask && t.len == 2u * t.field->bytes)
		error = MATCH_E(BAD_MASK);
	if (t.has_mask || t.len != t.field->bytes)
		return of_refuse(r, *p, error, "%s has the header 0x%08x, not this", t.field->name,
				 header_of(t.field, true) | t.field->bytes);
	*f = t.field;
	*p = t.value;
	return 0;
}

void of_oxm_write_id(struct of_wr *w, const struct of_field *f, bool brief)
{
	if (!f)
		of_wr_fail(w, "an action names no field");
	else if (brief && header_of(f, true) >> 16 == OFPXMC_EXPERIMENTER)
		of_wr_fail(w, "%s has no short header", f->name);
	else
		write_head(w, header_of(f, true), false, f->bytes);
}

int of_oxm_read_feature(struct of_rd *r, const uint8_t **p, const uint8_t *end, struct of_id *id)
{
	struct tlv t;

	if (!read_head(*p, end, &t))
		return of_refuse(r, *p, OF_E(OFPET_TABLE_FEATURES_FAILED, OFPTFFC_BAD_LEN),
				 "field id is cut off");
	*id = (struct of_id){ .type = t.header,
			      .experimenter = t.experimenter,
			      .field = t.field,
			      .has_mask = t.has_mask };
	*p = t.value;
	return 0;
}

void of_oxm_write_feature(struct of_wr *w, const struct of_id *id)
{
	if (id->field) {
		write_head(w, header_of(id->field, false), id->has_mask,
			   (unsigned int)id->field->bytes << id->has_mask);
		return;
	}
	of_wr_be(w, 4, id->type);
	if (id->type >> 16 == OFPXMC_EXPERIMENTER)
		of_wr_be(w, 4, id->experimenter);
}

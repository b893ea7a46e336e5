/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/match.h"

#include <errno.h>
#include <string.h>

static const uint64_t *words(const struct flow_key *k)
{
	return (const uint64_t *)k;
}

/* ---- Prerequisites: matched exactly ---- */

/* Whether 'm' matches eth_type exactly, and which. */
static bool eth_type_is(const struct of_match *m, uint16_t type)
{
	return m->mask.eth_type == 0xffff && be16toh(m->value.eth_type) == type;
}

static bool is_ip(const struct of_match *m)
{
	return eth_type_is(m, 0x0800) || eth_type_is(m, 0x86dd);
}

static bool proto_is(const struct of_match *m, uint8_t proto)
{
	return m->mask.ip_proto == 0xff && m->value.ip_proto == proto;
}

static bool nd_type_is(const struct of_match *m, uint8_t type)
{
	return eth_type_is(m, 0x86dd) && proto_is(m, 58) && be16toh(m->mask.tp_src) >> 8 == 0xff &&
	       be16toh(m->value.tp_src) >> 8 == type;
}

/*
 * Whether only packets with a connection can match: a bit of ct_state that no others have, or, of
 * tracked packets, that they are not invalid (ovs-fields(7), CT).
 */
static bool has_connection(const struct of_match *m)
{
	uint8_t known = OF_CT_NEW | OF_CT_EST | OF_CT_REL | OF_CT_RPL | OF_CT_SNAT | OF_CT_DNAT;

	if (m->value.ct_state & known)
		return true;
	return m->value.ct_state & OF_CT_TRK && m->mask.ct_state & OF_CT_INV &&
	       !(m->value.ct_state & OF_CT_INV);
}

bool of_match_connection_fits(const struct of_match *m, const struct of_field *f)
{
	return f->pre == OF_PRE_CT4   ? eth_type_is(m, 0x0800)
	       : f->pre == OF_PRE_CT6 ? eth_type_is(m, 0x86dd)
				      : true;
}

bool of_match_pre_met(const struct of_match *m, const struct of_field *f)
{
	switch (f->pre) {
	case OF_PRE_ANY:
		return true;
	case OF_PRE_IN_PORT:
		return m->mask.in_port == UINT32_MAX;
	case OF_PRE_VLAN:
		/* VLAN_VID != NONE: any bit of the id will do, for a packet without a tag has none.
		 */
		return be16toh(m->value.vlan_tci) & (FLOW_TCI_PRESENT | 0xfff);
	case OF_PRE_IP:
		return is_ip(m);
	case OF_PRE_IPV4:
		return eth_type_is(m, 0x0800);
	case OF_PRE_IPV6:
		return eth_type_is(m, 0x86dd);
	case OF_PRE_ARP:
		return eth_type_is(m, 0x0806) || eth_type_is(m, 0x8035);
	case OF_PRE_TCP:
		return is_ip(m) && proto_is(m, 6);
	case OF_PRE_UDP:
		return is_ip(m) && proto_is(m, 17);
	case OF_PRE_SCTP:
		return is_ip(m) && proto_is(m, 132);
	case OF_PRE_ICMPV4:
		return eth_type_is(m, 0x0800) && proto_is(m, 1);
	case OF_PRE_ICMPV6:
		return eth_type_is(m, 0x86dd) && proto_is(m, 58);
	case OF_PRE_ND:
		return nd_type_is(m, 135) || nd_type_is(m, 136);
	case OF_PRE_ND_SOL:
		return nd_type_is(m, 135);
	case OF_PRE_ND_ADV:
		return nd_type_is(m, 136);
	case OF_PRE_MPLS:
		return eth_type_is(m, 0x8847) || eth_type_is(m, 0x8848);
	case OF_PRE_PBB:
		return eth_type_is(m, 0x88e7);
	case OF_PRE_CT:
	case OF_PRE_CT4: /* the state of a packet does not say its EtherType (7.4.1) */
	case OF_PRE_CT6:
		return has_connection(m);
	}
	return false;
}

static bool any_bit(const struct of_field *f, const struct flow_key *k)
{
	const uint8_t *p = (const uint8_t *)k + f->offset;

	if (f->size <= 8)
		return of_field_get_u64(f, k) != 0;
	return get_be64(p) | get_be64(p + 8);
}

bool of_match_has(const struct of_match *m, const struct of_field *f)
{
	return any_bit(f, &m->mask) && of_match_pre_met(m, f);
}

/* ---- Members ---- */

int of_match_set(struct of_match *m, const struct of_field *f, const uint8_t *value,
		 const uint8_t *mask)
{
	static const uint8_t all[16] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
					 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

	for (unsigned int i = 0; mask && i < f->bytes; i++)
		if (value[i] & ~mask[i])
			return -EINVAL;
	of_field_set(f, &m->value, value);
	of_field_set(f, &m->mask, mask ? mask : all);
	return 0;
}

void of_match_set_u64(struct of_match *m, enum of_field_id id, uint64_t value)
{
	of_match_set_masked_u64(m, id, value, UINT64_MAX);
}

void of_match_set_masked_u64(struct of_match *m, enum of_field_id id, uint64_t value, uint64_t mask)
{
	of_field_set_u64(&of_fields[id], &m->value, value & mask);
	of_field_set_u64(&of_fields[id], &m->mask, mask);
}

static bool all_ones(const struct of_field *f, const uint8_t *mask)
{
	const unsigned int bits = of_field_key_bits(f);
	unsigned int i = 0, whole = f->bytes - (bits + 7) / 8;

	/* Bytes that hold no bit of the field, then the one that is held in part. */
	for (i = whole; i < f->bytes; i++) {
		uint8_t want = i == whole && bits % 8 ? (uint8_t)((1 << bits % 8) - 1) : 0xff;

		if (mask[i] != want)
			return false;
	}
	return true;
}

void of_match_get(const struct of_match *m, const struct of_field *f, struct of_oxm *out)
{
	*out = (struct of_oxm){ .field = f };
	of_field_get(f, &m->value, out->value);
	of_field_get(f, &m->mask, out->mask);
	out->masked = !all_ones(f, out->mask);
	if (!out->masked)
		memset(out->mask, 0xff, f->bytes);
}

/* ---- Relations ---- */

bool of_match_equal(const struct of_match *a, const struct of_match *b)
{
	return !memcmp(a, b, sizeof(*a));
}

bool of_match_covers(const struct of_match *a, const struct of_match *b)
{
	const uint64_t *av = words(&a->value), *am = words(&a->mask);
	const uint64_t *bv = words(&b->value), *bm = words(&b->mask);

	for (unsigned int i = 0; i < FLOW_KEY_WORDS; i++)
		if ((am[i] & ~bm[i]) | ((av[i] ^ bv[i]) & am[i]))
			return false;
	return true;
}

bool of_match_overlaps(const struct of_match *a, const struct of_match *b)
{
	const uint64_t *av = words(&a->value), *am = words(&a->mask);
	const uint64_t *bv = words(&b->value), *bm = words(&b->mask);

	for (unsigned int i = 0; i < FLOW_KEY_WORDS; i++)
		if ((av[i] ^ bv[i]) & am[i] & bm[i])
			return false;
	return true;
}

bool of_match_hits(const struct of_match *m, const struct flow_key *k)
{
	const uint64_t *v = words(&m->value), *mask = words(&m->mask), *kw = words(k);

	for (unsigned int i = 0; i < FLOW_KEY_WORDS; i++)
		if ((kw[i] & mask[i]) != v[i])
			return false;
	return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/ofctl_frame.h"

#include <errno.h>
#include <string.h>

enum {
	TYPE_LOCAL = 0x88b5,
	TYPE_NONE = 0x05ff, /* an LLC frame, in the words of a flow key */
	FRAME_MIN = 60,
	TTL = 64,
};

struct frame {
	const struct flow_key *k;
	const struct flow_key *mask;
	uint8_t *p;
	size_t n;
};

/* ---- Bytes ---- */

static void put(struct frame *f, const void *p, size_t n)
{
	memcpy(f->p + f->n, p, n);
	f->n += n;
}

static void put16(struct frame *f, unsigned int v)
{
	put_be16(f->p + f->n, (uint16_t)v);
	f->n += 2;
}

static void put8(struct frame *f, unsigned int v)
{
	f->p[f->n++] = (uint8_t)v;
}

static void zero(struct frame *f, size_t n)
{
	memset(f->p + f->n, 0, n);
	f->n += n;
}

/* RFC 1071; not folded. */
static uint32_t sum(const uint8_t *p, size_t n)
{
	uint32_t s = 0;

	for (size_t i = 0; i + 1 < n; i += 2)
		s += get_be16(p + i);
	return n & 1 ? s + ((uint32_t)p[n - 1] << 8) : s;
}

static uint16_t folded(uint32_t s)
{
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)~s;
}

/* ---- Transport ---- */

static void put_nd(struct frame *f, uint8_t type)
{
	static const uint8_t none[6];
	const uint8_t *mac = type == 135 ? f->k->nd_sll : f->k->nd_tll;
	const uint8_t *mask = type == 135 ? f->mask->nd_sll : f->mask->nd_tll;

	put(f, f->k->nd_target, 16);
	if (!memcmp(mask, none, 6))
		return;
	put8(f, type == 135 ? 1 : 2);
	put8(f, 1);
	put(f, mac, 6);
}

/* The header of 'proto'; where its checksum is, or 0. */
static size_t put_transport(struct frame *f, uint8_t proto)
{
	const size_t at = f->n;
	const uint8_t type = (uint8_t)(be16toh(f->k->tp_src) >> 8);

	if (proto != 6 && proto != 17 && proto != 132 && proto != 1 && proto != 58)
		return 0;
	put(f, &f->k->tp_src, 2);
	switch (proto) {
	case 6:
		put(f, &f->k->tp_dst, 2);
		zero(f, 8);
		put16(f, 5u << 12 | (be16toh(f->k->tcp_flags) & 0xfff));
		put16(f, 1024);
		zero(f, 4);
		return at + 16;
	case 17:
		put(f, &f->k->tp_dst, 2);
		put16(f, 8);
		zero(f, 2);
		return at + 6;
	case 132: /* its CRC stays zero: no rule can see it */
		put(f, &f->k->tp_dst, 2);
		zero(f, 8);
		return 0;
	default:
		zero(f, 6);
		if (proto == 58 && (type == 135 || type == 136))
			put_nd(f, type);
		return at + 2;
	}
}

/* 'pseudo': the sum of what the checksum covers besides (RFC 768, 8200 8.1); ICMP has none. */
static void put_l4(struct frame *f, uint8_t proto, uint32_t pseudo)
{
	const size_t at = f->n, where = put_transport(f, proto);

	if (!where)
		return;
	if (proto != 1)
		pseudo += proto + (uint32_t)(f->n - at);
	else
		pseudo = 0;
	put_be16(f->p + where, folded(pseudo + sum(f->p + at, f->n - at)));
}

/* ---- Network ---- */

static uint8_t ttl(const struct frame *f)
{
	return f->mask->ip_ttl ? f->k->ip_ttl : TTL;
}

static unsigned int fragment(const struct frame *f)
{
	if (f->k->ip_frag & FLOW_FRAG_LATER)
		return 1;
	return f->k->ip_frag & FLOW_FRAG_ANY ? 0x2000 : 0;
}

static void put_ip4(struct frame *f)
{
	const size_t at = f->n;

	put8(f, 0x45);
	put8(f, f->k->ip_tos);
	zero(f, 4);
	put16(f, fragment(f));
	put8(f, ttl(f));
	put8(f, f->k->ip_proto);
	zero(f, 2);
	put(f, &f->k->nw_src, 4);
	put(f, &f->k->nw_dst, 4);
	if (!(f->k->ip_frag & FLOW_FRAG_LATER))
		put_l4(f, f->k->ip_proto, sum(f->p + at + 12, 8));
	put_be16(f->p + at + 2, (uint16_t)(f->n - at));
	put_be16(f->p + at + 10, folded(sum(f->p + at, 20)));
}

static void put_ip6(struct frame *f)
{
	const size_t at = f->n;

	put16(f,
	      0x6000u | (unsigned int)f->k->ip_tos << 4 | (be32toh(f->k->ipv6_label) >> 16 & 0xf));
	put16(f, be32toh(f->k->ipv6_label) & 0xffff);
	zero(f, 2);
	put8(f, f->k->ip_proto);
	put8(f, ttl(f));
	put(f, f->k->ipv6_src, 16);
	put(f, f->k->ipv6_dst, 16);
	put_l4(f, f->k->ip_proto, sum(f->p + at + 8, 32));
	put_be16(f->p + at + 4, (uint16_t)(f->n - at - 40));
}

static void put_arp(struct frame *f)
{
	static const uint8_t ether_ip[] = { 0, 1, 8, 0, 6, 4 };

	put(f, ether_ip, sizeof(ether_ip));
	put16(f, f->mask->tp_src ? be16toh(f->k->tp_src) : 1);
	put(f, f->k->nd_sll, 6);
	put(f, &f->k->nw_src, 4);
	put(f, f->k->nd_tll, 6);
	put(f, &f->k->nw_dst, 4);
}

/* The label last in its stack unless it was said not to be: then one of zero follows. */
static void put_mpls(struct frame *f)
{
	uint32_t lse = be32toh(f->k->mpls_lse), mask = be32toh(f->mask->mpls_lse);

	if (!(mask & 0x100))
		lse |= 0x100;
	if (!(mask & 0xff))
		lse |= TTL;
	put_be32(f->p + f->n, lse);
	f->n += 4;
	if (!(lse & 0x100)) {
		put_be32(f->p + f->n, 0x100 | TTL);
		f->n += 4;
	}
}

/* An I-TAG (802.1Q 9.7), and a customer's frame in it. */
static void put_pbb(struct frame *f)
{
	put_be32(f->p + f->n, be32toh(f->k->pbb_isid) & 0x08ffffff);
	f->n += 4;
	zero(f, 12);
	put16(f, TYPE_LOCAL);
}

/* ---- Link ---- */

static void put_llc(struct frame *f)
{
	static const uint8_t llc[] = { 0x42, 0x42, 3 };

	put16(f, FRAME_MIN - 14);
	put(f, llc, sizeof(llc));
}

static void put_frame(struct frame *f)
{
	unsigned int type = f->mask->eth_type ? be16toh(f->k->eth_type) : TYPE_LOCAL;

	put(f, f->k->eth_dst, 6);
	put(f, f->k->eth_src, 6);
	if (be16toh(f->k->vlan_tci) & FLOW_TCI_PRESENT) {
		put16(f, 0x8100);
		put16(f, be16toh(f->k->vlan_tci) & ~(unsigned int)FLOW_TCI_PRESENT);
	}
	if (type == TYPE_NONE) {
		put_llc(f);
		return;
	}
	put16(f, type);
	switch (type) {
	case 0x0800:
		put_ip4(f);
		break;
	case 0x86dd:
		put_ip6(f);
		break;
	case 0x0806:
	case 0x8035:
		put_arp(f);
		break;
	case 0x8847:
	case 0x8848:
		put_mpls(f);
		break;
	case 0x88e7:
		put_pbb(f);
		break;
	}
}

/* ---- What can be asked for ---- */

/* No packet brings it along: the pipeline's own, or what no single header says. */
static bool is_foreign(const struct of_match *m, const struct of_field *f)
{
	switch (f->id) {
	case OF_FIELD_IN_PORT:
	case OF_FIELD_ETH_TYPE:
	case OF_FIELD_IP_PROTO:
	case OF_FIELD_TUN_ID:
	case OF_FIELD_TUN_SRC:
	case OF_FIELD_TUN_DST:
	case OF_FIELD_TUN_IPV6_SRC:
	case OF_FIELD_TUN_IPV6_DST:
	case OF_FIELD_TCP_FLAGS:
		return false;
	case OF_FIELD_IP_FRAG:
		return m->value.ip_frag && m->value.eth_type != htobe16(0x0800);
	default:
		return f->layer == OF_LAYER_META;
	}
}

/* Those whose words name bits: what is not named is zero. */
static bool may_have_mask(const struct of_field *f)
{
	return f->id == OF_FIELD_TCP_FLAGS || f->id == OF_FIELD_IP_FRAG ||
	       f->id == OF_FIELD_VLAN_VID;
}

int ofctl_frame(const struct of_match *m, uint8_t *buf, struct err *e)
{
	struct frame f = { &m->value, &m->mask, buf, 0 };
	struct of_oxm oxm;

	FIELD_EACH (field) {
		if (field->is_alias || !of_match_has(m, field))
			continue;
		if (is_foreign(m, field))
			return err_set(e, -EINVAL, "%s is nothing that a packet brings along",
				       field->match);
		of_match_get(m, field, &oxm);
		if (oxm.masked && !may_have_mask(field))
			return err_set(e, -EINVAL, "%s has a mask, but a packet has one value",
				       field->match);
	}
	put_frame(&f);
	if (f.n < FRAME_MIN)
		zero(&f, FRAME_MIN - f.n);
	return (int)f.n;
}

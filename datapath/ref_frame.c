/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of a frame, bit by bit, and checksums summed up whole. */
#include <string.h>

#include "base/byteorder.h"
#include "datapath/ref_priv.h"
#include "ofproto/enum.h"

/* ---- Bits ---- */

struct ref_bits ref_number(uint64_t v, unsigned int n)
{
	struct ref_bits r = { .n = n };

	for (unsigned int i = 0; i < n && i < 64; i++)
		r.bit[i] = v >> i & 1;
	return r;
}

struct ref_bits ref_bytes(const uint8_t *p, unsigned int n_bytes, unsigned int n_bits)
{
	struct ref_bits r = { .n = n_bits };

	for (unsigned int i = 0; i < n_bits; i++)
		r.bit[i] = p[n_bytes - 1 - i / 8] >> i % 8 & 1;
	return r;
}

/* Bit 'i' of a header, counted as RFCs draw it: 0 is the first bit's place. */
static uint8_t *byte_of(struct ref_frame *f, int header, int i, int *shift)
{
	*shift = 7 - i % 8;
	return &f->b[header + i / 8];
}

static struct ref_bits read_bits(const struct ref_frame *f, int header, int first, int n)
{
	struct ref_bits r = { .n = (unsigned int)n };

	for (int i = 0; i < n; i++) {
		int shift;
		const uint8_t *p =
			byte_of((struct ref_frame *)(uintptr_t)f, header, first + i, &shift);

		r.bit[n - 1 - i] = *p >> shift & 1;
	}
	return r;
}

/* ---- Fields ---- */

static bool is_ip(const struct ref_look *l)
{
	return l->type == 0x0800 || l->type == 0x86dd;
}

bool ref_meets(const struct ref_frame *f, const struct of_field *d)
{
	const bool connected = f->meta.ct_state & (OF_CT_NEW | OF_CT_EST | OF_CT_RPL);
	struct ref_look l;
	int nd = 0;

	ref_look(f, &l);
	if (l.type == 0x86dd && l.proto == 58 && l.l4 >= 0)
		nd = f->b[l.l4];
	switch (d->pre) {
	case OF_PRE_ANY:
	case OF_PRE_IN_PORT:
		return true;
	case OF_PRE_VLAN:
		return l.n_tags > 0;
	case OF_PRE_IP:
		return is_ip(&l);
	case OF_PRE_IPV4:
		return l.type == 0x0800;
	case OF_PRE_IPV6:
		return l.type == 0x86dd;
	case OF_PRE_ARP:
		return l.type == 0x0806 || l.type == 0x8035;
	case OF_PRE_TCP:
		return is_ip(&l) && l.proto == 6;
	case OF_PRE_UDP:
		return is_ip(&l) && l.proto == 17;
	case OF_PRE_SCTP:
		return is_ip(&l) && l.proto == 132;
	case OF_PRE_ICMPV4:
		return l.type == 0x0800 && l.proto == 1;
	case OF_PRE_ICMPV6:
		return l.type == 0x86dd && l.proto == 58;
	case OF_PRE_ND:
		return nd == 135 || nd == 136;
	case OF_PRE_ND_SOL:
		return nd == 135;
	case OF_PRE_ND_ADV:
		return nd == 136;
	case OF_PRE_MPLS:
		return l.type == 0x8847 || l.type == 0x8848;
	case OF_PRE_PBB:
		return l.type == 0x88e7;
	case OF_PRE_CT:
		return connected;
	case OF_PRE_CT4:
		return connected && l.type == 0x0800;
	case OF_PRE_CT6:
		return connected && l.type == 0x86dd;
	}
	return false;
}

/* Header and first bit of a field in a frame; REF_NOWHERE: it stands in none. */
static int place_of(const struct ref_look *l, enum of_field_id id, int *first)
{
	const int l3 = l->ip4 >= 0 ? l->ip4 : l->ip6;
	const int by_proto = l->l4;

#define AT(header, bit) return *first = (bit), (header)
	switch (id) {
	case OF_FIELD_ETH_DST:
		AT(0, 0);
	case OF_FIELD_ETH_SRC:
		AT(0, 48);
	case OF_FIELD_ETH_TYPE:
		AT(l->type_at, 0);
	case OF_FIELD_IP_PROTO:
		AT(l->proto_at, 0);
	case OF_FIELD_VLAN_PCP:
		AT(l->n_tags ? 14 : REF_NOWHERE, 0);
	case OF_FIELD_VLAN_VID: /* and the tag's presence instead of DEI */
		AT(l->n_tags ? 14 : REF_NOWHERE, 3);
	case OF_FIELD_VLAN_TCI:
		AT(l->n_tags ? 14 : REF_NOWHERE, 0);
	case OF_FIELD_IP_TOS:
	case OF_FIELD_IP_DSCP:
		AT(l3, l->ip4 >= 0 ? 8 : 4);
	case OF_FIELD_IP_ECN:
		AT(l3, l->ip4 >= 0 ? 14 : 10);
	case OF_FIELD_IP_TTL:
		AT(l3, l->ip4 >= 0 ? 64 : 56);
	case OF_FIELD_IPV4_SRC:
		AT(l->ip4, 96);
	case OF_FIELD_IPV4_DST:
		AT(l->ip4, 128);
	case OF_FIELD_IPV6_FLABEL:
		AT(l->ip6, 12);
	case OF_FIELD_IPV6_SRC:
		AT(l->ip6, 64);
	case OF_FIELD_IPV6_DST:
		AT(l->ip6, 192);
	case OF_FIELD_TCP_SRC:
	case OF_FIELD_UDP_SRC:
	case OF_FIELD_SCTP_SRC:
	case OF_FIELD_ICMPV4_TYPE:
	case OF_FIELD_ICMPV6_TYPE:
		AT(by_proto, 0);
	case OF_FIELD_TCP_DST:
	case OF_FIELD_UDP_DST:
	case OF_FIELD_SCTP_DST:
		AT(by_proto, 16);
	case OF_FIELD_ICMPV4_CODE:
	case OF_FIELD_ICMPV6_CODE:
		AT(by_proto, 8);
	case OF_FIELD_TCP_FLAGS:
		AT(by_proto, 100);
	case OF_FIELD_ARP_OP:
		AT(l->arp, 48);
	case OF_FIELD_ARP_SHA:
		AT(l->arp, 64);
	case OF_FIELD_ARP_SPA:
		AT(l->arp, 112);
	case OF_FIELD_ARP_THA:
		AT(l->arp, 144);
	case OF_FIELD_ARP_TPA:
		AT(l->arp, 192);
	case OF_FIELD_ND_TARGET:
		AT(l->nd, 0);
	case OF_FIELD_ND_SLL:
		AT(l->nd_sll, 0);
	case OF_FIELD_ND_TLL:
		AT(l->nd_tll, 0);
	case OF_FIELD_MPLS_LABEL:
		AT(l->mpls, 0);
	case OF_FIELD_MPLS_TC:
		AT(l->mpls, 20);
	case OF_FIELD_MPLS_BOS:
		AT(l->mpls, 23);
	case OF_FIELD_MPLS_TTL:
		AT(l->mpls, 24);
	case OF_FIELD_PBB_ISID:
		AT(l->pbb, 8);
	case OF_FIELD_PBB_UCA:
		AT(l->pbb, 4);
	default:
		*first = 0;
		return REF_NOWHERE;
	}
#undef AT
}

/* Whether the field is one of a frame at all (and not of the pipeline). */
static bool in_frame(enum of_field_id id)
{
	/* Headers that are all there: none is the answer for what is in no header. */
	static const struct ref_look all = { .n_tags = 1 };
	int first;

	return place_of(&all, id, &first) != REF_NOWHERE;
}

struct ref_bits ref_get(const struct ref_frame *f, const struct of_field *d)
{
	struct ref_look l;
	struct ref_bits r;
	int header, first;

	ref_look(f, &l);
	switch (d->id) {
	case OF_FIELD_ETH_TYPE:
		return ref_number((uint64_t)l.type, 16);
	case OF_FIELD_IP_PROTO:
		return ref_number((uint64_t)l.proto, 8);
	case OF_FIELD_IP_FRAG:
		return ref_number((uint64_t)l.frag, 2);
	case OF_FIELD_IPV6_EXTHDR:
		return ref_number((uint64_t)l.exthdr, 9);
	default:
		break;
	}
	if (!in_frame(d->id)) {
		uint8_t v[16];

		of_field_get(d, &f->meta, v);
		return ref_bytes(v, d->bytes, d->bits);
	}
	header = place_of(&l, d->id, &first);
	if (header < 0 || !ref_meets(f, d))
		return ref_number(0, d->bits);
	r = read_bits(f, header, first, d->bits);
	if (d->id == OF_FIELD_VLAN_VID || d->id == OF_FIELD_VLAN_TCI)
		r.bit[12] = 1;
	return r;
}

/* ---- Checksums ---- */

static uint64_t sum(const struct ref_frame *f, int at, int end)
{
	uint64_t s = 0;

	for (; at < end; at += 2)
		s += (uint64_t)(ref_u8(f, at) << 8 | (at + 1 < end ? ref_u8(f, at + 1) : 0));
	return s;
}

/* A checksum that was right for 'was' (or wrong by so much) becomes right (or as wrong) for 'is'.
 */
static int adjusted(int field, uint64_t was, uint64_t is)
{
	uint64_t s = 0xffff - (uint64_t)field;

	s = (s + is % 65535 + 65535 - was % 65535) % 65535;
	return (int)(0xffff - (s ? s : 0xffff));
}

static void put16(struct ref_frame *f, int at, int v)
{
	f->b[at] = (uint8_t)(v >> 8);
	f->b[at + 1] = (uint8_t)v;
}

/* Everything that the L4 checksum covers. */
static uint64_t l4_sum(const struct ref_frame *f, const struct ref_look *l)
{
	uint64_t s = sum(f, l->l4, l->l4_end);

	if (l->proto != 6 && l->proto != 17 && l->proto != 58 && l->proto != 33 && l->proto != 136)
		return s;
	s += (uint64_t)ref_u8(f, l->proto_at);
	if (l->ip4 >= 0)
		return s + sum(f, l->ip4 + 12, l->ip4 + 20);
	return s + sum(f, l->ip6 + 8, l->routed ? l->ip6 + 24 : l->ip6 + 40);
}

/* RFC 9260 appendix A, bit by bit; bytes that the frame lacks count as zero. */
static uint32_t crc32c(const struct ref_frame *f, const struct ref_look *l)
{
	uint32_t crc = 0xffffffff;

	for (int at = l->l4; at < l->l4_claim; at++) {
		const bool field = at >= l->l4 + 8 && at < l->l4 + 12;

		crc ^= field || at >= (int)f->n ? 0 : f->b[at];
		for (int i = 0; i < 8; i++)
			crc = crc & 1 ? crc >> 1 ^ 0x82f63b78 : crc >> 1;
	}
	return ~crc;
}

static void fix_sctp(struct ref_frame *f, const struct ref_frame *was, const struct ref_look *l)
{
	const uint32_t change = crc32c(was, l) ^ crc32c(f, l);

	if (l->frag)
		return;
	for (int i = 0; i < 4; i++)
		f->b[l->l4 + 8 + i] ^= (uint8_t)(change >> 8 * i);
}

/* Brings the checksums of 'f', which was 'was' (headers at the same places), up to date. */
static void fix_checksums(struct ref_frame *f, const struct ref_frame *was)
{
	struct ref_look l;
	int at, v;

	ref_look(was, &l);
	if (l.ip4 >= 0) {
		const uint64_t s0 = sum(was, l.ip4, l.ip4 + 20), s1 = sum(f, l.ip4, l.ip4 + 20);

		if (memcmp(was->b + l.ip4, f->b + l.ip4, 20) != 0)
			put16(f, l.ip4 + 10, adjusted(ref_u16(f, l.ip4 + 10), s0, s1));
	}
	if (l.l4 < 0)
		return;
	if (l.proto == 132) {
		fix_sctp(f, was, &l);
		return;
	}
	if (l.proto == 6)
		at = l.l4 + 16;
	else if (l.proto == 17 || l.proto == 136 || l.proto == 33)
		at = l.l4 + 6;
	else if (l.proto == 1 || l.proto == 58)
		at = l.l4 + 2;
	else
		return;
	if ((l.proto == 17 || l.proto == 136) && ref_u16(f, at) == 0)
		return;
	if (l4_sum(was, &l) == l4_sum(f, &l))
		return;
	v = adjusted(ref_u16(f, at), l4_sum(was, &l), l4_sum(f, &l));
	if ((l.proto == 17 || l.proto == 136) && v == 0)
		v = 0xffff;
	put16(f, at, v);
}

void ref_set(struct ref_frame *f, const struct of_field *d, const struct ref_bits *v,
	     unsigned int ofs)
{
	struct ref_frame was;
	struct ref_look l;
	int header, first;

	if (!in_frame(d->id)) {
		uint8_t b[16];

		if (!ref_meets(f, d))
			return;
		of_field_get(d, &f->meta, b);
		for (unsigned int i = 0; i < v->n; i++) {
			const unsigned int bit = ofs + i;
			uint8_t *p = &b[d->bytes - 1 - bit / 8];

			*p = (uint8_t)((*p & ~(1 << bit % 8)) | v->bit[i] << bit % 8);
		}
		of_field_set(d, &f->meta, b);
		return;
	}
	ref_look(f, &l);
	header = place_of(&l, d->id, &first);
	if (header < 0 || !ref_meets(f, d))
		return;
	was = *f;
	for (unsigned int i = 0; i < v->n; i++) {
		int shift;
		uint8_t *p = byte_of(f, header, first + d->bits - 1 - (int)(ofs + i), &shift);

		/* DEI stands where the key tells that there is a tag. */
		if (ofs + i == 12 && (d->id == OF_FIELD_VLAN_VID || d->id == OF_FIELD_VLAN_TCI))
			continue;
		*p = (uint8_t)((*p & ~(1 << shift)) | v->bit[i] << shift);
	}
	fix_checksums(f, &was);
}

/* ---- Headers ---- */

/* A frame that has 'n' bytes more, after 'at' bytes. */
static void widen(struct ref_frame *f, int at, int n)
{
	memmove(f->b + at + n, f->b + at, f->n - (uint32_t)at);
	memset(f->b + at, 0, (size_t)n);
	f->n += (uint32_t)n;
}

static void narrow(struct ref_frame *f, int at, int n)
{
	memmove(f->b + at, f->b + at + n, f->n - (uint32_t)(at + n));
	f->n -= (uint32_t)n;
}

void ref_push_vlan(struct ref_frame *f, uint16_t tpid)
{
	struct ref_look l;
	const int was = (ref_look(f, &l), l.n_tags) ? ref_u16(f, 14) & 0xefff : 0;

	widen(f, 12, 4);
	put16(f, 12, tpid);
	put16(f, 14, was);
}

bool ref_pop_vlan(struct ref_frame *f)
{
	struct ref_look l;

	ref_look(f, &l);
	if (!l.n_tags)
		return false;
	narrow(f, 12, 4);
	return true;
}

void ref_push_mpls(struct ref_frame *f, uint16_t type)
{
	uint8_t lse[4] = { 0, 0, 1, 0 };
	struct ref_look l;

	ref_look(f, &l);
	if (l.mpls >= 0) {
		memcpy(lse, f->b + l.mpls, 4);
		lse[2] = (uint8_t)(l.mpls == 14 ? lse[2] & 0xfe : lse[2] | 1);
	} else if (l.ip4 >= 0) {
		lse[3] = f->b[l.ip4 + 8];
	} else if (l.ip6 >= 0) {
		lse[3] = f->b[l.ip6 + 7];
	}
	widen(f, 14, 4);
	put16(f, 12, type);
	memcpy(f->b + 14, lse, 4);
}

bool ref_pop_mpls(struct ref_frame *f, uint16_t type)
{
	struct ref_look l;

	ref_look(f, &l);
	if (l.mpls < 0)
		return false;
	narrow(f, l.mpls, 4);
	put16(f, l.mpls - 2, type);
	return true;
}

void ref_push_pbb(struct ref_frame *f)
{
	struct ref_look l;
	uint8_t tag[4] = { 0 };

	ref_look(f, &l);
	if (l.n_tags)
		tag[0] = f->b[14] & 0xe0;
	if (l.pbb >= 0)
		memcpy(tag + 1, f->b + l.pbb + 1, 3);
	widen(f, 12, 18);
	put16(f, 12, 0x88e7);
	memcpy(f->b + 14, tag, 4);
	memcpy(f->b + 18, f->b, 12);
}

bool ref_pop_pbb(struct ref_frame *f)
{
	struct ref_look l;

	ref_look(f, &l);
	if (l.pbb != 14 || f->n < 32)
		return false;
	narrow(f, 0, 18);
	return true;
}

/* ---- TTLs ---- */

/* Byte of the TTL of an IP header at 'at' of version 'want' (0: either). */
static int ip_ttl(const struct ref_frame *f, int at, int want)
{
	const int version = ref_has(f, at, 1) ? ref_u8(f, at) >> 4 : 0;

	if (want && version != want)
		return REF_NOWHERE;
	if (version == 4 && ref_has(f, at, 20))
		return at + 8;
	if (version == 6 && ref_has(f, at, 40))
		return at + 7;
	return REF_NOWHERE;
}

static int outer_ttl(const struct ref_frame *f)
{
	struct ref_look l;

	ref_look(f, &l);
	if (l.mpls >= 0)
		return l.mpls + 3;
	if (l.ip4 >= 0)
		return l.ip4 + 8;
	return l.ip6 >= 0 ? l.ip6 + 7 : REF_NOWHERE;
}

static int inner_ttl(const struct ref_frame *f)
{
	struct ref_look l;

	ref_look(f, &l);
	if (l.mpls >= 0 && f->b[l.mpls + 2] & 1)
		return ip_ttl(f, l.mpls + 4, 0);
	if (l.mpls >= 0)
		return ref_has(f, l.mpls + 4, 4) ? l.mpls + 7 : REF_NOWHERE;
	if (l.l4 >= 0 && (l.proto == 4 || l.proto == 41))
		return ip_ttl(f, l.l4, l.proto == 4 ? 4 : 6);
	return REF_NOWHERE;
}

/* One TTL byte; the header checksum of an IPv4 header that it is in. */
static void put_ttl(struct ref_frame *f, int at, int ttl)
{
	const uint64_t was = (uint64_t)ref_u8(f, at) << 8, is = (uint64_t)ttl << 8;
	struct ref_look l;
	int inside;
	bool v4;

	ref_look(f, &l);
	v4 = l.ip4 >= 0 && at == l.ip4 + 8;
	inside = l.mpls >= 0 ? l.mpls + 4 : l.l4;
	if (at == inner_ttl(f) && at == inside + 8 && ref_u8(f, inside) >> 4 == 4)
		v4 = true;
	if (v4 && was != is)
		put16(f, at + 2, adjusted(ref_u16(f, at + 2), was, is));
	f->b[at] = (uint8_t)ttl;
}

void ref_copy_ttl_out(struct ref_frame *f)
{
	if (inner_ttl(f) >= 0)
		put_ttl(f, outer_ttl(f), f->b[inner_ttl(f)]);
}

void ref_copy_ttl_in(struct ref_frame *f)
{
	if (inner_ttl(f) >= 0)
		put_ttl(f, inner_ttl(f), f->b[outer_ttl(f)]);
}

bool ref_dec_ttl(struct ref_frame *f, bool mpls)
{
	struct ref_look l;
	const int at = outer_ttl(f);

	ref_look(f, &l);
	if (at < 0 || mpls != (l.mpls >= 0))
		return true;
	if (f->b[at] <= 1)
		return false;
	put_ttl(f, at, f->b[at] - 1);
	return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of key and frame written together, checksums kept right. */
#include <rte_mbuf.h>

#include "base/ip_proto.h"
#include "datapath/act_priv.h"
#include "datapath/csum.h"
#include "datapath/parse.h"
#include "ofproto/enum.h"

static uint8_t *frame(const struct pkt *p)
{
	return rte_pktmbuf_mtod(p->m, uint8_t *);
}

static bool is_ipv4(const struct pkt *p)
{
	return p->key.eth_type == htobe16(ETH_TYPE_IPV4);
}

/* Bytes from the L4 header to the end of the IP packet, as its length field says. */
static uint32_t l4_len(const struct pkt *p)
{
	const uint8_t *ip = frame(p) + p->l3;

	if (is_ipv4(p))
		return get_be16(ip + 2) - (uint32_t)(p->l4 - p->l3);
	return get_be16(ip + 4) + 40u - (uint32_t)(p->l4 - p->l3);
}

/*
 * The L4 checksum after the header's or the pseudo-header's change.  A first fragment has the
 * checksum of the whole, and the change is all that is needed; but for SCTP, whose CRC depends on
 * how far from the end the change is: that of a fragment cannot be kept right.
 */
void act_fix_l4(struct pkt *p, uint32_t delta, bool pseudo)
{
	uint8_t *l4;

	if (p->l4 == PKT_NONE)
		return;
	l4 = frame(p) + p->l4;
	switch (p->key.ip_proto) {
	case PROTO_TCP:
		csum_apply(l4 + 16, delta);
		break;
	case PROTO_UDP:
	case PROTO_UDPLITE: /* RFC 3828 3.1: as UDP, but that zero never was right */
		csum_apply_udp(l4 + 6, delta);
		break;
	case PROTO_DCCP: /* RFC 4340 9.1 */
		csum_apply(l4 + 6, delta);
		break;
	case PROTO_ICMP:
		if (!pseudo)
			csum_apply(l4 + 2, delta);
		break;
	case PROTO_ICMPV6:
		csum_apply(l4 + 2, delta);
		break;
	}
}

bool act_routed_further(const uint8_t *ip6, uint32_t hlen)
{
	uint8_t proto = ip6[6];
	uint32_t at = 40;

	while (at + 8 <= hlen) {
		const uint8_t next = ip6[at];

		if (proto == PROTO_ROUTING && ip6[at + 3])
			return true;
		if (proto == PROTO_FRAGMENT)
			at += 8;
		else if (proto == PROTO_AUTH)
			at += (ip6[at + 1] + 2) * 4u;
		else
			at += (ip6[at + 1] + 1) * 8u;
		proto = next;
	}
	return false;
}

static bool routed_further(const struct pkt *p)
{
	return p->l4 != PKT_NONE && (p->key.ipv6_exthdr & htobe16(OFPIEH_ROUTER)) &&
	       act_routed_further(frame(p) + p->l3, (uint32_t)(p->l4 - p->l3));
}

/* The checksums that cover 'place' of header 'layer', after it changed by 'delta'. */
static void fix_sums(struct pkt *p, enum of_layer layer, unsigned int place, uint32_t delta)
{
	switch (layer) {
	case OF_LAYER_IP:
		csum_apply(frame(p) + p->l3 + 10, delta);
		if (place >= 12)
			act_fix_l4(p, delta, true);
		break;
	case OF_LAYER_IP6:
		if (place >= 24 ? !routed_further(p) : place >= 8)
			act_fix_l4(p, delta, true);
		break;
	case OF_LAYER_L4:
	case OF_LAYER_ND_SLL:
	case OF_LAYER_ND_TLL:
		act_fix_l4(p, delta, false);
		break;
	default:
		break;
	}
}

/* Writes masked bytes at 'place' of the header at 'base'. */
static void put(struct pkt *p, enum of_layer layer, uint32_t base, unsigned int place,
		unsigned int n, u128 value, u128 mask)
{
	uint8_t was[18], is[18];
	uint8_t *at = frame(p) + base + (place & ~1u);
	const unsigned int span = (place % 2 + n + 1) & ~1u;

	/* In whole words of what is summed. */
	memcpy(was, at, span);
	memcpy(is, was, span);
	value = (u128_get(was + place % 2, n) & ~mask) | (value & mask);
	u128_put(is + place % 2, n, value);
	memcpy(at, is, span);
	if (layer == OF_LAYER_L4 && p->key.ip_proto == PROTO_SCTP) {
		uint8_t *l4 = frame(p) + p->l4;
		uint8_t ports[4];

		if (p->key.ip_frag & FLOW_FRAG_ANY)
			return;
		memcpy(ports, l4, 4);
		memcpy(ports + place, was, span);
		csum_apply_sctp(l4 + 8, ports, l4, l4_len(p));
		return;
	}
	fix_sums(p, layer, place, csum_delta(was, is, span));
}

/* ip_tos and ip_ttl, which IPv6 has at places of its own. */
static void put_ip(struct pkt *p, const struct of_field *f, u128 value, u128 mask)
{
	if (is_ipv4(p))
		put(p, OF_LAYER_IP, p->l3, f->place, f->size, value, mask);
	else if (f->offset == offsetof(struct flow_key, ip_ttl))
		put(p, OF_LAYER_IP6, p->l3, 7, 1, value, mask);
	else
		put(p, OF_LAYER_IP6, p->l3, 0, 2, value << 4, mask << 4);
}

/* Where the header of 'f' is in the frame; PKT_NONE: the packet does not have it. */
static uint16_t base_of(const struct pkt *p, const struct of_field *f)
{
	switch (f->layer) {
	case OF_LAYER_META:
		break;
	case OF_LAYER_ETH:
		return 0;
	case OF_LAYER_TYPE:
		return pkt_type_at(p);
	case OF_LAYER_PROTO:
		return pkt_proto_at(p);
	case OF_LAYER_VLAN:
		return p->n_vlans ? (uint16_t)(p->l2_end + 2) : (uint16_t)PKT_NONE;
	case OF_LAYER_PBB:
		return p->pbb;
	case OF_LAYER_MPLS:
		return p->mpls;
	case OF_LAYER_ARP:
	case OF_LAYER_IP:
	case OF_LAYER_IP6:
		return p->l3;
	case OF_LAYER_L4:
		if (f->id == OF_FIELD_ND_TARGET && !(p->key.headers & PKT_HAS_ND))
			break;
		return p->l4;
	case OF_LAYER_ND_SLL:
		return p->nd_sll;
	case OF_LAYER_ND_TLL:
		return p->nd_tll;
	}
	return PKT_NONE;
}

/* Whether the key has what 'f' needs.  A tag's fields need a tag, whatever the row says. */
static bool applies(const struct of_field *f, const struct flow_key *k)
{
	if (f->layer == OF_LAYER_VLAN)
		return k->vlan_tci & htobe16(FLOW_TCI_PRESENT);
	return of_field_pre_met(f, k);
}

/*
 * The ethertype or the IP protocol: what follows is something else from now on.  The checksum of
 * the old transport header covers the protocol's number, and follows it.
 */
static void put_kind(struct pkt *p, const struct of_field *f, uint32_t at, u128 value)
{
	uint8_t was[2] = { 0, p->key.ip_proto }, is[2] = { 0, (uint8_t)value };

	if (f->layer == OF_LAYER_TYPE) {
		put_be16(frame(p) + at, (uint16_t)value);
	} else {
		if (is_ipv4(p))
			put(p, OF_LAYER_IP, p->l3, 9, 1, value, 0xff);
		else
			frame(p)[at] = is[1];
		act_fix_l4(p, csum_delta(was, is, 2), true);
	}
	pkt_reparse(p);
}

void act_store(struct pmd *w, struct burst *b, struct pkt *p, const struct of_field *f, u128 value,
	       u128 mask)
{
	uint8_t *member = (uint8_t *)&p->key + f->offset;
	u128 was, is;
	uint16_t base;

	if (!applies(f, &p->key))
		return;
	base = base_of(p, f);
	if (base == PKT_NONE && f->layer != OF_LAYER_META)
		return;
	was = u128_get(member, f->size);
	is = (was & ~mask) | (value & mask);
	if (was == is)
		return;
	pkt_touch(p, f->offset);
	if (f->layer == OF_LAYER_META) {
		u128_put(member, f->size, is);
		return;
	}
	/* A copy that is still to be made of this frame must be made first. */
	if (!act_touch(w, b, p))
		return;
	if (f->layer == OF_LAYER_TYPE || f->layer == OF_LAYER_PROTO) {
		put_kind(p, f, base, is);
		return;
	}
	u128_put(member, f->size, is);
	if (f->layer == OF_LAYER_IP)
		put_ip(p, f, is, mask);
	else
		put(p, f->layer, base, f->place, f->size, is, mask);
	/* Another ICMPv6 type may have other fields. */
	if (f->id == OF_FIELD_ICMPV6_TYPE)
		pkt_reparse(p);
}

/* As integers of its own size: the way over 16 bytes stalls on what was just stored. */
void act_store_state(struct pkt *p, const struct act_op *op)
{
	const struct of_field *f = op->set.field;
	void *member = (uint8_t *)&p->key + f->offset;
	uint64_t v64, m64, k64;
	uint32_t v32, m32, k32;

	pkt_touch(p, f->offset);
	if (f->size == sizeof(v32)) {
		memcpy(&v32, op->set.value, sizeof(v32));
		memcpy(&m32, op->set.mask, sizeof(m32));
		memcpy(&k32, member, sizeof(k32));
		k32 = (k32 & ~m32) | (v32 & m32);
		memcpy(member, &k32, sizeof(k32));
	} else {
		memcpy(&v64, op->set.value, sizeof(v64));
		memcpy(&m64, op->set.mask, sizeof(m64));
		memcpy(&k64, member, sizeof(k64));
		k64 = (k64 & ~m64) | (v64 & m64);
		memcpy(member, &k64, sizeof(k64));
	}
}

void act_move(struct pmd *w, struct burst *b, struct pkt *p, const struct act_op *op)
{
	const struct of_field *src = op->move.src, *dst = op->move.dst;
	const u128 mask = u128_ones(op->move.n_bits) << (op->move.dst_ofs + dst->shift);
	u128 v;

	if (!of_field_pre_met(src, &p->key))
		return;
	v = key_bits(&p->key, src, op->move.src_ofs, op->move.n_bits);
	act_store(w, b, p, dst, v << (op->move.dst_ofs + dst->shift), mask & field_bits(dst));
}

/*
 * "Increase the drop precedence of the DSCP field" (5.7.1): only the assured forwarding classes
 * have one, 1 to 3 in bits 1 and 2 below classes 1 to 4 (RFC 2597, 6).  It stops at 3, the packet
 * keeps its class, and every other code point stays as it is.
 */
void act_remark(struct pmd *w, struct burst *b, struct pkt *p, unsigned int level)
{
	const unsigned int dscp = p->key.ip_tos >> 2, class = dscp >> 3, was = dscp >> 1 & 3;
	const unsigned int is = was + level < 3 ? was + level : 3;

	if (!key_is_ip(&p->key) || dscp & 1 || class < 1 || class > 4 || !was || is == was)
		return;
	p->remarked = true;
	act_store(w, b, p, &of_fields[OF_FIELD_IP_DSCP], class << 5 | is << 3, 0xfc);
}

static uint64_t words_of(unsigned int offset, unsigned int size)
{
	uint64_t set = 0;

	for (unsigned int i = offset / 8; i <= (offset + size - 1) / 8; i++)
		set |= UINT64_C(1) << i;
	return set;
}

#define WORDS(member) \
	words_of(offsetof(struct flow_key, member), sizeof(((struct flow_key *)0)->member))

uint64_t field_words(const struct of_field *f)
{
	uint64_t set = words_of(f->offset, f->size);

	/* MACs are always there, and whether there is a tag vlan_tci says. */
	if (f->layer != OF_LAYER_META && f->layer != OF_LAYER_ETH && f->layer != OF_LAYER_VLAN)
		set |= WORDS(headers);
	if (f->layer == OF_LAYER_VLAN)
		set |= WORDS(vlan_tci);
	switch (f->pre) {
	case OF_PRE_ANY:
	case OF_PRE_IN_PORT:
		break;
	case OF_PRE_VLAN:
		set |= WORDS(vlan_tci);
		break;
	case OF_PRE_CT:
		set |= WORDS(ct_state);
		break;
	case OF_PRE_CT4:
	case OF_PRE_CT6:
		set |= WORDS(ct_state) | WORDS(eth_type);
		break;
	case OF_PRE_IP:
	case OF_PRE_IPV4:
	case OF_PRE_IPV6:
	case OF_PRE_ARP:
	case OF_PRE_MPLS:
	case OF_PRE_PBB:
		set |= WORDS(eth_type);
		break;
	case OF_PRE_ND:
	case OF_PRE_ND_SOL:
	case OF_PRE_ND_ADV:
		set |= WORDS(tp_src);
		/* fall through */
	case OF_PRE_TCP:
	case OF_PRE_UDP:
	case OF_PRE_SCTP:
	case OF_PRE_ICMPV4:
	case OF_PRE_ICMPV6:
		set |= WORDS(eth_type) | WORDS(ip_proto);
		break;
	}
	return set;
}

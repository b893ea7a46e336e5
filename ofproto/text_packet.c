/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/text_packet.h"

#include <string.h>

#include "ofproto/text_lex.h"
#include "ofproto/text_match.h"

struct packet {
	const uint8_t *p;
	size_t n;
	struct of_match m;
	int inner_tci;
	bool l4;	    /* 'p' is at the transport header */
	const uint8_t *sll; /* neighbour discovery's addresses */
	const uint8_t *tll;
	bool nd, igmp;
};

static const uint8_t no_mac[6];

static void skip(struct packet *k, size_t n)
{
	k->p += n;
	k->n -= n;
}

static void set(struct packet *k, enum of_field_id id, uint64_t v)
{
	of_match_set_u64(&k->m, id, v);
}

static void set_bytes(struct packet *k, enum of_field_id id, const uint8_t *p)
{
	of_match_set(&k->m, &of_fields[id], p, NULL);
}

/* ---- Link ---- */

static bool is_tpid(uint16_t type)
{
	return type == 0x8100 || type == 0x88a8;
}

static void read_tags(struct packet *k)
{
	if (k->n < 4 || !is_tpid(get_be16(k->p)))
		return;
	set(k, OF_FIELD_VLAN_TCI, get_be16(k->p + 2) | FLOW_TCI_PRESENT);
	skip(k, 4);
	k->inner_tci = 0;
	if (k->n < 4 || !is_tpid(get_be16(k->p)))
		return;
	k->inner_tci = get_be16(k->p + 2) | FLOW_TCI_PRESENT;
	skip(k, 4);
}

/* The EtherType, from behind an LLC and SNAP header where there is one; 0x05ff: none. */
static uint16_t read_type(struct packet *k)
{
	static const uint8_t snap[] = { 0xaa, 0xaa, 0x03, 0, 0, 0 };
	uint16_t type;

	if (k->n < 2)
		return 0x05ff;
	type = get_be16(k->p);
	skip(k, 2);
	if (type >= 0x0600)
		return type;
	if (k->n < 8 || memcmp(k->p, snap, sizeof(snap)) || get_be16(k->p + 6) < 0x0600)
		return 0x05ff;
	type = get_be16(k->p + 6);
	skip(k, 8);
	return type;
}

static void read_arp(struct packet *k)
{
	static const uint8_t ether_ip[] = { 0, 1, 8, 0, 6, 4 };
	static const uint8_t none[28];
	const uint8_t *p = k->n >= 28 && !memcmp(k->p, ether_ip, 6) ? k->p : none;

	set(k, OF_FIELD_ARP_OP, get_be16(p + 6) > 255 ? 0 : get_be16(p + 6));
	set_bytes(k, OF_FIELD_ARP_SHA, p + 8);
	set_bytes(k, OF_FIELD_ARP_SPA, p + 14);
	set_bytes(k, OF_FIELD_ARP_THA, p + 18);
	set_bytes(k, OF_FIELD_ARP_TPA, p + 24);
}

static void read_mpls(struct packet *k)
{
	uint32_t lse = k->n >= 4 ? get_be32(k->p) : 0;

	set(k, OF_FIELD_MPLS_LABEL, lse >> 12);
	set(k, OF_FIELD_MPLS_TC, lse >> 9 & 7);
	set(k, OF_FIELD_MPLS_BOS, lse >> 8 & 1);
	set(k, OF_FIELD_MPLS_TTL, lse & 0xff);
}

/* ---- Transport ---- */

static void read_ports(struct packet *k, enum of_field_id src, enum of_field_id dst, size_t header)
{
	bool whole = k->n >= header;

	set(k, src, whole ? get_be16(k->p) : 0);
	set(k, dst, whole ? get_be16(k->p + 2) : 0);
	if (src == OF_FIELD_TCP_SRC)
		set(k, OF_FIELD_TCP_FLAGS, whole ? get_be16(k->p + 12) & 0xfff : 0);
}

/* RFC 4861 4.3, 4.4: target, then options of eight-byte units. */
static void read_nd(struct packet *k, uint8_t type)
{
	const uint8_t *p = k->p + 24;
	size_t n = k->n - 24;

	k->nd = true;
	k->sll = k->tll = no_mac;
	set_bytes(k, OF_FIELD_ND_TARGET, k->p + 8);
	while (n >= 8 && p[1] && n >= p[1] * 8u) {
		if (p[0] == 1 && p[1] == 1)
			k->sll = p + 2;
		else if (p[0] == 2 && p[1] == 1)
			k->tll = p + 2;
		n -= p[1] * 8u;
		p += p[1] * 8u;
	}
}

static void read_transport(struct packet *k, uint8_t proto, bool v6)
{
	switch (proto) {
	case 6:
		read_ports(k, OF_FIELD_TCP_SRC, OF_FIELD_TCP_DST, 20);
		break;
	case 17:
		read_ports(k, OF_FIELD_UDP_SRC, OF_FIELD_UDP_DST, 8);
		break;
	case 132:
		read_ports(k, OF_FIELD_SCTP_SRC, OF_FIELD_SCTP_DST, 12);
		break;
	case 2:
		k->igmp = !v6 && k->n >= 8;
		break;
	case 1:
	case 58:
		if ((proto == 58) != v6)
			break;
		set(k, v6 ? OF_FIELD_ICMPV6_TYPE : OF_FIELD_ICMPV4_TYPE, k->n >= 8 ? k->p[0] : 0);
		set(k, v6 ? OF_FIELD_ICMPV6_CODE : OF_FIELD_ICMPV4_CODE, k->n >= 8 ? k->p[1] : 0);
		if (v6 && k->n >= 24 && (k->p[0] == 135 || k->p[0] == 136) && !k->p[1])
			read_nd(k, k->p[0]);
		break;
	}
}

/* ---- Network ---- */

static void set_ip(struct packet *k, uint8_t proto, uint8_t tos, uint8_t ttl, uint8_t frag)
{
	set(k, OF_FIELD_IP_PROTO, proto);
	set(k, OF_FIELD_IP_TOS, tos);
	set(k, OF_FIELD_IP_TTL, ttl);
	set(k, OF_FIELD_IP_FRAG, frag);
}

static bool whole_ip4(const struct packet *k)
{
	size_t header, total;

	if (k->n < 20 || k->p[0] >> 4 != 4)
		return false;
	header = (k->p[0] & 15) * 4u;
	total = get_be16(k->p + 2);
	return header >= 20 && header <= k->n && total >= header && total <= k->n;
}

static void read_ip4(struct packet *k)
{
	static const uint8_t none[20];
	bool whole = whole_ip4(k);
	const uint8_t *p = whole ? k->p : none;
	uint16_t off = get_be16(p + 6);
	uint8_t frag = (off & 0x1fff ? FLOW_FRAG_LATER : 0) | (off & 0x3fff ? FLOW_FRAG_ANY : 0);

	set_bytes(k, OF_FIELD_IPV4_SRC, p + 12);
	set_bytes(k, OF_FIELD_IPV4_DST, p + 16);
	set_ip(k, p[9], p[1], p[8], frag);
	if (!whole)
		return;
	k->n = get_be16(p + 2); /* what pads a short frame is no part of the packet */
	skip(k, (p[0] & 15) * 4u);
	k->l4 = true;
	if (!(frag & FLOW_FRAG_LATER))
		read_transport(k, p[9], false);
}

/* Past the extension headers (RFC 8200 4); false where they are cut off. */
static bool skip_extensions(struct packet *k, uint8_t *next, uint8_t *frag)
{
	for (;;) {
		size_t len;

		if (*next != 0 && *next != 43 && *next != 44 && *next != 51 && *next != 60)
			return true;
		if (k->n < 8)
			return false;
		len = *next == 44 ? 8 : *next == 51 ? (k->p[1] + 2u) * 4 : (k->p[1] + 1u) * 8;
		if (k->n < len)
			return false;
		if (*next == 44 && get_be16(k->p + 2) & 0xfff9)
			*frag = FLOW_FRAG_ANY | (get_be16(k->p + 2) & 0xfff8 ? FLOW_FRAG_LATER : 0);
		*next = k->p[0];
		skip(k, len);
		if (*frag & FLOW_FRAG_LATER)
			return true;
	}
}

static void read_ip6(struct packet *k)
{
	static const uint8_t none[40];
	bool whole = k->n >= 40 && k->p[0] >> 4 == 6 && get_be16(k->p + 4) + 40u <= k->n;
	const uint8_t *p = whole ? k->p : none;
	uint8_t next = p[6], frag = 0;

	if (whole) {
		k->n = 40u + get_be16(p + 4);
		skip(k, 40);
		whole = skip_extensions(k, &next, &frag);
		if (!whole) {
			p = none;
			next = frag = 0;
		}
	}
	set_bytes(k, OF_FIELD_IPV6_SRC, p + 8);
	set_bytes(k, OF_FIELD_IPV6_DST, p + 24);
	set(k, OF_FIELD_IPV6_FLABEL, get_be32(p) & 0xfffff);
	set_ip(k, next, (uint8_t)(get_be16(p) >> 4), p[7], frag);
	if (!whole)
		return;
	k->l4 = true;
	if (!(frag & FLOW_FRAG_LATER))
		read_transport(k, next, true);
}

static void read_packet(struct packet *k)
{
	static const uint8_t none[14];
	const uint8_t *p = k->n >= 14 ? k->p : none;
	uint16_t type = 0;

	set(k, OF_FIELD_VLAN_TCI, 0);
	set_bytes(k, OF_FIELD_ETH_DST, p);
	set_bytes(k, OF_FIELD_ETH_SRC, p + 6);
	if (p != none) {
		skip(k, 12);
		read_tags(k);
		type = read_type(k);
	}
	set(k, OF_FIELD_ETH_TYPE, type);
	switch (type) {
	case 0x0800:
		read_ip4(k);
		break;
	case 0x86dd:
		read_ip6(k);
		break;
	case 0x0806:
	case 0x8035:
		read_arp(k);
		break;
	case 0x8847:
	case 0x8848:
		read_mpls(k);
		break;
	}
}

/* Where each transport keeps its checksum, and how that is called. */
static void put_checksum(FILE *f, const struct packet *k)
{
	static const struct {
		uint8_t proto;
		const char *name;
		uint8_t at, bytes, header;
	} sums[] = {
		{ 6, "tcp", 16, 2, 20 }, { 17, "udp", 6, 2, 8 },   { 132, "sctp", 8, 4, 12 },
		{ 1, "icmp", 2, 2, 8 },	 { 58, "icmp6", 2, 2, 4 },
	};

	for (unsigned int i = 0; k->l4 && i < sizeof(sums) / sizeof(sums[0]); i++)
		if (sums[i].proto == k->m.value.ip_proto && k->n >= sums[i].header)
			fprintf(f, " %s_csum:%llx", sums[i].name,
				(unsigned long long)get_be(k->p + sums[i].at, sums[i].bytes));
}

void text_put_packet(FILE *f, const uint8_t *p, size_t n)
{
	struct packet k = { .p = p, .n = n, .inner_tci = -1 };

	read_packet(&k);
	text_put_packet_match(f, &k.m, k.inner_tci);
	if (k.nd) {
		fputs(",nd_sll=", f);
		text_put_mac(f, k.sll);
		fputs(",nd_tll=", f);
		text_put_mac(f, k.tll);
	}
	if (k.igmp)
		fprintf(f, ",tp_src=%u,tp_dst=%u", k.p[0], k.p[1]);
	put_checksum(f, &k);
	fputc('\n', f);
}

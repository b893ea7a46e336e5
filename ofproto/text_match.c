/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/text_match.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- Words that stand for a protocol ---- */

enum { ANY_PROTO = 256 };

static const struct {
	const char *name;
	uint16_t eth_type;
	uint16_t ip_proto;
} protocols[] = {
	{ "ip", 0x0800, ANY_PROTO },	{ "icmp", 0x0800, 1 },
	{ "tcp", 0x0800, 6 },		{ "udp", 0x0800, 17 },
	{ "sctp", 0x0800, 132 },	{ "ipv6", 0x86dd, ANY_PROTO },
	{ "ip6", 0x86dd, ANY_PROTO },	{ "icmp6", 0x86dd, 58 },
	{ "tcp6", 0x86dd, 6 },		{ "udp6", 0x86dd, 17 },
	{ "sctp6", 0x86dd, 132 },	{ "arp", 0x0806, ANY_PROTO },
	{ "rarp", 0x8035, ANY_PROTO },	{ "mpls", 0x8847, ANY_PROTO },
	{ "mplsm", 0x8848, ANY_PROTO },
};
#define N_PROTOCOLS (sizeof(protocols) / sizeof(protocols[0]))

static bool set_protocol(struct text_match *t, const char *key)
{
	for (unsigned int i = 0; i < N_PROTOCOLS; i++) {
		if (strcmp(protocols[i].name, key))
			continue;
		of_match_set_u64(&t->m, OF_FIELD_ETH_TYPE, protocols[i].eth_type);
		if (protocols[i].ip_proto != ANY_PROTO)
			of_match_set_u64(&t->m, OF_FIELD_IP_PROTO, protocols[i].ip_proto);
		return true;
	}
	return false;
}

/* ---- Fields that are not simply their bits ---- */

static uint16_t value16(const struct of_oxm *o)
{
	return (uint16_t)get_be(o->value, o->field->bytes);
}

static uint16_t mask16(const struct of_oxm *o)
{
	return (uint16_t)get_be(o->mask, o->field->bytes);
}

static void set_tci(struct text_match *t, uint16_t value, uint16_t mask)
{
	of_match_set_masked_u64(&t->m, OF_FIELD_VLAN_TCI, value, mask);
}

/* dl_vlan=VID; 0xffff is a frame without a tag. */
static int set_dl_vlan(struct text_match *t, const struct of_oxm *o, struct err *e)
{
	uint16_t v = value16(o), keep_mask, keep;

	if (o->masked)
		return mask16(o) ? err_set(e, -EINVAL, "dl_vlan cannot be masked; vlan_vid can")
				 : 0;
	keep_mask = be16toh(t->m.mask.vlan_tci) & 0xe000;
	keep = be16toh(t->m.value.vlan_tci) & 0xe000;
	if (v == 0xffff)
		set_tci(t, 0, 0x1fff);
	else
		set_tci(t, keep | FLOW_TCI_PRESENT | (v & 0xfff), keep_mask | 0x1fff);
	return 0;
}

static int set_vlan_pcp(struct text_match *t, const struct of_oxm *o, struct err *e)
{
	uint16_t v = be16toh(t->m.value.vlan_tci) & 0x0fff,
		 m = be16toh(t->m.mask.vlan_tci) & 0x0fff;

	if (!o->masked)
		set_tci(t, v | FLOW_TCI_PRESENT | (uint16_t)(value16(o) << 13), m | 0xf000);
	return 0;
}

/* The two low bits of nw_tos are ECN's, which has a field of its own. */
static int set_nw_tos(struct text_match *t, const struct of_oxm *o, struct err *e)
{
	if (!o->masked)
		of_match_set_u64(&t->m, OF_FIELD_IP_DSCP, value16(o) >> 2);
	return 0;
}

static int set_arp_op(struct text_match *t, const struct of_oxm *o, struct err *e)
{
	t->arp_op = value16(o);
	t->arp_op_mask = o->masked ? 0 : 0xffff;
	return 0;
}

static const struct {
	const char *key;
	enum of_field_id read_as;
	int (*set)(struct text_match *t, const struct of_oxm *o, struct err *e);
} special[] = {
	{ "dl_vlan", OF_FIELD_VLAN_TCI, set_dl_vlan },
	{ "dl_vlan_pcp", OF_FIELD_VLAN_PCP, set_vlan_pcp },
	{ "vlan_pcp", OF_FIELD_VLAN_PCP, set_vlan_pcp },
	{ "nw_tos", OF_FIELD_IP_TOS, set_nw_tos },
	{ "arp_op", OF_FIELD_ARP_OP, set_arp_op },
};
#define N_SPECIAL (sizeof(special) / sizeof(special[0]))

/* Where a field stands in the pair of 16-bit transport words: 0, 1; -1: not there. */
static int transport_word(const struct of_field *f)
{
	if (f->id == OF_FIELD_ARP_OP)
		return -1;
	if (f->offset == offsetof(struct flow_key, tp_dst))
		return 1;
	if (f->offset != offsetof(struct flow_key, tp_src))
		return -1;
	return f->bits == 8 && !f->shift;
}

static int set_field(struct text_match *t, const struct of_oxm *o, struct err *e)
{
	int w = transport_word(o->field);
	uint8_t value[16];

	if (w >= 0) {
		t->tp[w] = value16(o);
		t->tp_mask[w] = o->field->bytes == 1 ? mask16(o) & 0xff : mask16(o);
		return 0;
	}
	memcpy(value, o->value, sizeof(value));
	return of_match_set(&t->m, o->field, value, o->masked ? o->mask : NULL);
}

/* "reg0[3..5]=7": adds to what is matched of the field already. */
static int set_part(struct text_match *t, const char *key, const char *s, struct err *e)
{
	struct of_subfield sf;
	struct of_oxm o;
	uint8_t v[16];
	int r = text_parse_subfield(key, &sf, e);

	if (r)
		return r;
	if (text_wide(&s, v, sizeof(v)) || *s)
		return err_set(e, -EINVAL, "%s: expected a number", key);
	for (unsigned int i = sf.n_bits; i < 128; i++)
		if (text_bit(v, 16, i))
			return err_set(e, -EINVAL, "%s: value does not fit into %u bits", key,
				       sf.n_bits);
	if (sf.n_bits != sf.field->bits && !sf.field->maskable)
		return err_set(e, -EINVAL, "%s: %s is matched whole or not at all", key,
			       sf.field->name);
	of_match_get(&t->m, sf.field, &o);
	for (unsigned int i = 0; i < sf.n_bits; i++)
		text_set_bits(o.value, sf.field->bytes, sf.ofs + i, 1, text_bit(v, 16, i));
	text_put_ones(o.mask, sf.field->bytes, sf.ofs, sf.n_bits);
	return of_match_set(&t->m, sf.field, o.value, o.mask);
}

static bool is_official_name(const char *key)
{
	return !strncmp(key, "NXM_", 4) || !strncmp(key, "OXM_", 4) || !strncmp(key, "ONFOXM_", 7);
}

static const struct of_field *field_of(const char *key)
{
	if (is_official_name(key) || !strcmp(key, "in_port_nxm"))
		return NULL;
	return of_field_by_name(key, strlen(key));
}

static bool reads_bits(const struct of_field *f)
{
	return f->fmt == OF_FF_DEC || f->fmt == OF_FF_HEX || f->fmt == OF_FF_VID;
}

int text_match_key(struct text_match *t, const char *key, const char *value,
		   const struct of_names *n, struct err *e)
{
	int (*set)(struct text_match * t, const struct of_oxm *o, struct err *e) = set_field;
	const struct of_field *f = NULL;
	struct of_oxm o;
	int r;

	if (set_protocol(t, key))
		return 0;
	if (strchr(key, '['))
		return set_part(t, key, value, e);
	for (unsigned int i = 0; i < N_SPECIAL; i++) {
		if (!strcmp(special[i].key, key)) {
			f = &of_fields[special[i].read_as];
			set = special[i].set;
		}
	}
	if (!f)
		f = field_of(key);
	if (!f)
		return err_set(e, -EINVAL, "unknown keyword \"%s\"", key);
	if (!*value) {
		/* As ovs-ofctl: a number left out is 0/0. */
		return reads_bits(f) ? 0 : err_set(e, -EINVAL, "field %s needs a value", key);
	}
	r = text_parse_value(f, value, n, &o, e);
	return r ? r : set(t, &o, e);
}

/* ---- The end: what transport words mean, and no field without its prerequisite ---- */

static void place_transport(struct text_match *t)
{
	uint16_t type = t->m.mask.eth_type ? be16toh(t->m.value.eth_type) : 0;
	uint8_t proto = t->m.mask.ip_proto ? t->m.value.ip_proto : 0;
	bool icmp = (type == 0x0800 && proto == 1) || (type == 0x86dd && proto == 58);

	if (type == 0x0806 || type == 0x8035) {
		if (t->arp_op_mask)
			of_match_set_u64(&t->m, OF_FIELD_ARP_OP, t->arp_op);
		else if (t->m.mask.ip_proto)
			of_match_set_u64(&t->m, OF_FIELD_ARP_OP, t->m.value.ip_proto);
		return;
	}
	if (!icmp) {
		of_match_set_masked_u64(&t->m, OF_FIELD_TCP_SRC, t->tp[0], t->tp_mask[0]);
		of_match_set_masked_u64(&t->m, OF_FIELD_TCP_DST, t->tp[1], t->tp_mask[1]);
		return;
	}
	if ((t->tp_mask[0] & 0xff) == 0xff)
		of_match_set_u64(&t->m, OF_FIELD_ICMPV4_TYPE, t->tp[0] & 0xff);
	if ((t->tp_mask[1] & 0xff) == 0xff)
		of_match_set_u64(&t->m, OF_FIELD_ICMPV4_CODE, t->tp[1] & 0xff);
}

/*
 * A vlan_vid without OFPVID_PRESENT is a frame without a tag, which has no id (table 12); a part of
 * the priority is matched whole, for OpenFlow has no mask for it.
 */
static int check_vlan(struct text_match *t, struct err *e)
{
	uint16_t v = be16toh(t->m.value.vlan_tci), m = be16toh(t->m.mask.vlan_tci);

	if ((m & 0x1fff) == 0x1fff && !(v & FLOW_TCI_PRESENT) && v & 0xfff)
		return err_set(
			e, -EINVAL,
			"vlan_vid=%u lacks OFPVID_PRESENT (0x1000): dl_vlan=%u is the tag with "
			"that id, dl_vlan=0xffff is no tag",
			v & 0xfff, v & 0xfff);
	if (m & 0xe000)
		set_tci(t, v, m | 0xe000);
	return 0;
}

/* A field without what it needs is let fall, but one of a connection is refused. */
static int check_connection(const struct text_match *t, const struct of_field *f, struct err *e)
{
	struct of_oxm o;

	if (f->pre < OF_PRE_CT ||
	    (of_match_pre_met(&t->m, f) && of_match_connection_fits(&t->m, f)))
		return 0;
	of_match_get(&t->m, f, &o);
	if (o.masked && !memcmp(o.mask, (const uint8_t[16]){ 0 }, f->bytes))
		return 0;
	return err_set(e, -EINVAL,
		       "%s: the match must be of %s with a connection, as in ct_state=+est or "
		       "+trk-inv (OFPBMC_BAD_PREREQ otherwise)",
		       f->name,
		       f->pre == OF_PRE_CT4   ? "IPv4 (ip)"
		       : f->pre == OF_PRE_CT6 ? "IPv6 (ipv6)"
					      : "packets");
}

int text_match_finish(struct text_match *t, struct of_match *m, struct err *e)
{
	int r = check_vlan(t, e);

	if (r)
		return r;
	memset(m, 0, sizeof(*m));
	place_transport(t);
	FIELD_EACH (f) {
		struct of_oxm o;

		if (f->is_alias)
			continue;
		r = check_connection(t, f, e);
		if (r)
			return r;
		if (!of_match_has(&t->m, f))
			continue;
		of_match_get(&t->m, f, &o);
		of_match_set(m, f, o.value, o.masked ? o.mask : NULL);
	}
	return 0;
}

int of_parse_match(const char *s, const struct of_names *n, struct of_match *m, struct err *e)
{
	struct text_match t = { 0 };
	char *copy = strdup(s), *at = copy, *key, *value;
	int r = copy ? 0 : err_set(e, -ENOMEM, "out of memory");

	while (!r && text_next(&at, &key, &value))
		r = text_match_key(&t, key, value, n, e);
	if (!r)
		r = text_match_finish(&t, m, e);
	free(copy);
	return r;
}

/* ---- Printing ---- */

struct out {
	FILE *f;
	const struct of_match *m;
	const struct of_names *n;
	bool any;	 /* something stands before, so that a comma is due */
	bool type_said;	 /* "tcp" and the like said eth_type, */
	bool proto_said; /* and ip_proto */
	int inner_tci;	 /* a packet's second tag; -1: none */
};

struct row {
	enum of_field_id id;
	const char *name; /* NULL: the field's own */
	void (*put)(struct out *o, const struct row *r, const struct of_oxm *v);
};

static void put_name(struct out *o, const char *name)
{
	fprintf(o->f, "%s%s", o->any ? "," : "", name);
	o->any = true;
}

static void put_key(struct out *o, const struct row *r)
{
	put_name(o, r->name ? r->name : of_fields[r->id].match);
	fputc('=', o->f);
}

static void put_dec(struct out *o, const struct row *r, const struct of_oxm *v)
{
	unsigned long long value = get_be(v->value, v->field->bytes);

	put_key(o, r);
	if (v->masked)
		fprintf(o->f, "0x%llx/0x%llx", value,
			(unsigned long long)get_be(v->mask, v->field->bytes));
	else
		fprintf(o->f, "%llu", value);
}

static void put_hex(struct out *o, const struct row *r, const struct of_oxm *v)
{
	put_key(o, r);
	text_put_hex(o->f, v->value, v->field->bytes);
	if (v->masked) {
		fputc('/', o->f);
		text_put_hex(o->f, v->mask, v->field->bytes);
	}
}

static void put_label(struct out *o, const struct row *r, const struct of_oxm *v)
{
	put_key(o, r);
	fprintf(o->f, "0x%05x", get_be32(v->value));
	if (v->masked)
		fprintf(o->f, "/0x%05x", get_be32(v->mask));
}

static void put_plain(struct out *o, const struct row *r, const struct of_oxm *v)
{
	put_key(o, r);
	text_put_value(o->f, v->field, v->value, o->n);
	if (v->masked && v->field->fmt == OF_FF_MAC) {
		fputc('/', o->f);
		text_put_mac(o->f, v->mask);
	}
}

/* Length of a mask that is a prefix, -1 of one that is not. */
static int prefix_len(const uint8_t *mask, unsigned int bytes)
{
	unsigned int bits = bytes * 8, n = 0;

	while (n < bits && text_bit(mask, bytes, bits - 1 - n))
		n++;
	for (unsigned int i = n; i < bits; i++)
		if (text_bit(mask, bytes, bits - 1 - i))
			return -1;
	return (int)n;
}

static void put_ip(struct out *o, const struct row *r, const struct of_oxm *v)
{
	put_plain(o, r, v);
	if (v->masked) {
		int len = prefix_len(v->mask, v->field->bytes);

		fputc('/', o->f);
		if (len >= 0)
			fprintf(o->f, "%d", len);
		else
			text_put_value(o->f, v->field, v->mask, NULL);
	}
}

static void put_flags(struct out *o, const struct row *r, const struct of_oxm *v)
{
	const struct text_name *t = v->field->fmt == OF_FF_TCPF	  ? text_tcp_flags
				    : v->field->fmt == OF_FF_CTST ? text_ct_states
								  : text_tun_flags;
	uint32_t all = (1u << of_field_key_bits(v->field)) - 1;

	put_key(o, r);
	/* A field of one flag always shows its sign. */
	text_put_flags(o->f, t, (uint32_t)get_be(v->value, v->field->bytes),
		       (uint32_t)get_be(v->mask, v->field->bytes) & all, all == 1 ? 0 : all);
}

static void put_frag(struct out *o, const struct row *r, const struct of_oxm *v)
{
	put_key(o, r);
	if (!v->masked)
		text_put_value(o->f, v->field, v->value, NULL);
	else if (v->mask[0] == FLOW_FRAG_ANY)
		fputs(v->value[0] ? "yes" : "<error>", o->f);
	else
		fputs(v->value[0] ? "<error>" : "not_later", o->f);
}

static void put_dscp(struct out *o, const struct row *r, const struct of_oxm *v)
{
	put_key(o, r);
	fprintf(o->f, "%u", v->value[0] << 2);
}

static void put_protocol(struct out *o, const struct row *r, const struct of_oxm *v)
{
	uint16_t type = get_be16(v->value);
	const char *name = NULL;

	for (unsigned int i = 0; i < N_PROTOCOLS; i++) {
		if (protocols[i].eth_type != type)
			continue;
		if (protocols[i].ip_proto == ANY_PROTO) {
			name = name ? name : protocols[i].name;
		} else if (o->m->mask.ip_proto && o->m->value.ip_proto == protocols[i].ip_proto) {
			name = protocols[i].name;
			o->proto_said = true;
		}
	}
	if (name) {
		put_name(o, name);
		o->type_said = true;
	}
}

static void put_eth_type(struct out *o, const struct row *r, const struct of_oxm *v)
{
	if (o->type_said)
		return;
	put_key(o, r);
	fprintf(o->f, "0x%04x", get_be16(v->value));
}

static void put_ip_proto(struct out *o, const struct row *r, const struct of_oxm *v)
{
	if (!o->proto_said)
		put_dec(o, r, v);
}

/* 'suffix' tells an inner tag from the outer one. */
static void put_tag(struct out *o, const char *suffix, uint16_t tci, uint16_t mask)
{
	uint16_t vid = mask & 0x0fff, pcp = mask & 0xe000;

	if (mask & tci & FLOW_TCI_PRESENT && (!vid || vid == 0x0fff) && (!pcp || pcp == 0xe000) &&
	    (vid || pcp)) {
		if (vid) {
			put_name(o, "dl_vlan");
			fprintf(o->f, "%s=%u", suffix, tci & 0x0fff);
		}
		if (pcp) {
			put_name(o, "dl_vlan_pcp");
			fprintf(o->f, "%s=%u", suffix, tci >> 13);
		}
		return;
	}
	put_name(o, "vlan_tci");
	fprintf(o->f, "%s=0x%04x", suffix, tci);
	if (mask != 0xffff)
		fprintf(o->f, "/0x%04x", mask);
}

static void put_vlan(struct out *o, const struct row *r, const struct of_oxm *v)
{
	put_tag(o, "", get_be16(v->value), get_be16(v->mask));
	if (o->inner_tci >= 0)
		put_tag(o, "1", (uint16_t)o->inner_tci, 0xffff);
}

#define REGS(n)                                \
	{                                      \
		OF_FIELD_REG##n, NULL, put_hex \
	}

/* In the order in which ovs-ofctl prints. */
static const struct row rows[] = {
	{ OF_FIELD_PKT_MARK, NULL, put_hex },
	{ OF_FIELD_DP_HASH, NULL, put_hex },
	{ OF_FIELD_CONJ_ID, NULL, put_dec },
	{ OF_FIELD_ACTSET_OUTPUT, NULL, put_plain },
	{ OF_FIELD_CT_STATE, NULL, put_flags },
	{ OF_FIELD_CT_ZONE, NULL, put_dec },
	{ OF_FIELD_CT_MARK, NULL, put_hex },
	{ OF_FIELD_CT_LABEL, NULL, put_hex },
	{ OF_FIELD_CT_NW_SRC, NULL, put_ip },
	{ OF_FIELD_CT_IPV6_SRC, NULL, put_ip },
	{ OF_FIELD_CT_NW_DST, NULL, put_ip },
	{ OF_FIELD_CT_IPV6_DST, NULL, put_ip },
	{ OF_FIELD_CT_NW_PROTO, NULL, put_dec },
	{ OF_FIELD_CT_TP_SRC, NULL, put_dec },
	{ OF_FIELD_CT_TP_DST, NULL, put_dec },
	{ OF_FIELD_ETH_TYPE, NULL, put_protocol },
	REGS(0),
	REGS(1),
	REGS(2),
	REGS(3),
	REGS(4),
	REGS(5),
	REGS(6),
	REGS(7),
	REGS(8),
	REGS(9),
	REGS(10),
	REGS(11),
	REGS(12),
	REGS(13),
	REGS(14),
	REGS(15),
	{ OF_FIELD_TUN_ID, NULL, put_hex },
	{ OF_FIELD_TUN_SRC, NULL, put_ip },
	{ OF_FIELD_TUN_DST, NULL, put_ip },
	{ OF_FIELD_TUN_IPV6_SRC, NULL, put_ip },
	{ OF_FIELD_TUN_IPV6_DST, NULL, put_ip },
	{ OF_FIELD_TUN_GBP_ID, NULL, put_dec },
	{ OF_FIELD_TUN_GBP_FLAGS, NULL, put_hex },
	{ OF_FIELD_TUN_FLAGS, NULL, put_flags },
	{ OF_FIELD_METADATA, NULL, put_hex },
	{ OF_FIELD_IN_PORT, NULL, put_plain },
	{ OF_FIELD_IN_PHY_PORT, NULL, put_plain },
	{ OF_FIELD_VLAN_TCI, NULL, put_vlan },
	{ OF_FIELD_ETH_SRC, NULL, put_plain },
	{ OF_FIELD_ETH_DST, NULL, put_plain },
	{ OF_FIELD_ETH_TYPE, NULL, put_eth_type },
	{ OF_FIELD_IPV4_SRC, NULL, put_ip },
	{ OF_FIELD_IPV4_DST, NULL, put_ip },
	{ OF_FIELD_IPV6_SRC, NULL, put_ip },
	{ OF_FIELD_IPV6_DST, NULL, put_ip },
	{ OF_FIELD_IPV6_FLABEL, NULL, put_label },
	{ OF_FIELD_IPV6_EXTHDR, NULL, put_hex },
	{ OF_FIELD_IP_PROTO, NULL, put_ip_proto },
	{ OF_FIELD_ARP_SPA, NULL, put_ip },
	{ OF_FIELD_ARP_TPA, NULL, put_ip },
	{ OF_FIELD_ARP_OP, NULL, put_dec },
	{ OF_FIELD_ARP_SHA, NULL, put_plain },
	{ OF_FIELD_ARP_THA, NULL, put_plain },
	{ OF_FIELD_IP_DSCP, NULL, put_dscp },
	{ OF_FIELD_IP_ECN, NULL, put_dec },
	{ OF_FIELD_IP_TTL, NULL, put_dec },
	{ OF_FIELD_MPLS_LABEL, NULL, put_dec },
	{ OF_FIELD_MPLS_TC, NULL, put_dec },
	{ OF_FIELD_MPLS_TTL, NULL, put_dec },
	{ OF_FIELD_MPLS_BOS, NULL, put_dec },
	{ OF_FIELD_PBB_ISID, NULL, put_hex },
	{ OF_FIELD_PBB_UCA, NULL, put_dec },
	{ OF_FIELD_IP_FRAG, "nw_frag", put_frag },
	{ OF_FIELD_ICMPV4_TYPE, NULL, put_dec },
	{ OF_FIELD_ICMPV4_CODE, NULL, put_dec },
	{ OF_FIELD_ICMPV6_TYPE, NULL, put_dec },
	{ OF_FIELD_ICMPV6_CODE, NULL, put_dec },
	{ OF_FIELD_ND_TARGET, NULL, put_ip },
	{ OF_FIELD_ND_SLL, NULL, put_plain },
	{ OF_FIELD_ND_TLL, NULL, put_plain },
	{ OF_FIELD_TCP_SRC, NULL, put_dec },
	{ OF_FIELD_TCP_DST, NULL, put_dec },
	{ OF_FIELD_UDP_SRC, NULL, put_dec },
	{ OF_FIELD_UDP_DST, NULL, put_dec },
	{ OF_FIELD_SCTP_SRC, NULL, put_dec },
	{ OF_FIELD_SCTP_DST, NULL, put_dec },
	{ OF_FIELD_TCP_FLAGS, NULL, put_flags },
};

static void put_match(struct out *o)
{
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct of_field *f = &of_fields[rows[i].id];
		struct of_oxm v;

		if (!of_match_has(o->m, f))
			continue;
		of_match_get(o->m, f, &v);
		rows[i].put(o, &rows[i], &v);
	}
}

void of_format_match(FILE *f, const struct of_match *m, const struct of_names *n)
{
	struct out o = { .f = f, .m = m, .n = n, .inner_tci = -1 };

	put_match(&o);
}

void of_format_match_priority(FILE *f, const struct of_match *m, uint16_t priority,
			      const struct of_names *n)
{
	struct out o = { .f = f, .m = m, .n = n, .inner_tci = -1 };

	if (priority != OFP_DEFAULT_PRIORITY) {
		fprintf(f, "priority=%u", priority);
		o.any = true;
	}
	put_match(&o);
}

void text_put_packet_match(FILE *f, const struct of_match *m, int inner_tci)
{
	struct out o = { .f = f, .m = m, .inner_tci = inner_tci };

	put_match(&o);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/field.h"

#include <stdio.h>
#include <string.h>

enum {
	CLASS_NXM0 = 0x0000,
	CLASS_NXM1 = 0x0001,
	CLASS_OXM = 0x8000,
	CLASS_XREG = 0x8001,
	CLASS_EXP = 0xffff,
};

#define ID(class, n) ((uint32_t)(class) << 16 | (uint32_t)(n) << 9)
#define OXM(n)	     ID(CLASS_OXM, n)
#define ONF(n)	     ID(CLASS_EXP, n)
#define NXM0(n)	     ID(CLASS_NXM0, n)
#define NXM1(n)	     ID(CLASS_NXM1, n)
#define XREG(n)	     ID(CLASS_XREG, n)
#define NONE	     OF_FIELD_NO_ID

enum { EXACT = 0, MASKED = 1, EXACT_ALIAS = 2, MASKED_ALIAS = 3 };
enum { RO, RW, SET, LOAD };

#define MEMBER_SIZE(member) sizeof(((struct flow_key *)0)->member)
#define STORAGE(member, bits, shift)                                             \
	(MEMBER_SIZE(member) == 1 || MEMBER_SIZE(member) * 8 >= (bits) + (shift) \
		 ? MEMBER_SIZE(member)                                           \
		 : ((bits) + (shift) + 7) / 8)

const struct of_field of_fields[OF_N_FIELDS] = {
#define FIELD(id_, name_, match_, alias_, oxm_, nxm_, bytes_, member, bits_, shift_, mask, fmt_, \
	      pre_, rw, layer_, place_)                                                          \
	[OF_FIELD_##id_] = {                                                                     \
		.id = OF_FIELD_##id_,                                                            \
		.name = name_,                                                                   \
		.match = match_,                                                                 \
		.alias = alias_,                                                                 \
		.oxm = oxm_,                                                                     \
		.nxm = nxm_,                                                                     \
		.bytes = bytes_,                                                                 \
		.bits = bits_,                                                                   \
		.shift = shift_,                                                                 \
		.size = STORAGE(member, bits_, shift_),                                          \
		.offset = offsetof(struct flow_key, member),                                     \
		.maskable = (mask)&1,                                                            \
		.settable = (rw) == RW || (rw) == SET,                                           \
		.writable = (rw) == RW || (rw) == LOAD,                                          \
		.is_alias = (mask) >> 1,                                                         \
		.is_onf = (oxm_) != NONE && (oxm_) >> 16 == CLASS_EXP,                           \
		.fmt = OF_FF_##fmt_,                                                             \
		.pre = OF_PRE_##pre_,                                                            \
		.layer = OF_LAYER_##layer_,                                                      \
		.place = place_,                                                                 \
	},
#include "ofproto/field.def"
#undef FIELD
};

/* ---- Header to field: one direct table for the four classes; ONF's has one of its own ---- */

/* Slot of a header id; ids that a row does not have go to slots of their own past the real ones. */
enum { N_SLOTS = 5 * 128 };
#define SLOT(id, spare)                                           \
	((id) == NONE		    ? N_SLOTS + (spare)           \
	 : (id) >> 16 == CLASS_NXM0 ? 0 * 128 + ((id) >> 9 & 127) \
	 : (id) >> 16 == CLASS_NXM1 ? 1 * 128 + ((id) >> 9 & 127) \
	 : (id) >> 16 == CLASS_OXM  ? 2 * 128 + ((id) >> 9 & 127) \
	 : (id) >> 16 == CLASS_XREG ? 3 * 128 + ((id) >> 9 & 127) \
				    : 4 * 128 + ((id) >> 9 & 127))

static const uint8_t slots[N_SLOTS + 2 * OF_N_FIELDS] = {
#define FIELD(id, name, match, alias, oxm, nxm, ...)        \
	[SLOT(oxm, 2 * OF_FIELD_##id)] = OF_FIELD_##id + 1, \
		       [SLOT(nxm, 2 * OF_FIELD_##id + 1)] = OF_FIELD_##id + 1,
#include "ofproto/field.def"
#undef FIELD
};

_Static_assert(OF_N_FIELDS < 255, "a slot is a byte");

static const struct of_field *in_slot(unsigned int slot)
{
	return slots[slot] ? &of_fields[slots[slot] - 1] : NULL;
}

const struct of_field *of_field_by_header(uint32_t header)
{
	unsigned int number = header >> 9 & 127;

	switch (header >> 16) {
	case CLASS_NXM0:
		return in_slot(0 * 128 + number);
	case CLASS_NXM1:
		return in_slot(1 * 128 + number);
	case CLASS_OXM:
		return in_slot(2 * 128 + number);
	case CLASS_XREG:
		return in_slot(3 * 128 + number);
	}
	return NULL;
}

const struct of_field *of_field_by_onf(unsigned int number)
{
	return number < 128 ? in_slot(4 * 128 + number) : NULL;
}

/* ---- Names ---- */

/* The specifications' names, where they differ from the ids of field.def. */
static const struct {
	enum of_field_id id;
	const char *nxm, *oxm;
} official[] = {
	{ OF_FIELD_IN_PORT_NXM, "IN_PORT", NULL },
	{ OF_FIELD_IPV4_SRC, "IP_SRC", "IPV4_SRC" },
	{ OF_FIELD_IPV4_DST, "IP_DST", "IPV4_DST" },
	{ OF_FIELD_ICMPV4_TYPE, "ICMP_TYPE", "ICMPV4_TYPE" },
	{ OF_FIELD_ICMPV4_CODE, "ICMP_CODE", "ICMPV4_CODE" },
	{ OF_FIELD_IPV6_FLABEL, "IPV6_LABEL", "IPV6_FLABEL" },
	{ OF_FIELD_ND_TARGET, "ND_TARGET", "IPV6_ND_TARGET" },
	{ OF_FIELD_ND_SLL, "ND_SLL", "IPV6_ND_SLL" },
	{ OF_FIELD_ND_TLL, "ND_TLL", "IPV6_ND_TLL" },
	{ OF_FIELD_TUN_ID, "TUN_ID", "TUNNEL_ID" },
	{ OF_FIELD_TUN_SRC, "TUN_IPV4_SRC", NULL },
	{ OF_FIELD_TUN_DST, "TUN_IPV4_DST", NULL },
};

static const char *const ids[OF_N_FIELDS] = {
#define FIELD(id, ...) [OF_FIELD_##id] = #id,
#include "ofproto/field.def"
#undef FIELD
};

static const char *stem(const struct of_field *f, bool nxm)
{
	for (size_t i = 0; i < sizeof(official) / sizeof(official[0]); i++) {
		if (official[i].id != f->id)
			continue;
		if (nxm)
			return official[i].nxm;
		return official[i].oxm ? official[i].oxm : ids[f->id];
	}
	return ids[f->id];
}

static void format_official(const struct of_field *f, bool nxm, char *buf, size_t size)
{
	if (nxm)
		snprintf(buf, size, "%s%s", f->nxm >> 16 ? "NXM_NX_" : "NXM_OF_", stem(f, true));
	else if (f->is_onf)
		snprintf(buf, size, "ONFOXM_ET_%s", stem(f, false));
	else if (f->oxm >> 16 == CLASS_XREG)
		snprintf(buf, size, "OXM_OF_PKT_REG%u", f->oxm >> 9 & 127);
	else
		snprintf(buf, size, "OXM_OF_%s", stem(f, false));
}

const char *of_field_nxm_name(const struct of_field *f, char *buf)
{
	format_official(f, f->nxm != OF_FIELD_NO_ID, buf, 64);
	return buf;
}

static bool same(const char *name, const char *s, size_t n)
{
	return strlen(name) == n && !memcmp(name, s, n);
}

static bool in_words(const char *words, const char *s, size_t n)
{
	while (*words) {
		size_t len = strcspn(words, " ");

		if (len == n && !memcmp(words, s, n))
			return true;
		words += len;
		words += *words == ' ';
	}
	return false;
}

static bool is_official(const struct of_field *f, const char *s, size_t n)
{
	char buf[64];

	if (f->nxm != OF_FIELD_NO_ID) {
		format_official(f, true, buf, sizeof(buf));
		if (same(buf, s, n))
			return true;
	}
	if (f->oxm == OF_FIELD_NO_ID)
		return false;
	format_official(f, false, buf, sizeof(buf));
	return same(buf, s, n);
}

const struct of_field *of_field_by_name(const char *s, size_t n)
{
	FIELD_EACH (f)
		if (same(f->name, s, n))
			return f;
	FIELD_EACH (f)
		if (same(f->match, s, n) || in_words(f->alias, s, n))
			return f;
	/* Official names are in capitals only. */
	if (!n || s[0] < 'A' || s[0] > 'Z')
		return NULL;
	FIELD_EACH (f)
		if (is_official(f, s, n))
			return f;
	return NULL;
}

/* ---- Bits in a key ---- */

static uint64_t ones(unsigned int bits)
{
	return bits >= 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
}

uint64_t of_field_get_u64(const struct of_field *f, const struct flow_key *k)
{
	const uint8_t *p = (const uint8_t *)k + f->offset;

	return get_be(p, f->size) >> f->shift & ones(f->bits);
}

void of_field_set_u64(const struct of_field *f, struct flow_key *k, uint64_t value)
{
	uint8_t *p = (uint8_t *)k + f->offset;
	uint64_t mask = ones(f->bits) << f->shift;

	put_be(p, f->size, (get_be(p, f->size) & ~mask) | (value << f->shift & mask));
}

/* Fields of more than 64 bits are whole members of 16 bytes. */
void of_field_get(const struct of_field *f, const struct flow_key *k, uint8_t *value)
{
	if (f->size > 8)
		memcpy(value, (const uint8_t *)k + f->offset, f->bytes);
	else
		put_be(value, f->bytes, of_field_get_u64(f, k));
}

void of_field_set(const struct of_field *f, struct flow_key *k, const uint8_t *value)
{
	if (f->size > 8)
		memcpy((uint8_t *)k + f->offset, value, f->bytes);
	else
		of_field_set_u64(f, k, get_be(value, f->bytes));
}

/* ---- Prerequisites of a packet ---- */

static bool key_is_ip(const struct flow_key *k)
{
	uint16_t type = be16toh(k->eth_type);

	return type == 0x0800 || type == 0x86dd;
}

static bool key_is_l4(const struct flow_key *k, uint8_t proto)
{
	return key_is_ip(k) && k->ip_proto == proto;
}

static bool key_is_icmp(const struct flow_key *k, uint16_t eth_type, uint8_t proto)
{
	return be16toh(k->eth_type) == eth_type && k->ip_proto == proto;
}

static bool key_is_nd(const struct flow_key *k, uint8_t type)
{
	return key_is_icmp(k, 0x86dd, 58) && be16toh(k->tp_src) >> 8 == type;
}

static bool key_has_connection(const struct flow_key *k)
{
	return k->ct_state & (OF_CT_NEW | OF_CT_EST | OF_CT_RPL);
}

bool of_field_pre_met(const struct of_field *f, const struct flow_key *k)
{
	uint16_t type = be16toh(k->eth_type);

	switch (f->pre) {
	case OF_PRE_ANY:
	case OF_PRE_IN_PORT:
		return true;
	case OF_PRE_VLAN:
		return be16toh(k->vlan_tci) & FLOW_TCI_PRESENT;
	case OF_PRE_IP:
		return key_is_ip(k);
	case OF_PRE_IPV4:
		return type == 0x0800;
	case OF_PRE_IPV6:
		return type == 0x86dd;
	case OF_PRE_ARP:
		return type == 0x0806 || type == 0x8035;
	case OF_PRE_TCP:
		return key_is_l4(k, 6);
	case OF_PRE_UDP:
		return key_is_l4(k, 17);
	case OF_PRE_SCTP:
		return key_is_l4(k, 132);
	case OF_PRE_ICMPV4:
		return key_is_icmp(k, 0x0800, 1);
	case OF_PRE_ICMPV6:
		return key_is_icmp(k, 0x86dd, 58);
	case OF_PRE_ND:
		return key_is_nd(k, 135) || key_is_nd(k, 136);
	case OF_PRE_ND_SOL:
		return key_is_nd(k, 135);
	case OF_PRE_ND_ADV:
		return key_is_nd(k, 136);
	case OF_PRE_MPLS:
		return type == 0x8847 || type == 0x8848;
	case OF_PRE_PBB:
		return type == 0x88e7;
	case OF_PRE_CT:
		return key_has_connection(k);
	case OF_PRE_CT4:
		return type == 0x0800 && key_has_connection(k);
	case OF_PRE_CT6:
		return type == 0x86dd && key_has_connection(k);
	}
	return false;
}

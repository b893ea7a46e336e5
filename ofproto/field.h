/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Match fields: field.def as an enum and a table, and access to a field's bits in a flow key.
 *
 * Everything here is constant or works on the caller's memory; any thread.
 */
#ifndef WEFT_OFPROTO_FIELD_H
#define WEFT_OFPROTO_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ofproto/key.h"

enum of_field_id {
#define FIELD(id, ...) OF_FIELD_##id,
#include "ofproto/field.def"
#undef FIELD
	OF_N_FIELDS
};

/* What must be matched (or known of a packet) before a field means anything; section 7.2.3.8. */
enum of_pre {
	OF_PRE_ANY,
	OF_PRE_IN_PORT, /* in_port is matched */
	OF_PRE_VLAN,	/* a tag is there */
	OF_PRE_IP,	/* IPv4 or IPv6 */
	OF_PRE_IPV4,
	OF_PRE_IPV6,
	OF_PRE_ARP, /* ARP or RARP */
	OF_PRE_TCP,
	OF_PRE_UDP,
	OF_PRE_SCTP,
	OF_PRE_ICMPV4,
	OF_PRE_ICMPV6,
	OF_PRE_ND,     /* neighbour solicitation or advertisement */
	OF_PRE_ND_SOL, /* ICMPv6 type 135 */
	OF_PRE_ND_ADV, /* ICMPv6 type 136 */
	OF_PRE_MPLS,   /* 0x8847 or 0x8848 */
	OF_PRE_PBB,    /* 0x88e7 */
	OF_PRE_CT,     /* ct_state tells of a connection */
	OF_PRE_CT4,    /* ... and IPv4 */
	OF_PRE_CT6,    /* ... and IPv6 */
};

/* Text form of a value. */
enum of_field_fmt {
	OF_FF_DEC,
	OF_FF_HEX,
	OF_FF_PORT, /* number or reserved port's name */
	OF_FF_MAC,
	OF_FF_IP4,
	OF_FF_IP6,
	OF_FF_VID,
	OF_FF_FRAG, /* no, yes, first, later, not_later */
	OF_FF_TCPF, /* +syn-ack */
	OF_FF_TUNF,
	OF_FF_CTST, /* +trk-new */
};

/* The header in which a field stands. */
enum of_layer {
	OF_LAYER_META, /* none: pipeline state, or derived */
	OF_LAYER_ETH,
	OF_LAYER_TYPE, /* the ethertype of what is behind the tags */
	OF_LAYER_VLAN, /* outermost TCI */
	OF_LAYER_PBB,  /* I-TAG's I-SID word */
	OF_LAYER_MPLS, /* top label stack entry */
	OF_LAYER_ARP,
	OF_LAYER_IP, /* IPv4's offsets; where the prerequisite is IP, IPv6 has its own (act) */
	OF_LAYER_IP6,
	OF_LAYER_PROTO, /* IPv4's protocol, or the last next header of IPv6 */
	OF_LAYER_L4,
	OF_LAYER_ND_SLL, /* the option's address */
	OF_LAYER_ND_TLL,
};

#define OF_FIELD_NO_ID UINT32_MAX /* no such header id */

struct of_field {
	enum of_field_id id;
	const char *name;  /* "eth_src": set_field, field[bits] */
	const char *match; /* "dl_src": in a match */
	const char *alias; /* other names, space separated */
	uint32_t oxm;	   /* class << 16 | field << 9 (of_header_id()), or OF_FIELD_NO_ID */
	uint32_t nxm;
	uint8_t bytes;	 /* length on the wire */
	uint8_t bits;	 /* significant bits */
	uint8_t shift;	 /* of the least significant one, in the member */
	uint8_t size;	 /* of the storage that bits + shift need, bytes */
	uint16_t offset; /* of the storage in struct flow_key */
	bool maskable;
	bool settable; /* by set-field */
	bool writable; /* and by the extensions' load and move */
	bool is_alias; /* its bits belong to earlier fields: read, never sent or printed */
	bool is_onf;   /* oxm is an ONF experimenter OXM (class 0xffff, 0x4f4e4600) */
	enum of_field_fmt fmt;
	enum of_pre pre;
	enum of_layer layer;
	uint8_t place; /* byte offset of the member in that header */
};

/* Bits of ct_state. */
enum {
	OF_CT_NEW = 1 << 0,
	OF_CT_EST = 1 << 1,
	OF_CT_REL = 1 << 2,
	OF_CT_RPL = 1 << 3,
	OF_CT_INV = 1 << 4,
	OF_CT_TRK = 1 << 5,
	OF_CT_SNAT = 1 << 6,
	OF_CT_DNAT = 1 << 7,
};

extern const struct of_field of_fields[OF_N_FIELDS];

#define FIELD_EACH(f) for (const struct of_field *f = of_fields; f < of_fields + OF_N_FIELDS; f++)

/* Its bits that a key can have; of ct_state 8 of 32, and the others read as zero. */
static inline unsigned int of_field_key_bits(const struct of_field *f)
{
	const unsigned int stored = 8u * f->size - f->shift;

	return f->bits < stored ? f->bits : stored;
}

/* By OXM or NXM header (class, field; the mask bit and length are not looked at); NULL: unknown. */
const struct of_field *of_field_by_header(uint32_t header);
/* By ONF experimenter OXM field number. */
const struct of_field *of_field_by_onf(unsigned int number);
/* By any of its names, "NXM_OF_ETH_SRC", "OXM_OF_ETH_SRC" included; 'n' bytes at 's'. */
const struct of_field *of_field_by_name(const char *s, size_t n);
/* "NXM_OF_ETH_SRC", as ovs-ofctl prints a field in move and load; buffer of 64 bytes. */
const char *of_field_nxm_name(const struct of_field *f, char *buf);

/*
 * A field's value right-aligned in f->bytes bytes, network order, out of and into a key.  Set
 * touches no bit outside the field.
 */
void of_field_get(const struct of_field *f, const struct flow_key *k, uint8_t *value);
void of_field_set(const struct of_field *f, struct flow_key *k, const uint8_t *value);

/* The same for fields of at most 64 bits, in host order. */
uint64_t of_field_get_u64(const struct of_field *f, const struct flow_key *k);
void of_field_set_u64(const struct of_field *f, struct flow_key *k, uint64_t value);

/* Whether 'k' as a packet's key meets f's prerequisite. */
bool of_field_pre_met(const struct of_field *f, const struct flow_key *k);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/ipfix_record.h"

#include <string.h>

#include "base/byteorder.h"

enum { VERSION = 10, MESSAGE_HEADER = 16, SET_HEADER = 4, TEMPLATE_SET = 2, VARIABLE = 0xffff };

/* What flows are like, beside what each of them has. */
enum trait {
	TRAIT_ALWAYS = 1 << 0,
	TRAIT_TAGGED = 1 << 1,
	TRAIT_LEAVES = 1 << 2, /* by a port that is known */
	TRAIT_IP = 1 << 3,
	TRAIT_IP4 = 1 << 4,
	TRAIT_IP6 = 1 << 5,
	TRAIT_PORTS = 1 << 6,
	TRAIT_TCP = 1 << 7,
	TRAIT_ICMP4 = 1 << 8,
	TRAIT_ICMP6 = 1 << 9,
};

enum { V4 = TRAIT_IP | TRAIT_IP4, V6 = TRAIT_IP | TRAIT_IP6 };

/* Of the layers from IP on. */
static const uint16_t kinds[] = {
	0,
	V4,
	V4 | TRAIT_PORTS,
	V4 | TRAIT_PORTS | TRAIT_TCP,
	V4 | TRAIT_ICMP4,
	V6,
	V6 | TRAIT_PORTS,
	V6 | TRAIT_PORTS | TRAIT_TCP,
	V6 | TRAIT_ICMP6,
};

enum { N_KINDS = sizeof(kinds) / sizeof(kinds[0]), PROTO_ICMP = 1, PROTO_TCP = 6 };
enum { PROTO_UDP = 17, PROTO_ICMP6 = 58, PROTO_SCTP = 132 };

_Static_assert(N_KINDS * 4 == IPFIX_TEMPLATES, "with and without tag and egress port");

static unsigned int traits_of(unsigned int template)
{
	return TRAIT_ALWAYS | kinds[template % N_KINDS] |
	       (template / N_KINDS & 1 ? TRAIT_TAGGED : 0) |
	       (template / N_KINDS & 2 ? TRAIT_LEAVES : 0);
}

static unsigned int layer4(const struct sample_flow *f, bool v4)
{
	if (!f->has_l4)
		return 0;
	switch (f->proto) {
	case PROTO_TCP:
		return TRAIT_PORTS | TRAIT_TCP;
	case PROTO_UDP:
	case PROTO_SCTP:
		return TRAIT_PORTS;
	case PROTO_ICMP:
		return v4 ? TRAIT_ICMP4 : 0;
	case PROTO_ICMP6:
		return v4 ? 0 : TRAIT_ICMP6;
	default:
		return 0;
	}
}

unsigned int ipfix_template_of(const struct sample_flow *f)
{
	const bool v4 = f->eth_type == 0x0800;
	unsigned int traits = 0, kind = 0;

	if (v4 || f->eth_type == 0x86dd)
		traits = (v4 ? V4 : V6) | layer4(f, v4);
	while (kind < N_KINDS - 1 && kinds[kind] != traits)
		kind++;
	return kind + N_KINDS * ((f->vlan_tci ? 1u : 0) + (f->out_port ? 2u : 0));
}

/* ---- Messages ---- */

static void begin(struct ipfix_message *m)
{
	if (m->n)
		return;
	m->n = MESSAGE_HEADER;
	m->set_id = 0;
	m->n_records = 0;
}

static void end_set(struct ipfix_message *m)
{
	if (m->set_id)
		put_be16(m->bytes + m->set_at + 2, (uint16_t)(m->n - m->set_at));
	m->set_id = 0;
}

/* 'n' more bytes, in a set of this number; NULL: there is no room. */
static uint8_t *room(struct ipfix_message *m, uint16_t set_id, size_t n)
{
	const bool new = m->set_id != set_id;
	uint8_t *p;

	begin(m);
	if (m->n + n + (new ? SET_HEADER : 0) > sizeof(m->bytes))
		return NULL;
	if (new) {
		end_set(m);
		m->set_at = m->n;
		m->set_id = set_id;
		put_be16(m->bytes + m->n, set_id);
		m->n += SET_HEADER;
	}
	p = m->bytes + m->n;
	m->n += n;
	return p;
}

void ipfix_message_end(struct ipfix_message *m, uint32_t sequence, uint32_t seconds)
{
	end_set(m);
	put_be16(m->bytes, VERSION);
	put_be16(m->bytes + 2, (uint16_t)m->n);
	put_be32(m->bytes + 4, seconds);
	put_be32(m->bytes + 8, sequence);
	put_be32(m->bytes + 12, m->domain);
}

/* ---- Templates ---- */

static uint8_t *put_field(uint8_t *p, uint16_t number, uint16_t bytes)
{
	put_be16(p, number);
	put_be16(p + 2, bytes);
	return p + 4;
}

bool ipfix_put_template(struct ipfix_message *m, unsigned int template)
{
	const unsigned int traits = traits_of(template);
	uint16_t n = 0;
	uint8_t *p;

#define COUNT(when)				n += (traits & TRAIT_##when) != 0
#define UINT(name, number, bytes, when, value)	COUNT(when);
#define BYTES(name, number, bytes, when, value) COUNT(when);
#define TEXT(name, number, when, value)		COUNT(when);
#include "datapath/ipfix.def"
#undef UINT
#undef BYTES
#undef TEXT
#undef COUNT
	p = room(m, TEMPLATE_SET, 4 + 4u * n);
	if (!p)
		return false;
	p = put_field(p, (uint16_t)(IPFIX_TEMPLATE_FIRST + template), n);
#define PUT(when, number, bytes)   \
	if (traits & TRAIT_##when) \
	p = put_field(p, number, bytes)
#define UINT(name, number, bytes, when, value)	PUT(when, number, bytes);
#define BYTES(name, number, bytes, when, value) PUT(when, number, bytes);
#define TEXT(name, number, when, value)		PUT(when, number, VARIABLE);
#include "datapath/ipfix.def"
#undef UINT
#undef BYTES
#undef TEXT
#undef PUT
	return true;
}

/* ---- Records ---- */

enum { NAME_MAX_HERE = 254 }; /* RFC 7011, 7: of which one byte tells the length */

static uint8_t *put_uint(uint8_t *p, uint64_t v, unsigned int n)
{
	for (unsigned int i = n; i-- > 0; v >>= 8)
		p[i] = (uint8_t)v;
	return p + n;
}

static uint8_t *put_text(uint8_t *p, const char *s)
{
	const size_t n = strnlen(s, NAME_MAX_HERE);

	*p = (uint8_t)n;
	memcpy(p + 1, s, n);
	return p + 1 + n;
}

static uint8_t *put_bytes(uint8_t *p, const uint8_t *v, size_t n)
{
	memcpy(p, v, n);
	return p + n;
}

bool ipfix_put_record(struct ipfix_message *m, const struct ipfix_record *r)
{
	const struct sample_flow *k = r->flow;
	const unsigned int template = ipfix_template_of(k), traits = traits_of(template);
	size_t n = 0;
	uint8_t *p;

#define LENGTH(when, bytes)			n += traits & TRAIT_##when ? (size_t)(bytes) : 0
#define UINT(name, number, bytes, when, value)	LENGTH(when, bytes);
#define BYTES(name, number, bytes, when, value) LENGTH(when, bytes);
#define TEXT(name, number, when, value)		LENGTH(when, 1 + strnlen(value, NAME_MAX_HERE));
#include "datapath/ipfix.def"
#undef UINT
#undef BYTES
#undef TEXT
#undef LENGTH
	p = room(m, (uint16_t)(IPFIX_TEMPLATE_FIRST + template), n);
	if (!p)
		return false;
#define UINT(name, number, bytes, when, value) \
	if (traits & TRAIT_##when)             \
		p = put_uint(p, value, bytes);
#define BYTES(name, number, bytes, when, value) \
	if (traits & TRAIT_##when)              \
		p = put_bytes(p, value, bytes);
#define TEXT(name, number, when, value) \
	if (traits & TRAIT_##when)      \
		p = put_text(p, value);
#include "datapath/ipfix.def"
#undef UINT
#undef BYTES
#undef TEXT
	m->n_records++;
	return true;
}

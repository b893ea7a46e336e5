/* SPDX-License-Identifier: Apache-2.0 */
/* The links and members that multipath and bundle choose: act_hash.c's words, done again. */
#include "datapath/ref_priv.h"

#define K1 UINT64_C(0x8bb84b93962eacc9)
#define K2 UINT64_C(0x4b33a62ed433d4a3)
#define K3 UINT64_C(0x4d5a2da51de1aa47)

/* Both halves of a product of 128 bits, one upon the other; by hand, in halves of halves. */
static uint64_t fold(uint64_t a, uint64_t b)
{
	const uint64_t low = 0xffffffff;
	const uint64_t ll = (a & low) * (b & low), lh = (a & low) * (b >> 32);
	const uint64_t hl = (a >> 32) * (b & low), hh = (a >> 32) * (b >> 32);
	const uint64_t middle = (ll >> 32) + (lh & low) + (hl & low);

	return (middle << 32 | (ll & low)) ^ (hh + (lh >> 32) + (hl >> 32) + (middle >> 32));
}

static uint64_t mix(uint64_t h, uint64_t v)
{
	return fold(h ^ v ^ K1, K2);
}

static uint64_t both(uint64_t a, uint64_t b)
{
	return fold(a ^ K1, K3) + fold(b ^ K1, K3);
}

static uint64_t number(const struct ref_frame *f, enum of_field_id id, unsigned int from)
{
	const struct ref_bits b = ref_get(f, &of_fields[id]);
	uint64_t v = 0;

	for (unsigned int i = 0; i < 64 && from + i < b.n; i++)
		v |= (uint64_t)(b.bit[from + i] & 1) << i;
	return v;
}

static bool is_ip(const struct ref_frame *f)
{
	const uint64_t type = number(f, OF_FIELD_ETH_TYPE, 0);

	return type == 0x0800 || type == 0x86dd;
}

static uint64_t address(const struct ref_frame *f, enum of_field_id v4, enum of_field_id v6)
{
	if (number(f, OF_FIELD_ETH_TYPE, 0) == 0x0800)
		return number(f, v4, 0);
	return fold(number(f, v6, 64) ^ K1, number(f, v6, 0) ^ K2);
}

static uint64_t source(const struct ref_frame *f)
{
	return address(f, OF_FIELD_IPV4_SRC, OF_FIELD_IPV6_SRC);
}

static uint64_t destination(const struct ref_frame *f)
{
	return address(f, OF_FIELD_IPV4_DST, OF_FIELD_IPV6_DST);
}

static uint64_t mix_ports(uint64_t h, const struct ref_frame *f, bool udp)
{
	switch (number(f, OF_FIELD_IP_PROTO, 0)) {
	case 6:
		return mix(h, both(number(f, OF_FIELD_TCP_SRC, 0), number(f, OF_FIELD_TCP_DST, 0)));
	case 132:
		return mix(h,
			   both(number(f, OF_FIELD_SCTP_SRC, 0), number(f, OF_FIELD_SCTP_DST, 0)));
	case 17:
		if (!udp)
			return h;
		return mix(h, both(number(f, OF_FIELD_UDP_SRC, 0), number(f, OF_FIELD_UDP_DST, 0)));
	}
	return h;
}

static uint64_t hash(const struct ref_frame *f, uint16_t fields, uint64_t h)
{
	const bool ip = is_ip(f);

	switch (fields) {
	case NX_HASH_FIELDS_ETH_SRC:
		return mix(h, number(f, OF_FIELD_ETH_SRC, 0));
	case NX_HASH_FIELDS_NW_SRC:
		return mix(h, ip ? source(f) : 0);
	case NX_HASH_FIELDS_NW_DST:
		return mix(h, ip ? destination(f) : 0);
	case NX_HASH_FIELDS_SYMMETRIC_L3:
		return mix(h, ip ? both(source(f), destination(f)) : 0);
	case NX_HASH_FIELDS_SYMMETRIC_L4:
		h = mix(h, both(number(f, OF_FIELD_ETH_SRC, 0), number(f, OF_FIELD_ETH_DST, 0)));
		h = mix(h, number(f, OF_FIELD_ETH_TYPE, 0) << 16 |
				   (number(f, OF_FIELD_VLAN_VID, 0) & 0xfff));
		if (!ip)
			return h;
		break;
	default:
		if (!ip)
			return mix(h, 0);
		break;
	}
	h = mix(h, both(source(f), destination(f)));
	h = mix(h, number(f, OF_FIELD_IP_PROTO, 0));
	if (number(f, OF_FIELD_IP_FRAG, 0))
		return h;
	return mix_ports(h, f, fields == NX_HASH_FIELDS_SYMMETRIC_L3L4_UDP);
}

static uint32_t nth(uint64_t h, uint32_t i)
{
	return (uint32_t)(mix(h, i + 1) >> 32);
}

static uint32_t iterate(uint64_t h, uint32_t n, uint32_t modulo)
{
	if (modulo < n || modulo / 2 > n) {
		modulo = 1;
		while (modulo < n)
			modulo *= 2;
	}
	for (uint32_t i = 0; i < 128; i++)
		if (nth(h, i) % modulo < n)
			return nth(h, i) % modulo;
	return 0;
}

uint32_t ref_link(const struct ref_frame *f, const struct of_nx_multipath *m)
{
	const uint64_t h = hash(f, m->fields, m->basis);
	const uint32_t n = (uint32_t)m->max_link + 1;
	uint32_t best = 0;

	switch (m->algorithm) {
	case NX_MP_ALG_MODULO_N:
		return (uint32_t)(h >> 32) % n;
	case NX_MP_ALG_HASH_THRESHOLD:
		return n == 1 ? 0 : (uint32_t)(h >> 32) / (0xffffffffu / n + 1);
	case NX_MP_ALG_ITER_HASH:
		return iterate(h, n, m->arg);
	}
	if (n > 64)
		return iterate(h, n, 0);
	for (uint32_t i = 1; i < n; i++)
		if (nth(h, i) > nth(h, best))
			best = i;
	return best;
}

uint16_t ref_member(struct ref *r, const struct ref_frame *f, uint16_t algorithm, uint16_t fields,
		    uint16_t basis, const struct of_halves *members)
{
	const uint64_t h = hash(f, fields, basis);
	uint16_t best = UINT16_MAX;
	uint32_t weight = 0;

	for (uint32_t i = 0; i < members->n; i++) {
		if (!ref_port_is_up(r, members->v[i]))
			continue;
		if (algorithm == NX_BD_ALG_ACTIVE_BACKUP)
			return members->v[i];
		if (nth(h, i) >= weight) {
			weight = nth(h, i);
			best = members->v[i];
		}
	}
	return best;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hashes that multipath and bundle choose by (ovs-actions(7)): which fields are in each is
 * Nicira's, the function our own.  The same for a packet in every switch, and after a restart.
 */
#include "base/ip_proto.h"
#include "datapath/act_priv.h"

#define K1 UINT64_C(0x8bb84b93962eacc9)
#define K2 UINT64_C(0x4b33a62ed433d4a3)
#define K3 UINT64_C(0x4d5a2da51de1aa47)

/* Both halves of the product, one upon the other. */
static inline uint64_t fold(uint64_t a, uint64_t b)
{
	const u128 m = (u128)a * b;

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static inline uint64_t mix(uint64_t h, uint64_t v)
{
	return fold(h ^ v ^ K1, K2);
}

/* The same whichever comes first. */
static inline uint64_t pair(uint64_t a, uint64_t b)
{
	return fold(a ^ K1, K3) + fold(b ^ K1, K3);
}

static uint64_t mac(const uint8_t *p)
{
	return (uint64_t)u128_get(p, 6);
}

static uint64_t ipv6(const uint8_t *p)
{
	return fold((uint64_t)u128_get(p, 8) ^ K1, (uint64_t)u128_get(p + 8, 8) ^ K2);
}

static uint64_t nw_src(const struct flow_key *k)
{
	return k->eth_type == htobe16(ETH_TYPE_IPV4) ? be32toh(k->nw_src) : ipv6(k->ipv6_src);
}

static uint64_t nw_dst(const struct flow_key *k)
{
	return k->eth_type == htobe16(ETH_TYPE_IPV4) ? be32toh(k->nw_dst) : ipv6(k->ipv6_dst);
}

/* Addresses, protocol, ports; of a fragment none, as the later ones have none. */
static uint64_t mix_l3l4(uint64_t h, const struct flow_key *k, bool udp)
{
	h = mix(h, pair(nw_src(k), nw_dst(k)));
	h = mix(h, k->ip_proto);
	if (k->ip_frag & FLOW_FRAG_ANY)
		return h;
	if (k->ip_proto == PROTO_TCP || k->ip_proto == PROTO_SCTP ||
	    (udp && k->ip_proto == PROTO_UDP))
		h = mix(h, pair(be16toh(k->tp_src), be16toh(k->tp_dst)));
	return h;
}

static uint64_t mix_l2(uint64_t h, const struct flow_key *k)
{
	h = mix(h, pair(mac(k->eth_src), mac(k->eth_dst)));
	return mix(h, (uint64_t)be16toh(k->eth_type) << 16 | (be16toh(k->vlan_tci) & 0xfff));
}

uint64_t act_hash(const struct flow_key *k, uint16_t fields, uint16_t basis)
{
	const bool ip = key_is_ip(k);

	switch (fields) {
	case NX_HASH_FIELDS_ETH_SRC:
		return mix(basis, mac(k->eth_src));
	case NX_HASH_FIELDS_NW_SRC:
		return mix(basis, ip ? nw_src(k) : 0);
	case NX_HASH_FIELDS_NW_DST:
		return mix(basis, ip ? nw_dst(k) : 0);
	case NX_HASH_FIELDS_SYMMETRIC_L3:
		return mix(basis, ip ? pair(nw_src(k), nw_dst(k)) : 0);
	case NX_HASH_FIELDS_SYMMETRIC_L3L4:
		return ip ? mix_l3l4(basis, k, false) : mix(basis, 0);
	case NX_HASH_FIELDS_SYMMETRIC_L3L4_UDP:
		return ip ? mix_l3l4(basis, k, true) : mix(basis, 0);
	default: /* NX_HASH_FIELDS_SYMMETRIC_L4 */
		return ip ? mix_l3l4(mix_l2(basis, k), k, false) : mix_l2(basis, k);
	}
}

uint32_t act_hash_nth(uint64_t hash, uint32_t i)
{
	return (uint32_t)(mix(hash, i + 1) >> 32);
}

/* hash(flow, i) % modulo, for the first i for which there is such a link. */
static uint32_t iterate(uint64_t hash, uint32_t n, uint32_t modulo)
{
	enum { TRIES = 128 }; /* each succeeds in one of two cases, or more of them */

	if (modulo < n || modulo / 2 > n)
		for (modulo = 1; modulo < n;)
			modulo *= 2;
	for (uint32_t i = 0; i < TRIES; i++) {
		const uint32_t link = act_hash_nth(hash, i) % modulo;

		if (link < n)
			return link;
	}
	return 0;
}

static uint32_t heaviest(uint64_t hash, uint32_t n)
{
	uint32_t best = 0, most = act_hash_nth(hash, 0);

	for (uint32_t i = 1; i < n; i++) {
		const uint32_t weight = act_hash_nth(hash, i);

		if (weight > most) {
			most = weight;
			best = i;
		}
	}
	return best;
}

uint32_t act_hash_link(const struct of_nx_multipath *m, uint64_t hash)
{
	enum { HRW_MAX = 64 };
	const uint32_t n = m->max_link + 1u, h = (uint32_t)(hash >> 32);

	switch (m->algorithm) {
	case NX_MP_ALG_MODULO_N:
		return h % n;
	case NX_MP_ALG_HASH_THRESHOLD:
		return n == 1 ? 0 : h / (UINT32_MAX / n + 1);
	case NX_MP_ALG_HRW:
		return n <= HRW_MAX ? heaviest(hash, n) : iterate(hash, n, 0);
	default: /* NX_MP_ALG_ITER_HASH */
		return iterate(hash, n, m->arg);
	}
}

uint64_t act_hash_words(uint16_t fields)
{
	static const enum of_field_id ids[] = { OF_FIELD_IPV4_SRC, OF_FIELD_IPV4_DST,
						OF_FIELD_IPV6_SRC, OF_FIELD_IPV6_DST,
						OF_FIELD_TCP_SRC,  OF_FIELD_TCP_DST,
						OF_FIELD_IP_FRAG,  OF_FIELD_ETH_SRC,
						OF_FIELD_ETH_DST,  OF_FIELD_VLAN_TCI };
	uint64_t words = field_words(&of_fields[OF_FIELD_ETH_TYPE]);

	if (fields == NX_HASH_FIELDS_ETH_SRC)
		return field_words(&of_fields[OF_FIELD_ETH_SRC]);
	for (unsigned int i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		words |= field_words(&of_fields[ids[i]]);
	return words;
}

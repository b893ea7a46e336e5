/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which buckets a group runs, and which of them live: 5.6.1, 7.3.4.2, and select.h's words about
 * SELECT, done again for each packet.
 */
#include <stdlib.h>
#include <string.h>

#include "datapath/ref_priv.h"

#define K1 UINT64_C(0x9e3779b97f4a7c15)
#define K2 UINT64_C(0xbf58476d1ce4e5b9)
#define K3 UINT64_C(0x94d049bb133111eb)
#define K4 UINT64_C(0xd6e8feb86659fd93)

enum { SLOTS = 4096, MORE_SLOTS = 65536, NOBODY = 0xffff };

/* Both halves of a product of 128 bits, one upon the other; by hand, in halves of halves. */
static uint64_t fold(uint64_t a, uint64_t b)
{
	const uint64_t low = 0xffffffff;
	const uint64_t ll = (a & low) * (b & low), lh = (a & low) * (b >> 32);
	const uint64_t hl = (a >> 32) * (b & low), hh = (a >> 32) * (b >> 32);
	const uint64_t middle = (ll >> 32) + (lh & low) + (hl & low);

	return (middle << 32 | (ll & low)) ^ (hh + (lh >> 32) + (hl >> 32) + (middle >> 32));
}

static uint64_t scatter(uint64_t v)
{
	return fold(fold(v ^ K1, K2) ^ K3, K4);
}

/* ---- Liveness ---- */

static bool group_lives(struct ref *r, uint32_t id)
{
	const struct ref_group *g = *ref_group_find(r, id);

	for (uint32_t i = 0; g && i < g->buckets.n; i++)
		if (ref_bucket_lives(r, OF_AT(&g->buckets, i, bucket)))
			return true;
	return false;
}

bool ref_bucket_lives(struct ref *r, const struct of_bucket *k)
{
	if (k->watch_port == OFPP_ANY && k->watch_group == OFPG_ANY)
		return true;
	if (k->watch_port != OFPP_ANY && ref_port_is_up(r, k->watch_port))
		return true;
	return k->watch_group != OFPG_ANY && group_lives(r, k->watch_group);
}

/* ---- The hash ---- */

/* Bits 'from' and up of a field, as a number. */
static uint64_t number(const struct ref_frame *f, enum of_field_id id, unsigned int from)
{
	const struct ref_bits b = ref_get(f, &of_fields[id]);
	uint64_t v = 0;

	for (unsigned int i = 0; i < 64 && from + i < b.n; i++)
		v |= (uint64_t)(b.bit[from + i] & 1) << i;
	return v;
}

static uint64_t both(uint64_t src, uint64_t dst, bool symmetric)
{
	return symmetric ? src + dst : fold(src ^ K3, K4) + dst;
}

static uint64_t stations(const struct ref_frame *f, bool symmetric)
{
	return both(fold(number(f, OF_FIELD_ETH_SRC, 0) ^ K1, K2),
		    fold(number(f, OF_FIELD_ETH_DST, 0) ^ K1, K2), symmetric);
}

static void ports(const struct ref_frame *f, uint64_t *from, uint64_t *to)
{
	static const enum of_field_id src[] = { OF_FIELD_TCP_SRC, OF_FIELD_UDP_SRC,
						OF_FIELD_SCTP_SRC };
	static const enum of_field_id dst[] = { OF_FIELD_TCP_DST, OF_FIELD_UDP_DST,
						OF_FIELD_SCTP_DST };

	*from = *to = 0;
	if (number(f, OF_FIELD_IP_FRAG, 0))
		return;
	for (int i = 0; i < 3; i++)
		if (ref_meets(f, &of_fields[src[i]])) {
			*from = number(f, src[i], 0);
			*to = number(f, dst[i], 0);
		}
}

static uint64_t end6(const struct ref_frame *f, enum of_field_id id, uint64_t port)
{
	return fold(fold(number(f, id, 64) ^ K1, number(f, id, 0) ^ K3) ^ port ^ K1, K2);
}

static uint64_t connection(const struct ref_frame *f, bool symmetric)
{
	const uint64_t type = number(f, OF_FIELD_ETH_TYPE, 0);
	uint64_t from, to, src, dst;

	ports(f, &from, &to);
	if (type == 0x0800) {
		src = fold((number(f, OF_FIELD_IPV4_SRC, 0) << 16 | from) ^ K1, K2);
		dst = fold((number(f, OF_FIELD_IPV4_DST, 0) << 16 | to) ^ K1, K2);
	} else if (type == 0x86dd) {
		src = end6(f, OF_FIELD_IPV6_SRC, from);
		dst = end6(f, OF_FIELD_IPV6_DST, to);
	} else if (type == 0x0806) {
		src = fold(number(f, OF_FIELD_ARP_SPA, 0) << 16 ^ K1, K2);
		dst = fold(number(f, OF_FIELD_ARP_TPA, 0) << 16 ^ K1, K2);
		return fold((stations(f, symmetric) + both(src, dst, symmetric)) ^ type, K3);
	} else {
		return fold(stations(f, symmetric) ^ type, K3);
	}
	return fold(both(src, dst, symmetric) ^ number(f, OF_FIELD_IP_PROTO, 0), K3);
}

static uint64_t named_fields(const struct ref_frame *f, const struct of_selection *how)
{
	uint64_t h = 0;

	for (uint32_t i = 0; i < how->n_fields; i++) {
		const struct of_field *d = how->field[i].field;
		const struct ref_bits mask = ref_bytes(how->field[i].value, d->bytes, d->bits);
		const struct ref_bits v = ref_get(f, d);
		uint64_t part[2] = { 0, 0 };

		if (!ref_meets(f, d))
			continue;
		/* The first eight bytes of its wire form, and what is behind them. */
		for (unsigned int n = 0; n < d->bits; n++) {
			const unsigned int byte = d->bytes - 1 - n / 8;

			if (v.bit[n] & mask.bit[n])
				part[byte / 8] |= UINT64_C(1) << (8 * (7 - byte % 8) + n % 8);
		}
		h = fold(h ^ part[0] ^ K1, K2);
		h = fold(h ^ part[1] ^ i, K3);
	}
	return h;
}

static uint32_t hash(const struct ref_frame *f, const struct ref_group *g)
{
	const struct of_selection *how = &g->how;
	uint64_t basis = how->param, h;

	if (!strcmp(how->method, "dp_hash")) {
		h = connection(f, basis >> 32 == 1);
		basis &= 0xffffffff;
	} else if (how->n_fields) {
		h = named_fields(f, how);
	} else {
		h = fold((stations(f, true) + connection(f, true)) ^
				 number(f, OF_FIELD_VLAN_VID, 0) << 16 ^
				 number(f, OF_FIELD_ETH_TYPE, 0),
			 K3);
	}
	h ^= fold(basis ^ K1, K4) + g->id;
	return (uint32_t)(fold(fold(h, K4) ^ K1, K2) >> 32);
}

/* ---- The slots ---- */

static uint64_t deed(const struct of_bucket *k)
{
	uint8_t *buf = malloc(OF_MSG_MAX);
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	int n = buf ? of_encode_list(&k->actions, buf, OF_MSG_MAX, NULL) : 0;

	for (int i = 0; i < n; i++) {
		h ^= buf[i];
		h *= UINT64_C(0x100000001b3);
	}
	free(buf);
	return h;
}

static uint64_t weight(const struct ref_group *g, uint32_t i)
{
	return OF_AT(&g->buckets, i, bucket)->weight;
}

/* Largest remainders. */
static void shares(const struct ref_group *g, uint32_t n_slots, uint64_t total, uint32_t *share)
{
	const uint32_t n = g->buckets.n;
	uint64_t rest[REF_BUCKETS];
	uint32_t sum = 0, at;

	for (uint32_t i = 0; i < n; i++) {
		share[i] = (uint32_t)(weight(g, i) * n_slots / total);
		rest[i] = weight(g, i) * n_slots % total;
		if (weight(g, i) && !share[i])
			share[i] = 1, rest[i] = 0;
		sum += share[i];
	}
	for (; sum < n_slots; sum++) {
		at = 0;
		for (uint32_t i = 1; i < n; i++)
			if (rest[i] > rest[at])
				at = i;
		share[at]++;
		rest[at] = 0;
	}
	for (; sum > n_slots; sum--) {
		at = 0;
		for (uint32_t i = 1; i < n; i++)
			if (share[i] > share[at])
				at = i;
		share[at]--;
	}
}

static void fill(const struct ref_group *g, uint32_t n_slots, uint64_t total, uint16_t *slot)
{
	uint32_t share[REF_BUCKETS], has[REF_BUCKETS] = { 0 };
	uint64_t at[REF_BUCKETS], who[REF_BUCKETS];

	shares(g, n_slots, total, share);
	for (uint32_t i = 0; i < g->buckets.n; i++) {
		uint64_t same = 0;

		who[i] = deed(OF_AT(&g->buckets, i, bucket));
		for (uint32_t k = 0; k < i; k++)
			same += who[k] == who[i];
		at[i] = scatter(who[i] + same * K2);
	}
	for (uint32_t s = 0; s < n_slots; s++)
		slot[s] = NOBODY;
	for (uint64_t round = 1; round <= 512; round++)
		for (uint32_t i = 0; i < g->buckets.n; i++)
			while (has[i] < share[i] * round / 512) {
				const uint32_t s = (uint32_t)at[i] % n_slots;
				const uint64_t step = at[i] >> 32 | 1;

				at[i] = step << 32 | (uint32_t)(at[i] + step);
				if (slot[s] != NOBODY)
					continue;
				slot[s] = (uint16_t)i;
				has[i]++;
			}
}

/* Its slots; made when first needed. */
static bool have_slots(struct ref_group *g)
{
	uint64_t total = 0, least = UINT64_MAX;

	if (g->n_slots)
		return true;
	for (uint32_t i = 0; i < g->buckets.n; i++) {
		total += weight(g, i);
		if (weight(g, i) && weight(g, i) < least)
			least = weight(g, i);
	}
	if (!total || g->buckets.n > REF_BUCKETS)
		return false;
	g->slot = malloc(MORE_SLOTS * sizeof(g->slot[0]));
	if (!g->slot)
		return false;
	g->n_slots = least * SLOTS / total < 32 ? MORE_SLOTS : SLOTS;
	fill(g, g->n_slots, total, g->slot);
	return true;
}

static int select_bucket(struct ref *r, struct ref_frame *f, struct ref_group *g)
{
	uint32_t slot, step, h;

	if (!have_slots(g))
		return -1;
	h = hash(f, g);
	if (!strcmp(g->how.method, "dp_hash"))
		f->meta.dp_hash = htobe32(h);
	slot = (uint32_t)((uint64_t)h * g->n_slots >> 32);
	step = (uint32_t)scatter(slot) | 1;
	/* Its own slot, then the detour. */
	for (uint32_t n = 0; n <= 64; n++) {
		const uint16_t i = g->slot[(slot + n * step) % g->n_slots];

		if (ref_bucket_lives(r, OF_AT(&g->buckets, i, bucket)))
			return i;
	}
	for (uint32_t n = 0; n < g->buckets.n; n++) {
		const uint32_t i = (slot + n) % g->buckets.n;

		if (weight(g, i) && ref_bucket_lives(r, OF_AT(&g->buckets, i, bucket)))
			return (int)i;
	}
	return -1;
}

int ref_choose(struct ref *r, struct ref_frame *f, struct ref_group *g)
{
	if (g->type == OFPGT_SELECT)
		return select_bucket(r, f, g);
	for (uint32_t i = 0; i < g->buckets.n; i++)
		if (ref_bucket_lives(r, OF_AT(&g->buckets, i, bucket)))
			return (int)i;
	return -1;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/select.h"

#include <stdlib.h>
#include <string.h>

#include "base/ip_proto.h"
#include "ofproto/field.h"

/* Odd numbers without a pattern. */
#define K1 UINT64_C(0x9e3779b97f4a7c15)
#define K2 UINT64_C(0xbf58476d1ce4e5b9)
#define K3 UINT64_C(0x94d049bb133111eb)
#define K4 UINT64_C(0xd6e8feb86659fd93)

static inline uint64_t fold(uint64_t a, uint64_t b)
{
	unsigned __int128 m = (unsigned __int128)a * b;

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

/* A number of which every bit hangs on every bit of 'v'. */
static uint64_t scatter(uint64_t v)
{
	return fold(fold(v ^ K1, K2) ^ K3, K4);
}

/* ---- The hash ---- */

static bool has_ports(const struct flow_key *k)
{
	/* Fragments but the first have none: none for all of them, so that they stay together. */
	return !(k->ip_frag & FLOW_FRAG_ANY) &&
	       (k->ip_proto == PROTO_TCP || k->ip_proto == PROTO_UDP || k->ip_proto == PROTO_SCTP);
}

static uint64_t ends(uint64_t src, uint64_t dst, bool symmetric)
{
	return (symmetric ? src : fold(src ^ K3, K4)) + dst;
}

static uint64_t end4(be32 addr, uint16_t port)
{
	return fold(((uint64_t)be32toh(addr) << 16 | port) ^ K1, K2);
}

static uint64_t end6(const uint8_t *addr, uint16_t port)
{
	return fold(fold(get_be64(addr) ^ K1, get_be64(addr + 8) ^ K3) ^ port ^ K1, K2);
}

static uint64_t end_mac(const uint8_t *mac)
{
	return fold(((uint64_t)get_be16(mac) << 32 | get_be32(mac + 2)) ^ K1, K2);
}

static uint64_t macs(const struct flow_key *k, bool symmetric)
{
	return ends(end_mac(k->eth_src), end_mac(k->eth_dst), symmetric);
}

static uint64_t connection(const struct flow_key *k, bool symmetric)
{
	const uint16_t type = be16toh(k->eth_type);
	uint16_t from = 0, to = 0;

	if (type == 0x0806) /* who asks for whom, as with IP */
		return fold((macs(k, symmetric) +
			     ends(end4(k->nw_src, 0), end4(k->nw_dst, 0), symmetric)) ^
				    type,
			    K3);
	if (type != 0x0800 && type != 0x86dd)
		return fold(macs(k, symmetric) ^ type, K3);
	if (has_ports(k)) {
		from = be16toh(k->tp_src);
		to = be16toh(k->tp_dst);
	}
	if (type == 0x0800)
		return fold(
			ends(end4(k->nw_src, from), end4(k->nw_dst, to), symmetric) ^ k->ip_proto,
			K3);
	return fold(ends(end6(k->ipv6_src, from), end6(k->ipv6_dst, to), symmetric) ^ k->ip_proto,
		    K3);
}

static uint64_t layers(const struct flow_key *k)
{
	/* Without the priority, which may differ between two frames of a flow. */
	const uint64_t tag = be16toh(k->vlan_tci) & 0x1fff;

	return fold((macs(k, true) + connection(k, true)) ^ tag << 16 ^ be16toh(k->eth_type), K3);
}

/* A field that the packet does not have counts for nothing. */
static uint64_t fields(const struct select *s, const struct flow_key *k)
{
	uint64_t h = 0;

	for (unsigned int i = 0; i < s->n_fields; i++) {
		const struct select_field *f = &s->fields[i];
		uint8_t v[16] = { 0 };

		if (!of_field_pre_met(f->field, k))
			continue;
		of_field_get(f->field, k, v);
		for (unsigned int n = 0; n < f->field->bytes; n++)
			v[n] &= f->mask[n];
		h = fold(h ^ get_be64(v) ^ K1, K2);
		h = fold(h ^ get_be64(v + 8) ^ i, K3);
	}
	return h;
}

uint32_t select_hash(const struct select *s, const struct flow_key *k)
{
	uint64_t h;

	switch (s->hash) {
	case SELECT_FIELDS:
		h = fields(s, k);
		break;
	case SELECT_LAYERS:
		h = layers(k);
		break;
	default:
		h = connection(k, s->hash == SELECT_SYMMETRIC);
		break;
	}
	return (uint32_t)(fold(fold(h ^ s->seed, K4) ^ K1, K2) >> 32);
}

uint32_t select_detour(const struct select *s, uint32_t slot, uint32_t n)
{
	return (slot + n * ((uint32_t)scatter(slot) | 1)) & (s->n_slots - 1);
}

/* ---- The table ---- */

/* How many slots there are: 0 where no bucket has a weight. */
static uint32_t slots(const struct select_share *b, uint32_t n)
{
	uint64_t total = 0, least = UINT64_MAX;

	for (uint32_t i = 0; i < n; i++) {
		total += b[i].weight;
		if (b[i].weight && b[i].weight < least)
			least = b[i].weight;
	}
	if (!total)
		return 0;
	return least * SELECT_SLOTS / total < SELECT_SHARE_MIN ? SELECT_SLOTS_MORE : SELECT_SLOTS;
}

/* One bucket, while the table is filled. */
struct taker {
	uint32_t share, has;
	uint32_t at, step; /* the next slot to ask for */
	uint64_t rest;	   /* of its exact share, in parts of the sum of weights */
};

/* The slots that rounding left over go to those that lost most by it; of equals, to the first. */
static void share_out(struct taker *t, const struct select_share *b, uint32_t n, uint32_t n_slots)
{
	uint64_t total = 0;
	uint32_t given = 0;

	for (uint32_t i = 0; i < n; i++)
		total += b[i].weight;
	for (uint32_t i = 0; i < n; i++) {
		const uint64_t exact = (uint64_t)b[i].weight * n_slots;

		t[i].share = (uint32_t)(exact / total);
		t[i].rest = exact % total;
		if (b[i].weight && !t[i].share) {
			t[i].share = 1;
			t[i].rest = 0;
		}
		given += t[i].share;
	}
	while (given != n_slots) {
		uint32_t best = 0;

		for (uint32_t i = 1; i < n; i++)
			if (given < n_slots ? t[i].rest > t[best].rest : t[i].share > t[best].share)
				best = i;
		t[best].share += given < n_slots ? 1 : -1u;
		t[best].rest = 0;
		given += given < n_slots ? 1 : -1u;
	}
}

static void take(struct select *s, struct taker *t, uint32_t who, uint32_t up_to)
{
	while (t->has < up_to) {
		if (s->slot[t->at] == UINT16_MAX) {
			s->slot[t->at] = (uint16_t)who;
			t->has++;
		}
		t->at = (t->at + t->step) & (s->n_slots - 1);
	}
}

/* Buckets that do the same are told apart by their number among those. */
static uint64_t order(const struct select_share *b, uint32_t i)
{
	uint64_t same = 0;

	for (uint32_t k = 0; k < i; k++)
		same += b[k].who == b[i].who;
	return scatter(b[i].who + same * K2);
}

static void fill(struct select *s, struct taker *t, const struct select_share *b, uint32_t n)
{
	memset(s->slot, 0xff, s->n_slots * sizeof(s->slot[0]));
	for (uint32_t i = 0; i < n; i++) {
		const uint64_t o = order(b, i);

		t[i].at = (uint32_t)o & (s->n_slots - 1);
		t[i].step = (uint32_t)(o >> 32) | 1;
	}
	for (uint32_t r = 1; r <= SELECT_ROUNDS; r++)
		for (uint32_t i = 0; i < n; i++)
			take(s, &t[i], i, (uint32_t)((uint64_t)t[i].share * r / SELECT_ROUNDS));
}

/* ---- Life ---- */

static int choose_hash(struct select *s, uint32_t group_id, const struct of_selection *how)
{
	uint64_t basis = how ? how->param : 0;

	s->hash = SELECT_LAYERS;
	if (how && !strcmp(how->method, "dp_hash")) {
		s->hash = basis >> 32 ? SELECT_SYMMETRIC : SELECT_5TUPLE;
		basis = (uint32_t)basis;
	} else if (how && how->n_fields) {
		s->hash = SELECT_FIELDS;
	}
	s->seed = fold(basis ^ K1, K4) + group_id;
	if (s->hash != SELECT_FIELDS)
		return 0;
	s->fields = calloc(how->n_fields, sizeof(s->fields[0]));
	if (!s->fields)
		return -1;
	for (uint32_t i = 0; i < how->n_fields; i++) {
		s->fields[i].field = how->field[i].field;
		memcpy(s->fields[i].mask, how->field[i].value, sizeof(s->fields[i].mask));
	}
	s->n_fields = (uint8_t)how->n_fields;
	return 0;
}

struct select *select_new(uint32_t group_id, const struct of_selection *how,
			  const struct select_share *b, uint32_t n)
{
	const uint32_t n_slots = slots(b, n);
	struct select *s = calloc(1, sizeof(*s) + n_slots * sizeof(s->slot[0]));
	struct taker *t = calloc(n + 1, sizeof(*t));

	if (!s || !t || choose_hash(s, group_id, how)) {
		free(t);
		free(s);
		return NULL;
	}
	s->n_slots = n_slots;
	s->n_buckets = n;
	if (n_slots) {
		share_out(t, b, n, n_slots);
		fill(s, t, b, n);
	}
	free(t);
	return s;
}

void select_free(struct select *s)
{
	if (s)
		free(s->fields);
	free(s);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/mask.h"

#include <stdlib.h>
#include <string.h>

#include "datapath/cls_hash.h"

/* Masks are told apart by words and bits; their hash says most of it. */
#define HASH_KEYCMP(a, b, len) (!cls_mask_same((const void *)(a), (const void *)(b)))
static int cls_mask_same(const struct cls_mask *a, const struct cls_mask *b);
#include <uthash.h>

struct mask_entry {
	struct cls_mask mask; /* first: an entry is found from its mask */
	UT_hash_handle hh;
};

struct mask_set {
	struct mask_entry *entries;
	/* What was found last, and as what: flow_mods come in series of one mask. */
	struct mask_entry *last;
	bool last_l4;
	struct flow_key last_key;
};

static int cls_mask_same(const struct cls_mask *a, const struct cls_mask *b)
{
	return a->words == b->words && !memcmp(a->bits, b->bits, a->n_words * sizeof(a->bits[0]));
}

void cls_mask_init(struct cls_mask *m, const struct flow_key *key)
{
	const uint64_t *w = (const uint64_t *)key;
	uint64_t h = 0;

	m->words = 0;
	m->n_words = 0;
	for (unsigned int i = 0; i < FLOW_KEY_WORDS; i++) {
		if (!w[i])
			continue;
		m->words |= UINT64_C(1) << i;
		m->word[m->n_words] = (uint8_t)i;
		m->bits[m->n_words++] = w[i];
		h += cls_hash_mix(w[i] ^ cls_hash_keys[i], cls_hash_keys[i + 1]);
	}
	m->hash = cls_hash_mix(h, cls_hash_keys[FLOW_KEY_WORDS + 1]);
}

bool cls_mask_within(const struct cls_mask *a, const struct cls_mask *b)
{
	unsigned int j = 0;

	if (a->words & ~b->words)
		return false;
	for (unsigned int i = 0; i < a->n_words; i++) {
		while (b->word[j] != a->word[i])
			j++;
		if (a->bits[i] & ~b->bits[j])
			return false;
	}
	return true;
}

void cls_mask_intersect(const struct cls_mask *a, const struct cls_mask *b, struct cls_mask *out)
{
	uint64_t key[FLOW_KEY_WORDS] = { 0 };
	unsigned int j = 0;

	for (unsigned int i = 0; i < a->n_words; i++) {
		while (j < b->n_words && b->word[j] < a->word[i])
			j++;
		if (j < b->n_words && b->word[j] == a->word[i])
			key[a->word[i]] = a->bits[i] & b->bits[j];
	}
	cls_mask_init(out, (const struct flow_key *)key);
}

static bool has_l4(const struct of_match *m)
{
	const struct flow_key *k = &m->mask;

	return (k->tp_src || k->tp_dst || k->tcp_flags) &&
	       (m->value.eth_type == htobe16(0x0800) || m->value.eth_type == htobe16(0x86dd));
}

void cls_match_bits(const struct of_match *m, struct flow_key *bits)
{
	*bits = m->mask;
	if (has_l4(m))
		bits->ip_frag |= FLOW_L4_NONE;
}

/* Not memcmp(), whose wide loads would wait for what was just written field by field. */
static bool same_words(const struct flow_key *a, const struct flow_key *b)
{
	const uint64_t *x = (const uint64_t *)a, *y = (const uint64_t *)b;
	uint64_t other = 0;

	for (unsigned int i = 0; i < FLOW_KEY_WORDS; i++)
		other |= x[i] ^ y[i];
	return !other;
}

struct mask_set *mask_set_new(void)
{
	return calloc(1, sizeof(struct mask_set));
}

void mask_set_free(struct mask_set *s)
{
	free(s);
}

struct cls_mask *mask_find(struct mask_set *s, const struct of_match *m)
{
	struct flow_key bits;
	struct cls_mask want;
	struct mask_entry *e;

	if (s->last && s->last_l4 == has_l4(m) && same_words(&s->last_key, &m->mask))
		return &s->last->mask;
	cls_match_bits(m, &bits);
	cls_mask_init(&want, &bits);
	HASH_FIND_BYHASHVALUE(hh, s->entries, &want, sizeof(want), (unsigned int)want.hash, e);
	if (!e)
		return NULL;
	s->last = e;
	s->last_l4 = has_l4(m);
	s->last_key = m->mask;
	return &e->mask;
}

struct cls_mask *mask_get(struct mask_set *s, const struct flow_key *key)
{
	struct cls_mask want;
	struct mask_entry *e;

	cls_mask_init(&want, key);
	HASH_FIND_BYHASHVALUE(hh, s->entries, &want, sizeof(want), (unsigned int)want.hash, e);
	if (!e) {
		e = calloc(1, sizeof(*e));
		if (!e)
			return NULL;
		cls_mask_init(&e->mask, key);
		HASH_ADD_KEYPTR_BYHASHVALUE(hh, s->entries, &e->mask, sizeof(e->mask),
					    (unsigned int)e->mask.hash, e);
	}
	mask_take(&e->mask);
	return &e->mask;
}

void mask_take(struct cls_mask *m)
{
	m->refs++;
}

void mask_put(struct mask_set *s, const struct cls_mask *m)
{
	struct mask_entry *e = (struct mask_entry *)(uintptr_t)m;

	if (--e->mask.refs)
		return;
	if (s->last == e)
		s->last = NULL;
	HASH_DEL(s->entries, e);
	free(e);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/cls_prefix.h"

#include <string.h>

#include "datapath/act_priv.h"
#include "datapath/mask.h"

_Static_assert(offsetof(struct flow_key, nw_src) % 8 == 0, "nw_src begins a word");
_Static_assert(offsetof(struct flow_key, nw_dst) == offsetof(struct flow_key, nw_src) + 4,
	       "nw_dst ends it");
_Static_assert(offsetof(struct flow_key, ipv6_src) % 8 == 0 &&
		       offsetof(struct flow_key, ipv6_dst) % 8 == 0,
	       "IPv6 addresses are whole words");

static be16 eth_type_in(uint64_t word)
{
	be16 type;

	memcpy(&type, (const char *)&word + offsetof(struct flow_key, eth_type) % 8, sizeof(type));
	return type;
}

enum prefix_family prefix_family_of(const struct cls_rule *r)
{
	const struct cls_mask *m = r->mask;

	for (unsigned int i = 0; i < m->n_words; i++) {
		if (m->word[i] != offsetof(struct flow_key, eth_type) / 8 ||
		    eth_type_in(m->bits[i]) != htobe16(0xffff))
			continue;
		if (eth_type_in(r->value[i]) == htobe16(ETH_TYPE_IPV4))
			return PREFIX_IP;
		if (eth_type_in(r->value[i]) == htobe16(ETH_TYPE_IPV6))
			return PREFIX_IPV6;
	}
	return N_PREFIX_FAMILIES;
}

/* What of a word is not the address. */
static uint64_t rest(enum prefix_field f, unsigned int word, uint64_t bits)
{
	const unsigned int at = prefix_word(f);

	switch (f) {
	case PREFIX_IP_DST:
		return word == at ? bits & htobe64(0xffffffff00000000) : bits;
	case PREFIX_IP_SRC:
		return word == at ? bits & htobe64(0xffffffff) : bits;
	default:
		return word == at || word == at + 1 ? 0 : bits;
	}
}

/* 'v': words of the rule's value or of its mask. */
static struct trie_key key_of(enum prefix_field f, const struct cls_mask *m, const uint64_t *v)
{
	const unsigned int at = prefix_word(f);
	uint64_t w[2] = { 0 };

	for (unsigned int i = 0; i < m->n_words; i++)
		if (m->word[i] == at || m->word[i] == at + 1)
			w[m->word[i] - at] = v[i];
	return prefix_key(f, w[0], w[1]);
}

static bool is_prefix(uint64_t mask)
{
	return !(~mask & (~mask + 1));
}

static bool mask_is_prefix(struct trie_key m)
{
	return is_prefix(m.hi) && is_prefix(m.lo) && (!m.lo || m.hi == UINT64_MAX);
}

/* Mask and value of everything but the prefix. */
static void rest_of(const struct cls_rule *r, enum prefix_field f, struct cls_mask *mask,
		    uint64_t *value)
{
	uint64_t m[FLOW_KEY_WORDS] = { 0 }, v[FLOW_KEY_WORDS] = { 0 };

	for (unsigned int i = 0; i < r->mask->n_words; i++) {
		const unsigned int w = r->mask->word[i];

		m[w] = rest(f, w, r->mask->bits[i]);
		v[w] = rest(f, w, r->value[i]);
	}
	cls_mask_init(mask, (const struct flow_key *)m);
	for (unsigned int i = 0; i < mask->n_words; i++)
		value[i] = v[mask->word[i]];
}

void prefix_set_init(struct prefix_set *s, enum prefix_field field, const struct cls_rule *r)
{
	memset(s, 0, sizeof(*s));
	s->field = field;
	rest_of(r, field, &s->mask, s->value);
}

static bool mask_fits(struct prefix_set *s, const struct cls_rule *r, uint8_t *len)
{
	const unsigned int slot = (unsigned int)(r->mask->hash >> 58);
	uint64_t v[FLOW_KEY_WORDS];
	struct cls_mask m;
	struct trie_key prefix;

	if (s->seen[slot].hash != r->mask->hash) {
		prefix = key_of(s->field, r->mask, r->mask->bits);
		rest_of(r, s->field, &m, v);
		s->seen[slot].hash = r->mask->hash;
		s->seen[slot].len = (uint8_t)(__builtin_popcountll(prefix.hi) +
					      __builtin_popcountll(prefix.lo));
		s->seen[slot].fits = mask_is_prefix(prefix) && m.hash == s->mask.hash &&
				     m.words == s->mask.words &&
				     !memcmp(m.bits, s->mask.bits, m.n_words * sizeof(m.bits[0]));
	}
	*len = s->seen[slot].len;
	return s->seen[slot].fits;
}

bool prefix_set_has(struct prefix_set *s, const struct cls_rule *r, struct prefix *out)
{
	unsigned int n = 0;

	if (!mask_fits(s, r, &out->len))
		return false;
	out->key = key_of(s->field, r->mask, r->value);
	for (unsigned int i = 0; i < r->mask->n_words; i++) {
		const unsigned int w = r->mask->word[i];

		if (rest(s->field, w, r->mask->bits[i]) &&
		    rest(s->field, w, r->value[i]) != s->value[n++])
			return false;
	}
	return true;
}

bool prefix_apart(const struct prefix_set *s, const struct cls_rule *r)
{
	const struct cls_mask *a = &s->mask, *b = r->mask;
	unsigned int j = 0;

	for (unsigned int i = 0; i < a->n_words; i++) {
		while (j < b->n_words && b->word[j] < a->word[i])
			j++;
		if (j < b->n_words && b->word[j] == a->word[i] &&
		    (s->value[i] ^ r->value[j]) & a->bits[i] & b->bits[j])
			return true;
	}
	return false;
}

bool prefix_whole(enum prefix_field f, const struct cls_rule *r, struct trie_key *key)
{
	const struct trie_key mask = key_of(f, r->mask, r->mask->bits);

	*key = key_of(f, r->mask, r->value);
	return (mask.hi | (prefix_bits(f) == 32 ? UINT32_MAX : 0)) == UINT64_MAX &&
	       (prefix_bits(f) == 32 || mask.lo == UINT64_MAX);
}

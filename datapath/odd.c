/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/odd.h"

#include "datapath/cls_conj.h"

enum { ETH_TYPE_IPV4 = 0x0800, DST = offsetof(struct flow_key, eth_dst) / 8 };

/* The rule's bits, or its value, in a word of the key; 0: it has none. */
static uint64_t in_word(const struct cls_rule *r, unsigned int word, const uint64_t *of)
{
	for (unsigned int i = 0; i < r->mask->n_words; i++)
		if (r->mask->word[i] == word)
			return of[i];
	return 0;
}

static uint64_t kind_of(const struct cls_rule *r)
{
	return in_word(r, ODD_NW, r->mask->bits);
}

/*
 * Of IPv4, and not of addresses that are zero: a packet that has none matches no odd rule, whatever
 * its header may say.
 */
static bool has_addresses(const struct cls_rule *r)
{
	const struct flow_key type = { .eth_type = UINT16_MAX },
			      ipv4 = { .eth_type = htobe16(ETH_TYPE_IPV4) };
	const uint64_t bits = ((const uint64_t *)&type)[DST];

	return in_word(r, ODD_NW, r->value) && !(bits & ~in_word(r, DST, r->mask->bits)) &&
	       (in_word(r, DST, r->value) & bits) == ((const uint64_t *)&ipv4)[DST];
}

/* Whether it looks at nothing that others in 'c' do not. */
static bool is_like_others(const struct cls *c, const struct cls_rule *r)
{
	uint64_t more = 0;

	for (unsigned int i = 0; i < r->mask->n_words; i++)
		more |= r->mask->bits[i] &
			~atomic_load_explicit(&c->usual[r->mask->word[i]], memory_order_relaxed);
	return !more;
}

/* The place of these bits, or one that is free; ODD_KINDS: none. */
static unsigned int place_of(const struct odd_rules *o, uint64_t bits)
{
	unsigned int at = ODD_KINDS;

	for (unsigned int i = 0; i < ODD_KINDS; i++) {
		const uint64_t kind = atomic_load_explicit(&o->kind[i], memory_order_relaxed);

		if (kind == bits)
			return i;
		if (!kind && at == ODD_KINDS)
			at = i;
	}
	return at;
}

static void count(struct odd_rules *o, const struct cls_rule *r, bool more)
{
	const uint64_t h = odd_hash(in_word(r, ODD_NW, r->value), kind_of(r));
	_Atomic uint64_t *word = &o->filter[h % ODD_WORDS];
	uint64_t now = atomic_load_explicit(word, memory_order_relaxed);

	for (uint64_t bits = odd_bits(h); bits; bits &= bits - 1) {
		const unsigned int bit = (unsigned int)__builtin_ctzll(bits);
		uint16_t *n = &o->count[h % ODD_WORDS * 64 + bit];

		*n = (uint16_t)(more ? *n + 1 : *n - 1);
		now = *n ? now | UINT64_C(1) << bit : now & ~(UINT64_C(1) << bit);
	}
	atomic_store_explicit(word, now, memory_order_relaxed);
}

void odd_admit(struct odd_rules *o, const struct cls *c, struct cls_rule *r)
{
	unsigned int at;

	if (r->odd || !c || c->n_rules < o->among || c->ops == &cls_conj || r->conj ||
	    o->n == ODD_MAX || !has_addresses(r) || is_like_others(c, r))
		return;
	at = place_of(o, kind_of(r));
	if (at == ODD_KINDS)
		return;
	r->odd = true;
	o->n++;
	o->n_of[at]++;
	count(o, r, true);
	/* The version that shows the rule is published later. */
	atomic_store_explicit(&o->kind[at], kind_of(r), memory_order_release);
}

void odd_forget(struct odd_rules *o, struct cls_rule *r)
{
	unsigned int at;

	if (!r->odd)
		return;
	r->odd = false;
	at = place_of(o, kind_of(r));
	o->n--;
	count(o, r, false);
	if (!--o->n_of[at])
		atomic_store_explicit(&o->kind[at], 0, memory_order_relaxed);
}

unsigned int odd_kinds(const struct odd_rules *o, uint64_t kind[ODD_KINDS])
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < ODD_KINDS; i++) {
		kind[n] = atomic_load_explicit(&o->kind[i], memory_order_acquire);
		n += kind[n] != 0;
	}
	return n;
}

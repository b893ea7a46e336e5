/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules seen as routes: a prefix of one address field, and everything else the same in all of them
 * (the lpm template).  Control thread; plain data.
 */
#ifndef WEFT_DATAPATH_CLS_PREFIX_H
#define WEFT_DATAPATH_CLS_PREFIX_H

#include "datapath/cls_trie.h"

enum prefix_field {
	PREFIX_IP_DST,
	PREFIX_IP_SRC,
	PREFIX_IPV6_DST,
	PREFIX_IPV6_SRC,
	N_PREFIX_FIELDS,
};

/* Of one ethertype; no packet has routes of both. */
enum prefix_family { PREFIX_IP, PREFIX_IPV6, N_PREFIX_FAMILIES };

enum {
	PREFIX_NW = offsetof(struct flow_key, nw_src) / 8, /* ip_src and ip_dst share it */
};

struct prefix {
	struct trie_key key;
	uint8_t len;
};

/* What all routes have in common. */
struct prefix_set {
	enum prefix_field field;
	struct cls_mask mask;
	uint64_t value[FLOW_KEY_WORDS];
	/* Masks that were looked at last, by hash, and whether they are the common one with a
	 * prefix. */
	struct {
		uint64_t hash;
		bool fits;
		uint8_t len;
	} seen[64];
};

/* Of which kind a rule's address must be; N_PREFIX_FAMILIES: it has none. */
enum prefix_family prefix_family_of(const struct cls_rule *r);
/* As rule 'r' has it. */
void prefix_set_init(struct prefix_set *s, enum prefix_field field, const struct cls_rule *r);
/* Whether 'r' is a route among those, and which. */
bool prefix_set_has(struct prefix_set *s, const struct cls_rule *r, struct prefix *out);

/* Whether no packet can hit both 'r' and a route of them. */
bool prefix_apart(const struct prefix_set *s, const struct cls_rule *r);
/* Whether 'r' matches the whole address of this field, and which it is. */
bool prefix_whole(enum prefix_field f, const struct cls_rule *r, struct trie_key *key);

static inline enum prefix_family prefix_family(enum prefix_field f)
{
	return f == PREFIX_IP_DST || f == PREFIX_IP_SRC ? PREFIX_IP : PREFIX_IPV6;
}

static inline unsigned int prefix_bits(enum prefix_field f)
{
	return f == PREFIX_IP_DST || f == PREFIX_IP_SRC ? 32 : 128;
}

/* The word of the key that it begins in. */
static inline unsigned int prefix_word(enum prefix_field f)
{
	switch (f) {
	case PREFIX_IPV6_DST:
		return offsetof(struct flow_key, ipv6_dst) / 8;
	case PREFIX_IPV6_SRC:
		return offsetof(struct flow_key, ipv6_src) / 8;
	default:
		return PREFIX_NW;
	}
}

/* The address in its word, or its two words. */
static inline struct trie_key prefix_key(enum prefix_field f, uint64_t first, uint64_t second)
{
	if (f == PREFIX_IP_DST)
		return (struct trie_key){ .hi = be64toh(first) << 32 };
	if (f == PREFIX_IP_SRC)
		return (struct trie_key){ .hi = be64toh(first) >> 32 << 32 };
	return (struct trie_key){ .hi = be64toh(first), .lo = be64toh(second) };
}

#endif

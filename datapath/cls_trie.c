/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/cls_trie.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { HUGE = 16 << 20 }; /* from here on large pages do not cost more memory than they are worth */

static void entry_set(trie_entry *e, uint32_t v)
{
	atomic_store_explicit(e, v, memory_order_release);
}

int trie_init(struct trie *t, uint32_t n)
{
	const size_t root = TRIE_ROOT * sizeof(trie_entry);
	char *p;

	memset(t, 0, sizeof(*t));
	if (n >= TRIE_MAX)
		return -ENOMEM;
	t->max = n + 1;
	t->bytes = root + (size_t)t->max * TRIE_BYTES;
	p = mmap(NULL, t->bytes, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return -ENOMEM;
	if (t->bytes >= HUGE)
		(void)madvise(p, t->bytes, MADV_HUGEPAGE);
	t->mem = p;
	t->root = (trie_entry *)p;
	p += root;
	t->tables = (struct trie_table *)p;
	p += t->max * sizeof(struct trie_table);
	t->leaves = (struct trie_leaf *)p;
	p += t->max * sizeof(struct trie_leaf);
	t->nodes = (struct trie_node *)p;
	p += t->max * sizeof(struct trie_node);
	t->bases = (struct trie_key *)p;
	t->n = t->n_tables = 1;
	return 0;
}

void trie_fini(struct trie *t)
{
	if (!t->mem)
		return;
	for (uint32_t i = 1; i < t->n; i++) {
		struct trie_link *k =
			atomic_load_explicit(&t->nodes[i].first.next, memory_order_relaxed);

		while (k) {
			struct trie_link *next =
				atomic_load_explicit(&k->next, memory_order_relaxed);

			free(k);
			k = next;
		}
	}
	munmap(t->mem, t->bytes);
	t->mem = NULL;
}

static unsigned int common_bits(struct trie_key a, struct trie_key b)
{
	if (a.hi != b.hi)
		return (unsigned int)__builtin_clzll(a.hi ^ b.hi);
	return a.lo == b.lo ? TRIE_BITS : 64 + (unsigned int)__builtin_clzll(a.lo ^ b.lo);
}

static struct trie_key first_bits(struct trie_key k, unsigned int n)
{
	if (n <= 64)
		return (struct trie_key){ .hi = n ? k.hi >> (64 - n) << (64 - n) : 0 };
	return (struct trie_key){ .hi = k.hi, .lo = k.lo >> (128 - n) << (128 - n) };
}

static struct trie_key with_digit(struct trie_key k, unsigned int at, uint64_t digit)
{
	const uint64_t bits = digit << (60 - 4 * (at & 15));

	return (struct trie_key){ .hi = at < 16 ? k.hi | bits : k.hi,
				  .lo = at < 16 ? k.lo : k.lo | bits };
}

static unsigned int len_of(const struct trie *t, uint32_t leaf)
{
	return trie_len(&t->leaves[leaf]);
}

/*
 * Makes an entry within leaf's prefix lead to it, unless it leads to a longer one: then the longest
 * of those below that had its parent gets it.
 */
static void cover(struct trie *t, trie_entry *e, uint32_t leaf)
{
	const uint32_t v = trie_entry_get(e);
	const unsigned int len = len_of(t, leaf);
	uint32_t n = v, up;

	if (trie_is_table(v)) {
		for (unsigned int i = 0; i < TRIE_FAN; i++)
			cover(t, &t->tables[trie_table_no(v)].e[i], leaf);
		return;
	}
	if (!n || len_of(t, n) < len) {
		entry_set(e, leaf);
		return;
	}
	while ((up = trie_parent(t, n)) && len_of(t, up) > len)
		n = up;
	if (n != leaf && up != leaf)
		atomic_store_explicit(&t->nodes[n].parent, leaf, memory_order_release);
}

/*
 * Puts a table in front of what an entry leads to, for four bits before those that it goes by: of
 * 'k', which parts there from 'other', whose way 'old' was.
 */
static void split(struct trie *t, trie_entry *e, unsigned int at, struct trie_key other)
{
	const uint32_t old = trie_entry_get(e), no = t->n_tables++;
	const struct trie_key base = first_bits(other, 4 * at);
	uint32_t end = old;

	while (trie_is_table(end))
		end = trie_entry_get(trie_below(t, end, other));
	t->bases[no] = base;
	for (unsigned int i = 0; i < TRIE_FAN; i++) {
		const struct trie_key k = with_digit(base, at, i);
		uint32_t to = end;

		if (i == trie_digit(other, at) &&
		    (trie_is_table(old) || len_of(t, old) >= 4 * at + 4))
			to = old;
		else
			while (to && (len_of(t, to) > 4 * at + 4 ||
				      !trie_covers(&t->leaves[to], len_of(t, to), k)))
				to = trie_parent(t, to);
		atomic_init(&t->tables[no].e[i], to);
	}
	entry_set(e, TRIE_TABLE | at << TRIE_TABLE_BITS | no);
}

static void cover_some(struct trie *t, trie_entry *e, unsigned int n, uint32_t leaf)
{
	for (unsigned int i = 0; i < n; i++)
		cover(t, &e[i], leaf);
}

/* Leads those there that it covers. */
static void spread(struct trie *t, uint32_t leaf)
{
	const struct trie_key k = t->leaves[leaf].key;
	const unsigned int len = len_of(t, leaf);
	trie_entry *e = trie_root(t, k);

	if (len <= 16) {
		cover_some(t, e, 1u << (16 - len), leaf);
		return;
	}
	for (;;) {
		const uint32_t v = trie_entry_get(e);
		const unsigned int at = trie_is_table(v) ? trie_table_at(v) : 0;
		const struct trie_key other = at ? t->bases[trie_table_no(v)] : t->leaves[v].key;
		const unsigned int end = at ? 4 * at : len_of(t, v), same = common_bits(k, other);

		if (!v || (!at && same >= end && end < len)) {
			entry_set(e, leaf); /* what was there is its parent */
			return;
		}
		if (len <= same && len <= end) {
			cover(t, e, leaf);
			return;
		}
		if (!at || same < end) {
			split(t, e, same / 4, other);
			continue;
		}
		e = trie_below(t, v, k);
		if (len < end + 4) {
			cover_some(t, e, 1u << (end + 4 - len), leaf);
			return;
		}
	}
}

/* The prefix, or 0; '*parent': the longest shorter one that covers it. */
static uint32_t find(const struct trie *t, struct trie_key key, uint8_t len, uint32_t *parent)
{
	uint32_t n = trie_up(t, trie_end(t, key), key);

	while (n && len_of(t, n) > len)
		n = trie_parent(t, n);
	*parent = n;
	return n && len_of(t, n) == len ? n : 0;
}

uint32_t trie_find(const struct trie *t, struct trie_key key, uint8_t len)
{
	uint32_t parent;

	return find(t, key, len, &parent);
}

uint32_t trie_get(struct trie *t, struct trie_key key, uint8_t len)
{
	uint32_t parent, n = find(t, key, len, &parent);

	if (n || t->n == t->max)
		return n;
	n = t->n++;
	t->leaves[n].key = key;
	atomic_init(&t->leaves[n].id_len, len);
	atomic_init(&t->nodes[n].parent, parent);
	spread(t, n);
	return n;
}

int trie_add(struct trie *t, struct trie_key key, uint8_t len, struct cls_rule *r, uint32_t *leaf)
{
	struct trie_link *k, *next;

	*leaf = trie_get(t, key, len);
	if (!*leaf)
		return -EAGAIN;
	for (k = &t->nodes[*leaf].first; atomic_load_explicit(&k->rule, memory_order_relaxed);
	     k = next) {
		next = atomic_load_explicit(&k->next, memory_order_relaxed);
		if (next)
			continue;
		next = calloc(1, sizeof(*next));
		if (!next)
			return -ENOMEM;
		t->extra += sizeof(*next);
		atomic_init(&next->rule, r);
		atomic_store_explicit(&k->next, next, memory_order_release);
		return 0;
	}
	atomic_store_explicit(&k->rule, r, memory_order_release);
	return 0;
}

bool trie_del(struct trie *t, uint32_t leaf, const struct cls_rule *r)
{
	for (struct trie_link *k = leaf ? &t->nodes[leaf].first : NULL; k;
	     k = atomic_load_explicit(&k->next, memory_order_relaxed)) {
		if (atomic_load_explicit(&k->rule, memory_order_relaxed) != r)
			continue;
		atomic_store_explicit(&k->rule, NULL, memory_order_release);
		return true;
	}
	return false;
}

struct cls_rule *trie_only(const struct trie *t, uint32_t leaf)
{
	struct cls_rule *only = NULL;

	for (const struct trie_link *k = &t->nodes[leaf].first; k;
	     k = atomic_load_explicit(&k->next, memory_order_relaxed)) {
		struct cls_rule *r = atomic_load_explicit(&k->rule, memory_order_relaxed);

		if (r && only)
			return NULL;
		if (r)
			only = r;
	}
	if (only &&
	    atomic_load_explicit(&only->removed, memory_order_relaxed) != FLOW_VERSION_NEVER)
		return NULL;
	return only;
}

size_t trie_memory(const struct trie *t)
{
	return TRIE_ROOT * sizeof(trie_entry) + (size_t)t->n_tables * sizeof(struct trie_table) +
	       (size_t)t->n_tables * sizeof(struct trie_key) +
	       (size_t)t->n * (sizeof(struct trie_leaf) + sizeof(struct trie_node)) + t->extra;
}

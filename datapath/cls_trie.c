/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/cls_trie.h"

#include <errno.h>
#include <stdlib.h>

static void entry_set(trie_entry *e, uintptr_t v)
{
	atomic_store_explicit(e, v, memory_order_release);
}

static uint32_t fan(unsigned int level)
{
	return 1u << (trie_shift[level - 1] - trie_shift[level]);
}

size_t trie_table_bytes(unsigned int level)
{
	return sizeof(struct trie_table) + fan(level) * sizeof(trie_entry);
}

/* The entries below an entry, made when there are none: all of them lead where it did. */
static trie_entry *descend(struct trie *t, trie_entry *e, unsigned int level)
{
	trie_entry *below = trie_below(trie_entry_get(e));
	struct trie_table *n;
	size_t bytes;

	if (below)
		return below;
	bytes = trie_table_bytes(level);
	n = aligned_alloc(64, bytes);
	if (!n)
		return NULL;
	n->n = fan(level);
	for (unsigned int i = 0; i < n->n; i++)
		atomic_init(&n->e[i], trie_entry_get(e));
	n->all = t->tables;
	t->tables = n;
	t->bytes += bytes;
	entry_set(e, (uintptr_t)n->e | 1);
	return n->e;
}

static struct trie_table *table_of(trie_entry *e)
{
	return (struct trie_table *)((char *)e - offsetof(struct trie_table, e));
}

/*
 * Makes an entry within node's prefix lead to it, unless it leads to a longer one: then the longest
 * of those below that had node's parent gets node.
 */
static void cover(trie_entry *e, struct trie_node *node)
{
	trie_entry *below = trie_below(trie_entry_get(e));
	struct trie_node *n = below ? NULL : (struct trie_node *)trie_entry_get(e), *up;

	if (below) {
		for (unsigned int i = 0; i < table_of(below)->n; i++)
			cover(&below[i], node);
		return;
	}
	if (!n || n->len < node->len) {
		entry_set(e, (uintptr_t)node);
		return;
	}
	while ((up = trie_parent(n)) && up->len > node->len)
		n = up;
	if (n != node && up != node)
		atomic_store_explicit(&n->parent, node, memory_order_release);
}

static int spread(struct trie *t, struct trie_node *node)
{
	unsigned int level = 0, at = node->addr >> 16, n;
	trie_entry *e = t->root;

	while (node->len > 32 - trie_shift[level]) {
		e = descend(t, &e[at], ++level);
		if (!e)
			return -ENOMEM;
		at = node->addr >> trie_shift[level] & (fan(level) - 1);
	}
	n = 1u << (32 - trie_shift[level] - node->len);
	for (unsigned int i = at; i < at + n; i++)
		cover(&e[i], node);
	return 0;
}

/* The prefix, or NULL; '*parent': the longest shorter one that covers it. */
static struct trie_node *find(const struct trie *t, uint32_t addr, uint8_t len,
			      struct trie_node **parent)
{
	struct trie_node *n = trie_longest(t, addr);

	while (n && n->len > len)
		n = trie_parent(n);
	*parent = n;
	return n && n->len == len ? n : NULL;
}

static struct trie_node *get(struct trie *t, uint32_t addr, uint8_t len)
{
	struct trie_node *parent, *n = find(t, addr, len, &parent);

	if (n)
		return n;
	n = calloc(1, sizeof(*n));
	if (!n)
		return NULL;
	n->addr = addr;
	n->len = len;
	atomic_init(&n->parent, parent);
	n->all = t->nodes;
	t->nodes = n;
	t->n_nodes++;
	return spread(t, n) ? NULL : n;
}

int trie_add(struct trie *t, uint32_t addr, uint8_t len, struct cls_rule *r)
{
	struct trie_node *n = get(t, addr, len);
	struct trie_link *k, *next;

	if (!n)
		return -ENOMEM;
	for (k = &n->first; atomic_load_explicit(&k->rule, memory_order_relaxed); k = next) {
		next = atomic_load_explicit(&k->next, memory_order_relaxed);
		if (next)
			continue;
		next = calloc(1, sizeof(*next));
		if (!next)
			return -ENOMEM;
		atomic_init(&next->rule, r);
		atomic_store_explicit(&k->next, next, memory_order_release);
		return 0;
	}
	atomic_store_explicit(&k->rule, r, memory_order_release);
	return 0;
}

bool trie_del(struct trie *t, uint32_t addr, uint8_t len, const struct cls_rule *r)
{
	struct trie_node *parent, *n = find(t, addr, len, &parent);

	for (struct trie_link *k = n ? &n->first : NULL; k;
	     k = atomic_load_explicit(&k->next, memory_order_relaxed)) {
		if (atomic_load_explicit(&k->rule, memory_order_relaxed) != r)
			continue;
		atomic_store_explicit(&k->rule, NULL, memory_order_release);
		return true;
	}
	return false;
}

void trie_fini(struct trie *t)
{
	while (t->nodes) {
		struct trie_node *n = t->nodes;
		struct trie_link *k = atomic_load_explicit(&n->first.next, memory_order_relaxed);

		while (k) {
			struct trie_link *next =
				atomic_load_explicit(&k->next, memory_order_relaxed);

			free(k);
			k = next;
		}
		t->nodes = n->all;
		free(n);
	}
	while (t->tables) {
		struct trie_table *below = t->tables;

		t->tables = below->all;
		free(below);
	}
}

size_t trie_memory(const struct trie *t)
{
	return sizeof(*t) + t->n_nodes * sizeof(struct trie_node) + t->bytes;
}

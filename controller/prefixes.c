/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/prefixes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int prefix_cmp(const void *x, const void *y)
{
	const struct ip_prefix *a = x, *b = y;
	int c = ip_cmp(&a->addr, &b->addr);

	return c ? c : (int)a->len - (int)b->len;
}

/* All of 'b' is in 'a'. */
static bool contains(const struct ip_prefix *a, const struct ip_prefix *b)
{
	return a->len <= b->len && ip_prefix_has(a, &b->addr);
}

static bool bit_of(const struct ip_addr *a, unsigned int i)
{
	return a->b[i / 8] >> (7 - i % 8) & 1;
}

/* 'p' with one bit more: its lower or upper half. */
static struct ip_prefix half(const struct ip_prefix *p, bool upper)
{
	struct ip_prefix h = *p;

	if (upper)
		h.addr.b[p->len / 8] |= (uint8_t)(0x80 >> (p->len % 8));
	h.len++;
	return h;
}

/* Two prefixes in order that are the halves of one. */
static bool are_halves(const struct ip_prefix *a, const struct ip_prefix *b)
{
	struct ip_prefix whole = *a;

	if (a->len != b->len || !a->len || bit_of(&a->addr, a->len - 1u))
		return false;
	whole.len--;
	return ip_prefix_has(&whole, &b->addr);
}

size_t prefixes_compact(struct ip_prefix *p, size_t n)
{
	size_t kept = 0;

	qsort(p, n, sizeof(*p), prefix_cmp);
	for (size_t i = 0; i < n; i++) {
		if (kept && contains(&p[kept - 1], &p[i]))
			continue;
		p[kept++] = p[i];
		while (kept > 1 && are_halves(&p[kept - 2], &p[kept - 1])) {
			kept--;
			p[kept - 1].len--;
		}
	}
	return kept;
}

bool prefixes_have(const struct ip_prefix *p, size_t n, const struct ip_prefix *inner)
{
	for (size_t i = 0; i < n; i++)
		if (contains(&p[i], inner))
			return true;
	return false;
}

/* The taken ones that meet 'block' are brought to the front; how many. */
static size_t meeting(struct ip_prefix *taken, size_t n, const struct ip_prefix *block)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++)
		if (ip_prefix_overlaps(&taken[i], block)) {
			struct ip_prefix t = taken[i];

			taken[i] = taken[k];
			taken[k++] = t;
		}
	return k;
}

/* The best free block below 'block' with room for 'len', if better (longer) than 'best'. */
static void search(const struct ip_prefix *block, struct ip_prefix *taken, size_t n,
		   unsigned int len, struct ip_prefix *best, bool *found)
{
	if (block->len > len)
		return;
	n = meeting(taken, n, block);
	if (!n) {
		if (!*found || block->len > best->len)
			*best = *block;
		*found = true;
		return;
	}
	for (size_t i = 0; i < n; i++)
		if (contains(&taken[i], block))
			return;
	for (int upper = 0; upper < 2; upper++) {
		struct ip_prefix h = half(block, upper);

		search(&h, taken, n, len, best, found);
	}
}

int prefixes_free(const struct ip_prefix *p, size_t n, const struct ip_prefix *taken,
		  size_t n_taken, unsigned int len, struct ip_prefix *out)
{
	struct ip_prefix *own = calloc(n_taken + 1, sizeof(*own));
	bool found = false;

	if (!own)
		return -ENOMEM;
	if (n_taken)
		memcpy(own, taken, n_taken * sizeof(*own));
	for (size_t i = 0; i < n; i++)
		search(&p[i], own, n_taken, len, out, &found);
	free(own);
	if (!found)
		return -ENOSPC;
	out->len = (uint8_t)len;
	return 0;
}

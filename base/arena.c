/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_ALIGN   16
#define ARENA_CHUNK   4096
#define ARENA_DEFAULT (64u << 20)

struct arena_chunk {
	struct arena_chunk *next;
	size_t size, used;
	_Alignas(ARENA_ALIGN) uint8_t data[];
};

void arena_init(struct arena *a, size_t limit)
{
	*a = (struct arena){ .limit = limit ? limit : ARENA_DEFAULT };
}

static void free_chunks(struct arena_chunk *c)
{
	while (c) {
		struct arena_chunk *next = c->next;

		free(c);
		c = next;
	}
}

void arena_fini(struct arena *a)
{
	free_chunks(a->chunks);
	a->chunks = NULL;
	a->used = 0;
}

void arena_reset(struct arena *a)
{
	if (a->chunks) {
		free_chunks(a->chunks->next);
		a->chunks->next = NULL;
		a->chunks->used = 0;
		/* One huge message must not pin its memory for ever: there are hundreds of arenas.
		 */
		if (a->chunks->size > 8 * ARENA_CHUNK) {
			free_chunks(a->chunks);
			a->chunks = NULL;
		}
	}
	a->used = 0;
}

static struct arena_chunk *new_chunk(struct arena *a, size_t n)
{
	size_t size = a->chunks ? a->chunks->size * 2 : ARENA_CHUNK;
	struct arena_chunk *c;

	/* No more than may still be asked for: an arena with a small limit is small. */
	if (size > a->limit - a->used)
		size = a->limit - a->used;
	if (size < n)
		size = n;
	c = malloc(sizeof(*c) + size);
	if (!c)
		return NULL;
	c->size = size;
	c->used = 0;
	c->next = a->chunks;
	a->chunks = c;
	return c;
}

void *arena_get(struct arena *a, size_t n)
{
	struct arena_chunk *c = a->chunks;
	void *p;

	if (n > a->limit || a->used > a->limit - n)
		return NULL;
	n = (n + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
	if (!c || c->size - c->used < n) {
		c = new_chunk(a, n);
		if (!c)
			return NULL;
	}
	p = c->data + c->used;
	c->used += n;
	a->used += n;
	return memset(p, 0, n);
}

void *arena_dup(struct arena *a, const void *p, size_t n)
{
	void *d = arena_get(a, n ? n : 1);

	if (d && n)
		memcpy(d, p, n);
	return d;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return arena_dup(a, s, strlen(s) + 1);
}

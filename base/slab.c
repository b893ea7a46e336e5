/* SPDX-License-Identifier: Apache-2.0 */
#include "base/slab.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <utlist.h>

enum { CHUNK = 256 << 10 }; /* and aligned to that, so that a piece knows its chunk */

struct piece {
	struct piece *next;
};

struct slab_chunk {
	struct slab_chunk *prev, *next;
	struct piece *free; /* given back */
	size_t used, begun; /* pieces in use; pieces that ever were */
	_Alignas(16) uint8_t data[];
};

static __attribute__((unused)) size_t room(const struct slab *s)
{
	return (CHUNK - sizeof(struct slab_chunk)) / s->size;
}

/*
 * From the system, zeroed: pages that nobody has begun cost nothing.  But who has filled a chunk
 * ('more') gets all pages of the next at once, at half of what they cost one by one.
 */
static __attribute__((unused)) struct slab_chunk *chunk_new(bool more)
{
	uint8_t *p =
		mmap(NULL, 2 * CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t before;

	if (p == MAP_FAILED)
		return NULL;
	before = -(uintptr_t)p & (CHUNK - 1);
	if (before)
		munmap(p, before);
	munmap(p + before + CHUNK, CHUNK - before);
	if (more)
		(void)madvise(p + before, CHUNK, MADV_POPULATE_WRITE);
	return (struct slab_chunk *)(void *)(p + before);
}

#ifdef __SANITIZE_ADDRESS__

/* Each piece for itself, so that use after slab_put() is found. */
void *slab_get(struct slab *s)
{
	return calloc(1, s->size);
}

void slab_put(struct slab *s, void *piece)
{
	free(piece);
}

#else

void *slab_get(struct slab *s)
{
	struct slab_chunk *c = s->partial;
	void *p;

	if (!c) {
		c = chunk_new(s->filled);
		if (!c)
			return NULL;
		DL_APPEND(s->partial, c);
	}
	p = c->free;
	if (p) {
		c->free = c->free->next;
		memset(p, 0, s->size);
	} else {
		p = c->data + c->begun++ * s->size;
	}
	if (++c->used == room(s)) {
		DL_DELETE(s->partial, c);
		s->filled = true;
	}
	return p;
}

void slab_put(struct slab *s, void *piece)
{
	struct slab_chunk *c = (struct slab_chunk *)((uintptr_t)piece & ~(uintptr_t)(CHUNK - 1));
	struct piece *p = piece;

	if (c->used-- == room(s))
		DL_PREPEND(s->partial, c);
	p->next = c->free;
	c->free = p;
	if (c->used || s->partial->next == NULL)
		return; /* the last one is kept */
	DL_DELETE(s->partial, c);
	munmap(c, CHUNK);
}

#endif

void slab_fini(struct slab *s)
{
	struct slab_chunk *c, *next;

	DL_FOREACH_SAFE (s->partial, c, next) {
		DL_DELETE(s->partial, c);
		munmap(c, CHUNK);
	}
}

static struct slab *slab_of(struct slab_sizes *s, size_t n)
{
	struct slab *of = &s->of[(n - 1) / SLAB_STEP];

	of->size = (n + SLAB_STEP - 1) / SLAB_STEP * SLAB_STEP;
	return of;
}

void *slab_size_get(struct slab_sizes *s, size_t n)
{
	return n > SLAB_MAX ? calloc(1, n) : slab_get(slab_of(s, n));
}

void slab_size_put(struct slab_sizes *s, void *piece, size_t n)
{
	if (n > SLAB_MAX)
		free(piece);
	else
		slab_put(slab_of(s, n), piece);
}

void slab_sizes_fini(struct slab_sizes *s)
{
	for (unsigned int i = 0; i < SLAB_MAX / SLAB_STEP; i++)
		slab_fini(&s->of[i]);
}

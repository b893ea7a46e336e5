/* SPDX-License-Identifier: Apache-2.0 */
#include "base/slab.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

enum { CHUNK = 32768 }; /* and aligned to that, so that a piece knows its chunk */

struct piece {
	struct piece *next;
};

struct slab_chunk {
	struct slab_chunk *prev, *next;
	struct piece *free; /* given back */
	size_t used, begun; /* pieces in use; pieces that ever were */
	_Alignas(16) uint8_t data[];
};

static size_t room(const struct slab *s)
{
	return (CHUNK - sizeof(struct slab_chunk)) / s->size;
}

void *slab_get(struct slab *s)
{
	struct slab_chunk *c = s->partial;
	void *p;

	if (!c) {
		c = aligned_alloc(CHUNK, CHUNK);
		if (!c)
			return NULL;
		memset(c, 0, sizeof(*c));
		DL_APPEND(s->partial, c);
	}
	p = c->free;
	if (p)
		c->free = c->free->next;
	else
		p = c->data + c->begun++ * s->size;
	if (++c->used == room(s))
		DL_DELETE(s->partial, c);
	return memset(p, 0, s->size);
}

void slab_put(struct slab *s, void *piece)
{
	struct slab_chunk *c = (struct slab_chunk *)((uintptr_t)piece & ~(uintptr_t)(CHUNK - 1));
	struct piece *p = piece;

	if (c->used-- == room(s))
		DL_PREPEND(s->partial, c);
	p->next = c->free;
	c->free = p;
	if (!c->used) {
		DL_DELETE(s->partial, c);
		free(c);
	}
}

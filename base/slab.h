/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A slab: pieces of one size, without a header for each, in chunks that are given back as soon as
 * none of their pieces is in use.  For small things of which there are many, and for those that
 * come by the thousand and go again: in the heap they would leave holes between what stays.
 *
 * Owner: the caller's; one thread at a time.
 */
#ifndef WEFT_BASE_SLAB_H
#define WEFT_BASE_SLAB_H

#include <stddef.h>

struct slab {
	size_t size;		    /* of a piece: 8 to some hundred bytes, a multiple of 8 */
	struct slab_chunk *partial; /* DL list: chunks with room */
};

#define SLAB_OF(type)                \
	{                            \
		.size = sizeof(type) \
	}

/* Zeroed; NULL: out of memory. */
void *slab_get(struct slab *s);
void slab_put(struct slab *s, void *piece);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A slab: pieces of one size, without a header for each, in chunks that are given back to the
 * system when none of their pieces is in use.  For small things of which there are many, and for
 * those that come by the thousand and go again: in the heap they would leave holes between what
 * stays.
 *
 * Owner: the caller's; one thread at a time.
 */
#ifndef WEFT_BASE_SLAB_H
#define WEFT_BASE_SLAB_H

#include <stdbool.h>
#include <stddef.h>

struct slab {
	size_t size;		    /* of a piece: 8 to some hundred bytes, a multiple of 8 */
	struct slab_chunk *partial; /* DL list: chunks with room */
	bool filled;		    /* a chunk was full once */
};

#define SLAB_OF(type)                \
	{                            \
		.size = sizeof(type) \
	}

/* Zeroed; NULL: out of memory. */
void *slab_get(struct slab *s);
void slab_put(struct slab *s, void *piece);

/* Gives the last chunk back; no piece is in use. */
void slab_fini(struct slab *s);

/* Pieces of several sizes, a slab for each; what is larger is the heap's.  Zeroed: empty. */
enum { SLAB_MAX = 256, SLAB_STEP = 8 };
struct slab_sizes {
	struct slab of[SLAB_MAX / SLAB_STEP];
};

void *slab_size_get(struct slab_sizes *s, size_t n);
/* Of n bytes, as it was asked for. */
void slab_size_put(struct slab_sizes *s, void *piece, size_t n);
void slab_sizes_fini(struct slab_sizes *s);

#endif

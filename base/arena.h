/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arena: memory with one common end of life, e.g. a decoded message and all it points to.
 *
 * Grows by chunks up to a limit, so that hostile input cannot grow it without bound.
 * Owner: whoever called arena_init(); one thread at a time.
 */
#ifndef WEFT_BASE_ARENA_H
#define WEFT_BASE_ARENA_H

#include <stddef.h>

struct arena_chunk;

struct arena {
	struct arena_chunk *chunks; /* newest first */
	size_t used;		    /* bytes handed out since the last reset */
	size_t limit;		    /* most bytes that may be handed out */
};

/* 'limit' bytes in all; 0 means 64 MiB. */
void arena_init(struct arena *a, size_t limit);
void arena_fini(struct arena *a);

/* Forgets everything handed out; keeps one chunk for the next round. */
void arena_reset(struct arena *a);

/* 'n' zeroed bytes, aligned to 16; NULL when the limit or the system's memory is reached. */
void *arena_get(struct arena *a, size_t n);

/* A copy of the 'n' bytes at 'p' or of the string 's'; NULL as arena_get(). */
void *arena_dup(struct arena *a, const void *p, size_t n);
char *arena_strdup(struct arena *a, const char *s);

#endif

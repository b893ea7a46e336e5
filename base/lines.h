/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory in cache lines of its own: what one thread writes all the time shares none of its lines
 * with what another thread writes or reads, whoever calls malloc() next.
 *
 * Zero from the start, and not touched before it is used, as calloc()'s.  Any thread; the owner is
 * who has it, by lines_free() and not by free().
 */
#ifndef WEFT_BASE_LINES_H
#define WEFT_BASE_LINES_H

#include <stdbool.h>
#include <stddef.h>

enum { LINES_LINE = 64 };

/* 'n' things of 'size' bytes, from the start of a line to the end of one.  NULL: no memory. */
void *lines_new(size_t n, size_t size);
void lines_free(void *p);
/* Bytes that it has, a multiple of LINES_LINE. */
size_t lines_size(const void *p);

#endif

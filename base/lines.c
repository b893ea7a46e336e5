/* SPDX-License-Identifier: Apache-2.0 */
#include "base/lines.h"

#include <stdint.h>
#include <stdlib.h>

/* In the line before, which nobody writes to later. */
struct head {
	void *raw;
	size_t size;
};

static struct head *head_of(const void *p)
{
	return (struct head *)(uintptr_t)p - 1;
}

void *lines_new(size_t n, size_t size)
{
	size_t bytes;
	void *raw;
	char *p;

	if (__builtin_mul_overflow(n, size, &bytes) || bytes > SIZE_MAX - 4 * LINES_LINE)
		return NULL;
	bytes = (bytes + LINES_LINE - 1) / LINES_LINE * LINES_LINE;
	raw = calloc(1, bytes + 2 * LINES_LINE);
	if (!raw)
		return NULL;
	p = (char *)(((uintptr_t)raw + sizeof(struct head) + LINES_LINE - 1) / LINES_LINE *
		     LINES_LINE);
	*head_of(p) = (struct head){ raw, bytes };
	return p;
}

void lines_free(void *p)
{
	if (p)
		free(head_of(p)->raw);
}

size_t lines_size(const void *p)
{
	return head_of(p)->size;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/mem.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

enum { LARGE = 256 << 10, MUCH = 4 << 20 };

void mem_init(void)
{
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_THRESHOLD, LARGE);
}

void mem_trim(void)
{
	if (mallinfo2().fordblks > MUCH)
		malloc_trim(0);
}

void mem_check(bool there)
{
	if (!there) {
		log_err("mem", "out of memory");
		abort();
	}
}

static void *there(void *p)
{
	mem_check(p);
	return p;
}

void *mem_get(size_t n)
{
	return there(calloc(1, n ? n : 1));
}

void *mem_array(size_t n, size_t size)
{
	return there(calloc(n ? n : 1, size));
}

void *mem_dup(const void *p, size_t n)
{
	return memcpy(mem_get(n), p, n);
}

char *mem_str(const char *s)
{
	return s ? there(strdup(s)) : NULL;
}

char *mem_printf(const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	return there(n < 0 ? NULL : s);
}

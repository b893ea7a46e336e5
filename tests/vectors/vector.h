/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads tests/vectors/NAME.hex: comment lines, hex, "--", expected dump.
 *
 * For test programs, which run in the project's root.  vector_free() ends what vector_load() began.
 */
#ifndef WEFT_TESTS_VECTOR_H
#define WEFT_TESTS_VECTOR_H

#include <glob.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VECTOR_GLOB "tests/vectors/*.hex"

struct vector {
	char *text;	      /* the whole file */
	size_t head;	      /* bytes of 'text' up to "--" or the end */
	const char *expected; /* behind "--"; NULL where there is none */
	uint8_t *bytes;	      /* exactly 'n' on the heap, so that a sanitizer sees its end */
	size_t n;
};

static inline char *vector_slurp(const char *path)
{
	FILE *f = fopen(path, "rb");
	char *s = NULL;
	size_t size = 0;
	ssize_t n;

	if (!f)
		return NULL;
	n = getdelim(&s, &size, '\0', f);
	fclose(f);
	if (n < 0) {
		free(s);
		return NULL;
	}
	return s;
}

static inline void vector_hex(struct vector *v)
{
	uint8_t *b = malloc(v->head / 2 + 1);
	const char *s = v->text, *end = v->text + v->head;
	unsigned int x;

	while (s < end) {
		if (*s == '#')
			s += strcspn(s, "\n");
		else if (sscanf(s, "%2x", &x) == 1 && strspn(s, "0123456789abcdef") >= 2)
			b[v->n++] = (uint8_t)x, s += 2;
		else
			s++;
	}
	v->bytes = realloc(b, v->n ? v->n : 1);
}

static inline int vector_load(const char *path, struct vector *v)
{
	char *mark;

	memset(v, 0, sizeof(*v));
	v->text = vector_slurp(path);
	if (!v->text)
		return -1;
	mark = strstr(v->text, "\n--\n");
	v->head = mark ? (size_t)(mark + 1 - v->text) : strlen(v->text);
	v->expected = mark ? mark + 4 : NULL;
	vector_hex(v);
	return 0;
}

static inline void vector_free(struct vector *v)
{
	free(v->text);
	free(v->bytes);
}

#endif

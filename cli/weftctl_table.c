/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/weftctl.h"

enum { MAX_COLUMNS = 16 };

static void append(char **s, const char *more)
{
	size_t n = strlen(*s), m = strlen(more);
	char *out = realloc(*s, n + m + 1);

	if (!out)
		abort();
	memcpy(out + n, more, m + 1);
	*s = out;
}

static char *list_text(const json_t *v)
{
	char *out = strdup("");

	for (size_t i = 0; i < json_array_size(v); i++) {
		char *one = ctl_text(json_array_get(v, i));

		append(&out, i ? ", " : "");
		append(&out, one);
		free(one);
	}
	return out;
}

static char *members_text(const json_t *v)
{
	const char *key;
	json_t *value;
	char *out;

	/* The most usual ones have a shorter form that says as much. */
	if (json_object_get(v, "start") && json_object_get(v, "end")) {
		if (asprintf(&out, "%s-%s", json_string_value(json_object_get(v, "start")),
			     json_string_value(json_object_get(v, "end"))) < 0)
			abort();
		return out;
	}
	if (json_object_size(v) == 2 && json_object_get(v, "subnet_id"))
		return ctl_text(json_object_get(v, "ip_address"));
	out = strdup("");
	json_object_foreach ((json_t *)v, key, value) {
		char *one = ctl_text(value);

		append(&out, out[0] ? " " : "");
		append(&out, key);
		append(&out, "=");
		append(&out, one);
		free(one);
	}
	return out;
}

char *ctl_text(const json_t *v)
{
	char *out = NULL;

	switch (v ? json_typeof(v) : JSON_NULL) {
	case JSON_STRING:
		return strdup(json_string_value(v));
	case JSON_TRUE:
		return strdup("yes");
	case JSON_FALSE:
		return strdup("no");
	case JSON_NULL:
		return strdup("-");
	case JSON_ARRAY:
		return list_text(v);
	case JSON_OBJECT:
		return members_text(v);
	case JSON_INTEGER:
		if (asprintf(&out, "%" JSON_INTEGER_FORMAT, json_integer_value(v)) < 0)
			abort();
		return out;
	case JSON_REAL:
		if (asprintf(&out, "%.1f", json_real_value(v)) < 0)
			abort();
		return out;
	}
	return strdup("");
}

/* Characters, not bytes. */
static int width(const char *s)
{
	int n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static void cell_print(const char *s, int w, bool last)
{
	fputs(s, stdout);
	for (int pad = last ? 0 : w - width(s) + 2; pad > 0; pad--)
		putchar(' ');
	if (last)
		putchar('\n');
}

void ctl_table(const json_t *list, const struct ctl_column *columns)
{
	size_t n = json_array_size(list);
	int w[MAX_COLUMNS], n_columns = 0;
	char **cells;

	while (n_columns < MAX_COLUMNS && columns[n_columns].title) {
		w[n_columns] = width(columns[n_columns].title);
		n_columns++;
	}
	cells = calloc(n * (size_t)n_columns + 1, sizeof(*cells));
	if (!cells)
		abort();
	for (size_t i = 0; i < n; i++)
		for (int k = 0; k < n_columns; k++) {
			char *t =
				ctl_text(json_object_get(json_array_get(list, i), columns[k].key));

			cells[i * (size_t)n_columns + (size_t)k] = t;
			w[k] = width(t) > w[k] ? width(t) : w[k];
		}
	for (int k = 0; k < n_columns; k++)
		cell_print(columns[k].title, w[k], k == n_columns - 1);
	for (size_t i = 0; i < n * (size_t)n_columns; i++) {
		int k = (int)(i % (size_t)n_columns);

		cell_print(cells[i], w[k], k == n_columns - 1);
		free(cells[i]);
	}
	free(cells);
}

void ctl_object(const json_t *object)
{
	const char *key;
	json_t *value;
	int w = 0;

	json_object_foreach ((json_t *)object, key, value) {
		w = width(key) > w ? width(key) : w;
	}
	json_object_foreach ((json_t *)object, key, value) {
		char *text = ctl_text(value);

		cell_print(key, w, false);
		cell_print(text, 0, true);
		free(text);
	}
}

void ctl_json(const json_t *v)
{
	json_dumpf(v, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
	putchar('\n');
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration file: one YAML mapping, from an option's name to its value or list of values.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <yaml.h>

#include "datapath/options.h"

struct reader {
	struct options *o;
	yaml_document_t doc;
	const char *path;
	struct err *e;
};

__attribute__((format(printf, 3, 4))) static int refuse(struct reader *r, const yaml_node_t *at,
							const char *fmt, ...)
{
	char words[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	return err_set(r->e, -EINVAL, "%s:%zu: %s", r->path, at->start_mark.line + 1, words);
}

static const char *scalar(const yaml_node_t *n)
{
	return n && n->type == YAML_SCALAR_NODE ? (const char *)n->data.scalar.value : NULL;
}

static int set(struct reader *r, const char *key, const yaml_node_t *value)
{
	const char *text = scalar(value);
	struct err why;
	int rc;

	if (!text)
		return refuse(r, value, "'%s': one value is right", key);
	rc = options_set(r->o, key, text, &why);
	return rc ? refuse(r, value, "%s", why.text) : 0;
}

static int pair(struct reader *r, const yaml_node_t *k, const yaml_node_t *v)
{
	const char *key = scalar(k);
	int repeats = key ? options_repeats(key) : -ENOENT;
	int rc = 0;

	if (!key)
		return refuse(r, k, "the name of an option is right here");
	if (repeats < 0 || !strcmp(key, "config") || !strcmp(key, "help") ||
	    !strcmp(key, "version"))
		return refuse(r, k, "unknown key '%s'; the options of weft-switch --help are right",
			      key);
	if (v->type != YAML_SEQUENCE_NODE)
		return set(r, key, v);
	if (!repeats)
		return refuse(r, v, "'%s' takes one value, not a list", key);
	for (yaml_node_item_t *i = v->data.sequence.items.start;
	     !rc && i < v->data.sequence.items.top; i++)
		rc = set(r, key, yaml_document_get_node(&r->doc, *i));
	return rc;
}

static int mapping(struct reader *r)
{
	yaml_node_t *root = yaml_document_get_root_node(&r->doc);
	int rc = 0;

	if (!root)
		return 0; /* an empty file says nothing */
	if (root->type != YAML_MAPPING_NODE)
		return refuse(r, root, "lines of the form 'option: value' are right");
	for (yaml_node_pair_t *p = root->data.mapping.pairs.start;
	     !rc && p < root->data.mapping.pairs.top; p++)
		rc = pair(r, yaml_document_get_node(&r->doc, p->key),
			  yaml_document_get_node(&r->doc, p->value));
	return rc;
}

int options_file(struct options *o, const char *path, struct err *e)
{
	struct reader r = { .o = o, .path = path, .e = e };
	FILE *f = fopen(path, "re");
	yaml_parser_t parser;
	int rc;

	if (!f)
		return err_set(e, -errno, "configuration file %s: %s", path, strerror(errno));
	if (!yaml_parser_initialize(&parser)) {
		fclose(f);
		return err_set(e, -ENOMEM, "no memory");
	}
	yaml_parser_set_input_file(&parser, f);
	if (!yaml_parser_load(&parser, &r.doc)) {
		rc = err_set(e, -EINVAL, "%s:%zu: %s", path, parser.problem_mark.line + 1,
			     parser.problem ? parser.problem : "no YAML");
	} else {
		rc = mapping(&r);
		yaml_document_delete(&r.doc);
	}
	yaml_parser_delete(&parser);
	fclose(f);
	return rc;
}

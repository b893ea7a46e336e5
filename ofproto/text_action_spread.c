/* SPDX-License-Identifier: Apache-2.0 */
/*
 * multipath, bundle and bundle_load: what spreads packets over links by a hash.
 */
#include <errno.h>
#include <string.h>

#include "ofproto/nx.h"
#include "ofproto/text_action.h"

static const struct text_name hashes[] = {
	{ "eth_src", NX_HASH_FIELDS_ETH_SRC },
	{ "symmetric_l4", NX_HASH_FIELDS_SYMMETRIC_L4 },
	{ "symmetric_l3l4", NX_HASH_FIELDS_SYMMETRIC_L3L4 },
	{ "symmetric_l3l4+udp", NX_HASH_FIELDS_SYMMETRIC_L3L4_UDP },
	{ "nw_src", NX_HASH_FIELDS_NW_SRC },
	{ "nw_dst", NX_HASH_FIELDS_NW_DST },
	{ "symmetric_l3", NX_HASH_FIELDS_SYMMETRIC_L3 },
	{ NULL, 0 },
};

static const struct text_name mp_algorithms[] = {
	{ "modulo_n", NX_MP_ALG_MODULO_N },
	{ "hash_threshold", NX_MP_ALG_HASH_THRESHOLD },
	{ "hrw", NX_MP_ALG_HRW },
	{ "iter_hash", NX_MP_ALG_ITER_HASH },
	{ NULL, 0 },
};

static const struct text_name bd_algorithms[] = {
	{ "active_backup", NX_BD_ALG_ACTIVE_BACKUP },
	{ "hrw", NX_BD_ALG_HRW },
	{ NULL, 0 },
};

/* The arguments stand in order, each by itself. */
struct words {
	const char *action;
	char *at;
	struct err *e;
};

static int next_word(struct words *w, const char *what, char **word)
{
	w->at += strspn(w->at, ", ");
	*word = w->at;
	w->at += strcspn(w->at, ", ");
	if (*w->at)
		*w->at++ = '\0';
	if (**word)
		return 0;
	return err_set(w->e, -EINVAL, "%s: not enough arguments: the %s is missing", w->action,
		       what);
}

static int next_named(struct words *w, const char *what, const struct text_name *names,
		      uint16_t *out)
{
	uint32_t value;
	char *word;
	int r = next_word(w, what, &word);

	if (r)
		return r;
	if (text_value_of(names, word, &value))
		return err_set(w->e, -EINVAL, "%s: unknown %s \"%s\"", w->action, what, word);
	*out = (uint16_t)value;
	return 0;
}

static int next_number(struct words *w, const char *what, uint64_t max, uint64_t *out)
{
	char *word;
	int r = next_word(w, what, &word);

	return r ? r : text_number(word, max, what, out, w->e);
}

static int next_dst(struct text_actions *c, struct words *w, struct of_subfield *dst)
{
	char *word;
	int r = next_word(w, "destination", &word);

	if (!r)
		r = text_parse_subfield(word, dst, c->e);
	if (r)
		return err_wrap(c->e, r, "%s", w->action);
	if (!dst->field->writable)
		return err_set(c->e, -EINVAL, "%s: %s is read-only", w->action, dst->field->name);
	return text_need_field(c, w->action, dst->field);
}

/* ---- multipath(FIELDS, BASIS, ALGORITHM, LINKS, ARG, DST) ---- */

static int parse_multipath(struct text_actions *c, const struct text_action *row, char *arg)
{
	struct of_nx_multipath *m = TEXT_ADD(c, nx_multipath);
	struct words w = { row->name, arg, c->e };
	uint64_t basis, links, extra;
	int r;

	if (!m)
		return -ENOMEM;
	r = next_named(&w, "fields", hashes, &m->fields);
	if (!r)
		r = next_number(&w, "basis", UINT16_MAX, &basis);
	if (!r)
		r = next_named(&w, "algorithm", mp_algorithms, &m->algorithm);
	if (!r)
		r = next_number(&w, "number of links", 65536, &links);
	if (!r)
		r = next_number(&w, "argument", UINT32_MAX, &extra);
	if (!r)
		r = next_dst(c, &w, &m->dst);
	if (r)
		return r;
	if (!links)
		return err_set(c->e, -EINVAL, "multipath: links are 1 to 65536");
	m->basis = (uint16_t)basis;
	m->max_link = (uint16_t)(links - 1);
	m->arg = (uint32_t)extra;
	return 0;
}

static void put_named(FILE *f, const struct text_name *names, uint16_t value)
{
	const char *name = text_name_of(names, value);

	fputs(name ? name : "<unknown>", f);
}

static void put_multipath(FILE *f, const struct of_any *a, const struct of_names *n)
{
	const struct of_nx_multipath *m = (const void *)a;

	fputs("multipath(", f);
	put_named(f, hashes, m->fields);
	fprintf(f, ",%u,", m->basis);
	put_named(f, mp_algorithms, m->algorithm);
	fprintf(f, ",%u,%u,", m->max_link + 1u, m->arg);
	text_put_subfield(f, &m->dst);
	fputc(')', f);
}

/* ---- bundle(FIELDS, BASIS, ALGORITHM, ofport, members:PORT,...) ---- */

static int parse_members(struct text_actions *c, struct words *w, struct of_halves *members)
{
	size_t room = strlen(w->at) / 2 + 2;
	char *word;

	members->v = arena_get(c->arena, room * sizeof(*members->v));
	if (!members->v)
		return err_set(c->e, -ENOMEM, "out of memory");
	w->at += strspn(w->at, ", ");
	while (*w->at) {
		uint32_t port;
		int r = next_word(w, "member", &word);

		if (!r)
			r = of_parse_port(word, c->names, &port, c->e);
		if (r)
			return err_wrap(c->e, r, "%s", w->action);
		members->v[members->n++] = (uint16_t)port;
		w->at += strspn(w->at, ", ");
	}
	return 0;
}

/* Members are what is behind "members:", or "slaves:" as it was called. */
static int members_begin(struct words *w)
{
	size_t n;

	w->at += strspn(w->at, ", ");
	n = strcspn(w->at, ": ,");
	if (w->at[n] != ':' ||
	    ((n != 7 || memcmp(w->at, "members", 7)) && (n != 6 || memcmp(w->at, "slaves", 6))))
		return err_set(w->e, -EINVAL, "%s: expected members:PORT,... as the last argument",
			       w->action);
	w->at += n + 1;
	return 0;
}

static int parse_spread(struct text_actions *c, struct words *w, uint16_t *fields, uint16_t *basis,
			uint16_t *algorithm, uint32_t *type)
{
	const struct of_field *port = &of_fields[OF_FIELD_IN_PORT_NXM];
	uint64_t number;
	char *word;
	int r = next_named(w, "fields", hashes, fields);

	if (!r)
		r = next_number(w, "basis", UINT16_MAX, &number);
	if (r)
		return r;
	*basis = (uint16_t)number;
	r = next_named(w, "algorithm", bd_algorithms, algorithm);
	if (!r)
		r = next_word(w, "members' type", &word);
	if (!r && strcmp(word, "ofport"))
		r = err_set(c->e, -EINVAL, "%s: members are of type ofport, not \"%s\"", w->action,
			    word);
	*type = port->nxm | port->bytes;
	return r;
}

static int parse_bundle(struct text_actions *c, const struct text_action *row, char *arg)
{
	struct of_nx_bundle *b = TEXT_ADD(c, nx_bundle);
	struct words w = { row->name, arg, c->e };
	int r;

	if (!b)
		return -ENOMEM;
	r = parse_spread(c, &w, &b->fields, &b->basis, &b->algorithm, &b->member_type);
	if (!r)
		r = members_begin(&w);
	return r ? r : parse_members(c, &w, &b->members);
}

static int parse_bundle_load(struct text_actions *c, const struct text_action *row, char *arg)
{
	struct of_nx_bundle_load *b = TEXT_ADD(c, nx_bundle_load);
	struct words w = { row->name, arg, c->e };
	int r;

	if (!b)
		return -ENOMEM;
	r = parse_spread(c, &w, &b->fields, &b->basis, &b->algorithm, &b->member_type);
	if (!r)
		r = next_dst(c, &w, &b->dst);
	if (!r)
		r = members_begin(&w);
	return r ? r : parse_members(c, &w, &b->members);
}

static void put_spread(FILE *f, uint16_t fields, uint16_t basis, uint16_t algorithm)
{
	put_named(f, hashes, fields);
	fprintf(f, ",%u,", basis);
	put_named(f, bd_algorithms, algorithm);
	fputs(",ofport,", f);
}

static void put_members(FILE *f, const struct of_halves *m, const struct of_names *n)
{
	fputs("members:", f);
	for (uint32_t i = 0; i < m->n; i++) {
		fputs(i ? "," : "", f);
		of_format_port(f, of_nx_port(m->v[i]), n);
	}
	fputc(')', f);
}

static void put_bundle(FILE *f, const struct of_any *a, const struct of_names *n)
{
	const struct of_nx_bundle *b = (const void *)a;

	fputs("bundle(", f);
	put_spread(f, b->fields, b->basis, b->algorithm);
	put_members(f, &b->members, n);
}

static void put_bundle_load(FILE *f, const struct of_any *a, const struct of_names *n)
{
	const struct of_nx_bundle_load *b = (const void *)a;

	fputs("bundle_load(", f);
	put_spread(f, b->fields, b->basis, b->algorithm);
	text_put_subfield(f, &b->dst);
	fputc(',', f);
	put_members(f, &b->members, n);
}

const struct text_action text_spread_actions[] = {
	{ "multipath", OF_KIND_nx_multipath, parse_multipath, put_multipath, 0 },
	{ "bundle", OF_KIND_nx_bundle, parse_bundle, put_bundle, 0 },
	{ "bundle_load", OF_KIND_nx_bundle_load, parse_bundle_load, put_bundle_load, 0 },
};
const unsigned int text_n_spread_actions =
	sizeof(text_spread_actions) / sizeof(text_spread_actions[0]);

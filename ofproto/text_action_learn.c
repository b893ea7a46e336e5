/* SPDX-License-Identifier: Apache-2.0 */
/*
 * learn(...): the flow that a packet leaves behind.
 *
 * What the learned flow matches is followed from spec to spec, as a flow's match is: a field stands
 * behind its prerequisites.
 */
#include <errno.h>
#include <string.h>

#include "ofproto/nx.h"
#include "ofproto/text_action.h"

enum { MAX_VALUE_BITS = 128 };

struct learning {
	struct text_actions *c;
	struct of_learn l;
	struct of_learn_specs specs;
	struct of_match match; /* of the learned flow */
};

/* ---- Reading ---- */

/* A field of the learned flow; only where the flow's own match is known there is a verdict. */
static int need_learned(struct learning *k, const struct of_field *f)
{
	if (!k->c->checked || f->pre == OF_PRE_IN_PORT || of_match_pre_met(&k->match, f))
		return 0;
	return err_set(k->c->e, -EINVAL,
		       "%s: what it needs is not matched before it (OFPBAC_MATCH_INCONSISTENT "
		       "otherwise)",
		       f->name);
}

/* A source in the packet, as wide as 'dst'. */
static int packet_part(struct learning *k, struct of_learn_spec *s, const char *dst)
{
	if (s->src.n_bits != s->n_bits)
		return err_set(k->c->e, -EINVAL, "%s has %u bits, %s has %u", s->src.field->name,
			       s->src.n_bits, dst, s->n_bits);
	return text_need_field(k->c, "learn from", s->src.field);
}

/* What a value adds to the learned flow's match. */
static void learned_value(struct learning *k, const struct of_learn_spec *s)
{
	const struct of_field *f = s->dst.field;
	uint8_t value[16] = { 0 }, mask[16] = { 0 };

	of_field_get(f, &k->match.value, value);
	of_field_get(f, &k->match.mask, mask);
	for (unsigned int i = 0; i < s->n_bits; i++) {
		text_set_bits(value, f->bytes, s->dst.ofs + i, 1, text_bit(s->value, 16, i));
		text_set_bits(mask, f->bytes, s->dst.ofs + i, 1, 1);
	}
	of_field_set(f, &k->match.value, value);
	of_field_set(f, &k->match.mask, mask);
}

/* A value in the field's own form for all of it, a number for a part. */
static int constant(struct learning *k, struct of_learn_spec *s, const char *value)
{
	const struct of_field *f = s->dst.field;
	const char *p = value;
	struct of_oxm o;
	int r;

	if (f->id == OF_FIELD_IN_PORT_NXM && s->n_bits == 16) {
		uint32_t port;

		r = of_parse_port(value, k->c->names, &port, k->c->e);
		put_be16(s->value + 14, (uint16_t)port);
		return r;
	}
	if (s->n_bits == text_width(f)) {
		r = text_parse_value(f, value, k->c->names, &o, k->c->e);
		if (!r && o.masked)
			r = err_set(k->c->e, -EINVAL, "%s=%s: no mask can stand here", f->name,
				    value);
		memcpy(s->value + 16 - f->bytes, o.value, r ? 0 : f->bytes);
		return r;
	}
	if (text_wide(&p, s->value, 16) || *p)
		return err_set(k->c->e, -EINVAL, "%s=%s: neither a field nor a number", f->name,
			       value);
	return 0;
}

static int check_fit(struct learning *k, const struct of_learn_spec *s, const char *value)
{
	for (unsigned int i = s->n_bits; i < MAX_VALUE_BITS; i++)
		if (text_bit(s->value, 16, i))
			return err_set(k->c->e, -EINVAL, "%s does not fit into %u bits", value,
				       s->n_bits);
	return 0;
}

/* "FIELD", "FIELD=FIELD", "FIELD=VALUE", with parts of fields or whole ones; -ENOENT: no field. */
static int parse_match_spec(struct learning *k, struct of_learn_spec *s, const char *name,
			    const char *value)
{
	int r;

	if (text_parse_subfield(name, &s->dst, NULL))
		return -ENOENT;
	s->n_bits = s->dst.n_bits;
	r = need_learned(k, s->dst.field);
	if (r)
		return r;
	if (!*value || !text_parse_subfield(value, &s->src, NULL)) {
		if (!*value)
			s->src = s->dst;
		return packet_part(k, s, name);
	}
	s->src = (struct of_subfield){ 0 };
	r = constant(k, s, value);
	if (!r)
		r = check_fit(k, s, value);
	if (!r)
		learned_value(k, s);
	return r;
}

static int parse_load_spec(struct learning *k, struct of_learn_spec *s, char *value)
{
	char *to = strstr(value, "->");
	const char *p = value;
	int r;

	if (!to)
		return err_set(k->c->e, -EINVAL, "load:%s: expected load:VALUE->FIELD[A..B]",
			       value);
	*to = '\0';
	s->to = OF_LEARN_LOAD;
	r = text_parse_subfield(to + 2, &s->dst, k->c->e);
	if (r)
		return err_wrap(k->c->e, r, "load");
	s->n_bits = s->dst.n_bits;
	if (!s->dst.field->writable)
		return err_set(k->c->e, -EINVAL, "load: %s is read-only", s->dst.field->name);
	r = need_learned(k, s->dst.field);
	if (r)
		return r;
	if (!text_parse_subfield(value, &s->src, NULL))
		return packet_part(k, s, to + 2);
	s->src = (struct of_subfield){ 0 };
	if (*value == '-' || text_wide(&p, s->value, 16) || *p)
		return err_set(k->c->e, -EINVAL, "load:%s: neither a field nor a number", value);
	return check_fit(k, s, value);
}

static int parse_spec(struct learning *k, const char *name, char *value)
{
	struct of_learn_spec *s = &k->specs.v[k->specs.n++];
	int r;

	memset(s, 0, sizeof(*s));
	if (!strcmp(name, "load"))
		return parse_load_spec(k, s, value);
	if (!strcmp(name, "output")) {
		s->to = OF_LEARN_OUTPUT;
		r = text_parse_subfield(value, &s->src, k->c->e);
		s->n_bits = s->src.n_bits;
		return r ? r : packet_part(k, s, "output");
	}
	r = parse_match_spec(k, s, name, value);
	if (r == -ENOENT)
		return err_set(k->c->e, -EINVAL, "\"%s\": neither a field nor an argument", name);
	return r;
}

static int parse_result(struct learning *k, const char *value)
{
	struct of_subfield *sf = &k->l.result;
	int r = text_parse_subfield(value, sf, k->c->e);

	if (r)
		return r;
	if (sf->n_bits != 1)
		return err_set(k->c->e, -EINVAL, "result_dst=%s: one bit is wanted", value);
	if (!sf->field->writable)
		return err_set(k->c->e, -EINVAL, "result_dst: %s is read-only", sf->field->name);
	return text_need_field(k->c, "learn's result in", sf->field);
}

static int parse_table(struct learning *k, const char *value)
{
	int r = text_u8(value, "table", &k->l.table_id, k->c->e);

	if (!r && k->l.table_id == OFPTT_ALL)
		r = err_set(k->c->e, -EINVAL, "table=255: there is no such table");
	return r;
}

static int parse_arg(struct learning *k, const char *key, char *value)
{
	const struct {
		const char *name;
		uint16_t *to;
	} numbers[] = { { "idle_timeout", &k->l.idle_timeout },
			{ "hard_timeout", &k->l.hard_timeout },
			{ "fin_idle_timeout", &k->l.fin_idle_timeout },
			{ "fin_hard_timeout", &k->l.fin_hard_timeout },
			{ "priority", &k->l.priority } };

	for (unsigned int i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (!strcmp(key, numbers[i].name))
			return text_u16(value, key, numbers[i].to, k->c->e);
	if (!strcmp(key, "table"))
		return parse_table(k, value);
	if (!strcmp(key, "cookie"))
		return text_u64(value, key, &k->l.cookie, k->c->e);
	if (!strcmp(key, "limit"))
		return text_u32(value, key, &k->l.limit, k->c->e);
	if (!strcmp(key, "result_dst"))
		return parse_result(k, value);
	if (!strcmp(key, "send_flow_rem")) {
		k->l.flags |= NX_LEARN_F_SEND_FLOW_REM;
		return 0;
	}
	if (!strcmp(key, "delete_learned")) {
		k->l.flags |= NX_LEARN_F_DELETE_LEARNED;
		return 0;
	}
	return parse_spec(k, key, value);
}

static int parse_learn(struct text_actions *c, const struct text_action *row, char *arg)
{
	struct learning k = { .c = c, .l = { .priority = OFP_DEFAULT_PRIORITY, .table_id = 1 } };
	char *key, *value;
	int r = 0;

	if (c->in_set)
		return err_set(c->e, -EINVAL, "%s cannot stand in write_actions", row->name);
	k.specs.v = arena_get(c->arena, (strlen(arg) / 2 + 1) * sizeof(*k.specs.v));
	if (!k.specs.v)
		return err_set(c->e, -ENOMEM, "out of memory");
	while (!r && text_next(&arg, &key, &value))
		r = parse_arg(&k, key, value);
	if (r)
		return err_wrap(c->e, r, "learn");
	k.l.specs = &k.specs;
	return text_action_put(c, of_learn_action(&k.l, c->arena));
}

/* ---- Printing ---- */

/* The name by which a whole field is read here: NXM's in_port is the short one. */
static const char *field_name(const struct of_field *f)
{
	if (f->id == OF_FIELD_IN_PORT_NXM)
		return "in_port";
	return f->id == OF_FIELD_IN_PORT ? "in_port_oxm" : f->name;
}

static void put_constant(FILE *f, const struct of_learn_spec *s, const struct of_names *n)
{
	const struct of_field *d = s->dst.field;

	if (s->dst.ofs || s->n_bits != text_width(d)) {
		text_put_subfield(f, &s->dst);
		fputc('=', f);
		text_put_hex(f, s->value, 16);
		return;
	}
	fprintf(f, "%s=", field_name(d));
	if (d->id == OF_FIELD_IN_PORT_NXM)
		of_format_port(f, of_nx_port(get_be16(s->value + 14)), n);
	else
		text_put_value(f, d, s->value + 16 - d->bytes, n);
}

static bool same_part(const struct of_subfield *x, const struct of_subfield *y)
{
	return x->field == y->field && x->ofs == y->ofs;
}

static void put_spec(FILE *f, const struct of_learn_spec *s, const struct of_names *n)
{
	if (s->to == OF_LEARN_OUTPUT) {
		fputs("output:", f);
		text_put_subfield(f, &s->src);
		return;
	}
	if (s->to == OF_LEARN_LOAD) {
		fputs("load:", f);
		if (s->src.field)
			text_put_subfield(f, &s->src);
		else
			text_put_hex(f, s->value, 16);
		fputs("->", f);
		text_put_subfield(f, &s->dst);
		return;
	}
	if (!s->src.field) {
		put_constant(f, s, n);
		return;
	}
	text_put_subfield(f, &s->dst);
	if (same_part(&s->src, &s->dst))
		return;
	fputc('=', f);
	text_put_subfield(f, &s->src);
}

static void put_number(FILE *f, const char *name, uint64_t value, uint64_t usual)
{
	if (value != usual)
		fprintf(f, ",%s=%llu", name, (unsigned long long)value);
}

static void put_learn(FILE *f, const struct of_any *a, const struct of_names *n)
{
	struct of_learn l;

	of_learn_of(a, &l);
	fprintf(f, "learn(table=%u", l.table_id);
	put_number(f, "idle_timeout", l.idle_timeout, 0);
	put_number(f, "hard_timeout", l.hard_timeout, 0);
	put_number(f, "fin_idle_timeout", l.fin_idle_timeout, 0);
	put_number(f, "fin_hard_timeout", l.fin_hard_timeout, 0);
	put_number(f, "priority", l.priority, OFP_DEFAULT_PRIORITY);
	if (l.flags & NX_LEARN_F_SEND_FLOW_REM)
		fputs(",send_flow_rem", f);
	if (l.flags & NX_LEARN_F_DELETE_LEARNED)
		fputs(",delete_learned", f);
	if (l.cookie)
		fprintf(f, ",cookie=0x%llx", (unsigned long long)l.cookie);
	put_number(f, "limit", l.limit, 0);
	if (l.result.field) {
		fputs(",result_dst=", f);
		text_put_subfield(f, &l.result);
	}
	for (uint32_t i = 0; i < l.specs->n; i++) {
		fputc(',', f);
		put_spec(f, &l.specs->v[i], n);
	}
	fputc(')', f);
}

const struct text_action text_learn_actions[] = {
	{ "learn", OF_KIND_nx_learn, parse_learn, put_learn, 0 },
	{ "", OF_KIND_nx_learn2, NULL, put_learn, 0 },
};
const unsigned int text_n_learn_actions =
	sizeof(text_learn_actions) / sizeof(text_learn_actions[0]);

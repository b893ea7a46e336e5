/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nicira's rarer actions.  They are read and printed, for ovs-ofctl does; what a switch does not
 * execute it refuses by itself.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ofproto/nx.h"
#include "ofproto/text_action.h"

enum { ANY_TABLE = 0xff, NX_IN_PORT = 0xfff8, MIN_TRUNC = 14 };

/* The row's argument is a prerequisite. */
static int parse_plain(struct text_actions *c, const struct text_action *row, char *arg)
{
	int r = text_need(c, row->name, row->arg);

	if (!r && c->in_set)
		r = err_set(c->e, -EINVAL, "%s cannot stand in write_actions", row->name);
	return r ? r : text_action_add(c, row->kind) ? 0 : -ENOMEM;
}

TEXT_PUT_WORD(exit, "exit")
TEXT_PUT_WORD(dec_ttl, "dec_ttl")

/* ---- dec_ttl(ID,...): which controllers hear of a TTL that ran out ---- */

int text_parse_dec_ttl_ids(struct text_actions *c, char *arg)
{
	uint16_t *ids = arena_get(c->arena, (strlen(arg) / 2 + 1) * sizeof(*ids));
	struct of_nx_dec_ttl_cnt_ids *d;
	char *key, *value;
	uint16_t n = 0;

	if (!ids)
		return err_set(c->e, -ENOMEM, "out of memory");
	while (text_next(&arg, &key, &value)) {
		uint16_t id;
		int r = text_u16(key, "dec_ttl's controller id", &id, c->e);

		if (r)
			return r;
		ids[n++] = id;
	}
	if (!n)
		return text_action_add(c, OF_KIND_action_dec_nw_ttl) ? 0 : -ENOMEM;
	d = TEXT_ADD(c, nx_dec_ttl_cnt_ids);
	if (!d)
		return -ENOMEM;
	d->ids = (struct of_halves){ n, ids };
	return 0;
}

static void put_dec_ttl_ids(FILE *f, const struct of_any *a, const struct of_names *n)
{
	const struct of_nx_dec_ttl_cnt_ids *d = (const void *)a;

	fputs("dec_ttl(", f);
	for (uint32_t i = 0; i < d->ids.n; i++)
		fprintf(f, "%s%u", i ? "," : "", d->ids.v[i]);
	fputc(')', f);
}

/* ---- fin_timeout ---- */

static int parse_fin_timeout(struct text_actions *c, const struct text_action *row, char *arg)
{
	struct of_nx_fin_timeout *t;
	uint16_t idle = 0, hard = 0;
	char *key, *value;
	int r = text_need(c, row->name, OF_PRE_TCP);

	while (!r && text_next(&arg, &key, &value)) {
		if (!strcmp(key, "idle_timeout"))
			r = text_u16(value, key, &idle, c->e);
		else if (!strcmp(key, "hard_timeout"))
			r = text_u16(value, key, &hard, c->e);
		else
			r = err_set(c->e, -EINVAL,
				    "fin_timeout: \"%s\": expected idle_timeout or hard_timeout",
				    key);
	}
	if (r)
		return r;
	t = TEXT_ADD(c, nx_fin_timeout);
	if (!t)
		return -ENOMEM;
	t->fin_idle_timeout = idle;
	t->fin_hard_timeout = hard;
	return 0;
}

static void put_fin_timeout(FILE *f, const struct of_any *a, const struct of_names *n)
{
	const struct of_nx_fin_timeout *t = (const void *)a;

	fputs("fin_timeout(", f);
	if (t->fin_idle_timeout)
		fprintf(f, "idle_timeout=%u%s", t->fin_idle_timeout,
			t->fin_hard_timeout ? "," : "");
	if (t->fin_hard_timeout)
		fprintf(f, "hard_timeout=%u", t->fin_hard_timeout);
	fputc(')', f);
}

/* ---- resubmit(PORT,TABLE,ct): text_action_nx.c reads it ---- */

static void put_resubmit_ct(FILE *f, const struct of_any *a, const struct of_names *n)
{
	const struct of_nx_resubmit_table_ct *t = (const void *)a;

	fputs("resubmit(", f);
	if (t->in_port != NX_IN_PORT)
		of_format_port(f, of_nx_port(t->in_port), n);
	fputc(',', f);
	if (t->table != ANY_TABLE)
		fprintf(f, "%u", t->table);
	fputs(",ct)", f);
}

/* ---- output(port=N,max_len=M) ---- */

int text_parse_output_trunc(struct text_actions *c, char *arg)
{
	struct of_nx_output_trunc *o;
	uint32_t port = OFPP_ANY, max_len = 0;
	char *key, *value;
	int r = 0;

	while (!r && text_next(&arg, &key, &value)) {
		if (!strcmp(key, "port"))
			r = of_parse_port(value, c->names, &port, c->e);
		else if (!strcmp(key, "max_len"))
			r = text_u32(value, key, &max_len, c->e);
		else
			r = err_set(c->e, -EINVAL, "output: \"%s\": expected port and max_len",
				    key);
	}
	if (r)
		return r;
	if (port == OFPP_ANY)
		return err_set(c->e, -EINVAL, "output: port= is missing");
	if (port > OFPP_MAX && port != OFPP_IN_PORT && port != OFPP_LOCAL)
		return err_set(c->e, -EINVAL,
			       "output: max_len goes with a port, IN_PORT or LOCAL only");
	if (max_len < MIN_TRUNC)
		return err_set(c->e, -EINVAL, "output: max_len %u is less than a header's %d",
			       max_len, MIN_TRUNC);
	o = TEXT_ADD(c, nx_output_trunc);
	if (!o)
		return -ENOMEM;
	o->port = (uint16_t)port;
	o->max_len = max_len;
	return 0;
}

static void put_output_trunc(FILE *f, const struct of_any *a, const struct of_names *n)
{
	const struct of_nx_output_trunc *o = (const void *)a;

	fputs("output(port=", f);
	of_format_port(f, of_nx_port(o->port), n);
	fprintf(f, ",max_len=%u)", o->max_len);
}

/* ---- push, pop ---- */

static int parse_stack(struct text_actions *c, const struct text_action *row, char *arg)
{
	bool push = row->kind == OF_KIND_nx_stack_push;
	struct of_subfield sf;
	struct of_nx_stack_push *s; /* pop is alike */
	int r = text_parse_subfield(arg, &sf, c->e);

	if (r)
		return err_wrap(c->e, r, "%s", row->name);
	if (!push && !sf.field->writable)
		return err_set(c->e, -EINVAL, "pop: %s is read-only", sf.field->name);
	r = text_need_field(c, row->name, sf.field);
	if (r)
		return r;
	s = (struct of_nx_stack_push *)text_action_add(c, row->kind);
	if (!s)
		return -ENOMEM;
	s->ofs = sf.ofs;
	s->n_bits = sf.n_bits;
	s->field = sf.field;
	return 0;
}

static void put_stack(FILE *f, const struct of_any *a, const struct of_names *n)
{
	const struct of_nx_stack_push *s = (const void *)a;
	struct of_subfield sf = { s->field, s->ofs, s->n_bits };

	fputs(a->kind == OF_KIND_nx_stack_push ? "push:" : "pop:", f);
	text_put_subfield(f, &sf);
}

/* ---- conjunction(ID,K/N) ---- */

static int parse_conjunction(struct text_actions *c, const struct text_action *row, char *arg)
{
	struct of_nx_conjunction *j;
	unsigned int clause, n;
	int id, end = 0;

	/* The id in decimal, 0x or octal. */
	if (sscanf(arg, "%i , %u / %u %n", &id, &clause, &n, &end) != 3 || !end || arg[end])
		return err_set(c->e, -EINVAL, "conjunction(%s): expected conjunction(ID,K/N)", arg);
	if (n < 2 || n > 64 || clause < 1 || clause > n)
		return err_set(c->e, -EINVAL, "conjunction(%s): N is 2 to 64, and K is 1 to N",
			       arg);
	j = TEXT_ADD(c, nx_conjunction);
	if (!j)
		return -ENOMEM;
	j->id = (uint32_t)id;
	j->clause = (uint8_t)(clause - 1);
	j->n_clauses = (uint8_t)n;
	return 0;
}

static void put_conjunction(FILE *f, const struct of_any *a, const struct of_names *n)
{
	const struct of_nx_conjunction *j = (const void *)a;

	fprintf(f, "conjunction(%u,%u/%u)", j->id, j->clause + 1, j->n_clauses);
}

/* ---- sample ---- */

static int parse_sample_arg(struct text_actions *c, struct of_sample *s, const char *key,
			    const char *value)
{
	if (!strcmp(key, "probability"))
		return text_u16(value, key, &s->probability, c->e);
	if (!strcmp(key, "collector_set_id"))
		return text_u32(value, key, &s->collector_set_id, c->e);
	if (!strcmp(key, "obs_domain_id"))
		return text_u32(value, key, &s->obs_domain_id, c->e);
	if (!strcmp(key, "obs_point_id"))
		return text_u32(value, key, &s->obs_point_id, c->e);
	if (!strcmp(key, "sampling_port"))
		return of_parse_port(value, c->names, &s->sampling_port, c->e);
	if (!strcmp(key, "ingress"))
		s->direction = NX_SAMPLE_INGRESS;
	else if (!strcmp(key, "egress"))
		s->direction = NX_SAMPLE_EGRESS;
	else
		return err_set(c->e, -EINVAL, "\"%s\" is no argument of it", key);
	return 0;
}

static int parse_sample(struct text_actions *c, const struct text_action *row, char *arg)
{
	struct of_sample s = { .sampling_port = OFPP_ANY };
	char *key, *value;
	int r = 0;

	if (c->in_set)
		return err_set(c->e, -EINVAL, "%s cannot stand in write_actions", row->name);
	while (!r && text_next(&arg, &key, &value))
		r = parse_sample_arg(c, &s, key, value);
	if (!r && !s.probability)
		r = err_set(c->e, -EINVAL, "probability is 1 to 65535");
	if (r)
		return err_wrap(c->e, r, "sample");
	return text_action_put(c, of_sample_action(&s, c->arena));
}

static void put_sample(FILE *f, const struct of_any *a, const struct of_names *n)
{
	struct of_sample s;

	of_sample_of(a, &s);
	fprintf(f, "sample(probability=%u,collector_set_id=%u,obs_domain_id=%u,obs_point_id=%u",
		s.probability, s.collector_set_id, s.obs_domain_id, s.obs_point_id);
	if (s.sampling_port != OFPP_ANY) {
		fputs(",sampling_port=", f);
		of_format_port(f, s.sampling_port, n);
	}
	if (s.direction)
		fputs(s.direction == NX_SAMPLE_INGRESS ? ",ingress" : ",egress", f);
	fputc(')', f);
}

/* ---- clone(ACTIONS): what they change is of the copy ---- */

static int parse_clone(struct text_actions *c, const struct text_action *row, char *arg)
{
	struct of_nx_clone *k;
	struct text_actions in = *c;

	if (c->in_set)
		return err_set(c->e, -EINVAL, "%s cannot stand in write_actions", row->name);
	k = TEXT_ADD(c, nx_clone);
	if (!k)
		return -ENOMEM;
	in.out = &k->actions;
	in.inst = NULL;
	in.insts = NULL;
	return text_actions_parse(&in, arg);
}

static void put_clone(FILE *f, const struct of_any *a, const struct of_names *n)
{
	fputs("clone(", f);
	of_format_actions(f, &((const struct of_nx_clone *)a)->actions, n);
	fputc(')', f);
}

/* ---- check_pkt_larger(LENGTH)->FIELD[BIT] ---- */

/* NUMBER)->FIELD[BITS], as far as the list's end or its next action. */
static int parse_into(struct text_actions *c, const struct text_action *row, char *arg,
		      uint16_t *number, struct of_subfield *dst)
{
	char *to = *c->rest;
	int r = text_u16(arg, row->name, number, c->e);

	if (r)
		return r;
	if (c->in_set)
		return err_set(c->e, -EINVAL, "%s cannot stand in write_actions", row->name);
	if (strncmp(to, "->", 2))
		return err_set(c->e, -EINVAL, "%s: expected %s(LENGTH)->FIELD[BIT]", row->name,
			       row->name);
	to += 2;
	*c->rest = to + strcspn(to, ", \t\r\n");
	if (**c->rest)
		*(*c->rest)++ = '\0';
	r = text_parse_subfield(to, dst, c->e);
	return r ? err_wrap(c->e, r, "%s", row->name) : text_need_field(c, row->name, dst->field);
}

static int parse_larger(struct text_actions *c, const struct text_action *row, char *arg)
{
	struct of_nx_check_pkt_larger *l;
	struct of_subfield dst;
	uint16_t len;
	int r = parse_into(c, row, arg, &len, &dst);

	if (!r && dst.n_bits != 1)
		return err_set(c->e, -EINVAL, "%s: one bit is wanted, not %u", row->name,
			       dst.n_bits);
	l = r ? NULL : TEXT_ADD(c, nx_check_pkt_larger);
	if (!l)
		return r ? r : -ENOMEM;
	l->pkt_len = len;
	l->ofs = dst.ofs;
	l->dst = dst.field;
	return 0;
}

static void put_larger(FILE *f, const struct of_any *a, const struct of_names *n)
{
	const struct of_nx_check_pkt_larger *l = (const void *)a;
	struct of_subfield dst = { l->dst, l->ofs, 1 };

	fprintf(f, "check_pkt_larger(%u)->", l->pkt_len);
	text_put_subfield(f, &dst);
}

/* ---- fit(MTU)->FIELD[BITS] ---- */

static int parse_fit(struct text_actions *c, const struct text_action *row, char *arg)
{
	struct of_fit *fit;
	struct of_subfield dst;
	uint16_t mtu;
	int r = parse_into(c, row, arg, &mtu, &dst);

	if (!r && (mtu < 68 || (dst.n_bits < 16 && mtu >> dst.n_bits)))
		return err_set(c->e, -EINVAL, "%s: an MTU is 68 at least, and %u bits hold it",
			       row->name, dst.n_bits);
	fit = r ? NULL : TEXT_ADD(c, fit);
	if (!fit)
		return r ? r : -ENOMEM;
	fit->mtu = mtu;
	fit->dst = dst;
	return 0;
}

static void put_fit(FILE *f, const struct of_any *a, const struct of_names *n)
{
	const struct of_fit *fit = (const void *)a;

	fprintf(f, "fit(%u)->", fit->mtu);
	text_put_subfield(f, &fit->dst);
}

/* What ovs-ofctl knows and this does not: refused by name, so that nobody looks for a typing error.
 */
static int refuse(struct text_actions *c, const struct text_action *row, char *arg)
{
	return err_set(c->e, -EINVAL, "action %s is not supported", row->name);
}

#define REFUSED(name)                               \
	{                                           \
		name, OF_KIND_NONE, refuse, NULL, 0 \
	}

const struct text_action text_ext_actions[] = {
	{ "exit", OF_KIND_nx_exit, parse_plain, put_exit, OF_PRE_ANY },
	{ "", OF_KIND_nx_dec_ttl, NULL, put_dec_ttl, 0 },
	{ "", OF_KIND_nx_dec_ttl_cnt_ids, NULL, put_dec_ttl_ids, 0 },
	{ "", OF_KIND_nx_resubmit_table_ct, NULL, put_resubmit_ct, 0 },
	{ "", OF_KIND_nx_output_trunc, NULL, put_output_trunc, 0 },
	{ "fin_timeout", OF_KIND_nx_fin_timeout, parse_fin_timeout, put_fin_timeout, 0 },
	{ "push", OF_KIND_nx_stack_push, parse_stack, put_stack, 0 },
	{ "pop", OF_KIND_nx_stack_pop, parse_stack, put_stack, 0 },
	{ "conjunction", OF_KIND_nx_conjunction, parse_conjunction, put_conjunction, 0 },
	{ "sample", OF_KIND_nx_sample, parse_sample, put_sample, 0 },
	{ "", OF_KIND_nx_sample2, NULL, put_sample, 0 },
	{ "", OF_KIND_nx_sample3, NULL, put_sample, 0 },
	{ "clone", OF_KIND_nx_clone, parse_clone, put_clone, 0 },
	{ "check_pkt_larger", OF_KIND_nx_check_pkt_larger, parse_larger, put_larger, 0 },
	{ "fit", OF_KIND_fit, parse_fit, put_fit, 0 },
	REFUSED("encap"),
	REFUSED("decap"),
	REFUSED("delete_field"),
	REFUSED("dec_nsh_ttl"),
};
const unsigned int text_n_ext_actions = sizeof(text_ext_actions) / sizeof(text_ext_actions[0]);

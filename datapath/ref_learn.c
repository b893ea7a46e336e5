/* SPDX-License-Identifier: Apache-2.0 */
/* learn and fin_timeout, as ovs-actions(7) tells them; limits are left to tests of their own. */
#include <stdlib.h>
#include <string.h>

#include "datapath/ref_priv.h"
#include "ofproto/match.h"
#include "ofproto/nx.h"

enum { FIN = 1, RST = 4 };

/* What a spec says or takes from the packet, least significant bit first. */
static struct ref_bits bits_of(const struct ref_frame *f, const struct of_learn_spec *s)
{
	struct ref_bits b = { .n = s->n_bits }, whole;

	if (!s->src.field)
		return ref_bytes(s->value, sizeof(s->value), s->n_bits);
	whole = ref_get(f, s->src.field);
	memcpy(b.bit, whole.bit + s->src.ofs, s->n_bits);
	return b;
}

static uint64_t number(const struct ref_bits *b, unsigned int from, unsigned int n)
{
	uint64_t v = 0;

	for (unsigned int i = 0; i < n; i++)
		v |= (uint64_t)b->bit[from + i] << i;
	return v;
}

/* Bit by bit into what the match has of the field already. */
static void match_bits(struct of_match *m, const struct of_subfield *d, const struct ref_bits *b)
{
	uint8_t value[16] = { 0 }, mask[16] = { 0 };
	const struct of_field *f = d->field;
	struct of_oxm o = { 0 };

	if (of_match_has(m, f)) {
		of_match_get(m, f, &o);
		memcpy(value, o.value, sizeof(value));
		memcpy(mask, o.mask, sizeof(mask));
	}
	for (unsigned int i = 0; i < b->n; i++) {
		const unsigned int at = d->ofs + i, byte = f->bytes - 1 - at / 8;

		mask[byte] |= (uint8_t)(1 << at % 8);
		value[byte] = (uint8_t)((value[byte] & ~(1 << at % 8)) | b->bit[i] << at % 8);
	}
	of_match_set(m, f, value, b->n == f->bits ? NULL : mask);
}

static void add(struct ref_run *x, struct of_list *l, void *a)
{
	of_list_add(l, &x->r->arena, a);
}

static void load(struct ref_run *x, struct of_list *l, const struct of_learn_spec *s,
		 const struct ref_bits *b)
{
	for (unsigned int done = 0; done < b->n; done += 64) {
		struct of_nx_reg_load *a = OF_NEW(&x->r->arena, nx_reg_load);
		const unsigned int n = b->n - done < 64 ? b->n - done : 64;

		a->dst.field = s->dst.field;
		a->dst.ofs = (uint16_t)(s->dst.ofs + done);
		a->dst.n_bits = (uint16_t)n;
		a->value = number(b, done, n);
		add(x, l, a);
	}
}

static void output(struct ref_run *x, struct of_list *l, uint64_t no)
{
	struct of_action_output *a = OF_NEW(&x->r->arena, action_output);

	no &= 0xffff;
	a->port = (uint32_t)no;
	if (no >= 0xff00)
		a->port |= 0xffff0000;
	if (!no || (no >= 0xff00 && a->port != OFPP_IN_PORT && a->port != OFPP_FLOOD &&
		    a->port != OFPP_ALL && a->port != OFPP_LOCAL))
		return;
	add(x, l, a);
}

static void actions(struct ref_run *x, const struct of_learn *k, struct of_list *l)
{
	if (k->fin_idle_timeout || k->fin_hard_timeout) {
		struct of_nx_fin_timeout *t = OF_NEW(&x->r->arena, nx_fin_timeout);

		t->fin_idle_timeout = k->fin_idle_timeout;
		t->fin_hard_timeout = k->fin_hard_timeout;
		add(x, l, t);
	}
	for (uint32_t i = 0; i < k->specs->n; i++) {
		const struct of_learn_spec *s = &k->specs->v[i];
		const struct ref_bits b = bits_of(&x->f, s);

		if (s->to == OF_LEARN_LOAD)
			load(x, l, s, &b);
		else if (s->to == OF_LEARN_OUTPUT)
			output(x, l, number(&b, 0, b.n < 64 ? b.n : 64));
	}
}

/* Nobody has a 1 in the upper 24 bits of ct_state. */
static bool can_be(const struct of_learn_spec *s, const struct ref_bits *b)
{
	for (unsigned int i = 0; s->dst.field->id == OF_FIELD_CT_STATE && i < b->n; i++)
		if (s->dst.ofs + i >= 8 && b->bit[i])
			return false;
	return true;
}

void ref_learn(struct ref_run *x, const struct of_any *action)
{
	struct of_inst_apply_actions *apply = OF_NEW(&x->r->arena, inst_apply_actions);
	struct of_flow_mod *fm = OF_NEW(&x->r->arena, flow_mod);
	const struct ref_bits one = { 1, { 1 } };
	struct of_learn k;
	bool can = true;

	of_learn_of(action, &k);
	fm->command = OFPFC_ADD;
	fm->table_id = k.table_id;
	fm->priority = k.priority;
	fm->cookie = k.cookie;
	fm->idle_timeout = k.idle_timeout;
	fm->hard_timeout = k.hard_timeout;
	fm->flags = k.flags & NX_LEARN_F_SEND_FLOW_REM ? OFPFF_SEND_FLOW_REM : 0;
	for (uint32_t i = 0; i < k.specs->n; i++) {
		const struct ref_bits b = bits_of(&x->f, &k.specs->v[i]);

		if (k.specs->v[i].to != OF_LEARN_MATCH)
			continue;
		can = can && can_be(&k.specs->v[i], &b);
		match_bits(&fm->match, &k.specs->v[i].dst, &b);
	}
	actions(x, &k, &apply->actions);
	if (apply->actions.n)
		add(x, &fm->insts, apply);
	if (can && x->r->n_learned < REF_LEARNED)
		x->r->learned[x->r->n_learned++] = (struct ref_learned){ .fm = fm };
	if (k.result.field)
		ref_set(&x->f, k.result.field, &one, k.result.ofs);
}

/* Another flow does as it says, of its own age and with its own timeouts. */
static bool renew(struct ref *r, const struct of_flow_mod *fm)
{
	for (struct ref_flow *f = r->tables[fm->table_id]; f; f = f->next) {
		if (f->priority != fm->priority || !of_match_equal(&f->match, &fm->match))
			continue;
		of_list_copy(&fm->insts, &r->arena, &f->insts);
		if (fm->cookie)
			f->cookie = fm->cookie;
		f->since = r->seconds;
		return true;
	}
	return false;
}

static void reduce(uint16_t *timeout, uint16_t to)
{
	if (to && (!*timeout || to < *timeout))
		*timeout = to;
}

static bool has_fin(const struct of_list *l)
{
	for (uint32_t i = 0; i < l->n; i++) {
		const struct of_any *a = l->v[i];

		if (a->kind == OF_KIND_nx_fin_timeout ||
		    (a->kind == OF_KIND_nx_clone &&
		     has_fin(&((const struct of_nx_clone *)a)->actions)))
			return true;
	}
	return false;
}

/* The flow may be gone meanwhile, or do something else: what the same packet has learned before. */
static void end(struct ref *r, const struct ref_learned *k)
{
	const struct of_any *apply;
	struct ref_flow *f = r->tables[k->table_id];

	while (f && f != k->flow)
		f = f->next;
	if (!f || f->cookie != k->cookie)
		return;
	apply = ref_inst(&f->insts, OF_KIND_inst_apply_actions);
	if (!apply || !has_fin(&((const struct of_inst_apply_actions *)apply)->actions))
		return;
	reduce(&f->idle_timeout, k->idle_timeout);
	reduce(&f->hard_timeout, k->hard_timeout);
}

void ref_learn_all(struct ref *r)
{
	for (uint32_t i = 0; i < r->n_learned; i++) {
		const struct ref_learned *k = &r->learned[i];

		if (!k->fm)
			end(r, k);
		else if (!renew(r, k->fm))
			ref_flow_mod(r, k->fm);
	}
	r->n_learned = 0;
}

void ref_fin(struct ref_run *x, const struct of_nx_fin_timeout *a)
{
	const struct ref_bits flags = ref_get(&x->f, &of_fields[OF_FIELD_TCP_FLAGS]);

	if (!x->flow || !ref_meets(&x->f, &of_fields[OF_FIELD_TCP_SRC]) ||
	    !(number(&flags, 0, 12) & (FIN | RST)) || x->r->n_learned == REF_LEARNED)
		return;
	x->r->learned[x->r->n_learned++] =
		(struct ref_learned){ .flow = x->flow,
				      .table_id = x->table,
				      .cookie = x->flow->cookie,
				      .idle_timeout = a->fin_idle_timeout,
				      .hard_timeout = a->fin_hard_timeout };
}

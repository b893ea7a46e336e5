/* SPDX-License-Identifier: Apache-2.0 */
/* ct() as ovs-actions(7) tells it: what is tracked is somebody else's to know (ref_tracker()). */
#include <stdlib.h>
#include <string.h>

#include "datapath/ref_priv.h"
#include "ofproto/match.h"

enum { PASSES_MAX = 255, NO_TABLE = 255 };

#define AS(name) ((const struct of_##name *)a)

static void clear(struct flow_key *k)
{
	k->ct_state = 0;
	k->ct_zone = 0;
	k->ct_mark = 0;
	memset(k->ct_label, 0, sizeof(k->ct_label));
	k->ct_nw_src = k->ct_nw_dst = 0;
	memset(k->ct_ipv6_src, 0, sizeof(k->ct_ipv6_src));
	memset(k->ct_ipv6_dst, 0, sizeof(k->ct_ipv6_dst));
	k->ct_tp_src = k->ct_tp_dst = 0;
	k->ct_nw_proto = 0;
}

/* Bits of 'id' in 'mask' are written. */
static void note(struct flow_key *mask, const struct of_field *d, unsigned int ofs, unsigned int n)
{
	uint8_t b[16] = { 0 };

	of_field_get(d, mask, b);
	for (unsigned int i = ofs; i < ofs + n; i++)
		b[d->bytes - 1 - i / 8] |= (uint8_t)(1 << i % 8);
	of_field_set(d, mask, b);
}

/* A value whole, or where it has a mask, just there. */
static void exec_set(struct ref_frame *f, const struct of_oxm *o, struct flow_key *mask)
{
	const struct ref_bits m = ref_bytes(o->mask, o->field->bytes, o->field->bits);

	ref_set_masked(f, o);
	for (unsigned int i = 0; i < o->field->bits; i++)
		if (!o->masked || m.bit[i])
			note(mask, o->field, i, 1);
}

static void exec(struct ref_frame *f, const struct of_any *a, struct flow_key *mask)
{
	if (a->kind == OF_KIND_action_set_field) {
		exec_set(f, &AS(action_set_field)->field, mask);
	} else if (a->kind == OF_KIND_nx_reg_load2) {
		exec_set(f, &AS(nx_reg_load2)->field, mask);
	} else if (a->kind == OF_KIND_nx_reg_load) {
		const struct of_subfield *d = &AS(nx_reg_load)->dst;
		const struct ref_bits v = ref_number(AS(nx_reg_load)->value, d->n_bits);

		ref_set(f, d->field, &v, d->ofs);
		note(mask, d->field, d->ofs, d->n_bits);
	} else if (a->kind == OF_KIND_nx_reg_move) {
		const struct of_nx_reg_move *m = AS(nx_reg_move);
		const struct ref_bits src = ref_get(f, m->src);
		struct ref_bits part = { .n = m->n_bits };

		memcpy(part.bit, src.bit + m->src_ofs, m->n_bits);
		ref_set(f, m->dst, &part, m->dst_ofs);
		note(mask, m->dst, m->dst_ofs, m->n_bits);
	}
}

static uint16_t zone_of(const struct ref_frame *f, const struct of_ct_zone *z)
{
	uint16_t v = 0;
	struct ref_bits b;

	if (!z->src.field)
		return z->value;
	b = ref_get(f, z->src.field);
	for (unsigned int i = 0; i < 16; i++)
		v |= (uint16_t)(b.bit[z->src.ofs + i] << i);
	return v;
}

/* From table 't' to the end, on a copy. */
static void fork_to(struct ref_run *x, uint8_t t)
{
	struct ref_run *c = malloc(sizeof(*c));
	int table = t;

	if (!c)
		return;
	*c = *x;
	c->called = c->miss = c->stop = c->exit = false;
	c->flow = NULL;
	while (table >= 0 && !c->over) {
		struct ref_flow *f = ref_lookup(c->r, &c->f, (uint8_t)table);

		c->table = (uint8_t)table;
		if (f)
			table = ref_run_flow(c, f);
		else
			c->over = true;
	}
	ref_finish(c);
	x->calls = c->calls;
	x->doomed = x->over = c->doomed;
	free(c);
}

void ref_ct(struct ref_run *x, const struct of_nx_ct *a)
{
	struct ref_ct_ask q = { .frame = &x->f,
				.commit = a->flags & NX_CT_F_COMMIT,
				.force = a->flags & NX_CT_F_FORCE };
	struct flow_key mask = { 0 }, was = x->f.meta;

	if (!x->r->track || x->r->ct_passes++ >= PASSES_MAX) {
		x->over = true;
		return;
	}
	for (uint32_t i = 0; i < a->actions.n; i++) {
		exec(&x->f, a->actions.v[i], &mask);
		if (a->actions.v[i]->kind == OF_KIND_nx_nat)
			q.nat = (const struct of_nx_nat *)a->actions.v[i];
	}
	q.zone = zone_of(&x->f, &a->zone);
	q.set = x->f.meta;
	q.mask = mask;
	x->f.meta = was;
	clear(&x->f.meta);
	if (!x->r->track(x->r->track_arg, &q, &x->f.meta)) {
		x->over = true;
		return;
	}
	if (a->recirc_table != NO_TABLE)
		fork_to(x, a->recirc_table);
	clear(&x->f.meta);
}

void ref_ct_clear(struct ref_run *x)
{
	clear(&x->f.meta);
}

void ref_tracker(struct ref *r,
		 bool (*fn)(void *arg, const struct ref_ct_ask *q, struct flow_key *said),
		 void *arg)
{
	r->track = fn;
	r->track_arg = arg;
}

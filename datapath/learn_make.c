/* SPDX-License-Identifier: Apache-2.0 */
/* The flow that a learn action makes of a packet. */
#include <errno.h>
#include <string.h>

#include "datapath/act_priv.h"
#include "datapath/learn_priv.h"

/* What a spec has of the packet, or says itself. */
static u128 value_of(const struct of_learn_spec *s, const struct flow_key *key)
{
	if (!s->src.field)
		return u128_get(s->value, sizeof(s->value)) & u128_ones(s->n_bits);
	return key_bits(key, s->src.field, s->src.ofs, s->n_bits);
}

static void match(struct of_match *m, const struct of_learn_spec *s, u128 v)
{
	const struct of_field *f = s->dst.field;
	uint8_t *value = (uint8_t *)&m->value + f->offset, *mask = (uint8_t *)&m->mask + f->offset;
	const u128 bits = u128_ones(s->n_bits) << (f->shift + s->dst.ofs);

	if (s->n_bits == f->bits) {
		uint8_t whole[16];

		u128_put(whole, f->bytes, v);
		of_match_set(m, f, whole, NULL);
		return;
	}
	v <<= f->shift + s->dst.ofs;
	u128_put(value, f->size, (u128_get(value, f->size) & ~bits) | v);
	u128_put(mask, f->size, u128_get(mask, f->size) | bits);
}

static int load(struct of_list *l, struct arena *a, const struct of_learn_spec *s, u128 v)
{
	for (unsigned int done = 0; done < s->n_bits; done += 64) {
		struct of_nx_reg_load *r = OF_NEW(a, nx_reg_load);
		const unsigned int left = s->n_bits - done;

		if (!r)
			return -ENOMEM;
		r->dst = s->dst;
		r->dst.ofs = (uint16_t)(s->dst.ofs + done);
		r->dst.n_bits = (uint16_t)(left < 64 ? left : 64);
		r->value = (uint64_t)(v >> done & u128_ones(r->dst.n_bits));
		if (of_list_add(l, a, (struct of_any *)r))
			return -ENOMEM;
	}
	return 0;
}

/* Numbers that are no port's are left out, as by Open vSwitch. */
static int output(struct of_list *l, struct arena *a, uint16_t no)
{
	const uint32_t port = of_nx_port(no);
	struct of_action_output *o;

	if (!no || (no >= 0xff00 && port != OFPP_IN_PORT && port != OFPP_FLOOD &&
		    port != OFPP_ALL && port != OFPP_LOCAL))
		return 0;
	o = OF_NEW(a, action_output);
	if (!o)
		return -ENOMEM;
	o->port = port;
	return of_list_add(l, a, (struct of_any *)o) ? -ENOMEM : 0;
}

static int fin(struct of_list *l, struct arena *a, const struct of_learn *k)
{
	struct of_nx_fin_timeout *t;

	if (!k->fin_idle_timeout && !k->fin_hard_timeout)
		return 0;
	t = OF_NEW(a, nx_fin_timeout);
	if (!t)
		return -ENOMEM;
	t->fin_idle_timeout = k->fin_idle_timeout;
	t->fin_hard_timeout = k->fin_hard_timeout;
	return of_list_add(l, a, (struct of_any *)t) ? -ENOMEM : 0;
}

/* Whether a field's bits can be so: the upper ones of ct_state are never 1. */
static bool can_be(const struct of_learn_spec *s, u128 v)
{
	const unsigned int known = of_field_key_bits(s->dst.field);

	return s->dst.ofs >= known ? !v : !(v & ~u128_ones(known - s->dst.ofs));
}

void learn_match(const struct of_learn *k, const struct flow_key *key, struct of_match *m)
{
	*m = (struct of_match){ 0 };
	for (uint32_t i = 0; i < k->specs->n; i++) {
		const struct of_learn_spec *s = &k->specs->v[i];

		if (s->to == OF_LEARN_MATCH)
			match(m, s, value_of(s, key));
	}
}

int learn_flow_mod(const struct of_any *action, const struct flow_key *key, struct arena *a,
		   struct of_flow_mod *out)
{
	struct of_inst_apply_actions *apply = OF_NEW(a, inst_apply_actions);
	struct of_learn k;
	int r;

	if (!apply || !of_learn_of(action, &k))
		return -ENOMEM;
	*out = (struct of_flow_mod){
		.kind = OF_KIND_flow_mod,
		.command = OFPFC_ADD,
		.table_id = k.table_id,
		.priority = k.priority,
		.cookie = k.cookie,
		.idle_timeout = k.idle_timeout,
		.hard_timeout = k.hard_timeout,
		.flags = k.flags & NX_LEARN_F_SEND_FLOW_REM ? OFPFF_SEND_FLOW_REM : 0,
		.buffer_id = OFP_NO_BUFFER,
		.out_port = OFPP_ANY,
		.out_group = OFPG_ANY,
	};
	learn_match(&k, key, &out->match);
	r = fin(&apply->actions, a, &k);
	for (uint32_t i = 0; !r && i < k.specs->n; i++) {
		const struct of_learn_spec *s = &k.specs->v[i];
		const u128 v = value_of(s, key);

		if (s->to == OF_LEARN_MATCH && !can_be(s, v))
			r = -ERANGE;
		else if (s->to == OF_LEARN_LOAD)
			r = load(&apply->actions, a, s, v);
		else if (s->to == OF_LEARN_OUTPUT)
			r = output(&apply->actions, a, (uint16_t)v);
	}
	if (!r && apply->actions.n && of_list_add(&out->insts, a, (struct of_any *)apply))
		r = -ENOMEM;
	return r;
}

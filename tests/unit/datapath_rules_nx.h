/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random actions of Nicira's for the differential test.
 *
 * Included by datapath_rules.h.
 */
#ifndef WEFT_TESTS_DATAPATH_RULES_NX_H
#define WEFT_TESTS_DATAPATH_RULES_NX_H

static void rnd_actions(struct of_list *l, const struct of_match *m, unsigned int n,
			uint32_t max_group);

/* Mostly forward, where the round does not ask for more. */
static struct of_any *rnd_resubmit(void)
{
	struct of_nx_resubmit_table *t;
	struct of_nx_resubmit_table_ct *c;
	struct of_nx_resubmit *a;

	if (rules.back && one_in(4)) {
		a = OF_NEW(&rules.arena, nx_resubmit);
		a->in_port = (uint16_t)(1 + below(PORTS));
		return (struct of_any *)a;
	}
	t = OF_NEW(&rules.arena, nx_resubmit_table);
	t->in_port = one_in(4) ? (uint16_t)(1 + below(PORTS)) : 0xfff8;
	t->table = rules.table + 1 < rules.n_tables
			   ? (uint8_t)(rules.table + 1 + below(rules.n_tables - rules.table - 1))
			   : TABLE_NOWHERE;
	if (rules.back && one_in(3))
		t->table = one_in(8) ? 255 : (uint8_t)below(rules.n_tables);
	if (one_in(rules.tracked ? 2 : 8)) {
		c = OF_NEW(&rules.arena, nx_resubmit_table_ct);
		c->in_port = t->in_port;
		c->table = t->table;
		return (struct of_any *)c;
	}
	return (struct of_any *)t;
}

static const struct of_field *rnd_scratch(const struct of_match *m, bool set)
{
	return one_in(2) ? &of_fields[OF_FIELD_REG0 + below(4)] : rnd_writable(m, set);
}

static struct of_any *rnd_clone(const struct of_match *m, uint32_t max_group)
{
	struct of_nx_clone *a = OF_NEW(&rules.arena, nx_clone);

	rnd_actions(&a->actions, m, below(5), max_group);
	return (struct of_any *)a;
}

static struct of_any *rnd_stack(const struct of_match *m)
{
	struct of_nx_stack_push *push = OF_NEW(&rules.arena, nx_stack_push);
	struct of_nx_stack_pop *pop = OF_NEW(&rules.arena, nx_stack_pop);

	if (one_in(2)) {
		push->field = m && one_in(2) ? rnd_field(m) : &of_fields[OF_FIELD_REG0 + below(4)];
		push->ofs = (uint16_t)below(push->field->bits);
		push->n_bits = (uint16_t)(1 + below(push->field->bits - push->ofs));
		return (struct of_any *)push;
	}
	pop->field = rnd_scratch(m, false);
	pop->ofs = (uint16_t)below(pop->field->bits);
	pop->n_bits = (uint16_t)(1 + below(pop->field->bits - pop->ofs));
	return (struct of_any *)pop;
}

/* A few bits of a register: ports that are there, and others. */
static struct of_any *rnd_output_reg(void)
{
	struct of_nx_output_reg *a = OF_NEW(&rules.arena, nx_output_reg);

	a->max_len = 128;
	a->src.field = &of_fields[OF_FIELD_REG0];
	a->src.n_bits = 16;
	if (one_in(2))
		return (struct of_any *)a;
	a->src.field = &of_fields[OF_FIELD_REG0 + below(4)];
	a->src.ofs = one_in(2) ? 0 : (uint16_t)below(29);
	a->src.n_bits = one_in(2) ? (uint16_t)(32 - a->src.ofs) : 3;
	return (struct of_any *)a;
}

/* Of all the numbers that mean more than a port. */
static struct of_any *rnd_load_port(void)
{
	static const uint16_t ports[] = { 1,	  2,	  3,	  4,	  0xfff8, 0xfff9,
					  0xfffa, 0xfffb, 0xfffc, 0xfffd, 0xfffe, 0xffff };
	struct of_nx_reg_load *a = OF_NEW(&rules.arena, nx_reg_load);

	a->dst.field = &of_fields[OF_FIELD_REG0];
	a->dst.n_bits = 32;
	a->value = PICK(ports);
	if (!rules.back && a->value == 0xfff9)
		a->value = 1;
	return (struct of_any *)a;
}

static struct of_any *rnd_output_trunc(void)
{
	static const uint16_t ports[] = { 1, 2, 3, 4, 0xfff8 };
	struct of_nx_output_trunc *a = OF_NEW(&rules.arena, nx_output_trunc);

	a->port = PICK(ports);
	a->max_len = 14 + below(80);
	return (struct of_any *)a;
}

static struct of_any *rnd_ttl_ids(void)
{
	struct of_nx_dec_ttl_cnt_ids *a = OF_NEW(&rules.arena, nx_dec_ttl_cnt_ids);

	if (one_in(3))
		return (struct of_any *)OF_NEW(&rules.arena, nx_dec_ttl);
	a->ids.n = 1 + below(3);
	a->ids.v = arena_get(&rules.arena, a->ids.n * sizeof(a->ids.v[0]));
	for (uint32_t i = 0; i < a->ids.n; i++)
		a->ids.v[i] = (uint16_t)below(5);
	return (struct of_any *)a;
}

static struct of_any *rnd_check_len(const struct of_match *m)
{
	struct of_nx_check_pkt_larger *a = OF_NEW(&rules.arena, nx_check_pkt_larger);

	a->pkt_len = (uint16_t)(20 + below(100));
	a->dst = rnd_scratch(m, false);
	a->ofs = (uint16_t)below(a->dst->bits);
	return (struct of_any *)a;
}

/* Some are longer than the least MTU. */
static struct of_any *rnd_fit(void)
{
	struct of_fit *a = OF_NEW(&rules.arena, fit);

	a->mtu = (uint16_t)(68 + below(40));
	a->dst.field = &of_fields[OF_FIELD_REG0 + below(4)];
	a->dst.n_bits = (uint16_t)(7 + below(10));
	a->dst.ofs = (uint16_t)below(33u - a->dst.n_bits);
	return (struct of_any *)a;
}

static struct of_any *rnd_masked(const struct of_match *m)
{
	struct of_nx_reg_load2 *a = OF_NEW(&rules.arena, nx_reg_load2);
	struct of_oxm *o = &a->field;

	o->field = rnd_scratch(m, true);
	rnd_value(o->field, o->value);
	o->masked = !one_in(4);
	for (unsigned int i = 0; o->masked && i < o->field->bytes; i++) {
		o->mask[i] = one_in(2) ? 0xff : (uint8_t)rnd();
		if (!i && o->field->bits % 8)
			o->mask[i] &= (uint8_t)((1 << o->field->bits % 8) - 1);
		o->value[i] &= o->mask[i];
	}
	return (struct of_any *)a;
}

static struct of_halves rnd_members(void)
{
	struct of_halves h = { .n = below(6) };

	h.v = arena_get(&rules.arena, h.n * sizeof(h.v[0]) + 1);
	for (uint32_t i = 0; i < h.n; i++)
		h.v[i] = one_in(8) ? 0xffff : (uint16_t)(1 + below(PORTS + 1));
	return h;
}

static struct of_any *rnd_multipath(const struct of_match *m)
{
	struct of_nx_multipath *p = OF_NEW(&rules.arena, nx_multipath);

	p->fields = (uint16_t)below(7);
	p->basis = (uint16_t)below(3);
	p->algorithm = (uint16_t)below(4);
	p->dst.field = rnd_scratch(m, false);
	p->dst.ofs = (uint16_t)below(p->dst.field->bits);
	p->dst.n_bits = (uint16_t)(1 + below(p->dst.field->bits - p->dst.ofs));
	p->max_link = (uint16_t)below(p->dst.n_bits < 8 ? 1u << p->dst.n_bits : 200);
	p->arg = p->max_link + below(100);
	return (struct of_any *)p;
}

static struct of_any *rnd_bundle(void)
{
	struct of_nx_bundle *b = OF_NEW(&rules.arena, nx_bundle);

	b->algorithm = (uint16_t)below(2);
	b->fields = (uint16_t)below(7);
	b->basis = (uint16_t)below(3);
	b->member_type = 2;
	b->members = rnd_members();
	return (struct of_any *)b;
}

static struct of_any *rnd_bundle_load(void)
{
	struct of_nx_bundle_load *l = OF_NEW(&rules.arena, nx_bundle_load);

	l->algorithm = (uint16_t)below(2);
	l->fields = (uint16_t)below(7);
	l->basis = (uint16_t)below(3);
	l->member_type = 2;
	l->members = rnd_members();
	l->dst.field = &of_fields[OF_FIELD_REG0 + below(4)];
	l->dst.ofs = (uint16_t)below(17);
	l->dst.n_bits = (uint16_t)(16 + below(17 - l->dst.ofs));
	return (struct of_any *)l;
}

/* Every packet, so that both sides tell the same; of two sets one is configured. */
static struct of_any *rnd_sample(void)
{
	static const uint32_t ports[] = { OFPP_ANY, OFPP_ANY, 1, 2, 3, OFPP_IN_PORT, OFPP_LOCAL };
	const struct of_sample s = {
		.probability = 65535,
		.collector_set_id = 1 + below(2),
		.obs_domain_id = below(3),
		.obs_point_id = below(3),
		.sampling_port = PICK(ports),
		.direction = (uint8_t)below(3),
	};

	return of_sample_action(&s, &rules.arena);
}

static bool rnd_matches(const struct of_match *m, enum of_pre pre)
{
	const struct of_field probe = { .pre = pre };

	return !m || of_match_pre_met(m, &probe);
}

/* What the reference answers, too; NULL: nothing that goes with the match. */
static struct of_any *rnd_answer(const struct of_match *m)
{
	const bool v6 = m ? m->value.eth_type == htobe16(0x86dd) : one_in(2);
	struct of_answer_icmp_error *e = OF_NEW(&rules.arena, answer_icmp_error);
	struct of_answer_nd *nd = OF_NEW(&rules.arena, answer_nd);

	if (rnd_matches(m, OF_PRE_ND_SOL) && !one_in(m ? 4 : 2)) {
		memcpy(nd->mac, (const uint8_t[]){ 2, 0, 0, 0, 0, 9 }, 6);
		nd->flags = one_in(2) ? WEFT_NA_ROUTER : 0;
		return (struct of_any *)nd;
	}
	if (rnd_matches(m, v6 ? OF_PRE_ICMPV6 : OF_PRE_ICMPV4) && one_in(2))
		return (struct of_any *)OF_NEW(&rules.arena, answer_echo);
	/* Where connections are tracked, an error is related to what it quotes, of which the model
	 * (datapath_diff_ct.h) knows nothing. */
	if (rules.tracked || !rnd_matches(m, v6 ? OF_PRE_IPV6 : OF_PRE_IPV4))
		return NULL;
	e->type = v6 ? (uint8_t)(1 + below(3)) : one_in(2) ? 3 : 11;
	e->code = v6 ? 0 : e->type == 3 ? (uint8_t)below(6) : 0;
	if (v6 ? e->type == 2 : e->type == 3 && e->code == 4)
		e->mtu = 1280 + below(200);
	rnd_ip6(e->source);
	e->source[15] |= 1;
	if (!v6)
		memcpy(e->source, (const uint8_t[]){ [10] = 0xff, 0xff, 10, 0, 0, 1 }, 16);
	return (struct of_any *)e;
}

/* A flow whose match is of what it answers. */
static void rnd_answer_flow(struct of_flow_mod *fm)
{
	struct of_inst_apply_actions *a = OF_NEW(&rules.arena, inst_apply_actions);
	struct of_action_output *out = OF_NEW(&rules.arena, action_output);
	const bool v6 = one_in(2);
	struct of_any *answer;

	rules.table = fm->table_id;
	memset(&fm->match, 0, sizeof(fm->match));
	if (one_in(2))
		of_match_set_u64(&fm->match, OF_FIELD_IN_PORT, 1 + below(PORTS));
	of_match_set_u64(&fm->match, OF_FIELD_ETH_TYPE, v6 ? 0x86dd : 0x0800);
	if (!one_in(3))
		of_match_set_u64(&fm->match, OF_FIELD_IP_PROTO, v6 ? 58 : 1);
	if (v6 && fm->match.value.ip_proto == 58 && !one_in(3))
		of_match_set_u64(&fm->match, OF_FIELD_ICMPV6_TYPE, 135);
	answer = rnd_answer(&fm->match);
	if (one_in(3))
		rnd_actions(&a->actions, &fm->match, 1 + below(2), GROUPS);
	if (answer)
		of_list_add(&a->actions, &rules.arena, answer);
	if (one_in(3))
		rnd_actions(&a->actions, NULL, 1 + below(2), GROUPS);
	out->port = OFPP_IN_PORT;
	of_list_add(&a->actions, &rules.arena, (struct of_any *)out);
	of_list_add(&fm->insts, &rules.arena, (struct of_any *)a);
}

/* In an action set only what may stand there; NULL: of no use here. */
static struct of_any *rnd_extension(const struct of_match *m, uint32_t max_group)
{
	switch (rules.in_set ? below(3) : below(23)) {
	case 0:
		return rnd_resubmit();
	case 1:
		return rnd_ttl_ids();
	case 2:
		return m ? rnd_masked(m) : NULL;
	case 3:
	case 4:
		return rnd_clone(m, max_group);
	case 5:
	case 6:
	case 7:
		return rnd_stack(m);
	case 8:
		return rnd_output_reg();
	case 9:
		return rnd_load_port();
	case 10:
		return rnd_output_trunc();
	case 11:
		return rnd_check_len(m);
	case 12:
		return rnd_multipath(m);
	case 13:
		return rnd_bundle();
	case 14:
		return rnd_bundle_load();
	case 15:
		return one_in(3) ? (struct of_any *)OF_NEW(&rules.arena, nx_exit) : rnd_resubmit();
	case 16:
	case 17:
		return rnd_sample();
	case 18:
	case 19:
		return rnd_answer(m);
	case 20:
	case 21:
		return rnd_fit();
	default:
		return rnd_resubmit();
	}
}

#endif

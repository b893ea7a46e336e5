/* SPDX-License-Identifier: Apache-2.0 */
/*
 * learn and fin_timeout in the differential test: the packets' punts go to the control thread after
 * each burst, by the real ring, and the reference learns after it, too.
 *
 * Included by datapath_diff_mods.h.  Each of a few shapes of learned flows has a priority of its
 * own, above all others, so that there is no doubt about who wins.
 */
#ifndef WEFT_TESTS_DATAPATH_DIFF_LEARN_H
#define WEFT_TESTS_DATAPATH_DIFF_LEARN_H

#include "datapath/learn.h"
#include "datapath/punt.h"
#include "ofproto/nx.h"

enum { SHAPES = 5, LEARNED_PRIORITY = 65522 };

static struct of_learn_spec learn_part(enum of_learn_dst to, enum of_field_id src,
				       enum of_field_id dst, unsigned int ofs, unsigned int n)
{
	struct of_learn_spec s = { .to = to, .n_bits = (uint16_t)n };

	s.src = (struct of_subfield){ &of_fields[src], (uint16_t)ofs, (uint16_t)n };
	if (to != OF_LEARN_OUTPUT)
		s.dst = (struct of_subfield){ &of_fields[dst], (uint16_t)ofs, (uint16_t)n };
	return s;
}

static struct of_learn_spec learn_constant(enum of_learn_dst to, enum of_field_id dst, uint8_t v)
{
	struct of_learn_spec s = { .to = to, .n_bits = of_fields[dst].bits };

	s.dst = (struct of_subfield){ &of_fields[dst], 0, s.n_bits };
	s.value[15] = v;
	return s;
}

static struct of_learn_spec rnd_learn_match(unsigned int shape)
{
	switch (shape) {
	case 0:
		return learn_part(OF_LEARN_MATCH, OF_FIELD_ETH_SRC, OF_FIELD_ETH_DST, 0, 48);
	case 1:
		return learn_part(OF_LEARN_MATCH, OF_FIELD_ETH_SRC, OF_FIELD_ETH_SRC, 0, 48);
	case 2:
		return learn_part(OF_LEARN_MATCH, OF_FIELD_IN_PORT, OF_FIELD_IN_PORT, 0, 32);
	case 3:
		return learn_part(OF_LEARN_MATCH, OF_FIELD_METADATA, OF_FIELD_METADATA, 0, 12);
	default:
		return learn_constant(OF_LEARN_MATCH, OF_FIELD_REG0 + 1, (uint8_t)below(2));
	}
}

static struct of_any *rnd_learn(void)
{
	static const uint16_t timeouts[] = { 0, 0, 0, 20, 40 };
	const unsigned int shape = below(SHAPES);
	struct of_learn_spec *v = arena_get(&rules.arena, 4 * sizeof(*v));
	struct of_learn_specs *specs = arena_get(&rules.arena, sizeof(*specs));
	struct of_learn k = {
		.table_id = (uint8_t)below(rules.n_tables),
		.priority = (uint16_t)(LEARNED_PRIORITY + shape),
		.cookie = below(4),
		.flags = (uint16_t)(one_in(2) ? NX_LEARN_F_SEND_FLOW_REM : 0),
		.specs = specs,
	};

	*specs = (struct of_learn_specs){ 1, v };
	v[0] = rnd_learn_match(shape);
	if (one_in(2))
		v[specs->n++] = learn_part(OF_LEARN_LOAD, OF_FIELD_ETH_SRC, OF_FIELD_METADATA,
					   below(20), 1 + below(28));
	if (one_in(3))
		v[specs->n++] = learn_constant(OF_LEARN_LOAD, OF_FIELD_REG0 + 2, 5);
	if (!one_in(4))
		v[specs->n++] = learn_part(OF_LEARN_OUTPUT, OF_FIELD_IN_PORT_NXM,
					   OF_FIELD_IN_PORT_NXM, 0, 16);
	if (one_in(4))
		k.fin_idle_timeout = 20;
	if (rules.mortal) {
		k.idle_timeout = PICK(timeouts);
		k.hard_timeout = PICK(timeouts);
	}
	if (one_in(4)) {
		k.flags |= NX_LEARN_F_WRITE_RESULT;
		k.result =
			(struct of_subfield){ &of_fields[OF_FIELD_REG0], (uint16_t)below(32), 1 };
	}
	return of_learn_action(&k, &rules.arena);
}

static struct of_any *rnd_fin(void)
{
	struct of_nx_fin_timeout *a = OF_NEW(&rules.arena, nx_fin_timeout);

	a->fin_idle_timeout = one_in(2) ? 20 : 0;
	a->fin_hard_timeout = one_in(2) ? 40 : 0;
	return (struct of_any *)a;
}

static void learn_handle(struct dp *dp, struct punt *p, void *arg)
{
	(void)arg;
	role_assume_control();
	assert_true(p->kind == PUNT_FLOW || p->kind == PUNT_FIN);
	learn_punt(dp, p);
}

/* What the last burst has learned, on both sides. */
static void learn_all(void)
{
	while (punt_drain(t.dp, 1024, learn_handle, NULL))
		;
	learn_publish(t.dp);
	ref_learn_all(t.ref);
}

#endif

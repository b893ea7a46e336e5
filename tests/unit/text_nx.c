/* SPDX-License-Identifier: Apache-2.0 */
/* Spec: 7.2.5 Action structures: Nicira's, in words and back */
/*
 * Nicira's actions that hold others, lists and ranges: what is printed reads back as the same
 * bytes.
 *
 *     random action -> words -> action -> bytes, equal to the first one's
 *
 * The seed is fixed (or WEFT_SEED); what fails prints its words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ofproto/nx.h"
#include "ofproto/text.h"

enum { ROUNDS = 20000 };

static uint64_t state;
static struct arena arena;

static uint64_t rnd(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static unsigned int below(unsigned int n)
{
	return (unsigned int)(rnd() >> 16) % n;
}

/* A part of a register, of 'least' bits at least. */
static struct of_subfield part(unsigned int least)
{
	unsigned int n = least + below(33 - least);

	return (struct of_subfield){ &of_fields[OF_FIELD_REG0 + below(16)], (uint16_t)below(33 - n),
				     (uint16_t)n };
}

static uint16_t port(void)
{
	return below(4) ? (uint16_t)(1 + below(0xfeff)) : 0xfffe;
}

static struct of_halves halves(unsigned int max, uint16_t (*make)(void))
{
	struct of_halves h = { .v = arena_get(&arena, 2 * max + 2) };

	for (h.n = 0; h.n < max && below(4); h.n++)
		h.v[h.n] = make();
	return h;
}

static struct of_any *a_learn(void)
{
	struct of_learn_specs specs = { .v = arena_get(&arena, 4 * sizeof(*specs.v)) };
	struct of_learn l = { .idle_timeout = (uint16_t)rnd(),
			      .fin_hard_timeout = (uint16_t)below(3),
			      .priority = (uint16_t)rnd(),
			      .cookie = below(2) ? rnd() : 0,
			      .flags = (uint16_t)below(4),
			      .table_id = (uint8_t)below(255),
			      .limit = below(2) ? below(100) : 0,
			      .specs = &specs };

	if (below(2)) {
		l.result = part(1);
		l.result.n_bits = 1;
	}
	for (; specs.n < below(4); specs.n++) {
		struct of_learn_spec *s = &specs.v[specs.n];

		*s = (struct of_learn_spec){ .to = below(3), .dst = part(1) };
		s->n_bits = s->dst.n_bits;
		s->src = s->dst;
		s->src.field = &of_fields[OF_FIELD_REG0 + below(16)];
		if (s->to == OF_LEARN_OUTPUT) {
			s->dst = (struct of_subfield){ 0 };
		} else if (below(2)) {
			s->src = (struct of_subfield){ 0 };
			put_be32(s->value + 12, (uint32_t)(rnd() >> 32) >> (32 - s->n_bits));
		}
	}
	return of_learn_action(&l, &arena);
}

static struct of_any *a_nat(void)
{
	struct of_nx_nat *n = OF_NEW(&arena, nx_nat);
	static const uint16_t ways[] = { 0, NX_NAT_F_PROTO_HASH, NX_NAT_F_PROTO_RANDOM };
	struct of_nat_range *g = &n->range;
	bool ip6 = below(2);

	n->flags = (uint16_t)((1 + below(2)) | ways[below(3)] | below(2) * NX_NAT_F_PERSISTENT);
	if (!below(3))
		return (struct of_any *)n;
	g->addr_min[0] = ip6 ? 0xfd : 10;
	g->addr_min[ip6 ? 15 : 3] = (uint8_t)below(128);
	memcpy(g->addr_max, g->addr_min, 16);
	g->present = ip6 ? OF_NAT_IPV6_MIN : OF_NAT_IPV4_MIN;
	if (below(2)) {
		g->addr_max[ip6 ? 15 : 3] |= 0x80;
		g->present |= ip6 ? OF_NAT_IPV6_MAX : OF_NAT_IPV4_MAX;
	}
	if (below(2)) {
		g->proto_min = g->proto_max = (uint16_t)(1 + below(1000));
		g->present |= OF_NAT_PROTO_MIN;
	}
	if (g->proto_min && below(2)) {
		g->proto_max = (uint16_t)(g->proto_min + 1 + below(1000));
		g->present |= OF_NAT_PROTO_MAX;
	}
	return (struct of_any *)n;
}

static struct of_any *a_ct(void)
{
	struct of_nx_ct *ct = OF_NEW(&arena, nx_ct);
	struct of_nx_reg_load *l = OF_NEW(&arena, nx_reg_load);

	ct->flags = (uint16_t)(NX_CT_F_COMMIT | below(2) * NX_CT_F_FORCE);
	ct->recirc_table = (uint8_t)below(256);
	ct->alg = below(2) ? 21 : 0;
	if (below(2))
		ct->zone.value = (uint16_t)rnd();
	else
		ct->zone.src =
			(struct of_subfield){ &of_fields[OF_FIELD_REG2], (uint16_t)below(17), 16 };
	l->dst = (struct of_subfield){ &of_fields[OF_FIELD_CT_LABEL], (uint16_t)below(65), 64 };
	l->value = rnd();
	if (below(2))
		of_list_add(&ct->actions, &arena, a_nat());
	if (below(2))
		of_list_add(&ct->actions, &arena, (struct of_any *)l);
	return (struct of_any *)ct;
}

static struct of_any *a_spread(void)
{
	struct of_nx_multipath *m = OF_NEW(&arena, nx_multipath);
	struct of_nx_bundle *b = OF_NEW(&arena, nx_bundle);
	struct of_nx_bundle_load *l = OF_NEW(&arena, nx_bundle_load);

	*m = (struct of_nx_multipath){ m->kind,		(uint16_t)below(7),
				       (uint16_t)rnd(), (uint16_t)below(4),
				       (uint16_t)rnd(), (uint32_t)rnd(),
				       part(16) };
	*b = (struct of_nx_bundle){
		b->kind, (uint16_t)below(2), (uint16_t)below(7), (uint16_t)rnd(), 2, halves(8, port)
	};
	*l = (struct of_nx_bundle_load){
		l->kind, (uint16_t)below(2), (uint16_t)below(7), (uint16_t)rnd(),
		2,	 part(16),	     halves(8, port)
	};
	switch (below(3)) {
	case 0:
		return (struct of_any *)m;
	case 1:
		return (struct of_any *)b;
	default:
		return (struct of_any *)l;
	}
}

static uint16_t number(void)
{
	return (uint16_t)rnd();
}

static struct of_any *a_small(void)
{
	struct of_nx_check_pkt_larger *larger = OF_NEW(&arena, nx_check_pkt_larger);
	struct of_fit *fit = OF_NEW(&arena, fit);
	struct of_nx_dec_ttl_cnt_ids *ids = OF_NEW(&arena, nx_dec_ttl_cnt_ids);
	uint8_t *bytes = arena_get(&arena, 8);
	struct of_sample s = { .probability = (uint16_t)(1 + below(65535)),
			       .collector_set_id = (uint32_t)rnd(),
			       .obs_point_id = (uint32_t)rnd(),
			       .sampling_port = below(2) ? OFPP_ANY : below(0xff00),
			       .direction = (uint8_t)below(3) };
	struct of_to_controller k = { .max_len = (uint16_t)rnd(),
				      .controller_id = (uint16_t)below(3),
				      .reason = (uint8_t)below(6),
				      .pause = below(2),
				      .meter_id = below(3) };

	memset(bytes, (int)below(256), 8);
	switch (below(5)) {
	case 4:
		fit->mtu = (uint16_t)(68 + below(65468));
		fit->dst = (struct of_subfield){ &of_fields[OF_FIELD_REG0 + below(16)],
						 (uint16_t)below(17), 16 };
		return (struct of_any *)fit;
	case 0:
		larger->pkt_len = (uint16_t)rnd();
		larger->dst = &of_fields[OF_FIELD_REG0 + below(16)];
		larger->ofs = (uint16_t)below(32);
		return (struct of_any *)larger;
	case 1:
		ids->ids = halves(9, number);
		return ids->ids.n ? (struct of_any *)ids : of_sample_action(&s, &arena);
	case 2:
		return of_sample_action(&s, &arena);
	default:
		k.userdata = (struct of_span){ below(9), bytes };
		return of_controller_action(&k, &arena);
	}
}

#include "text_nx_answer.h"

static struct of_any *random_action(unsigned int depth);

static struct of_any *a_clone(unsigned int depth)
{
	struct of_nx_clone *c = OF_NEW(&arena, nx_clone);

	for (unsigned int n = depth < 3 ? below(3) : 0; n--;)
		of_list_add(&c->actions, &arena, random_action(depth + 1));
	return (struct of_any *)c;
}

static struct of_any *random_action(unsigned int depth)
{
	switch (below(6)) {
	case 5:
		return a_answer();
	case 0:
		return a_learn();
	case 1:
		return a_ct();
	case 2:
		return a_spread();
	case 3:
		return a_clone(depth);
	default:
		return a_small();
	}
}

static char *words_of(const struct of_list *l)
{
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	of_format_actions(f, l, NULL);
	fclose(f);
	return text;
}

static void actions_read_back(void **unused)
{
	static uint8_t first[OF_MSG_MAX], second[OF_MSG_MAX];

	for (int i = 0; i < ROUNDS; i++) {
		struct of_any *a;
		struct of_list l = { 1, &a }, again;
		struct err e = { "" };
		char *text;
		int n;

		arena_reset(&arena);
		a = random_action(0);
		text = words_of(&l);
		n = of_encode_list(&l, first, sizeof(first), &e);
		if (n < 0)
			fail_msg("\"%s\" does not encode: %s", text, e.text);
		if (of_parse_actions(text, NULL, &arena, &again, &e))
			fail_msg("\"%s\": %s", text, e.text);
		if (of_encode_list(&again, second, sizeof(second), &e) != n ||
		    memcmp(first, second, (size_t)n))
			fail_msg("\"%s\" reads back as \"%s\"", text, words_of(&again));
		free(text);
	}
}

static int begin(void **unused)
{
	const char *seed = getenv("WEFT_SEED");

	state = (seed ? strtoull(seed, NULL, 0) : 1) * UINT64_C(0x9e3779b97f4a7c15);
	arena_init(&arena, 0);
	return 0;
}

static int end(void **unused)
{
	arena_fini(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(actions_read_back),
	};

	return cmocka_run_group_tests(tests, begin, end);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Spec: 7.2.3.4 Flow matching: words read back as what they were */
/*
 * The text grammar: what is printed reads back as what it was.
 *
 *     random match or instructions -> words -> match or instructions, equal
 *
 * The seed is fixed (or WEFT_SEED); what fails prints its words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ofproto/text.h"

enum { ROUNDS = 20000 };

static uint64_t state;

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

static void random_bytes(uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(rnd() >> 24);
}

/* ---- Matches ---- */

/* A protocol, so that some prerequisites are met. */
static void random_protocol(struct of_match *m)
{
	static const uint16_t types[] = { 0x0800, 0x86dd, 0x0806, 0x8035, 0x8847, 0x88e7, 0x1234 };
	static const uint8_t protos[] = { 1, 6, 17, 58, 132, 47 };

	if (!below(6))
		return;
	of_match_set_u64(m, OF_FIELD_ETH_TYPE, types[below(7)]);
	if (!below(4))
		return;
	of_match_set_u64(m, OF_FIELD_IP_PROTO, protos[below(6)]);
	if (below(2))
		of_match_set_u64(m, OF_FIELD_ICMPV6_TYPE, 135 + below(2));
}

/* Ports are what can be named; a fragment's two bits have five meanings. */
static bool random_value(const struct of_field *f, uint8_t *value, uint8_t *mask)
{
	static const uint8_t frags[][2] = { { 0, 3 }, { 1, 1 }, { 1, 3 }, { 3, 3 }, { 0, 2 } };
	unsigned int frag = below(5);

	random_bytes(value, f->bytes);
	memset(mask, 0xff, 16);
	if (f->fmt == OF_FF_PORT)
		put_be32(value, below(0xff00));
	if (f->fmt == OF_FF_FRAG) {
		value[0] = frags[frag][0];
		mask[0] = frags[frag][1];
		return true;
	}
	if (f->id == OF_FIELD_VLAN_VID)
		value[0] |= 0x10;
	if (!f->maskable || below(2))
		return false;
	random_bytes(mask, f->bytes);
	return true;
}

static void random_match(struct of_match *m)
{
	struct of_match raw = { 0 };

	random_protocol(&raw);
	for (unsigned int i = below(6); i; i--) {
		const struct of_field *f = &of_fields[below(OF_N_FIELDS)];
		uint8_t value[16], mask[16];
		bool masked;

		if (f->is_alias || !of_match_pre_met(&raw, f) ||
		    !of_match_connection_fits(&raw, f) || f->id == OF_FIELD_ETH_TYPE)
			continue;
		masked = random_value(f, value, mask);
		for (unsigned int k = 0; k < f->bytes; k++)
			value[k] &= mask[k];
		of_match_set(&raw, f, value, masked ? mask : NULL);
	}
	/* Without fields whose prerequisites a later field took away: those cannot be sent. */
	memset(m, 0, sizeof(*m));
	FIELD_EACH (f) {
		struct of_oxm o;

		if (f->is_alias || !of_match_has(&raw, f))
			continue;
		of_match_get(&raw, f, &o);
		if (o.masked && !f->maskable)
			continue; /* part of it is another field's */
		of_match_set(m, f, o.value, o.masked ? o.mask : NULL);
	}
}

static char *words_of_match(const struct of_match *m)
{
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	of_format_match(f, m, NULL);
	fclose(f);
	return text;
}

static void match_reads_back(void **unused)
{
	for (int i = 0; i < ROUNDS; i++) {
		struct of_match m, again;
		struct err e = { "" };
		char *text;

		random_match(&m);
		text = words_of_match(&m);
		if (of_parse_match(text, NULL, &again, &e))
			fail_msg("\"%s\": %s", text, e.text);
		if (!of_match_equal(&m, &again))
			fail_msg("\"%s\" reads back as \"%s\"", text, words_of_match(&again));
		free(text);
	}
}

/* ---- Instructions ---- */

static const struct of_field *random_writable(void)
{
	for (;;) {
		const struct of_field *f = &of_fields[below(OF_N_FIELDS)];

		if (f->writable && strncmp(f->name, "ct_", 3))
			return f;
	}
}

static void random_set_field(struct of_oxm *o)
{
	const struct of_field *f = random_writable();
	unsigned int unused = f->bytes * 8u - f->bits;

	memset(o, 0, sizeof(*o));
	o->field = f;
	random_bytes(o->value, f->bytes);
	for (unsigned int i = 0; i < unused / 8; i++)
		o->value[i] = 0;
	o->value[unused / 8] &= (uint8_t)(0xff >> unused % 8);
	memset(o->mask, 0xff, f->bytes);
	if (f->id == OF_FIELD_IP_TOS)
		o->value[0] &= 0xfc;
	if (f->id == OF_FIELD_VLAN_VID)
		o->value[0] |= 0x10;
}

static struct of_subfield random_part(const struct of_field *f)
{
	unsigned int width = f->id == OF_FIELD_VLAN_VID ? 12 : f->bits;
	unsigned int n = 1 + below(width < 64 ? width : 64);

	return (struct of_subfield){ f, (uint16_t)below(width - n + 1), (uint16_t)n };
}

static struct of_any *random_action(struct arena *a)
{
	static const enum of_kind kinds[] = {
		OF_KIND_action_output,
		OF_KIND_action_group,
		OF_KIND_action_set_queue,
		OF_KIND_action_set_field,
		OF_KIND_action_push_vlan,
		OF_KIND_action_pop_vlan,
		OF_KIND_action_push_mpls,
		OF_KIND_action_pop_mpls,
		OF_KIND_action_set_nw_ttl,
		OF_KIND_action_dec_nw_ttl,
		OF_KIND_action_set_mpls_ttl,
		OF_KIND_action_dec_mpls_ttl,
		OF_KIND_action_copy_ttl_in,
		OF_KIND_action_copy_ttl_out,
		OF_KIND_action_push_pbb,
		OF_KIND_action_pop_pbb,
		OF_KIND_nx_reg_load,
		OF_KIND_nx_reg_move,
		OF_KIND_nx_resubmit_table,
		OF_KIND_nx_note,
		OF_KIND_nx_controller,
		OF_KIND_nx_output_reg,
		OF_KIND_nx_exit,
		OF_KIND_nx_fin_timeout,
		OF_KIND_nx_stack_push,
		OF_KIND_nx_output_trunc,
	};
	struct of_any *any = of_new(a, kinds[below(sizeof(kinds) / sizeof(kinds[0]))]);
	union {
		struct of_any *any;
		struct of_action_output *output;
		struct of_action_group *group;
		struct of_action_set_queue *queue;
		struct of_action_set_field *set;
		struct of_action_push_vlan *vlan; /* and other pushes and pops of an EtherType */
		struct of_action_set_nw_ttl *ttl; /* and MPLS's */
		struct of_nx_reg_load *load;
		struct of_nx_reg_move *move;
		struct of_nx_resubmit_table *resubmit;
		struct of_nx_note *note;
		struct of_nx_controller *controller;
		struct of_nx_output_reg *out;
		struct of_nx_fin_timeout *fin;
		struct of_nx_stack_push *push;
		struct of_nx_output_trunc *trunc;
	} u = { any };
	struct of_subfield part;

	assert_non_null(any);
	switch ((int)any->kind) {
	case OF_KIND_action_output:
		u.output->port = below(4) ? below(0xff00) : OFPP_LOCAL - below(6);
		u.output->max_len = u.output->port == OFPP_CONTROLLER ? (uint16_t)rnd() : 0;
		break;
	case OF_KIND_action_group:
		u.group->group_id = (uint32_t)rnd();
		break;
	case OF_KIND_action_set_queue:
		u.queue->queue_id = (uint32_t)rnd();
		break;
	case OF_KIND_action_set_field:
		random_set_field(&u.set->field);
		break;
	case OF_KIND_action_push_vlan:
		u.vlan->ethertype = below(2) ? 0x8100 : 0x88a8;
		break;
	case OF_KIND_action_push_mpls:
		u.vlan->ethertype = below(2) ? 0x8847 : 0x8848;
		break;
	case OF_KIND_action_pop_mpls:
		u.vlan->ethertype = (uint16_t)rnd();
		break;
	case OF_KIND_action_push_pbb:
		u.vlan->ethertype = 0x88e7;
		break;
	case OF_KIND_action_set_nw_ttl:
	case OF_KIND_action_set_mpls_ttl:
		u.ttl->nw_ttl = (uint8_t)rnd();
		break;
	case OF_KIND_nx_reg_load:
		u.load->dst = random_part(random_writable());
		u.load->value = rnd() >> (64 - u.load->dst.n_bits);
		break;
	case OF_KIND_nx_reg_move:
		part = random_part(random_writable());
		u.move->dst = u.move->src = part.field;
		u.move->src_ofs = u.move->dst_ofs = part.ofs;
		u.move->n_bits = part.n_bits;
		break;
	case OF_KIND_nx_resubmit_table:
		u.resubmit->in_port = below(2) ? 0xfff8 : (uint16_t)below(0xff00);
		u.resubmit->table = (uint8_t)below(255);
		break;
	case OF_KIND_nx_note:
		u.note->note.n = 6 + 8 * below(3);
		u.note->note.p = arena_get(a, 32);
		random_bytes((uint8_t *)u.note->note.p, u.note->note.n);
		break;
	case OF_KIND_nx_controller:
		u.controller->max_len = (uint16_t)rnd();
		u.controller->controller_id = (uint16_t)(1 + below(9));
		u.controller->reason = (uint8_t)below(3);
		break;
	case OF_KIND_nx_output_reg:
		u.out->src = random_part(&of_fields[OF_FIELD_REG0 + below(16)]);
		u.out->max_len = UINT16_MAX;
		break;
	case OF_KIND_nx_fin_timeout:
		u.fin->fin_idle_timeout = (uint16_t)rnd();
		u.fin->fin_hard_timeout = (uint16_t)below(2);
		break;
	case OF_KIND_nx_stack_push:
		part = random_part(random_writable());
		u.push->field = part.field;
		u.push->ofs = part.ofs;
		u.push->n_bits = part.n_bits;
		break;
	case OF_KIND_nx_output_trunc:
		u.trunc->port = (uint16_t)below(0xff00);
		u.trunc->max_len = 14 + below(10000);
		break;
	}
	return any;
}

/* Only what an action set can hold. */
static bool in_set(const struct of_any *a)
{
	return of_kind_in(a->kind, "action");
}

static void add(struct of_list *l, struct arena *a, struct of_any *s)
{
	assert_non_null(s);
	assert_int_equal(of_list_add(l, a, s), 0);
}

static void random_insts(struct of_list *l, struct arena *a)
{
	struct of_inst_apply_actions *apply = OF_NEW(a, inst_apply_actions);
	struct of_inst_write_actions *write = OF_NEW(a, inst_write_actions);

	if (!below(3)) {
		struct of_inst_meter *m = OF_NEW(a, inst_meter);

		m->meter_id = 1 + below(0xffff);
		add(l, a, (struct of_any *)m);
	}
	for (unsigned int i = below(5); i; i--)
		add(&apply->actions, a, random_action(a));
	if (apply->actions.n)
		add(l, a, (struct of_any *)apply);
	if (!below(4))
		add(l, a, of_new(a, OF_KIND_inst_clear_actions));
	for (unsigned int i = below(3); i; i--) {
		struct of_any *act = random_action(a);

		if (in_set(act) && act->kind != OF_KIND_action_experimenter &&
		    strncmp(of_kind_name(act->kind), "nx_", 3))
			add(&write->actions, a, act);
	}
	if (write->actions.n)
		add(l, a, (struct of_any *)write);
	if (!below(3)) {
		struct of_inst_write_metadata *w = OF_NEW(a, inst_write_metadata);

		w->metadata = rnd();
		w->metadata_mask = below(2) ? UINT64_MAX : rnd();
		add(l, a, (struct of_any *)w);
	}
	if (!below(3)) {
		struct of_inst_goto_table *g = OF_NEW(a, inst_goto_table);

		g->table_id = (uint8_t)below(255);
		add(l, a, (struct of_any *)g);
	}
}

static char *words_of_insts(const struct of_list *l)
{
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	of_format_insts(f, l, NULL);
	fclose(f);
	return text;
}

static void insts_read_back(void **unused)
{
	struct arena a;

	arena_init(&a, 0);
	for (int i = 0; i < ROUNDS; i++) {
		struct of_list l = { 0 }, again = { 0 };
		struct err e = { "" };
		char *text;

		arena_reset(&a);
		random_insts(&l, &a);
		text = words_of_insts(&l);
		if (of_parse_insts(text, NULL, &a, &again, &e))
			fail_msg("\"%s\": %s", text, e.text);
		if (!of_list_equal(&l, &again))
			fail_msg("\"%s\" reads back as \"%s\"", text, words_of_insts(&again));
		free(text);
	}
	arena_fini(&a);
}

/* ---- Ports by name ---- */

static const char *const port_names[] = { "LOCAL0", "p1", "eth-2", "3d", "x y", "NORMAL" };

static int by_name(const void *arg, const char *name, uint32_t *number)
{
	for (uint32_t i = 0; i < 6; i++) {
		if (!strcmp(port_names[i], name)) {
			*number = i + 1;
			return 0;
		}
	}
	return -1;
}

static const char *name_of(const void *arg, uint32_t number)
{
	return number && number <= 6 ? port_names[number - 1] : NULL;
}

/* Names that could be read as something else stand in quotes, and come back as that port. */
static void ports_read_back_by_name(void **unused)
{
	const struct of_names names = { by_name, name_of, NULL };

	for (uint32_t port = 1; port <= 7; port++) {
		struct of_match m = { 0 }, again;
		char *text = NULL;
		struct err e;
		size_t n;
		FILE *f = open_memstream(&text, &n);

		of_match_set_u64(&m, OF_FIELD_IN_PORT, port);
		of_format_match(f, &m, &names);
		fclose(f);
		if (port == 3)
			assert_string_equal(text, "in_port=\"eth-2\"");
		assert_int_equal(of_parse_match(text, &names, &again, &e), 0);
		assert_true(of_match_equal(&m, &again));
		free(text);
	}
}

/* ---- Refusals say what was wrong and what would be right ---- */

static void refusals_have_words(void **unused)
{
	static const struct {
		const char *flow, *says;
	} bad[] = {
		{ "ip,nw_src=1.2.3.4/33,actions=1", "0..32" },
		{ "foo=1,actions=1", "unknown keyword \"foo\"" },
		{ "actions=foo", "unknown action \"foo\"" },
		{ "priority=65536,actions=1", "between 0 and 65535" },
		{ "in_port=1", "actions=drop" },
		{ "actions=pop_vlan", "VLAN tag" },
		{ "actions=set_field:1.2.3.4->ip_src", "IPv4" },
		{ "actions=goto_table:3,output:1", "apply_actions must stand before goto_table" },
		{ "table=5,actions=goto_table:5", "higher table" },
		{ "actions=load:5->reg0[1]", "1 bits" },
		{ "actions=move:eth_src->reg0", "48 bits" },
		{ "actions=drop,1", "alone" },
		{ "actions=dec_nsh_ttl", "not supported" },
		{ "actions=nat", "only in ct" },
		{ "tcp,actions=ct(commit,exec(set_field:1->reg0))", "cannot be in it" },
		{ "tcp,actions=ct(nat(src))", "goes with commit" },
		{ "actions=conjunction(1,1/2),2", "beside a conjunction" },
		{ "actions=learn(nw_src=1.2.3.4)", "not matched before it" },
		{ "actions=learn(result_dst=reg0)", "one bit" },
		{ "actions=bundle(eth_src,0,hrw,ofport)", "members:" },
		{ "actions=multipath(eth_src,0,hrw,8,0,reg0[0..1])", "do not fit" },
		{ "ip,ct_nw_src=1.2.3.4,actions=1", "ct_state=+est" },
		{ "dl_src=1:2:3,actions=1", "Ethernet address" },
		{ "tcp,tcp_flags=+syn-syn,actions=1", "twice" },
	};
	struct arena a;

	arena_init(&a, 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct of_flow_mod *fm;
		struct err e = { "" };

		if (!of_parse_flow(bad[i].flow, OFPFC_ADD, NULL, &a, &fm, &e))
			fail_msg("taken: %s", bad[i].flow);
		if (!strstr(e.text, bad[i].says))
			fail_msg("%s: \"%s\" does not say \"%s\"", bad[i].flow, e.text,
				 bad[i].says);
	}
	arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(match_reads_back),
		cmocka_unit_test(insts_read_back),
		cmocka_unit_test(ports_read_back_by_name),
		cmocka_unit_test(refusals_have_words),
	};
	const char *seed = getenv("WEFT_SEED");

	state = seed ? strtoull(seed, NULL, 0) : 0x9e3779b97f4a7c15u;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

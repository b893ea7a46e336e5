/* SPDX-License-Identifier: Apache-2.0 */
/* Spec: 6.1 Message types: every one, written and read at random */
/*
 * Every structure that of13.def declares, filled at random: encode, decode, encode again gives the
 * same bytes, and the structures compare equal.
 *
 * The filler walks the descriptor rows, so that a new row is tested from the moment it is declared.
 * Seeds are fixed; a failure names its seed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "ofproto/desc.h"

enum { SEEDS = 3000 };

static uint64_t state;

static uint64_t rnd(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state * UINT64_C(0x2545f4914f6cdd1d);
}

static unsigned int below(unsigned int n)
{
	return (unsigned int)(rnd() >> 33) % n;
}

static void fill(void *p, size_t n)
{
	for (uint8_t *b = p; n--; b++)
		*b = (uint8_t)rnd();
}

static struct arena arena;

static struct of_any *random_struct(enum of_kind kind, bool reply, unsigned int depth);

/* ---- Fields ---- */

/* A value within the field's bits, right-aligned. */
static void random_value(const struct of_field *f, uint8_t *v)
{
	const unsigned int bits = of_field_key_bits(f);

	fill(v, f->bytes);
	if (bits < 64 && f->bytes <= 8)
		put_be(v, f->bytes, get_be(v, f->bytes) & ((UINT64_C(1) << bits) - 1));
}

static const struct of_field *random_field(bool writable, unsigned int max_bits, bool brief)
{
	for (;;) {
		const struct of_field *f = &of_fields[below(OF_N_FIELDS)];

		/* Read as another field in set-field; see oxm.c. */
		if (f->id == OF_FIELD_IP_TOS || f->id == OF_FIELD_IN_PORT_NXM)
			continue;
		/* Only ct writes these. */
		if (writable && (f->id == OF_FIELD_CT_MARK || f->id == OF_FIELD_CT_LABEL))
			continue;
		if ((!writable || f->writable) && f->bits <= max_bits &&
		    !(brief && f->is_onf && f->nxm == OF_FIELD_NO_ID))
			return f;
	}
}

/* An Ethernet type, protocol and ICMP type, so that every prerequisite is met now and then. */
static void random_protocol(struct of_match *m)
{
	static const uint16_t types[] = { 0x0800, 0x86dd, 0x0806, 0x8035, 0x8847,
					  0x8848, 0x88e7, 0x86dd, 0x0800 };
	static const uint8_t protos[] = { 6, 17, 132, 1, 58, 58 };
	uint16_t type = types[below(sizeof(types) / sizeof(types[0]))];
	uint8_t proto = protos[below(sizeof(protos))];

	of_match_set_u64(m, OF_FIELD_ETH_TYPE, type);
	if ((type == 0x0800 || type == 0x86dd) && below(4)) {
		of_match_set_u64(m, OF_FIELD_IP_PROTO, proto);
		if (type == 0x86dd && proto == 58 && below(3))
			of_match_set_u64(m, OF_FIELD_ICMPV6_TYPE, 135 + below(2));
	}
}

static bool is_set(const struct of_match *m, const struct of_field *f)
{
	static const uint8_t zero[16];
	struct of_oxm o;

	of_match_get(m, f, &o);
	return o.masked ? memcmp(o.mask, zero, f->bytes) != 0 : true;
}

static void random_oxm_in(struct of_match *m, const struct of_field *f)
{
	uint8_t value[16], mask[16];
	bool masked = f->maskable && below(2);

	random_value(f, value);
	fill(mask, sizeof(mask));
	for (unsigned int i = 0; masked && i < f->bytes; i++)
		value[i] &= mask[i];
	if (f->id == OF_FIELD_VLAN_VID && !masked)
		value[0] |= 0x10;
	assert_int_equal(of_match_set(m, f, value, masked ? mask : NULL), 0);
}

static void random_match(struct of_match *m)
{
	if (below(4))
		random_protocol(m);
	for (unsigned int n = below(12); n--;) {
		const struct of_field *f = &of_fields[below(OF_N_FIELDS)];

		if (!f->is_alias && of_match_pre_met(m, f) && of_match_connection_fits(m, f) &&
		    !is_set(m, f))
			random_oxm_in(m, f);
	}
}

static void random_oxm(struct of_oxm *o, bool masked)
{
	do
		o->field = random_field(true, 128, false);
	while (masked && !o->field->maskable);
	random_value(o->field, o->value);
	memset(o->mask, 0xff, o->field->bytes);
	o->masked = masked && below(2);
	if (!o->masked)
		return;
	fill(o->mask, o->field->bytes);
	o->mask[0] = 0;
	for (unsigned int i = 0; i < o->field->bytes; i++)
		o->value[i] &= o->mask[i];
}

static void random_subfield(struct of_subfield *sf, bool writable)
{
	sf->field = random_field(writable, 128, true);
	sf->ofs = (uint16_t)below(sf->field->bits);
	sf->n_bits = (uint16_t)(1 + below(sf->field->bits - sf->ofs));
	if (sf->n_bits > 64)
		sf->n_bits = 64;
}

/* ---- Rows ---- */

static enum of_kind random_kind(enum of_family_id family, bool reply)
{
	for (;;) {
		enum of_kind k = 1 + below(OF_N_KINDS - 1);

		if (!of_desc_in(&of_descs[k], family))
			continue;
		/* Requests with unknown experimenters are refused. */
		if (!reply && (k == OF_KIND_action_experimenter || k == OF_KIND_inst_experimenter ||
			       k == OF_KIND_band_experimenter))
			continue;
		/* These stand in lists of their own. */
		if (k == OF_KIND_nx_nat || k == OF_KIND_nx_conjunction)
			continue;
		return k;
	}
}

static void random_list(const struct of_row *row, struct of_list *l, bool reply, unsigned int depth)
{
	for (unsigned int n = depth > 3 ? 0 : below(4); n--;) {
		enum of_kind k =
			row->kind == OF_ROW_ARRAY ? row->arg : random_kind(row->arg, reply);

		assert_int_equal(of_list_add(l, &arena, random_struct(k, reply, depth + 1)), 0);
	}
}

static void random_ids(const struct of_row *row, struct of_ids *ids)
{
	ids->n = below(6);
	ids->v = arena_get(&arena, (ids->n + 1) * sizeof(*ids->v));
	for (unsigned int i = 0; i < ids->n; i++) {
		struct of_id *id = &ids->v[i];

		if (row->arg == OF_IDS_table) {
			id->type = below(255);
		} else if (row->arg == OF_IDS_oxm && below(4)) {
			id->field = random_field(false, 128, false);
			id->has_mask = below(2);
		} else if (row->arg == OF_IDS_oxm) {
			id->type = below(2) ? 0x12340000u : 0xffff0604u;
			id->experimenter = id->type >> 16 == 0xffff ? 0x5e : 0;
		} else {
			id->type = below(3) ? below(100) : 0xffff;
			id->experimenter = id->type == 0xffff ? (uint32_t)rnd() | 1 : 0;
		}
	}
}

static struct of_msg *random_msg(void)
{
	struct of_msg *m = arena_get(&arena, sizeof(*m));

	m->xid = (uint32_t)rnd();
	m->body = random_struct(OF_KIND_flow_mod, false, 2);
	return m;
}

/* Lengths of REST at which nothing has to be padded. */
static uint32_t rest_len(const struct of_desc *d)
{
	const struct of_family *f = &of_families[d->family];
	unsigned int fixed = of_header_len[f->header] + d->min_len;

	if (f->align != OF_ALIGN_INSIDE)
		return below(20);
	return (8 - fixed % 8) % 8 + 8 * below(3);
}

/* ---- Members that no row describes ---- */

static void random_spec(struct of_learn_spec *s)
{
	*s = (struct of_learn_spec){ .to = below(3), .n_bits = (uint16_t)(1 + below(32)) };
	if (s->to != OF_LEARN_OUTPUT)
		do
			random_subfield(&s->dst, s->to == OF_LEARN_LOAD);
		while (s->dst.n_bits < s->n_bits);
	s->dst.n_bits = s->dst.field ? s->n_bits : 0;
	if (s->to != OF_LEARN_OUTPUT && below(2)) {
		put_be32(s->value + 12, (uint32_t)(rnd() >> 32) >> (32 - s->n_bits));
		return;
	}
	do
		random_subfield(&s->src, false);
	while (s->src.n_bits < s->n_bits);
	s->src.n_bits = s->n_bits;
}

/* Minimum and maximum in the last of 'n' bytes, so that one is not above the other. */
static unsigned int random_pair(uint8_t *min, uint8_t *max, unsigned int n)
{
	min[n - 1] = (uint8_t)(1 + below(100));
	memcpy(max, min, n);
	if (below(2))
		return 1;
	max[n - 1] = (uint8_t)(min[n - 1] + below(100));
	return 3;
}

static void random_range(struct of_nat_range *g)
{
	uint8_t min[2] = { 0 }, max[2] = { 0 };
	unsigned int what = below(3);

	if (!what)
		return;
	g->present = (uint16_t)(random_pair(g->addr_min, g->addr_max, what == 1 ? 4 : 16)
				<< (what == 1 ? 0 : 2));
	if (below(2))
		return;
	g->present |= (uint16_t)(random_pair(min, max, 2) << 4);
	g->proto_min = get_be16(min);
	g->proto_max = get_be16(max);
}

static void random_coded(unsigned int id, void *member)
{
	struct of_learn_specs *specs = member;
	struct of_ct_zone *zone = member;

	switch (id) {
	case OF_CODED_learn_specs:
		specs->n = below(5);
		specs->v = arena_get(&arena, (specs->n + 1) * sizeof(*specs->v));
		for (uint32_t i = 0; i < specs->n; i++)
			random_spec(&specs->v[i]);
		break;
	case OF_CODED_learn_result: /* make_legal()'s */
		break;
	case OF_CODED_ct_zone:
		zone->value = (uint16_t)rnd();
		if (!below(2))
			break;
		*zone = (struct of_ct_zone){ .src = { &of_fields[OF_FIELD_REG3], 5, 16 } };
		break;
	case OF_CODED_nat_range:
		random_range(member);
		break;
	default:
		fail_msg("coded member %u is not tested", id);
	}
}

static void random_member(const struct of_desc *d, const struct of_row *row, void *member,
			  bool reply, unsigned int depth)
{
	struct of_words *words = member;
	struct of_span *span = member;
	struct of_halves *halves = member;
	enum of_kind k;

	switch (row->kind) {
	case OF_ROW_UINT:
	case OF_ROW_BYTES:
	case OF_ROW_U32S:
		fill(member, row->size);
		break;
	case OF_ROW_MATCH:
	case OF_ROW_FIELDS:
		random_match(member);
		break;
	case OF_ROW_OXM:
		random_oxm(member, row->arg);
		break;
	case OF_ROW_OXM_ID:
		*(const struct of_field **)member = random_field(true, 128, row->arg);
		break;
	case OF_ROW_OFS_NBITS:
		random_subfield(member, !strcmp(row->name, "dst"));
		break;
	case OF_ROW_SUB:
		((struct of_any *)member)->kind = row->arg;
		for (const struct of_row *r = of_descs[row->arg].rows; r->kind != OF_ROW_END; r++)
			random_member(d, r, (uint8_t *)member + r->offset, reply, depth);
		break;
	case OF_ROW_LIST:
	case OF_ROW_ARRAY:
		random_list(row, member, reply, depth);
		break;
	case OF_ROW_BODY:
		do
			k = random_kind(row->arg, reply);
		while (k == OF_KIND_bundle_add && depth > 1);
		*(struct of_any **)member = random_struct(k, row->arg == OF_FAM_mp_reply, depth);
		break;
	case OF_ROW_MSG:
		*(struct of_msg **)member = random_msg();
		break;
	case OF_ROW_WORDS:
		words->n = below(5);
		words->v = arena_get(&arena, 4 * words->n + 1);
		fill(words->v, 4 * words->n);
		break;
	case OF_ROW_IDS:
		random_ids(row, member);
		break;
	case OF_ROW_HALVES:
		halves->n = below(9);
		halves->v = arena_get(&arena, 2 * halves->n + 1);
		fill(halves->v, 2 * halves->n);
		break;
	case OF_ROW_CODED:
		random_coded(row->arg, member);
		break;
	case OF_ROW_REST:
		span->n = rest_len(d);
		if (span->n) {
			span->p = arena_get(&arena, span->n);
			fill((uint8_t *)span->p, span->n);
		}
		break;
	}
}

#include "ofproto_random_answer.h"

/* ct's actions: NAT, and setting what the connection has. */
static void legal_ct(struct of_nx_ct *ct)
{
	struct of_any *nat = random_struct(OF_KIND_nx_nat, false, 5);
	struct of_action_set_field *set = OF_NEW(&arena, action_set_field);

	random_oxm(&set->field, false);
	set->field.field = &of_fields[OF_FIELD_CT_MARK];
	memset(set->field.mask, 0, 16);
	memset(set->field.mask, 0xff, 4);
	memset(set->field.value + 4, 0, 12);
	ct->flags = (uint16_t)(NX_CT_F_COMMIT | below(2) * NX_CT_F_FORCE);
	ct->actions = (struct of_list){ 0 };
	if (below(2))
		of_list_add(&ct->actions, &arena, nat);
	if (below(2))
		of_list_add(&ct->actions, &arena, (struct of_any *)set);
}

static void legal_hash(uint16_t *fields, uint16_t *algorithm, unsigned int n_algorithms)
{
	*fields = (uint16_t)below(7);
	*algorithm = (uint16_t)below(n_algorithms);
}

static void legal_members(uint32_t *type, struct of_halves *members)
{
	*type = 2;
	for (uint32_t i = 0; i < members->n; i++)
		members->v[i] &= 0x7fff;
}

/* A part of some field of 16 bits at least. */
static struct of_subfield wide_part(void)
{
	return (struct of_subfield){ &of_fields[OF_FIELD_REG0 + below(16)], (uint16_t)below(16),
				     16 };
}

static void legal_spread(struct of_any *s)
{
	struct of_nx_multipath *m = (void *)s;
	struct of_nx_bundle *b = (void *)s;
	struct of_nx_bundle_load *bl = (void *)s;

	if (s->kind == OF_KIND_nx_multipath) {
		legal_hash(&m->fields, &m->algorithm, 4);
		m->dst = wide_part();
	} else if (s->kind == OF_KIND_nx_bundle) {
		legal_hash(&b->fields, &b->algorithm, 2);
		legal_members(&b->member_type, &b->members);
	} else {
		legal_hash(&bl->fields, &bl->algorithm, 2);
		legal_members(&bl->member_type, &bl->members);
		bl->dst = wide_part();
	}
}

/* What of_check() asks for. */
static void make_legal(struct of_any *s)
{
	static const uint16_t nat_flags[] = { 0, 1, 2, 5, 9, 0x11, 6, 0x16 };
	struct of_nx_conjunction *conj = (void *)s;
	struct of_nx_learn *learn = (void *)s;
	struct of_nx_sample2 *sample = (void *)s;
	struct of_nx_nat *nat = (void *)s;
	struct of_nx_reg_move *m = (void *)s;
	struct of_nx_reg_load *l = (void *)s;
	struct of_nx_stack_push *p = (void *)s;
	struct of_nx_learn2 *l2 = (void *)s;
	struct of_flow_update *u = (void *)s;
	struct of_nx_check_pkt_larger *larger = (void *)s;
	struct of_fit *fit = (void *)s;

	switch (s->kind) {
	case OF_KIND_nx_reg_move:
		m->n_bits = 1;
		m->src_ofs = (uint16_t)below(m->src->bits);
		m->dst_ofs = (uint16_t)below(m->dst->bits);
		break;
	case OF_KIND_nx_reg_load:
		if (l->dst.n_bits < 64)
			l->value &= (UINT64_C(1) << l->dst.n_bits) - 1;
		break;
	case OF_KIND_nx_stack_push:
	case OF_KIND_nx_stack_pop:
		p->ofs = (uint16_t)below(p->field->bits);
		p->n_bits = 1;
		break;
	case OF_KIND_nx_ct:
		legal_ct((void *)s);
		break;
	case OF_KIND_answer_dhcp:
	case OF_KIND_answer_dhcpv6:
	case OF_KIND_answer_ra:
	case OF_KIND_answer_nd:
	case OF_KIND_answer_icmp_error:
		legal_answer(s);
		break;
	case OF_KIND_nx_nat:
		nat->flags = nat_flags[below(8)];
		break;
	case OF_KIND_nx_multipath:
	case OF_KIND_nx_bundle:
	case OF_KIND_nx_bundle_load:
		legal_spread(s);
		break;
	case OF_KIND_nx_conjunction:
		conj->n_clauses = (uint8_t)(2 + below(63));
		conj->clause = (uint8_t)below(conj->n_clauses);
		break;
	case OF_KIND_nx_sample:
		sample->probability |= 1;
		break;
	case OF_KIND_nx_sample2:
	case OF_KIND_nx_sample3:
		sample->probability |= 1;
		sample->direction %= 3;
		break;
	case OF_KIND_nx_output_trunc:
		((struct of_nx_output_trunc *)s)->max_len |= 0x100;
		break;
	case OF_KIND_nx_learn:
		learn->flags &= 3;
		learn->table_id &= 0x7f;
		break;
	case OF_KIND_nx_learn2:
		l2->flags &= 7;
		l2->table_id &= 0x7f;
		l2->result.dst = (struct of_subfield){ 0 };
		if (l2->flags & NX_LEARN_F_WRITE_RESULT)
			l2->result.dst = (struct of_subfield){ &of_fields[OF_FIELD_REG0], 3, 1 };
		break;
	case OF_KIND_flow_update: /* the body of every other event is the full one */
		if (u->body->kind == OF_KIND_flow_event_full && u->event == OFPFME_ABBREV)
			u->event = OFPFME_ADDED;
		break;
	case OF_KIND_nx_check_pkt_larger:
		larger->ofs = (uint16_t)below(larger->dst->bits);
		break;
	case OF_KIND_fit:
		fit->mtu = (uint16_t)(68 + below(20000));
		fit->dst = (struct of_subfield){ &of_fields[OF_FIELD_REG0 + below(16)],
						 (uint16_t)below(17), (uint16_t)(15 + below(2)) };
		break;
	case OF_KIND_action_experimenter:
		((struct of_action_experimenter *)s)->experimenter = 0x5e;
		break;
	default:
		break;
	}
}

static struct of_any *random_struct(enum of_kind kind, bool reply, unsigned int depth)
{
	const struct of_desc *d = &of_descs[kind];
	struct of_any *s = of_new(&arena, kind);

	assert_non_null(s);
	for (const struct of_row *row = d->rows; row->kind != OF_ROW_END; row++)
		if (row->name)
			random_member(d, row, (uint8_t *)s + row->offset, reply, depth);
	make_legal(s);
	return s;
}

/* ---- The property ---- */

static void round_trip(struct of_any *body, uint64_t seed)
{
	static uint8_t first[OF_MSG_MAX], second[OF_MSG_MAX];
	struct of_msg m = { .xid = (uint32_t)rnd(), .body = body }, *read;
	const char *name = of_kind_name(body->kind);
	struct of_err refusal;
	struct err e;
	int n;

	n = of_encode(&m, first, sizeof(first), &e);
	if (n < 0)
		fail_msg("seed %lu: %s does not encode: %s", seed, name, e.text);
	if (of_decode(first, (size_t)n, &arena, &read, &refusal))
		fail_msg("seed %lu: %s refused at %u: %s", seed, name, refusal.offset,
			 refusal.text);
	if (of_encode(read, second, sizeof(second), &e) != n || memcmp(first, second, (size_t)n))
		fail_msg("seed %lu: %s encodes differently a second time", seed, name);
	/* Ids read have their header; those made here have not. */
	if (body->kind != OF_KIND_multipart_request && body->kind != OF_KIND_multipart_reply &&
	    body->kind != OF_KIND_experimenter_msg &&
	    !of_list_equal(&(struct of_list){ 1, &body }, &(struct of_list){ 1, &read->body }))
		fail_msg("seed %lu: %s is not equal to what was sent", seed, name);
}

static void every_message(void **unused)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		state = seed * UINT64_C(0x9e3779b97f4a7c15);
		for (unsigned int k = 1; k < OF_N_KINDS; k++) {
			if (of_descs[k].family != OF_FAM_msg)
				continue;
			arena_reset(&arena);
			round_trip(random_struct(k, false, 0), seed);
		}
	}
}

static void body_of(enum of_kind k, uint64_t seed)
{
	struct of_multipart_request *q = OF_NEW(&arena, multipart_request);
	struct of_multipart_reply *r = OF_NEW(&arena, multipart_reply);
	struct of_experimenter_msg *x = OF_NEW(&arena, experimenter_msg);
	struct of_mp_experimenter_request *xq = OF_NEW(&arena, mp_experimenter_request);
	struct of_mp_experimenter_reply *xr = OF_NEW(&arena, mp_experimenter_reply);

	switch (of_descs[k].family) {
	case OF_FAM_mp_request:
		q->body = random_struct(k, false, 0);
		round_trip((void *)q, seed);
		break;
	case OF_FAM_mp_reply:
		r->body = random_struct(k, true, 0);
		round_trip((void *)r, seed);
		break;
	case OF_FAM_exp_mp_request:
		xq->experimenter = 0x5e;
		xq->body = random_struct(k, false, 0);
		q->body = (struct of_any *)xq;
		round_trip((void *)q, seed);
		break;
	case OF_FAM_exp_mp_reply:
		xr->experimenter = 0x5e;
		xr->body = random_struct(k, true, 0);
		r->body = (struct of_any *)xr;
		round_trip((void *)r, seed);
		break;
	case OF_FAM_exp_msg:
		x->experimenter = 0x5e; /* stays where the body is exp_unknown */
		x->body = random_struct(k, false, 0);
		round_trip((void *)x, seed);
		break;
	default:
		break;
	}
}

static void every_body(void **unused)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		state = seed * UINT64_C(0xbf58476d1ce4e5b9);
		for (unsigned int k = 1; k < OF_N_KINDS; k++) {
			arena_reset(&arena);
			body_of(k, seed);
		}
	}
}

/* Each element alone, through of_encode_list() and of_decode_list(). */
static void every_element(void **unused)
{
	static uint8_t first[OF_MSG_MAX];

	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		state = seed * UINT64_C(0x94d049bb133111eb);
		for (unsigned int k = 1; k < OF_N_KINDS; k++) {
			const struct of_desc *d = &of_descs[k];
			const char *family = of_families[d->family].name;
			struct of_any *s;
			struct of_list l, in = { 1, &s };
			struct of_err refusal = { 0 };
			int n;

			if (of_families[d->family].header == OF_HDR_NX)
				family = "action";
			else if (of_families[d->family].header != OF_HDR_TLV)
				continue;
			if (k == OF_KIND_action_experimenter || k == OF_KIND_inst_experimenter ||
			    k == OF_KIND_band_experimenter)
				continue;
			arena_reset(&arena);
			s = random_struct(k, false, 0);
			n = of_encode_list(&in, first, sizeof(first), NULL);
			assert_true(n > 0);
			if (of_decode_list(family, first, (size_t)n, &arena, &l, &refusal))
				fail_msg("seed %lu: %s: %s", seed, d->name, refusal.text);
			assert_int_equal(l.n, 1);
			assert_int_equal(l.v[0]->kind, k);
			if (d->family != OF_FAM_tf_prop && !of_list_equal(&in, &l))
				fail_msg("seed %lu: %s is not equal to what was sent", seed,
					 d->name);
		}
	}
}

static int begin(void **unused)
{
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
		cmocka_unit_test(every_message),
		cmocka_unit_test(every_body),
		cmocka_unit_test(every_element),
	};

	return cmocka_run_group_tests(tests, begin, end);
}

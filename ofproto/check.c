/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of a structure no row can judge alone: members that belong together, and actions that may
 * stand in some lists only.  Nicira's are refused as Open vSwitch refuses them.
 */
#include "ofproto/codec.h"

#define ACTION_E(code) OF_E(OFPET_BAD_ACTION, OFPBAC_##code)

enum { MIN_TRUNC = 14 }; /* an Ethernet header */

/* ---- Parts of fields ---- */

int of_check_part(struct of_rd *r, const struct of_field *f, unsigned int ofs, unsigned int n_bits,
		  const uint8_t *at)
{
	if (n_bits && ofs + n_bits <= f->bits)
		return 0;
	return of_refuse(r, at, ACTION_E(BAD_SET_LEN), "%u bits at %u pass the %u of %s", n_bits,
			 ofs, f->bits, f->name);
}

static int check_set(struct of_rd *r, const struct of_field *f, const uint8_t *at)
{
	if (f->writable)
		return 0;
	return of_refuse(r, at, ACTION_E(BAD_SET_ARGUMENT), "%s cannot be set", f->name);
}

static int check_move(struct of_rd *r, const struct of_nx_reg_move *m, const uint8_t *at)
{
	int rc = of_check_part(r, m->src, m->src_ofs, m->n_bits, at);

	if (!rc)
		rc = of_check_part(r, m->dst, m->dst_ofs, m->n_bits, at);
	return rc ? rc : check_set(r, m->dst, at);
}

static int check_load(struct of_rd *r, const struct of_nx_reg_load *l, const uint8_t *at)
{
	int rc = check_set(r, l->dst.field, at);

	if (rc)
		return rc;
	if (l->dst.n_bits < 64 && l->value >> l->dst.n_bits)
		return of_refuse(r, at, ACTION_E(BAD_ARGUMENT), "load of more than %u bits",
				 l->dst.n_bits);
	return 0;
}

static int check_stack(struct of_rd *r, const struct of_nx_stack_push *s, bool pop,
		       const uint8_t *at)
{
	int rc = of_check_part(r, s->field, s->ofs, s->n_bits, at);

	return rc || !pop ? rc : check_set(r, s->field, at);
}

static int check_larger(struct of_rd *r, const struct of_nx_check_pkt_larger *l, const uint8_t *at)
{
	int rc = of_check_part(r, l->dst, l->ofs, 1, at);

	return rc ? rc : check_set(r, l->dst, at);
}

/* RFC 791: every link takes 68 bytes, the longest header and eight bytes behind it. */
static int check_fit(struct of_rd *r, const struct of_fit *f, const uint8_t *at)
{
	enum { LEAST = 68 };

	if (f->mtu < LEAST || (f->dst.n_bits < 16 && f->mtu >> f->dst.n_bits))
		return of_refuse(r, at, ACTION_E(BAD_ARGUMENT), "fit of %u into %u bits", f->mtu,
				 f->dst.n_bits);
	return check_set(r, f->dst.field, at);
}

/* ---- multipath, bundle ---- */

static int check_hash(struct of_rd *r, uint16_t fields, uint16_t algorithm, uint16_t last,
		      const uint8_t *at)
{
	if (fields <= NX_HASH_FIELDS_SYMMETRIC_L3 && algorithm <= last)
		return 0;
	return of_refuse(r, at, ACTION_E(BAD_ARGUMENT), "unknown fields %u or algorithm %u", fields,
			 algorithm);
}

static int check_multipath(struct of_rd *r, const struct of_nx_multipath *m, const uint8_t *at)
{
	int rc = check_hash(r, m->fields, m->algorithm, NX_MP_ALG_ITER_HASH, at);

	if (rc)
		return rc;
	if (m->dst.n_bits < 16 && m->max_link >> m->dst.n_bits)
		return of_refuse(r, at, ACTION_E(BAD_ARGUMENT), "%u links do not fit in %u bits",
				 m->max_link + 1u, m->dst.n_bits);
	return check_set(r, m->dst.field, at);
}

static int check_members(struct of_rd *r, uint32_t type, const struct of_halves *members,
			 const uint8_t *at)
{
	const struct of_field *f = &of_fields[OF_FIELD_IN_PORT_NXM];

	if (type != (f->nxm | f->bytes))
		return of_refuse(r, at, ACTION_E(BAD_ARGUMENT), "members of type 0x%x, not ports",
				 type);
	for (uint32_t i = 0; i < members->n; i++) {
		uint16_t port = members->v[i];

		if ((port >= 0xff00 && port < (uint16_t)OFPP_IN_PORT) ||
		    port == (uint16_t)OFPP_CONTROLLER)
			return of_refuse(r, at, ACTION_E(BAD_OUT_PORT), "member 0x%x", port);
	}
	return 0;
}

static int check_bundle(struct of_rd *r, const struct of_nx_bundle *b, const uint8_t *at)
{
	int rc = check_hash(r, b->fields, b->algorithm, NX_BD_ALG_HRW, at);

	return rc ? rc : check_members(r, b->member_type, &b->members, at);
}

static int check_bundle_load(struct of_rd *r, const struct of_nx_bundle_load *b, const uint8_t *at)
{
	int rc = check_hash(r, b->fields, b->algorithm, NX_BD_ALG_HRW, at);

	if (!rc)
		rc = check_members(r, b->member_type, &b->members, at);
	if (!rc && b->dst.n_bits < 16)
		rc = of_refuse(r, at, ACTION_E(BAD_ARGUMENT), "a port does not fit in %u bits",
			       b->dst.n_bits);
	return rc ? rc : check_set(r, b->dst.field, at);
}

/* ---- learn, conjunction, sample, output ---- */

static int check_learn(struct of_rd *r, uint16_t flags, bool longer, uint8_t table,
		       const uint8_t *at)
{
	uint16_t known = NX_LEARN_F_SEND_FLOW_REM | NX_LEARN_F_DELETE_LEARNED;

	if (longer)
		known |= NX_LEARN_F_WRITE_RESULT;
	if (flags & ~known)
		return of_refuse(r, at, ACTION_E(BAD_ARGUMENT), "learn: flags 0x%x", flags);
	if (table == OFPTT_ALL)
		return of_refuse(r, at, ACTION_E(BAD_ARGUMENT), "learn: no table is 255");
	return 0;
}

static int check_conjunction(struct of_rd *r, const struct of_nx_conjunction *c, const uint8_t *at)
{
	if (c->n_clauses >= 2 && c->n_clauses <= 64 && c->clause < c->n_clauses)
		return 0;
	return of_refuse(r, at, OF_E(OFPET_EXPERIMENTER, NXBAC_BAD_CONJUNCTION),
			 "clause %u of %u, which are 2 to 64", c->clause + 1, c->n_clauses);
}

static int check_sample(struct of_rd *r, uint16_t probability, uint8_t direction, const uint8_t *at)
{
	if (probability && direction <= NX_SAMPLE_EGRESS)
		return 0;
	return of_refuse(r, at, ACTION_E(BAD_ARGUMENT), "sample of probability %u, direction %u",
			 probability, direction);
}

static int check_trunc(struct of_rd *r, const struct of_nx_output_trunc *o, const uint8_t *at)
{
	if (o->max_len >= MIN_TRUNC)
		return 0;
	return of_refuse(r, at, ACTION_E(BAD_ARGUMENT), "max_len %u is less than a header's %u",
			 o->max_len, MIN_TRUNC);
}

/* ---- Actions in their lists ---- */

static bool is_ct_field(const struct of_field *f)
{
	return f && (f->id == OF_FIELD_CT_MARK || f->id == OF_FIELD_CT_LABEL);
}

/* The field that an action writes; NULL: none. */
static const struct of_field *written(const struct of_any *a)
{
	switch (a->kind) {
	case OF_KIND_action_set_field:
		return ((const struct of_action_set_field *)a)->field.field;
	case OF_KIND_nx_reg_load:
		return ((const struct of_nx_reg_load *)a)->dst.field;
	case OF_KIND_nx_reg_load2:
		return ((const struct of_nx_reg_load2 *)a)->field.field;
	case OF_KIND_nx_reg_move:
		return ((const struct of_nx_reg_move *)a)->dst;
	default:
		return NULL;
	}
}

static bool beside_conjunction(const struct of_any *a)
{
	return a->kind == OF_KIND_nx_conjunction || a->kind == OF_KIND_nx_note;
}

/* A list that is not ct's: no NAT, no writing of what a connection has; conjunctions among
 * themselves. */
int of_check_actions(struct of_rd *r, const struct of_list *l, const uint8_t *at)
{
	bool conjunction = false, other = false;

	for (uint32_t i = 0; i < l->n; i++) {
		const struct of_any *a = l->v[i];

		conjunction |= a->kind == OF_KIND_nx_conjunction;
		other |= !beside_conjunction(a);
		if (a->kind == OF_KIND_nx_nat || is_ct_field(written(a)))
			return of_refuse(r, at, ACTION_E(BAD_SET_ARGUMENT), "only in ct can %s be",
					 a->kind == OF_KIND_nx_nat ? "nat" : written(a)->name);
	}
	if (conjunction && other)
		return of_refuse(r, at, OF_E(OFPET_EXPERIMENTER, NXBAC_BAD_CONJUNCTION),
				 "beside a conjunction stand conjunctions and notes only");
	return 0;
}

/* A NAT that asks for nothing: it applies what the connection has. */
static bool is_bare_nat(const struct of_any *a)
{
	const struct of_nx_nat *n = (const void *)a;

	return a->kind == OF_KIND_nx_nat && !n->flags && !n->range.present;
}

static int check_ct(struct of_rd *r, const struct of_nx_ct *ct, const uint8_t *at)
{
	bool commit = ct->flags & NX_CT_F_COMMIT;

	if (ct->flags & NX_CT_F_FORCE && !commit)
		return of_refuse(r, at, ACTION_E(BAD_ARGUMENT), "ct: force goes with commit");
	for (uint32_t i = 0; i < ct->actions.n; i++) {
		const struct of_any *a = ct->actions.v[i];

		if (a->kind != OF_KIND_nx_nat && !is_ct_field(written(a)))
			return of_refuse(r, at, ACTION_E(BAD_ARGUMENT), "ct: %s cannot be in it",
					 of_kind_name(a->kind));
		if (!commit && !is_bare_nat(a))
			return of_refuse(r, at, ACTION_E(BAD_ARGUMENT), "ct: %s goes with commit",
					 of_kind_name(a->kind));
	}
	return 0;
}

static int check_nat(struct of_rd *r, const struct of_nx_nat *n, const uint8_t *at)
{
	const uint16_t both = NX_NAT_F_SRC | NX_NAT_F_DST;
	const uint16_t ways = NX_NAT_F_PROTO_HASH | NX_NAT_F_PROTO_RANDOM;

	if ((n->flags & both) == both || (n->flags & ways) == ways ||
	    n->flags & ~(both | ways | NX_NAT_F_PERSISTENT))
		return of_refuse(r, at, ACTION_E(BAD_ARGUMENT), "nat: flags 0x%x", n->flags);
	return 0;
}

/* Actions of a structure that is no action, and of clone. */
static const struct of_list *actions_of(const struct of_any *s)
{
	switch (s->kind) {
	case OF_KIND_inst_apply_actions:
		return &((const struct of_inst_apply_actions *)s)->actions;
	case OF_KIND_inst_write_actions:
		return &((const struct of_inst_write_actions *)s)->actions;
	case OF_KIND_packet_out:
		return &((const struct of_packet_out *)s)->actions;
	case OF_KIND_bucket:
		return &((const struct of_bucket *)s)->actions;
	case OF_KIND_ext_bucket:
		return &((const struct of_ext_bucket *)s)->actions;
	case OF_KIND_nx_clone:
		return &((const struct of_nx_clone *)s)->actions;
	default:
		return NULL;
	}
}

int of_check_insts(struct of_rd *r, const struct of_list *insts, const uint8_t *at)
{
	for (uint32_t i = 0; insts->n > 1 && i < insts->n; i++) {
		const struct of_list *l = actions_of(insts->v[i]);

		for (uint32_t k = 0; l && k < l->n; k++)
			if (l->v[k]->kind == OF_KIND_nx_conjunction)
				return of_refuse(r, at,
						 OF_E(OFPET_EXPERIMENTER, NXBAC_BAD_CONJUNCTION),
						 "beside a conjunction stand no instructions");
	}
	return 0;
}

static int check_flow(struct of_rd *r, const struct of_flow_mod *m, const uint8_t *at)
{
	for (unsigned int i = OF_FIELD_CT_NW_SRC; i <= OF_FIELD_CT_IPV6_DST; i++) {
		const struct of_field *f = &of_fields[i];

		if (of_match_has(&m->match, f) && !of_match_connection_fits(&m->match, f))
			return of_refuse(r, at, OF_E(OFPET_BAD_MATCH, OFPBMC_BAD_PREREQ),
					 "%s of another EtherType", f->name);
	}
	return of_check_insts(r, &m->insts, at);
}

int of_check(struct of_rd *r, const struct of_any *s, const uint8_t *at)
{
	const struct of_list *l = actions_of(s);
	const struct of_nx_learn *learn = (const void *)s;    /* nx_learn2 begins alike */
	const struct of_nx_sample2 *sample = (const void *)s; /* and so do the samples */

	if (l)
		return of_check_actions(r, l, at);
	switch (s->kind) {
	case OF_KIND_flow_mod:
		return check_flow(r, (const void *)s, at);
	case OF_KIND_nx_reg_move:
		return check_move(r, (const void *)s, at);
	case OF_KIND_nx_reg_load:
		return check_load(r, (const void *)s, at);
	case OF_KIND_nx_stack_push:
	case OF_KIND_nx_stack_pop: /* of the same layout */
		return check_stack(r, (const void *)s, s->kind == OF_KIND_nx_stack_pop, at);
	case OF_KIND_nx_check_pkt_larger:
		return check_larger(r, (const void *)s, at);
	case OF_KIND_fit:
		return check_fit(r, (const void *)s, at);
	case OF_KIND_nx_multipath:
		return check_multipath(r, (const void *)s, at);
	case OF_KIND_nx_bundle:
		return check_bundle(r, (const void *)s, at);
	case OF_KIND_nx_bundle_load:
		return check_bundle_load(r, (const void *)s, at);
	case OF_KIND_nx_learn:
	case OF_KIND_nx_learn2:
		return check_learn(r, learn->flags, s->kind == OF_KIND_nx_learn2, learn->table_id,
				   at);
	case OF_KIND_nx_conjunction:
		return check_conjunction(r, (const void *)s, at);
	case OF_KIND_nx_sample:
		return check_sample(r, sample->probability, 0, at);
	case OF_KIND_nx_sample2: /* without the direction */
		return check_sample(r, sample->probability, 0, at);
	case OF_KIND_nx_sample3:
		return check_sample(r, sample->probability, sample->direction, at);
	case OF_KIND_nx_output_trunc:
		return check_trunc(r, (const void *)s, at);
	case OF_KIND_nx_ct:
		return check_ct(r, (const void *)s, at);
	case OF_KIND_nx_nat:
		return check_nat(r, (const void *)s, at);
	case OF_KIND_answer_dhcp:
	case OF_KIND_answer_dhcpv6:
	case OF_KIND_answer_ra:
	case OF_KIND_answer_nd:
	case OF_KIND_answer_icmp_error:
		return of_check_answer(r, s, at);
	default:
		return 0;
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What ct() may be: Open vSwitch's rules, which no specification has, with its errors.
 *
 * The connection's mark and label are written in exec() only, and only by what commits it; nat()
 * stands in ct() only.
 */
#include <string.h>

#include "base/ip_proto.h"
#include "datapath/act_ct.h"
#include "datapath/act_priv.h"
#include "datapath/dp.h"
#include "datapath/table.h"

#define AS(name) ((const struct of_##name *)a)

/* Of what kind a packet is known to be. */
static bool known_ip(const struct check *c, unsigned int proto)
{
	const struct of_match *m = &c->match;
	const uint16_t type = be16toh(m->value.eth_type);

	if (m->mask.eth_type != 0xffff || (type != ETH_TYPE_IPV4 && type != ETH_TYPE_IPV6))
		return false;
	return !proto || (m->mask.ip_proto == 0xff && m->value.ip_proto == proto);
}

static bool known_type(const struct check *c, uint16_t type)
{
	return c->has_match && c->match.mask.eth_type == 0xffff &&
	       c->match.value.eth_type == htobe16(type);
}

static bool known_invalid(const struct check *c)
{
	return c->match.mask.ct_state & c->match.value.ct_state & CT_INV;
}

/* ---- nat() ---- */

static int check_nat(struct check *c, const struct of_nx_nat *n, bool commit)
{
	const struct of_nat_range *g = &n->range;
	const bool v4 = g->present & OF_NAT_IPV4_MIN, v6 = g->present & OF_NAT_IPV6_MIN;
	const unsigned int which = n->flags & (NX_NAT_F_SRC | NX_NAT_F_DST);
	const unsigned int how = n->flags & (NX_NAT_F_PROTO_HASH | NX_NAT_F_PROTO_RANDOM);

	if (n->flags & ~(NX_NAT_F_SRC | NX_NAT_F_DST | NX_NAT_F_PERSISTENT | NX_NAT_F_PROTO_HASH |
			 NX_NAT_F_PROTO_RANDOM))
		return REFUSE(c, OFPBAC_BAD_ARGUMENT, "nat with unknown flags %#x", n->flags);
	if (which == (NX_NAT_F_SRC | NX_NAT_F_DST))
		return REFUSE(c, OFPBAC_BAD_ARGUMENT, "nat of both src and dst");
	if (how == (NX_NAT_F_PROTO_HASH | NX_NAT_F_PROTO_RANDOM))
		return REFUSE(c, OFPBAC_BAD_ARGUMENT, "nat by hash and by random");
	if (!which && (g->present || n->flags))
		return REFUSE(c, OFPBAC_BAD_ARGUMENT,
			      "nat with a range or a flag, but neither src nor dst");
	if (v4 && v6)
		return REFUSE(c, OFPBAC_BAD_ARGUMENT, "nat with addresses of both IP versions");
	if ((g->present & OF_NAT_IPV4_MAX && !v4) || (g->present & OF_NAT_IPV6_MAX && !v6) ||
	    (g->present & OF_NAT_PROTO_MAX && !(g->present & OF_NAT_PROTO_MIN)))
		return REFUSE(c, OFPBAC_BAD_ARGUMENT, "nat with a range that has an end only");
	if (g->present & (OF_NAT_IPV4_MAX | OF_NAT_IPV6_MAX) &&
	    memcmp(g->addr_max, g->addr_min, v4 ? 4 : 16) < 0)
		return REFUSE(c, OFPBAC_BAD_ARGUMENT, "nat with addresses from high to low");
	if (g->present & OF_NAT_PROTO_MIN && !g->proto_min)
		return REFUSE(c, OFPBAC_BAD_ARGUMENT, "nat to port 0");
	if (g->present & OF_NAT_PROTO_MAX && g->proto_max < g->proto_min)
		return REFUSE(c, OFPBAC_BAD_ARGUMENT, "nat with ports from high to low");
	if ((v4 && known_type(c, ETH_TYPE_IPV6)) || (v6 && known_type(c, ETH_TYPE_IPV4)))
		return REFUSE(c, OFPBAC_MATCH_INCONSISTENT,
			      "nat with addresses of the other IP version than the flow's");
	if (which && !commit)
		return REFUSE(c, OFPBAC_BAD_ARGUMENT,
			      "nat(src or dst): a connection is given its addresses by what "
			      "commits it");
	return 0;
}

/* ---- exec() ---- */

static int check_target(struct check *c, const struct of_field *f)
{
	if (f && (f->id == OF_FIELD_CT_MARK || f->id == OF_FIELD_CT_LABEL))
		return 0;
	return REFUSE(c, OFPBAC_BAD_ARGUMENT, "%s in ct(exec()): ct_mark and ct_label may be set",
		      f ? f->name : "an unknown field");
}

static int check_span(struct check *c, const struct of_field *f, unsigned int ofs, unsigned int n)
{
	if (f && n && ofs + n <= f->bits)
		return 0;
	return REFUSE(c, OFPBAC_BAD_ARGUMENT, "%u bits at %u pass %s", n, ofs,
		      f ? f->name : "an unknown field");
}

static int check_exec(struct check *c, const struct of_any *a)
{
	int r;

	switch (a->kind) {
	case OF_KIND_action_set_field:
		r = check_target(c, AS(action_set_field)->field.field);
		if (!r && AS(action_set_field)->field.masked)
			return REFUSE(c, OFPBAC_BAD_SET_TYPE, "set-field of %s has a mask",
				      AS(action_set_field)->field.field->name);
		return r;
	case OF_KIND_nx_reg_load2:
		return check_target(c, AS(nx_reg_load2)->field.field);
	case OF_KIND_nx_reg_load:
		r = check_target(c, AS(nx_reg_load)->dst.field);
		return r ? r
			 : check_span(c, AS(nx_reg_load)->dst.field, AS(nx_reg_load)->dst.ofs,
				      AS(nx_reg_load)->dst.n_bits);
	case OF_KIND_nx_reg_move:
		r = check_target(c, AS(nx_reg_move)->dst);
		if (!r)
			r = check_span(c, AS(nx_reg_move)->dst, AS(nx_reg_move)->dst_ofs,
				       AS(nx_reg_move)->n_bits);
		if (!r)
			r = check_span(c, AS(nx_reg_move)->src, AS(nx_reg_move)->src_ofs,
				       AS(nx_reg_move)->n_bits);
		return r ? r : act_check_readable(c, AS(nx_reg_move)->src);
	default:
		return REFUSE(c, OFPBAC_BAD_ARGUMENT, "%s in ct()", of_kind_name(a->kind));
	}
}

static int check_nested(struct check *c, const struct of_nx_ct *ct)
{
	const bool commit = ct->flags & NX_CT_F_COMMIT;
	unsigned int nats = 0;

	for (uint32_t i = 0; i < ct->actions.n; i++) {
		const struct of_any *a = ct->actions.v[i];
		int r;

		if (a->kind == OF_KIND_nx_nat) {
			if (nats++)
				return REFUSE(c, OFPBAC_BAD_ARGUMENT, "ct() with two nat()");
			r = check_nat(c, AS(nx_nat), commit);
		} else if (!commit) {
			return REFUSE(c, OFPBAC_BAD_ARGUMENT,
				      "ct(exec()) without commit: what is set is a connection's");
		} else {
			r = check_exec(c, a);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- ct() ---- */

static int check_zone(struct check *c, const struct of_subfield *s)
{
	if (!s->field)
		return 0;
	if (s->n_bits != 16)
		return REFUSE(c, OFPBAC_BAD_SET_LEN, "a zone has 16 bits, not %u", s->n_bits);
	if (s->ofs + 16 > s->field->bits)
		return REFUSE(c, OFPBAC_BAD_ARGUMENT, "16 bits at %u pass %s", s->ofs,
			      s->field->name);
	return act_check_readable(c, s->field);
}

static int check_alg(struct check *c, const struct of_nx_ct *ct)
{
	if (!ct->alg)
		return 0;
	if (ct->alg != ACT_CT_FTP && ct->alg != ACT_CT_TFTP)
		return REFUSE(c, OFPBAC_BAD_ARGUMENT, "ct(alg) of port %u: ftp and tftp there are",
			      ct->alg);
	if (c->has_match && !known_ip(c, ct->alg == ACT_CT_FTP ? PROTO_TCP : PROTO_UDP))
		return REFUSE(c, OFPBAC_MATCH_INCONSISTENT, "ct(alg=%s) on what may not be %s",
			      ct->alg == ACT_CT_FTP ? "ftp" : "tftp",
			      ct->alg == ACT_CT_FTP ? "TCP" : "UDP");
	return 0;
}

static int check_ct(struct check *c, const struct of_nx_ct *ct) CONTROL
{
	struct err e = { "" };
	int r;

	if (ct->flags & ~(NX_CT_F_COMMIT | NX_CT_F_FORCE))
		return REFUSE(c, OFPBAC_BAD_ARGUMENT, "ct with unknown flags %#x", ct->flags);
	if (ct->flags & NX_CT_F_FORCE && !(ct->flags & NX_CT_F_COMMIT))
		return REFUSE(c, OFPBAC_BAD_ARGUMENT, "ct(force) without commit");
	if (ct->recirc_table != ACT_CT_NO_TABLE && ct->recirc_table >= N_TABLES)
		return REFUSE(c, OFPBAC_BAD_ARGUMENT, "ct(table=%u): tables are 0 to %d",
			      ct->recirc_table, N_TABLES - 1);
	if (c->has_match && !known_ip(c, 0))
		return REFUSE(c, OFPBAC_MATCH_INCONSISTENT, "ct on what may not be IP");
	if (c->has_match && known_invalid(c) && ct->flags & NX_CT_F_COMMIT)
		return REFUSE(c, OFPBAC_MATCH_INCONSISTENT,
			      "ct(commit) on what is ct_state=+inv: it has no connection");
	r = check_zone(c, &ct->zone.src);
	if (!r)
		r = check_alg(c, ct);
	if (!r)
		r = check_nested(c, ct);
	if (!r && !dp_ct(c->dp, &e))
		return of_err_set(c->e, OFPET_FLOW_MOD_FAILED, OFPFMFC_UNKNOWN, "%s", e.text);
	return r;
}

int act_check_ct(struct check *c, const struct of_any *a)
{
	switch (a->kind) {
	case OF_KIND_nx_ct:
		return check_ct(c, AS(nx_ct));
	case OF_KIND_nx_ct_clear:
		return 0;
	case OF_KIND_nx_nat:
		return REFUSE(c, OFPBAC_BAD_ARGUMENT, "nat outside of ct()");
	default:
		return 1;
	}
}

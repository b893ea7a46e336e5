/* SPDX-License-Identifier: Apache-2.0 */
/* What may be installed of Nicira's actions: refusals as Open vSwitch has them. */
#include "datapath/act_ct.h"
#include "datapath/act_priv.h"
#include "datapath/meter.h"
#include "datapath/port.h"
#include "datapath/table.h"
#include "ofproto/nx.h"

#define AS(name) ((const struct of_##name *)a)

/* 254 is the last table's number in Open vSwitch, and nobody's here. */
static int check_resubmit(struct check *c, uint8_t table)
{
	if (table < N_TABLES || table == OFPTT_ALL)
		return 0;
	return REFUSE(c, OFPBAC_BAD_ARGUMENT, "resubmit to table %u: they are 0 to %d", table,
		      N_TABLES - 1);
}

/* The match must be such that there is a connection: +trk-inv, or what only a connection has. */
static int check_resubmit_ct(struct check *c, uint8_t table)
{
	const uint8_t known = c->match.mask.ct_state, set = known & c->match.value.ct_state;

	if (c->frozen)
		return check_resubmit(c, table);
	if (c->has_match && (set & (uint8_t) ~(CT_INV | CT_TRK) ||
			     ((set & CT_TRK) && (known & CT_INV) && !(set & CT_INV))))
		return check_resubmit(c, table);
	return REFUSE(c, OFPBAC_MATCH_INCONSISTENT,
		      "resubmit with ct in a flow that does not match a valid ct_state");
}

/* What is known of the packet is so again afterwards. */
static int check_clone(struct check *c, const struct of_nx_clone *a) CONTROL
{
	const struct of_match match = c->match;
	const int r = act_check_list(c, &a->actions);

	c->match = match;
	return r;
}

static int check_write(struct check *c, const struct of_field *f, unsigned int ofs, unsigned int n)
{
	const int r = act_check_bits(c, f, ofs, n, true);

	if (!r)
		act_forget_bits(c, f, ofs, n);
	return r;
}

static int check_read(struct check *c, const struct of_field *f, unsigned int ofs, unsigned int n)
{
	const int r = act_check_bits(c, f, ofs, n, false);

	return r ? r : act_check_readable(c, f);
}

/* set_field with a mask. */
static int check_masked(struct check *c, const struct of_oxm *o)
{
	const struct of_field *f = o->field;

	if (!f)
		return REFUSE(c, OFPBAC_BAD_SET_TYPE, "unknown field in set-field");
	if (f->id == OF_FIELD_ETH_TYPE || f->id == OF_FIELD_IP_PROTO)
		return REFUSE(c, OFPBAC_BAD_SET_TYPE, "%s with a mask", f->name);
	return check_write(c, f, 0, f->layer == OF_LAYER_VLAN && f->bits > 12 ? 12 : f->bits);
}

static int check_output_trunc(struct check *c, const struct of_nx_output_trunc *o)
{
	enum { LEAST = 14 };
	const uint32_t port = of_nx_port(o->port);

	if (o->max_len < LEAST)
		return REFUSE(c, OFPBAC_BAD_ARGUMENT, "output of %u bytes: at least %d are",
			      o->max_len, LEAST);
	if (port && (port <= PORT_LAST || port == OFPP_LOCAL || port == OFPP_IN_PORT))
		return 0;
	return REFUSE(c, OFPBAC_BAD_OUT_PORT, "output to port %#x with max_len", port);
}

static int check_hash(struct check *c, uint16_t fields)
{
	if (fields <= NX_HASH_FIELDS_SYMMETRIC_L3)
		return 0;
	return REFUSE(c, OFPBAC_BAD_ARGUMENT, "hash fields %u", fields);
}

static int check_multipath(struct check *c, const struct of_nx_multipath *m)
{
	int r = check_hash(c, m->fields);

	if (r)
		return r;
	if (m->algorithm > NX_MP_ALG_ITER_HASH)
		return REFUSE(c, OFPBAC_BAD_ARGUMENT, "multipath by algorithm %u", m->algorithm);
	if (m->dst.n_bits < 17 && m->max_link >> m->dst.n_bits)
		return REFUSE(c, OFPBAC_BAD_ARGUMENT, "%u bits are too few for %u links",
			      m->dst.n_bits, m->max_link + 1);
	return check_write(c, m->dst.field, m->dst.ofs, m->dst.n_bits);
}

static int check_members(struct check *c, uint16_t algorithm, uint16_t fields, uint32_t type,
			 const struct of_halves *members)
{
	enum { IN_PORT_HEADER = 0x00000002, MOST = 2048 }; /* NXM_OF_IN_PORT, two bytes */
	const int r = check_hash(c, fields);

	if (r)
		return r;
	if (algorithm > NX_BD_ALG_HRW)
		return REFUSE(c, OFPBAC_BAD_ARGUMENT, "bundle by algorithm %u", algorithm);
	if (type != IN_PORT_HEADER)
		return REFUSE(c, OFPBAC_BAD_ARGUMENT, "a bundle of type %#x: of ports it is %#x",
			      type, IN_PORT_HEADER);
	if (members->n > MOST)
		return REFUSE(c, OFPBAC_BAD_ARGUMENT, "a bundle of %u: at most %d are", members->n,
			      MOST);
	for (uint32_t i = 0; i < members->n; i++) {
		const uint32_t port = of_nx_port(members->v[i]);

		if (port != OFPP_ANY && port != OFPP_LOCAL && (!port || port > PORT_LAST))
			return REFUSE(c, OFPBAC_BAD_OUT_PORT, "port %#x in a bundle", port);
	}
	return 0;
}

static int check_bundle_load(struct check *c, const struct of_nx_bundle_load *a)
{
	const int r = check_members(c, a->algorithm, a->fields, a->member_type, &a->members);

	if (r)
		return r;
	if (a->dst.n_bits < 16)
		return REFUSE(c, OFPBAC_BAD_ARGUMENT, "a port's number has 16 bits, not %u",
			      a->dst.n_bits);
	return check_write(c, a->dst.field, a->dst.ofs, a->dst.n_bits);
}

/* A meter there must be, as for the instruction; Open vSwitch numbers reasons up to 1.4's last. */
static int check_controller2(struct check *c, const struct of_any *a) CONTROL
{
	enum { OFPR_PACKET_OUT = 5 };
	struct of_to_controller k;

	of_controller_of(a, &k);
	if (k.reason > OFPR_PACKET_OUT)
		return REFUSE(c, OFPBAC_BAD_ARGUMENT, "reason %u", k.reason);
	if (k.max_len > OFPCML_MAX && k.max_len != OFPCML_NO_BUFFER)
		return REFUSE(c, OFPBAC_BAD_ARGUMENT, "max_len %#x", k.max_len);
	return k.meter_id == NX_CTLR_NO_METER ? 0 : meter_check_inst(c->dp, k.meter_id, c->e);
}

int act_check_nx(struct check *c, const struct of_any *a)
{
	switch (a->kind) {
	case OF_KIND_nx_resubmit:
	case OF_KIND_nx_exit:
	case OF_KIND_nx_sample: /* their arguments are the codec's to check */
	case OF_KIND_nx_sample2:
	case OF_KIND_nx_sample3:
		return 0;
	case OF_KIND_nx_resubmit_table:
		return check_resubmit(c, AS(nx_resubmit_table)->table);
	case OF_KIND_nx_resubmit_table_ct:
		return check_resubmit_ct(c, AS(nx_resubmit_table_ct)->table);
	case OF_KIND_nx_clone:
		return check_clone(c, AS(nx_clone));
	case OF_KIND_nx_reg_load2:
		return check_masked(c, &AS(nx_reg_load2)->field);
	case OF_KIND_nx_stack_push:
		return check_read(c, AS(nx_stack_push)->field, AS(nx_stack_push)->ofs,
				  AS(nx_stack_push)->n_bits);
	case OF_KIND_nx_stack_pop:
		return check_write(c, AS(nx_stack_pop)->field, AS(nx_stack_pop)->ofs,
				   AS(nx_stack_pop)->n_bits);
	case OF_KIND_nx_output_reg:
		return check_read(c, AS(nx_output_reg)->src.field, AS(nx_output_reg)->src.ofs,
				  AS(nx_output_reg)->src.n_bits);
	case OF_KIND_nx_output_reg2:
		return check_read(c, AS(nx_output_reg2)->src.field, AS(nx_output_reg2)->src.ofs,
				  AS(nx_output_reg2)->src.n_bits);
	case OF_KIND_nx_output_trunc:
		return check_output_trunc(c, AS(nx_output_trunc));
	case OF_KIND_nx_dec_ttl:
	case OF_KIND_nx_dec_ttl_cnt_ids:
		return act_check_ip_ttl(c);
	case OF_KIND_nx_check_pkt_larger:
		return check_write(c, AS(nx_check_pkt_larger)->dst, AS(nx_check_pkt_larger)->ofs,
				   1);
	case OF_KIND_fit:
		return check_write(c, AS(fit)->dst.field, AS(fit)->dst.ofs, AS(fit)->dst.n_bits);
	case OF_KIND_nx_multipath:
		return check_multipath(c, AS(nx_multipath));
	case OF_KIND_nx_bundle:
		return check_members(c, AS(nx_bundle)->algorithm, AS(nx_bundle)->fields,
				     AS(nx_bundle)->member_type, &AS(nx_bundle)->members);
	case OF_KIND_nx_bundle_load:
		return check_bundle_load(c, AS(nx_bundle_load));
	case OF_KIND_nx_controller2:
		return check_controller2(c, a);
	case OF_KIND_answer_dhcp:
	case OF_KIND_answer_dhcpv6:
	case OF_KIND_answer_ra:
	case OF_KIND_answer_nd:
	case OF_KIND_answer_icmp_error:
	case OF_KIND_answer_echo:
		return act_check_answer(c, a);
	default:
		return act_check_ct(c, a);
	}
}

int act_check_set_nx(struct check *c, const struct of_any *a)
{
	switch (a->kind) {
	case OF_KIND_nx_learn:
	case OF_KIND_nx_learn2:
	case OF_KIND_nx_fin_timeout:
	case OF_KIND_nx_exit:
	case OF_KIND_nx_ct_clear:
	case OF_KIND_nx_clone:
	case OF_KIND_nx_stack_push:
	case OF_KIND_nx_stack_pop:
	case OF_KIND_nx_output_reg:
	case OF_KIND_nx_output_reg2:
	case OF_KIND_nx_output_trunc:
	case OF_KIND_nx_check_pkt_larger:
	case OF_KIND_fit:
	case OF_KIND_nx_multipath:
	case OF_KIND_nx_bundle:
	case OF_KIND_nx_bundle_load:
	case OF_KIND_nx_controller2:
	case OF_KIND_nx_sample:
	case OF_KIND_nx_sample2:
	case OF_KIND_nx_sample3:
	case OF_KIND_nx_note:
	case OF_KIND_answer_dhcp:
	case OF_KIND_answer_dhcpv6:
	case OF_KIND_answer_ra:
	case OF_KIND_answer_nd:
	case OF_KIND_answer_icmp_error:
	case OF_KIND_answer_echo:
		return REFUSE(c, OFPBAC_BAD_TYPE, "%s in an action set", of_kind_name(a->kind));
	default:
		return 0;
	}
}

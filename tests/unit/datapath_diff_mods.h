/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random messages of the differential test, sent to both switches: flows in the manner of their
 * table, groups, meters, and bundles of them.
 *
 * Included by one test, after datapath_diff.h.
 */
#ifndef WEFT_TESTS_DATAPATH_DIFF_MODS_H
#define WEFT_TESTS_DATAPATH_DIFF_MODS_H

#include "datapath/conj.h"
#include "tests/unit/datapath_diff_ct.h"
#include "tests/unit/datapath_diff_groups.h"
#include "tests/unit/datapath_diff_learn.h"

/* ---- Random tables ---- */

enum {
	STYLE_FEW,
	STYLE_ONE_MASK,
	STYLE_PREFIXES,
	STYLE_MANY,
	STYLE_CONJ,
	STYLE_PREFIXES6,
	N_STYLES,
};

/* What may have lost its prerequisites, as their values are drawn anew; no message could say so. */
static void mend_match(struct of_match *m)
{
	static const uint8_t none[16];

	if (!of_match_pre_met(m, &of_fields[OF_FIELD_VLAN_PCP])) {
		m->mask.vlan_tci &= htobe16(0x1fff);
		m->value.vlan_tci &= htobe16(0x1fff);
	}
	FIELD_EACH (f) {
		if (f->pre < OF_PRE_CT || of_match_pre_met(m, f))
			continue;
		of_field_set(f, &m->value, none);
		of_field_set(f, &m->mask, none);
	}
}

/* An IPv6 route; the lengths differ in where addresses do. */
static void rnd_route6(struct of_flow_mod *fm)
{
	static const uint8_t lengths[] = { 0, 1, 16, 17, 56, 60, 63, 64, 65, 112, 126, 127, 128 };
	const unsigned int len = one_in(4) ? below(129) : PICK(lengths);
	uint8_t value[16], mask[16];

	rnd_ip6(value);
	for (unsigned int i = 0; i < 16; i++) {
		mask[i] = i < len / 8 ? 0xff : i == len / 8 ? (uint8_t) ~(0xff >> len % 8) : 0;
		value[i] &= mask[i];
	}
	fm->priority = (uint16_t)(len + 1);
	of_match_set_u64(&fm->match, OF_FIELD_ETH_TYPE, 0x86dd);
	if (len)
		of_match_set(&fm->match, &of_fields[OF_FIELD_IPV6_DST], value, mask);
}

/* What may stand beside routes: a whole address and whatever else, another ethertype, or, as an odd
 * rule, a source, wherever packets go. */
static void rnd_beside_routes(struct of_flow_mod *fm, unsigned int serial)
{
	struct of_match *m = &fm->match;

	fm->priority = (uint16_t)(200 + (serial * 7919) % 65003);
	if (one_in(5)) {
		of_match_set_u64(m, OF_FIELD_ETH_TYPE, one_in(2) ? 0x0806 : 0x86dd);
		return;
	}
	of_match_set_u64(m, OF_FIELD_ETH_TYPE, 0x0800);
	if (one_in(3)) {
		of_match_set_u64(m, OF_FIELD_IPV4_SRC,
				 one_in(2) ? PICK(rnd_ip4) : 0x0b000000 | below(256));
		return;
	}
	of_match_set_u64(m, OF_FIELD_IPV4_DST, PICK(rnd_ip4));
	if (one_in(2))
		of_match_set_u64(m, OF_FIELD_IPV4_SRC, PICK(rnd_ip4));
	if (one_in(2))
		of_match_set_u64(m, OF_FIELD_IP_PROTO, one_in(2) ? 6 : 17);
}

/* By port and tag alone, or by port. */
static void rnd_match_tag(struct of_match *m)
{
	if (rnd_tags == RND_TAGGED_PORTS || one_in(3))
		of_match_set_u64(m, OF_FIELD_IN_PORT, 1 + below(PORTS));
	switch (rnd_tags == RND_TAGGED_PORTS ? 3 : below(6)) {
	case 0: /* no tag, or one */
		of_match_set_u64(m, OF_FIELD_VLAN_VID, 0);
		break;
	case 1:
		of_match_set_masked_u64(m, OF_FIELD_VLAN_VID, 0x1000, 0x1000);
		break;
	case 2:
		of_match_set_masked_u64(m, OF_FIELD_VLAN_VID, 0x1000 | below(8), 0x1007);
		break;
	case 3:
		break;
	default:
		of_match_set_u64(m, OF_FIELD_VLAN_VID, 0x1000 | PICK(rnd_vids));
		if (one_in(3))
			of_match_set_u64(m, OF_FIELD_VLAN_PCP, below(8));
		break;
	}
}

/* A match in the manner of the table, and a priority that leaves no doubt about who wins. */
static void rnd_match(struct of_flow_mod *fm, unsigned int serial)
{
	const unsigned int style = t.style[fm->table_id];
	struct of_match *m = &fm->match;
	uint8_t len;

	fm->priority = (uint16_t)(1 + (serial * 7919) % 65521);
	if (one_in(rnd_easy && !rules.deep ? 5 : 12)) {
		fm->priority = 0;
		return;
	}
	switch (style) {
	case STYLE_ONE_MASK:
		fm->priority = 100;
		FIELD_EACH (f) {
			struct of_oxm o;
			uint8_t v[16];

			of_match_get(&t.shape[fm->table_id], f, &o);
			if (f->is_alias || !of_match_has(&t.shape[fm->table_id], f))
				continue;
			/* Those that others need stay as they are. */
			if (f->id == OF_FIELD_ETH_TYPE || f->id == OF_FIELD_IP_PROTO ||
			    f->id == OF_FIELD_ICMPV6_TYPE)
				memcpy(v, o.value, sizeof(v));
			else
				rnd_value(f, v);
			for (unsigned int i = 0; i < f->bytes; i++)
				v[i] &= o.mask[i];
			of_match_set(m, f, v, o.masked ? o.mask : NULL);
		}
		break;
	case STYLE_PREFIXES6:
		if (!one_in(3)) {
			rnd_route6(fm);
			break;
		}
		__attribute__((fallthrough));
	case STYLE_PREFIXES:
		if (one_in(6)) {
			rnd_beside_routes(fm, serial);
			break;
		}
		len = (uint8_t)below(33);
		fm->priority = (uint16_t)(len + 1);
		of_match_set_u64(m, OF_FIELD_ETH_TYPE, 0x0800);
		if (len) {
			const uint64_t mask = (UINT64_C(0xffffffff) << (32 - len)) & 0xffffffff;

			of_match_set_masked_u64(m, OF_FIELD_IPV4_DST, PICK(rnd_ip4) & mask, mask);
		}
		break;
	default:
		if (rnd_tags) {
			rnd_match_tag(m);
			break;
		}
		if (rules.tracked && !one_in(4))
			rnd_match_tracked(m);
		else if (rnd_easy && one_in(2))
			of_match_set_u64(m, OF_FIELD_ETH_TYPE, 0x0800);
		else if (one_in(rnd_easy ? 8 : 2))
			rnd_match_layers(m);
		for (unsigned int i = below(rnd_easy ? 3 : 4); i > 0; i--) {
			const struct of_field *f = rnd_field(m);

			if (field_supported(f->id) && f->id != OF_FIELD_ETH_TYPE &&
			    f->id != OF_FIELD_IP_PROTO && f->id != OF_FIELD_ICMPV6_TYPE)
				rnd_match_field(m, f, true);
		}
		break;
	}
	mend_match(m);
}

/* ---- Conjunctive flows ---- */

enum { IDS = 4 };

/* One value of a clause: of few fields and values, so that packets meet several. */
static void rnd_clause(struct of_match *m)
{
	switch (below(6)) {
	case 0:
		of_match_set_u64(m, OF_FIELD_IN_PORT, 1 + below(PORTS));
		break;
	case 1:
		of_match_set_u64(m, OF_FIELD_ETH_TYPE, one_in(4) ? 0x86dd : 0x0800);
		break;
	case 2:
		of_match_set_masked_u64(m, OF_FIELD_IN_PORT, below(2), 1);
		break;
	case 3:
		of_match_set_masked_u64(m, OF_FIELD_METADATA, below(2), 1);
		break;
	default: {
		const uint64_t mask = UINT64_C(0xffffffff) << below(33) & 0xffffffff;
		const enum of_field_id f = one_in(2) ? OF_FIELD_IPV4_SRC : OF_FIELD_IPV4_DST;

		of_match_set_u64(m, OF_FIELD_ETH_TYPE, 0x0800);
		if (mask)
			of_match_set_masked_u64(m, f, PICK(rnd_ip4) & mask, mask);
	}
	}
}

static void rnd_conjunctions(struct of_flow_mod *fm)
{
	struct of_inst_apply_actions *a = OF_NEW(&rules.arena, inst_apply_actions);

	for (unsigned int i = 1 + below(4); i > 0; i--) {
		struct of_nx_conjunction *c = OF_NEW(&rules.arena, nx_conjunction);

		if (a->actions.n && one_in(6)) {
			of_list_add(&a->actions, &rules.arena,
				    (struct of_any *)OF_NEW(&rules.arena, nx_note));
			continue;
		}
		c->id = below(IDS);
		c->n_clauses = (uint8_t)(c->id == 3 ? 3 : one_in(10) ? 3 : 2);
		c->clause = (uint8_t)below(c->n_clauses);
		of_list_add(&a->actions, &rules.arena, (struct of_any *)c);
	}
	of_list_add(&fm->insts, &rules.arena, (struct of_any *)a);
}

/* Clauses share priorities, among each other and now and then with another flow, which wins. */
static void rnd_conjunctive(struct of_flow_mod *fm, unsigned int serial, bool insts)
{
	static const uint16_t levels[] = { 1 + 7919 * 2, 1 + 7919 * 4, 1 + 7919 * 6 };

	if (one_in(5)) {
		of_match_set_u64(&fm->match, OF_FIELD_CONJ_ID, below(IDS));
		fm->priority = (uint16_t)(1 + (serial * 7919) % 65521);
		if (one_in(3))
			rnd_clause(&fm->match);
		if (insts)
			rnd_insts(fm);
		return;
	}
	rnd_clause(&fm->match);
	fm->priority = PICK(levels);
	if (insts)
		rnd_conjunctions(fm);
}

/* An action of learn.h in front of the others. */
static void rnd_learning(struct of_flow_mod *fm)
{
	for (uint32_t i = 0; i < fm->insts.n; i++) {
		struct of_inst_apply_actions *a = (void *)fm->insts.v[i];
		struct of_list was;

		if (a->kind != OF_KIND_inst_apply_actions || conj_is_in(&a->actions))
			continue;
		was = a->actions;
		a->actions = (struct of_list){ 0 };
		of_list_add(&a->actions, &rules.arena, one_in(4) ? rnd_fin() : rnd_learn());
		for (uint32_t k = 0; k < was.n; k++)
			of_list_add(&a->actions, &rules.arena, was.v[k]);
	}
}

static void rnd_flow(struct of_flow_mod *fm, unsigned int serial, bool insts)
{
	if (t.style[fm->table_id] == STYLE_CONJ && !one_in(8)) {
		rnd_conjunctive(fm, serial, insts);
	} else {
		const uint8_t style = t.style[fm->table_id];

		rnd_match(fm, serial);
		if (insts && rules.nx && (style == STYLE_FEW || style == STYLE_MANY) &&
		    fm->priority && one_in(5))
			rnd_answer_flow(fm);
		else if (insts)
			rnd_insts(fm);
	}
	if (insts && rules.learned && one_in(3))
		rnd_learning(fm);
}

/* ---- Messages, to both ---- */

static void tell_ref(const struct of_any *m)
{
	int rc = -1;

	ref_clock(t.ref, t.seconds, t.cycles, rte_get_tsc_hz());
	if (m->kind == OF_KIND_flow_mod)
		rc = ref_flow_mod(t.ref, (const struct of_flow_mod *)m);
	else if (m->kind == OF_KIND_group_mod)
		rc = tell_ref_group((const struct of_group_mod *)m);
	else if (m->kind == OF_KIND_meter_mod)
		rc = ref_meter_mod(t.ref, (const struct of_meter_mod *)m);
	assert_int_equal(rc, 0);
}

static void accepted(const struct of_any *m)
{
	t.accepted++;
	if (!t.bundle) {
		tell_ref(m);
		return;
	}
	assert_true(t.n_pending < PENDING_MAX);
	t.pending[t.n_pending++] = m;
}

static void refused(void)
{
	t.refused++;
	t.spoilt = t.bundle;
}

static void begin_bundle(void)
{
	table_begin(t.dp);
	t.bundle = true;
	t.spoilt = false;
	t.n_pending = 0;
	t.bundles++;
}

/* All of it or nothing. */
static void end_bundle(void)
{
	t.bundle = false;
	if (t.spoilt || one_in(3)) {
		table_rollback(t.dp);
		return;
	}
	table_commit(t.dp);
	for (unsigned int i = 0; i < t.n_pending; i++)
		tell_ref(t.pending[i]);
}

static void send_flow_mod(const struct of_flow_mod *fm)
{
	struct of_err e = { 0 };
	const int rc = table_flow_mod(t.dp, fm, &e);

	if (rc == 0) {
		accepted((const struct of_any *)fm);
		return;
	}
	refused();
	/* Only what the generator does not care to avoid. */
	assert_true(e.type == OFPET_BAD_ACTION || e.type == OFPET_BAD_MATCH ||
		    (e.type == OFPET_METER_MOD_FAILED && e.code == OFPMMFC_UNKNOWN_METER));
}

static struct of_flow_mod *new_flow_mod(uint8_t command, uint8_t table)
{
	struct of_flow_mod *fm = OF_NEW(&rules.arena, flow_mod);

	assert_non_null(fm);
	fm->command = command;
	fm->table_id = table;
	fm->buffer_id = OFP_NO_BUFFER;
	fm->out_port = OFPP_ANY;
	fm->out_group = OFPG_ANY;
	return fm;
}

static void add_flow(unsigned int serial)
{
	struct of_flow_mod *fm = new_flow_mod(OFPFC_ADD, (uint8_t)below(rules.n_tables));

	static const uint16_t timeouts[] = { 0, 0, 0, 10, 20, 40 };

	fm->cookie = rnd() & 7;
	fm->flags = (uint16_t)((one_in(2) ? OFPFF_SEND_FLOW_REM : 0) |
			       (one_in(4) ? OFPFF_RESET_COUNTS : 0));
	if (rules.mortal) {
		fm->idle_timeout = PICK(timeouts);
		fm->hard_timeout = PICK(timeouts);
	}
	rnd_flow(fm, serial, true);
	send_flow_mod(fm);
}

/* Who has nothing else in table 'i' of a deep pipeline goes on, too. */
static void add_way(unsigned int i)
{
	struct of_flow_mod *fm = new_flow_mod(OFPFC_ADD, (uint8_t)i);
	struct of_inst_apply_actions *a;

	if (i + 1 < rules.n_tables) {
		rnd_goto(fm, rules.n_tables - 1 - i);
	} else {
		a = OF_NEW(&rules.arena, inst_apply_actions);
		of_list_add(&a->actions, &rules.arena, rnd_output());
		of_list_add(&fm->insts, &rules.arena, (struct of_any *)a);
	}
	send_flow_mod(fm);
}

static void change_flows(void)
{
	static const uint8_t commands[] = { OFPFC_MODIFY, OFPFC_MODIFY_STRICT, OFPFC_DELETE,
					    OFPFC_DELETE_STRICT };
	struct of_flow_mod *fm = new_flow_mod(PICK(commands), (uint8_t)below(rules.n_tables));
	bool modifies;

	/* A clause that became another flow would share its priority. */
	if (t.style[fm->table_id] == STYLE_CONJ && fm->command == OFPFC_MODIFY)
		fm->command = OFPFC_MODIFY_STRICT;
	modifies = fm->command == OFPFC_MODIFY || fm->command == OFPFC_MODIFY_STRICT;
	rnd_flow(fm, below(200), modifies);
	if (!modifies && one_in(3))
		fm->out_port = 1 + below(PORTS);
	if (one_in(4))
		fm->flags = OFPFF_RESET_COUNTS;
	if (one_in(3)) {
		fm->cookie_mask = 3;
		fm->cookie = below(4);
	}
	send_flow_mod(fm);
}

static void send_group(uint16_t command, uint32_t id)
{
	static const uint8_t types[] = { OFPGT_ALL,    OFPGT_ALL,    OFPGT_INDIRECT,
					 OFPGT_SELECT, OFPGT_SELECT, OFPGT_FF };
	struct of_group_mod *gm = OF_NEW(&rules.arena, group_mod);
	struct of_err e = { 0 };
	unsigned int n;

	gm->command = command;
	gm->group_id = id;
	gm->type = PICK(types);
	n = gm->type == OFPGT_INDIRECT ? 1 : below(5);
	for (unsigned int i = 0; command != OFPGC_DELETE && i < n; i++)
		of_list_add(&gm->buckets, &rules.arena, (struct of_any *)rnd_bucket(gm->type, id));
	if (give_group(gm, &e) == 0) {
		accepted((const struct of_any *)gm);
		return;
	}
	refused();
	/* A bucket's set-field may be of a field that nobody can set. */
	assert_true(e.type == OFPET_BAD_ACTION);
	assert_int_not_equal(command, OFPGC_DELETE);
	if (command == OFPGC_ADD) {
		gm->buckets.n = 0;
		gm->type = OFPGT_ALL;
		assert_int_equal(group_mod(t.dp, gm, &e), 0);
		accepted((const struct of_any *)gm);
	}
}

static void send_meter(uint16_t command, uint32_t id)
{
	static const uint16_t flags[] = { OFPMF_KBPS, OFPMF_PKTPS, OFPMF_KBPS | OFPMF_BURST,
					  OFPMF_PKTPS | OFPMF_BURST, OFPMF_STATS };
	struct of_meter_mod *mm = OF_NEW(&rules.arena, meter_mod);
	struct of_err e = { 0 };

	mm->command = command;
	mm->meter_id = id;
	mm->flags = PICK(flags);
	for (unsigned int i = below(4); command != OFPMC_DELETE && i > 0; i--)
		of_list_add(&mm->bands, &rules.arena, rnd_band());
	if (meter_mod(t.dp, mm, &e) == 0) {
		accepted((const struct of_any *)mm);
		return;
	}
	refused();
	assert_int_equal(e.type, OFPET_METER_MOD_FAILED);
	assert_int_equal(e.code,
			 command == OFPMC_ADD ? OFPMMFC_METER_EXISTS : OFPMMFC_UNKNOWN_METER);
}

static void change_meters(void)
{
	static const uint16_t commands[] = { OFPMC_ADD, OFPMC_ADD, OFPMC_MODIFY, OFPMC_MODIFY,
					     OFPMC_DELETE };
	const uint16_t command = PICK(commands);

	send_meter(command, command == OFPMC_DELETE && one_in(20) ? OFPM_ALL : 1 + below(METERS));
}

/* A change, of any kind; 'serial': no priority twice, as either flow would be right then. */
static void change(unsigned int serial)
{
	t.changed++;
	if (rules.metered && one_in(4))
		change_meters();
	else if (one_in(2))
		add_flow(serial);
	else if (one_in(2))
		change_flows();
	else
		send_group(one_in(2) ? OFPGC_MODIFY : OFPGC_ADD_OR_MOD, 1 + below(GROUPS));
}

#endif

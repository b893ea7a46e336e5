/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random ct() of all kinds for the differential test, but helpers: in two zones and in those that a
 * register says, with few addresses and ports to translate to.
 *
 * Included by datapath_rules.h.
 */
#ifndef WEFT_TESTS_DATAPATH_RULES_CT_H
#define WEFT_TESTS_DATAPATH_RULES_CT_H

static bool rnd_may_track(const struct of_match *m)
{
	const uint16_t type = m ? be16toh(m->value.eth_type) : 0;

	return m && m->mask.eth_type == 0xffff && (type == 0x0800 || type == 0x86dd);
}

static void rnd_nat_addrs(struct of_nat_range *g, bool v6, uint8_t first, uint8_t last)
{
	static const uint8_t net4[4] = { 10 }, net6[16] = { 0xfd };
	const unsigned int n = v6 ? 16 : 4;

	g->present |= v6 ? OF_NAT_IPV6_MIN : OF_NAT_IPV4_MIN;
	memcpy(g->addr_min, v6 ? net6 : net4, n);
	memcpy(g->addr_max, v6 ? net6 : net4, n);
	g->addr_min[n - 1] = first;
	g->addr_max[n - 1] = last;
	if (last > first)
		g->present |= v6 ? OF_NAT_IPV6_MAX : OF_NAT_IPV4_MAX;
}

static void rnd_nat_ports(struct of_nat_range *g, uint16_t first, uint16_t last)
{
	g->present |= OF_NAT_PROTO_MIN;
	g->proto_min = first;
	g->proto_max = last;
	if (last > first)
		g->present |= OF_NAT_PROTO_MAX;
}

static struct of_any *rnd_nat(const struct of_match *m, bool commit)
{
	static const uint16_t hows[] = { 0, 0, NX_NAT_F_PROTO_HASH, NX_NAT_F_PROTO_RANDOM,
					 NX_NAT_F_PERSISTENT };
	struct of_nx_nat *n = OF_NEW(&rules.arena, nx_nat);
	const bool v6 = m->value.eth_type == htobe16(0x86dd);

	if (!commit || one_in(5))
		return (struct of_any *)n;
	n->flags = PICK(hows);
	if (one_in(3)) {
		n->flags |= NX_NAT_F_DST;
		rnd_nat_addrs(&n->range, v6, 200, (uint8_t)(200 + below(2)));
		if (one_in(2))
			rnd_nat_ports(&n->range, 8080, 8081);
		return (struct of_any *)n;
	}
	n->flags |= NX_NAT_F_SRC;
	switch (below(4)) {
	case 0: /* soon in use */
		rnd_nat_addrs(&n->range, v6, 100, 100);
		rnd_nat_ports(&n->range, 5000, 5001);
		break;
	case 1:
		rnd_nat_addrs(&n->range, v6, 100, 101);
		rnd_nat_ports(&n->range, 5000, 5001);
		break;
	case 2:
		rnd_nat_ports(&n->range, 5000, 5003);
		break;
	default:
		rnd_nat_addrs(&n->range, v6, 102, 102);
	}
	return (struct of_any *)n;
}

static struct of_any *rnd_exec(void)
{
	struct of_action_set_field *s = OF_NEW(&rules.arena, action_set_field);
	struct of_nx_reg_load2 *masked = OF_NEW(&rules.arena, nx_reg_load2);
	struct of_nx_reg_load *l = OF_NEW(&rules.arena, nx_reg_load);
	struct of_nx_reg_move *m = OF_NEW(&rules.arena, nx_reg_move);

	switch (below(4)) {
	case 0:
		s->field.field = &of_fields[OF_FIELD_CT_MARK];
		put_be32(s->field.value, below(3));
		return (struct of_any *)s;
	case 1:
		masked->field.field = &of_fields[OF_FIELD_CT_MARK];
		masked->field.masked = true;
		put_be32(masked->field.mask, 3);
		put_be32(masked->field.value, below(4));
		return (struct of_any *)masked;
	case 2:
		l->dst.field = &of_fields[OF_FIELD_CT_LABEL];
		l->dst.ofs = (uint16_t)below(100);
		l->dst.n_bits = 4;
		l->value = below(16);
		return (struct of_any *)l;
	default:
		m->src = &of_fields[OF_FIELD_REG0 + below(4)];
		m->dst = &of_fields[one_in(2) ? OF_FIELD_CT_MARK : OF_FIELD_CT_LABEL];
		m->n_bits = 8;
		m->src_ofs = (uint16_t)below(25);
		m->dst_ofs = (uint16_t)below(25);
		return (struct of_any *)m;
	}
}

static struct of_any *rnd_ct(const struct of_match *m)
{
	struct of_nx_ct *a = OF_NEW(&rules.arena, nx_ct);
	const unsigned int left = rules.n_tables - 1 - rules.table;

	if (one_in(12))
		return (struct of_any *)OF_NEW(&rules.arena, nx_ct_clear);
	a->zone.value = (uint16_t)below(2);
	if (one_in(8))
		a->zone.src = (struct of_subfield){ &of_fields[OF_FIELD_REG0 + below(2)], 0, 16 };
	a->recirc_table = 255;
	if (!one_in(4))
		a->recirc_table = (uint8_t)(left && !one_in(4) ? rules.table + 1 + below(left)
							       : below(rules.n_tables));
	if (!one_in(3)) {
		a->flags |= NX_CT_F_COMMIT;
		if (rules.forced && one_in(3))
			a->flags |= NX_CT_F_FORCE;
		for (unsigned int i = below(3); i > 0; i--)
			of_list_add(&a->actions, &rules.arena, rnd_exec());
	}
	if (!rules.forced && (rules.natted || one_in(3)))
		of_list_add(&a->actions, &rules.arena, rnd_nat(m, a->flags & NX_CT_F_COMMIT));
	return (struct of_any *)a;
}

/* IP, as ct() demands, and more often than not of what it has found. */
static void rnd_match_tracked(struct of_match *m)
{
	static const uint8_t bits[] = { OF_CT_NEW, OF_CT_EST,  OF_CT_RPL, OF_CT_INV,
					OF_CT_TRK, OF_CT_SNAT, OF_CT_DNAT };
	const uint8_t bit = PICK(bits);

	of_match_set_u64(m, OF_FIELD_ETH_TYPE, one_in(3) ? 0x86dd : 0x0800);
	switch (below(6)) {
	case 0:
	case 1:
		of_match_set_masked_u64(m, OF_FIELD_CT_STATE, one_in(2) ? bit : 0, bit);
		break;
	case 2:
		of_match_set_masked_u64(m, OF_FIELD_CT_STATE, OF_CT_TRK | bit, OF_CT_TRK | bit);
		break;
	case 3:
		of_match_set_masked_u64(m, OF_FIELD_CT_MARK, below(4), 3);
		break;
	case 4:
		of_match_set_u64(m, OF_FIELD_CT_ZONE, below(2));
		break;
	}
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* answer() in a flow: what it matches must be what the kind is for, as for set-field (7.2.3.8). */
#include "datapath/act_priv.h"
#include "ofproto/answer.h"

static bool known(const struct check *c, enum of_pre pre)
{
	const struct of_field probe = { .pre = pre };

	return of_match_pre_met(&c->match, &probe);
}

static bool fits(const struct check *c, const struct of_any *a)
{
	switch (a->kind) {
	case OF_KIND_answer_dhcp:
		return known(c, OF_PRE_IPV4) && known(c, OF_PRE_UDP);
	case OF_KIND_answer_dhcpv6:
		return known(c, OF_PRE_IPV6) && known(c, OF_PRE_UDP);
	case OF_KIND_answer_ra:
		return known(c, OF_PRE_ICMPV6);
	case OF_KIND_answer_nd:
		return known(c, OF_PRE_ND_SOL);
	case OF_KIND_answer_icmp_error: {
		const struct of_answer_icmp_error *e = (const void *)a;

		return known(c, of_ip_is_v4(e->source) ? OF_PRE_IPV4 : OF_PRE_IPV6);
	}
	default:
		return known(c, OF_PRE_ICMPV4) || known(c, OF_PRE_ICMPV6);
	}
}

/* Of the answer no more is known than how its frame begins, and its protocol. */
static void know_answer(struct check *c, const struct of_any *a)
{
	const struct of_match was = c->match;
	struct of_match *m = &c->match;

	memset(m, 0, sizeof(*m));
#define KEEP(member)                                \
	do {                                        \
		m->value.member = was.value.member; \
		m->mask.member = was.mask.member;   \
	} while (0)
	KEEP(in_port);
	KEEP(vlan_tci);
	KEEP(eth_type);
	KEEP(ip_proto);
#undef KEEP
	if (a->kind != OF_KIND_answer_icmp_error)
		return;
	m->value.ip_proto = was.value.eth_type == htobe16(ETH_TYPE_IPV4) ? 1 : 58;
	m->mask.ip_proto = UINT8_MAX;
}

int act_check_answer(struct check *c, const struct of_any *a)
{
	if (!c->has_match)
		return 0;
	if (!fits(c, a))
		return REFUSE(c, OFPBAC_MATCH_INCONSISTENT,
			      "the flow does not match what %s is the answer to",
			      of_kind_name(a->kind));
	know_answer(c, a);
	return 0;
}

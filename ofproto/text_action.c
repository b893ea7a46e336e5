/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/text_action.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ofproto/codec.h"
#include "ofproto/text_inst.h"

/* ---- What is known of the packet ---- */

void text_actions_init(struct text_actions *c, const struct of_match *m, const struct of_names *n,
		       struct arena *a, struct of_list *out, struct err *e)
{
	*c = (struct text_actions){ .names = n, .arena = a, .out = out, .e = e };
	if (!m)
		return;
	c->packet = *m;
	c->checked = true;
	c->n_tags = be16toh(m->value.vlan_tci) & FLOW_TCI_PRESENT ? 1 : 0;
}

void text_tag_is_there(struct text_actions *c, bool there)
{
	uint16_t bit = there ? FLOW_TCI_PRESENT : 0;

	of_match_set_masked_u64(&c->packet, OF_FIELD_VLAN_VID, bit, FLOW_TCI_PRESENT);
}

bool text_has_tag(const struct text_actions *c)
{
	return c->checked && be16toh(c->packet.value.vlan_tci) & FLOW_TCI_PRESENT;
}

bool text_later_fragment(const struct text_actions *c)
{
	return c->packet.value.ip_frag & c->packet.mask.ip_frag & FLOW_FRAG_LATER;
}

int text_need(struct text_actions *c, const char *action, enum of_pre pre)
{
	static const char *const words[] = {
		[OF_PRE_ANY] = "",
		[OF_PRE_IN_PORT] = "in_port",
		[OF_PRE_VLAN] = "a VLAN tag (dl_vlan=, or push_vlan before)",
		[OF_PRE_IP] = "IP (ip or ipv6)",
		[OF_PRE_IPV4] = "IPv4 (ip)",
		[OF_PRE_IPV6] = "IPv6 (ipv6)",
		[OF_PRE_ARP] = "ARP (arp or rarp)",
		[OF_PRE_TCP] = "TCP (tcp or tcp6)",
		[OF_PRE_UDP] = "UDP (udp or udp6)",
		[OF_PRE_SCTP] = "SCTP (sctp or sctp6)",
		[OF_PRE_ICMPV4] = "ICMP (icmp)",
		[OF_PRE_ICMPV6] = "ICMPv6 (icmp6)",
		[OF_PRE_ND] = "neighbour discovery (icmp6,icmp_type=135 or 136)",
		[OF_PRE_ND_SOL] = "neighbour solicitation (icmp6,icmp_type=135)",
		[OF_PRE_ND_ADV] = "neighbour advertisement (icmp6,icmp_type=136)",
		[OF_PRE_MPLS] = "MPLS (mpls or mplsm)",
		[OF_PRE_PBB] = "PBB (dl_type=0x88e7)",
		[OF_PRE_CT] = "packets with a connection (ct_state=+est, +new, +rel, +rpl or "
			      "+trk-inv)",
		[OF_PRE_CT4] = "IPv4 with a connection (ip,ct_state=+est or the like)",
		[OF_PRE_CT6] = "IPv6 with a connection (ipv6,ct_state=+est or the like)",
	};
	struct of_field probe = { .pre = pre };

	/* in_port is matched or not, but every packet has one. */
	if (!c->checked || pre == OF_PRE_IN_PORT ||
	    (of_match_pre_met(&c->packet, &probe) && of_match_connection_fits(&c->packet, &probe)))
		return 0;
	return err_set(c->e, -EINVAL,
		       "%s: the match must be of %s (OFPBAC_MATCH_INCONSISTENT otherwise)", action,
		       words[pre]);
}

int text_need_field(struct text_actions *c, const char *action, const struct of_field *f)
{
	char what[80];

	snprintf(what, sizeof(what), "%s %s", action, f->name);
	if (c->checked && f->layer == OF_LAYER_L4 && text_later_fragment(c))
		return err_set(c->e, -EINVAL, "%s: a later fragment has no such field", what);
	if (f->id == OF_FIELD_VLAN_VID)
		return text_need(c, what, OF_PRE_VLAN);
	return text_need(c, what, f->pre);
}

struct of_any *text_action_add(struct text_actions *c, enum of_kind kind)
{
	struct of_any *a = of_new(c->arena, kind);

	return text_action_put(c, a) ? NULL : a;
}

int text_action_put(struct text_actions *c, struct of_any *a)
{
	if (a && !of_list_add(c->out, c->arena, a))
		return 0;
	return err_set(c->e, -ENOMEM, "out of memory for actions");
}

/* ---- Setting fields ---- */

static int add_masked(struct text_actions *c, const struct of_oxm *o)
{
	unsigned int end = text_width(o->field);

	/* OpenFlow 1.3 has no masked set_field: each run of ones is a load. */
	for (unsigned int i = 0; i < end;) {
		struct of_subfield run = { .field = o->field, .ofs = (uint16_t)i };
		struct of_nx_reg_load *l;

		if (!text_bit(o->mask, o->field->bytes, i)) {
			i++;
			continue;
		}
		while (i < end && run.n_bits < 64 && text_bit(o->mask, o->field->bytes, i)) {
			run.n_bits++;
			i++;
		}
		l = TEXT_ADD(c, nx_reg_load);
		if (!l)
			return -ENOMEM;
		l->dst = run;
		l->value = text_bits(o->value, o->field->bytes, run.ofs, run.n_bits);
	}
	return 0;
}

int text_add_set_field(struct text_actions *c, const struct of_oxm *o)
{
	struct of_action_set_field *s;

	if (o->field->id == OF_FIELD_VLAN_TCI)
		text_tag_is_there(c, get_be16(o->value) & FLOW_TCI_PRESENT);
	if (o->masked)
		return add_masked(c, o);
	s = TEXT_ADD(c, action_set_field);
	if (!s)
		return -ENOMEM;
	s->field = *o;
	return 0;
}

int text_add_load(struct text_actions *c, const struct of_subfield *dst, const uint8_t *value,
		  unsigned int bytes)
{
	if (dst->field->id == OF_FIELD_VLAN_TCI && dst->ofs <= 12 && dst->ofs + dst->n_bits > 12)
		text_tag_is_there(c, text_bit(value, bytes, 12u - dst->ofs));
	for (unsigned int done = 0; done < dst->n_bits; done += 64) {
		struct of_nx_reg_load *l = TEXT_ADD(c, nx_reg_load);
		unsigned int n = dst->n_bits - done;

		if (!l)
			return -ENOMEM;
		l->dst = *dst;
		l->dst.ofs = (uint16_t)(dst->ofs + done);
		l->dst.n_bits = (uint16_t)(n < 64 ? n : 64);
		l->value = text_bits(value, bytes, done, l->dst.n_bits);
	}
	return 0;
}

static const struct text_action *row_at(unsigned int i)
{
	const struct {
		const struct text_action *rows;
		unsigned int n;
	} tables[] = {
		{ text_std_actions, text_n_std_actions },
		{ text_nx_actions, text_n_nx_actions },
		{ text_ext_actions, text_n_ext_actions },
		{ text_ct_actions, text_n_ct_actions },
		{ text_learn_actions, text_n_learn_actions },
		{ text_spread_actions, text_n_spread_actions },
		{ text_answer_actions, text_n_answer_actions },
	};

	for (unsigned int t = 0; t < sizeof(tables) / sizeof(tables[0]); t++) {
		if (i < tables[t].n)
			return &tables[t].rows[i];
		i -= tables[t].n;
	}
	return NULL;
}

static const struct text_action *row_named(const char *name)
{
	const struct text_action *row;

	for (unsigned int i = 0; (row = row_at(i)); i++)
		if (row->parse && !strcasecmp(row->name, name))
			return row;
	return NULL;
}

/* ---- Lists ---- */

static int parse_one(struct text_actions *c, const char *name, char *arg)
{
	int r = c->inst ? c->inst(c, name, arg) : -ENOENT;
	const struct text_action *row;
	uint32_t port;

	if (r != -ENOENT)
		return r;
	row = row_named(name);
	if (row)
		return row->parse(c, row, arg);
	if (text_is_inst(name))
		return err_set(c->e, -EINVAL, "instruction %s cannot stand here, only actions can",
			       name);
	if (!of_parse_port(name, c->names, &port, NULL))
		return text_add_output(c, port, 0);
	return err_set(c->e, -EINVAL, "unknown action \"%s\"", name);
}

/* What the codec would refuse is refused here, by its words. */
static int check_legal(struct text_actions *c, uint32_t from)
{
	struct of_err refusal = { 0 };
	struct of_rd r = { .e = &refusal };
	int rc = 0;

	for (uint32_t i = from; i < c->out->n && !rc; i++)
		rc = of_check(&r, c->out->v[i], NULL);
	if (!rc && !c->in_ct)
		rc = of_check_actions(&r, c->out, NULL);
	if (!rc)
		return 0;
	return err_set(c->e, -EINVAL, "%s (%s)", refusal.text,
		       of_error_code_name(refusal.type, refusal.code));
}

static int parse_list(struct text_actions *c, char *s)
{
	bool drop = false, other = false;
	char *name, *arg;

	c->rest = &s;
	while (text_next(&s, &name, &arg)) {
		int r = 0;

		if (!strcasecmp(name, "drop"))
			drop = true;
		else
			other = true;
		if (drop && other)
			return err_set(c->e, -EINVAL,
				       "\"drop\" must stand alone, without other actions or "
				       "instructions");
		if (!drop)
			r = parse_one(c, name, arg);
		if (r)
			return r;
	}
	return 0;
}

int text_actions_parse(struct text_actions *c, char *s)
{
	uint32_t from = c->out->n;
	int r = parse_list(c, s);

	c->rest = NULL;
	return r ? r : check_legal(c, from);
}

int of_parse_actions(const char *s, const struct of_names *n, struct arena *a,
		     struct of_list *actions, struct err *e)
{
	struct text_actions c;
	struct of_list out = { 0 };
	char *copy = arena_strdup(a, s);
	int r;

	if (!copy)
		return err_set(e, -ENOMEM, "out of memory");
	text_actions_init(&c, NULL, n, a, &out, e);
	r = text_actions_parse(&c, copy);
	if (!r)
		*actions = out;
	return r;
}

void of_format_actions(FILE *f, const struct of_list *actions, const struct of_names *n)
{
	if (!actions->n)
		fputs("drop", f);
	for (uint32_t i = 0; i < actions->n; i++) {
		const struct of_any *a = actions->v[i];
		const struct text_action *row;

		if (i)
			fputc(',', f);
		for (unsigned int k = 0; (row = row_at(k)); k++)
			if (row->kind == a->kind && row->put)
				break;
		if (row)
			row->put(f, a, n);
		else
			fprintf(f, "%s", of_kind_name(a->kind));
	}
}

void text_put_set_field(FILE *f, const struct of_oxm *o, const struct of_names *n)
{
	fputs("set_field:", f);
	if (!o->field) {
		fputs("?", f);
		return;
	}
	text_put_value(f, o->field, o->value, n);
	if (o->masked) {
		fputc('/', f);
		text_put_value(f, o->field, o->mask, NULL);
	}
	fprintf(f, "->%s", o->field->name);
}

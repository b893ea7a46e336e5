/* SPDX-License-Identifier: Apache-2.0 */
/* The actions of OpenFlow 1.3, and ovs-ofctl's older names for setting fields. */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "ofproto/text_action.h"

static bool outside_bits(const struct of_oxm *o)
{
	for (unsigned int i = o->field->bits; i < o->field->bytes * 8u; i++)
		if (text_bit(o->value, o->field->bytes, i))
			return true;
	return false;
}

static int set_one(struct text_actions *c, enum of_field_id id, uint64_t value)
{
	struct of_oxm o = { .field = &of_fields[id] };

	put_be(o.value, o.field->bytes, value);
	memset(o.mask, 0xff, o.field->bytes);
	return text_add_set_field(c, &o);
}

/* "VALUE[/MASK]->FIELD" */
static int parse_set_field(struct text_actions *c, const struct text_action *row, char *arg)
{
	char *arrow = strstr(arg, "->");
	const struct of_field *f;
	struct of_oxm o;
	int r;

	if (!arrow || !arrow[2])
		return err_set(c->e, -EINVAL, "set_field:%s: expected VALUE[/MASK]->FIELD", arg);
	*arrow = '\0';
	arrow += 2;
	f = of_field_by_name(arrow, strlen(arrow));
	if (!f || isupper((unsigned char)*arrow))
		return err_set(c->e, -EINVAL, "set_field: \"%s\" is no field's name", arrow);
	/* As ovs-ofctl has it; OpenFlow itself can set two more. */
	if (!f->writable)
		return err_set(c->e, -EINVAL, "set_field: %s is read-only", f->name);
	if (!c->in_ct && !strncmp(f->name, "ct_", 3))
		return err_set(c->e, -EINVAL, "set_field: %s can be set within ct(exec()) only",
			       f->name);
	r = text_parse_value(f, arg, c->names, &o, c->e);
	if (r)
		return err_wrap(c->e, r, "set_field");
	/* nw_tos has the two bits of ECN in its octet, but does not set them. */
	if (outside_bits(&o) || (f->id == OF_FIELD_IP_TOS && o.value[0] & 3))
		return err_set(c->e, -EINVAL, "set_field:%s: not a valid value for field %s", arg,
			       f->name);
	if (f->id == OF_FIELD_VLAN_VID && !o.masked && !(o.value[0] & 0x10))
		return err_set(c->e, -EINVAL,
			       "set_field:%s->vlan_vid: OFPVID_PRESENT (0x1000) must be set, as in "
			       "%u",
			       arg, get_be16(o.value) | 0x1000);
	r = text_need_field(c, "set_field", f);
	return r ? r : text_add_set_field(c, &o);
}

/* mod_*: the field is the row's argument. */
static int parse_mod_addr(struct text_actions *c, const struct text_action *row, char *arg)
{
	const struct of_field *f = &of_fields[row->arg];
	struct of_oxm o;
	int r = text_parse_value(f, arg, NULL, &o, c->e);

	if (!r && o.masked)
		r = err_set(c->e, -EINVAL, "%s cannot be masked", arg);
	if (r)
		return err_wrap(c->e, r, "%s", row->name);
	r = text_need_field(c, row->name, f);
	return r ? r : text_add_set_field(c, &o);
}

static int parse_mod_tos(struct text_actions *c, const struct text_action *row, char *arg)
{
	uint64_t v;
	bool ecn = row->arg == OF_FIELD_IP_ECN;
	int r = text_number(arg, ecn ? 3 : 255, row->name, &v, c->e);

	if (!r && !ecn && v & 3)
		r = err_set(c->e, -EINVAL, "%s:%s: the two low bits are ECN's and must be zero",
			    row->name, arg);
	if (r)
		return r;
	r = text_need(c, row->name, OF_PRE_IP);
	return r ? r : set_one(c, row->arg, ecn ? v : v >> 2);
}

static int parse_mod_port(struct text_actions *c, const struct text_action *row, char *arg)
{
	static const enum of_field_id fields[][2] = { { OF_FIELD_TCP_SRC, OF_FIELD_TCP_DST },
						      { OF_FIELD_UDP_SRC, OF_FIELD_UDP_DST },
						      { OF_FIELD_SCTP_SRC, OF_FIELD_SCTP_DST } };
	uint16_t v;
	int r = text_u16(arg, row->name, &v, c->e);

	if (r)
		return r;
	for (unsigned int i = 0; c->checked && i < 3; i++) {
		const struct of_field *f = &of_fields[fields[i][row->arg]];

		if (of_match_pre_met(&c->packet, f) && !text_later_fragment(c))
			return set_one(c, f->id, v);
	}
	return err_set(c->e, -EINVAL,
		       "%s: it must be known that packets are TCP, UDP or SCTP; set_field with "
		       "tcp_, udp_ or sctp_ fields says which",
		       row->name);
}

/* ---- VLAN ---- */

static int add_push_vlan(struct text_actions *c, uint16_t ethertype)
{
	struct of_action_push_vlan *p;

	if (c->checked && c->n_tags >= 2)
		return err_set(c->e, -EINVAL,
			       "push_vlan: a frame has at most two tags "
			       "(OFPBAC_BAD_TAG)");
	p = TEXT_ADD(c, action_push_vlan);
	if (!p)
		return -ENOMEM;
	p->ethertype = ethertype;
	c->n_tags++;
	text_tag_is_there(c, true);
	return 0;
}

/* mod_vlan_* (push where there is no tag) and set_vlan_* (a tag must be there). */
enum { VID = 0, PCP = 1, PUSH = 2 };

static int parse_vlan(struct text_actions *c, const struct text_action *row, char *arg)
{
	bool pcp = row->arg & PCP;
	uint64_t v;
	int r = text_number(arg, pcp ? 7 : 4095, row->name, &v, c->e);

	if (r)
		return r;
	if (!text_has_tag(c)) {
		if (row->arg & PUSH)
			r = add_push_vlan(c, 0x8100);
		else
			r = text_need(c, row->name, OF_PRE_VLAN);
		if (r)
			return r;
	}
	return pcp ? set_one(c, OF_FIELD_VLAN_PCP, v)
		   : set_one(c, OF_FIELD_VLAN_VID, v | FLOW_TCI_PRESENT);
}

static int parse_push_vlan(struct text_actions *c, const struct text_action *row, char *arg)
{
	uint16_t type;
	int r = text_u16(arg, "push_vlan", &type, c->e);

	if (r)
		return r;
	if (type != 0x8100 && type != 0x88a8)
		return err_set(c->e, -EINVAL, "push_vlan:%s: expected 0x8100 or 0x88a8", arg);
	return add_push_vlan(c, type);
}

static int parse_pop_vlan(struct text_actions *c, const struct text_action *row, char *arg)
{
	int r = text_need(c, row->name, OF_PRE_VLAN);

	if (r)
		return r;
	/* What was under a tag that was pushed here is known; under the packet's own it is not. */
	c->n_tags -= c->n_tags ? 1 : 0;
	text_tag_is_there(c, c->n_tags > 0);
	return text_action_add(c, row->kind) ? 0 : -ENOMEM;
}

/* ---- MPLS, PBB ---- */

static void now_is(struct text_actions *c, uint16_t eth_type)
{
	of_match_set_u64(&c->packet, OF_FIELD_ETH_TYPE, eth_type);
}

static int parse_push_mpls(struct text_actions *c, const struct text_action *row, char *arg)
{
	struct of_action_push_mpls *p;
	uint16_t type;
	int r = text_u16(arg, row->name, &type, c->e);

	if (r)
		return r;
	if (type != 0x8847 && type != 0x8848)
		return err_set(c->e, -EINVAL, "push_mpls:%s: expected 0x8847 or 0x8848", arg);
	p = TEXT_ADD(c, action_push_mpls);
	if (!p)
		return -ENOMEM;
	p->ethertype = type;
	now_is(c, type);
	return 0;
}

static int parse_pop_mpls(struct text_actions *c, const struct text_action *row, char *arg)
{
	struct of_action_pop_mpls *p;
	uint16_t type;
	int r = text_u16(arg, row->name, &type, c->e);

	if (!r)
		r = text_need(c, row->name, OF_PRE_MPLS);
	if (r)
		return r;
	p = TEXT_ADD(c, action_pop_mpls);
	if (!p)
		return -ENOMEM;
	p->ethertype = type;
	now_is(c, type);
	return 0;
}

static int parse_push_pbb(struct text_actions *c, const struct text_action *row, char *arg)
{
	struct of_action_push_pbb *p;
	uint16_t type;
	int r = text_u16(arg, row->name, &type, c->e);

	if (r)
		return r;
	if (type != 0x88e7)
		return err_set(c->e, -EINVAL, "push_pbb:%s: expected 0x88e7", arg);
	p = TEXT_ADD(c, action_push_pbb);
	if (!p)
		return -ENOMEM;
	p->ethertype = type;
	now_is(c, type);
	return 0;
}

/* set_mpls_label, set_mpls_tc: a set_field in 1.3. */
static int parse_set_mpls(struct text_actions *c, const struct text_action *row, char *arg)
{
	const struct of_field *f = &of_fields[row->arg];
	uint64_t v;
	int r = text_number(arg, (1u << f->bits) - 1, row->name, &v, c->e);

	if (!r)
		r = text_need(c, row->name, OF_PRE_MPLS);
	return r ? r : set_one(c, f->id, v);
}

/* ---- One number, or none ---- */

static int parse_ttl(struct text_actions *c, const struct text_action *row, char *arg)
{
	bool mpls = row->kind == OF_KIND_action_set_mpls_ttl;
	uint8_t ttl;
	int r = text_u8(arg, row->name, &ttl, c->e);
	struct of_any *a;

	if (!r)
		r = text_need(c, row->name, mpls ? OF_PRE_MPLS : OF_PRE_IP);
	if (r)
		return r;
	a = text_action_add(c, row->kind);
	if (!a)
		return -ENOMEM;
	if (mpls)
		((struct of_action_set_mpls_ttl *)a)->mpls_ttl = ttl;
	else
		((struct of_action_set_nw_ttl *)a)->nw_ttl = ttl;
	return 0;
}

/* Actions without an argument; the row's is the prerequisite. */
static int parse_bare(struct text_actions *c, const struct text_action *row, char *arg)
{
	int r;

	r = text_need(c, row->name, row->arg);
	if (!r && row->kind == OF_KIND_action_dec_nw_ttl && *arg)
		return text_parse_dec_ttl_ids(c, arg);
	return r ? r : text_action_add(c, row->kind) ? 0 : -ENOMEM;
}

static int parse_group_action(struct text_actions *c, const struct text_action *row, char *arg)
{
	uint32_t v;
	int r = text_u32(arg, row->name, &v, c->e);
	struct of_action_group *g;

	if (r)
		return r;
	g = TEXT_ADD(c, action_group);
	if (!g)
		return -ENOMEM;
	g->group_id = v;
	return 0;
}

static int parse_set_queue(struct text_actions *c, const struct text_action *row, char *arg)
{
	uint32_t v;
	int r = text_u32(arg, row->name, &v, c->e);
	struct of_action_set_queue *q;

	if (r)
		return r;
	q = TEXT_ADD(c, action_set_queue);
	if (!q)
		return -ENOMEM;
	q->queue_id = v;
	return 0;
}

/* ---- Output ---- */

int text_add_output(struct text_actions *c, uint32_t port, uint16_t max_len)
{
	struct of_action_output *o;

	if (port == OFPP_ANY || port == OFPP_UNSET)
		return err_set(c->e, -EINVAL, "output to ANY is no output (OFPBAC_BAD_OUT_PORT)");
	o = TEXT_ADD(c, action_output);
	if (!o)
		return -ENOMEM;
	o->port = port;
	o->max_len = max_len;
	return 0;
}

static int parse_output(struct text_actions *c, const struct text_action *row, char *arg)
{
	struct err why = { "" };
	struct of_subfield src;
	struct of_nx_output_reg *o;
	uint32_t port;

	if (strstr(arg, "max_len="))
		return text_parse_output_trunc(c, arg);
	if (!of_parse_port(arg, c->names, &port, &why))
		return text_add_output(c, port, port == OFPP_CONTROLLER ? OFPCML_NO_BUFFER : 0);
	if (text_parse_subfield(arg, &src, strchr(arg, '[') ? &why : NULL))
		return err_set(c->e, -EINVAL, "output: %s", why.text);
	if (c->in_set)
		return err_set(c->e, -EINVAL, "output:%s cannot stand in write_actions", arg);
	if (text_need_field(c, "output", src.field))
		return -EINVAL;
	o = TEXT_ADD(c, nx_output_reg);
	if (!o)
		return -ENOMEM;
	o->src = src;
	o->max_len = UINT16_MAX;
	return 0;
}

/* The name is the port: NORMAL, ALL ...; what follows is not looked at. */
static int parse_reserved(struct text_actions *c, const struct text_action *row, char *arg)
{
	return text_add_output(c, row->arg, 0);
}

/* "enqueue:PORT:QUEUE" is set_queue, output, and back to the default queue. */
static int parse_enqueue(struct text_actions *c, const struct text_action *row, char *arg)
{
	char *port_word = strtok(arg, ":q,"), *queue_word = strtok(NULL, "");
	struct of_action_set_queue *q;
	uint32_t port, queue;
	int r;

	if (!port_word || !queue_word)
		return err_set(c->e, -EINVAL, "enqueue: expected enqueue:PORT:QUEUE");
	if (c->in_set)
		return err_set(c->e, -EINVAL,
			       "enqueue cannot stand in write_actions; set_queue can");
	r = of_parse_port(port_word, c->names, &port, c->e);
	if (!r)
		r = text_u32(queue_word, "enqueue's queue", &queue, c->e);
	if (r)
		return r;
	if (port > 0xfeff && port != OFPP_LOCAL && port != OFPP_IN_PORT)
		return err_set(c->e, -EINVAL, "enqueue:%s: a reserved port has no queues",
			       port_word);
	q = TEXT_ADD(c, action_set_queue);
	if (!q)
		return -ENOMEM;
	q->queue_id = queue;
	r = text_add_output(c, port, UINT16_MAX);
	return r ? r : TEXT_ADD(c, nx_pop_queue) ? 0 : -ENOMEM;
}

/* ---- Printing ---- */

static void put_output(FILE *f, const struct of_any *a, const struct of_names *n)
{
	const struct of_action_output *o = (const void *)a;

	if (o->port == OFPP_CONTROLLER) {
		fprintf(f, "CONTROLLER:%u", o->max_len);
		return;
	}
	if (o->port < OFPP_MAX)
		fputs("output:", f);
	of_format_port(f, o->port, n);
}

static void put_set_field(FILE *f, const struct of_any *a, const struct of_names *n)
{
	text_put_set_field(f, &((const struct of_action_set_field *)a)->field, n);
}

#define PUT_NUMBER(name, format, member)                                                  \
	static void put_##name(FILE *f, const struct of_any *a, const struct of_names *n) \
	{                                                                                 \
		fprintf(f, format, ((const struct of_action_##name *)a)->member);         \
	}
PUT_NUMBER(set_mpls_ttl, "set_mpls_ttl(%u)", mpls_ttl)
PUT_NUMBER(set_nw_ttl, "mod_nw_ttl:%u", nw_ttl)
PUT_NUMBER(push_vlan, "push_vlan:0x%04x", ethertype)
PUT_NUMBER(push_mpls, "push_mpls:0x%04x", ethertype)
PUT_NUMBER(pop_mpls, "pop_mpls:0x%04x", ethertype)
PUT_NUMBER(push_pbb, "push_pbb:0x%04x", ethertype)
PUT_NUMBER(set_queue, "set_queue:%u", queue_id)
PUT_NUMBER(group, "group:%u", group_id)

TEXT_PUT_WORD(pop_vlan, "pop_vlan")
TEXT_PUT_WORD(dec_mpls_ttl, "dec_mpls_ttl")
TEXT_PUT_WORD(dec_nw_ttl, "dec_ttl")
TEXT_PUT_WORD(copy_ttl_out, "copy_ttl_out")
TEXT_PUT_WORD(copy_ttl_in, "copy_ttl_in")
TEXT_PUT_WORD(pop_pbb, "pop_pbb")

static void put_experimenter(FILE *f, const struct of_any *a, const struct of_names *n)
{
	const struct of_action_experimenter *x = (const void *)a;

	fprintf(f, "experimenter(0x%08x", x->experimenter);
	for (uint32_t i = 0; i < x->data.n; i++)
		fprintf(f, "%c%02x", i ? '.' : ',', x->data.p[i]);
	fputc(')', f);
}

#define RESERVED(name)                                                          \
	{                                                                       \
#name, OF_KIND_action_output, parse_reserved, NULL, OFPP_##name \
	}

const struct text_action text_std_actions[] = {
	{ "output", OF_KIND_action_output, parse_output, put_output, 0 },
	RESERVED(IN_PORT),
	RESERVED(TABLE),
	RESERVED(NORMAL),
	RESERVED(FLOOD),
	RESERVED(ALL),
	RESERVED(LOCAL),
	{ "enqueue", OF_KIND_action_set_queue, parse_enqueue, NULL, 0 },
	{ "group", OF_KIND_action_group, parse_group_action, put_group, 0 },
	{ "set_queue", OF_KIND_action_set_queue, parse_set_queue, put_set_queue, 0 },
	{ "set_field", OF_KIND_action_set_field, parse_set_field, put_set_field, 0 },
	{ "push_vlan", OF_KIND_action_push_vlan, parse_push_vlan, put_push_vlan, 0 },
	{ "pop_vlan", OF_KIND_action_pop_vlan, parse_pop_vlan, put_pop_vlan, 0 },
	{ "strip_vlan", OF_KIND_action_pop_vlan, parse_pop_vlan, NULL, 0 },
	{ "mod_vlan_vid", OF_KIND_NONE, parse_vlan, NULL, VID | PUSH },
	{ "mod_vlan_pcp", OF_KIND_NONE, parse_vlan, NULL, PCP | PUSH },
	{ "set_vlan_vid", OF_KIND_NONE, parse_vlan, NULL, VID },
	{ "set_vlan_pcp", OF_KIND_NONE, parse_vlan, NULL, PCP },
	{ "mod_dl_src", OF_KIND_NONE, parse_mod_addr, NULL, OF_FIELD_ETH_SRC },
	{ "mod_dl_dst", OF_KIND_NONE, parse_mod_addr, NULL, OF_FIELD_ETH_DST },
	{ "mod_nw_src", OF_KIND_NONE, parse_mod_addr, NULL, OF_FIELD_IPV4_SRC },
	{ "mod_nw_dst", OF_KIND_NONE, parse_mod_addr, NULL, OF_FIELD_IPV4_DST },
	{ "mod_nw_tos", OF_KIND_NONE, parse_mod_tos, NULL, OF_FIELD_IP_DSCP },
	{ "mod_nw_ecn", OF_KIND_NONE, parse_mod_tos, NULL, OF_FIELD_IP_ECN },
	{ "mod_tp_src", OF_KIND_NONE, parse_mod_port, NULL, 0 },
	{ "mod_tp_dst", OF_KIND_NONE, parse_mod_port, NULL, 1 },
	{ "mod_nw_ttl", OF_KIND_action_set_nw_ttl, parse_ttl, put_set_nw_ttl, 0 },
	{ "set_nw_ttl", OF_KIND_action_set_nw_ttl, parse_ttl, NULL, 0 },
	{ "dec_ttl", OF_KIND_action_dec_nw_ttl, parse_bare, put_dec_nw_ttl, OF_PRE_IP },
	{ "dec_nw_ttl", OF_KIND_action_dec_nw_ttl, parse_bare, NULL, OF_PRE_IP },
	{ "set_mpls_label", OF_KIND_NONE, parse_set_mpls, NULL, OF_FIELD_MPLS_LABEL },
	{ "set_mpls_tc", OF_KIND_NONE, parse_set_mpls, NULL, OF_FIELD_MPLS_TC },
	{ "set_mpls_ttl", OF_KIND_action_set_mpls_ttl, parse_ttl, put_set_mpls_ttl, 0 },
	{ "dec_mpls_ttl", OF_KIND_action_dec_mpls_ttl, parse_bare, put_dec_mpls_ttl, OF_PRE_MPLS },
	{ "push_mpls", OF_KIND_action_push_mpls, parse_push_mpls, put_push_mpls, 0 },
	{ "pop_mpls", OF_KIND_action_pop_mpls, parse_pop_mpls, put_pop_mpls, 0 },
	{ "push_pbb", OF_KIND_action_push_pbb, parse_push_pbb, put_push_pbb, 0 },
	{ "pop_pbb", OF_KIND_action_pop_pbb, parse_bare, put_pop_pbb, OF_PRE_PBB },
	{ "copy_ttl_out", OF_KIND_action_copy_ttl_out, parse_bare, put_copy_ttl_out, OF_PRE_ANY },
	{ "copy_ttl_in", OF_KIND_action_copy_ttl_in, parse_bare, put_copy_ttl_in, OF_PRE_ANY },
	/* No name is read: what it means is not known. */
	{ "", OF_KIND_action_experimenter, NULL, put_experimenter, 0 },
};
const unsigned int text_n_std_actions = sizeof(text_std_actions) / sizeof(text_std_actions[0]);

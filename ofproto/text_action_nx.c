/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/byteorder.h"
#include "ofproto/nx.h"
#include "ofproto/text_action.h"

enum { NX_IN_PORT = 0xfff8, ANY_TABLE = 0xff };

static const struct text_name reasons[] = { { "no_match", OFPR_NO_MATCH },
					    { "action", OFPR_ACTION },
					    { "invalid_ttl", OFPR_INVALID_TTL },
					    { "action_set", 3 }, /* later OpenFlow\'s */
					    { "group", 4 },
					    { "packet_out", 5 },
					    { NULL, 0 } };

/* ---- move, load ---- */

/* Cuts "A->B"; NULL where there is no arrow. */
static char *cut_arrow(char *arg)
{
	char *arrow = strstr(arg, "->");

	if (!arrow)
		return NULL;
	*arrow = '\0';
	return arrow + 2;
}

static int check_writable(struct text_actions *c, const char *action, const struct of_field *f)
{
	if (!f->writable)
		return err_set(c->e, -EINVAL, "%s: %s is read-only", action, f->name);
	return text_need_field(c, action, f);
}

static int parse_move(struct text_actions *c, const struct text_action *row, char *arg)
{
	char *to = cut_arrow(arg);
	struct of_subfield src, dst;
	struct of_nx_reg_move *m;
	int r;

	if (!to)
		return err_set(c->e, -EINVAL, "move:%s: expected SOURCE[A..B]->DESTINATION[C..D]",
			       arg);
	r = text_parse_subfield(arg, &src, c->e);
	if (!r)
		r = text_parse_subfield(to, &dst, c->e);
	if (r)
		return err_wrap(c->e, r, "move");
	if (src.n_bits != dst.n_bits)
		return err_set(c->e, -EINVAL,
			       "move:%s->%s: source has %u bits but destination has %u", arg, to,
			       src.n_bits, dst.n_bits);
	r = text_need_field(c, "move from", src.field);
	if (!r)
		r = check_writable(c, "move to", dst.field);
	if (r)
		return r;
	m = TEXT_ADD(c, nx_reg_move);
	if (!m)
		return -ENOMEM;
	m->n_bits = src.n_bits;
	m->src_ofs = src.ofs;
	m->dst_ofs = dst.ofs;
	m->src = src.field;
	m->dst = dst.field;
	return 0;
}

static int parse_load(struct text_actions *c, const struct text_action *row, char *arg)
{
	char *to = cut_arrow(arg);
	const char *v = arg;
	struct of_subfield dst;
	uint8_t value[16];
	int r;

	if (!to)
		return err_set(c->e, -EINVAL, "load:%s: expected VALUE->FIELD[A..B]", arg);
	r = text_parse_subfield(to, &dst, c->e);
	if (r)
		return err_wrap(c->e, r, "load");
	if (*arg == '-' || text_wide(&v, value, sizeof(value)) || *v)
		return err_set(c->e, -EINVAL, "load:%s->%s: \"%s\" is not a number", arg, to, arg);
	for (unsigned int i = dst.n_bits; i < 128; i++)
		if (text_bit(value, 16, i))
			return err_set(c->e, -EINVAL,
				       "load:%s->%s: value does not fit into %u bits", arg, to,
				       dst.n_bits);
	r = check_writable(c, "load to", dst.field);
	return r ? r : text_add_load(c, &dst, value, sizeof(value));
}

static void put_move(FILE *f, const struct of_any *a, const struct of_names *n)
{
	const struct of_nx_reg_move *m = (const void *)a;
	struct of_subfield src = { m->src, m->src_ofs, m->n_bits };
	struct of_subfield dst = { m->dst, m->dst_ofs, m->n_bits };

	fputs("move:", f);
	text_put_subfield(f, &src);
	fputs("->", f);
	text_put_subfield(f, &dst);
}

static void put_load(FILE *f, const struct of_any *a, const struct of_names *n)
{
	const struct of_nx_reg_load *l = (const void *)a;

	fprintf(f, "load:%#llx->", (unsigned long long)l->value);
	text_put_subfield(f, &l->dst);
}

static void put_load2(FILE *f, const struct of_any *a, const struct of_names *n)
{
	text_put_set_field(f, &((const struct of_nx_reg_load2 *)a)->field, n);
}

static void put_output_reg(FILE *f, const struct of_any *a, const struct of_names *n)
{
	fputs("output:", f);
	text_put_subfield(f, &((const struct of_nx_output_reg *)a)->src);
}

static void put_output_reg2(FILE *f, const struct of_any *a, const struct of_names *n)
{
	fputs("output:", f);
	text_put_subfield(f, &((const struct of_nx_output_reg2 *)a)->src);
}

/* ---- Tunnels ---- */

static int parse_tunnel(struct text_actions *c, const struct text_action *row, char *arg)
{
	struct of_oxm o = { .field = &of_fields[OF_FIELD_TUN_ID] };
	uint64_t id;
	int r = text_u64(arg, row->name, &id, c->e);

	if (r)
		return r;
	put_be64(o.value, id);
	memset(o.mask, 0xff, 8);
	return text_add_set_field(c, &o);
}

static void put_tunnel(FILE *f, const struct of_any *a, const struct of_names *n)
{
	if (a->kind == OF_KIND_nx_set_tunnel)
		fprintf(f, "set_tunnel:%#x", ((const struct of_nx_set_tunnel *)a)->tun_id);
	else
		fprintf(f, "set_tunnel64:%#llx",
			(unsigned long long)((const struct of_nx_set_tunnel64 *)a)->tun_id);
}

/* ---- resubmit ---- */

/* Without a table, the one that the flow stands in; written so since OpenFlow 1.1. */
static int add_resubmit(struct text_actions *c, uint16_t port, uint8_t table)
{
	struct of_nx_resubmit_table *t = TEXT_ADD(c, nx_resubmit_table);

	if (!t)
		return -ENOMEM;
	t->in_port = port;
	t->table = table;
	return 0;
}

/* With the fields of the original direction of the packet's connection in place of its own. */
static int add_resubmit_ct(struct text_actions *c, uint16_t port, uint8_t table)
{
	struct of_nx_resubmit_table_ct *t;
	int r = text_need(c, "resubmit with ct", OF_PRE_IP);

	if (!r)
		r = text_need(c, "resubmit with ct", OF_PRE_CT);
	if (r)
		return r;
	t = TEXT_ADD(c, nx_resubmit_table_ct);
	if (!t)
		return -ENOMEM;
	t->in_port = port;
	t->table = table;
	return 0;
}

/* "resubmit:PORT" or "resubmit([PORT],[TABLE][,ct])" */
static int parse_resubmit(struct text_actions *c, const struct text_action *row, char *arg)
{
	char *table_at = strchr(arg, ','), *ct_at;
	uint32_t port = OFPP_IN_PORT;
	uint8_t table = ANY_TABLE;
	int r = 0;

	if (table_at)
		*table_at++ = '\0';
	ct_at = table_at ? strchr(table_at, ',') : NULL;
	if (ct_at)
		*ct_at++ = '\0';
	if (ct_at && strcmp(ct_at, "ct"))
		return err_set(c->e, -EINVAL, "resubmit: expected resubmit([PORT],[TABLE][,ct])");
	if (*arg)
		r = of_parse_port(arg, c->names, &port, c->e);
	if (!r && table_at && *table_at)
		r = text_u8(table_at, "resubmit's table", &table, c->e);
	if (r)
		return err_wrap(c->e, r, "resubmit");
	if (port == OFPP_IN_PORT && table == ANY_TABLE)
		return err_set(c->e, -EINVAL, "resubmit needs a port or a table (or both)");
	return ct_at ? add_resubmit_ct(c, (uint16_t)port, table)
		     : add_resubmit(c, (uint16_t)port, table);
}

static void put_resubmit_to(FILE *f, uint16_t port, uint8_t table, const struct of_names *n)
{
	if (port != NX_IN_PORT && table == ANY_TABLE) {
		fputs("resubmit:", f);
		of_format_port(f, of_nx_port(port), n);
		return;
	}
	fputs("resubmit(", f);
	if (port != NX_IN_PORT)
		of_format_port(f, of_nx_port(port), n);
	fputc(',', f);
	if (table != ANY_TABLE)
		fprintf(f, "%u", table);
	fputc(')', f);
}

static void put_resubmit(FILE *f, const struct of_any *a, const struct of_names *n)
{
	const struct of_nx_resubmit_table *t = (const void *)a;

	if (a->kind == OF_KIND_nx_resubmit)
		put_resubmit_to(f, ((const struct of_nx_resubmit *)a)->in_port, ANY_TABLE, n);
	else
		put_resubmit_to(f, t->in_port, t->table, n);
}

/* ---- note ---- */

/* A note fills its action up to a multiple of eight bytes: 6, 14, 22 ... bytes. */
static int parse_note(struct text_actions *c, const struct text_action *row, char *arg)
{
	size_t room = strlen(arg) / 2 + 14;
	uint8_t *p = arena_get(c->arena, room);
	struct of_nx_note *note;
	int n;

	if (!p)
		return err_set(c->e, -ENOMEM, "out of memory");
	n = text_hex(arg, p, room);
	if (n < 0)
		return err_set(c->e, -EINVAL, "note:%s: expected bytes in hex, as in 01.02.ff",
			       arg);
	note = TEXT_ADD(c, nx_note);
	if (!note)
		return -ENOMEM;
	note->note = (struct of_span){ (uint32_t)(n <= 6 ? 6 : (n + 1) / 8 * 8 + 6), p };
	return 0;
}

static void put_note(FILE *f, const struct of_any *a, const struct of_names *n)
{
	const struct of_span *s = &((const struct of_nx_note *)a)->note;

	fputs("note:", f);
	for (uint32_t i = 0; i < s->n; i++)
		fprintf(f, "%s%02x", i ? "." : "", s->p[i]);
}

/* ---- controller ---- */

static int parse_userdata(struct text_actions *c, const char *value, struct of_span *out)
{
	size_t room = strlen(value) / 2 + 1;
	uint8_t *p = arena_get(c->arena, room);
	int n = p ? text_hex(value, p, room) : 0;

	if (!p)
		return err_set(c->e, -ENOMEM, "out of memory");
	if (n < 0)
		return err_set(c->e, -EINVAL, "userdata=%s: expected bytes in hex, as in 01.02.ff",
			       value);
	*out = (struct of_span){ (uint32_t)n, n ? p : NULL };
	return 0;
}

static int parse_controller_arg(struct text_actions *c, const char *key, const char *value,
				struct of_to_controller *k)
{
	uint32_t reason;

	if (!strcmp(key, "max_len"))
		return text_u16(value, key, &k->max_len, c->e);
	if (!strcmp(key, "id"))
		return text_u16(value, key, &k->controller_id, c->e);
	if (!strcmp(key, "userdata"))
		return parse_userdata(c, value, &k->userdata);
	if (!strcmp(key, "meter_id"))
		return text_u32(value, key, &k->meter_id, c->e);
	if (!strcmp(key, "pause")) {
		k->pause = true;
		return 0;
	}
	if (strcmp(key, "reason"))
		return err_set(c->e, -EINVAL,
			       "\"%s\": expected max_len, reason, id, userdata, pause, meter_id",
			       key);
	if (text_value_of(reasons, value, &reason))
		return err_set(c->e, -EINVAL,
			       "reason \"%s\": expected no_match, action or invalid_ttl", value);
	k->reason = (uint8_t)reason;
	return 0;
}

static int parse_controller(struct text_actions *c, const struct text_action *row, char *arg)
{
	struct of_to_controller k = { .max_len = UINT16_MAX, .reason = OFPR_ACTION };
	char *key, *value;
	int r = 0;

	if (*arg >= '0' && *arg <= '9')
		r = text_u16(arg, "controller's max_len", &k.max_len, c->e);
	else
		while (!r && text_next(&arg, &key, &value))
			r = parse_controller_arg(c, key, value, &k);
	if (r)
		return err_wrap(c->e, r, "controller");
	return text_action_put(c, of_controller_action(&k, c->arena));
}

static const char *comma(bool *any)
{
	const char *c = *any ? "," : "";

	*any = true;
	return c;
}

static void put_controller(FILE *f, const struct of_any *a, const struct of_names *n)
{
	struct of_to_controller x;
	const char *reason;
	bool any = false;

	of_controller_of(a, &x);
	reason = text_name_of(reasons, x.reason);
	if (x.reason == OFPR_ACTION && !x.controller_id && !x.userdata.n && !x.pause &&
	    x.meter_id == NX_CTLR_NO_METER) {
		fprintf(f, "CONTROLLER:%u", x.max_len);
		return;
	}
	fputs("controller(", f);
	if (x.reason != OFPR_ACTION && reason)
		fprintf(f, "%sreason=%s", comma(&any), reason);
	else if (x.reason != OFPR_ACTION)
		fprintf(f, "%sreason=%u", comma(&any), x.reason);
	if (x.max_len != UINT16_MAX)
		fprintf(f, "%smax_len=%u", comma(&any), x.max_len);
	if (x.controller_id)
		fprintf(f, "%sid=%u", comma(&any), x.controller_id);
	for (size_t i = 0; i < x.userdata.n; i++)
		fprintf(f, "%s%02x", i ? "." : any ? ",userdata=" : "userdata=", x.userdata.p[i]);
	any = any || x.userdata.n;
	if (x.pause)
		fprintf(f, "%spause", comma(&any));
	if (x.meter_id != NX_CTLR_NO_METER)
		fprintf(f, "%smeter_id=%u", comma(&any), x.meter_id);
	fputc(')', f);
}

/* Read back it is the standard action, which does the same. */
static void put_set_queue(FILE *f, const struct of_any *a, const struct of_names *n)
{
	fprintf(f, "set_queue:%u", ((const struct of_nx_set_queue *)a)->queue_id);
}

static void put_pop_queue(FILE *f, const struct of_any *a, const struct of_names *n)
{
	fputs("pop_queue", f);
}

static int parse_pop_queue(struct text_actions *c, const struct text_action *row, char *arg)
{
	if (c->in_set)
		return err_set(c->e, -EINVAL, "%s cannot stand in write_actions", row->name);
	return text_action_add(c, row->kind) ? 0 : -ENOMEM;
}

static int parse_note_outside(struct text_actions *c, const struct text_action *row, char *arg)
{
	if (c->in_set)
		return err_set(c->e, -EINVAL, "%s cannot stand in write_actions", row->name);
	return parse_note(c, row, arg);
}

const struct text_action text_nx_actions[] = {
	{ "controller", OF_KIND_nx_controller, parse_controller, put_controller, 0 },
	{ "", OF_KIND_nx_controller2, NULL, put_controller, 0 },
	{ "load", OF_KIND_nx_reg_load, parse_load, put_load, 0 },
	{ "move", OF_KIND_nx_reg_move, parse_move, put_move, 0 },
	{ "", OF_KIND_nx_reg_load2, NULL, put_load2, 0 },
	{ "", OF_KIND_nx_output_reg, NULL, put_output_reg, 0 },
	{ "", OF_KIND_nx_output_reg2, NULL, put_output_reg2, 0 },
	{ "resubmit", OF_KIND_nx_resubmit, parse_resubmit, put_resubmit, 0 },
	{ "", OF_KIND_nx_resubmit_table, NULL, put_resubmit, 0 },
	{ "set_tunnel", OF_KIND_nx_set_tunnel, parse_tunnel, put_tunnel, 0 },
	{ "set_tunnel64", OF_KIND_nx_set_tunnel64, parse_tunnel, put_tunnel, 0 },
	{ "note", OF_KIND_nx_note, parse_note_outside, put_note, 0 },
	{ "", OF_KIND_nx_set_queue, NULL, put_set_queue, 0 },
	{ "pop_queue", OF_KIND_nx_pop_queue, parse_pop_queue, put_pop_queue, 0 },
};
const unsigned int text_n_nx_actions = sizeof(text_nx_actions) / sizeof(text_nx_actions[0]);

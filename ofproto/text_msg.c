/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/text_msg.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "ofproto/text_events.h"
#include "ofproto/text_flow.h"
#include "ofproto/text_group.h"
#include "ofproto/text_packet.h"

enum { MULTIPART_SUB = 8, EXP_ID = 8, EXP_TYPE = 12 };

static void put_span(FILE *f, const struct of_span *s)
{
	text_put_hexdump(f, s->p, s->n);
}

static void put_nothing(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
}

/* ---- 7.5: hello, error, echo ---- */

static void put_hello(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	const struct of_hello *h = (const void *)body;
	const char *comma = "";
	uint32_t bits = 0x1e; /* without a bitmap: the header's version and all before */

	for (uint32_t i = 0; i < h->elements.n; i++) {
		const struct of_hello_elem_versionbitmap *e = (const void *)h->elements.v[i];

		if (e->kind == OF_KIND_hello_elem_versionbitmap && e->bitmaps.n)
			bits = e->bitmaps.v[0];
	}
	fputs("\n version bitmap: ", f);
	for (unsigned int v = 0; v < 32; v++) {
		if (!(bits >> v & 1))
			continue;
		fprintf(f, "%s0x%02x", comma, v);
		comma = ", ";
	}
}

/* All of it, since a peer's words need not be text. */
static void put_printable(FILE *f, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] >= 0x20 && p[i] < 0x7f)
			fputc(p[i], f);
		else
			fprintf(f, "\\%03o", p[i]);
	}
}

static void put_error(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	const struct of_error_msg *m = (const void *)body;
	const char *name = of_error_name(m->type, m->code);
	const uint8_t *p = m->data.p;
	size_t n = m->data.n;

	/* The experimenter's id stands before the message that was refused. */
	if (m->type == OFPET_EXPERIMENTER && n >= 4) {
		if (get_be32(p) != of_error_experimenter(m->code))
			name = NULL;
		p += 4;
		n -= 4;
	}
	if (name)
		fprintf(f, " %s\n", name);
	else
		fprintf(f, " type %u code %u\n", m->type, m->code);
	if (m->type == OFPET_HELLO_FAILED)
		put_printable(f, p, n);
	else
		of_format_raw(f, p, n, o);
}

static void put_echo(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	const struct of_echo_request *e = (const void *)body; /* the reply is alike */

	fprintf(f, " %u bytes of payload\n", e->data.n);
	if (!o || !o->no_payload)
		put_span(f, &e->data);
}

/* ---- 7.3.1, 7.3.2: the switch ---- */

static void put_features(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	static const struct text_name names[] = {
		{ "FLOW_STATS", OFPC_FLOW_STATS },     { "TABLE_STATS", OFPC_TABLE_STATS },
		{ "PORT_STATS", OFPC_PORT_STATS },     { "GROUP_STATS", OFPC_GROUP_STATS },
		{ "IP_REASM", OFPC_IP_REASM },	       { "QUEUE_STATS", OFPC_QUEUE_STATS },
		{ "PORT_BLOCKED", OFPC_PORT_BLOCKED }, { NULL, 0 }
	};
	const struct of_features_reply *r = (const void *)body;

	fprintf(f, " dpid:%016llx\nn_tables:%u, n_buffers:%u", (unsigned long long)r->datapath_id,
		r->n_tables, r->n_buffers);
	if (r->auxiliary_id)
		fprintf(f, ", auxiliary_id:%u", r->auxiliary_id);
	fputs("\ncapabilities: ", f);
	text_put_bits(f, names, r->capabilities & 0x16f, ' ', "0");
	fputc('\n', f);
}

const char *of_frags_name(uint16_t flags)
{
	static const char *const names[] = { "normal", "drop", "reassemble", "nx-match" };

	return names[flags & OFPC_FRAG_MASK];
}

static void put_config(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	const struct of_set_config *c = (const void *)body; /* the reply is alike */

	fprintf(f, " frags=%s miss_send_len=%u", of_frags_name(c->flags), c->miss_send_len);
}

static void put_table_mod(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	const struct of_table_mod *t = (const void *)body;

	if (t->table_id == OFPTT_ALL)
		fputs(" table_id: ALL_TABLES", f);
	else
		fprintf(f, " table_id=%u", t->table_id);
}

/* ---- 7.4: what the switch says of itself ---- */

static void put_flow_removed(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	const struct of_flow_removed *r = (const void *)body;

	fputc(' ', f);
	of_format_match_priority(f, &r->match, r->priority, o->names);
	if (r->reason < 6)
		fprintf(f, " reason=%s", text_removed_reasons[r->reason]);
	else
		fprintf(f, " reason=%u", r->reason);
	if (r->table_id != OFPTT_ALL)
		fprintf(f, " table_id=%u", r->table_id);
	if (r->cookie)
		fprintf(f, " cookie:0x%llx", (unsigned long long)r->cookie);
	fputs(" duration", f);
	text_put_duration(f, r->duration_sec, r->duration_nsec);
	fprintf(f, " idle%u", r->idle_timeout);
	if (r->hard_timeout)
		fprintf(f, " hard%u", r->hard_timeout);
	fprintf(f, " pkts%llu bytes%llu\n", (unsigned long long)r->packet_count,
		(unsigned long long)r->byte_count);
}

static void put_port_status(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	static const char *const reasons[] = { "ADD", "DEL", "MOD" };
	const struct of_port_status *s = (const void *)body;

	fprintf(f, " %s:", s->reason < 3 ? reasons[s->reason] : "?");
	text_put_port(f, &s->desc, o);
}

/* ---- 7.3.4: modifications ---- */

static void put_packet_out(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	const struct of_packet_out *p = (const void *)body;

	fputs(" in_port=", f);
	of_format_port(f, p->in_port, o->names);
	fputs(" actions=", f);
	of_format_actions(f, &p->actions, o->names);
	if (p->buffer_id != OFP_NO_BUFFER) {
		fprintf(f, " buffer=0x%08x\n", p->buffer_id);
		return;
	}
	fprintf(f, " data_len=%u\n", p->data.n);
	if (p->data.n)
		text_put_data(f, &p->data, o);
}

static void put_flow_mod(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	fputc(' ', f);
	text_put_flow_mod(f, (const void *)body, o->names);
}

static void put_command(FILE *f, uint16_t command)
{
	static const char *const names[] = { "ADD", "MOD", "DEL" };

	if (command < 3)
		fprintf(f, " %s ", names[command]);
	else
		fprintf(f, " cmd:%u ", command);
}

void text_put_group_mod(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	const struct of_group_mod *g = (const void *)body;

	fputc('\n', f);
	if (g->command == OFPGC_ADD_OR_MOD)
		fputs(" ADD_OR_MOD ", f);
	else
		put_command(f, g->command);
	text_put_group(f, g->group_id, g->type, &g->buckets, o->names);
}

void text_put_meter_mod(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	const struct of_meter_mod *m = (const void *)body;

	put_command(f, m->command);
	of_format_meter(f, m->meter_id, m->flags, &m->bands);
}

static void put_ext_group_mod(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	const struct of_weft_group_mod *g = (const void *)body;

	fputc('\n', f);
	if (g->command == OFPGC_INSERT_BUCKET)
		fputs(" INSERT_BUCKET ", f);
	else if (g->command == OFPGC_REMOVE_BUCKET)
		fputs(" REMOVE_BUCKET ", f);
	else
		put_command(f, g->command);
	text_put_ext_group(f, body, o);
}

static void put_port_mod(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	const struct of_port_mod *p = (const void *)body;

	fputs(" port: ", f);
	of_format_port(f, p->port_no, o->names);
	fputs(": addr:", f);
	text_put_mac(f, p->hw_addr);
	fputs("\n     config: ", f);
	text_put_port_config(f, p->config);
	fputs("\n     mask:   ", f);
	text_put_port_config(f, p->mask);
	fputs("\n     advertise: ", f);
	if (p->advertise)
		text_put_port_features(f, p->advertise);
	else
		fputs("UNCHANGED", f);
}

/* ---- 7.3.6: queues ---- */

static void put_queue_request(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	fputs(" port=", f);
	of_format_port(f, ((const struct of_queue_get_config_request *)body)->port, o->names);
}

static void put_rate(FILE *f, const char *name, uint16_t rate)
{
	if (rate == OFPQ_MIN_RATE_UNCFG)
		return;
	if (rate > 1000)
		fprintf(f, " %s:(disabled)", name);
	else
		fprintf(f, " %s:%u.%u%%", name, rate / 10, rate % 10);
}

/* ovs-ofctl has them by id, whatever ports they are of. */
static const struct of_packet_queue *next_queue(const struct of_list *l, uint32_t *id, uint32_t *at)
{
	uint32_t best = l->n;

	for (uint32_t i = 0; i < l->n; i++) {
		const uint32_t is = OF_AT(l, i, packet_queue)->queue_id;

		if (is < *id || (is == *id && i < *at))
			continue;
		if (best == l->n || is < OF_AT(l, best, packet_queue)->queue_id)
			best = i;
	}
	if (best == l->n)
		return NULL;
	*id = OF_AT(l, best, packet_queue)->queue_id;
	*at = best + 1;
	return OF_AT(l, best, packet_queue);
}

static void put_queue_reply(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	const struct of_queue_get_config_reply *r = (const void *)body;
	const struct of_packet_queue *q;
	uint32_t id = 0, at = 0;

	if (r->queues.n) {
		fputs(" port=", f);
		of_format_port(f, r->port, o->names);
	}
	while ((q = next_queue(&r->queues, &id, &at))) {
		fprintf(f, "\nqueue %u:", q->queue_id);
		for (uint32_t k = 0; k < q->properties.n; k++) {
			const struct of_queue_prop_min_rate *p = (const void *)q->properties.v[k];

			if (p->kind == OF_KIND_queue_prop_min_rate)
				put_rate(f, "min_rate", p->rate);
			else if (p->kind == OF_KIND_queue_prop_max_rate)
				put_rate(f, "max_rate",
					 ((const struct of_queue_prop_max_rate *)p)->rate);
		}
	}
}

/* ---- Experimenters ---- */

static const struct text_name bundle_flags[] = { { "atomic", OFPBF_ATOMIC },
						 { "ordered", OFPBF_ORDERED },
						 { NULL, 0 } };

static void put_bundle_ctrl(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	static const char *const types[] = { "OPEN_REQUEST",	"OPEN_REPLY",	  "CLOSE_REQUEST",
					     "CLOSE_REPLY",	"COMMIT_REQUEST", "COMMIT_REPLY",
					     "DISCARD_REQUEST", "DISCARD_REPLY" };
	const struct of_bundle_ctrl *b = (const void *)body;

	fprintf(f, "\n bundle_id=%#x type=%s flags=", b->bundle_id,
		b->type < 8 ? types[b->type] : "");
	text_put_bits(f, bundle_flags, b->flags, ' ', "0");
}

static void put_bundle_add(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	const struct of_bundle_add *b = (const void *)body;

	fprintf(f, "\n bundle_id=%#x flags=", b->bundle_id);
	text_put_bits(f, bundle_flags, b->flags, ' ', "0");
	fputc('\n', f);
	if (b->message)
		of_format_msg(f, b->message, o);
}

static void put_ct_flush(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	fprintf(f, " zone_id=%u\n", ((const struct of_nx_ct_flush_zone *)body)->zone_id);
}

static void put_packet_in_format(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	uint32_t format = ((const struct of_nx_set_packet_in_format *)body)->format;
	const char *name = of_packet_in_format_name(format);

	if (name)
		fprintf(f, " format=%s", name);
	else
		fprintf(f, " format=%u", format);
}

static void put_weft(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	const struct of_weft_request *w = (const void *)body; /* the reply is alike */

	fprintf(f, " %u bytes\n", w->data.n);
	put_span(f, &w->data);
}

/* ---- The table ---- */

static const struct text_msg_row rows[] = {
	{ OF_KIND_hello, "OFPT_HELLO", OFPT_HELLO, 0, put_hello },
	{ OF_KIND_error_msg, "OFPT_ERROR", OFPT_ERROR, 0, put_error },
	{ OF_KIND_echo_request, "OFPT_ECHO_REQUEST", OFPT_ECHO_REQUEST, 0, put_echo },
	{ OF_KIND_echo_reply, "OFPT_ECHO_REPLY", OFPT_ECHO_REPLY, 0, put_echo },
	{ OF_KIND_features_request, "OFPT_FEATURES_REQUEST", OFPT_FEATURES_REQUEST, 0,
	  put_nothing },
	{ OF_KIND_features_reply, "OFPT_FEATURES_REPLY", OFPT_FEATURES_REPLY, 0, put_features },
	{ OF_KIND_get_config_request, "OFPT_GET_CONFIG_REQUEST", OFPT_GET_CONFIG_REQUEST, 0,
	  put_nothing },
	{ OF_KIND_get_config_reply, "OFPT_GET_CONFIG_REPLY", OFPT_GET_CONFIG_REPLY, 0, put_config },
	{ OF_KIND_set_config, "OFPT_SET_CONFIG", OFPT_SET_CONFIG, 0, put_config },
	{ OF_KIND_packet_in, "OFPT_PACKET_IN", OFPT_PACKET_IN, 0, text_put_packet_in },
	{ OF_KIND_flow_removed, "OFPT_FLOW_REMOVED", OFPT_FLOW_REMOVED, 0, put_flow_removed },
	{ OF_KIND_port_status, "OFPT_PORT_STATUS", OFPT_PORT_STATUS, 0, put_port_status },
	{ OF_KIND_packet_out, "OFPT_PACKET_OUT", OFPT_PACKET_OUT, 0, put_packet_out },
	{ OF_KIND_flow_mod, "OFPT_FLOW_MOD", OFPT_FLOW_MOD, 0, put_flow_mod },
	{ OF_KIND_group_mod, "OFPT_GROUP_MOD", OFPT_GROUP_MOD, 0, text_put_group_mod },
	{ OF_KIND_port_mod, "OFPT_PORT_MOD", OFPT_PORT_MOD, 0, put_port_mod },
	{ OF_KIND_table_mod, "OFPT_TABLE_MOD", OFPT_TABLE_MOD, 0, put_table_mod },
	{ OF_KIND_barrier_request, "OFPT_BARRIER_REQUEST", OFPT_BARRIER_REQUEST, 0, put_nothing },
	{ OF_KIND_barrier_reply, "OFPT_BARRIER_REPLY", OFPT_BARRIER_REPLY, 0, put_nothing },
	{ OF_KIND_queue_get_config_request, "OFPT_QUEUE_GET_CONFIG_REQUEST",
	  OFPT_QUEUE_GET_CONFIG_REQUEST, 0, put_queue_request },
	{ OF_KIND_queue_get_config_reply, "OFPT_QUEUE_GET_CONFIG_REPLY",
	  OFPT_QUEUE_GET_CONFIG_REPLY, 0, put_queue_reply },
	{ OF_KIND_role_request, "OFPT_ROLE_REQUEST", OFPT_ROLE_REQUEST, 0, text_put_role },
	{ OF_KIND_role_reply, "OFPT_ROLE_REPLY", OFPT_ROLE_REPLY, 0, text_put_role },
	{ OF_KIND_get_async_request, "OFPT_GET_ASYNC_REQUEST", OFPT_GET_ASYNC_REQUEST, 0,
	  put_nothing },
	{ OF_KIND_get_async_reply, "OFPT_GET_ASYNC_REPLY", OFPT_GET_ASYNC_REPLY, 0,
	  text_put_async },
	{ OF_KIND_set_async, "OFPT_SET_ASYNC", OFPT_SET_ASYNC, 0, text_put_async },
	{ OF_KIND_meter_mod, "OFPT_METER_MOD", OFPT_METER_MOD, 0, text_put_meter_mod },
	{ OF_KIND_bundle_ctrl, "ONFT_BUNDLE_CONTROL", OFPT_EXPERIMENTER, 2300, put_bundle_ctrl },
	{ OF_KIND_bundle_add, "ONFT_BUNDLE_ADD_MESSAGE", OFPT_EXPERIMENTER, 2301, put_bundle_add },
	{ OF_KIND_nx_set_packet_in_format, "NXT_SET_PACKET_IN_FORMAT", OFPT_EXPERIMENTER, 16,
	  put_packet_in_format },
	{ OF_KIND_nx_packet_in, "NXT_PACKET_IN", OFPT_EXPERIMENTER, 17, text_put_nx_packet_in },
	{ OF_KIND_nx_packet_in2, "NXT_PACKET_IN2", OFPT_EXPERIMENTER, 30, text_put_nx_packet_in2 },
	{ OF_KIND_nx_resume, "NXT_RESUME", OFPT_EXPERIMENTER, 28, text_put_nx_packet_in2 },
	{ OF_KIND_nx_ct_flush_zone, "NXT_CT_FLUSH_ZONE", OFPT_EXPERIMENTER, 29, put_ct_flush },
	{ OF_KIND_weft_request, "WEFT_REQUEST", OFPT_EXPERIMENTER, 1, put_weft },
	{ OF_KIND_weft_reply, "WEFT_REPLY", OFPT_EXPERIMENTER, 2, put_weft },
	{ OF_KIND_weft_group_mod, "WEFT_GROUP_MOD", OFPT_EXPERIMENTER, 3, put_ext_group_mod },
};
enum { N_ROWS = sizeof(rows) / sizeof(rows[0]) };

static const struct text_msg_row *row_at(unsigned int i)
{
	if (i < N_ROWS)
		return &rows[i];
	i -= N_ROWS;
	if (i < text_n_mp_rows)
		return &text_mp_rows[i];
	i -= text_n_mp_rows;
	return i < text_n_event_rows ? &text_event_rows[i] : NULL;
}

static const struct text_msg_row *row_of_kind(enum of_kind kind)
{
	const struct text_msg_row *row;

	for (unsigned int i = 0; (row = row_at(i)); i++)
		if (row->kind == kind)
			return row;
	return NULL;
}

/* What a message is by its header alone, where the rest cannot be read. */
static const struct text_msg_row *row_of_bytes(const uint8_t *p, size_t n)
{
	const struct text_msg_row *row;
	uint32_t sub = 0;

	if (p[1] == OFPT_MULTIPART_REQUEST || p[1] == OFPT_MULTIPART_REPLY) {
		if (n < MULTIPART_SUB + 2)
			return NULL;
		sub = get_be16(p + MULTIPART_SUB);
	} else if (p[1] == OFPT_EXPERIMENTER) {
		if (n < EXP_TYPE + 4 || get_be32(p + EXP_ID) != OF_ONF_ID)
			return NULL;
		sub = get_be32(p + EXP_TYPE);
	}
	for (unsigned int i = 0; (row = row_at(i)); i++)
		if (row->type == p[1] && row->sub == sub)
			return row;
	return NULL;
}

static void put_header(FILE *f, const char *name, uint8_t version, uint32_t xid)
{
	fprintf(f, "%s ", name);
	if (version >= 2 && version <= 6)
		fprintf(f, "(OF1.%u) ", version - 1);
	else if (version != 1)
		fprintf(f, "(OF 0x%02x) ", version);
	fprintf(f, "(xid=0x%x):", xid);
}

/* An experimenter's message of which nothing more is known. */
static void put_unknown(FILE *f, const struct of_msg *m)
{
	const struct of_any *b = m->body;

	if (b && b->kind == OF_KIND_experimenter_msg) {
		const struct of_experimenter_msg *x = (const void *)b;

		put_header(f, "OFPT_EXPERIMENTER", m->version, m->xid);
		fprintf(f, " experimenter=0x%08x exp_type=%u", x->experimenter, x->exp_type);
	} else {
		put_header(f, of_kind_name(b ? b->kind : OF_KIND_NONE), m->version, m->xid);
	}
	fputc('\n', f);
	if (m->raw)
		text_put_hexdump(f, m->raw, m->length);
}

/* Of a multipart that is an experimenter's, what he has in it, where that is known. */
static const struct of_any *inner_mp(const struct of_any *body)
{
	const struct of_any *b = NULL;

	if (body && body->kind == OF_KIND_mp_experimenter_request)
		b = ((const struct of_mp_experimenter_request *)body)->body;
	else if (body && body->kind == OF_KIND_mp_experimenter_reply)
		b = ((const struct of_mp_experimenter_reply *)body)->body;
	return b && b->kind != OF_KIND_exp_mp_unknown_request &&
			       b->kind != OF_KIND_exp_mp_unknown_reply
		       ? b
		       : body;
}

static const struct of_any *inner(const struct of_any *body, uint16_t *flags)
{
	*flags = 0;
	if (!body)
		return NULL;
	switch ((int)body->kind) {
	case OF_KIND_multipart_request:
		*flags = ((const struct of_multipart_request *)body)->flags;
		return inner_mp(((const struct of_multipart_request *)body)->body);
	case OF_KIND_multipart_reply:
		*flags = ((const struct of_multipart_reply *)body)->flags;
		return inner_mp(((const struct of_multipart_reply *)body)->body);
	case OF_KIND_experimenter_msg:
		return ((const struct of_experimenter_msg *)body)->body;
	}
	return body;
}

static void put_msg(FILE *f, const struct of_msg *m, const struct of_text_opts *o)
{
	const struct text_msg_row *row;
	const struct of_any *body;
	uint16_t flags;

	body = inner(m->body, &flags);
	row = body ? row_of_kind(body->kind) : NULL;
	if (!row) {
		put_unknown(f, m);
		return;
	}
	put_header(f, row->name, m->version, m->xid);
	if (flags & OFPMPF_REPLY_MORE)
		fputs(" flags=[more]", f);
	if (flags & ~OFPMPF_REPLY_MORE)
		fprintf(f, "%s[***unknown flags 0x%04x***]",
			flags & OFPMPF_REPLY_MORE ? "" : " flags=", flags & ~OFPMPF_REPLY_MORE);
	row->put(f, body, o);
}

/* Printers leave the last newline to this: a message ends with exactly one. */
static void finish(FILE *f, FILE *mem, char **text, size_t *len)
{
	fclose(mem);
	if (*text) {
		fwrite(*text, 1, *len, f);
		if (!*len || (*text)[*len - 1] != '\n')
			fputc('\n', f);
	}
	free(*text);
}

void of_format_msg(FILE *f, const struct of_msg *m, const struct of_text_opts *o)
{
	static const struct of_text_opts plain = { .stats = true };
	char *text = NULL;
	size_t len = 0;
	FILE *mem = open_memstream(&text, &len);

	if (!mem)
		return;
	put_msg(mem, m, o ? o : &plain);
	finish(f, mem, &text, &len);
}

static void put_undecoded(FILE *f, const uint8_t *p, size_t n, const char *why)
{
	const struct text_msg_row *row = row_of_bytes(p, n);

	if (row) {
		put_header(f, row->name, p[0], get_be32(p + 4));
		fputc(*why == '(' ? '\n' : ' ', f);
	}
	fprintf(f, "%s\n", why);
	text_put_hexdump(f, p, n);
}

static void put_decoded(FILE *f, const uint8_t *p, size_t n, const struct of_text_opts *o)
{
	struct arena a;
	struct of_msg *m;
	struct of_err e = { 0 };
	char why[200];
	const char *name;

	arena_init(&a, 0);
	if (!of_decode(p, n, &a, &m, &e)) {
		of_format_msg(f, m, o);
	} else {
		name = of_error_name(e.type, e.code);
		snprintf(why, sizeof(why), "***decode error: %s***", name ? name : e.text);
		put_undecoded(f, p, n, why);
	}
	arena_fini(&a);
}

void of_format_raw(FILE *f, const uint8_t *p, size_t n, const struct of_text_opts *o)
{
	char why[80];
	size_t len;

	if (!n) {
		fputs("OpenFlow message is empty\n", f);
		return;
	}
	if (n < OF_HEADER_LEN) {
		fprintf(f, "OpenFlow packet too short (only %zu bytes):\n", n);
		text_put_hexdump(f, p, n);
		return;
	}
	len = get_be16(p + 2);
	if (len == n) {
		put_decoded(f, p, n, o);
		return;
	}
	if (len > n)
		snprintf(why, sizeof(why), "(***truncated to %zu bytes from %zu***)", n, len);
	else
		snprintf(why, sizeof(why), "(***only uses %zu bytes out of %zu***)", len, n);
	put_undecoded(f, p, n, why);
}

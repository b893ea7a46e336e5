/* SPDX-License-Identifier: Apache-2.0 */
/* Packet-ins in words, in OpenFlow's form and in Nicira's two. */
#include <string.h>

#include "ofproto/text_msg.h"
#include "ofproto/text_packet.h"

static const char *const formats[] = { "standard", "nxt_packet_in", "nxt_packet_in2" };
enum { N_FORMATS = sizeof(formats) / sizeof(formats[0]) };

const char *of_packet_in_format_name(uint32_t format)
{
	return format < N_FORMATS ? formats[format] : NULL;
}

int of_packet_in_format_parse(const char *s)
{
	/* As ovs-ofctl called them once. */
	if (!strcmp(s, "openflow10"))
		return NX_PACKET_IN_STANDARD;
	if (!strcmp(s, "nxm"))
		return NX_PACKET_IN_NXT;
	for (int i = 0; i < N_FORMATS; i++)
		if (!strcmp(s, formats[i]))
			return i;
	return -1;
}

void text_put_data(FILE *f, const struct of_span *data, const struct of_text_opts *o)
{
	text_put_packet(f, data->p, data->n);
	if (o->hex_data)
		text_put_hexdump(f, data->p, data->n);
}

/* What the three have in common, and what only the youngest has. */
struct packet_in {
	uint32_t buffer_id, full_len;
	uint8_t reason, table_id;
	uint64_t cookie;
	const struct of_match *match;
	struct of_span data, userdata;
};

static void put_userdata(FILE *f, const struct of_span *u)
{
	fputs(" userdata=", f);
	for (uint32_t i = 0; i < u->n; i++)
		fprintf(f, "%s%02x", i ? "." : "", u->p[i]);
}

static void put(FILE *f, const struct packet_in *p, const struct of_text_opts *o)
{
	static const char *const reasons[] = { "no_match",   "action", "invalid_ttl",
					       "action_set", "group",  "packet_out" };

	if (p->table_id)
		fprintf(f, " table_id=%u", p->table_id);
	if (p->cookie != UINT64_MAX)
		fprintf(f, " cookie=0x%llx", (unsigned long long)p->cookie);
	fprintf(f, " total_len=%u ", p->full_len);
	of_format_match(f, p->match, o->names);
	if (p->reason < sizeof(reasons) / sizeof(reasons[0])) /* the last three are 1.4's */
		fprintf(f, " (via %s)", reasons[p->reason]);
	else
		fprintf(f, " (via %u)", p->reason);
	fprintf(f, " data_len=%u", p->data.n);
	if (p->buffer_id == OFP_NO_BUFFER) {
		fputs(" (unbuffered)", f);
		if (p->full_len != p->data.n)
			fputs(" (***total_len != data_len***)", f);
	} else {
		fprintf(f, " buffer=0x%08x", p->buffer_id);
		if (p->full_len < p->data.n)
			fputs(" (***total_len < data_len***)", f);
	}
	fputc('\n', f);
	if (p->userdata.n) {
		put_userdata(f, &p->userdata);
		fputc('\n', f);
	}
	text_put_data(f, &p->data, o);
}

/* Of OpenFlow's or Nicira's first, which name their members alike. */
#define COMMON(p)                                                                        \
	&(struct packet_in)                                                              \
	{                                                                                \
		(p)->buffer_id, (p)->total_len, (p)->reason, (p)->table_id, (p)->cookie, \
			&(p)->match, (p)->data,                                          \
		{                                                                        \
			0                                                                \
		}                                                                        \
	}

void text_put_packet_in(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	const struct of_packet_in *p = (const void *)body;

	put(f, COMMON(p), o);
}

void text_put_nx_packet_in(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	const struct of_nx_packet_in *p = (const void *)body;

	put(f, COMMON(p), o);
}

static void take(struct packet_in *p, const struct of_any *a, bool *has_len)
{
	switch ((int)a->kind) {
	case OF_KIND_nx_pin_packet:
		p->data = ((const struct of_nx_pin_packet *)a)->data;
		break;
	case OF_KIND_nx_pin_full_len:
		p->full_len = ((const struct of_nx_pin_full_len *)a)->full_len;
		*has_len = true;
		break;
	case OF_KIND_nx_pin_buffer_id:
		p->buffer_id = ((const struct of_nx_pin_buffer_id *)a)->buffer_id;
		break;
	case OF_KIND_nx_pin_table_id:
		p->table_id = ((const struct of_nx_pin_table_id *)a)->table_id;
		break;
	case OF_KIND_nx_pin_cookie:
		p->cookie = ((const struct of_nx_pin_cookie *)a)->cookie;
		break;
	case OF_KIND_nx_pin_reason:
		p->reason = ((const struct of_nx_pin_reason *)a)->reason;
		break;
	case OF_KIND_nx_pin_metadata:
		p->match = &((const struct of_nx_pin_metadata *)a)->match;
		break;
	case OF_KIND_nx_pin_userdata:
		p->userdata = ((const struct of_nx_pin_userdata *)a)->data;
		break;
	}
}

/* NXT_RESUME is laid out as NXT_PACKET_IN2. */
_Static_assert(offsetof(struct of_nx_resume, properties) ==
		       offsetof(struct of_nx_packet_in2, properties),
	       "both are a list of properties");

void text_put_nx_packet_in2(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	const struct of_list *l = &((const struct of_nx_packet_in2 *)body)->properties;
	static const struct of_match all;
	struct packet_in p = { .buffer_id = OFP_NO_BUFFER, .cookie = UINT64_MAX, .match = &all };
	bool has_len = false;

	for (uint32_t i = 0; i < l->n; i++)
		take(&p, l->v[i], &has_len);
	if (!has_len)
		p.full_len = p.data.n;
	put(f, &p, o);
}

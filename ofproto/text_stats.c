/* SPDX-License-Identifier: Apache-2.0 */
/* Multipart messages in words (section 7.3.5). */
#include <stdlib.h>
#include <string.h>

#include "ofproto/text_flow.h"
#include "ofproto/text_group.h"
#include "ofproto/text_msg.h"

static void put_nothing(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
}

/* ---- Requests ---- */

static void put_flow_request(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	const struct of_mp_flow_request *r = (const void *)body; /* aggregate's is alike */

	text_put_flow_choice(f, r->table_id, r->out_port, &r->match, o->names);
}

static void put_port_request(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	fputs(" port_no=", f);
	of_format_port(f, ((const struct of_mp_port_stats_request *)body)->port_no, o->names);
}

static void put_port_desc_request(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	fputs(" port=ANY", f); /* 1.3 asks for all */
}

static void put_queue_id(FILE *f, uint32_t id)
{
	if (id == OFPQ_ALL)
		fputs("ALL", f);
	else
		fprintf(f, "%u", id);
}

static void put_queue_request(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	const struct of_mp_queue_request *r = (const void *)body;

	fputs(" port=", f);
	of_format_port(f, r->port_no, o->names);
	fputs(" queue=", f);
	put_queue_id(f, r->queue_id);
}

static void put_group_request(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	uint32_t id = ((const struct of_mp_group_request *)body)->group_id;

	if (id == OFPG_ALL)
		fputs(" group_id=ALL", f);
	else if (id == OFPG_ANY)
		fputs(" group_id=ANY", f);
	else
		fprintf(f, " group_id=%u", id);
}

static void put_group_desc_request(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	fputs(" group_id=ALL", f); /* 1.3 asks for all */
}

static void put_meter_id(FILE *f, uint32_t id)
{
	if (id == OFPM_ALL)
		fputs("all", f);
	else if (id == OFPM_CONTROLLER)
		fputs("controller", f);
	else if (id == OFPM_SLOWPATH)
		fputs("slowpath", f);
	else if (id <= OFPM_MAX)
		fprintf(f, "%u", id);
	else
		fputs("unknown", f);
}

static void put_meter_request(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	fputs(" meter=", f);
	put_meter_id(f, ((const struct of_mp_meter_request *)body)->meter_id);
}

static void put_table_features_request(FILE *f, const struct of_any *body,
				       const struct of_text_opts *o)
{
	text_put_table_features(f, &((const struct of_mp_table_features_request *)body)->tables);
}

/* ---- Replies ---- */

static void put_desc(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	const struct of_mp_desc_reply *d = (const void *)body;

	fputs("\nManufacturer: ", f);
	text_put_string(f, d->mfr_desc, sizeof(d->mfr_desc));
	fputs("\nHardware: ", f);
	text_put_string(f, d->hw_desc, sizeof(d->hw_desc));
	fputs("\nSoftware: ", f);
	text_put_string(f, d->sw_desc, sizeof(d->sw_desc));
	fputs("\nSerial Num: ", f);
	text_put_string(f, d->serial_num, sizeof(d->serial_num));
	fputs("\nDP Description: ", f);
	text_put_string(f, d->dp_desc, sizeof(d->dp_desc));
}

static void put_flows(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	const struct of_list *l = &((const struct of_mp_flow_reply *)body)->flows;

	for (uint32_t i = 0; i < l->n; i++) {
		fputs("\n ", f);
		of_format_flow_stats(f, OF_AT(l, i, flow_stats), o);
	}
}

static void put_aggregate(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	const struct of_mp_aggregate_reply *a = (const void *)body;

	fprintf(f, " packet_count=%llu byte_count=%llu flow_count=%u",
		(unsigned long long)a->packet_count, (unsigned long long)a->byte_count,
		a->flow_count);
}

/* All ones: the switch does not count it. */
static void put_counter(FILE *f, const char *before, uint64_t v, const char *after)
{
	if (v == UINT64_MAX)
		fprintf(f, "%s?%s", before, after);
	else
		fprintf(f, "%s%llu%s", before, (unsigned long long)v, after);
}

static void put_port_counters(FILE *f, const struct of_port_stats *p, const struct of_text_opts *o)
{
	fprintf(f, "  port %s", p->port_no < 10 ? " " : "");
	of_format_port(f, p->port_no, o->names);
	put_counter(f, ": rx pkts=", p->rx_packets, ", ");
	put_counter(f, "bytes=", p->rx_bytes, ", ");
	put_counter(f, "drop=", p->rx_dropped, ", ");
	put_counter(f, "errs=", p->rx_errors, ", ");
	put_counter(f, "frame=", p->rx_frame_err, ", ");
	put_counter(f, "over=", p->rx_over_err, ", ");
	put_counter(f, "crc=", p->rx_crc_err, "\n");
	put_counter(f, "           tx pkts=", p->tx_packets, ", ");
	put_counter(f, "bytes=", p->tx_bytes, ", ");
	put_counter(f, "drop=", p->tx_dropped, ", ");
	put_counter(f, "errs=", p->tx_errors, ", ");
	put_counter(f, "coll=", p->collisions, "\n");
	if (p->duration_sec != UINT32_MAX) {
		fputs("           duration=", f);
		text_put_duration(f, p->duration_sec, p->duration_nsec);
		fputc('\n', f);
	}
}

static void put_ports(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	const struct of_list *l = &((const struct of_mp_port_stats_reply *)body)->ports;

	fprintf(f, " %u ports\n", l->n);
	for (uint32_t i = 0; i < l->n; i++)
		put_port_counters(f, OF_AT(l, i, port_stats), o);
}

static void put_queues(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	const struct of_list *l = &((const struct of_mp_queue_reply *)body)->queues;

	fprintf(f, " %u queues\n", l->n);
	for (uint32_t i = 0; i < l->n; i++) {
		const struct of_queue_stats *q = OF_AT(l, i, queue_stats);

		fputs("  port ", f);
		of_format_port(f, q->port_no, o->names);
		fputs(" queue ", f);
		put_queue_id(f, q->queue_id);
		put_counter(f, ": bytes=", q->tx_bytes, ", ");
		put_counter(f, "pkts=", q->tx_packets, ", ");
		put_counter(f, "errors=", q->tx_errors, ", duration=");
		if (q->duration_sec == UINT32_MAX)
			fputc('?', f);
		else
			text_put_duration(f, q->duration_sec, q->duration_nsec);
		fputc('\n', f);
	}
}

static void put_groups(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	const struct of_list *l = &((const struct of_mp_group_reply *)body)->groups;

	for (uint32_t i = 0; i < l->n; i++) {
		const struct of_group_stats *g = OF_AT(l, i, group_stats);

		fprintf(f, "\n group_id=%u,duration=", g->group_id);
		text_put_duration(f, g->duration_sec, g->duration_nsec);
		fprintf(f, ",ref_count=%u,packet_count=%llu,byte_count=%llu", g->ref_count,
			(unsigned long long)g->packet_count, (unsigned long long)g->byte_count);
		for (uint32_t k = 0; k < g->bucket_stats.n; k++) {
			const struct of_bucket_counter *b =
				OF_AT(&g->bucket_stats, k, bucket_counter);

			fprintf(f, ",bucket%u:packet_count=%llu,byte_count=%llu", k,
				(unsigned long long)b->packet_count,
				(unsigned long long)b->byte_count);
		}
	}
}

static void put_group_desc(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	const struct of_list *l = &((const struct of_mp_group_desc_reply *)body)->groups;

	for (uint32_t i = 0; i < l->n; i++) {
		fputs("\n ", f);
		of_format_group(f, OF_AT(l, i, group_desc), o->names);
	}
}

static void put_group_features(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	static const char *const types[] = { "all", "select", "indirect", "fast failover" };
	const struct of_mp_group_features_reply *g = (const void *)body;

	fprintf(f, "\n Group table:\n    Types:  0x%x\n    Capabilities:  0x%x\n", g->types,
		g->capabilities);
	for (unsigned int i = 0; i < 4; i++) {
		if (!(g->types >> i & 1))
			continue;
		fprintf(f, "    %s group:\n       max_groups=%#x\n       actions: ", types[i],
			g->max_groups[i]);
		text_put_action_bits(f, g->actions[i], "<none>");
		fputc('\n', f);
	}
}

static void put_meters(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	const struct of_list *l = &((const struct of_mp_meter_reply *)body)->meters;

	for (uint32_t i = 0; i < l->n; i++) {
		const struct of_meter_stats *m = OF_AT(l, i, meter_stats);

		fputs("\nmeter:", f);
		put_meter_id(f, m->meter_id);
		fprintf(f, " flow_count:%u packet_in_count:%llu byte_in_count:%llu duration:",
			m->flow_count, (unsigned long long)m->packet_in_count,
			(unsigned long long)m->byte_in_count);
		text_put_duration(f, m->duration_sec, m->duration_nsec);
		fputs(" bands:\n", f);
		for (uint32_t k = 0; k < m->band_stats.n; k++) {
			const struct of_meter_band_stats *b =
				OF_AT(&m->band_stats, k, meter_band_stats);

			fprintf(f, "%u: packet_count:%llu byte_count:%llu\n", k,
				(unsigned long long)b->packet_band_count,
				(unsigned long long)b->byte_band_count);
		}
	}
}

static void put_meter_config(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	const struct of_list *l = &((const struct of_mp_meter_config_reply *)body)->meters;

	for (uint32_t i = 0; i < l->n; i++) {
		const struct of_meter_config *m = OF_AT(l, i, meter_config);

		fputc('\n', f);
		of_format_meter(f, m->meter_id, m->flags, &m->bands);
		fputc('\n', f);
	}
}

static void put_meter_features(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	static const struct text_name bands[] = { { "drop", 1 << OFPMBT_DROP },
						  { "dscp_remark", 1 << OFPMBT_DSCP_REMARK },
						  { NULL, 0 } };
	static const struct text_name caps[] = { { "kbps", OFPMF_KBPS },
						 { "pktps", OFPMF_PKTPS },
						 { "burst", OFPMF_BURST },
						 { "stats", OFPMF_STATS },
						 { NULL, 0 } };
	const struct of_mp_meter_features_reply *m = (const void *)body;

	fprintf(f, "\nmax_meter:%u max_bands:%u max_color:%u\nband_types: ", m->max_meter,
		m->max_bands, m->max_color);
	text_put_bits(f, bands, m->band_types, ' ', "0");
	fputs("\ncapabilities: ", f);
	text_put_bits(f, caps, m->capabilities, ' ', "0");
}

static void put_table_features(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	text_put_table_features(f, &((const struct of_mp_table_features_reply *)body)->tables);
}

static int cmp_ports(const void *a, const void *b)
{
	const struct of_port *x = *(const struct of_port *const *)a;
	const struct of_port *y = *(const struct of_port *const *)b;

	return x->port_no < y->port_no ? -1 : x->port_no > y->port_no;
}

/* By number, in whatever order the switch tells them. */
static void put_port_desc(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	const struct of_list *l = &((const struct of_mp_port_desc_reply *)body)->ports;
	struct of_any **v = malloc((l->n + 1) * sizeof(*v));

	fputc('\n', f);
	if (!v)
		return;
	if (l->n) {
		memcpy(v, l->v, l->n * sizeof(*v));
		qsort(v, l->n, sizeof(*v), cmp_ports);
	}
	for (uint32_t i = 0; i < l->n; i++)
		text_put_port(f, (const struct of_port *)v[i], o);
	free(v);
}

static void put_experimenter(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	const struct of_mp_experimenter_reply *x = (const void *)body; /* the request is alike */
	const struct of_exp_mp_unknown_reply *u = (const void *)x->body;

	fprintf(f, " experimenter=0x%08x exp_type=%u\n", x->experimenter, x->exp_type);
	if (u)
		text_put_hexdump(f, u->data.p, u->data.n);
}

#define REQUEST(kind, name, sub, put)                                                          \
	{                                                                                      \
		OF_KIND_mp_##kind##_request, "OFPST_" name " request", OFPT_MULTIPART_REQUEST, \
			sub, put                                                               \
	}
#define REPLY(kind, name, sub, put)                                                               \
	{                                                                                         \
		OF_KIND_mp_##kind##_reply, "OFPST_" name " reply", OFPT_MULTIPART_REPLY, sub, put \
	}

const struct text_msg_row text_mp_rows[] = {
	REQUEST(desc, "DESC", OFPMP_DESC, put_nothing),
	REQUEST(flow, "FLOW", OFPMP_FLOW, put_flow_request),
	{ OF_KIND_mp_aggregate_request, "OFPST_AGGREGATE request", OFPT_MULTIPART_REQUEST,
	  OFPMP_AGGREGATE, put_flow_request },
	REQUEST(table, "TABLE", OFPMP_TABLE, put_nothing),
	REQUEST(port_stats, "PORT", OFPMP_PORT_STATS, put_port_request),
	REQUEST(queue, "QUEUE", OFPMP_QUEUE, put_queue_request),
	REQUEST(group, "GROUP", OFPMP_GROUP, put_group_request),
	REQUEST(group_desc, "GROUP_DESC", OFPMP_GROUP_DESC, put_group_desc_request),
	REQUEST(group_features, "GROUP_FEATURES", OFPMP_GROUP_FEATURES, put_nothing),
	REQUEST(meter, "METER", OFPMP_METER, put_meter_request),
	REQUEST(meter_config, "METER_CONFIG", OFPMP_METER_CONFIG, put_meter_request),
	REQUEST(meter_features, "METER_FEATURES", OFPMP_METER_FEATURES, put_nothing),
	REQUEST(table_features, "TABLE_FEATURES", OFPMP_TABLE_FEATURES, put_table_features_request),
	REQUEST(port_desc, "PORT_DESC", OFPMP_PORT_DESC, put_port_desc_request),
	REQUEST(experimenter, "EXPERIMENTER", OFPMP_EXPERIMENTER, put_experimenter),
	REPLY(desc, "DESC", OFPMP_DESC, put_desc),
	REPLY(flow, "FLOW", OFPMP_FLOW, put_flows),
	REPLY(aggregate, "AGGREGATE", OFPMP_AGGREGATE, put_aggregate),
	REPLY(table, "TABLE", OFPMP_TABLE, text_put_table_stats),
	REPLY(port_stats, "PORT", OFPMP_PORT_STATS, put_ports),
	REPLY(queue, "QUEUE", OFPMP_QUEUE, put_queues),
	REPLY(group, "GROUP", OFPMP_GROUP, put_groups),
	REPLY(group_desc, "GROUP_DESC", OFPMP_GROUP_DESC, put_group_desc),
	REPLY(group_features, "GROUP_FEATURES", OFPMP_GROUP_FEATURES, put_group_features),
	REPLY(meter, "METER", OFPMP_METER, put_meters),
	REPLY(meter_config, "METER_CONFIG", OFPMP_METER_CONFIG, put_meter_config),
	REPLY(meter_features, "METER_FEATURES", OFPMP_METER_FEATURES, put_meter_features),
	REPLY(table_features, "TABLE_FEATURES", OFPMP_TABLE_FEATURES, put_table_features),
	REPLY(port_desc, "PORT_DESC", OFPMP_PORT_DESC, put_port_desc),
	REPLY(experimenter, "EXPERIMENTER", OFPMP_EXPERIMENTER, put_experimenter),
};
const unsigned int text_n_mp_rows = sizeof(text_mp_rows) / sizeof(text_mp_rows[0]);

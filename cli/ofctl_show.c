/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that ask one question and print the answer. */
#include <stdlib.h>
#include <string.h>

#include "cli/ofctl.h"

/* An error is an answer: it is printed, and the exit status is ovs-ofctl's, 0. */
static int print_mp(struct ofctl_conn *c, const void *body)
{
	struct of_text_opts o = ofctl_text(c);
	struct arena a;

	arena_init(&a, 0);
	of_format_msg(stdout, ofctl_ask_mp_or_error(c, body, &a), &o);
	arena_fini(&a);
	return 0;
}

static int print_and_close(const char *name, const void *body)
{
	struct ofctl_conn *c = ofctl_connect(name);
	int r = print_mp(c, body);

	ofctl_close(c);
	return r;
}

/* Commands without arguments: the request says it all. */
#define PLAIN(command, request)                                                            \
	int command(int argc, char **argv)                                                 \
	{                                                                                  \
		struct of_##request##_request q = { .kind = OF_KIND_##request##_request }; \
                                                                                           \
		return print_and_close(argv[1], &q);                                       \
	}
PLAIN(ofctl_dump_desc, mp_desc)
PLAIN(ofctl_dump_tables, mp_table)
PLAIN(ofctl_dump_group_features, mp_group_features)
PLAIN(ofctl_meter_features, mp_meter_features)

/* Without the heading: ovs-ofctl has none here. */
int ofctl_dump_table_features(int argc, char **argv)
{
	struct of_mp_table_features_request q = { .kind = OF_KIND_mp_table_features_request };
	struct ofctl_conn *c = ofctl_connect(argv[1]);
	char *text = NULL, *body;
	struct arena a;
	size_t n;
	FILE *mem = open_memstream(&text, &n);

	if (!mem)
		ofctl_die("out of memory");
	arena_init(&a, 0);
	of_format_msg(mem, ofctl_ask_mp(c, &q, &a), NULL);
	fclose(mem);
	body = strchr(text, '\n');
	puts(body ? body + 1 : text);
	free(text);
	arena_fini(&a);
	ofctl_close(c);
	return 0;
}

int ofctl_show(int argc, char **argv)
{
	struct of_mp_port_desc_request ports = { .kind = OF_KIND_mp_port_desc_request };
	struct of_get_config_request config = { .kind = OF_KIND_get_config_request };
	struct ofctl_conn *c = ofctl_connect(argv[1]);
	struct of_features_reply features = *ofctl_features(c);
	struct of_msg m = { .version = OF_VERSION_13,
			    .type = OFPT_FEATURES_REPLY,
			    .xid = ofctl_xid(c),
			    .body = (struct of_any *)&features };
	struct arena a;

	arena_init(&a, 0);
	of_format_msg(stdout, &m, NULL);
	print_mp(c, &ports);
	of_format_msg(stdout, ofctl_ask(c, &config, &a, false), NULL);
	arena_fini(&a);
	ofctl_close(c);
	return 0;
}

/* ---- Ports and queues ---- */

static uint32_t port_number(struct ofctl_conn *c, const char *s)
{
	uint32_t port;

	if (of_parse_port(s, ofctl_names(c), &port, NULL))
		ofctl_die("%s: unknown port `%s'", ofctl_target(c), s);
	return port;
}

int ofctl_dump_ports(int argc, char **argv)
{
	struct ofctl_conn *c = ofctl_connect(argv[1]);
	struct of_mp_port_stats_request q = { .kind = OF_KIND_mp_port_stats_request,
					      .port_no = OFPP_ANY };
	int r;

	if (argc > 2)
		q.port_no = port_number(c, argv[2]);
	r = print_mp(c, &q);
	ofctl_close(c);
	return r;
}

int ofctl_dump_ports_desc(int argc, char **argv)
{
	struct ofctl_conn *c = ofctl_connect(argv[1]);
	struct of_mp_port_desc_request q = { .kind = OF_KIND_mp_port_desc_request };
	struct of_mp_port_desc_reply reply = { .kind = OF_KIND_mp_port_desc_reply };
	struct of_multipart_reply mp = { .kind = OF_KIND_multipart_reply,
					 .type = OFPMP_PORT_DESC,
					 .body = (struct of_any *)&reply };
	struct of_msg m = { .version = OF_VERSION_13,
			    .type = OFPT_MULTIPART_REPLY,
			    .body = (struct of_any *)&mp };
	const struct of_port *p;
	struct of_any *one;

	if (argc == 2 || !strcasecmp(argv[2], "ANY")) {
		print_mp(c, &q);
	} else {
		/* OpenFlow 1.3 tells all ports or none: the one is picked here. */
		p = ofctl_find_port(c, argv[2]);
		if (!p)
			ofctl_die("%s: unknown port `%s'", ofctl_target(c), argv[2]);
		one = (struct of_any *)p;
		reply.ports = (struct of_list){ 1, &one };
		m.xid = ofctl_xid(c);
		of_format_msg(stdout, &m, NULL);
	}
	ofctl_close(c);
	return 0;
}

/* OFPQ_ALL: all. */
static uint32_t queue_number(const char *s)
{
	char *end;
	unsigned long n = strtoul(s, &end, 0);

	if (!strcasecmp(s, "ALL") || !strcasecmp(s, "ANY"))
		return OFPQ_ALL;
	if (end == s || *end || *s == '-' || n >= OFPQ_ALL)
		ofctl_die("%s: a queue is a number or ALL", s);
	return (uint32_t)n;
}

int ofctl_queue_stats(int argc, char **argv)
{
	struct ofctl_conn *c = ofctl_connect(argv[1]);
	struct of_mp_queue_request q = { .kind = OF_KIND_mp_queue_request,
					 .port_no = OFPP_ANY,
					 .queue_id = OFPQ_ALL };
	int r;

	if (argc > 2 && strcasecmp(argv[2], "ALL"))
		q.port_no = port_number(c, argv[2]);
	if (argc > 3)
		q.queue_id = queue_number(argv[3]);
	r = print_mp(c, &q);
	ofctl_close(c);
	return r;
}

/* OpenFlow 1.3 tells all queues of a port: the one that is wanted is picked here. */
static void pick_queue(const struct ofctl_conn *c, const struct of_msg *m, uint32_t id)
{
	struct of_list *l;
	uint32_t n = 0;

	if (id == OFPQ_ALL || m->body->kind != OF_KIND_queue_get_config_reply)
		return;
	l = &((struct of_queue_get_config_reply *)m->body)->queues;
	for (uint32_t i = 0; i < l->n; i++)
		if (OF_AT(l, i, packet_queue)->queue_id == id)
			l->v[n++] = l->v[i];
	l->n = n;
	if (!n)
		ofctl_die("%s: there is no queue %u", ofctl_target(c), id);
}

int ofctl_queue_get_config(int argc, char **argv)
{
	struct ofctl_conn *c = ofctl_connect(argv[1]);
	struct of_queue_get_config_request q = { .kind = OF_KIND_queue_get_config_request,
						 .port = OFPP_ANY };
	uint32_t queue = argc > 3 ? queue_number(argv[3]) : OFPQ_ALL;
	struct of_text_opts o = ofctl_text(c);
	const struct of_msg *m;
	struct arena a;

	if (argc > 2 && strcasecmp(argv[2], "ALL"))
		q.port = port_number(c, argv[2]);
	arena_init(&a, 0);
	m = ofctl_ask(c, &q, &a, true);
	pick_queue(c, m, queue);
	of_format_msg(stdout, m, &o);
	arena_fini(&a);
	ofctl_close(c);
	return 0;
}

/* ---- Flows, together ---- */

int ofctl_dump_aggregate(int argc, char **argv)
{
	struct ofctl_conn *c = ofctl_connect(argv[1]);
	struct of_mp_flow_request *f;
	struct of_mp_aggregate_request q = { .kind = OF_KIND_mp_aggregate_request };
	struct arena a;
	struct err e;
	int r;

	arena_init(&a, 0);
	if (of_parse_flow_filter(argc > 2 ? argv[2] : "", ofctl_names(c), &a, &f, &e))
		ofctl_die("%s", e.text);
	q.table_id = f->table_id;
	q.out_port = f->out_port;
	q.out_group = f->out_group;
	q.cookie = f->cookie;
	q.cookie_mask = f->cookie_mask;
	q.match = f->match;
	r = print_mp(c, &q);
	arena_fini(&a);
	ofctl_close(c);
	return r;
}

/* ---- Groups and meters ---- */

/* "5", "group_id=5", "all". */
static uint32_t group_number(const char *s)
{
	struct of_group_mod *g;
	struct arena a;
	struct err e;
	char words[64];
	uint32_t id;

	snprintf(words, sizeof(words), "%s%s", strchr(s, '=') ? "" : "group_id=", s);
	arena_init(&a, 0);
	if (of_parse_group(words, OFPGC_DELETE, NULL, &a, &g, &e))
		ofctl_die("%s", e.text);
	id = g->group_id;
	arena_fini(&a);
	return id;
}

/* Whether 1.3's own description leaves something out. */
static bool says_more(const struct of_list *groups)
{
	for (uint32_t i = 0; i < groups->n; i++) {
		const struct of_ext_group_desc *d = OF_AT(groups, i, ext_group_desc);

		if (d->properties.n)
			return true;
		for (uint32_t k = 0; k < d->buckets.n; k++)
			if (OF_AT(&d->buckets, k, ext_bucket)->bucket_id != k)
				return true;
	}
	return false;
}

/* In the layout that has selection methods and bucket ids, if the switch knows it and they are
 * used. */
static bool dump_ext_groups(struct ofctl_conn *c, uint32_t want, const struct of_text_opts *o,
			    struct arena *a)
{
	struct of_weft_group_desc_request q = { .kind = OF_KIND_weft_group_desc_request,
						.group_id = want };
	struct of_mp_experimenter_request x = { .kind = OF_KIND_mp_experimenter_request,
						.experimenter = OF_WEFT_ID,
						.exp_type = 1,
						.body = (struct of_any *)&q };
	const struct of_msg *m = ofctl_try_mp(c, &x, a);
	const struct of_mp_experimenter_reply *r = m ? (const void *)ofctl_mp_body(m) : NULL;

	if (!r || r->kind != OF_KIND_mp_experimenter_reply || !r->body ||
	    r->body->kind != OF_KIND_weft_group_desc_reply ||
	    !says_more(&((const struct of_weft_group_desc_reply *)r->body)->groups))
		return false;
	of_format_msg(stdout, m, o);
	return true;
}

int ofctl_dump_groups(int argc, char **argv)
{
	uint32_t want = argc > 2 ? group_number(argv[2]) : OFPG_ALL;
	struct of_mp_group_desc_request q = { .kind = OF_KIND_mp_group_desc_request };
	struct ofctl_conn *c = ofctl_connect(argv[1]);
	struct of_text_opts o = ofctl_text(c);
	const struct of_msg *m;
	struct of_list *l = NULL;
	struct arena a;
	uint32_t n = 0;

	arena_init(&a, (size_t)1 << 32); /* 65,536 groups may have a lot to tell */
	m = ofctl_ask_mp(c, &q, &a);
	/* OpenFlow 1.3 tells all groups: the one that is wanted is picked here. */
	if (ofctl_mp_body(m)->kind == OF_KIND_mp_group_desc_reply)
		l = &((struct of_mp_group_desc_reply *)ofctl_mp_body(m))->groups;
	if (l && want != OFPG_ALL) {
		for (uint32_t i = 0; i < l->n; i++)
			if (OF_AT(l, i, group_desc)->group_id == want)
				l->v[n++] = l->v[i];
		l->n = n;
	}
	/* ... and if there are any, it may have more to tell. */
	if (!l || !l->n || !dump_ext_groups(c, want, &o, &a))
		of_format_msg(stdout, m, &o);
	arena_fini(&a);
	ofctl_close(c);
	return 0;
}

int ofctl_dump_group_stats(int argc, char **argv)
{
	struct of_mp_group_request q = { .kind = OF_KIND_mp_group_request,
					 .group_id = argc > 2 ? group_number(argv[2]) : OFPG_ALL };

	return print_and_close(argv[1], &q);
}

static uint32_t meter_number(const char *s)
{
	struct of_meter_mod *m;
	struct arena a;
	struct err e;
	uint32_t id;

	arena_init(&a, 0);
	if (of_parse_meter(s, OFPMC_DELETE, &a, &m, &e))
		ofctl_die("%s", e.text);
	id = m->meter_id;
	arena_fini(&a);
	return id;
}

int ofctl_dump_meters(int argc, char **argv)
{
	struct of_mp_meter_config_request q = { .kind = OF_KIND_mp_meter_config_request,
						.meter_id = argc > 2 ? meter_number(argv[2])
								     : OFPM_ALL };

	return print_and_close(argv[1], &q);
}

int ofctl_meter_stats(int argc, char **argv)
{
	struct of_mp_meter_request q = { .kind = OF_KIND_mp_meter_request,
					 .meter_id = argc > 2 ? meter_number(argv[2]) : OFPM_ALL };

	return print_and_close(argv[1], &q);
}

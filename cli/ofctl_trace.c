/* SPDX-License-Identifier: Apache-2.0 */
/* What a packet meets in a switch, in words: weft.proto's Trace. */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <pcap/pcap.h>

#include "cli/ofctl.h"
#include "cli/ofctl_frame.h"
#include "ofproto/mgmt.h"
#include "ofproto/text_packet.h"

enum { ENDS_MAX = 64 };

/* What the steps have come to. */
struct telling {
	struct ofctl_conn *conn;
	const struct of_names *names;
	const Weft__TraceRequest *asked;
	struct arena *arena;
	char *ends; /* "2,CONTROLLER" */
	size_t ends_len;
	FILE *f; /* of 'ends' */
	unsigned int n_ends;
	const char *dropped; /* why, the last time */
	unsigned int number; /* in a capture; 0: none */
};

/* ---- Asking ---- */

static const Weft__Trace *ask(struct ofctl_conn *c, Weft__TraceRequest *q, struct mgmt_join *join,
			      struct arena *a)
{
	Weft__Request r = WEFT__REQUEST__INIT;

	r.op_case = WEFT__REQUEST__OP_TRACE;
	r.trace = q;
	return ofctl_ask_weft(c, &r, WEFT__REPLY__BODY_TRACE, join, a)->trace;
}

/* ---- Telling ---- */

/* The element of a multipart reply that is one list of one; NULL: none. */
static const struct of_any *only(struct telling *t, ProtobufCBinaryData b, enum of_kind kind)
{
	const struct of_any *body;
	const struct of_list *l;
	struct of_msg *m;
	struct of_err e;

	if (!b.len || of_decode(b.data, b.len, t->arena, &m, &e))
		return NULL;
	body = ofctl_mp_body(m);
	if (!body || body->kind != kind)
		return NULL;
	l = kind == OF_KIND_mp_flow_reply ? &((const struct of_mp_flow_reply *)body)->flows
					  : &((const struct of_mp_group_desc_reply *)body)->groups;
	return l->n ? l->v[0] : NULL;
}

static void end(struct telling *t, uint32_t port)
{
	if (t->n_ends++ >= ENDS_MAX)
		return;
	fputs(t->n_ends > 1 ? "," : "", t->f);
	of_format_port(t->f, port, t->names);
}

/* The reply has a frame's headers; what is behind them only counts by its length. */
static void put_packet(const uint8_t *head, size_t n, size_t length)
{
	static uint8_t frame[UINT16_MAX + 256];

	if (length > sizeof(frame))
		length = sizeof(frame);
	if (n > length)
		n = length;
	memcpy(frame, head, n);
	memset(frame + n, 0, length - n);
	text_put_packet(stdout, frame, length);
}

static void put_frame(const struct telling *t, const Weft__TraceStep *s)
{
	const ProtobufCBinaryData *was = &t->asked->frame;

	printf(", %u bytes", s->length);
	if (s->length == was->len && s->head.len <= was->len &&
	    !memcmp(s->head.data, was->data, s->head.len)) {
		puts(", as it came in");
		return;
	}
	fputs(": ", stdout);
	put_packet(s->head.data, s->head.len, s->length);
}

static const struct of_flow_stats *only_flow(struct telling *t, ProtobufCBinaryData b)
{
	return (const struct of_flow_stats *)only(t, b, OF_KIND_mp_flow_reply);
}

static void put_rule(struct telling *t, const struct of_flow_stats *f)
{
	of_format_match_priority(stdout, &f->match, f->priority, t->names);
	printf("%scookie 0x%" PRIx64, f->priority == 0x8000 ? ", priority 32768, " : ", ",
	       f->cookie);
}

/* Why this rule and no other. */
static void put_why(struct telling *t, const Weft__TraceStep *s, const struct of_flow_stats *won)
{
	const struct of_flow_stats *f = only_flow(t, s->second);

	if (!f)
		return;
	if (won)
		fputs(f->priority == won->priority ? "    (matches too, of the same priority: "
						   : "    (before ",
		      stdout);
	else
		fputs("    (nearest: ", stdout);
	put_rule(t, f);
	for (size_t i = 0; i < s->n_differs; i++)
		printf("%s%s", i ? ", " : ": differs in ", s->differs[i]);
	puts(")");
}

/* Flows with conjunction actions: which clauses are met. */
static void put_clauses(struct telling *t, const Weft__TraceStep *s)
{
	for (size_t i = 0; i < s->n_clauses; i++) {
		const struct of_flow_stats *f = only_flow(t, s->clauses[i]);

		if (!f)
			continue;
		fputs("    meets ", stdout);
		of_format_insts(stdout, &f->insts, t->names);
		fputs(" by ", stdout);
		put_rule(t, f);
		putchar('\n');
	}
}

static void put_table(struct telling *t, const Weft__TraceStep *s)
{
	const struct of_flow_stats *f = only_flow(t, s->flow), *state = only_flow(t, s->state);

	if (state) {
		fputs("    with ", stdout);
		of_format_match(stdout, &state->match, t->names);
		putchar('\n');
	}
	printf("%2u. ", s->table);
	if (f)
		put_rule(t, f);
	else
		fputs("no flow matches", stdout);
	if (*s->template_)
		printf(" (by %s, %u flow%s, %u mask%s)", s->template_, s->rules,
		       s->rules == 1 ? "" : "s", s->masks, s->masks == 1 ? "" : "s");
	putchar('\n');
	put_clauses(t, s);
	put_why(t, s, f);
	if (!f)
		return;
	fputs("    ", stdout);
	of_format_insts(stdout, &f->insts, t->names);
	putchar('\n');
}

static void put_learn(struct telling *t, const Weft__TraceStep *s)
{
	const struct of_flow_stats *f = only_flow(t, s->flow);

	if (!f) {
		puts("    learns nothing: no packet could match it");
		return;
	}
	printf("    learns table=%u ", f->table_id);
	put_rule(t, f);
	fputs(", ", stdout);
	of_format_insts(stdout, &f->insts, t->names);
	puts(s->passed ? "" : " (not: its limit is reached)");
}

static void put_sample(const Weft__TraceStep *s)
{
	printf("    sample(probability=%u,obs_domain_id=%u,obs_point_id=%u) for collector set "
	       "%u%s\n",
	       s->sample_probability, s->sample_domain, s->sample_point, s->number,
	       s->passed ? "" : ", which is not configured");
}

static void put_cache(const Weft__TraceStep *s)
{
	printf("Flow cache of packet thread %u: ", s->number);
	switch (s->cache) {
	case WEFT__TRACE_STEP__CACHE__OFF:
		puts("switched off");
		break;
	case WEFT__TRACE_STEP__CACHE__ASIDE:
		puts("stands aside, as packets take less time without it; the tables answer");
		break;
	case WEFT__TRACE_STEP__CACHE__STALE:
		puts("void since the tables changed; they answer, and it learns");
		break;
	case WEFT__TRACE_STEP__CACHE__NO_ENTRY:
		puts("no entry; the tables answer, and it learns");
		break;
	case WEFT__TRACE_STEP__CACHE__ENTRY:
		printf("answers, with the %u flow%s below\n", s->rules, s->rules == 1 ? "" : "s");
		break;
	default:
		puts("did not say in time what it holds");
	}
}

/* "10.0.0.1:80", "[fc00::1]:80", "10.0.0.1 id 7" */
static void put_end(const ProtobufCBinaryData *a, const Weft__CtTuple *t, uint32_t port)
{
	char text[INET6_ADDRSTRLEN] = "?";

	if (a->len == 4 || a->len == 16)
		inet_ntop(a->len == 4 ? AF_INET : AF_INET6, a->data, text, sizeof(text));
	if (t->proto == IPPROTO_ICMP || t->proto == IPPROTO_ICMPV6)
		fputs(text, stdout);
	else
		printf(a->len == 16 ? "[%s]:%" PRIu32 : "%s:%" PRIu32, text, port);
}

static void put_ends(const Weft__CtTuple *t)
{
	put_end(&t->src, t, t->src_port);
	fputs(" to ", stdout);
	put_end(&t->dst, t, t->dst_port);
	if (t->proto == IPPROTO_ICMP || t->proto == IPPROTO_ICMPV6)
		printf(", id %" PRIu32, t->src_port);
}

/* What NAT makes of the packet; of a new connection that is a choice, and not made. */
static void put_translation(const Weft__TraceStep *s)
{
	if (!s->ct_from || !s->ct_to)
		return;
	fputs("        translates ", stdout);
	put_ends(s->ct_from);
	fputs(", into ", stdout);
	put_ends(s->ct_to);
	puts(s->ct_state & 0x01 && s->ct_commit ? " (as it would be chosen now)" : "");
}

/* "zone 3: established, reply; goes on in table 1" */
static void put_ct(const Weft__TraceStep *s)
{
	static const struct {
		uint32_t bit;
		const char *word;
	} words[] = {
		{ 0x10, "invalid" },
		{ 0x01, "new" },
		{ 0x02, "established" },
		{ 0x04, "related" },
		{ 0x08, "reply" },
		{ 0x40, "source translated" },
		{ 0x80, "destination translated" },
	};
	const char *between = ": ";

	printf("    ct: zone %" PRIu32, s->number);
	for (unsigned int i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (s->ct_state & words[i].bit) {
			printf("%s%s", between, words[i].word);
			between = ", ";
		}
	if (s->ct_mark)
		printf(", mark 0x%" PRIx32, s->ct_mark);
	if (s->ct_commit)
		fputs(s->ct_state & 0x01 ? "; would be committed" : "; commits", stdout);
	if (s->ct_seconds)
		printf(", %s %" PRIu32 " s", s->ct_timeout, s->ct_seconds);
	if (s->ct_forks)
		printf("; goes on in table %" PRIu32, s->table);
	putchar('\n');
	put_translation(s);
}

static void put_bucket(struct telling *t, const Weft__TraceStep *s)
{
	static const char *const types[] = { "all", "select", "indirect", "ff" };
	const struct of_group_desc *g =
		(const struct of_group_desc *)only(t, s->group, OF_KIND_mp_group_desc_reply);

	printf("    group %u", s->number);
	if (g && g->type < sizeof(types) / sizeof(types[0]))
		printf(" (%s)", types[g->type]);
	printf(", bucket %u: ", s->bucket);
	if (g && g->buckets.n)
		of_format_actions(stdout, &OF_AT(&g->buckets, 0, bucket)->actions, t->names);
	putchar('\n');
}

static void put_meter(const Weft__TraceStep *s)
{
	if (!s->passed)
		printf("    meter %u: over the rate of a drop band\n", s->number);
	else if (s->remark)
		printf("    meter %u: passes, its drop precedence raised by %u\n", s->number,
		       s->remark);
	else
		printf("    meter %u: passes\n", s->number);
}

static void put_packet_in(struct telling *t, const Weft__TraceStep *s)
{
	static const char *const reasons[] = { "no_match", "action", "invalid_ttl" };

	printf("    => packet-in, table %u, cookie 0x%" PRIx64 ", reason ", s->table, s->cookie);
	if (s->reason < sizeof(reasons) / sizeof(reasons[0]))
		fputs(reasons[s->reason], stdout);
	else
		printf("%u", s->reason);
	put_frame(t, s);
	end(t, OFPP_CONTROLLER);
}

static void put_to_port(struct telling *t, const char *what, const Weft__TraceStep *s)
{
	printf("    %s ", what);
	of_format_port(stdout, s->port, t->names);
	put_frame(t, s);
}

static void put_queued(struct telling *t, const Weft__TraceStep *s)
{
	char what[64] = "=> the default queue of";

	if (s->number != OFPQ_ALL)
		snprintf(what, sizeof(what), "=> queue %u of", s->number);
	put_to_port(t, what, s);
	end(t, s->port);
}

static void put_drop(struct telling *t, const Weft__Drop *d)
{
	if (!d)
		return;
	printf("    => dropped%s: %s (%s)\n", d->count > 1 ? ", more than once" : "", d->text,
	       d->name);
	t->dropped = d->name;
}

static void put_step(struct telling *t, const Weft__TraceStep *s)
{
	switch (s->kind) {
	case WEFT__TRACE_STEP__KIND__HIT:
	case WEFT__TRACE_STEP__KIND__MISS:
		put_table(t, s);
		break;
	case WEFT__TRACE_STEP__KIND__METER:
		put_meter(s);
		break;
	case WEFT__TRACE_STEP__KIND__CT:
		put_ct(s);
		break;
	case WEFT__TRACE_STEP__KIND__BUCKET:
		put_bucket(t, s);
		break;
	case WEFT__TRACE_STEP__KIND__OUTPUT:
		put_to_port(t, "output to", s);
		break;
	case WEFT__TRACE_STEP__KIND__SENT:
		put_to_port(t, "=> leaves by", s);
		end(t, s->port);
		break;
	case WEFT__TRACE_STEP__KIND__SAMPLE:
		put_sample(s);
		break;
	case WEFT__TRACE_STEP__KIND__LEARN:
		put_learn(t, s);
		break;
	case WEFT__TRACE_STEP__KIND__QUEUED:
		put_queued(t, s);
		break;
	case WEFT__TRACE_STEP__KIND__PACKET_IN:
		put_packet_in(t, s);
		break;
	case WEFT__TRACE_STEP__KIND__RESOLVE:
		put_to_port(t, "=> waits for the next hop of tunnel", s);
		break;
	case WEFT__TRACE_STEP__KIND__VTEP:
		puts("    => to the switch's own tunnel endpoint");
		break;
	case WEFT__TRACE_STEP__KIND__DROP:
		put_drop(t, s->drop);
		break;
	case WEFT__TRACE_STEP__KIND__CACHE:
		put_cache(s);
		break;
	default: /* a later switch's */
		printf("    (step of kind %d)\n", (int)s->kind);
	}
}

/* Behind resubmits: to the right, as Open vSwitch's trace has it. */
static void put_indented(struct telling *t, const Weft__TraceStep *s)
{
	enum { DEPTH_SHOWN = 16 };
	const int left = 4 * (int)(s->depth < DEPTH_SHOWN ? s->depth : DEPTH_SHOWN);
	FILE *out = stdout;
	size_t n;
	char *text, *line, *rest;

	stdout = open_memstream(&text, &n);
	if (!stdout)
		ofctl_die("out of memory");
	put_step(t, s);
	fclose(stdout);
	stdout = out;
	rest = text;
	while ((line = strsep(&rest, "\n")) && rest)
		printf("%*s%s\n", left, "", line);
	free(text);
}

static void put_trace(struct telling *t, const Weft__Trace *trace)
{
	t->f = open_memstream(&t->ends, &t->ends_len);
	if (!t->f)
		ofctl_die("out of memory");
	if (t->number)
		printf("Packet %u: in_port=", t->number);
	else
		fputs("Packet: in_port=", stdout);
	of_format_port(stdout, t->asked->in_port, t->names);
	putchar(',');
	text_put_packet(stdout, t->asked->frame.data, t->asked->frame.len);
	putchar('\n');
	for (size_t i = 0; i < trace->n_steps; i++)
		put_indented(t, trace->steps[i]);
	if (trace->cut)
		printf("    ... and more than these %zu steps\n", trace->n_steps);
	fclose(t->f);
	if (t->n_ends)
		printf("\nVerdict: %s%s\n", t->ends, t->n_ends > ENDS_MAX ? ",..." : "");
	else if (t->dropped)
		printf("\nVerdict: drop (%s)\n", t->dropped);
	else
		puts("\nVerdict: nothing leaves");
	free(t->ends);
}

/* ---- The command ---- */

/* "...,packet=HEX": cuts 'flow' there, and returns the bytes; 0: it is not there. */
static size_t given_packet(char *flow, struct arena *a, struct of_span *out)
{
	char *at = strstr(flow, "packet=");
	struct err e;

	if (!at || (at > flow && at[-1] != ',' && at[-1] != ' '))
		return 0;
	if (of_parse_packet(at + 7, a, out, &e))
		ofctl_die("%s", e.text);
	*at = '\0';
	if (at > flow)
		at[-1] = '\0';
	return out->n;
}

static ProtobufCBinaryData span(const void *p, size_t n)
{
	return (ProtobufCBinaryData){ .len = n, .data = (uint8_t *)(uintptr_t)p };
}

/* The outer addresses: IPv4's four bytes, or IPv6's. */
static ProtobufCBinaryData address(const be32 *v4, const uint8_t v6[16])
{
	static const uint8_t none[16];

	if (*v4)
		return span(v4, 4);
	return memcmp(v6, none, 16) ? span(v6, 16) : span(none, 0);
}

/* Where a packet comes from is all that can be said of one that is there. */
static void check_only_origin(const struct of_match *m)
{
	FIELD_EACH (f)
		if (!f->is_alias && of_match_has(m, f) && f->id != OF_FIELD_IN_PORT &&
		    f->id != OF_FIELD_TUN_ID && f->id != OF_FIELD_TUN_SRC &&
		    f->id != OF_FIELD_TUN_DST && f->id != OF_FIELD_TUN_IPV6_SRC &&
		    f->id != OF_FIELD_TUN_IPV6_DST)
			ofctl_die("%s: the packet is given, and has its own", f->match);
}

static void set_origin(const struct of_match *m, Weft__TraceRequest *q)
{
	if (!m->mask.in_port)
		ofctl_die("in_port is missing: where does the packet come in?");
	q->in_port = be32toh(m->value.in_port);
	q->tun_id = be64toh(m->value.tun_id);
	q->tun_src = address(&m->value.tun_src, m->value.tun_ipv6_src);
	q->tun_dst = address(&m->value.tun_dst, m->value.tun_ipv6_dst);
}

static void trace_one(struct ofctl_conn *c, Weft__TraceRequest *q, unsigned int number)
{
	struct arena a;
	struct telling t = { .conn = c, .asked = q, .arena = &a, .number = number };
	struct mgmt_join join;

	arena_init(&a, 0);
	mgmt_join_init(&join, 0);
	t.names = ofctl_shown_names(c);
	put_trace(&t, ask(c, q, &join, &a));
	mgmt_join_fini(&join);
	arena_fini(&a);
}

static void trace_capture(struct ofctl_conn *c, Weft__TraceRequest *q, const char *file)
{
	char why[PCAP_ERRBUF_SIZE];
	pcap_t *capture = pcap_open_offline(file, why);
	struct pcap_pkthdr *h;
	unsigned int n = 0;
	const uint8_t *p;
	int rc;

	if (!capture)
		ofctl_die("%s", why);
	if (pcap_datalink(capture) != DLT_EN10MB)
		ofctl_die("%s: not a capture of Ethernet frames", file);
	while ((rc = pcap_next_ex(capture, &h, &p)) == 1) {
		q->frame = span(p, h->caplen);
		if (n++)
			putchar('\n');
		trace_one(c, q, n);
	}
	if (rc == PCAP_ERROR)
		ofctl_die("%s: %s", file, pcap_geterr(capture));
	pcap_close(capture);
}

int ofctl_trace(int argc, char **argv)
{
	struct ofctl_conn *c = ofctl_connect(argv[1]);
	Weft__TraceRequest q = WEFT__TRACE_REQUEST__INIT;
	uint8_t frame[OFCTL_FRAME_MAX];
	struct of_span packet = { 0 };
	struct of_match m;
	struct arena a;
	struct err e;
	int n;

	arena_init(&a, 0);
	given_packet(argv[2], &a, &packet);
	if (of_parse_match(argv[2], ofctl_names(c), &m, &e))
		ofctl_die("%s", e.text);
	set_origin(&m, &q);
	if (packet.n || ofctl_options.pcap)
		check_only_origin(&m);
	if (packet.n && ofctl_options.pcap)
		ofctl_die("packet= and --pcap: one of them");
	n = ofctl_frame(&m, frame, &e);
	if (n < 0)
		ofctl_die("%s", e.text);
	q.frame = packet.n ? span(packet.p, packet.n) : span(frame, (size_t)n);
	if (ofctl_options.pcap)
		trace_capture(c, &q, ofctl_options.pcap);
	else
		trace_one(c, &q, 0);
	arena_fini(&a);
	ofctl_close(c);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* OpenFlow as it was on a connection, printed: from a file of its bytes, or from a capture. */
#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#include "base/byteorder.h"
#include "cli/ofctl.h"

/* ---- ofp-parse: a stream of messages in a file ---- */

/* One message into 'p' of OF_MSG_MAX bytes; its length, 0 at the end of the file. */
static size_t read_message(FILE *f, const char *file, uint8_t *p)
{
	size_t n = fread(p, 1, OF_HEADER_LEN, f), len;

	if (!n && !ferror(f))
		return 0;
	if (n < OF_HEADER_LEN)
		ofctl_die("%s: unexpected end of file mid-message", file);
	len = get_be16(p + 2);
	if (len < OF_HEADER_LEN)
		ofctl_die("%s: %zu-byte message is too short for OpenFlow", file, len);
	if (fread(p + OF_HEADER_LEN, 1, len - OF_HEADER_LEN, f) != len - OF_HEADER_LEN)
		ofctl_die("%s: unexpected end of file mid-message", file);
	return len;
}

int ofctl_ofp_parse(int argc, char **argv)
{
	const struct of_text_opts o = { .stats = true, .hex_data = ofctl_options.more > 0 };
	FILE *f = strcmp(argv[1], "-") ? fopen(argv[1], "rb") : stdin;
	static uint8_t bytes[OF_MSG_MAX];
	size_t n;

	if (!f)
		ofctl_die("%s: open (%s)", argv[1], strerror(errno));
	while ((n = read_message(f, argv[1], bytes)))
		of_format_raw(stdout, bytes, n, &o);
	if (f != stdin)
		fclose(f);
	return 0;
}

/* ---- ofp-parse-pcap: TCP segments put together again ---- */

enum { MAX_STREAM_PORTS = 64 };

struct stream {
	struct stream *next;
	uint8_t src[4], dst[4];
	uint16_t sport, dport;
	uint32_t seq; /* of the next byte */
	uint8_t *v;
	size_t n;
};

struct segment {
	const uint8_t *ip, *tcp, *data;
	size_t n;
};

/* IPv4 and TCP behind Ethernet, or false.  No tags and no fragments: a connection to a controller.
 */
static bool dissect(const uint8_t *p, size_t n, struct segment *s)
{
	size_t ihl, len, thl;

	if (n < 34 || get_be16(p + 12) != 0x0800 || p[14] >> 4 != 4 || p[23] != 6)
		return false;
	s->ip = p + 14;
	ihl = (s->ip[0] & 15) * 4u;
	len = get_be16(s->ip + 2);
	if (ihl < 20 || (get_be16(s->ip + 6) & 0x3fff) || len > n - 14 || len < ihl + 20)
		return false;
	s->tcp = s->ip + ihl;
	thl = (s->tcp[12] >> 4) * 4u;
	if (thl < 20 || len < ihl + thl)
		return false;
	s->data = s->tcp + thl;
	s->n = len - ihl - thl;
	return true;
}

static struct stream *find_stream(struct stream **all, const struct segment *s)
{
	const uint16_t sport = get_be16(s->tcp), dport = get_be16(s->tcp + 2);
	struct stream *t;

	for (t = *all; t; t = t->next)
		if (!memcmp(t->src, s->ip + 12, 4) && !memcmp(t->dst, s->ip + 16, 4) &&
		    t->sport == sport && t->dport == dport)
			return t;
	t = calloc(1, sizeof(*t));
	if (!t)
		ofctl_die("out of memory");
	memcpy(t->src, s->ip + 12, 4);
	memcpy(t->dst, s->ip + 16, 4);
	t->sport = sport;
	t->dport = dport;
	t->seq = get_be32(s->tcp + 4);
	t->next = *all;
	*all = t;
	return t;
}

static void print_one(const struct stream *t, size_t n)
{
	const struct of_text_opts o = { .stats = true,
					.hex_data = ofctl_options.more > 1,
					.no_payload = !ofctl_options.more };
	static bool any;

	printf("%s%u.%u.%u.%u.%u > %u.%u.%u.%u.%u:\n", any ? "\n" : "", t->src[0], t->src[1],
	       t->src[2], t->src[3], t->sport, t->dst[0], t->dst[1], t->dst[2], t->dst[3],
	       t->dport);
	of_format_raw(stdout, t->v, n, &o);
	any = true;
}

/* The whole messages at the stream's beginning.  A length that none can have ends it. */
static void print_stream(struct stream *t)
{
	while (t->n >= OF_HEADER_LEN) {
		size_t len = get_be16(t->v + 2);

		if (len < OF_HEADER_LEN) {
			fprintf(stderr, "weft-ofctl: %zu-byte message is too short for OpenFlow\n",
				len);
			t->n = 0;
			return;
		}
		if (t->n < len)
			return;
		print_one(t, len);
		t->n -= len;
		memmove(t->v, t->v + len, t->n);
	}
}

/* What comes in order is kept; a gap is never filled, for then the capture has lost something. */
static void add_segment(struct stream *t, const struct segment *s)
{
	enum { SYN = 2 };
	uint32_t seq = get_be32(s->tcp + 4), known;

	if (s->tcp[13] & SYN) {
		t->seq = seq + 1;
		t->n = 0;
		return;
	}
	known = t->seq - seq;
	if (!s->n || (int32_t)known < 0 || known >= s->n)
		return;
	t->v = realloc(t->v, t->n + s->n - known);
	if (!t->v)
		ofctl_die("out of memory");
	memcpy(t->v + t->n, s->data + known, s->n - known);
	t->n += s->n - known;
	t->seq += (uint32_t)(s->n - known);
	print_stream(t);
}

struct port_list {
	uint16_t v[MAX_STREAM_PORTS];
	unsigned int n;
};

static bool listed(const struct port_list *l, uint16_t port)
{
	for (unsigned int i = 0; i < l->n; i++)
		if (l->v[i] == port)
			return true;
	return false;
}

static struct port_list read_ports(int argc, char **argv)
{
	struct port_list l = { .v = { 6633, 6653 }, .n = 2 };

	if (argc > 2)
		l.n = 0;
	for (int i = 2; i < argc; i++) {
		char *end;
		unsigned long port = strtoul(argv[i], &end, 10);

		if (end == argv[i] || *end || port > UINT16_MAX || l.n == MAX_STREAM_PORTS)
			ofctl_die("%s: expected a TCP port", argv[i]);
		l.v[l.n++] = (uint16_t)port;
	}
	return l;
}

int ofctl_ofp_parse_pcap(int argc, char **argv)
{
	const struct port_list ports = read_ports(argc, argv);
	char why[PCAP_ERRBUF_SIZE];
	pcap_t *capture = pcap_open_offline(argv[1], why);
	struct stream *all = NULL;
	struct pcap_pkthdr *h;
	const uint8_t *p;
	int rc;

	if (!capture)
		ofctl_die("%s", why);
	if (pcap_datalink(capture) != DLT_EN10MB)
		ofctl_die("%s: not a capture of Ethernet frames", argv[1]);
	while ((rc = pcap_next_ex(capture, &h, &p)) == 1) {
		struct segment s;

		if (dissect(p, h->caplen, &s) &&
		    (listed(&ports, get_be16(s.tcp)) || listed(&ports, get_be16(s.tcp + 2))))
			add_segment(find_stream(&all, &s), &s);
	}
	if (rc == PCAP_ERROR)
		ofctl_die("%s: %s", argv[1], pcap_geterr(capture));
	pcap_close(capture);
	while (all) {
		struct stream *t = all;

		all = t->next;
		free(t->v);
		free(t);
	}
	return 0;
}

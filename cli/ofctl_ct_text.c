/* SPDX-License-Identifier: Apache-2.0 */
/* A connection in words, and the words that name one. */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/ofctl_ct.h"

enum { ICMP = 1, IGMP = 2, TCP = 6, UDP = 17, DCCP = 33, ICMPV6 = 58, SCTP = 132, UDPLITE = 136 };

static bool is_icmp(uint32_t proto)
{
	return proto == ICMP || proto == ICMPV6;
}

/* ---- Printing ---- */

static const struct {
	uint8_t proto;
	const char *name, *title;
} protos[] = {
	{ ICMP, "icmp", "ICMP" }, { IGMP, "igmp", "IGMP" },	     { TCP, "tcp", "TCP" },
	{ UDP, "udp", "UDP" },	  { DCCP, "dccp", "DCCP" },	     { ICMPV6, "icmpv6", "ICMPv6" },
	{ SCTP, "sctp", "SCTP" }, { UDPLITE, "udplite", "UDPLITE" },
};

static void put_proto(FILE *f, uint32_t proto, bool title)
{
	for (unsigned int i = 0; i < sizeof(protos) / sizeof(protos[0]); i++)
		if (protos[i].proto == proto) {
			fputs(title ? protos[i].title : protos[i].name, f);
			return;
		}
	fprintf(f, "%" PRIu32, proto);
}

void ofctl_ct_put_proto(FILE *f, uint32_t proto)
{
	put_proto(f, proto, false);
}

void ofctl_ct_put_title(FILE *f, uint32_t proto)
{
	put_proto(f, proto, true);
}

static void put_address(FILE *f, const char *name, const ProtobufCBinaryData *a)
{
	char text[INET6_ADDRSTRLEN] = "?";

	if (a->len == 4 || a->len == 16)
		inet_ntop(a->len == 4 ? AF_INET : AF_INET6, a->data, text, sizeof(text));
	fprintf(f, "%s=%s", name, text);
}

static void put_tuple(FILE *f, const char *name, const Weft__CtTuple *t, bool stats,
		      uint64_t packets)
{
	if (!t)
		return;
	fprintf(f, ",%s=(", name);
	put_address(f, "src", &t->src);
	put_address(f, ",dst", &t->dst);
	if (is_icmp(t->proto))
		fprintf(f, ",id=%" PRIu32 ",type=%" PRIu32 ",code=%" PRIu32, t->src_port,
			t->dst_port >> 8, t->dst_port & 0xff);
	else
		fprintf(f, ",sport=%" PRIu32 ",dport=%" PRIu32, t->src_port, t->dst_port);
	if (stats)
		fprintf(f, ",packets=%" PRIu64, packets);
	fputc(')', f);
}

static void put_status(FILE *f, uint32_t status)
{
	static const struct {
		uint32_t bit;
		const char *name;
	} names[] = {
		{ WEFT__CT_STATUS__CT_EXPECTED, "EXPECTED" },
		{ WEFT__CT_STATUS__CT_SEEN_REPLY, "SEEN_REPLY" },
		{ WEFT__CT_STATUS__CT_SRC_NAT, "SRC_NAT" },
		{ WEFT__CT_STATUS__CT_DST_NAT, "DST_NAT" },
		{ WEFT__CT_STATUS__CT_SEQ_ADJUST, "SEQ_ADJUST" },
		{ WEFT__CT_STATUS__CT_HELPER, "HELPER" },
	};
	const char *between = "";

	fputs(",status=", f);
	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (status & names[i].bit) {
			fprintf(f, "%s%s", between, names[i].name);
			between = "|";
		}
	if (!*between)
		fputc('0', f);
}

static void put_label(FILE *f, const ProtobufCBinaryData *l)
{
	size_t i = 0;

	while (i < l->len && !l->data[i])
		i++;
	if (i == l->len)
		return;
	fprintf(f, ",labels=0x%x", l->data[i]);
	while (++i < l->len)
		fprintf(f, "%02x", l->data[i]);
}

static void put_protoinfo(FILE *f, const Weft__CtConn *c, bool more)
{
	if (!*c->state)
		return;
	if (more)
		fprintf(f,
			",protoinfo=(state_orig=%s,state_reply=%s,wscale_orig=%" PRIu32
			",wscale_reply=%" PRIu32 ")",
			c->state_orig, c->state_reply, c->wscale_orig, c->wscale_reply);
	else
		fprintf(f, ",protoinfo=(state=%s)", c->state);
}

void ofctl_ct_put(FILE *f, const Weft__CtConn *c, bool stats, bool more, bool ends)
{
	put_proto(f, c->orig ? c->orig->proto : 0, false);
	put_tuple(f, "orig", c->orig, stats, c->packets_orig);
	put_tuple(f, "reply", c->reply, stats, c->packets_reply);
	if (more)
		fprintf(f, ",id=%" PRIu32, c->id);
	if (c->zone)
		fprintf(f, ",zone=%" PRIu32, c->zone);
	if (more)
		put_status(f, c->status);
	if (stats)
		fprintf(f, ",age=%" PRIu32, c->age);
	if (stats || ends)
		fprintf(f, ",timeout=%" PRIu32, c->timeout);
	if (c->mark)
		fprintf(f, ",mark=%" PRIu32, c->mark);
	put_label(f, &c->label);
	put_protoinfo(f, c, more);
	if (*c->helper)
		fprintf(f, ",helper=%s", c->helper);
}

/* ---- Reading ---- */

int ofctl_ct_number(const char *s, char end, uint32_t max, uint32_t *out, struct err *e)
{
	unsigned long long v;
	char *rest;

	errno = 0;
	v = strtoull(s, &rest, 0);
	if (rest == s || *s == '-' || errno || v > max || (*rest && *rest != end))
		return err_set(e, -EINVAL, "'%.40s': a number up to %" PRIu32 " is right", s, max);
	*out = (uint32_t)v;
	return 0;
}

struct key {
	const char *name;
	enum { SRC4, DST4, SRC6, DST6, PROTO, TP_SRC, TP_DST, ID, TYPE, CODE } what;
};

static const struct key keys[] = {
	{ "ct_nw_src", SRC4 },	 { "ct_nw_dst", DST4 },	   { "ct_ipv6_src", SRC6 },
	{ "ct_ipv6_dst", DST6 }, { "ct_nw_proto", PROTO }, { "ct_tp_src", TP_SRC },
	{ "ct_tp_dst", TP_DST }, { "icmp_id", ID },	   { "icmp_type", TYPE },
	{ "icmp_code", CODE },
};

static int read_address(const char *s, int family, uint8_t *to, ProtobufCBinaryData *b,
			struct err *e)
{
	if (inet_pton(family, s, to) != 1)
		return err_set(e, -EINVAL, "'%.60s' is no %s address", s,
			       family == AF_INET ? "IPv4" : "IPv6");
	*b = (ProtobufCBinaryData){ .data = to, .len = family == AF_INET ? 4 : 16 };
	return 0;
}

static int read_key(struct ofctl_ct_what *w, const struct key *k, const char *v, struct err *e)
{
	Weft__CtTuple *t = &w->tuple;
	uint32_t n = 0;
	int rc;

	switch (k->what) {
	case SRC4:
	case SRC6:
		return read_address(v, k->what == SRC4 ? AF_INET : AF_INET6, w->src, &t->src, e);
	case DST4:
	case DST6:
		return read_address(v, k->what == DST4 ? AF_INET : AF_INET6, w->dst, &t->dst, e);
	case PROTO:
		return ofctl_ct_number(v, 0, UINT8_MAX, &t->proto, e);
	case TP_SRC:
	case ID:
		return ofctl_ct_number(v, 0, UINT16_MAX, &t->src_port, e);
	case TP_DST:
		return ofctl_ct_number(v, 0, UINT16_MAX, &t->dst_port, e);
	case TYPE:
		rc = ofctl_ct_number(v, 0, UINT8_MAX, &n, e);
		t->dst_port |= n << 8;
		return rc;
	case CODE:
		rc = ofctl_ct_number(v, 0, UINT8_MAX, &n, e);
		t->dst_port |= n;
		return rc;
	}
	return 0;
}

static int read_pair(struct ofctl_ct_what *w, char *pair, struct err *e)
{
	char *v = strchr(pair, '=');

	if (v)
		*v++ = 0;
	for (unsigned int i = 0; v && i < sizeof(keys) / sizeof(keys[0]); i++)
		if (!strcmp(keys[i].name, pair))
			return read_key(w, &keys[i], v, e);
	return err_set(e, -EINVAL,
		       "'%.40s': ct_nw_src, ct_nw_dst, ct_ipv6_src, ct_ipv6_dst, ct_nw_proto, "
		       "ct_tp_src, ct_tp_dst, icmp_id, icmp_type and icmp_code, each with =VALUE, "
		       "are understood",
		       pair);
}

int ofctl_ct_what(struct ofctl_ct_what *w, const char *word, struct err *e)
{
	char copy[512], *save = NULL;
	const Weft__CtTuple *t = &w->tuple;

	if (!strncmp(word, "zone=", 5)) {
		w->in_zone = true;
		return ofctl_ct_number(word + 5, 0, UINT16_MAX, &w->zone, e);
	}
	if (strlen(word) >= sizeof(copy))
		return err_set(e, -EINVAL, "a tuple of %zu letters", strlen(word));
	if (!w->has_tuple)
		weft__ct_tuple__init(&w->tuple);
	w->has_tuple = true;
	snprintf(copy, sizeof(copy), "%s", word);
	for (char *s = strtok_r(copy, ", ", &save); s; s = strtok_r(NULL, ", ", &save)) {
		const int rc = read_pair(w, s, e);

		if (rc)
			return rc;
	}
	if (t->src.len && t->dst.len && t->src.len != t->dst.len)
		return err_set(e, -EINVAL, "addresses of both IP versions");
	w->whole = t->src.len && t->dst.len && t->proto &&
		   ((t->src_port && t->dst_port) ||
		    (t->proto != TCP && t->proto != UDP && t->proto != SCTP));
	return 0;
}

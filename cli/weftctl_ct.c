/* SPDX-License-Identifier: Apache-2.0 */
/* Connections that a switch tracks, and its zones. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/ofctl_ct.h"
#include "cli/weftctl.h"

enum { ICMP = 1, ICMPV6 = 58 };

static void put_address(char *to, size_t n, const ProtobufCBinaryData *a)
{
	snprintf(to, n, "?");
	if (a->len == 4 || a->len == 16)
		inet_ntop(a->len == 4 ? AF_INET : AF_INET6, a->data, to, (socklen_t)n);
}

/* "10.0.0.1:80", "[fc00::1]:80" */
static void put_end(char *to, size_t n, const ProtobufCBinaryData *a, uint32_t proto, uint32_t port)
{
	char address[INET6_ADDRSTRLEN];

	put_address(address, sizeof(address), a);
	if (proto == ICMP || proto == ICMPV6)
		snprintf(to, n, "%s", address);
	else
		snprintf(to, n, a->len == 16 ? "[%s]:%" PRIu32 : "%s:%" PRIu32, address, port);
}

static char *proto_name(uint32_t proto)
{
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	if (!f)
		return NULL;
	ofctl_ct_put_proto(f, proto);
	fclose(f);
	return text;
}

static json_t *tuple_json(const Weft__CtTuple *t)
{
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];
	const bool icmp = t->proto == ICMP || t->proto == ICMPV6;

	put_address(src, sizeof(src), &t->src);
	put_address(dst, sizeof(dst), &t->dst);
	if (icmp)
		return json_pack("{s:s,s:s,s:I,s:I,s:I}", "src", src, "dst", dst, "id",
				 (json_int_t)t->src_port, "type", (json_int_t)(t->dst_port >> 8),
				 "code", (json_int_t)(t->dst_port & 0xff));
	return json_pack("{s:s,s:s,s:I,s:I}", "src", src, "dst", dst, "sport",
			 (json_int_t)t->src_port, "dport", (json_int_t)t->dst_port);
}

static void conn_json(const Weft__CtConn *c)
{
	char *proto = proto_name(c->orig->proto), label[35] = "0x0";
	json_t *o;

	for (size_t i = 0; i < c->label.len && i < 16; i++)
		snprintf(label + 2 + 2 * i, 3, "%02x", c->label.data[i]);
	o = json_pack("{s:I,s:s,s:I,s:o,s:o,s:I,s:s,s:s,s:I,s:I,s:I,s:I,s:s}", "id",
		      (json_int_t)c->id, "protocol", proto ? proto : "?", "zone",
		      (json_int_t)c->zone, "orig", tuple_json(c->orig), "reply",
		      tuple_json(c->reply), "mark", (json_int_t)c->mark, "label", label, "state",
		      c->state, "packets", (json_int_t)c->packets_orig, "reply_packets",
		      (json_int_t)c->packets_reply, "age", (json_int_t)c->age, "timeout",
		      (json_int_t)c->timeout, "helper", c->helper);
	if (o)
		json_dumpf(o, stdout, 0);
	putchar('\n');
	json_decref(o);
	free(proto);
}

static void conn_line(const Weft__CtConn *c)
{
	char from[64], to[64], back[64], mark[16] = "";
	char *proto = proto_name(c->orig->proto);

	put_end(from, sizeof(from), &c->orig->src, c->orig->proto, c->orig->src_port);
	put_end(to, sizeof(to), &c->orig->dst, c->orig->proto, c->orig->dst_port);
	put_end(back, sizeof(back), &c->reply->dst, c->reply->proto, c->reply->dst_port);
	if (c->mark)
		snprintf(mark, sizeof(mark), "0x%" PRIx32, c->mark);
	printf("%-6" PRIu32 "%-8s%-24s%-24s%-24s%-14s%-12s%8" PRIu32 "\n", c->zone,
	       proto ? proto : "?", from, to, back, c->state, mark, c->timeout);
	free(proto);
}

void ctl_conns_print(const struct ctl *c, const Weft__CtConns *l, bool first)
{
	if (first && !c->json)
		printf("%-6s%-8s%-24s%-24s%-24s%-14s%-12s%8s\n", "ZONE", "PROTO", "FROM", "TO",
		       "ANSWERED TO", "STATE", "MARK", "TIMEOUT");
	for (size_t i = 0; i < l->n_conns; i++) {
		if (!l->conns[i]->orig || !l->conns[i]->reply)
			continue;
		c->json ? conn_json(l->conns[i]) : conn_line(l->conns[i]);
	}
}

static json_t *zones_json(const Weft__CtStats *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->n_zones; i++) {
		const Weft__CtZone *z = s->zones[i];
		const bool full = z->limit && z->conns >= z->limit;

		json_array_append_new(
			list,
			json_pack("{s:I,s:I,s:o,s:I,s:I,s:I,s:I,s:I,s:s}", "zone",
				  (json_int_t)z->zone, "connections", (json_int_t)z->conns, "limit",
				  z->limit ? json_integer((json_int_t)z->limit) : json_null(),
				  "created", (json_int_t)z->created, "refused_at_limit",
				  (json_int_t)z->refused_limit, "refused_table_full",
				  (json_int_t)z->refused_full, "refused_nat",
				  (json_int_t)z->refused_nat, "invalid", (json_int_t)z->invalid,
				  "state", full ? "FULL" : "ok"));
	}
	return list;
}

void ctl_ct_stats_print(const struct ctl *c, const Weft__CtStats *s, bool zones)
{
	static const struct ctl_column columns[] = {
		{ "ZONE", "zone" },
		{ "CONNECTIONS", "connections" },
		{ "LIMIT", "limit" },
		{ "STATE", "state" },
		{ "CREATED", "created" },
		{ "REFUSED: LIMIT", "refused_at_limit" },
		{ "TABLE FULL", "refused_table_full" },
		{ "NAT", "refused_nat" },
		{ "INVALID PACKETS", "invalid" },
		{ NULL, NULL },
	};
	json_t *list = zones_json(s), *o;

	if (zones) {
		c->json ? ctl_json(list) : ctl_table(list, columns);
		json_decref(list);
		return;
	}
	o = json_pack("{s:b,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "table", (int)s->on,
		      "connections", (json_int_t)s->conns, "max", (json_int_t)s->max, "created",
		      (json_int_t)s->created, "expired", (json_int_t)s->expired, "deleted",
		      (json_int_t)s->deleted, "expired_early", (json_int_t)s->early,
		      "refused_table_full", (json_int_t)s->full, "refused_at_limit",
		      (json_int_t)s->zone_full, "memory_bytes", (json_int_t)s->bytes,
		      "memory_max_bytes", (json_int_t)s->max_bytes);
	if (c->json)
		json_object_set(o, "zones", list);
	c->json ? ctl_json(o) : ctl_object(o);
	json_decref(list);
	json_decref(o);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ct(...), what stands in it, and ct_clear.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/byteorder.h"
#include "ofproto/text_action.h"

enum { ZONE_BITS = 16 };

/* ALGs by the port of their protocol. */
static const struct {
	const char *name;
	uint16_t port;
	enum of_pre pre;
} algs[] = { { "ftp", 21, OF_PRE_TCP }, { "tftp", 69, OF_PRE_UDP } };
enum { N_ALGS = sizeof(algs) / sizeof(algs[0]) };

/* ---- nat(src=10.0.0.1-10.0.0.9:80-90,persistent) ---- */

/* An address, of IPv6 perhaps in brackets; its IP version, or -EINVAL. */
static int read_address(const char **s, uint8_t addr[16])
{
	const char *p = *s;

	memset(addr, 0, 16);
	if (!text_ip4(&p, addr) && *p != ':') {
		*s = p;
		return 4;
	}
	/* "10.0.0.1:80" is an address and a port, not IPv6's. */
	p = *s;
	if (strchr(p, '.') && !text_ip4(&p, addr)) {
		*s = p;
		return 4;
	}
	p = *s;
	memset(addr, 0, 16);
	if (*p == '[') {
		p++;
		if (text_ip6(&p, addr) || *p++ != ']')
			return -EINVAL;
	} else if (text_ip6(&p, addr)) {
		return -EINVAL;
	}
	*s = p;
	return 6;
}

static int read_port(const char **s, uint16_t *port)
{
	char *end;
	unsigned long v = strtoul(*s, &end, 10);

	if (end == *s || v > UINT16_MAX)
		return -EINVAL;
	*s = end;
	*port = (uint16_t)v;
	return 0;
}

/* ":80" or ":80-90"; a port of 0 is none. */
static int read_ports(const char **s, struct of_nat_range *g)
{
	if (**s != ':')
		return 0;
	++*s;
	if (read_port(s, &g->proto_min))
		return -EINVAL;
	g->proto_max = g->proto_min;
	if (g->proto_min)
		g->present |= OF_NAT_PROTO_MIN;
	if (**s != '-')
		return 0;
	++*s;
	if (read_port(s, &g->proto_max) || !g->proto_min || g->proto_max < g->proto_min)
		return -EINVAL;
	g->present |= OF_NAT_PROTO_MAX;
	return 0;
}

static bool read_range(const char *s, struct of_nat_range *g)
{
	static const uint8_t none[16];
	int ip = read_address(&s, g->addr_min);

	if (ip < 0 || !memcmp(g->addr_min, none, 16))
		return false;
	g->present = ip == 4 ? OF_NAT_IPV4_MIN : OF_NAT_IPV6_MIN;
	memcpy(g->addr_max, g->addr_min, 16);
	if (*s == '-') {
		s++;
		if (read_address(&s, g->addr_max) != ip || memcmp(g->addr_max, g->addr_min, 16) < 0)
			return false;
		g->present |= ip == 4 ? OF_NAT_IPV4_MAX : OF_NAT_IPV6_MAX;
	}
	return !read_ports(&s, g) && !*s;
}

static int parse_nat_way(struct text_actions *c, struct of_nx_nat *n, uint16_t way, const char *key,
			 const char *value)
{
	if (n->flags & (NX_NAT_F_SRC | NX_NAT_F_DST))
		return err_set(c->e, -EINVAL, "nat: either src or dst, and once");
	n->flags |= way;
	if (!*value)
		return 0;
	if (!read_range(value, &n->range))
		return err_set(c->e, -EINVAL,
			       "nat: %s=%s: expected ADDRESS[-ADDRESS][:PORT[-PORT]], IPv6 in "
			       "brackets before a port",
			       key, value);
	if (!c->checked)
		return 0;
	return text_need(c, "nat to such an address",
			 n->range.present & OF_NAT_IPV4_MIN ? OF_PRE_IPV4 : OF_PRE_IPV6);
}

static int parse_nat(struct text_actions *c, const struct text_action *row, char *arg)
{
	struct of_nx_nat *n = TEXT_ADD(c, nx_nat);
	char *key, *value;
	int r = 0;

	if (!n)
		return -ENOMEM;
	while (!r && text_next(&arg, &key, &value)) {
		if (!strcmp(key, "src"))
			r = parse_nat_way(c, n, NX_NAT_F_SRC, key, value);
		else if (!strcmp(key, "dst"))
			r = parse_nat_way(c, n, NX_NAT_F_DST, key, value);
		else if (!strcmp(key, "persistent"))
			n->flags |= NX_NAT_F_PERSISTENT;
		else if (!strcmp(key, "hash"))
			n->flags |= NX_NAT_F_PROTO_HASH;
		else if (!strcmp(key, "random"))
			n->flags |= NX_NAT_F_PROTO_RANDOM;
		else
			r = err_set(c->e, -EINVAL,
				    "nat: \"%s\": expected src, dst, persistent, hash, random",
				    key);
	}
	if (!r && n->flags & NX_NAT_F_PROTO_HASH && n->flags & NX_NAT_F_PROTO_RANDOM)
		r = err_set(c->e, -EINVAL, "nat: hash and random exclude each other");
	if (!r && n->flags && !(n->flags & (NX_NAT_F_SRC | NX_NAT_F_DST)))
		r = err_set(c->e, -EINVAL, "nat: persistent, hash and random go with src or dst");
	return r;
}

static void put_address(FILE *f, const struct of_nat_range *g, const uint8_t *addr)
{
	bool bracket = g->present & OF_NAT_PROTO_MIN;

	if (g->present & OF_NAT_IPV4_MIN) {
		text_put_ip4(f, addr);
		return;
	}
	fputs(bracket ? "[" : "", f);
	text_put_ip6(f, addr);
	fputs(bracket ? "]" : "", f);
}

static void put_range(FILE *f, const struct of_nat_range *g)
{
	if (!(g->present & (OF_NAT_IPV4_MIN | OF_NAT_IPV6_MIN)))
		return;
	fputc('=', f);
	put_address(f, g, g->addr_min);
	if (memcmp(g->addr_min, g->addr_max, 16)) {
		fputc('-', f);
		put_address(f, g, g->addr_max);
	}
	if (g->present & OF_NAT_PROTO_MIN)
		fprintf(f, ":%u", g->proto_min);
	if (g->present & OF_NAT_PROTO_MIN && g->proto_max != g->proto_min)
		fprintf(f, "-%u", g->proto_max);
}

static void put_nat(FILE *f, const struct of_any *a, const struct of_names *n)
{
	const struct of_nx_nat *x = (const void *)a;

	fputs("nat", f);
	if (!(x->flags & (NX_NAT_F_SRC | NX_NAT_F_DST)))
		return;
	fputs(x->flags & NX_NAT_F_SRC ? "(src" : "(dst", f);
	put_range(f, &x->range);
	if (x->flags & NX_NAT_F_PERSISTENT)
		fputs(",persistent", f);
	if (x->flags & NX_NAT_F_PROTO_HASH)
		fputs(",hash", f);
	if (x->flags & NX_NAT_F_PROTO_RANDOM)
		fputs(",random", f);
	fputc(')', f);
}

/* ---- ct ---- */

static int parse_zone(struct text_actions *c, const char *value, struct of_ct_zone *z)
{
	int r;

	if (!text_u16(value, "zone", &z->value, NULL)) {
		z->src = (struct of_subfield){ 0 };
		return 0;
	}
	z->value = 0;
	r = text_parse_subfield(value, &z->src, c->e);
	if (r)
		return err_wrap(c->e, r, "zone: neither 0 to 65535 nor a field");
	if (z->src.n_bits != ZONE_BITS)
		return err_set(c->e, -EINVAL, "zone=%s: a zone has 16 bits, that has %u", value,
			       z->src.n_bits);
	return text_need_field(c, "ct's zone", z->src.field);
}

static int parse_alg(struct text_actions *c, const char *value, struct of_nx_ct *ct)
{
	for (unsigned int i = 0; i < N_ALGS; i++) {
		if (strcmp(algs[i].name, value))
			continue;
		ct->alg = algs[i].port;
		return text_need(c, value, algs[i].pre);
	}
	return err_set(c->e, -EINVAL, "alg=%s: expected ftp or tftp", value);
}

/* Actions within: they are judged all together, with the ct. */
static int parse_exec(struct text_actions *c, struct of_nx_ct *ct, char *value)
{
	struct text_actions in = *c;

	in.out = &ct->actions;
	in.inst = NULL;
	in.insts = NULL;
	in.in_ct = true;
	return text_actions_parse(&in, value);
}

static int parse_ct_nat(struct text_actions *c, struct of_nx_ct *ct, char *value)
{
	struct text_actions in = *c;

	in.out = &ct->actions;
	in.in_ct = true;
	return parse_nat(&in, NULL, value);
}

static int parse_ct_arg(struct text_actions *c, struct of_nx_ct *ct, const char *key, char *value)
{
	int r;

	if (!strcmp(key, "commit")) {
		ct->flags |= NX_CT_F_COMMIT;
		return 0;
	}
	if (!strcmp(key, "force")) {
		ct->flags |= NX_CT_F_FORCE;
		return 0;
	}
	if (!strcmp(key, "table")) {
		r = text_u8(value, key, &ct->recirc_table, c->e);
		if (!r && ct->recirc_table == OFPTT_ALL)
			r = err_set(c->e, -EINVAL, "table=255: there is no such table");
		return r;
	}
	if (!strcmp(key, "zone"))
		return parse_zone(c, value, &ct->zone);
	if (!strcmp(key, "alg"))
		return parse_alg(c, value, ct);
	if (!strcmp(key, "nat"))
		return parse_ct_nat(c, ct, value);
	if (!strcmp(key, "exec"))
		return parse_exec(c, ct, value);
	return err_set(c->e, -EINVAL, "\"%s\": expected commit, force, table, zone, alg, nat, exec",
		       key);
}

static int parse_ct(struct text_actions *c, const struct text_action *row, char *arg)
{
	int r = text_need(c, "ct", OF_PRE_IP);
	char *key, *value;
	struct of_nx_ct *ct;

	if (r)
		return r;
	ct = TEXT_ADD(c, nx_ct);
	if (!ct)
		return -ENOMEM;
	ct->recirc_table = OFPTT_ALL;
	while (!r && text_next(&arg, &key, &value))
		r = parse_ct_arg(c, ct, key, value);
	return r ? err_wrap(c->e, r, "ct") : 0;
}

static const char *comma(bool *any)
{
	const char *s = *any ? "," : "";

	*any = true;
	return s;
}

static void put_alg(FILE *f, uint16_t port, bool *any)
{
	for (unsigned int i = 0; i < N_ALGS; i++) {
		if (algs[i].port == port) {
			fprintf(f, "%salg=%s", comma(any), algs[i].name);
			return;
		}
	}
	fprintf(f, "%salg=%u", comma(any), port);
}

/* A NAT that comes first stands outside of exec(). */
static void put_nested(FILE *f, const struct of_list *l, const struct of_names *n, bool *any)
{
	struct of_list rest = *l;

	if (rest.n && rest.v[0]->kind == OF_KIND_nx_nat) {
		fputs(comma(any), f);
		put_nat(f, rest.v[0], n);
		rest.v++;
		rest.n--;
	}
	if (!rest.n)
		return;
	fprintf(f, "%sexec(", comma(any));
	of_format_actions(f, &rest, n);
	fputc(')', f);
}

static void put_ct(FILE *f, const struct of_any *a, const struct of_names *n)
{
	const struct of_nx_ct *ct = (const void *)a;
	bool any = false;

	fputs("ct(", f);
	if (ct->flags & NX_CT_F_COMMIT)
		fprintf(f, "%scommit", comma(&any));
	if (ct->flags & NX_CT_F_FORCE)
		fprintf(f, "%sforce", comma(&any));
	if (ct->recirc_table != OFPTT_ALL)
		fprintf(f, "%stable=%u", comma(&any), ct->recirc_table);
	if (ct->zone.src.field) {
		fprintf(f, "%szone=", comma(&any));
		text_put_subfield(f, &ct->zone.src);
	} else if (ct->zone.value) {
		fprintf(f, "%szone=%u", comma(&any), ct->zone.value);
	}
	put_nested(f, &ct->actions, n, &any);
	if (ct->alg)
		put_alg(f, ct->alg, &any);
	fputc(')', f);
}

static int parse_ct_clear(struct text_actions *c, const struct text_action *row, char *arg)
{
	return text_action_add(c, row->kind) ? 0 : -ENOMEM;
}

TEXT_PUT_WORD(ct_clear, "ct_clear")

const struct text_action text_ct_actions[] = {
	{ "ct", OF_KIND_nx_ct, parse_ct, put_ct, 0 },
	{ "nat", OF_KIND_nx_nat, parse_nat, put_nat, 0 },
	{ "ct_clear", OF_KIND_nx_ct_clear, parse_ct_clear, put_ct_clear, 0 },
};
const unsigned int text_n_ct_actions = sizeof(text_ct_actions) / sizeof(text_ct_actions[0]);

/* SPDX-License-Identifier: Apache-2.0 */
/* answer(KIND,...) in words, one row a kind. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ofproto/desc.h"
#include "ofproto/text_action.h"
#include "ofproto/text_answer.h"

enum { DHCPV6_PREFERRED = 3600, DHCPV6_VALID = 7200, LEASE = 86400 };

/* An argument of a kind: where it goes, and whether it has to be there. */
enum arg_is { A_MAC, A_IP4, A_IP4_PREFIX, A_IP6, A_IP, A_U8, A_U16, A_U32, A_FLAG, A_PREFERENCE };

struct arg {
	const char *name;
	enum arg_is is;
	uint16_t offset;
	bool needed;
	uint32_t usual; /* of a number that is not said; of a flag its bit */
};

#define AT(kind, member) offsetof(struct of_answer_##kind, member)

static const struct arg dhcp_args[] = {
	{ "address", A_IP4_PREFIX, AT(dhcp, address), true, 0 },
	{ "server", A_IP4, AT(dhcp, server), true, 0 },
	{ "server_mac", A_MAC, AT(dhcp, server_mac), true, 0 },
	{ "lease", A_U32, AT(dhcp, lease), false, LEASE },
	{ "next_server", A_IP4, AT(dhcp, next_server), false, 0 },
	{ NULL },
};

static const struct arg dhcpv6_args[] = {
	{ "address", A_IP6, AT(dhcpv6, address), true, 0 },
	{ "server", A_IP6, AT(dhcpv6, server), true, 0 },
	{ "server_mac", A_MAC, AT(dhcpv6, server_mac), true, 0 },
	{ "preferred", A_U32, AT(dhcpv6, preferred), false, DHCPV6_PREFERRED },
	{ "valid", A_U32, AT(dhcpv6, valid), false, DHCPV6_VALID },
	{ NULL },
};

static const struct arg stateless_args[] = {
	{ "server", A_IP6, AT(dhcpv6, server), true, 0 },
	{ "server_mac", A_MAC, AT(dhcpv6, server_mac), true, 0 },
	{ NULL },
};

static const struct arg ra_args[] = {
	{ "source", A_IP6, AT(ra, source), true, 0 },
	{ "mac", A_MAC, AT(ra, mac), true, 0 },
	{ "lifetime", A_U16, AT(ra, lifetime), false, 1800 },
	{ "hop_limit", A_U8, AT(ra, hop_limit), false, 64 },
	{ "managed", A_FLAG, AT(ra, flags), false, WEFT_RA_MANAGED },
	{ "other", A_FLAG, AT(ra, flags), false, WEFT_RA_OTHER },
	{ "preference", A_PREFERENCE, AT(ra, flags), false, 0 },
	{ "reachable", A_U32, AT(ra, reachable), false, 0 },
	{ "retrans", A_U32, AT(ra, retrans), false, 0 },
	{ NULL },
};

static const struct arg nd_args[] = {
	{ "mac", A_MAC, AT(nd, mac), true, 0 },
	{ "router", A_FLAG, AT(nd, flags), false, WEFT_NA_ROUTER },
	{ NULL },
};

static const struct arg error_args[] = {
	{ "type", A_U8, AT(icmp_error, type), true, 0 },
	{ "code", A_U8, AT(icmp_error, code), false, 0 },
	{ "source", A_IP, AT(icmp_error, source), true, 0 },
	{ "mtu", A_U32, AT(icmp_error, mtu), false, 0 },
	{ NULL },
};

static const struct arg echo_args[] = { { NULL } };

/* The kinds, as they are called. */
enum { NO_OPTIONS = 0xff };
static const struct kind {
	const char *name;
	enum of_kind kind;
	const struct arg *args;
	uint8_t form;	  /* enum of_opt_form */
	uint16_t options; /* where they go */
} kinds[] = {
	{ "dhcp", OF_KIND_answer_dhcp, dhcp_args, OF_OPT_DHCP, AT(dhcp, options) },
	{ "dhcpv6", OF_KIND_answer_dhcpv6, dhcpv6_args, OF_OPT_DHCPV6, AT(dhcpv6, options) },
	{ "ra", OF_KIND_answer_ra, ra_args, OF_OPT_ND, AT(ra, options) },
	{ "nd", OF_KIND_answer_nd, nd_args, NO_OPTIONS, 0 },
	{ "icmp_error", OF_KIND_answer_icmp_error, error_args, NO_OPTIONS, 0 },
	{ "echo", OF_KIND_answer_echo, echo_args, NO_OPTIONS, 0 },
};

static bool is_stateless(const struct of_any *a)
{
	static const uint8_t none[16];
	const struct of_answer_dhcpv6 *d = (const void *)a;

	return a->kind == OF_KIND_answer_dhcpv6 && !memcmp(d->address, none, 16);
}

/* ---- Read ---- */

static int parse_ip4_prefix(char *value, struct of_answer_dhcp *d, const char *key, struct err *e)
{
	char *slash = strchr(value, '/');
	int r;

	if (!slash)
		return err_set(e, -EINVAL, "%s=%s: expected ADDRESS/LENGTH", key, value);
	*slash = '\0';
	r = text_u8(slash + 1, "prefix length", &d->prefix_len, e);
	return r ? r : text_opt_ip4(value, d->address, key, e);
}

static int parse_preference(const char *value, uint8_t *flags, struct err *e)
{
	if (!strcmp(value, "high"))
		*flags |= WEFT_RA_HIGH;
	else if (!strcmp(value, "low"))
		*flags |= WEFT_RA_LOW;
	else
		return err_set(e, -EINVAL, "preference=%s: expected high or low", value);
	return 0;
}

static int parse_ip(const char *value, uint8_t ip[16], const char *key, struct err *e)
{
	if (strchr(value, ':'))
		return text_opt_ip6(value, ip, key, e);
	ip[10] = ip[11] = 0xff;
	return text_opt_ip4(value, ip + 12, key, e);
}

static int parse_mac(const char *value, uint8_t mac[6], const char *key, struct err *e)
{
	const char *at = value;

	if (!text_mac(&at, mac) && !*at)
		return 0;
	return err_set(e, -EINVAL, "%s: \"%s\" is no MAC address", key, value);
}

static int parse_arg(struct of_any *a, const struct arg *g, char *value, struct err *e)
{
	uint8_t *m = (uint8_t *)a + g->offset;

	switch (g->is) {
	case A_MAC:
		return parse_mac(value, m, g->name, e);
	case A_IP4:
		return text_opt_ip4(value, m, g->name, e);
	case A_IP4_PREFIX:
		return parse_ip4_prefix(value, (void *)a, g->name, e);
	case A_IP6:
		return text_opt_ip6(value, m, g->name, e);
	case A_IP:
		return parse_ip(value, m, g->name, e);
	case A_U8:
		return text_u8(value, g->name, m, e);
	case A_U16:
		return text_u16(value, g->name, (uint16_t *)(void *)m, e);
	case A_U32:
		return text_u32(value, g->name, (uint32_t *)(void *)m, e);
	case A_FLAG:
		*m |= (uint8_t)g->usual;
		return *value ? err_set(e, -EINVAL, "%s has no value", g->name) : 0;
	default:
		return parse_preference(value, m, e);
	}
}

/* Numbers that nobody said. */
static void as_usual(struct of_any *a, const struct arg *g)
{
	for (; g->name; g++) {
		uint8_t *m = (uint8_t *)a + g->offset;

		if (g->is == A_U8)
			*m = (uint8_t)g->usual;
		else if (g->is == A_U16)
			*(uint16_t *)(void *)m = (uint16_t)g->usual;
		else if (g->is == A_U32)
			*(uint32_t *)(void *)m = g->usual;
	}
}

/* option(N)=0x..: text_next() leaves the second half behind the parenthesis. */
static char *whole_option(char **rest, char *value)
{
	char *end = value + strlen(value), *tail = *rest;
	const size_t n = strcspn(tail, ", \t\r\n");

	if (*tail != '=')
		return value;
	*rest = tail + n + (tail[n] != '\0');
	memmove(end, tail, n);
	end[n] = '\0';
	return value;
}

static int parse_one(struct of_any *a, const struct arg *args, struct text_opts *o, uint32_t *seen,
		     const char *key, char *value, struct err *e)
{
	int r;

	for (const struct arg *g = args; g->name; g++) {
		if (strcmp(g->name, key))
			continue;
		if (*seen & 1u << (g - args))
			return err_set(e, -EINVAL, "%s twice", key);
		*seen |= 1u << (g - args);
		return parse_arg(a, g, value, e);
	}
	r = (int)o->form == NO_OPTIONS ? -ENOENT : text_opt_parse(o, key, value, e);
	return r == -ENOENT ? err_set(e, -EINVAL, "\"%s\" is no argument of it", key) : r;
}

static int parse_args(struct text_actions *c, struct of_any *a, const struct arg *args,
		      struct text_opts *o, char *arg)
{
	uint32_t seen = 0;
	char *key, *value;
	int r = 0;

	as_usual(a, args);
	while (!r && text_next(&arg, &key, &value)) {
		if (!strcmp(key, "option"))
			value = whole_option(&arg, value);
		r = parse_one(a, args, o, &seen, key, value, c->e);
	}
	for (const struct arg *g = args; !r && g->name; g++)
		if (g->needed && !(seen & 1u << (g - args)))
			r = err_set(c->e, -EINVAL, "%s= is missing", g->name);
	return r;
}

/* The options' bytes in the arena, with the zeros that fill the action up. */
static int keep_opts(struct text_actions *c, struct of_any *a, uint16_t at, struct text_opts *o)
{
	const struct of_desc *d = of_desc(a);
	const uint32_t fixed = of_header_len[OF_HDR_NX] + d->min_len;
	const uint32_t n = (fixed + o->n + 7) / 8 * 8 - fixed;
	uint8_t *p;

	if (!n)
		return 0;
	p = arena_get(c->arena, n);
	if (!p)
		return err_set(c->e, -ENOMEM, "out of memory");
	memset(p, 0, n);
	memcpy(p, o->p, o->n);
	*(struct of_span *)((uint8_t *)a + at) = (struct of_span){ n, p };
	return 0;
}

static bool says(char **arg, const char *word)
{
	const size_t n = strlen(word);

	if (strncmp(*arg, word, n) || ((*arg)[n] && (*arg)[n] != ','))
		return false;
	*arg += n + ((*arg)[n] == ',');
	return true;
}

/* As the switch asks for it (datapath/act_check_answer.c). */
static int need(struct text_actions *c, const struct of_any *a)
{
	const struct of_answer_icmp_error *e = (const void *)a;
	const bool v6 = c->packet.value.eth_type == htobe16(0x86dd);
	int r;

	switch (a->kind) {
	case OF_KIND_answer_dhcp:
	case OF_KIND_answer_dhcpv6:
		r = text_need(c, "answer",
			      a->kind == OF_KIND_answer_dhcp ? OF_PRE_IPV4 : OF_PRE_IPV6);
		return r ? r : text_need(c, "answer", OF_PRE_UDP);
	case OF_KIND_answer_ra:
		return text_need(c, "answer", OF_PRE_ICMPV6);
	case OF_KIND_answer_nd:
		return text_need(c, "answer", OF_PRE_ND_SOL);
	case OF_KIND_answer_icmp_error:
		return text_need(c, "answer", of_ip_is_v4(e->source) ? OF_PRE_IPV4 : OF_PRE_IPV6);
	default:
		return text_need(c, "answer", v6 ? OF_PRE_ICMPV6 : OF_PRE_ICMPV4);
	}
}

static int parse_kind(struct text_actions *c, const struct kind *k, char *arg)
{
	struct text_opts o = { .form = k->form };
	struct of_any *a = text_action_add(c, k->kind);
	const bool stateless = k->kind == OF_KIND_answer_dhcpv6 && says(&arg, "stateless");
	int r;

	if (!a)
		return -ENOMEM;
	r = parse_args(c, a, stateless ? stateless_args : k->args, &o, arg);
	if (!r)
		r = need(c, a);
	if (!r && k->form != NO_OPTIONS)
		r = keep_opts(c, a, k->options, &o);
	return r ? err_wrap(c->e, r, "answer(%s)", k->name) : 0;
}

static int parse_answer(struct text_actions *c, const struct text_action *row, char *arg)
{
	if (c->in_set)
		return err_set(c->e, -EINVAL, "%s cannot stand in write_actions", row->name);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (says(&arg, kinds[i].name))
			return parse_kind(c, &kinds[i], arg);
	return err_set(c->e, -EINVAL,
		       "answer(%s): expected dhcp, dhcpv6, ra, nd, icmp_error or echo", arg);
}

/* ---- Written ---- */

static void put_mac(FILE *f, const uint8_t *m)
{
	text_put_mac(f, m);
}

/* ",NAME=", and the value; nothing for a number that is as usual. */
static void put_arg(FILE *f, const struct of_any *a, const struct arg *g)
{
	const uint8_t *m = (const uint8_t *)a + g->offset;
	static const uint8_t none[4];
	uint32_t number = 0;

	if (g->is == A_FLAG) {
		if (*m & g->usual)
			fprintf(f, ",%s", g->name);
		return;
	}
	if (g->is == A_PREFERENCE) {
		if (*m & WEFT_RA_LOW)
			fprintf(f, ",%s=%s", g->name,
				(*m & WEFT_RA_LOW) == WEFT_RA_LOW ? "low" : "high");
		return;
	}
	if (g->is == A_IP4 && !g->needed && !memcmp(m, none, 4))
		return;
	if (g->is == A_U8 || g->is == A_U16 || g->is == A_U32) {
		number = g->is == A_U8	  ? *m
			 : g->is == A_U16 ? *(const uint16_t *)(const void *)m
					  : *(const uint32_t *)(const void *)m;
		if (g->needed || number != g->usual)
			fprintf(f, ",%s=%u", g->name, number);
		return;
	}
	fprintf(f, ",%s=", g->name);
	if (g->is == A_MAC)
		put_mac(f, m);
	else if (g->is == A_IP6 || (g->is == A_IP && !of_ip_is_v4(m)))
		text_put_ip6(f, m);
	else
		text_put_ip4(f, g->is == A_IP ? m + 12 : m);
	if (g->is == A_IP4_PREFIX)
		fprintf(f, "/%u", ((const struct of_answer_dhcp *)(const void *)a)->prefix_len);
}

static void put_answer(FILE *f, const struct of_any *a, const struct of_names *n)
{
	const struct kind *k = kinds;
	const bool stateless = is_stateless(a);

	while (k->kind != a->kind)
		k++;
	fprintf(f, "answer(%s%s", k->name, stateless ? ",stateless" : "");
	for (const struct arg *g = stateless ? stateless_args : k->args; g->name; g++)
		put_arg(f, a, g);
	if (k->form != NO_OPTIONS)
		text_opts_put(
			f, k->form,
			(const struct of_span *)(const void *)((const uint8_t *)a + k->options));
	fputc(')', f);
}

const struct text_action text_answer_actions[] = {
	{ "answer", OF_KIND_answer_dhcp, parse_answer, put_answer, 0 },
	{ "", OF_KIND_answer_dhcpv6, NULL, put_answer, 0 },
	{ "", OF_KIND_answer_ra, NULL, put_answer, 0 },
	{ "", OF_KIND_answer_nd, NULL, put_answer, 0 },
	{ "", OF_KIND_answer_icmp_error, NULL, put_answer, 0 },
	{ "", OF_KIND_answer_echo, NULL, put_answer, 0 },
};
const unsigned int text_n_answer_actions =
	sizeof(text_answer_actions) / sizeof(text_answer_actions[0]);

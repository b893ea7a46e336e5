/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/text_answer.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/byteorder.h"

enum {
	LABEL_MAX = 63,
	FOREVER = UINT32_MAX,
	PREFIX_VALID = 2592000, /* RFC 4861 6.2.1 */
	PREFIX_PREFERRED = 604800,
	ON_LINK = 0x80,
	AUTONOMOUS = 0x40,
};

/* What an option's bytes are. */
enum words {
	W_IP4S,
	W_IP6S,
	W_U16,
	W_U32,
	W_TEXT,	  /* the bytes themselves */
	W_NAMES,  /* RFC 1035 3.1 */
	W_ROUTES, /* RFC 3442 */
	W_PREFIX,
	W_ND_MTU,
	W_RDNSS,
	W_DNSSL,
};

static const struct word {
	const char *name;
	enum of_opt_form form;
	uint16_t code;
	enum words is;
} words[] = {
	{ "router", OF_OPT_DHCP, DHCP_ROUTER, W_IP4S },
	{ "dns", OF_OPT_DHCP, DHCP_DNS, W_IP4S },
	{ "domain", OF_OPT_DHCP, DHCP_DOMAIN, W_TEXT },
	{ "mtu", OF_OPT_DHCP, DHCP_MTU, W_U16 },
	{ "t1", OF_OPT_DHCP, DHCP_T1, W_U32 },
	{ "t2", OF_OPT_DHCP, DHCP_T2, W_U32 },
	{ "server_name", OF_OPT_DHCP, DHCP_SERVER_NAME, W_TEXT },
	{ "bootfile", OF_OPT_DHCP, DHCP_BOOTFILE, W_TEXT },
	{ "routes", OF_OPT_DHCP, DHCP_ROUTES, W_ROUTES },
	{ "dns", OF_OPT_DHCPV6, DHCPV6_DNS, W_IP6S },
	{ "domain", OF_OPT_DHCPV6, DHCPV6_DOMAIN, W_NAMES },
	{ "prefix", OF_OPT_ND, ND_PREFIX, W_PREFIX },
	{ "mtu", OF_OPT_ND, ND_MTU, W_ND_MTU },
	{ "dns", OF_OPT_ND, ND_RDNSS, W_RDNSS },
	{ "domain", OF_OPT_ND, ND_DNSSL, W_DNSSL },
};

/* An option's value while it is made. */
struct value {
	uint32_t n;
	uint8_t p[OF_OPTS_MAX];
};

static int add(struct value *v, const void *p, size_t n, struct err *e)
{
	if (n > sizeof(v->p) - v->n)
		return err_set(e, -EINVAL, "an option of more than %zu bytes", sizeof(v->p));
	memcpy(v->p + v->n, p, n);
	v->n += (uint32_t)n;
	return 0;
}

static int add_u32(struct value *v, uint32_t x, struct err *e)
{
	uint8_t be[4];

	put_be32(be, x);
	return add(v, be, 4, e);
}

/* ---- Read ---- */

int text_opt_ip4(const char *s, uint8_t ip[4], const char *what, struct err *e)
{
	const char *at = s;

	if (!text_ip4(&at, ip) && !*at)
		return 0;
	return err_set(e, -EINVAL, "%s: \"%s\" is no IPv4 address", what, s);
}

int text_opt_ip6(const char *s, uint8_t ip[16], const char *what, struct err *e)
{
	const char *at = s;

	if (!text_ip6(&at, ip) && !*at)
		return 0;
	return err_set(e, -EINVAL, "%s: \"%s\" is no IPv6 address", what, s);
}

/* The next of what 'sep' separates; NULL at the end. */
static char *item(char **at, const char *sep)
{
	return *at && **at ? strsep(at, sep) : NULL;
}

static int parse_ips(struct value *v, bool v6, char *s, const char *key, struct err *e)
{
	uint8_t ip[16];
	char *one;
	int r = 0;

	while (!r && (one = item(&s, "+"))) {
		r = v6 ? text_opt_ip6(one, ip, key, e) : text_opt_ip4(one, ip, key, e);
		if (!r)
			r = add(v, ip, v6 ? 16 : 4, e);
	}
	return r || v->n ? r : err_set(e, -EINVAL, "%s: an address is wanted", key);
}

/* "P/N" without bits behind the prefix; 'bits' of an address. */
static int parse_prefix(char *s, unsigned int bits, uint8_t *ip, uint8_t *len, struct err *e)
{
	char *slash = strchr(s, '/');
	int r;

	if (!slash)
		return err_set(e, -EINVAL, "\"%s\": expected ADDRESS/LENGTH", s);
	*slash = '\0';
	r = bits == 32 ? text_opt_ip4(s, ip, "prefix", e) : text_opt_ip6(s, ip, "prefix", e);
	if (!r)
		r = text_u8(slash + 1, "prefix length", len, e);
	if (!r && *len > bits)
		r = err_set(e, -EINVAL, "a prefix of %u bits: at most %u are", *len, bits);
	for (unsigned int i = r ? bits : *len; i < bits; i++)
		if (ip[i / 8] & 0x80 >> i % 8)
			return err_set(e, -EINVAL, "%s/%u: bits behind the prefix", s, *len);
	return r;
}

/* "P/N>GATEWAY+..." */
static int parse_routes(struct value *v, char *s, struct err *e)
{
	char *one;
	int r = 0;

	while (!r && (one = item(&s, "+"))) {
		uint8_t to[4], by[4], len = 0;
		char *arrow = strchr(one, '>');

		if (!arrow)
			return err_set(e, -EINVAL, "routes: \"%s\": expected PREFIX>GATEWAY", one);
		*arrow++ = '\0';
		r = parse_prefix(one, 32, to, &len, e);
		if (!r)
			r = text_opt_ip4(arrow, by, "routes", e);
		if (!r)
			r = add(v, &len, 1, e);
		if (!r)
			r = add(v, to, (len + 7u) / 8, e);
		if (!r)
			r = add(v, by, 4, e);
	}
	return r || v->n ? r : err_set(e, -EINVAL, "routes: one is wanted");
}

/* One domain name as labels. */
static int parse_name(struct value *v, char *s, struct err *e)
{
	const uint32_t from = v->n;
	const char *whole = s;
	char *label;
	int r = 0;

	while (!r && (label = item(&s, "."))) {
		const size_t n = strlen(label);
		const uint8_t len = (uint8_t)n;

		if (!n || n > LABEL_MAX)
			return err_set(e, -EINVAL, "domain: a label of %zu bytes", n);
		r = add(v, &len, 1, e);
		if (!r)
			r = add(v, label, n, e);
	}
	if (r)
		return r;
	if (v->n == from || v->n - from > 254)
		return err_set(e, -EINVAL, "domain: no name is so short or long as %s", whole);
	return add(v, "", 1, e);
}

static int parse_names(struct value *v, char *s, struct err *e)
{
	char *one;
	int r = 0;

	while (!r && (one = item(&s, "+")))
		r = parse_name(v, one, e);
	return r || v->n ? r : err_set(e, -EINVAL, "domain: a name is wanted");
}

/* "P/N;onlink;autonomous;valid=SECONDS;preferred=SECONDS" */
static int parse_nd_prefix(struct value *v, char *s, struct err *e)
{
	uint32_t valid = PREFIX_VALID, preferred = PREFIX_PREFERRED;
	uint8_t flags = 0, len = 0, ip[16] = { 0 };
	char *one = item(&s, ";");
	int r = parse_prefix(one ? one : (char[]){ "" }, 128, ip, &len, e);

	while (!r && (one = item(&s, ";"))) {
		if (!strcmp(one, "onlink"))
			flags |= ON_LINK;
		else if (!strcmp(one, "autonomous"))
			flags |= AUTONOMOUS;
		else if (!strncmp(one, "valid=", 6))
			r = text_u32(one + 6, "valid", &valid, e);
		else if (!strncmp(one, "preferred=", 10))
			r = text_u32(one + 10, "preferred", &preferred, e);
		else
			r = err_set(e, -EINVAL,
				    "prefix: \"%s\": expected onlink, autonomous, valid=, "
				    "preferred=",
				    one);
	}
	if (!r)
		r = add(v, &len, 1, e);
	if (!r)
		r = add(v, &flags, 1, e);
	if (!r)
		r = add_u32(v, valid, e);
	if (!r)
		r = add_u32(v, preferred, e);
	if (!r)
		r = add_u32(v, 0, e);
	return r ? r : add(v, ip, 16, e);
}

/* "A+B;lifetime=SECONDS" behind the reserved half word and the lifetime. */
static int parse_lived(struct value *v, bool names, char *s, const char *key, struct err *e)
{
	struct value in = { 0 };
	uint32_t lifetime = FOREVER;
	char *list = item(&s, ";"), *one = item(&s, ";");
	int r = 0;

	if (one && strncmp(one, "lifetime=", 9))
		return err_set(e, -EINVAL, "%s: \"%s\": expected lifetime=", key, one);
	if (one)
		r = text_u32(one + 9, "lifetime", &lifetime, e);
	if (!list)
		list = (char[]){ "" };
	if (!r)
		r = names ? parse_names(&in, list, e) : parse_ips(&in, true, list, key, e);
	while (!r && in.n % 8)
		r = add(&in, "", 1, e);
	if (!r)
		r = add(v, "\0", 2, e);
	if (!r)
		r = add_u32(v, lifetime, e);
	return r ? r : add(v, in.p, in.n, e);
}

static int parse_number(struct value *v, unsigned int size, const char *s, const char *key,
			struct err *e)
{
	uint8_t be[4];
	uint64_t x;
	int r = text_number(s, size == 2 ? UINT16_MAX : UINT32_MAX, key, &x, e);

	put_be32(be, r ? 0 : (uint32_t)x);
	return r ? r : add(v, be + 4 - size, size, e);
}

static int parse_value(const struct word *w, struct value *v, char *s, struct err *e)
{
	int r;

	switch (w->is) {
	case W_IP4S:
	case W_IP6S:
		return parse_ips(v, w->is == W_IP6S, s, w->name, e);
	case W_U16:
	case W_U32:
		return parse_number(v, w->is == W_U16 ? 2 : 4, s, w->name, e);
	case W_TEXT:
		return *s ? add(v, s, strlen(s), e) : err_set(e, -EINVAL, "%s: empty", w->name);
	case W_NAMES:
		return parse_names(v, s, e);
	case W_ROUTES:
		return parse_routes(v, s, e);
	case W_PREFIX:
		return parse_nd_prefix(v, s, e);
	case W_ND_MTU:
		r = add(v, "\0", 2, e);
		return r ? r : parse_number(v, 4, s, w->name, e);
	default:
		return parse_lived(v, w->is == W_DNSSL, s, w->name, e);
	}
}

/* ---- One option as bytes ---- */

static int put_one(struct text_opts *o, uint16_t code, const uint8_t *p, uint32_t n, struct err *e)
{
	uint8_t head[4] = { (uint8_t)code, (uint8_t)n };
	const uint32_t size = o->form == OF_OPT_DHCPV6 ? 4 : 2;

	if (o->form == OF_OPT_DHCPV6) {
		put_be16(head, code);
		put_be16(head + 2, (uint16_t)n);
	} else if (o->form == OF_OPT_ND) {
		if ((n + 2) % 8 || n + 2 > 8 * 255)
			return err_set(e, -EINVAL,
				       "option(%u): with its two bytes of type and length it is a "
				       "multiple of 8, not %u",
				       code, n + 2);
		head[1] = (uint8_t)((n + 2) / 8);
	}
	if (size + n > sizeof(o->p) - o->n)
		return err_set(e, -EINVAL, "options of more than %zu bytes", sizeof(o->p));
	memcpy(o->p + o->n, head, size);
	memcpy(o->p + o->n + size, p, n);
	o->n += size + n;
	return 0;
}

/* RFC 3396: what is longer than 255 bytes is several of one code. */
static int put(struct text_opts *o, uint16_t code, const struct value *v, struct err *e)
{
	uint32_t done = 0;
	int r;

	if (o->form != OF_OPT_DHCP)
		return put_one(o, code, v->p, v->n, e);
	do {
		const uint32_t n = v->n - done < 255 ? v->n - done : 255;

		r = put_one(o, code, v->p + done, n, e);
		done += n;
	} while (!r && done < v->n);
	return r;
}

/* "option(N)=0x..": value is "N)=0x.." without the parenthesis, that is "N=0x..". */
static int parse_raw(struct text_opts *o, char *s, struct err *e)
{
	char *eq = strchr(s, '=');
	struct value v = { 0 };
	uint16_t code;
	int n, r;

	if (!eq || strncmp(eq, "=0x", 3))
		return err_set(e, -EINVAL, "option(%s): expected option(CODE)=0xBYTES", s);
	*eq = '\0';
	r = text_u16(s, "option", &code, e);
	if (r)
		return r;
	if (o->form != OF_OPT_DHCPV6 && code > UINT8_MAX)
		return err_set(e, -EINVAL, "option(%u): codes are 0 to 255", code);
	n = eq[3] ? text_hex(eq + 3, v.p, sizeof(v.p)) : 0;
	if (n < 0)
		return err_set(e, -EINVAL, "option(%u): expected bytes in hex, %zu at most", code,
			       sizeof(v.p));
	v.n = (uint32_t)n;
	return put(o, code, &v, e);
}

int text_opt_parse(struct text_opts *o, const char *key, char *value, struct err *e)
{
	struct value v = { 0 };

	if (!strcmp(key, "option"))
		return parse_raw(o, value, e);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		const struct word *w = &words[i];
		int r;

		if (w->form != o->form || strcmp(w->name, key))
			continue;
		r = parse_value(w, &v, value, e);
		return r ? r : put(o, w->code, &v, e);
	}
	return -ENOENT;
}

/* ---- Written ---- */

static bool printable(const uint8_t *p, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (!isalnum(p[i]) && !(p[i] && strchr("-_./", p[i])))
			return false;
	return n;
}

static void put_ips(FILE *f, const uint8_t *p, uint32_t n, bool v6)
{
	const uint32_t size = v6 ? 16 : 4;

	for (uint32_t i = 0; i < n; i += size) {
		if (i)
			fputc('+', f);
		if (v6)
			text_put_ip6(f, p + i);
		else
			text_put_ip4(f, p + i);
	}
}

/* "a.b+c.d", up to what fills it up; false: there is something else.  'f' NULL: only that. */
static bool put_names(FILE *f, const uint8_t *p, uint32_t n, bool filled)
{
	uint32_t i = 0, begin = 0;
	const char *sep = "";

	while (i < n) {
		const uint8_t len = p[i++];

		if (!len) {
			if (i - begin == 1)
				break; /* no name: what fills up begins */
			if (i - begin > 255)
				return false;
			begin = i;
			sep = "+";
			continue;
		}
		if (len > LABEL_MAX || len >= n - i || !printable(p + i, len) ||
		    memchr(p + i, '.', len))
			return false;
		if (f)
			fprintf(f, "%s%.*s", sep, len, (const char *)p + i);
		sep = ".";
		i += len;
	}
	if (!begin)
		return false;
	if (begin == n)
		return true;
	/* As few zeros as make it a multiple of 8. */
	for (i = begin; i < n; i++)
		if (p[i])
			return false;
	return filled && n - begin < 8;
}

static bool put_routes(FILE *f, const uint8_t *p, uint32_t n)
{
	for (uint32_t i = 0; i < n;) {
		const uint32_t len = p[i], bytes = (len + 7) / 8;
		uint8_t to[4] = { 0 };

		if (len > 32 || n - i < 1 + bytes + 4)
			return false;
		memcpy(to, p + i + 1, bytes);
		if (len % 8 && to[bytes - 1] & 0xff >> len % 8)
			return false;
		if (f) {
			fputs(i ? "+" : "", f);
			text_put_ip4(f, to);
			fprintf(f, "/%u>", len);
			text_put_ip4(f, p + i + 1 + bytes);
		}
		i += 1 + bytes + 4;
	}
	return n;
}

/* Bits behind a prefix, and what is reserved, have no words. */
static bool plain_prefix(const uint8_t *p)
{
	for (unsigned int i = p[0]; i < 128; i++)
		if (p[14 + i / 8] & 0x80 >> i % 8)
			return false;
	return !(p[1] & ~(ON_LINK | AUTONOMOUS)) && !get_be32(p + 10);
}

static void put_nd_prefix(FILE *f, const uint8_t *p)
{
	text_put_ip6(f, p + 14);
	fprintf(f, "/%u%s%s;valid=%u;preferred=%u", p[0], p[1] & ON_LINK ? ";onlink" : "",
		p[1] & AUTONOMOUS ? ";autonomous" : "", get_be32(p + 2), get_be32(p + 6));
}

/* Whether its bytes can be said in words. */
static bool fits(const struct word *w, const struct of_opt *o)
{
	switch (w->is) {
	case W_IP4S:
		return o->n && o->n % 4 == 0;
	case W_IP6S:
		return o->n && o->n % 16 == 0;
	case W_U16:
		return o->n == 2;
	case W_U32:
		return o->n == 4;
	case W_TEXT:
		return printable(o->v, o->n);
	case W_NAMES:
		return put_names(NULL, o->v, o->n, false);
	case W_ROUTES:
		return put_routes(NULL, o->v, o->n);
	case W_PREFIX:
		return o->n == 30 && o->v[0] <= 128 && plain_prefix(o->v);
	case W_ND_MTU:
		return o->n == 6 && !get_be16(o->v);
	case W_RDNSS:
		return o->n >= 22 && (o->n - 6) % 16 == 0 && !get_be16(o->v);
	default:
		return o->n > 6 && !get_be16(o->v) && put_names(NULL, o->v + 6, o->n - 6u, true);
	}
}

static void put_value(FILE *f, const struct word *w, const struct of_opt *o)
{
	switch (w->is) {
	case W_IP4S:
	case W_IP6S:
		put_ips(f, o->v, o->n, w->is == W_IP6S);
		break;
	case W_U16:
		fprintf(f, "%u", get_be16(o->v));
		break;
	case W_U32:
		fprintf(f, "%u", get_be32(o->v));
		break;
	case W_TEXT:
		fprintf(f, "%.*s", o->n, (const char *)o->v);
		break;
	case W_NAMES:
		put_names(f, o->v, o->n, false);
		break;
	case W_ROUTES:
		put_routes(f, o->v, o->n);
		break;
	case W_PREFIX:
		put_nd_prefix(f, o->v);
		break;
	case W_ND_MTU:
		fprintf(f, "%u", get_be32(o->v + 2));
		break;
	case W_RDNSS:
		put_ips(f, o->v + 6, o->n - 6u, true);
		break;
	case W_DNSSL:
		put_names(f, o->v + 6, o->n - 6u, true);
		break;
	}
	if ((w->is == W_RDNSS || w->is == W_DNSSL) && get_be32(o->v + 2) != FOREVER)
		fprintf(f, ";lifetime=%u", get_be32(o->v + 2));
}

static void put_opt(FILE *f, enum of_opt_form form, const struct of_opt *o)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		const struct word *w = &words[i];

		if (w->form != form || w->code != o->code || !fits(w, o))
			continue;
		fprintf(f, ",%s=", w->name);
		put_value(f, w, o);
		return;
	}
	fprintf(f, ",option(%u)=0x", o->code);
	for (uint32_t i = 0; i < o->n; i++)
		fprintf(f, "%02x", o->v[i]);
}

void text_opts_put(FILE *f, enum of_opt_form form, const struct of_span *s)
{
	struct of_opt o;

	OF_OPT_EACH(form, *s, o)
	put_opt(f, form, &o);
}

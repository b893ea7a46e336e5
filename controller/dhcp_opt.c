/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/dhcp_opt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/byteorder.h"
#include "controller/dns.h"
#include "ofproto/answer.h"

static const struct row {
	uint8_t version;
	uint16_t code;
	const char *name;
	enum dhcp_opt_kind kind;
} rows[] = {
#define V4(code, name, kind) { 4, code, name, DHCP_OPT_##kind },
#define V6(code, name, kind) { 6, code, name, DHCP_OPT_##kind },
#include "controller/dhcp_opt.def"
};

/* The next of several with commas between them; false: no more, or it is too long ('s' not NULL).
 */
static bool next_word(const char **s, char word[256])
{
	size_t n;

	if (!*s)
		return false;
	n = strcspn(*s, ",");
	if (n > 255)
		return false;
	memcpy(word, *s, n);
	word[n] = '\0';
	*s = (*s)[n] ? *s + n + 1 : NULL;
	return true;
}

static int put(struct dhcp_opt *o, const void *p, size_t n)
{
	if (o->n + n > sizeof(o->v))
		return -EMSGSIZE;
	memcpy(o->v + o->n, p, n);
	o->n = (uint8_t)(o->n + n);
	return 0;
}

static int addrs(const char *s, uint8_t version, struct dhcp_opt *o)
{
	char word[256];
	int rc = 0;

	while (!rc && next_word(&s, word)) {
		struct ip_addr a;

		if (ip_parse(word, &a) || a.family != version)
			return -EINVAL;
		rc = put(o, a.b, ip_size(&a));
	}
	return rc;
}

static int number(const char *s, size_t bytes, struct dhcp_opt *o)
{
	uint64_t max = (UINT64_C(1) << 8 * bytes) - 1, v;
	uint8_t be[4];
	char *end;

	if (*s < '0' || *s > '9')
		return -EINVAL;
	errno = 0;
	v = strtoull(s, &end, 0);
	if (*end || errno || v > max)
		return -EINVAL;
	put_be32(be, (uint32_t)v);
	return put(o, be + 4 - bytes, bytes);
}

/* RFC 3442 */
static int routes(const char *s, struct dhcp_opt *o)
{
	char to[256], via[256];
	int rc = 0;

	while (!rc && next_word(&s, to)) {
		struct ip_prefix p;
		struct ip_addr a;

		if (!next_word(&s, via) || ip_prefix_parse(to, &p) || ip_parse(via, &a) ||
		    p.addr.family != 4 || a.family != 4)
			return -EINVAL;
		rc = put(o, &p.len, 1);
		if (!rc)
			rc = put(o, p.addr.b, (p.len + 7u) / 8);
		if (!rc)
			rc = put(o, a.b, 4);
	}
	return rc;
}

/* RFC 1035 3.1: labels with their lengths; a final dot changes nothing. */
static int domain(const char *s, struct dhcp_opt *o)
{
	int rc = 0;

	while (*s && !rc) {
		uint8_t n = (uint8_t)strcspn(s, ".");

		if (!n || n > 63)
			return -EINVAL;
		rc = put(o, &n, 1);
		if (!rc)
			rc = put(o, s, n);
		s += n;
		s += *s == '.';
	}
	return rc ? rc : put(o, "", 1);
}

static int domains(const char *s, struct dhcp_opt *o)
{
	char word[256];
	int rc = 0;

	while (!rc && next_word(&s, word))
		rc = word[0] ? domain(word, o) : -EINVAL;
	return rc;
}

/* Of an option that has no row: what dnsmasq would make of it. */
static int any(const char *s, uint8_t version, struct dhcp_opt *o)
{
	static const uint32_t max[] = { 0xff, 0xffff };
	uint64_t v;
	char *end;

	if (!addrs(s, version, o))
		return 0;
	o->n = 0;
	v = strtoull(s, &end, 10);
	if (*s >= '0' && *s <= '9' && !*end && v <= UINT32_MAX)
		return number(s, v <= max[0] ? 1 : v <= max[1] ? 2 : 4, o);
	return put(o, s, strlen(s));
}

static int value(const char *s, uint8_t version, struct dhcp_opt *o)
{
	switch (o->kind) {
	case DHCP_OPT_TEXT:
		return put(o, s, strlen(s));
	case DHCP_OPT_ADDRS:
		return addrs(s, version, o);
	case DHCP_OPT_U8:
		return number(s, 1, o);
	case DHCP_OPT_U16:
		return number(s, 2, o);
	case DHCP_OPT_U32:
		return number(s, 4, o);
	case DHCP_OPT_LEASE:
		return number(s, 4, o) || get_be32(o->v) < 60 ? -EINVAL : 0;
	case DHCP_OPT_ROUTES:
		return routes(s, o);
	case DHCP_OPT_DOMAINS:
		return domains(s, o);
	case DHCP_OPT_NEXT:
		return addrs(s, version, o) || o->n != 4 ? -EINVAL : 0;
	default:
		return any(s, version, o);
	}
}

/* By number, or by name. */
static int code_of(const char *name, uint8_t version, struct dhcp_opt *o)
{
	unsigned long code;
	char *end;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (rows[i].version == version && !strcmp(rows[i].name, name)) {
			o->code = rows[i].code;
			o->kind = rows[i].kind;
			return 0;
		}
	if (*name < '0' || *name > '9')
		return -ENOENT;
	code = strtoul(name, &end, 10);
	if (*end || code > (version == 4 ? 255 : 65535))
		return -ENOENT;
	o->code = (uint16_t)code;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (code && rows[i].version == version && rows[i].code == code)
			o->kind = rows[i].kind;
	/* What the answer says of itself, and what only clients and relays say. */
	if (o->kind != DHCP_OPT_LEASE &&
	    of_opt_is_ours(version == 6 ? OF_OPT_DHCPV6 : OF_OPT_DHCP, o->code))
		return -EPERM;
	return 0;
}

int dhcp_opt_read(const struct extra_dhcp_opt *x, struct dhcp_opt *out)
{
	int rc;

	memset(out, 0, sizeof(*out));
	rc = code_of(x->opt_name, (uint8_t)x->ip_version, out);
	if (rc || !x->opt_value)
		return rc;
	/* Only what the subnet would give can be taken away by saying nothing. */
	if (!x->opt_value[0])
		return out->code == DHCP_ROUTER || out->kind == DHCP_OPT_ROUTES ? 0 : -EINVAL;
	return value(x->opt_value, (uint8_t)x->ip_version, out);
}

/* ---- names ---- */

static bool said(const char *name, const char *value, uint8_t version, struct dhcp_opt *out)
{
	struct extra_dhcp_opt x = { .ip_version = version };

	x.opt_name = (char *)(uintptr_t)name;
	x.opt_value = (char *)(uintptr_t)value;
	return value[0] && !dhcp_opt_read(&x, out);
}

size_t dhcp_opt_names(const struct port *p, uint8_t version, struct dhcp_opt out[DHCP_OPT_NAMES])
{
	char name[DNS_MAX + 1];
	size_t n = 0;

	dns_name_short(p->a.dns_name, name);
	if (version == 4 && said("hostname", name, version, &out[n]))
		n++;
	if (dns_domain_is_said() &&
	    said(version == 4 ? "domain-name" : "domain-search", dns_domain(), version, &out[n]))
		n++;
	return n;
}

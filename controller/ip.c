/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/ip.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

int ip_parse(const char *text, struct ip_addr *a)
{
	*a = (struct ip_addr){ 0 };
	if (strchr(text, ':')) {
		if (inet_pton(AF_INET6, text, a->b) != 1)
			return -EINVAL;
		a->family = 6;
		return 0;
	}
	if (inet_pton(AF_INET, text, a->b) != 1)
		return -EINVAL;
	a->family = 4;
	return 0;
}

int ip_prefix_parse(const char *text, struct ip_prefix *p)
{
	const char *slash = strchr(text, '/');
	char addr[IP_TEXT];
	unsigned int len = 0, bits;

	if (!slash) {
		if (ip_parse(text, &p->addr))
			return -EINVAL;
		p->len = (uint8_t)(ip_size(&p->addr) * 8);
		return 0;
	}
	if (slash - text >= (int)sizeof(addr))
		return -EINVAL;
	memcpy(addr, text, (size_t)(slash - text));
	addr[slash - text] = '\0';
	if (ip_parse(addr, &p->addr))
		return -EINVAL;
	bits = (unsigned int)ip_size(&p->addr) * 8;
	if (!slash[1] || strlen(slash + 1) > 3)
		return -EINVAL;
	for (const char *c = slash + 1; *c; c++) {
		if (*c < '0' || *c > '9')
			return -EINVAL;
		len = len * 10 + (unsigned int)(*c - '0');
	}
	if (len > bits)
		return -EINVAL;
	p->len = (uint8_t)len;
	return 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int mac_parse(const char *text, uint8_t mac[6])
{
	const char separator = strchr(text, '-') ? '-' : ':';

	for (int i = 0; i < 6; i++) {
		int hi = hex_digit(text[0]);
		int lo = hi < 0 ? -1 : hex_digit(text[1]);

		if (lo < 0 || text[2] != (i < 5 ? separator : '\0'))
			return -EINVAL;
		mac[i] = (uint8_t)(hi << 4 | lo);
		text += 3;
	}
	return 0;
}

const char *ip_format(const struct ip_addr *a, char buf[IP_TEXT])
{
	if (!a->family || !inet_ntop(a->family == 4 ? AF_INET : AF_INET6, a->b, buf, IP_TEXT))
		buf[0] = '\0';
	return buf;
}

const char *ip_prefix_format(const struct ip_prefix *p, char buf[PREFIX_TEXT])
{
	ip_format(&p->addr, buf);
	snprintf(buf + strlen(buf), PREFIX_TEXT - strlen(buf), "/%u", p->len);
	return buf;
}

const char *mac_format(const uint8_t m[6], char buf[MAC_TEXT])
{
	snprintf(buf, MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4],
		 m[5]);
	return buf;
}

int ip_cmp(const struct ip_addr *a, const struct ip_addr *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->b, b->b, sizeof(a->b));
}

struct ip_addr ip_plus(const struct ip_addr *a, uint64_t n)
{
	struct ip_addr r = *a;

	for (int i = (int)ip_size(a) - 1; i >= 0 && n; i--) {
		n += r.b[i];
		r.b[i] = (uint8_t)n;
		n >>= 8;
	}
	return r;
}

uint64_t ip_distance(const struct ip_addr *a, const struct ip_addr *b)
{
	size_t n = ip_size(a);
	unsigned int borrow = 0;
	uint8_t d[16] = { 0 };
	uint64_t r = 0;

	if (a->family != b->family || ip_cmp(a, b) > 0)
		return UINT64_MAX;
	for (size_t i = n; i-- > 0;) {
		unsigned int t = 256u + b->b[i] - a->b[i] - borrow;

		d[i] = (uint8_t)t;
		borrow = t < 256;
	}
	for (size_t i = 0; i < n; i++) {
		if (r >> 56)
			return UINT64_MAX;
		r = r << 8 | d[i];
	}
	return r;
}

static struct ip_addr with_host_bits(const struct ip_prefix *p, uint8_t fill)
{
	struct ip_addr r = p->addr;

	for (size_t i = 0; i < ip_size(&r); i++) {
		int keep = (int)p->len - (int)i * 8;
		uint8_t host = keep >= 8 ? 0 : keep <= 0 ? 0xff : (uint8_t)(0xff >> keep);

		r.b[i] = (uint8_t)((r.b[i] & ~host) | (fill & host));
	}
	return r;
}

struct ip_addr ip_prefix_first(const struct ip_prefix *p)
{
	return with_host_bits(p, 0);
}

struct ip_addr ip_prefix_last(const struct ip_prefix *p)
{
	return with_host_bits(p, 0xff);
}

bool ip_prefix_has(const struct ip_prefix *p, const struct ip_addr *a)
{
	struct ip_addr first = ip_prefix_first(p), last = ip_prefix_last(p);

	return a->family == p->addr.family && ip_cmp(&first, a) <= 0 && ip_cmp(a, &last) <= 0;
}

bool ip_prefix_overlaps(const struct ip_prefix *a, const struct ip_prefix *b)
{
	return a->len <= b->len ? ip_prefix_has(a, &b->addr) : ip_prefix_has(b, &a->addr);
}

struct ip_addr ip_eui64(const struct ip_prefix *p, const uint8_t mac[6])
{
	struct ip_addr r = ip_prefix_first(p);

	r.b[8] = mac[0] ^ 2;
	r.b[9] = mac[1];
	r.b[10] = mac[2];
	r.b[11] = 0xff;
	r.b[12] = 0xfe;
	r.b[13] = mac[3];
	r.b[14] = mac[4];
	r.b[15] = mac[5];
	return r;
}

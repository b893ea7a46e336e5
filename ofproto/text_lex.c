/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/text_lex.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/byteorder.h"

#define BLANKS	   ", \t\r\n"
#define KEY_ENDERS ":=(" BLANKS

/* Length of a value that ends at one of 'enders' outside parentheses and quotes. */
static size_t value_len(const char *s, const char *enders)
{
	int depth = 0;
	size_t i;

	for (i = 0; s[i]; i++) {
		if (s[i] == '"') {
			const char *end = strchr(s + i + 1, '"');

			if (end)
				i = (size_t)(end - s);
			continue;
		}
		if (!depth && strchr(enders, s[i]))
			break;
		if (s[i] == '(')
			depth++;
		else if (s[i] == ')' && depth)
			depth--;
	}
	return i;
}

/* Takes the quotes off a key that is a quoted port name. */
static char *quoted_key(char **at)
{
	char *start = *at, *end = strchr(start + 1, '"');

	if (!end || (end[1] && !strchr(BLANKS, end[1])))
		return NULL;
	*at = end + 1;
	if (**at)
		*(*at)++ = '\0';
	return start;
}

bool text_next(char **at, char **key, char **value)
{
	char *s = *at + strspn(*at, BLANKS);
	char *k = s, ender;
	size_t n;

	*at = s;
	if (!*s)
		return false;
	if (*s == '"' && (k = quoted_key(at))) {
		*key = k;
		*value = *at + strlen(*at);
		return true;
	}
	n = strcspn(s, KEY_ENDERS);
	*key = s;
	s += n;
	ender = *s;
	if (ender)
		*s++ = '\0';
	*value = s - (ender ? 1 : 0);
	if (ender == ':' || ender == '=' || ender == '(') {
		*value = s;
		s += value_len(s, ender == '(' ? ")" : BLANKS);
		if (*s)
			*s++ = '\0';
	}
	*at = s;
	return true;
}

int text_number(const char *s, uint64_t max, const char *what, uint64_t *v, struct err *e)
{
	char *end;

	if (!*s)
		return err_set(e, -EINVAL, "%s needs a number", what);
	errno = 0;
	*v = strtoull(s, &end, 0);
	if (end == s || *end || s[0] == '-' || isspace((unsigned char)s[0]))
		return err_set(e, -EINVAL, "%s: \"%s\" is not a number", what, s);
	if (errno || *v > max)
		return err_set(e, -EINVAL, "%s: \"%s\" is not between 0 and %llu", what, s,
			       (unsigned long long)max);
	return 0;
}

#define DEFINE_NUMBER(name, type, max)                                    \
	int name(const char *s, const char *what, type *v, struct err *e) \
	{                                                                 \
		uint64_t n = 0;                                           \
		int r = text_number(s, max, what, &n, e);                 \
                                                                          \
		if (!r)                                                   \
			*v = (type)n;                                     \
		return r;                                                 \
	}
DEFINE_NUMBER(text_u8, uint8_t, UINT8_MAX)
DEFINE_NUMBER(text_u16, uint16_t, UINT16_MAX)
DEFINE_NUMBER(text_u32, uint32_t, UINT32_MAX)
DEFINE_NUMBER(text_u64, uint64_t, UINT64_MAX)

int text_masked_u64(const char *s, const char *what, uint64_t *v, uint64_t *mask, struct err *e)
{
	const char *slash = strchr(s, '/');
	char part[40];
	int r;

	*mask = UINT64_MAX;
	if (!slash)
		return text_u64(s, what, v, e);
	if ((size_t)(slash - s) >= sizeof(part))
		return err_set(e, -EINVAL, "%s: \"%s\" is not value/mask", what, s);
	memcpy(part, s, (size_t)(slash - s));
	part[slash - s] = '\0';
	r = text_u64(part, what, v, e);
	if (r || !strcmp(slash + 1, "-1"))
		return r;
	return text_u64(slash + 1, what, mask, e);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int wide_hex(const char **s, uint8_t *p, unsigned int n)
{
	const char *start = *s + 2, *end = start;

	while (hex_digit(*end) >= 0)
		end++;
	if (end == start)
		return -EINVAL;
	*s = end;
	memset(p, 0, n);
	for (unsigned int nibble = 0; end > start; nibble++) {
		int d = hex_digit(*--end);

		if (nibble < 2 * n)
			p[n - 1 - nibble / 2] |= (uint8_t)(d << (nibble & 1 ? 4 : 0));
		else if (d)
			return -ERANGE;
	}
	return 0;
}

int text_wide(const char **s, uint8_t *p, unsigned int n)
{
	unsigned long long v;
	char *end;

	if (isspace((unsigned char)**s))
		return -EINVAL;
	if ((*s)[0] == '0' && tolower((unsigned char)(*s)[1]) == 'x')
		return wide_hex(s, p, n);
	errno = 0;
	v = strtoull(*s, &end, 0);
	if (end == *s)
		return -EINVAL;
	if (errno)
		return -ERANGE;
	*s = end;
	if (n < 8 && v >> (8 * n))
		return -ERANGE;
	memset(p, 0, n);
	put_be(n > 8 ? p + n - 8 : p, n > 8 ? 8 : n, v);
	return 0;
}

int text_mac(const char **s, uint8_t mac[6])
{
	const char *p = *s;

	for (int i = 0; i < 6; i++) {
		int d = hex_digit(*p), d2;

		if (d < 0)
			return -EINVAL;
		d2 = hex_digit(*++p);
		if (d2 >= 0) {
			d = d * 16 + d2;
			p++;
		}
		mac[i] = (uint8_t)d;
		if (i < 5 && *p++ != ':')
			return -EINVAL;
	}
	*s = p;
	return 0;
}

/* Copies what can stand in an address to 'word' so that inet_pton() sees only that. */
static int address(const char **s, const char *digits, int family, void *ip)
{
	char word[INET6_ADDRSTRLEN + 1];
	size_t n = strspn(*s, digits);

	if (n >= sizeof(word))
		return -EINVAL;
	memcpy(word, *s, n);
	word[n] = '\0';
	if (inet_pton(family, word, ip) != 1)
		return -EINVAL;
	*s += n;
	return 0;
}

int text_ip4(const char **s, uint8_t ip[4])
{
	return address(s, "0123456789.", AF_INET, ip);
}

int text_ip6(const char **s, uint8_t ip[16])
{
	return address(s, "0123456789abcdefABCDEF:.", AF_INET6, ip);
}

void text_put_mac(FILE *f, const uint8_t mac[6])
{
	fprintf(f, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}

void text_put_ip4(FILE *f, const uint8_t ip[4])
{
	fprintf(f, "%u.%u.%u.%u", ip[0], ip[1], ip[2], ip[3]);
}

void text_put_ip6(FILE *f, const uint8_t ip[16])
{
	char s[INET6_ADDRSTRLEN];

	fputs(inet_ntop(AF_INET6, ip, s, sizeof(s)) ? s : "?", f);
}

int text_hex(const char *s, uint8_t *p, size_t room)
{
	size_t n = 0;

	for (;;) {
		int hi, lo;

		s += strspn(s, ". \t\n");
		if (!*s)
			return (int)n;
		hi = hex_digit(s[0]);
		lo = hi < 0 ? -1 : hex_digit(s[1]);
		if (lo < 0 || n == room)
			return -EINVAL;
		p[n++] = (uint8_t)(hi << 4 | lo);
		s += 2;
	}
}

void text_put_hexdump(FILE *f, const uint8_t *p, size_t n)
{
	for (size_t line = 0; line < n; line += 16) {
		fprintf(f, "%08zx ", line);
		for (size_t i = 0; i < 16; i++) {
			if (line + i < n)
				fprintf(f, "%c%02x", i == 8 ? '-' : ' ', p[line + i]);
			else
				fputs(line + 8 == n && i == 8 ? "-  " : "   ", f);
		}
		fputs(" |", f);
		for (size_t i = 0; i < 16; i++) {
			uint8_t c = line + i < n ? p[line + i] : ' ';

			fputc(c >= 0x20 && c < 0x7f ? c : '.', f);
		}
		fputs("|\n", f);
	}
}

const char *text_name_of(const struct text_name *t, uint32_t value)
{
	for (; t->name; t++)
		if (t->value == value)
			return t->name;
	return NULL;
}

int text_value_of(const struct text_name *t, const char *name, uint32_t *value)
{
	for (; t->name; t++) {
		if (!strcasecmp(t->name, name)) {
			*value = t->value;
			return 0;
		}
	}
	return -ENOENT;
}

void text_put_bits(FILE *f, const struct text_name *t, uint32_t bits, char sep, const char *none)
{
	bool first = true;

	if (!bits) {
		fputs(none, f);
		return;
	}
	for (; t->name; t++) {
		if (!(bits & t->value))
			continue;
		if (!first)
			fputc(sep, f);
		fputs(t->name, f);
		first = false;
		bits &= ~t->value;
	}
	if (bits)
		fprintf(f, "%.*s0x%x", first ? 0 : 1, &sep, bits);
}

void text_put_duration(FILE *f, uint32_t sec, uint32_t nsec)
{
	/* Milliseconds where they say it all, else nanoseconds without their trailing zeroes. */
	char digits[16];
	size_t n;

	fprintf(f, "%u", sec);
	if (nsec && nsec % 1000000 == 0) {
		fprintf(f, ".%03u", nsec / 1000000);
	} else if (nsec) {
		n = (size_t)snprintf(digits, sizeof(digits), "%09u", nsec);
		while (digits[n - 1] == '0')
			digits[--n] = '\0';
		fprintf(f, ".%s", digits);
	}
	fputc('s', f);
}

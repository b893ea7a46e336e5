/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FTP's four announcements: PORT h1,h2,h3,h4,p1,p2 and 227 with the same numbers somewhere (RFC 959
 * 4.1.2, RFC 1123 4.1.2.6), EPRT |1|10.0.0.1|6275| and 229 (|||6275|) (RFC 2428).
 *
 * Whoever sends a line may be hostile: a line is read to its end and not beyond, and what is not
 * exactly one of them is none.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "datapath/ct_alg_priv.h"

struct text {
	const uint8_t *p;
	uint32_t n, at;
};

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool eat(struct text *t, uint8_t c)
{
	if (t->at >= t->n || t->p[t->at] != c)
		return false;
	t->at++;
	return true;
}

static bool spaces(struct text *t)
{
	const uint32_t from = t->at;

	while (eat(t, ' '))
		;
	return t->at > from;
}

/* Of at most five digits. */
static bool number(struct text *t, uint32_t max, uint32_t *v)
{
	const uint32_t from = t->at;

	*v = 0;
	while (t->at < t->n && is_digit(t->p[t->at]) && t->at - from < 5)
		*v = *v * 10 + (t->p[t->at++] - '0');
	return t->at > from && (t->at == t->n || !is_digit(t->p[t->at])) && *v <= max;
}

static bool six_numbers(struct text *t, struct ftp_line *out)
{
	uint32_t v[6];

	out->at = t->at;
	for (unsigned int i = 0; i < 6; i++)
		if ((i && !eat(t, ',')) || !number(t, 255, &v[i]))
			return false;
	out->n = t->at - out->at;
	out->l3 = 4;
	for (unsigned int i = 0; i < 4; i++)
		out->addr[i] = (uint8_t)v[i];
	out->port = (uint16_t)(v[4] << 8 | v[5]);
	return true;
}

/* The first six numbers in the text of the reply, in parentheses or not. */
static bool six_numbers_somewhere(struct text *t, struct ftp_line *out)
{
	while (t->at < t->n) {
		if (!is_digit(t->p[t->at])) {
			t->at++;
			continue;
		}
		if (six_numbers(t, out))
			return true;
		while (t->at < t->n && is_digit(t->p[t->at]))
			t->at++;
	}
	return false;
}

static bool delim(struct text *t, struct ftp_line *out)
{
	if (t->at >= t->n || t->p[t->at] < 33 || t->p[t->at] > 126 || is_digit(t->p[t->at]))
		return false;
	out->delim = t->p[t->at++];
	return true;
}

static bool read_address(struct text *t, struct ftp_line *out)
{
	char text[INET6_ADDRSTRLEN];
	const uint8_t *end = memchr(t->p + t->at, out->delim, t->n - t->at);
	const uint32_t n = end ? (uint32_t)(end - (t->p + t->at)) : 0;

	if (!n || n >= sizeof(text))
		return false;
	memcpy(text, t->p + t->at, n);
	text[n] = 0;
	t->at += n;
	return strlen(text) == n &&
	       inet_pton(out->l3 == 4 ? AF_INET : AF_INET6, text, out->addr) == 1;
}

static bool eprt(struct text *t, struct ftp_line *out)
{
	uint32_t family, port;

	out->at = t->at;
	if (!delim(t, out) || !number(t, 2, &family) || !family || !eat(t, out->delim))
		return false;
	out->l3 = family == 1 ? 4 : 6;
	if (!read_address(t, out) || !eat(t, out->delim) || !number(t, 65535, &port) ||
	    !eat(t, out->delim))
		return false;
	out->port = (uint16_t)port;
	out->n = t->at - out->at;
	return true;
}

static bool reply_229(struct text *t, struct ftp_line *out)
{
	const uint8_t *open = memchr(t->p + t->at, '(', t->n - t->at);
	uint32_t port;

	if (!open)
		return false;
	t->at = (uint32_t)(open - t->p) + 1;
	out->at = t->at;
	if (!delim(t, out) || !eat(t, out->delim) || !eat(t, out->delim) ||
	    !number(t, 65535, &port) || !eat(t, out->delim))
		return false;
	out->n = t->at - out->at;
	out->port = (uint16_t)port;
	return eat(t, ')');
}

static bool word(struct text *t, const char *w)
{
	const uint32_t n = (uint32_t)strlen(w);

	if (t->n - t->at < n || strncasecmp((const char *)t->p + t->at, w, n) != 0)
		return false;
	t->at += n;
	return spaces(t);
}

/* Nothing behind an argument. */
static bool ends(struct text *t)
{
	spaces(t);
	return t->at == t->n;
}

bool ftp_read(const uint8_t *line, uint32_t n, enum ct_dir dir, struct ftp_line *out)
{
	struct text t = { line, n, 0 };

	if (!n || line[n - 1] != '\n')
		return false;
	t.n -= n > 1 && line[n - 2] == '\r' ? 2 : 1;
	*out = (struct ftp_line){ .kind = FTP_PORT };
	if (dir == CT_ORIG) {
		if (word(&t, "PORT"))
			return six_numbers(&t, out) && ends(&t);
		out->kind = FTP_EPRT;
		return word(&t, "EPRT") && eprt(&t, out) && ends(&t);
	}
	out->kind = FTP_227;
	if (word(&t, "227"))
		return six_numbers_somewhere(&t, out);
	out->kind = FTP_229;
	return word(&t, "229") && reply_229(&t, out);
}

bool ftp_may_become(const uint8_t *line, uint32_t n, enum ct_dir dir)
{
	static const char *const words[2][2] = {
		[CT_ORIG] = { "PORT ", "EPRT " }, [CT_REPLY] = { "227 ", "229 " }
	};

	if (!n || n >= FTP_SPLIT_MAX || memchr(line, '\n', n))
		return false;
	for (unsigned int i = 0; i < 2; i++) {
		const uint32_t len = (uint32_t)strlen(words[dir][i]);

		if (!strncasecmp((const char *)line, words[dir][i], n < len ? n : len))
			return true;
	}
	return false;
}

uint32_t ftp_write(const struct ftp_line *like, const uint8_t addr[16], uint16_t port, char *out)
{
	char text[INET6_ADDRSTRLEN] = "";
	int n;

	switch (like->kind) {
	case FTP_PORT:
	case FTP_227:
		n = snprintf(out, FTP_TEXT_MAX, "%u,%u,%u,%u,%u,%u", addr[0], addr[1], addr[2],
			     addr[3], port >> 8, port & 255);
		break;
	case FTP_EPRT:
		inet_ntop(like->l3 == 4 ? AF_INET : AF_INET6, addr, text, sizeof(text));
		n = snprintf(out, FTP_TEXT_MAX, "%c%u%c%s%c%u%c", like->delim,
			     like->l3 == 4 ? 1 : 2, like->delim, text, like->delim, port,
			     like->delim);
		break;
	default:
		n = snprintf(out, FTP_TEXT_MAX, "%c%c%c%u%c", like->delim, like->delim, like->delim,
			     port, like->delim);
		break;
	}
	return (uint32_t)n;
}

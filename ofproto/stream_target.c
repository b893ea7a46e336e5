/* SPDX-License-Identifier: Apache-2.0 */
/* Targets in words, "tcp:[::1]:6653", and socket addresses. */
#include "ofproto/stream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

static const struct {
	const char *word;
	enum stream_kind kind;
} kinds[] = { { "tcp", STREAM_TCP }, { "ssl", STREAM_TLS }, { "unix", STREAM_UNIX } };

static int parse_port(const char *s, const char *whole, uint16_t *port, struct err *e)
{
	char *end;
	unsigned long v = strtoul(s, &end, 10);

	if (*s < '0' || *s > '9' || *end || v > 65535)
		return err_set(e, -EINVAL, "%s: \"%s\" is not a port number (0 to 65535)", whole,
			       s);
	*port = (uint16_t)v;
	return 0;
}

static int parse_addr(const char *host, uint16_t port, const char *whole, struct stream_target *t,
		      struct err *e)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM };
	struct addrinfo *ai;
	struct in_addr in;

	if (!strcmp(host, "localhost"))
		host = "127.0.0.1";
	/* getaddrinfo() alone would take "6653" for 0.0.25.253. */
	if (!strchr(host, ':') && inet_pton(AF_INET, host, &in) != 1)
		hints.ai_family = AF_INET6;
	if (getaddrinfo(host, NULL, &hints, &ai))
		return err_set(e, -EINVAL,
			       "%s: \"%s\" is not an address; give IPv4 (10.0.0.1), IPv6 in "
			       "brackets ([2001:db8::1]) or localhost; names are not looked up",
			       whole, host);
	memcpy(&t->addr, ai->ai_addr, ai->ai_addrlen);
	t->len = ai->ai_addrlen;
	freeaddrinfo(ai);
	if (t->addr.ss_family == AF_INET6)
		((struct sockaddr_in6 *)&t->addr)->sin6_port = htons(port);
	else
		((struct sockaddr_in *)&t->addr)->sin_port = htons(port);
	return 0;
}

/* Cuts "HOST" or "[HOST]" off '*rest'; what follows (":...", or nothing) stays. */
static int cut_host(const char **rest, const char *whole, char *host, size_t size, struct err *e)
{
	const char *s = *rest, *end;
	size_t n;

	if (*s == '[') {
		end = strchr(++s, ']');
		if (!end)
			return err_set(e, -EINVAL, "%s: the bracket is not closed", whole);
		*rest = end + 1;
	} else {
		end = s + strcspn(s, ":");
		if (*end && strchr(end + 1, ':'))
			return err_set(e, -EINVAL, "%s: put an IPv6 address in brackets", whole);
		*rest = end;
	}
	n = (size_t)(end - s);
	if (!n || n >= size)
		return err_set(e, -EINVAL, "%s: needs an address", whole);
	memcpy(host, s, n);
	host[n] = 0;
	if (**rest && **rest != ':')
		return err_set(e, -EINVAL, "%s: \"%s\" follows the address", whole, *rest);
	return 0;
}

static int parse_active(const char *s, const char *whole, struct stream_target *t, struct err *e)
{
	uint16_t port = STREAM_DEFAULT_PORT;
	char host[64];
	int r = cut_host(&s, whole, host, sizeof(host), e);

	if (!r && *s == ':')
		r = parse_port(s + 1, whole, &port, e);
	if (!r && !port)
		r = err_set(e, -EINVAL, "%s: port 0 cannot be connected to", whole);
	return r ? r : parse_addr(host, port, whole, t, e);
}

static int parse_passive(const char *s, const char *whole, struct stream_target *t, struct err *e)
{
	uint16_t port = STREAM_DEFAULT_PORT;
	char digits[8], host[64] = "0.0.0.0";
	size_t n = strcspn(s, ":");
	int r = 0;

	if (n >= sizeof(digits))
		return err_set(e, -EINVAL, "%s: the port comes first, as in ptcp:6653:10.0.0.1",
			       whole);
	memcpy(digits, s, n);
	digits[n] = 0;
	if (n)
		r = parse_port(digits, whole, &port, e);
	s += n;
	if (!r && *s == ':') {
		s++;
		r = cut_host(&s, whole, host, sizeof(host), e);
		if (!r && *s)
			r = err_set(e, -EINVAL, "%s: \"%s\" follows the address", whole, s);
	}
	return r ? r : parse_addr(host, port, whole, t, e);
}

static int parse_path(const char *s, const char *whole, struct stream_target *t, struct err *e)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&t->addr;
	size_t n = strlen(s);

	if (!n)
		return err_set(e, -EINVAL, "%s: needs a path", whole);
	if (n >= sizeof(un->sun_path))
		return err_set(e, -EINVAL, "%s: the path is longer than %zu bytes", whole,
			       sizeof(un->sun_path) - 1);
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, s, n + 1);
	t->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + 1);
	return 0;
}

/* "tcp:10.0.0.1:6653" of an address; 'kind' gives the word. */
static void name_addr(enum stream_kind kind, const struct sockaddr_storage *a, char *buf,
		      size_t size)
{
	const char *word = kinds[kind].word;
	char host[INET6_ADDRSTRLEN + 20] = "?", port[8] = "?";

	if (a->ss_family == AF_UNIX) {
		snprintf(buf, size, "%s:%s", word, ((const struct sockaddr_un *)a)->sun_path);
		return;
	}
	getnameinfo((const struct sockaddr *)a, sizeof(*a), host, sizeof(host), port, sizeof(port),
		    NI_NUMERICHOST | NI_NUMERICSERV);
	snprintf(buf, size, a->ss_family == AF_INET6 ? "%s:[%s]:%s" : "%s:%s:%s", word, host, port);
}

int stream_target_parse(const char *s, bool passive, struct stream_target *t, struct err *e)
{
	const char *rest = strchr(s, ':'), *word = s;
	int r;

	*t = (struct stream_target){ 0 };
	if (passive && *word == 'p')
		word++;
	for (size_t i = 0; rest && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t n = strlen(kinds[i].word);

		if ((size_t)(rest - word) != n || memcmp(word, kinds[i].word, n))
			continue;
		t->kind = kinds[i].kind;
		if (t->kind == STREAM_UNIX)
			r = parse_path(rest + 1, s, t, e);
		else if (passive)
			r = parse_passive(rest + 1, s, t, e);
		else
			r = parse_active(rest + 1, s, t, e);
		if (!r)
			name_addr(t->kind, &t->addr, t->name, sizeof(t->name));
		return r;
	}
	return err_set(e, -EINVAL, "%s: %s", s,
		       passive ? "not a place to listen; use ptcp:[PORT][:ADDR], "
				 "pssl:[PORT][:ADDR] or punix:PATH"
			       : "not a target; use tcp:HOST[:PORT], ssl:HOST[:PORT] or unix:PATH");
}

uint16_t stream_target_port(const struct stream_target *t)
{
	switch (t->addr.ss_family) {
	case AF_INET:
		return ntohs(((const struct sockaddr_in *)&t->addr)->sin_port);
	case AF_INET6:
		return ntohs(((const struct sockaddr_in6 *)&t->addr)->sin6_port);
	default:
		return 0;
	}
}

void stream_peer_name(int fd, const struct stream_target *listener, char *buf, size_t size)
{
	struct sockaddr_storage a = { 0 };
	socklen_t len = sizeof(a);

	if (listener->kind == STREAM_UNIX || getpeername(fd, (struct sockaddr *)&a, &len))
		snprintf(buf, size, "%s", listener->name);
	else
		name_addr(listener->kind, &a, buf, size);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A collector set as it is written: "7=192.0.2.1:4739,[fc00::1]:4739;cache-active-timeout=10". */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/ipfix.h"

#define USAGE "ID=HOST:PORT[,HOST:PORT...][;NAME=N,...] is right, as 7=192.0.2.1:4739"

/* A number up to 'max', and what follows it. */
static int number(const char *s, uint32_t max, uint32_t *out, const char **after)
{
	char *end;
	const unsigned long long n = strtoull(s, &end, 10);

	if (*s < '0' || *s > '9' || n > max)
		return -EINVAL;
	*out = (uint32_t)n;
	*after = end;
	return 0;
}

/* "192.0.2.1:4739" or "[fc00::1]:4739": literal addresses, for a name would have to be waited for.
 */
static int resolve(struct ipfix_collector *c, const char *text, struct err *e)
{
	const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
					.ai_socktype = SOCK_DGRAM };
	char host[sizeof(c->name)];
	char *colon, *h = host;
	const char *after;
	struct addrinfo *a;
	uint32_t port;

	snprintf(host, sizeof(host), "%s", c->name);
	colon = strrchr(host, ':');
	if (!colon || number(colon + 1, 65535, &port, &after) || *after || !port)
		goto bad;
	*colon = 0;
	if (*h == '[') {
		if (colon[-1] != ']')
			goto bad;
		colon[-1] = 0;
		h++;
	} else if (strchr(host, ':')) {
		goto bad;
	}
	if (getaddrinfo(h, colon + 1, &hints, &a))
		goto bad;
	memcpy(&c->addr, a->ai_addr, a->ai_addrlen);
	c->addr_len = a->ai_addrlen;
	c->fd = -1;
	freeaddrinfo(a);
	return 0;
bad:
	return err_set(e, -EINVAL,
		       "ipfix '%s': '%s' is no collector: ADDRESS:PORT is right, as 192.0.2.1:4739 "
		       "or [fc00::1]:4739",
		       text, c->name);
}

static int collectors(const char *s, size_t len, struct ipfix_spec *out, const char *text,
		      struct err *e)
{
	for (;;) {
		struct ipfix_collector *c = &out->collectors[out->n_collectors];
		const char *comma = memchr(s, ',', len);
		const size_t n = comma ? (size_t)(comma - s) : len;
		int rc;

		if (out->n_collectors == IPFIX_COLLECTORS)
			return err_set(e, -EINVAL, "ipfix '%s': at most %d collectors are in a set",
				       text, IPFIX_COLLECTORS);
		if (n >= sizeof(c->name))
			return err_set(e, -EINVAL, "ipfix '%s': " USAGE, text);
		memcpy(c->name, s, n);
		c->name[n] = 0;
		rc = resolve(c, text, e);
		if (rc)
			return rc;
		out->n_collectors++;
		if (!comma)
			return 0;
		s += n + 1;
		len -= n + 1;
	}
}

static int setting(const char **s, struct ipfix_spec *out, const char *text, struct err *e)
{
	const struct {
		const char *name;
		uint32_t *to, min, max;
	} names[] = {
		{ "cache-active-timeout", &out->active_timeout, 0, IPFIX_ACTIVE_LIMIT },
		{ "cache-max-flows", &out->max_flows, 1, IPFIX_CACHE_LIMIT },
		{ "template-interval", &out->interval, 1, IPFIX_INTERVAL_LIMIT },
	};
	const size_t n = strcspn(*s, "=,");

	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strlen(names[i].name) != n || memcmp(names[i].name, *s, n) != 0)
			continue;
		if ((*s)[n] != '=' || number(*s + n + 1, names[i].max, names[i].to, s) ||
		    *names[i].to < names[i].min || (**s && **s != ','))
			return err_set(e, -EINVAL, "ipfix '%s': %s=N of %u to %u is right", text,
				       names[i].name, names[i].min, names[i].max);
		return 0;
	}
	return err_set(e, -EINVAL,
		       "ipfix '%s': there is no '%.*s': cache-active-timeout, cache-max-flows and "
		       "template-interval are",
		       text, (int)n, *s);
}

int ipfix_spec_parse(const char *text, struct ipfix_spec *out, struct err *e)
{
	const char *s, *semicolon;
	int rc;

	*out = (struct ipfix_spec){ .max_flows = IPFIX_CACHE_DEFAULT,
				    .interval = IPFIX_INTERVAL_DEFAULT };
	if (number(text, UINT32_MAX, &out->id, &s) || *s != '=')
		return err_set(e, -EINVAL, "ipfix '%s': " USAGE, text);
	s++;
	semicolon = strchr(s, ';');
	rc = collectors(s, semicolon ? (size_t)(semicolon - s) : strlen(s), out, text, e);
	for (s = semicolon; !rc && s && *s;) {
		s++;
		rc = setting(&s, out, text, e);
	}
	return rc;
}

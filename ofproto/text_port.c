/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "ofproto/text.h"
#include "ofproto/text_lex.h"

static const struct text_name reserved[] = {
	{ "IN_PORT", OFPP_IN_PORT },
	{ "TABLE", OFPP_TABLE },
	{ "NORMAL", OFPP_NORMAL },
	{ "FLOOD", OFPP_FLOOD },
	{ "ALL", OFPP_ALL },
	{ "CONTROLLER", OFPP_CONTROLLER },
	{ "LOCAL", OFPP_LOCAL },
	{ "ANY", OFPP_ANY },
	{ "UNSET", OFPP_UNSET },
	{ "NONE", OFPP_ANY },
	{ NULL, 0 },
};

/* OpenFlow 1.0's 16-bit numbers of reserved ports are read as what they meant. */
enum { OLD_RESERVED = 0xfff7, OLD_MAX = 0xff00 };

static int numbered(const char *s, uint32_t *port, struct err *e)
{
	uint64_t v;
	int r = text_number(s, UINT32_MAX, "port", &v, e);

	if (r)
		return r;
	if (v >= OLD_RESERVED && v <= UINT16_MAX)
		v |= 0xffff0000u;
	else if (v >= OLD_MAX)
		return err_set(e, -EINVAL,
			       "port %s: port numbers are 0 to 65279; reserved ports have names",
			       s);
	*port = (uint32_t)v;
	return 0;
}

static int named(const char *s, const struct of_names *n, uint32_t *port)
{
	char bare[64];
	size_t len = strlen(s);

	if (!n || !n->port_by_name)
		return -ENOENT;
	if (len >= 2 && s[0] == '"' && s[len - 1] == '"') {
		if (len - 2 >= sizeof(bare))
			return -ENOENT;
		memcpy(bare, s + 1, len - 2);
		bare[len - 2] = '\0';
		s = bare;
	}
	return n->port_by_name(n->arg, s, port);
}

int of_parse_port(const char *s, const struct of_names *n, uint32_t *port, struct err *e)
{
	if (isdigit((unsigned char)*s)) {
		uint32_t v = 0;

		/* A port may be named "3d": only what is all digits is a number. */
		if (!numbered(s, &v, e)) {
			*port = v;
			return 0;
		}
		return named(s, n, port) ? -EINVAL : 0;
	}
	if (!text_value_of(reserved, s, port) || !named(s, n, port))
		return 0;
	return err_set(
		e, -EINVAL,
		"\"%s\" is no port: expected a number, LOCAL, IN_PORT, CONTROLLER, ALL, FLOOD, "
		"NORMAL, TABLE, ANY%s",
		s, n ? " or the name of a port of the switch" : "");
}

/* A name stands bare only where it is one plain word that means no reserved port. */
static bool wants_quotes(const char *s)
{
	uint32_t port;

	if (!isalpha((unsigned char)*s) || !text_value_of(reserved, s, &port))
		return true;
	for (; *s; s++)
		if (!isalnum((unsigned char)*s))
			return true;
	return false;
}

void of_format_port(FILE *f, uint32_t port, const struct of_names *n)
{
	const char *name = text_name_of(reserved, port);

	if (!name && n && n->port_name) {
		name = n->port_name(n->arg, port);
		if (name && wants_quotes(name)) {
			fprintf(f, "\"%s\"", name);
			return;
		}
	}
	if (name)
		fputs(name, f);
	else
		fprintf(f, "%u", port);
}

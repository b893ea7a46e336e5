/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "ofproto/text.h"
#include "ofproto/text_lex.h"

enum { ETH_HEADER = 14 };

int of_parse_packet(const char *hex, struct arena *a, struct of_span *packet, struct err *e)
{
	size_t room = strlen(hex) / 2 + 1;
	uint8_t *p = arena_get(a, room);
	int n;

	if (!p)
		return err_set(e, -ENOMEM, "out of memory");
	n = text_hex(hex, p, room);
	if (n < 0)
		return err_set(e, -EINVAL, "packet: expected bytes in hex, as in 00112233");
	if (n < ETH_HEADER)
		return err_set(e, -EINVAL, "packet: %d bytes are too short for an Ethernet header",
			       n);
	*packet = (struct of_span){ (uint32_t)n, p };
	return 0;
}

static char *cut_actions(char *s)
{
	for (char *p = s; (p = strstr(p, "action")); p++) {
		char *eq = p + 6 + (p[6] == 's');

		if ((p == s || strchr(", \t\r\n", p[-1])) && *eq == '=') {
			*p = '\0';
			return eq + 1;
		}
	}
	return NULL;
}

int of_parse_packet_out(const char *s, const struct of_names *n, struct arena *a,
			struct of_packet_out **out, struct err *e)
{
	struct of_packet_out *po = OF_NEW(a, packet_out);
	char *copy = arena_strdup(a, s), *actions, *key, *value;
	int r = 0;

	if (!po || !copy)
		return err_set(e, -ENOMEM, "out of memory");
	po->buffer_id = OFP_NO_BUFFER;
	po->in_port = OFPP_CONTROLLER;
	actions = cut_actions(copy);
	while (!r && text_next(&copy, &key, &value)) {
		if (!*value)
			r = err_set(e, -EINVAL, "field %s needs a value", key);
		else if (!strcmp(key, "in_port"))
			r = of_parse_port(value, n, &po->in_port, e);
		else if (!strcmp(key, "packet"))
			r = of_parse_packet(value, a, &po->data, e);
		else
			r = err_set(e, -EINVAL,
				    "unknown keyword \"%s\": expected in_port, packet, actions",
				    key);
	}
	if (!r && !po->data.n)
		r = err_set(e, -EINVAL, "a packet-out needs packet=HEX");
	if (!r && actions)
		r = of_parse_actions(actions, n, a, &po->actions, e);
	if (!r)
		*out = po;
	return r;
}

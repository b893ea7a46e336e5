/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/ofctl.h"

/* The ports of the one switch that a command talks to. */
static struct {
	struct arena arena;
	const struct of_list *ports; /* NULL: not asked yet */
	struct ofctl_conn *conn;
} known;

static const struct of_list *ports(struct ofctl_conn *c)
{
	struct of_mp_port_desc_request req = { .kind = OF_KIND_mp_port_desc_request };
	const struct of_any *body;

	if (known.ports && known.conn == c)
		return known.ports;
	arena_init(&known.arena, 0);
	body = ofctl_mp_body(ofctl_ask_mp(c, &req, &known.arena));
	if (body->kind != OF_KIND_mp_port_desc_reply)
		ofctl_die("%s does not tell its ports", ofctl_target(c));
	known.conn = c;
	known.ports = &((const struct of_mp_port_desc_reply *)body)->ports;
	return known.ports;
}

static bool is_called(const struct of_port *p, const char *name)
{
	return strlen(name) <= sizeof(p->name) &&
	       !strncmp((const char *)p->name, name, sizeof(p->name));
}

static int by_name(const void *arg, const char *name, uint32_t *number)
{
	const struct of_list *l = ports((struct ofctl_conn *)arg);

	for (uint32_t i = 0; i < l->n; i++) {
		const struct of_port *p = OF_AT(l, i, port);

		if (!is_called(p, name))
			continue;
		*number = p->port_no;
		return 0;
	}
	return -ENOENT;
}

static const char *name_of(const void *arg, uint32_t number)
{
	const struct of_list *l = ports((struct ofctl_conn *)arg);
	static char name[17];

	for (uint32_t i = 0; i < l->n; i++) {
		const struct of_port *p = OF_AT(l, i, port);

		if (p->port_no != number || !p->name[0])
			continue;
		memcpy(name, p->name, sizeof(p->name));
		return name;
	}
	return NULL;
}

static const struct of_names *all_names(struct ofctl_conn *c)
{
	static struct of_names names;

	names = (struct of_names){ by_name, name_of, c };
	return &names;
}

const struct of_names *ofctl_names(struct ofctl_conn *c)
{
	return ofctl_options.no_names ? NULL : all_names(c);
}

const struct of_names *ofctl_shown_names(struct ofctl_conn *c)
{
	if (!ofctl_options.names)
		return NULL;
	ports(c); /* now, while no other answer is being read */
	return all_names(c);
}

const struct of_port *ofctl_find_port(struct ofctl_conn *c, const char *name)
{
	const struct of_list *l = ports(c);
	uint32_t number;

	if (of_parse_port(name, all_names(c), &number, NULL))
		return NULL;
	for (uint32_t i = 0; i < l->n; i++)
		if (OF_AT(l, i, port)->port_no == number)
			return OF_AT(l, i, port);
	return NULL;
}

struct of_text_opts ofctl_text(struct ofctl_conn *c)
{
	return (struct of_text_opts){ .names = ofctl_shown_names(c),
				      .stats = ofctl_options.stats,
				      .hex_data = ofctl_options.more > 0,
				      .no_payload = !ofctl_options.more };
}

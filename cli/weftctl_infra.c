/* SPDX-License-Identifier: Apache-2.0 */
/* Hosts, switches, and what is wrong. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/weftctl.h"

static const struct ctl_column host_columns[] = {
	{ "HOST", "id" },
	{ "UP", "up" },
	{ "SWITCHES", "switches" },
	{ "VTEPS", "vteps" },
	{ "PORTS BOUND", "n_ports_bound" },
	{ "ASSIGNED", "n_ports_assigned" },
	{ NULL, NULL },
};

static const struct ctl_column switch_columns[] = {
	{ "DPID", "dpid" }, { "HOST", "host" },	    { "NAME", "name" },	  { "UP", "up" },
	{ "PEER", "peer" }, { "PORTS", "n_ports" }, { "FAULT", "fault" }, { NULL, NULL },
};

static const struct ctl_column port_columns[] = {
	{ "OFPORT", "ofport" }, { "NAME", "name" },    { "IFACE-ID", "iface_id" },
	{ "LINK", "link_up" },	{ "MTU", "mtu" },      { "MAC", "mac_address" },
	{ "TUNNEL", "tunnel" }, { "PORT", "port_id" }, { NULL, NULL },
};

static int list(const struct ctl *c, const char *collection, const struct ctl_column *columns)
{
	json_t *answer;
	char path[64];
	int rc;

	snprintf(path, sizeof(path), "/weft/v1/%s", collection);
	rc = ctl_rest(c, "GET", path, NULL, &answer);
	if (rc)
		return rc;
	if (c->json)
		ctl_json(json_object_get(answer, collection));
	else
		ctl_table(json_object_get(answer, collection), columns);
	json_decref(answer);
	return CTL_OK;
}

static int show(const struct ctl *c, const char *collection, const char *noun)
{
	json_t *answer, *o, *ports;
	char *path;
	int rc;

	if (c->n_args != 1)
		return ctl_fail(CTL_USAGE, "which? weftctl %s show %s", noun,
				strcmp(noun, "host") ? "DPID" : "HOST");
	path = ctl_path("/weft/v1/", collection, "");
	if (path) {
		char *full = ctl_path(path, "/", c->args[0]);

		free(path);
		path = full;
	}
	rc = ctl_rest(c, "GET", path, NULL, &answer);
	free(path);
	if (rc)
		return rc;
	o = json_object_get(answer, noun);
	if (c->json) {
		ctl_json(o);
	} else {
		ports = json_incref(json_object_get(o, "ports"));
		json_object_del(o, "ports");
		ctl_object(o);
		if (ports) {
			putchar('\n');
			ctl_table(ports, port_columns);
		}
		json_decref(ports);
	}
	json_decref(answer);
	return CTL_OK;
}

int ctl_host(struct ctl *c, const char *verb)
{
	if (!strcmp(verb, "list"))
		return list(c, "hosts", host_columns);
	if (!strcmp(verb, "show"))
		return show(c, "hosts", "host");
	return ctl_fail(CTL_USAGE, "hosts can be listed (list) and shown (show), not '%s'", verb);
}

static int forget(const struct ctl *c)
{
	char *path;
	int rc;

	if (c->n_args != 1)
		return ctl_fail(CTL_USAGE, "which? weftctl switch forget DPID");
	path = ctl_path("/weft/v1/switches", "/", c->args[0]);
	rc = ctl_rest(c, "DELETE", path, NULL, NULL);
	free(path);
	return rc;
}

int ctl_switch(struct ctl *c, const char *verb)
{
	if (!strcmp(verb, "list"))
		return list(c, "switches", switch_columns);
	if (!strcmp(verb, "show"))
		return show(c, "switches", "switch");
	if (!strcmp(verb, "forget"))
		return forget(c);
	if (ctl_is_socket_verb(verb))
		return ctl_socket(c, verb);
	return ctl_fail(
		CTL_USAGE,
		"a switch, through the controller: list, show, forget; by its socket: info, "
		"ports, stats, drops, events, perf, port-add, port-del, queue-add, queue-del, "
		"queue-list, ipfix-add, ipfix-del, ipfix-list, conntrack, conntrack-stats, "
		"conntrack-zones; not '%s'",
		verb);
}

/* ---- status ---- */

static json_int_t number(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static void status_print(const json_t *s)
{
	const json_t *n = json_object_get(s, "counts"), *store = json_object_get(s, "store");
	const json_t *problems = json_object_get(s, "problems"), *nova = json_object_get(s, "nova");
	const char *error = json_string_value(json_object_get(store, "last_error"));

	printf("controller  up %.0f s, version %s\n",
	       json_number_value(json_object_get(s, "uptime")),
	       json_string_value(json_object_get(s, "version")));
	printf("store       %s, %s\n", json_string_value(json_object_get(store, "url")),
	       error ? error : "well");
	printf("switches    %lld of %lld up, on %lld hosts\n", number(n, "switches_up"),
	       number(n, "switches"), number(n, "hosts"));
	printf("ports       %lld, of which %lld are bound and %lld active\n", number(n, "ports"),
	       number(n, "ports_bound"), number(n, "ports_active"));
	printf("networks    %lld, with %lld subnets\n", number(n, "networks"),
	       number(n, "subnets"));
	if (json_is_object(nova))
		printf("nova        %lld events sent, %lld refused, %lld lost, %lld wait\n",
		       number(nova, "sent"), number(nova, "refused"), number(nova, "lost"),
		       number(nova, "waiting"));
	if (json_is_true(json_object_get(s, "ok"))) {
		printf("\nAll is well.\n");
		return;
	}
	printf("\n%lld wrong:\n", number(s, "n_problems"));
	for (size_t i = 0; i < json_array_size(problems); i++) {
		const json_t *p = json_array_get(problems, i);

		printf("  %-6s %s: %s\n", json_string_value(json_object_get(p, "kind")),
		       json_string_value(json_object_get(p, "id")),
		       json_string_value(json_object_get(p, "problem")));
	}
}

int ctl_status(struct ctl *c)
{
	json_t *answer, *s;
	int rc = ctl_rest(c, "GET", "/weft/v1/status", NULL, &answer);

	if (rc)
		return rc;
	s = json_object_get(answer, "status");
	if (c->json)
		ctl_json(s);
	else
		status_print(s);
	rc = json_is_true(json_object_get(s, "ok")) ? CTL_OK : CTL_FAILED;
	json_decref(answer);
	return rc;
}

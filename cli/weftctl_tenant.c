/* SPDX-License-Identifier: Apache-2.0 */
/* Networks, subnets and ports: list, show, create, set, delete. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/weftctl.h"

static const struct ctl_column network_columns[] = {
	{ "ID", "id" },
	{ "NAME", "name" },
	{ "TYPE", "provider:network_type" },
	{ "SEGMENT", "provider:segmentation_id" },
	{ "MTU", "mtu" },
	{ "UP", "admin_state_up" },
	{ "SHARED", "shared" },
	{ "PROJECT", "project_id" },
	{ NULL, NULL },
};

static const struct ctl_column subnet_columns[] = {
	{ "ID", "id" },
	{ "NAME", "name" },
	{ "CIDR", "cidr" },
	{ "GATEWAY", "gateway_ip" },
	{ "POOLS", "allocation_pools" },
	{ "NETWORK", "network_id" },
	{ NULL, NULL },
};

static const struct ctl_column port_columns[] = {
	{ "ID", "id" },
	{ "NAME", "name" },
	{ "MAC", "mac_address" },
	{ "ADDRESSES", "fixed_ips" },
	{ "STATUS", "status" },
	{ "HOST", "binding:host_id" },
	{ "NETWORK", "network_id" },
	{ NULL, NULL },
};

static const struct noun {
	const char *name, *collection;
	const struct ctl_column *columns;
} nouns[] = {
	{ "network", "networks", network_columns },
	{ "subnet", "subnets", subnet_columns },
	{ "port", "ports", port_columns },
};

static const struct noun *noun_find(const char *name)
{
	for (size_t i = 0; i < sizeof(nouns) / sizeof(*nouns); i++)
		if (!strcmp(nouns[i].name, name))
			return &nouns[i];
	return NULL;
}

static char *member_path(const struct ctl *c, const struct noun *n, const char *name)
{
	char *id = ctl_resolve(c, n->collection, name), *path = NULL;

	if (id && asprintf(&path, "/v2.0/%s/%s", n->collection, id) < 0)
		path = NULL;
	free(id);
	return path;
}

static void one_print(const struct ctl *c, const struct noun *n, const json_t *answer)
{
	const json_t *o = json_object_get(answer, n->name);

	if (c->json)
		ctl_json(o);
	else
		ctl_object(o);
}

static int usage(const struct noun *n)
{
	printf("usage: weftctl %s list [KEY=VALUE]...\n"
	       "       weftctl %s show NAME\n"
	       "       weftctl %s create NAME [OPTION]...\n"
	       "       weftctl %s set NAME [OPTION]...\n"
	       "       weftctl %s delete NAME...\n"
	       "NAME may be an id as well.  Options:\n",
	       n->name, n->name, n->name, n->name, n->name);
	ctl_options_print(n->name);
	return CTL_OK;
}

/* KEY=VALUE arguments are the API's filters. */
static int do_list(const struct ctl *c, const struct noun *n)
{
	json_t *answer, *list;
	char *path, *next;
	int rc;

	if (asprintf(&path, "/v2.0/%s", n->collection) < 0)
		return CTL_FAILED;
	for (int i = 0; i < c->n_args; i++) {
		char *eq = strchr(c->args[i], '='), key[128];

		if (!eq) {
			free(path);
			return ctl_fail(CTL_USAGE, "'%s' is not KEY=VALUE", c->args[i]);
		}
		snprintf(key, sizeof(key), "%c%.*s=", i ? '&' : '?', (int)(eq - c->args[i]),
			 c->args[i]);
		next = ctl_path(path, key, eq + 1);
		free(path);
		path = next;
	}
	rc = ctl_rest(c, "GET", path, NULL, &answer);
	free(path);
	if (rc)
		return rc;
	list = json_object_get(answer, n->collection);
	if (c->json)
		ctl_json(list);
	else
		ctl_table(list, n->columns);
	json_decref(answer);
	return CTL_OK;
}

static int do_show(const struct ctl *c, const struct noun *n)
{
	json_t *answer;
	char *path;
	int rc;

	if (c->n_args != 1)
		return ctl_fail(CTL_USAGE, "which %s? weftctl %s show NAME", n->name, n->name);
	path = member_path(c, n, c->args[0]);
	if (!path)
		return CTL_FAILED;
	rc = ctl_rest(c, "GET", path, NULL, &answer);
	free(path);
	if (rc)
		return rc;
	one_print(c, n, answer);
	json_decref(answer);
	return CTL_OK;
}

/* The version follows from the addresses. */
static void subnet_complete(json_t *body)
{
	const char *cidr = json_string_value(json_object_get(body, "cidr"));

	if (cidr)
		json_object_set_new(body, "ip_version", json_integer(strchr(cidr, ':') ? 6 : 4));
}

static int send(const struct ctl *c, const struct noun *n, const char *method, const char *path,
		json_t *attrs)
{
	json_t *body = json_pack("{s:O}", n->name, attrs), *answer;
	int rc = ctl_rest(c, method, path, body, &answer);

	json_decref(body);
	if (!rc)
		one_print(c, n, answer);
	json_decref(rc ? NULL : answer);
	return rc;
}

static int do_create(const struct ctl *c, const struct noun *n)
{
	json_t *attrs = json_object();
	const char *name = NULL;
	char path[64];
	int n_words, rc;

	rc = ctl_options(c, n->name, true, attrs, &name, 1, &n_words);
	if (!rc && n_words)
		json_object_set_new(attrs, "name", json_string(name));
	if (!rc && !strcmp(n->name, "subnet"))
		subnet_complete(attrs);
	if (!rc && !n_words && !json_object_get(attrs, "name"))
		rc = ctl_fail(CTL_USAGE, "what is it called? weftctl %s create NAME ...", n->name);
	if (!rc) {
		snprintf(path, sizeof(path), "/v2.0/%s", n->collection);
		rc = send(c, n, "POST", path, attrs);
	}
	json_decref(attrs);
	return rc;
}

static int do_set(const struct ctl *c, const struct noun *n)
{
	json_t *attrs = json_object();
	const char *name = NULL;
	char *path = NULL;
	int n_words, rc;

	rc = ctl_options(c, n->name, false, attrs, &name, 1, &n_words);
	if (!rc && (!n_words || !json_object_size(attrs)))
		rc = ctl_fail(CTL_USAGE, "weftctl %s set NAME OPTION...", n->name);
	if (!rc) {
		path = member_path(c, n, name);
		rc = path ? send(c, n, "PUT", path, attrs) : CTL_FAILED;
	}
	free(path);
	json_decref(attrs);
	return rc;
}

static int do_delete(const struct ctl *c, const struct noun *n)
{
	int rc = CTL_OK;

	if (!c->n_args)
		return ctl_fail(CTL_USAGE, "which? weftctl %s delete NAME...", n->name);
	for (int i = 0; i < c->n_args; i++) {
		char *path = member_path(c, n, c->args[i]);

		if (!path || ctl_rest(c, "DELETE", path, NULL, NULL))
			rc = CTL_FAILED;
		free(path);
	}
	return rc;
}

int ctl_tenant(struct ctl *c, const char *noun, const char *verb)
{
	const struct noun *n = noun_find(noun);

	if (!strcmp(verb, "list"))
		return do_list(c, n);
	if (!strcmp(verb, "show"))
		return do_show(c, n);
	if (!strcmp(verb, "create"))
		return do_create(c, n);
	if (!strcmp(verb, "set"))
		return do_set(c, n);
	if (!strcmp(verb, "delete"))
		return do_delete(c, n);
	if (!strcmp(verb, "help"))
		return usage(n);
	return ctl_fail(CTL_USAGE,
			"a %s can be listed (list), shown (show), created (create), "
			"changed (set) and deleted (delete), not '%s'",
			noun, verb);
}

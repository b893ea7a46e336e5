/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "controller/mem.h"

enum { GRACE_MAX = 3600 };

const char options_usage[] =
	"usage: weft-controller [OPTION]...\n"
	"\n"
	"  --listen tcp:PORT[:ADDR]|ssl:PORT[:ADDR]  where switches connect; may be repeated "
	"(tcp:6653)\n"
	"  --rest ADDR:PORT                          where the REST API is served "
	"(127.0.0.1:9696)\n"
	"  --store sqlite:PATH                       where intent is kept "
	"(sqlite:/var/lib/weft/weft.db)\n"
	"  --auth none|token:FILE|keystone:URL       who may use the REST API (none)\n"
	"  --auth-credentials FILE                   keystone: the controller's own user "
	"(environment)\n"
	"  --auth-ca-cert FILE                       keystone: whom to trust for https: (the "
	"system's)\n"
	"  --auth-cache SECONDS                      keystone: how long a token is believed (300)\n"
	"  --dns-domain DOMAIN                       where the names of hosts are "
	"(openstacklocal)\n"
	"  --nova none|catalogue|URL                 whom to tell of VMs' ports (keystone: "
	"catalogue, else none)\n"
	"  --nova-interface NAME, --nova-region NAME which of the catalogue's (public, any)\n"
	"  --nova-token FILE                         a token for --nova URL without keystone\n"
	"  --private-key FILE --certificate FILE --ca-cert FILE\n"
	"                                            PEM files for ssl:\n"
	"  --config FILE                             YAML with the options above as keys\n"
	"  --grace SECONDS                           how long a switch may be without a session "
	"before\n"
	"                                            others do without it (2)\n"
	"  --log error|warn|info|debug               (info)\n"
	"  --help, --version\n"
	"\n"
	"See weft-controller(8).\n";

/* Where an option's value goes; NULL when there is no such option. */
static char **single(struct options *o, const char *key)
{
	const struct {
		const char *key;
		char **at;
	} table[] = {
		{ "rest", &o->rest },
		{ "store", &o->store },
		{ "auth", &o->auth },
		{ "auth-credentials", &o->auth_credentials },
		{ "auth-ca-cert", &o->auth_ca_cert },
		{ "auth-cache", &o->auth_cache },
		{ "dns-domain", &o->dns_domain },
		{ "nova", &o->nova },
		{ "nova-interface", &o->nova_interface },
		{ "nova-region", &o->nova_region },
		{ "nova-token", &o->nova_token },
		{ "log", &o->log },
		{ "grace", &o->grace },
		{ "private-key", &o->private_key },
		{ "certificate", &o->certificate },
		{ "ca-cert", &o->ca_cert },
		{ "config", &o->config },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
		if (!strcmp(table[i].key, key))
			return table[i].at;
	return NULL;
}

static int listen_add(struct options *o, const char *value, struct err *e)
{
	if (o->n_listen == OPTIONS_LISTEN_MAX)
		return err_set(e, -EINVAL, "listen: at most %d may be given", OPTIONS_LISTEN_MAX);
	o->listen[o->n_listen++] = mem_str(value);
	return 0;
}

static int option_set(struct options *o, const char *key, const char *value, struct err *e)
{
	char **at;

	if (!value[0])
		return err_set(e, -EINVAL, "%s: the value is empty", key);
	if (!strcmp(key, "listen"))
		return listen_add(o, value, e);
	at = single(o, key);
	if (*at)
		return err_set(e, -EINVAL, "%s: given twice", key);
	*at = mem_str(value);
	return 0;
}

static bool is_known(struct options *o, const char *key)
{
	return !strcmp(key, "listen") || single(o, key);
}

/* ---- command line ---- */

static int arguments_read(struct options *o, int argc, char **argv, struct err *e)
{
	for (int i = 1; i < argc; i++) {
		char *key = argv[i], *value;

		if (!strcmp(key, "--help") || !strcmp(key, "-h")) {
			o->help = true;
			return 0;
		}
		if (!strcmp(key, "--version") || !strcmp(key, "-V")) {
			o->version = true;
			return 0;
		}
		if (strncmp(key, "--", 2))
			return err_set(e, -EINVAL, "'%s' is not an option (see --help)", key);
		key += 2;
		value = strchr(key, '=');
		if (value)
			*value++ = '\0';
		if (!is_known(o, key))
			return err_set(e, -EINVAL, "there is no option --%s (see --help)", key);
		if (!value && ++i == argc)
			return err_set(e, -EINVAL, "--%s needs a value", key);
		if (option_set(o, key, value ? value : argv[i], e))
			return err_wrap(e, -EINVAL, "command line");
	}
	return 0;
}

/* ---- file ---- */

/* Where we are in "KEY: VALUE" and "KEY: [VALUE, ...]". */
enum place { AT_START, AT_KEY, AT_VALUE, IN_LIST, AT_END };

struct reader {
	struct options *o;
	enum place place;
	char key[64];
};

static int scalar_take(struct reader *r, const yaml_event_t *ev, struct err *e)
{
	const char *s = (const char *)ev->data.scalar.value;

	if (r->place == AT_KEY) {
		if (!is_known(r->o, s) || !strcmp(s, "config"))
			return err_set(e, -EINVAL, "there is no option '%.60s'", s);
		snprintf(r->key, sizeof(r->key), "%s", s);
		r->place = AT_VALUE;
		return 0;
	}
	if (r->place == AT_VALUE)
		r->place = AT_KEY;
	else if (r->place != IN_LIST)
		return err_set(e, -EINVAL, "should be lines of KEY: VALUE");
	return option_set(r->o, r->key, s, e);
}

static int event_take(struct reader *r, const yaml_event_t *ev, struct err *e)
{
	switch (ev->type) {
	case YAML_MAPPING_START_EVENT:
		if (r->place != AT_START)
			return err_set(e, -EINVAL, "%s: a value or a list is expected", r->key);
		r->place = AT_KEY;
		return 0;
	case YAML_MAPPING_END_EVENT:
		r->place = AT_END;
		return 0;
	case YAML_SEQUENCE_START_EVENT:
		if (r->place != AT_VALUE || strcmp(r->key, "listen"))
			return err_set(e, -EINVAL, "%s: a list is not expected",
				       r->place == AT_VALUE ? r->key : "the file");
		r->place = IN_LIST;
		return 0;
	case YAML_SEQUENCE_END_EVENT:
		r->place = AT_KEY;
		return 0;
	case YAML_SCALAR_EVENT:
		return scalar_take(r, ev, e);
	case YAML_ALIAS_EVENT:
		return err_set(e, -EINVAL, "aliases are not understood");
	default:
		return 0;
	}
}

static int events_read(struct reader *r, yaml_parser_t *p, struct err *e)
{
	bool end = false;
	int rc = 0;

	while (!rc && !end) {
		yaml_event_t ev;

		if (!yaml_parser_parse(p, &ev))
			return err_set(e, -EINVAL, "line %zu: %s", p->problem_mark.line + 1,
				       p->problem ? p->problem : "not YAML");
		rc = event_take(r, &ev, e);
		if (rc)
			err_wrap(e, rc, "line %zu", ev.start_mark.line + 1);
		end = ev.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&ev);
	}
	return rc;
}

static int file_read(struct options *o, const char *path, struct err *e)
{
	struct reader r = { .o = o };
	yaml_parser_t p;
	FILE *f = fopen(path, "re");
	int rc;

	if (!f)
		return err_set(e, -errno, "config %s: %s", path, strerror(errno));
	if (!yaml_parser_initialize(&p)) {
		fclose(f);
		return err_set(e, -ENOMEM, "config %s: out of memory", path);
	}
	yaml_parser_set_input_file(&p, f);
	rc = events_read(&r, &p, e);
	yaml_parser_delete(&p);
	fclose(f);
	return rc ? err_wrap(e, rc, "config %s", path) : 0;
}

/* ---- together ---- */

static void fill(char **at, const char *value)
{
	if (!*at)
		*at = mem_str(value);
}

/* The file's value for what the command line does not say. */
static void merge(struct options *o, struct options *file)
{
	static const char *const keys[] = { "rest",
					    "store",
					    "auth",
					    "log",
					    "grace",
					    "private-key",
					    "certificate",
					    "ca-cert",
					    "auth-credentials",
					    "auth-ca-cert",
					    "auth-cache",
					    "nova",
					    "nova-interface",
					    "nova-region",
					    "nova-token",
					    "dns-domain" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (!*single(o, keys[i])) {
			*single(o, keys[i]) = *single(file, keys[i]);
			*single(file, keys[i]) = NULL;
		}
	if (!o->n_listen) {
		memcpy(o->listen, file->listen, sizeof(o->listen));
		o->n_listen = file->n_listen;
		file->n_listen = 0;
	}
}

static int grace_read(struct options *o, struct err *e)
{
	char *end;

	o->grace_seconds = strtod(o->grace, &end);
	if (end == o->grace || *end || !(o->grace_seconds >= 0 && o->grace_seconds <= GRACE_MAX))
		return err_set(e, -EINVAL, "grace '%.40s': should be seconds, at most %d", o->grace,
			       GRACE_MAX);
	return 0;
}

int options_read(struct options *o, int argc, char **argv, struct err *e)
{
	struct options file = { 0 };
	int rc;

	memset(o, 0, sizeof(*o));
	rc = arguments_read(o, argc, argv, e);
	if (rc || o->help || o->version)
		return rc;
	if (o->config) {
		rc = file_read(&file, o->config, e);
		if (!rc)
			merge(o, &file);
		options_fini(&file);
		if (rc)
			return rc;
	}
	if (!o->n_listen)
		listen_add(o, "tcp:6653", NULL);
	fill(&o->rest, "127.0.0.1:9696");
	fill(&o->store, "sqlite:/var/lib/weft/weft.db");
	fill(&o->auth, "none");
	fill(&o->log, "info");
	fill(&o->grace, "2");
	return grace_read(o, e);
}

void options_fini(struct options *o)
{
	for (size_t i = 0; i < o->n_listen; i++)
		free(o->listen[i]);
	free(o->rest);
	free(o->store);
	free(o->auth);
	free(o->auth_credentials);
	free(o->auth_ca_cert);
	free(o->auth_cache);
	free(o->dns_domain);
	free(o->nova);
	free(o->nova_interface);
	free(o->nova_region);
	free(o->nova_token);
	free(o->log);
	free(o->grace);
	free(o->private_key);
	free(o->certificate);
	free(o->ca_cert);
	free(o->config);
	memset(o, 0, sizeof(*o));
}

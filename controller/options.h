/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The controller's options: from the command line, and from a YAML file with the same keys.
 *
 * What the command line says goes before what the file says.  Owner: main().
 */
#ifndef WEFT_CONTROLLER_OPTIONS_H
#define WEFT_CONTROLLER_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum { OPTIONS_LISTEN_MAX = 16 };

struct options {
	char *listen[OPTIONS_LISTEN_MAX]; /* "tcp:6653" */
	size_t n_listen;
	char *rest;						/* "127.0.0.1:9696" */
	char *store;						/* "sqlite:/var/lib/weft/weft.db" */
	char *auth;						/* "none" */
	char *auth_credentials, *auth_ca_cert, *auth_cache;	/* with "keystone:" */
	char *nova, *nova_interface, *nova_region, *nova_token; /* NULL: not said */
	char *dns_domain;					/* NULL: not said */
	char *log;						/* "info" */
	char *grace;						/* "2": seconds */
	char *private_key, *certificate, *ca_cert;		/* PEM files for ssl: */
	char *config;
	double grace_seconds;
	bool help, version;
};

/* 0, or -EINVAL with words.  Defaults are filled in; help or version ends the reading. */
int options_read(struct options *o, int argc, char **argv, struct err *e);
void options_fini(struct options *o);

extern const char options_usage[];

#endif

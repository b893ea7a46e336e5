/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weftctl, the operator's program: what its files share.
 *
 *   weftctl.c          options, which noun and verb     weftctl_rest.c    HTTP and its errors
 *   weftctl_tenant.c   networks, subnets, ports         weftctl_args.c    --options into attributes
 *   weftctl_infra.c    hosts, switches, status          weftctl_table.c   tables for people
 *   weftctl_socket.c   a switch's own socket            weftctl_ct.c      connections
 *   weftctl_ipfix.c    collectors of samples            weftctl_perf.c    where time goes
 *
 * One thread.
 */
#ifndef WEFT_CLI_WEFTCTL_H
#define WEFT_CLI_WEFTCTL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "ofproto/weft.pb-c.h"

/* Exit codes. */
enum { CTL_OK = 0, CTL_FAILED = 1, CTL_USAGE = 2 };

struct ctl {
	const char *url, *token;
	bool json;   /* -o json */
	char **args; /* what follows noun and verb */
	int n_args;
};

/* "weftctl: ..." on standard error; returns 'code'. */
__attribute__((format(printf, 2, 3))) int ctl_fail(int code, const char *fmt, ...);

/* ---- weftctl_rest.c ---- */

/*
 * One request; 'path' begins with '/'.  CTL_OK and the answer in '*out' (NULL when there is none;
 * the caller drops it), or CTL_FAILED after saying why.  'out' NULL: the answer is of no interest.
 */
int ctl_rest(const struct ctl *c, const char *method, const char *path, const json_t *body,
	     json_t **out);
/* A path with arguments escaped: "%s" takes what follows; to be freed. */
char *ctl_path(const char *path, const char *key, const char *value);
void ctl_rest_fini(void);

/* The id of what is called 'name' (or has it as its id) in a collection; to be freed.  NULL: said
 * why. */
char *ctl_resolve(const struct ctl *c, const char *collection, const char *name);

/* ---- weftctl_args.c ---- */

/* Reads --options of 'noun' into 'body'; words that are no options into 'words'.  CTL_OK or
 * CTL_USAGE, CTL_FAILED. */
int ctl_options(const struct ctl *c, const char *noun, bool create, json_t *body,
		const char **words, int max_words, int *n_words);
/* Their names and meaning, for the usage text. */
void ctl_options_print(const char *noun);

/* ---- weftctl_table.c ---- */

struct ctl_column {
	const char *title;
	const char *key; /* of the object */
};

/* A line for each object of a list; ended by a column without title. */
void ctl_table(const json_t *list, const struct ctl_column *columns);
/* A line for each member of an object. */
void ctl_object(const json_t *object);
void ctl_json(const json_t *v);
/* A value in short; to be freed. */
char *ctl_text(const json_t *v);

/* ---- weftctl_ct.c: connections that a switch tracks ---- */

/* A part of them; 'first': the heading goes before it.  With -o json, an object a line. */
void ctl_conns_print(const struct ctl *c, const Weft__CtConns *l, bool first);
void ctl_ct_stats_print(const struct ctl *c, const Weft__CtStats *s, bool zones);

/* ---- weftctl_ipfix.c: collector sets of a switch ---- */

/* 'many': a table of them; else the one that there is. */
void ctl_ipfix_print(const struct ctl *c, const Weft__IpfixList *l, bool many);

/* ---- weftctl_perf.c: where the time of packet threads goes ---- */

/* Takes the verb's own options out of c->args.  CTL_OK or CTL_USAGE. */
int ctl_perf_options(struct ctl *c, double *seconds);
/* What happened between two readings; 'first' NULL: since the start, 'seconds' ago. */
void ctl_perf_print(const struct ctl *c, const Weft__Perf *first, const Weft__Perf *last,
		    double seconds);

/* ---- nouns ---- */

/* 'verb' as given; each returns an exit code. */
int ctl_tenant(struct ctl *c, const char *noun, const char *verb);
int ctl_host(struct ctl *c, const char *verb);
int ctl_switch(struct ctl *c, const char *verb);
int ctl_status(struct ctl *c);
/* Whether 'verb' is one for a switch's own socket; and doing it. */
bool ctl_is_socket_verb(const char *verb);
int ctl_socket(struct ctl *c, const char *verb);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may do what: the rows of nb_policy.def, asked.
 *
 * Thread: the one that runs the libev loop.
 */
#ifndef WEFT_CONTROLLER_NB_POLICY_H
#define WEFT_CONTROLLER_NB_POLICY_H

#include "controller/nb.h"

enum policy_verb { POLICY_CREATE, POLICY_GET, POLICY_UPDATE, POLICY_DELETE, POLICY_VERBS };

/* With the object whose attributes are 'a', or that is to have them. */
bool policy_allows(const struct nb_who *who, enum policy_verb v, const struct resource *r,
		   const void *a);
/* 0, or -1 with PolicyNotAuthorized. */
int policy_check(const struct nb_who *who, enum policy_verb v, const struct resource *r,
		 const void *a, struct nb_error *e);
/* ... of what 'body' gives to an object that has the attributes 'a' then. */
int policy_sets_check(const struct nb_who *who, enum policy_verb v, const struct resource *r,
		      const json_t *body, const void *a, struct nb_error *e);
/* Of a port or subnet that is to be: its network is there for 'q', and open for the project. */
int policy_network_check(struct nb_request *q, const struct resource *r, const void *a,
			 struct nb_error *e);
/* What else is done with an object: a row of DOES. */
int policy_action_check(const struct nb_who *who, const struct resource *r, const char *action,
			const void *a, struct nb_error *e);
/* The attributes' rows that 'who' is shown. */
uint64_t policy_shown(const struct nb_who *who, const struct resource *r);
/* The object, when 'who' may see it and do this with it, in the revision that was asked for; else
 * NULL with q->error. */
struct world_obj *nb_find_for(struct nb_request *q, const struct resource *r, const char *id,
			      enum policy_verb verb);
/* Of VIEW rows. */
bool policy_sees_view(const struct nb_who *who, const char *collection);

#endif

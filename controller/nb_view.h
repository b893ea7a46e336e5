/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Views: collections of what nobody creates, made from the world when somebody asks.
 *
 * Thread: the one that runs the libev loop.
 */
#ifndef WEFT_CONTROLLER_NB_VIEW_H
#define WEFT_CONTROLLER_NB_VIEW_H

#include "controller/nb.h"

struct nb_view {
	const char *name, *collection; /* in bodies */
	const char *path;	       /* of the collection */
	const char *key;	       /* the member that names an object */
	const char *second;	       /* with the key it is unique; NULL: the key is */
	const char *const *filters;    /* members to filter and sort by; ends with NULL */
	void (*each)(struct nb_request *q, json_t *list); /* appends all objects */
	/* NULL: single objects have no paths. */
	int (*not_found)(struct nb_error *e, const char *id);
	/* NULL: they cannot be deleted.  Fills in the answer. */
	void (*remove)(struct nb_request *q, const char *id);
};

/* Answers with those that are asked for, of 'list', which is taken. */
void nb_view_list(struct nb_request *q, const struct nb_view *v, json_t *list);

extern const struct nb_view nb_agent_view, nb_zone_view; /* nb_agent.c */
extern const struct nb_view nb_availability_view;	 /* nb_availability.c */

#endif

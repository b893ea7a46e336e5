/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filters of a list, made from the arguments of a query.
 *
 * Thread: the one that runs the libev loop.  Owner: whoever parsed them, until nb_filters_free().
 */
#ifndef WEFT_CONTROLLER_NB_FILTER_H
#define WEFT_CONTROLLER_NB_FILTER_H

#include "controller/nb.h"

enum { VALUE_TEXT = 64 };

struct nb_filter;

/* Of every argument that is not about order, pages or fields; 0, or -1 with 'e'. */
int nb_filters_parse(const struct nb_request *q, const struct resource *r, struct nb_filter **list,
		     struct nb_error *e);
bool nb_filters_pass(const struct nb_filter *f, const struct world_obj *o);
void nb_filters_free(struct nb_filter *f);

/* A scalar as text, in 'buf' or where it stands; "" for null. */
const char *nb_value_text(const struct attr *a, const void *p, const struct world_obj *o,
			  char buf[VALUE_TEXT]);

#endif

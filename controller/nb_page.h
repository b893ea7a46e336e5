/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Order and pages, as every collection has them: which sort keys, how many objects, what links.
 *
 * Thread: the one that runs the libev loop.
 */
#ifndef WEFT_CONTROLLER_NB_PAGE_H
#define WEFT_CONTROLLER_NB_PAGE_H

#include "controller/nb.h"

enum { NB_MAX_SORT_KEYS = 8 };

/* sort_key=K&sort_dir=asc, in pairs; the keys are not checked, and the request's. */
struct nb_order {
	const char *keys[NB_MAX_SORT_KEYS];
	bool down[NB_MAX_SORT_KEYS];
	size_t n;
};

int nb_order_parse(const struct nb_request *q, struct nb_order *o, struct nb_error *e);
/* SIZE_MAX: none. */
int nb_limit_parse(const struct nb_request *q, size_t *limit, struct nb_error *e);
/* The page that ends before the marker. */
bool nb_is_reverse(const struct nb_request *q);
/* An argument that is no filter. */
bool nb_is_control(const char *key);
/* What COLLECTION_links says: the markers before and after this page; NULL: there is none. */
json_t *nb_links(const struct nb_request *q, const char *earlier, const char *later);

#endif

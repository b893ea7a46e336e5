/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects as JSON text, without a tree of JSON values in between: for lists, which are long.
 *
 * What it writes is, byte for byte, what jansson makes of nb_object_json().
 * Thread: the loop's.  Owner: the caller's.
 */
#ifndef WEFT_CONTROLLER_NB_TEXT_H
#define WEFT_CONTROLLER_NB_TEXT_H

#include "controller/nb.h"

struct nb_text {
	char *p; /* n bytes, no NUL yet; NULL: nothing */
	size_t n, room;
};

void nb_text_add(struct nb_text *t, const char *s);
void nb_text_json(struct nb_text *t, const json_t *v);
void nb_text_object(struct nb_text *t, const struct resource *r, const struct world_obj *o,
		    uint64_t fields);
/* Ends it with a NUL; the caller frees it. */
char *nb_text_end(struct nb_text *t);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Groups in words, for the printer of messages.  No state; any thread. */
#ifndef WEFT_OFPROTO_TEXT_GROUP_H
#define WEFT_OFPROTO_TEXT_GROUP_H

#include "ofproto/selection.h"
#include "ofproto/text.h"

/* "group_id=1,type=all,bucket=actions=output:1" */
void text_put_group(FILE *f, uint32_t id, uint8_t type, const struct of_list *buckets,
		    const struct of_names *n);

/* In 1.5's layout: how it selects, and bucket ids where they are not 0, 1, ... */
void text_put_ext_group(FILE *f, const struct of_any *body, const struct of_text_opts *o);
void text_put_ext_groups(FILE *f, const struct of_any *body, const struct of_text_opts *o);

/* ---- text_selection.c ---- */

/* "ip_src=255.0.0.0,tcp_src", which is changed on the way. */
int text_selection_fields(struct of_selection *s, char *fields, struct err *e);
/* With a comma in front; nothing for the switch's own method. */
void text_put_selection(FILE *f, const struct of_selection *s);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the printers of messages about events lend to others.  Constant data, no state; any thread.
 */
#ifndef WEFT_OFPROTO_TEXT_EVENTS_H
#define WEFT_OFPROTO_TEXT_EVENTS_H

#include "ofproto/text_msg.h"

/* "idle", "hard" ...: of OFPRR_*, six of them. */
extern const char *const text_removed_reasons[];
/* "initial", "add" ...: of OFPFMF_*. */
extern const struct text_name *const text_monitor_flags;

extern const struct text_msg_row text_event_rows[];
extern const unsigned int text_n_event_rows;

void text_put_async(FILE *f, const struct of_any *body, const struct of_text_opts *o);
void text_put_role(FILE *f, const struct of_any *body, const struct of_text_opts *o);

/* text_table_desc.c */
void text_put_table_descs(FILE *f, const struct of_any *body, const struct of_text_opts *o);
void text_put_table_status(FILE *f, const struct of_any *body, const struct of_text_opts *o);
void text_put_onf_table_mod(FILE *f, const struct of_any *body, const struct of_text_opts *o);

#endif

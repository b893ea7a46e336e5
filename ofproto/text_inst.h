/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instructions in words: a flow's "actions=" holds both, actions outside write_actions being those
 * of apply_actions.  Caller's memory; any thread.
 */
#ifndef WEFT_OFPROTO_TEXT_INST_H
#define WEFT_OFPROTO_TEXT_INST_H

#include "ofproto/text_action.h"

/*
 * All of "output:1,goto_table:3" for a flow with match 'm' (NULL: not known) in 'table' (OFPTT_ALL:
 * not known); cuts 's'.  'insts' is set on success.
 */
int text_insts_parse(char *s, const struct of_match *m, uint8_t table, const struct of_names *n,
		     struct arena *a, struct of_list *insts, struct err *e);
/* Whether 'name' is an instruction's, which cannot stand among mere actions. */
bool text_is_inst(const char *name);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of flows in words, for the printer of messages.  No state; any thread. */
#ifndef WEFT_OFPROTO_TEXT_FLOW_H
#define WEFT_OFPROTO_TEXT_FLOW_H

#include "ofproto/text.h"

/* "ADD table:1 ip actions=drop" */
void text_put_flow_mod(FILE *f, const struct of_flow_mod *fm, const struct of_names *n);
/* " table=1 out_port=2 ip": what a flow or aggregate request asks for. */
void text_put_flow_choice(FILE *f, uint8_t table, uint32_t out_port, const struct of_match *m,
			  const struct of_names *n);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Groups in words, for the printer of messages.  No state; any thread. */
#ifndef WEFT_OFPROTO_TEXT_GROUP_H
#define WEFT_OFPROTO_TEXT_GROUP_H

#include "ofproto/text.h"

/* "group_id=1,type=all,bucket=actions=output:1" */
void text_put_group(FILE *f, uint32_t id, uint8_t type, const struct of_list *buckets,
		    const struct of_names *n);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a SELECT group is to choose: the Netronome extension's property (NTRT_SELECTION_METHOD) of
 * OpenFlow 1.5's group messages, between its bytes in struct of_group_prop_experimenter and what it
 * says.
 *
 * Plain data; fields' masks stand in the 'value' of a struct of_oxm.  Any thread.
 */
#ifndef WEFT_OFPROTO_SELECTION_H
#define WEFT_OFPROTO_SELECTION_H

#include "base/arena.h"
#include "ofproto/wire.h"

enum { OF_SELECTION_METHOD_LEN = 16, OF_SELECTION_FIELDS = 64 };

struct of_selection {
	char method[OF_SELECTION_METHOD_LEN]; /* "": the switch's own */
	uint64_t param;
	uint32_t n_fields;
	struct of_oxm field[OF_SELECTION_FIELDS];
};

/*
 * The property among a group's properties.  1: there is one, in 'out'; 0: none; or -EPROTO: it, or
 * another property, is not understood.
 */
int of_selection_get(const struct of_list *properties, struct of_selection *out, struct of_err *e);
/* Adds it; 0 or -ENOMEM. */
int of_selection_put(const struct of_selection *s, struct of_list *properties, struct arena *a);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Drop reasons (drop.def) as an enum with names and texts.  Constant; any thread. */
#ifndef WEFT_DATAPATH_DROP_H
#define WEFT_DATAPATH_DROP_H

enum drop {
#define DROP(id, name, text) DROP_##id,
#include "datapath/drop.def"
#undef DROP
	N_DROPS
};

extern const char *const drop_names[N_DROPS];
extern const char *const drop_texts[N_DROPS];

#endif

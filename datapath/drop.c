/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/drop.h"

const char *const drop_names[N_DROPS] = {
#define DROP(id, name, text) [DROP_##id] = name,
#include "datapath/drop.def"
#undef DROP
};

const char *const drop_texts[N_DROPS] = {
#define DROP(id, name, text) [DROP_##id] = text,
#include "datapath/drop.def"
#undef DROP
};

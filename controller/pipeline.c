/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/pipeline.h"

#include <stddef.h>

#define F(x) OF_FIELD_##x
#define FIELDS(...)                      \
	{                                \
		__VA_ARGS__, OF_N_FIELDS \
	}
#define APP(x) (1u << APP_##x)
#define TO(x)  (1u << STAGE_##x)

const struct stage_desc stages[N_STAGES] = {
#define META(...)
#define STAGE(table, name, owners, match, write, next) \
	[STAGE_##name] = { #name, table, owners, next, match, write },
#include "controller/pipeline.def"
};

/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/pipeline.h"

#include <stddef.h>

#define F(x) OF_FIELD_##x
#define R(x) STAGE_REG + REG_##x
#define FIELDS(...)                      \
	{                                \
		__VA_ARGS__, OF_N_FIELDS \
	}
#define APP(x) (1u << APP_##x)
#define TO(x)  (1u << STAGE_##x)

#define META(...)

const struct reg_desc regs[N_REGS] = {
#define REG(name, field, shift, bits) [REG_##name] = { #name, OF_FIELD_##field, shift, bits },
#define STAGE(...)
#include "controller/pipeline.def"
#undef STAGE
#undef REG
};

const struct stage_desc stages[N_STAGES] = {
#define REG(...)
#define STAGE(table, name, owners, match, write, next) \
	[STAGE_##name] = { #name, table, owners, next, match, write },
#include "controller/pipeline.def"
};

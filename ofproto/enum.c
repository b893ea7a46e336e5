/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/enum.h"

#include <errno.h>
#include <string.h>

#include "ofproto/wire.h"

#define ENUM(name)	   static const struct of_constant name##_values[] = {
#define ERRORS(name, type) static const struct of_constant name##_values[] = {
#define V(name, value)	   { #name, (uint32_t)(value) },
#define END(name) \
	}         \
	;
#include "ofproto/enum.def"
#undef ENUM
#undef ERRORS
#undef V
#undef END

#define N_VALUES(name) (sizeof(name##_values) / sizeof(name##_values[0]))

const struct of_enum of_enums[OF_N_ENUMS] = {
#define ENUM(name)	   [OF_ENUM_##name] = { #name, name##_values, N_VALUES(name), -1 },
#define ERRORS(name, type) [OF_ENUM_##name] = { #name, name##_values, N_VALUES(name), type },
#define V(name, value)
#define END(name)
#include "ofproto/enum.def"
#undef ENUM
#undef ERRORS
#undef V
#undef END
};

const char *of_enum_name(enum of_enum_id e, uint32_t value)
{
	const struct of_enum *d = &of_enums[e];

	for (unsigned int i = 0; i < d->n; i++)
		if (d->first[i].value == value)
			return d->first[i].name;
	return NULL;
}

uint32_t of_error_experimenter(uint16_t code)
{
	return code < 1000 ? OF_NX_ID : OF_ONF_ID;
}

const char *of_error_type_name(uint16_t type)
{
	return of_enum_name(OF_ENUM_error_type, type);
}

const char *of_error_code_name(uint16_t type, uint16_t code)
{
	const char *name = NULL;

	for (unsigned int e = 0; e < OF_N_ENUMS && !name; e++)
		if (of_enums[e].error_type == type)
			name = of_enum_name(e, code);
	return name;
}

int of_error_by_name(const char *name, uint16_t *type, uint16_t *code)
{
	for (unsigned int e = 0; e < OF_N_ENUMS; e++) {
		const struct of_enum *d = &of_enums[e];

		for (unsigned int i = 0; d->error_type >= 0 && i < d->n; i++) {
			if (strcmp(d->first[i].name, name))
				continue;
			*type = (uint16_t)d->error_type;
			*code = (uint16_t)d->first[i].value;
			return 0;
		}
	}
	return -ENOENT;
}

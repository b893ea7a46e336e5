/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenFlow's constants (enum.def) as C enumerators, and their names for printing and reading.
 *
 * Constant data; any thread.
 */
#ifndef WEFT_OFPROTO_ENUM_H
#define WEFT_OFPROTO_ENUM_H

#include <stddef.h>
#include <stdint.h>

#define ENUM(name)	   enum {
#define ERRORS(name, type) enum {
#define V(name, value)	   name = (value),
#define END(name) \
	}         \
	;
#include "ofproto/enum.def"
#undef ENUM
#undef ERRORS
#undef V
#undef END

/* Which enumeration: OF_ENUM_port_config. */
enum of_enum_id {
#define ENUM(name)	   OF_ENUM_##name,
#define ERRORS(name, type) OF_ENUM_##name,
#define V(name, value)
#define END(name)
#include "ofproto/enum.def"
#undef ENUM
#undef ERRORS
#undef V
#undef END
	OF_N_ENUMS
};

struct of_constant {
	const char *name;
	uint32_t value;
};

struct of_enum {
	const char *name;		 /* "port_config" */
	const struct of_constant *first; /* in the order of enum.def */
	unsigned int n;
	int error_type; /* OFPET_* whose codes these are, -1: none */
};

extern const struct of_enum of_enums[OF_N_ENUMS];

/* "OFPPR_ADD"; NULL where the enumeration has no such value. */
const char *of_enum_name(enum of_enum_id e, uint32_t value);

/* "OFPBRC_BAD_LEN" and "OFPET_BAD_REQUEST"; NULL where the specification has none. */
const char *of_error_code_name(uint16_t type, uint16_t code);
const char *of_error_type_name(uint16_t type);
/* Whose the code of an OFPET_EXPERIMENTER error is: small ones are Nicira's, the others ONF's. */
uint32_t of_error_experimenter(uint16_t code);

/* Type and code of "OFPBRC_BAD_LEN"; 0 or -ENOENT. */
int of_error_by_name(const char *name, uint16_t *type, uint16_t *code);

#endif

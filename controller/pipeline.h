/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pipeline: pipeline.def as enums and a table.
 *
 * Constant; any thread.
 */
#ifndef WEFT_CONTROLLER_PIPELINE_H
#define WEFT_CONTROLLER_PIPELINE_H

#include <stdint.h>

#include "ofproto/field.h"

/* Owners of flows; also the top byte of a cookie. */
enum app_id { APP_NETWORK = 1, APP_L2 = 2 };

enum stage {
#define META(...)
#define REG(...)
#define STAGE(table, name, ...) STAGE_##name,
#include "controller/pipeline.def"
#undef STAGE
#undef REG
	N_STAGES
};

/* Registers: runs of bits that one stage leaves to a later one. */
enum reg {
#define REG(name, ...) REG_##name,
#define STAGE(...)
#include "controller/pipeline.def"
#undef STAGE
#undef REG
#undef META
	N_REGS
};

struct reg_desc {
	const char *name;
	enum of_field_id field;
	uint8_t shift, bits;
};

extern const struct reg_desc regs[N_REGS];

/* What a stage may match and write: an enum of_field_id, or beyond those, an enum reg. */
enum { STAGE_FIELDS = 24, STAGE_REG = OF_N_FIELDS + 1 };

struct stage_desc {
	const char *name;
	uint8_t table;
	uint32_t owners;			      /* bit: enum app_id */
	uint32_t next;				      /* bit: enum stage */
	int match[STAGE_FIELDS], write[STAGE_FIELDS]; /* OF_N_FIELDS ends */
};

extern const struct stage_desc stages[N_STAGES];

/* Metadata: META_net_SHIFT, META_net_MASK (in place). */
enum {
#define META(name, shift, bits) META_##name##_SHIFT = shift, META_##name##_BITS = bits,
#define REG(...)
#define STAGE(...)
#include "controller/pipeline.def"
#undef STAGE
#undef REG
#undef META
};

#define META_MASK(name)	    ((((uint64_t)1 << META_##name##_BITS) - 1) << META_##name##_SHIFT)
#define META_VALUE(name, v) ((uint64_t)(v) << META_##name##_SHIFT & META_MASK(name))

/* Where it came in; FROM_ROUTER: another router of the network sent it here, on this switch. */
enum meta_from { FROM_PORT, FROM_TUNNEL, FROM_UPLINK, FROM_ROUTER };

/* Cookie: app (8) | stage (8) | object (48): the flow's tenant object by kind (8) and index (24).
 */
enum cookie_kind {
	COOKIE_SWITCH,
	COOKIE_NET,
	COOKIE_PORT,
	COOKIE_SG,	 /* a security group: what its connections are judged by */
	COOKIE_SG_RULES, /* ... its rules */
	COOKIE_ROUTER,	 /* a router's extra routes; the rest is its ports' */
	COOKIE_FLOATINGIP,
	COOKIE_NEIGH,	/* who has an address outside */
	COOKIE_ADDR,	/* addresses that rules name: bucket (world.h, struct sg_addr) */
	COOKIE_STATION, /* behind a port of a plain switch (world_mac.h); always 0 */
};

static inline uint64_t cookie_make(enum app_id app, enum stage s, enum cookie_kind kind,
				   uint32_t index)
{
	return (uint64_t)app << 56 | (uint64_t)s << 48 | (uint64_t)kind << 40 | (index & 0xffffff);
}

static inline enum app_id cookie_app(uint64_t cookie)
{
	return (enum app_id)(cookie >> 56);
}

static inline enum cookie_kind cookie_kind(uint64_t cookie)
{
	return (enum cookie_kind)(cookie >> 40 & 0xff);
}

static inline uint32_t cookie_index(uint64_t cookie)
{
	return (uint32_t)(cookie & 0xffffff);
}

/* Whether one of our apps made it: others' flows are reported and left alone. */
static inline bool cookie_is_ours(uint64_t cookie)
{
	return cookie_app(cookie) == APP_NETWORK || cookie_app(cookie) == APP_L2;
}

#endif

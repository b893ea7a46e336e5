/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each table can do: table features (7.3.5.5), read, written and kept to.
 *
 * A table starts with all that the switch can do.  A controller may take some of it away, and give
 * it back; what a table cannot do is refused in flow_mods from then on, with the errors of 7.4.
 * Packets never look here.  Control thread; owner: struct table_state.
 */
#ifndef WEFT_DATAPATH_TABLE_CAPS_H
#define WEFT_DATAPATH_TABLE_CAPS_H

#include "datapath/role.h"
#include "datapath/table.h"
#include "ofproto/wire.h"

struct field_set {
	uint64_t w[2]; /* a bit for each field */
};

/* Properties that table-miss entries have of their own (7.3.5.5.2). */
struct table_props {
	uint64_t next[4]; /* tables that goto may name */
	struct field_set write_set, apply_set;
	uint32_t insts;			       /* bits by OFPIT_* */
	uint32_t write_actions, apply_actions; /* bits by OFPAT_* */
	uint32_t zero;
};

/* Compared as bytes: no padding. */
struct table_can {
	uint64_t metadata_match, metadata_write;
	struct field_set match, masked, wildcards;
	struct table_props props[2]; /* of entries, of table-miss entries */
	uint32_t max_entries, zero;
};

struct table_caps {
	struct table_can can;
	uint8_t name[32];
	uint32_t config;
	bool present;  /* in the pipeline */
	bool narrowed; /* cannot do all that the switch can */
};

_Static_assert(sizeof(struct table_props) == 32 + 32 + 16, "no padding");
_Static_assert(sizeof(struct table_can) == 16 + 48 + 2 * sizeof(struct table_props) + 8,
	       "no padding");

/* All that the switch can do in this table. */
void table_caps_default(const struct dp *dp, uint8_t table_id, struct table_caps *out) CONTROL;

/* As table features, in the arena.  0 or -ENOMEM. */
int table_caps_put(const struct table_caps *c, struct of_table_features *t, struct arena *a);

const struct table_caps *table_caps(const struct dp *dp, uint8_t table_id) CONTROL;

/*
 * Makes the pipeline what 'tables' (struct of_table_features) describe: those named are changed,
 * the others leave the pipeline; flows of both kinds go, and nobody is told (7.3.5.5.1).  0, or
 * -EPROTO with OFPET_TABLE_FEATURES_FAILED and its code, and nothing has changed.
 */
int table_caps_set(struct dp *dp, const struct of_list *tables, struct of_err *e) CONTROL;

/* Whether a flow fits the table it is for; else -EPROTO and the error for it. */
int table_caps_check(const struct dp *dp, uint8_t table_id, const struct of_match *m,
		     uint16_t priority, const struct of_list *insts, struct of_err *e) CONTROL;

static inline bool field_set_has(const struct field_set *s, unsigned int id)
{
	return s->w[id / 64] >> (id % 64) & 1;
}

static inline void field_set_add(struct field_set *s, unsigned int id)
{
	s->w[id / 64] |= 1ull << (id % 64);
}

#endif

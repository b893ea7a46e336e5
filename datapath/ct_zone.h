/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Zones of connection tracking: how many connections each may have, how long they last, what
 * happened in it.
 *
 * All 65,536 zones exist; one that is not used takes no memory.  Limits and timeouts are the
 * control thread's to change, and hold for connections that are made, or touched, from then on.
 */
#ifndef WEFT_DATAPATH_CT_ZONE_H
#define WEFT_DATAPATH_CT_ZONE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "datapath/ct.h"

enum {
	CT_ZONES = 65536,
	/* Ticks are compared by difference: no timeout comes near half of their range. */
	CT_SECONDS_MAX = 20 * 24 * 3600,
};

/* Timeouts in seconds; 0: the default. */
struct ct_policy {
	uint32_t seconds[CT_N_TIMEOUTS];
};

/* The defaults, which satisfy RFC 5382 REQ-5 (TCP: established 2 h 4 min, else 4 min), RFC 4787
 * REQ-5 (UDP: 2 min, 5 min are recommended) and RFC 5508 REQ-2 (ICMP: 60 s), and names as of
 * `ovs-vsctl add-zone-tp`. */
extern const uint32_t ct_timeout_seconds[CT_N_TIMEOUTS];
extern const char *const ct_timeout_names[CT_N_TIMEOUTS];
/* By its name; -1: there is none. */
int ct_timeout_by_name(const char *name);

/* What is counted of a zone. */
enum ct_zone_event {
	CT_Z_CREATED,
	CT_Z_FULL,	/* refused: no slot */
	CT_Z_ZONE_FULL, /* refused: the zone's limit */
	CT_Z_NAT_EXHAUSTED,
	CT_Z_INVALID,
	CT_N_ZONE_EVENTS,
};

struct ct_zone_stats {
	uint16_t zone;
	uint32_t count; /* connections that live or are being made */
	uint32_t limit; /* 0: none; the default's, where it has none of its own */
	bool has_limit; /* of its own */
	bool has_policy;
	uint64_t events[CT_N_ZONE_EVENTS];
};

/* ---- Control thread ---- */

/* A limit of 0 is none.  'zone' NULL: the default, for zones that have none of their own. */
void ct_zone_set_limit(struct ct *t, const uint16_t *zone, uint32_t limit) CONTROL;
/* The default holds again; whether it had one. */
bool ct_zone_del_limit(struct ct *t, uint16_t zone) CONTROL;
uint32_t ct_zone_default_limit(const struct ct *t); /* any thread */

/* 'zone' NULL: what zones without a policy have.  0, or -ERANGE: one is over CT_SECONDS_MAX. */
int ct_zone_set_policy(struct ct *t, const uint16_t *zone, const struct ct_policy *p,
		       struct err *e) CONTROL;
/* What holds for the zone (NULL: for those without one), no zero in it; whether it is its own. */
bool ct_zone_policy(const struct ct *t, const uint16_t *zone, struct ct_policy *p) CONTROL;

void ct_zone_stats(const struct ct *t, uint16_t zone, struct ct_zone_stats *s) CONTROL;
/* Every zone that has or had connections or refusals, a limit or a policy, ascending. */
void ct_zone_each(const struct ct *t, void (*fn)(void *arg, const struct ct_zone_stats *s),
		  void *arg) CONTROL;

/* ---- Any thread ---- */

/* Whether one more connection is below the zone's limit, now. */
bool ct_zone_has_room(const struct ct *t, uint16_t zone);

/* ---- Packet threads ---- */

/* One more 'ev' in 'zone'; CT_Z_CREATED, _FULL and _ZONE_FULL are the table's own to count. */
void ct_zone_count(struct pmd *w, struct ct *t, uint16_t zone, enum ct_zone_event ev) PMD;

#endif

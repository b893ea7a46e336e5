/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MAC addresses that NORMAL has learned: (VLAN, MAC) -> port.
 *
 * A fixed array of small buckets, so that packets can not grow it; the hash is keyed.  The control
 * thread writes (from PUNT_LEARN), PMDs read without locks: an entry's key is cleared before and
 * set after its value, so that a reader sees an entry whole or not at all.  PMDs stamp the entries
 * that they see in use; the control thread forgets those unused for FDB_AGE_S.  When a bucket is
 * full the entry that was not used for longest makes room.  Owner: struct dp.
 */
#ifndef WEFT_DATAPATH_FDB_H
#define WEFT_DATAPATH_FDB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "datapath/role.h"

struct dp;
struct fdb;

enum { FDB_ENTRIES = 32768, FDB_AGE_S = 300 };

/* Seconds on the clock that all of this goes by; 'tsc' is rte_rdtsc(). */
uint32_t fdb_now(uint64_t tsc);

/* ---- Control thread ---- */

/* Makes and frees dp->fdb. */
int fdb_new(struct dp *dp, struct err *e) CONTROL;
void fdb_free(struct dp *dp) CONTROL;

/* 'mac' is behind 'port' in VLAN 'vid', as of 'now' (fdb_now()).  True if that is news. */
bool fdb_learn(struct fdb *f, uint16_t vid, const uint8_t mac[6], uint32_t port,
	       uint32_t now) CONTROL;
/* Forgets what was not used for FDB_AGE_S; looks at a part of the table in each call (one a
 * second). */
void fdb_age(struct fdb *f, uint32_t now) CONTROL;
/* Forgets everything behind 'port'. */
void fdb_forget_port(struct fdb *f, uint32_t port) CONTROL;
uint32_t fdb_count(const struct fdb *f) CONTROL;

/* ---- PMD threads ---- */

/* The port behind which 'mac' is, 0 if unknown. */
uint32_t fdb_find(const struct fdb *f, uint16_t vid, const uint8_t mac[6]) PMD;
/* Whether 'mac' is known behind 'port'; then it is marked as used at 'now' (seconds). */
bool fdb_seen(struct fdb *f, uint16_t vid, const uint8_t mac[6], uint32_t port, uint32_t now) PMD;

#endif

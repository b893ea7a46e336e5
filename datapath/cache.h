/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The flow cache of one PMD: exact match on the fields that the installed pipeline consults.
 *
 * Keyed by the ingress values of all key words that any table, or an action that reads a field, looks at
 * (cls->words and the programs' sources), so that two packets with equal keys take the same way
 * through the tables.  An entry holds the flows that were hit, in order: replaying their instructions
 * is what the sweep would have done.  Stamped with the version: any published change empties it.  Ways
 * that reveal headers which the ingress key lacks (insts->pops, then goto) are not cached.
 * There are no wildcards in it.  Owner and user: one PMD.
 */
#ifndef WEFT_DATAPATH_CACHE_H
#define WEFT_DATAPATH_CACHE_H

#include "datapath/pkt.h"
#include "datapath/role.h"

struct pmd;
struct cache;

/* 'entries' is a power of two; 0 turns the cache off.  NULL: no memory. */
struct cache *cache_new(uint32_t entries) CONTROL;
void cache_free(struct cache *c) CONTROL;

/* Serves what it can of 'todo' (executes it whole); returns the packets left for the pipeline. */
uint64_t cache_run(struct pmd *w, struct burst *b, uint64_t todo, uint64_t now) PMD;
/* The pipeline reports each packet's way, so that the next one is served. */
void cache_learn(struct pmd *w, const struct burst *b, const struct pkt *p,
		 const struct flow *const *way, uint32_t n_flows) PMD;

#endif

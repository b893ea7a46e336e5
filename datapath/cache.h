/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The flow cache of one PMD: exact match on the fields that the installed pipeline consults.
 *
 * Keyed by the ingress values of all bits that any table looks at (cls->bits) and all key words
 * that any action's effect depends on (insts->reads, gathered in dp->action_words; words that
 * nothing but flows fill are zero at ingress, and left out), so that two
 * packets with equal keys take the same way through the tables: by induction over the tables, each
 * bit that a table reads is either what it was at ingress, or was written by an action whose effect
 * depends on those alone.  What a flow does that leads to no other table counts for nothing there,
 * but for a TTL, which may end a way.  Where a packet comes from ct() its way begins anew, with the
 * table it comes to and the key that it has there.  An entry holds the flows that were hit, in
 * order: replaying their instructions is what the sweep would have done, meters, groups and drops
 * included; and, where that is simple enough, what they come to, for the express way (express.h).
 * Ways that reveal headers which the ingress key lacks (insts->pops, then goto), that ended in a
 * drop or, behind a resubmit, in a miss or an invalid TTL, of packets that a meter remarked, or
 * that are longer than CACHE_WAY_MAX, are not kept; and a packet that a meter remarks during its
 * replay goes on through the tables.  A pipeline that looks at more words than an entry has room
 * for (cache_priv.h) goes without.
 *
 * Resubmits: one that need not come back is a goto (struct insts, 'tail'), wherever it goes, as
 * what is said above holds for tables in any order.  Any other is executed again with the flow that
 * has it, lookup and all; what it brings into the key is not known, so that its flow is the last of
 * a way (it 'pops').
 *
 * Bits that only a few odd rules look at are left out, and packets that may match one of those go
 * without the cache (odd.h).
 *
 * When flows come or go, entries that this may concern are void (change.h): those whose ingress key
 * has the flow's match, in all words that no action may have written by then.  Entries are asked
 * when they are found again.  A change of the bits that the tables look at empties all.  There are
 * no wildcards in it, so it decides nothing that the tables did not decide for exactly these
 * values.  Where it does not pay, which is measured (cache_adapt.h), it steps aside.  Owner and
 * user: one PMD.
 */
#ifndef WEFT_DATAPATH_CACHE_H
#define WEFT_DATAPATH_CACHE_H

#include "datapath/pkt.h"
#include "datapath/role.h"

struct pmd;
struct cache;

enum { CACHE_WAY_MAX = 32 };

/* The flows that a packet has hit so far; n > CACHE_WAY_MAX: too many to be kept. */
struct cache_way {
	uint32_t n;
	const struct flow *flow[CACHE_WAY_MAX];
};

/* 'entries' is a power of two: what it may grow to.  NULL: no memory. */
struct cache *cache_new(uint32_t entries) CONTROL;
void cache_free(struct cache *c) CONTROL;

/* Serves what it can of 'todo' (executes it whole); returns the packets left for the pipeline. */
uint64_t cache_run(struct pmd *w, struct burst *b, uint64_t todo, uint64_t now) PMD;
/* The pipeline reports a packet's way to its end, so that the next one is served. */
void cache_learn(struct pmd *w, const struct burst *b, const struct pkt *p,
		 const struct cache_way *way) PMD;
/* Packet i of the burst comes from ct() to 'table': true: served, if it is to be; else the pipeline
 * may report what its way is from there. */
bool cache_behind(struct pmd *w, struct burst *b, unsigned int i, uint8_t table, bool serve,
		  uint64_t now) PMD;
/* A burst of this port comes.  Whether it is to be measured. */
bool cache_turn(struct cache *c, uint32_t in_port) PMD;
/* Its packets took 'cycles', if they were measured: by that it is known whether the cache pays for
 * what comes by this port. */
void cache_spent(struct pmd *w, uint32_t packets, uint64_t cycles) PMD;
/* The pipeline is through with a burst: what cache_run() noted of its packets is void. */
void cache_end(struct pmd *w) PMD;

enum cache_answer {
	CACHE_SILENT, /* not asked yet */
	CACHE_OFF,    /* the PMD has none */
	CACHE_ASIDE,  /* it does not pay now: not looked into */
	CACHE_STALE,  /* tables have changed since: all of it is void */
	CACHE_MISS,
	CACHE_HIT,
};

/* What cache_run() would find for a packet with this key; changes nothing.  'n_flows': of a hit. */
enum cache_answer cache_peek(const struct pmd *w, const struct flow_key *key,
			     uint32_t *n_flows) PMD;

static inline void cache_way_add(struct cache_way *way, const struct flow *f)
{
	if (way->n < CACHE_WAY_MAX)
		way->flow[way->n] = f;
	way->n++;
}

#endif

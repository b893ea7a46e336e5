/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The datapath: tables, groups, meters, ports and packet threads of one switch.
 *
 * One writer, the control thread.  PMDs read what is marked so, under one RCU (rte_rcu_qsbr), and
 * report quiescent once per iteration.  Exhaustion is an answer, never an abort.
 */
#ifndef WEFT_DATAPATH_DP_H
#define WEFT_DATAPATH_DP_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/err.h"
#include "datapath/pmd.h"
#include "datapath/port.h"
#include "datapath/role.h"
#include "datapath/table.h"

struct changes;
struct ct;
struct fdb;
struct group_table;
struct ipfix;
struct learn_state;
struct meter_table;
struct odd_rules;
struct rte_mempool;
struct rte_rcu_qsbr;
struct sample_sets;
struct table_state;

/* Who wants to know of changes (the agent).  Called in the control thread. */
struct dp_events {
	void (*port_status)(void *arg, const struct port *p, uint8_t reason); /* OFPPR_* */
	void *arg;
};

struct dp_opts {
	const char *name; /* "br0" */
	uint64_t dpid;
	const char *pmd_cores;
	uint32_t cache_entries;		       /* per PMD; 0: off */
	uint32_t max_flows;		       /* per table; 0: 1,000,000 */
	uint32_t ct_max;		       /* connections; 0: CT_MAX_DEFAULT */
	const struct ct_zone_start *ct_starts; /* what zones start with; stay the caller's */
	unsigned int n_ct_starts;
	bool ct_liberal; /* --ct-tcp-seq-chk off */
	bool standalone; /* --fail-mode */
};

struct dp {
	/* Read by PMDs. */
	_Atomic uint64_t version;	      /* what bursts see (flow.h) */
	_Atomic uint32_t templates;	      /* how often a table got another one (cls.h) */
	struct cls *_Atomic tables[N_TABLES]; /* NULL: empty */
	struct port *_Atomic *ports; /* by OpenFlow number, PORT_LAST + 1 of them; NULL: none */
	struct port *_Atomic local;
	struct port *_Atomic port_slots[PORT_MAX];
	_Atomic uint32_t frag_mode; /* OFPC_FRAG_* (frag.h) */
	_Atomic uint32_t miss_send_len;
	_Atomic uint32_t learn_epoch; /* when learned flows last went (learn.h) */
	_Atomic bool invalid_ttl_to_controller;
	struct changes *changes; /* of the tables, lately (change.h) */
	struct odd_rules *odd;	 /* rules that flow caches leave out (odd.h) */
	struct rte_rcu_qsbr *rcu;
	struct rte_mempool *pool;
	struct fdb *fdb;			 /* NORMAL's MAC table */
	uint8_t freeze_id[16];			 /* another one in each life (freeze.h) */
	struct ct *_Atomic ct;			 /* NULL until dp_ct() was called */
	_Atomic bool ct_liberal;		 /* TCP's sequence numbers are not judged */
	struct sample_sets *_Atomic sample_sets; /* who hears of samples (sample.h); NULL: nobody */

	/* Control thread. */
	char name[32];
	uint64_t dpid;
	struct dp_opts opts;
	struct pmd *pmds[PMD_MAX];
	unsigned int n_pmds;
	struct dp_events events;
	struct table_events table_events;
	struct table_state *table_state;
	struct group_table *groups;
	struct meter_table *meters;
	struct port_table *port_table;
	struct punt_state *punts;
	struct vtep_state *vteps;
	struct insts_table *insts;
	struct learn_state *learn;
	struct ipfix *ipfix;	       /* collectors of samples; NULL: there never was one */
	_Atomic uint64_t action_words; /* key words that installed actions read (cache.h) */
	struct retired *retired;       /* waiting for a grace period */
};

/* EAL must be up (eal.h).  NULL with words in 'e'. */
struct dp *dp_new(const struct dp_opts *o, struct err *e) CONTROL;
void dp_free(struct dp *dp) CONTROL;

/* The table of connections, made by the first call: of an action ct() that is checked, of a limit
 * that is set ...  NULL with words in 'e' when there is no memory. */
struct ct *dp_ct(struct dp *dp, struct err *e) CONTROL;

/* Makes all changes since the last call visible to every burst that starts from now on. */
void dp_publish(struct dp *dp) CONTROL;
/* Waits until no PMD can see the past any more: after it, a barrier may be answered.  Bounded;
 * frees what was retired. */
void dp_barrier(struct dp *dp) CONTROL;
/* Frees 'p' by 'fn' once every PMD was quiescent; never blocks. */
void dp_retire(struct dp *dp, void *p, void (*fn)(void *)) CONTROL;
/* The same for what PMDs may find until the next dp_publish(): that comes first, then the waiting.
 */
void dp_retire_published(struct dp *dp, void *p, void (*fn)(void *)) CONTROL;
/* What is done in parts then, as long as part() returns true, so that others have their turn. */
void dp_retire_parts(struct dp *dp, void *p, bool (*part)(void *)) CONTROL;
/* Frees what may be freed by now; call now and then. */
void dp_reclaim(struct dp *dp) CONTROL;
/* No more of it than takes some milliseconds; whether there was more. */
bool dp_reclaim_some(struct dp *dp) CONTROL;

/* For changes being made: the version at which they will be seen. */
static inline uint64_t dp_next_version(const struct dp *dp)
{
	return atomic_load_explicit(&dp->version, memory_order_relaxed) + 1;
}

#endif

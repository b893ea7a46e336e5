/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Neighbours of a VTEP: which MAC an on-link address has, as a state machine.
 *
 *	INCOMPLETE  asked by broadcast, no answer yet                   -> REACHABLE | FAILED
 *	REACHABLE   confirmed within the last 30 s                      -> PROBE
 *	STALE       the MAC came unasked, or nobody needed it           -> PROBE when used
 *	PROBE       asked by unicast; the MAC is still in use           -> REACHABLE | INCOMPLETE
 *	FAILED      no answer to three requests; asked again after 5 s  -> INCOMPLETE when used
 *
 * Requests go out every second, three at most (RFC 4861, 10: RETRANS_TIMER, MAX_*_SOLICIT).  The
 * first probe goes out 5 s before the 30 s are over, so that an entry in use never has a gap; one
 * that has not been used since it was confirmed becomes STALE instead, and is forgotten after
 * 10 minutes.  Packets never add an entry: they only update one that was asked for here.
 *
 * Time is the caller's, in milliseconds.  Control thread; owned by the VTEP.
 */
#ifndef WEFT_VXLAN_NEIGH_H
#define WEFT_VXLAN_NEIGH_H

#include <stdbool.h>
#include <stdint.h>

#include <uthash.h>

#include "vxlan/addr.h"

enum neigh_state {
	NEIGH_INCOMPLETE,
	NEIGH_REACHABLE,
	NEIGH_STALE,
	NEIGH_PROBE,
	NEIGH_FAILED,
	NEIGH_N_STATES
};

enum {
	NEIGH_RETRANS_MS = 1000,
	NEIGH_TRIES = 3,
	NEIGH_REACHABLE_MS = 30000,
	NEIGH_PROBE_AHEAD_MS = 5000,
	NEIGH_HOLD_MS = 5000, /* FAILED is not asked again before */
	NEIGH_IDLE_MS = 600000,
	NEIGH_MAX = 4096,
};

struct neigh {
	struct vxlan_addr addr;
	uint8_t mac[6];
	uint8_t state;
	uint8_t tries;	   /* requests sent in this state */
	uint64_t since;	   /* when it came into this state */
	uint64_t deadline; /* when tick has something to do */
	uint64_t used;	   /* last time somebody asked for it */
	uint32_t refs;	   /* remotes that go through it */
	UT_hash_handle hh;
};

struct neigh_ops {
	/* Ask for 'n': by unicast to n->mac if 'unicast', else by broadcast or to the
	 * solicited-node group. */
	void (*solicit)(void *aux, const struct neigh *n, bool unicast);
	/* State or MAC changed, perhaps to what it was.  Must not add or delete entries. */
	void (*changed)(void *aux, const struct neigh *n);
};

struct neigh_table {
	struct neigh *head;
	uint64_t key[2];
	const struct neigh_ops *ops;
	void *aux;
	uint32_t max;
	uint64_t next; /* earliest deadline */
};

void neigh_init(struct neigh_table *t, const struct neigh_ops *ops, void *aux, uint32_t max);
void neigh_fini(struct neigh_table *t);

/* Whether packets may be sent to n->mac. */
static inline bool neigh_usable(const struct neigh *n)
{
	return n->state == NEIGH_REACHABLE || n->state == NEIGH_STALE || n->state == NEIGH_PROBE;
}

struct neigh *neigh_find(struct neigh_table *t, const struct vxlan_addr *addr);

/* The entry for 'addr', added and asked for if it is new, asked for again if it has failed long
 * enough ago; marked as used.  NULL when the table is full or memory is out. */
struct neigh *neigh_use(struct neigh_table *t, const struct vxlan_addr *addr, uint64_t now);

/* 'addr' says that it has 'mac'.  'solicited': in answer to a request of ours, so it is reachable.
 * 'override': it may replace a MAC that we hold (always so in ARP; RFC 4861, 7.2.5 for ND).  False
 * when nobody here asked for this address. */
bool neigh_heard(struct neigh_table *t, const struct vxlan_addr *addr, const uint8_t mac[6],
		 bool solicited, bool override, uint64_t now);

/* Asks for every entry again: those with a MAC by unicast (the link was down). */
void neigh_ask_again(struct neigh_table *t, uint64_t now);

/* Forgets the entry. */
void neigh_del(struct neigh_table *t, struct neigh *n);

/* Does what is due at 'now'; returns when to call again (UINT64_MAX: nothing pending). */
uint64_t neigh_tick(struct neigh_table *t, uint64_t now);

#endif

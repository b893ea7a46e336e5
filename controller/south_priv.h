/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the south half share.  Thread: the loop's. */
#ifndef WEFT_CONTROLLER_SOUTH_PRIV_H
#define WEFT_CONTROLLER_SOUTH_PRIV_H

#include "controller/peer.h"
#include "controller/south.h"

struct south {
	struct ev_loop *loop;
	struct world *world;
	struct world_listener listener;
	struct of_listener **listeners;
	size_t n_listeners;
	struct peer *peers; /* DL list: every session, negotiated or not */
	double started;
	bool settled;  /* see south_settled() */
	bool gateways; /* some routers had one when it started */
	ev_timer settle;
	char waits_for[UUID_TEXT]; /* a port that was nowhere when last looked: see all_placed() */
	double grace;		   /* seconds that a switch without a session has to come back */
	ev_timer gone;		   /* active while one of them has not */
	struct neighs *neighs;
	/* Of reading switches (south_turns.c). */
	size_t n_reading;
	ev_timer turns;	 /* active while some wait */
	double heard;	 /* when a switch last said its ports */
	double audit_at; /* the next audit is not before */
	ev_timer trim;
};

/* 'p' speaks for its dpid now: an older session of the same switch is closed. */
void south_replace(struct south *s, struct peer *p);

/*
 * After a restart the controller knows its intent at once, but where ports are bound only as
 * switches come back.  Until every port of a tenant is somewhere again (or for SETTLE_SECONDS)
 * gateways stay where they were, and it adds to a switch that has flows of ours and takes nothing
 * away: established traffic goes on.  A port that nobody has plugged in, and that has no host, may
 * be anywhere; but a switch that has no flow of it has nothing to lose by that, see
 * south_may_take_away().
 */
bool south_settled(const struct south *s);
/* It is nowhere, and a switch that has not said its ports may have it.  Those of routers are
 * nowhere at any time. */
bool south_may_come(const struct south *s, const struct port *p);
/* All ports that the switch's flows spoke of when it was read are where they are. */
bool south_may_take_away(struct south *s, struct peer *p);

/*
 * south_turns.c: switches are read a few at a time, and after a restart when where the ports are is
 * known of all that are connected: then what is read is wanted at once, and nothing is kept twice.
 */
void south_turns_init(struct south *s);
void south_turns_fini(struct south *s);
/* Whose turn it is now. */
void south_turns(struct south *s);
/* It has been read, or has gone. */
void south_turn_over(struct peer *p);
/* One at a time, for a quarter of the time at most. */
bool south_may_audit(const struct south *s);

/* south_gone.c: of a switch that went down; before the first. */
void south_watch_gone(struct south *s);
void south_gone_init(struct south *s, double grace);

/* The main session of a switch that can be told something; NULL: none. */
struct peer *south_peer(const struct south *s, const struct sw *sw);

#endif

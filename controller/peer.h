/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connected switch: its session, what it is and has, and the changes under way to it.
 *
 *   INFO --> PORTS --> READ --> LIVE <--> AUDIT
 *
 * INFO asks who it is (Weft's own message; a foreign switch answers with an error, or to the
 * barrier behind it alone, and is asked in OpenFlow's terms); PORTS lists its ports; READ reads its
 * flows and groups, so that only differences are sent; LIVE sends, one transaction at a time; AUDIT
 * reads again now and then and counts what differs as drift.  A session that is lost ends the peer:
 * what the switch has stays there, and the next peer reads it.
 *
 * Thread: the loop's.  Owner: south.c.  Internal to the south half.
 */
#ifndef WEFT_CONTROLLER_PEER_H
#define WEFT_CONTROLLER_PEER_H

#include <ev.h>

#include "controller/derive.h"
#include "controller/ledger.h"
#include "controller/world.h"
#include "ofproto/mgmt.h"
#include "ofproto/session.h"

struct south;

#define PEER_STATES(X) \
	X(INFO)        \
	X(PORTS)       \
	X(READ)        \
	X(LIVE)        \
	X(AUDIT)

enum peer_state {
#define X(name) PEER_##name,
	PEER_STATES(X)
#undef X
		PEER_N_STATES
};

/* A management request that has not been answered. */
struct request {
	uint32_t xid;
	enum { REQ_INFO, REQ_PORTS, REQ_PORT, REQ_PORT_ADD, REQ_PORT_DEL } kind;
	uint32_t ofport;	 /* REQ_PORT */
	char port_id[UUID_TEXT]; /* REQ_PORT_ADD; REQ_PORT_DEL: "#7" */
	struct request *prev, *next;
	UT_hash_handle hh; /* in peer.asked, if it has a port_id */
};

/* Messages that were sent together. */
struct txn {
	struct change **changes; /* i was sent with xid first + i */
	size_t n;
	uint32_t first, bundle, barrier;
	bool bundled, failed, any_refused;
	bool heard; /* something was said to the bundle */
};

struct peer {
	struct south *south;
	struct of_session *session;
	/*
	 * An auxiliary connection (6.3.6): what comes on it is the main connection's peer's.  NULL
	 * beside an aux_id: that one is gone, and so will this be.
	 */
	uint8_t aux_id;
	struct peer *main;
	uint64_t dpid;
	struct sw *sw;	   /* from PORTS on */
	bool foreign;	   /* does not speak Weft's management messages */
	bool no_bundles;   /* refused one: plain messages and a barrier instead */
	bool inherited;	   /* had flows of ours when first read: see south_settled() */
	uint32_t *awaited; /* ports (index) that these are of, and that were nowhere then */
	size_t n_awaited;
	bool waits; /* to be read, when it is its turn: see south_turns() */
	bool reads; /* has its turn */
	enum peer_state state;
	char *host_id, *name, *version;
	struct ledger ledger;
	struct derive derive;
	struct txn txn;		  /* n > 0: under way */
	struct request *requests; /* DL list */
	struct request *asked;	  /* hash by port_id: what is not to be asked for twice */
	bool busy;		  /* something was learned or lost since the last batch */
	bool crowded;		  /* it was said that stations are pushed out */
	bool ports_stale; /* what its host is asked to create is to be compared with what it has */
	struct request
		*failed; /* DL list: ports that the switch would not create: not at once again */
	struct mgmt_join join;
	uint32_t info_barrier;		       /* behind the question who it is */
	uint32_t xid, read_flows, read_groups; /* multipart requests under way, 0: answered */
	double read_begun;
	ev_timer audit;
	struct peer *prev, *next;
};

struct peer *peer_new(struct south *s, struct of_session *session);
void peer_free(struct peer *p);

/* ---- peer.c ---- */
extern const struct of_session_ops peer_ops;
uint32_t peer_xid(struct peer *p);
void peer_goto(struct peer *p, enum peer_state to);
const char *peer_name(const struct peer *p);
/* "OFPBRC_BAD_LEN"; never NULL. */
const char *peer_error_name(const struct of_error_msg *e);

/* ---- peer_ports.c: what the switch is, and its ports ---- */
void peer_info_enter(struct peer *p);
void peer_ports_enter(struct peer *p);
bool peer_ports_msg(struct peer *p, const struct of_msg *m); /* whether it was for us */
/* A port's attributes changed, or (NULL) time has passed: it may be asked for again. */
void peer_ports_retry(struct peer *p, const char *port_id);
/* Creates and deletes switch ports as the world wants them on this switch. */
void peer_ports_sync(struct peer *p);

/* ---- peer_stations.c: app l2's stations, on switches without tenants ---- */
/* A packet-in, shown by stage learn or held back by a switch that has no flow for it. */
void peer_station_seen(struct peer *p, const struct of_packet_in *pi);
/* While reading: a station that a former controller has learned is known. */
void peer_station_read(struct peer *p, const struct of_flow_stats *f);
/* A flow is gone: that of a station which has been silent? */
void peer_station_idle(struct peer *p, const struct of_flow_removed *fr);

/* ---- peer_flows.c: reading and sending ---- */
void peer_read_enter(struct peer *p);
/* It is its turn. */
void peer_read(struct peer *p);
void peer_live_enter(struct peer *p);
bool peer_flows_msg(struct peer *p, const struct of_msg *m);
/* Sends what differs, when nothing is under way. */
void peer_flush(struct peer *p);
void peer_report(struct peer *p);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the agent's files share.
 *
 * Each message has one handler in agent.c's table; a handler returns 0, or -EPROTO with the
 * OpenFlow error that answers the message.  Control thread; owner: struct agent.
 */
#ifndef WEFT_DATAPATH_AGENT_PRIV_H
#define WEFT_DATAPATH_AGENT_PRIV_H

#include "base/arena.h"
#include "datapath/agent.h"
#include "datapath/dp.h"
#include "datapath/pktbuf.h"
#include "ofproto/form.h"
#include "ofproto/form.h"
#include "ofproto/session.h"
#include "ofproto/stream.h"

struct bundle;
struct pktbufs;
struct dump;
struct parts;
struct monitor;
struct flush;
struct series;

/* Asynchronous messages wanted, [0] as master or equal, [1] as slave (7.3.10). */
struct async_config {
	uint32_t packet_in[2], port_status[2], flow_removed[2];
	uint32_t role_status[2], table_status[2], requestforward[2];
};

/* One connection. */
struct conn {
	struct agent *agent;
	struct of_session *session;
	bool service; /* came to a listener: a tool, or a controller that calls */
	bool local;   /* to the management socket: not worth a snooper's while */
	bool snooper; /* is told what others say, and may ask for the features only */
	bool events;  /* wants to be told what happens; a tool says so by set_config or set_async */
	bool up;
	uint32_t role; /* OFPCR_ROLE_* */
	uint16_t miss_send_len;
	struct async_config async;
	uint16_t controller_id; /* Nicira's: packets that are sent to that id come here */
	struct bundle *bundles; /* hash by id */
	struct dump *dump;	/* a reply not sent whole yet */
	struct parts *parts;	/* of requests that are not whole yet */
	unsigned int n_parts;
	size_t parts_bytes;
	struct monitor *monitors;
	struct monitor_pause {
		bool on;	  /* the peer reads too slowly to be told of changes */
		bool nicira;	  /* it is told so in Nicira's words */
		double at;	  /* since when, monotonic: it knows the flows made before, */
		uint64_t version; /* as they were at this version */
		double known;	  /* it may know what was made up to then */
		/* It is told what it missed, in parts: flows up to this place are as it knows. */
		struct monitor_place {
			bool any;
			struct table_place at;
		} passed;
	} pause;
	uint32_t serial;	  /* no other connection has it, or had it; not 0 */
	struct conn *main;	  /* an auxiliary connection's; NULL: it is a main one (6.3.6) */
	char *target;		  /* of one that the switch opens */
	uint8_t n_aux;		  /* auxiliary connections to be opened when it is up */
	uint8_t packet_in_format; /* enum nx_packet_in_format */
	struct pktbufs *buffers;  /* made when first needed */
	uint64_t packet_ins_lost;
	struct conn *prev, *next;
};

/*
 * The connection that a connection's role, configuration and buffers are kept in: of a channel of
 * several connections the main one (6.3.6).
 */
static inline struct conn *conn_channel(struct conn *c)
{
	return c->main ? c->main : c;
}

struct agent {
	struct ev_loop *loop;
	struct dp *dp;
	struct conn *conns;
	struct of_listener **listeners;
	unsigned int n_listeners, n_active;
	char *host_id;
	struct of_tls tls;
	double started;
	uint64_t bundle_bytes; /* of all connections */
	uint32_t n_buffers;    /* of each controller */
	size_t buffer_bytes;   /* in all of them */
	unsigned int n_snoopers;
	unsigned int n_monitors; /* of all connections */
	uint32_t last_serial;
	bool in_bundle; /* a bundle's changes are told under the xid of its first flow_mod: */
	uint32_t bundle_xid;
	struct flush *flushes;	/* of connections, in their order */
	ev_idle flushing;	/* on while there are any: the loop does not sleep */
	bool changed;		/* tables differ from what is published */
	ev_prepare publish;	/* publishes once a round of the loop */
	ev_timer fail;		/* --fail-mode standalone */
	unsigned int lonely;	/* seconds without any controller */
	bool standalone;	/* its flow is installed */
	uint64_t generation_id; /* of the last role request that had one */
	bool has_generation_id;
	struct series *series;	  /* of flow_mods; NULL: no memory */
	struct arena scratch;	  /* for one reply */
	void (*drain)(void *arg); /* as in the options */
	void *drain_arg;
};

/* ---- agent.c ---- */

/* The error that answers 'm'; ONF's experimenter errors (bundles) are written as such. */
void agent_send_error(struct conn *c, const struct of_msg *m, const struct of_err *e) CONTROL;
void agent_reply(struct conn *c, const struct of_msg *m, const struct of_any *body) CONTROL;
/* Tables were changed: publish before the next thing that could tell. */
void agent_changed(struct agent *a) CONTROL;
void agent_publish(struct agent *a) CONTROL;
/* In the midst of what takes long: echo requests of others are answered. */
void agent_breathe(void *arg) CONTROL;
/* Executes a message that changes state: from a connection, or out of a bundle. */
int agent_modify(struct conn *c, const struct of_msg *m, struct of_err *e) CONTROL;

/* ---- agent_conn.c: configuration ---- */
int conn_get_config(struct conn *c, const struct of_msg *m, struct of_err *e) CONTROL;
int conn_set_config(struct conn *c, const struct of_msg *m, struct of_err *e) CONTROL;
void conn_defaults(struct conn *c) CONTROL;

/* ---- agent_async.c: asynchronous messages ---- */
int conn_get_async(struct conn *c, const struct of_msg *m, struct of_err *e) CONTROL;
void conn_set_async(struct conn *c, const struct of_set_async *s) CONTROL;
int conn_set_async2(struct conn *c, const struct of_nx_set_async2 *s, struct of_err *e) CONTROL;
void async_defaults(struct conn *c) CONTROL;
/* 0: wanted as master or equal, 1: as slave; is 'reason' in the mask of this connection's role? */
bool conn_wants(const struct conn *c, const uint32_t mask[2], uint8_t reason);
void conn_update_ttl(struct agent *a) CONTROL;

void conn_free(struct conn *c) CONTROL;
/* 's' may come later; NULL: no memory. */
struct conn *conn_add(struct agent *a, struct of_session *s, bool service) CONTROL;

/* ---- agent_aux.c: auxiliary connections ---- */
struct aux_spec {
	char target[STREAM_NAME_MAX];
	uint8_t n;
};

/* "tcp:10.0.0.1:6653;aux=2" */
int aux_parse(const char *spec, struct aux_spec *out, struct err *e);
/* The main connection is up, or gone. */
void aux_open(struct conn *c, const struct of_session_opts *opts) CONTROL;
void aux_close(struct conn *c) CONTROL;
/* A message came on 'c', or it came up: what is its controller's is copied to its others. */
void aux_sync(struct conn *c) CONTROL;
/* The connection of c's controller by which this packet goes. */
struct conn *aux_for_packet(struct conn *c, const struct punt *p) CONTROL;

/* ---- agent_role.c: several controllers ---- */
int conn_role(struct conn *c, const struct of_msg *m, struct of_err *e) CONTROL;
/* A message was done: if it is a group or meter mod, others are told who asked for that. */
void agent_forward(struct conn *from, const uint8_t *raw, uint16_t n) CONTROL;

/* ---- agent_ct_flush.c: NXT_CT_FLUSH_ZONE, NXT_CT_FLUSH ---- */
int agent_ct_flush_msg(struct conn *c, const struct of_any *body, struct of_err *e) CONTROL;
/* A slice of the flushes that are on their way; call in every round of the loop. */
void flushes_go_on(struct agent *a) CONTROL;
/* The connection goes; what it asked for is done, and not answered. */
void flushes_leave(struct conn *c) CONTROL;
void flushes_free(struct agent *a) CONTROL;

/* ---- agent_buffer.c: packets that wait for what a controller decides ---- */

/* Keeps what is sent to 'c' in part; OFP_NO_BUFFER: it has to be sent whole. */
uint32_t agent_buffer_put(struct conn *c, const struct punt *p, const uint8_t *frame,
			  uint32_t n) CONTROL;
/* The packet of an id; a refusal when there is none. */
int agent_buffer_find(struct conn *c, uint32_t id, struct pktbuf **out, struct of_err *e) CONTROL;
void agent_buffer_release(struct conn *c, struct pktbuf *b) CONTROL;
/* A flow_mod's buffer: refused before anything is changed, or to be run afterwards. */
int agent_buffer_claim(struct conn *c, const struct of_flow_mod *fm, struct of_err *e) CONTROL;
/* What was claimed goes through the pipeline ('done'), or waits on. */
void agent_buffers_settle(struct conn *c, bool done) CONTROL;
void agent_buffers_expire(struct agent *a) CONTROL;
void agent_buffers_free(struct conn *c) CONTROL;

/* ---- agent_packet.c: events and packets ---- */
/* NXT_RESUME: a packet that paused goes on. */
int agent_resume(struct conn *c, const struct of_nx_resume *q, struct of_err *e) CONTROL;
int agent_packet_in_format(struct conn *c, const struct of_nx_set_packet_in_format *q,
			   struct of_err *e) CONTROL;
int agent_packet_out(struct conn *c, const struct of_msg *m, struct of_err *e) CONTROL;
/* In a bundle: checks it and appends it to '*out'; then all are sent, or given up. */
struct packet_out;
/* In the order in which they came; there may be a million of them. */
struct packet_outs {
	struct packet_out *first, *last;
};
int packet_out_take(struct conn *c, const struct of_packet_out *po, struct packet_outs *out,
		    struct of_err *e) CONTROL;
void packet_outs_end(struct conn *c, struct packet_outs *all, bool send) CONTROL;
void agent_port_status(void *arg, const struct port *p, uint8_t reason) CONTROL;
void agent_flow_removed(void *arg, const struct flow *f, const struct of_match *match,
			uint8_t reason, uint64_t packets, uint64_t bytes, double duration) CONTROL;

/* ---- agent_table.c ---- */
int agent_table_mod(struct conn *c, const struct of_msg *m, struct of_err *e) CONTROL;
/* The experimenter message with 1.4's. */
int agent_onf_table_mod(struct conn *c, const struct of_msg *m, struct of_err *e) CONTROL;
int mp_table_desc(struct conn *c, const struct of_msg *m) CONTROL;
void agent_table_status(void *arg, uint8_t table_id, uint8_t reason) CONTROL;

/* ---- agent_bundle.c ---- */
int agent_bundle(struct conn *c, const struct of_msg *m, struct of_err *e) CONTROL;
void bundles_free(struct conn *c) CONTROL;
/* Bundles that were left alone are given up; call every second. */
void bundles_expire(struct conn *c) CONTROL;

/* Keeps flow_mods like one that was kept before, which stand 'at' bytes behind the beginning of a
 * message of the form 'f'.  How many it kept. */
unsigned int bundle_keep_like(struct conn *c, struct bundle *b, const struct of_form *f, size_t at,
			      const uint8_t *const *raw, unsigned int n_msgs) CONTROL;

/* A message was refused before it came here: if it was to be bundled, its bundle cannot be whole.
 */
void bundles_refused(struct conn *c, const uint8_t *raw, size_t n) CONTROL;

/* ---- agent_series.c: flow_mods of one form, one behind the other ---- */
struct series *series_new(void) CONTROL;
void series_free(struct series *s) CONTROL;
/* What is known of one holds no longer: something else has its turn. */
void series_end(struct agent *a) CONTROL;
/* A flow_mod was done. */
void series_note(struct conn *c, const struct of_msg *m) CONTROL;
/* The length of messages that series_add() may take; 0: none. */
size_t series_length(const struct conn *c) CONTROL;
/* Does so many of them; how many it did.  What it did not goes the usual way. */
unsigned int series_add(struct conn *c, const uint8_t *const *raw, unsigned int n) CONTROL;
/* 'm', a flow_mod in its envelope, was kept in the bundle. */
void series_note_bundled(struct conn *c, const struct of_msg *m, struct bundle *b) CONTROL;
/* As of_session_ops.run. */
size_t series_run(struct of_session *s, const uint8_t *raw, size_t n, unsigned int *n_msgs,
		  void *arg);

/* ---- agent_monitor.c: flow monitors (EXT-187, and Nicira's) ---- */
/* 'q' is a request of either's. */
int agent_monitor(struct conn *c, const struct of_msg *m, const struct of_any *q,
		  struct of_err *e) CONTROL;
int agent_monitor_cancel(struct conn *c, uint32_t id, struct of_err *e) CONTROL;
void monitors_free(struct conn *c) CONTROL;
/* Who was paused and has read all is told what he missed; call in every round of the loop, first.
 */
void monitors_go_on(struct agent *a) CONTROL;
/* Changes from now on are this message's. */
void monitors_cause(struct conn *c, const struct of_msg *m) CONTROL;

/* ---- agent_snoop.c: a second socket, NAME.snoop, that hears what controllers and switch say ----
 */
/* The snooping socket's path for a management socket's. */
void snoop_path(const char *socket, char *path, size_t size);
void snoop_heard(struct of_session *s, bool sent, const uint8_t *raw, size_t n, void *arg);

/* ---- agent_mgmt.c: Weft's own messages ---- */
int agent_mgmt(struct conn *c, const struct of_msg *m, struct of_err *e) CONTROL;

/* ---- agent_multipart.c and agent_mp_*.c ---- */

/*
 * A multipart reply that is being written: structures are collected in one list and sent whenever a
 * message is full, with OFPMPF_REPLY_MORE in all but the last (7.3.5).
 */
struct mp {
	struct conn *conn;
	uint32_t xid;
	uint16_t type;
	enum of_kind body; /* whose only member is a list */
	struct arena *arena;
	struct of_list list;
	size_t bytes; /* in the list */
	size_t total; /* ... and sent before it */
	int rc;
};

int agent_multipart(struct conn *c, const struct of_msg *m, struct of_err *e) CONTROL;
void mp_begin(struct mp *mp, struct conn *c, uint32_t xid, uint16_t type,
	      enum of_kind body) CONTROL;
/* 's' lives in mp->arena; NULL: there was no memory for it.  0, or -errno: failed, stop. */
int mp_add(struct mp *mp, struct of_any *s) CONTROL;
/* The reply's last message; or the refusal that ends it, had anything failed. */
void mp_end(struct mp *mp) CONTROL;
/* What is collected goes out, and more will follow. */
void mp_part(struct mp *mp) CONTROL;
/* A whole reply that is one structure. */
void mp_one(struct conn *c, const struct of_msg *m, uint16_t type, struct of_any *body) CONTROL;

/* ---- agent_mp_parts.c: requests in several messages ---- */
bool parts_pending(const struct conn *c, uint32_t xid);
/* Keeps a part; with the last one all tables in 'out', in the arena.  -EAGAIN: more will come. */
int parts_add(struct conn *c, const struct of_msg *m, struct arena *a, struct of_list *out,
	      struct of_err *e) CONTROL;
/* A part was refused before it came here. */
void parts_refused(struct conn *c, const uint8_t *raw, size_t n, const struct of_err *e) CONTROL;
void parts_free(struct conn *c) CONTROL;

/* ---- agent_dump.c: long replies, in parts ---- */

enum {
	DUMP_PART = 2 << 20, /* bytes sent at once: what a reader who does not read costs */
	DUMP_LOW = 1 << 20,  /* so little left unread: go on */
};

/* What is left of a reply; what a kind of reply has to keep in mind besides stands behind it. */
struct dump {
	uint32_t xid;
	/* Sends one part more.  1: there may be more; 0: that was the last. */
	int (*part)(struct conn *c, struct dump *d);
	size_t backlog;	    /* at the last look, */
	unsigned int stuck; /* as long ago, seconds */
};

/* Sends the first part; 'd' was allocated and is the connection's from now on (NULL: -ENOMEM). */
int dump_start(struct conn *c, struct dump *d) CONTROL;
/* Dumps go on for those who have read what they were sent; call in every round of the loop. */
void dumps_go_on(struct agent *a) CONTROL;
/* Connections that take nothing of their dump are given up; call every second. */
void dumps_watch(struct agent *a) CONTROL;
void dump_free(struct conn *c) CONTROL;

/* A reply about things that have ids, in their order: groups, meters. */
struct id_dump {
	struct dump dump;
	uint16_t type;
	enum of_kind body;
	size_t most;   /* bytes sent at once */
	uint32_t id;   /* that is wanted, or the one that means all */
	uint32_t from; /* what has a lower one was sent */
	/* Gives each to id_dump_add(), until that is not 0; returns what it said last. */
	int (*each)(struct id_dump *d);
	const struct dp *dp;
	struct mp *mp;
};

int id_dump_start(struct conn *c, const struct of_msg *m, const struct id_dump *what) CONTROL;
/* 's' tells of 'id', and lives in d->mp->arena; NULL: there was no memory for it. */
int id_dump_add(struct id_dump *d, uint32_t id, struct of_any *s) CONTROL;

/* ---- agent_mp_flow.c ---- */
int mp_flows(struct conn *c, const struct of_msg *m, const struct of_any *q,
	     struct of_err *e) CONTROL;
int mp_aggregate(struct conn *c, const struct of_msg *m, const struct of_any *q,
		 struct of_err *e) CONTROL;
int mp_tables(struct conn *c, const struct of_msg *m, const struct of_any *q,
	      struct of_err *e) CONTROL;

int mp_table_features(struct conn *c, const struct of_msg *m, const struct of_any *q,
		      struct of_err *e) CONTROL;
int mp_ports(struct conn *c, const struct of_msg *m, const struct of_any *q,
	     struct of_err *e) CONTROL;
int mp_port_desc(struct conn *c, const struct of_msg *m, const struct of_any *q,
		 struct of_err *e) CONTROL;
int mp_queues(struct conn *c, const struct of_msg *m, const struct of_any *q,
	      struct of_err *e) CONTROL;
int mp_groups(struct conn *c, const struct of_msg *m, const struct of_any *q,
	      struct of_err *e) CONTROL;
int mp_group_desc(struct conn *c, const struct of_msg *m, const struct of_any *q,
		  struct of_err *e) CONTROL;
/* The same in 1.5's layout. */
int mp_ext_group_desc(struct conn *c, const struct of_msg *m, const struct of_any *q,
		      struct of_err *e) CONTROL;
int mp_group_features(struct conn *c, const struct of_msg *m, const struct of_any *q,
		      struct of_err *e) CONTROL;
int mp_meters(struct conn *c, const struct of_msg *m, const struct of_any *q,
	      struct of_err *e) CONTROL;
int mp_meter_config(struct conn *c, const struct of_msg *m, const struct of_any *q,
		    struct of_err *e) CONTROL;
int mp_meter_features(struct conn *c, const struct of_msg *m, const struct of_any *q,
		      struct of_err *e) CONTROL;
/* ---- agent_mp_queue.c ---- */
int agent_queue_config(struct conn *c, const struct of_msg *m, struct of_err *e) CONTROL;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An OpenFlow session: one connection, from socket to negotiated, live channel (section 6.3).
 *
 * Hello with version bitmap, features (on the controller's side), echo when idle and a liveness
 * timeout, reconnect with back-off for active sessions, bounded output.  Targets are written as
 * ovs-ofctl writes them: tcp:HOST[:PORT], ssl:HOST[:PORT], unix:PATH; listeners ptcp:[PORT][:ADDR],
 * pssl:[PORT][:ADDR], punix:PATH (the 'p' may be left out).  Port 0 in a listener: any;
 * of_listener_port() tells.  HOST is an address (IPv6 in brackets) or "localhost": names are not
 * looked up, a resolver would block the loop.
 *
 * A message that is refused costs an error message, not the session; what ends a session is a lost
 * or silent peer (no byte for three echo intervals), a length below 8, and a peer that lets
 * tx_limit bytes pile up.  A switch stops reading from a peer that does not take its answers; a
 * controller never stops by itself, so that the two cannot wait for each other.
 *
 * Thread: the one that runs the libev loop.  Owner: whoever called _new(); a passive session is
 * owned by its listener's user after ops->accept().
 */
#ifndef WEFT_OFPROTO_SESSION_H
#define WEFT_OFPROTO_SESSION_H

#include <ev.h>

#include "base/err.h"
#include "ofproto/wire.h"

struct of_session;
struct of_listener;

enum of_side { OF_SWITCH, OF_CONTROLLER };

/* Callbacks; any may be NULL.  A callback may call of_session_free() on its own session. */
struct of_session_ops {
	/* Negotiated (controller side: features reply has come, given here; switch side: NULL). */
	void (*up)(struct of_session *s, const struct of_features_reply *features, void *arg);
	/* A message that the session does not answer itself; lives until the callback returns. */
	void (*msg)(struct of_session *s, const struct of_msg *m, void *arg);
	/* A message that was refused; an error has been sent already (unless it was an error
	 * itself). */
	void (*bad)(struct of_session *s, const uint8_t *raw, size_t n, const struct of_err *e,
		    void *arg);
	/*
	 * Lost, or an attempt to connect has failed (it need not have been up).  An active session
	 * tries again by itself unless it is 'once'; that and a passive one are to be freed.
	 */
	void (*down)(struct of_session *s, const char *why, void *arg);
	/* All output that waited for the peer has been written. */
	void (*drained)(struct of_session *s, void *arg);
	/* Every message in and out, whole, for snoop. */
	void (*snoop)(struct of_session *s, bool sent, const uint8_t *raw, size_t n, void *arg);
	/* What one reading of the socket brought has been handed on, every message of it: the time
	 * for what is better done once for many.  What is sent here leaves at once. */
	void (*batch)(struct of_session *s, void *arg);
	/*
	 * Bytes that have come, which begin with a message: how many of them, a number of whole
	 * messages, it has seen to; 0: msg() shall have the first one.  '*n_msgs': how many those
	 * were.  Echoes and hellos are not its own.
	 */
	size_t (*run)(struct of_session *s, const uint8_t *raw, size_t n, unsigned int *n_msgs,
		      void *arg);
};

/* TLS: PEM files.  All NULL: TLS is not to be had on this session. */
struct of_tls {
	const char *private_key, *certificate, *ca_cert;
};

struct of_session_opts {
	enum of_side side;
	const struct of_session_ops *ops;
	void *arg;
	const struct of_tls *tls; /* for ssl: targets; outlives the session */
	double echo_interval;	  /* seconds of silence before an echo request; 0: 5.0 */
	double max_backoff; /* seconds between attempts at most; 0: 8.0; the first waits 0.1 */
	size_t tx_limit; /* bytes that may wait for a slow peer before the session drops; 0: 64 MiB
			  */
	bool once;	 /* active, but does not try again (command line tools) */
	uint8_t auxiliary_id; /* switch side: for the features reply, see of_session_auxiliary_id()
			       */
};

struct of_session_counters {
	uint64_t rx_msgs, rx_bytes;
	uint64_t tx_msgs, tx_bytes;
	uint64_t refused;  /* messages received that could not be decoded */
	uint64_t attempts; /* connections begun */
};

/* Active.  NULL with words in 'e' when the target cannot be parsed. */
struct of_session *of_session_new(struct ev_loop *loop, const char *target,
				  const struct of_session_opts *opts, struct err *e);
/* Closes and frees; NULL is fine.  ops->down is not called. */
void of_session_free(struct of_session *s);

bool of_session_is_up(const struct of_session *s);
/* "tcp:127.0.0.1:6653": the target, or the peer of a passive session. */
const char *of_session_name(const struct of_session *s);
/* Seconds since the session came up, 0 when it is down. */
double of_session_uptime(const struct of_session *s);
const struct of_session_counters *of_session_counters(const struct of_session *s);
/* As given in the options; on the controller's side as the features reply said. */
uint8_t of_session_auxiliary_id(const struct of_session *s);
/* Bytes accepted for sending that the peer has not taken yet. */
size_t of_session_backlog(const struct of_session *s);

/* A fresh transaction id; never 0. */
uint32_t of_session_xid(struct of_session *s);

/*
 * Queues 'body' (of family msg) with 'xid'.  0; -ENOTCONN when the session is not up; -EMSGSIZE,
 * -EINVAL as of_encode(); -ENOBUFS when tx_limit is passed (the session then goes down).
 */
int of_session_send(struct of_session *s, uint32_t xid, const struct of_any *body);
/* The same for bytes that are a whole message already; -EINVAL when their header says otherwise. */
int of_session_send_raw(struct of_session *s, const uint8_t *p, size_t n);
/* An error that answers 'm' (7.4.1: with at least its first 64 bytes). */
int of_session_send_error(struct of_session *s, const struct of_msg *m, uint16_t type,
			  uint16_t code);

/* Ends the connection, as if the peer had: ops->down() is told of 'why', from the loop. */
void of_session_drop(struct of_session *s, const char *why);

/*
 * Within a callback of another session that takes long: echo requests that have come, and stand
 * first, are answered.  Nothing else happens: no callback but snoop() is called.
 */
void of_session_breathe(struct of_session *s);

/* Stops and restarts reading from the peer, for back pressure. */
void of_session_pause(struct of_session *s, bool paused);

/*
 * Listens.  Each connection becomes a session with 'opts' (copied), of which on_new is told before
 * anything is read from it; it may give the session other ops, or free it.  NULL with words in 'e'
 * on failure.  A Unix socket has mode 0600; a stale one is replaced, one that answers is not.
 */
struct of_listener *of_listener_new(struct ev_loop *loop, const char *target,
				    const struct of_session_opts *opts,
				    void (*on_new)(struct of_session *s, void *arg), void *arg,
				    struct err *e);
/* Sessions that were accepted live on; NULL is fine. */
void of_listener_free(struct of_listener *l);
/* The TCP port listened on; 0 for a Unix socket. */
uint16_t of_listener_port(const struct of_listener *l);
/* Gives a passive session, inside or after on_new, its own ops and argument. */
void of_session_set_ops(struct of_session *s, const struct of_session_ops *ops, void *arg);

#endif

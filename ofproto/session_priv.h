/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the session share: its states, its buffers, itself.  For session*.c, listener.c
 * and the fuzzer only.
 *
 * Callbacks may free the session they are called for, so every entry from the loop is framed by
 * session_enter() and session_leave(), which frees late; after each callback 'dead' and the state
 * are looked at again.
 */
#ifndef WEFT_OFPROTO_SESSION_PRIV_H
#define WEFT_OFPROTO_SESSION_PRIV_H

#include "base/arena.h"
#include "ofproto/session.h"
#include "ofproto/stream.h"

/* The states; names and table of handlers follow this list. */
#define SESSION_STATES(X)                                                            \
	X(IDLE)	      /* nothing under way and nothing to come: waits to be freed */ \
	X(BACKOFF)    /* active: waits for the next attempt */                       \
	X(CONNECTING) /* TCP's and TLS's handshakes */                               \
	X(HELLO)      /* ours is sent, the peer's is awaited (6.3.1) */              \
	X(FEATURES)   /* controller: the reply is awaited */                         \
	X(UP)                                                                        \
	X(LINGER) /* last words are on their way out, what comes in is thrown away */

enum session_state {
#define X(name) SESSION_##name,
	SESSION_STATES(X)
#undef X
		SESSION_N_STATES
};

enum {
	SESSION_RX_MIN = 4096,		 /* input buffer at first */
	SESSION_RX_MAX = 65536,		 /* and at most: the longest message and some */
	SESSION_RX_BUDGET = 256,	 /* messages handled before others have their turn, */
	SESSION_RX_MS = 10,		 /* or for so long: some take a walk over all flows */
	SESSION_TX_CHUNK = 65536,	 /* output is queued in pieces of this size */
	SESSION_TX_EAGER = 256 * 1024,	 /* queued since the last write: worth one at once */
	SESSION_TX_BUDGET = 1024 * 1024, /* bytes written before others have their turn */
	SESSION_TX_HIGH = 1024 * 1024,	 /* backlog at which a switch stops reading requests */
	SESSION_TX_LOW = 256 * 1024,	 /* and at which it begins again */
	SESSION_ERROR_DATA = 512, /* bytes of a refused message in the error; 7.4.1: 64 or more */
	SESSION_ARENA = 16 << 20, /* what one message may decode to */
};

/* ---- session_rx.c: bytes in, whole messages out ---- */

struct session_rx {
	uint8_t *p;
	size_t head, tail, room;
	bool full; /* the last read took all there was room for */
};

/* As stream_read(). */
ssize_t session_rx_fill(struct session_rx *rx, struct stream *st, struct err *e);
/*
 * 1 and the next message (valid until the next fill); 0 not whole yet; -EBADMSG: its length is
 * below 8, '*n' is all there is.
 */
int session_rx_next(struct session_rx *rx, const uint8_t **p, size_t *n);
/* Whether session_rx_next() would return other than 0. */
bool session_rx_ready(const struct session_rx *rx);
void session_rx_clear(struct session_rx *rx);
void session_rx_fini(struct session_rx *rx);

/* ---- session_tx.c: messages in, writes out ---- */

struct tx_chunk;

struct session_tx {
	struct tx_chunk *first, *last, *spare;
	size_t bytes; /* in all chunks */
	size_t fresh; /* of them queued since the last flush */
	bool blocked; /* the peer did not take all: wait until it can be written to */
};

/* At least 'need' <= SESSION_TX_CHUNK bytes in one piece, '*avail' of them; NULL: no memory. */
uint8_t *session_tx_room(struct session_tx *tx, size_t need, size_t *avail);
/* The first 'n' bytes of that room are now queued. */
void session_tx_commit(struct session_tx *tx, size_t n);
/* Writes.  0: budget used up or all written; -EAGAIN: blocked; other -errno with words. */
int session_tx_flush(struct session_tx *tx, struct stream *st, struct err *e);
void session_tx_clear(struct session_tx *tx);
void session_tx_fini(struct session_tx *tx);

/* ---- session_hello.c ---- */

/* Whether the versions offered in the peer's hello and ours meet at 1.3; words in 'e' if not. */
bool session_hello_agrees(const uint8_t *p, size_t n, struct err *e);

/* ---- the session ---- */

struct of_session {
	struct ev_loop *loop;
	const struct of_session_ops *ops;
	void *arg;
	struct of_session_opts opts; /* defaults filled in */
	bool passive;
	char name[STREAM_NAME_MAX];

	enum session_state state;
	unsigned int depth; /* callbacks under way */
	bool dead;	    /* freed inside one of them */
	bool failing;	    /* to be lost as soon as no caller is on the stack; 'why' says why */
	bool paused;	    /* by the user */
	bool throttled;	    /* by itself: too much waits for the peer */
	bool waited;	    /* output had to wait: ops->drained is due */
	bool said_bye;	    /* LINGER: shut down for writing */
	char why[256];

	struct stream_target target;
	struct stream_creds *creds;
	struct stream stream;
	struct session_rx rx;
	struct session_tx tx;
	struct arena arena; /* the message being handled */
	struct of_memo memo;

	ev_io io;
	ev_timer timer; /* what it means is the state's */
	ev_idle work; /* runs once per turn of the loop while there is something to write or handle
		       */

	double backoff; /* seconds before the next attempt */
	ev_tstamp up_since, last_rx, last_tx, echo_sent;
	uint32_t next_xid, echo_xid, features_xid;
	bool echo_due; /* our echo request has not been answered */
	uint8_t auxiliary_id;
	struct of_session_counters counters;
};

/* Passive, over an accepted 'fd', which it takes over even when it fails. */
struct of_session *session_new_passive(struct ev_loop *loop, int fd,
				       const struct stream_target *listener,
				       struct stream_creds *creds,
				       const struct of_session_opts *opts, struct err *e);

void session_enter(struct of_session *s);
/* False when the session is gone. */
bool session_leave(struct of_session *s);

/* The one way from state to state. */
void session_go(struct of_session *s, enum session_state to);
/* Closes and goes where a lost session goes; tells ops->down. */
void session_lost(struct of_session *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* To be lost once no caller is on the stack. */
void session_fail(struct of_session *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* To be lost once the peer has had a chance to read what is queued. */
void session_linger(struct of_session *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* The stream's handshakes are to be carried on. */
void session_connecting(struct of_session *s);
/* Gives one received message to the state's handler. */
void session_recv(struct of_session *s, const uint8_t *p, size_t n);
/* Whether the state is one in which bytes are read. */
bool session_reads(const struct of_session *s);

/* session_msg.c: handlers of one received message, a state each. */
void session_recv_hello(struct of_session *s, const uint8_t *p, size_t n);
void session_recv_features(struct of_session *s, const uint8_t *p, size_t n);
void session_recv_up(struct of_session *s, const uint8_t *p, size_t n);
/* The stream is out of step: there is no next message.  'p' is what is left. */
void session_recv_short(struct of_session *s, const uint8_t *p, size_t n);
/* These queue whatever the state; as of_session_send(). */
int session_put(struct of_session *s, uint32_t xid, const struct of_any *body);
int session_put_raw(struct of_session *s, const uint8_t *p, size_t n);

/* session_io.c */
void session_io_init(struct of_session *s);
void session_io_stop(struct of_session *s);
/* Watches the socket for what the session now waits for. */
void session_io_watch(struct of_session *s);
/* Has the work done that waits, in this turn of the loop or the next. */
void session_io_kick(struct of_session *s);
/* Output was queued: sees that it is written, at once when there is much.  Calls nobody back. */
void session_io_queued(struct of_session *s);
/* Reads and handles what has come. */
void session_io_receive(struct of_session *s);

#endif

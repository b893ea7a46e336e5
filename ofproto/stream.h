/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Byte streams under a session: TCP, Unix socket, TLS over TCP; always non-blocking.
 *
 * Hosts are IPv4 addresses, IPv6 addresses in brackets, or "localhost" (127.0.0.1).  Names are not
 * looked up: a resolver would block the event loop.  TLS is mutual: both sides show a certificate
 * of the given CA; the name in the certificate is not compared with the address.
 *
 * Thread: the session's.  A struct stream is the caller's memory; stream_close() ends it.
 */
#ifndef WEFT_OFPROTO_STREAM_H
#define WEFT_OFPROTO_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/err.h"

enum { STREAM_DEFAULT_PORT = 6653, STREAM_NAME_MAX = 128 };

enum stream_kind { STREAM_TCP, STREAM_TLS, STREAM_UNIX };

struct of_tls;
struct gnutls_session_int;

/* Where to connect to or to listen. */
struct stream_target {
	enum stream_kind kind;
	socklen_t len;
	struct sockaddr_storage addr;
	char name[STREAM_NAME_MAX]; /* "tcp:127.0.0.1:6653" */
};

/*
 * Active: tcp:HOST[:PORT], ssl:HOST[:PORT], unix:PATH.  Passive: ptcp:[PORT][:ADDR] and pssl: alike
 * (without an address: all of IPv4), punix:PATH; the 'p' may be left out.  0, or -EINVAL with
 * words.
 */
int stream_target_parse(const char *s, bool passive, struct stream_target *t, struct err *e);

/* Loaded keys and certificates, shared by the streams that use them. */
struct stream_creds;

/* NULL with words in 'e' when something is missing or cannot be read. */
struct stream_creds *stream_creds_new(const struct of_tls *tls, struct err *e);
struct stream_creds *stream_creds_ref(struct stream_creds *c);
void stream_creds_unref(struct stream_creds *c);

struct stream {
	int fd; /* -1: closed */
	enum stream_kind kind;
	bool connecting; /* connect() has not been confirmed yet */
	bool resend;	 /* TLS: a record that was cut into goes first */
	struct gnutls_session_int *tls;
};

#define STREAM_CLOSED ((struct stream){ .fd = -1 })

/* Begins to connect.  0 or -errno with words; then stream_handshake() until it no longer says
 * -EAGAIN. */
int stream_connect(struct stream *st, const struct stream_target *t, struct stream_creds *c,
		   struct err *e);
/* Takes over the accepted 'fd', which is closed on failure too; then stream_handshake(). */
int stream_accept(struct stream *st, int fd, enum stream_kind kind, struct stream_creds *c,
		  struct err *e);
/* 0: connected (TLS: and the peer's certificate verified); -EAGAIN; other -errno with words. */
int stream_handshake(struct stream *st, struct err *e);
/* Which of POLLIN and POLLOUT the handshake waits for. */
short stream_handshake_wants(const struct stream *st);

/* Bytes read, 0 at the end of the stream, -EAGAIN, or another -errno with words. */
ssize_t stream_read(struct stream *st, void *p, size_t n, struct err *e);
/* Bytes written, -EAGAIN, or another -errno with words. */
ssize_t stream_write(struct stream *st, const struct iovec *iov, int n_iov, struct err *e);
/* Whether bytes wait inside (TLS) that poll() does not know of. */
bool stream_pending(const struct stream *st);
/* Says that no more will be written; reading goes on. */
void stream_shutdown(struct stream *st);
void stream_close(struct stream *st);

/* A listening socket, or -errno with words. 't' is updated with the port that was bound. */
int stream_listen(struct stream_target *t, struct err *e);
/* "tcp:10.0.0.1:4711" of an accepted socket; a Unix peer has no name: the listener's. */
void stream_peer_name(int fd, const struct stream_target *listener, char *buf, size_t size);
uint16_t stream_target_port(const struct stream_target *t);

/* ---- stream_tls.c, for stream.c ---- */
int stream_tls_begin(struct stream *st, bool server, struct stream_creds *c, struct err *e);
int stream_tls_handshake(struct stream *st, struct err *e);
short stream_tls_wants(const struct stream *st);
ssize_t stream_tls_read(struct stream *st, void *p, size_t n, struct err *e);
ssize_t stream_tls_write(struct stream *st, const struct iovec *iov, int n_iov, struct err *e);
bool stream_tls_pending(const struct stream *st);
void stream_tls_shutdown(struct stream *st);
void stream_tls_end(struct stream *st);

#endif

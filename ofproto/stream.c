/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets: connecting, listening, reading and writing without ever blocking. */
#include "ofproto/stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Messages are batched by the session already; Nagle would only delay the last one. */
static void set_nodelay(int fd, enum stream_kind kind)
{
	int on = 1;

	if (kind != STREAM_UNIX)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

int stream_connect(struct stream *st, const struct stream_target *t, struct stream_creds *c,
		   struct err *e)
{
	int r;

	*st = STREAM_CLOSED;
	st->fd = socket(t->addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (st->fd < 0)
		return err_set(e, -errno, "socket: %s", strerror(errno));
	st->kind = t->kind;
	set_nodelay(st->fd, t->kind);
	r = connect(st->fd, (const struct sockaddr *)&t->addr, t->len) ? -errno : 0;
	/* A Unix socket whose queue is full says EAGAIN and is not connecting at all. */
	if (r && r != -EINPROGRESS) {
		stream_close(st);
		return err_set(e, r, "connect: %s", strerror(-r));
	}
	st->connecting = r == -EINPROGRESS;
	r = t->kind == STREAM_TLS ? stream_tls_begin(st, false, c, e) : 0;
	if (r)
		stream_close(st);
	return r;
}

int stream_accept(struct stream *st, int fd, enum stream_kind kind, struct stream_creds *c,
		  struct err *e)
{
	int r = 0;

	*st = (struct stream){ .fd = fd, .kind = kind };
	set_nodelay(fd, kind);
	if (kind == STREAM_TLS)
		r = stream_tls_begin(st, true, c, e);
	if (r)
		stream_close(st);
	return r;
}

int stream_handshake(struct stream *st, struct err *e)
{
	if (st->connecting) {
		struct pollfd p = { .fd = st->fd, .events = POLLOUT };
		socklen_t len = sizeof(int);
		int error = 0;

		if (poll(&p, 1, 0) <= 0)
			return -EAGAIN;
		getsockopt(st->fd, SOL_SOCKET, SO_ERROR, &error, &len);
		if (error)
			return err_set(e, -error, "connect: %s", strerror(error));
		st->connecting = false;
	}
	return st->tls ? stream_tls_handshake(st, e) : 0;
}

short stream_handshake_wants(const struct stream *st)
{
	if (st->connecting)
		return POLLOUT;
	return st->tls ? stream_tls_wants(st) : POLLIN;
}

ssize_t stream_read(struct stream *st, void *p, size_t n, struct err *e)
{
	ssize_t r;

	if (st->tls)
		return stream_tls_read(st, p, n, e);
	do
		r = recv(st->fd, p, n, 0);
	while (r < 0 && errno == EINTR);
	if (r >= 0)
		return r;
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		return -EAGAIN;
	return err_set(e, -errno, "read: %s", strerror(errno));
}

ssize_t stream_write(struct stream *st, const struct iovec *iov, int n_iov, struct err *e)
{
	struct msghdr m = { .msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)n_iov };
	ssize_t r;

	if (st->tls)
		return stream_tls_write(st, iov, n_iov, e);
	do
		r = sendmsg(st->fd, &m, MSG_NOSIGNAL);
	while (r < 0 && errno == EINTR);
	if (r >= 0)
		return r;
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		return -EAGAIN;
	return err_set(e, -errno, "write: %s", strerror(errno));
}

bool stream_pending(const struct stream *st)
{
	return st->tls && stream_tls_pending(st);
}

void stream_shutdown(struct stream *st)
{
	if (st->tls)
		stream_tls_shutdown(st);
	shutdown(st->fd, SHUT_WR);
}

void stream_close(struct stream *st)
{
	if (st->tls)
		stream_tls_end(st);
	if (st->fd >= 0)
		close(st->fd);
	*st = STREAM_CLOSED;
}

/* Removes the socket file of a listener that is gone; one that answers is left alone. */
static int remove_stale(const struct stream_target *t, struct err *e)
{
	const char *path = ((const struct sockaddr_un *)&t->addr)->sun_path;
	struct stat sb;
	int fd, r;

	if (lstat(path, &sb))
		return errno == ENOENT ? 0 : err_set(e, -errno, "%s: %s", path, strerror(errno));
	if (!S_ISSOCK(sb.st_mode))
		return err_set(e, -EEXIST, "%s: is there already, and is not a socket", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set(e, -errno, "socket: %s", strerror(errno));
	r = connect(fd, (const struct sockaddr *)&t->addr, t->len) ? errno : 0;
	close(fd);
	/* EAGAIN is a full queue: somebody listens.  Anything but a refusal may be alive. */
	if (r != ECONNREFUSED && r != ENOENT)
		return err_set(e, -EADDRINUSE, "%s: another program listens on it", path);
	if (unlink(path) && errno != ENOENT)
		return err_set(e, -errno, "%s: stale socket: %s", path, strerror(errno));
	return 0;
}

int stream_listen(struct stream_target *t, struct err *e)
{
	int on = 1, r = 0;
	int fd;

	if (t->kind == STREAM_UNIX) {
		r = remove_stale(t, e);
		if (r)
			return r;
	}
	fd = socket(t->addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set(e, -errno, "socket: %s", strerror(errno));
	/* Linux makes the socket file with the socket's own mode: there is no moment at which
	 * others could connect. */
	if (t->kind == STREAM_UNIX)
		r = fchmod(fd, 0600) ? -errno : 0;
	else
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (r || bind(fd, (struct sockaddr *)&t->addr, t->len) || listen(fd, SOMAXCONN) ||
	    (t->kind != STREAM_UNIX && getsockname(fd, (struct sockaddr *)&t->addr, &t->len))) {
		r = -errno;
		close(fd);
		return err_set(e, r, "listen on %s: %s", t->name, strerror(-r));
	}
	return fd;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Listening: each connection that comes becomes a passive session. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "ofproto/session_priv.h"

enum { ACCEPT_BUDGET = 32 };

struct of_listener {
	struct ev_loop *loop;
	struct stream_target target;
	struct stream_creds *creds;
	struct of_session_opts opts;
	void (*on_new)(struct of_session *s, void *arg);
	void *arg;
	ev_io io;
	ev_timer rest; /* after running out of descriptors */
	dev_t dev;     /* of the Unix socket's file, so that only our own is removed */
	ino_t ino;
	unsigned int depth; /* on_new may free the listener */
	bool dead;
};

static void listener_destroy(struct of_listener *l)
{
	stream_creds_unref(l->creds);
	free(l);
}

/* False when there is nothing more to accept now. */
static bool accept_one(struct of_listener *l)
{
	int fd = accept4(l->io.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct of_session *s;
	struct err e;

	if (fd < 0) {
		if (errno == ECONNABORTED || errno == EINTR)
			return true;
		if (errno == EAGAIN || errno == EWOULDBLOCK)
			return false;
		/* Out of descriptors or memory: the connection stays in the queue, and the loop
		 * would spin on it. */
		log_warn("listener", "%s: accept: %s; trying again in a second", l->target.name,
			 strerror(errno));
		ev_io_stop(l->loop, &l->io);
		ev_timer_set(&l->rest, 1.0, 0.0);
		ev_timer_start(l->loop, &l->rest);
		return false;
	}
	s = session_new_passive(l->loop, fd, &l->target, l->creds, &l->opts, &e);
	if (s)
		l->on_new(s, l->arg);
	else
		log_warn("listener", "%s: %s", l->target.name, e.text);
	return !l->dead;
}

static void on_accept(struct ev_loop *loop, ev_io *w, int revents)
{
	struct of_listener *l = w->data;

	l->depth++;
	for (int i = 0; i < ACCEPT_BUDGET; i++)
		if (!accept_one(l))
			break;
	if (!--l->depth && l->dead)
		listener_destroy(l);
}

static void on_rested(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct of_listener *l = w->data;

	ev_io_start(loop, &l->io);
}

static struct of_listener *listener_alloc(struct ev_loop *loop, const struct of_session_opts *opts,
					  void (*on_new)(struct of_session *s, void *arg),
					  void *arg, struct err *e)
{
	struct of_listener *l = calloc(1, sizeof(*l));

	if (!l) {
		err_set(e, -ENOMEM, "out of memory");
		return NULL;
	}
	l->loop = loop;
	l->opts = *opts;
	l->on_new = on_new;
	l->arg = arg;
	ev_init(&l->io, on_accept);
	ev_init(&l->rest, on_rested);
	l->io.data = l->rest.data = l;
	return l;
}

static const char *unix_path(const struct of_listener *l)
{
	return ((const struct sockaddr_un *)&l->target.addr)->sun_path;
}

struct of_listener *of_listener_new(struct ev_loop *loop, const char *target,
				    const struct of_session_opts *opts,
				    void (*on_new)(struct of_session *s, void *arg), void *arg,
				    struct err *e)
{
	struct of_listener *l = listener_alloc(loop, opts, on_new, arg, e);
	struct stat sb;
	int fd;

	if (!l)
		return NULL;
	if (stream_target_parse(target, true, &l->target, e))
		goto bad;
	if (l->target.kind == STREAM_TLS) {
		l->creds = stream_creds_new(opts->tls, e);
		if (!l->creds) {
			err_wrap(e, 0, "%s", target);
			goto bad;
		}
	}
	fd = stream_listen(&l->target, e);
	if (fd < 0)
		goto bad;
	if (l->target.kind == STREAM_UNIX && !lstat(unix_path(l), &sb)) {
		l->dev = sb.st_dev;
		l->ino = sb.st_ino;
	}
	ev_io_set(&l->io, fd, EV_READ);
	ev_io_start(loop, &l->io);
	return l;
bad:
	listener_destroy(l);
	return NULL;
}

void of_listener_free(struct of_listener *l)
{
	struct stat sb;

	if (!l || l->dead)
		return;
	ev_io_stop(l->loop, &l->io);
	ev_timer_stop(l->loop, &l->rest);
	/* Somebody may have replaced the file meanwhile: theirs stays. */
	if (l->target.kind == STREAM_UNIX && !lstat(unix_path(l), &sb) && sb.st_dev == l->dev &&
	    sb.st_ino == l->ino)
		unlink(unix_path(l));
	close(l->io.fd);
	l->dead = true;
	if (!l->depth)
		listener_destroy(l);
}

uint16_t of_listener_port(const struct of_listener *l)
{
	return stream_target_port(&l->target);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The session's life: its states, its timers, its public face. */
#include "ofproto/session.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/byteorder.h"
#include "base/log.h"
#include "ofproto/session_priv.h"

static const double first_backoff = 0.1;
static const double linger_time = 1.0;
/* Echo intervals of silence after which a peer is given up, in every state. */
static const double patience = 3.0;

static const struct of_session_ops no_ops;

/* ---- states ---- */

static void set_timer(struct of_session *s, double seconds)
{
	ev_timer_stop(s->loop, &s->timer);
	ev_timer_set(&s->timer, seconds, 0.0);
	ev_timer_start(s->loop, &s->timer);
}

/* 0.75 to 1.25, so that many switches do not come back in the same instant. */
static double jitter(void)
{
	uint16_t r = 0;

	if (getrandom(&r, sizeof(r), GRND_NONBLOCK) != sizeof(r))
		r = 1 << 15;
	return 0.75 + 0.5 * r / 65535.0;
}

static void enter_backoff(struct of_session *s)
{
	double wait = s->backoff * jitter();

	set_timer(s, s->counters.attempts ? wait : 0.0);
	if (s->counters.attempts)
		s->backoff *= 2;
	if (s->backoff > s->opts.max_backoff)
		s->backoff = s->opts.max_backoff;
}

static void tick_backoff(struct of_session *s)
{
	session_go(s, SESSION_CONNECTING);
}

static void enter_connecting(struct of_session *s)
{
	struct err e;

	set_timer(s, patience * s->opts.echo_interval);
	s->counters.attempts++;
	if (!s->passive && stream_connect(&s->stream, &s->target, s->creds, &e))
		session_lost(s, "%s", e.text);
	else
		session_io_kick(s); /* Unix sockets are connected at once */
}

static void tick_connecting(struct of_session *s)
{
	session_lost(s, "no connection within %g s", patience * s->opts.echo_interval);
}

void session_connecting(struct of_session *s)
{
	struct err e;
	int r = stream_handshake(&s->stream, &e);

	if (!r)
		session_go(s, SESSION_HELLO);
	else if (r != -EAGAIN)
		session_lost(s, "%s", e.text);
}

static void enter_hello(struct of_session *s)
{
	uint32_t versions = 1u << OF_VERSION_13;
	struct of_hello_elem_versionbitmap bitmap = {
		.kind = OF_KIND_hello_elem_versionbitmap,
		.bitmaps = { .n = 1, .v = &versions },
	};
	struct of_any *elems[] = { (struct of_any *)&bitmap };
	struct of_hello hello = { .kind = OF_KIND_hello, .elements = { .n = 1, .v = elems } };

	set_timer(s, patience * s->opts.echo_interval);
	s->last_rx = ev_now(s->loop);
	if (session_put(s, of_session_xid(s), (struct of_any *)&hello) == -ENOMEM)
		session_fail(s, "out of memory");
}

static void tick_hello(struct of_session *s)
{
	session_lost(s, "no hello within %g s", patience * s->opts.echo_interval);
}

static void enter_features(struct of_session *s)
{
	const struct of_features_request request = { .kind = OF_KIND_features_request };

	set_timer(s, patience * s->opts.echo_interval);
	s->features_xid = of_session_xid(s);
	if (session_put(s, s->features_xid, (const struct of_any *)&request) == -ENOMEM)
		session_fail(s, "out of memory");
}

static void tick_features(struct of_session *s)
{
	session_lost(s, "no features reply within %g s", patience * s->opts.echo_interval);
}

static void enter_up(struct of_session *s)
{
	s->up_since = ev_now(s->loop);
	s->echo_sent = 0;
	set_timer(s, s->opts.echo_interval);
}

static void ask_for_life(struct of_session *s, ev_tstamp now)
{
	const struct of_echo_request echo = { .kind = OF_KIND_echo_request };

	if (!s->echo_xid)
		s->echo_xid = of_session_xid(s);
	s->echo_sent = now;
	session_put(s, s->echo_xid, (const struct of_any *)&echo);
}

/* The last sign of life.  A peer that we do not listen to shows it by taking what we send. */
static ev_tstamp last_sign(const struct of_session *s)
{
	return s->throttled && s->last_tx > s->last_rx ? s->last_tx : s->last_rx;
}

static void tick_up(struct of_session *s)
{
	const double interval = s->opts.echo_interval, slack = 0.01 * interval;
	ev_tstamp now = ev_now(s->loop), silent = now - last_sign(s);

	if (s->paused || silent < interval - slack) {
		set_timer(s, s->paused ? interval : interval - silent);
		return;
	}
	set_timer(s, interval);
	if (silent >= patience * interval - slack && (s->throttled || s->echo_sent > s->last_rx)) {
		/* Perhaps it was this program that stood still: what has come meanwhile counts. */
		if (!s->throttled)
			session_io_receive(s);
		if (!s->dead && s->state == SESSION_UP && now - last_sign(s) >= interval)
			session_lost(s, "no sign of life for %.1f s", silent);
		return;
	}
	if (!s->throttled)
		ask_for_life(s, now);
}

static void enter_linger(struct of_session *s)
{
	set_timer(s, linger_time);
	session_io_kick(s);
}

static void tick_linger(struct of_session *s)
{
	session_lost(s, "%s", s->why);
}

static const char *const names[] = {
#define X(name) #name,
	SESSION_STATES(X)
#undef X
};

static const struct {
	void (*enter)(struct of_session *s);
	void (*tick)(struct of_session *s); /* the state's timer has run out */
	void (*recv)(struct of_session *s, const uint8_t *p, size_t n);
} handlers[SESSION_N_STATES] = {
	[SESSION_IDLE] = { NULL, NULL, NULL },
	[SESSION_BACKOFF] = { enter_backoff, tick_backoff, NULL },
	[SESSION_CONNECTING] = { enter_connecting, tick_connecting, NULL },
	[SESSION_HELLO] = { enter_hello, tick_hello, session_recv_hello },
	[SESSION_FEATURES] = { enter_features, tick_features, session_recv_features },
	[SESSION_UP] = { enter_up, tick_up, session_recv_up },
	[SESSION_LINGER] = { enter_linger, tick_linger, NULL },
};

void session_go(struct of_session *s, enum session_state to)
{
	log_dbg("session", "%s: %s -> %s", s->name, names[s->state], names[to]);
	ev_timer_stop(s->loop, &s->timer);
	s->state = to;
	if (handlers[to].enter)
		handlers[to].enter(s);
}

void session_recv(struct of_session *s, const uint8_t *p, size_t n)
{
	handlers[s->state].recv(s, p, n);
}

bool session_reads(const struct of_session *s)
{
	return handlers[s->state].recv || s->state == SESSION_LINGER;
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct of_session *s = w->data;

	session_enter(s);
	if (handlers[s->state].tick)
		handlers[s->state].tick(s);
	session_leave(s);
}

/* ---- ends ---- */

static void disconnect(struct of_session *s)
{
	session_io_stop(s);
	stream_close(&s->stream);
	session_rx_clear(&s->rx);
	session_tx_clear(&s->tx);
	s->failing = s->paused = s->throttled = s->waited = s->said_bye = false;
	s->echo_xid = 0;
}

void session_lost(struct of_session *s, const char *fmt, ...)
{
	char why[sizeof(s->why)];
	va_list ap;

	/* The first reason is the true one. */
	if (s->failing || s->state == SESSION_LINGER) {
		memcpy(why, s->why, sizeof(why));
	} else {
		va_start(ap, fmt);
		vsnprintf(why, sizeof(why), fmt, ap);
		va_end(ap);
	}
	/* A peer that drops us as soon as we are up is not to be asked ten times a second. */
	if (of_session_uptime(s) >= 1.0)
		s->backoff = first_backoff;
	disconnect(s);
	session_go(s, s->passive || s->opts.once ? SESSION_IDLE : SESSION_BACKOFF);
	if (s->ops->down)
		s->ops->down(s, why, s->arg);
}

void session_fail(struct of_session *s, const char *fmt, ...)
{
	va_list ap;

	if (s->failing)
		return;
	va_start(ap, fmt);
	vsnprintf(s->why, sizeof(s->why), fmt, ap);
	va_end(ap);
	s->failing = true;
	session_io_kick(s);
}

void session_linger(struct of_session *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s->why, sizeof(s->why), fmt, ap);
	va_end(ap);
	session_rx_clear(&s->rx);
	session_go(s, SESSION_LINGER);
}

static void destroy(struct of_session *s)
{
	session_rx_fini(&s->rx);
	session_tx_fini(&s->tx);
	arena_fini(&s->arena);
	of_memo_fini(&s->memo);
	stream_creds_unref(s->creds);
	free(s);
}

void session_enter(struct of_session *s)
{
	s->depth++;
}

bool session_leave(struct of_session *s)
{
	bool alive = !s->dead;

	if (--s->depth)
		return alive;
	if (alive)
		session_io_watch(s);
	else
		destroy(s);
	return alive;
}

void of_session_free(struct of_session *s)
{
	struct err e;

	if (!s || s->dead)
		return;
	/* Last words, such as the error that is the reason for leaving: one try. */
	if (session_reads(s) && !s->failing && !s->tx.blocked && s->tx.bytes)
		session_tx_flush(&s->tx, &s->stream, &e);
	/* TLS: or the peer would have to think that somebody cut the line. */
	if (session_reads(s) && !s->failing && !s->tx.bytes)
		stream_shutdown(&s->stream);
	s->dead = true;
	s->ops = &no_ops;
	s->state = SESSION_IDLE;
	ev_timer_stop(s->loop, &s->timer);
	disconnect(s);
	if (!s->depth)
		destroy(s);
}

/* ---- beginnings ---- */

static struct of_session *session_alloc(struct ev_loop *loop, const struct of_session_opts *opts,
					struct err *e)
{
	struct of_session *s = calloc(1, sizeof(*s));

	if (!s) {
		err_set(e, -ENOMEM, "out of memory");
		return NULL;
	}
	s->loop = loop;
	s->opts = *opts;
	s->ops = opts->ops ? opts->ops : &no_ops;
	s->arg = opts->arg;
	s->auxiliary_id = opts->auxiliary_id;
	if (!s->opts.echo_interval)
		s->opts.echo_interval = 5.0;
	if (!s->opts.max_backoff)
		s->opts.max_backoff = 8.0;
	if (!s->opts.tx_limit)
		s->opts.tx_limit = 64u << 20;
	s->backoff = first_backoff;
	s->stream = STREAM_CLOSED;
	arena_init(&s->arena, SESSION_ARENA);
	session_io_init(s);
	ev_init(&s->timer, on_timer);
	s->timer.data = s;
	return s;
}

struct of_session *of_session_new(struct ev_loop *loop, const char *target,
				  const struct of_session_opts *opts, struct err *e)
{
	struct stream_creds *creds = NULL;
	struct stream_target t;
	struct of_session *s;

	if (stream_target_parse(target, false, &t, e))
		return NULL;
	if (t.kind == STREAM_TLS) {
		creds = stream_creds_new(opts->tls, e);
		if (!creds) {
			err_wrap(e, 0, "%s", target);
			return NULL;
		}
	}
	s = session_alloc(loop, opts, e);
	if (!s) {
		stream_creds_unref(creds);
		return NULL;
	}
	s->target = t;
	s->creds = creds;
	memcpy(s->name, t.name, sizeof(s->name));
	session_go(s, SESSION_BACKOFF); /* for no time at all: callbacks come from the loop only */
	return s;
}

struct of_session *session_new_passive(struct ev_loop *loop, int fd,
				       const struct stream_target *listener,
				       struct stream_creds *creds,
				       const struct of_session_opts *opts, struct err *e)
{
	struct of_session *s = session_alloc(loop, opts, e);

	if (!s) {
		stream_close(&(struct stream){ .fd = fd });
		return NULL;
	}
	s->passive = true;
	stream_peer_name(fd, listener, s->name, sizeof(s->name));
	if (stream_accept(&s->stream, fd, listener->kind, creds, e)) {
		destroy(s);
		return NULL;
	}
	s->creds = stream_creds_ref(creds);
	session_go(s, SESSION_CONNECTING);
	return s;
}

/* ---- the public face ---- */

bool of_session_is_up(const struct of_session *s)
{
	return s->state == SESSION_UP && !s->failing;
}

const char *of_session_name(const struct of_session *s)
{
	return s->name;
}

double of_session_uptime(const struct of_session *s)
{
	return s->state == SESSION_UP ? ev_now(s->loop) - s->up_since : 0.0;
}

const struct of_session_counters *of_session_counters(const struct of_session *s)
{
	return &s->counters;
}

uint8_t of_session_auxiliary_id(const struct of_session *s)
{
	return s->auxiliary_id;
}

size_t of_session_backlog(const struct of_session *s)
{
	return s->tx.bytes;
}

uint32_t of_session_xid(struct of_session *s)
{
	if (!++s->next_xid)
		s->next_xid = 1;
	return s->next_xid;
}

int of_session_send(struct of_session *s, uint32_t xid, const struct of_any *body)
{
	return of_session_is_up(s) ? session_put(s, xid, body) : -ENOTCONN;
}

int of_session_send_raw(struct of_session *s, const uint8_t *p, size_t n)
{
	if (n < OF_HEADER_LEN || n > OF_MSG_MAX || get_be16(p + 2) != n)
		return -EINVAL;
	return of_session_is_up(s) ? session_put_raw(s, p, n) : -ENOTCONN;
}

void of_session_drop(struct of_session *s, const char *why)
{
	if (!s->dead && session_reads(s))
		session_fail(s, "%s", why);
}

void of_session_pause(struct of_session *s, bool paused)
{
	if (s->paused == paused || s->dead)
		return;
	s->paused = paused;
	if (!paused) {
		s->last_rx = ev_now(s->loop); /* it was us who did not listen */
		if (session_reads(s))
			session_io_kick(s);
	}
	session_io_watch(s);
}

void of_session_set_ops(struct of_session *s, const struct of_session_ops *ops, void *arg)
{
	if (s->dead)
		return;
	s->ops = ops ? ops : &no_ops;
	s->arg = arg;
}

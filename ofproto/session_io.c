/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The session and the event loop.  Reading is bounded per turn, so that a flooding peer does not
 * keep others waiting.  What is queued is written together: answers behind the last message that
 * was read, what others queue at the next turn.
 */
#include "ofproto/session_priv.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#include "base/byteorder.h"

/* What the peer said before it went often tells why: it is read before the write error is believed.
 */
static void write_failed(struct of_session *s, const struct err *e)
{
	for (int i = 0; i < 16 && session_reads(s) && !s->paused && !s->dead; i++)
		session_io_receive(s);
	if (!s->dead && session_reads(s))
		session_lost(s, "%s", e->text);
}

/* What follows from output having shrunk. */
static void flushed(struct of_session *s)
{
	if (s->throttled && s->tx.bytes < SESSION_TX_LOW) {
		s->throttled = false;
		session_io_kick(s);
	}
	if (s->tx.bytes) {
		if (!s->tx.blocked)
			session_io_kick(s);
		return;
	}
	if (s->state == SESSION_LINGER && !s->said_bye) {
		s->said_bye = true;
		stream_shutdown(&s->stream);
	}
	if (s->waited) {
		s->waited = false;
		if (s->ops->drained && s->state == SESSION_UP)
			s->ops->drained(s, s->arg);
	}
}

static int flush(struct of_session *s, struct err *e)
{
	size_t before = s->tx.bytes;
	int r = session_tx_flush(&s->tx, &s->stream, e);

	s->counters.tx_bytes += before - s->tx.bytes;
	if (s->tx.bytes != before)
		s->last_tx = ev_now(s->loop);
	s->waited |= s->tx.blocked;
	return r == -EAGAIN ? 0 : r;
}

static void write_out(struct of_session *s)
{
	struct err e = { "" };

	if (flush(s, &e))
		write_failed(s, &e);
	else
		flushed(s);
}

void session_io_queued(struct of_session *s)
{
	struct err e = { "" };

	if (!s->tx.blocked && (s->tx.fresh >= SESSION_TX_EAGER || s->tx.bytes > s->opts.tx_limit) &&
	    flush(s, &e))
		session_fail(s, "%s", e.text);
	if (s->tx.blocked)
		session_io_watch(s);
	else if (s->tx.bytes)
		session_io_kick(s);
}

/* Whether the next message may be handled now. */
static bool may_take(struct of_session *s)
{
	if (s->opts.side == OF_SWITCH && s->tx.bytes > SESSION_TX_HIGH)
		s->throttled = true;
	return session_reads(s) && !s->dead && !s->failing && !s->paused && !s->throttled;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Messages that the user takes many at once.  How many it took. */
static unsigned int hand_run(struct of_session *s)
{
	unsigned int n_msgs = 0;
	size_t n;

	if (s->state != SESSION_UP || !s->ops->run || !session_rx_ready(&s->rx))
		return 0;
	n = s->ops->run(s, s->rx.p + s->rx.head, s->rx.tail - s->rx.head, &n_msgs, s->arg);
	s->rx.head += n;
	s->counters.rx_msgs += n_msgs;
	return n_msgs;
}

static void hand_on(struct of_session *s)
{
	const int64_t until = now_ms() + SESSION_RX_MS;
	const uint8_t *p;
	size_t n;

	for (unsigned int i = 0; i < SESSION_RX_BUDGET && now_ms() <= until; i++) {
		unsigned int taken;
		int r;

		if (!may_take(s))
			return;
		taken = hand_run(s);
		if (taken) {
			i += taken - 1;
			continue;
		}
		r = session_rx_next(&s->rx, &p, &n);
		if (!r)
			break;
		if (r < 0) {
			session_recv_short(s, p, n);
			return;
		}
		s->counters.rx_msgs++;
		if (s->ops->snoop)
			s->ops->snoop(s, false, p, n, s->arg);
		if (may_take(s))
			session_recv(s, p, n);
	}
	if (may_take(s) && (session_rx_ready(&s->rx) || stream_pending(&s->stream)))
		session_io_kick(s);
}

static void dispatch(struct of_session *s)
{
	hand_on(s);
	if (s->state == SESSION_UP && !s->dead && !s->failing && s->ops->batch)
		s->ops->batch(s, s->arg);
}

void session_io_receive(struct of_session *s)
{
	struct err e = { "" };
	ssize_t n;

	if (!session_rx_ready(&s->rx)) {
		n = session_rx_fill(&s->rx, &s->stream, &e);
		if (n == -EAGAIN)
			return;
		if (n < 0) {
			session_lost(s, "%s", e.text);
			return;
		}
		if (!n) {
			session_lost(s, s->rx.tail > s->rx.head
						? "closed by the peer in the middle of a message"
						: "closed by the peer");
			return;
		}
		s->last_rx = ev_now(s->loop);
		s->counters.rx_bytes += (size_t)n;
	}
	if (s->state == SESSION_LINGER)
		session_rx_clear(&s->rx);
	else
		dispatch(s);
}

/* Answers do not wait for the next turn; and if that was all there is no work for it either. */
static void answer(struct of_session *s)
{
	if (s->state != SESSION_UP || s->dead || s->failing || s->tx.blocked)
		return;
	if (s->tx.bytes)
		write_out(s);
	if (s->state == SESSION_UP && !s->dead && !s->failing && !s->tx.bytes &&
	    !session_rx_ready(&s->rx) && !stream_pending(&s->stream))
		ev_idle_stop(s->loop, &s->work);
}

/* The next message, if it is an echo request. */
static bool next_is_echo(const struct session_rx *rx)
{
	const uint8_t *p = rx->p + rx->head;

	return session_rx_ready(rx) && get_be16(p + 2) >= OF_HEADER_LEN && p[0] == OF_VERSION_13 &&
	       p[1] == OFPT_ECHO_REQUEST;
}

void of_session_breathe(struct of_session *s)
{
	struct err e = { "" };

	if (s->state != SESSION_UP || s->depth || s->tx.bytes || !may_take(s))
		return;
	session_enter(s);
	/* What has gone wrong is found again when it has its turn. */
	if (!session_rx_ready(&s->rx) && session_rx_fill(&s->rx, &s->stream, &e) > 0)
		s->last_rx = ev_now(s->loop);
	while (may_take(s) && next_is_echo(&s->rx)) {
		const uint8_t *p;
		size_t n;

		session_rx_next(&s->rx, &p, &n);
		s->counters.rx_msgs++;
		if (s->ops->snoop)
			s->ops->snoop(s, false, p, n, s->arg);
		session_recv(s, p, n);
	}
	if (s->tx.bytes && !s->failing && flush(s, &e))
		session_fail(s, "%s", e.text);
	if ((s->tx.bytes && !s->tx.blocked) || session_rx_ready(&s->rx) ||
	    stream_pending(&s->stream))
		session_io_kick(s);
	session_leave(s);
}

static void on_io(struct ev_loop *loop, ev_io *w, int revents)
{
	struct of_session *s = w->data;

	session_enter(s);
	if (s->state == SESSION_CONNECTING) {
		session_connecting(s);
	} else {
		if (revents & EV_WRITE && session_reads(s))
			write_out(s);
		if (revents & EV_READ && session_reads(s) && !s->paused && !s->throttled)
			session_io_receive(s);
		answer(s);
	}
	session_leave(s);
}

static void on_work(struct ev_loop *loop, ev_idle *w, int revents)
{
	struct of_session *s = w->data;

	session_enter(s);
	ev_idle_stop(loop, w);
	if (s->failing) {
		session_lost(s, "%s", s->why);
	} else if (s->state == SESSION_CONNECTING) {
		session_connecting(s);
	} else {
		if (session_reads(s) && !s->tx.blocked &&
		    (s->tx.bytes || s->state == SESSION_LINGER))
			write_out(s);
		if (may_take(s) && (session_rx_ready(&s->rx) || stream_pending(&s->stream)))
			session_io_receive(s);
		answer(s);
	}
	session_leave(s);
}

void session_io_init(struct of_session *s)
{
	ev_init(&s->io, on_io);
	ev_idle_init(&s->work, on_work);
	/* Of the highest priority: then it runs in every turn, not only in idle ones, and the loop
	 * does not sleep while there is work. */
	ev_set_priority(&s->work, EV_MAXPRI);
	s->io.data = s->work.data = s;
}

void session_io_stop(struct of_session *s)
{
	ev_io_stop(s->loop, &s->io);
	ev_idle_stop(s->loop, &s->work);
}

void session_io_kick(struct of_session *s)
{
	if (!ev_is_active(&s->work))
		ev_idle_start(s->loop, &s->work);
}

static int wanted_events(const struct of_session *s)
{
	int events = 0;

	if (s->state == SESSION_CONNECTING) {
		short wants = stream_handshake_wants(&s->stream);

		return (wants & POLLIN ? EV_READ : 0) | (wants & POLLOUT ? EV_WRITE : 0);
	}
	if (!session_reads(s))
		return 0;
	/* While messages wait in the buffer the socket is left alone: on_work() brings them on. */
	if (!s->paused && !s->throttled && !session_rx_ready(&s->rx))
		events |= EV_READ;
	if (s->tx.blocked)
		events |= EV_WRITE;
	return events;
}

void session_io_watch(struct of_session *s)
{
	int events = s->dead || s->stream.fd < 0 ? 0 : wanted_events(s);

	if (ev_is_active(&s->io) ? events == (s->io.events & (EV_READ | EV_WRITE)) : !events)
		return;
	ev_io_stop(s->loop, &s->io);
	if (!events)
		return;
	ev_io_set(&s->io, s->stream.fd, events);
	ev_io_start(s->loop, &s->io);
}

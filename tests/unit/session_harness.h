/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the session tests share: a loop with a deadline, a session whose callbacks are counted, and
 * a peer that is only a socket, so that it can say what no session of ours would.
 */
#ifndef TESTS_SESSION_HARNESS_H
#define TESTS_SESSION_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/byteorder.h"
#include "ofproto/session.h"

/* One session and what it has told. */
struct seen {
	struct of_session *s;
	int ups, downs, msgs, bads, drained, snoops;
	char why[256];
	uint64_t dpid; /* of the features reply */
	enum of_kind last_kind;
	uint32_t last_xid;
	uint16_t bad_type, bad_code;
	bool answer_features; /* as a switch's agent would */
	bool free_on_up, free_on_msg, free_on_down, free_on_bad, free_on_snoop;
};

static struct ev_loop *loop;

static inline void seen_free(struct seen *v)
{
	of_session_free(v->s);
	v->s = NULL;
}

static inline void on_up(struct of_session *s, const struct of_features_reply *f, void *arg)
{
	struct seen *v = arg;

	v->s = s;
	v->ups++;
	if (f)
		v->dpid = f->datapath_id;
	if (v->free_on_up)
		seen_free(v);
}

static inline void on_msg(struct of_session *s, const struct of_msg *m, void *arg)
{
	struct seen *v = arg;

	if (v->answer_features && m->type == OFPT_FEATURES_REQUEST) {
		struct of_features_reply f = { .kind = OF_KIND_features_reply,
					       .datapath_id = 0xabc,
					       .n_tables = 254,
					       .auxiliary_id = of_session_auxiliary_id(s) };

		assert_int_equal(of_session_send(s, m->xid, (struct of_any *)&f), 0);
		return;
	}
	v->msgs++;
	v->last_kind = m->body->kind;
	v->last_xid = m->xid;
	if (v->free_on_msg)
		seen_free(v);
}

static inline void on_bad(struct of_session *s, const uint8_t *raw, size_t n,
			  const struct of_err *e, void *arg)
{
	struct seen *v = arg;

	v->bads++;
	v->bad_type = e->type;
	v->bad_code = e->code;
	if (v->free_on_bad)
		seen_free(v);
}

static inline void on_down(struct of_session *s, const char *why, void *arg)
{
	struct seen *v = arg;

	v->downs++;
	snprintf(v->why, sizeof(v->why), "%s", why);
	if (v->free_on_down)
		seen_free(v);
}

static inline void on_drained(struct of_session *s, void *arg)
{
	((struct seen *)arg)->drained++;
}

static inline void on_snoop(struct of_session *s, bool sent, const uint8_t *raw, size_t n,
			    void *arg)
{
	struct seen *v = arg;

	assert_int_equal(get_be16(raw + 2), n);
	v->snoops++;
	if (v->free_on_snoop)
		seen_free(v);
}

static const struct of_session_ops seen_ops = {
	on_up, on_msg, on_bad, on_down, on_drained, on_snoop
};

/* Passive sessions go into the 'struct seen' that the listener was given. */
static inline void on_new(struct of_session *s, void *arg)
{
	struct seen *v = arg;

	of_session_free(v->s);
	v->s = s;
	of_session_set_ops(s, &seen_ops, v);
}

static inline void on_tick(struct ev_loop *l, ev_timer *w, int revents)
{
}

/*
 * Turns the loop until the condition holds; false when 'seconds' have passed first.  The condition
 * may wait for what the loop does not watch (a raw socket), so it is looked at every few ms.
 */
#define RUN_UNTIL(cond, seconds)                             \
	({                                                   \
		ev_tstamp end_ = ev_time() + (seconds);      \
		bool met_;                                   \
		ev_timer t_;                                 \
		ev_now_update(loop);                         \
		ev_timer_init(&t_, on_tick, 0.005, 0.005);   \
		ev_timer_start(loop, &t_);                   \
		while (!(met_ = (cond)) && ev_time() < end_) \
			ev_run(loop, EVRUN_ONCE);            \
		ev_timer_stop(loop, &t_);                    \
		met_;                                        \
	})
#define RUN_FOR(seconds) ((void)RUN_UNTIL(false, seconds))

static inline struct of_session_opts seen_opts(enum of_side side, struct seen *v)
{
	return (struct of_session_opts){ .side = side, .ops = &seen_ops, .arg = v };
}

/* ---- a peer that is only a socket ---- */

static inline int raw_connect(uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static inline void raw_send(int fd, const void *p, size_t n)
{
	assert_int_equal(send(fd, p, n, MSG_NOSIGNAL), n);
}

/* Sends a header of these values with 'n' more bytes. */
static inline void raw_msg(int fd, uint8_t version, uint8_t type, uint32_t xid, const void *body,
			   size_t n)
{
	uint8_t p[2048] = { version, type };

	put_be16(p + 2, (uint16_t)(8 + n));
	put_be32(p + 4, xid);
	if (n)
		memcpy(p + 8, body, n);
	raw_send(fd, p, 8 + n);
}

/* The next whole message, turning the loop meanwhile; its length, 0 at the end, -1 when none comes.
 */
static inline int raw_recv(int fd, uint8_t *p, double seconds)
{
	size_t have = 0, want = 8;
	ssize_t r = -1;
	bool end = false;

	if (!RUN_UNTIL(({
			       while (have < want && (r = recv(fd, p + have, want - have, 0)) > 0) {
				       have += (size_t)r;
				       if (have == 8)
					       want = get_be16(p + 2);
			       }
			       end = r == 0 || (r < 0 && errno != EAGAIN);
			       end || have == want;
		       }),
		       seconds))
		return -1;
	return end && have < want ? 0 : (int)have;
}

/* The next message that is no echo request of the session's own. */
static inline int raw_recv_type(int fd, uint8_t *p, uint8_t type, double seconds)
{
	int n;

	do
		n = raw_recv(fd, p, seconds);
	while (n > 0 && p[1] != type);
	return n;
}

/* A directory of the test's own, "/tmp/weft-WHAT-PID". */
static inline void make_dir(char *dir, size_t size, const char *what)
{
	snprintf(dir, size, "/tmp/weft-%s-%d", what, (int)getpid());
	assert_int_equal(mkdir(dir, 0700), 0);
}

static inline int harness_setup(void **state)
{
	loop = ev_loop_new(EVFLAG_AUTO);
	return !loop;
}

static inline int harness_teardown(void **state)
{
	ev_loop_destroy(loop);
	return 0;
}

#endif

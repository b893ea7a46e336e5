/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The topology of session_hello.c and session_peer.c:
 *
 *     socket  ---- 127.0.0.1 ----  listener + passive session (switch or controller side)
 */
#ifndef TESTS_SESSION_RAW_H
#define TESTS_SESSION_RAW_H

#include "session_harness.h"

static struct seen seen;
static struct of_listener *listener;
static int fd;

static inline void begin_opts(const struct of_session_opts *o)
{
	struct err e;

	listener = of_listener_new(loop, "ptcp:0:127.0.0.1", o, on_new, &seen, &e);
	if (!listener)
		fail_msg("%s", e.text);
	fd = raw_connect(of_listener_port(listener));
}

static inline void begin(enum of_side side)
{
	struct of_session_opts o;

	seen = (struct seen){ 0 };
	o = seen_opts(side, &seen);
	o.echo_interval = 0.2;
	begin_opts(&o);
}

static inline int end(void **state)
{
	seen_free(&seen);
	of_listener_free(listener);
	listener = NULL;
	close(fd);
	return harness_teardown(state);
}

static const uint8_t hello[] = { 4, 0, 0, 8, 0, 0, 0, 1 };

/* Hello both ways; the switch side is up then. */
static inline void shake_hands(void)
{
	uint8_t p[64];

	assert_int_equal(raw_recv(fd, p, 20), 16);
	raw_send(fd, hello, sizeof(hello));
	assert_true(RUN_UNTIL(seen.ups == 1, 20));
}

#define T(f) cmocka_unit_test_setup_teardown(f, harness_setup, end)

#endif

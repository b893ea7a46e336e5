/* SPDX-License-Identifier: Apache-2.0 */
/* Spec: 6.3.1 Connection setup */
/* Spec: 7.5.1 Hello */
/*
 * How a session comes up, or does not, against a peer that is only a socket (session_raw.h).  What
 * is sent is written out byte by byte; what must come back is said next to it.
 */
#include "session_raw.h"

static void hello_carries_the_bitmap(void **state)
{
	uint8_t p[64];
	const uint8_t want[] = { 4, 0, 0, 16, 0, 0, 0, 1, 0, 1, 0, 8, 0, 0, 0, 0x10 };

	begin(OF_SWITCH);
	assert_int_equal(raw_recv(fd, p, 20), 16);
	assert_memory_equal(p, want, sizeof(want));
}

/* 6.3.1: by bitmap when there is one, else the lower version. */
static void versions_are_negotiated(void **state)
{
	static const struct {
		uint8_t n, p[40];
		bool agrees;
	} cases[] = {
		{ 8, { 4, 0, 0, 8 }, true },
		{ 8, { 6, 0, 0, 8 }, true },
		{ 8, { 1, 0, 0, 8 }, false },
		{ 8, { 3, 0, 0, 8 }, false },
		{ 8, { 0, 0, 0, 8 }, false },
		{ 16, { 6, 0, 0, 16, 0, 0, 0, 9, 0, 1, 0, 8, 0, 0, 0, 0x72 }, true },
		{ 16, { 6, 0, 0, 16, 0, 0, 0, 9, 0, 1, 0, 8, 0, 0, 0, 0x62 }, false },
		{ 16, { 1, 0, 0, 16, 0, 0, 0, 9, 0, 1, 0, 8, 0, 0, 0, 0x12 }, true },
		{ 16, { 4, 0, 0, 16, 0, 0, 0, 9, 0, 1, 0, 8, 0, 0, 0, 0x02 }, false },
		/* An element of another kind first, padded to 8. */
		{ 24,
		  { 1, 0, 0, 24, 0, 0, 0, 9, 0, 9, 0, 5, 7, 0, 0, 0, 0, 1, 0, 8, 0, 0, 0, 0x10 },
		  true },
		/* Elements out of step: as if there were none. */
		{ 16, { 4, 0, 0, 16, 0, 0, 0, 9, 0, 1, 0, 3, 0, 0, 0, 0x02 }, true },
		{ 16, { 4, 0, 0, 16, 0, 0, 0, 9, 0, 1, 0xff, 0xff, 0, 0, 0, 0x02 }, true },
		{ 12, { 5, 0, 0, 12, 0, 0, 0, 9, 0, 1, 0, 8 }, true },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t p[256];
		int n;

		begin(OF_SWITCH);
		assert_int_equal(raw_recv(fd, p, 20), 16);
		raw_send(fd, cases[i].p, cases[i].n);
		if (cases[i].agrees) {
			assert_true(RUN_UNTIL(seen.ups, 20));
			assert_true(of_session_is_up(seen.s));
		} else {
			n = raw_recv(fd, p, 20);
			assert_true(n > 12);
			assert_int_equal(p[1], OFPT_ERROR);
			assert_memory_equal(p + 4, cases[i].p + 4, 4);
			assert_int_equal(get_be16(p + 8), OFPET_HELLO_FAILED);
			assert_int_equal(get_be16(p + 10), OFPHFC_INCOMPATIBLE);
			for (int k = 12; k < n; k++)
				assert_in_range(p[k], ' ', '~');
			assert_int_equal(raw_recv(fd, p, 20), 0); /* and closed */
			close(fd);
			fd = -1;
			assert_true(RUN_UNTIL(seen.downs, 20));
			assert_int_equal(seen.ups, 0);
		}
		seen_free(&seen);
		of_listener_free(listener);
		listener = NULL;
		close(fd);
	}
	fd = -1;
}

static void something_else_first_is_refused(void **state)
{
	uint8_t p[256];

	begin(OF_SWITCH);
	assert_int_equal(raw_recv(fd, p, 20), 16);
	raw_send(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 28);
	/* 'G','E' would be version and type, "T " a length that never comes. */
	assert_true(RUN_UNTIL(seen.downs, 20));
	assert_string_equal(seen.why, "no hello within 0.6 s");
	seen_free(&seen);
	close(fd);
	seen = (struct seen){ 0 };
	fd = raw_connect(of_listener_port(listener));
	assert_int_equal(raw_recv(fd, p, 20), 16);
	raw_msg(fd, 4, OFPT_FEATURES_REQUEST, 5, NULL, 0);
	assert_true(raw_recv(fd, p, 20) > 12);
	assert_int_equal(p[1], OFPT_ERROR);
	assert_int_equal(raw_recv(fd, p, 20), 0);
}

static void peer_that_refuses_our_hello(void **state)
{
	uint8_t p[64];

	begin(OF_SWITCH);
	assert_int_equal(raw_recv(fd, p, 20), 16);
	raw_msg(fd, 1, OFPT_ERROR, 1, "\0\0\0\0only 1.0", 12);
	assert_true(RUN_UNTIL(seen.downs, 20));
	assert_non_null(strstr(seen.why, "only 1.0"));
	assert_int_equal(raw_recv(fd, p, 20), 0); /* no error answers it */
}

static void half_open_times_out(void **state)
{
	ev_tstamp t = ev_time();

	begin(OF_CONTROLLER);
	assert_true(RUN_UNTIL(seen.downs, 20));
	assert_true(ev_time() - t > 0.5);
	assert_string_equal(seen.why, "no hello within 0.6 s");
}

static void hello_byte_by_byte_does_not_stretch_it(void **state)
{
	begin(OF_SWITCH);
	for (int i = 0; i < 7; i++) {
		send(fd, hello + i, 1, MSG_NOSIGNAL); /* the last ones find it closed */
		RUN_FOR(0.12);
	}
	assert_true(RUN_UNTIL(seen.downs, 20));
	assert_int_equal(seen.ups, 0);
	assert_int_equal(seen.downs, 1);
}

static void controller_needs_features(void **state)
{
	const uint8_t reply[24] = { 0, 0, 0, 0, 0, 0, 0x12, 0x34, 0, 0, 0, 0, 254, 3 };
	uint8_t p[64];
	uint32_t xid;

	begin(OF_CONTROLLER);
	assert_int_equal(raw_recv(fd, p, 20), 16);
	raw_send(fd, hello, sizeof(hello));
	assert_int_equal(raw_recv(fd, p, 20), 8);
	assert_int_equal(p[1], OFPT_FEATURES_REQUEST);
	xid = get_be32(p + 4);
	raw_msg(fd, 4, OFPT_ECHO_REQUEST, 77, "ab", 2); /* answered although not up */
	assert_int_equal(raw_recv(fd, p, 20), 10);
	assert_int_equal(p[1], OFPT_ECHO_REPLY);
	raw_msg(fd, 4, OFPT_FEATURES_REPLY, xid + 1, reply, 24); /* not what was asked */
	RUN_FOR(0.05);
	assert_int_equal(seen.ups, 0);
	assert_int_equal(of_session_send_raw(seen.s, hello, 8), -ENOTCONN);
	raw_msg(fd, 4, OFPT_FEATURES_REPLY, xid, reply, 24);
	assert_true(RUN_UNTIL(seen.ups, 20));
	assert_int_equal(seen.dpid, 0x1234);
	assert_int_equal(of_session_auxiliary_id(seen.s), 3);
}

static void no_features_no_session(void **state)
{
	uint8_t p[64];

	begin(OF_CONTROLLER);
	assert_int_equal(raw_recv(fd, p, 20), 16);
	raw_send(fd, hello, sizeof(hello));
	assert_true(RUN_UNTIL(seen.downs, 20));
	assert_string_equal(seen.why, "no features reply within 0.6 s");
	assert_int_equal(seen.ups, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(hello_carries_the_bitmap),
		T(versions_are_negotiated),
		T(something_else_first_is_refused),
		T(peer_that_refuses_our_hello),
		T(half_open_times_out),
		T(hello_byte_by_byte_does_not_stretch_it),
		T(controller_needs_features),
		T(no_features_no_session),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

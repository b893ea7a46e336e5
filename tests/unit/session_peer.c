/* SPDX-License-Identifier: Apache-2.0 */
/* Spec: 7.5.2 Echo request */
/* Spec: 7.5.3 Echo reply */
/* Spec: 6.3.2 Connection maintenance: a silent peer is found out */
/* Spec: 6.2 Message handling: bounds */
/*
 * A session that is up against a peer that is only a socket (session_raw.h): what it answers, what
 * it refuses, how it bounds what waits, and how it ends.
 */
#include "session_raw.h"

static void echo_is_answered_whole(void **state)
{
	uint8_t p[256], data[100];

	begin(OF_SWITCH);
	shake_hands();
	memset(data, 0x5a, sizeof(data));
	raw_msg(fd, 4, OFPT_ECHO_REQUEST, 0x01020304, data, sizeof(data));
	assert_int_equal(raw_recv(fd, p, 20), 108);
	assert_int_equal(p[0], 4);
	assert_int_equal(p[1], OFPT_ECHO_REPLY);
	assert_int_equal(get_be32(p + 4), 0x01020304);
	assert_memory_equal(p + 8, data, sizeof(data));
	assert_int_equal(seen.msgs, 0);
}

/* An echo reply that the session did not ask for is an answer to the user's own echo request. */
static void foreign_echo_reply_is_handed_on(void **state)
{
	begin(OF_SWITCH);
	shake_hands();
	raw_msg(fd, 4, OFPT_ECHO_REPLY, 0x777, "x", 1);
	assert_true(RUN_UNTIL(seen.msgs, 20));
	assert_int_equal(seen.last_kind, OF_KIND_echo_reply);
	assert_int_equal(seen.last_xid, 0x777);
}

static void silence_is_asked_then_given_up(void **state)
{
	ev_tstamp t;
	uint8_t p[64];
	int asked = 0;

	begin(OF_SWITCH);
	shake_hands();
	/* Answering keeps it up well beyond three intervals. */
	t = ev_time();
	while (ev_time() - t < 1.0) {
		assert_int_equal(raw_recv_type(fd, p, OFPT_ECHO_REQUEST, 20), 8);
		raw_msg(fd, 4, OFPT_ECHO_REPLY, get_be32(p + 4), NULL, 0);
	}
	assert_int_equal(seen.downs, 0);
	assert_int_equal(seen.msgs, 0);
	/* Silence does not. */
	t = ev_time();
	while (raw_recv(fd, p, 20) > 0)
		asked += p[1] == OFPT_ECHO_REQUEST;
	assert_true(RUN_UNTIL(seen.downs, 20));
	assert_in_range(asked, 1, 6); /* once more for each time that this program stood still */
	assert_true(ev_time() - t > 0.5 && ev_time() - t < 20);
	assert_non_null(strstr(seen.why, "no sign of life"));
}

/* A program that stood still itself must not blame the peer, whose words wait in the socket. */
static void own_standstill_is_not_the_peers(void **state)
{
	uint8_t p[64];

	begin(OF_SWITCH);
	shake_hands();
	assert_int_equal(raw_recv_type(fd, p, OFPT_ECHO_REQUEST, 20), 8);
	raw_msg(fd, 4, OFPT_ECHO_REPLY, get_be32(p + 4), NULL, 0);
	usleep(900 * 1000);
	raw_msg(fd, 4, OFPT_BARRIER_REQUEST, 5, NULL, 0);
	assert_true(RUN_UNTIL(seen.msgs == 1, 20));
	assert_int_equal(seen.downs, 0);
}

/* The error in 'p' must be 'type', 'code' and carry the start of 'msg'. */
static void check_error(const uint8_t *p, int n, uint16_t type, uint16_t code, const uint8_t *msg,
			size_t len)
{
	size_t data = len < 64 ? len : 64;

	assert_true(n >= (int)(12 + data));
	assert_int_equal(p[0], 4);
	assert_int_equal(p[1], OFPT_ERROR);
	assert_memory_equal(p + 4, msg + 4, 4);
	assert_int_equal(get_be16(p + 8), type);
	assert_int_equal(get_be16(p + 10), code);
	assert_memory_equal(p + 12, msg, data);
}

static void refused_messages_cost_an_error_only(void **state)
{
	uint8_t p[1024], bad[400] = { 4, 14, 400 >> 8, 400 & 255, 9, 8, 7, 6 };
	const uint8_t unknown[] = { 4, 99, 0, 8, 0, 0, 0, 3 };
	const uint8_t version[] = { 5, 5, 0, 8, 0, 0, 0, 4 };
	int n;

	begin(OF_SWITCH);
	shake_hands();
	memset(bad + 8, 0xff, sizeof(bad) - 8); /* a flow_mod of nonsense */
	raw_send(fd, bad, sizeof(bad));
	n = raw_recv(fd, p, 20);
	check_error(p, n, seen.bad_type, seen.bad_code, bad, sizeof(bad));
	raw_send(fd, unknown, 8);
	n = raw_recv(fd, p, 20);
	check_error(p, n, OFPET_BAD_REQUEST, OFPBRC_BAD_TYPE, unknown, 8);
	raw_send(fd, version, 8);
	n = raw_recv(fd, p, 20);
	check_error(p, n, OFPET_BAD_REQUEST, OFPBRC_BAD_VERSION, version, 8);
	assert_int_equal(seen.bads, 3);
	/* Alive. */
	raw_msg(fd, 4, OFPT_BARRIER_REQUEST, 12, NULL, 0);
	assert_true(RUN_UNTIL(seen.msgs == 1, 20));
	assert_int_equal(of_session_counters(seen.s)->refused, 3);
	assert_int_equal(seen.downs, 0);
}

/* A refusal without an op for messages is still a refusal. */
static void refused_without_listener_too(void **state)
{
	static const struct of_session_ops none;
	const uint8_t unknown[] = { 4, 99, 0, 8, 0, 0, 0, 3 };
	uint8_t p[64];

	begin(OF_SWITCH);
	shake_hands();
	of_session_set_ops(seen.s, &none, NULL);
	raw_send(fd, unknown, 8);
	check_error(p, raw_recv(fd, p, 20), OFPET_BAD_REQUEST, OFPBRC_BAD_TYPE, unknown, 8);
}

static void errors_are_never_answered_by_errors(void **state)
{
	const uint8_t cut[] = { 4, OFPT_ERROR, 0, 9, 0, 0, 0, 3, 1 };
	const uint8_t version[] = { 9, OFPT_ERROR, 0, 12, 0, 0, 0, 3, 0, 1, 0, 1 };
	uint8_t p[64];

	begin(OF_SWITCH);
	shake_hands();
	raw_send(fd, cut, sizeof(cut));
	raw_send(fd, version, sizeof(version));
	raw_msg(fd, 4, OFPT_ERROR, 3, "\0\1\0\1", 4); /* well-formed: handed on */
	raw_msg(fd, 4, OFPT_ECHO_REQUEST, 42, NULL, 0);
	assert_int_equal(raw_recv(fd, p, 20), 8);
	assert_int_equal(p[1], OFPT_ECHO_REPLY); /* the first thing that comes */
	assert_int_equal(seen.bads, 2);
	assert_int_equal(seen.msgs, 1);
	assert_int_equal(seen.last_kind, OF_KIND_error_msg);
}

static void length_below_the_header_ends_it(void **state)
{
	for (uint8_t len = 0; len < 8; len++) {
		const uint8_t m[12] = { 4, OFPT_BARRIER_REQUEST, 0, len, 0, 0, 0, 3, 1, 2, 3, 4 };
		uint8_t p[64];

		begin(OF_SWITCH);
		shake_hands();
		raw_send(fd, m, sizeof(m));
		check_error(p, raw_recv(fd, p, 20), OFPET_BAD_REQUEST, OFPBRC_BAD_LEN, m,
			    sizeof(m));
		assert_int_equal(raw_recv(fd, p, 20), 0);
		close(fd);
		fd = -1;
		assert_true(RUN_UNTIL(seen.downs, 20));
		assert_int_equal(seen.msgs, 0);
		seen_free(&seen);
		of_listener_free(listener);
		listener = NULL;
	}
}

/* A peer that does not close after our last words is closed all the same. */
static void last_words_do_not_wait_for_ever(void **state)
{
	const uint8_t m[8] = { 4, OFPT_BARRIER_REQUEST };
	ev_tstamp t = ev_time();

	begin(OF_SWITCH);
	shake_hands();
	raw_send(fd, m, sizeof(m));
	assert_true(RUN_UNTIL(seen.downs, 20));
	assert_true(ev_time() - t < 20);
}

static void second_hello_is_ignored(void **state)
{
	uint8_t p[64];

	begin(OF_SWITCH);
	shake_hands();
	raw_msg(fd, 1, OFPT_HELLO, 1, NULL, 0);
	raw_msg(fd, 4, OFPT_HELLO, 1, "junkjunk", 8);
	raw_msg(fd, 4, OFPT_ECHO_REQUEST, 1, NULL, 0);
	assert_int_equal(raw_recv(fd, p, 20), 8);
	assert_int_equal(p[1], OFPT_ECHO_REPLY);
	assert_int_equal(seen.msgs + seen.bads, 0);
}

static void messages_cut_anywhere(void **state)
{
	uint8_t stream[8 * 20];

	begin(OF_SWITCH);
	shake_hands();
	for (uint8_t i = 0; i < 20; i++)
		memcpy(stream + 8 * i, (uint8_t[]){ 4, OFPT_BARRIER_REQUEST, 0, 8, 0, 0, 0, i }, 8);
	for (size_t i = 0, step = 1; i < sizeof(stream); i += step) {
		step = 1 + i % 11;
		if (i + step > sizeof(stream))
			step = sizeof(stream) - i;
		raw_send(fd, stream + i, step);
		ev_run(loop, EVRUN_ONCE);
	}
	assert_true(RUN_UNTIL(seen.msgs == 20, 20));
	assert_int_equal(seen.last_xid, 19);
}

static void longest_message(void **state)
{
	static uint8_t p[65535], back[65535];
	size_t sent = 0;

	begin(OF_SWITCH);
	shake_hands();
	memset(p, 0x33, sizeof(p));
	memcpy(p, (uint8_t[]){ 4, OFPT_ECHO_REQUEST, 0xff, 0xff, 0, 0, 0, 1 }, 8);
	for (int round = 0; round < 3; round++) {
		sent = 0;
		assert_true(RUN_UNTIL(({
					      ssize_t r = send(fd, p + sent, sizeof(p) - sent,
							       MSG_NOSIGNAL);
					      sent += r > 0 ? (size_t)r : 0;
					      sent == sizeof(p);
				      }),
				      20));
		assert_int_equal(raw_recv(fd, back, 20), 65535);
		assert_int_equal(back[1], OFPT_ECHO_REPLY);
		assert_memory_equal(back + 2, p + 2, sizeof(p) - 2);
	}
}

static void end_in_the_middle_of_a_message(void **state)
{
	begin(OF_SWITCH);
	shake_hands();
	raw_send(fd, hello, 5);
	close(fd);
	fd = -1;
	assert_true(RUN_UNTIL(seen.downs, 20));
	assert_string_equal(seen.why, "closed by the peer in the middle of a message");
}

/* The peer reads nothing: what waits is bounded, and the session is given up. */
static void slow_reader(void **state)
{
	struct of_session_opts o;
	struct of_packet_in pin = { .kind = OF_KIND_packet_in };
	uint8_t data[1000] = { 0 };
	size_t sent = 0;
	int r;

	seen = (struct seen){ 0 };
	o = seen_opts(OF_SWITCH, &seen);
	o.tx_limit = 256 * 1024;
	begin_opts(&o);
	shake_hands();
	pin.data = (struct of_span){ sizeof(data), data };
	while (!(r = of_session_send(seen.s, 0, (struct of_any *)&pin)) && sent < 64u << 20)
		sent += 1000;
	assert_int_equal(r, -ENOBUFS);
	assert_true(of_session_backlog(seen.s) < 256 * 1024 + 2000);
	assert_false(of_session_is_up(seen.s));
	assert_int_equal(of_session_send(seen.s, 0, (struct of_any *)&pin), -ENOTCONN);
	assert_int_equal(seen.downs, 0); /* told from the loop, not from inside send */
	assert_true(RUN_UNTIL(seen.downs == 1, 20));
	assert_non_null(strstr(seen.why, "does not take"));
	assert_int_equal(of_session_backlog(seen.s), 0);
}

static void drained_is_told_when_the_wait_is_over(void **state)
{
	struct of_packet_in pin = { .kind = OF_KIND_packet_in };
	static uint8_t data[60000], sink[1 << 20];
	size_t sent = 0, got = 0;

	begin(OF_SWITCH);
	shake_hands();
	pin.data = (struct of_span){ sizeof(data), data };
	while (of_session_backlog(seen.s) < 1 << 20) {
		assert_int_equal(of_session_send(seen.s, 0, (struct of_any *)&pin), 0);
		sent++;
	}
	RUN_FOR(0.02);
	assert_int_equal(seen.drained, 0);
	assert_true(RUN_UNTIL(({
				      ssize_t r = recv(fd, sink, sizeof(sink), 0);
				      got += r > 0 ? (size_t)r : 0;
				      seen.drained;
			      }),
			      20));
	assert_int_equal(of_session_backlog(seen.s), 0);
	assert_int_equal(seen.drained, 1);
	assert_true(of_session_counters(seen.s)->tx_bytes > sent * sizeof(data));
}

/* A switch stops reading from a peer that does not take its answers; nothing is lost when it does.
 */
static void requests_wait_while_answers_do(void **state)
{
	struct of_session_opts o;
	static uint8_t p[4096], sink[1 << 20];
	size_t asked = 0, echoed = 0;
	ssize_t r;

	seen = (struct seen){ 0 };
	o = seen_opts(OF_SWITCH, &seen);
	o.tx_limit = 2 << 20;
	begin_opts(&o);
	shake_hands();
	memcpy(p, (uint8_t[]){ 4, OFPT_ECHO_REQUEST, 4096 >> 8, 0, 0, 0, 0, 1 }, 8);
	/* Far more than tx_limit and the kernel's buffers would take: the sender is held up. */
	for (int idle = 0; idle < 50 && asked < 256u << 20;) {
		size_t at = asked % sizeof(p);

		r = send(fd, p + at, sizeof(p) - at, MSG_NOSIGNAL);
		idle = r > 0 ? 0 : idle + 1;
		asked += r > 0 ? (size_t)r : 0;
		ev_run(loop, EVRUN_NOWAIT);
	}
	assert_true(asked < 256u << 20);
	assert_int_equal(seen.downs, 0);
	assert_true(of_session_backlog(seen.s) < (1 << 20) + (256 << 10));
	assert_true(RUN_UNTIL(({
				      r = recv(fd, sink, sizeof(sink), 0);
				      echoed += r > 0 ? (size_t)r : 0;
				      echoed >= asked / sizeof(p) * sizeof(p);
			      }),
			      20));
	assert_int_equal(seen.downs, 0);
}

static void pause_holds_back_and_is_no_silence(void **state)
{
	unsigned int turns;

	begin(OF_SWITCH);
	shake_hands();
	of_session_pause(seen.s, true);
	raw_msg(fd, 4, OFPT_BARRIER_REQUEST, 1, NULL, 0);
	turns = ev_iteration(loop);
	RUN_FOR(0.8);
	assert_true(ev_iteration(loop) - turns <= 250); /* asleep meanwhile */
	assert_int_equal(seen.msgs, 0);
	assert_int_equal(seen.downs, 0);
	of_session_pause(seen.s, false);
	assert_true(RUN_UNTIL(seen.msgs == 1, 20));
}

static void msg_then_pause(struct of_session *s, const struct of_msg *m, void *arg)
{
	on_msg(s, m, arg);
	of_session_pause(s, true);
}

/* Messages that were read already when a callback paused wait as well, in order. */
static void pause_inside_a_callback(void **state)
{
	static const struct of_session_ops ops = { .msg = msg_then_pause };
	uint8_t burst[8 * 5];

	begin(OF_SWITCH);
	shake_hands();
	of_session_set_ops(seen.s, &ops, &seen);
	for (uint8_t i = 0; i < 5; i++)
		memcpy(burst + 8 * i, (uint8_t[]){ 4, OFPT_BARRIER_REQUEST, 0, 8, 0, 0, 0, i }, 8);
	raw_send(fd, burst, sizeof(burst));
	for (int i = 1; i <= 5; i++) {
		assert_true(RUN_UNTIL(seen.msgs == i, 20));
		RUN_FOR(0.02);
		assert_int_equal(seen.msgs, i);
		assert_int_equal(seen.last_xid, i - 1);
		of_session_pause(seen.s, false);
	}
}

static struct {
	int batches, msgs; /* 'msgs': handed on when the last batch ended */
	bool frees;
} batch;

static void on_batch(struct of_session *s, void *arg)
{
	struct of_barrier_reply reply = { .kind = OF_KIND_barrier_reply };

	batch.batches++;
	batch.msgs = seen.msgs;
	assert_int_equal(of_session_send(s, 77, (struct of_any *)&reply), 0);
	if (batch.frees)
		seen_free(&seen);
}

/* What came together ends with one word, and what is answered there leaves. */
static void messages_come_in_batches(void **state)
{
	static const struct of_session_ops ops = { .msg = on_msg, .batch = on_batch };
	uint8_t burst[8 * 50], p[64];

	for (size_t i = 0; i < sizeof(burst); i += 8)
		memcpy(burst + i, (uint8_t[8]){ 4, OFPT_BARRIER_REQUEST, 0, 8 }, 8);
	for (int frees = 0; frees < 2; frees++) {
		begin(OF_SWITCH);
		shake_hands();
		of_session_set_ops(seen.s, &ops, &seen);
		memset(&batch, 0, sizeof(batch));
		batch.frees = frees;
		raw_send(fd, burst, sizeof(burst));
		assert_true(raw_recv_type(fd, p, OFPT_BARRIER_REPLY, 20) > 0);
		assert_int_equal(get_be32(p + 4), 77);
		assert_true(RUN_UNTIL(batch.msgs == 50, 20));
		assert_int_equal(batch.batches, 1); /* 400 bytes in one segment of loopback */
		assert_int_equal(!seen.s, frees);
		seen_free(&seen);
		of_listener_free(listener);
		listener = NULL;
		close(fd);
		fd = -1;
	}
}

/*
 * One peer floods, another asks once: the answer must not wait for the flood's end.
 *
 *     flooding socket --+
 *                       +-- listener
 *     modest socket ----+
 */
static void a_flood_does_not_starve_others(void **state)
{
	static uint8_t burst[8 * 8192];
	struct of_session *flooded;
	int modest, before, worst = 0;
	uint8_t p[64];

	begin(OF_SWITCH);
	shake_hands();
	flooded = seen.s;
	seen.s = NULL; /* kept by hand: on_new would free it */
	modest = raw_connect(of_listener_port(listener));
	assert_int_equal(raw_recv(modest, p, 20), 16);
	raw_send(modest, hello, sizeof(hello));
	assert_true(RUN_UNTIL(seen.ups == 2, 20));
	for (size_t i = 0; i < sizeof(burst); i += 8)
		memcpy(burst + i, hello, 8), burst[i + 1] = OFPT_BARRIER_REQUEST;
	for (int round = 0; round < 20; round++) {
		while (send(fd, burst, sizeof(burst), MSG_NOSIGNAL) == sizeof(burst))
			;
		before = seen.msgs;
		raw_msg(modest, 4, OFPT_ECHO_REQUEST, 1, NULL, 0);
		for (;;) {
			ssize_t r = recv(modest, p, sizeof(p), 0);

			if (r > 0)
				break;
			ev_run(loop, EVRUN_NOWAIT);
		}
		if (seen.msgs - before > worst)
			worst = seen.msgs - before;
		if (seen.msgs > 200000)
			break;
	}
	/* A few turns of the loop at 256 messages each. */
	assert_in_range(worst, 1, 4 * 256);
	of_session_free(flooded);
	close(modest);
}

/* Freed inside every callback: nothing may touch it afterwards (run with ASan). */
static void freed_inside_callbacks(void **state)
{
	const uint8_t unknown[] = { 4, 99, 0, 8, 0, 0, 0, 3 };

	for (int which = 0; which < 5; which++) {
		uint8_t p[64];

		begin(OF_SWITCH);
		assert_int_equal(raw_recv(fd, p, 20), 16);
		seen.free_on_up = which == 0;
		seen.free_on_msg = which == 1;
		seen.free_on_bad = which == 2;
		seen.free_on_down = which == 3;
		seen.free_on_snoop = which == 4;
		raw_send(fd, hello, sizeof(hello));
		raw_msg(fd, 4, OFPT_BARRIER_REQUEST, 1, NULL, 0);
		raw_send(fd, unknown, 8);
		raw_msg(fd, 4, OFPT_BARRIER_REQUEST, 1, NULL, 0);
		shutdown(fd, SHUT_WR);
		assert_true(RUN_UNTIL(!seen.s, 20));
		assert_int_equal(seen.downs, which == 3);
		while (raw_recv(fd, p, 0.2) > 0)
			;
		close(fd);
		fd = -1;
		of_listener_free(listener);
		listener = NULL;
	}
}

static void freed_inside_snoop_of_a_send(void **state)
{
	begin(OF_SWITCH);
	shake_hands();
	seen.free_on_snoop = true;
	assert_int_equal(of_session_send_raw(
				 seen.s, (uint8_t[]){ 4, OFPT_BARRIER_REPLY, 0, 8, 0, 0, 0, 1 }, 8),
			 -ENOTCONN);
	assert_null(seen.s);
}

static void raw_bytes_are_checked(void **state)
{
	uint8_t p[64];

	begin(OF_SWITCH);
	shake_hands();
	assert_int_equal(of_session_send_raw(seen.s, hello, 7), -EINVAL);
	assert_int_equal(
		of_session_send_raw(seen.s, (uint8_t[]){ 4, 21, 0, 9, 0, 0, 0, 1, 0, 0 }, 10),
		-EINVAL);
	assert_int_equal(of_session_send_raw(seen.s, (uint8_t[]){ 4, 21, 0, 8, 0, 0, 0, 1 }, 8), 0);
	assert_int_equal(raw_recv(fd, p, 20), 8);
	assert_int_equal(p[1], 21);
}

/* What was queued right before the session is freed still leaves. */
static void last_message_before_free_is_sent(void **state)
{
	uint8_t p[64];

	begin(OF_SWITCH);
	shake_hands();
	of_session_send_raw(seen.s, (uint8_t[]){ 4, OFPT_BARRIER_REPLY, 0, 8, 0, 0, 0, 9 }, 8);
	seen_free(&seen);
	assert_int_equal(raw_recv(fd, p, 20), 8);
	assert_int_equal(p[7], 9);
	assert_int_equal(raw_recv(fd, p, 20), 0);
}

/* Random bytes after a good hello: errors or an end, never more. */
static void garbage(void **state)
{
	uint32_t x = 12345;

	for (int round = 0; round < 60; round++) {
		uint8_t junk[600], p[4096];

		begin(OF_SWITCH);
		shake_hands();
		for (size_t i = 0; i < sizeof(junk); i++) {
			x = x * 1664525 + 1013904223;
			junk[i] = (uint8_t)(x >> 24);
		}
		for (size_t i = 0; round % 2 && i + 32 <= sizeof(junk); i += 32)
			memcpy(junk + i, (uint8_t[]){ 4, junk[i + 1] % 31, 0, 32 }, 4);
		raw_send(fd, junk, sizeof(junk));
		shutdown(fd, SHUT_WR);
		assert_true(RUN_UNTIL(({
					      while (recv(fd, p, sizeof(p), 0) > 0)
						      ;
					      seen.downs;
				      }),
				      20));
		seen_free(&seen);
		of_listener_free(listener);
		listener = NULL;
		close(fd);
		fd = -1;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(echo_is_answered_whole),
		T(foreign_echo_reply_is_handed_on),
		T(silence_is_asked_then_given_up),
		T(own_standstill_is_not_the_peers),
		T(refused_messages_cost_an_error_only),
		T(refused_without_listener_too),
		T(errors_are_never_answered_by_errors),
		T(length_below_the_header_ends_it),
		T(last_words_do_not_wait_for_ever),
		T(second_hello_is_ignored),
		T(messages_cut_anywhere),
		T(longest_message),
		T(end_in_the_middle_of_a_message),
		T(slow_reader),
		T(drained_is_told_when_the_wait_is_over),
		T(requests_wait_while_answers_do),
		T(pause_holds_back_and_is_no_silence),
		T(pause_inside_a_callback),
		T(messages_come_in_batches),
		T(a_flood_does_not_starve_others),
		T(freed_inside_callbacks),
		T(freed_inside_snoop_of_a_send),
		T(raw_bytes_are_checked),
		T(last_message_before_free_is_sent),
		T(garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

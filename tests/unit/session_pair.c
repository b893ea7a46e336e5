/* SPDX-License-Identifier: Apache-2.0 */
/* Spec: 6.3.1 Connection setup: tcp, IPv6 and unix, actively and passively */
/* Spec: 6.3.3 Connection interruption: reconnecting */
/*
 * Two sessions in one loop, over each kind of stream:
 *
 *     switch (active)  ---- tcp, tcp over IPv6, unix ----  listener, controller (passive)
 *
 * and what surrounds them: targets in words, Unix socket files, reconnecting.
 */
#include "session_harness.h"

#include <sys/un.h>

static struct seen sw, ctl;
static struct of_listener *listener;
static char dir[64], path[100], target[128];

static int begin(void **state)
{
	sw = (struct seen){ .answer_features = true };
	ctl = (struct seen){ 0 };
	make_dir(dir, sizeof(dir), "session");
	snprintf(path, sizeof(path), "%s/s.sock", dir);
	return harness_setup(state);
}

static int end(void **state)
{
	seen_free(&sw);
	seen_free(&ctl);
	of_listener_free(listener);
	listener = NULL;
	unlink(path);
	assert_int_equal(rmdir(dir), 0);
	return harness_teardown(state);
}

static void listen_on(const char *where, struct seen *v, enum of_side side)
{
	struct of_session_opts o = seen_opts(side, v);
	struct err e;

	o.echo_interval = 0.5;
	listener = of_listener_new(loop, where, &o, on_new, v, &e);
	if (!listener)
		fail_msg("%s", e.text);
}

static void connect_to(const char *where, struct seen *v, enum of_side side)
{
	struct of_session_opts o = seen_opts(side, v);
	struct err e;

	o.echo_interval = 0.5;
	v->s = of_session_new(loop, where, &o, &e);
	if (!v->s)
		fail_msg("%s", e.text);
}

/* Both up, and a message each way. */
static void talk(void)
{
	const struct of_barrier_request barrier = { .kind = OF_KIND_barrier_request };
	const struct of_barrier_reply reply = { .kind = OF_KIND_barrier_reply };

	assert_true(RUN_UNTIL(sw.ups == 1 && ctl.ups == 1, 20));
	assert_int_equal(ctl.dpid, 0xabc);
	assert_int_equal(of_session_send(ctl.s, 0x55, (struct of_any *)&barrier), 0);
	assert_true(RUN_UNTIL(sw.msgs == 1, 20));
	assert_int_equal(sw.last_kind, OF_KIND_barrier_request);
	assert_int_equal(of_session_send(sw.s, sw.last_xid, (struct of_any *)&reply), 0);
	assert_true(RUN_UNTIL(ctl.msgs == 1, 20));
	assert_int_equal(ctl.last_kind, OF_KIND_barrier_reply);
	assert_int_equal(ctl.last_xid, 0x55);
	assert_int_equal(sw.downs + ctl.downs + sw.bads + ctl.bads, 0);
	/* Each has seen all: hello 2, features 2, barrier 2. */
	assert_int_equal(sw.snoops, 6);
	assert_int_equal(ctl.snoops, 6);
}

static void over_tcp(void **state)
{
	listen_on("ptcp:0:127.0.0.1", &ctl, OF_CONTROLLER);
	snprintf(target, sizeof(target), "tcp:localhost:%u", of_listener_port(listener));
	connect_to(target, &sw, OF_SWITCH);
	talk();
	snprintf(target, sizeof(target), "tcp:127.0.0.1:%u", of_listener_port(listener));
	assert_string_equal(of_session_name(sw.s), target);
	assert_int_equal(strncmp(of_session_name(ctl.s), "tcp:127.0.0.1:", 14), 0);
	assert_true(of_session_uptime(sw.s) > 0 && of_session_uptime(sw.s) < 1);
}

static void over_ipv6(void **state)
{
	listen_on("ptcp:0:[::1]", &ctl, OF_CONTROLLER);
	snprintf(target, sizeof(target), "tcp:[::1]:%u", of_listener_port(listener));
	connect_to(target, &sw, OF_SWITCH);
	talk();
	assert_string_equal(of_session_name(sw.s), target);
	assert_int_equal(strncmp(of_session_name(ctl.s), "tcp:[::1]:", 10), 0);
}

/* The other way about: the controller connects to the switch's socket, as weft-ofctl does. */
static void over_unix(void **state)
{
	struct stat sb;

	snprintf(target, sizeof(target), "punix:%s", path);
	listen_on(target, &sw, OF_SWITCH);
	assert_int_equal(stat(path, &sb), 0);
	assert_int_equal(sb.st_mode & 0777, 0600);
	assert_int_equal(of_listener_port(listener), 0);
	connect_to(target + 1, &ctl, OF_CONTROLLER);
	talk();
	assert_string_equal(of_session_name(ctl.s), target + 1);
	of_listener_free(listener);
	listener = NULL;
	assert_int_equal(stat(path, &sb), -1);
	/* What was accepted lives on. */
	RUN_FOR(0.05);
	assert_true(of_session_is_up(ctl.s) && of_session_is_up(sw.s));
}

static void unix_socket_files(void **state)
{
	struct of_session_opts o = seen_opts(OF_SWITCH, &sw);
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct stat sb;
	struct err e;
	int fd;

	snprintf(target, sizeof(target), "punix:%s", path);
	/* A socket that nobody answers on is replaced. */
	memcpy(un.sun_path, path, sizeof(path));
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	close(fd);
	listen_on(target, &sw, OF_SWITCH);
	/* One that is answered on is not. */
	assert_null(of_listener_new(loop, target, &o, on_new, &sw, &e));
	assert_non_null(strstr(e.text, "another program listens"));
	/* A file that has taken our place is not ours to remove. */
	assert_int_equal(unlink(path), 0);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	close(fd);
	of_listener_free(listener);
	assert_int_equal(stat(path, &sb), 0);
	/* And what is no socket is not touched. */
	listener = of_listener_new(loop, target, &o, on_new, &sw, &e);
	assert_null(listener);
	assert_non_null(strstr(e.text, "not a socket"));
	assert_int_equal(stat(path, &sb), 0);
}

static void targets_in_words(void **state)
{
	static const struct {
		const char *target, *word;
		bool passive;
	} wrong[] = {
		{ "", "not a target" },
		{ "tcp", "not a target" },
		{ "udp:127.0.0.1", "not a target" },
		{ "ptcp:6653", "not a target" },
		{ "tcp:", "needs an address" },
		{ "tcp::6653", "needs an address" },
		{ "tcp:no.such.host", "names are not looked up" },
		{ "tcp:1.2.3", "not an address" },
		{ "tcp:6653", "not an address" },
		{ "tcp:1.2.3.4:", "not a port" },
		{ "tcp:1.2.3.4:x", "not a port" },
		{ "tcp:1.2.3.4:-1", "not a port" },
		{ "tcp:1.2.3.4:65536", "not a port" },
		{ "tcp:1.2.3.4:99999999999999999999", "not a port" },
		{ "tcp:1.2.3.4:0", "cannot be connected" },
		{ "tcp:::1:6653", "in brackets" },
		{ "tcp:[::1", "not closed" },
		{ "tcp:[]:6653", "needs an address" },
		{ "tcp:[::1]6653", "follows the address" },
		{ "unix:", "needs a path" },
		/* One byte more than a socket address takes. */
		{ "unix:/a23456789b123456789c123456789d123456789e123456789f123456789g123456789h"
		  "123456789i123456789j123456789k123456789",
		  "longer than" },
		{ "ssl:1.2.3.4", "first missing is the private key" },
		{ "", "not a place to listen", true },
		{ "ptcp", "not a place", true },
		{ "ptcp:1.2.3.4", "port", true },
		{ "ptcp:1.2.3.4:6653", "port", true },
		{ "ptcp:6653:", "needs an address", true },
		{ "ptcp:6653:1.2.3.4:5", "follows", true },
		{ "ptcp:6653:[::1]:5", "follows", true },
		{ "pssl:6653", "first missing is the private key", true },
		{ "punix:", "needs a path", true },
		{ "punix:/nonexistent-dir/x.sock", "No such file", true },
	};
	struct of_session_opts o = seen_opts(OF_SWITCH, &sw);
	struct err e;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		e.text[0] = 0;
		if (wrong[i].passive)
			listener = of_listener_new(loop, wrong[i].target, &o, on_new, &sw, &e);
		else
			sw.s = of_session_new(loop, wrong[i].target, &o, &e);
		if (listener || sw.s)
			fail_msg("%s: was taken", wrong[i].target);
		if (!strstr(e.text, wrong[i].word))
			fail_msg("%s: said \"%s\", not \"%s\"", wrong[i].target, e.text,
				 wrong[i].word);
	}
	sw.s = of_session_new(loop, "tcp:10.1.2.3", &o, &e);
	assert_string_equal(of_session_name(sw.s), "tcp:10.1.2.3:6653");
}

/* Once: told of the failure, and that is all. */
static void once_is_once(void **state)
{
	struct of_session_opts o = seen_opts(OF_CONTROLLER, &ctl);
	struct err e;

	o.once = true;
	snprintf(target, sizeof(target), "unix:%s", path);
	ctl.s = of_session_new(loop, target, &o, &e);
	assert_int_equal(ctl.downs, 0); /* not from inside new */
	assert_true(RUN_UNTIL(ctl.downs, 20));
	assert_string_equal(ctl.why, "connect: No such file or directory");
	RUN_FOR(0.3);
	assert_int_equal(ctl.downs, 1);
	assert_int_equal(of_session_counters(ctl.s)->attempts, 1);
}

/* Connection refused: 0.1 s, doubled, no more than max_backoff. */
static void attempts_back_off(void **state)
{
	struct of_session_opts o = seen_opts(OF_SWITCH, &sw);
	ev_tstamp t = ev_time();
	struct err e;

	o.max_backoff = 0.3;
	listen_on("ptcp:0:127.0.0.1", &ctl, OF_CONTROLLER);
	snprintf(target, sizeof(target), "tcp:127.0.0.1:%u", of_listener_port(listener));
	of_listener_free(listener);
	listener = NULL;
	sw.s = of_session_new(loop, target, &o, &e);
	assert_true(RUN_UNTIL(sw.downs == 5, 20));
	/* 0.1 + 0.2 + 0.3 + 0.3, each times 0.75 to 1.25. */
	t = ev_time() - t;
	assert_true(t > 0.67 && t < 15);
	assert_string_equal(sw.why, "connect: Connection refused");
}

/* The controller restarts: the switch is back within a second, with a new hello. */
static void comes_back_after_the_peers_restart(void **state)
{
	unsigned int late = 0;
	uint16_t port;

	listen_on("ptcp:0:127.0.0.1", &ctl, OF_CONTROLLER);
	port = of_listener_port(listener);
	snprintf(target, sizeof(target), "tcp:127.0.0.1:%u", port);
	connect_to(target, &sw, OF_SWITCH);
	for (int round = 1; round <= 3; round++) {
		ev_tstamp t = ev_time();

		assert_true(RUN_UNTIL(sw.ups == round && ctl.ups == round, 20));
		late += ev_time() - t > 1.2;
		assert_int_equal(of_session_counters(sw.s)->refused, 0);
		RUN_FOR(1.05); /* long enough for the back-off to start afresh */
		seen_free(&ctl);
		of_listener_free(listener);
		listener = NULL;
		assert_true(RUN_UNTIL(sw.downs >= round, 20));
		assert_false(of_session_is_up(sw.s));
		assert_int_equal(of_session_uptime(sw.s), 0);
		sw.downs = round;
		snprintf(target, sizeof(target), "ptcp:%u:127.0.0.1", port);
		listen_on(target, &ctl, OF_CONTROLLER);
	}
	assert_in_range(late, 0, 1); /* this program may have stood still */
}

/* Two idle sessions keep each other up by echo. */
static void idle_sessions_stay_up(void **state)
{
	unsigned int turns;

	listen_on("ptcp:0:127.0.0.1", &ctl, OF_CONTROLLER);
	snprintf(target, sizeof(target), "tcp:127.0.0.1:%u", of_listener_port(listener));
	connect_to(target, &sw, OF_SWITCH);
	talk();
	turns = ev_iteration(loop);
	RUN_FOR(2.5);
	assert_int_equal(sw.downs + ctl.downs, 0);
	assert_true(ev_iteration(loop) - turns <= 700); /* RUN_FOR alone: 500 */
	assert_int_equal(sw.msgs + ctl.msgs, 2);	/* echoes are the session's own business */
	assert_in_range(of_session_counters(sw.s)->tx_msgs, 5, 20);
}

/* A session that is let go without having been connected leaves nothing (ASan, descriptors). */
static void freed_in_every_state(void **state)
{
	for (int turns = 0; turns < 12; turns++) {
		listen_on("ptcp:0:127.0.0.1", &ctl, OF_CONTROLLER);
		snprintf(target, sizeof(target), "tcp:127.0.0.1:%u", of_listener_port(listener));
		connect_to(target, &sw, OF_SWITCH);
		for (int i = 0; i < turns; i++)
			ev_run(loop, EVRUN_NOWAIT);
		seen_free(&sw);
		seen_free(&ctl);
		of_listener_free(listener);
		listener = NULL;
	}
	of_session_free(NULL);
	of_listener_free(NULL);
}

static void free_listener_on_new(struct of_session *s, void *arg)
{
	of_session_free(s);
	of_listener_free(listener);
	listener = NULL;
}

static void listener_freed_inside_on_new(void **state)
{
	struct of_session_opts o = seen_opts(OF_SWITCH, &sw);
	struct err e;

	snprintf(target, sizeof(target), "punix:%s", path);
	listener = of_listener_new(loop, target, &o, free_listener_on_new, NULL, &e);
	assert_non_null(listener);
	connect_to(target + 1, &ctl, OF_CONTROLLER);
	assert_true(RUN_UNTIL(!listener && ctl.downs, 20));
}

/* A burst far over one turn's budget arrives whole and in order. */
static void bursts_arrive_in_order(void **state)
{
	const struct of_barrier_request barrier = { .kind = OF_KIND_barrier_request };
	static uint8_t data[50000];
	struct of_packet_in pin = { .kind = OF_KIND_packet_in, .data = { sizeof(data), data } };

	listen_on("ptcp:0:127.0.0.1", &ctl, OF_CONTROLLER);
	snprintf(target, sizeof(target), "tcp:127.0.0.1:%u", of_listener_port(listener));
	connect_to(target, &sw, OF_SWITCH);
	assert_true(RUN_UNTIL(sw.ups == 1 && ctl.ups == 1, 20));
	for (uint32_t i = 1; i <= 20000; i++)
		assert_int_equal(of_session_send(ctl.s, i, (struct of_any *)&barrier), 0);
	for (uint32_t i = 1; i <= 200; i++) /* crossing the chunks at odd places */
		assert_int_equal(of_session_send(sw.s, i, (struct of_any *)&pin), 0);
	assert_true(RUN_UNTIL(sw.msgs == 20000 && ctl.msgs == 200, 20));
	assert_int_equal(sw.last_xid, 20000);
	assert_int_equal(ctl.last_xid, 200);
	assert_int_equal(sw.bads + ctl.bads, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(over_tcp),
		T(over_ipv6),
		T(over_unix),
		T(unix_socket_files),
		T(targets_in_words),
		T(once_is_once),
		T(attempts_back_off),
		T(comes_back_after_the_peers_restart),
		T(idle_sessions_stay_up),
		T(freed_in_every_state),
		T(listener_freed_inside_on_new),
		T(bursts_arrive_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

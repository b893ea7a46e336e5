/* SPDX-License-Identifier: Apache-2.0 */
/* Spec: 6.3.1 Connection setup: with Open vSwitch's programs */
/*
 * The session against Open vSwitch's own programs:
 *
 *     ovs-ofctl          ---- unix, tcp ----  listener, switch side
 *     ovs-testcontroller ---- tcp ----------  switch side, active
 *
 * and what happens when the versions do not meet.
 */
#include "session_harness.h"

#include <signal.h>
#include <sys/wait.h>

static struct seen sw;
static struct of_listener *listener;
static char dir[64], out[100], target[128];
static pid_t child;

static int begin(void **state)
{
	sw = (struct seen){ .answer_features = true };
	child = 0;
	make_dir(dir, sizeof(dir), "ovs");
	snprintf(out, sizeof(out), "%s/out", dir);
	return harness_setup(state);
}

static bool child_ended(int *status)
{
	if (child && waitpid(child, status, WNOHANG) == child)
		child = 0;
	return !child;
}

static int end(void **state)
{
	int status;

	if (child) {
		kill(child, SIGTERM);
		waitpid(child, &status, 0);
	}
	seen_free(&sw);
	of_listener_free(listener);
	listener = NULL;
	unlink(out);
	assert_int_equal(rmdir(dir), 0);
	return harness_teardown(state);
}

/* Runs the program with its output in 'out'; the loop is turned by the caller. */
static void spawn(char *const argv[])
{
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		int fd = open(out, O_CREAT | O_TRUNC | O_WRONLY, 0600);

		dup2(fd, 1);
		dup2(fd, 2);
		setenv("OVS_RUNDIR", dir, 1);
		execvp(argv[0], argv);
		_exit(127);
	}
}

static const char *output(void)
{
	static char text[4096];
	FILE *f = fopen(out, "r");
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

	text[n] = 0;
	if (f)
		fclose(f);
	return text;
}

static void listen_on(const char *where)
{
	struct of_session_opts o = seen_opts(OF_SWITCH, &sw);
	struct err e;

	listener = of_listener_new(loop, where, &o, on_new, &sw, &e);
	if (!listener)
		fail_msg("%s", e.text);
	if (of_listener_port(listener))
		snprintf(target, sizeof(target), "tcp:127.0.0.1:%u", of_listener_port(listener));
	else
		snprintf(target, sizeof(target), "%s", where + 1);
}

/* "ovs-ofctl -O VERSIONS COMMAND TARGET" ends with this exit status. */
static void ofctl(const char *versions, const char *command, int want)
{
	char *argv[] = { (char *)"ovs-ofctl",
			 (char *)"-O",
			 (char *)versions,
			 (char *)"--timeout=20",
			 (char *)command,
			 target,
			 NULL };
	int status = -1;

	spawn(argv);
	assert_true(RUN_UNTIL(child_ended(&status), 30));
	if (!WIFEXITED(status) || WEXITSTATUS(status) != want)
		fail_msg("ovs-ofctl -O %s %s %s: status 0x%x: %s", versions, command, target,
			 status, output());
}

static void ofctl_over_unix(void **state)
{
	char where[120];

	snprintf(where, sizeof(where), "punix:%s/s.sock", dir);
	listen_on(where);
	ofctl("OpenFlow13", "probe", 0);
	ofctl("OpenFlow10,OpenFlow13,OpenFlow15", "probe",
	      0); /* 1.5 on its hello: bitmap decides */
	assert_int_equal(sw.ups, 2);
	assert_int_equal(sw.bads, 0);
}

static void ofctl_over_tcp(void **state)
{
	listen_on("ptcp:0:127.0.0.1");
	ofctl("OpenFlow13", "probe", 0);
	assert_int_equal(sw.ups, 1);
}

/* Both sides find out by themselves; whoever is first says so to the other. */
static void ofctl_of_other_versions(void **state)
{
	static const char *const versions[] = { "OpenFlow10", "OpenFlow14,OpenFlow15" };

	for (int i = 0; i < 2; i++) {
		listen_on("ptcp:0:127.0.0.1");
		sw.downs = 0;
		ofctl(versions[i], "probe", 1);
		if (!strstr(output(), "version negotiation failed"))
			fail_msg("%s", output());
		assert_true(RUN_UNTIL(sw.downs, 20));
		assert_int_equal(sw.ups, 0);
		if (!strstr(sw.why, "hello"))
			fail_msg("%s", sw.why);
		seen_free(&sw);
		of_listener_free(listener);
		listener = NULL;
	}
}

static bool installed(const char *program)
{
	char cmd[100];

	snprintf(cmd, sizeof(cmd), "command -v %s >/dev/null", program);
	return !system(cmd);
}

static void testcontroller(void **state)
{
	char where[64];
	struct of_session_opts o = seen_opts(OF_SWITCH, &sw);
	uint16_t port;
	struct err e;

	if (!installed("ovs-testcontroller")) /* a package of its own */
		skip();
	/* A port that was free a moment ago. */
	listen_on("ptcp:0:127.0.0.1");
	port = of_listener_port(listener);
	of_listener_free(listener);
	listener = NULL;
	snprintf(where, sizeof(where), "ptcp:%u:127.0.0.1", port);
	spawn((char *[]){ (char *)"ovs-testcontroller", (char *)"-O", (char *)"OpenFlow13",
			  (char *)"--unixctl=none", where, NULL });
	o.echo_interval = 0.2;
	sw.s = of_session_new(loop, target, &o, &e);
	assert_non_null(sw.s);
	if (!RUN_UNTIL(sw.ups == 1 && sw.msgs > 0, 20))
		fail_msg("%s; %s", sw.why, output());
	RUN_FOR(1.0); /* echo both ways keeps it up */
	assert_int_equal(sw.ups, 1);
	assert_int_equal(sw.bads, 0);
	assert_true(of_session_is_up(sw.s));
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(ofctl_over_unix),
		T(ofctl_over_tcp),
		T(ofctl_of_other_versions),
		T(testcontroller),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many messages a second pass from one session to another, both in this one thread:
 *
 *     controller: encode, queue, write  ---- loopback TCP, unix ----  switch: read, decode, count
 *
 * Prints the figures; fails below a floor that only a system call per message (or worse) would
 * miss.
 */
#include "session_harness.h"

#include <sys/resource.h>
#include <time.h>

static struct seen sw, ctl;

static double cpu(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void count(struct of_session *s, const struct of_msg *m, void *arg)
{
	((struct seen *)arg)->msgs++;
}

static const struct of_session_ops counting = { .up = on_up, .msg = count, .down = on_down };

static void on_new_counting(struct of_session *s, void *arg)
{
	((struct seen *)arg)->s = s;
}

/* Sends 'n' of 'body' as the queue takes them; messages a second of processor time. */
static double rate(const char *what, const char *where, const struct of_any *body, int n)
{
	struct of_session_opts o = { .side = OF_SWITCH, .ops = &counting, .arg = &sw };
	struct of_listener *l;
	char target[128];
	double t;
	int sent = 0;

	sw = ctl = (struct seen){ 0 };
	loop = ev_loop_new(EVFLAG_AUTO);
	l = of_listener_new(loop, where, &o, on_new_counting, &sw, NULL);
	assert_non_null(l);
	if (of_listener_port(l))
		snprintf(target, sizeof(target), "tcp:127.0.0.1:%u", of_listener_port(l));
	else
		snprintf(target, sizeof(target), "%s", where + 1);
	o = (struct of_session_opts){ .side = OF_SWITCH, .ops = &counting, .arg = &ctl };
	ctl.s = of_session_new(loop, target, &o, NULL);
	assert_true(RUN_UNTIL(sw.ups && ctl.ups, 20));
	t = cpu();
	while (sw.msgs < n) {
		for (int i = 0; i < 1000 && sent < n && of_session_backlog(ctl.s) < 4 << 20; i++)
			sent += !of_session_send(ctl.s, (uint32_t)sent, body);
		ev_run(loop, EVRUN_NOWAIT);
		assert_int_equal(sw.downs + ctl.downs, 0);
	}
	t = cpu() - t;
	print_message("%s over %.5s: %.2f million messages/s, %.0f ns each\n", what, where,
		      n / t / 1e6, 1e9 * t / n);
	of_session_free(ctl.s);
	of_session_free(sw.s);
	of_listener_free(l);
	ev_loop_destroy(loop);
	return n / t;
}

static void messages_a_second(void **state)
{
	const struct of_barrier_request barrier = { .kind = OF_KIND_barrier_request };
	struct of_action_output out = { .kind = OF_KIND_action_output, .port = 2 };
	struct of_any *actions[] = { (struct of_any *)&out };
	struct of_inst_apply_actions apply = { .kind = OF_KIND_inst_apply_actions,
					       .actions = { 1, actions } };
	struct of_any *insts[] = { (struct of_any *)&apply };
	struct of_flow_mod mod = { .kind = OF_KIND_flow_mod, .insts = { 1, insts } };
	char path[64], where[80];

	snprintf(path, sizeof(path), "/tmp/weft-rate-%d.sock", getpid());
	snprintf(where, sizeof(where), "punix:%s", path);
	assert_true(rate("barrier", "ptcp:0:127.0.0.1", (struct of_any *)&barrier, 300000) > 1e5);
	assert_true(rate("barrier", where, (struct of_any *)&barrier, 300000) > 1e5);
	assert_true(rate("flow_mod", "ptcp:0:127.0.0.1", (struct of_any *)&mod, 100000) > 5e4);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(messages_a_second) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

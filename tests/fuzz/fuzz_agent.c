/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a connected controller may send to the agent of a whole switch: tables, groups, meters,
 * ports, bundles, management messages, packets.
 *
 * Input: messages one after the other; lengths are mended so that the stream stays in step, and
 * versions and xids are made good, so that what is tried is the agent and not the framing
 * (fuzz_session tries that).  A message type of 128 and more is one of the first 32 sent by a
 * second connection.  Between messages the one packet thread, which is this one too, does a round.
 * Nothing may crash or leak, and when both connections are gone and everything is deleted, nothing
 * may be left.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/byteorder.h"
#include "base/log.h"
#include "datapath/agent.h"
#include "datapath/dp.h"
#include "datapath/eal.h"
#include "datapath/group.h"
#include "datapath/meter.h"
#include "datapath/punt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct ev_loop *loop;
static struct dp *dp;
static struct pmd *pmd;
static struct agent *agent;
static char path[64];

static void remove_sockets(void)
{
	char snoop[80];

	snprintf(snoop, sizeof(snoop), "%s.snoop", path);
	unlink(path);
	unlink(snoop);
}

static void die(const char *what)
{
	fprintf(stderr, "fuzz_agent: %s\n", what);
	abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct dp_opts o = { .name = "fuzz", .dpid = 1, .cache_entries = 64, .max_flows = 1000 };
	struct agent_opts ao = { .socket = path, .host_id = "fuzz", .n_buffers = 8 };
	struct err e = { "" };

	role_assume_control();
	log_init("fuzz_agent");
	log_set_level("error");
	snprintf(path, sizeof(path), "/tmp/fuzz_agent.%d", (int)getpid());
	atexit(remove_sockets);
	if (eal_start(NULL, &e) < 0 || !(dp = dp_new(&o, &e)) || !(pmd = pmd_new_detached(dp)))
		die(e.text);
	for (unsigned int i = 1; i <= 3; i++) {
		struct port_spec spec;
		char text[32], name[8];

		snprintf(text, sizeof(text), "vdev:net_null%u,no-rx=1", i);
		snprintf(name, sizeof(name), "p%u", i);
		if (port_spec_parse(text, &spec, &e) || port_add(dp, name, i, &spec, NULL, &e))
			die(e.text);
	}
	loop = ev_loop_new(EVFLAG_AUTO);
	agent = agent_new(loop, dp, &ao, &e);
	if (!agent)
		die(e.text);
	return 0;
}

static void on_punt(struct dp *d, struct punt *p, void *arg)
{
	role_assume_control();
	if (p->kind == PUNT_PACKET_IN)
		agent_packet_in(agent, p);
}

static void turn(int fd) CONTROL
{
	uint8_t sink[65536];

	ev_run(loop, EVRUN_NOWAIT);
	role_assume_pmd();
	pmd_iteration(pmd);
	punt_wake(pmd);
	role_assume_control();
	punt_drain(dp, 64, on_punt, NULL);
	inject_reap(dp);
	dp_reclaim(dp);
	while (fd >= 0 && recv(fd, sink, sizeof(sink), MSG_DONTWAIT) > 0)
		;
}

static void give(int fd, const uint8_t *p, size_t n) CONTROL
{
	while (n) {
		ssize_t sent = send(fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);

		turn(fd);
		if (sent < 0)
			return; /* closed: the rest is not heard */
		p += sent;
		n -= (size_t)sent;
	}
	turn(fd);
}

static int call(void) CONTROL
{
	static const uint8_t hello[] = { 4, 0, 0, 16, 0, 0, 0, 1, 0, 1, 0, 8, 0, 0, 0, 0x10 };
	/* miss_send_len: events are wanted. */
	static const uint8_t config[] = { 4, OFPT_SET_CONFIG, 0, 12, 0, 0, 0, 2, 0, 0, 0, 64 };
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strncpy(a.sun_path, path, sizeof(a.sun_path) - 1);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)))
		die("cannot connect");
	give(fd, hello, sizeof(hello));
	give(fd, config, sizeof(config));
	return fd;
}

static int count_group(void *arg, const struct group *g)
{
	++*(unsigned int *)arg;
	return 0;
}

static int count_meter(void *arg, const struct meter *m)
{
	++*(unsigned int *)arg;
	return 0;
}

static void must(int rc, const char *what, const struct of_err *e)
{
	if (rc)
		die(e->text[0] ? e->text : what);
}

static void nothing_is_left(void) CONTROL
{
	struct of_flow_mod fm = { .kind = OF_KIND_flow_mod,
				  .command = OFPFC_DELETE,
				  .table_id = OFPTT_ALL,
				  .buffer_id = OFP_NO_BUFFER,
				  .out_port = OFPP_ANY,
				  .out_group = OFPG_ANY };
	struct of_group_mod gm = { .kind = OF_KIND_group_mod,
				   .command = OFPGC_DELETE,
				   .group_id = OFPG_ALL };
	struct of_meter_mod mm = { .kind = OF_KIND_meter_mod,
				   .command = OFPMC_DELETE,
				   .meter_id = OFPM_ALL };
	struct of_err e = { 0 };
	unsigned int left = 0;

	must(table_flow_mod(dp, &fm, &e), "flows are not deleted", &e);
	must(group_mod(dp, &gm, &e), "groups are not deleted", &e);
	must(meter_mod(dp, &mm, &e), "meters are not deleted", &e);
	mm.meter_id = OFPM_CONTROLLER;
	must(meter_mod(dp, &mm, &e), "the controller's meter is not deleted", &e);
	mm.meter_id = OFPM_SLOWPATH;
	must(meter_mod(dp, &mm, &e), "the slow path's meter is not deleted", &e);
	for (int i = 0; i < 4; i++) {
		dp_publish(dp);
		turn(-1);
		dp_barrier(dp);
	}
	group_each(dp, OFPG_ALL, 0, count_group, &left);
	meter_each(dp, OFPM_ALL, 0, count_meter, &left);
	for (unsigned int t = 0; t < N_TABLES; t++)
		left += table_count(dp, (uint8_t)t);
	if (left)
		die("something is left");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static uint8_t m[OF_MSG_MAX];
	int fds[2];

	role_assume_control();
	fds[0] = call();
	fds[1] = call();
	for (uint32_t xid = 100; n >= OF_HEADER_LEN; xid++) {
		size_t len = get_be16(data + 2);

		if (len < OF_HEADER_LEN || len > n)
			len = n < OF_MSG_MAX ? n : OF_MSG_MAX;
		memcpy(m, data, len);
		m[0] = OF_VERSION_13;
		m[1] &= 31;
		put_be16(m + 2, (uint16_t)len);
		put_be32(m + 4, xid);
		/* An envelope's message has its xid. */
		if (m[1] == OFPT_EXPERIMENTER && len >= 32 && get_be32(m + 12) == 2301)
			put_be32(m + 28, xid);
		give(fds[data[1] >> 7], m, len);
		data += len;
		n -= len;
	}
	close(fds[0]);
	close(fds[1]);
	for (int i = 0; i < 4; i++)
		turn(-1);
	nothing_is_left();
	return 0;
}

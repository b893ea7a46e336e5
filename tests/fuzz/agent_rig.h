/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent of a whole switch in one thread, for peers that send what they like: three ports that
 * receive nothing, one packet thread that does a round whenever agent_rig_turn() is called.
 *
 * For fuzz_agent and the unit test of random sessions; one rig a program.
 */
#ifndef WEFT_TESTS_AGENT_RIG_H
#define WEFT_TESTS_AGENT_RIG_H

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

static struct agent_rig {
	struct ev_loop *loop;
	struct dp *dp;
	struct pmd *pmd;
	struct agent *agent;
	const char *name;
	char path[64];
} rig;

static inline void agent_rig_remove_sockets(void)
{
	char snoop[80];

	snprintf(snoop, sizeof(snoop), "%s.snoop", rig.path);
	unlink(rig.path);
	unlink(snoop);
}

static inline void agent_rig_die(const char *what)
{
	fprintf(stderr, "%s: %s\n", rig.name, what);
	abort();
}

static inline void agent_rig_start(const char *name) CONTROL
{
	struct dp_opts o = { .name = "fuzz", .dpid = 1, .cache_entries = 64, .max_flows = 1000 };
	struct agent_opts ao = { .socket = rig.path, .host_id = "fuzz", .n_buffers = 8 };
	struct err e = { "" };

	rig.name = name;
	log_init(name);
	log_set_level("error");
	snprintf(rig.path, sizeof(rig.path), "/tmp/%s.%d", name, (int)getpid());
	atexit(agent_rig_remove_sockets);
	if (eal_start(NULL, &e) < 0 || !(rig.dp = dp_new(&o, &e)) ||
	    !(rig.pmd = pmd_new_detached(rig.dp)))
		agent_rig_die(e.text);
	for (unsigned int i = 1; i <= 3; i++) {
		struct port_spec spec;
		char text[32], port[8];

		snprintf(text, sizeof(text), "vdev:net_null%u,no-rx=1", i);
		snprintf(port, sizeof(port), "p%u", i);
		if (port_spec_parse(text, &spec, &e) || port_add(rig.dp, port, i, &spec, NULL, &e))
			agent_rig_die(e.text);
	}
	rig.loop = ev_loop_new(EVFLAG_AUTO);
	rig.agent = agent_new(rig.loop, rig.dp, &ao, &e);
	if (!rig.agent)
		agent_rig_die(e.text);
}

static inline void agent_rig_punt(struct dp *d, struct punt *p, void *arg)
{
	role_assume_control();
	if (p->kind == PUNT_PACKET_IN)
		agent_packet_in(rig.agent, p);
}

/* A round of the control thread and one of the packet thread. */
static inline void agent_rig_turn(void) CONTROL
{
	ev_run(rig.loop, EVRUN_NOWAIT);
	role_assume_pmd();
	pmd_iteration(rig.pmd);
	punt_wake(rig.pmd);
	role_assume_control();
	punt_drain(rig.dp, 64, agent_rig_punt, NULL);
	inject_reap(rig.dp);
	dp_reclaim(rig.dp);
}

static inline int agent_rig_connect(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strncpy(a.sun_path, rig.path, sizeof(a.sun_path) - 1);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)))
		agent_rig_die("cannot connect");
	return fd;
}

static inline int agent_rig_count_group(void *arg, const struct group *g)
{
	++*(unsigned int *)arg;
	return 0;
}

static inline int agent_rig_count_meter(void *arg, const struct meter *m)
{
	++*(unsigned int *)arg;
	return 0;
}

static inline unsigned int agent_rig_flows(void) CONTROL
{
	unsigned int n = 0;

	for (unsigned int t = 0; t < N_TABLES; t++)
		n += table_count(rig.dp, (uint8_t)t);
	return n;
}

static inline unsigned int agent_rig_groups(void) CONTROL
{
	unsigned int n = 0;

	group_each(rig.dp, OFPG_ALL, 0, agent_rig_count_group, &n);
	return n;
}

static inline unsigned int agent_rig_meters(void) CONTROL
{
	unsigned int n = 0;

	meter_each(rig.dp, OFPM_ALL, 0, agent_rig_count_meter, &n);
	return n;
}

static inline void agent_rig_must(int rc, const char *what, const struct of_err *e)
{
	if (rc)
		agent_rig_die(e->text[0] ? e->text : what);
}

/* Deletes all that messages have made; nothing may be left. */
static inline void agent_rig_clear(void) CONTROL
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

	agent_rig_must(table_flow_mod(rig.dp, &fm, &e), "flows are not deleted", &e);
	agent_rig_must(group_mod(rig.dp, &gm, &e), "groups are not deleted", &e);
	agent_rig_must(meter_mod(rig.dp, &mm, &e), "meters are not deleted", &e);
	mm.meter_id = OFPM_CONTROLLER;
	agent_rig_must(meter_mod(rig.dp, &mm, &e), "the controller's meter is not deleted", &e);
	mm.meter_id = OFPM_SLOWPATH;
	agent_rig_must(meter_mod(rig.dp, &mm, &e), "the slow path's meter is not deleted", &e);
	for (int i = 0; i < 4; i++) {
		dp_publish(rig.dp);
		agent_rig_turn();
		dp_barrier(rig.dp);
	}
	if (agent_rig_flows() || agent_rig_groups() || agent_rig_meters())
		agent_rig_die("something is left");
}

#endif

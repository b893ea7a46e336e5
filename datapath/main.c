/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft-switch: puts the parts together, turns the control thread's loop, takes them apart again.
 *
 * What is started is stopped in the opposite order.  Everything here: control thread.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <ev.h>
#include <rte_cycles.h>
#include <rte_version.h>

#include "base/log.h"
#include "base/version.h"
#include "datapath/agent.h"
#include "datapath/ct.h"
#include "datapath/dp.h"
#include "datapath/eal.h"
#include "datapath/fdb.h"
#include "datapath/ipfix.h"
#include "datapath/learn.h"
#include "datapath/link_watch.h"
#include "datapath/options.h"
#include "datapath/punt.h"
#include "datapath/tunnel.h"

enum {
	PUNTS_A_ROUND = 256, /* then OpenFlow has its turn */
	DRAIN_ROUNDS = 16,   /* of them at most before a barrier is answered */
};

struct main_state {
	struct options o;
	struct ev_loop *loop;
	struct dp *dp;
	struct agent *agent;
	struct link_watch *link_watch; /* NULL: links are polled only */
	char socket[108];	       /* sun_path */
	char lock_path[120];
	int lock_fd;
	ev_timer expire, links;
	ev_io punted;
	ev_prepare before_sleep;
	ev_idle again, expire_more, reclaim_more;
	ev_signal term, intr;
};

/* ---- What the PMDs send up ---- */

static void learn(struct dp *dp, const struct punt *p) CONTROL
{
	uint32_t port = be32toh(p->key.in_port);

	if (port_by_no(dp, port)) /* it may have gone since */
		fdb_learn(dp->fdb, be16toh(p->key.vlan_tci), p->key.eth_src, port,
			  fdb_now(rte_rdtsc()));
}

static void punt_handle(struct dp *dp, struct punt *p, void *arg)
{
	struct main_state *s = arg;

	role_assume_control();
	switch (p->kind) {
	case PUNT_PACKET_IN:
		agent_packet_in(s->agent, p);
		break;
	case PUNT_LEARN:
		learn(dp, p);
		break;
	case PUNT_VTEP:
	case PUNT_RESOLVE:
		tunnel_punt(dp, p);
		break;
	case PUNT_FLOW:
	case PUNT_FIN:
		learn_punt(dp, p);
		break;
	case N_PUNT_KINDS:
		break;
	}
}

/* ---- The loop ---- */

static uint64_t wall_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* A round that was full is followed by another, after what else there is to do. */
static void drain(struct main_state *s) CONTROL
{
	const unsigned int n = punt_drain(s->dp, PUNTS_A_ROUND, punt_handle, s);
	const bool more = ipfix_run(s->dp, rte_rdtsc(), wall_ms());

	learn_publish(s->dp);
	if (n < PUNTS_A_ROUND)
		learn_drained(s->dp);
	if (n == PUNTS_A_ROUND || more)
		ev_idle_start(s->loop, &s->again);
	else
		ev_idle_stop(s->loop, &s->again);
}

/* What is there now; more may come while that is handled. */
static void drain_all(void *arg)
{
	struct main_state *s = arg;

	role_assume_control();
	for (unsigned int i = 0; i < DRAIN_ROUNDS; i++)
		if (punt_drain(s->dp, PUNTS_A_ROUND, punt_handle, s) < PUNTS_A_ROUND)
			break;
	learn_publish(s->dp);
}

static void punted_cb(struct ev_loop *loop, ev_io *w, int events)
{
	role_assume_control();
	drain(w->data);
}

static void again_cb(struct ev_loop *loop, ev_idle *w, int events)
{
	role_assume_control();
	drain(w->data);
}

static void before_sleep_cb(struct ev_loop *loop, ev_prepare *w, int events)
{
	struct main_state *s = w->data;

	role_assume_control();
	if (!ev_is_active(&s->again) && !punt_sleep(s->dp))
		ev_idle_start(loop, &s->again); /* something came meanwhile: do not block */
}

static void expire_cb(struct ev_loop *loop, ev_timer *w, int events)
{
	struct main_state *s = w->data;
	struct timespec t;

	role_assume_control();
	clock_gettime(CLOCK_MONOTONIC, &t);
	table_expire(s->dp, (double)t.tv_sec + (double)t.tv_nsec / 1e9);
	fdb_age(s->dp->fdb, fdb_now(rte_rdtsc()));
}

/* Connections that are due: a slice, and others between what else there is to do. */
static void expire_connections(struct main_state *s) CONTROL
{
	struct ct *t = atomic_load_explicit(&s->dp->ct, memory_order_relaxed);

	if (t && ct_expire(s->dp, t, ct_now(t, rte_rdtsc())))
		ev_idle_start(s->loop, &s->expire_more);
	else
		ev_idle_stop(s->loop, &s->expire_more);
}

static void expire_more_cb(struct ev_loop *loop, ev_idle *w, int events)
{
	role_assume_control();
	expire_connections(w->data);
}

static void reclaim_more_cb(struct ev_loop *loop, ev_idle *w, int events)
{
	struct main_state *s = w->data;

	role_assume_control();
	if (!dp_reclaim_some(s->dp))
		ev_idle_stop(loop, w);
}

static void links_cb(struct ev_loop *loop, ev_timer *w, int events)
{
	struct main_state *s = w->data;

	role_assume_control();
	port_poll_links(s->dp);
	tunnel_tick(s->dp);
	inject_reap(s->dp);
	if (dp_reclaim_some(s->dp))
		ev_idle_start(s->loop, &s->reclaim_more);
	table_calm(s->dp);
	expire_connections(s);
	if (ipfix_run(s->dp, rte_rdtsc(), wall_ms()))
		ev_idle_start(s->loop, &s->again);
}

static void stop_cb(struct ev_loop *loop, ev_signal *w, int events)
{
	log_info("main", "stopping");
	ev_break(loop, EVBREAK_ALL);
}

static void watch(struct main_state *s) CONTROL
{
	struct err e;

	s->link_watch = link_watch_new(s->loop, s->dp, &e);
	if (!s->link_watch)
		log_warn("main", "%s", e.text);
	ev_timer_init(&s->expire, expire_cb, 0.5, 0.5);
	ev_timer_init(&s->links, links_cb, 0.1, 0.1);
	ev_io_init(&s->punted, punted_cb, punt_fd(s->dp), EV_READ);
	ev_prepare_init(&s->before_sleep, before_sleep_cb);
	ev_idle_init(&s->again, again_cb);
	ev_idle_init(&s->expire_more, expire_more_cb);
	ev_idle_init(&s->reclaim_more, reclaim_more_cb);
	ev_signal_init(&s->term, stop_cb, SIGTERM);
	ev_signal_init(&s->intr, stop_cb, SIGINT);
	s->expire.data = s->links.data = s->punted.data = s->before_sleep.data = s->again.data =
		s->expire_more.data = s->reclaim_more.data = s;
	ev_timer_start(s->loop, &s->expire);
	ev_timer_start(s->loop, &s->links);
	ev_io_start(s->loop, &s->punted);
	ev_prepare_start(s->loop, &s->before_sleep);
	ev_signal_start(s->loop, &s->term);
	ev_signal_start(s->loop, &s->intr);
}

static void unwatch(struct main_state *s) CONTROL
{
	link_watch_free(s->link_watch);
	ev_timer_stop(s->loop, &s->expire);
	ev_timer_stop(s->loop, &s->links);
	ev_io_stop(s->loop, &s->punted);
	ev_prepare_stop(s->loop, &s->before_sleep);
	ev_idle_stop(s->loop, &s->again);
	ev_idle_stop(s->loop, &s->expire_more);
	ev_idle_stop(s->loop, &s->reclaim_more);
	ev_signal_stop(s->loop, &s->term);
	ev_signal_stop(s->loop, &s->intr);
}

/* ---- The management socket is this switch's alone ---- */

static int make_dirs(const char *path, struct err *e)
{
	char dir[128];

	snprintf(dir, sizeof(dir), "%s", path);
	for (char *s = strchr(dir + 1, '/'); s; s = strchr(s + 1, '/')) {
		*s = 0;
		if (mkdir(dir, 0755) && errno != EEXIST)
			return err_set(e, -errno, "cannot make %s for the management socket: %s",
				       dir, strerror(errno));
		*s = '/';
	}
	return 0;
}

static int socket_claim(struct main_state *s, struct err *e)
{
	const char *dir = getenv("WEFT_RUNDIR");
	int n, rc;

	if (s->o.socket)
		n = snprintf(s->socket, sizeof(s->socket), "%s", s->o.socket);
	else
		n = snprintf(s->socket, sizeof(s->socket), "%s/%s.sock", dir ? dir : "/run/weft",
			     s->o.name);
	if (n >= (int)sizeof(s->socket))
		return err_set(e, -ENAMETOOLONG,
			       "management socket: a path of at most %zu characters",
			       sizeof(s->socket) - 1);
	rc = make_dirs(s->socket, e);
	if (rc)
		return rc;
	snprintf(s->lock_path, sizeof(s->lock_path), "%s.lock", s->socket);
	s->lock_fd = open(s->lock_path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	if (s->lock_fd < 0)
		return err_set(e, -errno, "%s: %s", s->lock_path, strerror(errno));
	if (flock(s->lock_fd, LOCK_EX | LOCK_NB)) {
		close(s->lock_fd);
		s->lock_fd = -1;
		return err_set(e, -EADDRINUSE,
			       "a switch runs with %s already: give this one another --name or "
			       "--socket",
			       s->socket);
	}
	return 0;
}

static void socket_release(struct main_state *s)
{
	if (s->lock_fd < 0)
		return;
	unlink(s->lock_path);
	close(s->lock_fd);
}

/* ---- Starting ---- */

static int start_eal(const struct options *o, struct err *e) CONTROL
{
	struct eal_opts eo = {
		.mbufs = o->mbufs,
		.memory_mb = o->memory,
		.args = o->eal_args,
		.n_args = o->n_eal_args,
	};
	static struct opt_port pci[EAL_PCI_MAX];

	for (unsigned int i = 0; i < o->ports.n && eo.n_pci < EAL_PCI_MAX; i++) {
		struct opt_port *p = &pci[eo.n_pci];

		if (!opt_port_parse(o->ports.v[i], p, NULL) && p->spec.type == PORT_DPDK)
			eo.pci[eo.n_pci++] = p->spec.device;
	}
	return eal_start(&eo, e);
}

static int start_dp(struct main_state *s, struct err *e) CONTROL
{
	const struct options *o = &s->o;
	struct dp_opts d = {
		.name = o->name,
		.dpid = o->dpid,
		.pmd_cores = o->pmd_cores,
		.cache_entries = o->cache_entries,
		.max_flows = o->max_flows,
		.ct_max = o->ct_max,
		.ct_starts = o->ct_starts,
		.n_ct_starts = o->ct_zones.n,
		.ct_liberal = o->ct_liberal,
		.standalone = o->standalone,
	};

	int rc;

	s->dp = dp_new(&d, e);
	if (!s->dp)
		return -ENOMEM;
	rc = pmd_init_all(s->dp, o->pmd_cores, e);
	if (rc) {
		dp_free(s->dp);
		return rc;
	}
	if (o->has_rate)
		punt_set_rate(s->dp, o->packet_in_rate, o->packet_in_burst);
	return 0;
}

static int add_ports(struct main_state *s, struct err *e) CONTROL
{
	for (unsigned int i = 0; i < s->o.ports.n; i++) {
		struct opt_port p;
		int rc = opt_port_parse(s->o.ports.v[i], &p, e);

		if (!rc)
			rc = port_add(s->dp, p.name, p.no, &p.spec, NULL, e);
		if (rc)
			return rc;
	}
	return 0;
}

static int add_collectors(struct main_state *s, struct err *e) CONTROL
{
	int rc = 0;

	for (unsigned int i = 0; i < s->o.ipfix.n && !rc; i++) {
		struct ipfix_spec spec;

		rc = ipfix_spec_parse(s->o.ipfix.v[i], &spec, e);
		if (!rc)
			rc = ipfix_add(s->dp, &spec, e);
	}
	return rc;
}

static int start_agent(struct main_state *s, struct err *e) CONTROL
{
	const struct options *o = &s->o;
	struct agent_opts a = {
		.drain = drain_all,
		.arg = s,
		.controllers = o->controllers.v,
		.n_controllers = o->controllers.n,
		.listeners = o->listeners.v,
		.n_listeners = o->listeners.n,
		.socket = s->socket,
		.host_id = o->host_id,
		.n_buffers = o->packet_buffers,
		.tls = { o->private_key, o->certificate, o->ca_cert },
	};

	s->agent = agent_new(s->loop, s->dp, &a, e);
	return s->agent ? 0 : -EINVAL;
}

static void ready(const struct main_state *s)
{
	log_info("main",
		 "ready: %s, dpid %016llx, %u port%s, packet threads on %s%s, %s, socket %s",
		 s->o.name, (unsigned long long)s->o.dpid, s->o.ports.n,
		 s->o.ports.n == 1 ? "" : "s", s->o.pmd_cores ? "cores " : "any core",
		 s->o.pmd_cores ? s->o.pmd_cores : "", eal_memory_kind(), s->socket);
}

/* The ladder up, and down from the step that was reached. */
static int run(struct main_state *s, struct err *e) CONTROL
{
	int rc = socket_claim(s, e);

	if (rc)
		return rc;
	rc = start_eal(&s->o, e);
	if (rc)
		goto release;
	s->loop = ev_default_loop(EVFLAG_AUTO);
	rc = start_dp(s, e);
	if (rc)
		goto eal;
	rc = add_ports(s, e);
	if (!rc)
		rc = add_collectors(s, e);
	if (!rc)
		rc = start_agent(s, e);
	if (rc)
		goto dp;
	rc = pmd_start_all(s->dp, e);
	if (rc)
		goto agent;
	watch(s);
	ready(s);
	ev_run(s->loop, 0);
	unwatch(s);
	pmd_stop_all(s->dp);
	/* What the last packets have told. */
	ipfix_run(s->dp, rte_rdtsc(), wall_ms());
agent:
	agent_free(s->agent);
dp:
	dp_free(s->dp);
eal:
	ev_loop_destroy(s->loop);
	eal_stop();
release:
	socket_release(s);
	return rc;
}

/* This program anew, without hugepages; returns where that cannot be done. */
static void again_without_hugepages(int argc, char **argv, const struct err *why) CONTROL
{
	char **v = calloc((size_t)argc + 3, sizeof(*v));
	int n = 0;
	bool dashes = false;

	if (!v)
		return;
	for (; n < argc; n++) {
		v[n] = argv[n];
		dashes |= !strcmp(argv[n], "--");
	}
	if (!dashes)
		v[n++] = (char *)"--";
	v[n] = (char *)"--no-huge";
	log_warn("main", "starting again without hugepages: %s", why->text);
	execv("/proc/self/exe", v);
	free(v);
}

int main(int argc, char **argv)
{
	static struct main_state s = { .lock_fd = -1 };
	struct err e = { .text = "" };
	int rc;

	role_assume_control();
	log_init("weft-switch");
	signal(SIGPIPE, SIG_IGN);
	rc = options_parse(&s.o, argc, argv, &e);
	if (!rc && s.o.help) {
		options_usage();
	} else if (!rc && s.o.version) {
		printf("weft-switch %s, %s\n", weft_version, rte_version());
	} else {
		if (!rc && log_set_level(s.o.log))
			rc = err_set(&e, -EINVAL, "log '%s': error, warn, info or debug is right",
				     s.o.log);
		if (!rc)
			rc = run(&s, &e);
		if (rc && eal_lost_hugepages())
			again_without_hugepages(argc, argv, &e);
		if (rc)
			fprintf(stderr, "weft-switch: %s\n", e.text);
	}
	options_fini(&s.o);
	return rc ? 1 : 0;
}

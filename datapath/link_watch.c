/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/link_watch.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ev.h>

#include "datapath/dp.h"
#include "datapath/port_dev.h"
#include "datapath/vhost_kick.h"

enum { NEWS = 16384 }; /* bytes of netlink messages at once */

struct link_watch {
	struct ev_loop *loop;
	struct dp *dp;
	int fd;
	ev_io news;
	ev_async interrupt;
};

/* Of the switch: a device's interrupt knows its port number alone. */
static _Atomic(struct link_watch *) watching;
static atomic_bool changed[RTE_MAX_ETHPORTS];

/* ---- Drivers ---- */

int link_watch_interrupt(uint16_t ethdev, enum rte_eth_event_type type, void *arg, void *ret)
{
	struct link_watch *w = atomic_load(&watching);

	if (type == RTE_ETH_EVENT_INTR_LSC)
		vhost_kick_link(ethdev, false);
	if (!w || ethdev >= RTE_MAX_ETHPORTS)
		return 0;
	atomic_store(&changed[ethdev], true);
	ev_async_send(w->loop, &w->interrupt);
	return 0;
}

static int look_if_changed(void *arg, struct port *p) CONTROL
{
	struct link_watch *w = arg;

	if (p->ethdev >= RTE_MAX_ETHPORTS || !atomic_exchange(&changed[p->ethdev], false))
		return 0;
	port_look(w->dp, p);
	/* It may be another peer's queues that are to tell of frames now (rx_alarm.h). */
	pmd_assign_queues(w->dp);
	return 0;
}

static void on_interrupt(struct ev_loop *loop, ev_async *a, int events)
{
	struct link_watch *w = a->data;

	role_assume_control();
	port_each(w->dp, look_if_changed, w);
}

/* ---- The kernel ---- */

struct told {
	struct link_watch *w;
	unsigned int ifindex;
	const char *ifname; /* NULL: it did not say */
};

static int look_if_told(void *arg, struct port *p) CONTROL
{
	const struct told *t = arg;
	const struct port_cold *c = p->cold;

	if (!c->ifname[0])
		return 0;
	if (c->ifindex == t->ifindex || (t->ifname && !strcmp(c->ifname, t->ifname)))
		port_look(t->w->dp, p);
	return 0;
}

static int look(void *arg, struct port *p) CONTROL
{
	struct link_watch *w = arg;

	port_look(w->dp, p);
	return 0;
}

static void hear(struct link_watch *w, const struct nlmsghdr *h) CONTROL
{
	const struct ifinfomsg *i = NLMSG_DATA(h);
	struct told t = { .w = w, .ifindex = (unsigned int)i->ifi_index };
	int n = (int)IFLA_PAYLOAD(h);

	if ((h->nlmsg_type != RTM_NEWLINK && h->nlmsg_type != RTM_DELLINK) ||
	    h->nlmsg_len < NLMSG_LENGTH(sizeof(*i)))
		return;
	for (const struct rtattr *a = IFLA_RTA(i); RTA_OK(a, n); a = RTA_NEXT(a, n))
		if (a->rta_type == IFLA_IFNAME && memchr(RTA_DATA(a), 0, RTA_PAYLOAD(a)))
			t.ifname = RTA_DATA(a);
	port_each(w->dp, look_if_told, &t);
}

static void on_news(struct ev_loop *loop, ev_io *io, int events)
{
	static uint8_t buf[NEWS] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct link_watch *w = io->data;
	ssize_t n;

	role_assume_control();
	while ((n = recv(w->fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0) {
		unsigned int left = (unsigned int)n;

		for (const struct nlmsghdr *h = (const void *)buf; NLMSG_OK(h, left);
		     h = NLMSG_NEXT(h, left))
			hear(w, h);
	}
	/* The kernel had more to say than there was room for. */
	if (n < 0 && errno == ENOBUFS)
		port_each(w->dp, look, w);
}

static int listen_to_kernel(struct err *e)
{
	struct sockaddr_nl a = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd >= 0 && !bind(fd, (struct sockaddr *)&a, sizeof(a)))
		return fd;
	err_set(e, -errno, "the kernel does not tell of links: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

/* ---- Life ---- */

struct link_watch *link_watch_new(struct ev_loop *loop, struct dp *dp, struct err *e)
{
	struct link_watch *w = calloc(1, sizeof(*w));

	if (!w) {
		err_set(e, -ENOMEM, "out of memory");
		return NULL;
	}
	w->loop = loop;
	w->dp = dp;
	w->fd = listen_to_kernel(e);
	if (w->fd < 0) {
		free(w);
		return NULL;
	}
	ev_io_init(&w->news, on_news, w->fd, EV_READ);
	ev_async_init(&w->interrupt, on_interrupt);
	w->news.data = w->interrupt.data = w;
	/* Before the packets-in and the peers: who waits for a link waits for nothing else. */
	ev_set_priority(&w->news, EV_MAXPRI);
	ev_set_priority(&w->interrupt, EV_MAXPRI);
	ev_io_start(loop, &w->news);
	ev_async_start(loop, &w->interrupt);
	atomic_store(&watching, w);
	return w;
}

void link_watch_free(struct link_watch *w)
{
	if (!w)
		return;
	atomic_store(&watching, NULL);
	ev_io_stop(w->loop, &w->news);
	ev_async_stop(w->loop, &w->interrupt);
	close(w->fd);
	free(w);
}

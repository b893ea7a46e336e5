/* SPDX-License-Identifier: Apache-2.0 */
#define ALLOW_EXPERIMENTAL_API /* rte_eth_dev_rx_intr_ctl_q_get_fd() */
#include "datapath/rx_alarm.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <rte_ethdev.h>

#include "datapath/af_packet.h"
#include "datapath/af_xdp.h"
#include "datapath/doze.h"
#include "datapath/pmd_work.h"

static bool link_is_up(uint16_t ethdev)
{
	struct rte_eth_link link = { 0 };

	return !rte_eth_link_get_nowait(ethdev, &link) && link.link_status;
}

static bool driver_is(uint16_t ethdev, const char *name)
{
	struct rte_eth_dev_info info;

	return !rte_eth_dev_info_get(ethdev, &info) && !strcmp(info.driver_name, name);
}

bool rx_alarm_of_driver(const char *driver)
{
	return !strcmp(driver, "net_tap") || !strcmp(driver, "net_virtio_user");
}

static int watch(struct doze *z, int fd) CONTROL
{
	return fd < 0 ? -ENOTSUP : doze_watch(z, fd);
}

/* ---- What has to be asked ---- */

static int memif_init(struct rx_alarm *a) CONTROL
{
	/* That a peer is there again the driver tells, and queues are given out anew. */
	const int rc =
		link_is_up(a->ethdev) ? memif_ring_init(&a->memif, a->ethdev, a->queue) : -ENOENT;

	if (rc)
		return rc;
	a->kind = ALARM_MEMIF;
	a->eventfd = a->memif.eventfd;
	return 0;
}

static int vhost_init(struct rx_alarm *a) CONTROL
{
	const int rc = vhost_kick_init(&a->vhost, a->ethdev, a->queue);

	if (rc)
		return rc;
	a->kind = ALARM_VHOST;
	a->eventfd = a->vhost.eventfd;
	return 0;
}

static int driver_init(struct rx_alarm *a) CONTROL
{
	const int fd = rte_eth_dev_rx_intr_ctl_q_get_fd(a->ethdev, a->queue);

	if (fd < 0 || !(fcntl(fd, F_GETFL) & O_NONBLOCK))
		return -ENOTSUP;
	a->eventfd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (a->eventfd < 0)
		return -ENOTSUP;
	a->kind = ALARM_DRIVER;
	return 0;
}

int rx_alarm_init(struct rx_alarm *a, struct doze *z, const struct rxq *q)
{
	const uint16_t ethdev = q->port->ethdev;
	int rc = -ENOTSUP;

	*a = (struct rx_alarm){ .ethdev = ethdev, .queue = q->queue };
	if (q->ring)
		return doze_watch(z, af_packet_fd(ethdev, q->queue));
	if (driver_is(ethdev, "net_tap"))
		return watch(z, rte_eth_dev_rx_intr_ctl_q_get_fd(ethdev, q->queue));
	if (driver_is(ethdev, "net_af_xdp"))
		return watch(z, af_xdp_fd(q->port, q->queue));
	if (memif_is(ethdev))
		rc = memif_init(a);
	else if (vhost_kick_is(ethdev))
		rc = vhost_init(a);
	else if (driver_is(ethdev, "net_virtio_user"))
		rc = driver_init(a);
	if (rc)
		return rc == -ENOENT ? 0 : rc;
	rc = doze_watch(z, a->eventfd);
	if (rc)
		rx_alarm_fini(a, z);
	return rc;
}

void rx_alarm_fini(struct rx_alarm *a, struct doze *z)
{
	if (a->kind != ALARM_NONE && z)
		doze_unwatch(z, a->eventfd);
	switch (a->kind) {
	case ALARM_NONE:
		break;
	case ALARM_MEMIF:
		memif_ring_fini(&a->memif);
		break;
	case ALARM_VHOST:
		vhost_kick_fini(&a->vhost);
		break;
	case ALARM_DRIVER:
		close(a->eventfd);
		break;
	}
	a->kind = ALARM_NONE;
}

/* ---- The packet thread ---- */

static void ask(const struct rx_alarm *a, bool tell) PMD
{
	switch (a->kind) {
	case ALARM_NONE:
		break;
	case ALARM_MEMIF:
		memif_ring_tell(&a->memif, tell);
		break;
	case ALARM_VHOST:
		(void)vhost_kick_tell(&a->vhost, tell);
		break;
	case ALARM_DRIVER:
		if (tell)
			(void)rte_eth_dev_rx_intr_enable(a->ethdev, a->queue);
		else
			(void)rte_eth_dev_rx_intr_disable(a->ethdev, a->queue);
		break;
	}
}

bool rx_alarms_arm(struct rx_alarm *a, uint32_t n)
{
	bool any = false;

	for (; n; n--, a++) {
		if (a->kind == ALARM_NONE || a->armed)
			continue;
		ask(a, true);
		any = a->armed = true;
	}
	return any;
}

void rx_alarms_disarm(struct rx_alarm *a, uint32_t n)
{
	for (; n; n--, a++) {
		if (a->kind == ALARM_NONE)
			continue;
		ask(a, false);
		a->armed = false;
	}
}

void rx_alarms_hear(const struct rx_alarm *a, uint32_t n)
{
	uint64_t times;

	for (; n; n--, a++)
		if (a->kind != ALARM_NONE)
			(void)!read(a->eventfd, &times, sizeof(times));
}

/* SPDX-License-Identifier: Apache-2.0 */
#define ALLOW_EXPERIMENTAL_API /* rte_eth_dev_rx_intr_ctl_q_get_fd() */
#include "datapath/rx_alarm.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <rte_ethdev.h>

#include "datapath/af_packet.h"
#include "datapath/doze.h"
#include "datapath/pmd_work.h"

static bool link_is_up(uint16_t ethdev)
{
	struct rte_eth_link link = { 0 };

	return !rte_eth_link_get_nowait(ethdev, &link) && link.link_status;
}

static bool tap_is(uint16_t ethdev)
{
	struct rte_eth_dev_info info;

	return !rte_eth_dev_info_get(ethdev, &info) && !strcmp(info.driver_name, "net_tap");
}

static int watch_tap(struct doze *z, uint16_t ethdev, uint16_t queue) CONTROL
{
	const int fd = rte_eth_dev_rx_intr_ctl_q_get_fd(ethdev, queue);

	return fd < 0 ? -ENOTSUP : doze_watch(z, fd);
}

int rx_alarm_init(struct rx_alarm *a, struct doze *z, const struct rxq *q)
{
	const uint16_t ethdev = q->port->ethdev;
	int rc;

	*a = (struct rx_alarm){ 0 };
	if (q->ring)
		return doze_watch(z, af_packet_fd(ethdev, q->queue));
	if (tap_is(ethdev))
		return watch_tap(z, ethdev, q->queue);
	if (!memif_is(ethdev))
		return -ENOTSUP;
	/* That a peer is there again the driver tells, and queues are given out anew. */
	if (!link_is_up(ethdev))
		return 0;
	rc = memif_ring_init(&a->memif, ethdev, q->queue);
	if (rc)
		return rc;
	a->kind = ALARM_MEMIF;
	rc = doze_watch(z, a->memif.eventfd);
	if (rc)
		rx_alarm_fini(a, z);
	return rc;
}

void rx_alarm_fini(struct rx_alarm *a, struct doze *z)
{
	if (a->kind != ALARM_MEMIF)
		return;
	if (z)
		doze_unwatch(z, a->memif.eventfd);
	memif_ring_fini(&a->memif);
	a->kind = ALARM_NONE;
}

bool rx_alarms_arm(struct rx_alarm *a, uint32_t n)
{
	bool any = false;

	for (; n; n--, a++) {
		if (a->kind == ALARM_NONE || a->armed)
			continue;
		memif_ring_tell(&a->memif, true);
		any = a->armed = true;
	}
	return any;
}

void rx_alarms_disarm(struct rx_alarm *a, uint32_t n)
{
	for (; n; n--, a++) {
		if (a->kind == ALARM_NONE)
			continue;
		memif_ring_tell(&a->memif, false);
		a->armed = false;
	}
}

void rx_alarms_hear(const struct rx_alarm *a, uint32_t n)
{
	uint64_t times;

	for (; n; n--, a++)
		if (a->kind != ALARM_NONE)
			(void)!read(a->memif.eventfd, &times, sizeof(times));
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/vhost_kick.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include <rte_eth_vhost.h>
#include <rte_ethdev.h>
#include <rte_vhost.h>

enum {
	NOBODY = 0,
	KICK_NOT_YET = -2, /* vhost.h of DPDK 22.11: the guest has not sent one so far */
	RINGS_A_PAIR = 2,
	GUEST_SENDS = 1, /* ... of which the second is what we receive from */
	WAIT_US = 10,
	WAIT_TIMES = 100000 /* a second; a packet thread is there for some nanoseconds */
};

/* By DPDK's port number: the guest that is there, by its number and one, and who uses it. */
static struct {
	atomic_int guest;
	atomic_int users;
} guests[RTE_MAX_ETHPORTS];

/* Either we see that it goes, or who tells sees that we are there. */
static bool enter(uint16_t ethdev, int vid)
{
	atomic_fetch_add(&guests[ethdev].users, 1);
	return atomic_load(&guests[ethdev].guest) == vid + 1;
}

static void leave(uint16_t ethdev)
{
	atomic_fetch_sub(&guests[ethdev].users, 1);
}

void vhost_kick_link(uint16_t ethdev, bool gone)
{
	int vid = -1;

	if (ethdev >= RTE_MAX_ETHPORTS)
		return;
	/* Of other drivers' devices it says that there is none. */
	if (!gone)
		vid = rte_eth_vhost_get_vid_from_port_id(ethdev);
	atomic_store(&guests[ethdev].guest, vid < 0 ? NOBODY : vid + 1);
	if (vid >= 0)
		return;
	for (unsigned int i = 0; i < WAIT_TIMES && atomic_load(&guests[ethdev].users); i++)
		usleep(WAIT_US);
}

bool vhost_kick_is(uint16_t ethdev)
{
	struct rte_eth_dev_info info;

	return !rte_eth_dev_info_get(ethdev, &info) && !strcmp(info.driver_name, "net_vhost");
}

static int eventfd_of(struct vhost_kick *k) CONTROL
{
	struct rte_vhost_vring v;

	if (rte_vhost_get_vhost_vring(k->vid, k->ring, &v) || v.kickfd == KICK_NOT_YET)
		return -ENOENT;
	if (v.kickfd < 0)
		return -ENOTSUP;
	/* What is read away when there is nothing must not wait. */
	k->eventfd = fcntl(v.kickfd, F_DUPFD_CLOEXEC, 0);
	return k->eventfd >= 0 && fcntl(k->eventfd, F_GETFL) & O_NONBLOCK ? 0 : -ENOTSUP;
}

int vhost_kick_init(struct vhost_kick *k, uint16_t ethdev, uint16_t queue)
{
	int rc = -ENOENT;

	*k = (struct vhost_kick){
		.eventfd = -1,
		.vid = atomic_load(&guests[ethdev].guest) - 1,
		.ethdev = ethdev,
		.ring = (uint16_t)(queue * RINGS_A_PAIR + GUEST_SENDS),
	};
	if (k->vid >= 0 && enter(ethdev, k->vid))
		rc = eventfd_of(k);
	if (k->vid >= 0)
		leave(ethdev);
	if (rc)
		vhost_kick_fini(k);
	return rc;
}

void vhost_kick_fini(struct vhost_kick *k)
{
	if (k->eventfd >= 0)
		close(k->eventfd);
	k->eventfd = -1;
}

bool vhost_kick_tell(const struct vhost_kick *k, bool tell)
{
	const bool there = enter(k->ethdev, k->vid);

	if (there)
		(void)rte_vhost_enable_guest_notification(k->vid, k->ring, tell);
	leave(k->ethdev);
	return there;
}

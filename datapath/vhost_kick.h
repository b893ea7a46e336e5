/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest's kick: how the peer of a vhost-user port tells of frames.
 *
 * A virtqueue has an eventfd that the guest writes to when it has put frames there, if it is asked
 * to.  DPDK's driver asks it never to; the vhost library below can.
 *
 * The library frees a guest's queues in a thread of its own when it goes, and tells just before
 * that.  So whoever uses them says so first, in a count that the one who tells waits for: nobody
 * takes a lock, and the packet thread waits for nobody.
 */
#ifndef WEFT_DATAPATH_VHOST_KICK_H
#define WEFT_DATAPATH_VHOST_KICK_H

#include <stdbool.h>
#include <stdint.h>

#include "datapath/role.h"

struct vhost_kick {
	int eventfd; /* a duplicate */
	int vid;     /* the library's number of the guest */
	uint16_t ethdev, ring;
};

bool vhost_kick_is(uint16_t ethdev) CONTROL;
/* Of receive queue 'queue': 0; -ENOENT: nothing comes there now, and the driver will tell when that
 * changes; -ENOTSUP: this guest does not kick.  Then vhost_kick_fini(). */
int vhost_kick_init(struct vhost_kick *k, uint16_t ethdev, uint16_t queue) CONTROL;
void vhost_kick_fini(struct vhost_kick *k) CONTROL;

/* The link of a device has changed, or it is about to be closed ('gone'); returns when nobody uses
 * the guest's queues that was there before.  Any thread. */
void vhost_kick_link(uint16_t ethdev, bool gone);

/* Whether the guest is to kick; false: it is not there. */
bool vhost_kick_tell(const struct vhost_kick *k, bool tell) PMD;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a receive queue tells a packet thread that sleeps (doze.h) of frames: by a file descriptor,
 * and what has to be done so that it does.
 *
 *	af_packet	its socket, readable while frames wait
 *	af_xdp		likewise (af_xdp.h)
 *	tap		its descriptor in the kernel, likewise; the driver itself hears of frames
 *			by a signal, which may come later than we wake
 *	memif		an eventfd that the peer writes to if it is asked to (memif.h)
 *	vhost-user	likewise the guest (vhost_kick.h)
 *	virtio-user	likewise the other side; this driver can ask
 *
 * Made by the control thread for the queues that a thread serves; armed before a sleep, and not
 * while there are frames, as each would cost the peer a system call.  Owner: struct pmd_work.
 */
#ifndef WEFT_DATAPATH_RX_ALARM_H
#define WEFT_DATAPATH_RX_ALARM_H

#include <stdbool.h>
#include <stdint.h>

#include "datapath/memif.h"
#include "datapath/role.h"
#include "datapath/vhost_kick.h"

struct doze;
struct rxq;

enum rx_alarm_kind {
	ALARM_NONE, /* nothing comes, or nothing need be done */
	ALARM_MEMIF,
	ALARM_VHOST,
	ALARM_DRIVER,
};

struct rx_alarm {
	enum rx_alarm_kind kind;
	int eventfd; /* of that kind; its own */
	uint16_t ethdev, queue;
	union {
		struct memif_ring memif;
		struct vhost_kick vhost;
	};
	bool armed; /* the packet thread's */
};

/* Whether a driver of that name has to be configured for it. */
bool rx_alarm_of_driver(const char *driver);
/* 0: 'z' will wake for frames in 'q'; -ENOTSUP: nobody tells. */
int rx_alarm_init(struct rx_alarm *a, struct doze *z, const struct rxq *q) CONTROL;
/* When no packet thread can see it.  'z' is NULL if it is gone. */
void rx_alarm_fini(struct rx_alarm *a, struct doze *z) CONTROL;

/* True: one was not armed before: look for frames once more. */
bool rx_alarms_arm(struct rx_alarm *a, uint32_t n) PMD;
void rx_alarms_disarm(struct rx_alarm *a, uint32_t n) PMD;
/* After one has rung: none of them rings any more. */
void rx_alarms_hear(const struct rx_alarm *a, uint32_t n) PMD;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cold half of a port, and the life of its DPDK device: plug, configure, start, stop, unplug.
 *
 * Between port.c (the table) and port_dev.c (the device); control thread only.  A device is closed
 * only when no PMD can reach it any more.
 */
#ifndef WEFT_DATAPATH_PORT_DEV_H
#define WEFT_DATAPATH_PORT_DEV_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "datapath/port.h"

struct queue;
struct rte_device;
struct rte_mempool;

struct port_cold {
	char name[PORT_NAME_MAX + 1];
	struct port_spec spec;
	struct vlan_port vlan;
	char device[64]; /* DPDK's name for it */
	char ifname[16]; /* interface in the kernel; "": none */
	unsigned int ifindex;
	struct rte_device *rte;
	uint16_t rxq_pmd[PORT_QUEUES_MAX]; /* who polls each queue; for its whole life */
	bool assigned;
	double since;	/* monotonic seconds */
	uint32_t speed; /* kb/s; 0: unknown */
	bool started;
	struct queue *nameless; /* the default queue where there is no queue 0; NULL: none */
};

/* What a device itself counted, and PMDs could not see. */
struct port_dev_errors {
	uint64_t rx_missed, rx_errors, tx_errors;
};

/* Plugs and starts the device that p->cold->spec names; fills the port's hot half.  0 or -errno
 * with words. */
int port_dev_open(struct dp *dp, struct port *p, struct err *e) CONTROL;
/* Stops and unplugs what is open. */
void port_dev_close(struct port *p) CONTROL;

/* Whether the link is up now; also learns its speed. */
bool port_dev_link(struct port *p) CONTROL;
/* Whether another interface bears the name now, so that the device has to be opened again. */
bool port_dev_replaced(const struct port *p) CONTROL;
/* OFPPC_PORT_DOWN came or went: devices that can, tell the other end. */
void port_dev_admin(struct port *p, bool up) CONTROL;
void port_dev_errors(const struct port *p, struct port_dev_errors *out) CONTROL;

#endif

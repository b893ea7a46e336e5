/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Links that come and go, known at once: the kernel's own word for interfaces (rtnetlink), the
 * driver's interrupt for devices that have one (physical ones, vhost-user, memif).
 *
 * Both only say that a port is worth a look, which port_look() then takes; port_poll_links() looks
 * at all of them now and then, should word ever be lost.  The kernel tells of the network namespace
 * in which the switch was started.  Control thread, but for the interrupt, which comes in a thread
 * of DPDK's; owner: main().
 */
#ifndef WEFT_DATAPATH_LINK_WATCH_H
#define WEFT_DATAPATH_LINK_WATCH_H

#include <stdint.h>

#include <rte_ethdev.h>

#include "base/err.h"
#include "datapath/role.h"

struct dp;
struct ev_loop;
struct link_watch;

/* NULL with words: then links are polled. */
struct link_watch *link_watch_new(struct ev_loop *loop, struct dp *dp, struct err *e) CONTROL;
void link_watch_free(struct link_watch *w) CONTROL;

/* What devices are to call for RTE_ETH_EVENT_INTR_LSC and _QUEUE_STATE; any thread. */
int link_watch_interrupt(uint16_t ethdev, enum rte_eth_event_type type, void *arg, void *ret);

#endif

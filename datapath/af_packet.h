/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What DPDK's af_packet driver knows and does not tell: service tags (802.1ad), and when frames
 * wait.
 *
 * The kernel takes the outermost tag off every frame before a packet socket sees it, and says which
 * one it was next to the frame.  DPDK 22.11's net_af_packet puts it back, but always as 0x8100, so
 * that a 0x88a8 is lost.  What the kernel said is still in the ring's frame that was just given
 * back: it is looked up there, through the beginning of the driver's queue, whose shape is that
 * of 22.11 and is checked before anything is believed.  Where it does not hold, tags stay what the
 * driver made of them.
 */
#ifndef WEFT_DATAPATH_AF_PACKET_H
#define WEFT_DATAPATH_AF_PACKET_H

#include <stdbool.h>
#include <stdint.h>

#include "datapath/role.h"

struct rte_mbuf;

/* Whether queue 'queue' of a started device is an af_packet ring that can be looked into.  Any
 * thread. */
bool af_packet_ring(uint16_t ethdev, uint16_t queue);
/* Its socket, which is readable while frames wait in the ring. */
int af_packet_fd(uint16_t ethdev, uint16_t queue);

/* The tags of the 'n' frames that the last rte_eth_rx_burst() of that queue returned. */
void af_packet_tags(uint16_t ethdev, uint16_t queue, struct rte_mbuf **m, unsigned int n) PMD;

#endif

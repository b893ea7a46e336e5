/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What DPDK's af_xdp driver knows and does not tell: the socket of a queue, which is readable while
 * frames wait.  It is found through the beginning of the driver's queue, whose shape is that of
 * 22.11, and believed only if the kernel says that it is such a socket.
 */
#ifndef WEFT_DATAPATH_AF_XDP_H
#define WEFT_DATAPATH_AF_XDP_H

#include <stdint.h>

#include "datapath/role.h"

struct port;

/* The driver's own, or -ENOTSUP. */
int af_xdp_fd(const struct port *p, uint16_t queue) CONTROL;

#endif

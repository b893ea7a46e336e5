/* SPDX-License-Identifier: Apache-2.0 */
/* Ports and drops as Weft's management messages say them.  Control thread; results live in the
 * arena. */
#ifndef WEFT_DATAPATH_PORT_MGMT_H
#define WEFT_DATAPATH_PORT_MGMT_H

#include "base/arena.h"
#include "datapath/port.h"
#include "ofproto/weft.pb-c.h"

/* NULL: no memory. */
Weft__Port *port_mgmt(const struct dp *dp, const struct port *p, struct arena *a) CONTROL;

/* Rows for the reasons that have counted something, or for 'all'; 0 or -ENOMEM. */
int drops_mgmt(const uint64_t drops[N_DROPS], bool all, struct arena *a, Weft__Drop ***rows,
	       size_t *n);

#endif

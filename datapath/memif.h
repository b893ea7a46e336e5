/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What DPDK's memif driver could do and does not offer: to be told when frames come.
 *
 * In shared memory each ring has a word in which its reader says whether it wants its eventfd
 * written to.  DPDK 22.11's net_memif has its peers' answered, and for itself always says no.  The
 * word and the eventfd are found through the beginning of the driver's structures, whose shape is
 * that of 22.11, and checked before anything is believed: by what DPDK says of the device, and by
 * the ring's cookie.  The memory is mapped once more, and the eventfd duplicated, so that what the
 * driver does when its peer goes is nothing to whoever has these.
 */
#ifndef WEFT_DATAPATH_MEMIF_H
#define WEFT_DATAPATH_MEMIF_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "datapath/role.h"

struct memif_ring {
	int eventfd;
	void *map;
	size_t size;
	_Atomic uint16_t *flags;
};

bool memif_is(uint16_t ethdev) CONTROL;
/* Of receive queue 'queue' of a device whose link is up: 0 or -ENOTSUP; then memif_ring_fini(). */
int memif_ring_init(struct memif_ring *r, uint16_t ethdev, uint16_t queue) CONTROL;
void memif_ring_fini(struct memif_ring *r) CONTROL;

/* Whether the peer is to write to the eventfd when it has written frames.  It looks at that without
 * a fence, so look for frames once more, some microseconds later, before a sleep. */
void memif_ring_tell(const struct memif_ring *r, bool tell) PMD;

#endif

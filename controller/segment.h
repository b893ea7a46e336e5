/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which VNI or VLAN id a new network gets: from the ranges of its own project, then from those that
 * an administrator shares, then from all there are; never from another project's.
 *
 * Thread: the one that runs the libev loop.
 */
#ifndef WEFT_CONTROLLER_SEGMENT_H
#define WEFT_CONTROLLER_SEGMENT_H

#include "controller/world.h"

/* What there is of a type: 0, or -EINVAL when its networks have no segments. */
int segment_limits(enum net_type type, uint32_t *min, uint32_t *max);
/* Finds a free one, without taking it: 0 or -ENOSPC.  'project' "": nobody's. */
int segment_choose(const struct world *w, enum net_type type, const char *physnet,
		   const char *project, uint32_t *segment);
bool segment_is_taken(const struct world *w, enum net_type type, const char *physnet,
		      uint32_t segment);

#endif

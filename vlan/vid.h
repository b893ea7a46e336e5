/* SPDX-License-Identifier: Apache-2.0 */
/*
 * VLAN id allocation: which ids (IEEE 802.1Q: 1 to 4094) are taken on each physical network.
 *
 * Thread: the one that owns the pools (the controller's).
 */
#ifndef WEFT_VLAN_VID_H
#define WEFT_VLAN_VID_H

#include <stdbool.h>
#include <stdint.h>

enum { VID_MIN = 1, VID_MAX = 4094 };

struct vid_pools;

struct vid_pools *vid_pools_new(void);
void vid_pools_free(struct vid_pools *p);

/* Takes a certain id of a physical network: 0, -EBUSY when it is taken, -ERANGE, -ENOMEM. */
int vid_take(struct vid_pools *p, const char *physnet, uint32_t vid);
/* Finds the lowest free id of 'from' to 'to', without taking it: 0 or -ENOSPC. */
int vid_next(const struct vid_pools *p, const char *physnet, uint32_t from, uint32_t to,
	     uint32_t *vid);
/* Gives one back; nothing happens when it is free. */
void vid_give(struct vid_pools *p, const char *physnet, uint32_t vid);

/* The physical network's untagged frames, of which there can be one user: as above. */
int vid_take_untagged(struct vid_pools *p, const char *physnet);
bool vid_untagged_is_taken(const struct vid_pools *p, const char *physnet);
void vid_give_untagged(struct vid_pools *p, const char *physnet);

#endif

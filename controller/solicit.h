/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Router advertisements without a host's asking: a router solicitation is put into the tables of
 * each port's own switch as if its host had sent it, and the flow that answers hosts makes the
 * advertisement.
 *
 * Each network with advertisements has its turn every ten minutes, so that no host's default route
 * runs out, and soon after a change of its subnets or routers.
 *
 * Thread: the loop's.  Owner: neigh.c.  Internal to the south half.
 */
#ifndef WEFT_CONTROLLER_SOLICIT_H
#define WEFT_CONTROLLER_SOLICIT_H

#include "controller/world.h"

struct solicits;
struct south;

struct solicits *solicits_new(struct south *s);
void solicits_free(struct solicits *s);

void solicits_changed(struct solicits *s, const struct world_obj *o, uint32_t what);
/* Once a second. */
void solicits_tick(struct solicits *s);

#endif

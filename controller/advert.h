/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What hosts of networks have been told by router advertisements, so that they hear when it is not
 * so any more: a prefix or a router that is gone is advertised once more, without a lifetime (RFC
 * 4861 6.2.5), instead of being believed in for hours.
 *
 * Advertisements themselves are flows' (solicit.h); only what is taken back comes from here, by
 * packet_out to each port. A restart forgets, and learns from what there is.
 *
 * Thread: the loop's.  Owner: solicit.c.  Internal to the south half.
 */
#ifndef WEFT_CONTROLLER_ADVERT_H
#define WEFT_CONTROLLER_ADVERT_H

#include "controller/world.h"

struct adverts;
struct south;

struct adverts *adverts_new(struct south *s);
void adverts_free(struct adverts *a);

/* Takes back what a network is not told any more, and remembers what it is. */
void adverts_update(struct adverts *a, const struct net *n);
/* The network is gone, and with it its hosts. */
void adverts_forget(struct adverts *a, uint32_t net);

#endif

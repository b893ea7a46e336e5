/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections that a floating IP or a forwarded port has carried end when it leads elsewhere: a
 * connection keeps the translation that it began with, so the switch is told to forget it.
 *
 * The flush goes out when the switch has acknowledged the flows that it is about, so that no packet
 * brings the old translation back.  A switch that is away keeps what it has until it ends by
 * itself.
 *
 * Thread: the loop's.  Owner: neigh.c.  Internal to the south half.
 */
#ifndef WEFT_CONTROLLER_CUTS_H
#define WEFT_CONTROLLER_CUTS_H

#include "controller/world.h"

struct cuts;
struct south;

struct cuts *cuts_new(struct south *s);
void cuts_free(struct cuts *c);

/* Where every floating IP leads now, from switch 'sw' (NULL: nowhere); then that these are all. */
void cuts_note(struct cuts *c, const struct floatingip *f, const struct sw *sw);
void cuts_noted(struct cuts *c);
/* Sends what is due; after changes, and once a second. */
void cuts_send(struct cuts *c);

#endif

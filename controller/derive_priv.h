/* SPDX-License-Identifier: Apache-2.0 */
/* What derive.c shares with derive_reach.c.  Owner and thread: as derive.h. */
#ifndef WEFT_CONTROLLER_DERIVE_PRIV_H
#define WEFT_CONTROLLER_DERIVE_PRIV_H

#include "controller/derive.h"

void derive_mark(struct derive *d, enum cookie_kind kind, uint32_t index);
/* All units of something that has come near, or has gone. */
void derive_mark_near(struct derive *d, enum cookie_kind kind, uint32_t index);

struct near *near_find(const struct derive *d, enum cookie_kind kind, uint32_t index);
/* Found, or new; NULL: out of memory. */
struct near *near_get(struct derive *d, enum cookie_kind kind, uint32_t index);
/* Freed when neither ports nor routers hold it. */
void near_drop(struct derive *d, struct near *n);

/* Finds anew what routers lead to from here, and marks what has come and gone (derive_reach.c). */
void derive_reach(struct derive *d);
/* A router's own units: routes, ports, floating IPs. */
void derive_mark_router(struct derive *d, const struct router *r);

#endif

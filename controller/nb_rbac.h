/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RBAC policies, as the rest of the northbound needs them.
 *
 * Thread: the one that runs the libev loop.
 */
#ifndef WEFT_CONTROLLER_NB_RBAC_H
#define WEFT_CONTROLLER_NB_RBAC_H

#include "controller/nb.h"

/* 'o' is to have the attributes 'a': policies that say what "shared" and "router:external" say come
 * and go with them, in q->txn. */
void nb_rbac_follow(struct nb_request *q, const struct world_obj *o, const void *a);
/* An object goes, and with it the policies that share it. */
void nb_rbac_forget(struct nb_request *q, const struct world_obj *o);
/* Does a project use 'o' that could not if it were not shared with every one? */
bool nb_rbac_is_shared_needed(const struct world *w, const struct world_obj *o);

#endif

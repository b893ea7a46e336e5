/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A transaction: one request's changes of intent, in the world and in the store, all or none.
 *
 * Changes are in the world at once, so that the next request builds on them; the answer waits until
 * they are durable.  Should the store fail, every transaction that is not durable is taken back,
 * youngest first, and the world is as the store has it.
 *
 * Thread: the one that runs the libev loop.  A txn belongs to whoever began it until _commit or
 * _abort.
 */
#ifndef WEFT_CONTROLLER_TXN_H
#define WEFT_CONTROLLER_TXN_H

#include "controller/store.h"
#include "controller/world.h"

struct txn_log;
struct txn;

struct txn_log *txn_log_new(struct world *w, struct store *s);
/* The store has been closed: nothing is pending. */
void txn_log_free(struct txn_log *l);

/* Fills the world from the store; 0 or -errno with words. */
int txn_log_load(struct txn_log *l, struct err *e);

struct txn *txn_begin(struct txn_log *l);
/* Take what 'a' (struct net_attrs ...) owns; the caller has validated it. */
struct world_obj *txn_add(struct txn *t, enum world_kind kind, void *a);
void txn_set(struct txn *t, struct world_obj *o, void *a);
void txn_del(struct txn *t, struct world_obj *o);

/* Takes back all changes. */
void txn_abort(struct txn *t);
/* done(0), or done(-errno, words) when all has been taken back; later, from the loop. */
void txn_commit(struct txn *t, void (*done)(int rc, const char *why, void *arg), void *arg);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store: keeps the tenants' intent, one record an object.
 *
 * Behind one interface, so that a cluster's store can take SQLite's place.  A change is a
 * batch: all of it becomes durable, or nothing.  store_commit() returns at once; batches that come
 * in while the disk is busy share the next write, and 'done' is called in the order of submission.
 * When a write fails, every batch that was submitted until then fails with it, because later ones
 * may build on it; the store then tries again with what is submitted afterwards.
 *
 * Thread: the one that runs the libev loop (an implementation may have one of its own).
 * Owner: main().
 */
#ifndef WEFT_CONTROLLER_STORE_H
#define WEFT_CONTROLLER_STORE_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct store;

/*
 * "sqlite:PATH"; folders on the way are created.  Refuses, with words in 'e', what it does not
 * understand: damage, another program's file, a schema newer than its own, a file in use.  It never
 * writes to a file that it refused.
 */
struct store *store_open(struct ev_loop *loop, const char *url, struct err *e);
/* Writes what was submitted, calls the 'done's, closes.  NULL is fine. */
void store_close(struct store *s);

/* One call a record, by kind and then in order of creation; what 'each' returns unless 0 ends it.
 */
int store_load(struct store *s,
	       int (*each)(void *arg, uint32_t kind, const char *id, const uint8_t *p, size_t n,
			   struct err *e),
	       void *arg, struct err *e);

struct store_batch;

struct store_batch *store_batch_new(void);
void store_batch_free(struct store_batch *b);
/* Takes 'p' (from malloc). */
void store_put(struct store_batch *b, uint32_t kind, const char *id, uint8_t *p, size_t n);
void store_del(struct store_batch *b, uint32_t kind, const char *id);

/* Takes 'b'.  done(0) when it is durable; done(-errno, words) when it is not and will not be. */
void store_commit(struct store *s, struct store_batch *b,
		  void (*done)(int rc, const char *why, void *arg), void *arg);

struct store_state {
	const char *url;
	uint64_t batches, writes; /* since start: submitted and done; how many writes they took */
	uint64_t failed;	  /* batches that failed */
	char last_error[256];	  /* "" when the last write went well */
};
void store_state(struct store *s, struct store_state *out);

/* ---- for implementations ---- */

struct store_item {
	struct store_item *next;
	uint32_t kind;
	char id[64];
	uint8_t *p; /* NULL: delete */
	size_t n;
};

struct store_batch {
	struct store_item *items, *last; /* in order */
	void (*done)(int rc, const char *why, void *arg);
	void *arg;
	int rc;
	struct store_batch *next;
};

struct store_ops {
	int (*load)(struct store *s,
		    int (*each)(void *arg, uint32_t kind, const char *id, const uint8_t *p,
				size_t n, struct err *e),
		    void *arg, struct err *e);
	void (*commit)(struct store *s, struct store_batch *b);
	void (*state)(struct store *s, struct store_state *out);
	void (*close)(struct store *s);
};

struct store {
	const struct store_ops *ops;
	char *url;
};

struct store *store_sqlite_open(struct ev_loop *loop, const char *path, struct err *e);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a packet thread sleeps: for a while, or until there is something to do, where that can be
 * told.
 *
 * The queues of some devices have a file descriptor that tells of frames (rx_alarm.h).  The control
 * thread puts it into the thread's epoll set, with a bell that it rings when it has given the
 * thread something.  Other devices tell nobody, and other packet threads do not ring: a thread that
 * serves one of those, or sends for one of these, sleeps briefly and looks.
 */
#ifndef WEFT_DATAPATH_DOZE_H
#define WEFT_DATAPATH_DOZE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "datapath/role.h"

enum {
	DOZE_BRIEFLY_US = 250,
	DOZE_LONG_US = 10000, /* where all can tell */
};

struct doze {
	int epoll, bell;
	_Atomic bool asleep;
	_Atomic bool all_tell; /* whatever may come, an event says so */
	/* The packet thread's. */
	bool woken;	  /* by another than the bell */
	uint32_t in_vain; /* times that it was woken, and there was nothing */
	uint32_t deaf;	  /* sleeps in which it does not listen */
};

/* ---- Control thread ---- */

/* 0 or -errno; doze_fini() is for both. */
int doze_init(struct doze *z) CONTROL;
void doze_fini(struct doze *z) CONTROL;
/* What is readable there wakes the thread; a descriptor whose last duplicate is closed leaves by
 * itself. */
int doze_watch(struct doze *z, int fd) CONTROL;
void doze_unwatch(struct doze *z, int fd) CONTROL;
/* Wakes it if it sleeps; to be called after what it is to find has been stored. */
void doze_ring(struct doze *z) CONTROL;

/* ---- The packet thread ---- */

/* From the first on, whoever stores something rings; so look once more before the second. */
void doze_begin(struct doze *z) PMD;
void doze_wait(struct doze *z, uint32_t us) PMD;
void doze_end(struct doze *z) PMD;
/* After the next iteration: whether there was anything. */
void doze_found(struct doze *z, bool something) PMD;
/* The longest sleep. */
uint32_t doze_limit(const struct doze *z) PMD;

#endif

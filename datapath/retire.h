/* SPDX-License-Identifier: Apache-2.0 */
/* The queue behind dp_retire(), dp_reclaim() and dp_barrier() (dp.h).  Control thread. */
#ifndef WEFT_DATAPATH_RETIRE_H
#define WEFT_DATAPATH_RETIRE_H

#include "datapath/role.h"

struct dp;

/* 0 or -1: no memory. */
int retire_init(struct dp *dp) CONTROL;
/* Frees everything that waits, and what that retires; no PMD may run any more. */
void retire_drain(struct dp *dp) CONTROL;
void retire_fini(struct dp *dp) CONTROL;
/* A new version is out: what dp_retire_published() holds starts to wait. */
void retire_published(struct dp *dp) CONTROL;

#endif

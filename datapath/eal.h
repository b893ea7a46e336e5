/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DPDK's environment, started so that it needs no set-up: no hugepages (used when some are free),
 * no PCI devices unless asked for, no files in the system, no threads of its own for packets.
 *
 * The thread that calls eal_start() is the control thread, DPDK's main lcore 0; PMD threads
 * register themselves (rte_thread_register).  Once a process; control thread.
 */
#ifndef WEFT_DATAPATH_EAL_H
#define WEFT_DATAPATH_EAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "datapath/role.h"

struct rte_mempool;

enum {
	EAL_MBUFS = 8192, /* packet buffers of a switch, unless told otherwise */
	EAL_MEMORY_MB =
		512, /* without hugepages: address space; only what is used becomes resident */
	EAL_PCI_MAX = 16,
};

struct eal_opts {
	uint32_t mbufs;		      /* 0: EAL_MBUFS */
	uint32_t memory_mb;	      /* 0: EAL_MEMORY_MB or what 'mbufs' needs */
	const char *pci[EAL_PCI_MAX]; /* PCI addresses that ports will use; none: PCI stays off */
	unsigned int n_pci;
	char *const *args; /* further EAL arguments (after --); they win over the defaults */
	int n_args;
};

/* Starts EAL ('o' may be NULL).  0, or -errno with words: too old a DPDK, arguments it does not
 * take.  Again: 0. */
int eal_start(const struct eal_opts *o, struct err *e) CONTROL;
/* It did not start with hugepages that had been free a moment before: others may have taken them.
 * DPDK can be started but once a process, so another one has to try without (--no-huge). */
bool eal_lost_hugepages(void) CONTROL;
void eal_stop(void) CONTROL;

/* What DPDK has said since the last clear: the words for an error it caused.  Never empty. */
void eal_words_clear(void) CONTROL;
const char *eal_words(void) CONTROL;

/* "hugepages" or "no hugepages". */
const char *eal_memory_kind(void);
bool eal_has_pci(const char *address);

/* A pool of 'n' packet buffers (0: what eal_start() was told) of 'room' bytes (0: usual); NULL with
 * words. */
struct rte_mempool *eal_pool_new(const char *name, uint32_t n, uint16_t room,
				 struct err *e) CONTROL;
void eal_pool_free(struct rte_mempool *p) CONTROL;

#endif

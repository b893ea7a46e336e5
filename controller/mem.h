/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory for the controller: there, or the program ends.
 *
 * What the controller holds in memory it reads back from the store and the switches, and switches
 * go on without it; so an end and a restart are better than limping on.  (The switch does
 * not do this.)  Sizes that a peer chooses are limited before they come here.  Any thread.
 */
#ifndef WEFT_CONTROLLER_MEM_H
#define WEFT_CONTROLLER_MEM_H

#include <stdbool.h>
#include <stddef.h>

/* Zeroed. */
void *mem_get(size_t n);
void *mem_array(size_t n, size_t size);
void *mem_dup(const void *p, size_t n);
/* NULL stays NULL. */
char *mem_str(const char *s);
/* Like snprintf, into memory of its own. */
__attribute__((format(printf, 1, 2))) char *mem_printf(const char *fmt, ...);

/* Once, before threads: one heap, and what is large goes back to the system when it is freed. */
void mem_init(void);
/* Gives free memory back to the system when there is much of it. */
void mem_trim(void);
/* What others allocate for us and say so. */
void mem_check(bool there);

#endif

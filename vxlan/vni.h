/* SPDX-License-Identifier: Apache-2.0 */
/*
 * VNI allocation: which of the 2^24 VXLAN network identifiers (RFC 7348 section 5) are taken.
 *
 * Every value may be taken, 0 included; who looks for a free one begins after the one taken last,
 * so that an identifier rests as long as possible before it serves another tenant.
 *
 * Thread: the one that owns the pool (the controller's).
 */
#ifndef WEFT_VXLAN_VNI_H
#define WEFT_VXLAN_VNI_H

#include <stdbool.h>
#include <stdint.h>

#define VNI_MAX 0xffffffu

struct vni_pool;

struct vni_pool *vni_pool_new(void);
void vni_pool_free(struct vni_pool *p);

/* Takes a certain one: 0, -EBUSY when it is taken, -ERANGE. */
int vni_take(struct vni_pool *p, uint32_t vni);
/* Finds the lowest free one of 'from' to 'to', without taking it: 0 or -ENOSPC. */
int vni_next(const struct vni_pool *p, uint32_t from, uint32_t to, uint32_t *vni);
bool vni_is_taken(const struct vni_pool *p, uint32_t vni);
/* The one taken last. */
uint32_t vni_last(const struct vni_pool *p);
/* Gives one back; nothing happens when it is free. */
void vni_give(struct vni_pool *p, uint32_t vni);

uint32_t vni_n_taken(const struct vni_pool *p);

#endif

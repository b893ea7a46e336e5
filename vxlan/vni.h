/* SPDX-License-Identifier: Apache-2.0 */
/*
 * VNI allocation: which of the 2^24 VXLAN network identifiers (RFC 7348 section 5) are taken.
 *
 * Every value may be taken, 0 included; a free one is looked for after the one handed out last, so
 * that an identifier rests as long as possible before it serves another tenant, and 0 comes last.
 *
 * Thread: the one that owns the pool (the controller's).
 */
#ifndef WEFT_VXLAN_VNI_H
#define WEFT_VXLAN_VNI_H

#include <stdint.h>

#define VNI_MAX 0xffffffu

struct vni_pool;

struct vni_pool *vni_pool_new(void);
void vni_pool_free(struct vni_pool *p);

/* Takes a certain one: 0, -EBUSY when it is taken, -ERANGE. */
int vni_take(struct vni_pool *p, uint32_t vni);
/* Finds a free one, without taking it: 0 or -ENOSPC. */
int vni_next(struct vni_pool *p, uint32_t *vni);
/* Gives one back; nothing happens when it is free. */
void vni_give(struct vni_pool *p, uint32_t vni);

uint32_t vni_n_taken(const struct vni_pool *p);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "vxlan/vni.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

enum { N_WORDS = (VNI_MAX + 1) / 64 };

/* 2 MiB of bits, of which the system backs only the pages that were written. */
struct vni_pool {
	uint32_t last; /* taken last */
	uint32_t n;
	uint64_t taken[N_WORDS];
};

struct vni_pool *vni_pool_new(void)
{
	return calloc(1, sizeof(struct vni_pool));
}

void vni_pool_free(struct vni_pool *p)
{
	free(p);
}

bool vni_is_taken(const struct vni_pool *p, uint32_t vni)
{
	return vni <= VNI_MAX && p->taken[vni / 64] >> (vni % 64) & 1;
}

int vni_take(struct vni_pool *p, uint32_t vni)
{
	if (vni > VNI_MAX)
		return -ERANGE;
	if (vni_is_taken(p, vni))
		return -EBUSY;
	p->taken[vni / 64] |= UINT64_C(1) << (vni % 64);
	p->last = vni;
	p->n++;
	return 0;
}

/* From 'from' to the end of its word, then word by word. */
int vni_next(const struct vni_pool *p, uint32_t from, uint32_t to, uint32_t *vni)
{
	uint32_t word = from / 64;
	uint64_t ready = from > VNI_MAX ? 0 : ~p->taken[word] & (UINT64_MAX << (from % 64));

	while (!ready && word < to / 64 && word + 1 < N_WORDS)
		ready = ~p->taken[++word];
	if (!ready)
		return -ENOSPC;
	*vni = word * 64 + (uint32_t)__builtin_ctzll(ready);
	return *vni > to ? -ENOSPC : 0;
}

uint32_t vni_last(const struct vni_pool *p)
{
	return p->last;
}

void vni_give(struct vni_pool *p, uint32_t vni)
{
	if (vni > VNI_MAX || !vni_is_taken(p, vni))
		return;
	p->taken[vni / 64] &= ~(UINT64_C(1) << (vni % 64));
	p->n--;
}

uint32_t vni_n_taken(const struct vni_pool *p)
{
	return p->n;
}

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

static bool is_taken(const struct vni_pool *p, uint32_t vni)
{
	return p->taken[vni / 64] >> (vni % 64) & 1;
}

int vni_take(struct vni_pool *p, uint32_t vni)
{
	if (vni > VNI_MAX)
		return -ERANGE;
	if (is_taken(p, vni))
		return -EBUSY;
	p->taken[vni / 64] |= UINT64_C(1) << (vni % 64);
	p->last = vni;
	p->n++;
	return 0;
}

/* From 'vni' to the end of its word, then word by word, around once and back into the first word.
 */
int vni_next(struct vni_pool *p, uint32_t *vni)
{
	uint32_t from = (p->last + 1) & VNI_MAX;
	uint32_t word = from / 64;
	uint64_t ready = ~p->taken[word] & (UINT64_MAX << (from % 64));

	for (uint32_t i = 0; i <= N_WORDS; i++) {
		if (ready) {
			*vni = word * 64 + (uint32_t)__builtin_ctzll(ready);
			return 0;
		}
		word = (word + 1) % N_WORDS;
		ready = ~p->taken[word];
	}
	return -ENOSPC;
}

void vni_give(struct vni_pool *p, uint32_t vni)
{
	if (vni > VNI_MAX || !is_taken(p, vni))
		return;
	p->taken[vni / 64] &= ~(UINT64_C(1) << (vni % 64));
	p->n--;
}

uint32_t vni_n_taken(const struct vni_pool *p)
{
	return p->n;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "vlan/vid.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

/* Bit 0 (no VLAN id) stands for the untagged frames, bit 4095 (reserved) is never set. */
struct vid_pool {
	char *physnet;
	uint64_t taken[64];
	UT_hash_handle hh;
};

struct vid_pools {
	struct vid_pool *pools;
};

struct vid_pools *vid_pools_new(void)
{
	return calloc(1, sizeof(struct vid_pools));
}

void vid_pools_free(struct vid_pools *p)
{
	struct vid_pool *pool, *next;

	if (!p)
		return;
	HASH_ITER (hh, p->pools, pool, next) {
		HASH_DEL(p->pools, pool);
		free(pool->physnet);
		free(pool);
	}
	free(p);
}

static struct vid_pool *pool_find(const struct vid_pools *p, const char *physnet)
{
	struct vid_pool *pool;

	HASH_FIND_STR(p->pools, physnet, pool);
	return pool;
}

static struct vid_pool *pool_get(struct vid_pools *p, const char *physnet)
{
	struct vid_pool *pool = pool_find(p, physnet);

	if (pool)
		return pool;
	pool = calloc(1, sizeof(*pool));
	if (!pool)
		return NULL;
	pool->physnet = strdup(physnet);
	if (!pool->physnet) {
		free(pool);
		return NULL;
	}
	HASH_ADD_KEYPTR(hh, p->pools, pool->physnet, strlen(pool->physnet), pool);
	return pool;
}

static bool bit(const struct vid_pool *pool, uint32_t i)
{
	return pool->taken[i / 64] >> (i % 64) & 1;
}

static int bit_take(struct vid_pools *p, const char *physnet, uint32_t i)
{
	struct vid_pool *pool = pool_get(p, physnet);

	if (!pool)
		return -ENOMEM;
	if (bit(pool, i))
		return -EBUSY;
	pool->taken[i / 64] |= UINT64_C(1) << (i % 64);
	return 0;
}

static void bit_give(struct vid_pools *p, const char *physnet, uint32_t i)
{
	struct vid_pool *pool = pool_find(p, physnet);

	if (pool)
		pool->taken[i / 64] &= ~(UINT64_C(1) << (i % 64));
}

int vid_take(struct vid_pools *p, const char *physnet, uint32_t vid)
{
	if (vid < VID_MIN || vid > VID_MAX)
		return -ERANGE;
	return bit_take(p, physnet, vid);
}

int vid_next(const struct vid_pools *p, const char *physnet, uint32_t from, uint32_t to,
	     uint32_t *vid)
{
	const struct vid_pool *pool = pool_find(p, physnet);

	for (uint32_t i = from < VID_MIN ? VID_MIN : from; i <= VID_MAX && i <= to; i++)
		if (!pool || !bit(pool, i)) {
			*vid = i;
			return 0;
		}
	return -ENOSPC;
}

void vid_give(struct vid_pools *p, const char *physnet, uint32_t vid)
{
	if (vid >= VID_MIN && vid <= VID_MAX)
		bit_give(p, physnet, vid);
}

int vid_take_untagged(struct vid_pools *p, const char *physnet)
{
	return bit_take(p, physnet, 0);
}

bool vid_untagged_is_taken(const struct vid_pools *p, const char *physnet)
{
	const struct vid_pool *pool = pool_find(p, physnet);

	return pool && bit(pool, 0);
}

void vid_give_untagged(struct vid_pools *p, const char *physnet)
{
	bit_give(p, physnet, 0);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Meters as packets meet them; PMD threads. */
#include "datapath/meter.h"

#include <rte_branch_prediction.h>

#include "datapath/dp.h"
#include "datapath/meter_priv.h"

/*
 * Whether a packet that takes 'cost' is within the band's rate; then it counts towards it if it is
 * to 'take'.  The bucket has room for the packet and for just not another one, or packets that come
 * a little later than at the rate would never make up for it.
 */
static bool conforms(struct meter_band *k, uint64_t now, uint64_t cost, bool take)
{
	const uint64_t least = 2 * cost - 1, end = now + (k->burst > least ? k->burst : least);
	uint64_t at = atomic_load_explicit(&k->at, memory_order_relaxed), next;

	do {
		next = (at > now ? at : now) + cost;
		if (next > end)
			return false;
	} while (take && !atomic_compare_exchange_weak_explicit(
				 &k->at, &at, next, memory_order_relaxed, memory_order_relaxed));
	return true;
}

/* Of the bands exceeded the one of the highest rate applies (5.7.1); NULL: none is. */
static struct meter_band *exceeded(struct meter_body *b, uint32_t bytes, uint64_t now, bool take)
{
	const uint64_t amount = b->flags & OFPMF_PKTPS ? 1 : (uint64_t)bytes * 8;
	struct meter_band *worst = NULL;

	/* A burst's TSC may be older than a body that came since. */
	now = now > b->epoch ? (now - b->epoch) * METER_FRACTION : 0;
	for (uint32_t i = 0; i < b->n; i++) {
		struct meter_band *k = &b->band[i];

		if (!conforms(k, now, amount * b->second / k->per_s, take) &&
		    (!worst || k->rate > worst->rate))
			worst = k;
	}
	return worst;
}

static int run(struct meter *m, uint32_t bytes, uint64_t now)
{
	struct meter_body *b = atomic_load_explicit(&m->body, memory_order_acquire);
	struct meter_band *worst;

	atomic_fetch_add_explicit(&m->packets, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&m->bytes, bytes, memory_order_relaxed);
	worst = exceeded(b, bytes, now, true);
	if (!worst)
		return 0;
	atomic_fetch_add_explicit(&worst->packets, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&worst->bytes, bytes, memory_order_relaxed);
	return worst->verdict;
}

int meter_run(struct meter *m, const struct pkt *p, uint64_t now)
{
	return run(m, p->frame_len, now);
}

int meter_look(const struct meter *m, const struct pkt *p, uint64_t now, uint32_t *id)
{
	struct meter_body *b = atomic_load_explicit(&m->body, memory_order_acquire);
	const struct meter_band *worst = exceeded(b, p->frame_len, now, false);

	*id = m->id;
	return worst ? worst->verdict : 0;
}

bool meter_admits(const struct dp *dp, enum meter_virtual which, uint32_t bytes, uint64_t now)
{
	struct meter *m = atomic_load_explicit(&dp->meters->virtual[which], memory_order_acquire);

	return likely(!m) || run(m, bytes, now) != METER_DROP;
}

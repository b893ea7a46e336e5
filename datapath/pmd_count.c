/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters of flows: one for each id in each PMD, in one piece of addresses, so that a packet finds
 * its own by one addition.  Addresses are taken for all ids that there can be, memory comes in
 * chunks as ids are used for the first time.
 */
#include <errno.h>
#include <sys/mman.h>

#include "datapath/dp.h"
#include "datapath/pmd.h"

enum { CHUNK = 4096 }; /* counters */

static const size_t all_bytes = (size_t)FLOW_COUNTERS * sizeof(struct flow_counter);

/* Those of the first 'n' ids can be counted.  0 or -ENOMEM. */
static int reach(struct pmd *w, uint32_t n)
{
	const uint32_t from = w->n_flows, more = (n - from + CHUNK - 1) / CHUNK * CHUNK;

	if (n <= from)
		return 0;
	if (mprotect(w->flows + from, more * sizeof(*w->flows), PROT_READ | PROT_WRITE))
		return -ENOMEM;
	w->n_flows = from + more;
	return 0;
}

int pmd_counters_init(const struct dp *dp, struct pmd *w)
{
	void *p = mmap(NULL, all_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
		       0);

	if (p == MAP_FAILED)
		return -ENOMEM;
	w->flows = p;
	w->n_flows = 0;
	return dp->n_pmds ? reach(w, dp->pmds[0]->n_flows) : 0;
}

void pmd_counters_fini(struct pmd *w)
{
	if (w->flows)
		munmap(w->flows, all_bytes);
	w->flows = NULL;
}

int pmd_flow_counter_init(struct dp *dp, uint32_t id)
{
	if (id >= FLOW_COUNTERS)
		return -ENOMEM;
	for (unsigned int i = 0; i < dp->n_pmds; i++) {
		struct pmd *w = dp->pmds[i];

		if (reach(w, id + 1))
			return -ENOMEM;
		w->flows[id] = (struct flow_counter){ 0 };
	}
	return 0;
}

struct flow_count pmd_flow_counter(const struct dp *dp, uint32_t id)
{
	struct flow_count sum = { 0 };

	for (unsigned int i = 0; i < dp->n_pmds; i++) {
		const struct pmd *w = dp->pmds[i];

		if (id >= w->n_flows)
			continue;
		sum.packets += counter_get(&w->flows[id].packets);
		sum.bytes += counter_get(&w->flows[id].bytes);
	}
	return sum;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/change.h"
#include "datapath/dp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <rte_rcu_qsbr.h>

#include "datapath/act.h"
#include "datapath/ct.h"
#include "datapath/eal.h"
#include "datapath/fdb.h"
#include "datapath/frag.h"
#include "datapath/group.h"
#include "datapath/ipfix.h"
#include "datapath/learn.h"
#include "datapath/meter.h"
#include "datapath/odd.h"
#include "datapath/options_ct.h"
#include "datapath/punt.h"
#include "datapath/refrag.h"
#include "datapath/retire.h"
#include "datapath/sample.h"
#include "datapath/tunnel.h"

enum { MISS_SEND_LEN = 128 /* OFP_DEFAULT_MISS_SEND_LEN */ };

static int rcu_init(struct dp *dp)
{
	size_t size = rte_rcu_qsbr_get_memsize(PMD_MAX);

	dp->rcu = aligned_alloc(RTE_CACHE_LINE_SIZE, (size + 63) & ~(size_t)63);
	if (!dp->rcu || rte_rcu_qsbr_init(dp->rcu, PMD_MAX))
		return -ENOMEM;
	return 0;
}

/* What has no words of its own can only lack memory. */
static int make_tables(struct dp *dp) CONTROL
{
	if (rcu_init(dp) || retire_init(dp) || learn_state_new(dp) || insts_table_new(dp) ||
	    group_table_init(dp) || meter_table_init(dp) || table_state_init(dp))
		return -ENOMEM;
	return 0;
}

static int make_rest(struct dp *dp, struct err *e) CONTROL
{
	char name[64];
	int err;

	snprintf(name, sizeof(name), "%s-%llx", dp->name, (unsigned long long)dp->dpid);
	dp->pool = eal_pool_new(name, 0, 0, e);
	if (!dp->pool)
		return -ENOMEM;
	err = refrag_init(e);
	if (!err)
		err = punt_state_new(dp, e);
	if (!err)
		err = fdb_new(dp, e);
	if (!err)
		err = vtep_state_new(dp, e);
	if (!err)
		err = port_table_new(dp, e);
	return err;
}

struct dp *dp_new(const struct dp_opts *o, struct err *e)
{
	struct dp *dp = calloc(1, sizeof(*dp));

	if (!dp) {
		err_set(e, -ENOMEM, "no memory for a datapath");
		return NULL;
	}
	dp->opts = *o;
	dp->dpid = o->dpid;
	while (getrandom(dp->freeze_id, sizeof(dp->freeze_id), 0) != sizeof(dp->freeze_id))
		;
	snprintf(dp->name, sizeof(dp->name), "%s", o->name ? o->name : "br0");
	atomic_init(&dp->version, 1);
	atomic_init(&dp->miss_send_len, MISS_SEND_LEN);
	atomic_init(&dp->ct_liberal, o->ct_liberal);
	dp->changes = calloc(1, sizeof(*dp->changes));
	dp->odd = calloc(1, sizeof(*dp->odd));
	if (!dp->changes || !dp->odd || make_tables(dp)) {
		err_set(e, -ENOMEM, "no memory for the tables of %s", dp->name);
		dp_free(dp);
		return NULL;
	}
	dp->odd->among = ODD_AMONG;
	if (make_rest(dp, e)) {
		dp_free(dp);
		return NULL;
	}
	return dp;
}

void dp_free(struct dp *dp)
{
	if (!dp)
		return;
	ipfix_free(dp);
	/* Threads first; then nothing waits for a grace period longer than it takes to ask. */
	pmd_free_all(dp);
	if (dp->port_table)
		port_table_free(dp);
	if (dp->vteps)
		vtep_state_free(dp);
	if (dp->fdb)
		fdb_free(dp);
	if (dp->punts)
		punt_state_free(dp);
	/* Flows on their way out use the tables, flows use groups and meters, all use instructions.
	 */
	if (dp->table_state) {
		table_published(dp);
		retire_drain(dp);
		table_state_fini(dp);
	}
	group_table_fini(dp);
	meter_table_fini(dp);
	if (dp->retired)
		retire_drain(dp);
	if (dp->insts)
		insts_table_free(dp);
	learn_state_free(dp);
	sample_sets_free(dp);
	ct_free(atomic_load(&dp->ct));
	if (dp->retired)
		retire_fini(dp);
	if (dp->pool)
		eal_pool_free(dp->pool);
	free(dp->changes);
	free(dp->odd);
	free(dp->rcu);
	free(dp);
}

struct ct *dp_ct(struct dp *dp, struct err *e)
{
	struct ct *t = atomic_load(&dp->ct);

	if (!t && !frag_track_on(dp, e)) {
		t = ct_new(dp->name, dp->opts.ct_max ? dp->opts.ct_max : CT_MAX_DEFAULT, e);
		if (t)
			ct_zone_start_apply(t, dp->opts.ct_starts, dp->opts.n_ct_starts);
		atomic_store(&dp->ct, t);
	}
	return t;
}

void dp_publish(struct dp *dp)
{
	learn_settle(dp);
	atomic_store_explicit(&dp->version, dp_next_version(dp), memory_order_release);
	retire_published(dp);
	table_published(dp);
	learn_published(dp);
	table_watch_vacancy(dp);
	(void)dp_reclaim_some(dp);
}

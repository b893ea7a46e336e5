/* SPDX-License-Identifier: Apache-2.0 */
/* The life of PMD threads: made, given queues, started, put to sleep, stopped. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_lcore.h>
#include <rte_pause.h>
#include <rte_rcu_qsbr.h>
#include <rte_ring.h>

#include "base/lines.h"
#include "base/log.h"
#include "datapath/cache.h"
#include "datapath/doze.h"
#include "datapath/dp.h"
#include "datapath/frag.h"
#include "datapath/learn.h"
#include "datapath/output.h"
#include "datapath/pmd.h"
#include "datapath/pmd_work.h"
#include "datapath/punt.h"
#include "datapath/reasm.h"
#include "datapath/rx_alarm.h"
#include "datapath/sample.h"
#include "datapath/tunnel.h"
#include "datapath/txq.h"

enum {
	CORE_ANY = -1,
	SLICE_NS = 100000,    /* the least there is */
	AWAKE_US = 64,	      /* without packets before the first sleep ... */
	AWAKE_MAX_US = 10000, /* ... or while they come regularly */
	SLEEP_FIRST_US = 4,   /* then twice as long with each empty round */
	HASTY_US = 1000,      /* awake for so long, it is no sleeper any more */
};

/* ---- The thread ---- */

/* Whether the control thread wants something. */
static bool is_called(const struct pmd *w)
{
	return atomic_load_explicit(&w->stop, memory_order_relaxed) ||
	       atomic_load_explicit(&w->hold, memory_order_relaxed) || !rte_ring_empty(w->inject);
}

static void sleep_us(struct pmd *w, unsigned int us) PMD
{
	const struct pmd_work *k;

	counter_add(&w->perf.sleeps, 1);
	/* Asleep it holds nothing: changes need not wait for it. */
	rte_rcu_qsbr_thread_offline(w->dp->rcu, w->id);
	doze_begin(&w->doze);
	if (!is_called(w))
		doze_wait(&w->doze, us);
	doze_end(&w->doze);
	rte_rcu_qsbr_thread_online(w->dp->rcu, w->id);
	if (w->doze.woken && (k = atomic_load_explicit(&w->work, memory_order_acquire)))
		rx_alarms_hear(k->alarms, k->n_alarms);
}

/* Holds nothing meanwhile, as in sleep. */
static void stand_still(struct pmd *w)
{
	rte_rcu_qsbr_thread_offline(w->dp->rcu, w->id);
	atomic_store_explicit(&w->held, true, memory_order_release);
	while (atomic_load_explicit(&w->hold, memory_order_acquire))
		rte_pause();
	atomic_store_explicit(&w->held, false, memory_order_release);
	rte_rcu_qsbr_thread_online(w->dp->rcu, w->id);
}

/* No longer than until a frame in a queue is due; false: not even a microsecond. */
static bool may_sleep(const struct pmd *w, unsigned int *us)
{
	uint64_t now, left;

	if (likely(w->wake == QUEUE_NEVER))
		return true;
	now = rte_rdtsc();
	left = w->wake > now ? (w->wake - now) / (w->hz / 1000000) : 0;
	if (left < *us)
		*us = (unsigned int)left;
	if (!*us)
		*us = SLEEP_FIRST_US;
	return left;
}

/* ---- Beside others on its core ---- */

/* The kernel's struct sched_attr, as it was at first; glibc has none, and the kernel's own header
 * does not go with glibc's. */
struct slice {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

/*
 * A thread that wakes for a packet is not to wait until whoever has the core has had all of a usual
 * slice: Linux 6.12 and later let one with a shorter slice go first, others ignore it.  But who
 * stays awake would lose the core after each such slice, for all of the other's: so it is for those
 * that sleep.
 */
static void ask_for_short_slices(bool on)
{
	struct slice a = { .size = sizeof(a) };

	if (syscall(SYS_sched_getattr, 0, &a, sizeof(a), 0) || a.policy != SCHED_OTHER)
		return;
	a.runtime = on ? SLICE_NS : 0;
	(void)syscall(SYS_sched_setattr, 0, &a, 0);
}

/*
 * How long it pays to stay awake.  Each time that packets come pays for AWAKE_US of waiting for the
 * next ones, and what was not used is kept, up to AWAKE_MAX_US: so who comes regularly finds the
 * thread awake, also after a pause of some milliseconds, and waiting in vain never takes more of a
 * core than what came is worth.
 */
struct wakeful {
	uint64_t busy;	 /* TSC at the end of the last iteration that had packets */
	uint64_t awake;	 /* TSC cycles from there on before it sleeps */
	uint64_t per_us; /* TSC cycles */
	uint64_t woke;	 /* TSC, when it last slept */
	bool hasty;	 /* it has short slices */
};

static void wakeful_busy(struct wakeful *k, uint64_t start, uint64_t end)
{
	const uint64_t waited = start - k->busy;
	const uint64_t left = k->awake > waited ? k->awake - waited : 0;

	k->awake = RTE_MIN(left + AWAKE_US * k->per_us, AWAKE_MAX_US * k->per_us);
	k->busy = end;
	if (unlikely(k->hasty) && end - k->woke > HASTY_US * k->per_us) {
		ask_for_short_slices(false);
		k->hasty = false;
	}
}

static void wakeful_sleep(struct wakeful *k, struct pmd *w, unsigned int us) PMD
{
	if (!k->hasty)
		ask_for_short_slices(true);
	k->hasty = true;
	sleep_us(w, us);
	k->woke = rte_rdtsc();
}

/* Queues are to tell of frames from now on. */
static bool arm(struct pmd *w) PMD
{
	struct pmd_work *k = atomic_load_explicit(&w->work, memory_order_acquire);

	return k && rx_alarms_arm(k->alarms, k->n_alarms);
}

static void disarm(struct pmd *w) PMD
{
	struct pmd_work *k = atomic_load_explicit(&w->work, memory_order_acquire);

	if (k)
		rx_alarms_disarm(k->alarms, k->n_alarms);
}

static void serve(struct pmd *w) PMD
{
	struct wakeful k = { .per_us = w->hz / 1000000, .woke = rte_rdtsc() };
	unsigned int us = SLEEP_FIRST_US;
	bool slept = false;

	while (!atomic_load_explicit(&w->stop, memory_order_relaxed)) {
		unsigned int n;
		uint64_t end;

		if (unlikely(atomic_load_explicit(&w->hold, memory_order_relaxed)))
			stand_still(w);
		n = pmd_iteration(w);
		end = rte_rdtsc();
		doze_found(&w->doze, n);

		rte_rcu_qsbr_quiescent(w->dp->rcu, w->id);
		counter_add(&w->perf.iterations, 1);
		if (n) {
			counter_add(&w->perf.busy_iterations, 1);
			counter_add(&w->perf.busy_cycles, end - w->now);
			if (unlikely(w->stages.on))
				stage_stop(&w->stages, end, n);
			wakeful_busy(&k, w->now, end);
			us = SLEEP_FIRST_US;
			if (unlikely(slept))
				disarm(w);
			slept = false;
			continue;
		}
		counter_add(&w->perf.idle_cycles, end - w->now);
		/* No pause: a hypervisor takes many of them for a lock that is waited for, and
		 * gives the core to others. */
		if (end - k.busy < k.awake)
			continue;
		slept = true;
		if (arm(w))
			us = SLEEP_FIRST_US;
		if (!may_sleep(w, &us))
			continue;
		wakeful_sleep(&k, w, us);
		us = RTE_MIN(us * 2, doze_limit(&w->doze));
	}
}

static void *thread_main(void *arg)
{
	struct pmd *w = arg;

	role_assume_pmd();
	/* Sleeps are meant as they are written, not rounded up to the default 50 us more. */
	prctl(PR_SET_TIMERSLACK, 1UL);
	/* Gives the thread a cache of its own in each mempool. */
	if (rte_thread_register()) {
		atomic_store(&w->stop, true);
		atomic_store(&w->running, true);
		return NULL;
	}
	rte_rcu_qsbr_thread_register(w->dp->rcu, w->id);
	rte_rcu_qsbr_thread_online(w->dp->rcu, w->id);
	atomic_store(&w->running, true);
	serve(w);
	rte_rcu_qsbr_thread_offline(w->dp->rcu, w->id);
	rte_rcu_qsbr_thread_unregister(w->dp->rcu, w->id);
	rte_thread_unregister();
	return NULL;
}

/* ---- Making and freeing ---- */

static void pmd_free(struct dp *dp, struct pmd *w) CONTROL
{
	if (!w)
		return;
	punt_pmd_fini(dp, w);
	tunnel_ctx_free(w->tunnel);
	cache_free(w->cache);
	learn_memory_free(w->learned);
	sample_pmd_fini(w);
	reasm_free(atomic_load(&w->reasm));
	reasm_free(atomic_load(&w->track_reasm));
	pmd_counters_fini(w);
	pmd_work_free(atomic_load(&w->work));
	lines_free(w->ports);
	lines_free(w->burst);
	lines_free(w->txq);
	lines_free(w->tx_dirty);
	doze_fini(&w->doze);
	lines_free(w);
}

static struct pmd *pmd_new(struct dp *dp) CONTROL
{
	struct pmd *w = lines_new(1, sizeof(*w));

	if (!w)
		return NULL;
	w->dp = dp;
	w->id = dp->n_pmds;
	w->pool = dp->pool;
	w->hz = rte_get_tsc_hz();
	stage_init(&w->stages, w->hz);
	w->wake = QUEUE_NEVER;
	w->flush = output_flush;
	w->ports = lines_new(PORT_MAX + 1, sizeof(*w->ports));
	w->burst = lines_new(1, sizeof(*w->burst));
	w->txq = lines_new(PORT_MAX, sizeof(*w->txq));
	w->tx_dirty = lines_new(PORT_MAX, sizeof(*w->tx_dirty));
	w->tunnel = tunnel_ctx_new(dp);
	w->learned = learn_memory_new();
	if (dp->opts.cache_entries)
		w->cache = cache_new(dp->opts.cache_entries);
	if (doze_init(&w->doze) || !w->ports || !w->burst || !w->txq || !w->tx_dirty ||
	    !w->tunnel || !w->learned || (dp->opts.cache_entries && !w->cache) ||
	    pmd_counters_init(dp, w) || punt_pmd_init(dp, w) || sample_pmd_init(w) ||
	    (atomic_load(&dp->ct) && frag_track_new(w))) {
		pmd_free(dp, w);
		return NULL;
	}
	dp->pmds[dp->n_pmds++] = w;
	return w;
}

struct pmd *pmd_new_detached(struct dp *dp)
{
	struct pmd *w = dp->n_pmds < PMD_MAX ? pmd_new(dp) : NULL;

	if (w)
		w->detached = true;
	return w;
}

void pmd_free_detached(struct pmd *w)
{
	struct dp *dp;

	if (!w)
		return;
	dp = w->dp;
	/* The last one only: ids of others are in use. */
	if (dp->n_pmds && dp->pmds[dp->n_pmds - 1] == w) {
		dp->pmds[--dp->n_pmds] = NULL;
		pmd_free(dp, w);
	}
}

/* ---- "1,3-5" ---- */

static int cores_parse(const char *list, int *v, struct err *e)
{
	const char *s = list;
	cpu_set_t mine;
	int n = 0;

	if (sched_getaffinity(0, sizeof(mine), &mine))
		return err_set(e, -errno, "sched_getaffinity: %s", strerror(errno));
	while (*s) {
		char *end;
		long from = strtol(s, &end, 10), to = from;

		if (end == s || from < 0)
			return err_set(e, -EINVAL, "core list '%s': '%s' is no core, as in 1,3-5",
				       list, s);
		s = end;
		if (*s == '-') {
			to = strtol(s + 1, &end, 10);
			if (end == s + 1 || to < from)
				return err_set(e, -EINVAL, "core list '%s': bad range at '%s'",
					       list, s);
			s = end;
		}
		for (long c = from; c <= to; c++) {
			if (c >= CPU_SETSIZE || !CPU_ISSET((size_t)c, &mine))
				return err_set(e, -EINVAL,
					       "core list '%s': this process may not use core %ld",
					       list, c);
			if (n == PMD_MAX)
				return err_set(e, -E2BIG, "core list '%s': at most %d cores", list,
					       PMD_MAX);
			v[n++] = (int)c;
		}
		if (*s == ',' && s[1])
			s++;
		else if (*s)
			return err_set(e, -EINVAL, "core list '%s': '%s' is not understood", list,
				       s);
	}
	return n ? n : err_set(e, -EINVAL, "core list is empty: as in 1,3-5");
}

int pmd_init_all(struct dp *dp, const char *list, struct err *e)
{
	int v[PMD_MAX] = { CORE_ANY }, n = 1;

	if (list)
		n = cores_parse(list, v, e);
	if (n < 0)
		return n;
	for (int i = 0; i < n; i++) {
		struct pmd *w = pmd_new(dp);

		if (!w)
			return err_set(e, -ENOMEM, "no memory for packet thread %d", i);
		w->core = (unsigned int)v[i];
	}
	return 0;
}

/* ---- Starting and stopping ---- */

static int start_one(struct pmd *w, struct err *e)
{
	pthread_attr_t attr;
	pthread_t t;
	cpu_set_t set;
	char name[16];
	int rc;

	pthread_attr_init(&attr);
	if ((int)w->core != CORE_ANY) {
		CPU_ZERO(&set);
		CPU_SET(w->core, &set);
		pthread_attr_setaffinity_np(&attr, sizeof(set), &set);
	}
	atomic_store(&w->stop, false);
	atomic_store(&w->running, false);
	rc = pthread_create(&t, &attr, thread_main, w);
	pthread_attr_destroy(&attr);
	if (rc)
		return err_set(e, -rc, "packet thread %u does not start: %s", w->id, strerror(rc));
	w->thread = t;
	snprintf(name, sizeof(name), "pmd%u", w->id);
	pthread_setname_np(t, name);
	while (!atomic_load(&w->running))
		sched_yield();
	if (atomic_load(&w->stop))
		return err_set(e, -ENOSPC, "packet thread %u: DPDK has no room for a thread",
			       w->id);
	return 0;
}

int pmd_start_all(struct dp *dp, struct err *e)
{
	pmd_assign_queues(dp);
	for (unsigned int i = 0; i < dp->n_pmds; i++) {
		int rc;

		if (dp->pmds[i]->detached || dp->pmds[i]->thread)
			continue;
		rc = start_one(dp->pmds[i], e);
		if (rc) {
			pmd_stop_all(dp);
			return rc;
		}
	}
	return 0;
}

/* Whether it became what is waited for; a second at most. */
static bool wait_held(const struct pmd *w, bool held)
{
	struct timespec tick = { .tv_nsec = 10000 };

	for (unsigned int i = 0; i < 100000; i++) {
		if (atomic_load_explicit(&w->held, memory_order_acquire) == held)
			return true;
		nanosleep(&tick, NULL);
	}
	return false;
}

void pmd_hold_all(struct dp *dp)
{
	for (unsigned int i = 0; i < dp->n_pmds; i++)
		if (!dp->pmds[i]->detached && atomic_load(&dp->pmds[i]->running)) {
			atomic_store_explicit(&dp->pmds[i]->hold, true, memory_order_release);
			doze_ring(&dp->pmds[i]->doze);
		}
	for (unsigned int i = 0; i < dp->n_pmds; i++)
		if (atomic_load(&dp->pmds[i]->hold) && !wait_held(dp->pmds[i], true))
			log_err("pmd", "%s: packet thread %u does not stand still", dp->name, i);
}

void pmd_release_all(struct dp *dp)
{
	for (unsigned int i = 0; i < dp->n_pmds; i++)
		atomic_store_explicit(&dp->pmds[i]->hold, false, memory_order_release);
	/* So that who holds again at once does not take the end of this for the next one's start.
	 */
	for (unsigned int i = 0; i < dp->n_pmds; i++)
		(void)wait_held(dp->pmds[i], false);
}

void pmd_stop_all(struct dp *dp)
{
	for (unsigned int i = 0; i < dp->n_pmds; i++) {
		atomic_store(&dp->pmds[i]->stop, true);
		doze_ring(&dp->pmds[i]->doze);
	}
	for (unsigned int i = 0; i < dp->n_pmds; i++) {
		if (!dp->pmds[i]->thread)
			continue;
		pthread_join(dp->pmds[i]->thread, NULL);
		dp->pmds[i]->thread = 0;
	}
}

void pmd_free_all(struct dp *dp)
{
	pmd_stop_all(dp);
	while (dp->n_pmds) {
		struct pmd *w = dp->pmds[--dp->n_pmds];

		dp->pmds[dp->n_pmds] = NULL;
		pmd_free(dp, w);
	}
}

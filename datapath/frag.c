/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/frag.h"

#include <errno.h>
#include <stdlib.h>

#include <rte_cycles.h>
#include <rte_mbuf.h>

#include "datapath/act_priv.h"
#include "datapath/dp.h"
#include "datapath/parse.h"
#include "datapath/reasm.h"

/* ---- PMD threads ---- */

static void lost(void *arg, uint32_t in_port, enum drop why, unsigned int n)
{
	struct pmd *w = arg;

	role_assume_pmd(); /* the table's owner */
	while (n--)
		pmd_count_drop(w, in_port, why);
}

/* The whole takes the place of packet 'p'.  False: it is of no use. */
static bool replace(struct pmd *w, struct burst *b, struct pkt *p, struct rte_mbuf *whole) PMD
{
	rte_pktmbuf_free(p->m);
	p->m = whole;
	p->frame_len = (uint16_t)RTE_MIN(whole->pkt_len, (uint32_t)UINT16_MAX);
	if (pkt_parse(p) && !(p->key.ip_frag & FLOW_FRAG_ANY))
		return true;
	act_drop(w, b, p, DROP_REASM_INVALID); /* a fragment in a fragment */
	return false;
}

/* False: it waits, or is gone. */
static bool reassemble(struct pmd *w, struct burst *b, struct pkt *p, struct reasm *r,
		       uint16_t zone) PMD
{
	struct rte_mbuf *whole;
	unsigned int n = reasm_add(r, p, zone, w->now, w->pool, &whole);

	if (n) {
		counter_add(&w->perf.consumed, n - 1);
		return replace(w, b, p, whole);
	}
	rte_pktmbuf_free(p->m);
	p->m = NULL;
	p->dropped = true;
	return false;
}

/* False: nothing more happens to it in this burst. */
static bool goes_on(struct pmd *w, struct burst *b, struct pkt *p, uint32_t mode) PMD
{
	struct reasm *r = atomic_load_explicit(&w->reasm, memory_order_acquire);

	if (mode == OFPC_FRAG_DROP) {
		act_drop(w, b, p, DROP_FRAGMENT);
		return false;
	}
	if (r)
		return reassemble(w, b, p, r, 0);
	if (!w->trace)
		return true; /* the mode is just being changed */
	act_drop(w, b, p, DROP_REASM_WAITS);
	return false;
}

uint64_t frag_run(struct pmd *w, struct burst *b, uint64_t todo, uint32_t mode)
{
	for (unsigned int i = 0; i < b->n; i++)
		if (todo >> i & 1 && b->pkt[i].key.ip_frag & FLOW_FRAG_ANY &&
		    !goes_on(w, b, &b->pkt[i], mode))
			todo &= ~(UINT64_C(1) << i);
	return todo;
}

bool frag_track(struct pmd *w, struct burst *b, struct pkt *p, uint16_t zone)
{
	struct reasm *r = atomic_load_explicit(&w->track_reasm, memory_order_acquire);

	if (!r) { /* in a trace */
		act_drop(w, b, p, DROP_REASM_WAITS);
		return false;
	}
	/* An output that waits for this frame has it; what is reassembled is another one. */
	return act_touch(w, b, p) && reassemble(w, b, p, r, zone);
}

void frag_tick(struct pmd *w)
{
	struct reasm *r = atomic_load_explicit(&w->reasm, memory_order_acquire);

	if (r)
		reasm_expire(r, w->now);
	r = atomic_load_explicit(&w->track_reasm, memory_order_acquire);
	if (r)
		reasm_expire(r, w->now);
}

/* ---- Control thread ---- */

struct leaving {
	struct dp *dp;
	struct reasm *r;
};

/* No PMD uses it any more. */
static void leave(void *arg)
{
	struct leaving *l = arg;

	role_assume_control();
	port_drops_add(l->dp, DROP_REASM_OFF, reasm_waiting(l->r));
	reasm_free(l->r);
	free(l);
}

static void retire(struct dp *dp, struct reasm *r) CONTROL
{
	struct leaving *l = r ? malloc(sizeof(*l)) : NULL;

	if (!l)
		return; /* no table; or no memory to give it back, and it is lost */
	*l = (struct leaving){ dp, r };
	dp_retire(dp, l, leave);
}

static void tables_off(struct dp *dp) CONTROL
{
	for (unsigned int i = 0; i < dp->n_pmds; i++)
		retire(dp, atomic_exchange(&dp->pmds[i]->reasm, NULL));
}

static struct reasm *table_new(struct pmd *w)
{
	return reasm_new(&(struct reasm_cfg){
		.datagrams = REASM_DATAGRAMS,
		.pages = REASM_PAGES,
		.ticks = rte_get_tsc_hz(),
		.lost = lost,
		.arg = w,
	});
}

int frag_track_new(struct pmd *w)
{
	struct reasm *r = table_new(w);

	atomic_store_explicit(&w->track_reasm, r, memory_order_release);
	return r ? 0 : -ENOMEM;
}

/* What was made before memory ran out stays, and is there for the next try. */
int frag_track_on(struct dp *dp, struct err *e)
{
	for (unsigned int i = 0; i < dp->n_pmds; i++)
		if (!atomic_load(&dp->pmds[i]->track_reasm) && frag_track_new(dp->pmds[i]))
			return err_set(e, -ENOMEM, "no memory for fragments of tracked packets");
	return 0;
}

static int tables_on(struct dp *dp) CONTROL
{
	for (unsigned int i = 0; i < dp->n_pmds; i++) {
		struct reasm *r = table_new(dp->pmds[i]);

		if (!r) {
			tables_off(dp);
			return -ENOMEM;
		}
		atomic_store_explicit(&dp->pmds[i]->reasm, r, memory_order_release);
	}
	return 0;
}

int frag_mode_set(struct dp *dp, uint32_t mode)
{
	const uint32_t was = atomic_load_explicit(&dp->frag_mode, memory_order_relaxed);

	if (mode == was)
		return 0;
	if (mode == OFPC_FRAG_REASM && tables_on(dp))
		return -ENOMEM;
	atomic_store_explicit(&dp->frag_mode, mode, memory_order_relaxed);
	if (was == OFPC_FRAG_REASM)
		tables_off(dp);
	return 0;
}

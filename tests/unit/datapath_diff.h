/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The differential test's two switches side by side: the state of a round, packets through both,
 * and the comparison of what leaves and of what is counted.
 *
 * Included by one test; state in 't'.  Time is the test's own: it passes by tick() and by setting
 * t.seconds.
 */
#ifndef WEFT_TESTS_DATAPATH_DIFF_H
#define WEFT_TESTS_DATAPATH_DIFF_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_cycles.h>
#include <rte_mbuf.h>

#include "base/arena.h"
#include "datapath/act.h"
#include "datapath/cache_priv.h"
#include "datapath/cls.h"
#include "datapath/cls_lpm.h"
#include "datapath/dp.h"
#include "datapath/eal.h"
#include "datapath/express.h"
#include "datapath/express_ct.h"
#include "datapath/express_route.h"
#include "datapath/group.h"
#include "datapath/meter.h"
#include "datapath/parse.h"
#include "datapath/pipeline.h"
#include "datapath/punt.h"
#include "datapath/ref.h"
#include "datapath/refrag.h"
#include "datapath/sample.h"
#include "datapath/table.h"
#include "datapath/table_state.h"
#include "tests/unit/datapath_random.h"
#include "tests/unit/datapath_rules.h"

enum {
	TABLES_MAX = 40,
	TABLES_FEW = 6,
	FRAMES = 48,
	BURSTS = 24,
	PENDING_MAX = 64,
	GONE_MAX = 8192
};

/* What left of one burst, taken by our own pmd->flush. */
struct got {
	struct out o;
	bool express;	     /* which has no table and no cookie to tell of */
	struct flow_key key; /* of a packet-in */
	uint8_t userdata[8];
	uint32_t n_userdata;
	uint32_t n;
	uint8_t *frame;
};

static struct {
	struct dp *dp;
	struct pmd *w;
	struct cache *cache;
	struct ref *ref;
	struct port ports[PORTS];
	struct queue *queue[3];
	struct queue_set *queues;
	uint64_t seed;
	struct maker frames[FRAMES];
	struct got got[32 * 1024];
	uint32_t n_got, n_lost; /* ... for which there was no room */
	/* Simulated time: what the control thread sees, and the packet thread. */
	double seconds;
	uint64_t cycles;
	/* Flows that were reported as removed, in the order of the counters to compare. */
	struct ref_gone gone[GONE_MAX];
	uint32_t n_gone;
	uint64_t lookups[TABLES_MAX], matches[TABLES_MAX]; /* before this round */
	uint64_t routed, by_table; /* told by the first table: routes; others */
	uint64_t beside_loose;	   /* routed, while others stood beside that no address tells of */
	uint64_t fragments;	   /* that fit() made, in the reference */
	/* A bundle's messages, accepted, and not committed yet. */
	bool bundle, spoilt;
	const struct of_any *pending[PENDING_MAX];
	unsigned int n_pending;
	/* What the tables of this round are like. */
	bool poor; /* hardly any buffers: then all that is asked is that none is lost */
	unsigned int style[TABLES_MAX];
	struct of_match shape[TABLES_MAX]; /* of a table with one mask */
	uint64_t runs[2];		   /* of those that left by express, by enum express_need */
	/* Packets that left by express with odd rules in the tables, and those that may have
	 * matched one (odd.h). */
	uint64_t beside_odd, odd;
	uint64_t long_ways[3], longest[3]; /* that the cache had after a burst, by enum cache_is */
	uint64_t packets, outs, express, accepted, refused, changed, expired, metered, grouped,
		bundles;
	const char *templates[8];
	struct sample samples[SAMPLE_RING];
	uint32_t n_samples;
	uint64_t sample_lost, sample_no_set, sampled;
} t;

#include "tests/unit/datapath_diff_pause.h"

/* The control thread's clock (clock.h). */
double monotonic_now(void)
{
	return t.seconds;
}

static void tick(void)
{
	t.cycles += 1 + rnd() % (rte_get_tsc_hz() / (one_in(10) ? 1 : 100));
	t.w->now = t.cycles; /* of the limits of what goes to the control thread */
}

/* ---- Running packets ---- */

static void take_frame(struct out o)
{
	struct got *g = &t.got[t.n_got];

	assert_non_null(o.m);
	if (pause_took(&o))
		return;
	/* To LOCAL, or to the number that in_port was set to: it leaves the pipeline, but not the
	 * switch (output_port()). */
	if (o.kind == OUT_PORT && !port_by_no(t.dp, o.port)) {
		pmd_count_drop(t.w, o.in_port, o.port == OFPP_LOCAL ? DROP_NO_LOCAL : DROP_NO_PORT);
		rte_pktmbuf_free(o.m);
		return;
	}
	if (t.n_got == sizeof(t.got) / sizeof(t.got[0])) {
		rte_pktmbuf_free(o.m);
		if (o.kind == OUT_CONTROLLER)
			rte_pktmbuf_free(o.more);
		t.n_lost++;
		return;
	}
	*g = (struct got){ .o = o, .n = o.m->pkt_len };
	g->frame = malloc(g->n);
	assert_non_null(g->frame);
	for (uint32_t at = 0; at < g->n;) {
		const struct rte_mbuf *m = o.m;
		uint32_t skip = at;

		while (skip >= m->data_len) {
			skip -= m->data_len;
			m = m->next;
		}
		memcpy(g->frame + at, rte_pktmbuf_mtod(m, uint8_t *), m->data_len);
		at += m->data_len;
	}
	if (o.kind == OUT_CONTROLLER) {
		assert_non_null(o.key);
		g->n_userdata = 0;
		if (o.more) {
			struct punt_more head;

			memcpy(&head, rte_pktmbuf_mtod(o.more, void *), sizeof(head));
			g->n_userdata = head.n_userdata;
			assert_in_range(head.n_userdata, 1, sizeof(g->userdata));
			memcpy(g->userdata, rte_pktmbuf_mtod_offset(o.more, void *, sizeof(head)),
			       head.n_userdata);
			rte_pktmbuf_free(o.more);
		}
	}
	if (o.key)
		g->key = *o.key;
	rte_pktmbuf_free(o.m);
	t.n_got++;
}

/* As a port would, had it a device (output.c). */
static void take_pieces(struct pmd *w, struct out o)
{
	struct rte_mbuf *whole = o.m;
	struct refrag r;

	assert_true(refrag_start(&r, whole, UINT16_MAX));
	while (refrag_more(&r)) {
		o.m = refrag_next(&r, w->pool);
		if (!o.m) {
			t.n_lost++;
			rte_pktmbuf_free(whole);
			return;
		}
		w->perf.created++;
		take_frame(o);
	}
	w->perf.consumed++;
	rte_pktmbuf_free(whole);
}

static void take(struct pmd *w, struct burst *b)
{
	for (uint32_t i = 0; i < b->n_out; i++) {
		struct out o = b->out[i];

		o.idx = b->seq[o.idx];
		if (o.kind == OUT_PORT && refrag_is_due(o.m))
			take_pieces(w, o);
		else
			take_frame(o);
	}
	for (uint32_t i = 0; i < b->n_x; i++) {
		const struct express_lot *x = express_lot_of(b, i);
		const uint32_t had = t.n_got;

		assert_true(b->x[i]->pkt_len <= x->longest);
		take_frame((struct out){ .m = b->x[i],
					 .kind = OUT_PORT,
					 .port = x->port,
					 .idx = b->x_seq[i],
					 .tunneled = x->tunneled,
					 .tun.tun_id = x->tun_id });
		if (t.n_got > had && !t.n_lost)
			t.got[t.n_got - 1].express = true;
		t.express++;
	}
	b->n_out = b->n_keys = b->n_x = b->n_lots = 0;
}

static void forget_got(void)
{
	while (t.n_got)
		free(t.got[--t.n_got].frame);
	t.n_lost = 0;
}

/* A buffer with the frame; now and then in two segments. */
static struct rte_mbuf *mbuf_of(const struct maker *f)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(t.dp->pool), *second;
	uint32_t n = !rules.tracked && one_in(30) && f->n > 20 ? 14 + below(f->n - 14) : f->n;

	assert_non_null(m);
	memcpy(rte_pktmbuf_append(m, (uint16_t)n), f->b, n);
	if (n < f->n) {
		second = rte_pktmbuf_alloc(t.dp->pool);
		assert_non_null(second);
		memcpy(rte_pktmbuf_append(second, (uint16_t)(f->n - n)), f->b + n, f->n - n);
		assert_int_equal(rte_pktmbuf_chain(m, second), 0);
	}
	return m;
}

static uint64_t drop_count(enum drop why)
{
	uint64_t n = t.w->ports[PORT_MAX].drops[why];

	for (unsigned int p = 0; p < PORTS; p++)
		n += t.w->ports[p].drops[why];
	return n;
}

static uint64_t drops(void)
{
	uint64_t n = 0;

	for (unsigned int d = 0; d < N_DROPS; d++)
		n += drop_count(d);
	return n;
}

/* 'express': as frames of one port come, which they must be then. */
static void run_compiled(const unsigned int *which, const uint32_t *in_port, unsigned int n,
			 bool express)
{
	const uint64_t before = t.w->perf.created - t.w->perf.consumed - drops();
	const unsigned int in_use = rte_mempool_in_use_count(t.dp->pool);
	const uint64_t unlearned = t.w->perf.learn_lost;
	struct burst *b = t.w->burst;
	uint64_t todo, left = UINT64_MAX >> (64 - n);
	struct rte_mbuf *m[BURST_MAX];

	forget_got();
	pmd_burst_start(t.w, b);
	for (unsigned int i = 0; i < n; i++)
		m[i] = mbuf_of(&t.frames[which[i]]);
	if (express) {
		const uint64_t before_it = t.w->perf.routed;
		const struct lpm *l = express_routes(t.w);
		uint64_t routed;

		left = express_run(t.w, b, m, n, in_port[0], NULL);
		routed = t.w->perf.routed - before_it;
		*(l ? &t.routed : &t.by_table) += routed;
		t.beside_loose += l && l->n_loose ? routed : 0;
	}
	for (; left; left &= left - 1) {
		const unsigned int i = (unsigned int)__builtin_ctzll(left);

		b->seq[b->n] = (uint8_t)i;
		assert_true(pkt_init(b, b->n, m[i], in_port[i]));
		/* Tracked already: what is left of it begins behind ct(). */
		if (b->came >> i & 1)
			express_come(b, &b->pkt[b->n], i);
		b->n++;
	}
	todo = b->n ? UINT64_MAX >> (64 - b->n) & ~b->ct_came : 0;
	if (t.w->cache)
		todo = cache_run(t.w, b, todo, t.cycles);
	pipeline_run(t.w, b, todo, 0, t.cycles);
	take(t.w, b);
	pause_resume_all();
	/* rx + created = tx + consumed + drops, and every buffer is back. */
	assert_int_equal(n + t.w->perf.created - t.w->perf.consumed - drops(),
			 before + t.n_got + t.n_lost);
	assert_int_equal(rte_mempool_in_use_count(t.dp->pool), in_use);
	/* The reference learns whatever it meets. */
	assert_int_equal(t.w->perf.learn_lost, unlearned);
}

static void hex(const char *what, const uint8_t *p, uint32_t n)
{
	fprintf(stderr, "  %s %u:", what, n);
	for (uint32_t i = 0; i < n; i++)
		fprintf(stderr, "%s%02x", i % 4 ? "" : " ", p[i]);
	fprintf(stderr, "\n");
}

/* ---- Samples: as sets, for a burst's packets meet an action in another order ---- */

static void take_sample(void *arg, const struct sample *s)
{
	(void)arg;
	t.samples[t.n_samples] = *s;
	t.samples[t.n_samples++].at = 0;
}

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct sample));
}

/* What goes to no set is counted, and is not among the others. */
static uint32_t told(const struct sample *v, uint32_t n, struct sample *to)
{
	uint32_t k = 0;

	for (uint32_t i = 0; i < n; i++)
		if (sample_has_set(t.dp, v[i].flow.set))
			to[k++] = v[i];
	return k;
}

/* Of the packets that the reference has run since it was last asked; 'kept': all of it was. */
static void compare_samples(const char *mode, bool kept)
{
	static struct sample want[SAMPLE_RING];
	const uint64_t lost = t.w->perf.sample_lost, no_set = t.w->perf.sample_no_set;
	const struct sample *v;
	const uint32_t n = ref_samples(t.ref, &v);
	uint32_t n_want;

	t.n_samples = 0;
	sample_drain(t.dp, SAMPLE_RING, take_sample, NULL);
	/* Clones of clones may sample more often than there is room. */
	if (kept && lost == t.sample_lost && n <= SAMPLE_RING) {
		n_want = told(v, n, want);
		assert_int_equal(no_set - t.sample_no_set, n - n_want);
		assert_int_equal(t.n_samples, n_want);
		qsort(want, n_want, sizeof(want[0]), by_bytes);
		qsort(t.samples, n_want, sizeof(want[0]), by_bytes);
		for (uint32_t i = 0; i < n_want; i++)
			if (by_bytes(&want[i], &t.samples[i])) {
				fprintf(stderr, "seed %llu, cache %s: sample %u of %u\n",
					(unsigned long long)t.seed, mode, i, n_want);
				hex("is  ", (const uint8_t *)&t.samples[i], sizeof(want[0]));
				hex("want", (const uint8_t *)&want[i], sizeof(want[0]));
				fail_msg("a sample differs from the reference's");
			}
		t.sampled += n_want;
	}
	t.sample_lost = lost;
	t.sample_no_set = no_set;
}

/* ---- Comparing ---- */

static int dump_flow(void *arg, const struct flow *f)
{
	struct of_flow_mod fm = { .kind = OF_KIND_flow_mod };

	(void)arg;
	flow_match(f, &fm.match);
	fm.table_id = f->table_id;
	fm.cookie = f->cookie;
	fm.priority = f->rule.priority;
	fm.insts = f->insts->list;
	of_dump_any(stderr, (struct of_any *)&fm);
	return 0;
}

/* What a packet-in tells of the packet beside its bytes (7.4.1). */
static bool same_meta(const struct flow_key *is, const struct flow_key *want, bool explain)
{
	bool ok = true;

	FIELD_EACH (f) {
		uint8_t x[16], y[16];

		of_field_get(f, is, x);
		of_field_get(f, want, y);
		if (f->layer != OF_LAYER_META || (f->pre > OF_PRE_IN_PORT && f->pre < OF_PRE_CT) ||
		    memcmp(x, y, f->bytes) == 0)
			continue;
		ok = false;
		if (explain)
			fprintf(stderr, "  %s differs\n", f->name);
	}
	return ok;
}

/* The action set's, which belongs to no table: where a packet that paused has nothing left but
 * that, or but to resubmit, it is not known any more which one was the last (freeze_level()). */
static bool is_set(const struct ref_out *r)
{
	return r->cookie == UINT64_MAX;
}

static bool same(const struct got *g, const struct ref_out *r)
{
	if ((unsigned int)g->o.kind != (unsigned int)r->kind || g->o.port != r->port ||
	    g->n != r->n || memcmp(g->frame, r->frame, r->n) != 0)
		return false;
	if (!g->express && (g->o.cookie != r->cookie ||
			    (g->o.table_id != r->table_id && !(rules.paused && is_set(r)))))
		return false;
	if (g->o.kind != OUT_CONTROLLER)
		return g->o.queue_id == r->queue_id &&
		       (g->o.tunneled ? be64toh(g->o.tun.tun_id) : 0) == r->tun_id;
	if (!same_meta(&g->key, &r->meta, false))
		return false;
	return g->o.reason == r->reason &&
	       (g->o.reason == OFPR_INVALID_TTL || g->o.max_len == r->max_len) &&
	       g->o.controller_id == r->controller_id && !!g->o.more == !!r->userdata &&
	       g->n_userdata == r->n_userdata &&
	       (!r->n_userdata || !memcmp(g->userdata, r->userdata, r->n_userdata));
}

static void explain(const char *mode, unsigned int which, uint32_t in_port, unsigned int slot,
		    const struct ref_out *out, uint32_t n)
{
	const struct of_mp_flow_request all = { .table_id = OFPTT_ALL,
						.out_port = OFPP_ANY,
						.out_group = OFPG_ANY };
	uint32_t k = 0;

	if (getenv("WEFT_DIFF_DUMP"))
		table_select(t.dp, &all, dump_flow, NULL);
	fprintf(stderr, "seed %llu, cache %s, packet from port %u:\n", (unsigned long long)t.seed,
		mode, in_port);
	hex("in ", t.frames[which].b, t.frames[which].n);
	for (uint32_t i = 0; i < t.n_got; i++) {
		const struct got *g = &t.got[i];

		if (g->o.idx != slot)
			continue;
		fprintf(stderr, "  got kind %u port %#x queue %u table %u reason %u cookie %#llx\n",
			g->o.kind, g->o.port, g->o.queue_id, g->o.table_id, g->o.reason,
			(unsigned long long)g->o.cookie);
		hex("got", g->frame, g->n);
		if (k < n && !same(g, &out[k]))
			fprintf(stderr, "  differs from number %u below\n", k);
		if (k < n && g->o.kind == OUT_CONTROLLER)
			same_meta(&g->key, &out[k].meta, true);
		k++;
	}
	for (uint32_t i = 0; i < n; i++) {
		fprintf(stderr, "  ref kind %u port %#x queue %u table %u reason %u cookie %#llx\n",
			out[i].kind, out[i].port, out[i].queue_id, out[i].table_id, out[i].reason,
			(unsigned long long)out[i].cookie);
		hex("ref", out[i].frame, out[i].n);
	}
}

/* The one in its place; what a copy of a packet that paused has sent may come later, so that it is
 * only to be among those that are left, in whose place it is put. */
static bool is_next(const struct got *g, struct ref_out *out, uint32_t n, uint32_t at)
{
	for (uint32_t k = at; k < (rules.paused ? n : at + 1); k++) {
		const struct ref_out r = out[k];

		if (!same(g, &r))
			continue;
		out[k] = out[at];
		out[at] = r;
		return true;
	}
	return false;
}

/* Where packets went, that they left nowhere notwithstanding. */
static void check_tables(void)
{
	for (unsigned int i = 0; i < TABLES_MAX; i++) {
		uint64_t lookups, matches, want_lookups, want_matches;

		(void)ref_table_counts(t.ref, (uint8_t)i, &want_lookups, &want_matches);
		table_lookups(t.dp, (uint8_t)i, &lookups, &matches);
		if (lookups - t.lookups[i] != want_lookups ||
		    matches - t.matches[i] != want_matches)
			fail_msg("seed %llu: table %u: %llu lookups and %llu matches, not %llu "
				 "and %llu",
				 (unsigned long long)t.seed, i,
				 (unsigned long long)(lookups - t.lookups[i]),
				 (unsigned long long)(matches - t.matches[i]),
				 (unsigned long long)want_lookups,
				 (unsigned long long)want_matches);
	}
}

static void compare(const char *mode, const unsigned int *which, const uint32_t *in_port,
		    unsigned int n)
{
	bool kept = true;

	t.packets += n;
	ref_clock(t.ref, t.seconds, t.cycles, rte_get_tsc_hz());
	if (t.poor) {
		compare_samples(mode, false);
		return;
	}
	for (unsigned int slot = 0; slot < n; slot++) {
		const struct maker *f = &t.frames[which[slot]];
		struct ref_out *out;
		const uint32_t n_out = ref_packet(t.ref, f->b, f->n, in_port[slot], &out);
		uint32_t seen = 0;
		bool ok = true;

		/* Resubmits have multiplied it beyond what is kept here or there. */
		if (t.n_lost || n_out == REF_OUTS_KEPT) {
			kept = false;
			continue;
		}

		for (uint32_t i = 0; i < t.n_got; i++) {
			if (t.got[i].o.idx != slot)
				continue;
			ok = ok && seen < n_out && is_next(&t.got[i], out, n_out, seen);
			seen++;
		}
		if (!ok || seen != n_out) {
			explain(mode, which[slot], in_port[slot], slot, out, n_out);
			fail_msg("packet %u of a burst of %u differs from the reference", slot, n);
		}
		t.outs += n_out;
	}
	compare_samples(mode, kept);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cycles that tracking takes for a packet of a known connection, and for a new one: ct_read(),
 * prefetches and ct_track() of bursts of 32, without the pipeline around them.
 *
 *	build/bench/ct_cycles [CONNECTIONS]...
 *
 * Frames are made between the measured parts, and are in the cache; connections are met in random
 * order, from either side.  What is printed is the median of bursts, which a busy machine hardly
 * moves.
 */
#include <stdio.h>
#include <stdlib.h>

#include <rte_cycles.h>
#include <rte_mbuf.h>

#include "datapath/ct_tcp.h"
#include "datapath/ct_track.h"
#include "datapath/dp.h"
#include "datapath/eal.h"
#include "datapath/parse.h"
#include "datapath/pmd.h"
#include "tests/unit/datapath_ct_frames.h"

enum { BURST = 32, ROUNDS = 20000 };

static struct {
	struct dp *dp;
	struct pmd *w;
	struct ct *t;
	struct burst *b;
	struct rte_mbuf *m[BURST];
	uint32_t n;   /* connections */
	uint16_t len; /* of the data */
	uint8_t proto;
} g;

/* A packet of connection 'i', as it is sent from 'dir'. */
static void frame(unsigned int slot, uint32_t i, unsigned int dir, uint8_t flags, uint32_t seq,
		  uint32_t ack)
{
	struct cf_spec s = { .proto = g.proto,
			     .src = dir ? 2 : 1,
			     .dst = dir ? 1 : 2,
			     .sport = dir ? 80 : 1000,
			     .dport = dir ? 1000 : 80,
			     .flags = flags,
			     .seq = seq,
			     .ack = ack,
			     .win = 60000,
			     .len = flags & TCP_SYN ? 0 : g.len };
	struct rte_mbuf *m = g.m[slot];
	static struct cf f;

	cf_make(&f, &s);
	put_be32(f.b + CF_L3 + (dir ? 16 : 12), 0x0a000000u | i);
	cf_sum_ip(f.b + CF_L3);
	cf_sum_l4(&f);
	rte_pktmbuf_reset(m);
	memcpy(rte_pktmbuf_append(m, (uint16_t)f.n), f.b, f.n);
	(void)pkt_init(g.b, slot, m, 1);
}

/* 'want': each packet's state; 0: established, from either side. */
static uint64_t track(bool commit, uint8_t want)
{
	static const struct ct_req reqs[2] = { { 0 }, { .commit = true } };
	const struct ct_req *r = &reqs[commit];
	struct ct_result out[BURST];
	struct ct_pkt cp[BURST];
	uint64_t begin;
	uint32_t now;

	role_assume_pmd();
	g.w->now = rte_rdtsc();
	begin = rte_rdtsc_precise();
	now = ct_now(g.t, g.w->now);
	for (unsigned int i = 0; i < BURST; i++) {
		ct_read(g.w, g.t, &g.b->pkt[i], 0, &cp[i]);
		ct_prefetch(g.t, cp[i].hash);
	}
	for (unsigned int i = 0; i < BURST; i++)
		ct_prefetch_conn(g.t, cp[i].hash);
	for (unsigned int i = 0; i < BURST; i++)
		ct_track(g.w, g.b, g.t, &g.b->pkt[i], &cp[i], r, now, &out[i]);
	begin = rte_rdtsc_precise() - begin;
	for (unsigned int i = 0; i < BURST; i++)
		if ((want ? out[i].state != want : !(out[i].state & CT_EST)) ||
		    out[i].drop != N_DROPS) {
			fprintf(stderr, "state %#x instead of %#x\n", out[i].state, want);
			exit(1);
		}
	return begin;
}

/* Of bursts: their cycles. */
struct sample {
	uint32_t n;
	uint32_t v[1 << 16];
};

static struct sample known, fresh;

static void note(struct sample *s, uint64_t cycles)
{
	if (s->n < sizeof(s->v) / sizeof(s->v[0]))
		s->v[s->n++] = (uint32_t)cycles;
}

static int by_size(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static double median(struct sample *s)
{
	qsort(s->v, s->n, sizeof(s->v[0]), by_size);
	return (double)s->v[s->n / 2] / BURST;
}

static void each(unsigned int dir, uint8_t flags, uint32_t seq, uint32_t ack, bool commit,
		 uint8_t want, struct sample *s)
{
	for (uint32_t i = 0; i < g.n; i += BURST) {
		for (unsigned int k = 0; k < BURST; k++)
			frame(k, (i + k) % g.n, dir, flags, seq, ack);
		note(s, track(commit, want));
	}
}

static void measure(uint8_t proto, uint16_t len)
{
	uint64_t x = 1;
	struct err e;

	role_assume_control();
	known.n = fresh.n = 0;
	g.proto = proto;
	g.len = len;
	g.t = ct_new("bench", g.n + 1000, &e);
	if (!g.t)
		exit(1);
	if (g.n < BURST) { /* the same one 32 times: made by hand */
		const struct ct_req r = { .commit = true };
		struct ct_result out;
		struct ct_pkt cp;

		role_assume_pmd();
		g.w->now = rte_rdtsc();
		frame(0, 0, 0, TCP_SYN, 0, 0);
		ct_read(g.w, g.t, &g.b->pkt[0], 0, &cp);
		ct_track(g.w, g.b, g.t, &g.b->pkt[0], &cp, &r, ct_now(g.t, g.w->now), &out);
		each(1, TCP_SYN | TCP_ACK, 0, 1, false, CT_TRK | CT_EST | CT_RPL, &known);
	} else {
		each(0, TCP_SYN, 0, 0, true, CT_TRK | CT_NEW, &fresh);
		each(1, TCP_SYN | TCP_ACK, 0, 1, false, CT_TRK | CT_EST | CT_RPL, &known);
	}
	each(0, TCP_ACK, 1, 1, false, CT_TRK | CT_EST, &known);
	known.n = 0;
	for (unsigned int r = 0; r < ROUNDS; r++) {
		for (unsigned int k = 0; k < BURST; k++) {
			const unsigned int dir = k & 1;
			uint32_t i;

			x = x * UINT64_C(6364136223846793005) + 1442695040888963407u;
			i = (uint32_t)(x >> 33) % g.n;
			frame(k, i, dir, TCP_ACK, 1, 1);
		}
		note(&known, track(false, 0));
	}
	printf("%s %4u bytes, %7u connections: %5.0f cycles a packet",
	       proto == IPPROTO_TCP ? "tcp" : "udp", len, g.n, median(&known));
	if (fresh.n)
		printf(", %5.0f for a new one", median(&fresh));
	printf("\n");
	role_assume_control();
	ct_free(g.t);
	dp_barrier(g.dp);
}

int main(int argc, char **argv)
{
	static const uint32_t sizes[] = { 1, 10240, 102400, 1024000 };
	const struct dp_opts o = { .name = "bench", .dpid = 1 };
	struct err e = { "" };

	role_assume_control();
	if (eal_start(NULL, &e) < 0 || !(g.dp = dp_new(&o, &e)) ||
	    !(g.w = pmd_new_detached(g.dp))) {
		fprintf(stderr, "%s\n", e.text);
		return 1;
	}
	g.b = calloc(1, sizeof(*g.b));
	for (unsigned int i = 0; i < BURST; i++)
		g.m[i] = rte_pktmbuf_alloc(g.dp->pool);
	for (unsigned int i = 0; i < (argc > 1 ? (unsigned int)argc - 1 : 4); i++) {
		g.n = argc > 1 ? (uint32_t)atoi(argv[i + 1]) : sizes[i];
		measure(IPPROTO_UDP, 10);
		measure(IPPROTO_TCP, 0);
		measure(IPPROTO_TCP, 1400);
	}
	return 0;
}

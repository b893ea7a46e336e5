/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A datapath without ports for the table, group, meter and cache tests: one detached PMD, messages
 * made by hand, frames that are made here, and what leaves taken before it would come to a port.
 */
#ifndef WEFT_TESTS_DATAPATH_HARNESS_H
#define WEFT_TESTS_DATAPATH_HARNESS_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <rte_cycles.h>
#include <rte_mbuf.h>

#include "datapath/act.h"
#include "datapath/cache.h"
#include "datapath/dp.h"
#include "datapath/eal.h"
#include "datapath/group.h"
#include "datapath/meter.h"
#include "datapath/parse.h"
#include "datapath/pipeline.h"

enum { HARNESS_OUTS = 4096 };

struct harness {
	struct dp *dp;
	struct pmd *w;
	struct arena a;
	struct of_err e;
	/* What left since the last harness_send(): ports in order; OFPP_CONTROLLER for packet-ins.
	 */
	uint32_t n_out, out[HARNESS_OUTS];
	uint64_t out_cookie[HARNESS_OUTS];
	/* Flows that were reported as removed. */
	uint32_t n_removed;
	uint64_t removed_cookie[1024], removed_packets[1024];
	uint8_t removed_reason[1024];
};

static struct harness h;

static inline void harness_take(struct pmd *w, struct burst *b)
{
	for (uint32_t i = 0; i < b->n_out; i++) {
		if (h.n_out < HARNESS_OUTS) {
			h.out_cookie[h.n_out] = b->out[i].cookie;
			h.out[h.n_out++] =
				b->out[i].kind == OUT_CONTROLLER ? OFPP_CONTROLLER : b->out[i].port;
		}
		rte_pktmbuf_free(b->out[i].m);
	}
	b->n_out = b->n_keys = 0;
}

static inline void harness_removed(void *arg, const struct flow *f, const struct of_match *match,
				   uint8_t reason, uint64_t packets, uint64_t bytes,
				   double duration)
{
	uint32_t i = h.n_removed++ % 1024;

	h.removed_cookie[i] = f->cookie;
	h.removed_reason[i] = reason;
	h.removed_packets[i] = packets;
}

static inline int harness_setup(const struct dp_opts *o)
{
	struct err e = { "" };

	role_assume_control();
	memset(&h, 0, sizeof(h));
	arena_init(&h.a, (size_t)1 << 30);
	if (eal_start(NULL, &e) < 0 || !(h.dp = dp_new(o, &e)) || !(h.w = pmd_new_detached(h.dp))) {
		fprintf(stderr, "%s\n", e.text);
		return -1;
	}
	h.w->flush = harness_take;
	h.dp->table_events.flow_removed = harness_removed;
	return 0;
}

static inline int harness_teardown(void **state)
{
	role_assume_control();
	dp_free(h.dp);
	arena_fini(&h.a);
	return 0;
}

/* ---- Messages ---- */

static inline struct of_any *output_to(uint32_t port)
{
	struct of_action_output *o = OF_NEW(&h.a, action_output);

	o->port = port;
	o->max_len = OFPCML_NO_BUFFER;
	return (struct of_any *)o;
}

static inline struct of_any *to_group(uint32_t id)
{
	struct of_action_group *g = OF_NEW(&h.a, action_group);

	g->group_id = id;
	return (struct of_any *)g;
}

static inline struct of_any *applied(struct of_any *action)
{
	struct of_inst_apply_actions *i = OF_NEW(&h.a, inst_apply_actions);

	assert_int_equal(of_list_add(&i->actions, &h.a, action), 0);
	return (struct of_any *)i;
}

static inline struct of_any *written(struct of_any *action)
{
	struct of_inst_write_actions *i = OF_NEW(&h.a, inst_write_actions);

	assert_int_equal(of_list_add(&i->actions, &h.a, action), 0);
	return (struct of_any *)i;
}

static inline struct of_any *goto_table(uint8_t t)
{
	struct of_inst_goto_table *i = OF_NEW(&h.a, inst_goto_table);

	i->table_id = t;
	return (struct of_any *)i;
}

static inline struct of_any *metered(uint32_t id)
{
	struct of_inst_meter *i = OF_NEW(&h.a, inst_meter);

	i->meter_id = id;
	return (struct of_any *)i;
}

/* A flow_mod that does nothing special: change what the test is about, then send it. */
static inline struct of_flow_mod *flow_mod(uint8_t command, uint8_t table, uint16_t priority)
{
	struct of_flow_mod *fm = OF_NEW(&h.a, flow_mod);

	assert_non_null(fm);
	fm->command = command;
	fm->table_id = table;
	fm->priority = priority;
	fm->buffer_id = OFP_NO_BUFFER;
	fm->out_port = OFPP_ANY;
	fm->out_group = OFPG_ANY;
	return fm;
}

static inline void inst(struct of_flow_mod *fm, struct of_any *i)
{
	assert_int_equal(of_list_add(&fm->insts, &h.a, i), 0);
}

/* 0, or type << 16 | code of the refusal. */
static inline uint32_t send_flow(const struct of_flow_mod *fm)
{
	int err = table_flow_mod(h.dp, fm, &h.e);

	if (!err)
		return 0;
	assert_int_equal(err, -EPROTO);
	assert_true(h.e.text[0]);
	return (uint32_t)h.e.type << 16 | h.e.code;
}

static inline uint32_t refusal(uint16_t type, uint16_t code)
{
	return (uint32_t)type << 16 | code;
}

static inline uint32_t flow_refusal(uint16_t code)
{
	return refusal(OFPET_FLOW_MOD_FAILED, code);
}

static inline void wipe(void)
{
	struct of_flow_mod *fm = flow_mod(OFPFC_DELETE, OFPTT_ALL, 0);
	struct of_group_mod gm = { .kind = OF_KIND_group_mod,
				   .command = OFPGC_DELETE,
				   .group_id = OFPG_ALL };
	struct of_meter_mod mm = { .kind = OF_KIND_meter_mod,
				   .command = OFPMC_DELETE,
				   .meter_id = OFPM_ALL };

	assert_int_equal(send_flow(fm), 0);
	assert_int_equal(group_mod(h.dp, &gm, &h.e), 0);
	assert_int_equal(meter_mod(h.dp, &mm, &h.e), 0);
	dp_publish(h.dp);
	dp_barrier(h.dp);
	h.n_removed = 0;
	arena_reset(&h.a);
}

/* ---- Packets ---- */

struct packet {
	uint32_t in_port;
	uint8_t dst; /* last byte of eth_dst and of ip_dst */
	uint16_t sport, dport;
	uint16_t len; /* 0: 60 */
};

static inline struct rte_mbuf *frame_of(const struct packet *p)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(h.w->pool);
	uint16_t n = p->len ? p->len : 60;
	uint8_t *f;

	assert_non_null(m);
	f = (uint8_t *)rte_pktmbuf_append(m, n);
	assert_non_null(f);
	memset(f, 0, n);
	f[5] = p->dst;
	f[6] = 2;
	put_be16(f + 12, 0x0800);
	f[14] = 0x45;
	put_be16(f + 16, (uint16_t)(n - 14));
	f[22] = 64;
	f[23] = 17;
	f[26] = 10;
	f[30] = 10;
	f[33] = p->dst;
	put_be16(f + 34, p->sport);
	put_be16(f + 36, p->dport);
	put_be16(f + 38, (uint16_t)(n - 34));
	return m;
}

/* Sends packets as one burst, by the cache if the PMD has one; 'now' is its TSC. */
static inline void send_at(const struct packet *p, unsigned int n, uint64_t now)
{
	struct burst *b = h.w->burst;
	uint64_t todo;

	role_assume_pmd();
	h.n_out = 0;
	b->n = b->n_out = b->n_keys = 0;
	b->out_of_order = false;
	b->version = atomic_load_explicit(&h.dp->version, memory_order_acquire);
	for (unsigned int i = 0; i < n; i++) {
		assert_true(pkt_init(b, i, frame_of(&p[i]), p[i].in_port));
		b->n++;
	}
	todo = ~UINT64_C(0) >> (64 - n);
	if (h.w->cache)
		todo = cache_run(h.w, b, todo, now);
	if (todo)
		pipeline_run(h.w, b, todo, 0, now);
	h.w->flush(h.w, b);
}

static inline void send_packets(const struct packet *p, unsigned int n)
{
	send_at(p, n, rte_rdtsc());
}

/* One packet; the port it left by, 0: none. */
static inline uint32_t send_one(struct packet p)
{
	send_packets(&p, 1);
	assert_in_range(h.n_out, 0, 1);
	return h.n_out ? h.out[0] : 0;
}

/* ---- Reading back ---- */

struct listing {
	uint32_t n;
	const struct flow *f[4096];
};

static inline int list_one(void *arg, const struct flow *f)
{
	struct listing *l = arg;

	assert_in_range(l->n, 0, 4095);
	l->f[l->n++] = f;
	return 0;
}

static inline const struct listing *list_flows(uint8_t table)
{
	struct of_mp_flow_request q = { .kind = OF_KIND_mp_flow_request,
					.table_id = table,
					.out_port = OFPP_ANY,
					.out_group = OFPG_ANY };
	static struct listing l;

	l.n = 0;
	assert_int_equal(table_select(h.dp, &q, list_one, &l), 0);
	return &l;
}

static inline uint64_t packets_of(const struct flow *f)
{
	uint64_t packets, bytes;

	flow_counts(h.dp, f, &packets, &bytes);
	return packets;
}

#endif

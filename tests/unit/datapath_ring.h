/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A switch whose packet thread is turned by hand, for the tests of what happens between ports.
 *
 *	port 1..4: net_ring devices; what is sent to one comes back in by it.  So a frame is fed to
 * a port by injecting it there, and flows say what becomes of it when it comes in.
 *
 * Each test begins with no flows, and ends with books that balance.
 */
#ifndef WEFT_TESTS_DATAPATH_RING_H
#define WEFT_TESTS_DATAPATH_RING_H

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_ip.h>
#include <rte_mbuf.h>

#include "datapath/act.h"
#include "datapath/dp.h"
#include "datapath/eal.h"
#include "datapath/fdb.h"
#include "datapath/punt.h"
#include "ofproto/text.h"

enum { PORTS = 4, FRAME = 60 };

static struct dp *dp;
static struct pmd *w;
static struct port *port[PORTS + 1];
static struct port_counters was[PORTS + 1];
static struct err e;

/* ---- A switch ---- */

static inline void plug(unsigned int no, const char *options)
{
	struct port_spec spec;
	char text[64], name[8];

	snprintf(text, sizeof(text), "vdev:net_ring%u%s", no, options);
	snprintf(name, sizeof(name), "p%u", no);
	assert_int_equal(port_spec_parse(text, &spec, &e), 0);
	if (port_add(dp, name, no, &spec, &port[no], &e))
		fail_msg("%s", e.text);
}

static inline void turn(unsigned int rounds)
{
	role_assume_pmd();
	while (rounds--)
		pmd_iteration(w);
	for (int more = 1; more;)
		more = (int)pmd_iteration(w);
}

static inline void flow(const char *text)
{
	struct of_flow_mod *fm;
	struct of_err oe;
	struct arena a;

	role_assume_control();
	arena_init(&a, 0);
	if (of_parse_flow(text, OFPFC_ADD, NULL, &a, &fm, &e))
		fail_msg("%s: %s", text, e.text);
	if (table_flow_mod(dp, fm, &oe))
		fail_msg("%s: %s", text, oe.text);
	dp_publish(dp);
	arena_fini(&a);
}

static inline void no_flows(void)
{
	struct of_flow_mod fm = { .kind = OF_KIND_flow_mod,
				  .command = OFPFC_DELETE,
				  .table_id = OFPTT_ALL,
				  .out_port = OFPP_ANY,
				  .out_group = OFPG_ANY };
	struct of_err oe;

	role_assume_control();
	assert_int_equal(table_flow_mod(dp, &fm, &oe), 0);
	dp_publish(dp);
}

/* rx + created = tx + consumed + drops. */
static inline void balanced(void)
{
	uint64_t drops[N_DROPS], lost = 0;

	role_assume_control();
	port_drops(dp, drops);
	for (unsigned int i = 0; i < N_DROPS; i++)
		lost += drops[i];
	assert_int_equal(w->perf.rx + w->perf.created, w->perf.tx + w->perf.consumed + lost);
}

static inline void begin(void)
{
	role_assume_control();
	for (unsigned int i = 1; i <= PORTS; i++)
		port_counters(dp, port[i], &was[i]);
}

static inline struct port_counters since(unsigned int no)
{
	struct port_counters c;

	role_assume_control();
	port_counters(dp, port[no], &c);
	c.rx_packets -= was[no].rx_packets;
	c.tx_packets -= was[no].tx_packets;
	c.rx_bytes -= was[no].rx_bytes;
	for (unsigned int d = 0; d < N_DROPS; d++)
		c.drops[d] -= was[no].drops[d];
	return c;
}

static inline int setup(void **state)
{
	struct dp_opts o = { .name = "unit", .dpid = 1, .cache_entries = 1024 };

	role_assume_control();
	if (eal_start(NULL, &e) || !(dp = dp_new(&o, &e)) || pmd_init_all(dp, NULL, &e)) {
		fprintf(stderr, "%s\n", e.text);
		return -1;
	}
	w = dp->pmds[0];
	for (unsigned int i = 1; i <= PORTS; i++)
		plug(i, "");
	return 0;
}

static inline int teardown(void **state)
{
	role_assume_control();
	dp_free(dp);
	return 0;
}

/* Each test begins with no flows, and ends with balanced books. */
static inline int fresh(void **state)
{
	no_flows();
	turn(2);
	begin();
	return 0;
}

static inline int settled(void **state)
{
	turn(2);
	balanced();
	return 0;
}

/* ---- Frames ---- */

static uint8_t frame[1600];

/* Ethernet with a number behind the type. */
static inline void frame_is(uint8_t src, uint8_t dst, uint16_t type, uint16_t number)
{
	memset(frame, 0, sizeof(frame));
	frame[0] = dst == 0xff ? 0xff : 2;
	frame[5] = dst;
	frame[6] = 2;
	frame[11] = src;
	put_be16(frame + 12, type);
	put_be16(frame + 14, number);
}

static inline void feed(unsigned int no, uint32_t n)
{
	role_assume_control();
	assert_int_equal(inject_port(dp, frame, n, no), 0);
}

/* ---- What comes up ---- */

static struct {
	unsigned int n;
	enum punt_kind kind[4096];
	uint16_t number[4096];
	uint8_t reason[4096];
	uint32_t in_port[4096];
	uint64_t cookie[4096];
} up;

static inline void take(struct dp *d, struct punt *p, void *arg)
{
	unsigned int i = up.n++;

	assert_in_range(i, 0, 4095);
	up.kind[i] = p->kind;
	up.reason[i] = p->reason;
	up.in_port[i] = p->in_port;
	up.cookie[i] = p->cookie;
	up.number[i] = p->m ? get_be16(rte_pktmbuf_mtod_offset(p->m, uint8_t *, 14)) : 0;
	if (p->kind == PUNT_LEARN)
		fdb_learn(d->fdb, be16toh(p->key.vlan_tci), p->key.eth_src, p->in_port,
			  fdb_now(rte_rdtsc()));
}

static inline void drain(void)
{
	role_assume_control();
	up.n = 0;
	punt_drain(dp, 4096, take, NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fresh, settled)

#endif

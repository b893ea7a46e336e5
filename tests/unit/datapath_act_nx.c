/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nicira's actions on copies: over a limit far inside, and more outputs than a burst has room for;
 * and what random flows seldom come to.  What they do besides is compared with the reference
 * (datapath_diff.c).
 */
#include "tests/unit/datapath_act.h"

#include "datapath/ct.h"
#include "datapath/pipeline.h"

#define UDP_FRAME                                          \
	"020000000002020000000001080045000021000100004011" \
	"66c90a0000010a000002"                             \
	"00050006000d00006162636465"

/* ---- Over a limit ---- */

/*
 * In table 0 'actions', which lead in a circle: of the packet, and of all that is a copy of it,
 * nothing goes on, and each says why.
 */
static void doomed(const char *actions, enum drop why)
{
	const uint64_t before = dropped(why), all = all_drops();
	char text[256];

	group(OFPGC_ADD, "group_id=1,type=all,bucket=mod_nw_ttl:9,resubmit(,1)");
	snprintf(text, sizeof(text), "table=0,udp,actions=%s", actions);
	flow(text);
	flow("table=1,actions=resubmit(,1)");
	flow("table=3,actions=clone(group:1)");
	flow("table=2,actions=write_actions(output:3),goto_table:3");
	dp_publish(h.dp);
	send_hex(UDP_FRAME);
	if (left.n || dropped(why) == before || dropped(why) - before != all_drops() - all)
		fail_msg("%s: %u left, %u of %u were dropped for '%s'", actions, left.n,
			 (unsigned int)(dropped(why) - before), (unsigned int)(all_drops() - all),
			 drop_texts[why]);
	clean(NULL);
}

static void doom_in_copies(void **state)
{
	static const struct {
		const char *actions;
		enum drop why;
	} cases[] = {
		{ "resubmit(,0),output:2", DROP_CALL_DEPTH },
		{ "clone(mod_nw_ttl:9,resubmit(,0)),output:2", DROP_CALL_DEPTH },
		{ "clone(clone(clone(mod_nw_ttl:9,resubmit(,1)))),output:2", DROP_CALL_DEPTH },
		{ "clone(clone(resubmit(,2))),output:2", DROP_CALL_DEPTH },
		{ "clone(push:reg0,clone(push:reg0,resubmit(,0))),output:2", DROP_STACK_FULL },
		{ "group:1,output:2", DROP_CALL_DEPTH },
		{ "clone(group:1),output:2", DROP_CALL_DEPTH },
		{ "clone(ct(table=3),output:2),output:2", DROP_CALL_DEPTH },
		{ "ct(table=3),output:2", DROP_CALL_DEPTH },
	};

	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		doomed(cases[i].actions, cases[i].why);
}

/* ---- More outputs than there is room for ---- */

enum { SENT_MAX = 64, TTL_AT = 14 + 8 };

/* What left of each packet of a burst. */
static struct {
	unsigned int n;
	struct {
		uint32_t port;
		uint8_t ttl;
	} o[SENT_MAX];
} sent[BURST_MAX];

static unsigned int flushes;

static void note(struct pmd *w, struct burst *b)
{
	(void)w;
	for (uint32_t i = 0; i < b->n_out; i++) {
		const struct out *o = &b->out[i];
		const unsigned int n = sent[o->idx].n++;

		assert_true(n < SENT_MAX);
		assert_non_null(o->m);
		sent[o->idx].o[n].port = o->port;
		sent[o->idx].o[n].ttl = rte_pktmbuf_mtod(o->m, uint8_t *)[TTL_AT];
		rte_pktmbuf_free(o->m);
	}
	b->n_out = b->n_keys = 0;
	b->out_of_order = false;
	flushes++;
}

/* 'n' alike. */
static void send_burst(unsigned int n)
{
	const unsigned int used = rte_mempool_in_use_count(h.w->pool);
	const uint64_t before = h.w->perf.created - h.w->perf.consumed - all_drops();
	struct burst *b = h.w->burst;
	unsigned int out = 0;

	memset(sent, 0, sizeof(sent));
	flushes = 0;
	role_assume_pmd();
	pmd_burst_start(h.w, b);
	for (unsigned int i = 0; i < n; i++)
		assert_true(pkt_init(b, b->n++, mbuf_of(UDP_FRAME), 1));
	h.w->now = rte_rdtsc();
	pipeline_run(h.w, b, UINT64_MAX >> (64 - n), 0, h.w->now);
	h.w->flush(h.w, b);
	for (unsigned int i = 0; i < n; i++)
		out += sent[i].n;
	assert_int_equal(n + h.w->perf.created - h.w->perf.consumed - all_drops(), before + out);
	assert_int_equal(rte_mempool_in_use_count(h.w->pool), used);
}

/* What leaves of one packet leaves of each of many, whoever waits for a frame when all must go. */
static void full_bursts(void **state)
{
#define FLOODS "all,all,all,all"
	static const char *const cases[] = {
		"output:2," FLOODS ",mod_nw_ttl:7,output:3",
		"output:2,clone(mod_nw_ttl:9," FLOODS ",clone(mod_nw_ttl:8," FLOODS
		",output:2),output:3),output:4",
		"output:2,clone(output:3,resubmit(,1)),mod_nw_ttl:7,resubmit(,1),output:4",
		"output:2,group:1,mod_nw_ttl:7,output:2",
		"output:2,ct(table=1),output:3",
		"output:2,ct(commit,table=2),clone(mod_nw_ttl:6," FLOODS "),output:3",
		"output:2,clone(output:4,ct(table=2),mod_nw_ttl:5," FLOODS "),output:3",
		"output:2,output(port=3,max_len=60)," FLOODS ",output(port=2,max_len=40),in_port",
		"clone(mod_nw_ttl:5," FLOODS "),mod_nw_ttl:7," FLOODS
		",output:2,write_actions(output:3)",
	};

	h.w->flush = note;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		__typeof__(sent[0]) one;

		group(OFPGC_ADD, "group_id=1,type=all,bucket=mod_nw_ttl:9,resubmit(,1),"
				 "bucket=mod_nw_ttl:8,output:3,bucket=output:4,resubmit(,1)");
		flow_of("udp", cases[i]);
		flow("table=1,udp,actions=mod_nw_ttl:3," FLOODS ",mod_nw_ttl:2,output:3");
		flow("table=2,udp,actions=output:2," FLOODS ",resubmit(,1),output:4");
		dp_publish(h.dp);
		send_burst(1);
		assert_true(sent[0].n > 1);
		assert_int_equal(flushes, 1);
		one = sent[0];
		send_burst(BURST_MAX);
		assert_true(flushes > 1);
		for (unsigned int k = 0; k < BURST_MAX; k++)
			if (memcmp(&sent[k], &one, sizeof(one)) != 0)
				fail_msg("%s: packet %u left otherwise", cases[i], k);
		clean(NULL);
	}
	h.w->flush = take;
}

/* ---- What random flows seldom come to ---- */

static void leaves(const char *const *flows, const uint32_t *to)
{
	uint32_t n = 0;

	for (unsigned int i = 0; flows[i]; i++)
		flow(flows[i]);
	dp_publish(h.dp);
	send_hex(UDP_FRAME);
	while (to[n])
		n++;
	for (uint32_t i = 0; i < n || i < left.n; i++)
		if (i >= n || i >= left.n || left.o[i].port != to[i])
			fail_msg("%s: output %u of %u, %u", flows[0], i, left.n, n);
	clean(NULL);
}

/* An exit ends everything, wherever it stands, but for a bucket, of which it is the end. */
static void exits(void **state)
{
	static const struct {
		const char *flows[3];
		uint32_t ports[4];
	} cases[] = {
		{ { "table=0,udp,actions=output:2,exit,output:3" }, { 2 } },
		{ { "table=0,udp,actions=output:2,clone(exit),output:3" }, { 2 } },
		{ { "table=0,udp,actions=clone(output:2,exit,output:4),output:3" }, { 2 } },
		{ { "table=0,udp,actions=clone(mod_nw_ttl:9,output:2,exit),output:3" }, { 2 } },
		{ { "table=0,udp,actions=clone(mod_nw_ttl:9,clone(output:2,exit)),output:3" },
		  { 2 } },
		{ { "table=0,udp,actions=clone(resubmit(,1)),output:3",
		    "table=1,actions=output:2,exit" },
		  { 2 } },
		{ { "table=0,udp,actions=clone(exit),write_actions(output:3)" }, { 0 } },
		{ { "table=0,udp,actions=group:1,output:3" }, { 2, 4, 3 } },
		{ { "table=0,udp,actions=ct(table=1),output:3",
		    "table=1,actions=output:2,exit,output:4" },
		  { 2, 3 } },
	};

	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		group(OFPGC_ADD, "group_id=1,type=all,bucket=output:2,resubmit(,2),"
				 "bucket=output:4");
		flow("table=2,actions=exit");
		leaves(cases[i].flows, cases[i].ports);
	}
}

/* OFPP_TABLE out of a register is a resubmit to the first table. */
static void table_by_register(void **state)
{
	static const char *const once[] = {
		"table=0,priority=1,udp,actions=load:1->reg1,load:0xfff9->reg0,"
		"output:reg0[0..15],output:4",
		"table=0,priority=2,reg1=1,actions=output:2,goto_table:1",
		"table=1,actions=output:3",
		NULL,
	};
	static const char *const within[] = {
		"table=0,priority=1,udp,actions=load:1->reg1,load:0xfff9->reg0,"
		"clone(mod_nw_ttl:9,output:reg0[0..15]),output:4",
		"table=0,priority=2,reg1=1,actions=output:2,write_actions(output:3)",
		NULL,
	};
	static const uint32_t to[] = { 2, 3, 4, 0 };

	leaves(once, to);
	leaves(within, to);
}

/* A number of more than 16 bits is no port's, whatever its lower ones are. */
static void no_port_by_register(void **state)
{
	static const char *const wide[] = {
		"table=0,udp,actions=load:0x10002->reg0,output:reg0[],output:3",
		NULL,
	};
	static const uint32_t to[] = { 3, 0 };

	leaves(wide, to);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(doom_in_copies),
		cmocka_unit_test(full_bursts),
		cmocka_unit_test(exits),
		cmocka_unit_test(table_by_register),
		cmocka_unit_test(no_port_by_register),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

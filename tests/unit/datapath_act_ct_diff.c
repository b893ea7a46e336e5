/* SPDX-License-Identifier: Apache-2.0 */
/* Spec: NX ct: random flows and packets, against the reference */
/*
 * ct() in random pipelines: compiled against the reference, with the cache and without. Connections
 * of the reference are those of a list, and of UDP alone: what is compared is where packets go, in
 * what order and as what, not the tracker (datapath_ct_diff.c has that).  One packet at a time, as
 * those of a burst are tracked together.  Where there is a cache, what can leaves by express; half
 * of the rounds have flows that it has a chance with.
 */
#include "tests/unit/datapath_act.h"

#include "datapath/ct.h"
#include "datapath/cache.h"
#include "datapath/express_ct.h"
#include "datapath/ref_priv.h"
#include "tests/unit/datapath_ct_frames.h"

enum { ROUNDS = 250, PACKETS = 40, TABLES = 4, OUTS = 4096, CONNS = 64, NO_TABLE = 255 };

/* ---- Connections, as a list ---- */

struct tuple {
	be32 src, dst;
	be16 sport, dport;
	uint16_t zone;
};

static struct {
	struct tuple k;
	bool answered, live;
	uint32_t mark;
	uint8_t label[16];
} conns[CONNS];

static bool equal(const struct tuple *a, const struct tuple *b, bool turned)
{
	return a->zone == b->zone && a->src == (turned ? b->dst : b->src) &&
	       a->dst == (turned ? b->src : b->dst) && a->sport == (turned ? b->dport : b->sport) &&
	       a->dport == (turned ? b->sport : b->dport);
}

static void write_meta(unsigned int i, const struct ref_ct_ask *q)
{
	const uint32_t mask = be32toh(q->mask.ct_mark);

	conns[i].mark = (conns[i].mark & ~mask) | (be32toh(q->set.ct_mark) & mask);
	for (unsigned int n = 0; n < 16; n++)
		conns[i].label[n] = (uint8_t)((conns[i].label[n] & ~q->mask.ct_label[n]) |
					      (q->set.ct_label[n] & q->mask.ct_label[n]));
}

static bool track(void *arg, const struct ref_ct_ask *q, struct flow_key *said)
{
	const uint8_t *ip = q->frame->b + CF_L3;
	struct tuple k = { .zone = q->zone };
	unsigned int i, dir = 0;

	memcpy(&k.src, ip + 12, 4);
	memcpy(&k.dst, ip + 16, 4);
	memcpy(&k.sport, ip + 20, 2);
	memcpy(&k.dport, ip + 22, 2);
	said->ct_zone = htobe16(q->zone);
	for (i = 0; i < CONNS; i++) {
		if (!conns[i].live)
			continue;
		if (equal(&conns[i].k, &k, false))
			break;
		dir = equal(&conns[i].k, &k, true);
		if (dir)
			break;
	}
	if (i < CONNS && dir && q->force) {
		conns[i].live = false;
		i = CONNS;
		dir = 0;
	}
	if (i == CONNS && q->commit) {
		for (i = 0; conns[i].live; i++)
			;
		memset(&conns[i], 0, sizeof(conns[i]));
		conns[i].live = true;
		conns[i].k = k;
	}
	if (i < CONNS && q->commit)
		write_meta(i, q);
	if (i < CONNS && dir)
		conns[i].answered = true;
	said->ct_state = (uint8_t)(CT_TRK | (i < CONNS && conns[i].answered ? CT_EST : CT_NEW) |
				   (dir ? CT_RPL : 0));
	if (i < CONNS) {
		k = conns[i].k;
		said->ct_mark = htobe32(conns[i].mark);
		memcpy(said->ct_label, conns[i].label, 16);
	}
	said->ct_nw_src = k.src;
	said->ct_nw_dst = k.dst;
	said->ct_nw_proto = IPPROTO_UDP;
	said->ct_tp_src = k.sport;
	said->ct_tp_dst = k.dport;
	return true;
}

/* ---- Random flows, as text ---- */

static unsigned int rnd(unsigned int n)
{
	return (unsigned int)(random() % n);
}

static bool simple; /* of this round most flows do one thing */

static void rnd_action(char *to, size_t n, unsigned int table)
{
	const unsigned int any = rnd(TABLES), up = table + 1 + rnd(TABLES - table);

	if (simple && rnd(8)) {
		if (!rnd(4))
			snprintf(to, n, "ct(commit,zone=%u),output:%u", rnd(2), 2 + rnd(3));
		else if (!rnd(3))
			snprintf(to, n, "output:%u", 2 + rnd(3));
		else
			snprintf(to, n, "ct(table=%u,zone=%u%s)", any, rnd(2),
				 rnd(2) ? "" : ",nat");
		return;
	}
	switch (rnd(13)) {
	case 0:
	case 1:
		snprintf(to, n, "output:%u", 2 + rnd(3));
		break;
	case 2:
		snprintf(to, n, "controller");
		break;
	case 3:
		snprintf(to, n, "ct(commit,zone=%u)", rnd(2));
		break;
	case 4:
	case 5:
		snprintf(to, n, "ct(table=%u,zone=%u)", any, rnd(2));
		break;
	case 6:
		snprintf(to, n, "ct(commit,%stable=%u,zone=%u,exec(set_field:%u%s->ct_mark))",
			 rnd(3) ? "" : "force,", any, rnd(2), rnd(3), rnd(2) ? "" : "/3");
		break;
	case 7:
		snprintf(to, n, "ct(commit,table=%u,exec(load:%u->NXM_NX_CT_LABEL[%u..%u]))", any,
			 rnd(4), 8, 11);
		break;
	case 8:
		snprintf(to, n, "ct(table=%u,zone=NXM_NX_REG0[0..15])", any);
		break;
	case 9:
		snprintf(to, n,
			 "ct(commit,exec(move:NXM_NX_REG1[0..7]->NXM_NX_CT_MARK[8..15]),table=%u)",
			 any);
		break;
	case 10:
		snprintf(to, n, "set_field:%u->reg%u", rnd(3), rnd(2));
		break;
	case 11:
		snprintf(to, n, "ct_clear");
		break;
	case 12:
		if (up < TABLES)
			snprintf(to, n, "resubmit(,%u)", up);
		else
			snprintf(to, n, "set_field:1->reg1");
		break;
	}
}

static void rnd_flow(char *to, size_t n, unsigned int table, unsigned int priority)
{
	static const char *const matches[] = { "udp",
					       "udp,ct_state=-trk",
					       "udp,ct_state=+trk",
					       "udp,ct_state=+new",
					       "udp,ct_state=+est+trk",
					       "udp,ct_state=+rpl",
					       "udp,ct_mark=1",
					       "udp,ct_zone=1",
					       "udp,tp_dst=6",
					       "udp,reg0=1",
					       "udp,nw_src=10.0.0.1",
					       "udp,ct_label=0x100/0x100",
					       "udp,ct_state=+trk-new",
					       "udp,ct_state=+est,ct_tp_src=5" };
	size_t at =
		(size_t)snprintf(to, n, "table=%u,priority=%u,%s,actions=", table, priority,
				 matches[rnd(simple ? 9 : sizeof(matches) / sizeof(matches[0]))]);

	for (unsigned int i = 0, m = simple ? 1 : 1 + rnd(3); i < m; i++) {
		char a[128];

		rnd_action(a, sizeof(a), table);
		at += (size_t)snprintf(to + at, n - at, "%s%s", i ? "," : "", a);
	}
	if (simple && rnd(3))
		snprintf(to + at, n - at, "%s",
			 table + 1 < TABLES && !rnd(4) ? ",write_metadata:5/7,goto_table:3" : "");
	else if (!rnd(4))
		at += (size_t)snprintf(to + at, n - at, ",write_actions(output:%u)", 2 + rnd(3));
	if (!rnd(3) && table + 1 < TABLES)
		snprintf(to + at, n - at, ",goto_table:%u", table + 1);
}

/* ---- Both ---- */

static struct {
	uint32_t n;
	uint64_t express, came; /* in all: left so, and went on as packets behind ct() */
	struct {
		uint32_t port, mark;
		uint16_t zone;
		uint8_t state, table;
	} o[OUTS];
} got;

static void note(struct pmd *w, struct burst *b)
{
	for (uint32_t i = 0; i < b->n_out; i++) {
		const struct out *o = &b->out[i];

		assert_true(got.n < OUTS);
		got.o[got.n].port = o->port;
		got.o[got.n].table = o->table_id;
		if (o->kind == OUT_CONTROLLER) {
			got.o[got.n].state = o->key->ct_state;
			got.o[got.n].zone = be16toh(o->key->ct_zone);
			got.o[got.n].mark = be32toh(o->key->ct_mark);
		}
		got.n++;
		rte_pktmbuf_free(o->m);
	}
	for (uint32_t i = 0; i < b->n_x; i++) {
		assert_true(got.n < OUTS);
		got.o[got.n].port = express_lot_of(b, i)->port;
		got.o[got.n++].table = NO_TABLE;
		rte_pktmbuf_free(b->x[i]);
		got.express++;
	}
	b->n_out = b->n_keys = b->n_x = b->n_lots = 0;
}

/* As pmd.c begins a burst. */
static void run(struct burst *b, struct rte_mbuf *m)
{
	uint64_t todo = 1;

	h.w->now = rte_rdtsc();
	pmd_burst_start(h.w, b);
	if (express_open(h.w))
		todo = express_run(h.w, b, &m, 1, 1, NULL);
	if (todo) {
		b->seq[0] = 0;
		assert_true(pkt_init(b, 0, m, 1));
		b->n = 1;
		if (b->came)
			express_come(b, &b->pkt[0], 0);
		got.came += b->came;
	}
	pmd_burst_run(h.w, b, todo & ~b->ct_came);
}

static void one_packet(struct ref *r, char (*flows)[512], unsigned int n_flows)
{
	const struct cf_spec s = { .proto = IPPROTO_UDP,
				   .src = (uint8_t)(1 + rnd(2)),
				   .dst = (uint8_t)(3 + rnd(2)),
				   .sport = 5,
				   .dport = 6,
				   .len = 8 };
	struct cf_spec turned = s;
	struct burst *b = h.w->burst;
	struct ref_out *want;
	struct rte_mbuf *m;
	uint32_t n;
	struct cf f;

	turned.src = s.dst;
	turned.dst = s.src;
	turned.sport = 6;
	turned.dport = 5;
	cf_make(&f, rnd(2) ? &s : &turned);
	m = cf_mbuf(h.w->pool, &f);
	assert_non_null(m);
	n = ref_packet(r, f.b, f.n, 1, &want);
	got.n = 0;
	run(b, m);
	/* Of more than it keeps the reference says nothing. */
	for (uint32_t i = 0; i < n || (i < got.n && n < REF_OUTS_KEPT); i++) {
		const bool both = i < n && i < got.n,
			   up = both && want[i].kind == REF_OUT_CONTROLLER;

		if (both && got.o[i].port == want[i].port &&
		    (got.o[i].table == want[i].table_id || got.o[i].table == NO_TABLE) &&
		    (!up || (got.o[i].state == want[i].meta.ct_state &&
			     got.o[i].zone == be16toh(want[i].meta.ct_zone) &&
			     got.o[i].mark == be32toh(want[i].meta.ct_mark))))
			continue;
		for (unsigned int k = 0; k < n_flows; k++)
			print_message("%s\n", flows[k]);
		if (i < got.n)
			print_message("is: port %u table %u ct_state %#x zone %u mark %u\n",
				      got.o[i].port, got.o[i].table, got.o[i].state, got.o[i].zone,
				      got.o[i].mark);
		if (i < n)
			print_message("should be: port %u table %u ct_state %#x zone %u mark %u\n",
				      want[i].port, want[i].table_id, want[i].meta.ct_state,
				      be16toh(want[i].meta.ct_zone), be32toh(want[i].meta.ct_mark));
		fail_msg("output %u of %u, %u", i, got.n, n);
	}
}

static void one_round(struct cache *cache)
{
	static char text[TABLES * 4][512];
	struct ref *r = ref_new();
	unsigned int n = 0;

	assert_non_null(r);
	simple = rnd(2);
	memset(conns, 0, sizeof(conns));
	ref_tracker(r, track, NULL);
	for (uint32_t p = 1; p <= 4; p++)
		ref_port_add(r, p);
	for (unsigned int t = 0; t < TABLES; t++)
		for (unsigned int i = 0; i < 4; i++, n++) {
			struct of_flow_mod *fm;
			struct err e = { "" };

			rnd_flow(text[n], sizeof(text[n]), t, 10 + i);
			if (of_parse_flow(text[n], OFPFC_ADD, NULL, &h.a, &fm, &e) < 0) {
				snprintf(text[n], sizeof(text[n]),
					 "table=%u,priority=%u,udp,actions=output:2", t, 10 + i);
				assert_int_equal(
					of_parse_flow(text[n], OFPFC_ADD, NULL, &h.a, &fm, &e), 0);
			}
			if (send_flow(fm))
				continue; /* of what it does not match */
			assert_int_equal(ref_flow_mod(r, fm), 0);
		}
	dp_publish(h.dp);
	h.w->cache = rnd(2) ? cache : NULL;
	for (unsigned int i = 0; i < PACKETS; i++)
		one_packet(r, text, n);
	h.w->cache = cache;
	ref_free(r);
	if (atomic_load(&h.dp->ct))
		ct_flush(h.dp, atomic_load(&h.dp->ct), NULL);
	clean(NULL);
}

static void compiled_equals_reference(void **state)
{
	const char *given = getenv("SEED");
	const unsigned int seed = given ? (unsigned int)strtoul(given, NULL, 0) : 1;
	struct cache *cache = h.w->cache ? h.w->cache : cache_new(4096);

	assert_non_null(cache);
	srandom(seed);
	print_message("SEED=%u\n", seed);
	h.w->flush = note;
	/* Some seeds draw few pipelines of the express way: it goes on until there were enough. */
	for (unsigned int i = 0;
	     i < ROUNDS || ((got.express <= 10 || !got.came) && i < 16 * ROUNDS); i++)
		one_round(cache);
	print_message("by express %llu, tracked and back %llu\n", (unsigned long long)got.express,
		      (unsigned long long)got.came);
	assert_true(got.express > 10 && got.came);
	h.w->flush = take;
	h.w->cache = cache;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(compiled_equals_reference) };

	return cmocka_run_group_tests(tests, setup, teardown);
}

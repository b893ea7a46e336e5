/* SPDX-License-Identifier: Apache-2.0 */
/* Spec: NX ct: frames tracked on the express way, against the same frames as packets */
/*
 * Bursts of random frames of a few connections, whole and broken, twice: on port 1, with a flow
 * cache and the express way; on port 2, where each is a packet that goes through the tables.  Both
 * have a zone of their own.  What leaves, and where, what the tables count, and all that is kept of
 * connections must be the same after every burst.
 */
#include "datapath/cache_priv.h" /* before 'h' is the harness's */

#include "tests/unit/datapath_act.h"

#include "datapath/ct.h"
#include "datapath/express_ct.h"
#include "tests/unit/datapath_ct_frames.h"

enum { BURSTS = 6000, PAIRS = 8, OUTS = 256, TABLES = 32 };

static const char *const both[] = {
	"table=0,priority=20,udp,in_port=%u,nw_src=10.0.0.250,actions=output:9",
	"table=0,priority=10,ip,in_port=%u,actions=write_metadata:7,goto_table:1",
	"table=0,priority=5,in_port=%u,actions=output:9",
	"table=1,priority=10,in_port=%u,ip,actions=ct(table=2,zone=%u,nat)",
	"table=2,priority=50,in_port=%u,ct_state=+inv,ip,actions=output:3",
	/* Or its port would not be free, and another one drawn. */
	"table=2,priority=45,in_port=%u,ct_state=+new,ip,nw_dst=10.0.0.200,actions=output:4",
	"table=2,priority=40,in_port=%u,ct_state=+new,ip,nw_src=10.0.0.2,"
	"actions=ct(commit,zone=%u,nat(src=10.0.0.200)),output:4",
	"table=2,priority=40,in_port=%u,ct_state=+new,ip,nw_src=10.0.0.3,"
	"actions=ct(commit,zone=%u,exec(set_field:1->ct_mark)),output:4",
	"table=2,priority=35,in_port=%u,ct_state=+new,udp,tp_src=5,actions=output:4",
	"table=2,priority=30,in_port=%u,ct_state=+new,ip,actions=ct(commit,zone=%u),output:4",
	"table=2,priority=25,in_port=%u,ct_mark=1,ip,actions=set_field:02:00:00:00:00:09->eth_dst,"
	"output:5",
	"table=2,priority=24,in_port=%u,ct_state=+est,tcp,tp_dst=7,actions=output:6,output:7",
	"table=2,priority=23,in_port=%u,ct_state=+est+rpl,ip,metadata=7,actions=output:6",
	"table=2,priority=20,in_port=%u,ct_state=+est,ip,actions=output:7",
	NULL,
};

/* Long ways up to ct() and behind it (cache_rest.h): through tables 1 to 7, and 21 to 27. */
static const char *const deep[] = {
	"table=0,priority=10,ip,in_port=%u,actions=write_metadata:7,goto_table:1",
	"table=0,priority=5,in_port=%u,actions=output:9",
	"table=8,priority=10,in_port=%u,ip,actions=ct(table=20,zone=%u,nat)",
	"table=20,priority=50,in_port=%u,ct_state=+inv,ip,actions=output:3",
	"table=20,priority=40,in_port=%u,ct_state=+new,ip,nw_src=10.0.0.3,"
	"actions=ct(commit,zone=%u,exec(set_field:1->ct_mark)),goto_table:21",
	"table=20,priority=30,in_port=%u,ct_state=+new,ip,actions=ct(commit,zone=%u),goto_table:21",
	"table=20,priority=25,in_port=%u,ct_mark=1,ip,actions=goto_table:22",
	"table=20,priority=20,in_port=%u,ct_state=+est,ip,actions=goto_table:21",
	"table=28,priority=30,in_port=%u,ct_state=+est+rpl,ip,metadata=7,actions=output:6",
	"table=28,priority=20,in_port=%u,actions=output:7",
	NULL,
};

static unsigned int rnd(unsigned int n)
{
	return (unsigned int)(random() % n);
}

/* ---- What leaves ---- */

struct outs {
	uint32_t n, express;
	struct {
		uint8_t seq;
		uint32_t port, sum;
	} o[OUTS];
};

static struct outs got, want, *now_to;
static bool drawn; /* NAT has drawn a port: not the same one for both */

static void put(uint8_t seq, uint32_t port, struct rte_mbuf *m)
{
	struct outs *to = now_to;
	const uint8_t *f = rte_pktmbuf_mtod(m, const uint8_t *);
	uint32_t i = to->n++, sum = m->pkt_len;

	assert_true(i < OUTS);
	for (uint32_t k = 0; k < m->data_len; k++)
		sum = sum * 31 + f[k];
	drawn |= m->data_len > CF_L3 + 22 && f[CF_L3 + 15] == 200 && get_be16(f + CF_L3 + 20) > 6;
	/* By the frames that they came from. */
	for (; i && to->o[i - 1].seq > seq; i--)
		to->o[i] = to->o[i - 1];
	to->o[i].seq = seq;
	to->o[i].port = port;
	to->o[i].sum = sum;
	rte_pktmbuf_free(m);
}

static void note(struct pmd *w, struct burst *b)
{
	for (uint32_t i = 0; i < b->n_out; i++)
		put(b->seq[b->out[i].idx], b->out[i].port, b->out[i].m);
	for (uint32_t i = 0; i < b->n_x; i++)
		put(b->x_seq[i], express_lot_of(b, i)->port, b->x[i]);
	now_to->express += b->n_x;
	b->n_out = b->n_keys = b->n_x = b->n_lots = 0;
}

/* ---- Frames ---- */

static uint8_t some_flags(void)
{
	static const uint8_t rare[] = { 0x02, 0x12, 0x11, 0x14, 0x04, 0x00, 0x03, 0x30 };

	return rnd(6) ? rnd(2) ? 0x10 : 0x18 : rare[rnd(sizeof(rare))];
}

static void random_frame(struct cf *f)
{
	const unsigned int pair = rnd(PAIRS);
	const bool turned = rnd(2);
	struct cf_spec s = { .proto = rnd(2) ? IPPROTO_TCP : IPPROTO_UDP,
			     .src = (uint8_t)(1 + pair % 4),
			     .dst = 9,
			     .sport = (uint16_t)(5 + pair / 4),
			     .dport = 7,
			     .seq = 1000 + 10 * rnd(4),
			     .ack = 1000 + 10 * rnd(4),
			     .win = 500,
			     .len = (uint16_t)(rnd(2) ? 10 : 0),
			     .flags = some_flags() };
	uint8_t *ip = f->b + CF_L3;

	if (!rnd(40))
		s.proto = IPPROTO_ICMP;
	if (!rnd(60))
		s.v6 = true;
	if (turned) {
		/* Behind NAT the answer goes to another host. */
		s.dst = s.src == 2 && rnd(4) ? 200 : s.src;
		s.src = 9;
		s.dport = s.sport;
		s.sport = 7;
	}
	cf_make(f, &s);
	if (s.v6)
		return;
	switch (rnd(60)) {
	case 0: /* damaged */
		f->b[f->l4 + rnd(f->n - f->l4)] ^= 0x10;
		break;
	case 1:
		ip[10] ^= 1;
		break;
	case 2: /* shorter than it says */
		f->n -= 1 + rnd(4);
		break;
	case 3: /* a fragment that stays alone */
		put_be16(ip + 6, 0x2000);
		put_be16(ip + 4, (uint16_t)random());
		cf_sum_ip(ip);
		break;
	case 4: /* padded */
		f->n += rnd(9);
		break;
	case 5:
		put_be16(f->b + 12, 0x0806);
		break;
	}
}

static struct rte_mbuf *mbuf_from(const struct cf *f)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(h.w->pool);

	assert_non_null(m);
	memcpy(rte_pktmbuf_append(m, (uint16_t)f->n), f->b, f->n);
	return m;
}

/* As pmd.c has a burst. */
static uint32_t run(struct outs *to, const struct cf *f, unsigned int n, uint32_t in_port)
{
	struct burst *b = h.w->burst;
	struct rte_mbuf *m[BURST_MAX];
	uint64_t todo = UINT64_MAX >> (64 - n);
	uint32_t came;

	for (unsigned int i = 0; i < n; i++)
		m[i] = mbuf_from(&f[i]);
	to->n = 0;
	now_to = to;
	pmd_burst_start(h.w, b);
	if (express_open(h.w))
		todo = express_run(h.w, b, m, n, in_port, NULL);
	came = (uint32_t)__builtin_popcountll(b->came);
	for (; todo; todo &= todo - 1) {
		const unsigned int i = (unsigned int)__builtin_ctzll(todo);

		b->seq[b->n] = (uint8_t)i;
		assert_true(pkt_init(b, b->n, m[i], in_port));
		if (b->came >> i & 1)
			express_come(b, &b->pkt[b->n], i);
		b->n++;
	}
	if (b->n)
		todo = (UINT64_MAX >> (64 - b->n)) & ~b->ct_came;
	pmd_burst_run(h.w, b, todo);
	return came;
}

/* ---- Connections ---- */

static uint32_t n_of[3];
static struct ct_conn kept[3][64];

static void keep(void *arg, const struct ct_conn *c)
{
	const unsigned int z = c->orig.zone;

	assert_true(z < 3 && n_of[z] < 64);
	memcpy(&kept[z][n_of[z]++], c, sizeof(*c));
}

/* Where zones and numbers of slots are not the same, they are made so. */
static void even(struct ct_conn *c)
{
	c->orig.zone = c->reply.zone = 0;
	c->id = c->parent = c->parent_gen = c->adjust = 0;
	c->gen = 0;
	c->spare[0] = c->spare[1] = 0;
}

/* Which bytes are not as they are in the one of the other zone. */
static void tell(const struct ct_conn *a)
{
	for (uint32_t k = 0; k < n_of[2]; k++)
		for (size_t i = 0;
		     !memcmp(&a->orig, &kept[2][k].orig, sizeof(a->orig)) && i < sizeof(*a); i++)
			if (((const uint8_t *)a)[i] != ((const uint8_t *)&kept[2][k])[i])
				print_message("byte %zu: is %#x, should be %#x\n", i,
					      ((const uint8_t *)a)[i],
					      ((const uint8_t *)&kept[2][k])[i]);
}

static void same_connections(void)
{
	struct ct *t = atomic_load(&h.dp->ct);
	uint32_t cursor = 0;

	n_of[1] = n_of[2] = 0;
	if (!t)
		return;
	while (ct_walk(t, &cursor, 64, keep, NULL))
		;
	assert_int_equal(n_of[1], n_of[2]);
	for (uint32_t i = 0; i < n_of[1]; i++) {
		struct ct_conn *a = &kept[1][i];
		uint32_t k = 0;

		even(a);
		for (; k < n_of[2]; k++) {
			even(&kept[2][k]);
			if (!memcmp(a, &kept[2][k], sizeof(*a)))
				break;
		}
		if (k == n_of[2])
			tell(a);
		if (k == n_of[2])
			fail_msg("connection %u of %u is not the same", i, n_of[1]);
		kept[2][k].orig.proto = 255; /* not twice */
	}
}

/* ---- Both ---- */

static void same_outs(const uint64_t *lookups)
{
	for (uint32_t i = 0; i < got.n || i < want.n; i++)
		if (i >= got.n || i >= want.n || got.o[i].seq != want.o[i].seq ||
		    got.o[i].port != want.o[i].port || got.o[i].sum != want.o[i].sum)
			fail_msg("output %u of %u, %u: frame %u to %u, should be frame %u to %u", i,
				 got.n, want.n, got.o[i].seq, got.o[i].port, want.o[i].seq,
				 want.o[i].port);
	for (unsigned int t = 0; t < TABLES; t++)
		assert_int_equal(lookups[t], lookups[TABLES + t]);
}

static void install_for(const char *const *rules, uint32_t port)
{
	char text[512];

	for (unsigned int i = 0; rules[i]; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(text, sizeof(text), rules[i], port, port);
#pragma GCC diagnostic pop
		flow(text);
	}
	for (unsigned int t = 1; rules == deep && t < 28; t += t == 7 ? 14 : 1) {
		snprintf(text, sizeof(text), "table=%u,priority=1,in_port=%u,actions=goto_table:%u",
			 t, port, t + 1);
		flow(text);
	}
}

static void install(const char *const *rules)
{
	wipe();
	for (uint32_t port = 1; port <= 2; port++)
		install_for(rules, port);
	dp_publish(h.dp);
}

static void take_lookups(uint64_t *to)
{
	for (unsigned int t = 0; t < TABLES; t++)
		to[t] = counter_get(&h.w->perf.table_lookups[t]) - to[t];
}

/* Some lead up to ct(), and some are behind it. */
static void has_long_ways(const struct cache *c)
{
	unsigned int up = 0, behind = 0;

	for (uint64_t i = 0; i < c->mask + 2; i++) {
		const struct cache_entry *e = &c->mem[i];

		up += way_is_long(e->n_flows) && e->way == CACHE_TO_CT;
		behind += way_is_long(e->n_flows) && e->way == CACHE_EXPRESS &&
			  e->stamp & CACHE_STAMP_WHERE;
	}
	assert_true(up && behind);
}

static void express_equals_packets(const char *const *rules)
{
	const char *given = getenv("SEED");
	const unsigned int seed = given ? (unsigned int)strtoul(given, NULL, 0) : 1;
	struct cache *was = h.w->cache, *cache = was ? was : cache_new(4096);
	unsigned int n_drawn = 0;
	uint64_t came = 0;

	assert_non_null(cache);
	srandom(seed);
	print_message("SEED=%u\n", seed);
	install(rules);
	h.w->flush = note;
	h.w->now = rte_rdtsc();
	for (unsigned int i = 0; i < BURSTS; i++) {
		static struct cf f[BURST_MAX];
		const unsigned int n = 1 + rnd(BURST_MAX);
		uint64_t looked[2 * TABLES] = { 0 };

		drawn = false;
		for (unsigned int k = 0; k < n; k++)
			random_frame(&f[k]);
		h.w->now += rte_get_tsc_hz() / (rnd(200) ? 500 : 1) * (rnd(400) ? 1 : 400);
		take_lookups(looked);
		h.w->cache = cache;
		came += run(&got, f, n, 1);
		take_lookups(looked);
		h.w->cache = NULL;
		take_lookups(looked + TABLES);
		(void)run(&want, f, n, 2);
		take_lookups(looked + TABLES);
		if (!drawn) {
			same_outs(looked);
			same_connections();
		}
		n_drawn += drawn;
		if (drawn || !rnd(300))
			ct_flush(h.dp, atomic_load(&h.dp->ct), NULL);
	}
	print_message("by express %u, tracked there and then packets %llu\n", got.express,
		      (unsigned long long)came);
	assert_true(n_drawn < BURSTS / 10);
	assert_true(got.express > BURSTS / 10 && came > BURSTS / 100);
	if (rules == deep)
		has_long_ways(cache);
	h.w->flush = take;
	h.w->cache = cache;
}

static void short_ways(void **state)
{
	express_equals_packets(both);
}

static void long_ways(void **state)
{
	express_equals_packets(deep);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(short_ways),
					    cmocka_unit_test(long_ways) };

	return cmocka_run_group_tests(tests, setup, teardown);
}

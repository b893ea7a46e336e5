/* SPDX-License-Identifier: Apache-2.0 */
/* Spec: 6.4 Flow table modification: a packet is decided as before or as after it */
/*
 * What has changed (datapath/change.h): the ring itself; and, with a packet thread that looks up by
 * cache and express while flows change, that each packet goes where it went before a change or goes
 * after it, never to a third place.
 *
 *	this thread: flows, bundles --> tables, change ring
 *	packet thread: frames --> express --> cache --> tables --> port, which is a change's number
 */
#include <pthread.h>
#include <sched.h>

#include <rte_rcu_qsbr.h>

#include "datapath/cache_priv.h"
#include "datapath/change.h"
#include "tests/unit/datapath_harness.h"

static uint32_t rnd_state = 4711;

static uint32_t rnd(uint32_t n)
{
	rnd_state = rnd_state * 1664525 + 1013904223;
	return (rnd_state >> 8) % n;
}

/* ---- The ring ---- */

struct seen {
	unsigned int n;
	uint64_t last;
};

static void see(void *arg, uint64_t words, const uint64_t *bits, const uint64_t *value)
{
	struct seen *s = arg;

	assert_int_equal(words, UINT64_C(1) << 5);
	assert_int_equal(bits[0], UINT64_MAX);
	s->last = value[0];
	s->n++;
}

struct fixture {
	struct changes c;
	struct cls_mask mask;
	struct cls_rule *rule;
};

static void noted(struct fixture *f, unsigned int n, uint64_t version)
{
	while (n--) {
		f->rule->value[0]++;
		change_note(&f->c, f->rule, version);
	}
}

static struct fixture *fixture_new(void)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->rule = calloc(1, sizeof(*f->rule) + 64);
	f->mask.n_words = 1;
	f->mask.word[0] = 5;
	f->mask.bits[0] = UINT64_MAX;
	f->rule->mask = &f->mask;
	return f;
}

static void fixture_free(struct fixture *f)
{
	free(f->rule);
	free(f);
}

static void changes_show_with_their_version(void **state)
{
	struct fixture *f = fixture_new();
	struct seen s = { 0 };
	uint64_t at = 0;

	noted(f, 3, 7);
	noted(f, 2, 8);
	assert_true(change_each(&f->c, &at, 6, see, &s));
	assert_int_equal(s.n, 0);
	assert_true(change_each(&f->c, &at, 7, see, &s));
	assert_int_equal(s.n, 3);
	assert_int_equal(s.last, 3);
	assert_true(change_each(&f->c, &at, 9, see, &s));
	assert_int_equal(s.n, 5);
	noted(f, CHANGES, 10);
	assert_true(change_each(&f->c, &at, 10, see, &s));
	assert_int_equal(s.n, 5 + CHANGES);
	fixture_free(f);
}

/* Those that did not show yet are not taken for known when they are gone. */
static void what_is_gone_may_be_yet_to_come(void **state)
{
	struct fixture *f = fixture_new();
	struct seen s = { 0 };
	uint64_t at = 0;

	noted(f, 10, 1);
	noted(f, CHANGES + 50, 2);
	assert_false(change_each(&f->c, &at, 1, see, &s));
	noted(f, 3, 2);
	assert_false(change_each(&f->c, &at, 2, see, &s));
	noted(f, 1, 3);
	s.n = 0;
	assert_true(change_each(&f->c, &at, 3, see, &s));
	assert_int_equal(s.n, 1);
	fixture_free(f);
}

/* ---- A packet thread while flows change ---- */

enum {
	HOSTS = 48,
	HISTORY = 1 << 15,
	SECONDS = 3,
	LOW = 10,
	HIGH = 14, /* of priorities of one host's flows */
	WIDE = 40, /* priority of a flow of every other host */
};

/* What became right for a host, in order; right now is one from 'published' - 1 to 'begun' - 1. */
static struct host {
	_Atomic uint32_t right[HISTORY];
	_Atomic uint32_t begun, published;
	/* This thread's: */
	uint16_t top;	/* priority of its uppermost flow */
	bool aside;	/* table 0 leads it to table 2 */
	uint32_t own;	/* but for the wide flow */
	uint32_t noted; /* last of 'right' */
} host[HOSTS];

/* Of changes, which are ports other than the frames'; that of the wide flow, 0: there is none. */
static uint32_t number = 1, wide;
static _Atomic bool stop;
static const char *wrong;
static uint64_t n_packets, n_express;
static uint32_t went[BURST_MAX];

/* By the number that the frame has for its source port. */
static void take(struct pmd *w, struct burst *b)
{
	for (uint32_t i = 0; i < b->n_out; i++) {
		went[rte_pktmbuf_mtod(b->out[i].m, uint8_t *)[35]] = b->out[i].port;
		rte_pktmbuf_free(b->out[i].m);
	}
	for (uint32_t i = 0; i < b->n_x; i++) {
		went[rte_pktmbuf_mtod(b->x[i], uint8_t *)[35]] = express_lot_of(b, i)->port;
		rte_pktmbuf_free(b->x[i]);
	}
	n_express += b->n_x;
	b->n_out = b->n_keys = b->n_x = b->n_lots = 0;
}

static void send_burst(struct burst *b, const uint8_t *dst, unsigned int n, bool express)
{
	uint64_t todo, left = UINT64_MAX >> (64 - n);
	struct rte_mbuf *m[BURST_MAX];

	role_assume_pmd();
	pmd_burst_start(h.w, b);
	for (unsigned int i = 0; i < n; i++) {
		const struct packet p = { .in_port = 1, .dst = dst[i], .sport = (uint16_t)i };

		went[i] = 0;
		m[i] = frame_of(&p);
	}
	if (express)
		left = express_run(h.w, b, m, n, 1, NULL);
	for (; left; left &= left - 1)
		pkt_init(b, b->n++, m[__builtin_ctzll(left)], 1);
	todo = b->n ? UINT64_MAX >> (64 - b->n) : 0;
	if (todo)
		todo = cache_run(h.w, b, todo, 0);
	if (todo)
		pipeline_run(h.w, b, todo, 0, 0);
	h.w->flush(h.w, b);
}

static bool was_right(const struct host *o, uint32_t from, uint32_t port)
{
	const uint32_t end = atomic_load_explicit(&o->begun, memory_order_acquire);

	for (uint32_t i = from - 1; i < end; i++)
		if (atomic_load_explicit(&o->right[i], memory_order_relaxed) == port)
			return true;
	return false;
}

static void *packets(void *arg)
{
	const unsigned int id = PMD_MAX - 1;
	uint32_t from[BURST_MAX], seed = 99;
	uint8_t dst[BURST_MAX];

	rte_rcu_qsbr_thread_register(h.dp->rcu, id);
	rte_rcu_qsbr_thread_online(h.dp->rcu, id);
	while (!atomic_load_explicit(&stop, memory_order_relaxed) && !wrong) {
		for (unsigned int i = 0; i < BURST_MAX; i++) {
			seed = seed * 1664525 + 1013904223;
			dst[i] = (uint8_t)((seed >> 8) % HOSTS);
			from[i] =
				atomic_load_explicit(&host[dst[i]].published, memory_order_acquire);
		}
		send_burst(h.w->burst, dst, BURST_MAX, seed >> 16 & 3);
		for (unsigned int i = 0; i < BURST_MAX; i++)
			if (!was_right(&host[dst[i]], from[i], went[i]))
				wrong = "a packet went where none was to go";
		n_packets += BURST_MAX;
		rte_rcu_qsbr_quiescent(h.dp->rcu, id);
	}
	rte_rcu_qsbr_thread_offline(h.dp->rcu, id);
	rte_rcu_qsbr_thread_unregister(h.dp->rcu, id);
	return NULL;
}

static void to_host(uint8_t command, uint8_t table, uint16_t priority, unsigned int k,
		    struct of_any *what)
{
	struct of_flow_mod *fm = flow_mod(command, table, priority);

	of_match_set_u64(&fm->match, OF_FIELD_ETH_DST, k);
	if (what)
		inst(fm, what);
	assert_int_equal(send_flow(fm), 0);
}

static void flow_to(uint8_t command, uint8_t table, uint16_t priority, unsigned int k)
{
	to_host(command, table, priority, k, applied(output_to(number)));
}

/* Host k goes elsewhere, in one of many ways. */
static void change_host(unsigned int k)
{
	struct host *o = &host[k];

	o->own = ++number;
	if (o->aside) {
		if (rnd(2)) {
			flow_to(OFPFC_MODIFY_STRICT, 2, 1, k);
			return;
		}
		o->aside = false;
		to_host(OFPFC_DELETE_STRICT, 0, 5, k, NULL);
		to_host(OFPFC_DELETE_STRICT, 2, 1, k, NULL);
		flow_to(OFPFC_ADD, 1, o->top, k);
		return;
	}
	switch (rnd(4)) {
	case 0:
		if (o->top < HIGH)
			o->top++;
		flow_to(OFPFC_ADD, 1, o->top, k);
		return;
	case 1:
		if (o->top > LOW)
			to_host(OFPFC_DELETE_STRICT, 1, o->top--, k, NULL);
		flow_to(OFPFC_MODIFY_STRICT, 1, o->top, k);
		return;
	case 2:
		/* The wide flow is in the way that it leaves. */
		if (wide)
			break;
		o->aside = true;
		flow_to(OFPFC_ADD, 2, 1, k);
		to_host(OFPFC_ADD, 0, 5, k, goto_table(2));
		return;
	}
	flow_to(OFPFC_ADD, 1, o->top, k);
}

/* Every other host, at once. */
static void change_wide(void)
{
	struct of_flow_mod *fm = flow_mod(wide ? OFPFC_DELETE_STRICT : OFPFC_ADD, 1, WIDE);

	of_match_set_masked_u64(&fm->match, OF_FIELD_ETH_DST, 1, 1);
	wide = wide ? 0 : ++number;
	if (wide)
		inst(fm, applied(output_to(wide)));
	assert_int_equal(send_flow(fm), 0);
}

/* Flows that no packet hits: as many as the ring holds, or what makes the keys others. */
static void change_others(void)
{
	const unsigned int n = rnd(40) ? rnd(100) : CHANGES + 100;
	struct of_flow_mod *fm;

	for (unsigned int i = 0; i < n; i++) {
		fm = flow_mod(rnd(2) ? OFPFC_ADD : OFPFC_DELETE_STRICT, 1, 30);
		of_match_set_u64(&fm->match, OF_FIELD_ETH_DST, 1000 + rnd(2000));
		assert_int_equal(send_flow(fm), 0);
	}
	if (rnd(10))
		return;
	fm = flow_mod(rnd(2) ? OFPFC_ADD : OFPFC_DELETE_STRICT, 1, 31);
	of_match_set_u64(&fm->match, OF_FIELD_ETH_TYPE, 0x0800);
	of_match_set_u64(&fm->match, OF_FIELD_IPV4_SRC, 0x7f000000 + rnd(3));
	assert_int_equal(send_flow(fm), 0);
}

static bool is_wide(unsigned int k)
{
	return wide && k & 1 && !host[k].aside;
}

/* What is right with the next version, before it is published. */
static bool begin_all(void)
{
	bool room = true;

	for (unsigned int k = 0; k < HOSTS; k++) {
		struct host *o = &host[k];
		const uint32_t now = is_wide(k) ? wide : o->own;
		const uint32_t n = atomic_load_explicit(&o->begun, memory_order_relaxed);

		if (n && now == o->noted)
			continue;
		o->noted = now;
		atomic_store_explicit(&o->right[n], now, memory_order_relaxed);
		atomic_store_explicit(&o->begun, n + 1, memory_order_release);
		room &= n + 2 < HISTORY;
	}
	return room;
}

static void published(void)
{
	dp_publish(h.dp);
	for (unsigned int k = 0; k < HOSTS; k++)
		atomic_store_explicit(&host[k].published,
				      atomic_load_explicit(&host[k].begun, memory_order_relaxed),
				      memory_order_release);
}

/* One flow that leads on, and one for each host. */
static void first_flows(void)
{
	struct of_flow_mod *fm = flow_mod(OFPFC_ADD, 0, 1);

	inst(fm, goto_table(1));
	assert_int_equal(send_flow(fm), 0);
	for (unsigned int k = 0; k < HOSTS; k++) {
		host[k].own = ++number;
		host[k].top = LOW;
		flow_to(OFPFC_ADD, 1, LOW, k);
	}
	begin_all();
	published();
}

/* A bundle that fails leaves its traces in the ring alone. */
static void change_in_vain(void)
{
	table_begin(h.dp);
	for (unsigned int i = rnd(60); i; i--) {
		struct of_flow_mod *fm = flow_mod(rnd(2) ? OFPFC_ADD : OFPFC_DELETE, 1, 50);

		if (rnd(8))
			of_match_set_u64(&fm->match, OF_FIELD_ETH_DST, rnd(HOSTS));
		inst(fm, applied(output_to(60000)));
		assert_int_equal(send_flow(fm), 0);
	}
	table_rollback(h.dp);
}

static void packets_go_where_they_did_or_do(void **state)
{
	uint32_t rounds = 0;
	bool room = true;
	time_t end;
	pthread_t t;

	first_flows();
	assert_int_equal(pthread_create(&t, NULL, packets, NULL), 0);
	for (end = time(NULL) + SECONDS; room && time(NULL) < end; rounds++) {
		if (!rnd(5))
			change_in_vain();
		table_begin(h.dp);
		for (unsigned int i = rnd(4); i; i--)
			change_host(rnd(HOSTS));
		if (!rnd(4))
			change_wide();
		if (!rnd(3))
			change_others();
		table_commit(h.dp);
		room = begin_all();
		published();
		if (rounds % 32 == 0) {
			dp_barrier(h.dp);
			arena_reset(&h.a);
		}
		if (!rnd(3))
			sched_yield();
		if (!rnd(20))
			nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
	}
	atomic_store(&stop, true);
	pthread_join(t, NULL);
	if (wrong)
		fail_msg("%s", wrong);
	printf("%u rounds, %u changes, %llu packets, %llu by express, %llu from the cache\n",
	       rounds, number, (unsigned long long)n_packets, (unsigned long long)n_express,
	       (unsigned long long)h.w->perf.cache_hits);
	assert_true(rounds > 50);
	assert_true(n_express > 1000 && h.w->perf.cache_hits > 1000);
	assert_true(n_packets > n_express);
}

static int setup(void **state)
{
	const int r = harness_setup(
		&(struct dp_opts){ .name = "change", .dpid = 5, .cache_entries = 1024 });

	if (!r)
		h.w->flush = take;
	return r;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(changes_show_with_their_version),
		cmocka_unit_test(what_is_gone_may_be_yet_to_come),
		cmocka_unit_test(packets_go_where_they_did_or_do),
	};

	return cmocka_run_group_tests(tests, setup, harness_teardown);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both directions of the same connections on several packet threads at once.
 *
 *	- of packets that race to be the first one is, and the others are its connection's
 *	- an answer that was seen stays seen
 *	- every packet is counted
 *	- all of that, too, where half of what can takes the shorter way (ct_quick.h)
 *	- a TCP conversation whose ends are on two threads has no invalid segment
 */
#include <pthread.h>
#include <sched.h>

#include <rte_rcu_qsbr.h>

#include "datapath/ct_quick.h"
#include "datapath/ct_tcp.h"
#include "datapath/ct_track.h"
#include "tests/unit/datapath_ct_frames.h"
#include "tests/unit/datapath_harness.h"

#ifdef __SANITIZE_THREAD__
enum { ROUNDS = 3000 };
#else
enum { ROUNDS = 60000 };
#endif

enum { THREADS = 4, TUPLES = 40, TALKS = 8, WINDOW = 60000 };

static struct ct *t;
static struct pmd *pmds[THREADS];
static const char *_Atomic wrong;

#define MUST(condition)                                                    \
	do {                                                               \
		if (!(condition))                                          \
			atomic_store(&wrong, #condition " does not hold"); \
	} while (0)

struct worker {
	struct pmd *w;
	struct burst *b;
	struct rte_mbuf *m;
	unsigned int no;
	uint64_t counted, quick;
	uint64_t seed;
};

/* How far each side of a conversation has come, and what it has acknowledged, as its thread says
 * after a segment was tracked. */
static _Atomic uint32_t sent[TALKS][2], told[TALKS][2];

static uint32_t draw(struct worker *k)
{
	k->seed ^= k->seed << 13;
	k->seed ^= k->seed >> 7;
	k->seed ^= k->seed << 17;
	return (uint32_t)(k->seed >> 32);
}

/* False: refused. */
static bool quick(struct worker *k, struct ct_result *out)
{
	struct ct_conn *c;
	struct ct_quick q;
	uint8_t state;

	if (!ct_quick_read(t, k->m, CF_L3, 0, &q))
		return false;
	ct_quick_fetch(t, &q, false);
	state = ct_quick(k->w, t, &q, ct_now(t, k->w->now), &c);
	if (!state)
		return false;
	ct_quick_tell(c, state, out);
	k->quick++;
	return true;
}

static struct ct_result track(struct worker *k, const struct cf_spec *s, bool commit)
{
	const struct ct_req r = { .commit = commit,
				  .mark = k->no + 1,
				  .mark_mask = UINT32_MAX,
				  .label = { (uint8_t)k->no },
				  .label_mask = { 0xff } };
	struct ct_result out;
	struct ct_pkt cp;
	struct cf f;

	role_assume_pmd();
	k->w->now = rte_get_tsc_cycles();
	cf_make(&f, s);
	rte_pktmbuf_reset(k->m);
	memcpy(rte_pktmbuf_append(k->m, (uint16_t)f.n), f.b, f.n);
	(void)pkt_init(k->b, 0, k->m, 1);
	if (!s->v6 && draw(k) & 1 && quick(k, &out))
		return out;
	ct_read(k->w, t, &k->b->pkt[0], 0, &cp);
	ct_prefetch(t, cp.hash);
	ct_prefetch_conn(t, cp.hash);
	ct_track(k->w, k->b, t, &k->b->pkt[0], &cp, &r, ct_now(t, k->w->now), &out);
	return out;
}

/* ---- Datagrams from all sides ---- */

static void *datagrams(void *arg)
{
	struct worker *k = arg;
	bool answered[TUPLES] = { false };

	rte_rcu_qsbr_thread_online(h.dp->rcu, k->w->id);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		const unsigned int n = draw(k) % TUPLES;
		const bool back = draw(k) & 1;
		const struct cf_spec s = { .v6 = n & 1,
					   .proto = IPPROTO_UDP,
					   .src = back ? 2 : 1,
					   .dst = back ? 1 : 2,
					   .sport = (uint16_t)(back ? 53 : 1000 + n),
					   .dport = (uint16_t)(back ? 1000 + n : 53),
					   .len = 8 };
		const struct ct_result r = track(k, &s, true);
		const uint8_t state = r.state & (CT_NEW | CT_EST | CT_RPL | CT_INV);

		MUST(r.drop == N_DROPS);
		MUST(state == CT_NEW || state == CT_EST || state == (CT_EST | CT_RPL));
		MUST(!answered[n] || state & CT_EST);
		MUST(r.mark > 0 && r.mark <= THREADS && r.label[0] < THREADS);
		MUST(r.orig.proto == IPPROTO_UDP);
		answered[n] |= state & CT_EST;
		k->counted++;
		rte_rcu_qsbr_quiescent(h.dp->rcu, k->w->id);
	}
	rte_rcu_qsbr_thread_offline(h.dp->rcu, k->w->id);
	return NULL;
}

/* ---- Conversations ---- */

static struct cf_spec segment(unsigned int talk, unsigned int dir, uint8_t flags, uint32_t seq,
			      uint32_t ack, uint16_t len)
{
	return (struct cf_spec){ .proto = IPPROTO_TCP,
				 .src = (uint8_t)(dir ? 4 : 3),
				 .dst = (uint8_t)(dir ? 3 : 4),
				 .sport = (uint16_t)(dir ? 80 : 2000 + talk),
				 .dport = (uint16_t)(dir ? 2000 + talk : 80),
				 .flags = flags,
				 .seq = seq,
				 .ack = ack,
				 .win = WINDOW,
				 .len = len };
}

/* One end of half of the conversations: sends what the other end's window allows. */
static void *talks(void *arg)
{
	struct worker *k = arg;
	const unsigned int dir = k->no & 1, other = !dir;

	rte_rcu_qsbr_thread_online(h.dp->rcu, k->w->id);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		const unsigned int n = (draw(k) % (TALKS / 2)) * 2 + k->no / 2;
		const uint32_t limit = atomic_load(&told[n][other]) + WINDOW;
		const uint32_t ack = atomic_load(&sent[n][other]);
		const uint32_t seq = atomic_load(&sent[n][dir]);
		const uint16_t len = (uint16_t)(limit - seq > 1000 ? draw(k) % 1000 : 0);
		const struct cf_spec s = segment(n, dir, TCP_ACK, seq, ack, len);

		/* Twice now and then, as if the first was lost. */
		for (unsigned int times = draw(k) % 3 ? 1 : 2; times; times--) {
			const struct ct_result r = track(k, &s, false);

			MUST(r.state == (CT_TRK | CT_EST | (dir ? CT_RPL : 0)));
			k->counted++;
		}
		atomic_store(&sent[n][dir], seq + len);
		atomic_store(&told[n][dir], ack);
		if (!len)
			sched_yield();
		rte_rcu_qsbr_quiescent(h.dp->rcu, k->w->id);
	}
	rte_rcu_qsbr_thread_offline(h.dp->rcu, k->w->id);
	return NULL;
}

/* ---- All of it ---- */

static struct worker workers[THREADS];

static uint64_t all(void *(*work)(void *))
{
	pthread_t thread[THREADS];
	uint64_t counted = 0;

	for (unsigned int i = 0; i < THREADS; i++) {
		workers[i].counted = 0;
		assert_int_equal(pthread_create(&thread[i], NULL, work, &workers[i]), 0);
	}
	for (unsigned int i = 0; i < THREADS; i++) {
		pthread_join(thread[i], NULL);
		counted += workers[i].counted;
	}
	if (atomic_load(&wrong))
		fail_msg("%s", atomic_load(&wrong));
	return counted;
}

struct sum {
	uint8_t proto;
	uint32_t n;
	uint64_t packets;
};

static void add(void *arg, const struct ct_conn *c)
{
	struct sum *s = arg;

	if (c->orig.proto != s->proto)
		return;
	s->n++;
	s->packets += atomic_load(&c->packets[0]) + atomic_load(&c->packets[1]);
}

static struct sum sum(uint8_t proto)
{
	struct sum s = { .proto = proto };
	uint32_t cursor = 0;

	role_assume_control();
	while (ct_walk(t, &cursor, 1000, add, &s))
		;
	return s;
}

/* Since it was asked last. */
static uint64_t quick_ones(void)
{
	uint64_t n = 0;

	for (unsigned int i = 0; i < THREADS; i++) {
		n += workers[i].quick;
		workers[i].quick = 0;
	}
	return n;
}

static void each_datagram_is_of_one_connection(void **state)
{
	const uint64_t sent_in_all = all(datagrams);
	const struct sum s = sum(IPPROTO_UDP);

	assert_int_equal(s.n, TUPLES);
	assert_int_equal(s.packets, sent_in_all);
	assert_true(quick_ones() > sent_in_all / 10);
}

static void ends_on_two_threads_stay_in_their_windows(void **state)
{
	uint64_t counted;
	struct sum s;

	for (unsigned int n = 0; n < TALKS; n++) {
		const uint32_t a = UINT32_MAX - 5000 * n, b = 77 * n;
		const struct cf_spec hello[3] = { segment(n, 0, TCP_SYN, a, 0, 0),
						  segment(n, 1, TCP_SYN | TCP_ACK, b, a + 1, 0),
						  segment(n, 0, TCP_ACK, a + 1, b + 1, 0) };

		for (unsigned int i = 0; i < 3; i++)
			assert_false(track(&workers[0], &hello[i], true).state & CT_INV);
		atomic_store(&sent[n][0], a + 1);
		atomic_store(&told[n][1], a + 1);
		atomic_store(&sent[n][1], b + 1);
		atomic_store(&told[n][0], b + 1);
	}
	counted = all(talks);
	s = sum(IPPROTO_TCP);
	assert_int_equal(s.n, TALKS);
	assert_int_equal(s.packets, counted + 3 * TALKS);
	assert_true(quick_ones() > counted / 10);
}

static int setup(void **state)
{
	const struct dp_opts o = { .name = "unit", .dpid = 1 };
	struct err e;

	if (harness_setup(&o))
		return -1;
	t = ct_new("unit", 4096, &e);
	for (unsigned int i = 0; t && i < THREADS; i++) {
		pmds[i] = i ? pmd_new_detached(h.dp) : h.w;
		if (!pmds[i] || rte_rcu_qsbr_thread_register(h.dp->rcu, pmds[i]->id))
			return -1;
		workers[i] = (struct worker){ .w = pmds[i],
					      .no = i,
					      .seed = UINT64_C(0x9e3779b97f4a7c15) * (i + 1),
					      .b = calloc(1, sizeof(struct burst)),
					      .m = rte_pktmbuf_alloc(h.dp->pool) };
	}
	return t ? 0 : -1;
}

static int teardown(void **state)
{
	role_assume_control();
	ct_free(t);
	for (unsigned int i = 0; i < THREADS; i++) {
		rte_pktmbuf_free(workers[i].m);
		free(workers[i].b);
	}
	return harness_teardown(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_datagram_is_of_one_connection),
		cmocka_unit_test(ends_on_two_threads_stay_in_their_windows),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

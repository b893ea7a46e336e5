/* SPDX-License-Identifier: Apache-2.0 */
/* Spec: NX conjunction */
/*
 * Conjunctive flows by the words of ovs-fields(7), one sentence a test; what Open vSwitch 3.1 does
 * where the words leave it open was looked up there.  And lookups by threads while flows change.
 */
#include <pthread.h>

#include <rte_rcu_qsbr.h>

#include "datapath/cls_conj.h"
#include "datapath/table_state.h"
#include "tests/unit/datapath_harness.h"

/* ---- Flows: port 1 to 9 in, UDP to 10.0.0.DST from SPORT ---- */

static struct of_any *member(uint32_t id, unsigned int k, unsigned int n)
{
	struct of_nx_conjunction *c = OF_NEW(&h.a, nx_conjunction);

	c->id = id;
	c->clause = (uint8_t)(k - 1);
	c->n_clauses = (uint8_t)n;
	return (struct of_any *)c;
}

static void act(struct of_flow_mod *fm, struct of_any *a)
{
	if (!fm->insts.n)
		inst(fm, (struct of_any *)OF_NEW(&h.a, inst_apply_actions));
	of_list_add(&((struct of_inst_apply_actions *)fm->insts.v[0])->actions, &h.a, a);
}

static struct of_flow_mod *on(struct of_flow_mod *fm, enum of_field_id id, uint64_t v)
{
	if (id == OF_FIELD_UDP_SRC || id == OF_FIELD_UDP_DST || id == OF_FIELD_IPV4_DST)
		of_match_set_u64(&fm->match, OF_FIELD_ETH_TYPE, 0x0800);
	if (id == OF_FIELD_UDP_SRC || id == OF_FIELD_UDP_DST)
		of_match_set_u64(&fm->match, OF_FIELD_IP_PROTO, 17);
	of_match_set_u64(&fm->match, id, v);
	return fm;
}

static struct of_flow_mod *at(uint16_t priority, enum of_field_id id, uint64_t v)
{
	return on(flow_mod(OFPFC_ADD, 0, priority), id, v);
}

static void send(struct of_flow_mod *fm)
{
	assert_int_equal(send_flow(fm), 0);
	dp_publish(h.dp);
}

static void clause(uint16_t priority, enum of_field_id id, uint64_t v, uint32_t c, unsigned int k,
		   unsigned int n)
{
	struct of_flow_mod *fm = at(priority, id, v);

	act(fm, member(c, k, n));
	send(fm);
}

static void conj_flow(uint16_t priority, uint32_t c, uint32_t port)
{
	struct of_flow_mod *fm = at(priority, OF_FIELD_CONJ_ID, c);

	act(fm, output_to(port));
	send(fm);
}

static void miss(uint16_t priority, uint32_t port)
{
	struct of_flow_mod *fm = flow_mod(OFPFC_ADD, 0, priority);

	act(fm, output_to(port));
	send(fm);
}

#define SRC OF_FIELD_UDP_SRC
#define DST OF_FIELD_UDP_DST
#define IN  OF_FIELD_IN_PORT

static uint32_t out(uint16_t sport, uint16_t dport)
{
	return send_one((struct packet){ .in_port = 9, .dst = 1, .sport = sport, .dport = dport });
}

/* A packet that matches one flow of each dimension meets the flow with conj_id; no other does. */
static void each_dimension(void **state)
{
	conj_flow(10, 1234, 7);
	for (uint16_t i = 1; i <= 4; i++) {
		clause(10, SRC, i, 1234, 1, 2);
		clause(10, DST, 10 * i, 1234, 2, 2);
	}
	for (uint16_t s = 0; s < 6; s++)
		for (uint16_t d = 0; d < 6; d++)
			assert_int_equal(out(s, 10 * d),
					 s >= 1 && s <= 4 && d >= 1 && d <= 4 ? 7 : 0);
	assert_string_equal(table_template(h.dp, 0, NULL), "conj");
	/* The flow with conj_id has the statistics; those of the clauses have none. */
	for (uint32_t i = 0; i < list_flows(0)->n; i++) {
		const struct flow *f = list_flows(0)->f[i];

		assert_int_equal(packets_of(f), f->rule.conj ? 0 : 16);
	}
}

/* Flows of a dimension match on what they like: here a source or a destination. */
static void unlike_flows_in_a_dimension(void **state)
{
	conj_flow(10, 1, 7);
	clause(10, SRC, 80, 1, 1, 2);
	clause(10, DST, 80, 1, 1, 2);
	clause(10, OF_FIELD_IPV4_DST, 0x0a000001, 1, 2, 2);
	assert_int_equal(out(80, 5), 7);
	assert_int_equal(out(5, 80), 7);
	assert_int_equal(out(80, 80), 7);
	assert_int_equal(out(5, 5), 0);
}

/* src in {a,b} and dst in {d,e}; src in {b,c} and dst in {f,g}. */
static void several_ids_in_a_flow(void **state)
{
	struct of_flow_mod *fm = at(10, SRC, 2);

	conj_flow(10, 1, 5);
	conj_flow(10, 2, 6);
	clause(10, SRC, 1, 1, 1, 2);
	act(fm, member(2, 1, 2));
	act(fm, member(1, 1, 2));
	send(fm);
	clause(10, SRC, 3, 2, 1, 2);
	clause(10, DST, 11, 1, 2, 2);
	clause(10, DST, 12, 2, 2, 2);
	assert_int_equal(out(1, 11), 5);
	assert_int_equal(out(2, 11), 5);
	assert_int_equal(out(3, 11), 0);
	assert_int_equal(out(1, 12), 0);
	assert_int_equal(out(2, 12), 6);
	assert_int_equal(out(3, 12), 6);
}

/* The same id at other priorities is another conjunctive flow. */
static void priorities_do_not_add_up(void **state)
{
	conj_flow(1, 1, 7);
	clause(10, SRC, 1, 1, 1, 2);
	clause(20, DST, 2, 1, 2, 2);
	assert_int_equal(out(1, 2), 0);
	clause(10, DST, 2, 1, 2, 2);
	assert_int_equal(out(1, 2), 7);
}

/* Who disagree on the number of clauses speak of two conjunctive flows. */
static void numbers_of_clauses_differ(void **state)
{
	conj_flow(1, 1, 7);
	clause(10, SRC, 1, 1, 1, 2);
	clause(10, DST, 2, 1, 2, 3);
	assert_int_equal(out(1, 2), 0);
}

/* Ordinary flows of a higher or the same priority come first, of a lower one after. */
static void precedence(void **state)
{
	struct of_flow_mod *fm;

	conj_flow(10, 1, 7);
	clause(10, SRC, 1, 1, 1, 2);
	clause(10, DST, 2, 1, 2, 2);
	miss(9, 3);
	assert_int_equal(out(1, 2), 7);
	assert_int_equal(out(1, 3), 3);
	fm = at(10, IN, 9);
	act(fm, output_to(4));
	send(fm);
	assert_int_equal(out(1, 2), 4);
	fm = flow_mod(OFPFC_DELETE, 0, 0);
	on(fm, IN, 9);
	send(fm);
	assert_int_equal(out(1, 2), 7);
	/* The search for conj_id is an ordinary one: what is of a higher priority than its flow
	 * comes before it, even if that is below the clauses. */
	fm = flow_mod(OFPFC_DELETE, 0, 0);
	on(fm, OF_FIELD_CONJ_ID, 1);
	send(fm);
	conj_flow(5, 1, 7);
	assert_int_equal(out(1, 2), 3);
}

/* Without a flow for the id the search goes on below; but an ordinary flow ends it. */
static void no_flow_for_the_id(void **state)
{
	clause(10, SRC, 1, 1, 1, 2);
	clause(10, DST, 2, 1, 2, 2);
	clause(5, SRC, 1, 2, 1, 2);
	clause(5, DST, 2, 2, 2, 2);
	conj_flow(5, 2, 8);
	assert_int_equal(out(1, 2), 8);
	miss(0, 3);
	assert_int_equal(out(1, 2), 3);
}

/* Of several that are met, one always: the lowest id that has a flow. */
static void overlapping(void **state)
{
	for (uint32_t id = 1; id <= 5; id++) {
		clause(10, SRC, 1, id, 1, 2);
		clause(10, OF_FIELD_IPV4_DST, 0x0a000001, id, 2, 2);
	}
	assert_int_equal(out(1, 2), 0); /* the flows replaced each other: id 5 is left */
	conj_flow(10, 5, 5);
	assert_int_equal(out(1, 2), 5);
	for (uint32_t id = 1; id <= 5; id++) {
		struct of_flow_mod *fm = at(10, DST, 2);

		for (uint32_t k = id; k <= 5; k++) {
			act(fm, member(k, 1, 2));
			act(fm, member(k, 2, 2));
		}
		conj_flow(10, id, id);
		send(fm);
		assert_int_equal(out(3, 2), id);
	}
}

/* conj_id cannot be seen by later tables, or by actions. */
static void id_is_gone_afterwards(void **state)
{
	struct of_flow_mod *fm = at(10, OF_FIELD_CONJ_ID, 1);
	struct of_nx_reg_move *m = OF_NEW(&h.a, nx_reg_move);

	clause(10, SRC, 1, 1, 1, 2);
	clause(10, DST, 2, 1, 2, 2);
	m->src = &of_fields[OF_FIELD_CONJ_ID];
	m->dst = &of_fields[OF_FIELD_REG0];
	m->n_bits = 32;
	act(fm, (struct of_any *)m);
	inst(fm, goto_table(1));
	send(fm);
	fm = on(flow_mod(OFPFC_ADD, 1, 10), OF_FIELD_CONJ_ID, 1);
	act(fm, output_to(2));
	send(fm);
	fm = on(flow_mod(OFPFC_ADD, 1, 9), OF_FIELD_REG0, 1);
	act(fm, output_to(3));
	send(fm);
	fm = flow_mod(OFPFC_ADD, 1, 1);
	act(fm, output_to(4));
	send(fm);
	assert_int_equal(out(1, 2), 4);
}

/* A clause becomes an ordinary flow and one again, in a bundle that is taken back, too. */
static void modified(void **state)
{
	struct of_flow_mod *fm;

	conj_flow(10, 1, 7);
	clause(10, SRC, 1, 1, 1, 2);
	clause(10, DST, 2, 1, 2, 2);
	table_begin(h.dp);
	fm = on(flow_mod(OFPFC_MODIFY_STRICT, 0, 10), SRC, 1);
	act(fm, output_to(3));
	assert_int_equal(send_flow(fm), 0);
	table_rollback(h.dp);
	dp_publish(h.dp);
	assert_int_equal(out(1, 2), 7);
	send(fm);
	assert_int_equal(out(1, 2), 3);
	assert_int_equal(out(1, 3), 3);
	clause(10, SRC, 1, 1, 1, 2);
	assert_int_equal(out(1, 2), 7);
	fm = on(flow_mod(OFPFC_DELETE, 0, 0), DST, 2);
	send(fm);
	assert_int_equal(out(1, 2), 0);
	/* Neither bundles nor deletes leave the template behind once there is no clause. */
	send(flow_mod(OFPFC_DELETE, 0, 0));
	dp_barrier(h.dp);
	miss(0, 3);
	dp_barrier(h.dp);
	assert_string_equal(table_template(h.dp, 0, NULL), "direct");
}

/* More sets, priorities and masks than a packet meets as a rule. */
static void many(void **state)
{
	struct of_flow_mod *fm;

	for (unsigned int p = 100; p >= 90; p--) {
		for (unsigned int k = 0; k < 30; k++) {
			fm = flow_mod(OFPFC_ADD, 0, (uint16_t)p);
			on(fm, OF_FIELD_IPV4_DST, 0);
			of_match_set_masked_u64(&fm->match, OF_FIELD_IPV4_DST,
						0x0a000001 & UINT32_MAX << k, UINT32_MAX << k);
			act(fm, member(1000 * p + k / 15, k % 15 + 1, k == 29 && p > 91 ? 16 : 15));
			send(fm);
		}
		fm = at((uint16_t)p, OF_FIELD_CONJ_ID, 1000 * p + 1);
		act(fm, output_to(p));
		send(fm);
	}
	/* The second id of each: only priorities 91 and 90 have all of it. */
	assert_int_equal(out(1, 2), 91);
	conj_flow(3, 1000 * 95, 95);
	assert_int_equal(out(1, 2), 95);
}

static void most_masks(void **state)
{
	struct of_flow_mod *fm;
	uint32_t i, rc = 0;

	for (i = 1; i <= 300 && !rc; i++) {
		fm = flow_mod(OFPFC_ADD, 0, 10);
		of_match_set_masked_u64(&fm->match, OF_FIELD_METADATA, i, i);
		act(fm, member(1, 1 + i % 2, 2));
		rc = send_flow(fm);
	}
	assert_int_equal(rc, flow_refusal(OFPFMFC_TABLE_FULL));
	assert_int_equal(i - 2, CONJ_MASKS_MAX);
	dp_publish(h.dp);
	/* One goes, another comes. */
	fm = flow_mod(OFPFC_DELETE_STRICT, 0, 10);
	of_match_set_masked_u64(&fm->match, OF_FIELD_METADATA, 1, 1);
	send(fm);
	dp_barrier(h.dp);
	fm = flow_mod(OFPFC_ADD, 0, 10);
	of_match_set_masked_u64(&fm->match, OF_FIELD_METADATA, 999, 999);
	act(fm, member(1, 1, 2));
	send(fm);
}

/* ---- Refusals, as Open vSwitch has them ---- */

static uint32_t bad(void)
{
	return refusal(OFPET_EXPERIMENTER, NXBAC_BAD_CONJUNCTION);
}

static uint32_t with(struct of_any *a, struct of_any *b)
{
	struct of_flow_mod *fm = flow_mod(OFPFC_ADD, 0, 10);

	act(fm, a);
	if (b)
		act(fm, b);
	return send_flow(fm);
}

static void refusals(void **state)
{
	struct of_flow_mod *fm;
	struct of_list l = { 0 };

	assert_int_equal(with(member(7, 1, 2), output_to(1)), bad());
	assert_int_equal(with(output_to(1), member(7, 1, 2)), bad());
	assert_int_equal(with(member(7, 3, 2), NULL), bad());
	assert_int_equal(with(member(7, 1, 1), NULL), bad());
	assert_int_equal(with(member(7, 1, 65), NULL), bad());
	assert_int_equal(with(member(7, 64, 64), NULL), 0);
	assert_int_equal(with(member(7, 1, 2), (struct of_any *)OF_NEW(&h.a, nx_note)), 0);
	fm = flow_mod(OFPFC_ADD, 0, 10);
	act(fm, member(7, 1, 2));
	inst(fm, goto_table(1));
	assert_int_equal(send_flow(fm), bad());
	fm = flow_mod(OFPFC_ADD, 0, 10);
	inst(fm, written(member(7, 1, 2)));
	assert_int_equal(send_flow(fm), refusal(OFPET_BAD_ACTION, OFPBAC_BAD_TYPE));
	of_list_add(&l, &h.a, member(7, 1, 2));
	assert_null(insts_get_actions(h.dp, &l, true, &h.e));
	assert_null(insts_get_actions(h.dp, &l, false, &h.e));
	dp_publish(h.dp);
}

/* ---- Lookups while flows change ---- */

/*
 *	clause 1 of each id: eth_dst, its own	clause 2: one in_port	conj_id -> ...
 *
 * All of them are replaced in bundles that keep them complete; other clauses, ids and masks come
 * and go.  Readers must find every id's flow at all times.
 */
enum { IDS = 40, READERS = 2 };

static _Atomic bool stop;
static _Atomic uint64_t bursts;

struct reader {
	pthread_t thread;
	unsigned int id;
	struct burst *b;
	const char *wrong;
};

static void *read_on(void *arg)
{
	struct reader *r = arg;
	const struct cls_rule *hit[BURST_MAX];
	uint32_t n = r->id;

	rte_rcu_qsbr_thread_register(h.dp->rcu, r->id);
	rte_rcu_qsbr_thread_online(h.dp->rcu, r->id);
	while (!atomic_load_explicit(&stop, memory_order_relaxed) && !r->wrong) {
		const struct cls *c;

		/* As packet threads do: a classifier has what older versions had, not what newer
		 * ones have. */
		r->b->version = atomic_load_explicit(&h.dp->version, memory_order_acquire);
		c = atomic_load_explicit(&h.dp->tables[0], memory_order_acquire);
		for (unsigned int i = 0; i < BURST_MAX; i++) {
			r->b->pkt[i].key.eth_dst[5] = (uint8_t)(1 + n++ % IDS);
			r->b->pkt[i].key.in_port = htobe32(1);
		}
		c->ops->lookup(c, r->b, UINT32_MAX, hit);
		for (unsigned int i = 0; i < BURST_MAX; i++) {
			if (!hit[i])
				r->wrong = "nothing was found";
			else if (flow_of_rule(hit[i])->cookie != r->b->pkt[i].key.eth_dst[5])
				r->wrong = "another flow was found";
		}
		atomic_fetch_add_explicit(&bursts, 1, memory_order_relaxed);
		rte_rcu_qsbr_quiescent(h.dp->rcu, r->id);
	}
	rte_rcu_qsbr_thread_offline(h.dp->rcu, r->id);
	rte_rcu_qsbr_thread_unregister(h.dp->rcu, r->id);
	return NULL;
}

static unsigned int seed = 1;

static unsigned int rnd(unsigned int n)
{
	return (unsigned int)rand_r(&seed) % n;
}

static void put_first(unsigned int id)
{
	struct of_flow_mod *fm = at(10, OF_FIELD_ETH_DST, id);

	act(fm, member(id, 1, 2));
	if (rnd(2))
		act(fm, member(1000 + rnd(1000), 1, 2));
	assert_int_equal(send_flow(fm), 0);
}

static void put_second(void)
{
	struct of_flow_mod *fm = at(10, IN, 1);

	for (unsigned int id = 1; id <= IDS; id++)
		act(fm, member(id, 2, 2));
	for (unsigned int n = rnd(20); n; n--)
		act(fm, member(2000 + rnd(1000), 2, 2));
	assert_int_equal(send_flow(fm), 0);
}

static void put_named(unsigned int id)
{
	struct of_flow_mod *fm = at(10, OF_FIELD_CONJ_ID, id);

	fm->cookie = id;
	act(fm, output_to(1 + rnd(9)));
	assert_int_equal(send_flow(fm), 0);
}

/* Clauses of other masks, whose ids are never complete. */
static void churn(void)
{
	struct of_flow_mod *fm =
		flow_mod(rnd(3) ? OFPFC_ADD : OFPFC_DELETE, 0, (uint16_t)(9 + rnd(3)));
	uint64_t mask = UINT32_MAX << rnd(32) & UINT32_MAX;

	of_match_set_masked_u64(&fm->match, OF_FIELD_REG0, rnd(2) * 0xffffff & mask, mask);
	if (rnd(3))
		of_match_set_u64(&fm->match, OF_FIELD_IN_PORT, 1);
	else
		of_match_set_u64(&fm->match, OF_FIELD_REG1, 1 + rnd(9));
	if (fm->command == OFPFC_ADD)
		act(fm, member(3000 + rnd(3), 1 + rnd(2), 3));
	assert_int_equal(send_flow(fm), 0);
}

static void change_once(void)
{
	table_begin(h.dp);
	for (unsigned int i = rnd(4); i; i--)
		put_first(1 + rnd(IDS));
	for (unsigned int i = rnd(4); i; i--)
		put_named(1 + rnd(IDS));
	if (rnd(4) == 0)
		put_second();
	for (unsigned int i = rnd(4); i; i--)
		churn();
	if (rnd(4) == 0)
		table_rollback(h.dp);
	else
		table_commit(h.dp);
	dp_publish(h.dp);
}

static void readers_find_all(void **state)
{
	struct reader r[READERS] = { 0 };
	struct timespec end, now;
	unsigned int round = 0;

	for (unsigned int id = 1; id <= IDS; id++) {
		put_first(id);
		put_named(id);
	}
	put_second();
	dp_publish(h.dp);
	atomic_store(&stop, false);
	for (unsigned int i = 0; i < READERS; i++) {
		r[i].id = PMD_MAX - 1 - i;
		r[i].b = calloc(1, sizeof(struct burst));
		assert_int_equal(pthread_create(&r[i].thread, NULL, read_on, &r[i]), 0);
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += 3;
	do {
		change_once();
		if (round++ % 64 == 0) {
			dp_barrier(h.dp);
			arena_reset(&h.a);
		}
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec < end.tv_sec ||
		 (atomic_load(&bursts) <= 100 && now.tv_sec < end.tv_sec + 60));
	atomic_store(&stop, true);
	for (unsigned int i = 0; i < READERS; i++) {
		pthread_join(r[i].thread, NULL);
		free(r[i].b);
		if (r[i].wrong)
			fail_msg("%s", r[i].wrong);
	}
	printf("%u bundles under %llu bursts\n", round, (unsigned long long)atomic_load(&bursts));
	assert_true(atomic_load(&bursts) > 100);
}

static int setup(void **state)
{
	return harness_setup(&(struct dp_opts){ .name = "conj", .dpid = 5, .cache_entries = 1024 });
}

static int each_setup(void **state)
{
	role_assume_control();
	wipe();
	return 0;
}

#define EACH(f) cmocka_unit_test_setup(f, each_setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		EACH(each_dimension),
		EACH(unlike_flows_in_a_dimension),
		EACH(several_ids_in_a_flow),
		EACH(priorities_do_not_add_up),
		EACH(numbers_of_clauses_differ),
		EACH(precedence),
		EACH(no_flow_for_the_id),
		EACH(overlapping),
		EACH(id_is_gone_afterwards),
		EACH(modified),
		EACH(many),
		EACH(most_masks),
		EACH(refusals),
		EACH(readers_find_all),
	};

	return cmocka_run_group_tests(tests, setup, harness_teardown);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs of frames that go the same way (datapath/express_alike.c) with one frame among them, in each
 * place, that no straight line is for: shared, indirect, in somebody else's buffer, of several
 * segments, without headroom, short, marked for the driver, or with other tags than the rest.  With
 * the flow cache and without it the same leaves, in the same order, by the same port; the same is
 * counted; and who shares a buffer finds it as it was.
 *
 *	frames as if they had come in on port 3 -> ports 1 and 2 -> taken out of their rings
 */
/* clang-format off: the last one has globals of short names */
#include "datapath/txq.h"
#include "vlan/tag.h"
#include "tests/unit/datapath_ring.h"
/* clang-format on */

enum {
	RUN = 9, /* more than a vector, and no multiple of what loops are unrolled by */
	LEN = 74,
	HELD = 8,
	FLOWS = 16,
	VID = 5,
};

enum odd {
	AS_THE_REST,
	SHARED,	      /* another reference to the same mbuf */
	CLONED,	      /* an indirect one, whose buffer somebody holds */
	LOOKED_AT,    /* ... and the one that it is a clone of */
	EXTERNAL,     /* a buffer that is not the pool's */
	NO_HEADROOM,  /* not a byte */
	LITTLE_ROOM,  /* less than a tag */
	TWO_SEGMENTS, /* behind the headers */
	SPLIT_HEADER, /* within Ethernet's header */
	FOR_DRIVER,   /* a checksum is the driver's */
	TYPE_KNOWN,   /* the driver has looked into it */
	AS_SHORT,     /* Ethernet's header alone */
	TAG_CUT,      /* ... and half of a tag */
	TOO_SHORT,    /* less than Ethernet's header */
	UNTAGGED,     /* where the others have a tag, and the other way round */
	TWO_TAGS,     /* of the same VLAN */
	OTHER_VID,
	OTHER_PCP,
	SERVICE_TAG,
	N_ODD
};

/* What is held of a shared frame, and what was in it. */
static struct {
	struct rte_mbuf *m;
	const uint8_t *at;
	uint8_t was[LEN + 2 * VLAN_HLEN];
	uint32_t n;
} held[HELD];
static unsigned int n_held;

static uint8_t outside[2048] __attribute__((aligned(64)));
static struct rte_mbuf_ext_shared_info outside_info;

/* What came out of a port. */
struct left {
	uint32_t n;
	uint32_t len[RUN], type[RUN];
	uint16_t l2_len[RUN];
	uint64_t flags[RUN];
	uint8_t bytes[RUN][LEN + 4 * VLAN_HLEN];
};

struct outcome {
	struct left port[3];
	struct port_counters count[PORTS + 1];
	uint64_t flow[FLOWS][2]; /* packets and bytes of flows, by id */
	uint64_t lookups, matches;
};

/* What has been counted of flows and of the first table, or that since then. */
static void count_flows(struct outcome *o)
{
	for (unsigned int i = 0; i < FLOWS; i++) {
		o->flow[i][0] = counter_get(&w->flows[i].packets) - o->flow[i][0];
		o->flow[i][1] = counter_get(&w->flows[i].bytes) - o->flow[i][1];
	}
	o->lookups = counter_get(&w->perf.table_lookups[0]) - o->lookups;
	o->matches = counter_get(&w->perf.table_matches[0]) - o->matches;
}

static void hold(struct rte_mbuf *m)
{
	assert_in_range(n_held, 0, HELD - 1);
	held[n_held].m = m;
	held[n_held].n = m->data_len;
	held[n_held].at = rte_pktmbuf_mtod(m, const uint8_t *);
	assert_in_range(m->data_len, 0, sizeof(held[0].was));
	memcpy(held[n_held++].was, rte_pktmbuf_mtod(m, void *), m->data_len);
}

/* The frame of place 'i', and how long it is. */
static uint32_t bytes_of(unsigned int i, bool tagged, enum odd odd)
{
	const unsigned int vid = odd == OTHER_VID ? VID + 1 : VID,
			   pcp = odd == OTHER_PCP ? 0xe000 : 0x4000,
			   tpid = odd == SERVICE_TAG ? VLAN_TPID_S : VLAN_TPID_C;
	uint32_t at = 12, n_tags = tagged;

	if (odd == UNTAGGED)
		n_tags = !tagged;
	else if (odd == TWO_TAGS)
		n_tags = 2;
	else if (odd == OTHER_VID || odd == OTHER_PCP || odd == SERVICE_TAG)
		n_tags = 1;
	frame_is(7, 8, 0x800, 0);
	for (uint32_t k = 0; k < n_tags; k++, at += VLAN_HLEN) {
		put_be16(frame + at, (uint16_t)tpid);
		put_be16(frame + at + 2, (uint16_t)(pcp | vid));
	}
	put_be16(frame + at, 0x800);
	for (uint32_t k = at + 2; k < LEN; k++)
		frame[k] = (uint8_t)(k * 7 + i * 31);
	switch (odd) {
	case AS_SHORT:
		return 14;
	case TAG_CUT:
		return 16;
	case TOO_SHORT:
		return 13;
	default:
		return LEN - i; /* each of its own length */
	}
}

static void nothing(void *addr, void *arg)
{
}

static struct rte_mbuf *in_two(struct rte_mbuf *m, uint16_t first)
{
	struct rte_mbuf *rest = rte_pktmbuf_alloc(dp->pool);
	const uint16_t n = (uint16_t)(m->data_len - first);

	assert_non_null(rest);
	memcpy(rte_pktmbuf_append(rest, n), rte_pktmbuf_mtod_offset(m, void *, first), n);
	assert_int_equal(rte_pktmbuf_trim(m, n), 0);
	assert_int_equal(rte_pktmbuf_chain(m, rest), 0);
	return m;
}

static struct rte_mbuf *make(unsigned int i, bool tagged, enum odd odd)
{
	const uint32_t n = bytes_of(i, tagged, odd);
	struct rte_mbuf *m = rte_pktmbuf_alloc(dp->pool), *clone;

	assert_non_null(m);
	if (odd == NO_HEADROOM)
		m->data_off = 0;
	else if (odd == LITTLE_ROOM)
		m->data_off = VLAN_HLEN - 1;
	if (odd == EXTERNAL) {
		outside_info.free_cb = nothing;
		rte_mbuf_ext_refcnt_set(&outside_info, 1);
		rte_pktmbuf_attach_extbuf(m, outside, (rte_iova_t)(uintptr_t)outside,
					  sizeof(outside), &outside_info);
		rte_pktmbuf_reset_headroom(m);
	}
	memcpy(rte_pktmbuf_append(m, (uint16_t)n), frame, n);
	switch (odd) {
	case SHARED:
		rte_pktmbuf_refcnt_update(m, 1);
		hold(m);
		break;
	case CLONED:
	case LOOKED_AT:
		clone = rte_pktmbuf_clone(m, dp->pool);
		assert_non_null(clone);
		hold(odd == CLONED ? m : clone);
		return odd == CLONED ? clone : m;
	case TWO_SEGMENTS:
		return in_two(m, 40);
	case SPLIT_HEADER:
		return in_two(m, 13);
	case FOR_DRIVER:
		m->ol_flags |= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_UDP_CKSUM;
		m->l2_len = tagged ? 18 : 14;
		m->l3_len = 20;
		break;
	case TYPE_KNOWN:
		m->packet_type = RTE_PTYPE_L2_ETHER | RTE_PTYPE_L3_IPV4 | RTE_PTYPE_L4_UDP;
		break;
	default:
		break;
	}
	return m;
}

static void take_out(unsigned int no, struct left *l)
{
	struct rte_mbuf *m[RUN];

	memset(l, 0, sizeof(*l));
	l->n = rte_eth_rx_burst(port[no]->ethdev, 0, m, RUN);
	for (uint32_t i = 0; i < l->n; i++) {
		const uint32_t n = m[i]->pkt_len;
		const void *at;

		assert_in_range(n, 0, sizeof(l->bytes[0]));
		at = rte_pktmbuf_read(m[i], 0, n, l->bytes[i]);
		assert_non_null(at);
		if (at != l->bytes[i])
			memcpy(l->bytes[i], at, n);
		l->len[i] = n;
		l->type[i] = m[i]->packet_type;
		l->flags[i] = m[i]->ol_flags & RTE_MBUF_F_TX_OFFLOAD_MASK;
		l->l2_len[i] = l->flags[i] ? m[i]->l2_len : 0;
		rte_pktmbuf_free(m[i]);
	}
}

/* Where they were: an mbuf of two owners may have moved on, but not the bytes. */
static void held_are_as_they_were(void)
{
	while (n_held) {
		n_held--;
		assert_memory_equal(held[n_held].at, held[n_held].was, held[n_held].n);
		rte_pktmbuf_free(held[n_held].m);
	}
}

/* The run with 'odd' in place 'at', by express or by the pipeline alone. */
static void run_one(bool express, bool tagged, enum odd odd, unsigned int at, enum odd other,
		    struct outcome *o)
{
	struct cache *cache = w->cache;
	struct rte_mbuf *m[RUN];

	begin();
	memset(o, 0, sizeof(*o));
	count_flows(o);
	for (unsigned int i = 0; i < RUN; i++)
		m[i] = make(i, tagged, i == at ? odd : i == RUN - 2 ? other : AS_THE_REST);
	w->cache = express ? cache : NULL;
	role_assume_pmd();
	pmd_rx(w, port[3], m, RUN);
	txq_flush(w);
	w->cache = cache;
	for (unsigned int no = 1; no <= 2; no++)
		take_out(no, &o->port[no]);
	role_assume_control();
	for (unsigned int no = 1; no <= PORTS; no++)
		o->count[no] = since(no);
	count_flows(o);
	held_are_as_they_were();
}

static void same(const struct outcome *a, const struct outcome *b, enum odd odd, unsigned int at)
{
	for (unsigned int no = 1; no <= 2; no++) {
		const struct left *x = &a->port[no], *y = &b->port[no];

		if (x->n != y->n)
			fail_msg("odd %d in place %u: %u and %u by port %u", odd, at, x->n, y->n,
				 no);
		for (uint32_t i = 0; i < x->n; i++)
			if (x->len[i] != y->len[i] || x->flags[i] != y->flags[i] ||
			    x->l2_len[i] != y->l2_len[i] || x->type[i] != y->type[i] ||
			    memcmp(x->bytes[i], y->bytes[i], x->len[i]) != 0)
				fail_msg("odd %d in place %u: frame %u by port %u (%u, %u bytes)",
					 odd, at, i, no, x->len[i], y->len[i]);
	}
	if (memcmp(a->flow, b->flow, sizeof(a->flow)) != 0)
		fail_msg("odd %d in place %u: flows count otherwise", odd, at);
	assert_int_equal(a->lookups, b->lookups);
	assert_int_equal(a->matches, b->matches);
	for (unsigned int no = 1; no <= PORTS; no++) {
		assert_int_equal(a->count[no].rx_packets, b->count[no].rx_packets);
		assert_int_equal(a->count[no].tx_packets, b->count[no].tx_packets);
		assert_memory_equal(a->count[no].drops, b->count[no].drops,
				    sizeof(a->count[no].drops));
	}
}

/* The flows must be there, the last one of few. */
static void each_in_each_place(bool tagged)
{
	static struct outcome by[2];
	const uint64_t hits = w->perf.cache_hits;
	unsigned int most = 0;
	uint64_t counted = 0;

	run_one(true, tagged, AS_THE_REST, 0, AS_THE_REST, &by[0]); /* the way is known then */
	for (enum odd odd = AS_THE_REST; odd < N_ODD; odd++)
		for (unsigned int at = 0; at < RUN; at++)
			for (unsigned int two = 0; two < 2; two++) {
				/* Alone, and with another one behind it. */
				const enum odd other =
					two ? (enum odd)((odd + at) % N_ODD) : AS_THE_REST;

				if (two && (odd == EXTERNAL || other == EXTERNAL))
					continue; /* there is one such buffer */
				for (unsigned int k = 0; k < 2; k++)
					run_one(k, tagged, odd, at, other, &by[k]);
				same(&by[1], &by[0], odd, at);
				for (unsigned int i = 0; i < FLOWS; i++)
					counted += by[1].flow[i][1];
				most = RTE_MAX(most, by[1].port[2].n);
			}
	assert_int_equal(most, RUN);
	assert_true(counted);
	assert_true(w->perf.cache_hits > hits + RUN * N_ODD * RUN / 2);
}

/* ---- What is done to them ---- */

static void nothing_at_all(void **state)
{
	flow("in_port=3,actions=output:2");
	each_in_each_place(false);
	each_in_each_place(true);
}

static void a_tag_is_pushed(void **state)
{
	flow("in_port=3,actions=push_vlan:0x8100,set_field:4101->vlan_vid,output:2");
	each_in_each_place(false);
	each_in_each_place(true);
}

static void a_service_tag_is_pushed(void **state)
{
	flow("in_port=3,actions=push_vlan:0x88a8,output:2");
	each_in_each_place(false);
	each_in_each_place(true);
}

static void a_tag_is_popped(void **state)
{
	flow("in_port=3,vlan_vid=4101,actions=pop_vlan,output:2");
	flow("priority=1,in_port=3,actions=output:1");
	each_in_each_place(true);
}

static void any_tag_is_popped(void **state)
{
	flow("in_port=3,vlan_vid=0x1000/0x1000,actions=pop_vlan,output:2");
	each_in_each_place(true);
}

/* ... by a flow that does not ask for one, which nobody can write, but send. */
static void a_tag_is_popped_if_there_is_one(void **state)
{
	struct of_flow_mod *fm, *other;
	struct of_err oe;
	struct arena a;

	role_assume_control();
	arena_init(&a, 0);
	assert_int_equal(of_parse_flow("in_port=3,vlan_vid=4101,actions=pop_vlan,output:2",
				       OFPFC_ADD, NULL, &a, &fm, &e),
			 0);
	assert_int_equal(
		of_parse_flow("in_port=3,actions=output:2", OFPFC_ADD, NULL, &a, &other, &e), 0);
	fm->match = other->match;
	assert_int_equal(table_flow_mod(dp, fm, &oe), 0);
	dp_publish(dp);
	arena_fini(&a);
	each_in_each_place(true);
}

static void a_tag_is_rewritten(void **state)
{
	flow("in_port=3,vlan_vid=4101,actions=set_field:4106->vlan_vid,set_field:3->vlan_pcp,"
	     "output:2");
	flow("priority=1,in_port=3,actions=output:1");
	each_in_each_place(true);
}

static void untagged_ones_are_tagged(void **state)
{
	flow("in_port=3,vlan_vid=0,actions=push_vlan:0x8100,set_field:4101->vlan_vid,output:2");
	flow("priority=1,in_port=3,actions=output:1");
	each_in_each_place(false);
}

static void macs_are_rewritten(void **state)
{
	flow("in_port=3,actions=set_field:02:00:00:00:00:77->eth_dst,output:2");
	each_in_each_place(false);
	each_in_each_place(true);
}

static void tags_and_macs(void **state)
{
	flow("in_port=3,vlan_vid=4101,actions=pop_vlan,set_field:02:00:00:00:00:77->eth_src,"
	     "set_field:02:00:00:00:00:78->eth_dst,output:2");
	flow("in_port=3,vlan_vid=0,actions=push_vlan:0x8100,set_field:4101->vlan_vid,"
	     "set_field:02:00:00:00:00:79->eth_src,output:2");
	each_in_each_place(true);
	each_in_each_place(false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_at_all),		TEST(a_tag_is_pushed),
		TEST(a_service_tag_is_pushed),	TEST(a_tag_is_popped),
		TEST(any_tag_is_popped),	TEST(a_tag_is_popped_if_there_is_one),
		TEST(a_tag_is_rewritten),	TEST(macs_are_rewritten),
		TEST(untagged_ones_are_tagged), TEST(tags_and_macs),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

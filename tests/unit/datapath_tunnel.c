/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames through a tunnel and back by the express way, and by the pipeline: the same comes out, and
 * the same is counted.
 *
 *	feed port 3 -> port 10 (VTEP 192.0.2.1 on port 1) -> loop of port 1 -> port 2
 *		-> loop of port 2 -> port 11 (VTEP 192.0.2.2 on port 2) -> port 4 -> control thread
 *
 * Ports 12 and 13 are the same over IPv6, ports 14 and 15 with VNI and remote by the flow.  Port 16
 * leads to port 15 from 192.0.2.3.
 */
/* clang-format off: the last one has globals of short names */
#include "datapath/tunnel.h"
#include "tests/unit/datapath_random.h"
#include "vxlan/csum.h"
#include "tests/unit/datapath_ring.h"
/* clang-format on */

enum { SENT = 600, FIRST = 10, TUNNELS = 7, INNER_MAX = 1600 };

static struct port *tunnel[TUNNELS];

static struct {
	uint32_t n, len[2 * SENT];
	uint8_t head[2 * SENT][64];
	uint32_t sum[2 * SENT];
} got[2];
static unsigned int pass;

static void come_up(struct dp *d, struct punt *p, void *arg)
{
	const uint8_t *b;
	uint32_t i;

	if (p->kind == PUNT_VTEP || p->kind == PUNT_RESOLVE) {
		tunnel_punt(d, p);
		return;
	}
	if (p->kind != PUNT_PACKET_IN)
		return;
	i = got[pass].n++;
	assert_in_range(i, 0, 2 * SENT - 1);
	b = rte_pktmbuf_mtod(p->m, const uint8_t *);
	got[pass].len[i] = p->m->pkt_len;
	memcpy(got[pass].head[i], b, RTE_MIN(64u, (uint32_t)p->m->data_len));
	for (uint32_t k = 0; k < p->m->data_len; k++)
		got[pass].sum[i] = got[pass].sum[i] * 31 + b[k];
}

static void settle(void)
{
	for (unsigned int i = 0; i < 6; i++) {
		turn(3);
		role_assume_control();
		punt_drain(dp, 4096, come_up, NULL);
	}
}

static void tunnel_add(unsigned int i, const char *text)
{
	struct port_spec spec;
	char name[8];

	role_assume_control();
	snprintf(name, sizeof(name), "t%u", i);
	assert_int_equal(port_spec_parse(text, &spec, &e), 0);
	if (port_add(dp, name, FIRST + i, &spec, &tunnel[i], &e))
		fail_msg("%s: %s", text, e.text);
}

/* Inner frames as hosts send them, and as nobody should. */
static uint32_t inner(uint16_t number)
{
	static const uint16_t types[] = { 0x800, 0x800, 0x800, 0x86dd, 0x8100, 0x88b5 };
	uint32_t n = 60 + below(200);

	for (uint32_t i = 0; i < sizeof(frame); i++)
		frame[i] = (uint8_t)below(256);
	frame[0] = 2;
	frame[6] = 2;
	put_be16(frame + 12, PICK(types));
	frame[14] = one_in(8) ? 0x46 : 0x45;
	put_be16(frame + 16, (uint16_t)(n - 14));
	put_be16(frame + 20, one_in(8) ? 0x2000 : 0);
	frame[23] = one_in(3) ? 6 : 17;
	frame[15] = one_in(4) ? (uint8_t)below(256) : 0;
	put_be16(frame + 40, number);
	if (one_in(30))
		n = 1380 + below(150); /* at the tunnel's limit */
	return n;
}

static void send_all(uint64_t start)
{
	rnd_state = start;
	for (uint16_t i = 0; i < SENT; i++) {
		feed(3, inner(i));
		if (one_in(20))
			settle();
	}
	settle();
}

struct books {
	struct port_counters port[PORTS + 1], tunnel[TUNNELS];
};

static void read_books(struct books *b)
{
	memset(b, 0, sizeof(*b));
	role_assume_control();
	for (unsigned int i = 1; i <= PORTS; i++)
		port_counters(dp, port[i], &b->port[i]);
	for (unsigned int i = 0; i < TUNNELS; i++)
		port_counters(dp, tunnel[i], &b->tunnel[i]);
}

/* What was counted from 'a' to 'b', into 'b'. */
static void subtract(struct books *b, const struct books *a)
{
	uint64_t *to = (uint64_t *)b;
	const uint64_t *from = (const uint64_t *)a;

	for (size_t i = 0; i < sizeof(*b) / sizeof(uint64_t); i++)
		to[i] -= from[i];
}

/* The VTEPs of port 2 ask for those of port 1, which so know them. */
static void be_neighbours(void)
{
	static const uint8_t arp[] = { 0,   1, 8, 0, 6, 4, 0, 1, 2, 0, 0,   0, 0, 2,
				       192, 0, 2, 2, 0, 0, 0, 0, 0, 0, 192, 0, 2, 1 };
	static const uint8_t ns[] = { 0x60, 0, 0,   0,	  0,   32, 58, 255, 0x20, 1, 0xd, 0xb8,
				      0,    0, 0,   0,	  0,   0,  0,  0,   0,	  0, 0,	  2,
				      0x20, 1, 0xd, 0xb8, 0,   0,  0,  0,   0,	  0, 0,	  0,
				      0,    0, 0,   1,	  135, 0,  0,  0,   0,	  0, 0,	  0,
				      0x20, 1, 0xd, 0xb8, 0,   0,  0,  0,   0,	  0, 0,	  0,
				      0,    0, 0,   1,	  1,   1,  2,  0,   0,	  0, 0,	  2 };
	uint16_t sum;

	frame_is(2, 1, 0x806, 0);
	memcpy(frame + 14, arp, sizeof(arp));
	feed(1, FRAME);
	frame[14 + 27] = 3;
	feed(1, FRAME);
	frame_is(2, 1, 0x86dd, 0);
	memcpy(frame + 14, ns, sizeof(ns));
	sum = vxlan_csum_of(vxlan_csum_pseudo(ns + 8, 32, 58, 32) + vxlan_csum_add(0, ns + 40, 32));
	memcpy(frame + 14 + 42, &sum, 2);
	feed(1, 14 + sizeof(ns));
	settle();
}

/* The flows must be there.  Both ways, and what went by express. */
static void both_ways(void)
{
	struct cache *cache = w->cache;
	struct books before, books[2];
	uint64_t hits;

	assert_non_null(cache);
	memset(got, 0, sizeof(got));
	pass = 0;
	flow("in_port=1,dl_dst=02:00:00:00:00:02,actions=output:2");
	be_neighbours();
	hits = w->perf.cache_hits;
	for (pass = 0; pass < 2; pass++) {
		got[pass].n = 0;
		w->cache = pass ? NULL : cache;
		read_books(&before);
		send_all(7);
		read_books(&books[pass]);
		subtract(&books[pass], &before);
		if (!pass)
			hits = w->perf.cache_hits - hits;
	}
	w->cache = cache;
	assert_int_equal(got[0].n, got[1].n);
	assert_memory_equal(got[0].len, got[1].len, got[0].n * sizeof(got[0].len[0]));
	assert_memory_equal(got[0].sum, got[1].sum, got[0].n * sizeof(got[0].sum[0]));
	assert_memory_equal(got[0].head, got[1].head, got[0].n * sizeof(got[0].head[0]));
	assert_memory_equal(&books[0], &books[1], sizeof(books[0]));
	printf("%u of %u came through, %llu hits\n", got[0].n, SENT, (unsigned long long)hits);
	assert_true(got[0].n > SENT * 9 / 10 && got[0].n < SENT);
	assert_true(hits > 0);
}

static void out_and_back(void **state)
{
	flow("in_port=3,actions=output:10");
	flow("in_port=11,actions=output:4");
	flow("in_port=4,actions=CONTROLLER:65535");
	both_ways();
}

static void by_what_is_inside(void **state)
{
	flow("priority=1,in_port=3,dl_src=02:00:00:00:00:00/ff:00:00:00:00:00,actions=output:10");
	flow("priority=1,in_port=11,dl_type=0x0800,actions=output:4");
	flow("priority=2,in_port=11,udp,actions=output:4");
	flow("priority=0,in_port=11,actions=output:4");
	flow("in_port=4,actions=CONTROLLER:65535");
	both_ways();
}

static void over_ipv6(void **state)
{
	flow("in_port=3,actions=output:12");
	flow("in_port=13,actions=output:4");
	flow("in_port=4,actions=CONTROLLER:65535");
	both_ways();
}

/* From two ends in turn: what came by the one goes with what came by the other, where flows ask for
 * neither, also when the pipeline has to do it. */
static void from_two_in_turn(void **state)
{
	flow("in_port=3,udp,actions=set_field:77->tun_id,set_field:192.0.2.2->tun_dst,output:14");
	flow("priority=1,in_port=3,actions=output:16");
	flow("in_port=15,actions=output:4");
	flow("in_port=4,actions=CONTROLLER:65535");
	both_ways();
	flow("in_port=15,actions=push_vlan:0x8100,set_field:4101->vlan_vid,output:4");
	both_ways();
	flow("in_port=15,actions=move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[],output:4");
	both_ways();
}

/* The outer addresses are in the key, of both families in turn. */
static void by_who_sent_it(void **state)
{
	flow("in_port=3,udp,actions=output:10");
	flow("priority=1,in_port=3,actions=output:12");
	flow("in_port=11,tun_src=192.0.2.1,tun_dst=192.0.2.2,actions=output:4");
	flow("in_port=13,tun_ipv6_src=2001:db8::1,actions=output:4");
	flow("in_port=4,actions=CONTROLLER:65535");
	both_ways();
}

static void where_the_flow_says(void **state)
{
	flow("in_port=3,actions=set_field:77->tun_id,set_field:192.0.2.2->tun_dst,output:14");
	flow("in_port=15,tun_id=77,tun_src=192.0.2.1,actions=output:4");
	flow("in_port=4,actions=CONTROLLER:65535");
	both_ways();
}

static void with_a_tag_outside_the_tunnel(void **state)
{
	flow("in_port=3,actions=push_vlan:0x8100,set_field:4101->vlan_vid,output:10");
	flow("in_port=11,vlan_vid=0x1000/0x1000,actions=pop_vlan,output:4");
	flow("in_port=4,actions=CONTROLLER:65535");
	both_ways();
}

static int with_tunnels(void **state)
{
	if (setup(state))
		return -1;
	role_assume_control();
	punt_set_rate(dp, 0, 0);
	memcpy(port[1]->mac, "\2\0\0\0\0\1", 6); /* a ring has none */
	memcpy(port[2]->mac, "\2\0\0\0\0\2", 6);
	tunnel_add(0, "vxlan:local=192.0.2.1/24,uplink=p1,remote=192.0.2.2,vni=7");
	tunnel_add(1, "vxlan:local=192.0.2.2/24,uplink=p2,remote=192.0.2.1,vni=7");
	tunnel_add(2, "vxlan:local=2001:db8::1/64,uplink=p1,remote=2001:db8::2,vni=9");
	tunnel_add(3, "vxlan:local=2001:db8::2/64,uplink=p2,remote=2001:db8::1,vni=9");
	tunnel_add(4, "vxlan:local=192.0.2.1/24,uplink=p1,remote=flow,vni=flow");
	tunnel_add(5, "vxlan:local=192.0.2.2/24,uplink=p2,remote=flow,vni=flow");
	tunnel_add(6, "vxlan:local=192.0.2.3/24,uplink=p1,remote=192.0.2.2,vni=78");
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(out_and_back),
		TEST(by_what_is_inside),
		TEST(over_ipv6),
		TEST(by_who_sent_it),
		TEST(from_two_in_turn),
		TEST(where_the_flow_says),
		TEST(with_a_tag_outside_the_tunnel),
	};

	return cmocka_run_group_tests(tests, with_tunnels, teardown);
}

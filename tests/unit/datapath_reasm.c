/* SPDX-License-Identifier: Apache-2.0 */
/* Spec: 7.3.2 Switch configuration: reassembly */
/*
 * Fragments put together, and apart again: the table by itself, against its plain twin.
 *
 *	datagram -> cut here -> shuffled, doubled, overlapped -> reasm_add() | ref_reasm_add()
 */
#include "tests/unit/datapath_harness.h"

#include "datapath/chain.h"
#include "datapath/reasm.h"
#include "datapath/ref.h"
#include "datapath/refrag.h"

enum { TICKS = 1000, LONG = 66000 };

static struct reasm *r;
static struct burst *burst;
static struct {
	unsigned int n[N_DROPS];
	uint32_t in_port;
} gone;

static void lost(void *arg, uint32_t in_port, enum drop why, unsigned int n)
{
	gone.n[why] += n;
	gone.in_port = in_port;
}

static void table(uint32_t datagrams, uint32_t pages)
{
	reasm_free(r);
	memset(&gone, 0, sizeof(gone));
	r = reasm_new(&(struct reasm_cfg){
		.datagrams = datagrams, .pages = pages, .ticks = TICKS, .lost = lost });
	assert_non_null(r);
}

static int setup(void **state)
{
	const struct dp_opts o = { .name = "unit", .dpid = 1 };

	burst = calloc(1, sizeof(*burst));
	return burst ? harness_setup(&o) : -1;
}

static int teardown(void **state)
{
	reasm_free(r);
	free(burst);
	return harness_teardown(state);
}

/* ---- Frames ---- */

struct frame {
	uint32_t n;
	uint8_t b[2048];
};

static void sum4(uint8_t *ip)
{
	uint32_t sum = 0, n = (ip[0] & 15) * 4u;

	put_be16(ip + 10, 0);
	for (uint32_t i = 0; i < n; i += 2)
		sum += get_be16(ip + i);
	sum = (sum & 0xffff) + (sum >> 16);
	put_be16(ip + 10, (uint16_t) ~((sum & 0xffff) + (sum >> 16)));
}

/* Bytes 'at' to 'at' + 'n' of a datagram whose byte i is i * 7 + 'seed'; not 'vid': no tag. */
struct part {
	uint8_t v6, more, seed, ecn, options, vid, tos_prio, ext;
	uint16_t at, n;
	uint32_t id;
};

static struct frame made(struct part p)
{
	struct frame f = { .b = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1 } };
	uint8_t *ip, *data;
	uint32_t at = 12;

	if (p.vid) {
		put_be16(f.b + at, 0x8100);
		put_be16(f.b + at + 2, (uint16_t)(p.tos_prio << 13 | p.vid));
		at += 4;
	}
	put_be16(f.b + at, p.v6 ? 0x86dd : 0x0800);
	ip = f.b + at + 2;
	if (p.v6) {
		const uint32_t unit = p.ext ? 8 : 0;
		uint8_t *fh = ip + 40 + unit;

		put_be32(ip, UINT32_C(6) << 28 | (uint32_t)p.ecn << 20 | 5);
		put_be16(ip + 4, (uint16_t)(unit + 8 + p.n));
		ip[6] = p.ext ? 0 : 44;
		ip[7] = 64;
		ip[8] = 0xfd;
		ip[23] = 1;
		ip[24] = 0xfd;
		ip[39] = 2;
		if (p.ext) { /* hop-by-hop: padding */
			ip[40] = 44;
			ip[42] = 1;
			ip[43] = 4;
		}
		fh[0] = 17;
		put_be16(fh + 2, (uint16_t)(p.at | p.more));
		put_be32(fh + 4, p.id);
		data = fh + 8;
	} else {
		const uint32_t ihl = 20 + 4u * p.options;

		ip[0] = (uint8_t)(0x40 | ihl / 4);
		ip[1] = p.ecn;
		put_be16(ip + 2, (uint16_t)(ihl + p.n));
		put_be16(ip + 4, (uint16_t)p.id);
		put_be16(ip + 6, (uint16_t)(p.at / 8 | (p.more ? 0x2000 : 0)));
		ip[8] = 64;
		ip[9] = 17;
		put_be32(ip + 12, 0x0a000001);
		put_be32(ip + 16, 0x0a000002);
		if (p.options) { /* one that is not copied, then one that is */
			memcpy(ip + 20, "\x07\x07\x04\0\0\0\0\x94\x04\0\0\0", 4u * p.options);
			if (p.options < 3)
				memset(ip + 20, 1, 4u * p.options);
		}
		sum4(ip);
		data = ip + ihl;
	}
	for (uint32_t i = 0; i < p.n; i++)
		data[i] = (uint8_t)((p.at + i) * 7 + p.seed);
	f.n = (uint32_t)(data - f.b) + p.n;
	return f;
}

/* Adds a frame; the whole, or NULL. */
static struct rte_mbuf *add(const struct frame *f, uint32_t in_port, uint16_t zone, uint64_t now)
{
	struct rte_mbuf *m = chain_new(h.dp->pool, f->b, f->n), *whole = NULL;
	unsigned int n;

	assert_non_null(m);
	assert_true(pkt_init(burst, 0, m, in_port));
	n = reasm_add(r, &burst->pkt[0], zone, now, h.dp->pool, &whole);
	rte_pktmbuf_free(m);
	assert_true((n > 0) == (whole != NULL));
	return whole;
}

static struct rte_mbuf *put(struct part p)
{
	struct frame f = made(p);

	return add(&f, 1, 0, 0);
}

/* ---- Tests ---- */

static void parts_in_any_order_are_a_whole(void **state)
{
	static const uint8_t orders[][3] = { { 0, 1, 2 }, { 2, 1, 0 }, { 1, 0, 2 }, { 2, 0, 1 } };
	static const struct part parts[3] = { { .at = 0, .n = 800, .more = 1, .options = 3 },
					      { .at = 800, .n = 800, .more = 1 },
					      { .at = 1600, .n = 11 } };

	for (unsigned int o = 0; o < 8; o++) {
		struct rte_mbuf *m = NULL;
		uint8_t *ip;

		table(16, 64);
		for (unsigned int i = 0; i < 3; i++) {
			struct part p = parts[orders[o / 2][i]];

			p.v6 = o & 1;
			assert_null(m);
			m = put(p);
		}
		assert_non_null(m);
		ip = rte_pktmbuf_mtod_offset(m, uint8_t *, 14);
		assert_int_equal(m->pkt_len, 14 + (o & 1 ? 40 : 32) + 1611);
		if (o & 1) {
			assert_int_equal(get_be16(ip + 4), 1611);
			assert_int_equal(ip[6], 17);
		} else {
			assert_int_equal(get_be16(ip + 2), 1643);
			assert_int_equal(get_be16(ip + 6), 0);
		}
		assert_int_equal(reasm_waiting(r), 0);
		rte_pktmbuf_free(m);
	}
}

static void others_are_kept_apart(void **state)
{
	const struct part first = { .at = 0, .n = 8, .more = 1 }, last = { .at = 8, .n = 8 };
	struct part other = last;
	struct frame f = made(first), g = made(last);
	struct rte_mbuf *m;

	table(16, 64);
	assert_null(add(&f, 1, 0, 0));
	assert_null(add(&g, 2, 0, 0)); /* port */
	assert_null(add(&g, 1, 5, 0)); /* zone */
	other.id = 9;
	assert_null(put(other));
	other = last;
	other.vid = 7;
	assert_null(put(other));
	g.b[14 + 9] = 6; /* protocol */
	sum4(g.b + 14);
	assert_null(add(&g, 1, 0, 0));
	assert_int_equal(reasm_waiting(r), 6);
	g = made(last);
	m = add(&g, 1, 0, 0);
	assert_non_null(m);
	rte_pktmbuf_free(m);
	/* A priority is not what tells datagrams apart. */
	other = first;
	other.vid = 8;
	other.tos_prio = 3;
	assert_null(put(other));
	other = last;
	other.vid = 8;
	m = put(other);
	assert_non_null(m);
	rte_pktmbuf_free(m);
}

static void what_is_late_is_lost(void **state)
{
	const struct part p4 = { .at = 0, .n = 8, .more = 1 },
			  p6 = { .v6 = 1, .at = 0, .n = 8, .more = 1 };
	struct frame f4 = made(p4), f6 = made(p6);

	table(16, 64);
	assert_null(add(&f4, 3, 0, 0));
	assert_null(add(&f6, 3, 0, 0));
	reasm_expire(r, 30 * TICKS - 1);
	assert_int_equal(gone.n[DROP_REASM_TIMEOUT], 0);
	reasm_expire(r, 30 * TICKS);
	assert_int_equal(gone.n[DROP_REASM_TIMEOUT], 1);
	assert_int_equal(gone.in_port, 3);
	reasm_expire(r, 60 * TICKS);
	assert_int_equal(gone.n[DROP_REASM_TIMEOUT], 2);
	assert_int_equal(reasm_waiting(r), 0);
}

/* RFC 5722: all of it, and what comes later. */
static void an_overlap_ends_the_datagram(void **state)
{
	for (unsigned int v6 = 0; v6 < 2; v6++) {
		const struct part a = { .v6 = (uint8_t)v6, .at = 0, .n = 16, .more = 1 },
				  b = { .v6 = (uint8_t)v6, .at = 8, .n = 16, .more = 1 },
				  c = { .v6 = (uint8_t)v6, .at = 16, .n = 8 };

		table(16, 64);
		assert_null(put(a));
		assert_null(put(b));
		assert_int_equal(gone.n[DROP_REASM_OVERLAP], 2);
		assert_int_equal(reasm_waiting(r), 0);
		assert_null(put(c));
		assert_null(put(a));
		assert_int_equal(gone.n[DROP_REASM_OVERLAP], 4);
	}
}

static void only_an_exact_copy_is_ignored(void **state)
{
	const struct part a = { .at = 0, .n = 16, .more = 1 }, b = { .at = 16, .n = 8 };
	struct part other = a;
	struct rte_mbuf *m;

	table(16, 64);
	assert_null(put(a));
	assert_null(put(a));
	assert_int_equal(gone.n[DROP_REASM_DUPLICATE], 1);
	m = put(b);
	assert_non_null(m);
	rte_pktmbuf_free(m);
	assert_null(put(a));
	other.seed = 1;
	assert_null(put(other));
	assert_int_equal(gone.n[DROP_REASM_OVERLAP], 2);
}

static void congestion_is_not_forgotten(void **state)
{
	struct part a = { .at = 0, .n = 16, .more = 1, .ecn = 2 },
		    b = { .at = 16, .n = 8, .ecn = 3 };

	for (unsigned int v6 = 0; v6 < 2; v6++) {
		struct rte_mbuf *m;
		uint8_t *ip;

		table(16, 64);
		a.v6 = b.v6 = (uint8_t)v6;
		a.ecn = 2;
		assert_null(put(a));
		m = put(b);
		assert_non_null(m);
		ip = rte_pktmbuf_mtod_offset(m, uint8_t *, 14);
		assert_int_equal(v6 ? ip[1] >> 4 & 3 : ip[1] & 3, 3);
		rte_pktmbuf_free(m);
		/* No sender marks some of a datagram as able and others not. */
		a.ecn = 0;
		assert_null(put(a));
		assert_null(put(b));
		assert_int_equal(gone.n[DROP_REASM_INVALID], 2);
	}
}

static void too_many_parts_are_no_datagram(void **state)
{
	struct part p = { .n = 8, .more = 1 };

	table(16, 64);
	for (unsigned int i = 0; i <= REASM_FRAGS_MAX; i++) {
		p.at = (uint16_t)(i * 16);
		assert_null(put(p));
	}
	assert_int_equal(gone.n[DROP_REASM_TOO_BIG], REASM_FRAGS_MAX + 1);
	assert_int_equal(reasm_waiting(r), 0);
}

static void the_longest_there_is(void **state)
{
	for (unsigned int v6 = 0; v6 < 2; v6++) {
		struct part p = { .v6 = (uint8_t)v6, .more = 1, .n = 1480 };
		const uint32_t total = v6 ? 65535 : 65515;
		struct rte_mbuf *m = NULL;

		table(16, 64);
		for (uint32_t at = 0; at < total; at += 1480) {
			p.at = (uint16_t)at;
			p.n = (uint16_t)RTE_MIN(1480u, total - at);
			p.more = at + p.n < total;
			assert_null(m);
			m = put(p);
		}
		assert_non_null(m);
		assert_int_equal(m->pkt_len, 14 + (v6 ? 40 : 20) + total);
		rte_pktmbuf_free(m);
		/* One more byte (the ping of death). */
		p.at = (uint16_t)(total & ~7u);
		p.n = (uint16_t)(total - p.at + 1);
		assert_null(put(p));
		assert_int_equal(gone.n[DROP_REASM_TOO_BIG], 1);
	}
}

/*
 * The oldest of whoever has most goes; quiet ports' datagrams stay.  Ports share 64 lists by a hash
 * with a seed, so that one of eight may well be in the flood's list; that four of them are has a
 * chance of four in a million.
 */
static void a_flood_is_the_loss_of_its_port(void **state)
{
	enum { QUIET = 8, FLOOD = 5000 };
	const struct part first = { .at = 0, .n = 1000, .more = 1, .id = 7 },
			  last = { .at = 1000, .n = 10, .id = 7 };

	for (int few_pages = 0; few_pages < 2; few_pages++) {
		unsigned int stay = 0;
		struct frame f;

		table(few_pages ? 1000 : 32, few_pages ? 64 : 1000);
		for (uint32_t port = 2; port < 2 + QUIET; port++) {
			f = made(first);
			assert_null(add(&f, port, 0, 0));
		}
		for (uint32_t i = 0; i < FLOOD; i++) {
			f = made((struct part){
				.at = 0, .n = 1000, .more = 1, .id = i, .v6 = i & 1 });
			assert_null(add(&f, 1, 0, 0));
		}
		assert_true(gone.n[DROP_REASM_FULL] > FLOOD - 100);
		assert_int_equal(gone.in_port, 1);
		assert_int_equal(reasm_waiting(r) + gone.n[DROP_REASM_FULL], FLOOD + QUIET);
		for (uint32_t port = 2; port < 2 + QUIET; port++) {
			struct rte_mbuf *m;

			f = made(last);
			m = add(&f, port, 0, 0);
			stay += m != NULL;
			rte_pktmbuf_free(m);
		}
		assert_in_range(stay, QUIET - 3, QUIET);
	}
}

/* What is killed holds no memory, is forgotten first, and never blocks. */
static void the_dead_make_room(void **state)
{
	table(16, 64);
	for (uint32_t i = 0; i < 200; i++) {
		const struct part a = { .at = 0, .n = 16, .more = 1, .id = i },
				  b = { .at = 8, .n = 16, .more = 1, .id = i };

		assert_null(put(a));
		assert_null(put(b));
	}
	assert_int_equal(gone.n[DROP_REASM_OVERLAP], 400);
	assert_int_equal(gone.n[DROP_REASM_FULL], 0);
}

static void no_buffer_is_a_drop(void **state)
{
	const struct part a = { .at = 0, .n = 16, .more = 1 }, b = { .at = 16, .n = 8 };
	static struct rte_mbuf *all[100000];
	struct frame f = made(b);
	struct rte_mbuf *m, *whole = NULL;
	unsigned int n = 0;

	table(16, 64);
	assert_null(put(a));
	m = chain_new(h.dp->pool, f.b, f.n);
	assert_true(pkt_init(burst, 0, m, 1));
	while (n < 100000 && (all[n] = rte_pktmbuf_alloc(h.dp->pool)))
		n++;
	assert_int_equal(reasm_add(r, &burst->pkt[0], 0, 0, h.dp->pool, &whole), 0);
	assert_int_equal(gone.n[DROP_NO_MBUF], 2);
	rte_pktmbuf_free_bulk(all, n);
	rte_pktmbuf_free(m);
}

/* ---- Apart again ---- */

/* Pieces of 'm' of at most 'room' bytes come back together as the same bytes. */
static void again(struct rte_mbuf *m, uint32_t room, uint32_t longest)
{
	uint8_t *was = malloc(LONG), *is = malloc(LONG);
	struct rte_mbuf *whole = NULL, *piece;
	const uint32_t n = m->pkt_len;
	struct refrag f;
	unsigned int pieces = 0;

	chain_read(m, 0, n, was);
	assert_true(refrag_start(&f, m, room));
	while (refrag_more(&f)) {
		assert_null(whole);
		piece = refrag_next(&f, h.dp->pool);
		assert_non_null(piece);
		assert_in_range(piece->pkt_len, 1, RTE_MIN(room, longest));
		assert_true(pkt_init(burst, 0, piece, 1));
		assert_int_equal(burst->pkt[0].key.ip_frag & 3,
				 FLOW_FRAG_ANY | (pieces ? FLOW_FRAG_LATER : 0));
		if (reasm_add(r, &burst->pkt[0], 0, 0, h.dp->pool, &whole))
			assert_non_null(whole);
		rte_pktmbuf_free(piece);
		pieces++;
	}
	assert_non_null(whole);
	assert_int_equal(whole->pkt_len, n);
	chain_read(whole, 0, n, is);
	assert_memory_equal(was, is, n);
	assert_true(pieces > 1);
	rte_pktmbuf_free(whole);
	free(was);
	free(is);
}

static void the_whole_comes_apart_as_it_came(void **state)
{
	static const uint32_t rooms[] = { 200, 600, 1514, 9014 };

	for (unsigned int i = 0; i < 32; i++) {
		const uint32_t longest = 800, room = rooms[i / 8];
		struct part p = { .v6 = i & 1,
				  .vid = i & 2 ? 5 : 0,
				  .ext = 1,
				  .n = 800,
				  .more = 1,
				  .options = i & 4 ? 3 : 0 };
		struct rte_mbuf *m = NULL;
		uint32_t head = 14 + (i & 2 ? 4 : 0) + (i & 1 ? 56 : 32);

		table(16, 64);
		for (uint32_t at = 0; at < 4000; at += 800) {
			p.at = (uint16_t)at;
			p.n = at < 3200 ? 800 : 333;
			p.more = at < 3200;
			m = put(p);
		}
		assert_non_null(m);
		again(m, room, head + longest);
		/* A tag more in front, as a flow may push it. */
		assert_non_null(rte_pktmbuf_prepend(m, 4));
		memmove(rte_pktmbuf_mtod(m, uint8_t *), rte_pktmbuf_mtod(m, uint8_t *) + 4, 12);
		put_be16(rte_pktmbuf_mtod(m, uint8_t *) + 12, 0x88a8);
		put_be16(rte_pktmbuf_mtod(m, uint8_t *) + 14, 9);
		again(m, room + 4, head + longest + 4);
		rte_pktmbuf_free(m);
	}
}

static void what_was_never_in_parts_stays_whole(void **state)
{
	struct frame f = made((struct part){ .n = 1000 });
	struct rte_mbuf *m = chain_new(h.dp->pool, f.b, f.n);
	struct refrag g;

	assert_false(refrag_start(&g, m, 500));
	rte_pktmbuf_free(m);
}

/* ---- The twin ---- */

static uint32_t seed = 1;

static uint32_t below(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

/* One of a few datagrams' fragments, mostly sound: one or two of its four quarters. */
static struct frame random_frame(void)
{
	const uint32_t which = below(3), unit = which ? 8 : 680, k = below(4);
	struct part p = { .v6 = (uint8_t)(which & 1), .id = which, .vid = which == 2 ? 3 : 0 };
	struct frame f;

	p.at = (uint16_t)(k * unit);
	p.n = (uint16_t)(unit * (1 + (k < 3 && !below(4))));
	p.more = p.at + p.n < 4 * unit;
	if (!below(16))
		p.more = !p.more;
	if (!p.more)
		p.n = (uint16_t)(p.n - below(3));
	p.seed = below(20) ? 0 : 1;
	p.options = below(4) ? 0 : 3;
	p.ext = (uint8_t)below(2);
	p.ecn = below(6) ? 0 : (uint8_t)below(4);
	f = made(p);
	if (!below(12))
		f.b[below(80)] = (uint8_t)below(256);
	if (!below(20))
		f.n -= below(8);
	return f;
}

static void the_twin_says_the_same(void **state)
{
	static uint8_t expected[LONG], got[LONG];
	unsigned int wholes = 0, lost_ones = 0;

	for (unsigned int round = 0; round < 3000; round++) {
		struct ref_reasm *twin = ref_reasm_new();

		table(64, 256);
		for (unsigned int i = 0; i < 24; i++) {
			struct frame f = random_frame();
			struct rte_mbuf *m = chain_new(h.dp->pool, f.b, f.n), *whole = NULL;
			enum ref_fragment says;
			const unsigned int waited = reasm_waiting(r);
			uint32_t n = 0;

			assert_true(pkt_init(burst, 0, m, 1));
			says = ref_reasm_add(twin, f.b, f.n, 1, expected, &n);
			assert_int_equal(says == REF_NONE,
					 !(burst->pkt[0].key.ip_frag & FLOW_FRAG_ANY));
			if (says == REF_NONE) {
				rte_pktmbuf_free(m);
				continue;
			}
			(void)reasm_add(r, &burst->pkt[0], 0, 0, h.dp->pool, &whole);
			rte_pktmbuf_free(m);
			assert_int_equal(says == REF_WHOLE, whole != NULL);
			assert_int_equal(says == REF_WAITS, reasm_waiting(r) == waited + 1);
			lost_ones += says == REF_LOST;
			if (!whole)
				continue;
			wholes++;
			assert_int_equal(whole->pkt_len, n);
			chain_read(whole, 0, n, got);
			assert_memory_equal(got, expected, n);
			rte_pktmbuf_free(whole);
		}
		ref_reasm_free(twin);
	}
	assert_true(wholes > 100 && lost_ones > 1000); /* it was about something */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_in_any_order_are_a_whole),
		cmocka_unit_test(others_are_kept_apart),
		cmocka_unit_test(what_is_late_is_lost),
		cmocka_unit_test(an_overlap_ends_the_datagram),
		cmocka_unit_test(only_an_exact_copy_is_ignored),
		cmocka_unit_test(congestion_is_not_forgotten),
		cmocka_unit_test(too_many_parts_are_no_datagram),
		cmocka_unit_test(the_longest_there_is),
		cmocka_unit_test(a_flood_is_the_loss_of_its_port),
		cmocka_unit_test(the_dead_make_room),
		cmocka_unit_test(no_buffer_is_a_drop),
		cmocka_unit_test(the_whole_comes_apart_as_it_came),
		cmocka_unit_test(what_was_never_in_parts_stays_whole),
		cmocka_unit_test(the_twin_says_the_same),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The compiled pipeline against the reference interpreter: random tables, groups and actions,
 * random packets, changes in between; with the flow cache cold, warm and off.  For every packet the
 * same frames must leave, in the same order, byte for byte; and no frame may be lost or doubled.
 *
 * WEFT_DIFF_SECONDS makes it longer than its 10 seconds, WEFT_DIFF_SEED repeats a run.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_mbuf.h>

#include "base/arena.h"
#include "datapath/act.h"
#include "datapath/cache.h"
#include "datapath/cls.h"
#include "datapath/dp.h"
#include "datapath/eal.h"
#include "datapath/group.h"
#include "datapath/parse.h"
#include "datapath/pipeline.h"
#include "datapath/ref.h"
#include "tests/unit/datapath_random.h"
#include "tests/unit/datapath_rules.h"

enum { TABLES_MAX = 6, FRAMES = 48, BURSTS = 24, ROUND_ARENA = 8 << 20 };

/* Where a run of default length begins, each time; longer ones begin elsewhere each time. */
#define FIRST_SEED UINT64_C(1882598998540288)

/* What left of one burst, taken by our own pmd->flush. */
struct got {
	struct out o;
	uint32_t n;
	uint8_t *frame;
};

static struct {
	struct dp *dp;
	struct pmd *w;
	struct cache *cache;
	struct ref *ref;
	struct port ports[PORTS];
	struct queue *queue[3];
	struct queue_set *queues;
	uint64_t seed;
	struct maker frames[FRAMES];
	struct got got[32 * 1024];
	uint32_t n_got;
	/* What the tables of this round are like. */
	bool poor; /* hardly any buffers: then all that is asked is that none is lost */
	unsigned int style[TABLES_MAX];
	struct of_match shape[TABLES_MAX]; /* of a table with one mask */
	uint64_t packets, outs, accepted, refused, changed;
	const char *templates[8];
} t;

/* ---- Running packets ---- */

static void take(struct pmd *w, struct burst *b)
{
	for (uint32_t i = 0; i < b->n_out; i++) {
		struct got *g = &t.got[t.n_got];

		assert_non_null(b->out[i].m);
		assert_true(t.n_got < sizeof(t.got) / sizeof(t.got[0]));
		g->o = b->out[i];
		g->n = b->out[i].m->pkt_len;
		g->frame = malloc(g->n);
		assert_non_null(g->frame);
		for (uint32_t at = 0; at < g->n;) {
			const struct rte_mbuf *m = b->out[i].m;
			uint32_t skip = at;

			while (skip >= m->data_len) {
				skip -= m->data_len;
				m = m->next;
			}
			memcpy(g->frame + at, rte_pktmbuf_mtod(m, uint8_t *), m->data_len);
			at += m->data_len;
		}
		if (g->o.kind == OUT_CONTROLLER)
			assert_non_null(g->o.key);
		rte_pktmbuf_free(b->out[i].m);
		t.n_got++;
	}
	b->n_out = b->n_keys = 0;
}

static void forget_got(void)
{
	while (t.n_got)
		free(t.got[--t.n_got].frame);
}

/* A buffer with the frame; now and then in two segments. */
static struct rte_mbuf *mbuf_of(const struct maker *f)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(t.dp->pool), *second;
	uint32_t n = one_in(30) && f->n > 20 ? 14 + below(f->n - 14) : f->n;

	assert_non_null(m);
	memcpy(rte_pktmbuf_append(m, (uint16_t)n), f->b, n);
	if (n < f->n) {
		second = rte_pktmbuf_alloc(t.dp->pool);
		assert_non_null(second);
		memcpy(rte_pktmbuf_append(second, (uint16_t)(f->n - n)), f->b + n, f->n - n);
		assert_int_equal(rte_pktmbuf_chain(m, second), 0);
	}
	return m;
}

static uint64_t drops(void)
{
	uint64_t n = 0;

	for (unsigned int p = 0; p <= PORT_MAX; p++)
		for (unsigned int d = 0; d < N_DROPS; d++)
			n += t.w->ports[p].drops[d];
	return n;
}

static uint64_t drop_count(enum drop why)
{
	uint64_t n = 0;

	for (unsigned int p = 0; p <= PORT_MAX; p++)
		n += t.w->ports[p].drops[why];
	return n;
}

static void run_compiled(const unsigned int *which, const uint32_t *in_port, unsigned int n)
{
	const uint64_t before = t.w->perf.created - t.w->perf.consumed - drops();
	const unsigned int in_use = rte_mempool_in_use_count(t.dp->pool);
	struct burst *b = t.w->burst;
	uint64_t todo;

	forget_got();
	b->version = atomic_load(&t.dp->version);
	b->n = b->n_out = b->n_keys = 0;
	b->out_of_order = false;
	for (unsigned int i = 0; i < n; i++, b->n++)
		assert_true(pkt_init(b, i, mbuf_of(&t.frames[which[i]]), in_port[i]));
	todo = n == 64 ? UINT64_MAX : (UINT64_C(1) << n) - 1;
	if (t.w->cache)
		todo = cache_run(t.w, b, todo, 0);
	pipeline_run(t.w, b, todo, 0, 0);
	take(t.w, b);
	/* rx + created = tx + consumed + drops, and every buffer is back. */
	assert_int_equal(n + t.w->perf.created - t.w->perf.consumed - drops(), before + t.n_got);
	assert_int_equal(rte_mempool_in_use_count(t.dp->pool), in_use);
}

/* ---- Comparing ---- */

static void hex(const char *what, const uint8_t *p, uint32_t n)
{
	fprintf(stderr, "  %s %u:", what, n);
	for (uint32_t i = 0; i < n; i++)
		fprintf(stderr, "%s%02x", i % 4 ? "" : " ", p[i]);
	fprintf(stderr, "\n");
}

static int dump_flow(void *arg, const struct flow *f)
{
	struct of_flow_mod fm = { .kind = OF_KIND_flow_mod };

	(void)arg;
	flow_match(f, &fm.match);
	fm.table_id = f->table_id;
	fm.cookie = f->cookie;
	fm.priority = f->rule.priority;
	fm.insts = f->insts->list;
	of_dump_any(stderr, (struct of_any *)&fm);
	return 0;
}

static void explain(const char *mode, unsigned int which, uint32_t in_port, unsigned int slot,
		    const struct ref_out *out, uint32_t n)
{
	const struct of_mp_flow_request all = { .table_id = OFPTT_ALL,
						.out_port = OFPP_ANY,
						.out_group = OFPG_ANY };

	if (getenv("WEFT_DIFF_DUMP"))
		table_select(t.dp, &all, dump_flow, NULL);
	fprintf(stderr, "seed %llu, cache %s, packet from port %u:\n", (unsigned long long)t.seed,
		mode, in_port);
	hex("in ", t.frames[which].b, t.frames[which].n);
	for (uint32_t i = 0; i < t.n_got; i++)
		if (t.got[i].o.idx == slot) {
			fprintf(stderr,
				"  got kind %u port %#x queue %u table %u reason %u cookie %u\n",
				t.got[i].o.kind, t.got[i].o.port, t.got[i].o.queue_id,
				t.got[i].o.table_id, t.got[i].o.reason,
				(unsigned int)t.got[i].o.cookie);
			hex("got", t.got[i].frame, t.got[i].n);
		}
	for (uint32_t i = 0; i < n; i++) {
		fprintf(stderr, "  ref kind %u port %#x queue %u table %u reason %u\n", out[i].kind,
			out[i].port, out[i].queue_id, out[i].table_id, out[i].reason);
		hex("ref", out[i].frame, out[i].n);
	}
}

static bool same(const struct got *g, const struct ref_out *r)
{
	if ((unsigned int)g->o.kind != (unsigned int)r->kind || g->o.port != r->port ||
	    g->n != r->n || memcmp(g->frame, r->frame, r->n) != 0 || g->o.cookie != r->cookie ||
	    g->o.table_id != r->table_id || g->o.queue_id != r->queue_id)
		return false;
	if (g->o.kind != OUT_CONTROLLER)
		return (g->o.tunneled ? be64toh(g->o.tun.tun_id) : 0) == r->tun_id;
	return g->o.reason == r->reason &&
	       (g->o.reason == OFPR_INVALID_TTL || g->o.max_len == r->max_len);
}

static void compare(const char *mode, const unsigned int *which, const uint32_t *in_port,
		    unsigned int n)
{
	t.packets += n;
	if (t.poor)
		return;
	for (unsigned int slot = 0; slot < n; slot++) {
		const struct maker *f = &t.frames[which[slot]];
		struct ref_out *out;
		const uint32_t n_out = ref_packet(t.ref, f->b, f->n, in_port[slot], &out);
		uint32_t seen = 0;
		bool ok = true;

		for (uint32_t i = 0; i < t.n_got; i++) {
			if (t.got[i].o.idx != slot)
				continue;
			ok = ok && seen < n_out && same(&t.got[i], &out[seen]);
			seen++;
		}
		if (!ok || seen != n_out) {
			explain(mode, which[slot], in_port[slot], slot, out, n_out);
			fail_msg("packet %u of a burst of %u differs from the reference", slot, n);
		}
		t.outs += n_out;
	}
}

static void run_burst(void)
{
	unsigned int which[BURST_MAX], n = 1 + below(BURST_MAX);
	uint32_t in_port[BURST_MAX];

	for (unsigned int i = 0; i < n; i++) {
		which[i] = below(FRAMES);
		in_port[i] = 1 + below(PORTS);
	}
	t.w->cache = t.cache;
	run_compiled(which, in_port, n);
	compare("cold", which, in_port, n);
	run_compiled(which, in_port, n);
	compare("warm", which, in_port, n);
	t.w->cache = NULL;
	run_compiled(which, in_port, n);
	compare("off", which, in_port, n);
}

/* ---- Random tables ---- */

enum { STYLE_FEW, STYLE_ONE_MASK, STYLE_PREFIXES, STYLE_MANY, N_STYLES };

/* A match in the manner of the table, and a priority that leaves no doubt about who wins. */
static void rnd_match(struct of_flow_mod *fm, unsigned int serial)
{
	const unsigned int style = t.style[fm->table_id];
	struct of_match *m = &fm->match;
	uint8_t len;

	fm->priority = (uint16_t)(1 + (serial * 7919) % 65521);
	if (one_in(12)) {
		fm->priority = 0;
		return;
	}
	switch (style) {
	case STYLE_ONE_MASK:
		fm->priority = 100;
		FIELD_EACH (f) {
			struct of_oxm o;
			uint8_t v[16];

			of_match_get(&t.shape[fm->table_id], f, &o);
			if (f->is_alias || !of_match_has(&t.shape[fm->table_id], f))
				continue;
			/* Those that others need stay as they are. */
			if (f->id == OF_FIELD_ETH_TYPE || f->id == OF_FIELD_IP_PROTO ||
			    f->id == OF_FIELD_ICMPV6_TYPE)
				memcpy(v, o.value, sizeof(v));
			else
				rnd_value(f, v);
			for (unsigned int i = 0; i < f->bytes; i++)
				v[i] &= o.mask[i];
			of_match_set(m, f, v, o.masked ? o.mask : NULL);
		}
		break;
	case STYLE_PREFIXES:
		len = (uint8_t)below(33);
		fm->priority = (uint16_t)(len + 1);
		of_match_set_u64(m, OF_FIELD_ETH_TYPE, 0x0800);
		if (len) {
			const uint64_t mask = (UINT64_C(0xffffffff) << (32 - len)) & 0xffffffff;

			of_match_set_masked_u64(m, OF_FIELD_IPV4_DST, PICK(rnd_ip4) & mask, mask);
		}
		break;
	default:
		if (one_in(2))
			rnd_match_layers(m);
		for (unsigned int i = below(4); i > 0; i--) {
			const struct of_field *f = rnd_field(m);

			if (field_supported(f->id) && f->id != OF_FIELD_ETH_TYPE &&
			    f->id != OF_FIELD_IP_PROTO && f->id != OF_FIELD_ICMPV6_TYPE)
				rnd_match_field(m, f, true);
		}
		break;
	}
}

static void send_flow_mod(const struct of_flow_mod *fm)
{
	struct of_err e = { 0 };
	const int rc = table_flow_mod(t.dp, fm, &e);

	if (rc == 0) {
		assert_int_equal(ref_flow_mod(t.ref, fm), 0);
		t.accepted++;
		return;
	}
	t.refused++;
	/* Only what the generator does not care to avoid. */
	assert_true(e.type == OFPET_BAD_ACTION || e.type == OFPET_BAD_MATCH);
}

static struct of_flow_mod *new_flow_mod(uint8_t command, uint8_t table)
{
	struct of_flow_mod *fm = OF_NEW(&rules.arena, flow_mod);

	assert_non_null(fm);
	fm->command = command;
	fm->table_id = table;
	fm->buffer_id = OFP_NO_BUFFER;
	fm->out_port = OFPP_ANY;
	fm->out_group = OFPG_ANY;
	return fm;
}

static void add_flow(unsigned int serial)
{
	struct of_flow_mod *fm = new_flow_mod(OFPFC_ADD, (uint8_t)below(rules.n_tables));

	fm->cookie = rnd() & 7;
	rnd_match(fm, serial);
	rnd_insts(fm);
	send_flow_mod(fm);
}

static void change_flows(void)
{
	static const uint8_t commands[] = { OFPFC_MODIFY, OFPFC_MODIFY_STRICT, OFPFC_DELETE,
					    OFPFC_DELETE_STRICT };
	struct of_flow_mod *fm = new_flow_mod(PICK(commands), (uint8_t)below(rules.n_tables));

	rnd_match(fm, below(200));
	if (fm->command == OFPFC_MODIFY || fm->command == OFPFC_MODIFY_STRICT)
		rnd_insts(fm);
	else if (one_in(3))
		fm->out_port = 1 + below(PORTS);
	if (one_in(3)) {
		fm->cookie_mask = 3;
		fm->cookie = below(4);
	}
	send_flow_mod(fm);
}

static void send_group(uint16_t command, uint32_t id)
{
	struct of_group_mod *gm = OF_NEW(&rules.arena, group_mod);
	struct of_err e = { 0 };
	unsigned int n;

	gm->command = command;
	gm->group_id = id;
	gm->type = one_in(2) ? OFPGT_ALL : OFPGT_INDIRECT;
	n = gm->type == OFPGT_ALL ? below(4) : 1;
	for (unsigned int i = 0; command != OFPGC_DELETE && i < n; i++) {
		struct of_bucket *k = OF_NEW(&rules.arena, bucket);

		k->watch_port = OFPP_ANY;
		k->watch_group = OFPG_ANY;
		rnd_actions(&k->actions, NULL, below(5), id - 1);
		of_list_add(&gm->buckets, &rules.arena, (struct of_any *)k);
	}
	if (group_mod(t.dp, gm, &e) == 0) {
		assert_int_equal(ref_group_mod(t.ref, gm), 0);
		return;
	}
	t.refused++;
	/* A bucket's set-field may be of a field that nobody can set. */
	assert_true(e.type == OFPET_BAD_ACTION);
	assert_int_not_equal(command, OFPGC_DELETE);
	if (command == OFPGC_ADD) {
		gm->buckets.n = 0;
		gm->type = OFPGT_ALL;
		assert_int_equal(group_mod(t.dp, gm, &e), 0);
		assert_int_equal(ref_group_mod(t.ref, gm), 0);
	}
}

/* ---- Rounds ---- */

static void note_templates(void)
{
	for (unsigned int i = 0; i < rules.n_tables; i++) {
		const char *name = table_template(t.dp, (uint8_t)i, NULL);

		for (unsigned int k = 0; k < sizeof(t.templates) / sizeof(t.templates[0]); k++) {
			if (t.templates[k] && !strcmp(t.templates[k], name))
				break;
			if (!t.templates[k]) {
				t.templates[k] = name;
				break;
			}
		}
	}
}

static void clear(void)
{
	struct of_group_mod gm = { .kind = OF_KIND_group_mod,
				   .command = OFPGC_DELETE,
				   .group_id = OFPG_ALL };
	struct of_err e;

	assert_int_equal(table_flow_mod(t.dp, new_flow_mod(OFPFC_DELETE, OFPTT_ALL), &e), 0);
	assert_int_equal(group_mod(t.dp, &gm, &e), 0);
	dp_publish(t.dp);
	dp_reclaim(t.dp);
	ref_free(t.ref);
	t.ref = ref_new();
	assert_non_null(t.ref);
	for (uint32_t i = 1; i <= PORTS; i++)
		ref_port_add(t.ref, i);
	arena_reset(&rules.arena);
}

static void start_tables(void)
{
	rules.n_tables = 1 + below(TABLES_MAX);
	rules.loud = one_in(8);
	for (unsigned int i = 0; i < rules.n_tables; i++) {
		t.style[i] = below(N_STYLES);
		memset(&t.shape[i], 0, sizeof(t.shape[i]));
		if (one_in(2))
			rnd_match_layers(&t.shape[i]);
		for (unsigned int k = 1 + below(2); k > 0; k--) {
			const struct of_field *f = rnd_field(&t.shape[i]);

			if (field_supported(f->id))
				rnd_match_field(&t.shape[i], f, true);
		}
	}
}

static void run_round(uint64_t seed)
{
	const unsigned int n_rules = one_in(2) ? 1 + below(12) : 60;

	t.seed = rnd_state = seed;
	clear();
	start_tables();
	for (unsigned int i = 0; i < FRAMES; i++)
		rnd_frame(&t.frames[i]);
	for (uint32_t id = 1; id <= GROUPS; id++)
		send_group(OFPGC_ADD, id);
	for (unsigned int i = 0; i < n_rules; i++)
		add_flow(i);
	dp_publish(t.dp);
	note_templates();
	for (unsigned int i = 0; i < BURSTS; i++) {
		run_burst();
		if (!one_in(3))
			continue;
		if (one_in(2))
			add_flow(60 + i); /* no priority twice: either would be right */
		else if (one_in(2))
			change_flows();
		else
			send_group(OFPGC_MODIFY, 1 + below(GROUPS));
		dp_publish(t.dp);
		t.changed++;
	}
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static void compiled_equals_reference(void **state)
{
	const char *seconds = getenv("WEFT_DIFF_SECONDS"), *seed = getenv("WEFT_DIFF_SEED");
	const double end = now() + (seconds ? atof(seconds) : 10);
	uint64_t s = seed      ? strtoull(seed, NULL, 0)
		     : seconds ? (uint64_t)time(NULL) << 20
			       : FIRST_SEED;
	uint64_t rounds = 0;

	(void)state;
	role_assume_control();
	role_assume_pmd();
	printf("first seed %llu\n", (unsigned long long)s);
	do {
		run_round(s++);
		rounds++;
	} while (now() < end && !(seed && !seconds));
	printf("%llu rounds, %llu packets, %llu outputs, %llu flow_mods (%llu refused), "
	       "%llu changes, cache hits %llu\n",
	       (unsigned long long)rounds, (unsigned long long)t.packets,
	       (unsigned long long)t.outs, (unsigned long long)t.accepted,
	       (unsigned long long)t.refused, (unsigned long long)t.changed,
	       (unsigned long long)t.w->perf.cache_hits);
	for (unsigned int i = 0; i < sizeof(t.templates) / sizeof(t.templates[0]); i++)
		if (t.templates[i])
			printf("template %s\n", t.templates[i]);
	if (seed && !seconds)
		return;
	assert_true(t.outs > 1000);
	assert_true(t.w->perf.cache_hits > 1000);
	for (const struct cls_ops *const *c = cls_templates; *c; c++) {
		bool seen = false;

		for (unsigned int i = 0; i < sizeof(t.templates) / sizeof(t.templates[0]); i++)
			seen = seen || (t.templates[i] && !strcmp(t.templates[i], (*c)->name));
		if (!seen)
			fail_msg("template %s was never met", (*c)->name);
	}
}

/* Ports without devices: what leaves is taken before it would come to one. */
static void make_ports(void)
{
	for (uint32_t i = 0; i < PORTS; i++) {
		t.ports[i].no = i + 1;
		t.ports[i].slot = (uint16_t)i;
		atomic_store(&t.dp->ports[i + 1], &t.ports[i]);
		atomic_store(&t.dp->port_slots[i], &t.ports[i]);
	}
	/* Queues that actions may name; what leaves does not come to them, either. */
	for (uint32_t i = 0; i < 3; i++) {
		const struct queue_cfg cfg = { .id = i + 1, .len = 1 };

		t.queue[i] = queue_new(&cfg, 1000000, 0);
		assert_non_null(t.queue[i]);
	}
	t.queues = queue_set_new(t.queue, 3, NULL, 0, 1000000, 0);
	assert_non_null(t.queues);
	atomic_store(&t.ports[0].queues, t.queues);
}

/* Copies that cannot be made: each is counted, and no buffer is lost or sent twice. */
static void no_buffers(void **state)
{
	struct rte_mbuf *taken[8192];
	unsigned int n = 0;

	(void)state;
	role_assume_control();
	role_assume_pmd();
	t.poor = true;
	for (uint64_t s = 1; s <= 60; s++) {
		const unsigned int left = 2 * BURST_MAX + below(3 * BURST_MAX);

		while (rte_mempool_avail_count(t.dp->pool) > left && n < RTE_DIM(taken)) {
			taken[n] = rte_pktmbuf_alloc(t.dp->pool);
			assert_non_null(taken[n]);
			n++;
		}
		run_round(s);
		rte_pktmbuf_free_bulk(taken, n);
		n = 0;
	}
	t.poor = false;
	assert_true(drop_count(DROP_NO_MBUF) > 100);
}

static int setup(void **state)
{
	const struct dp_opts o = { .name = "diff", .dpid = 1, .cache_entries = 1024 };
	struct err e = { "" };

	(void)state;
	role_assume_control();
	if (eal_start(NULL, &e) < 0 || !(t.dp = dp_new(&o, &e)) ||
	    !(t.w = pmd_new_detached(t.dp))) {
		fprintf(stderr, "%s\n", e.text);
		return -1;
	}
	make_ports();
	t.cache = t.w->cache;
	t.w->flush = take;
	arena_init(&rules.arena, (size_t)1 << 30);
	return t.cache ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	role_assume_control();
	forget_got();
	clear();
	for (uint32_t i = 0; i < PORTS; i++) {
		atomic_store(&t.dp->ports[i + 1], NULL);
		atomic_store(&t.dp->port_slots[i], NULL);
	}
	for (unsigned int i = 0; i < 3; i++)
		queue_free(t.queue[i]);
	free(t.queues);
	t.w->cache = t.cache;
	pmd_free_detached(t.w);
	dp_free(t.dp);
	ref_free(t.ref);
	arena_fini(&rules.arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compiled_equals_reference),
		cmocka_unit_test(no_buffers),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

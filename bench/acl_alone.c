/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lookups alone: how many a second DPDK's rte_acl does on a list of rules, and the switch's own
 * templates (datapath/cls.h), in turn, without packets.
 *
 *	acl_alone [EAL arguments] -- RULES KEYS SECONDS [TEMPLATE...]
 *
 * RULES has a line for each rule, the strongest first: source, its bits, destination, its bits,
 * protocol or 0 and, of each port, the least and the greatest; numbers.  KEYS has lines with
 * source, destination, protocol and ports.  Prints lookups a second of the processor's time,
 * cycles each, and how many of the keys matched, for each what it took to build and bytes a rule.
 * Templates' answers are compared with rte_acl's, if there are both: RULES' order is the priority.
 * "-" for SECONDS' first character leaves rte_acl out.  One thread.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_acl.h>
#include <rte_byteorder.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>

#include "datapath/cls.h"
#include "datapath/cls_cut.h"
#include "datapath/mask.h"

enum { BATCH = 256, N_FIELDS = 5, MAX_RULES = 1 << 20, ROUNDS = 5, RUNS_MAX = 8 };

/* As it lies in memory for rte_acl: the first field is one byte, the others are in groups of four.
 */
struct key {
	uint8_t proto;
	uint8_t pad[3];
	rte_be32_t src, dst;
	rte_be16_t sport, dport;
};

static const struct rte_acl_field_def fields[N_FIELDS] = {
	{ RTE_ACL_FIELD_TYPE_BITMASK, 1, 0, 0, offsetof(struct key, proto) },
	{ RTE_ACL_FIELD_TYPE_MASK, 4, 1, 1, offsetof(struct key, src) },
	{ RTE_ACL_FIELD_TYPE_MASK, 4, 2, 2, offsetof(struct key, dst) },
	{ RTE_ACL_FIELD_TYPE_RANGE, 2, 3, 3, offsetof(struct key, sport) },
	{ RTE_ACL_FIELD_TYPE_RANGE, 2, 4, 3, offsetof(struct key, dport) },
};

RTE_ACL_RULE_DEF(rule, N_FIELDS);

static void fail(const char *what)
{
	fprintf(stderr, "acl_alone: %s\n", what);
	exit(1);
}

/* A line of RULES. */
struct line {
	unsigned int v[9];
};

static struct line *lines(const char *path, unsigned int *n)
{
	unsigned int room = 1 << 12;
	struct line *l = malloc(room * sizeof(*l));
	FILE *f = fopen(path, "r");
	unsigned int *v;

	for (*n = 0; f && l && *n < MAX_RULES; ++*n) {
		if (*n == room)
			l = realloc(l, (room *= 2) * sizeof(*l));
		if (!l)
			break;
		v = l[*n].v;
		if (fscanf(f, "%u%u%u%u%u%u%u%u%u", v, v + 1, v + 2, v + 3, v + 4, v + 5, v + 6,
			   v + 7, v + 8) != 9)
			break;
	}
	if (!f || !l || !*n)
		fail("no rules");
	fclose(f);
	return l;
}

static struct rte_acl_ctx *context(const struct line *l, unsigned int n_lines)
{
	struct rte_acl_param p = { "list", 0, RTE_ACL_RULE_SZ(N_FIELDS), MAX_RULES };
	struct rte_acl_config config = { .num_categories = 1, .num_fields = N_FIELDS };
	struct rte_acl_ctx *ctx = rte_acl_create(&p);

	for (unsigned int n = 0; ctx && n < n_lines; n++) {
		const unsigned int *v = l[n].v;
		struct rule r = { .data = { 1, MAX_RULES - (int)n, n + 1 } };

		r.field[0].value.u8 = v[4];
		r.field[0].mask_range.u8 = v[4] ? 0xff : 0;
		r.field[1].value.u32 = v[0];
		r.field[1].mask_range.u32 = v[1];
		r.field[2].value.u32 = v[2];
		r.field[2].mask_range.u32 = v[3];
		r.field[3].value.u16 = v[5];
		r.field[3].mask_range.u16 = v[6];
		r.field[4].value.u16 = v[7];
		r.field[4].mask_range.u16 = v[8];
		if (rte_acl_add_rules(ctx, (struct rte_acl_rule *)&r, 1))
			fail("a rule is refused");
	}
	memcpy(config.defs, fields, sizeof(fields));
	if (!ctx || rte_acl_build(ctx, &config))
		fail("it cannot be built");
	return ctx;
}

static struct key *keys(const char *path, unsigned int *n)
{
	unsigned int v[5], room = 1 << 12;
	struct key *k = malloc(room * sizeof(*k));
	FILE *f = fopen(path, "r");

	*n = 0;
	while (f && k && fscanf(f, "%u%u%u%u%u", v, v + 1, v + 2, v + 3, v + 4) == 5) {
		if (*n == room)
			k = realloc(k, (room *= 2) * sizeof(*k));
		if (!k)
			fail("no memory");
		k[(*n)++] = (struct key){ v[2],
					  {},
					  rte_cpu_to_be_32(v[0]),
					  rte_cpu_to_be_32(v[1]),
					  rte_cpu_to_be_16(v[3]),
					  rte_cpu_to_be_16(v[4]) };
	}
	if (!f || *n < BATCH)
		fail("no keys");
	fclose(f);
	return k;
}

/* Of this thread alone: the machine may have others. */
static double processor_time(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* ---- The switch's templates ---- */

static struct mask_set *masks;
static struct burst burst;

/* The block of ports from 'low' to 'high'. */
static void set_port(struct of_match *m, enum of_field_id id, unsigned int low, unsigned int high)
{
	const unsigned int bits = ~(low ^ high) & 0xffff;

	if (bits)
		of_match_set_masked_u64(m, id, low & bits, bits);
}

static void set_net(struct of_match *m, enum of_field_id id, unsigned int addr, unsigned int len)
{
	const uint32_t bits = len ? UINT32_MAX << (32 - len) : 0;

	if (len)
		of_match_set_masked_u64(m, id, addr & bits, bits);
}

static struct cls_rule *weft_rule(const struct line *l, unsigned int n, unsigned int of)
{
	const unsigned int *v = l->v;
	struct of_match m = { 0 };
	struct flow_key bits;
	const struct cls_mask *mask;
	struct flow *f;

	of_match_set_u64(&m, OF_FIELD_ETH_TYPE, 0x0800);
	set_net(&m, OF_FIELD_IPV4_SRC, v[0], v[1]);
	set_net(&m, OF_FIELD_IPV4_DST, v[2], v[3]);
	if (v[4]) {
		of_match_set_u64(&m, OF_FIELD_IP_PROTO, v[4]);
		set_port(&m, OF_FIELD_TCP_SRC, v[5], v[6]);
		set_port(&m, OF_FIELD_TCP_DST, v[7], v[8]);
	}
	cls_match_bits(&m, &bits);
	mask = mask_get(masks, &bits);
	f = mask ? calloc(1, sizeof(*f) + mask->n_words * sizeof(uint64_t)) : NULL;
	if (!f)
		fail("no memory");
	f->id = n + 1;
	f->rule.mask = mask;
	/* As in traffic_acl.py: there are not more priorities. */
	f->rule.priority = (uint16_t)(65500 - n / ((of + 64999) / 65000));
	atomic_init(&f->rule.removed, FLOW_VERSION_NEVER);
	for (unsigned int i = 0; i < mask->n_words; i++)
		f->rule.value[i] = ((uint64_t *)&m.value)[mask->word[i]] & mask->bits[i];
	return &f->rule;
}

static struct cls_shape weft_shape(const struct line *l, unsigned int n)
{
	struct cls_rule **v = calloc(n, sizeof(struct cls_rule *));
	struct cls_shape s = { .n_rules = n, .calm = true };

	masks = mask_set_new();
	for (unsigned int i = 0; i < n; i++)
		v[i] = weft_rule(&l[i], i, n);
	cls_shape_count(&s, v);
	return s;
}

static void fill(const struct key *k)
{
	for (unsigned int i = 0; i < BURST_MAX; i++) {
		struct flow_key *to = &burst.pkt[i].key;

		to->eth_type = htobe16(0x0800);
		to->nw_src = k[i].src;
		to->nw_dst = k[i].dst;
		to->ip_proto = k[i].proto;
		to->tp_src = k[i].sport;
		to->tp_dst = k[i].dport;
	}
}

/* ---- The runs ---- */

struct run {
	const char *name;
	struct rte_acl_ctx *acl; /* or */
	const struct cls *cls;
	uint64_t done, hits, cycles;
	double took, build;
};

static unsigned int look_acl(const struct run *r, const struct key *k, uint32_t *id)
{
	const uint8_t *data[BATCH];
	unsigned int hits = 0;

	for (unsigned int j = 0; j < BATCH; j++)
		data[j] = (const uint8_t *)&k[j];
	rte_acl_classify(r->acl, data, id, BATCH, 1);
	for (unsigned int j = 0; j < BATCH; j++)
		hits += id[j] != 0;
	return hits;
}

static unsigned int look_cls(const struct run *r, const struct key *k, uint32_t *id)
{
	const struct cls_rule *hit[BURST_MAX];
	unsigned int hits = 0;

	for (unsigned int j = 0; j < BATCH; j += BURST_MAX) {
		fill(k + j);
		r->cls->ops->lookup(r->cls, &burst, UINT64_MAX >> (64 - BURST_MAX), hit);
		for (unsigned int i = 0; i < BURST_MAX; i++) {
			id[j + i] = hit[i] ? flow_of_rule(hit[i])->id : 0;
			hits += hit[i] != NULL;
		}
	}
	return hits;
}

static unsigned int look(const struct run *r, const struct key *k, uint32_t *id)
{
	return r->acl ? look_acl(r, k, id) : look_cls(r, k, id);
}

static void measure(struct run *r, const struct key *k, unsigned int n, double seconds)
{
	uint32_t id[BATCH];
	const double t0 = processor_time();
	double took;

	do {
		for (unsigned int i = 0; i + BATCH <= n; i += BATCH) {
			r->hits += look(r, k + i, id);
			r->done += BATCH;
		}
		took = processor_time() - t0;
	} while (took < seconds);
	r->took += took;
}

/* Lists of more rules than there are priorities have several of each. */
static void compare(const struct run *a, const struct run *b, const struct key *k, unsigned int n,
		    unsigned int n_rules)
{
	const unsigned int same = (n_rules + 64999) / 65000;
	uint32_t x[BATCH], y[BATCH];

	for (unsigned int i = 0; i + BATCH <= n; i += BATCH) {
		look(a, k + i, x);
		look(b, k + i, y);
		for (unsigned int j = 0; j < BATCH; j++)
			if (!x[j] != !y[j] || (x[j] && (x[j] - 1) / same != (y[j] - 1) / same))
				fail("they do not agree");
	}
}

static const struct cls_ops *template_of(const char *name)
{
	for (const struct cls_ops *const *t = cls_templates; *t; t++)
		if (!strcmp((*t)->name, name))
			return *t;
	fail("no such template");
	return NULL;
}

static void print(const struct run *r, unsigned int n_rules)
{
	printf("%s: %.0f lookups/s %.1f cycles %.2f hits, built in %.1f ms", r->name,
	       r->done / r->took, r->took * rte_get_tsc_hz() / r->done, (double)r->hits / r->done,
	       1e3 * r->build);
	if (r->cls)
		printf(", %.0f bytes a rule, %u probes",
		       (double)r->cls->ops->memory(r->cls) / n_rules, r->cls->ops->probes(r->cls));
	printf("\n");
}

int main(int argc, char **argv)
{
	unsigned int n, n_lines, n_runs = 0;
	struct run runs[RUNS_MAX] = { 0 };
	double seconds, t0;
	struct cls_shape s;
	struct line *l;
	struct key *k;
	int at = rte_eal_init(argc, argv);

	if (at < 0 || argc - at < 4 || argc - at > 4 + RUNS_MAX - 1)
		fail("[EAL arguments] -- RULES KEYS SECONDS [TEMPLATE...]");
	role_assume_control();
	l = lines(argv[at + 1], &n_lines);
	k = keys(argv[at + 2], &n);
	seconds = atof(argv[at + 3]);
	if (seconds > 0) {
		t0 = processor_time();
		runs[n_runs++] = (struct run){ .name = "rte_acl", .acl = context(l, n_lines) };
		runs[0].build = processor_time() - t0;
	}
	if (argc - at > 4)
		s = weft_shape(l, n_lines);
	for (int i = at + 4; i < argc; i++) {
		struct run *r = &runs[n_runs++];

		t0 = processor_time();
		*r = (struct run){ .name = argv[i], .cls = template_of(argv[i])->build(&s) };
		r->build = processor_time() - t0;
		if (!r->cls)
			fail("it cannot be built");
		compare(&runs[0], r, k, n, n_lines);
	}
	for (unsigned int round = 0; round < ROUNDS; round++)
		for (unsigned int i = 0; i < n_runs; i++)
			measure(&runs[i], k, n, (seconds > 0 ? seconds : -seconds) / ROUNDS);
	for (unsigned int i = 0; i < n_runs; i++)
		print(&runs[i], n_lines);
	return 0;
}

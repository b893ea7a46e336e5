/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DPDK's rte_acl alone: how many lookups a second it does on a list of rules, without packets.
 *
 *	acl_alone [EAL arguments] -- RULES KEYS SECONDS
 *
 * RULES has a line for each rule, the strongest first: source, its bits, destination, its bits,
 * protocol or 0 and, of each port, the least and the greatest; numbers.  KEYS has lines with
 * source, destination, protocol and ports.  Prints lookups a second of the processor's time,
 * cycles each, and how many of the keys matched.  One thread.
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

enum { BATCH = 256, N_FIELDS = 5, MAX_RULES = 1 << 20 };

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

static struct rte_acl_ctx *context(const char *path)
{
	struct rte_acl_param p = { "list", 0, RTE_ACL_RULE_SZ(N_FIELDS), MAX_RULES };
	struct rte_acl_config config = { .num_categories = 1, .num_fields = N_FIELDS };
	struct rte_acl_ctx *ctx = rte_acl_create(&p);
	unsigned int v[9], n = 0;
	FILE *f = fopen(path, "r");

	if (!f || !ctx)
		fail("no rules");
	while (fscanf(f, "%u%u%u%u%u%u%u%u%u", v, v + 1, v + 2, v + 3, v + 4, v + 5, v + 6, v + 7,
		      v + 8) == 9) {
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
		n++;
		if (rte_acl_add_rules(ctx, (struct rte_acl_rule *)&r, 1))
			fail("a rule is refused");
	}
	fclose(f);
	memcpy(config.defs, fields, sizeof(fields));
	if (rte_acl_build(ctx, &config))
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

int main(int argc, char **argv)
{
	const uint8_t *data[BATCH];
	uint32_t results[BATCH];
	uint64_t done = 0, hits = 0;
	struct rte_acl_ctx *ctx;
	double t0, took = 0;
	unsigned int n;
	struct key *k;
	int at = rte_eal_init(argc, argv);

	if (at < 0 || argc - at != 4)
		fail("[EAL arguments] -- RULES KEYS SECONDS");
	ctx = context(argv[at + 1]);
	k = keys(argv[at + 2], &n);
	t0 = processor_time();
	do {
		for (unsigned int i = 0; i + BATCH <= n; i += BATCH) {
			for (unsigned int j = 0; j < BATCH; j++)
				data[j] = (const uint8_t *)&k[i + j];
			rte_acl_classify(ctx, data, results, BATCH, 1);
			for (unsigned int j = 0; j < BATCH; j++)
				hits += results[j] != 0;
			done += BATCH;
		}
		took = processor_time() - t0;
	} while (took < atof(argv[at + 3]));
	printf("%.0f lookups/s %.1f cycles %.2f hits\n", done / took,
	       took * rte_get_tsc_hz() / done, (double)hits / done);
	return 0;
}

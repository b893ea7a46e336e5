/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random groups of all types for the differential test, in 1.3's layout and in 1.5's, and links of
 * their ports that come and go.
 *
 * Included by one test, after datapath_diff.h.
 */
#ifndef WEFT_TESTS_DATAPATH_DIFF_GROUPS_H
#define WEFT_TESTS_DATAPATH_DIFF_GROUPS_H

#include "ofproto/selection.h"
#include "tests/unit/datapath_diff.h"

/* How the group that this message makes is to select; NULL: it does not say.  Follows from the
 * message, so that it can be asked for again. */
static const struct of_selection *how_of(const struct of_group_mod *gm)
{
	static struct of_selection hows[] = {
		{ .method = "hash" },
		{ .method = "hash", .param = UINT64_C(0x123456789abcdef) },
		{ .method = "dp_hash", .param = 5 },
		{ .method = "dp_hash", .param = UINT64_C(0x100000007) },
		{ .method = "hash", .n_fields = 3 },
		{ .method = "hash", .param = 1, .n_fields = 2 },
	};
	static const enum of_field_id ids[2][3] = {
		{ OF_FIELD_ETH_SRC, OF_FIELD_IPV4_DST, OF_FIELD_TCP_SRC },
		{ OF_FIELD_IPV6_SRC, OF_FIELD_METADATA },
	};
	unsigned int n = gm->group_id + gm->buckets.n;

	for (unsigned int i = 0; i < 2; i++)
		for (unsigned int k = 0; k < hows[4 + i].n_fields; k++) {
			hows[4 + i].field[k].field = &of_fields[ids[i][k]];
			memset(hows[4 + i].field[k].value, k == 1 ? 0xfe : 0xff,
			       of_fields[ids[i][k]].bytes);
		}
	for (uint32_t i = 0; i < gm->buckets.n; i++)
		n += OF_AT(&gm->buckets, i, bucket)->weight;
	n %= 12;
	return gm->type == OFPGT_SELECT && n < 6 ? &hows[n] : NULL;
}

static void add_prop(struct of_list *l, struct of_any *p)
{
	assert_int_equal(of_list_add(l, &rules.arena, p), 0);
}

static struct of_ext_bucket *in_new_layout(const struct of_bucket *k, uint32_t id)
{
	struct of_bucket_prop_watch_group *g = OF_NEW(&rules.arena, bucket_prop_watch_group);
	struct of_bucket_prop_watch_port *p = OF_NEW(&rules.arena, bucket_prop_watch_port);
	struct of_bucket_prop_weight *w = OF_NEW(&rules.arena, bucket_prop_weight);
	struct of_ext_bucket *x = OF_NEW(&rules.arena, ext_bucket);

	x->bucket_id = id;
	x->actions = k->actions;
	w->weight = k->weight;
	p->watch = k->watch_port;
	g->watch = k->watch_group;
	add_prop(&x->properties, (struct of_any *)w);
	if (k->watch_port != OFPP_ANY)
		add_prop(&x->properties, (struct of_any *)p);
	if (k->watch_group != OFPG_ANY)
		add_prop(&x->properties, (struct of_any *)g);
	return x;
}

static int send_in_new_layout(const struct of_group_mod *gm, const struct of_selection *how,
			      struct of_err *e)
{
	struct of_weft_group_mod *x = OF_NEW(&rules.arena, weft_group_mod);

	x->command = gm->command;
	x->type = gm->type;
	x->group_id = gm->group_id;
	x->command_bucket_id = OFPG_BUCKET_ALL;
	for (uint32_t i = 0; i < gm->buckets.n; i++)
		add_prop(&x->buckets,
			 (struct of_any *)in_new_layout(OF_AT(&gm->buckets, i, bucket), 7 * i));
	assert_int_equal(of_selection_put(how, &x->properties, &rules.arena), 0);
	return group_mod_ext(t.dp, x, e);
}

static int give_group(const struct of_group_mod *gm, struct of_err *e)
{
	const struct of_selection *how = how_of(gm);

	return how ? send_in_new_layout(gm, how, e) : group_mod(t.dp, gm, e);
}

static int tell_ref_group(const struct of_group_mod *gm)
{
	const struct of_selection *how = how_of(gm);
	int rc = ref_group_mod(t.ref, gm);

	if (!rc && how)
		ref_group_select(t.ref, gm->group_id, how);
	return rc;
}

/* Watches ports, and groups of a lower number: no circles. */
static struct of_bucket *rnd_bucket(uint8_t type, uint32_t id)
{
	static const uint16_t weights[] = { 0, 1, 1, 1, 2, 3, 10, 50 };
	struct of_bucket *k = OF_NEW(&rules.arena, bucket);

	k->watch_port = OFPP_ANY;
	k->watch_group = OFPG_ANY;
	if (type == OFPGT_SELECT)
		k->weight = PICK(weights);
	if (type == OFPGT_FF || (type == OFPGT_SELECT && one_in(3))) {
		if (!one_in(4))
			k->watch_port = 1 + below(PORTS);
		if (id > 1 && one_in(3))
			k->watch_group = 1 + below(id - 1);
		if (k->watch_port == OFPP_ANY && k->watch_group == OFPG_ANY)
			k->watch_port = 1;
	}
	rules.in_set = true;
	rnd_actions(&k->actions, NULL, below(5), id - 1);
	rules.in_set = false;
	return k;
}

/* A link goes or comes. */
static void change_link(void)
{
	const uint32_t i = below(PORTS);
	const bool up = atomic_load(&t.ports[i].state) & OFPPS_LINK_DOWN;

	atomic_store(&t.ports[i].state, up ? OFPPS_LIVE : OFPPS_LINK_DOWN);
	group_port_changed(t.dp, i + 1);
	ref_port_set(t.ref, i + 1, up);
}

static void links_up(void)
{
	for (uint32_t i = 0; i < PORTS; i++)
		atomic_store(&t.ports[i].state, OFPPS_LIVE);
}

static int check_group(void *arg, const struct group *g)
{
	const struct of_group_stats *s = group_stats(t.dp, g, &rules.arena);
	uint64_t packets = 0, bytes = 0;

	(void)arg;
	assert_true(ref_group_counts(t.ref, s->group_id, UINT32_MAX, &packets, &bytes));
	assert_int_equal(s->packet_count, packets);
	assert_int_equal(s->byte_count, bytes);
	t.grouped += packets;
	if (s->ref_count != ref_group_refs(t.ref, s->group_id))
		fail_msg("seed %llu: group %u has %u referrers, not %u", (unsigned long long)t.seed,
			 s->group_id, s->ref_count, ref_group_refs(t.ref, s->group_id));
	for (uint32_t i = 0; i < s->bucket_stats.n; i++) {
		const struct of_bucket_counter *c = OF_AT(&s->bucket_stats, i, bucket_counter);

		assert_true(ref_group_counts(t.ref, s->group_id, i, &packets, &bytes));
		if (c->packet_count != packets || c->byte_count != bytes)
			fail_msg("seed %llu: group %u bucket %u counted %llu, not %llu",
				 (unsigned long long)t.seed, s->group_id, i,
				 (unsigned long long)c->packet_count, (unsigned long long)packets);
	}
	return 0;
}

#endif

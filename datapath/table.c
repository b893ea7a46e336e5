/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/change.h"
#include "datapath/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/act.h"
#include "datapath/group.h"
#include "datapath/learn.h"
#include "datapath/meter.h"
#include "datapath/odd.h"
#include "datapath/table_state.h"

/* ---- The index: flows by match and priority ---- */

/* What is looked for, as the index hashes it. */
struct wanted {
	const struct cls_mask *mask;
	const uint64_t *value;
	uint16_t priority;
};

static uint64_t wanted_hash(const struct wanted *w)
{
	const uint64_t *k = cls_hash_keys;
	uint64_t h = w->mask->hash + cls_hash_mix(w->priority ^ k[0], k[FLOW_KEY_WORDS]);

	for (unsigned int i = 0; i < w->mask->n_words; i++)
		h += cls_hash_mix(w->value[i] ^ k[i], k[i + 1]);
	return cls_hash_mix(h, k[FLOW_KEY_WORDS + 1]);
}

static uint64_t index_hash(const void *arg, const struct cls_rule *r)
{
	struct wanted w = { r->mask, r->value, r->priority };

	return wanted_hash(&w);
}

static bool is_wanted(const void *arg, const struct cls_rule *r)
{
	const struct wanted *w = arg;

	return r->priority == w->priority && r->mask == w->mask &&
	       !memcmp(r->value, w->value, w->mask->n_words * sizeof(w->value[0]));
}

struct flow *table_find(const struct dp *dp, uint8_t table_id, const struct of_match *m,
			uint16_t priority)
{
	const struct table *t = &dp->table_state->tables[table_id];
	const uint64_t *key = (const uint64_t *)&m->value;
	uint64_t value[FLOW_KEY_WORDS];
	struct wanted w = { NULL, value, priority };
	struct cls_rule *r;

	if (!t->begun)
		return NULL;
	w.mask = mask_find(dp->table_state->masks, m);
	if (!w.mask)
		return NULL;
	for (unsigned int i = 0; i < w.mask->n_words; i++)
		value[i] = key[w.mask->word[i]] & w.mask->bits[i];
	r = cls_hash_find(&t->index, wanted_hash(&w), is_wanted, &w);
	return r ? flow_of_rule(r) : NULL;
}

bool table_has(const struct table *t, const struct cls_rule *r, uint64_t hash)
{
	const struct wanted w = { r->mask, r->value, r->priority };

	return cls_hash_find(&t->index, hash, is_wanted, &w);
}

static int index_begin(struct table *t)
{
	int err = t->begun ? 0 : cls_hash_init_dense(&t->index, 1);

	if (!err)
		t->begun = true;
	return err;
}

static int index_add(struct table *t, struct flow *f, uint64_t hash) CONTROL
{
	int err = t->evict_by ? evict_reserve(t, t->heap_n + 1) : 0;

	if (!err)
		err = cls_hash_add(&t->index, hash, &f->rule, NULL, index_hash, NULL);
	if (!err)
		evict_add(t, f);
	return err;
}

static void index_del(struct table *t, struct flow *f) CONTROL
{
	/* It has gone as a whole: table_unlink_whole(). */
	if (!t->begun)
		return;
	cls_hash_del(&t->index, index_hash(NULL, &f->rule), &f->rule);
	evict_del(t, f);
}

uint64_t table_rule_hash(const struct cls_mask *mask, const uint64_t *value, uint16_t priority)
{
	struct wanted w = { mask, value, priority };

	return wanted_hash(&w);
}

/* ---- Flows ---- */

static size_t flow_size(const struct cls_mask *mask)
{
	return sizeof(struct flow) + mask->n_words * sizeof(uint64_t);
}

struct flow *flow_new(struct dp *dp, const struct of_match *m, uint16_t priority)
{
	const uint64_t *key = (const uint64_t *)&m->value;
	struct mask_set *masks = dp->table_state->masks;
	struct cls_mask *mask;
	struct flow *f;

	mask = mask_find(masks, m);
	if (mask) {
		mask_take(mask);
	} else {
		struct flow_key bits;

		cls_match_bits(m, &bits);
		mask = mask_get(masks, &bits);
	}
	if (!mask)
		return NULL;
	f = slab_size_get(&dp->table_state->flows, flow_size(mask));
	if (!f) {
		mask_put(masks, mask);
		return NULL;
	}
	f->rule.mask = mask;
	f->rule.priority = priority;
	f->reason = FLOW_GONE_SILENTLY;
	for (unsigned int i = 0; i < mask->n_words; i++)
		f->rule.value[i] = key[mask->word[i]] & mask->bits[i];
	return f;
}

void flow_free(struct dp *dp, struct flow *f)
{
	struct table_state *s = dp->table_state;
	const struct cls_mask *mask = f->rule.mask;

	odd_forget(dp->odd, &f->rule);
	flow_timer_stop(dp, f);
	if (f->owns_id)
		flow_id_put(dp, f->id);
	if (f->insts)
		insts_put(dp, f->insts);
	slab_size_put(&s->flows, f, flow_size(mask));
	mask_put(s->masks, mask);
}

void flow_match(const struct flow *f, struct of_match *out)
{
	const struct cls_mask *m = f->rule.mask;
	uint64_t *value = (uint64_t *)&out->value, *mask = (uint64_t *)&out->mask;

	*out = (struct of_match){ 0 };
	for (unsigned int i = 0; i < m->n_words; i++) {
		value[m->word[i]] = f->rule.value[i];
		mask[m->word[i]] = m->bits[i];
	}
	out->mask.ip_frag &= (uint8_t)~FLOW_L4_NONE;
}

void flow_succeed(struct dp *dp, struct flow *f, struct flow *successor)
{
	successor->id = f->id;
	successor->base_packets = f->base_packets;
	successor->base_bytes = f->base_bytes;
	successor->owns_id = true;
	successor->succeeds = true;
	f->owns_id = false;
}

/* ---- In and out ---- */

/* Who tells how many flows use it counts those that are installed, not those on their way out. */
static void count_users(struct dp *dp, struct flow *f, int by) CONTROL
{
	learn_count_flow(dp, f, by);
	if (f->insts->meter)
		meter_count_flows(f->insts->meter, by);
	for (uint32_t i = 0; i < f->insts->n_meters; i++)
		if (f->insts->meters[i] != f->insts->meter)
			meter_count_flows(f->insts->meters[i], by);
	for (uint32_t i = 0; i < f->insts->n_groups; i++)
		group_count_flows(f->insts->groups[i], by);
}

/* Says when 'f' is gone. */
static void mark_removed(struct dp *dp, struct flow *f, uint64_t version) CONTROL
{
	struct cls *c = atomic_load_explicit(&dp->tables[f->table_id], memory_order_relaxed);

	atomic_store_explicit(&f->rule.removed, version, memory_order_release);
	if (c && c->ops->marked)
		c->ops->marked(c, &f->rule);
}

static void undo_link(struct dp *dp, void *arg)
{
	struct flow *f = arg;
	struct table_state *s = dp->table_state;
	struct table *t = &s->tables[f->table_id];

	role_assume_control();
	flow_walk_end(s);
	/* No version ever shows it; it leaves the classifier as removed flows do. */
	mark_removed(dp, f, f->rule.added);
	index_del(t, f);
	count_users(dp, f, -1);
	t->n_dying++;
	if (f->succeeds)
		f->owns_id = false;
	f->reason = FLOW_GONE_SILENTLY;
	f->next = s->undone;
	s->undone = f;
}

static void undo_unlink(struct dp *dp, void *arg)
{
	struct flow *f = arg;
	struct table *t = &dp->table_state->tables[f->table_id];

	role_assume_control();
	/* Its place in the index is free still: the index does not shrink. */
	if (index_add(t, f, index_hash(NULL, &f->rule)))
		return;
	count_users(dp, f, 1);
	mark_removed(dp, f, FLOW_VERSION_NEVER);
	t->n_dying--;
	f->reason = FLOW_GONE_SILENTLY;
	f->owns_id = true;
}

int table_link_at(struct dp *dp, struct flow *f, uint64_t hash)
{
	struct table *t = &dp->table_state->tables[f->table_id];
	int err;

	flow_walk_end(dp->table_state);
	if (index_begin(t) || txn_reserve(dp, 1))
		return -ENOMEM;
	f->rule.added = dp_next_version(dp);
	odd_admit(dp->odd, atomic_load_explicit(&dp->tables[f->table_id], memory_order_relaxed),
		  &f->rule);
	change_note(dp->changes, &f->rule, f->rule.added);
	atomic_store_explicit(&f->rule.removed, FLOW_VERSION_NEVER, memory_order_relaxed);
	err = index_add(t, f, hash);
	if (err)
		return err;
	err = table_cls_insert(dp, f->table_id, &f->rule);
	if (err) {
		index_del(t, f);
		return err;
	}
	count_users(dp, f, 1);
	txn_log(dp, undo_link, NULL, f);
	return 0;
}

int table_link(struct dp *dp, struct flow *f)
{
	return table_link_at(dp, f, index_hash(NULL, &f->rule));
}

void table_unlink(struct dp *dp, struct flow *f, uint8_t reason)
{
	struct table_state *s = dp->table_state;
	struct table *t = &s->tables[f->table_id];

	flow_walk_end(s);
	mark_removed(dp, f, dp_next_version(dp));
	change_note(dp->changes, &f->rule, dp_next_version(dp));
	index_del(t, f);
	count_users(dp, f, -1);
	t->n_dying++;
	learn_flow_gone(dp, f);
	f->reason = reason;
	f->next = NULL;
	if (s->pending_last)
		s->pending_last->next = f;
	else
		s->pending = f;
	s->pending_but_last = s->pending_last;
	s->pending_last = f;
	txn_log(dp, undo_unlink, NULL, f);
	if (reason != FLOW_GONE_SILENTLY)
		table_note(dp, OFPFME_DELETED, f, NULL, reason);
}

void table_unlink_whole(struct dp *dp, uint8_t table_id, uint32_t n)
{
	struct table *t = &dp->table_state->tables[table_id];

	/* What is undone must find its place in the index again. */
	if (!t->begun || dp->table_state->txn.open || n != t->index.n)
		return;
	cls_hash_fini(&t->index);
	t->index = (struct cls_hash){ 0 };
	t->begun = false;
	t->heap_n = 0;
}

void table_relink(struct dp *dp, struct flow *f)
{
	struct table_state *s = dp->table_state;

	/* The last change: end of the list, end of the log. */
	s->pending_last = s->pending_but_last;
	if (s->pending_last)
		s->pending_last->next = NULL;
	else
		s->pending = NULL;
	if (s->txn.open)
		s->txn.n--;
	undo_unlink(dp, f);
}

static int delete_by(struct dp *dp, const struct flow_filter *q, uint8_t reason) CONTROL
{
	struct flow_vec v;
	int err = table_collect(dp, q, &v);

	/* One more for the group or meter itself. */
	if (!err)
		err = txn_reserve(dp, v.n + 1);
	for (uint32_t i = 0; !err && i < v.n; i++)
		table_unlink(dp, v.v[i], reason);
	free(v.v);
	return err;
}

static const struct flow_filter everything = {
	.table_id = OFPTT_ALL,
	.out_port = OFPP_ANY,
	.out_group = OFPG_ANY,
};

int table_delete_by_group(struct dp *dp, const struct group *g)
{
	struct flow_filter q = everything;

	q.group = g;
	return delete_by(dp, &q, OFPRR_GROUP_DELETE);
}

int table_delete_by_meter(struct dp *dp, const struct meter *m)
{
	struct flow_filter q = everything;

	q.meter = m;
	return delete_by(dp, &q, OFPRR_METER_DELETE);
}

/* ---- The whole ---- */

uint32_t table_count(const struct dp *dp, uint8_t table_id)
{
	const struct table *t = &dp->table_state->tables[table_id];

	return t->begun ? t->index.n : 0;
}

void table_lookups(const struct dp *dp, uint8_t table_id, uint64_t *lookups, uint64_t *matches)
{
	*lookups = *matches = 0;
	for (unsigned int i = 0; i < dp->n_pmds; i++) {
		*lookups += counter_get(&dp->pmds[i]->perf.table_lookups[table_id]);
		*matches += counter_get(&dp->pmds[i]->perf.table_matches[table_id]);
	}
}

/* The bits of all fields that the packet path can fill. */
static void learn_supported(struct table_state *s)
{
	static const uint8_t ones[16] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
					  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

	FIELD_EACH (f)
		if (field_supported(f->id))
			of_field_set(f, &s->supported, ones);
}

int table_state_init(struct dp *dp)
{
	struct table_state *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->max_flows = dp->opts.max_flows ? dp->opts.max_flows : 1000000;
	s->masks = mask_set_new();
	s->wheel = timer_wheel_new();
	learn_supported(s);
	dp->table_state = s;
	for (unsigned int i = 0; i < N_TABLES; i++)
		table_caps_default(dp, (uint8_t)i, &s->caps[i]);
	return s->masks && s->wheel ? 0 : -ENOMEM;
}

static int free_rule(void *dp, struct cls_rule *r)
{
	role_assume_control();
	flow_free(dp, flow_of_rule(r));
	return 0;
}

void table_state_fini(struct dp *dp)
{
	struct table_state *s = dp->table_state;

	if (!s)
		return;
	table_calm_fini(dp);
	for (unsigned int i = 0; i < N_TABLES; i++) {
		struct cls *c = atomic_load_explicit(&dp->tables[i], memory_order_relaxed);

		atomic_store_explicit(&dp->tables[i], NULL, memory_order_relaxed);
		if (c)
			c->ops->free(c);
		free(s->tables[i].heap);
		s->tables[i].evict_by = 0;
		if (!s->tables[i].begun)
			continue;
		cls_hash_each(&s->tables[i].index, free_rule, dp);
		cls_hash_fini(&s->tables[i].index);
	}
	table_log_fini(dp);
	flow_walk_end(s);
	while (s->pending) {
		struct flow *f = s->pending;

		s->pending = f->next;
		flow_free(dp, f);
	}
	txn_fini(&s->txn);
	flow_ids_fini(&s->ids);
	timer_wheel_free(s->wheel);
	mask_set_free(s->masks);
	slab_sizes_fini(&s->flows);
	free(s);
	dp->table_state = NULL;
}

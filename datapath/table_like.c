/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/table_like.h"

#include <string.h>

#include "base/byteorder.h"
#include "datapath/act.h"
#include "datapath/clock.h"
#include "datapath/mask.h"
#include "datapath/table_state.h"

/* Places of the key as places of the value's words. */
static bool place_runs(struct table_like *l, const struct of_form *form)
{
	l->n_runs = form->n_runs;
	for (unsigned int i = 0; i < form->n_runs; i++) {
		const struct of_form_run *r = &form->run[i];
		const uint64_t bit = UINT64_C(1) << r->to / 8;

		/* A mask of zeros leaves no trace. */
		if (!(l->mask->words & bit))
			return false;
		l->run[i] = *r;
		l->run[i].to = (uint16_t)(8 * __builtin_popcountll(l->mask->words & (bit - 1)) +
					  r->to % 8);
	}
	return true;
}

static void take_values(const struct table_like *l, const uint8_t *raw, uint64_t *value)
{
	uint8_t *to = (uint8_t *)value;

	for (unsigned int i = 0; i < l->n_runs; i++) {
		const struct of_form_run *r = &l->run[i];

		switch (r->n) { /* most are of these lengths */
		case 2:
			memcpy(to + r->to, raw + r->from, 2);
			break;
		case 4:
			memcpy(to + r->to, raw + r->from, 4);
			break;
		default:
			memcpy(to + r->to, raw + r->from, r->n);
		}
	}
}

bool table_like_init(struct dp *dp, struct table_like *l, const struct of_flow_mod *fm,
		     const struct of_form *form)
{
	const struct flow *f;

	if (fm->command != OFPFC_ADD || fm->flags & OFPFF_CHECK_OVERLAP || fm->idle_timeout ||
	    fm->hard_timeout || fm->buffer_id != OFP_NO_BUFFER)
		return false;
	f = table_find(dp, fm->table_id, &fm->match, fm->priority);
	if (!f || f->rule.conj || f->rule.mask->n_words > TABLE_LIKE_WORDS)
		return false;
	*l = (struct table_like){
		.mask = f->rule.mask,
		.insts = f->insts,
		.priority = fm->priority,
		.flags = fm->flags,
		.importance = fm->importance,
		.table_id = fm->table_id,
	};
	memcpy(l->value, f->rule.value, l->mask->n_words * sizeof(l->value[0]));
	return place_runs(l, form);
}

/* A flow that is not in the table yet; NULL: no memory. */
static struct flow *make(struct dp *dp, const struct table_like *l, const uint8_t *raw,
			 double now) CONTROL
{
	const size_t n = l->mask->n_words * sizeof(uint64_t);
	struct flow *f = slab_size_get(&dp->table_state->flows, sizeof(*f) + n);

	if (!f)
		return NULL;
	mask_take((struct cls_mask *)(uintptr_t)l->mask);
	insts_take(l->insts);
	f->rule.mask = l->mask;
	f->rule.priority = l->priority;
	memcpy(f->rule.value, l->value, n);
	take_values(l, raw, f->rule.value);
	f->reason = FLOW_GONE_SILENTLY;
	f->table_id = l->table_id;
	f->cookie = get_be64(raw + OF_HEADER_LEN);
	f->flags = l->flags;
	f->importance = l->importance;
	f->created = now;
	f->insts = l->insts;
	return f;
}

/* False: it is left to table_flow_mod(). */
static bool add(struct dp *dp, struct table *t, struct flow *f, uint64_t hash) CONTROL
{
	struct table_state *s = dp->table_state;

	if (t->index.n >= s->caps[f->table_id].can.max_entries || table_has(t, &f->rule, hash) ||
	    flow_id_get(dp, &f->id))
		return false;
	f->owns_id = true;
	if (table_link_at(dp, f, hash))
		return false;
	table_note(dp, OFPFME_ADDED, f, NULL, 0);
	return true;
}

unsigned int table_add_like(struct dp *dp, const struct table_like *l, const uint8_t *const *raw,
			    unsigned int n, uint32_t by, uint32_t xid)
{
	struct table *t = &dp->table_state->tables[l->table_id];
	const struct cls *c = atomic_load_explicit(&dp->tables[l->table_id], memory_order_relaxed);
	const double now = monotonic_now();
	struct flow *f[TABLE_LIKE_RUN];
	uint64_t hash[TABLE_LIKE_RUN];
	unsigned int made, done = 0;

	if (!t->begun || !c)
		return 0;
	n = n < TABLE_LIKE_RUN ? n : TABLE_LIKE_RUN;
	for (made = 0; made < n; made++) {
		/* Who came first is the older one. */
		f[made] = make(dp, l, raw[made], now + made * 1e-9);
		if (!f[made])
			break;
		hash[made] = table_rule_hash(l->mask, f[made]->rule.value, l->priority);
		cls_hash_expect(&t->index, hash[made]);
		if (c->ops->expect)
			c->ops->expect(c, &f[made]->rule);
	}
	for (; done < made; done++) {
		table_cause(dp, by, xid ? xid : get_be32(raw[done] + 4));
		if (!add(dp, t, f[done], hash[done]))
			break;
	}
	table_cause(dp, 0, 0);
	for (unsigned int i = done; i < made; i++)
		flow_free(dp, f[i]);
	return done;
}

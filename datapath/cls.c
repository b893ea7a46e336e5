/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/cls.h"

#include "datapath/cls_conj.h"
#include "datapath/dp.h"

const struct cls_ops *const cls_templates[] = { &cls_conj, &cls_direct, &cls_exact,
						&cls_lpm,  &cls_tuple,	NULL };

const struct cls_ops *cls_pick(const struct cls_shape *s)
{
	const struct cls_ops *const *t = cls_templates;

	while (!(*t)->fits(s))
		t++;
	return *t;
}

void cls_retire(struct cls *c, void *p, void (*fn)(void *))
{
	role_assume_control();
	if (c->dp)
		dp_retire(c->dp, p, fn);
	else
		fn(p);
}

void cls_note(struct cls *c, const struct cls_rule *r)
{
	uint64_t words = atomic_load_explicit(&c->words, memory_order_relaxed);

	/* Before the rule can be seen: the version that shows it is published later (cache.h). */
	atomic_store_explicit(&c->words, words | r->mask->words, memory_order_release);
	c->n_rules++;
}

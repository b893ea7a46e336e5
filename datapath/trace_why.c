/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/trace_why.h"

#include <string.h>

#include "datapath/table_state.h"

struct search {
	const uint64_t *key;
	const struct flow *won, *best;
	unsigned int differs; /* words in which 'best' does */
};

static unsigned int differing_words(const struct cls_rule *r, const uint64_t *key)
{
	const struct cls_mask *m = r->mask;
	unsigned int n = 0;

	for (unsigned int i = 0; i < m->n_words; i++)
		n += (key[m->word[i]] & m->bits[i]) != r->value[i];
	return n;
}

static int visit(void *arg, struct cls_rule *r)
{
	struct search *s = arg;
	const struct flow *f = flow_of_rule(r);
	unsigned int n = differing_words(r, s->key);

	if (r->conj || f == s->won || (s->won && n))
		return 0;
	if (!s->best || n < s->differs ||
	    (n == s->differs && r->priority > s->best->rule.priority)) {
		s->best = f;
		s->differs = n;
	}
	return 0;
}

const struct flow *trace_second(const struct dp *dp, uint8_t table_id, const struct flow_key *key,
				const struct flow *won)
{
	const struct table *t = &dp->table_state->tables[table_id];
	struct search s = { .key = (const uint64_t *)key, .won = won };

	if (!t->begun || table_count(dp, table_id) > TRACE_WHY_MAX)
		return NULL;
	cls_hash_each(&t->index, visit, &s);
	return s.best;
}

unsigned int trace_differs(const struct of_match *m, const struct flow_key *key, const char **names,
			   unsigned int max)
{
	unsigned int n = 0;

	FIELD_EACH (f) {
		struct of_oxm want;
		uint8_t has[16];
		bool absent;

		if (n == max)
			break;
		if (f->is_alias || !of_match_has(m, f))
			continue;
		of_match_get(m, f, &want);
		of_field_get(f, key, has);
		/* Zeros that stand for a header that is not there are not zero (mask.h). */
		absent = f->layer == OF_LAYER_L4 && key->ip_frag & FLOW_L4_NONE;
		for (unsigned int i = 0; i < f->bytes; i++)
			if (absent || (has[i] ^ want.value[i]) & want.mask[i]) {
				names[n++] = f->match;
				break;
			}
	}
	return n;
}

void trace_state(const struct flow_key *key, struct of_match *out)
{
	static const uint8_t zero[16];

	memset(out, 0, sizeof(*out));
	FIELD_EACH (f) {
		uint8_t value[16];

		if (f->layer != OF_LAYER_META || f->pre != OF_PRE_ANY || f->is_alias ||
		    f->id == OF_FIELD_IN_PORT || f->id == OF_FIELD_ETH_TYPE ||
		    f->id == OF_FIELD_ACTSET_OUTPUT)
			continue;
		of_field_get(f, key, value);
		if (memcmp(value, zero, f->bytes))
			of_match_set(out, f, value, NULL);
	}
}

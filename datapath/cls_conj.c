/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/cls_conj.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/act.h"
#include "datapath/cls_tuple.h"
#include "datapath/conj.h"
#include "datapath/mask.h"

enum part { PLAIN, NAMED, SOFT, N_PARTS };

enum {
	FEW = 8, /* sets that a packet meets at once, as a rule */
	ID_WORD = offsetof(struct flow_key, conj_id) / sizeof(uint64_t),
};

struct conj {
	struct cls cls;
	struct cls *part[N_PARTS]; /* NULL: no such rules */
	_Atomic uint32_t zero; /* rules with conj_id=0 were ever there: all packets may hit them */
	/* Control thread: masks of soft, and how many rules have each. */
	const struct cls_mask *mask[CONJ_MASKS_MAX];
	uint32_t uses[CONJ_MASKS_MAX];
};

static const union {
	struct flow_key key;
	uint64_t word[FLOW_KEY_WORDS];
} id_bits = { .key = { .conj_id = UINT32_MAX } };

/* The rule's bits of conj_id, and whether they ask for zero. */
static bool names(const struct cls_rule *r, bool *zero)
{
	const struct cls_mask *m = r->mask;

	for (unsigned int i = 0; i < m->n_words; i++) {
		if (m->word[i] != ID_WORD || !(m->bits[i] & id_bits.word[ID_WORD]))
			continue;
		*zero = !(r->value[i] & id_bits.word[ID_WORD]);
		return true;
	}
	return false;
}

static enum part part_of(const struct cls_rule *r)
{
	bool zero;

	return r->conj ? SOFT : names(r, &zero) ? NAMED : PLAIN;
}

static const struct conj_set *set_of(const struct cls_rule *r)
{
	return flow_of_rule(r)->insts->conj;
}

/* ---- Writing: control thread ---- */

static uint32_t mask_at(const struct conj *c, const struct cls_mask *m)
{
	uint32_t i = 0;

	while (i < CONJ_MASKS_MAX && (c->mask[i] != m || !c->uses[i]))
		i++;
	return i;
}

static uint32_t mask_free(const struct conj *c)
{
	uint32_t i = 0;

	while (i < CONJ_MASKS_MAX && c->uses[i])
		i++;
	return i;
}

bool cls_conj_admits(const struct cls *c, const struct cls_mask *m)
{
	const struct conj *j = (const struct conj *)c;

	if (!c || c->ops != &cls_conj)
		return true;
	return mask_at(j, m) < CONJ_MASKS_MAX || mask_free(j) < CONJ_MASKS_MAX;
}

static bool mask_use(struct conj *c, const struct cls_mask *m)
{
	uint32_t i = mask_at(c, m);

	if (i == CONJ_MASKS_MAX)
		i = mask_free(c);
	if (i == CONJ_MASKS_MAX)
		return false;
	c->mask[i] = m;
	c->uses[i]++;
	return true;
}

/* What a lookup reads of the keys, before the rule can be seen (cls_note()). */
static void note(struct conj *c, const struct cls_rule *r)
{
	uint64_t words = r->mask->words;
	bool zero;

	if (names(r, &zero)) {
		bool more = false;

		for (unsigned int i = 0; i < r->mask->n_words; i++)
			if (r->mask->word[i] == ID_WORD)
				more = r->mask->bits[i] & ~id_bits.word[ID_WORD];
		/* No packet brings a conj_id along, and no action sets one. */
		if (!more)
			words &= ~(UINT64_C(1) << ID_WORD);
		if (zero)
			atomic_store_explicit(&c->zero, 1, memory_order_release);
	}
	cls_note_bits(&c->cls, r, words);
	c->cls.n_rules++;
}

static bool conj_fits(const struct cls_shape *s)
{
	return s->n_conj > 0;
}

static int conj_insert(struct cls *cls, struct cls_rule *r)
{
	struct conj *c = (struct conj *)cls;
	const enum part which = part_of(r);
	struct cls *in = c->part[which];
	int err;

	if (!in)
		return -EAGAIN;
	if (which == SOFT && !mask_use(c, r->mask))
		return -ENOMEM;
	note(c, r);
	err = in->ops->insert(in, r);
	if (err) {
		cls->n_rules--;
		if (which == SOFT)
			c->uses[mask_at(c, r->mask)]--;
	}
	return err;
}

static int conj_remove(struct cls *cls, struct cls_rule *r)
{
	struct conj *c = (struct conj *)cls;
	const enum part which = part_of(r);
	struct cls *in = c->part[which];
	int err = in ? in->ops->remove(in, r) : -EAGAIN;

	if (err)
		return err;
	cls->n_rules--;
	if (which == SOFT)
		c->uses[mask_at(c, r->mask)]--;
	return 0;
}

static void conj_free(struct cls *cls)
{
	struct conj *c = (struct conj *)cls;

	for (unsigned int i = 0; i < N_PARTS; i++)
		if (c->part[i])
			c->part[i]->ops->free(c->part[i]);
	free(c);
}

/* A classifier for some of the rules; false: no memory. */
static bool build_part(struct cls **out, struct cls_rule **v, uint32_t n, enum part which,
		       struct dp *dp)
{
	struct cls_shape s = { .dp = dp, .n_rules = n };
	const struct cls_ops *ops;

	if (!n)
		return true;
	cls_shape_count(&s, v);
	ops = which == SOFT ? &cls_tuple : cls_pick(&s);
	*out = ops->build(&s);
	return *out != NULL;
}

static struct cls *conj_build(const struct cls_shape *s)
{
	struct cls_rule **v = malloc((s->n_rules + 1) * sizeof(struct cls_rule *));
	struct conj *c = calloc(1, sizeof(*c));
	bool done = v && c;

	if (c) {
		c->cls.ops = &cls_conj;
		c->cls.dp = s->dp;
	}
	for (enum part which = 0; done && which < N_PARTS; which++) {
		uint32_t n = 0;

		for (uint32_t i = 0; i < s->n_rules && done; i++) {
			if (part_of(s->rules[i]) != which)
				continue;
			v[n++] = s->rules[i];
			note(c, s->rules[i]);
			done = which != SOFT || mask_use(c, s->rules[i]->mask);
		}
		done = done && build_part(&c->part[which], v, n, which, s->dp);
	}
	free(v);
	if (done)
		return &c->cls;
	if (c)
		conj_free(&c->cls);
	return NULL;
}

/* ---- Looking up: PMD threads ---- */

/* What soft has for one packet: the sets of its highest priority below 'ceiling'. */
struct found {
	int ceiling;
	int level; /* that priority; -1: nothing was found */
	int below; /* the next one down; -1: none */
	uint32_t n, room;
	bool over; /* there were more than there is room for */
	const struct conj_set **set;
	const struct conj_set *few[FEW];
};

static void add(struct found *f, int priority, const struct conj_set *s)
{
	if (priority >= f->ceiling)
		return;
	if (priority < f->level) {
		f->below = priority > f->below ? priority : f->below;
		return;
	}
	if (priority > f->level) {
		f->below = f->level;
		f->level = priority;
		f->n = 0;
		f->over = false;
	}
	for (uint32_t i = 0; i < f->n; i++)
		if (f->set[i] == s)
			return;
	if (f->n < f->room)
		f->set[f->n++] = s;
	else
		f->over = true;
}

static void add_of_burst(void *arg, unsigned int i, const struct cls_rule *r)
{
	struct found *f = (struct found *)arg + i;

	add(f, r->priority, set_of(r));
}

static void add_of_one(void *arg, unsigned int i, const struct cls_rule *r)
{
	(void)i;
	add(arg, r->priority, set_of(r));
}

static void found_init(struct found *f, int ceiling, const struct conj_set **set, uint32_t room)
{
	f->ceiling = ceiling;
	f->level = f->below = -1;
	f->n = 0;
	f->room = room;
	f->over = false;
	f->set = set;
}

/* The rule for a packet with this id, or NULL. */
static const struct cls_rule *named(const struct conj *c, const struct burst *b, unsigned int i,
				    uint32_t id)
{
	/* The burst is the calling thread's own. */
	struct flow_key *key = (struct flow_key *)(uintptr_t)&b->pkt[i].key;
	const struct cls_rule *hit[BURST_MAX];
	const be32 was = key->conj_id;

	if (!c->part[NAMED])
		return NULL;
	key->conj_id = htobe32(id);
	c->part[NAMED]->ops->lookup(c->part[NAMED], b, UINT64_C(1) << i, hit);
	key->conj_id = was;
	return hit[i];
}

/* Whether one priority's sets decide; then *best is what they come to. */
static bool decide(const struct conj *c, const struct burst *b, unsigned int i,
		   const struct found *f, const struct cls_rule *plain,
		   const struct cls_rule **best)
{
	uint64_t name, from = 0;
	bool met = false;

	while (conj_meet(f->set, f->n, from, &name)) {
		const struct cls_rule *r = named(c, b, i, conj_id(name));

		met = true;
		if (r) {
			*best = plain && plain->priority > r->priority ? plain : r;
			return true;
		}
		from = name + 1;
	}
	if (met && plain)
		*best = plain;
	return met && plain;
}

/* 'f': the highest priority of packet i; 'plain', 'hard': the best without and with conj_id=0. */
static const struct cls_rule *resolve(const struct conj *c, const struct burst *b, unsigned int i,
				      struct found *f, const struct cls_rule *plain,
				      const struct cls_rule *hard)
{
	const int above = hard ? hard->priority : -1;
	const struct conj_set *many[CONJ_MASKS_MAX];
	const struct cls_rule *best = hard;

	while (f->level > above) {
		if (f->over) {
			found_init(f, f->level + 1, many, CONJ_MASKS_MAX);
			cls_tuple_every(c->part[SOFT], b, UINT64_C(1) << i, &hard, i, add_of_one,
					f);
		}
		if (decide(c, b, i, f, plain, &best) || f->below <= above)
			break;
		found_init(f, f->level, many, CONJ_MASKS_MAX);
		cls_tuple_every(c->part[SOFT], b, UINT64_C(1) << i, &hard, i, add_of_one, f);
	}
	return best;
}

static void look_hard(const struct conj *c, const struct burst *b, uint64_t todo,
		      const struct cls_rule **plain, const struct cls_rule **hard)
{
	const struct cls_rule *zero[BURST_MAX];

	for (uint64_t left = todo; left; left &= left - 1)
		plain[__builtin_ctzll(left)] = NULL;
	if (c->part[PLAIN])
		c->part[PLAIN]->ops->lookup(c->part[PLAIN], b, todo, plain);
	for (uint64_t left = todo; left; left &= left - 1)
		hard[__builtin_ctzll(left)] = plain[__builtin_ctzll(left)];
	if (!c->part[NAMED] || !atomic_load_explicit(&c->zero, memory_order_acquire))
		return;
	c->part[NAMED]->ops->lookup(c->part[NAMED], b, todo, zero);
	for (uint64_t left = todo; left; left &= left - 1) {
		unsigned int i = (unsigned int)__builtin_ctzll(left);

		if (zero[i] && (!hard[i] || zero[i]->priority > hard[i]->priority))
			hard[i] = zero[i];
	}
}

static void conj_lookup(const struct cls *cls, const struct burst *b, uint64_t todo,
			const struct cls_rule **hit)
{
	const struct conj *c = (const struct conj *)cls;
	const struct cls_rule *plain[BURST_MAX];
	struct found found[BURST_MAX];

	look_hard(c, b, todo, plain, hit);
	if (!c->part[SOFT])
		return;
	for (uint64_t left = todo; left; left &= left - 1) {
		struct found *f = &found[__builtin_ctzll(left)];

		found_init(f, UINT16_MAX + 1, f->few, FEW);
	}
	cls_tuple_every(c->part[SOFT], b, todo, hit, 0, add_of_burst, found);
	for (uint64_t left = todo; left; left &= left - 1) {
		unsigned int i = (unsigned int)__builtin_ctzll(left);

		if (found[i].n)
			hit[i] = resolve(c, b, i, &found[i], plain[i], hit[i]);
	}
}

void cls_conj_explain(const struct cls *cls, const struct burst *b, unsigned int i,
		      void (*visit)(void *arg, unsigned int i, const struct cls_rule *r), void *arg)
{
	const struct conj *c = (const struct conj *)cls;
	const struct cls_rule *plain[BURST_MAX], *hard[BURST_MAX];

	if (!cls || cls->ops != &cls_conj || !c->part[SOFT])
		return;
	look_hard(c, b, UINT64_C(1) << i, plain, hard);
	cls_tuple_every(c->part[SOFT], b, UINT64_C(1) << i, hard, 0, visit, arg);
}

static uint32_t conj_probes(const struct cls *cls)
{
	const struct conj *c = (const struct conj *)cls;
	uint32_t n = 0;

	for (unsigned int i = 0; i < N_PARTS; i++)
		n += c->part[i] ? c->part[i]->ops->probes(c->part[i]) : 0;
	return n;
}

static size_t conj_memory(const struct cls *cls)
{
	const struct conj *c = (const struct conj *)cls;
	size_t n = sizeof(*c);

	for (unsigned int i = 0; i < N_PARTS; i++)
		n += c->part[i] ? c->part[i]->ops->memory(c->part[i]) : 0;
	return n;
}

const struct cls_ops cls_conj = {
	.name = "conj",
	.why = "flows have conjunctions: their sides are looked up, then brought together",
	.fits = conj_fits,
	.build = conj_build,
	.insert = conj_insert,
	.remove = conj_remove,
	.lookup = conj_lookup,
	.probes = conj_probes,
	.memory = conj_memory,
	.free = conj_free,
};

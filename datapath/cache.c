/* SPDX-License-Identifier: Apache-2.0 */
#include "base/lines.h"
#include "datapath/cache.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <rte_branch_prediction.h>
#include <rte_prefetch.h>

#include "datapath/act.h"
#include "datapath/cache_priv.h"
#include "datapath/dp.h"
#include "datapath/pipeline.h"
#include "datapath/pmd.h"

enum {
	LEAST = 4096, /* entries in use at first */
	TRIAL = 4096, /* packets after which the hits are looked at */
	/* Packets of which more may match odd rules than the cache is to do without; and after
	 * which that is tried again. */
	ODD_PART = 16,
	ODD_AGAIN = 1 << 28,
};

static size_t bytes_of(const struct cache *c)
{
	return c->max * sizeof(struct cache_entry);
}

/* Memory comes when it is written to, and starts with no entry's stamp. */
struct cache *cache_new(uint32_t entries)
{
	struct cache *c = lines_new(1, sizeof(*c));

	if (!c)
		return NULL;
	c->max = entries < 2 ? 2 : entries;
	c->mem =
		mmap(NULL, bytes_of(c), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (c->mem == MAP_FAILED) {
		lines_free(c);
		return NULL;
	}
	(void)madvise(c->mem, bytes_of(c), MADV_HUGEPAGE);
	if (cache_rests_init(&c->rests, c->max)) {
		cache_free(c);
		return NULL;
	}
	for (unsigned int i = 0; i < CACHE_HABITS; i++)
		cache_adapt_init(&c->habits[i].adapt);
	c->habit = c->habits;
	c->mask = (c->max < LEAST ? c->max : LEAST) - 2;
	return c;
}

void cache_free(struct cache *c)
{
	if (!c)
		return;
	cache_rests_fini(&c->rests);
	munmap(c->mem, bytes_of(c));
	lines_free(c);
}

/* What the tables look at, with odd rules or without, and all of what actions read. */
static uint64_t gather(const struct dp *dp, bool with_odd, uint64_t bits[FLOW_KEY_WORDS])
{
	uint64_t words = atomic_load_explicit(&dp->action_words, memory_order_acquire);

	for (unsigned int n = 0; n < FLOW_KEY_WORDS; n++)
		bits[n] = words >> n & 1 ? UINT64_MAX : 0;
	for (unsigned int t = 0; t < N_TABLES; t++) {
		const struct cls *cls = atomic_load_explicit(&dp->tables[t], memory_order_acquire);
		uint64_t left = 0;

		if (cls)
			left = atomic_load_explicit(&cls->words, memory_order_acquire);
		for (; left; left &= left - 1) {
			const unsigned int n = (unsigned int)__builtin_ctzll(left);
			const uint64_t its = atomic_load_explicit(
				with_odd ? &cls->bits[n] : &cls->usual[n], memory_order_relaxed);

			bits[n] |= its;
			words |= (uint64_t)(its != 0) << n;
		}
	}
	return words;
}

/*
 * Words that packets differ in when they come in.  Of the others, which only flows fill, each
 * packet's are zero then, and a key need not say so.
 */
static uint64_t ingress_words(void)
{
	const uint64_t port = UINT64_C(1) << offsetof(struct flow_key, in_port) / 8;
	const uint64_t behind = UINT64_C(1) << offsetof(struct flow_key, reg) / 8;

	return (behind - 1) & ~(port - 1);
}

static void take_words(struct cache *c, uint64_t words, const uint64_t *bits)
{
	for (; words && c->n_words <= CACHE_WORDS_MAX; words &= words - 1) {
		const unsigned int n = (unsigned int)__builtin_ctzll(words);

		if (c->n_words < CACHE_WORDS_MAX) {
			c->word[c->n_words] = (uint8_t)n;
			c->bits[c->n_words] = bits[n];
		}
		c->n_words++;
	}
}

/* All that is known is void. */
static void forget(struct cache *c)
{
	stale_reset(&c->stale);
	cache_rests_forget_paths(&c->rests);
	c->stamp += CACHE_STAMP_ONE;
	if (!c->stamp) {
		memset(c->mem, 0, bytes_of(c));
		cache_rests_reset(&c->rests);
		c->stamp = CACHE_STAMP_ONE;
	}
}

/* Whether the key is the same as before. */
static bool same_key(const struct cache *c, uint64_t words, const uint64_t *bits)
{
	if (words != c->words || c->n_words > CACHE_WORDS_MAX)
		return false;
	for (unsigned int n = 0; n < c->n_words; n++)
		if (c->bits[n] != bits[c->word[n]])
			return false;
	return true;
}

struct noting {
	struct cache *c;
	uint64_t written;
	bool all; /* entries are concerned */
};

static int place_in_key(const struct cache *c, unsigned int word)
{
	/* Of those that stand in an entry's first line. */
	for (unsigned int n = 0; n < c->n_in && n < CACHE_LINE_KEY; n++)
		if (c->word[n] == word)
			return (int)n;
	return -1;
}

/*
 * A flow came or went.  The ways that it concerns are those whose packets, in its table, have its
 * match; what of that no action can have written they had at ingress.
 */
static void note_change(void *arg, uint64_t words, const uint64_t *bits, const uint64_t *value)
{
	uint64_t its_bits[STALE_WORDS] = { 0 }, its_value[STALE_WORDS] = { 0 }, tells = 0;
	struct noting *k = arg;
	struct cache *c = k->c;

	if (words & CHANGE_ODD && c->leaves_odd)
		return; /* no way is of a packet that it concerns */
	words &= ~CHANGE_ODD;
	for (unsigned int i = 0; words; words &= words - 1, i++) {
		const unsigned int word = (unsigned int)__builtin_ctzll(words);
		const int at = place_in_key(c, word);

		if (at < 0 || k->written >> word & 1)
			continue;
		its_bits[at] = bits[i] & c->bits[at];
		its_value[at] = value[i] & c->bits[at];
		tells |= its_bits[at];
	}
	k->all |= !tells || !stale_note(&c->stale, its_bits, its_value);
}

bool cache_still_true(const struct cache *c, struct cache_entry *e)
{
	if (stale_is(&c->stale, e->seen, e->key)) {
		e->stamp = 0;
		return false;
	}
	e->seen = c->stale.n;
	return true;
}

/* The place of the member at 'offset' in the key that is looked at. */
static uint8_t place_of(const struct cache *c, size_t offset)
{
	for (unsigned int n = 0; n < c->n_words && n < CACHE_WORDS_MAX; n++)
		if (c->word[n] == offset / sizeof(uint64_t))
			return (uint8_t)n;
	return CACHE_WORDS_MAX;
}

/* What of the key ct() fills in. */
static void renew_ct(struct cache *c)
{
	const size_t label = offsetof(struct flow_key, ct_label),
		     tuple = offsetof(struct flow_key, ct_nw_src),
		     end = offsetof(struct flow_key, dp_hash);
	uint64_t rare = 0;

	for (size_t at = label; at < label + 16; at += sizeof(uint64_t))
		rare |= UINT64_C(1) << at / sizeof(uint64_t);
	for (size_t at = tuple; at < end; at += sizeof(uint64_t))
		rare |= UINT64_C(1) << at / sizeof(uint64_t);
	c->at_metadata = place_of(c, offsetof(struct flow_key, metadata));
	c->at_state = place_of(c, offsetof(struct flow_key, ct_state));
	c->at_mark = place_of(c, offsetof(struct flow_key, ct_mark));
	c->tracks = c->need == EXPRESS_IPV4 && !(c->words & rare);
}

/* The tables are of another version: what they look at, and what has changed. */
static void try_again(struct cache *c)
{
	for (unsigned int i = 0; i < CACHE_HABITS; i++)
		cache_adapt_again(&c->habits[i].adapt, true);
}

/*
 * Odd rules are left out as long as actions leave addresses as they came in, and few packets may
 * match one.  Returns whether ways that are known were kept without them, and they count now.
 */
static bool renew_odd(struct cache *c, const struct dp *dp, uint64_t written)
{
	const bool left = c->leaves_odd, may = !(written >> ODD_NW & 1) && !c->asks_all;
	uint64_t all[FLOW_KEY_WORDS], usual[FLOW_KEY_WORDS];

	(void)gather(dp, true, all);
	(void)gather(dp, false, usual);
	c->odd = dp->odd;
	c->n_odd = odd_kinds(c->odd, c->odd_kind);
	c->leaves_odd = may && memcmp(all, usual, sizeof(all));
	if (c->leaves_odd)
		return false;
	/* (Of one that has gone nobody need know.) */
	if (!c->n_odd)
		return false;
	c->n_odd = 0;
	return left;
}

static void renew(struct cache *c, struct dp *dp, uint64_t version)
{
	const uint64_t ingress = ingress_words();
	uint64_t bits[FLOW_KEY_WORDS], words;
	enum express_need need;
	struct noting k = { .c = c };
	bool odd_count;

	k.written = atomic_load_explicit(&dp->changes->written, memory_order_acquire);
	odd_count = renew_odd(c, dp, k.written);
	words = gather(dp, !c->leaves_odd, bits);
	if (words != c->words)
		try_again(c);
	c->version = version;
	k.all = !c->stamp || odd_count || !same_key(c, words, bits);
	need = express_need(words & ingress, bits);
	/* Runs are not asked whether they may be odd. */
	if (c->n_odd && need < EXPRESS_ETH)
		need = EXPRESS_ETH;
	k.all |= need != c->need;
	if (k.all) {
		c->words = words;
		c->need = need;
		c->n_words = 0;
		take_words(c, words & ingress, bits);
		c->n_in = c->n_words;
		take_words(c, words & ~ingress, bits);
		renew_ct(c);
		/* One look for all of a burst. */
		for (unsigned int i = 0; i < CACHE_HABITS; i++)
			cache_adapt_sure(&c->habits[i].adapt, c->need == EXPRESS_NOTHING);
	}
	k.all |= !change_each(dp->changes, &c->changes_at, version, note_change, &k);
	if (k.all)
		forget(c);
}

bool cache_ready(struct cache *c, struct dp *dp, uint64_t version)
{
	if (unlikely(version != c->version || !c->stamp))
		renew(c, dp, version);
	return c->habit->adapt.on && c->n_words <= CACHE_WORDS_MAX;
}

/* Those that may match an odd rule. */
static uint64_t odd_of(struct cache *c, const struct burst *b, uint64_t todo)
{
	uint64_t odd = 0;

	for (uint64_t left = c->n_odd ? todo : 0; left; left &= left - 1) {
		const unsigned int i = (unsigned int)__builtin_ctzll(left);

		odd |= (uint64_t)cache_may_be_odd(c, cls_key(b, i)[ODD_NW]) << i;
	}
	c->odd_maybe += (uint64_t)__builtin_popcountll(odd);
	return odd;
}

/* Takes down the ingress key of packet i. */
static void note(struct cache *c, const struct burst *b, unsigned int i)
{
	c->hash[i] = cache_take(c, cls_key(b, i), c->key[i], c->n_in);
	c->from[i] = c->stamp;
	cache_prefetch(c, c->hash[i], c->n_in);
}

static struct cache_entry *find(const struct cache *c, unsigned int i)
{
	return cache_find(c, c->from[i], c->hash[i], c->key[i],
			  c->from[i] == c->stamp ? c->n_in : c->n_words);
}

static inline const struct flow *flow_of(const struct cache *c, const struct cache_entry *e,
					 uint32_t n)
{
	if (n < CACHE_FLOWS)
		return e->flow[n];
	return c->rests.mem[e->express.id[REST_AT]].flow[n - CACHE_FLOWS];
}

static void replay(struct pmd *w, struct burst *b, struct pkt *p, struct cache *c,
		   const struct cache_entry *e, uint64_t now) PMD
{
	for (uint32_t n = 0; n < e->n_flows; n++) {
		const struct flow *f = flow_of(c, e, n);
		int next;

		counter_add(&w->perf.table_lookups[f->table_id], 1);
		next = pipeline_hit(w, b, p, f, now);
		if (p->dropped)
			return;
		if (unlikely(f->insts->tail && next >= 0) && !pipeline_tail(w, b, p, f->insts))
			return;
		if (p->remarked && next >= 0) {
			const uint64_t noted = c->noted;

			pipeline_run(w, b, UINT64_C(1) << p->idx, (uint8_t)next, now);
			c->noted = noted;
			return;
		}
	}
	act_finish(w, b, p, now);
}

/* Every TRIAL packets: whether it should be larger, or the traffic is another. */
void cache_judge(struct pmd *w, uint32_t n, uint32_t hits)
{
	struct cache *c = w->cache;
	struct cache_habit *h = c->habit;

	counter_add(&w->perf.cache_hits, hits);
	counter_add(&w->perf.cache_misses, n - hits);
	c->odd_tried += n;
	h->tried += n;
	h->hits += hits;
	if (h->tried < TRIAL)
		return;
	if (h->hits < h->tried - h->tried / 16 && c->mask + 2 < c->max)
		c->mask = 2 * (c->mask + 2) - 2;
	else if (h->hits < h->tried / 8)
		cache_adapt_again(&h->adapt, false);
	h->tried = h->hits = 0;
}

uint64_t cache_run(struct pmd *w, struct burst *b, uint64_t todo, uint64_t now)
{
	struct cache *c = w->cache;
	uint32_t n = (uint32_t)__builtin_popcountll(todo), hits = 0;
	uint64_t odd;

	c->noted = 0;
	if (!cache_ready(c, w->dp, b->version))
		return todo;
	odd = odd_of(c, b, todo);
	todo &= ~odd;
	stage_begin(&w->stages, STAGE_CACHE, n);
	for (uint64_t left = todo; left; left &= left - 1)
		note(c, b, (unsigned int)__builtin_ctzll(left));
	c->noted = todo;
	stage_begin(&w->stages, STAGE_ACTIONS, n);
	for (uint64_t left = todo; left; left &= left - 1) {
		unsigned int i = (unsigned int)__builtin_ctzll(left);
		const struct cache_entry *e = find(c, i);

		if (!e)
			continue;
		hits++;
		c->noted &= ~(UINT64_C(1) << i);
		replay(w, b, &b->pkt[i], c, e, now);
	}
	cache_judge(w, n, hits);
	return c->noted | odd;
}

static bool worth_keeping(const struct flow *const *flow, uint32_t n_flows)
{
	if (!n_flows || n_flows > CACHE_WAY_MAX)
		return false;
	/* What a pop brings up is not in the ingress key; after the last table nobody looks. */
	for (uint32_t n = 0; n + 1 < n_flows; n++)
		if (flow[n]->insts->pops)
			return false;
	return true;
}

static struct cache_entry *empty(const struct cache *c, struct cache_entry *pair)
{
	return !cache_is_of_now(c, pair) ? pair : !cache_is_of_now(c, pair + 1) ? pair + 1 : NULL;
}

/* An empty place of the pair, or of the other pair, or the one that the hash says. */
static struct cache_entry *place(struct cache *c, uint64_t hash)
{
	struct cache_entry *pair = cache_pair(c, hash), *e = empty(c, pair);

	if (e) {
		if (e == pair)
			e->spilled = false;
		return e;
	}
	e = empty(c, cache_other_pair(c, hash));
	if (!e)
		return pair + (hash >> 63);
	e->spilled = false;
	pair->spilled = true;
	return e;
}

/* What they come to, if that can be said. */
static uint8_t way_of(const struct flow *const *flow, uint32_t n, bool to_ct, struct express *x)
{
	if (flow[n - 1]->insts->tail == ACT_CT)
		return to_ct && express_compose_ct(flow, n, x) ? CACHE_TO_CT : CACHE_PLAIN;
	return express_compose(flow, n, x) ? CACHE_EXPRESS : CACHE_PLAIN;
}

void cache_keep(struct cache *c, unsigned int i, const struct flow *const *flow, uint32_t n,
		bool to_ct)
{
	struct cache_entry *e;
	uint32_t rest;

	if (!worth_keeping(flow, n))
		return;
	e = find(c, i);
	if (!e)
		e = place(c, c->hash[i]);
	rest = cache_rest_claim(&c->rests, e, n);
	e->hash = (uint32_t)c->hash[i];
	e->seen = c->stale.n;
	e->stamp = c->from[i];
	e->n_flows = (uint8_t)n;
	memcpy(e->key, c->key[i], sizeof(e->key));
	memcpy(e->more, c->key[i] + CACHE_LINE_KEY, sizeof(e->more));
	memcpy(e->flow, flow, (n < CACHE_FLOWS ? n : CACHE_FLOWS) * sizeof(e->flow[0]));
	e->way = way_of(flow, n, to_ct, &e->express);
	e->bare = e->way == CACHE_EXPRESS && !way_is_long(n) &&
		  !(e->express.does & (EXPRESS_WRITES | EXPRESS_TUN));
	if (way_is_long(n))
		cache_rest_keep(&c->rests, e, rest, flow, n);
}

void cache_learn(struct pmd *w, const struct burst *b, const struct pkt *p,
		 const struct cache_way *way)
{
	struct cache *c = w->cache;

	if (c->noted >> p->idx & 1 && !p->remarked && p->stop != STOP_FLOW)
		cache_keep(c, p->idx, way->flow, way->n, !p->n_calls);
}

/* Whether it is worth while to do without the packets that odd rules may concern. */
static void judge_odd(struct cache *c)
{
	const bool all = !c->asks_all && c->odd_maybe > c->odd_tried / ODD_PART;

	c->odd_tried = c->odd_maybe = 0;
	if (all == c->asks_all)
		return;
	c->asks_all = all;
	c->version = 0; /* it is another one's key: renew() */
}

bool cache_turn(struct cache *c, uint32_t in_port)
{
	c->habit = cache_habit(c, in_port);
	c->sure = false;
	if (unlikely(c->odd_tried >= (c->asks_all ? (uint64_t)ODD_AGAIN : TRIAL)))
		judge_odd(c);
	return c->habit->adapt.phase == ADAPT_TRIES;
}

void cache_spent(struct pmd *w, uint32_t packets, uint64_t cycles)
{
	struct cache *c = w->cache;
	const uint32_t templates = atomic_load_explicit(&w->dp->templates, memory_order_relaxed);

	/* A lookup costs something else now, though nothing of what tables say has changed. */
	if (unlikely(templates != c->templates)) {
		c->templates = templates;
		try_again(c);
	}
	c->habit->received += packets;
	if (!c->sure)
		cache_adapt_spent(&c->habit->adapt, packets, cycles);
}

bool cache_behind(struct pmd *w, struct burst *b, unsigned int i, uint8_t table, bool serve,
		  uint64_t now)
{
	struct cache *c = w->cache;
	const uint64_t bit = UINT64_C(1) << i;
	const struct cache_entry *e;

	c->noted &= ~bit;
	if (!cache_ready(c, w->dp, b->version))
		return false;
	if (c->n_odd && cache_may_be_odd(c, cls_key(b, i)[ODD_NW]))
		return false;
	c->hash[i] = cache_take(c, cls_key(b, i), c->key[i], c->n_words);
	c->from[i] = cache_stamp(c, table);
	e = serve ? find(c, i) : NULL;
	if (!e) {
		c->noted |= bit;
		return false;
	}
	replay(w, b, &b->pkt[i], c, e, now);
	return true;
}

void cache_end(struct pmd *w)
{
	if (w->cache)
		w->cache->noted = 0;
}

enum cache_answer cache_peek(const struct pmd *w, const struct flow_key *key, uint32_t *n_flows)
{
	const struct cache *c = w->cache;
	uint64_t words[CACHE_WORDS_MAX], hash;
	const struct cache_entry *e;

	if (!c)
		return CACHE_OFF;
	if (!c->habits[be32toh(key->in_port) % CACHE_HABITS].adapt.on)
		return CACHE_ASIDE;
	if (!c->stamp || c->version != atomic_load_explicit(&w->dp->version, memory_order_acquire))
		return CACHE_STALE;
	if (c->n_words > CACHE_WORDS_MAX)
		return CACHE_OFF;
	if (c->n_odd && cache_may_be_odd(c, ((const uint64_t *)key)[ODD_NW]))
		return CACHE_MISS;
	hash = cache_take(c, (const uint64_t *)key, words, c->n_in);
	e = cache_find(c, c->stamp, hash, words, c->n_in);
	if (!e)
		return CACHE_MISS;
	*n_flows = e->n_flows;
	return CACHE_HIT;
}

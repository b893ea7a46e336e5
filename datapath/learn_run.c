/* SPDX-License-Identifier: Apache-2.0 */
/* learn and fin_timeout in packet threads. */
#include <stdlib.h>

#include <rte_branch_prediction.h>

#include "base/lines.h"
#include "datapath/act_priv.h"
#include "datapath/cls_hash.h"
#include "datapath/dp.h"
#include "datapath/learn_priv.h"
#include "datapath/mask.h"
#include "datapath/punt.h"
#include "datapath/table_state.h"
#include "datapath/trace.h"

enum { PLACES = 8192, TCP_FIN_RST = 0x05 };

struct told {
	uint64_t what; /* a hash; 0: nothing */
	uint64_t at;   /* TSC */
	uint32_t epoch;
};

struct learn_memory {
	struct told told[PLACES];
};

struct learn_memory *learn_memory_new(void)
{
	return lines_new(1, sizeof(struct learn_memory));
}

void learn_memory_free(struct learn_memory *m)
{
	lines_free(m);
}

/* Where it stands or, of two places, the one that has been longer. */
static struct told *place(struct learn_memory *m, uint64_t what)
{
	struct told *a = &m->told[what % PLACES], *b = &m->told[what % PLACES ^ 1];

	if (a->what == what)
		return a;
	return b->what == what || b->at < a->at ? b : a;
}

static uint64_t fingerprint(const struct learn *l, const struct pkt *p)
{
	const uint64_t h = cls_hash_key(&l->takes, (const uint64_t *)&p->key);

	return cls_hash_mix(h ^ l->id, cls_hash_keys[0]) | 1;
}

/* Whether the flow is in its table. */
static bool is_there(const struct learn *l, const struct flow_key *key)
{
	const uint64_t *words;
	uint64_t value[FLOW_KEY_WORDS];
	struct of_match m;
	struct flow_key bits;
	struct cls_mask mask;

	learn_match(&l->k, key, &m);
	words = (const uint64_t *)&m.value;
	cls_match_bits(&m, &bits);
	cls_mask_init(&mask, &bits);
	for (unsigned int i = 0; i < mask.n_words; i++)
		value[i] = words[mask.word[i]] & mask.bits[i];
	return learned_has(l->learned, table_rule_hash(&mask, value, l->k.priority));
}

/* A place among so many flows as the limit allows. */
static bool reserve(struct learned *d, uint32_t limit)
{
	const uint32_t before = atomic_fetch_add_explicit(&d->reserved, 1, memory_order_acq_rel);

	if (atomic_load_explicit(&d->n, memory_order_acquire) + before < limit)
		return true;
	atomic_fetch_sub_explicit(&d->reserved, 1, memory_order_release);
	return false;
}

static bool tell(struct pmd *w, const struct pkt *p, const struct learn *l, bool reserved) PMD
{
	struct punt *u = punt_get(w, PUNT_FLOW, be32toh(p->key.in_port), 0, p->frame_len);

	if (!u) {
		counter_add(&w->perf.learn_lost, 1);
		if (reserved)
			atomic_fetch_sub_explicit(&l->learned->reserved, 1, memory_order_release);
		return false;
	}
	u->port = l->id;
	u->reason = reserved;
	u->table_id = l->k.table_id;
	u->cookie = l->k.cookie;
	u->key = p->key;
	punt_send(w, u);
	return true;
}

/* Whether the flow is there, or will be; 'known': it was there when last told. */
static bool learned(struct pmd *w, const struct pkt *p, const struct learn *l, bool known) PMD
{
	bool reserved = false;

	if (l->k.limit && !known && !is_there(l, &p->key)) {
		if (!reserve(l->learned, l->k.limit)) {
			counter_add(&w->perf.learn_limited, 1);
			return false;
		}
		reserved = true;
	}
	return tell(w, p, l, reserved) || known;
}

static bool run(struct pmd *w, const struct pkt *p, const struct learn *l, uint64_t now) PMD
{
	const uint64_t what = fingerprint(l, p);
	const uint32_t epoch = atomic_load_explicit(&w->dp->learn_epoch, memory_order_acquire);
	struct told *t = place(w->learned, what);
	const bool known = t->what == what && t->epoch == epoch;

	if (known && (!l->k.hard_timeout || now - t->at < w->hz / 1000 * LEARN_REFRESH_MS))
		return true;
	if (!learned(w, p, l, known))
		return false;
	*t = (struct told){ .what = what, .at = now, .epoch = epoch };
	return true;
}

void learn_run(struct pmd *w, struct burst *b, struct pkt *p, const struct act_op *op, uint64_t now)
{
	const struct learn *l = op->learn.action;
	bool done;

	if (unlikely(w->trace)) {
		done = !l->k.limit || is_there(l, &p->key) ||
		       atomic_load_explicit(&l->learned->n, memory_order_relaxed) < l->k.limit;
		trace_learn(w, p, l->action, done);
	} else {
		done = run(w, p, l, now);
	}
	if (l->k.result.field)
		act_store(w, b, p, l->k.result.field,
			  (u128)done << (l->k.result.field->shift + l->k.result.ofs),
			  (u128)1 << (l->k.result.field->shift + l->k.result.ofs));
}

void learn_fin(struct pmd *w, struct pkt *p, const struct act_op *op, uint64_t now)
{
	const uint32_t epoch = atomic_load_explicit(&w->dp->learn_epoch, memory_order_acquire);
	const struct flow *f = p->flow;
	struct told *t;
	struct punt *u;
	uint64_t what;

	if (!f || !key_is_ip(&p->key) || p->key.ip_proto != 6 ||
	    !(p->key.tcp_flags & htobe16(TCP_FIN_RST)) || w->trace)
		return;
	/* Once is enough, but for a flow that has a former one's id: it is of another epoch. */
	what = cls_hash_mix((uint64_t)f->id << 32 ^ op->fin.timeouts ^ cls_hash_keys[1],
			    cls_hash_keys[2] ^ f->cookie) |
	       1;
	t = place(w->learned, what);
	if (t->what == what && t->epoch == epoch && now - t->at < w->hz / 1000 * LEARN_REFRESH_MS)
		return;
	u = punt_get(w, PUNT_FIN, be32toh(p->key.in_port), 0, p->frame_len);
	if (!u) {
		counter_add(&w->perf.learn_lost, 1);
		return;
	}
	u->port = f->id;
	u->table_id = f->table_id;
	u->cookie = f->cookie;
	u->timeouts = op->fin.timeouts;
	punt_send(w, u);
	*t = (struct told){ .what = what, .at = now, .epoch = epoch };
}

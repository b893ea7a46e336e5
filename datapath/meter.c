/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rates are kept as a time of arrival: each band has the moment at which the packets it let through
 * so far would have arrived at exactly its rate.  A packet conforms while that moment is no more
 * than the burst ahead of now.  That is a token bucket in one word, so that PMDs share it by
 * compare-and-swap.
 */
#include "datapath/meter.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_cycles.h>
#include <uthash.h>

#include "datapath/dp.h"
#include "datapath/table_state.h"

enum {
	METERS_MAX = 65536,
	BANDS_MAX = 16,
	FRACTION = 16,	      /* parts of a cycle that moments are counted in */
	DEFAULT_BURST_S = 10, /* without OFPMF_BURST: a tenth of a second at the band's rate */
	LEAST_BURST = 24000,  /* ... but two big frames, bits; or two packets */
};

struct band {
	uint32_t rate;	     /* kb/s or packets/s */
	int verdict;	     /* on what exceeds it: METER_DROP or prec_level */
	double unit;	     /* time of one bit or packet */
	uint64_t burst;	     /* time that a full bucket lasts */
	_Atomic uint64_t at; /* the moment, since the body was made */
	_Atomic uint64_t packets, bytes;
};

struct meter_body {
	uint64_t epoch; /* TSC */
	uint16_t flags; /* OFPMF_* */
	struct arena arena;
	struct of_list list; /* bands as they came */
	struct meter *meter;
	uint32_t n;
	struct band band[];
};

struct meter {
	struct meter_body *_Atomic body;
	_Atomic uint64_t packets, bytes;
	/* Control thread. */
	uint32_t id;
	uint32_t refs; /* flows */
	bool gone;     /* deleted for good; freed with its last reference */
	double created;
	UT_hash_handle hh;
};

struct meter_table {
	struct meter *meters; /* by id */
};

__attribute__((format(printf, 3, 4))) static int refuse(struct of_err *e, uint16_t code,
							const char *fmt, ...)
{
	va_list ap;

	e->type = OFPET_METER_MOD_FAILED;
	e->code = code;
	e->offset = 0;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	return -EPROTO;
}

static struct meter_body *body_of(const struct meter *m)
{
	return atomic_load_explicit(&m->body, memory_order_relaxed);
}

/* ---- PMD threads ---- */

/* Whether the packet is within the band's rate; then it counts towards it if it is to 'take'. */
static bool conforms(struct band *k, uint64_t now, uint64_t cost, bool take)
{
	uint64_t at = atomic_load_explicit(&k->at, memory_order_relaxed), next;

	do {
		next = (at > now ? at : now) + cost;
		if (next > now + k->burst)
			return false;
	} while (take && !atomic_compare_exchange_weak_explicit(
				 &k->at, &at, next, memory_order_relaxed, memory_order_relaxed));
	return true;
}

/* Of the bands exceeded the one of the highest rate applies (5.7.1); NULL: none is. */
static struct band *exceeded(struct meter_body *b, const struct pkt *p, uint64_t now, bool take)
{
	double amount = b->flags & OFPMF_PKTPS ? 1 : p->frame_len * 8.0;
	struct band *worst = NULL;

	/* A burst's TSC may be older than a body that came since. */
	now = now > b->epoch ? (now - b->epoch) * FRACTION : 0;
	for (uint32_t i = 0; i < b->n; i++) {
		struct band *k = &b->band[i];

		if (!conforms(k, now, (uint64_t)(amount * k->unit), take) &&
		    (!worst || k->rate > worst->rate))
			worst = k;
	}
	return worst;
}

int meter_run(struct meter *m, const struct pkt *p, uint64_t now)
{
	struct meter_body *b = atomic_load_explicit(&m->body, memory_order_acquire);
	struct band *worst;

	atomic_fetch_add_explicit(&m->packets, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&m->bytes, p->frame_len, memory_order_relaxed);
	worst = exceeded(b, p, now, true);
	if (!worst)
		return 0;
	atomic_fetch_add_explicit(&worst->packets, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&worst->bytes, p->frame_len, memory_order_relaxed);
	return worst->verdict;
}

int meter_look(const struct meter *m, const struct pkt *p, uint64_t now, uint32_t *id)
{
	struct meter_body *b = atomic_load_explicit(&m->body, memory_order_acquire);
	const struct band *worst = exceeded(b, p, now, false);

	*id = m->id;
	return worst ? worst->verdict : 0;
}

/* ---- Bodies ---- */

static void body_free(void *arg)
{
	struct meter_body *b = arg;

	arena_fini(&b->arena);
	free(b);
}

/* The kinds of band that check_band() lets in begin alike. */
static_assert(offsetof(struct of_band_drop, rate) == offsetof(struct of_band_dscp_remark, rate) &&
	      offsetof(struct of_band_drop, burst_size) ==
		      offsetof(struct of_band_dscp_remark, burst_size));

static void band_init(struct band *k, const struct of_any *any, uint16_t flags)
{
	const struct of_band_drop *d = (const struct of_band_drop *)any;
	double cycles = (double)rte_get_tsc_hz() * FRACTION;
	bool packets = flags & OFPMF_PKTPS;
	double rate = packets ? d->rate : d->rate * 1000.0;
	double burst = rate / DEFAULT_BURST_S, least = packets ? 2 : LEAST_BURST;

	if (flags & OFPMF_BURST)
		burst = packets ? d->burst_size : d->burst_size * 1000.0;
	else if (burst < least)
		burst = least;
	k->rate = d->rate;
	k->verdict = any->kind == OF_KIND_band_drop
			     ? METER_DROP
			     : ((const struct of_band_dscp_remark *)any)->prec_level;
	k->unit = cycles / rate;
	k->burst = (uint64_t)(burst * k->unit);
}

static struct meter_body *body_new(const struct of_meter_mod *mm, struct of_err *e)
{
	struct meter_body *b = calloc(1, sizeof(*b) + mm->bands.n * sizeof(b->band[0]));

	if (!b)
		goto no_memory;
	b->epoch = rte_rdtsc();
	b->flags = mm->flags;
	b->n = mm->bands.n;
	arena_init(&b->arena, (mm->bands.n + 1) * (sizeof(struct of_band_dscp_remark) + 64));
	if (of_list_copy(&mm->bands, &b->arena, &b->list)) {
		body_free(b);
		goto no_memory;
	}
	for (uint32_t i = 0; i < b->n; i++)
		band_init(&b->band[i], mm->bands.v[i], mm->flags);
	return b;
no_memory:
	refuse(e, OFPMMFC_OUT_OF_METERS, "no memory for meter %u", mm->meter_id);
	return NULL;
}

/* ---- In and out ---- */

static void meter_release(void *arg)
{
	struct meter *m = arg;

	body_free(body_of(m));
	free(m);
}

static void release_if_unused(struct dp *dp, struct meter *m) CONTROL
{
	if (m->gone && !m->refs)
		dp_retire_published(dp, m, meter_release);
}

static void undo_add(struct dp *dp, void *arg)
{
	struct meter *m = arg;

	role_assume_control();
	HASH_DEL(dp->meters->meters, m);
	m->gone = true;
	release_if_unused(dp, m);
}

static void undo_delete(struct dp *dp, void *arg)
{
	struct meter *m = arg;

	role_assume_control();
	HASH_ADD(hh, dp->meters->meters, id, sizeof(m->id), m);
}

static void done_delete(struct dp *dp, void *arg)
{
	struct meter *m = arg;

	role_assume_control();
	m->gone = true;
	release_if_unused(dp, m);
}

/* A modification waits for the commit: packets know no versions of meters. */
static void undo_modify(struct dp *dp, void *arg)
{
	role_assume_control();
	body_free(arg);
}

static void done_modify(struct dp *dp, void *arg)
{
	struct meter_body *b = arg, *old = body_of(b->meter);

	role_assume_control();
	atomic_store_explicit(&b->meter->body, b, memory_order_release);
	dp_retire(dp, old, body_free);
}

/* ---- OFPT_METER_MOD (6.6, 7.3.4.4) ---- */

static int check_band(const struct of_any *any, uint32_t i, uint16_t flags, struct of_err *e)
{
	const struct of_band_drop *d = (const struct of_band_drop *)any;

	if (any->kind != OF_KIND_band_drop && any->kind != OF_KIND_band_dscp_remark)
		return refuse(e, OFPMMFC_BAD_BAND,
			      "band %u is %s; this switch has drop and dscp_remark", i,
			      of_kind_name(any->kind));
	if (!d->rate)
		return refuse(e, OFPMMFC_BAD_RATE, "band %u has no rate", i);
	if ((flags & OFPMF_BURST) && !d->burst_size)
		return refuse(e, OFPMMFC_BAD_BURST, "band %u has a burst of nothing", i);
	return 0;
}

static int check(const struct of_meter_mod *mm, struct of_err *e)
{
	if (mm->flags & ~(OFPMF_KBPS | OFPMF_PKTPS | OFPMF_BURST | OFPMF_STATS))
		return refuse(e, OFPMMFC_BAD_FLAGS, "unknown meter flags 0x%x", mm->flags);
	if ((mm->flags & OFPMF_KBPS) && (mm->flags & OFPMF_PKTPS))
		return refuse(e, OFPMMFC_BAD_FLAGS, "a rate is in kb/s or in packets/s, not both");
	if (mm->bands.n > BANDS_MAX)
		return refuse(e, OFPMMFC_OUT_OF_BANDS, "%u bands, at most %u", mm->bands.n,
			      BANDS_MAX);
	for (uint32_t i = 0; i < mm->bands.n; i++)
		if (check_band(mm->bands.v[i], i, mm->flags, e))
			return -EPROTO;
	return 0;
}

static int add(struct dp *dp, const struct of_meter_mod *mm, struct of_err *e) CONTROL
{
	struct meter *m;

	if (meter_find(dp, mm->meter_id))
		return refuse(e, OFPMMFC_METER_EXISTS, "meter %u exists", mm->meter_id);
	if (HASH_COUNT(dp->meters->meters) >= METERS_MAX)
		return refuse(e, OFPMMFC_OUT_OF_METERS, "there are %u meters already", METERS_MAX);
	if (check(mm, e))
		return -EPROTO;
	m = calloc(1, sizeof(*m));
	if (!m || txn_reserve(dp, 1)) {
		free(m);
		return refuse(e, OFPMMFC_OUT_OF_METERS, "no memory for meter %u", mm->meter_id);
	}
	atomic_init(&m->body, body_new(mm, e));
	if (!body_of(m)) {
		free(m);
		return -EPROTO;
	}
	m->id = mm->meter_id;
	m->created = monotonic_now();
	HASH_ADD(hh, dp->meters->meters, id, sizeof(m->id), m);
	txn_log(dp, undo_add, NULL, m);
	return 0;
}

static int modify(struct dp *dp, const struct of_meter_mod *mm, struct of_err *e) CONTROL
{
	struct meter *m = meter_find(dp, mm->meter_id);
	struct meter_body *b;

	if (!m)
		return refuse(e, OFPMMFC_UNKNOWN_METER, "there is no meter %u", mm->meter_id);
	if (check(mm, e))
		return -EPROTO;
	if (txn_reserve(dp, 1))
		return refuse(e, OFPMMFC_OUT_OF_METERS, "no memory for meter %u", mm->meter_id);
	b = body_new(mm, e);
	if (!b)
		return -EPROTO;
	b->meter = m;
	txn_log(dp, undo_modify, done_modify, b);
	return 0;
}

/* The flows that use it go with it (6.6). */
static int delete_one(struct dp *dp, struct meter *m, struct of_err *e) CONTROL
{
	if (txn_reserve(dp, 1) || (m->refs && table_delete_by_meter(dp, m)))
		return refuse(e, OFPMMFC_UNKNOWN, "no memory to delete meter %u", m->id);
	HASH_DEL(dp->meters->meters, m);
	txn_log(dp, undo_delete, done_delete, m);
	return 0;
}

static int delete (struct dp *dp, const struct of_meter_mod *mm, struct of_err *e)CONTROL
{
	struct meter *m = meter_find(dp, mm->meter_id), *next;
	int err = 0;

	if (mm->meter_id != OFPM_ALL)
		return m ? delete_one(dp, m, e) : 0;
	for (m = dp->meters->meters; m && !err; m = next) {
		next = m->hh.next;
		err = delete_one(dp, m, e);
	}
	return err;
}

int meter_mod(struct dp *dp, const struct of_meter_mod *mm, struct of_err *e)
{
	bool all = mm->command == OFPMC_DELETE && mm->meter_id == OFPM_ALL;

	if (mm->command > OFPMC_DELETE)
		return refuse(e, OFPMMFC_BAD_COMMAND, "unknown meter_mod command %u", mm->command);
	/* The virtual meters (7.3.4.4) are not there: slow path and controller have limits of their
	 * own. */
	if (!all && (!mm->meter_id || mm->meter_id > OFPM_MAX))
		return refuse(e, OFPMMFC_INVALID_METER, "meter ids are 1 to 0x%x", OFPM_MAX);
	switch (mm->command) {
	case OFPMC_ADD:
		return add(dp, mm, e);
	case OFPMC_MODIFY:
		return modify(dp, mm, e);
	}
	return delete (dp, mm, e);
}

/* ---- Finding, and statistics ---- */

struct meter *meter_find(const struct dp *dp, uint32_t id)
{
	struct meter *m;

	HASH_FIND(hh, dp->meters->meters, &id, sizeof(id), m);
	return m;
}

void meter_ref(struct meter *m)
{
	m->refs++;
}

void meter_unref(struct dp *dp, struct meter *m)
{
	m->refs--;
	release_if_unused(dp, m);
}

static int by_id(const void *a, const void *b)
{
	const struct meter *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

int meter_each(const struct dp *dp, uint32_t id, int (*visit)(void *arg, const struct meter *m),
	       void *arg)
{
	struct meter *m = id == OFPM_ALL ? NULL : meter_find(dp, id), *next;
	int stop = 0;

	if (id != OFPM_ALL)
		return m ? visit(arg, m) : 0;
	HASH_SORT(dp->meters->meters, by_id);
	for (m = dp->meters->meters; m && !stop; m = next) {
		next = m->hh.next;
		stop = visit(arg, m);
	}
	return stop;
}

static struct of_any *band_stats(struct band *k, struct arena *a)
{
	struct of_meter_band_stats *s = OF_NEW(a, meter_band_stats);

	if (s) {
		s->packet_band_count = atomic_load_explicit(&k->packets, memory_order_relaxed);
		s->byte_band_count = atomic_load_explicit(&k->bytes, memory_order_relaxed);
	}
	return (struct of_any *)s;
}

struct of_meter_stats *meter_stats(const struct dp *dp, const struct meter *m, struct arena *a)
{
	struct of_meter_stats *s = OF_NEW(a, meter_stats);
	double age = monotonic_now() - m->created;
	struct meter_body *b = body_of(m);

	if (!s)
		return NULL;
	s->meter_id = m->id;
	s->flow_count = m->refs;
	s->packet_in_count = atomic_load_explicit(&m->packets, memory_order_relaxed);
	s->byte_in_count = atomic_load_explicit(&m->bytes, memory_order_relaxed);
	s->duration_sec = (uint32_t)age;
	s->duration_nsec = (uint32_t)((age - (uint32_t)age) * 1e9);
	s->band_stats.v = arena_get(a, (b->n + 1) * sizeof(struct of_any *));
	if (!s->band_stats.v)
		return NULL;
	for (uint32_t i = 0; i < b->n; i++) {
		s->band_stats.v[i] = band_stats(&b->band[i], a);
		if (!s->band_stats.v[i])
			return NULL;
	}
	s->band_stats.n = b->n;
	return s;
}

struct of_meter_config *meter_config(const struct meter *m, struct arena *a)
{
	struct of_meter_config *c = OF_NEW(a, meter_config);

	if (!c || of_list_copy(&body_of(m)->list, a, &c->bands))
		return NULL;
	c->flags = body_of(m)->flags;
	c->meter_id = m->id;
	return c;
}

void meter_features(const struct dp *dp, struct of_mp_meter_features_reply *out)
{
	out->max_meter = METERS_MAX;
	out->band_types = 1 << OFPMBT_DROP | 1 << OFPMBT_DSCP_REMARK;
	out->capabilities = OFPMF_KBPS | OFPMF_PKTPS | OFPMF_BURST | OFPMF_STATS;
	out->max_bands = BANDS_MAX;
	out->max_color = 0;
}

int meter_table_init(struct dp *dp)
{
	dp->meters = calloc(1, sizeof(*dp->meters));
	return dp->meters ? 0 : -ENOMEM;
}

void meter_table_fini(struct dp *dp)
{
	struct meter *m, *next;

	if (!dp->meters)
		return;
	for (m = dp->meters->meters; m; m = next) {
		next = m->hh.next;
		HASH_DEL(dp->meters->meters, m);
		m->gone = true;
		release_if_unused(dp, m);
	}
	free(dp->meters);
	dp->meters = NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* OFPT_METER_MOD (6.6, 7.3.4.4): meters come, change and go. */
#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include <rte_cycles.h>

#include "datapath/dp.h"
#include "datapath/meter_priv.h"
#include "datapath/table_state.h"

/* The least that a bucket lasts (meter.h), in parts of a second. */
enum {
	DEFAULT_BURST_S = 10, /* without OFPMF_BURST */
	ZERO_BURST_S = 100,   /* with a burst_size of 0 */
	LEAST_BURST_S = 1000, /* with any other */
	LEAST_BURST = 24000,  /* without OFPMF_BURST: two big frames, bits */
	LEAST_BURST_PKTS = 2, /* ... or packets */
};

/* In parts of cycles: years; a moment so far ahead still fits a word. */
#define BURST_MOST (UINT64_C(1) << 61)

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

static uint64_t depth(const struct of_band_drop *d, const struct meter_band *k, uint16_t flags)
{
	const bool packets = flags & OFPMF_PKTPS;
	const uint64_t least = packets ? LEAST_BURST_PKTS : LEAST_BURST;
	const uint64_t given = packets ? d->burst_size : d->burst_size * UINT64_C(1000);
	uint64_t n = k->per_s / LEAST_BURST_S;

	if (!(flags & OFPMF_BURST)) {
		n = k->per_s / DEFAULT_BURST_S;
		return n > least ? n : least;
	}
	if (!given)
		return k->per_s / ZERO_BURST_S;
	return n > given ? n : given;
}

static void band_init(struct meter_band *k, const struct of_any *any, const struct meter_body *b)
{
	const struct of_band_drop *d = (const struct of_band_drop *)any;
	__extension__ unsigned __int128 burst;

	k->rate = d->rate;
	k->verdict = any->kind == OF_KIND_band_drop
			     ? METER_DROP
			     : ((const struct of_band_dscp_remark *)any)->prec_level;
	k->per_s = b->flags & OFPMF_PKTPS ? d->rate : d->rate * UINT64_C(1000);
	burst = depth(d, k, b->flags);
	burst = burst * b->second / k->per_s;
	k->burst = burst < BURST_MOST ? (uint64_t)burst : BURST_MOST;
}

static struct meter_body *body_new(const struct of_meter_mod *mm, struct of_err *e)
{
	struct meter_body *b = calloc(1, sizeof(*b) + mm->bands.n * sizeof(b->band[0]));

	if (!b)
		goto no_memory;
	b->epoch = rte_rdtsc();
	b->second = rte_get_tsc_hz() * METER_FRACTION;
	b->flags = mm->flags;
	b->n = mm->bands.n;
	arena_init(&b->arena, (mm->bands.n + 1) * (sizeof(struct of_band_dscp_remark) + 64));
	if (of_list_copy(&mm->bands, &b->arena, &b->list)) {
		body_free(b);
		goto no_memory;
	}
	for (uint32_t i = 0; i < b->n; i++)
		band_init(&b->band[i], mm->bands.v[i], b);
	return b;
no_memory:
	METER_REFUSE(e, OFPMMFC_OUT_OF_METERS, "no memory for meter %u", mm->meter_id);
	return NULL;
}

/* ---- In and out ---- */

static void meter_free(void *arg)
{
	struct meter *m = arg;

	body_free(meter_body(m));
	free(m);
}

void meter_release_if_unused(struct dp *dp, struct meter *m)
{
	if (m->gone && !m->refs)
		dp_retire_published(dp, m, meter_free);
}

static void hash_add(struct dp *dp, struct meter *m)
{
	HASH_ADD(hh, dp->meters->meters, id, sizeof(m->id), m);
	dp->meters->sorted = false;
}

/* What packets find of a virtual meter, from when it is sure to be there. */
static void show(struct dp *dp, uint32_t id, struct meter *m)
{
	const enum meter_virtual which =
		id == OFPM_CONTROLLER ? METER_VIRTUAL_CONTROLLER : METER_VIRTUAL_SLOWPATH;

	if (meter_is_virtual(id))
		atomic_store_explicit(&dp->meters->virtual[which], m, memory_order_release);
}

static void done_add(struct dp *dp, void *arg)
{
	struct meter *m = arg;

	role_assume_control();
	show(dp, m->id, m);
}

static void undo_add(struct dp *dp, void *arg)
{
	struct meter *m = arg;

	role_assume_control();
	HASH_DEL(dp->meters->meters, m);
	m->gone = true;
	meter_release_if_unused(dp, m);
}

static void undo_delete(struct dp *dp, void *arg)
{
	struct meter *m = arg;

	role_assume_control();
	hash_add(dp, m);
}

static void done_delete(struct dp *dp, void *arg)
{
	struct meter *m = arg;

	role_assume_control();
	show(dp, m->id, NULL);
	m->gone = true;
	meter_release_if_unused(dp, m);
}

/* A modification waits for the commit: packets know no versions of meters. */
static void undo_modify(struct dp *dp, void *arg)
{
	role_assume_control();
	body_free(arg);
}

static void done_modify(struct dp *dp, void *arg)
{
	struct meter_body *b = arg, *old = meter_body(b->meter);

	role_assume_control();
	atomic_store_explicit(&b->meter->body, b, memory_order_release);
	dp_retire(dp, old, body_free);
}

/* ---- OFPT_METER_MOD (6.6, 7.3.4.4) ---- */

static int check_band(const struct of_any *any, uint32_t i, bool virtual, struct of_err *e)
{
	const struct of_band_drop *d = (const struct of_band_drop *)any;

	if (any->kind != OF_KIND_band_drop && any->kind != OF_KIND_band_dscp_remark)
		return METER_REFUSE(e, OFPMMFC_BAD_BAND,
				    "band %u is %s; this switch has drop and dscp_remark", i,
				    of_kind_name(any->kind));
	if (!d->rate)
		return METER_REFUSE(e, OFPMMFC_BAD_RATE, "band %u has no rate", i);
	if (virtual && any->kind != OF_KIND_band_drop)
		return METER_REFUSE(e, OFPMMFC_BAD_BAND, "band %u: virtual meters can only drop",
				    i);
	return 0;
}

static int check(const struct of_meter_mod *mm, struct of_err *e)
{
	if (mm->flags & ~(OFPMF_KBPS | OFPMF_PKTPS | OFPMF_BURST | OFPMF_STATS))
		return METER_REFUSE(e, OFPMMFC_BAD_FLAGS, "unknown meter flags 0x%x", mm->flags);
	if ((mm->flags & OFPMF_KBPS) && (mm->flags & OFPMF_PKTPS))
		return METER_REFUSE(e, OFPMMFC_BAD_FLAGS,
				    "a rate is in kb/s or in packets/s, not both");
	if (mm->bands.n > METER_BANDS_MAX)
		return METER_REFUSE(e, OFPMMFC_OUT_OF_BANDS, "%u bands, at most %u", mm->bands.n,
				    METER_BANDS_MAX);
	for (uint32_t i = 0; i < mm->bands.n; i++)
		if (check_band(mm->bands.v[i], i, meter_is_virtual(mm->meter_id), e))
			return -EPROTO;
	return 0;
}

static int add(struct dp *dp, const struct of_meter_mod *mm, struct of_err *e) CONTROL
{
	struct meter *m;

	if (meter_find(dp, mm->meter_id))
		return METER_REFUSE(e, OFPMMFC_METER_EXISTS, "meter %u exists", mm->meter_id);
	if (HASH_COUNT(dp->meters->meters) >= METERS_MAX)
		return METER_REFUSE(e, OFPMMFC_OUT_OF_METERS, "there are %u meters already",
				    METERS_MAX);
	if (check(mm, e))
		return -EPROTO;
	m = calloc(1, sizeof(*m));
	if (!m || txn_reserve(dp, 1)) {
		free(m);
		return METER_REFUSE(e, OFPMMFC_OUT_OF_METERS, "no memory for meter %u",
				    mm->meter_id);
	}
	atomic_init(&m->body, body_new(mm, e));
	if (!meter_body(m)) {
		free(m);
		return -EPROTO;
	}
	m->id = mm->meter_id;
	m->created = monotonic_now();
	hash_add(dp, m);
	txn_log(dp, undo_add, done_add, m);
	return 0;
}

static int modify(struct dp *dp, const struct of_meter_mod *mm, struct of_err *e) CONTROL
{
	struct meter *m = meter_find(dp, mm->meter_id);
	struct meter_body *b;

	if (!m)
		return METER_REFUSE(e, OFPMMFC_UNKNOWN_METER, "there is no meter %u", mm->meter_id);
	if (check(mm, e))
		return -EPROTO;
	if (txn_reserve(dp, 1))
		return METER_REFUSE(e, OFPMMFC_OUT_OF_METERS, "no memory for meter %u",
				    mm->meter_id);
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
		return METER_REFUSE(e, OFPMMFC_UNKNOWN, "no memory to delete meter %u", m->id);
	HASH_DEL(dp->meters->meters, m);
	txn_log(dp, undo_delete, done_delete, m);
	return 0;
}

/* OFPM_ALL is for the meters of flows: "virtual meters ... are not removed when deleting all". */
static int delete_all(struct dp *dp, struct of_err *e) CONTROL
{
	struct meter *next;
	int err = 0;

	for (struct meter *m = dp->meters->meters; m && !err; m = next) {
		next = m->hh.next;
		if (!meter_is_virtual(m->id))
			err = delete_one(dp, m, e);
	}
	return err;
}

int meter_mod(struct dp *dp, const struct of_meter_mod *mm, struct of_err *e)
{
	struct meter *m;

	if (mm->command > OFPMC_DELETE)
		return METER_REFUSE(e, OFPMMFC_BAD_COMMAND, "unknown meter_mod command %u",
				    mm->command);
	if (mm->command == OFPMC_DELETE && mm->meter_id == OFPM_ALL)
		return delete_all(dp, e);
	m = meter_find(dp, mm->meter_id);
	/* What is not there is deleted without an error, whatever its number (6.6). */
	if (mm->command == OFPMC_DELETE)
		return m ? delete_one(dp, m, e) : 0;
	if (!mm->meter_id || (mm->meter_id > OFPM_MAX && !meter_is_virtual(mm->meter_id)))
		return METER_REFUSE(e, OFPMMFC_INVALID_METER,
				    "meter 0x%x: 1 to 0x%x, controller or slowpath", mm->meter_id,
				    OFPM_MAX);
	return mm->command == OFPMC_ADD ? add(dp, mm, e) : modify(dp, mm, e);
}

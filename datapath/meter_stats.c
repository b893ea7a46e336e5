/* SPDX-License-Identifier: Apache-2.0 */
/* Finding and reading meters (7.3.5.12 to 7.3.5.14); the table of them; control thread. */
#include <errno.h>
#include <stdlib.h>

#include "datapath/dp.h"
#include "datapath/meter_priv.h"

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

void meter_count_flows(struct meter *m, int by)
{
	m->flows += (uint32_t)by;
}

void meter_unref(struct dp *dp, struct meter *m)
{
	m->refs--;
	meter_release_if_unused(dp, m);
}

uint32_t meter_id(const struct meter *m)
{
	return m->id;
}

int meter_check_inst(const struct dp *dp, uint32_t id, struct of_err *e)
{
	if (!id || id > OFPM_MAX)
		return METER_REFUSE(e, OFPMMFC_INVALID_METER, "flows cannot be on meter 0x%x", id);
	if (!meter_find(dp, id))
		return METER_REFUSE(e, OFPMMFC_UNKNOWN_METER, "there is no meter %u", id);
	return 0;
}

static int by_id(const void *a, const void *b)
{
	const struct meter *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

int meter_each(const struct dp *dp, uint32_t id, uint32_t from,
	       int (*visit)(void *arg, const struct meter *m), void *arg)
{
	struct meter_table *t = dp->meters;
	struct meter *m = id == OFPM_ALL ? NULL : meter_find(dp, id), *next;
	int stop = 0;

	if (id != OFPM_ALL)
		return m && id >= from ? visit(arg, m) : 0;
	if (!t->sorted)
		HASH_SORT(t->meters, by_id);
	t->sorted = true;
	for (m = t->meters; m && !stop; m = next) {
		next = m->hh.next;
		if (m->id >= from)
			stop = visit(arg, m);
	}
	return stop;
}

static struct of_any *band_stats(struct meter_band *k, struct arena *a)
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
	struct meter_body *b = meter_body(m);

	if (!s)
		return NULL;
	s->meter_id = m->id;
	s->flow_count = m->flows;
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

	if (!c || of_list_copy(&meter_body(m)->list, a, &c->bands))
		return NULL;
	c->flags = meter_body(m)->flags;
	c->meter_id = m->id;
	return c;
}

void meter_features(const struct dp *dp, struct of_mp_meter_features_reply *out)
{
	out->max_meter = METERS_MAX;
	out->band_types = 1 << OFPMBT_DROP | 1 << OFPMBT_DSCP_REMARK;
	out->capabilities = OFPMF_KBPS | OFPMF_PKTPS | OFPMF_BURST | OFPMF_STATS;
	out->max_bands = METER_BANDS_MAX;
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
		meter_release_if_unused(dp, m);
	}
	free(dp->meters);
	dp->meters = NULL;
}

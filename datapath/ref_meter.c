/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Meters of the reference interpreter: buckets that fill with time and are emptied by packets.
 *
 * What the specification leaves open is as meter.h says it; time is counted in sixteenths of a
 * cycle there, and so it is here, or the two would differ by a packet now and then.
 */
#include <errno.h>
#include <stdlib.h>

#include "datapath/ref_priv.h"
#include "ofproto/nx.h"

enum { PARTS = 16 };

static struct ref_meter **find(struct ref *r, uint32_t id)
{
	struct ref_meter **at = &r->meters;

	while (*at && (*at)->id != id)
		at = &(*at)->next;
	return at;
}

/* ---- Packets (5.7) ---- */

/* How long 'amount' bits or packets take at a rate. */
static int64_t time_of(const struct ref *r, double amount, double rate)
{
	return (int64_t)((__int128)(uint64_t)amount * r->hz * PARTS / (uint64_t)rate);
}

static void fill_up(struct ref *r, struct ref_meter *m)
{
	const int64_t passed = (int64_t)(r->cycles - m->last) * PARTS;

	for (uint32_t i = 0; i < m->list.n; i++) {
		struct ref_band *b = &m->bands[i];

		b->level = b->level + passed > b->room ? b->room : b->level + passed;
	}
	m->last = r->cycles;
}

const struct of_any *ref_meter_run(struct ref *r, uint32_t id, uint32_t bytes)
{
	struct ref_meter *m = *find(r, id);
	struct ref_band *applies = NULL;

	if (!m)
		return NULL;
	m->packets++;
	m->bytes += bytes;
	fill_up(r, m);
	for (uint32_t i = 0; i < m->list.n; i++) {
		struct ref_band *b = &m->bands[i];
		const int64_t cost = time_of(r, m->flags & OFPMF_PKTPS ? 1 : bytes * 8.0, b->rate);
		/* There is room for the packet, and for just not another one. */
		const int64_t extra = b->room < 2 * cost - 1 ? 2 * cost - 1 - b->room : 0;

		if (b->level + extra >= cost)
			b->level -= cost;
		else if (!applies || b->rate > applies->rate)
			applies = b;
	}
	if (!applies)
		return NULL;
	applies->packets++;
	applies->bytes += bytes;
	return m->list.v[applies - m->bands];
}

/* Four classes of three drop precedences each: AFxy is 8x + 2y (RFC 2597, 6). */
void ref_remark(struct ref_frame *f, unsigned int by)
{
	const struct of_field *d = &of_fields[OF_FIELD_IP_DSCP];
	struct ref_bits bits;
	unsigned int dscp = 0;

	if (!ref_meets(f, d))
		return;
	bits = ref_get(f, d);
	for (unsigned int i = 0; i < 6; i++)
		dscp |= (unsigned int)bits.bit[i] << i;
	for (unsigned int x = 1; x <= 4; x++)
		for (unsigned int y = 1; y <= 3; y++)
			if (dscp == 8 * x + 2 * y) {
				bits = ref_number(8 * x + 2 * (y + by > 3 ? 3 : y + by), 6);
				ref_set(f, d, &bits, 0);
				return;
			}
}

/* ---- Meter mods (6.6) ---- */

static void set_band(const struct ref *r, const struct ref_meter *m, struct ref_band *b,
		     const struct of_any *a)
{
	/* Both kinds begin so. */
	const struct of_band_drop *d = (const struct of_band_drop *)a;
	const bool packets = m->flags & OFPMF_PKTPS;
	double burst, least;

	*b = (struct ref_band){ .rate = packets ? d->rate : d->rate * 1000.0 };
	burst = packets ? d->burst_size : d->burst_size * 1000.0;
	least = b->rate / 1000;
	if (m->flags & OFPMF_BURST && !d->burst_size)
		least = b->rate / 100;
	if (!(m->flags & OFPMF_BURST)) {
		burst = packets ? 2 : 24000;
		least = b->rate / 10;
	}
	least = (double)(uint64_t)least;
	b->room = b->level = time_of(r, burst > least ? burst : least, b->rate);
}

/* By an instruction, or in a controller action; in instructions, or in actions. */
static bool uses(const struct of_list *l, uint32_t id)
{
	for (uint32_t i = 0; i < l->n; i++) {
		const struct of_any *a = l->v[i];
		struct of_to_controller k;

		if (a->kind == OF_KIND_inst_meter
			    ? ((const struct of_inst_meter *)a)->meter_id == id
		    : a->kind == OF_KIND_inst_apply_actions
			    ? uses(&((const struct of_inst_apply_actions *)a)->actions, id)
		    : a->kind == OF_KIND_nx_clone
			    ? uses(&((const struct of_nx_clone *)a)->actions, id)
			    : a->kind == OF_KIND_nx_controller2 && of_controller_of(a, &k) &&
				      k.meter_id == id)
			return true;
	}
	return false;
}

static void delete_meter(struct ref *r, struct ref_meter **at)
{
	struct ref_meter *m = *at;

	*at = m->next;
	for (int t = 0; t < REF_TABLES; t++)
		for (struct ref_flow **f = &r->tables[t]; *f;) {
			struct ref_flow *flow = *f;

			if (!uses(&flow->insts, m->id)) {
				f = &flow->next;
				continue;
			}
			*f = flow->next;
			ref_flow_gone(r, flow, (uint8_t)t, OFPRR_DELETE);
		}
	free(m);
}

int ref_meter_mod(struct ref *r, const struct of_meter_mod *mm)
{
	struct ref_meter **at = find(r, mm->meter_id), *m = *at;

	if (mm->command == OFPMC_DELETE) {
		if (m)
			delete_meter(r, at);
		while (mm->meter_id == OFPM_ALL && r->meters)
			delete_meter(r, &r->meters);
		return 0;
	}
	if (mm->command > OFPMC_DELETE || (mm->command == OFPMC_ADD) != !m)
		return -EPROTO;
	if (!m) {
		m = calloc(1, sizeof(*m));
		if (!m)
			return -ENOMEM;
		m->id = mm->meter_id;
		*at = m;
	}
	m->flags = mm->flags;
	m->last = r->cycles;
	if (of_list_copy(&mm->bands, &r->arena, &m->list) < 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < m->list.n && i < REF_BANDS; i++)
		set_band(r, m, &m->bands[i], m->list.v[i]);
	return 0;
}

void ref_meters_free(struct ref *r)
{
	while (r->meters) {
		struct ref_meter *m = r->meters;

		r->meters = m->next;
		free(m);
	}
}

/* ---- Counters ---- */

bool ref_meter_counts(const struct ref *r, uint32_t id, struct of_meter_stats *s)
{
	for (const struct ref_meter *m = r->meters; m; m = m->next) {
		if (m->id != id)
			continue;
		s->packet_in_count = m->packets;
		s->byte_in_count = m->bytes;
		s->flow_count = 0;
		for (int t = 0; t < REF_TABLES; t++)
			for (const struct ref_flow *f = r->tables[t]; f; f = f->next)
				s->flow_count += uses(&f->insts, id);
		return true;
	}
	return false;
}

bool ref_band_counts(const struct ref *r, uint32_t id, uint32_t band, uint64_t *packets,
		     uint64_t *bytes)
{
	for (const struct ref_meter *m = r->meters; m; m = m->next)
		if (m->id == id && band < m->list.n) {
			*packets = m->bands[band].packets;
			*bytes = m->bands[band].bytes;
			return true;
		}
	return false;
}

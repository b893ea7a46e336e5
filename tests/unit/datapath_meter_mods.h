/* SPDX-License-Identifier: Apache-2.0 */
/* Meter mods with drop bands, as the meters' tests send them. */
#ifndef WEFT_TESTS_DATAPATH_METER_MODS_H
#define WEFT_TESTS_DATAPATH_METER_MODS_H

#include "tests/unit/datapath_harness.h"

static inline struct of_meter_mod *meter(uint16_t command, uint16_t flags, uint32_t id)
{
	struct of_meter_mod *mm = OF_NEW(&h.a, meter_mod);

	mm->command = command;
	mm->flags = flags;
	mm->meter_id = id;
	return mm;
}

static inline void band(struct of_meter_mod *mm, uint32_t rate, uint32_t burst)
{
	struct of_band_drop *d = OF_NEW(&h.a, band_drop);

	d->rate = rate;
	d->burst_size = burst;
	assert_int_equal(of_list_add(&mm->bands, &h.a, (struct of_any *)d), 0);
}

#endif

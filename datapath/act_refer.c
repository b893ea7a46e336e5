/* SPDX-License-Identifier: Apache-2.0 */
/* What instructions refer to: ports, groups, the meters that their packet-ins go through. */
#include <stdlib.h>

#include "datapath/act_priv.h"
#include "datapath/group.h"
#include "datapath/meter.h"

bool insts_has_port(const struct insts *i, uint32_t port)
{
	for (uint32_t n = 0; n < i->n_ports; n++)
		if (i->ports[n] == port)
			return true;
	return false;
}

bool insts_has_group(const struct insts *i, uint32_t id)
{
	for (uint32_t n = 0; n < i->n_groups; n++)
		if (group_id(i->groups[n]) == id)
			return true;
	return false;
}

static bool has(const struct insts *i, const struct meter *m)
{
	for (uint32_t n = 0; n < i->n_meters; n++)
		if (i->meters[n] == m)
			return true;
	return false;
}

bool act_refer_meters(struct insts *i, const struct act_op *op, uint32_t n)
{
	for (uint32_t k = 0; k < n; k++) {
		if (op[k].code != ACT_CONTROLLER2 || !op[k].up.meter || has(i, op[k].up.meter))
			continue;
		if (!i->meters)
			i->meters = calloc(n, sizeof(struct meter *));
		if (!i->meters)
			return false;
		i->meters[i->n_meters++] = op[k].up.meter;
	}
	return true;
}

bool insts_has_meter(const struct insts *i, const struct meter *m)
{
	return i->meter == m || has(i, m);
}

bool act_meters_current(const struct dp *dp, const struct insts *i)
{
	if (i->meter && meter_find(dp, meter_id(i->meter)) != i->meter)
		return false;
	for (uint32_t n = 0; n < i->n_meters; n++)
		if (meter_find(dp, meter_id(i->meters[n])) != i->meters[n])
			return false;
	return true;
}

void act_ref_meters(struct insts *i)
{
	if (i->meter)
		meter_ref(i->meter);
	for (uint32_t n = 0; n < i->n_meters; n++)
		meter_ref(i->meters[n]);
}

void act_unref_meters(struct dp *dp, struct insts *i)
{
	if (i->meter)
		meter_unref(dp, i->meter);
	for (uint32_t n = 0; n < i->n_meters; n++)
		meter_unref(dp, i->meters[n]);
}

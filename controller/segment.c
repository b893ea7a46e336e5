/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/segment.h"

#include <errno.h>
#include <string.h>

#include "vlan/vid.h"
#include "vxlan/vni.h"

int segment_limits(enum net_type type, uint32_t *min, uint32_t *max)
{
	if (type == NET_FLAT)
		return -EINVAL;
	*min = 1; /* VNI 0 is given by hand only */
	*max = type == NET_VXLAN ? VNI_MAX : VID_MAX;
	return 0;
}

bool segment_is_taken(const struct world *w, enum net_type type, const char *physnet,
		      uint32_t segment)
{
	uint32_t got;

	return type == NET_VXLAN ? vni_is_taken(w->vnis, segment)
				 : vid_next(w->vids, physnet, segment, segment, &got) != 0;
}

static bool is_of(const struct segment_range *r, enum net_type type, const char *physnet)
{
	return !strcmp(r->a.network_type, net_type_names[type]) &&
	       (type == NET_VXLAN || !strcmp(r->a.physnet, physnet));
}

/* Where the search goes on when the segment is in a range of somebody else; 0: it is not. */
static uint32_t beyond_foreign(const struct world *w, enum net_type type, const char *physnet,
			       const char *project, uint32_t segment)
{
	for (WORLD_ALL(segment_range, SEGMENT_RANGE, r, w))
		if (!r->a.shared && is_of(r, type, physnet) && strcmp(r->a.tenant_id, project) &&
		    r->a.minimum <= segment && segment <= r->a.maximum)
			return r->a.maximum + 1;
	return 0;
}

struct search {
	const struct world *w;
	enum net_type type;
	const char *physnet, *project;
};

static int scan(const struct search *s, uint32_t from, uint32_t to, uint32_t *out)
{
	while (from <= to) {
		int rc = s->type == NET_VXLAN ? vni_next(s->w->vnis, from, to, out)
					      : vid_next(s->w->vids, s->physnet, from, to, out);

		if (rc)
			return rc;
		from = beyond_foreign(s->w, s->type, s->physnet, s->project, *out);
		if (!from)
			return 0;
	}
	return -ENOSPC;
}

/* VNIs rest: from the one after the last, and around. */
static int draw(const struct search *s, uint32_t min, uint32_t max, uint32_t *out)
{
	uint32_t last = s->type == NET_VXLAN ? vni_last(s->w->vnis) : 0;

	if (last < min || last >= max)
		return scan(s, min, max, out);
	return scan(s, last + 1, max, out) && scan(s, min, last, out) ? -ENOSPC : 0;
}

int segment_choose(const struct world *w, enum net_type type, const char *physnet,
		   const char *project, uint32_t *segment)
{
	const struct search s = { w, type, physnet, project };
	uint32_t min, max;

	for (int shared = 0; shared <= 1; shared++)
		for (WORLD_ALL(segment_range, SEGMENT_RANGE, r, w))
			if (!r->a.is_default && r->a.shared == shared &&
			    (shared || !strcmp(r->a.tenant_id, project)) &&
			    is_of(r, type, physnet) &&
			    !draw(&s, r->a.minimum, r->a.maximum, segment))
				return 0;
	return segment_limits(type, &min, &max) ? -ENOSPC : draw(&s, min, max, segment);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What group mods are refused for (6.5, 7.3.4.2, 7.4.7). */
#include <errno.h>

#include "datapath/act.h"
#include "datapath/dp.h"
#include "datapath/group_priv.h"

static int check_watch(struct dp *dp, const struct group_spec *s, const struct of_bucket *k,
		       struct of_err *e) CONTROL
{
	bool port = k->watch_port != OFPP_ANY, group = k->watch_group != OFPG_ANY;

	if (s->type == OFPGT_FF && !port && !group)
		return GROUP_REFUSE(e, OFPGMFC_BAD_WATCH,
				    "a fast failover bucket watches a port or a group");
	if ((port || group) && s->type != OFPGT_FF && s->type != OFPGT_SELECT)
		return GROUP_REFUSE(e, OFPGMFC_WATCH_UNSUPPORTED,
				    "only buckets of fast failover and select groups are watched; "
				    "say OFPP_ANY and OFPG_ANY");
	if (port && k->watch_port != OFPP_LOCAL && (!k->watch_port || k->watch_port > OFPP_MAX))
		return GROUP_REFUSE(e, OFPGMFC_BAD_WATCH, "port 0x%x cannot be watched",
				    k->watch_port);
	if (group && (k->watch_group == s->id || !group_find(dp, k->watch_group)))
		return GROUP_REFUSE(e, OFPGMFC_BAD_WATCH, "group %u cannot be watched: %s",
				    k->watch_group,
				    k->watch_group == s->id ? "it is the same" : "there is none");
	return 0;
}

/* What can be said without the other groups. */
int group_check(struct dp *dp, const struct group_spec *s, struct of_err *e) CONTROL
{
	if (s->id > OFPG_MAX)
		return GROUP_REFUSE(e, OFPGMFC_INVALID_GROUP, "group ids end at 0x%x", OFPG_MAX);
	if (s->type > OFPGT_FF)
		return GROUP_REFUSE(e, OFPGMFC_BAD_TYPE, "unknown group type %u", s->type);
	if (s->type == OFPGT_INDIRECT && s->buckets.n != 1)
		return GROUP_REFUSE(e, OFPGMFC_INVALID_GROUP,
				    "an indirect group has one bucket, not %u", s->buckets.n);
	if (s->buckets.n > BUCKETS_MAX)
		return GROUP_REFUSE(e, OFPGMFC_OUT_OF_BUCKETS, "%u buckets, at most %u",
				    s->buckets.n, BUCKETS_MAX);
	for (uint32_t i = 0; i < s->buckets.n; i++) {
		const struct of_bucket *k = OF_AT(&s->buckets, i, bucket);

		if (k->weight && s->type != OFPGT_SELECT)
			return GROUP_REFUSE(e, OFPGMFC_WEIGHT_UNSUPPORTED,
					    "weight %u: only buckets of select groups have one",
					    k->weight);
		if (check_watch(dp, s, k, e))
			return -EPROTO;
		for (uint32_t n = 0; n < k->actions.n; n++)
			if (k->actions.v[n]->kind == OF_KIND_action_group &&
			    OF_AT(&k->actions, n, action_group)->group_id == s->id)
				return GROUP_REFUSE(e, OFPGMFC_LOOP, "group %u in its own bucket",
						    s->id);
	}
	return 0;
}

/* ---- Loops ---- */

enum walk { WALK_ENDS, WALK_LOOPS, WALK_TOO_DEEP };

/* Whether one comes from the body to 'g', or through more groups than packets may go through. */
static enum walk walk(const struct group_body *b, const struct group *g, uint32_t mark,
		      unsigned int depth)
{
	if (depth > GROUP_DEPTH)
		return WALK_TOO_DEEP;
	for (uint32_t i = 0; i < b->n; i++) {
		const struct insts *in = b->bucket[i].insts;

		for (uint32_t n = 0; n < in->n_groups; n++) {
			struct group *to = in->groups[n];
			enum walk w;

			if (to == g)
				return WALK_LOOPS;
			/* Seen from as far up or farther: nothing new below. */
			if (to->mark == mark && to->depth >= depth)
				continue;
			to->mark = mark;
			to->depth = depth;
			w = walk(group_body(to), g, mark, depth + 1);
			if (w != WALK_ENDS)
				return w;
		}
	}
	return WALK_ENDS;
}

/* Whether the body forwards to 'g' (level 0), or to a group that was found 'level' up. */
static bool leads_to(const struct group_body *b, const struct group *g, uint32_t mark,
		     unsigned int level)
{
	for (uint32_t i = 0; i < b->n; i++)
		for (uint32_t n = 0; n < b->bucket[i].insts->n_groups; n++) {
			const struct group *to = b->bucket[i].insts->groups[n];

			if (level ? to->mark == mark && to->depth == level : to == g)
				return true;
		}
	return false;
}

/* How many groups a packet may have gone through before it comes to 'g'; looks at all groups, but
 * only where some forward to it. */
static unsigned int height(struct dp *dp, const struct group *g)
{
	const uint32_t mark = ++dp->groups->mark;
	unsigned int level = 0;
	bool found = true;

	while (found && level < GROUP_DEPTH) {
		found = false;
		for (struct group *x = dp->groups->groups; x; x = x->hh.next) {
			if (!leads_to(group_body(x), g, mark, level))
				continue;
			x->mark = mark;
			x->depth = level + 1;
			found = true;
		}
		level += found;
	}
	return level;
}

/* ---- Circles of groups that watch each other ---- */

enum { WATCH_DEPTH = 64 };

static enum walk walk_watched(const struct dp *dp, const struct group_body *b,
			      const struct group *g, uint32_t mark, unsigned int depth) CONTROL
{
	if (depth > WATCH_DEPTH)
		return WALK_TOO_DEEP;
	for (uint32_t i = 0; i < b->n; i++) {
		const uint32_t id = b->bucket[i].watch_group;
		struct group *to = id == OFPG_ANY ? NULL : group_find(dp, id);
		enum walk w;

		if (id == g->id)
			return WALK_LOOPS;
		if (!to || (to->mark == mark && to->depth >= depth))
			continue;
		to->mark = mark;
		to->depth = depth;
		w = walk_watched(dp, group_body(to), g, mark, depth + 1);
		if (w != WALK_ENDS)
			return w;
	}
	return WALK_ENDS;
}

int group_check_chain(struct dp *dp, const struct group_body *b, const struct group *g,
		      struct of_err *e)
{
	unsigned int above = 0;
	bool forwards = false;

	for (uint32_t i = 0; i < b->n; i++)
		forwards = forwards || b->bucket[i].insts->n_groups;
	if (forwards && g->chained)
		above = height(dp, g);
	switch (walk(b, g, ++dp->groups->mark, above + 1)) {
	case WALK_LOOPS:
		return GROUP_REFUSE(e, OFPGMFC_LOOP, "the group would come back to itself");
	case WALK_TOO_DEEP:
		return GROUP_REFUSE(e, OFPGMFC_CHAINING_UNSUPPORTED,
				    "more than %u groups one after the other", GROUP_DEPTH);
	case WALK_ENDS:
		break;
	}
	switch (walk_watched(dp, b, g, ++dp->groups->mark, 1)) {
	case WALK_LOOPS:
		return GROUP_REFUSE(e, OFPGMFC_LOOP, "group %u would watch itself", g->id);
	case WALK_TOO_DEEP:
		return GROUP_REFUSE(e, OFPGMFC_BAD_WATCH, "more than %d groups watch one the other",
				    WATCH_DEPTH);
	case WALK_ENDS:
		break;
	}
	return 0;
}

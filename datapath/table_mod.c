/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OFPT_FLOW_MOD: section 6.4 and 7.3.4.1, command by command.
 *
 * Everything that can be refused is looked at before the first change, so that a flow_mod happens
 * as a whole or not at all.  A modified flow is another one at the next version, which counts on
 * under the same id.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/act.h"
#include "datapath/cls_conj.h"
#include "datapath/table_state.h"

enum {
	KNOWN_FLAGS = OFPFF_SEND_FLOW_REM | OFPFF_CHECK_OVERLAP | OFPFF_RESET_COUNTS |
		      OFPFF_NO_PKT_COUNTS | OFPFF_NO_BYT_COUNTS,
};

static int no_memory(struct of_err *e)
{
	return of_err_set(e, OFPET_FLOW_MOD_FAILED, OFPFMFC_UNKNOWN, "out of memory");
}

/* The first field with bits in 'mask' that this switch does not fill. */
static const char *unsupported(const struct table_state *s, const struct flow_key *mask)
{
	FIELD_EACH (f) {
		uint8_t bits[16] = { 0 };

		if (field_supported(f->id))
			continue;
		of_field_get(f, mask, bits);
		for (unsigned int i = 0; i < f->bytes; i++)
			if (bits[i])
				return f->name;
	}
	return "padding";
}

static int check_match(const struct table_state *s, const struct flow_key *mask, struct of_err *e)
{
	const uint64_t *w = (const uint64_t *)mask, *ok = (const uint64_t *)&s->supported;

	for (unsigned int i = 0; i < FLOW_KEY_WORDS; i++)
		if (w[i] & ~ok[i])
			return of_err_set(e, OFPET_BAD_MATCH, OFPBMC_BAD_FIELD,
					  "this switch cannot match on %s", unsupported(s, mask));
	return 0;
}

static int check(struct dp *dp, const struct of_flow_mod *fm, struct of_err *e) CONTROL
{
	bool delete = fm->command == OFPFC_DELETE || fm->command == OFPFC_DELETE_STRICT;

	if (fm->command > OFPFC_DELETE_STRICT)
		return of_err_set(e, OFPET_FLOW_MOD_FAILED, OFPFMFC_BAD_COMMAND,
				  "unknown flow_mod command %u", fm->command);
	if (fm->table_id >= N_TABLES && !(delete &&fm->table_id == OFPTT_ALL))
		return of_err_set(e, OFPET_FLOW_MOD_FAILED, OFPFMFC_BAD_TABLE_ID,
				  "table %u: tables are 0 to %u%s", fm->table_id, N_TABLES - 1,
				  delete ? ", or 255 for all" : "");
	if (fm->table_id < N_TABLES && !table_caps(dp, fm->table_id)->present)
		return of_err_set(e, OFPET_FLOW_MOD_FAILED, OFPFMFC_BAD_TABLE_ID,
				  "table %u was removed from the pipeline", fm->table_id);
	if (fm->flags & ~KNOWN_FLAGS)
		return of_err_set(e, OFPET_FLOW_MOD_FAILED, OFPFMFC_BAD_FLAGS,
				  "unknown flow_mod flags 0x%x", fm->flags & ~KNOWN_FLAGS);
	return check_match(dp->table_state, &fm->match.mask, e);
}

/* ---- OFPFC_ADD ---- */

struct overlap {
	const struct of_flow_mod *fm;
};

static int overlaps(void *arg, struct cls_rule *r)
{
	const struct overlap *o = arg;
	struct of_match m;

	role_assume_control();
	if (r->priority != o->fm->priority)
		return 0;
	flow_match(flow_of_rule(r), &m);
	return of_match_overlaps(&m, &o->fm->match);
}

static int check_add(struct dp *dp, const struct of_flow_mod *fm, const struct flow *old,
		     struct flow **evicted, struct of_err *e) CONTROL
{
	struct table_state *s = dp->table_state;
	struct table *t = &s->tables[fm->table_id];
	struct overlap o = { fm };

	if ((fm->flags & OFPFF_CHECK_OVERLAP) && t->begun && cls_hash_each(&t->index, overlaps, &o))
		return of_err_set(e, OFPET_FLOW_MOD_FAILED, OFPFMFC_OVERLAP,
				  "table %u has a flow of priority %u that overlaps", fm->table_id,
				  fm->priority);
	if (old || !t->begun || t->index.n < s->caps[fm->table_id].can.max_entries)
		return 0;
	*evicted = evict_choose(t, fm->importance);
	if (!*evicted)
		return of_err_set(e, OFPET_FLOW_MOD_FAILED, OFPFMFC_TABLE_FULL,
				  "table %u is full: it has %u flows", fm->table_id, t->index.n);
	return 0;
}

/* What the flow does: fit for the switch, and for its table. */
static int instruct(struct dp *dp, struct flow *f, const struct of_list *insts,
		    const struct of_match *m, struct of_err *e) CONTROL
{
	f->insts = insts_get(dp, insts, f->table_id, m, e);
	if (!f->insts)
		return -EPROTO;
	f->rule.conj = f->insts->conj != NULL;
	if (f->rule.conj && !table_cls_admits(dp, f->table_id, f->rule.mask))
		return of_err_set(e, OFPET_FLOW_MOD_FAILED, OFPFMFC_TABLE_FULL,
				  "the conjunctive flows of table %u have more than %d masks",
				  f->table_id, CONJ_MASKS_MAX);
	return table_caps_check(dp, f->table_id, m, f->rule.priority, insts, e);
}

/*
 * A flow of the same match and priority is replaced: duration from zero, counters from zero with
 * OFPFF_RESET_COUNTS, else copied; nobody is told (6.4).
 */
static int add(struct dp *dp, const struct of_flow_mod *fm, struct of_err *e) CONTROL
{
	struct flow *old = table_find(dp, fm->table_id, &fm->match, fm->priority), *f;
	struct flow *evicted = NULL;
	bool keep = old && !(fm->flags & OFPFF_RESET_COUNTS);

	if (check_add(dp, fm, old, &evicted, e))
		return -EPROTO;
	f = flow_new(dp, &fm->match, fm->priority);
	if (!f)
		return no_memory(e);
	f->table_id = fm->table_id;
	f->cookie = fm->cookie;
	f->flags = fm->flags;
	f->importance = fm->importance;
	f->idle_timeout = fm->idle_timeout;
	f->hard_timeout = fm->hard_timeout;
	f->created = monotonic_now();
	if (instruct(dp, f, &fm->insts, &fm->match, e)) {
		flow_free(dp, f);
		return -EPROTO;
	}
	if (keep) {
		flow_succeed(dp, old, f);
	} else if (flow_id_get(dp, &f->id)) {
		flow_free(dp, f);
		return of_err_set(e, OFPET_FLOW_MOD_FAILED, OFPFMFC_TABLE_FULL, "no flow id left");
	} else {
		f->owns_id = true;
		flow_counts_reset(dp, f);
	}
	if (flow_timer_start(dp, f, NULL) || txn_reserve(dp, 2))
		goto undo;
	if (old)
		table_unlink(dp, old, FLOW_GONE_SILENTLY);
	if (table_link(dp, f))
		goto undo_unlink;
	if (evicted) /* this cannot fail, and is told at once */
		table_unlink(dp, evicted, OFPRR_EVICTION);
	table_note(dp, OFPFME_ADDED, f, old, 0);
	return 0;
undo_unlink:
	if (old)
		table_relink(dp, old);
undo:
	if (keep) {
		old->owns_id = true;
		f->owns_id = false;
	}
	flow_free(dp, f);
	return no_memory(e);
}

/* ---- OFPFC_MODIFY, OFPFC_MODIFY_STRICT ---- */

/* The flow with other instructions; all else stays (6.4). */
static struct flow *altered(struct dp *dp, const struct flow *old, const struct of_flow_mod *fm,
			    struct of_err *e) CONTROL
{
	struct of_match m;
	struct flow *f;

	flow_match(old, &m);
	f = flow_new(dp, &m, old->rule.priority);
	if (!f) {
		no_memory(e);
		return NULL;
	}
	f->table_id = old->table_id;
	/* An addition that finds its flow is a learned one (table_learn()). */
	f->cookie = fm->command == OFPFC_ADD && fm->cookie ? fm->cookie : old->cookie;
	f->flags = old->flags;
	f->importance = old->importance;
	f->idle_timeout = old->idle_timeout;
	f->hard_timeout = old->hard_timeout;
	f->created = old->created;
	/* Against each flow's own match: what the request leaves open may be exact there. */
	if (instruct(dp, f, &fm->insts, &m, e)) {
		flow_free(dp, f);
		return NULL;
	}
	if (flow_timer_start(dp, f, old)) {
		flow_free(dp, f);
		no_memory(e);
		return NULL;
	}
	return f;
}

/* The flows stand anywhere in memory: those of the next turns come into the cache. */
static void ahead(const struct flow_vec *v, uint32_t i)
{
	enum { AHEAD = 6 };
	const char *f = i + AHEAD < v->n ? (const char *)v->v[i + AHEAD] : NULL;

	if (!f)
		return;
	__builtin_prefetch(f);
	__builtin_prefetch(f + 64);
	__builtin_prefetch(f + 128);
}

static int modify(struct dp *dp, const struct of_flow_mod *fm, struct flow_vec *v,
		  struct of_err *e) CONTROL
{
	struct flow **successor = calloc(v->n + 1, sizeof(*successor));
	uint32_t n = 0;
	int err = 0;

	if (!successor || txn_reserve(dp, 2 * v->n))
		err = no_memory(e);
	for (; !err && n < v->n; n++) {
		ahead(v, n);
		breathe(dp, n);
		successor[n] = altered(dp, v->v[n], fm, e);
		if (!successor[n]) {
			err = -EPROTO;
			break;
		}
	}
	for (uint32_t i = 0; i < n; i++) {
		struct flow *old = v->v[i], *f = successor[i];

		breathe(dp, i);
		ahead(v, i);
		if (!err) {
			flow_succeed(dp, old, f);
			if (fm->flags & OFPFF_RESET_COUNTS)
				flow_counts_reset(dp, f);
			table_unlink(dp, old, FLOW_GONE_SILENTLY);
			if (!table_link(dp, f)) {
				/* Equal instructions are one (act.h). */
				if (f->insts != old->insts)
					table_note(dp, OFPFME_MODIFIED, f, old, 0);
				continue;
			}
			table_relink(dp, old);
			f->owns_id = false;
			err = no_memory(e);
		}
		flow_free(dp, f);
	}
	free(successor);
	return err;
}

/* ---- OFPFC_DELETE, OFPFC_DELETE_STRICT, and what all share ---- */

/* Those of one table stand side by side.  How many there are. */
static uint32_t delete_of_table(struct dp *dp, const struct flow_vec *v, uint32_t first) CONTROL
{
	const uint8_t table_id = v->v[first]->table_id;
	uint32_t n = 1;

	while (first + n < v->n && v->v[first + n]->table_id == table_id)
		n++;
	table_unlink_whole(dp, table_id, n);
	for (uint32_t i = first; i < first + n; i++) {
		ahead(v, i);
		breathe(dp, i);
		table_unlink(dp, v->v[i], OFPRR_DELETE);
	}
	return n;
}

static int delete (struct dp *dp, struct flow_vec *v, struct of_err *e)CONTROL
{
	if (txn_reserve(dp, v->n))
		return no_memory(e);
	for (uint32_t i = 0; i < v->n;)
		i += delete_of_table(dp, v, i);
	return 0;
}

/* The one flow that a strict command names, if the rest of the filter agrees. */
static int collect_strict(struct dp *dp, const struct of_flow_mod *fm, const struct flow_filter *q,
			  struct flow_vec *v) CONTROL
{
	unsigned int first = fm->table_id == OFPTT_ALL ? 0 : fm->table_id;
	unsigned int last = fm->table_id == OFPTT_ALL ? N_TABLES - 1 : fm->table_id;

	*v = (struct flow_vec){ 0 };
	v->v = calloc(last - first + 1, sizeof(struct flow *));
	if (!v->v)
		return -ENOMEM;
	for (unsigned int t = first; t <= last; t++) {
		struct flow *f = table_find(dp, (uint8_t)t, &fm->match, fm->priority);

		if (f && flow_selected(f, q))
			v->v[v->n++] = f;
	}
	return 0;
}

int table_flow_mod(struct dp *dp, const struct of_flow_mod *fm, struct of_err *e)
{
	bool strict = fm->command == OFPFC_MODIFY_STRICT || fm->command == OFPFC_DELETE_STRICT;
	bool deletes = fm->command == OFPFC_DELETE || fm->command == OFPFC_DELETE_STRICT;
	/* out_port and out_group are a delete's alone (7.3.4.1). */
	struct flow_filter q = {
		.table_id = fm->table_id,
		.match = strict ? NULL : &fm->match,
		.out_port = deletes ? fm->out_port : OFPP_ANY,
		.out_group = deletes ? fm->out_group : OFPG_ANY,
		.cookie = fm->cookie,
		.cookie_mask = fm->cookie_mask,
	};
	struct flow_vec v;
	int err = check(dp, fm, e);

	if (err)
		return err;
	if (fm->command == OFPFC_ADD)
		return add(dp, fm, e);
	err = strict ? collect_strict(dp, fm, &q, &v) : table_collect(dp, &q, &v);
	if (err)
		err = no_memory(e);
	else
		err = deletes ? delete (dp, &v, e) : modify(dp, fm, &v, e);
	free(v.v);
	return err;
}

/* ---- Learned flows ---- */

/* The flow does what the message says, and has its cookie. */
static bool is_as(struct dp *dp, const struct flow *f, const struct of_flow_mod *fm,
		  struct of_err *e) CONTROL
{
	struct insts *i = insts_get(dp, &fm->insts, fm->table_id, &fm->match, e);
	const bool same = i == f->insts;

	insts_put(dp, i);
	return same && (!fm->cookie || fm->cookie == f->cookie);
}

enum table_learned table_learn(struct dp *dp, const struct of_flow_mod *fm, bool may_add,
			       struct of_err *e)
{
	struct flow_vec v;
	struct flow *old;
	int err = check(dp, fm, e);

	if (err || table_in_bundle(dp))
		return TABLE_LEARN_REFUSED;
	old = table_find(dp, fm->table_id, &fm->match, fm->priority);
	if (!old && !may_add)
		return TABLE_LEARN_LIMITED;
	if (!old)
		return add(dp, fm, e) ? TABLE_LEARN_REFUSED : TABLE_LEARN_ADDED;
	if (is_as(dp, old, fm, e)) {
		flow_timer_refresh(dp, old, monotonic_now());
		return TABLE_LEARN_REFRESHED;
	}
	v = (struct flow_vec){ .v = &old, .n = 1 };
	if (modify(dp, fm, &v, e))
		return TABLE_LEARN_REFUSED;
	old = table_find(dp, fm->table_id, &fm->match, fm->priority);
	flow_timer_refresh(dp, old, monotonic_now());
	return TABLE_LEARN_MODIFIED;
}

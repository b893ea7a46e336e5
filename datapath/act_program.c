/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs: instructions, or actions of a bucket or a packet-out, compiled once for all flows that
 * have the same (act.h), and what they refer to.
 */
#include <errno.h>
#include <stdlib.h>

#include <uthash.h>

#include "datapath/act_ct.h"
#include "datapath/act_priv.h"
#include "datapath/change.h"
#include "datapath/conj.h"
#include "datapath/dp.h"
#include "datapath/group.h"
#include "datapath/meter.h"

#define AS(name) ((const struct of_##name *)a)

enum { CLONE_HEADER = 16, LAST_MAX = 256 };

enum form { FORM_INSTS, FORM_ACTIONS, FORM_BUCKET };

/* One compiled list: a single block, but for the decoded copy of it. */
struct program {
	struct insts i; /* first: what others hold */
	UT_hash_handle hh;
	struct arena arena; /* of i.list */
	struct arena extra; /* of ops that have memory of their own */
	struct conj_set *conj;
	bool failed; /* no memory for a part of it */
	bool hashed;
	struct dp *dp;
	uint32_t key_len;
	uint8_t *key;	   /* form, then the wire bytes */
	struct act_op *op; /* what apply and write point to */
	uint32_t n_op, used;
};

struct insts_table {
	struct program *programs;
	struct arena scratch;		  /* to learn how much a copy of a list takes */
	uint32_t readers[FLOW_KEY_WORDS]; /* programs of flows that read this word of the key */
	uint8_t key[1 + OF_MSG_MAX];
	/* The instructions that were asked for last, as they came, and what they are. */
	struct program *last; /* NULL: not known */
	uint32_t last_len;
	uint8_t last_wire[LAST_MAX];
};

int insts_table_new(struct dp *dp)
{
	dp->insts = calloc(1, sizeof(*dp->insts));
	if (!dp->insts)
		return -ENOMEM;
	arena_init(&dp->insts->scratch, 0);
	return 0;
}

static void program_free(void *arg)
{
	struct program *g = arg;

	arena_fini(&g->arena);
	arena_fini(&g->extra);
	free(g->conj);
	free(g->i.meters);
	role_assume_control();
	act_free_learns(g->dp, &g->i);
	free(g);
}

/* dp->action_words: what the programs read that a packet may still meet. */
static void count_reads(struct program *g, uint32_t by) CONTROL
{
	uint32_t *readers = g->dp->insts->readers;
	uint64_t words = atomic_load_explicit(&g->dp->action_words, memory_order_relaxed);

	for (uint64_t left = g->i.reads; left; left &= left - 1) {
		const unsigned int n = (unsigned int)__builtin_ctzll(left);

		readers[n] += by;
		if (readers[n])
			words |= UINT64_C(1) << n;
		else
			words &= ~(UINT64_C(1) << n);
	}
	atomic_store_explicit(&g->dp->action_words, words, memory_order_release);
}

/* No packet meets it any more. */
static void program_retired(void *arg)
{
	role_assume_control();
	count_reads(arg, (uint32_t)-1);
	program_free(arg);
}

void insts_table_free(struct dp *dp)
{
	struct program *g, *next;

	if (!dp->insts)
		return;
	HASH_ITER (hh, dp->insts->programs, g, next) {
		HASH_DEL(dp->insts->programs, g);
		program_free(g);
	}
	arena_fini(&dp->insts->scratch);
	free(dp->insts);
	dp->insts = NULL;
}

/* ---- Lists ---- */

/* What of an op does not fit into it. */
static void complete(struct program *g, struct act_op *op) CONTROL
{
	if (op->code != ACT_CT)
		return;
	g->extra.limit += act_ct_size(op->ct_from);
	if (!act_compile_ct(&g->extra, op->ct_from, op)) {
		op->code = ACT_EXIT;
		g->failed = true;
	}
}

static struct act_op *compile_list(struct dp *dp, struct program *g, const struct of_list *l,
				   const uint8_t *wire, uint32_t *n) CONTROL;

static void compile_clone(struct dp *dp, struct program *g, const struct of_nx_clone *a,
			  const uint8_t *wire, struct act_op *op) CONTROL
{
	uint32_t n;
	struct act_op *prog = compile_list(dp, g, &a->actions, wire + CLONE_HEADER, &n);

	/* TABLE ends a packet-out; a clone comes back from it. */
	for (uint32_t i = 0; i < n; i++)
		if (prog[i].code == ACT_TABLE)
			prog[i] = (struct act_op){ .code = ACT_CALL,
						   .wire = prog[i].wire,
						   .call.in_port = OFPP_IN_PORT };
	act_compile_clone(op, prog, &g->i);
}

/* The next of the program's ops; '*n' of them, with ACT_END at the end.  Lists in it stand behind.
 */
static struct act_op *compile_list(struct dp *dp, struct program *g, const struct of_list *l,
				   const uint8_t *wire, uint32_t *n)
{
	struct act_op *op = g->op + g->used;

	*n = 0;
	g->used += l->n + 1;
	for (uint32_t i = 0; i < l->n; i++, wire += get_be16(wire + 2)) {
		struct act_op *to = &op[*n];

		if (l->v[i]->kind == OF_KIND_nx_clone)
			compile_clone(dp, g, (const struct of_nx_clone *)l->v[i], wire, to);
		else if (act_compile(dp, l->v[i], to))
			complete(g, to);
		else
			continue;
		to->wire = (int32_t)(wire - (uint8_t *)to);
		++*n;
	}
	op[(*n)++].code = ACT_END;
	return op;
}

/* A bucket runs as an action set (5.6.1): one of each kind, in the order of 5.10. */
static void compile_bucket(struct dp *dp, struct program *g, const struct of_list *l) CONTROL
{
	const struct act_op *order[N_ACT_SLOTS + ACT_SET_FIELDS];
	struct act_op sorted[N_ACT_SLOTS + ACT_SET_FIELDS];
	struct act_set set = { 0 };
	unsigned int n;
	uint32_t n_op;

	compile_list(dp, g, l, g->key + 1, &n_op);
	act_set_merge(&set, g->op);
	n = act_set_order(&set, order);
	for (unsigned int i = 0; i < n; i++) {
		sorted[i] = *order[i];
		sorted[i].wire += (int32_t)((char *)order[i] - (char *)&g->op[i]);
	}
	memcpy(g->op, sorted, n * sizeof(sorted[0]));
	g->op[n].code = ACT_END;
	g->n_op = n + 1; /* what the set has left out refers to nothing */
}

/* Flows with conjunctions have nothing else to do. */
static void compile_conj(struct program *g, const struct of_list *l) CONTROL
{
	if (!conj_is_in(l))
		return;
	g->i.conj = g->conj = conj_set_new(l);
	g->failed = !g->conj;
}

/*
 * What the actions of a way's last flow read decides nothing that has still to be found: they are
 * executed on each packet anew, and what they come to on the express way holds for any frame that
 * express_fits().  But for a TTL: one that ends there ends the way, and only those are composed
 * that do not.
 */
static uint64_t reads_at_end(const struct act_op *op)
{
	struct insts i = { .reads = 0 };

	for (; op->code != ACT_END; op++)
		if (op->code == ACT_DEC_NW_TTL || op->code == ACT_DEC_MPLS_TTL ||
		    op->code == ACT_DEC_TTL_IDS)
			act_sum_up(&i, op);
	return i.reads;
}

static void compile_insts(struct dp *dp, struct program *g, const struct of_list *l) CONTROL
{
	struct insts *in = &g->i;
	const uint8_t *wire = g->key + 1;
	struct act_op *apply = NULL;
	uint32_t n = 0, n_write;

	for (uint32_t i = 0; i < l->n; i++, wire += get_be16(wire + 2)) {
		const struct of_any *a = l->v[i];

		switch (a->kind) {
		case OF_KIND_inst_apply_actions:
			apply = compile_list(dp, g, &AS(inst_apply_actions)->actions, wire + 8, &n);
			compile_conj(g, &AS(inst_apply_actions)->actions);
			break;
		case OF_KIND_inst_write_actions:
			in->write = compile_list(dp, g, &AS(inst_write_actions)->actions, wire + 8,
						 &n_write);
			break;
		case OF_KIND_inst_clear_actions:
			in->clear = true;
			break;
		case OF_KIND_inst_write_metadata:
			in->metadata = htobe64(AS(inst_write_metadata)->metadata);
			in->metadata_mask = htobe64(AS(inst_write_metadata)->metadata_mask);
			break;
		case OF_KIND_inst_meter:
			in->meter = meter_find(dp, AS(inst_meter)->meter_id);
			break;
		case OF_KIND_inst_goto_table:
			in->goto_table = AS(inst_goto_table)->table_id;
			break;
		default:
			break;
		}
	}
	in->apply = apply;
	if (apply) {
		const uint64_t clones = in->reads;

		act_compile_tail(in, apply, n);
		act_sum_up_list(in, in->apply);
		if (in->tail)
			act_sum_up(in, in->tail_op);
		else if (in->goto_table < 0)
			in->reads = clones | reads_at_end(in->apply);
	}
	express_step_init(&in->step, in);
}

static void refer_group(struct insts *i, struct group *g)
{
	for (uint32_t n = 0; n < i->n_groups; n++)
		if (i->groups[n] == g)
			return;
	i->groups[i->n_groups++] = g;
}

/* Groups and ports that the ops name.  Reserved ports count: out_port may ask for them. */
static void refer(struct program *g)
{
	for (uint32_t i = 0; i < g->n_op; i++) {
		const struct act_op *op = &g->op[i];

		if (op->code == ACT_GROUP)
			refer_group(&g->i, op->group);
		else if (op->code == ACT_OUTPUT_TRUNC)
			g->i.ports[g->i.n_ports++] = op->trunc.port;
		else if (op->code == ACT_CONTROLLER2)
			g->i.ports[g->i.n_ports++] = OFPP_CONTROLLER;
		else if (op->code != ACT_END && act_slot(op->code) == SLOT_OUTPUT)
			g->i.ports[g->i.n_ports++] = op->port;
	}
}

/* Ops of a list, and of those in it. */
static uint32_t count_list(const struct of_list *l)
{
	uint32_t n = l->n + 1;

	for (uint32_t i = 0; i < l->n; i++)
		if (l->v[i]->kind == OF_KIND_nx_clone)
			n += count_list(&((const struct of_nx_clone *)l->v[i])->actions);
	return n;
}

static uint32_t count_actions(const struct of_list *l, enum form form)
{
	uint32_t n = 0;

	if (form != FORM_INSTS)
		return count_list(l);
	for (uint32_t i = 0; i < l->n; i++) {
		const struct of_any *a = l->v[i];

		if (a->kind == OF_KIND_inst_apply_actions)
			n += count_list(&AS(inst_apply_actions)->actions);
		else if (a->kind == OF_KIND_inst_write_actions)
			n += count_list(&AS(inst_write_actions)->actions);
	}
	return n;
}

/* A copy of the list in no more memory than it takes. */
static int keep_list(struct insts_table *t, struct program *g, const struct of_list *list)
{
	struct of_list trial;

	arena_reset(&t->scratch);
	if (of_list_copy(list, &t->scratch, &trial) < 0)
		return -ENOMEM;
	arena_init(&g->arena, t->scratch.used ? t->scratch.used : 1);
	return of_list_copy(list, &g->arena, &g->i.list);
}

static struct program *program_new(struct insts_table *t, const struct of_list *list,
				   enum form form, uint32_t key_len)
{
	const uint32_t n_op = count_actions(list, form);
	const size_t ops = sizeof(struct program), groups = ops + n_op * sizeof(struct act_op);
	const size_t learns = groups + n_op * sizeof(struct group *);
	const size_t ports = learns + n_op * sizeof(struct learn *);
	const size_t key = ports + n_op * sizeof(uint32_t);
	struct program *g = calloc(1, key + key_len);

	if (!g)
		return NULL;
	g->n_op = n_op;
	g->op = (struct act_op *)((char *)g + ops);
	g->i.groups = (struct group **)((char *)g + groups);
	g->i.learns = (struct learn **)((char *)g + learns);
	g->i.ports = (uint32_t *)((char *)g + ports);
	g->key = (uint8_t *)g + key;
	g->key_len = key_len;
	memcpy(g->key, t->key, key_len);
	g->i.wire_len = key_len - 1;
	g->i.goto_table = -1;
	g->i.priv = g;
	if (keep_list(t, g, list) < 0) {
		program_free(g);
		return NULL;
	}
	return g;
}

static struct program *compile(struct dp *dp, const struct of_list *list, enum form form,
			       uint32_t key_len) CONTROL
{
	struct program *g = program_new(dp->insts, list, form, key_len);

	uint32_t n;

	if (!g)
		return NULL;
	g->dp = dp;
	list = &g->i.list; /* ops may point into it */
	switch (form) {
	case FORM_INSTS:
		compile_insts(dp, g, list);
		break;
	case FORM_ACTIONS:
		compile_list(dp, g, list, g->key + 1, &n);
		break;
	case FORM_BUCKET:
		compile_bucket(dp, g, list);
		break;
	}
	if (form != FORM_INSTS) {
		g->i.apply = g->op;
		act_sum_up_list(&g->i, g->op);
		g->i.reads = 0; /* what a bucket or a packet-out does leads nobody to a table */
	}
	if (!act_refer_learns(&g->i, g->op, g->n_op) || !act_refer_meters(&g->i, g->op, g->n_op) ||
	    g->failed) {
		program_free(g);
		return NULL;
	}
	refer(g);
	count_reads(g, 1);
	change_written(g->dp->changes, act_written(&g->i));
	return g;
}

/* A group or meter may have gone and come again since: then it is another one. */
static bool current(const struct dp *dp, const struct program *g) CONTROL
{
	for (uint32_t n = 0; n < g->i.n_groups; n++)
		if (group_find(dp, group_id(g->i.groups[n])) != g->i.groups[n])
			return false;
	return act_meters_current(dp, &g->i);
}

static void unhash(struct insts_table *t, struct program *g)
{
	if (g->hashed)
		HASH_DEL(t->programs, g);
	g->hashed = false;
	if (t->last == g)
		t->last = NULL;
}

/* Flow_mods come in series of equal instructions: equal bytes are read as equal lists. */
static struct program *last(struct dp *dp, const struct of_list *l) CONTROL
{
	const struct insts_table *t = dp->insts;

	return t->last && l->wire && l->wire_len == t->last_len &&
			       !memcmp(l->wire, t->last_wire, t->last_len) && current(dp, t->last)
		       ? t->last
		       : NULL;
}

static void remember(struct insts_table *t, const struct of_list *l, struct program *g)
{
	if (!l->wire || l->wire_len > LAST_MAX)
		return;
	t->last = g;
	t->last_len = l->wire_len;
	memcpy(t->last_wire, l->wire, l->wire_len);
}

/* Finds it by what it is on the wire, or makes it. */
static struct program *search(struct dp *dp, const struct of_list *list, enum form form,
			      struct of_err *e) CONTROL
{
	struct insts_table *t = dp->insts;
	struct program *g = NULL;
	struct err why;
	int n = of_encode_list(list, t->key + 1, OF_MSG_MAX, &why);

	if (n < 0) {
		of_err_set(e, OFPET_BAD_ACTION, OFPBAC_BAD_ARGUMENT, "%.150s", why.text);
		return NULL;
	}
	t->key[0] = (uint8_t)form;
	HASH_FIND(hh, t->programs, t->key, (unsigned int)n + 1, g);
	if (g && !current(dp, g)) {
		unhash(t, g);
		g = NULL;
	}
	if (!g) {
		g = compile(dp, list, form, (uint32_t)n + 1);
		if (!g) {
			of_err_set(e, OFPET_FLOW_MOD_FAILED, OFPFMFC_UNKNOWN,
				   "no memory for the actions");
			return NULL;
		}
		HASH_ADD_KEYPTR(hh, t->programs, g->key, g->key_len, g);
		g->hashed = true;
	}
	return g;
}

void insts_take(struct insts *i)
{
	i->refs++;
	/* Groups and meters count flows, not programs. */
	for (uint32_t n = 0; n < i->n_groups; n++)
		group_ref(i->groups[n]);
	act_ref_meters(i);
}

static struct insts *get(struct dp *dp, const struct of_list *list, enum form form,
			 struct of_err *e) CONTROL
{
	struct program *g = form == FORM_INSTS ? last(dp, list) : NULL;

	if (!g) {
		g = search(dp, list, form, e);
		if (!g)
			return NULL;
		if (form == FORM_INSTS)
			remember(dp->insts, list, g);
	}
	insts_take(&g->i);
	return &g->i;
}

struct insts *insts_get(struct dp *dp, const struct of_list *list, uint8_t table_id,
			const struct of_match *match, struct of_err *e)
{
	if (act_check_insts(dp, list, table_id, match, e) < 0)
		return NULL;
	return get(dp, list, FORM_INSTS, e);
}

struct insts *insts_get_frozen(struct dp *dp, const struct of_list *list, uint8_t table_id,
			       struct of_err *e)
{
	if (act_check_frozen(dp, list, table_id, e) < 0)
		return NULL;
	return get(dp, list, FORM_INSTS, e);
}

struct insts *insts_get_actions(struct dp *dp, const struct of_list *actions, bool in_group,
				struct of_err *e)
{
	if (act_check_actions(dp, actions, in_group, e) < 0)
		return NULL;
	return get(dp, actions, in_group ? FORM_BUCKET : FORM_ACTIONS, e);
}

void insts_put(struct dp *dp, struct insts *i)
{
	struct program *g;

	if (!i)
		return;
	g = i->priv;
	for (uint32_t n = 0; n < i->n_groups; n++)
		group_unref(dp, i->groups[n]);
	act_unref_meters(dp, i);
	if (--i->refs)
		return;
	unhash(dp->insts, g);
	dp_retire(dp, g, program_retired);
}

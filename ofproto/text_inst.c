/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/text_inst.h"

#include <errno.h>
#include <string.h>

#include "ofproto/codec.h"

/* In the order in which they are executed (section 5.9), written, and have to be given. */
enum slot { METER, APPLY, CLEAR, WRITE, METADATA, GOTO, N_SLOTS };

static const struct {
	const char *name;
	enum of_kind kind;
} slots[N_SLOTS] = {
	[METER] = { "meter", OF_KIND_inst_meter },
	[APPLY] = { "apply_actions", OF_KIND_inst_apply_actions },
	[CLEAR] = { "clear_actions", OF_KIND_inst_clear_actions },
	[WRITE] = { "write_actions", OF_KIND_inst_write_actions },
	[METADATA] = { "write_metadata", OF_KIND_inst_write_metadata },
	[GOTO] = { "goto_table", OF_KIND_inst_goto_table },
};

struct text_insts {
	struct of_any *slot[N_SLOTS];
	int last; /* slot of what was read last, -1 at the start */
	uint8_t table;
};

bool text_is_inst(const char *name)
{
	for (unsigned int i = 0; i < N_SLOTS; i++)
		if (!strcasecmp(slots[i].name, name))
			return true;
	return false;
}

static int check_order(struct text_actions *c, int slot)
{
	struct text_insts *t = c->insts;

	if (slot < t->last)
		return err_set(c->e, -EINVAL, "%s must stand before %s", slots[slot].name,
			       slots[t->last].name);
	if (slot == t->last && slot != APPLY)
		return err_set(c->e, -EINVAL, "%s may stand only once", slots[slot].name);
	t->last = slot;
	return 0;
}

static int parse_goto(struct text_actions *c, struct of_any *inst, char *arg)
{
	struct of_inst_goto_table *g = (void *)inst;
	int r = text_u8(arg, "goto_table", &g->table_id, c->e);
	uint8_t from = c->insts->table == OFPTT_ALL ? 0 : c->insts->table;

	if (r)
		return r;
	if (c->checked && g->table_id <= from)
		return err_set(c->e, -EINVAL,
			       "goto_table:%u: from table %u only a higher table can be reached "
			       "(OFPBIC_BAD_TABLE_ID)",
			       g->table_id, from);
	return 0;
}

static int parse_metadata(struct text_actions *c, struct of_any *inst, char *arg)
{
	struct of_inst_write_metadata *w = (void *)inst;

	return text_masked_u64(arg, "write_metadata", &w->metadata, &w->metadata_mask, c->e);
}

static int parse_meter_inst(struct text_actions *c, struct of_any *inst, char *arg)
{
	struct of_inst_meter *m = (void *)inst;
	int r = text_u32(arg, "meter", &m->meter_id, c->e);

	if (!r && (!m->meter_id || m->meter_id > OFPM_MAX))
		return err_set(c->e, -EINVAL, "meter:%s: meters are 1 to 0x%x", arg, OFPM_MAX);
	return r;
}

static int parse_write(struct text_actions *c, struct of_any *inst, char *arg)
{
	struct of_inst_write_actions *w = (void *)inst;
	struct text_actions nested = *c;

	nested.out = &w->actions;
	nested.inst = NULL;
	nested.insts = NULL;
	nested.in_set = true;
	return text_actions_parse(&nested, arg);
}

static int (*const parsers[N_SLOTS])(struct text_actions *c, struct of_any *inst, char *arg) = {
	[METER] = parse_meter_inst,
	[WRITE] = parse_write,
	[METADATA] = parse_metadata,
	[GOTO] = parse_goto,
};

/* Called with each name; -ENOENT for one that is an action's. */
static int parse_inst(struct text_actions *c, const char *name, char *arg)
{
	struct text_insts *t = c->insts;
	int slot = 0, r;

	while (slot < N_SLOTS && strcasecmp(slots[slot].name, name))
		slot++;
	r = check_order(c, slot < N_SLOTS ? slot : APPLY);
	if (r)
		return r;
	if (slot == N_SLOTS)
		return -ENOENT;
	if (slot == APPLY)
		return err_set(c->e, -EINVAL,
			       "apply_actions is not written: actions that stand "
			       "alone are applied");
	t->slot[slot] = of_new(c->arena, slots[slot].kind);
	if (!t->slot[slot])
		return err_set(c->e, -ENOMEM, "out of memory for instructions");
	return parsers[slot] ? parsers[slot](c, t->slot[slot], arg) : 0;
}

static bool is_empty_write(const struct of_any *inst)
{
	return inst->kind == OF_KIND_inst_write_actions &&
	       !((const struct of_inst_write_actions *)inst)->actions.n;
}

int text_insts_parse(char *s, const struct of_match *m, uint8_t table, const struct of_names *n,
		     struct arena *a, struct of_list *insts, struct err *e)
{
	struct text_insts t = { .last = -1, .table = table };
	struct of_list out = { 0 }, apply = { 0 };
	struct of_err refusal = { 0 };
	struct text_actions c;
	int r;

	text_actions_init(&c, m, n, a, &apply, e);
	c.inst = parse_inst;
	c.insts = &t;
	r = text_actions_parse(&c, s);
	if (r)
		return r;
	if (apply.n) {
		t.slot[APPLY] = of_new(a, OF_KIND_inst_apply_actions);
		if (!t.slot[APPLY])
			return err_set(e, -ENOMEM, "out of memory for instructions");
		((struct of_inst_apply_actions *)t.slot[APPLY])->actions = apply;
	}
	for (unsigned int i = 0; i < N_SLOTS; i++)
		if (t.slot[i] && !is_empty_write(t.slot[i]) && of_list_add(&out, a, t.slot[i]))
			return err_set(e, -ENOMEM, "out of memory for instructions");
	if (of_check_insts(&(struct of_rd){ .e = &refusal }, &out, NULL))
		return err_set(e, -EINVAL, "%s (%s)", refusal.text,
			       of_error_code_name(refusal.type, refusal.code));
	*insts = out;
	return 0;
}

int of_parse_insts(const char *s, const struct of_names *n, struct arena *a, struct of_list *insts,
		   struct err *e)
{
	char *copy = arena_strdup(a, s);

	if (!copy)
		return err_set(e, -ENOMEM, "out of memory");
	return text_insts_parse(copy, NULL, OFPTT_ALL, n, a, insts, e);
}

/* ---- Printing ---- */

static const struct of_any *find(const struct of_list *insts, enum of_kind kind)
{
	for (uint32_t i = 0; i < insts->n; i++)
		if (insts->v[i]->kind == kind)
			return insts->v[i];
	return NULL;
}

static void put_inst(FILE *f, const struct of_any *inst, const struct of_names *n)
{
	const struct of_inst_write_metadata *w;

	switch ((int)inst->kind) {
	case OF_KIND_inst_meter:
		fprintf(f, "meter:%u", ((const struct of_inst_meter *)inst)->meter_id);
		break;
	case OF_KIND_inst_apply_actions:
		of_format_actions(f, &((const struct of_inst_apply_actions *)inst)->actions, n);
		break;
	case OF_KIND_inst_clear_actions:
		fputs("clear_actions", f);
		break;
	case OF_KIND_inst_write_actions:
		fputs("write_actions(", f);
		of_format_actions(f, &((const struct of_inst_write_actions *)inst)->actions, n);
		fputc(')', f);
		break;
	case OF_KIND_inst_write_metadata:
		w = (const void *)inst;
		fprintf(f, "write_metadata:%#llx", (unsigned long long)w->metadata);
		if (w->metadata_mask != UINT64_MAX)
			fprintf(f, "/%#llx", (unsigned long long)w->metadata_mask);
		break;
	case OF_KIND_inst_goto_table:
		fprintf(f, "goto_table:%u", ((const struct of_inst_goto_table *)inst)->table_id);
		break;
	default:
		break;
	}
}

void of_format_insts(FILE *f, const struct of_list *insts, const struct of_names *n)
{
	bool any = false;

	for (unsigned int i = 0; i < N_SLOTS; i++) {
		const struct of_any *inst = find(insts, slots[i].kind);

		if (!inst || (inst->kind == OF_KIND_inst_apply_actions &&
			      !((const struct of_inst_apply_actions *)inst)->actions.n))
			continue;
		if (any)
			fputc(',', f);
		any = true;
		put_inst(f, inst, n);
	}
	for (uint32_t i = 0; i < insts->n; i++) {
		if (insts->v[i]->kind != OF_KIND_inst_experimenter)
			continue;
		fprintf(f, "%sexperimenter(0x%08x)", any ? "," : "",
			((const struct of_inst_experimenter *)insts->v[i])->experimenter);
		any = true;
	}
	if (!any)
		fputs("drop", f);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Messages about events in words: which of them are wanted, flow monitors, roles. */
#include "ofproto/nx.h"
#include "ofproto/text_events.h"
#include "ofproto/text_group.h"

#include "ofproto/text_lex.h"

const char *const text_removed_reasons[] = { "idle",	     "hard",	     "delete",
					     "group_delete", "meter_delete", "eviction" };

/* ---- 7.3.10: asynchronous messages ---- */

enum { N_EVENTS = OFPACPT_REQUESTFORWARD_MASTER / 2 + 1 };

/* In the order of async_prop_type, two types each. */
static const struct {
	const char *label;
	const char *reasons[6]; /* by bit; NULL: has no name */
} async_events[N_EVENTS] = {
	{ "PACKET_IN", { "no_match", "action", "invalid_ttl" } },
	{ "PORT_STATUS", { "add", "delete", "modify" } },
	{ "FLOW_REMOVED",
	  { "idle", "hard", "delete", "group_delete", "meter_delete", "eviction" } },
	{ "ROLE_STATUS",
	  { "primary_request", "configuration_changed", "experimenter_data_changed" } },
	{ "TABLE_STATUS", { NULL, NULL, NULL, "vacancy_down", "vacancy_up" } },
	{ "REQUESTFORWARD", { "group_mod_request", "meter_mod_request" } },
};

static void put_reasons(FILE *f, const char *label, const char *const *names, uint32_t bits)
{
	bool any = false;

	fprintf(f, "%16s:", label);
	for (unsigned int i = 0; i < 6; i++) {
		if (bits >> i & 1 && names[i]) {
			fprintf(f, " %s", names[i]);
			any = true;
		}
	}
	fputs(any ? "\n" : " (off)\n", f);
}

static void put_masks(FILE *f, uint32_t masks[N_EVENTS][2])
{
	for (unsigned int i = 0; i < 2; i++) {
		fprintf(f, "\n %s:\n", i ? "secondary" : "primary");
		for (unsigned int e = 0; e < N_EVENTS; e++)
			put_reasons(f, async_events[e].label, async_events[e].reasons, masks[e][i]);
	}
}

void text_put_async(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	const struct of_set_async *a = (const void *)body; /* the reply and Nicira's are alike */
	uint32_t masks[N_EVENTS][2] = {
		{ a->packet_in_mask[0], a->packet_in_mask[1] },
		{ a->port_status_mask[0], a->port_status_mask[1] },
		{ a->flow_removed_mask[0], a->flow_removed_mask[1] },
	};

	put_masks(f, masks);
}

static void put_async2(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	const struct of_nx_set_async2 *a = (const void *)body;
	uint32_t masks[N_EVENTS][2] = { 0 };

	for (uint32_t i = 0; i < a->properties.n; i++) {
		const struct of_async_prop *p = OF_AT(&a->properties, i, async_prop);

		if (p->type / 2 < N_EVENTS)
			masks[p->type / 2][!(p->type & 1)] = p->mask;
	}
	put_masks(f, masks);
}

static void put_controller_id(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	fprintf(f, " id=%u", ((const struct of_nx_set_controller_id *)body)->controller_id);
}

/* ---- 7.3.9: roles; what other controllers ask for ---- */

void text_put_role(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	static const char *const names[] = { "nochange", "equal", "primary", "secondary" };
	const struct of_role_request *r = (const void *)body; /* the reply is alike */
	bool asks = body->kind == OF_KIND_role_request && r->role == OFPCR_ROLE_NOCHANGE;

	if (r->role < 4)
		fprintf(f, " role=%s", names[r->role]);
	else
		fprintf(f, " role=%u", r->role);
	if (!asks && r->generation_id != UINT64_MAX)
		fprintf(f, " generation_id=%llu", (unsigned long long)r->generation_id);
}

static void put_role_status(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	static const char *const reasons[] = { "primary_request", "configuration_changed",
					       "experimenter_data_changed" };
	const struct of_role_status *s = (const void *)body;
	struct of_role_reply r = { .kind = OF_KIND_role_reply,
				   .role = s->role,
				   .generation_id = s->generation_id };

	text_put_role(f, (const struct of_any *)&r, o);
	fprintf(f, " reason=%s", s->reason < 3 ? reasons[s->reason] : "(unknown)");
}

static void put_requestforward(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	const struct of_msg *m = ((const struct of_requestforward *)body)->message;

	if (m && m->body && m->body->kind == OF_KIND_group_mod) {
		fputs(" reason=group_mod", f);
		text_put_group_mod(f, m->body, o);
	} else if (m && m->body && m->body->kind == OF_KIND_meter_mod) {
		fputs(" reason=meter_mod", f);
		text_put_meter_mod(f, m->body, o);
	} else if (m) {
		fputc('\n', f);
		of_format_msg(f, m, o);
	}
}

/* ---- Flow monitors ---- */

static const struct text_name monitor_flags[] = {
	{ "initial", OFPFMF_INITIAL },
	{ "add", OFPFMF_ADD },
	{ "delete", OFPFMF_DELETE },
	{ "modify", OFPFMF_MODIFY },
	{ "actions", OFPFMF_ACTIONS },
	{ "own", OFPFMF_OWN },
	{ NULL, 0 },
};

const struct text_name *const text_monitor_flags = monitor_flags;

static bool is_any(const struct of_match *m)
{
	static const struct of_match any;

	return of_match_equal(m, &any);
}

static void put_monitor(FILE *f, const struct of_flow_monitor *m, const struct of_text_opts *o)
{
	fprintf(f, "\n id=%u flags=", m->id);
	text_put_bits(f, monitor_flags, m->flags, ',', "0");
	if (m->out_port != OFPP_ANY) {
		fputs(" out_port=", f);
		of_format_port(f, m->out_port, o->names);
	}
	if (m->table_id != OFPTT_ALL)
		fprintf(f, " table=%u", m->table_id);
	if (!is_any(&m->match)) {
		fputc(' ', f);
		of_format_match(f, &m->match, o->names);
	}
}

static void put_monitor_request(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	const struct of_list *l = &((const struct of_flow_monitor_request *)body)->monitors;

	for (uint32_t i = 0; i < l->n; i++)
		put_monitor(f, OF_AT(l, i, flow_monitor), o);
}

static void put_nx_monitor_request(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	const struct of_list *l = &((const struct of_nx_flow_monitor_request *)body)->monitors;

	for (uint32_t i = 0; i < l->n; i++) {
		const struct of_flow_monitor m = of_nx_monitor(OF_AT(l, i, nx_flow_monitor));

		put_monitor(f, &m, o);
	}
}

/* Apply-Actions of no action, which ovs-ofctl takes for no instruction at all. */
static bool is_nothing(const struct of_list *insts)
{
	return insts->n == 1 && insts->v[0]->kind == OF_KIND_inst_apply_actions &&
	       !OF_AT(insts, 0, inst_apply_actions)->actions.n;
}

static void put_event(FILE *f, uint16_t event, const struct of_flow_event_full *u, bool last,
		      const struct of_text_opts *o)
{
	const bool acts = u->insts.n && !is_nothing(&u->insts);
	static const char *const names[] = { "ADDED", "DELETED", "MODIFIED" };

	if (event < 3)
		fputs(names[event], f);
	else
		fprintf(f, "%u", event);
	if (event == OFPFME_DELETED && u->reason < 6)
		fprintf(f, " reason=%s", text_removed_reasons[u->reason]);
	else if (event == OFPFME_DELETED)
		fprintf(f, " reason=%u", u->reason);
	fprintf(f, " table=%u", u->table_id);
	if (u->idle_timeout)
		fprintf(f, " idle_timeout=%u", u->idle_timeout);
	if (u->hard_timeout)
		fprintf(f, " hard_timeout=%u", u->hard_timeout);
	fprintf(f, " cookie=%s%llx", u->cookie ? "0x" : "", (unsigned long long)u->cookie);
	/* ovs-ofctl has a space here even if nothing follows; none stands at a message's end. */
	if (!last || acts || !is_any(&u->match))
		fputc(' ', f);
	of_format_match(f, &u->match, o->names);
	if (acts) {
		fputs(is_any(&u->match) ? "actions=" : " actions=", f);
		of_format_insts(f, &u->insts, o->names);
	}
}

static void put_monitor_reply(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	/* Nicira's is alike, but for how it writes the match. */
	const struct of_list *l = &((const struct of_flow_monitor_reply *)body)->updates;

	for (uint32_t i = 0; i < l->n; i++) {
		const struct of_flow_update *u = (const struct of_flow_update *)l->v[i];

		fputs("\n event=", f);
		if (u->body && (u->body->kind == OF_KIND_flow_event_abbrev ||
				u->body->kind == OF_KIND_nx_flow_event_abbrev))
			fprintf(f, "ABBREV xid=0x%x",
				((const struct of_flow_event_abbrev *)u->body)->xid);
		else if (u->body)
			put_event(f, u->event, (const struct of_flow_event_full *)u->body,
				  i + 1 == l->n, o);
	}
}

static void put_monitor_cancel(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	fprintf(f, " id=%u", ((const struct of_flow_monitor_cancel *)body)->id);
}

static void put_nothing(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
}

/* An experimenter's multipart is not to be told by its first bytes alone. */
#define EXP_MP(sub) (0x10000u | (sub))

static void put_ext_groups_request(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	const uint32_t id = ((const struct of_weft_group_desc_request *)body)->group_id;

	if (id == OFPG_ALL)
		fputs(" group_id=ALL", f);
	else
		fprintf(f, " group_id=%u", id);
}

const struct text_msg_row text_event_rows[] = {
	{ OF_KIND_weft_group_desc_request, "WEFTST_GROUP_DESC request", OFPT_MULTIPART_REQUEST,
	  EXP_MP(1), put_ext_groups_request },
	{ OF_KIND_weft_group_desc_reply, "WEFTST_GROUP_DESC reply", OFPT_MULTIPART_REPLY, EXP_MP(1),
	  text_put_ext_groups },
	{ OF_KIND_flow_monitor_request, "ONFST_FLOW_MONITOR request", OFPT_MULTIPART_REQUEST,
	  EXP_MP(1870), put_monitor_request },
	{ OF_KIND_flow_monitor_reply, "ONFST_FLOW_MONITOR reply", OFPT_MULTIPART_REPLY,
	  EXP_MP(1870), put_monitor_reply },
	{ OF_KIND_flow_monitor_cancel, "ONFT_FLOW_MONITOR_CANCEL", OFPT_EXPERIMENTER, 1870,
	  put_monitor_cancel },
	{ OF_KIND_flow_monitor_paused, "ONFT_FLOW_MONITOR_PAUSED", OFPT_EXPERIMENTER, 1871,
	  put_nothing },
	{ OF_KIND_flow_monitor_resumed, "ONFT_FLOW_MONITOR_RESUMED", OFPT_EXPERIMENTER, 1872,
	  put_nothing },
	{ OF_KIND_nx_flow_monitor_request, "NXST_FLOW_MONITOR request", OFPT_MULTIPART_REQUEST,
	  EXP_MP(2), put_nx_monitor_request },
	{ OF_KIND_nx_flow_monitor_reply, "NXST_FLOW_MONITOR reply", OFPT_MULTIPART_REPLY, EXP_MP(2),
	  put_monitor_reply },
	{ OF_KIND_nx_flow_monitor_cancel, "NXT_FLOW_MONITOR_CANCEL", OFPT_EXPERIMENTER, 21,
	  put_monitor_cancel },
	{ OF_KIND_nx_flow_monitor_paused, "NXT_FLOW_MONITOR_PAUSED", OFPT_EXPERIMENTER, 22,
	  put_nothing },
	{ OF_KIND_nx_flow_monitor_resumed, "NXT_FLOW_MONITOR_RESUMED", OFPT_EXPERIMENTER, 23,
	  put_nothing },
	{ OF_KIND_onf_table_mod, "ONFT_TABLE_MOD", OFPT_EXPERIMENTER, 1920,
	  text_put_onf_table_mod },
	{ OF_KIND_table_status, "ONFT_TABLE_STATUS", OFPT_EXPERIMENTER, 1921,
	  text_put_table_status },
	{ OF_KIND_table_desc_request, "ONFST_TABLE_DESC request", OFPT_MULTIPART_REQUEST,
	  EXP_MP(1920), put_nothing },
	{ OF_KIND_table_desc_reply, "ONFST_TABLE_DESC reply", OFPT_MULTIPART_REPLY, EXP_MP(1920),
	  text_put_table_descs },
	{ OF_KIND_role_status, "ONFT_ROLE_STATUS", OFPT_EXPERIMENTER, 1911, put_role_status },
	{ OF_KIND_requestforward, "ONFT_REQUESTFORWARD", OFPT_EXPERIMENTER, 2350,
	  put_requestforward },
	{ OF_KIND_nx_set_async, "NXT_SET_ASYNC_CONFIG", OFPT_EXPERIMENTER, 19, text_put_async },
	{ OF_KIND_nx_set_controller_id, "NXT_SET_CONTROLLER_ID", OFPT_EXPERIMENTER, 20,
	  put_controller_id },
	{ OF_KIND_nx_set_async2, "NXT_SET_ASYNC_CONFIG2", OFPT_EXPERIMENTER, 27, put_async2 },
};
const unsigned int text_n_event_rows = sizeof(text_event_rows) / sizeof(text_event_rows[0]);

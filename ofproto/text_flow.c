/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "ofproto/text_flow.h"
#include "ofproto/text_inst.h"
#include "ofproto/text_match.h"

/* Which keywords a command takes besides the match, table and cookie. */
enum {
	TAKES_ACTIONS = 1 << 0,
	TAKES_TIMEOUT = 1 << 1,
	TAKES_PRIORITY = 1 << 2,
	TAKES_FLAGS = 1 << 3,
	TAKES_OUT = 1 << 4,
	FILTER = 5, /* in the place of a command */
};

static const struct {
	const char *name, *shown;
	unsigned int takes;
} commands[] = {
	[OFPFC_ADD] = { "add", "ADD",
			TAKES_ACTIONS | TAKES_TIMEOUT | TAKES_PRIORITY | TAKES_FLAGS },
	[OFPFC_MODIFY] = { "modify", "MOD",
			   TAKES_ACTIONS | TAKES_TIMEOUT | TAKES_PRIORITY | TAKES_FLAGS },
	[OFPFC_MODIFY_STRICT] = { "modify_strict", "MOD_STRICT",
				  TAKES_ACTIONS | TAKES_TIMEOUT | TAKES_PRIORITY | TAKES_FLAGS },
	[OFPFC_DELETE] = { "delete", "DEL", TAKES_OUT },
	[OFPFC_DELETE_STRICT] = { "delete_strict", "DEL_STRICT", TAKES_OUT | TAKES_PRIORITY },
	[FILTER] = { "filter", "", TAKES_OUT },
};

static const struct text_name flow_flags[] = {
	{ "send_flow_rem", OFPFF_SEND_FLOW_REM },  { "check_overlap", OFPFF_CHECK_OVERLAP },
	{ "reset_counts", OFPFF_RESET_COUNTS },	   { "no_packet_counts", OFPFF_NO_PKT_COUNTS },
	{ "no_byte_counts", OFPFF_NO_BYT_COUNTS }, { NULL, 0 },
};

/* What dump-flows prints but a flow_mod does not hold: read over, so that a dump can be fed back.
 */
static const char *const ignored[] = { "duration", "n_packets", "n_bytes",
				       "idle_age", "hard_age",	"allow_hidden_fields" };

struct flow {
	unsigned int command; /* OFPFC_* or FILTER */
	struct text_match match;
	struct of_flow_mod *fm; /* FILTER uses it for its members' sake */
	const struct of_names *names;
	struct err *e;
	bool cookie_masked;
};

int of_parse_flow_command(const char **s, uint8_t *command)
{
	const char *p = *s + strspn(*s, " \t");

	for (unsigned int i = 0; i < FILTER; i++) {
		size_t n = strlen(commands[i].name);

		if (strncmp(p, commands[i].name, n) || (p[n] && p[n] != ' ' && p[n] != '\t'))
			continue;
		*command = (uint8_t)i;
		*s = p + n;
		return 1;
	}
	return 0;
}

/* ---- Keywords ---- */

static int key_table(struct flow *w, const char *v)
{
	return text_u8(v, "table", &w->fm->table_id, w->e);
}

static int key_cookie(struct flow *w, const char *v)
{
	uint64_t cookie, mask;
	int r = text_masked_u64(v, "cookie", &cookie, &mask, w->e);

	if (r)
		return r;
	/* It may stand twice: which flows, and a new cookie, which 1.3 has no room for. */
	if (!w->cookie_masked)
		w->fm->cookie = cookie;
	if (strchr(v, '/')) {
		w->cookie_masked = true;
		if (w->command == OFPFC_ADD)
			return err_set(w->e, -EINVAL, "cookie=%s: a new flow's cookie has no mask",
				       v);
		w->fm->cookie_mask = mask;
		w->fm->cookie = cookie & mask;
	} else if (!(commands[w->command].takes & TAKES_ACTIONS)) {
		return err_set(w->e, -EINVAL,
			       "cookie=%s: to choose flows by cookie, give a mask: cookie=%s/-1", v,
			       v);
	}
	return 0;
}

static int key_priority(struct flow *w, const char *v)
{
	return text_u16(v, "priority", &w->fm->priority, w->e);
}

static int key_idle(struct flow *w, const char *v)
{
	return text_u16(v, "idle_timeout", &w->fm->idle_timeout, w->e);
}

static int key_hard(struct flow *w, const char *v)
{
	return text_u16(v, "hard_timeout", &w->fm->hard_timeout, w->e);
}

static int key_importance(struct flow *w, const char *v)
{
	return text_u16(v, "importance", &w->fm->importance, w->e);
}

static int key_out_port(struct flow *w, const char *v)
{
	return of_parse_port(v, w->names, &w->fm->out_port, w->e);
}

static int key_out_group(struct flow *w, const char *v)
{
	if (!strcasecmp(v, "any")) {
		w->fm->out_group = OFPG_ANY;
		return 0;
	}
	return text_u32(v, "out_group", &w->fm->out_group, w->e);
}

static const struct {
	const char *name;
	unsigned int takes; /* 0: every command does */
	int (*parse)(struct flow *w, const char *value);
} keywords[] = {
	{ "table", 0, key_table },
	{ "cookie", 0, key_cookie },
	{ "priority", TAKES_PRIORITY, key_priority },
	{ "idle_timeout", TAKES_TIMEOUT, key_idle },
	{ "hard_timeout", TAKES_TIMEOUT, key_hard },
	{ "importance", TAKES_TIMEOUT, key_importance },
	{ "out_port", TAKES_OUT, key_out_port },
	{ "out_group", TAKES_OUT, key_out_group },
};

static bool is_ignored(const char *key)
{
	for (unsigned int i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		if (!strcmp(ignored[i], key))
			return true;
	return false;
}

static int parse_key(struct flow *w, const char *key, const char *value)
{
	unsigned int takes = commands[w->command].takes;
	uint32_t flag;

	for (unsigned int i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
		if (strcmp(keywords[i].name, key))
			continue;
		if (keywords[i].takes && !(takes & keywords[i].takes))
			return err_set(w->e, -EINVAL, "keyword \"%s\" does not go with %s", key,
				       w->command == FILTER ? "a choice of flows"
							    : commands[w->command].name);
		if (!*value)
			return err_set(w->e, -EINVAL, "field %s needs a value", key);
		return keywords[i].parse(w, value);
	}
	if (!text_value_of(flow_flags, key, &flag) && takes & TAKES_FLAGS) {
		w->fm->flags |= (uint16_t)flag;
		return 0;
	}
	if (is_ignored(key))
		return 0;
	return text_match_key(&w->match, key, value, w->names, w->e);
}

/* Cuts "actions=..." off; NULL where there is none. */
static char *cut_actions(char *s)
{
	char *p = s;

	while ((p = strstr(p, "action"))) {
		char *end = p + 6 + (p[6] == 's');
		char *eq = end + strspn(end, " \t");

		if ((p == s || strchr(", \t\r\n", p[-1])) && *eq == '=') {
			*p = '\0';
			return eq + 1;
		}
		p += 6;
	}
	return NULL;
}

static int parse_text(struct flow *w, char *s, struct arena *a)
{
	bool acts = commands[w->command].takes & TAKES_ACTIONS;
	char *actions = acts ? cut_actions(s) : NULL, *key, *value;
	int r;

	if (acts && !actions)
		return err_set(w->e, -EINVAL, "a flow needs actions=... (actions=drop to drop)");
	while (text_next(&s, &key, &value)) {
		r = parse_key(w, key, value);
		if (r)
			return r;
	}
	r = text_match_finish(&w->match, &w->fm->match, w->e);
	if (r || !actions)
		return r;
	return text_insts_parse(actions, &w->fm->match, w->fm->table_id, w->names, a, &w->fm->insts,
				w->e);
}

static struct of_flow_mod *flow_new(struct arena *a)
{
	struct of_flow_mod *fm = OF_NEW(a, flow_mod);

	if (!fm)
		return NULL;
	fm->table_id = OFPTT_ALL;
	fm->priority = OFP_DEFAULT_PRIORITY;
	fm->buffer_id = OFP_NO_BUFFER;
	fm->out_port = OFPP_ANY;
	fm->out_group = OFPG_ANY;
	return fm;
}

int of_parse_flow(const char *s, uint8_t command, const struct of_names *n, struct arena *a,
		  struct of_flow_mod **out, struct err *e)
{
	struct flow w = { .command = command, .names = n, .e = e };
	char *copy = arena_strdup(a, s);
	int r;

	if (command >= FILTER)
		return err_set(e, -EINVAL, "unknown flow_mod command %u", command);
	w.fm = flow_new(a);
	if (!copy || !w.fm)
		return err_set(e, -ENOMEM, "out of memory");
	w.fm->command = command;
	r = parse_text(&w, copy, a);
	if (r)
		return r;
	if (commands[command].takes & TAKES_ACTIONS) {
		if (w.fm->table_id == OFPTT_ALL)
			w.fm->table_id = 0;
		/* A modification cannot change the cookie (6.4): without mask it says nothing. */
		if (command != OFPFC_ADD && !w.cookie_masked)
			w.fm->cookie = 0;
	}
	*out = w.fm;
	return 0;
}

int of_parse_flow_filter(const char *s, const struct of_names *n, struct arena *a,
			 struct of_mp_flow_request **out, struct err *e)
{
	struct flow w = { .command = FILTER, .names = n, .e = e };
	struct of_mp_flow_request *q = OF_NEW(a, mp_flow_request);
	char *copy = arena_strdup(a, s);
	int r;

	w.fm = flow_new(a);
	if (!copy || !w.fm || !q)
		return err_set(e, -ENOMEM, "out of memory");
	r = parse_text(&w, copy, a);
	if (r)
		return r;
	q->table_id = w.fm->table_id;
	q->out_port = w.fm->out_port;
	q->out_group = w.fm->out_group;
	q->cookie = w.fm->cookie;
	q->cookie_mask = w.fm->cookie_mask;
	q->match = w.fm->match;
	*out = q;
	return 0;
}

/* ---- Printing ---- */

/* "send_flow_rem check_overlap ", each with a space behind it. */
static void put_flags(FILE *f, uint16_t flags)
{
	for (const struct text_name *t = flow_flags; t->name; t++)
		if (flags & t->value)
			fprintf(f, "%s ", t->name);
}

/* The match, with a space behind it if there is any. */
static void put_match_spaced(FILE *f, const struct of_match *m, uint16_t priority,
			     const struct of_names *n)
{
	static const struct of_match none;

	of_format_match_priority(f, m, priority, n);
	if (priority != OFP_DEFAULT_PRIORITY || !of_match_equal(m, &none))
		fputc(' ', f);
}

void of_format_flow_stats(FILE *f, const struct of_flow_stats *fs, const struct of_text_opts *o)
{
	if (o->stats || fs->cookie)
		fprintf(f, "cookie=0x%llx, ", (unsigned long long)fs->cookie);
	if (o->stats) {
		fputs("duration=", f);
		text_put_duration(f, fs->duration_sec, fs->duration_nsec);
		fputs(", ", f);
	}
	if (o->stats || fs->table_id)
		fprintf(f, "table=%u, ", fs->table_id);
	if (o->stats)
		fprintf(f, "n_packets=%llu, n_bytes=%llu, ", (unsigned long long)fs->packet_count,
			(unsigned long long)fs->byte_count);
	if (fs->idle_timeout)
		fprintf(f, "idle_timeout=%u, ", fs->idle_timeout);
	if (fs->hard_timeout)
		fprintf(f, "hard_timeout=%u, ", fs->hard_timeout);
	if (fs->importance)
		fprintf(f, "importance=%u, ", fs->importance);
	put_flags(f, fs->flags);
	put_match_spaced(f, &fs->match, fs->priority, o->names);
	fputs("actions=", f);
	of_format_insts(f, &fs->insts, o->names);
}

void text_put_flow_mod(FILE *f, const struct of_flow_mod *fm, const struct of_names *n)
{
	if (fm->command < FILTER)
		fprintf(f, "%s ", commands[fm->command].shown);
	else
		fprintf(f, "cmd:%u ", fm->command);
	if (fm->table_id)
		fprintf(f, "table:%u ", fm->table_id);
	put_match_spaced(f, &fm->match, fm->priority, n);
	if (fm->command == OFPFC_ADD && fm->cookie)
		fprintf(f, "cookie:0x%llx ", (unsigned long long)fm->cookie);
	else if (fm->command != OFPFC_ADD && fm->cookie_mask)
		fprintf(f, "cookie:0x%llx/0x%llx ", (unsigned long long)fm->cookie,
			(unsigned long long)fm->cookie_mask);
	if (fm->idle_timeout)
		fprintf(f, "idle:%u ", fm->idle_timeout);
	if (fm->hard_timeout)
		fprintf(f, "hard:%u ", fm->hard_timeout);
	if (fm->importance)
		fprintf(f, "importance:%u ", fm->importance);
	if (fm->buffer_id != OFP_NO_BUFFER)
		fprintf(f, "buf:0x%x ", fm->buffer_id);
	if (fm->out_port != OFPP_ANY) {
		fputs("out_port:", f);
		of_format_port(f, fm->out_port, n);
		fputc(' ', f);
	}
	put_flags(f, fm->flags);
	fputs("actions=", f);
	of_format_insts(f, &fm->insts, n);
}

void text_put_flow_choice(FILE *f, uint8_t table, uint32_t out_port, const struct of_match *m,
			  const struct of_names *n)
{
	static const struct of_match none;

	if (table != OFPTT_ALL)
		fprintf(f, " table=%u", table);
	if (out_port != OFPP_ANY) {
		fputs(" out_port=", f);
		of_format_port(f, out_port, n);
	}
	if (!of_match_equal(m, &none)) {
		fputc(' ', f);
		of_format_match(f, m, n);
	}
}

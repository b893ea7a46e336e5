/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/ofctl.h"

enum { BUNDLE_FLAGS = OFPBF_ATOMIC | OFPBF_ORDERED };

void ofctl_mods_init(struct ofctl_mods *m, const char *file)
{
	*m = (struct ofctl_mods){ .file = file };
	arena_init(&m->arena, 0);
}

/* Kept as bytes: a file of a million flows is read to its end before the first is sent. */
void ofctl_mods_add(struct ofctl_mods *m, const void *body, unsigned int line)
{
	static uint8_t bytes[OF_MSG_MAX];
	const struct of_msg msg = { .version = OF_VERSION_13, .body = (struct of_any *)body };
	struct err e = { "" };
	int n = of_encode(&msg, bytes, sizeof(bytes), &e);
	struct ofctl_mod *mod;

	if (n < 0)
		ofctl_die("%s%s%.0u%s", line ? m->file : "", line ? ": " : "", line,
			  n == -EMSGSIZE ? "does not fit into OpenFlow's 65535 bytes" : e.text);
	if (m->n == m->room) {
		m->room = m->room ? 2 * m->room : 64;
		m->v = realloc(m->v, m->room * sizeof(*m->v));
		if (!m->v)
			ofctl_die("out of memory");
	}
	mod = &m->v[m->n++];
	*mod = (struct ofctl_mod){ .raw = malloc((size_t)n), .n = (size_t)n, .line = line };
	if (!mod->raw)
		ofctl_die("out of memory");
	memcpy(mod->raw, bytes, (size_t)n);
	arena_reset(&m->arena);
}

void ofctl_each_line(const char *file,
		     int (*line)(const char *text, unsigned int number, void *arg, struct err *e),
		     void *arg)
{
	FILE *f = strcmp(file, "-") ? fopen(file, "r") : stdin;
	char *text = NULL;
	unsigned int number = 0;
	size_t room = 0;

	if (!f)
		ofctl_die("%s: open (%s)", file, strerror(errno));
	while (getline(&text, &room, f) >= 0) {
		struct err e = { "" };

		number++;
		text[strcspn(text, "#\r\n")] = '\0';
		if (!text[strspn(text, " \t")])
			continue;
		if (line(text, number, arg, &e))
			ofctl_die("%s:%u: %s", strcmp(file, "-") ? file : "<stdin>", number,
				  e.text);
	}
	free(text);
	if (f != stdin)
		fclose(f);
}

bool ofctl_word(const char **s, const char *word)
{
	const char *p = *s + strspn(*s, " \t");
	size_t n = strlen(word);

	if (strncmp(p, word, n) || (p[n] && p[n] != ' ' && p[n] != '\t'))
		return false;
	*s = p + n;
	return true;
}

static const struct ofctl_mod *find(const struct ofctl_mods *m, uint32_t xid)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->v[i].xid == xid)
			return &m->v[i];
	return NULL;
}

static void say_where(const struct ofctl_mods *m, const struct ofctl_mod *mod)
{
	if (mod && mod->line)
		fprintf(stderr, "weft-ofctl: %s:%u: refused by the switch\n",
			strcmp(m->file, "-") ? m->file : "<stdin>", mod->line);
}

static struct of_error_msg *as_error(const struct of_msg *m)
{
	return m->type == OFPT_ERROR ? (struct of_error_msg *)m->body : NULL;
}

/* Everything on its way, then one barrier: what comes before its reply answers them all. */
static int send_plain(struct ofctl_mods *m, struct ofctl_conn *c)
{
	struct of_barrier_request barrier = { .kind = OF_KIND_barrier_request };
	const struct of_msg *reply;
	struct arena a;
	uint32_t xid;
	int status = 0;

	for (size_t i = 0; i < m->n; i++)
		m->v[i].xid = ofctl_send_raw(c, m->v[i].raw, m->v[i].n);
	xid = ofctl_send(c, &barrier);
	arena_init(&a, 0);
	do {
		arena_reset(&a);
		reply = ofctl_recv(c, &a);
		if (!as_error(reply))
			continue;
		of_format_msg(stderr, reply, NULL);
		say_where(m, find(m, reply->xid));
		status = 1;
	} while (reply->xid != xid);
	arena_fini(&a);
	return status;
}

/* ---- Bundles (EXT-230): open, one message for each, commit ---- */

static void send_ctrl(struct ofctl_conn *c, uint32_t xid, uint16_t type)
{
	struct of_bundle_ctrl ctrl = { .kind = OF_KIND_bundle_ctrl,
				       .type = type,
				       .flags = BUNDLE_FLAGS };
	struct of_experimenter_msg x = { .kind = OF_KIND_experimenter_msg,
					 .experimenter = OF_ONF_ID,
					 .exp_type = 2300,
					 .body = (struct of_any *)&ctrl };

	ofctl_send_as(c, xid, &x);
}

static void send_add(struct ofctl_conn *c, struct ofctl_mod *mod)
{
	struct of_msg inner = { .version = OF_VERSION_13,
				.type = mod->raw[1],
				.length = (uint16_t)mod->n,
				.raw = mod->raw };
	struct of_bundle_add add = { .kind = OF_KIND_bundle_add,
				     .flags = BUNDLE_FLAGS,
				     .message = &inner };
	struct of_experimenter_msg x = { .kind = OF_KIND_experimenter_msg,
					 .experimenter = OF_ONF_ID,
					 .exp_type = 2301,
					 .body = (struct of_any *)&add };

	/* EXT-230: the message inside has the xid of the one around it. */
	inner.xid = mod->xid = ofctl_xid(c);
	put_be32(mod->raw + 4, mod->xid);
	ofctl_send_as(c, mod->xid, &x);
}

static void say_error(const struct ofctl_mods *m, const struct of_msg *reply)
{
	const struct of_error_msg *e = as_error(reply);
	const struct ofctl_mod *mod = find(m, reply->xid);
	const char *name = of_error_name(e->type, e->code);
	uint32_t skip = e->type == OFPET_EXPERIMENTER && e->data.n >= 4 ? 4 : 0;

	if (name)
		fprintf(stderr, "Error %s for: ", name);
	else
		fprintf(stderr, "Error %u/%u for: ", e->type, e->code);
	/* What was asked, rather than as much of it as the error brings back. */
	if (mod)
		of_format_raw(stderr, mod->raw, mod->n, NULL);
	else
		of_format_raw(stderr, e->data.p + skip, e->data.n - skip, NULL);
	say_where(m, mod);
}

/* Reads answers until that to 'xid'; whether all was well. */
static bool wait_ctrl(struct ofctl_mods *m, struct ofctl_conn *c, uint32_t xid)
{
	const struct of_msg *reply;
	bool well = true;
	struct arena a;

	arena_init(&a, 0);
	do {
		arena_reset(&a);
		reply = ofctl_recv(c, &a);
		if (as_error(reply)) {
			say_error(m, reply);
			well = false;
		}
	} while (reply->xid != xid);
	arena_fini(&a);
	return well;
}

static int send_bundle(struct ofctl_mods *m, struct ofctl_conn *c)
{
	uint32_t xid = ofctl_xid(c);

	send_ctrl(c, xid, OFPBCT_OPEN_REQUEST);
	if (!wait_ctrl(m, c, xid))
		ofctl_die("%s does not open a bundle", ofctl_target(c));
	for (size_t i = 0; i < m->n; i++)
		send_add(c, &m->v[i]);
	xid = ofctl_xid(c);
	send_ctrl(c, xid, OFPBCT_COMMIT_REQUEST);
	if (wait_ctrl(m, c, xid))
		return 0;
	fprintf(stderr, "weft-ofctl: %s refused the bundle; nothing of it is in effect\n",
		ofctl_target(c));
	return 1;
}

int ofctl_mods_send(struct ofctl_mods *m, struct ofctl_conn *c, bool bundle)
{
	int status = bundle ? send_bundle(m, c) : send_plain(m, c);

	for (size_t i = 0; i < m->n; i++)
		free(m->v[i].raw);
	free(m->v);
	arena_fini(&m->arena);
	return status;
}

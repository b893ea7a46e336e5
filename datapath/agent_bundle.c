/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bundles (ONF EXT-230): messages collected on a connection, then done all or none, in one step.
 *
 * Messages are kept as they came (kept.h) and decoded again at commit, so that an open bundle costs
 * no more than it was sent as, and all of them together no more than BUNDLE_BYTES.  Flows, groups,
 * meters, tables, ports and packet-outs can be bundled.  A bundle that a message could not be added
 * to is not committed: half of what was meant is not what was meant.  Misuse (another flag, a
 * bundle opened twice) ends a bundle, as EXT-230 says, and so does forgetting it.
 *
 * Ports have no versions: their part waits until all else is sure, and is done while the packet
 * threads stand still, together with the publication.
 */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "datapath/agent_priv.h"
#include "datapath/kept.h"

enum {
	BUNDLES_MAX = 64,
	BUNDLE_IDLE = 10, /* seconds, as long as Open vSwitch waits */
	BUNDLE_OPENER = 64,
	BUNDLE_LARGE = 4 << 20, /* bytes */
};
#define BUNDLE_BYTES ((uint64_t)512 << 20)

struct bundle {
	uint32_t id;
	uint16_t flags;
	bool closed;
	bool broken;   /* a message of it was refused */
	bool forwards; /* it has other messages than flow_mods, which others may be told of */
	double used;   /* when it was last heard of */
	struct kept kept;
	UT_hash_handle hh;
	/* What opened it, for the error when it is forgotten. */
	uint16_t opener_n;
	uint8_t opener[BUNDLE_OPENER];
};

static int refuse(struct of_err *e, uint16_t code, const char *text, uint32_t id)
{
	return of_err_set(e, OFPET_EXPERIMENTER, code, "bundle 0x%x: %s", id, text);
}

static struct bundle *find(struct conn *c, uint32_t id)
{
	struct bundle *b;

	HASH_FIND(hh, c->bundles, &id, sizeof(id), b);
	return b;
}

static void bundle_free(struct conn *c, struct bundle *b)
{
	c->agent->bundle_bytes -= b->kept.bytes;
	kept_fini(&b->kept);
	HASH_DEL(c->bundles, b);
	free(b);
}

void bundles_free(struct conn *c)
{
	struct bundle *b, *next;

	HASH_ITER (hh, c->bundles, b, next)
		bundle_free(c, b);
}

static int open_bundle(struct conn *c, const struct of_msg *m, uint32_t id, uint16_t flags,
		       struct of_err *e) CONTROL
{
	struct bundle *b;

	b = find(c, id);
	if (b) {
		bundle_free(c, b);
		return refuse(e, OFPBFC_BUNDLE_EXIST, "was open already, and is given up", id);
	}
	if (HASH_COUNT(c->bundles) >= BUNDLES_MAX)
		return refuse(e, OFPBFC_OUT_OF_BUNDLES, "64 are open on this connection", id);
	b = calloc(1, sizeof(*b));
	if (!b)
		return refuse(e, OFPBFC_OUT_OF_BUNDLES, "out of memory", id);
	b->id = id;
	b->flags = flags;
	b->used = monotonic_now();
	b->opener_n = m->length < BUNDLE_OPENER ? m->length : BUNDLE_OPENER;
	memcpy(b->opener, m->raw, b->opener_n);
	HASH_ADD(hh, c->bundles, id, sizeof(b->id), b);
	return 0;
}

/* What is done at the bundle's end: port_mods, then packet-outs. */
struct at_end {
	struct arena arena; /* the message being done */
	struct of_memo memo;
	struct packet_outs packets;
	uint32_t n, room;
	struct port_change {
		struct of_port_mod pm;
		uint32_t old;
	} * v;
};

static int port_mods_add(struct conn *c, struct at_end *p, const struct of_port_mod *pm,
			 struct of_err *e) CONTROL
{
	int rc = port_mod_check(c->agent->dp, pm, e);

	if (rc)
		return rc;
	if (p->n == p->room) {
		uint32_t room = p->room ? p->room * 2 : 16;
		struct port_change *v = realloc(p->v, room * sizeof(*v));

		if (!v)
			return of_err_set(e, OFPET_PORT_MOD_FAILED, OFPPMFC_EPERM, "out of memory");
		p->v = v;
		p->room = room;
	}
	p->v[p->n++].pm = *pm;
	return 0;
}

/* Decodes and executes one message; the error names it. */
static int apply(struct conn *c, const uint8_t *raw, uint16_t n, struct at_end *end) CONTROL
{
	struct of_msg *m;
	struct of_err e = { .type = 0 };
	int rc;

	arena_reset(&end->arena);
	rc = of_decode_memo(raw, n, &end->arena, &end->memo, &m, &e);
	if (!rc && m->type == OFPT_PORT_MOD)
		rc = port_mods_add(c, end, (const struct of_port_mod *)m->body, &e);
	else if (!rc && m->type == OFPT_PACKET_OUT)
		rc = packet_out_take(c, (const struct of_packet_out *)m->body, &end->packets, &e);
	else if (!rc)
		rc = agent_modify(c, m, &e);
	if (rc == -ENOMEM)
		rc = of_err_set(&e, OFPET_BAD_REQUEST, OFPBRC_EPERM, "out of memory");
	if (rc) {
		struct of_msg bad = { .xid = get_be32(raw + 4), .length = n, .raw = raw };

		agent_send_error(c, &bad, &e);
	}
	return rc;
}

/* Tables and ports become in one step what they shall be. */
static void show(struct conn *c, struct at_end *end) CONTROL
{
	struct dp *dp = c->agent->dp;

	if (end->n)
		pmd_hold_all(dp);
	for (uint32_t i = 0; i < end->n; i++)
		end->v[i].old = port_mod_store(dp, &end->v[i].pm);
	agent_changed(c->agent);
	agent_publish(c->agent);
	if (end->n)
		pmd_release_all(dp);
	for (uint32_t i = 0; i < end->n; i++)
		port_mod_settle(dp, &end->v[i].pm, end->v[i].old);
}

/* All messages; flow_mods that are like the ones before them several at once. */
static int apply_all(struct conn *c, const struct bundle *b, struct at_end *end) CONTROL
{
	const uint8_t *raw[KEPT_RUN];
	struct kept_walk w;
	unsigned int k;
	uint16_t n;
	int rc = 0;

	kept_walk_init(&w, &b->kept);
	while (!rc && (k = kept_next(&w, raw, &n))) {
		for (unsigned int i = 0; !rc && i < k;) {
			unsigned int done =
				series_length(c) == n ? series_add(c, raw + i, k - i) : 0;

			table_breathe(c->agent->dp);
			if (!done)
				rc = apply(c, raw[i++], n, end);
			i += done;
		}
	}
	return rc;
}

/* What other controllers may be told of. */
static void forward_all(struct conn *c, const struct bundle *b) CONTROL
{
	const uint8_t *raw[KEPT_RUN];
	struct kept_walk w;
	unsigned int k;
	uint16_t n;

	kept_walk_init(&w, &b->kept);
	while ((k = kept_next(&w, raw, &n)))
		for (unsigned int i = 0; i < k; i++)
			agent_forward(c, raw[i], n);
}

static int commit(struct conn *c, struct bundle *b, struct of_err *e) CONTROL
{
	struct dp *dp = c->agent->dp;
	struct at_end end = { 0 };
	uint32_t id = b->id;
	bool large;
	int rc;

	if (b->broken) {
		bundle_free(c, b);
		return refuse(e, OFPBFC_MSG_FAILED,
			      "a message was refused when it came; nothing was changed", id);
	}
	agent_publish(c->agent); /* what came before is not undone with the bundle */
	arena_init(&end.arena, 0);
	table_begin(dp);
	rc = apply_all(c, b, &end);
	series_end(c->agent);
	if (rc) {
		packet_outs_end(c, &end.packets, false); /* they may hold what goes now */
		table_rollback(dp);
		end.n = 0;
	} else {
		table_commit(dp);
	}
	show(c, &end);
	packet_outs_end(c, &end.packets, true);
	if (!rc && b->forwards)
		forward_all(c, b);
	free(end.v);
	arena_fini(&end.arena);
	of_memo_fini(&end.memo);
	agent_buffers_settle(c, !rc);
	large = b->kept.bytes > BUNDLE_LARGE;
	bundle_free(c, b);
	/* What it took beside its flows goes back to the system. */
	if (large)
		malloc_trim(0);
	return rc ? refuse(e, OFPBFC_MSG_FAILED, "a message failed; nothing was changed", id) : 0;
}

static int control(struct conn *c, const struct of_msg *m, const struct of_bundle_ctrl *q,
		   struct of_err *e) CONTROL
{
	struct bundle *b = find(c, q->bundle_id);

	if (q->flags & ~(OFPBF_ATOMIC | OFPBF_ORDERED))
		return refuse(e, OFPBFC_BAD_FLAGS, "flags are 1 (atomic) and 2 (ordered)",
			      q->bundle_id);
	if (q->type == OFPBCT_OPEN_REQUEST)
		return open_bundle(c, m, q->bundle_id, q->flags, e);
	if (q->type != OFPBCT_CLOSE_REQUEST && q->type != OFPBCT_COMMIT_REQUEST &&
	    q->type != OFPBCT_DISCARD_REQUEST)
		return refuse(e, OFPBFC_BAD_TYPE, "requests are 0, 2, 4 and 6", q->bundle_id);
	if (!b)
		return refuse(e, OFPBFC_BAD_ID, "is not open", q->bundle_id);
	if (b->flags != q->flags) {
		bundle_free(c, b);
		return refuse(e, OFPBFC_BAD_FLAGS, "was opened with other flags", q->bundle_id);
	}
	switch (q->type) {
	case OFPBCT_CLOSE_REQUEST:
		if (b->closed) {
			bundle_free(c, b);
			return refuse(e, OFPBFC_BUNDLE_CLOSED, "was closed already", q->bundle_id);
		}
		b->closed = true;
		b->used = monotonic_now();
		return 0;
	case OFPBCT_COMMIT_REQUEST:
		return commit(c, b, e);
	default:
		bundle_free(c, b);
		return 0;
	}
}

static bool bundled(const struct of_msg *m)
{
	const struct of_experimenter_msg *x = (const struct of_experimenter_msg *)m->body;
	const uint8_t type = m->type;

	if (type == OFPT_EXPERIMENTER)
		return x->body && (x->body->kind == OF_KIND_onf_table_mod ||
				   x->body->kind == OF_KIND_weft_group_mod);
	return type == OFPT_FLOW_MOD || type == OFPT_GROUP_MOD || type == OFPT_METER_MOD ||
	       type == OFPT_TABLE_MOD || type == OFPT_PORT_MOD || type == OFPT_PACKET_OUT;
}

/* So many bytes more may be kept. */
static bool has_room(const struct conn *c, size_t n)
{
	return c->agent->bundle_bytes + n <= BUNDLE_BYTES;
}

/* Appends the message. */
static int keep(struct conn *c, struct bundle *b, const struct of_msg *outer,
		const struct of_bundle_add *q, struct of_err *e) CONTROL
{
	const struct of_msg *m = q->message;
	const uint64_t before = b->kept.bytes;

	if (m->xid != outer->xid)
		return refuse(e, OFPBFC_MSG_BAD_XID,
			      "the message has another xid than its envelope", q->bundle_id);
	if (!bundled(m))
		return refuse(
			e, OFPBFC_MSG_UNSUP,
			"flow, group, meter, table and port mods and packet-outs can be bundled",
			q->bundle_id);
	if (!has_room(c, kept_most(m->length)))
		return refuse(e, OFPBFC_MSG_TOO_MANY, "bundles hold 512 MiB", q->bundle_id);
	if (kept_add(&b->kept, m->raw, m->length))
		return refuse(e, OFPBFC_MSG_TOO_MANY, "out of memory", q->bundle_id);
	c->agent->bundle_bytes += b->kept.bytes - before;
	if (m->type == OFPT_FLOW_MOD)
		series_note_bundled(c, outer, b);
	else
		b->forwards = true;
	return 0;
}

unsigned int bundle_keep_like(struct conn *c, struct bundle *b, const struct of_form *f, size_t at,
			      const uint8_t *const *raw, unsigned int n_msgs)
{
	const uint64_t before = b->kept.bytes;
	unsigned int done;

	if (!has_room(c, sizeof(*f) + n_msgs * kept_most(f->n)))
		return 0;
	done = kept_add_like(&b->kept, f, at, raw, n_msgs);
	c->agent->bundle_bytes += b->kept.bytes - before;
	if (done)
		b->used = monotonic_now();
	return done;
}

static int add(struct conn *c, const struct of_msg *outer, const struct of_bundle_add *q,
	       struct of_err *e) CONTROL
{
	struct bundle *b = find(c, q->bundle_id);
	int rc;

	/* EXT-230: adding to a bundle that is not there opens it. */
	if (!b) {
		rc = open_bundle(c, outer, q->bundle_id, q->flags, e);
		if (rc)
			return rc;
		b = find(c, q->bundle_id);
	}
	if (b->closed || b->flags != q->flags) {
		bool closed = b->closed;

		bundle_free(c, b);
		return refuse(e, closed ? OFPBFC_BUNDLE_CLOSED : OFPBFC_BAD_FLAGS,
			      closed ? "was closed" : "was opened with other flags", q->bundle_id);
	}
	b->used = monotonic_now();
	rc = keep(c, b, outer, q, e);
	b->broken |= rc != 0;
	return rc;
}

void bundles_expire(struct conn *c)
{
	double now = monotonic_now();
	struct bundle *b, *next;

	HASH_ITER (hh, c->bundles, b, next) {
		struct of_msg m = { .xid = get_be32(b->opener + 4),
				    .length = b->opener_n,
				    .raw = b->opener };
		struct of_err e;

		if (now - b->used < BUNDLE_IDLE)
			continue;
		refuse(&e, OFPBFC_TIMEOUT, "was left alone for too long", b->id);
		agent_send_error(c, &m, &e);
		bundle_free(c, b);
	}
}

void bundles_refused(struct conn *c, const uint8_t *raw, size_t n)
{
	struct of_msg m = { .xid = get_be32(raw + 4), .length = (uint16_t)n, .raw = raw };
	struct bundle *b;
	struct of_err e;

	/* Envelope (7.5.4): experimenter, its type, the bundle's id, padding, flags. */
	if (n < 24 || raw[1] != OFPT_EXPERIMENTER || get_be32(raw + 8) != OF_ONF_ID ||
	    get_be32(raw + 12) != 2301 || conn_channel(c)->role == OFPCR_ROLE_SLAVE)
		return;
	b = find(c, get_be32(raw + 16));
	/* The first of a bundle opens it all the same: those behind it are not a bundle without. */
	if (!b && !open_bundle(c, &m, get_be32(raw + 16), get_be16(raw + 22), &e))
		b = find(c, get_be32(raw + 16));
	if (b)
		b->broken = true;
}

static void reply(struct conn *c, const struct of_msg *m, const struct of_bundle_ctrl *q) CONTROL
{
	struct of_bundle_ctrl r = { .kind = OF_KIND_bundle_ctrl,
				    .bundle_id = q->bundle_id,
				    .type = (uint16_t)(q->type + 1), /* each request's reply */
				    .flags = q->flags };
	struct of_experimenter_msg x = { .kind = OF_KIND_experimenter_msg,
					 .experimenter = OF_ONF_ID,
					 .exp_type = 2300,
					 .body = (struct of_any *)&r };

	agent_reply(c, m, (struct of_any *)&x);
}

/* EXT-230 has properties of experimenters only, and none of them is known here. */
static int check_properties(const struct of_any *body, struct of_err *e)
{
	const struct of_span *p = body->kind == OF_KIND_bundle_add
					  ? &((const struct of_bundle_add *)body)->properties
					  : &((const struct of_bundle_ctrl *)body)->properties;

	if (!p->n)
		return 0;
	if (p->n >= 8 && get_be16(p->p) == 0xffff)
		return of_err_set(e, OFPET_BAD_REQUEST, OFPBRC_BAD_EXPERIMENTER,
				  "a bundle's property of experimenter 0x%x", get_be32(p->p + 4));
	return of_err_set(e, OFPET_BAD_REQUEST, OFPBRC_BAD_LEN,
			  "%u bytes behind a bundle's message are no property", p->n);
}

int agent_bundle(struct conn *c, const struct of_msg *m, struct of_err *e)
{
	const struct of_experimenter_msg *x = (const struct of_experimenter_msg *)m->body;
	int rc;

	if (conn_channel(c)->role == OFPCR_ROLE_SLAVE)
		return of_err_set(e, OFPET_BAD_REQUEST, OFPBRC_IS_SLAVE,
				  "a slave may not change the switch");
	rc = check_properties(x->body, e);
	if (rc) {
		bundles_refused(c, m->raw, m->length);
		return rc;
	}
	if (x->body->kind == OF_KIND_bundle_add)
		return add(c, m, (const struct of_bundle_add *)x->body, e);
	rc = control(c, m, (const struct of_bundle_ctrl *)x->body, e);
	if (!rc)
		reply(c, m, (const struct of_bundle_ctrl *)x->body);
	return rc;
}

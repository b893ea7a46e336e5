/* SPDX-License-Identifier: Apache-2.0 */
/* A continuation that came back: nothing in it is believed (freeze.h). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/byteorder.h"
#include "datapath/act.h"
#include "datapath/dp.h"
#include "datapath/freeze.h"
#include "datapath/port.h"
#include "datapath/punt.h"
#include "datapath/table.h"
#include "ofproto/match.h"

enum { LEVEL_HEAD = 20, SCRATCH = 1 << 20 };

struct reader {
	struct dp *dp;
	struct frozen *z;
	struct arena arena; /* lists as decoded, until they are compiled */
	bool ours;	    /* it has this life's id */
	struct of_err *e;
};

static int bad(struct reader *r, uint16_t code, const char *what)
{
	return of_err_set(r->e, OFPET_TABLE_FEATURES_FAILED, code, "continuation: %s", what);
}

void frozen_free(struct dp *dp, struct frozen *z)
{
	if (!z)
		return;
	insts_put(dp, z->set);
	for (uint32_t i = 0; i < z->n; i++)
		insts_put(dp, z->level[i].insts);
	free(z);
}

/* ---- Properties ---- */

static int read_origin(struct reader *r, const uint8_t *p, uint32_t n)
{
	if (n != 4 + FREEZE_ID)
		return bad(r, OFPTFFC_BAD_LEN, "whose it is");
	r->ours = !memcmp(p + 4, r->dp->freeze_id, FREEZE_ID);
	return 0;
}

static int read_state(struct reader *r, const uint8_t *p, uint32_t n)
{
	struct flow_key *k = &r->z->key;

	if (n != FREEZE_STATE_LEN - 4)
		return bad(r, OFPTFFC_BAD_LEN, "state");
	r->z->queue_id = get_be32(p);
	memcpy(&k->in_phy_port, p + 4, 4);
	k->tun_tos = p[8];
	k->tun_ttl = p[9];
	k->ct_nw_proto = p[10];
	r->z->set_ran = p[11];
	memcpy(&k->ct_nw_src, p + 12, 4);
	memcpy(&k->ct_nw_dst, p + 16, 4);
	memcpy(k->ct_ipv6_src, p + 20, 16);
	memcpy(k->ct_ipv6_dst, p + 36, 16);
	memcpy(&k->ct_tp_src, p + 52, 2);
	memcpy(&k->ct_tp_dst, p + 54, 2);
	return 0;
}

static int read_stack(struct reader *r, const uint8_t *p, uint32_t n)
{
	if (n < 4 || (n - 4) % 16 || (n - 4) / 16 > PKT_STACK_MAX)
		return bad(r, OFPTFFC_BAD_LEN, "stack");
	r->z->n_stack = (uint8_t)((n - 4) / 16);
	memcpy(r->z->stack, p + 4, n - 4);
	return 0;
}

static int read_pieces(struct reader *r, const uint8_t *p, uint32_t n)
{
	struct frozen *z = r->z;

	if (n != FREEZE_PIECES_LEN - 4)
		return bad(r, OFPTFFC_BAD_LEN, "pieces");
	z->in_pieces = true;
	z->pieces_due = p[0];
	z->pieces.max = get_be16(p + 2);
	z->pieces.frag_at = get_be16(p + 4);
	z->pieces.ip_len = get_be32(p + 8);
	memcpy(&z->pieces.id, p + 12, 4);
	return 0;
}

/* Instructions of a flow in 'table'; NULL, with 'e' filled. */
static struct insts *read_insts(struct reader *r, const uint8_t *p, uint32_t n,
				uint8_t table) CONTROL
{
	struct of_list l;

	arena_reset(&r->arena);
	if (table >= N_TABLES) {
		bad(r, OFPTFFC_BAD_ARGUMENT, "table");
		return NULL;
	}
	if (of_decode_list("inst", p, n, &r->arena, &l, r->e) < 0)
		return NULL;
	return insts_get_frozen(r->dp, &l, table, r->e);
}

static int read_set(struct reader *r, const uint8_t *p, uint32_t n) CONTROL
{
	struct insts *set;

	if (n < 4)
		return bad(r, OFPTFFC_BAD_LEN, "action set");
	if (r->z->set)
		return bad(r, OFPTFFC_BAD_ARGUMENT, "two action sets");
	set = read_insts(r, p + 4, n - 4, 0);
	if (!set)
		return -EPROTO;
	r->z->set = set;
	if (set->apply || set->clear || set->metadata_mask || set->goto_table >= 0)
		return bad(r, OFPTFFC_BAD_ARGUMENT, "an action set is no more than write-actions");
	return 0;
}

static int read_level(struct reader *r, const uint8_t *p, uint32_t n) CONTROL
{
	struct frozen_level *l = &r->z->level[r->z->n];

	if (n < LEVEL_HEAD)
		return bad(r, OFPTFFC_BAD_LEN, "level");
	if (r->z->n == FREEZE_LEVELS_MAX)
		return bad(r, OFPTFFC_BAD_ARGUMENT, "too many levels");
	if (p[0] & ~(FREEZE_MISS | FREEZE_CALLED))
		return bad(r, OFPTFFC_BAD_ARGUMENT, "flags");
	l->miss = p[0] & FREEZE_MISS;
	l->called = p[0] & FREEZE_CALLED;
	l->table_id = p[1];
	l->cookie = get_be64(p + 12);
	l->insts = read_insts(r, p + LEVEL_HEAD, n - LEVEL_HEAD, l->table_id);
	if (!l->insts)
		return -EPROTO;
	r->z->n++;
	return 0;
}

static int read_prop(struct reader *r, uint16_t type, const uint8_t *p, uint32_t n) CONTROL
{
	switch (type) {
	case FREEZE_ORIGIN:
		return read_origin(r, p, n);
	case FREEZE_STATE:
		return read_state(r, p, n);
	case FREEZE_STACK:
		return read_stack(r, p, n);
	case FREEZE_SET:
		return read_set(r, p, n);
	case FREEZE_PIECES:
		return read_pieces(r, p, n);
	case FREEZE_LEVEL:
		return read_level(r, p, n);
	default:
		return bad(r, OFPTFFC_BAD_TYPE, "unknown property");
	}
}

static int origin_only(struct reader *r, uint16_t type, const uint8_t *p, uint32_t n) CONTROL
{
	return type == FREEZE_ORIGIN ? read_origin(r, p, n) : 0;
}

/* Zero bytes to a multiple of 8 stand between them.  First only whose it is is read, then all. */
static int each(struct reader *r, const struct of_span *s, bool all) CONTROL
{
	for (uint32_t at = 0; at < s->n;) {
		const uint8_t *p = s->p + at;
		uint32_t n;
		int rc;

		if (s->n - at < 4)
			return bad(r, OFPTFFC_BAD_LEN, "cut off");
		n = get_be16(p + 2);
		if (n < 4 || n > s->n - at)
			return bad(r, OFPTFFC_BAD_LEN, "length of a property");
		rc = all ? read_prop(r, get_be16(p), p + 4, n - 4)
			 : origin_only(r, get_be16(p), p + 4, n - 4);
		if (rc)
			return rc;
		at += (n + 7) & ~7u;
	}
	return 0;
}

/* ---- The message ---- */

/* What a controller may have changed of the fields that are in no header. */
static int take_fields(struct reader *r, const struct of_match *m)
{
	const struct flow_key *v = &m->value;
	struct flow_key *k = &r->z->key;
	const uint32_t port = be32toh(v->in_port);

	if (!port || (port > PORT_LAST && port < OFPP_CONTROLLER))
		return of_err_set(r->e, OFPET_BAD_REQUEST, OFPBRC_BAD_PORT,
				  "a packet that came in by port %#x", port);
	k->in_port = v->in_port;
	k->metadata = v->metadata;
	k->tun_id = v->tun_id;
	k->tun_src = v->tun_src;
	k->tun_dst = v->tun_dst;
	k->tun_flags = v->tun_flags;
	memcpy(k->tun_ipv6_src, v->tun_ipv6_src, sizeof(k->tun_ipv6_src));
	memcpy(k->tun_ipv6_dst, v->tun_ipv6_dst, sizeof(k->tun_ipv6_dst));
	memcpy(k->reg, v->reg, sizeof(k->reg));
	k->pkt_mark = v->pkt_mark;
	k->ct_state = v->ct_state;
	k->ct_zone = v->ct_zone;
	k->ct_mark = v->ct_mark;
	memcpy(k->ct_label, v->ct_label, sizeof(k->ct_label));
	return 0;
}

static int read_all(struct reader *r, const struct of_span *frame, const struct of_span *frozen,
		    const struct of_match *m) CONTROL
{
	int rc = each(r, frozen, false);

	if (rc)
		return rc;
	if (!r->ours)
		return of_err_set(r->e, OFPET_EXPERIMENTER, NXR_STALE,
				  "it is not from this switch, or from before it was started");
	rc = each(r, frozen, true);
	if (rc)
		return rc;
	if (frame->n < 14)
		return of_err_set(r->e, OFPET_BAD_REQUEST, OFPBRC_BAD_PACKET,
				  "%u bytes are no Ethernet frame", frame->n);
	if (frame->n > INJECT_FRAME_MAX)
		return of_err_set(r->e, OFPET_BAD_REQUEST, OFPBRC_BAD_LEN,
				  "a frame of %u bytes is too long", frame->n);
	return take_fields(r, m);
}

int frozen_read(struct dp *dp, const struct of_nx_resume *q, struct of_span *frame,
		struct frozen **out, struct of_err *e)
{
	static const struct of_match none;
	struct reader r = { .dp = dp, .e = e };
	struct of_span frozen = { 0, NULL };
	const struct of_match *m = &none;
	int rc;

	*frame = (struct of_span){ 0, NULL };
	for (uint32_t i = 0; i < q->properties.n; i++) {
		const struct of_any *a = q->properties.v[i];

		if (a->kind == OF_KIND_nx_pin_packet)
			*frame = ((const struct of_nx_pin_packet *)a)->data;
		else if (a->kind == OF_KIND_nx_pin_metadata)
			m = &((const struct of_nx_pin_metadata *)a)->match;
		else if (a->kind == OF_KIND_nx_pin_continuation)
			frozen = ((const struct of_nx_pin_continuation *)a)->data;
	}
	r.z = calloc(1, sizeof(*r.z) + FREEZE_LEVELS_MAX * sizeof(r.z->level[0]));
	if (!r.z)
		return -ENOMEM;
	arena_init(&r.arena, SCRATCH);
	rc = read_all(&r, frame, &frozen, m);
	arena_fini(&r.arena);
	if (rc)
		frozen_free(dp, r.z);
	else
		*out = r.z;
	return rc;
}

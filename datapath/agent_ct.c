/* SPDX-License-Identifier: Apache-2.0 */
/* Connections, their zones and limits, as Weft's own messages tell and change them. */
#include <errno.h>
#include <string.h>

#include <rte_cycles.h>

#include "base/ip_proto.h"
#include "datapath/agent_mgmt.h"
#include "datapath/ct.h"
#include "datapath/ct_tcp.h"
#include "datapath/ct_track.h"
#include "datapath/ct_zone.h"

enum {
	PART = 256,	  /* connections: more than that, and the message is sent */
	SLOTS = 128,	  /* looked at between two such looks */
	SLOTS_MAX = 8192, /* for one message: a millisecond */
};

static struct ct *table_of(const struct mgmt_ctx *x) CONTROL
{
	return atomic_load_explicit(&x->conn->agent->dp->ct, memory_order_relaxed);
}

static ProtobufCBinaryData bytes(struct arena *a, const void *p, size_t n)
{
	ProtobufCBinaryData b = { .data = arena_dup(a, p, n) };

	b.len = b.data ? n : 0;
	return b;
}

/* ---- Connections ---- */

struct ct_dump {
	const struct mgmt_ctx *x;
	const Weft__CtDumpRequest *q;
	const struct ct *t;
	Weft__CtConns list;
	uint32_t now;
	bool no_memory;
};

Weft__CtTuple *agent_ct_tuple(struct arena *a, const struct ct_tuple *t)
{
	Weft__CtTuple *out = arena_get(a, sizeof(*out));
	const size_t n = t->l3 == 4 ? 4 : 16;

	if (!out)
		return NULL;
	weft__ct_tuple__init(out);
	out->src = bytes(a, t->src, n);
	out->dst = bytes(a, t->dst, n);
	out->proto = t->proto;
	out->src_port = be16toh(t->src_port);
	out->dst_port = be16toh(t->dst_port);
	return out->src.len && out->dst.len ? out : NULL;
}

static uint32_t status_of(const struct ct_conn *c)
{
	static const struct {
		uint8_t flag;
		uint32_t status;
	} bits[] = {
		{ CT_F_SEEN_REPLY, WEFT__CT_STATUS__CT_SEEN_REPLY },
		{ CT_F_RELATED, WEFT__CT_STATUS__CT_EXPECTED },
		{ CT_F_SNAT, WEFT__CT_STATUS__CT_SRC_NAT },
		{ CT_F_DNAT, WEFT__CT_STATUS__CT_DST_NAT },
		{ CT_F_SEQ_ADJUST, WEFT__CT_STATUS__CT_SEQ_ADJUST },
		{ CT_F_HELPER_FTP | CT_F_HELPER_TFTP, WEFT__CT_STATUS__CT_HELPER },
	};
	uint32_t status = 0;

	for (unsigned int i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
		if (c->flags & bits[i].flag)
			status |= bits[i].status;
	return status;
}

static void put_tcp(Weft__CtConn *out, const struct ct_conn *c)
{
	out->state = (char *)(uintptr_t)ct_tcp_conn_name(c->peer);
	out->state_orig = (char *)(uintptr_t)ct_tcp_state_name(c->peer[CT_ORIG].state);
	out->state_reply = (char *)(uintptr_t)ct_tcp_state_name(c->peer[CT_REPLY].state);
	out->wscale_orig = c->peer[CT_ORIG].wscale & CT_WSCALE;
	out->wscale_reply = c->peer[CT_REPLY].wscale & CT_WSCALE;
}

static uint32_t seconds(uint32_t ticks)
{
	return (int32_t)ticks > 0 ? ticks / CT_TICKS : 0;
}

static Weft__CtConn *conn_mgmt(struct ct_dump *d, const struct ct_conn *c)
{
	static const uint8_t none[16];
	struct arena *a = d->x->arena;
	Weft__CtConn *out = arena_get(a, sizeof(*out));

	if (!out)
		return NULL;
	weft__ct_conn__init(out);
	out->orig = agent_ct_tuple(a, &c->orig);
	out->reply = agent_ct_tuple(a, &c->reply);
	out->zone = c->orig.zone;
	out->mark = c->mark;
	if (memcmp(c->label, none, sizeof(none)) != 0)
		out->label = bytes(a, c->label, sizeof(c->label));
	out->timeout = seconds(c->expires - d->now);
	out->age = seconds(d->now - c->started);
	out->status = status_of(c);
	out->packets_orig = c->packets[CT_ORIG];
	out->packets_reply = c->packets[CT_REPLY];
	out->id = c->id;
	out->helper = c->flags & CT_F_HELPER_FTP    ? (char *)(uintptr_t) "ftp"
		      : c->flags & CT_F_HELPER_TFTP ? (char *)(uintptr_t) "tftp"
						    : (char *)(uintptr_t) "";
	if (c->orig.proto == PROTO_TCP)
		put_tcp(out, c);
	return out->orig && out->reply ? out : NULL;
}

/* Whether 't' is what is asked for, as far as that says anything. */
static bool tuple_fits(const struct ct_tuple *t, const Weft__CtTuple *q)
{
	const size_t n = t->l3 == 4 ? 4 : 16;

	return (!q->src.len || (q->src.len == n && !memcmp(q->src.data, t->src, n))) &&
	       (!q->dst.len || (q->dst.len == n && !memcmp(q->dst.data, t->dst, n))) &&
	       (!q->proto || q->proto == t->proto) &&
	       (!q->src_port || q->src_port == be16toh(t->src_port)) &&
	       (!q->dst_port || q->dst_port == be16toh(t->dst_port));
}

static void dump_one(void *arg, const struct ct_conn *c)
{
	struct ct_dump *d = arg;
	Weft__CtConn *out;

	if (d->q->in_zone && c->orig.zone != d->q->zone)
		return;
	if (d->q->tuple && !tuple_fits(&c->orig, d->q->tuple))
		return;
	out = conn_mgmt(d, c);
	if (out)
		d->list.conns[d->list.n_conns++] = out;
	else
		d->no_memory = true;
}

int agent_ct_dump(const struct mgmt_ctx *x, const Weft__CtDumpRequest *q)
{
	struct ct_dump d = { .x = x, .q = q, .list = WEFT__CT_CONNS__INIT };
	struct ct *t = table_of(x);
	Weft__Reply r = WEFT__REPLY__INIT;
	uint32_t cursor = q->cursor;
	bool more = t;

	d.t = t;
	d.now = t ? ct_now(t, rte_rdtsc()) : 0;
	d.list.conns = arena_get(x->arena, (PART + SLOTS) * sizeof(*d.list.conns));
	if (!d.list.conns)
		return -ENOMEM;
	for (uint32_t n = 0; more && n < SLOTS_MAX && d.list.n_conns < PART; n += SLOTS)
		more = ct_walk(t, &cursor, SLOTS, dump_one, &d);
	if (d.no_memory)
		return -ENOMEM;
	d.list.cursor = more ? cursor : 0;
	r.body_case = WEFT__REPLY__BODY_CT_CONNS;
	r.ct_conns = &d.list;
	return mgmt_answer(x, &r);
}

/* ---- Flush ---- */

static int bad_zone(const struct mgmt_ctx *x, uint32_t zone)
{
	struct err e;

	return mgmt_refuse_err(x, err_set(&e, -EINVAL, "zone %u: zones are 0 to 65535", zone), &e);
}

static int tuple_of(const Weft__CtTuple *q, uint32_t zone, struct ct_tuple *t, struct err *e)
{
	memset(t, 0, sizeof(*t));
	if ((q->src.len != 4 && q->src.len != 16) || q->dst.len != q->src.len || !q->proto ||
	    q->proto > UINT8_MAX || q->src_port > UINT16_MAX || q->dst_port > UINT16_MAX)
		return err_set(e, -EINVAL,
			       "a connection is named by both addresses, of one IP version, "
			       "protocol and ports");
	t->l3 = q->src.len == 4 ? 4 : 6;
	memcpy(t->src, q->src.data, q->src.len);
	memcpy(t->dst, q->dst.data, q->dst.len);
	t->proto = (uint8_t)q->proto;
	t->src_port = htobe16((uint16_t)q->src_port);
	t->dst_port = htobe16((uint16_t)q->dst_port);
	t->zone = (uint16_t)zone;
	return 0;
}

int agent_ct_flush(const struct mgmt_ctx *x, const Weft__CtFlush *q)
{
	Weft__CtFlushed done = WEFT__CT_FLUSHED__INIT;
	const uint16_t zone = (uint16_t)q->zone;
	struct ct *t = table_of(x);
	Weft__Reply r = WEFT__REPLY__INIT;
	struct ct_tuple k;
	struct err e;

	if (q->zone >= CT_ZONES)
		return bad_zone(x, q->zone);
	if (q->tuple && tuple_of(q->tuple, q->zone, &k, &e))
		return mgmt_refuse_err(x, -EINVAL, &e);
	if (!q->tuple)
		return agent_ct_flush_all(x, q->in_zone ? &zone : NULL);
	if (t)
		done.conns = ct_flush_tuple(x->conn->agent->dp, t, &k);
	r.body_case = WEFT__REPLY__BODY_CT_FLUSHED;
	r.ct_flushed = &done;
	return mgmt_answer(x, &r);
}

/* ---- Statistics ---- */

struct zone_walk {
	const struct mgmt_ctx *x;
	struct ct *t;
	Weft__CtStats *s;
	size_t room;
	bool no_memory;
};

static Weft__CtTimeout **timeouts(struct arena *a, const struct ct_policy *p, size_t *n)
{
	Weft__CtTimeout **v = arena_get(a, CT_N_TIMEOUTS * sizeof(*v));

	*n = 0;
	for (unsigned int i = 0; v && i < CT_N_TIMEOUTS; i++) {
		v[i] = arena_get(a, sizeof(*v[i]));
		if (!v[i])
			return NULL;
		weft__ct_timeout__init(v[i]);
		v[i]->name = (char *)(uintptr_t)ct_timeout_names[i];
		v[i]->seconds = p->seconds[i];
		++*n;
	}
	return v;
}

static Weft__CtZone *zone_mgmt(struct zone_walk *w, const struct ct_zone_stats *s) CONTROL
{
	Weft__CtZone *z = arena_get(w->x->arena, sizeof(*z));
	struct ct_policy p;

	if (!z)
		return NULL;
	weft__ct_zone__init(z);
	z->zone = s->zone;
	z->conns = s->count;
	z->limit = s->limit;
	z->own_limit = s->has_limit;
	z->created = s->events[CT_Z_CREATED];
	z->refused_full = s->events[CT_Z_FULL];
	z->refused_limit = s->events[CT_Z_ZONE_FULL];
	z->refused_nat = s->events[CT_Z_NAT_EXHAUSTED];
	z->invalid = s->events[CT_Z_INVALID];
	if (!s->has_policy)
		return z;
	ct_zone_policy(w->t, &s->zone, &p);
	z->timeouts = timeouts(w->x->arena, &p, &z->n_timeouts);
	return z->timeouts ? z : NULL;
}

/* The list grows by doubling. */
static void add_zone(void *arg, const struct ct_zone_stats *s)
{
	struct zone_walk *w = arg;
	Weft__CtStats *l = w->s;

	role_assume_control();
	if (l->n_zones == w->room) {
		const size_t room = w->room ? 2 * w->room : 16;
		Weft__CtZone **v = arena_get(w->x->arena, room * sizeof(*v));

		if (!v) {
			w->no_memory = true;
			return;
		}
		if (l->n_zones)
			memcpy(v, l->zones, l->n_zones * sizeof(*v));
		l->zones = v;
		w->room = room;
	}
	l->zones[l->n_zones] = zone_mgmt(w, s);
	if (l->zones[l->n_zones])
		l->n_zones++;
	else
		w->no_memory = true;
}

static int put_protos(struct arena *a, Weft__CtStats *out, const struct ct_stats *s)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < 256; i++)
		n += s->by_proto[i] != 0;
	out->protos = arena_get(a, (n + 1) * sizeof(*out->protos));
	for (unsigned int i = 0; out->protos && i < 256; i++) {
		Weft__CtProto *p;

		if (!s->by_proto[i])
			continue;
		p = arena_get(a, sizeof(*p));
		if (!p)
			return -ENOMEM;
		weft__ct_proto__init(p);
		p->proto = i;
		p->conns = s->by_proto[i];
		out->protos[out->n_protos++] = p;
	}
	return out->protos ? 0 : -ENOMEM;
}

static int put_stats(const struct mgmt_ctx *x, struct ct *t, Weft__CtStats *out) CONTROL
{
	struct ct_policy p;
	struct ct_stats s;

	ct_stats(t, &s);
	out->on = true;
	out->conns = s.conns;
	out->max = s.max;
	out->created = s.created;
	out->expired = s.expired;
	out->deleted = s.deleted;
	out->full = s.full;
	out->zone_full = s.zone_full;
	out->early = s.early;
	out->default_limit = ct_zone_default_limit(t);
	out->tcp_seq_chk =
		!atomic_load_explicit(&x->conn->agent->dp->ct_liberal, memory_order_relaxed);
	ct_memory(t, &out->bytes, &out->max_bytes);
	ct_zone_policy(t, NULL, &p);
	out->timeouts = timeouts(x->arena, &p, &out->n_timeouts);
	return out->timeouts ? put_protos(x->arena, out, &s) : -ENOMEM;
}

int agent_ct_stats(const struct mgmt_ctx *x, const Weft__CtStatsRequest *q)
{
	Weft__CtStats s = WEFT__CT_STATS__INIT;
	struct zone_walk w = { .x = x, .t = table_of(x), .s = &s };
	Weft__Reply r = WEFT__REPLY__INIT;
	int rc = 0;

	if (q->zone >= CT_ZONES)
		return bad_zone(x, q->zone);
	s.max = x->conn->agent->dp->opts.ct_max ? x->conn->agent->dp->opts.ct_max
						: (uint32_t)CT_MAX_DEFAULT;
	if (w.t) {
		rc = put_stats(x, w.t, &s);
		if (q->in_zone) {
			struct ct_zone_stats one;

			ct_zone_stats(w.t, (uint16_t)q->zone, &one);
			add_zone(&w, &one);
		} else {
			ct_zone_each(w.t, add_zone, &w);
		}
	}
	if (rc || w.no_memory)
		return -ENOMEM;
	r.body_case = WEFT__REPLY__BODY_CT_STATS;
	r.ct_stats = &s;
	return mgmt_answer(x, &r);
}

/* ---- Settings ---- */

/* What is said, over what there is; 0 is the default again. */
static int policy_of(struct ct_policy *p, Weft__CtTimeout *const *v, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		const int which = ct_timeout_by_name(v[i]->name);

		if (which < 0)
			return err_set(e, -EINVAL, "no timeout is called '%.40s'", v[i]->name);
		if (v[i]->seconds > CT_SECONDS_MAX)
			return err_set(e, -ERANGE, "%s=%u: %d seconds at most", v[i]->name,
				       v[i]->seconds, CT_SECONDS_MAX);
		p->seconds[which] = v[i]->seconds;
	}
	return 0;
}

static int set_policy(struct ct *t, const uint16_t *zone, Weft__CtTimeout *const *v, size_t n,
		      struct err *e) CONTROL
{
	struct ct_policy p;
	int rc;

	if (!n)
		return 0;
	/* What it has of its own stays, but for what is said. */
	if (!ct_zone_policy(t, zone, &p) && zone)
		p = (struct ct_policy){ { 0 } };
	rc = policy_of(&p, v, n, e);
	return rc ? rc : ct_zone_set_policy(t, zone, &p, e);
}

/* Nothing is changed when something is wrong with any of it. */
static int check_set(const Weft__CtSet *q, const struct ct *t, struct err *e)
{
	struct ct_policy p;
	int rc = policy_of(&p, q->timeouts, q->n_timeouts, e);

	for (size_t i = 0; !rc && i < q->n_zones; i++) {
		if (q->zones[i]->zone >= CT_ZONES)
			return err_set(e, -EINVAL, "zone %u: zones are 0 to 65535",
				       q->zones[i]->zone);
		rc = policy_of(&p, q->zones[i]->timeouts, q->zones[i]->n_timeouts, e);
	}
	if (!rc && q->max && t)
		return err_set(e, -EEXIST,
			       "the table is made, of a size that stays: --ct-max-connections says "
			       "it when the switch starts");
	if (!rc && q->max > CT_LIMIT_MAX)
		return err_set(e, -ERANGE, "%u connections: 1 to %d are right", q->max,
			       CT_LIMIT_MAX);
	return rc;
}

static int set_zone(struct ct *t, const Weft__CtZoneSet *z, struct err *e) CONTROL
{
	const uint16_t zone = (uint16_t)z->zone;

	if (z->set_limit)
		ct_zone_set_limit(t, &zone, z->limit);
	if (z->del_limit)
		ct_zone_del_limit(t, zone);
	return set_policy(t, &zone, z->timeouts, z->n_timeouts, e);
}

int agent_ct_set(const struct mgmt_ctx *x, const Weft__CtSet *q)
{
	const Weft__CtStatsRequest all = WEFT__CT_STATS_REQUEST__INIT;
	struct dp *dp = x->conn->agent->dp;
	const uint32_t was = dp->opts.ct_max;
	struct err e = { "" };
	struct ct *t;
	int rc = check_set(q, table_of(x), &e);

	if (!rc && q->max)
		dp->opts.ct_max = q->max;
	/* What is set is kept in the table. */
	t = rc ? NULL : dp_ct(dp, &e);
	if (!t) {
		dp->opts.ct_max = was; /* or no flow could ever track */
		return mgmt_refuse_err(x, rc ? rc : -ENOMEM, &e);
	}
	if (q->set_default_limit)
		ct_zone_set_limit(t, NULL, q->default_limit);
	if (q->tcp_seq_chk)
		atomic_store_explicit(&dp->ct_liberal, q->tcp_seq_chk == WEFT__CT_SWITCH__CT_OFF,
				      memory_order_relaxed);
	rc = set_policy(t, NULL, q->timeouts, q->n_timeouts, &e);
	for (size_t i = 0; !rc && i < q->n_zones; i++)
		rc = set_zone(t, q->zones[i], &e);
	return rc ? mgmt_refuse_err(x, rc, &e) : agent_ct_stats(x, &all);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/ct_track.h"

#include <errno.h>
#include <netinet/in.h>

#include <rte_branch_prediction.h>
#include <rte_mbuf.h>

#include "datapath/ct_alg.h"
#include "datapath/ct_nat.h"
#include "datapath/ct_priv.h"
#include "datapath/ct_tcp.h"
#include "datapath/ct_zone.h"
#include "datapath/dp.h"
#include "datapath/pmd.h"

enum { TRIES = 4 }; /* to add what another thread adds at the same time */

/* A packet at one ct action. */
struct visit {
	struct pmd *w;
	struct burst *b;
	struct ct *t;
	struct pkt *p;
	struct ct_pkt *cp;
	const struct ct_req *r;
	struct ct_result *out;
	uint32_t now;
	bool again;	 /* it was at one of this zone before: counted, and perhaps translated */
	bool translated; /* ... translated: 'cp' has a tuple that is in no index */
	bool expected;	 /* it begins a connection that another one announced */
	struct ct_expected x;
};

static bool is_tcp(const struct ct_tuple *k)
{
	return k->proto == IPPROTO_TCP;
}

/* The segment, which ct_read() has found sound. */
static void segment(const struct visit *v, struct ct_tcp_seg *g)
{
	const struct rte_mbuf *m = v->p->m;

	(void)ct_tcp_read(g, rte_pktmbuf_mtod_offset(m, const uint8_t *, v->cp->l4), v->cp->l4_len,
			  m->data_len - v->cp->l4);
}

static bool is_liberal(const struct dp *dp)
{
	return atomic_load_explicit(&dp->ct_liberal, memory_order_relaxed);
}

static void invalid(struct visit *v)
{
	v->out->state = CT_TRK | CT_INV;
}

/* ---- What a connection has beside ---- */

/* Mark and label, as the action says; under the lock, or of a new one. */
static void set_meta(struct ct_conn *c, const struct ct_req *r)
{
	if (r->mark_mask) {
		const uint32_t old = atomic_load_explicit(&c->mark, memory_order_relaxed);

		atomic_store_explicit(&c->mark, (old & ~r->mark_mask) | (r->mark & r->mark_mask),
				      memory_order_relaxed);
	}
	for (unsigned int i = 0; i < sizeof(c->label); i++)
		c->label[i] = (uint8_t)((c->label[i] & ~r->label_mask[i]) |
					(r->label[i] & r->label_mask[i]));
}

/* What the packet learns of its connection; under the lock.  Of one that another one announced the
 * tuple is that one's (ovs-fields(7), ct_nw_src), while it lives. */
static void tell(struct visit *v, const struct ct_conn *c) PMD
{
	const struct ct_conn *parent = NULL;

	v->out->mark = atomic_load_explicit(&c->mark, memory_order_relaxed);
	memcpy(v->out->label, c->label, sizeof(c->label));
	if (unlikely(atomic_load_explicit(&c->flags, memory_order_relaxed) & CT_F_RELATED))
		parent = ct_parent(v->t, c);
	v->out->orig = parent ? parent->orig : c->orig;
}

/* ---- Packets of a connection ---- */

static enum ct_timeout timeout_of(uint8_t proto, bool answered)
{
	switch (proto) {
	case IPPROTO_UDP:
		return answered ? CT_T_UDP_MULTIPLE : CT_T_UDP_SINGLE;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return answered ? CT_T_ICMP_REPLY : CT_T_ICMP_FIRST;
	}
	return answered ? CT_T_OTHER_MULTIPLE : CT_T_OTHER_SINGLE;
}

static enum ct_timeout first_timeout(const struct ct_conn *c)
{
	switch (c->orig.proto) {
	case IPPROTO_TCP:
		return ct_tcp_timeout(c->peer);
	case IPPROTO_UDP:
		return CT_T_UDP_FIRST;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return CT_T_ICMP_FIRST;
	}
	return CT_T_OTHER_FIRST;
}

/*
 * A packet of direction 'dir' of 'c', which is locked (or a copy): changes nothing outside of it.
 * 'new' until an answer was seen, as ovs-fields(7) says of 'est' and the Linux kernel does.
 */
static enum ct_tcp_verdict judge(struct visit *v, struct ct_conn *c, enum ct_dir dir,
				 enum ct_timeout *timeout) PMD
{
	uint8_t flags = atomic_load_explicit(&c->flags, memory_order_relaxed);
	enum ct_tcp_verdict verdict = CT_TCP_GOOD;

	/* Numbers that are shifted already were judged before they were. */
	if (is_tcp(&c->orig) && likely(!v->translated || !(flags & CT_F_SEQ_ADJUST))) {
		struct ct_tcp_peer peer[2];
		struct ct_tcp_seg g;

		segment(v, &g);
		if (unlikely(flags & CT_F_SEQ_ADJUST))
			g.ack = ct_alg_ack(v->t, c, dir, g.ack);
		ct_tcp_peers(c, peer);
		verdict = ct_tcp_update(peer, dir, &g, is_liberal(v->w->dp));
		ct_tcp_set_peers(c, peer);
		if (unlikely(verdict == CT_TCP_BAD || verdict == CT_TCP_REUSE))
			return verdict;
	}
	if (dir == CT_REPLY && verdict == CT_TCP_GOOD && !(flags & CT_F_SEEN_REPLY)) {
		flags |= CT_F_SEEN_REPLY;
		atomic_fetch_or_explicit(&c->flags, CT_F_SEEN_REPLY, memory_order_relaxed);
	}
	*timeout = is_tcp(&c->orig) ? ct_tcp_timeout(c->peer)
				    : timeout_of(c->orig.proto, flags & CT_F_SEEN_REPLY);
	if (!v->again)
		ct_count(v->w, c, dir);
	if (dir == CT_REPLY)
		v->out->state |= CT_EST | CT_RPL;
	else
		v->out->state |= flags & CT_F_SEEN_REPLY ? CT_EST : CT_NEW;
	if (unlikely(flags & CT_F_RELATED))
		v->out->state |= CT_REL;
	if (v->r->commit)
		set_meta(c, v->r);
	tell(v, c);
	return verdict;
}

static void translate(struct visit *v, struct ct_conn *c, enum ct_dir dir) PMD
{
	const uint8_t flags = atomic_load_explicit(&c->flags, memory_order_relaxed);
	int changed = 0;

	if (v->translated)
		return;
	if (v->r->nat && flags & (CT_F_SNAT | CT_F_DNAT))
		changed = ct_nat_apply(v->w, v->b, v->p, v->cp, c, dir);
	if (changed > 0)
		v->out->state |= (uint8_t)changed;
	if (unlikely(flags & (CT_F_HELPER_FTP | CT_F_HELPER_TFTP | CT_F_SEQ_ADJUST)) &&
	    changed >= 0)
		(void)ct_alg_packet(v->w, v->b, v->t, v->p, v->cp, c, dir, v->r->nat, v->now);
}

/* False: the connection is over, and the packet begins another. */
static bool known(struct visit *v, struct ct_conn *c, enum ct_dir dir) PMD
{
	enum ct_tcp_verdict verdict;
	enum ct_timeout timeout;

	ct_conn_lock(c);
	verdict = judge(v, c, dir, &timeout);
	if (likely(verdict == CT_TCP_GOOD))
		ct_touch(v->t, c, timeout, v->now);
	ct_conn_unlock(c);
	if (unlikely(verdict == CT_TCP_REUSE))
		return false;
	if (unlikely(verdict == CT_TCP_BAD))
		invalid(v);
	else
		translate(v, c, dir);
	return true;
}

/* An ICMP error is of the connection that it quotes, changes nothing of it, and begins none. */
static void related(struct visit *v, struct ct_conn *c, enum ct_dir dir) PMD
{
	if (!c) {
		invalid(v);
		return;
	}
	ct_conn_lock(c);
	if (v->r->commit)
		set_meta(c, v->r);
	tell(v, c);
	ct_conn_unlock(c);
	v->out->state |= CT_REL | (dir == CT_REPLY ? CT_RPL : 0);
}

/* ---- New ones ---- */

/* Whether the packet can be a connection's first, and what the connection starts with. */
static bool begins(struct visit *v, struct ct_tcp_peer peer[2]) PMD
{
	struct ct_tcp_seg g;

	if (is_tcp(&v->cp->k)) {
		segment(v, &g);
		if (!ct_tcp_new(peer, &g))
			return false;
	} else if (!ct_may_begin(&v->cp->k)) {
		return false;
	}
	v->out->state |= CT_NEW;
	v->out->orig = v->cp->k;
	v->expected = ct_alg_expected(v->w, v->t, &v->cp->k, v->now, &v->x);
	if (unlikely(v->expected)) {
		ct_conn_lock(v->x.parent);
		tell(v, v->x.parent);
		ct_conn_unlock(v->x.parent);
		v->out->state |= CT_REL;
	}
	return true;
}

/* How a new connection is translated; NULL: not. */
static const struct ct_nat_spec *spec_of(const struct visit *v)
{
	static const struct ct_nat_spec as_it_is;

	return v->r->nat && (!v->r->spec || v->expected) ? &as_it_is : v->r->spec;
}

static int add(struct visit *v, struct ct_conn *c) PMD
{
	const struct ct_nat_spec *spec = spec_of(v);

	if (spec)
		return ct_nat_add(v->w, v->t, c, v->cp->hash, spec);
	return ct_add(v->w, v->t, c, v->cp->hash, ct_hash(v->t, &c->reply));
}

/* Why a connection that was not added is a packet that goes nowhere. */
static enum drop refusal(struct visit *v, int err) PMD
{
	switch (err) {
	case -EADDRNOTAVAIL:
		ct_zone_count(v->w, v->t, v->r->zone, CT_Z_NAT_EXHAUSTED);
		return DROP_CT_NAT_EXHAUSTED;
	case -ENOSPC:
		return DROP_CT_FULL;
	}
	return DROP_CT_COLLISION;
}

/* An announced connection is translated as its parent is, and has its mark and label, as far as
 * 'out' was told. */
static void inherit(struct visit *v, struct ct_conn *c)
{
	const struct ct_conn *parent = v->x.parent;

	if (v->r->nat)
		c->reply = v->x.reply;
	c->parent = ct_conn_index(v->t, parent) + 1;
	c->parent_gen = atomic_load_explicit(&parent->gen, memory_order_relaxed);
	atomic_fetch_or_explicit(&c->flags, CT_F_RELATED, memory_order_relaxed);
	atomic_store_explicit(&c->mark, v->out->mark, memory_order_relaxed);
	memcpy(c->label, v->out->label, sizeof(c->label));
}

static void fill(struct visit *v, struct ct_conn *c, const struct ct_tcp_peer peer[2]) PMD
{
	c->orig = v->cp->k;
	ct_turn(&c->reply, &c->orig);
	if (is_tcp(&c->orig))
		memcpy(c->peer, peer, sizeof(c->peer));
	atomic_store_explicit(&c->flags, v->r->helper, memory_order_relaxed);
	if (unlikely(v->expected))
		inherit(v, c);
	ct_count(v->w, c, CT_ORIG);
	set_meta(c, v->r);
	ct_touch(v->t, c, first_timeout(c), v->now);
	tell(v, c);
}

/* False: another thread has just added it. */
static bool fresh(struct visit *v) PMD
{
	struct ct_tcp_peer peer[2];
	struct ct_conn *c;
	enum ct_dir dir;
	int err;

	if (!begins(v, peer)) {
		invalid(v);
		return true;
	}
	if (!v->r->commit)
		return true;
	c = ct_slot_get(v->w, v->t, v->r->zone, &v->out->drop);
	if (!c)
		return true;
	fill(v, c, peer);
	err = add(v, c);
	if (likely(!err)) {
		if (unlikely(v->expected))
			ct_alg_came(v->t, &v->x);
		translate(v, c, CT_ORIG);
		return true;
	}
	ct_slot_put(v->w, v->t, c);
	if (err == -EEXIST && ct_find(v->t, &v->cp->k, v->cp->hash, v->now, &dir))
		return false;
	v->out->drop = refusal(v, err);
	return true;
}

/* ---- Which connection ---- */

/* The packet was translated by this zone's connection before: it looks like the other direction
 * turned round. */
static struct ct_conn *find_translated(const struct visit *v, enum ct_dir *dir)
{
	enum ct_dir other = CT_REPLY;
	struct ct_conn *c;
	struct ct_tuple k;

	ct_turn(&k, &v->cp->k);
	c = ct_find(v->t, &k, ct_hash(v->t, &k), v->now, &other);
	*dir = other == CT_ORIG ? CT_REPLY : CT_ORIG;
	return c;
}

static struct ct_conn *find(struct visit *v, enum ct_dir *dir)
{
	struct ct_conn *c = ct_find(v->t, &v->cp->k, v->cp->hash, v->now, dir);

	if (unlikely(!c && v->again && v->p->key.ct_state & (CT_SNAT | CT_DNAT))) {
		c = find_translated(v, dir);
		v->translated = c != NULL;
		if (c)
			v->out->state |= v->p->key.ct_state & (CT_SNAT | CT_DNAT);
	}
	return c;
}

/* 'force': a packet of the other direction makes a connection of its own. */
static bool is_forced(const struct visit *v, enum ct_dir dir)
{
	return v->r->force && v->r->commit && dir == CT_REPLY;
}

static void begin(struct visit *v)
{
	const struct flow_key *f = &v->p->key;

	memset(v->out, 0, sizeof(*v->out));
	v->out->state = CT_TRK;
	v->out->drop = N_DROPS;
	v->again = f->ct_state & CT_TRK && !(f->ct_state & CT_INV) &&
		   be16toh(f->ct_zone) == v->r->zone;
}

static void track(struct visit *v) PMD
{
	for (unsigned int i = 0; i < TRIES; i++) {
		enum ct_dir dir;
		struct ct_conn *c = find(v, &dir);

		if (unlikely(v->cp->kind == CT_K_ERROR)) {
			related(v, c, dir);
			if (c)
				translate(v, c, dir);
			return;
		}
		if (likely(c != NULL) && !is_forced(v, dir) && likely(known(v, c, dir)))
			return;
		if (c)
			ct_kill(v->t, c);
		if (fresh(v))
			return;
		v->out->state = CT_TRK;
	}
	v->out->drop = DROP_CT_COLLISION;
}

void ct_track(struct pmd *w, struct burst *b, struct ct *t, struct pkt *p, struct ct_pkt *cp,
	      const struct ct_req *r, uint32_t now, struct ct_result *out)
{
	struct visit v = {
		.w = w, .b = b, .t = t, .p = p, .cp = cp, .r = r, .out = out, .now = now
	};

	begin(&v);
	if (unlikely(cp->kind == CT_K_INVALID))
		invalid(&v);
	else
		track(&v);
	if (unlikely(out->state & CT_INV))
		ct_zone_count(w, t, r->zone, CT_Z_INVALID);
}

/* ---- A look ---- */

static void see_timeout(const struct visit *v, struct ct_seen *seen, enum ct_timeout timeout)
{
	seen->timeout = timeout;
	seen->seconds = ct_zone_ms(v->t, v->r->zone, timeout) / CT_TICKS;
}

/* The packet, where it is there to be changed, as 'c' (a copy, or one that is not there) has it. */
static void see_translated(struct visit *v, struct ct_seen *seen, const struct ct_conn *c,
			   enum ct_dir dir) PMD
{
	const uint8_t flags = atomic_load_explicit(&c->flags, memory_order_relaxed);
	int changed;

	if (!v->b || v->translated || !v->r->nat || !(flags & (CT_F_SNAT | CT_F_DNAT)))
		return;
	seen->was = v->cp->k;
	ct_turn(&seen->is, dir == CT_ORIG ? &c->reply : &c->orig);
	changed = ct_nat_apply(v->w, v->b, v->p, v->cp, c, dir);
	if (changed > 0)
		v->out->state |= (uint8_t)changed;
}

/* False: it begins another one. */
static bool look_known(struct visit *v, struct ct_seen *seen, struct ct_conn *c,
		       enum ct_dir dir) PMD
{
	enum ct_timeout timeout;
	const enum ct_tcp_verdict verdict = judge(v, c, dir, &timeout);

	if (verdict == CT_TCP_REUSE)
		return false;
	if (verdict == CT_TCP_BAD) {
		invalid(v);
		return true;
	}
	if (verdict == CT_TCP_GOOD)
		see_timeout(v, seen, timeout);
	see_translated(v, seen, c, dir);
	return true;
}

/* What would be committed. */
static void look_commit(struct visit *v, struct ct_seen *seen, const struct ct_tcp_peer peer[2]) PMD
{
	const struct ct_nat_spec *spec = spec_of(v);
	struct ct_conn c;

	memset(&c, 0, sizeof(c));
	c.orig = v->out->orig = v->cp->k;
	ct_turn(&c.reply, &c.orig);
	c.started = v->now;
	if (is_tcp(&c.orig))
		memcpy(c.peer, peer, sizeof(c.peer));
	if (v->expected)
		inherit(v, &c);
	set_meta(&c, v->r);
	tell(v, &c);
	if (!v->b)
		return;
	if (!ct_zone_has_room(v->t, v->r->zone)) {
		v->out->drop = DROP_CT_ZONE_FULL;
		return;
	}
	if (spec && ct_nat_choose(v->w, v->t, &c, v->cp->hash, spec)) {
		v->out->drop = DROP_CT_NAT_EXHAUSTED;
		return;
	}
	see_timeout(v, seen, first_timeout(&c));
	see_translated(v, seen, &c, CT_ORIG);
}

/* What no connection has.  Of one that this trace would have committed before, the packet has the
 * translation already. */
static void look_fresh(struct visit *v, struct ct_seen *seen) PMD
{
	const uint8_t before = v->p->key.ct_state & (CT_SNAT | CT_DNAT);
	struct ct_tcp_peer peer[2];

	if (!begins(v, peer)) {
		invalid(v);
		return;
	}
	if (v->b && v->again && before)
		v->out->state |= before;
	else if (v->r->commit)
		look_commit(v, seen, peer);
}

void ct_look(struct pmd *w, struct burst *b, struct ct *t, struct pkt *p, struct ct_pkt *cp,
	     const struct ct_req *r, uint32_t now, struct ct_result *out, struct ct_seen *seen)
{
	struct ct_pkt at = *cp;
	struct visit v = {
		.w = w, .b = b, .t = t, .p = p, .cp = &at, .r = r, .out = out, .now = now
	};
	struct ct_conn *c, copy;
	enum ct_dir dir;

	memset(seen, 0, sizeof(*seen));
	begin(&v);
	if (cp->kind == CT_K_INVALID) {
		invalid(&v);
		return;
	}
	c = find(&v, &dir);
	if (c) {
		ct_conn_lock(c);
		memcpy(&copy, c, sizeof(copy));
		ct_conn_unlock(c);
		atomic_store_explicit(&copy.lock, 0, memory_order_relaxed);
	}
	if (cp->kind == CT_K_ERROR) {
		related(&v, c ? &copy : NULL, dir);
		if (c)
			see_translated(&v, seen, &copy, dir);
	} else if (!c || is_forced(&v, dir) || !look_known(&v, seen, &copy, dir)) {
		look_fresh(&v, seen);
	}
}

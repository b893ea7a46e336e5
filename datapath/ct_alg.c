/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control connections: where their lines begin, what they announce, and by how much their sequence
 * numbers are shifted since an announcement was written anew.
 *
 * An announcement counts only at the beginning of a line, and lines are followed from the
 * connection's first byte on: a text in the middle of what a browser was made to send is none.  It
 * must be whole in one segment; what is cut in two goes by as it is.  Protocols whose each command
 * waits for its answer have one announcement on its way at a time, so one place of change a
 * direction is remembered.
 */
#include "datapath/ct_alg.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#include <rte_mbuf.h>

#include "datapath/act_priv.h"
#include "datapath/csum.h"
#include "datapath/ct_alg_priv.h"
#include "datapath/ct_priv.h"

enum {
	CONNS_MIN = 256,
	CONNS_MAX = 65536,
	CONNS_OF = 64, /* of so many connections one may be a control connection */
	CONN_TRIES = 64,
	PORT_TRIES = 64,
	DATA_MAX = 2048, /* what is looked into of a segment */
	SPLIT_TRIES = 4, /* parts of a line that are dropped before they go by as text */
	TCP_HLEN = 20,
	TCP_SEQ = 4,
	TCP_ACK = 8,
	TCP_FLAGS = 13,
	TCP_SUM = 16,
	TCP_SYN = 0x02,
	TCP_HAS_ACK = 0x10,
	OPT_END = 0,
	OPT_NOP = 1,
	OPT_SACK = 5,
};

/* One direction's, in its sender's numbers. */
struct side {
	bool begun;	/* 'line' is known */
	bool announced; /* from .. to was an announcement */
	uint32_t line;	/* the latest line begins here */
	uint32_t from, to;
	uint16_t port, given;  /* announced; and, where NAT changes it, as what */
	uint8_t n_split;       /* first parts of a line that were dropped, one after the other */
	int32_t before, after; /* numbers are shifted by, until 'to' and from there on */
};

struct ct_alg_conn {
	_Atomic uint64_t owner; /* gen << 32 | index + 1 */
	uint32_t id;		/* ... and that connection's 'id', which copies of it have, too */
	_Atomic uint8_t lock;
	bool expects;
	uint32_t slot, use; /* the latest that is expected */
	struct side side[2];
};

/* ---- Making ---- */

struct ct_alg *ct_alg_new(uint32_t max)
{
	uint32_t n = max / CONNS_OF;
	struct ct_alg *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	n = n < CONNS_MIN ? CONNS_MIN : n > CONNS_MAX ? CONNS_MAX : n;
	a->n_conns = n;
	a->conns = calloc(n, sizeof(*a->conns));
	a->expects = ct_expects_new(n);
	if (!a->conns || !a->expects) {
		ct_alg_free(a);
		return NULL;
	}
	return a;
}

void ct_alg_free(struct ct_alg *a)
{
	if (!a)
		return;
	ct_expects_free(a->expects);
	free(a->conns);
	free(a);
}

void ct_alg_stats(const struct ct *t, struct ct_alg_stats *s)
{
	const struct ct_alg *a = ct_alg_of(t);

	s->expecting = atomic_load_explicit(ct_expect_count(t), memory_order_relaxed);
	s->expected = atomic_load_explicit(&a->expected, memory_order_relaxed);
	s->came = atomic_load_explicit(&a->came, memory_order_relaxed);
	s->refused = atomic_load_explicit(&a->refused, memory_order_relaxed);
}

struct ct_alg *ct_alg_of(const struct ct *t)
{
	return t->alg;
}

static void count(_Atomic uint64_t *n)
{
	atomic_fetch_add_explicit(n, 1, memory_order_relaxed);
}

/* ---- What is remembered ---- */

static uint64_t owner_id(const struct ct *t, const struct ct_conn *c)
{
	return (uint64_t)atomic_load_explicit(&c->gen, memory_order_relaxed) << 32 |
	       (ct_conn_index(t, c) + 1);
}

static bool is_over(const struct ct *t, uint64_t owner)
{
	const struct ct_conn *c;

	if (!(uint32_t)owner)
		return true;
	c = ct_conn_at(t, (uint32_t)owner - 1);
	return atomic_load_explicit(&c->gen, memory_order_acquire) != owner >> 32 ||
	       !(atomic_load_explicit(&c->flags, memory_order_acquire) & CT_F_LIVE);
}

/* Nobody tells when a connection ends: who needs a place looks for one whose owner has. */
static struct ct_alg_conn *conn_take(const struct ct *t, uint64_t owner, uint32_t *index)
{
	struct ct_alg *a = ct_alg_of(t);

	for (unsigned int i = 0; i < CONN_TRIES; i++) {
		struct ct_alg_conn *r;
		uint64_t was;

		*index = atomic_fetch_add_explicit(&a->hand, 1, memory_order_relaxed) % a->n_conns;
		r = &a->conns[*index];
		was = atomic_load_explicit(&r->owner, memory_order_acquire);
		if (is_over(t, was) &&
		    atomic_compare_exchange_strong_explicit(
			    &r->owner, &was, owner, memory_order_acq_rel, memory_order_relaxed))
			return r;
	}
	count(&a->refused);
	return NULL;
}

static void conn_unlock(struct ct_alg_conn *r)
{
	atomic_store_explicit(&r->lock, 0, memory_order_release);
}

static void conn_lock(struct ct_alg_conn *r)
{
	while (atomic_exchange_explicit(&r->lock, 1, memory_order_acquire))
		__builtin_ia32_pause();
}

/* What is remembered of 'c' (or a copy), locked; NULL: nothing. */
static struct ct_alg_conn *conn_find(const struct ct *t, const struct ct_conn *c)
{
	const uint32_t at = __atomic_load_n(&c->adjust, __ATOMIC_ACQUIRE);
	struct ct_alg *a = ct_alg_of(t);
	struct ct_alg_conn *r;

	if (!at || at > a->n_conns)
		return NULL;
	r = &a->conns[at - 1];
	conn_lock(r);
	if (r->id == c->id && (uint32_t)atomic_load_explicit(&r->owner, memory_order_relaxed))
		return r;
	conn_unlock(r);
	return NULL;
}

/* ... or something from now on. */
static struct ct_alg_conn *conn_get(struct ct *t, struct ct_conn *c)
{
	struct ct_alg_conn *r = conn_find(t, c);
	uint32_t index;

	if (r)
		return r;
	ct_conn_lock(c);
	r = conn_find(t, c);
	if (r) {
		conn_unlock(r);
	} else if ((r = conn_take(t, owner_id(t, c), &index))) {
		conn_lock(r);
		r->id = c->id;
		r->expects = false;
		memset(r->side, 0, sizeof(r->side));
		conn_unlock(r);
		__atomic_store_n(&c->adjust, index + 1, __ATOMIC_RELEASE);
	}
	ct_conn_unlock(c);
	return conn_find(t, c);
}

/* ---- Numbers ---- */

static bool is_before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

static uint32_t seq_out(const struct side *s, uint32_t seq)
{
	return seq + (uint32_t)(s->announced && !is_before(seq, s->to) ? s->after : s->before);
}

/* Who has but a part of the new text has nothing of the old one. */
static uint32_t ack_in(const struct side *s, uint32_t ack)
{
	const uint32_t before = ack - (uint32_t)s->before, after = ack - (uint32_t)s->after;

	if (!s->announced)
		return before;
	if (!is_before(after, s->to))
		return after;
	return is_before(s->from, before) ? s->from : before;
}

uint32_t ct_alg_ack(struct ct *t, const struct ct_conn *c, enum ct_dir dir, uint32_t ack)
{
	struct ct_alg_conn *r = conn_find(t, c);

	if (!r)
		return ack;
	ack = ack_in(&r->side[!dir], ack);
	conn_unlock(r);
	return ack;
}

/* A number at 'at', of which checksums follow. */
static uint32_t put32(uint8_t *at, uint32_t v)
{
	uint8_t is[4];
	uint32_t delta;

	put_be32(is, v);
	delta = csum_delta(at, is, 4);
	memcpy(at, is, 4);
	return delta;
}

/* The same at an odd place of the sum: its bytes change sides (RFC 1071, 2 B). */
static uint32_t put32_at(const uint8_t *tcp, uint8_t *at, uint32_t v)
{
	uint32_t delta = put32(at, v);

	if ((at - tcp) % 2 == 0)
		return delta;
	return (delta & 0xff) << 8 | (delta >> 8 & 0xff);
}

static uint32_t put_sacks(uint8_t *tcp, uint32_t hlen, const struct side *s)
{
	uint32_t at = TCP_HLEN, sum = 0;

	while (at + 2 <= hlen && tcp[at] != OPT_END) {
		uint32_t n = 1;

		if (tcp[at] != OPT_NOP) {
			n = tcp[at + 1];
			if (n < 2 || at + n > hlen)
				break;
		}
		for (uint32_t e = at + 2; tcp[at] == OPT_SACK && e + 4 <= at + n; e += 4)
			sum += put32_at(tcp, tcp + e, ack_in(s, get_be32(tcp + e)));
		at += n;
	}
	return sum;
}

static bool is_shifted(const struct side *s)
{
	return s->before || s->after;
}

/* Sequence number, acknowledgement and SACK edges as the other side knows them. */
static bool shift(struct pmd *w, struct burst *b, struct pkt *p, const struct ct_pkt *cp,
		  const struct ct_alg_conn *r, enum ct_dir dir) PMD
{
	const struct side *mine = &r->side[dir], *others = &r->side[!dir];
	uint32_t delta, hlen;
	uint8_t *tcp;

	if (!is_shifted(mine) && !is_shifted(others))
		return true;
	if (!act_touch(w, b, p))
		return false;
	tcp = rte_pktmbuf_mtod_offset(p->m, uint8_t *, cp->l4);
	delta = put32(tcp + TCP_SEQ, seq_out(mine, get_be32(tcp + TCP_SEQ)));
	if (tcp[TCP_FLAGS] & TCP_HAS_ACK)
		delta += put32(tcp + TCP_ACK, ack_in(others, get_be32(tcp + TCP_ACK)));
	hlen = RTE_MIN((tcp[12] >> 4) * 4u, (uint32_t)cp->l4_len);
	if (cp->l4 + hlen <= p->m->data_len)
		delta += put_sacks(tcp, hlen, others);
	csum_apply(tcp + TCP_SUM, delta);
	return true;
}

/* ---- Announcements ---- */

struct helped {
	struct pmd *w;
	struct burst *b;
	struct ct *t;
	struct pkt *p;
	struct ct_pkt *cp;
	struct ct_conn *c;
	enum ct_dir dir;
	bool nat;
	uint32_t now;
};

static const struct ct_tuple *tuple_of(const struct ct_conn *c, enum ct_dir dir)
{
	return dir == CT_ORIG ? &c->orig : &c->reply;
}

/*
 * The connection that comes to 'port' of who announced it, in direction 'dir' of 'c', from its
 * peer, by the addresses of 'c'; 'given' is the port as the peer is told it.
 */
static void expect_fill(const struct helped *h, uint16_t port, uint16_t given, struct ct_expect *e)
{
	const struct ct_tuple *mine = tuple_of(h->c, h->dir), *peers = tuple_of(h->c, !h->dir);

	e->key = *peers;
	e->key.src_port = 0;
	e->key.dst_port = htobe16(given);
	e->reply = *mine;
	e->reply.src_port = htobe16(port);
	e->reply.dst_port = 0;
	e->parent = ct_conn_index(h->t, h->c);
	e->parent_gen = atomic_load_explicit(&h->c->gen, memory_order_relaxed);
}

/* Whether NAT shows the peer another address than the announcer has. */
static bool is_hidden(const struct helped *h)
{
	return memcmp(tuple_of(h->c, h->dir)->src, tuple_of(h->c, !h->dir)->dst, 16) != 0;
}

static int expect_at(const struct helped *h, uint16_t port, uint16_t given, uint32_t *slot,
		     uint32_t *use) PMD
{
	struct ct_expect e;

	expect_fill(h, port, given, &e);
	return ct_expect_add(h->t, &e, h->now, slot, use);
}

/* At '*given' if nobody else is there (behind the same outside address), or else, where the peer
 * can be told, at another port. */
static int expect(const struct helped *h, uint16_t port, uint16_t *given, uint32_t *slot,
		  uint32_t *use) PMD
{
	const uint32_t ports = 65536 - CT_EXPECT_PORT_MIN;
	uint32_t i = *given - (uint32_t)CT_EXPECT_PORT_MIN;
	int err = expect_at(h, port, *given, slot, use);

	for (unsigned int n = 0; err == -EADDRINUSE && h->nat && is_hidden(h) && n < PORT_TRIES;
	     n++) {
		i = (i + 1) % ports;
		*given = (uint16_t)(CT_EXPECT_PORT_MIN + i);
		err = expect_at(h, port, *given, slot, use);
	}
	return err;
}

static void told(const struct helped *h, int err)
{
	struct ct_alg *a = ct_alg_of(h->t);

	count(err ? &a->refused : &a->expected);
}

/*
 * Only for the announcer itself, by the address it has or the one its peer knows it by, and no port
 * of a system's service: else one could have connections expected to others (RFC 2577 3).
 */
static bool may_announce(const struct helped *h, const struct ftp_line *l)
{
	const struct ct_tuple *mine = tuple_of(h->c, h->dir), *peers = tuple_of(h->c, !h->dir);

	if (l->port < CT_EXPECT_PORT_MIN)
		return false;
	return !l->l3 || (l->l3 == mine->l3 &&
			  (!memcmp(l->addr, mine->src, 16) || !memcmp(l->addr, peers->dst, 16)));
}

static void announced(struct side *s, uint32_t from, uint32_t to, uint16_t port, uint16_t given,
		      int32_t more)
{
	s->before = s->announced ? s->after : s->before;
	s->after = s->before + more;
	s->announced = true;
	s->from = from;
	s->to = to;
	s->port = port;
	s->given = given;
}

/* Announcement 'l' stands at 'l->at' of a segment's data, which is at 'data' in the frame and has
 * number 'seq'. 0; -1: dropped. */
static int ftp_announce(const struct helped *h, struct ct_alg_conn *r, const struct ftp_line *l,
			uint32_t data, uint32_t seq) PMD
{
	struct side *s = &r->side[h->dir];
	const uint32_t from = seq + l->at, to = from + l->n;
	const bool again = s->announced && s->from == from && s->to == to && s->port == l->port;
	uint16_t given = again ? s->given : l->port;
	uint32_t n, slot = 0, use = 0;
	char text[FTP_TEXT_MAX];
	int err;

	if (!may_announce(h, l) || (s->announced && !again && is_before(from, s->to))) {
		told(h, -EPERM);
		return 0;
	}
	if (is_hidden(h) && !h->nat)
		return 0; /* nobody is told where to come to */
	err = expect(h, l->port, &given, &slot, &use);
	told(h, err);
	/* The latest alone; of one that is expected again 'use' is another one. */
	if (r->expects)
		ct_expect_del(h->t, r->slot, r->use);
	r->expects = !err;
	r->slot = slot;
	r->use = use;
	if (err || !is_hidden(h))
		return 0;
	n = ftp_write(l, tuple_of(h->c, !h->dir)->dst, given, text);
	err = ct_splice(h->w, h->b, h->p, h->cp, data + l->at, l->n, text, n);
	if (err < 0)
		return err == -EMSGSIZE ? 0 : -1;
	if (!again)
		announced(s, from, to, l->port, given, (int32_t)n - (int32_t)l->n);
	if (is_shifted(s))
		atomic_fetch_or_explicit(&h->c->flags, CT_F_SEQ_ADJUST, memory_order_release);
	return 0;
}

/* Where in 'n' bytes at 'seq' reading begins: at a line, or at an announcement that comes again. */
static uint32_t lines_start(const struct side *s, const uint8_t *d, uint32_t seq, uint32_t n)
{
	uint32_t line = s->from - seq;

	if (s->announced && line < n) {
		while (line && d[line - 1] != '\n')
			line--;
		return line;
	}
	return RTE_MIN(s->line - seq, n);
}

/* The first announcement; its place is counted from 'd' on. */
static bool ftp_find(const uint8_t *d, uint32_t n, uint32_t line, enum ct_dir dir,
		     struct ftp_line *l)
{
	while (line < n) {
		const uint8_t *nl = memchr(d + line, '\n', n - line);
		const uint32_t next = nl ? (uint32_t)(nl - d) + 1 : n;

		if (ftp_read(d + line, next - line, dir, l)) {
			l->at += line;
			return true;
		}
		line = next;
	}
	return false;
}

/*
 * A segment that is the first part of a line that may become an announcement, which NAT could not
 * change any more when the rest has come.  It is dropped, as netfilter does: nobody is told an
 * address that is none outside, and a sender that hears nothing sends it again, together with what
 * it has since been given (RFC 9293 3.8.1 leaves that to it; whose TCP never does is let through in
 * the end).  Only what begins and is all of a segment: one that is full could never grow.
 */
static bool is_first_part(const struct helped *h, struct side *s, const uint8_t *d, uint32_t n,
			  uint32_t seq)
{
	if (!h->nat || !is_hidden(h) || s->line != seq || !ftp_may_become(d, n, h->dir)) {
		s->n_split = 0;
		return false;
	}
	return ++s->n_split <= SPLIT_TRIES;
}

/* 'n' bytes of data at 'at' in the frame.  One announcement of a segment counts: what follows it
 * waits for an answer. 0; -1: dropped. */
static int ftp_data(const struct helped *h, struct ct_alg_conn *r, uint32_t at, uint32_t n,
		    uint32_t seq) PMD
{
	uint8_t copy[DATA_MAX];
	const uint32_t m = RTE_MIN(n, (uint32_t)DATA_MAX);
	const uint8_t *d = rte_pktmbuf_read(h->p->m, at, m, copy), *last;
	struct side *s = &r->side[h->dir];
	struct ftp_line l;
	bool found;

	if (!d)
		return 0;
	if (!s->begun) {
		s->begun = true;
		s->line = seq;
	}
	if (is_first_part(h, s, d, m, seq)) {
		act_drop(h->w, h->b, h->p, DROP_CT_FTP_SPLIT);
		return -1;
	}
	found = ftp_find(d, m, lines_start(s, d, seq, m), h->dir, &l);
	last = memrchr(d, '\n', m);
	if (last && is_before(s->line, seq + (uint32_t)(last - d) + 1))
		s->line = seq + (uint32_t)(last - d) + 1;
	return found ? ftp_announce(h, r, &l, at, seq) : 0;
}

/* Far behind the change only what it came to counts; so that it does not lie ahead when numbers
 * wrap. */
static void forget_old(struct side *s, uint32_t seq)
{
	if (!s->announced || (int32_t)(seq - s->to) < 1 << 30)
		return;
	s->before = s->after;
	s->announced = false;
}

static int ftp_packet(const struct helped *h) PMD
{
	const uint8_t *tcp = rte_pktmbuf_mtod_offset(h->p->m, const uint8_t *, h->cp->l4);
	const uint32_t hlen = (tcp[12] >> 4) * 4u, seq = get_be32(tcp + TCP_SEQ);
	const bool helps =
		atomic_load_explicit(&h->c->flags, memory_order_relaxed) & CT_F_HELPER_FTP;
	const bool data = h->cp->l4_len > hlen && !(tcp[TCP_FLAGS] & TCP_SYN);
	struct ct_alg_conn *r = helps && data ? conn_get(h->t, h->c) : conn_find(h->t, h->c);
	int err = 0;

	if (!r)
		return 0;
	forget_old(&r->side[h->dir], seq);
	if (helps && data)
		err = ftp_data(h, r, h->cp->l4 + hlen, h->cp->l4_len - hlen, seq);
	/* Once a packet: where it is translated. */
	if (!err && h->nat && !shift(h->w, h->b, h->p, h->cp, r, h->dir))
		err = -1;
	conn_unlock(r);
	return err;
}

/* A server answers from a port of its own, to where it was asked from. */
static int tftp_packet(const struct helped *h) PMD
{
	const uint32_t at = h->cp->l4 + 8u, n = h->cp->l4_len > 8 ? h->cp->l4_len - 8u : 0;
	uint8_t copy[DATA_MAX];
	const uint8_t *d;
	uint32_t slot, use;

	if (h->dir != CT_ORIG || n < 4 || n > sizeof(copy))
		return 0;
	d = rte_pktmbuf_read(h->p->m, at, n, copy);
	if (d && tftp_is_request(d, n))
		told(h, expect_at(h, be16toh(h->c->orig.src_port), be16toh(h->c->reply.dst_port),
				  &slot, &use));
	return 0;
}

bool ct_alg_packet(struct pmd *w, struct burst *b, struct ct *t, struct pkt *p, struct ct_pkt *cp,
		   struct ct_conn *c, enum ct_dir dir, bool nat, uint32_t now)
{
	const struct helped h = { w, b, t, p, cp, c, dir, nat, now };

	if (cp->kind != CT_K_FLOW)
		return true;
	if (c->orig.proto == IPPROTO_TCP)
		return !ftp_packet(&h);
	return c->orig.proto != IPPROTO_UDP ||
	       !(atomic_load_explicit(&c->flags, memory_order_relaxed) & CT_F_HELPER_TFTP) ||
	       !tftp_packet(&h);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which address and port a new connection gets.
 *
 * Nothing is remembered of a range: whether an address with a port is free for a connection is what
 * the index of connections says about its reply tuple.  So the search is a row of candidates, each
 * asked for; the first one nearly always is free, and the row's length is bounded.
 */
#include "datapath/ct_nat.h"

#include <errno.h>
#include <netinet/in.h>

#include <rte_branch_prediction.h>
#include <rte_cycles.h>

#include "datapath/act_priv.h"
#include "datapath/ct.h"

/* How many candidates are asked for. */
enum {
	PROBES = 1024,	    /* in all; what an exhausted range costs */
	PROBES_SHORT = 512, /* a range of so many ports is walked through */
	PROBES_DRAWN = 128, /* of a longer one ports are drawn ... */
	PROBES_PARITY = 96, /* ... the first of the same parity, where that counts ... */
	PROBES_ROW = 128,   /* ... and then so many in a row */
	BATCH = 8,	    /* whose buckets are fetched together */
	PROBES_HASH = BATCH /* of those that are drawn, by the hash where that is asked for */
};

enum pick { PICK_KEEP, PICK_HASH, PICK_RANDOM };

struct seek {
	struct pmd *w;
	struct ct *t;
	struct ct_conn *c;
	uint64_t hash_orig;
	const struct ct_nat_spec *spec;
	uint32_t left; /* probes */
	bool look;     /* nothing is added */
};

/* Ports (or identifiers) to choose from, for one member of the reply tuple. */
struct ports {
	be16 *at;
	be16 was; /* what the packet has */
	uint32_t min, n;
	enum pick pick;
	bool parity; /* rather one as even or odd as it was (RFC 4787 REQ-4) */
	uint64_t seed;
	uint32_t start; /* of the row */
};

/* splitmix64's last steps (Steele et al.): numbers that look nothing like their neighbours. */
static uint64_t mix(uint64_t v)
{
	v = (v ^ v >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	v = (v ^ v >> 27) * UINT64_C(0x94d049bb133111eb);
	return v ^ v >> 31;
}

static uint32_t below(uint64_t seed, uint32_t n)
{
	return (uint32_t)((mix(seed) >> 32) * n >> 32);
}

static bool has_ports(uint8_t proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP;
}

static bool same_addr(const uint8_t a[16], const uint8_t b[16])
{
	return !memcmp(a, b, 16);
}

static bool is_zero(const uint8_t a[16])
{
	static const uint8_t zero[16];

	return same_addr(a, zero);
}

/* ---- One candidate ---- */

static void set_flags(struct ct_conn *c)
{
	const struct ct_tuple *o = &c->orig, *r = &c->reply;
	const bool icmp = ct_is_icmp(o->proto);
	uint8_t f = atomic_load_explicit(&c->flags, memory_order_relaxed);

	f &= (uint8_t) ~(CT_F_SNAT | CT_F_DNAT);
	if (!same_addr(o->src, r->dst) || o->src_port != (icmp ? r->src_port : r->dst_port))
		f |= CT_F_SNAT;
	if (!same_addr(o->dst, r->src) || (!icmp && o->dst_port != r->src_port))
		f |= CT_F_DNAT;
	atomic_store_explicit(&c->flags, f, memory_order_relaxed);
}

/* Translated to its sender's own address and port, a packet would look like its own answer: such a
 * connection is refused when it is next tracked (ct_read.c), and hosts drop it. */
static bool is_own_answer(const struct ct_tuple *k)
{
	return same_addr(k->src, k->dst) && k->src_port == k->dst_port && !ct_is_icmp(k->proto);
}

/* 0; -EADDRINUSE: not this one; else: no other one will do either. */
static int probe(struct seek *s, uint64_t hash) PMD
{
	struct ct_conn *c = s->c;
	int err;

	s->left--;
	if (!ct_is_free(s->t, &c->reply, hash, c->started) ||
	    !memcmp(&c->reply, &c->orig, sizeof(c->orig)) || is_own_answer(&c->reply))
		return -EADDRINUSE;
	set_flags(c);
	if (unlikely(s->look))
		return 0;
	err = ct_add(s->w, s->t, c, s->hash_orig, hash);
	if (err == -EEXIST && ct_is_free(s->t, &c->orig, s->hash_orig, c->started))
		return -EADDRINUSE;
	return err;
}

/* ---- Ports ---- */

/* A number that nobody who does not know the table's key can tell (RFC 6056, 3.3.1). */
static uint64_t draw(struct seek *s) PMD
{
	struct ct_tuple k = s->c->orig;
	uint64_t head;

	/* Where IPv4 has its address, too: what is behind that is not hashed. */
	memcpy(&head, k.src, sizeof(head));
	head ^= rte_rdtsc();
	memcpy(k.src, &head, sizeof(head));
	return ct_hash(s->t, &k);
}

/* The addresses and the port that is not chosen, keyed (RFC 6056, 3.3.3). */
static uint64_t hash_of_others(struct seek *s, const struct ports *ports) PMD
{
	struct ct_tuple k = s->c->reply;

	if (ports->at == &s->c->reply.src_port)
		k.src_port = 0;
	else
		k.dst_port = 0;
	return ct_hash(s->t, &k);
}

static void ports_start(struct seek *s, struct ports *p) PMD
{
	p->seed = p->pick == PICK_HASH ? hash_of_others(s, p) : draw(s);
	p->start = below(p->seed, p->n);
	if (p->parity && (p->min + p->start + be16toh(p->was)) % 2)
		p->start = p->start + 1 < p->n ? p->start + 1 : p->start ? p->start - 1 : 0;
}

/*
 * The 'i'th candidate.  Of a short range each once, every second one first; of a long one some that
 * are drawn, and then a row.
 */
static uint16_t candidate(const struct ports *p, uint32_t i)
{
	uint32_t v;

	if (p->n > PROBES_SHORT && i < PROBES_DRAWN) {
		v = p->min + below(p->seed + i, p->n);
		if (p->parity && i < PROBES_PARITY && (v + be16toh(p->was)) % 2)
			v = v + 1 < p->min + p->n ? v + 1 : v - 1;
		return (uint16_t)v;
	}
	if (p->n <= PROBES_SHORT) {
		i *= 2;
		if (i >= p->n)
			i = i - p->n + !(p->n % 2);
	}
	return (uint16_t)(p->min + (p->start + i) % p->n);
}

/*
 * All who talk to one host from behind one address have the same hash, and would be so many as it
 * has candidates: whoever finds the first ones in use draws, as he would without.
 */
static void hash_ends(struct seek *s, struct ports *p) PMD
{
	if (p->pick != PICK_HASH || p->n <= PROBES_SHORT)
		return;
	p->pick = PICK_RANDOM;
	ports_start(s, p);
}

static uint32_t n_candidates(const struct seek *s, const struct ports *p)
{
	const uint32_t n = p->n <= PROBES_SHORT ? p->n : PROBES_DRAWN + PROBES_ROW;

	return n < s->left ? n : s->left;
}

static int seek_port(struct seek *s, struct ports *p) PMD
{
	uint16_t v[BATCH];
	uint64_t hash[BATCH];
	uint32_t n;
	int err;

	if (p->pick == PICK_KEEP && be16toh(p->was) - p->min < p->n) {
		*p->at = p->was;
		err = probe(s, ct_hash(s->t, &s->c->reply));
		if (err != -EADDRINUSE)
			return err;
	}
	ports_start(s, p);
	n = n_candidates(s, p);
	for (uint32_t i = 0; i < n; i += BATCH) {
		const uint32_t m = n - i < BATCH ? n - i : BATCH;

		if (i == PROBES_HASH)
			hash_ends(s, p);
		for (uint32_t j = 0; j < m; j++) {
			v[j] = candidate(p, i + j);
			*p->at = htobe16(v[j]);
			hash[j] = ct_hash(s->t, &s->c->reply);
			ct_prefetch(s->t, hash[j]);
		}
		for (uint32_t j = 0; j < m; j++) {
			*p->at = htobe16(v[j]);
			err = probe(s, hash[j]);
			if (err != -EADDRINUSE)
				return err;
		}
	}
	return -EADDRINUSE;
}

static int as_it_is(struct seek *s) PMD
{
	return probe(s, ct_hash(s->t, &s->c->reply));
}

static enum pick pick_of(const struct ct_nat_spec *spec)
{
	return spec->random ? PICK_RANDOM : spec->hash ? PICK_HASH : PICK_KEEP;
}

/*
 * Another source port (identifier): of the range, or, if none is given ('any'), of those that mean
 * the same (RFC 4787 REQ-3 a).
 */
static int seek_source(struct seek *s, bool any) PMD
{
	const bool icmp = ct_is_icmp(s->c->orig.proto);
	const uint32_t port = be16toh(s->c->orig.src_port);
	struct ports p = { .at = icmp ? &s->c->reply.src_port : &s->c->reply.dst_port,
			   .was = s->c->orig.src_port,
			   .pick = any ? PICK_KEEP : pick_of(s->spec) };

	if (!icmp && !has_ports(s->c->orig.proto))
		return as_it_is(s);
	if (!any && s->spec->port_min) {
		p.min = s->spec->port_min;
		p.n = s->spec->port_max - p.min + 1u;
	} else if (icmp) {
		p.n = 65536;
	} else {
		p.min = port < 512 ? 1 : port < 1024 ? 512 : 1024;
		p.n = (port < 512 ? 512 : port < 1024 ? 1024 : 65536) - p.min;
	}
	p.parity = p.pick == PICK_KEEP && s->c->orig.proto == IPPROTO_UDP && p.n > 1;
	return seek_port(s, &p);
}

/* A destination port of the range; if the client's own connections have them all, another source
 * port after all. */
static int seek_destination(struct seek *s) PMD
{
	struct ports p = { .at = &s->c->reply.src_port,
			   .was = s->c->orig.dst_port,
			   .min = s->spec->port_min,
			   .n = s->spec->port_max - s->spec->port_min + 1u,
			   .pick = pick_of(s->spec) };
	int err;

	if (!s->spec->port_min || !has_ports(s->c->orig.proto))
		return seek_source(s, true);
	err = seek_port(s, &p);
	return err == -EADDRINUSE ? seek_source(s, true) : err;
}

/* ---- Addresses ---- */

/*
 * Where in the range the search begins.  One host's connections leave from one address as long as
 * there are ports (RFC 4787 REQ-2), so only the source counts; a destination is chosen for each
 * connection, to spread them, unless it shall be the same one always.  What must hold after a
 * restart does not depend on the table's key.
 */
static uint64_t address_hash(struct seek *s) PMD
{
	const struct ct_tuple *o = &s->c->orig;
	struct ct_tuple k = { .zone = o->zone, .l3 = o->l3 };
	uint64_t half[2];

	memcpy(k.src, o->src, sizeof(k.src));
	if (s->spec->persistent) {
		memcpy(half, k.src, sizeof(half));
		return mix(mix(half[0] + 1) ^ half[1]);
	}
	return mix(s->spec->src ? ct_hash(s->t, &k) : s->hash_orig);
}

static void address_put(uint8_t to[16], uint8_t l3, u128 a)
{
	memset(to, 0, 16);
	u128_put(to, l3 == 4 ? 4 : 16, a);
}

static int seek_address(struct seek *s) PMD
{
	const struct ct_nat_spec *spec = s->spec;
	const unsigned int size = spec->l3 == 4 ? 4 : 16;
	const u128 min = u128_get(spec->min, size), last = u128_get(spec->max, size) - min;
	const uint64_t most = last >= UINT64_MAX ? UINT64_MAX : (uint64_t)last;
	uint8_t *to = spec->src ? s->c->reply.dst : s->c->reply.src;
	const struct ct_tuple plain = s->c->reply;
	uint64_t at = 0;
	int err;

	if (most)
		at = most == UINT64_MAX ? address_hash(s) : address_hash(s) % (most + 1);
	for (uint64_t i = 0;; i++) {
		address_put(to, spec->l3, min + at);
		err = spec->src ? seek_source(s, false) : seek_destination(s);
		if (err != -EADDRINUSE || i == most || !s->left)
			return err;
		s->c->reply.src_port = plain.src_port;
		s->c->reply.dst_port = plain.dst_port;
		at = at == most ? 0 : at + 1;
	}
}

static int seek(struct pmd *w, struct ct *t, struct ct_conn *c, uint64_t hash_orig,
		const struct ct_nat_spec *spec, bool look) PMD
{
	struct seek s = { w, t, c, hash_orig, spec, PROBES, look };
	int err;

	if ((!spec->src && !spec->dst) || (spec->src && spec->l3 && is_zero(spec->max)))
		err = seek_source(&s, true);
	else if (spec->l3 && spec->l3 != c->orig.l3)
		err = -EADDRINUSE;
	else if (spec->l3)
		err = seek_address(&s);
	else
		err = spec->src ? seek_source(&s, false) : seek_destination(&s);
	return err == -EADDRINUSE ? -EADDRNOTAVAIL : err;
}

int ct_nat_add(struct pmd *w, struct ct *t, struct ct_conn *c, uint64_t hash_orig,
	       const struct ct_nat_spec *spec)
{
	return seek(w, t, c, hash_orig, spec, false);
}

int ct_nat_choose(struct pmd *w, struct ct *t, struct ct_conn *c, uint64_t hash_orig,
		  const struct ct_nat_spec *spec)
{
	return seek(w, t, c, hash_orig, spec, true);
}

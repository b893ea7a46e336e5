/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/express.h"

#include <rte_mbuf.h>
#include <rte_prefetch.h>

#include "base/ip_proto.h"
#include "datapath/act_ct.h"
#include "datapath/act_priv.h"
#include "datapath/cache_priv.h"
#include "datapath/csum.h"
#include "datapath/dp.h"
#include "datapath/express_ct.h"
#include "datapath/parse.h"
#include "datapath/pmd.h"
#include "vlan/tag.h"

enum {
	ETH_HLEN = 14,
	IP_HLEN = 20,
};

/* Words of the key, all in its first line. */
enum {
	W_PORT = offsetof(struct flow_key, in_port) / 8,
	W_TUN = offsetof(struct flow_key, tun_id) / 8,
	W_DST = offsetof(struct flow_key, eth_dst) / 8,
	W_SRC = offsetof(struct flow_key, eth_src) / 8,
	W_NW = offsetof(struct flow_key, nw_src) / 8,
	W_L4 = offsetof(struct flow_key, ip_proto) / 8,
	W_REST = offsetof(struct flow_key, tcp_flags) / 8,
};

#define BIT(n) (UINT64_C(1) << (n))

enum express_need express_need(uint64_t words)
{
	const uint64_t port = BIT(0) | BIT(W_PORT) | BIT(W_TUN);

	if (!(words & ~port))
		return EXPRESS_NOTHING;
	if (!(words & ~(port | BIT(W_DST) | BIT(W_SRC))))
		return EXPRESS_ETH;
	return EXPRESS_IPV4;
}

/* ---- What a way comes to ---- */

struct composing {
	struct express x;
	be64 tun_id;
	bool leaves;
};

static bool compose_field(struct composing *c, const struct act_op *op)
{
	static const uint8_t all[6] = { 255, 255, 255, 255, 255, 255 };
	const enum of_field_id id = op->set.field->id;

	if ((id != OF_FIELD_ETH_DST && id != OF_FIELD_ETH_SRC) || memcmp(op->set.mask, all, 6) != 0)
		return false;
	memcpy(id == OF_FIELD_ETH_DST ? c->x.dst : c->x.src, op->set.value, 6);
	c->x.does |= id == OF_FIELD_ETH_DST ? EXPRESS_DST : EXPRESS_SRC;
	return true;
}

/* Registers and metadata have done what they are for: they led to the next flow of the way. */
static bool compose_state(struct composing *c, const struct act_op *op)
{
	void *member;
	uint64_t v = 0, m = 0, k = 0;

	switch (op->set.field->id) {
	case OF_FIELD_TUN_ID:
		member = &c->tun_id;
		break;
	case OF_FIELD_TUN_SRC:
		member = &c->x.tun_src;
		break;
	case OF_FIELD_TUN_DST:
		member = &c->x.tun_dst;
		break;
	default:
		return true;
	}
	memcpy(&v, op->set.value, op->set.field->size);
	memcpy(&m, op->set.mask, op->set.field->size);
	memcpy(&k, member, op->set.field->size);
	k = (k & ~m) | (v & m);
	memcpy(member, &k, op->set.field->size);
	c->x.does |= EXPRESS_TUN;
	return true;
}

static bool compose_op(struct composing *c, const struct act_op *op, uint32_t in_port)
{
	if (c->leaves) /* more than one output, or what only another would see */
		return false;
	switch (op->code) {
	case ACT_OUTPUT:
		c->x.port = op->port;
		c->leaves = true;
		return op->port <= PORT_LAST && op->port != in_port;
	case ACT_SET_FIELD:
		return compose_field(c, op);
	case ACT_SET_STATE:
		return compose_state(c, op);
	case ACT_DEC_NW_TTL:
		if (c->x.does & EXPRESS_TTL)
			return false;
		c->x.does |= EXPRESS_TTL;
		return true;
	}
	return false;
}

static bool compose_list(struct composing *c, const struct act_op *op, uint32_t in_port)
{
	for (; op && op->code != ACT_END; op++)
		if (!compose_op(c, op, in_port))
			return false;
	return true;
}

/* An action set of one output: what else it may hold would be done before it, at the end. */
static bool compose_set(uint32_t *port, const struct insts *i)
{
	if (i->clear)
		*port = 0;
	for (const struct act_op *op = i->write; op && op->code != ACT_END; op++) {
		if (op->code != ACT_OUTPUT)
			return false;
		*port = op->port;
	}
	return true;
}

bool express_compose(const struct cache_way *way, uint32_t in_port, struct express *out)
{
	struct composing c = { .leaves = false };
	uint32_t set = 0;

	if (way->n > EXPRESS_FLOWS_MAX)
		return false;
	for (uint32_t n = 0; n < way->n; n++) {
		const struct insts *i = way->flow[n]->insts;

		if (i->meter || i->tail == ACT_CT || !compose_list(&c, i->apply, in_port) ||
		    !compose_set(&set, i))
			return false;
		c.x.id[n] = way->flow[n]->id;
		c.x.table[n] = way->flow[n]->table_id;
	}
	if (set) {
		const struct act_op leave[] = { { .code = ACT_OUTPUT, .port = set },
						{ .code = ACT_END } };

		if (!compose_list(&c, leave, in_port))
			return false;
	}
	c.x.n_flows = (uint8_t)way->n;
	c.x.tun_id = htobe32((uint32_t)be64toh(c.tun_id));
	*out = c.x;
	return c.leaves && be64toh(c.tun_id) <= UINT32_MAX;
}

bool express_compose_ct(const struct cache_way *way, struct express *out)
{
	struct express x = { .n_flows = (uint8_t)way->n };

	if (way->n > EXPRESS_FLOWS_MAX)
		return false;
	for (uint32_t n = 0; n < way->n; n++) {
		const struct insts *i = way->flow[n]->insts;

		/* A resubmit is one of those that are counted. */
		if (i->meter || i->clear || i->write || i->tail == ACT_CALL ||
		    (i->apply && i->apply->code != ACT_END))
			return false;
		x.metadata = (x.metadata & ~i->metadata_mask) | (i->metadata & i->metadata_mask);
		x.id[n] = way->flow[n]->id;
		x.table[n] = way->flow[n]->table_id;
		if (i->tail == ACT_CT)
			x.ct = i->tail_op->ct;
	}
	*out = x;
	return x.ct && !x.ct->computed && !x.ct->req.commit;
}

/* ---- A frame's words ---- */

static inline uint16_t load16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint32_t load32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint64_t load64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* IPv4 without options and whole, with a transport header that is there: as parse.c has it. */
static inline bool ipv4_words(const uint8_t *ip, uint32_t n, uint16_t tpid, uint64_t *k)
{
	const uint8_t *l4 = ip + IP_HLEN;
	uint64_t ports, flags = 0;
	uint32_t end;

	if (n < IP_HLEN + 8 || ip[0] != 0x45 || load16(ip + 6) & htobe16(0x3fff))
		return false;
	end = RTE_MIN(n, (uint32_t)get_be16(ip + 2));
	if (end < IP_HLEN + 8)
		return false;
	switch (ip[9]) {
	case PROTO_TCP:
		if (end < IP_HLEN + 20)
			return false;
		flags = load16(l4 + 12) & htobe16(0xfff);
		ports = load32(l4);
		break;
	case PROTO_UDP:
		ports = load32(l4);
		break;
	case PROTO_ICMP:
		ports = load16(l4);
		break;
	default:
		return false;
	}
	k[W_NW] = load64(ip + 12);
	k[W_L4] = ip[9] | (uint64_t)ip[1] << 8 | (uint64_t)ip[8] << 16 | ports << 32;
	k[W_REST] = flags | (uint64_t)tpid << 32 | (uint64_t)(PKT_HAS_L3 | PKT_HAS_L4) << 56;
	return true;
}

/* The frame's words in the first line of 'k'; the offset of what follows Ethernet, 0: not for us.
 */
static inline uint8_t frame_words(const struct rte_mbuf *m, enum express_need need, uint64_t *k)
{
	const uint64_t mac = BIT(48) - 1;
	const uint8_t *f = rte_pktmbuf_mtod(m, const uint8_t *);
	uint32_t n = m->data_len, at = ETH_HLEN;
	uint16_t type, tci = 0, tpid = 0;

	if (unlikely(n < ETH_HLEN + VLAN_HLEN || m->nb_segs != 1))
		return 0;
	type = load16(f + 12);
	if (vlan_is_tpid(be16toh(type))) {
		tpid = type;
		tci = load16(f + 14) | htobe16(FLOW_TCI_PRESENT);
		type = load16(f + 16);
		at += VLAN_HLEN;
		if (vlan_is_tpid(be16toh(type)))
			return 0;
	}
	if (be16toh(type) < ETH_TYPE_MIN)
		return 0;
	k[W_DST] = (load64(f) & mac) | (uint64_t)type << 48;
	k[W_SRC] = (load64(f + 6) & mac) | (uint64_t)tci << 48;
	if (need == EXPRESS_IPV4 &&
	    (type != htobe16(ETH_TYPE_IPV4) || !ipv4_words(f + at, n - at, tpid, k)))
		return 0;
	return (uint8_t)at;
}

/* ---- Leaving ---- */

static inline void rewrite(const struct express *x, uint8_t *f, unsigned int l3)
{
	if (x->does & EXPRESS_DST)
		memcpy(f, x->dst, 6);
	if (x->does & EXPRESS_SRC)
		memcpy(f + 6, x->src, 6);
	if (x->does & EXPRESS_TTL) {
		const uint8_t was[2] = { f[l3 + 8], f[l3 + 9] };

		f[l3 + 8]--;
		csum_apply(f + l3 + 10, csum_delta(was, f + l3 + 8, 2));
	}
}

static inline void leave(struct burst *b, const struct express *x, struct rte_mbuf *m,
			 unsigned int l3, unsigned int seq, uint32_t in_port)
{
	struct express_out *o = &b->x[b->n_x++];

	if (x->does & ~EXPRESS_TUN)
		rewrite(x, rte_pktmbuf_mtod(m, uint8_t *), l3);
	o->m = m;
	o->port = x->port;
	o->in_port = in_port;
	o->seq = (uint8_t)seq;
	o->tunneled = x->does & EXPRESS_TUN;
	if (o->tunneled) {
		o->tun_id = htobe64(be32toh(x->tun_id));
		o->tun_src = x->tun_src;
		o->tun_dst = x->tun_dst;
	}
}

static inline uint32_t frame_len(const struct rte_mbuf *m)
{
	return m->pkt_len < UINT16_MAX ? m->pkt_len : UINT16_MAX;
}

static inline void count(struct pmd *w, const struct express *x, uint32_t n, uint64_t bytes)
{
	for (unsigned int i = 0; i < x->n_flows; i++) {
		counter_add(&w->perf.table_lookups[x->table[i]], n);
		counter_add(&w->perf.table_matches[x->table[i]], n);
		pmd_count_flows(w, x->id[i], n, bytes);
	}
}

/* All frames of the port go the same way. */
static uint64_t run_alike(struct pmd *w, struct burst *b, struct rte_mbuf **m, unsigned int n,
			  const uint64_t *key, uint32_t in_port) PMD
{
	const struct cache *c = w->cache;
	uint64_t words[CACHE_WORDS_MAX], left = 0, bytes = 0;
	const uint64_t hash = cache_take(c, key, words);
	const struct cache_entry *e = cache_find(c, hash, words);
	unsigned int served = 0;

	if (!e || e->way != CACHE_EXPRESS)
		return n == 64 ? UINT64_MAX : BIT(n) - 1;
	for (unsigned int i = 0; i < n; i++) {
		if (m[i]->data_len < ETH_HLEN || !express_fits(&e->express, m[i], in_port)) {
			left |= BIT(i);
			continue;
		}
		served++;
		bytes += frame_len(m[i]);
		leave(b, &e->express, m[i], 0, i, in_port);
	}
	count(w, &e->express, served, bytes);
	return left;
}

/* What the tunnel has to say in the key; false: it does not go by express. */
static inline bool from_tunnel(const struct express_from *from, struct flow_key *key)
{
	key->in_port = htobe32(from->port);
	key->tun_id = from->tun_id;
	key->tun_src = from->tun_src;
	key->tun_dst = from->tun_dst;
	key->tun_tos = from->tun_tos;
	key->tun_ttl = from->tun_ttl;
	return from->port;
}

/* What a flow has not said of the next tunnel is as it was in the last one: not composed. */
static bool goes_on_in_a_tunnel(const struct pmd *w, const struct express *x)
{
	const struct port *p = port_by_no(w->dp, x->port);

	return !p || p->tunnel;
}

static uint64_t run_each(struct pmd *w, struct burst *b, struct rte_mbuf **m, unsigned int n,
			 struct flow_key *key, uint32_t in_port,
			 const struct express_from *from) PMD
{
	enum { AHEAD = 4 };
	struct cache *c = w->cache;
	const enum express_need need = c->need == EXPRESS_NOTHING ? EXPRESS_ETH : c->need;
	struct express *x[BURST_MAX];
	const bool may_track = c->tracks && !from;
	uint64_t hash[BURST_MAX], left = 0, to_ct = 0;
	uint8_t l3[BURST_MAX];

	/* Three rounds, so that each finds in the cache what the one before has asked for. */
	for (unsigned int i = 0; i < n; i++) {
		if (i + AHEAD < n)
			rte_prefetch0(rte_pktmbuf_mtod(m[i + AHEAD], void *));
		l3[i] = frame_words(m[i], need, (uint64_t *)key);
		if (from && !from_tunnel(&from[i], key))
			l3[i] = 0;
		if (!l3[i])
			continue;
		hash[i] = cache_take(c, (uint64_t *)key, c->key[i]);
		cache_prefetch(c, hash[i]);
	}
	for (unsigned int i = 0; i < n; i++) {
		struct cache_entry *e = l3[i] ? cache_find(c, hash[i], c->key[i]) : NULL;

		x[i] = e && (e->way == CACHE_EXPRESS || (e->way == CACHE_TO_CT && may_track))
			       ? &e->express
			       : NULL;
		if (x[i] && e->way == CACHE_TO_CT)
			to_ct |= BIT(i);
		rte_prefetch0(x[i]);
	}
	if (to_ct)
		express_track(w, b, m, n, to_ct, in_port, l3, x);
	for (unsigned int i = 0; i < n; i++) {
		const uint32_t in = from ? from[i].port : in_port;

		if (!x[i] || !express_fits(x[i], m[i], in) ||
		    (from && goes_on_in_a_tunnel(w, x[i]))) {
			left |= BIT(i);
			continue;
		}
		if (!(to_ct >> i & 1))
			count(w, x[i], 1, frame_len(m[i]));
		leave(b, x[i], m[i], l3[i], i, in);
	}
	return left;
}

bool express_open(const struct pmd *w)
{
	return w->cache &&
	       atomic_load_explicit(&w->dp->frag_mode, memory_order_relaxed) == OFPC_FRAG_NORMAL;
}

uint64_t express_run(struct pmd *w, struct burst *b, struct rte_mbuf **m, unsigned int n,
		     uint32_t in_port, const struct express_from *from)
{
	struct cache *c = w->cache;
	struct flow_key key = { .in_port = htobe32(in_port), .in_phy_port = htobe32(in_port) };
	uint64_t left;

	if (!cache_ready(c, w->dp, b->version))
		return n == 64 ? UINT64_MAX : BIT(n) - 1;
	key.actset_output = htobe32(OFPP_UNSET);
	if (c->need == EXPRESS_NOTHING && !from)
		left = run_alike(w, b, m, n, (uint64_t *)&key, in_port);
	else
		left = run_each(w, b, m, n, &key, in_port, from);
	if (b->n_x)
		cache_judge(w, b->n_x, b->n_x);
	return left;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Groups on packets (5.6.1): which buckets run.
 */
#include "datapath/cls_hash.h"
#include "datapath/dp.h"
#include "datapath/group_priv.h"
#include "datapath/trace.h"

static const struct group_body *body_at(const struct group *g, uint64_t version)
{
	const struct group_body *b = atomic_load_explicit(&g->body, memory_order_acquire), *older;

	while (b->added > version) {
		older = atomic_load_explicit(&b->older, memory_order_acquire);
		if (!older)
			break;
		b = older;
	}
	return b;
}

/*
 * The same for all packets of a transport connection between two stations, or, where there is no
 * IP, of a pair of stations.  The stations count with IP too: traffic that differs in them alone is
 * spread as well.
 */
static uint32_t connection_hash(const struct flow_key *k)
{
	const uint64_t *key = cls_hash_keys;
	const uint64_t *src = (const uint64_t *)k->ipv6_src, *dst = (const uint64_t *)k->ipv6_dst;
	uint64_t to = get_be64(k->eth_dst) >> 16, from = get_be64(k->eth_src) >> 16;
	uint64_t nw = (uint64_t)k->nw_src << 32 | k->nw_dst, ports = 0, h;

	/* Fragments but the first have no ports: none then, so that they go with the first. */
	if (!k->ip_frag)
		ports = (uint64_t)k->tp_src << 16 | k->tp_dst;
	h = cls_hash_mix(nw ^ key[0], (ports | (uint64_t)k->ip_proto << 32) ^ key[1]);
	h += cls_hash_mix(src[0] ^ key[2], src[1] ^ key[3]);
	h += cls_hash_mix(dst[0] ^ key[4], dst[1] ^ key[5]);
	if (!nw && !(src[0] | src[1] | dst[0] | dst[1]))
		from |= (uint64_t)k->vlan_tci << 48;
	h += cls_hash_mix(to ^ key[6], from ^ key[7]);
	return (uint32_t)(cls_hash_mix(h, key[8]) >> 32);
}

static bool is_live(const struct group_bucket *k)
{
	return atomic_load_explicit(&k->live, memory_order_relaxed);
}

/* Each live bucket gets its weight's share of the connections. */
static int by_weight(const struct group_body *b, const struct pkt *p)
{
	uint64_t total = 0, at;

	for (uint32_t i = 0; i < b->n; i++)
		if (is_live(&b->bucket[i]))
			total += b->bucket[i].weight;
	if (!total)
		return -1;
	at = (uint64_t)connection_hash(&p->key) * total >> 32;
	for (uint32_t i = 0; i < b->n; i++) {
		if (!is_live(&b->bucket[i]))
			continue;
		if (at < b->bucket[i].weight)
			return (int)i;
		at -= b->bucket[i].weight;
	}
	return -1;
}

static int first_live(const struct group_body *b)
{
	for (uint32_t i = 0; i < b->n; i++)
		if (is_live(&b->bucket[i]))
			return (int)i;
	return -1;
}

static void count(_Atomic uint64_t *packets, _Atomic uint64_t *bytes, const struct pkt *p)
{
	atomic_fetch_add_explicit(packets, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(bytes, p->frame_len, memory_order_relaxed);
}

/* Dropped by the group: the packet's end only if nothing else is sent of it. */
static void refuse(struct pmd *w, struct pkt *p, enum drop why) PMD
{
	if (!p->sent && p->why == N_DROPS) {
		p->why = (uint8_t)why;
		return;
	}
	counter_add(&w->perf.created, 1);
	pmd_count_drop(w, be32toh(p->key.in_port), why);
}

/* 'more': other buckets come after it, so that it may not use the frame up, nor a group in it. */
static void run(struct pmd *w, struct burst *b, struct pkt *p, const struct group_body *body,
		uint32_t i, bool more, uint64_t now) PMD
{
	const struct group_bucket *k = &body->bucket[i];
	struct group_bucket *counters = (struct group_bucket *)(uintptr_t)k;
	bool last = p->last;

	if (w->trace)
		trace_bucket(w, body, i);
	else
		count(&counters->packets, &counters->bytes, p);
	p->last = last && !more;
	act_bucket(w, b, p, k->insts, more, now);
	p->last = last;
}

static void run_all(struct pmd *w, struct burst *b, struct pkt *p, const struct group_body *body,
		    uint64_t now) PMD
{
	for (uint32_t i = 0; i < body->n && p->m; i++)
		run(w, b, p, body, i, i + 1 < body->n, now);
}

void group_run(struct pmd *w, struct burst *b, struct pkt *p, struct group *g, uint64_t now)
{
	const struct group_body *body = body_at(g, b->version);
	int one;

	if (p->depth >= GROUP_DEPTH) {
		refuse(w, p, DROP_GROUP_DEPTH);
		return;
	}
	if (!w->trace)
		count(&g->packets, &g->bytes, p);
	one = body->type == OFPGT_SELECT ? by_weight(body, p) : first_live(body);
	if (one < 0) {
		refuse(w, p, DROP_GROUP_NO_BUCKET);
		return;
	}
	p->depth++;
	if (body->type == OFPGT_ALL)
		run_all(w, b, p, body, now);
	else
		run(w, b, p, body, (uint32_t)one, false, now);
	p->depth--;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Headers that come and go, and TTLs (5.12, 7.2.5). */
#include <errno.h>

#include <rte_mbuf.h>

#include "datapath/act_priv.h"
#include "datapath/csum.h"
#include "datapath/dp.h"
#include "datapath/parse.h"
#include "ofproto/enum.h"
#include "vlan/tag.h"

enum {
	MACS = 12,
	ETH_HLEN = 14,
	MPLS_HLEN = 4,
	PBB_HLEN = 18, /* ethertype, I-TAG TCI, and the customer's MACs */
	PROTO_IPV4 = 4,
	PROTO_IPV6 = 41,
};

#define MPLS_BOS UINT32_C(0x100)
#define MPLS_TTL UINT32_C(0xff)

static uint8_t *frame(const struct pkt *p)
{
	return rte_pktmbuf_mtod(p->m, uint8_t *);
}

static uint16_t moved(uint16_t offset, int by)
{
	return offset == PKT_NONE ? offset : (uint16_t)(offset + by);
}

/* All headers behind the tags stand elsewhere now. */
static void move_offsets(struct pkt *p, int by)
{
	p->mpls = moved(p->mpls, by);
	p->pbb = moved(p->pbb, by);
	p->l3 = moved(p->l3, by);
	p->l4 = moved(p->l4, by);
	p->nd_sll = moved(p->nd_sll, by);
	p->nd_tll = moved(p->nd_tll, by);
}

/* Puts 'n' bytes in after the first 'after' bytes.  NULL: no room, the packet is dropped. */
static uint8_t *insert(struct pmd *w, struct burst *b, struct pkt *p, uint16_t after,
		       uint16_t n) PMD
{
	uint8_t *f;

	if (!act_touch(w, b, p))
		return NULL;
	f = (uint8_t *)rte_pktmbuf_prepend(p->m, n);
	if (!f) {
		act_drop(w, b, p, DROP_NO_HEADROOM);
		return NULL;
	}
	memmove(f, f + n, after);
	return f;
}

/* Takes 'n' bytes out after the first 'after' bytes, which the first segment has. */
static uint8_t *excise(struct pmd *w, struct burst *b, struct pkt *p, uint16_t after,
		       uint16_t n) PMD
{
	uint8_t *f;

	if (!act_touch(w, b, p))
		return NULL;
	f = frame(p);
	memmove(f + n, f, after);
	return (uint8_t *)rte_pktmbuf_adj(p->m, n);
}

/* ---- VLAN ---- */

/* Copies VID and PCP from the tag that was outermost (5.12.1). */
void act_push_vlan(struct pmd *w, struct burst *b, struct pkt *p, uint16_t tpid)
{
	const uint16_t tci = be16toh(p->key.vlan_tci) & (uint16_t)~FLOW_TCI_PRESENT;

	if (!act_touch(w, b, p))
		return;
	if (vlan_push_tci(p->m, tpid, tci) < 0) {
		act_drop(w, b, p, DROP_NO_HEADROOM);
		return;
	}
	if (p->n_vlans == PKT_VLANS_MAX) {
		pkt_reparse(p);
		return;
	}
	p->n_vlans++;
	p->key.vlan_tci = htobe16(tci | FLOW_TCI_PRESENT);
	p->key.vlan_tpid = htobe16(tpid);
	move_offsets(p, VLAN_HLEN);
}

void act_pop_vlan(struct pmd *w, struct burst *b, struct pkt *p)
{
	if (!p->n_vlans) {
		act_drop(w, b, p, DROP_ACTION_FAILED);
		return;
	}
	if (!act_touch(w, b, p))
		return;
	if (vlan_pop(p->m) < 0) {
		act_drop(w, b, p, DROP_ACTION_FAILED);
		return;
	}
	if (p->n_vlans > 1) {
		pkt_reparse(p);
		return;
	}
	p->n_vlans = 0;
	p->key.vlan_tci = p->key.vlan_tpid = 0;
	move_offsets(p, -VLAN_HLEN);
}

/* ---- MPLS ---- */

/*
 * The new label goes before all tags (5.12: "immediately after the Ethernet header and before other
 * tags").  It is a copy of the label that was outermost; of the first one only the TTL comes from
 * IP.
 */
void act_push_mpls(struct pmd *w, struct burst *b, struct pkt *p, uint16_t type)
{
	uint32_t lse = MPLS_BOS;
	uint8_t *f;

	if (key_is_mpls(&p->key)) {
		lse = be32toh(p->key.mpls_lse) | MPLS_BOS;
		if (p->mpls == ETH_HLEN)
			lse &= ~MPLS_BOS;
	} else if (key_is_ip(&p->key)) {
		lse |= p->key.ip_ttl;
	}
	f = insert(w, b, p, MACS, MPLS_HLEN);
	if (!f)
		return;
	put_be16(f + MACS, type);
	put_be32(f + ETH_HLEN, lse);
	pkt_reparse(p);
}

void act_pop_mpls(struct pmd *w, struct burst *b, struct pkt *p, uint16_t type)
{
	const uint16_t at = p->mpls;
	uint8_t *f;

	if (at == PKT_NONE) {
		act_drop(w, b, p, DROP_ACTION_FAILED);
		return;
	}
	f = excise(w, b, p, at, MPLS_HLEN);
	if (!f)
		return;
	put_be16(f + at - 2, type);
	pkt_reparse(p);
}

/* ---- PBB (IEEE 802.1ah) ---- */

/*
 * MAC-in-MAC: the customer's frame whole, tags included, behind an I-TAG and a copy of its MACs.
 * The I-SID comes from the I-TAG that was outermost, the priority from the VLAN tag (5.12.1).
 */
void act_push_pbb(struct pmd *w, struct burst *b, struct pkt *p)
{
	uint32_t tci = (uint32_t)be16toh(p->key.vlan_tci) >> VLAN_PCP_SHIFT << 29;
	uint8_t *f;

	if (p->key.eth_type == htobe16(ETH_TYPE_PBB))
		tci |= be32toh(p->key.pbb_isid) & 0xffffff;
	f = insert(w, b, p, 0, PBB_HLEN);
	if (!f)
		return;
	memcpy(f, f + PBB_HLEN, MACS);
	put_be16(f + MACS, ETH_TYPE_PBB);
	put_be32(f + ETH_HLEN, tci);
	pkt_reparse(p);
}

/* The backbone's tag must be gone before (7.2.5). */
void act_pop_pbb(struct pmd *w, struct burst *b, struct pkt *p)
{
	if (p->pbb != ETH_HLEN || p->m->data_len < PBB_HLEN + ETH_HLEN) {
		act_drop(w, b, p, DROP_ACTION_FAILED);
		return;
	}
	if (!excise(w, b, p, 0, PBB_HLEN))
		return;
	pkt_reparse(p);
}

/* ---- TTL ---- */

static void set_ttl(struct pmd *w, struct burst *b, struct pkt *p, bool mpls, uint8_t ttl) PMD
{
	act_store(w, b, p, &of_fields[mpls ? OF_FIELD_MPLS_TTL : OF_FIELD_IP_TTL], ttl, 0xff);
}

/* A TTL that would be zero, or is, makes the packet invalid: the controller may ask to see it. */
void act_dec_ttl(struct pmd *w, struct burst *b, struct pkt *p, bool mpls,
		 const struct of_halves *ids)
{
	uint16_t max_len;
	uint8_t ttl;

	if (mpls ? p->mpls == PKT_NONE : p->l3 == PKT_NONE || !key_is_ip(&p->key))
		return;
	ttl = mpls ? be32toh(p->key.mpls_lse) & MPLS_TTL : p->key.ip_ttl;
	if (ttl > 1) {
		set_ttl(w, b, p, mpls, (uint8_t)(ttl - 1));
		return;
	}
	max_len = (uint16_t)atomic_load_explicit(&w->dp->miss_send_len, memory_order_relaxed);
	for (uint32_t i = 0; i < (ids ? ids->n : 1); i++)
		act_packet_in(w, b, p, OFPR_INVALID_TTL, max_len, p->cookie, ids ? ids->v[i] : 0);
	/* A resubmit that led here comes back. */
	if (p->called)
		p->stop = STOP_FLOW;
	else
		act_drop(w, b, p, DROP_TTL_EXPIRED);
}

/* The offset of the TTL in an IP header at 'at'; 0: there is none.  '*v4': it has a checksum. */
static uint32_t ip_ttl_at(const struct pkt *p, uint32_t at, bool *v4)
{
	const uint32_t left = p->m->data_len - at;

	if (at >= p->m->data_len)
		return 0;
	*v4 = frame(p)[at] >> 4 == 4;
	if (*v4 && left >= 20)
		return at + 8;
	if (frame(p)[at] >> 4 == 6 && left >= 40)
		return at + 7;
	return 0;
}

/* The TTL next to the outermost one: of the next label, of IP behind the last, or of IP in IP. */
static uint32_t inner_ttl_at(const struct pkt *p, bool *v4)
{
	uint32_t at;

	*v4 = false;
	if (p->mpls != PKT_NONE) {
		if (p->key.mpls_lse & htobe32(MPLS_BOS))
			return ip_ttl_at(p, p->mpls + 4u, v4);
		return p->mpls + 8u <= p->m->data_len ? p->mpls + 7u : 0;
	}
	if (p->l4 == PKT_NONE || (p->key.ip_proto != PROTO_IPV4 && p->key.ip_proto != PROTO_IPV6))
		return 0;
	at = ip_ttl_at(p, p->l4, v4);
	return at && *v4 == (p->key.ip_proto == PROTO_IPV4) ? at : 0;
}

void act_copy_ttl_out(struct pmd *w, struct burst *b, struct pkt *p)
{
	bool v4;
	const uint32_t at = inner_ttl_at(p, &v4);

	if (at)
		set_ttl(w, b, p, p->mpls != PKT_NONE, frame(p)[at]);
}

void act_copy_ttl_in(struct pmd *w, struct burst *b, struct pkt *p)
{
	bool v4;
	const uint32_t at = inner_ttl_at(p, &v4);
	uint8_t was[2], *ttl;

	if (!at || !act_touch(w, b, p))
		return;
	ttl = frame(p) + at;
	memcpy(was, ttl, 2);
	ttl[0] = p->mpls != PKT_NONE ? be32toh(p->key.mpls_lse) & MPLS_TTL : p->key.ip_ttl;
	/* IPv4: TTL and protocol make a word, and the checksum follows what changed (one of 0xffff
	 * would become 0 by a change of nothing). */
	if (v4 && ttl[0] != was[0])
		csum_apply(ttl + 2, csum_delta(was, ttl, 2));
}

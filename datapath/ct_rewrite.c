/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets translated: what a packet of one direction has becomes the other direction's tuple turned
 * round, in key and frame, checksums by the change alone.
 */
#include <netinet/in.h>

#include <rte_mbuf.h>

#include "datapath/act_priv.h"
#include "datapath/csum.h"
#include "datapath/ct_nat.h"

enum { IP4_SUM = 10, IP4_ADDRS = 12, IP6_ADDRS = 8 };

/* Addresses and ports as they stand in a packet, the source's first. */
struct ends {
	uint8_t addrs[32];
	be16 ports[2];
};

static void ends_of(struct ends *e, const struct ct_tuple *k, bool turned)
{
	const unsigned int n = k->l3 == 4 ? 4 : 16;

	memcpy(e->addrs, turned ? k->dst : k->src, n);
	memcpy(e->addrs + n, turned ? k->src : k->dst, n);
	e->ports[0] = turned ? k->dst_port : k->src_port;
	e->ports[1] = turned ? k->src_port : k->dst_port;
}

/* Writes 'n' bytes; returns the change of a sum over them. */
static uint32_t put(uint8_t *at, const void *is, unsigned int n)
{
	const uint32_t delta = csum_delta(at, is, n);

	memcpy(at, is, n);
	return delta;
}

/* ---- The headers of the packet itself ---- */

/* Both addresses; returns the change of the pseudo-header. */
static uint32_t put_addrs(struct pkt *p, const uint8_t *addrs)
{
	uint8_t *ip = rte_pktmbuf_mtod_offset(p->m, uint8_t *, p->l3);
	uint32_t delta, dst;

	if (p->key.eth_type == htobe16(ETH_TYPE_IPV4)) {
		delta = put(ip + IP4_ADDRS, addrs, 8);
		csum_apply(ip + IP4_SUM, delta);
		memcpy(&p->key.nw_src, addrs, 4);
		memcpy(&p->key.nw_dst, addrs + 4, 4);
		return delta;
	}
	delta = put(ip + IP6_ADDRS, addrs, 16);
	dst = put(ip + IP6_ADDRS + 16, addrs + 16, 16);
	pkt_touch(p, offsetof(struct flow_key, ipv6_src));
	memcpy(p->key.ipv6_src, addrs, 16);
	memcpy(p->key.ipv6_dst, addrs + 16, 16);
	if (p->l4 != PKT_NONE && p->key.ipv6_exthdr &&
	    act_routed_further(ip, (uint32_t)(p->l4 - p->l3)))
		return delta;
	return delta + dst;
}

static void put_flow(struct pkt *p, const struct ct_pkt *cp, const struct ct_tuple *other)
{
	uint32_t delta;
	struct ends e;
	uint8_t *l4, was[4];

	ends_of(&e, other, true);
	delta = put_addrs(p, e.addrs);
	l4 = rte_pktmbuf_mtod_offset(p->m, uint8_t *, cp->l4);
	switch (other->proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_SCTP:
		memcpy(was, l4, 4);
		p->key.tp_src = e.ports[0];
		p->key.tp_dst = e.ports[1];
		delta += put(l4, e.ports, 4);
		if (other->proto == IPPROTO_SCTP)
			csum_apply_sctp(l4 + 8, was, l4, cp->l4_len);
		else
			act_fix_l4(p, delta, true);
		break;
	case IPPROTO_ICMP: /* no pseudo-header */
		act_fix_l4(p, put(l4 + 4, &other->src_port, 2), false);
		break;
	case IPPROTO_ICMPV6:
		act_fix_l4(p, delta + put(l4 + 4, &other->src_port, 2), true);
		break;
	default:
		act_fix_l4(p, delta, true);
		break;
	}
}

/* ---- ICMP errors ---- */

/* A checksum in the quote that covers what changed by 'delta'; returns its own change. */
static uint32_t quoted_sum(uint8_t *at, uint32_t delta, bool udp)
{
	uint8_t was[2];

	memcpy(was, at, 2);
	if (udp)
		csum_apply_udp(at, delta);
	else
		csum_apply(at, delta);
	return csum_delta(was, at, 2);
}

/* Length of what the quoted packet had behind its IP headers. */
static uint32_t quoted_len(const uint8_t *ip, uint32_t hlen)
{
	const uint32_t total = ip[0] >> 4 == 4 ? get_be16(ip + 2) : get_be16(ip + 4) + 40u;

	return total > hlen ? total - hlen : 0;
}

/*
 * What the quote has of its L4 header, 'room' bytes: ports or identifier, and the checksum if it is
 * there whole.  Returns the change of a sum over all of it.
 */
static uint32_t put_quoted_l4(uint8_t *l4, uint32_t room, const struct ct_tuple *k,
			      const be16 ports[2], uint32_t pseudo, uint32_t len)
{
	uint8_t was[12];
	uint32_t delta;

	switch (k->proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
		if (room < 4)
			return 0;
		delta = put(l4, ports, 4);
		if (k->proto == IPPROTO_TCP)
			return room < 18 ? delta
					 : delta + quoted_sum(l4 + 16, delta + pseudo, false);
		return room < 8 ? delta : delta + quoted_sum(l4 + 6, delta + pseudo, true);
	case IPPROTO_SCTP:
		if (room < 4)
			return 0;
		if (room < 12 || len < 12)
			return put(l4, ports, 4);
		memcpy(was, l4, 12);
		memcpy(l4, ports, 4);
		csum_apply_sctp(l4 + 8, was, l4, len);
		return csum_delta(was, l4, 12);
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		if (room < 6)
			return 0;
		delta = put(l4 + 4, &k->src_port, 2);
		if (k->proto == IPPROTO_ICMPV6)
			pseudo += delta;
		else
			pseudo = delta;
		return delta + quoted_sum(l4 + 2, pseudo, false);
	default:
		return 0;
	}
}

/* The quote is a packet of the other direction that was translated: it becomes what it was. */
static uint32_t put_quote(struct pkt *p, const struct ct_pkt *cp, const struct ct_tuple *other)
{
	uint8_t *f = rte_pktmbuf_mtod(p->m, uint8_t *), *ip = f + cp->inner_l3;
	const uint32_t hlen = (uint32_t)(cp->inner_l4 - cp->inner_l3);
	const uint32_t end = RTE_MIN((uint32_t)cp->l4 + cp->l4_len, (uint32_t)p->m->data_len);
	uint32_t pseudo, sum, dst;
	struct ends e;

	ends_of(&e, other, false);
	if (other->l3 == 4) {
		pseudo = put(ip + IP4_ADDRS, e.addrs, 8);
		sum = pseudo + quoted_sum(ip + IP4_SUM, pseudo, false);
	} else {
		pseudo = put(ip + IP6_ADDRS, e.addrs, 16);
		dst = put(ip + IP6_ADDRS + 16, e.addrs + 16, 16);
		sum = pseudo + dst;
		if (!act_routed_further(ip, hlen))
			pseudo += dst;
	}
	if (end <= cp->inner_l4)
		return sum;
	return sum + put_quoted_l4(f + cp->inner_l4, end - cp->inner_l4, other, e.ports, pseudo,
				   quoted_len(ip, hlen));
}

/*
 * An error's own destination is whoever sent what it quotes.  Its source stays when it is not the
 * connection's peer but some router on the way (RFC 5508 REQ-4) -- unless the peer's address is one
 * that is not shown on the other side: then none of those behind it is, and the error comes from
 * the address that stands for the peer (RFC 5508 REQ-5 d).
 */
static void put_error(struct pkt *p, const struct ct_pkt *cp, const struct ct_tuple *have,
		      const struct ct_tuple *other)
{
	const uint8_t *ip = rte_pktmbuf_mtod_offset(p->m, const uint8_t *, p->l3);
	const unsigned int n = have->l3 == 4 ? 4 : 16;
	const uint32_t quote = put_quote(p, cp, other);
	uint32_t pseudo;
	struct ends e;

	ends_of(&e, other, true);
	if (!memcmp(have->src, other->dst, n))
		memcpy(e.addrs, ip + (n == 4 ? IP4_ADDRS : IP6_ADDRS), n);
	pseudo = put_addrs(p, e.addrs);
	act_fix_l4(p, have->l3 == 4 ? quote : quote + pseudo, false);
}

/* ---- */

/* An error's quote may lie behind the first segment. */
static bool quote_at_hand(struct pmd *w, struct burst *b, struct pkt *p,
			  const struct ct_pkt *cp) PMD
{
	const uint32_t want = RTE_MIN(cp->inner_l4 + 20u, p->m->pkt_len);

	if (want <= p->m->data_len || !rte_pktmbuf_linearize(p->m))
		return true;
	act_drop(w, b, p, DROP_NO_MBUF);
	return false;
}

int ct_nat_apply(struct pmd *w, struct burst *b, struct pkt *p, const struct ct_pkt *cp,
		 const struct ct_conn *c, enum ct_dir dir)
{
	const struct ct_tuple *have = dir == CT_ORIG ? &c->orig : &c->reply;
	const struct ct_tuple *other = dir == CT_ORIG ? &c->reply : &c->orig;
	const uint8_t f = atomic_load_explicit(&c->flags, memory_order_relaxed);
	const int first = dir == CT_ORIG ? CT_SNAT : CT_DNAT;

	if (!(f & (CT_F_SNAT | CT_F_DNAT)))
		return 0;
	if (!act_touch(w, b, p))
		return -1;
	if (cp->kind == CT_K_ERROR) {
		if (!quote_at_hand(w, b, p, cp))
			return -1;
		put_error(p, cp, have, other);
	} else {
		put_flow(p, cp, other);
	}
	return (f & CT_F_SNAT ? first : 0) | (f & CT_F_DNAT ? first ^ (CT_SNAT | CT_DNAT) : 0);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <netinet/in.h>

#include "vxlan/csum.h"
#include "vxlan/vtep_priv.h"

/* A frame that came in, its header taken apart. */
struct in {
	const uint8_t *eth;
	const uint8_t *l3;
	uint32_t n; /* bytes from l3 on */
	uint64_t now;
};

static bool mac_is_host(const uint8_t mac[6])
{
	static const uint8_t zero[6];

	return !(mac[0] & 1) && memcmp(mac, zero, 6);
}

static bool bad(struct vtep *v)
{
	v->counters.bad++;
	return true;
}

static bool ignored(struct vtep *v)
{
	v->counters.ignored++;
	return false;
}

/* ---- ARP ---- */

static bool arp_input(struct vtep *v, const struct in *in)
{
	const uint8_t *arp = in->l3;
	struct vxlan_addr sender, target;
	struct local *ours, *theirs;
	uint16_t op;
	be32 spa, tpa;

	if (in->n < ARP_HLEN || get_be32(arp) != 0x00010800 || get_be16(arp + 4) != 0x0604)
		return bad(v);
	op = get_be16(arp + 6);
	if ((op != ARP_REQUEST && op != ARP_REPLY) || !mac_is_host(arp + 8))
		return bad(v);
	memcpy(&spa, arp + 14, 4);
	memcpy(&tpa, arp + 24, 4);
	sender = vxlan_addr_v4(spa);
	target = vxlan_addr_v4(tpa);
	theirs = vtep_local_find(v, &sender);
	ours = vtep_local_find(v, &target);

	if (theirs) {
		if (memcmp(arp + 8, v->config.mac, 6))
			vtep_conflict(v, theirs, arp + 8, in->now);
		return true;
	}
	/* RFC 826: what is known of the sender is brought up to date first. */
	if (spa &&
	    neigh_heard(&v->neighs, &sender, arp + 8, op == ARP_REPLY && ours, true, in->now))
		v->counters.arp_learned++;
	else if (!ours)
		return ignored(v);
	if (ours && op == ARP_REQUEST) {
		v->counters.arp_requests++;
		vtep_send_arp(v, ARP_REPLY, tpa, spa, arp + 8, arp + 8);
	}
	return true;
}

/* ---- Neighbour discovery ---- */

/* The link-layer address in option 'type' of the 'n' bytes of options, NULL if there is none;
 * '*ok' false for a malformed list (RFC 4861, 7.1). */
static const uint8_t *nd_option(const uint8_t *p, uint32_t n, uint8_t type, bool *ok)
{
	const uint8_t *found = NULL;

	*ok = true;
	while (n) {
		uint32_t len = n >= 2 ? p[1] * 8u : 0;

		if (!len || len > n) {
			*ok = false;
			return NULL;
		}
		if (p[0] == type && len == ND_OPT_HLEN && mac_is_host(p + 2))
			found = p + 2;
		p += len;
		n -= len;
	}
	return found;
}

static bool ns_input(struct vtep *v, const struct in *in, const uint8_t *icmp, uint32_t n)
{
	struct vxlan_addr src = vxlan_addr_v6(in->l3 + 8), target = vxlan_addr_v6(icmp + 8);
	struct local *l = vtep_local_find(v, &target), *theirs = vtep_local_find(v, &src);
	const uint8_t *slla;
	bool ok;

	slla = nd_option(icmp + ND_HLEN, n - ND_HLEN, ND_OPT_SLLA, &ok);
	if (!ok || vxlan_addr_is_multicast(&target))
		return bad(v);
	if (theirs) {
		if (memcmp(in->eth + 6, v->config.mac, 6))
			vtep_conflict(v, theirs, in->eth + 6, in->now);
		return true;
	}
	if (!l)
		return ignored(v);
	v->counters.ns_answered++;
	if (vxlan_addr_is_zero(&src)) {
		/* Another host is about to take our address (RFC 4862, 5.4.3). */
		vtep_conflict(v, l, in->eth + 6, in->now);
		vtep_send_na(v, target.b, NULL, NULL, NA_OVERRIDE);
		return true;
	}
	if (slla && neigh_heard(&v->neighs, &src, slla, false, true, in->now))
		v->counters.na_learned++;
	vtep_send_na(v, target.b, src.b, slla ? slla : in->eth + 6, NA_SOLICITED | NA_OVERRIDE);
	return true;
}

static bool na_input(struct vtep *v, const struct in *in, const uint8_t *icmp, uint32_t n)
{
	struct vxlan_addr target = vxlan_addr_v6(icmp + 8);
	struct local *l = vtep_local_find(v, &target);
	struct neigh *known;
	const uint8_t *tlla;
	bool solicited = icmp[4] & NA_SOLICITED, ok;

	tlla = nd_option(icmp + ND_HLEN, n - ND_HLEN, ND_OPT_TLLA, &ok);
	if (!ok || vxlan_addr_is_multicast(&target) || (solicited && in->l3[24] == 0xff))
		return bad(v);
	if (l) {
		if (memcmp(in->eth + 6, v->config.mac, 6))
			vtep_conflict(v, l, in->eth + 6, in->now);
		return true;
	}
	known = neigh_find(&v->neighs, &target);
	if (!known)
		return ignored(v);
	/* Without the option it confirms the MAC that we have; there may be none yet. */
	if (!tlla && neigh_usable(known))
		tlla = known->mac;
	if (!tlla)
		return ignored(v);
	v->counters.na_learned++;
	return neigh_heard(&v->neighs, &target, tlla, solicited, icmp[4] & NA_OVERRIDE, in->now);
}

/* ---- Echo ---- */

static bool echo_admitted(struct vtep *v, uint64_t now)
{
	if (v->echo_second != now / 1000) {
		v->echo_second = now / 1000;
		v->echo_tokens = VTEP_ECHO_RATE;
	}
	if (!v->echo_tokens) {
		v->counters.echo_limited++;
		return false;
	}
	v->echo_tokens--;
	v->counters.echo_answered++;
	return true;
}

static bool ipv4_input(struct vtep *v, const struct in *in)
{
	const uint8_t *ip = in->l3, *icmp;
	struct vxlan_addr dst, src;
	struct vtep_frame f;
	uint32_t hlen, len;
	uint16_t csum = 0;
	uint8_t *reply;
	be32 from, to;

	if (in->n < IPV4_HLEN || ip[0] >> 4 != 4)
		return bad(v);
	memcpy(&from, ip + 12, 4);
	memcpy(&to, ip + 16, 4);
	dst = vxlan_addr_v4(to);
	src = vxlan_addr_v4(from);
	if (!vtep_local_find(v, &dst) || ip[9] != IPPROTO_ICMP)
		return ignored(v);
	hlen = (ip[0] & 15u) * 4;
	len = get_be16(ip + 2);
	if (hlen < IPV4_HLEN || len < hlen + ICMP_HLEN || len > in->n ||
	    vxlan_csum_fold(vxlan_csum_add(0, ip, hlen)) != 0xffff)
		return bad(v);
	if (get_be16(ip + 6) & 0x3fff || ip[hlen] != ICMP_ECHO_REQUEST || ip[hlen + 1] ||
	    vxlan_addr_is_multicast(&src) || vxlan_addr_is_zero(&src) || vtep_local_find(v, &src))
		return ignored(v);
	icmp = ip + hlen;
	len -= hlen;
	if (vxlan_csum_fold(vxlan_csum_add(0, icmp, len)) != 0xffff)
		return bad(v);
	if (!echo_admitted(v, in->now))
		return true;

	vtep_frame_begin(v, &f, in->eth + 6, ETH_IPV4);
	vtep_frame_ipv4(&f, to, from, ip[1] & 0xfc, (uint16_t)len);
	reply = vtep_frame_add(&f, (uint16_t)len);
	memcpy(reply, icmp, len);
	reply[0] = 0; /* echo reply (RFC 792) */
	memcpy(reply + 2, &csum, 2);
	csum = vxlan_csum_of(vxlan_csum_add(0, reply, len));
	memcpy(reply + 2, &csum, 2);
	vtep_frame_send(v, &f);
	return true;
}

static bool echo6_input(struct vtep *v, const struct in *in, const uint8_t *icmp, uint32_t n)
{
	const uint8_t *ip = in->l3;
	struct vxlan_addr src = vxlan_addr_v6(ip + 8), dst = vxlan_addr_v6(ip + 24);
	struct vtep_frame f;
	uint8_t *reply;

	if (!vtep_local_find(v, &dst) || icmp[1] || vxlan_addr_is_multicast(&src) ||
	    vxlan_addr_is_zero(&src) || vtep_local_find(v, &src))
		return ignored(v);
	if (!echo_admitted(v, in->now))
		return true;
	vtep_frame_begin(v, &f, in->eth + 6, ETH_IPV6);
	vtep_frame_ipv6(&f, dst.b, src.b, (uint8_t)(get_be16(ip) >> 4 & 0xfc), 64, (uint16_t)n);
	reply = vtep_frame_add(&f, (uint16_t)n);
	memcpy(reply, icmp, n);
	reply[0] = ICMP6_ECHO_REPLY;
	put_be16(reply + 2, 0);
	vtep_frame_icmp6_csum(&f, reply, (uint16_t)n);
	vtep_frame_send(v, &f);
	return true;
}

static bool ipv6_input(struct vtep *v, const struct in *in)
{
	const uint8_t *ip = in->l3, *icmp = ip + IPV6_HLEN;
	uint32_t n;

	if (in->n < IPV6_HLEN || ip[0] >> 4 != 6)
		return bad(v);
	if (ip[6] != IPPROTO_ICMPV6)
		return ignored(v);
	n = get_be16(ip + 4);
	if (n < ICMP_HLEN || IPV6_HLEN + n > in->n ||
	    vxlan_csum_fold(vxlan_csum_pseudo(ip + 8, 32, IPPROTO_ICMPV6, n) +
			    vxlan_csum_add(0, icmp, n)) != 0xffff)
		return bad(v);
	if (icmp[0] == ICMP6_ECHO_REQUEST)
		return echo6_input(v, in, icmp, n);
	if (icmp[0] != ICMP6_NS && icmp[0] != ICMP6_NA)
		return ignored(v);
	/* RFC 4861, 7.1: only from this link, only whole. */
	if (ip[7] != 255 || icmp[1] || n < ND_HLEN)
		return bad(v);
	return icmp[0] == ICMP6_NS ? ns_input(v, in, icmp, n) : na_input(v, in, icmp, n);
}

/* ---- The frame ---- */

bool vtep_input(struct vtep *v, const uint8_t *frame, uint32_t len, uint64_t now)
{
	struct in in = { .eth = frame, .l3 = frame + ETH_HLEN, .now = now };
	uint16_t type, vid = 0;

	if (len < ETH_HLEN || len > VTEP_FRAME_MAX || !mac_is_host(frame + 6))
		return bad(v);
	type = get_be16(frame + 12);
	in.n = len - ETH_HLEN;
	if (type == ETH_VLAN) {
		if (in.n < TAG_HLEN)
			return bad(v);
		vid = get_be16(in.l3) & 0xfff;
		type = get_be16(in.l3 + 2);
		in.l3 += TAG_HLEN;
		in.n -= TAG_HLEN;
	}
	if (vid != v->config.vid || (memcmp(frame, v->config.mac, 6) && !(frame[0] & 1)))
		return ignored(v);
	switch (type) {
	case ETH_ARP:
		return arp_input(v, &in);
	case ETH_IPV4:
		return frame[0] & 1 ? ignored(v) : ipv4_input(v, &in);
	case ETH_IPV6:
		return ipv6_input(v, &in);
	default:
		return ignored(v);
	}
}

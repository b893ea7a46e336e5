/* SPDX-License-Identifier: Apache-2.0 */
#include "vxlan/vtep_priv.h"

#include <netinet/in.h>

#include "vxlan/csum.h"

enum { ETH_MIN = 60, ND_HOPS = 255, ECHO_TTL = 64 };

static const uint8_t broadcast[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
static const uint8_t all_nodes[16] = { 0xff, 0x02, [15] = 1 };

uint8_t *vtep_frame_add(struct vtep_frame *f, uint16_t n)
{
	uint8_t *p = f->b + f->n;

	memset(p, 0, n);
	f->n += n;
	return p;
}

void vtep_frame_begin(const struct vtep *v, struct vtep_frame *f, const uint8_t dst[6],
		      uint16_t type)
{
	uint8_t *p;

	f->n = 0;
	p = vtep_frame_add(f, v->config.vid ? ETH_HLEN + TAG_HLEN : ETH_HLEN);
	memcpy(p, dst, 6);
	memcpy(p + 6, v->config.mac, 6);
	if (v->config.vid) {
		put_be16(p + 12, ETH_VLAN);
		put_be16(p + 14, (uint16_t)(v->config.pcp << 13 | v->config.vid));
	}
	put_be16(f->b + f->n - 2, type);
}

void vtep_frame_ipv4(struct vtep_frame *f, be32 src, be32 dst, uint8_t tos, uint16_t len)
{
	uint8_t *ip = vtep_frame_add(f, IPV4_HLEN);
	uint16_t csum;

	ip[0] = 0x45;
	ip[1] = tos;
	put_be16(ip + 2, (uint16_t)(IPV4_HLEN + len));
	put_be16(ip + 6, 0x4000); /* whole, as it came; identification 0 (RFC 6864) */
	ip[8] = ECHO_TTL;
	ip[9] = IPPROTO_ICMP;
	memcpy(ip + 12, &src, 4);
	memcpy(ip + 16, &dst, 4);
	csum = vxlan_csum_of(vxlan_csum_add(0, ip, IPV4_HLEN));
	memcpy(ip + 10, &csum, 2);
}

void vtep_frame_ipv6(struct vtep_frame *f, const uint8_t src[16], const uint8_t dst[16],
		     uint8_t tos, uint8_t hops, uint16_t len)
{
	uint8_t *ip = vtep_frame_add(f, IPV6_HLEN);

	put_be32(ip, UINT32_C(6) << 28 | (uint32_t)tos << 20);
	put_be16(ip + 4, len);
	ip[6] = IPPROTO_ICMPV6;
	ip[7] = hops;
	memcpy(ip + 8, src, 16);
	memcpy(ip + 24, dst, 16);
}

void vtep_frame_icmp6_csum(struct vtep_frame *f, uint8_t *icmp, uint16_t len)
{
	uint16_t csum = vxlan_csum_of(vxlan_csum_pseudo(icmp - 32, 32, IPPROTO_ICMPV6, len) +
				      vxlan_csum_add(0, icmp, len));

	memcpy(icmp + 2, &csum, 2);
}

void vtep_frame_send(struct vtep *v, struct vtep_frame *f)
{
	if (f->n < ETH_MIN)
		vtep_frame_add(f, (uint16_t)(ETH_MIN - f->n));
	v->counters.sent++;
	v->ops->send(v->aux, f->b, f->n);
}

void vtep_send_arp(struct vtep *v, uint16_t op, be32 spa, be32 tpa, const uint8_t *tha,
		   const uint8_t *to)
{
	struct vtep_frame f;
	uint8_t *arp;

	vtep_frame_begin(v, &f, to ? to : broadcast, ETH_ARP);
	arp = vtep_frame_add(&f, ARP_HLEN);
	put_be32(arp, 0x00010800); /* Ethernet, IPv4 */
	put_be16(arp + 4, 0x0604);
	put_be16(arp + 6, op);
	memcpy(arp + 8, v->config.mac, 6);
	memcpy(arp + 14, &spa, 4);
	if (tha)
		memcpy(arp + 18, tha, 6);
	memcpy(arp + 24, &tpa, 4);
	vtep_frame_send(v, &f);
}

/* The MAC of an IPv6 group (RFC 2464, 7). */
static void group_mac(const uint8_t group[16], uint8_t mac[6])
{
	mac[0] = mac[1] = 0x33;
	memcpy(mac + 2, group + 12, 4);
}

/* An NS or NA with one link-layer address option. */
static void send_nd(struct vtep *v, uint8_t type, uint8_t flags, const uint8_t src[16],
		    const uint8_t dst[16], const uint8_t target[16], const uint8_t *to)
{
	struct vtep_frame f;
	uint8_t mac[6], *icmp;

	if (to)
		memcpy(mac, to, 6);
	else
		group_mac(dst, mac);
	vtep_frame_begin(v, &f, mac, ETH_IPV6);
	vtep_frame_ipv6(&f, src, dst, 0, ND_HOPS, ND_HLEN + ND_OPT_HLEN);
	icmp = vtep_frame_add(&f, ND_HLEN + ND_OPT_HLEN);
	icmp[0] = type;
	icmp[4] = flags;
	memcpy(icmp + 8, target, 16);
	icmp[ND_HLEN] = type == ICMP6_NS ? ND_OPT_SLLA : ND_OPT_TLLA;
	icmp[ND_HLEN + 1] = 1;
	memcpy(icmp + ND_HLEN + 2, v->config.mac, 6);
	vtep_frame_icmp6_csum(&f, icmp, ND_HLEN + ND_OPT_HLEN);
	vtep_frame_send(v, &f);
}

void vtep_send_ns(struct vtep *v, const uint8_t src[16], const uint8_t target[16],
		  const uint8_t *to)
{
	uint8_t group[16] = { 0xff, 0x02, [11] = 1, [12] = 0xff }; /* RFC 4291, 2.7.1 */

	memcpy(group + 13, target + 13, 3);
	send_nd(v, ICMP6_NS, 0, src, to ? target : group, target, to);
}

void vtep_send_na(struct vtep *v, const uint8_t target[16], const uint8_t *dst, const uint8_t *to,
		  uint8_t flags)
{
	send_nd(v, ICMP6_NA, flags, target, dst ? dst : all_nodes, target, to);
}

void vtep_announce(struct vtep *v, const struct local *l)
{
	be32 ip = vxlan_addr_to_v4(&l->is.addr);

	if (vxlan_addr_is_v4(&l->is.addr))
		vtep_send_arp(v, ARP_REQUEST, ip, ip, NULL, NULL);
	else
		vtep_send_na(v, l->is.addr.b, NULL, NULL, NA_OVERRIDE);
}

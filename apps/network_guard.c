/* SPDX-License-Identifier: Apache-2.0 */
/*
 * App network, stage guard: a port with port security sends from its own MACs and addresses only.
 *
 * What is not let through here meets the port's own drop flow, whose counter says how much a port
 * was caught at.  Ethertypes but ARP, IPv4 and IPv6 are not let through, as in Neutron.
 */
#include "apps/network.h"

#include <string.h>

enum { ETH_IPV4 = 0x0800, ETH_ARP = 0x0806, ETH_IPV6 = 0x86dd };
enum { PROTO_UDP = 17, PROTO_ICMPV6 = 58 };
enum { ICMPV6_RS = 133, ICMPV6_NS = 135, ICMPV6_NA = 136, ICMPV6_MLD2 = 143 };
enum { DHCP_SERVER = 67, DHCP_CLIENT = 68 };
enum { PRIO_DROP = 1, PRIO_ALLOW = 100, PRIO_ASK = 105, PRIO_ND = 110, PRIO_ND_OWN = 120 };

static struct draft *from(struct flowset *fs, uint16_t priority, uint32_t ofport,
			  const uint8_t mac[6], uint16_t eth_type, const char *where)
{
	struct draft *d = flowset_flow(fs, STAGE_guard, priority, where);

	draft_match(d, OF_FIELD_IN_PORT, ofport);
	draft_match_bytes(d, OF_FIELD_ETH_SRC, mac, NULL);
	draft_match(d, OF_FIELD_ETH_TYPE, eth_type);
	return d;
}
#define FROM(prio, type) from(fs, prio, ofport, mac, type, __FILE__ ":" FLOWSET_STR(__LINE__))

static void allow(struct draft *d, enum stage next)
{
	draft_goto(d, next);
	draft_end(d);
}

static void mask_of(const struct ip_prefix *p, uint8_t mask[16])
{
	memset(mask, 0, 16);
	for (unsigned int i = 0; i < p->len; i++)
		mask[i / 8] |= (uint8_t)(0x80 >> i % 8);
}

void network_match_prefix(struct draft *d, enum of_field_id f, const struct ip_prefix *p)
{
	struct ip_addr first = ip_prefix_first(p);
	uint8_t mask[16];

	mask_of(p, mask);
	if (p->len)
		draft_match_bytes(d, f, first.b, mask);
}

static void match_dhcp(struct draft *d, uint16_t from, uint16_t to)
{
	draft_match(d, OF_FIELD_IP_PROTO, PROTO_UDP);
	draft_match(d, OF_FIELD_UDP_SRC, from);
	draft_match(d, OF_FIELD_UDP_DST, to);
}

static void guard_ipv4(struct flowset *fs, uint32_t ofport, const uint8_t mac[6],
		       const struct ip_prefix *ip)
{
	struct draft *d = FROM(PRIO_ALLOW, ETH_IPV4);

	network_match_prefix(d, OF_FIELD_IPV4_SRC, ip);
	allow(d, STAGE_sg_out);

	/* A lease renewed: from the address that it has. */
	d = FROM(PRIO_ASK, ETH_IPV4);
	network_match_prefix(d, OF_FIELD_IPV4_SRC, ip);
	match_dhcp(d, DHCP_CLIENT, DHCP_SERVER);
	allow(d, STAGE_answer);

	d = FROM(PRIO_ALLOW, ETH_ARP);
	draft_match_bytes(d, OF_FIELD_ARP_SHA, mac, NULL);
	network_match_prefix(d, OF_FIELD_ARP_SPA, ip);
	allow(d, STAGE_answer);
}

static void guard_ipv6(struct flowset *fs, uint32_t ofport, const uint8_t mac[6],
		       const struct ip_prefix *ip)
{
	struct draft *d = FROM(PRIO_ALLOW, ETH_IPV6);

	network_match_prefix(d, OF_FIELD_IPV6_SRC, ip);
	allow(d, STAGE_sg_out);

	for (uint8_t type = ICMPV6_RS; type <= ICMPV6_NS; type += 2) {
		d = FROM(PRIO_ASK, ETH_IPV6);
		network_match_prefix(d, OF_FIELD_IPV6_SRC, ip);
		draft_match(d, OF_FIELD_IP_PROTO, PROTO_ICMPV6);
		draft_match(d, OF_FIELD_ICMPV6_TYPE, type);
		allow(d, STAGE_answer);
	}
	d = FROM(PRIO_ASK, ETH_IPV6);
	network_match_prefix(d, OF_FIELD_IPV6_SRC, ip);
	match_dhcp(d, 546, 547);
	allow(d, STAGE_answer);

	/* RFC 4861 7.1.2: an advertisement speaks for its target, whatever its source. */
	d = FROM(PRIO_ND_OWN, ETH_IPV6);
	draft_match(d, OF_FIELD_IP_PROTO, PROTO_ICMPV6);
	draft_match(d, OF_FIELD_ICMPV6_TYPE, ICMPV6_NA);
	network_match_prefix(d, OF_FIELD_ND_TARGET, ip);
	allow(d, STAGE_answer);
}

/* What a host may say before it has an address: DHCP, ARP probes (RFC 5227), DAD (RFC 4862). */
static void guard_unnumbered(struct flowset *fs, uint32_t ofport, const uint8_t mac[6])
{
	static const uint8_t any[16];
	static const enum of_field_id pre = OF_FIELD_ICMPV6_TYPE;
	static const uint8_t types[] = { ICMPV6_NS, ICMPV6_MLD2, ICMPV6_RS };
	struct draft *d = FROM(PRIO_ALLOW, ETH_IPV4);

	draft_match(d, OF_FIELD_IPV4_SRC, 0);
	match_dhcp(d, DHCP_CLIENT, DHCP_SERVER);
	allow(d, STAGE_answer);

	d = FROM(PRIO_ALLOW, ETH_ARP);
	draft_match_bytes(d, OF_FIELD_ARP_SHA, mac, NULL);
	draft_match(d, OF_FIELD_ARP_SPA, 0);
	allow(d, STAGE_answer);

	for (size_t i = 0; i < sizeof(types); i++) {
		d = FROM(PRIO_ALLOW, ETH_IPV6);
		draft_match_bytes(d, OF_FIELD_IPV6_SRC, any, NULL);
		draft_match(d, OF_FIELD_IP_PROTO, PROTO_ICMPV6);
		draft_match(d, pre, types[i]);
		allow(d, types[i] == ICMPV6_MLD2 ? STAGE_sg_out : STAGE_answer);
	}

	/* Answers of a DHCP server: never from a tenant's port.  RFC 2131 4.1, RFC 8415 7.2. */
	for (int v6 = 0; v6 < 2; v6++) {
		d = FROM(PRIO_ND, v6 ? ETH_IPV6 : ETH_IPV4);
		draft_match(d, OF_FIELD_IP_PROTO, PROTO_UDP);
		draft_match(d, OF_FIELD_UDP_SRC, v6 ? 547 : DHCP_SERVER);
		draft_match(d, OF_FIELD_UDP_DST, v6 ? 546 : DHCP_CLIENT);
		draft_end(d);
	}

	/* Router advertisements and advertisements for others' targets: never from a tenant's port.
	 */
	for (uint8_t type = 134; type <= ICMPV6_NA; type += 2) {
		d = FROM(PRIO_ND, ETH_IPV6);
		draft_match(d, OF_FIELD_IP_PROTO, PROTO_ICMPV6);
		draft_match(d, pre, type);
		draft_end(d);
	}
}

static void guard_mac(const struct port *p, uint32_t ofport, const uint8_t mac[6],
		      struct flowset *fs)
{
	static const struct ip_prefix link_local = { { 6, { 0xfe, 0x80 } }, 64 };
	struct ip_prefix own = { ip_eui64(&link_local, mac), 128 };

	guard_unnumbered(fs, ofport, mac);
	guard_ipv6(fs, ofport, mac, &own);
}

/* A pair adds its address to its MAC; the port's own MAC may send from all of its addresses. */
void network_guard_port(const struct port *p, uint32_t ofport, struct flowset *fs)
{
	const uint8_t *own = p->a.mac_address;
	struct draft *d = FLOW(fs, guard, PRIO_DROP);

	draft_match(d, OF_FIELD_IN_PORT, ofport);
	draft_end(d);

	guard_mac(p, ofport, own, fs);
	for (size_t i = 0; i < p->a.n_fixed_ips; i++) {
		struct ip_prefix ip = { p->a.fixed_ips[i].ip_address, 0 };

		ip.len = ip.addr.family == 4 ? 32 : 128;
		(ip.addr.family == 4 ? guard_ipv4 : guard_ipv6)(fs, ofport, own, &ip);
	}
	for (size_t i = 0; i < p->a.n_allowed_address_pairs; i++) {
		const struct address_pair *a = &p->a.allowed_address_pairs[i];

		(a->ip_address.addr.family == 4 ? guard_ipv4 : guard_ipv6)(
			fs, ofport, a->mac_address, &a->ip_address);
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * App network, shared by its files: one file for each stage.
 *
 * A packet's way:  admit (which network?) -> guard (may the sender say that?) -> answer (known
 * here?)
 * -> sg_out (may its port send it?) -> router_in (for a router?) -> route, or -> l2 (where does the
 * destination live?) -> sg_in (may that port receive it?) -> out.  Frames from a tunnel go from
 * admit to l2, and so do those from an uplink when no router is on the network.
 */
#ifndef WEFT_APPS_NETWORK_H
#define WEFT_APPS_NETWORK_H

#include "apps/apps.h"

/* Frames of network 'n', from anywhere; and those that came in by 'from'. */
void network_match(struct draft *d, const struct net *n);
void network_match_from(struct draft *d, const struct net *n, enum meta_from from);

/* Whether 'p' is bound on 'sw' and may carry packets as far as intent goes. */
bool network_is_here(const struct sw *sw, const struct port *p);
/* The uplink of a vlan or flat network on 'sw'; NULL: none, or a vxlan network. */
const struct sw_port *network_uplink(const struct sw *sw, const struct net *n);

/* The whole prefix; nothing when it is of length 0. */
void network_match_prefix(struct draft *d, enum of_field_id f, const struct ip_prefix *p);

/* network_guard.c: a local port's own addresses. */
void network_guard_port(const struct port *p, uint32_t ofport, struct flowset *fs);
/* network_arp.c: answers for a port's addresses. */
void network_arp_switch(struct flowset *fs);
void network_arp_port(const struct world *w, const struct sw *sw, const struct port *p,
		      struct flowset *fs);
/* A local port's word for an address that it may have. */
void network_arp_claim(const struct port *p, const struct ip_prefix *ip, struct flowset *fs);
void network_nd_claim(const struct port *p, const struct ip_prefix *ip, struct flowset *fs);
/* For a router's port that speaks on the wire from 'sw': its own MAC, to stations on the uplink,
 * too; and what they answer goes to the controller. */
void network_arp_uplink(const struct sw *sw, const struct port *p, struct flowset *fs);
/* To an uplink, with the network's tag; back to it, when a frame came from there. */
void network_to_uplink(struct draft *d, const struct sw_port *up, const struct net *n);
void network_back_to_uplink(struct draft *d, const struct net *n);
/* network_nd.c: IPv6, as network_arp.c has it for IPv4. */
void network_nd_uplink(const struct sw *sw, const struct port *p, struct flowset *fs);
void network_nd_port(const struct world *w, const struct sw *sw, const struct port *p,
		     struct flowset *fs);
/* network_dhcp.c: a local port's leases; what a router's port advertises. */
void network_dhcp_port(const struct world *w, const struct port *p, struct flowset *fs);
void network_ra_interface(const struct world *w, const struct port *p, struct flowset *fs);
/* network_l2.c: unicast to a port; flooding in a network. */
void network_l2_port(const struct sw *sw, const struct port *p, struct flowset *fs);
void network_l2_net(const struct sw *sw, const struct net *n, struct flowset *fs);

#endif

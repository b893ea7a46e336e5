/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Address management: which addresses a subnet hands out, and the next free one.
 *
 * What is in use is the world's (struct subnet, member addresses); nothing is kept here.
 * Thread: the one that runs the libev loop.
 */
#ifndef WEFT_CONTROLLER_IPAM_H
#define WEFT_CONTROLLER_IPAM_H

#include "controller/world.h"

/* The first host address of a prefix: what a gateway gets by default. */
struct ip_addr ipam_gateway(const struct ip_prefix *cidr);

/* May a host of the subnet have this address?  (In the prefix; not IPv4's network or broadcast
 * address.) */
bool ipam_fits(const struct ip_prefix *cidr, const struct ip_addr *a);

/*
 * All host addresses but the gateway: 0 to 2 pools into 'out'; returns how many.  gateway->family
 * 0: there is none.
 */
size_t ipam_pools(const struct ip_prefix *cidr, const struct ip_addr *gateway, struct pool out[2]);

bool pool_has(const struct pool *p, const struct ip_addr *a);

/* Hosts form their address themselves (RFC 4862): it follows from the MAC. */
bool subnet_is_auto(const struct subnet_attrs *s);

/* The port that has the address; NULL: it is free. */
struct port *ipam_user(const struct subnet *s, const struct ip_addr *a);

/*
 * A free address from the pools that is not in taken[0..n): 0, or -ENOSPC.  The search goes on
 * after the address found last, so that one that was given back rests.
 */
int ipam_next(struct subnet *s, const struct ip_addr *taken, size_t n, struct ip_addr *out);

#endif

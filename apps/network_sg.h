/* SPDX-License-Identifier: Apache-2.0 */
/*
 * App network, security groups: network_sg.c (ports, connections, verdicts) and network_sg_rules.c.
 *
 * A policy is what a port's verdict flows are found by: the index of its only group, or, of a port
 * with several, its own.
 */
#ifndef WEFT_APPS_NETWORK_SG_H
#define WEFT_APPS_NETWORK_SG_H

#include "apps/network.h"

/* Where what a port may send goes on. */
#define NETWORK_AFTER_SG STAGE_router_in

/* Register sg: whose rules, and which. */
static inline uint32_t network_sg_reg(const struct sg *g, bool egress)
{
	return g->a.index << 1 | egress;
}

/* What every switch has. */
void network_sg_switch(struct flowset *fs);
/* A port that is here and has port security. */
void network_sg_port(const struct port *p, struct flowset *fs);
/* The verdict flows of a policy of these groups. */
void network_sg_policy(uint32_t policy, struct sg *const *groups, size_t n, struct flowset *fs);
/* A group's rules; an address of the sets that it names. */
void network_sg_rules(const struct sg *g, struct flowset *fs);
void network_sg_member(const struct sg *g, const struct sg_addr *a, struct flowset *fs);

#endif

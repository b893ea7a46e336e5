/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Apps: what the controller decides, each a pure function of the world.
 *
 * derive() writes into 'fs' every flow and group that switch 'sw' should have because of one
 * object: the switch itself, a network that has a port there, a port of such a network (wherever it
 * is bound), a security group of a port there.  It reads nothing but its arguments, keeps nothing,
 * sends nothing; the controller calls it again when something that it may have read has changed
 * (controller/derive.c), compares, and sends the difference.  An app that has nothing to say of a
 * kind leaves its pointer NULL.
 */
#ifndef WEFT_APPS_APPS_H
#define WEFT_APPS_APPS_H

#include "controller/flowset.h"
#include "controller/world.h"

struct app {
	enum app_id id;
	const char *name;
	void (*derive_switch)(const struct world *w, const struct sw *sw, struct flowset *fs);
	void (*derive_net)(const struct world *w, const struct sw *sw, const struct net *n,
			   struct flowset *fs);
	void (*derive_port)(const struct world *w, const struct sw *sw, const struct port *p,
			    struct flowset *fs);
	/* A port of a router that packets cannot meet here, on a network that they can. */
	void (*derive_far_port)(const struct world *w, const struct sw *sw, const struct port *p,
				struct flowset *fs);
	/* A router that packets can meet here; a floating IP of one; who has an address outside. */
	void (*derive_router)(const struct world *w, const struct sw *sw, const struct router *r,
			      struct flowset *fs);
	void (*derive_floatingip)(const struct world *w, const struct sw *sw,
				  const struct floatingip *f, struct flowset *fs);
	void (*derive_neigh)(const struct world *w, const struct sw *sw, const struct neigh *n,
			     struct flowset *fs);
	/* A station behind a port of a switch without tenants. */
	void (*derive_station)(const struct world *w, const struct sw *sw, const struct learned *l,
			       struct flowset *fs);
	/*
	 * Where a frame goes that a switch without tenants holds back, because it had no flow for
	 * it: a port, OFPP_FLOOD, or 0 for nowhere.
	 */
	uint32_t (*forward)(const struct sw *sw, uint32_t in_port, const uint8_t dst[6],
			    uint16_t vid);
	/* Of a security group that a port here has: what its connections are judged by; its rules;
	 * an address of a set that it names. */
	void (*derive_sg)(const struct world *w, const struct sw *sw, const struct sg *g,
			  struct flowset *fs);
	void (*derive_sg_rules)(const struct world *w, const struct sw *sw, const struct sg *g,
				struct flowset *fs);
	void (*derive_member)(const struct world *w, const struct sw *sw, const struct sg *g,
			      const struct sg_addr *a, struct flowset *fs);
};

extern const struct app app_network, app_l2;

/* All of them, NULL at the end. */
extern const struct app *const apps[];

#endif

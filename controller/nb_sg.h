/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Security groups in the northbound, shared by nb_sg.c, nb_sg_rule.c, nb_address_group.c and
 * nb_port.c.
 *
 * What is taken away - a rule, a member, an address - counts a group's "cuts", so that switches
 * judge the connections that it may have allowed once more (apps/network_sg.c).
 *
 * Thread: the one that runs the libev loop.
 */
#ifndef WEFT_CONTROLLER_NB_SG_H
#define WEFT_CONTROLLER_NB_SG_H

#include "controller/nb.h"

/* A project's default group, made when first needed; NULL with 'e'. */
struct sg *nb_sg_default(struct nb_request *q, const char *tenant_id, struct nb_error *e);

/* What a rule says fits together; 'protocol' gets its number.  0, or -1 with 'e'. */
int nb_sg_rule_check(struct nb_request *q, struct sg_rule_attrs *a, int *protocol,
		     struct nb_error *e);
/* For the same packets, whoever sends them: of two that were judged. */
bool nb_sg_rule_is_same(const struct sg_rule_attrs *a, const struct sg_rule_attrs *b);

/* The rules that a new group begins with (nb_sg_template.c). */
void nb_sg_rules_begin(struct nb_request *q, const struct sg *g, bool is_default);
/* A group goes: default rules that name it do. */
void nb_sg_templates_unname(struct nb_request *q, const char *id);
/* Does a default rule name the group or address group? */
bool nb_sg_templates_name(const struct world *w, const char *id);

/* Something was taken from a security group or address group. */
void nb_sg_cut(struct nb_request *q, struct world_obj *o);
/* A rule came, or went (cut), as its group shows it. */
void nb_sg_touch(struct nb_request *q, struct sg *g, bool cut);

/* The groups of a new port, or of one that changes: judged, or given.  0, or -1 with 'e'. */
int nb_sg_port_create(struct nb_request *q, struct port_attrs *a, uint64_t given,
		      struct nb_error *e);
int nb_sg_port_update(struct nb_request *q, const struct port *p, struct port_attrs *a,
		      uint64_t given, struct nb_error *e);
/* What the port's groups lose when it becomes 'a', or, NULL, is deleted. */
void nb_sg_port_leaves(struct nb_request *q, const struct port *p, const struct port_attrs *a);

#endif

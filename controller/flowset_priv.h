/* SPDX-License-Identifier: Apache-2.0 */
/* What flowset.c shares with the files of its larger actions.  Owner and thread: as flowset.h. */
#ifndef WEFT_CONTROLLER_FLOWSET_PRIV_H
#define WEFT_CONTROLLER_FLOWSET_PRIV_H

#include "controller/flowset.h"

struct draft {
	struct flowset *fs;
	const char *where;
	const struct stage_desc *stage; /* of a group: that of the flows which send packets there */
	struct of_flow_mod *fm;
	struct of_group_mod *gm;
	struct of_list *actions; /* where the next action goes */
	struct of_list apply;
	struct of_inst_write_metadata *metadata;
	int next; /* enum stage, -1: none */
	int error;
	char what[128];
};

/* The first reason counts. */
void draft_refuse(struct draft *d, int error, const char *what);
/* A new action at the end of what the draft does; NULL: refused. */
void *draft_action(struct draft *d, enum of_kind kind);
#define ADD(d, name) ((struct of_##name *)draft_action(d, OF_KIND_##name))

#endif

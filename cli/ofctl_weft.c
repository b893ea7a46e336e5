/* SPDX-License-Identifier: Apache-2.0 */
/* Weft's own messages (weft.proto), asked and answered. */
#include <errno.h>
#include <stdlib.h>

#include "cli/ofctl.h"

const Weft__Reply *ofctl_ask_weft(struct ofctl_conn *c, const Weft__Request *r,
				  Weft__Reply__BodyCase body, struct mgmt_join *join,
				  struct arena *a)
{
	struct of_weft_request data = { .kind = OF_KIND_weft_request };
	struct of_experimenter_msg x = { .kind = OF_KIND_experimenter_msg,
					 .experimenter = OF_WEFT_ID,
					 .exp_type = 1,
					 .body = (struct of_any *)&data };
	struct err e = { "" };
	Weft__Reply *reply;
	uint32_t xid;
	uint8_t *p;
	int rc;

	p = arena_get(a, weft__request__get_packed_size(r));
	if (!p)
		ofctl_die("out of memory");
	data.data = (struct of_span){ .n = (uint32_t)weft__request__pack(r, p), .p = p };
	xid = ofctl_send(c, &x);
	do {
		const struct of_msg *m = ofctl_recv_xid(c, xid, a);

		if (m->type == OFPT_ERROR) {
			of_format_msg(stdout, m, NULL);
			exit(1);
		}
		rc = mgmt_join_add(join, m, &reply, &e);
		if (rc < 0)
			ofctl_die("%s: %s", ofctl_target(c), e.text);
	} while (!rc);
	if (reply->status != WEFT__STATUS__OK)
		ofctl_die("%s: %s", ofctl_target(c), reply->error);
	if (reply->body_case != body)
		ofctl_die("%s: the answer is to another question", ofctl_target(c));
	return reply;
}

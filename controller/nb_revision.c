/* SPDX-License-Identifier: Apache-2.0 */
/* "If-Match: revision_number=N": a change that is only to happen to what the client has seen. */
#include <stdlib.h>
#include <string.h>

#include "controller/nb.h"

/* The number of the header's one constraint; 0: has none, 1: has one, -1 with 'e'. */
static int constraint_of(const char *header, uint64_t *number, struct nb_error *e)
{
	static const char key[] = "revision_number=";
	const char *at = strstr(header, key);
	char *end;

	if (!at)
		return 0; /* other tags are for others, as HTTP has it */
	at += sizeof(key) - 1;
	if (strstr(at, key))
		return nb_say(e, BadRequest,
			      "Bad if-match request: Multiple revision_number etags are not "
			      "supported.");
	*number = strtoull(at, &end, 10);
	if (*at < '0' || *at > '9' || !strchr(" ,\"", *end))
		return nb_say(e, BadRequest,
			      "Bad if-match request: Revision number etag must be in the format of "
			      "revision_number=<int>.");
	return 1;
}

int nb_revision_check(const struct nb_request *q, const struct world_obj *o, struct nb_error *e)
{
	const struct attr *a = attr_find(&resources[o->kind].shape, "revision_number");
	uint64_t want = 0;
	uint32_t is;
	int rc;

	if (!q->if_match || !a)
		return 0;
	rc = constraint_of(q->if_match, &want, e);
	if (rc <= 0)
		return rc;
	is = *(const uint32_t *)attr_at(a, world_obj_attrs((struct world_obj *)(uintptr_t)o));
	return want == is ? 0 : nb_refuse(e, RevisionNumberConstraintFailed, want, is);
}

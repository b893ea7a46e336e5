/* SPDX-License-Identifier: Apache-2.0 */
/* "in_port=1,!own": what ovs-ofctl's monitor takes behind "watch:". */
#include <errno.h>
#include <string.h>

#include "ofproto/text_events.h"
#include "ofproto/text_match.h"

static int out_port(struct of_flow_monitor *m, const char *v, const struct of_names *n,
		    struct err *e)
{
	return of_parse_port(v, n, &m->out_port, e);
}

static int one(struct of_flow_monitor *m, struct text_match *match, const char *key,
	       const char *value, const struct of_names *n, struct err *e)
{
	uint32_t flag;

	if (*key == '!' && !text_value_of(text_monitor_flags, key + 1, &flag)) {
		m->flags &= (uint16_t)~flag;
		return 0;
	}
	if (!strcmp(key, "out_group"))
		return err_set(e, -EINVAL, "out_group: OpenFlow 1.3's flow monitors have none");
	if (!strcmp(key, "table") || !strcmp(key, "out_port")) {
		if (!*value)
			return err_set(e, -EINVAL, "field %s missing value", key);
		return *key == 't' ? text_u8(value, "table", &m->table_id, e)
				   : out_port(m, value, n, e);
	}
	return text_match_key(match, key, value, n, e);
}

int of_parse_flow_monitor(const char *s, const struct of_names *n, struct arena *a,
			  struct of_flow_monitor **out, struct err *e)
{
	struct of_flow_monitor *m = OF_NEW(a, flow_monitor);
	char *at = arena_strdup(a, s), *key, *value;
	struct text_match match = { 0 };
	int rc;

	if (!m || !at)
		return err_set(e, -ENOMEM, "out of memory");
	m->flags = OFPFMF_INITIAL | OFPFMF_ADD | OFPFMF_DELETE | OFPFMF_MODIFY | OFPFMF_ACTIONS |
		   OFPFMF_OWN;
	m->out_port = OFPP_ANY;
	m->table_id = OFPTT_ALL;
	while (text_next(&at, &key, &value)) {
		rc = one(m, &match, key, value, n, e);
		if (rc)
			return rc;
	}
	rc = text_match_finish(&match, &m->match, e);
	*out = m;
	return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* monitor's "watch:": flow monitors (ONF EXT-187), or Nicira's. */
#include "cli/ofctl.h"
#include "ofproto/nx.h"

static struct of_list single(struct of_any **s)
{
	return (struct of_list){ 1, s };
}

/* Prints the answer, which may come in parts. */
static void print_answer(struct ofctl_conn *c, uint32_t xid)
{
	struct of_text_opts o = ofctl_text(c);
	bool more = true;
	struct arena a;

	arena_init(&a, 0);
	while (more) {
		const struct of_msg *m;

		arena_reset(&a);
		m = ofctl_recv_xid(c, xid, &a);
		of_format_msg(stdout, m, &o);
		more = m->body->kind == OF_KIND_multipart_reply &&
		       ((const struct of_multipart_reply *)m->body)->flags & OFPMPF_REPLY_MORE;
	}
	arena_fini(&a);
	fflush(stdout);
}

void ofctl_watch(struct ofctl_conn *c, const char *what)
{
	static uint32_t id;
	struct of_text_opts o = ofctl_text(c);
	struct of_flow_monitor_request r = { .kind = OF_KIND_flow_monitor_request };
	struct of_nx_flow_monitor_request nr = { .kind = OF_KIND_nx_flow_monitor_request };
	struct of_nx_flow_monitor nx;
	struct of_any *nicira = (struct of_any *)&nx;
	struct of_mp_experimenter_request x = { .kind = OF_KIND_mp_experimenter_request,
						.body = (struct of_any *)&r };
	struct of_multipart_request q = { .kind = OF_KIND_multipart_request,
					  .body = (struct of_any *)&x };
	struct of_msg m = { .version = OF_VERSION_13, .body = (struct of_any *)&q };
	struct of_flow_monitor *monitor;
	struct arena a;
	struct err e;

	arena_init(&a, 0);
	if (of_parse_flow_monitor(what, ofctl_names(c), &a, &monitor, &e))
		ofctl_die("%s: %s", what, e.text);
	monitor->id = id++;
	r.monitors = single((struct of_any **)&monitor);
	nr.monitors = single(&nicira);
	if (ofctl_options.nicira_monitor) {
		if (of_nx_monitor_of(monitor, &nx))
			ofctl_die("%s: a port in Nicira's flow monitors has 16 bits", what);
		x.body = (struct of_any *)&nr;
	}
	m.xid = ofctl_send(c, &q);
	if (ofctl_options.more)
		of_format_msg(stdout, &m, &o);
	print_answer(c, m.xid);
	arena_fini(&a);
}

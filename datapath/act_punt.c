/* SPDX-License-Identifier: Apache-2.0 */
/* controller(...) with more to say than OpenFlow's output to CONTROLLER: userdata, a meter. */
#include <rte_branch_prediction.h>
#include <rte_mbuf.h>

#include "datapath/act_priv.h"
#include "datapath/chain.h"
#include "datapath/meter.h"
#include "datapath/pmd.h"
#include "datapath/punt.h"
#include "datapath/trace.h"
#include "ofproto/enum.h"

/* Whether the action's meter lets a packet-in pass; remarking is for what leaves by a port. */
static bool admits(struct pmd *w, const struct pkt *p, struct meter *m, uint64_t now) PMD
{
	uint32_t id;
	int verdict;

	if (!m)
		return true;
	if (likely(!w->trace))
		return meter_run(m, p, now) != METER_DROP;
	verdict = meter_look(m, p, now, &id);
	trace_meter(w, id, verdict);
	return verdict != METER_DROP;
}

/* What goes up with it, in a buffer of its own: the action may be gone when it is read. */
static struct rte_mbuf *pack(struct pmd *w, const uint8_t *userdata, uint32_t n) PMD
{
	const struct punt_more head = { .n_userdata = n };
	struct rte_mbuf *m = chain_new(w->pool, &head, sizeof(head));

	if (m && !chain_append(m, userdata, n, w->pool)) {
		rte_pktmbuf_free(m);
		return NULL;
	}
	return m;
}

void act_controller2(struct pmd *w, struct burst *b, struct pkt *p, const struct act_op *op,
		     uint64_t now)
{
	const uint8_t reason = op->reason == OFPR_ACTION && p->miss ? OFPR_NO_MATCH : op->reason;
	struct rte_mbuf *more = NULL;
	struct out *o;

	if (!admits(w, p, op->up.meter, now)) {
		act_refuse(w, p, DROP_METER);
		return;
	}
	if (op->up.n_userdata) {
		more = pack(w, op->up.userdata, op->up.n_userdata);
		if (!more) {
			act_refuse(w, p, DROP_NO_MBUF);
			return;
		}
	}
	o = act_packet_in(w, b, p, reason, op->arg, p->cookie, op->up.controller_id);
	if (!o) {
		rte_pktmbuf_free(more);
		return;
	}
	o->more = more;
	o->metered = op->up.meter != NULL;
}

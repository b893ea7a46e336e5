/* SPDX-License-Identifier: Apache-2.0 */
/* controller(...) with more to say than OpenFlow's output to CONTROLLER: userdata, a meter. */
#include "datapath/act_punt.h"

#include <rte_branch_prediction.h>
#include <rte_mbuf.h>

#include "datapath/act_priv.h"
#include "datapath/chain.h"
#include "datapath/freeze.h"
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

/* What goes up with it; NULL: no buffer. */
static struct rte_mbuf *pack(struct pmd *w, const struct act_punt *a) PMD
{
	const struct punt_more head = { a->op->up.n_userdata, a->n_frozen };
	struct rte_mbuf *m = chain_new(w->pool, &head, sizeof(head));

	if (m && chain_append(m, a->op->up.userdata, head.n_userdata, w->pool) &&
	    chain_append(m, a->frozen, head.n_frozen, w->pool))
		return m;
	rte_pktmbuf_free(m);
	return NULL;
}

void act_punt(struct pmd *w, struct burst *b, struct pkt *p, const struct act_punt *a)
{
	struct rte_mbuf *more = NULL;
	struct out *o;

	if (a->op->up.n_userdata || a->n_frozen) {
		more = pack(w, a);
		if (!more) {
			act_refuse(w, p, DROP_NO_MBUF);
			return;
		}
	}
	o = act_packet_in(w, b, p, a->reason, a->max_len, a->cookie, a->op->up.controller_id);
	if (!o) {
		rte_pktmbuf_free(more);
		return;
	}
	o->more = more;
	o->metered = a->op->up.meter != NULL;
}

void act_controller2(struct pmd *w, struct burst *b, struct pkt *p, const struct act_op *op,
		     uint64_t now)
{
	const uint8_t reason = op->reason == OFPR_ACTION && p->miss ? OFPR_NO_MATCH : op->reason;
	const bool refused = !admits(w, p, op->up.meter, now);

	if (op->up.pause)
		freeze_begin(b, p, op, reason, refused);
	else if (refused)
		act_refuse(w, p, DROP_METER);
	else
		act_punt(w, b, p,
			 &(struct act_punt){ .op = op,
					     .reason = reason,
					     .max_len = op->arg,
					     .cookie = p->cookie });
}

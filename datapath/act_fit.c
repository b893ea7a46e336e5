/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/act_fit.h"

#include "datapath/act_priv.h"
#include "datapath/answer.h"
#include "datapath/refrag.h"

uint32_t act_fit_long(struct pmd *w, struct burst *b, struct pkt *p, uint32_t mtu)
{
	if (!answer_is_plain_ip(p))
		return mtu;
	/* An output that waits for the frame has it as it was; without a copy this one is gone. */
	return act_touch(w, b, p) && !refrag_limit(p->m, p->l3, mtu) ? mtu : 0;
}

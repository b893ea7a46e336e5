/* SPDX-License-Identifier: Apache-2.0 */
/* NORMAL: a learning bridge with VLANs, over all ports of the switch (OpenFlow 1.3.5, 5.1; 802.1Q
 * clause 8). */
#include <string.h>

#include <rte_mbuf.h>

#include "datapath/dp.h"
#include "datapath/fdb.h"
#include "datapath/output.h"
#include "datapath/punt.h"
#include "datapath/tunnel.h"
#include "vlan/tag.h"

/* A frame on the bridge. */
struct bridged {
	struct rte_mbuf *m;
	uint32_t in_port, queue_id;
	uint16_t vid;
	bool tagged;
	uint16_t tci;
};

static void drop(struct pmd *w, const struct bridged *f, enum drop why) PMD
{
	pmd_count_drop(w, f->in_port, why);
	rte_pktmbuf_free(f->m);
}

/* Asks the control thread to learn the source, if that would be news. */
static void learn(struct pmd *w, const struct bridged *f, const uint8_t mac[6]) PMD
{
	struct punt *p;

	if (w->trace || mac[0] & 1 || f->in_port > PORT_LAST ||
	    fdb_seen(w->dp->fdb, f->vid, mac, f->in_port, fdb_now(w->now)))
		return;
	p = punt_get(w, PUNT_LEARN, f->in_port, 0, f->m->pkt_len);
	if (!p)
		return;
	memcpy(p->key.eth_src, mac, 6);
	p->key.vlan_tci = htobe16(f->vid);
	p->key.in_port = htobe32(f->in_port);
	punt_send(w, p);
}

static bool is_reserved(const uint8_t mac[6])
{
	return get_be(mac, 6) >> 4 == 0x0180c200000;
}

/* Whether NORMAL may send to 'p': in use, and one that knows by itself where a frame goes. */
static bool member(const struct port *p)
{
	return !(atomic_load_explicit(&p->config, memory_order_relaxed) &
		 (OFPPC_PORT_DOWN | OFPPC_NO_FWD)) &&
	       !(atomic_load_explicit(&p->state, memory_order_relaxed) & OFPPS_LINK_DOWN) &&
	       (!p->tunnel || tunnel_is_fixed(p));
}

/* Sends 'm' (taken) by 'p' in the form that its VLAN mode wants. */
static void send_by(struct pmd *w, const struct bridged *f, const struct port *p,
		    struct rte_mbuf *m, struct vlan_out how) PMD
{
	struct out o = { .m = m,
			 .kind = OUT_PORT,
			 .port = p->no,
			 .in_port = f->in_port,
			 .queue_id = f->queue_id };
	int rc = 0;

	switch (how.op) {
	case VLAN_OP_PUSH:
		rc = vlan_push_tci(m, VLAN_TPID_C, how.tci);
		break;
	case VLAN_OP_SET:
		rc = vlan_set_tci(m, how.tci);
		break;
	case VLAN_OP_POP:
		rc = vlan_pop(m);
		break;
	default:
		break;
	}
	if (!rc) {
		output_port(w, &o);
		return;
	}
	counter_add(&w->ports[p->slot].drops[DROP_NO_HEADROOM], 1);
	counter_add(&w->ports[p->slot].tx_dropped, 1);
	rte_pktmbuf_free(m);
}

static void unicast(struct pmd *w, const struct bridged *f, uint32_t to) PMD
{
	const struct port *p = port_by_no(w->dp, to);
	struct vlan_out how;

	if (to == f->in_port) {
		drop(w, f, DROP_SAME_PORT);
		return;
	}
	if (!p) {
		drop(w, f, DROP_NO_PORT);
		return;
	}
	how = vlan_port_egress(p->vlan, f->vid, f->tagged, f->tci);
	if (how.op == VLAN_OP_NOT_HERE)
		drop(w, f, DROP_VLAN_EGRESS);
	else
		send_by(w, f, p, f->m, how);
}

/* A copy to each but the last, which gets the frame itself. */
static void flood(struct pmd *w, const struct bridged *f) PMD
{
	const struct port *last = NULL;
	struct vlan_out last_how = { 0 };

	for (unsigned int i = 0; i < PORT_MAX; i++) {
		const struct port *p =
			atomic_load_explicit(&w->dp->port_slots[i], memory_order_acquire);
		struct vlan_out how;
		struct rte_mbuf *m;

		if (!p || p->no == f->in_port || !member(p))
			continue;
		how = vlan_port_egress(p->vlan, f->vid, f->tagged, f->tci);
		if (how.op == VLAN_OP_NOT_HERE)
			continue;
		if (last) {
			m = rte_pktmbuf_copy(f->m, w->pool, 0, UINT32_MAX);
			counter_add(&w->perf.created, 1);
			if (m)
				send_by(w, f, last, m, last_how);
			else
				pmd_count_drop(w, f->in_port, DROP_NO_MBUF);
		}
		last = p;
		last_how = how;
	}
	if (last)
		send_by(w, f, last, f->m, last_how);
	else
		drop(w, f, DROP_NO_MEMBER);
}

void output_normal(struct pmd *w, struct out *o)
{
	const struct port *in = port_by_no(w->dp, o->in_port);
	const uint8_t *mac = rte_pktmbuf_mtod(o->m, const uint8_t *);
	struct bridged f = { .m = o->m, .in_port = o->in_port, .queue_id = o->queue_id };
	struct vlan_tag tag;
	uint32_t to;

	f.tagged = vlan_outermost(o->m, &tag);
	f.tci = f.tagged ? tag.tci : 0;
	f.vid = f.tci & VLAN_VID_MASK;
	if (in && vlan_port_ingress(in->vlan, f.tagged, f.tci, &f.vid) != VLAN_DROP_NONE) {
		drop(w, &f, DROP_VLAN_INGRESS);
		return;
	}
	learn(w, &f, mac + 6);
	if (is_reserved(mac)) {
		drop(w, &f, DROP_RESERVED_MAC);
		return;
	}
	to = mac[0] & 1 ? 0 : fdb_find(w->dp->fdb, f.vid, mac);
	if (to)
		unicast(w, &f, to);
	else
		flood(w, &f);
}

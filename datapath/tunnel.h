/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tunnel ports: what stands between the ports of OpenFlow and the packets of vxlan/.
 *
 * A vxlan port has no device.  It lives on an uplink port, where a VTEP answers for its local
 * address. Several tunnel ports may share uplink and local address: then they share the VTEP, and
 * what comes in goes to the port whose VNI and remote fit best (both fixed, then one, then none).
 *
 *	rx: uplink -> tunnel_rx() -> inner frames with in_port = tunnel port, tun_* set -> pipeline
 *	tx: output to a tunnel port -> tunnel_output() -> outer frame -> uplink's queue
 *
 * vtep_ctl.c is the control thread's half: makes and frees tunnels, feeds the VTEPs, publishes next
 * hops.  tunnel.c is the PMDs' half: reads what is published under RCU.
 */
#ifndef WEFT_DATAPATH_TUNNEL_H
#define WEFT_DATAPATH_TUNNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "datapath/pkt.h"
#include "datapath/port.h"
#include "datapath/role.h"
#include "vxlan/addr.h"

struct dp;
struct pmd;
struct punt;
struct tunnel_ctx;
struct uplink;

/* What the options after "vxlan:" say. */
struct tunnel_cfg {
	struct vxlan_addr local, remote;
	bool flow_remote, flow_vni;
	uint32_t vni;
	uint16_t dport;
	uint8_t plen;		   /* of the local address; VTEP_PLEN_UNSET */
	struct vxlan_addr gateway; /* all zero: none */
	uint16_t vid;		   /* underlay VLAN; 0: none */
	char uplink[PORT_NAME_MAX + 1];
};

/* ---- Control thread ---- */

/* "local=IP[/LEN],uplink=PORT,remote=IP|flow,vni=N|flow[,dport=N][,gateway=IP][,vlan=N]"; 0 or
 * -EINVAL with words. */
int tunnel_cfg_parse(const char *text, struct tunnel_cfg *out, struct err *e);

/* Makes and frees dp->vteps. */
int vtep_state_new(struct dp *dp, struct err *e) CONTROL;
void vtep_state_free(struct dp *dp) CONTROL;

/* Port 'p' (vxlan, not published yet) gets its tunnel; and loses it (unpublished, PMDs quiescent).
 */
int tunnel_attach(struct dp *dp, struct port *p, const struct tunnel_cfg *cfg,
		  struct err *e) CONTROL;
void tunnel_detach(struct dp *dp, struct port *p) CONTROL;
const struct tunnel_cfg *tunnel_cfg(const struct port *p);
/* A tunnel is up when its uplink is. */
bool tunnel_link(struct dp *dp, const struct port *p) CONTROL;

/* Ports came, went, or changed link: tunnels that wait for an uplink of this name find it or lose
 * it. */
void tunnel_uplink_changed(struct dp *dp, const char *name) CONTROL;

/* PUNT_VTEP and PUNT_RESOLVE. */
void tunnel_punt(struct dp *dp, struct punt *p) CONTROL;
/* What a PMD needs of its own. */
struct tunnel_ctx *tunnel_ctx_new(struct dp *dp) CONTROL;
void tunnel_ctx_free(struct tunnel_ctx *c) CONTROL;

/* Timers of all VTEPs; call about every 100 ms. */
void tunnel_tick(struct dp *dp) CONTROL;

/* ---- PMD threads ---- */

/* Whether the port itself says where frames go: remote and VNI are fixed. */
bool tunnel_is_fixed(const struct port *p);
/* Where a frame for tunnel port 'p' goes; false: nobody has said. */
bool tunnel_remote(const struct port *p, const struct out_tunnel *tun, struct vxlan_addr *remote);

/*
 * Sorts 'n' frames that came in on 'p', where the VTEPs 'u' are: starts packets in 'b' (on 'p', or
 * on a tunnel port after decapsulation), sends the VTEPs' own to the control thread.  Returns the
 * packets to be processed.  'flags': all that the frames have in ol_flags.
 */
uint64_t tunnel_rx(struct pmd *w, struct burst *b, const struct port *p, const struct uplink *u,
		   struct rte_mbuf **m, unsigned int n, uint64_t flags) PMD;
/* Encapsulates and queues one frame for tunnel port 'p'.  Takes the mbuf. */
void tunnel_output(struct pmd *w, const struct port *p, const struct out *o) PMD;
/* The same for frames m[0] to m[n - 1], n > 0, of lot 'x' of the express way. */
void tunnel_express(struct pmd *w, const struct port *p, const struct express_lot *x,
		    struct rte_mbuf **m, unsigned int n) PMD;

#endif

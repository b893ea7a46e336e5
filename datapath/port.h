/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ports: what --port's SPEC says, as OpenFlow ports with queues for the PMDs.
 *
 *	vdev:ARGS
 *	dpdk:PCI
 *	af_packet:IFNAME
 *	af_xdp:IFNAME
 *	tap:IFNAME
 *	vhost-user:PATH[,server]
 *	vxlan[:key=value,...]
 * then after a semicolon, separated by commas:
 *	iface-id=ID physnet=NAME owner=NAME mtu=N queues=N speed=RATE
 *	queue=ID[:min=RATE][:max=RATE][:len=N] (each a queue of OpenFlow; queues=N are the device's)
 *	vlan-mode=MODE tag=N trunks=A-B+C priority-tags=WHEN
 *
 * The control thread adds, removes and configures; PMDs read a port's hot half through dp->ports[],
 * under RCU.  A port that is removed is first unpublished, freed after every PMD was quiescent.
 */
#ifndef WEFT_DATAPATH_PORT_H
#define WEFT_DATAPATH_PORT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "datapath/counter.h"
#include "datapath/drop.h"
#include "datapath/queue.h"
#include "datapath/role.h"
#include "ofproto/wire.h"
#include "vlan/port_mode.h"

struct dp;
struct pmd;
struct rte_mbuf;
struct rte_mempool;
struct tunnel;
struct uplink;
struct rte_ring;

enum {
	PORT_MAX = 1024, /* ports at a time; OpenFlow numbers 1..PORT_LAST and OFPP_LOCAL */
	PORT_LAST = 0xfeff,
	PORT_NAME_MAX = 15, /* OFP_MAX_PORT_NAME_LEN less the NUL */
	PORT_QUEUES_MAX = 16,
};

enum port_type {
	PORT_VDEV,
	PORT_DPDK,
	PORT_AF_PACKET,
	PORT_AF_XDP,
	PORT_TAP,
	PORT_VHOST_USER,
	PORT_VXLAN, /* no device of its own: encapsulates towards its uplink */
};

/* Parsed SPEC. */
struct port_spec {
	enum port_type type;
	char text[512];	       /* as given */
	char device[384];      /* devargs, PCI address, interface, path; vxlan: its own options */
	char iface_id[64];     /* "": the port's name */
	char physnet[64];      /* provider network reached through this port; "": none */
	char owner[32];	       /* who had it added and may remove it; "": an operator */
	struct vlan_port vlan; /* without options: a trunk that carries everything */
	bool has_vlan;	       /* vlan-mode, tag or trunks was given */
	uint16_t mtu;	       /* 0: the device's own */
	uint16_t queues;       /* of the device, to receive */
	uint64_t speed;	       /* bit/s; 0: what the device says */
	uint32_t n_queue;      /* OpenFlow's queues */
	struct queue_cfg queue[QUEUES_MAX];
};

/* Hot half: what PMDs read for each packet. */
struct port {
	uint32_t no;	 /* OpenFlow number */
	uint16_t slot;	 /* index in dp->port_slots[] and in the PMDs' counters */
	uint16_t ethdev; /* RTE_MAX_ETHPORTS: none (vxlan) */
	uint16_t n_rxq;
	uint16_t n_txq; /* queues; fewer than PMDs: the rest hand over to an owner */
	uint16_t mtu;
	uint16_t owner;		   /* PMD that sends for the others, and what waits in queues */
	bool partial_csum;	   /* the kernel may hand over checksums that are not finished */
	bool one_segment;	   /* the device does not send chains of buffers */
	struct rte_ring *handover; /* frames for the owner to send; NULL: each PMD has its queue */
	struct queue_set *_Atomic queues; /* OpenFlow's (port_queue.h); NULL: none */
	_Atomic uint32_t config;	  /* OFPPC_* */
	_Atomic uint32_t state;		  /* OFPPS_* */
	struct rte_mempool *pool;	  /* buffers for the longest frame; constant */
	struct tunnel *tunnel;		  /* vxlan ports; NULL for others */
	struct uplink *_Atomic uplink;	  /* VTEPs that live on this port; NULL: none (tunnel.h) */
	uint8_t mac[6];
	const struct vlan_port *vlan; /* rules for NORMAL (vlan/port_mode.h) */
	struct port_cold *cold;	      /* control thread: name, spec, timestamps, features */
};

/* What sending a frame reads is one cache line. */
_Static_assert(offsetof(struct port, uplink) <= 64, "hot half of a port");

/* 7.3.4.2: what watches the port sees it live. */
static inline bool port_is_live(const struct port *p)
{
	return atomic_load_explicit(&p->state, memory_order_relaxed) & OFPPS_LIVE &&
	       !(atomic_load_explicit(&p->config, memory_order_relaxed) & OFPPC_PORT_DOWN);
}

struct port_counters { /* of one PMD; single writer */
	_Atomic uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes;
	_Atomic uint64_t rx_dropped, tx_dropped;
	_Atomic uint64_t drops[N_DROPS];
};

/* ---- Control thread ---- */

/* Makes and frees dp->ports and dp->port_table; _free removes all ports. */
int port_table_new(struct dp *dp, struct err *e) CONTROL;
void port_table_free(struct dp *dp) CONTROL;

int port_spec_parse(const char *s, struct port_spec *out, struct err *e);

/*
 * Adds a port; 'no' 0: the first free number; OFPP_LOCAL is the local port.  0 and '*out', or
 * -errno with words: -EEXIST (name or number), -ENOSPC, -EINVAL, the device's own error.  Raises
 * port status.
 */
int port_add(struct dp *dp, const char *name, uint32_t no, const struct port_spec *spec,
	     struct port **out, struct err *e) CONTROL;
int port_del(struct dp *dp, struct port *p, struct err *e) CONTROL;
struct port *port_by_no(const struct dp *dp, uint32_t no);
struct port *port_by_name(const struct dp *dp, const char *name) CONTROL;
const char *port_name(const struct port *p);
const struct port_spec *port_spec(const struct port *p);
const char *port_type_name(enum port_type t);
/* In ascending order of number; 'visit' returns non-zero to stop. */
int port_each(const struct dp *dp, int (*visit)(void *arg, struct port *p), void *arg) CONTROL;

/* OFPT_PORT_MOD: 0 or -EPROTO with OFPET_PORT_MOD_FAILED and its code. */
int port_mod(struct dp *dp, const struct of_port_mod *pm, struct of_err *e) CONTROL;
/*
 * Its three steps, for bundles: whether it may be done; what packets see of it (returns the
 * configuration that was); and what follows for the device and for those who are told.
 */
int port_mod_check(const struct dp *dp, const struct of_port_mod *pm, struct of_err *e) CONTROL;
uint32_t port_mod_store(struct dp *dp, const struct of_port_mod *pm) CONTROL;
void port_mod_settle(struct dp *dp, const struct of_port_mod *pm, uint32_t old) CONTROL;
/* Fills the OpenFlow description and statistics. */
void port_desc(const struct port *p, struct of_port *out) CONTROL;
void port_stats(const struct dp *dp, const struct port *p, struct of_port_stats *out) CONTROL;
/* Sum of the PMDs' counters, drops by reason included. */
void port_counters(const struct dp *dp, const struct port *p, struct port_counters *out) CONTROL;
/* The drops of the whole switch, ports that are gone included. */
void port_drops(const struct dp *dp, uint64_t drops[N_DROPS]) CONTROL;
/* Drops of no port, which no PMD counts. */
void port_drops_add(struct dp *dp, enum drop why, uint64_t n) CONTROL;
/* Looks at a port's link; raises port status. */
void port_look(struct dp *dp, struct port *p) CONTROL;
/* ... at some ports', in turn; call about every 100 ms, whatever link_watch.h hears. */
void port_poll_links(struct dp *dp) CONTROL;

#endif

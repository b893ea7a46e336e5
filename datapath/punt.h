/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the packet threads and the control thread: two rings a PMD, of packets with what they are
 * for.
 *
 * Up (PMD to control): packet-ins, frames for a VTEP's own address or that wait for a next hop, MAC
 * learning for NORMAL; limited by the virtual meters (meter.h), packet-ins by port and reason
 * besides; dropped and counted when full, never in the way of packets.
 * Down (control to PMD): packet-outs, packets that were buffered, VTEP answers, a trace's question
 * about the cache.  A slot comes from a fixed pool and goes back to it.
 */
#ifndef WEFT_DATAPATH_PUNT_H
#define WEFT_DATAPATH_PUNT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "datapath/role.h"
#include "base/err.h"
#include "datapath/pkt.h"
#include "ofproto/key.h"

struct dp;
struct frozen;
struct insts;
struct pmd;
struct rte_mbuf;

enum punt_kind {
	PUNT_PACKET_IN,
	PUNT_VTEP,    /* ARP, ND, ICMP for a VTEP's address, came in on uplink 'in_port' */
	PUNT_LEARN,   /* NORMAL saw a MAC on a port: key.eth_src, key.vlan_tci, in_port; no frame */
	PUNT_RESOLVE, /* a tunnel needs the next hop of key.tun_dst (or tun_ipv6_dst); port: the
			 tunnel; the inner frame comes along */
	PUNT_FLOW,    /* a learn action (its number: port) met this key (learn.h); no frame */
	PUNT_FIN,     /* flow 'port' saw the end of a TCP connection (timeouts); no frame */
	N_PUNT_KINDS,
};

struct punt {
	enum punt_kind kind;
	uint8_t reason, table_id; /* packet-in */
	uint16_t max_len;
	uint32_t in_port, port;
	uint64_t cookie;
	uint16_t controller_id; /* packet-in: to connections of that id (Nicira's) */
	uint32_t timeouts;	/* PUNT_FIN: idle << 16 | hard */
	struct rte_mbuf *m;	/* NULL where there is no frame */
	struct rte_mbuf *more; /* packet-in: struct punt_more, its bytes behind it; NULL: nothing */
	struct flow_key key;
};

/* What a controller action adds to a packet-in (act_punt.c). */
struct punt_more {
	uint32_t n_userdata, n_frozen; /* bytes that follow, of each */
};

enum { INJECT_FRAME_MAX = 65535 + 14 + PKT_VLANS_MAX * 4 }; /* IPv4 has no longer one */

enum inject_kind {
	INJECT_ACTIONS, /* packet-out: run 'insts' on the frame, in_port as given */
	INJECT_RESUME,	/* a packet that paused goes on as 'frozen' says */
	INJECT_PORT,	/* straight out of port 'port', which may be a tunnel: then to 'tun' */
	INJECT_DROP,	/* a frame that had come up and has nowhere to go: to be counted as 'why' at
			   'port' */
	INJECT_PEEK,	/* no frame: what the PMD's flow cache holds for 'peek' */
};

/* A question to a PMD's flow cache; it belongs to the PMD until it is answered. */
struct peek {
	struct flow_key key;	 /* at ingress */
	uint32_t n_flows;	 /* of a hit */
	_Atomic uint32_t answer; /* enum cache_answer */
};

/*
 * Where a frame came in: its pipeline fields at the beginning of the pipeline (5.1).  A packet-out
 * tells a port only; a packet that was buffered came with the rest, too.
 */
struct inject_from {
	uint32_t in_port;
	be32 in_phy_port; /* 0: in_port */
	struct out_tunnel tun;
	uint8_t tun_ipv6_src[16];
};

struct inject {
	enum inject_kind kind;
	uint32_t port;
	struct inject_from from; /* INJECT_ACTIONS; of INJECT_RESUME in_port */
	struct rte_mbuf *m;
	struct frozen *frozen;
	struct insts *insts; /* one reference; comes back to the control thread with the slot */
	enum drop why;
	uint32_t lost; /* frames before this one that found no slot or buffer, to be counted */
	struct out_tunnel tun;
	struct peek *peek;
};

/* ---- PMD threads ---- */

/*
 * A free slot of kind 'kind' for a frame of 'bytes', or NULL (counted on in_port as DROP_METER of a
 * virtual meter, DROP_PUNT_FULL or _RATE): the frame is still the caller's.
 */
struct punt *punt_get(struct pmd *w, enum punt_kind kind, uint32_t in_port, uint8_t reason,
		      uint32_t bytes) PMD;
/* The same for a packet-in that a meter of its own has let pass. */
struct punt *punt_get_metered(struct pmd *w, uint32_t in_port, uint8_t reason) PMD;
void punt_send(struct pmd *w, struct punt *p) PMD;

/* There is something else for the control thread than a punt (sample.h). */
void punt_wake_later(struct pmd *w) PMD;
/* Wakes the control thread if it sleeps and this PMD has punted since the last call; end of an
 * iteration. */
void punt_wake(struct pmd *w) PMD;
/* Takes up to 'max' injected frames; slots go back by inject_done(). */
unsigned int inject_take(struct pmd *w, struct inject **v, unsigned int max) PMD;
void inject_done(struct pmd *w, struct inject **v, unsigned int n) PMD;

/* ---- Control thread ---- */

/* Makes and frees dp->punts; and the rings of one PMD. */
int punt_state_new(struct dp *dp, struct err *e) CONTROL;
void punt_state_free(struct dp *dp) CONTROL;
int punt_pmd_init(struct dp *dp, struct pmd *w) CONTROL;
void punt_pmd_fini(struct dp *dp, struct pmd *w) CONTROL;

/*
 * Takes up to 'max' punts from all PMDs, round robin, and calls 'handle' for each; the frame is
 * freed after it unless it set p->m to NULL.  Returns how many.
 */
unsigned int punt_drain(struct dp *dp, unsigned int max,
			void (*handle)(struct dp *dp, struct punt *p, void *arg),
			void *arg) CONTROL;
/* File descriptor that becomes readable when a PMD has punted while nobody was draining (eventfd).
 */
int punt_fd(const struct dp *dp) CONTROL;
/* Before going back to the event loop; false: something came meanwhile, drain again. */
bool punt_sleep(struct dp *dp) CONTROL;

/*
 * Sends a frame of 'n' bytes on its way; copies them.  0, -ENOBUFS (counted), -EMSGSIZE (longer
 * than INJECT_FRAME_MAX).  The
 * reference to 'insts' is taken over in any case.
 */
int inject_actions(struct dp *dp, const uint8_t *frame, uint32_t n, const struct inject_from *from,
		   struct insts *insts) CONTROL;
/* The same for a packet that paused; 'z' is taken over in any case. */
int inject_resume(struct dp *dp, const uint8_t *frame, uint32_t n, struct frozen *z) CONTROL;
/* Waits, for a third of a second at most, until the PMD has done with all frames sent before. */
void inject_wait(struct dp *dp) CONTROL;
int inject_port(struct dp *dp, const uint8_t *frame, uint32_t n, uint32_t port) CONTROL;
/* The same for a frame that came by a punt; takes the mbuf in any case.  'tun' may be NULL. */
int inject_mbuf(struct dp *dp, struct rte_mbuf *m, uint32_t port,
		const struct out_tunnel *tun) CONTROL;
/* Frees a frame that came by a punt and could not be sent, and has it counted. */
void inject_drop(struct dp *dp, struct rte_mbuf *m, uint32_t port, enum drop why) CONTROL;
/*
 * Asks the flow cache of 'w', and waits for some milliseconds at most: enum cache_answer,
 * CACHE_SILENT where none came.
 */
uint32_t inject_peek(struct dp *dp, struct pmd *w, const struct flow_key *key,
		     uint32_t *n_flows) CONTROL;
/* Gives back what the PMDs have done with; call now and then. */
void inject_reap(struct dp *dp) CONTROL;

/* Packet-ins a second for each port and reason, and the burst; 0: no limit. */
void punt_set_rate(struct dp *dp, uint32_t rate, uint32_t burst) CONTROL;

#endif

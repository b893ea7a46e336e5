/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Meters (OpenFlow 1.3.5, 5.7, 6.6, 7.3.4.4): token buckets; drop and DSCP remark bands; kbps or
 * pktps, burst, statistics by band.
 *
 * A packet counts as what it was when it came in: Ethernet header and payload, no FCS.  Of the
 * bands whose rate is exceeded the one of the highest rate applies.
 *
 * How much may pass at once: with OFPMF_BURST the band's burst_size as it was given (and is told
 * again), but never less than one packet, nor than a thousandth of a second at the band's rate, as
 * packets are seen in bursts; a burst_size of 0 is the least that holds the rate with sources that
 * stutter, a hundredth of a second.
 * Without OFPMF_BURST it is a tenth of a second, at least 24 kilobits or 2 packets.
 *
 * A remark band raises the drop precedence of the AF classes of RFC 2597 in IPv4 and IPv6, at most
 * to 3; other code points, and what is not IP, pass unchanged (and are counted by the band).
 *
 * The virtual meters limit what leaves the packet threads for the control thread, before it is
 * queued; each frame that is over the limit is dropped as 'meter_band':
 *
 *   OFPM_CONTROLLER: packet-ins of all ports and reasons.
 *   OFPM_SLOWPATH: all else that the control thread must do for a frame: frames for a VTEP's own
 *      address (ARP, neighbour discovery, echo), frames that wait for their tunnel's next hop, and
 *      source addresses that NORMAL is to learn (the frame itself goes its way, only unlearned; it
 *      costs a token all the same).
 *
 * They are without limit until they are added, no flow can name them, their bands can only drop,
 * and deleting OFPM_ALL leaves them alone; deleted by name they are without limit again.
 *
 * One meter may be run by several PMDs: its bucket is an atomic.  Control thread writes the
 * configuration as a body that is swapped whole.  Owner: struct dp.
 */
#ifndef WEFT_DATAPATH_METER_H
#define WEFT_DATAPATH_METER_H

#include "datapath/act.h"
#include "ofproto/wire.h"

struct dp;
struct meter;

enum {
	METERS_MAX = 65536,
	METER_BANDS_MAX = 16,
	METER_FRACTION = 16, /* parts of a TSC cycle: the time of a packet is cut to a whole one */
};

enum meter_virtual { METER_VIRTUAL_SLOWPATH, METER_VIRTUAL_CONTROLLER };

/* ---- Control thread ---- */

/* For dp_new() and dp_free().  0 or -ENOMEM. */
int meter_table_init(struct dp *dp) CONTROL;
void meter_table_fini(struct dp *dp) CONTROL;

int meter_mod(struct dp *dp, const struct of_meter_mod *mm, struct of_err *e) CONTROL;
struct meter *meter_find(const struct dp *dp, uint32_t meter_id) CONTROL;
/* For the instruction: 0, or OFPMMFC_* why a flow cannot be metered so. */
int meter_check_inst(const struct dp *dp, uint32_t meter_id, struct of_err *e) CONTROL;
void meter_ref(struct meter *m) CONTROL;
void meter_unref(struct dp *dp, struct meter *m) CONTROL;
/* So many installed flows more, or fewer. */
void meter_count_flows(struct meter *m, int by) CONTROL;
uint32_t meter_id(const struct meter *m);
/* For multiparts: calls 'visit' for one meter or, with OFPM_ALL, for each, in ascending order from
 * 'from' on, until it returns non-zero; returns that. */
int meter_each(const struct dp *dp, uint32_t meter_id, uint32_t from,
	       int (*visit)(void *arg, const struct meter *m), void *arg) CONTROL;
struct of_meter_stats *meter_stats(const struct dp *dp, const struct meter *m,
				   struct arena *a) CONTROL;
struct of_meter_config *meter_config(const struct meter *m, struct arena *a) CONTROL;
void meter_features(const struct dp *dp, struct of_mp_meter_features_reply *out) CONTROL;

/* ---- PMD threads ---- */
enum { METER_DROP = -1 };
/* Counts the packet.  METER_DROP, or by how much its drop precedence rises (act_remark()). */
int meter_run(struct meter *m, const struct pkt *p, uint64_t now) PMD;
/* What meter_run() would say; nothing is counted or taken.  '*id': of the meter. */
int meter_look(const struct meter *m, const struct pkt *p, uint64_t now, uint32_t *id) PMD;
/* Whether a frame of 'bytes' may go up to the control thread. */
bool meter_admits(const struct dp *dp, enum meter_virtual which, uint32_t bytes, uint64_t now) PMD;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fit(MTU)->FIELD[]: what a router asks of a packet before it goes out by a link with an MTU (RFC
 * 1812 4.2.2.7, 5.3.3; RFC 8200 5).
 *
 * The field becomes 0 for a packet that is short enough, and for one that may be fragmented, which
 * is marked: wherever it goes, it leaves in fragments no longer than MTU (refrag.h).  What may not
 * (IPv4 with DF, IPv6) makes the field MTU, so that a flow can have its sender told of it.  A
 * datagram that was reassembled here has been fragmented by its sender: it fits if its longest
 * fragment did.  What is no IP packet behind an Ethernet header and tags is never fragmented.  PMD
 * threads.
 */
#ifndef WEFT_DATAPATH_ACT_FIT_H
#define WEFT_DATAPATH_ACT_FIT_H

#include "datapath/pkt.h"
#include "datapath/role.h"

struct pmd;

/* What becomes of the field: 0 or 'mtu'. */
uint32_t act_fit_long(struct pmd *w, struct burst *b, struct pkt *p, uint32_t mtu) PMD;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Network address translation (RFC 4787, 5382, 5508, 7857): which address and port a new connection
 * gets, packets rewritten, and what application protocols carry in their data (ct_alg.h).
 *
 * A translated connection is one whose reply tuple is not its original tuple turned round; so the
 * mapping needs no memory of its own, and that two connections do not collide is that no tuple is
 * in the index twice.  Packet threads.
 */
#ifndef WEFT_DATAPATH_CT_NAT_H
#define WEFT_DATAPATH_CT_NAT_H

#include "datapath/ct_track.h"

/* nat(src|dst=min[-max][:port[-port]],persistent|hash|random), compiled and checked. */
struct ct_nat_spec {
	bool src, dst; /* neither: translate by what the connection has */
	bool persistent, hash, random;
	uint8_t l3; /* 4, 6; 0: no addresses given */
	uint8_t min[16], max[16];
	uint16_t port_min, port_max; /* 0: none given */
};

/*
 * Adds (ct_add()) a new connection whose c->orig is set, and c->reply to the same turned round:
 * changes addresses and ports of c->reply as 'spec' says, so that it is free, and sets CT_F_SNAT
 * and CT_F_DNAT.  Without src and dst, and for src=0.0.0.0, nothing is changed but, when there is a
 * collision, the source port.
 *
 * 0; -EADDRNOTAVAIL: none of the range is free, or it is of the other IP version
 * (DROP_CT_NAT_EXHAUSTED); -EEXIST: c->orig is a connection's already, another thread was first:
 * find that one; -ENOSPC: ct_add()'s.  The slot stays the caller's then.
 */
int ct_nat_add(struct pmd *w, struct ct *t, struct ct_conn *c, uint64_t hash_orig,
	       const struct ct_nat_spec *spec) PMD;

/* What it would choose now, in 'c', which need not be in the table; nothing is added. */
int ct_nat_choose(struct pmd *w, struct ct *t, struct ct_conn *c, uint64_t hash_orig,
		  const struct ct_nat_spec *spec) PMD;

/*
 * Translates a packet of direction 'dir' as its connection says, key and frame and checksums; an
 * ICMP error's quoted packet, too (cp->kind).  Returns CT_SNAT, CT_DNAT or both or 0: what was
 * changed; -1: the packet was dropped (act_touch() failed).
 */
int ct_nat_apply(struct pmd *w, struct burst *b, struct pkt *p, const struct ct_pkt *cp,
		 const struct ct_conn *c, enum ct_dir dir) PMD;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IPv4 and IPv6 datagrams put together from their fragments (OpenFlow 7.3.2, OFPC_FRAG_REASM; RFC
 * 791 3.2, RFC 8200 4.5, RFC 5722).
 *
 * Why not DPDK's rte_ip_frag.  In 22.11 it takes 8 fragments a datagram
 * (RTE_LIBRTE_IP_FRAG_MAX_FRAG, fixed when DPDK was built), where 60,000 bytes over Ethernet have
 * 41; it notices neither overlaps nor duplicates, but adds up lengths until they come to the total,
 * so that teardrop makes a datagram with holes; its key is addresses and id, without port, VLAN,
 * tunnel or zone, so that tenants with the same addresses meet in it; it wants the IPv6 fragment
 * header at once behind the fixed one; and it holds on to drivers' buffers, of which a flood then
 * takes all.
 *
 * What stands here instead, for hostile senders:
 *  - Bytes are copied into pages of the table's own, at their place in the datagram.  All memory is
 *    allocated and touched when the table is made; drivers' buffers are never held.
 *  - An overlap is the end of the whole datagram (RFC 5722, which is taken for IPv4, too: RFC 8900
 *    3.7), and of what of it comes later.  Only an exact copy, its bytes included, is ignored.
 *  - A full table gives up the oldest datagram of whoever has most in it, so that a flood from one
 *    port is the loss of that port.
 *  - The key has all that tells two senders apart: port, tunnel, tags, zone (the caller's: for
 *    connection tracking), and the fields of the RFCs.
 *
 * Fragments must come to the same table: a device's queues spread fragments by their addresses, as
 * RSS and the kernel's fan-out do.  One thread at a time; the owner is a PMD (frag.h), a test or a
 * fuzzer.  Nothing here allocates but reasm_new(), and packet buffers for what is whole.
 */
#ifndef WEFT_DATAPATH_REASM_H
#define WEFT_DATAPATH_REASM_H

#include <stdint.h>

#include "datapath/drop.h"

struct pkt;
struct reasm;
struct rte_mbuf;
struct rte_mempool;

enum {
	REASM_PAGE = 2048,
	REASM_FRAGS_MAX = 128, /* 65,535 bytes by the 576 that every link takes are 119 */
	REASM_V4_SECONDS = 30,
	REASM_V6_SECONDS = 60, /* RFC 8200 4.5 */
};

struct reasm_cfg {
	uint32_t datagrams, pages; /* at most so many; below 65,535 */
	uint64_t ticks;		   /* of 'now' in a second */
	/* 'n' fragments that came in on 'in_port' are gone. */
	void (*lost)(void *arg, uint32_t in_port, enum drop why, unsigned int n);
	void *arg;
};

/* What a PMD has: some 10 MB. */
enum { REASM_DATAGRAMS = 1024, REASM_PAGES = 4096 };

/* NULL: no memory. */
struct reasm *reasm_new(const struct reasm_cfg *cfg);
/* Without a word to 'lost'. */
void reasm_free(struct reasm *r);
/* Fragments that wait. */
unsigned int reasm_waiting(const struct reasm *r);

/*
 * Fragment 'p' (parsed; its key's ip_frag is not zero) comes in.  It is copied: p->m stays the
 * caller's.  Returns how many fragments made '*whole' when it was the last one missing, else 0; by
 * then it waits, or 'lost' was told.  A whole one is a frame with the first fragment's headers
 * (RFC 791 3.2), without the IPv6 fragment header, marked for refrag.h, in buffers of 'pool'.
 */
unsigned int reasm_add(struct reasm *r, const struct pkt *p, uint16_t zone, uint64_t now,
		       struct rte_mempool *pool, struct rte_mbuf **whole);

/* Gives up what has waited too long; call now and then. */
void reasm_expire(struct reasm *r, uint64_t now);

#endif

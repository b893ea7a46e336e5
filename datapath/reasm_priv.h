/* SPDX-License-Identifier: Apache-2.0 */
/* What reasm.c (the table), reasm_read.c (one fragment) and reasm_join.c (the whole) share. */
#ifndef WEFT_DATAPATH_REASM_PRIV_H
#define WEFT_DATAPATH_REASM_PRIV_H

#include <stdbool.h>

#include "base/byteorder.h"
#include "datapath/pkt.h"
#include "datapath/reasm.h"

enum {
	REASM_HEAD_MAX = 1024, /* L2 and IP headers of a first fragment */
	REASM_IP_MAX = 65535,
	REASM_DATA_PAGES = (REASM_IP_MAX + REASM_PAGE) / REASM_PAGE,
	REASM_NONE = UINT16_MAX,
};

/* Whole words without holes: hashed and compared as bytes. */
struct reasm_key {
	be64 tun_id;
	be32 tun_src, tun_dst;
	uint8_t tun_ipv6_src[16], tun_ipv6_dst[16];
	be32 in_port;
	be32 id;
	uint8_t src[16], dst[16];    /* IPv4: the first four */
	uint32_t tag[PKT_VLANS_MAX]; /* TPID and VID, outermost first; 0: none */
	uint16_t zone;
	uint8_t v6;
	uint8_t proto; /* IPv4 (RFC 791); of IPv6 the first fragment's counts (RFC 8200 4.5) */
	uint32_t zero;
};

_Static_assert(sizeof(struct reasm_key) == 128, "no holes");

/* One fragment, read. */
struct reasm_frag {
	struct reasm_key key;
	uint32_t l3;	  /* in the frame */
	uint32_t head;	  /* headers that the whole has, too, end here */
	uint32_t data;	  /* its data begin here: IPv6 has the fragment header between */
	uint32_t at, len; /* in the datagram */
	uint32_t ip_len;  /* of it as a packet */
	uint16_t next_at; /* IPv6: the next-header byte that named the fragment header */
	uint8_t next;	  /* IPv6: what belongs there in the whole */
	uint8_t ecn;
	bool more;
};

struct reasm_range {
	uint16_t at, end;
};

struct reasm_datagram {
	struct reasm_key key;
	uint64_t deadline;
	uint32_t hash;
	uint16_t next;		 /* in the hash chain, or the free list */
	uint16_t older, younger; /* in its list */
	uint16_t list;
	uint16_t n_frags, n_pages;
	uint16_t head_page, page[REASM_DATA_PAGES];
	uint16_t head, l3; /* lengths in the head page; head 0: not there yet */
	uint16_t max;	   /* longest fragment, as a packet */
	uint16_t limit;	   /* to how many bytes fragments of it were limited (refrag.h); 0: none */
	uint8_t ecns;	   /* a bit for each ECN value seen */
	uint8_t dead;	   /* enum drop that ended it; N_DROPS: alive */
	uint32_t got, total; /* bytes; total 0: the last one is not there yet */
	struct reasm_range frag[REASM_FRAGS_MAX]; /* ascending */
};

/* N_DROPS, or why it is no fragment of anything.  Never reads beyond the frame. */
enum drop reasm_read(const struct pkt *p, uint16_t zone, struct reasm_frag *f);

/* Notes the headers of first fragment 'f' of 'm' in 'page', as the whole has them but for lengths.
 */
void reasm_head(const struct rte_mbuf *m, const struct reasm_frag *f, uint8_t *page);

/* All is there, and of possible length: '*m' is the frame.  N_DROPS, or why not. */
enum drop reasm_join(const struct reasm_datagram *d, uint8_t *pages, struct rte_mempool *pool,
		     struct rte_mbuf **m);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A match while its text is read: fields come in any order, so what the transport fields and the
 * ARP opcode mean is known only at the end.  Caller's memory, zeroed; any thread.
 */
#ifndef WEFT_OFPROTO_TEXT_MATCH_H
#define WEFT_OFPROTO_TEXT_MATCH_H

#include "ofproto/text_value.h"

struct text_match {
	struct of_match m;
	uint16_t tp[2], tp_mask[2]; /* source and destination port, or ICMP type and code */
	uint16_t arp_op, arp_op_mask;
};

/* One "key=value" of a match; -EINVAL with words in 'e'. */
int text_match_key(struct text_match *t, const char *key, const char *value,
		   const struct of_names *n, struct err *e);
/* The match; fields whose prerequisites are not matched are left out, as ovs-ofctl does.  0 or
 * -EINVAL. */
int text_match_finish(struct text_match *t, struct of_match *m, struct err *e);

/* A match that is a packet's fields; 'inner_tci' is its second tag's TCI, 0 where the tag is
 * missing, -1: none. */
void text_put_packet_match(FILE *f, const struct of_match *m, int inner_tci);

#endif

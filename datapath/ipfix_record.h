/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IPFIX on the wire (RFC 7011): templates, records and the messages that they go in.
 *
 * A template for each kind of flow: with a tag or without, with a port where it leaves or without,
 * of IPv4, IPv6 or neither, and by what is in IP.  ipfix.def has what is in them.  The caller's
 * memory; control thread.
 */
#ifndef WEFT_DATAPATH_IPFIX_RECORD_H
#define WEFT_DATAPATH_IPFIX_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "datapath/sample.h"

enum {
	IPFIX_TEMPLATES = 36,
	IPFIX_TEMPLATE_FIRST = 256, /* its number on the wire (RFC 7011, 3.4.1) */
	IPFIX_MESSAGE_MAX = 1400, /* in any path's MTU with the headers in front, but a tunnel's */
};

/* flowEndReason (RFC 5102, 5.11.3). */
enum ipfix_reason {
	IPFIX_ACTIVE_TIMEOUT = 2,
	IPFIX_FORCED_END = 4,
	IPFIX_LACK_OF_RESOURCES = 5,
};

struct ipfix_record {
	const struct sample_flow *flow;
	const char *in_name, *out_name; /* of the ports; "": there is none any more */
	uint64_t start_ms, end_ms;	/* since 1970 */
	uint64_t packets, bytes, ip_bytes;
	uint32_t ip_min, ip_max;
	uint16_t tcp_flags;
	uint8_t reason;
};

/* A message that is being filled; begins with all zero, and so after it is done. */
struct ipfix_message {
	uint8_t bytes[IPFIX_MESSAGE_MAX];
	size_t n;	 /* 0: nothing is in it */
	size_t set_at;	 /* of the last set's header */
	uint16_t set_id; /* 0: there is none */
	uint32_t n_records;
	uint32_t domain;
};

/* Which template a flow's records have, from 0. */
unsigned int ipfix_template_of(const struct sample_flow *f);

/* False: it does not fit any more, and nothing has changed.  All that is in a message is of the
 * domain that it was begun with. */
bool ipfix_put_template(struct ipfix_message *m, unsigned int template);
bool ipfix_put_record(struct ipfix_message *m, const struct ipfix_record *r);
/* Its header; 'sequence': data records of this domain before it. */
void ipfix_message_end(struct ipfix_message *m, uint32_t sequence, uint32_t seconds);

#endif

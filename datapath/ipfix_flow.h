/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Samples of one flow put together, until it is time to tell of them (RFC 7011's metering process).
 *
 * A flow is told cache-active-timeout seconds after its first sample, or before when there are more
 * flows than cache-max-flows: then the one that has been longest goes.  Counts are what the samples
 * stand for: each for 65535 / probability packets, as Open vSwitch reckons (which forgets the
 * fraction).  Control thread; memory by the heap, bounded by the limit.
 */
#ifndef WEFT_DATAPATH_IPFIX_FLOW_H
#define WEFT_DATAPATH_IPFIX_FLOW_H

#include <uthash.h>

#include "datapath/ipfix_record.h"
#include "datapath/sample.h"

struct ipfix_flow {
	struct sample_flow key;
	uint64_t start, end; /* TSC */
	double packets, bytes, ip_bytes;
	uint32_t ip_min, ip_max;
	uint16_t tcp_flags;
	UT_hash_handle hh;
	struct ipfix_flow *prev, *next; /* by start */
};

struct ipfix_flows {
	struct ipfix_flow *table, *list;
	uint32_t n;
};

uint32_t ipfix_flow_hash(const struct sample_flow *k);

/* A flow of this one sample. */
void ipfix_flow_begin(struct ipfix_flow *f, const struct sample *s);
void ipfix_flow_add(struct ipfix_flow *f, const struct sample *s);

struct ipfix_flow *ipfix_flow_find(struct ipfix_flows *t, const struct sample_flow *key);
/* A flow of this sample, which there was none of; NULL: no memory. */
struct ipfix_flow *ipfix_flow_new(struct ipfix_flows *t, const struct sample *s);
void ipfix_flow_free(struct ipfix_flows *t, struct ipfix_flow *f);

#endif

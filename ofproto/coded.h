/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Members whose bytes no row of of13.def can describe: of learn, of ct and of nat.
 *
 * A CODED row names one of these structures; coded.c reads, writes, copies, compares and prints it.
 * What decoding points to lives in the message's arena.  No state; any thread.
 */
#ifndef WEFT_OFPROTO_CODED_H
#define WEFT_OFPROTO_CODED_H

#include <stdbool.h>
#include <stdint.h>

#include "ofproto/match.h"

/* What a learned flow has of a packet, or of a constant. */
enum of_learn_dst { OF_LEARN_MATCH, OF_LEARN_LOAD, OF_LEARN_OUTPUT };

struct of_learn_spec {
	enum of_learn_dst to;
	uint16_t n_bits;	/* of source and destination, 1 to 128 */
	struct of_subfield src; /* of the packet; field NULL: 'value' */
	struct of_subfield dst; /* matched or loaded in the learned flow; of OUTPUT none */
	uint8_t value[16];	/* right-aligned */
};

struct of_learn_specs {
	uint32_t n;
	struct of_learn_spec *v;
};

/* The bit that tells whether the flow was learned; field NULL: none. */
struct of_learn_result {
	struct of_subfield dst;
};

struct of_ct_zone {
	struct of_subfield src; /* 16 bits of the packet; field NULL: 'value' */
	uint16_t value;
};

/* What of a NAT's range is written; a maximum that is not is the minimum. */
enum {
	OF_NAT_IPV4_MIN = 1 << 0,
	OF_NAT_IPV4_MAX = 1 << 1,
	OF_NAT_IPV6_MIN = 1 << 2,
	OF_NAT_IPV6_MAX = 1 << 3,
	OF_NAT_PROTO_MIN = 1 << 4,
	OF_NAT_PROTO_MAX = 1 << 5,
};

struct of_nat_range {
	uint16_t present; /* OF_NAT_*; without a _MIN no address, or no port, is said */
	uint8_t addr_min[16], addr_max[16]; /* network order; of IPv4 the first four */
	uint16_t proto_min, proto_max;
};

/* CODED's second argument, and the bytes that are there whatever they say. */
enum of_coded_id {
	OF_CODED_learn_specs,
	OF_CODED_learn_result,
	OF_CODED_ct_zone,
	OF_CODED_nat_range,
};
enum {
	OF_CODED_BYTES_learn_specs = 0,
	OF_CODED_BYTES_learn_result = 4,
	OF_CODED_BYTES_ct_zone = 6,
	OF_CODED_BYTES_nat_range = 2,
};

#endif

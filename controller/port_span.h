/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ranges of TCP, UDP and SCTP ports: as the Networking API writes them ("80:90"), and as the values
 * with masks that flows match.
 *
 * Pure functions of values; any thread.
 */
#ifndef WEFT_CONTROLLER_PORT_SPAN_H
#define WEFT_CONTROLLER_PORT_SPAN_H

#include <stdbool.h>
#include <stdint.h>

/* Both ends belong to it; min 0: none. */
struct port_span {
	uint16_t min, max;
};

enum { PORT_SPAN_TEXT = 12 };

/* "80:90", or "80" for "80:80"; -EINVAL when it is neither, or names port 0. */
int port_span_parse(const char *text, struct port_span *out);
/* Always with both ends.  Returns 'buf'. */
const char *port_span_format(const struct port_span *s, char buf[PORT_SPAN_TEXT]);

static inline uint32_t port_span_size(const struct port_span *s)
{
	return (uint32_t)(s->max - s->min) + 1;
}

static inline bool port_span_overlaps(const struct port_span *a, const struct port_span *b)
{
	return a->min <= b->max && b->min <= a->max;
}

/*
 * The largest block of ports that begins with 'from', does not go beyond 'to', and is one value
 * with a mask (0x10000 less its size).  Up to 30 of them are a range.
 */
uint32_t port_span_block(uint32_t from, uint32_t to);

#endif

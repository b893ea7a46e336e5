/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/port_span.h"

#include <errno.h>
#include <stdio.h>

static const char *end_parse(const char *s, uint16_t *out)
{
	uint32_t n = 0;
	int digits = 0;

	for (; *s >= '0' && *s <= '9'; s++) {
		n = n * 10 + (uint32_t)(*s - '0');
		if (++digits > 5)
			return NULL;
	}
	if (!n || n > UINT16_MAX)
		return NULL;
	*out = (uint16_t)n;
	return s;
}

int port_span_parse(const char *text, struct port_span *out)
{
	const char *s = end_parse(text, &out->min);

	out->max = out->min;
	if (s && *s == ':')
		s = end_parse(s + 1, &out->max);
	return s && !*s && out->min <= out->max ? 0 : -EINVAL;
}

const char *port_span_format(const struct port_span *s, char buf[PORT_SPAN_TEXT])
{
	snprintf(buf, PORT_SPAN_TEXT, "%u:%u", s->min, s->max);
	return buf;
}

uint32_t port_span_block(uint32_t from, uint32_t to)
{
	uint32_t block = 1;

	while (!(from & (block * 2 - 1)) && from + block * 2 - 1 <= to && block < 0x10000)
		block *= 2;
	return block;
}

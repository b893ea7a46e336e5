/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Version negotiation (6.3.1).
 *
 * A hello may be of any version and hold elements of any kind, and what is not known must be passed
 * over; the codec knows one version and refuses what it does not know.  So the elements are walked
 * here.
 */
#include "ofproto/session_priv.h"

#include <stdio.h>

#include "base/byteorder.h"

enum { HELLO_ELEM_HEADER = 4, HELLO_VERSIONBITMAP = 1 };

/* The first word of the version bitmap; false when the hello has none. */
static bool find_bitmap(const uint8_t *p, size_t n, uint32_t *bitmap)
{
	size_t at = OF_HEADER_LEN;

	while (at + HELLO_ELEM_HEADER <= n) {
		uint16_t type = get_be16(p + at), length = get_be16(p + at + 2);

		/* Out of step: what was not understood counts as not there. */
		if (length < HELLO_ELEM_HEADER || length > n - at)
			return false;
		if (type == HELLO_VERSIONBITMAP && length >= HELLO_ELEM_HEADER + 4) {
			*bitmap = get_be32(p + at + HELLO_ELEM_HEADER);
			return true;
		}
		at += (length + 7u) & ~7u; /* padding is not counted in the length */
	}
	return false;
}

bool session_hello_agrees(const uint8_t *p, size_t n, struct err *e)
{
	uint32_t bitmap;

	if (find_bitmap(p, n, &bitmap)) {
		if (bitmap & 1u << OF_VERSION_13)
			return true;
		err_set(e, 0,
			"no common version: only OpenFlow 1.3 (bit 4 of the bitmap) is spoken "
			"here, "
			"the hello offers bitmap 0x%x",
			bitmap);
		return false;
	}
	/* Without a bitmap the lower of both versions is agreed on; ours is the only one we have.
	 */
	if (p[0] >= OF_VERSION_13)
		return true;
	err_set(e, 0,
		"no common version: only OpenFlow 1.3 (0x04) is spoken here, the hello offers "
		"0x%02x at most",
		p[0]);
	return false;
}

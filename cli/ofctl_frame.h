/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A frame from the fields that somebody named: what would match them.  No state.
 */
#ifndef WEFT_CLI_OFCTL_FRAME_H
#define WEFT_CLI_OFCTL_FRAME_H

#include "base/err.h"
#include "ofproto/match.h"

enum { OFCTL_FRAME_MAX = 256 };

/*
 * Writes the frame into 'buf' of OFCTL_FRAME_MAX bytes and returns its length; -EINVAL with words
 * for a field that has a mask, or that no packet brings along.  What is not named is zero, but for
 * a TTL of 64, and the EtherType for local experiments (IEEE 802, 88b5).
 */
int ofctl_frame(const struct of_match *m, uint8_t *buf, struct err *e);

#endif

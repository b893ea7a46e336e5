/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checksums that the kernel left to a network card that is not there.
 *
 * A packet socket on a veth or bridge shows TCP and UDP with only the pseudo header's sum in the
 * checksum field (Linux: CHECKSUM_PARTIAL), and DPDK's af_packet driver does not say which.  Such a
 * field can be told by its value.  Finishing a checksum that happened to be right already gives the
 * same value again, so that a chance match does no harm.  PMD threads.
 */
#ifndef WEFT_DATAPATH_PARTIAL_H
#define WEFT_DATAPATH_PARTIAL_H

#include "datapath/pkt.h"

/* Completes the checksum of 'p' in place, if it needs it. */
void partial_finish(struct pkt *p);

#endif

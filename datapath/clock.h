/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control thread's clock: what ages and timeouts are counted in.
 *
 * A file of its own, so that a test can put its own clock in this one's place and have hours pass
 * in a moment.  Any thread.
 */
#ifndef WEFT_DATAPATH_CLOCK_H
#define WEFT_DATAPATH_CLOCK_H

/* Seconds, CLOCK_MONOTONIC. */
double monotonic_now(void);

#endif

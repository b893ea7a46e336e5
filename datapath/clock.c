/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/clock.h"

#include <time.h>

double monotonic_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a machine takes for waking up: a thread that does nothing but sleep, its time on a processor
 * and how long its sleeps become, one line on stdout:
 *
 *	sleep_alone MICROSECONDS SECONDS
 *	cpu 7.81 late 32.1		percent of a core; microseconds beyond what was asked for
 *
 * A virtual machine leaves for its hypervisor twice each time: to set the timer, and to halt.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

static double now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	const long us = argc == 3 ? atol(argv[1]) : 0;
	const double seconds = argc == 3 ? atof(argv[2]) : 0;
	const struct timespec t = { .tv_nsec = us * 1000 };
	double since, cpu, took;
	long n = 0;

	if (us < 1 || us > 999999 || !(seconds > 0)) {
		fprintf(stderr, "sleep_alone: MICROSECONDS (1 to 999999) SECONDS\n");
		return 1;
	}
	prctl(PR_SET_TIMERSLACK, 1); /* as packet threads do */
	since = now(CLOCK_MONOTONIC);
	cpu = now(CLOCK_PROCESS_CPUTIME_ID);
	do {
		nanosleep(&t, NULL);
		n++;
		took = now(CLOCK_MONOTONIC) - since;
	} while (took < seconds);
	cpu = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	printf("cpu %.3f late %.2f\n", 100 * cpu / took, took / (double)n * 1e6 - (double)us);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long a packet takes through a switch, one way, between two net_memif
 *ports: no kernel in between, one clock.
 *
 *	latency [EAL arguments with two net_memif devices] -- COUNT GAP RATE
 *QUEUES PID
 *
 * RATE 0: one packet at a time, GAP microseconds after the one before came
 *back.  With a RATE: as many a second, evenly spaced, however long each takes.
 *Each packet carries when it was sent.  Device 0 sends, device 1 receives;
 *microseconds are printed.  QUEUES is how many the switch sends by.  "late"
 *counts packets sent 50 us behind their time: others had the core.
 *
 * Packets come in windows of 10 ms, each with its own percentiles, and the medians of these are
 * printed, too: on a machine that others use they tell of the switch, where those of all packets
 * tell of how often it was pushed off its core.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

enum {
	BURST = 32,
	LENGTH = 64,
	WINDOWS_A_SECOND = 100,
	AT = 48 /* of number and time, in the frame */
};

struct stamp {
	uint64_t number, sent;
};

static struct {
	struct rte_mempool *pool;
	double *took;	   /* microseconds, of those that came */
	double *p50, *p99; /* of each window */
	uint64_t count, sent, came, late, hz, windows;
	uint16_t queues;
} run;

static void fail(const char *what)
{
	fprintf(stderr, "latency: %s\n", what);
	exit(1);
}

static void receive(void)
{
	struct rte_mbuf *m[BURST];

	for (uint16_t q = 0; q < run.queues; q++) {
		const uint16_t n = rte_eth_rx_burst(1, q, m, BURST);
		const uint64_t now = rte_rdtsc();

		for (uint16_t i = 0; i < n; i++) {
			struct stamp s;

			if (rte_pktmbuf_data_len(m[i]) == LENGTH && run.came < run.count) {
				memcpy(&s, rte_pktmbuf_mtod_offset(m[i], char *, AT), sizeof(s));
				run.took[run.came++] = (now - s.sent) * 1e6 / run.hz;
			}
			rte_pktmbuf_free(m[i]);
		}
	}
}

static void transmit(void)
{
	static const uint8_t head[42] = { 2,	0, 0,  0,  0, 2, 2, 0, 0,  0,  0, 1,  8,  0,
					  0x45, 0, 0,  50, 0, 0, 0, 0, 64, 17, 0, 0,  10, 0,
					  0,	1, 10, 0,  0, 2, 4, 0, 4,  1,  0, 30, 0,  0 };
	struct rte_mbuf *m = rte_pktmbuf_alloc(run.pool);
	struct stamp s = { run.sent };
	char *data;

	run.sent++;
	if (!m)
		return;
	m->data_len = m->pkt_len = LENGTH;
	data = rte_pktmbuf_mtod(m, char *);
	memset(data, 0, LENGTH);
	memcpy(data, head, sizeof(head));
	s.sent = rte_rdtsc();
	memcpy(data + AT, &s, sizeof(s));
	if (rte_eth_tx_burst(0, 0, &m, 1) != 1)
		rte_pktmbuf_free(m);
}

static void wait_us(double us)
{
	const uint64_t end = rte_rdtsc() + us * run.hz / 1e6;

	while (rte_rdtsc() < end)
		receive();
}

static void one_at_a_time(double gap, uint64_t n)
{
	for (; n; n--) {
		const uint64_t before = run.came, end = rte_rdtsc() + run.hz / 50;

		transmit();
		while (run.came == before && rte_rdtsc() < end)
			receive();
		wait_us(gap);
	}
}

static void evenly(double rate, uint64_t n)
{
	const uint64_t end = run.sent + n;
	const double step = run.hz / rate;
	double next = rte_rdtsc();

	while (run.sent < end) {
		const uint64_t now = rte_rdtsc();

		if (now >= next) {
			transmit();
			next += step;
			if (now >
			    next + 50e-6 * run.hz) { /* do not send what was missed as one heap */
				run.late++;
				next = now;
			}
		}
		receive();
	}
}

static int by_size(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void window(double rate, double gap, uint64_t n)
{
	double *v = run.took + run.came;
	const uint64_t first = run.came;

	if (rate > 0)
		evenly(rate, n);
	else
		one_at_a_time(gap, n);
	wait_us(300);
	n = run.came - first;
	if (!n)
		return;
	qsort(v, n, sizeof(*v), by_size);
	run.p50[run.windows] = v[n / 2];
	run.p99[run.windows++] = v[n * 99 / 100];
}

static void windows(double rate, double gap)
{
	const double usual =
		rate > 0 ? rate / WINDOWS_A_SECOND : 1e6 / (gap + 5) / WINDOWS_A_SECOND;
	const uint64_t n = usual < 1 ? 1 : (uint64_t)usual;

	while (run.sent < run.count)
		window(rate, gap, RTE_MIN(n, run.count - run.sent));
}

static void start(uint16_t port)
{
	struct rte_eth_conf conf = { 0 };
	struct rte_eth_link link = { 0 };

	if (rte_eth_dev_configure(port, run.queues, 1, &conf) ||
	    rte_eth_tx_queue_setup(port, 0, 1024, SOCKET_ID_ANY, NULL))
		fail("device");
	for (uint16_t q = 0; q < run.queues; q++)
		if (rte_eth_rx_queue_setup(port, q, 1024, SOCKET_ID_ANY, NULL, run.pool))
			fail("queue");
	if (rte_eth_dev_start(port))
		fail("start");
	for (unsigned int i = 0; !link.link_status; i++) {
		if (i == 100)
			fail("no link");
		rte_delay_us_sleep(50000);
		rte_eth_link_get_nowait(port, &link);
	}
}

int main(int argc, char **argv)
{
	int n = rte_eal_init(argc, argv);
	double rate, gap;
	uint64_t t0;

	if (n < 0 || argc - n != 5 || rte_eth_dev_count_avail() != 2)
		fail("[EAL arguments with two devices] -- COUNT GAP RATE QUEUES");
	run.count = strtoull(argv[n + 1], NULL, 0);
	gap = atof(argv[n + 2]);
	rate = atof(argv[n + 3]);
	run.queues = strtoul(argv[n + 4], NULL, 0);
	run.hz = rte_get_tsc_hz();
	run.p50 = calloc(run.count, sizeof(*run.p50));
	run.p99 = calloc(run.count, sizeof(*run.p99));
	run.took = calloc(run.count, sizeof(*run.took));
	run.pool = rte_pktmbuf_pool_create("latency", 8191, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
					   SOCKET_ID_ANY);
	if (!run.took || !run.p50 || !run.p99 || !run.pool)
		fail("no memory");
	start(0);
	start(1);
	wait_us(500000);
	t0 = rte_rdtsc();
	windows(rate, gap);
	rate = run.sent * (double)run.hz / (rte_rdtsc() - t0);
	wait_us(100000);
	if (!run.came)
		fail("nothing came back");
	qsort(run.took, run.came, sizeof(*run.took), by_size);
	printf("sent %lu came %lu late %lu rate %.0f p50 %.3f p90 %.3f p99 %.3f p999 "
	       "%.3f max "
	       "%.3f\n",
	       run.sent, run.came, run.late, rate, run.took[run.came / 2],
	       run.took[run.came * 90 / 100], run.took[run.came * 99 / 100],
	       run.took[run.came * 999 / 1000], run.took[run.came - 1]);
	qsort(run.p50, run.windows, sizeof(*run.p50), by_size);
	qsort(run.p99, run.windows, sizeof(*run.p99), by_size);
	printf("windows %lu p50 %.3f p99 %.3f\n", run.windows, run.p50[run.windows / 2],
	       run.p99[run.windows / 2]);
	return 0;
}

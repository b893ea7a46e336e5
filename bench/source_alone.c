/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the source of the benchmarks costs by itself: cycles of rte_eth_rx_burst() for a packet
 * of a trace, and of giving its buffer back.
 *
 *	source_alone [EAL arguments with one net_pcap device] -- MBUFS ROUNDS
 *
 * Each round is many bursts; the least of the rounds counts: others on the machine only ever add.
 */
#include <stdio.h>
#include <stdlib.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

enum { BURST = 32, BURSTS = 4096 };

static void fail(const char *what)
{
	fprintf(stderr, "source_alone: %s\n", what);
	exit(1);
}

int main(int argc, char **argv)
{
	double rx = 1e9, put = 1e9, loop = 1e9;
	struct rte_eth_conf conf = { 0 };
	struct rte_mbuf *m[BURST];
	struct rte_mempool *pool;
	int n = rte_eal_init(argc, argv);

	if (n < 0 || argc - n != 3 || rte_eth_dev_count_avail() != 1)
		fail("[EAL arguments with one device] -- MBUFS ROUNDS");
	pool = rte_pktmbuf_pool_create("source", strtoul(argv[n + 1], NULL, 0), 512, 0,
				       RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	if (!pool || rte_eth_dev_configure(0, 1, 1, &conf) ||
	    rte_eth_rx_queue_setup(0, 0, 0, SOCKET_ID_ANY, NULL, pool) ||
	    rte_eth_tx_queue_setup(0, 0, 0, SOCKET_ID_ANY, NULL) || rte_eth_dev_start(0))
		fail("no device, or no memory for its packets");
	for (unsigned long r = strtoul(argv[n + 2], NULL, 0); r; r--) {
		uint64_t in = 0, out = 0, clocks = 0, packets = 0;

		for (unsigned int i = 0; i < BURSTS; i++) {
			const uint64_t a = rte_rdtsc_precise();
			const unsigned int got = rte_eth_rx_burst(0, 0, m, BURST);
			const uint64_t b = rte_rdtsc_precise();

			rte_pktmbuf_free_bulk(m, got);
			out += rte_rdtsc_precise() - b;
			in += b - a;
			packets += got;
			clocks -= rte_rdtsc_precise();
			clocks += rte_rdtsc_precise();
		}
		if (!packets)
			fail("no packets");
		loop = RTE_MIN(loop, (double)clocks / packets);
		rx = RTE_MIN(rx, (double)in / packets);
		put = RTE_MIN(put, (double)out / packets);
	}
	printf("%.2f cycles rx %.2f cycles free\n", rx - loop, put - loop);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long a packet takes through a switch, one way, between two net_memif ports: no kernel in
 * between, one clock.
 *
 *	latency [EAL arguments with two net_memif devices for each switch] -- COUNT GAP RATE
 *		QUEUES[:PID]...
 *
 * RATE 0: one packet at a time, GAP microseconds after the one before came back.  With a RATE: as
 * many a second, evenly spaced, however long each takes.  Each packet carries when it was sent.
 * Of each pair of devices the first sends, the second receives; microseconds are printed, a line
 * for each switch.  QUEUES is how many the switch sends by.  "late" counts packets sent 50 us
 * behind their time: others had the core.
 *
 * Packets come in windows of 10 ms, each with its own percentiles, and the medians of these are
 * printed, too: on a machine that others use they tell of the switch, where those of all packets
 * tell of how often it was pushed off its core.
 *
 * Several switches have a window each in turn, and the processes of the others are stopped
 * meanwhile, as they would wait on the same core.  So what the machine does to one it does to all:
 * a hypervisor that moves a core makes a packet take four times as long, for minutes.
 */
#include <signal.h>
#include <stdbool.h>
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
	WINDOW_LEAST = 25, /* packets */
	SETTLE_US = 2000,  /* after a switch was let go on */
	SETTLE_PACKETS = 50,
	SWITCHES = 4,
	AT = 48 /* of number and time, in the frame */
};

struct stamp {
	uint64_t number, sent;
};

struct subject {
	double *took;	   /* microseconds, of those that came */
	double *p50, *p99; /* of each window */
	uint64_t sent, came, late, windows, cycles;
	uint16_t in, out, queues; /* its devices */
	pid_t pid;
};

static struct {
	struct rte_mempool *pool;
	uint64_t count, hz;
	unsigned int n;
	uint16_t looks; /* into queues: as many for each switch, each is a write to its ring */
	struct subject subjects[SWITCHES], *now;
} run;

static void fail(const char *what)
{
	fprintf(stderr, "latency: %s\n", what);
	exit(1);
}

static void receive(void)
{
	struct subject *s = run.now;
	struct rte_mbuf *m[BURST];

	for (uint16_t q = 0; q < run.looks; q++) {
		const bool out = q < s->queues;
		const uint16_t n = rte_eth_rx_burst(out ? s->out : s->in, out ? q : 0, m, BURST);
		const uint64_t now = rte_rdtsc();

		for (uint16_t i = 0; i < n; i++) {
			struct stamp t;

			if (rte_pktmbuf_data_len(m[i]) == LENGTH && s->came < run.count) {
				memcpy(&t, rte_pktmbuf_mtod_offset(m[i], char *, AT), sizeof(t));
				s->took[s->came++] = (now - t.sent) * 1e6 / run.hz;
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
	struct stamp t = { run.now->sent };
	char *data;

	run.now->sent++;
	if (!m)
		return;
	m->data_len = m->pkt_len = LENGTH;
	data = rte_pktmbuf_mtod(m, char *);
	memset(data, 0, LENGTH);
	memcpy(data, head, sizeof(head));
	t.sent = rte_rdtsc();
	memcpy(data + AT, &t, sizeof(t));
	if (rte_eth_tx_burst(run.now->in, 0, &m, 1) != 1)
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
		const uint64_t before = run.now->came, end = rte_rdtsc() + run.hz / 50;

		transmit();
		while (run.now->came == before && rte_rdtsc() < end)
			receive();
		wait_us(gap);
	}
}

static void evenly(double rate, uint64_t n)
{
	const uint64_t end = run.now->sent + n;
	const double step = run.hz / rate;
	double next = rte_rdtsc();

	while (run.now->sent < end) {
		const uint64_t now = rte_rdtsc();

		if (now >= next) {
			transmit();
			next += step;
			if (now >
			    next + 50e-6 * run.hz) { /* do not send what was missed as one heap */
				run.now->late++;
				next = now;
			}
		}
		receive();
	}
}

static void packets(double rate, double gap, uint64_t n)
{
	if (rate > 0)
		evenly(rate, n);
	else
		one_at_a_time(gap, n);
	wait_us(300);
}

static int by_size(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* It goes on, all others stop; what it does first is not counted. */
static void turn(struct subject *s, double rate, double gap)
{
	const uint64_t sent = s->sent, came = s->came, late = s->late;

	if (run.n == 1)
		return;
	for (unsigned int i = 0; i < run.n; i++)
		if (kill(run.subjects[i].pid, &run.subjects[i] == s ? SIGCONT : SIGSTOP))
			fail("a switch is gone");
	wait_us(SETTLE_US);
	if (rate > 0 || gap < SETTLE_US)
		packets(rate, gap, SETTLE_PACKETS);
	else
		wait_us(gap);
	s->sent = sent;
	s->came = came;
	s->late = late;
}

static void window(struct subject *s, double rate, double gap, uint64_t n)
{
	double *v = s->took + s->came;
	uint64_t t0, first;

	run.now = s;
	turn(s, rate, gap);
	first = s->came;
	t0 = rte_rdtsc();
	packets(rate, gap, n);
	s->cycles += rte_rdtsc() - t0;
	n = s->came - first;
	if (!n)
		return;
	qsort(v, n, sizeof(*v), by_size);
	s->p50[s->windows] = v[n / 2];
	s->p99[s->windows++] = v[n * 99 / 100];
}

static void windows(double rate, double gap)
{
	const double usual =
		rate > 0 ? rate / WINDOWS_A_SECOND : 1e6 / (gap + 5) / WINDOWS_A_SECOND;
	const uint64_t n = usual < WINDOW_LEAST ? WINDOW_LEAST : (uint64_t)usual;

	for (uint64_t sent = 0; sent < run.count; sent += n)
		for (unsigned int i = 0; i < run.n; i++)
			window(&run.subjects[i], rate, gap, RTE_MIN(n, run.count - sent));
	for (unsigned int i = 0; i < run.n; i++)
		if (run.subjects[i].pid)
			kill(run.subjects[i].pid, SIGCONT);
}

static void start(uint16_t port, uint16_t queues)
{
	struct rte_eth_conf conf = { 0 };
	struct rte_eth_link link = { 0 };

	if (rte_eth_dev_configure(port, queues, 1, &conf) ||
	    rte_eth_tx_queue_setup(port, 0, 1024, SOCKET_ID_ANY, NULL))
		fail("device");
	for (uint16_t q = 0; q < queues; q++)
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

static void begin(struct subject *s, char *words)
{
	s->in = 2 * run.n;
	s->out = s->in + 1;
	s->queues = strtoul(words, &words, 0);
	s->pid = *words == ':' ? atoi(words + 1) : 0;
	s->p50 = calloc(run.count, sizeof(*s->p50));
	s->p99 = calloc(run.count, sizeof(*s->p99));
	s->took = calloc(run.count, sizeof(*s->took));
	if (!s->took || !s->p50 || !s->p99)
		fail("no memory");
	start(s->in, s->queues);
	start(s->out, s->queues);
	run.n++;
	run.looks = RTE_MAX(run.looks, s->queues);
}

static void report(struct subject *s)
{
	const double rate = s->sent * (double)run.hz / s->cycles;

	if (!s->came)
		fail("nothing came back");
	qsort(s->took, s->came, sizeof(*s->took), by_size);
	qsort(s->p50, s->windows, sizeof(*s->p50), by_size);
	qsort(s->p99, s->windows, sizeof(*s->p99), by_size);
	printf("sent %lu came %lu late %lu rate %.0f p50 %.3f p90 %.3f p99 %.3f p999 %.3f "
	       "max %.3f windows %lu p50 %.3f p99 %.3f\n",
	       s->sent, s->came, s->late, rate, s->took[s->came / 2], s->took[s->came * 90 / 100],
	       s->took[s->came * 99 / 100], s->took[s->came * 999 / 1000], s->took[s->came - 1],
	       s->windows, s->p50[s->windows / 2], s->p99[s->windows / 2]);
}

int main(int argc, char **argv)
{
	const int n = rte_eal_init(argc, argv);
	double rate, gap;

	if (n < 0 || argc - n < 5 || argc - n > 4 + SWITCHES ||
	    rte_eth_dev_count_avail() != 2 * (argc - n - 4))
		fail("[EAL arguments with two devices a switch] -- COUNT GAP RATE QUEUES[:PID]...");
	run.count = strtoull(argv[n + 1], NULL, 0);
	gap = atof(argv[n + 2]);
	rate = atof(argv[n + 3]);
	run.hz = rte_get_tsc_hz();
	run.pool = rte_pktmbuf_pool_create("latency", 16383, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
					   SOCKET_ID_ANY);
	if (!run.pool)
		fail("no memory");
	for (int i = n + 4; i < argc; i++)
		begin(&run.subjects[run.n], argv[i]);
	run.now = run.subjects;
	wait_us(500000);
	windows(rate, gap);
	for (unsigned int i = 0; i < run.n; i++)
		report(&run.subjects[i]);
	return 0;
}

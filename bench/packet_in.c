/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packet-ins at a controller: emulated OpenFlow 1.3 switches that have no data plane.
 *
 *	packet_in HOST:PORT SWITCHES WINDOW SECONDS known|new [STATIONS]
 *
 * Each switch connects, answers the handshake as one that knows nothing but OpenFlow 1.3, and keeps
 * WINDOW packet-ins unanswered.  A packet-in is what a table-miss sends (OFPR_NO_MATCH, table 0, no
 * buffer, the whole frame): a UDP datagram of 60 bytes.  It is answered when a packet_out brings
 *that frame back; the frame has a number for that, so that nothing is guessed.  flow_mods are
 *counted, those inside of bundles as well.
 *
 *   known  STATIONS a switch (default 1,000) send broadcasts first, then datagrams to each other
 *   new    every packet-in is from an address that was never seen; they go to a known station
 *
 * One line out: packet-ins answered, flow_mods and packet_outs a second, microseconds from a
 *packet-in to its packet_out (p50, p99, most), packet-ins that were not answered within a second.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/byteorder.h"
#include "ofproto/wire.h"

enum {
	N_PORTS = 4,
	FRAME_LEN = 60,
	AT_FRAME = 42, /* in the packet-in: header, fields, a match of the port alone, two of
			  padding */
	PACKET_IN_LEN = AT_FRAME + FRAME_LEN,
	AT_NUMBER = 42, /* in the frame: behind its UDP header */
	ROOM = 1 << 20,
	WARM_MS = 500,
};

static const uint64_t second = 1000000000;

struct slot {
	uint64_t sent; /* ns; 0: free */
	uint32_t serial;
};

struct emulated {
	int fd, id;
	bool asked; /* for its features */
	uint64_t heard;
	uint8_t in[ROOM], out[ROOM];
	size_t n_in, n_out, written;
	struct slot *slots;
	uint32_t *free_slots, n_free, serial, next; /* 'next' station to send */
	uint32_t learned;			    /* stations that were answered once */
};

static struct emulated *sws;
static int n_sws, window, n_stations = 1000;
static bool fresh, measuring;
static uint64_t n_answers, n_flow_mods, n_packet_outs, n_lost;
static uint32_t *took; /* 0.1 us */
static size_t n_took, took_room;

static void die(const char *what)
{
	fprintf(stderr, "packet_in: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * second + (uint64_t)t.tv_nsec;
}

/* ---- out ---- */

static uint8_t *message(struct emulated *s, uint8_t type, uint32_t xid, size_t n)
{
	uint8_t *p = s->out + s->n_out;

	if (s->n_out + n > ROOM) {
		errno = ENOBUFS;
		die("the controller does not read");
	}
	memset(p, 0, n);
	p[0] = OF_VERSION_13;
	p[1] = type;
	put_be16(p + 2, (uint16_t)n);
	put_be32(p + 4, xid);
	s->n_out += n;
	return p;
}

static void flush(struct emulated *s)
{
	while (s->written < s->n_out) {
		ssize_t n = send(s->fd, s->out + s->written, s->n_out - s->written,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN)
			return; /* looked at again in the next turn */
		if (n < 0)
			die("send");
		s->written += (size_t)n;
	}
	s->written = s->n_out = 0;
}

/* Station 'i' of a switch. */
static void put_mac(uint8_t *p, const struct emulated *s, uint32_t i)
{
	put_be16(p, (uint16_t)(0x0200 | s->id));
	put_be32(p + 2, i);
}

static void put_frame(uint8_t *f, const struct emulated *s, uint32_t from, uint32_t slot)
{
	/* IPv4 10.0.0.1 to 10.0.0.2, 46 bytes of UDP without a checksum. */
	static const uint8_t ip[] = { 0x08, 0x00, 0x45, 0,    0,    46, 0, 0,  0,  0,
				      64,   17,	  0x66, 0xbd, 10,   0,	0, 1,  10, 0,
				      0,    2,	  0x10, 0,    0x10, 1,	0, 26, 0,  0 };

	if (s->learned < (uint32_t)n_stations)
		memset(f, 0xff, 6);
	else
		put_mac(f, s, (from + 1) % (uint32_t)n_stations);
	put_mac(f + 6, s, from);
	memcpy(f + 12, ip, sizeof(ip));
	put_be32(f + AT_NUMBER, slot);
	put_be32(f + AT_NUMBER + 4, s->slots[slot].serial);
}

static void send_one(struct emulated *s, uint64_t now)
{
	uint32_t slot = s->free_slots[--s->n_free], from = s->next++;
	uint8_t *p = message(s, OFPT_PACKET_IN, 0, PACKET_IN_LEN);

	if (!fresh || s->learned < (uint32_t)n_stations)
		from %= (uint32_t)n_stations;
	put_be32(p + 8, OFP_NO_BUFFER);
	put_be16(p + 12, FRAME_LEN);
	p[14] = OFPR_NO_MATCH;
	put_be16(p + 24, OFPMT_OXM);
	put_be16(p + 26, 12);
	put_be32(p + 28, 0x80000004); /* in_port */
	put_be32(p + 32, 1 + from % N_PORTS);
	s->slots[slot] = (struct slot){ now, ++s->serial };
	put_frame(p + AT_FRAME, s, from, slot);
}

/* ---- in ---- */

static void note(uint64_t ns)
{
	if (n_took == took_room) {
		took_room = took_room ? 2 * took_room : 1 << 20;
		took = realloc(took, took_room * sizeof(*took));
		if (!took)
			die("figures");
	}
	took[n_took++] = (uint32_t)(ns / 100);
}

static void packet_out(struct emulated *s, const uint8_t *p, size_t n, uint64_t now)
{
	const uint8_t *f = n >= 24 ? p + 24 + get_be16(p + 16) : p + n;
	uint32_t slot;

	n_packet_outs += measuring;
	if (f + FRAME_LEN > p + n)
		return;
	slot = get_be32(f + AT_NUMBER);
	if (slot >= (uint32_t)window || !s->slots[slot].sent ||
	    s->slots[slot].serial != get_be32(f + AT_NUMBER + 4))
		return;
	if (measuring) {
		n_answers++;
		note(now - s->slots[slot].sent);
	}
	s->slots[slot].sent = 0;
	s->free_slots[s->n_free++] = slot;
	s->learned += s->learned < (uint32_t)n_stations;
}

static void put_port(uint8_t *p, const struct emulated *s, uint32_t port)
{
	put_be32(p, port);
	put_mac(p + 8, s, 0xff000000 + port);
	snprintf((char *)p + 16, 16, "p%u", port);
	put_be32(p + 36, 4);	  /* live */
	put_be32(p + 40, 0x0840); /* 10 Gb/s, copper */
}

static void multipart(struct emulated *s, const uint8_t *q, uint32_t xid)
{
	static const uint16_t body[] = { [OFPMP_DESC] = 1056,
					 [OFPMP_AGGREGATE] = 24,
					 [OFPMP_GROUP_FEATURES] = 40,
					 [OFPMP_METER_FEATURES] = 16,
					 [OFPMP_PORT_DESC] = N_PORTS * 64 };
	uint16_t type = get_be16(q + 8);
	uint8_t *p = message(s, OFPT_MULTIPART_REPLY, xid,
			     16u + (type <= OFPMP_PORT_DESC ? body[type] : 0u));

	put_be16(p + 8, type);
	for (uint32_t i = 0; type == OFPMP_PORT_DESC && i < N_PORTS; i++)
		put_port(p + 16 + 64 * i, s, i + 1);
}

/* Nobody's messages but OpenFlow's: bundles, too, are said to be unknown. */
static void refuse(struct emulated *s, const uint8_t *q, size_t n, uint32_t xid)
{
	uint8_t *p = message(s, OFPT_ERROR, xid, 12 + (n < 64 ? n : 64));

	put_be16(p + 8, OFPET_BAD_REQUEST);
	put_be16(p + 10, OFPBRC_BAD_EXPERIMENTER);
	memcpy(p + 12, q, n < 64 ? n : 64);
}

static void features(struct emulated *s, uint32_t xid)
{
	uint8_t *p = message(s, OFPT_FEATURES_REPLY, xid, 32);

	put_be32(p + 12, (uint32_t)s->id + 1);
	p[20] = 254;
	put_be32(p + 24, 0x4f);
	s->asked = true;
}

static void receive(struct emulated *s, const uint8_t *q, size_t n, uint64_t now)
{
	uint32_t xid = get_be32(q + 4);
	uint8_t *p;

	switch (q[1]) {
	case OFPT_PACKET_OUT:
		packet_out(s, q, n, now);
		break;
	case OFPT_FLOW_MOD:
		n_flow_mods += measuring;
		break;
	case OFPT_BARRIER_REQUEST:
		message(s, OFPT_BARRIER_REPLY, xid, 8);
		break;
	case OFPT_ECHO_REQUEST:
		p = message(s, OFPT_ECHO_REPLY, xid, n);
		memcpy(p + 8, q + 8, n - 8);
		break;
	case OFPT_FEATURES_REQUEST:
		features(s, xid);
		break;
	case OFPT_GET_CONFIG_REQUEST:
		p = message(s, OFPT_GET_CONFIG_REPLY, xid, 12);
		put_be16(p + 10, 0xffff);
		break;
	case OFPT_MULTIPART_REQUEST:
		multipart(s, q, xid);
		break;
	case OFPT_ROLE_REQUEST:
		p = message(s, OFPT_ROLE_REPLY, xid, 24);
		memcpy(p + 8, q + 8, 16);
		break;
	case OFPT_EXPERIMENTER:
		refuse(s, q, n, xid);
		break;
	default:
		break;
	}
}

static void read_some(struct emulated *s)
{
	ssize_t n = recv(s->fd, s->in + s->n_in, ROOM - s->n_in, MSG_DONTWAIT);
	const uint64_t now = now_ns();
	size_t at = 0, len;

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0)
		die(n ? "recv" : "the controller has closed");
	s->heard = now;
	s->n_in += (size_t)n;
	for (; s->n_in - at >= 8; at += len) {
		len = get_be16(s->in + at + 2);
		if (len < 8) {
			errno = EBADMSG;
			die("a length below 8");
		}
		if (s->n_in - at < len)
			break;
		receive(s, s->in + at, len, now);
	}
	s->n_in -= at;
	memmove(s->in, s->in + at, s->n_in);
}

/* ---- the course of it ---- */

static void begin(struct emulated *s, int id, const struct sockaddr_in *to, int ep)
{
	struct epoll_event ev = { EPOLLIN, { .ptr = s } };
	int one = 1;

	s->id = id;
	s->slots = calloc((size_t)window, sizeof(*s->slots));
	s->free_slots = calloc((size_t)window, sizeof(*s->free_slots));
	if (!s->slots || !s->free_slots)
		die("slots");
	for (int i = window; i--;)
		s->free_slots[s->n_free++] = (uint32_t)i;
	s->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (s->fd < 0 || connect(s->fd, (const struct sockaddr *)to, sizeof(*to)))
		die("connect");
	setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (epoll_ctl(ep, EPOLL_CTL_ADD, s->fd, &ev))
		die("epoll");
	message(s, OFPT_HELLO, 1, 8);
	flush(s);
}

static void turn(int ep, int ms)
{
	struct epoll_event ev[64];
	int n = epoll_wait(ep, ev, 64, ms);

	for (int i = 0; i < n; i++)
		read_some(ev[i].data.ptr);
}

/* Those that wait for more than a second are given up; what comes later is not counted. */
static void give_up(struct emulated *s, uint64_t now)
{
	for (uint32_t i = 0; i < (uint32_t)window; i++)
		if (s->slots[i].sent && s->slots[i].sent + second < now) {
			s->slots[i].sent = 0;
			s->free_slots[s->n_free++] = i;
			n_lost += measuring;
		}
}

static void handshakes(int ep)
{
	const uint64_t until = now_ns() + 30 * second;

	for (int ready = 0; ready < n_sws;) {
		turn(ep, 10);
		ready = 0;
		for (int i = 0; i < n_sws; i++) {
			flush(&sws[i]);
			/* Nothing more is asked: it is through. */
			ready += sws[i].asked && now_ns() - sws[i].heard > second / 2;
		}
		if (now_ns() > until) {
			errno = ETIMEDOUT;
			die("handshake");
		}
	}
}

static bool all_learned(void)
{
	for (int i = 0; i < n_sws; i++)
		if (sws[i].learned < (uint32_t)n_stations)
			return false;
	return true;
}

static void load(int ep, uint64_t until, bool until_learned)
{
	uint64_t now, looked = now_ns();

	while ((now = now_ns()) < until && !(until_learned && all_learned())) {
		for (int i = 0; i < n_sws; i++) {
			while (sws[i].n_free)
				send_one(&sws[i], now_ns());
			flush(&sws[i]);
		}
		turn(ep, 5);
		if (now - looked < second / 4)
			continue;
		looked = now;
		for (int i = 0; i < n_sws; i++)
			give_up(&sws[i], now);
	}
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void report(double seconds)
{
	if (!n_took)
		note(0);
	qsort(took, n_took, sizeof(*took), by_value);
	printf("%.0f %.0f %.0f %.1f %.1f %.1f %llu\n", (double)n_answers / seconds,
	       (double)n_flow_mods / seconds, (double)n_packet_outs / seconds,
	       took[n_took / 2] / 10.0, took[n_took - 1 - n_took / 100] / 10.0,
	       took[n_took - 1] / 10.0, (unsigned long long)n_lost);
}

static void measure(const struct sockaddr_in *to, double seconds)
{
	const int ep = epoll_create1(0);
	uint64_t t;

	for (int i = 0; i < n_sws; i++)
		begin(&sws[i], i, to, ep);
	handshakes(ep);
	load(ep, now_ns() + 60 * second, true);
	load(ep, now_ns() + WARM_MS * 1000000ull, false);
	measuring = true;
	t = now_ns();
	load(ep, t + (uint64_t)(seconds * 1e9), false);
	report((double)(now_ns() - t) / 1e9);
	close(ep);
}

int main(int argc, char **argv)
{
	char *colon = argc >= 6 ? strrchr(argv[1], ':') : NULL;
	struct sockaddr_in to = { .sin_family = AF_INET };

	if (!colon || argc > 7) {
		fprintf(stderr,
			"packet_in HOST:PORT SWITCHES WINDOW SECONDS known|new [STATIONS]\n");
		return 2;
	}
	*colon = '\0';
	to.sin_port = htons((uint16_t)atoi(colon + 1));
	n_sws = atoi(argv[2]);
	window = atoi(argv[3]);
	fresh = !strcmp(argv[5], "new");
	if (argc == 7)
		n_stations = atoi(argv[6]);
	if (inet_pton(AF_INET, argv[1], &to.sin_addr) != 1 || n_sws < 1 || n_sws > 250 ||
	    window < 1 || n_stations < 2)
		return 2;
	sws = calloc((size_t)n_sws, sizeof(*sws));
	if (!sws)
		die("switches");
	measure(&to, atof(argv[4]));
	return 0;
}

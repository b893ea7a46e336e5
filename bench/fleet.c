/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fleet of emulated switches: sessions that keep what they are sent, without data planes.
 *
 * They speak Weft's management messages as far as the controller asks (Info, PortList), take
 * bundles, and answer a reading with the flows and groups that they keep (as blobs, so that
 * five hundred switches fit: blob.h).  Commands come by stdin, answers go to stdout, a line each:
 *
 *	connect PORT            all of them, to 127.0.0.1:PORT
 *	plug SWITCH OFPORT NAME a device, reported by port-status
 *	watch MAC SWITCH...     -> "seen MAC SWITCH SECONDS" when table l2's flow for that MAC comes
 *	state                   -> "state UP MODS FLOWS GROUPS SUM LAST" (SUM: of all that they
 *keep)
 *
 * SECONDS and LAST are CLOCK_MONOTONIC.  bench/control.py is the other side.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/byteorder.h"
#include "controller/blob.h"
#include "controller/mem.h"
#include "controller/pipeline.h"
#include "ofproto/wire.h"

enum {
	WEFT = 0x57454654,
	ONF = 0x4f4e4600,
	FLOW = 1,  /* OFPMP_FLOW */
	GROUP = 7, /* OFPMP_GROUP_DESC */
	PART = 60000,
	PORTS_A_PART = 500,
	OUT_MAX = 1 << 18, /* more waits in the reading */
};

struct held {
	struct hashed hashed; /* by its key */
	struct blob *blob;
};

struct buffer {
	uint8_t *p;
	size_t n, room;
};

/* A multipart request that is being answered. */
struct reading {
	uint32_t xid, slot;
	uint16_t kind; /* 0: none */
};

struct plugged {
	uint32_t ofport;
	char name[64];
};

struct sw {
	unsigned int n;
	int fd;
	struct buffer in, out;
	bool writing; /* EPOLLOUT is asked for */
	struct hashset flows;
	size_t n_groups;
	struct reading readings[2];
	struct plugged *ports;
	size_t n_ports;
};

struct watch {
	uint8_t mac[6];
	unsigned int sws[8];
	size_t n;
};

static struct sw *sws;
static unsigned int n_sws;
static int ep;
static uint64_t mods;
static double last;
static struct watch watch;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* ---- buffers and messages ---- */

static uint8_t *grow(struct buffer *b, size_t by)
{
	while (b->room < b->n + by) {
		b->room = b->room ? b->room * 2 : 4096;
		b->p = realloc(b->p, b->room);
		if (!b->p)
			die("memory");
	}
	b->n += by;
	return b->p + b->n - by;
}

static void add(struct buffer *b, const void *p, size_t n)
{
	memcpy(grow(b, n), p, n);
}

/* Room for a message's body, behind its header. */
static uint8_t *message(struct sw *s, uint8_t type, uint32_t xid, size_t n)
{
	uint8_t *p = grow(&s->out, 8 + n);

	p[0] = OF_VERSION_13;
	p[1] = type;
	put_be16(p + 2, (uint16_t)(8 + n));
	put_be32(p + 4, xid);
	return p + 8;
}

static void send_message(struct sw *s, uint8_t type, uint32_t xid, const void *body, size_t n)
{
	uint8_t *p = message(s, type, xid, n);

	if (n)
		memcpy(p, body, n);
}

/* ---- management messages (protobuf, ofproto/weft.proto) ---- */

static void varint(struct buffer *b, uint64_t v)
{
	for (; v > 0x7f; v >>= 7)
		*grow(b, 1) = (uint8_t)(v | 0x80);
	*grow(b, 1) = (uint8_t)v;
}

static void number(struct buffer *b, unsigned int field, uint64_t v)
{
	varint(b, field << 3);
	varint(b, v);
}

static void data(struct buffer *b, unsigned int field, const void *p, size_t n)
{
	varint(b, field << 3 | 2);
	varint(b, n);
	add(b, p, n);
}

static void text(struct buffer *b, unsigned int field, const char *s)
{
	data(b, field, s, strlen(s));
}

static void manage(struct sw *s, uint32_t xid, const struct buffer *b)
{
	uint8_t *p = message(s, OFPT_EXPERIMENTER, xid, 8 + b->n);

	put_be32(p, WEFT);
	put_be32(p + 4, 2);
	memcpy(p + 8, b->p, b->n);
}

static uint64_t dpid(const struct sw *s)
{
	return 0x1000 + s->n;
}

static void say_info(struct sw *s, uint32_t xid)
{
	struct buffer info = { NULL }, b = { NULL };
	char name[32];

	snprintf(name, sizeof(name), "br%u", s->n);
	text(&info, 1, name);
	snprintf(name, sizeof(name), "bench%u", s->n);
	text(&info, 2, name);
	text(&info, 3, "bench");
	number(&info, 5, dpid(s));
	data(&b, 4, info.p, info.n);
	manage(s, xid, &b);
	free(info.p);
	free(b.p);
}

static void port(struct buffer *list, const struct sw *s, const struct plugged *p)
{
	const uint8_t mac[6] = { 2, 0, 0, 0, (uint8_t)(p->ofport >> 8), (uint8_t)p->ofport };
	struct buffer b = { NULL }, vx = { NULL };
	char name[32];

	snprintf(name, sizeof(name), "p%u", p->ofport);
	text(&b, 1, name);
	number(&b, 2, p->ofport);
	text(&b, 5, *p->name ? p->name : name);
	number(&b, 10, 1500);
	number(&b, 11, 1);
	number(&b, 12, 1);
	data(&b, 13, mac, 6);
	if (p->ofport == 1) {
		snprintf(name, sizeof(name), "198.18.%u.%u", s->n >> 8, s->n & 255);
		text(&vx, 1, name);
		text(&vx, 2, "flow");
		text(&vx, 3, "flow");
		data(&b, 16, vx.p, vx.n);
	}
	data(list, 1, b.p, b.n);
	free(b.p);
	free(vx.p);
}

/* 'one': that port alone; 0: all. */
static void say_ports(struct sw *s, uint32_t xid, uint32_t one)
{
	for (size_t i = 0; i < s->n_ports;) {
		struct buffer list = { NULL }, b = { NULL };

		for (size_t k = 0; k < PORTS_A_PART && i < s->n_ports; i++)
			if (!one || s->ports[i].ofport == one) {
				port(&list, s, &s->ports[i]);
				k++;
			}
		if (i < s->n_ports)
			number(&b, 3, 1); /* more */
		data(&b, 6, list.p, list.n);
		manage(s, xid, &b);
		free(list.p);
		free(b.p);
	}
}

static void asked(struct sw *s, uint32_t xid, const uint8_t *p, size_t n)
{
	uint32_t one = 0;

	if (p[0] >> 3 == 1)
		say_info(s, xid);
	if (p[0] >> 3 != 4)
		return;
	for (size_t i = 3; p[1] && i < n; i++)
		one |= (uint32_t)(p[i] & 0x7f) << 7 * (i - 3);
	say_ports(s, xid, one);
}

/* ---- readings ---- */

/* As a flow's or a group's description; its length. */
static size_t describe(const struct blob *blob, uint8_t *to)
{
	static uint8_t wire[OF_MSG_MAX];
	uint16_t n = blob_message(NULL, blob, 0, wire);

	if (blob_is_group(blob)) {
		put_be16(to, (uint16_t)(n - 8));
		to[2] = wire[10];
		to[3] = 0;
		memcpy(to + 4, wire + 12, n - 12u);
		return n - 8u;
	}
	memset(to, 0, 48);
	put_be16(to, n);
	to[2] = wire[24];
	put_be32(to + 4, 1);
	memcpy(to + 12, wire + 30, 2);
	memcpy(to + 14, wire + 26, 4);
	memcpy(to + 18, wire + 44, 2);
	memcpy(to + 24, wire + 8, 8);
	memcpy(to + 48, wire + 48, n - 48u);
	return n;
}

/* One part of the answer. */
static void read_on(struct sw *s, struct reading *r)
{
	static uint8_t part[8 + PART + OF_MSG_MAX], one[OF_MSG_MAX + 64];
	size_t n = 8;

	memset(part, 0, 8);
	put_be16(part, r->kind);
	for (; r->slot < s->flows.n_slots; r->slot++) {
		const struct held *h = (struct held *)s->flows.slots[r->slot];
		size_t size;

		if (!h || blob_is_group(h->blob) != (r->kind == GROUP))
			continue;
		size = describe(h->blob, one);
		if (n > 8 && n + size > PART)
			break;
		memcpy(part + n, one, size);
		n += size;
	}
	put_be16(part + 2, r->slot < s->flows.n_slots);
	send_message(s, OFPT_MULTIPART_REPLY, r->xid, part, n);
	if (r->slot >= s->flows.n_slots)
		r->kind = 0;
}

static void read_begin(struct sw *s, uint32_t xid, uint16_t kind)
{
	struct reading *r = &s->readings[s->readings[0].kind ? 1 : 0];

	*r = (struct reading){ .xid = xid, .kind = kind };
}

/* ---- what changes them ---- */

static void seen(const struct sw *s, const struct blob *b)
{
	static const uint8_t eth_dst[4] = { 0x80, 0x00, 0x06, 0x06 };
	static uint8_t wire[OF_MSG_MAX];
	const uint8_t *at;
	uint16_t n;

	for (size_t i = 0; i < watch.n; i++) {
		if (watch.sws[i] != s->n || blob_is_group(b) ||
		    blob_table(b) != stages[STAGE_l2].table)
			continue;
		n = blob_message(NULL, b, 0, wire);
		at = memmem(wire + 48, n - 48u, eth_dst, 4);
		if (!at || memcmp(at + 4, watch.mac, 6) != 0)
			continue;
		printf("seen %02x:%02x:%02x:%02x:%02x:%02x %u %.9f\n", watch.mac[0], watch.mac[1],
		       watch.mac[2], watch.mac[3], watch.mac[4], watch.mac[5], s->n, now());
		watch.sws[i] = watch.sws[--watch.n];
		return;
	}
}

static struct held *find(const struct sw *s, const struct blob *b)
{
	uint32_t hash = blob_key_hash(b), at = hash;
	struct held *h;

	while ((h = (struct held *)hashset_next(&s->flows, hash, &at)) &&
	       !blob_same_key(h->blob, b))
		;
	return h;
}

static void changed(struct sw *s, const uint8_t *m, uint16_t n)
{
	struct blob *b = blob_get(m, n, NULL);
	bool group = blob_is_group(b), gone = group ? get_be16(m + 8) == 2 : m[25] >= 3;
	struct held *h = find(s, b);

	mods++;
	last = now();
	if (gone) {
		blob_put(b);
		if (!h)
			return;
		hashset_del(&s->flows, &h->hashed);
		blob_put(h->blob);
		free(h);
		s->n_groups -= group;
		return;
	}
	if (!h) {
		h = mem_get(sizeof(*h));
		h->hashed.hash = blob_key_hash(b);
		mem_check(!hashset_add(&s->flows, &h->hashed));
		s->n_groups += group;
	} else {
		blob_put(h->blob);
	}
	h->blob = b;
	seen(s, b);
}

static void experimenter(struct sw *s, const uint8_t *m, uint16_t n, uint32_t xid)
{
	uint32_t who = get_be32(m + 8), what = get_be32(m + 12);
	uint8_t reply[16];

	if (who == WEFT) {
		asked(s, xid, m + 16, n - 16u);
	} else if (who == ONF && what == 2300) {
		memcpy(reply, m + 8, 16);
		put_be16(reply + 12, (uint16_t)(get_be16(m + 20) + 1));
		send_message(s, OFPT_EXPERIMENTER, xid, reply, 16);
	} else if (who == ONF && what == 2301) {
		changed(s, m + 24, get_be16(m + 26));
	}
}

static void take(struct sw *s, const uint8_t *m, uint16_t n)
{
	uint32_t xid = get_be32(m + 4);
	uint8_t *p;

	switch (m[1]) {
	case OFPT_ECHO_REQUEST:
		send_message(s, OFPT_ECHO_REPLY, xid, m + 8, n - 8u);
		break;
	case OFPT_FEATURES_REQUEST:
		p = message(s, OFPT_FEATURES_REPLY, xid, 24);
		memset(p, 0, 24);
		put_be64(p, dpid(s));
		p[12] = 254;
		put_be32(p + 16, 0x4f);
		break;
	case OFPT_GET_CONFIG_REQUEST:
		send_message(s, OFPT_GET_CONFIG_REPLY, xid, "\0\0\xff\xff", 4);
		break;
	case OFPT_BARRIER_REQUEST:
		send_message(s, OFPT_BARRIER_REPLY, xid, NULL, 0);
		break;
	case OFPT_MULTIPART_REQUEST:
		read_begin(s, xid, get_be16(m + 8));
		break;
	case OFPT_FLOW_MOD:
	case OFPT_GROUP_MOD:
		changed(s, m, n);
		break;
	case OFPT_EXPERIMENTER:
		experimenter(s, m, n, xid);
		break;
	default:
		break;
	}
}

/* ---- sessions ---- */

static void drop(struct sw *s)
{
	close(s->fd);
	s->fd = -1;
	s->in.n = s->out.n = 0;
	s->writing = false;
	memset(s->readings, 0, sizeof(s->readings));
}

static void flush(struct sw *s)
{
	struct epoll_event e = { .data.u32 = s->n };
	ssize_t sent;

	for (;;) {
		while (s->readings[0].kind && s->out.n < OUT_MAX) {
			read_on(s, &s->readings[0]);
			if (!s->readings[0].kind) {
				s->readings[0] = s->readings[1];
				s->readings[1].kind = 0;
			}
		}
		if (!s->out.n)
			break;
		sent = send(s->fd, s->out.p, s->out.n, MSG_NOSIGNAL);
		if (sent < 0) {
			if (errno != EAGAIN)
				drop(s);
			break;
		}
		s->out.n -= (size_t)sent;
		memmove(s->out.p, s->out.p + sent, s->out.n);
	}
	if (s->fd < 0 || s->writing == !!s->out.n)
		return;
	s->writing = s->out.n;
	e.events = EPOLLIN | (s->writing ? EPOLLOUT : 0);
	epoll_ctl(ep, EPOLL_CTL_MOD, s->fd, &e);
}

static void readable(struct sw *s)
{
	size_t at = 0, n;
	ssize_t got;

	grow(&s->in, 1 << 16);
	s->in.n -= 1 << 16;
	got = recv(s->fd, s->in.p + s->in.n, 1 << 16, 0);
	if (got <= 0) {
		if (!got || errno != EAGAIN)
			drop(s);
		return;
	}
	s->in.n += (size_t)got;
	while (s->in.n - at >= 8) {
		n = get_be16(s->in.p + at + 2);
		if (n < 8 || s->in.n - at < n)
			break;
		take(s, s->in.p + at, (uint16_t)n);
		at += n;
	}
	s->in.n -= at;
	memmove(s->in.p, s->in.p + at, s->in.n);
	flush(s);
}

static void connect_one(struct sw *s, uint16_t to)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(to) };
	struct epoll_event e = { .events = EPOLLIN, .data.u32 = s->n };
	int on = 1;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (s->fd < 0 || connect(s->fd, (struct sockaddr *)&a, sizeof(a)))
		die("connect");
	setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	fcntl(s->fd, F_SETFL, O_NONBLOCK);
	if (epoll_ctl(ep, EPOLL_CTL_ADD, s->fd, &e))
		die("epoll");
	send_message(s, OFPT_HELLO, 1, NULL, 0);
	flush(s);
}

/* ---- commands ---- */

static void plug(struct sw *s, uint32_t ofport, const char *name)
{
	struct plugged *p;
	uint8_t *m;

	if (!(s->n_ports & (s->n_ports - 1)))
		s->ports = realloc(s->ports, (s->n_ports ? 2 * s->n_ports : 1) * sizeof(*s->ports));
	if (!s->ports)
		die("memory");
	p = &s->ports[s->n_ports++];
	p->ofport = ofport;
	snprintf(p->name, sizeof(p->name), "%s", name);
	if (s->fd < 0)
		return;
	m = message(s, OFPT_PORT_STATUS, 0, 72);
	memset(m, 0, 72);
	put_be32(m + 8, ofport);
	m[16] = 2;
	snprintf((char *)m + 24, 16, "p%u", ofport);
	flush(s);
}

static void state(void)
{
	uint64_t flows = 0, groups = 0, sum = 0;
	unsigned int up = 0;

	for (unsigned int i = 0; i < n_sws; i++) {
		const struct sw *s = &sws[i];

		up += s->fd >= 0;
		flows += s->flows.n - s->n_groups;
		groups += s->n_groups;
		for (uint32_t k = 0; k < s->flows.n_slots; k++)
			if (s->flows.slots[k])
				sum += ((struct held *)s->flows.slots[k])->blob->hashed.hash *
				       (uint64_t)(2 * i + 1);
	}
	printf("state %u %llu %llu %llu %llu %.9f\n", up, (unsigned long long)mods,
	       (unsigned long long)flows, (unsigned long long)groups, (unsigned long long)sum,
	       last);
}

static void command(char *line)
{
	char *word = strtok(line, " \n"), *args[9];
	int n = 0;

	while (n < 9 && (args[n] = strtok(NULL, " \n")))
		n++;
	if (!word)
		return;
	if (!strcmp(word, "connect") && n == 1) {
		for (unsigned int i = 0; i < n_sws; i++)
			connect_one(&sws[i], (uint16_t)atoi(args[0]));
	} else if (!strcmp(word, "plug") && n == 3) {
		plug(&sws[(unsigned int)atoi(args[0]) % n_sws], (uint32_t)atoi(args[1]), args[2]);
	} else if (!strcmp(word, "watch") && n > 1) {
		for (int i = 0; i < 6; i++)
			watch.mac[i] = (uint8_t)strtoul(args[0] + 3 * i, NULL, 16);
		for (watch.n = 0; (int)watch.n < n - 1; watch.n++)
			watch.sws[watch.n] = (unsigned int)atoi(args[1 + watch.n]);
	} else if (!strcmp(word, "state")) {
		state();
	}
}

static bool commands(void)
{
	static char buf[1 << 16];
	static size_t have;
	ssize_t got = read(0, buf + have, sizeof(buf) - have);
	char *end;

	if (got <= 0)
		return false;
	have += (size_t)got;
	while ((end = memchr(buf, '\n', have))) {
		size_t n = (size_t)(end + 1 - buf);

		*end = '\0';
		command(buf);
		have -= n;
		memmove(buf, end + 1, have);
	}
	return true;
}

int main(int argc, char **argv)
{
	struct rlimit files = { 4096, 4096 };
	struct epoll_event e = { .events = EPOLLIN, .data.u32 = UINT32_MAX }, got[64];

	if (argc != 2 || !(n_sws = (unsigned int)atoi(argv[1])) || n_sws > 4000) {
		fprintf(stderr, "usage: fleet SWITCHES\n");
		return 2;
	}
	setrlimit(RLIMIT_NOFILE, &files);
	setvbuf(stdout, NULL, _IOLBF, 0);
	sws = mem_array(n_sws, sizeof(*sws));
	ep = epoll_create1(0);
	if (ep < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, 0, &e))
		die("epoll");
	for (unsigned int i = 0; i < n_sws; i++) {
		sws[i].n = i;
		sws[i].fd = -1;
		plug(&sws[i], 1, "");
	}
	for (;;) {
		int n = epoll_wait(ep, got, 64, -1);

		for (int i = 0; i < n; i++) {
			struct sw *s = got[i].data.u32 < n_sws ? &sws[got[i].data.u32] : NULL;

			if (!s && !commands())
				return 0;
			if (s && s->fd >= 0 && got[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
				readable(s);
			if (s && s->fd >= 0 && got[i].events & EPOLLOUT)
				flush(s);
		}
	}
}

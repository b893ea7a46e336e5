/* SPDX-License-Identifier: Apache-2.0 */
/* Listening and measuring: monitor, snoop, probe, ping, benchmark. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>

#include "cli/ofctl.h"

static void print_time(FILE *f)
{
	struct timeval now;
	struct tm tm;
	char text[32];

	if (!ofctl_options.timestamp)
		return;
	gettimeofday(&now, NULL);
	localtime_r(&now.tv_sec, &tm);
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	fprintf(f, "%s.%03ld: ", text, (long)now.tv_usec / 1000);
}

/* ---- monitor ---- */

static void confirm(struct ofctl_conn *c, const void *body)
{
	struct ofctl_mods m;

	ofctl_mods_init(&m, NULL);
	ofctl_mods_add(&m, body, 0);
	if (ofctl_mods_send(&m, c, false))
		exit(1);
}

static void set_miss_len(struct ofctl_conn *c, uint16_t len)
{
	struct of_get_config_request q = { .kind = OF_KIND_get_config_request };
	struct of_set_config set = { .kind = OF_KIND_set_config, .miss_send_len = len };
	const struct of_msg *m;
	struct arena a;

	arena_init(&a, 0);
	m = ofctl_ask(c, &q, &a, false);
	if (m->body->kind == OF_KIND_get_config_reply)
		set.flags = ((const struct of_get_config_reply *)m->body)->flags;
	confirm(c, &set);
	arena_fini(&a);
}

/* Asks for packets whose TTL ran out too. */
static void want_invalid_ttl(struct ofctl_conn *c)
{
	struct of_get_async_request q = { .kind = OF_KIND_get_async_request };
	struct of_set_async set;
	const struct of_msg *m;
	struct arena a;

	arena_init(&a, 0);
	m = ofctl_ask(c, &q, &a, false);
	if (m->body->kind != OF_KIND_get_async_reply)
		ofctl_die("%s does not tell its asynchronous configuration", ofctl_target(c));
	memcpy(&set, m->body, sizeof(set)); /* the two are alike */
	set.kind = OF_KIND_set_async;
	set.packet_in_mask[0] |= 1u << OFPR_INVALID_TTL;
	confirm(c, &set);
	arena_fini(&a);
}

static void print_msg(struct ofctl_conn *c, FILE *f, const struct of_msg *m)
{
	struct of_text_opts o = ofctl_text(c);

	print_time(f);
	of_format_msg(f, m, &o);
	fflush(f);
}

/* There is no answer unless it is refused: a barrier's comes after that.  Whether it was taken. */
static bool set_packet_in_format(struct ofctl_conn *c, uint32_t format)
{
	const struct of_nx_set_packet_in_format set = { .kind = OF_KIND_nx_set_packet_in_format,
							.format = format };
	const struct of_experimenter_msg x = { .kind = OF_KIND_experimenter_msg,
					       .body = (struct of_any *)&set };
	const struct of_barrier_request barrier = { .kind = OF_KIND_barrier_request };
	uint32_t xid = ofctl_send(c, &x), end = ofctl_send(c, &barrier);
	const struct of_msg *m;
	bool taken = true;
	struct arena a;

	arena_init(&a, 0);
	do {
		arena_reset(&a);
		m = ofctl_recv(c, &a);
		if (m->type == OFPT_ERROR && m->xid == xid)
			taken = false;
		else if (m->xid != end)
			print_msg(c, stderr, m); /* it is what was asked for, already */
	} while (m->xid != end);
	arena_fini(&a);
	return taken;
}

static void choose_packet_in_format(struct ofctl_conn *c)
{
	const int wanted = ofctl_options.packet_in_format;

	if (wanted < 0)
		set_packet_in_format(c, NX_PACKET_IN_NXT2);
	else if (!set_packet_in_format(c, (uint32_t)wanted))
		ofctl_die("%s: failed to set packet in format to %s", ofctl_target(c),
			  of_packet_in_format_name((uint32_t)wanted));
}

/* A packet that waits is sent on as it came: the message goes back under another name. */
static void resume(struct ofctl_conn *c, const struct of_msg *m)
{
	const struct of_experimenter_msg *x = (const struct of_experimenter_msg *)m->body;
	struct of_nx_resume r = { .kind = OF_KIND_nx_resume };
	const struct of_experimenter_msg out = { .kind = OF_KIND_experimenter_msg,
						 .body = (struct of_any *)&r };

	if (m->type != OFPT_EXPERIMENTER || !x || x->kind != OF_KIND_experimenter_msg || !x->body ||
	    x->body->kind != OF_KIND_nx_packet_in2)
		return;
	r.properties = ((const struct of_nx_packet_in2 *)x->body)->properties;
	for (uint32_t i = 0; i < r.properties.n; i++)
		if (r.properties.v[i]->kind == OF_KIND_nx_pin_continuation) {
			ofctl_send(c, &out);
			return;
		}
}

__attribute__((noreturn)) static void print_for_ever(struct ofctl_conn *c, FILE *f, bool resumes)
{
	struct arena a;

	arena_init(&a, 0);
	for (;;) {
		const struct of_msg *m;

		arena_reset(&a);
		m = ofctl_recv(c, &a);
		print_msg(c, f, m);
		if (resumes)
			resume(c, m);
	}
}

int ofctl_monitor(int argc, char **argv)
{
	bool invalid_ttl = false, resumes = false;
	long miss_len = -1;
	struct ofctl_conn *c;

	for (int i = 2; i < argc; i++) {
		char *end;

		if (!strncmp(argv[i], "watch:", 6))
			continue;
		if (!strcmp(argv[i], "invalid_ttl")) {
			invalid_ttl = true;
			continue;
		}
		if (!strcmp(argv[i], "resume")) {
			resumes = true;
			continue;
		}
		miss_len = strtol(argv[i], &end, 0);
		if (end == argv[i] || *end || miss_len < 0 || miss_len > UINT16_MAX)
			ofctl_die("%s: expected a miss_len (0 to 65535), invalid_ttl, "
				  "resume or watch:",
				  argv[i]);
	}
	c = ofctl_connect(argv[1]);
	/* First: a switch may send packets as soon as it knows how much of them is wanted. */
	choose_packet_in_format(c);
	if (miss_len >= 0)
		set_miss_len(c, (uint16_t)miss_len);
	if (invalid_ttl)
		want_invalid_ttl(c);
	for (int i = 2; i < argc; i++)
		if (!strncmp(argv[i], "watch:", 6))
			ofctl_watch(c, argv[i] + 6);
	print_for_ever(c, stderr, resumes);
}

/* ---- snoop: what passes between a switch and its controllers ---- */

int ofctl_snoop(int argc, char **argv)
{
	const char *dir = getenv("WEFT_RUNDIR");
	char path[108];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s.snoop", dir && *dir ? dir : "/run/weft", argv[1]);
	if (strchr(argv[1], ':') || strchr(argv[1], '/') || stat(path, &st))
		snprintf(path, sizeof(path), "%s", argv[1]);
	print_for_ever(ofctl_connect(path), stderr, false);
}

/* ---- Echoes ---- */

/* One echo of 'n' random bytes; seconds until its reply, whose xid is stored. */
static double echo(struct ofctl_conn *c, size_t n, uint32_t *xid)
{
	static uint8_t payload[OF_MSG_MAX];
	struct of_echo_request q = { .kind = OF_KIND_echo_request,
				     .data = { (uint32_t)n, payload } };
	const struct of_echo_reply *r;
	struct timespec t0, t1;
	const struct of_msg *m;
	struct arena a;

	for (size_t i = 0; i < n; i++)
		payload[i] = (uint8_t)random();
	arena_init(&a, 0);
	clock_gettime(CLOCK_MONOTONIC, &t0);
	m = ofctl_ask(c, &q, &a, true);
	clock_gettime(CLOCK_MONOTONIC, &t1);
	r = (const struct of_echo_reply *)m->body;
	if (m->type != OFPT_ECHO_REPLY || r->data.n != n || (n && memcmp(r->data.p, payload, n))) {
		printf("Reply does not match request.  Reply:\n");
		of_format_msg(stdout, m, NULL);
		exit(1);
	}
	*xid = m->xid;
	arena_fini(&a);
	return (double)(t1.tv_sec - t0.tv_sec) + (double)(t1.tv_nsec - t0.tv_nsec) / 1e9;
}

static size_t payload_size(const char *s)
{
	char *end;
	unsigned long n = strtoul(s, &end, 10);

	if (end == s || *end || n > OF_MSG_MAX - OF_HEADER_LEN)
		ofctl_die("%s: a payload is 0 to %d bytes", s, OF_MSG_MAX - OF_HEADER_LEN);
	return n;
}

int ofctl_probe(int argc, char **argv)
{
	struct ofctl_conn *c = ofctl_connect(argv[1]);
	uint32_t xid;

	echo(c, 0, &xid);
	ofctl_close(c);
	return 0;
}

int ofctl_ping(int argc, char **argv)
{
	size_t n = argc > 2 ? payload_size(argv[2]) : 64;
	struct ofctl_conn *c = ofctl_connect(argv[1]);

	for (int i = 0; i < 10; i++) {
		uint32_t xid;
		double t = echo(c, n, &xid);

		printf("%zu bytes from %s: xid=%08x time=%.1f ms\n", n, argv[1], xid, t * 1e3);
	}
	ofctl_close(c);
	return 0;
}

int ofctl_benchmark(int argc, char **argv)
{
	size_t n = payload_size(argv[2]);
	unsigned long count = strtoul(argv[3], NULL, 10), total = count * (n + OF_HEADER_LEN);
	struct ofctl_conn *c = ofctl_connect(argv[1]);
	double t = 0;

	printf("Sending %lu packets * %zu bytes (with header) = %lu bytes total\n", count,
	       n + OF_HEADER_LEN, total);
	for (unsigned long i = 0; i < count; i++) {
		uint32_t xid;

		t += echo(c, n, &xid);
	}
	printf("Finished in %.1f ms (%.0f packets/s) (%.0f bytes/s)\n", t * 1e3,
	       t > 0 ? (double)count / t : 0, t > 0 ? (double)total / t : 0);
	ofctl_close(c);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random sessions with the agent of a whole switch: good messages and bad ones, in any order and
 * in pieces of any size, on up to three connections, read or not, closed in the middle or not.
 *
 * After each session: there are no more flows, groups and meters than messages that were not
 * refused can have made; after some, all is deleted and nothing is left.  At the end: as many
 * descriptors as before, and no more memory.  SESSIONS and SEED are taken from the environment.
 * Spec: 6.2 Message handling: random sessions of good and bad messages
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <dirent.h>
#include <errno.h>
#include <malloc.h>
#include <time.h>

#include <cmocka.h>

#include "datapath/table_caps.h"
#include "tests/fuzz/agent_rig.h"
#include "tests/unit/datapath_random.h"
#include "tests/vectors/vector.h"

enum {
	SESSIONS = 1500,   /* unless told otherwise */
	WARM_UP = 500,	   /* sessions after which memory is taken for what it needs */
	CONNS = 3,	   /* at a time */
	CLEAR_EVERY = 20,  /* sessions */
	MESSAGES_MAX = 60, /* of one session */
	VECTORS_MAX = 240,
	GROWTH = 16 << 20, /* bytes that may come from nowhere: caches, fragments of the heap */
};

static struct vector vectors[VECTORS_MAX];
static unsigned int n_vectors;

/* What may have been made since all was deleted. */
static struct {
	uint64_t flows, groups, meters;
	bool anything; /* lengths were wrong: who knows where a message began */
} made;

static struct {
	uint64_t sessions, messages, errors, replies, bytes, broken, restored;
	uint64_t flows, groups, meters; /* that were there at a session's end */
} sum;

struct peer {
	int fd;
	bool reads;
	size_t have;
	uint8_t in[1 << 17];
	/* By xid: what the message can make if it is not refused. */
	struct note {
		uint8_t flows, groups, meters;
	} notes[MESSAGES_MAX + 1];
	uint32_t n;
};

static struct peer peers[CONNS];

/* Messages that no vector has, made of those that are there. */
static void add_vector(const char *like, size_t at, uint64_t value, unsigned int size)
{
	struct vector *v = &vectors[n_vectors];
	char path[128];

	snprintf(path, sizeof(path), "tests/vectors/%s.hex", like);
	assert_true(n_vectors < VECTORS_MAX && !vector_load(path, v) && at + size <= v->n);
	for (unsigned int i = 0; i < size; i++)
		v->bytes[at + i] = (uint8_t)(value >> 8 * (size - 1 - i));
	n_vectors++;
}

static void more_vectors(void)
{
	for (uint16_t type = OFPBCT_CLOSE_REQUEST; type <= OFPBCT_DISCARD_REQUEST; type += 2) {
		add_vector("bundle_open", 16, 7, 4); /* as bundle_add has it, */
		add_vector("bundle_open", 20, (uint64_t)type << 16 | 3, 4);
		add_vector("bundle_open", 16, 7ull << 32 | (uint64_t)type << 16 | 3, 8);
	}
	for (uint32_t role = 0; role < 4; role++)
		add_vector("role_request", 8, role, 4);
	add_vector("mp_table_features_reply", 1, OFPT_MULTIPART_REQUEST, 1);
	add_vector("set_config", 8, 0xffff, 4);
	for (uint32_t id = 1; id < 4; id++) {
		add_vector("group_mod_delete", 12, id, 4);
		add_vector("group_mod", 12, id, 4);
		add_vector("meter_mod", 12, id, 4);
	}
}

/* A pipeline of a few tables, as the switch itself would describe them. */
static void add_pipeline(unsigned int n)
{
	struct of_mp_table_features_request q = { .kind = OF_KIND_mp_table_features_request };
	struct of_multipart_request mr = { .kind = OF_KIND_multipart_request,
					   .type = OFPMP_TABLE_FEATURES,
					   .body = (struct of_any *)&q };
	struct of_msg m = { .version = OF_VERSION_13, .body = (struct of_any *)&mr };
	struct vector *v = &vectors[n_vectors++];
	struct table_caps caps;
	struct arena a;
	int len;

	assert_true(n_vectors <= VECTORS_MAX);
	arena_init(&a, 0);
	for (unsigned int i = 0; i < n; i++) {
		struct of_table_features *t = OF_NEW(&a, table_features);

		t->table_id = (uint8_t)i;
		table_caps_default(rig.dp, (uint8_t)i, &caps);
		/* Nowhere to go but where there are tables. */
		for (unsigned int k = n; k < N_TABLES; k++) {
			caps.can.props[0].next[k / 64] &= ~(1ull << k % 64);
			caps.can.props[1].next[k / 64] &= ~(1ull << k % 64);
		}
		assert_false(table_caps_put(&caps, t, &a));
		assert_false(of_list_add(&q.tables, &a, (struct of_any *)t));
	}
	*v = (struct vector){ .bytes = malloc(OF_MSG_MAX) };
	len = of_encode(&m, v->bytes, OF_MSG_MAX, NULL);
	assert_true(len > 0);
	v->n = (size_t)len;
	arena_fini(&a);
}

static bool is_request(const struct vector *v)
{
	const uint32_t requests =
		1u << OFPT_ECHO_REQUEST | 1u << OFPT_EXPERIMENTER | 1u << OFPT_FEATURES_REQUEST |
		1u << OFPT_GET_CONFIG_REQUEST | 1u << OFPT_SET_CONFIG | 1u << OFPT_PACKET_OUT |
		1u << OFPT_FLOW_MOD | 1u << OFPT_GROUP_MOD | 1u << OFPT_PORT_MOD |
		1u << OFPT_TABLE_MOD | 1u << OFPT_MULTIPART_REQUEST | 1u << OFPT_BARRIER_REQUEST |
		1u << OFPT_QUEUE_GET_CONFIG_REQUEST | 1u << OFPT_ROLE_REQUEST |
		1u << OFPT_GET_ASYNC_REQUEST | 1u << OFPT_SET_ASYNC | 1u << OFPT_METER_MOD;

	return v->bytes[1] < 32 && requests >> v->bytes[1] & 1;
}

/* Mostly what a controller sends; once in a while what a switch does. */
static const struct vector *pick_vector(void)
{
	const struct vector *v;

	do
		v = &vectors[below(n_vectors)];
	while (!is_request(v) && !one_in(20));
	return v;
}

static void load_vectors(void)
{
	glob_t g;

	assert_int_equal(glob(VECTOR_GLOB, 0, NULL, &g), 0);
	for (size_t i = 0; i < g.gl_pathc && n_vectors < VECTORS_MAX; i++) {
		if (vector_load(g.gl_pathv[i], &vectors[n_vectors]))
			continue;
		if (vectors[n_vectors].n >= OF_HEADER_LEN)
			n_vectors++;
		else
			vector_free(&vectors[n_vectors]);
	}
	globfree(&g);
	assert_true(n_vectors > 50);
	more_vectors();
}

/* ---- One message ---- */

static uint8_t odd_byte(void)
{
	static const uint8_t odd[] = { 0, 1, 2, 4, 7, 8, 16, 24, 63, 64, 127, 128, 253, 254, 255 };

	return one_in(2) ? PICK(odd) : (uint8_t)rnd();
}

static size_t cut_out(uint8_t *m, size_t n, size_t at, size_t len)
{
	if (len > n - at)
		len = n - at;
	memmove(m + at, m + at + len, n - at - len);
	return n - len;
}

static size_t put_in(uint8_t *m, size_t n, size_t at, const uint8_t *p, size_t len)
{
	if (n + len > OF_MSG_MAX)
		return n;
	memmove(m + at + len, m + at, n - at);
	memmove(m + at, p, len);
	return n + len;
}

static size_t mutate(uint8_t *m, size_t n)
{
	static const uint32_t words[] = { 0, 1, 0x7fffffff, 0xfffffffc, 0xfffffffd, 0xffffffff };
	const struct vector *v = &vectors[below(n_vectors)];
	size_t at;

	if (n <= OF_HEADER_LEN)
		return n;
	at = OF_HEADER_LEN + below((uint32_t)n - OF_HEADER_LEN);
	switch (below(6)) {
	case 0:
		m[at] = odd_byte();
		return n;
	case 1:
		if (n - at >= 4)
			put_be32(m + at, PICK(words));
		return n;
	case 2:
		return cut_out(m, n, at, 1 + below(24));
	case 3: {
		uint8_t again[40];
		size_t len = 8 * (1 + below(5));

		if (len > n - at)
			return n;
		memcpy(again, m + at, len);
		return put_in(m, n, at, again, len);
	}
	case 4: {
		uint32_t from = below((uint32_t)v->n);
		size_t len = 1 + below(64);

		return put_in(m, n, at, v->bytes + from, len > v->n - from ? v->n - from : len);
	}
	default:
		return at;
	}
}

static struct note note_of(const uint8_t *m, size_t n)
{
	struct note v = { 0 };

	if (m[1] == OFPT_EXPERIMENTER && n >= 32 && get_be32(m + 12) == 2301)
		m += 24; /* what is in a bundle counts as if it were committed */
	if (m[1] == OFPT_FLOW_MOD)
		v.flows = 1;
	else if (m[1] == OFPT_GROUP_MOD || m[1] == OFPT_EXPERIMENTER)
		v.groups = 1;
	else if (m[1] == OFPT_METER_MOD)
		v.meters = 1;
	return v;
}

/* A message into 'm', with good framing if 'mended'. */
static size_t compose(uint8_t *m, uint32_t xid, bool mended)
{
	const struct vector *v = pick_vector();
	size_t n = v->n;

	memcpy(m, v->bytes, n);
	if (one_in(3))
		for (uint32_t i = 1 + below(3); i; i--)
			n = mutate(m, n);
	if (n > v->n && n > OF_MSG_MAX)
		n = OF_MSG_MAX;
	put_be32(m + 4, xid);
	if (n >= 32 && m[1] == OFPT_EXPERIMENTER && get_be32(m + 12) == 2301 && !one_in(8))
		put_be32(m + 28, xid);
	if (mended) {
		m[0] = OF_VERSION_13;
		put_be16(m + 2, (uint16_t)n);
	}
	return n;
}

/* ---- A connection ---- */

static void heard(struct peer *p, const uint8_t *m)
{
	const uint32_t xid = get_be32(m + 4);

	sum.replies++;
	if (m[1] != OFPT_ERROR)
		return;
	sum.errors++;
	if (xid <= p->n)
		p->notes[xid] = (struct note){ 0 };
}

static void listen_to(struct peer *p)
{
	size_t at = 0;
	ssize_t got;

	while (p->reads &&
	       (got = recv(p->fd, p->in + p->have, sizeof(p->in) - p->have, MSG_DONTWAIT)) > 0) {
		sum.bytes += (size_t)got;
		p->have += (size_t)got;
		for (at = 0; p->have - at >= OF_HEADER_LEN; at += get_be16(p->in + at + 2)) {
			size_t n = get_be16(p->in + at + 2);

			assert_true(n >= OF_HEADER_LEN); /* what the switch sends is in step */
			if (n > p->have - at)
				break;
			heard(p, p->in + at);
		}
		memmove(p->in, p->in + at, p->have - at);
		p->have -= at;
	}
}

static void turn(void)
{
	agent_rig_turn();
	for (unsigned int i = 0; i < CONNS; i++)
		if (peers[i].fd >= 0)
			listen_to(&peers[i]);
}

/* False: the switch has closed, or takes no more. */
static bool give(struct peer *p, const uint8_t *m, size_t n)
{
	for (unsigned int stuck = 0; n && stuck < 8;) {
		size_t piece = one_in(4) ? 1 + below((uint32_t)n) : n;
		ssize_t sent = send(p->fd, m, piece, MSG_NOSIGNAL | MSG_DONTWAIT);

		turn();
		if (sent < 0 && errno != EAGAIN)
			return false;
		stuck = sent < 0 ? stuck + 1 : 0;
		m += sent < 0 ? 0 : sent;
		n -= sent < 0 ? 0 : (size_t)sent;
	}
	return !n;
}

static void hang_up(struct peer *p)
{
	for (uint32_t i = 1; i <= p->n; i++) {
		made.flows += p->notes[i].flows;
		made.groups += p->notes[i].groups;
		made.meters += p->notes[i].meters;
	}
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
}

static void call(struct peer *p)
{
	static const uint8_t hello[] = { 4, 0, 0, 16, 0, 0, 0, 0, 0, 1, 0, 8, 0, 0, 0, 0x10 };

	p->fd = agent_rig_connect();
	p->have = p->n = 0;
	p->reads = !one_in(16);
	if (!one_in(64))
		give(p, hello, sizeof(hello));
}

/* ---- A session ---- */

static void session(void)
{
	static uint8_t m[2 * OF_MSG_MAX];
	const bool mended = !one_in(16);
	const uint32_t n_peers = 1 + (one_in(3) ? below(CONNS) : 0);
	uint32_t left = 1 + below(MESSAGES_MAX);

	for (uint32_t i = 0; i < n_peers; i++)
		call(&peers[i]);
	while (left--) {
		struct peer *p = &peers[below(n_peers)];
		size_t n, cut;

		if (p->fd < 0)
			continue;
		n = cut = compose(m, p->n + 1, mended);
		p->notes[++p->n] = note_of(m, n);
		sum.messages++;
		if (one_in(200))
			cut = 1 + below((uint32_t)n); /* and goes in the middle of it */
		if (!give(p, m, cut) || cut < n || one_in(200)) {
			sum.broken++;
			hang_up(p);
		}
	}
	turn();
	turn();
	for (uint32_t i = 0; i < n_peers; i++)
		hang_up(&peers[i]);
	turn();
	turn();
	sum.sessions++;
	sum.flows += agent_rig_flows();
	sum.groups += agent_rig_groups();
	sum.meters += agent_rig_meters();
	made.anything |= !mended;
	if (made.anything)
		return;
	/* Timeouts and deletes make it less, nothing makes it more. */
	assert_true(agent_rig_flows() <= made.flows);
	assert_true(agent_rig_groups() <= made.groups);
	assert_true(agent_rig_meters() <= made.meters);
}

/* All tables, as they are in the beginning: messages take them out of the pipeline. */
static void restore_tables(void)
{
	struct of_list tables = { 0 };
	struct table_caps caps;
	struct of_err e = { 0 };
	bool whole = true;
	struct arena a;

	for (unsigned int i = 0; i < N_TABLES; i++)
		whole = whole && table_caps(rig.dp, (uint8_t)i)->present;
	if (whole)
		return;
	arena_init(&a, 0);
	for (unsigned int i = 0; i < N_TABLES; i++) {
		struct of_table_features *t = OF_NEW(&a, table_features);

		assert_non_null(t);
		t->table_id = (uint8_t)i;
		table_caps_default(rig.dp, (uint8_t)i, &caps);
		assert_false(table_caps_put(&caps, t, &a));
		assert_false(of_list_add(&tables, &a, (struct of_any *)t));
	}
	agent_rig_must(table_caps_set(rig.dp, &tables, &e), "tables are not restored", &e);
	arena_fini(&a);
	sum.restored++;
}

static void clear(void)
{
	restore_tables();
	agent_rig_clear();
	memset(&made, 0, sizeof(made));
}

static unsigned int descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned int n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static size_t allocated(void)
{
	return __sanitizer_get_current_allocated_bytes ? __sanitizer_get_current_allocated_bytes()
						       : mallinfo2().uordblks;
}

static void test_sessions(void **state)
{
	const char *env = getenv("SESSIONS");
	const uint64_t n = env ? strtoull(env, NULL, 10) : SESSIONS;
	unsigned int fds = 0;
	size_t bytes = 0;
	clock_t begin = clock();

	role_assume_control();
	for (unsigned int i = 0; i < CONNS; i++)
		peers[i].fd = -1;
	for (uint64_t i = 0; i < WARM_UP + n; i++) {
		if (i == WARM_UP) {
			clear();
			fds = descriptors();
			bytes = allocated();
		}
		session();
		if (i % CLEAR_EVERY == 0)
			clear();
		if (i % 10000 == 9999)
			print_message("# %llu sessions, %zu bytes\n", (unsigned long long)i,
				      allocated());
	}
	clear();
	print_message(
		"# %llu sessions, %llu messages, %llu errors, %llu answers of %llu bytes, "
		"%llu broken off; %llu flows, %llu groups, %llu meters made, tables restored %llu "
		"times; %.0f s of CPU; memory %+lld bytes\n",
		(unsigned long long)sum.sessions, (unsigned long long)sum.messages,
		(unsigned long long)sum.errors, (unsigned long long)sum.replies,
		(unsigned long long)sum.bytes, (unsigned long long)sum.broken,
		(unsigned long long)sum.flows, (unsigned long long)sum.groups,
		(unsigned long long)sum.meters, (unsigned long long)sum.restored,
		(double)(clock() - begin) / CLOCKS_PER_SEC,
		(long long)allocated() - (long long)bytes);
	assert_true(sum.errors > sum.sessions);
	assert_true(sum.replies - sum.errors > sum.sessions);
	assert_true(sum.flows > sum.sessions && sum.groups && sum.meters);
	assert_int_equal(descriptors(), fds);
	assert_true(allocated() < bytes + GROWTH);
}

static int start(void **state)
{
	const char *env = getenv("SEED");

	rnd_state = env ? strtoull(env, NULL, 0) : 1;
	print_message("# SEED=%llu\n", (unsigned long long)rnd_state);
	role_assume_control();
	agent_rig_start("weft_sessions");
	load_vectors();
	add_pipeline(1);
	add_pipeline(3);
	return 0;
}

static int stop(void **state)
{
	role_assume_control();
	agent_free(rig.agent);
	for (unsigned int i = 0; i < n_vectors; i++)
		vector_free(&vectors[i]);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_sessions) };

	return cmocka_run_group_tests(tests, start, stop);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The region that connections live in, shared with another process: looked at while its maker runs,
 * taken over when it was killed in the middle of things, refused when it is not what it says.
 *
 * The maker is a child that hands its memfd over a socket; this process has never seen its memory
 * but through that.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/datapath_ct_table.h"

enum { N = 3000, MAX = 20000, DEAD_EACH = 10 };

static pid_t child;
static int to_child;

/* ---- The maker ---- */

static void give(int s, int fd)
{
	char c[CMSG_SPACE(sizeof(int))] = { 0 }, byte = 'r';
	struct iovec v = { &byte, 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };

	if (fd >= 0) {
		m.msg_control = c;
		m.msg_controllen = sizeof(c);
		*CMSG_FIRSTHDR(&m) = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int)),
						       .cmsg_level = SOL_SOCKET,
						       .cmsg_type = SCM_RIGHTS };
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&m)), &fd, sizeof(fd));
	}
	if (sendmsg(s, &m, 0) != 1)
		_exit(1);
}

static int taken(int s)
{
	char c[CMSG_SPACE(sizeof(int))], byte;
	struct iovec v = { &byte, 1 };
	struct msghdr m = {
		.msg_iov = &v, .msg_iovlen = 1, .msg_control = c, .msg_controllen = sizeof(c)
	};
	int fd = -1;

	if (recvmsg(s, &m, 0) == 1 && CMSG_FIRSTHDR(&m))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	return fd;
}

/* Each step when it is told to. */
static void maker(int s)
{
	const uint16_t zone = 1;
	struct ct_policy p = { .seconds = { [CT_T_UDP_FIRST] = 300 } };
	struct err e;
	char go;

	role_assume_control();
	role_assume_pmd();
	fresh(MAX);
	now = ct_now(t, rte_rdtsc());
	ct_zone_set_policy(t, &zone, &p, &e);
	ct_zone_set_limit(t, &zone, 1000);
	for (uint32_t i = 0; i < N; i++) {
		struct ct_conn *c = must_make(i, (uint16_t)(i % 4));

		atomic_store(&c->mark, i * 7);
		if (i % DEAD_EACH == 3)
			ct_kill(t, c);
	}
	give(s, ct_fd(t));
	if (read(s, &go, 1) != 1)
		_exit(1);
	must_make(N, 5);
	give(s, -1);
	if (read(s, &go, 1) != 1)
		_exit(1);
	/* In the middle of everything: a slot in hand, a bucket and a connection locked, one half
	 * gone from the index. */
	{
		const struct ct_tuple k = tuple(N + 1, 0), one = tuple(0, 0);
		struct ct_bucket *b = &t->bucket[ct_hash(t, &one) & t->bucket_mask];
		enum drop why;
		uint32_t extra[2];

		slot(&k, &why);
		atomic_fetch_or(&b->link, CT_LOCKED);
		atomic_store(&t->conn[5].lock, 1);
		ct_end(t, &t->conn[6]);
		ct_index_del(t, &t->conn[6], extra);
		atomic_store(&t->conn[6].stage, CT_S_OUT);
		/* Only this process knows by how much its numbers are shifted. */
		atomic_fetch_or(&t->conn[8].flags, CT_F_SEQ_ADJUST);
	}
	give(s, -1);
	pause();
	_exit(1);
}

/* ---- This process ---- */

static void next_step(void)
{
	char byte = 'g';

	assert_int_equal(write(to_child, &byte, 1), 1);
	assert_int_equal(read(to_child, &byte, 1), 1);
}

static void attach(int fd)
{
	struct err e = { "" };

	role_assume_control();
	ct_free(t);
	t = ct_attach(fd, &e);
	if (!t)
		fail_msg("%s", e.text);
	now = ct_now(t, rte_rdtsc());
}

static int start(void)
{
	int s[2], fd;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		maker(s[1]);
	}
	close(s[1]);
	to_child = s[0];
	fd = taken(to_child);
	assert_true(fd >= 0);
	return fd;
}

static void stop(void)
{
	int status;

	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	close(to_child);
}

static void seen(void *arg, const struct ct_conn *c)
{
	uint32_t *sum = arg, n;

	memcpy(&n, c->orig.src, sizeof(n));
	if (n < N)
		assert_int_equal(atomic_load(&c->mark), n * 7);
	++*sum;
}

static uint32_t walked(void)
{
	uint32_t cursor = 0, n = 0;

	role_assume_control();
	while (ct_walk(t, &cursor, 100, seen, &n))
		;
	return n;
}

static bool kept(uint32_t i)
{
	return i % DEAD_EACH != 3 && i != 6 && i != 8;
}

static void two_processes(void **state)
{
	const uint16_t zone = 1;
	struct ct_zone_stats zs;
	struct ct_policy p;
	int fd = start();
	enum drop why;
	uint32_t n = 0;

	role_assume_control();
	role_assume_pmd();
	/* Looked at, while it is another's. */
	attach(fd);
	for (uint32_t i = 0; i < N; i++)
		assert_int_equal(is_there(i, (uint16_t)(i % 4)), i % DEAD_EACH != 3);
	assert_int_equal(walked(), N - N / DEAD_EACH);
	assert_false(is_there(N, 5));
	next_step();
	assert_true(is_there(N, 5)); /* what it adds is seen here */
	next_step();
	stop();

	/* Taken over. */
	attach(fd);
	close(fd);
	assert_int_equal(ct_adopt(t), N - N / DEAD_EACH + 1 - 2);
	for (uint32_t i = 0; i < N; i++) {
		assert_int_equal(is_there(i, (uint16_t)(i % 4)), kept(i));
		n += kept(i);
	}
	assert_true(is_there(N, 5));
	assert_int_equal(walked(), n + 1);
	assert_int_equal(stats().conns, n + 1);
	ct_zone_stats(t, zone, &zs);
	assert_int_equal(zs.limit, 1000);
	assert_true(ct_zone_policy(t, &zone, &p));
	assert_int_equal(p.seconds[CT_T_UDP_FIRST], 300);
	/* No slot was lost, and none is there twice: it takes as many as any. */
	for (n = 0; stats().conns < MAX; n++)
		must_make(N + 10 + n, 7);
	assert_null(make(N + 10 + n, 7, &why));
	assert_int_equal(why, DROP_CT_FULL);
	for (uint32_t i = 0; i < N; i++)
		assert_int_equal(is_there(i, (uint16_t)(i % 4)), kept(i));
	now += 301 * CT_TICKS;
	expire();
	assert_int_equal(stats().conns, 0);
	for (uint32_t i = 0; i < MAX; i++)
		must_make(i, 7);
}

/* ---- What is refused ---- */

static void refused(const char *words)
{
	struct err e = { "" };

	role_assume_control();
	assert_null(ct_attach(ct_fd(t), &e));
	if (!strstr(e.text, words))
		fail_msg("'%s' says nothing of '%s'", e.text, words);
}

static void damaged(void **state)
{
	struct ct_head *h0, was;
	struct err e = { "" };
	struct ct *again;
	char *copy;
	int fd;

	role_assume_control();
	fresh(500);
	h0 = t->head;
	memcpy(&was, h0, sizeof(was));
	again = ct_attach(ct_fd(t), &e);
	assert_non_null(again);
	ct_free(again);
#define DAMAGED(member, value, words)          \
	do {                                   \
		h0->member = (value);          \
		refused(words);                \
		memcpy(h0, &was, sizeof(was)); \
	} while (0)
	DAMAGED(magic, 1, "something else");
	DAMAGED(layout, CT_LAYOUT + 1, "layout");
	DAMAGED(max, 520, "sizes");
	DAMAGED(max, 500000, "sizes");
	DAMAGED(max, 0, "damaged");
	DAMAGED(max, UINT32_MAX, "damaged");
	DAMAGED(size, was.size + 4096, "sizes");
	DAMAGED(n_buckets, was.n_buckets * 2, "sizes");
	DAMAGED(n_extra, 0, "sizes");
	DAMAGED(n_blocks, 1, "sizes");
	DAMAGED(block_slots, 63, "sizes");
	DAMAGED(at[CT_P_CONNS], 0, "sizes");
	DAMAGED(tsc_hz, 0, "damaged");
	DAMAGED(used, 501, "sizes");
	DAMAGED(extra_used, was.n_extra + 1, "sizes");
#undef DAMAGED
	/* Too short; and one that could be cut off under our feet. */
	fd = memfd_create("test", MFD_ALLOW_SEALING);
	assert_int_equal(ftruncate(fd, 100), 0);
	assert_null(ct_attach(fd, &e));
	assert_non_null(strstr(e.text, "short"));
	assert_int_equal(ftruncate(fd, (off_t)was.size), 0);
	copy = mmap(NULL, sizeof(was), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(copy, MAP_FAILED);
	memcpy(copy, &was, sizeof(was));
	munmap(copy, sizeof(was));
	assert_null(ct_attach(fd, &e));
	assert_non_null(strstr(e.text, "sealed"));
	assert_null(ct_attach(-1, &e));
	close(fd);
}

/* ---- Memory ---- */

static void memory(void **state)
{
	uint64_t used, most, per;

	role_assume_control();
	fresh(CT_MAX_DEFAULT);
	ct_memory(t, &used, &most);
	/* Of hugepages, where there are some, one for each part that is begun. */
	assert_true(used < 1 << 20 || (!(used % (2 << 20)) && used <= CT_N_PARTS * (2 << 20)));
	per = (most - CT_ZONES * sizeof(struct ct_zone)) / CT_MAX_DEFAULT;
	print_message("%llu bytes for each of %d connections at most\n", (unsigned long long)per,
		      CT_MAX_DEFAULT);
	assert_true(per <= 256);
	for (uint32_t i = 0; i < 1000; i++)
		must_make(i, (uint16_t)i);
	ct_memory(t, &used, &most);
	print_message("%llu kB of %llu kB with a thousand in a thousand zones\n",
		      (unsigned long long)used >> 10, (unsigned long long)most >> 10);
	assert_true(used < most / 4);
	/* Whatever the size. */
	for (uint32_t max = 1 << 19; max < 1 << 22; max += 77777) {
		fresh(max);
		ct_memory(t, &used, &most);
		per = (most - CT_ZONES * sizeof(struct ct_zone) - (CT_N_PARTS + 1) * (2 << 20)) /
		      max;
		assert_true(per < 256);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_processes),
		cmocka_unit_test(damaged),
		cmocka_unit_test(memory),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

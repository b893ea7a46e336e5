/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The region of memory that connections live in: its layout, made new, found again.
 *
 * A memfd, sealed against a change of its size, so that who maps it need not fear that pages go
 * away.  Where everything stands follows from 'max' alone (lay_out()); a region that was found is
 * right when its head says the same.
 */
#include "datapath/ct_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rte_cycles.h>

#include "datapath/ct_alg.h"

#ifndef MFD_HUGE_2MB
#define MFD_HUGE_2MB (21U << 26)
#endif

enum {
	HUGE = 2 << 20, /* parts begin on such pages */
	SEALS = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL,
	SPARE_BLOCKS =
		2 * PMD_MAX + 3, /* in hand: two a packet thread, the partial one, expiry's */
};

/* ---- Layout ---- */

static uint64_t part_size(const struct ct_head *h, enum ct_part p)
{
	switch (p) {
	case CT_P_ZONES:
		return CT_ZONES * sizeof(struct ct_zone);
	case CT_P_CONNS:
		return h->max * sizeof(struct ct_conn);
	case CT_P_BUCKETS:
		return ((uint64_t)h->n_buckets + h->n_extra) * sizeof(struct ct_bucket);
	case CT_P_DEADLINES:
		return h->max * sizeof(uint32_t);
	case CT_P_BLOCKS:
		return h->n_blocks * sizeof(struct ct_block);
	case CT_N_PARTS:
		break;
	}
	return 0;
}

/*
 * Two references of a connection that is translated, of others one; of ten places in a bucket 2.8
 * to 5.7 at most are taken when the pool is full, so that at most one in thirty overflows
 * (Poisson).  There are extra ones for one in eight.
 */
static void lay_out(struct ct_head *h, uint32_t max)
{
	uint64_t at = HUGE;

	h->magic = CT_MAGIC;
	h->layout = CT_LAYOUT;
	h->max = max;
	h->n_buckets = 16;
	while (h->n_buckets * UINT64_C(17) < max * UINT64_C(6))
		h->n_buckets *= 2;
	h->n_extra = h->n_buckets / 8 + 64;
	/* Of a small pool no thread shall have much in hand. */
	h->block_slots = max / 64 < 1 ? 1 : max / 64 > CT_BLOCK_SLOTS ? CT_BLOCK_SLOTS : max / 64;
	h->n_blocks = max / h->block_slots + SPARE_BLOCKS;
	for (int p = 0; p < CT_N_PARTS; p++) {
		h->at[p] = at;
		at += (part_size(h, (enum ct_part)p) + HUGE - 1) & ~(uint64_t)(HUGE - 1);
	}
	h->size = at;
}

_Static_assert(sizeof(struct ct_head) <= HUGE, "parts begin behind the head");

/* ---- Mapping ---- */

static void advise(char *base, const struct ct_head *h)
{
	/* Without them it works as well, only slower; zones are few, and far between. */
	madvise(base, h->at[CT_P_CONNS], MADV_NOHUGEPAGE);
	madvise(base + h->at[CT_P_CONNS], h->size - h->at[CT_P_CONNS], MADV_HUGEPAGE);
	madvise(base, h->size, MADV_DONTDUMP);
}

static int make_sides(struct ct *t)
{
	t->side = aligned_alloc(64, PMD_MAX * sizeof(*t->side));
	if (!t->side)
		return -ENOMEM;
	memset(t->side, 0, PMD_MAX * sizeof(*t->side));
	for (int i = 0; i < PMD_MAX; i++) {
		void *p = mmap(NULL, CT_ZONES * sizeof(struct ct_zone_counters),
			       PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			       -1, 0);

		if (p == MAP_FAILED)
			return -ENOMEM;
		t->side[i].zones = p;
	}
	return 0;
}

/* Maps the region behind t->fd, which 'h' describes. */
static int map(struct ct *t, const struct ct_head *h, struct err *e) CONTROL
{
	char *p = mmap(NULL, h->size, PROT_READ | PROT_WRITE, MAP_SHARED, t->fd, 0);

	if (p == MAP_FAILED)
		return err_set(e, -errno, "connection tracking: cannot map %llu MB: %s",
			       (unsigned long long)h->size >> 20, strerror(errno));
	advise(p, h);
	t->head = (void *)p;
	t->zone = (void *)(p + h->at[CT_P_ZONES]);
	t->conn = (void *)(p + h->at[CT_P_CONNS]);
	t->bucket = (void *)(p + h->at[CT_P_BUCKETS]);
	t->deadline = (void *)(p + h->at[CT_P_DEADLINES]);
	t->block = (void *)(p + h->at[CT_P_BLOCKS]);
	t->bucket_mask = h->n_buckets - 1;
	t->max = h->max;
	memcpy(t->keys, h->keys, sizeof(t->keys));
	t->tsc_base = h->tsc_base;
	t->ticks_per_cycle = (uint64_t)(((unsigned __int128)CT_TICKS << 64) / h->tsc_hz);
	t->last = ct_now(t, rte_rdtsc());
	t->alg = ct_alg_new(h->max);
	return t->alg ? 0 : err_set(e, -ENOMEM, "no memory for what connections announce");
}

static struct ct *alloc(int fd, struct err *e) CONTROL
{
	struct ct *t = aligned_alloc(64, sizeof(*t));

	if (!t) {
		err_set(e, -ENOMEM, "no memory for connection tracking");
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	memset(t, 0, sizeof(*t));
	t->refs = 1;
	t->fd = fd;
	if (make_sides(t)) {
		err_set(e, -ENOMEM, "no memory for connection tracking's counters");
		ct_free(t);
		return NULL;
	}
	return t;
}

void ct_unref(struct ct *t)
{
	if (--t->refs)
		return;
	if (t->head)
		munmap(t->head, t->head->size);
	for (int i = 0; t->side && i < PMD_MAX; i++)
		if (t->side[i].zones)
			munmap(t->side[i].zones, CT_ZONES * sizeof(struct ct_zone_counters));
	if (t->fd >= 0)
		close(t->fd);
	ct_alg_free(t->alg);
	free(t->side);
	free(t);
}

void ct_free(struct ct *t)
{
	if (t)
		ct_unref(t);
}

/* ---- New ---- */

static bool read_number(const char *dir, const char *name, unsigned long *n)
{
	char path[128];
	bool ok;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "re");
	if (!f)
		return false;
	ok = fscanf(f, "%lu", n) == 1;
	fclose(f);
	return ok;
}

static int draw(uint64_t *keys, size_t n)
{
	return getrandom(keys, n, 0) == (ssize_t)n ? 0 : -EIO;
}

static int make_head(struct ct *t, struct ct_head *h, struct err *e)
{
	h->tsc_base = rte_rdtsc();
	h->tsc_hz = rte_get_tsc_hz();
	if (!h->tsc_hz)
		return err_set(e, -EINVAL, "connection tracking: the clock's rate is not known");
	if (draw(h->keys, sizeof(h->keys)))
		return err_set(e, -EIO, "connection tracking: no random numbers");
	for (int i = 0; i < CT_N_TIMEOUTS; i++)
		atomic_init(&h->default_ms[i], ct_timeout_seconds[i] * CT_TICKS);
	if (ftruncate(t->fd, (off_t)h->size) || fcntl(t->fd, F_ADD_SEALS, SEALS))
		return err_set(e, -errno, "connection tracking: %llu MB of memory: %s",
			       (unsigned long long)h->size >> 20, strerror(errno));
	return 0;
}

/*
 * Whether to ask for hugepages, which the kernel gives a memfd of itself only where it is told so
 * for all (shmem_enabled): with pages of 4 KB one lookup in two waits for the tables of pages.  Of
 * those that are set aside and free at most half are taken, for there are devices to come.
 */
static bool may_be_huge(uint64_t size)
{
	static const char dir[] = "/sys/kernel/mm/hugepages/hugepages-2048kB";
	unsigned long free_pages = 0, reserved = 0;

	if (!read_number(dir, "free_hugepages", &free_pages) ||
	    !read_number(dir, "resv_hugepages", &reserved) || reserved > free_pages)
		return false;
	return size / HUGE <= (free_pages - reserved) / 2;
}

static struct ct *make(const char *file, unsigned int flags, struct ct_head *h,
		       struct err *e) CONTROL
{
	struct ct *t = alloc(memfd_create(file, MFD_CLOEXEC | MFD_ALLOW_SEALING | flags), e);

	if (!t)
		return NULL;
	if (t->fd < 0) {
		err_set(e, -errno, "connection tracking: memory: %s", strerror(errno));
	} else if (!make_head(t, h, e) && !map(t, h, e)) {
		memcpy(t->head, h, sizeof(*h));
		return t;
	}
	ct_free(t);
	return NULL;
}

struct ct *ct_new(const char *name, uint32_t max, struct err *e)
{
	struct ct_head h = { 0 };
	struct ct *t = NULL;
	char file[64];

	if (!max || max > CT_LIMIT_MAX) {
		err_set(e, -EINVAL, "connection tracking for %u connections: 1 to %u are right",
			max, CT_LIMIT_MAX);
		return NULL;
	}
	lay_out(&h, max);
	snprintf(file, sizeof(file), "weft-ct-%s", name);
	if (may_be_huge(h.size))
		t = make(file, MFD_HUGETLB | MFD_HUGE_2MB, &h, e);
	return t ? t : make(file, 0, &h, e);
}

int ct_fd(const struct ct *t)
{
	return t->fd;
}

void ct_memory(const struct ct *t, uint64_t *used, uint64_t *most)
{
	struct stat st;

	*most = t->head->size;
	*used = fstat(t->fd, &st) ? 0 : (uint64_t)st.st_blocks * 512;
}

/* ---- Found ---- */

/* What follows from 'max' is as this program has it. */
static bool same_layout(const struct ct_head *a, const struct ct_head *b)
{
	return a->size == b->size && a->n_buckets == b->n_buckets && a->n_extra == b->n_extra &&
	       a->n_blocks == b->n_blocks && a->block_slots == b->block_slots &&
	       !memcmp(a->at, b->at, sizeof(a->at));
}

/* Before anything of it is mapped. */
static int check(int fd, struct ct_head *h, struct err *e)
{
	struct ct_head right = { 0 };
	struct stat st;

	if (fstat(fd, &st) || pread(fd, h, sizeof(*h), 0) != sizeof(*h))
		return err_set(e, -EINVAL, "connection tracking: what was found is too short");
	if (h->magic != CT_MAGIC)
		return err_set(e, -EINVAL, "connection tracking: what was found is something else");
	if (h->layout != CT_LAYOUT)
		return err_set(e, -EPROTO,
			       "connection tracking: what was found has layout %u, not %d",
			       h->layout, CT_LAYOUT);
	if (!h->max || h->max > CT_LIMIT_MAX || !h->tsc_hz)
		return err_set(e, -EINVAL,
			       "connection tracking: the head of what was found is "
			       "damaged");
	lay_out(&right, h->max);
	if (!same_layout(h, &right) || (uint64_t)st.st_size != h->size ||
	    atomic_load(&h->used) > h->max || atomic_load(&h->extra_used) > h->n_extra)
		return err_set(e, -EINVAL,
			       "connection tracking: the sizes of what was found are "
			       "not what they should be");
	if ((fcntl(fd, F_GET_SEALS) & F_SEAL_SHRINK) != F_SEAL_SHRINK)
		return err_set(e, -EPERM, "connection tracking: what was found is not sealed");
	return 0;
}

struct ct *ct_attach(int fd, struct err *e)
{
	struct ct_head h;
	struct ct *t;

	if (check(fd, &h, e))
		return NULL;
	t = alloc(fcntl(fd, F_DUPFD_CLOEXEC, 0), e);
	if (t && (t->fd < 0 || map(t, &h, e))) {
		if (t->fd < 0)
			err_set(e, -errno, "connection tracking: %s", strerror(errno));
		ct_free(t);
		return NULL;
	}
	return t;
}

/* ---- Numbers and time ---- */

uint32_t ct_now(const struct ct *t, uint64_t tsc)
{
	const unsigned __int128 cycles = tsc - t->tsc_base;

	return (uint32_t)(cycles * t->ticks_per_cycle >> 64) + (uint32_t)CT_TICK_BASE;
}

struct ct_conn *ct_conn_at(const struct ct *t, uint32_t index)
{
	return &t->conn[index];
}

uint32_t ct_conn_index(const struct ct *t, const struct ct_conn *c)
{
	return (uint32_t)(c - t->conn);
}

struct ct_conn *ct_parent(const struct ct *t, const struct ct_conn *c)
{
	struct ct_conn *p;

	if (!c->parent || c->parent > t->max)
		return NULL;
	p = &t->conn[c->parent - 1];
	if (!ct_lives(p) || atomic_load_explicit(&p->gen, memory_order_relaxed) != c->parent_gen)
		return NULL;
	return p;
}

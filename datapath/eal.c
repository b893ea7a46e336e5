/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/eal.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>
#include <rte_mbuf.h>
#include <rte_mbuf_pool_ops.h>
#include <rte_version.h>

#include "base/log.h"

enum {
	ARGS_MAX = 96,
	MIN_YEAR = 22,
	MIN_MONTH = 11,
	POOL_CACHE = 256,
	BUF_BYTES = 2560, /* one packet buffer with its headers, about */
	OTHER_MB = 64,	  /* what is needed besides buffers */
};

#define HUGE_DIR "/sys/kernel/mm/hugepages"

static struct {
	bool started, huge;
	uint32_t mbufs;
	char pci[EAL_PCI_MAX][32];
	unsigned int n_pci;
	pthread_t control;
	pthread_mutex_t lock;
	char words[384]; /* what DPDK said to the control thread since eal_words_clear() */
	size_t n_words;
} eal = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* ---- What DPDK says ---- */

/* DPDK's log: kept for the error that is about to be returned, shown only when debugging. */
static ssize_t words_write(void *cookie, const char *s, size_t n)
{
	size_t k = n;

	if (!pthread_equal(pthread_self(), eal.control))
		return (ssize_t)n;
	while (k && (s[k - 1] == '\n' || s[k - 1] == ' '))
		k--;
	if (!k)
		return (ssize_t)n;
	log_dbg("dpdk", "%.*s", (int)k, s);
	if (eal.n_words + k + 3 < sizeof(eal.words)) {
		if (eal.n_words) {
			memcpy(eal.words + eal.n_words, "; ", 2);
			eal.n_words += 2;
		}
		memcpy(eal.words + eal.n_words, s, k);
		eal.n_words += k;
		eal.words[eal.n_words] = 0;
	}
	return (ssize_t)n;
}

void eal_words_clear(void)
{
	eal.n_words = 0;
	eal.words[0] = 0;
}

const char *eal_words(void)
{
	return eal.words[0] ? eal.words : "DPDK gives no reason";
}

static void words_open(void)
{
	static const cookie_io_functions_t io = { .write = words_write };
	FILE *f = fopencookie(NULL, "w", io);

	eal.control = pthread_self();
	if (!f)
		return;
	setvbuf(f, NULL, _IOLBF, 512);
	rte_openlog_stream(f);
}

/* ---- Arguments ---- */

/* A number that the kernel tells of a size of hugepages; 0: it does not. */
static unsigned long huge_number(const char *size, const char *name)
{
	unsigned long n = 0;
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s/%s", HUGE_DIR, size, name);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fscanf(f, "%lu", &n) != 1)
		n = 0;
	fclose(f);
	return n;
}

/* Megabytes in hugepages that nobody uses, nor has been promised. */
static uint64_t huge_free_mb(void)
{
	struct dirent *d;
	uint64_t mb = 0;
	DIR *dp = opendir(HUGE_DIR);

	if (!dp)
		return 0;
	while ((d = readdir(dp))) {
		unsigned long kb, n, promised;

		if (sscanf(d->d_name, "hugepages-%lukB", &kb) != 1)
			continue;
		n = huge_number(d->d_name, "free_hugepages");
		promised = huge_number(d->d_name, "resv_hugepages");
		mb += (n > promised ? n - promised : 0) * kb / 1024;
	}
	closedir(dp);
	return mb;
}

static bool given(const struct eal_opts *o, const char *opt)
{
	size_t n = strlen(opt);

	for (int i = 0; o && i < o->n_args; i++)
		if (!strncmp(o->args[i], opt, n) &&
		    (opt[1] != '-' || !o->args[i][n] || o->args[i][n] == '='))
			return true;
	return false;
}

/* "0@(0,2-3)": the control thread is lcore 0, on the CPUs that this process may use. */
static void lcores_format(char *buf, size_t size)
{
	const char *sep = "";
	cpu_set_t set;
	size_t n;

	n = (size_t)snprintf(buf, size, "0@(");
	if (sched_getaffinity(0, sizeof(set), &set))
		CPU_ZERO(&set);
	for (int i = 0; i < CPU_SETSIZE && n + 8 < size; i++)
		if (CPU_ISSET(i, &set)) {
			n += (size_t)snprintf(buf + n, size - n, "%s%d", sep, i);
			sep = ",";
		}
	snprintf(buf + n, size - n, "%s)", *sep ? "" : "0");
}

static bool choose_huge(const struct eal_opts *o, uint32_t need_mb)
{
	if (given(o, "--no-huge"))
		return false;
	return huge_free_mb() >= need_mb;
}

static int arguments(const struct eal_opts *o, char **v)
{
	static char mem[16], lcores[1024];
	uint32_t need_mb = OTHER_MB + (uint32_t)((uint64_t)eal.mbufs * BUF_BYTES >> 20);
	uint32_t mb = o && o->memory_mb		? o->memory_mb
		      : need_mb > EAL_MEMORY_MB ? need_mb
						: EAL_MEMORY_MB;
	int n = 0;

	v[n++] = (char *)"weft-switch";
	eal.huge = choose_huge(o, need_mb);
	if (eal.huge) {
		v[n++] = (char *)"--in-memory";
	} else {
		/* DPDK refuses --in-memory together with --no-huge; this has the same effect. */
		if (!given(o, "--no-huge"))
			v[n++] = (char *)"--no-huge";
		v[n++] = (char *)"--no-shconf";
		snprintf(mem, sizeof(mem), "%u", mb);
		if (!given(o, "-m")) {
			v[n++] = (char *)"-m";
			v[n++] = mem;
		}
	}
	if (!given(o, "--telemetry"))
		v[n++] = (char *)"--no-telemetry";
	if (!given(o, "--log-level"))
		v[n++] = (char *)"--log-level=*:error";
	if (!given(o, "-l") && !given(o, "--lcores") && !given(o, "-c")) {
		lcores_format(lcores, sizeof(lcores));
		v[n++] = (char *)"--lcores";
		v[n++] = lcores;
	}
	if (!eal.n_pci && !given(o, "-a") && !given(o, "--allow") && !given(o, "--no-pci"))
		v[n++] = (char *)"--no-pci";
	for (unsigned int i = 0; i < eal.n_pci; i++) {
		v[n++] = (char *)"-a";
		v[n++] = eal.pci[i];
	}
	for (int i = 0; o && i < o->n_args && n < ARGS_MAX - 1; i++)
		v[n++] = o->args[i];
	v[n] = NULL;
	return n;
}

/* EAL prints its usage on standard output when it refuses an argument: not what our users asked
 * for. */
static void no_usage(const char *program)
{
}

/* Older releases have holes towards guests (vhost) that are known. */
static bool too_old(void)
{
	int year = 0, month = 0;

	if (sscanf(rte_version(), "DPDK %d.%d", &year, &month) != 2)
		return true;
	return year < MIN_YEAR || (year == MIN_YEAR && month < MIN_MONTH);
}

int eal_start(const struct eal_opts *o, struct err *e)
{
	char *v[ARGS_MAX];
	int n;

	if (eal.started)
		return 0;
	if (too_old())
		return err_set(e, -ENOTSUP, "%s is too old: 22.11 or later is needed",
			       rte_version());
	if (o && o->n_args > ARGS_MAX - 40)
		return err_set(e, -E2BIG, "too many EAL arguments: %d, at most %d", o->n_args,
			       ARGS_MAX - 40);
	eal.mbufs = o && o->mbufs ? o->mbufs : EAL_MBUFS;
	for (unsigned int i = 0; o && i < o->n_pci && i < EAL_PCI_MAX; i++)
		snprintf(eal.pci[eal.n_pci++], sizeof(eal.pci[0]), "%s", o->pci[i]);
	words_open();
	rte_set_application_usage_hook(no_usage);
	n = arguments(o, v);
	eal_words_clear();
	if (rte_eal_init(n, v) < 0)
		return err_set(e, rte_errno ? -rte_errno : -EINVAL, "DPDK does not start: %s",
			       eal_words());
	eal.huge = rte_eal_has_hugepages();
	eal.started = true;
	return 0;
}

bool eal_lost_hugepages(void)
{
	return eal.huge && !eal.started;
}

void eal_stop(void)
{
	if (!eal.started)
		return;
	rte_eal_cleanup();
	eal.started = false;
}

const char *eal_memory_kind(void)
{
	return eal.huge ? "hugepages" : "no hugepages";
}

bool eal_has_pci(const char *address)
{
	for (unsigned int i = 0; i < eal.n_pci; i++)
		if (!strcmp(eal.pci[i], address))
			return true;
	return false;
}

/* ---- Packet buffers ---- */

/*
 * As rte_pktmbuf_pool_create(), but without hugepages buffers may cross pages: there is no hardware
 * then that would mind, and one buffer a page would waste two fifths of the memory.
 */
static struct rte_mempool *pool_try(const char *name, uint32_t n, uint16_t room, unsigned int flags,
				    int (*populate)(struct rte_mempool *p))
{
	struct rte_pktmbuf_pool_private priv = { .mbuf_data_room_size = room };
	struct rte_mempool *p = rte_mempool_create_empty(name, n, sizeof(struct rte_mbuf) + room,
							 n / 4 < POOL_CACHE ? n / 4 : POOL_CACHE,
							 sizeof(priv), SOCKET_ID_ANY, flags);

	if (!p)
		return NULL;
	if (rte_mempool_set_ops_byname(p, rte_mbuf_best_mempool_ops(), NULL))
		goto failed;
	rte_pktmbuf_pool_init(p, &priv);
	if (populate(p) <= 0)
		goto failed;
	rte_mempool_obj_iter(p, rte_pktmbuf_init, NULL);
	return p;
failed:
	rte_mempool_free(p);
	return NULL;
}

/* Some hugepages, but not enough of them: where no device reads them by itself, other memory does.
 */
static struct rte_mempool *pool_beside_hugepages(const char *name, uint32_t n, uint16_t room)
{
	struct rte_mempool *p;

	if (!rte_eal_has_hugepages() || eal.n_pci)
		return NULL;
	p = pool_try(name, n, room, RTE_MEMPOOL_F_NO_IOVA_CONTIG, rte_mempool_populate_anon);
	if (p)
		log_info("eal",
			 "%s: %u packet buffers are not in hugepages, of which there are "
			 "too few",
			 name, n);
	return p;
}

struct rte_mempool *eal_pool_new(const char *name, uint32_t n, uint16_t room, struct err *e)
{
	struct rte_mempool *p;

	n = n ? n : eal.mbufs;
	room = room ? room : RTE_MBUF_DEFAULT_BUF_SIZE;
	p = pool_try(name, n, room, rte_eal_has_hugepages() ? 0 : RTE_MEMPOOL_F_NO_IOVA_CONTIG,
		     rte_mempool_populate_default);
	if (!p)
		p = pool_beside_hugepages(name, n, room);
	if (!p)
		err_set(e, -ENOMEM,
			"no memory for %u packet buffers of %u bytes: give DPDK more (--memory MB)",
			n, (unsigned int)sizeof(struct rte_mbuf) + room);
	return p;
}

void eal_pool_free(struct rte_mempool *p)
{
	rte_mempool_free(p);
}

/* SPDX-License-Identifier: Apache-2.0 */
#define ALLOW_EXPERIMENTAL_API /* rte_intr_fd_get() */
#include "datapath/memif.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rte_ethdev.h>
#include <rte_interrupts.h>
#include <rte_version.h>

/* The protocol's: ring header, version 2.0. */
enum { COOKIE = 0x3e31f20, FLAG_MASK_INT = 1, RING_HEADER = 128 };

struct header {
	uint32_t cookie;
	uint16_t flags;
	uint16_t head;
};

/* How struct memif_queue of drivers/net/memif begins ... */
struct queue {
	struct rte_mempool *pool;
	void *unused;
	int32_t type;
	uint16_t region;
	uint16_t in_port;
	uint32_t ring_offset;
	uint16_t last_head, last_tail;
	void *buffers;
	uint64_t n_packets, n_bytes;
	struct rte_intr_handle *interrupt;
};

/* ... struct memif_region ... */
struct region {
	uint8_t *memory;
	uint64_t size;
	int fd;
};

/* ... and of lib/ethdev, struct rte_eth_dev and its data. */
struct data {
	char name[RTE_ETH_NAME_MAX_LEN];
	void **rxq, **txq;
	uint16_t n_rxq, n_txq;
	/* and more */
};

struct device {
	void *rx_burst, *tx_burst, *tx_prepare, *rx_count, *rx_status, *tx_status;
	const struct data *data;
	struct region *const *regions;
	uint8_t rest[0x4080 - 64];
};

_Static_assert(sizeof(struct device) == 0x4080, "of 22.11");
_Static_assert(offsetof(struct queue, interrupt) == 0x38, "of 22.11");

extern struct device rte_eth_devices[RTE_MAX_ETHPORTS];

bool memif_is(uint16_t ethdev)
{
	struct rte_eth_dev_info info;

	return !rte_eth_dev_info_get(ethdev, &info) && !strcmp(info.driver_name, "net_memif");
}

/* Only what does not follow pointers into what may have gone, but for the driver's heap. */
static const struct queue *queue_of(uint16_t ethdev, uint16_t queue) CONTROL
{
	const struct device *d = &rte_eth_devices[ethdev];
	const struct queue *q = rte_eth_fp_ops[ethdev].rxq.data[queue];
	char name[RTE_ETH_NAME_MAX_LEN];

	if (RTE_VER_YEAR != 22 || RTE_VER_MONTH != 11 || !memif_is(ethdev) ||
	    (void *)rte_eth_fp_ops[ethdev].rx_pkt_burst != d->rx_burst ||
	    rte_eth_dev_get_name_by_port(ethdev, name) || strcmp(name, d->data->name) != 0 ||
	    queue >= d->data->n_rxq || d->data->rxq[queue] != q)
		return NULL;
	if (!q || q->in_port != ethdev || q->region || !q->interrupt || !d->regions ||
	    !d->regions[0])
		return NULL;
	return q;
}

/* A peer that made the memory smaller would have us killed. */
static bool will_stay(int fd, size_t size)
{
	struct stat st;

	return !fstat(fd, &st) && (size_t)st.st_size >= size && fcntl(fd, F_GET_SEALS) >= 0 &&
	       fcntl(fd, F_GET_SEALS) & F_SEAL_SHRINK;
}

static int map(struct memif_ring *r, int fd, uint32_t offset)
{
	struct header *h;

	r->size = offset + (size_t)RING_HEADER;
	if (!will_stay(fd, r->size))
		return -ENOTSUP;
	r->map = mmap(NULL, r->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (r->map == MAP_FAILED)
		return -ENOTSUP;
	h = (struct header *)((uint8_t *)r->map + offset);
	r->flags = (_Atomic uint16_t *)&h->flags;
	return h->cookie == COOKIE ? 0 : -ENOTSUP;
}

int memif_ring_init(struct memif_ring *r, uint16_t ethdev, uint16_t queue)
{
	const struct queue *q = queue_of(ethdev, queue);
	int memory, rc = -ENOTSUP;

	*r = (struct memif_ring){ .eventfd = -1, .map = MAP_FAILED };
	if (!q)
		return -ENOTSUP;
	memory = fcntl(rte_eth_devices[ethdev].regions[0]->fd, F_DUPFD_CLOEXEC, 0);
	r->eventfd = fcntl(rte_intr_fd_get(q->interrupt), F_DUPFD_CLOEXEC, 0);
	if (memory >= 0 && r->eventfd >= 0 && fcntl(r->eventfd, F_GETFL) & O_NONBLOCK)
		rc = map(r, memory, q->ring_offset);
	if (memory >= 0)
		close(memory);
	if (rc)
		memif_ring_fini(r);
	return rc;
}

void memif_ring_fini(struct memif_ring *r)
{
	if (r->map != MAP_FAILED)
		munmap(r->map, r->size);
	if (r->eventfd >= 0)
		close(r->eventfd);
	*r = (struct memif_ring){ .eventfd = -1, .map = MAP_FAILED };
}

void memif_ring_tell(const struct memif_ring *r, bool tell)
{
	atomic_store(r->flags, tell ? 0 : FLAG_MASK_INT);
}

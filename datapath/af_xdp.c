/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/af_xdp.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include <rte_ethdev.h>

#include "datapath/port.h"

/* How struct pkt_rx_queue of drivers/net/af_xdp begins. */
struct ring {
	uint32_t cached_producer, cached_consumer, mask, size;
	void *producer, *consumer, *entries, *flags;
};

struct rx_queue {
	struct ring rx;
	void *umem, *socket;
	struct rte_mempool *pool;
	uint16_t in_port;
	uint64_t n_packets, n_bytes, n_dropped;
	struct ring fill, completion;
	void *pair;
	struct pollfd poll;
};

int af_xdp_fd(const struct port *p, uint16_t queue)
{
	const struct rx_queue *q = rte_eth_fp_ops[p->ethdev].rxq.data[queue];
	socklen_t n = sizeof(int);
	int domain = 0;

	if (!q || q->pool != p->pool || q->in_port != p->ethdev || q->poll.events != POLLIN ||
	    getsockopt(q->poll.fd, SOL_SOCKET, SO_DOMAIN, &domain, &n) || domain != AF_XDP)
		return -ENOTSUP;
	return q->poll.fd;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Looks into net_af_packet's queues (af_packet.h). */
#include "datapath/af_packet.h"

#include <linux/if_packet.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_version.h>

#include "base/byteorder.h"
#include "vlan/tag.h"

enum { MACS = 12, FRAMES_MIN = 64, FRAMES_MAX = 1 << 16 };

/* How struct pkt_rx_queue of drivers/net/af_packet begins. */
struct ring {
	int sockfd;
	struct iovec *frame;
	uint8_t *map;
	unsigned int n;
	unsigned int next; /* frame that will be read */
};

static const struct ring *ring_of(uint16_t ethdev, uint16_t queue)
{
	return rte_eth_fp_ops[ethdev].rxq.data[queue];
}

bool af_packet_ring(uint16_t ethdev, uint16_t queue)
{
	const struct ring *r = ring_of(ethdev, queue);
	struct rte_eth_dev_info info;
	int domain = 0, version = -1;
	socklen_t n = sizeof(int);

	if (rte_eth_dev_info_get(ethdev, &info) || strcmp(info.driver_name, "net_af_packet") != 0)
		return false;
	if (RTE_VER_YEAR != 22 || RTE_VER_MONTH != 11 || !r || r->sockfd < 0)
		return false;
	if (getsockopt(r->sockfd, SOL_SOCKET, SO_DOMAIN, &domain, &n) || domain != AF_PACKET)
		return false;
	if (getsockopt(r->sockfd, SOL_PACKET, PACKET_VERSION, &version, &n) ||
	    version != TPACKET_V2)
		return false;
	return r->n >= FRAMES_MIN && r->n <= FRAMES_MAX && r->next < r->n && r->frame && r->map &&
	       r->frame[0].iov_base == r->map;
}

int af_packet_fd(uint16_t ethdev, uint16_t queue)
{
	return ring_of(ethdev, queue)->sockfd;
}

/*
 * The kernel may fill a frame again as soon as it was given back, which it does only when all
 * others are full: then the status says so, or the tag is another.
 */
static uint16_t tpid_in(const struct tpacket2_hdr *h, uint16_t tci)
{
	const uint16_t tpid = __atomic_load_n(&h->tp_vlan_tpid, __ATOMIC_RELAXED);
	const bool same = __atomic_load_n(&h->tp_vlan_tci, __ATOMIC_RELAXED) == tci;

	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (!same || __atomic_load_n(&h->tp_status, __ATOMIC_RELAXED) != TP_STATUS_KERNEL)
		return 0;
	return tpid;
}

void af_packet_tags(uint16_t ethdev, uint16_t queue, struct rte_mbuf **m, unsigned int n)
{
	const struct ring *r = ring_of(ethdev, queue);

	for (unsigned int i = 0; i < n; i++) {
		const unsigned int at = (r->next + r->n - n + i) % r->n;
		uint8_t *f = rte_pktmbuf_mtod(m[i], uint8_t *);

		if (likely(!(m[i]->ol_flags & RTE_MBUF_F_RX_VLAN)))
			continue;
		if (tpid_in(r->frame[at].iov_base, m[i]->vlan_tci) == VLAN_TPID_S &&
		    m[i]->data_len >= MACS + VLAN_HLEN && get_be16(f + MACS) == VLAN_TPID_C)
			put_be16(f + MACS, VLAN_TPID_S);
	}
}

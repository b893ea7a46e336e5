/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/port_dev.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rte_dev.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include "base/log.h"
#include "datapath/dp.h"
#include "datapath/eal.h"
#include "datapath/link_watch.h"
#include "datapath/pkt.h"
#include "datapath/rx_alarm.h"

enum {
	FRAME_EXTRA = 64,  /* Ethernet, tags, and the kernel's own ring header, at most */
	FRAME_MAX = 16384, /* of an af_packet ring */
	JUMBO_ROOM = FRAME_MAX + RTE_PKTMBUF_HEADROOM,
	JUMBO_MBUFS = 2048,
	DESC_USUAL = 512,
	DESC_TAP = 32, /* each holds a buffer, and one packet at a time comes out of a tap anyway */
};

/* ---- The interface in the kernel ---- */

static int kernel_ioctl(const char *ifname, unsigned long request, struct ifreq *r)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int rc;

	if (fd < 0)
		return -errno;
	snprintf(r->ifr_name, sizeof(r->ifr_name), "%s", ifname);
	rc = ioctl(fd, request, r) < 0 ? -errno : 0;
	close(fd);
	return rc;
}

static int kernel_mtu(const char *ifname)
{
	struct ifreq r = { 0 };
	int rc = kernel_ioctl(ifname, SIOCGIFMTU, &r);

	return rc ? rc : r.ifr_mtu;
}

static int kernel_up(const char *ifname)
{
	struct ifreq r = { 0 };
	int rc = kernel_ioctl(ifname, SIOCGIFFLAGS, &r);

	if (rc || r.ifr_flags & IFF_UP)
		return rc;
	r.ifr_flags = (short)(r.ifr_flags | IFF_UP);
	return kernel_ioctl(ifname, SIOCSIFFLAGS, &r);
}

/* What the flags say up to a second later. */
static bool kernel_carrier(const char *ifname)
{
	struct ethtool_value v = { .cmd = ETHTOOL_GLINK };
	struct ifreq r = { .ifr_data = (char *)&v };

	return kernel_ioctl(ifname, SIOCETHTOOL, &r) || v.data;
}

/* MTU as asked for, and the interface up, before a socket is bound to it. */
static int kernel_prepare(struct port *p, struct err *e)
{
	const struct port_spec *s = &p->cold->spec;
	const char *name = p->cold->ifname;
	struct ifreq r = { .ifr_mtu = s->mtu };
	int rc;

	if (s->mtu) {
		rc = kernel_ioctl(name, SIOCSIFMTU, &r);
		if (rc)
			return err_set(e, rc, "interface %s does not take mtu %u: %s", name, s->mtu,
				       strerror(-rc));
	}
	rc = kernel_up(name);
	if (rc)
		return err_set(e, rc, "interface %s: %s", name, strerror(-rc));
	rc = kernel_mtu(name);
	if (rc < 0)
		return err_set(e, rc, "interface %s: %s", name, strerror(-rc));
	p->mtu = (uint16_t)(rc > UINT16_MAX ? UINT16_MAX : rc);
	p->cold->ifindex = if_nametoindex(name);
	return 0;
}

/* ---- What DPDK is told ---- */

/*
 * A ring frame of the kernel holds the packet and its own header; blocks are whole pages.  Loopback
 * interfaces have an MTU of 64 KiB, which no one sends: the ring then takes 16 KiB.
 */
static unsigned int ring_frame(unsigned int mtu)
{
	unsigned int n = 2048;

	while (n < mtu + 2 * FRAME_EXTRA && n < FRAME_MAX)
		n *= 2;
	return n;
}

static int devargs(const struct port *p, char *buf, size_t size, struct err *e)
{
	static unsigned int serial; /* names of devices that were removed are not used again */
	const struct port_spec *s = &p->cold->spec;
	unsigned int q = s->queues ? s->queues : 1, frame = ring_frame(p->mtu);
	size_t path = strcspn(s->device, ",");
	int n;

	switch (s->type) {
	case PORT_AF_PACKET:
		n = snprintf(
			buf, size,
			"net_af_packet_w%u,iface=%s,qpairs=%u,framesz=%u,blocksz=%u,framecnt=%u",
			serial++, s->device, q, frame, frame < 4096 ? 4096 : frame,
			frame > 4096 ? 256 : 512);
		break;
	case PORT_AF_XDP:
		n = snprintf(buf, size, "net_af_xdp_w%u,iface=%s,queue_count=%u", serial++,
			     s->device, q);
		break;
	case PORT_TAP:
		n = snprintf(buf, size, "net_tap_w%u,iface=%s", serial++, s->device);
		break;
	case PORT_VHOST_USER:
		n = snprintf(buf, size, "net_vhost_w%u,iface=%.*s,queues=%u,client=%d", serial++,
			     (int)path, s->device, q, !s->device[path]);
		break;
	case PORT_DPDK:
		if (!eal_has_pci(s->device))
			return err_set(e, -ENODEV,
				       "PCI device %s was not asked for at start: add "
				       "--port NAME=dpdk:%s to the command line",
				       s->device, s->device);
		/* fallthrough */
	default:
		n = snprintf(buf, size, "%s", s->device);
	}
	return n < (int)size ? 0 : err_set(e, -ENAMETOOLONG, "device arguments too long");
}

/* Plugs the device in; its DPDK port number in p->ethdev. */
static int plug(struct port *p, struct err *e) CONTROL
{
	char args[512], *name = p->cold->device;
	int rc = devargs(p, args, sizeof(args), e);

	if (rc)
		return rc;
	if (rte_eth_dev_count_total() >= RTE_MAX_ETHPORTS)
		return err_set(e, -ENOSPC,
			       "all %d devices that this build of DPDK has room for are in use; "
			       "vxlan ports need none",
			       RTE_MAX_ETHPORTS);
	snprintf(name, sizeof(p->cold->device), "%.*s", (int)strcspn(args, ","), args);
	if (p->cold->spec.type == PORT_VDEV && !rte_eth_dev_get_port_by_name(name, &p->ethdev)) {
		p->ethdev = RTE_MAX_ETHPORTS;
		return err_set(e, -EEXIST,
			       "DPDK device %s is in use: give another name, such as %.*s7", name,
			       (int)strcspn(name, "0123456789"), name);
	}
	eal_words_clear();
	rc = rte_dev_probe(args);
	if (rc)
		return err_set(e, rc < -1 ? rc : -ENODEV, "DPDK does not open '%s': %s", args,
			       eal_words());
	if (rte_eth_dev_get_port_by_name(name, &p->ethdev)) {
		p->ethdev = RTE_MAX_ETHPORTS;
		return err_set(e, -ENODEV, "DPDK device '%s' is no network device", name);
	}
	return 0;
}

/* ---- Queues ---- */

/* Buffers large enough for the port's frames: those of all, or a pool of large ones made when first
 * needed. */
static struct rte_mempool *buffers(struct dp *dp, const struct port *p, struct err *e) CONTROL
{
	unsigned int room = rte_pktmbuf_data_room_size(dp->pool) - RTE_PKTMBUF_HEADROOM;
	unsigned int need = p->mtu + (unsigned int)FRAME_EXTRA;
	struct rte_mempool *jumbo;

	if (p->cold->spec.type == PORT_AF_PACKET)
		need = ring_frame(p->mtu);
	if (need <= room)
		return dp->pool;
	jumbo = rte_mempool_lookup("weft-jumbo");
	if (jumbo)
		return jumbo;
	return eal_pool_new("weft-jumbo", JUMBO_MBUFS, JUMBO_ROOM, e);
}

static uint16_t at_most(uint16_t want, uint16_t max)
{
	return want < max ? want : max;
}

static int configure(struct dp *dp, struct port *p, const struct rte_eth_dev_info *info,
		     struct err *e) CONTROL
{
	struct rte_eth_conf conf = { 0 };
	const struct port_spec *s = &p->cold->spec;
	int rc;

	p->n_rxq = at_most(s->queues ? s->queues : 1, info->max_rx_queues);
	p->n_txq = at_most((uint16_t)(dp->n_pmds ? dp->n_pmds : 1), info->max_tx_queues);
	p->n_txq = at_most(p->n_txq, PORT_QUEUES_MAX);
	if (!p->n_rxq || !p->n_txq)
		return err_set(e, -ENODEV, "device %s has %u receive and %u transmit queues",
			       p->cold->device, info->max_rx_queues, info->max_tx_queues);
	if (s->queues > p->n_rxq)
		return err_set(e, -EINVAL, "queues=%u: device %s has %u", s->queues,
			       p->cold->device, p->n_rxq);
	if (p->n_rxq > 1 && info->flow_type_rss_offloads) {
		conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		conf.rx_adv_conf.rss_conf.rss_hf =
			info->flow_type_rss_offloads &
			(RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP);
	}
	/* A tap has the kernel's word for its link, as other interfaces have. */
	conf.intr_conf.lsc = *info->dev_flags & RTE_ETH_DEV_INTR_LSC && !p->cold->ifname[0];
	/* So that a packet thread may sleep until frames come (rx_alarm.h). */
	conf.intr_conf.rxq = rx_alarm_of_driver(info->driver_name);
	conf.txmode.offloads = info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	p->one_segment = !conf.txmode.offloads;
	/* These want as many queues each way as they have pairs; a ring's are each other's ends. */
	if (s->type == PORT_AF_PACKET || s->type == PORT_AF_XDP || s->type == PORT_TAP ||
	    !strcmp(info->driver_name, "net_ring"))
		p->n_txq = p->n_rxq;
	rc = rte_eth_dev_configure(p->ethdev, p->n_rxq, p->n_txq, &conf);
	if (rc)
		return err_set(e, rc, "device %s does not take its configuration: %s",
			       p->cold->device, eal_words());
	return 0;
}

static int queues(struct dp *dp, struct port *p, struct err *e) CONTROL
{
	uint16_t n_rxd = p->cold->spec.type == PORT_TAP ? DESC_TAP : DESC_USUAL;
	uint16_t n_txd = DESC_USUAL;
	int rc;

	p->pool = buffers(dp, p, e);
	if (!p->pool)
		return -ENOMEM;
	rc = rte_eth_dev_adjust_nb_rx_tx_desc(p->ethdev, &n_rxd, &n_txd);
	for (uint16_t i = 0; !rc && i < p->n_rxq; i++)
		rc = rte_eth_rx_queue_setup(p->ethdev, i, n_rxd, SOCKET_ID_ANY, NULL, p->pool);
	for (uint16_t i = 0; !rc && i < p->n_txq; i++)
		rc = rte_eth_tx_queue_setup(p->ethdev, i, n_txd, SOCKET_ID_ANY, NULL);
	if (rc)
		return err_set(e, rc, "device %s: queues: %s%s", p->cold->device, eal_words(),
			       rc == -ENOMEM || rc == -ENOBUFS
				       ? "; more packet buffers may help (--mbufs N)"
				       : "");
	return 0;
}

/* ---- Life ---- */

/* A guest comes and goes, and has other eventfds than before. */
static const enum rte_eth_event_type interrupts[] = { RTE_ETH_EVENT_INTR_LSC,
						      RTE_ETH_EVENT_QUEUE_STATE };

static void interface_name(struct port *p)
{
	const struct port_spec *s = &p->cold->spec;

	if (s->type == PORT_AF_PACKET || s->type == PORT_AF_XDP || s->type == PORT_TAP)
		snprintf(p->cold->ifname, sizeof(p->cold->ifname), "%.15s", s->device);
}

static int start(struct port *p, struct err *e) CONTROL
{
	const struct port_spec *s = &p->cold->spec;
	struct rte_ether_addr mac;
	uint16_t mtu;
	int rc;

	/* DPDK's idea of an af_packet interface's MTU ends at 1500; the kernel's has been set. */
	if (s->mtu && s->type != PORT_AF_PACKET) {
		rc = rte_eth_dev_set_mtu(p->ethdev, s->mtu);
		if (rc && rc != -ENOTSUP)
			return err_set(e, rc, "device %s does not take mtu %u: %s", p->cold->device,
				       s->mtu, strerror(-rc));
	}
	for (unsigned int i = 0; i < sizeof(interrupts) / sizeof(interrupts[0]); i++)
		(void)rte_eth_dev_callback_register(p->ethdev, interrupts[i], link_watch_interrupt,
						    NULL);
	rc = rte_eth_dev_start(p->ethdev);
	if (rc)
		return err_set(e, rc, "device %s does not start: %s", p->cold->device, eal_words());
	p->cold->started = true;
	rc = rte_eth_promiscuous_enable(p->ethdev);
	if (rc && rc != -ENOTSUP)
		log_warn("port", "%s: not promiscuous: %s", p->cold->name, strerror(-rc));
	if (!rte_eth_macaddr_get(p->ethdev, &mac))
		memcpy(p->mac, mac.addr_bytes, 6);
	if (s->type == PORT_AF_PACKET)
		return 0;
	if (s->mtu)
		p->mtu = s->mtu;
	else if (!rte_eth_dev_get_mtu(p->ethdev, &mtu))
		p->mtu = mtu;
	return 0;
}

int port_dev_open(struct dp *dp, struct port *p, struct err *e)
{
	const struct port_spec *s = &p->cold->spec;
	struct rte_eth_dev_info info;
	int rc;

	p->ethdev = RTE_MAX_ETHPORTS;
	p->mtu = s->mtu ? s->mtu : RTE_ETHER_MTU;
	p->partial_csum = s->type == PORT_AF_PACKET;
	interface_name(p);
	if (s->type == PORT_AF_PACKET || s->type == PORT_AF_XDP) {
		rc = kernel_prepare(p, e);
		if (rc)
			return rc;
	}
	rc = plug(p, e);
	if (rc)
		return rc;
	rc = rte_eth_dev_info_get(p->ethdev, &info);
	if (rc)
		err_set(e, rc, "device %s: %s", p->cold->device, strerror(-rc));
	p->cold->rte = rc ? NULL : info.device;
	if (!rc)
		rc = configure(dp, p, &info, e);
	if (!rc)
		rc = queues(dp, p, e);
	if (!rc)
		rc = start(p, e);
	if (rc)
		port_dev_close(p);
	return rc;
}

/*
 * A ring is its own other end: what was sent to it and not received again would be lost with it,
 * and its buffers for good.  It holds 1023 frames; others than rings may have more to say than
 * that.
 */
static void empty(const struct port *p)
{
	struct rte_mbuf *m[BURST_MAX];

	for (uint16_t q = 0; q < p->n_rxq; q++)
		for (unsigned int i = 0; i < 1024 / BURST_MAX; i++) {
			uint16_t n = rte_eth_rx_burst(p->ethdev, q, m, BURST_MAX);

			if (!n)
				break;
			rte_pktmbuf_free_bulk(m, n);
		}
}

void port_dev_close(struct port *p)
{
	int rc;

	if (p->ethdev == RTE_MAX_ETHPORTS)
		return;
	if (p->cold->started) {
		if (p->cold->spec.type == PORT_VDEV)
			empty(p);
		rte_eth_promiscuous_disable(p->ethdev);
		rte_eth_dev_stop(p->ethdev);
	}
	for (unsigned int i = 0; i < sizeof(interrupts) / sizeof(interrupts[0]); i++)
		(void)rte_eth_dev_callback_unregister(p->ethdev, interrupts[i],
						      link_watch_interrupt, NULL);
	vhost_kick_link(p->ethdev, true);
	rte_eth_dev_close(p->ethdev);
	eal_words_clear();
	rc = p->cold->rte ? rte_dev_remove(p->cold->rte) : 0;
	if (rc)
		log_warn("port", "%s: device %s does not go: %s", p->cold->name, p->cold->device,
			 eal_words());
	p->ethdev = RTE_MAX_ETHPORTS;
	p->cold->started = false;
}

/* ---- While it lives ---- */

bool port_dev_link(struct port *p)
{
	struct rte_eth_link link;
	struct ifreq r = { 0 };
	int rc;

	if (p->ethdev == RTE_MAX_ETHPORTS)
		return false;
	if (rte_eth_link_get_nowait(p->ethdev, &link))
		memset(&link, 0, sizeof(link));
	p->cold->speed = link.link_speed == RTE_ETH_SPEED_NUM_UNKNOWN ? 0 : link.link_speed * 1000;
	if (p->cold->spec.speed)
		p->cold->speed = (uint32_t)(p->cold->spec.speed / 1000);
	if (!p->cold->ifname[0])
		return link.link_status == RTE_ETH_LINK_UP;
	rc = kernel_ioctl(p->cold->ifname, SIOCGIFFLAGS, &r);
	/* A tap that was moved to another namespace still works, but is out of sight. */
	if (rc == -ENODEV && p->cold->spec.type == PORT_TAP)
		return true;
	return !rc && (r.ifr_flags & (IFF_UP | IFF_RUNNING)) == (IFF_UP | IFF_RUNNING) &&
	       kernel_carrier(p->cold->ifname);
}

/* Sockets stay with the interface they were bound to, though it be gone. */
bool port_dev_replaced(const struct port *p)
{
	unsigned int now;

	if (p->cold->spec.type != PORT_AF_PACKET && p->cold->spec.type != PORT_AF_XDP)
		return false;
	now = if_nametoindex(p->cold->ifname);
	return now && (now != p->cold->ifindex || p->ethdev == RTE_MAX_ETHPORTS);
}

void port_dev_admin(struct port *p, bool up)
{
	/* Many drivers have no such switch; the packet path heeds OFPPC_PORT_DOWN by itself. */
	if (p->cold->spec.type == PORT_DPDK)
		(void)(up ? rte_eth_dev_set_link_up(p->ethdev)
			  : rte_eth_dev_set_link_down(p->ethdev));
}

void port_dev_errors(const struct port *p, struct port_dev_errors *out)
{
	struct rte_eth_stats s;

	memset(out, 0, sizeof(*out));
	if (p->ethdev == RTE_MAX_ETHPORTS || rte_eth_stats_get(p->ethdev, &s))
		return;
	out->rx_missed = s.imissed + s.rx_nombuf;
	out->rx_errors = s.ierrors;
	out->tx_errors = s.oerrors;
}

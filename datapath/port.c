/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/port.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_ethdev.h>
#include <rte_random.h>
#include <rte_rcu_qsbr.h>
#include <rte_ring.h>

#include "base/log.h"
#include "datapath/dp.h"
#include "datapath/fdb.h"
#include "datapath/group.h"
#include "datapath/port_dev.h"
#include "datapath/port_queue.h"
#include "datapath/tunnel.h"
#include "datapath/txq.h"

enum {
	LINKS_A_POLL = 64,
	CONFIG_ALL = OFPPC_PORT_DOWN | OFPPC_NO_RECV | OFPPC_NO_FWD | OFPPC_NO_PACKET_IN,
};

struct port_table {
	uint32_t n;
	uint32_t next_poll;	 /* slot */
	uint64_t drops[N_DROPS]; /* of ports that are gone, and of none */
};

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int port_table_new(struct dp *dp, struct err *e)
{
	dp->ports = calloc(PORT_LAST + 1, sizeof(*dp->ports));
	dp->port_table = calloc(1, sizeof(*dp->port_table));
	if (!dp->ports || !dp->port_table) {
		free((void *)dp->ports);
		free(dp->port_table);
		dp->ports = NULL;
		dp->port_table = NULL;
		return err_set(e, -ENOMEM, "no memory for the port table");
	}
	return 0;
}

static void del_of_type(struct dp *dp, bool tunnels) CONTROL
{
	for (unsigned int i = 0; i < PORT_MAX; i++) {
		struct port *p = atomic_load(&dp->port_slots[i]);

		if (p && (!tunnels || p->tunnel))
			port_del(dp, p, NULL);
	}
}

void port_table_free(struct dp *dp)
{
	if (!dp->port_table)
		return;
	del_of_type(dp, true); /* before the uplinks that carry them */
	del_of_type(dp, false);
	free((void *)dp->ports);
	free(dp->port_table);
	dp->ports = NULL;
	dp->port_table = NULL;
}

/* ---- Finding ---- */

struct port *port_by_no(const struct dp *dp, uint32_t no)
{
	if (no == OFPP_LOCAL)
		return atomic_load_explicit(&dp->local, memory_order_acquire);
	if (no > PORT_LAST)
		return NULL;
	return atomic_load_explicit(&dp->ports[no], memory_order_acquire);
}

struct port *port_by_name(const struct dp *dp, const char *name)
{
	for (unsigned int i = 0; i < PORT_MAX; i++) {
		struct port *p = atomic_load_explicit(&dp->port_slots[i], memory_order_relaxed);

		if (p && !strcmp(p->cold->name, name))
			return p;
	}
	return NULL;
}

static int by_number(const void *x, const void *y)
{
	const struct port *a = *(struct port *const *)x, *b = *(struct port *const *)y;

	return a->no < b->no ? -1 : a->no > b->no;
}

int port_each(const struct dp *dp, int (*visit)(void *arg, struct port *p), void *arg)
{
	struct port *v[PORT_MAX];
	unsigned int n = 0;
	int rc = 0;

	for (unsigned int i = 0; i < PORT_MAX; i++) {
		v[n] = atomic_load_explicit(&dp->port_slots[i], memory_order_relaxed);
		n += v[n] != NULL;
	}
	qsort(v, n, sizeof(v[0]), by_number);
	for (unsigned int i = 0; i < n && !rc; i++)
		rc = visit(arg, v[i]);
	return rc;
}

const char *port_name(const struct port *p)
{
	return p->cold->name;
}

const struct port_spec *port_spec(const struct port *p)
{
	return &p->cold->spec;
}

/* ---- Adding ---- */

static int check_name(const struct dp *dp, const char *name, struct err *e) CONTROL
{
	size_t n = strlen(name);

	if (!n || n > PORT_NAME_MAX)
		return err_set(e, -EINVAL, "port name '%s' has %zu characters: 1 to %d are right",
			       name, n, PORT_NAME_MAX);
	for (const char *s = name; *s; s++)
		if ((unsigned char)*s <= ' ' || (unsigned char)*s > '~' || strchr("@=,;\"'", *s))
			return err_set(e, -EINVAL,
				       "port name '%s' has a character that may not be "
				       "in it: none of @ = , ; quotes or blanks",
				       name);
	if (port_by_name(dp, name))
		return err_set(e, -EEXIST, "there is a port '%s' already", name);
	return 0;
}

static int choose_number(const struct dp *dp, uint32_t *no, struct err *e)
{
	if (*no && *no != OFPP_LOCAL && *no > PORT_LAST)
		return err_set(e, -EINVAL, "port number %u: 1 to %u, or LOCAL, are right", *no,
			       PORT_LAST);
	if (*no && port_by_no(dp, *no))
		return err_set(e, -EEXIST, "port number %u is port '%s' already", *no,
			       port_by_no(dp, *no)->cold->name);
	for (uint32_t i = 1; !*no && i <= PORT_LAST; i++)
		if (!port_by_no(dp, i))
			*no = i;
	return *no ? 0 : err_set(e, -ENOSPC, "all port numbers are in use");
}

static int choose_slot(const struct dp *dp, uint16_t *slot, struct err *e)
{
	for (uint16_t i = 0; i < PORT_MAX; i++)
		if (!atomic_load(&dp->port_slots[i])) {
			*slot = i;
			return 0;
		}
	return err_set(e, -ENOSPC, "all %d ports are in use: delete one first", PORT_MAX);
}

static struct port *port_alloc(const char *name, const struct port_spec *spec)
{
	struct port *p = aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_CACHE_LINE_ROUNDUP(sizeof(*p)));
	struct port_cold *c = calloc(1, sizeof(*c));

	if (!p || !c) {
		free(p);
		free(c);
		return NULL;
	}
	memset(p, 0, sizeof(*p));
	p->cold = c;
	p->ethdev = RTE_MAX_ETHPORTS;
	memcpy(c->name, name, strlen(name) + 1);
	c->spec = *spec;
	c->vlan = spec->vlan;
	p->vlan = &c->vlan;
	c->since = now_s();
	return p;
}

static void port_free(void *arg)
{
	struct port *p = arg;

	rte_ring_free(p->handover);
	free(p->cold);
	free(p);
}

/* PMDs that have no queue of their own hand over to one that has. */
static int handover_new(struct dp *dp, struct port *p, struct err *e)
{
	static unsigned int serial;
	char name[RTE_RING_NAMESIZE];

	p->owner = dp->n_pmds ? (uint16_t)(p->slot % dp->n_pmds) : 0;
	if (p->n_txq >= dp->n_pmds)
		return 0;
	snprintf(name, sizeof(name), "tx%u", serial++);
	p->handover = rte_ring_create(name, TXQ_HANDOVER, SOCKET_ID_ANY, RING_F_SC_DEQ);
	return p->handover ? 0 : err_set(e, -ENOMEM, "no memory for the port's transmit ring");
}

static int vxlan_open(struct dp *dp, struct port *p, struct err *e) CONTROL
{
	struct tunnel_cfg cfg;
	uint64_t r = rte_rand();
	int rc = tunnel_cfg_parse(p->cold->spec.device, &cfg, e);

	if (rc)
		return rc;
	memcpy(p->mac, &r, 6);
	p->mac[0] = (uint8_t)((p->mac[0] & 0xfe) | 0x02); /* local, unicast */
	return tunnel_attach(dp, p, &cfg, e);
}

static void set_link(struct port *p, bool up)
{
	uint32_t live = up && !(atomic_load(&p->config) & OFPPC_PORT_DOWN) ? OFPPS_LIVE : 0;

	atomic_store(&p->state, live | (up ? 0 : OFPPS_LINK_DOWN));
}

static void raise_status(struct dp *dp, const struct port *p, uint8_t reason) CONTROL
{
	if (dp->groups)
		group_port_changed(dp, p->no);
	if (dp->events.port_status)
		dp->events.port_status(dp->events.arg, p, reason);
}

static bool link_now(struct dp *dp, struct port *p) CONTROL
{
	return p->tunnel ? tunnel_link(dp, p) : port_dev_link(p);
}

static void publish(struct dp *dp, struct port *p, struct port *value)
{
	atomic_store_explicit(&dp->port_slots[p->slot], value, memory_order_release);
	if (p->no == OFPP_LOCAL)
		atomic_store_explicit(&dp->local, value, memory_order_release);
	else
		atomic_store_explicit(&dp->ports[p->no], value, memory_order_release);
}

static int open_port(struct dp *dp, struct port *p, struct err *e) CONTROL
{
	int rc;

	if (p->cold->spec.type == PORT_VXLAN)
		return vxlan_open(dp, p, e);
	rc = port_dev_open(dp, p, e);
	if (rc)
		return rc;
	rc = handover_new(dp, p, e);
	if (!rc)
		rc = port_queues_new(dp, p, e);
	if (rc)
		port_dev_close(p);
	return rc;
}

int port_add(struct dp *dp, const char *name, uint32_t no, const struct port_spec *spec,
	     struct port **out, struct err *e)
{
	uint16_t slot = 0;
	struct port *p;
	int rc = check_name(dp, name, e);

	if (!rc)
		rc = choose_number(dp, &no, e);
	if (!rc)
		rc = choose_slot(dp, &slot, e);
	if (rc)
		return rc;
	p = port_alloc(name, spec);
	if (!p)
		return err_set(e, -ENOMEM, "no memory for port '%s'", name);
	p->no = no;
	p->slot = slot;
	rc = open_port(dp, p, e);
	if (rc) {
		port_free(p);
		return err_wrap(e, rc, "port '%s'", name);
	}
	set_link(p, link_now(dp, p));
	publish(dp, p, p);
	dp->port_table->n++;
	pmd_assign_queues(dp);
	tunnel_uplink_changed(dp, name);
	raise_status(dp, p, OFPPR_ADD);
	if (out)
		*out = p;
	return 0;
}

/* ---- Removing ---- */

/* The port's drops stay in the switch's books; the slot is clean for the next one. */
static void fold_counters(struct dp *dp, const struct port *p)
{
	for (unsigned int i = 0; i < dp->n_pmds; i++) {
		struct port_counters *c = &dp->pmds[i]->ports[p->slot];

		for (unsigned int d = 0; d < N_DROPS; d++)
			dp->port_table->drops[d] += counter_get(&c->drops[d]);
		memset(c, 0, sizeof(*c));
	}
}

/* Waits until nobody is in what was unpublished; as long as it takes: the device goes next. */
static void leave(struct dp *dp)
{
	rte_rcu_qsbr_check(dp->rcu, rte_rcu_qsbr_start(dp->rcu), true);
}

static void handover_empty(struct dp *dp, struct port *p)
{
	struct rte_mbuf *m;

	while (p->handover && !rte_ring_dequeue(p->handover, (void **)&m)) {
		rte_pktmbuf_free(m);
		dp->port_table->drops[DROP_NO_PORT]++;
	}
}

int port_del(struct dp *dp, struct port *p, struct err *e)
{
	char name[PORT_NAME_MAX + 1];

	memcpy(name, p->cold->name, sizeof(name));
	publish(dp, p, NULL);
	dp->port_table->n--;
	if (p->tunnel)
		tunnel_detach(dp, p);
	else
		tunnel_uplink_changed(dp, name);
	pmd_assign_queues(dp);
	/* From here on nobody starts with the port; wait until nobody is in it. */
	leave(dp);
	handover_empty(dp, p);
	port_drops_add(dp, DROP_QUEUE_GONE, port_queues_free(p));
	fold_counters(dp, p);
	port_dev_close(p);
	if (dp->fdb)
		fdb_forget_port(dp->fdb, p->no);
	raise_status(dp, p, OFPPR_DELETE);
	port_free(p);
	return 0;
}

/* ---- OpenFlow's view ---- */

static int refuse(struct of_err *e, uint16_t code, const char *words)
{
	e->type = OFPET_PORT_MOD_FAILED;
	e->code = code;
	e->offset = 0;
	snprintf(e->text, sizeof(e->text), "%s", words);
	return -EPROTO;
}

static uint32_t features(const struct port *p)
{
	switch (p->cold->speed / 1000) {
	case 10:
		return OFPPF_10MB_FD;
	case 100:
		return OFPPF_100MB_FD;
	case 1000:
		return OFPPF_1GB_FD;
	case 10000:
		return OFPPF_10GB_FD;
	case 40000:
		return OFPPF_40GB_FD;
	case 100000:
		return OFPPF_100GB_FD;
	}
	return p->cold->speed ? OFPPF_OTHER : 0;
}

int port_mod_check(const struct dp *dp, const struct of_port_mod *pm, struct of_err *e)
{
	const struct port *p = port_by_no(dp, pm->port_no);

	if (!p)
		return refuse(e, OFPPMFC_BAD_PORT, "no such port");
	if (memcmp(p->mac, pm->hw_addr, 6))
		return refuse(e, OFPPMFC_BAD_HW_ADDR, "hardware address is not the port's");
	if ((pm->config | pm->mask) & ~(uint32_t)CONFIG_ALL)
		return refuse(e, OFPPMFC_BAD_CONFIG,
			      "a configuration bit that OpenFlow 1.3 has not");
	if (pm->advertise && pm->advertise != features(p))
		return refuse(e, OFPPMFC_BAD_ADVERTISE, "advertised features cannot be changed");
	return 0;
}

uint32_t port_mod_store(struct dp *dp, const struct of_port_mod *pm)
{
	struct port *p = port_by_no(dp, pm->port_no);
	uint32_t old = atomic_load(&p->config);

	atomic_store(&p->config, (old & ~pm->mask) | (pm->config & pm->mask));
	return old;
}

void port_mod_settle(struct dp *dp, const struct of_port_mod *pm, uint32_t old)
{
	struct port *p = port_by_no(dp, pm->port_no);
	uint32_t config = atomic_load(&p->config);

	if (config == old)
		return;
	if (!p->tunnel && (config ^ old) & OFPPC_PORT_DOWN)
		port_dev_admin(p, !(config & OFPPC_PORT_DOWN));
	set_link(p, link_now(dp, p));
	raise_status(dp, p, OFPPR_MODIFY);
}

int port_mod(struct dp *dp, const struct of_port_mod *pm, struct of_err *e)
{
	int rc = port_mod_check(dp, pm, e);

	if (!rc)
		port_mod_settle(dp, pm, port_mod_store(dp, pm));
	return rc;
}

void port_desc(const struct port *p, struct of_port *out)
{
	memset(out, 0, sizeof(*out));
	out->kind = OF_KIND_port;
	out->port_no = p->no;
	memcpy(out->hw_addr, p->mac, 6);
	memcpy(out->name, p->cold->name, sizeof(p->cold->name));
	out->config = atomic_load(&p->config);
	out->state = atomic_load(&p->state);
	out->curr = out->supported = out->advertised = features(p);
	out->curr_speed = out->max_speed = p->cold->speed;
}

void port_counters(const struct dp *dp, const struct port *p, struct port_counters *out)
{
	memset(out, 0, sizeof(*out));
	for (unsigned int i = 0; i < dp->n_pmds; i++) {
		const struct port_counters *c = &dp->pmds[i]->ports[p->slot];

		counter_add(&out->rx_packets, counter_get(&c->rx_packets));
		counter_add(&out->rx_bytes, counter_get(&c->rx_bytes));
		counter_add(&out->tx_packets, counter_get(&c->tx_packets));
		counter_add(&out->tx_bytes, counter_get(&c->tx_bytes));
		counter_add(&out->rx_dropped, counter_get(&c->rx_dropped));
		counter_add(&out->tx_dropped, counter_get(&c->tx_dropped));
		for (unsigned int d = 0; d < N_DROPS; d++)
			counter_add(&out->drops[d], counter_get(&c->drops[d]));
	}
}

void port_drops_add(struct dp *dp, enum drop why, uint64_t n)
{
	if (dp->port_table) /* at the very end what was retired is freed after the ports */
		dp->port_table->drops[why] += n;
}

void port_drops(const struct dp *dp, uint64_t drops[N_DROPS])
{
	memcpy(drops, dp->port_table->drops, sizeof(dp->port_table->drops));
	for (unsigned int i = 0; i < dp->n_pmds; i++)
		for (unsigned int s = 0; s <= PORT_MAX; s++)
			for (unsigned int d = 0; d < N_DROPS; d++)
				drops[d] += counter_get(&dp->pmds[i]->ports[s].drops[d]);
}

void port_stats(const struct dp *dp, const struct port *p, struct of_port_stats *out)
{
	double age = now_s() - p->cold->since;
	struct port_dev_errors dev;
	struct port_counters c;

	port_counters(dp, p, &c);
	port_dev_errors(p, &dev);
	memset(out, 0, sizeof(*out));
	out->kind = OF_KIND_port_stats;
	out->port_no = p->no;
	out->rx_packets = c.rx_packets;
	out->rx_bytes = c.rx_bytes;
	out->tx_packets = c.tx_packets;
	out->tx_bytes = c.tx_bytes;
	out->rx_dropped = c.rx_dropped + dev.rx_missed;
	out->tx_dropped = c.tx_dropped;
	out->rx_errors = dev.rx_errors;
	out->tx_errors = dev.tx_errors;
	out->duration_sec = (uint32_t)age;
	out->duration_nsec = (uint32_t)((age - (uint32_t)age) * 1e9);
}

/* ---- Links ---- */

/*
 * A virtual machine was started again, and its interface is another one of the same name.  The port
 * stays what it was, number and counters, over the new device.
 */
static void open_again(struct dp *dp, struct port *p) CONTROL
{
	struct err e;

	publish(dp, p, NULL);
	pmd_assign_queues(dp);
	leave(dp);
	port_dev_close(p);
	p->cold->assigned = false;
	if (port_dev_open(dp, p, &e))
		log_warn("port", "%s: %s", p->cold->name, e.text);
	else
		log_info("port", "%s: interface %s is there again", p->cold->name, p->cold->ifname);
	set_link(p, link_now(dp, p));
	publish(dp, p, p);
	pmd_assign_queues(dp);
	tunnel_uplink_changed(dp, p->cold->name);
}

void port_look(struct dp *dp, struct port *p)
{
	uint32_t before = atomic_load(&p->state);

	if (!p->tunnel && port_dev_replaced(p))
		open_again(dp, p);
	set_link(p, link_now(dp, p));
	if (atomic_load(&p->state) == before)
		return;
	log_info("port", "%s: link %s", p->cold->name, before & OFPPS_LINK_DOWN ? "up" : "down");
	pmd_assign_queues(dp);
	if (!p->tunnel)
		tunnel_uplink_changed(dp, p->cold->name);
	raise_status(dp, p, OFPPR_MODIFY);
}

void port_poll_links(struct dp *dp)
{
	struct port_table *t = dp->port_table;
	unsigned int looked = 0;

	for (unsigned int i = 0; i < PORT_MAX && looked < LINKS_A_POLL; i++) {
		struct port *p = atomic_load(&dp->port_slots[t->next_poll]);

		t->next_poll = (t->next_poll + 1) % PORT_MAX;
		if (!p)
			continue;
		looked++;
		port_look(dp, p);
	}
}

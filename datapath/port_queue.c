/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/port_queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_cycles.h>
#include <rte_mbuf.h>
#include <rte_rcu_qsbr.h>

#include "datapath/dp.h"
#include "datapath/port_dev.h"
#include "datapath/trace.h"
#include "datapath/txq.h"

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- Looking ---- */

static struct queue_set *set_of(const struct port *p)
{
	return atomic_load_explicit(&p->queues, memory_order_acquire);
}

static int by_id(const void *x, const void *y)
{
	const struct queue *a = *(struct queue *const *)x, *b = *(struct queue *const *)y;

	return a->cfg.id < b->cfg.id ? -1 : a->cfg.id > b->cfg.id;
}

uint32_t port_queues(const struct port *p, struct queue *v[QUEUES_MAX])
{
	const struct queue_set *s = set_of(p);
	uint32_t n = 0;

	for (uint32_t i = 0; s && i < s->n; i++)
		if (s->q[i] != p->cold->nameless)
			v[n++] = s->q[i];
	qsort(v, n, sizeof(*v), by_id);
	return n;
}

struct queue *port_queue_find(const struct port *p, uint32_t id)
{
	const struct queue_set *s = set_of(p);

	return s ? queue_set_find(s, id) : NULL;
}

bool port_queue_anywhere(const struct dp *dp, uint32_t id)
{
	for (unsigned int i = 0; i < PORT_MAX; i++) {
		const struct port *p =
			atomic_load_explicit(&dp->port_slots[i], memory_order_relaxed);

		if (p && port_queue_find(p, id))
			return true;
	}
	return false;
}

/*
 * A share of nothing cannot be said: where the speed is not known the property has the value for
 * "not configured".  That is true of the property, if not of the rate, which weftctl tells; and
 * speed= tells the speed.  What is less than the smallest share is that one: 0 would be no rate.
 */
uint16_t port_queue_share(const struct port *p, uint64_t bps)
{
	const uint64_t speed = (uint64_t)p->cold->speed * 1000;
	uint64_t share;

	if (!bps || !speed)
		return OFPQ_MIN_RATE_UNCFG;
	share = (uint64_t)(((double)bps * 1000 + (double)speed / 2) / (double)speed);
	return (uint16_t)(share < 1 ? 1 : share > 1000 ? 1000 : share);
}

void port_queue_stats(const struct port *p, const struct queue *q, struct of_queue_stats *out)
{
	const double age = now_s() - q->since;

	*out = (struct of_queue_stats){
		.kind = OF_KIND_queue_stats,
		.port_no = p->no,
		.queue_id = q->cfg.id,
		.tx_bytes = counter_get(&q->bytes),
		.tx_packets = counter_get(&q->packets),
		.tx_errors = counter_get(&q->errors),
		.duration_sec = (uint32_t)age,
		.duration_nsec = (uint32_t)((age - (uint32_t)age) * 1e9),
	};
}

/* ---- Making and removing ---- */

static int no_memory(struct err *e)
{
	return err_set(e, -ENOMEM, "no memory for queues");
}

static struct queue *make(const struct queue_cfg *cfg) CONTROL
{
	struct queue *q = queue_new(cfg, rte_get_tsc_hz(), rte_rdtsc());

	if (q)
		q->since = now_s();
	return q;
}

/*
 * The default queue is queue 0, or one that nobody sees.  That one stays when queue 0 comes: frames
 * may be in it.
 */
static struct queue_set *make_set(struct port *p, struct queue *const *q, uint32_t n) CONTROL
{
	static const struct queue_cfg plain = { .id = OFPQ_ALL, .len = QUEUE_LEN_DEFAULT };
	struct port_cold *c = p->cold;
	bool has_default = c->nameless;

	for (uint32_t i = 0; i < n; i++)
		has_default = has_default || !q[i]->cfg.id;
	if (!has_default)
		c->nameless = make(&plain);
	if (!has_default && !c->nameless)
		return NULL;
	return queue_set_new(q, n, c->nameless, c->spec.speed, rte_get_tsc_hz(), rte_rdtsc());
}

/* The new set's; and what the old one alone had, once everybody has left it. */
static void replace(struct dp *dp, struct port *p, struct queue_set *new) CONTROL
{
	struct queue_set *old = atomic_exchange_explicit(&p->queues, new, memory_order_acq_rel);

	pmd_assign_queues(dp);
	rte_rcu_qsbr_check(dp->rcu, rte_rcu_qsbr_start(dp->rcu), true);
	free(old);
}

int port_queue_add(struct dp *dp, struct port *p, const struct queue_cfg *cfg, struct err *e)
{
	struct queue *v[QUEUES_MAX + 1];
	uint32_t n = port_queues(p, v);
	struct queue_set *set;

	if (p->tunnel)
		return err_set(e, -ENOTSUP,
			       "port '%s' is a tunnel: its frames go to the queues of its uplink",
			       p->cold->name);
	if (port_queue_find(p, cfg->id))
		return err_set(e, -EEXIST, "port '%s' has a queue %u already", p->cold->name,
			       cfg->id);
	if (n == QUEUES_MAX)
		return err_set(e, -ENOSPC, "port '%s' has %d queues: delete one first",
			       p->cold->name, QUEUES_MAX);
	v[n] = make(cfg);
	set = v[n] ? make_set(p, v, n + 1) : NULL;
	if (!set) {
		queue_free(v[n]);
		return no_memory(e);
	}
	replace(dp, p, set);
	return 0;
}

int port_queue_del(struct dp *dp, struct port *p, uint32_t id, struct err *e)
{
	struct queue *v[QUEUES_MAX], *gone = port_queue_find(p, id);
	uint32_t n = port_queues(p, v), kept = 0;
	struct queue_set *set = NULL;
	bool last;

	if (!gone)
		return err_set(e, -ENOENT, "port '%s' has no queue %u", p->cold->name, id);
	for (uint32_t i = 0; i < n; i++)
		if (v[i] != gone)
			v[kept++] = v[i];
	last = !kept && !p->cold->spec.speed;
	if (!last) {
		set = make_set(p, v, kept);
		if (!set)
			return no_memory(e);
	}
	replace(dp, p, set);
	port_drops_add(dp, DROP_QUEUE_GONE, queue_free(gone));
	if (last) {
		port_drops_add(dp, DROP_QUEUE_GONE, queue_free(p->cold->nameless));
		p->cold->nameless = NULL;
	}
	return 0;
}

int port_queues_new(struct dp *dp, struct port *p, struct err *e)
{
	const struct port_spec *s = &p->cold->spec;
	struct queue *v[QUEUES_MAX] = { NULL };
	struct queue_set *set = NULL;
	uint32_t n = 0;

	if (!s->n_queue && !s->speed)
		return 0;
	while (n < s->n_queue && (v[n] = make(&s->queue[n])))
		n++;
	if (n == s->n_queue)
		set = make_set(p, v, n);
	if (!set) {
		while (n)
			queue_free(v[--n]);
		queue_free(p->cold->nameless);
		p->cold->nameless = NULL;
		return no_memory(e);
	}
	atomic_store_explicit(&p->queues, set, memory_order_release);
	return 0;
}

uint64_t port_queues_free(struct port *p)
{
	struct queue *v[QUEUES_MAX];
	uint32_t n = port_queues(p, v);
	uint64_t frames = queue_free(p->cold->nameless);

	while (n)
		frames += queue_free(v[--n]);
	free(atomic_exchange(&p->queues, NULL));
	p->cold->nameless = NULL;
	return frames;
}

/* ---- PMD threads ---- */

void port_queue_put(struct pmd *w, const struct port *p, struct queue_set *s, struct rte_mbuf *m,
		    uint32_t id)
{
	struct queue *q = queue_of(s, id);

	if (unlikely(w->trace)) {
		trace_queued(w, p, q->cfg.id, m);
		return;
	}
	if (likely(queue_put(q, m)))
		return;
	counter_add(&w->ports[p->slot].tx_dropped, 1);
	counter_add(&w->ports[p->slot].drops[DROP_QUEUE_FULL], 1);
	rte_pktmbuf_free(m);
}

struct egress {
	struct pmd *w;
	const struct port *p;
};

static unsigned int to_device(void *arg, struct rte_mbuf **m, unsigned int n)
{
	const struct egress *x = arg;

	role_assume_pmd();
	return txq_offer(x->w, x->p, m, n);
}

/* Nobody is there to send to: what waits would be old when somebody is. */
static unsigned int discard(struct pmd *w, const struct port *p, struct queue_set *s,
			    enum drop why) PMD
{
	struct rte_mbuf *m[QUEUE_STAGE];
	unsigned int n = queue_take(s, m, QUEUE_STAGE);

	counter_add(&w->ports[p->slot].tx_dropped, n);
	counter_add(&w->ports[p->slot].drops[why], n);
	rte_pktmbuf_free_bulk(m, n);
	return n;
}

unsigned int port_queue_run(struct pmd *w, const struct port *p)
{
	struct egress x = { w, p };
	struct queue_set *s = set_of(p);

	if (!s)
		return 0;
	if (atomic_load_explicit(&p->config, memory_order_relaxed) &
	    (OFPPC_PORT_DOWN | OFPPC_NO_FWD))
		return discard(w, p, s, DROP_PORT_NO_FWD);
	if (atomic_load_explicit(&p->state, memory_order_relaxed) & OFPPS_LINK_DOWN)
		return discard(w, p, s, DROP_LINK_DOWN);
	return queue_serve(s, w->now, w->hz, to_device, &x, &w->wake);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/ct_zone.h"

#include <errno.h>
#include <string.h>

#include "datapath/ct_priv.h"

/*
 * TCP: RFC 5382 REQ-5 asks for 2 h 4 min when it is established, and for 4 min before and after,
 * which RFC 7857 2.1 and 2.2 keep as defaults, after an RST, too.  A flood of SYNs does not hold
 * the pool for so long: see ct_expire.c.  Established, a day, as Open vSwitch has it.
 */
const uint32_t ct_timeout_seconds[CT_N_TIMEOUTS] = {
	[CT_T_TCP_SYN_SENT] = 240,
	[CT_T_TCP_SYN_RECV] = 240,
	[CT_T_TCP_ESTABLISHED] = 24 * 3600,
	[CT_T_TCP_FIN_WAIT] = 240,
	[CT_T_TCP_CLOSE_WAIT] = 240,
	[CT_T_TCP_LAST_ACK] = 240,
	[CT_T_TCP_TIME_WAIT] = 240,
	[CT_T_TCP_CLOSE] = 240,
	[CT_T_UDP_FIRST] = 120,
	[CT_T_UDP_SINGLE] = 120,
	[CT_T_UDP_MULTIPLE] = 300,
	[CT_T_ICMP_FIRST] = 60,
	[CT_T_ICMP_REPLY] = 60,
	[CT_T_OTHER_FIRST] = 60,
	[CT_T_OTHER_SINGLE] = 60,
	[CT_T_OTHER_MULTIPLE] = 120,
};

const char *const ct_timeout_names[CT_N_TIMEOUTS] = {
	[CT_T_TCP_SYN_SENT] = "tcp_syn_sent",
	[CT_T_TCP_SYN_RECV] = "tcp_syn_recv",
	[CT_T_TCP_ESTABLISHED] = "tcp_established",
	[CT_T_TCP_FIN_WAIT] = "tcp_fin_wait",
	[CT_T_TCP_CLOSE_WAIT] = "tcp_close_wait",
	[CT_T_TCP_LAST_ACK] = "tcp_last_ack",
	[CT_T_TCP_TIME_WAIT] = "tcp_time_wait",
	[CT_T_TCP_CLOSE] = "tcp_close",
	[CT_T_UDP_FIRST] = "udp_first",
	[CT_T_UDP_SINGLE] = "udp_single",
	[CT_T_UDP_MULTIPLE] = "udp_multiple",
	[CT_T_ICMP_FIRST] = "icmp_first",
	[CT_T_ICMP_REPLY] = "icmp_reply",
	[CT_T_OTHER_FIRST] = "other_first",
	[CT_T_OTHER_SINGLE] = "other_single",
	[CT_T_OTHER_MULTIPLE] = "other_multiple",
};

int ct_timeout_by_name(const char *name)
{
	for (int i = 0; i < CT_N_TIMEOUTS; i++)
		if (!strcmp(name, ct_timeout_names[i]))
			return i;
	return -1;
}

/* ---- Any thread ---- */

/* So that ct_zone_each() need not read 65,536 of them, which would take memory for each. */
static void note(struct ct *t, uint16_t zone)
{
	_Atomic uint64_t *word = &t->head->zones_used[zone / 64];
	const uint64_t bit = UINT64_C(1) << zone % 64;

	if (!(atomic_load_explicit(word, memory_order_relaxed) & bit))
		atomic_fetch_or_explicit(word, bit, memory_order_relaxed);
}

static bool noted(const struct ct *t, uint16_t zone)
{
	return atomic_load_explicit(&t->head->zones_used[zone / 64], memory_order_relaxed) >>
		       zone % 64 &
	       1;
}

static uint32_t limit_of(const struct ct *t, uint16_t zone)
{
	const uint32_t own = atomic_load_explicit(&t->zone[zone].limit, memory_order_relaxed);

	return own ? own - 1 : ct_zone_default_limit(t);
}

bool ct_zone_has_room(const struct ct *t, uint16_t zone)
{
	const uint32_t limit = limit_of(t, zone);

	return !limit || atomic_load_explicit(&t->zone[zone].count, memory_order_relaxed) < limit;
}

bool ct_zone_enter(struct ct *t, uint16_t zone)
{
	struct ct_zone *z = &t->zone[zone];
	const uint32_t limit = limit_of(t, zone);

	note(t, zone);
	/* A flood that is refused does not write here. */
	if (limit && atomic_load_explicit(&z->count, memory_order_relaxed) >= limit)
		return false;
	if (atomic_fetch_add_explicit(&z->count, 1, memory_order_relaxed) < limit || !limit)
		return true;
	ct_zone_leave(t, zone);
	return false;
}

void ct_zone_leave(struct ct *t, uint16_t zone)
{
	atomic_fetch_sub_explicit(&t->zone[zone].count, 1, memory_order_relaxed);
}

uint32_t ct_zone_ms(const struct ct *t, uint16_t zone, enum ct_timeout timeout)
{
	const struct ct_zone *z = &t->zone[zone];
	uint32_t ms = 0;

	if (atomic_load_explicit(&z->has_policy, memory_order_relaxed))
		ms = atomic_load_explicit(&z->ms[timeout], memory_order_relaxed);
	return ms ? ms : atomic_load_explicit(&t->head->default_ms[timeout], memory_order_relaxed);
}

void ct_touch(struct ct *t, struct ct_conn *c, enum ct_timeout timeout, uint32_t now)
{
	const uint32_t was = atomic_load_explicit(&c->expires, memory_order_relaxed);
	const uint32_t is = now + ct_zone_ms(t, c->orig.zone, timeout);

	/* So that it makes no difference who looks (ct_quick.c). */
	if (timeout == CT_T_TCP_ESTABLISHED && ct_is_fresh(t, c, now))
		return;
	if (atomic_load_explicit(&c->timeout, memory_order_relaxed) != timeout)
		atomic_store_explicit(&c->timeout, (uint8_t)timeout, memory_order_relaxed);
	if (is == was)
		return;
	atomic_store_explicit(&c->expires, is, memory_order_relaxed);
	if ((int32_t)(is - was) < 0 && ct_lives(c))
		ct_due(t, c);
}

void ct_zone_count(struct pmd *w, struct ct *t, uint16_t zone, enum ct_zone_event ev)
{
	note(t, zone);
	counter_add(&ct_zone_counters(t, w, zone)->events[ev], 1);
}

/* ---- Control thread ---- */

void ct_zone_set_limit(struct ct *t, const uint16_t *zone, uint32_t limit)
{
	if (!zone) {
		atomic_store_explicit(&t->head->default_limit, limit, memory_order_relaxed);
		return;
	}
	note(t, *zone);
	/* One less than all is as good as all. */
	atomic_store_explicit(&t->zone[*zone].limit, limit == UINT32_MAX ? limit : limit + 1,
			      memory_order_relaxed);
}

bool ct_zone_del_limit(struct ct *t, uint16_t zone)
{
	return noted(t, zone) &&
	       atomic_exchange_explicit(&t->zone[zone].limit, 0, memory_order_relaxed);
}

uint32_t ct_zone_default_limit(const struct ct *t)
{
	return atomic_load_explicit(&t->head->default_limit, memory_order_relaxed);
}

int ct_zone_set_policy(struct ct *t, const uint16_t *zone, const struct ct_policy *p, struct err *e)
{
	for (int i = 0; i < CT_N_TIMEOUTS; i++)
		if (p->seconds[i] > CT_SECONDS_MAX)
			return err_set(e, -ERANGE, "%s %u: at most %d seconds are right",
				       ct_timeout_names[i], p->seconds[i], CT_SECONDS_MAX);
	if (zone)
		note(t, *zone);
	for (int i = 0; i < CT_N_TIMEOUTS; i++) {
		const uint32_t ms = p->seconds[i] * CT_TICKS;

		if (zone)
			atomic_store_explicit(&t->zone[*zone].ms[i], ms, memory_order_relaxed);
		else
			atomic_store_explicit(&t->head->default_ms[i],
					      ms ? ms : ct_timeout_seconds[i] * CT_TICKS,
					      memory_order_relaxed);
	}
	if (zone)
		atomic_store_explicit(&t->zone[*zone].has_policy, 1, memory_order_relaxed);
	return 0;
}

bool ct_zone_policy(const struct ct *t, const uint16_t *zone, struct ct_policy *p)
{
	const bool own = zone && noted(t, *zone) &&
			 atomic_load_explicit(&t->zone[*zone].has_policy, memory_order_relaxed);

	for (int i = 0; i < CT_N_TIMEOUTS; i++) {
		uint32_t ms = 0;

		if (own)
			ms = atomic_load_explicit(&t->zone[*zone].ms[i], memory_order_relaxed);
		if (!ms)
			ms = atomic_load_explicit(&t->head->default_ms[i], memory_order_relaxed);
		p->seconds[i] = ms / CT_TICKS;
	}
	return own;
}

void ct_zone_stats(const struct ct *t, uint16_t zone, struct ct_zone_stats *s)
{
	memset(s, 0, sizeof(*s));
	s->zone = zone;
	s->limit = ct_zone_default_limit(t);
	if (!noted(t, zone))
		return;
	s->count = atomic_load_explicit(&t->zone[zone].count, memory_order_relaxed);
	s->limit = limit_of(t, zone);
	s->has_limit = atomic_load_explicit(&t->zone[zone].limit, memory_order_relaxed);
	s->has_policy = atomic_load_explicit(&t->zone[zone].has_policy, memory_order_relaxed);
	for (int i = 0; i < PMD_MAX; i++)
		for (int j = 0; j < CT_N_ZONE_EVENTS; j++)
			s->events[j] += counter_get(&t->side[i].zones[zone].events[j]);
}

void ct_zone_each(const struct ct *t, void (*fn)(void *arg, const struct ct_zone_stats *s),
		  void *arg)
{
	for (uint32_t zone = 0; zone < CT_ZONES; zone++) {
		struct ct_zone_stats s;

		if (!noted(t, (uint16_t)zone))
			continue;
		ct_zone_stats(t, (uint16_t)zone, &s);
		fn(arg, &s);
	}
}

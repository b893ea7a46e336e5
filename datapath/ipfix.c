/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/ipfix.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include <rte_cycles.h>

#include "base/log.h"
#include "datapath/dp.h"

enum {
	SAMPLES_A_ROUND = 1024,
	FLOWS_A_ROUND = 4096, /* of one set */
};

/* All sets of a switch. */
struct ipfix {
	struct ipfix_set *sets; /* by ascending id */
	unsigned int n_sets;
	struct ipfix_counts gone; /* of those that were removed */
	/* Of the round that runs. */
	struct dp *dp;
	uint64_t now, wall_ms, hz;
};

/* ---- Telling ---- */

static const char *name_of(const struct ipfix *x, uint32_t port)
{
	const struct port *p = port ? port_by_no(x->dp, port) : NULL;

	return p ? port_name(p) : "";
}

static uint64_t wall_of(const struct ipfix *x, uint64_t tsc)
{
	return tsc >= x->now ? x->wall_ms : x->wall_ms - (x->now - tsc) / (x->hz / 1000);
}

static void tell(struct ipfix *x, struct ipfix_set *s, const struct ipfix_flow *f,
		 enum ipfix_reason reason) CONTROL
{
	const struct ipfix_record r = {
		.flow = &f->key,
		.in_name = name_of(x, f->key.in_port),
		.out_name = name_of(x, f->key.out_port),
		.start_ms = wall_of(x, f->start),
		.end_ms = wall_of(x, f->end),
		.packets = (uint64_t)llround(f->packets),
		.bytes = (uint64_t)llround(f->bytes),
		.ip_bytes = (uint64_t)llround(f->ip_bytes),
		.ip_min = f->ip_min,
		.ip_max = f->ip_max,
		.tcp_flags = f->tcp_flags,
		.reason = (uint8_t)reason,
	};

	ipfix_send_record(s, &r, x->wall_ms);
}

/* The flow that has been longest. */
static void end_first(struct ipfix *x, struct ipfix_set *s, enum ipfix_reason reason) CONTROL
{
	struct ipfix_flow *f = s->flows.list;

	tell(x, s, f, reason);
	ipfix_flow_free(&s->flows, f);
}

static void count(struct ipfix *x, struct ipfix_set *s, const struct sample *p) CONTROL
{
	struct ipfix_flow *f = NULL, alone;

	s->n.samples++;
	if (s->s.active_timeout) {
		f = ipfix_flow_find(&s->flows, &p->flow);
		if (f) {
			ipfix_flow_add(f, p);
			return;
		}
		if (s->flows.n == s->s.max_flows) {
			s->n.early++;
			end_first(x, s, IPFIX_LACK_OF_RESOURCES);
		}
		f = ipfix_flow_new(&s->flows, p);
	}
	if (f)
		return;
	/* Without a cache, or without memory for it: a record of its own. */
	ipfix_flow_begin(&alone, p);
	tell(x, s, &alone, IPFIX_ACTIVE_TIMEOUT);
}

/* The set may have gone since the sample was drawn: then nobody is left to be told. */
static void take(void *arg, const struct sample *p)
{
	struct ipfix *x = arg;
	struct ipfix_set *s;

	role_assume_control();
	s = ipfix_find(x->dp, p->flow.set);
	if (s)
		count(x, s, p);
}

/* True: there are more that are due. */
static bool expire(struct ipfix *x, struct ipfix_set *s) CONTROL
{
	const uint64_t life = s->s.active_timeout * x->hz;

	for (unsigned int i = 0; s->flows.list; i++) {
		if (x->now < s->flows.list->start + life)
			return false;
		if (i == FLOWS_A_ROUND)
			return true;
		end_first(x, s, IPFIX_ACTIVE_TIMEOUT);
	}
	return false;
}

static void end_all(struct ipfix *x, struct ipfix_set *s) CONTROL
{
	while (s->flows.list)
		end_first(x, s, IPFIX_FORCED_END);
	ipfix_send(s, x->wall_ms);
}

bool ipfix_run(struct dp *dp, uint64_t now, uint64_t wall_ms)
{
	struct ipfix *x = dp->ipfix;
	bool more;

	if (!x)
		return false;
	x->now = now;
	x->wall_ms = wall_ms;
	more = sample_drain(dp, SAMPLES_A_ROUND, take, x) && sample_is_due(dp);
	for (struct ipfix_set *s = x->sets; s; s = s->next) {
		more |= expire(x, s);
		ipfix_send(s, wall_ms);
	}
	return more;
}

/* ---- Sets ---- */

struct ipfix_set *ipfix_find(const struct dp *dp, uint32_t id)
{
	struct ipfix_set *s = dp->ipfix ? dp->ipfix->sets : NULL;

	while (s && s->s.id != id)
		s = s->next;
	return s;
}

const struct ipfix_set *ipfix_first(const struct dp *dp)
{
	return dp->ipfix ? dp->ipfix->sets : NULL;
}

/* What packet threads know: the sets but for one that goes. */
static int publish(struct dp *dp, const struct ipfix_set *but) CONTROL
{
	uint32_t ids[SAMPLE_SETS], n = 0;

	for (const struct ipfix_set *s = dp->ipfix->sets; s; s = s->next)
		if (s != but)
			ids[n++] = s->s.id;
	return sample_set_ids(dp, ids, n);
}

static struct ipfix *get(struct dp *dp)
{
	if (!dp->ipfix) {
		dp->ipfix = calloc(1, sizeof(*dp->ipfix));
		if (!dp->ipfix)
			return NULL;
		dp->ipfix->dp = dp;
		dp->ipfix->hz = rte_get_tsc_hz();
	}
	return dp->ipfix;
}

static void insert(struct ipfix *x, struct ipfix_set *s)
{
	struct ipfix_set **at = &x->sets;

	while (*at && (*at)->s.id < s->s.id)
		at = &(*at)->next;
	s->next = *at;
	*at = s;
	x->n_sets++;
}

static void take_out(struct ipfix *x, const struct ipfix_set *s)
{
	struct ipfix_set **at = &x->sets;

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	x->n_sets--;
}

int ipfix_add(struct dp *dp, const struct ipfix_spec *spec, struct err *e)
{
	struct ipfix *x = get(dp);
	struct ipfix_set *s;
	int rc;

	if (ipfix_find(dp, spec->id))
		return err_set(e, -EEXIST, "ipfix set %u is there already", spec->id);
	if (x && x->n_sets == SAMPLE_SETS)
		return err_set(e, -ENOSPC, "%d ipfix sets are there, and no more can be",
			       SAMPLE_SETS);
	s = x ? calloc(1, sizeof(*s)) : NULL;
	if (!s)
		return err_set(e, -ENOMEM, "no memory for ipfix set %u", spec->id);
	s->s = *spec;
	rc = ipfix_open(s, e);
	if (!rc) {
		insert(x, s);
		rc = publish(dp, NULL);
		if (!rc)
			return 0;
		take_out(x, s);
		err_set(e, rc, "no memory for ipfix set %u", spec->id);
	}
	ipfix_close(s);
	free(s);
	return rc;
}

static void add_counts(struct ipfix_counts *to, const struct ipfix_counts *n)
{
	to->samples += n->samples;
	to->records += n->records;
	to->messages += n->messages;
	to->errors += n->errors;
	to->early += n->early;
	to->dropped += n->dropped;
}

static void set_free(struct ipfix *x, struct ipfix_set *s) CONTROL
{
	end_all(x, s);
	take_out(x, s);
	add_counts(&x->gone, &s->n);
	ipfix_close(s);
	free(s);
}

int ipfix_del(struct dp *dp, uint32_t id, struct err *e)
{
	struct ipfix_set *s = ipfix_find(dp, id);

	if (!s)
		return err_set(e, -ENOENT, "there is no ipfix set %u", id);
	if (publish(dp, s))
		return err_set(e, -ENOMEM, "no memory to remove ipfix set %u", id);
	set_free(dp->ipfix, s);
	return 0;
}

void ipfix_free(struct dp *dp)
{
	struct ipfix *x = dp->ipfix;

	if (!x)
		return;
	while (x->sets)
		set_free(x, x->sets);
	free(x);
	dp->ipfix = NULL;
}

struct ipfix_counts ipfix_counts(const struct dp *dp)
{
	struct ipfix_counts n = { 0 };

	if (!dp->ipfix)
		return n;
	n = dp->ipfix->gone;
	for (const struct ipfix_set *s = dp->ipfix->sets; s; s = s->next)
		add_counts(&n, &s->n);
	return n;
}

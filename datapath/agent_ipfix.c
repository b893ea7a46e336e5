/* SPDX-License-Identifier: Apache-2.0 */
/* Collector sets of IPFIX, as Weft's own messages tell and change them. */
#include <errno.h>

#include "datapath/agent_mgmt.h"
#include "datapath/ipfix.h"

static Weft__IpfixCollector *collector_mgmt(const struct mgmt_ctx *x,
					    const struct ipfix_collector *c)
{
	Weft__IpfixCollector *out = arena_get(x->arena, sizeof(*out));

	if (!out)
		return NULL;
	weft__ipfix_collector__init(out);
	out->name = arena_strdup(x->arena, c->name);
	out->messages = c->messages;
	out->errors = c->errors;
	return out->name ? out : NULL;
}

static Weft__IpfixSet *set_mgmt(const struct mgmt_ctx *x, const struct ipfix_set *s)
{
	Weft__IpfixSet *out = arena_get(x->arena, sizeof(*out));

	if (!out)
		return NULL;
	weft__ipfix_set__init(out);
	out->id = s->s.id;
	out->active_timeout = s->s.active_timeout;
	out->max_flows = s->s.max_flows;
	out->template_interval = s->s.interval;
	out->flows = s->flows.n;
	out->samples = s->n.samples;
	out->records = s->n.records;
	out->messages = s->n.messages;
	out->errors = s->n.errors;
	out->early = s->n.early;
	out->dropped = s->n.dropped;
	out->collectors = arena_get(x->arena, IPFIX_COLLECTORS * sizeof(*out->collectors));
	if (!out->collectors)
		return NULL;
	for (unsigned int i = 0; i < s->s.n_collectors; i++) {
		out->collectors[i] = collector_mgmt(x, &s->s.collectors[i]);
		if (!out->collectors[i])
			return NULL;
		out->n_collectors++;
	}
	return out;
}

static int answer(const struct mgmt_ctx *x, Weft__IpfixSet **v, size_t n)
{
	Weft__IpfixList l = WEFT__IPFIX_LIST__INIT;
	Weft__Reply r = WEFT__REPLY__INIT;

	l.sets = v;
	l.n_sets = n;
	r.body_case = WEFT__REPLY__BODY_IPFIX_LIST;
	r.ipfix_list = &l;
	return mgmt_answer(x, &r);
}

int agent_ipfix_add(const struct mgmt_ctx *x, const Weft__IpfixAdd *q)
{
	struct dp *dp = x->conn->agent->dp;
	struct ipfix_spec spec;
	Weft__IpfixSet *set;
	struct err e = { "" };
	int rc = ipfix_spec_parse(q->spec, &spec, &e);

	if (!rc)
		rc = ipfix_add(dp, &spec, &e);
	if (rc)
		return mgmt_refuse_err(x, rc, &e);
	set = set_mgmt(x, ipfix_find(dp, spec.id));
	return set ? answer(x, &set, 1) : -ENOMEM;
}

/* Answered with the set as it was. */
int agent_ipfix_del(const struct mgmt_ctx *x, const Weft__IpfixDel *q)
{
	struct dp *dp = x->conn->agent->dp;
	const struct ipfix_set *s = ipfix_find(dp, q->id);
	Weft__IpfixSet *set = s ? set_mgmt(x, s) : NULL;
	struct err e = { "" };
	int rc;

	if (s && !set)
		return -ENOMEM;
	rc = ipfix_del(dp, q->id, &e);
	return rc ? mgmt_refuse_err(x, rc, &e) : answer(x, &set, 1);
}

int agent_ipfix_list(const struct mgmt_ctx *x)
{
	Weft__IpfixSet **v = arena_get(x->arena, SAMPLE_SETS * sizeof(*v));
	size_t n = 0;

	if (!v)
		return -ENOMEM;
	for (const struct ipfix_set *s = ipfix_first(x->conn->agent->dp); s; s = s->next) {
		v[n] = set_mgmt(x, s);
		if (!v[n++])
			return -ENOMEM;
	}
	return answer(x, v, n);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/nx.h"

#include <errno.h>
#include <string.h>

/* ---- learn ---- */

bool of_learn_of(const struct of_any *a, struct of_learn *out)
{
	const struct of_nx_learn *l = (const void *)a;
	const struct of_nx_learn2 *l2 = (const void *)a;

	if (a->kind != OF_KIND_nx_learn && a->kind != OF_KIND_nx_learn2)
		return false;
	/* The longer begins as the shorter one. */
	*out = (struct of_learn){ .idle_timeout = l->idle_timeout,
				  .hard_timeout = l->hard_timeout,
				  .fin_idle_timeout = l->fin_idle_timeout,
				  .fin_hard_timeout = l->fin_hard_timeout,
				  .priority = l->priority,
				  .cookie = l->cookie,
				  .flags = l->flags,
				  .table_id = l->table_id,
				  .specs = &l->specs };
	if (a->kind == OF_KIND_nx_learn)
		return true;
	out->limit = l2->limit;
	out->result = l2->result.dst;
	out->specs = &l2->specs;
	return true;
}

_Static_assert(offsetof(struct of_nx_learn, fin_hard_timeout) ==
		       offsetof(struct of_nx_learn2, fin_hard_timeout),
	       "nx_learn2 begins as nx_learn");

struct of_any *of_learn_action(const struct of_learn *l, struct arena *a)
{
	bool longer = l->limit || l->result.field;
	enum of_kind kind = longer ? OF_KIND_nx_learn2 : OF_KIND_nx_learn;
	struct of_any *s = of_new(a, kind);
	struct of_nx_learn *to = (void *)s;
	struct of_nx_learn2 *to2 = (void *)s;

	if (!s)
		return NULL;
	to->idle_timeout = l->idle_timeout;
	to->hard_timeout = l->hard_timeout;
	to->fin_idle_timeout = l->fin_idle_timeout;
	to->fin_hard_timeout = l->fin_hard_timeout;
	to->priority = l->priority;
	to->cookie = l->cookie;
	to->flags = l->flags & ~(unsigned int)NX_LEARN_F_WRITE_RESULT;
	to->table_id = l->table_id;
	if (!longer) {
		to->specs = *l->specs;
		return s;
	}
	to->flags |= l->result.field ? NX_LEARN_F_WRITE_RESULT : 0;
	to2->limit = l->limit;
	to2->result.dst = l->result;
	to2->specs = *l->specs;
	return s;
}

/* ---- controller ---- */

static void read_property(const struct of_any *p, struct of_to_controller *k)
{
	switch (p->kind) {
	case OF_KIND_nx_ac2_max_len:
		k->max_len = ((const struct of_nx_ac2_max_len *)p)->max_len;
		break;
	case OF_KIND_nx_ac2_controller_id:
		k->controller_id = ((const struct of_nx_ac2_controller_id *)p)->controller_id;
		break;
	case OF_KIND_nx_ac2_reason:
		k->reason = ((const struct of_nx_ac2_reason *)p)->reason;
		break;
	case OF_KIND_nx_ac2_userdata:
		k->userdata = ((const struct of_nx_ac2_userdata *)p)->data;
		break;
	case OF_KIND_nx_ac2_pause:
		k->pause = true;
		break;
	case OF_KIND_nx_ac2_meter_id:
		k->meter_id = ((const struct of_nx_ac2_meter_id *)p)->meter_id;
		break;
	default:
		break;
	}
}

bool of_controller_of(const struct of_any *a, struct of_to_controller *out)
{
	const struct of_action_output *o = (const void *)a;
	const struct of_nx_controller *x = (const void *)a;
	const struct of_nx_controller2 *x2 = (const void *)a;

	*out = (struct of_to_controller){ .max_len = UINT16_MAX,
					  .reason = OFPR_ACTION,
					  .meter_id = NX_CTLR_NO_METER };
	switch (a->kind) {
	case OF_KIND_action_output:
		out->max_len = o->max_len;
		return o->port == OFPP_CONTROLLER;
	case OF_KIND_nx_controller:
		out->max_len = x->max_len;
		out->controller_id = x->controller_id;
		out->reason = x->reason;
		return true;
	case OF_KIND_nx_controller2:
		for (uint32_t i = 0; i < x2->properties.n; i++)
			read_property(x2->properties.v[i], out);
		return true;
	default:
		return false;
	}
}

/* A property at the end of the list; NULL when the arena is full. */
static void *add_property(struct of_nx_controller2 *x, struct arena *a, enum of_kind kind)
{
	struct of_any *p = of_new(a, kind);

	return p && !of_list_add(&x->properties, a, p) ? p : NULL;
}

#define ADD_PROPERTY(kind_, member, value)                                  \
	{                                                                   \
		struct of_##kind_ *p = add_property(x, a, OF_KIND_##kind_); \
		if (!p)                                                     \
			return NULL;                                        \
		p->member = value;                                          \
	}

/* In the order, and with the leavings-out, of Open vSwitch. */
static struct of_any *controller2(const struct of_to_controller *k, struct arena *a)
{
	struct of_nx_controller2 *x = OF_NEW(a, nx_controller2);

	if (!x)
		return NULL;
	if (k->max_len != UINT16_MAX)
		ADD_PROPERTY(nx_ac2_max_len, max_len, k->max_len)
	if (k->controller_id)
		ADD_PROPERTY(nx_ac2_controller_id, controller_id, k->controller_id)
	if (k->reason != OFPR_ACTION)
		ADD_PROPERTY(nx_ac2_reason, reason, k->reason)
	if (k->userdata.n)
		ADD_PROPERTY(nx_ac2_userdata, data, k->userdata)
	if (k->pause && !add_property(x, a, OF_KIND_nx_ac2_pause))
		return NULL;
	if (k->meter_id != NX_CTLR_NO_METER)
		ADD_PROPERTY(nx_ac2_meter_id, meter_id, k->meter_id)
	return (struct of_any *)x;
}

struct of_any *of_controller_action(const struct of_to_controller *k, struct arena *a)
{
	struct of_nx_controller *x;
	struct of_action_output *o;

	if (k->userdata.n || k->pause || k->meter_id != NX_CTLR_NO_METER)
		return controller2(k, a);
	if (k->reason == OFPR_ACTION && !k->controller_id) {
		o = OF_NEW(a, action_output);
		if (o) {
			o->port = OFPP_CONTROLLER;
			o->max_len = k->max_len;
		}
		return (struct of_any *)o;
	}
	x = OF_NEW(a, nx_controller);
	if (x) {
		x->max_len = k->max_len;
		x->controller_id = k->controller_id;
		x->reason = k->reason;
	}
	return (struct of_any *)x;
}

/* ---- sample ---- */

bool of_sample_of(const struct of_any *a, struct of_sample *out)
{
	const struct of_nx_sample2 *s = (const void *)a; /* the shorter one begins alike */

	if (a->kind != OF_KIND_nx_sample && a->kind != OF_KIND_nx_sample2 &&
	    a->kind != OF_KIND_nx_sample3)
		return false;
	*out = (struct of_sample){ .probability = s->probability,
				   .collector_set_id = s->collector_set_id,
				   .obs_domain_id = s->obs_domain_id,
				   .obs_point_id = s->obs_point_id,
				   .sampling_port = OFPP_ANY };
	if (a->kind == OF_KIND_nx_sample)
		return true;
	out->sampling_port = of_nx_port(s->sampling_port);
	if (a->kind == OF_KIND_nx_sample3)
		out->direction = s->direction;
	return true;
}

_Static_assert(offsetof(struct of_nx_sample, obs_point_id) ==
			       offsetof(struct of_nx_sample2, obs_point_id) &&
		       offsetof(struct of_nx_sample2, direction) ==
			       offsetof(struct of_nx_sample3, direction),
	       "samples begin alike");

/* The shortest that says it. */
struct of_any *of_sample_action(const struct of_sample *s, struct arena *a)
{
	enum of_kind kind = s->direction		   ? OF_KIND_nx_sample3
			    : s->sampling_port != OFPP_ANY ? OF_KIND_nx_sample2
							   : OF_KIND_nx_sample;
	struct of_nx_sample2 *to = (void *)of_new(a, kind);

	if (!to)
		return NULL;
	to->probability = s->probability;
	to->collector_set_id = s->collector_set_id;
	to->obs_domain_id = s->obs_domain_id;
	to->obs_point_id = s->obs_point_id;
	if (kind != OF_KIND_nx_sample) {
		to->sampling_port = (uint16_t)s->sampling_port;
		to->direction = s->direction;
	}
	return (struct of_any *)to;
}

/* ---- flow monitors ---- */

struct of_flow_monitor of_nx_monitor(const struct of_nx_flow_monitor *m)
{
	return (struct of_flow_monitor){ .kind = OF_KIND_flow_monitor,
					 .id = m->id,
					 .flags = m->flags,
					 .out_port = of_nx_port(m->out_port),
					 .table_id = m->table_id,
					 .match = m->match };
}

int of_nx_monitor_of(const struct of_flow_monitor *m, struct of_nx_flow_monitor *out)
{
	if (m->out_port >= 0xff00 && m->out_port < OFPP_MAX)
		return -ERANGE;
	*out = (struct of_nx_flow_monitor){ .kind = OF_KIND_nx_flow_monitor,
					    .id = m->id,
					    .flags = m->flags,
					    .out_port = (uint16_t)m->out_port,
					    .table_id = m->table_id,
					    .match = m->match };
	return 0;
}

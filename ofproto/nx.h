/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nicira's actions that have more than one form on the wire, as one struct each.
 *
 * Views: what they point to belongs to the action.  No state; any thread.
 */
#ifndef WEFT_OFPROTO_NX_H
#define WEFT_OFPROTO_NX_H

#include "ofproto/wire.h"

/* learn: nx_learn, nx_learn2. */
struct of_learn {
	uint16_t idle_timeout, hard_timeout, fin_idle_timeout, fin_hard_timeout;
	uint16_t priority;
	uint64_t cookie;
	uint16_t flags; /* NX_LEARN_F_* */
	uint8_t table_id;
	uint32_t limit;		   /* of flows with this cookie in the table; 0: none */
	struct of_subfield result; /* one bit; field NULL: none */
	const struct of_learn_specs *specs;
};

/* False where 'a' is neither. */
bool of_learn_of(const struct of_any *a, struct of_learn *out);
/* The action: nx_learn where that can say it, as Open vSwitch does; NULL when the arena is full. */
struct of_any *of_learn_action(const struct of_learn *l, struct arena *a);

/* controller: nx_controller, nx_controller2, and the output to OFPP_CONTROLLER. */
struct of_to_controller {
	uint16_t max_len, controller_id;
	uint8_t reason; /* OFPR_* */
	bool pause;
	uint32_t meter_id; /* NX_CTLR_NO_METER: none */
	struct of_span userdata;
};

enum { NX_CTLR_NO_METER = 0 };

bool of_controller_of(const struct of_any *a, struct of_to_controller *out);
struct of_any *of_controller_action(const struct of_to_controller *k, struct arena *a);

/* sample: nx_sample, nx_sample2, nx_sample3. */
struct of_sample {
	uint16_t probability;
	uint32_t collector_set_id, obs_domain_id, obs_point_id;
	uint32_t sampling_port; /* OFPP_ANY: none */
	uint8_t direction;	/* NX_SAMPLE_* */
};

bool of_sample_of(const struct of_any *a, struct of_sample *out);
struct of_any *of_sample_action(const struct of_sample *s, struct arena *a);

/* Nicira's port numbers have 16 bits, reserved ones from 0xff00. */
static inline uint32_t of_nx_port(uint16_t port)
{
	return port >= 0xff00 ? 0xffff0000u | port : port;
}

/* A flow monitor of Nicira's as one of ONF's. */
struct of_flow_monitor of_nx_monitor(const struct of_nx_flow_monitor *m);
/* And back.  0, or -ERANGE: the port needs more than 16 bits. */
int of_nx_monitor_of(const struct of_flow_monitor *m, struct of_nx_flow_monitor *out);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * App l2: a learning switch, for switches that carry no tenant network (sw_is_plain()).
 *
 * Stage learn shows frames of unknown stations to the controller and lets them pass all the same;
 * stage bridge sends to known stations and floods the rest.  So a packet never waits for the
 * controller, and a controller that is away costs flooding, not traffic.  A station that is silent
 * for STATION_IDLE is forgotten: its flow in learn times out, and the controller hears of it.
 *
 * A switch that has not these flows (yet), and sends what it has no flow for to the controller
 * instead, holds frames back: they are sent on by hand, as forward() says.
 */
#include <string.h>

#include "apps/apps.h"

enum { STATION_IDLE = 300, LEARN_BYTES = 128 };
enum { PRIO_MISS = 0, PRIO_KNOWN = 100, PRIO_RESERVED = 200 };

static void match_vid(struct draft *d, uint16_t vid)
{
	draft_match(d, OF_FIELD_VLAN_VID, vid ? OFPVID_PRESENT | vid : 0);
}

static void derive_station(const struct world *w, const struct sw *sw, const struct learned *m,
			   struct flowset *fs)
{
	struct draft *d = FLOW(fs, learn, PRIO_KNOWN);

	draft_match(d, OF_FIELD_IN_PORT, m->port->ofport);
	draft_match_bytes(d, OF_FIELD_ETH_SRC, m->key.mac, NULL);
	match_vid(d, m->key.vid);
	draft_idle(d, STATION_IDLE, OFPFF_SEND_FLOW_REM);
	draft_goto(d, STAGE_bridge);
	draft_end(d);

	d = FLOW(fs, bridge, PRIO_KNOWN);
	draft_match_bytes(d, OF_FIELD_ETH_DST, m->key.mac, NULL);
	match_vid(d, m->key.vid);
	draft_output(d, m->port->ofport);
	draft_end(d);
}

/* 802.1Q table 8-1: frames for the bridge itself are not forwarded. */
static const uint8_t reserved[6] = { 0x01, 0x80, 0xc2, 0x00, 0x00, 0x00 };
static const uint8_t reserved_mask[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xf0 };

static void derive_switch(const struct world *w, const struct sw *sw, struct flowset *fs)
{
	struct draft *d;

	if (!sw_is_plain(sw))
		return;
	d = FLOW(fs, admit, PRIO_MISS);
	draft_goto(d, STAGE_learn);
	draft_end(d);

	d = FLOW(fs, learn, PRIO_MISS);
	draft_controller(d, LEARN_BYTES);
	draft_goto(d, STAGE_bridge);
	draft_end(d);

	d = FLOW(fs, bridge, PRIO_MISS);
	draft_output(d, OFPP_FLOOD);
	draft_end(d);

	d = FLOW(fs, bridge, PRIO_RESERVED);
	draft_match_bytes(d, OF_FIELD_ETH_DST, reserved, reserved_mask);
	draft_end(d);
}

static uint32_t forward(const struct sw *sw, uint32_t in_port, const uint8_t dst[6], uint16_t vid)
{
	const struct learned *l;

	if (!memcmp(dst, reserved, 5) && !(dst[5] & reserved_mask[5]))
		return 0;
	l = dst[0] & 1 ? NULL : world_mac_find(sw, dst, vid);
	if (!l)
		return OFPP_FLOOD;
	return l->port->ofport == in_port ? 0 : l->port->ofport;
}

const struct app app_l2 = {
	.id = APP_L2,
	.name = "l2",
	.derive_switch = derive_switch,
	.derive_station = derive_station,
	.forward = forward,
};

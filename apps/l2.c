/* SPDX-License-Identifier: Apache-2.0 */
/*
 * App l2: a learning switch, for switches that carry no tenant network (is_plain()).
 *
 * Stage learn shows frames of unknown stations to the controller and lets them pass all the same;
 * stage bridge sends to known stations and floods the rest.  So a packet never waits for the
 * controller, and a controller that is away costs flooding, not traffic.  A station that is silent
 * for STATION_IDLE is forgotten: its flow in learn times out, and the controller hears of it.
 */
#include "apps/apps.h"

enum { STATION_IDLE = 300, LEARN_BYTES = 128 };
enum { PRIO_MISS = 0, PRIO_KNOWN = 100, PRIO_RESERVED = 200 };

/* A switch is plain when nothing about it says that it is a host of tenants. */
static bool is_plain(const struct sw *sw)
{
	if (sw->vtep.addr.family || (sw->host && sw->host->ports))
		return false;
	for (const struct sw_port *sp = sw->ports; sp; sp = sp->hh.next)
		if (sp->physnet || sp->port || sp->tunnel)
			return false;
	return true;
}

static void match_vid(struct draft *d, uint16_t vid)
{
	draft_match(d, OF_FIELD_VLAN_VID, vid ? OFPVID_PRESENT | vid : 0);
}

static void station(const struct learned *m, struct flowset *fs)
{
	struct draft *d = FLOW(fs, learn, PRIO_KNOWN);

	draft_match(d, OF_FIELD_IN_PORT, m->ofport);
	draft_match_bytes(d, OF_FIELD_ETH_SRC, m->key.mac, NULL);
	match_vid(d, m->key.vid);
	draft_idle(d, STATION_IDLE, OFPFF_SEND_FLOW_REM);
	draft_goto(d, STAGE_bridge);
	draft_end(d);

	d = FLOW(fs, bridge, PRIO_KNOWN);
	draft_match_bytes(d, OF_FIELD_ETH_DST, m->key.mac, NULL);
	match_vid(d, m->key.vid);
	draft_output(d, m->ofport);
	draft_end(d);
}

static void derive_switch(const struct world *w, const struct sw *sw, struct flowset *fs)
{
	static const uint8_t link_local[6] = { 0x01, 0x80, 0xc2, 0x00, 0x00, 0x00 };
	static const uint8_t link_local_mask[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xf0 };
	struct draft *d;

	if (!is_plain(sw))
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

	/* 802.1Q table 8-1: frames for the bridge itself are not forwarded. */
	d = FLOW(fs, bridge, PRIO_RESERVED);
	draft_match_bytes(d, OF_FIELD_ETH_DST, link_local, link_local_mask);
	draft_end(d);

	for (const struct learned *m = sw->macs; m; m = m->hh.next)
		station(m, fs);
}

const struct app app_l2 = { APP_L2, "l2", derive_switch, NULL, NULL };

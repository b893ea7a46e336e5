/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stations of switches without tenants: from packet-ins to the world, and frames that a switch held
 * back sent on.
 *
 * Stage learn shows a copy and lets the frame pass, so that nothing is to be done with the frame
 * itself.  A packet-in that none of our flows made, because no flow matched, has the frame or the
 * number of its buffer, and that frame is nowhere else.
 */
#include <string.h>

#include "apps/apps.h"
#include "base/log.h"
#include "controller/south_priv.h"

enum { ETH_LEN = 14, VLAN_LEN = 4, TPID = 0x8100 };

static void warn_crowded(struct peer *p, uint32_t ofport)
{
	if (p->crowded)
		return;
	p->crowded = true;
	log_warn("peer",
		 "%s: more stations than there is room for (%d behind one port, %d in all), the "
		 "last "
		 "behind port %u: each new one pushes out an old one",
		 peer_name(p), WORLD_MACS_PORT_MAX, WORLD_MACS_MAX, ofport);
}

/* The frame itself, when it is nowhere else; whole, or by its buffer. */
static void send_on(struct peer *p, const struct of_packet_in *pi, uint32_t in_port, uint16_t vid)
{
	struct of_action_output out = { .kind = OF_KIND_action_output };
	struct of_any *actions[] = { (struct of_any *)&out };
	struct of_packet_out po = { .kind = OF_KIND_packet_out,
				    .buffer_id = pi->buffer_id,
				    .in_port = in_port,
				    .actions = { .n = 1, .v = actions } };

	if (pi->buffer_id == OFP_NO_BUFFER) {
		if (pi->data.n < pi->total_len)
			return;
		po.data = pi->data;
	}
	for (const struct app *const *a = apps; *a && !out.port; a++)
		if ((*a)->forward)
			out.port = (*a)->forward(p->sw, in_port, pi->data.p, vid);
	/* A buffer that nobody wants is given back by a list of no actions. */
	if (!out.port)
		po.actions.n = 0;
	if (out.port || pi->buffer_id != OFP_NO_BUFFER)
		of_session_send(p->session, peer_xid(p), (struct of_any *)&po);
}

static void learn(struct peer *p, const uint8_t mac[6], uint16_t vid, uint32_t in_port)
{
	const uint64_t pushed_out = p->sw->macs.pushed_out;
	struct unit_key unit = { APP_L2, COOKIE_STATION, 0 };
	const struct learned *l;

	switch (world_mac_learn(p->south->world, p->sw, mac, vid, in_port, &l)) {
	case 0:
		/* Its flows are not there, or this came before they were. */
		unit.index = l->index;
		p->busy |= p->state == PEER_LIVE && ledger_doubt(&p->ledger, &unit);
		break;
	case 1:
		p->busy = true;
		if (p->sw->macs.pushed_out != pushed_out)
			warn_crowded(p, in_port);
		break;
	default:
		log_warn("peer", "%s: out of memory for a station", peer_name(p));
	}
}

void peer_station_seen(struct peer *p, const struct of_packet_in *pi)
{
	const bool ours = cookie_is_ours(pi->cookie);
	const bool shown = ours && pi->table_id == stages[STAGE_learn].table;
	const bool held = !ours && pi->reason == OFPR_NO_MATCH;
	const uint8_t *frame = pi->data.p;
	uint32_t in_port =
		(uint32_t)of_field_get_u64(&of_fields[OF_FIELD_IN_PORT], &pi->match.value);
	uint16_t vid = 0;

	if (!p->derive.plain || !(shown || held) || pi->data.n < ETH_LEN || !in_port)
		return;
	if (get_be16(frame + 12) == TPID && pi->data.n >= ETH_LEN + VLAN_LEN)
		vid = get_be16(frame + 14) & 0xfff;
	if (!(frame[6] & 1))
		learn(p, frame + 6, vid, in_port);
	if (!shown)
		send_on(p, pi, in_port, vid);
}

/* Of a flow in stage learn: whose it is, and behind which port. */
static uint32_t station_of(const struct of_match *m, uint8_t mac[6], uint16_t *vid)
{
	of_field_get(&of_fields[OF_FIELD_ETH_SRC], &m->value, mac);
	*vid = of_field_get_u64(&of_fields[OF_FIELD_VLAN_VID], &m->value) & 0xfff;
	return (uint32_t)of_field_get_u64(&of_fields[OF_FIELD_IN_PORT], &m->value);
}

void peer_station_read(struct peer *p, const struct of_flow_stats *f)
{
	const struct learned *l;
	const struct sw_port *sp;
	uint8_t mac[6];
	uint32_t port;
	uint16_t vid;

	if (p->state != PEER_READ || f->table_id != stages[STAGE_learn].table ||
	    cookie_app(f->cookie) != APP_L2 || cookie_kind(f->cookie) != COOKIE_STATION)
		return;
	port = station_of(&f->match, mac, &vid);
	sp = sw_port_find(p->sw, port);
	/* What this controller knows is newer; a port that is gone has no stations. */
	if (port && sp && sp->admin_up && sp->link_up && !world_mac_find(p->sw, mac, vid))
		world_mac_learn(p->south->world, p->sw, mac, vid, port, &l);
}

void peer_station_idle(struct peer *p, const struct of_flow_removed *fr)
{
	const struct learned *l;
	uint8_t mac[6];
	uint32_t port;
	uint16_t vid;

	if (fr->reason != OFPRR_IDLE_TIMEOUT || fr->table_id != stages[STAGE_learn].table)
		return;
	port = station_of(&fr->match, mac, &vid);
	l = world_mac_find(p->sw, mac, vid);
	/* It may have moved to another port, and be heard of there. */
	if (l && l->port->ofport == port)
		world_mac_forget(p->south->world, p->sw, mac, vid);
}

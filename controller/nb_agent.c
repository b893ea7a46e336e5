/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Agents and availability zones: each switch shows as the agent of its host, and all of them are in
 * one zone, named as Neutron's default one.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "controller/nb_policy.h"
#include "controller/nb_view.h"

static const char zone[] = "nova";

enum { AGENT_ID = UUID_TEXT, TIME_TEXT = 32 };

/* ---- agents ---- */

/* A switch's id, in the form of a UUID (version 8 of RFC 9562: ours to fill), stays the same. */
static void agent_id(const struct sw *sw, char out[AGENT_ID])
{
	snprintf(out, AGENT_ID, "%08x-%04x-8000-8000-%04x77656674", (unsigned int)(sw->dpid >> 32),
		 (unsigned int)(sw->dpid >> 16 & 0xffff), (unsigned int)(sw->dpid & 0xffff));
}

/* "2026-01-31 12:00:00", in UTC */
static const char *time_text(double t, char buf[TIME_TEXT])
{
	time_t s = (time_t)t;
	struct tm tm;

	gmtime_r(&s, &tm);
	strftime(buf, TIME_TEXT, "%Y-%m-%d %H:%M:%S", &tm);
	return buf;
}

static json_t *configurations(const struct sw *sw)
{
	json_t *physnets = json_array();
	char ip[IP_TEXT], dpid[17];

	for (WORLD_EACH(sp, sw->ports))
		if (sp->physnet)
			json_array_append_new(physnets, json_string(sp->physnet));
	snprintf(dpid, sizeof(dpid), "%016llx", (unsigned long long)sw->dpid);
	return json_pack("{s:s,s:s?,s:s?,s:i,s:[s],s:o,s:s?}", "dpid", dpid, "bridge", sw->name,
			 "version", sw->version, "devices", (int)HASH_COUNT(sw->ports),
			 "tunnel_types", "vxlan", "physical_networks", physnets, "tunneling_ip",
			 sw->vtep.addr.family ? ip_format(&sw->vtep.addr, ip) : NULL);
}

/* Sessions are watched by echo requests, so that one that is up has been heard of just now. */
static json_t *agent_json(const struct world *w, const struct sw *sw)
{
	double now = w->now(w->now_arg), heard = sw->up ? now : sw->since;
	char id[AGENT_ID], since[TIME_TEXT], beat[TIME_TEXT];

	agent_id(sw, id);
	time_text(sw->since, since);
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:b,s:b,s:s,s:s,s:s,s:n,s:b,s:o}", "id", id,
			 "agent_type", "Weft switch", "binary", "weft-switch", "topic", "N/A",
			 "host", sw->host->id, "availability_zone", zone, "admin_state_up", 1,
			 "alive", (int)sw->up, "created_at", since, "started_at", since,
			 "heartbeat_timestamp", time_text(heard, beat), "description",
			 "resources_synced", (int)(sw->up && sw->report.synced > 0),
			 "configurations", configurations(sw));
}

static void agents_each(struct nb_request *q, json_t *list)
{
	const struct world *w = q->nb->world;

	for (WORLD_EACH(sw, w->sws))
		json_array_append_new(list, agent_json(w, sw));
}

static int agent_not_found(struct nb_error *e, const char *id)
{
	return nb_refuse(e, AgentNotFound, id);
}

/* A switch that will not come back. */
static void agent_remove(struct nb_request *q, const char *id)
{
	struct world *w = q->nb->world;
	char own[AGENT_ID];

	for (WORLD_EACH(sw, w->sws)) {
		agent_id(sw, own);
		if (!policy_sees_view(&q->who, "agents") || strcmp(own, id))
			continue;
		if (sw->up) {
			nb_refuse(&q->error, SwitchInUse, id);
			return;
		}
		world_switch_forget(w, sw);
		q->status = 204;
		return;
	}
	agent_not_found(&q->error, id);
}

static const char *const agent_filters[] = {
	"id",	 "agent_type",	      "binary",	     "topic", "host", "admin_state_up",
	"alive", "availability_zone", "description", NULL
};

const struct nb_view nb_agent_view = {
	.name = "agent",
	.collection = "agents",
	.path = "agents",
	.key = "id",
	.filters = agent_filters,
	.each = agents_each,
	.not_found = agent_not_found,
	.remove = agent_remove,
};

/* ---- availability zones ---- */

static void zones_each(struct nb_request *q, json_t *list)
{
	const char *state = "unavailable";

	for (WORLD_EACH(sw, q->nb->world->sws))
		if (sw->up)
			state = "available";
	json_array_append_new(list, json_pack("{s:s,s:s,s:s}", "name", zone, "resource", "network",
					      "state", state));
	json_array_append_new(list, json_pack("{s:s,s:s,s:s}", "name", zone, "resource", "router",
					      "state", state));
}

static const char *const zone_filters[] = { "name", "resource", "state", NULL };

const struct nb_view nb_zone_view = {
	.name = "availability_zone",
	.collection = "availability_zones",
	.path = "availability_zones",
	.key = "name",
	.second = "resource",
	.filters = zone_filters,
	.each = zones_each,
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /weft/v1/: the operator's view: version, status, hosts, switches, links.
 *
 * Status says what is up, and lists what is wrong, each with the object that it is about.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/version.h"
#include "controller/nb_policy.h"
#include "controller/nova.h"

static json_t *text(const char *s)
{
	return s ? json_string(s) : json_null();
}

static void dpid_text(const struct sw *sw, char buf[17])
{
	snprintf(buf, 17, "%016" PRIx64, sw->dpid);
}

/* ---- switches ---- */

static json_t *vtep_json(const struct vtep *v)
{
	char ip[IP_TEXT];

	if (!v->addr.family)
		return json_null();
	return json_pack("{s:s,s:I,s:i}", "address", ip_format(&v->addr, ip), "ofport",
			 (json_int_t)v->ofport, "mtu", v->mtu);
}

static json_t *sw_port_json(const struct sw_port *sp)
{
	char mac[MAC_TEXT];

	return json_pack("{s:I,s:s,s:s,s:o,s:s,s:i,s:b,s:b,s:b,s:b,s:o}", "ofport",
			 (json_int_t)sp->ofport, "name", sp->name, "iface_id", sp->iface_id,
			 "physical_network", text(sp->physnet), "mac_address",
			 mac_format(sp->mac, mac), "mtu", sp->mtu, "admin_up", (int)sp->admin_up,
			 "link_up", (int)sp->link_up, "tunnel", (int)sp->tunnel, "managed",
			 (int)sp->managed, "port_id", text(sp->port ? sp->port->a.id : NULL));
}

static json_t *switch_json(const struct nb *nb, const struct sw *sw, bool whole)
{
	const struct sw_report *r = &sw->report;
	char dpid[17];
	json_t *out, *ports;

	dpid_text(sw, dpid);
	out = json_pack("{s:s,s:s,s:o,s:o,s:o,s:b,s:f,s:o,s:o,s:i}", "dpid", dpid, "host",
			sw->host->id, "name", text(sw->name), "version", text(sw->version), "peer",
			text(sw->peer), "up", (int)sw->up, "since",
			nb->world->now(nb->world->now_arg) - sw->since, "vtep",
			vtep_json(&sw->vtep), "fault", text(sw->fault), "n_ports",
			(int)HASH_COUNT(sw->ports));
	json_object_set_new(
		out, "flows",
		json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:b}", "flows", (json_int_t)r->flows, "groups",
			  (json_int_t)r->groups, "meters", (json_int_t)r->meters, "pending",
			  (json_int_t)r->pending, "drift_repaired", (json_int_t)r->drift_repaired,
			  "refused", (json_int_t)r->refused, "synced", r->synced > 0));
	json_object_set_new(out, "stations",
			    json_pack("{s:i,s:I}", "known", (int)sw->macs.by_key.n, "pushed_out",
				      (json_int_t)sw->macs.pushed_out));
	if (!whole)
		return out;
	ports = json_array();
	for (WORLD_EACH(sp, sw->ports))
		json_array_append_new(ports, sw_port_json(sp));
	json_object_set_new(out, "ports", ports);
	return out;
}

static void switches_route(struct nb_request *q, const char *id)
{
	const struct world *w = q->nb->world;
	json_t *list;
	char *end;
	struct sw *sw;

	if (!id[0]) {
		list = json_array();
		for (WORLD_EACH(each, w->sws))
			json_array_append_new(list, switch_json(q->nb, each, false));
		q->answer = json_pack("{s:o}", "switches", list);
		return;
	}
	sw = world_switch_find(w, strtoull(id, &end, 16));
	if (*end || !sw) {
		nb_refuse(&q->error, SwitchNotFound, id);
		return;
	}
	if (q->method == NB_DELETE) {
		if (sw->up) {
			nb_refuse(&q->error, SwitchInUse, id);
			return;
		}
		world_switch_forget(q->nb->world, sw);
		q->status = 204;
		return;
	}
	q->answer = json_pack("{s:o}", "switch", switch_json(q->nb, sw, true));
}

/* ---- hosts ---- */

static json_t *host_json(const struct host *h)
{
	json_t *sws = json_array(), *vteps = json_array();
	json_int_t bound = 0, wanted = 0;
	bool up = false;
	char buf[IP_TEXT];

	for (HOST_EACH_SWITCH(sw, h)) {
		char dpid[17];

		dpid_text(sw, dpid);
		json_array_append_new(sws, json_string(dpid));
		up |= sw->up;
		if (sw->vtep.addr.family)
			json_array_append_new(vteps, json_string(ip_format(&sw->vtep.addr, buf)));
		for (WORLD_EACH(sp, sw->ports))
			bound += sp->port != NULL;
	}
	for (HOST_EACH_PORT(p, h))
		wanted++;
	return json_pack("{s:s,s:b,s:o,s:o,s:I,s:I}", "id", h->id, "up", (int)up, "switches", sws,
			 "vteps", vteps, "n_ports_bound", bound, "n_ports_assigned", wanted);
}

static void hosts_route(struct nb_request *q, const char *id)
{
	const struct world *w = q->nb->world;
	struct host *h;
	json_t *list;

	if (id[0]) {
		h = world_host_find(w, id);
		if (h)
			q->answer = json_pack("{s:o}", "host", host_json(h));
		else
			nb_refuse(&q->error, HostNotFound, id);
		return;
	}
	list = json_array();
	for (WORLD_EACH(each, w->hosts))
		json_array_append_new(list, host_json(each));
	q->answer = json_pack("{s:o}", "hosts", list);
}

/* ---- links: a tunnel between each two switches that have a VTEP ---- */

static json_t *link_json(const struct sw *a, const struct sw *b)
{
	char da[17], db[17], ia[IP_TEXT], ib[IP_TEXT];

	dpid_text(a, da);
	dpid_text(b, db);
	return json_pack("{s:s,s:[{s:s,s:s,s:s},{s:s,s:s,s:s}],s:b}", "type", "vxlan", "ends",
			 "dpid", da, "host", a->host->id, "vtep", ip_format(&a->vtep.addr, ia),
			 "dpid", db, "host", b->host->id, "vtep", ip_format(&b->vtep.addr, ib),
			 "up", (int)(a->up && b->up));
}

static void links_route(struct nb_request *q)
{
	const struct world *w = q->nb->world;
	json_t *list = json_array();

	for (WORLD_EACH(a, w->sws))
		for (struct sw *b = a->hh.next; b; b = b->hh.next)
			if (a->vtep.addr.family && a->vtep.addr.family == b->vtep.addr.family)
				json_array_append_new(list, link_json(a, b));
	q->answer = json_pack("{s:o}", "links", list);
}

/* ---- status ---- */

enum { PROBLEMS_MAX = 1000 }; /* more are counted, not listed */

struct problems {
	json_t *list;
	size_t n;
};

__attribute__((format(printf, 4, 5))) static void problem(struct problems *p, const char *kind,
							  const char *id, const char *fmt, ...)
{
	char why[600];
	va_list ap;

	if (p->n++ >= PROBLEMS_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	json_array_append_new(p->list,
			      json_pack("{s:s,s:s,s:s}", "kind", kind, "id", id, "problem", why));
}

static void switch_problems(struct problems *p, const struct sw *sw)
{
	char dpid[17];

	dpid_text(sw, dpid);
	if (!sw->up)
		problem(p, "switch", dpid, "The session with the switch of host %s is down.",
			sw->host->id);
	if (sw->fault)
		problem(p, "switch", dpid, "%s", sw->fault);
	if (sw->up && !sw->report.synced)
		problem(p, "switch", dpid, "The switch does not have all of its flows yet.");
}

/* The network's ports are on several hosts, so each of them needs a way to the others. */
static bool needs_vtep(const struct sw *sw)
{
	for (WORLD_EACH(sp, sw->ports)) {
		if (!sp->port || sp->port->net->a.type != NET_VXLAN)
			continue;
		for (NET_EACH_PORT(other, sp->port->net))
			if (other->place.sw && other->place.sw != sw)
				return true;
	}
	return false;
}

static void host_problems(struct problems *p, const struct host *h)
{
	if (!h->sws)
		problem(p, "host", h->id,
			"No switch of this host has ever connected, but ports are bound to it.");
	for (HOST_EACH_SWITCH(sw, h)) {
		switch_problems(p, sw);
		if (!sw->vtep.addr.family && needs_vtep(sw))
			problem(p, "host", h->id,
				"It has no VTEP (a vxlan: port), and so no way to the other hosts "
				"of "
				"its networks.");
	}
}

static void port_problems(struct problems *p, const struct port *port)
{
	const char *name = port->a.name && port->a.name[0] ? port->a.name : port->a.id;

	if (port->fault)
		problem(p, "port", port->a.id, "%s: %s", name, port->fault);
	else if (!port->place.sp && port->host)
		problem(p, "port", port->a.id,
			"%s is to be on host %s, but no switch port there has it as its iface-id.",
			name, port->host->id);
	else if (!port->place.sp && port->a.device_id[0])
		problem(p, "port", port->a.id, "%s is not plugged in anywhere.", name);
	else if (port->place.sp && !port->place.sp->link_up)
		problem(p, "port", port->a.id, "%s: the link of switch port %s is down.", name,
			port->place.sp->name);
}

static json_t *counts_json(const struct world *w)
{
	json_int_t active = 0, bound = 0, up = 0;

	for (WORLD_ALL(port, PORT, p, w)) {
		active += port_is_active(p);
		bound += p->place.sp != NULL;
	}
	for (WORLD_EACH(sw, w->sws))
		up += sw->up;
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "networks",
			 (json_int_t)world_count(w, WORLD_NET), "subnets",
			 (json_int_t)world_count(w, WORLD_SUBNET), "ports",
			 (json_int_t)world_count(w, WORLD_PORT), "ports_bound", bound,
			 "ports_active", active, "hosts", (json_int_t)HASH_COUNT(w->hosts),
			 "switches", (json_int_t)HASH_COUNT(w->sws), "switches_up", up);
}

static json_t *store_json(struct nb *nb, struct problems *p)
{
	struct store_state s;

	store_state(nb->store, &s);
	if (s.last_error[0])
		problem(p, "store", s.url, "The last write failed: %s.", s.last_error);
	return json_pack("{s:s,s:I,s:I,s:I,s:o}", "url", s.url, "changes", (json_int_t)s.batches,
			 "writes", (json_int_t)s.writes, "failed", (json_int_t)s.failed,
			 "last_error", text(s.last_error[0] ? s.last_error : NULL));
}

static json_t *nova_json(const struct nb *nb, struct problems *p)
{
	struct nova_state s;

	if (!nb->nova)
		return json_null();
	nova_state(nb->nova, &s);
	if (s.trouble)
		problem(p, "nova", s.url ? s.url : "", "%s; %zu events wait.", s.trouble,
			s.waiting);
	return json_pack("{s:o,s:I,s:I,s:I,s:I,s:o}", "url", text(s.url), "sent",
			 (json_int_t)s.sent, "refused", (json_int_t)s.refused, "lost",
			 (json_int_t)s.lost, "waiting", (json_int_t)s.waiting, "trouble",
			 text(s.trouble));
}

static void status_route(struct nb_request *q)
{
	const struct world *w = q->nb->world;
	struct problems p = { .list = json_array() };
	json_t *store = store_json(q->nb, &p), *nova = nova_json(q->nb, &p);

	for (WORLD_EACH(h, w->hosts))
		host_problems(&p, h);
	for (WORLD_ALL(port, PORT, port, w))
		port_problems(&p, port);
	q->answer =
		json_pack("{s:{s:b,s:s,s:f,s:o,s:o,s:o,s:I,s:o}}", "status", "ok", p.n == 0,
			  "version", weft_version, "uptime", ev_now(q->nb->loop) - q->nb->started,
			  "counts", counts_json(w), "store", store, "nova", nova, "n_problems",
			  (json_int_t)p.n, "problems", p.list);
}

/* ---- which of them ---- */

void nb_weft_route(struct nb_request *q, const char *rest)
{
	size_t n = strcspn(rest, "/");
	const char *id = rest[n] ? rest + n + 1 : "";
	bool forget = q->method == NB_DELETE && n == 8 && !strncmp(rest, "switches", n) && id[0];

	if (!policy_sees_view(&q->who, "weft")) {
		nb_say(&q->error, PolicyNotAuthorized, "This is for administrators only.");
		return;
	}
	if (q->method != NB_GET && !forget) {
		nb_refuse(&q->error, HTTPMethodNotAllowed);
		return;
	}
	q->status = 200;
	if (n == 6 && !strncmp(rest, "status", n) && !id[0])
		status_route(q);
	else if (n == 7 && !strncmp(rest, "version", n) && !id[0])
		q->answer = json_pack("{s:{s:s,s:s}}", "version", "program", "weft-controller",
				      "version", weft_version);
	else if (n == 5 && !strncmp(rest, "hosts", n))
		hosts_route(q, id);
	else if (n == 8 && !strncmp(rest, "switches", n))
		switches_route(q, id);
	else if (n == 5 && !strncmp(rest, "links", n) && !id[0])
		links_route(q);
	else
		nb_refuse(&q->error, HTTPNotFound);
}

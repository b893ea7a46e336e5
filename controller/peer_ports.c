/* SPDX-License-Identifier: Apache-2.0 */
/* What a switch is, its ports, and the ports that it is asked to create. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/log.h"
#include "controller/south_priv.h"

/* Marks a switch port as the controller's own in its SPEC, so that it is known after a restart. */
#define OWNER "owner=controller"

static struct request *ask(struct peer *p, int kind, const Weft__Request *q)
{
	struct request *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->kind = kind;
	r->xid = peer_xid(p);
	if (mgmt_request_send(p->session, r->xid, q)) {
		free(r);
		return NULL;
	}
	DL_APPEND(p->requests, r);
	return r;
}

void peer_info_enter(struct peer *p)
{
	struct of_barrier_request barrier = { .kind = OF_KIND_barrier_request };
	Weft__InfoRequest info = WEFT__INFO_REQUEST__INIT;
	Weft__Request q = WEFT__REQUEST__INIT;

	p->read_begun = ev_now(p->south->loop);
	q.op_case = WEFT__REQUEST__OP_INFO;
	q.info = &info;
	ask(p, REQ_INFO, &q);
	p->info_barrier = peer_xid(p);
	of_session_send(p->session, p->info_barrier, (struct of_any *)&barrier);
}

static void ask_ports(struct peer *p, int kind, uint32_t ofport)
{
	Weft__PortListRequest list = WEFT__PORT_LIST_REQUEST__INIT;
	Weft__Request q = WEFT__REQUEST__INIT;
	struct request *r;

	list.ofport = ofport;
	q.op_case = WEFT__REQUEST__OP_PORT_LIST;
	q.port_list = &list;
	r = ask(p, kind, &q);
	if (r)
		r->ofport = ofport;
}

static void ask_desc(struct peer *p, uint16_t type, enum of_kind kind)
{
	struct of_any body = { kind };
	struct of_multipart_request q = { .kind = OF_KIND_multipart_request,
					  .type = type,
					  .body = &body };

	of_session_send(p->session, peer_xid(p), (struct of_any *)&q);
}

void peer_ports_enter(struct peer *p)
{
	if (!p->foreign) {
		ask_ports(p, REQ_PORTS, 0);
		return;
	}
	/* One after the other: the ports' reply is the last. */
	ask_desc(p, OFPMP_DESC, OF_KIND_mp_desc_request);
	ask_desc(p, OFPMP_PORT_DESC, OF_KIND_mp_port_desc_request);
}

static void set_string(char **to, const char *s)
{
	free(*to);
	*to = strdup(s ? s : "");
}

/* The switch is known by now: into the world. */
static int enter_world(struct peer *p)
{
	char host[32];
	int rc;

	snprintf(host, sizeof(host), "%016llx", (unsigned long long)p->dpid);
	rc = world_switch_up(p->south->world, p->dpid,
			     p->host_id && *p->host_id ? p->host_id : host, peer_name(p),
			     p->version ? p->version : "", of_session_name(p->session), &p->sw);
	if (rc) {
		log_err("peer", "%s: cannot be taken in: %s", peer_name(p), strerror(-rc));
		return rc;
	}
	derive_init(&p->derive, p->south->world, p->sw, &p->ledger);
	return 0;
}

/* ---- ports as Weft says them ---- */

static void take_port(struct peer *p, const Weft__Port *port, struct vtep *vtep)
{
	struct sw_port_info info = {
		.ofport = port->ofport,
		.name = port->name,
		.iface_id = *port->iface_id ? port->iface_id : NULL,
		.physnet = *port->physnet ? port->physnet : NULL,
		.mtu = (uint16_t)port->mtu,
		.admin_up = port->admin_up,
		.link_up = port->link_up,
		.tunnel = port->vxlan != NULL,
		.managed = strstr(port->spec, OWNER) != NULL,
	};
	struct ip_prefix local;

	if (port->mac.len == 6)
		memcpy(info.mac, port->mac.data, 6);
	world_switch_port_set(p->south->world, p->sw, &info);
	/* The VTEP is the port whose remote and VNI the flows choose. */
	if (port->vxlan && !strcmp(port->vxlan->remote, "flow") &&
	    !strcmp(port->vxlan->vni, "flow") && !ip_prefix_parse(port->vxlan->local, &local))
		*vtep = (struct vtep){ local.addr, port->ofport, (uint16_t)port->mtu };
}

static bool vtep_same(const struct vtep *a, const struct vtep *b)
{
	return a->ofport == b->ofport && a->mtu == b->mtu && !ip_cmp(&a->addr, &b->addr);
}

static void take_ports(struct peer *p, const Weft__PortList *list)
{
	struct world *w = p->south->world;
	struct vtep vtep = { .ofport = 0 };

	if (!p->sw && enter_world(p))
		return;
	world_switch_ports_begin(w, p->sw);
	for (size_t i = 0; i < list->n_ports; i++)
		take_port(p, list->ports[i], &vtep);
	/* In one: nobody hears of the ports and not of the way to them. */
	world_vtep_set(w, p->sw, &vtep);
	world_switch_ports_end(w, p->sw);
	p->south->heard = ev_now(p->south->loop);
	peer_goto(p, PEER_READ);
	peer_ports_sync(p);
}

static void take_one_port(struct peer *p, const Weft__PortList *list)
{
	struct vtep vtep = p->sw->vtep;

	for (size_t i = 0; i < list->n_ports; i++)
		take_port(p, list->ports[i], &vtep);
	if (!vtep_same(&vtep, &p->sw->vtep))
		world_vtep_set(p->south->world, p->sw, &vtep);
}

/* ---- ports as OpenFlow says them ---- */

static void take_of_port(struct peer *p, const struct of_port *port)
{
	char name[sizeof(port->name) + 1];
	struct sw_port_info info = {
		.ofport = port->port_no,
		.name = name,
		.admin_up = !(port->config & OFPPC_PORT_DOWN),
		.link_up = !(port->state & OFPPS_LINK_DOWN),
	};

	memcpy(name, port->name, sizeof(port->name));
	name[sizeof(port->name)] = '\0';
	memcpy(info.mac, port->hw_addr, 6);
	if (port->port_no <= OFPP_MAX)
		world_switch_port_set(p->south->world, p->sw, &info);
}

static void take_desc(struct peer *p, const struct of_mp_desc_reply *d)
{
	char text[257] = "";

	memcpy(text, d->dp_desc, 256);
	set_string(&p->name, *text && strcmp(text, "None") ? text : of_session_name(p->session));
	memcpy(text, d->sw_desc, 256);
	set_string(&p->version, text);
}

static bool multipart(struct peer *p, const struct of_multipart_reply *r)
{
	struct world *w = p->south->world;

	if (p->state != PEER_PORTS || !p->foreign)
		return false;
	if (r->type == OFPMP_DESC) {
		take_desc(p, (const struct of_mp_desc_reply *)r->body);
		return true;
	}
	if (r->type != OFPMP_PORT_DESC)
		return false;
	if (!p->sw) {
		if (enter_world(p))
			return true;
		world_switch_ports_begin(w, p->sw);
	}
	for (uint32_t i = 0; i < ((const struct of_mp_port_desc_reply *)r->body)->ports.n; i++)
		take_of_port(
			p, OF_AT(&((const struct of_mp_port_desc_reply *)r->body)->ports, i, port));
	if (r->flags & OFPMPF_REPLY_MORE)
		return true;
	world_switch_ports_end(w, p->sw);
	peer_goto(p, PEER_READ);
	return true;
}

static void port_status(struct peer *p, const struct of_port_status *ps)
{
	if (!p->sw)
		return; /* the list that is under way will have it */
	if (ps->reason == OFPPR_DELETE) {
		if (p->sw->vtep.addr.family && p->sw->vtep.ofport == ps->desc.port_no)
			world_vtep_set(p->south->world, p->sw, &(struct vtep){ .ofport = 0 });
		world_switch_port_del(p->south->world, p->sw, ps->desc.port_no);
	} else if (p->foreign) {
		take_of_port(p, &ps->desc);
	} else {
		ask_ports(p, REQ_PORT, ps->desc.port_no);
	}
}

/* ---- answers ---- */

static void request_free(struct peer *p, struct request *r)
{
	if (r->port_id[0])
		HASH_DEL(p->asked, r);
	free(r);
}

static struct request *answered(struct peer *p, uint32_t xid)
{
	struct request *r;

	DL_FOREACH (p->requests, r)
		if (r->xid == xid) {
			DL_DELETE(p->requests, r);
			return r;
		}
	return NULL;
}

static void port_answer(struct peer *p, const struct request *r, const Weft__Reply *reply)
{
	struct world *w = p->south->world;
	struct port *port = r->kind == REQ_PORT_ADD ? world_port_find(w, r->port_id) : NULL;

	if (reply->status == WEFT__STATUS__OK) {
		struct vtep none;

		if (port)
			world_port_fault(w, port, NULL);
		/* Known from here on, not only when its port-status has come. */
		if (r->kind == REQ_PORT_ADD && reply->body_case == WEFT__REPLY__BODY_PORT)
			take_port(p, reply->port, &none);
		return;
	}
	log_warn("peer", "%s: %s port: %s", peer_name(p),
		 r->kind == REQ_PORT_ADD ? "cannot create a" : "cannot delete a", reply->error);
	if (port)
		world_port_fault(w, port, reply->error);
}

static void take_reply(struct peer *p, const struct request *r, const Weft__Reply *reply)
{
	bool ok = reply->status == WEFT__STATUS__OK;

	switch (r->kind) {
	case REQ_INFO:
		if (p->state != PEER_INFO)
			break;
		if (ok && reply->body_case == WEFT__REPLY__BODY_INFO) {
			set_string(&p->host_id, reply->info->host_id);
			set_string(&p->name, reply->info->name);
			set_string(&p->version, reply->info->version);
		} else {
			p->foreign = true;
		}
		peer_goto(p, PEER_PORTS);
		break;
	case REQ_PORTS:
		if (p->state == PEER_PORTS && ok && reply->body_case == WEFT__REPLY__BODY_PORT_LIST)
			take_ports(p, reply->port_list);
		break;
	case REQ_PORT:
		if (ok && reply->body_case == WEFT__REPLY__BODY_PORT_LIST)
			take_one_port(p, reply->port_list);
		else if (reply->status == WEFT__STATUS__NOT_FOUND)
			world_switch_port_del(p->south->world, p->sw, r->ofport);
		break;
	case REQ_PORT_ADD:
	case REQ_PORT_DEL:
		port_answer(p, r, reply);
		break;
	}
}

static void mgmt_reply(struct peer *p, const struct of_msg *m)
{
	struct err e = { "" };
	Weft__Reply *reply;
	struct request *r;
	bool failed;
	int rc;

	rc = mgmt_join_add(&p->join, m, &reply, &e);
	if (rc < 0)
		log_warn("peer", "%s: %s", peer_name(p), e.text);
	if (rc == 1) {
		r = answered(p, m->xid);
		failed = r && r->kind == REQ_PORT_ADD && reply->status != WEFT__STATUS__OK;
		if (failed) /* before anybody hears of it and wants the port again */
			DL_APPEND(p->failed, r);
		if (r)
			take_reply(p, r, reply);
		if (r && !failed)
			request_free(p, r);
	}
}

/* It does not know the experimenter, or does not even say so. */
static void foreign(struct peer *p)
{
	if (p->state != PEER_INFO)
		return;
	p->foreign = true;
	peer_goto(p, PEER_PORTS);
}

bool peer_ports_msg(struct peer *p, const struct of_msg *m)
{
	struct request *r;

	if (mgmt_is_reply(m)) {
		mgmt_reply(p, m);
		return true;
	}
	switch (m->type) {
	case OFPT_PORT_STATUS:
		port_status(p, (const struct of_port_status *)m->body);
		return true;
	case OFPT_MULTIPART_REPLY:
		return multipart(p, (const struct of_multipart_reply *)m->body);
	case OFPT_ERROR:
		r = answered(p, m->xid);
		if (!r)
			return false;
		if (r->kind == REQ_INFO)
			foreign(p);
		request_free(p, r);
		return true;
	case OFPT_BARRIER_REPLY:
		if (m->xid != p->info_barrier)
			return false;
		foreign(p);
		return true;
	default:
		return false;
	}
}

/* ---- what the switch is to create ---- */

static bool asked(const struct peer *p, const char *port_id)
{
	const struct request *r;

	HASH_FIND_STR(p->asked, port_id, r);
	return r;
}

static void remember(struct peer *p, struct request *r, const char *port_id)
{
	if (!r)
		return;
	snprintf(r->port_id, sizeof(r->port_id), "%s", port_id);
	HASH_ADD_STR(p->asked, port_id, r);
}

/* What a deletion is known by. */
static const char *del_id(const struct sw_port *sp, char buf[UUID_TEXT])
{
	snprintf(buf, UUID_TEXT, "#%u", sp->ofport);
	return buf;
}

static void create(struct peer *p, const struct port *port)
{
	Weft__PortAdd add = WEFT__PORT_ADD__INIT;
	Weft__Request q = WEFT__REQUEST__INIT;
	const char *wanted_spec = port_spec(port, p->sw->host);
	char spec[1024];
	int n = snprintf(spec, sizeof(spec), "%s%ciface-id=%s,%s", wanted_spec,
			 strchr(wanted_spec, ';') ? ',' : ';', port->a.id, OWNER);

	if (n < 0 || (size_t)n >= sizeof(spec)) {
		log_warn("peer", "port %s: its weft_spec is too long", port->a.id);
		return;
	}
	add.name = (char *)port->tap;
	add.spec = spec;
	q.op_case = WEFT__REQUEST__OP_PORT_ADD;
	q.port_add = &add;
	remember(p, ask(p, REQ_PORT_ADD, &q), port->a.id);
}

static void delete (struct peer *p, const struct sw_port *sp)
{
	Weft__PortDel del = WEFT__PORT_DEL__INIT;
	Weft__Request q = WEFT__REQUEST__INIT;
	char id[UUID_TEXT];

	del.ofport = sp->ofport;
	q.op_case = WEFT__REQUEST__OP_PORT_DEL;
	q.port_del = &del;
	remember(p, ask(p, REQ_PORT_DEL, &q), del_id(sp, id));
}

static bool wanted(const struct peer *p, const char *iface_id)
{
	const struct port *port = world_port_find(p->south->world, iface_id);

	return port && port_spec(port, p->sw->host) && world_wants(p->sw, NULL);
}

void peer_ports_retry(struct peer *p, const char *port_id)
{
	struct request *r, *next;

	DL_FOREACH_SAFE (p->failed, r, next)
		if (!port_id || !strcmp(r->port_id, port_id)) {
			DL_DELETE(p->failed, r);
			request_free(p, r);
		}
}

void peer_ports_sync(struct peer *p)
{
	char id[UUID_TEXT];

	if (p->foreign || !p->sw || p->state < PEER_READ)
		return;
	p->ports_stale = false;
	for (const struct port *port = world_wants(p->sw, NULL); port;
	     port = world_wants(p->sw, port))
		if (!sw_port_by_iface(p->sw, port->a.id) && !asked(p, port->a.id))
			create(p, port);
	for (const struct sw_port *sp = p->sw->ports; sp; sp = sp->hh.next)
		if (sp->managed && !wanted(p, sp->iface_id) && !asked(p, del_id(sp, id)))
			delete (p, sp);
}

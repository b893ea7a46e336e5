/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bindings of a port to several hosts, of which one is active: a VM that moves has its place on the
 * other host made before it goes there.
 *
 *	POST ports/ID/bindings   GET ports/ID/bindings[/HOST]   PUT
 *ports/ID/bindings/HOST[/activate] DELETE ports/ID/bindings/HOST
 *
 * The active one is the port's own binding:host_id, profile and vnic_type; the others are kept
 * beside it (port_attrs.bindings).
 */
#include <stdlib.h>
#include <string.h>

#include "controller/mem.h"
#include "controller/nb_policy.h"
#include "controller/nb_view.h"

static const struct resource *const self = &resources[WORLD_PORT];

enum { BINDINGS_MAX = 16 };

/* ---- JSON ---- */

static json_t *profile_json(const char *text)
{
	json_t *v = text ? json_loads(text, 0, NULL) : NULL;

	return v ? v : json_object();
}

static json_t *binding_json(const struct nb_request *q, const struct port *p, const char *host_id,
			    const char *profile, enum vnic_type vnic, bool active)
{
	const struct host *host = world_host_find(q->nb->world, host_id);
	const char *spec = host ? port_spec(p, host) : NULL;

	return json_pack("{s:s,s:s,s:o,s:s,s:o,s:s,s:s}", "host", host_id, "vif_type",
			 nb_vif_type(host, vnic, spec), "vif_details",
			 nb_vif_details(p, host, vnic, spec), "vnic_type", vnic_type_names[vnic],
			 "profile", profile_json(profile), "status", active ? "ACTIVE" : "INACTIVE",
			 "project_id", p->a.tenant_id);
}

static json_t *active_json(const struct nb_request *q, const struct port *p)
{
	return binding_json(q, p, p->a.host_id, p->a.profile, p->a.vnic_type, true);
}

static json_t *passive_json(const struct nb_request *q, const struct port *p,
			    const struct port_binding *b)
{
	return binding_json(q, p, b->host, b->profile, b->vnic_type, false);
}

/* ---- which ---- */

static bool is_active(const struct port_attrs *a, const char *host)
{
	return a->host_id && a->host_id[0] && !strcmp(a->host_id, host);
}

static struct port_binding *passive(const struct port_attrs *a, const char *host)
{
	for (size_t i = 0; i < a->n_bindings; i++)
		if (!strcmp(a->bindings[i].host, host))
			return &a->bindings[i];
	return NULL;
}

static void binding_take_out(struct port_attrs *a, struct port_binding *b)
{
	size_t i = (size_t)(b - a->bindings);

	free(b->host);
	free(b->profile);
	a->n_bindings--;
	memmove(b, b + 1, (a->n_bindings - i) * sizeof(*b));
}

void nb_port_bindings_follow(struct port_attrs *a)
{
	struct port_binding *b = a->host_id ? passive(a, a->host_id) : NULL;

	if (b)
		binding_take_out(a, b);
}

/* ---- what is given ---- */

static int read_body(struct nb_request *q, struct port_binding *b, bool create, struct nb_error *e)
{
	const struct shape *s = attr_find(&self->shape, "bindings")->element;
	json_t *body = json_object_get(q->body, "binding"), *v;
	const char *key;

	if (!json_is_object(body))
		return nb_say(e, HTTPBadRequest, "Unable to find 'binding' in request body.");
	json_object_foreach (body, key, v) {
		const struct attr *a = attr_find(s, key);

		if (!a || (!create && !strcmp(key, "host")))
			return nb_say(e, HTTPBadRequest, "Unrecognized attribute(s) '%.64s'.", key);
		if (nb_from_json(a, b, v, e))
			return -1;
	}
	if (create && (!b->host || !b->host[0]))
		return nb_say(e, HTTPBadRequest,
			      "Failed to parse request. Required attribute 'host' not specified.");
	return nb_port_profile_check(b->profile, e);
}

/* ---- what is done: each changes 'a', a copy of the port's attributes ---- */

static int binding_create(struct nb_request *q, const struct port *p, struct port_attrs *a,
			  struct nb_error *e)
{
	const struct shape *s = attr_find(&self->shape, "bindings")->element;
	const struct host *host;
	struct port_binding b, *all;
	int rc = -1;

	attrs_init(s, &b);
	if (read_body(q, &b, true, e))
		goto out;
	host = world_host_find(q->nb->world, b.host);
	if (strncmp(a->device_owner, "compute:", 8))
		nb_say(e, InvalidInput, "Port %s is not a VM's (device_owner compute:...).", a->id);
	else if (is_active(a, b.host) || passive(a, b.host))
		nb_refuse(e, PortBindingAlreadyExists, a->id, b.host);
	else if (!host || !host->sws || a->n_bindings == BINDINGS_MAX)
		nb_refuse(e, PortBindingError, a->id, b.host);
	else
		rc = 0;
	if (rc)
		goto out;
	all = mem_array(a->n_bindings + 1, sizeof(b));
	if (a->n_bindings)
		memcpy(all, a->bindings, a->n_bindings * sizeof(b));
	free(a->bindings);
	a->bindings = all;
	all[a->n_bindings++] = b;
	attrs_init(s, &b);
out:
	attrs_fini(s, &b);
	return rc;
}

static void exchange(char **x, char **y)
{
	char *t = *x;

	*x = *y;
	*y = t;
}

/* The two change places; without an active one its place is just left. */
static int binding_activate(struct port_attrs *a, const char *host, struct nb_error *e)
{
	struct port_binding *b = passive(a, host);
	enum vnic_type t;

	if (is_active(a, host))
		return nb_refuse(e, PortBindingAlreadyActive, a->id, host);
	if (!b)
		return nb_refuse(e, PortBindingNotFound, a->id, host);
	exchange(&a->host_id, &b->host);
	exchange(&a->profile, &b->profile);
	t = a->vnic_type;
	a->vnic_type = b->vnic_type;
	b->vnic_type = t;
	if (!b->host || !b->host[0])
		binding_take_out(a, b);
	return 0;
}

static int binding_update(struct nb_request *q, struct port_attrs *a, const char *host,
			  struct nb_error *e)
{
	struct port_binding *b = passive(a, host), own;
	int rc;

	if (b)
		return read_body(q, b, false, e);
	if (!is_active(a, host))
		return nb_refuse(e, PortBindingNotFound, a->id, host);
	own = (struct port_binding){ NULL, a->profile, a->vnic_type };
	rc = read_body(q, &own, false, e);
	a->profile = own.profile;
	a->vnic_type = own.vnic_type;
	return rc;
}

static int binding_delete(struct port_attrs *a, const char *host, struct nb_error *e)
{
	struct port_binding *b = passive(a, host);

	if (b) {
		binding_take_out(a, b);
		return 0;
	}
	if (!is_active(a, host))
		return nb_refuse(e, PortBindingNotFound, a->id, host);
	a->host_id[0] = '\0';
	attr_clear(attr_find(&self->shape, "binding:profile"), a);
	return 0;
}

/* ---- paths ---- */

static void bindings_list(struct nb_request *q, const struct port *p)
{
	static const char *const filters[] = { "host",	 "vif_type",   "vnic_type",
					       "status", "project_id", NULL };
	static const struct nb_view view = { .collection = "bindings",
					     .key = "host",
					     .filters = filters };
	json_t *out = json_array();

	if (p->a.host_id && p->a.host_id[0])
		json_array_append_new(out, active_json(q, p));
	for (size_t i = 0; i < p->a.n_bindings; i++)
		json_array_append_new(out, passive_json(q, p, &p->a.bindings[i]));
	nb_view_list(q, &view, out);
}

static void answer_one(struct nb_request *q, const struct port *p, const char *host)
{
	struct port_binding *b = passive(&p->a, host);

	if (!b && !is_active(&p->a, host))
		nb_refuse(&q->error, PortBindingNotFound, p->a.id, host);
	else
		q->answer = json_pack("{s:o}", "binding",
				      b ? passive_json(q, p, b) : active_json(q, p));
}

static void change(struct nb_request *q, struct port *p, const char *host, bool activate)
{
	char made[256] = "";
	struct port_attrs a;
	int rc;

	q->txn = txn_begin(q->nb->log);
	attrs_copy(&self->shape, &a, &p->a);
	if (!host)
		rc = binding_create(q, p, &a, &q->error);
	else if (activate)
		rc = binding_activate(&a, host, &q->error);
	else if (q->method == NB_DELETE)
		rc = binding_delete(&a, host, &q->error);
	else
		rc = binding_update(q, &a, host, &q->error);
	if (!rc && !host)
		strncpy(made, a.bindings[a.n_bindings - 1].host, sizeof(made) - 1);
	if (!rc)
		nb_obj_set(q, &p->obj, &a);
	attrs_fini(&self->shape, &a);
	if (rc) {
		txn_abort(q->txn);
		q->txn = NULL;
		return;
	}
	q->status = !host ? 201 : q->method == NB_DELETE ? 204 : 200;
	if (q->status != 204)
		answer_one(q, p, host ? host : made);
}

/* 'rest': what follows "ports/ID/". */
bool nb_port_binding_route(struct nb_request *q, const char *id, const char *rest)
{
	char host[256], *action;
	struct port *p;
	bool fits;

	if (strncmp(rest, "bindings", 8) || (rest[8] && rest[8] != '/'))
		return false;
	p = (struct port *)nb_find(q, self, id, &q->error);
	if (!p)
		return true;
	if (policy_action_check(&q->who, self, "bindings", &p->a, &q->error))
		return true;
	fits = strlen(rest) < 8 + sizeof(host);
	strncpy(host, rest[8] && fits ? rest + 9 : "", sizeof(host) - 1);
	host[sizeof(host) - 1] = '\0';
	action = strchr(host, '/');
	if (action)
		*action++ = '\0';
	if (!fits || (action && strcmp(action, "activate")) || (rest[8] && !host[0]))
		nb_refuse(&q->error, HTTPNotFound);
	else if (action && q->method == NB_PUT)
		change(q, p, host, true);
	else if (host[0] && !action && (q->method == NB_PUT || q->method == NB_DELETE))
		change(q, p, host, false);
	else if (!host[0] && q->method == NB_POST)
		change(q, p, NULL, false);
	else if (q->method != NB_GET || action)
		nb_refuse(&q->error, HTTPMethodNotAllowed);
	else if (host[0])
		answer_one(q, p, host);
	else
		bindings_list(q, p);
	if (q->method == NB_GET && q->answer)
		q->status = 200;
	return true;
}

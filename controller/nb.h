/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The northbound: REST requests in, answers out.
 *
 *   nb_http.c     HTTP: connections, bodies, tokens
 *   nb_auth.h     who asks: nb_auth.c, keystone.h
 *   nb_policy.def who may do what; nb_policy.h, nb_policy.c
 *   nb_route.c    which path is whose
 *   nb_engine.c   list, show, create, update, delete
 *   nb_query.c    fields, sorting, pages
 *   nb_filter.c   filters
 *   nb_page.c     sort keys, limits, links
 *   nb_tags.c     COLLECTION/ID/tags
 *   nb_revision.c If-Match: revision_number=N
 *   nb_json.c     attributes as JSON
 *   nb_refused.c  attributes whose wrong values are an error of their own
 *   nb_error.def  refusals, one row each; nb_error.h, nb_error.c
 *   nb_rbac.h     rbac-policies/; nb_rbac.c
 *   nb_quota.c    quotas/
 *   nb_view.c     views: nb_agent.c, nb_availability.c
 *   nb_ext.c      versions, extensions
 *   nb_weft.c     /weft/v1/
 *   nb_network.c, nb_segment_range.c, nb_subnet.c, nb_port.c, nb_sg.c, nb_sg_rule.c,
 *   nb_sg_template.c, nb_address_group.c
 *                 what only this resource knows
 *
 * Thread: the one that runs the libev loop.
 */
#ifndef WEFT_CONTROLLER_NB_H
#define WEFT_CONTROLLER_NB_H

#include <ev.h>
#include <jansson.h>

#include "controller/nb_error.h"
#include "controller/resource.h"
#include "controller/txn.h"

/* What all of the northbound works on. */
struct nb {
	struct ev_loop *loop;
	struct world *world;
	struct store *store;
	struct txn_log *log;
	struct nb_auth *auth;
	struct nova *nova; /* NULL: nobody is told */
	double started;	   /* ev_now() */
};

/* ---- errors (nb_error.h, nb_error.c) ---- */

/* NetworkNotFound, SubnetNotFound, PortNotFound */
int nb_fail_not_found(struct nb_error *e, const struct resource *r, const char *id);

/* ---- who asks (nb_auth.h) ---- */

struct nb_who {
	bool admin;
	const char *project;	   /* "" when nobody is told apart */
	const struct world *world; /* where it stands what is shared with whom */
};

/* ---- requests ---- */

enum nb_method { NB_GET, NB_POST, NB_PUT, NB_DELETE, NB_OTHER };

struct nb_arg {
	char *key, *value;
};

struct nb_request {
	struct nb *nb;
	struct nb_who who;
	enum nb_method method;
	const char *path; /* decoded, without the query */
	const char *base; /* "http://HOST:PORT", for links */
	struct nb_arg *args;
	size_t n_args;
	json_t *body;		  /* NULL: none */
	const char *if_match;	  /* the header; NULL: none */
	struct world_obj *parent; /* below which object the path goes on; NULL: none */

	/* The answer. */
	int status;
	json_t *answer;	 /* NULL: no body, or it is in 'text' */
	char *text;	 /* JSON */
	struct txn *txn; /* commit it before the answer goes out */
	struct nb_error error;
};

/* Fills in the answer; afterwards the caller commits request->txn when there is one. */
void nb_route(struct nb_request *q);

/* The first value of a query argument, or NULL. */
const char *nb_arg(const struct nb_request *q, const char *key);

/* ---- resources (nb_engine.c) ---- */

/* What only one resource knows.  Functions return 0, or -1 with 'e' filled in; NULL: nothing. */
struct nb_hooks {
	/* Completes and judges attributes of a new one. */
	int (*create)(struct nb_request *q, void *a, uint64_t given, struct nb_error *e);
	/* It is in the world now: makes what comes with it.  NULL: nothing. */
	int (*added)(struct nb_request *q, struct world_obj *o, struct nb_error *e);
	/* Before they are listed: adds what is there without anybody's asking, in a q->txn.  NULL:
	 * nothing. */
	int (*list)(struct nb_request *q, struct nb_error *e);
	/* Judges changed attributes 'a' of 'o', which still has the old ones. */
	int (*update)(struct nb_request *q, struct world_obj *o, void *a, uint64_t given,
		      struct nb_error *e);
	/* Deletes what goes with it, or refuses. */
	int (*remove)(struct nb_request *q, struct world_obj *o, struct nb_error *e);
	/* Is it for nobody's eyes?  NULL: none is. */
	bool (*hidden)(const struct world_obj *o);
	const struct nb_action *actions; /* ends with a NULL name; NULL: none */
};

/* What can be done with an object beside updating it: METHOD COLLECTION/ID/NAME. */
struct nb_action {
	const char *name;
	enum nb_method method;
	/* 'o' is the asker's own.  Fills in q->answer, with what changes in q->txn; else -1. */
	int (*act)(struct nb_request *q, struct world_obj *o, struct nb_error *e);
};
/* By world_kind; each resource's file has its own, nb_net_hooks ... */
extern const struct nb_hooks *const nb_hooks[N_RESOURCES];
#define RESOURCE(noun, ...) extern const struct nb_hooks nb_##noun##_hooks;
#include "controller/resource_blank.h"
#include "controller/resource.def"
#include "controller/resource_undef.h"

/* "given" has a bit for each row of the shape; is the one named 'attr' among them? */
bool nb_given(const struct resource *r, uint64_t given, const char *attr);

void nb_list(struct nb_request *q, const struct resource *r);
void nb_show(struct nb_request *q, const struct resource *r, const char *id);
void nb_create(struct nb_request *q, const struct resource *r);
void nb_update(struct nb_request *q, const struct resource *r, const char *id);
void nb_delete(struct nb_request *q, const struct resource *r, const char *id);
/* COLLECTION/ID/tags and what follows; false when 'below' is not about tags. */
bool nb_tags_route(struct nb_request *q, const struct resource *r, const char *id,
		   const char *below);
/* The request may ask for a certain revision of 'o' (412). */
int nb_revision_check(const struct nb_request *q, const struct world_obj *o, struct nb_error *e);
void nb_act(struct nb_request *q, const struct resource *r, const char *id,
	    const struct nb_action *a);

/*
 * What hooks and actions change beside their own object, in q->txn; as nb_create() and nb_update()
 * do it: common attributes are filled in, the revision goes up.  'a' is taken.
 */
struct world_obj *nb_obj_add(struct nb_request *q, const struct resource *r, const char *tenant_id,
			     void *a);
void nb_obj_set(struct nb_request *q, struct world_obj *o, void *a);

/* An attribute's value 'v' was refused: as the error that is this attribute's own, if it has one
 * (nb_refused.c).  -1. */
int nb_refused(const struct resource *r, const struct attr *a, const json_t *v, struct nb_error *e);

/* The object when 'who' may see it; else NULL with "not found". */
struct world_obj *nb_find(struct nb_request *q, const struct resource *r, const char *id,
			  struct nb_error *e);
/* Whether 'o' belongs to the object that the path begins with. */
bool nb_is_below(const struct nb_request *q, const struct resource *r, const struct world_obj *o);
/* May see it. */
bool nb_sees(const struct nb_who *who, const struct world_obj *o);
/* Project that owns it is who's, or who is an administrator. */
bool nb_owns(const struct nb_who *who, const char *tenant_id);

/* A new random uuid (RFC 4122 version 4); a MAC address with our prefix. */
void nb_uuid(char out[UUID_TEXT]);
void nb_mac(uint8_t out[6]);

/* ---- attributes as JSON (nb_json.c) ---- */

/* 'v' into the member; 0, or -1 with 'e'. */
int nb_from_json(const struct attr *a, void *p, const json_t *v, struct nb_error *e);
/* The attribute's value; 'o' for rows that are computed. */
/* What is a string in JSON: ids, words, addresses, times; NULL: null. */
const char *nb_word(const struct attr *a, const void *v, char buf[PREFIX_TEXT]);
json_t *nb_to_json(const struct attr *a, const void *p, const struct world_obj *o);
bool nb_is_uuid(const char *s);
/* "true", "True", "1", 1, true ...; -1 when it is none of these. */
int nb_bool_of(const json_t *v);
/* 1, 0, or -1: of text alone. */
int nb_bool_text(const char *s);

/* ---- queries (nb_query.c) ---- */

/* The objects that 'q' asks for, in its order, cut to its page. */
struct nb_page {
	struct world_obj **objs;
	size_t n;
	bool more;	 /* there is a next page */
	bool earlier;	 /* there is a previous one */
	uint64_t fields; /* rows to show */
};

int nb_query(struct nb_request *q, const struct resource *r, struct nb_page *page,
	     struct nb_error *e);
void nb_page_free(struct nb_page *p);
/* "networks_links": a new array, or NULL when there are none. */
json_t *nb_page_links(const struct nb_request *q, const struct resource *r,
		      const struct nb_page *p);
/* The rows that 'fields' arguments ask for and 'who' may see. */
uint64_t nb_fields(const struct nb_request *q, const struct resource *r);
json_t *nb_object_json(const struct resource *r, const struct world_obj *o, uint64_t fields);

/* ---- subnets (nb_subnet.c) ---- */

/* Whether ports of this device_owner have addresses of it. */
bool nb_subnet_serves(const struct subnet *s, const char *device_owner);

/* ---- subnet pools (nb_subnetpool.c) ---- */

/* Chooses or judges a->cidr and a->pool_id of a new subnet of 'n', where it is to be from a pool.
 */
int nb_subnetpool_allocate(struct nb_request *q, const struct net *n, struct subnet_attrs *a,
			   struct nb_error *e);

/* ---- quotas (nb_quota.c) ---- */

/* May the project have one more? */
int nb_quota_check(struct nb_request *q, const struct resource *r, const char *project,
		   struct nb_error *e);
void nb_quota_route(struct nb_request *q, const char *rest); /* below /v2.0/quotas */

/* ---- other paths ---- */

/* ---- ports that come with other objects (nb_port.c) ---- */

struct nb_port_spec {
	struct net *net;
	const char *tenant_id, *name, *device_owner, *device_id;
	const struct fixed_ip *fixed_ips; /* wanted; none: what any port gets */
	size_t n_fixed_ips;
};

/* A port of DHCP or a distributed service: it goes with its network, as nobody else has it. */
bool nb_port_goes_along(const struct port *p);
/* NULL with 'e'.  In q->txn. */
struct port *nb_port_add(struct nb_request *q, const struct nb_port_spec *spec, struct nb_error *e);
/* Other fixed_ips for such a port. */
int nb_port_readdress(struct nb_request *q, struct port *p, const struct fixed_ip *ips, size_t n,
		      struct nb_error *e);

/* binding:profile's own key, "weft_spec". */
int nb_port_profile_check(const char *profile, struct nb_error *e);
/* What a VM's host is to do with the device of a port there; host NULL: bound nowhere. */
/* dns_name (nb_dns.c). */
int nb_port_dns_check(struct port_attrs *a, struct nb_error *e);
const char *nb_vif_type(const struct host *h, enum vnic_type vnic, const char *spec);
json_t *nb_vif_details(const struct port *p, const struct host *h, enum vnic_type vnic,
		       const char *spec);

/* ---- bindings of ports (nb_port_binding.c) ---- */

/* Below ports/ID/; false when it is no path of bindings. */
bool nb_port_binding_route(struct nb_request *q, const char *id, const char *rest);
/* The host that 'a' has now is no passive one any more. */
void nb_port_bindings_follow(struct port_attrs *a);

/* ---- routers ---- */

/* Judges a->routes against the interfaces that 'r' has (nb_router.c). */
int nb_router_routes_check(const struct world *w, const struct router *r,
			   const struct router_attrs *a, struct nb_error *e);
/* Whether a route of 'r' would have no way without port 'p', or without its addresses of 's'. */
bool nb_router_needs(const struct world *w, const struct router *r, const struct port *p,
		     const struct subnet *s);
/* PUT routers/ID/... (nb_router_interface.c) */
extern const struct nb_action nb_router_actions[];
/* Floating IPs and forwardings that lead to a port that goes. */
int nb_floatingips_leave(struct nb_request *q, struct port *p, struct nb_error *e);
/* A forwarding goes (nb_port_forwarding.c). */
void nb_port_forwarding_leaves(struct nb_request *q, struct port_forwarding *d);
/* ... and to those of its addresses that are not in 'a'. */
int nb_floatingips_follow(struct nb_request *q, struct port *p, const struct port_attrs *a,
			  struct nb_error *e);
/* The router that leads from a port's address to an external network; NULL: none (nb_floatingip.c).
 */
struct router *nb_floatingip_router(const struct world *w, const struct port *p,
				    const struct ip_addr *fixed, const struct net *external);

void nb_ext_route(struct nb_request *q, const char *rest); /* below /v2.0/extensions */
void nb_versions(struct nb_request *q, bool root);
/* Below /v2.0/; false when it is no view's. */
bool nb_view_route(struct nb_request *q, const char *rest);
void nb_weft_route(struct nb_request *q, const char *rest); /* below /weft/v1/ */

/* ---- HTTP (nb_http.c) ---- */

struct nb_http;

/* Listens on "ADDR:PORT" ("[ADDR]:PORT" for IPv6); NULL with words. */
struct nb_http *nb_http_new(struct nb *nb, const char *where, struct err *e);
/* Answers no more; to be called before the store is closed.  NULL is fine. */
void nb_http_stop(struct nb_http *h);
void nb_http_free(struct nb_http *h);

#endif

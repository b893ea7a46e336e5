/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The world: what tenants asked for (intent) and what is seen (observations), in memory.
 *
 *   net ──< subnet                 host ──< sw ──< sw_port
 *    └────< port ── place ──────────────────────────┘
 *
 * Intent comes from the store and the REST side (through txn.h), observations from the switch
 * sessions.  Apps read it as 'const struct world *' and derive flows; they change nothing.  Every
 * change marks its object; listeners hear of marked objects in batches: at once for
 * observations, and for intent when it is durable.
 *
 * Thread: the one that runs the libev loop.  Owner: main().  Objects belong to the world; a pointer
 * is good until a listener has been told of its deletion.
 */
#ifndef WEFT_CONTROLLER_WORLD_H
#define WEFT_CONTROLLER_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uthash.h>

#include "controller/ip.h"
#include "controller/port_span.h"
#include "controller/world_mac.h"
#include "controller/world_router.h"
#include "controller/world_seen.h"
#include "controller/world_shared.h"

enum {
	UUID_TEXT = 37, /* with the final NUL */
	TAP_NAME = 15,	/* "tap" and 11 characters of the port's id, with the final NUL */
	INDEX_MAX = 0xffffff,
};

#define NUM_NONE UINT32_MAX /* a number that is null */

enum net_type { NET_VXLAN, NET_VLAN, NET_FLAT };
enum ipv6_mode { IPV6_MODE_NONE, IPV6_SLAAC, IPV6_DHCP_STATEFUL, IPV6_DHCP_STATELESS };
/* See vnic_is_ours(). */
enum vnic_type {
	VNIC_NORMAL,
	VNIC_VIRTIO_FORWARDER,
	VNIC_DIRECT,
	VNIC_DIRECT_PHYSICAL,
	VNIC_MACVTAP,
	VNIC_BAREMETAL,
	VNIC_VDPA,
	VNIC_SMART_NIC,
	VNIC_REMOTE_MANAGED,
};
enum forward_protocol { FORWARD_NONE, FORWARD_TCP, FORWARD_UDP, FORWARD_ICMP, FORWARD_SCTP };
enum sg_direction { SG_INGRESS, SG_EGRESS };
enum sg_ethertype { ETHER_IPV4, ETHER_IPV6 };
enum rbac_action { ACCESS_AS_SHARED, ACCESS_AS_EXTERNAL };

/* Words as the API has them, ended by NULL; index is the enum's value. */
extern const char *const net_type_names[];
extern const char *const ipv6_mode_names[];
extern const char *const vnic_type_names[];
extern const char *const forward_protocol_names[];
extern const char *const sg_direction_names[];
extern const char *const sg_ethertype_names[];
extern const char *const rbac_action_names[];

/* ---- attributes: struct net_attrs, subnet_attrs, port_attrs, pool, host_route, fixed_ip,
 * address_pair ---- */

#define RESOURCE(noun, ...)   struct noun##_attrs {
#define ELEMENT(noun)	      struct noun {
#define ID(m, ...)	      char m[UUID_TEXT];
#define PARENT(m, ...)	      char m[UUID_TEXT];
#define TEXT(m, ...)	      char *m;
#define BOOL(m, ...)	      bool m;
#define NUM(m, ...)	      uint32_t m;
#define ENUM(m, name, e, ...) enum e m;
#define MAC(m, ...)	      uint8_t m[6];
#define IP(m, ...)	      struct ip_addr m;
#define CIDR(m, ...)	      struct ip_prefix m;
#define HOSTS(m, ...)	      struct ip_prefix m;
#define TIME(m, ...)	      int64_t m;
#define LIST(m, name, element, ...) \
	struct element *m;          \
	size_t n_##m;
#define ONE(m, name, element, ...) \
	struct element *m;         \
	size_t n_##m;
#define TEXTS(m, ...) \
	char **m;     \
	size_t n_##m;
#define IPS(m, ...)        \
	struct ip_addr *m; \
	size_t n_##m;
#define CIDRS(m, ...)        \
	struct ip_prefix *m; \
	size_t n_##m;
#define DICT(m, ...) char *m;
#define ALIAS(...)
#define CALC(...)
#define FIXED(...)
#define END(noun) \
	}         \
	;
#include "controller/resource.def"
#include "controller/resource_undef.h"

/* ---- objects ---- */

/* WORLD_NET and the other resources, in the order of resource.def; then what is only seen. */
enum world_kind {
#define RESOURCE(noun, KIND, ...) WORLD_##KIND,
#include "controller/resource_blank.h"
#include "controller/resource.def"
#include "controller/resource_undef.h"
	WORLD_SWITCH,
	WORLD_ADDR, /* an address that security group rules name */
	WORLD_NEIGH,
	WORLD_KINDS
};
enum { N_RESOURCES = WORLD_SWITCH };

/* Room for the attributes of any resource. */
union any_attrs {
#define RESOURCE(noun, ...) struct noun##_attrs noun;
#include "controller/resource_blank.h"
#include "controller/resource.def"
#include "controller/resource_undef.h"
};

/* What attributes of every resource begin with. */
struct obj_key {
	char id[UUID_TEXT];
	uint32_t index; /* its number in the data plane, by kind; NUM_NONE: has none */
};
#define RESOURCE(noun, ...)                                                                      \
	_Static_assert(                                                                          \
		offsetof(struct noun##_attrs, id) == 0 &&                                        \
			offsetof(struct noun##_attrs, index) == offsetof(struct obj_key, index), \
		#noun " begins with its key");
#include "controller/resource_blank.h"
#include "controller/resource.def"
#include "controller/resource_undef.h"

/* What about an object changed; several at once. */
enum world_what {
	WORLD_ADDED = 1 << 0,
	WORLD_DELETED =
		1 << 1,	      /* unlinked already, freed after told(); its pointers up still hold */
	WORLD_ATTRS = 1 << 2, /* intent: any attribute */
	WORLD_PLACE = 1 << 3, /* port: bound, moved, unbound */
	WORLD_LINK = 1 << 4,  /* port: its switch port's link or MTU; switch: a port's */
	WORLD_SESSION = 1 << 5,	 /* switch: went up or down */
	WORLD_SW_PORTS = 1 << 6, /* switch: a port came, went, or changed */
	WORLD_VTEP = 1 << 7,	 /* switch: its VTEP's address or port */
	WORLD_MACS = 1 << 8,	 /* switch: what app l2 has learned */
	WORLD_WANTS = 1 << 9,	 /* switch: what its host is asked to create (world_wants) */
	WORLD_RULES = 1 << 10,	 /* security group: a rule came or went */
	WORLD_MEMBERS = 1 << 11, /* net: another set of switches has its ports, or its open ones */
	WORLD_UPLINK = 1 << 12,	 /* switch: a way to a physical network came, went, or changed */
	WORLD_ALIVE = 1 << 13,	 /* switch: gone, or back; counts as a place for gateways, or not */
	WORLD_SHARED = 1 << 14,	 /* port: others may have an address of it, or may no longer */
};

/* First member of every object; a resource's attributes 'a' follow it. */
struct world_obj {
	enum world_kind kind;
	uint32_t what;		       /* enum world_what, not told yet */
	struct world_obj *prev, *next; /* in the list of marked objects, when what != 0 */
	UT_hash_handle hh, hh_index;   /* resources: by id and index among those of their kind */
};

struct rbac {
	struct world_obj obj;
	struct rbac_attrs a;
	enum rbac_action action;
	struct rbac *prev, *next; /* others of the same object */
};

/* An object that policies share. */
struct share {
	char id[UUID_TEXT];
	struct rbac *policies; /* DL list */
	UT_hash_handle hh;
};

struct segment_range {
	struct world_obj obj;
	struct segment_range_attrs a;
	const struct world *world; /* which segments are in use is computed */
};

struct default_sg_rule {
	struct world_obj obj;
	struct default_sg_rule_attrs a;
};

struct address_scope {
	struct world_obj obj;
	struct address_scope_attrs a;
	size_t n_pools;
};

struct subnetpool {
	struct world_obj obj;
	struct subnetpool_attrs a;
	struct address_scope *scope; /* NULL: none */
	struct subnet *subnets;	     /* DL list by pool_prev, pool_next */
};

struct net {
	struct world_obj obj;
	struct net_attrs a;	/* a.index: number in the data plane; a.segment: VNI or VLAN id */
	struct subnet *subnets; /* DL list by net_prev, net_next */
	struct port *ports;	/* DL list by net_prev, net_next */
	struct port *router_ports; /* of routers: DL list by net_router_prev, net_router_next */
	struct neigh *neighs;	   /* DL list by net_prev, net_next */
	struct member *members;	   /* switches that have its ports, by dpid (world_member.c) */
	size_t n_members, n_open_members; /* the latter have open ports */
	size_t n_subnets, n_ports;
};

struct subnet {
	struct world_obj obj;
	struct subnet_attrs a;
	struct net *net;
	struct subnetpool *pool;   /* whose prefix it is; NULL: nobody's */
	struct address *addresses; /* hash: in use, by ip */
	struct ip_addr hint;	   /* where the search for a free address goes on */
	struct subnet *net_prev, *net_next;
	struct subnet *pool_prev, *pool_next;
};

/* An address of a subnet that a port has. */
struct address {
	struct ip_addr ip;
	struct port *port;
	UT_hash_handle hh;
};

/* What a project has: how many of each resource, and how many it may have. */
struct project {
	char *id;
	size_t n[N_RESOURCES];
	struct quota *quota; /* NULL: what is allowed by default */
	UT_hash_handle hh;
};

struct quota {
	struct world_obj obj;
	struct quota_attrs a;
	struct project *project;
};

/* ---- security groups (world_sg.c) ---- */

/* Addresses that rules can name: those of a group's ports, or an address group's. */
struct addr_set {
	const struct world_obj *owner; /* a struct sg or struct addrgroup */
	struct set_addr *addrs;	       /* DL list by set_prev, set_next */
	struct set_user *users; /* DL list by set_prev, set_next: groups whose rules name it */
};

/* An address, or a prefix, that is in one set or several. */
struct sg_addr {
	struct world_obj obj;  /* WORLD_ADDR */
	struct ip_prefix ip;   /* no host bits; of 0, 4, 8 ... bits */
	uint32_t bucket;       /* 24 bits of its hash, by which it is derived */
	struct sg_addr *next;  /* others of the bucket */
	struct set_addr *sets; /* DL list by addr_prev, addr_next; empty: it is gone */
	UT_hash_handle hh;     /* by bucket, the first of each */
};

/* An address is in a set, by n members. */
struct set_addr {
	struct addr_set *set;
	struct sg_addr *addr;
	uint32_t n;
	struct set_addr *set_prev, *set_next, *addr_prev, *addr_next;
};

/* A group names a set, in so many rules of each direction and IP version. */
struct set_user {
	struct addr_set *set;
	struct sg *sg;
	uint32_t n[2][2]; /* enum sg_direction, enum sg_ethertype */
	struct set_user *set_prev, *set_next, *sg_prev, *sg_next;
};

struct addrgroup {
	struct world_obj obj;
	struct addrgroup_attrs a; /* addresses: prefixes as text; cuts: as struct sg's */
	struct addr_set set;
};

struct sg {
	struct world_obj obj;
	/* cuts: counts what was taken away that may have allowed a connection: rules, members */
	struct sg_attrs a;
	struct addr_set set;	  /* its ports' addresses */
	struct sg_rule *rules;	  /* DL list by sg_prev, sg_next */
	struct set_user *remotes; /* DL list by sg_prev, sg_next: sets that its rules name */
	size_t n_rules, n_ports;
	bool is_default; /* its project's */
	UT_hash_handle hh_default;
};

struct sg_rule {
	struct world_obj obj;
	struct sg_rule_attrs a;
	struct sg *sg;
	struct addr_set *remote; /* that it names; NULL: none */
	int protocol;		 /* PROTOCOL_ANY or its number */
	struct sg_rule *sg_prev, *sg_next;
};

/* What a switch can plug in; the rest is hardware's, and fails to be bound. */
static inline bool vnic_is_ours(enum vnic_type t)
{
	return t <= VNIC_VIRTIO_FORWARDER;
}

/* Where a port is bound. */
struct place {
	struct sw *sw;	    /* NULL: nowhere */
	struct sw_port *sp; /* NULL with it */
};

/* A switch that has ports of a network. */
struct member {
	struct sw *sw;
	struct port **ports; /* by index in the data plane: the order does not hang on history */
	size_t n, n_open;
};

/* Where a port is bound next to its own host: it does not carry packets there, but what it needs is
 * made. */
struct next_host {
	struct port *port;
	struct host *host;
	char *spec;		       /* as struct port's */
	struct next_host *prev, *next; /* of the same host */
};

struct port {
	struct world_obj obj;
	struct port_attrs a; /* a.index: its number in cookies (24 bits) */
	struct net *net;
	struct host *host; /* of a.host_id; NULL: none given */
	char *spec; /* binding:profile's "weft_spec": the switch port to create; NULL: none */
	struct next_host *nexts; /* a.n_bindings of them */
	char tap[TAP_NAME];	 /* the device name that Neutron's users give it */
	struct place place;
	bool open; /* may send and receive for MACs that only it knows; as its network counts it */
	struct sg **sgs; /* its security groups */
	size_t n_sgs;
	char *fault; /* why the switch does not have what the port needs; NULL: nothing known */
	struct port *net_prev, *net_next;
	struct port *host_prev, *host_next;
	struct router *router; /* whose interface or gateway it is; NULL: none's */
	uint64_t was; /* a router's: dpid of the switch that it lived on before a restart; 0: not
		       * known */
	struct port *router_prev, *router_next;
	struct port *net_router_prev, *net_router_next;
	struct floatingip *floatingips; /* that lead here: DL list by port_prev, port_next */
	struct port *name_next;		/* others with the same name, younger ones later */
	struct {
		uint32_t net; /* index */
		uint8_t mac[6];
		uint16_t zero;
	} mac_key;
	bool named; /* in world.ports_by_name's chains */
	UT_hash_handle hh_tap, hh_name, hh_mac;
};

/* Its interfaces and gateway are ports, by device_owner and device_id. */
struct router {
	struct world_obj obj;
	/* a.index: also its zone of connections, up to ROUTER_MAX; a.transit: the VNI by which
	 * hosts send to that of its gateway */
	struct router_attrs a;
	struct port *ports;		/* DL list by router_prev, router_next */
	struct floatingip *floatingips; /* DL list by router_prev, router_next */
};
/* Its zone of connections on every switch is ROUTER_ZONES and its index: above those of ports. */
enum { ROUTER_MAX = 0x7ffe, ROUTER_ZONES = 0x8000 };

struct floatingip {
	struct world_obj obj;
	struct floatingip_attrs a;
	struct net *net;       /* external */
	struct port *port;     /* that it leads to; NULL: none, or by its port forwardings */
	struct port *outer;    /* on the external network: has its address and MAC */
	struct router *router; /* that does it; NULL: none yet */
	struct port_forwarding *forwardings; /* DL list by prev, next */
	struct floatingip *port_prev, *port_next, *router_prev, *router_next;
};

struct port_forwarding {
	struct world_obj obj;
	/* The ranges are always there, and the ports where a range is of one. */
	struct port_forwarding_attrs a;
	struct port_span external, internal; /* the same ranges */
	struct floatingip *floatingip;
	struct port *port;
	struct port_forwarding *prev, *next;
};

/* A port of a switch, as seen. */
struct sw_port {
	struct sw *sw;
	uint32_t ofport;
	char *name;
	char *iface_id; /* what it is to be bound by; the switch says the name when none was given
			 */
	char *physnet;	/* it is the way to this physical network; NULL: not an uplink */
	uint8_t mac[6];
	uint16_t mtu;
	bool admin_up, link_up;
	bool tunnel;  /* a VXLAN port */
	bool managed; /* created by the controller (PortAdd), to be removed when no longer wanted */
	struct port *port; /* the tenant port that is bound here */
	bool listed;	   /* since the last world_switch_ports_begin() */
	struct sw_port *up_prev, *up_next;
	UT_hash_handle hh;	 /* in sw->ports, by ofport */
	UT_hash_handle hh_iface; /* in sw->ifaces, by iface_id */
};

/* The switch's VXLAN tunnel end point. */
struct vtep {
	struct ip_addr addr; /* family 0: it has none */
	uint32_t ofport;     /* of its flow-based VXLAN port */
	uint16_t mtu;	     /* of the underlay; 0: not known */
};

/* Who has an address outside of what tenants have declared, or one that several ports may have:
 * seen in ARP or neighbour discovery. */
struct neigh {
	struct world_obj obj;
	struct {
		uint32_t net; /* index */
		struct ip_addr ip;
	} key;
	struct net *net;
	uint8_t mac[6];
	uint32_t port;	/* index of the port that has it; NUM_NONE: somebody on the wire */
	uint32_t index; /* in cookies */
	double seen;	/* w->now() */
	struct neigh *net_prev, *net_next;
	UT_hash_handle hh, hh_index;
};

/* What the reconciler says of a switch, for people; it has no bearing on flows. */
struct sw_report {
	uint64_t flows, groups, meters; /* that it should have */
	uint64_t pending;		/* changes not acknowledged yet */
	uint64_t drift_repaired;	/* flows found missing, changed or foreign, since start */
	uint64_t refused;		/* messages that the switch answered with an error */
	double synced;			/* ev_now() when it last had all; 0: never */
};

struct sw {
	struct world_obj obj;
	uint64_t dpid;
	struct host *host;
	char *name;    /* "br0" */
	char *version; /* software description */
	char *peer;    /* "tcp:10.0.0.1:40112"; the last one when the session is down */
	bool up;
	bool gone;    /* without a session for longer than the grace: see sw_is_alive() */
	double since; /* ev_now() when it came up or went down */
	struct vtep vtep;
	struct sw_port *ports;	 /* hash by ofport */
	struct sw_port *ifaces;	 /* hash by iface_id */
	struct sw_port *uplinks; /* those with a physnet: DL list by up_prev, up_next */
	struct macs macs;
	struct sw_report report;
	char *fault; /* NULL: nothing wrong but what can be seen above */
	struct sw *host_prev, *host_next;
	UT_hash_handle hh;
};

/* A host: named by its switches and by binding:host_id. */
struct host {
	char *id;
	struct sw *sws;	    /* DL list by host_prev, host_next; empty: never seen */
	struct port *ports; /* DL list by host_prev, host_next: those with this binding:host_id */
	struct next_host *nexts; /* DL list: those that may come */
	UT_hash_handle hh;
};

struct world {
	struct world_obj *objs[N_RESOURCES]; /* hashes by id: see WORLD_ALL */
	struct world_obj *by_index[N_RESOURCES];
	uint32_t next_index[N_RESOURCES]; /* where the search for a free one goes on */
	struct share *shares;		  /* by the object's id */
	struct project *projects;	  /* by id: those that have anything */
	struct port *ports_by_tap, *ports_by_name, *ports_by_mac; /* by what they say */
	struct sg *default_sgs;					  /* by tenant_id */
	struct sg_addr *sg_addrs;				  /* by bucket, the first of each */
	struct sw *sws;						  /* by dpid */
	struct host *hosts;
	struct vni_pool *vnis;	/* in use by networks */
	struct vid_pools *vids; /* in use by networks, a pool for each physical network */
	struct neigh *neighs, *neighs_by_index;
	struct pair_use *pairs; /* world_shared.c */
	uint32_t next_neigh;
	struct world_obj *marked; /* DL list: to be told to the listeners */
	struct world_listener *listeners;
	bool telling;
	bool settling;	      /* switches may still come back: gateways are not given to others */
	unsigned int listing; /* between ports_begin and ports_end */
	double (*now)(void *arg); /* seconds; for 'seen' and 'since' */
	void *now_arg;
};

/* 'now' NULL: the wall clock. */
struct world *world_new(double (*now)(void *arg), void *now_arg);
void world_free(struct world *w);

/* ---- reading ---- */

/* for (WORLD_ALL(net, NET, n, w)): all of one resource, in order of creation. */
#define WORLD_ALL(noun, KIND, x, w)                                      \
	struct noun *x = (struct noun *)(void *)(w)->objs[WORLD_##KIND]; \
	x;                                                               \
	x = (struct noun *)x->obj.hh.next
/* for (WORLD_EACH(sw, w->sws)): hashes of what is seen; in order of creation. */
#define WORLD_EACH(x, head)              \
	__typeof__(&*(head)) x = (head); \
	x;                               \
	x = x->hh.next
/* A net's ports and subnets; a host's ports and switches. */
#define NET_EACH_PORT(p, n)          \
	struct port *p = (n)->ports; \
	p;                           \
	p = p->net_next
#define NET_EACH_MEMBER(m, n)                  \
	const struct member *m = (n)->members; \
	m &&m < (n)->members + (n)->n_members; \
	m++
#define NET_EACH_SUBNET(s, n)            \
	struct subnet *s = (n)->subnets; \
	s;                               \
	s = s->net_next
/* The address scope of its subnets of one IP version; NULL: none. */
const struct address_scope *net_scope(const struct net *n, uint32_t ip_version);
#define ROUTER_EACH_PORT(p, r)       \
	struct port *p = (r)->ports; \
	p;                           \
	p = p->router_next
/* Ports of routers on a network. */
#define NET_EACH_ROUTER_PORT(p, n)          \
	struct port *p = (n)->router_ports; \
	p;                                  \
	p = p->net_router_next
#define POOL_EACH_SUBNET(s, p)           \
	struct subnet *s = (p)->subnets; \
	s;                               \
	s = s->pool_next
#define HOST_EACH_PORT(p, h)         \
	struct port *p = (h)->ports; \
	p;                           \
	p = p->host_next
#define HOST_EACH_SWITCH(s, h)   \
	struct sw *s = (h)->sws; \
	s;                       \
	s = s->host_next

struct world_obj *world_obj_find(const struct world *w, enum world_kind kind, const char *id);
struct world_obj *world_obj_by_index(const struct world *w, enum world_kind kind, uint32_t index);
/* The policies that share an object; NULL: none. */
struct rbac *world_rbacs(const struct world *w, const char *object_id);
/* Is one of them for this project, or every project? */
bool world_is_shared_with(const struct world *w, const char *object_id, const char *project,
			  enum rbac_action action);
/* Is there any? */
bool world_is_shared(const struct world *w, const char *object_id, enum rbac_action action);
/* NULL: it has nothing. */
struct project *world_project_find(const struct world *w, const char *id);
/* How many there are. */
size_t world_count(const struct world *w, enum world_kind kind);
struct net *world_net_find(const struct world *w, const char *id);
struct net *world_net_by_index(const struct world *w, uint32_t index);
struct subnet *world_subnet_find(const struct world *w, const char *id);
struct port *world_port_find(const struct world *w, const char *id);
struct port *world_port_by_index(const struct world *w, uint32_t index);
struct router *world_router_by_index(const struct world *w, uint32_t index);
struct floatingip *world_floatingip_by_index(const struct world *w, uint32_t index);
/* The port of 'net' with this MAC. */
struct port *world_port_by_mac(const struct world *w, const struct net *net, const uint8_t mac[6]);
struct sg *world_sg_find(const struct world *w, const char *id);
struct sg *world_sg_by_index(const struct world *w, uint32_t index);
/* A project's default group; NULL: not made yet. */
struct sg *world_sg_default(const struct world *w, const char *tenant_id);
/* The first address of a bucket. */
struct sg_addr *world_sg_addrs(const struct world *w, uint32_t bucket);
/* How group 'g' names the set; NULL: not at all. */
struct set_user *sg_user_find(const struct sg *g, const struct addr_set *s);
bool set_user_has(const struct set_user *u, enum sg_direction d);
/* Of its owner. */
uint32_t addr_set_cuts(const struct addr_set *s);
struct host *world_host_find(const struct world *w, const char *id);
struct sw *world_switch_find(const struct world *w, uint64_t dpid);
struct sw_port *sw_port_find(const struct sw *sw, uint32_t ofport);
struct sw_port *sw_port_by_iface(const struct sw *sw, const char *iface_id);
/* The way to a physical network; NULL when the switch has none. */
struct sw_port *sw_port_by_physnet(const struct sw *sw, const char *physnet);

/*
 * Whether it counts as there: its session is up, or has been down for so short a time that nothing
 * is to move yet.  What it carries it goes on carrying either way.
 */
static inline bool sw_is_alive(const struct sw *sw)
{
	return !sw->gone;
}

/* Nothing about it says that it is a host of tenants: it is a bridge (app l2). */
bool sw_is_plain(const struct sw *sw);

/* The network's ports on 'sw'; NULL: none. */
struct member *net_member(const struct net *n, const struct sw *sw);

/* May carry packets now: bound on a switch that is alive, link up, port and net administratively
 * up. */
bool port_is_active(const struct port *p);

/*
 * Switch ports that 'sw' is asked to create: for each tenant port with binding:host_id of this
 * switch's host and a "weft_spec" in its binding:profile.  A host's ports are wanted on one of its
 * switches: the one with the lowest dpid that is up.  for (p = world_wants(sw, NULL); p; p =
 * world_wants(sw, p)): create p->tap with port_spec() and iface-id p->a.id.  Of ports that may come
 * (passive bindings), too.
 */
const struct port *world_wants(const struct sw *sw, const struct port *after);
/* Of one of its bindings' hosts. */
const char *port_spec(const struct port *p, const struct host *h);

/* ---- hearing of changes ---- */

struct world_listener {
	/* 'obj' changed in 'what' (enum world_what).  A net is told for its subnets as well. */
	void (*changed)(struct world *w, const struct world_obj *obj, uint32_t what, void *arg);
	/* All that was marked has been told. */
	void (*told)(struct world *w, void *arg);
	void *arg;
	struct world_listener *next;
};

void world_listen(struct world *w, struct world_listener *l);
void world_unlisten(struct world *w, struct world_listener *l);

/* Marks an object as changed; told with the next batch. */
void world_mark_dirty(struct world *w, struct world_obj *obj, uint32_t what);
/* Tells the listeners of all that is marked, and frees what was deleted. */
void world_tell(struct world *w);

/* ---- intent: from the store and txn.c only ---- */

/*
 * A change of intent has two steps, so that it can be taken back while it is not durable: first the
 * object is added, set or unlinked, which everyone who looks something up sees; then, when it is
 * durable or taken back, world_settle() draws the consequences (bindings, marks).
 */

/* Takes what 'a' owns and leaves it empty; what it refers to must be there. */
struct world_obj *world_obj_add(struct world *w, enum world_kind kind, void *a);
/* Exchanges the attributes: 'a' has the old ones afterwards.  id, index and parents must be the
 * same. */
void world_obj_set(struct world *w, struct world_obj *o, void *a);
/* A net without ports and subnets, a subnet without addresses in use, a port. */
void world_obj_unlink(struct world *w, struct world_obj *o);
/* Undoes world_obj_unlink(). */
void world_obj_relink(struct world *w, struct world_obj *o);
/* Of an unlinked one that never was settled. */
void world_obj_free(struct world *w, struct world_obj *o);
/* 'what': WORLD_ADDED, WORLD_ATTRS or WORLD_DELETED; the caller calls world_tell() after it. */
void world_settle(struct world *w, struct world_obj *o, uint32_t what);

/* Its struct net_attrs ... */
static inline void *world_obj_attrs(struct world_obj *o)
{
	return o + 1;
}
static inline const struct obj_key *world_obj_key(const struct world_obj *o)
{
	return (const struct obj_key *)(const void *)(o + 1);
}

/* A free data plane index among those of its kind,; NUM_NONE when all are in use. */
uint32_t world_index_get(struct world *w, enum world_kind kind);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A flow set: the flows and groups that an app derives for one object on one switch.
 *
 * An app writes flows with a draft, top to bottom as ovs-ofctl would print them:
 *
 *	struct draft *d = FLOW(fs, l2, 100);
 *	draft_match(d, OF_FIELD_IN_PORT, 3);
 *	draft_output(d, 4);
 *	draft_end(d);
 *
 * draft_end() checks the flow against pipeline.def (owner, fields, next stage) and encodes it,
 * once: from here on a flow is its bytes on the wire, compared and sent as such.  A refused draft
 * is logged with its source line, counted, and leaves nothing.  Owner: derive.c.  Thread: the
 * loop's.
 */
#ifndef WEFT_CONTROLLER_FLOWSET_H
#define WEFT_CONTROLLER_FLOWSET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "controller/ip.h"
#include "controller/pipeline.h"
#include "ofproto/wire.h"

struct draft;

/* An encoded message (flow_mod ADD or group_mod ADD) that a switch should have. */
struct want {
	struct want *next;
	const char *where; /* "apps/network_l2.c:40" */
	uint64_t cookie;   /* flows */
	uint32_t group_id; /* groups */
	bool is_group;
	uint16_t n; /* bytes of wire */
	uint8_t wire[];
};

struct flowset {
	struct arena arena; /* drafts and wants; reset by flowset_reset() */
	struct want *first, **last;
	uint32_t n, refused;
	enum app_id app; /* who is writing */
	enum cookie_kind kind;
	uint32_t index;
};

void flowset_init(struct flowset *fs);
void flowset_fini(struct flowset *fs);
/* Empties it; what is written next belongs to 'app' and the object (kind, index). */
void flowset_reset(struct flowset *fs, enum app_id app, enum cookie_kind kind, uint32_t index);

/* ---- drafts: never NULL, errors surface in draft_end() ---- */

#define FLOWSET_STR_(x) #x
#define FLOWSET_STR(x)	FLOWSET_STR_(x)
#define FLOW(fs, stage, priority) \
	flowset_flow(fs, STAGE_##stage, priority, __FILE__ ":" FLOWSET_STR(__LINE__))
/* A group acts with the rights of the stage whose flows send packets there. */
#define GROUP(fs, stage, id, type) \
	flowset_group(fs, STAGE_##stage, id, type, __FILE__ ":" FLOWSET_STR(__LINE__))
#define GROUP_ALL(fs, stage, id) GROUP(fs, stage, id, OFPGT_ALL)

struct draft *flowset_flow(struct flowset *fs, enum stage stage, uint16_t priority,
			   const char *where);
struct draft *flowset_group(struct flowset *fs, enum stage stage, uint32_t id, uint8_t type,
			    const char *where);

void draft_match(struct draft *d, enum of_field_id f, uint64_t value);
void draft_match_masked(struct draft *d, enum of_field_id f, uint64_t value, uint64_t mask);
/* Addresses: network order, the field's length; mask NULL: exact. */
void draft_match_bytes(struct draft *d, enum of_field_id f, const void *value, const void *mask);
void draft_match_reg(struct draft *d, enum reg r, uint64_t value);

/* Actions are applied in the order of these calls; after draft_bucket() they go to that bucket. */
void draft_set(struct draft *d, enum of_field_id f, uint64_t value);
void draft_set_bytes(struct draft *d, enum of_field_id f, const void *value);
/* Whole fields of equal length. */
void draft_move(struct draft *d, enum of_field_id from, enum of_field_id to);
void draft_push_vlan(struct draft *d, uint16_t vid);
void draft_pop_vlan(struct draft *d);
void draft_output(struct draft *d, uint32_t port);
void draft_controller(struct draft *d, uint16_t max_len);
void draft_group(struct draft *d, uint32_t group_id);
void draft_bucket(struct draft *d);

/* 'r' becomes 'mtu' for a packet that does not fit and must not be fragmented, else 0. */
void draft_fit(struct draft *d, enum reg r, uint16_t mtu);

/* Registers: their value, and the port that one names. */
void draft_load(struct draft *d, enum reg r, uint64_t value);
void draft_output_reg(struct draft *d, enum reg r);
/* Looks the packet up there, comes back, and goes on with what follows. */
void draft_resubmit(struct draft *d, enum stage s);
/* Clause k of n (from 1 on) of what matches conj_id=id; such a flow has nothing else. */
void draft_conjunction(struct draft *d, uint32_t id, unsigned int k, unsigned int n);

/* Translation: neither src nor dst is what the connection was given when it was committed. */
struct nat_spec {
	bool src, dst;
	struct ip_addr min, max;     /* family 0: the address stays; max: min alone */
	uint16_t port_min, port_max; /* 0: any of the kind that it has; max 0: min alone */
	bool hash, random, persistent;
};

/* ct(): the packet goes on in 'next', with the fields ct_*. */
struct ct_spec {
	uint16_t zone;
	bool zone_is_reg;    /* it is in register 'zone' instead */
	bool commit, marked; /* 'marked': the connection's mark becomes 'mark' */
	uint32_t mark;
	bool goes_on; /* in stage 'next'; else what follows is done on the untracked packet */
	enum stage next;
	const struct nat_spec *nat; /* NULL: none */
};

void draft_ct(struct draft *d, const struct ct_spec *s);
/* Not tracked any more: the next ct() looks it up anew, in the same zone as well. */
void draft_ct_clear(struct draft *d);

/* ---- answers (flowset_answer.c): the packet becomes the answer to it; draft_output() sends it
 * ---- */

void draft_answer_echo(struct draft *d);
/* From 'source'; mtu 0: none. */
void draft_answer_error(struct draft *d, uint8_t type, uint8_t code, const struct ip_addr *source,
			uint32_t mtu);
/* A solicitation becomes the advertisement of 'mac'; flags WEFT_NA_*. */
void draft_answer_nd(struct draft *d, const uint8_t mac[6], uint8_t flags);

/* A lease, of IPv4 or IPv6 (address of family 0: none to give); options as they go into the answer.
 */
struct dhcp_lease {
	uint8_t server_mac[6], prefix_len;
	struct ip_addr server, address;
	struct ip_addr next; /* IPv4: from whom it boots; family 0: nobody */
	uint32_t lease;	     /* seconds */
};
void draft_answer_dhcp(struct draft *d, const struct dhcp_lease *l, const uint8_t *opts, size_t n);
void draft_answer_dhcpv6(struct draft *d, const struct dhcp_lease *l, const uint8_t *opts,
			 size_t n);

struct ra_spec {
	uint8_t mac[6], hop_limit;
	struct ip_addr source;
	bool managed, other;
	uint16_t lifetime; /* seconds */
};
void draft_answer_ra(struct draft *d, const struct ra_spec *s, const uint8_t *opts, size_t n);

/* A run of metadata as an action: in buckets, and before what is resubmitted. */
#define draft_load_meta(d, name, value) \
	draft_load_bits(d, OF_FIELD_METADATA, META_##name##_SHIFT, META_##name##_BITS, value)
void draft_load_bits(struct draft *d, enum of_field_id f, unsigned int shift, unsigned int bits,
		     uint64_t value);
void draft_dec_ttl(struct draft *d);
/* From now on the packet came in nowhere, so that it can go out where it did. */
void draft_clear_in_port(struct draft *d);

void draft_metadata(struct draft *d, uint64_t value, uint64_t mask);
void draft_goto(struct draft *d, enum stage next);
void draft_idle(struct draft *d, uint16_t seconds, uint16_t flags);

/* 0, or -EPERM (outside pipeline.def), -EINVAL, -EMSGSIZE, -ENOMEM: logged, nothing added. */
int draft_end(struct draft *d);

#endif

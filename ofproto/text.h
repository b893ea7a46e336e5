/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text grammar, both ways, compatible with ovs-ofctl -O OpenFlow13.
 *
 * Parsers work into the caller's arena, say in 'e' what was wrong and where, and change nothing on
 * failure.  parse(format(x)) == x.  No state; any thread.
 */
#ifndef WEFT_OFPROTO_TEXT_H
#define WEFT_OFPROTO_TEXT_H

#include <stdio.h>

#include "base/arena.h"
#include "base/err.h"
#include "ofproto/wire.h"

/* Names for port numbers ("eth0" in a flow); NULL functions or a NULL table: numbers only. */
struct of_names {
	/* 0 and *number, or -ENOENT. */
	int (*port_by_name)(const void *arg, const char *name, uint32_t *number);
	/* NULL when the port has no name. */
	const char *(*port_name)(const void *arg, uint32_t number);
	const void *arg;
};

struct of_text_opts {
	const struct of_names *names; /* may be NULL */
	bool stats;		      /* dump-flows: duration, counters (off: --no-stats) */
	bool hex_data;		      /* packets in packet-in as hex dump */
	bool no_payload;	      /* of an echo only the length */
};

/* ---- What ovs-ofctl takes ---- */

/* "in_port=1,ip,nw_dst=10.0.0.0/8": a match alone. */
int of_parse_match(const char *s, const struct of_names *n, struct of_match *m, struct err *e);

/*
 * "table=0,priority=5,ip,actions=output:2": add-flow's argument; 'command' is OFPFC_*.  Without
 * actions for a delete.  Flow files may start a line with "add", "modify", "modify_strict",
 * "delete", "delete_strict".
 */
int of_parse_flow(const char *s, uint8_t command, const struct of_names *n, struct arena *a,
		  struct of_flow_mod **out, struct err *e);
/*
 * A flow file's line may begin with "add", "modify", "modify_strict", "delete" or "delete_strict":
 * sets 'command' and moves '*s' behind it.  1 if there was such a word, else 0.
 */
int of_parse_flow_command(const char **s, uint8_t *command);
/* "output:1,set_field:...": an action list; 'insts' collects goto_table and friends (NULL:
 * refused). */
int of_parse_actions(const char *s, const struct of_names *n, struct arena *a,
		     struct of_list *actions, struct err *e);
int of_parse_insts(const char *s, const struct of_names *n, struct arena *a, struct of_list *insts,
		   struct err *e);
/* "group_id=1,type=all,bucket=output:1": 'command' is OFPGC_*. */
int of_parse_group(const char *s, uint16_t command, const struct of_names *n, struct arena *a,
		   struct of_group_mod **out, struct err *e);
/*
 * The same with what only 1.5's layout carries: a selection method, ids of buckets that stand with
 * one, OFPGC_INSERT_BUCKET and _REMOVE_BUCKET.  '*out' is a group_mod, or, where that cannot say
 * it, an experimenter_msg.
 */
int of_parse_group_ext(const char *s, uint16_t command, const struct of_names *n, struct arena *a,
		       struct of_any **out, struct err *e);
/* "meter=1,kbps,burst,band=type=drop,rate=100": 'command' is OFPMC_*. */
int of_parse_meter(const char *s, uint16_t command, struct arena *a, struct of_meter_mod **out,
		   struct err *e);
/* "in_port=1,packet=HEX,actions=output:2"; in_port is CONTROLLER when left out. */
int of_parse_packet_out(const char *s, const struct of_names *n, struct arena *a,
			struct of_packet_out **out, struct err *e);
/* A packet in hex, of an Ethernet header at least. */
int of_parse_packet(const char *hex, struct arena *a, struct of_span *packet, struct err *e);
/* dump-flows' filter, "table=0,cookie=1/-1,out_port=2,ip": kind is mp_flow_request. */
int of_parse_flow_filter(const char *s, const struct of_names *n, struct arena *a,
			 struct of_mp_flow_request **out, struct err *e);
/* "in_port=1,out_port=2,!own": monitor's "watch:" with what is left out of it; the id is 0. */
int of_parse_flow_monitor(const char *s, const struct of_names *n, struct arena *a,
			  struct of_flow_monitor **out, struct err *e);
/* "LOCAL", "1", "eth0"; 0 or -EINVAL. */
int of_parse_port(const char *s, const struct of_names *n, uint32_t *port, struct err *e);

/* ---- What ovs-ofctl prints ---- */

void of_format_match(FILE *f, const struct of_match *m, const struct of_names *n);
/* "priority=5,ip": as in dump-flows; OFP_DEFAULT_PRIORITY is not printed. */
void of_format_match_priority(FILE *f, const struct of_match *m, uint16_t priority,
			      const struct of_names *n);
/* "output:1,dec_ttl", "drop" when empty. */
void of_format_actions(FILE *f, const struct of_list *actions, const struct of_names *n);
/* "apply_actions are printed bare, goto_table:3". */
void of_format_insts(FILE *f, const struct of_list *insts, const struct of_names *n);
void of_format_flow_stats(FILE *f, const struct of_flow_stats *fs, const struct of_text_opts *o);
void of_format_group(FILE *f, const struct of_group_desc *g, const struct of_names *n);
void of_format_meter(FILE *f, uint32_t meter_id, uint16_t flags, const struct of_list *bands);
void of_format_port(FILE *f, uint32_t port, const struct of_names *n);
/* A whole message as ovs-ofctl's ofp-print prints it, newline included. */
void of_format_msg(FILE *f, const struct of_msg *m, const struct of_text_opts *o);
/*
 * The same for bytes: decoded and printed, or what is wrong with them and a hex dump.  What an
 * error message quotes may be cut off.
 */
void of_format_raw(FILE *f, const uint8_t *p, size_t n, const struct of_text_opts *o);
/* "nxt_packet_in" and the like (enum nx_packet_in_format): NULL, -1 when there is none such. */
const char *of_packet_in_format_name(uint32_t format);
int of_packet_in_format_parse(const char *s);
/* "normal", "drop", "reassemble", "nx-match". */
const char *of_frags_name(uint16_t flags);
/* "OFPBRC_BAD_LEN"; NULL for an unknown pair. */
const char *of_error_name(uint16_t type, uint16_t code);

#endif

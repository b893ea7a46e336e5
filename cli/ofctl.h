/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weft-ofctl: what its commands share.  A command is a function that is given its arguments,
 * prints, and returns the program's exit status; what goes wrong beyond repair ends the program
 * with words (ofctl_die), since nothing is kept from one command to the next.
 *
 * Thread: the program has one.
 */
#ifndef WEFT_CLI_OFCTL_H
#define WEFT_CLI_OFCTL_H

#include <stdio.h>

#include "ofproto/mgmt.h"
#include "ofproto/session.h"
#include "ofproto/text.h"

struct ofctl_sort {
	const struct of_field *field; /* NULL: priority */
	bool down;
};

enum { OFCTL_MAX_SORT = 10 };

/* The command line's options; set by main(), read by all. */
struct ofctl_options {
	bool strict, readd, bundle, read_only, timestamp, stats, may_create;
	bool ends;	   /* -s */
	bool names;	   /* print port names */
	bool no_names;	   /* nor read them */
	unsigned int more; /* -m */
	struct ofctl_sort sort[OFCTL_MAX_SORT];
	unsigned int n_sort;
	bool nicira_monitor;  /* --watch-format */
	int packet_in_format; /* enum nx_packet_in_format; -1: the best that the switch has */
	const char *pcap;     /* trace: a capture in the place of a packet */
	struct of_tls tls;
};
extern struct ofctl_options ofctl_options;

struct ofctl_command {
	const char *name;
	const char *args; /* as in --help */
	const char *what;
	int min, max; /* arguments, the switch included */
	bool writes;  /* refused with --read-only */
	int (*run)(int argc, char **argv);
};

/* "weft-ofctl: words", and exit status 1. */
__attribute__((noreturn, format(printf, 1, 2))) void ofctl_die(const char *fmt, ...);

/* ---- ofctl_conn.c: one connection ---- */

struct ofctl_conn;

/* Connects to "tcp:...", "ssl:...", "unix:...", a socket's path or a bridge's name; dies. */
struct ofctl_conn *ofctl_connect(const char *name);
void ofctl_close(struct ofctl_conn *c);
/* Answers echo requests that are there, if any: who is silent for long is taken for dead. */
void ofctl_alive(struct ofctl_conn *c);
const char *ofctl_target(const struct ofctl_conn *c);
const struct of_features_reply *ofctl_features(const struct ofctl_conn *c);

/* Queues a message; its xid. */
uint32_t ofctl_send(struct ofctl_conn *c, const void *body);
void ofctl_send_as(struct ofctl_conn *c, uint32_t xid, const void *body);
uint32_t ofctl_xid(struct ofctl_conn *c);
/* Bytes that are a message, but for the xid, which is put in. */
uint32_t ofctl_send_raw(struct ofctl_conn *c, uint8_t *p, size_t n);
/* The next message into 'a'; waits.  Bytes that are no message are printed and left out. */
const struct of_msg *ofctl_recv(struct ofctl_conn *c, struct arena *a);
/* The next message that answers 'xid'; others are left out. */
const struct of_msg *ofctl_recv_xid(struct ofctl_conn *c, uint32_t xid, struct arena *a);
/* Sends, and the answer; an error is printed and ends the program unless 'may_fail'. */
const struct of_msg *ofctl_ask(struct ofctl_conn *c, const void *body, struct arena *a,
			       bool may_fail);
/* The same for a multipart request's body: the parts of the reply put together. */
const struct of_msg *ofctl_ask_mp(struct ofctl_conn *c, const void *body, struct arena *a);
/* ... or the error. */
const struct of_msg *ofctl_ask_mp_or_error(struct ofctl_conn *c, const void *body, struct arena *a);
/* ... NULL where the switch refuses it. */
const struct of_msg *ofctl_try_mp(struct ofctl_conn *c, const void *body, struct arena *a);
/* The multipart's own body; NULL where the message is none. */
const struct of_any *ofctl_mp_body(const struct of_msg *m);
/* Sends a multipart request for this body; its xid. */
uint32_t ofctl_send_mp(struct ofctl_conn *c, const void *body);

/* ---- ofctl_weft.c: Weft's own messages ---- */

/* The answer, in 'join' until its next use; dies when it is a refusal or to another question. */
const Weft__Reply *ofctl_ask_weft(struct ofctl_conn *c, const Weft__Request *r,
				  Weft__Reply__BodyCase body, struct mgmt_join *join,
				  struct arena *a);

/* ---- ofctl_names.c: port names, asked for when first needed ---- */

/* For reading names: NULL with --no-names; for printing: NULL unless names are to be shown. */
const struct of_names *ofctl_names(struct ofctl_conn *c);
const struct of_names *ofctl_shown_names(struct ofctl_conn *c);
/* The port of that name or number; NULL. */
const struct of_port *ofctl_find_port(struct ofctl_conn *c, const char *name);
/* What the message printers are to be given. */
struct of_text_opts ofctl_text(struct ofctl_conn *c);

/* ---- ofctl_mods.c: modifications, sent together and confirmed ---- */

struct ofctl_mod {
	uint8_t *raw; /* the message, encoded */
	size_t n;
	unsigned int line; /* in 'file'; 0: from the command line */
	uint32_t xid;
};

struct ofctl_mods {
	struct ofctl_mod *v;
	size_t n, room;
	const char *file;
	struct arena arena; /* for a body that is being made; emptied by _add */
};

void ofctl_mods_init(struct ofctl_mods *m, const char *file);
void ofctl_mods_add(struct ofctl_mods *m, const void *body, unsigned int line);
/* Sends all, in a bundle where 'bundle', and waits; prints what is refused.  Exit status. */
int ofctl_mods_send(struct ofctl_mods *m, struct ofctl_conn *c, bool bundle);
/*
 * Calls 'line' with each line of a file ("-": standard input) that is not empty or a comment; it
 * returns 0, or -errno with words.  Dies with "FILE:LINE: words".
 */
void ofctl_each_line(const char *file,
		     int (*line)(const char *text, unsigned int number, void *arg, struct err *e),
		     void *arg);

/* Moves '*s' behind the word if it begins with it. */
bool ofctl_word(const char **s, const char *word);

/* ofctl_group.c: the word that a line about a group may begin with (add, modify, delete ...). */
void ofctl_group_command(const char **s, uint16_t *command);

/* ofctl_watch.c: asks for a flow monitor, and prints what is there already. */
void ofctl_watch(struct ofctl_conn *c, const char *what);

/* ---- The commands, by file ---- */

int ofctl_show(int argc, char **argv);
int ofctl_dump_desc(int argc, char **argv);
int ofctl_dump_tables(int argc, char **argv);
int ofctl_dump_table_features(int argc, char **argv);
int ofctl_dump_ports(int argc, char **argv);
int ofctl_dump_ports_desc(int argc, char **argv);
int ofctl_dump_aggregate(int argc, char **argv);
int ofctl_queue_stats(int argc, char **argv);
int ofctl_queue_get_config(int argc, char **argv);
int ofctl_dump_groups(int argc, char **argv);
int ofctl_dump_group_stats(int argc, char **argv);
int ofctl_dump_group_features(int argc, char **argv);
int ofctl_dump_meters(int argc, char **argv);
int ofctl_meter_stats(int argc, char **argv);
int ofctl_meter_features(int argc, char **argv);

int ofctl_dump_flows(int argc, char **argv);
int ofctl_add_flow(int argc, char **argv);
int ofctl_add_flows(int argc, char **argv);
int ofctl_mod_flows(int argc, char **argv);
int ofctl_del_flows(int argc, char **argv);
int ofctl_bundle_file(int argc, char **argv);
int ofctl_replace_flows(int argc, char **argv);
int ofctl_diff_flows(int argc, char **argv);

int ofctl_add_group(int argc, char **argv);
int ofctl_add_groups(int argc, char **argv);
int ofctl_mod_group(int argc, char **argv);
int ofctl_del_groups(int argc, char **argv);
int ofctl_insert_buckets(int argc, char **argv);
int ofctl_remove_buckets(int argc, char **argv);
int ofctl_add_meter(int argc, char **argv);
int ofctl_mod_meter(int argc, char **argv);
int ofctl_del_meters(int argc, char **argv);

int ofctl_packet_out(int argc, char **argv);
int ofctl_trace(int argc, char **argv);
int ofctl_mod_port(int argc, char **argv);
int ofctl_dump_table_desc(int argc, char **argv);
int ofctl_mod_table(int argc, char **argv);
int ofctl_table_features(int argc, char **argv);
int ofctl_get_frags(int argc, char **argv);
int ofctl_set_frags(int argc, char **argv);

int ofctl_dump_conntrack(int argc, char **argv);
int ofctl_flush_conntrack(int argc, char **argv);
int ofctl_ct_stats(int argc, char **argv);
int ofctl_ct_set_limits(int argc, char **argv);
int ofctl_ct_get_limits(int argc, char **argv);
int ofctl_ct_del_limits(int argc, char **argv);
int ofctl_ct_set_timeouts(int argc, char **argv);
int ofctl_ct_get_timeouts(int argc, char **argv);
int ofctl_ct_set_maxconns(int argc, char **argv);
int ofctl_ct_get_maxconns(int argc, char **argv);
int ofctl_ct_tcp_seq_chk(int argc, char **argv);

int ofctl_monitor(int argc, char **argv);
int ofctl_snoop(int argc, char **argv);
int ofctl_probe(int argc, char **argv);
int ofctl_ping(int argc, char **argv);
int ofctl_benchmark(int argc, char **argv);

int ofctl_list_commands(int argc, char **argv);
int ofctl_help(int argc, char **argv);
int ofctl_ofp_print(int argc, char **argv);
int ofctl_ofp_parse(int argc, char **argv);
int ofctl_ofp_parse_pcap(int argc, char **argv);
int ofctl_parse_flow(int argc, char **argv);
int ofctl_parse_flows(int argc, char **argv);
int ofctl_parse_group(int argc, char **argv);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Actions and instructions in words: one table of names, each with its reader and its printer.
 *
 * While actions are read, what is known of the packet is followed from action to action: that
 * decides whether mod_vlan_vid needs a push_vlan first and which of the port fields mod_tp_src
 * means, and refuses actions that no packet of the match could take (OFPBAC_MATCH_INCONSISTENT).
 * Caller's memory; any thread.
 */
#ifndef WEFT_OFPROTO_TEXT_ACTION_H
#define WEFT_OFPROTO_TEXT_ACTION_H

#include "ofproto/text_value.h"

struct text_actions {
	const struct of_names *names;
	struct arena *arena;
	struct of_list *out;
	struct err *e;
	/* Reads an instruction; NULL where only actions can stand.  -ENOENT: no such name. */
	int (*inst)(struct text_actions *c, const char *name, char *arg);
	struct text_insts *insts;
	struct of_match packet; /* what is known of the packet here */
	bool checked;		/* 'packet' is the flow's match, not just unknown */
	bool in_set;		/* in write_actions */
	bool in_ct;		/* in ct: judged with it */
	char **rest;		/* what follows the action that is read */
	unsigned int n_tags;	/* VLAN tags that are known to be there */
};

struct text_action {
	const char *name;
	enum of_kind kind;
	int (*parse)(struct text_actions *c, const struct text_action *row, char *arg);
	void (*put)(FILE *f, const struct of_any *a,
		    const struct of_names *n); /* NULL: other row */
	unsigned int arg;		       /* of 'parse' */
};

/* The rows of the table: OpenFlow's, Nicira's, and Nicira's rarer ones by what they are for. */
extern const struct text_action text_std_actions[], text_nx_actions[], text_ext_actions[],
	text_ct_actions[], text_learn_actions[], text_spread_actions[], text_answer_actions[];
extern const unsigned int text_n_std_actions, text_n_nx_actions, text_n_ext_actions,
	text_n_ct_actions, text_n_learn_actions, text_n_spread_actions, text_n_answer_actions;

/* A row's printer, of an action that is one word. */
#define TEXT_PUT_WORD(name, word)                                                         \
	static void put_##name(FILE *f, const struct of_any *a, const struct of_names *n) \
	{                                                                                 \
		fputs(word, f);                                                           \
	}

/* Begins with the match of a flow, or NULL where actions stand alone. */
void text_actions_init(struct text_actions *c, const struct of_match *m, const struct of_names *n,
		       struct arena *a, struct of_list *out, struct err *e);
/* A whole list; cuts 's'.  "drop" and "" are an empty list. */
int text_actions_parse(struct text_actions *c, char *s);

/* A new action at the end of the list; NULL when out of memory (with words). */
struct of_any *text_action_add(struct text_actions *c, enum of_kind kind);
/* The same of one that is made; 0 or -ENOMEM, which NULL is too. */
int text_action_put(struct text_actions *c, struct of_any *a);
#define TEXT_ADD(c, name) ((struct of_##name *)text_action_add(c, OF_KIND_##name))

/* 0 where every packet that is known here has 'f'; else -EINVAL. */
int text_need_field(struct text_actions *c, const char *action, const struct of_field *f);
/* The same for a protocol given as a prerequisite. */
int text_need(struct text_actions *c, const char *action, enum of_pre pre);
/* Whether a VLAN tag is known to be there, and that it is from here on. */
bool text_has_tag(const struct text_actions *c);
void text_tag_is_there(struct text_actions *c, bool there);
/* Whether packets are known to be fragments without a transport header. */
bool text_later_fragment(const struct text_actions *c);
int text_add_output(struct text_actions *c, uint32_t port, uint16_t max_len);
/* set_field's and load's part: adds one or several actions for 'o', masked or not. */
int text_add_set_field(struct text_actions *c, const struct of_oxm *o);
int text_add_load(struct text_actions *c, const struct of_subfield *dst, const uint8_t *value,
		  unsigned int bytes);

/* set_field, OpenFlow's and Nicira's. */
void text_put_set_field(FILE *f, const struct of_oxm *o, const struct of_names *n);

/* dec_ttl and output with arguments, which make them Nicira's (text_action_ext.c). */
int text_parse_dec_ttl_ids(struct text_actions *c, char *arg);
int text_parse_output_trunc(struct text_actions *c, char *arg);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages in words: what the printers of message bodies share.  A printer writes what stands
 * behind "NAME (OF1.3) (xid=0x0):".  No state; any thread.
 */
#ifndef WEFT_OFPROTO_TEXT_MSG_H
#define WEFT_OFPROTO_TEXT_MSG_H

#include "ofproto/text.h"
#include "ofproto/text_lex.h"

struct text_msg_row {
	enum of_kind kind; /* of the body, multipart's or experimenter's own where there is one */
	const char *name;
	uint8_t type; /* OFPT_* */
	uint32_t sub; /* OFPMP_*, or an experimenter's exp_type */
	void (*put)(FILE *f, const struct of_any *body, const struct of_text_opts *o);
};

extern const struct text_msg_row text_mp_rows[];
extern const unsigned int text_n_mp_rows;

/* text_msg.c */
void text_put_group_mod(FILE *f, const struct of_any *body, const struct of_text_opts *o);
void text_put_meter_mod(FILE *f, const struct of_any *body, const struct of_text_opts *o);

/* text_port_desc.c */
void text_put_port(FILE *f, const struct of_port *p, const struct of_text_opts *o);
void text_put_port_config(FILE *f, uint32_t config);
void text_put_port_features(FILE *f, uint32_t features);
/* A name from the wire: at most 'n' bytes, nothing that a terminal would obey. */
void text_put_string(FILE *f, const uint8_t *s, size_t n);

/* text_packet_in.c */
void text_put_packet_in(FILE *f, const struct of_any *body, const struct of_text_opts *o);
void text_put_nx_packet_in(FILE *f, const struct of_any *body, const struct of_text_opts *o);
void text_put_nx_packet_in2(FILE *f, const struct of_any *body, const struct of_text_opts *o);
/* A packet's fields, and its bytes where the options ask for them. */
void text_put_data(FILE *f, const struct of_span *data, const struct of_text_opts *o);

/* text_tables.c */
void text_put_table_stats(FILE *f, const struct of_any *body, const struct of_text_opts *o);
void text_put_table_features(FILE *f, const struct of_list *tables);
/* "output group set_field": a bitmap of OFPAT_*, with 'none' for no bit. */
void text_put_action_bits(FILE *f, uint32_t bits, const char *none);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the commands for connections (ofctl_ct.c) share with who prints them: arguments read, and a
 * connection in words (ofctl_ct_text.c).
 */
#ifndef WEFT_CLI_OFCTL_CT_H
#define WEFT_CLI_OFCTL_CT_H

#include <stdio.h>

#include "ofproto/mgmt.h"

/* "zone=N" and a tuple as ovs-dpctl has it: "ct_nw_src=10.0.0.1,ct_nw_proto=6,ct_tp_dst=80". */
struct ofctl_ct_what {
	bool in_zone, has_tuple, whole; /* all of a connection is said */
	uint32_t zone;
	Weft__CtTuple tuple;
	uint8_t src[16], dst[16]; /* the tuple's */
};

/* One word more; 0 or -EINVAL with words. */
int ofctl_ct_what(struct ofctl_ct_what *w, const char *word, struct err *e);
/* "N", up to 'max', to the end of the string or the character 'end'. */
int ofctl_ct_number(const char *s, char end, uint32_t max, uint32_t *out, struct err *e);

/* One line, without the newline, as Open vSwitch's dump-conntrack has it. */
void ofctl_ct_put(FILE *f, const Weft__CtConn *c, bool stats, bool more, bool ends);
/* "tcp"; "TCP"; or the number. */
void ofctl_ct_put_proto(FILE *f, uint32_t proto);
void ofctl_ct_put_title(FILE *f, uint32_t proto);

#endif

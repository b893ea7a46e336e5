/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options of answer() in words: dns=, router=, prefix= and the like, and option(N)=0x... for all
 * that have none.  Caller's memory; any thread.
 */
#ifndef WEFT_OFPROTO_TEXT_ANSWER_H
#define WEFT_OFPROTO_TEXT_ANSWER_H

#include "ofproto/answer.h"
#include "ofproto/text_lex.h"

/* Options while they are read: of one action. */
struct text_opts {
	enum of_opt_form form;
	uint32_t n;
	uint8_t p[OF_OPTS_MAX];
};

/* "KEY=VALUE" as the next option; -ENOENT: no option is called so. */
int text_opt_parse(struct text_opts *o, const char *key, char *value, struct err *e);
/* ",KEY=VALUE" for each. */
void text_opts_put(FILE *f, enum of_opt_form form, const struct of_span *s);

/* All of 's' is one address; -EINVAL. */
int text_opt_ip4(const char *s, uint8_t ip[4], const char *what, struct err *e);
int text_opt_ip6(const char *s, uint8_t ip[16], const char *what, struct err *e);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A refusal that the client sees: Neutron's name for it, its status, words.
 *
 * Which refusals there are: nb_error.def.  nb_refuse() uses a row's own words, nb_say() gives the
 * words for rows that have none; both are checked by the compiler as printf formats are, and return
 * -1, so that a caller can 'return nb_refuse(e, NetworkInUse, id)'.
 *
 * Any thread.
 */
#ifndef WEFT_CONTROLLER_NB_ERROR_H
#define WEFT_CONTROLLER_NB_ERROR_H

#include <inttypes.h>
#include <jansson.h>

struct nb_error {
	int status; /* 0: none */
	char type[64];
	char message[640];
};

#define ERROR(name, code, words) NB_STATUS_##name = (code),
#define WORDS(name, code)	 NB_STATUS_##name = (code),
enum nb_status {
#include "controller/nb_error.def"
};

#define ERROR(name, code, words) static const char NB_WORDS_##name[] = words;
#define WORDS(name, code)
#include "controller/nb_error.def"

#define nb_refuse(e, name, ...) nb_fail(e, NB_STATUS_##name, #name, NB_WORDS_##name, ##__VA_ARGS__)
#define nb_say(e, name, ...)	nb_fail(e, NB_STATUS_##name, #name, __VA_ARGS__)

/* What the two come to. */
__attribute__((format(printf, 4, 5))) int nb_fail(struct nb_error *e, int status, const char *type,
						  const char *fmt, ...);
/* "Invalid input for ATTRIBUTE. Reason: ..." */
__attribute__((format(printf, 3, 4))) int nb_fail_attr(struct nb_error *e, const char *attr,
						       const char *fmt, ...);
json_t *nb_error_json(const struct nb_error *e);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of hosts: the domain that they are in, and what is a name.
 *
 * The domain is said once, by main() before anything asks for it; then constant, any thread.
 */
#ifndef WEFT_CONTROLLER_DNS_H
#define WEFT_CONTROLLER_DNS_H

#include <stdbool.h>

#include "base/err.h"

enum { DNS_MAX = 255, DNS_LABEL_MAX = 63 }; /* RFC 1035 2.3.4 */

/* With or without a dot at the end; NULL: nobody has said one. */
int dns_domain_set(const char *domain, struct err *e);
/* Without the dot; "openstacklocal", as in Neutron, when nobody has said one. */
const char *dns_domain(void);
/* Somebody has: hosts are told. */
bool dns_domain_is_said(void);

/* Why it is no name of a host in words, or NULL; "web", "web.rack1", or "web.DOMAIN.". */
const char *dns_name_fault(const char *name);
/* The name within the domain. */
void dns_name_short(const char *name, char out[DNS_MAX + 1]);
/* With the domain and the final dot. */
void dns_name_full(const char *name, char out[2 * DNS_MAX + 3]);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A port's own DHCP options (extra_dhcp_opts): from words, as the API has them, to bytes, as they
 * go into a lease.  The northbound refuses by it what app network could not send.
 *
 * No state; any thread.
 */
#ifndef WEFT_CONTROLLER_DHCP_OPT_H
#define WEFT_CONTROLLER_DHCP_OPT_H

#include "controller/world.h"

enum dhcp_opt_kind {
	DHCP_OPT_ANY, /* no row for it: addresses, a number or text, as it looks */
	DHCP_OPT_TEXT,
	DHCP_OPT_ADDRS,
	DHCP_OPT_U8,
	DHCP_OPT_U16,
	DHCP_OPT_U32,
	DHCP_OPT_ROUTES,
	DHCP_OPT_DOMAINS,
	DHCP_OPT_NEXT,
	DHCP_OPT_LEASE,
};

struct dhcp_opt {
	enum dhcp_opt_kind kind;
	uint16_t code;
	uint8_t n; /* 0: the client is not to have it, whatever the subnet says */
	uint8_t v[255];
};

/* What all options of a port may come to, with their heads: there is room for the subnet's own. */
enum { DHCP_OPTS_MAX = 600 };
enum { DHCP_OPT_NAMES = 2 };

/*
 * 0; -ENOENT: no such name; -EPERM: one that the answer has of itself, or that has no value of one
 * port; -EINVAL: not a value of it; -EMSGSIZE: longer than an option can be.
 */
int dhcp_opt_read(const struct extra_dhcp_opt *x, struct dhcp_opt *out);

/* What a port's host is called, and in which domain, if somebody has said so: how many options. */
size_t dhcp_opt_names(const struct port *p, uint8_t version, struct dhcp_opt out[DHCP_OPT_NAMES]);

#endif

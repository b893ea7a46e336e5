/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The IPFIX exporter (RFC 7011, over UDP): collector sets, and what they hear of samples.
 *
 *	samples (sample.h) -> flows (ipfix_flow.h), or at once where the set has no cache
 *	      -> records, of which some go into one message (ipfix_record.h) -> every collector
 *
 * Of each observation domain a set counts its data records, which is what collectors see losses by,
 * and knows which templates it has sent; they are sent again each template-interval, since UDP
 * tells nobody whether they came.  A collector that is away costs a failed send(), which is
 * counted; nothing is kept for it.
 *
 * Control thread.  Each round takes a bounded number of samples and of flows; what is bounded
 * besides: sets, collectors of a set, domains and flows of a set.
 */
#ifndef WEFT_DATAPATH_IPFIX_H
#define WEFT_DATAPATH_IPFIX_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/err.h"
#include "datapath/ipfix_flow.h"
#include "datapath/role.h"

struct dp;

enum {
	IPFIX_COLLECTORS = 8, /* of a set */
	IPFIX_DOMAINS = 1024,
	IPFIX_CACHE_DEFAULT = 65536,
	IPFIX_CACHE_LIMIT = 1 << 20,
	IPFIX_ACTIVE_LIMIT = 4200, /* seconds, as in Open vSwitch */
	IPFIX_INTERVAL_DEFAULT = 60,
	IPFIX_INTERVAL_LIMIT = 86400,
};

struct ipfix_collector {
	char name[64]; /* "192.0.2.1:4739", "[fc00::1]:4739" */
	struct sockaddr_storage addr;
	socklen_t addr_len;
	int fd;
	bool connected, failing;
	uint64_t messages, errors; /* that it was sent, and of these did not get */
};

/* What one set's collectors have been told. */
struct ipfix_counts {
	uint64_t samples, records, messages; /* a message is counted once for all collectors */
	uint64_t errors;		     /* messages that a collector was not given */
	uint64_t early;			     /* flows told before their time: the cache was full */
	uint64_t dropped; /* records that there was no room for: too many domains */
};

/* ID=HOST:PORT[,HOST:PORT...][;NAME=N,...] */
struct ipfix_spec {
	uint32_t id;
	uint32_t active_timeout; /* seconds; 0: no cache */
	uint32_t max_flows, interval;
	unsigned int n_collectors;
	struct ipfix_collector collectors[IPFIX_COLLECTORS]; /* not opened */
};

struct ipfix_domain;

struct ipfix_set {
	struct ipfix_spec s;
	struct ipfix_counts n;
	struct ipfix_flows flows;
	struct ipfix_domain *domains;
	uint32_t n_domains;
	struct ipfix_message message;
	struct ipfix_set *next;
};

/* ---- ipfix_spec.c ---- */

/* 0, or -EINVAL with words. */
int ipfix_spec_parse(const char *text, struct ipfix_spec *out, struct err *e);

/* ---- ipfix.c ---- */

int ipfix_add(struct dp *dp, const struct ipfix_spec *s, struct err *e) CONTROL;
/* What it has not told yet it tells.  0 or -ENOENT. */
int ipfix_del(struct dp *dp, uint32_t id, struct err *e) CONTROL;
struct ipfix_set *ipfix_find(const struct dp *dp, uint32_t id) CONTROL;
/* By ascending id; NULL: there are none. */
const struct ipfix_set *ipfix_first(const struct dp *dp) CONTROL;
/* The same at the end of the switch, and frees all. */
void ipfix_free(struct dp *dp) CONTROL;

/* Of all sets, those that are gone, too. */
struct ipfix_counts ipfix_counts(const struct dp *dp) CONTROL;

/*
 * Takes samples, and sends what is due; 'now': TSC, 'wall_ms': since 1970.  True: there is more to
 * do at once.
 */
bool ipfix_run(struct dp *dp, uint64_t now, uint64_t wall_ms) CONTROL;

/* ---- ipfix_send.c ---- */

/* Opens the sockets; 0 or -errno with words. */
int ipfix_open(struct ipfix_set *s, struct err *e);
void ipfix_close(struct ipfix_set *s);
/* One more record; the message before it leaves if it has no room, or is of another domain. */
void ipfix_send_record(struct ipfix_set *s, const struct ipfix_record *r, uint64_t wall_ms);
/* What has gathered leaves. */
void ipfix_send(struct ipfix_set *s, uint64_t wall_ms);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of a collector set: what is in them, and who gets them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HASH_NONFATAL_OOM 1

#include "base/log.h"
#include "datapath/ipfix.h"

/* An observation domain: what its collectors know of it. */
struct ipfix_domain {
	uint32_t id;
	uint32_t sequence;  /* data records so far */
	uint64_t known;	    /* templates that were sent, a bit each */
	uint64_t announced; /* since then, in milliseconds */
	UT_hash_handle hh;
};

_Static_assert(IPFIX_TEMPLATES <= 64, "a bit for each template");

int ipfix_open(struct ipfix_set *s, struct err *e)
{
	for (unsigned int i = 0; i < s->s.n_collectors; i++) {
		struct ipfix_collector *c = &s->s.collectors[i];

		c->fd = socket(c->addr.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (c->fd < 0)
			return err_set(e, -errno, "ipfix set %u, %s: no socket: %s", s->s.id,
				       c->name, strerror(errno));
	}
	return 0;
}

static void domains_free(struct ipfix_set *s)
{
	struct ipfix_domain *d, *next;

	HASH_ITER (hh, s->domains, d, next) {
		HASH_DEL(s->domains, d);
		free(d);
	}
}

void ipfix_close(struct ipfix_set *s)
{
	for (unsigned int i = 0; i < s->s.n_collectors; i++)
		if (s->s.collectors[i].fd >= 0)
			close(s->s.collectors[i].fd);
	domains_free(s);
}

/* Connected, so that a collector that is not there is heard of.  A route may come later. */
static bool is_connected(struct ipfix_collector *c)
{
	if (!c->connected)
		c->connected = !connect(c->fd, (const struct sockaddr *)&c->addr, c->addr_len);
	return c->connected;
}

static bool try(const struct ipfix_collector *c, const void *bytes, size_t n)
{
	return send(c->fd, bytes, n, MSG_NOSIGNAL) >= 0;
}

/* How many messages it turns out not to have got: this one, or the one before. */
static unsigned int give(struct ipfix_collector *c, const void *bytes, size_t n)
{
	if (!is_connected(c))
		return 1;
	if (try(c, bytes, n))
		return 0;
	if (errno != ECONNREFUSED)
		return 1;
	/* Which is said of the one before, once; this one was not tried. */
	return try(c, bytes, n) ? 1 : 2;
}

static void give_all(struct ipfix_set *s, const void *bytes, size_t n)
{
	for (unsigned int i = 0; i < s->s.n_collectors; i++) {
		struct ipfix_collector *c = &s->s.collectors[i];
		const unsigned int lost = give(c, bytes, n);

		c->messages++;
		c->errors += lost;
		s->n.errors += lost;
		if (!lost == c->failing)
			log_info("ipfix", "set %u: %s %s", s->s.id, c->name,
				 lost ? "is not there, or cannot be sent to"
				      : "can be sent to again");
		c->failing = lost;
	}
}

static struct ipfix_domain *domain(struct ipfix_set *s, uint32_t id)
{
	struct ipfix_domain *d;

	HASH_FIND(hh, s->domains, &id, sizeof(id), d);
	if (d || s->n_domains == IPFIX_DOMAINS)
		return d;
	d = calloc(1, sizeof(*d));
	if (!d)
		return NULL;
	d->id = id;
	HASH_ADD(hh, s->domains, id, sizeof(id), d);
	if (!d->hh.tbl) {
		free(d);
		return NULL;
	}
	s->n_domains++;
	return d;
}

void ipfix_send(struct ipfix_set *s, uint64_t wall_ms)
{
	struct ipfix_message *m = &s->message;
	struct ipfix_domain *d;

	if (!m->n)
		return;
	d = domain(s, m->domain); /* made when the message was begun */
	ipfix_message_end(m, d->sequence, (uint32_t)(wall_ms / 1000));
	d->sequence += m->n_records;
	s->n.records += m->n_records;
	s->n.messages++;
	give_all(s, m->bytes, m->n);
	m->n = 0;
}

/* With its template in front, where collectors may not know it. */
static bool put(struct ipfix_set *s, const struct ipfix_record *r, const struct ipfix_domain *d)
{
	const unsigned int template = ipfix_template_of(r->flow);
	struct ipfix_message before;
	const struct ipfix_message *m = &s->message;

	if (d->known >> template & 1)
		return ipfix_put_record(&s->message, r);
	before = *m;
	if (ipfix_put_template(&s->message, template) && ipfix_put_record(&s->message, r))
		return true;
	s->message = before; /* a template alone would be no harm, but half a set would */
	return false;
}

void ipfix_send_record(struct ipfix_set *s, const struct ipfix_record *r, uint64_t wall_ms)
{
	struct ipfix_domain *d = domain(s, r->flow->domain);

	if (!d) {
		s->n.dropped++;
		return;
	}
	if (s->message.n && s->message.domain != d->id)
		ipfix_send(s, wall_ms);
	if (wall_ms - d->announced >= s->s.interval * UINT64_C(1000)) {
		d->known = 0;
		d->announced = wall_ms;
	}
	s->message.domain = d->id;
	if (!put(s, r, d)) {
		ipfix_send(s, wall_ms);
		s->message.domain = d->id;
		if (!put(s, r, d)) { /* no record is longer than a message */
			s->n.dropped++;
			return;
		}
	}
	d->known |= UINT64_C(1) << ipfix_template_of(r->flow);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/pktbuf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <utlist.h>

#include "ofproto/wire.h"

struct pktbufs {
	size_t *bytes;
	unsigned int n, shift; /* an id: uses << shift | number */
	uint32_t first;	       /* of the uses */
	struct pktbuf *free, *waiting, *claimed;
	struct pktbuf v[];
};

struct pktbufs *pktbufs_new(unsigned int n, size_t *bytes)
{
	struct pktbufs *b = calloc(1, sizeof(*b) + n * sizeof(b->v[0]));

	if (!b)
		return NULL;
	b->bytes = bytes;
	b->n = n;
	while (1u << b->shift < n)
		b->shift++;
	/* Whoever comes next on this connection has a stale id not guessed right by chance. */
	if (getrandom(&b->first, sizeof(b->first), GRND_NONBLOCK) != sizeof(b->first))
		b->first = (uint32_t)(uintptr_t)b;
	b->first &= UINT32_MAX >> b->shift;
	for (unsigned int i = 0; i < n; i++)
		DL_APPEND(b->free, &b->v[i]);
	return b;
}

static void empty(struct pktbufs *b, struct pktbuf *p)
{
	*b->bytes -= p->n;
	free(p->frame);
	p->frame = NULL;
	p->n = 0;
	DL_APPEND(b->free, p); /* the one that was free longest is used first */
}

void pktbufs_free(struct pktbufs *b)
{
	if (!b)
		return;
	for (unsigned int i = 0; i < b->n; i++) {
		*b->bytes -= b->v[i].n;
		free(b->v[i].frame);
	}
	free(b);
}

static uint32_t id_of(const struct pktbufs *b, const struct pktbuf *p, uint32_t uses)
{
	return (b->first + uses) << b->shift | (uint32_t)(p - b->v);
}

uint32_t pktbuf_put(struct pktbufs *b, const uint8_t *frame, uint32_t n,
		    const struct inject_from *from, double now)
{
	struct pktbuf *p;

	pktbufs_expire(b, now);
	p = b->free;
	if (!p || *b->bytes + n > PKTBUF_BYTES)
		return OFP_NO_BUFFER;
	p->frame = malloc(n ? n : 1);
	if (!p->frame)
		return OFP_NO_BUFFER;
	memcpy(p->frame, frame, n);
	DL_DELETE(b->free, p);
	DL_APPEND(b->waiting, p);
	*b->bytes += n;
	p->n = n;
	p->from = *from;
	p->since = now;
	p->id = id_of(b, p, ++p->uses);
	if (p->id == OFP_NO_BUFFER)
		p->id = id_of(b, p, ++p->uses);
	return p->id;
}

int pktbuf_find(struct pktbufs *b, uint32_t id, struct pktbuf **out)
{
	uint32_t number = id & ((1u << b->shift) - 1), uses;
	struct pktbuf *p, *q;

	if (id == OFP_NO_BUFFER || number >= b->n)
		return -ENOENT;
	p = &b->v[number];
	/* How many uses ago was that?  More than there were: never. */
	uses = (p->uses + b->first - (id >> b->shift)) & (UINT32_MAX >> b->shift);
	if (uses >= p->uses)
		return -ENOENT;
	if (uses || !p->frame)
		return -ENODATA;
	DL_FOREACH (b->claimed, q)
		if (q == p)
			return -ENODATA;
	*out = p;
	return 0;
}

void pktbuf_release(struct pktbufs *b, struct pktbuf *p)
{
	struct pktbuf *q;

	DL_FOREACH (b->claimed, q)
		if (q == p)
			break;
	if (q)
		DL_DELETE(b->claimed, p);
	else
		DL_DELETE(b->waiting, p);
	empty(b, p);
}

void pktbufs_expire(struct pktbufs *b, double now)
{
	while (b->waiting && now - b->waiting->since > PKTBUF_HOLD) {
		struct pktbuf *p = b->waiting;

		DL_DELETE(b->waiting, p);
		empty(b, p);
	}
}

void pktbuf_claim(struct pktbufs *b, struct pktbuf *p)
{
	DL_DELETE(b->waiting, p);
	DL_APPEND(b->claimed, p);
}

struct pktbuf *pktbufs_claimed(struct pktbufs *b)
{
	return b->claimed;
}

void pktbufs_unclaim(struct pktbufs *b)
{
	struct pktbuf *p, *next;

	/* To the front, so that the list stays in order of age for those that matter: at worst a
	 * younger one is looked at first and waits a little longer. */
	DL_FOREACH_SAFE (b->claimed, p, next) {
		DL_DELETE(b->claimed, p);
		DL_PREPEND(b->waiting, p);
	}
}

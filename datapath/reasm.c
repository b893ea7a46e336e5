/* SPDX-License-Identifier: Apache-2.0 */
#include "base/lines.h"
#include "datapath/reasm.h"

#include <stdlib.h>
#include <string.h>

#include <rte_jhash.h>
#include <rte_mbuf.h>
#include <rte_random.h>

#include "datapath/chain.h"
#include "datapath/reasm_priv.h"
#include "datapath/refrag.h"

/*
 * Every datagram is in one list: of those from the same port (or tunnel) and IP version, which end
 * in the order in which they began; or of those of its version that are dead and only remembered.
 * Who has to go is the oldest one of the heaviest list, so all choices are made in N_LISTS steps.
 */
enum {
	SOURCES = 64, /* lists of ports, by hash; a power of two */
	LIST_DEAD = 2 * SOURCES,
	N_LISTS = LIST_DEAD + 2,
};

struct list {
	uint16_t oldest, youngest;
	uint32_t n, pages;
};

struct reasm {
	struct reasm_cfg cfg;
	uint64_t next_end; /* nothing ends before */
	uint32_t seed, mask, waiting;
	uint32_t n_free_pages;
	uint16_t free; /* datagrams */
	struct list lists[N_LISTS];
	struct reasm_datagram *datagrams;
	uint16_t *chains;
	uint16_t *free_pages;
	uint8_t *pages;
};

/* ---- Making ---- */

static void *filled(size_t n, int byte)
{
	void *p = lines_new(1, n);

	if (p) /* the pages of memory are touched here, and not by a packet thread */
		memset(p, byte, n);
	return p;
}

struct reasm *reasm_new(const struct reasm_cfg *cfg)
{
	struct reasm *r = lines_new(1, sizeof(*r));

	if (!r)
		return NULL;
	r->cfg = *cfg;
	r->seed = (uint32_t)rte_rand();
	r->mask = rte_align32pow2(cfg->datagrams) - 1;
	r->datagrams = filled(cfg->datagrams * sizeof(*r->datagrams), 0);
	r->chains = filled((r->mask + 1) * sizeof(*r->chains), 0xff);
	r->free_pages = filled(cfg->pages * sizeof(*r->free_pages), 0);
	r->pages = filled((size_t)cfg->pages * REASM_PAGE, 0);
	if (!r->datagrams || !r->chains || !r->free_pages || !r->pages) {
		reasm_free(r);
		return NULL;
	}
	for (unsigned int i = 0; i < N_LISTS; i++)
		r->lists[i].oldest = r->lists[i].youngest = REASM_NONE;
	for (uint32_t i = 0; i < cfg->pages; i++)
		r->free_pages[r->n_free_pages++] = (uint16_t)i;
	r->free = REASM_NONE;
	for (uint32_t i = cfg->datagrams; i--;) {
		r->datagrams[i].next = r->free;
		r->free = (uint16_t)i;
	}
	r->next_end = UINT64_MAX;
	return r;
}

void reasm_free(struct reasm *r)
{
	if (!r)
		return;
	lines_free(r->datagrams);
	lines_free(r->chains);
	lines_free(r->free_pages);
	lines_free(r->pages);
	lines_free(r);
}

unsigned int reasm_waiting(const struct reasm *r)
{
	return r->waiting;
}

/* ---- Lists ---- */

static uint16_t index_of(const struct reasm *r, const struct reasm_datagram *d)
{
	return (uint16_t)(d - r->datagrams);
}

static void list_add(struct reasm *r, struct reasm_datagram *d, unsigned int list, uint64_t now)
{
	const uint64_t s = d->key.v6 ? REASM_V6_SECONDS : REASM_V4_SECONDS;
	struct list *l = &r->lists[list];

	d->list = (uint16_t)list;
	d->deadline = now + s * r->cfg.ticks;
	d->older = l->youngest;
	d->younger = REASM_NONE;
	if (l->youngest != REASM_NONE)
		r->datagrams[l->youngest].younger = index_of(r, d);
	else
		l->oldest = index_of(r, d);
	l->youngest = index_of(r, d);
	l->n++;
	l->pages += d->n_pages;
	r->next_end = RTE_MIN(r->next_end, d->deadline);
}

static void list_remove(struct reasm *r, struct reasm_datagram *d)
{
	struct list *l = &r->lists[d->list];

	if (d->older != REASM_NONE)
		r->datagrams[d->older].younger = d->younger;
	else
		l->oldest = d->younger;
	if (d->younger != REASM_NONE)
		r->datagrams[d->younger].older = d->older;
	else
		l->youngest = d->older;
	l->n--;
	l->pages -= d->n_pages;
}

/* ---- Datagrams that end ---- */

static void page_free(struct reasm *r, uint16_t *page)
{
	if (*page != REASM_NONE)
		r->free_pages[r->n_free_pages++] = *page;
	*page = REASM_NONE;
}

static void pages_free(struct reasm *r, struct reasm_datagram *d)
{
	r->lists[d->list].pages -= d->n_pages;
	page_free(r, &d->head_page);
	for (unsigned int i = 0; i < REASM_DATA_PAGES; i++)
		page_free(r, &d->page[i]);
	d->n_pages = 0;
}

static void lose(struct reasm *r, const struct reasm_datagram *d, enum drop why)
{
	if (d->n_frags)
		r->cfg.lost(r->cfg.arg, be32toh(d->key.in_port), why, d->n_frags);
}

/* Forgets it. */
static void end(struct reasm *r, struct reasm_datagram *d)
{
	uint16_t *at = &r->chains[d->hash & r->mask];

	pages_free(r, d);
	list_remove(r, d);
	while (*at != index_of(r, d))
		at = &r->datagrams[*at].next;
	*at = d->next;
	r->waiting -= d->n_frags;
	d->next = r->free;
	r->free = index_of(r, d);
}

/* Its fragments are lost, and those that may still come (RFC 5722). */
static void kill(struct reasm *r, struct reasm_datagram *d, enum drop why, uint64_t now)
{
	lose(r, d, why);
	pages_free(r, d);
	r->waiting -= d->n_frags;
	d->n_frags = 0;
	d->dead = (uint8_t)why;
	list_remove(r, d);
	list_add(r, d, LIST_DEAD + d->key.v6, now);
}

void reasm_expire(struct reasm *r, uint64_t now)
{
	if (now < r->next_end)
		return;
	r->next_end = UINT64_MAX;
	for (unsigned int i = 0; i < N_LISTS; i++) {
		const struct list *l = &r->lists[i];

		while (l->oldest != REASM_NONE && r->datagrams[l->oldest].deadline <= now) {
			struct reasm_datagram *d = &r->datagrams[l->oldest];

			lose(r, d, DROP_REASM_TIMEOUT);
			end(r, d);
		}
		if (l->oldest != REASM_NONE)
			r->next_end = RTE_MIN(r->next_end, r->datagrams[l->oldest].deadline);
	}
}

/* ---- Room ---- */

/* The oldest one of the heaviest list but 'not'; NULL: there is none. */
static struct reasm_datagram *heaviest(struct reasm *r, bool by_pages,
				       const struct reasm_datagram * not )
{
	uint32_t most = 0;
	uint16_t found = REASM_NONE;

	for (unsigned int i = 0; i < N_LISTS; i++) {
		const struct list *l = &r->lists[i];
		const uint32_t weight = by_pages ? l->pages : l->n;
		uint16_t at = l->oldest;

		if (at != REASM_NONE && &r->datagrams[at] == not )
			at = r->datagrams[at].younger;
		if (at == REASM_NONE || weight <= most)
			continue;
		most = weight;
		found = at;
	}
	return found == REASM_NONE ? NULL : &r->datagrams[found];
}

static bool page_take(struct reasm *r, struct reasm_datagram *d, uint16_t *page)
{
	if (*page != REASM_NONE)
		return true;
	if (!r->n_free_pages) {
		struct reasm_datagram *out = heaviest(r, true, d);

		if (out) {
			lose(r, out, DROP_REASM_FULL);
			end(r, out);
		}
	}
	if (!r->n_free_pages)
		return false;
	*page = r->free_pages[--r->n_free_pages];
	d->n_pages++;
	r->lists[d->list].pages++;
	return true;
}

/* The dead have been counted already, and go first. */
static void make_room(struct reasm *r)
{
	struct reasm_datagram *out = NULL;

	for (unsigned int i = LIST_DEAD; i < N_LISTS && !out; i++)
		if (r->lists[i].oldest != REASM_NONE)
			out = &r->datagrams[r->lists[i].oldest];
	if (!out)
		out = heaviest(r, false, NULL);
	lose(r, out, DROP_REASM_FULL);
	end(r, out);
}

static unsigned int source(const struct reasm *r, const struct reasm_key *k)
{
	const uint32_t h = rte_jhash_3words(k->in_port, (uint32_t)k->tun_id,
					    (uint32_t)(k->tun_id >> 32), r->seed);

	return (h & (SOURCES - 1)) * 2 + k->v6;
}

static struct reasm_datagram *begin(struct reasm *r, const struct reasm_key *k, uint32_t hash,
				    uint64_t now)
{
	struct reasm_datagram *d;

	if (r->free == REASM_NONE)
		make_room(r);
	d = &r->datagrams[r->free];
	r->free = d->next;
	memset(d, 0, offsetof(struct reasm_datagram, frag));
	d->key = *k;
	d->hash = hash;
	d->dead = N_DROPS;
	d->head_page = REASM_NONE;
	memset(d->page, 0xff, sizeof(d->page));
	d->next = r->chains[hash & r->mask];
	r->chains[hash & r->mask] = index_of(r, d);
	list_add(r, d, source(r, k), now);
	return d;
}

static struct reasm_datagram *find(struct reasm *r, const struct reasm_key *k, uint32_t hash)
{
	uint16_t at = r->chains[hash & r->mask];

	for (; at != REASM_NONE; at = r->datagrams[at].next)
		if (r->datagrams[at].hash == hash && !memcmp(&r->datagrams[at].key, k, sizeof(*k)))
			return &r->datagrams[at];
	return NULL;
}

/* ---- One fragment ---- */

static uint8_t *page_at(const struct reasm *r, uint16_t page)
{
	return r->pages + (size_t)page * REASM_PAGE;
}

/* Whether the bytes of 'f' are those that are there. */
static bool same_bytes(const struct reasm *r, const struct reasm_datagram *d,
		       const struct rte_mbuf *m, const struct reasm_frag *f)
{
	uint8_t copy[REASM_PAGE];
	uint32_t n;

	for (uint32_t done = 0; done < f->len; done += n) {
		const uint32_t at = (f->at + done) % REASM_PAGE;
		const void *new;

		n = RTE_MIN(f->len - done, REASM_PAGE - at);
		new = rte_pktmbuf_read(m, f->data + done, n, copy);
		if (memcmp(page_at(r, d->page[(f->at + done) / REASM_PAGE]) + at, new, n) != 0)
			return false;
	}
	return true;
}

/* Where 'f' belongs among the others, '*place'.  N_DROPS, or why it does not fit to them. */
static enum drop judge(const struct reasm *r, const struct reasm_datagram *d,
		       const struct rte_mbuf *m, const struct reasm_frag *f, unsigned int *place)
{
	const uint32_t stop = f->at + f->len;
	unsigned int i = d->n_frags;

	while (i && d->frag[i - 1].at >= f->at)
		i--;
	*place = i;
	if (i < d->n_frags && d->frag[i].at == f->at && d->frag[i].end == stop &&
	    f->more == (d->total != stop) && same_bytes(r, d, m, f))
		return DROP_REASM_DUPLICATE;
	if ((i && d->frag[i - 1].end > f->at) || (i < d->n_frags && d->frag[i].at < stop))
		return DROP_REASM_OVERLAP;
	/* There is one last fragment, and nothing behind it. */
	if (d->total && (!f->more || stop > d->total))
		return DROP_REASM_OVERLAP;
	if (!f->more && i < d->n_frags)
		return DROP_REASM_OVERLAP;
	return d->n_frags < REASM_FRAGS_MAX ? N_DROPS : DROP_REASM_TOO_BIG;
}

/* False: no room. */
static bool store(struct reasm *r, struct reasm_datagram *d, const struct rte_mbuf *m,
		  const struct reasm_frag *f)
{
	uint32_t n;

	for (uint32_t done = 0; done < f->len; done += n) {
		const uint32_t at = (f->at + done) % REASM_PAGE;
		uint16_t *page = &d->page[(f->at + done) / REASM_PAGE];

		if (!page_take(r, d, page))
			return false;
		n = RTE_MIN(f->len - done, REASM_PAGE - at);
		chain_read(m, f->data + done, n, page_at(r, *page) + at);
	}
	if (f->at)
		return true;
	if (!page_take(r, d, &d->head_page))
		return false;
	reasm_head(m, f, page_at(r, d->head_page));
	d->head = (uint16_t)f->head;
	d->l3 = (uint16_t)f->l3;
	return true;
}

static void note(struct reasm *r, struct reasm_datagram *d, const struct reasm_frag *f,
		 unsigned int place)
{
	memmove(&d->frag[place + 1], &d->frag[place], (d->n_frags - place) * sizeof(d->frag[0]));
	d->frag[place] = (struct reasm_range){ (uint16_t)f->at, (uint16_t)(f->at + f->len) };
	d->n_frags++;
	r->waiting++;
	d->got += f->len;
	if (f->ip_len > d->max)
		d->max = (uint16_t)RTE_MIN(f->ip_len, (uint32_t)UINT16_MAX);
	d->ecns |= (uint8_t)(1u << f->ecn);
	if (!f->more)
		d->total = f->at + f->len;
}

/* Some of it was to be fragmented further: so is the whole. */
static void limit(struct reasm_datagram *d, uint16_t max)
{
	if (max && (!d->limit || max < d->limit))
		d->limit = max;
}

static void refuse(struct reasm *r, const struct reasm_frag *f, enum drop why)
{
	r->cfg.lost(r->cfg.arg, be32toh(f->key.in_port), why, 1);
}

/* All of it is there. */
static unsigned int finish(struct reasm *r, struct reasm_datagram *d, struct rte_mempool *pool,
			   struct rte_mbuf **whole)
{
	const unsigned int n = d->n_frags;
	const enum drop why = reasm_join(d, r->pages, pool, whole);

	if (why != N_DROPS)
		lose(r, d, why);
	end(r, d);
	return why == N_DROPS ? n : 0;
}

unsigned int reasm_add(struct reasm *r, const struct pkt *p, uint16_t zone, uint64_t now,
		       struct rte_mempool *pool, struct rte_mbuf **whole)
{
	struct reasm_datagram *d;
	struct reasm_frag f;
	enum drop why = reasm_read(p, zone, &f);
	unsigned int place;
	uint32_t hash;

	reasm_expire(r, now);
	if (why != N_DROPS) {
		refuse(r, &f, why);
		return 0;
	}
	hash = rte_jhash_32b((const uint32_t *)&f.key, sizeof(f.key) / 4, r->seed);
	d = find(r, &f.key, hash);
	if (!d)
		d = begin(r, &f.key, hash, now);
	why = d->dead != N_DROPS ? (enum drop)d->dead : judge(r, d, p->m, &f, &place);
	if (why == N_DROPS && !store(r, d, p->m, &f))
		why = DROP_REASM_FULL;
	if (why != N_DROPS) {
		refuse(r, &f, why);
		if (d->dead == N_DROPS && why != DROP_REASM_DUPLICATE)
			kill(r, d, why, now);
		return 0;
	}
	limit(d, refrag_limited(p->m));
	note(r, d, &f, place);
	return d->head && d->got == d->total ? finish(r, d, pool, whole) : 0;
}

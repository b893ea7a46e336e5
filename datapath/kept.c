/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/kept.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
	BLOCK_MIN = 1024, /* bytes of the first block; each is twice as large as the one before */
	BLOCK_MAX = 256 * 1024,
};

/* A message as it came. */
struct msg {
	uint16_t n; /* 0: it is a run */
	uint8_t raw[];
};

/* What messages of one form have in common. */
struct kept_form {
	struct kept_form *before;
	uint64_t words; /* bit i: word i differs */
	uint16_t n;	/* bytes of a message */
	uint16_t n_words;
	uint8_t word[OF_FORM_MAX / 8]; /* which they are */
	uint64_t like[OF_FORM_MAX / 8];
};

struct kept_run {
	uint16_t zero;
	uint16_t n; /* messages */
	const struct kept_form *form;
	uint64_t word[]; /* of the first one, of the second one ... */
};

/* Messages and runs, one behind the other, at multiples of eight. */
struct kept_block {
	struct kept_block *next;
	size_t size, used;
	_Alignas(8) uint8_t data[];
};

static size_t place_of(size_t n)
{
	return (sizeof(struct msg) + n + 7) & ~(size_t)7;
}

static size_t run_bytes(const struct kept_run *r)
{
	return sizeof(*r) + (size_t)r->n * r->form->n_words * sizeof(r->word[0]);
}

size_t kept_most(size_t n)
{
	return place_of(n) + sizeof(struct kept_run);
}

/*
 * A block of BLOCK_MAX is the system's own, and goes back to it: what the heap would keep of a
 * large bundle is more than a flow's own memory.  All of it will be written.
 */
static struct kept_block *block_new(size_t size)
{
	struct kept_block *b;

	if (size != BLOCK_MAX) {
		b = malloc(sizeof(*b) + size);
	} else {
		b = mmap(NULL, sizeof(*b) + size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
		b = b == MAP_FAILED ? NULL : b;
	}
	if (b)
		*b = (struct kept_block){ .size = size };
	return b;
}

static void block_free(struct kept_block *b)
{
	if (b->size == BLOCK_MAX)
		munmap(b, sizeof(*b) + b->size);
	else
		free(b);
}

static bool has_room(const struct kept *k, size_t n)
{
	return k->last && k->last->size - k->last->used >= n;
}

/* 'n' bytes, a multiple of eight; NULL: no memory. */
static void *room_get(struct kept *k, size_t n)
{
	struct kept_block *b = k->last;

	if (!has_room(k, n)) {
		size_t size = b ? 2 * b->size : BLOCK_MIN;

		size = size > BLOCK_MAX ? BLOCK_MAX : size;
		size = size < n ? n : size;
		b = block_new(size);
		if (!b)
			return NULL;
		if (k->last)
			k->last->next = b;
		else
			k->first = b;
		k->last = b;
	}
	b->used += n;
	k->bytes += n;
	return b->data + b->used - n;
}

int kept_add(struct kept *k, const uint8_t *raw, uint16_t n)
{
	struct msg *m = room_get(k, place_of(n));

	if (!m)
		return -ENOMEM;
	k->run = NULL;
	m->n = n;
	memcpy(m->raw, raw, n);
	return 0;
}

/* ---- Runs ---- */

static bool is_same(const struct kept_form *mine, const struct of_form *f, size_t at)
{
	const unsigned int first = (unsigned int)at / 8;
	uint64_t other = mine->n ^ (f->n - at);

	for (unsigned int i = 0; i < mine->n / 8u && !other; i++)
		other = (mine->like[i] ^ f->like[first + i]) |
			((mine->words >> i & 1) ^ (f->free[first + i] != 0));
	return !other;
}

static struct kept_form *form_new(struct kept *k, const struct of_form *f, size_t at)
{
	const unsigned int first = (unsigned int)at / 8;
	struct kept_form *mine = calloc(1, sizeof(*mine));

	if (!mine)
		return NULL;
	mine->before = k->form;
	mine->n = (uint16_t)(f->n - at);
	for (unsigned int i = 0; i < mine->n / 8u; i++) {
		mine->like[i] = f->like[first + i];
		if (!f->free[first + i])
			continue;
		mine->words |= UINT64_C(1) << i;
		mine->word[mine->n_words++] = (uint8_t)i;
	}
	k->form = mine;
	k->run = NULL;
	k->bytes += sizeof(*mine);
	return mine;
}

/* Where the next message's words go; NULL: no memory. */
static uint64_t *words_get(struct kept *k, const struct kept_form *form)
{
	const size_t n = form->n_words * sizeof(uint64_t);

	if (k->run && k->run->n < UINT16_MAX && has_room(k, n)) {
		k->run->n++;
		return room_get(k, n);
	}
	k->run = room_get(k, sizeof(*k->run) + n);
	if (!k->run)
		return NULL;
	*k->run = (struct kept_run){ .n = 1, .form = form };
	return k->run->word;
}

unsigned int kept_add_like(struct kept *k, const struct of_form *f, size_t at,
			   const uint8_t *const *raw, unsigned int n_msgs)
{
	const struct kept_form *form = k->form;
	unsigned int done;

	if (!form || !is_same(form, f, at))
		form = form_new(k, f, at);
	for (done = 0; form && done < n_msgs; done++) {
		uint64_t *to = words_get(k, form);

		if (!to)
			break;
		for (unsigned int i = 0; i < form->n_words; i++)
			to[i] = load64(raw[done] + 8 * form->word[i]);
	}
	return done;
}

void kept_fini(struct kept *k)
{
	while (k->first) {
		struct kept_block *next = k->first->next;

		block_free(k->first);
		k->first = next;
	}
	while (k->form) {
		struct kept_form *before = k->form->before;

		free(k->form);
		k->form = before;
	}
	*k = (struct kept){ 0 };
}

/* ---- Reading ---- */

void kept_walk_init(struct kept_walk *w, const struct kept *k)
{
	w->block = k->first;
	w->at = 0;
	w->nth = 0;
}

static const void *here(const struct kept_walk *w)
{
	return w->block->data + w->at;
}

/* Messages as they came, which stand side by side. */
static unsigned int next_msgs(struct kept_walk *w, const uint8_t **raw, uint16_t n)
{
	unsigned int k = 0;

	while (k < KEPT_RUN && w->at < w->block->used) {
		const struct msg *m = here(w);

		if (m->n != n)
			break;
		raw[k++] = m->raw;
		w->at += place_of(n);
	}
	return k;
}

/* Messages of a run, whole again. */
static unsigned int next_of_run(struct kept_walk *w, const struct kept_run *r, const uint8_t **raw)
{
	const struct kept_form *f = r->form;
	const unsigned int left = r->n - w->nth, n = left < KEPT_RUN ? left : KEPT_RUN;
	const uint64_t *from = r->word + (size_t)w->nth * f->n_words;

	for (unsigned int k = 0; k < n; k++) {
		uint64_t *to = w->room[k];

		memcpy(to, f->like, f->n);
		for (unsigned int i = 0; i < f->n_words; i++)
			to[f->word[i]] = *from++;
		raw[k] = (const uint8_t *)to;
	}
	w->nth += n;
	if (w->nth == r->n) {
		w->at += run_bytes(r);
		w->nth = 0;
	}
	return n;
}

unsigned int kept_next(struct kept_walk *w, const uint8_t **raw, uint16_t *n)
{
	const struct kept_run *r;

	while (w->block && w->at == w->block->used) {
		w->block = w->block->next;
		w->at = 0;
	}
	if (!w->block)
		return 0;
	*n = ((const struct msg *)here(w))->n;
	if (*n)
		return next_msgs(w, raw, *n);
	r = here(w);
	*n = r->form->n;
	return next_of_run(w, r, raw);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The session's output: a list of chunks into which messages are encoded, written many at a time.
 * One chunk is kept for the next round, so that a steady stream of small messages allocates
 * nothing.
 */
#include "ofproto/session_priv.h"

#include <errno.h>
#include <stdlib.h>

struct tx_chunk {
	struct tx_chunk *next;
	uint32_t begin, end;
	uint8_t data[SESSION_TX_CHUNK];
};

enum { TX_IOVS = 16 };

_Static_assert((int)SESSION_TX_CHUNK > (int)OF_MSG_MAX, "the longest message must fit");

static struct tx_chunk *chunk_add(struct session_tx *tx)
{
	struct tx_chunk *c = tx->spare ? tx->spare : malloc(sizeof(*c));

	if (!c)
		return NULL;
	tx->spare = NULL;
	c->next = NULL;
	c->begin = c->end = 0;
	if (tx->last)
		tx->last->next = c;
	else
		tx->first = c;
	tx->last = c;
	return c;
}

static void chunk_drop_first(struct session_tx *tx)
{
	struct tx_chunk *c = tx->first;

	tx->first = c->next;
	if (!tx->first)
		tx->last = NULL;
	if (tx->spare)
		free(c);
	else
		tx->spare = c;
}

uint8_t *session_tx_room(struct session_tx *tx, size_t need, size_t *avail)
{
	struct tx_chunk *c = tx->last;

	if (!c || SESSION_TX_CHUNK - c->end < need)
		c = chunk_add(tx);
	if (!c)
		return NULL;
	*avail = SESSION_TX_CHUNK - c->end;
	return c->data + c->end;
}

void session_tx_commit(struct session_tx *tx, size_t n)
{
	tx->last->end += (uint32_t)n;
	tx->bytes += n;
	tx->fresh += n;
}

static int fill_iov(const struct session_tx *tx, struct iovec *iov)
{
	int n = 0;

	for (struct tx_chunk *c = tx->first; c && n < TX_IOVS; c = c->next)
		if (c->end > c->begin)
			iov[n++] = (struct iovec){ c->data + c->begin, c->end - c->begin };
	return n;
}

/* 'n' bytes were written; empty chunks in front go, but for the last, which may be filled on. */
static void consume(struct session_tx *tx, size_t n)
{
	tx->bytes -= n;
	while (tx->first) {
		struct tx_chunk *c = tx->first;
		size_t here = c->end - c->begin;

		if (n < here) {
			c->begin += (uint32_t)n;
			return;
		}
		n -= here;
		if (!c->next) {
			c->begin = c->end = 0;
			return;
		}
		chunk_drop_first(tx);
	}
}

int session_tx_flush(struct session_tx *tx, struct stream *st, struct err *e)
{
	size_t written = 0;

	tx->blocked = false;
	tx->fresh = 0;
	while (tx->bytes && written < SESSION_TX_BUDGET) {
		struct iovec iov[TX_IOVS];
		ssize_t n = stream_write(st, iov, fill_iov(tx, iov), e);

		if (n < 0) {
			tx->blocked = n == -EAGAIN;
			return (int)n;
		}
		written += (size_t)n;
		consume(tx, (size_t)n);
	}
	return 0;
}

void session_tx_clear(struct session_tx *tx)
{
	while (tx->first)
		chunk_drop_first(tx);
	tx->bytes = tx->fresh = 0;
	tx->blocked = false;
}

void session_tx_fini(struct session_tx *tx)
{
	session_tx_clear(tx);
	free(tx->spare);
	tx->spare = NULL;
}

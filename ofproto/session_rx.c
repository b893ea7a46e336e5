/* SPDX-License-Identifier: Apache-2.0 */
/* The session's input: a flat buffer that starts small and never passes SESSION_RX_MAX. */
#include "ofproto/session_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/byteorder.h"

_Static_assert((int)SESSION_RX_MAX > (int)OF_MSG_MAX, "the longest message must fit");

/* Moves the partial message to the front and makes room for the rest of it. */
static int make_room(struct session_rx *rx)
{
	size_t have = rx->tail - rx->head;
	size_t want = rx->room ? rx->room : SESSION_RX_MIN;
	uint8_t *p;

	if (rx->head) {
		memmove(rx->p, rx->p + rx->head, have);
		rx->head = 0;
		rx->tail = have;
	}
	if (rx->full && want < SESSION_RX_MAX)
		want *= 2;
	while (have >= OF_HEADER_LEN && want < get_be16(rx->p + 2))
		want *= 2;
	if (want == rx->room)
		return 0;
	p = realloc(rx->p, want);
	if (!p)
		return rx->tail < rx->room ? 0 : -ENOMEM;
	rx->p = p;
	rx->room = want;
	return 0;
}

ssize_t session_rx_fill(struct session_rx *rx, struct stream *st, struct err *e)
{
	size_t space;
	ssize_t n;

	if (make_room(rx))
		return err_set(e, -ENOMEM, "out of memory for input");
	space = rx->room - rx->tail;
	n = stream_read(st, rx->p + rx->tail, space, e);
	if (n > 0) {
		rx->tail += (size_t)n;
		rx->full = (size_t)n == space;
	}
	return n;
}

bool session_rx_ready(const struct session_rx *rx)
{
	size_t have = rx->tail - rx->head;
	uint16_t length;

	if (have < OF_HEADER_LEN)
		return false;
	length = get_be16(rx->p + rx->head + 2);
	return length < OF_HEADER_LEN || length <= have;
}

int session_rx_next(struct session_rx *rx, const uint8_t **p, size_t *n)
{
	if (!session_rx_ready(rx))
		return 0;
	*p = rx->p + rx->head;
	*n = get_be16(*p + 2);
	if (*n < OF_HEADER_LEN) {
		*n = rx->tail - rx->head;
		return -EBADMSG;
	}
	rx->head += *n;
	return 1;
}

void session_rx_clear(struct session_rx *rx)
{
	rx->head = rx->tail = 0;
	rx->full = false;
}

void session_rx_fini(struct session_rx *rx)
{
	free(rx->p);
	*rx = (struct session_rx){ 0 };
}

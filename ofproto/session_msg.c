/* SPDX-License-Identifier: Apache-2.0 */
/* The session and single messages: what it answers itself, what it refuses, what it hands on. */
#include "ofproto/session_priv.h"

#include <errno.h>
#include <string.h>

#include "base/byteorder.h"

/* ---- out ---- */

/* 'n' bytes of a whole message stand at 'p', the queue's free end. */
static int queued(struct of_session *s, const uint8_t *p, size_t n)
{
	session_tx_commit(&s->tx, n);
	s->counters.tx_msgs++;
	if (s->ops->snoop) {
		session_enter(s);
		s->ops->snoop(s, true, p, n, s->arg);
		if (!session_leave(s) || !session_reads(s))
			return -ENOTCONN;
	}
	session_io_queued(s);
	if (s->tx.bytes <= s->opts.tx_limit)
		return s->failing ? -ENOTCONN : 0;
	session_fail(s, "the peer does not take its messages: %zu bytes wait", s->tx.bytes);
	return -ENOBUFS;
}

int session_put(struct of_session *s, uint32_t xid, const struct of_any *body)
{
	const struct of_msg m = { .version = OF_VERSION_13,
				  .xid = xid,
				  .body = (struct of_any *)body };
	size_t avail;
	uint8_t *p = session_tx_room(&s->tx, OF_HEADER_LEN, &avail);
	int n = p ? of_encode(&m, p, avail, NULL) : -ENOMEM;

	if (n == -EMSGSIZE && avail < SESSION_TX_CHUNK) {
		p = session_tx_room(&s->tx, SESSION_TX_CHUNK, &avail);
		n = p ? of_encode(&m, p, avail, NULL) : -ENOMEM;
	}
	return n < 0 ? n : queued(s, p, (size_t)n);
}

int session_put_raw(struct of_session *s, const uint8_t *src, size_t n)
{
	size_t avail;
	uint8_t *p = session_tx_room(&s->tx, n, &avail);

	if (!p)
		return -ENOMEM;
	memcpy(p, src, n);
	return queued(s, p, n);
}

static int put_error(struct of_session *s, uint32_t xid, uint16_t type, uint16_t code,
		     const void *data, size_t n)
{
	struct of_error_msg error = { .kind = OF_KIND_error_msg, .type = type, .code = code };
	uint8_t bytes[4 + SESSION_ERROR_DATA];
	size_t at = 0;

	/* 7.4.16: an experimenter's error names him first. */
	if (type == OFPET_EXPERIMENTER) {
		put_be32(bytes, of_error_experimenter(code));
		at = 4;
	}
	if (n > SESSION_ERROR_DATA)
		n = SESSION_ERROR_DATA;
	memcpy(bytes + at, data, n);
	error.data = (struct of_span){ (uint32_t)(at + n), bytes };
	return session_put(s, xid, (const struct of_any *)&error);
}

int of_session_send_error(struct of_session *s, const struct of_msg *m, uint16_t type,
			  uint16_t code)
{
	uint8_t header[OF_HEADER_LEN] = { m->version, m->type };

	if (!of_session_is_up(s))
		return -ENOTCONN;
	if (m->raw)
		return put_error(s, m->xid, type, code, m->raw, m->length);
	put_be16(header + 2, m->length);
	put_be32(header + 4, m->xid);
	return put_error(s, m->xid, type, code, header, sizeof(header));
}

/* ---- in: hello ---- */

/* Ends the session with words for the peer (7.5.4.1: data is an ASCII string). */
static void refuse_hello(struct of_session *s, const uint8_t *p, const char *words)
{
	size_t n = strlen(words), avail;
	uint8_t *at = session_tx_room(&s->tx, 12 + n, &avail);

	/* By hand, because of the version: a peer that knows only an older one can read it too.
	 * The error message has not changed its form since 1.0. */
	if (at) {
		at[0] = p[0] && p[0] < OF_VERSION_13 ? p[0] : OF_VERSION_13;
		at[1] = OFPT_ERROR;
		put_be16(at + 2, (uint16_t)(12 + n));
		memcpy(at + 4, p + 4, 4);
		put_be16(at + 8, OFPET_HELLO_FAILED);
		put_be16(at + 10, OFPHFC_INCOMPATIBLE);
		memcpy(at + 12, words, n);
		queued(s, at, 12 + n);
	}
	if (!s->dead && session_reads(s))
		session_linger(s, "hello refused: %s", words);
}

/* An error instead of a hello: its data is text. */
static void hello_failed(struct of_session *s, const uint8_t *p, size_t n)
{
	char words[128];
	size_t len = 0;

	for (size_t i = 12; i < n && len < sizeof(words) - 1; i++)
		words[len++] = p[i] >= ' ' && p[i] <= '~' ? (char)p[i] : '.';
	words[len] = 0;
	session_lost(s, "the peer refuses our hello (error type %u, code %u): %s",
		     n >= 12 ? get_be16(p + 8) : 0, n >= 12 ? get_be16(p + 10) : 0, words);
}

void session_recv_hello(struct of_session *s, const uint8_t *p, size_t n)
{
	struct err e;

	if (p[1] == OFPT_ERROR && p[0] <= OF_VERSION_13) {
		hello_failed(s, p, n);
	} else if (p[1] != OFPT_HELLO) {
		err_set(&e, 0, "a hello (type 0) must come first, not type %u of version 0x%02x",
			p[1], p[0]);
		refuse_hello(s, p, e.text);
	} else if (!session_hello_agrees(p, n, &e)) {
		refuse_hello(s, p, e.text);
	} else if (s->opts.side == OF_CONTROLLER) {
		session_go(s, SESSION_FEATURES);
	} else {
		session_go(s, SESSION_UP);
		if (s->ops->up)
			s->ops->up(s, NULL, s->arg);
	}
}

void session_recv_short(struct of_session *s, const uint8_t *p, size_t n)
{
	uint16_t length = get_be16(p + 2);

	put_error(s, get_be32(p + 4), OFPET_BAD_REQUEST, OFPBRC_BAD_LEN, p, n);
	if (!s->dead && session_reads(s))
		session_linger(s, "a message's length is %u, less than its header's 8", length);
}

/* ---- in: everything later ---- */

static void refuse(struct of_session *s, const uint8_t *p, size_t n, const struct of_err *e)
{
	s->counters.refused++;
	/* Errors are never answered by errors: two sides could keep at it for ever. */
	if (p[1] != OFPT_ERROR)
		put_error(s, get_be32(p + 4), e->type, e->code, p, n);
	if (s->ops->bad && s->state == SESSION_UP)
		s->ops->bad(s, p, n, e, s->arg);
}

static void refuse_version(struct of_session *s, const uint8_t *p, size_t n)
{
	struct of_err e = { .type = OFPET_BAD_REQUEST, .code = OFPBRC_BAD_VERSION };
	struct err words;

	err_set(&words, 0, "version 0x%02x after 0x%02x was agreed on", p[0], OF_VERSION_13);
	memcpy(e.text, words.text, sizeof(e.text) - 1);
	refuse(s, p, n, &e);
}

static void answer_echo(struct of_session *s, const uint8_t *p, size_t n)
{
	size_t avail;
	uint8_t *at = session_tx_room(&s->tx, n, &avail);

	if (!at)
		return; /* no memory just now: the peer will ask again */
	memcpy(at, p, n);
	at[1] = OFPT_ECHO_REPLY;
	queued(s, at, n);
}

/* Whether the message concerned the session alone, and is done with. */
static bool own_business(struct of_session *s, const uint8_t *p, size_t n)
{
	if (p[1] == OFPT_HELLO)
		return true; /* of any version; the version has been agreed on */
	if (p[0] != OF_VERSION_13) {
		refuse_version(s, p, n);
		return true;
	}
	if (p[1] == OFPT_ECHO_REQUEST) {
		answer_echo(s, p, n);
		return true;
	}
	/* Replies to others' echo requests (a ping) are theirs. */
	return p[1] == OFPT_ECHO_REPLY && s->echo_xid && get_be32(p + 4) == s->echo_xid;
}

/* The message in s->arena; NULL when it has been refused. */
static const struct of_msg *decode(struct of_session *s, const uint8_t *p, size_t n)
{
	struct of_err e = { 0 };
	struct of_msg *m;
	int r;

	arena_reset(&s->arena);
	r = of_decode_memo(p, n, &s->arena, &s->memo, &m, &e);
	if (!r)
		return m;
	if (r == -ENOMEM)
		e = (struct of_err){ .type = OFPET_BAD_REQUEST,
				     .code = OFPBRC_BAD_LEN,
				     .text = "needs more memory than a message may take" };
	refuse(s, p, n, &e);
	return NULL;
}

void session_recv_features(struct of_session *s, const uint8_t *p, size_t n)
{
	const struct of_features_reply *f;
	const struct of_msg *m;

	if (own_business(s, p, n))
		return;
	m = decode(s, p, n);
	if (!m || m->xid != s->features_xid)
		return; /* what a switch tells unasked before it has said who it is */
	if (m->type == OFPT_ERROR) {
		session_lost(s, "the peer refuses to tell its features");
		return;
	}
	if (m->body->kind != OF_KIND_features_reply)
		return;
	f = (const struct of_features_reply *)m->body;
	s->auxiliary_id = f->auxiliary_id;
	session_go(s, SESSION_UP);
	if (s->ops->up)
		s->ops->up(s, f, s->arg);
}

void session_recv_up(struct of_session *s, const uint8_t *p, size_t n)
{
	const struct of_msg *m;

	if (own_business(s, p, n))
		return;
	m = decode(s, p, n);
	if (m && s->ops->msg)
		s->ops->msg(s, m, s->arg);
}

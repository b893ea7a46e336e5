/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a peer may send, in what pieces it likes, to a session of either side.
 *
 * Input: byte 0 chooses side, how far the session has come, and after which callback it is freed;
 * byte 1 the size of the pieces; the rest is the stream.  Management messages are unpacked as the
 * switch and the tools do.  Nothing may crash, leak, or leave the bounds that session_priv.h sets.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/byteorder.h"
#include "ofproto/mgmt.h"
#include "ofproto/session_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct ev_loop *loop;
static struct arena arena;
static struct mgmt_join join;
static struct of_session *session;
static int callbacks_left;

/* Counts a callback; the one that was chosen frees the session. */
static void called(struct of_session *s)
{
	if (--callbacks_left)
		return;
	of_session_free(s);
	session = NULL;
}

static void on_up(struct of_session *s, const struct of_features_reply *f, void *arg)
{
	called(s);
}

static void on_msg(struct of_session *s, const struct of_msg *m, void *arg)
{
	Weft__Request *request;
	Weft__Reply *reply;
	struct of_err refused;
	struct err words;

	arena_reset(&arena);
	if (mgmt_is_request(m) && mgmt_request_unpack(m, &arena, &request, &refused))
		of_session_send_error(s, m, refused.type, refused.code);
	if (mgmt_is_reply(m) && mgmt_join_add(&join, m, &reply, &words) == 1 && reply->more)
		abort();
	called(s);
}

static void on_bad(struct of_session *s, const uint8_t *raw, size_t n, const struct of_err *e,
		   void *arg)
{
	if (memchr(e->text, 0, sizeof(e->text)) == NULL)
		abort();
	called(s);
}

static void on_down(struct of_session *s, const char *why, void *arg)
{
	if (of_session_is_up(s) || !why[0])
		abort();
	called(s);
}

static void on_snoop(struct of_session *s, bool sent, const uint8_t *raw, size_t n, void *arg)
{
	if (n < OF_HEADER_LEN || get_be16(raw + 2) != n)
		abort();
	called(s);
}

static const struct of_session_ops ops = {
	.up = on_up, .msg = on_msg, .bad = on_bad, .down = on_down, .snoop = on_snoop
};

/* Sends a piece, lets the session run, throws away what it says. */
static void feed(int fd, const uint8_t *p, size_t n)
{
	uint8_t sink[16384];

	send(fd, p, n, MSG_NOSIGNAL);
	for (int i = 0; i < 6; i++) {
		ev_run(loop, EVRUN_NOWAIT);
		while (recv(fd, sink, sizeof(sink), 0) > 0)
			;
	}
	if (session && (session->rx.room > SESSION_RX_MAX ||
			session->tx.bytes > session->opts.tx_limit + SESSION_TX_CHUNK))
		abort();
}

/* As far as 'stage' says: nothing, hello, up. */
static void prelude(int fd, enum of_side side, unsigned int stage)
{
	static const uint8_t hello[] = { 4, 0, 0, 16, 0, 0, 0, 1, 0, 1, 0, 8, 0, 0, 0, 0x10 };
	static const uint8_t features[32] = { 4, OFPT_FEATURES_REPLY, 0, 32, 0, 0, 0, 2 };

	if (stage > 0)
		feed(fd, hello, sizeof(hello));
	if (stage > 1 && side == OF_CONTROLLER)
		feed(fd, features, sizeof(features));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct stream_target target = { .kind = STREAM_UNIX, .name = "unix:fuzz" };
	struct of_session_opts o = { .ops = &ops, .echo_interval = 1000, .tx_limit = 1 << 20 };
	size_t piece;
	int fds[2];

	if (n < 2)
		return 0;
	if (!loop) {
		loop = ev_loop_new(EVFLAG_AUTO);
		arena_init(&arena, 1 << 20);
		mgmt_join_init(&join, 1 << 20);
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds))
		return 0;
	o.side = data[0] & 1 ? OF_CONTROLLER : OF_SWITCH;
	callbacks_left = data[0] >> 3 ? data[0] >> 3 : -1;
	piece = data[1] ? data[1] * 16u : n;
	session = session_new_passive(loop, fds[0], &target, NULL, &o, NULL);
	if (!session)
		abort();
	prelude(fds[1], o.side, data[0] >> 1 & 3);
	for (size_t at = 2; at < n; at += piece)
		feed(fds[1], data + at, piece < n - at ? piece : n - at);
	close(fds[1]);
	for (int i = 0; i < 6; i++)
		ev_run(loop, EVRUN_NOWAIT);
	of_session_free(session);
	session = NULL;
	mgmt_join_fini(&join);
	mgmt_join_init(&join, 1 << 20);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Weft's management messages (weft.proto) in OpenFlow's experimenter messages, and back.
 *
 * What unpacking returns lives in an arena, whose limit bounds what a peer can make us allocate; do
 * not call the *_free_unpacked() functions on it.  Replies too long for one OpenFlow message are
 * split when sent and joined by struct mgmt_join.  The session's thread.
 */
#ifndef WEFT_OFPROTO_MGMT_H
#define WEFT_OFPROTO_MGMT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "ofproto/session.h"
#include "ofproto/weft.pb-c.h"
#include "ofproto/wire.h"

/* Whether 'm' carries a Request (for the switch) or a Reply (for who asked). */
bool mgmt_is_request(const struct of_msg *m);
bool mgmt_is_reply(const struct of_msg *m);

/* ---- who asks ---- */

/* 0, or as of_session_send(); -EMSGSIZE when the request does not fit into one message. */
int mgmt_request_send(struct of_session *s, uint32_t xid, const Weft__Request *r);

/* The parts of one reply that have come so far.  Owner: who asked. */
struct mgmt_join {
	struct arena arena; /* all of it */
	Weft__Reply *whole; /* of the parts so far */
};

/* 'limit': bytes that one reply may take in memory; 0: 64 MiB. */
void mgmt_join_init(struct mgmt_join *j, size_t limit);
void mgmt_join_fini(struct mgmt_join *j);

/*
 * Takes one weft_reply.  1: whole, '*out' lives until the next use of the join; 0: more is to come;
 * -EPROTO malformed, -ENOMEM past the limit, both with words in 'e' and the join empty.
 */
int mgmt_join_add(struct mgmt_join *j, const struct of_msg *m, Weft__Reply **out, struct err *e);

/* ---- who answers ---- */

/*
 * The request in 'm'.  0; or -EPROTO with the OpenFlow error to send (OFPET_BAD_REQUEST,
 * OFPBRC_BAD_EXP_TYPE): malformed, larger than the arena takes, or without an operation known here.
 */
int mgmt_request_unpack(const struct of_msg *m, struct arena *a, Weft__Request **out,
			struct of_err *e);

/* Splits as needed.  0, or as of_session_send(); -EMSGSIZE when one element alone is too long. */
int mgmt_reply_send(struct of_session *s, uint32_t xid, const Weft__Reply *r);

/* A Reply without body: the status and the words. */
__attribute__((format(printf, 4, 5))) int mgmt_refuse(struct of_session *s, uint32_t xid,
						      Weft__Status status, const char *fmt, ...);

#endif

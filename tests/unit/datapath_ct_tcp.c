/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP between its two ends: conversations as rows of segments, each with the verdict that it must
 * get.  A is who begins; numbers are counted from each side's first one, which lies shortly before
 * the wrap.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>

#include "datapath/ct_tcp.h"

enum { A = CT_ORIG, B = CT_REPLY, LIBERAL = 2 };
enum { S = TCP_SYN, K = TCP_ACK, F = TCP_FIN, R = TCP_RST };

static const uint32_t base[2] = { UINT32_MAX - 100, UINT32_MAX - 2 };
static struct ct_tcp_peer peer[2];

struct step {
	uint8_t dir; /* and LIBERAL */
	uint8_t flags;
	int64_t seq;
	uint32_t len;
	int64_t ack;
	uint16_t win;
	uint8_t wscale; /* + 1; 0: no option */
	enum ct_tcp_verdict want;
	const char *name; /* of the connection then; NULL: whatever */
	int timeout;	  /* + 1; 0: whatever */
};

static struct ct_tcp_seg seg(const struct step *s)
{
	const uint8_t dir = s->dir & 1;
	struct ct_tcp_seg g = { .seq = base[dir] + (uint32_t)s->seq,
				.ack = s->flags & K ? base[!dir] + (uint32_t)s->ack : 0,
				.win = s->win,
				.flags = s->flags };

	g.end = g.seq + s->len + !!(s->flags & S) + !!(s->flags & F);
	if (s->wscale)
		g.wscale = (uint8_t)(CT_WSCALE_OFFERED | (s->wscale - 1));
	return g;
}

static void play(const struct step *s, unsigned int n, bool begin)
{
	for (unsigned int i = 0; i < n; i++, s++) {
		const struct ct_tcp_seg g = seg(s);

		if (begin && !i) {
			assert_true(ct_tcp_new(peer, &g));
		} else {
			struct ct_tcp_peer was[2];
			enum ct_tcp_verdict v;

			memcpy(was, peer, sizeof(was));
			v = ct_tcp_update(peer, s->dir & 1, &g, s->dir & LIBERAL);
			if (v != s->want)
				fail_msg("step %u: %d instead of %d", i, v, s->want);
			/* What does not belong leaves no trace. */
			if (v == CT_TCP_BAD || v == CT_TCP_REUSE)
				assert_memory_equal(was, peer, sizeof(was));
		}
		if (s->name && strcmp(ct_tcp_conn_name(peer), s->name) != 0)
			fail_msg("step %u: %s instead of %s", i, ct_tcp_conn_name(peer), s->name);
		if (s->timeout && (int)ct_tcp_timeout(peer) != s->timeout - 1)
			fail_msg("step %u: timeout %d instead of %d", i, ct_tcp_timeout(peer),
				 s->timeout - 1);
	}
}

#define PLAY(...)                                           \
	do {                                                \
		const struct step s_[] = { __VA_ARGS__ };   \
		play(s_, sizeof(s_) / sizeof(s_[0]), true); \
	} while (0)
#define GO_ON(...)                                           \
	do {                                                 \
		const struct step s_[] = { __VA_ARGS__ };    \
		play(s_, sizeof(s_) / sizeof(s_[0]), false); \
	} while (0)
#define GOOD CT_TCP_GOOD
#define BAD  CT_TCP_BAD
#define PASS CT_TCP_PASS

/* A: 1..., B: 1...; windows of 1000 << 4 and 2000 << 2. */
static void open_it(void)
{
	PLAY({ A, S, 0, 0, 0, 1000, 5, GOOD, "SYN_SENT", CT_T_TCP_SYN_SENT + 1 },
	     { B, S | K, 0, 0, 1, 2000, 3, GOOD, "ESTABLISHED", CT_T_TCP_SYN_RECV + 1 },
	     { A, K, 1, 0, 1, 1000, 0, GOOD, "ESTABLISHED", CT_T_TCP_ESTABLISHED + 1 },
	     { B, K, 1, 0, 1, 2000, 0, GOOD });
}

static void a_conversation_opens_and_closes(void **state)
{
	open_it();
	GO_ON({ A, K, 1, 100, 1, 1000, 0, GOOD }, { B, K, 1, 0, 101, 2000, 0, GOOD },
	      { B, K, 1, 500, 101, 2000, 0, GOOD }, { A, K, 101, 0, 501, 1000, 0, GOOD },
	      { A, F | K, 101, 0, 501, 1000, 0, GOOD, "CLOSING", CT_T_TCP_FIN_WAIT + 1 },
	      { B, K, 501, 0, 102, 2000, 0, GOOD, "FIN_WAIT_2", CT_T_TCP_CLOSE_WAIT + 1 },
	      { B, K, 501, 200, 102, 2000, 0, GOOD }, { A, K, 102, 0, 701, 1000, 0, GOOD },
	      { B, F | K, 701, 0, 102, 2000, 0, GOOD, "FIN_WAIT_2", CT_T_TCP_LAST_ACK + 1 },
	      { A, K, 102, 0, 702, 1000, 0, GOOD, "FIN_WAIT_2", CT_T_TCP_TIME_WAIT + 1 },
	      /* The last one again, as it was lost; then the ports again. */
	      { B, F | K, 701, 0, 102, 2000, 0, GOOD },
	      { A, K, 102, 0, 702, 1000, 0, GOOD, NULL, CT_T_TCP_TIME_WAIT + 1 },
	      { B, S | K, 5000, 0, 9000, 2000, 0, BAD },
	      { A, S, 5000, 0, 0, 1000, 5, CT_TCP_REUSE });
}

static void both_close_at_once(void **state)
{
	open_it();
	GO_ON({ A, F | K, 1, 0, 1, 1000, 0, GOOD }, { B, F | K, 1, 0, 1, 2000, 0, GOOD, "CLOSING" },
	      { A, K, 2, 0, 2, 1000, 0, GOOD, "FIN_WAIT_2", CT_T_TCP_LAST_ACK + 1 },
	      { A, S, 900, 0, 0, 1000, 0, PASS },
	      { B, K, 2, 0, 2, 2000, 0, GOOD, "FIN_WAIT_2", CT_T_TCP_TIME_WAIT + 1 },
	      { A, S, 900, 0, 0, 1000, 0, CT_TCP_REUSE });
}

/* RFC 5382 REQ-2; RFC 9293 3.5, figure 8. */
static void both_open_at_once(void **state)
{
	PLAY({ A, S, 0, 0, 0, 1000, 5, GOOD }, { B, S, 0, 0, 0, 2000, 3, GOOD, "SYN_SENT" },
	     { A, S | K, 0, 0, 1, 1000, 5, GOOD, "ESTABLISHED", CT_T_TCP_SYN_RECV + 1 },
	     { B, S | K, 0, 0, 1, 2000, 3, GOOD, "ESTABLISHED", CT_T_TCP_ESTABLISHED + 1 },
	     { A, K, 1, 1000, 1, 1000, 0, GOOD }, { B, K, 1, 0, 1001, 2000, 0, GOOD },
	     /* Windows count in units of both: 2000 << 2. */
	     { A, K, 1001, 8000, 1, 1000, 0, GOOD }, { A, K, 9001, 1, 1, 1000, 0, BAD });
}

static void a_syn_is_sent_again(void **state)
{
	PLAY({ A, S, 0, 0, 0, 1000, 5, GOOD }, { A, S, 0, 0, 0, 1000, 5, GOOD },
	     /* By who took the port anew. */
	     { A, S, 7777, 0, 0, 500, 0, GOOD, "SYN_SENT" }, { B, S | K, 0, 0, 1, 2000, 3, BAD },
	     { B, S | K, 0, 0, 7778, 2000, 3, GOOD }, { B, S | K, 0, 0, 7778, 2000, 3, GOOD },
	     { A, S, 7777, 0, 0, 500, 0, GOOD }, { A, K, 7778, 0, 1, 500, 0, GOOD },
	     /* The SYN had no scale, so nothing is scaled. */
	     { A, K, 7778, 2000, 1, 500, 0, GOOD }, { A, K, 9778, 1, 1, 500, 0, BAD },
	     { B, K, 1, 500, 7778, 2000, 0, GOOD }, { B, K, 501, 1, 7778, 2000, 0, BAD });
}

static void a_cookie_may_change(void **state)
{
	PLAY({ A, S, 0, 0, 0, 1000, 5, GOOD }, { B, S | K, 0, 0, 1, 2000, 3, GOOD },
	     { B, S | K, 123456, 0, 1, 2000, 3, GOOD }, { B, S | K, 223456, 0, 2, 2000, 3, BAD },
	     { A, K, 1, 0, 123457, 1000, 0, GOOD, "ESTABLISHED", CT_T_TCP_ESTABLISHED + 1 },
	     { B, S | K, 323456, 0, 1, 2000, 3, BAD });
}

/* A stranger's SYN that looks like a simultaneous open must not keep the true answer out. */
static void a_stranger_does_not_answer_first(void **state)
{
	PLAY({ A, S, 0, 0, 0, 1000, 5, GOOD }, { B, S, 99999, 0, 0, 100, 0, GOOD },
	     { B, S | K, 0, 0, 1, 2000, 3, GOOD }, { A, K, 1, 0, 1, 1000, 0, GOOD },
	     { A, K, 1, 2001, 1, 1000, 0, BAD }, { B, K, 1, 0, 1, 2000, 0, GOOD },
	     { A, K, 1, 8000, 1, 1000, 0, GOOD });
}

static void data_in_a_syn(void **state)
{
	for (unsigned int taken = 0; taken < 2; taken++) {
		const uint32_t to = taken ? 101 : 1;

		PLAY({ A, S, 0, 100, 0, 1000, 5, GOOD }, { B, S | K, 0, 0, 102, 2000, 3, BAD },
		     { B, S | K, 0, 0, 0, 2000, 3, BAD }, { B, S | K, 0, 50, to, 2000, 3, GOOD },
		     { B, K, 51, 10, to, 2000, 0, GOOD }, { A, K, to, 101 - to, 51, 1000, 0, GOOD },
		     { A, K, 101, 0, 61, 1000, 0, GOOD, NULL, CT_T_TCP_ESTABLISHED + 1 });
	}
}

static void a_refusal_names_the_syn(void **state)
{
	PLAY({ A, S, 0, 0, 0, 1000, 5, GOOD }, { B, R, 0, 0, 0, 0, 0, BAD },
	     { B, R | K, 0, 0, 0, 0, 0, BAD }, { B, R | K, 0, 0, 2, 0, 0, BAD },
	     { B, R | K, 0, 0, 1, 0, 0, GOOD, "TIME_WAIT", CT_T_TCP_CLOSE + 1 },
	     { A, S, 1, 0, 0, 1000, 5, CT_TCP_REUSE });
}

static void a_reset_is_exact(void **state)
{
	open_it();
	GO_ON({ B, K, 1, 300, 1, 2000, 0, GOOD }, /* A has acknowledged 1 */
	      { B, R, 0, 0, 0, 0, 0, BAD, "ESTABLISHED" }, { B, R, 302, 0, 0, 0, 0, PASS },
	      { B, R, 100, 0, 0, 0, 0, PASS, "ESTABLISHED" },
	      { B, R, 1 + 16000, 0, 0, 0, 0, PASS, "ESTABLISHED" },
	      { B, R, 2 + 16000, 0, 0, 0, 0, BAD, "ESTABLISHED" },
	      { A, R, 2 + 8000, 0, 0, 0, 0, BAD }, { A, R, 1, 0, 0, 0, 0, GOOD, "TIME_WAIT" });
	for (unsigned int i = 0; i < 2;
	     i++) { /* the last acknowledged, or the end of what was sent */
		open_it();
		GO_ON({ B, K, 1, 300, 1, 2000, 0, GOOD },
		      { B, R, i ? 301 : 1, 0, 0, 0, 0, GOOD, "TIME_WAIT" });
	}
}

/* RFC 9293 3.5.1, figure 9: A has crashed, and B has not noticed; here the switch knows. */
static void a_half_open_connection_is_found_out(void **state)
{
	open_it();
	GO_ON({ A, S, 500000, 0, 0, 1000, 5, PASS, "ESTABLISHED" },
	      { B, K, 1, 0, 1, 2000, 0, GOOD }, { A, R, 1, 0, 0, 0, 0, GOOD, "TIME_WAIT" },
	      { A, S, 500000, 0, 0, 1000, 5, CT_TCP_REUSE });
}

/* ... and here it does not, either. */
static void a_forgotten_connection_is_found_out(void **state)
{
	PLAY({ A, S, 500000, 0, 0, 1000, 5, GOOD },
	     { B, K, 1, 0, 77, 2000, 0, PASS, "SYN_SENT", CT_T_TCP_SYN_SENT + 1 },
	     { B, K, 1, 5, 77, 2000, 0, BAD }, { A, R, 78, 0, 0, 0, 0, BAD },
	     { A, R, 77, 0, 0, 0, 0, PASS, "SYN_SENT" }, { A, S, 500000, 0, 0, 1000, 5, GOOD },
	     { B, S | K, 0, 0, 500001, 2000, 3, GOOD },
	     { A, K, 500001, 0, 1, 1000, 0, GOOD, NULL, CT_T_TCP_ESTABLISHED + 1 });
}

static void segments_stay_in_their_windows(void **state)
{
	open_it();
	GO_ON(/* Up to what was offered, 2000 << 2, and not a byte more. */
	      { A, K, 1, 8000, 1, 1000, 0, GOOD }, { A, K, 8001, 1, 1, 1000, 0, BAD },
	      { B, K, 1, 0, 8001, 2000, 0, GOOD }, { A, K, 8001, 1, 1, 1000, 0, GOOD },
	      /* Back as far as what may have been missed; a retransmission. */
	      { A, K, 2, 10, 1, 1000, 0, GOOD }, { A, K, 1, 10, 1, 1000, 0, BAD },
	      /* Nothing is acknowledged that was not sent. */
	      { A, K, 8002, 0, 2, 1000, 0, BAD }, { B, K, 1, 0, 8003, 2000, 0, BAD },
	      { B, K, 1, 0, 8002, 2000, 0, GOOD },
	      /* ... nor of long ago. */
	      { B, K, 1, 0, 8002 - 66000, 2000, 0, GOOD },
	      { B, K, 1, 0, 8001 - 66000, 2000, 0, BAD });
}

static void a_closed_window_is_probed(void **state)
{
	open_it();
	GO_ON({ B, K, 1, 0, 1, 2000, 0, GOOD }, { A, K, 1, 8000, 1, 1000, 0, GOOD },
	      { B, K, 1, 0, 8001, 0, 0, GOOD }, { A, K, 8001, 1, 1, 1000, 0, GOOD },
	      { B, K, 1, 0, 8001, 0, 0, GOOD }, { A, K, 8002, 1, 1, 1000, 0, BAD },
	      /* Keep-alive: the byte before the next, with or without it (RFC 9293 3.8.4). */
	      { A, K, 8000, 0, 1, 1000, 0, GOOD }, { A, K, 8000, 1, 1, 1000, 0, GOOD });
}

static void one_may_join_in_the_middle(void **state)
{
	PLAY({ A, K, 100000, 10, 5000, 100, 0, GOOD, "ESTABLISHED", CT_T_TCP_SYN_SENT + 1 },
	     { A, K, 100010, 10, 5000, 100, 0, GOOD },
	     { B, K, 5000, 1000, 100010, 200, 0, GOOD, "ESTABLISHED", CT_T_TCP_ESTABLISHED + 1 },
	     { B, K, 6000, 1000, 100020, 200, 0, GOOD }, { A, K, 100020, 0, 7000, 100, 0, GOOD },
	     { A, F | K, 100020, 0, 7000, 100, 0, GOOD }, { B, R, 7000, 0, 0, 0, 0, GOOD });
	PLAY({ A, F | K, 100000, 0, 5000, 100, 0, GOOD, "CLOSING" },
	     { B, F | K, 5000, 0, 100001, 100, 0, GOOD },
	     { A, K, 100001, 0, 5001, 100, 0, GOOD, NULL, CT_T_TCP_TIME_WAIT + 1 });
}

static void what_begins_nothing(void **state)
{
	static const struct step no[] = { { A, R, 1 }, { A, R | K, 1 }, { A, S | K, 1 } };

	for (unsigned int i = 0; i < 3; i++) {
		const struct ct_tcp_seg g = seg(&no[i]);

		assert_false(ct_tcp_new(peer, &g));
	}
	PLAY({ A, S, 0, 0, 0, 1000, 0, GOOD }, { A, K, 1, 0, 1, 1000, 0, BAD },
	     { A, S | K, 0, 0, 1, 1000, 0, BAD }, { B, S | K, 0, 0, 1, 1000, 0, GOOD });
}

static void liberal_looks_at_states_only(void **state)
{
	open_it();
	GO_ON({ A | LIBERAL, K, 5000000, 100, 70000, 1000, 0, GOOD },
	      { B | LIBERAL, K, 900000, 100, 1, 1000, 0, GOOD, "ESTABLISHED" },
	      { A | LIBERAL, S | K, 99, 0, 1, 1000, 0, PASS },
	      { B | LIBERAL, R, 7, 0, 0, 0, 0, GOOD, "TIME_WAIT" });
	/* One side goes another way. */
	PLAY({ A, S, 0, 0, 0, 1000, 0, GOOD }, { A | LIBERAL, K, 1, 10, 1, 1000, 0, GOOD },
	     { B | LIBERAL, K, 1, 0, 11, 1000, 0, GOOD, "ESTABLISHED", CT_T_TCP_ESTABLISHED + 1 });
}

static void flags_that_cannot_be(void **state)
{
	unsigned int n = 0;

	for (unsigned int f = 0; f < 64; f++)
		n += ct_tcp_flags_ok((uint8_t)f);
	/* With ACK: none, SYN, RST or FIN, each with PSH, URG, both. Without: SYN, RST; PSH. */
	assert_int_equal(n, 16 + 4);
	assert_false(ct_tcp_flags_ok(0));
	assert_false(ct_tcp_flags_ok(S | F | K));
	assert_false(ct_tcp_flags_ok(S | R));
	assert_false(ct_tcp_flags_ok(F));
	assert_false(ct_tcp_flags_ok(0x3f));
	assert_true(ct_tcp_flags_ok(R | K));
}

static void options_are_read_as_far_as_they_go(void **state)
{
	static const struct {
		uint8_t o[8];
		uint8_t want;
	} t[] = {
		{ { 1, 3, 3, 7 }, 0x87 },
		{ { 3, 3, 15 }, 0x8e }, /* RFC 7323 2.3 */
		{ { 2, 4, 5, 180, 3, 3, 0 }, 0x80 },
		{ { 0, 3, 3, 7 }, 0 },
		{ { 3, 2, 7 }, 0 },
		{ { 9, 0, 3, 3, 7 }, 0 },
		{ { 9, 1, 3, 3, 7 }, 0 },
		{ { 9, 9, 3, 3, 7 }, 0 },
		{ { 1, 1, 1, 1, 1, 3, 3, 7 }, 0x87 },
		{ { 1, 1, 1, 1, 1, 1, 3, 3 }, 0 },
		{ { 1, 1, 1, 1, 1, 1, 1, 3 }, 0 },
	};
	struct ct_tcp_seg g;

	for (unsigned int i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		uint8_t *b = calloc(1, 28); /* its end is the heap's to watch */

		b[12] = 0x70;
		b[13] = S;
		memcpy(b + 20, t[i].o, 8);
		assert_true(ct_tcp_read(&g, b, 28, 28));
		assert_int_equal(g.wscale, t[i].want);
		assert_false(ct_tcp_read(&g, b, 27, 28));
		assert_false(ct_tcp_read(&g, b, 28, 27));
		assert_false(ct_tcp_read(&g, b, 19, 28));
		b[12] = 0x40;
		assert_false(ct_tcp_read(&g, b, 28, 28));
		free(b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_conversation_opens_and_closes),
		cmocka_unit_test(both_close_at_once),
		cmocka_unit_test(both_open_at_once),
		cmocka_unit_test(a_syn_is_sent_again),
		cmocka_unit_test(a_cookie_may_change),
		cmocka_unit_test(a_stranger_does_not_answer_first),
		cmocka_unit_test(data_in_a_syn),
		cmocka_unit_test(a_refusal_names_the_syn),
		cmocka_unit_test(a_reset_is_exact),
		cmocka_unit_test(a_half_open_connection_is_found_out),
		cmocka_unit_test(a_forgotten_connection_is_found_out),
		cmocka_unit_test(segments_stay_in_their_windows),
		cmocka_unit_test(a_closed_window_is_probed),
		cmocka_unit_test(one_may_join_in_the_middle),
		cmocka_unit_test(what_begins_nothing),
		cmocka_unit_test(liberal_looks_at_states_only),
		cmocka_unit_test(flags_that_cannot_be),
		cmocka_unit_test(options_are_read_as_far_as_they_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

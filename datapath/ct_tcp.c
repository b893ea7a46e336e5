/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/ct_tcp.h"

enum {
	TCP_HLEN = 20,
	OPT_END = 0,
	OPT_NOP = 1,
	OPT_WSCALE = 3,
};

/* As Open vSwitch's userspace tracker shows them. */
static const char *const state_names[CT_N_TCP_STATES] = {
	[CT_TCP_NONE] = "CLOSED",	   [CT_TCP_SYN_SENT] = "SYN_SENT",
	[CT_TCP_OPEN] = "ESTABLISHED",	   [CT_TCP_FIN_SENT] = "CLOSING",
	[CT_TCP_FIN_ACKED] = "FIN_WAIT_2", [CT_TCP_RESET] = "TIME_WAIT",
};

/* What happens to one side; the rows of next[] are its states. */
enum event { SENDS_SYN, SENDS, IS_ACKED, SENDS_FIN, IS_RESET, N_EVENTS };

static const uint8_t next[CT_N_TCP_STATES][N_EVENTS] = {
#define ROW(s, syn, any, acked, fin)                  \
	[CT_TCP_##s] = { [SENDS_SYN] = CT_TCP_##syn,  \
			 [SENDS] = CT_TCP_##any,      \
			 [IS_ACKED] = CT_TCP_##acked, \
			 [SENDS_FIN] = CT_TCP_##fin,  \
			 [IS_RESET] = CT_TCP_RESET }
	/*  state      SYN        other      all acked  FIN */
	ROW(NONE, SYN_SENT, OPEN, NONE, FIN_SENT),
	ROW(SYN_SENT, SYN_SENT, SYN_SENT, OPEN, FIN_SENT),
	ROW(OPEN, OPEN, OPEN, OPEN, FIN_SENT),
	ROW(FIN_SENT, FIN_SENT, FIN_SENT, FIN_ACKED, FIN_SENT),
	ROW(FIN_ACKED, FIN_ACKED, FIN_ACKED, FIN_ACKED, FIN_ACKED),
	ROW(RESET, RESET, RESET, RESET, RESET),
#undef ROW
};

/* By the side that is less far, and the one that is further. */
static const uint8_t timeouts[CT_N_TCP_STATES][CT_N_TCP_STATES] = {
	[CT_TCP_NONE] = { [CT_TCP_SYN_SENT] = CT_T_TCP_SYN_SENT,
			  [CT_TCP_OPEN] = CT_T_TCP_SYN_SENT, /* joined; one side seen */
			  [CT_TCP_FIN_SENT] = CT_T_TCP_FIN_WAIT,
			  [CT_TCP_FIN_ACKED] = CT_T_TCP_CLOSE_WAIT,
			  [CT_TCP_RESET] = CT_T_TCP_CLOSE },
	[CT_TCP_SYN_SENT] = { [CT_TCP_SYN_SENT] = CT_T_TCP_SYN_RECV,
			      [CT_TCP_OPEN] = CT_T_TCP_SYN_RECV,
			      [CT_TCP_FIN_SENT] = CT_T_TCP_FIN_WAIT,
			      [CT_TCP_FIN_ACKED] = CT_T_TCP_CLOSE_WAIT,
			      [CT_TCP_RESET] = CT_T_TCP_CLOSE },
	[CT_TCP_OPEN] = { [CT_TCP_OPEN] = CT_T_TCP_ESTABLISHED,
			  [CT_TCP_FIN_SENT] = CT_T_TCP_FIN_WAIT,
			  [CT_TCP_FIN_ACKED] = CT_T_TCP_CLOSE_WAIT,
			  [CT_TCP_RESET] = CT_T_TCP_CLOSE },
	[CT_TCP_FIN_SENT] = { [CT_TCP_FIN_SENT] = CT_T_TCP_LAST_ACK,
			      [CT_TCP_FIN_ACKED] = CT_T_TCP_LAST_ACK,
			      [CT_TCP_RESET] = CT_T_TCP_CLOSE },
	[CT_TCP_FIN_ACKED] = { [CT_TCP_FIN_ACKED] = CT_T_TCP_TIME_WAIT,
			       [CT_TCP_RESET] = CT_T_TCP_CLOSE },
	[CT_TCP_RESET] = { [CT_TCP_RESET] = CT_T_TCP_CLOSE },
};

/* Sequence numbers are compared by difference (RFC 9293 3.4). */
static bool after(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

static uint32_t later(uint32_t a, uint32_t b)
{
	return after(a, b) ? a : b;
}

static void happens(struct ct_tcp_peer *s, enum event e)
{
	s->state = next[s->state][e];
}

/* A window is never taken for less than the byte that probes it. */
static uint16_t at_least_1(uint16_t win)
{
	return win ? win : 1;
}

static uint32_t scaled(const struct ct_tcp_peer *s, uint16_t win)
{
	return (uint32_t)at_least_1(win) << (s->wscale & CT_WSCALE_ON ? s->wscale & CT_WSCALE : 0);
}

/* ---- Segments ---- */

bool ct_tcp_flags_ok(uint8_t f)
{
	f &= TCP_FIN | TCP_SYN | TCP_RST | TCP_PSH | TCP_ACK | TCP_URG;
	if (!!(f & TCP_SYN) + !!(f & TCP_RST) + !!(f & TCP_FIN) > 1)
		return false;
	if (f & TCP_ACK)
		return true;
	/* Only the first segment and a reset acknowledge nothing.  Data in a SYN may be pushed (RFC
	 * 7413); urgent data cannot be in either. */
	return f & (TCP_SYN | TCP_RST) && !(f & TCP_URG);
}

/* The window scale option of a SYN (RFC 7323 2.2). */
static uint8_t wscale_option(const uint8_t *o, uint32_t n)
{
	for (uint32_t i = 0; i < n && o[i] != OPT_END;) {
		uint32_t len;

		if (o[i] == OPT_NOP) {
			i++;
			continue;
		}
		if (n - i < 2)
			break;
		len = o[i + 1];
		if (len < 2 || len > n - i)
			break;
		if (o[i] == OPT_WSCALE && len == 3)
			return CT_WSCALE_OFFERED |
			       (o[i + 2] < CT_WSCALE_MAX ? o[i + 2] : CT_WSCALE_MAX);
		i += len;
	}
	return 0;
}

bool ct_tcp_read(struct ct_tcp_seg *g, const uint8_t *tcp, uint32_t n, uint32_t have)
{
	uint32_t hlen;

	if (n < TCP_HLEN || have < TCP_HLEN)
		return false;
	hlen = (tcp[12] >> 4) * 4u;
	if (hlen < TCP_HLEN || hlen > n || hlen > have)
		return false;
	g->seq = get_be32(tcp + 4);
	g->ack = get_be32(tcp + 8);
	g->flags = tcp[13] & 0x3f;
	g->win = get_be16(tcp + 14);
	g->end = g->seq + n - hlen + !!(g->flags & TCP_SYN) + !!(g->flags & TCP_FIN);
	g->wscale = g->flags & TCP_SYN ? wscale_option(tcp + TCP_HLEN, hlen - TCP_HLEN) : 0;
	return true;
}

/* ---- The beginning ---- */

bool ct_tcp_new(struct ct_tcp_peer peer[2], const struct ct_tcp_seg *g)
{
	struct ct_tcp_peer *s = &peer[CT_ORIG], *d = &peer[CT_REPLY];

	memset(peer, 0, 2 * sizeof(*peer));
	/* Nobody answers what did not ask, and a reset has nothing to end. */
	if (g->flags & TCP_RST || (g->flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK))
		return false;
	s->seq_lo = g->end;
	s->max_win = at_least_1(g->win);
	if (g->flags & TCP_SYN) {
		/* No window is known yet: what is kept instead is the least that an answer
		 * acknowledges (data in the SYN need not be). */
		s->seq_hi = g->seq + 1;
		s->wscale = g->wscale;
		happens(s, SENDS_SYN);
		return true;
	}
	s->wscale = d->wscale = CT_WSCALE_UNKNOWN | CT_WSCALE_ON | CT_WSCALE_MAX;
	s->wscale |= CT_PEER_ACKED;
	s->ack = g->ack;
	/* One side is known by its numbers, the other by what was acknowledged to it. */
	s->seq_hi = g->end + scaled(d, UINT16_MAX);
	d->seq_lo = g->ack;
	d->seq_hi = g->ack + scaled(s, g->win);
	d->max_win = UINT16_MAX;
	happens(s, g->flags & TCP_FIN ? SENDS_FIN : SENDS);
	return true;
}

static void notes_ack(struct ct_tcp_peer *s, uint32_t ack)
{
	s->ack = s->wscale & CT_PEER_ACKED ? later(s->ack, ack) : ack;
	s->wscale |= CT_PEER_ACKED;
}

/* Windows were offered unscaled in the SYNs; from now on they count in other units. */
static void scale_on(struct ct_tcp_peer *s)
{
	const unsigned int n = s->wscale & CT_WSCALE;

	s->max_win = at_least_1((uint16_t)((s->max_win + (1u << n) - 1) >> n));
	s->wscale |= CT_WSCALE_ON;
}

/* What 's' says of the window it has, from 'from' on.  A closed one is probed with a byte. */
static void offers(struct ct_tcp_peer *s, struct ct_tcp_peer *d, const struct ct_tcp_seg *g,
		   uint32_t from)
{
	const unsigned int n = s->wscale & CT_WSCALE_ON ? s->wscale & CT_WSCALE : 0;
	const uint32_t bytes = g->flags & TCP_SYN ? g->win : (uint32_t)g->win << n;
	const uint32_t units = (bytes + (1u << n) - 1) >> n;

	if (units > s->max_win)
		s->max_win = (uint16_t)units;
	d->seq_hi = later(d->seq_hi, from + (bytes ? bytes : 1));
}

/* The other way, as far as sixteen bits go. */
static void scale_off(struct ct_tcp_peer *s)
{
	const uint32_t win = scaled(s, s->max_win);

	s->max_win = win < UINT16_MAX ? (uint16_t)win : UINT16_MAX;
	s->wscale &= (uint8_t)~CT_WSCALE_ON;
}

/*
 * The SYN of the side that did not begin: an answer, or one that crossed the other's (simultaneous
 * open, RFC 9293 3.5).  Also an answer's next try with other numbers, as one that keeps no state
 * makes (SYN cookies).
 */
static enum ct_tcp_verdict answers(struct ct_tcp_peer *s, struct ct_tcp_peer *d,
				   const struct ct_tcp_seg *g)
{
	scale_off(d);
	if (s->state == CT_TCP_NONE)
		d->seq_hi = d->seq_lo; /* ct_tcp_new() had something else there */
	s->seq_lo = g->end;
	s->seq_hi = later(g->end, g->seq + 1 + d->max_win);
	s->max_win = at_least_1(g->win);
	s->wscale = g->wscale;
	d->seq_hi = later(d->seq_hi, (g->flags & TCP_ACK ? g->ack : d->seq_lo) + s->max_win);
	if (s->wscale & d->wscale & CT_WSCALE_OFFERED) {
		scale_on(s);
		scale_on(d);
	}
	happens(s, SENDS_SYN);
	if (g->flags & TCP_ACK) {
		notes_ack(s, g->ack);
		happens(d, IS_ACKED);
	}
	return CT_TCP_GOOD;
}

/* ---- What follows ---- */

/* Whether 'ack' acknowledges the SYN of 'd', which is all it has sent. */
static bool acks_syn(const struct ct_tcp_peer *d, uint32_t ack)
{
	return !after(d->seq_hi, ack) && !after(ack, d->seq_lo);
}

/* The four bounds. */
static bool in_bounds(const struct ct_tcp_peer *s, const struct ct_tcp_peer *d,
		      const struct ct_tcp_seg *g)
{
	const uint32_t mine = scaled(s, s->max_win), its = scaled(d, d->max_win);

	/* Data: not beyond what the other offered, not from before what it can still have missed.
	 */
	if (after(g->end, s->seq_hi) || after(s->seq_lo - its, g->seq))
		return false;
	if (!(g->flags & TCP_ACK))
		return true;
	/* Acknowledgments: not of what was never sent, and not of long ago.  What was sent before
	 * the connection was joined nobody knows. */
	if (after(g->ack, d->seq_lo) &&
	    !(d->wscale & CT_WSCALE_UNKNOWN && !after(g->ack, d->seq_lo + mine)))
		return false;
	return !after(d->seq_lo - (mine > CT_TCP_ACK_BEHIND ? mine : CT_TCP_ACK_BEHIND), g->ack);
}

static void note(struct ct_tcp_peer *s, struct ct_tcp_peer *d, const struct ct_tcp_seg *g)
{
	s->seq_lo = later(s->seq_lo, g->end);
	happens(s, g->flags & TCP_SYN ? SENDS_SYN : SENDS);
	if (g->flags & TCP_ACK) {
		notes_ack(s, g->ack);
		if (d->wscale & CT_WSCALE_UNKNOWN)
			d->seq_lo = later(d->seq_lo, g->ack);
		offers(s, d, g, g->ack);
		if (d->state == CT_TCP_SYN_SENT || g->ack == d->seq_lo)
			happens(d, IS_ACKED);
	}
	if (g->flags & TCP_FIN)
		happens(s, SENDS_FIN);
}

static enum ct_tcp_verdict syn(struct ct_tcp_peer peer[2], enum ct_dir dir,
			       const struct ct_tcp_seg *g, bool liberal)
{
	struct ct_tcp_peer *s = &peer[dir], *d = &peer[!dir];
	const bool ack = g->flags & TCP_ACK;

	if (d->state == CT_TCP_NONE && s->state == CT_TCP_SYN_SENT && !ack)
		/* Again, or with other numbers, as nobody has answered. */
		return ct_tcp_new(peer, g) ? CT_TCP_GOOD : CT_TCP_BAD;
	if (s->state == CT_TCP_NONE && d->state == CT_TCP_SYN_SENT)
		return !ack || acks_syn(d, g->ack) || liberal ? answers(s, d, g) : CT_TCP_BAD;
	if (s->state != CT_TCP_NONE && d->state != CT_TCP_NONE && (in_bounds(s, d, g) || liberal) &&
	    s->state <= CT_TCP_OPEN && g->end == s->seq_lo) {
		note(s, d, g);
		return CT_TCP_GOOD;
	}
	if (s->state == CT_TCP_SYN_SENT && ack && d->state != CT_TCP_NONE && g->ack == d->seq_lo)
		return answers(s, d, g);
	/* One end may have forgotten the connection: a SYN goes by, the other end answers with an
	 * ACK whatever its number (RFC 5961 4), and that with the right RST. */
	return ack && !liberal ? CT_TCP_BAD : CT_TCP_PASS;
}

/*
 * A reset ends the connection only by the number that its receiver waits for next (RFC 5961 3): the
 * last it acknowledged, or the end of all that was sent.  Elsewhere in the window it goes by, to be
 * answered with an ACK that makes its sender, if true, come again with the right one.
 */
static enum ct_tcp_verdict rst(struct ct_tcp_peer *s, struct ct_tcp_peer *d,
			       const struct ct_tcp_seg *g, bool liberal)
{
	const bool known = d->wscale & CT_PEER_ACKED;
	bool exact = liberal;

	if (s->state == CT_TCP_NONE && d->state == CT_TCP_SYN_SENT) {
		/* Refused: there is no number of its own yet. */
		if (!liberal && (!(g->flags & TCP_ACK) || !acks_syn(d, g->ack)))
			return CT_TCP_BAD;
		exact = true;
	} else if (d->state == CT_TCP_NONE && s->state == CT_TCP_SYN_SENT) {
		exact |= g->seq == s->seq_lo || g->seq == s->seq_hi;
		/* An answer to the ACK of one who still knows an earlier connection. */
		if (!exact)
			return known && g->seq == d->ack ? CT_TCP_PASS : CT_TCP_BAD;
	} else {
		exact |= g->seq == s->seq_lo || (known && g->seq == d->ack);
		if (!exact && (after(g->seq, s->seq_hi) ||
			       after(known ? d->ack : s->seq_lo - scaled(d, d->max_win), g->seq)))
			return CT_TCP_BAD;
	}
	if (!exact)
		return CT_TCP_PASS;
	happens(s, IS_RESET);
	happens(d, IS_RESET);
	return CT_TCP_GOOD;
}

/* Liberal: a side whose SYN went another way. */
static void joins(struct ct_tcp_peer *s, const struct ct_tcp_peer *d, const struct ct_tcp_seg *g)
{
	s->wscale = CT_WSCALE_UNKNOWN | CT_WSCALE_ON | CT_WSCALE_MAX;
	s->seq_lo = g->end;
	s->seq_hi = g->end + scaled(d, d->max_win);
}

enum ct_tcp_verdict ct_tcp_update(struct ct_tcp_peer peer[2], enum ct_dir dir,
				  const struct ct_tcp_seg *g, bool liberal)
{
	struct ct_tcp_peer *s = &peer[dir], *d = &peer[!dir];

	/* Reset before both sides had said where they begin: nothing more can be judged. */
	if (!liberal && s->state == CT_TCP_RESET && !(g->flags & TCP_SYN) &&
	    (!s->max_win || !d->max_win))
		return CT_TCP_BAD;
	if (g->flags & TCP_RST)
		return rst(s, d, g, liberal);
	if (g->flags & TCP_SYN) {
		if (!(g->flags & TCP_ACK) && s->state >= CT_TCP_FIN_ACKED &&
		    d->state >= CT_TCP_FIN_ACKED)
			return CT_TCP_REUSE;
		return syn(peer, dir, g, liberal);
	}
	if (!liberal && s->state == CT_TCP_NONE && d->state == CT_TCP_SYN_SENT) {
		/* No answer to a SYN, but what one says who still knows an earlier connection. */
		if (g->end != g->seq)
			return CT_TCP_BAD;
		notes_ack(s, g->ack);
		return CT_TCP_PASS;
	}
	if (!liberal && d->state == CT_TCP_NONE && s->state == CT_TCP_SYN_SENT)
		return CT_TCP_BAD; /* nothing was answered that could be acknowledged */
	if (!liberal && !in_bounds(s, d, g))
		return CT_TCP_BAD;
	if (s->state == CT_TCP_NONE && !(s->wscale & CT_WSCALE_UNKNOWN))
		joins(s, d, g);
	note(s, d, g);
	return CT_TCP_GOOD;
}

enum ct_timeout ct_tcp_timeout(const struct ct_tcp_peer peer[2])
{
	const uint8_t a = peer[0].state, b = peer[1].state;

	return timeouts[a < b ? a : b][a < b ? b : a];
}

const char *ct_tcp_state_name(uint8_t state)
{
	return state < CT_N_TCP_STATES ? state_names[state] : "?";
}

const char *ct_tcp_conn_name(const struct ct_tcp_peer peer[2])
{
	const uint8_t a = peer[0].state, b = peer[1].state;

	return ct_tcp_state_name(a < b ? b : a);
}

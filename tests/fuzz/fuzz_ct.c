/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any row of frames through connection tracking: read, looked at, tracked in a few zones,
 * committed, forced, translated and helped, while time passes.
 *
 * Each frame begins with bytes that say what is done with it, and whether its bytes follow or only
 * a few that a sound one is made from.  Frames stand at the end of memory of their own, so that a
 * byte beyond is noticed.  What is asked of the tracker: states that ovs-fields(7) allows, a look
 * that says what tracking does, frames that are still sound after translation, no lost buffers, and
 * an empty table after all is flushed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_mbuf.h>

#include "base/err.h"
#include "datapath/ct_nat.h"
#include "datapath/ct_tcp.h"
#include "datapath/dp.h"
#include "datapath/eal.h"
#include "datapath/parse.h"
#include "datapath/pmd.h"
#include "tests/unit/datapath_ct_frames.h"

/* First byte. */
enum { COMMIT = 0x01, FORCE = 0x02, NAT = 0x04, SPEC = 0x08, VOUCHED = 0x10, RAW = 0x20 };
/* Second byte: zone (2 bits), helper (2 bits), seconds that pass (4 bits, exponential). */
enum { HEAD = 2, ROOM = 1024, FRAMES = 200 };

static struct dp *dp;
static struct pmd *w;
static struct burst *b;

#define must(holds)                                                     \
	do {                                                            \
		if (!(holds)) {                                         \
			fprintf(stderr, "does not hold: %s\n", #holds); \
			abort();                                        \
		}                                                       \
	} while (0)

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const struct dp_opts o = { .name = "fuzz", .dpid = 1 };
	struct err e;

	role_assume_control();
	must(eal_start(NULL, &e) >= 0);
	dp = dp_new(&o, &e);
	must(dp != NULL);
	w = pmd_new_detached(dp);
	b = calloc(1, sizeof(*b));
	must(w && b);
	return 0;
}

/* ---- Frames ---- */

/* Twelve bytes: protocol and version, hosts, ports, flags, numbers near each other. */
static uint32_t made(struct cf *f, const uint8_t *in, uint32_t n)
{
	static const uint8_t protos[] = { IPPROTO_TCP, IPPROTO_TCP,  IPPROTO_UDP, IPPROTO_ICMP,
					  IPPROTO_TCP, IPPROTO_SCTP, IPPROTO_GRE, IPPROTO_UDP };
	struct cf_spec s = { .v6 = in[0] & 0x80, .proto = protos[in[0] & 7] };
	static const uint16_t ports[] = { 21, 69, 1000, 0xc351 };
	uint32_t used = 10;

	s.src = (uint8_t)(1 + (in[1] & 3));
	s.dst = (uint8_t)(1 + (in[1] >> 2 & 3));
	s.sport = ports[in[1] >> 4 & 3];
	s.dport = ports[in[1] >> 6];
	if (s.proto == IPPROTO_ICMP) {
		s.dport = (uint16_t)(in[2] << 8);
		if (s.v6)
			s.proto = IPPROTO_ICMPV6;
	}
	s.flags = in[2];
	s.seq = (uint32_t)(int8_t)in[3] + ((uint32_t)in[4] << 24);
	s.ack = (uint32_t)(int8_t)in[5] + ((uint32_t)in[6] << 24);
	s.win = (uint16_t)(in[7] << 8);
	s.wscale = in[8] & 15;
	s.ext = in[8] & 0x80 ? 16 : 0;
	s.len = (uint16_t)(in[9] < n - used ? in[9] : n - used);
	s.payload = in + used; /* FTP's lines, TFTP's requests, quotes */
	cf_make(f, &s);
	return used + s.len;
}

/* The next frame of the input; how many bytes it took, 0: there is none. */
static uint32_t frame(struct cf *f, const uint8_t *in, uint32_t n)
{
	uint32_t len;

	if (!(in[0] & RAW))
		return n < HEAD + 10 ? 0 : HEAD + made(f, in + HEAD, n - HEAD);
	if (n < HEAD + 2)
		return 0;
	len = get_be16(in + HEAD) % ROOM;
	len = len < n - HEAD - 2 ? len : n - HEAD - 2;
	memcpy(f->b, in + HEAD + 2, len);
	f->n = len;
	return HEAD + 2 + len;
}

/* A buffer whose memory ends with the frame, for reading. */
static void read_at_the_edge(struct ct *t, const struct cf *f, uint16_t zone)
{
	static struct pkt p;
	struct rte_mbuf m = { .data_len = (uint16_t)f->n, .pkt_len = f->n, .nb_segs = 1 };
	struct ct_pkt cp;
	uint8_t *edge = malloc(f->n);

	role_assume_pmd();
	must(edge != NULL);
	memcpy(edge, f->b, f->n);
	m.buf_addr = edge;
	p.m = &m;
	if (pkt_parse(&p))
		ct_read(w, t, &p, zone, &cp);
	free(edge);
}

/* ---- What must hold ---- */

static void sane(const struct ct_result *out)
{
	must(out->state & CT_TRK);
	must(!(out->state & CT_INV) || out->state == (CT_TRK | CT_INV));
	must(!(out->state & CT_NEW) || !(out->state & (CT_EST | CT_RPL)));
	must(out->drop <= N_DROPS);
}

static void still_sound(struct ct *t, const struct pkt *p, uint16_t zone, enum ct_kind kind)
{
	struct pkt again = *p;
	struct ct_pkt cp;

	role_assume_pmd();
	must(pkt_parse(&again));
	ct_read(w, t, &again, zone, &cp);
	/* DNAT to who sends it: such a packet looks like an attack (ct_read.c). */
	must(cp.kind == kind ||
	     (p->key.nw_src == p->key.nw_dst && !memcmp(p->key.ipv6_src, p->key.ipv6_dst, 16)));
	/* The key is kept in step. */
	must(again.key.nw_src == p->key.nw_src && again.key.nw_dst == p->key.nw_dst);
	must(again.key.tp_src == p->key.tp_src && again.key.tp_dst == p->key.tp_dst);
}

static void one(struct ct *t, const struct cf *f, const uint8_t head[HEAD])
{
	static const struct ct_nat_spec specs[] = {
		{ .src = true, .l3 = 4, .min = { 10, 0, 0, 9 }, .max = { 10, 0, 0, 9 } },
		{ .dst = true,
		  .l3 = 4,
		  .min = { 10, 0, 0, 2 },
		  .max = { 10, 0, 0, 3 },
		  .port_min = 1000,
		  .port_max = 1001 },
		{ .src = true,
		  .l3 = 6,
		  .min = { 0xfd, [15] = 9 },
		  .max = { 0xfd, [15] = 9 },
		  .random = true },
		{ .src = true, .port_min = 5, .port_max = 9, .hash = true },
	};
	struct ct_req r = { .zone = head[1] & 3,
			    .commit = head[0] & COMMIT,
			    .force = head[0] & FORCE,
			    .nat = head[0] & NAT,
			    .mark = head[1],
			    .mark_mask = 0xff };
	struct pkt *p = &b->pkt[0];
	struct ct_result look, out;
	struct rte_mbuf *m = rte_pktmbuf_alloc(dp->pool);
	enum ct_kind kind;
	struct ct_pkt cp;

	role_assume_pmd();
	must(m != NULL);
	memcpy(rte_pktmbuf_append(m, (uint16_t)f->n), f->b, f->n);
	if (head[0] & VOUCHED)
		m->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_GOOD | RTE_MBUF_F_RX_IP_CKSUM_GOOD;
	if (r.nat && r.commit && head[0] & SPEC)
		r.spec = &specs[head[1] >> 6];
	if (head[1] & 4)
		r.helper = head[1] & 8 ? CT_F_HELPER_TFTP : CT_F_HELPER_FTP;
	b->n = 1;
	if (!pkt_init(b, 0, m, 1)) {
		rte_pktmbuf_free(m);
		return;
	}
	for (unsigned int pass = 0; pass < 2; pass++) {
		const uint32_t now = ct_now(t, w->now);

		struct ct_seen seen;

		ct_read(w, t, p, r.zone, &cp);
		kind = cp.kind;
		ct_prefetch(t, cp.hash);
		ct_prefetch_conn(t, cp.hash);
		ct_look(w, NULL, t, p, &cp, &r, now, &look, &seen);
		sane(&look);
		ct_track(w, b, t, p, &cp, &r, now, &out);
		sane(&out);
		if (p->dropped)
			return;
		if (out.drop != N_DROPS)
			break;
		must(((look.state ^ out.state) & ~(CT_SNAT | CT_DNAT)) == 0);
		if (!(head[0] & VOUCHED) && kind != CT_K_INVALID)
			still_sound(t, p, r.zone, kind);
		p->key.ct_state = out.state;
		p->key.ct_zone = htobe16(r.zone);
	}
	rte_pktmbuf_free(p->m);
}

static void expire(struct ct *t)
{
	role_assume_control();
	for (unsigned int i = 0; i < 100 && ct_expire(dp, t, ct_now(t, w->now)); i++)
		;
	dp_barrier(dp);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ct_stats s;
	static struct cf f;
	struct err e;
	struct ct *t;
	uint32_t n;

	role_assume_control();
	t = ct_new("fuzz", 256, &e);
	must(t != NULL);
	w->now = rte_get_tsc_cycles();
	for (unsigned int i = 0; i < FRAMES && size >= HEAD; i++, data += n, size -= n) {
		n = frame(&f, data, (uint32_t)size);
		if (!n)
			break;
		w->now += ((UINT64_C(1) << (data[1] >> 4)) - 1) * rte_get_tsc_hz() / 8;
		read_at_the_edge(t, &f, data[1] & 3);
		one(t, &f, data);
		if (data[1] >> 4 > 8)
			expire(t);
	}
	role_assume_control();
	(void)ct_flush(dp, t, NULL);
	expire(t);
	ct_stats(t, &s);
	must(!s.conns);
	ct_free(t);
	dp_barrier(dp);
	must(!rte_mempool_in_use_count(dp->pool));
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any fragments, in any order: what becomes whole is what the plain twin says (ref.h), comes apart
 * into pieces that fit, and these make the same whole again.
 *
 * The input is a row of frames.  Each begins with a byte that says what it is: the bytes of a
 * frame, or a fragment in a few bytes, whose checksum is right.  A second table, of next to no
 * room, gets the same, and must lose no buffer and no count.
 */
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_mbuf.h>

#include "base/err.h"
#include "datapath/chain.h"
#include "datapath/parse.h"
#include "datapath/reasm.h"
#include "datapath/ref.h"
#include "datapath/refrag.h"

enum { RAW = 1, V6 = 2, MORE = 4, TAG = 8, HOP = 16, FRAME = 4096, LONG = 66700 };

static struct rte_mempool *pool;
static struct burst burst;
static unsigned int gone;

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void lost(void *arg, uint32_t in_port, enum drop why, unsigned int n)
{
	must(why < N_DROPS && n > 0);
	gone += n;
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static char args[][24] = { "fuzz",     "--no-huge",	     "--no-shconf",
				   "--no-pci", "--no-telemetry",     "-l",
				   "0",	       "--log-level=*:error" };
	char *v[RTE_DIM(args)];
	struct err e;

	for (size_t i = 0; i < RTE_DIM(args); i++)
		v[i] = args[i];
	must(rte_eal_init(RTE_DIM(args), v) >= 0);
	pool = rte_pktmbuf_pool_create("fuzz", 511, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	must(pool != NULL && !refrag_init(&e));
	return 0;
}

/* ---- Frames ---- */

static void sum4(uint8_t *ip)
{
	uint32_t sum = 0;

	put_be16(ip + 10, 0);
	for (uint32_t i = 0; i < 20; i += 2)
		sum += get_be16(ip + i);
	sum = (sum & 0xffff) + (sum >> 16);
	put_be16(ip + 10, (uint16_t) ~((sum & 0xffff) + (sum >> 16)));
}

/* Five bytes: kind, id and ECN, place in units of 8 (two), length; returns the frame's length. */
static uint32_t fragment(const uint8_t in[5], uint8_t *f)
{
	const uint32_t n = in[4] * 8u + (in[0] >> 5), place = get_be16(in + 2) & 0x1fff;
	uint8_t *ip = f + 14;

	memset(f, 2, 12);
	if (in[0] & TAG) {
		put_be16(f + 12, 0x8100);
		put_be16(f + 14, in[1] & 3);
		ip += 4;
	}
	memset(ip, 0, 64 + n);
	if (in[0] & V6) {
		const uint32_t ext = in[0] & HOP ? 8 : 0;

		put_be16(ip - 2, 0x86dd);
		put_be32(ip, UINT32_C(6) << 28 | (uint32_t)(in[1] >> 6) << 20);
		put_be16(ip + 4, (uint16_t)(ext + 8 + n));
		ip[6] = ext ? 0 : 44;
		ip[40] = ext ? 44 : 17;
		ip[40 + ext] = 17;
		put_be16(ip + 42 + ext, (uint16_t)(place * 8 | (in[0] & MORE ? 1 : 0)));
		ip[47 + ext] = in[1] & 1;
		return (uint32_t)(ip - f) + 48 + ext + n;
	}
	put_be16(ip - 2, 0x0800);
	ip[0] = 0x45;
	ip[1] = in[1] >> 6;
	put_be16(ip + 2, (uint16_t)(20 + n));
	ip[5] = in[1] & 1;
	put_be16(ip + 6, (uint16_t)(place | (in[0] & MORE ? 0x2000 : 0)));
	ip[8] = 64;
	ip[9] = 17;
	sum4(ip);
	return (uint32_t)(ip - f) + 20 + n;
}

/* The next frame of the input; 0: there is none. */
static uint32_t frame(const uint8_t **in, const uint8_t *end, uint8_t *f)
{
	uint32_t n;

	if (end - *in < 5)
		return 0;
	if (!(**in & RAW)) {
		n = fragment(*in, f);
		*in += 5;
		return n;
	}
	n = RTE_MIN((uint32_t)(end - *in) - 3, get_be16(*in + 1) % FRAME);
	memcpy(f, *in + 3, n);
	*in += 3 + n;
	return n;
}

/* ---- Wholes ---- */

static void apart_and_together(struct rte_mbuf *m, struct reasm *r)
{
	static uint8_t was[LONG], is[LONG];
	struct rte_mbuf *whole = NULL;
	struct refrag f;

	if (!refrag_start(&f, m, 600))
		return;
	chain_read(m, 0, m->pkt_len, was);
	while (refrag_more(&f)) {
		struct rte_mbuf *piece = refrag_next(&f, pool);

		must(piece && piece->pkt_len <= 600 && !whole);
		must(pkt_init(&burst, 0, piece, 2));
		if (burst.pkt[0].key.ip_frag & FLOW_FRAG_ANY)
			(void)reasm_add(r, &burst.pkt[0], 1, 0, pool, &whole);
		rte_pktmbuf_free(piece);
	}
	if (!whole)
		return; /* in more pieces than a table takes */
	must(whole->pkt_len == m->pkt_len);
	chain_read(whole, 0, m->pkt_len, is);
	must(!memcmp(was, is, m->pkt_len));
	rte_pktmbuf_free(whole);
}

static unsigned int add(struct reasm *r, const uint8_t *f, uint32_t n, struct rte_mbuf **whole)
{
	struct rte_mbuf *m = chain_new(pool, f, n);
	unsigned int parts = 0;

	*whole = NULL;
	if (pkt_init(&burst, 0, m, 1) && burst.pkt[0].key.ip_frag & FLOW_FRAG_ANY)
		parts = reasm_add(r, &burst.pkt[0], 0, 0, pool, whole);
	rte_pktmbuf_free(m);
	return parts;
}

static void like_twin(struct reasm *r, struct ref_reasm *twin, const uint8_t *f, uint32_t n)
{
	static uint8_t expected[LONG], got[LONG];
	struct rte_mbuf *whole;
	uint32_t len = 0;
	enum ref_fragment says = n < 14 ? REF_NONE : ref_reasm_add(twin, f, n, 1, expected, &len);

	(void)add(r, f, n, &whole);
	must((says == REF_WHOLE) == (whole != NULL));
	if (!whole)
		return;
	must(whole->pkt_len == len);
	chain_read(whole, 0, len, got);
	must(!memcmp(expected, got, len));
	apart_and_together(whole, r);
	rte_pktmbuf_free(whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct reasm_cfg cfg = { .datagrams = 256, .pages = 512, .ticks = 1, .lost = lost };
	const struct reasm_cfg small = { .datagrams = 2, .pages = 3, .ticks = 1, .lost = lost };
	struct reasm *r = reasm_new(&cfg), *tight = reasm_new(&small);
	struct ref_reasm *twin = ref_reasm_new();
	static uint8_t f[FRAME + 2048];
	unsigned int in = 0, out = 0;
	uint32_t n;

	must(r && tight && twin);
	for (const uint8_t *p = data; in < 100 && (n = frame(&p, data + size, f));) {
		struct rte_mbuf *whole;

		like_twin(r, twin, f, n);
		gone = 0;
		in += 1;
		out += add(tight, f, n, &whole);
		if (n >= 14 && burst.pkt[0].key.ip_frag & FLOW_FRAG_ANY)
			out += gone;
		else
			out++;
		rte_pktmbuf_free(whole);
	}
	must(in == out + reasm_waiting(tight));
	reasm_expire(tight, 1000);
	must(!reasm_waiting(tight));
	reasm_free(r);
	reasm_free(tight);
	ref_reasm_free(twin);
	must(rte_mempool_avail_count(pool) == 511);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as lines of FTP and requests of TFTP, and as what goes over a control connection behind
 * NAT: nothing is read beyond its end, what is announced and written anew is an announcement again,
 * checksums and lengths stay right, no buffer is lost.
 *
 * The input is a row of segments: a byte that says how, one of how far its number is off, one of
 * its length, and the text.
 */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_tcp.h>

#include "base/err.h"
#include "datapath/chain.h"
#include "datapath/ct_alg_priv.h"
#include "datapath/ct_nat.h"
#include "datapath/parse.h"
#include "datapath/dp.h"
#include "datapath/pmd.h"

enum { REPLY = 1, PLAIN = 2, CUT = 4, FULL = 8, L2 = 14, L4 = 34, DATA = 54 };

static struct rte_mempool *pool;
static struct burst burst;
static struct dp dp;
static struct pmd pmd;
static struct ct *table;

static void must(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static char args[][24] = { "fuzz",     "--no-huge",	     "--no-shconf",
				   "--no-pci", "--no-telemetry",     "-l",
				   "0",	       "--log-level=*:error" };
	char *v[RTE_DIM(args)];
	struct err e;

	role_assume_control();
	for (size_t i = 0; i < RTE_DIM(args); i++)
		v[i] = args[i];
	must(rte_eal_init(RTE_DIM(args), v) >= 0);
	pool = rte_pktmbuf_pool_create("fuzz", 255, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	must(pool != NULL);
	/* Drops are counted, for a port that there is not. */
	dp.ports = calloc(PORT_LAST + 1, sizeof(*dp.ports));
	pmd.ports = calloc(PORT_MAX + 1, sizeof(*pmd.ports));
	must(dp.ports && pmd.ports);
	pmd.dp = &dp;
	pmd.pool = pool;
	table = ct_new("fuzz", 1024, &e);
	must(table != NULL);
	return 0;
}

/* ---- Lines ---- */

/* At the end of its memory, so that nothing behind it is read unnoticed. */
static uint8_t *just(const uint8_t *data, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);

	must(copy != NULL);
	memcpy(copy, data, n);
	return copy;
}

static void line(const uint8_t *data, uint32_t n, enum ct_dir dir)
{
	uint8_t other[16] = { 203, 0, 113, 200 }, *copy = just(data, n), *again;
	char text[FTP_TEXT_MAX];
	struct ftp_line l, m;
	uint32_t len;

	if (ftp_read(copy, n, dir, &l)) {
		must(l.n && l.at + l.n <= n);
		len = ftp_write(&l, other, 40000, text);
		must(len < sizeof(text));
		again = malloc(n - l.n + len);
		must(again != NULL);
		memcpy(again, copy, l.at);
		memcpy(again + l.at, text, len);
		memcpy(again + l.at + len, copy + l.at + l.n, n - l.at - l.n);
		must(ftp_read(again, n - l.n + len, dir, &m));
		must(m.kind == l.kind && m.at == l.at && m.n == len && m.port == 40000);
		must(!l.l3 || !memcmp(m.addr, other, 16));
		free(again);
	}
	free(copy);
	copy = just(data, n);
	(void)tftp_is_request(copy, n);
	free(copy);
}

/* ---- Segments ---- */

/* Alive, though in no index. */
static struct ct_conn *control(void) PMD
{
	const struct ct_tuple orig = { .src = { 10, 0, 0, 1 },
				       .dst = { 198, 51, 100, 1 },
				       .src_port = htobe16(4000),
				       .dst_port = htobe16(21),
				       .proto = IPPROTO_TCP,
				       .l3 = 4 };
	enum drop why;
	struct ct_conn *c = ct_slot_get(&pmd, table, 0, &why);

	must(c != NULL);
	c->orig = orig;
	c->reply = orig;
	memcpy(c->reply.src, orig.dst, 16);
	memset(c->reply.dst, 77, 4);
	c->reply.src_port = orig.dst_port;
	c->reply.dst_port = orig.src_port;
	c->flags = CT_F_LIVE | CT_F_SNAT | CT_F_HELPER_FTP;
	return c;
}

static bool is_sound(uint8_t *f, uint32_t n)
{
	const struct rte_ipv4_hdr *ip = (const void *)(f + L2);
	struct rte_tcp_hdr *tcp = (void *)(f + L4);
	const uint16_t said = tcp->cksum;
	uint16_t sum;

	tcp->cksum = 0;
	sum = rte_ipv4_udptcp_cksum(ip, tcp);
	return (sum == said || (sum ^ said) == 0xffff) && rte_raw_cksum(ip, 20) == 0xffff &&
	       get_be16(f + L2 + 2) == n - L2;
}

static struct rte_mbuf *segment(uint8_t *f, const struct ct_tuple *k, uint32_t seq,
				const uint8_t *data, uint32_t n, uint8_t how)
{
	const uint32_t len = DATA + n, head = how & CUT ? DATA + n / 2 : len;
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool), *more;

	memset(f, 0, DATA);
	put_be16(f + 12, 0x0800);
	f[L2] = 0x45;
	put_be16(f + L2 + 2, (uint16_t)(len - L2));
	f[L2 + 8] = 64;
	f[L2 + 9] = IPPROTO_TCP;
	memcpy(f + L2 + 12, k->src, 4);
	memcpy(f + L2 + 16, k->dst, 4);
	memcpy(f + L4, &k->src_port, 2);
	memcpy(f + L4 + 2, &k->dst_port, 2);
	put_be32(f + L4 + 4, seq);
	f[L4 + 12] = 0x50;
	f[L4 + 13] = 0x18;
	memcpy(f + DATA, data, n);
	((struct rte_ipv4_hdr *)(f + L2))->hdr_checksum =
		rte_ipv4_cksum((struct rte_ipv4_hdr *)(f + L2));
	((struct rte_tcp_hdr *)(f + L4))->cksum =
		rte_ipv4_udptcp_cksum((struct rte_ipv4_hdr *)(f + L2), f + L4);
	if (how & FULL)
		m->data_off = (uint16_t)(m->buf_len - head);
	memcpy(rte_pktmbuf_append(m, (uint16_t)head), f, head);
	if (head < len) {
		more = rte_pktmbuf_alloc(pool);
		memcpy(rte_pktmbuf_append(more, (uint16_t)(len - head)), f + head, len - head);
		must(!rte_pktmbuf_chain(m, more));
	}
	return m;
}

static void pass(struct ct_conn *c, const uint8_t *in, uint32_t n, uint32_t seq[2]) PMD
{
	static uint8_t f[DATA + 512];
	const enum ct_dir dir = in[0] & REPLY ? CT_REPLY : CT_ORIG;
	const struct ct_tuple *k = dir == CT_ORIG ? &c->orig : &c->reply;
	const bool nat = !(in[0] & PLAIN);
	struct ct_pkt cp = { .k = *k, .kind = CT_K_FLOW, .l4 = L4, .l4_len = (uint16_t)(20 + n) };
	struct ct_alg_stats s;
	struct pkt *p;

	must(pkt_init(&burst, 0,
		      segment(f, k, seq[dir] + (uint32_t)(int8_t)in[1], in + 3, n, in[0]), 1));
	p = &burst.pkt[0];
	if (nat)
		must(ct_nat_apply(&pmd, &burst, p, &cp, c, dir) > 0);
	/* The first part of an announcement is dropped, to come again with the rest. */
	if (!ct_alg_packet(&pmd, &burst, table, p, &cp, c, dir, nat, c->started)) {
		must(p->dropped && !p->m);
		return;
	}
	seq[dir] += n;
	must(p->m->pkt_len <= DATA + n + FTP_TEXT_MAX);
	chain_read(p->m, 0, p->m->pkt_len, f);
	must(is_sound(f, p->m->pkt_len) && cp.l4_len == p->m->pkt_len - L4);
	rte_pktmbuf_free(p->m);
	role_assume_control();
	ct_alg_stats(table, &s);
	must(s.expecting <= 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = data + size;
	uint32_t seq[2] = { 0xffffff00, 100 };
	struct ct_expected x;
	struct ct_tuple none = { .proto = IPPROTO_TCP };
	struct ct_conn *c;
	unsigned int done = 0;

	role_assume_pmd();
	c = control();
	line(data, (uint32_t)size, CT_ORIG);
	line(data, (uint32_t)size, CT_REPLY);
	while (end - data > 3 && done++ < 64) {
		const uint32_t n = RTE_MIN((uint32_t)(end - data) - 3, (uint32_t)data[2]);

		pass(c, data, n, seq);
		data += 3 + n;
	}
	c->flags = 0;
	c->gen++;
	ct_slot_put(&pmd, table, c);
	/* What it expected goes, too: each look tidies up a bucket. */
	for (unsigned int i = 0; i < 64; i++)
		(void)ct_alg_expected(&pmd, table, &none, c->started + CT_EXPECT_MS, &x);
	must(rte_mempool_in_use_count(pool) == 0);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of actions share: flows and groups as text, one frame in, the frames that leave,
 * ports without devices; and that after every frame the books balance and the buffers are back.
 */
#ifndef WEFT_TESTS_DATAPATH_ACT_H
#define WEFT_TESTS_DATAPATH_ACT_H

#include "tests/unit/datapath_harness.h"

#include "base/err.h"
#include "ofproto/text.h"

#define A(code) refusal(OFPET_BAD_ACTION, OFPBAC_##code)
#define I(code) refusal(OFPET_BAD_INSTRUCTION, OFPBIC_##code)

/* ---- What leaves ---- */

static struct {
	uint32_t n;
	struct out o[64];
	uint32_t len[64];
	uint8_t frame[64][512];
} left;

static inline void take(struct pmd *w, struct burst *b)
{
	for (uint32_t i = 0; i < b->n_out; i++) {
		const struct rte_mbuf *m = b->out[i].m;

		assert_non_null(m);
		assert_true(left.n < 64 && m->pkt_len <= 512 && m->nb_segs == 1);
		left.o[left.n] = b->out[i];
		left.len[left.n] = m->pkt_len;
		memcpy(left.frame[left.n++], rte_pktmbuf_mtod(m, uint8_t *), m->pkt_len);
		rte_pktmbuf_free(b->out[i].m);
		if (b->out[i].kind == OUT_CONTROLLER)
			rte_pktmbuf_free(b->out[i].more);
	}
	b->n_out = b->n_keys = 0;
}

static inline uint32_t bytes_of(const char *hex, uint8_t *out)
{
	uint32_t n = 0;

	for (; *hex; hex += 2) {
		unsigned int v;

		assert_int_equal(sscanf(hex, "%2x", &v), 1);
		out[n++] = (uint8_t)v;
	}
	return n;
}

static inline struct rte_mbuf *mbuf_of(const char *hex)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(h.w->pool);
	uint8_t b[512];
	const uint32_t n = bytes_of(hex, b);

	assert_non_null(m);
	memcpy(rte_pktmbuf_append(m, (uint16_t)n), b, n);
	return m;
}

static inline uint64_t dropped(enum drop why)
{
	uint64_t n = 0;

	for (unsigned int p = 0; p <= PORT_MAX; p++)
		n += h.w->ports[p].drops[why];
	return n;
}

static inline uint64_t all_drops(void)
{
	uint64_t n = 0;

	for (unsigned int d = 0; d < N_DROPS; d++)
		n += dropped(d);
	return n;
}

/* A burst of one frame on port 1: what leaves is in 'left', and no frame is lost or made up. */
static inline struct pkt *begin(struct rte_mbuf *m)
{
	struct burst *b = h.w->burst;

	left.n = 0;
	b->n_out = b->n_keys = 0;
	b->out_of_order = false;
	b->version = atomic_load(&h.dp->version);
	assert_true(pkt_init(b, 0, m, 1));
	b->n = 1;
	return &b->pkt[0];
}

static inline void send_mbuf(struct rte_mbuf *m)
{
	const uint64_t before = h.w->perf.created - h.w->perf.consumed - all_drops();

	role_assume_pmd();
	begin(m);
	pipeline_run(h.w, h.w->burst, 1, 0, 0);
	h.w->flush(h.w, h.w->burst);
	assert_int_equal(1 + h.w->perf.created - h.w->perf.consumed - all_drops(), before + left.n);
}

static inline void send_hex(const char *hex)
{
	const unsigned int used = rte_mempool_in_use_count(h.w->pool);

	send_mbuf(mbuf_of(hex));
	assert_int_equal(rte_mempool_in_use_count(h.w->pool), used);
}

/* ---- Flows as text ---- */

static inline uint32_t try_flow(const char *text)
{
	struct of_flow_mod *fm;
	struct err e = { "" };

	if (of_parse_flow(text, OFPFC_ADD, NULL, &h.a, &fm, &e) < 0)
		fail_msg("%s: %s", text, e.text);
	return send_flow(fm);
}

static inline void flow(const char *text)
{
	if (try_flow(text))
		fail_msg("%s: %s", text, h.e.text);
}

static inline void flow_of(const char *match, const char *actions)
{
	char text[1024];

	snprintf(text, sizeof(text), "table=0,priority=5,%s,actions=%s", match, actions);
	flow(text);
	dp_publish(h.dp);
}

static inline void group(uint16_t command, const char *text)
{
	struct of_group_mod *gm;
	struct err e = { "" };

	if (of_parse_group(text, command, NULL, &h.a, &gm, &e) < 0)
		fail_msg("%s: %s", text, e.text);
	if (group_mod(h.dp, gm, &h.e) < 0)
		fail_msg("%s: %s", text, h.e.text);
	dp_publish(h.dp);
}

static inline int clean(void **state)
{
	wipe();
	return 0;
}

static inline struct of_any *load_bits(enum of_field_id id, uint16_t ofs, uint16_t n, uint64_t v)
{
	struct of_nx_reg_load *a = OF_NEW(&h.a, nx_reg_load);

	a->dst.field = &of_fields[id];
	a->dst.ofs = ofs;
	a->dst.n_bits = n;
	a->value = v;
	return (struct of_any *)a;
}

/* ---- Ports without devices ---- */

static struct port ports[5];

static inline int setup(void **state)
{
	static const struct dp_opts o = { .name = "act", .dpid = 1 };

	if (harness_setup(&o) < 0)
		return -1;
	h.w->flush = take;
	for (uint32_t i = 0; i < 4; i++) {
		ports[i].no = i + 1;
		ports[i].slot = (uint16_t)i;
		atomic_store(&h.dp->ports[i + 1], &ports[i]);
		atomic_store(&h.dp->port_slots[i], &ports[i]);
	}
	/* FLOOD leaves out what is blocked, ALL does not; nobody sends to what is down. */
	ports[3].state = OFPPS_BLOCKED;
	ports[4].no = 5;
	ports[4].slot = 4;
	ports[4].state = OFPPS_LINK_DOWN;
	atomic_store(&h.dp->port_slots[4], &ports[4]);
	return 0;
}

static inline int teardown(void **state)
{
	for (uint32_t i = 0; i < 5; i++) {
		atomic_store(&h.dp->ports[i + 1], NULL);
		atomic_store(&h.dp->port_slots[i], NULL);
	}
	return harness_teardown(state);
}

#endif

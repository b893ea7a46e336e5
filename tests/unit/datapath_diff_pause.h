/* SPDX-License-Identifier: Apache-2.0 */
/*
 * controller(pause) in the differential test: what pauses is resumed at once by a controller that
 * gives back what it was told, until nothing pauses any more.  To the reference it is nothing.
 *
 * Included by datapath_diff.h, after its state.
 */
#ifndef WEFT_TESTS_DATAPATH_DIFF_PAUSE_H
#define WEFT_TESTS_DATAPATH_DIFF_PAUSE_H

#include "datapath/freeze.h"
#include "ofproto/wire.h"

enum { PAUSED_MAX = 512 };

struct paused {
	uint8_t idx;
	struct flow_key key;
	uint32_t n, n_frozen;
	uint8_t *frame, *frozen;
};

static struct {
	struct paused v[PAUSED_MAX];
	uint32_t n;
	uint64_t resumed;
} pauses;

static uint8_t *bytes_of_chain(const struct rte_mbuf *m, uint32_t at, uint32_t n)
{
	uint8_t *to = malloc(n + 1);
	const void *p;

	assert_non_null(to);
	p = rte_pktmbuf_read(m, at, n, to);
	assert_non_null(p);
	if (p != to)
		memcpy(to, p, n);
	return to;
}

/* Whether 'o' tells of a packet that paused; then it is kept, and the frame's is over. */
static bool pause_took(const struct out *o)
{
	struct punt_more head;
	struct paused *z;

	if (o->kind != OUT_CONTROLLER || !o->more)
		return false;
	memcpy(&head, rte_pktmbuf_mtod(o->more, void *), sizeof(head));
	if (!head.n_frozen)
		return false;
	assert_true(pauses.n < PAUSED_MAX);
	z = &pauses.v[pauses.n++];
	z->idx = (uint8_t)o->idx;
	z->key = *o->key;
	z->n = o->m->pkt_len;
	z->frame = bytes_of_chain(o->m, 0, z->n);
	z->n_frozen = head.n_frozen;
	z->frozen =
		bytes_of_chain(o->more, (uint32_t)sizeof(head) + head.n_userdata, head.n_frozen);
	rte_pktmbuf_free(o->m);
	rte_pktmbuf_free(o->more);
	return true;
}

/* NXT_RESUME with the properties of the packet-in, and the packet's second way. */
static void pause_resume(struct paused *z)
{
	struct of_nx_pin_packet packet = { .kind = OF_KIND_nx_pin_packet,
					   .data = { z->n, z->frame } };
	struct of_nx_pin_metadata meta = { .kind = OF_KIND_nx_pin_metadata };
	struct of_nx_pin_continuation rest = { .kind = OF_KIND_nx_pin_continuation,
					       .data = { z->n_frozen, z->frozen } };
	struct of_any *props[] = { (struct of_any *)&packet, (struct of_any *)&meta,
				   (struct of_any *)&rest };
	const struct of_nx_resume q = { .kind = OF_KIND_nx_resume, .properties = { 3, props } };
	struct burst *b = t.w->burst;
	struct frozen *thawed;
	struct of_span frame;
	struct rte_mbuf *m;
	struct of_err e;

	meta.match.value = z->key;
	role_assume_control();
	if (frozen_read(t.dp, &q, &frame, &thawed, &e))
		fail_msg("seed %llu: a packet that paused cannot go on: %s",
			 (unsigned long long)t.seed, e.text);
	m = rte_pktmbuf_alloc(t.dp->pool);
	assert_non_null(m);
	memcpy(rte_pktmbuf_append(m, (uint16_t)frame.n), frame.p, frame.n);
	role_assume_pmd();
	pmd_burst_start(t.w, b);
	b->seq[0] = z->idx;
	assert_true(pkt_init(b, 0, m, be32toh(thawed->key.in_port)));
	b->n = 1;
	freeze_restore(b, &b->pkt[0], thawed);
	pipeline_resume(t.w, b, &b->pkt[0], thawed, t.cycles);
	t.w->flush(t.w, b);
	role_assume_control();
	frozen_free(t.dp, thawed);
	pauses.resumed++;
}

static void pause_resume_all(void)
{
	for (uint32_t i = 0; i < pauses.n; i++) {
		struct paused z = pauses.v[i]; /* others may come */

		pause_resume(&z);
		free(z.frame);
		free(z.frozen);
	}
	pauses.n = 0;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Spec: 7.4.1 Packet-in: buffers */
/* Packet buffers: what an id leads to, and what it never leads to. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "datapath/pktbuf.h"
#include "ofproto/wire.h"

static size_t bytes;
static struct pktbufs *b;
static const struct inject_from from = { .in_port = 7 };

static void begin(unsigned int n)
{
	bytes = 0;
	b = pktbufs_new(n, &bytes);
	assert_non_null(b);
}

static void end(void)
{
	pktbufs_free(b);
	assert_int_equal(bytes, 0);
}

static uint32_t put(const char *text, double now)
{
	return pktbuf_put(b, (const uint8_t *)text, (uint32_t)strlen(text), &from, now);
}

static void an_id_leads_to_its_packet_once(void **state)
{
	struct pktbuf *p;
	uint32_t x, y;

	role_assume_control();
	begin(3);
	x = put("first", 0);
	y = put("second", 0);
	assert_int_not_equal(x, y);
	assert_int_equal(bytes, 11);
	assert_int_equal(pktbuf_find(b, y, &p), 0);
	assert_int_equal(p->n, 6);
	assert_memory_equal(p->frame, "second", 6);
	assert_int_equal(p->from.in_port, 7);
	pktbuf_release(b, p);
	assert_int_equal(pktbuf_find(b, y, &p), -ENODATA);
	assert_int_equal(pktbuf_find(b, x, &p), 0);
	assert_memory_equal(p->frame, "first", 5);
	assert_int_equal(pktbuf_find(b, OFP_NO_BUFFER, &p), -ENOENT);
	/* Three buffers are numbered by two bits: there is no fourth. */
	assert_int_equal(pktbuf_find(b, x | 3, &p), -ENOENT);
	end();
}

static void an_old_id_never_leads_to_another_packet(void **state)
{
	static uint32_t ids[5000];
	struct pktbuf *p;

	role_assume_control();
	begin(2);
	for (int i = 0; i < 5000; i++) {
		ids[i] = put("x", 0);
		assert_int_not_equal(ids[i], OFP_NO_BUFFER);
		assert_int_equal(pktbuf_find(b, ids[i], &p), 0);
		for (int j = i > 20 ? i - 20 : 0; j < i; j++)
			assert_int_equal(pktbuf_find(b, ids[j], &p), -ENODATA);
		assert_int_equal(pktbuf_find(b, ids[i], &p), 0);
		pktbuf_release(b, p);
	}
	for (int j = 0; j < 5000; j++)
		assert_int_equal(pktbuf_find(b, ids[j], &p), -ENODATA);
	/* What comes next was not given yet. */
	assert_int_equal(pktbuf_find(b, ids[4999] + 2, &p), -ENOENT);
	end();
}

static void a_full_store_says_so_until_packets_are_old(void **state)
{
	struct pktbuf *p;
	uint32_t x;

	role_assume_control();
	begin(2);
	x = put("old", 10);
	assert_int_not_equal(put("young", 13), OFP_NO_BUFFER);
	assert_int_equal(put("more", 14.9), OFP_NO_BUFFER);
	assert_int_equal(pktbuf_find(b, x, &p), 0);
	assert_int_not_equal(put("more", 15.1), OFP_NO_BUFFER);
	assert_int_equal(pktbuf_find(b, x, &p), -ENODATA);
	assert_int_equal(put("no", 15.2), OFP_NO_BUFFER);
	pktbufs_expire(b, 30);
	assert_int_equal(bytes, 0);
	end();
}

static void all_of_a_switch_have_a_limit(void **state)
{
	struct pktbufs *other;

	role_assume_control();
	begin(2);
	other = pktbufs_new(2, &bytes);
	assert_non_null(other);
	bytes = PKTBUF_BYTES - 4;
	assert_int_not_equal(put("four", 0), OFP_NO_BUFFER);
	assert_int_equal(pktbuf_put(other, (const uint8_t *)"x", 1, &from, 0), OFP_NO_BUFFER);
	pktbufs_free(b);
	assert_int_not_equal(pktbuf_put(other, (const uint8_t *)"x", 1, &from, 0), OFP_NO_BUFFER);
	pktbufs_free(other);
	assert_int_equal(bytes, PKTBUF_BYTES - 4);
}

static void a_claim_is_run_in_order_or_given_back(void **state)
{
	struct pktbuf *p, *q, *found;
	uint32_t x, y;

	role_assume_control();
	begin(4);
	x = put("first", 0);
	y = put("second", 0);
	assert_int_equal(pktbuf_find(b, x, &p), 0);
	assert_int_equal(pktbuf_find(b, y, &q), 0);
	pktbuf_claim(b, q);
	pktbuf_claim(b, p);
	assert_int_equal(pktbuf_find(b, x, &found), -ENODATA);
	pktbufs_expire(b, 100); /* not while somebody has it */
	assert_ptr_equal(pktbufs_claimed(b), q);
	pktbufs_unclaim(b);
	assert_null(pktbufs_claimed(b));
	assert_int_equal(pktbuf_find(b, x, &found), 0);
	pktbuf_claim(b, found);
	pktbuf_release(b, pktbufs_claimed(b));
	assert_null(pktbufs_claimed(b));
	assert_int_equal(pktbuf_find(b, x, &found), -ENODATA);
	assert_int_equal(pktbuf_find(b, y, &found), 0);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_id_leads_to_its_packet_once),
		cmocka_unit_test(an_old_id_never_leads_to_another_packet),
		cmocka_unit_test(a_full_store_says_so_until_packets_are_old),
		cmocka_unit_test(all_of_a_switch_have_a_limit),
		cmocka_unit_test(a_claim_is_run_in_order_or_given_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

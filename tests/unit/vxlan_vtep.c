/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The VTEP as a state machine: frames and a fake clock in, frames and next hops out.
 *
 *	us 02:aa::01  192.0.2.1  2001:db8::1      peer 02:aa::02  192.0.2.2  2001:db8::2
 *
 * Whole frames were built with scapy 2.5.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "vxlan/csum.h"
#include "vxlan/vtep.h"

static const char arp_request[] = "ffffffffffff02aa000000010806000108000604000102aa00000001c0000201"
				  "000000000000c0000202000000000000000000000000000000000000";
static const char arp_reply[] = "02aa0000000102aa000000020806000108000604000202aa00000002c0000202"
				"02aa00000001c0000201000000000000000000000000000000000000";
static const char arp_for_us[] = "ffffffffffff02aa000000020806000108000604000102aa00000002c0000202"
				 "000000000000c0000201000000000000000000000000000000000000";
static const char arp_our_reply[] =
	"02aa0000000202aa000000010806000108000604000202aa00000001c0000201"
	"02aa00000002c0000202000000000000000000000000000000000000";
static const char arp_announce[] =
	"ffffffffffff02aa000000010806000108000604000102aa00000001c0000201"
	"000000000000c0000201000000000000000000000000000000000000";
static const char arp_unicast[] = "02aa0000000202aa000000010806000108000604000102aa00000001c0000201"
				  "000000000000c0000202000000000000000000000000000000000000";
static const char ns[] = "3333ff00000202aa0000000186dd6000000000203aff20010db8000000000000"
			 "000000000001ff0200000000000000000001ff00000287001b7d000000002001"
			 "0db8000000000000000000000002010102aa00000001";
static const char na[] = "02aa0000000102aa0000000286dd6000000000203aff20010db8000000000000"
			 "00000000000220010db8000000000000000000000001880089c7600000002001"
			 "0db8000000000000000000000002020102aa00000002";
static const char ns_for_us[] = "3333ff00000102aa0000000286dd6000000000203aff20010db8000000000000"
				"000000000002ff0200000000000000000001ff00000187001b7d000000002001"
				"0db8000000000000000000000001010102aa00000002";
static const char our_na[] = "02aa0000000202aa0000000186dd6000000000203aff20010db8000000000000"
			     "00000000000120010db8000000000000000000000002880089c9600000002001"
			     "0db8000000000000000000000001020102aa00000001";
static const char echo[] = "02aa0000000102aa0000000208004500003c000900004001f6b4c0000202c000"
			   "02010800554a00010002303132333435363738396162636465666768696a6b6c"
			   "6d6e6f70717273747576";
static const char echo_reply[] = "02aa0000000202aa0000000108004500003c000040004001b6bdc0000201c000"
				 "020200005d4a00010002303132333435363738396162636465666768696a6b6c"
				 "6d6e6f70717273747576";
static const char echo6[] = "02aa0000000102aa0000000286dd60000000000c3a4020010db8000000000000"
			    "00000000000220010db800000000000000000000000180004667000100027765"
			    "6674";
static const char echo6_reply[] = "02aa0000000202aa0000000186dd60000000000c3a4020010db8000000000000"
				  "00000000000120010db800000000000000000000000281004567000100027765"
				  "6674";

/* What the VTEP has sent and told since the last look. */
static char sent[64][VTEP_FRAME_MAX * 2 + 1];
static unsigned int n_sent, n_told;
static struct vtep_nexthop told;
static struct vtep *v;

static void on_send(void *aux, const uint8_t *frame, uint16_t len)
{
	assert_true(len >= 60);
	for (uint16_t i = 0; i < len; i++)
		sprintf(sent[n_sent % 64] + i * 2, "%02x", frame[i]);
	n_sent++;
}

static void on_nexthop(void *aux, const struct vtep_nexthop *nh)
{
	told = *nh;
	n_told++;
}

static const struct vtep_ops ops = { on_send, on_nexthop };

static struct vxlan_addr addr(const char *text)
{
	struct vxlan_addr a;

	assert_int_equal(vxlan_addr_parse(text, &a), 0);
	return a;
}

static void forget(void)
{
	n_sent = n_told = 0;
}

/* Exactly one frame was sent: this one. */
static void assert_sent(const char *hex)
{
	assert_int_equal(n_sent, 1);
	assert_string_equal(sent[0], hex);
	forget();
}

static bool input_at(const char *hex, uint64_t now)
{
	uint32_t n = (uint32_t)strlen(hex) / 2;
	uint8_t *b = malloc(n); /* so that a byte beyond is noticed */
	bool ours;

	for (uint32_t i = 0; i < n; i++) {
		unsigned int x;

		sscanf(hex + i * 2, "%2x", &x);
		b[i] = (uint8_t)x;
	}
	ours = vtep_input(v, b, n, now);
	free(b);
	return ours;
}

static bool input(const char *hex)
{
	return input_at(hex, 0);
}

static int resolve(const char *remote, uint64_t now, struct vtep_nexthop *nh)
{
	struct vxlan_addr a = addr(remote);

	return vtep_resolve(v, &a, NULL, now, nh);
}

static void add(const char *local, const char *gateway)
{
	struct vtep_local l;
	struct err err = { "" };

	if (vtep_local_parse(&l, local, gateway, &err) || vtep_local_add(v, &l, 0, &err))
		fail_msg("%s", err.text);
}

static int start(void **state)
{
	struct vtep_config config = { .mac = { 2, 0xaa, 0, 0, 0, 1 } };

	v = vtep_new(&config, &ops, NULL);
	forget();
	return v ? 0 : -1;
}

static int start_both(void **state)
{
	if (start(state))
		return -1;
	add("192.0.2.1", NULL);
	add("2001:db8::1", NULL);
	vtep_tick(v, 1000);
	vtep_tick(v, 2000); /* announcements done */
	forget();
	return 0;
}

static int stop(void **state)
{
	vtep_free(v);
	return 0;
}

/* ---- Answering ---- */

static void announces_itself_twice(void **state)
{
	static const char na_all[] = "33330000000102aa0000000186dd";

	add("192.0.2.1", NULL);
	assert_sent(arp_announce);
	assert_int_equal(vtep_tick(v, 999), 1000);
	assert_int_equal(n_sent, 0);
	assert_int_equal(vtep_tick(v, 1000), UINT64_MAX);
	assert_sent(arp_announce);
	vtep_tick(v, 100000);
	assert_int_equal(n_sent, 0);

	add("2001:db8::1", NULL);
	assert_int_equal(n_sent, 1);
	assert_int_equal(strncmp(sent[0], na_all, strlen(na_all)), 0);
	/* Override, not solicited. */
	assert_int_equal(strncmp(sent[0] + 58 * 2, "20000000", 8), 0);
}

static void answers_arp_and_nd(void **state)
{
	assert_true(input(arp_for_us));
	assert_sent(arp_our_reply);
	assert_true(input(ns_for_us));
	assert_sent(our_na);
	input(arp_announce); /* our own, looped back by the underlay: no conflict, no answer */
	assert_int_equal(vtep_counters(v)->conflicts, 0);
	assert_int_equal(n_sent, 0);
}

static void answers_echo(void **state)
{
	assert_true(input(echo));
	assert_sent(echo_reply);
	assert_true(input(echo6));
	assert_sent(echo6_reply);
}

static void echo_is_limited(void **state)
{
	for (int i = 0; i < VTEP_ECHO_RATE + 20; i++)
		assert_true(input_at(i & 1 ? echo : echo6, 5000));
	assert_int_equal(n_sent, VTEP_ECHO_RATE);
	assert_int_equal(vtep_counters(v)->echo_limited, 20);
	forget();
	assert_true(input_at(echo, 6000));
	assert_sent(echo_reply);
}

static void tagged_underlay(void **state)
{
	struct vtep_config config = { .mac = { 2, 0xaa, 0, 0, 0, 1 }, .vid = 100, .pcp = 3 };
	char in[256], want[256];

	vtep_free(v);
	v = vtep_new(&config, &ops, NULL);
	add("192.0.2.1", NULL);
	forget();
	assert_false(input(arp_for_us)); /* untagged is another network */
	snprintf(in, sizeof(in), "%.24s81000064%s", arp_for_us, arp_for_us + 24);
	assert_true(input(in));
	/* With the tag, 60 bytes need four bytes of padding less. */
	snprintf(want, sizeof(want), "%.24s81006064%.*s", arp_our_reply, 120 - 24 - 8,
		 arp_our_reply + 24);
	assert_sent(want);
}

/* ---- Resolving ---- */

static void resolves_by_arp(void **state)
{
	struct vtep_nexthop nh;

	assert_int_equal(resolve("192.0.2.2", 10000, &nh), -EINPROGRESS);
	assert_false(nh.usable);
	assert_sent(arp_request);
	assert_int_equal(resolve("192.0.2.2", 10001, NULL), -EINPROGRESS); /* asks once */
	assert_int_equal(n_sent, 0);
	assert_true(input_at(arp_reply, 10005));
	assert_int_equal(n_told, 1);
	assert_true(told.usable);
	assert_memory_equal(told.mac, "\2\xaa\0\0\0\2", 6);
	assert_int_equal(resolve("192.0.2.2", 10006, &nh), 0);
	assert_int_equal(nh.state, NEIGH_REACHABLE);
	assert_memory_equal(nh.local.b + 12, "\xc0\0\2\1", 4);
}

static void resolves_by_nd(void **state)
{
	assert_int_equal(resolve("2001:db8::2", 10000, NULL), -EINPROGRESS);
	assert_sent(ns);
	assert_true(input_at(na, 10005));
	assert_int_equal(n_told, 1);
	assert_true(told.usable);
	assert_int_equal(resolve("2001:db8::2", 10006, NULL), 0);
}

/* Three requests, a second apart, then FAILED; not asked again for five seconds. */
static void no_answer(void **state)
{
	uint64_t now = 10000;

	assert_int_equal(resolve("192.0.2.2", now, NULL), -EINPROGRESS);
	assert_int_equal(vtep_tick(v, now), 11000);
	assert_int_equal(n_sent, 1);
	for (now = 10001; now < 20000; now++)
		vtep_tick(v, now);
	assert_int_equal(n_sent, 3);
	assert_int_equal(n_told, 1);
	assert_int_equal(told.state, NEIGH_FAILED);
	assert_false(told.usable);
	forget();
	/* It failed at 13000. */
	assert_int_equal(resolve("192.0.2.2", 17999, NULL), -EHOSTUNREACH);
	assert_int_equal(n_sent, 0);
	assert_int_equal(resolve("192.0.2.2", 18000, NULL), -EINPROGRESS);
	assert_sent(arp_request);
	/* A late answer is as good as an early one. */
	assert_true(input_at(arp_reply, 18500));
	assert_true(told.usable);
}

/* In use: probed by unicast 5 s before the 30 s are over, with no gap. */
static void probes_before_expiry(void **state)
{
	uint64_t now = 10000;

	resolve("192.0.2.2", now, NULL);
	input_at(arp_reply, now);
	forget();
	for (; now < 34999; now += 1000) {
		assert_int_equal(resolve("192.0.2.2", now, NULL), 0);
		vtep_tick(v, now);
		assert_int_equal(n_sent, 0);
	}
	vtep_tick(v, 35000);
	assert_sent(arp_unicast);
	assert_int_equal(resolve("192.0.2.2", 35000, NULL), 0); /* still usable */
	input_at(arp_reply, 35001);
	assert_int_equal(n_told, 0); /* nothing that anyone must know has changed */

	/* The next time nobody answers: three by unicast, three by broadcast, then it is gone. */
	resolve("192.0.2.2", 36000, NULL);
	for (now = 35002; now < 70000; now++)
		vtep_tick(v, now);
	assert_int_equal(n_sent, 6);
	assert_string_equal(sent[2], arp_unicast);
	assert_string_equal(sent[3], arp_request);
	assert_int_equal(told.state, NEIGH_FAILED);
}

/* Not in use: no probes, and the MAC stays good until it is wanted again, or is forgotten. */
static void idle_is_quiet(void **state)
{
	uint64_t now = 10000;

	resolve("192.0.2.2", now, NULL);
	input_at(arp_reply, now + 1);
	forget();
	for (; now < 500000; now += 500)
		vtep_tick(v, now);
	assert_int_equal(n_sent, 0);
	assert_int_equal(n_told, 0);
	assert_int_equal(resolve("192.0.2.2", now, NULL), 0);
	assert_sent(arp_unicast);
	input_at(arp_reply, now + 1);
	for (; now < 2000000; now += 500)
		vtep_tick(v, now);
	assert_int_equal(n_told, 1);
	assert_false(told.usable);
	assert_int_equal(resolve("192.0.2.2", now, NULL), -EINPROGRESS);
}

/* A peer that has a new MAC says so by a gratuitous ARP or an unsolicited advertisement. */
static void peer_moves(void **state)
{
	static const char moved[] =
		"ffffffffffff02aa000000090806000108000604000102aa00000009c0000202"
		"000000000000c0000202000000000000000000000000000000000000";

	resolve("192.0.2.2", 10000, NULL);
	input_at(arp_reply, 10000);
	forget();
	assert_true(input_at(moved, 10100));
	assert_int_equal(n_told, 1);
	assert_true(told.usable);
	assert_int_equal(told.mac[5], 9);
	assert_int_equal(n_sent, 0);
}

/* Packets add nothing: only who was asked for is remembered. */
static void strangers_are_not_learned(void **state)
{
	char hex[256];

	for (unsigned int i = 0; i < 10000; i++) {
		snprintf(hex, sizeof(hex), "%.56s0a%06x%s", arp_reply, i, arp_reply + 64);
		input(hex);
	}
	assert_int_equal(vtep_counters(v)->arp_learned, 0);
	assert_int_equal(n_told, 0);
	assert_int_equal(vtep_tick(v, 1000000), UINT64_MAX); /* nothing to be done about anyone */
}

/* ---- Ways ---- */

static void gateway(void **state)
{
	static const char gw[] = "02aa0000000102aa000000020806000108000604000202aa00000002c00002fe"
				 "02aa00000001c0000201000000000000000000000000000000000000";

	vtep_tick(v, 0);
	add("192.0.2.1/24", "192.0.2.254");
	forget();
	for (int i = 0; i < 10; i++) {
		char ip[32];

		snprintf(ip, sizeof(ip), "10.1.%d.1", i);
		assert_int_equal(resolve(ip, 10000, NULL), -EINPROGRESS);
	}
	assert_int_equal(n_sent, 1); /* all by one neighbour */
	assert_int_equal(strncmp(sent[0] + 76, "c00002fe", 8), 0);
	assert_true(input_at(gw, 10010));
	assert_int_equal(n_told, 10);
	assert_int_equal(resolve("192.0.2.9", 10000, NULL), -EINPROGRESS); /* on-link: itself */
	assert_int_equal(strncmp(sent[1] + 76, "c0000209", 8), 0);
}

static void prefixes(void **state)
{
	add("192.0.2.1/28", NULL);
	assert_int_equal(resolve("192.0.2.14", 0, NULL), -EINPROGRESS);
	assert_int_equal(resolve("192.0.2.17", 0, NULL), -ENETUNREACH);
	assert_int_equal(resolve("2001:db8::2", 0, NULL), -ENETUNREACH);
	add("2001:db8::1/65", NULL);
	assert_int_equal(resolve("2001:db8::7fff:0:0:2", 0, NULL), -EINPROGRESS);
	assert_int_equal(resolve("2001:db8::8000:0:0:2", 0, NULL), -ENETUNREACH);
	/* Not hosts, or not others. */
	assert_int_equal(resolve("192.0.2.1", 0, NULL), -EINVAL);
	assert_int_equal(resolve("224.0.0.1", 0, NULL), -EINVAL);
	assert_int_equal(resolve("255.255.255.255", 0, NULL), -EINVAL);
	assert_int_equal(resolve("0.0.0.0", 0, NULL), -EINVAL);
	assert_int_equal(resolve("ff02::1", 0, NULL), -EINVAL);
	assert_int_equal(resolve("::", 0, NULL), -EINVAL);
}

static void full_table(void **state)
{
	struct vxlan_addr a;

	for (uint32_t i = 0; i < VTEP_MAX_REMOTES; i++) {
		a = vxlan_addr_v4(htobe32(0x0a000000 + i));
		assert_int_equal(vtep_resolve(v, &a, NULL, 10000, NULL), -EINPROGRESS);
	}
	assert_int_equal(resolve("192.0.2.2", 10000, NULL), -ENOSPC);
	/* One that does not answer gives way to one that may. */
	for (uint64_t now = 10000; now <= 14000; now += 1000)
		vtep_tick(v, now);
	forget();
	assert_int_equal(resolve("192.0.2.2", 14000, NULL), -EINPROGRESS);
	assert_sent(arp_request);
	a = addr("192.0.2.2");
	vtep_release(v, &a);
	assert_false(input_at(arp_reply, 14000) && n_told);
}

static void local_goes(void **state)
{
	struct vxlan_addr a = addr("192.0.2.1");

	resolve("192.0.2.2", 10000, NULL);
	input_at(arp_reply, 10000);
	forget();
	assert_int_equal(vtep_local_del(v, &a), 0);
	assert_int_equal(n_told, 1);
	assert_false(told.usable);
	assert_int_equal(vtep_local_del(v, &a), -ENOENT);
	assert_false(input(arp_for_us));
	assert_int_equal(n_sent, 0);
	assert_int_equal(resolve("192.0.2.2", 10001, NULL), -ENETUNREACH);
	assert_true(input(ns_for_us)); /* the other address stays */
}

static void link_comes_back(void **state)
{
	static const uint8_t mac[6] = { 2, 0xaa, 0, 0, 0, 7 };

	resolve("192.0.2.2", 10000, NULL);
	input_at(arp_reply, 10000);
	forget();
	vtep_up(v, mac, 20000);
	assert_int_equal(n_sent, 3); /* two announcements, one probe */
	assert_int_equal(strncmp(sent[2], "02aa0000000202aa00000007", 24), 0);
	assert_int_equal(resolve("192.0.2.2", 20001, NULL), 0);
}

/* ---- Conflicts and nonsense ---- */

/* Counted each time; defended once in ten seconds; the address is kept. */
static void conflict(void **state)
{
	static const char thief[] =
		"ffffffffffff02aa000000090806000108000604000102aa00000009c0000201"
		"000000000000c0000201000000000000000000000000000000000000";
	/* A host that probes for our address before it takes it (RFC 5227, 2.1.1). */
	static const char probe[] =
		"ffffffffffff02aa000000090806000108000604000102aa0000000900000000"
		"000000000000c0000201000000000000000000000000000000000000";

	for (uint64_t now = 20000; now < 40000; now += 100)
		assert_true(input_at(thief, now));
	assert_int_equal(vtep_counters(v)->conflicts, 200);
	assert_int_equal(n_sent, 2);
	assert_string_equal(sent[0], arp_announce);
	forget();
	assert_true(input_at(probe, 50000));
	assert_int_equal(n_sent, 1);
	assert_int_equal(strncmp(sent[0] + 56, "c0000201", 8), 0);
}

/* Each frame cut at every byte and with every byte changed: no answer that is not due, no crash,
 * nobody learned who was not asked for. */
static void nonsense(void **state)
{
	static const char *const frames[] = { arp_for_us, arp_reply, ns_for_us, na, echo, echo6 };
	static const uint32_t real[] = { 42, 42, 86, 86, 74, 66 };
	uint8_t b[128];

	for (size_t f = 0; f < sizeof(frames) / sizeof(*frames); f++) {
		uint32_t n = (uint32_t)strlen(frames[f]) / 2;

		for (uint32_t i = 0; i < n; i++) {
			unsigned int x;

			sscanf(frames[f] + i * 2, "%2x", &x);
			b[i] = (uint8_t)x;
		}
		for (uint32_t len = 0; len < real[f]; len++) {
			uint8_t *cut = malloc(len ? len : 1);

			memcpy(cut, b, len);
			vtep_input(v, cut, len, 0);
			free(cut);
		}
		assert_int_equal(n_sent, 0);
		for (uint32_t at = 0; at < n; at++)
			for (int bit = 0; bit < 8; bit++) {
				b[at] ^= 1 << bit;
				vtep_input(v, b, n, at * 100000);
				b[at] ^= 1 << bit;
				/* All but IPv6's class, flow label and hop limit is under a
				 * checksum. */
				if (f >= 2 && at < real[f] &&
				    (f == 4 ? at >= 14 : at >= 18 && at != 21))
					assert_int_equal(n_sent, 0);
				forget();
			}
	}
	assert_int_equal(vtep_counters(v)->arp_learned, 0);
	assert_int_equal(vtep_counters(v)->na_learned, 0);
	assert_int_not_equal(vtep_counters(v)->bad, 0);
}

/* RFC 4861, 7.1: hop limit 255, options with a length. */
static void nd_checks(void **state)
{
	static const struct {
		uint32_t at;
		uint8_t value;
	} rows[] = { { 21, 254 }, { 55, 1 }, { 79, 0 }, { 79, 2 } };
	uint8_t b[128];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint16_t csum = 0;

		for (uint32_t k = 0; k < 86; k++) {
			unsigned int x;

			sscanf(ns_for_us + k * 2, "%2x", &x);
			b[k] = (uint8_t)x;
		}
		b[rows[i].at] = rows[i].value;
		memcpy(b + 56, &csum, 2);
		csum = vxlan_csum_of(vxlan_csum_pseudo(b + 22, 32, 58, 32) +
				     vxlan_csum_add(0, b + 54, 32));
		memcpy(b + 56, &csum, 2);
		assert_true(vtep_input(v, b, 86, 0));
		assert_int_equal(n_sent, 0);
		assert_int_equal(vtep_counters(v)->bad, i + 1);
	}
}

static void texts(void **state)
{
	static const char *const bad[] = { "",		 "192.0.2",	 "192.0.2.1/33",
					   "192.0.2.1/", "192.0.2.1/x",	 "2001:db8::1/129",
					   "host",	 "192.0.2.1/-1", "192.0.2.1/2 " };
	static const char *const no_host[] = { "224.0.0.1", "0.0.0.0", "127.0.0.1",
					       "::", "ff02::1" };
	struct vtep_local l;
	struct err err;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(vtep_local_parse(&l, bad[i], NULL, &err), -EINVAL);
	assert_int_equal(vtep_local_parse(&l, "192.0.2.1", "gw", &err), -EINVAL);
	for (size_t i = 0; i < sizeof(no_host) / sizeof(*no_host); i++) {
		assert_int_equal(vtep_local_parse(&l, no_host[i], NULL, &err), 0);
		assert_int_equal(vtep_local_add(v, &l, 0, &err), -EINVAL);
	}
	assert_int_equal(vtep_local_parse(&l, "192.0.2.1/24", "2001:db8::1", &err), 0);
	assert_int_equal(vtep_local_add(v, &l, 0, &err), -EINVAL);
	assert_int_equal(vtep_local_parse(&l, "192.0.2.1/24", "192.0.2.1", &err), 0);
	assert_int_equal(vtep_local_add(v, &l, 0, &err), -EINVAL);
	add("192.0.2.1/24", NULL);
	assert_int_equal(vtep_local_parse(&l, "192.0.2.1", NULL, &err), 0);
	assert_int_equal(vtep_local_add(v, &l, 0, &err), -EEXIST);
	for (int i = 2; i <= VTEP_MAX_LOCALS; i++) {
		char ip[32];

		snprintf(ip, sizeof(ip), "192.0.2.%d", i);
		add(ip, NULL);
	}
	assert_int_equal(vtep_local_parse(&l, "192.0.2.99", NULL, &err), 0);
	assert_int_equal(vtep_local_add(v, &l, 0, &err), -ENOSPC);
}

#define NEW(f)	cmocka_unit_test_setup_teardown(f, start, stop)
#define BOTH(f) cmocka_unit_test_setup_teardown(f, start_both, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		NEW(announces_itself_twice),
		BOTH(answers_arp_and_nd),
		BOTH(answers_echo),
		BOTH(echo_is_limited),
		NEW(tagged_underlay),
		BOTH(resolves_by_arp),
		BOTH(resolves_by_nd),
		BOTH(no_answer),
		BOTH(probes_before_expiry),
		BOTH(idle_is_quiet),
		BOTH(peer_moves),
		BOTH(strangers_are_not_learned),
		NEW(gateway),
		NEW(prefixes),
		BOTH(full_table),
		BOTH(local_goes),
		BOTH(link_comes_back),
		BOTH(conflict),
		BOTH(nonsense),
		BOTH(nd_checks),
		NEW(texts),
	};

	log_init("test");
	log_set_level("error");
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses as values, what a subnet hands out, and the allocators of VLAN ids and VNIs. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "controller/ipam.h"
#include "controller/mem.h"
#include "controller/resource.h"
#include "vlan/vid.h"
#include "vxlan/vni.h"

static struct ip_addr ip(const char *s)
{
	struct ip_addr a;

	assert_int_equal(ip_parse(s, &a), 0);
	return a;
}

static struct ip_prefix prefix(const char *s)
{
	struct ip_prefix p;

	assert_int_equal(ip_prefix_parse(s, &p), 0);
	return p;
}

static void assert_ip(struct ip_addr a, const char *s)
{
	char buf[IP_TEXT];

	assert_string_equal(ip_format(&a, buf), s);
}

static void text_goes_both_ways(void **state)
{
	static const char *const bad[] = {
		"",	      "1.2.3",
		"1.2.3.4.5",  "256.1.1.1",
		":::",	      "1::2::3",
		"x",	      "1.2.3.4 ",
		"12345::",    "1.2.3.4/",
		"::/129",     "1.2.3.4/33",
		"1.2.3.4/-1", "1.2.3.4/1x",
		"/8",	      "1111:2222:3333:4444:5555:6666:7777:8888:9999/64"
	};
	struct ip_prefix p;
	uint8_t mac[6];
	char buf[PREFIX_TEXT];

	assert_string_equal(ip_prefix_format(&(struct ip_prefix){ ip("10.0.0.0"), 24 }, buf),
			    "10.0.0.0/24");
	p = prefix("2001:DB8:0:0::/32");
	assert_string_equal(ip_prefix_format(&p, buf), "2001:db8::/32");
	assert_int_equal(prefix("10.1.2.3").len, 32);
	assert_int_equal(prefix("::1").len, 128);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(ip_prefix_parse(bad[i], &p), -EINVAL);
	assert_int_equal(mac_parse("0A:1b:2c:3D:4e:5f", mac), 0);
	assert_string_equal(mac_format(mac, buf), "0a:1b:2c:3d:4e:5f");
	assert_int_equal(mac_parse("0A-1b-2c-3D-4e-5f", mac), 0);
	assert_int_equal(mac_parse("0a:1b:2c:3d:4e", mac), -EINVAL);
	assert_int_equal(mac_parse("0a:1b:2c:3d:4e:5f:", mac), -EINVAL);
	assert_int_equal(mac_parse("0a:1b:2c:3d:4e-5f", mac), -EINVAL);
	assert_int_equal(mac_parse("", mac), -EINVAL);
}

static void arithmetic_carries(void **state)
{
	struct ip_addr a = ip("10.0.255.255"), b = ip("2001:db8::ffff:ffff:ffff:ffff");
	struct ip_addr c = ip("10.1.0.0"), lo = ip("::1"), hi = ip("ff::");

	assert_ip(ip_plus(&a, 1), "10.1.0.0");
	assert_ip(ip_plus(&b, 1), "2001:db8:0:1::");
	assert_int_equal(ip_distance(&a, &c), 1);
	assert_int_equal(ip_distance(&c, &a), UINT64_MAX);
	assert_int_equal(ip_distance(&lo, &hi), UINT64_MAX);
	assert_int_equal(ip_distance(&a, &lo), UINT64_MAX);
	assert_true(ip_cmp(&a, &c) < 0);
}

static void prefixes_contain(void **state)
{
	struct ip_prefix p = prefix("10.0.0.128/25"), q = prefix("10.0.0.0/24"),
			 r = prefix("10.0.1.0/24");
	struct ip_addr in = ip("10.0.0.200"), out = ip("10.0.0.1"), six = ip("::1");
	uint8_t mac[6] = { 0x02, 0, 0, 0x11, 0x22, 0x33 };

	assert_true(ip_prefix_has(&p, &in));
	assert_false(ip_prefix_has(&p, &out));
	assert_false(ip_prefix_has(&p, &six));
	assert_true(ip_prefix_overlaps(&p, &q));
	assert_true(ip_prefix_overlaps(&q, &p));
	assert_false(ip_prefix_overlaps(&q, &r));
	assert_ip(ip_prefix_last(&p), "10.0.0.255");
	p = prefix("2001:db8::/61");
	assert_ip(ip_prefix_last(&p), "2001:db8:0:7:ffff:ffff:ffff:ffff");
	p = prefix("2001:db8::/64");
	assert_ip(ip_eui64(&p, mac), "2001:db8::ff:fe11:2233");
}

static void pools_leave_out_the_gateway(void **state)
{
	static const struct {
		const char *cidr, *gateway, *pools;
	} cases[] = {
		{ "10.0.0.0/24", "10.0.0.1", "10.0.0.2-10.0.0.254" },
		{ "10.0.0.0/24", "10.0.0.254", "10.0.0.1-10.0.0.253" },
		{ "10.0.0.0/24", "10.0.0.9", "10.0.0.1-10.0.0.8 10.0.0.10-10.0.0.254" },
		{ "10.0.0.0/24", NULL, "10.0.0.1-10.0.0.254" },
		{ "10.0.0.0/30", "10.0.0.1", "10.0.0.2-10.0.0.2" },
		{ "10.0.0.0/31", "10.0.0.0", "10.0.0.1-10.0.0.1" },
		{ "10.0.0.7/32", "10.0.0.7", "" },
		{ "10.0.0.7/32", NULL, "10.0.0.7-10.0.0.7" },
		{ "2001:db8::/126", "2001:db8::1", "2001:db8::2-2001:db8::3" },
		{ "2001:db8::/64", "fe80::1", "2001:db8::1-2001:db8::ffff:ffff:ffff:ffff" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct ip_addr gateway =
			cases[i].gateway ? ip(cases[i].gateway) : (struct ip_addr){ 0 };
		struct ip_prefix cidr = prefix(cases[i].cidr);
		char text[256] = "", a[IP_TEXT], b[IP_TEXT];
		struct pool pools[2];
		size_t n = ipam_pools(&cidr, &gateway, pools);

		for (size_t k = 0; k < n; k++)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s-%s",
				 k ? " " : "", ip_format(&pools[k].start, a),
				 ip_format(&pools[k].end, b));
		assert_string_equal(text, cases[i].pools);
	}
}

/* A subnet of pools, without a world around it; its addresses are what we put into the hash. */
static struct subnet *subnet_new(const char *start1, const char *end1, const char *start2,
				 const char *end2)
{
	struct subnet *s = mem_get(sizeof(*s));

	s->a.allocation_pools = mem_array(2, sizeof(struct pool));
	s->a.allocation_pools[0] = (struct pool){ ip(start1), ip(end1) };
	s->a.n_allocation_pools = 1;
	if (start2)
		s->a.allocation_pools[s->a.n_allocation_pools++] =
			(struct pool){ ip(start2), ip(end2) };
	return s;
}

static void use(struct subnet *s, struct ip_addr a)
{
	struct address *u = mem_get(sizeof(*u));
	static struct port somebody;

	u->ip = a;
	u->port = &somebody;
	HASH_ADD(hh, s->addresses, ip, sizeof(u->ip), u);
}

static void give_back(struct subnet *s, struct ip_addr a)
{
	struct address *u;

	HASH_FIND(hh, s->addresses, &a, sizeof(a), u);
	HASH_DEL(s->addresses, u);
	free(u);
}

static void subnet_free(struct subnet *s)
{
	struct address *u, *next;

	HASH_ITER (hh, s->addresses, u, next) {
		HASH_DEL(s->addresses, u);
		free(u);
	}
	free(s->a.allocation_pools);
	free(s);
}

static void every_address_is_found_once(void **state)
{
	struct subnet *s = subnet_new("10.0.0.250", "10.0.1.4", "10.0.2.0", "10.0.2.2");
	struct ip_addr a;

	for (int i = 0; i < 11 + 3; i++) {
		assert_int_equal(ipam_next(s, NULL, 0, &a), 0);
		assert_null(ipam_user(s, &a));
		use(s, a);
	}
	assert_int_equal(ipam_next(s, NULL, 0, &a), -ENOSPC);
	give_back(s, ip("10.0.0.255"));
	assert_int_equal(ipam_next(s, NULL, 0, &a), 0);
	assert_ip(a, "10.0.0.255");
	subnet_free(s);
}

static void what_was_given_back_rests(void **state)
{
	struct subnet *s = subnet_new("10.0.0.2", "10.0.0.5", NULL, NULL);
	struct ip_addr a, taken = ip("10.0.0.3");

	assert_int_equal(ipam_next(s, &taken, 1, &a), 0);
	assert_ip(a, "10.0.0.2");
	assert_int_equal(ipam_next(s, &taken, 1, &a), 0);
	assert_ip(a, "10.0.0.4");
	assert_int_equal(ipam_next(s, &taken, 1, &a), 0);
	assert_ip(a, "10.0.0.5");
	assert_int_equal(ipam_next(s, &taken, 1, &a), 0);
	assert_ip(a, "10.0.0.2");
	subnet_free(s);
}

static void all_vnis_can_be_had(void **state)
{
	struct vni_pool *p = vni_pool_new();
	uint32_t vni;

	for (uint32_t i = 0; i <= VNI_MAX; i++) {
		assert_int_equal(vni_next(p, i ? vni_last(p) : 0, VNI_MAX, &vni), 0);
		if (vni != i || vni_take(p, vni))
			fail();
	}
	assert_int_equal(vni_n_taken(p), VNI_MAX + 1);
	assert_int_equal(vni_next(p, 0, VNI_MAX, &vni), -ENOSPC);
	vni_give(p, 12345);
	assert_int_equal(vni_next(p, 0, VNI_MAX, &vni), 0);
	assert_int_equal(vni, 12345);
	assert_false(vni_is_taken(p, 12345));
	assert_true(vni_is_taken(p, 12346));
	/* Within bounds only: those of one word, and of several. */
	assert_int_equal(vni_next(p, 12345, 12345, &vni), 0);
	assert_int_equal(vni_next(p, 12346, VNI_MAX, &vni), -ENOSPC);
	assert_int_equal(vni_next(p, 0, 12344, &vni), -ENOSPC);
	assert_int_equal(vni_next(p, VNI_MAX + 1, VNI_MAX + 2, &vni), -ENOSPC);
	vni_give(p, 127);
	vni_give(p, 128);
	assert_int_equal(vni_next(p, 128, 200, &vni), 0);
	assert_int_equal(vni, 128);
	assert_int_equal(vni_next(p, 64, 126, &vni), -ENOSPC);
	assert_int_equal(vni_take(p, 7), -EBUSY);
	assert_int_equal(vni_take(p, VNI_MAX + 1), -ERANGE);
	vni_pool_free(p);
}

static void vlan_ids_are_by_physical_network(void **state)
{
	struct vid_pools *p = vid_pools_new();
	uint32_t vid;

	for (uint32_t i = VID_MIN; i <= VID_MAX; i++) {
		assert_int_equal(vid_next(p, "a", VID_MIN, VID_MAX, &vid), 0);
		assert_int_equal(vid, i);
		assert_int_equal(vid_take(p, "a", vid), 0);
	}
	assert_int_equal(vid_next(p, "a", VID_MIN, VID_MAX, &vid), -ENOSPC);
	assert_int_equal(vid_next(p, "b", VID_MIN, VID_MAX, &vid), 0);
	assert_int_equal(vid_take(p, "a", 5), -EBUSY);
	assert_int_equal(vid_take(p, "a", 0), -ERANGE);
	assert_int_equal(vid_take(p, "a", 4095), -ERANGE);
	vid_give(p, "a", 5);
	assert_int_equal(vid_next(p, "a", VID_MIN, VID_MAX, &vid), 0);
	assert_int_equal(vid, 5);
	assert_int_equal(vid_next(p, "a", 6, VID_MAX, &vid), -ENOSPC);
	assert_int_equal(vid_next(p, "a", 5, 5, &vid), 0);
	assert_false(vid_untagged_is_taken(p, "a"));
	assert_int_equal(vid_take_untagged(p, "a"), 0);
	assert_int_equal(vid_take_untagged(p, "a"), -EBUSY);
	vid_give_untagged(p, "a");
	assert_false(vid_untagged_is_taken(p, "a"));
	vid_pools_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_goes_both_ways),
		cmocka_unit_test(arithmetic_carries),
		cmocka_unit_test(prefixes_contain),
		cmocka_unit_test(pools_leave_out_the_gateway),
		cmocka_unit_test(every_address_is_found_once),
		cmocka_unit_test(what_was_given_back_rests),
		cmocka_unit_test(all_vnis_can_be_had),
		cmocka_unit_test(vlan_ids_are_by_physical_network),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

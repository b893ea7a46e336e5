/* SPDX-License-Identifier: Apache-2.0 */
/* Spec: 4.1 Ports: their kinds */
/* What --port, --config and the other options of weft-switch say, and how they are refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "datapath/options.h"
#include "datapath/port.h"
#include "datapath/tunnel.h"
#include "vxlan/vtep.h"

static struct port_spec s;
static struct err e;

static void good(const char *text)
{
	if (port_spec_parse(text, &s, &e))
		fail_msg("%s: %s", text, e.text);
	assert_string_equal(s.text, text);
}

/* Refused with words in which 'words' stand. */
static void bad(const char *text, const char *words)
{
	e.text[0] = 0;
	assert_int_equal(port_spec_parse(text, &s, &e), -EINVAL);
	if (!strstr(e.text, words))
		fail_msg("%s: '%s' does not say '%s'", text, e.text, words);
}

static void each_type_has_its_device(void **state)
{
	good("vdev:net_pcap0,rx_pcap=a.pcap,tx_pcap=b.pcap");
	assert_int_equal(s.type, PORT_VDEV);
	assert_string_equal(s.device, "net_pcap0,rx_pcap=a.pcap,tx_pcap=b.pcap");
	good("vdev:net_memif0,socket=/run/a:b.sock;mtu=9000");
	assert_string_equal(s.device, "net_memif0,socket=/run/a:b.sock");
	assert_int_equal(s.mtu, 9000);
	good("dpdk:0000:01:00.1");
	assert_int_equal(s.type, PORT_DPDK);
	assert_string_equal(s.device, "0000:01:00.1");
	good("dpdk:3b:00.0");
	good("af_packet:eth1");
	assert_int_equal(s.type, PORT_AF_PACKET);
	good("af_xdp:eth1");
	good("tap:abcdefghijklmno");
	good("vhost-user:/run/vm.sock,server");
	assert_int_equal(s.type, PORT_VHOST_USER);
	good("vxlan:local=192.0.2.1,uplink=eth1");
	assert_int_equal(s.type, PORT_VXLAN);
	for (int t = PORT_VDEV; t <= PORT_VXLAN; t++)
		assert_non_null(port_type_name((enum port_type)t));
}

static void options_follow_the_semicolon(void **state)
{
	good("af_packet:eth1;iface-id=0b1c,physnet=dc1,mtu=1400,queues=4");
	assert_string_equal(s.iface_id, "0b1c");
	assert_string_equal(s.physnet, "dc1");
	assert_int_equal(s.mtu, 1400);
	assert_int_equal(s.queues, 4);
	assert_false(s.has_vlan);
	assert_int_equal(s.vlan.mode, VLAN_MODE_TRUNK);
	assert_true(vlan_port_carries(&s.vlan, 4094));

	good("af_packet:eth1;queue=1:min=2M,speed=1G,queue=0:max=500k:len=9,queues=2");
	assert_int_equal(s.n_queue, 2);
	assert_true(s.queue[0].id == 1 && s.queue[0].min == 2000000 && !s.queue[0].max);
	assert_true(s.queue[1].id == 0 && s.queue[1].max == 500000 && s.queue[1].len == 9);
	assert_true(s.speed == 1000000000 && s.queues == 2);
	bad("tap:t;queue=1,queue=1:max=5M", "queue 1 is there twice");
	bad("tap:t;speed=fast", "'fast' is no rate");
	bad("vxlan:local=192.0.2.1,uplink=u;queue=1", "uplink's");
	bad("vxlan:local=192.0.2.1,uplink=u;speed=1M", "uplink's");

	good("tap:t;tag=5");
	assert_true(s.has_vlan);
	assert_int_equal(s.vlan.mode, VLAN_MODE_ACCESS);
	assert_int_equal(s.vlan.tag, 5);
	good("tap:t;vlan-mode=native,tag=7,trunks=10-12+20");
	assert_int_equal(s.vlan.mode, VLAN_MODE_NATIVE_UNTAGGED);
	assert_true(vlan_port_carries(&s.vlan, 11) && vlan_port_carries(&s.vlan, 20) &&
		    vlan_port_carries(&s.vlan, 7));
	assert_false(vlan_port_carries(&s.vlan, 13));
}

static void what_is_wrong_is_said(void **state)
{
	char text[700];

	bad("", "'' is no type of port");
	bad("eth1", "'eth1' is no type of port");
	bad("af_packet", "as in af_packet:eth1");
	bad("af_packet:", "0 characters");
	bad("af_packet:abcdefghijklmnop", "16 characters");
	bad("af_packet:a b", "' '");
	bad("af_packet:a/b", "'/'");
	bad("tap:a,b", "','");
	bad("vdev:", "device name is missing");
	bad("vdev:,iface=x", "device name is missing");
	bad("dpdk:eth0", "no PCI address");
	bad("dpdk:0000:01:00.0x", "no PCI address");
	bad("vhost-user:,server", "0 characters");
	bad("vhost-user:/a,client", "only ',server'");
	bad("tap:t;mtu", "has no value");
	bad("tap:t;mtu=", "68 to 9216");
	bad("tap:t;mtu=67", "68 to 9216");
	bad("tap:t;mtu=1500x", "68 to 9216");
	bad("tap:t;mtu=-1500", "68 to 9216");
	bad("tap:t;queues=0", "1 to 16");
	bad("tap:t;queues=17", "1 to 16");
	bad("tap:t;colour=red", "unknown option 'colour'");
	bad("tap:t;iface-id=", "0 characters");
	bad("tap:t;tag=0", "tag");
	bad("tap:t;tag=4095", "tag");
	bad("tap:t;vlan-mode=access", "tag");
	bad("tap:t;vlan-mode=trunk,tag=5", "tag");
	bad("tap:t;vlan-mode=dot1q-tunnel,tag=5", "dot1q-tunnel");
	bad("tap:t;trunks=5-4", "5-4");
	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = 0;
	bad(text, "at most 511");
	memcpy(text, "vdev:", 5);
	text[500] = 0;
	bad(text, "at most 383");
	snprintf(text, sizeof(text), "tap:t;iface-id=%064d", 0);
	bad(text, "64 characters");
}

/* Whatever the text, it is parsed or refused: cut anywhere, with any one character changed. */
static void every_cut_and_change_is_survived(void **state)
{
	static const char *const whole[] = {
		"af_packet:eth1;iface-id=x,physnet=p,vlan-mode=native,tag=5,trunks=1-9+20,mtu=1500",
		"vxlan:local=2001:db8::1/"
		"64,uplink=u,remote=2001:db8::2,vni=7,dport=1,vlan=3;mtu=99",
	};
	char text[128];

	for (unsigned int i = 0; i < 2; i++) {
		good(whole[i]);
		for (size_t n = 0; n < strlen(whole[i]); n++) {
			snprintf(text, sizeof(text), "%.*s", (int)n, whole[i]);
			(void)port_spec_parse(text, &s, &e);
			strcpy(text, whole[i]);
			for (int c = 1; c < 256; c++) {
				text[n] = (char)c;
				if (port_spec_parse(text, &s, &e))
					assert_true(e.text[0]);
			}
		}
	}
}

static void tunnels_are_described_in_full(void **state)
{
	struct vxlan_addr a;
	struct tunnel_cfg c;

	assert_int_equal(tunnel_cfg_parse("local=192.0.2.1,uplink=eth1", &c, &e), 0);
	assert_true(c.flow_remote && c.flow_vni);
	assert_int_equal(c.dport, 4789);
	assert_int_equal(c.plen, VTEP_PLEN_UNSET);
	assert_string_equal(c.uplink, "eth1");

	assert_int_equal(tunnel_cfg_parse("local=192.0.2.1/24,gateway=192.0.2.254,uplink=eth1,"
					  "remote=198.51.100.7,vni=16777215,dport=8472,vlan=30",
					  &c, &e),
			 0);
	assert_false(c.flow_remote || c.flow_vni);
	assert_int_equal(c.vni, 16777215);
	assert_int_equal(c.dport, 8472);
	assert_int_equal(c.vid, 30);
	assert_int_equal(c.plen, 24);
	assert_int_equal(vxlan_addr_parse("198.51.100.7", &a), 0);
	assert_true(vxlan_addr_eq(&a, &c.remote));
	assert_int_equal(tunnel_cfg_parse("local=192.0.2.1,uplink=u,vni=0", &c, &e), 0);
	assert_false(c.flow_vni); /* VNI 0 is one like any other */
}

static void tunnels_that_cannot_be_are_refused(void **state)
{
	static const char *const texts[][2] = {
		{ "", "local is missing" },
		{ "uplink=u", "local is missing" },
		{ "local=192.0.2.1", "uplink is missing" },
		{ "local=192.0.2.256,uplink=u", "192.0.2.256" },
		{ "local=192.0.2.1/33,uplink=u", "33" },
		{ "local=192.0.2.1,uplink=u,remote=2001:db8::1", "family" },
		{ "local=192.0.2.1,uplink=u,remote=192.0.2.1", "same address" },
		{ "local=192.0.2.1,uplink=u,remote=239.1.1.1", "group" },
		{ "local=192.0.2.1,uplink=u,remote=0.0.0.0", "remote=0.0.0.0" },
		{ "local=192.0.2.1,uplink=u,vni=16777216", "vni" },
		{ "local=192.0.2.1,uplink=u,vni=x", "vni" },
		{ "local=192.0.2.1,uplink=u,dport=0", "dport" },
		{ "local=192.0.2.1,uplink=u,dport=65536", "dport" },
		{ "local=192.0.2.1,uplink=u,vlan=4095", "vlan" },
		{ "local=192.0.2.1,uplink=abcdefghijklmnop", "uplink" },
		{ "local=192.0.2.1,uplink=u,key=1", "'key'" },
		{ "local", "no value" },
	};
	struct tunnel_cfg c;

	for (unsigned int i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(tunnel_cfg_parse(texts[i][0], &c, &e), -EINVAL);
		if (!strstr(e.text, texts[i][1]))
			fail_msg("%s: '%s' does not say '%s'", texts[i][0], e.text, texts[i][1]);
	}
}

static void a_port_has_name_and_number(void **state)
{
	struct opt_port p;

	assert_int_equal(opt_port_parse("eth1=af_packet:eth1", &p, &e), 0);
	assert_string_equal(p.name, "eth1");
	assert_int_equal(p.no, 0);
	assert_int_equal(opt_port_parse("v@65279=vdev:net_null0,size=64", &p, &e), 0);
	assert_int_equal(p.no, 65279);
	assert_string_equal(p.spec.device, "net_null0,size=64");
	assert_int_equal(opt_port_parse("br0@LOCAL=tap:br0", &p, &e), 0);
	assert_int_equal(p.no, OFPP_LOCAL);
	assert_int_equal(opt_port_parse("af_packet:eth1", &p, &e), -EINVAL);
	assert_int_equal(opt_port_parse("=tap:t", &p, &e), -EINVAL);
	assert_int_equal(opt_port_parse("@1=tap:t", &p, &e), -EINVAL);
	assert_int_equal(opt_port_parse("p@=tap:t", &p, &e), -EINVAL);
	assert_int_equal(opt_port_parse("p@0=tap:t", &p, &e), -EINVAL);
	assert_int_equal(opt_port_parse("p@65280=tap:t", &p, &e), -EINVAL);
	assert_int_equal(opt_port_parse("p@1x=tap:t", &p, &e), -EINVAL);
	assert_int_equal(opt_port_parse("p@local=tap:t", &p, &e), -EINVAL);
	assert_int_equal(opt_port_parse("abcdefghijklmnop=tap:t", &p, &e), -EINVAL);
	/* An @ or = in the specification is not the name's. */
	assert_int_equal(opt_port_parse("p=vdev:net_x0,a=b@c", &p, &e), 0);
	assert_string_equal(p.spec.device, "net_x0,a=b@c");
}

/* ---- The command line and the file ---- */

static int parse(struct options *o, const char *const *args)
{
	/* Options point into it. */
	static char *argv[16];
	int argc = 0;

	argv[argc++] = (char *)(uintptr_t) "weft-switch";
	for (; *args; args++)
		argv[argc++] = (char *)(uintptr_t)*args;
	argv[argc] = NULL;
	e.text[0] = 0;
	return options_parse(o, argc, argv, &e);
}

#define PARSE(o, ...) parse(o, (const char *const[]){ __VA_ARGS__, NULL })

static void defaults_need_nothing(void **state)
{
	struct options o, again;

	assert_int_equal(parse(&o, (const char *const[]){ NULL }), 0);
	assert_string_equal(o.name, "br0");
	assert_true(o.dpid && !(o.dpid >> 48));
	assert_int_equal(o.dpid >> 40 & 3, 2); /* a local, individual address */
	assert_int_equal(PARSE(&again, "--name", "br1"), 0);
	assert_true(again.dpid != o.dpid);
	options_fini(&again);
	assert_int_equal(parse(&again, (const char *const[]){ NULL }), 0);
	assert_true(again.dpid == o.dpid);
	options_fini(&again);
	options_fini(&o);
}

static void options_are_taken(void **state)
{
	struct options o;

	assert_int_equal(PARSE(&o, "--dpid=0x00ff", "--controller", "tcp:192.0.2.1:6653",
			       "--controller=tcp:192.0.2.2:6653", "--fail-mode", "standalone",
			       "--packet-in-rate", "100,7", "--port", "a=tap:a", "--", "-m", "64"),
			 0);
	assert_int_equal(o.dpid, 0xff);
	assert_int_equal(o.controllers.n, 2);
	assert_string_equal(o.controllers.v[1], "tcp:192.0.2.2:6653");
	assert_true(o.standalone);
	assert_int_equal(o.packet_in_rate, 100);
	assert_int_equal(o.packet_in_burst, 7);
	assert_int_equal(o.n_eal_args, 2);
	assert_string_equal(o.eal_args[0], "-m");
	options_fini(&o);
}

static void options_are_refused(void **state)
{
	static const char *const bad_args[][3] = {
		{ "--nonsense", NULL, "'--nonsense'" },
		{ "eth1", NULL, "'eth1'" },
		{ "-p", NULL, "'-p'" },
		{ "--name", NULL, "needs a value" },
		{ "--name", "", "1 to 31" },
		{ "--name", "a/b", "no slash" },
		{ "--dpid", "0", "dpid '0'" },
		{ "--dpid", "12345678901234567", "dpid" },
		{ "--dpid", "xyz", "dpid 'xyz'" },
		{ "--fail-mode", "open", "secure or standalone" },
		{ "--cache-entries", "1000", "power of two" },
		{ "--cache-entries", "-8", "0 to" },
		{ "--mbufs", "10", "1024" },
		{ "--packet-in-rate", "1,x", "packet-in-rate" },
		{ "--port", "p=foo:bar", "'foo' is no type" },
		{ "--help=yes", NULL, "takes no value" },
		{ "--config", "/nonesuch/weft.yaml", "/nonesuch/weft.yaml" },
	};
	struct options o;

	for (unsigned int i = 0; i < sizeof(bad_args) / sizeof(bad_args[0]); i++) {
		const char *args[] = { bad_args[i][0], bad_args[i][1], NULL };

		assert_true(parse(&o, args) < 0);
		if (!strstr(e.text, bad_args[i][2]))
			fail_msg("%s: '%s' does not say '%s'", args[0], e.text, bad_args[i][2]);
		options_fini(&o);
	}
}

static char path[] = "/tmp/weft-port-XXXXXX";

static void file_is(const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void the_file_says_the_same(void **state)
{
	struct options o;

	file_is("name: br7\ndpid: 2a\ncontroller: tcp:192.0.2.1:6653\n"
		"port:\n  - a@1=tap:a\n  - \"b@2=tap:b;tag=5\"\ncache-entries: 0\n");
	assert_int_equal(PARSE(&o, "--name", "br8", "--config", path, "--port", "c=tap:c"), 0);
	assert_string_equal(o.name, "br8"); /* the command line wins */
	assert_int_equal(o.dpid, 0x2a);
	assert_int_equal(o.ports.n, 3);
	assert_string_equal(o.ports.v[1], "b@2=tap:b;tag=5");
	assert_int_equal(o.cache_entries, 0);
	assert_int_equal(o.controllers.n, 1);
	options_fini(&o);
	file_is("");
	assert_int_equal(PARSE(&o, "--config", path), 0);
	options_fini(&o);
}

static void the_file_is_refused_with_its_line(void **state)
{
	static const char *const texts[][2] = {
		{ "name: br0\ncolour: red\n", ":2: unknown key 'colour'" },
		{ "config: other.yaml\n", ":1: unknown key 'config'" },
		{ "help: yes\n", ":1: unknown key 'help'" },
		{ "name: [a, b]\n", ":1: 'name' takes one value" },
		{ "mbufs: many\n", ":1: mbufs 'many'" },
		{ "port:\n  - [a]\n", ":2: 'port': one value" },
		{ "- a\n- b\n", ":1: lines of the form" },
		{ "name: \"br0\n", ":" },
		{ "{a: {b: c}}\n", ":1: unknown key 'a'" },
	};
	struct options o;

	for (unsigned int i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		file_is(texts[i][0]);
		assert_int_equal(PARSE(&o, "--config", path), -EINVAL);
		if (!strstr(e.text, texts[i][1]) || !strstr(e.text, path))
			fail_msg("'%s': '%s' does not say '%s'", texts[i][0], e.text, texts[i][1]);
		options_fini(&o);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_type_has_its_device),
		cmocka_unit_test(options_follow_the_semicolon),
		cmocka_unit_test(what_is_wrong_is_said),
		cmocka_unit_test(every_cut_and_change_is_survived),
		cmocka_unit_test(tunnels_are_described_in_full),
		cmocka_unit_test(tunnels_that_cannot_be_are_refused),
		cmocka_unit_test(a_port_has_name_and_number),
		cmocka_unit_test(defaults_need_nothing),
		cmocka_unit_test(options_are_taken),
		cmocka_unit_test(options_are_refused),
		cmocka_unit_test(the_file_says_the_same),
		cmocka_unit_test(the_file_is_refused_with_its_line),
	};
	int fd = mkstemp(path), rc;

	if (fd < 0)
		return 1;
	close(fd);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return rc;
}

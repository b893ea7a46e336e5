/* SPDX-License-Identifier: Apache-2.0 */
/* Packets sent, ports and the switch's configuration changed. */
#include <errno.h>
#include <string.h>

#include "cli/ofctl.h"

/* ---- packet-out ---- */

/* ovs-ofctl's older form: IN_PORT ACTIONS PACKET... */
static void add_packets(struct ofctl_mods *m, struct ofctl_conn *c, int argc, char **argv)
{
	for (int i = 4; i < argc; i++) {
		struct of_packet_out *po = OF_NEW(&m->arena, packet_out);
		struct err e = { "" };
		int r = po ? 0 : -ENOMEM;

		if (r)
			ofctl_die("out of memory");
		po->buffer_id = OFP_NO_BUFFER;
		r = of_parse_port(argv[2], ofctl_names(c), &po->in_port, &e);
		if (!r)
			r = of_parse_actions(argv[3], ofctl_names(c), &m->arena, &po->actions, &e);
		if (!r)
			r = of_parse_packet(argv[i], &m->arena, &po->data, &e);
		if (r)
			ofctl_die("%s", e.text);
		ofctl_mods_add(m, po, 0);
	}
}

int ofctl_packet_out(int argc, char **argv)
{
	struct ofctl_conn *c = ofctl_connect(argv[1]);
	struct of_packet_out *po;
	struct ofctl_mods m;
	struct err e = { "" };
	int status;

	ofctl_mods_init(&m, NULL);
	if (argc == 4)
		ofctl_die("packet-out takes \"in_port=P packet=HEX actions=A\", or IN_PORT ACTIONS "
			  "PACKET...");
	if (argc > 4) {
		add_packets(&m, c, argc, argv);
	} else {
		if (of_parse_packet_out(argv[2], ofctl_names(c), &m.arena, &po, &e))
			ofctl_die("%s", e.text);
		ofctl_mods_add(&m, po, 0);
	}
	status = ofctl_mods_send(&m, c, ofctl_options.bundle);
	ofctl_close(c);
	return status;
}

/* ---- mod-port ---- */

static const struct {
	const char *name;
	uint32_t config, mask; /* mask 0: OpenFlow 1.3 has no such bit */
} settings[] = {
	{ "up", 0, OFPPC_PORT_DOWN },
	{ "down", OFPPC_PORT_DOWN, OFPPC_PORT_DOWN },
	{ "receive", 0, OFPPC_NO_RECV },
	{ "no-receive", OFPPC_NO_RECV, OFPPC_NO_RECV },
	{ "forward", 0, OFPPC_NO_FWD },
	{ "no-forward", OFPPC_NO_FWD, OFPPC_NO_FWD },
	{ "packet-in", 0, OFPPC_NO_PACKET_IN },
	{ "no-packet-in", OFPPC_NO_PACKET_IN, OFPPC_NO_PACKET_IN },
	{ "flood", 0, 0 },
	{ "no-flood", 0, 0 },
	{ "stp", 0, 0 },
	{ "no-stp", 0, 0 },
	{ "receive-stp", 0, 0 },
	{ "no-receive-stp", 0, 0 },
};

int ofctl_mod_port(int argc, char **argv)
{
	unsigned int n = sizeof(settings) / sizeof(settings[0]), i = 0;
	struct of_port_mod mod = { .kind = OF_KIND_port_mod };
	const struct of_port *p;
	struct ofctl_conn *c;
	struct ofctl_mods m;
	int status;

	while (i < n && strcasecmp(settings[i].name, argv[3]))
		i++;
	if (i == n)
		ofctl_die("unknown mod-port command '%s': expected up, down, [no-]receive, "
			  "[no-]forward or [no-]packet-in",
			  argv[3]);
	if (!settings[i].mask)
		ofctl_die("mod-port %s: a port of OpenFlow 1.3 has no such setting", argv[3]);
	c = ofctl_connect(argv[1]);
	p = ofctl_find_port(c, argv[2]);
	if (!p)
		ofctl_die("%s: couldn't find port `%s'", ofctl_target(c), argv[2]);
	mod.port_no = p->port_no;
	memcpy(mod.hw_addr, p->hw_addr, sizeof(mod.hw_addr));
	mod.config = settings[i].config;
	mod.mask = settings[i].mask;
	ofctl_mods_init(&m, NULL);
	ofctl_mods_add(&m, &mod, 0);
	status = ofctl_mods_send(&m, c, false);
	ofctl_close(c);
	return status;
}

/* ---- Fragments ---- */

static struct of_get_config_reply *get_config(struct ofctl_conn *c, struct arena *a)
{
	struct of_get_config_request q = { .kind = OF_KIND_get_config_request };
	const struct of_msg *m = ofctl_ask(c, &q, a, false);

	if (m->type != OFPT_GET_CONFIG_REPLY)
		ofctl_die("%s answers get_config with a message of type %u", ofctl_target(c),
			  m->type);
	return (struct of_get_config_reply *)m->body;
}

int ofctl_get_frags(int argc, char **argv)
{
	struct ofctl_conn *c = ofctl_connect(argv[1]);
	struct arena a;

	arena_init(&a, 0);
	puts(of_frags_name(get_config(c, &a)->flags));
	arena_fini(&a);
	ofctl_close(c);
	return 0;
}

int ofctl_set_frags(int argc, char **argv)
{
	struct of_set_config set = { .kind = OF_KIND_set_config };
	const struct of_get_config_reply *now;
	struct ofctl_conn *c;
	struct ofctl_mods m;
	struct arena a;
	uint16_t mode = 0;
	int status = 0;

	while (mode <= OFPC_FRAG_MASK && strcasecmp(of_frags_name(mode), argv[2]))
		mode++;
	if (mode > OFPC_FRAG_MASK)
		ofctl_die(
			"%s: unknown fragment handling mode: expected normal, drop, reassemble or "
			"nx-match",
			argv[2]);
	c = ofctl_connect(argv[1]);
	arena_init(&a, 0);
	now = get_config(c, &a);
	set.miss_send_len = now->miss_send_len;
	set.flags = (uint16_t)((now->flags & ~OFPC_FRAG_MASK) | mode);
	if ((now->flags & OFPC_FRAG_MASK) == mode)
		goto done;
	ofctl_mods_init(&m, NULL);
	ofctl_mods_add(&m, &set, 0);
	status = ofctl_mods_send(&m, c, false);
	if (!status && (get_config(c, &a)->flags & OFPC_FRAG_MASK) != mode)
		ofctl_die(
			"%s: setting fragment handling mode failed (the switch does not have mode "
			"\"%s\")",
			ofctl_target(c), argv[2]);
done:
	arena_fini(&a);
	ofctl_close(c);
	return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What stands behind --port NAME=: "TYPE:DEVICE;option=value,...". */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/port.h"
#include "datapath/tunnel.h"

enum { MTU_MIN = 68, MTU_MAX = 9216, IFNAME_MAX = 15, UNIX_PATH_MAX = 107 };

static int check_ifname(const char *s, struct err *e);
static int check_vdev(const char *s, struct err *e);
static int check_pci(const char *s, struct err *e);
static int check_vhost(const char *s, struct err *e);
static int check_vxlan(const char *s, struct err *e);

static const struct {
	const char *name;
	const char *example;
	int (*check)(const char *device, struct err *e);
	bool bare; /* may stand without a device */
} types[] = {
	[PORT_VDEV] = { "vdev", "vdev:net_null0", check_vdev },
	[PORT_DPDK] = { "dpdk", "dpdk:0000:01:00.0", check_pci },
	[PORT_AF_PACKET] = { "af_packet", "af_packet:eth1", check_ifname },
	[PORT_AF_XDP] = { "af_xdp", "af_xdp:eth1", check_ifname },
	[PORT_TAP] = { "tap", "tap:tap1", check_ifname },
	[PORT_VHOST_USER] = { "vhost-user", "vhost-user:/run/vm1.sock", check_vhost },
	[PORT_VXLAN] = { "vxlan", "vxlan:local=192.0.2.1,uplink=eth1,remote=flow,vni=flow",
			 check_vxlan, true },
};

enum { N_TYPES = sizeof(types) / sizeof(types[0]) };

const char *port_type_name(enum port_type t)
{
	return types[t].name;
}

/* ---- The device ---- */

static int check_ifname(const char *s, struct err *e)
{
	size_t n = strlen(s);

	if (!n || n > IFNAME_MAX || !strcmp(s, ".") || !strcmp(s, ".."))
		return err_set(e, -EINVAL,
			       "interface name '%s' has %zu characters: 1 to %d are right", s, n,
			       IFNAME_MAX);
	for (; *s; s++)
		if (strchr("/,: ", *s) || (unsigned char)*s <= ' ')
			return err_set(e, -EINVAL, "interface name has a character '%c' in it", *s);
	return 0;
}

static int check_vdev(const char *s, struct err *e)
{
	size_t n = strcspn(s, ",");

	if (!n || n > 60)
		return err_set(e, -EINVAL,
			       "a DPDK device name is missing: as in vdev:net_pcap0,iface=eth1");
	return 0;
}

static int check_pci(const char *s, struct err *e)
{
	unsigned int dom, bus, dev, fn;
	int n = 0;

	if ((sscanf(s, "%4x:%2x:%2x.%1x%n", &dom, &bus, &dev, &fn, &n) == 4 && !s[n]) ||
	    (sscanf(s, "%2x:%2x.%1x%n", &bus, &dev, &fn, &n) == 3 && !s[n]))
		return 0;
	return err_set(e, -EINVAL, "'%s' is no PCI address: as in 0000:01:00.0", s);
}

static int check_vhost(const char *s, struct err *e)
{
	size_t n = strcspn(s, ",");

	if (!n || n > UNIX_PATH_MAX)
		return err_set(e, -EINVAL, "socket path of %zu characters: 1 to %d are right", n,
			       UNIX_PATH_MAX);
	if (s[n] && strcmp(s + n, ",server"))
		return err_set(e, -EINVAL, "'%s' after the path: only ',server' may stand there",
			       s + n);
	return 0;
}

static int check_vxlan(const char *s, struct err *e)
{
	struct tunnel_cfg cfg;

	return tunnel_cfg_parse(s, &cfg, e);
}

/* ---- Weft's own options ---- */

struct opts { /* texts of the VLAN options until all of them are known */
	const char *mode, *tag, *trunks, *prio;
};

static int opt_number(const char *name, const char *v, unsigned int min, unsigned int max,
		      uint16_t *out, struct err *e)
{
	char *end;
	unsigned long n = strtoul(v, &end, 10);

	if (*v < '0' || *v > '9' || *end || n < min || n > max)
		return err_set(e, -EINVAL, "%s=%s: a number from %u to %u is right", name, v, min,
			       max);
	*out = (uint16_t)n;
	return 0;
}

static int opt_text(const char *name, const char *v, char *out, size_t size, struct err *e)
{
	if (!*v || strlen(v) >= size)
		return err_set(e, -EINVAL, "%s has %zu characters: 1 to %zu are right", name,
			       strlen(v), size - 1);
	memcpy(out, v, strlen(v) + 1);
	return 0;
}

static int opt_queue(struct port_spec *s, const char *v, struct err *e)
{
	struct queue_cfg c;
	int rc = queue_cfg_parse(v, &c, e);

	if (rc)
		return rc;
	for (uint32_t i = 0; i < s->n_queue; i++)
		if (s->queue[i].id == c.id)
			return err_set(e, -EINVAL, "queue %u is there twice", c.id);
	if (s->n_queue == QUEUES_MAX)
		return err_set(e, -EINVAL, "more than %d queues on one port", QUEUES_MAX);
	s->queue[s->n_queue++] = c;
	return 0;
}

static int option(struct port_spec *s, struct opts *o, const char *name, const char *v,
		  struct err *e)
{
	if (!strcmp(name, "iface-id"))
		return opt_text(name, v, s->iface_id, sizeof(s->iface_id), e);
	if (!strcmp(name, "physnet"))
		return opt_text(name, v, s->physnet, sizeof(s->physnet), e);
	if (!strcmp(name, "owner"))
		return opt_text(name, v, s->owner, sizeof(s->owner), e);
	if (!strcmp(name, "mtu"))
		return opt_number(name, v, MTU_MIN, MTU_MAX, &s->mtu, e);
	if (!strcmp(name, "queues"))
		return opt_number(name, v, 1, PORT_QUEUES_MAX, &s->queues, e);
	if (!strcmp(name, "speed"))
		return queue_rate_parse(v, &s->speed, e);
	if (!strcmp(name, "queue"))
		return opt_queue(s, v, e);
	if (!strcmp(name, "vlan-mode"))
		o->mode = v;
	else if (!strcmp(name, "tag"))
		o->tag = v;
	else if (!strcmp(name, "trunks"))
		o->trunks = v;
	else if (!strcmp(name, "priority-tags"))
		o->prio = v;
	else
		return err_set(e, -EINVAL,
			       "unknown option '%s' after the semicolon: iface-id, physnet, "
			       "owner, vlan-mode, tag, trunks, priority-tags, mtu, queues, queue "
			       "and speed "
			       "are known",
			       name);
	s->has_vlan = true;
	return 0;
}

static int options(struct port_spec *s, char *text, struct err *e)
{
	struct opts o = { 0 };
	char *save = NULL;
	int rc;

	for (char *t = strtok_r(text, ",", &save); t; t = strtok_r(NULL, ",", &save)) {
		char *eq = strchr(t, '=');

		if (!eq)
			return err_set(e, -EINVAL, "option '%s' has no value: NAME=VALUE is right",
				       t);
		*eq = 0;
		rc = option(s, &o, t, eq + 1, e);
		if (rc)
			return rc;
	}
	if (s->type == PORT_VXLAN && (s->n_queue || s->speed))
		return err_set(e, -EINVAL,
			       "queue and speed are its uplink's: frames of a tunnel go to the "
			       "queues of the port that they leave by");
	vlan_port_init(&s->vlan);
	if (!s->has_vlan)
		return 0;
	return vlan_port_parse(&s->vlan, o.mode, o.tag, o.trunks, o.prio, e);
}

/* ---- The whole ---- */

static int split(struct port_spec *s, char *text, struct err *e)
{
	char *semi = strchr(text, ';');
	char *colon;
	int t, rc;

	if (semi)
		*semi++ = 0;
	colon = strchr(text, ':');
	if (colon)
		*colon++ = 0;
	for (t = 0; t < N_TYPES; t++)
		if (!strcmp(text, types[t].name))
			break;
	if (t == N_TYPES)
		return err_set(e, -EINVAL,
			       "'%s' is no type of port: vdev, dpdk, af_packet, af_xdp, tap, "
			       "vhost-user and vxlan are, as in af_packet:eth1",
			       text);
	s->type = (enum port_type)t;
	if (!colon && !types[t].bare)
		return err_set(e, -EINVAL, "%s needs a device: as in %s", types[t].name,
			       types[t].example);
	if (colon && strlen(colon) >= sizeof(s->device))
		return err_set(e, -EINVAL, "device of %zu characters: at most %zu", strlen(colon),
			       sizeof(s->device) - 1);
	strcpy(s->device, colon ? colon : "");
	rc = types[t].check(s->device, e);
	if (rc)
		return err_wrap(e, rc, "%s", types[t].name);
	return options(s, semi ? semi : (char[]){ "" }, e);
}

int port_spec_parse(const char *text, struct port_spec *out, struct err *e)
{
	char copy[sizeof(out->text)];
	size_t n = strlen(text);

	memset(out, 0, sizeof(*out));
	if (n >= sizeof(out->text))
		return err_set(e, -EINVAL, "port specification of %zu characters: at most %zu", n,
			       sizeof(out->text) - 1);
	memcpy(out->text, text, n + 1);
	memcpy(copy, text, n + 1);
	return split(out, copy, e);
}

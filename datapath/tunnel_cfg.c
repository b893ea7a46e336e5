/* SPDX-License-Identifier: Apache-2.0 */
/* "vxlan:" and what follows: "local=192.0.2.1/24,uplink=eth1,remote=flow,vni=flow". */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "datapath/tunnel.h"
#include "vxlan/hdr.h"
#include "vxlan/vtep.h"

static int number(const char *name, const char *v, unsigned long max, uint32_t *out, struct err *e)
{
	char *end;
	unsigned long n = strtoul(v, &end, 10);

	if (*v < '0' || *v > '9' || *end || n > max)
		return err_set(e, -EINVAL, "%s=%s: a number up to %lu is right", name, v, max);
	*out = (uint32_t)n;
	return 0;
}

static int small(const char *name, const char *v, unsigned long max, uint16_t *out, struct err *e)
{
	uint32_t n = 0;
	int rc = number(name, v, max, &n, e);

	if (!rc && !n)
		rc = err_set(e, -EINVAL, "%s=0: a number from 1 to %lu is right", name, max);
	*out = (uint16_t)n;
	return rc;
}

static int set_remote(struct tunnel_cfg *c, const char *v, struct err *e)
{
	c->flow_remote = !strcmp(v, "flow");
	if (c->flow_remote)
		return 0;
	if (vxlan_addr_parse(v, &c->remote) || vxlan_addr_is_zero(&c->remote))
		return err_set(e, -EINVAL, "remote=%s: an address, or 'flow', is right", v);
	if (vxlan_addr_is_multicast(&c->remote))
		return err_set(e, -EINVAL,
			       "remote=%s: a group address; flows replicate to each remote instead",
			       v);
	return 0;
}

static int set_vni(struct tunnel_cfg *c, const char *v, struct err *e)
{
	c->flow_vni = !strcmp(v, "flow");
	return c->flow_vni ? 0 : number("vni", v, VXLAN_VNI_MASK, &c->vni, e);
}

static int set_uplink(struct tunnel_cfg *c, const char *v, struct err *e)
{
	if (!*v || strlen(v) > PORT_NAME_MAX)
		return err_set(e, -EINVAL, "uplink=%s: the name of a port is right", v);
	memcpy(c->uplink, v, strlen(v) + 1);
	return 0;
}

/* Addresses wait until both are known: the gateway belongs to the local one. */
struct addresses {
	const char *local, *gateway;
};

static int set(struct tunnel_cfg *c, struct addresses *a, const char *name, const char *v,
	       struct err *e)
{
	if (!strcmp(name, "local"))
		a->local = v;
	else if (!strcmp(name, "gateway"))
		a->gateway = v;
	else if (!strcmp(name, "remote"))
		return set_remote(c, v, e);
	else if (!strcmp(name, "vni"))
		return set_vni(c, v, e);
	else if (!strcmp(name, "uplink"))
		return set_uplink(c, v, e);
	else if (!strcmp(name, "dport"))
		return small(name, v, 65535, &c->dport, e);
	else if (!strcmp(name, "vlan"))
		return small(name, v, 4094, &c->vid, e);
	else
		return err_set(e, -EINVAL,
			       "unknown option '%s': local, uplink, remote, vni, dport, gateway "
			       "and vlan are known",
			       name);
	return 0;
}

static int set_local(struct tunnel_cfg *c, const struct addresses *a, struct err *e)
{
	struct vtep_local l;
	int rc;

	if (!a->local || !c->uplink[0])
		return err_set(e, -EINVAL,
			       "%s is missing: local=IP is the tunnel's own address, uplink=PORT "
			       "the port that carries it",
			       a->local ? "uplink" : "local");
	rc = vtep_local_parse(&l, a->local, a->gateway, e);
	if (rc)
		return rc;
	c->local = l.addr;
	c->gateway = l.gateway;
	c->plen = l.plen;
	if (!c->flow_remote && vxlan_addr_is_v4(&c->remote) != vxlan_addr_is_v4(&c->local))
		return err_set(e, -EINVAL, "local and remote are not of one family");
	if (!c->flow_remote && vxlan_addr_eq(&c->remote, &c->local))
		return err_set(e, -EINVAL, "local and remote are the same address");
	return 0;
}

int tunnel_cfg_parse(const char *text, struct tunnel_cfg *c, struct err *e)
{
	char copy[sizeof(((struct port_spec *)NULL)->device)], *save = NULL;
	struct addresses a = { 0 };
	int rc;

	memset(c, 0, sizeof(*c));
	c->dport = VXLAN_PORT;
	c->flow_remote = c->flow_vni = true;
	if (strlen(text) >= sizeof(copy))
		return err_set(e, -EINVAL, "too long: %zu characters", strlen(text));
	strcpy(copy, text);
	for (char *t = strtok_r(copy, ",", &save); t; t = strtok_r(NULL, ",", &save)) {
		char *eq = strchr(t, '=');

		if (!eq)
			return err_set(e, -EINVAL, "option '%s' has no value: NAME=VALUE is right",
				       t);
		*eq = 0;
		rc = set(c, &a, t, eq + 1, e);
		if (rc)
			return rc;
	}
	return set_local(c, &a, e);
}

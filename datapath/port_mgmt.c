/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/port_mgmt.h"

#include <errno.h>
#include <string.h>

#include "datapath/tunnel.h"

static char *format_ip(const struct vxlan_addr *ip, struct arena *a)
{
	char text[VXLAN_ADDR_STRLEN];

	return arena_strdup(a, vxlan_addr_format(ip, text));
}

static Weft__Vxlan *vxlan(const struct tunnel_cfg *cfg, struct arena *a)
{
	Weft__Vxlan *v = arena_get(a, sizeof(*v));
	char text[16];

	if (!v)
		return NULL;
	weft__vxlan__init(v);
	v->local = format_ip(&cfg->local, a);
	v->remote = cfg->flow_remote ? (char *)"flow" : format_ip(&cfg->remote, a);
	snprintf(text, sizeof(text), "%u", cfg->vni);
	v->vni = cfg->flow_vni ? (char *)"flow" : arena_strdup(a, text);
	v->uplink = arena_strdup(a, cfg->uplink);
	v->dport = cfg->dport;
	return v->local && v->remote && v->vni && v->uplink ? v : NULL;
}

int drops_mgmt(const uint64_t drops[N_DROPS], bool all, struct arena *a, Weft__Drop ***rows,
	       size_t *n)
{
	*n = 0;
	*rows = arena_get(a, N_DROPS * sizeof(**rows));
	if (!*rows)
		return -ENOMEM;
	for (unsigned int i = 0; i < N_DROPS; i++) {
		Weft__Drop *d;

		if (!all && !drops[i])
			continue;
		d = arena_get(a, sizeof(*d));
		if (!d)
			return -ENOMEM;
		weft__drop__init(d);
		d->name = (char *)(uintptr_t)drop_names[i];
		d->text = (char *)(uintptr_t)drop_texts[i];
		d->count = drops[i];
		(*rows)[(*n)++] = d;
	}
	return 0;
}

static Weft__PortCounters *counters(const struct dp *dp, const struct port *p,
				    struct arena *a) CONTROL
{
	Weft__PortCounters *c = arena_get(a, sizeof(*c));
	struct of_port_stats s = { .kind = OF_KIND_port_stats };

	if (!c)
		return NULL;
	weft__port_counters__init(c);
	port_stats(dp, p, &s); /* with the device's own errors */
	c->rx_packets = s.rx_packets;
	c->rx_bytes = s.rx_bytes;
	c->rx_dropped = s.rx_dropped;
	c->rx_errors = s.rx_errors;
	c->tx_packets = s.tx_packets;
	c->tx_bytes = s.tx_bytes;
	c->tx_dropped = s.tx_dropped;
	c->tx_errors = s.tx_errors;
	return c;
}

/* The tag and the trunks, only where --port said something of VLANs. */
static int vlans(const struct port_spec *spec, struct arena *a, Weft__Port *out)
{
	const struct vlan_port *v = &spec->vlan;

	out->vlan_mode = (char *)"";
	if (!spec->has_vlan)
		return 0;
	out->vlan_mode = (char *)(uintptr_t)vlan_mode_text(v->mode);
	out->tag = v->tag;
	if (v->all || v->mode == VLAN_MODE_ACCESS)
		return 0;
	out->trunks = arena_get(a, 4096 * sizeof(*out->trunks));
	if (!out->trunks)
		return -ENOMEM;
	for (unsigned int vid = 0; vid < 4096; vid++)
		if (vlan_set_has(&v->trunks, (uint16_t)vid))
			out->trunks[out->n_trunks++] = vid;
	return 0;
}

Weft__Port *port_mgmt(const struct dp *dp, const struct port *p, struct arena *a)
{
	const struct port_spec *spec = port_spec(p);
	struct port_counters sum;
	uint64_t drops[N_DROPS];
	Weft__Port *out = arena_get(a, sizeof(*out));

	if (!out)
		return NULL;
	weft__port__init(out);
	out->name = arena_strdup(a, port_name(p));
	out->ofport = p->no;
	out->spec = arena_strdup(a, spec->text);
	out->type = (char *)(uintptr_t)port_type_name(spec->type);
	out->iface_id = arena_strdup(a, spec->iface_id[0] ? spec->iface_id : port_name(p));
	out->physnet = arena_strdup(a, spec->physnet);
	out->mtu = p->mtu;
	out->link_up = !(atomic_load_explicit(&p->state, memory_order_relaxed) & OFPPS_LINK_DOWN);
	out->admin_up = !(atomic_load_explicit(&p->config, memory_order_relaxed) & OFPPC_PORT_DOWN);
	out->mac.len = 6;
	out->mac.data = arena_dup(a, p->mac, 6);
	out->rx_queues = p->n_rxq;
	out->tx_queues = p->n_txq;
	if (spec->type == PORT_VXLAN) {
		out->vxlan = vxlan(tunnel_cfg(p), a);
		if (!out->vxlan)
			return NULL;
	}
	port_counters(dp, p, &sum);
	for (unsigned int i = 0; i < N_DROPS; i++)
		drops[i] = counter_get(&sum.drops[i]);
	out->counters = counters(dp, p, a);
	if (!out->name || !out->spec || !out->iface_id || !out->physnet || !out->mac.data ||
	    !out->counters || vlans(spec, a, out) ||
	    drops_mgmt(drops, false, a, &out->drops, &out->n_drops))
		return NULL;
	return out;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* sample, as ovs-actions(7) tells it: what a collector is told of a packet. */
#include <stdlib.h>
#include <string.h>

#include "datapath/ref_priv.h"
#include "datapath/sample.h"
#include "ofproto/nx.h"

static uint32_t number(const struct ref_frame *f, enum of_field_id id)
{
	const struct ref_bits b = ref_get(f, &of_fields[id]);
	uint32_t v = 0;

	if (!ref_meets(f, &of_fields[id]))
		return 0;
	for (unsigned int i = 0; i < b.n; i++)
		v |= (uint32_t)b.bit[i] << i;
	return v;
}

static void bytes(const struct ref_frame *f, enum of_field_id id, uint8_t *to)
{
	const struct ref_bits b = ref_get(f, &of_fields[id]);

	if (!ref_meets(f, &of_fields[id]))
		return;
	for (unsigned int i = 0; i < b.n; i++)
		to[b.n / 8 - 1 - i / 8] |= (uint8_t)(b.bit[i] << i % 8);
}

static void ports(const struct ref_frame *f, struct sample *s, enum of_field_id src,
		  enum of_field_id dst)
{
	s->flow.tp_src = htobe16((uint16_t)number(f, src));
	s->flow.tp_dst = htobe16((uint16_t)number(f, dst));
}

/* Type and code stand where the source port of others does. */
static void icmp(const struct ref_frame *f, struct sample *s, enum of_field_id type,
		 enum of_field_id code)
{
	s->flow.tp_src = htobe16((uint16_t)(number(f, type) << 8 | number(f, code)));
}

static void layer4(const struct ref_frame *f, struct sample *s)
{
	switch (s->flow.proto) {
	case 1:
		if (s->flow.eth_type == 0x0800)
			icmp(f, s, OF_FIELD_ICMPV4_TYPE, OF_FIELD_ICMPV4_CODE);
		break;
	case 6:
		ports(f, s, OF_FIELD_TCP_SRC, OF_FIELD_TCP_DST);
		s->tcp_flags = (uint16_t)number(f, OF_FIELD_TCP_FLAGS);
		break;
	case 17:
		ports(f, s, OF_FIELD_UDP_SRC, OF_FIELD_UDP_DST);
		break;
	case 58:
		if (s->flow.eth_type == 0x86dd)
			icmp(f, s, OF_FIELD_ICMPV6_TYPE, OF_FIELD_ICMPV6_CODE);
		break;
	case 132:
		ports(f, s, OF_FIELD_SCTP_SRC, OF_FIELD_SCTP_DST);
		break;
	default:
		break;
	}
}

static void network(const struct ref_frame *f, struct sample *s)
{
	struct ref_look l;

	ref_look(f, &l);
	if (l.ip4 >= 0) {
		bytes(f, OF_FIELD_IPV4_SRC, s->flow.src);
		bytes(f, OF_FIELD_IPV4_DST, s->flow.dst);
		s->ip_bytes = ref_length(f) - (uint32_t)l.ip4;
	} else if (l.ip6 >= 0) {
		bytes(f, OF_FIELD_IPV6_SRC, s->flow.src);
		bytes(f, OF_FIELD_IPV6_DST, s->flow.dst);
		s->flow.label = htobe32(number(f, OF_FIELD_IPV6_FLABEL));
		s->ip_bytes = ref_length(f) - (uint32_t)l.ip6;
	} else {
		return;
	}
	s->flow.proto = (uint8_t)number(f, OF_FIELD_IP_PROTO);
	s->flow.tos = (uint8_t)(number(f, OF_FIELD_IP_DSCP) << 2 | number(f, OF_FIELD_IP_ECN));
	s->flow.ttl = (uint8_t)number(f, OF_FIELD_IP_TTL);
	s->flow.has_l4 = ref_has_l4(f);
	if (s->flow.has_l4)
		layer4(f, s);
}

void ref_sample(struct ref_run *x, const struct of_any *a)
{
	const struct ref_frame *f = &x->f;
	struct of_sample k;
	struct sample *s;

	of_sample_of(a, &k);
	if (!x->r->samples)
		x->r->samples = calloc(REF_SAMPLES, sizeof(*s));
	if (!x->r->samples || x->r->n_samples == REF_SAMPLES)
		return;
	s = &x->r->samples[x->r->n_samples++];
	memset(s, 0, sizeof(*s));
	s->flow.set = k.collector_set_id;
	s->flow.domain = k.obs_domain_id;
	s->flow.point = k.obs_point_id;
	s->probability = k.probability;
	s->flow.in_port = be32toh(f->meta.in_port);
	if (k.sampling_port != OFPP_ANY && k.sampling_port != OFPP_IN_PORT &&
	    k.sampling_port != s->flow.in_port)
		s->flow.out_port = k.sampling_port;
	s->flow.egress = s->flow.out_port != 0;
	if (k.direction)
		s->flow.egress = k.direction == NX_SAMPLE_EGRESS;
	s->bytes = f->n;
	s->flow.eth_type = (uint16_t)number(f, OF_FIELD_ETH_TYPE);
	s->flow.vlan_tci = (uint16_t)number(f, OF_FIELD_VLAN_TCI);
	bytes(f, OF_FIELD_ETH_SRC, s->flow.eth_src);
	bytes(f, OF_FIELD_ETH_DST, s->flow.eth_dst);
	network(f, s);
}

uint32_t ref_samples(struct ref *r, const struct sample **v)
{
	const uint32_t n = r->n_samples;

	*v = r->samples;
	r->n_samples = 0;
	return n;
}

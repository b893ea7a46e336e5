/* SPDX-License-Identifier: Apache-2.0 */
/* What answer() may say: members that belong together, and options as their protocols have them. */
#include "ofproto/answer.h"

#include <errno.h>
#include <string.h>

#include "base/byteorder.h"
#include "ofproto/codec.h"

enum { FILLED_UP = 8 }; /* zeros at an action's end are fewer */

/* ---- Options ---- */

int of_opt_first(enum of_opt_form form, const uint8_t *p, uint32_t n, struct of_opt *out)
{
	const uint32_t head = form == OF_OPT_DHCPV6 ? 4 : 2;

	if (!n || (form != OF_OPT_ND && n < FILLED_UP && of_all_zeros(p, n)))
		return 1;
	if (n < head)
		return -EINVAL;
	out->at = p;
	out->v = p + head;
	out->code = form == OF_OPT_DHCPV6 ? get_be16(p) : p[0];
	out->size = form == OF_OPT_DHCPV6 ? 4u + get_be16(p + 2)
					  : (form == OF_OPT_ND ? 8u * p[1] : 2u + p[1]);
	if (out->size < head || out->size > n)
		return -EINVAL;
	out->n = (uint16_t)(out->size - head);
	return 0;
}

bool of_opt_is_ours(enum of_opt_form form, uint16_t code)
{
	static const uint8_t dhcp[] = {
		0,	    DHCP_MASK,	 DHCP_REQUESTED,  DHCP_LEASE,	 DHCP_OVERLOAD,
		DHCP_TYPE,  DHCP_SERVER, DHCP_PARAMETERS, DHCP_MAX_SIZE, DHCP_CLIENT_ID,
		DHCP_RAPID, DHCP_RELAY,	 DHCP_END
	};
	static const uint8_t dhcpv6[] = { 0,
					  DHCPV6_CLIENT_ID,
					  DHCPV6_SERVER_ID,
					  DHCPV6_IA_NA,
					  DHCPV6_IA_TA,
					  DHCPV6_IAADDR,
					  DHCPV6_ORO,
					  DHCPV6_ELAPSED,
					  DHCPV6_RELAY_MSG,
					  DHCPV6_STATUS,
					  DHCPV6_RAPID,
					  DHCPV6_IA_PD,
					  DHCPV6_IAPREFIX };
	static const uint8_t nd[] = { 0, ND_SLL, ND_TLL };
	const struct {
		const uint8_t *p;
		size_t n;
	} sets[] = { { dhcp, sizeof(dhcp) }, { dhcpv6, sizeof(dhcpv6) }, { nd, sizeof(nd) } };

	return code <= UINT8_MAX && memchr(sets[form].p, code, sets[form].n);
}

static int refuse_opt(struct of_rd *r, const uint8_t *at, uint16_t code, const char *why)
{
	return of_refuse(r, at, OF_E(OFPET_BAD_ACTION, OFPBAC_BAD_ARGUMENT), "answer: option %u %s",
			 code, why);
}

/* What a router advertisement's options must be for hosts to look at the others (4.6.2, RFC 8106).
 */
static bool nd_opt_fits(const struct of_opt *o)
{
	switch (o->code) {
	case ND_PREFIX:
		return o->size == 32 && o->v[0] <= 128;
	case ND_MTU:
		return o->size == 8;
	case ND_RDNSS:
		return o->size >= 24 && o->size % 16 == 8;
	case ND_DNSSL:
		return o->size >= 16;
	default:
		return true;
	}
}

static int check_opts(struct of_rd *r, enum of_opt_form form, const struct of_span *s,
		      const uint8_t *at)
{
	struct of_opt o = { 0 };
	int rc;

	if (!s->n)
		return 0;
	if (s->n > OF_OPTS_MAX)
		return of_refuse(r, at, OF_E(OFPET_BAD_ACTION, OFPBAC_BAD_LEN),
				 "answer: options of %u bytes: at most %d are", s->n, OF_OPTS_MAX);
	for (uint32_t done = 0;; done += o.size) {
		rc = of_opt_first(form, s->p + done, s->n - done, &o);
		if (rc > 0)
			return 0;
		if (rc)
			return of_refuse(r, at, OF_E(OFPET_BAD_ACTION, OFPBAC_BAD_LEN),
					 "answer: what stands %u bytes into its options is none",
					 done);
		if (of_opt_is_ours(form, o.code))
			return refuse_opt(r, at, o.code, "is the switch's to write");
		if (form == OF_OPT_ND && !nd_opt_fits(&o))
			return refuse_opt(r, at, o.code, "is not of its length");
	}
}

/* ---- Addresses ---- */

#define BAD(what) of_refuse(r, at, OF_E(OFPET_BAD_ACTION, OFPBAC_BAD_ARGUMENT), "answer: %s", what)

bool of_ip_is_v4(const uint8_t ip[16])
{
	return of_all_zeros(ip, 10) && ip[10] == 0xff && ip[11] == 0xff;
}

static bool host4(const uint8_t ip[4])
{
	return ip[0] && ip[0] < 224 && ip[0] != 127;
}

static bool host6(const uint8_t ip[16])
{
	return ip[0] != 0xff && !of_all_zeros(ip, 15);
}

static bool link_local(const uint8_t ip[16])
{
	return ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80;
}

static bool station(const uint8_t mac[6])
{
	return !(mac[0] & 1) && !of_all_zeros(mac, 6);
}

/* ---- Kinds ---- */

static int check_dhcp(struct of_rd *r, const struct of_answer_dhcp *a, const uint8_t *at)
{
	if (!station(a->server_mac))
		return BAD("server_mac is no station's");
	if (!host4(a->address) || !host4(a->server))
		return BAD("address and server are those of hosts");
	if (a->prefix_len > 32)
		return BAD("a prefix of more than 32 bits");
	if (!a->lease)
		return BAD("a lease of no time");
	return check_opts(r, OF_OPT_DHCP, &a->options, at);
}

static int check_dhcpv6(struct of_rd *r, const struct of_answer_dhcpv6 *a, const uint8_t *at)
{
	const bool none = of_all_zeros(a->address, 16);

	if (!station(a->server_mac))
		return BAD("server_mac is no station's");
	if (!host6(a->server) || (!none && !host6(a->address)))
		return BAD("address and server are those of hosts");
	if (none && (a->preferred || a->valid))
		return BAD("lifetimes without an address");
	if (!none && (!a->valid || a->preferred > a->valid))
		return BAD("an address is valid for some time, and preferred for as long at most");
	return check_opts(r, OF_OPT_DHCPV6, &a->options, at);
}

static int check_ra(struct of_rd *r, const struct of_answer_ra *a, const uint8_t *at)
{
	enum { PREFERENCE = 0x18, RESERVED = 0x10, REACHABLE_MAX = 3600000 };

	if (!station(a->mac))
		return BAD("mac is no station's");
	if (!link_local(a->source))
		return BAD("a router's source is link-local (RFC 4861, 6.1.2)");
	if (a->flags & ~(WEFT_RA_MANAGED | WEFT_RA_OTHER | PREFERENCE) ||
	    (a->flags & PREFERENCE) == RESERVED)
		return BAD("unknown flags");
	if (a->reachable > REACHABLE_MAX)
		return BAD("reachable for more than an hour (RFC 4861, 6.2.1)");
	return check_opts(r, OF_OPT_ND, &a->options, at);
}

static int check_nd(struct of_rd *r, const struct of_answer_nd *a, const uint8_t *at)
{
	if (!station(a->mac))
		return BAD("mac is no station's");
	return a->flags & ~WEFT_NA_ROUTER ? BAD("unknown flags") : 0;
}

/* Of IPv4 unreachable and time exceeded, RFC 792; redirects and parameter problems say where. */
static bool known_error(bool v4, uint8_t type, uint8_t code)
{
	if (v4)
		return (type == 3 && code <= 15) || (type == 11 && code <= 1);
	return (type == 1 && code <= 8) || (type == 2 && !code) || (type == 3 && code <= 1);
}

static int check_icmp_error(struct of_rd *r, const struct of_answer_icmp_error *a,
			    const uint8_t *at)
{
	const bool v4 = of_ip_is_v4(a->source);
	const bool too_big = v4 ? a->type == 3 && a->code == 4 : a->type == 2;

	if (v4 ? !host4(a->source + 12) : !host6(a->source))
		return BAD("source is no host's");
	if (!known_error(v4, a->type, a->code))
		return of_refuse(r, at, OF_E(OFPET_BAD_ACTION, OFPBAC_BAD_ARGUMENT),
				 "answer: ICMP%s of type %u and code %u", v4 ? "" : "v6", a->type,
				 a->code);
	if (!too_big && a->mtu)
		return BAD("mtu goes with what is too big");
	if (too_big && (a->mtu < (v4 ? 68u : 1280u) || a->mtu > UINT16_MAX))
		return BAD("no such mtu can be (RFC 791: 68, RFC 8200: 1280)");
	return 0;
}

int of_check_answer(struct of_rd *r, const struct of_any *s, const uint8_t *at)
{
	switch (s->kind) {
	case OF_KIND_answer_dhcp:
		return check_dhcp(r, (const void *)s, at);
	case OF_KIND_answer_dhcpv6:
		return check_dhcpv6(r, (const void *)s, at);
	case OF_KIND_answer_ra:
		return check_ra(r, (const void *)s, at);
	case OF_KIND_answer_nd:
		return check_nd(r, (const void *)s, at);
	case OF_KIND_answer_icmp_error:
		return check_icmp_error(r, (const void *)s, at);
	default:
		return 0;
	}
}

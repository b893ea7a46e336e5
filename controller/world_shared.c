/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses that several ports may have: those that allowed address pairs name (VRRP, load
 * balancers), beside the one whose fixed address it may be.
 *
 * A pair that names one address shares it: nobody is answered for its owner then, and who speaks
 * for it has it.  A pair that is a prefix allows its port all addresses of it that nobody else has.
 */
#include <string.h>
#include <utlist.h>

#include "controller/mem.h"
#include "controller/world_priv.h"

/* A network's pairs with one prefix. */
struct pair_use {
	struct pair_key {
		uint32_t net;
		struct ip_addr first; /* no host bits */
		uint8_t len;
	} key;
	size_t n;
	UT_hash_handle hh;
};

static struct pair_use *pair_find(const struct world *w, const struct net *n,
				  const struct ip_prefix *p)
{
	struct ip_addr first = ip_prefix_first(p);
	struct pair_key key;
	struct pair_use *found;

	memset(&key, 0, sizeof(key));
	key.net = n->a.index;
	key.first.family = first.family;
	memcpy(key.first.b, first.b, ip_size(&first));
	key.len = p->len;
	HASH_FIND(hh, w->pairs, &key, sizeof(key), found);
	return found;
}

static bool is_one(const struct ip_prefix *p)
{
	return p->len == 8 * ip_size(&p->addr);
}

struct port *world_port_by_ip(const struct net *n, const struct ip_addr *ip)
{
	for (NET_EACH_SUBNET(s, n)) {
		struct address *use;

		HASH_FIND(hh, s->addresses, ip, sizeof(*ip), use);
		if (use)
			return use->port;
	}
	return NULL;
}

/* Whoever has an address that is shared now, or was, is told; of prefixes those that are nowhere.
 */
static void mark_owners(struct world *w, const struct net *n, const struct ip_prefix *pair)
{
	struct port *owner = is_one(pair) ? world_port_by_ip(n, &pair->addr) : NULL;

	if (owner)
		world_mark_dirty(w, &owner->obj, WORLD_SHARED);
	for (struct port *p = is_one(pair) ? NULL : n->ports; p; p = p->net_next)
		for (size_t i = 0; !p->place.sw && i < p->a.n_fixed_ips; i++)
			if (ip_prefix_has(pair, &p->a.fixed_ips[i].ip_address))
				world_mark_dirty(w, &p->obj, WORLD_SHARED);
}

void port_pairs_derive(struct world *w, struct port *p)
{
	for (size_t i = 0; i < p->a.n_allowed_address_pairs; i++) {
		const struct ip_prefix *pair = &p->a.allowed_address_pairs[i].ip_address;
		struct pair_use *u = pair_find(w, p->net, pair);

		if (!u) {
			struct ip_addr first = ip_prefix_first(pair);

			u = mem_get(sizeof(*u));
			u->key.net = p->net->a.index;
			u->key.first.family = first.family;
			memcpy(u->key.first.b, first.b, ip_size(&first));
			u->key.len = pair->len;
			HASH_ADD(hh, w->pairs, key, sizeof(u->key), u);
		}
		if (!u->n++ || is_one(pair))
			mark_owners(w, p->net, pair);
	}
}

void port_pairs_underive(struct world *w, struct port *p)
{
	for (size_t i = 0; i < p->a.n_allowed_address_pairs; i++) {
		const struct ip_prefix *pair = &p->a.allowed_address_pairs[i].ip_address;
		struct pair_use *u = pair_find(w, p->net, pair);

		if (!--u->n || is_one(pair))
			mark_owners(w, p->net, pair);
		if (u->n)
			continue;
		HASH_DEL(w->pairs, u);
		free(u);
	}
}

static size_t own_pairs(const struct port *p, const struct ip_addr *ip)
{
	size_t n = 0;

	for (size_t i = 0; i < p->a.n_allowed_address_pairs; i++) {
		const struct ip_prefix *pair = &p->a.allowed_address_pairs[i].ip_address;

		n += is_one(pair) && !ip_cmp(&pair->addr, ip);
	}
	return n;
}

bool port_ip_is_shared(const struct world *w, const struct port *p, const struct ip_addr *ip)
{
	struct ip_prefix one = { *ip, (uint8_t)(8 * ip_size(ip)) };
	const struct pair_use *u = w->pairs ? pair_find(w, p->net, &one) : NULL;

	return u && u->n > own_pairs(p, ip);
}

bool world_ip_is_allowed(const struct world *w, const struct net *n, const struct ip_addr *ip)
{
	struct ip_prefix pair = { *ip, 0 };

	for (; w->pairs && pair.len <= 8 * ip_size(ip); pair.len++)
		if (pair_find(w, n, &pair))
			return true;
	return false;
}

/* May it say that the address is at this MAC? */
static bool may_say(const struct port *p, const struct ip_addr *ip, const uint8_t mac[6])
{
	bool own = !memcmp(mac, p->a.mac_address, 6);

	if (!p->a.port_security_enabled)
		return true;
	for (size_t i = 0; own && i < p->a.n_fixed_ips; i++)
		if (!ip_cmp(&p->a.fixed_ips[i].ip_address, ip))
			return true;
	for (size_t i = 0; i < p->a.n_allowed_address_pairs; i++) {
		const struct address_pair *a = &p->a.allowed_address_pairs[i];

		if (ip_prefix_has(&a->ip_address, ip) && !memcmp(a->mac_address, mac, 6))
			return true;
	}
	return false;
}

bool world_may_have(const struct world *w, const struct port *p, const struct net *n,
		    const struct ip_addr *ip, const uint8_t mac[6])
{
	const struct port *owner = world_port_by_ip(n, ip);

	if (p && (p->net != n || !p->place.sw || !may_say(p, ip, mac)))
		return false;
	return !owner || owner == p || !(owner->place.sw || owner->router) ||
	       (!owner->router && p && own_pairs(p, ip));
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Keyed; uthash finds the key in the VTEP that is at hand as 'v'. */
#define HASH_FUNCTION(at, len, hashv) ((hashv) = key_hash(v->neighs.key, at))
#define HASH_NONFATAL_OOM	      1

#include "vxlan/vtep_priv.h"

#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/log.h"

static const char MOD[] = "vtep";

/* ---- Local addresses ---- */

int vtep_local_parse(struct vtep_local *l, const char *addr, const char *gateway, struct err *err)
{
	char text[VXLAN_ADDR_STRLEN];
	const char *slash = strchr(addr, '/');
	size_t n = slash ? (size_t)(slash - addr) : strlen(addr);
	unsigned long plen;
	char *end;

	*l = (struct vtep_local){ .plen = VTEP_PLEN_UNSET };
	if (n >= sizeof(text))
		return err_set(err, -EINVAL, "'%.64s' is no IP address", addr);
	memcpy(text, addr, n);
	text[n] = '\0';
	if (vxlan_addr_parse(text, &l->addr))
		return err_set(err, -EINVAL, "'%s' is no IP address", text);
	if (slash) {
		plen = strtoul(slash + 1, &end, 10);
		if (slash[1] < '0' || slash[1] > '9' || *end ||
		    plen > (vxlan_addr_is_v4(&l->addr) ? 32 : 128))
			return err_set(err, -EINVAL, "'%.64s': no prefix length after '/'", addr);
		l->plen = (uint8_t)plen;
	}
	if (gateway && vxlan_addr_parse(gateway, &l->gateway))
		return err_set(err, -EINVAL, "gateway '%.64s' is no IP address", gateway);
	return 0;
}

struct local *vtep_local_find(struct vtep *v, const struct vxlan_addr *addr)
{
	for (unsigned int i = 0; i < v->n_locals; i++)
		if (vxlan_addr_eq(&v->local[i].is.addr, addr))
			return &v->local[i];
	return NULL;
}

static bool is_host(const struct vxlan_addr *a)
{
	return !vxlan_addr_is_zero(a) && !vxlan_addr_is_multicast(a) &&
	       !(vxlan_addr_is_v4(a) && (a->b[12] == 127 || a->b[12] == 0));
}

static int local_check(const struct vtep_local *l, struct err *err)
{
	bool v4 = vxlan_addr_is_v4(&l->addr);

	if (!is_host(&l->addr))
		return err_set(err, -EINVAL, "the local address must be one host's");
	if (l->plen != VTEP_PLEN_UNSET && l->plen > (v4 ? 32 : 128))
		return err_set(err, -EINVAL, "prefix length %u is too long", l->plen);
	if (vxlan_addr_is_zero(&l->gateway))
		return 0;
	if (!is_host(&l->gateway) || vxlan_addr_is_v4(&l->gateway) != v4)
		return err_set(err, -EINVAL,
			       "the gateway must be a host of the local address's "
			       "family");
	if (vxlan_addr_eq(&l->gateway, &l->addr))
		return err_set(err, -EINVAL, "the gateway must be another host");
	return 0;
}

/* The first of two announcements at the next tick or call, the second a second later. */
static void announce_from(struct local *l, uint64_t now)
{
	l->announces_left = VTEP_ANNOUNCES;
	l->announce_at = now;
}

static void announce_due(struct vtep *v, uint64_t now)
{
	for (unsigned int i = 0; i < v->n_locals; i++) {
		struct local *l = &v->local[i];

		if (!l->announces_left || l->announce_at > now)
			continue;
		l->announces_left--;
		l->announce_at = now + VTEP_ANNOUNCE_MS;
		vtep_announce(v, l);
	}
}

int vtep_local_add(struct vtep *v, const struct vtep_local *l, uint64_t now, struct err *err)
{
	int e = local_check(l, err);
	struct local *new;

	if (e)
		return e;
	if (vtep_local_find(v, &l->addr))
		return err_set(err, -EEXIST, "the VTEP has this address already");
	if (v->n_locals == VTEP_MAX_LOCALS)
		return err_set(err, -ENOSPC, "a VTEP has at most %d addresses", VTEP_MAX_LOCALS);
	new = &v->local[v->n_locals++];
	*new = (struct local){ .is = *l };
	if (l->plen == VTEP_PLEN_UNSET) {
		if (vxlan_addr_is_zero(&l->gateway))
			new->is.plen = 0;
		else
			new->is.plen = vxlan_addr_is_v4(&l->addr) ? 24 : 64;
	}
	announce_from(new, now);
	announce_due(v, now);
	return 0;
}

void vtep_conflict(struct vtep *v, struct local *l, const uint8_t mac[6], uint64_t now)
{
	char ip[VXLAN_ADDR_STRLEN];

	v->counters.conflicts++;
	log_warn(MOD, "%s is ours, but %02x:%02x:%02x:%02x:%02x:%02x uses it too",
		 vxlan_addr_format(&l->is.addr, ip), mac[0], mac[1], mac[2], mac[3], mac[4],
		 mac[5]);
	if (now < l->defend_after)
		return;
	l->defend_after = now + VTEP_DEFEND_MS;
	vtep_announce(v, l);
}

/* ---- Remotes ---- */

static unsigned int key_hash(const uint64_t key[2], const struct remote_key *k)
{
	uint32_t h = vxlan_addr_hash(key, &k->local);

	return vxlan_addr_hash(key, &k->remote) ^ (h << 13 | h >> 19);
}

/* Whether 'a' is within the prefix of 'l'. */
static bool on_link(const struct vtep_local *l, const struct vxlan_addr *a)
{
	unsigned int bits = l->plen + (vxlan_addr_is_v4(&l->addr) ? 96u : 0);
	unsigned int bytes = bits / 8, rest = bits % 8;

	if (memcmp(a->b, l->addr.b, bytes))
		return false;
	return !rest || !((a->b[bytes] ^ l->addr.b[bytes]) >> (8 - rest));
}

/* The neighbour by which 'l' reaches 'a'; NULL if there is no way. */
static const struct vxlan_addr *way(const struct vtep_local *l, const struct vxlan_addr *a)
{
	if (on_link(l, a))
		return a;
	return vxlan_addr_is_zero(&l->gateway) ? NULL : &l->gateway;
}

static struct vtep_nexthop nexthop_of(const struct remote *r)
{
	struct vtep_nexthop nh = { .remote = r->key.remote,
				   .local = r->key.local,
				   .state = r->via->state,
				   .usable = neigh_usable(r->via) };

	if (nh.usable)
		memcpy(nh.mac, r->via->mac, sizeof(nh.mac));
	return nh;
}

/* Says what has changed for those who send to 'r', if anything has. */
static void remote_tell(struct vtep *v, struct remote *r)
{
	struct vtep_nexthop nh = nexthop_of(r);
	bool failed = nh.state == NEIGH_FAILED && r->told.state != NEIGH_FAILED;
	bool moved = nh.usable != r->told.usable || memcmp(nh.mac, r->told.mac, sizeof(nh.mac));

	r->told = nh;
	if (failed || moved)
		v->ops->nexthop(v->aux, &nh);
}

static void remote_del(struct vtep *v, struct remote *r, bool tell)
{
	struct vtep_nexthop nh = r->told;

	r->via->refs--;
	HASH_DEL(v->remotes, r);
	free(r);
	if (tell && nh.usable) {
		nh.usable = false;
		nh.state = NEIGH_FAILED;
		memset(nh.mac, 0, sizeof(nh.mac));
		v->ops->nexthop(v->aux, &nh);
	}
}

static struct remote *remote_find(struct vtep *v, const struct remote_key *key)
{
	struct remote *r;

	HASH_FIND(hh, v->remotes, key, sizeof(*key), r);
	return r;
}

/* The neighbour of a remote that nobody wants is no longer asked for. */
static void neigh_unused(struct vtep *v, struct neigh *n)
{
	if (!n->refs)
		neigh_del(&v->neighs, n);
}

/* Makes room by forgetting one that does not answer, so that flows which name many endpoints that
 * are not there cannot lock out those that are.  False if all answer. */
static bool evict_failed(struct vtep *v)
{
	struct remote *r, *next;

	HASH_ITER (hh, v->remotes, r, next) {
		struct neigh *via = r->via;

		if (via->state != NEIGH_FAILED)
			continue;
		remote_del(v, r, false);
		neigh_unused(v, via);
		return true;
	}
	return false;
}

/* A remote's way changes only with the addresses: those who change them delete it first. */
static struct remote *remote_new(struct vtep *v, const struct remote_key *key,
				 const struct vtep_local *l, uint64_t now)
{
	struct remote *r;
	struct neigh *via;

	if (HASH_COUNT(v->remotes) >= VTEP_MAX_REMOTES && !evict_failed(v))
		return NULL;
	via = neigh_use(&v->neighs, way(l, &key->remote), now);
	if (!via)
		return NULL;
	r = calloc(1, sizeof(*r));
	if (!r) {
		neigh_unused(v, via);
		return NULL;
	}
	r->key = *key;
	r->via = via;
	HASH_ADD(hh, v->remotes, key, sizeof(r->key), r);
	if (!r->hh.tbl) {
		free(r);
		neigh_unused(v, via);
		return NULL;
	}
	via->refs++;
	r->told = nexthop_of(r);
	return r;
}

/* The local address to send from: 'want', or the first of the remote's family that has a way. */
static const struct vtep_local *local_for(struct vtep *v, const struct vxlan_addr *remote,
					  const struct vxlan_addr *want)
{
	for (unsigned int i = 0; i < v->n_locals; i++) {
		const struct vtep_local *l = &v->local[i].is;

		if (want ? vxlan_addr_eq(&l->addr, want)
			 : vxlan_addr_is_v4(&l->addr) == vxlan_addr_is_v4(remote))
			if (vxlan_addr_is_v4(&l->addr) == vxlan_addr_is_v4(remote) &&
			    way(l, remote))
				return l;
	}
	return NULL;
}

int vtep_resolve(struct vtep *v, const struct vxlan_addr *remote, const struct vxlan_addr *local,
		 uint64_t now, struct vtep_nexthop *nh)
{
	const struct vtep_local *l;
	struct remote_key key;
	struct remote *r;

	if (!is_host(remote) || vtep_local_find(v, remote))
		return -EINVAL;
	l = local_for(v, remote, local);
	if (!l)
		return -ENETUNREACH;
	key = (struct remote_key){ *remote, l->addr };
	r = remote_find(v, &key);
	if (!r)
		r = remote_new(v, &key, l, now);
	else
		neigh_use(&v->neighs, &r->via->addr, now);
	if (!r)
		return -ENOSPC;
	r->used = now;
	if (nh)
		*nh = nexthop_of(r);
	if (neigh_usable(r->via))
		return 0;
	return r->via->state == NEIGH_FAILED ? -EHOSTUNREACH : -EINPROGRESS;
}

void vtep_release(struct vtep *v, const struct vxlan_addr *remote)
{
	for (unsigned int i = 0; i < v->n_locals; i++) {
		struct remote_key key = { *remote, v->local[i].is.addr };
		struct remote *r = remote_find(v, &key);
		struct neigh *via;

		if (!r)
			continue;
		via = r->via;
		remote_del(v, r, false);
		neigh_unused(v, via);
	}
}

int vtep_local_del(struct vtep *v, const struct vxlan_addr *addr)
{
	struct local *l = vtep_local_find(v, addr);
	struct remote *r, *next;

	if (!l)
		return -ENOENT;
	HASH_ITER (hh, v->remotes, r, next) {
		struct neigh *via = r->via;

		if (!vxlan_addr_eq(&r->key.local, addr))
			continue;
		remote_del(v, r, true);
		neigh_unused(v, via);
	}
	*l = v->local[--v->n_locals];
	return 0;
}

/* ---- Neighbours ---- */

static bool is_gateway(const struct vtep *v, const struct vxlan_addr *a)
{
	for (unsigned int i = 0; i < v->n_locals; i++)
		if (vxlan_addr_eq(&v->local[i].is.gateway, a))
			return true;
	return false;
}

static void neigh_changed(void *aux, const struct neigh *n)
{
	struct vtep *v = aux;
	struct remote *r, *next;

	if (is_gateway(v, &n->addr)) {
		HASH_ITER (hh, v->remotes, r, next) {
			if (r->via == n)
				remote_tell(v, r);
		}
		return;
	}
	for (unsigned int i = 0; i < v->n_locals; i++) {
		struct remote_key key = { n->addr, v->local[i].is.addr };

		r = remote_find(v, &key);
		if (r && r->via == n)
			remote_tell(v, r);
	}
}

static void neigh_solicit(void *aux, const struct neigh *n, bool unicast)
{
	struct vtep *v = aux;
	const uint8_t *to = unicast ? n->mac : NULL;

	for (unsigned int i = 0; i < v->n_locals; i++) {
		const struct vtep_local *l = &v->local[i].is;
		const struct vxlan_addr *src = &l->addr;

		if (vxlan_addr_is_v4(src) != vxlan_addr_is_v4(&n->addr) ||
		    !(on_link(l, &n->addr) || vxlan_addr_eq(&l->gateway, &n->addr)))
			continue;
		if (vxlan_addr_is_v4(src))
			vtep_send_arp(v, ARP_REQUEST, vxlan_addr_to_v4(src),
				      vxlan_addr_to_v4(&n->addr), NULL, to);
		else
			vtep_send_ns(v, src->b, n->addr.b, to);
		return;
	}
}

static const struct neigh_ops neigh_ops = { neigh_solicit, neigh_changed };

/* ---- Life and time ---- */

struct vtep *vtep_new(const struct vtep_config *config, const struct vtep_ops *ops, void *aux)
{
	struct vtep *v = calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	v->config = *config;
	v->ops = ops;
	v->aux = aux;
	v->echo_second = UINT64_MAX;
	/* Every remote's own, and the gateways. */
	neigh_init(&v->neighs, &neigh_ops, v, VTEP_MAX_REMOTES + VTEP_MAX_LOCALS);
	return v;
}

void vtep_free(struct vtep *v)
{
	struct remote *r, *next;

	if (!v)
		return;
	HASH_ITER (hh, v->remotes, r, next) {
		remote_del(v, r, false);
	}
	neigh_fini(&v->neighs);
	free(v);
}

void vtep_up(struct vtep *v, const uint8_t mac[6], uint64_t now)
{
	memcpy(v->config.mac, mac, 6);
	for (unsigned int i = 0; i < v->n_locals; i++)
		announce_from(&v->local[i], now);
	announce_due(v, now);
	neigh_ask_again(&v->neighs, now);
}

/* Forgets remotes that nobody asked for in ten minutes. */
static void sweep(struct vtep *v, uint64_t now)
{
	struct remote *r, *next;

	if (now < v->sweep_at)
		return;
	v->sweep_at = now + VTEP_SWEEP_MS;
	HASH_ITER (hh, v->remotes, r, next) {
		struct neigh *via = r->via;

		if (now - r->used < NEIGH_IDLE_MS)
			continue;
		remote_del(v, r, true);
		neigh_unused(v, via);
	}
}

uint64_t vtep_tick(struct vtep *v, uint64_t now)
{
	uint64_t when = neigh_tick(&v->neighs, now);

	announce_due(v, now);
	sweep(v, now);
	for (unsigned int i = 0; i < v->n_locals; i++)
		if (v->local[i].announces_left && v->local[i].announce_at < when)
			when = v->local[i].announce_at;
	if (v->remotes && v->sweep_at < when)
		when = v->sweep_at;
	return when;
}

const struct vtep_counters *vtep_counters(const struct vtep *v)
{
	return &v->counters;
}

void vtep_dump(const struct vtep *v, void (*fn)(void *aux, const struct vtep_nexthop *nh),
	       void *aux)
{
	for (const struct remote *r = v->remotes; r; r = r->hh.next) {
		struct vtep_nexthop nh = nexthop_of(r);

		fn(aux, &nh);
	}
}

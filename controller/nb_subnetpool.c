/* SPDX-License-Identifier: Apache-2.0 */
/* Subnet pools: prefixes from which subnets are cut, so that a tenant need not choose one. */
#include <stdlib.h>
#include <string.h>

#include "controller/mem.h"
#include "controller/nb.h"
#include "controller/prefixes.h"

static const struct {
	uint32_t min, max, unit; /* defaults; what a quota counts: addresses, or /64s */
} versions[] = { [4] = { 8, 32, 32 }, [6] = { 64, 128, 64 } };

static bool given(uint64_t rows, const char *attr)
{
	return nb_given(&resources[WORLD_SUBNETPOOL], rows, attr);
}

/* ---- the pool itself ---- */

static int prefixes_check(struct subnetpool_attrs *a, struct nb_error *e)
{
	if (!a->n_prefixes)
		return nb_refuse(e, EmptySubnetPoolPrefixList);
	a->ip_version = a->prefixes[0].addr.family;
	for (size_t i = 0; i < a->n_prefixes; i++) {
		if (a->prefixes[i].addr.family != a->ip_version)
			return nb_refuse(e, PrefixVersionMismatch);
		a->prefixes[i].addr = ip_prefix_first(&a->prefixes[i]);
	}
	a->n_prefixes = prefixes_compact(a->prefixes, a->n_prefixes);
	return 0;
}

static int bound(struct nb_error *e, const char *what, uint32_t v, const char *of, uint32_t limit)
{
	return nb_refuse(e, IllegalSubnetPoolPrefixBounds, what, v, of, limit);
}

static int bounds_check(struct subnetpool_attrs *a, struct nb_error *e)
{
	uint32_t most = versions[a->ip_version].max;

	if (a->min_prefixlen == NUM_NONE)
		a->min_prefixlen = versions[a->ip_version].min;
	if (a->max_prefixlen == NUM_NONE)
		a->max_prefixlen = most;
	if (a->default_prefixlen == NUM_NONE)
		a->default_prefixlen = a->min_prefixlen;
	if (a->min_prefixlen > a->max_prefixlen)
		return bound(e, "min_prefixlen", a->min_prefixlen, "max_prefixlen",
			     a->max_prefixlen);
	if (a->max_prefixlen > most)
		return bound(e, "max_prefixlen", a->max_prefixlen, "ip_version_max", most);
	if (a->default_prefixlen < a->min_prefixlen)
		return bound(e, "default_prefixlen", a->default_prefixlen, "min_prefixlen",
			     a->min_prefixlen);
	if (a->default_prefixlen > a->max_prefixlen)
		return bound(e, "default_prefixlen", a->default_prefixlen, "max_prefixlen",
			     a->max_prefixlen);
	return 0;
}

static bool pools_meet(const struct subnetpool_attrs *a, const struct subnetpool_attrs *b)
{
	for (size_t i = 0; i < a->n_prefixes; i++)
		for (size_t j = 0; j < b->n_prefixes; j++)
			if (ip_prefix_overlaps(&a->prefixes[i], &b->prefixes[j]))
				return true;
	return false;
}

static int scope_check(struct nb_request *q, const struct subnetpool_attrs *a, struct nb_error *e)
{
	const struct world *w = q->nb->world;
	const struct address_scope *s;

	if (!a->address_scope_id[0])
		return 0;
	s = (const struct address_scope *)world_obj_find(w, WORLD_ADDRESS_SCOPE,
							 a->address_scope_id);
	if (!s)
		return nb_fail_not_found(e, &resources[WORLD_ADDRESS_SCOPE], a->address_scope_id);
	if (!nb_sees(&q->who, &s->obj))
		return nb_refuse(e, IllegalSubnetPoolAssociationToAddressScope, a->id, s->a.id);
	if (s->a.ip_version != a->ip_version)
		return nb_refuse(e, IllegalSubnetPoolIpVersionAssociationToAddressScope, a->id,
				 s->a.id, s->a.ip_version);
	for (WORLD_ALL(subnetpool, SUBNETPOOL, p, w))
		if (p->scope == s && strcmp(p->a.id, a->id) && pools_meet(&p->a, a))
			return nb_refuse(e, AddressScopePrefixConflict);
	return 0;
}

static struct subnetpool *default_pool(const struct world *w, uint32_t ip_version)
{
	for (WORLD_ALL(subnetpool, SUBNETPOOL, p, w))
		if (p->a.is_default && p->a.ip_version == ip_version)
			return p;
	return NULL;
}

static int default_check(struct nb_request *q, const struct subnetpool_attrs *a, struct nb_error *e)
{
	const struct subnetpool *p = default_pool(q->nb->world, a->ip_version);

	if (!a->is_default || !p || !strcmp(p->a.id, a->id))
		return 0;
	return nb_say(e, InvalidInput,
		      "Invalid input for operation: A default subnetpool for this IP family has "
		      "already been set. Only one default may exist per IP family.");
}

static int pool_create(struct nb_request *q, void *p, uint64_t rows, struct nb_error *e)
{
	struct subnetpool_attrs *a = p;

	if (!a->name[0])
		return nb_fail_attr(e, "name", "'' Blank strings are not permitted");
	return prefixes_check(a, e) || bounds_check(a, e) || scope_check(q, a, e) ||
			       default_check(q, a, e)
		       ? -1
		       : 0;
}

/* What was in the pool may be in use. */
static int grows_check(const struct subnetpool_attrs *old, const struct subnetpool_attrs *a,
		       struct nb_error *e)
{
	char text[PREFIX_TEXT];

	for (size_t i = 0; i < old->n_prefixes; i++)
		if (!prefixes_have(a->prefixes, a->n_prefixes, &old->prefixes[i]))
			return nb_refuse(e, IllegalSubnetPoolPrefixUpdate,
					 ip_prefix_format(&old->prefixes[i], text));
	return 0;
}

static int pool_update(struct nb_request *q, struct world_obj *o, void *p, uint64_t rows,
		       struct nb_error *e)
{
	const struct subnetpool *self = (const struct subnetpool *)o;
	struct subnetpool_attrs *a = p;

	if (given(rows, "name") && !a->name[0])
		return nb_fail_attr(e, "name", "'' Blank strings are not permitted");
	if (given(rows, "prefixes") && !a->n_prefixes && grows_check(&self->a, a, e))
		return -1;
	if (prefixes_check(a, e) || grows_check(&self->a, a, e) || bounds_check(a, e) ||
	    default_check(q, a, e))
		return -1;
	if (!given(rows, "address_scope_id") && !given(rows, "prefixes"))
		return 0;
	return scope_check(q, a, e);
}

static int pool_remove(struct nb_request *q, struct world_obj *o, struct nb_error *e)
{
	return ((struct subnetpool *)o)->subnets ? nb_refuse(e, SubnetPoolDeleteError) : 0;
}

const struct nb_hooks nb_subnetpool_hooks = {
	.create = pool_create,
	.update = pool_update,
	.remove = pool_remove,
};

/* ---- subnets from it ---- */

/* 0 with 'out' (NULL: from no pool), or -1. */
static int pool_choose(struct nb_request *q, const struct subnet_attrs *a, struct subnetpool **out,
		       struct nb_error *e)
{
	struct world_obj *o;

	*out = NULL;
	if (a->use_default_pool && a->pool_id[0])
		return nb_say(
			e, BadRequest,
			"Bad subnets request: subnetpool_id and use_default_subnetpool cannot "
			"both be specified.");
	if (a->use_default_pool) {
		*out = default_pool(q->nb->world, a->ip_version);
		return *out ? 0
			    : nb_say(e, BadRequest,
				     "Bad subnets request: No default subnetpool found for IPv%u.",
				     a->ip_version);
	}
	if (!a->pool_id[0])
		return 0;
	o = nb_find(q, &resources[WORLD_SUBNETPOOL], a->pool_id, e);
	*out = (struct subnetpool *)o;
	return o ? 0 : -1;
}

/* Subnets of one IP version of a network are all from one pool, or all from none. */
static int affinity_check(const struct net *n, const struct subnet_attrs *a,
			  const struct subnetpool *pool, struct nb_error *e)
{
	for (NET_EACH_SUBNET(s, n))
		if (s->a.ip_version == a->ip_version && s->pool != pool)
			return nb_refuse(e, NetworkSubnetPoolAffinityError);
	return 0;
}

static double units(const struct subnetpool *p, unsigned int len)
{
	int shift = (int)versions[p->a.ip_version].unit - (int)len;
	double n = 1;

	for (; shift > 0; shift--)
		n *= 2;
	for (; shift < 0; shift++)
		n /= 2;
	return n;
}

/* How much of the pool one project may have. */
static int pool_quota_check(const struct subnetpool *p, const struct subnet_attrs *a,
			    unsigned int len, struct nb_error *e)
{
	double used = units(p, len);

	if (p->a.default_quota == NUM_NONE || !p->a.default_quota)
		return 0;
	for (POOL_EACH_SUBNET(s, p))
		if (!strcmp(s->a.tenant_id, a->tenant_id))
			used += units(p, s->a.cidr.len);
	return used > p->a.default_quota ? nb_refuse(e, SubnetPoolQuotaExceeded) : 0;
}

static int length_check(const struct subnetpool *p, uint32_t len, struct nb_error *e)
{
	if (len > p->a.max_prefixlen)
		return nb_refuse(e, MaxPrefixSubnetAllocationError, len, p->a.max_prefixlen);
	if (len < p->a.min_prefixlen)
		return nb_refuse(e, MinPrefixSubnetAllocationError, len, p->a.min_prefixlen);
	return 0;
}

static struct ip_prefix *taken_of(const struct subnetpool *p, size_t *n)
{
	struct ip_prefix *taken;

	*n = 0;
	for (POOL_EACH_SUBNET(s, p))
		(*n)++;
	taken = mem_array(*n + 1, sizeof(*taken));
	*n = 0;
	for (POOL_EACH_SUBNET(s, p))
		taken[(*n)++] = s->a.cidr;
	return taken;
}

/* The prefix that the subnet asked for, or any of the length. */
static int cut(const struct subnetpool *p, struct subnet_attrs *a, uint32_t len, struct nb_error *e)
{
	size_t n;
	struct ip_prefix *taken = taken_of(p, &n);
	int rc = 0;

	if (!a->cidr.addr.family) {
		if (prefixes_free(p->a.prefixes, p->a.n_prefixes, taken, n, len, &a->cidr))
			rc = nb_say(e, SubnetAllocationError,
				    "Failed to allocate subnet: Insufficient prefix space to "
				    "allocate subnet size /%u.",
				    len);
	} else {
		bool free_ = prefixes_have(p->a.prefixes, p->a.n_prefixes, &a->cidr);

		for (size_t i = 0; i < n; i++)
			free_ &= !ip_prefix_overlaps(&taken[i], &a->cidr);
		if (!free_)
			rc = nb_say(e, SubnetAllocationError,
				    "Failed to allocate subnet: Cannot allocate requested subnet "
				    "from the available set of prefixes.");
	}
	free(taken);
	return rc;
}

int nb_subnetpool_allocate(struct nb_request *q, const struct net *n, struct subnet_attrs *a,
			   struct nb_error *e)
{
	bool has_cidr = a->cidr.addr.family != 0;
	struct subnetpool *p;
	uint32_t len;

	if (has_cidr && a->prefixlen != NUM_NONE)
		return nb_say(e, BadRequest,
			      "Bad subnets request: cidr and prefixlen must not be supplied "
			      "together.");
	if (pool_choose(q, a, &p, e))
		return -1;
	if (!p && !has_cidr)
		return nb_say(
			e, BadRequest,
			"Bad subnets request: a subnetpool must be specified in the absence of "
			"a cidr.");
	if (affinity_check(n, a, p, e))
		return -1;
	if (!p)
		return 0;
	if (p->a.ip_version != a->ip_version)
		return nb_say(e, BadRequest,
			      "Bad subnets request: the subnet pool is of another IP version.");
	len = has_cidr			 ? a->cidr.len
	      : a->prefixlen != NUM_NONE ? a->prefixlen
					 : p->a.default_prefixlen;
	if (length_check(p, len, e) || pool_quota_check(p, a, len, e) || cut(p, a, len, e))
		return -1;
	memcpy(a->pool_id, p->a.id, UUID_TEXT);
	a->use_default_pool = false;
	a->prefixlen = NUM_NONE;
	return 0;
}

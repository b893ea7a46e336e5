/* SPDX-License-Identifier: Apache-2.0 */
/* Address scopes: sets of subnet pools whose addresses do not meet twice. */
#include "controller/nb.h"

static int version_check(const struct address_scope_attrs *a, struct nb_error *e)
{
	if (a->ip_version == 4 || a->ip_version == 6)
		return 0;
	return nb_fail_attr(e, "ip_version", "'%u' is not in [4, 6]", a->ip_version);
}

static int scope_create(struct nb_request *q, void *a, uint64_t given, struct nb_error *e)
{
	return version_check(a, e);
}

static int scope_update(struct nb_request *q, struct world_obj *o, void *p, uint64_t given,
			struct nb_error *e)
{
	const struct address_scope *s = (const struct address_scope *)o;
	const struct address_scope_attrs *a = p;

	if (s->a.shared && !a->shared)
		return nb_refuse(e, AddressScopeUpdateError, s->a.id,
				 "Shared address scope can't be unshared");
	return 0;
}

static int scope_remove(struct nb_request *q, struct world_obj *o, struct nb_error *e)
{
	const struct address_scope *s = (const struct address_scope *)o;

	return s->n_pools ? nb_refuse(e, AddressScopeInUse, s->a.id) : 0;
}

const struct nb_hooks nb_address_scope_hooks = {
	.create = scope_create,
	.update = scope_update,
	.remove = scope_remove,
};

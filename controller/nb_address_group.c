/* SPDX-License-Identifier: Apache-2.0 */
/* Address groups: their addresses, and actions that add and remove some. */
#include <stdlib.h>
#include <string.h>

#include "controller/mem.h"
#include "controller/nb_sg.h"

static const struct resource *const self = &resources[WORLD_ADDRGROUP];

static bool has(const struct addrgroup_attrs *a, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(a->addresses[i], text))
			return true;
	return false;
}

/* Each as a prefix without host bits, once. */
static int tidy(struct addrgroup_attrs *a, struct nb_error *e)
{
	size_t n = 0;

	for (size_t i = 0; i < a->n_addresses; i++) {
		char text[PREFIX_TEXT];
		struct ip_prefix p;

		if (ip_prefix_parse(a->addresses[i], &p))
			return nb_fail_attr(e, "addresses",
					    "'%.64s' is not a valid IP subnet or address",
					    a->addresses[i]);
		p.addr = ip_prefix_first(&p);
		ip_prefix_format(&p, text);
		free(a->addresses[i]);
		a->addresses[i] = NULL;
		if (!has(a, n, text))
			a->addresses[n++] = mem_str(text);
	}
	a->n_addresses = n;
	return 0;
}

static int addrgroup_create(struct nb_request *q, void *p, uint64_t rows, struct nb_error *e)
{
	struct addrgroup_attrs *a = p;

	if (tidy(a, e))
		return -1;
	a->index = world_index_get(q->nb->world, WORLD_ADDRGROUP);
	if (a->index == NUM_NONE)
		return nb_say(e, ServiceUnavailable, "There are %d address groups already.",
			      INDEX_MAX);
	return 0;
}

static int addrgroup_update(struct nb_request *q, struct world_obj *o, void *p, uint64_t rows,
			    struct nb_error *e)
{
	return 0;
}

static int addrgroup_remove(struct nb_request *q, struct world_obj *o, struct nb_error *e)
{
	const struct addrgroup *g = (const struct addrgroup *)o;

	if (g->set.users || nb_sg_templates_name(q->nb->world, g->a.id))
		return nb_refuse(e, AddressGroupInUse, g->a.id);
	return 0;
}

/* ---- actions ---- */

/* {"addresses": [...]}, tidy; the caller frees 'out' in any case. */
static int body_addresses(struct nb_request *q, struct addrgroup_attrs *out, struct nb_error *e)
{
	const struct attr *row = attr_find(&self->shape, "addresses");
	const json_t *inner = json_object_get(q->body, self->name);
	const json_t *list = json_object_get(inner ? inner : q->body, "addresses");

	attrs_init(&self->shape, out);
	if (!list)
		return nb_say(e, HTTPBadRequest, "Unable to find 'addresses' in request body.");
	if (!json_is_array(list))
		return nb_say(e, AddrFormatError, "The addresses are a list.");
	if (nb_from_json(row, out, list, e))
		return -1;
	return tidy(out, e) ? nb_say(e, AddrFormatError, "An address is none.") : 0;
}

static void answer(struct nb_request *q, struct world_obj *o, struct addrgroup_attrs *a)
{
	nb_obj_set(q, o, a);
	q->answer = json_pack("{s:o}", self->name, nb_object_json(self, o, nb_fields(q, self)));
}

static int join(struct addrgroup_attrs *a, const struct addrgroup_attrs *more, struct nb_error *e)
{
	const struct attr *row = attr_find(&self->shape, "addresses");
	char **both = mem_array(a->n_addresses + more->n_addresses + 1, sizeof(char *));

	memcpy(both, a->addresses, a->n_addresses * sizeof(char *));
	free(a->addresses);
	a->addresses = both;
	for (size_t i = 0; i < more->n_addresses; i++) {
		if (has(a, a->n_addresses, more->addresses[i]))
			return nb_refuse(e, AddressesAlreadyExist, more->addresses[i], a->id);
		a->addresses[a->n_addresses++] = mem_str(more->addresses[i]);
	}
	if (a->n_addresses > row->max_n)
		return nb_fail_attr(e, "addresses", "there are %zu elements, and at most %u may be",
				    a->n_addresses, row->max_n);
	return 0;
}

static int add_addresses(struct nb_request *q, struct world_obj *o, struct nb_error *e)
{
	struct addrgroup_attrs more, a;
	int rc;

	attrs_copy(&self->shape, &a, world_obj_attrs(o));
	rc = body_addresses(q, &more, e);
	if (!rc)
		rc = join(&a, &more, e);
	if (!rc)
		answer(q, o, &a);
	attrs_fini(&self->shape, &more);
	attrs_fini(&self->shape, &a);
	return rc;
}

static int leave(struct addrgroup_attrs *a, const struct addrgroup_attrs *gone, struct nb_error *e)
{
	size_t n = 0;

	for (size_t i = 0; i < gone->n_addresses; i++)
		if (!has(a, a->n_addresses, gone->addresses[i]))
			return nb_refuse(e, AddressesNotFound, gone->addresses[i], a->id);
	for (size_t i = 0; i < a->n_addresses; i++) {
		if (has(gone, gone->n_addresses, a->addresses[i]))
			free(a->addresses[i]);
		else
			a->addresses[n++] = a->addresses[i];
	}
	a->n_addresses = n;
	return 0;
}

static int remove_addresses(struct nb_request *q, struct world_obj *o, struct nb_error *e)
{
	struct addrgroup_attrs gone, a;
	int rc;

	attrs_copy(&self->shape, &a, world_obj_attrs(o));
	rc = body_addresses(q, &gone, e);
	if (!rc)
		rc = leave(&a, &gone, e);
	if (!rc) {
		a.cuts++;
		answer(q, o, &a);
	}
	attrs_fini(&self->shape, &gone);
	attrs_fini(&self->shape, &a);
	return rc;
}

static const struct nb_action actions[] = {
	{ "add_addresses", NB_PUT, add_addresses },
	{ "remove_addresses", NB_PUT, remove_addresses },
	{ NULL },
};

const struct nb_hooks nb_addrgroup_hooks = {
	.create = addrgroup_create,
	.update = addrgroup_update,
	.remove = addrgroup_remove,
	.actions = actions,
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct ntr_group_prop_selection_method, behind its type, length, experimenter and exp_type: four
 * bytes of padding, the method's name, its parameter, then fields as OXMs without a mask whose
 * value is the mask.
 */
#include "ofproto/selection.h"

#include <errno.h>
#include <string.h>

#include "ofproto/codec.h"

#define NTR_ID 0x0000154du

enum { NTRT_SELECTION_METHOD = 1, FIXED = 4 + OF_SELECTION_METHOD_LEN + 8 };

/* OFPBPC_BAD_VALUE and _BAD_LEN of 1.4, as Open vSwitch numbers them on 1.3. */
#define BAD_VALUE OF_E(OFPET_TABLE_FEATURES_FAILED, OFPTFFC_BAD_ARGUMENT)
#define BAD_LEN	  OF_E(OFPET_TABLE_FEATURES_FAILED, OFPTFFC_BAD_LEN)
#define BAD_TYPE  OF_E(OFPET_TABLE_FEATURES_FAILED, OFPTFFC_BAD_TYPE)

static int read_fields(struct of_rd *r, const uint8_t *p, const uint8_t *end,
		       struct of_selection *out)
{
	while (p < end) {
		const struct of_field *f;

		if (of_oxm_read_id(r, &p, end, false, &f))
			return of_refuse(r, p, BAD_VALUE, "unknown field to select by");
		if (f->bytes > end - p || out->n_fields == OF_SELECTION_FIELDS)
			return of_refuse(r, p, BAD_LEN, "fields to select by are cut off");
		for (uint32_t i = 0; i < out->n_fields; i++)
			if (out->field[i].field == f)
				return of_refuse(r, p, BAD_VALUE, "field %s twice", f->name);
		out->field[out->n_fields].field = f;
		memcpy(out->field[out->n_fields++].value, p, f->bytes);
		p += f->bytes;
	}
	return 0;
}

static int read_method(struct of_rd *r, const struct of_span *d, struct of_selection *out)
{
	const uint8_t *p = d->p, *end = d->p + d->n;

	*out = (struct of_selection){ .param = 0 };
	if (d->n < FIXED)
		return of_refuse(r, p, BAD_LEN, "a selection method has %d bytes at least, not %u",
				 FIXED, d->n);
	if (p[4 + OF_SELECTION_METHOD_LEN - 1])
		return of_refuse(r, p, BAD_VALUE, "the selection method's name has no end");
	memcpy(out->method, p + 4, OF_SELECTION_METHOD_LEN);
	out->param = get_be64(p + 4 + OF_SELECTION_METHOD_LEN);
	if (strcmp(out->method, "") != 0 && strcmp(out->method, "hash") != 0 &&
	    strcmp(out->method, "dp_hash") != 0)
		return of_refuse(r, p, BAD_VALUE,
				 "selection method \"%s\" is not known: hash or dp_hash are",
				 out->method);
	if (!out->method[0] && out->param)
		return of_refuse(r, p, BAD_VALUE, "a parameter without a selection method");
	if (!strcmp(out->method, "dp_hash") && out->param >> 32 > 1)
		return of_refuse(r, p, BAD_VALUE,
				 "dp_hash algorithm %u: 0 is by 5-tuple, 1 symmetric",
				 (unsigned int)(out->param >> 32));
	if (d->n > FIXED && strcmp(out->method, "hash") != 0)
		return of_refuse(r, p, BAD_VALUE, "only the method hash has fields");
	return read_fields(r, p + FIXED, end, out);
}

int of_selection_get(const struct of_list *l, struct of_selection *out, struct of_err *e)
{
	struct of_rd r = { .e = e };
	int found = 0;

	for (uint32_t i = 0; i < l->n; i++) {
		const struct of_group_prop_experimenter *x = OF_AT(l, i, group_prop_experimenter);

		r.base = x->data.p;
		if (x->experimenter != NTR_ID || x->exp_type != NTRT_SELECTION_METHOD || found)
			return of_refuse(&r, x->data.p, BAD_TYPE,
					 "group property %u of experimenter 0x%x%s", x->exp_type,
					 x->experimenter, found ? ": there is one already" : "");
		if (read_method(&r, &x->data, out))
			return -EPROTO;
		found = 1;
	}
	return found;
}

int of_selection_put(const struct of_selection *s, struct of_list *properties, struct arena *a)
{
	struct of_group_prop_experimenter *x = OF_NEW(a, group_prop_experimenter);
	uint8_t buf[FIXED + OF_SELECTION_FIELDS * 24];
	struct of_wr w = { .p = buf, .size = sizeof(buf) };
	uint8_t *copy;

	of_wr_be(&w, 4, 0);
	of_wr_bytes(&w, s->method, OF_SELECTION_METHOD_LEN);
	of_wr_be(&w, 8, s->param);
	for (uint32_t i = 0; i < s->n_fields; i++) {
		const struct of_field *f = s->field[i].field;

		if (f->oxm == OF_FIELD_NO_ID || f->is_onf)
			of_oxm_write_id(&w, f, false);
		else
			of_wr_be(&w, 4, f->oxm | f->bytes);
		of_wr_bytes(&w, s->field[i].value, f->bytes);
	}
	copy = arena_dup(a, buf, w.n);
	if (!x || !copy || w.rc)
		return -ENOMEM;
	x->experimenter = NTR_ID;
	x->exp_type = NTRT_SELECTION_METHOD;
	x->data = (struct of_span){ (uint32_t)w.n, copy };
	return of_list_add(properties, a, (struct of_any *)x);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Selection methods in words:
 * "selection_method=hash,selection_method_param=1,fields(ip_src=255.0.0.0,tcp_src)". */
#include <errno.h>
#include <string.h>

#include "ofproto/text_group.h"
#include "ofproto/text_value.h"

static int by_field(struct of_selection *s, const struct of_field *f, const char *mask,
		    struct err *e)
{
	struct of_oxm *o = &s->field[s->n_fields], value = { .field = f };
	int r;

	for (uint32_t i = 0; i < s->n_fields; i++)
		if (s->field[i].field == f)
			return err_set(e, -EINVAL, "%s: duplicate field", f->name);
	if (s->n_fields == OF_SELECTION_FIELDS)
		return err_set(e, -EINVAL, "fields: too many");
	if (*mask) {
		r = text_parse_value(f, mask, NULL, &value, e);
		if (r)
			return r;
	} else {
		text_put_ones(value.value, f->bytes, 0, f->bits);
	}
	value.masked = false;
	*o = value;
	s->n_fields++;
	return 0;
}

int text_selection_fields(struct of_selection *s, char *fields, struct err *e)
{
	char *next;

	for (; fields && *fields; fields = next) {
		const struct of_field *f;
		char *mask;
		int r;

		next = strchr(fields, ',');
		if (next)
			*next++ = '\0';
		mask = strchr(fields, '=');
		if (mask)
			*mask++ = '\0';
		f = of_field_by_name(fields, strlen(fields));
		if (!f)
			return err_set(e, -EINVAL, "unknown field %s", fields);
		r = by_field(s, f, mask ? mask : "", e);
		if (r)
			return r;
	}
	return 0;
}

static void put_field(FILE *f, const struct of_oxm *o)
{
	uint8_t all[16] = { 0 };

	text_put_ones(all, o->field->bytes, 0, o->field->bits);
	fputs(o->field->name, f);
	if (!memcmp(o->value, all, o->field->bytes))
		return;
	fputc('=', f);
	text_put_value(f, o->field, o->value, NULL);
}

/* Fields in the order of field.def, whatever order they came in. */
static void put_fields(FILE *f, const struct of_selection *s)
{
	const char *sep = "";

	fputs(s->n_fields == 1 ? ",fields=" : ",fields(", f);
	FIELD_EACH (d) {
		for (uint32_t i = 0; i < s->n_fields; i++) {
			if (s->field[i].field != d)
				continue;
			fputs(sep, f);
			put_field(f, &s->field[i]);
			sep = ",";
		}
	}
	if (s->n_fields != 1)
		fputc(')', f);
}

void text_put_selection(FILE *f, const struct of_selection *s)
{
	if (!s->method[0])
		return;
	fprintf(f, ",selection_method=%s", s->method);
	if (s->param)
		fprintf(f, ",selection_method_param=%llu", (unsigned long long)s->param);
	if (s->n_fields)
		put_fields(f, s);
}

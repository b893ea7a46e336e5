/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>

#include "controller/nb.h"

int nb_fail(struct nb_error *e, int status, const char *type, const char *fmt, ...)
{
	va_list ap;

	e->status = status;
	snprintf(e->type, sizeof(e->type), "%s", type);
	va_start(ap, fmt);
	vsnprintf(e->message, sizeof(e->message), fmt, ap);
	va_end(ap);
	return -1;
}

int nb_fail_attr(struct nb_error *e, const char *attr, const char *fmt, ...)
{
	char why[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	return nb_say(e, HTTPBadRequest, "Invalid input for %s. Reason: %s.", attr, why);
}

int nb_fail_not_found(struct nb_error *e, const struct resource *r, const char *id)
{
	char type[sizeof(e->type)];

	snprintf(type, sizeof(type), "%sNotFound", r->type);
	return nb_fail(e, 404, type, "%s %.100s could not be found.", r->type, id);
}

/* Cut at a character, since jansson takes only whole UTF-8. */
static json_t *text_json(const char *s)
{
	size_t n = 0;
	json_t *j = json_string(s);

	while (s[n])
		n++;
	while (!j && n)
		j = json_stringn(s, --n);
	return j ? j : json_string("");
}

json_t *nb_error_json(const struct nb_error *e)
{
	if (e->status == 401) /* as Keystone's middleware has it */
		return json_pack("{s:{s:i,s:s,s:o}}", "error", "code", 401, "title", "Unauthorized",
				 "message", text_json(e->message));
	return json_pack("{s:{s:s,s:o,s:s}}", "NeutronError", "type", e->type, "message",
			 text_json(e->message), "detail", "");
}

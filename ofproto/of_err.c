/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "ofproto/wire.h"

int of_err_set(struct of_err *e, uint16_t type, uint16_t code, const char *fmt, ...)
{
	va_list ap;

	e->type = type;
	e->code = code;
	e->offset = 0;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	return -EPROTO;
}

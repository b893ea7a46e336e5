/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints every constant and every match field's header, one a line: "NAME VALUE", "OXM NAME HEADER
 * BYTES MASKABLE".  Compiled and read by constants.py.
 */
#include <stdio.h>

#include "ofproto/enum.h"
#include "ofproto/field.h"

static const char *const ids[OF_N_FIELDS] = {
#define FIELD(id, ...) [OF_FIELD_##id] = #id,
#include "ofproto/field.def"
#undef FIELD
};

int main(void)
{
	for (unsigned int e = 0; e < OF_N_ENUMS; e++)
		for (unsigned int i = 0; i < of_enums[e].n; i++)
			printf("%s %u\n", of_enums[e].first[i].name, of_enums[e].first[i].value);
	FIELD_EACH (f) {
		if (f->oxm != OF_FIELD_NO_ID)
			printf("OXM %s %u %u %d\n", ids[f->id], f->oxm, f->bytes, f->maskable);
		if (f->nxm != OF_FIELD_NO_ID)
			printf("NXM %s %u %u %d\n", ids[f->id], f->nxm, f->bytes, f->maskable);
	}
	return 0;
}

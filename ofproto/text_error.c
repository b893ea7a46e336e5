/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "ofproto/text.h"

/* Where ovs-ofctl has a name of its own for what the specification calls otherwise. */
static const struct {
	const char *spec, *shown;
} renamed[] = {
	{ "OFPBRC_BAD_MULTIPART", "OFPBRC_BAD_STAT" },
	{ "OFPBRC_BAD_EXPERIMENTER", "OFPBRC_BAD_VENDOR" },
	{ "OFPBRC_BAD_EXP_TYPE", "OFPBRC_BAD_SUBTYPE" },
	{ "OFPBRC_IS_SLAVE", "OFPBRC_IS_SECONDARY" },
	{ "OFPBAC_BAD_EXPERIMENTER", "OFPBAC_BAD_VENDOR" },
	{ "OFPBAC_BAD_EXP_TYPE", "OFPBAC_BAD_VENDOR_TYPE" },
	{ "OFPTFFC_BAD_TYPE", "OFPBPC_BAD_TYPE" },
	{ "OFPTFFC_BAD_LEN", "OFPBPC_BAD_LEN" },
	{ "OFPTFFC_BAD_ARGUMENT", "OFPBPC_BAD_VALUE" },
};

const char *of_error_name(uint16_t type, uint16_t code)
{
	const char *name = of_error_code_name(type, code);

	for (unsigned int i = 0; name && i < sizeof(renamed) / sizeof(renamed[0]); i++)
		if (!strcmp(renamed[i].spec, name))
			return renamed[i].shown;
	return name;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "vxlan/hdr.h"

#define X(id, name, text) { name, text },
static const struct {
	const char *name;
	const char *text;
} drops[] = { VXLAN_DROPS(X) };
#undef X

const char *vxlan_drop_name(enum vxlan_drop drop)
{
	return drop < VXLAN_N_DROPS ? drops[drop].name : "unknown";
}

const char *vxlan_drop_text(enum vxlan_drop drop)
{
	return drop < VXLAN_N_DROPS ? drops[drop].text : "unknown";
}

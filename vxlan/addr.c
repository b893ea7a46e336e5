/* SPDX-License-Identifier: Apache-2.0 */
#include "vxlan/addr.h"

#include <arpa/inet.h>
#include <errno.h>

int vxlan_addr_parse(const char *text, struct vxlan_addr *a)
{
	struct in6_addr v6;
	struct in_addr v4;

	if (inet_pton(AF_INET, text, &v4) == 1) {
		*a = vxlan_addr_v4(v4.s_addr);
		return 0;
	}
	if (inet_pton(AF_INET6, text, &v6) == 1) {
		*a = vxlan_addr_v6(v6.s6_addr);
		return 0;
	}
	return -EINVAL;
}

const char *vxlan_addr_format(const struct vxlan_addr *a, char buf[VXLAN_ADDR_STRLEN])
{
	if (vxlan_addr_is_v4(a))
		inet_ntop(AF_INET, a->b + 12, buf, VXLAN_ADDR_STRLEN);
	else
		inet_ntop(AF_INET6, a->b, buf, VXLAN_ADDR_STRLEN);
	return buf;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/options_ct.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A number and what follows it, which is 'end' or the text's end. */
static int number(const char *s, char end, uint32_t max, uint32_t *out)
{
	char *after;
	const unsigned long n = strtoul(s, &after, 10);

	if (*s < '0' || *s > '9' || n > max || (*after && *after != end))
		return -EINVAL;
	*out = (uint32_t)n;
	return 0;
}

static int setting(const char *s, struct ct_zone_start *z, const char *text, struct err *e)
{
	const size_t n = strcspn(s, "=,");
	char name[32];
	int which;

	if (s[n] != '=' || n >= sizeof(name))
		return err_set(e, -EINVAL, "ct-zone '%s': NAME=N is right at '%.40s'", text, s);
	memcpy(name, s, n);
	name[n] = 0;
	if (!strcmp(name, "limit")) {
		if (z->has_limit || number(s + n + 1, ',', CT_LIMIT_MAX, &z->limit))
			return err_set(e, -EINVAL,
				       "ct-zone '%s': one limit of 0 (none) to %d is right", text,
				       CT_LIMIT_MAX);
		z->has_limit = true;
		return 0;
	}
	which = ct_timeout_by_name(name);
	if (which < 0)
		return err_set(e, -EINVAL,
			       "ct-zone '%s': there is no '%s': limit and the timeouts of "
			       "weft-ofctl ct-set-timeouts are right",
			       text, name);
	if (z->policy.seconds[which] ||
	    number(s + n + 1, ',', CT_SECONDS_MAX, &z->policy.seconds[which]) ||
	    !z->policy.seconds[which])
		return err_set(e, -EINVAL, "ct-zone '%s': %s once, of 1 to %d seconds, is right",
			       text, name, CT_SECONDS_MAX);
	z->has_policy = true;
	return 0;
}

int ct_zone_start_parse(const char *text, struct ct_zone_start *out, struct err *e)
{
	const char *s = strchr(text, ':');
	uint32_t zone = 0;
	int rc;

	memset(out, 0, sizeof(*out));
	out->all = !strncmp(text, "default:", 8);
	if (!s || !s[1] || (!out->all && number(text, ':', CT_ZONES - 1, &zone)))
		return err_set(e, -EINVAL,
			       "ct-zone '%s': ZONE:NAME=N,... is right, ZONE being 0 to %d or "
			       "default, as 5:limit=1000,udp_first=10",
			       text, CT_ZONES - 1);
	out->zone = (uint16_t)zone;
	do {
		rc = setting(++s, out, text, e);
		s = strchr(s, ',');
	} while (!rc && s);
	return rc;
}

void ct_zone_start_apply(struct ct *t, const struct ct_zone_start *v, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		const uint16_t *zone = v[i].all ? NULL : &v[i].zone;
		struct err e;

		if (v[i].has_limit)
			ct_zone_set_limit(t, zone, v[i].limit);
		if (v[i].has_policy) /* its numbers were checked when they were read */
			(void)ct_zone_set_policy(t, zone, &v[i].policy, &e);
	}
}

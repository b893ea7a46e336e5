/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/dns.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static char domain[DNS_MAX + 1] = "openstacklocal";
static bool is_said;

/* RFC 1123 2.1: letters, digits and hyphens, which no label begins or ends with. */
static const char *labels_fault(const char *s)
{
	static const char ok[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
	const char *label = s;

	for (;;) {
		size_t n = strspn(label, ok);

		if (!n)
			return "a label is empty, or has other characters than letters, digits and "
			       "hyphens";
		if (n > DNS_LABEL_MAX)
			return "a label is longer than 63 characters";
		if (label[0] == '-' || label[n - 1] == '-')
			return "a label begins or ends with a hyphen";
		if (!label[n] || (label[n] == '.' && !label[n + 1]))
			break;
		if (label[n] != '.')
			return "it has other characters than letters, digits and hyphens";
		label += n + 1;
	}
	if (label != s && !label[strspn(label, "0123456789.")])
		return "its top level is a number";
	return NULL;
}

int dns_domain_set(const char *s, struct err *e)
{
	size_t n = s ? strlen(s) : 0;
	const char *fault;

	if (!s)
		return 0;
	/* With one character and a dot in front of it a name is to fit. */
	fault = n > DNS_MAX - 3 ? "it is too long" : labels_fault(s);
	if (fault)
		return err_set(e, -EINVAL, "dns-domain '%.100s': %s", s, fault);
	memcpy(domain, s, n + 1);
	if (domain[n - 1] == '.')
		domain[n - 1] = '\0';
	is_said = true;
	return 0;
}

const char *dns_domain(void)
{
	return domain;
}

bool dns_domain_is_said(void)
{
	return is_said;
}

static bool is_full(const char *name)
{
	size_t n = strlen(name);

	return n && name[n - 1] == '.';
}

/* Of a full name; 0: it is not in our domain. */
static size_t short_length(const char *name)
{
	size_t n = strlen(name) - 1, d = strlen(domain);

	if (n < d + 2 || name[n - d - 1] != '.' || strncasecmp(name + n - d, domain, d))
		return 0;
	return n - d - 1;
}

const char *dns_name_fault(const char *name)
{
	const char *fault = labels_fault(name);

	if (fault)
		return fault;
	if (is_full(name) && !short_length(name))
		return "it is a full name, and not one of the domain of --dns-domain";
	if (strlen(name) + (is_full(name) ? 0 : strlen(domain) + 2) > DNS_MAX)
		return "with its domain it is longer than 255 characters";
	return NULL;
}

void dns_name_short(const char *name, char out[DNS_MAX + 1])
{
	size_t n = is_full(name) ? short_length(name) : strlen(name);

	snprintf(out, DNS_MAX + 1, "%.*s", (int)n, name);
}

void dns_name_full(const char *name, char out[2 * DNS_MAX + 3])
{
	if (is_full(name))
		snprintf(out, 2 * DNS_MAX + 3, "%s", name);
	else
		snprintf(out, 2 * DNS_MAX + 3, "%s.%s.", name, domain);
}

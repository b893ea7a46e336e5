/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <strings.h>

#include "base/byteorder.h"
#include "datapath/ct_alg_priv.h"

enum { RRQ = 1, WRQ = 2 };

/* opcode, file name, 0, mode, 0 and perhaps options (RFC 1350 5, RFC 2347). */
bool tftp_is_request(const uint8_t *data, uint32_t n)
{
	static const char *const modes[] = { "octet", "netascii", "mail" };
	const uint8_t *name = data + 2, *mode, *end;

	if (n < 4 || (get_be16(data) != RRQ && get_be16(data) != WRQ))
		return false;
	mode = memchr(name, 0, n - 2);
	if (!mode || mode == name)
		return false;
	mode++;
	end = memchr(mode, 0, n - (uint32_t)(mode - data));
	if (!end)
		return false;
	for (unsigned int i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (!strcasecmp((const char *)mode, modes[i]))
			return true;
	return false;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/form.h"

#include <string.h>

#include "base/byteorder.h"
#include "ofproto/field.h"
#include "ofproto/wire.h"

enum {
	XID_AT = 4,
	COOKIE_AT = OF_HEADER_LEN,
	MATCH_AT = 48, /* 7.3.4.1 */
};

/* Whole bytes of the key, and nothing else is judged by them. */
static bool is_free(const struct of_field *f)
{
	switch ((int)f->id) {
	case OF_FIELD_IN_PORT:
	case OF_FIELD_METADATA:
	case OF_FIELD_ETH_DST:
	case OF_FIELD_ETH_SRC:
	case OF_FIELD_IPV4_SRC:
	case OF_FIELD_IPV4_DST:
	case OF_FIELD_IPV6_SRC:
	case OF_FIELD_IPV6_DST:
	case OF_FIELD_ARP_SPA:
	case OF_FIELD_ARP_TPA:
	case OF_FIELD_TCP_SRC:
	case OF_FIELD_TCP_DST:
	case OF_FIELD_UDP_SRC:
	case OF_FIELD_UDP_DST:
	case OF_FIELD_SCTP_SRC:
	case OF_FIELD_SCTP_DST:
	case OF_FIELD_TUN_ID:
		return true;
	default:
		return f->id >= OF_FIELD_REG0 && f->id <= OF_FIELD_REG15;
	}
}

/* All bits of 'n' bytes, or those of 'mask'. */
static void set_free(uint8_t *bits, const uint8_t *mask, size_t n)
{
	for (size_t i = 0; i < n; i++)
		bits[i] = mask ? mask[i] : 0xff;
}

/* A value's bytes, cut where a word of the key ends. */
static bool add_runs(struct of_form *f, size_t from, size_t to, size_t n)
{
	while (n) {
		const size_t left = 8 - to % 8, k = n < left ? n : left;

		if (f->n_runs == OF_FORM_RUNS)
			return false;
		f->run[f->n_runs++] = (struct of_form_run){ .from = (uint16_t)from,
							    .to = (uint16_t)to,
							    .n = (uint8_t)k };
		from += k;
		to += k;
		n -= k;
	}
	return true;
}

/* One field of the match. */
static bool add_field(struct of_form *f, uint8_t *bits, const uint8_t *raw, size_t at)
{
	const uint32_t header = get_be32(raw + at);
	const struct of_field *d = of_field_by_header(header);
	const uint8_t *value = raw + at + 4;

	/* What is not free is as it is. */
	if (!d || !is_free(d))
		return true;
	set_free(bits + at + 4, header & 0x100 ? value + d->bytes : NULL, d->bytes);
	return add_runs(f, at + 4, d->offset, d->bytes);
}

bool of_form_learn(struct of_form *f, const uint8_t *raw, size_t n, size_t at)
{
	const size_t match = at + MATCH_AT;
	uint8_t *bits = (uint8_t *)f->free;
	size_t end;

	f->n = f->n_runs = 0;
	if (n % 8 || n > OF_FORM_MAX || match + 8 > n || raw[at + 1] != OFPT_FLOW_MOD)
		return false;
	end = match + get_be16(raw + match + 2);
	if (end > n)
		return false;
	memset(bits, 0, n);
	set_free(bits + XID_AT, NULL, 4);
	set_free(bits + at + XID_AT, NULL, 4);
	set_free(bits + at + COOKIE_AT, NULL, 8);
	for (size_t p = match + 4; p + 4 <= end; p += 4u + raw[p + 3])
		if (!add_field(f, bits, raw, p))
			return false;
	for (size_t i = 0; i < n / 8; i++)
		f->like[i] = load64(raw + 8 * i) & ~f->free[i];
	f->n = (uint16_t)n;
	return true;
}

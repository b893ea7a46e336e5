/* SPDX-License-Identifier: Apache-2.0 */
/* fit() as RFC 791 3.2 has an internet module fragment: "Fragmentation Procedure", on bytes. */
#include <string.h>

#include "datapath/ref_priv.h"

enum { DF = 0x4000, MF = 0x2000, OFFSET = 0x1fff };

static unsigned int u16(const struct ref_frame *f, int at)
{
	return (unsigned int)ref_u16(f, at);
}

/* Whether IPv4's header at 'ip' lets it be taken apart. */
static bool divisible(const struct ref_frame *f, int ip, uint32_t total)
{
	const unsigned int bits = u16(f, ip + 6);

	if (bits & DF || (uint32_t)ip + total > f->n)
		return false;
	return (bits & OFFSET) * 8 + total - (f->b[ip] & 15u) * 4 <= 65535;
}

uint16_t ref_fit(struct ref_frame *f, uint16_t mtu)
{
	struct ref_look l;
	uint32_t total;
	int ip;

	ref_look(f, &l);
	ip = l.ip4 >= 0 ? l.ip4 : l.ip6;
	if (ip < 0 || ref_length(f) - (uint32_t)ip <= mtu)
		return 0;
	total = l.ip4 >= 0 ? u16(f, ip + 2) : 0;
	if (l.ip4 < 0 || ref_ip_at(f, &l) != ip || !divisible(f, ip, total))
		return mtu;
	f->n = (uint32_t)ip + total;
	f->fit_bytes = total;
	if (!f->fit || mtu < f->fit)
		f->fit = mtu;
	return 0;
}

/* ---- The pieces ---- */

/* Options whose copied flag is not set are in the first one alone; in others there is nothing in
 * their place. */
static void without_options(uint8_t *ip, unsigned int ihl)
{
	for (unsigned int at = 20; at < ihl && ip[at];) {
		const unsigned int n = ip[at] == 1 ? 1 : at + 1 < ihl ? ip[at + 1] : 0;

		if (ip[at] != 1 && (n < 2 || at + n > ihl))
			return;
		if (ip[at] < 128)
			memset(ip + at, 1, n);
		at += n;
	}
}

static void header_sum(uint8_t *ip, unsigned int ihl)
{
	unsigned int s = 0;

	ip[10] = ip[11] = 0;
	for (unsigned int i = 0; i < ihl; i += 2)
		s += (unsigned int)(ip[i] << 8 | ip[i + 1]);
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	ip[10] = (uint8_t)(~s >> 8);
	ip[11] = (uint8_t)~s;
}

bool ref_fit_piece(const struct ref_frame *f, uint32_t *done, struct ref_frame *piece)
{
	const uint32_t at = f->n - f->fit_bytes, ihl = (f->b[at] & 15u) * 4;
	const uint32_t data = f->fit_bytes - ihl, most = (f->fit - ihl) / 8 * 8;
	const uint32_t left = data - *done, n = left < most ? left : most;
	uint8_t *ip = piece->b + at;
	unsigned int bits;

	if (!left)
		return false;
	memcpy(piece->b, f->b, at + ihl);
	memcpy(ip + ihl, f->b + at + ihl + *done, n);
	piece->n = at + ihl + n;
	bits = u16(f, (int)at + 6) + *done / 8;
	if (n < left)
		bits |= MF;
	ip[2] = (uint8_t)((ihl + n) >> 8);
	ip[3] = (uint8_t)(ihl + n);
	ip[6] = (uint8_t)(bits >> 8);
	ip[7] = (uint8_t)bits;
	if (*done)
		without_options(ip, ihl);
	header_sum(ip, ihl);
	*done += n;
	return true;
}

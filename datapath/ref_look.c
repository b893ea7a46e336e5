/* SPDX-License-Identifier: Apache-2.0 */
/* Where the headers of a frame are. */
#include <string.h>

#include "datapath/ref_priv.h"

static bool is_tag(int type)
{
	return type == 0x8100 || type == 0x88a8;
}

/* RFC 4861: the first source (target) link-layer address option of a solicitation (advertisement).
 */
static void look_nd(const struct ref_frame *f, struct ref_look *l)
{
	const int type = ref_u8(f, l->l4);
	int at = l->l4 + 24;

	if ((type != 135 && type != 136) || at > l->l4_end)
		return;
	l->nd = l->l4 + 8;
	while (at + 8 <= l->l4_end && ref_u8(f, at + 1) > 0 &&
	       at + 8 * ref_u8(f, at + 1) <= l->l4_end) {
		if (ref_u8(f, at + 1) == 1 && ref_u8(f, at) == 1 && type == 135) {
			l->nd_sll = at + 2;
			return;
		}
		if (ref_u8(f, at + 1) == 1 && ref_u8(f, at) == 2 && type == 136) {
			l->nd_tll = at + 2;
			return;
		}
		at += 8 * ref_u8(f, at + 1);
	}
}

static void look_l4(const struct ref_frame *f, struct ref_look *l, int at)
{
	static const struct {
		int proto, least;
		bool v4, v6;
	} known[] = {
		{ 6, 20, true, true },	{ 17, 8, true, true },	{ 132, 12, true, true },
		{ 1, 8, true, false },	{ 58, 4, false, true }, { 4, 20, true, true },
		{ 41, 20, true, true }, { 136, 8, true, true }, { 33, 12, true, true },
	};

	for (unsigned int i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].proto == l->proto && l->l4_end - at >= known[i].least &&
		    (l->ip4 >= 0 ? known[i].v4 : known[i].v6))
			l->l4 = at;
	if (l->l4 >= 0 && l->proto == 58)
		look_nd(f, l);
}

static void look_ip4(const struct ref_frame *f, struct ref_look *l, int at)
{
	int words, total, fragment;

	if (!ref_has(f, at, 20) || ref_u8(f, at) >> 4 != 4)
		return;
	words = ref_u8(f, at) & 15;
	total = ref_u16(f, at + 2);
	if (words < 5 || !ref_has(f, at, words * 4) || total < words * 4)
		return;
	l->ip4 = at;
	l->proto_at = at + 9;
	l->proto = ref_u8(f, l->proto_at);
	l->l4_claim = at + total;
	l->l4_end = l->l4_claim < (int)f->n ? l->l4_claim : (int)f->n;
	fragment = ref_u16(f, at + 6);
	if (fragment & 0x1fff)
		l->frag = 3;
	else if (fragment & 0x2000)
		l->frag = 1;
	if (l->frag != 3)
		look_l4(f, l, at + words * 4);
}

/* The flags of 7.2.3.7 from the extension headers in the order in which they stand. */
static int judge_exthdrs(const int *protos, int n)
{
	/* The order of RFC 8200 4.1; destination options are in it twice. */
	static const int order[] = { 0, 60, 43, 44, 51, 50, 60, 59 };
	static const int flag[] = {
		1 << 6, 1 << 3, 1 << 5, 1 << 4, 1 << 2, 1 << 1, 1 << 3, 1 << 0
	};
	int flags = 0, place = 0, dests = 0;

	for (int i = 0; i < n; i++) {
		int first = -1, last = -1, at;

		for (int o = 0; o < 8; o++)
			if (order[o] == protos[i]) {
				first = first < 0 ? o : first;
				last = o;
			}
		if (protos[i] == 60) {
			at = dests == 0 && place <= first ? first : last;
			dests++;
			if (dests > 2)
				flags |= 1 << 7;
		} else {
			at = first;
			if (flags & flag[first])
				flags |= 1 << 7;
		}
		if (at < place)
			flags |= 1 << 8;
		else
			place = at;
		flags |= flag[first];
	}
	return flags;
}

static void look_ip6(const struct ref_frame *f, struct ref_look *l, int at)
{
	int seen[33], n = 0, p = at + 40;
	bool l4 = true;

	if (!ref_has(f, at, 40) || ref_u8(f, at) >> 4 != 6)
		return;
	l->ip6 = at;
	l->l4_claim = p + ref_u16(f, at + 4);
	l->l4_end = l->l4_claim < (int)f->n ? l->l4_claim : (int)f->n;
	l->proto_at = at + 6;
	l->proto = ref_u8(f, l->proto_at);
	while (n < 32 && l4) {
		int len;

		if (l->proto == 50 || l->proto == 59)
			seen[n++] = l->proto;
		if (l->proto != 0 && l->proto != 60 && l->proto != 43 && l->proto != 44 &&
		    l->proto != 51)
			break;
		seen[n++] = l->proto;
		if (l->l4_end - p < 8) {
			l4 = false;
			break;
		}
		if (l->proto == 44)
			len = 8;
		else if (l->proto == 51)
			len = 4 * (ref_u8(f, p + 1) + 2);
		else
			len = 8 * (ref_u8(f, p + 1) + 1);
		if (len > l->l4_end - p) {
			l4 = false;
			break;
		}
		if (l->proto == 43 && !l->routed)
			l->routed = ref_u8(f, p + 3) != 0;
		if (l->proto == 44 && ref_u16(f, p + 2) & 0xfff8) {
			l->frag = 3;
			l4 = false;
		} else if (l->proto == 44 && ref_u16(f, p + 2) & 1) {
			l->frag = 1;
		}
		l->proto_at = p;
		l->proto = ref_u8(f, p);
		p += len;
	}
	l->exthdr = judge_exthdrs(seen, n);
	if (l4)
		look_l4(f, l, p);
}

void ref_look(const struct ref_frame *f, struct ref_look *l)
{
	int at = 12;

	*l = (struct ref_look){ 0 };
	l->proto_at = l->mpls = l->pbb = l->arp = l->ip4 = l->ip6 = l->l4 = l->nd = l->nd_sll =
		l->nd_tll = REF_NOWHERE;
	while (l->n_tags < 8 && is_tag(ref_u16(f, at)) && ref_has(f, at, 6)) {
		l->n_tags++;
		at += 4;
	}
	l->type_at = at;
	l->type = ref_u16(f, at);
	at += 2;
	if (l->type < 0x600) {
		l->type = 0x5ff;
		l->type_at = REF_NOWHERE;
		if (ref_has(f, at, 8) && !memcmp(f->b + at, "\xaa\xaa\x03\0\0\0", 6) &&
		    ref_u16(f, at + 6) >= 0x600) {
			l->type_at = at + 6;
			l->type = ref_u16(f, l->type_at);
			at += 8;
		}
	}
	if (l->type == 0x0800)
		look_ip4(f, l, at);
	else if (l->type == 0x86dd)
		look_ip6(f, l, at);
	else if ((l->type == 0x0806 || l->type == 0x8035) && ref_has(f, at, 28) &&
		 !memcmp(f->b + at, "\0\1\x08\0\x06\x04", 6))
		l->arp = at;
	else if ((l->type == 0x8847 || l->type == 0x8848) && ref_has(f, at, 4))
		l->mpls = at;
	else if (l->type == 0x88e7 && ref_has(f, at, 4))
		l->pbb = at;
}

bool ref_has_l4(const struct ref_frame *f)
{
	struct ref_look l;

	ref_look(f, &l);
	return l.l4 >= 0;
}

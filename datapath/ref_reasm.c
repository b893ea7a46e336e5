/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reassembly read aloud: every byte of a datagram has a place and a mark whether it is there.
 *
 * Without limits of time and number of datagrams: what the table (reasm.h) drops for these is not
 * to be found here.
 */
#include <stdlib.h>
#include <string.h>

#include "datapath/ref_priv.h"

enum { PARTS = 128, HEAD = 1024, ADDRESS_BYTES = 80 };

struct ref_part {
	int at, end;
	bool more;
};

struct ref_datagram {
	struct ref_datagram *next;
	uint8_t key[ADDRESS_BYTES];
	bool dead;
	int n_parts, total, head_n, l3, ecns;
	struct ref_part part[PARTS];
	uint8_t head[HEAD];
	uint8_t data[65536];
	bool there[65536];
};

struct ref_reasm {
	struct ref_datagram *first;
};

struct ref_reasm *ref_reasm_new(void)
{
	return calloc(1, sizeof(struct ref_reasm));
}

void ref_reasm_free(struct ref_reasm *r)
{
	while (r->first) {
		struct ref_datagram *d = r->first;

		r->first = d->next;
		free(d);
	}
	free(r);
}

/* What a fragment says of itself. */
struct ref_said {
	bool v6, more;
	int l3, head, data, at, len, next_at, next, ecn;
	uint8_t key[ADDRESS_BYTES];
};

static void say_key(struct ref_said *s, const struct ref_frame *f, const struct ref_look *l,
		    uint32_t in_port, int id, int id_bytes)
{
	uint8_t *k = s->key;

	memcpy(k, &in_port, 4);
	memcpy(k + 4, f->b + id, (size_t)id_bytes);
	if (s->v6) {
		memcpy(k + 8, f->b + s->l3 + 8, 32);
	} else {
		memcpy(k + 8, f->b + s->l3 + 12, 8);
		k[40] = f->b[s->l3 + 9];
	}
	k[41] = s->v6;
	for (int t = 0; t < l->n_tags; t++) {
		memcpy(k + 44 + 4 * t, f->b + 12 + 4 * t, 4);
		k[46 + 4 * t] &= 0x0f; /* priority and DEI tell nobody apart */
	}
}

static bool say_v4(struct ref_said *s, const struct ref_frame *f)
{
	const int words = 2 * (f->b[s->l3] & 15);
	unsigned int sum = 0;

	for (int i = 0; i < words; i++)
		sum += (unsigned int)ref_u16(f, s->l3 + 2 * i);
	s->head = s->data = s->l3 + 2 * words;
	s->len = ref_u16(f, s->l3 + 2) - 2 * words;
	s->at = (ref_u16(f, s->l3 + 6) & 0x1fff) * 8;
	s->more = ref_u16(f, s->l3 + 6) & 0x2000;
	s->ecn = f->b[s->l3 + 1] & 3;
	return sum % 65535 == 0 && sum;
}

static bool say_v6(struct ref_said *s, const struct ref_frame *f)
{
	int at = s->l3 + 40, proto = f->b[s->l3 + 6];

	s->next_at = s->l3 + 6;
	for (;;) {
		const int size = proto == 44   ? 8
				 : proto == 51 ? 4 * (ref_has(f, at, 2) ? f->b[at + 1] + 2 : 0)
					       : 8 * (ref_has(f, at, 2) ? f->b[at + 1] + 1 : 0);

		if ((proto != 0 && proto != 43 && proto != 44 && proto != 51 && proto != 60) ||
		    !ref_has(f, at, 8))
			return false;
		if (proto == 44 && ref_u16(f, at + 2) & 0xfff9)
			break;
		proto = f->b[at];
		s->next_at = at;
		at += size;
	}
	s->head = at;
	s->data = at + 8;
	s->len = s->l3 + 40 + ref_u16(f, s->l3 + 4) - s->data;
	s->at = ref_u16(f, at + 2) & 0xfff8;
	s->more = f->b[at + 3] & 1;
	s->next = f->b[at];
	s->ecn = f->b[s->l3 + 1] >> 4 & 3;
	return true;
}

static bool say(struct ref_said *s, const struct ref_frame *f, const struct ref_look *l,
		uint32_t in_port)
{
	memset(s, 0, sizeof(*s));
	s->v6 = l->ip6 >= 0;
	s->l3 = s->v6 ? l->ip6 : l->ip4;
	if (!(s->v6 ? say_v6(s, f) : say_v4(s, f)))
		return false;
	say_key(s, f, l, in_port, s->v6 ? s->head + 4 : s->l3 + 4, s->v6 ? 4 : 2);
	return s->len > 0 && s->data + s->len <= (int)f->n && !(s->more && s->len % 8) &&
	       s->head <= HEAD && s->head - s->l3 - (s->v6 ? 40 : 0) + s->at + s->len <= 65535;
}

static struct ref_datagram *datagram(struct ref_reasm *r, const struct ref_said *s)
{
	struct ref_datagram *d;

	for (d = r->first; d; d = d->next)
		if (!memcmp(d->key, s->key, sizeof(s->key)))
			return d;
	d = calloc(1, sizeof(*d));
	if (!d)
		abort();
	memcpy(d->key, s->key, sizeof(s->key));
	d->next = r->first;
	r->first = d;
	return d;
}

static bool is_copy(const struct ref_datagram *d, const struct ref_said *s,
		    const struct ref_frame *f)
{
	for (int i = 0; i < d->n_parts; i++)
		if (d->part[i].at == s->at && d->part[i].end == s->at + s->len &&
		    d->part[i].more == s->more)
			return !memcmp(d->data + s->at, f->b + s->data, (size_t)s->len);
	return false;
}

/* No byte twice, one end, and nothing beyond it. */
static bool fits(const struct ref_datagram *d, const struct ref_said *s)
{
	for (int i = 0; i < s->len; i++)
		if (d->there[s->at + i])
			return false;
	for (int i = 0; i < d->n_parts; i++) {
		if (!d->part[i].more && (!s->more || s->at + s->len > d->part[i].end))
			return false;
		if (!s->more && d->part[i].end > s->at + s->len)
			return false;
	}
	return d->n_parts < PARTS;
}

static void add(struct ref_datagram *d, const struct ref_said *s, const struct ref_frame *f)
{
	d->part[d->n_parts++] = (struct ref_part){ s->at, s->at + s->len, s->more };
	memcpy(d->data + s->at, f->b + s->data, (size_t)s->len);
	memset(d->there + s->at, true, (size_t)s->len);
	d->ecns |= 1 << s->ecn;
	if (!s->more)
		d->total = s->at + s->len;
	if (s->at)
		return;
	d->head_n = s->head;
	d->l3 = s->l3;
	memcpy(d->head, f->b, (size_t)s->head);
	if (s->v6)
		d->head[s->next_at] = (uint8_t)s->next;
}

static bool complete(const struct ref_datagram *d)
{
	if (!d->total)
		return false;
	for (int i = 0; i < d->total; i++)
		if (!d->there[i])
			return false;
	return true;
}

static void put16(uint8_t *p, int v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* Its headers say what it has become.  False: there is no such packet. */
static bool build(const struct ref_datagram *d, uint8_t *out, uint32_t *n)
{
	uint8_t *ip = out + d->l3;
	const int len = d->head_n - d->l3 + d->total;
	const bool v6 = d->key[41];
	const bool ce = d->ecns & 8;
	unsigned int sum = 0;

	if ((ce && d->ecns & 1) || len - (v6 ? 40 : 0) > 65535)
		return false;
	memcpy(out, d->head, (size_t)d->head_n);
	memcpy(out + d->head_n, d->data, (size_t)d->total);
	*n = (uint32_t)(d->head_n + d->total);
	if (v6) {
		put16(ip + 4, len - 40);
		ip[1] |= ce ? 0x30 : 0;
		return true;
	}
	put16(ip + 2, len);
	ip[1] |= ce ? 3 : 0;
	ip[6] &= 0xc0;
	ip[7] = 0;
	put16(ip + 10, 0);
	for (int i = 0; i < d->head_n - d->l3; i += 2)
		sum += (unsigned int)(ip[i] << 8 | ip[i + 1]);
	put16(ip + 10, (int)(0xffff - (sum % 65535 ? sum % 65535 : 65535)));
	return true;
}

static void forget(struct ref_reasm *r, struct ref_datagram *d)
{
	struct ref_datagram **at = &r->first;

	while (*at != d)
		at = &(*at)->next;
	*at = d->next;
	free(d);
}

enum ref_fragment ref_reasm_add(struct ref_reasm *r, const uint8_t *frame, uint32_t n,
				uint32_t in_port, uint8_t *out, uint32_t *out_n)
{
	struct ref_frame f = { .n = n };
	struct ref_datagram *d;
	struct ref_look l;
	struct ref_said s;
	bool sound;

	if (n > sizeof(f.b))
		return REF_LOST;
	memcpy(f.b, frame, n);
	ref_look(&f, &l);
	if (!l.frag)
		return REF_NONE;
	if (!say(&s, &f, &l, in_port))
		return REF_LOST;
	d = datagram(r, &s);
	if (d->dead || is_copy(d, &s, &f))
		return REF_LOST;
	if (!fits(d, &s)) {
		d->dead = true;
		return REF_LOST;
	}
	add(d, &s, &f);
	if (!complete(d))
		return REF_WAITS;
	sound = build(d, out, out_n);
	forget(r, d);
	return sound ? REF_WHOLE : REF_LOST;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/ledger.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/byteorder.h"
#include "base/log.h"

/* Places in an encoded flow_mod and group_mod (7.3.4.1, 7.3.4.2). */
enum {
	FM_COOKIE = 8,
	FM_TABLE = 24,
	FM_COMMAND = 25,
	FM_TIMEOUTS = 26,
	FM_PRIORITY = 30,
	FM_FLAGS = 44,
	FM_MATCH = 48,
	GM_COMMAND = 8,
	GM_TYPE = 10,
	GM_ID = 12,
	GM_BUCKETS = 16,
	KEY_MAX = 4096,
};

static struct blob *blob_new(const uint8_t *wire, uint16_t n)
{
	struct blob *b = malloc(sizeof(*b) + n);

	if (!b)
		return NULL;
	b->refs = 1;
	b->n = n;
	memcpy(b->wire, wire, n);
	put_be32(b->wire + 4, 0); /* the xid is not part of what it says */
	return b;
}

static struct blob *blob_ref(struct blob *b)
{
	if (b)
		b->refs++;
	return b;
}

static void blob_set(struct blob **to, struct blob *b)
{
	if (*to && !--(*to)->refs)
		free(*to);
	*to = b;
}

static bool blob_equal(const struct blob *a, const struct blob *b)
{
	if (a == b)
		return true;
	return a && b && a->n == b->n && !memcmp(a->wire + 8, b->wire + 8, a->n - 8u);
}

static bool wire_is_group(const uint8_t *wire)
{
	return wire[1] == OFPT_GROUP_MOD;
}

/* Table, priority and match; or the group's id.  Returns its length. */
static uint16_t wire_key(const uint8_t *wire, uint8_t *key)
{
	uint16_t n;

	if (wire_is_group(wire)) {
		key[0] = 1;
		memcpy(key + 1, wire + GM_ID, 4);
		return 5;
	}
	n = get_be16(wire + FM_MATCH + 2);
	key[0] = 0;
	key[1] = wire[FM_TABLE];
	memcpy(key + 2, wire + FM_PRIORITY, 2);
	memcpy(key + 4, wire + FM_MATCH, n);
	return (uint16_t)(4 + n);
}

uint64_t entry_cookie(const struct entry *e)
{
	const struct blob *b = e->want ? e->want : e->have;

	return b && !e->is_group ? get_be64(b->wire + FM_COOKIE) : 0;
}

void ledger_init(struct ledger *l)
{
	memset(l, 0, sizeof(*l));
}

static void entry_free(struct ledger *l, struct entry *e)
{
	if (e->dirty) {
		DL_DELETE2(l->dirty, e, dirty_prev, dirty_next);
		l->n_dirty--;
	}
	if (e->unit)
		DL_DELETE2(e->unit->entries, e, unit_prev, unit_next);
	HASH_DEL(l->entries, e);
	blob_set(&e->want, NULL);
	blob_set(&e->have, NULL);
	blob_set(&e->sent, NULL);
	free(e);
}

void ledger_fini(struct ledger *l)
{
	struct entry *e, *next;
	struct unit *u, *next_unit;

	HASH_ITER (hh, l->entries, e, next)
		entry_free(l, e);
	HASH_ITER (hh, l->units, u, next_unit) {
		HASH_DEL(l->units, u);
		free(u);
	}
}

/* Keeps the list of differences, and drops an entry that neither side knows. */
static void settle(struct ledger *l, struct entry *e)
{
	bool differs = !e->sending && !blob_equal(e->want, e->have) && !e->refused;

	if (differs && !e->dirty) {
		DL_APPEND2(l->dirty, e, dirty_prev, dirty_next);
		l->n_dirty++;
	} else if (!differs && e->dirty) {
		DL_DELETE2(l->dirty, e, dirty_prev, dirty_next);
		l->n_dirty--;
	}
	e->dirty = differs;
	/* Equal bytes are kept once. */
	if (e->want && e->have && e->want != e->have && blob_equal(e->want, e->have))
		blob_set(&e->have, blob_ref(e->want));
	if (!e->want && !e->have && !e->sending)
		entry_free(l, e);
}

static struct entry *entry_get(struct ledger *l, const uint8_t *wire)
{
	uint8_t key[KEY_MAX];
	uint16_t n = wire_key(wire, key);
	struct entry *e;

	HASH_FIND(hh, l->entries, key, n, e);
	if (e)
		return e;
	e = calloc(1, sizeof(*e) + n);
	if (!e)
		return NULL;
	e->is_group = wire_is_group(wire);
	e->n_key = n;
	memcpy(e->key, key, n);
	HASH_ADD_KEYPTR(hh, l->entries, e->key, n, e);
	return e;
}

static void count_want(struct ledger *l, const struct entry *e, int by)
{
	if (e->is_group)
		l->n_groups += (size_t)by;
	else
		l->n_flows += (size_t)by;
}

static void unwant(struct ledger *l, struct entry *e)
{
	DL_DELETE2(e->unit->entries, e, unit_prev, unit_next);
	e->unit = NULL;
	e->refused = false;
	count_want(l, e, -1);
	blob_set(&e->want, NULL);
	settle(l, e);
}

static struct unit *unit_find(const struct ledger *l, const struct unit_key *key)
{
	struct unit_key k;
	struct unit *u;

	memset(&k, 0, sizeof(k)); /* padding is part of the hash */
	k.app = key->app;
	k.kind = key->kind;
	k.index = key->index;
	HASH_FIND(hh, l->units, &k, sizeof(k), u);
	return u;
}

bool ledger_has(const struct ledger *l, const struct unit_key *key)
{
	return unit_find(l, key);
}

static struct unit *unit_add(struct ledger *l, const struct unit_key *key)
{
	struct unit *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	u->key.app = key->app;
	u->key.kind = key->kind;
	u->key.index = key->index;
	HASH_ADD(hh, l->units, key, sizeof(u->key), u);
	return u;
}

/* 1: it is another unit's. */
static int want_one(struct ledger *l, struct unit *u, const struct want *w, bool last)
{
	struct entry *e = entry_get(l, w->wire);
	struct blob *b;

	if (!e)
		return -ENOMEM;
	if (e->unit && e->unit != u) {
		if (last &&
		    (e->want->n != w->n || memcmp(e->want->wire + 8, w->wire + 8, w->n - 8u) != 0))
			log_err("ledger",
				"%s and %s want different things of one entry; the first stays",
				e->where, w->where);
		return 1;
	}
	e->round = u->round;
	if (e->want && e->want->n == w->n && !memcmp(e->want->wire + 8, w->wire + 8, w->n - 8u))
		return 0;
	b = blob_new(w->wire, w->n);
	if (!b) {
		settle(l, e);
		return -ENOMEM;
	}
	if (!e->want)
		count_want(l, e, 1);
	blob_set(&e->want, b);
	e->where = w->where;
	e->refused = false;
	if (!e->unit) {
		e->unit = u;
		DL_APPEND2(u->entries, e, unit_prev, unit_next);
	}
	settle(l, e);
	return 0;
}

int ledger_want(struct ledger *l, const struct unit_key *key, const struct flowset *fs, bool last)
{
	struct unit *u = unit_find(l, key);
	struct entry *e, *next;
	int rc = 0, taken = 0;

	/* Most apps have nothing to say of most objects. */
	if (!u && (!fs || !fs->first))
		return 0;
	if (!u)
		u = unit_add(l, key);
	if (!u)
		return -ENOMEM;
	u->round++;
	for (const struct want *w = fs ? fs->first : NULL; w && rc >= 0; w = w->next) {
		rc = want_one(l, u, w, last);
		taken |= rc > 0;
	}
	if (rc < 0)
		return rc;
	for (e = u->entries; e; e = next) {
		next = e->unit_next;
		if (e->round != u->round)
			unwant(l, e);
	}
	if (!u->entries) {
		HASH_DEL(l->units, u);
		free(u);
	}
	return taken;
}

/* ---- what the switch has ---- */

void ledger_read_begin(struct ledger *l)
{
	l->round++;
	l->foreign = 0;
}

int ledger_read(struct ledger *l, const uint8_t *wire, uint16_t n)
{
	struct entry *e = entry_get(l, wire);
	struct blob *b = blob_new(wire, n);

	if (!e || !b) {
		blob_set(&b, NULL);
		return -ENOMEM;
	}
	/* Seen in this reading: 'sent' is free, since nothing is under way while reading. */
	blob_set(&e->sent, b);
	return 0;
}

void ledger_read_end(struct ledger *l, bool known)
{
	struct entry *e, *next;

	HASH_ITER (hh, l->entries, e, next) {
		if (known && !blob_equal(e->have, e->sent))
			l->drift++;
		blob_set(&e->have, e->sent);
		e->sent = NULL;
		e->refused = e->refused && e->want;
		settle(l, e);
	}
}

void ledger_gone(struct ledger *l, const uint8_t *wire)
{
	uint8_t key[KEY_MAX];
	uint16_t n = wire_key(wire, key);
	struct entry *e;

	HASH_FIND(hh, l->entries, key, n, e);
	if (!e)
		return;
	blob_set(&e->have, NULL);
	settle(l, e);
}

bool ledger_doubt(struct ledger *l, const struct unit_key *key)
{
	const struct unit *u = unit_find(l, key);
	struct entry *e;

	for (e = u ? u->entries : NULL; e; e = e->unit_next)
		if (e->sending || e->dirty || e->refused)
			return false;
	for (e = u ? u->entries : NULL; e; e = e->unit_next) {
		blob_set(&e->have, NULL);
		settle(l, e);
	}
	return u;
}

/* ---- sending ---- */

/* Of a group in several parts (apps/network_l2.c): which one; each leads to the next. */
static int part(const struct entry *e)
{
	return e->key[1] >> 2 & 3;
}

/* Smaller goes first; see ledger_take(). */
static int rank(const struct entry *e)
{
	if (e->want)
		return e->is_group ? 3 - part(e) : 256 - e->want->wire[FM_TABLE];
	return e->is_group ? 1024 + part(e) : 512 + e->have->wire[FM_TABLE];
}

static int by_rank(const void *a, const void *b)
{
	return rank(*(struct entry *const *)a) - rank(*(struct entry *const *)b);
}

struct entry **ledger_take(struct ledger *l, size_t max, bool adds_only, size_t *n)
{
	size_t room = l->n_dirty < max ? l->n_dirty : max;
	struct entry **v, *e, *next;

	*n = 0;
	if (!room)
		return NULL;
	v = malloc(room * sizeof(*v));
	if (!v)
		return NULL;
	for (e = l->dirty; e && *n < room; e = next) {
		next = e->dirty_next;
		if (adds_only && e->have)
			continue;
		v[(*n)++] = e;
	}
	for (size_t i = 0; i < *n; i++) {
		v[i]->sending = true;
		v[i]->sent = blob_ref(v[i]->want);
		settle(l, v[i]);
	}
	if (!*n) {
		free(v);
		return NULL;
	}
	qsort(v, *n, sizeof(*v), by_rank);
	return v;
}

/* Whether only instructions differ, so that a modify keeps the flow's counters. */
static bool only_insts(const struct blob *a, const struct blob *b)
{
	return !memcmp(a->wire + FM_COOKIE, b->wire + FM_COOKIE, 8) &&
	       !memcmp(a->wire + FM_TIMEOUTS, b->wire + FM_TIMEOUTS, 4) &&
	       !memcmp(a->wire + FM_FLAGS, b->wire + FM_FLAGS, 2);
}

uint16_t entry_message(const struct entry *e, uint32_t xid, uint8_t *buf)
{
	const struct blob *b = e->sent ? e->sent : e->have;
	uint16_t n = b->n;

	memcpy(buf, b->wire, n);
	if (e->is_group) {
		put_be16(buf + GM_COMMAND, !e->sent  ? OFPGC_DELETE
					   : e->have ? OFPGC_MODIFY
						     : OFPGC_ADD);
		if (!e->sent)
			n = GM_BUCKETS;
	} else if (!e->sent) {
		buf[FM_COMMAND] = OFPFC_DELETE_STRICT;
		n = (uint16_t)(FM_MATCH + ((get_be16(b->wire + FM_MATCH + 2) + 7u) & ~7u));
	} else if (e->have && only_insts(e->have, e->sent)) {
		buf[FM_COMMAND] = OFPFC_MODIFY_STRICT;
	}
	put_be16(buf + 2, n);
	put_be32(buf + 4, xid);
	return n;
}

void ledger_done(struct ledger *l, struct entry *e)
{
	blob_set(&e->have, e->sent);
	e->sent = NULL;
	e->sending = false;
	settle(l, e);
}

void ledger_refused(struct ledger *l, struct entry *e)
{
	/* A deletion that was refused is not tried for ever either; the next reading tries again.
	 */
	e->refused = e->sent ? blob_equal(e->sent, e->want) : !e->want;
	blob_set(&e->sent, NULL);
	e->sending = false;
	settle(l, e);
}

void ledger_lost(struct ledger *l, struct entry *e)
{
	blob_set(&e->sent, NULL);
	e->sending = false;
	settle(l, e);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/ledger.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/log.h"
#include "base/slab.h"
#include "controller/mem.h"

/* Of all ledgers: the loop's thread has them. */
static struct slab entries = SLAB_OF(struct entry), changes = SLAB_OF(struct change);
static struct slab_sizes units;

static void *piece(struct slab *s)
{
	void *p = slab_get(s);

	mem_check(p);
	return p;
}

/* ---- entries and their changes ---- */

static struct unit *unit_of(const struct entry *e)
{
	return e->moves ? e->change->unit : e->unit;
}

static void unit_set(struct entry *e, struct unit *u)
{
	if (e->moves)
		e->change->unit = u;
	else
		e->unit = u;
}

static struct blob *have_of(const struct entry *e)
{
	return e->moves ? e->change->have : e->want;
}

static const struct blob *key_of(const struct entry *e)
{
	return e->moves ? e->change->key : e->want;
}

static struct change *change_new(struct entry *e, struct blob *key)
{
	struct change *c = piece(&changes);

	c->entry = e;
	c->unit = e->unit;
	c->key = blob_ref(key);
	c->have = blob_ref(e->want);
	e->moves = true;
	e->change = c;
	return c;
}

static struct change *change_get(struct entry *e)
{
	return e->moves ? e->change : change_new(e, e->want);
}

static void blob_set(struct blob **to, struct blob *b)
{
	blob_put(*to);
	*to = b;
}

static void waits_set(struct ledger *l, struct change *c, bool waits)
{
	if (c->waits == waits)
		return;
	c->waits = waits;
	if (waits) {
		DL_APPEND(l->waiting, c);
		l->n_dirty++;
	} else {
		DL_DELETE(l->waiting, c);
		l->n_dirty--;
	}
}

static void change_free(struct ledger *l, struct change *c)
{
	waits_set(l, c, false);
	c->entry->moves = false;
	c->entry->unit = c->unit;
	blob_put(c->key);
	blob_put(c->have);
	blob_put(c->sent);
	slab_put(&changes, c);
}

/* Keeps the list of what is to be sent, and drops a change that is none (any more), and the entry
 * with it if neither side knows that. */
static void settle(struct ledger *l, struct change *c)
{
	struct entry *e = c->entry;

	waits_set(l, c, !c->sending && !c->refused && e->want != c->have);
	if (c->sending || e->want != c->have)
		return;
	change_free(l, c);
	if (!e->want) {
		hashset_del(&l->entries, &e->hashed);
		slab_put(&entries, e);
	}
}

static struct entry *entry_find(const struct ledger *l, const struct blob *b)
{
	uint32_t hash = blob_key_hash(b), at = hash;
	struct entry *e;

	while ((e = (struct entry *)hashset_next(&l->entries, hash, &at)) &&
	       !blob_same_key(key_of(e), b))
		;
	return e;
}

/* Found, or new: then it differs as soon as the caller says in what. */
static struct entry *entry_get(struct ledger *l, struct blob *b)
{
	struct entry *e = entry_find(l, b);

	if (e)
		return e;
	e = piece(&entries);
	e->hashed.hash = blob_key_hash(b);
	e->round = l->round;
	change_new(e, b);
	mem_check(!hashset_add(&l->entries, &e->hashed));
	return e;
}

static size_t unit_size(uint32_t n)
{
	return sizeof(struct unit) + n * sizeof(struct entry *);
}

static struct unit *unit_new(const struct unit_key *key, uint32_t hash, uint32_t n)
{
	struct unit *u = slab_size_get(&units, unit_size(n));

	mem_check(u);
	u->hashed.hash = hash;
	u->key = *key;
	u->room = n;
	return u;
}

static void unit_free(struct unit *u)
{
	slab_size_put(&units, u, unit_size(u->room));
}

void ledger_init(struct ledger *l)
{
	memset(l, 0, sizeof(*l));
}

void ledger_fini(struct ledger *l)
{
	for (uint32_t i = 0; i < l->entries.n_slots; i++) {
		struct entry *e = (struct entry *)l->entries.slots[i];

		if (!e)
			continue;
		if (e->moves)
			change_free(l, e->change);
		blob_put(e->want);
		slab_put(&entries, e);
	}
	for (uint32_t i = 0; i < l->units.n_slots; i++)
		if (l->units.slots[i])
			unit_free((struct unit *)l->units.slots[i]);
	hashset_fini(&l->entries);
	hashset_fini(&l->units);
}

/* ---- what is wanted ---- */

static void want_set(struct ledger *l, struct entry *e, struct blob *b)
{
	size_t *n = blob_is_group(b ? b : e->want) ? &l->n_groups : &l->n_flows;
	struct change *c;

	if (e->want == b) {
		blob_put(b);
		return;
	}
	c = change_get(e);
	*n = *n + !!b - !!e->want;
	blob_set(&e->want, b);
	c->refused = false;
	settle(l, c);
}

static uint32_t key_hash(const struct unit_key *k)
{
	uint32_t parts[2] = { k->index, (uint32_t)k->kind << 8 | k->app };

	return hash_bytes(parts, sizeof(parts));
}

static struct unit *unit_find(const struct ledger *l, const struct unit_key *k)
{
	uint32_t hash = key_hash(k), at = hash;
	struct unit *u;

	while ((u = (struct unit *)hashset_next(&l->units, hash, &at)) &&
	       (u->key.app != k->app || u->key.kind != k->kind || u->key.index != k->index))
		;
	return u;
}

bool ledger_has(const struct ledger *l, const struct unit_key *key)
{
	return unit_find(l, key);
}

/* False: it is another unit's. */
static bool want_one(struct ledger *l, struct unit *u, const struct unit *old, const struct want *w,
		     bool last)
{
	struct blob *b = blob_get(w->wire, w->n, w->where);
	struct entry *e = entry_get(l, b);
	const struct unit *has = unit_of(e);

	if (has && has != u && has != old) {
		if (last && e->want != b)
			log_err("ledger",
				"%s and %s want different things of one entry; the first stays",
				e->want->where, w->where);
		blob_put(b);
		return false;
	}
	if (has != u)
		u->entries[u->n++] = e;
	unit_set(e, u);
	want_set(l, e, b);
	return true;
}

bool ledger_want(struct ledger *l, const struct unit_key *key, const struct flowset *fs, bool last)
{
	struct unit *old = unit_find(l, key), *u = NULL;
	bool taken = false;

	if (fs && fs->n) {
		u = unit_new(key, key_hash(key), fs->n);
		for (const struct want *w = fs->first; w; w = w->next)
			taken |= !want_one(l, u, old, w, last);
	}
	for (uint32_t i = 0; old && i < old->n; i++)
		if (unit_of(old->entries[i]) == old) {
			unit_set(old->entries[i], NULL);
			want_set(l, old->entries[i], NULL);
		}
	if (old) {
		hashset_del(&l->units, &old->hashed);
		unit_free(old);
	}
	if (u && u->n)
		mem_check(!hashset_add(&l->units, &u->hashed));
	else if (u)
		unit_free(u);
	return taken;
}

/* ---- what the switch has ---- */

/* Takes over the reference. */
static void have_set(struct ledger *l, struct entry *e, struct blob *b)
{
	struct change *c;

	if (have_of(e) == b) {
		blob_put(b);
		return;
	}
	c = change_get(e);
	blob_set(&c->have, b);
	settle(l, c);
}

void ledger_read_begin(struct ledger *l, bool known)
{
	l->round++;
	l->known = known;
	l->foreign = 0;
}

void ledger_read(struct ledger *l, const uint8_t *wire, uint16_t n)
{
	struct blob *b = blob_get(wire, n, NULL);
	struct entry *e = entry_get(l, b);

	e->round = l->round;
	if (l->known && have_of(e) != b)
		l->drift++;
	have_set(l, e, b);
}

/* Of what this reading has not seen; again to be sent what was refused. */
static void read_end_one(struct ledger *l, struct entry *e)
{
	if (e->round != l->round && have_of(e)) {
		e->round = l->round;
		l->drift += l->known;
		if (!e->want)
			e->change->refused = false;
		have_set(l, e, NULL);
	} else if (e->moves && !e->want && e->change->refused) {
		e->change->refused = false;
		settle(l, e->change);
	}
}

void ledger_read_end(struct ledger *l)
{
	/* A slot whose entry goes gets another one, which has its turn, or again. */
	for (uint32_t i = 0; i < l->entries.n_slots;) {
		struct entry *e = (struct entry *)l->entries.slots[i];
		uint32_t n = l->entries.n;

		if (e)
			read_end_one(l, e);
		if (l->entries.n == n)
			i++;
	}
}

void ledger_gone(struct ledger *l, const uint8_t *wire, uint16_t n)
{
	struct blob *b = blob_get(wire, n, NULL);
	struct entry *e = entry_find(l, b);

	blob_put(b);
	if (e)
		have_set(l, e, NULL);
}

bool ledger_doubt(struct ledger *l, const struct unit_key *key)
{
	const struct unit *u = unit_find(l, key);

	for (uint32_t i = 0; u && i < u->n; i++)
		if (u->entries[i]->moves)
			return false;
	for (uint32_t i = 0; u && i < u->n; i++)
		have_set(l, u->entries[i], NULL);
	return u;
}

/* ---- sending ---- */

const struct blob *change_blob(const struct change *c)
{
	return c->entry->want ? c->entry->want : c->key;
}

/* Of a group in several parts (apps/network_l2.c): which one; each leads to the next. */
static int part(const struct blob *b)
{
	return (int)(blob_group_id(b) >> 26 & 3);
}

/* Smaller goes first; see ledger_take(). */
static int rank(const struct change *c)
{
	const struct blob *b = change_blob(c);

	if (c->entry->want)
		return blob_is_group(b) ? 3 - part(b) : 256 - blob_table(b);
	return blob_is_group(b) ? 1024 + part(b) : 512 + blob_table(b);
}

static int by_rank(const void *a, const void *b)
{
	return rank(*(struct change *const *)a) - rank(*(struct change *const *)b);
}

struct change **ledger_take(struct ledger *l, size_t max, bool adds_only, size_t *n)
{
	size_t room = l->n_dirty < max ? l->n_dirty : max;
	struct change **v, *c;

	*n = 0;
	if (!room)
		return NULL;
	v = mem_array(room, sizeof(struct change *));
	for (c = l->waiting; c && *n < room; c = c->next)
		if (!adds_only || !c->have)
			v[(*n)++] = c;
	for (size_t i = 0; i < *n; i++) {
		v[i]->sending = true;
		v[i]->sent = blob_ref(v[i]->entry->want);
		settle(l, v[i]);
	}
	if (!*n) {
		free(v);
		return NULL;
	}
	qsort(v, *n, sizeof(struct change *), by_rank);
	return v;
}

uint16_t change_message(const struct change *c, uint32_t xid, uint8_t *buf)
{
	return blob_message(c->have, c->sent, xid, buf);
}

static void answered(struct ledger *l, struct change *c)
{
	blob_set(&c->sent, NULL);
	c->sending = false;
	settle(l, c);
}

void ledger_done(struct ledger *l, struct change *c)
{
	blob_set(&c->have, blob_ref(c->sent));
	answered(l, c);
}

void ledger_refused(struct ledger *l, struct change *c)
{
	/* A deletion that was refused is not tried for ever either; the next reading tries again.
	 */
	c->refused = c->sent == c->entry->want;
	answered(l, c);
}

void ledger_lost(struct ledger *l, struct change *c)
{
	answered(l, c);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/world_mac.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "controller/world.h"

/* ---- indexes ---- */

static int index_room(struct macs *m)
{
	uint32_t n = m->n_v ? 2 * m->n_v : 64;
	struct learned **v;
	uint32_t *spare;

	v = realloc(m->v, n * sizeof(*v));
	if (!v)
		return -ENOMEM;
	m->v = v;
	spare = realloc(m->spare, n * sizeof(*spare));
	if (!spare)
		return -ENOMEM;
	m->spare = spare;
	for (uint32_t i = n; i-- > m->n_v;) {
		v[i] = NULL;
		spare[m->n_spare++] = i;
	}
	m->n_v = n;
	return 0;
}

/* Notes that what this index says is another thing now; whoever listens hears of it in a batch. */
static int note(struct world *w, struct sw *sw, uint32_t index)
{
	struct macs *m = &sw->macs;

	if (m->n_changed == m->changed_room) {
		size_t n = m->changed_room ? 2 * m->changed_room : 64;
		uint32_t *v = realloc(m->changed, n * sizeof(*v));

		if (!v)
			return -ENOMEM;
		m->changed = v;
		m->changed_room = n;
	}
	m->changed[m->n_changed++] = index;
	world_mark_dirty(w, &sw->obj, WORLD_MACS);
	return 0;
}

void macs_told(struct sw *sw)
{
	sw->macs.n_changed = 0;
}

/* ---- ports ---- */

static struct mac_port *port_get(struct macs *m, uint32_t ofport)
{
	struct mac_port *p;

	HASH_FIND(hh, m->ports, &ofport, sizeof(ofport), p);
	if (p)
		return p;
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->ofport = ofport;
	HASH_ADD(hh, m->ports, ofport, sizeof(p->ofport), p);
	return p;
}

static void port_drop(struct macs *m, struct mac_port *p)
{
	if (p->n)
		return;
	HASH_DEL(m->ports, p);
	free(p);
}

static void port_enter(struct mac_port *p, struct learned *l)
{
	DL_APPEND(p->macs, l);
	p->n++;
	l->port = p;
}

static void port_leave(struct macs *m, struct learned *l)
{
	struct mac_port *p = l->port;

	DL_DELETE(p->macs, l);
	p->n--;
	port_drop(m, p);
}

static struct mac_port *fullest(const struct macs *m)
{
	struct mac_port *most = m->ports;

	for (struct mac_port *p = m->ports; p; p = p->hh.next)
		if (p->n > most->n)
			most = p;
	return most;
}

/* ---- stations ---- */

static __typeof__(((struct learned *)0)->key) key_of(const uint8_t mac[6], uint16_t vid)
{
	__typeof__(((struct learned *)0)->key) key = { .vid = vid };

	memcpy(key.mac, mac, 6);
	return key;
}

static struct learned *find(const struct sw *sw, const uint8_t mac[6], uint16_t vid)
{
	const __typeof__(((struct learned *)0)->key) key = key_of(mac, vid);
	uint32_t hash = hash_bytes(&key, sizeof(key)), at = hash;
	struct learned *l;

	while ((l = (struct learned *)hashset_next(&sw->macs.by_key, hash, &at)) &&
	       memcmp(&l->key, &key, sizeof(key)) != 0)
		;
	return l;
}

const struct learned *world_mac_find(const struct sw *sw, const uint8_t mac[6], uint16_t vid)
{
	return find(sw, mac, vid);
}

const struct learned *world_mac_by_index(const struct sw *sw, uint32_t index)
{
	return index < sw->macs.n_v ? sw->macs.v[index] : NULL;
}

/* What cannot be noted for want of memory costs flows that nobody needs, until they time out. */
static void forget(struct world *w, struct sw *sw, struct learned *l)
{
	struct macs *m = &sw->macs;

	note(w, sw, l->index);
	hashset_del(&m->by_key, &l->hashed);
	m->v[l->index] = NULL;
	m->spare[m->n_spare++] = l->index;
	port_leave(m, l);
	free(l);
}

static void make_room(struct world *w, struct sw *sw, uint32_t ofport)
{
	struct macs *m = &sw->macs;
	struct mac_port *p;

	HASH_FIND(hh, m->ports, &ofport, sizeof(ofport), p);
	if (!p || p->n < WORLD_MACS_PORT_MAX)
		p = m->by_key.n >= WORLD_MACS_MAX ? fullest(m) : NULL;
	if (!p)
		return;
	forget(w, sw, p->macs);
	m->pushed_out++;
}

static struct learned *add(struct world *w, struct sw *sw, const uint8_t mac[6], uint16_t vid,
			   uint32_t ofport)
{
	struct macs *m = &sw->macs;
	struct mac_port *p;
	struct learned *l;

	make_room(w, sw, ofport);
	if (!m->n_spare && index_room(m))
		return NULL;
	p = port_get(m, ofport);
	if (!p)
		return NULL;
	l = calloc(1, sizeof(*l));
	if (l) {
		l->key = key_of(mac, vid);
		l->hashed.hash = hash_bytes(&l->key, sizeof(l->key));
	}
	if (!l || note(w, sw, m->spare[m->n_spare - 1]) || hashset_add(&m->by_key, &l->hashed)) {
		free(l);
		port_drop(m, p);
		return NULL;
	}
	l->index = m->spare[--m->n_spare];
	m->v[l->index] = l;
	port_enter(p, l);
	return l;
}

static int move(struct world *w, struct sw *sw, struct learned *l, uint32_t ofport)
{
	struct mac_port *p = port_get(&sw->macs, ofport);

	if (!p)
		return -ENOMEM;
	if (note(w, sw, l->index)) {
		port_drop(&sw->macs, p);
		return -ENOMEM;
	}
	port_leave(&sw->macs, l);
	port_enter(p, l);
	return 0;
}

int world_mac_learn(struct world *w, struct sw *sw, const uint8_t mac[6], uint16_t vid,
		    uint32_t ofport, const struct learned **out)
{
	struct learned *l = find(sw, mac, vid);
	bool known = l && l->port->ofport == ofport;

	if (!l)
		l = add(w, sw, mac, vid, ofport);
	else if (!known && move(w, sw, l, ofport))
		l = NULL;
	*out = l;
	if (!l)
		return -ENOMEM;
	l->seen = w->now(w->now_arg);
	if (known && l->next) {
		DL_DELETE(l->port->macs, l);
		DL_APPEND(l->port->macs, l);
	}
	return !known;
}

void world_mac_forget(struct world *w, struct sw *sw, const uint8_t mac[6], uint16_t vid)
{
	struct learned *l = find(sw, mac, vid);

	if (l)
		forget(w, sw, l);
}

void world_mac_forget_port(struct world *w, struct sw *sw, uint32_t ofport)
{
	struct mac_port *p;
	uint32_t n;

	HASH_FIND(hh, sw->macs.ports, &ofport, sizeof(ofport), p);
	/* The port goes with its last station. */
	for (n = p ? p->n : 0; n; n--)
		forget(w, sw, p->macs);
}

void macs_free(struct sw *sw)
{
	struct macs *m = &sw->macs;
	struct mac_port *p, *next_port;

	for (uint32_t i = 0; i < m->n_v; i++)
		free(m->v[i]);
	hashset_fini(&m->by_key);
	HASH_ITER (hh, m->ports, p, next_port) {
		HASH_DEL(m->ports, p);
		free(p);
	}
	free(m->v);
	free(m->spare);
	free(m->changed);
	memset(m, 0, sizeof(*m));
}

/* SPDX-License-Identifier: Apache-2.0 */

/* Keyed; uthash finds the key in the table that is at hand as 't'. */
#define HASH_FUNCTION(at, len, hashv) ((hashv) = vxlan_addr_hash(t->key, at))
#define HASH_NONFATAL_OOM	      1

#include "vxlan/neigh.h"

#include <stdlib.h>
#include <sys/random.h>

void neigh_init(struct neigh_table *t, const struct neigh_ops *ops, void *aux, uint32_t max)
{
	*t = (struct neigh_table){ .ops = ops, .aux = aux, .max = max, .next = UINT64_MAX };
	/* Too early in a machine's life for random bytes: the process's address will do, as it only
	 * makes chains harder to aim at. */
	if (getrandom(t->key, sizeof(t->key), 0) != sizeof(t->key))
		t->key[0] = t->key[1] = (uintptr_t)t;
}

void neigh_del(struct neigh_table *t, struct neigh *n)
{
	HASH_DEL(t->head, n);
	free(n);
}

void neigh_fini(struct neigh_table *t)
{
	struct neigh *n, *next;

	HASH_ITER (hh, t->head, n, next) {
		neigh_del(t, n);
	}
}

struct neigh *neigh_find(struct neigh_table *t, const struct vxlan_addr *addr)
{
	struct neigh *n;

	HASH_FIND(hh, t->head, addr, sizeof(*addr), n);
	return n;
}

/* The only way from state to state: sets the deadline and tells the owner what others can see. */
static void neigh_goto(struct neigh_table *t, struct neigh *n, enum neigh_state state, uint64_t now)
{
	static const uint64_t stay[NEIGH_N_STATES] = {
		[NEIGH_INCOMPLETE] = NEIGH_RETRANS_MS,
		[NEIGH_REACHABLE] = NEIGH_REACHABLE_MS - NEIGH_PROBE_AHEAD_MS,
		[NEIGH_STALE] = NEIGH_IDLE_MS,
		[NEIGH_PROBE] = NEIGH_RETRANS_MS,
		[NEIGH_FAILED] = NEIGH_IDLE_MS,
	};

	n->state = (uint8_t)state;
	n->tries = 0;
	n->since = now;
	n->deadline = now + stay[state];
	if (n->deadline < t->next)
		t->next = n->deadline;
	if (state == NEIGH_INCOMPLETE || state == NEIGH_PROBE) {
		n->tries = 1;
		t->ops->solicit(t->aux, n, state == NEIGH_PROBE);
	}
	t->ops->changed(t->aux, n);
}

struct neigh *neigh_use(struct neigh_table *t, const struct vxlan_addr *addr, uint64_t now)
{
	struct neigh *n = neigh_find(t, addr);

	if (n) {
		n->used = now;
		if (n->state == NEIGH_STALE)
			neigh_goto(t, n, NEIGH_PROBE, now);
		else if (n->state == NEIGH_FAILED && now - n->since >= NEIGH_HOLD_MS)
			neigh_goto(t, n, NEIGH_INCOMPLETE, now);
		return n;
	}
	if (HASH_COUNT(t->head) >= t->max)
		return NULL;
	n = calloc(1, sizeof(*n));
	if (!n)
		return NULL;
	n->addr = *addr;
	n->used = now;
	HASH_ADD(hh, t->head, addr, sizeof(n->addr), n);
	if (!n->hh.tbl) { /* no memory for the table: uthash took the entry out again */
		free(n);
		return NULL;
	}
	neigh_goto(t, n, NEIGH_INCOMPLETE, now);
	return n;
}

bool neigh_heard(struct neigh_table *t, const struct vxlan_addr *addr, const uint8_t mac[6],
		 bool solicited, bool override, uint64_t now)
{
	struct neigh *n = neigh_find(t, addr);
	bool same;

	if (!n)
		return false;
	same = neigh_usable(n) && !memcmp(n->mac, mac, 6);
	if (neigh_usable(n) && !same && !override) {
		/* RFC 4861, 7.2.5 I: another MAC that must not replace ours makes ours doubtful. */
		if (n->state == NEIGH_REACHABLE)
			neigh_goto(t, n, NEIGH_STALE, now);
		return true;
	}
	memcpy(n->mac, mac, 6);
	if (solicited)
		neigh_goto(t, n, NEIGH_REACHABLE, now);
	else if (!same)
		neigh_goto(t, n, NEIGH_STALE, now);
	return true;
}

/* The deadline of 'n' is past. */
static void neigh_due(struct neigh_table *t, struct neigh *n, uint64_t now)
{
	switch ((enum neigh_state)n->state) {
	case NEIGH_REACHABLE:
		neigh_goto(t, n, n->used >= n->since ? NEIGH_PROBE : NEIGH_STALE, now);
		break;
	case NEIGH_INCOMPLETE:
	case NEIGH_PROBE:
		if (n->tries < NEIGH_TRIES) {
			n->tries++;
			n->deadline = now + NEIGH_RETRANS_MS;
			t->ops->solicit(t->aux, n, n->state == NEIGH_PROBE);
		} else {
			/* Not at its old MAC: it may have a new one. */
			neigh_goto(t, n, n->state == NEIGH_PROBE ? NEIGH_INCOMPLETE : NEIGH_FAILED,
				   now);
		}
		break;
	case NEIGH_STALE:
	case NEIGH_FAILED:
	default:
		if (!n->refs && now - n->used >= NEIGH_IDLE_MS)
			neigh_del(t, n);
		else
			n->deadline = now + NEIGH_IDLE_MS;
		break;
	}
}

uint64_t neigh_tick(struct neigh_table *t, uint64_t now)
{
	struct neigh *n, *next;

	if (now < t->next)
		return t->next;
	HASH_ITER (hh, t->head, n, next) {
		if (n->deadline <= now)
			neigh_due(t, n, now);
	}
	/* After the round: an entry may have gone and others have new deadlines. */
	t->next = UINT64_MAX;
	HASH_ITER (hh, t->head, n, next) {
		if (n->deadline < t->next)
			t->next = n->deadline;
	}
	return t->next;
}

void neigh_ask_again(struct neigh_table *t, uint64_t now)
{
	struct neigh *n, *next;

	HASH_ITER (hh, t->head, n, next) {
		neigh_goto(t, n, neigh_usable(n) ? NEIGH_PROBE : NEIGH_INCOMPLETE, now);
	}
}

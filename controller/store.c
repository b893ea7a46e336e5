/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/mem.h"

struct store *store_open(struct ev_loop *loop, const char *url, struct err *e)
{
	struct store *s = NULL;

	if (!strncmp(url, "sqlite:", 7) && url[7])
		s = store_sqlite_open(loop, url + 7, e);
	else if (!strncmp(url, "etcd:", 5))
		err_set(e, -ENOTSUP, "store '%s': etcd is not built in yet; use sqlite:PATH", url);
	else
		err_set(e, -EINVAL, "store '%s': should be sqlite:PATH", url);
	if (s)
		s->url = mem_str(url);
	return s;
}

void store_close(struct store *s)
{
	char *url;

	if (!s)
		return;
	url = s->url;
	s->ops->close(s);
	free(url);
}

int store_load(struct store *s,
	       int (*each)(void *arg, uint32_t kind, const char *id, const uint8_t *p, size_t n,
			   struct err *e),
	       void *arg, struct err *e)
{
	return s->ops->load(s, each, arg, e);
}

struct store_batch *store_batch_new(void)
{
	return mem_get(sizeof(struct store_batch));
}

void store_batch_free(struct store_batch *b)
{
	struct store_item *next;

	if (!b)
		return;
	for (struct store_item *i = b->items; i; i = next) {
		next = i->next;
		free(i->p);
		free(i);
	}
	free(b);
}

static void item_add(struct store_batch *b, uint32_t kind, const char *id, uint8_t *p, size_t n)
{
	struct store_item *i = mem_get(sizeof(*i));

	i->kind = kind;
	snprintf(i->id, sizeof(i->id), "%s", id);
	i->p = p;
	i->n = n;
	if (b->last)
		b->last->next = i;
	else
		b->items = i;
	b->last = i;
}

void store_put(struct store_batch *b, uint32_t kind, const char *id, uint8_t *p, size_t n)
{
	item_add(b, kind, id, p, n);
}

void store_del(struct store_batch *b, uint32_t kind, const char *id)
{
	item_add(b, kind, id, NULL, 0);
}

void store_commit(struct store *s, struct store_batch *b,
		  void (*done)(int rc, const char *why, void *arg), void *arg)
{
	b->done = done;
	b->arg = arg;
	s->ops->commit(s, b);
}

void store_state(struct store *s, struct store_state *out)
{
	memset(out, 0, sizeof(*out));
	s->ops->state(s, out);
	out->url = s->url;
}

/* SPDX-License-Identifier: Apache-2.0 */

/* Keyed: what senders choose must not fill one bucket. */
#define HASH_FUNCTION(at, len, hashv) ((hashv) = ipfix_flow_hash(at))
#define HASH_NONFATAL_OOM	      1

#include "datapath/ipfix_flow.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "datapath/cls_hash.h"

uint32_t ipfix_flow_hash(const struct sample_flow *k)
{
	uint64_t word[(sizeof(*k) + 7) / 8] = { 0 }, h = 0;

	memcpy(word, k, sizeof(*k));
	for (unsigned int i = 0; i < sizeof(word) / sizeof(word[0]); i++)
		h = cls_hash_mix(h ^ word[i], cls_hash_keys[i]);
	return (uint32_t)(h >> 32);
}

void ipfix_flow_begin(struct ipfix_flow *f, const struct sample *s)
{
	*f = (struct ipfix_flow){ .key = s->flow, .start = s->at, .ip_min = s->ip_bytes };
	ipfix_flow_add(f, s);
}

void ipfix_flow_add(struct ipfix_flow *f, const struct sample *s)
{
	const double weight = (double)SAMPLE_ALWAYS / s->probability;

	f->packets += weight;
	f->bytes += weight * s->bytes;
	f->ip_bytes += weight * s->ip_bytes;
	f->tcp_flags |= s->tcp_flags;
	/* Packet threads are drained one after the other. */
	if (s->at < f->start)
		f->start = s->at;
	if (s->at > f->end)
		f->end = s->at;
	if (s->ip_bytes < f->ip_min)
		f->ip_min = s->ip_bytes;
	if (s->ip_bytes > f->ip_max)
		f->ip_max = s->ip_bytes;
}

struct ipfix_flow *ipfix_flow_find(struct ipfix_flows *t, const struct sample_flow *key)
{
	struct ipfix_flow *f;

	HASH_FIND(hh, t->table, key, sizeof(*key), f);
	return f;
}

struct ipfix_flow *ipfix_flow_new(struct ipfix_flows *t, const struct sample *s)
{
	struct ipfix_flow *f = malloc(sizeof(*f));

	if (!f)
		return NULL;
	ipfix_flow_begin(f, s);
	HASH_ADD(hh, t->table, key, sizeof(f->key), f);
	if (!f->hh.tbl) {
		free(f);
		return NULL;
	}
	DL_APPEND(t->list, f);
	t->n++;
	return f;
}

void ipfix_flow_free(struct ipfix_flows *t, struct ipfix_flow *f)
{
	HASH_DEL(t->table, f);
	DL_DELETE(t->list, f);
	t->n--;
	free(f);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Collector sets of a switch: whom it tells of samples, and how much it has told them. */
#include "cli/weftctl.h"

static json_t *collectors_json(const Weft__IpfixSet *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->n_collectors; i++)
		json_array_append_new(list, json_string(s->collectors[i]->name));
	return list;
}

static json_t *set_json(const Weft__IpfixSet *s)
{
	return json_pack("{s:I,s:o,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "id",
			 (json_int_t)s->id, "collectors", collectors_json(s),
			 "cache_active_timeout", (json_int_t)s->active_timeout, "cache_max_flows",
			 (json_int_t)s->max_flows, "template_interval",
			 (json_int_t)s->template_interval, "flows", (json_int_t)s->flows, "samples",
			 (json_int_t)s->samples, "records", (json_int_t)s->records, "messages",
			 (json_int_t)s->messages, "send_errors", (json_int_t)s->errors, "early",
			 (json_int_t)s->early, "dropped", (json_int_t)s->dropped);
}

/* What is sent to each, for JSON's readers. */
static void add_collectors(json_t *o, const Weft__IpfixSet *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->n_collectors; i++)
		json_array_append_new(
			list, json_pack("{s:s,s:I,s:I}", "address", s->collectors[i]->name,
					"messages", (json_int_t)s->collectors[i]->messages,
					"send_errors", (json_int_t)s->collectors[i]->errors));
	json_object_set_new(o, "collectors", list);
}

void ctl_ipfix_print(const struct ctl *c, const Weft__IpfixList *l, bool many)
{
	static const struct ctl_column columns[] = {
		{ "SET", "id" },
		{ "COLLECTORS", "collectors" },
		{ "TIMEOUT", "cache_active_timeout" },
		{ "FLOWS", "flows" },
		{ "SAMPLES", "samples" },
		{ "RECORDS", "records" },
		{ "MESSAGES", "messages" },
		{ "SEND ERRORS", "send_errors" },
		{ "EARLY", "early" },
		{ "DROPPED", "dropped" },
		{ NULL, NULL },
	};
	json_t *list = json_array();

	for (size_t i = 0; i < l->n_sets; i++) {
		json_array_append_new(list, set_json(l->sets[i]));
		if (c->json)
			add_collectors(json_array_get(list, i), l->sets[i]);
	}
	if (many)
		c->json ? ctl_json(list) : ctl_table(list, columns);
	else if (l->n_sets)
		c->json ? ctl_json(json_array_get(list, 0)) : ctl_object(json_array_get(list, 0));
	json_decref(list);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Where the time of a switch's packet threads goes: two readings of its counters, compared. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/weftctl.h"

enum { STAGES_MAX = 64, TABLES = 256 };

struct pair {
	uint64_t cycles, packets;
};

/* What happened between the readings, in one thread or in all. */
struct span {
	double seconds, hz;
	unsigned int threads;
	uint64_t iterations, busy_iterations, busy, idle, sleeps, packets, routed, hits, misses;
	uint64_t sampled, bursts, sampled_packets, sampled_cycles;
	struct pair stage[STAGES_MAX];
	struct table_span {
		uint64_t lookups, matches;
		struct pair searched;
	} table[TABLES];
};

static void pair_add(struct pair *p, const Weft__PerfCount *n, uint64_t sign)
{
	if (!n)
		return;
	p->cycles += sign * n->cycles;
	p->packets += sign * n->packets;
}

/* 'sign' is 1, or -1 (modulo 2^64) of the reading that came first. */
static void span_add(struct span *s, const Weft__PerfThread *t, uint64_t sign)
{
	s->iterations += sign * t->iterations;
	s->busy_iterations += sign * t->busy_iterations;
	s->busy += sign * t->busy_cycles;
	s->idle += sign * t->idle_cycles;
	s->sleeps += sign * t->sleeps;
	s->packets += sign * t->packets;
	s->routed += sign * t->routed;
	if (t->cache) {
		s->hits += sign * t->cache->hits;
		s->misses += sign * t->cache->misses;
	}
	if (t->sampled) {
		s->sampled += sign * t->sampled->iterations;
		s->bursts += sign * t->sampled->bursts;
		s->sampled_packets += sign * t->sampled->packets;
		s->sampled_cycles += sign * t->sampled->cycles;
	}
	for (size_t i = 0; i < t->n_at && i < STAGES_MAX; i++)
		pair_add(&s->stage[i], t->at[i], sign);
	for (size_t i = 0; i < t->n_tables; i++) {
		struct table_span *to = &s->table[t->tables[i]->table % TABLES];

		to->lookups += sign * t->tables[i]->lookups;
		to->matches += sign * t->tables[i]->matches;
		pair_add(&to->searched, t->tables[i]->searched, sign);
	}
}

static const Weft__PerfThread *thread_of(const Weft__Perf *r, uint32_t id)
{
	for (size_t i = 0; r && i < r->n_threads; i++)
		if (r->threads[i]->id == id)
			return r->threads[i];
	return NULL;
}

static double per(double a, double b)
{
	return b > 0 ? a / b : 0;
}

static json_t *percent(double a, double b)
{
	return json_real(100 * per(a, b));
}

/* ---- as JSON: what people read is made of it, too ---- */

static json_t *stages_json(const struct span *s, const Weft__Perf *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->n_stages && i < STAGES_MAX; i++) {
		const struct pair *p = &s->stage[i];

		if (!p->cycles && !p->packets)
			continue;
		json_array_append_new(
			list,
			json_pack("{s:s,s:f,s:o,s:o,s:s}", "stage", r->stages[i]->name,
				  "cycles_per_packet",
				  per((double)p->cycles, (double)s->sampled_packets), "share",
				  percent((double)p->cycles, (double)s->sampled_cycles), "packets",
				  percent((double)p->packets, (double)s->sampled_packets), "text",
				  r->stages[i]->text));
	}
	return list;
}

/* How often classifiers were asked, of which only a part was looked at. */
static double asked(const struct span *s, const struct pair *p)
{
	return (double)p->packets * per((double)s->packets, (double)s->sampled_packets);
}

static json_t *lookups_json(const struct span *s, double lookups, const struct pair *p)
{
	double searched = asked(s, p);

	if (searched > lookups) /* an estimate */
		searched = lookups;
	return json_pack("{s:I,s:o,s:f}", "lookups_per_second",
			 (json_int_t)per(lookups, s->seconds), "searched",
			 percent(searched, lookups), "cycles_per_lookup",
			 per((double)p->cycles, (double)p->packets));
}

static json_t *tables_json(const struct span *s, const Weft__Perf *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->n_tables; i++) {
		const Weft__PerfTable *t = r->tables[i];
		const struct table_span *n = &s->table[t->table % TABLES];
		json_t *o = lookups_json(s, (double)n->lookups, &n->searched);

		json_object_update_new(
			o, json_pack("{s:I,s:s,s:s,s:I,s:I,s:o}", "table", (json_int_t)t->table,
				     "template", t->template_, "why", t->why, "rules",
				     (json_int_t)t->rules, "masks", (json_int_t)t->masks, "matched",
				     percent((double)n->matches, (double)n->lookups)));
		json_array_append_new(list, o);
	}
	return list;
}

/* The tables that a template serves, together. */
static json_t *template_json(const struct span *s, const Weft__Perf *r, const char *name)
{
	struct pair searched = { 0 };
	json_int_t tables = 0;
	double lookups = 0;
	json_t *o;

	for (size_t i = 0; i < r->n_tables; i++) {
		const struct table_span *n = &s->table[r->tables[i]->table % TABLES];

		if (strcmp(r->tables[i]->template_, name))
			continue;
		tables++;
		lookups += (double)n->lookups;
		searched.cycles += n->searched.cycles;
		searched.packets += n->searched.packets;
	}
	o = lookups_json(s, lookups, &searched);
	json_object_update_new(o, json_pack("{s:s,s:I}", "template", name, "tables", tables));
	return o;
}

static json_t *templates_json(const struct span *s, const Weft__Perf *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->n_tables; i++) {
		size_t k = 0;

		while (strcmp(r->tables[k]->template_, r->tables[i]->template_))
			k++;
		if (k == i)
			json_array_append_new(list, template_json(s, r, r->tables[i]->template_));
	}
	return list;
}

static json_t *cache_json(const struct span *s, const Weft__PerfCache *c)
{
	json_t *o = json_pack("{s:I,s:I,s:o}", "hits", (json_int_t)s->hits, "misses",
			      (json_int_t)s->misses, "hit_share",
			      percent((double)s->hits, (double)(s->hits + s->misses)));

	if (c)
		json_object_update_new(
			o, json_pack("{s:s,s:s,s:I,s:I,s:I,s:I,s:f,s:f}", "state", c->state, "why",
				     c->text, "ways", (json_int_t)c->ways, "places",
				     (json_int_t)c->places, "places_max", (json_int_t)c->places_max,
				     "words", (json_int_t)c->words, "cycles_with", c->with,
				     "cycles_without", c->without));
	return o;
}

static json_t *span_json(const struct span *s, const Weft__Perf *r, const Weft__PerfCache *c)
{
	const double whole = s->seconds * s->hz * s->threads;
	json_t *o = json_pack(
		"{s:I,s:f,s:f,s:f,s:o,s:o,s:I,s:I,s:I}", "packets", (json_int_t)s->packets,
		"packets_per_second", per((double)s->packets, s->seconds), "cycles_per_packet",
		per((double)s->busy, (double)s->packets), "packets_per_burst",
		per((double)s->stage[0].packets, (double)s->bursts), "busy",
		percent((double)s->busy, whole), "idle", percent((double)s->idle, whole),
		"iterations", (json_int_t)s->iterations, "busy_iterations",
		(json_int_t)s->busy_iterations, "sleeps", (json_int_t)s->sleeps);

	json_object_set_new(o, "routed", percent((double)s->routed, (double)s->packets));
	json_object_set_new(
		o, "sampled",
		json_pack("{s:I,s:I,s:f}", "iterations", (json_int_t)s->sampled, "packets",
			  (json_int_t)s->sampled_packets, "cycles_per_packet",
			  per((double)s->sampled_cycles, (double)s->sampled_packets)));
	json_object_set_new(o, "stages", stages_json(s, r));
	json_object_set_new(o, "tables", tables_json(s, r));
	json_object_set_new(o, "templates", templates_json(s, r));
	json_object_set_new(o, "cache", cache_json(s, c));
	return o;
}

/* ---- for people ---- */

static double number(const json_t *o, const char *key)
{
	return json_number_value(json_object_get(o, key));
}

static void cache_print(const json_t *c)
{
	const char *state = json_string_value(json_object_get(c, "state"));

	printf("flow cache  ");
	if (state)
		printf("%s: %s; ", state, json_string_value(json_object_get(c, "why")));
	if (number(c, "hits") + number(c, "misses") > 0)
		printf("%.1f %% of those looked up were there; ", number(c, "hit_share"));
	else
		printf("nothing was looked up; ");
	if (state)
		printf("%.0f ways in %.0f places (at most %.0f) by %.0f words of a packet",
		       number(c, "ways"), number(c, "places"), number(c, "places_max"),
		       number(c, "words"));
	if (number(c, "cycles_with") > 0)
		printf("; %.1f cycles a packet with it, %.1f without, when last tried",
		       number(c, "cycles_with"), number(c, "cycles_without"));
	putchar('\n');
}

static void tables_print(const json_t *o)
{
	static const struct ctl_column tables[] = { { "TABLE", "table" },
						    { "TEMPLATE", "template" },
						    { "RULES", "rules" },
						    { "MASKS", "masks" },
						    { "LOOKUPS/S", "lookups_per_second" },
						    { "% MATCHED", "matched" },
						    { "% SEARCHED", "searched" },
						    { "CYCLES/LOOKUP", "cycles_per_lookup" },
						    { "BECAUSE", "why" },
						    { NULL, NULL } };
	static const struct ctl_column templates[] = { { "TEMPLATE", "template" },
						       { "TABLES", "tables" },
						       { "LOOKUPS/S", "lookups_per_second" },
						       { "% SEARCHED", "searched" },
						       { "CYCLES/LOOKUP", "cycles_per_lookup" },
						       { NULL, NULL } };

	if (!json_array_size(json_object_get(o, "tables")))
		return;
	putchar('\n');
	ctl_table(json_object_get(o, "tables"), tables);
	putchar('\n');
	ctl_table(json_object_get(o, "templates"), templates);
}

static void span_print(const char *who, double seconds, const json_t *o)
{
	static const struct ctl_column stages[] = {
		{ "STAGE", "stage" },	  { "CYCLES/PACKET", "cycles_per_packet" },
		{ "% OF ALL", "share" },  { "% OF PACKETS", "packets" },
		{ "WHAT IT IS", "text" }, { NULL, NULL }
	};
	const json_t *sampled = json_object_get(o, "sampled");

	printf("%s: %.0f packets/s in %.1f s, %.1f cycles each, %.1f in a burst\n", who,
	       number(o, "packets_per_second"), seconds, number(o, "cycles_per_packet"),
	       number(o, "packets_per_burst"));
	printf("time        busy %.1f %%, looking in vain %.1f %%, the rest asleep or not on the "
	       "core; slept %.0f times\n",
	       number(o, "busy"), number(o, "idle"), number(o, "sleeps"));
	if (number(o, "routed") > 0)
		printf("table 0     %.1f %% of packets: it told all of them, and the cache was not "
		       "asked\n",
		       number(o, "routed"));
	cache_print(json_object_get(o, "cache"));
	if (number(sampled, "packets") <= 0) {
		printf("stages      no packet came, so nothing was measured\n");
		return;
	}
	printf("stages      measured in %.0f of %.0f iterations that had packets: %.1f cycles a "
	       "packet\n\n",
	       number(sampled, "iterations"), number(o, "busy_iterations"),
	       number(sampled, "cycles_per_packet"));
	ctl_table(json_object_get(o, "stages"), stages);
	tables_print(o);
}

static void thread_name(const Weft__PerfThread *t, char *out, size_t n)
{
	if (t->pinned)
		snprintf(out, n, "packet thread %u on core %u", t->id, t->core);
	else
		snprintf(out, n, "packet thread %u", t->id);
}

/* ---- one after the other ---- */

static void between(struct span *s, const Weft__Perf *first, const Weft__PerfThread *t)
{
	const Weft__PerfThread *was = thread_of(first, t->id);

	s->threads++;
	span_add(s, t, 1);
	if (was)
		span_add(s, was, UINT64_MAX);
}

static struct span *span_new(const Weft__Perf *first, const Weft__Perf *last, double since_start)
{
	struct span *s = calloc(1, sizeof(*s));

	if (!s)
		abort();
	s->hz = (double)last->hz;
	s->seconds = first ? (double)(last->time - first->time) / s->hz : since_start;
	return s;
}

void ctl_perf_print(const struct ctl *c, const Weft__Perf *first, const Weft__Perf *last,
		    double seconds)
{
	struct span *sum = span_new(first, last, seconds);
	json_t *all = json_object(), *threads = json_array();

	json_object_set_new(all, "seconds", json_real(sum->seconds));
	json_object_set_new(all, "hz", json_integer((json_int_t)last->hz));
	json_object_set_new(all, "threads", threads);
	for (size_t i = 0; i < last->n_threads; i++) {
		const Weft__PerfThread *t = last->threads[i];
		struct span *s = span_new(first, last, seconds);
		json_t *o;

		between(s, first, t);
		between(sum, first, t);
		o = span_json(s, last, t->cache);
		json_object_set_new(o, "id", json_integer(t->id));
		json_object_set_new(o, "core", t->pinned ? json_integer(t->core) : json_null());
		json_array_append_new(threads, o);
		free(s);
	}
	json_object_set_new(all, "sum", span_json(sum, last, NULL));
	if (c->json)
		ctl_json(all);
	else if (last->n_threads > 1)
		span_print("all packet threads", sum->seconds, json_object_get(all, "sum"));
	for (size_t i = 0; !c->json && i < last->n_threads; i++) {
		char who[64];

		thread_name(last->threads[i], who, sizeof(who));
		fputs(last->n_threads > 1 ? "\n" : "", stdout);
		span_print(who, sum->seconds, json_array_get(threads, i));
	}
	json_decref(all);
	free(sum);
}

/* "[SWITCH] [--seconds N] [--json]": takes the options out. */
int ctl_perf_options(struct ctl *c, double *seconds)
{
	int n = 0;

	*seconds = 1;
	for (int i = 0; i < c->n_args; i++) {
		const char *word = c->args[i], *value;
		char *end;

		if (!strcmp(word, "--json")) {
			c->json = true;
			continue;
		}
		if (strncmp(word, "--seconds", 9) || (word[9] && word[9] != '=')) {
			c->args[n++] = c->args[i];
			continue;
		}
		value = word[9] ? word + 10 : i + 1 < c->n_args ? c->args[++i] : "";
		*seconds = strtod(value, &end);
		if (end == value || *end || !(*seconds >= 0 && *seconds <= 3600))
			return ctl_fail(CTL_USAGE,
					"--seconds '%s': 0 to 3600, 0 is since the start", value);
	}
	c->n_args = n;
	return CTL_OK;
}

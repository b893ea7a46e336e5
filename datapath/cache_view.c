/* SPDX-License-Identifier: Apache-2.0 */
#include "datapath/cache_view.h"

#include "datapath/cache_priv.h"

/* Of what another thread writes. */
#define READ(x) __atomic_load_n(&(x), __ATOMIC_RELAXED)

enum { LOOKED_AT = 16384 };

/* A part of the places tells of all. */
static uint64_t ways(const struct cache *c, uint64_t places)
{
	const uint32_t stamp = READ(c->stamp), where = CACHE_STAMP_WHERE;
	const uint64_t step = places > LOOKED_AT ? places / LOOKED_AT : 1;
	uint64_t n = 0;

	for (uint64_t i = 0; stamp && i < places; i += step)
		n += (READ(c->mem[i].stamp) & ~where) == stamp;
	return n * step;
}

/* Of the port that most packets came by. */
static const struct cache_habit *busiest(const struct cache *c)
{
	const struct cache_habit *h = c->habits;

	for (unsigned int i = 1; i < CACHE_HABITS; i++)
		if (READ(c->habits[i].received) > READ(h->received))
			h = &c->habits[i];
	return h;
}

/* Whether it pays for some ports, and for others it does not. */
static bool is_split(const struct cache *c)
{
	bool is[2] = { false, false };

	for (unsigned int i = 0; i < CACHE_HABITS; i++) {
		const struct cache_habit *h = &c->habits[i];

		if (READ(h->received) && READ(h->adapt.phase) == ADAPT_HOLDS)
			is[READ(h->adapt.on)] = true;
	}
	return is[0] && is[1];
}

static void say(const struct cache *c, const struct cache_habit *h, struct cache_view *v)
{
	const bool on = READ(h->adapt.on);

	if (v->words > CACHE_WORDS_MAX) {
		v->state = "off";
		v->text = "the tables look at more of a packet than a way has room for";
	} else if (is_split(c)) {
		v->state = "in part";
		v->text = "it pays for what comes by some ports; for others the tables alone are "
			  "faster";
	} else if (READ(h->adapt.phase) == ADAPT_TRIES) {
		v->state = "trial";
		v->text = "for some milliseconds it is measured whether it pays";
	} else if (READ(h->adapt.phase) == ADAPT_SURE) {
		v->state = "in use";
		v->text = "the tables look at nothing but the port";
	} else if (READ(h->adapt.phase) == ADAPT_WARMS) {
		v->state = "warming";
		v->text = "it is being filled, and then it is measured whether it pays";
	} else if (on) {
		v->state = "in use";
		v->text = "it pays";
	} else {
		v->state = "aside";
		v->text = "the tables alone are faster";
	}
}

/* The quartiles of the last trial (cache_adapt.c). */
static void say_costs(const struct cache_habit *h, struct cache_view *v)
{
	enum { FRACTION = 16 };
	const uint32_t without = READ(h->adapt.found[0]), with = READ(h->adapt.found[1]);

	if (READ(h->adapt.phase) == ADAPT_TRIES || !with || !without)
		return;
	v->with = (double)with / FRACTION;
	v->without = (double)without / FRACTION;
}

void cache_view(const struct cache *c, struct cache_view *out)
{
	const struct cache_habit *h;

	*out = (struct cache_view){ .state = "off", .text = "the switch was started without one" };
	if (!c)
		return;
	out->places = READ(c->mask) + 2;
	out->places_max = c->max;
	out->words = READ(c->n_words);
	out->ways = ways(c, out->places);
	h = busiest(c);
	say(c, h, out);
	say_costs(h, out);
}

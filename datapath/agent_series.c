/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Series of flow_mods: additions of one form (ofproto/form.h), one behind the other, on a
 * connection or in a bundle.  Two of one length in a row are taken for the beginning of a series:
 * the second one's form is learned, and those that have it are done without being read again.
 *
 * What is known holds until anything else has its turn: another message, or another watcher of the
 * loop.
 */
#include <stdlib.h>
#include <string.h>

#include "base/byteorder.h"
#include "datapath/agent_priv.h"
#include "datapath/table_like.h"

enum {
	PATIENCE = 8, /* forms that nobody else had, */
	AGAIN = 32,   /* then one in so many flow_mods is tried */
};

struct series {
	const struct conn *conn; /* whose; NULL: none */
	struct of_form form;
	struct table_like like; /* while form.n */
	/* Of those that are put into a bundle: the envelope and its flow_mod. */
	struct of_form outer;
	struct bundle *bundle;
	/* How it went before, for what is learned to be of use. */
	struct series_luck {
		uint16_t last; /* length of the last message */
		uint32_t vain, tried;
		bool used;
	} luck, outer_luck;
};

enum { ENVELOPE = 24 }; /* EXT-230: in front of a bundled message */

struct series *series_new(void)
{
	return calloc(1, sizeof(struct series));
}

void series_free(struct series *s)
{
	free(s);
}

static void count(struct series_luck *l, bool was)
{
	if (was)
		l->vain = l->used ? 0 : l->vain + 1;
	l->used = false;
}

void series_end(struct agent *a)
{
	struct series *s = a->series;

	if (!s)
		return;
	count(&s->luck, s->form.n);
	count(&s->outer_luck, s->outer.n);
	s->form.n = s->outer.n = 0;
	s->conn = NULL;
}

/* Whether it is worth while to learn a form from a message of 'n' bytes. */
static bool worth_it(struct series_luck *l, uint16_t n)
{
	const bool again = l->last == n;

	l->last = n;
	return again && (l->vain < PATIENCE || !(l->tried++ % AGAIN));
}

void series_note(struct conn *c, const struct of_msg *m)
{
	struct series *s = c->agent->series;
	const struct of_flow_mod *fm = (const struct of_flow_mod *)m->body;

	if (!s)
		return;
	count(&s->luck, s->form.n);
	s->form.n = 0;
	if (!worth_it(&s->luck, m->length) || !of_form_learn(&s->form, m->raw, m->length, 0))
		return;
	if (table_like_init(c->agent->dp, &s->like, fm, &s->form))
		s->conn = c;
	else
		s->form.n = 0;
}

size_t series_length(const struct conn *c)
{
	const struct series *s = c->agent->series;

	return s && s->conn == c ? s->form.n : 0;
}

unsigned int series_add(struct conn *c, const uint8_t *const *raw, unsigned int n)
{
	struct agent *a = c->agent;
	struct series *s = a->series;
	unsigned int fit, done;

	for (fit = 0; fit < n && of_form_fits(&s->form, raw[fit]); fit++)
		;
	if (!fit)
		return 0;
	done = table_add_like(a->dp, &s->like, raw, fit, c->serial,
			      a->in_bundle ? a->bundle_xid : 0);
	if (done) {
		s->luck.used = true;
		agent_changed(a);
	}
	return done;
}

void series_note_bundled(struct conn *c, const struct of_msg *m, struct bundle *b)
{
	struct series *s = c->agent->series;

	if (!s || !worth_it(&s->outer_luck, m->length) ||
	    get_be16(m->raw + ENVELOPE + 2) != m->length - ENVELOPE ||
	    !of_form_learn(&s->outer, m->raw, m->length, ENVELOPE))
		return;
	s->bundle = b;
	s->conn = c;
}

/* The messages of 'n' bytes that stand whole at 'p', at most TABLE_LIKE_RUN. */
static unsigned int gather(const uint8_t *p, size_t left, size_t n, const uint8_t **raw)
{
	unsigned int k = 0;

	for (; k < TABLE_LIKE_RUN && left >= n && get_be16(p + 2) == n; k++) {
		raw[k] = p;
		p += n;
		left -= n;
	}
	return k;
}

/* Those with one transaction id in envelope and flow_mod, like 'form'. */
static unsigned int fit_outer(const struct of_form *form, const uint8_t **raw, unsigned int n)
{
	unsigned int k;

	for (k = 0; k < n; k++) {
		if (!of_form_fits(form, raw[k]) ||
		    memcmp(raw[k] + 4, raw[k] + ENVELOPE + 4, 4) != 0)
			break;
		raw[k] += ENVELOPE;
	}
	return k;
}

size_t series_run(struct of_session *session, const uint8_t *p, size_t left, unsigned int *n_msgs,
		  void *arg)
{
	struct conn *c = arg;
	struct agent *a = c->agent;
	struct series *s = a->series;
	const uint8_t *raw[TABLE_LIKE_RUN];
	unsigned int k;
	size_t n;

	role_assume_control();
	if (!s || s->conn != c || a->n_snoopers)
		return 0;
	n = s->outer.n ? s->outer.n : s->form.n;
	if (!n)
		return 0;
	k = gather(p, left, n, raw);
	if (s->outer.n) {
		k = fit_outer(&s->outer, raw, k);
		k = k ? bundle_keep_like(c, s->bundle, &s->outer, ENVELOPE, raw, k) : 0;
		s->outer_luck.used |= k;
	} else {
		k = series_add(c, raw, k);
	}
	*n_msgs = k;
	return k * n;
}

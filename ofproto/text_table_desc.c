/* SPDX-License-Identifier: Apache-2.0 */
/* Tables' configuration in words, as ovs-ofctl has them for OpenFlow 1.4: eviction and vacancy
 * events. */
#include "ofproto/text_events.h"

static void put_eviction(FILE *f, uint32_t config, const struct of_list *properties)
{
	static const char *const names[] = { "OTHER", "IMPORTANCE", "LIFETIME" };
	const char *sep = "";

	fprintf(f, "eviction=%s", config & OFPTC_EVICTION ? "on" : "off");
	fputs(" eviction_flags=", f);
	for (uint32_t i = 0; i < properties->n; i++) {
		const struct of_table_prop_eviction *p = OF_AT(properties, i, table_prop_eviction);

		for (unsigned int b = 0; p->kind == OF_KIND_table_prop_eviction && b < 3; b++)
			if (p->flags >> b & 1) {
				fprintf(f, "%s%s", sep, names[b]);
				sep = "|";
			}
	}
	if (!*sep)
		fputs("(default)", f);
}

static void put_vacancy(FILE *f, uint32_t config, const struct of_list *properties)
{
	fprintf(f, "vacancy=%s", config & OFPTC_VACANCY_EVENTS ? "on" : "off");
	for (uint32_t i = 0; i < properties->n; i++) {
		const struct of_table_prop_vacancy *p = OF_AT(properties, i, table_prop_vacancy);

		if (p->kind == OF_KIND_table_prop_vacancy)
			fprintf(f, " vacancy_down=%u%% vacancy_up=%u%% vacancy=%u%%",
				p->vacancy_down, p->vacancy_up, p->vacancy);
	}
}

static void put_table_desc(FILE *f, const struct of_table_desc *d)
{
	fprintf(f, "\n  table %u:\n   ", d->table_id);
	put_eviction(f, d->config, &d->properties);
	fputs("\n   ", f);
	put_vacancy(f, d->config, &d->properties);
	fputc('\n', f);
}

void text_put_table_descs(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	const struct of_list *tables = &((const struct of_table_desc_reply *)body)->tables;

	for (uint32_t i = 0; i < tables->n; i++)
		put_table_desc(f, OF_AT(tables, i, table_desc));
}

void text_put_table_status(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	const struct of_table_status *s = (const void *)body;

	if (s->reason == OFPTR_VACANCY_DOWN || s->reason == OFPTR_VACANCY_UP)
		fprintf(f, " reason=VACANCY_%s", s->reason == OFPTR_VACANCY_UP ? "UP" : "DOWN");
	else
		fprintf(f, " reason=%u", s->reason);
	fputs("\ntable_desc:-", f);
	put_table_desc(f, &s->table);
}

void text_put_onf_table_mod(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	const struct of_onf_table_mod *t = (const void *)body;

	if (t->table_id == OFPTT_ALL)
		fputs(" table_id: ALL_TABLES, ", f);
	else
		fprintf(f, " table_id=%u, ", t->table_id);
	if (t->config & OFPTC_EVICTION)
		put_eviction(f, t->config, &t->properties);
	else
		fputs("eviction=off", f);
	fputs(", ", f);
	put_vacancy(f, t->config, &t->properties);
}

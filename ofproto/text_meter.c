/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "ofproto/text.h"
#include "ofproto/text_lex.h"

static const struct text_name flags[] = { { "kbps", OFPMF_KBPS },
					  { "pktps", OFPMF_PKTPS },
					  { "burst", OFPMF_BURST },
					  { "stats", OFPMF_STATS },
					  { NULL, 0 } };

static const struct text_name ids[] = { { "all", OFPM_ALL },
					{ "controller", OFPM_CONTROLLER },
					{ "slowpath", OFPM_SLOWPATH },
					{ NULL, 0 } };

static const struct text_name band_types[] = { { "drop", OFPMBT_DROP },
					       { "dscp_remark", OFPMBT_DSCP_REMARK },
					       { NULL, 0 } };

/* ---- Bands: each "type=" begins one ---- */

struct band {
	uint32_t type;
	uint32_t rate, burst, prec;
	bool has_rate, has_burst, has_prec;
};

static int parse_band_key(struct band *b, const char *key, const char *value, struct err *e)
{
	uint8_t prec;
	int r;

	if (!strcmp(key, "rate")) {
		b->has_rate = true;
		return text_u32(value, key, &b->rate, e);
	}
	if (!strcmp(key, "burst_size")) {
		b->has_burst = true;
		return text_u32(value, key, &b->burst, e);
	}
	if (!strcmp(key, "prec_level")) {
		b->has_prec = true;
		r = text_u8(value, key, &prec, e);
		b->prec = prec;
		return r;
	}
	return err_set(e, -EINVAL,
		       "unknown keyword \"%s\": expected type, rate, burst_size, prec_level", key);
}

static int add_band(struct of_meter_mod *m, const struct band *b, struct arena *a, struct err *e)
{
	bool drop = b->type == OFPMBT_DROP, burst = m->flags & OFPMF_BURST;
	struct of_band_dscp_remark *d;
	struct of_band_drop *p;
	struct of_any *any;

	if (!b->has_rate)
		return err_set(e, -EINVAL, "a band needs rate=");
	if (burst && !b->has_burst)
		return err_set(e, -EINVAL, "with 'burst', a band needs burst_size=");
	if (!burst && b->has_burst)
		return err_set(e, -EINVAL,
			       "burst_size= goes with the meter's keyword 'burst' only");
	if (drop == b->has_prec)
		return err_set(e, -EINVAL,
			       drop ? "a drop band has no prec_level"
				    : "a dscp_remark band needs prec_level=");
	any = of_new(a, drop ? OF_KIND_band_drop : OF_KIND_band_dscp_remark);
	if (!any || of_list_add(&m->bands, a, any))
		return err_set(e, -ENOMEM, "out of memory");
	if (drop) {
		p = (struct of_band_drop *)any;
		p->rate = b->rate;
		p->burst_size = b->burst;
	} else {
		d = (struct of_band_dscp_remark *)any;
		d->rate = b->rate;
		d->burst_size = b->burst;
		d->prec_level = (uint8_t)b->prec;
	}
	return 0;
}

static int parse_bands(struct of_meter_mod *m, char *s, struct arena *a, struct err *e)
{
	struct band b = { 0 };
	char *key, *value;
	bool begun = false;
	int r = 0;

	while (!r && text_next(&s, &key, &value)) {
		if (!*value)
			return err_set(e, -EINVAL, "field %s needs a value", key);
		if (strcmp(key, "type")) {
			if (!begun)
				return err_set(e, -EINVAL, "a band begins with type=");
			r = parse_band_key(&b, key, value, e);
			continue;
		}
		if (begun)
			r = add_band(m, &b, a, e);
		b = (struct band){ 0 };
		begun = true;
		if (!r && text_value_of(band_types, value, &b.type))
			return err_set(e, -EINVAL, "type=%s: expected drop or dscp_remark", value);
	}
	if (r)
		return r;
	if (!begun)
		return err_set(e, -EINVAL, "a meter needs bands: bands=type=drop,rate=1000");
	return add_band(m, &b, a, e);
}

/* ---- The meter ---- */

static int parse_meter_key(struct of_meter_mod *m, const char *key, const char *value, bool *has_id,
			   struct err *e)
{
	uint32_t flag;
	int r;

	if (m->command != OFPMC_DELETE && !text_value_of(flags, key, &flag)) {
		m->flags |= (uint16_t)flag;
		return 0;
	}
	if (strcmp(key, "meter") || !*value)
		return err_set(
			e, -EINVAL, "\"%s\": expected meter=ID%s", key,
			m->command == OFPMC_DELETE ? "" : ", kbps, pktps, burst, stats or bands=");
	*has_id = true;
	if (!text_value_of(ids, value, &m->meter_id))
		return 0;
	r = text_u32(value, "meter", &m->meter_id, e);
	if (!r && (!m->meter_id || m->meter_id > OFPM_MAX))
		return err_set(e, -EINVAL, "meter=%s: meters are 1 to 0x%x", value, OFPM_MAX);
	return r;
}

/* Cuts "band=..." or "bands=..." off. */
static char *cut_bands(char *s)
{
	char *p = strstr(s, "band"), *eq = p ? strchr(p, '=') : NULL;

	if (!eq)
		return NULL;
	*p = '\0';
	return eq + 1;
}

int of_parse_meter(const char *s, uint16_t command, struct arena *a, struct of_meter_mod **out,
		   struct err *e)
{
	struct of_meter_mod *m = OF_NEW(a, meter_mod);
	char *copy = arena_strdup(a, s), *bands = NULL, *key, *value;
	bool has_id = false;
	int r;

	if (!m || !copy)
		return err_set(e, -ENOMEM, "out of memory");
	m->command = command;
	m->meter_id = OFPM_ALL;
	if (command != OFPMC_DELETE)
		bands = cut_bands(copy);
	while (text_next(&copy, &key, &value)) {
		r = parse_meter_key(m, key, value, &has_id, e);
		if (r)
			return r;
	}
	if (command != OFPMC_DELETE) {
		if (!has_id)
			return err_set(e, -EINVAL, "a meter needs meter=ID");
		if (!(m->flags & (OFPMF_KBPS | OFPMF_PKTPS)))
			return err_set(e, -EINVAL, "a meter needs 'kbps' or 'pktps'");
		if (!bands)
			return err_set(e, -EINVAL,
				       "a meter needs bands: bands=type=drop,rate=1000");
		r = parse_bands(m, bands, a, e);
		if (r)
			return r;
	}
	*out = m;
	return 0;
}

/* ---- Printing ---- */

static void put_band(FILE *f, const struct of_any *any, uint16_t meter_flags)
{
	const struct of_band_drop *p = (const void *)any;
	const struct of_band_dscp_remark *d = (const void *)any;
	bool drop = any->kind == OF_KIND_band_drop;

	if (!drop && any->kind != OF_KIND_band_dscp_remark) {
		fputs("\ntype=experimenter", f);
		return;
	}
	fprintf(f, "\ntype=%s rate=%u", drop ? "drop" : "dscp_remark", drop ? p->rate : d->rate);
	if (meter_flags & OFPMF_BURST)
		fprintf(f, " burst_size=%u", drop ? p->burst_size : d->burst_size);
	if (!drop)
		fprintf(f, " prec_level=%u", d->prec_level);
}

void of_format_meter(FILE *f, uint32_t meter_id, uint16_t meter_flags, const struct of_list *bands)
{
	const char *name = text_name_of(ids, meter_id);

	if (name)
		fprintf(f, "meter=%s ", name);
	else
		fprintf(f, "meter=%u ", meter_id);
	if (meter_flags) {
		text_put_bits(f, flags, meter_flags, ' ', "");
		fputc(' ', f);
	}
	fputs("bands=", f);
	for (uint32_t i = 0; i < bands->n; i++)
		put_band(f, bands->v[i], meter_flags);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables in words: statistics and features (section 7.3.5.3, 7.3.5.5).  A run of tables that are
 * alike is said once; of a table's features, what is as in the table before is not said again.
 */
#include <stdlib.h>
#include <string.h>

#include "ofproto/text_msg.h"

/* ---- Actions and fields by name ---- */

static const struct text_name action_names[] = {
	{ "output", OFPAT_OUTPUT },
	{ "group", OFPAT_GROUP },
	{ "set_field", OFPAT_SET_FIELD },
	{ "strip_vlan", OFPAT_POP_VLAN },
	{ "push_vlan", OFPAT_PUSH_VLAN },
	{ "mod_nw_ttl", OFPAT_SET_NW_TTL },
	{ "dec_ttl", OFPAT_DEC_NW_TTL },
	{ "set_mpls_ttl", OFPAT_SET_MPLS_TTL },
	{ "dec_mpls_ttl", OFPAT_DEC_MPLS_TTL },
	{ "push_mpls", OFPAT_PUSH_MPLS },
	{ "pop_mpls", OFPAT_POP_MPLS },
	{ "set_queue", OFPAT_SET_QUEUE },
	{ NULL, 0 },
};

static const struct text_name inst_names[] = {
	{ "meter", OFPIT_METER },
	{ "apply_actions", OFPIT_APPLY_ACTIONS },
	{ "clear_actions", OFPIT_CLEAR_ACTIONS },
	{ "write_actions", OFPIT_WRITE_ACTIONS },
	{ "write_metadata", OFPIT_WRITE_METADATA },
	{ "goto_table", OFPIT_GOTO_TABLE },
	{ NULL, 0 },
};

static void put_types(FILE *f, const struct text_name *t, uint32_t bits, const char *none)
{
	bool any = false;

	for (; t->name; t++) {
		if (!(bits >> t->value & 1))
			continue;
		fprintf(f, "%s%s", any ? " " : "", t->name);
		any = true;
	}
	if (!any)
		fputs(none, f);
}

void text_put_action_bits(FILE *f, uint32_t bits, const char *none)
{
	put_types(f, action_names, bits, none);
}

/* In the order in which ovs-ofctl lists fields; fields that it does not know come last. */
static const enum of_field_id field_order[] = {
	OF_FIELD_DP_HASH,     OF_FIELD_CONJ_ID,	      OF_FIELD_TUN_ID,	     OF_FIELD_TUN_SRC,
	OF_FIELD_TUN_DST,     OF_FIELD_TUN_IPV6_SRC,  OF_FIELD_TUN_IPV6_DST, OF_FIELD_TUN_FLAGS,
	OF_FIELD_TUN_GBP_ID,  OF_FIELD_TUN_GBP_FLAGS, OF_FIELD_METADATA,     OF_FIELD_IN_PORT_NXM,
	OF_FIELD_IN_PORT,     OF_FIELD_ACTSET_OUTPUT, OF_FIELD_PKT_MARK,     OF_FIELD_CT_STATE,
	OF_FIELD_CT_ZONE,     OF_FIELD_CT_MARK,	      OF_FIELD_CT_LABEL,     OF_FIELD_CT_NW_PROTO,
	OF_FIELD_CT_NW_SRC,   OF_FIELD_CT_NW_DST,     OF_FIELD_CT_IPV6_SRC,  OF_FIELD_CT_IPV6_DST,
	OF_FIELD_CT_TP_SRC,   OF_FIELD_CT_TP_DST,     OF_FIELD_REG0,	     OF_FIELD_REG1,
	OF_FIELD_REG2,	      OF_FIELD_REG3,	      OF_FIELD_REG4,	     OF_FIELD_REG5,
	OF_FIELD_REG6,	      OF_FIELD_REG7,	      OF_FIELD_REG8,	     OF_FIELD_REG9,
	OF_FIELD_REG10,	      OF_FIELD_REG11,	      OF_FIELD_REG12,	     OF_FIELD_REG13,
	OF_FIELD_REG14,	      OF_FIELD_REG15,	      OF_FIELD_XREG0,	     OF_FIELD_XREG1,
	OF_FIELD_XREG2,	      OF_FIELD_XREG3,	      OF_FIELD_XREG4,	     OF_FIELD_XREG5,
	OF_FIELD_XREG6,	      OF_FIELD_XREG7,	      OF_FIELD_XXREG0,	     OF_FIELD_XXREG1,
	OF_FIELD_XXREG2,      OF_FIELD_XXREG3,	      OF_FIELD_ETH_SRC,	     OF_FIELD_ETH_DST,
	OF_FIELD_ETH_TYPE,    OF_FIELD_VLAN_TCI,      OF_FIELD_VLAN_VID,     OF_FIELD_VLAN_PCP,
	OF_FIELD_MPLS_LABEL,  OF_FIELD_MPLS_TC,	      OF_FIELD_MPLS_BOS,     OF_FIELD_MPLS_TTL,
	OF_FIELD_IPV4_SRC,    OF_FIELD_IPV4_DST,      OF_FIELD_IPV6_SRC,     OF_FIELD_IPV6_DST,
	OF_FIELD_IPV6_FLABEL, OF_FIELD_IP_PROTO,      OF_FIELD_IP_TOS,	     OF_FIELD_IP_DSCP,
	OF_FIELD_IP_ECN,      OF_FIELD_IP_TTL,	      OF_FIELD_IP_FRAG,	     OF_FIELD_ARP_OP,
	OF_FIELD_ARP_SPA,     OF_FIELD_ARP_TPA,	      OF_FIELD_ARP_SHA,	     OF_FIELD_ARP_THA,
	OF_FIELD_TCP_SRC,     OF_FIELD_TCP_DST,	      OF_FIELD_TCP_FLAGS,    OF_FIELD_UDP_SRC,
	OF_FIELD_UDP_DST,     OF_FIELD_SCTP_SRC,      OF_FIELD_SCTP_DST,     OF_FIELD_ICMPV4_TYPE,
	OF_FIELD_ICMPV4_CODE, OF_FIELD_ICMPV6_TYPE,   OF_FIELD_ICMPV6_CODE,  OF_FIELD_ND_TARGET,
	OF_FIELD_ND_SLL,      OF_FIELD_ND_TLL,	      OF_FIELD_IN_PHY_PORT,  OF_FIELD_PBB_ISID,
	OF_FIELD_IPV6_EXTHDR,
};
enum { N_ORDERED = sizeof(field_order) / sizeof(field_order[0]) };

struct fields {
	bool in[OF_N_FIELDS];
};

static const char *field_name(enum of_field_id id)
{
	if (id == OF_FIELD_IN_PORT)
		return "in_port_oxm";
	return id == OF_FIELD_IN_PORT_NXM ? "in_port" : of_fields[id].name;
}

/* Length up to and with the first '_' at or after 'from'; 0: there is none. */
static size_t stem_len(const char *name, size_t from)
{
	const char *p = strchr(name + from, '_');

	return p ? (size_t)(p - name) + 1 : 0;
}

/* How many names from 'v' on share 'len' characters. */
static unsigned int n_alike(const char *const *v, unsigned int n, size_t len)
{
	unsigned int k = 1;

	while (k < n && !strncmp(v[k], v[0], len))
		k++;
	return k;
}

/* How many names from 'v' on count up by one: reg0, reg1 ... */
static unsigned int n_counting(const char *const *v, unsigned int n)
{
	size_t len = strcspn(v[0], "0123456789");
	unsigned int k = 0;
	long first;

	if (!v[0][len])
		return 1;
	first = strtol(v[0] + len, NULL, 10);
	while (k < n && !strncmp(v[k], v[0], len) && v[k][len] &&
	       strtol(v[k] + len, NULL, 10) == first + (long)k)
		k++;
	return k;
}

/* "eth_{src,dst} reg0...reg15": names that begin alike are said together. */
static void put_names(FILE *f, const char *const *v, unsigned int n, size_t from, char sep)
{
	for (unsigned int i = 0, k; i < n; i += k) {
		size_t len = stem_len(v[i], from);

		if (i)
			fputc(sep, f);
		k = len ? n_alike(v + i, n - i, len) : 1;
		if (k > 1) {
			fprintf(f, "%.*s{", (int)(len - from), v[i] + from);
			put_names(f, v + i, k, len, ',');
			fputc('}', f);
			continue;
		}
		k = n_counting(v + i, n - i);
		fputs(v[i] + from, f);
		if (k > 1)
			fprintf(f, "...%s", v[i + k - 1] + from);
	}
}

static bool any_field(const struct fields *s)
{
	for (unsigned int i = 0; i < OF_N_FIELDS; i++)
		if (s->in[i])
			return true;
	return false;
}

static void put_fields(FILE *f, const char *label, const struct fields *s)
{
	const char *names[N_ORDERED];
	unsigned int n = 0;

	if (!any_field(s))
		return;
	for (unsigned int i = 0; i < N_ORDERED; i++)
		if (s->in[field_order[i]])
			names[n++] = field_name(field_order[i]);
	fputs(label, f);
	put_names(f, names, n, 0, ' ');
	fputc('\n', f);
}

/* ---- Dittos ---- */

struct dittos {
	int first, last; /* -1: none */
};

static void put_dittos(FILE *f, struct dittos *d)
{
	if (d->first >= 0 && d->first == d->last)
		fprintf(f, "\n  table %d: ditto\n", d->first);
	else if (d->first >= 0)
		fprintf(f, "\n  tables %d...%d: ditto\n", d->first, d->last);
	d->first = -1;
}

static void add_ditto(struct dittos *d, int table)
{
	if (d->first < 0)
		d->first = table;
	d->last = table;
}

void text_put_table_stats(FILE *f, const struct of_any *body, const struct of_text_opts *o)
{
	const struct of_list *l = &((const struct of_mp_table_reply *)body)->tables;
	const struct of_table_stats *prev = NULL;
	struct dittos d = { -1, -1 };

	for (uint32_t i = 0; i < l->n; i++) {
		const struct of_table_stats *t = OF_AT(l, i, table_stats);

		if (prev && prev->active_count == t->active_count &&
		    prev->lookup_count == t->lookup_count &&
		    prev->matched_count == t->matched_count) {
			add_ditto(&d, t->table_id);
		} else {
			put_dittos(f, &d);
			fprintf(f, "\n  table %u:\n    active=%u, lookup=%llu, matched=%llu\n",
				t->table_id, t->active_count, (unsigned long long)t->lookup_count,
				(unsigned long long)t->matched_count);
		}
		prev = t;
	}
	put_dittos(f, &d);
}

/* ---- Features, gathered from their properties ---- */

struct acts {
	uint32_t types;
	struct fields set;
};

/* Of table misses, or of other flows. */
struct flow_features {
	bool next[256];
	uint32_t insts;
	struct acts write, apply;
};

struct features {
	struct flow_features other, miss;
	struct fields masked, wild, exact;
	uint64_t metadata_match, metadata_write;
	uint32_t max_entries;
};

static uint32_t type_bits(const struct of_ids *ids)
{
	uint32_t bits = 0;

	for (uint32_t i = 0; i < ids->n; i++)
		if (ids->v[i].type < 32)
			bits |= 1u << ids->v[i].type;
	return bits;
}

static void gather_fields(struct fields *s, const struct of_ids *ids)
{
	memset(s, 0, sizeof(*s));
	for (uint32_t i = 0; i < ids->n; i++)
		if (ids->v[i].field)
			s->in[ids->v[i].field->id] = true;
}

static void gather_tables(bool *next, const struct of_ids *ids)
{
	memset(next, 0, 256);
	for (uint32_t i = 0; i < ids->n; i++)
		next[ids->v[i].type & 0xff] = true;
}

static void gather_match(struct features *t, const struct of_ids *ids)
{
	for (uint32_t i = 0; i < ids->n; i++)
		if (ids->v[i].field)
			(ids->v[i].has_mask ? &t->masked : &t->exact)->in[ids->v[i].field->id] =
				true;
}

/* All properties that hold ids begin alike. */
static void gather(struct features *t, const struct of_any *prop, bool *has_miss)
{
	const struct of_ids *ids = &((const struct of_tf_instructions *)prop)->ids;
	struct features *x = t;

	switch ((int)prop->kind) {
	case OF_KIND_tf_instructions:
		x->other.insts = type_bits(ids);
		break;
	case OF_KIND_tf_instructions_miss:
		x->miss.insts = type_bits(ids);
		has_miss[0] = true;
		break;
	case OF_KIND_tf_next_tables:
		gather_tables(x->other.next, ids);
		break;
	case OF_KIND_tf_next_tables_miss:
		gather_tables(x->miss.next, ids);
		has_miss[1] = true;
		break;
	case OF_KIND_tf_write_actions:
		x->other.write.types = type_bits(ids);
		break;
	case OF_KIND_tf_write_actions_miss:
		x->miss.write.types = type_bits(ids);
		has_miss[2] = true;
		break;
	case OF_KIND_tf_apply_actions:
		x->other.apply.types = type_bits(ids);
		break;
	case OF_KIND_tf_apply_actions_miss:
		x->miss.apply.types = type_bits(ids);
		has_miss[3] = true;
		break;
	case OF_KIND_tf_match:
		gather_match(x, ids);
		break;
	case OF_KIND_tf_wildcards:
		gather_fields(&x->wild, ids);
		break;
	case OF_KIND_tf_write_setfield:
		gather_fields(&x->other.write.set, ids);
		break;
	case OF_KIND_tf_write_setfield_miss:
		gather_fields(&x->miss.write.set, ids);
		has_miss[4] = true;
		break;
	case OF_KIND_tf_apply_setfield:
		gather_fields(&x->other.apply.set, ids);
		break;
	case OF_KIND_tf_apply_setfield_miss:
		gather_fields(&x->miss.apply.set, ids);
		has_miss[5] = true;
		break;
	}
}

/* A property that is not given for table misses is as for other flows. */
static void fill_miss(struct features *t, const bool *has)
{
	if (!has[0])
		t->miss.insts = t->other.insts;
	if (!has[1])
		memcpy(t->miss.next, t->other.next, sizeof(t->miss.next));
	if (!has[2])
		t->miss.write.types = t->other.write.types;
	if (!has[3])
		t->miss.apply.types = t->other.apply.types;
	if (!has[4])
		t->miss.write.set = t->other.write.set;
	if (!has[5])
		t->miss.apply.set = t->other.apply.set;
}

static void gather_all(struct features *t, const struct of_table_features *tf)
{
	bool has_miss[6] = { false };

	memset(t, 0, sizeof(*t));
	for (uint32_t i = 0; i < tf->properties.n; i++)
		gather(t, tf->properties.v[i], has_miss);
	fill_miss(t, has_miss);
	t->metadata_match = tf->metadata_match;
	t->metadata_write = tf->metadata_write;
	t->max_entries = tf->max_entries;
	/* Of what can only be matched whole, some may be left out: wild.  Masked says both. */
	for (unsigned int i = 0; i < OF_N_FIELDS; i++) {
		t->wild.in[i] = t->wild.in[i] && t->exact.in[i];
		t->exact.in[i] = t->exact.in[i] && !t->wild.in[i];
	}
}

/* ---- Features, printed ---- */

static void put_next_tables(FILE *f, const bool *next)
{
	const char *before = "      next tables: ";
	bool any = false;

	for (int i = 0; i < 256; i++) {
		int last = i;

		if (!next[i])
			continue;
		while (last < 255 && next[last + 1])
			last++;
		fprintf(f, "%s%d", before, i);
		if (last > i)
			fprintf(f, "-%d", last);
		before = ",";
		any = true;
		i = last;
	}
	if (any)
		fputc('\n', f);
}

static bool is_zero(const void *p, size_t n)
{
	const uint8_t *b = p;

	while (n--)
		if (*b++)
			return false;
	return true;
}

static void put_acts(FILE *f, const char *label, const struct acts *a)
{
	if (is_zero(a, sizeof(*a)))
		return;
	fprintf(f, "      %s features:\n", label);
	if (a->types) {
		fputs("        actions: ", f);
		text_put_action_bits(f, a->types, "");
		fputc('\n', f);
	}
	put_fields(f, "        supported on Set-Field: ", &a->set);
}

static bool same_acts(const struct flow_features *x, const struct flow_features *y)
{
	return !memcmp(&x->write, &y->write, sizeof(x->write)) &&
	       !memcmp(&x->apply, &y->apply, sizeof(x->apply));
}

static void put_flow_features(FILE *f, const struct flow_features *x,
			      const struct flow_features *prev)
{
	put_next_tables(f, x->next);
	if (x->insts) {
		fputs("      instructions: ", f);
		put_types(f, inst_names, x->insts, "");
		fputc('\n', f);
	}
	if (prev && same_acts(x, prev)) {
		if (!is_zero(&x->write, sizeof(x->write)) || !is_zero(&x->apply, sizeof(x->apply)))
			fputs("      (same actions)\n", f);
	} else if (!memcmp(&x->write, &x->apply, sizeof(x->write))) {
		put_acts(f, "Write-Actions and Apply-Actions", &x->write);
	} else {
		put_acts(f, "Write-Actions", &x->write);
		put_acts(f, "Apply-Actions", &x->apply);
	}
}

static void put_instructions(FILE *f, const struct features *t, const struct features *prev)
{
	if (prev && !memcmp(&t->other, &prev->other, sizeof(t->other)) &&
	    !memcmp(&t->miss, &prev->miss, sizeof(t->miss))) {
		if (!is_zero(&t->other, sizeof(t->other)) || !is_zero(&t->miss, sizeof(t->miss)))
			fputs("    (same instructions)\n", f);
		return;
	}
	if (!memcmp(&t->other, &t->miss, sizeof(t->other))) {
		if (is_zero(&t->other, sizeof(t->other)))
			return;
		fputs("    instructions (table miss and others):\n", f);
		put_flow_features(f, &t->other, prev ? &prev->other : NULL);
		return;
	}
	fputs("    instructions (other than table miss):\n", f);
	put_flow_features(f, &t->other, prev ? &prev->other : NULL);
	fputs("    instructions (table miss):\n", f);
	put_flow_features(f, &t->miss, prev ? &prev->miss : NULL);
}

static void put_matching(FILE *f, const struct features *t, const struct features *prev)
{
	bool any = any_field(&t->masked) || any_field(&t->wild) || any_field(&t->exact);

	if (!any)
		return;
	if (prev && !memcmp(&t->masked, &prev->masked, sizeof(t->masked)) &&
	    !memcmp(&t->wild, &prev->wild, sizeof(t->wild)) &&
	    !memcmp(&t->exact, &prev->exact, sizeof(t->exact))) {
		fputs("    (same matching)\n", f);
		return;
	}
	fputs("    matching:\n", f);
	put_fields(f, "      arbitrary mask: ", &t->masked);
	put_fields(f, "      exact match or wildcard: ", &t->wild);
	put_fields(f, "      must exact match: ", &t->exact);
}

static void put_table_head(FILE *f, const struct of_table_features *tf)
{
	fprintf(f, "\n  table %u", tf->table_id);
	if (tf->name[0]) {
		fputs(" (\"", f);
		text_put_string(f, tf->name, sizeof(tf->name));
		fputs("\")", f);
	}
	fputc(':', f);
}

static void put_table(FILE *f, const struct of_table_features *tf, const struct features *t,
		      const struct features *prev)
{
	put_table_head(f, tf);
	fputc('\n', f);
	if (t->metadata_match || t->metadata_write)
		fprintf(f, "    metadata: match=%#llx write=%#llx\n",
			(unsigned long long)t->metadata_match,
			(unsigned long long)t->metadata_write);
	if (t->max_entries)
		fprintf(f, "    max_entries=%u\n", t->max_entries);
	put_instructions(f, t, prev);
	put_matching(f, t, prev);
}

void text_put_table_features(FILE *f, const struct of_list *tables)
{
	struct features two[2], *prev = NULL;
	struct dittos d = { -1, -1 };

	for (uint32_t i = 0; i < tables->n; i++) {
		const struct of_table_features *tf = OF_AT(tables, i, table_features);
		struct features *t = &two[i & 1];

		gather_all(t, tf);
		/* Whether a table would lead to itself makes no difference. */
		if (prev) {
			prev->other.next[tf->table_id] = t->other.next[tf->table_id];
			prev->miss.next[tf->table_id] = t->miss.next[tf->table_id];
		}
		if (prev && !memcmp(t, prev, sizeof(*t)) && tf->name[0]) {
			put_dittos(f, &d);
			put_table_head(f, tf);
			fputs(" ditto", f);
		} else if (prev && !memcmp(t, prev, sizeof(*t))) {
			add_ditto(&d, tf->table_id);
		} else {
			put_dittos(f, &d);
			put_table(f, tf, t, prev);
		}
		prev = t;
	}
	put_dittos(f, &d);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Structures as indented text, one member a line: for logs and tests, by the descriptor rows.
 *
 * Not the ovs-ofctl grammar, which is text.h's: here nothing is left out or abbreviated.
 */
#include "ofproto/codec.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

static void dump_rows(FILE *f, const struct of_desc *d, const void *s, int indent);

static void begin(FILE *f, int indent, const char *name)
{
	fprintf(f, "%*s%s:", indent, "", name);
}

/* ---- Values ---- */

static void dump_hex(FILE *f, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fprintf(f, "%02x", p[i]);
}

static void dump_mac(FILE *f, const uint8_t *p)
{
	fprintf(f, "%02x:%02x:%02x:%02x:%02x:%02x", p[0], p[1], p[2], p[3], p[4], p[5]);
}

static void dump_text(FILE *f, const uint8_t *p, size_t n)
{
	fputc('"', f);
	for (size_t i = 0; i < n && p[i]; i++) {
		if (p[i] == '"' || p[i] == '\\' || !isprint(p[i]))
			fprintf(f, "\\x%02x", p[i]);
		else
			fputc(p[i], f);
	}
	fputc('"', f);
}

static void dump_flags(FILE *f, enum of_enum_id e, uint64_t v)
{
	fprintf(f, "0x%" PRIx64, v);
	for (unsigned int i = 0; i < of_enums[e].n; i++)
		if (v & of_enums[e].first[i].value)
			fprintf(f, " %s", of_enums[e].first[i].name);
}

static void dump_named(FILE *f, enum of_enum_id e, uint64_t v)
{
	const char *name = v <= UINT32_MAX ? of_enum_name(e, (uint32_t)v) : NULL;

	fprintf(f, "%" PRIu64, v);
	if (name)
		fprintf(f, " %s", name);
}

static void dump_uint(FILE *f, const struct of_row *row, uint64_t v)
{
	switch (row->fmt) {
	case OF_FMT_HEX:
	case OF_FMT_COOKIE:
		fprintf(f, "0x%" PRIx64, v);
		break;
	case OF_FMT_PORT:
		dump_named(f, OF_ENUM_port_no, v);
		break;
	case OF_FMT_TABLE:
		dump_named(f, OF_ENUM_table, v);
		break;
	case OF_FMT_GROUP:
		dump_named(f, OF_ENUM_group, v);
		break;
	case OF_FMT_METER:
		dump_named(f, OF_ENUM_meter, v);
		break;
	case OF_FMT_QUEUE:
		dump_named(f, OF_ENUM_queue_no, v);
		break;
	case OF_FMT_BUFFER:
		fprintf(f, "%" PRIu64 "%s", v, v == OFP_NO_BUFFER ? " OFP_NO_BUFFER" : "");
		break;
	case OF_FMT_ENUM:
		dump_named(f, row->arg, v);
		break;
	case OF_FMT_FLAGS:
		dump_flags(f, row->arg, v);
		break;
	default:
		fprintf(f, "%" PRIu64, v);
	}
}

static uint64_t load(const void *member, unsigned int size)
{
	switch (size) {
	case 1:
		return *(const uint8_t *)member;
	case 2:
		return *(const uint16_t *)member;
	case 4:
		return *(const uint32_t *)member;
	default:
		return *(const uint64_t *)member;
	}
}

/* ---- Fields ---- */

static void dump_value(FILE *f, const struct of_field *fd, const uint8_t *v)
{
	char buf[INET6_ADDRSTRLEN];

	switch (fd->fmt) {
	case OF_FF_MAC:
		dump_mac(f, v);
		break;
	case OF_FF_IP4:
		fputs(inet_ntop(AF_INET, v, buf, sizeof(buf)), f);
		break;
	case OF_FF_IP6:
		fputs(inet_ntop(AF_INET6, v, buf, sizeof(buf)), f);
		break;
	case OF_FF_DEC:
	case OF_FF_PORT:
		fprintf(f, "%" PRIu64, get_be(v, fd->bytes));
		break;
	default:
		fputs("0x", f);
		dump_hex(f, v, fd->bytes);
	}
}

/* A mask in the value's form, but bits as bits. */
static void dump_mask(FILE *f, const struct of_field *fd, const uint8_t *mask)
{
	if (fd->fmt == OF_FF_MAC || fd->fmt == OF_FF_IP4 || fd->fmt == OF_FF_IP6) {
		dump_value(f, fd, mask);
	} else {
		fputs("0x", f);
		dump_hex(f, mask, fd->bytes);
	}
}

static void dump_oxm(FILE *f, const struct of_oxm *o, int indent)
{
	fprintf(f, "%*s%s: ", indent, "", o->field ? o->field->name : "none");
	if (o->field)
		dump_value(f, o->field, o->value);
	if (o->field && o->masked) {
		fputc('/', f);
		dump_mask(f, o->field, o->mask);
	}
	fputc('\n', f);
}

static void dump_match(FILE *f, const struct of_match *m, int indent)
{
	struct of_oxm o;

	FIELD_EACH (fd) {
		if (fd->is_alias || !of_match_has(m, fd))
			continue;
		of_match_get(m, fd, &o);
		dump_oxm(f, &o, indent);
	}
}

/* ---- Rows ---- */

static void dump_list(FILE *f, const struct of_list *l, int indent)
{
	for (uint32_t i = 0; i < l->n; i++) {
		const struct of_desc *d = of_desc(l->v[i]);

		fprintf(f, "%*s- %s\n", indent, "", d->name);
		dump_rows(f, d, l->v[i], indent + 4);
	}
}

static void dump_words(FILE *f, const uint32_t *v, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		fprintf(f, " 0x%x", v[i]);
	fputc('\n', f);
}

static void dump_ids(FILE *f, enum of_ids_width width, const struct of_ids *ids)
{
	for (uint32_t i = 0; i < ids->n; i++) {
		const struct of_id *id = &ids->v[i];

		if (id->field)
			fprintf(f, " %s%s", id->field->name, id->has_mask ? "/mask" : "");
		else if (width == OF_IDS_oxm)
			fprintf(f, " 0x%08x", id->type);
		else
			fprintf(f, " %u", id->type);
		if (id->experimenter && !id->field)
			fprintf(f, ".0x%x", id->experimenter);
	}
	fputc('\n', f);
}

static void dump_msg(FILE *f, const struct of_msg *m, int indent)
{
	if (!m) {
		fprintf(f, "%*snone\n", indent, "");
		return;
	}
	fprintf(f, "%*s%s version=%u xid=0x%x\n", indent, "",
		m->body ? of_desc(m->body)->name : "none", m->version, m->xid);
	if (m->body)
		dump_rows(f, of_desc(m->body), m->body, indent + 2);
}

/* A member that takes lines of its own below its name. */
static void dump_block(FILE *f, const struct of_row *row, const void *member, int indent)
{
	const struct of_any *body;

	fputc('\n', f);
	switch (row->kind) {
	case OF_ROW_MATCH:
	case OF_ROW_FIELDS:
		dump_match(f, member, indent);
		break;
	case OF_ROW_OXM:
		dump_oxm(f, member, indent);
		break;
	case OF_ROW_SUB:
		dump_rows(f, &of_descs[row->arg], member, indent);
		break;
	case OF_ROW_LIST:
	case OF_ROW_ARRAY:
		dump_list(f, member, indent);
		break;
	case OF_ROW_MSG:
		dump_msg(f, *(struct of_msg *const *)member, indent);
		break;
	case OF_ROW_BODY:
		body = *(struct of_any *const *)member;
		fprintf(f, "%*s%s\n", indent, "", body ? of_desc(body)->name : "none");
		if (body)
			dump_rows(f, of_desc(body), body, indent + 2);
		break;
	}
}

static void dump_bytes(FILE *f, const struct of_row *row, const uint8_t *p)
{
	fputc(' ', f);
	if (row->fmt == OF_FMT_MAC)
		dump_mac(f, p);
	else if (row->fmt == OF_FMT_TEXT)
		dump_text(f, p, row->size);
	else
		dump_hex(f, p, row->size);
	fputc('\n', f);
}

static void dump_member(FILE *f, const struct of_row *row, const void *member, int indent)
{
	const struct of_subfield *sf = member;
	const struct of_words *words = member;
	const struct of_span *span = member;
	const struct of_halves *halves = member;
	const struct of_field *fd;

	begin(f, indent, row->name);
	switch (row->kind) {
	case OF_ROW_UINT:
		fputc(' ', f);
		dump_uint(f, row, load(member, row->size));
		fputc('\n', f);
		break;
	case OF_ROW_BYTES:
		dump_bytes(f, row, member);
		break;
	case OF_ROW_U32S:
		dump_words(f, member, row->size / 4);
		break;
	case OF_ROW_OXM_ID:
		fd = *(const struct of_field *const *)member;
		fprintf(f, " %s\n", fd ? fd->name : "none");
		break;
	case OF_ROW_OFS_NBITS:
		fprintf(f, " %s[%u..%u]\n", sf->field ? sf->field->name : "none", sf->ofs,
			sf->ofs + sf->n_bits - 1u);
		break;
	case OF_ROW_WORDS:
		dump_words(f, words->v, words->n);
		break;
	case OF_ROW_HALVES:
		for (uint32_t i = 0; i < halves->n; i++)
			fprintf(f, " %u", halves->v[i]);
		fputc('\n', f);
		break;
	case OF_ROW_CODED:
		of_codeds[row->arg].dump(f, member);
		fputc('\n', f);
		break;
	case OF_ROW_IDS:
		dump_ids(f, row->arg, member);
		break;
	case OF_ROW_REST:
		fputc(' ', f);
		dump_hex(f, span->p, span->n);
		fputc('\n', f);
		break;
	default:
		dump_block(f, row, member, indent + 2);
	}
}

static void dump_rows(FILE *f, const struct of_desc *d, const void *s, int indent)
{
	for (const struct of_row *row = d->rows; row->kind != OF_ROW_END; row++)
		if (row->name && row->kind != OF_ROW_OXM_ID_OF)
			dump_member(f, row, (const uint8_t *)s + row->offset, indent);
}

void of_dump(FILE *f, const struct of_msg *m)
{
	dump_msg(f, m, 0);
}

void of_dump_any(FILE *f, const struct of_any *s)
{
	fprintf(f, "%s\n", of_desc(s)->name);
	dump_rows(f, of_desc(s), s, 2);
}

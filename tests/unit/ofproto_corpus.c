/* SPDX-License-Identifier: Apache-2.0 */
/* Spec: 7.1 Header: others' messages read as others read them */
/*
 * Others' messages, read as others read them: ../shared/corpus (its README), when it is there.
 *
 * The JSON beside a message says what an independent decoder found in it.  Its members are compared
 * with ours of the same name, by the descriptor rows; a few names differ and are translated below.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <glob.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "ofproto/desc.h"

#define CORPUS "../shared/corpus/"

static unsigned int compared; /* members */
static const char *file;      /* being read */

static bool present(void)
{
	glob_t g;

	if (glob(CORPUS "README.md", 0, NULL, &g))
		return false;
	globfree(&g);
	return true;
}

static uint8_t *slurp(const char *path, size_t *n)
{
	static uint8_t buf[1 << 20];
	FILE *f = fopen(path, "rb");

	assert_non_null(f);
	*n = fread(buf, 1, sizeof(buf), f);
	fclose(f);
	return buf;
}

/* ---- What is refused, and why that is right ---- */

static const struct {
	const char *name, *error, *why;
} refused[] = {
	{ "4-2-ofp_flow_mod.packet", "OFPBAC_BAD_EXPERIMENTER", "an action of experimenter 101" },
	{ "4-45-ofp_meter_mod.packet", "OFPMMFC_BAD_BAND", "a band of experimenter 999" },
	{ "4-59-ofp_packet_in.packet", "OFPBMC_BAD_VALUE",
	  "all fields at once, VLAN 999 untagged" },
	{ "4-60-ofp_flow_mod.packet", "OFPBMC_BAD_VALUE", "all fields at once, VLAN 999 untagged" },
	{ "4-63-onf_flow_monitor_request.packet", "OFPBMC_BAD_VALUE",
	  "all fields at once, VLAN 999 untagged" },
	{ "ovs-ofctl-of13-action_ct.packet", "OFPBAC_BAD_SET_LEN", "a zone of 28 bits" },
	{ "libofproto-OFP13-flow_mod.truncated64", "OFPBRC_BAD_LEN", "cut off" },
};

static const char *expected_error(const char *name)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (!strcmp(refused[i].name, name))
			return refused[i].error;
	return "";
}

/* ---- Comparing with JSON ---- */

static void compare_struct(const struct of_any *s, const json_t *j);

/* Our name of a member of theirs; NULL: lengths, types and such, which we have in the header. */
static const char *our_name(const char *theirs)
{
	static const char *const names[][2] = {
		{ "instructions", "insts" }, { "instruction_ids", "ids" },
		{ "table_ids", "ids" },	     { "action_ids", "ids" },
		{ "oxm_ids", "ids" },	     { "note", NULL },
		{ "actions_len", NULL },     { "match_len", NULL },
		{ "ofs_nbits", NULL },	     { "versions", NULL },
		{ "specs", NULL },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(names[i][0], theirs))
			return names[i][1];
	return theirs;
}

/* {"OFPFlowMod": {...}}: the inner object. */
static const json_t *inner(const json_t *j)
{
	return json_object_iter_value(json_object_iter((json_t *)j));
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

static uint64_t number(const json_t *j)
{
	double d = json_number_value(j);

	if (json_is_integer(j))
		return (uint64_t)json_integer_value(j);
	return d >= 0x1p64 ? UINT64_MAX : (uint64_t)d;
}

static bool same_number(uint64_t v, const json_t *j)
{
	return json_is_integer(j) ? v == number(j) : (double)v == json_number_value(j);
}

/* Their value of a field, right-aligned in its bytes: a number, or an address as text. */
static void value_of(const struct of_field *f, const json_t *j, uint8_t *v)
{
	unsigned int m[6];

	if (json_is_number(j)) {
		put_be(v, f->bytes < 8 ? f->bytes : 8, number(j));
		return;
	}
	assert_true(json_is_string(j));
	if (f->fmt == OF_FF_MAC) {
		assert_int_equal(sscanf(json_string_value(j), "%x:%x:%x:%x:%x:%x", &m[0], &m[1],
					&m[2], &m[3], &m[4], &m[5]),
				 6);
		for (unsigned int i = 0; i < 6; i++)
			v[i] = (uint8_t)m[i];
	} else {
		assert_int_equal(inet_pton(f->fmt == OF_FF_IP4 ? AF_INET : AF_INET6,
					   json_string_value(j), v),
				 1);
	}
}

static const struct of_field *field_of(const json_t *tlv)
{
	const char *name = json_string_value(json_object_get(tlv, "field"));
	const struct of_field *f = of_field_by_name(name, strlen(name));

	if (!f)
		fail_msg("%s: a field '%s'", file, name);
	return f;
}

static void compare_oxm(const struct of_oxm *o, const json_t *tlv)
{
	const json_t *mask = json_object_get(tlv, "mask");
	uint8_t v[16] = { 0 };

	assert_ptr_equal(o->field, field_of(tlv));
	value_of(o->field, json_object_get(tlv, "value"), v);
	assert_memory_equal(o->value, v, o->field->bytes);
	assert_int_equal(o->masked, !json_is_null(mask));
	if (o->masked) {
		value_of(o->field, mask, v);
		assert_memory_equal(o->mask, v, o->field->bytes);
	}
	compared++;
}

static void compare_match(const struct of_match *m, const json_t *j)
{
	const json_t *fields = json_object_get(inner(j), "oxm_fields"), *tlv;
	unsigned int n = 0;
	size_t i;

	json_array_foreach (fields, i, tlv) {
		struct of_oxm o;

		of_match_get(m, field_of(inner(tlv)), &o);
		compare_oxm(&o, inner(tlv));
	}
	FIELD_EACH (f)
		n += !f->is_alias && of_match_has(m, f);
	assert_int_equal(n, json_array_size(fields));
}

static void compare_id(const struct of_id *id, const json_t *j)
{
	const char *name;

	if (json_is_number(j)) {
		assert_int_equal(id->type, number(j));
		return;
	}
	j = inner(j);
	name = json_string_value(json_object_get(j, "type"));
	if (name) {
		const struct of_field *f = of_field_by_name(name, strlen(name));

		/* "field_40" and such are fields that they do not know either. */
		assert_ptr_equal(id->field, f);
		assert_int_equal(id->has_mask, number(json_object_get(j, "hasmask")));
	} else {
		assert_int_equal(id->type, number(json_object_get(j, "type")));
	}
}

static void compare_ids(const struct of_ids *ids, const json_t *j)
{
	const json_t *x;
	size_t i;

	assert_int_equal(ids->n, json_array_size(j));
	json_array_foreach (j, i, x) {
		compare_id(&ids->v[i], x);
		compared++;
	}
}

static void compare_list(const struct of_list *l, const json_t *j)
{
	const json_t *x;
	size_t i;

	if (l->n != json_array_size(j))
		fail_msg("%s: %u elements where others read %zu", file, l->n, json_array_size(j));
	json_array_foreach (j, i, x)
		compare_struct(l->v[i], inner(x));
}

static void compare_bytes(const struct of_row *row, const uint8_t *p, const json_t *j)
{
	char mac[18];

	if (row->fmt == OF_FMT_TEXT) {
		assert_int_equal(strlen(json_string_value(j)), strnlen((const char *)p, row->size));
		assert_memory_equal(json_string_value(j), p, strlen(json_string_value(j)));
	} else {
		snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", p[0], p[1], p[2], p[3],
			 p[4], p[5]);
		assert_string_equal(json_string_value(j), mac);
	}
}

/* An array of bytes, or of 32-bit integers. */
static void compare_array(const struct of_span *s, const json_t *j)
{
	size_t unit = s->n == json_array_size(j) ? 1 : 4, i;
	const json_t *x;

	assert_int_equal(s->n, unit * json_array_size(j));
	json_array_foreach (j, i, x)
		assert_int_equal(get_be(s->p + unit * i, (unsigned int)unit), number(x));
}

/* Base64, or an array of numbers. */
static void compare_rest(const struct of_span *s, const json_t *j)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *p = json_string_value(j);
	size_t n = 0, subtype = 0;
	uint8_t bytes[2048];

	if (json_is_array(j) && (!s->n || json_is_number(json_array_get(j, 0)))) {
		compare_array(s, j);
		return;
	}
	if (!p) /* a packet taken apart */
		return;
	for (unsigned int bits = 0, have = 0; *p && *p != '='; p++) {
		bits = bits << 6 | (unsigned int)(strchr(digits, *p) - digits);
		have += 6;
		if (have >= 8) {
			have -= 8;
			assert_true(n < sizeof(bytes));
			bytes[n++] = (uint8_t)(bits >> have);
		}
	}
	/* The subtype of an unknown action of Nicira's is no part of its data to others. */
	if (s->n == n + 2)
		subtype = 2;
	assert_int_equal(n + subtype, s->n);
	assert_memory_equal(bytes, s->p + subtype, n);
}

static void compare_member(const struct of_row *row, const void *member, const json_t *j)
{
	const json_t *x;
	size_t i;

	switch (row->kind) {
	case OF_ROW_UINT:
		if (!json_is_number(j)) /* null; a name for a header */
			return;
		if (!same_number(load(member, row->size), j))
			fail_msg("%s: %s is %lu, others read %lu", file, row->name,
				 load(member, row->size), number(j));
		break;
	case OF_ROW_BYTES:
		compare_bytes(row, member, j);
		break;
	case OF_ROW_U32S:
		json_array_foreach (j, i, x)
			assert_int_equal(((const uint32_t *)member)[i], number(x));
		break;
	case OF_ROW_MATCH:
	case OF_ROW_FIELDS:
		compare_match(member, j);
		return;
	case OF_ROW_OXM:
		compare_oxm(member, inner(j));
		return;
	case OF_ROW_LIST:
	case OF_ROW_ARRAY:
		compare_list(member, j);
		return;
	case OF_ROW_IDS:
		compare_ids(member, j);
		return;
	case OF_ROW_REST:
		compare_rest(member, j);
		break;
	case OF_ROW_SUB: {
		struct of_any *sub = (struct of_any *)member;

		assert_int_equal(sub->kind, row->arg);
		compare_struct(sub, inner(j));
		return;
	}
	default:
		return;
	}
	compared++;
}

static const struct of_row *row_by_kind(const struct of_desc *d, unsigned int kind)
{
	for (const struct of_row *r = d->rows; r->kind != OF_ROW_END; r++)
		if (r->kind == kind)
			return r;
	return NULL;
}

/* Members of a body are theirs of the message; "body" is the list in it, or it itself. */
static void compare_body(const struct of_any *body, const json_t *j)
{
	const json_t *b = json_object_get(j, "body");
	const struct of_row *list = row_by_kind(of_desc(body), OF_ROW_ARRAY);

	if (json_is_array(b) && list)
		compare_list((const void *)((const uint8_t *)body + list->offset), b);
	else if (json_is_array(b) && json_array_size(b) == 1)
		compare_struct(body, inner(json_array_get(b, 0)));
	else if (json_is_object(b))
		compare_struct(body, inner(b));
	else
		compare_struct(body, j);
}

static void compare_struct(const struct of_any *s, const json_t *j)
{
	const struct of_desc *d = of_desc(s);
	const struct of_row *body = row_by_kind(d, OF_ROW_BODY), *row;
	const char *key, *name;
	const json_t *x;
	size_t at;

	json_object_foreach ((json_t *)j, key, x) {
		name = our_name(key);
		row = name ? of_desc_row(d, name, &at) : NULL;
		/* An experimenter's error begins its data with their separate members. */
		if (row && row != body &&
		    !(s->kind == OF_KIND_error_msg && json_object_get(j, "exp_type")))
			compare_member(row, (const uint8_t *)s + row->offset, x);
	}
	if (body)
		compare_body(*(struct of_any *const *)((const uint8_t *)s + body->offset), j);
}

/* ---- The messages ---- */

static void compare_with_json(const struct of_msg *m, const char *name)
{
	char path[512];
	json_error_t e;
	glob_t g;
	json_t *j;

	snprintf(path, sizeof(path), CORPUS "openflow-messages/json-of13/%s.json", name);
	if (glob(path, 0, NULL, &g))
		return;
	globfree(&g);
	j = json_load_file(path, 0, &e);
	/* Numbers past 2^63 are read as reals, and then compared as such. */
	if (!j)
		j = json_load_file(path, JSON_DECODE_INT_AS_REAL, &e);
	if (!j)
		fail_msg("%s: line %d: %s", path, e.line, e.text);
	compare_struct(m->body, inner(j));
	json_decref(j);
}

static void read_message(const char *path)
{
	static uint8_t first[OF_MSG_MAX], second[OF_MSG_MAX];
	const char *name = strrchr(path, '/') + 1, *error = expected_error(name);
	struct of_err refusal = { 0 };
	struct of_msg *m;
	struct arena a;
	size_t size;
	uint8_t *p = slurp(path, &size);
	int n;

	file = name;
	arena_init(&a, 0);
	if (of_decode(p, size, &a, &m, &refusal)) {
		if (strcmp(of_error_code_name(refusal.type, refusal.code), error))
			fail_msg("%s: refused: %s", name, refusal.text);
	} else {
		if (*error)
			fail_msg("%s: read, but should give %s", name, error);
		compare_with_json(m, name);
		n = of_encode(m, first, sizeof(first), NULL);
		assert_true(n > 0);
		assert_int_equal(of_decode(first, (size_t)n, &a, &m, &refusal), 0);
		assert_int_equal(of_encode(m, second, sizeof(second), NULL), n);
		assert_memory_equal(first, second, n);
	}
	arena_fini(&a);
}

static void messages(void **state)
{
	glob_t g;

	if (!present()) {
		print_message("skipped: no %s here\n", CORPUS);
		skip();
	}
	assert_int_equal(glob(CORPUS "openflow-messages/of13/*", 0, NULL, &g), 0);
	assert_true(g.gl_pathc >= 105);
	for (size_t i = 0; i < g.gl_pathc; i++)
		read_message(g.gl_pathv[i]);
	print_message("%zu messages, %u members compared\n", g.gl_pathc, compared);
	assert_true(compared > 1500);
	globfree(&g);
}

/* ---- Lists of actions and instructions ---- */

static size_t unhex(const char *hex, uint8_t *p)
{
	size_t n = 0;
	unsigned int x;

	for (; sscanf(hex, "%2x", &x) == 1; hex += 2)
		p[n++] = (uint8_t)x;
	return n;
}

/* Extensions that are refused as unknown. */
static const char *not_spoken(const char *hex)
{
	if (!strncmp(hex, "ffff00204f4e4600", 16)) /* ONF's copy_field, the move of 1.5 */
		return "OFPBAC_BAD_EXPERIMENTER";
	if (!strncmp(hex + 8, "00002320002e", 12)) /* encap */
		return "OFPBAC_BAD_EXP_TYPE";
	if (strstr(hex, "000023200016")) /* write_metadata as an action: 1.0's only */
		return "OFPBAC_BAD_EXP_TYPE";
	return NULL;
}

/* Those of other versions count where 1.3 has not changed them. */
static bool concerns_us(const json_t *j, const char *hex, const char *error)
{
	const char *of = json_string_value(json_object_get(j, "of"));

	if (error && strstr(error, "DUP_INST")) /* 1.4 */
		return false;
	return !strcmp(of, "1.3") || !strncmp(hex, "ffff", 4) ||
	       !strcmp(json_string_value(json_object_get(j, "kind")), "instructions");
}

static bool read_list(const json_t *j)
{
	const char *hex = json_string_value(json_object_get(j, "hex"));
	const char *error = json_string_value(json_object_get(j, "error"));
	const char *kind = json_string_value(json_object_get(j, "kind"));
	struct of_err refusal = { 0 };
	uint8_t p[2048], again[2048];
	struct of_list l;
	struct arena a;
	size_t n;
	int rc, len;

	if (!concerns_us(j, hex, error) || strchr(hex, ','))
		return false;
	if (not_spoken(hex))
		error = not_spoken(hex);
	arena_init(&a, 0);
	n = unhex(hex, p);
	rc = of_decode_list(*kind == 'a' ? "action" : "inst", p, n, &a, &l, &refusal);
	if (rc && (!error || strcmp(of_error_code_name(refusal.type, refusal.code), error)))
		fail_msg("%s: expected %s, got %s", hex, error ? error : "a list", refusal.text);
	if (!rc && error)
		fail_msg("%s: expected %s", hex, error);
	/* Actions that say nothing beside what is said in their padding come back as they were. */
	if (!rc && *kind == 'a' && !json_array_size(json_object_get(j, "encodes_to"))) {
		len = of_encode_list(&l, again, sizeof(again), NULL);
		assert_int_equal(len, n);
		assert_memory_equal(again, p, n);
	}
	arena_fini(&a);
	return true;
}

static void action_lists(void **state)
{
	char line[8192];
	unsigned int n = 0;
	FILE *f;

	if (!present()) {
		print_message("skipped: no %s here\n", CORPUS);
		skip();
	}
	f = fopen(CORPUS "text-vectors/actions.jsonl", "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		json_error_t e;
		json_t *j = json_loads(line, 0, &e);

		assert_non_null(j);
		n += read_list(j);
		json_decref(j);
	}
	fclose(f);
	print_message("%u lists\n", n);
	assert_true(n > 40);
}

/* ---- Messages with the text that ovs-ofctl prints ---- */

/* Whole messages of 1.3; where ovs-ofctl finds an error, it is of a kind that the switch judges. */
static void printed_messages(void **state)
{
	char line[65536];
	unsigned int n = 0;
	FILE *f;

	if (!present()) {
		print_message("skipped: no %s here\n", CORPUS);
		skip();
	}
	f = fopen(CORPUS "text-vectors/messages.jsonl", "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		static uint8_t p[8192];
		struct of_err refusal = { 0 };
		struct of_msg *m;
		struct arena a;
		json_error_t e;
		json_t *j = json_loads(line, 0, &e);
		const char *hex = json_string_value(json_object_get(j, "hex"));
		const char *text = json_string_value(json_object_get(j, "text"));

		if (!strncmp(hex, "04", 2)) {
			size_t size = unhex(hex, p);

			arena_init(&a, 0);
			if (of_decode(p, size, &a, &m, &refusal) &&
			    !strstr(text, of_error_code_name(refusal.type, refusal.code)))
				fail_msg("%s: %s", hex, refusal.text);
			arena_fini(&a);
			n++;
		}
		json_decref(j);
	}
	fclose(f);
	print_message("%u messages\n", n);
	assert_true(n > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages),
		cmocka_unit_test(action_lists),
		cmocka_unit_test(printed_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What Keystone says of a token, hostile answers among it, and what is remembered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "controller/keystone_login.h"
#include "controller/keystone_token.h"
#include "controller/mem.h"

static const char good[] =
	"{\"token\": {\"methods\": [\"password\"], \"is_admin_project\": true,"
	" \"expires_at\": \"2026-01-31T12:00:00.000000Z\","
	" \"roles\": [{\"id\": \"1\", \"name\": \"member\"}, {\"id\": \"2\", \"name\": "
	"\"service\"}],"
	" \"project\": {\"id\": \"p1\", \"name\": \"red\", \"domain\": {\"id\": \"default\"}}}}";

static int parse(const char *s, struct keystone_token *t)
{
	struct err e = { "" };
	int rc = keystone_token_parse(s, strlen(s), t, &e);

	assert_true(!rc == !e.text[0]);
	return rc;
}

static void answers(void **state)
{
	struct keystone_token t;

	assert_int_equal(parse(good, &t), 0);
	assert_string_equal(t.project, "p1");
	assert_false(t.admin); /* whatever is_admin_project says */
	assert_true(t.service);
	assert_int_equal((long)t.expires, 1769860800);
	assert_int_equal(parse("{\"token\":{\"expires_at\":\"2026-01-31T12:00:00Z\",\"roles\":"
			       "[{\"name\":\"admin\"}],\"system\":{\"all\":true}}}",
			       &t),
			 0);
	assert_true(t.admin && !t.project[0]);
	/* Names that only begin or end like it. */
	assert_int_equal(parse("{\"token\":{\"expires_at\":\"2026-01-31T12:00:00Z\",\"roles\":"
			       "[{\"name\":\"administrator\"},{\"name\":\"Admin\"},{\"name\":"
			       "\"admin\\u0020\"}]}}",
			       &t),
			 0);
	assert_false(t.admin);
	/* Unscoped. */
	assert_int_equal(parse("{\"token\":{\"expires_at\":\"2026-01-31T12:00:00Z\"}}", &t), 0);
	assert_false(t.admin || t.service || t.project[0]);
}

static void times(void **state)
{
	static const char *const bad[] = {
		"",
		"2026-01-31",
		"2026-01-31T12:00:00",
		"2026-01-31T12:00:00+02:00",
		"2026-01-31T12:00:00.Zx",
		"2026-13-31T12:00:00Z",
		"now",
		"2026-01-31T12:00:00.000000ZZ",
	};
	double t;

	assert_int_equal(keystone_time_parse("1970-01-01T00:00:10.9Z", &t), 0);
	assert_int_equal((long)t, 10);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_not_equal(keystone_time_parse(bad[i], &t), 0);
}

/* Cut anywhere it is nobody's token, and an administrator's in no case. */
static void truncated(void **state)
{
	struct keystone_token t;
	struct err e;

	for (size_t n = 0; n < strlen(good); n++) {
		char *cut = mem_dup(good, n ? n : 1); /* so that ASan sees a byte too far */

		assert_int_not_equal(keystone_token_parse(cut, n, &t, &e), 0);
		assert_false(t.admin || t.project[0] || t.expires > 0);
		free(cut);
	}
}

static void hostile(void **state)
{
#define T(members) "{\"token\":{" members "}}"
#define X	   "\"expires_at\":\"2026-01-31T12:00:00Z\","
	static const char *const bad[] = {
		"null",
		"[]",
		"{}",
		"{\"token\":null}",
		"{\"token\":[]}",
		"{\"token\":\"x\"}",
		"{\"error\":{\"code\":200}}",
		T("\"roles\":[]"),
		T("\"expires_at\":null"),
		T("\"expires_at\":1769860800"),
		T("\"expires_at\":\"soon\""),
		T(X "\"roles\":{}"),
		T(X "\"roles\":\"admin\""),
		T(X "\"roles\":[\"admin\"]"),
		T(X "\"roles\":[{\"id\":\"admin\"}]"),
		T(X "\"roles\":[{\"name\":1}]"),
		T(X "\"roles\":[{\"name\":\"admin\"},null]"),
		T(X "\"project\":null"),
		T(X "\"project\":\"p1\""),
		T(X "\"project\":{\"name\":\"red\"}"),
		T(X "\"project\":{\"id\":7}"),
		T(X "\"project\":{\"id\":\"\"}"),
		T(X
		  "\"project\":{\"id\":\"0123456789012345678901234567890123456789012345678901234567"
		  "8901234\"}"),
		T(X "\"roles\":[],\"roles\":[{\"name\":\"admin\"}]"),
		T("\"expires_at\":\"2026-01-31T12:00:00Z\\u0000\""),
		"{\"token\":{}}{\"token\":{}}",
		"\xff\xfe",
	};
	struct keystone_token t;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_not_equal(parse(bad[i], &t), 0);
		assert_false(t.admin || t.project[0] || t.expires > 0);
	}
}

static void huge(void **state)
{
	const size_t n = 1 << 20;
	struct keystone_token t;
	char *s = mem_get(n + 1), *p = s;

	memset(s, '[', n);
	assert_int_not_equal(parse(s, &t), 0);
	p += sprintf(s, "{\"token\":{\"expires_at\":\"2026-01-31T12:00:00Z\",\"roles\":[");
	while (p < s + n - 100)
		p += sprintf(p, "{\"name\":\"r\"},");
	strcpy(p, "{\"name\":\"admin\"}]}}");
	assert_int_not_equal(parse(s, &t), 0);
	assert_false(t.admin);
	free(s);
}

/* ---- what is remembered ---- */

static void hash_of(int i, uint8_t hash[KEYSTONE_HASH])
{
	char token[20];

	snprintf(token, sizeof(token), "token%d", i);
	keystone_hash(token, false, hash);
}

static void hashes(void **state)
{
	uint8_t a[KEYSTONE_HASH], b[KEYSTONE_HASH];

	keystone_hash("abc", false, a);
	keystone_hash("abc", false, b);
	assert_memory_equal(a, b, KEYSTONE_HASH);
	keystone_hash("abc", true, b);
	assert_memory_not_equal(a, b, KEYSTONE_HASH);
	keystone_hash("abd", false, b);
	assert_memory_not_equal(a, b, KEYSTONE_HASH);
}

static void cache_ends(void **state)
{
	struct keystone_cache c = { .max = 8 };
	struct keystone_token t = { .project = "p", .admin = true };
	uint8_t h[KEYSTONE_HASH];

	hash_of(1, h);
	assert_null(keystone_cache_find(&c, h, 0));
	keystone_cache_add(&c, h, &t, 10);
	assert_string_equal(keystone_cache_find(&c, h, 9.9)->token.project, "p");
	assert_null(keystone_cache_find(&c, h, 10));
	assert_int_equal(HASH_COUNT(c.all), 0); /* and is gone */
	keystone_cache_add(&c, h, &t, 10);
	t.admin = false;
	keystone_cache_add(&c, h, &t, 20); /* the later answer counts */
	assert_int_equal(HASH_COUNT(c.all), 1);
	assert_false(keystone_cache_find(&c, h, 15)->token.admin);
	hash_of(2, h);
	keystone_cache_add(&c, h, NULL, 20);
	assert_false(keystone_cache_find(&c, h, 15)->token.admin);
	keystone_cache_clear(&c);
	assert_null(keystone_cache_find(&c, h, 15));
}

static void cache_is_bounded(void **state)
{
	struct keystone_cache c = { .max = 100 };
	uint8_t h[KEYSTONE_HASH];

	for (int i = 0; i < 1000; i++) {
		hash_of(i, h);
		keystone_cache_add(&c, h, NULL, 10);
		assert_true(HASH_COUNT(c.all) <= 100);
	}
	for (int i = 0; i < 1000; i++) {
		hash_of(i, h);
		assert_int_equal(!!keystone_cache_find(&c, h, 5), i >= 900);
	}
	keystone_cache_clear(&c);
}

/* ---- credentials ---- */

static char *login_of(const char *text, int mode, struct err *e)
{
	char path[] = "/tmp/weft-login-XXXXXX";
	int fd = mkstemp(path);
	char *body;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	assert_int_equal(fchmod(fd, (mode_t)mode), 0);
	close(fd);
	e->text[0] = '\0';
	body = keystone_login_read(path, e);
	unlink(path);
	return body;
}

static void logins(void **state)
{
	struct err e;
	char *s = login_of(
		"# of the controller\nexport OS_USERNAME=weft\nOS_PASSWORD='a \"b\" c'\n"
		"OS_PROJECT_NAME=service\nOS_PROJECT_DOMAIN_NAME=\"Default\"\nOS_REGION_NAME=x\n",
		0600, &e);

	assert_non_null(s);
	assert_non_null(strstr(s, "\"password\":\"a \\\"b\\\" c\""));
	assert_non_null(strstr(s, "\"domain\":{\"name\":\"Default\"}"));
	assert_non_null(strstr(s, "\"user\":{\"name\":\"weft\",\"domain\":{\"id\":\"default\"}"));
	keystone_wipe(s);
	s = login_of("OS_APPLICATION_CREDENTIAL_ID=i\nOS_APPLICATION_CREDENTIAL_SECRET=s\n", 0400,
		     &e);
	assert_string_equal(s, "{\"auth\":{\"identity\":{\"methods\":[\"application_credential\"],"
			       "\"application_credential\":{\"id\":\"i\",\"secret\":\"s\"}}}}");
	keystone_wipe(s);
}

static void logins_refused(void **state)
{
	static const struct {
		const char *text, *words;
		int mode;
	} bad[] = {
		{ "", "OS_PASSWORD is missing", 0600 },
		{ "OS_PASSWORD=\n", "OS_PASSWORD is missing", 0600 },
		{ "OS_PASSWORD=x\n", "OS_USERNAME or OS_USER_ID is missing", 0600 },
		{ "OS_PASSWORD=x\nOS_USER_ID=u\n", "OS_PROJECT_NAME or", 0600 },
		{ "OS_APPLICATION_CREDENTIAL_ID=i\n", "belong together", 0600 },
		{ "OS_PASSWORD=\xff\nOS_USERNAME=u\nOS_PROJECT_ID=p\n", "not UTF-8", 0600 },
		{ "OS_PASSWORD=x\nOS_USERNAME=u\nOS_PROJECT_ID=p\n", "mode 640", 0640 },
		{ "OS_PASSWORD=x\nOS_USERNAME=u\nOS_PROJECT_ID=p\n", "mode 604", 0604 },
	};
	struct err e;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_null(login_of(bad[i].text, bad[i].mode, &e));
		if (!strstr(e.text, bad[i].words) || !strstr(e.text, "auth-credentials"))
			fail_msg("'%s' lacks '%s'", e.text, bad[i].words);
	}
	assert_null(keystone_login_read("/nope", &e));
	assert_non_null(strstr(e.text, "No such file"));
	assert_null(keystone_login_read("/tmp", &e));
	assert_non_null(strstr(e.text, "no regular file"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers),    cmocka_unit_test(times),
		cmocka_unit_test(truncated),  cmocka_unit_test(hostile),
		cmocka_unit_test(huge),	      cmocka_unit_test(hashes),
		cmocka_unit_test(cache_ends), cmocka_unit_test(cache_is_bounded),
		cmocka_unit_test(logins),     cmocka_unit_test(logins_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

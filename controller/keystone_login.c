/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/keystone_login.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controller/mem.h"

#define WORDS(X)                                                                              \
	X(USERNAME), X(USER_ID), X(PASSWORD), X(USER_DOMAIN_NAME), X(USER_DOMAIN_ID),         \
		X(PROJECT_NAME), X(PROJECT_ID), X(PROJECT_DOMAIN_NAME), X(PROJECT_DOMAIN_ID), \
		X(APPLICATION_CREDENTIAL_ID), X(APPLICATION_CREDENTIAL_SECRET)
#define AS_ENUM(w) w
#define AS_TEXT(w) "OS_" #w
enum word { WORDS(AS_ENUM), N_WORDS };
static const char *const names[] = { WORDS(AS_TEXT) };

enum { FILE_MAX = 64 << 10 };

/* ---- where they stand ---- */

/* Others in a file that is also sourced by a shell are not ours to judge. */
static void line_take(char *line, char *v[N_WORDS])
{
	char *value;
	size_t n;

	line += strspn(line, " \t");
	if (!strncmp(line, "export ", 7))
		line += 7 + strspn(line + 7, " \t");
	value = strchr(line, '=');
	if (line[0] == '#' || !value)
		return;
	*value++ = '\0';
	n = strcspn(value, "\r\n");
	while (n && strchr(" \t", value[n - 1]))
		n--;
	if (n >= 2 && (*value == '"' || *value == '\'') && value[n - 1] == *value) {
		value++;
		n -= 2;
	}
	value[n] = '\0';
	for (size_t i = 0; i < N_WORDS; i++)
		if (!strcmp(names[i], line)) {
			keystone_wipe(v[i]);
			v[i] = mem_str(value);
		}
}

static int file_open(const char *path, FILE **f, struct err *e)
{
	struct stat st;

	*f = fopen(path, "re");
	if (!*f || fstat(fileno(*f), &st))
		return err_set(e, -errno, "%s", strerror(errno));
	if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX)
		return err_set(e, -EINVAL, "is no regular file, or longer than %d bytes", FILE_MAX);
	if (st.st_mode & 077)
		return err_set(e, -EPERM,
			       "others than its owner can use it (mode %03o; should be 600 or 400)",
			       st.st_mode & 0777u);
	if (st.st_uid && st.st_uid != geteuid())
		return err_set(e, -EPERM, "it belongs to another user (uid %u)", st.st_uid);
	return 0;
}

static int file_read(const char *path, char *v[N_WORDS], struct err *e)
{
	char *line = NULL;
	size_t size = 0;
	FILE *f = NULL;
	int rc = file_open(path, &f, e);

	while (!rc && getline(&line, &size, f) >= 0)
		line_take(line, v);
	if (line)
		explicit_bzero(line, size);
	free(line);
	if (f)
		fclose(f);
	return rc;
}

/* ---- what they come to ---- */

/* {"id": ...}, or {"name": ..., "domain": {...}}; the domain is "default" when none is named. */
static json_t *named(const char *id, const char *name, const char *domain_id,
		     const char *domain_name)
{
	if (id)
		return json_pack("{s:s}", "id", id);
	if (domain_name && !domain_id)
		return json_pack("{s:s,s:{s:s}}", "name", name, "domain", "name", domain_name);
	return json_pack("{s:s,s:{s:s}}", "name", name, "domain", "id",
			 domain_id ? domain_id : "default");
}

static json_t *by_application(char *const v[N_WORDS], struct err *e)
{
	if (!v[APPLICATION_CREDENTIAL_ID] || !v[APPLICATION_CREDENTIAL_SECRET]) {
		err_set(e, -EINVAL, "%s and %s belong together", names[APPLICATION_CREDENTIAL_ID],
			names[APPLICATION_CREDENTIAL_SECRET]);
		return NULL;
	}
	return json_pack("{s:{s:{s:[s],s:{s:s,s:s}}}}", "auth", "identity", "methods",
			 "application_credential", "application_credential", "id",
			 v[APPLICATION_CREDENTIAL_ID], "secret", v[APPLICATION_CREDENTIAL_SECRET]);
}

static json_t *by_password(char *const v[N_WORDS], struct err *e)
{
	json_t *user;

	if (!v[PASSWORD] || (!v[USERNAME] && !v[USER_ID]) || (!v[PROJECT_NAME] && !v[PROJECT_ID])) {
		const char *lacks = !v[PASSWORD]		  ? "OS_PASSWORD"
				    : !v[USERNAME] && !v[USER_ID] ? "OS_USERNAME or OS_USER_ID"
								  : "OS_PROJECT_NAME or "
								    "OS_PROJECT_ID";

		err_set(e, -EINVAL, "%s is missing", lacks);
		return NULL;
	}
	user = named(v[USER_ID], v[USERNAME], v[USER_DOMAIN_ID], v[USER_DOMAIN_NAME]);
	if (user && json_object_set_new(user, "password", json_string(v[PASSWORD]))) {
		json_decref(user);
		user = NULL; /* not UTF-8; json_pack() refuses NULL */
	}
	return json_pack("{s:{s:{s:[s],s:{s:o}},s:{s:o}}}", "auth", "identity", "methods",
			 "password", "password", "user", user, "scope", "project",
			 named(v[PROJECT_ID], v[PROJECT_NAME], v[PROJECT_DOMAIN_ID],
			       v[PROJECT_DOMAIN_NAME]));
}

static char *body_make(char *const v[N_WORDS], struct err *e)
{
	bool application = v[APPLICATION_CREDENTIAL_ID] || v[APPLICATION_CREDENTIAL_SECRET];
	json_t *j;
	char *text;

	if (e)
		e->text[0] = '\0';
	j = application ? by_application(v, e) : by_password(v, e);
	if (!j) {
		if (e && !e->text[0])
			err_set(e, -EINVAL, "a value is not UTF-8");
		return NULL;
	}
	text = json_dumps(j, JSON_COMPACT);
	json_decref(j);
	return text;
}

char *keystone_login_read(const char *path, struct err *e)
{
	char *v[N_WORDS] = { NULL }, *body = NULL;
	int rc = 0;

	if (path)
		rc = file_read(path, v, e);
	else
		for (size_t i = 0; i < N_WORDS; i++)
			v[i] = mem_str(getenv(names[i]));
	/* Said empty is not said: OpenStack's scripts do that. */
	for (size_t i = 0; i < N_WORDS; i++)
		if (v[i] && !v[i][0]) {
			free(v[i]);
			v[i] = NULL;
		}
	if (!rc)
		body = body_make(v, e);
	for (size_t i = 0; i < N_WORDS; i++)
		keystone_wipe(v[i]);
	if (body)
		return body;
	if (path)
		err_wrap(e, -EINVAL, "auth-credentials %s", path);
	else
		err_wrap(e, -EINVAL,
			 "auth keystone: credentials in the environment (or in a file, "
			 "--auth-credentials)");
	return NULL;
}

void keystone_wipe(char *secret)
{
	if (!secret)
		return;
	explicit_bzero(secret, strlen(secret));
	free(secret);
}

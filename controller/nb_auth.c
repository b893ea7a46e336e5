/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who asks: nobody is told apart, or tokens from a file.
 *
 * A line of the file: TOKEN [PROJECT [admin|member]]; '#' begins a comment.  A token alone is an
 * administrator's; one with a project and no role is a member's.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/mem.h"
#include "controller/nb.h"

struct token {
	char *text, *project;
	bool admin;
	struct token *next;
};

struct nb_auth {
	char *path; /* NULL: none */
	struct token *tokens;
};

static void tokens_free(struct token *t)
{
	struct token *next;

	for (; t; t = next) {
		next = t->next;
		free(t->text);
		free(t->project);
		free(t);
	}
}

static int line_parse(char *line, struct token **list, struct err *e)
{
	char *save = NULL, *text, *project, *role;
	struct token *t;

	line[strcspn(line, "#\r\n")] = '\0';
	text = strtok_r(line, " \t", &save);
	if (!text)
		return 0;
	project = strtok_r(NULL, " \t", &save);
	role = project ? strtok_r(NULL, " \t", &save) : NULL;
	if (role && strcmp(role, "admin") && strcmp(role, "member"))
		return err_set(e, -EINVAL, "the role is '%s', and should be admin or member", role);
	if (role && strtok_r(NULL, " \t", &save))
		return err_set(e, -EINVAL, "a line is TOKEN [PROJECT [admin|member]]");
	t = mem_get(sizeof(*t));
	t->text = mem_str(text);
	t->project = mem_str(project ? project : "");
	t->admin = !project || (role && !strcmp(role, "admin"));
	t->next = *list;
	*list = t;
	return 0;
}

static int file_read(const char *path, struct token **list, struct err *e)
{
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;
	int rc = 0;

	if (!f)
		return err_set(e, -errno, "token file %s: %s", path, strerror(errno));
	for (int n = 1; !rc && getline(&line, &size, f) >= 0; n++) {
		rc = line_parse(line, list, e);
		if (rc)
			err_wrap(e, rc, "token file %s, line %d", path, n);
	}
	free(line);
	fclose(f);
	if (!rc && !*list)
		rc = err_set(e, -EINVAL, "token file %s has no token in it", path);
	return rc;
}

struct nb_auth *nb_auth_new(const char *how, struct err *e)
{
	struct nb_auth *a = mem_get(sizeof(*a));

	if (!strcmp(how, "none"))
		return a;
	if (!strncmp(how, "token:", 6) && how[6]) {
		a->path = mem_str(how + 6);
		if (!nb_auth_reload(a, e))
			return a;
	} else if (!strncmp(how, "keystone:", 9)) {
		err_set(e, -ENOTSUP,
			"auth '%s': Keystone is not built in yet; use none or token:FILE", how);
	} else {
		err_set(e, -EINVAL, "auth '%s': should be none or token:FILE", how);
	}
	nb_auth_free(a);
	return NULL;
}

void nb_auth_free(struct nb_auth *a)
{
	if (!a)
		return;
	tokens_free(a->tokens);
	free(a->path);
	free(a);
}

int nb_auth_reload(struct nb_auth *a, struct err *e)
{
	struct token *list = NULL;
	int rc;

	if (!a->path)
		return 0;
	rc = file_read(a->path, &list, e);
	if (rc) {
		tokens_free(list);
		return rc;
	}
	tokens_free(a->tokens);
	a->tokens = list;
	return 0;
}

/* Takes as long wherever the first difference is, so that time tells nothing of a token. */
static bool same_token(const char *a, const char *b)
{
	size_t na = strlen(a), nb = strlen(b);
	unsigned int diff = na != nb;

	for (size_t i = 0; i < nb; i++)
		diff |= (unsigned char)a[na ? i % na : 0] ^ (unsigned char)b[i];
	return !diff;
}

int nb_auth_check(const struct nb_auth *a, const char *token, struct nb_who *who)
{
	*who = (struct nb_who){ .admin = true, .project = "" };
	if (!a->path)
		return 0;
	if (!token)
		return -EACCES;
	for (const struct token *t = a->tokens; t; t = t->next)
		if (same_token(t->text, token)) {
			*who = (struct nb_who){ .admin = t->admin, .project = t->project };
			return 0;
		}
	return -EACCES;
}
